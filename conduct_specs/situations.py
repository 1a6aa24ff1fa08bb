"""What a customer or the line brings about: the situations the rules are declared for.

Each is found once per call, however many rules share it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, dropwhile, groupby, islice, pairwise, takewhile
from operator import attrgetter
from pathlib import Path
from statistics import fmean

from msgspec.structs import replace

from pytest_callqa import Finding, Hearing, Moment, Phrase, PhraseBook, Speech, Undecided, situation
from pytest_callqa.call import Case, EventKind
from pytest_callqa.finding import Quote
from pytest_callqa.hearing import Utterance
from pytest_callqa.phrases import Hit, split_words, tokens
from pytest_callqa.rules import Code, Situation

phrases = PhraseBook.load(Path(__file__).parent / "phrases")


def customer_says(*said: Phrase) -> Situation:
    """Every time the customer says one of the phrases."""

    @situation(f"customer says {' or '.join(str(phrase) for phrase in said)}", signs=said, by="customer")
    def find(call: Hearing) -> Iterator[Moment]:
        for found in turns_of(call.customer.says(*said)):
            utterance = found.first.said
            yield Moment(call, utterance.index, start=utterance.end, turn=utterance, finding=found)

    return find


_turn = attrgetter("turn")


def turns_of(finding: Finding) -> Iterator[Finding]:
    """What was found, turn by turn."""
    for _, quotes in groupby(finding.quotes, key=_turn):
        yield finding.only(quotes)


def may_say(speech: Speech, *any_of: Phrase) -> list[Utterance]:
    """The turns that say one of the phrases, each once; all of them where only the sound of a call is known."""
    try:
        said = {quote.turn for quote in speech.says(*any_of).quotes}
    except Undecided:
        if all(utterance.text for utterance in speech):
            raise
        return list(speech)
    return [utterance for utterance in speech if utterance.index in said]


def cut_short(call: Hearing, since: int = -1) -> bool:
    """After the utterance ``since`` the customer hung up before the agent took leave, or the line ended the call."""
    leave = call.customer.since(since).says(phrases.goodbye)
    left = leave.holds and not call.agent.since(leave.quotes[-1].turn)
    hung_up = call.abandoned and not left and not call.agent.since(since).says(phrases.goodbye).holds
    return hung_up or call.agent.since(since).says(phrases.another_phone).holds


def attested(call: Hearing, clause: str) -> Finding:
    """What a person judged of a manual clause."""
    attestation = call.attestation(clause)
    return call.fact(attestation.verdict == "passed", f"the assessor {attestation.assessor} passed it")


# --- the case record ----------------------------------------------------------------------


def ended(call: Hearing) -> datetime | None:
    """When the call ended, by the clock on the wall; None when it is not known."""
    started = call.record.started
    return None if started is None else started + timedelta(seconds=call.end or 0.0)


def last_known(call: Hearing) -> datetime | None:
    """The latest time that the call or its case record mentions: what happened later is not known."""
    case = call.case or Case()
    times = [ended(call), case.opened, case.closed, case.reopened, case.handed_over, case.second_line, case.escalated]
    times += [case.recovered, *(visit.time for visit in case.follow_ups)]
    return max((time for time in times if time is not None), default=None)


def in_time(call: Hearing, what: str, done: datetime | None, *, since: datetime | None, hours: float) -> Finding:
    """Whether something was done within so many hours; Undecided while that can still happen."""
    if since is None:
        raise Undecided(f"{what}: the record does not say since when the {hours:g} h run")
    latest = done or last_known(call) or since
    late = latest - since > timedelta(hours=hours)
    if done is None and not late:
        raise Undecided(f"{what}: not yet, but the {hours:g} h were not over when the record ends")
    took = f"done after {(done - since) / timedelta(hours=1):.1f} h" if done else "never done"
    return call.fact(done is not None and not late, f"{what} within {hours:g} h ({took})")


def hours_to_solve(call: Hearing, code: Code) -> float:
    """The service time limit of the case: by its category and the class of its customer."""
    case = call.case or Case()
    limits = code.table("time_limits")
    default = limits["default"]["default"]
    row = limits.get(case.category, limits["default"])
    return row.get(case.customer_class or call.record.customer_class, row.get("default", default))


def solved_in_call(call: Hearing, case: Case, code: Code) -> bool:
    """Whether the case was solved in the call, or closed in the work after it. Raises Undecided without its status."""
    end = ended(call)
    if case.closed is not None:
        return end is None or case.closed <= end + timedelta(seconds=code.work_after_call)
    if not case.status:
        raise Undecided("the case record has no status")
    return case.status == "solved"


# --- 1 purpose ----------------------------------------------------------------------------


@situation("an inbound call")
def inbound(call: Hearing) -> Iterator[Moment]:
    """A call of unknown direction counts as inbound."""
    if call.record.direction != "outbound":
        yield Moment(call, -1, start=0.0)


def seconds_ringing(call: Hearing) -> float | None:
    """Seconds from the first ring until somebody answers or hangs up; None when it is not known."""
    if call.record.ring_time is not None:
        return call.record.ring_time
    ring = next((event.time for event in call.events("ring")), None)
    over = next((event.time for event in call.events("answer", "hangup")), None)
    return None if ring is None or over is None else over - ring


def _with_case(call: Hearing, *, holds: bool) -> Iterator[Moment]:
    """One moment, at the end of the call."""
    if holds:
        yield Moment(call, len(call.utterances) - 1, start=call.end)


@situation("the case is unresolved at the end of the call")
def case_unresolved(call: Hearing, code: Code) -> Iterator[Moment]:
    """One moment, at the end of the call."""
    case = call.case
    return _with_case(call, holds=case is not None and not solved_in_call(call, case, code))


@situation("a case of application usage is closed")
def usage_case_closed(call: Hearing) -> Iterator[Moment]:
    """One moment, at the end of the call."""
    case = call.case
    return _with_case(call, holds=case is not None and case.kind == "application usage" and case.closed is not None)


@situation("a case is closed as solved")
def case_solved(call: Hearing) -> Iterator[Moment]:
    """A case reopened later counts: it had been closed as solved."""
    case = call.case
    return _with_case(call, holds=case is not None and (case.status == "solved" or case.reopened is not None))


# --- 2 duties -----------------------------------------------------------------------------


@situation("the agent speaks")
def agent_speaks(call: Hearing) -> Iterator[Moment]:
    """One moment."""
    if call.agent:
        yield Moment(call, -1, start=call.agent.start)


customer_asks = customer_says(phrases.customer_question)
customer_registers = customer_says(phrases.customer_registers)


_asks_or_reports = customer_says(phrases.customer_question, phrases.customer_problem)


@situation("customer brings a question or a problem", signs=_asks_or_reports)
def customer_brings_something(call: Hearing, code: Code) -> Iterable[Moment]:
    """The first time."""
    return _asks_or_reports.moments(call, code)[:1]


@situation("a difficult problem")
def difficult_problem(call: Hearing, code: Code) -> Iterator[Moment]:
    """The case is marked difficult, or the agent cannot answer and the case is not solved in the call after all."""
    case = call.record.case
    said = call.agent.says(phrases.agent_cannot_answer)
    if case is not None and case.difficult:
        yield Moment(call, said.first.turn if said.first else -1, start=said.start or 0.0, finding=said)
    elif said.first and (case is None or not solved_in_call(call, case, code)):
        turn = call.utterances[said.first.turn]
        yield Moment(call, turn.index, start=said.end, turn=turn, finding=said)


@situation("customer finishes a turn")
def customer_finishes_turn(call: Hearing, code: Code) -> Iterator[Moment]:
    """And the agent answers. Not while the customer waits, on hold or asked to; nor after the customer's goodbye."""
    call.need_roles()
    waiting = {utterance.index for utterance in may_say(call.agent, phrases.ask_wait)}
    leaving = {utterance.index for utterance in may_say(call.customer, phrases.goodbye)}
    if call.wordless:  # the first thing that somebody says is no farewell, and asks nobody to wait
        waiting.discard(call.agent[0].index if call.agent else -1)
        leaving.discard(call.customer[0].index if call.customer else -1)
    doubt = "whether the customer was asked to wait is not known: only the sound is"
    holds = [event.time for event in call.events("hold") if event.time is not None]
    for said, answer in pairwise(call.utterances):
        if answer.role != "agent" or said.role != "customer":
            continue
        excused = said.index - 1 in waiting or said.index in leaving
        if excused and (said.text or _pause(said, answer) is None):
            continue
        if holds and any((said.end or 0.0) <= hold <= (answer.start or 0.0) for hold in holds):
            continue
        slow = excused and (_pause(said, answer) or 0.0) > code.answer - call.clock.tolerance
        doubtful = doubt if slow else ""
        yield Moment(call, said.index, start=said.end, turn=said, end=answer.start, doubt=doubtful)


@situation("a case is opened")
def case_opened(call: Hearing) -> Iterator[Moment]:
    """One moment, at the end of the call."""
    case = call.case
    return _with_case(call, holds=case is not None and case.opened is not None)


# Figures as people say them one by one.
_FIGURES = {"zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6"}
_FIGURES |= {"seven": "7", "eight": "8", "nine": "9"} | dict(zip("零一二三四五六七八九幺", "01234567891", strict=True))

_SENTENCE = re.compile(r"[^.?!。？！]*(?:[.](?=\S)[^.?!。？！]*)*")
_MAIL = re.compile(r"(\S+?)(?:@| at )\S+?(?:[.]| dot )")


def figures(text: str) -> str:
    """The figures in a text, written or spelled; a space wherever something else was said."""
    return "".join([word if word.isdecimal() else _FIGURES.get(word, " ") for word in split_words(text)])


def _codes(text: str) -> set[str]:
    """What mixes letters and figures, such as passwords, and the names in front of an e-mail's @."""
    mixed = {
        word
        for word in split_words(text)
        if word.isascii() and word.isalnum() and not word.isalpha() and not word.isdecimal()
    }
    return mixed | {mail.lower() for mail in _MAIL.findall(text)}


def _verified(call: Hearing, before: Quote) -> bool:
    """Whether the customer's identity had been checked by then: noted, or asked for and answered."""
    asked = call.agent.until(before.turn).says(phrases.asks_identity).first
    if asked and call.customer.since(asked.turn).until(before.turn):
        return True
    passed = call.events("verified")
    return any(event.time is None or event.time <= call.clock.need(before.start, str(before)) for event in passed)


def confidential_data(call: Hearing, code: Code) -> Finding:
    """What the agent tells of a customer who had neither told it before nor been verified ("your card number is …")."""
    found = []
    begins = (phrases.personal_number, phrases.personal_address)
    for quote in call.agent.says(*begins).quotes:
        text = call.utterances[quote.turn].text
        sentence = text[quote.first : _SENTENCE.match(text, quote.last).end()]
        least = code.confidential_digits if quote.phrase == "personal_number" else 1
        told = call.customer.until(quote.turn).text
        told_figures, told_codes = figures(told).replace(" ", ""), _codes(told)
        numbers = [run for run in figures(sentence).split() if len(run) >= least and run not in told_figures]
        if (numbers or _codes(sentence) - told_codes) and not _verified(call, quote):
            told = Hit(quote.first, quote.first + len(sentence), quote.score)
            found.append(call.quote(call.utterances[quote.turn], told, quote.phrase))
    asked = "the agent tells what only the customer may know"
    return Finding(asked, call.clock, call.trace, quotes=tuple(found), sought=begins)


_COUNTS = {word: float(figure) for word, figure in _FIGURES.items()} | {"half": 0.5, "ten": 10}
_COUNTS |= {"twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "sixty": 60, "seventy": 70}
_COUNTS |= {"两": 2, "半": 0.5}
_HOURS = {"minute": 1 / 60, "hour": 1, "day": 24, "week": 168, "分": 1 / 60, "时": 1, "天": 24, "日": 24, "周": 168}


def hours_named(call: Hearing, quote: Quote) -> float | None:
    """The hours in "within twenty-four hours"; None when the quote names no such span ("by tomorrow")."""
    hours, count = None, 0.0
    for token in tokens(call.utterances[quote.turn].text[: quote.last]):
        unit = _HOURS.get(token.text.removesuffix("s"))
        if token.text in ("a", "an"):
            count = count or 1
        elif token.text == "十":
            count = 10 * (count or 1)
        elif token.text.isdecimal() or token.text in _COUNTS:
            count += float(_COUNTS.get(token.text, token.text))
        elif unit and count:
            hours = count * unit if token.start >= quote.first else None
            count = 0.0
        elif token.text not in ("business", "working", "um", "uh", "个", "工", "作", "小"):
            count = 0.0
    return hours


# --- 3.1 opening --------------------------------------------------------------------------


def opening(call: Hearing, code: Code) -> Speech:
    """What the agent says first, up to the customer's first turn or the first long pause."""
    call.need_roles()
    said: list[Utterance] = []
    for utterance in call.utterances:
        if utterance.role == "agent":
            pause = _pause(said[-1], utterance) if said else None
            if pause is not None and pause >= code.silence:
                break
            said.append(utterance)
        elif utterance.role == "customer" and said:
            break
    return call.speech(said, "the agent's opening")


def _pause(before: Utterance, after: Utterance) -> float | None:
    """Seconds between two utterances; None when their times are unknown."""
    return None if before.end is None or after.start is None else after.start - before.end


@situation("an inbound call is answered")
def answered(call: Hearing, code: Code) -> Iterator[Moment]:
    """The agent says something; or picks up, and it is not the customer who then hangs up."""
    picked_up = call.agent or (call.events("answer") and not call.abandoned)
    if picked_up and inbound.moments(call, code):
        yield Moment(call, -1, start=call.agent.start)


def unanswered(call: Hearing, code: Code) -> Speech:
    """What the agent says after the greeting before the customer says anything at all."""
    said = opening(call, code)
    if call.wordless:
        greeted = len(said)  # up to the first long pause
    else:
        counts = range(1, len(said) + 1) if len(said) > 1 else ()
        greeted = next((n for n in counts if call.speech(said[:n], "").says(phrases.greeting).holds), 1)
    rest = call.utterances[said[greeted - 1].index + 1 :] if said else ()
    alone = takewhile(lambda utterance: utterance.role != "customer", rest)
    return call.speech((each for each in alone if each.role == "agent"), "the agent, to a silent customer,")


def _still_silent(call: Hearing, last: Utterance, code: Code) -> Iterator[Moment]:
    """A moment if the customer stays silent long enough after this, and leaves the next move to the agent.

    Who breaks into it was not silent.

    An agent who hangs up does not wait: that counts as silence however short it was.
    """
    later = call.utterances[last.index + 1 :]
    following = next((each for each in later if each.role in ("agent", "customer")), None)
    if following.role == "customer" or following.index in call.cut_off if following else call.abandoned:
        return
    customer = next((each for each in later if each.role == "customer"), None)
    left = customer is None and call.hangup is not None and call.hangup.by == "agent"
    until = call.end if customer is None else customer.start
    spent = call.clock.need(until, "the end of the silence") - call.clock.need(last.end, "the start of the silence")
    doubt = ""
    if not left:
        try:
            if not call.clock.reaches(spent, code.silence, "the customer's silence"):
                return
        except Undecided as borderline:
            doubt = str(borderline)
        if not following:
            doubt = "the call ends in silence, and who hung up is not known"
    yield Moment(call, last.index, start=last.end, doubt=doubt)


@situation("customer silent after the greeting")
def silent_after_greeting(call: Hearing, code: Code) -> Iterator[Moment]:
    """For five seconds."""
    if answered.moments(call, code) and (said := opening(call, code)):
        yield from _still_silent(call, said[-1], code)


@situation("agent asks a silent customer what to do for them", signs=(phrases.asks_silent_caller,), by="agent")
def _asked(call: Hearing, code: Code) -> Iterator[Moment]:
    """Every time."""
    if answered.moments(call, code):
        for said in may_say(unanswered(call, code), phrases.asks_silent_caller):
            yield Moment(call, said.index, turn=said)


@situation("customer still silent after being asked", signs=_asked)
def silent_after_asking(call: Hearing, code: Code) -> Iterator[Moment]:
    """For five more seconds."""
    for asked in _asked.moments(call, code)[:1]:
        yield from _still_silent(call, asked.turn, code)


@situation("customer still silent after being asked twice", signs=_asked)
def silent_after_asking_again(call: Hearing, code: Code) -> Iterator[Moment]:
    """For five more seconds."""
    for asked in _asked.moments(call, code)[1:2]:
        yield from _still_silent(call, asked.turn, code)


@situation("agent has said goodbye to a silent customer", signs=(phrases.goodbye,), by="agent")
def said_goodbye_to_silence(call: Hearing, code: Code) -> Iterator[Moment]:
    """The moment starts when the agent stops talking. Without words, what follows two requests is the goodbye."""
    alone = unanswered(call, code) if answered.moments(call, code) else ()
    leave = (alone[2:] if call.wordless else may_say(alone, phrases.goodbye)) if alone else ()
    if leave and not call.abandoned and not call.customer.since(leave[-1].index):
        yield Moment(call, leave[-1].index, start=leave[-1].end, turn=leave[-1])


def seconds_to_hangup(call: Hearing, since: float | None) -> float | None:
    """Seconds from a time to the noted hang-up; None when either is unknown."""
    hangup = call.hangup.time if call.hangup else None
    return None if hangup is None or since is None else hangup - since


# --- 3.2 hearing each other ---------------------------------------------------------------


def seconds_line_stayed_open(call: Hearing, *, after: Finding) -> float | None:
    """Seconds from the turn in which this was said to the hang-up, or at least to the last word said."""
    since = call.utterances[after.quotes[0].turn].end
    noted = seconds_to_hangup(call, since)
    if noted is None and since is not None and call.utterances[-1].index > after.quotes[0].turn:
        return None if call.end is None else call.end - since
    return noted


def _noted(call: Hearing, kind: EventKind) -> Iterator[Moment]:
    """The customer's turns around the events of a kind that somebody noted on the line."""
    for event in call.events(kind):
        if event.by == "agent":
            continue
        time = call.clock.need(event.time, f"the event {kind!r}")
        begun = [each for each in call.utterances if call.clock.need(each.start, "the turns") <= time]
        current = begun[-1] if begun else None
        index = current.index if current else -1
        if current and current.role == "agent" and call.customer.until(index) and (current.end or 0.0) > time:
            index -= 1  # the agent is already reacting
        elif current is None or current.role != "customer":
            index = next((each.index for each in call.customer.since(index)), index)
        yield Moment(call, index, start=time)


def _shown(call: Hearing, sign: Finding, *others: Finding) -> Iterator[Moment]:
    """The agent's own words as the sign, except where they tell of something else; the reply begins with them."""
    elsewhere = {quote.turn for other in others for quote in other.quotes}
    for said in turns_of(sign):
        turn = said.first.turn
        if turn not in elsewhere and call.customer.until(turn):
            utterance = call.utterances[turn]
            yield Moment(call, turn - 1, start=utterance.start, turn=utterance, finding=said)


def _noted_or(call: Hearing, kind: EventKind, shown: Callable[[], Iterable[Moment]]) -> Iterator[Moment]:
    """What somebody noted on the line, and what the words show; what was noted stands where no words are known."""
    noted = list(_noted(call, kind))
    yield from noted
    try:
        yield from list(shown())
    except Undecided:
        if not noted:
            raise


def _in_order(call: Hearing, *found: Iterable[Moment]) -> list[Moment]:
    """Moments by place in the call, without those to which the agent could not reply: the customer hung up."""
    moments = sorted(chain(*found), key=lambda moment: moment.index)
    return [moment for moment in moments if moment.reply or not call.abandoned]


@situation("customer is on hands-free", signs=("hands-free", phrases.hands_free))
def customer_on_hands_free(call: Hearing) -> Iterable[Moment]:
    """Noted on the line, or plain from what the agent says; the first time."""
    return _in_order(call, _noted_or(call, "hands-free", lambda: _shown(call, call.agent.says(phrases.hands_free))))[:1]


@situation("the line is noisy", signs=("noise", phrases.line_noisy))
def line_is_noisy(call: Hearing) -> Iterable[Moment]:
    """Noted on the line, or plain from what the agent says; the first time."""
    return _in_order(call, _noted_or(call, "noise", lambda: _shown(call, call.agent.says(phrases.line_noisy))))[:1]


@situation(
    "a sign of a low voice", signs=("low-volume", phrases.voice_too_low, phrases.speak_louder, phrases.cannot_hear)
)
def _low_voice(call: Hearing) -> list[Moment]:
    """Every sign of a low voice: noted, or the agent says so, or cannot hear for no other reason."""

    def shown() -> Iterator[Moment]:
        other = call.agent.says(phrases.hands_free, phrases.line_noisy)
        unclear = call.agent.says(phrases.ask_repeat)
        elsewhere = [each.reply.spoken() for kind in ("hands-free", "noise") for each in _noted(call, kind)]
        yield from _shown(call, call.agent.says(phrases.voice_too_low, phrases.speak_louder), other, *elsewhere)
        yield from _shown(call, call.agent.says(phrases.cannot_hear), other, unclear, *elsewhere)

    return _in_order(call, _noted_or(call, "low-volume", shown))


@situation("customer's voice is low", signs=_low_voice)
def low_voice(call: Hearing, code: Code) -> Iterable[Moment]:
    """The first time."""
    return _low_voice.moments(call, code)[:1]


@situation("customer's voice stays low after being asked to speak up", signs=(phrases.speak_louder,), by="agent")
def low_voice_persists(call: Hearing, code: Code) -> Iterable[Moment]:
    """The first sign of it after the agent asked; who is talked over asks once more, and that is no sign."""
    asked = [quote.turn for quote in call.agent.says(phrases.speak_louder).quotes if quote.turn not in call.cut_off]
    return [moment for moment in _low_voice.moments(call, code) if asked and moment.index > asked[0]][:1]


def loudness(speech: Speech) -> float:
    """Mean level of the turns in dB. Raises Undecided when they were not measured."""
    levels = [turn.loudness for said in speech for turn in said.pieces if turn.loudness is not None]
    if not levels:
        raise Undecided(f"the transcript has no loudness of {speech.who}")
    return fmean(levels)


def in_dialect(call: Hearing, speech: Speech, code: Code) -> list[Utterance]:
    """The turns marked as a dialect (a known one, or an unlisted variety of a standard language), or with its words."""
    known = {*code.dialects, *code.standard_languages}
    tags = {turn.language.lower() for said in speech for turn in said.pieces if turn.language}
    marked = {tag for tag in tags.difference(code.standard_languages) if tag.partition("-")[0] in known}
    worded = {quote.turn for quote in speech.says(phrases.speaks_dialect).quotes}
    return [
        said
        for said in speech
        if said.index in worded or (marked and any(turn.language.lower() in marked for turn in said.pieces))
    ]


@situation("customer speaks a dialect")
def customer_speaks_dialect(call: Hearing, code: Code) -> Iterable[Moment]:
    """Noted on the line, or plain from a turn's language or words; the first time."""
    heard = in_dialect(call, call.customer, code)
    turns = (Moment(call, said.index, start=said.end, turn=said) for said in heard)
    return _in_order(call, _noted(call, "dialect"), turns)[:1]


# --- 3.3 understanding each other ---------------------------------------------------------


@situation("agent did not catch it", signs=(phrases.ask_repeat, phrases.demands_repeat), by="agent")
def agent_did_not_catch_it(call: Hearing) -> Iterator[Moment]:
    """Plain from the agent's asking again, politely or not."""
    yield from _shown(call, call.agent.says(phrases.ask_repeat, phrases.demands_repeat))


def per_language(call: Hearing, words: float, characters: float) -> float:
    """A limit in words, or in characters for a language written without spaces."""
    return characters if call.language.startswith(("zh", "ja")) else words


@dataclass(frozen=True)
class _Number:
    """A number as said: its first quote, and its figures (the words themselves, for such as "twenty")."""

    quote: Quote
    said: str


def _by_turn(finding: Finding) -> dict[int, list[Quote]]:
    """The quotes of each turn."""
    return {turn: list(quotes) for turn, quotes in groupby(finding.quotes, key=_turn)}


def _numbers(quotes: Sequence[Quote]) -> list[_Number]:
    """The numbers said in a turn; figures with no word or pause between them are one number."""
    found: list[_Number] = []
    for before, quote in zip([None, *quotes], quotes, strict=False):
        if before and quote.first == before.first:  # "24" is heard as twenty and as four
            continue
        between = quote.said.text[before.last : quote.first] if before else ";"
        said = figures(quote.text).strip() or quote.text
        if between == "," or not between.strip(" -./():"):
            found[-1] = _Number(found[-1].quote, found[-1].said + said)
        else:
            found.append(_Number(quote, said))
    return found


@situation("agent gives long information to note", signs=(phrases.said_number, phrases.said_step))
def long_information(call: Hearing, code: Code) -> Iterator[Moment]:
    """Several numbers or steps in one turn, or a long turn with at least one long number.

    Numbers that the customer gave are read back, not given.
    """
    numbers = _by_turn(call.agent.says(phrases.said_number))
    steps = _by_turn(call.agent.says(phrases.said_step))
    least = per_language(call, code.long_information_words, code.long_information_characters)
    many = code.long_information_items
    several = {turn for said in (numbers, steps) for turn, quotes in said.items() if len(quotes) >= many}
    long = {turn for turn in {*numbers, *steps} if is_long(call.utterances[turn].text, least)}
    by_customer = _by_turn(call.customer.says(phrases.said_number)) if several or long else {}
    given = {number.said for quotes in by_customer.values() for number in _numbers(quotes)}
    for turn in sorted(several | long):
        told = [number for number in _numbers(numbers.get(turn, ())) if number.said not in given]
        noted = _to_note(told, steps.get(turn, ()), code, long_turn=turn in long)
        if noted:
            found = Finding("numbers or steps to note", call.clock, call.trace, quotes=tuple(noted))
            yield Moment(call, turn, start=noted[0].start, turn=call.utterances[turn], finding=found)


def is_long(text: str, least: float) -> bool:
    """Whether a text has as many words (Chinese: characters)."""
    could_be = len(text) >= (2 * least - 1 if text.isascii() else least)  # with a space between any two words
    return could_be and len(split_words(text)) >= least


def _to_note(numbers: Sequence[_Number], steps: Sequence[Quote], code: Code, *, long_turn: bool) -> Sequence[Quote]:
    """What a customer would have to write down of a turn; nothing if that is little."""
    if len(numbers) >= code.long_information_items:
        return [number.quote for number in numbers]
    if len(steps) >= code.long_information_items:
        return steps
    digits = code.long_information_digits
    return [n.quote for n in numbers if sum(map(str.isdecimal, n.said)) >= digits] if long_turn else ()


_asks_for_department = customer_says(phrases.customer_wants_department)


@situation("customer asks for another department", signs=_asks_for_department)
def customer_wants_department(call: Hearing, code: Code) -> Iterable[Moment]:
    """The first time."""
    return _in_order(call, _asks_for_department.moments(call, code))[:1]


# --- 3.4 complaints -----------------------------------------------------------------------

_says_hard_to_reach = customer_says(phrases.customer_complains_hard_to_reach)
_says_slow = customer_says(phrases.customer_complains_slow)
_says_rude = customer_says(phrases.customer_complains_attitude)
_swears = customer_says(phrases.customer_swears)


def _rang_long(call: Hearing, code: Code) -> bool:
    """Whether it rang three times and more. When that is not known it counts as no; clause 1.1a tells of it."""
    rings = call.record.rings
    if rings is not None:
        return rings >= code.rings
    rang = seconds_ringing(call)
    by_time = rang is not None and call.clock.reaches(rang, code.rings * code.ring_seconds, "the ringing")
    return by_time or len(call.events("ring")) >= code.rings


@situation("the call rang long, or customer complains of being hard to get through")
def hard_to_reach(call: Hearing, code: Code) -> list[Moment]:
    """Both, if both are so: one apology at the start, one in answer to the complaint."""
    picked_up_late = bool(answered.moments(call, code)) and _rang_long(call, code)
    start = [Moment(call, -1, start=call.agent.start)] if picked_up_late else []
    return _in_order(call, start, _says_hard_to_reach.moments(call, code))


@situation("customer swears", signs=_swears)
def customer_swears(call: Hearing, code: Code) -> list[Moment]:
    """Every outburst."""
    return _in_order(call, _swears.moments(call, code))


@situation("customer goes on swearing", signs=_swears)
def customer_swears_on(call: Hearing, code: Code) -> list[Moment]:
    """The outburst that is one too many, counted from the first that was met with an apology (else from the first)."""
    outbursts = customer_swears.moments(call, code)
    met = (n for n, outburst in enumerate(outbursts) if outburst.reply.says(phrases.apology).holds)
    last_straw = next(met, 0) + code.further_outbursts
    return list(outbursts[last_straw : last_straw + 1])


@situation("customer complains that the agent is slow or unskilled", signs=_says_slow)
def called_slow(call: Hearing, code: Code) -> list[Moment]:
    """Every time; being slow to pick up is another complaint, and so is swearing."""
    others = (*_says_hard_to_reach.moments(call, code), *_swears.moments(call, code))
    elsewhere = {moment.index for moment in others}
    return _in_order(call, (each for each in _says_slow.moments(call, code) if each.index not in elsewhere))


@situation("customer complains of a bad attitude", signs=_says_rude)
def called_rude(call: Hearing, code: Code) -> list[Moment]:
    """The first time."""
    return _in_order(call, _says_rude.moments(call, code))[:1]


def reported_to(name: str, titles: Iterable[str]) -> bool:
    """Whether this names somebody with one of the titles."""
    return any(title in name.lower() for title in titles)


def _complaint(call: Hearing) -> Finding:
    """What the customer complains of, in so many words."""
    return call.customer.says(phrases.customer_complains, phrases.customer_complains_attitude)


def _to_be_closed(call: Hearing) -> Iterator[Moment]:
    """A moment where the complaint is made, unless the agent could not close the call: hung up on, or handed over."""
    made = _complaint(call).first
    if not cut_short(call, made.turn if made else -1) and not call.events("transfer"):
        yield Moment(call, made.turn if made else -1, start=made.end if made else 0.0)


@situation("a complaint is open when the call ends")
def complaint_left_open(call: Hearing, code: Code) -> Iterator[Moment]:
    """By the case record; without one, by the agent's saying that there is no answer yet."""
    case = call.record.case
    complained = case.kind == "complaint" if case and case.kind else _complaint(call).holds
    if complained:
        unanswered_yet = call.agent.says(phrases.agent_cannot_answer).holds
        left_open = not solved_in_call(call, case, code) if case else unanswered_yet or call.case is not None
        yield from _to_be_closed(call) if left_open else ()


@situation("a complaint is accepted")
def complaint_accepted(call: Hearing, code: Code) -> Iterator[Moment]:
    """By the case record or the agent's words, and there is still something to answer."""
    case = call.record.case
    taken = case.kind == "complaint" if case and case.kind else call.agent.says(phrases.takes_complaint).holds
    if taken and not (case and solved_in_call(call, case, code)):
        yield from _to_be_closed(call)


# --- 3.5 systems, suggestions, requests, thanks -------------------------------------------


def _of(call: Hearing, said: Utterance | None, *any_of: Phrase) -> Finding | None:
    """One of the phrases in this utterance; None if there is none."""
    found = call.speech((said,), f"the {said.role}").says(*any_of) if said is not None else None
    return found if found is not None and found.holds else None


def _on_hold(call: Hearing) -> Iterator[Moment]:
    for event in call.events("hold"):
        time = call.clock.need(event.time, "the event 'hold'")
        begun = sum(call.clock.need(said.start, "the turns") <= time for said in call.utterances)
        yield Moment(call, begun - 1, start=time)


_ASKS_AGAIN = (phrases.ask_wait, phrases.asks_silent_caller, phrases.anything_else)


def _system_pauses(call: Hearing, code: Code) -> Iterator[Moment]:
    """Silences that are the agent's, and for the system: the agent's words before or after it say so."""
    for silence in call.silences(code.system_wait):
        before, after = silence.before, silence.after
        if before is None or (after is None and not _hung_up_on(call, before)):
            continue
        if after is not None and "customer" == after.role != before.role:
            continue
        last = before if before.role == "agent" else next(reversed(call.agent.until(before.index)), None)
        turned = _of(call, last, phrases.ask_wait, phrases.goes_to_the_system)
        reply = after if after is not None and after.role == "agent" else None
        inside = before is after  # one turn with a silence in it: the rest of the turn is the reply
        back = _of(call, reply, phrases.kept_waiting, phrases.system_is_slow)
        doubt = silence.doubt
        if not inside and before is last and _of(call, before, phrases.ask_wait, phrases.ask_contact):
            if _of(call, reply, *_ASKS_AGAIN):
                continue  # the customer has not answered yet
            if reply is not None and reply.index in call.cut_off and back is None:
                doubt = doubt or "the agent was cut off, perhaps while asking again: the customer had not answered"
        sign = turned or back
        if sign is not None:
            yield Moment(call, before.index - inside, start=silence.start, end=silence.end, doubt=doubt, finding=sign)


def _hung_up_on(call: Hearing, last: Utterance) -> bool:
    """Whether the agent, without taking leave, ends the call in the silence after this."""
    by_agent = call.hangup is not None and call.hangup.by == "agent"
    return by_agent and _of(call, last, phrases.goodbye) is None


@situation("agent makes the customer wait")
def customer_is_kept_waiting(call: Hearing, code: Code) -> list[Moment]:
    """On hold, or in a long pause for the system (which cannot be told without the ends of turns)."""
    on_hold = list(_on_hold(call))
    if on_hold and call.record.timing in ("none", "start"):
        return on_hold
    return sorted(chain(on_hold, _system_pauses(call, code)), key=lambda moment: moment.index)


@situation("agent tells of a failure", signs=(phrases.tells_of_failure,), by="agent")
def agent_tells_of_failure(call: Hearing) -> Iterator[Moment]:
    """Of the hotline's own equipment, database or network; the first time."""
    return islice(_shown(call, call.agent.says(phrases.tells_of_failure)), 1)


@situation("agent tells of a failure and takes a contact", signs=agent_tells_of_failure)
def contact_taken_in_failure(call: Hearing, code: Code) -> list[Moment]:
    """The agent asks for it, and the case holds one."""
    failures = agent_tells_of_failure.moments(call, code)
    asked = [each for each in failures if each.agent.says(phrases.ask_contact).holds]
    return [each for each in asked if call.case and call.case.contact]


_suggests_or_praises = customer_says(phrases.customer_suggests, phrases.customer_praises)


@situation("customer suggests or praises", signs=_suggests_or_praises)
def customer_suggests_or_praises(call: Hearing, code: Code) -> list[Moment]:
    """Every time. "You have been helpful" is thanks (3.5.5); praise is more than that."""
    return _in_order(call, _suggests_or_praises.moments(call, code))


@situation("agent refuses a request", signs=(phrases.declines, phrases.refuses_bluntly), by="agent")
def agent_refuses(call: Hearing) -> list[Moment]:
    """Plain from the agent's words, politely or not; not knowing the answer yet is no refusal."""
    refused = call.agent.says(phrases.declines, phrases.refuses_bluntly)
    return list(_shown(call, refused, call.agent.says(phrases.agent_cannot_answer)))


_thanks_or_praises = customer_says(phrases.customer_thanks, phrases.customer_praises)


@situation("thanks and praise to answer", signs=(phrases.customer_thanks,), by="customer")
def _thanked(call: Hearing, code: Code) -> list[Moment]:
    """Thanks and praise, from the first thanks on, while the agent has not taken leave.

    "That's all, thank you" and "thanks, bye" ask for the farewell, and "okay, thanks" to a request to wait for nothing.
    """
    no_thanks = {quote.turn for quote in call.customer.says(phrases.customer_nothing_more, phrases.goodbye).quotes}
    no_thanks |= {quote.turn + 1 for quote in call.agent.says(phrases.ask_wait).quotes}
    leave = call.agent.says(phrases.goodbye).first
    said = _in_order(call, _thanks_or_praises.moments(call, code))
    courtesies = [each for each in said if each.index not in no_thanks and (leave is None or each.index < leave.turn)]
    return list(dropwhile(lambda each: not each.said.says(phrases.customer_thanks).holds, courtesies))


@situation("customer thanks", signs=_thanked)
def customer_thanks(call: Hearing, code: Code) -> list[Moment]:
    """The first time."""
    return _thanked.moments(call, code)[:1]


@situation("customer goes on thanking or praising", signs=_thanked)
def customer_thanks_again(call: Hearing, code: Code) -> list[Moment]:
    """The second time."""
    return _thanked.moments(call, code)[1:2]


@situation("agent cannot answer", signs=(phrases.agent_cannot_answer, phrases.casual_answer), by="agent")
def agent_cannot_answer(call: Hearing) -> Iterator[Moment]:
    """Plain from the agent's saying so, or guessing; the first time."""
    return islice(_shown(call, call.agent.says(phrases.agent_cannot_answer, phrases.casual_answer)), 1)


# --- 3.6 explaining and closing -----------------------------------------------------------


@situation("agent has explained a conclusion", signs=(phrases.explains_conclusion,), by="agent")
def agent_explains(call: Hearing) -> Iterator[Moment]:
    """Plain from the words of an explanation: what the reason is, what was found, what follows. The first time.

    Telling that the hotline's own system fails is none.
    """
    failing = call.agent.says(phrases.tells_of_failure)
    return islice(_shown(call, call.agent.says(phrases.explains_conclusion), failing), 1)


_not_clear = customer_says(phrases.customer_does_not_understand, phrases.customer_says_no)


@situation("customer says that the explanation is not clear", signs=_not_clear)
def explanation_is_not_clear(call: Hearing, code: Code) -> list[Moment]:
    """Every time, once something was explained; a bare "no" only straight after "is that clear?"."""
    checks = call.agent.says(phrases.checks_clear)
    explained = call.agent.says(phrases.explains_conclusion, phrases.checks_clear).first
    asked = {quote.turn + 1 for quote in checks.quotes}
    return [
        each
        for each in _in_order(call, _not_clear.moments(call, code))
        if explained and each.index > explained.turn
        if each.index in asked or each.said.says(phrases.customer_does_not_understand).holds
    ]


def last_of_substance(call: Hearing, customer: Speech) -> Utterance | None:
    """The customer's last turn that is more than thanks, praise, goodbye, "that's all" or a sign of listening."""
    courtesies = (phrases.customer_nothing_more, phrases.customer_thanks, phrases.customer_praises, phrases.goodbye)
    light = customer.says(*courtesies)
    heavy = customer.says(phrases.customer_question, phrases.customer_problem)
    empty = {quote.turn for quote in light.quotes} - {quote.turn for quote in heavy.quotes}
    filled = (said for said in reversed(customer) if said.index not in empty)
    return next((said for said in filled if not call.is_backchannel(said)), None)


def _closing(call: Hearing, until: int) -> Moment:
    """The customer's last turn before the utterance ``until`` that is more than thanks, goodbye or "that's all"."""
    last = last_of_substance(call, call.customer.until(until))
    return Moment(call, last.index if last else -1, start=last.end if last else 0.0)


def _blames_the_phone(words: Speech) -> bool:
    """Whether the agent ends the call because of the line: that has a close of its own (3.1.2, 3.2.3, 3.2.4)."""
    return words.says(phrases.another_phone, phrases.no_sound, phrases.line_noisy, phrases.voice_too_low).holds


@situation("the call is about to end")
def call_about_to_end(call: Hearing) -> Iterator[Moment]:
    """The agent takes leave (that is the moment's turn), or the call ends without it and the customer did not hang up.

    Not when the agent hands the call over, or ends it because of the line.
    """
    closing = _closing(call, len(call.utterances))
    if not call.customer or not call.agent or call.events("transfer") or _blames_the_phone(closing.agent):
        return
    leave = closing.agent.says(phrases.goodbye, phrases.brushes_off)
    if leave.first:
        yield replace(closing, start=leave.start, turn=call.utterances[leave.first.turn], finding=leave)
    elif not call.abandoned:
        yield replace(closing, start=call.end)


@situation("customer has nothing more")
def customer_has_nothing_more(call: Hearing, code: Code) -> Iterator[Moment]:
    """The customer says so or says goodbye, or the agent takes leave; a complaint has a close of its own (3.4.5)."""
    for end in call_about_to_end.moments(call, code):
        said = end.customer.says(phrases.customer_nothing_more, phrases.goodbye)
        complaint = end.agent.says(phrases.thanks_for_feedback).holds and end.agent.says(phrases.will_report_up).holds
        if end.agent and (end.turn or said.holds) and not complaint:
            yield end


@situation("customer stays on the line after the farewell", signs=(phrases.goodbye,), by="agent")
def customer_stays_on_the_line(call: Hearing, code: Code) -> list[Moment]:
    """The line is open and silent for five seconds, until the agent does something or somebody hangs up.

    A customer who speaks ends it, unless the agent had let pass as long again.
    """
    leave = call.agent.says(phrases.goodbye).first
    if leave is None or not call.customer:
        return []
    for silence in call.silences(code.silence):
        before, after = silence.before, silence.after
        if before is None or before.index < leave.turn:
            continue
        if after and after.role != "agent" and silence.length < code.silence + code.answer:
            continue
        words = _closing(call, before.index + 1).agent.until(before.index + 1)
        if words.says(phrases.goodbye).holds and not _blames_the_phone(words):
            doubt = silence.doubt
            if after is None and call.hangup is None:
                doubt = "the call ends in silence, and who hung up is not known"
            return _in_order(call, [Moment(call, before.index, start=before.end, doubt=doubt)])
    took_leave = any(end.turn for end in call_about_to_end.moments(call, code))
    if took_leave and call.hangup is None and call.record.duration is None:
        raise Undecided("the transcript does not say when the line was closed")
    return []


@situation("customer stays silent when asked again after the farewell", signs=customer_stays_on_the_line)
def silent_after_farewell(call: Hearing, code: Code) -> Iterator[Moment]:
    """Or hung up on before there was time to answer."""
    for stays in customer_stays_on_the_line.moments(call, code):
        asked = stays.reply.says(phrases.anything_else).first
        if asked:
            yield from _still_silent(call, call.utterances[asked.turn], code)

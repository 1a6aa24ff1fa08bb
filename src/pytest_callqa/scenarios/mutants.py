"""Mutants of a call that keeps a rule: each breaks what the rule's own questions rest on."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import ClassVar

import msgspec
from msgspec.structs import asdict, replace

from pytest_callqa.call import Call, Case, Event, Role
from pytest_callqa.engine import Trial, assertion_at, hear, trials
from pytest_callqa.errors import NotApplicable, Undecided
from pytest_callqa.finding import Finding, Quote, Utterance
from pytest_callqa.hearing import Hearing
from pytest_callqa.rules import Code, Rule
from pytest_callqa.scenarios.editing import (
    Span,
    cut,
    first_turns,
    in_order,
    speaker_of,
    stretched,
    substitute,
    with_turn,
)
from pytest_callqa.verdict import Outcome

SHORTER = 0.8
"""What is left of a wait that a mutant cuts."""

LONGER = 1.2
"""What a mutant makes of a time that must not be longer."""

FIGURES = "4719 5382"
LOUDER = 10.0
"""Decibels."""


class Demand(msgspec.Struct, frozen=True, eq=False):
    """A question a rule asserts in one moment: ``place`` is file and line; ``forbidden`` when it must not hold."""

    moment: int
    finding: Finding
    place: tuple[str, int]
    forbidden: bool


class Seed(msgspec.Struct, frozen=True, eq=False):
    """A call that keeps a rule, and what the rule asked of it.

    ``reads`` are the fields of the case record that the test looked at, ``found_by`` those that its
    situation did.
    """

    rule: Rule
    code: Code
    heard: Hearing
    trials: tuple[Trial, ...]
    demands: tuple[Demand, ...]
    reads: frozenset[str]
    found_by: frozenset[str]

    @property
    def call(self) -> Call:
        """The call itself."""
        return self.heard.record

    @property
    def rests_on(self) -> tuple[object, ...]:
        """What tells it from other seeds of its rule: what brings it about, the words and fields that it rests on."""
        turns = [trial.moment.turn for trial in self.trials]
        signs = ((turn.text, turn.pieces[0].language) for turn in turns if turn is not None)
        words = (quote.text for demand in self.demands for quote in demand.finding.quotes)
        return (self.heard.language, *signs, *words, *sorted(self.reads))

    @property
    def asks_facts(self) -> bool:
        """Whether the rule asserts a fact that no words and no times show."""
        return any(d.finding.fact is not None and d.finding.measure is None for d in self.demands)


class Mutant(msgspec.Struct, frozen=True, eq=False):
    """A call that should no longer keep the rule: ``kind`` of change, in words ``what`` it is.

    ``touched`` are the utterances of the seed that changed, ``demand`` the question it is to break, ``near`` the
    phrase whose near miss ``said`` is; ``situational`` says that the change may undo the situation itself, ``idle``
    that it is none of the rule's business unless a question of the rule has another answer. ``other`` is the same
    change the other way round, which must be caught if this one is not.
    """

    kind: str
    what: str
    call: Call
    touched: frozenset[int] = frozenset()
    demand: Demand | None = None
    near: str = ""
    said: str = ""
    situational: bool = False
    idle: bool = False
    other: Call | None = None


class Watched(Case, frozen=True):
    """A case record that notes which of its fields are read."""

    read: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> object:
        """Note the name of a field."""
        if not name.startswith("_"):
            Watched.read.add(name)
        return super().__getattribute__(name)


def seed(rule: Rule, call: Call, code: Code) -> Seed | None:
    """The call as a seed for mutants of this rule; None when it does not keep the rule."""
    Watched.read.clear()
    watched = replace(call, case=Watched(**asdict(call.case))) if call.case is not None else call
    heard = hear(watched, code)
    heard.consult(rule.books)
    try:
        rule.when.moments(heard, code)
        found_by = frozenset(Watched.read)
        Watched.read.clear()
        tried = trials(rule, heard, code)
    except (Undecided, NotApplicable):
        return None
    reads = frozenset(Watched.read & set(Case.__struct_fields__))
    outcomes = {trial.outcome for trial in tried}
    if Outcome.PASSED not in outcomes or not outcomes <= {Outcome.PASSED, Outcome.NOT_APPLICABLE}:
        return None
    heard = hear(call, code)
    tried = trials(rule, heard, code)
    return Seed(rule, code, heard, tuple(tried), tuple(_demands(tried)), reads, found_by)


def _demands(tried: Sequence[Trial]) -> Iterator[Demand]:
    for number, trial in enumerate(tried):
        if trial.outcome is not Outcome.PASSED:
            continue
        seen = set()
        for finding, file, line in trial.tested:
            statement = assertion_at(file, line)
            if statement is None or (id(finding), line) in seen:
                continue
            seen.add((id(finding), line))
            forbidden = not finding.holds and ast.unparse(statement.test).startswith("not ")
            if forbidden or finding.holds:
                yield Demand(number, finding, (file, line), forbidden)


def mutants(of: Seed) -> Iterator[Mutant]:
    """Every mutant of a seed, each once."""
    known: dict[tuple[str, str], list[Call]] = {}
    for mutant in _all(of):
        alike = known.setdefault((mutant.kind, mutant.what), [])
        if mutant.call not in alike:
            alike.append(mutant.call)
            yield mutant


def _all(of: Seed) -> Iterator[Mutant]:
    for demand in of.demands:
        if demand.forbidden:
            yield from _forbidden(of, demand)
        else:
            yield from _words(of, demand)
            yield from _times(of, demand)
    yield from _hangs_up(of)
    yield from _case(of)
    yield from _record(of)


# -- words


def _units(demand: Demand) -> Iterator[tuple[str, Sequence[Quote]]]:
    """What can be left out of a demand: a part of a phrase, or all that answers it."""
    finding = demand.finding
    parts = dict.fromkeys(quote.part for quote in finding.quotes)
    if len(finding.sought) == 1 and len(parts) > 1:
        for part in parts:
            yield part, [quote for quote in finding.quotes if quote.part == part]
    elif finding.quotes:
        yield "", finding.quotes


def _spans(quotes: Iterable[Quote]) -> tuple[Span, ...]:
    return in_order((quote.turn, quote.first, quote.last) for quote in quotes)


def listen(of: Seed, call: Call) -> Hearing:
    """A changed call, open for the questions of the seed's rule."""
    heard = hear(call, of.code)
    heard.consult(of.rule.books)
    return heard


def _found(of: Seed, demand: Demand, heard: Hearing) -> Finding | None:
    """What still answers a question of the rule in a changed call; None when nothing does."""
    try:
        found = answer(trials(of.rule, heard, of.code), demand)
    except (Undecided, NotApplicable):
        return None
    return found if found is not None and found.holds else None


def answer(tried: Sequence[Trial], demand: Demand) -> Finding | None:
    """The finding of the same question in the same moment."""
    if demand.moment >= len(tried):
        return None
    same = [
        finding
        for finding, file, line in tried[demand.moment].tested
        if (file, line) == demand.place and finding.sought == demand.finding.sought
    ]
    return next(iter(same), None)


def _words(of: Seed, demand: Demand) -> Iterator[Mutant]:
    """Required words left out, replaced, said at another time, or by the other party."""
    for part, quotes in _units(demand):
        named = part or " or ".join(map(str, demand.finding.sought)) or "what is asked for"
        words = " … ".join(quote.text for quote in quotes)
        touched = frozenset(quote.turn for quote in quotes)
        spans = _spans(quotes)
        yield Mutant("dropped", f"without {named}: “{words}”", _without(of, demand, part, spans), touched, demand)
        if not demand.finding.sought:
            continue
        for phrase in demand.finding.sought:
            for text in phrase.book.near_misses(phrase.name, of.heard.language, of.heard.slots):
                near = substitute(of.heard, {span: text if n == 0 else "" for n, span in enumerate(spans)})
                yield Mutant("near miss", f"“{text}” for {named} “{words}”", near, touched, demand, phrase.name, text)
        for kind, role, index in _elsewhere(of, demand, quotes):
            turned = _moved(of, spans, index, role, words)
            who = f", by the {role}" if role != quotes[0].role else ""
            told = f"{named}{who} “{words}” {_where(kind)}"
            yield Mutant(kind, told, turned, touched, demand, situational=role == "customer")


def _where(kind: str) -> str:
    return {"too late": "said later", "too early": "said earlier", "wrong party": "in the same place"}[kind]


def _without(of: Seed, demand: Demand, part: str, spans: Sequence[Span]) -> Call:
    """The call without these words, and without others that would answer the question as well."""
    heard = of.heard
    while spans:
        heard = listen(of, cut(heard, spans))
        found = _found(of, demand, heard)
        spans = _spans(quote for quote in found.quotes if quote.part == part or not part) if found is not None else ()
    return heard.record


def _elsewhere(of: Seed, demand: Demand, quotes: Sequence[Quote]) -> Iterator[tuple[str, Role, int]]:
    """Where the words could stand and not count: after the other party's next turn, before the moment, as theirs."""
    heard, begins = of.heard, first_turns(of.heard)
    role = quotes[0].role
    other: Role = "agent" if role == "customer" else "customer"
    last = demand.finding.speech[-1].index if demand.finding.speech else quotes[-1].turn
    later = next((said for said in heard.utterances[last + 1 :] if said.role == other), None)
    if later is not None:
        yield "too late", role, begins[later.index + 1]
    moment = of.trials[demand.moment].moment
    if moment.index >= 1 and quotes[0].turn > moment.index:
        yield "too early", role, begins[1]
    yield "wrong party", other, begins[quotes[-1].turn + 1]


def _moved(of: Seed, spans: Sequence[Span], index: int, role: Role, words: str) -> Call:
    """The call with the words cut, and a turn of them elsewhere."""
    speaker = next((speaker_of(said) for said in of.heard.utterances if said.role == role), "")
    marked = with_turn(of.call, index, role, words, speaker=speaker)
    heard = hear(marked, of.code)
    begins = first_turns(of.heard)
    shifted = []
    for span in spans:
        turn = begins[span.utterance]
        moved = turn + (turn >= index)
        shifted.append(replace(span, utterance=_utterance_of(heard, moved)))
    return cut(heard, shifted)


def _utterance_of(heard: Hearing, turn: int) -> int:
    begins = first_turns(heard)
    return next(number for number, (first, end) in enumerate(pairwise(begins)) if first <= turn < end)


def _forbidden(of: Seed, demand: Demand) -> Iterator[Mutant]:
    """Every wording of what must not be said, said where it was listened for, after the first thing said there."""
    finding = demand.finding
    where = next(iter(finding.speech), None)
    figures = ""
    if finding.sought and where is None:  # words that are forbidden only with what they introduce
        where = next(iter(of.heard.agent), None)
        figures = f" {FIGURES}"
    if where is None:
        yield from _in_their_language(of, demand)
        return
    index = first_turns(of.heard)[where.index + 1]
    for phrase in finding.sought:
        parts = phrase.book.sentences(phrase.name, of.heard.language, of.heard.slots)
        for said in zip(*parts.values(), strict=False):
            text = ", ".join(said) + figures
            put = with_turn(of.call, index, where.role, text, speaker=speaker_of(where))
            yield Mutant("forbidden", f"with {phrase}: “{text}”", put, demand=demand)


def _in_their_language(of: Seed, demand: Demand) -> Iterator[Mutant]:
    """The agent goes on in the language that brought the moment about, if that is another."""
    moment = of.trials[demand.moment].moment
    turn = moment.turn
    tag = turn.pieces[0].language if turn is not None else ""
    if turn is None or not tag:
        return
    begins = first_turns(of.heard)[turn.index]
    turns = tuple(
        replace(said, language=tag) if index > begins and said.role == "agent" else said
        for index, said in enumerate(of.call.turns)
    )
    changed = replace(of.call, turns=turns)
    yield Mutant("language", f"the agent goes on in {tag}", changed, demand=demand, idle=True)


# -- times


def _times(of: Seed, demand: Demand) -> Iterator[Mutant]:
    """Waits cut to four fifths, and answers that take a fifth too long."""
    measure = demand.finding.measure
    if measure is None:
        return
    goal = measure.limit * (SHORTER if measure.at_least else LONGER)
    change = goal - measure.took
    said = demand.finding.start  # the wait ends with these words, if there are any
    since = said - measure.took if said is not None else of.trials[demand.moment].moment.start or 0.0
    for start, end, name, before in _stretches(of, demand):
        outside = end <= since or (said is not None and end > said + 0.01)
        if outside or (end - start) + change < 0:
            continue
        call = stretched(of.call, start, end, end - start + change)
        verb = "cut" if change < 0 else "drawn out"
        what = (
            f"{name} {verb} from {end - start:.1f} to {end - start + change:.1f} s: {goal:.1f} s of {measure.limit:g}"
        )
        yield Mutant(
            "wait cut" if change < 0 else "too slow", what, call, demand=demand,
            situational=before == "customer", idle=True,
        )  # fmt: skip


def _stretches(of: Seed, demand: Demand) -> list[tuple[float, float, str, str]]:
    """The times between utterances, up to the hang-up, and the one of the moment: start, end, name, who ends it."""
    heard = of.heard
    stretches: list[tuple[float | None, float | None, str, str]] = [
        (said.end, following.start, f"the pause before “{_short(following)}”", following.role)
        for said, following in pairwise(heard.utterances)
    ]
    if heard.hangup is not None and heard.utterances:
        stretches.append((heard.utterances[-1].end, heard.hangup.time, "the time to hanging up", heard.hangup.by))
    ring, answered = (next((e.time for e in heard.events(kind)), None) for kind in ("ring", "answer"))
    stretches.append((ring, answered, "the ringing", "agent"))
    turn = of.trials[demand.moment].moment.turn
    if turn is not None:
        stretches.append((turn.start, turn.end, f"the time for “{_short(turn)}”", turn.role))
    return [
        (start, end, what, who)
        for start, end, what, who in stretches
        if start is not None and end is not None and end >= start
    ]


def _short(said: Utterance) -> str:
    return said.text if len(said.text) <= 40 else f"{said.text[:39]}…"


def _hangs_up(of: Seed) -> Iterator[Mutant]:
    """The agent hangs up instead of saying what was to be said."""
    for number, trial in enumerate(of.trials):
        index = trial.moment.index
        asked = [d for d in of.demands if d.moment == number and not d.forbidden]
        said = [q.turn for d in asked for q in d.finding.quotes if q.role == "agent"]
        if not 0 <= index < min(said, default=-1):
            continue
        last = first_turns(of.heard)[index + 1]
        time = of.heard.utterances[index + 1].start
        over = float("inf") if time is None else time
        events = tuple(e for e in of.call.events if e.kind != "hangup" and (e.time is None or e.time < over))
        hangup = Event(kind="hangup", time=time, by="agent")
        silences = tuple(gap for gap in of.call.silences if gap.end < over)
        call = replace(of.call, turns=of.call.turns[:last], events=(*events, hangup), duration=time, silences=silences)
        gone = frozenset(range(index + 1, len(of.heard.utterances)))
        yield Mutant("hung up", f"the agent hangs up after “{_short(of.heard.utterances[index])}”", call, gone)


# -- the record

_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Case)}
A_MONTH = timedelta(days=31)


def _case(of: Seed) -> Iterator[Mutant]:
    """Fields of the case that the rule reads, emptied; times in it, overrun."""
    case = of.call.case
    if case is None:
        return
    for name in (name for name in sorted(of.reads) if getattr(case, name) != _DEFAULTS[name]):
        changed = replace(case, **{name: _DEFAULTS[name]})
        yield _of_case(of, "case emptied", f"the case without {_words_of(name)}", changed, name)
        for what, value in _emptied(getattr(case, name)):
            yield _of_case(of, "case emptied", f"{_words_of(name)} {what}", replace(case, **{name: value}), name)
        late, early = (_shifted(getattr(case, name), by) for by in (A_MONTH, -A_MONTH))
        if late is not None:
            mutant = _of_case(of, "overrun", f"{_words_of(name)} a month late", replace(case, **{name: late}), name)
            yield replace(mutant, other=replace(of.call, case=replace(case, **{name: early})))
    gone = replace(of.call, case=None, case_known=True)
    yield Mutant("case emptied", "the call without a case", gone, situational=bool(of.found_by), idle=not of.reads)


def _of_case(of: Seed, kind: str, what: str, case: Case, name: str) -> Mutant:
    return Mutant(kind, what, replace(of.call, case=case), situational=name in of.found_by)


def _words_of(name: str) -> str:
    return name.replace("_", " ")


def _emptied(value: object) -> Iterator[tuple[str, object]]:
    """The records that a field of a case holds, without what they say."""
    records = _records(value)
    for name in _names(records, str):
        if any(getattr(record, name) for record in records):
            yield f"without {name}", tuple(replace(record, **{name: ""}) for record in records)


def _shifted(value: object, by: timedelta) -> object:
    """A time of a case, or the times of the records it holds, moved; None when there is none."""
    if isinstance(value, datetime):
        return value + by
    records = _records(value)
    moved = [tuple(replace(r, **{name: getattr(r, name) + by}) for r in records) for name in _names(records, datetime)]
    return moved[0] if moved else None


def _names(records: Sequence[msgspec.Struct], kind: type) -> list[str]:
    """The fields that hold this kind of value in all the records."""
    names = records[0].__struct_fields__ if records else ()
    return [name for name in names if all(isinstance(getattr(record, name), kind) for record in records)]


def _records(value: object) -> tuple[msgspec.Struct, ...]:
    """The records that a field of a case holds, such as its follow-up calls."""
    return tuple(item for item in value if isinstance(item, msgspec.Struct)) if isinstance(value, tuple) else ()


def _record(of: Seed) -> Iterator[Mutant]:
    """What else a call holds: rings, an attestation, how loud the agent is."""
    call = of.call
    if call.rings:
        limit = 3 * call.rings
        rung = replace(call, rings=limit, ring_time=call.ring_time and 3 * call.ring_time)
        yield Mutant("number", f"{limit} rings for {call.rings}", rung, idle=True)
    if of.rule.manual:
        failed = tuple(
            replace(given, verdict="failed") if given.clause == of.rule.clause else given for given in call.attestations
        )
        yield Mutant("attested", "the assessor says no", replace(call, attestations=failed))
    for trial in of.trials:
        index = first_turns(of.heard)[trial.moment.index + 1] if trial.moment.index >= 0 else 0
        louder = tuple(
            replace(said, loudness=said.loudness + LOUDER)
            if n >= index and said.role == "agent" and said.loudness is not None
            else said
            for n, said in enumerate(call.turns)
        )
        if louder != call.turns:
            yield Mutant("number", f"the agent {LOUDER:g} dB louder", replace(call, turns=louder), idle=True)

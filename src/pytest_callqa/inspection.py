"""What one call can and cannot show, and which clauses it leaves undecided: for people who choose what to feed in."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from pytest_callqa.call import MIXED_SPEAKERS, Call, Role
from pytest_callqa.engine import hear, judge
from pytest_callqa.errors import Undecided
from pytest_callqa.finding import clock_time
from pytest_callqa.hearing import Hearing
from pytest_callqa.phrases import PhraseBook
from pytest_callqa.redact import redactor
from pytest_callqa.report.text import visible
from pytest_callqa.rules import RuleBook
from pytest_callqa.verdict import Outcome

AGENTS_SAY = ("offer_help", "ask_wait", "kept_waiting", "invitation", "thanks_customer")
"""Phrases that an agent says and a customer hardly ever, by their names in the worked rule book."""

_ENOUGH = 2  # such phrases, or an offer of help, and twice as many as anybody else
_TIMES = {
    "none": "no times: nothing about pauses, waits or who spoke when",
    "start": "the start of turns only: no pauses, no speaking times",
    "turn": "the start and end of turns",
    "word": "the start and end of words",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Who the speakers seem to be: ``roles`` as ``--roles`` takes them (empty: nothing is suggested), and why."""

    roles: Mapping[str, Role]
    reason: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """A call with what the book makes of it; ``undecided`` holds clauses by their reason, most clauses first."""

    call: Call
    clauses: int
    undecided: Mapping[str, tuple[str, ...]]
    suggestion: Suggestion | None = None
    then_undecided: int | None = None
    """How many clauses would still be undecided with the suggested roles."""


def inspect_call(book: RuleBook, call: Call, *, language: str = "", organisation: str = "") -> Inspection:
    """Judge ``call`` by the rules of ``book`` that need no fixtures; suggest roles if it has none or others."""
    undecided = _undecided(book, call, language, organisation)
    suggestion = None
    then = None
    if call.turns:
        suggestion = suggest_roles(book, call, language=language, organisation=organisation)
        if call.roles != "unknown" and not _contradicts(suggestion, call):
            suggestion = None
        elif suggestion.roles:
            mapped = _mapped(call, suggestion.roles)
            then = sum(map(len, _undecided(book, mapped, language, organisation).values()))
    return Inspection(call, sum(rule.portable for rule in book), undecided, suggestion, then)


def _undecided(book: RuleBook, call: Call, language: str, organisation: str) -> dict[str, tuple[str, ...]]:
    heard = hear(call, book.code, language=language, organisation=organisation)
    found: dict[str, list[str]] = {}
    for rule in book:
        if rule.portable:
            verdict = judge(rule, heard, book.code, quotes=0)
            if verdict.outcome is Outcome.UNDECIDED:
                found.setdefault(verdict.reason, []).append(rule.clause)
    heard.forget()
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return {reason: tuple(clauses) for reason, clauses in ordered}


def suggest_roles(book: RuleBook, call: Call, *, language: str = "", organisation: str = "") -> Suggestion:
    """Who says what agents say (see :data:`AGENTS_SAY`); it is for a person to confirm, never applied by itself."""
    mixed = next((limit for limit in call.limits if limit.startswith(MIXED_SPEAKERS)), "")
    if mixed:
        return Suggestion({}, f"no role map can help, for {mixed}")
    spoken = Counter(turn.speaker for turn in call.turns)
    if len(spoken) < 2 or "" in spoken:
        return Suggestion({}, "the file does not tell the speakers apart, so no role map can help")
    heard = hear(call, book.code, language=language, organisation=organisation)
    said: dict[str, dict[str, str]] = {speaker: {} for speaker in spoken}
    for phrasebook in dict.fromkeys(each for rule in book for each in rule.books):
        for speaker, phrase, quote in _agents_phrases(heard, phrasebook):
            said[speaker].setdefault(phrase, quote)
    counts = Counter({speaker: len(phrases) for speaker, phrases in said.items()})
    (agent, most), (_, second) = counts.most_common(2)
    if most < 2 * second or not (most >= _ENOUGH or "offer_help" in said[agent]):
        return Suggestion({}, "nobody clearly speaks like an agent: listen to the start of the recording")
    others = [speaker for speaker, _ in spoken.most_common() if speaker != agent]
    quotes = [f"“{quote}”" for quote in list(said[agent].values())[:3]]
    reason = f"{agent} says what agents say: {', '.join(quotes)}"
    if len(others) > 1:
        reason += f"; {others[0]} speaks most of the others, and who {', '.join(others[1:])} may be is open"
    return Suggestion({_key(agent): "agent", _key(others[0]): "customer"}, reason)


def _contradicts(suggestion: Suggestion, call: Call) -> bool:
    """Whether somebody speaks like an agent whom the file or the role map calls the customer."""
    return any(turn.role == "customer" and suggestion.roles.get(_key(turn.speaker)) == "agent" for turn in call.turns)


def _agents_phrases(heard: Hearing, book: PhraseBook) -> Iterator[tuple[str, str, str]]:
    for name in AGENTS_SAY:
        if name not in book.names:
            continue
        try:
            quotes = heard.everyone.says(getattr(book, name)).quotes
        except Undecided:  # in a language that the book does not speak
            continue
        for quote in quotes:
            yield heard.utterances[quote.turn].pieces[0].speaker, name, quote.text


def _key(speaker: str) -> str:
    """How ``--roles`` names a speaker most briefly."""
    kind, _, number = speaker.replace("_", " ").rpartition(" ")
    return (
        str(int(number)) if number.isdecimal() and kind.lower() in ("speaker", "spk", "channel", "party") else speaker
    )


def _mapped(call: Call, roles: Mapping[str, Role]) -> Call:
    turns = tuple(msgspec.structs.replace(turn, role=roles.get(_key(turn.speaker), "unknown")) for turn in call.turns)
    return msgspec.structs.replace(call, turns=turns, roles="mapped")


# -- in words


def tell(found: Inspection, width: int = 100) -> Iterator[str]:
    """The inspection as lines for a terminal."""
    call = found.call
    hide = redactor(call.names)
    yield visible(f"{hide.file(call.source) or hide.id(call.id)}: {call.format}, call {hide.id(call.id)}")
    for name, text in _facts(call):
        yield from _entry(name, text, width)
    if not found.undecided:
        yield from _entry("undecided", f"none of the book's {found.clauses} clauses", width)
    else:
        count = sum(map(len, found.undecided.values()))
        yield from _entry("undecided", f"{count} of the book's {found.clauses} clauses:", width)
        for reason, clauses in found.undecided.items():
            yield from _entry("", f"- {reason}: {', '.join(clauses)}", width)
    if found.suggestion is not None:
        if call.roles != "unknown":
            yield from _entry("role map", "who is the agent and who the customer may be the wrong way round", width)
        yield from _suggested(found.suggestion, found.then_undecided, width)


def _suggested(suggestion: Suggestion, then: int | None, width: int) -> Iterator[str]:
    if not suggestion.roles:
        yield from _entry("role map", f"none suggested: {suggestion.reason}", width)
        return
    given = ",".join(f"{speaker}={role}" for speaker, role in suggestion.roles.items())
    yield from _entry("role map", f"if this is right, give --roles {given} (pytest: --callqa-roles)", width)
    yield from _entry("", f"because {suggestion.reason}", width)
    yield from _entry("", f"{then} clauses would then still be undecided", width)


def _facts(call: Call) -> Iterator[tuple[str, str]]:
    """What the call is and shows, by name."""
    length = f", {clock_time(call.duration)} long" if call.duration is not None else ""
    language = f", language {call.language}" if call.language else ", language not stated"
    yield "length", f"{len(call.turns)} turns{length}{language}"
    yield "times", f"{_TIMES[call.timing]}, ±{call.tolerance:g} s" if call.timing != "none" else _TIMES["none"]
    yield "roles", _roles(call)
    yield "silences", _silences(call)
    kinds = Counter(event.kind for event in call.events)
    events = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    yield "events", events or "none: ring, hold, transfer and who hung up are not known"
    sure = any(word.confidence is not None for turn in call.turns for word in turn.words)
    yield "confidence", "of the recogniser, word by word" if sure else "not given by the recogniser"
    doubtful = sum(bool(turn.doubtful) for turn in call.turns)
    if doubtful:
        yield "doubtful", f"{doubtful} turns that the recogniser may have invented"
    case = "with the call" if call.case is not None else "known not to exist" if call.case_known else "not given"
    yield "case", f"{case}; {len(call.attestations)} attestations"
    for number, limit in enumerate(call.limits):
        yield ("" if number else "limits"), f"- {limit}"


def _roles(call: Call) -> str:
    parts = Counter((turn.role, turn.speaker) for turn in call.turns).items()
    listed = ", ".join(f"{speaker or 'nobody named'} ({count} turns)" for (_, speaker), count in parts)
    if call.roles == "unknown":
        return f"not known; speakers: {listed or 'none'}"
    whence = "from the file" if call.roles == "given" else "from the role map"
    named = Counter(turn.role for turn in call.turns)
    return f"{whence}: " + ", ".join(f"{role} {count} turns" for role, count in named.items())


def _silences(call: Call) -> str:
    if call.timing == "word":
        return "measured between words"
    if call.timing == "turn":
        inside = f"; inside turns only the {len(call.silences)} that the vendor lists" if call.silences else ""
        return f"measured between turns{inside or '; one inside a turn is not seen'}"
    if call.timing == "start" and call.silences:
        return f"only the {len(call.silences)} that the vendor lists"
    return "cannot be measured"


def _entry(name: str, text: str, width: int) -> Iterable[str]:
    hanging = " " * (16 if text.startswith("- ") else 14)
    return textwrap.wrap(
        visible(text),
        width,
        initial_indent=f"  {name:<12}",
        subsequent_indent=hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )

"""A failing call in full: its verdicts, and its transcript with the evidence marked and the silences shown."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_callqa import ledger
from pytest_callqa.report.counting import LETTERS, found_of
from pytest_callqa.report.figures import FailingCall
from pytest_callqa.rules import SEVERITIES, Severity
from pytest_callqa.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a turn that is evidence for a clause, or comes nearest to it (``near``)."""

    first: int
    last: int
    near: bool
    clause: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a turn: plain, or evidence (``hit``) or a nearest miss (``near``).

    ``clauses`` whose evidence ends here, so that they are named once.
    """

    text: str
    kind: str = ""
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A turn of the transcript, cut where evidence begins and ends."""

    index: int
    role: str
    start: float | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence; ``inside`` when the turn before it goes on after it. ``clauses`` were broken at it."""

    start: float
    seconds: float
    inside: bool
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict *failed* or *error*; ``turn`` is where in the transcript to look."""

    clause: str
    title: str
    severity: Severity
    outcome: Outcome
    reason: str
    start: float | None
    line: str
    broken: int
    moments: int
    turn: int | None


@dataclass(frozen=True, slots=True)
class CallView:
    """A failing call in full. ``verdicts`` are what failed or broke, worst first; the rest is named by clause.

    ``doubts`` are the reasons of undecided clauses, each with its clauses.
    """

    call: FailingCall
    entry: ledger.Entry
    verdicts: tuple[Judged, ...]
    doubts: tuple[tuple[str, tuple[str, ...]], ...]
    not_assessed: tuple[str, ...]
    passed: tuple[str, ...]
    not_applicable: tuple[str, ...]
    transcript: tuple[Said | Pause, ...]


def view(run: ledger.Run, call: FailingCall, entry: ledger.Entry) -> CallView:
    """The call as a report shows it."""
    by_letter: dict[str, list[ledger.RuleLine]] = {}
    for rule, letter in zip(run.rules, entry.verdicts, strict=True):
        by_letter.setdefault(letter, []).append(rule)
    named = {letter: tuple(rule.clause for rule in rules) for letter, rules in by_letter.items()}
    verdicts = [
        _judged(entry, rule, letter)
        for letter in "fe"
        for rule in sorted(by_letter.get(letter, []), key=lambda rule: SEVERITIES.index(rule.severity))
    ]
    return CallView(
        call=call,
        entry=entry,
        verdicts=tuple(verdicts),
        doubts=tuple((reason, tuple(clauses)) for reason, clauses in entry.doubts.items()),
        not_assessed=named.get("m", ()),
        passed=named.get("p", ()),
        not_applicable=named.get("n", ()),
        transcript=tuple(_transcript(entry)),
    )


def _judged(entry: ledger.Entry, rule: ledger.RuleLine, letter: str) -> Judged:
    found = found_of(entry, rule.clause)
    return Judged(
        clause=rule.clause,
        title=rule.title,
        severity=rule.severity,
        outcome=LETTERS[letter],
        reason=found.reason,
        start=found.start,
        line=found.line,
        broken=found.broken,
        moments=entry.moments.get(rule.clause, 1),
        turn=_turn(entry, found),
    )


def _turn(entry: ledger.Entry, found: ledger.Found) -> int | None:
    """The turn in which the worst moment lies; without a time, the first evidence's."""
    if found.start is not None:
        begun = [n for n, turn in enumerate(entry.turns) if turn.start is not None and turn.start <= found.start]
        if begun:
            return begun[-1]
    return next((e.turn for e in found.evidence if 0 <= e.turn < len(entry.turns)), None)


def _transcript(entry: ledger.Entry) -> Iterator[Said | Pause]:
    """The turns with their evidence, and each silence after the turn that it follows or lies in."""
    spans: dict[int, list[Span]] = {}
    for clause, found in entry.found.items():
        for e in found.evidence:
            spans.setdefault(e.turn, []).append(Span(e.first, e.last, e.near, clause))
    timed = sorted((turn.start, number) for number, turn in enumerate(entry.turns) if turn.start is not None)
    pauses: dict[int, list[Pause]] = {}
    for start, end in sorted(entry.silences):
        begun = bisect_right(timed, start, key=lambda turn: turn[0])
        after = timed[begun - 1][1] if begun else -1
        pauses.setdefault(after, []).append(_pause(entry, after, start, end))
    yield from pauses.get(-1, ())
    for number, turn in enumerate(entry.turns):
        yield Said(number, turn.role, turn.start, tuple(cut(turn.text, spans.get(number, ()))))
        yield from pauses.get(number, ())


def _pause(entry: ledger.Entry, after: int, start: float, end: float) -> Pause:
    before = entry.turns[after].end if after >= 0 else None
    broken = (c for c, found in entry.found.items() if found.start is not None and abs(found.start - start) < 0.01)
    return Pause(start, end - start, before is not None and before > start, tuple(broken))


def cut(text: str, spans: Iterable[Span]) -> Iterator[Piece]:
    """Cut a turn where spans begin and end; they may overlap, and what reaches beyond the text is cut off.

    Where a nearest miss lies under evidence, it is evidence.
    """
    begins: dict[int, list[Span]] = {}
    ends: dict[int, list[Span]] = {}
    for span in spans:
        first, last = max(span.first, 0), min(span.last, len(text))
        if first < last:
            begins.setdefault(first, []).append(span)
            ends.setdefault(last, []).append(span)
    over: Counter[bool] = Counter()
    place = 0
    for edge in sorted({*begins, *ends, len(text)}):
        if edge > place:
            kind = "hit" if over[False] else "near" if over[True] else ""
            ending = tuple(sorted({span.clause for span in ends.get(edge, ())}))
            yield Piece(text[place:edge], kind, ending)
            place = edge
        over.update(span.near for span in begins.get(edge, ()))
        over.subtract(span.near for span in ends.get(edge, ()))

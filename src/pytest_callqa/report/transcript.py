"""A failing call in full: its verdicts, and its transcript with the evidence marked and the silences shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from pytest_callqa import ledger
from pytest_callqa.report.counting import LETTERS
from pytest_callqa.report.figures import FailingCall
from pytest_callqa.rules import SEVERITIES, Severity
from pytest_callqa.verdict import Evidence, Outcome


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

    role: str
    start: float | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence; ``inside`` when the turn before it goes on after it."""

    start: float
    seconds: float
    inside: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict that is neither passed nor not applicable."""

    clause: str
    title: str
    severity: Severity
    outcome: Outcome
    reason: str = ""
    start: float | None = None
    line: str = ""
    broken: int = 0
    moments: int = 0
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class CallView:
    """A failing call in full: its verdicts, worst first, and its transcript with the evidence marked."""

    call: FailingCall
    entry: ledger.Entry
    verdicts: tuple[Judged, ...]
    passed: tuple[str, ...]
    not_applicable: tuple[str, ...]
    transcript: tuple[Said | Pause, ...]


def view(run: ledger.Run, call: FailingCall, entry: ledger.Entry) -> CallView:
    """The call as a report shows it."""
    by_outcome: dict[str, list[ledger.RuleLine]] = {}
    for rule, letter in zip(run.rules, entry.verdicts, strict=True):
        by_outcome.setdefault(letter, []).append(rule)
    reasons = {clause: reason for reason, clauses in entry.doubts.items() for clause in clauses}
    verdicts = []
    for letter in "feum":
        rules = sorted(by_outcome.get(letter, []), key=lambda rule: SEVERITIES.index(rule.severity))
        for rule in rules:
            found = entry.found.get(rule.clause) or ledger.Found(reason=reasons.get(rule.clause, ""))
            verdicts.append(
                Judged(
                    clause=rule.clause,
                    title=rule.title,
                    severity=rule.severity,
                    outcome=LETTERS[letter],
                    reason=found.reason,
                    start=found.start,
                    line=found.line,
                    broken=found.broken,
                    moments=entry.moments.get(rule.clause, 1),
                    evidence=found.evidence,
                )
            )
    return CallView(
        call=call,
        entry=entry,
        verdicts=tuple(verdicts),
        passed=tuple(rule.clause for rule in by_outcome.get("p", [])),
        not_applicable=tuple(rule.clause for rule in by_outcome.get("n", [])),
        transcript=tuple(_transcript(entry)),
    )


def _transcript(entry: ledger.Entry) -> Iterator[Said | Pause]:
    """The turns with their evidence, and each silence after the turn that it follows or lies in."""
    spans: dict[int, list[tuple[int, int, bool, str]]] = {}
    for clause, found in entry.found.items():
        for e in found.evidence:
            spans.setdefault(e.turn, []).append((e.first, e.last, e.near, clause))
    silences = sorted(entry.silences)
    for number, turn in enumerate(entry.turns):
        while silences and turn.start is not None and silences[0][0] < turn.start:
            yield _pause(silences.pop(0), entry.turns[number - 1] if number else None)
        yield Said(turn.role, turn.start, tuple(cut(turn.text, spans.get(number, ()))))
    for silence in silences:
        yield _pause(silence, entry.turns[-1] if entry.turns else None)


def _pause(silence: tuple[float, float], before: ledger.Line | None) -> Pause:
    start, end = silence
    inside = before is not None and before.end is not None and before.end > start
    return Pause(start, end - start, inside)


def cut(text: str, spans: Iterable[tuple[int, int, bool, str]]) -> Iterator[Piece]:
    """Cut a turn where spans (first, last, near, clause) begin and end; they may overlap and reach too far."""
    kept = {(max(first, 0), min(last, len(text)), near, clause) for first, last, near, clause in spans}
    kept = {span for span in kept if span[0] < span[1]}
    edges = sorted({0, len(text), *(edge for span in kept for edge in span[:2])})
    for first, last in pairwise(edges):
        over = [span for span in kept if span[0] <= first and last <= span[1]]
        kind = "hit" if any(not span[2] for span in over) else "near" if over else ""
        ending = {span[3] for span in over if span[1] == last}
        yield Piece(text[first:last], kind, tuple(sorted(ending)))

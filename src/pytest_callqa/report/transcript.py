"""A call as the page tells it: what was broken and why, and its transcript cut where evidence begins and ends."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from pytest_callqa import ledger
from pytest_callqa.call import Wave
from pytest_callqa.report.counting import found_of
from pytest_callqa.rules import SEVERITIES

TextLevel: TypeAlias = Literal["none", "evidence", "full"]
"""How much of what was said a report shows: nothing, the turns around evidence, or all that the ledger holds."""

AROUND = 1
"""Turns shown before and after one that holds evidence."""

_QUOTE = re.compile(r"“[^”]*”")
_TIMES = {"none": "no times", "start": "starts of turns only", "turn": "of turns", "word": "of words"}


class Span(NamedTuple):
    """A stretch of a turn that is evidence for a rule, or comes nearest to it (``near``)."""

    first: int
    last: int
    near: bool
    rule: int


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of a turn that is evidence (``hit``) or a nearest miss (``near``).

    ``rules`` whose evidence ends here, so that they are named once.
    """

    text: str
    kind: str
    rules: tuple[int, ...]


class Said(msgspec.Struct, frozen=True, array_like=True):
    """A turn: who, when (seconds), and its words cut where evidence begins and ends; None where they are left out."""

    role: str
    start: float | None
    end: float | None
    pieces: tuple[str | Piece, ...] | None


class Pause(msgspec.Struct, frozen=True, array_like=True):
    """A silence after a turn (-1: before all); ``inside`` when that turn goes on after it, ``rules`` broken at it."""

    after: int
    start: float
    seconds: float
    inside: bool
    rules: tuple[int, ...]


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """One answered question; ``near`` when the quote is only the nearest miss, of a ``score`` up to 100 (else 0)."""

    asked: str
    holds: bool
    quote: str
    near: bool
    score: int
    start: float | None


class Judged(msgspec.Struct, frozen=True, omit_defaults=True):
    """A verdict *failed*, *waived* or *error*; ``turn`` is where in the transcript to look."""

    rule: int
    reason: str
    start: float | None = None
    turn: int = -1
    line: str = ""
    broken: int = 0
    asked: tuple[Asked, ...] = ()


class Lane(msgspec.Struct, frozen=True, array_like=True):
    """How loud a channel of the recording is, as the path of an SVG: a unit is a hundredth of a second, 60 are 60 dB.

    ``role`` is whose voice is on it.
    """

    role: str
    path: str


class Told(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A call in full. ``verdicts`` are what failed or broke, worst first; rules are their places in the book."""

    facts: tuple[tuple[str, str], ...] = ()
    recording: str = ""
    waves: tuple[Lane, ...] = ()
    verdicts: tuple[Judged, ...] = ()
    doubts: tuple[tuple[str, tuple[int, ...]], ...] = ()
    moments: tuple[tuple[int, int], ...] = ()
    turns: tuple[Said, ...] = ()
    pauses: tuple[Pause, ...] = ()
    marks: tuple[ledger.Mark, ...] = ()
    case: tuple[tuple[str, str], ...] = ()


def unquoted(reason: str, level: TextLevel) -> str:
    """The reason as this level tells it: at *none* without the words that it quotes."""
    return _QUOTE.sub("“…”", reason) if level == "none" else reason


def tell(run: ledger.Run, order: Mapping[str, int], entry: ledger.Entry, level: TextLevel = "full") -> Told:
    """The call as a report of this level shows it; ``order`` is the place of each clause."""
    failing = [n for n, letter in enumerate(entry.verdicts) if letter in "fwe"]
    failing.sort(key=lambda n: (entry.verdicts[n] != "f", SEVERITIES.index(run.rules[n].severity)))
    verdicts = tuple(_judged(entry, n, found_of(entry, run.rules[n].clause), level) for n in failing)
    return Told(
        facts=facts(entry),
        verdicts=verdicts,
        doubts=tuple((unquoted(why, level), tuple(order[c] for c in named)) for why, named in entry.doubts.items()),
        moments=tuple((order[clause], number) for clause, number in entry.moments.items()),
        turns=tuple(_turns(entry, order, verdicts, level)),
        pauses=tuple(_pauses(entry, order)),
        waves=tuple(Lane(wave.role, _outline(wave)) for wave in entry.waves),
        marks=entry.marks,
        case=tuple(entry.case.items()) if level != "none" else (),
    )


def facts(entry: ledger.Entry) -> tuple[tuple[str, str], ...]:
    """What is known of a call besides its agent, team, language, start and length."""
    known = {
        "file": entry.file,
        "queue": entry.queue,
        "direction": entry.direction,
        "format": entry.format,
        "times": _TIMES.get(entry.timing, entry.timing),
        "limits": "; ".join(entry.limits),
    }
    return tuple((name, value) for name, value in known.items() if value)


def _judged(entry: ledger.Entry, rule: int, found: ledger.Found, level: TextLevel) -> Judged:
    return Judged(
        rule=rule,
        reason=unquoted(found.reason, level)
        + (f"; waived: {found.waiver}" if found.waiver else "")
        + (f"; changed in {found.blamed}" if found.blamed else ""),
        start=_rounded(found.start),
        turn=_turn(entry, found),
        line=found.line,
        broken=found.broken,
        asked=tuple(
            Asked(
                e.asked,
                e.holds,
                e.quote if level != "none" else "",
                e.near,
                round(e.score) if e.near else 0,
                _rounded(e.start),
            )
            for e in found.evidence
        ),
    )


def _turn(entry: ledger.Entry, found: ledger.Found) -> int:
    """The turn in which the worst moment lies; without a time, the first evidence's; -1 where neither is known."""
    if found.start is not None:
        begun = [n for n, turn in enumerate(entry.turns) if turn.start is not None and turn.start <= found.start]
        if begun:
            return begun[-1]
    return next((e.turn for e in found.evidence if 0 <= e.turn < len(entry.turns)), -1)


def _turns(
    entry: ledger.Entry, order: Mapping[str, int], verdicts: Iterable[Judged], level: TextLevel
) -> Iterator[Said]:
    spans: dict[int, list[Span]] = {}
    for clause, found in entry.found.items():
        for e in found.evidence:
            spans.setdefault(e.turn, []).append(Span(e.first, e.last, e.near, order[clause]))
    near = {n + step for n in (*spans, *(v.turn for v in verdicts)) if n >= 0 for step in range(-AROUND, AROUND + 1)}
    for number, turn in enumerate(entry.turns):
        told = level == "full" or (level == "evidence" and number in near)
        pieces = tuple(cut(turn.text, spans.get(number, ()))) if told else None
        yield Said(turn.role, _rounded(turn.start), _rounded(turn.end), pieces)


def _pauses(entry: ledger.Entry, order: Mapping[str, int]) -> Iterator[Pause]:
    """Each silence with the turn that it follows or lies in."""
    timed = sorted((turn.start, number) for number, turn in enumerate(entry.turns) if turn.start is not None)
    for start, end in sorted(entry.silences):
        begun = bisect_right(timed, start, key=lambda turn: turn[0])
        after = timed[begun - 1][1] if begun else -1
        before = entry.turns[after].end if after >= 0 else None
        broken = [c for c, found in entry.found.items() if found.start is not None and abs(found.start - start) < 0.01]
        inside = before is not None and before > start
        yield Pause(after, round(start, 1), round(end - start, 1), inside, tuple(order[c] for c in broken))


def _outline(wave: Wave) -> str:
    """A column for every level; those alike in a row are one. What is below -60 dB is silence."""
    runs = [(level, sum(1 for _ in run)) for level, run in groupby(max(0, (one - 60) // 4 * 2) for one in wave.levels)]
    step = round(wave.seconds * 100)
    return f"M0 0{''.join(f'V{-level}h{step * count}' for level, count in runs)}V0z"


def _rounded(seconds: float | None) -> float | None:
    """To the tenth of a second that a report shows."""
    return None if seconds is None else round(seconds, 1)


def cut(text: str, spans: Iterable[Span]) -> Iterator[str | Piece]:
    """Cut a turn where spans begin and end; they may overlap, and what reaches beyond the text is cut off.

    Where a nearest miss lies under evidence, it is evidence. What is neither is plain text.
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
            ending = tuple(sorted({span.rule for span in ends.get(edge, ())}))
            yield Piece(text[place:edge], kind, ending) if kind else text[place:edge]
            place = edge
        over.update(span.near for span in begins.get(edge, ()))
        over.subtract(span.near for span in ends.get(edge, ()))

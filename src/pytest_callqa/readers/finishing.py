"""The last step of every reader: what a call's own times and roles support, and what is impossible.

A reader says what the file says. Here times are checked, turns are put in order, and ``timing`` and
``roles`` are worked out from what the turns really carry, the same way for every format.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter, le
from typing import NamedTuple

import msgspec

from pytest_callqa.call import MIXED_SPEAKERS, Call, Roles, Timing, Turn, Word
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.roles import RoleMap

MAX_TURN = 16 * 2**20
"""Characters of one turn."""

MAX_TURNS = 50_000

LONGEST = 7 * 24 * 3600.0
"""Seconds: no call lasts a week, so a later time is in the wrong unit."""

YEARS = range(1900, 2200)
"""A time of day outside of them is a mistake, and near the ends of the calendar cannot be computed with."""

FINENESS: tuple[Timing, ...] = ("none", "start", "turn", "word")
"""Timings from the coarsest to the finest."""

_START, _END, _WORDS = attrgetter("start"), attrgetter("end"), attrgetter("words")
_INSTANTS = (
    *("started", "case.opened", "case.closed", "case.reopened", "case.handed_over", "case.second_line"),
    *("case.escalated", "case.deadline", "case.recovered"),
)


def finish(call: Call, roles: RoleMap, *, size: int = MAX_TURN + 1) -> Call:
    """``call`` checked, ordered and with its timing and roles; raises :class:`BadInput`.

    ``size`` is how many bytes it was read from: none of its turns can be longer.
    """
    if not (call.turns or call.events or call.duration):
        raise BadInput("The call has no turns, no events and no duration: there is nothing to judge.")
    if len(call.turns) > MAX_TURNS:
        raise BadInput(f"The call has {len(call.turns)} turns, and more than {MAX_TURNS} are not read: split it.")
    if size > MAX_TURN:
        _check_lengths(call.turns)
    times = _times(call.turns)
    _check_rest(call)
    if FINENESS.index(call.timing) > FINENESS.index(times.timing):
        raise BadInput(
            f'timing is "{call.timing}", but the turns have only "{times.timing}" times: leave timing out, or '
            "give every turn its times.",
            place="$.timing",
        )
    turns = call.turns
    if times.step_back and times.timing != "none":
        turns = tuple(sorted(turns, key=lambda turn: turn.start or 0.0))
    doubts = tuple(_doubts(call, times))
    provenance: Roles = call.roles
    if roles and not any(limit.startswith(MIXED_SPEAKERS) for limit in call.limits):
        turns, provenance = _mapped(turns, roles, provenance)
    if provenance == "unknown" and any(turn.role != "unknown" for turn in turns):
        provenance = "given"
    case_known = call.case_known or call.case is not None
    known = (times.timing, provenance, case_known) == (call.timing, call.roles, call.case_known)
    if known and turns is call.turns and not doubts:
        return call
    return msgspec.structs.replace(
        call,
        turns=turns,
        timing=times.timing,
        roles=provenance,
        limits=call.limits + doubts,
        case_known=case_known,
    )


class _Times(NamedTuple):
    """What a look at every turn tells."""

    timing: Timing
    """The finest times that every turn carries; word times may miss some words."""
    last: float
    """Seconds to the last time of any turn."""
    step_back: float
    """By how many seconds, at most, a turn starts before one that comes earlier in the file."""
    step_at: int
    """Which turn does so."""


def _times(turns: tuple[Turn, ...]) -> _Times:
    """What the times of a call's turns tell; raises :class:`BadInput` for impossible ones."""
    # Nearly every call has all times, in order, and no words. Compared in bulk, they take a third of the time.
    if turns and not any(map(_WORDS, turns)):
        starts, ends = list(map(_START, turns)), list(map(_END, turns))
        try:
            last: float = max(ends)
            if starts == sorted(starts) and starts[0] >= 0 and last <= LONGEST and all(map(le, starts, ends)):
                return _Times("turn", last, 0.0, 0)
        except TypeError:  # a time is missing
            pass
    return _times_one_by_one(turns)


def _check_lengths(turns: tuple[Turn, ...]) -> None:
    for number, turn in enumerate(turns):
        if len(turn.text) > MAX_TURN:
            raise BadInput(f"A turn of more than {MAX_TURN} characters is not read.", place=f"$.turns[{number}]")


def _times_one_by_one(turns: tuple[Turn, ...]) -> _Times:
    """The same by a look at each turn, which can tell what is wrong with it."""
    started = ended = worded = step_at = 0
    latest = last = step_back = 0.0
    for number, turn in enumerate(turns):
        start, end = turn.start, turn.end
        if turn.words:
            worded += _check_words(turn.words, number)
        if start is None:
            if end is not None:
                raise BadInput("The turn has an end and no start: give both or neither.", place=f"$.turns[{number}]")
            continue
        started += 1
        if end is None:
            end = start
        else:
            ended += 1
        # One comparison finds NaN, infinite, negative and reversed times alike.
        if not 0 <= start <= end <= LONGEST:
            raise _impossible(start, end, f"$.turns[{number}]")
        if end > last:
            last = end
        if start >= latest:
            latest = start
        elif latest - start > step_back:
            step_back, step_at = latest - start, number
    return _Times(_timing(len(turns), started, ended, worded), last, step_back, step_at)


def _timing(turns: int, started: int, ended: int, worded: int) -> Timing:
    if not turns or started < turns:
        return "none"
    if ended < turns:
        return "start"
    return "word" if worded else "turn"


def _check_words(words: tuple[Word, ...], turn: int) -> bool:
    """Whether a word has times; raises :class:`BadInput` for impossible ones."""
    timed = False
    for number, word in enumerate(words):
        start, end = word.start, word.end
        if start is None:
            if end is None:
                continue
            start = end
        else:
            timed = True
            if end is None:
                end = start
        if not 0 <= start <= end <= LONGEST:
            raise _impossible(start, end, f"$.turns[{turn}].words[{number}]")
    return timed


def _check_rest(call: Call) -> None:
    for name, value in (("duration", call.duration), ("ring_time", call.ring_time), ("tolerance", call.tolerance)):
        if value and not 0 <= value <= LONGEST:
            raise _impossible(value, value, f"$.{name}")
    times = [call.started]
    case = call.case
    if case is not None:
        times += (case.opened, case.closed, case.reopened, case.handed_over)
        times += (case.second_line, case.escalated, case.deadline, case.recovered)
    if not all([time is None or time.year in YEARS for time in times]):  # noqa: C419 - faster
        place = next(
            n for n, time in zip(_INSTANTS, times, strict=False) if time is not None and time.year not in YEARS
        )
        raise _no_year(f"$.{place}")
    for number, follow_up in enumerate(case.follow_ups if case is not None else ()):
        if follow_up.time.year not in YEARS:
            raise _no_year(f"$.case.follow_ups[{number}].time")
    for number, attestation in enumerate(call.attestations):
        if attestation.time is not None and attestation.time.year not in YEARS:
            raise _no_year(f"$.attestations[{number}].time")
    for number, event in enumerate(call.events):
        if event.time and not 0 <= event.time <= LONGEST:
            raise _impossible(event.time, event.time, f"$.events[{number}].time")
    for number, silence in enumerate(call.silences):
        if not 0 <= silence.start <= silence.end <= LONGEST:
            raise _impossible(silence.start, silence.end, f"$.silences[{number}]")


def _no_year(place: str) -> BadInput:
    return BadInput("The year is not that of a call: export the call again.", place=place)


def _impossible(start: float, end: float, place: str) -> BadInput:
    if start > end >= 0:
        problem = f"It ends at {end:g} s, before it starts at {start:g} s"
    else:
        times = f"{start:g} s" if start == end else f"{start:g} s to {end:g} s"
        problem = f"{times} is not a time within a call"
    return BadInput(f"{problem}: times are seconds from the call's start; export the call again.", place=place)


def _doubts(call: Call, times: _Times) -> Iterator[str]:
    """Notes on times that contradict each other, which rules about time must not trust blindly."""
    if times.step_back > call.tolerance and times.timing != "none":
        yield (
            f"the file's turns go back in time by {times.step_back:.2f} s at turn {times.step_at + 1}; ordered by start"
        )
    if call.duration is not None and times.last > call.duration + call.tolerance:
        yield f"speech goes on until {times.last:.1f} s, though the file says the call lasts {call.duration:.1f} s"


def _mapped(turns: tuple[Turn, ...], roles: RoleMap, before: Roles) -> tuple[tuple[Turn, ...], Roles]:
    found = {turn.speaker: roles.role(turn.speaker) for turn in turns}
    if not any(found.values()):
        return turns, before
    mapped = tuple(
        turn if (role := found[turn.speaker]) is None else msgspec.structs.replace(turn, role=role) for turn in turns
    )
    return mapped, "mapped"

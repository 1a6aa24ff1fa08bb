"""The last step of every reader: what a call's own times and roles support, and what is impossible.

A reader says what the file says. Here times are checked, turns are put in order, and ``timing`` and
``roles`` are worked out from what the turns really carry, the same way for every format.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
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

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""A time of day outside of them is a mistake, and near the ends of the calendar cannot be computed with."""

FINENESS: tuple[Timing, ...] = ("none", "start", "turn", "word")
"""Timings from the coarsest to the finest."""

_INSTANTS = (
    *("started", "case.opened", "case.closed", "case.reopened", "case.deadline", "case.recovered"),
    *("case.handed_over", "case.second_line", "case.escalated"),
)


def finish(call: Call, roles: RoleMap, *, own_roles: bool = False, size: int = MAX_TURN + 1) -> Call:
    """``call`` checked, ordered and with its timing and roles; raises :class:`BadInput`.

    ``own_roles`` says that the role map was written for this call, by someone who knows its speakers;
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
    if call.timing != times.timing and FINENESS.index(call.timing) > FINENESS.index(times.timing):
        raise BadInput(
            f'timing is "{call.timing}", but the turns have only "{times.timing}" times: leave timing out, or '
            "give every turn its times.",
            place="$.timing",
        )
    turns = call.turns
    if times.step_back and times.timing != "none":
        turns = tuple(sorted(turns, key=lambda turn: turn.start or 0.0))
    doubts = tuple(_doubts(call, times)) if times.step_back or call.duration is not None else ()
    provenance: Roles = call.roles
    if roles and (own_roles or not any(limit.startswith(MIXED_SPEAKERS) for limit in call.limits)):
        turns, provenance = _mapped(turns, roles, provenance)
    if provenance == "unknown" and _says_who(turns):
        provenance = "given"
    case_known = call.case_known or call.case is not None
    known = times.timing == call.timing and provenance == call.roles and case_known == call.case_known
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
    step_back: float
    """By how many seconds, at most, a turn starts before one that comes earlier in the file."""
    step_at: int
    """Which turn does so."""


_AS_EXPECTED = _Times("turn", 0.0, 0)


def _times(turns: tuple[Turn, ...]) -> _Times:
    """What the times of a call's turns tell; raises :class:`BadInput` for impossible ones."""
    # Nearly every call has all times, in order, and no words: that is seen with a quarter of the work.
    latest = 0.0
    try:
        for turn in turns:
            start = turn.start
            if not latest <= start <= turn.end <= LONGEST or turn.words:  # type: ignore[operator]  # caught
                return _times_one_by_one(turns)
            latest = start  # type: ignore[assignment]
    except TypeError:  # a time is missing
        return _times_one_by_one(turns)
    return _AS_EXPECTED if turns else _times_one_by_one(turns)


def _check_lengths(turns: tuple[Turn, ...]) -> None:
    for number, turn in enumerate(turns):
        if len(turn.text) > MAX_TURN:
            raise BadInput(f"A turn of more than {MAX_TURN} characters is not read.", place=f"$.turns[{number}]")


def _times_one_by_one(turns: tuple[Turn, ...]) -> _Times:
    """The same by a look at each turn, which can tell what is wrong with it."""
    started = ended = worded = step_at = 0
    latest = step_back = 0.0
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
        if start >= latest:
            latest = start
        elif latest - start > step_back:
            step_back, step_at = latest - start, number
    return _Times(_timing(len(turns), started, ended, worded), step_back, step_at)


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
    # Places are looked up when there is something to say of them: this is run for every call.
    if call.duration or call.ring_time or not 0 <= call.tolerance <= LONGEST:
        for name in ("duration", "ring_time", "tolerance"):
            value = getattr(call, name)
            if value and not 0 <= value <= LONGEST:
                raise _impossible(value, value, f"$.{name}")
    case = call.case
    times: tuple[datetime | None, ...] = (call.started,)
    if case is not None:
        times = (
            call.started,
            case.opened,
            case.closed,
            case.reopened,
            case.deadline,
            case.recovered,
            case.handed_over,
            case.second_line,
            case.escalated,
        )
        for follow_up in case.follow_ups:
            if not FIRST_YEAR <= follow_up.time.year <= LAST_YEAR:
                raise _no_year(f"$.case.follow_ups[{case.follow_ups.index(follow_up)}].time")
    for time in times:
        if time is not None and not FIRST_YEAR <= time.year <= LAST_YEAR:
            raise _no_year(f"$.{_INSTANTS[times.index(time)]}")
    for attestation in call.attestations:
        if attestation.time is not None and not FIRST_YEAR <= attestation.time.year <= LAST_YEAR:
            raise _no_year(f"$.attestations[{call.attestations.index(attestation)}].time")
    for event in call.events:
        if event.time and not 0 <= event.time <= LONGEST:
            raise _impossible(event.time, event.time, f"$.events[{call.events.index(event)}].time")
    for silence in call.silences:
        if not 0 <= silence.start <= silence.end <= LONGEST:
            raise _impossible(silence.start, silence.end, f"$.silences[{call.silences.index(silence)}]")


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
    if call.duration is not None:
        last = max((turn.end or turn.start or 0.0 for turn in call.turns), default=0.0)
        if last > call.duration + call.tolerance:
            yield f"speech goes on until {last:.1f} s, though the file says the call lasts {call.duration:.1f} s"


def _says_who(turns: tuple[Turn, ...]) -> bool:
    """Whether the agent is known, or whoever speaks is: a customer or an announcement does not tell who answers it."""
    for turn in turns:  # mostly the first or the second is the agent's
        if turn.role == "agent":
            return True
    roles = {turn.role for turn in turns}
    return "customer" in roles and "unknown" not in roles


def _mapped(turns: tuple[Turn, ...], roles: RoleMap, before: Roles) -> tuple[tuple[Turn, ...], Roles]:
    found = {turn.speaker: roles.role(turn.speaker) for turn in turns}
    if not any(found.values()):
        return turns, before
    mapped = tuple(
        turn if (role := found[turn.speaker]) is None else msgspec.structs.replace(turn, role=role) for turn in turns
    )
    return mapped, "mapped" if _says_who(mapped) else before

"""The last step of every reader: what a call's own times and roles support, and what is impossible.

A reader says what the file says. Here times are checked, turns are put in order, and ``timing`` and
``roles`` are worked out from what the turns really carry, the same way for every format.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pytest_callqa.call import Call, Roles, Timing, Turn, Word
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.roles import RoleMap

MAX_TURN = 16 * 2**20
"""Characters of one turn."""

MAX_TURNS = 50_000

LONGEST = 7 * 24 * 3600.0
"""Seconds: no call lasts a week, so a later time is in the wrong unit."""

FINENESS: tuple[Timing, ...] = ("none", "start", "turn", "word")
"""Timings from the coarsest to the finest."""


def finish(call: Call, roles: RoleMap) -> Call:
    """``call`` checked, ordered and with its timing and roles; raises :class:`BadInput`."""
    if not (call.turns or call.events or call.duration):
        raise BadInput("The call has no turns, no events and no duration: there is nothing to judge.")
    if len(call.turns) > MAX_TURNS:
        raise BadInput(f"The call has {len(call.turns)} turns, and more than {MAX_TURNS} are not read: split it.")
    timing = _timing(call.turns)
    _check_rest(call)
    if FINENESS.index(call.timing) > FINENESS.index(timing):
        raise BadInput(
            f'timing is "{call.timing}", but the turns have only "{timing}" times: leave timing out, or give '
            "every turn its times.",
            place="$.timing",
        )
    turns, limits = call.turns, call.limits
    if timing != "none":
        turns, note = _ordered(turns, call.tolerance)
        limits += note
    limits += _overrun(call, turns)
    provenance: Roles = call.roles
    if roles:
        turns, provenance = _mapped(turns, roles, provenance)
    if provenance == "unknown" and any(turn.role != "unknown" for turn in turns):
        provenance = "given"
    return msgspec.structs.replace(
        call,
        turns=turns,
        timing=timing,
        roles=provenance,
        limits=limits,
        case_known=call.case_known or call.case is not None,
    )


def _timing(turns: tuple[Turn, ...]) -> Timing:
    """The finest times that every turn carries; word times may miss some words. Checks each one."""
    started = ended = worded = 0
    for number, turn in enumerate(turns):
        start, end = turn.start, turn.end
        if len(turn.text) > MAX_TURN:
            raise BadInput(f"A turn of more than {MAX_TURN} characters is not read.", place=f"$.turns[{number}]")
        if start is None:
            if end is not None:
                raise BadInput("The turn has an end and no start: give both or neither.", place=f"$.turns[{number}]")
        elif end is None:
            _check(start, start, f"$.turns[{number}].start")
            started += 1
        else:
            # One comparison finds NaN, infinite, negative and reversed times alike.
            if not 0 <= start <= end <= LONGEST:
                raise _impossible(start, end, f"$.turns[{number}]")
            started += 1
            ended += 1
        if turn.words:
            worded += _check_words(turn.words, number)
    if not turns or started < len(turns):
        return "none"
    if ended < len(turns):
        return "start"
    return "word" if worded else "turn"


def _check_words(words: tuple[Word, ...], turn: int) -> bool:
    """Whether a word has times; raises :class:`BadInput` for impossible ones."""
    timed = [word for word in words if word.start is not None]
    for word in timed:
        start: float = word.start  # type: ignore[assignment]
        end = word.end if word.end is not None else start
        if not 0 <= start <= end <= LONGEST:
            raise _impossible(start, end, f"$.turns[{turn}].words[{words.index(word)}]")
    return bool(timed)


def _check_rest(call: Call) -> None:
    for name in ("duration", "ring_time", "tolerance"):
        value: float | None = getattr(call, name)
        if value is not None:
            _check(value, value, f"$.{name}")
    for number, event in enumerate(call.events):
        if event.time is not None:
            _check(event.time, event.time, f"$.events[{number}].time")
    for number, silence in enumerate(call.silences):
        _check(silence.start, silence.end, f"$.silences[{number}]")


def _check(start: float, end: float, place: str) -> None:
    if not 0 <= start <= end <= LONGEST:
        raise _impossible(start, end, place)


def _impossible(start: float, end: float, place: str) -> BadInput:
    if start > end >= 0:
        problem = f"It ends at {end:g} s, before it starts at {start:g} s"
    else:
        times = f"{start:g} s" if start == end else f"{start:g} s to {end:g} s"
        problem = f"{times} is not a time within a call"
    return BadInput(f"{problem}: times are seconds from the call's start; export the call again.", place=place)


def _ordered(turns: tuple[Turn, ...], tolerance: float) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
    """The turns by start time, and a note if the file's own order was another one."""
    latest = furthest = 0.0
    where = 0
    for number, turn in enumerate(turns):
        start: float = turn.start  # type: ignore[assignment]
        if start >= latest:
            latest = start
        elif latest - start > furthest:
            furthest, where = latest - start, number
    if not furthest:
        return turns, ()
    ordered = tuple(sorted(turns, key=lambda turn: turn.start or 0.0))
    if furthest <= tolerance:
        return ordered, ()
    return ordered, (f"the file's turns go back in time by {furthest:.2f} s at turn {where + 1}; ordered by start",)


def _overrun(call: Call, turns: Iterable[Turn]) -> tuple[str, ...]:
    """A note if speech goes on after the call's end, so that silence at the end is not trusted."""
    if call.duration is None:
        return ()
    last = max((turn.end or turn.start or 0.0 for turn in turns), default=0.0)
    if last <= call.duration + call.tolerance:
        return ()
    return (f"speech goes on until {last:.1f} s, though the file says the call lasts {call.duration:.1f} s",)


def _mapped(turns: tuple[Turn, ...], roles: RoleMap, before: Roles) -> tuple[tuple[Turn, ...], Roles]:
    found = {turn.speaker: roles.role(turn.speaker) for turn in turns}
    if not any(found.values()):
        return turns, before
    mapped = tuple(
        turn if (role := found[turn.speaker]) is None else msgspec.structs.replace(turn, role=role) for turn in turns
    )
    return mapped, "mapped"

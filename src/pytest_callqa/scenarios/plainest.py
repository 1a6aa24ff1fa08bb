"""Makes a conversation that shows something as short and plain as it can be: fewer moves, then plainer ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from pytest_callqa.bots import Move
from pytest_callqa.call import Call
from pytest_callqa.scenarios.machine import Played, Stage


def plainest(played: Played, stage: Stage, shows: Callable[[Sequence[Move]], Call | None]) -> tuple[list[Move], Call]:
    """The fewest and plainest moves for which ``shows`` still gives a call, and that call.

    Hypothesis minimises the choices it made, not what was said; no move can be left out of this one.
    """
    moves, call = list(played.moves), played.call
    simpler = True
    while simpler:
        simpler = False
        for tried in _simpler(moves, played.language, stage):
            shown = shows(tried)
            if shown is not None:
                moves, call, simpler = tried, shown, True
                break
    return moves, call


def _simpler(moves: list[Move], language: str, stage: Stage) -> Iterator[list[Move]]:
    """Simpler lists of moves, the simplest first: stretches left out, then one of them plainer."""
    length = len(moves)
    while length:
        for first in range(len(moves) - length + 1):
            yield moves[:first] + moves[first + length :]
        length //= 2
    for place, move in enumerate(moves):
        for plainer in _plainer(move, language, stage):
            yield [*moves[:place], plainer, *moves[place + 1 :]]


def _plainer(move: Move, language: str, stage: Stage) -> Iterator[Move]:
    for act in stage.acts:
        texts = act.says.get(language, ())
        if move.text in texts and move.events == act.line:
            yield from (replace(move, text=text) for text in texts[: texts.index(move.text)])
        if move.wait in act.waits:
            yield from (replace(move, wait=wait) for wait in sorted(act.waits) if wait < move.wait)
    if move.wait and not move.silent:
        yield replace(move, wait=0.0)
    if move.over:
        yield replace(move, over=0.0)
    if move.events:
        yield replace(move, events=())

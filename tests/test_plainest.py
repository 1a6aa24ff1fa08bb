"""A conversation that shows something, made as short and plain as it can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pytest_callqa.bots import Abilities, Move
from pytest_callqa.call import Call
from pytest_callqa.scenarios.customers import Act, Cast, Persona
from pytest_callqa.scenarios.machine import Played, Stage
from pytest_callqa.scenarios.plainest import plainest

ACTS = (
    Act("asks", says={"en": ("How?", "How does it go?")}),
    Act("asks over noise", says={"en": ("How?",)}, line=("noise",)),
    Act("waits", waits=(2.0, 1.0, 9.0)),
)


def stage() -> Stage:
    def no_bot(language: str) -> object:
        raise AssertionError("nothing is played here")

    return Stage(
        no_bot, Abilities(silence=True, events=True, barge_in=True), ("en",), Cast(ACTS, (Persona("anyone"),)), {}
    )  # type: ignore[arg-type]


def shortened(moves: Sequence[Move], shows: Callable[[Sequence[Move]], bool]) -> list[Move]:
    played = Played("en", tuple(moves), (), Call(id="first"))
    found, call = plainest(played, stage(), lambda tried: Call(id=f"{len(tried)}") if shows(tried) else None)
    assert call.id in ("first", str(len(found)))
    return found


PLAIN = Move(text="How?")


@pytest.mark.parametrize(
    ("moves", "shows", "left"),
    [
        ([PLAIN, Move(text="No."), Move(wait=9.0)], lambda tried: Move(text="No.") in tried, [Move(text="No.")]),
        ([Move(text="How does it go?")], lambda tried: any(move.text.startswith("How") for move in tried), [PLAIN]),
        ([Move(wait=9.0)], lambda tried: any(move.wait > 1 for move in tried), [Move(wait=2.0)]),
        ([Move(text="No.", wait=3.0, over=0.5)], lambda tried: any(move.text for move in tried), [Move(text="No.")]),
        ([Move(text="How?", events=("noise",))], lambda tried: any(move.text for move in tried), [PLAIN]),
        ([PLAIN] * 5, lambda tried: len(tried) >= 3, [PLAIN] * 3),
        ([PLAIN], lambda tried: False, [PLAIN]),
    ],
)
def test_nothing_is_left_that_can_be_left_out(
    moves: list[Move], shows: Callable[[Sequence[Move]], bool], left: list[Move]
) -> None:
    assert shortened(moves, shows) == left

"""Personal data leave the text; every character keeps its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_callqa.redact import MASK, redactor

NAMES = ["Anna Li", "José", "王小明", "X", "Agent"]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Mail anna.li+x@example.co.uk!", "Mail •••••••••••••••••••••••!"),
        ("Card 4111 1111-1111 1111, please", "Card •••• ••••••••• ••••, please"),
        ("Call +86 (10) 8888 1234", "Call ••• •••• •••• ••••"),
        ("ID 11010519491231002X", "ID ••••••••••••••••••"),
        ("order A1234567", "order A•••••••"),
        ("it is one two, three four five", "it is ••• •••• ••••• •••• ••••"),
        ("一三八零零", "•••••"),
        ("２０２６１", "•••••"),
        ("room 1234", "room 1234"),
        ("two or three", "two or three"),
        ("I am Anna Li", "I am •••• ••"),
        ("ANNA here", "•••• here"),
        ("like Lisa", "like Lisa"),
        ("我是王小明先生", "我是•••先生"),
        ("JOSÉ", "••••"),
        ("我是Anna先生", "我是••••先生"),
        ("王小明Anna", "•••••••"),
        ("the agent X", "the agent X"),
    ],
)
def test_personal_data_are_masked(text: str, redacted: str) -> None:
    assert redactor(NAMES)(text) == redacted


def test_without_names_the_rest_is_masked_still() -> None:
    assert redactor()("Anna 12345") == "Anna •••••"
    assert redactor(["Agent"])("Agent Anna 12345") == "Agent Anna •••••"


def test_redaction_is_switched_off_in_so_many_words() -> None:
    assert redactor(NAMES, off=True)("Anna 12345") == "Anna 12345"


pieces = st.sampled_from(
    ["Anna", "Li", "12", "345", "-", " ", "a@b.cc", "four ", "六", "王小明", "+", "(", ")", "İ", "ß"]
)


@settings(deadline=None)
@given(
    st.lists(st.one_of(pieces, st.text(max_size=4)), max_size=30).map("".join),
    st.lists(st.text(max_size=6), max_size=3),
)
def test_every_character_keeps_its_place(text: str, names: list[str]) -> None:
    redacted = redactor([*NAMES, *names])(text)
    assert len(redacted) == len(text)
    assert all(shown in (was, MASK) for shown, was in zip(redacted, text, strict=True))


@pytest.mark.parametrize("hostile", ["a." * 50_000, "1 " * 50_000, "a@" * 50_000, "one " * 50_000, "x-" * 50_000 + "@"])
def test_no_text_takes_long(hostile: str) -> None:
    assert len(redactor(NAMES)(hostile)) == len(hostile)

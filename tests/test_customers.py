"""What customers do: the file, its faults, and what a team adds in a file of its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings

from matrix import book
from pytest_callqa.bots import Abilities
from pytest_callqa.errors import BadBook
from pytest_callqa.phrases import PhraseBook
from pytest_callqa.scenarios.customers import Cast, Customer, Persona, customers, utterances

PHRASES = PhraseBook.parse({"en.yaml": "language: en\nphrases: {contact: [your number], wait: [wait]}"})

CUSTOMERS = """
personas:
  civil: {never: swears}
moves:
  asks: {says: {en: [How?, Why?], zh: [怎么？]}}
  swears: {says: {en: [Damn.]}, waits: [0, 3], talks over: [0.5]}
  is silent: {waits: 6}
  asks over a noisy line: {says: asks, line: noise}
  gives a number: {when: [contact], says: {en: ["5550"]}}
  hangs up: {hangs up: yes}
"""


def read(folder: Path, **files: str) -> Cast:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return Cast.load(folder, PHRASES)


def test_what_the_file_says(tmp_path: Path) -> None:
    cast = read(tmp_path, customers=CUSTOMERS)
    acts = {act.name: act for act in cast.acts}
    assert acts["asks over a noisy line"].says == acts["asks"].says
    assert acts["asks over a noisy line"].line == ("noise",)
    assert acts["gives a number"].when == {"contact"}
    assert acts["hangs up"].hangs_up
    assert cast.personas == (Persona("civil", frozenset({"swears"})),)
    move = acts["swears"].move("en", 3, 3.0, 0.5)
    assert (move.text, move.wait, move.over) == ("Damn.", 3.0, 0.5)
    assert acts["asks"].move("fr", 0, 0.0, 0.0).text == ""


def test_a_move_that_a_bot_cannot_be_met_with_is_not_made(tmp_path: Path) -> None:
    cast = read(tmp_path, customers=CUSTOMERS)
    chat = {act.name for act in cast.acts if act.possible(Abilities())}
    assert chat == {"asks", "gives a number", "hangs up"}
    assert all(act.possible(Abilities(silence=True, barge_in=True, events=True)) for act in cast.acts)


def test_a_team_adds_moves_in_a_file_of_its_own(tmp_path: Path) -> None:
    own = "moves: {asks about the loan: {says: {en: [What of my loan?]}}}"
    cast = read(tmp_path, customers=CUSTOMERS, **{"customers.ours": own})
    assert "asks about the loan" in [act.name for act in cast.acts]


FAULTS = [
    ("[one]", "expected `moves:`"),
    ("moves: {", "not valid YAML"),
    ("moevs: {}", "'moevs' is no part of customers; there are moves, personas. Did you mean 'moves'"),
    ("moves: [a]", "`moves` is a table"),
    ("moves: {asks: How}", "'asks' needs a table such as"),
    ("moves: {asks: {sasy: a}}", "'sasy' is no part of a move; .* Did you mean 'says'"),
    ("moves: {asks: {says: other}}", "no other move is called 'other'"),
    ("moves: {a: {says: b}, b: {says: a}}", "'b' has no words of its own; name the move whose words it says"),
    ("moves: {asks: {says: asks}}", "no other move is called 'asks'"),
    ("moves: {asks: {when: contcat}}", "no phrase is called 'contcat'. Did you mean 'contact'"),
    ("moves: {asks: {line: nois}}", "nothing called 'nois' happens on a line. Did you mean 'noise'"),
    ("moves: {asks: {waits: long}}", "'long' is no number"),
    ("personas: {civil: {never: swaers}}\nmoves: {swears: {}}", "no move is called 'swaers'. Did you mean 'swears'"),
    ("personas: {civil: {always: a}}", "'always' is no part of a persona"),
]


@pytest.mark.parametrize(("text", "problem"), FAULTS)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(BadBook, match=problem):
        read(tmp_path, customers=text)


def test_files_without_customers(tmp_path: Path) -> None:
    with pytest.raises(BadBook, match=r"no customers; say in customers.yaml what they do"):
        Cast.load(tmp_path, PHRASES)
    (tmp_path / "customers.yaml").write_bytes(b"\xff")
    with pytest.raises(BadBook, match="cannot be read"):
        Cast.load(tmp_path, PHRASES)


@cache
def shipped() -> Cast:
    return Cast.load(book().root, PhraseBook.load(book().root / "phrases"))


def test_every_move_of_the_code_has_both_languages() -> None:
    assert all(not act.says or {"en", "zh"} <= act.says.keys() for act in shipped().acts)


@given(customers(shipped(), ("en", "zh")), utterances(shipped(), "zh"))
@settings(max_examples=20, deadline=None)
def test_anybody_may_call_and_say_anything(customer: Customer, text: str) -> None:
    assert customer.language in ("en", "zh")
    assert customer.persona in shipped().personas
    assert any(text in act.says.get("zh", ()) for act in shipped().acts)

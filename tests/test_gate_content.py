"""A call is known again by what is said in it: renamed, cut otherwise, transcribed again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_callqa.gate.baseline import Baseline, Head, KnownCall
from pytest_callqa.gate.content import digest, likeness, sketch, words
from pytest_callqa.ledger import Entry, Line
from pytest_callqa.redact import MASK
from report_ledgers import RUN, entry, write

VOCABULARY = [f"{head}{tail}" for head in "bdfgklmnprst" for tail in ("a", "en", "ir", "olo", "um", "est", "ay", "ock")]
VARIED = st.lists(st.sampled_from(VOCABULARY), min_size=40, max_size=90, unique=True)
TALK = st.lists(st.sampled_from(VOCABULARY), min_size=30, max_size=120)


def turns(said: list[str], cuts: list[int] | None = None) -> tuple[Line, ...]:
    """The words in turns that end at these places."""
    ends = sorted({*(cut % (len(said) + 1) for cut in cuts or ()), len(said)})
    starts = [0, *ends[:-1]]
    return tuple(Line("agent", None, None, " ".join(said[a:b])) for a, b in zip(starts, ends, strict=True))


@given(TALK, st.lists(st.integers(0, 200)), st.lists(st.integers(0, 200)))
def test_splitting_and_merging_turns_changes_nothing(said: list[str], first: list[int], second: list[int]) -> None:
    assert sketch(turns(said, first)) == sketch(turns(said, second))


@given(TALK)
def test_marks_capitals_numbers_and_masks_change_nothing(said: list[str]) -> None:
    loud = [f"{word.upper()}, 4111 {MASK * 3}!" for word in said]
    assert sketch(turns(loud)) == sketch(turns(said))
    assert digest(turns(loud)) == digest(turns(said))


@given(VARIED, st.randoms(use_true_random=False))
def test_a_call_transcribed_again_with_a_few_errors_is_known(said: list[str], chance: random.Random) -> None:
    wrong = set(chance.sample(range(len(said)), len(said) // 20))
    again = [f"mis{word}" if place in wrong else word for place, word in enumerate(said)]
    assert likeness(sketch(turns(said)), sketch(turns(again))) >= 0.5


@given(TALK, st.randoms(use_true_random=False))
def test_calls_of_other_words_in_other_order_are_told_apart(said: list[str], chance: random.Random) -> None:
    other = [f"{word}s" for word in said]
    chance.shuffle(other)
    assert likeness(sketch(turns(said)), sketch(turns(other))) == 0


@given(TALK, TALK)
def test_likeness_is_the_same_both_ways_and_whole_with_itself(one: list[str], other: list[str]) -> None:
    first, second = sketch(turns(one)), sketch(turns(other))
    assert likeness(first, second) == likeness(second, first)
    assert likeness(first, first) == 1


def test_nothing_said_is_like_nothing_said() -> None:
    assert sketch(()) == ""
    assert likeness("", "") == 1
    assert likeness(sketch(turns(["hello"])), sketch(turns(["hello"]))) == 1


def test_chinese_is_compared_by_characters() -> None:
    assert words("您好，请问有什么可以帮您？Wi-Fi 5G") == [*"您好请问有什么可以帮您", "wi", "fi", "g"]


# -- finding a call again


def call(name: str, said: str, **fields: object) -> Entry:
    return entry(name, "fppn", turns=(Line("agent", None, None, said),), **fields)


SAID = "hello this is the line for lost cards how can we help you today please tell me your name and your address"


def known(*entries: Entry, folder: Path) -> Baseline:
    return Baseline.of([write(folder / "before.jsonl", *entries)])


def test_a_renamed_call_is_known_by_its_words(tmp_path: Path) -> None:
    before = known(call("a", SAID), call("b", "something else entirely was said here by us"), folder=tmp_path)
    found = before.find(call("renamed", SAID.replace("cards", "card")))
    assert found is not None
    assert (found.call, found.clauses) == ("a", ("1.1",))
    assert before.find(call("new", "nobody ever said any of this before now")) is None


@pytest.mark.parametrize("other", [{"duration": 90.0}, {"started": "2026-11-03T10:00:00+00:00"}])
def test_facts_that_differ_make_two_calls(tmp_path: Path, other: dict[str, object]) -> None:
    facts = {"duration": 60.0, "started": "2026-11-02T10:00:00+00:00"}
    before = known(call("a", SAID, **facts), folder=tmp_path)
    assert before.find(call("renamed", SAID, **facts)) is not None
    assert before.find(call("renamed", SAID, **facts | {"duration": 60.8})) is not None
    assert before.find(call("renamed", SAID, **facts | other)) is None


def test_an_id_given_to_another_call_is_not_believed(tmp_path: Path) -> None:
    before = known(call("a", SAID), folder=tmp_path)
    assert before.find(call("a", "nobody ever said any of this before now")) is None
    assert before.find(call("a", SAID.replace("lost cards", "stolen phones"))) is not None


def test_a_call_that_keeps_everything_is_known_by_its_id(tmp_path: Path) -> None:
    before = known(call("a", SAID), folder=tmp_path)
    assert before.find(entry("a", "pppn")) is not None
    assert before.find(entry("b", "pppn")) is None
    assert known(entry("b", "pppn"), folder=tmp_path).find(entry("b", "pppn")) is None


def test_a_call_in_two_files_breaks_what_either_breaks(tmp_path: Path) -> None:
    one, two = call("a", SAID, file="one.json"), replace(call("a", SAID, file="two.json"), verdicts="pfpn")
    found = known(one, two, folder=tmp_path).find(call("a", SAID))
    assert found is not None
    assert set(found.clauses) == {"1.1", "1.2"}


def test_generated_conversations_are_known_by_their_words_alone(tmp_path: Path) -> None:
    run = replace(RUN, mode="conversations")
    lines = (call("1.1-en", SAID), replace(call("1.2-en", "damn"), verdicts="ffpn"))
    before = Baseline.of([write(tmp_path / "before.jsonl", *lines, run=run)])
    assert [found.clauses for found in before.calls] == [("1.1",), ("1.2",)]
    assert before.find(call("1.1-en", SAID.upper())) is not None
    assert before.find(call("1.1-en", SAID + " now")) is None


def test_the_order_of_calls_does_not_matter(tmp_path: Path) -> None:
    lines = [call(f"call-{n}", f"{SAID} {n}") for n in range(9)]
    assert list(known(*lines, folder=tmp_path).lines()) == list(known(*reversed(lines), folder=tmp_path).lines())


def test_a_call_without_words_is_no_other() -> None:
    silent = KnownCall("silent", ("1.1",), sketch="")
    assert Baseline(Head("T", "v"), calls=[silent]).find(call("other", SAID)) is None
    assert Baseline(Head("T", "v"), calls=[silent]).find(call("other", "")) is None

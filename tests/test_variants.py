"""Variants of a recorded call: what is changed, that it is the same again, and what a changed verdict shows."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import PHRASES, Project, talk
from matrix import book, calls
from pytest_callqa import ledger
from pytest_callqa.call import Call, Turn
from pytest_callqa.scenarios.variants import Edit, bend, confusions, edits, some_variants, variants, vary

KINDS = {
    "case", "clock", "false start", "filler", "jitter", "merged", "names", "polite exchange", "punctuation",
    "recognition", "split", "wording",
}  # fmt: skip


def native(*turns: str, **fields: object) -> Call:
    return msgspec.convert(talk("one", *turns, **fields), Call)


def of_kind(call: Call, kind: str) -> list[Edit]:
    return [edit for edit in edits(call, book()) if edit.kind == kind]


def texts(call: Call) -> list[str]:
    return [turn.text for turn in call.turns]


LONG = native(
    "agent: Hello, this is the monitoring center hotline. What can I do for you?",
    "customer: Hello, this is Smith.",
    "agent: One moment, Mister Smith.",
    "customer: Okay.",
    "+0.2 customer: Bye.",
    names=["Smith"],
)


def test_every_kind_of_change_can_be_made() -> None:
    assert {edit.kind for edit in edits(LONG, book())} == KINDS
    for edit in edits(LONG, book()):
        changed = edit.change(LONG)
        assert changed is None or changed != LONG or edit.kind in ("case", "punctuation")


@pytest.mark.parametrize(
    ("kind", "number", "turn", "text"),
    [
        ("filler", 0, 0, "um Hello, this is the monitoring center hotline. What can I do for you?"),
        ("false start", 0, 0, "Hello Hello, this is the monitoring center hotline. What can I do for you?"),
        ("split", 0, 0, "Hello, this is the monitoring center hotline."),
        ("merged", 3, 3, "Okay. Bye."),
        ("case", 0, 1, "hello, this is smith."),
        ("case", 1, 1, "HELLO, THIS IS SMITH."),
        ("punctuation", 0, 1, "Hello this is Smith"),
        ("names", 0, 1, "Hello, this is Taylor."),
        ("names", 1, 0, "Hello, this is Northern Rail. What can I do for you?"),
        ("polite exchange", 1, 3, "Okay."),
    ],
)
def test_a_change_is_as_small_as_its_words_say(kind: str, number: int, turn: int, text: str) -> None:
    changed = of_kind(LONG, kind)[number].change(LONG)
    assert changed is not None
    assert texts(changed)[turn] == text


def test_the_clock_and_the_jitter_change_times_only() -> None:
    (later,) = of_kind(LONG, "clock")
    moved = later.change(LONG)
    assert moved is not None
    assert moved.turns[0].start == 37.0
    for edit in of_kind(LONG, "jitter"):
        jittered = edit.change(LONG)
        assert jittered is not None
        assert texts(jittered) == texts(LONG)
        for before, after in zip(LONG.turns, jittered.turns, strict=True):
            assert before.start is not None
            assert after.start == pytest.approx(before.start, abs=LONG.tolerance / 2)
    assert not of_kind(native("agent: Hello."), "polite exchange")


def test_a_call_without_times_or_words() -> None:
    untimed = Call(id="x", turns=(Turn(role="agent", text="Hello. Bye."), Turn(role="agent", text="")), roles="given")
    kinds = {edit.kind for edit in edits(untimed, book()) if edit.change(untimed) is not None}
    assert not kinds & {"clock", "jitter", "merged", "polite exchange", "names"}
    assert [turn.text for turn in of_kind(untimed, "split")[0].change(untimed).turns][:2] == ["Hello.", "Bye."]  # type: ignore[union-attr]
    half = Call(id="x", turns=(Turn(role="agent", text="Hello. Bye.", start=1.0),), timing="start", roles="given")
    assert of_kind(half, "split")[0].change(half) is None
    jittered = [edit.change(half) for edit in edits(half, book()) if edit.kind == "jitter"]
    assert not jittered
    loose = Call(id="x", turns=half.turns, timing="start", roles="given", tolerance=0.5)
    assert [edit.change(loose) for edit in edits(loose, book()) if edit.kind == "jitter"] == [loose] * 3


def test_a_language_without_fillers_or_phrases() -> None:
    french = native("agent: Bonjour.", "customer: Oui. Non.", language="fr")
    assert {edit.kind for edit in edits(french, book())} == {
        "false start", "split", "merged", "case", "punctuation", "clock", "jitter"
    }  # fmt: skip


def test_chinese_fillers_stand_where_a_clause_begins() -> None:
    chinese = native("agent: 您好，请问有什么可以帮您？", language="zh")
    assert [edit.change(chinese).turns[0].text for edit in of_kind(chinese, "filler")] == [  # type: ignore[union-attr]
        "嗯，您好，请问有什么可以帮您？",
        "呃，您好，请问有什么可以帮您？",
        "您好，嗯，请问有什么可以帮您？",
        "您好，呃，请问有什么可以帮您？",
    ]
    pair = native("agent: 您好。", "+0.1 agent: 请说。", language="zh")
    assert texts(of_kind(pair, "merged")[0].change(pair)) == ["您好。请说。"]  # type: ignore[arg-type]


def test_what_cannot_be_changed_any_more_is_left_out() -> None:
    whole = [edit for edit in edits(LONG, book()) if edit.change(LONG) is not None]
    short = native("agent: Bye.")
    assert (
        vary(short, [edit for edit in whole if edit.kind in ("split", "names", "wording", "polite exchange")]).edits
        == ()
    )
    words = [edit for edit in whole if edit.kind in ("recognition", "filler", "false start")]
    assert len(vary(short, words).edits) < len(words)


def test_the_same_seed_gives_the_same_variants() -> None:
    first, again, other = ([v.what for v in some_variants(LONG, book(), 12, seed=seed)] for seed in (1, 1, 2))
    assert first == again != other
    assert list(some_variants(Call(id="empty", roles="given"), book(), 3)) != []


def test_a_word_is_taken_for_what_a_recogniser_took_it_for() -> None:
    heard = {edit.what: edit.change(LONG) for edit in of_kind(LONG, "recognition")}
    assert "guy" in confusions()["bye"]
    taken = heard["“guy” for “bye”"]
    assert taken is not None
    assert texts(taken)[-1] == "guy."


def test_a_chinese_word_is_taken_for_its_homophone() -> None:
    call = native("agent: 请问还有什么可以帮您？", language="zh")
    heard = {edit.what: texts(edit.change(call)) for edit in of_kind(call, "recognition")}  # type: ignore[arg-type]
    assert heard["“环” for “还”"] == ["请问环有什么可以帮您？"]
    assert len(heard) == len(of_kind(call, "recognition"))


@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_variants_as_a_strategy(data: st.DataObject) -> None:
    variant = data.draw(variants(LONG, book()))
    assert len(variant.edits) <= 3
    assert variant.call.id == LONG.id
    assert bool(variant.edits) == bool(variant.what)


def test_few_variants_of_the_recorded_calls_are_judged_otherwise() -> None:
    bent = bend(book(), list(calls().values()), 3)
    assert bent.variants > 1000
    assert bent.changed <= 0.01 * bent.variants
    assert sum(counts[0] for counts in bent.kinds.values()) >= bent.variants


# -- in a run of pytest

FRAGILE = """
from pathlib import Path
from pytest_callqa import PhraseBook, rule

phrases = PhraseBook.load(Path(__file__).parent / "phrases")


@rule("1.1", "Greets")
def test_greets(call):
    assert call.agent.first.says(phrases.hello)


@rule("1.2", "Says hello in small letters")
def test_small(call):
    assert call.fact(all(turn.text != turn.text.upper() for turn in call.record.turns), "not in capitals")


@rule("1.3", "Friendly", manual=True)
def test_friendly(call):
    assert call.attestation("1.3")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_changed_verdict_is_a_finding_about_the_rule(project: Project, workers: tuple[str, ...]) -> None:
    project.book(rules=FRAGILE).calls(talk("one", "agent: Hello you.", "customer: Hello."))
    ran = project.run("--callqa-variants", "24", *workers)
    ran.stdout.fnmatch_lines(
        [
            "1.2 Says hello in small letters",
            "* of 24 variants are judged otherwise",
            "  one, 1.2 passed, then failed: case: all in capitals",
            "  … and * more",
            "*1 failed, 1 passed, 1 not assessed*",
        ]
    )
    (table,) = (line for line in project.ledger() if isinstance(line, ledger.Exhibit))
    assert (table.title, table.view) == ("Variants", "rules")
    assert ("case", "one, 1.2 passed, then failed: case: all in capitals") in [(row[0], row[3]) for row in table.rows]


def test_a_phrase_that_cannot_be_heard_is_not_reworded(project: Project) -> None:
    phrases = PHRASES + '  product: ["{product}"]\n'  # no setting says what it is
    project.book(rules=FRAGILE, phrases=phrases).calls(talk("one", "agent: Hello you.", "customer: …"))
    project.run("--callqa-variants", "3", "-k", "test_greets").assert_outcomes(passed=1)


def test_teeth_in_a_run_of_pytest(project: Project) -> None:
    blunt = FRAGILE.replace("assert call.agent.first.says(phrases.hello)", "assert call.agent or call.customer")
    project.book(rules=FRAGILE).calls(talk("one", "agent: Hello you."))
    ran = project.run("--callqa-teeth", "-k", "test_greets or test_small")
    ran.stdout.fnmatch_lines(["1.2 Says hello in small letters", "no mutant can break it: give calls that keep it"])
    ran.assert_outcomes(passed=1, failed=1)
    lax = blunt.replace("call.agent or call.customer", "call.fact(call.case is None or call.case.content, 'written')")
    project.book(rules=lax).calls(talk("one", "agent: Hello.", case={"id": "1", "content": "a"}))
    ran = project.run("--callqa-teeth", "-k", "test_greets")
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["1 of * breaches are missed", "  one, case emptied: *"])


def test_calls_that_are_to_be_changed_must_be_readable(project: Project) -> None:
    project.book(rules=FRAGILE).file("calls/bad.json", "{")
    ran = project.run("--callqa-variants", "2", "-k", "test_greets")
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["*no call could be read in calls*"])
    project.file("rules/calls/one.json", json.dumps(talk("one", "agent: Hello you.")))
    project.run("--callqa-variants", "1", "-k", "test_greets", calls=None).assert_outcomes(passed=1)
    project.run("--callqa-variants", "0", "-k", "test_greets", calls="rules/calls").stdout.no_fnmatch_line(
        "*variants of*"
    )

"""`callqa inspect`: what a call can and cannot show, in the words of the rules, and who its speakers may be."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from examples import call, event, silence, turn
from pytest_callqa import cli
from pytest_callqa.call import Attestation, Call, Case, Turn, Word
from pytest_callqa.inspection import inspect_call, suggest_roles, tell
from pytest_callqa.readers import ReadOptions
from pytest_callqa.rules import RuleBook
from readers_kit import CALLS
from readers_kit import call as read

FAST = CALLS / "azure" / "fast_named_batch.json"


@cache
def book() -> RuleBook:
    return RuleBook.load(cli.BOOK)


def said(record: Call, width: int = 1000) -> str:
    return "\n".join(tell(inspect_call(book(), record, language="en"), width))


def unknown(*lines: str, **record: object) -> Call:
    """A call whose speakers are labels: ``unknown("A: Hello")``."""
    turns = [Turn(speaker=line.partition(": ")[0], text=line.partition(": ")[2]) for line in lines]
    return call(*turns, **{"roles": "unknown", "language": "en", "timing": "none", **record})


def test_a_real_call_is_told_with_what_it_leaves_undecided(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(FAST), "--book", str(cli.BOOK)]) == cli.CLEAN
    shown = " ".join(capsys.readouterr().out.split())
    for part in (
        "fast_named_batch.json: azure-fast, call fast_named_batch",
        "length 33 turns, 1:48.0 long, language en-US",
        "times the start and end of words, ±0.2 s",
        "roles not known; speakers: speaker 1 (20 turns), speaker 2 (13 turns)",
        "silences measured between words",
        "events none: ring, hold, transfer and who hung up are not known",
        "confidence not given by the recogniser",
        "case not given; 0 attestations",
        "limits - Azure numbers its speakers",
        "- who is the agent is not known; map the speakers with --callqa-roles (callqa inspect suggests a map): ",
        "- the transcript does not say how long the ringing took: 1.1a",
        "if this is right, give --roles 1=agent,2=customer (pytest: --callqa-roles)",
        "because speaker 1 says what agents say: “How can I help you”",
        "clauses would then still be undecided",
    ):
        assert part in shown


def test_a_suggestion_is_never_applied() -> None:
    record = read(FAST.read_bytes())
    found = inspect_call(book(), record, language="en")
    assert found.suggestion is not None
    assert found.suggestion.roles == {"1": "agent", "2": "customer"}
    assert found.call is record
    assert found.then_undecided is not None
    assert found.then_undecided < sum(map(len, found.undecided.values()))


def test_roles_that_may_be_the_wrong_way_round_are_told() -> None:
    record = read(FAST.read_bytes(), ReadOptions(roles={"1": "customer", "2": "agent"}))
    found = inspect_call(book(), record, language="en")
    assert found.suggestion is not None
    assert found.suggestion.roles == {"1": "agent", "2": "customer"}
    assert "who is the agent and who the customer may be the wrong way round" in "\n".join(tell(found))
    right = read(FAST.read_bytes(), ReadOptions(roles={"1": "agent", "2": "customer"}))
    assert inspect_call(book(), right, language="en").suggestion is None


@pytest.mark.parametrize(
    ("lines", "roles"),
    [
        (("SPEAKER_01: How may I help you?", "SPEAKER_00: Hello."), {"1": "agent", "0": "customer"}),
        (("Ann: Hello.", "Bo: What can I do for you?"), {"Bo": "agent", "Ann": "customer"}),
        (("B: Please wait a moment. Sorry to keep you waiting.", "A: Fine."), {"B": "agent", "A": "customer"}),
        (("A: How may I help you?", "B: How may I help you?"), {}),
        (("A: The weather is fine.", "B: Indeed."), {}),
        (("A: How may I help you?",), {}),
        ((": How may I help you?", "A: Hello."), {}),
    ],
)
def test_whoever_says_what_agents_say_is_suggested(lines: tuple[str, ...], roles: dict[str, str]) -> None:
    suggestion = suggest_roles(book(), unknown(*lines), language="en")
    assert suggestion.roles == roles
    assert suggestion.reason


def test_of_three_speakers_two_are_suggested_and_the_third_is_open() -> None:
    suggestion = suggest_roles(book(), unknown("A: How may I help you?", "B: Hello.", "B: I see.", "C: Me too."))
    assert suggestion.roles == {"A": "agent", "B": "customer"}
    assert suggestion.reason.endswith("; B speaks most of the others, and who C may be is open")


def test_a_language_the_book_does_not_speak_suggests_nobody() -> None:
    suggestion = suggest_roles(book(), unknown("A: How may I help you?", "B: Hello.", language="fi"))
    assert suggestion.reason.startswith("nobody clearly speaks like an agent")


def test_speakers_that_were_mixed_up_get_no_map() -> None:
    shown = said(read(Path("azure/batch_named_fast.json")))
    assert "role map    none suggested: no role map can help, for the recogniser mixed up its speakers" in shown
    assert "confidence  of the recogniser, word by word" in shown


def test_a_book_without_such_phrases_suggests_nobody(tmp_path: Path) -> None:
    (tmp_path / "code.toml").write_text('title = "Book"\nlanguages = ["en"]\n[sections]\n"1" = "One"\n')
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "en.yaml").write_text("language: en\nphrases:\n  hello: [hello]\n")
    (tmp_path / "test_one.py").write_text(
        "from pathlib import Path\nfrom pytest_callqa import PhraseBook, rule\n"
        'phrases = PhraseBook.load(Path(__file__).parent / "phrases")\n'
        '@rule("1.1", "Greets")\ndef test_one(call):\n    """Greets."""\n    assert call.everyone.says(phrases.hello)\n'
        '@rule("1.2", "Needs more")\ndef test_two(call, tmp_path):\n    """More."""\n'
    )
    found = inspect_call(RuleBook.load(tmp_path), unknown("A: Hello.", "B: Hello."))
    assert found.suggestion is not None
    assert (found.clauses, found.undecided, found.suggestion.roles) == (1, {}, {})
    assert "undecided   none of the book's 1 clauses" in "\n".join(tell(found))


@pytest.mark.parametrize(
    ("record", "part"),
    [
        ({"timing": "none"}, "times       no times: nothing about pauses"),
        ({"timing": "start"}, "times       the start of turns only"),
        ({"timing": "start"}, "silences    cannot be measured"),
        ({"timing": "start", "silences": (silence(1, 9),)}, "silences    only the 1 that the vendor lists"),
        ({"timing": "turn"}, "silences    measured between turns; one inside a turn is not seen"),
        ({"timing": "turn", "silences": (silence(1, 9),)}, "turns; inside turns only the 1 that the vendor lists"),
        ({"timing": "word"}, "silences    measured between words"),
        ({"roles": "given"}, "roles       from the file: agent 1 turns"),
        ({"roles": "mapped"}, "roles       from the role map: agent 1 turns"),
        ({"roles": "unknown"}, "roles       not known; speakers: nobody named (1 turns)"),
        ({"roles": "unknown", "turns": ()}, "roles       not known; speakers: none"),
        ({"events": (event("hold", 1), event("hold", 2), event("key", 3))}, "events      2 hold, 1 key"),
        ({"case_known": True}, "case        known not to exist; 0 attestations"),
        (
            {"case": Case(id="x"), "attestations": (Attestation(clause="1", verdict="passed", assessor="A"),)},
            "case        with the call; 1 attestations",
        ),
        ({"limits": ("one", "two")}, "limits      - one\n              - two\n"),
        ({"turns": (turn("agent", "Hm", doubtful="maybe"),)}, "doubtful    1 turns that the recogniser may have"),
        ({"turns": (turn("agent", "Hm", words=(Word("Hm", 0, 1, 0.5),)),)}, "confidence  of the recogniser"),
        ({"id": "x\x1b[31m"}, "x⟨U+001B⟩[31m: native"),
        ({"duration": 61.0, "language": ""}, "length      1 turns, 1:01.0 long, language not stated"),
    ],
)
def test_what_is_known_is_told(record: dict[str, object], part: str) -> None:
    assert part in said(call(*record.pop("turns", (turn("agent", "Hello", 0, 1),)), **record))  # type: ignore[misc]


def test_only_the_first_calls_are_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "".join(f'{{"id": "c{number}", "turns": [{{"text": "Hi."}}]}}\n' for number in range(3))
    (tmp_path / "calls.jsonl").write_text(lines + "{broken\n")
    assert cli.main(["inspect", "--first", "2", str(tmp_path)]) == cli.CLEAN
    shown = capsys.readouterr().out
    assert ("call c1" in shown, "call c2" in shown) == (True, False)
    assert shown.endswith("There are more calls: say how many to look at with --first.\n")
    assert cli.main(["inspect", str(tmp_path)]) == cli.FINDINGS
    assert "calls.jsonl, line 4: The JSON is broken" in capsys.readouterr().out

"""Rules decided from the sound of a recording."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from audio_kit import Line, call, write
from harness import Project
from pytest_callqa import cli
from pytest_callqa.call import Call
from pytest_callqa.cli import BOOK
from pytest_callqa.engine import judge_call
from pytest_callqa.readers import ReadOptions, Unreadable, read_calls
from pytest_callqa.rules import RuleBook
from pytest_callqa.verdict import Outcome, Verdict

PASSED, FAILED, UNDECIDED = Outcome.PASSED, Outcome.FAILED, Outcome.UNDECIDED
GREETING, PROBLEM, HELP = "Hello, what can I do for you?", "My card does not work.", "Let me look at it."
OPTIONS = ReadOptions(roles={"0": "agent", "1": "customer"}, language="en", recordings=True)


@cache
def book() -> RuleBook:
    return RuleBook.load(BOOK)


def judged(record: Call) -> dict[str, Verdict]:
    return {verdict.clause: verdict for verdict in judge_call(book(), record, language="en")}


def recorded(folder: Path, lines: list[Line], after: float = 1.0) -> Path:
    return write(folder / "call.wav", call(lines, after=after)[0])


def verdicts(folder: Path, lines: list[Line], after: float = 1.0) -> dict[str, Verdict]:
    [record] = read_calls([str(recorded(folder, lines, after))], OPTIONS)
    assert isinstance(record, Call), record
    return judged(record)


@pytest.mark.parametrize(
    ("wait", "outcome"), [(1.0, PASSED), (4.5, PASSED), (4.95, UNDECIDED), (5.5, FAILED), (9.0, FAILED)]
)
def test_the_wait_for_an_answer_is_measured(tmp_path: Path, wait: float, outcome: Outcome) -> None:
    verdict = verdicts(tmp_path, [Line(1, PROBLEM), Line(0, HELP, wait)])["2.6a"]
    assert verdict.outcome is outcome, verdict.reason


def test_a_long_wait_may_have_been_asked_for(tmp_path: Path) -> None:
    fast = [Line(0, GREETING), Line(1, PROBLEM), Line(0, HELP)]
    assert verdicts(tmp_path, fast)["2.6a"].outcome is PASSED
    assert verdicts(tmp_path, [*fast[:2], Line(0, HELP, 8.0)])["2.6a"].outcome is FAILED, "a greeting asks for nothing"
    slow = verdicts(tmp_path, [*fast, Line(1, "Okay."), Line(0, HELP, 8.0)])["2.6a"]
    assert slow.outcome is UNDECIDED
    assert slow.reason == "whether the customer was asked to wait is not known: only the sound is"


@pytest.mark.parametrize(("pause", "clause"), [(3.0, "3.1.2b"), (3.0, "3.1.2c")])
def test_a_silent_caller_who_is_asked_too_early_is_a_fault(tmp_path: Path, pause: float, clause: str) -> None:
    pauses = {"3.1.2b": (6.0, pause, 6.0), "3.1.2c": (6.0, 6.0, pause)}[clause]
    lines = [Line(0, GREETING), *(Line(0, GREETING, wait) for wait in pauses)]
    found = verdicts(tmp_path, lines, after=6.0)
    assert found[clause].outcome is FAILED
    assert found["3.1.2a"].outcome is UNDECIDED
    assert found["3.1.2a"].reason.endswith("is not known: only the sound of it is")
    assert found["3.1.2d"].outcome is PASSED, "the line stayed open for six seconds"


def test_hanging_up_on_a_silent_caller_is_measured(tmp_path: Path) -> None:
    lines = [Line(0, GREETING), *(Line(0, GREETING, 6.0) for _ in range(3))]
    assert verdicts(tmp_path, lines, after=1.0)["3.1.2d"].outcome is FAILED


@pytest.mark.parametrize(("gain", "outcome"), [(0.0, PASSED), (2.0, PASSED), (6.0, FAILED), (-5.0, FAILED)])
def test_the_agents_own_volume_is_measured(tmp_path: Path, gain: float, outcome: Outcome) -> None:
    lines = [Line(0, GREETING), Line(1, PROBLEM, gain=-25), Line(0, GREETING, gain=gain)]
    found = verdicts(tmp_path, lines)
    assert found["3.2.2b"].outcome is outcome, found["3.2.2b"].reason
    assert found["3.2.2a"].outcome is UNDECIDED


def test_what_needs_words_is_undecided(tmp_path: Path) -> None:
    found = verdicts(tmp_path, [Line(0, GREETING), Line(1, PROBLEM), Line(0, HELP)])
    assert found["3.1.1"].outcome is UNDECIDED
    assert found["3.4.2a"].outcome is UNDECIDED
    assert {one.outcome for one in found.values()}.isdisjoint({FAILED, Outcome.ERROR})


def test_without_roles_nobody_is_taken_for_the_agent(tmp_path: Path) -> None:
    recorded(tmp_path, [Line(1, PROBLEM), Line(0, HELP, 9.0)])
    [record] = read_calls([str(tmp_path / "call.wav")], ReadOptions(language="en"))
    assert isinstance(record, Call)
    assert judged(record)["2.6a"].outcome is UNDECIDED


# --- where recordings are ------------------------------------------------------------------


def test_recordings_in_folders_are_calls_if_asked_for_and_not_transcribed(tmp_path: Path) -> None:
    samples = np.zeros((8000, 2), np.float32)
    for name in ("a/said.wav", "a/untold.wav", "a/b/other.flac", "a/.hidden.wav"):
        write(tmp_path / name, samples)
    (tmp_path / "a/said.json").write_text('{"id": "said", "turns": [{"text": "Hello."}]}')
    found = [str(one.source) for one in read_calls([str(tmp_path)], OPTIONS) if isinstance(one, Call)]
    assert [file.removeprefix(f"{tmp_path}/a/") for file in found] == ["said.json", "untold.wav", "b/other.flac"]
    assert [one.id for one in read_calls([str(tmp_path)], ReadOptions())] == ["said"]


def test_a_recording_that_is_none_is_told_and_the_rest_is_judged(tmp_path: Path) -> None:
    write(tmp_path / "good.wav", np.zeros((8000, 2), np.float32))
    (tmp_path / "bad.wav").write_bytes(b"RIFF\0\0\0\0WAVEjunk")
    (tmp_path / "mislabelled.wav").write_text("Minutes of a meeting")
    (tmp_path / "empty.wav").write_bytes(b"")
    found = {one.id: one for one in read_calls([str(tmp_path)], OPTIONS)}
    assert isinstance(found.pop("good"), Call)
    problems = {id: str(one) for id, one in found.items() if isinstance(one, Unreadable)}
    assert "The recording cannot be read" in problems["bad"]
    assert "This is not a transcript" in problems["mislabelled"]
    assert "The file is empty" in problems["empty"]


def test_the_command_line_judges_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = str(recorded(tmp_path, [Line(1, PROBLEM), Line(0, HELP, 9.0)]))
    assert cli.main(["check", file, "--language", "en", "--roles", "0=agent,1=customer"]) == cli.FINDINGS
    assert "2.6a minor, 1 call: Fast" in capsys.readouterr().out


def test_pytest_judges_a_recording(project: Project) -> None:
    recorded(project.path / "calls", [Line(0, GREETING), Line(1, PROBLEM)])
    project.book().run("--callqa-recordings", "--callqa-roles", "0=agent,1=customer", "--callqa-language", "en")
    assert project.verdicts() == {"call": "uumn"}

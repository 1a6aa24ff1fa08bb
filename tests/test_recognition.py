"""The words of recordings: a stand-in for the model where words matter, a model of noise for the library itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from audio_kit import RATE, Line, Spoken, call, say, write
from pytest_callqa import cli
from pytest_callqa.call import Call
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import ReadOptions, Unreadable, read_calls, recognition, recordings, to_native
from pytest_callqa.readers.recognition import recognise
from pytest_callqa.verdict import Outcome
from test_audio_rules import judged

GREETING = "Hello, welcome to the hotline. What can I do for you?"
LINES = [
    Line(0, GREETING),
    Line(1, "My card does not work."),
    Line(0, "Sorry, the system is slow. Would you please wait a moment?"),
    Line(1, "Okay."),
    Line(0, "Sorry to keep you waiting.", 15.0),
]
SAID = {number: [line.text for line in LINES if line.who == number] for number in (0, 1)}


class StandIn:
    """Answers as faster-whisper does: with the lines of one channel after the other, and an invention after each."""

    supported_languages = ("en", "zh")

    def __init__(self, told: Sequence[Spoken], invention: str = "", **doubts: float) -> None:
        self.left = [[one for one in told if one.who == who] for who in (0, 1)]
        self.invention, self.doubts = invention, doubts
        self.asked: list[dict[str, object]] = []

    def transcribe(self, samples: NDArray[np.float32], **how: object) -> tuple[Iterator[object], object]:
        self.asked.append({"seconds": len(samples) / 16000, **how})
        mine = self.left[0] or self.left[1]
        begun, found = mine[0].start, []
        while mine and mine[0].end - begun <= len(samples) / 16000 + 0.1:
            one = mine.pop(0)
            found.append(self.segment(one.text, one.start - begun, one.end - begun))
            if self.invention:
                found.append(self.segment(self.invention, one.end - begun + 1.0, one.end - begun + 2.0))
        return iter(found), SimpleNamespace(language="en")

    def segment(self, text: str, start: float, end: float) -> object:
        words = text.split()
        edges = np.linspace(start, end, len(words) + 1)
        said = [
            SimpleNamespace(word=f" {word}", start=a, end=b, probability=0.9)
            for word, a, b in zip(words, edges, edges[1:], strict=False)
        ]
        sure = {"avg_logprob": -0.2, "compression_ratio": 1.0, "no_speech_prob": 0.0}
        return SimpleNamespace(text=f" {text}", words=said, **(sure | self.doubts))


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A folder that looks like one with a model."""
    model = tmp_path / "model"
    model.mkdir()
    for name in ("model.bin", "tokenizer.json"):
        (model / name).touch()
    return str(model)


def read(folder: Path, model: str, lines: Sequence[Line] = LINES, *, language: str = "en", after: float = 1.0) -> Call:
    write(folder / "calls" / "call.wav", call(lines, after=after)[0])
    options = ReadOptions(roles={"0": "agent", "1": "customer"}, language=language, speech_model=model)
    [found] = read_calls([str(folder / "calls" / "call.wav")], options)
    assert isinstance(found, Call), found
    return found


def test_words_are_those_of_the_speech_that_is_heard(
    tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, told = call(LINES)
    model = StandIn(told)
    monkeypatch.setattr(recognition, "_model", lambda _: model)
    found = read(tmp_path, folder)
    for who, role in enumerate(("agent", "customer")):
        assert " ".join(turn.text for turn in found.turns if turn.role == role) == " ".join(SAID[who])
    assert (found.timing, found.tolerance) == ("word", 0.15)
    assert found.limits == ("the words were recognised by a speech model on this machine",)
    assert all(one["language"] == "en" and one["seconds"] <= recognition.WINDOW for one in model.asked)
    verdicts = judged(found)
    assert {clause: verdicts[clause].outcome for clause in ("3.5.1a", "3.5.1b", "2.6a")} == {
        "3.5.1a": Outcome.PASSED, "3.5.1b": Outcome.PASSED, "2.6a": Outcome.PASSED,
    }  # fmt: skip


def test_what_is_invented_in_silence_is_dropped(tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [LINES[0], Line(0, "Are you there?", 6.0), *LINES[1:]]
    _, told = call(lines)
    monkeypatch.setattr(recognition, "_model", lambda _: StandIn(told, "Thanks for watching!"))
    found = read(tmp_path, folder, lines)
    assert "Are you there?" in (texts := [turn.text for turn in found.turns])
    assert "watching" not in " ".join(texts)


def test_what_whisper_doubts_is_doubtful(tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, told = call(LINES)
    monkeypatch.setattr(recognition, "_model", lambda _: StandIn(told, no_speech_prob=0.9, avg_logprob=-1.5))
    found = read(tmp_path, folder)
    assert {turn.doubtful for turn in found.turns} == {"Whisper finds it 90% likely that nobody spoke"}


def test_speech_without_words_stays_unless_it_may_be_a_breath(
    tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mute(StandIn):
        def transcribe(self, samples: NDArray[np.float32], **how: object) -> tuple[Iterator[object], object]:
            return iter([SimpleNamespace(text="", words=None)]), SimpleNamespace(language="en")

    monkeypatch.setattr(recognition, "_model", lambda _: Mute([]))
    found = read(tmp_path, folder, [*LINES[:3], Line(1, "No.", 1.0), LINES[4]])
    assert {turn.text for turn in found.turns} == {""}
    assert all((turn.end or 0) - (turn.start or 0) >= recognition.SURE for turn in found.turns)
    assert judged(found)["3.1.1"].outcome is Outcome.UNDECIDED


def test_long_speech_is_looked_at_in_parts_and_the_language_is_found_once(
    tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speech = say("My card does not work since this morning.")
    samples = np.zeros((70 * RATE, 2), np.float32)
    samples[RATE : 46 * RATE, 0] = np.resize(speech, 45 * RATE)
    samples[65 * RATE : 69 * RATE, 0] = np.resize(speech, 4 * RATE)
    write(tmp_path / "calls" / "call.wav", samples)

    class Deaf(StandIn):
        def transcribe(self, samples: NDArray[np.float32], **how: object) -> tuple[Iterator[object], object]:
            self.asked.append({"seconds": len(samples) / 16000, **how})
            return iter(()), SimpleNamespace(language="en")

    model = Deaf([])
    monkeypatch.setattr(recognition, "_model", lambda _: model)
    [found] = read_calls([str(tmp_path / "calls" / "call.wav")], ReadOptions(speech_model=folder))
    assert isinstance(found, Call)
    assert found.language == "en"
    assert len(model.asked) >= 2
    assert all(one["seconds"] <= recognition.WINDOW + 0.01 for one in model.asked)
    assert [one["language"] for one in model.asked] == [None, *["en"] * (len(model.asked) - 1)]


# --- the library itself -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def noise_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Whisper model as small as can be, whose weights are noise: it runs, and writes nonsense."""
    from whisper_kit import write_model

    return write_model(tmp_path_factory.mktemp("whisper") / "noise")


def test_faster_whisper_runs_offline_and_its_nonsense_lies_within_speech(tmp_path: Path, noise_model: str) -> None:
    found = read(tmp_path, noise_model, LINES[:2])
    assert to_native(found), "its times are no numbers of numpy"
    heard = recordings.hear(str(tmp_path / "calls" / "call.wav")).sound
    spans = [(one.start, one.end) for channel in heard.channels for one in channel.speech]
    for turn in found.turns:
        assert (turn.start, turn.end) in spans
        assert all(turn.start <= word.start <= word.end <= turn.end for word in turn.words)  # type: ignore[operator]


def test_a_language_that_the_model_does_not_know_is_told(tmp_path: Path, noise_model: str) -> None:
    write(tmp_path / "call.wav", call(LINES[:2])[0])
    [found] = read_calls([str(tmp_path / "call.wav")], ReadOptions(speech_model=noise_model, language="zh-CN"))
    assert "The speech model does not know the language 'zh'" in str(found), "it would take it for English"


def test_a_folder_without_a_model_is_an_error_of_usage(
    tmp_path: Path, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(write(tmp_path / "call.wav", call(LINES[:2])[0]))
    assert cli.main(["check", file, "--speech-model", str(tmp_path / "nowhere")]) == cli.USAGE
    assert "nowhere: The speech model lacks model.bin and tokenizer.json" in capsys.readouterr().err
    [found] = read_calls([file], ReadOptions(speech_model=folder))
    assert isinstance(found, Unreadable)
    assert "The speech model cannot be used" in str(found)


def test_without_the_extra_it_is_named(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(BadInput, match=r"pytest-callqa\[whisper\]"):
        recognise(SimpleNamespace(), SimpleNamespace(channels=()), folder, "")  # type: ignore[arg-type]

"""A transcript beside its recording: the words at the times at which they are heard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from audio_kit import RATE, Line, Spoken, call, write
from pytest_callqa.call import Call
from pytest_callqa.readers import ReadOptions, read_calls
from pytest_callqa.verdict import Outcome
from test_audio_rules import judged

PASSED, FAILED, UNDECIDED = Outcome.PASSED, Outcome.FAILED, Outcome.UNDECIDED
OPTIONS = ReadOptions(language="en", recordings=True)
LINES = [
    Line(0, "Hello, what can I do for you?"),
    Line(1, "My card does not work since this morning."),
    Line(0, "Let me look at it, I see that it was blocked.", 2.0),
    Line(1, "And why was it blocked?", 0.6),
    Line(0, "It was used in another country last night.", 1.5),
    Line(1, "That was me, on holiday.", 0.8),
    Line(0, "Then I will open it again for you.", 3.0),
    Line(1, "Thank you very much.", 0.7),
]
ROLES = ("agent", "customer")


def transcript(
    told: Sequence[Spoken], *, offset: float = 0.0, rate: float = 1.0, off: float = 0.0
) -> dict[str, object]:
    """What a recogniser may write: times on a clock of its own, and off by so much, now early and now late."""
    errors = [off * (-1) ** number for number in range(len(told))]
    turns = [
        {
            "role": ROLES[one.who],
            "text": one.text,
            "start": max((one.start - offset) / rate + error, 0),
            "end": (one.end - offset) / rate + error,
        }
        for one, error in zip(told, errors, strict=True)
    ]
    return {"id": "call", "turns": turns, "tolerance": 0.8, "language": "en"}


def read(folder: Path, lines: Sequence[Line], record: object, *, after: float = 1.0, mono: bool = False) -> Call:
    samples, _ = call(lines, after=after)
    write(folder / "call.wav", samples.sum(axis=1) if mono else samples)
    (folder / "call.json").write_text(json.dumps(record))
    [found] = read_calls([str(folder)], OPTIONS)
    assert isinstance(found, Call), found
    return found


def off_by(record: Call, told: Sequence[Spoken]) -> float:
    pairs = zip(record.turns, told, strict=True)
    return max(max(abs((turn.start or 0) - one.start), abs((turn.end or 0) - one.end)) for turn, one in pairs)


@pytest.mark.parametrize("mono", [False, True])
@pytest.mark.parametrize(
    ("offset", "rate", "off"), [(0.0, 1.0, 0.0), (0.0, 1.0, 0.4), (12.0, 1.0, 0.2), (-3.0, 1.0, 0.2), (0.5, 1.01, 0.1)]
)
def test_times_are_moved_to_where_they_are_heard(
    tmp_path: Path, offset: float, rate: float, off: float, *, mono: bool
) -> None:
    lines = [LINES[0]._replace(pause=13.0), *LINES[1:]]
    _, told = call(lines)
    found = read(tmp_path, lines, transcript(told, offset=offset, rate=rate, off=off), mono=mono)
    assert off_by(found, told) <= 0.1
    assert found.tolerance == 0.15
    assert found.timing == "turn"
    assert any(limit.startswith("times are those of the recording") for limit in found.limits)


def test_a_clock_that_drifts_is_followed_through_a_long_call(tmp_path: Path) -> None:
    lines = [line._replace(pause=0.5 + number * 7 % 11) for number, line in enumerate(LINES * 4)]
    _, told = call(lines)
    assert told[-1].end > 150
    found = read(tmp_path, lines, transcript(told, offset=-7.0, rate=0.985, off=0.1))
    assert off_by(found, told) <= 0.1
    assert "drift -1.5" in " ".join(found.limits)


def test_words_get_the_pauses_that_are_heard(tmp_path: Path) -> None:
    lines = [*LINES[:2], Line(0, "One moment please."), Line(0, "Here it is.", 3.0), LINES[3]]
    _, told = call(lines)
    record = transcript(told)
    first, second = record["turns"][2], record["turns"].pop(3)  # type: ignore[index, attr-defined]  # a list
    words = ["One", "moment", "please.", "Here", "it", "is."]
    guessed = np.linspace(first["start"], second["end"], len(words) + 1)
    first |= {
        "text": " ".join(words),
        "end": second["end"],
        "words": [{"text": w, "start": a, "end": b} for w, a, b in zip(words, guessed, guessed[1:], strict=False)],
    }
    found = read(tmp_path, lines, record)
    please, here = found.turns[2].words[2:4]
    assert (please.text, here.text) == ("please.", "Here")
    assert please.end == pytest.approx(told[2].end, abs=0.05)
    assert here.start == pytest.approx(told[3].start, abs=0.05)


def test_a_transcript_without_times_gets_them_turn_by_turn(tmp_path: Path) -> None:
    _, told = call(LINES)
    record = {"id": "call", "turns": [{"role": ROLES[one.who], "text": one.text} for one in told]}
    found = read(tmp_path, LINES, record)
    assert (found.timing, off_by(found, told) <= 0.1) == ("turn", True)
    halves = [{"role": "agent", "text": half} for half in ("Hello,", "what can I do for you?")]
    found = read(tmp_path, LINES, {**record, "turns": [*halves, *record["turns"][1:]]})  # type: ignore[index]
    assert found.turns[0].end == found.turns[1].start

    found = read(tmp_path, LINES, {**record, "turns": record["turns"][1:]})  # type: ignore[index]
    assert found.timing == "none"
    assert found.limits[-1] == (
        "the recording gives no times: the transcript without times has 7 changes of speaker, the recording 8"
    )


def test_loudness_noise_and_the_end_come_from_the_recording(tmp_path: Path) -> None:
    lines = [LINES[0], LINES[1]._replace(gain=-25), *LINES[2:]]
    _, told = call(lines)
    found = read(tmp_path, lines, transcript(told, off=0.1))
    assert all(turn.loudness is not None for turn in found.turns)
    assert [(event.kind, event.by) for event in found.events] == [("low-volume", "customer"), ("hangup", "unknown")]
    noted = {"events": [{"kind": "hangup", "time": 5.0, "by": "customer"}]}
    found = read(tmp_path, lines, transcript(told, off=0.1) | noted)
    assert [(event.kind, event.by) for event in found.events if event.kind == "hangup"] == [("hangup", "customer")]


def test_what_one_has_and_the_other_has_not_is_told(tmp_path: Path) -> None:
    _, told = call(LINES)
    invented = Spoken(1, "Thanks for watching!", told[-1].end + 3, told[-1].end + 5)
    found = read(tmp_path, LINES, transcript([*told[:3], *told[4:], invented]), after=8.0)
    assert found.turns[-1].doubtful == "nobody speaks here in the recording"
    assert [limit for limit in found.limits if "transcript" in limit] == [
        f"the transcript has no words for 1 stretches of speech, the first at {told[3].start:.1f} s",
        f"the recording has no speech for 1 turns of the transcript, the first at {invented.start:.1f} s",
    ]


@pytest.mark.parametrize(("lines", "reason"), [(LINES[:1], "are they one call?"), ([], "nobody speaks")])
def test_a_recording_of_another_call_gives_no_times(tmp_path: Path, lines: list[Line], reason: str) -> None:
    _, told = call(LINES)
    record = transcript(told)
    write(tmp_path / "call.wav", call(lines)[0] if lines else np.zeros((RATE, 2), np.float32))
    (tmp_path / "call.json").write_text(json.dumps(record))
    [found] = read_calls([str(tmp_path)], OPTIONS)
    assert isinstance(found, Call)
    assert (found.tolerance, found.turns[0].start) == (0.8, told[0].start)
    assert reason in found.limits[-1]


def test_a_recording_that_cannot_be_read_is_the_calls_error_and_named(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(b"RIFF")
    (tmp_path / "call.json").write_text(json.dumps({"id": "call", "turns": [{"text": "Hello."}]}))
    [found] = read_calls([str(tmp_path)], OPTIONS)
    assert "call.wav: The recording cannot be read" in str(found)
    [found] = read_calls([str(tmp_path)], ReadOptions())
    assert isinstance(found, Call), "it is looked for only when asked"


# --- rules that the recording decides -------------------------------------------------------

ASK, LEAVE = (
    "Hello, what can I do for you?",
    "Sorry, there is no sound on your phone. Please call again on another phone. Goodbye!",
)
NOISY = "Sorry, your phone is noisy, I can't hear clearly. Would you please call again on another phone? Goodbye!"
SLOW = "Sorry, the system is slow. Would you please wait a moment?"
STAY = [
    Line(0, ASK),
    Line(1, "Nothing, thank you. That's all."),
    Line(0, "Thank you for calling. If you have any questions, please call again. Thank you, goodbye!"),
]


@pytest.mark.parametrize(
    ("clause", "lines", "after", "outcome"),
    [
        ("3.1.2b", [Line(0, ASK), Line(0, ASK, 6.0), Line(0, ASK, 5.5), Line(0, LEAVE, 6.0)], 6.0, PASSED),
        ("3.1.2b", [Line(0, ASK), Line(0, ASK, 6.0), Line(0, ASK, 4.5), Line(0, LEAVE, 6.0)], 6.0, FAILED),
        ("3.1.2d", [Line(0, ASK), Line(0, ASK, 6.0), Line(0, ASK, 5.5), Line(0, LEAVE, 6.0)], 6.0, PASSED),
        ("3.1.2d", [Line(0, ASK), Line(0, ASK, 6.0), Line(0, ASK, 5.5), Line(0, LEAVE, 6.0)], 2.0, FAILED),
        ("3.2.4", [Line(0, ASK), Line(1, "Hello?"), Line(0, NOISY)], 5.5, PASSED),
        ("3.2.4", [Line(0, ASK), Line(1, "Hello?"), Line(0, NOISY)], 4.0, FAILED),
        ("3.5.1a", [*LINES[:2], Line(0, SLOW), Line(1, "Okay."), Line(0, "Sorry to keep you waiting.", 15)], 1, PASSED),
        ("3.5.1b", [*LINES[:2], Line(0, SLOW), Line(1, "Okay."), Line(0, "Here it is.", 15)], 1, FAILED),
        ("2.6a", [*LINES[:2], Line(0, "I see it.", 4.5)], 1, PASSED),
        ("2.6a", [*LINES[:2], Line(0, "I see it.", 5.5)], 1, FAILED),
        ("2.6a", [*LINES[:2], Line(0, "I see it.", 5.05)], 1, UNDECIDED),
        ("3.6.4b", [*STAY, Line(0, "Anything else?", 6.0), Line(0, "Sorry, I am hanging up now.", 6.0)], 6.0, PASSED),
    ],
)
def test_pauses_that_are_heard_decide(
    tmp_path: Path, clause: str, lines: list[Line], after: float, outcome: Outcome
) -> None:
    _, told = call(lines)
    guessed = transcript(told, off=0.4)
    verdict = judged(read(tmp_path, lines, guessed, after=after))[clause]
    assert verdict.outcome is outcome, verdict


# --- what recordings and transcripts also look like -----------------------------------------


def test_a_recording_without_its_silences_gives_no_times(tmp_path: Path) -> None:
    lines = [line._replace(pause=0.9) for line in LINES * 2]
    _, told = call(LINES * 2)
    found = read(tmp_path, lines, transcript(told))
    assert found.tolerance == 0.8
    assert "the recorder dropped silence" in found.limits[-1]


def test_a_minute_without_a_word_tells_nothing_of_the_clock(tmp_path: Path) -> None:
    lines = [*LINES[:4], LINES[4]._replace(pause=130.0), *LINES[5:], *LINES]
    _, told = call(lines)
    found = read(tmp_path, lines, transcript(told, offset=-2.0, off=0.1))
    assert off_by(found, told) <= 0.1


def test_a_clock_off_by_more_than_any_clock_is_not_believed(tmp_path: Path) -> None:
    lines = [line._replace(pause=0.5 + number * 7 % 11) for number, line in enumerate(LINES * 4)]
    _, told = call(lines)
    found = read(tmp_path, lines, transcript(told, rate=1.03))
    assert "are they one call?" in found.limits[0]


def test_a_recording_that_began_late_moves_the_rest(tmp_path: Path) -> None:
    lines = [line._replace(pause=0.5 + number * number * 0.37 % 11) for number, line in enumerate(LINES * 8)]
    samples, told = call(lines)
    late = next(one.start for one in told if one.start > 70) - 0.3
    write(tmp_path / "call.wav", samples[int(late * RATE) :])
    (tmp_path / "call.json").write_text(json.dumps(transcript(told)))
    [found] = read_calls([str(tmp_path)], OPTIONS)
    assert isinstance(found, Call)
    assert found.turns[-1].end == pytest.approx(told[-1].end - late, abs=0.1)


def test_a_turn_that_ends_within_speech_keeps_its_end(tmp_path: Path) -> None:
    lines = [
        Line(0, "We looked at your order this morning and found that it was sent to another address in town."),
        LINES[1],
    ]
    _, (long, answer) = call(lines)
    middle = (long.start + long.end) / 2
    halves = [long._replace(end=middle), long._replace(start=middle), answer]
    found = read(tmp_path, lines, transcript(halves))
    assert found.turns[0].end == pytest.approx(middle, abs=0.1)
    assert found.turns[1].start == pytest.approx(middle, abs=0.1)


def test_a_turn_told_in_a_pause_keeps_its_times(tmp_path: Path) -> None:
    lines = [Line(0, "One moment please."), Line(0, "Here it is.", 0.8), *LINES[1:]]
    _, told = call(lines)
    between = Spoken(0, "Hm.", told[0].end + 0.3, told[0].end + 0.5)
    found = read(tmp_path, lines, transcript([told[0], between, *told[1:]]))
    assert found.turns[1].end - found.turns[1].start == pytest.approx(0.2, abs=0.01)


def test_a_word_too_short_to_measure_has_no_loudness(tmp_path: Path) -> None:
    lines = [*LINES[:2], Line(0, "Yes.", 3.0), *LINES[3:]]
    _, told = call(lines)
    assert told[2].end - told[2].start < 0.4
    found = read(tmp_path, lines, transcript(told))
    assert [turn.loudness is None for turn in found.turns] == [False, False, True, *[False] * 5]


def test_a_transcript_without_a_recording_is_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "call.json").write_text(json.dumps({"id": "call", "turns": [{"text": "Hello."}]}))
    [found] = read_calls([str(tmp_path)], OPTIONS)
    assert isinstance(found, Call)
    assert (found.timing, found.limits) == ("none", ())

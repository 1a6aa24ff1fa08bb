"""Recordings: who speaks when, how loud, over what noise; and the rules that are decided from it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from audio_kit import RATE, Line, Spoken, call, noise, say, sox, write
from pytest_callqa.audio.sound import Sound, talk_over
from pytest_callqa.call import Call
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import ReadOptions, read_calls
from pytest_callqa.readers.recordings import hear, is_recording, read

GREETING, HELP = "Hello, welcome to the hotline. What can I do for you?", "Of course, I will look at it."
PROBLEM = "My card was charged twice yesterday."
EN = [Line(0, GREETING), Line(1, PROBLEM, 2.0), Line(0, HELP, 5.4), Line(1, "Thank you very much.", 0.5)]
ZH = [
    Line(0, "您好，欢迎致电监控中心呼叫热线，请问有什么可以帮您？"),
    Line(1, "我的摄像头坏了，看不到画面。", 3.0),
    Line(0, "请您稍等，我帮您查询一下。", 4.8),
]
ROLES = ReadOptions(roles={"0": "agent", "1": "customer"})
SPEECH = {"en": EN, "zh": ZH}


def heard(folder: Path, samples: NDArray[np.float32], rate: int = RATE, **how: str) -> Sound:
    return hear(str(write(folder / "call.wav", samples, rate, **how))).sound


def as_call(folder: Path) -> Call:
    """The call of the recording that was heard last."""
    return read(str(folder / "call.wav"), ROLES)


def turns(sound: Sound) -> list[tuple[int, float, float]]:
    """Who speaks from when to when, lines of one speaker without a second between them as one."""
    found: list[tuple[int, float, float]] = []
    for who, one in sorted(
        ((who, one) for who, channel in enumerate(sound.channels) for one in channel.speech),
        key=lambda each: each[1].start,
    ):
        if found and found[-1][0] == who and one.start - found[-1][2] < 1:
            found[-1] = who, found[-1][1], one.end
        else:
            found.append((who, one.start, one.end))
    return found


def worst(sound: Sound, told: list[Spoken]) -> float:
    """By how many seconds a pause between two lines is measured wrongly, at most."""
    found = turns(sound)
    assert [who for who, _, _ in found] == [one.who for one in told]
    measured = [after[1] - before[2] for before, after in pairwise(found)]
    return max(abs(one - (b.start - a.end)) for one, (a, b) in zip(measured, pairwise(told), strict=True))


# --- who speaks when ------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("rate", [8000, 11025, 48000])
def test_pauses_are_found(tmp_path: Path, language: str, rate: int) -> None:
    samples, told = call(SPEECH[language], language=language, rate=rate)
    sound = heard(tmp_path, samples, rate)
    assert worst(sound, told) <= 0.02
    assert sound.duration == pytest.approx(len(samples) / rate)
    assert sound.limits == ()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("level", [-60, -45])
def test_pauses_are_found_over_noise(tmp_path: Path, language: str, level: float) -> None:
    samples, told = call(SPEECH[language], language=language)
    sound = heard(tmp_path, samples + noise(len(samples) / RATE, level)[:, None])
    assert worst(sound, told) <= 0.15
    assert sound.channels[0].noise == pytest.approx(level, abs=1)


@pytest.mark.parametrize("overlap", [0.3, 0.8])
def test_talking_over_is_found(tmp_path: Path, overlap: float) -> None:
    samples, _ = call([Line(1, PROBLEM), Line(0, HELP, -overlap)])
    assert talk_over(*heard(tmp_path, samples).channels) == pytest.approx(overlap, abs=0.2)


def test_ringing_is_no_speech(tmp_path: Path) -> None:
    samples, _ = call([Line(0, GREETING, 9.0)])
    clock = np.arange(2 * RATE) / RATE
    ring = 0.1 * (np.sin(2 * np.pi * 440 * clock) + np.sin(2 * np.pi * 480 * clock)).astype(np.float32)
    for start in (0, 6):
        samples[start * RATE : start * RATE + len(ring), 1] += ring
    sound = heard(tmp_path, samples)
    assert [(one.kind, one.start, one.end) for one in sound.channels[1].stretches] == [
        ("tone", pytest.approx(0, abs=0.05), pytest.approx(2, abs=0.05)),
        ("tone", pytest.approx(6, abs=0.05), pytest.approx(8, abs=0.05)),
    ]
    assert [(event.kind, round(event.time or 0)) for event in as_call(tmp_path).events] == [
        ("ring", 0), ("ring", 6), ("answer", 9), ("hangup", round(sound.duration)),
    ]  # fmt: skip


def test_a_short_sound_of_a_voice_is_no_tone(tmp_path: Path) -> None:
    vowel = say("啊", "zh")[400:1200]
    samples, _ = call([Line(0, GREETING, 4.0)])
    samples[2 * RATE : 2 * RATE + len(vowel), 1] += vowel
    heard(tmp_path, samples)
    assert [event.kind for event in as_call(tmp_path).events] == ["hangup"]


@pytest.mark.parametrize(
    ("tones", "cadence"),
    [
        ((450,), [(0, 1.0), (5, 6.0)]),
        ((400, 450), [(0, 0.4), (0.6, 1.0), (3, 3.4), (3.6, 4.0)]),
        ((440,), [(0, 0.5), (1, 1.5), (5, 5.5), (6, 6.5)]),
    ],
)
def test_each_ringing_is_one_ring_however_a_country_rings(
    tmp_path: Path, tones: tuple[int, ...], cadence: list[tuple[float, float]]
) -> None:
    samples, _ = call([Line(0, GREETING, 9.0)])
    clock = np.arange(len(samples)) / RATE
    for start, end in cadence:
        ringing = (clock >= start) & (clock < end)
        samples[ringing, 1] += sum(0.1 * np.sin(2 * np.pi * tone * clock[ringing]) for tone in tones)
    heard(tmp_path, samples)
    assert [event.kind for event in as_call(tmp_path).events] == ["ring", "ring", "answer", "hangup"]


def test_music_is_a_hold(tmp_path: Path) -> None:
    samples, _ = call([Line(1, PROBLEM), Line(0, HELP), Line(0, HELP, 12.0)])
    samples[7 * RATE : 15 * RATE, 0] += music(8)
    sound = heard(tmp_path, samples)
    assert [one.kind for one in sound.channels[0].stretches] == ["speech", "music", "speech"]
    hold, unhold, hangup = as_call(tmp_path).events
    assert (hold.kind, hold.time, hold.by) == ("hold", pytest.approx(7, abs=0.2), "customer")
    assert (unhold.kind, unhold.time) == ("unhold", pytest.approx(15, abs=0.6))
    assert hangup.kind == "hangup"


def music(seconds: int) -> NDArray[np.float32]:
    """A tune of plucked strings, two notes a second."""
    clock = np.arange(RATE // 2) / RATE
    notes = []
    for number in range(2 * seconds):
        chord = [220 * 2 ** (step / 12) for step in ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))[number // 2 % 4]]
        tones = sum(np.sin(2 * np.pi * tone * part * clock) / part**2 for tone in chord for part in (1, 2, 3, 4))
        notes.append(0.1 * tones * np.exp(-2 * clock))
    return np.concatenate(notes).astype(np.float32)


# --- loudness and noise ---------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("step", [-12.0, -3.0, 6.0])
def test_steps_of_loudness_are_measured(tmp_path: Path, language: str, step: float) -> None:
    text = SPEECH[language][0].text
    samples, _ = call([Line(0, text), Line(0, text, 2.0, step)], language=language)
    one, two = turns_loudness(heard(tmp_path, samples))
    assert two - one == pytest.approx(step, abs=0.5)


@pytest.mark.parametrize(
    ("name", "how"),
    [("call.wav", {"subtype": "ULAW"}), ("call.mp3", {}), ("call.opus", {"format": "OGG", "subtype": "OPUS"})],
)
def test_codecs_change_neither_steps_of_loudness_nor_talk_over(tmp_path: Path, name: str, how: dict[str, str]) -> None:
    samples, _ = call([Line(0, GREETING), Line(0, GREETING, 2.0, -6.0), Line(1, PROBLEM, -0.8)])
    sound = hear(str(write(tmp_path / name, samples, **how))).sound
    one, two = turns_loudness(sound)
    assert two - one == pytest.approx(-6.0, abs=0.5)
    assert talk_over(*sound.channels) == pytest.approx(0.8, abs=0.2)


def turns_loudness(sound: Sound) -> list[float]:
    """The mean loudness of the speech before and after the longest pause."""
    speech = sound.channels[0].speech
    cut = max(range(1, len(speech)), key=lambda at: speech[at].start - speech[at - 1].end)
    return [float(np.mean([one.loudness for one in part if one.loudness])) for part in (speech[:cut], speech[cut:])]


def test_a_low_voice_and_a_noisy_line_are_noted(tmp_path: Path) -> None:
    samples, _ = call([Line(0, GREETING), Line(1, PROBLEM, gain=-25), Line(0, HELP)])
    heard(tmp_path, samples)
    events = as_call(tmp_path).events
    assert [(event.kind, event.by) for event in events] == [("low-volume", "customer"), ("hangup", "unknown")]

    samples, _ = call(EN)
    samples[:, 1] += noise(len(samples) / RATE, -33)
    heard(tmp_path, samples)
    noisy = as_call(tmp_path)
    assert [(event.kind, event.by) for event in noisy.events] == [("noise", "customer"), ("hangup", "unknown")]
    assert noisy.tolerance == 0.3, "edges are lost in the noise"


def test_a_recording_that_is_low_as_a_whole_has_no_low_voice(tmp_path: Path) -> None:
    samples, told = call(EN)
    assert worst(heard(tmp_path, 0.05 * samples), told) <= 0.05
    assert [event.kind for event in as_call(tmp_path).events] == ["hangup"]


@pytest.mark.parametrize("hum", [0.0, 50.0])
def test_what_hums_or_stands_still_is_no_noise(tmp_path: Path, hum: float) -> None:
    samples, told = call(EN)
    clock = np.arange(len(samples)) / RATE
    still = 0.003 * np.cos(2 * np.pi * hum * clock)[:, None]
    assert worst(heard(tmp_path, (samples + still).astype(np.float32)), told) <= 0.15
    assert [event.kind for event in as_call(tmp_path).events] == ["hangup"]


def test_a_sound_too_short_to_measure_has_no_loudness(tmp_path: Path) -> None:
    samples, _ = call([Line(0, "Yes."), Line(0, GREETING, 2.0)])
    samples[RATE + RATE // 4 : 2 * RATE] = 0
    assert heard(tmp_path, samples).channels[0].speech[0].loudness is None


# --- what recorders do ----------------------------------------------------------------------


def test_a_mono_recording_says_that_it_does_not_know_who_speaks(tmp_path: Path) -> None:
    samples, _ = call(EN)
    sound = heard(tmp_path, samples.sum(axis=1))
    assert sound.limits == ("both parties are on one channel: who speaks is not known from the sound",)
    assert {turn.speaker for turn in as_call(tmp_path).turns} == {"channel 0"}


@pytest.mark.parametrize("gain", [1.0, 0.4, -1.0])
def test_mono_passed_off_as_stereo_is_found(tmp_path: Path, gain: float) -> None:
    samples, _ = call(EN)
    mono = samples.sum(axis=1)
    sound = heard(tmp_path, np.stack((mono, gain * mono), axis=1))
    assert sound.limits == ("both channels hold the same sound: a mono recording was passed off as stereo",)
    assert len(sound.channels) == 1


def test_a_silent_channel_is_found(tmp_path: Path) -> None:
    samples, _ = call(EN)
    sound = heard(tmp_path, np.stack((samples.sum(axis=1), np.zeros(len(samples), np.float32)), axis=1))
    assert sound.limits == ("one channel is silent, so both parties may be on the other",)


def test_silence_that_the_recorder_dropped_is_found(tmp_path: Path) -> None:
    lines = [Line(number % 2, text, 0.7) for number, text in enumerate((PROBLEM, HELP) * 4)]
    samples, _ = call(lines)
    sound = heard(tmp_path, samples)
    assert sound.gapless
    record = as_call(tmp_path)
    assert all(turn.start is None for turn in record.turns), "no rule must trust such times"
    assert "the recorder dropped silence" in record.limits[0]
    assert record.events == ()


def test_a_recording_of_nothing_is_a_call_without_speech(tmp_path: Path) -> None:
    sound = heard(tmp_path, np.zeros((3 * RATE, 2), np.float32))
    assert [channel.speech for channel in sound.channels] == [(), ()]
    assert as_call(tmp_path).duration == 3


# --- how recordings are stored --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("call.wav", {"subtype": "ULAW"}),
        ("call.wav", {"subtype": "ALAW"}),
        ("call.wav", {"subtype": "PCM_24"}),
        ("call.au", {"subtype": "ULAW"}),
        ("call.flac", {}),
        ("call.ogg", {}),
        ("call.ogg", {"format": "OGG", "subtype": "OPUS"}),
        ("call.mp3", {}),
    ],
)
def test_every_way_of_storing_sound_tells_the_same(tmp_path: Path, name: str, how: dict[str, str]) -> None:
    samples, told = call(EN[:3])
    assert worst(hear(str(write(tmp_path / name, samples, **how))).sound, told) <= 0.15


@pytest.mark.parametrize(("coding", "name"), [("ULAW", "call.ulaw"), ("ULAW", "call.PCMU"), ("ALAW", "call.al")])
def test_bare_samples_of_the_telephone_network_are_told_by_their_name(tmp_path: Path, coding: str, name: str) -> None:
    samples, told = call(EN)
    file = write(tmp_path / name, samples.sum(axis=1), format="RAW", subtype=coding)
    [found] = read_calls([str(tmp_path)], ReadOptions(recordings=True))
    assert isinstance(found, Call)
    assert found.duration == pytest.approx(len(samples) / RATE)
    assert found.turns[0].start == pytest.approx(told[0].start, abs=0.05)
    assert hear(str(file)).sound.limits == ("both parties are on one channel: who speaks is not known from the sound",)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("call.alaw", "law", "By its name the recording is G.711 A-law, and it is G.711 u-law: rename it"),
        ("call.ulaw", "packed", "it is no sound"),
        ("call.ulaw", "text", "it is no sound"),
        ("call.ulaw", "", "The recording holds no sound"),
    ],
)
def test_bare_samples_with_the_wrong_name_are_refused(tmp_path: Path, name: str, content: str, problem: str) -> None:
    samples, _ = call(EN[:2])
    stored = {
        "law": write(tmp_path / "law.raw", samples.sum(axis=1), format="RAW", subtype="ULAW").read_bytes(),
        "packed": np.random.default_rng(1).bytes(20_000),
        "text": b"Minutes of the meeting, all of it. " * 99,
        "": b"",
    }[content]
    (tmp_path / name).write_bytes(stored)
    [found] = read_calls([str(tmp_path / name)], ReadOptions())
    assert problem in str(found)


def test_quiet_samples_are_not_taken_for_an_mp3(tmp_path: Path) -> None:
    samples, _ = call(EN[:2])
    stored = write(tmp_path / "call.raw", samples.sum(axis=1), format="RAW", subtype="ULAW").read_bytes()
    (tmp_path / "call.ulaw").write_bytes(b"\xff\xfb" + stored)
    assert is_recording(b"\xff\xfb" + stored)
    assert hear(str(tmp_path / "call.ulaw")).sound.channels[0].speech


def test_a_recording_is_what_it_holds_whatever_its_name(tmp_path: Path) -> None:
    samples, told = call(EN)
    for name, holds in (("call.wav", "flac"), ("call.mp3", "wav"), ("call.ulaw", "ogg")):
        write(tmp_path / f"true.{holds}", samples).rename(tmp_path / name)
        assert worst(hear(str(tmp_path / name)).sound, told) <= 0.15


def test_what_cannot_be_read_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Recordings in GSM610 cannot be read twice"):
        heard(tmp_path, np.zeros((8000, 1), np.float32), subtype="GSM610")


def test_what_a_codec_leaves_is_enough(tmp_path: Path) -> None:
    samples, told = call(EN)
    file = write(tmp_path / "call.wav", samples)
    sound = hear(sox(file, "-t", "wav", "-r", "8000", "-e", "u-law", "-", "vol", "-6dB")).sound
    assert worst(sound, told) <= 0.05


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (lambda wav: wav[:5000], "is cut short, at 5000 of"),
        (lambda wav: wav[:40], "cannot be read"),
        (lambda wav: wav[:4] + b"\0" * 4 + wav[8:20] + b"junk" * 50, "cannot be read"),
        (lambda wav: b"fLaC" + wav, "cannot be read"),
    ],
    ids=["cut short", "cut within its header", "no WAV inside", "no FLAC inside"],
)
def test_damaged_recordings_are_refused(content: Callable[[bytes], bytes], problem: str, tmp_path: Path) -> None:
    wav = write(tmp_path / "call.wav", call(EN[:1])[0]).read_bytes()
    with pytest.raises(BadInput, match=problem):
        hear(content(wav))


@pytest.mark.parametrize(
    ("suffix", "problem"),
    [
        ("flac", "is damaged"),
        ("mp3", "is cut short"),
        ("ogg", "is cut short, it has no last page"),
        ("au", "is cut short, at "),
    ],
)
def test_a_compressed_file_cut_short_is_refused(tmp_path: Path, suffix: str, problem: str) -> None:
    stored = write(tmp_path / f"call.{suffix}", call(EN[:1])[0]).read_bytes()
    with pytest.raises(BadInput, match=problem):
        hear(stored[: len(stored) // 2])


@pytest.mark.parametrize(
    ("shape", "rate", "problem"),
    [((0, 2), 8000, "holds no sound"), ((800, 3), 8000, "has 3 channels"), ((800, 2), 4000, "has 4000 samples")],
)
def test_recordings_that_cannot_be_judged_say_why(
    tmp_path: Path, shape: tuple[int, int], rate: int, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        heard(tmp_path, np.zeros(shape, np.float32), rate)


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"RIFF\0\0\0\0WAVE", True),
        (b"RIFF\0\0\0\0AVI ", False),
        (b"fLaC", True),
        (b"OggS", True),
        (b".snd", True),
        (b"ID3\x04", True),
        (b"\xff\xfb\x90\x64", True),
        (b"\xff\xfe{\0", False),
        (b'{"id": 1}', False),
        (b"", False),
    ],
)
def test_recordings_are_told_by_their_first_bytes(head: bytes, told: bool) -> None:
    assert is_recording(head) is told


def test_mp4_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadInput, match="export WAV"):
        is_recording(b"\0\0\0\x20ftypM4A ")


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pytest_callqa.audio.recording")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(BadInput, match=r"pytest-callqa\[audio\].*soundfile is missing"):
        hear(str(write(tmp_path / "call.wav", np.zeros((RATE, 1), np.float32))))


@pytest.mark.parametrize(("level", "delay"), [(-20, 0.0), (-25, 0.15), (-30, 0.25)])
def test_an_echo_on_the_other_channel_is_no_speech(tmp_path: Path, level: float, delay: float) -> None:
    samples, told = call(EN)
    late = int(delay * RATE)
    echo = np.concatenate((np.zeros((late, 2), np.float32), samples[:, ::-1]))[: len(samples)]
    sound = heard(tmp_path, samples + 10 ** (level / 20) * echo + noise(len(samples) / RATE, -65)[:, None])
    assert worst(sound, told) <= 0.15
    assert sound.limits == ("the parties are heard on each other's channels: what is 15 dB below is taken for an echo",)
    assert [event.kind for event in as_call(tmp_path).events] == ["hangup"], "and no low voice"


def test_two_who_talk_at_once_are_no_echo_of_each_other(tmp_path: Path) -> None:
    samples, _ = call([Line(1, PROBLEM, gain=-8), Line(0, HELP, -0.8), Line(1, "Thank you very much.", 0.4)])
    sound = heard(tmp_path, samples)
    assert talk_over(*sound.channels) == pytest.approx(0.8, abs=0.2)
    assert sound.limits == ()


# --- damage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    samples, _ = call(EN[:1])
    samples[RATE + 5, 0] = value
    with pytest.raises(BadInput, match="no numbers"):
        heard(tmp_path, samples, subtype="FLOAT")


def test_samples_beyond_full_scale_are_as_a_player_plays_them(tmp_path: Path) -> None:
    samples, told = call(EN)
    samples[int((told[0].start + 0.5) * RATE), 0] = 1e30
    assert worst(heard(tmp_path, samples, subtype="FLOAT"), told) <= 0.05


def test_damaged_recordings_are_heard_or_refused_and_nothing_else(tmp_path: Path) -> None:
    samples, _ = call(EN[:2])
    kinds = ({"subtype": "FLOAT"}, {"subtype": "IMA_ADPCM"}, {"format": "FLAC"}, {"format": "OGG"}, {"format": "AU"})
    seeds = [write(tmp_path / "seed", samples, **{"format": "WAV", **how}).read_bytes() for how in kinds]
    random = Random(3)
    outcomes = set()
    for number in range(150):
        content = bytearray(seeds[number % len(seeds)])
        for _ in range(random.choice((1, 3, 20))):
            place = random.randrange(random.choice((64, len(content))))
            if random.random() < 0.3:
                del content[place : place + random.randrange(500)]
            else:
                content[place : place + 4] = random.choice((b"\0\0\0\0", b"\xff\xff\xff\x7f", random.randbytes(4)))
        try:
            sound = hear(bytes(content)).sound
            outcomes.add("heard")
        except BadInput:
            outcomes.add("refused")
        else:
            assert all(0 <= one.start <= one.end for channel in sound.channels for one in channel.stretches)
    assert outcomes == {"heard", "refused"}

"""What is heard in a recording: stretches of speech, ringing and music of each channel, their loudness, the noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec
import numpy as np
import webrtcvad
from numpy.typing import NDArray

from pytest_callqa.audio import voice
from pytest_callqa.audio.loudness import loudness
from pytest_callqa.audio.recording import Recording

Kind: TypeAlias = Literal["speech", "tone", "music"]
"""``tone`` is ringing, or another signal of the line."""

FRAME = 0.01
"""Seconds of sound that are looked at together."""

PAUSE = 0.3
"""Seconds of silence within one stretch; people close their lips for up to 0.2 s within a word."""

_STRICT = 2  # of 0 to 3; 3 misses quiet ends, 1 keeps speaking a tenth of a second after everybody
_RISE = 10  # frames before those that were called speech in which it may have begun
_ABOVE_NOISE = 4.0  # dB
_BELOW_PEAK = 40.0  # dB; further down it is the room that is heard
_FLOOR = -90.0  # dB; the lowest level that is told apart: of 16 bits
_ONE = 0.98  # correlation of channels above which they are one
_CAPPED = 5
_ALIKE = 3  # frames
_STEPS = 800  # of the outline of a channel
_TONE_ABOVE, _TONE_LEAST = 20.0, -50.0  # dB over the noise, and of full scale
_ECHO = 30  # frames after which a voice may still come back on the other channel
_BELOW_VOICE = 15.0  # dB by which an echo is below it, and two people who talk at once are not
_ECHOES = 0.25  # share of speech that is taken for echo, from which it is said


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """A stretch of sound on one channel, in seconds; ``loudness`` in LUFS, if it is long enough to have one."""

    start: float
    end: float
    kind: Kind = "speech"
    loudness: float | None = None


class Channel(msgspec.Struct, frozen=True):
    """One channel: its stretches in order, the level of its speech and of its noise in dB of full scale.

    ``outline`` is its loudest frame of every ``step`` seconds, in half decibels above -90.
    """

    stretches: tuple[Stretch, ...] = ()
    level: float | None = None
    noise: float = _FLOOR
    outline: bytes = b""
    step: float = FRAME

    @property
    def speech(self) -> tuple[Stretch, ...]:
        """Only the speech."""
        return tuple(each for each in self.stretches if each.kind == "speech")


class Sound(msgspec.Struct, frozen=True):
    """What is heard in a recording of so many seconds; ``limits`` says in words why it should not be trusted.

    ``channels`` are those that differ: a recording whose two channels are one has one. ``gapless`` is set when its
    silences were cut, so that its times are not those of the call.
    """

    duration: float
    channels: tuple[Channel, ...]
    limits: tuple[str, ...] = ()
    gapless: bool = False


class _Frames(msgspec.Struct):
    """What the first pass keeps: two bytes for each hundredth of a second and channel."""

    voiced: list[bytearray]
    levels: list[bytearray]
    products: NDArray[np.float64]


def listen(recording: Recording) -> Sound:
    """Two passes: the first finds the stretches, the second reads them again to tell their kind and loudness.

    Raises :class:`BadInput` for a damaged recording.
    """
    frames = _frames(recording)
    limits, count = _channels(frames.products)
    levels = [_levels(frames, number) for number in range(count)]
    echoes = _echoes(levels) if count == 2 else [np.zeros(len(one), bool) for one in levels]
    if any(_share_voiced(frames, number, echo) > _ECHOES for number, echo in enumerate(echoes)):
        limits = (*limits, "the parties are heard on each other's channels: what is 15 dB below is taken for an echo")
    channels = tuple(
        _channel(recording, frames, number, level, echo)
        for number, (level, echo) in enumerate(zip(levels, echoes, strict=True))
    )
    gapless = _silence_was_cut(channels)
    if gapless:
        limits = (
            *limits,
            f"no pause is longer than {gapless:.2f} s: the recorder dropped silence, so times are not real",
        )
    return Sound(recording.duration, channels, limits, gapless > 0)


def _frames(recording: Recording) -> _Frames:
    channels, size = recording.channels, int(recording.rate * FRAME)
    detectors = [webrtcvad.Vad(_STRICT) for _ in range(channels)]
    kept = _Frames([bytearray() for _ in detectors], [bytearray() for _ in detectors], np.zeros((channels, channels)))
    rest = np.zeros((0, channels), np.float32)
    for block in recording.blocks():
        samples = np.concatenate((rest, block)) if len(rest) else block
        whole = len(samples) // size * size
        samples, rest = samples[:whole], samples[whole:]
        kept.products += samples.T.astype(np.float64) @ samples
        power = samples.reshape(-1, size, channels).var(axis=1)  # what does not change is no sound
        levels = (10 * np.log10(np.maximum(power, 10 ** (_FLOOR / 10))) - _FLOOR).round() * 2
        whole_numbers = (np.clip(samples, -1, 1) * 32767).astype("<i2")
        for number, detector in enumerate(detectors):
            kept.levels[number] += levels[:, number].astype(np.uint8).tobytes()
            data, step = whole_numbers[:, number].tobytes(), 2 * size
            speaks = detector.is_speech
            kept.voiced[number] += bytes(
                speaks(data[at : at + step], recording.rate) for at in range(0, len(data), step)
            )
    return kept


def _channels(products: NDArray[np.float64]) -> tuple[tuple[str, ...], int]:
    """What is wrong with the channels, and how many of them say something of their own."""
    if len(products) < 2:
        return ("both parties are on one channel: who speaks is not known from the sound",), 1
    power = np.sqrt(np.diag(products))
    if power.min() <= power.max() * 1e-4:
        return ("one channel is silent, so both parties may be on the other",), len(products)
    if abs(products[0, 1]) > _ONE * power.prod():
        return ("both channels hold the same sound: a mono recording was passed off as stereo",), 1
    return (), 2


def _levels(frames: _Frames, number: int) -> NDArray[np.float32]:
    return np.frombuffer(frames.levels[number], np.uint8).astype(np.float32) / np.float32(2) + np.float32(_FLOOR)


def _echoes(levels: Sequence[NDArray[np.float32]]) -> list[NDArray[np.bool_]]:
    """The frames of each of two channels in which the other is, or was just now, so loud that it is what is heard."""
    found = []
    for own, other in (levels, levels[::-1]):
        loudest = other.copy()
        for later in range(1, min(_ECHO, len(other))):
            np.maximum(loudest[later:], other[:-later], out=loudest[later:])
        found.append(own < loudest - np.float32(_BELOW_VOICE))
    return found


def _share_voiced(frames: _Frames, number: int, echo: NDArray[np.bool_]) -> float:
    voiced = np.frombuffer(frames.voiced[number], np.uint8).astype(bool)
    return float((voiced & echo).sum() / max(voiced.sum(), 1))


def _channel(
    recording: Recording, frames: _Frames, number: int, levels: NDArray[np.float32], echo: NDArray[np.bool_]
) -> Channel:
    voiced = np.frombuffer(frames.voiced[number], np.uint8).astype(bool)
    quiet = levels[~voiced]
    noise = float(np.median(quiet)) if len(quiet) else float(np.percentile(levels, 10)) if len(levels) else _FLOOR
    heard = np.where(echo, np.float32(_FLOOR), levels)
    tones = list(_steady(recording, heard, voiced, noise, number))
    spans = list(_outside(tones, _joined(_trimmed(heard, voiced & ~echo, noise))))
    found = []
    for first, last in spans:
        start, end = first * FRAME, last * FRAME
        kind = voice.kind(recording, start, end, number)
        found.append(Stretch(start, end, kind, loudness(recording, start, end, number)))
    spoken = [levels[first:last] for (first, last), one in zip(spans, found, strict=True) if one.kind == "speech"]
    # Half of speech is pauses and soft sounds; noise hides it when it hides the louder half.
    level = float(np.percentile(np.concatenate(spoken), 75)) if spoken else None
    step = -(-len(levels) // _STEPS) or 1
    outline = np.maximum.reduceat(np.frombuffer(frames.levels[number], np.uint8), np.arange(0, len(levels), step))
    found = sorted((*found, *(Stretch(first * FRAME, last * FRAME, "tone") for first, last in tones)), key=_start)
    return Channel(tuple(found), level, noise, outline.tobytes(), step * FRAME)


def _start(one: Stretch) -> float:
    return one.start


def _steady(
    recording: Recording, levels: NDArray[np.float32], voiced: NDArray[np.bool_], noise: float, number: int
) -> Iterator[tuple[int, int]]:
    """Tones that the detector takes for no voice, but for where they begin and end."""
    loud = levels > max(noise + _TONE_ABOVE, _TONE_LEAST)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False])).astype(np.int8)))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if voiced[first:last].mean() < 0.5 and voice.is_tone(recording, first * FRAME, last * FRAME, number):
            yield first, last


def _outside(tones: Sequence[tuple[int, int]], spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans that are not the edge of a tone."""
    for first, last in spans:
        if not any(begun - _RISE <= first and last <= ended + _RISE for begun, ended in tones):
            yield first, last


def _trimmed(levels: NDArray[np.float32], voiced: NDArray[np.bool_], noise: float) -> Iterator[tuple[int, int]]:
    """Runs of voiced frames, cut to where they stand out from the noise: the detector goes on a tenth of a second."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], voiced, [False])).astype(np.int8)))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        least = max(noise + _ABOVE_NOISE, float(levels[first:last].max()) - _BELOW_PEAK)
        begun = max(first - _RISE, 0)
        loud = np.flatnonzero(levels[begun:last] > least)
        if len(loud):
            yield begun + int(loud[0]), begun + int(loud[-1]) + 1


def _joined(spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans with less than a pause between them made one."""
    open_span: tuple[int, int] | None = None
    for first, last in spans:
        if open_span is not None and first - open_span[1] < PAUSE / FRAME:
            open_span = open_span[0], max(last, open_span[1])
            continue
        if open_span is not None:
            yield open_span
        open_span = first, last
    if open_span is not None:
        yield open_span


def _silence_was_cut(channels: Sequence[Channel]) -> float:
    """The longest pause in seconds if many are as long, as when a recorder stops after so much silence; else 0."""
    pauses = sorted(pauses_between(channels), reverse=True)
    longest = pauses[:_CAPPED]
    if len(longest) < _CAPPED or longest[0] - longest[-1] > _ALIKE * FRAME:
        return 0.0
    return longest[0]


def pauses_between(channels: Sequence[Channel]) -> list[float]:
    """Seconds of each pause in which no channel has any sound."""
    spans = sorted((each.start, each.end) for channel in channels for each in channel.stretches)
    reached, pauses = list[float](), list[float]()
    for start, end in spans:
        if reached and start > reached[-1]:
            pauses.append(start - reached[-1])
        reached.append(max(end, reached[-1]) if reached else end)
    return pauses


def talk_over(one: Channel, two: Channel) -> float:
    """Seconds in which both speak."""
    return sum(max(min(a.end, b.end) - max(a.start, b.start), 0.0) for a in one.speech for b in two.speech)


def silences(sound: Sound, at_least: float) -> Iterator[tuple[float, float]]:
    """The stretches of so many seconds in which nobody speaks, between the first speech and the end."""
    spans = sorted((each.start, each.end) for channel in sound.channels for each in channel.stretches)
    reached = 0.0
    for start, end in (*spans, (sound.duration, sound.duration)):
        if start - reached >= at_least:
            yield reached, start
        reached = max(reached, end)

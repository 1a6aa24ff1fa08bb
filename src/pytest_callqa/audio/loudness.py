"""How loud a stretch of speech is, by EBU R128 (ITU-R BS.1770), in LUFS."""

from __future__ import annotations

import functools
import math

import pyloudnorm

from pytest_callqa.audio.recording import Recording

SHORTEST = 0.4
"""Seconds: a gating block of BS.1770; what is shorter has no loudness."""

LONGEST = 60.0
"""Seconds of one stretch that are measured, so that a long one does not fill the memory."""


def loudness(recording: Recording, start: float, end: float, channel: int) -> float | None:
    """The integrated loudness of a stretch in LUFS; ``None`` if it is too short or all of it too quiet."""
    if end - start < SHORTEST + 0.01:
        return None
    samples = recording.stretch(start, min(end, start + LONGEST), channel)
    measured = float(_meter(recording.stored).integrated_loudness(samples))
    return round(measured, 2) if math.isfinite(measured) else None


@functools.cache
def _meter(rate: int) -> pyloudnorm.Meter:
    return pyloudnorm.Meter(rate)

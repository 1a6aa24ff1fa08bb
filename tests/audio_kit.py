"""Calls made of synthetic speech, with times known to the sample: lines by espeak-ng, codecs and noise by sox."""

from __future__ import annotations

import functools
import io
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 8000
VOICES = {"en": "en-us", "zh": "cmn"}
_AUDIBLE = 0.01
"""Of the loudest sample: where a line begins and ends, 40 dB below its peak."""


class Line(NamedTuple):
    """Who (0: the left channel, the agent's) says what, how many seconds after the line before ended, how loud (dB)."""

    who: int
    text: str
    pause: float = 1.0
    gain: float = 0.0


class Spoken(NamedTuple):
    """When a line is heard, in seconds."""

    who: int
    text: str
    start: float
    end: float


@functools.cache
def say(text: str, language: str = "en", rate: int = RATE) -> NDArray[np.float32]:
    """A line of speech without the silence around it."""
    spoken = _run("espeak-ng", "-v", VOICES[language], "-s", "170", "--stdout", text)
    samples, _ = soundfile.read(io.BytesIO(_run("sox", "-", "-t", "wav", "-r", str(rate), "-", given=spoken)))
    loud = np.flatnonzero(np.abs(samples) > _AUDIBLE * np.abs(samples).max())
    cut = samples[loud[0] : loud[-1] + 1]
    return (0.5 * cut / np.abs(cut).max()).astype(np.float32)


def _run(*command: str, given: bytes = b"") -> bytes:
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def call(
    lines: Sequence[Line], *, language: str = "en", rate: int = RATE, after: float = 1.0
) -> tuple[NDArray[np.float32], list[Spoken]]:
    """The samples of a call of two channels, and when each line is heard; negative pauses talk over the line before."""
    clock, told = 0.0, []
    for line in lines:
        start = round((clock + line.pause) * rate) / rate
        clock = start + len(say(line.text, language, rate)) / rate
        told.append(Spoken(line.who, line.text, start, clock))
    samples = np.zeros((int((max(one.end for one in told) + after) * rate), 2), np.float32)
    for line, one in zip(lines, told, strict=True):
        speech = say(line.text, language, rate) * 10 ** (line.gain / 20)
        first = round(one.start * rate)
        samples[first : first + len(speech), line.who] += speech
    return samples, told


def noise(seconds: float, level: float, rate: int = RATE) -> NDArray[np.float32]:
    """White noise of this level in dB of full scale."""
    values = np.random.default_rng(1).standard_normal(int(seconds * rate)) * 10 ** (level / 20)
    return values.astype(np.float32)


def write(file: Path, samples: NDArray[np.float32], rate: int = RATE, **how: str) -> Path:
    """Store samples; ``how`` as soundfile takes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, samples, rate, **how)
    return file


def sox(file: Path, *effects: str) -> bytes:
    """What sox makes of a file: ``effects`` are what follows its name."""
    return _run("sox", "-R", str(file), *effects)

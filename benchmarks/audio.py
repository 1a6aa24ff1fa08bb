"""How many times faster than real time a recording is listened to, and in what memory: `python -m benchmarks audio`.

Two channels of noise in bursts that the detector takes for speech as often as in a call; the clock starts after the
libraries are loaded, since that is paid once a run.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.measure import PYTHON, run, save

MINUTES = (10, 60)
RATE = 8000
LISTEN = """
import sys, time
from pytest_callqa.audio.recording import Recording
from pytest_callqa.audio.sound import listen
with Recording({warm!r}) as recording:
    listen(recording)
began = time.process_time()
with Recording({file!r}) as recording:
    listen(recording)
open({told!r}, "w").write(str(time.process_time() - began))
"""


def recording(file: Path, minutes: float) -> None:
    """Write a call: the parties take turns of two to six seconds, with a second between them."""
    import numpy as np
    import soundfile

    rng = np.random.default_rng(1)
    left = int(minutes * 60 * RATE)
    with soundfile.SoundFile(file, "w", RATE, 2, "PCM_16") as out:
        turn = 0
        while left > 0:
            length = min(int(rng.integers(2, 7)) * RATE, left)
            time = np.arange(length) / RATE
            voice = sum(np.sin(2 * np.pi * 140 * tone * time) / tone for tone in range(1, 12))
            block = rng.normal(0, 0.001, (length, 2))
            block[: length - RATE // 2, turn % 2] += (
                0.1 * (voice * (1 + np.sin(2 * np.pi * 4 * time)))[: length - RATE // 2]
            )
            out.write(np.clip(block, -1, 1))
            left, turn = left - length, turn + 1


def main() -> None:
    seconds, peak = {}, {}
    with tempfile.TemporaryDirectory() as name:
        warm, told = Path(name, "warm.wav"), Path(name, "told")
        recording(warm, 0.2)
        for minutes in MINUTES:
            file = Path(name, f"{minutes}.wav")
            recording(file, minutes)
            cost = run([PYTHON, "-c", LISTEN.format(warm=str(warm), file=str(file), told=str(told))])
            seconds[minutes], peak[minutes] = float(told.read_text()), cost.peak_kb / 1024
    save(
        "audio",
        {
            "times_real_time_a_core": {minutes: round(60 * minutes / seconds[minutes], 1) for minutes in MINUTES},
            "goal_times_real_time_at_least": 100,
            "peak_mb": {minutes: round(peak[minutes], 1) for minutes in MINUTES},
        },
    )

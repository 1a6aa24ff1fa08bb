"""Recordings as a stream of samples, however they are stored: WAV, FLAC, Ogg, Opus, MP3, AU; also G.711 in them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from types import TracebackType

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from pytest_callqa.errors import BadInput

Samples = NDArray[np.float32]
"""Of one row a sample and one column a channel, from -1 to 1."""

RATES = (8000, 16000, 32000, 48000)
"""Samples a second that the voice detector takes; others are resampled."""

BLOCK = 10
"""Seconds that are held at a time."""

_OTHER = 16000


class Recording:
    """An open recording, read from its beginning as often as wanted. Raises :class:`BadInput` for what is none."""

    def __init__(self, stored: str | bytes) -> None:
        """``stored`` is a path, or the content itself."""
        size = len(stored) if isinstance(stored, bytes) else os.path.getsize(stored)
        try:
            self._file = soundfile.SoundFile(io.BytesIO(stored) if isinstance(stored, bytes) else stored)
        except soundfile.LibsndfileError as error:
            raise BadInput(f"The recording cannot be read ({_reason(error)}): export it as WAV or FLAC.") from None
        self.channels: int = self._file.channels
        self.rate: int = self._file.samplerate if self._file.samplerate in RATES else _OTHER
        try:
            self._check(stored, size)
        except BadInput:
            self._file.close()
            raise

    def _check(self, stored: str | bytes, size: int) -> None:
        if self._file.frames == 0:
            raise BadInput("The recording holds no sound: export it again.")
        if not self._file.seekable():
            raise BadInput(f"Recordings in {self._file.subtype} cannot be read twice: export it as WAV or FLAC.")
        if self.channels > 2:
            raise BadInput(f"The recording has {self.channels} channels: export one or two, one for each party.")
        if self._file.samplerate < RATES[0]:
            raise BadInput(f"The recording has {self._file.samplerate} samples a second, and speech needs 8000.")
        if self._file.format == "WAV":
            head = stored[:8] if isinstance(stored, bytes) else _head(stored)
            told = int.from_bytes(head[4:8], "little") + 8
            if size < told < 2**32 - 2**16:  # writers that stream leave a size as large as can be
                raise BadInput(f"The recording is cut short, at {size} of {told} bytes: copy or export it again.")

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def duration(self) -> float:
        """Seconds."""
        return float(self._file.frames / self._file.samplerate)

    def blocks(self) -> Iterator[Samples]:
        """All of it at ``rate``, at most :data:`BLOCK` seconds at a time."""
        stored = self._file.samplerate
        change = None if stored == self.rate else soxr.ResampleStream(stored, self.rate, self.channels)
        self._file.seek(0)
        left = self._file.frames
        while left:
            block = self._read(min(BLOCK * stored, left))
            left -= len(block)
            yield block if change is None else change.resample_chunk(block, last=not left)

    def stretch(self, start: float, end: float, channel: int) -> NDArray[np.float32]:
        """The samples of one channel between two times in seconds, at the rate they are stored in: :meth:`stored`."""
        first = min(int(start * self.stored), self._file.frames)
        self._file.seek(first)
        return self._read(min(int((end - start) * self.stored), self._file.frames - first))[:, channel]

    @property
    def stored(self) -> int:
        """Samples a second in the file."""
        return int(self._file.samplerate)

    def _read(self, count: int) -> Samples:
        try:
            block: Samples = self._file.read(count, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise BadInput(f"The recording is damaged ({_reason(error)}): copy or export it again.") from None
        if len(block) < count:
            raise BadInput("The recording is cut short: copy or export it again.")
        return block


def _head(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(8)


def _reason(error: soundfile.LibsndfileError) -> str:
    return str(error.error_string).strip().rstrip(".")

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
_LAWS = {"ULAW": "G.711 u-law", "ALAW": "G.711 A-law"}
_ROUGH = 1.1  # times as rough as in the other coding
_ROUGHEST = 1.2
_PAGE, _PAGE_HEAD = 2**16, 27  # bytes of the longest page of Ogg, about, and of how each begins


class Recording:
    """An open recording, read from its beginning as often as wanted. Raises :class:`BadInput` for what is none."""

    def __init__(self, stored: str | bytes, coding: str = "") -> None:
        """``stored`` is a path, or the content itself; ``coding`` that of bare samples, 8000 a second (ULAW, ALAW)."""
        size = len(stored) if isinstance(stored, bytes) else os.path.getsize(stored)
        try:
            content = io.BytesIO(stored) if isinstance(stored, bytes) else stored
            self._file = _bare(content, coding) if coding else soundfile.SoundFile(content)
        except soundfile.LibsndfileError as error:
            raise BadInput(f"The recording cannot be read ({_reason(error)}): export it as WAV or FLAC.") from None
        self.channels: int = self._file.channels
        self.rate: int = self._file.samplerate if self._file.samplerate in RATES else _OTHER
        try:
            self._check(stored, size)
            if coding:
                self._check_coding(stored, coding)
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
        told = _told_size(self._file.format, stored)
        if size < told < 2**32 - 2**16:  # writers that stream leave a size as large as can be
            raise BadInput(f"The recording is cut short, at {size} of {told} bytes: copy or export it again.")
        if self._file.format == "OGG" and not _ends(_part(stored, max(size - _PAGE, 0), _PAGE)):
            raise BadInput("The recording is cut short, it has no last page: copy or export it again.")

    def _check_coding(self, stored: str | bytes, coding: str) -> None:
        """Bare samples in another coding, or what are no samples at all, jump where a voice moves."""
        other = "ALAW" if coding == "ULAW" else "ULAW"
        content = io.BytesIO(stored) if isinstance(stored, bytes) else stored
        with _bare(content, other) as file:
            taken, else_taken = (
                _roughness(opened.read(BLOCK * RATES[0], dtype="float32", always_2d=True))
                for opened in (self._file, file)
            )
        named = f"By its name the recording is {_LAWS[coding]}, and it is"
        if min(taken, else_taken) > _ROUGHEST:
            raise BadInput(f"{named} no sound: check what it holds.")
        if taken > _ROUGH * else_taken:
            raise BadInput(f"{named} {_LAWS[other]}: rename it.")

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
        self._go(0)
        left = self._file.frames
        while left:
            block = self._read(min(BLOCK * stored, left))
            left -= len(block)
            yield block if change is None else change.resample_chunk(block, last=not left)

    def stretch(self, start: float, end: float, channel: int) -> NDArray[np.float32]:
        """The samples of one channel between two times in seconds, at the rate they are stored in: :meth:`stored`."""
        first = min(int(start * self.stored), self._file.frames)
        self._go(first)
        return self._read(min(int((end - start) * self.stored), self._file.frames - first))[:, channel]

    @property
    def stored(self) -> int:
        """Samples a second in the file."""
        return int(self._file.samplerate)

    def _go(self, frame: int) -> None:
        try:
            self._file.seek(frame)
        except soundfile.LibsndfileError as error:
            raise BadInput(f"The recording is damaged ({_reason(error)}): copy or export it again.") from None

    def _read(self, count: int) -> Samples:
        try:
            block: Samples = self._file.read(count, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise BadInput(f"The recording is damaged ({_reason(error)}): copy or export it again.") from None
        if len(block) < count:
            raise BadInput("The recording is cut short: copy or export it again.")
        if not np.isfinite(block).all():
            raise BadInput("The recording is damaged, it holds samples that are no numbers: export it again.")
        return np.clip(block, -1, 1, out=block)


def _bare(content: str | io.BytesIO, coding: str) -> soundfile.SoundFile:
    return soundfile.SoundFile(content, format="RAW", subtype=coding, samplerate=RATES[0], channels=1)


def _roughness(samples: Samples) -> float:
    """How far it is from a sample to the next, of what samples are; about 0.7 for speech, 1.6 for what is random."""
    return float(np.abs(np.diff(samples, axis=0, prepend=0)).mean() / max(np.abs(samples).mean(), 1e-9))


def _told_size(kind: str, stored: str | bytes) -> int:
    """How many bytes a file says that it has; 0 for what does not say so."""
    head = _part(stored, 0, 12)
    if kind == "WAV":
        return 8 + int.from_bytes(head[4:8], "little")
    if kind == "AU" and head[:4] == b".snd":
        return int.from_bytes(head[4:8], "big") + int.from_bytes(head[8:12], "big")
    return 0


def _ends(tail: bytes) -> bool:
    """Whether the last page of an Ogg file is marked as the last, and is whole (RFC 3533)."""
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < _PAGE_HEAD or not page[5] & 4:
        return False
    body = _PAGE_HEAD + page[26]
    return len(page) >= body + sum(page[_PAGE_HEAD:body])


def _part(stored: str | bytes, first: int, count: int) -> bytes:
    if isinstance(stored, bytes):
        return stored[first : first + count]
    with open(stored, "rb") as stream:
        stream.seek(first)
        return stream.read(count)


def _reason(error: soundfile.LibsndfileError) -> str:
    return str(error.error_string).strip().rstrip(".")

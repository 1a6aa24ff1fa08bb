"""Bytes of files within limits: expanded, in lines, and never more than a call may have."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from pytest_callqa import places
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.options import Document, Unreadable
from pytest_callqa.redact import redactor

MAX_CALL = 64 * 2**20
"""Bytes of one call; a longer one is refused, never cut short."""

MAX_RATIO = 300
"""How many times its size a compressed file may expand. Transcripts reach about 30."""

CHUNK = places.CHUNK
"""Bytes that are read or expanded at a time."""

META = ".meta.yaml"
"""What follows a call file's stem in the name of its sidecar."""

MEMBER = "member "
"""How the place of a document begins that is in an archive."""

_COMPRESSIONS = (".gz", ".zst")
_NUMBERED = re.compile(r"(?:(?P<before>.*), )?(?:line|row) (?P<number>\d+)", re.DOTALL)


def roots(paths: Sequence[str]) -> list[str]:
    """The folders that calls found under ``paths`` lie in or below."""
    found = []
    for path in paths:
        while not places.of(path).is_folder(path):
            path = os.path.dirname(path) or os.curdir
        found.append(path)
    return found


def stem(file: str) -> str:
    """The file's name without folder, compression suffix and last suffix."""
    name = os.path.basename(file)
    for suffix in _COMPRESSIONS:
        name = name.removesuffix(suffix)
    return os.path.splitext(name)[0]


def are_json_lines(begun: Sequence[bytes]) -> bool:
    """Whether one of the first two lines is an object by itself, or both open one; or both are whole lists.

    A document spread over lines opens with a lone brace or bracket, and captions with neither.
    """
    found = [stripped for line in begun if (stripped := line.removeprefix(b"\xef\xbb\xbf").strip())]
    if len(found) < 2:
        return False
    first, second = found
    if first.startswith(b"["):
        return first.endswith(b"]") and second.startswith(b"[") and second.endswith(b"]")
    whole = [line.startswith(b"{") and line.endswith(b"}") for line in found]
    return any(whole) or (first.startswith(b"{") and second.startswith(b"{"))


def first_lines(stream: BinaryIO) -> list[bytes]:
    """The lines up to the second that is not blank, as they are."""
    begun: list[bytes] = []
    filled = 0
    while filled < 2 and (line := stream.readline(MAX_CALL + 1)):
        begun.append(line)
        filled += bool(line.removeprefix(b"\xef\xbb\xbf").strip())
    return begun


def small_rest(begun: Sequence[bytes], stream: BinaryIO, limit: int) -> bytes | None:
    """All of a stream of which some lines were read, or ``None`` if it is longer than ``limit`` bytes."""
    size = sum(map(len, begun))
    rest = stream.read(limit - size + 1) if size <= limit else b""
    return b"".join((*begun, rest)) if size + len(rest) <= limit else None


def replayed(begun: Sequence[bytes], stream: BinaryIO) -> BinaryIO:
    """A stream of which some lines were read, from its beginning."""
    rest = iter(lambda: stream.read(CHUNK), b"")
    return io.BufferedReader(Capped(itertools.chain(begun, rest), Budget(None)), CHUNK)


def lines(
    file: str, stream: BinaryIO, member: str = "", *, number: int = 0, offset: int = 0
) -> Iterator[Document | Unreadable]:
    """The lines that are not blank as documents; those of a ``member`` (its place) cannot be found by offset.

    The stream may begin within the file: after ``number`` lines, at the byte ``offset``.
    """
    before, readline = f"{member}, line" if member else "line", stream.readline
    while line := readline(MAX_CALL + 1):
        number += 1
        start, offset = offset, offset + len(line)
        place = f"{before} {number}"
        if len(line) > MAX_CALL:
            yield unreadable(Document(file, place), BadInput(too_long(MAX_CALL)))
            while line and not line.endswith(b"\n"):
                line = readline(MAX_CALL)
                offset += len(line)
        elif not line.isspace():
            yield Document(file, place, line, -1 if member else start)


def peek(stream: BinaryIO, size: int) -> bytes:
    """The next bytes, at most so many, without taking them."""
    return stream.peek(size)[:size] if isinstance(stream, io.BufferedReader) else b""


def read_whole(file: str, limit: int) -> bytes:
    """All of ``file``, expanded. Raises :class:`BadInput` when unreadable or longer than ``limit`` bytes."""
    with opened(file) as stream:
        return whole(stream, limit)


def whole(stream: BinaryIO, limit: int) -> bytes:
    """The rest of a stream. Raises :class:`BadInput` if it is longer than ``limit`` bytes."""
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise BadInput(too_long(limit))
    return data


def skip(stream: BinaryIO, offset: int) -> None:
    """Go to this byte of a stream at its beginning."""
    if stream.seekable():
        stream.seek(offset)
        return
    while offset > 0 and (chunk := stream.read(min(offset, CHUNK))):
        offset -= len(chunk)


def too_long(limit: int) -> str:
    """What is said of more than ``limit`` bytes."""
    return f"More than {limit // 2**20} MiB in one piece is not read: split it, for example one call a line."


def named(document: Document) -> str:
    """The name that a document without an id is called after: its file, or its member of an archive."""
    place = document.place
    match = _NUMBERED.fullmatch(place)
    member = (match["before"] or "") if match else place
    if not member.startswith(MEMBER):
        return document.file
    parts = [part for part in member.removeprefix(MEMBER).split("/") if part not in ("", ".", "..")]
    return "/".join((document.file, *parts))


def identity(document: Document) -> str:
    """The id of a call that has none of its own: the file's stem, and the line's number."""
    match = _NUMBERED.fullmatch(document.place)
    return f"{stem(named(document))}:{match['number']}" if match else stem(named(document))


def unreadable(document: Document, error: BadInput) -> Unreadable:
    """The value that stands for a document whose reading failed."""
    if error.file not in ("", document.file):  # a sidecar or table is at fault
        beside = BadInput(error.problem, file=redactor().file(error.file), place=error.place)
        return Unreadable(identity(document), document.file, document.place, str(beside))
    place = ", ".join(part for part in (document.place, error.place) if part)
    return Unreadable(identity(document), document.file, place, error.problem)


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """``file`` open for reading, expanded when its first bytes say gzip or Zstandard.

    Raises :class:`BadInput`, also for faults that show only while reading.
    """
    with stored(file) as raw, _expanded(raw) as stream:
        yield stream


@contextmanager
def stored(file: str) -> Iterator[BinaryIO]:
    """``file`` open for reading as it is stored. Raises :class:`BadInput` as :func:`opened` does."""
    try:
        with places.of(file).open(file) as raw:
            yield raw
    except OSError as error:
        raise unopened(error) from None


def size_of(file: str) -> int:
    """Bytes of a file as it is stored; 0 if there is none."""
    try:
        return places.of(file).about(file).size
    except OSError:
        return 0


def unopened(error: OSError) -> BadInput:
    """What is said of a file that cannot be opened or read."""
    return BadInput(f"The file cannot be read ({error.strerror}): check its path and permissions.")


def _expanded(raw: BinaryIO) -> BinaryIO:
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        chunks = _gunzip(raw)
    elif magic == b"\x28\xb5\x2f\xfd":
        chunks = _unzstd(raw)
    else:
        return raw
    return io.BufferedReader(Capped(chunks, budget_of(raw)), CHUNK)


class Budget:
    """How many bytes may still be expanded; ``None`` is without end."""

    def __init__(self, left: int | None) -> None:
        self._left = left

    def take(self, size: int) -> None:
        """Raises :class:`BadInput` when so many more are too many, so that a small file cannot fill the memory."""
        if self._left is None:
            return
        self._left -= size
        if self._left < 0:
            raise BadInput(
                f"The file expands to more than {MAX_RATIO} times its size, which no transcript does: "
                "check where it comes from."
            )


def budget_of(raw: BinaryIO) -> Budget:
    """What an open file may expand to."""
    here = raw.tell()
    size = raw.seek(0, os.SEEK_END)
    raw.seek(here)
    return Budget(max(MAX_CALL, MAX_RATIO * size))


def _gunzip(raw: BinaryIO) -> Iterator[bytes]:
    expander = gzip.GzipFile(fileobj=raw)
    try:
        while chunk := expander.read(CHUNK):
            yield chunk
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _damaged("gzip", error) from None


def _unzstd(raw: BinaryIO) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise BadInput("Reading .zst files needs the zstandard package: pip install 'pytest-callqa[zstd]'.") from None
    # 128 MiB is the largest window `zstd --long` writes by default, and the most we grant a file.
    frames = zstandard.ZstdDecompressor(max_window_size=2**27)
    frame, pending, ended = frames.decompressobj(), b"", True
    try:
        # Not stream_reader: it takes a file cut short for one that ended. In small bites, because
        # what a frame expands to is handed over whole, and four bytes can stand for 128 KiB.
        while pending := pending or raw.read(512):
            yield frame.decompress(pending)
            ended, pending = frame.eof, frame.unused_data
            if ended:
                frame = frames.decompressobj()
    except zstandard.ZstdError as error:
        raise _damaged("Zstandard", error) from None
    if not ended:
        raise _damaged("Zstandard", "it ends within a frame")


def _damaged(kind: str, reason: object) -> BadInput:
    return BadInput(f"The {kind} file is damaged or cut short ({reason}): copy or export it again.")


class Capped(io.RawIOBase):
    """Chunks as a stream that refuses to pass its budget."""

    def __init__(self, chunks: Iterator[bytes], budget: Budget) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")
        self._budget = budget

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As any stream."""
        while not self._chunk:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._chunk = memoryview(chunk)
            self._budget.take(len(chunk))
        taken = min(len(buffer), len(self._chunk))
        buffer[:taken] = self._chunk[:taken]
        self._chunk = self._chunk[taken:]
        return taken

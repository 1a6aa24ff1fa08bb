"""From paths to documents: folders, globs, JSON Lines and compressed files, within limits.

JSON Lines are told by their first two lines and streamed, so that memory stays flat; anything
else is one document a file. Names decide only what is passed over in a folder.
"""

from __future__ import annotations

import glob
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from pytest_callqa.errors import BadInput, did_you_mean
from pytest_callqa.readers.options import Document, Unreadable

MAX_CALL = 64 * 2**20
"""Bytes of one call; a longer one is refused, never cut short."""

MAX_RATIO = 300
"""How many times its size a compressed file may expand. Transcripts reach about 30."""

_CHUNK = 2**16

META = ".meta.yaml"
"""What follows a call file's stem in the name of its sidecar."""

_COMPRESSIONS = (".gz", ".zst")
_NOT_CALLS = (
    *(".md", ".rst", ".txt", ".html", ".css", ".js", ".py", ".toml", ".ini", ".cfg", ".lock", ".pdf", ".png", ".jpg"),
    *(".csv", ".tsv", ".yaml", ".yml"),
    *(".wav", ".mp3", ".m4a", ".ogg", ".opus", ".flac", ".mp4", ".webm"),
)
_TABLES = frozenset({"cases.json", "attestations.json"})


def find_files(paths: Sequence[str]) -> Iterator[str]:
    """The files that may hold calls under ``paths`` (files, folders, globs), in sorted order.

    Raises :class:`BadInput` at once for a path that does not exist, a glob that matches nothing
    and a folder without a single file to read: these are errors of usage, not of a call.
    """
    found = [_expand(path) for path in paths]

    def walk() -> Iterator[str]:
        for path in (path for group in found for path in group):
            if os.path.isdir(path):
                yield from _walk(path)
            else:
                yield path

    return walk()


def _expand(path: str) -> list[str]:
    if os.path.lexists(path):
        matches = [path]
    elif glob.has_magic(path):
        matches = sorted(glob.glob(path, recursive=True))
        if not matches:
            raise BadInput("This pattern matches no file: correct it, or put it in quotes.", file=path)
    else:
        folder, name = os.path.split(path)
        near = did_you_mean(name, os.listdir(folder or ".")) if os.path.isdir(folder or ".") else ""
        raise BadInput(f"There is no such file or folder.{near}", file=path)
    for match in matches:
        if os.path.isdir(match) and next(_walk(match), None) is None:
            raise BadInput("This folder holds no file that could be a call.", file=match)
    return matches


def roots(paths: Sequence[str]) -> list[str]:
    """The folders that calls found under ``paths`` lie in or below."""
    found = []
    for path in paths:
        while not os.path.isdir(path):
            path = os.path.dirname(path) or os.curdir
        found.append(path)
    return found


def _walk(folder: str) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not _passed_over(name):
                yield os.path.join(where, name)


def _passed_over(name: str) -> bool:
    """Hidden files, sidecars, tables, recordings and papers lie beside calls, and are none."""
    return name.startswith(".") or name in _TABLES or name.lower().endswith(_NOT_CALLS)


def stem(file: str) -> str:
    """The file's name without folder, compression suffix and last suffix."""
    name = os.path.basename(file)
    for suffix in _COMPRESSIONS:
        name = name.removesuffix(suffix)
    return os.path.splitext(name)[0]


def documents(file: str) -> Iterator[Document | Unreadable]:
    """The documents of one file: each line of JSON Lines, else the file as a whole."""
    try:
        with opened(file) as stream:
            if not _is_json_lines(stream):
                yield Document(file)
                return
        with opened(file) as stream:
            yield from _lines(file, stream)
    except BadInput as error:
        yield unreadable(Document(file), error)


def _is_json_lines(stream: BinaryIO) -> bool:
    """Whether one of the first two lines is an object by itself, or both open one.

    A document spread over lines opens with a lone brace or bracket, and captions with neither.
    """
    first, second = _next_line(stream), _next_line(stream)
    if not second or first.startswith(b"["):
        return False
    whole = [line.startswith(b"{") and line.endswith(b"}") for line in (first, second)]
    return any(whole) or (first.startswith(b"{") and second.startswith(b"{"))


def _next_line(stream: BinaryIO) -> bytes:
    """The next line that is not blank, stripped; empty at the end, or when it is too long to be one."""
    while line := stream.readline(MAX_CALL + 1):
        if stripped := line.removeprefix(b"\xef\xbb\xbf").strip():
            return stripped
    return b""


def _lines(file: str, stream: BinaryIO) -> Iterator[Document | Unreadable]:
    number = offset = 0
    while line := stream.readline(MAX_CALL + 1):
        number += 1
        start, offset = offset, offset + len(line)
        place = f"line {number}"
        if len(line) > MAX_CALL:
            yield unreadable(Document(file, place), BadInput(_too_long(MAX_CALL)))
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_CALL)
                offset += len(line)
        elif not line.isspace():
            yield Document(file, place, line, start)


def read_bytes(document: Document) -> bytes:
    """The document's bytes, expanded. Raises :class:`BadInput` when unreadable or over the limits."""
    if document.data is not None:
        return document.data
    if document.offset < 0:
        return read_whole(document.file, MAX_CALL)
    with opened(document.file) as stream:
        _skip(stream, document.offset)
        return stream.readline(MAX_CALL)


def read_whole(file: str, limit: int) -> bytes:
    """All of ``file``, expanded. Raises :class:`BadInput` when unreadable or longer than ``limit`` bytes."""
    with opened(file) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise BadInput(_too_long(limit))
    return data


def _skip(stream: BinaryIO, offset: int) -> None:
    if stream.seekable():
        stream.seek(offset)
        return
    while offset > 0 and (chunk := stream.read(min(offset, _CHUNK))):
        offset -= len(chunk)


def _too_long(limit: int) -> str:
    return f"More than {limit // 2**20} MiB in one piece is not read: split it, for example one call a line."


def identity(document: Document) -> str:
    """The id of a call that has none of its own: the file's stem, and the line's number."""
    line = document.place.removeprefix("line ")
    return f"{stem(document.file)}:{line}" if line else stem(document.file)


def unreadable(document: Document, error: BadInput) -> Unreadable:
    """The value that stands for a document whose reading failed."""
    if error.file not in ("", document.file):  # a sidecar or table is at fault
        return Unreadable(identity(document), document.file, document.place, str(error))
    place = ", ".join(part for part in (document.place, error.place) if part)
    return Unreadable(identity(document), document.file, place, error.problem)


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """``file`` open for reading, expanded when its first bytes say gzip or Zstandard.

    Raises :class:`BadInput`, also for faults that show only while reading.
    """
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise BadInput("This is not a regular file, so it is not read.")
        with open(file, "rb") as raw, _expanded(raw) as stream:
            yield stream
    except OSError as error:
        raise BadInput(f"The file cannot be read ({error.strerror}): check its path and permissions.") from None


def _expanded(raw: BinaryIO) -> BinaryIO:
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        chunks = _gunzip(raw)
    elif magic == b"\x28\xb5\x2f\xfd":
        chunks = _unzstd(raw)
    else:
        return raw
    budget = max(MAX_CALL, MAX_RATIO * os.fstat(raw.fileno()).st_size)
    return io.BufferedReader(_Capped(chunks, budget), _CHUNK)


def _gunzip(raw: BinaryIO) -> Iterator[bytes]:
    expander = gzip.GzipFile(fileobj=raw)
    try:
        while chunk := expander.read(_CHUNK):
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


class _Capped(io.RawIOBase):
    """Chunks as a stream that refuses to pass its budget, so that a small file cannot fill the memory."""

    def __init__(self, chunks: Iterator[bytes], budget: int) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")
        self._left = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._chunk:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._chunk = memoryview(chunk)
            self._left -= len(chunk)
            if self._left < 0:
                raise BadInput(
                    f"The file expands to more than {MAX_RATIO} times its size, which no transcript does: "
                    "check where it comes from."
                )
        taken = min(len(buffer), len(self._chunk))
        buffer[:taken] = self._chunk[:taken]
        self._chunk = self._chunk[taken:]
        return taken

"""Archives of calls, zip and tar (also compressed): read member by member, never unpacked to disk.

A member's name is only a name: it is shown, it may give a call its id, and nothing is ever written or opened under
it. Links are not followed, archives inside archives are not opened, and what a member expands to is counted.
"""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from pytest_callqa.errors import BadInput
from pytest_callqa.readers import source

MAX_MEMBERS = 1_000_000

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PACKED = (*_ZIP, b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ", b"PAR1")
_ENCRYPTED = 1


class Member:
    """One file in an archive: its name, and its bytes as a stream that can be read once."""

    def __init__(self, name: str, stream: BinaryIO, budget: source.Budget) -> None:
        """``budget`` is shared by all members, so that many small ones cannot pass it either."""
        self.name = name
        self.stream = io.BufferedReader(source.Capped(_chunks(stream), budget), source.CHUNK)

    def check(self) -> None:
        """Raises :class:`BadInput` if it is packed itself."""
        head = self.stream.peek(4)
        if head.startswith(_PACKED):
            raise BadInput("An archive, a compressed file or a Parquet table inside an archive is not read: unpack it.")


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := stream.read(source.CHUNK):
            yield chunk
    except _DAMAGED as error:
        raise _damaged(error) from None


_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def _damaged(error: Exception) -> BadInput:
    return BadInput(f"The archive is damaged, cut short or of a kind that is not read ({error}): pack it again.")


def is_zip(head: bytes) -> bool:
    """Whether a file that begins like this is a zip archive."""
    return head.startswith(_ZIP)


def is_tar(head: bytes) -> bool:
    """Whether a file, expanded, that begins like this (512 bytes) is a tar archive."""
    return head[257:262] == b"ustar"


def shown(name: str) -> str:
    """A member's name as it may be shown: no control characters, no backslashes."""
    name = name.replace("\\", "/")
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in name)


def zip_members(raw: BinaryIO, budget: source.Budget) -> Iterator[Member | tuple[str, BadInput]]:
    """The files of a zip archive in its order, or a name and why that file is not read. Raises :class:`BadInput`."""
    try:
        with zipfile.ZipFile(raw) as archive:
            listed = archive.infolist()
            _check_count(len(listed))
            for entry in listed:
                if entry.is_dir():
                    continue
                name = shown(entry.filename)
                if stat.S_ISLNK(entry.external_attr >> 16):
                    yield name, BadInput("This is a link, which is not followed: put the file itself into the archive.")
                elif entry.flag_bits & _ENCRYPTED:
                    yield name, BadInput("This file is encrypted: pack it again without a password.")
                else:
                    try:
                        with archive.open(entry) as stream:
                            yield Member(name, stream, budget)  # type: ignore[arg-type]  # a stream to read
                    except _DAMAGED as error:
                        yield name, _damaged(error)
    except _DAMAGED as error:
        raise _damaged(error) from None


def tar_members(expanded: BinaryIO, budget: source.Budget) -> Iterator[Member | tuple[str, BadInput]]:
    """The files of a tar archive in its order, or a name and why that file is not read. Raises :class:`BadInput`."""
    count = 0
    try:
        with tarfile.open(fileobj=expanded, mode="r|") as archive:
            for entry in archive:
                archive.members = []  # type: ignore[attr-defined]  # or it would remember them all
                count += 1
                _check_count(count)
                name = shown(entry.name)
                stream = archive.extractfile(entry) if entry.isreg() else None
                if stream is not None:
                    yield Member(name, stream, budget)  # type: ignore[arg-type]  # a stream to read
                elif not entry.isdir():
                    yield name, BadInput("This is a link or no file, and not followed: put the file itself in.")
    except _DAMAGED as error:
        raise _damaged(error) from None


def _check_count(count: int) -> None:
    if count > MAX_MEMBERS:
        raise BadInput(f"The archive has more than {MAX_MEMBERS:,} files: split it.")

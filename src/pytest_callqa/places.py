"""Files and folders by name: those of this machine, and those of a bucket, which are called ``s3://bucket/…``.

Readers ask here and not :mod:`os`. Nothing goes over the network unless a name begins with ``s3://``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from io import BufferedReader, FileIO
from typing import Protocol

from pytest_callqa.buckets import BUCKETS, REMOTE, About
from pytest_callqa.errors import BadInput

__all__ = ["CHUNK", "About", "Places", "absolute", "is_remote", "of"]

CHUNK = 2**16
"""Bytes that are read of a file at a time."""


class Places(Protocol):
    """Where files are. Where a file or folder is wanted, the methods raise :class:`OSError` for what is not there.

    Raises :class:`BadInput` where that cannot be found out, so that what lies beside a call is not taken for missing.
    """

    def exists(self, name: str) -> bool:
        """Whether there is anything of this name."""
        ...

    def is_file(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...

    def is_folder(self, name: str) -> bool:
        """Whether there is a folder of this name."""
        ...

    def about(self, name: str) -> About:
        """What is known of a file."""
        ...

    def walk(self, folder: str) -> Iterator[tuple[str, list[str], list[str]]]:
        """As :func:`os.walk`: a folder, the names of the folders in it, and of its files; then the folders below it."""
        ...

    def names(self, folder: str) -> list[str]:
        """The names of what is in a folder."""
        ...

    def open(self, name: str) -> BufferedReader:
        """A file's bytes, from any place in it."""
        ...


class _Disk:
    """The files of this machine."""

    def exists(self, name: str) -> bool:
        return os.path.lexists(name)

    def is_file(self, name: str) -> bool:
        return os.path.isfile(name)

    def is_folder(self, name: str) -> bool:
        return os.path.isdir(name)

    def about(self, name: str) -> About:
        found = os.stat(name)
        return About(found.st_size, str(found.st_mtime_ns))

    def walk(self, folder: str) -> Iterator[tuple[str, list[str], list[str]]]:
        return os.walk(folder)

    def names(self, folder: str) -> list[str]:
        return os.listdir(folder or os.curdir)

    def open(self, name: str) -> BufferedReader:
        if not stat.S_ISREG(os.stat(name).st_mode):  # a pipe would be waited for
            raise BadInput("This is not a regular file, so it is not read.")
        return BufferedReader(FileIO(name), CHUNK)


_DISK = _Disk()


def is_remote(name: str) -> bool:
    """Whether a name is of a bucket."""
    return name.startswith(REMOTE)


def of(name: str) -> Places:
    """Where the file or folder of this name is."""
    return BUCKETS if is_remote(name) else _DISK


def absolute(name: str) -> str:
    """The name of a file or folder that means the same in every folder."""
    return name if is_remote(name) else os.path.abspath(name)

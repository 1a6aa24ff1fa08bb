"""A file that is written whole or not at all, and readable by its owner alone from its first byte."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pytest_callqa.errors import Unwritten


def write_whole(path: Path, pieces: Iterable[bytes], *, mode: int = 0o600, new: bool = False) -> bool:
    """Write a file beside its place and move it there, so that another reader sees the old one or the new one.

    When it returns, the file is on the disk. ``new``: one that is there stays, and False is returned. What is no file,
    such as a device or a pipe, is written into. Raises :class:`Unwritten` for a place that cannot be written; what was
    there stays.
    """
    fresh = ""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as device:
                device.writelines(pieces)
            return True
        make_folder(path.parent, mode=mode)
        number, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")  # 0600
        with open(number, "wb") as file:
            file.writelines(pieces)
            file.flush()
            if mode & 0o077:
                os.chmod(fresh, mode)
            os.fsync(number)
        if new and not _linked(fresh, path):
            return False
        if not new:
            os.replace(fresh, path)
        _settle(path.parent)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        Path(fresh).unlink(missing_ok=True) if fresh else None
    return True


def make_folder(folder: Path, *, mode: int = 0o600) -> None:
    """Make a folder, and those it lies in, for files of this mode: who may read them may look for them."""
    if not folder.is_dir():
        make_folder(folder.parent, mode=mode)
        folder.mkdir(mode=mode | (mode & 0o444) >> 2, exist_ok=True)


def unwritable(path: Path, error: OSError) -> Unwritten:
    """What is wrong with a place that cannot be written, and how old is what is there."""
    problem = f"cannot be written: {error.strerror}{left_there(path)}; make room, or name another place"
    return Unwritten(problem, file=str(path))


def left_there(path: Path) -> str:
    """``; what is there is the old one, of 2026-11-29 18:00 UTC``, to put behind a sentence; nothing if it is not."""
    if not path.is_file():
        return ""
    return f"; what is there is the old one, of {datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"


def _linked(fresh: str, path: Path) -> bool:
    """Give the file its name unless there is one."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        return False
    return True


def _settle(folder: Path) -> None:
    """Put the names in a folder on the disk, where the system has a way to."""
    with suppress(OSError):
        place = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)

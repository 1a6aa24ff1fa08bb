"""A file that is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pytest_callqa.errors import BadInput


def write_whole(path: Path, pieces: Iterable[bytes], *, mode: int = 0o600) -> None:
    """Write a file beside its place and move it there, so that another reader sees the old one or the new one.

    Raises :class:`BadInput` for a place that cannot be written; what was there stays.
    """
    fresh = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with open(number, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(fresh, mode)
        os.replace(fresh, path)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}; name another place", file=str(path)) from None
    finally:
        Path(fresh).unlink(missing_ok=True) if fresh else None

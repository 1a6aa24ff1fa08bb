"""Where the results of shards are kept: under their keys, each once, whoever is first."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pytest_callqa.errors import CallQAError
from pytest_callqa.whole import make_folder, unwritable, write_whole


class Store(Protocol):
    """Results by key. All writers of a key write the same bytes, or one of them is told that it does not."""

    def keys(self) -> set[str]:
        """The keys of what is there."""
        ...

    def get(self, key: str) -> bytes | None:
        """What is kept under a key."""
        ...

    def put(self, key: str, result: bytes) -> None:
        """Keep a result, whole or not at all, unless there is one. Raises :class:`CallQAError` if that is another."""
        ...


def open_store(where: str) -> Store:
    """The store at this place: a folder that all workers see. Raises :class:`Unwritten`."""
    return Folder(where)


def same(key: str, first: bytes | None, result: bytes) -> None:
    """Raises :class:`CallQAError` for a result that differs from the first one."""
    if first != result:
        raise CallQAError(
            f"shard {key} was judged twice, with different results, so a rule of the book goes by chance or by the "
            "time: the first result is kept; make the rule give the same each time"
        )


class Folder:
    """A store in a folder, for its owner only: a link of a file to its name fails if there is one."""

    def __init__(self, where: str) -> None:
        self._folder = Path(where)
        try:
            make_folder(self._folder)
        except OSError as error:
            raise unwritable(self._folder, error) from None

    def keys(self) -> set[str]:
        """The keys of what is there."""
        return {path.stem for path in self._folder.glob("*/*.jsonl")}

    def get(self, key: str) -> bytes | None:
        """What is kept under a key."""
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, result: bytes) -> None:
        """Keep a result, written whole before it gets its name."""
        if not write_whole(self._path(key), [result], new=True):
            same(key, self.get(key), result)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.jsonl"

"""Where the results of shards are kept: under their keys, each once, whoever is first."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Protocol

from pytest_callqa import places
from pytest_callqa.buckets import BUCKETS
from pytest_callqa.errors import CallQAError
from pytest_callqa.whole import make_folder, unwritable, write_whole

SUFFIX = ".jsonl"


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
    """The store at this place: ``s3://bucket/folder``, or a folder that all workers see. Raises :class:`BadInput`."""
    return Bucket(where) if places.is_remote(where) else Folder(where)


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
        return {path.stem for path in self._folder.glob(f"*/*{SUFFIX}")}

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
        return self._folder / _name(key)


class Bucket:
    """A store in S3: the service writes a name that is taken for nobody (``If-None-Match: *``)."""

    def __init__(self, where: str) -> None:
        self._where = where.rstrip("/")

    def keys(self) -> set[str]:
        """The keys of what is there."""
        return {PurePosixPath(name).stem for name in BUCKETS.below(self._where) if name.endswith(SUFFIX)}

    def get(self, key: str) -> bytes | None:
        """What is kept under a key."""
        try:
            with BUCKETS.open(self._path(key)) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def put(self, key: str, result: bytes) -> None:
        """Keep a result, which comes with its name or not at all."""
        if not BUCKETS.create(self._path(key), result):
            same(key, self.get(key), result)

    def _path(self, key: str) -> str:
        return f"{self._where}/{_name(key)}"


def _name(key: str) -> str:
    """Where in a store a key's result is: in one of 256 folders, so that none gets too long to be listed."""
    return f"{key[:2]}/{key}{SUFFIX}"

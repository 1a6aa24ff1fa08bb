"""Calls that come twice: copies are counted once, and two calls under one id are an error."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeAlias

from pytest_callqa.errors import BadInput
from pytest_callqa.readers.options import Document, Unreadable
from pytest_callqa.readers.source import identity, named, unreadable
from pytest_callqa.redact import redactor

RECENT = 24_576
"""Ids kept in memory; the older ones are in a temporary file."""

_FILTER = 2**22
"""Bytes that tell most new ids from those in the file, up to some million calls."""

_Seen: TypeAlias = tuple[str, str, int, bytes]
"""Where a call is (file, place, offset), and its digest if it is known."""


class _Older:
    """What was seen longer ago, in a private temporary database that SQLite keeps within 2 MB of memory.

    It holds hashes of ids that are secret to this process, and where their calls are.
    """

    def __init__(self) -> None:
        import sqlite3  # for long runs only

        self._database = sqlite3.connect("", isolation_level=None)
        for setting in ("cache_size = -2000", "journal_mode = off", "locking_mode = exclusive"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TABLE seen (id INTEGER PRIMARY KEY, file, place, start, content)")
        self._filter = bytearray(_FILTER)  # a 1 where an id may be known: spares looking up nearly every new one

    def keep(self, seen: dict[int, _Seen]) -> None:
        """Add what is not there."""
        for key in seen:
            self._filter[key % _FILTER] = 1
        rows = ((key, *seen[key]) for key in sorted(seen))
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO seen VALUES (?, ?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")

    def find(self, key: int) -> _Seen | None:
        """What is known under this key."""
        if not self._filter[key % _FILTER]:
            return None
        asked = self._database.execute("SELECT file, place, start, content FROM seen WHERE id = ?", (key,))
        return asked.fetchone()  # type: ignore[no-any-return]  # as it was kept


class Duplicates:
    """Remembers the ids it has seen, in bounded memory.

    ``again`` reads a document once more and gives the digest of its call, for calls that were admitted without one:
    few ids come twice, so that few digests are ever needed.
    """

    def __init__(self, again: Callable[[Document], bytes] | None = None) -> None:
        self._recent: dict[int, _Seen] = {}
        self._older: _Older | None = None
        self._again = again

    def admit(self, id: str, content: bytes, document: Document) -> str | Unreadable | None:
        """The id to know a call by; ``None`` for a copy, else what is wrong, naming both places.

        ``content`` is its digest, or empty if there is a way to find it later. A call that is
        named after its file takes its folder's name too if another folder has such a file.
        """
        key = hash(id)  # of 61 bits, and secret: no two ids of a run share it by chance or by intent
        found = self._recent.get(key)
        if found is None and self._older is not None:
            found = self._older.find(key)
        if found is None:
            self._recent[key] = document.file, document.place, document.offset, content
            if len(self._recent) >= RECENT:
                self._move()
            return id
        file, place, offset, known = found
        first = Document(file, place, offset=offset)
        if self._again:
            known, content = known or self._again(first), content or self._again(document)
        if known == content:
            return None
        folder = os.path.dirname(named(document))
        if id == identity(document) and folder != os.path.dirname(named(first)):
            return self.admit(f"{os.path.basename(folder)}/{id}", content, document)
        where = redactor().file(f"{first.file}, {first.place}" if first.place else first.file)
        return unreadable(
            document, BadInput(f"Another call has the same id ({where}): give each call an id of its own.")
        )

    def _move(self) -> None:
        self._older = self._older or _Older()
        self._older.keep(self._recent)
        self._recent.clear()

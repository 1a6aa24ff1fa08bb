"""The two databases a history can live in, with one SQL for both: SQLite in a file, PostgreSQL behind an address."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pytest_callqa.errors import BadInput, CallQAError, Unwritten

if TYPE_CHECKING:
    import psycopg

Value: TypeAlias = "str | int | float | None"
Row: TypeAlias = Sequence[Value]

BUSY = 30.0
"""Seconds that a writer waits for another."""

APPLICATION = 0x63716861
"""What marks an SQLite file as a history."""


class Database(Protocol):
    """An open database. Statements have ``?`` for values; nothing is written but between begin and commit."""

    def execute(self, sql: str, values: Row = ()) -> list[Row]:
        """Run a statement; its rows, if it has any."""
        ...

    def insert(self, sql: str, rows: Iterable[Row]) -> None:
        """Run a statement for each row."""
        ...

    def begin(self) -> None:
        """Begin to write, when no other writer does."""
        ...

    def version(self) -> int:
        """The version of the schema; 0 before there is one."""
        ...

    def set_version(self, version: int) -> None:
        """Note the version of the schema."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class SQLite:
    """A file. Raises :class:`BadInput` for one that is no history, or is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise self._bad(error) from None
        try:
            self._open()
        except (sqlite3.Error, BadInput) as error:
            self._connection.close()
            raise error if isinstance(error, BadInput) else self._bad(error) from None

    def _open(self) -> None:
        """Settle how it is used; a file of another program is refused before anything is written."""
        self._connection.execute("BEGIN")  # what both tell is of one moment: another process may just make the file
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self._connection.execute("COMMIT")
        if tables and application != APPLICATION:
            raise BadInput("is a database of another program; name another file", file=str(self.path))
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA foreign_keys=ON")
        if not application:
            self._connection.execute(f"PRAGMA application_id={APPLICATION}")
            self.path.chmod(0o600)

    def _bad(self, error: Exception) -> BadInput:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            problem = f"cannot be written ({error}); nothing was changed: make room, or name another file"
            return Unwritten(problem, file=str(self.path))
        return BadInput(
            f"cannot be used as a history ({error}); nothing was changed: restore a copy of it, "
            "or name another file and add the ledgers again: callqa history add LEDGER",
            file=str(self.path),
        )

    def execute(self, sql: str, values: Row = ()) -> list[Row]:
        """See :class:`Database`."""
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._bad(error) from None

    def insert(self, sql: str, rows: Iterable[Row]) -> None:
        """See :class:`Database`."""
        try:
            self._connection.executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._bad(error) from None

    def begin(self) -> None:
        """See :class:`Database`."""
        self.execute("BEGIN IMMEDIATE")

    def version(self) -> int:
        """See :class:`Database`."""
        return int(str(self.execute("PRAGMA user_version")[0][0]))

    def set_version(self, version: int) -> None:
        """See :class:`Database`."""
        self.execute(f"PRAGMA user_version={version:d}")

    def keep_copy(self, version: int) -> Path:
        """A copy of the file beside it, before its schema changes."""
        copy = self.path.with_name(f"{self.path.name}.v{version}")
        with closing(sqlite3.connect(copy)) as other:
            self._connection.backup(other)
        copy.chmod(0o600)
        return copy

    def close(self) -> None:
        """See :class:`Database`."""
        self._connection.close()


class Postgres:
    """A server, by a connection string. Raises :class:`CallQAError` for one that cannot be reached."""

    _LOCK = 0x63716861

    def __init__(self, address: str) -> None:
        try:
            import psycopg
        except ModuleNotFoundError:
            raise CallQAError("a history on PostgreSQL needs psycopg: pip install 'pytest-callqa[postgres]'") from None
        self._error: type[Exception] = psycopg.Error
        try:
            self._connection: psycopg.Connection[Row] = psycopg.connect(address, autocommit=True)
        except psycopg.Error as error:
            raise self._bad(error) from None

    def _bad(self, error: Exception) -> CallQAError:
        """What the server says; never the address, which may hold a password."""
        said = " ".join(str(error).split())
        return CallQAError(f"the history on PostgreSQL cannot be used, nothing was changed: {said}")

    def execute(self, sql: str, values: Row = ()) -> list[Row]:
        """See :class:`Database`."""
        try:
            cursor = self._connection.execute(_dollars(sql), values)
            return cursor.fetchall() if cursor.description else []
        except self._error as error:
            raise self._bad(error) from None

    def insert(self, sql: str, rows: Iterable[Row]) -> None:
        """See :class:`Database`."""
        try:
            with self._connection.cursor() as cursor:
                cursor.executemany(_dollars(sql), rows)
        except self._error as error:
            raise self._bad(error) from None

    def begin(self) -> None:
        """See :class:`Database`."""
        self.execute("BEGIN")
        self.execute("SELECT pg_advisory_xact_lock(?)", (self._LOCK,))

    def version(self) -> int:
        """See :class:`Database`."""
        if not self.execute("SELECT 1 FROM pg_tables WHERE tablename = 'callqa_schema'"):
            return 0
        return int(str(self.execute("SELECT max(version) FROM callqa_schema")[0][0]))

    def set_version(self, version: int) -> None:
        """See :class:`Database`."""
        self.execute("CREATE TABLE IF NOT EXISTS callqa_schema (version INTEGER PRIMARY KEY)")
        self.execute("INSERT INTO callqa_schema VALUES (?)", (version,))

    def close(self) -> None:
        """See :class:`Database`."""
        self._connection.close()


def _dollars(sql: str) -> bytes:
    """The statement with the marks for values that psycopg wants."""
    return sql.replace("?", "%s").encode()


def connect(where: str) -> SQLite | Postgres:
    """A history by the path of a file or a ``postgresql://`` address."""
    return Postgres(where) if where.startswith(("postgresql://", "postgres://")) else SQLite(Path(where))

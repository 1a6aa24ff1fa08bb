"""The store: runs, their rules, and a row for each call with a letter for each rule. No words of any call."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Self, TypeAlias

from pytest_callqa import ledger
from pytest_callqa.errors import CallQAError
from pytest_callqa.gate.baseline import name_of
from pytest_callqa.history.databases import Database, Row, SQLite, connect
from pytest_callqa.ledger import Entry, Run
from pytest_callqa.report.counting import key_of
from pytest_callqa.report.model import Ledgers

Added: TypeAlias = Literal["added", "replaced", "already there"]

MIGRATIONS = (
    """
    CREATE TABLE callqa_run (
        run TEXT PRIMARY KEY, started TEXT NOT NULL, finished TEXT NOT NULL, complete INTEGER NOT NULL,
        tool TEXT NOT NULL, title TEXT NOT NULL, book TEXT NOT NULL, mode TEXT NOT NULL, selected INTEGER NOT NULL,
        calls INTEGER NOT NULL, unreadable INTEGER NOT NULL, contents TEXT NOT NULL
    );
    CREATE TABLE callqa_rule (
        run TEXT NOT NULL REFERENCES callqa_run ON DELETE CASCADE, place INTEGER NOT NULL, clause TEXT NOT NULL,
        title TEXT NOT NULL, severity TEXT NOT NULL, PRIMARY KEY (run, place)
    );
    CREATE TABLE callqa_call (
        run TEXT NOT NULL REFERENCES callqa_run ON DELETE CASCADE, id TEXT NOT NULL, name TEXT NOT NULL,
        started TEXT NOT NULL, week TEXT NOT NULL, agent TEXT NOT NULL, team TEXT NOT NULL, letters TEXT NOT NULL,
        PRIMARY KEY (run, id)
    );
    CREATE INDEX callqa_call_name ON callqa_call (name, started)
    """,
)
"""The statements that lead from each version of the schema to the next."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The newest verdicts on a call: the run that gave them, and a letter for each of its rules."""

    run: str
    week: str
    agent: str
    letters: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the store has it; ``clauses`` are those of the letters of its calls, in order."""

    run: str
    started: str
    book: str
    calls: int
    clauses: tuple[str, ...]


class Store:
    """A history, by the path of a file or a ``postgresql://`` address; several may write to it at once.

    Raises :class:`CallQAError` for one that cannot be used, or that a newer version made.
    """

    def __init__(self, where: str) -> None:
        self.database: Database = connect(where)
        try:
            self._migrate()
        except CallQAError:
            self.database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def _migrate(self) -> None:
        """Bring the schema up to date; what was there is copied before."""
        have = self.database.version()
        if have == len(MIGRATIONS):
            return
        if have > len(MIGRATIONS):
            raise CallQAError(
                f"the history has schema {have}, this version knows {len(MIGRATIONS)}: update pytest-callqa"
            )
        if have and isinstance(self.database, SQLite):
            self.database.keep_copy(have)
        with self._writing():
            for number, script in enumerate(MIGRATIONS[self.database.version() :], self.database.version() + 1):
                for statement in script.split(";"):
                    self.database.execute(statement)
                self.database.set_version(number)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """All that is written inside, or nothing."""
        self.database.begin()
        try:
            yield
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    # -- adding

    def add(self, path: Path) -> Added:
        """Add the run of a ledger, once: the same ledger again changes nothing, more of the same run replaces it.

        Raises :class:`BadInput` for a ledger that cannot be read; nothing is added then.
        """
        reading = Ledgers([path])
        calls = [_call(reading.run, line) for line in reading.lines() if isinstance(line, Entry)]
        summary = reading.summary()
        run, name = reading.run, _name(reading.run)
        contents = hashlib.sha256("\n".join(sorted(f"{c[0]} {c[-1]}" for c in calls)).encode()).hexdigest()
        with self._writing():
            known = self.database.execute("SELECT contents, calls FROM callqa_run WHERE run = ?", (name,))
            if known and (known[0][0] == contents or int(str(known[0][1])) > len(calls)):
                return "already there"
            self.database.execute("DELETE FROM callqa_run WHERE run = ?", (name,))
            row: Row = (
                name,
                summary.started,
                summary.finished,
                int(summary.complete),
                run.tool,
                run.title,
                run.version,
                run.mode,
                int(run.selected),
                len(calls),
                summary.unreadable,
                contents,
            )
            self.database.execute(f"INSERT INTO callqa_run VALUES ({_marks(row)})", row)
            rules = [(name, n, rule.clause, rule.title, rule.severity) for n, rule in enumerate(run.rules)]
            self.database.insert("INSERT INTO callqa_rule VALUES (?, ?, ?, ?, ?)", rules)
            self.database.insert("INSERT INTO callqa_call VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [(name, *c) for c in calls])
        return "replaced" if known else "added"

    # -- reading

    def runs(self) -> list[RunRow]:
        """The runs of all rules over recorded calls, oldest first."""
        clauses: dict[str, list[str]] = {}
        for run, clause in self.database.execute("SELECT run, clause FROM callqa_rule ORDER BY run, place"):
            clauses.setdefault(str(run), []).append(str(clause))
        rows = self.database.execute(
            "SELECT run, started, book, calls FROM callqa_run "
            "WHERE selected = 0 AND mode IN ('cells', 'batch') ORDER BY started, run"
        )
        return [
            RunRow(str(run), str(started), str(book), int(str(calls)), tuple(clauses.get(str(run), ())))
            for run, started, book, calls in rows
        ]

    def judged(self) -> Iterator[Judged]:
        """Every call of those runs once, as the newest run judged it."""
        rows = self.database.execute(
            "SELECT run, week, agent, letters FROM ("
            "SELECT c.run, c.week, c.agent, c.letters, row_number() OVER "
            "(PARTITION BY c.name, c.started ORDER BY r.started DESC, r.run DESC) AS place "
            "FROM callqa_call c JOIN callqa_run r ON r.run = c.run "
            "WHERE r.selected = 0 AND r.mode IN ('cells', 'batch')) newest WHERE place = 1"
        )
        return (Judged(str(run), str(week), str(agent), str(letters)) for run, week, agent, letters in rows)


def _name(run: Run) -> str:
    """What makes a run the same: everything it began with."""
    return hashlib.sha256(ledger.encode(run)).hexdigest()[:32]


def _call(run: Run, entry: Entry) -> tuple[str, ...]:
    started = entry.started or run.started
    name = name_of(entry.call)
    return f"{key_of(entry):016x}", name, entry.started, week_of(started), entry.agent, entry.team, entry.verdicts


def week_of(time: str) -> str:
    """``2026-W48``: the week of a time as the ledger has it; empty when it is none."""
    try:
        return datetime.fromisoformat(time).strftime("%G-W%V")
    except ValueError:
        return ""


def _marks(row: Row) -> str:
    return ", ".join("?" * len(row))

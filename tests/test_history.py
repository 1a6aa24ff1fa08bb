"""A history of runs: the same in a file and on a real PostgreSQL server."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

import postgres_kit
from pytest_callqa import cli, ledger
from pytest_callqa.errors import BadInput, CallQAError
from pytest_callqa.history import databases, store
from pytest_callqa.history.databases import Postgres
from pytest_callqa.history.store import Store, week_of
from pytest_callqa.history.trend import trend
from report_ledgers import RUN, entry, write

MONDAY = "2026-11-02T09:00:00+00:00"
WEEK_LATER = "2026-11-09T09:00:00+00:00"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgres_kit.server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "history.db")
    address = request.getfixturevalue("server")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS callqa_call, callqa_rule, callqa_run, callqa_schema")
    return str(address)


def kept(name: str, started: str = MONDAY, agent: str = "Ann") -> ledger.Entry:
    return entry(name, "pppn", started=started, agent=agent)


def broken(name: str, started: str = MONDAY, agent: str = "Ann") -> ledger.Entry:
    return entry(name, "fppn", started=started, agent=agent)


def run(started: str, version: str = "0123456789ab") -> ledger.Run:
    return replace(RUN, started=started, version=version)


def rows(where: str, by: str = "clause", **of: str) -> tuple[tuple[object, ...], ...]:
    with Store(where) as history:
        return trend(history, by, **of).rows  # type: ignore[arg-type]


# -- adding


def test_a_ledger_is_added_once_and_more_of_the_same_run_replaces_it(where: str, tmp_path: Path) -> None:
    half = write(tmp_path / "half.jsonl", kept("a"), end=False)
    with Store(where) as history:
        assert history.add(half) == "added"
        assert history.add(half) == "already there"
        assert history.add(write(tmp_path / "whole.jsonl", kept("a"), broken("b"))) == "replaced"
        assert history.add(half) == "already there"
        assert [(row.calls, row.clauses) for row in history.runs()] == [(2, ("1.1", "1.2", "1.3", "2.1"))]


def test_another_run_of_the_same_calls_counts_them_once(where: str, tmp_path: Path) -> None:
    with Store(where) as history:
        history.add(write(tmp_path / "old.jsonl", broken("a"), broken("b"), run=run("2026-11-03T00:00:00+00:00")))
        history.add(write(tmp_path / "new.jsonl", kept("a"), run=run("2026-11-04T00:00:00+00:00")))
    assert rows(where)[0] == ("1.1", "1/2")


def test_part_of_a_rule_book_and_generated_calls_are_in_no_trend(where: str, tmp_path: Path) -> None:
    with Store(where) as history:
        history.add(write(tmp_path / "a.jsonl", kept("a"), run=replace(RUN, selected=True)))
        history.add(write(tmp_path / "b.jsonl", kept("1.1-en"), run=replace(RUN, mode="conversations")))
        assert history.runs() == []
    assert rows(where) == ()


def test_no_words_and_no_numbers_of_people_are_kept(where: str, tmp_path: Path) -> None:
    said = (ledger.Line("customer", None, None, "I am Miller"),)
    with Store(where) as history:
        history.add(write(tmp_path / "a.jsonl", replace(broken("tel-4915177665544"), turns=said)))
        stored = repr([history.database.execute(f"SELECT * FROM callqa_{table}") for table in ("run", "rule", "call")])
    assert "Miller" not in stored
    assert "77665544" not in stored


def test_a_bad_ledger_adds_nothing(where: str, tmp_path: Path) -> None:
    torn = write(tmp_path / "a.jsonl", kept("a"))
    torn.write_bytes(b"no ledger\n")
    with Store(where) as history:
        with pytest.raises(BadInput):
            history.add(torn)
        assert history.runs() == []


def test_a_writer_that_breaks_leaves_nothing_behind(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.jsonl", kept("a"))
    with Store(where) as history:
        with monkeypatch.context() as broken_store:
            broken_store.setattr(store, "_marks", lambda row: "?")
            with pytest.raises(CallQAError, match="nothing was changed"):
                history.add(path)
        assert history.runs() == []
        assert history.add(path) == "added"


def test_four_writers_lose_nothing(where: str, tmp_path: Path) -> None:
    paths = [
        write(
            tmp_path / f"{n}.jsonl", *(kept(f"{n}-{m}") for m in range(20)), run=run(f"2026-11-02T00:00:{n:02}+00:00")
        )
        for n in range(12)
    ]
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest_callqa.cli", "history", "add", "--store", where, *paths[n::4], paths[0]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for n in range(4)
    ]
    said = [writer.communicate()[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4, said
    assert "".join(said).count(": added\n") == 12
    with Store(where) as history:
        assert [row.calls for row in history.runs()] == [20] * 12


# -- trends


def test_a_trend_tells_clauses_by_week_and_marks_a_new_rule_book(where: str, tmp_path: Path) -> None:
    first = [kept(f"a{n}") for n in range(9)] + [broken("a9"), entry("waived", "wppn", started=MONDAY)]
    second = [kept(f"b{n}", WEEK_LATER) for n in range(3)]
    with Store(where) as history:
        history.add(write(tmp_path / "a.jsonl", *first, run=run(MONDAY)))
        history.add(write(tmp_path / "b.jsonl", *second, run=run(WEEK_LATER, version="ba9876543210")))
        table = trend(history, "clause")
    assert table.columns == ("clause", "2026-W45", "2026-W46*")
    assert table.rows == (("1.1", "82 %", "3/3"), ("1.2", "100 %", "3/3"), ("1.3", "100 %", "3/3"))
    assert rows(where, "week") == (
        ("2026-W45", 11, 33, "94 %", "0123456789ab"),
        ("2026-W46*", 3, 9, "9/9", "ba9876543210"),
    )


def test_a_trend_tells_agents_and_can_be_of_one_clause_or_agent(where: str, tmp_path: Path) -> None:
    calls = [kept("a", agent="Ann"), broken("b", agent="Bob"), kept("c", agent="")]
    with Store(where) as history:
        history.add(write(tmp_path / "a.jsonl", *calls))
    assert rows(where, "agent") == (("not named", "3/3"), ("Ann", "3/3"), ("Bob", "2/3"))
    assert rows(where, "agent", clause="1.1") == (("not named", "1/1"), ("Ann", "1/1"), ("Bob", "0/1"))
    assert rows(where, "clause", agent="Bob")[0] == ("1.1", "0/1")
    assert rows(where, "week", clause="2.1") == (("2026-W45", 3, 0, "-", "0123456789ab"),)


@pytest.mark.parametrize(
    ("time", "week"), [("2026-11-02T09:00:00+00:00", "2026-W45"), ("2027-01-01", "2026-W53"), ("", "")]
)
def test_weeks_are_those_of_the_calendar(time: str, week: str) -> None:
    assert week_of(time) == week


# -- the command


def test_the_commands_add_and_tell_and_put_the_table_into_the_report(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLQA_HISTORY", where)
    path = str(write(tmp_path / "a.jsonl", kept("a")))
    assert cli.main(["history", "add", path, path]) == cli.CLEAN
    assert capsys.readouterr().out == f"{path}: added\n{path}: already there\n"
    for _ in range(2):
        assert cli.main(["history", "trend", "--ledger", path]) == cli.CLEAN
    assert "1.1     1/1" in capsys.readouterr().out
    assert [line.title for line in ledger.read(Path(path)) if isinstance(line, ledger.Exhibit)] == ["Trend by clause"]
    assert cli.main(["history", "trend", "--by", "week", "--store", where]) == cli.CLEAN
    assert cli.main(["history"]) == cli.USAGE


# -- stores that cannot be used


def test_a_store_of_a_newer_version_is_refused(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(store, "MIGRATIONS", (*store.MIGRATIONS, "CREATE TABLE callqa_more (x TEXT)"))
        Store(where).database.close()
    path = str(write(tmp_path / "a.jsonl", kept("a")))
    assert cli.main(["history", "add", path, "--store", where]) == cli.USAGE
    assert "the history has schema 2, this version knows 1: update pytest-callqa" in capsys.readouterr().err
    if where.startswith("postgresql"):
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute("DROP TABLE callqa_more")


def test_an_older_store_is_brought_up_to_date_and_a_copy_is_kept(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(where) as history:
        history.add(write(tmp_path / "a.jsonl", kept("a")))
    more = "ALTER TABLE callqa_run ADD COLUMN more TEXT NOT NULL DEFAULT 'x'"
    monkeypatch.setattr(store, "MIGRATIONS", (*store.MIGRATIONS, more))
    with Store(where) as history:
        assert history.database.version() == 2
        assert history.database.execute("SELECT more FROM callqa_run") == [("x",)]
        assert len(history.runs()) == 1
    if not where.startswith("postgresql"):
        with closing(sqlite3.connect(f"{where}.v1")) as copy:
            assert copy.execute("SELECT count(*) FROM callqa_run").fetchone() == (1,)


def test_a_damaged_store_is_one_sentence_and_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = tmp_path / "history.db"
    path = str(write(tmp_path / "a.jsonl", kept("a")))
    cli.main(["history", "add", path, "--store", str(where)])
    where.write_bytes(where.read_bytes()[:4096] + b"\xff" * 4096)
    damaged = where.read_bytes()
    capsys.readouterr()
    assert cli.main(["history", "trend", "--store", str(where)]) == cli.USAGE
    assert "history.db: cannot be used as a history (" in capsys.readouterr().err
    assert where.read_bytes() == damaged


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one\n" * 40, None])
def test_a_file_of_another_kind_is_refused_unchanged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    where = tmp_path / "other.db"
    if content is None:
        with closing(sqlite3.connect(where)) as other:
            other.execute("CREATE TABLE theirs (x)")
    else:
        where.write_bytes(content)
    before = where.read_bytes()
    assert cli.main(["history", "trend", "--store", str(where)]) == cli.USAGE
    assert "other.db: " in capsys.readouterr().err
    assert where.read_bytes() == before


def test_a_place_where_no_file_can_be_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert cli.main(["history", "trend", "--store", str(tmp_path / "file/history.db")]) == cli.USAGE
    assert "history.db: cannot be used as a history" in capsys.readouterr().err


def test_statements_that_fail_are_one_sentence(where: str) -> None:
    with Store(where) as history:
        with pytest.raises(CallQAError, match="nothing was changed"):
            history.database.execute("SELECT nothing FROM nowhere")
        with pytest.raises(CallQAError, match="nothing was changed"):
            history.database.insert("INSERT INTO nowhere VALUES (?)", [("x",)])


def test_a_server_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(CallQAError, match="the history on PostgreSQL cannot be used") as caught:
        Store("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_without_psycopg_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(CallQAError, match=r"pip install 'pytest-callqa\[postgres\]'"):
        Postgres("postgresql://nobody@nowhere/none")


def test_a_file_is_for_its_owner_only(tmp_path: Path) -> None:
    with Store(str(tmp_path / "history.db")):
        assert (tmp_path / "history.db").stat().st_mode & 0o777 == 0o600
    assert databases.BUSY >= 30

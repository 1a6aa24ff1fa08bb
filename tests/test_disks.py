"""A disk that gets full, wherever something is written: one sentence, old files whole, and the exit code tells."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness import GOOD, RUDE, Project
from pytest_callqa import cli, ledger, supervisor
from pytest_callqa.report import html

serve = supervisor._serve


def serve_unlimited(*given: object) -> None:
    """What a worker does, without the limit it inherits: it writes nothing but what coverage counts."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)
    serve(*given)  # type: ignore[arg-type]


@contextmanager
def room(size: int) -> Iterator[None]:
    """While it lasts, no file of this process takes more bytes than that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    supervisor._serve = serve_unlimited
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        supervisor._serve = serve


def kept(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def judged(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two runs to tell of, in old.jsonl and new.jsonl."""
    monkeypatch.chdir(project.path)
    project.book()
    for name, calls in (("old", (GOOD,)), ("new", (GOOD, RUDE))):
        project.calls(*calls, name=f"{name}/day.jsonl")
        assert cli.main(["check", "--book", "rules", name, "--ledger", f"{name}.jsonl"]) == len(calls) - 1
    return project


WRITING = {
    "report": ["report", "{}.jsonl", "-o", "out/report.html"],
    "csv": ["report", "{}.jsonl", "--format", "markdown", "-o", "summary.md", "--scorecards", "out/agents.csv"],
    "xlsx": ["report", "{}.jsonl", "--format", "markdown", "-o", "summary.md", "--scorecards", "out/agents.xlsx"],
    **{
        name: ["report", "{}.jsonl", "--format", name, "-o", "out/report"]
        for name in ("json", "markdown", "sarif", "gitlab", "github")
    },
    "baseline": ["baseline", "update", "{}.jsonl", "-o", "out/baseline.jsonl"],
    "convert": ["convert", "{}", "-o", "out/calls.jsonl"],
    "teeth": ["teeth", "--book", "rules", "{}", "--json", "out/teeth.json"],
}


@pytest.mark.parametrize("command", WRITING.values(), ids=list(WRITING))
def test_an_output_stays_what_it_was(judged: Project, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    old, new = ([word.format(name) for word in command] for name in ("old", "new"))
    done = cli.main(old)
    out = judged.path / "out"
    before = kept(out)
    [size] = map(len, before.values())
    capsys.readouterr()
    for least in (0, size // 2, size - 1):
        with room(least):
            assert cli.main(new) == cli.NOT_JUDGED
        [said] = capsys.readouterr().err.splitlines()
        assert "cannot be written: File too large; what is there is the old one, of 20" in said
        assert kept(out) == before
    assert cli.main(new) == done
    assert kept(out) != before


def test_so_does_a_report_with_a_folder(
    judged: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(html, "ONE_FILE", 1000)
    monkeypatch.setattr("pytest_callqa.report.pack.SHARD_BYTES", 1)
    out = judged.path / "out"
    with room(1000):
        assert cli.main(["report", "old.jsonl", "-o", "out/report.html"]) == cli.NOT_JUDGED
    assert list(out.iterdir()) == []
    assert cli.main(["report", "old.jsonl", "-o", "out/report.html"]) == cli.CLEAN
    before = kept(out)
    assert len(before) == 2
    shards, page = sorted(map(len, before.values()))
    for least in (0, shards, page - 1):
        with room(least):
            assert cli.main(["report", "new.jsonl", "-o", "out/report.html"]) == cli.NOT_JUDGED
        assert kept(out) == before
    assert cli.main(["report", "new.jsonl", "-o", "out/report.html"]) == cli.CLEAN
    assert len(kept(out)) == 3
    assert "report-calls/" in str(kept(out)), "the shards of the old page are gone, those of the new one are there"
    assert not kept(out).keys() & {name for name in before if name != "report.html"}


def test_so_does_a_history(judged: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["history", "add", "old.jsonl", "--store", "out/history.db"]) == cli.CLEAN
    capsys.readouterr()
    for least in (0, 20_000):
        with room(least):
            assert cli.main(["history", "add", "new.jsonl", "--store", "out/history.db"]) == cli.NOT_JUDGED
        [said] = capsys.readouterr().err.splitlines()
        assert said.startswith("callqa: out/history.db: cannot be written (")
    cli.main(["history", "trend", "--store", "out/history.db", "--by", "week"])
    assert "runs: 1" in capsys.readouterr().out


def test_a_new_book_is_there_whole_or_not_at_all(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.path)
    with room(2000):
        assert cli.main(["init", "book"]) == cli.NOT_JUDGED
    assert "callqa: book: cannot be written: [Errno 27] File too large" in capsys.readouterr().err
    assert not (project.path / "book").exists()


def test_what_is_printed_into_a_full_disk_is_told(project: Project) -> None:
    project.book()
    command = [sys.executable, "-m", "pytest_callqa.cli", "rules", "--book", "rules"]
    with open("/dev/full", "wb") as full:
        run = subprocess.run(command, cwd=project.path, stdout=full, stderr=subprocess.PIPE)
    assert (run.returncode, run.stderr) == (cli.NOT_JUDGED, b"callqa: standard output: No space left on device\n")


# -- runs


def test_check_tells_what_it_has_and_that_the_report_is_the_old_one(
    judged: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    check = ["check", "--book", "rules", "new", "--report", "report.html"]
    assert cli.main(check) == cli.FINDINGS
    old, size = (judged.path / "report.html").read_bytes(), (judged.path / ".callqa/ledger.jsonl").stat().st_size
    head = len(b"".join(map(ledger.encode, judged.ledger()[:2])))
    capsys.readouterr()
    for least in range(head, size, (size - head) // 4):
        with room(least):
            assert cli.main(check) == cli.NOT_JUDGED
        said = capsys.readouterr()
        first, last = said.err.splitlines()
        assert first.startswith("callqa: .callqa/ledger.jsonl: cannot be written any more: File too large; what was")
        assert "INCOMPLETE" in said.out
        assert "report.html: cannot be written: File too large; what is there is the old one, of 20" in last
        assert (judged.path / "report.html").read_bytes() == old


def test_a_run_that_cannot_begin_leaves_the_ledger_and_names_the_report(
    judged: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    check = ["check", "--book", "rules", "new", "--report", "report.html"]
    assert cli.main(check) == cli.FINDINGS
    before = kept(judged.path)
    capsys.readouterr()
    for more in ([], ["--resume"]):
        with room(10):
            assert cli.main([*check, *more]) == cli.NOT_JUDGED
        said = capsys.readouterr()
        assert said.out == ""
        assert "cannot be written: File too large; " in said.err
        assert "report.html was not written; what is there is the old one, of 20" in said.err
        assert kept(judged.path) == before


LIMITED = """
import atexit, os, resource
from multiprocessing.sharedctypes import RawValue

from pytest_callqa import supervisor

hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
serve = supervisor._serve

def serve_unlimited(*given):
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    serve(*given)

if os.environ.get("PYTEST_XDIST_WORKER", "") >= os.environ["WHERE"]:
    RawValue("q")  # what processes share is a file too, in memory
    supervisor._serve = serve_unlimited
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["ROOM"]), hard))
    atexit.register(resource.setrlimit, resource.RLIMIT_FSIZE, (hard, hard))
"""
"""A conftest.py: no file that the process writes, but for those of its workers, takes more than so many bytes."""


def limited(project: Project, room: int, *arguments: str, where: str = "") -> tuple[int, str]:
    """Run pytest so, or only its workers whose names begin with ``where``: the exit code, and what it says."""
    project.file("conftest.py", LIMITED)
    command = [sys.executable, "-m", "pytest", "rules", "--calls", "new", "-s", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "ROOM": str(room), "WHERE": where}
    ended = subprocess.run(command, cwd=project.path, capture_output=True, text=True, env=environment)
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_pytest_ends_so_too(judged: Project, mode: str) -> None:
    arguments = ("--callqa-mode", mode, "--callqa-report", "report.html")
    judged.run(*arguments, calls="new")
    old, size = (judged.path / "report.html").read_bytes(), (judged.path / ".callqa/ledger.jsonl").stat().st_size
    head = len(b"".join(map(ledger.encode, judged.ledger()[:2])))
    for least in (head, (head + size) // 2, size - 1):
        code, said = limited(judged, least, *arguments)
        assert code == pytest.ExitCode.INTERNAL_ERROR
        assert said.count("ledger.jsonl: cannot be written any more: File too large") == 1
        assert "INCOMPLETE" in said
        assert "report.html: cannot be written: File too large; what is there is the old one, of 20" in said
        assert (judged.path / "report.html").read_bytes() == old
    code, said = limited(judged, 10, *arguments)
    assert code == pytest.ExitCode.INTERNAL_ERROR
    assert "\nreport: report.html was not written; what is there is the old one, of 20" in said


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_so_do_the_workers_of_xdist(judged: Project, mode: str) -> None:
    judged.run("--callqa-mode", mode, calls="new")
    head = len(b"".join(map(ledger.encode, judged.ledger()[:2])))
    for least, written in ((head + 10, "cannot be written any more"), (10, "cannot be written")):
        code, said = limited(judged, least, "--callqa-mode", mode, "-n", "2", where="gw")
        assert code == pytest.ExitCode.INTERNAL_ERROR
        assert said.count(f"\nledger: .callqa/ledger.jsonl: {written}: File too large") == 1
        assert said.count("INCOMPLETE") == (0 if least == 10 else 2)
        assert "Traceback" not in said


def test_a_ledger_that_is_a_folder_is_wrong_usage(project: Project) -> None:
    result = project.book().calls(GOOD).run("--callqa-ledger", "rules")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --callqa-ledger: rules: cannot be written: *; make room, or name another place"]
    )
    assert (project.path / "rules/code.toml").exists()

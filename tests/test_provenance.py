"""What an auditor asks of a run: which files it read, and what it was told."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness import GOOD, RUDE, Project
from pytest_callqa import cli, ledger
from pytest_callqa.provenance import files, files_read, told
from pytest_callqa.readers import ReadOptions
from pytest_callqa.redact import hashed
from pytest_callqa.report.html import write_html
from pytest_callqa.report.model import summarise
from report_ledgers import entry, write


def test_every_file_is_named_once_by_its_digest(tmp_path: Path) -> None:
    calls, odd, table = tmp_path / "calls.jsonl", tmp_path / "a, b.vtt", tmp_path / "cases.csv"
    for number, file in enumerate((calls, odd, table)):
        file.write_text("x" * number, encoding="utf-8")
    path = write(
        tmp_path / "ledger.jsonl",
        entry("one", "pppp", file=f"{calls}, line 1"),
        entry("two", "pppp", file=f"{calls}, line 2"),
        entry("odd", "pppp", file=str(odd)),
        ledger.Unread(call="three", file=f"{calls}, line 3", problem="torn"),
        entry("gone", "pppp", file="nowhere.vtt"),
        entry("driven", "pppp"),
    )
    assert list(files_read(path, [str(table)])) == [
        ledger.File(file=str(table), sha256=hashlib.sha256(b"xx").hexdigest(), size=2),
        ledger.File(file=str(calls), sha256=hashlib.sha256(b"").hexdigest(), size=0),
        ledger.File(file=str(odd), sha256=hashlib.sha256(b"x").hexdigest(), size=1),
    ]


def test_a_file_that_cannot_be_read_any_more_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text("x", encoding="utf-8")

    def gone(*_: object) -> None:
        raise OSError("Stale file handle")

    monkeypatch.setattr("pytest_callqa.provenance.hashlib.file_digest", gone)
    assert list(files([str(file)])) == []


def test_settings_are_told_when_they_are_not_as_usual() -> None:
    assert told(ReadOptions(), "standard", organisation="") == {}
    named = ["calls", "more/0171 5550123.json"]
    assert told(ReadOptions(), "standard", named) == {"calls": f"calls more/{hashed('0171 5550123')}.json"}
    assert told(ReadOptions(), "off", named) == {"calls": " ".join(named), "redact": "off"}
    reading = ReadOptions(format="srt", roles={"0": "agent", "1": "customer"}, cases=("a.csv", "b.csv"))
    assert told(reading, "strict", organisation="Acme") == {
        "format": "srt",
        "roles": "0=agent, 1=customer",
        "cases": "a.csv, b.csv",
        "organisation": "Acme",
        "redact": "strict",
    }


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_a_run_of_pytest_and_one_of_callqa_tell_the_same(project: Project, mode: str) -> None:
    project.book().calls(GOOD, RUDE)
    project.run("--callqa-mode", mode, "--callqa-organisation", "Acme")
    told_by_pytest = project.ledger()
    folder = str(project.path / "rules")
    cli.main(["check", "--book", folder, "calls", "--organisation", "Acme", "--ledger", "other.jsonl"])
    told_by_callqa = project.ledger("other.jsonl")
    for lines in (told_by_pytest, told_by_callqa):
        assert isinstance(lines[0], ledger.Run)
        assert lines[0].settings == {"calls": "calls", "organisation": "Acme"}
        day = (project.path / "calls/day.jsonl").read_bytes()
        read = [line for line in lines if isinstance(line, ledger.File)]
        assert read == [ledger.File(file="calls/day.jsonl", sha256=hashlib.sha256(day).hexdigest(), size=len(day))]


def test_a_report_names_the_files_and_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_callqa.report.model.FILES_SHOWN", 2)
    files = [ledger.File(file=f"{n}.vtt", sha256=f"{n}" * 64, size=1000 + n) for n in range(5)]
    path = write(tmp_path / "ledger.jsonl", entry("a", "pppp"), *files)
    summary = summarise([path])
    assert (summary.files, summary.files_read) == (tuple(files[:2]), 5)
    write_html([path], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f'<bdi>1.vtt</bdi></th><td class="num">1,001</td><td><code class="hash">{"1" * 64}</code>' in page
    assert "3 more files; the ledger names them all." in page

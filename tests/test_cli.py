"""The command line: the same verdicts, words and ledger as pytest's batch mode."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import GOOD, RUDE, RULES, SILENT, UNTIMED, Project, callqa
from pytest_callqa import cli, ledger


def test_check_judges_and_says_what_was_broken(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.calls(GOOD, RUDE)
    assert callqa("check", "--book", "rules", "calls", "--report", "report.html") == cli.FINDINGS
    said = capsys.readouterr().out
    assert "1.2 critical, 1 call: Swearing is met with an apology" in said
    assert "report: report.html" in said
    assert (desk.path / "report.html").stat().st_size > 1000


def test_check_writes_the_ledger_that_pytest_writes(desk: Project) -> None:
    desk.calls().run("--callqa-mode", "cells")
    cells = sorted(map(repr, desk.calls_told()))
    callqa("check", "--book", "rules", "calls")
    assert sorted(map(repr, desk.calls_told())) == cells


def test_check_ends_well_when_nothing_is_broken(desk: Project) -> None:
    desk.calls(GOOD)
    assert callqa("check", "--book", "rules", "calls") == cli.CLEAN


def test_check_says_when_no_call_could_be_judged(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file("calls/torn.json", '{"id": ')
    assert callqa("check", "--book", "rules", "calls") == cli.NOT_JUDGED
    assert "calls/torn.json" in capsys.readouterr().out


def test_check_names_the_rules_that_need_pytest(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    more = "\n\n@rule('2.2', 'Needs a fixture')\ndef test_more(call, tmp_path):\n    pass\n"
    rules = (desk.path / "rules/test_rules.py").read_text()
    desk.file("rules/test_rules.py", rules + more).calls(GOOD)
    assert callqa("check", "--book", "rules", "calls") == cli.CLEAN
    assert "not judged, they need fixtures, run pytest for them: 2.2" in capsys.readouterr().err
    first = desk.ledger()[0]
    assert isinstance(first, ledger.Run)
    assert first.settings["rules not run"] == "2.2"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--book", "rules", "nowhere"], "nowhere"),
        (["check", "--book", "nobook", "calls"], "nobook/code.toml: not found"),
        (
            ["check", "--book", "rules", "calls", "--roles", "0"],
            "--callqa-roles: '0' is not SPEAKER=ROLE, such as 0=agent",
        ),
        (["check", "--book", "rules", "calls", "--roles", "0=agnt"], "Did you mean 'agent'?"),
        (["report", "calls/day.jsonl"], "calls/day.jsonl, line 1: does not begin with a line of a ledger"),
        (["report", "none.jsonl"], "none.jsonl: cannot be opened"),
        (["init", "rules"], "rules exists already; name another folder, nothing was changed"),
    ],
)
def test_wrong_usage_is_one_sentence(
    desk: Project, capfd: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    desk.calls(GOOD)
    assert callqa(*arguments) == cli.USAGE
    error = capfd.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_init_gives_a_rule_book_that_runs(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert callqa("init", "mine") == cli.CLEAN
    assert "pytest mine --calls mine/calls" in capsys.readouterr().out
    assert callqa("check", "--book", "mine", "mine/calls/3.1_opening.en.jsonl") in (cli.CLEAN, cli.FINDINGS)


def test_the_shipped_book_is_the_default(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert callqa("rules") == cli.CLEAN
    assert "3.4.2a" in capsys.readouterr().out
    callqa("init")
    (desk.path / "conduct_specs/code.toml").write_text('title = "Ours"\n')
    callqa("rules")
    assert "3.4.2a" in capsys.readouterr().out


def test_convert_writes_native_lines(desk: Project, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    desk.file("calls/a.vtt", "WEBVTT\n\n00:00.000 --> 00:02.000\n<v Agent>Hello there.\n")
    assert callqa("convert", "calls") == cli.CLEAN
    call = json.loads(capsysbinary.readouterr().out)
    assert call["turns"][0]["text"] == "Hello there."


def test_convert_goes_on_after_a_file_it_cannot_read(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.calls(UNTIMED).file("calls/torn.json", "{")
    assert callqa("convert", "calls", "-o", "native.jsonl") == cli.FINDINGS
    assert "calls/torn.json" in capsys.readouterr().err
    assert [json.loads(line)["id"] for line in (desk.path / "native.jsonl").read_text().splitlines()] == ["untimed"]


def test_report_is_made_from_a_ledger(desk: Project) -> None:
    desk.calls().run()
    assert callqa("report", ".callqa/ledger.jsonl", "-o", "again.html") == cli.CLEAN
    assert (desk.path / "again.html").exists()


def test_a_run_ended_by_a_reader_of_its_output_is_no_error(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(cli.book, "_rules", gone)
    assert callqa("rules") == cli.CLEAN


def test_progress_is_shown_to_a_person(
    desk: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    desk.calls(*({**GOOD, "id": f"c{number}"} for number in range(501)))
    callqa("check", "--book", "rules", "calls", "--jobs", "1")
    assert "500 calls judged" in capsys.readouterr().err


def test_the_ledger_is_private(desk: Project) -> None:
    desk.calls(GOOD)
    callqa("check", "--book", "rules", "calls")
    file = Path(".callqa/ledger.jsonl")
    assert file.stat().st_mode & 0o077 == 0
    assert Path(".callqa/.gitignore").exists()
    assert isinstance(next(ledger.read(file)), ledger.Run)


def test_teeth_says_which_rules_catch_what_breaks_them(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.calls(GOOD, SILENT).file("rules/calls/torn.json", '{"id": ')
    callqa("check", "--book", "rules", "calls", "--ledger", "ledger.jsonl")
    capsys.readouterr()
    written = ("--json", "teeth.json", "--ledger", "ledger.jsonl")
    assert callqa("teeth", "--book", "rules", "calls", *written) == cli.FINDINGS
    said = capsys.readouterr().out
    assert "clauses that no mutant touches: 1" in said
    assert "no mutant can break: 1.3" in said
    teeth = json.loads((desk.path / "teeth.json").read_text())
    assert [rule["clause"] for rule in teeth["rules"]] == ["1.1", "1.2", "1.3", "2.1"]
    assert (desk.path / "teeth.json").stat().st_mode & 0o777 == 0o600
    table = list(ledger.read(desk.path / "ledger.jsonl"))[-1]
    assert isinstance(table, ledger.Exhibit)
    assert table.columns[0] == "clause"


def test_teeth_tells_what_was_missed_and_what_could_not_be_read(
    desk: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    toothless = RULES.replace("assert moment.reply.says(phrases.sorry)", "assert moment.reply.says(phrases.sorry) or 1")
    desk.book(toothless).calls(GOOD, name="rules/calls/day.jsonl").file("rules/calls/torn.json", '{"id": ')
    assert callqa("teeth", "--book", "rules") == cli.FINDINGS
    said = capsys.readouterr()
    assert "missed: 1.2: good, dropped: without sorry: “sorry” (the clause holds all the same)" in said.out
    assert "rules/calls/torn.json" in said.err


def test_a_report_compares_with_a_former_run_and_writes_scorecards(
    desk: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.calls(GOOD)
    callqa("check", "--book", "rules", "calls", "--ledger", "old.jsonl")
    desk.calls(RUDE)
    callqa("check", "--book", "rules", "calls", "--ledger", "new.jsonl")
    capsys.readouterr()
    assert callqa("report", "new.jsonl", "--compare", "old.jsonl", "--scorecards", "cards.csv") == cli.CLEAN
    assert capsys.readouterr().out == "report: report.html\nscorecards: cards.csv\n"
    assert "newly broken" in (desk.path / "report.html").read_text(encoding="utf-8")
    assert (desk.path / "cards.csv").read_text(encoding="utf-8-sig").startswith("agent,calls,score,")


@pytest.mark.parametrize(("level", "told"), [("none", False), ("evidence", True), ("full", True)])
def test_a_report_tells_as_much_of_what_was_said_as_it_is_told_to(desk: Project, *, level: str, told: bool) -> None:
    desk.calls(RUDE)
    callqa("check", "--book", "rules", "calls", "--report", "check.html", "--report-text", level)
    callqa("report", ".callqa/ledger.jsonl", "--text", level)
    page = (desk.path / "report.html").read_text(encoding="utf-8")
    assert ("Damn" in page) is told
    assert (desk.path / "check.html").read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--timeout", "0", "'0' is no number of seconds above 0"),
        ("--timeout", "nan", "'nan' is no number of seconds above 0"),
        ("--timeout", "soon", "'soon' is no number of seconds above 0"),
        ("--jobs", "-1", "'-1' is not a whole number"),
        ("--memory", "1.5", "'1.5' is not a whole number"),
    ],
)
def test_a_limit_that_is_none_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        callqa("check", "calls", option, value)
    assert capsys.readouterr().err.endswith(f"argument {option}: {said}\n")

"""A card number and a name in a call are in nothing that a run prints or leaves, unless that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import Project, talk
from pytest_callqa import cli

CARD, NAME = "4111 1111 1111 1111", "Oleksandra"
CANARIES = (CARD, CARD.replace(" ", ""), NAME)

LEAKY = """
from pytest_callqa import rule, Moment, situation

@rule("1.1", "Fails with what was said in its message")
def test_message(call):
    assert not call.agent, call.agent.text

@rule("1.2", "Compares what was said")
def test_compares(call):
    assert call.everyone.text == "nothing"

@rule("1.3", "Breaks on what was said")
def test_breaks(call):
    raise KeyError(call.everyone.text)

@rule("1.4", "Quotes what was said")
def test_quotes(call):
    assert not call.agent.spoken()

def test_plain(call):
    assert call.everyone.text.startswith("Hello")
"""


@pytest.fixture
def leaky(project: Project) -> Project:
    said = talk("call-1", f"agent: Hello {NAME}, your card is {CARD}.", f"customer: {CARD}, yes", names=[NAME])
    torn = f'{{"id": "torn", "turns": [{{"text": "{NAME} {CARD}"'
    return project.book(LEAKY).calls(said).file("calls/torn.json", torn)


def left(project: Project) -> dict[str, str]:
    """Every file that a run left, by name; not what it was given."""
    files = (file for file in project.path.rglob("*") if file.is_file())
    kept = {str(file.relative_to(project.path)): file for file in files}
    return {n: f.read_text(errors="replace") for n, f in kept.items() if not n.startswith(("calls/", "rules/"))}


OUTPUTS = ("--junit-xml", "junit.xml", "--callqa-report", "report.html", "-rA", "-v")


@pytest.mark.parametrize("level", ["standard", "strict"])
@pytest.mark.parametrize("ci", [False, True], ids=["", "CI"])
@pytest.mark.parametrize("mode", [("cells",), ("batch",), ("cells", "-n", "2")], ids=" ".join)
def test_nothing_leaks(
    leaky: Project, monkeypatch: pytest.MonkeyPatch, mode: tuple[str, ...], ci: bool, level: str
) -> None:
    if ci:
        monkeypatch.setenv("CI", "true")
    result = leaky.run("-k", "not plain", "--callqa-mode", *mode, "--callqa-redact", level, *OUTPUTS)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    said = {"terminal": str(result.stdout), "errors": str(result.stderr), **left(leaky)}
    assert {"junit.xml", "report.html", ".callqa/ledger.jsonl"} <= said.keys()
    for canary in CANARIES:
        assert [name for name, text in said.items() if canary.lower() in text.lower()] == []


def test_switched_off_it_is_all_there(leaky: Project) -> None:
    result = leaky.run("-k", "not plain", "--callqa-redact", "off", *OUTPUTS)
    assert CARD in str(result.stdout)
    assert CARD in left(leaky)[".callqa/ledger.jsonl"]


@pytest.mark.parametrize("command", ["check", "inspect", "teeth"])
def test_the_command_line_leaks_nothing(
    leaky: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.chdir(leaky.path)
    more = ("--report", "report.html") if command == "check" else ()
    cli.main([command, "--book", "rules", "calls", *more])
    printed = capsys.readouterr()
    for canary in CANARIES:
        assert canary.lower() not in (printed.out + printed.err).lower()
        assert not any(canary.lower() in text.lower() for text in left(leaky).values())


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_what_a_run_leaves_is_its_owner_s(leaky: Project, mode: str) -> None:
    leaky.run("-k", "not plain", "--callqa-mode", mode, "--callqa-report", "out/report.html")
    ours = [leaky.path / ".callqa", leaky.path / "out"]
    kept = [file for folder in ours for file in folder.rglob("*") if file.name != ".gitignore"]
    assert {oct(file.stat().st_mode & 0o777) for file in kept if file.is_file()} == {"0o600"}
    assert oct(ours[0].stat().st_mode & 0o777) == "0o700"


def test_a_team_s_own_test_is_its_own_business(leaky: Project) -> None:
    """Only rules are told by us: a plain test that compares texts shows them, as pytest does."""
    result = leaky.run("-k", "plain", "--callqa-mode", "cells")
    assert Path(leaky.path, ".callqa/ledger.jsonl").exists() is False
    result.assert_outcomes(passed=1, errors=1)

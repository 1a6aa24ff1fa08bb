"""A card number and a name in a call are in nothing that a run prints or leaves, unless that is asked for."""

from __future__ import annotations

import base64
import io
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from harness import PHRASES, RULES, Project, talk
from pytest_callqa import cli, ledger
from pytest_callqa.report import html

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

ENDING = """
import os, signal, time
from pytest_callqa import rule

@rule("1.5", "Ends the run")
def test_ends(call):
    {ending}
"""


@pytest.fixture
def leaky(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Calls that hold the canaries, and a place for temporary files that is looked at too."""
    (project.path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(project.path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    said = talk(f"call-{NAME}", f"agent: Hello {NAME}, your card is {CARD}.", f"customer: {CARD}, yes", names=[NAME])
    other = talk(f"+{CARD}", f"agent: {CARD}.", case={"contact": CARD, "content": f"{NAME} called"}, names=[NAME])
    torn = f'{{"id": "torn", "turns": [{{"text": "{NAME} {CARD}"'
    return project.book(LEAKY).calls(said, other).file("calls/torn.json", torn)


def opened(data: bytes) -> str:
    """What a file holds, with what is packed in it: the calls in a report, the parts of a workbook."""
    told = [data]
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            told += [packed.read(name) for name in packed.namelist()]
    told += [zlib.decompress(base64.b64decode(part), 31) for part in re.findall(rb"H4sI[A-Za-z0-9+/=]+", data)]
    return b"\n".join(told).decode(errors="replace")


def left(project: Project) -> dict[str, str]:
    """Every file that a run left, by name; not what it was given."""
    files = (file for file in project.path.rglob("*") if file.is_file())
    kept = {str(file.relative_to(project.path)): file for file in files}
    given = ("calls/", "rules/", "bots_here.py")
    return {name: opened(file.read_bytes()) for name, file in kept.items() if not name.startswith(given)}


def leaks(said: dict[str, str], canaries: tuple[str, ...] = CANARIES) -> list[tuple[str, str]]:
    """Where a canary is found, in the text or the name of a file."""
    places = [(canary, name, text) for canary in canaries for name, text in said.items()]
    return [(canary, name) for canary, name, text in places if canary.lower() in f"{name}\n{text}".lower()]


def told(result: pytest.RunResult, project: Project) -> dict[str, str]:
    return {"terminal": str(result.stdout), "errors": str(result.stderr), **left(project)}


OUTPUTS = ("--junit-xml", "junit.xml", "--callqa-report", "report.html", "-rA", "-v")


def test_what_is_packed_is_looked_at(leaky: Project) -> None:
    leaky.run("-k", "not plain", "--callqa-redact", "off", *OUTPUTS, "--callqa-report-text", "full")
    found = leaks(left(leaky))
    assert {(CARD, "report.html"), (CARD, ".callqa/ledger.jsonl"), (NAME, "junit.xml")} <= set(found)


@pytest.mark.parametrize("level", ["standard", "strict"])
@pytest.mark.parametrize("ci", [False, True], ids=["", "CI"])
@pytest.mark.parametrize("mode", [("cells",), ("batch",), ("cells", "-n", "2"), ("batch", "-n", "2")], ids=" ".join)
def test_nothing_leaks(
    leaky: Project, monkeypatch: pytest.MonkeyPatch, mode: tuple[str, ...], ci: bool, level: str
) -> None:
    if ci:
        monkeypatch.setenv("CI", "true")
    text = "full" if level == "standard" else "evidence"
    arguments = ("--callqa-mode", *mode, "--callqa-redact", level, *OUTPUTS, "--callqa-report-text", text)
    result = leaky.run("-k", "not plain", *arguments)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    said = told(result, leaky)
    assert {"junit.xml", "report.html", ".callqa/ledger.jsonl"} <= said.keys()
    assert leaks(said) == []


def test_nor_does_a_report_with_a_folder(leaky: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "ONE_FILE", 1000)
    result = leaky.run("-k", "not plain", *OUTPUTS, "--callqa-report-text", "full")
    said = told(result, leaky)
    assert any(name.startswith("report-calls/") for name in said)
    assert leaks(said) == []


def test_switched_off_it_is_all_there(leaky: Project) -> None:
    result = leaky.run("-k", "not plain", "--callqa-redact", "off", *OUTPUTS)
    assert CARD in str(result.stdout)
    assert CARD in left(leaky)[".callqa/ledger.jsonl"]


# -- names of files

PHONE = "0171 5550123"


@pytest.fixture
def filed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Calls in files that are named after who called, of which one cannot be read and one comes twice."""
    monkeypatch.chdir(project.path)
    said = talk(f"{NAME} {PHONE}", "agent: Yes?", "customer: Damn.", names=[NAME])
    again = talk("twice", "agent: Hello.")
    return (
        project.book()
        .calls(said, name=f"calls/{NAME} {PHONE}.json")
        .calls({**said, "id": "two"}, name=f"calls/{PHONE}/{NAME}.jsonl")
        .calls(again, name=f"calls/{PHONE}.json")
        .calls({**again, "turns": []}, name=f"calls/{PHONE} b.json")
        .calls({**again, "language": "de"}, name=f"calls/{PHONE} c.json")
        .file(f"calls/torn {PHONE}.json", "{")
        .file(f"calls/{PHONE} d.json", '{"turns": []}')
        .file(f"calls/{PHONE} d.meta.yaml", "direktion: inbound")
    )


@pytest.mark.parametrize("mode", [("cells",), ("batch",), ("cells", "-n", "2"), ("batch", "-n", "2")], ids=" ".join)
def test_files_are_told_without_what_their_names_say_of_people(filed: Project, mode: tuple[str, ...]) -> None:
    said = told(filed.run("--callqa-mode", *mode, *OUTPUTS), filed)
    assert leaks(said, (NAME, PHONE)) == []
    digests = [line for line in filed.ledger() if isinstance(line, ledger.File)]
    assert len(digests) == len([*(filed.path / "calls").rglob("*.json*")]), "each file is known by its digest"
    off = told(filed.run("--callqa-mode", *mode, *OUTPUTS, "--callqa-redact", "off"), filed)
    assert leaks({"ledger": off[".callqa/ledger.jsonl"]}, (PHONE,))


def test_so_they_are_on_the_command_line_and_found_again(filed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["check", "--book", "rules", "calls", "--report", "report.html"])
    cli.main(["inspect", "--book", "rules", "calls"])
    for name in ("json", "markdown", "sarif", "github", "gitlab"):
        cli.main(["report", ".callqa/ledger.jsonl", "--format", name])
    printed = capsys.readouterr()
    assert leaks({"terminal": printed.out, "errors": printed.err, **left(filed)}, (NAME, PHONE)) == []
    files = sorted({line.file for line in filed.ledger() if isinstance(line, ledger.File)})
    assert len(files) == 7
    for file in files:
        assert cli.main(["inspect", "--book", "rules", file]) in (cli.CLEAN, cli.FINDINGS)
        assert file in capsys.readouterr().out


# -- runs that do not end well


@pytest.mark.parametrize("mode", [("cells",), ("batch",), ("cells", "-n", "2"), ("batch", "-n", "2")], ids=" ".join)
@pytest.mark.parametrize("ending", ["os.kill(os.getpid(), signal.SIGKILL)", "raise KeyboardInterrupt"])
def test_a_run_that_crashes_leaves_nothing_of_it(leaky: Project, mode: tuple[str, ...], ending: str) -> None:
    leaky.file("rules/test_ending.py", ENDING.format(ending=ending))
    result = leaky.run_apart("-k", "not plain", "--callqa-mode", *mode, *OUTPUTS)
    assert result.ret != pytest.ExitCode.OK
    said = told(result, leaky)
    assert ".callqa/ledger.jsonl" in said
    assert leaks(said) == []


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_nor_does_one_that_is_killed(leaky: Project, mode: str) -> None:
    leaky.file("rules/test_ending.py", ENDING.format(ending="time.sleep(600)"))
    command = [sys.executable, "-m", "pytest", "rules", "--calls", "calls", "-k", "not plain", "--callqa-mode", mode]
    run = subprocess.Popen(command, cwd=leaky.path, stdout=subprocess.DEVNULL)
    while not (leaky.path / ".callqa/ledger.jsonl").exists():
        time.sleep(0.01)
    time.sleep(0.5)
    run.kill()
    run.wait()
    assert leaks(left(leaky)) == []


# -- other commands


@pytest.mark.parametrize("command", ["check", "inspect", "teeth"])
def test_the_command_line_leaks_nothing(
    leaky: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.chdir(leaky.path)
    more = ("--report", "report.html") if command == "check" else ()
    cli.main([command, "--book", "rules", "calls", *more])
    printed = capsys.readouterr()
    assert leaks({"terminal": printed.out, "errors": printed.err, **left(leaky)}) == []


def test_nor_does_what_is_made_of_a_ledger(
    leaky: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(leaky.path)
    cli.main(["check", "--book", "rules", "calls"])
    path = ".callqa/ledger.jsonl"
    for name in ("html", "json", "markdown", "sarif", "github", "gitlab"):
        assert cli.main(["report", path, "--format", name]) == cli.CLEAN
        assert cli.main(["report", path, "--format", name, "-o", f"out/report.{name}"]) == cli.CLEAN
    for name in ("csv", "xlsx"):
        assert cli.main(["report", path, "--scorecards", f"out/agents.{name}", "--text", "full"]) == cli.CLEAN
    assert cli.main(["history", "add", path, "--store", "out/history.db"]) == cli.CLEAN
    assert cli.main(["baseline", "update", path, "-o", "out/baseline.jsonl"]) == cli.CLEAN
    printed = capsys.readouterr()
    said = {"terminal": printed.out, "errors": printed.err, **left(leaky)}
    assert len([name for name in said if name.startswith("out/")]) == 10
    assert leaks(said) == []


SAYING = f"""
def bot(text):
    return "Your card is {CARD}."
"""
SWEARING = "moves: {swears: {says: {en: [Damn.]}}, hangs up: {hangs up: yes}}"


def test_nor_does_a_bot_that_says_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it in what Hypothesis keeps either: examples, patches, observations."""
    monkeypatch.syspath_prepend(project.path)
    project.book().file("bots_here.py", SAYING).file("rules/customers.yaml", SWEARING)
    result = project.run(
        "--bot",
        "python:bots_here:bot",
        "--callqa-customers",
        "10",
        "--callqa-save-failures",
        "kept",
        *OUTPUTS,
        calls=None,
    )
    said = told(result, project)
    assert any(name.startswith("kept/") for name in said), result.stdout.str()
    assert leaks(said, CANARIES[:2]) == []


FRAGILE = """
@rule("1.4", "Says nothing in capitals")
def test_small(call):
    assert call.fact(all(turn.text != turn.text.upper() for turn in call.record.turns), "not in capitals")
"""
KILLED = """
import os, signal

def pytest_runtest_logfinish():
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    "asked",
    [
        ("--bot", "python:bots_here:bot", "--callqa-customers", "10"),
        ("--callqa-against", "milder", "--calls", "calls"),
        ("--callqa-teeth", "--calls", "calls"),
        ("--callqa-variants", "9", "--calls", "calls"),
    ],
    ids=lambda asked: asked[0],
)
def test_nor_does_a_killed_run_that_makes_up_conversations(
    project: Project, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    """Not in what one worker leaves for the others either."""
    monkeypatch.syspath_prepend(project.path)
    project.book(f"{RULES}{FRAGILE}").file("conftest.py", KILLED)
    project.file("bots_here.py", SAYING).file("rules/customers.yaml", SWEARING)
    polite = f"agent: Hello {NAME}, your card is {CARD}."
    project.calls(
        talk(NAME, polite, f"customer: Damn, {CARD}.", f"agent: I am sorry, {NAME}.", names=[NAME]),
        talk(f"rude to {NAME}", f"agent: Yes {NAME} {CARD}?", "customer: Damn.", "agent: So?", names=[NAME]),
    )
    for file in ("rules/test_rules.py", "rules/phrases/en.yaml", "rules/code.toml"):
        project.file(file.replace("rules/", "milder/", 1), (project.path / file).read_bytes())
    project.file("milder/phrases/en.yaml", PHRASES.replace("[hello,", "[hello, 'yes',"))
    result = project.run_apart(*asked, calls=None)
    assert result.ret == -signal.SIGKILL
    said = told(result, project)
    assert ".callqa/ledger.jsonl.tally" in said
    assert leaks({name: text for name, text in said.items() if not name.startswith("milder/")}) == []


# -- files


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_what_a_run_leaves_is_its_owner_s(leaky: Project, mode: str) -> None:
    leaky.run("-k", "not plain", "--callqa-mode", mode, "--callqa-report", "out/report.html")
    ours = [leaky.path / ".callqa", leaky.path / "out"]
    kept = [file for folder in ours for file in folder.rglob("*")]
    assert {oct(file.stat().st_mode & 0o777) for file in kept if file.is_file()} == {"0o600"}
    assert {oct(folder.stat().st_mode & 0o777) for folder in ours} == {"0o700"}


def test_a_team_s_own_test_is_its_own_business(leaky: Project) -> None:
    """Only rules are told by us: a plain test that compares texts shows them, as pytest does."""
    result = leaky.run("-k", "plain", "--callqa-mode", "cells")
    assert Path(leaky.path, ".callqa/ledger.jsonl").exists() is False
    result.assert_outcomes(passed=1, failed=1, errors=1)

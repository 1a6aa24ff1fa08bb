"""Options and their ini twins, and what is said when a value is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_callqa
from harness import GOOD, UNTIMED, Project


def test_every_flag_has_an_ini_twin(project: Project) -> None:
    project.book().calls({**GOOD, "language": ""}).file(
        "pytest.toml",
        """
[pytest]
callqa_calls = ["calls"]
callqa_mode = "batch"
callqa_format = "native"
callqa_language = "en"
callqa_organisation = "Acme"
callqa_report = "out/report.html"
callqa_ledger = "out/ledger.jsonl"
callqa_cells = "5"
callqa_jobs = "1"
callqa_roles = ["0=agent"]
callqa_recordings = true
callqa_strict = true
callqa_redact = "off"
""",
    )
    result = project.run(calls=None)
    result.stdout.fnmatch_lines(["callqa: batch (as told); ledger *out/ledger.jsonl", "report: *out/report.html"])
    assert project.verdicts("out/ledger.jsonl") == {"good": "ppmn"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--callqa-mode", "cell"], "--callqa-mode: 'cell' is none of auto, cells, batch. Did you mean 'cells'?"),
        (["--callqa-format", "nativ"], "--callqa-format: 'nativ' is none of auto, native, *Did you mean 'native'?"),
        (["--callqa-roles", "agent"], "--callqa-roles: 'agent' is not SPEAKER=ROLE, such as 0=agent"),
        (["--callqa-roles", "0=boss"], "--callqa-roles: 'boss' is none of agent, customer, system, unknown."),
        (["--callqa-cells", "many"], "--callqa-cells: 'many' is not a whole number"),
        (["--callqa-timeout", "0"], "--callqa-timeout: '0' is not a whole number above 0"),
        (["--calls", "nowhere"], "--calls: nowhere: *"),
        (["--callqa-cases", "none.csv"], "*none.csv*"),
    ],
)
def test_a_wrong_value_is_a_usage_error_that_names_it(project: Project, arguments: list[str], said: str) -> None:
    result = project.book().calls(GOOD).run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said.replace('[', '[[]')}"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_roles_may_be_mapped(project: Project) -> None:
    turns = [{"speaker": "0", "text": "Hello."}, {"speaker": "1", "text": "Hi."}]
    project.book().calls({**UNTIMED, "roles": "unknown", "turns": turns}).run()
    assert project.verdicts() == {"untimed": "uumu"}
    project.run("--callqa-roles", "0=agent, 1=customer")
    assert project.verdicts() == {"untimed": "pnmu"}


def test_the_organisation_is_the_calls_else_the_runs_else_the_codes(project: Project) -> None:
    rules = """
from pathlib import Path
from pytest_callqa import PhraseBook, rule

phrases = PhraseBook.load(Path(__file__).parent / "phrases")

@rule("1.1", "Names the organisation")
def test_names(call):
    assert call.agent.says(phrases.named)
"""
    phrases = 'language: en\nphrases:\n  named: ["this is {organisation}"]\n'
    calls = [
        {**UNTIMED, "id": name, "organisation": own, "turns": [{"role": "agent", "text": f"This is {name}."}]}
        for name, own in (("Acme Bank", ""), ("Zenith", ""), ("Quartz", "Quartz"), ("Nobody", "Quartz"))
    ]
    project.book(rules, phrases).calls(*calls).run()
    assert project.verdicts() == {"Acme Bank": "p", "Zenith": "f", "Quartz": "p", "Nobody": "f"}
    project.run("--callqa-organisation", "Zenith")
    assert project.verdicts() == {"Acme Bank": "f", "Zenith": "p", "Quartz": "p", "Nobody": "f"}


def test_case_and_attestation_tables_may_be_named(project: Project) -> None:
    project.book().calls(GOOD).file(
        "tables/people.csv", "clause,call,verdict,assessor,time,note\n1.3,good,passed,Q1,2026-03-02T10:00:00+08:00,\n"
    )
    project.run("--callqa-attestations", "tables/people.csv")
    assert project.verdicts() == {"good": "pppn"}


def test_a_run_without_calls_or_rules_imports_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys, pytest; pytest.main(['--version', '--version', '-p', 'pytest_callqa.plugin']); "
        "heavy = {'hypothesis', 'jinja2', 'rapidfuzz', 'msgspec', 'yaml'}; "
        "print(sorted((heavy | {'pytest_callqa.plugin'}) & set(sys.modules)))"
    )
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # others may import what they like
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path, env=alone
    )
    assert done.stdout.splitlines()[-1] == "['pytest_callqa.plugin']"


def test_public_names_load_when_used() -> None:
    assert {"rule", "situation", "Moment", "PhraseBook"} <= set(dir(pytest_callqa))
    assert all(getattr(pytest_callqa, name).__module__.startswith("pytest_callqa.") for name in ("rule", "Call"))
    with pytest.raises(AttributeError, match="no attribute 'rulle'"):
        pytest_callqa.rulle  # noqa: B018 - looking is the test


def test_collect_only_writes_no_ledger(project: Project) -> None:
    project.book().calls(GOOD).run("--collect-only")
    assert not (project.path / ".callqa/ledger.jsonl").exists()


def test_how_much_of_what_was_said_a_report_shows_is_an_option_with_choices(project: Project) -> None:
    project.book().calls()
    result = project.run("--callqa-report", "report.html", "--callqa-report-text", "none")
    result.stdout.fnmatch_lines(["report: *report.html"])
    assert "Damn" not in (project.path / "report.html").read_text(encoding="utf-8")
    result = project.run("--callqa-report-text", "some")
    result.stderr.fnmatch_lines(["ERROR: --callqa-report-text: 'some' is none of none, evidence, full.*"])

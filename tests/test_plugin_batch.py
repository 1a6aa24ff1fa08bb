"""Batch: a test item for each rule, one streaming pass over all calls."""

from __future__ import annotations

import shutil

import pytest

from harness import GOOD, PHRASES, RUDE, SILENT, Project, talk
from pytest_callqa import ledger
from pytest_callqa.cli import BOOK


def test_a_failing_item_lists_its_calls_worst_first(project: Project) -> None:
    twice = {**RUDE, "id": "twice", "turns": [*RUDE["turns"], *RUDE["turns"][1:]]}  # type: ignore[misc]
    result = project.book().calls(GOOD, RUDE, twice).run("--callqa-mode", "batch")
    result.stdout.fnmatch_lines(
        [
            "callqa: batch (as told)*",
            "1.2 Swearing is met with an apology",
            "2 of 3 calls break this rule (1 passed, 2 failed)",
            "  twice at *, 2 times: the agent's reply says sorry: not found",
            "  rude at 0:04.5: the agent's reply says sorry: not found",
        ]
    )
    result.assert_outcomes(failed=2, skipped=2)


def test_calls_are_counted_alike_however_many_verdicts_are_held(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "ALIKE", 1)
    calls = [{**call, "id": f"c{n}"} for n, call in enumerate((GOOD, RUDE, GOOD, SILENT, RUDE))]
    result = project.book().calls(*calls).run("--callqa-mode", "batch")
    result.stdout.fnmatch_lines(["2 of 5 calls break this rule (2 passed, 2 failed, 1 not applicable)"])


def test_both_modes_write_the_same_ledger(project: Project) -> None:
    project.book().calls().file("calls/torn.json", "{").run("--callqa-mode", "cells")
    cells = sorted(map(repr, project.calls_told()))
    for more in ((), ("-n", "2"), ("--callqa-jobs", "1")):
        project.run("--callqa-mode", "batch", *more)
        batch = sorted(map(repr, project.calls_told()))
        assert batch == cells


def test_auto_takes_batch_above_the_number_of_cells(project: Project) -> None:
    result = project.book().calls().run("--callqa-cells", "19")
    result.stdout.fnmatch_lines(["callqa: batch (over 4 calls × 4 rules: more than 19 cells)*"])
    result = project.run("--callqa-cells", "20")
    result.stdout.fnmatch_lines(["callqa: cells (5 calls × 4 rules: at most 20 cells)*"])


def test_an_unreadable_call_fails_the_run(project: Project) -> None:
    project.book().calls(GOOD).file("calls/torn.json", '{"id": ').file("calls/bad.jsonl.gz", b"\x1f\x8bnot gzip")
    result = project.run("--callqa-mode", "batch")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*calls/bad.jsonl.gz*", "*calls/torn.json*"])


def test_rules_with_fixtures_are_judged_beside_the_pass(project: Project) -> None:
    rules = """
import pytest
from pytest_callqa import rule

@pytest.fixture
def staff():
    return {"A1"}

@rule("1.1", "Known agent")
def test_known(call, staff):
    assert call.record.agent in staff, "not on the staff list"

@rule("1.2", "Speaks")
def test_speaks(call):
    assert call.agent.spoken()
"""
    project.book(rules).calls({**GOOD, "agent": "A1"}, {**RUDE, "agent": "X9"})
    result = project.run("--callqa-mode", "batch")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["  rude at 0:00.0: not on the staff list"])
    entries = [line for line in project.ledger() if isinstance(line, ledger.Entry)]
    assert sorted((line.call, line.verdicts) for line in entries) == [
        ("good", "-p"), ("good", "p-"), ("rude", "-p"), ("rude", "f-"),
    ]  # fmt: skip


def test_many_calls_are_judged_by_several_processes(project: Project) -> None:
    calls = [{**(GOOD if number % 10 else RUDE), "id": f"c{number}"} for number in range(640)]
    project.book().calls(*calls)
    result = project.run_apart("--callqa-mode", "batch", "--callqa-jobs", "2")
    result.stdout.fnmatch_lines(["64 of 640 calls break this rule*", "  … and 54 more in the ledger"])
    assert list(project.verdicts()) == [f"c{number}" for number in range(640)]


def test_the_ledger_holds_every_call_judged_so_far(project: Project) -> None:
    """A run that is killed keeps what it has: each line is written as its call is judged."""
    rules = """
import os
from pytest_callqa import rule

@rule("1.1", "Ends the process at one call")
def test_ends(call):
    if call.record.id == "silent":
        os._exit(9)
"""
    project.book(rules).calls(GOOD, RUDE, SILENT)
    project.run_apart("--callqa-mode", "batch", "--callqa-jobs", "1")
    project.run_apart("--callqa-mode", "cells")
    assert project.verdicts() == {"good": "p", "rude": "p"}


def test_call_given_twice_names_both_files(project: Project) -> None:
    project.book().calls(GOOD).calls({**RUDE, "id": "good"}, name="calls/more.jsonl")
    result = project.run("--callqa-mode", "batch")
    result.stdout.fnmatch_lines(["*calls/more.jsonl*calls/day.jsonl*"])


def test_a_copy_of_a_call_counts_once(project: Project) -> None:
    project.book().calls(GOOD).calls(GOOD, name="calls/copy.jsonl").run("--callqa-mode", "batch")
    assert project.verdicts() == {"good": "ppmn"}


def test_a_rule_that_breaks_is_told_with_the_number_of_calls(project: Project) -> None:
    rules = """
from pytest_callqa import rule

@rule("1.1", "Broken")
def test_broken(call):
    return call.nonsense
"""
    result = project.book(rules).calls(GOOD, RUDE).run("--callqa-mode", "batch")
    result.stdout.fnmatch_lines(["0 of 2 calls break this rule (2 error)"])
    result.assert_outcomes(failed=1)


def test_unreadable_calls_are_told_once_beside_rules_with_fixtures(project: Project) -> None:
    rule = "@rule('{0}', 'Rule {0}')\ndef test_{1}(call{2}):\n    assert call.agent\n\n"
    fixture = "import pytest\nfrom pytest_callqa import rule\n\n@pytest.fixture\ndef staff():\n    return 1\n\n"
    both = (
        fixture + rule.format("1.1", "a", "") + rule.format("1.2", "b", ", staff") + rule.format("1.3", "c", ", staff")
    )
    for rules in (both, fixture + rule.format("1.2", "b", ", staff") + rule.format("1.3", "c", ", staff")):
        project.book(rules).calls(GOOD).file("calls/torn.json", "{").run("--callqa-mode", "batch")
        assert [line.file for line in project.ledger() if isinstance(line, ledger.Unread)] == ["calls/torn.json"]


def test_a_long_pass_says_how_far_it_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_callqa.plugin.matrix._EVERY", 0.0)
    result = project.book().calls(GOOD, RUDE).run("--callqa-mode", "batch")
    result.stdout.fnmatch_lines(["callqa: 2 calls judged"])
    assert project.run("--callqa-mode", "batch", "-p", "no:terminal").ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_an_expression_that_hangs_is_an_error_of_the_rules_that_ask_for_it(project: Project, mode: str) -> None:
    phrases = PHRASES.replace("sorry: [sorry, I apologise]", "sorry: [sorry, '/(a|a|aa)+$/']")
    hiss = talk("hiss", "agent: Hello.", "customer: Damn.", "agent: " + 40 * "a" + "b")
    result = project.book(phrases=phrases).calls(hiss, GOOD).run("--callqa-mode", mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts() == {"hiss": "pemn", "good": "ppmn"}
    result.stdout.fnmatch_lines(["*/(a|a|aa)+$/ was broken off after 0.5 s on 41 characters; make it simpler*"])


def test_both_modes_write_the_same_ledger_of_all_recorded_calls(project: Project) -> None:
    shutil.copytree(BOOK, project.path / "rules")
    judged = ("-k", "test_3_2_hearing", "--callqa-organisation", "the monitoring center")
    fixtures = str(BOOK / "calls")
    project.run("--callqa-mode", "cells", *judged, calls=fixtures)
    cells = sorted(map(repr, project.calls_told()))
    project.run("--callqa-mode", "batch", "-n", "2", *judged, calls=fixtures)
    assert sorted(map(repr, project.calls_told())) == cells
    assert len(cells) > 200

"""Cells: a test item for each rule and call."""

from __future__ import annotations

import gc
import re

import pytest

from harness import GOOD, RUDE, SILENT, Project, talk
from pytest_callqa import ledger
from pytest_callqa.plugin.matrix import item_id
from pytest_callqa.redact import hashed


def test_every_outcome_has_its_word_and_count(project: Project) -> None:
    result = project.book().calls().run("-v")
    result.stdout.fnmatch_lines(
        [
            "callqa: cells (5 calls × 4 rules: at most 10,000 cells); ledger .callqa/ledger.jsonl",
            "*::test_greets?good? PASSED*",
            "*::test_apologises?good? PASSED*",
            "*::test_friendly?good? NOT ASSESSED*",
            "*::test_asks_again?good? NOT APPLICABLE*",
            "*::test_asks_again?borderline? UNDECIDED*",
            "* 2 failed, 6 passed, 5 not assessed, 5 not applicable, 2 undecided in *",
        ]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_failed_cell_prints_its_finding_and_no_traceback(project: Project) -> None:
    result = project.book().calls(RUDE).run()
    result.stdout.fnmatch_lines(
        [
            "*test_apologises?rude?*",
            "1.2 Swearing is met with an apology",
            "rude at 0:04.5: the agent's reply says sorry: not found",
        ]
    )
    result.stdout.no_fnmatch_line("*assert moment*")


def test_the_line_of_the_rule_is_shown_on_request(project: Project) -> None:
    result = project.book().calls(RUDE).run("-v")
    result.stdout.fnmatch_lines(["(test_rules.py:*)"])


def test_a_day_without_a_breach_ends_well(project: Project) -> None:
    result = project.book().calls(GOOD, SILENT).run()
    assert result.ret == pytest.ExitCode.OK


def test_strict_makes_undecided_fail(project: Project) -> None:
    untimed = {**GOOD, "timing": "none", "turns": [{"role": "agent", "text": "Hello."}]}
    assert project.book().calls(untimed).run().ret == pytest.ExitCode.OK
    assert project.run("--callqa-strict").ret == pytest.ExitCode.TESTS_FAILED


def test_rules_are_selected_by_severity(project: Project) -> None:
    result = project.book().calls(GOOD, RUDE).run("-m", "conduct(severity='critical')")
    result.assert_outcomes(passed=1, failed=1, deselected=6)
    assert project.verdicts() == {"good": "p", "rude": "f"}


def test_the_ledger_has_one_line_a_call(project: Project) -> None:
    project.book().calls().run()
    assert project.verdicts() == {
        "good": "ppmn",
        "rude": "ffmn",
        "silent": "pnmp",
        "borderline": "pnmu",
        "untimed": "pnmu",
    }
    first, *_, last = project.ledger()
    assert isinstance(first, ledger.Run)
    assert [rule.clause for rule in first.rules] == ["1.1", "1.2", "1.3", "2.1"]
    assert isinstance(last, ledger.End)


def test_workers_of_xdist_write_the_same_ledger(project: Project) -> None:
    project.book().calls().run()
    alone = sorted(map(repr, project.calls_told()))
    project.run("-n", "2")
    assert sorted(map(repr, project.calls_told())) == alone


def test_an_unreadable_call_is_named_and_the_others_are_judged(project: Project) -> None:
    project.book().calls(GOOD).file("calls/torn.json", '{"id": "torn", "turns": [')
    result = project.run()
    result.stdout.fnmatch_lines(["*calls/torn.json*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.verdicts() == {"good": "ppmn"}
    unread = [line for line in project.ledger() if isinstance(line, ledger.Unread)]
    assert [line.file for line in unread] == ["calls/torn.json"]


@pytest.mark.parametrize(
    ("call", "test"),
    [
        ("<img src=x onerror=alert(1)>", "img-src-x-onerror-alert-1*"),
        ("../../etc/passwd", "etc-passwd*"),
        ("a\u202eb\x1b[31m", "a-b-31m*"),
    ],
)
def test_call_ids_are_cleaned_before_they_become_test_ids(project: Project, call: str, test: str) -> None:
    result = project.book().calls({**GOOD, "id": call}).run("--collect-only", "-q")
    result.stdout.fnmatch_lines([f"rules/test_rules.py::test_greets?{test}?"])


def test_two_ids_that_clean_alike_stay_apart(project: Project) -> None:
    result = project.book().calls({**GOOD, "id": "a/b"}, {**GOOD, "id": "a?b"}).run()
    result.assert_outcomes(passed=4)
    assert set(project.verdicts()) == {"a/b", "a?b"}


TELLING = {**GOOD, "id": "+1 415 555 0123", "names": ["Anna Li"]}
NAMED = {**RUDE, "id": "anna-li-2", "names": ["Anna Li"]}


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_an_id_that_tells_a_person_is_a_hash_everywhere(project: Project, mode: str) -> None:
    result = project.book().calls(TELLING, NAMED).run("--junit-xml", "junit.xml", "-v", "--callqa-mode", mode)
    assert sorted(project.verdicts()) == sorted(map(hashed, (TELLING["id"], NAMED["id"])))
    told = str(result.stdout) + (project.path / "junit.xml").read_text()
    assert hashed("anna-li-2") in told
    assert not re.search("415|anna-li", told)


def test_two_files_of_one_telling_name_stay_apart(project: Project) -> None:
    for folder in ("monday", "tuesday"):
        project.file(f"calls/{folder}/4155550123.vtt", f"WEBVTT\n\n00:00.000 --> 00:02.000\n<v Agent>Hello, {folder}\n")
    project.book().run("--callqa-mode", "batch")
    assert sorted(project.verdicts()) == sorted([hashed("4155550123"), f"tuesday/{hashed('4155550123')}"])


def test_junit_carries_clause_severity_call_and_quote(project: Project) -> None:
    project.book().calls(GOOD).run("--junit-xml", "junit.xml")
    xml = (project.path / "junit.xml").read_text()
    for name, value in {
        "clause": "1.2",
        "severity": "critical",
        "call": "good",
        "verdict": "passed",
        "quote": "sorry",
    }.items():
        assert f'<property name="{name}" value="{value}"' in xml


def test_rules_may_take_fixtures_of_the_team(project: Project) -> None:
    rules = """
import pytest
from pytest_callqa import rule

@pytest.fixture
def staff():
    return {"A1"}

@rule("1.1", "Known agent")
def test_known(call, staff):
    assert call.fact(call.record.agent in staff, "the agent is on the staff list")
"""
    project.book(rules).calls({**GOOD, "agent": "A1"}, {**RUDE, "agent": "X9"})
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["rude at 0:00.0: not so: the agent is on the staff list"])


FIXTURE_OF_A_CALL = """
import pytest
from pytest_callqa import rule

@pytest.fixture
def known(call):
    return {"A1"} if call is None or call.record.agent == "A1" else set()

@rule("1.1", "Known agent")
def test_known(call, known):
    assert call.record.agent in known
"""


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_a_fixture_sees_the_call_where_an_item_has_one(project: Project, mode: str) -> None:
    project.book(FIXTURE_OF_A_CALL).calls({**GOOD, "agent": "A1"})
    project.run("--callqa-mode", mode).assert_outcomes(passed=1)


def test_a_moment_is_for_rules_alone(project: Project) -> None:
    project.book("def test_short(call, moment):\n    assert moment\n").calls(GOOD)
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*`moment` is for rules alone: a fixture or a test can ask for `call`"])


def test_a_plain_test_may_take_a_call(project: Project) -> None:
    project.book("def test_short(call):\n    assert len(call.utterances) < 5\n").calls(GOOD, RUDE)
    project.run().assert_outcomes(passed=2)


def test_rules_without_calls_say_what_to_do(project: Project) -> None:
    result = project.book().run("-rs", calls=None)
    result.stdout.fnmatch_lines(["*no calls to judge; name them with --calls PATH*"])


def test_a_broken_rule_is_an_error_of_that_rule(project: Project) -> None:
    rules = """
from pytest_callqa import rule

@rule("1.1", "Broken")
def test_broken(call):
    return call.nonsense

@rule("1.2", "Whole")
def test_whole(call):
    assert call.agent
"""
    result = project.book(rules).calls(GOOD).run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*the rule broke: AttributeError: *nonsense*"])
    assert project.verdicts() == {"good": "ep"}


def test_numbers_addresses_and_names_are_redacted_everywhere(project: Project) -> None:
    rules = """
from pytest_callqa import rule

@rule("1.1", "Silent agent")
def test_silent(call):
    assert not call.agent.spoken()
"""
    secrets = ("4111 1111 1111 1111", "pat@example.com", "Pat Doe")
    call = talk("card", f"agent: Pat Doe, your card is {secrets[0]}, mail pat@example.com", names=["Pat Doe"])
    result = project.book(rules).calls(call).run("--junit-xml", "junit.xml", "-v")
    result.stdout.fnmatch_lines(["*the agent says anything: “Ⓐ•• •••, your card is •••• •••• •••• ••••, mail •*"])
    files = [file for file in project.path.rglob("*") if file.is_file() and file.name != "day.jsonl"]
    for text in (result.stdout.str(), *(file.read_text(errors="replace") for file in files)):
        assert not [secret for secret in secrets if secret in text]
    project.run("--callqa-redact", "off")
    assert secrets[0] in (project.path / ".callqa/ledger.jsonl").read_text()


def test_a_call_given_twice_has_two_test_ids(project: Project) -> None:
    project.book().calls(GOOD).calls({**RUDE, "id": "good"}, name="calls/more.jsonl")
    result = project.run("--collect-only", "-q")
    assert len([line for line in result.outlines if "test_greets" in line]) == 2
    taken = dict.fromkeys(["good"])
    for _ in range(3):
        taken[item_id("good", taken)] = None
    assert len(taken) == 4


def test_many_calls_are_not_all_kept(project: Project) -> None:
    project.book().calls(*({**GOOD, "id": f"c{number}"} for number in range(12)))
    assert project.run().parseoutcomes()["passed"] == 24


def test_a_rule_may_take_settings_only_and_a_test_nothing_of_ours(project: Project) -> None:
    rules = """
from pytest_callqa import rule

@rule("1.1", "Waits")
def test_waits(code):
    assert code.silence == 5

def test_plain():
    pass
"""
    project.book(rules).calls(GOOD, RUDE).run().assert_outcomes(passed=3)
    assert project.verdicts() == {"good": "p", "rude": "p"}
    torn = project.file("calls/torn.json", "{").run()
    torn.assert_outcomes(passed=3)
    assert torn.parseoutcomes()["unreadable"] == 1


def test_a_run_that_is_stopped_leaves_a_ledger_without_its_end(project: Project) -> None:
    project.book().calls(RUDE, GOOD).run("-x")
    assert project.verdicts() == {"rude": "f---"}
    assert not [line for line in project.ledger() if isinstance(line, ledger.End)]


def test_a_run_that_is_interrupted_leaves_what_it_has(project: Project) -> None:
    rules = """
from pytest_callqa import rule

@rule("1.1", "Interrupts")
def test_interrupts(call):
    if call.record.id == "rude":
        raise KeyboardInterrupt
"""
    result = project.book(rules).calls(GOOD, RUDE, SILENT).run_apart("--junit-xml", "junit.xml")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.verdicts() == {"good": "p"}
    result.stdout.fnmatch_lines(["*INCOMPLETE*"])
    xml = (project.path / "junit.xml").read_text()
    for name, number in {"planned": 3, "passed": 1, "failed": 0, "not run": 2}.items():
        assert f'<property name="callqa {name}" value="{number}"' in xml


KEEPS = """
def pytest_terminal_summary(terminalreporter):
    kept = [report.when for report in terminalreporter.stats.get("", [])]
    terminalreporter.write_line(f"kept: {len(kept)}")
"""


def test_the_terminal_keeps_no_setup_and_teardown_of_cells_that_show_nothing(project: Project) -> None:
    project.book().calls(GOOD, RUDE).file("conftest.py", KEEPS)
    project.run().stdout.fnmatch_lines(["kept: 0"])
    # two phases, two calls, four rules
    project.run("--durations=0", "--durations-min=0").stdout.fnmatch_lines(["kept: 16", "* setup *"])
    project.run("-p", "no:terminal")


def test_the_terminal_keeps_what_a_teardown_printed(project: Project) -> None:
    printing = "import pytest\n\n@pytest.fixture(autouse=True)\ndef noisy():\n    yield\n    print('put back')\n"
    result = project.book().calls(RUDE).file("conftest.py", printing).run()
    result.stdout.fnmatch_lines(["*Captured stdout teardown*", "put back"])


TWICE = """
from _pytest.runner import runtestprotocol


def pytest_runtest_protocol(item, nextitem):
    for _ in range(2):
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


def test_cells_that_are_run_again_are_written_once(project: Project) -> None:
    result = project.book().calls(GOOD).file("conftest.py", TWICE).run()
    result.stdout.fnmatch_lines(["planned 4 verdicts: 2 passed, 0 failed; *"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


@pytest.mark.parametrize("on", [True, False])
def test_the_garbage_collector_passes_over_items_and_is_left_as_it_was(project: Project, *, on: bool) -> None:
    shows = "import gc\ndef pytest_runtest_call(): print('collects', gc.isenabled(), 'kept', gc.get_freeze_count() > 0)"
    project.book().calls(GOOD).file("rules/conftest.py", shows)
    (gc.enable if on else gc.disable)()
    try:
        result = project.run("-s")
    finally:
        gc.enable()
    result.stdout.fnmatch_lines([f"*collects {on} kept True"])
    assert gc.get_freeze_count() == 0


def test_every_item_of_a_rule_is_marked_once_with_its_clause(project: Project) -> None:
    shows = "def pytest_itemcollected(item): print('marked', [mark.kwargs['id'] for mark in item.iter_markers()])"
    again = "from test_rules import test_greets"
    project.book().calls(GOOD).file("rules/conftest.py", shows).file("rules/test_zz_again.py", again)
    result = project.run("-s", "-k", "greets")
    assert [line for line in result.outlines if line.startswith("marked ['1.1']")] == ["marked ['1.1']"] * 2

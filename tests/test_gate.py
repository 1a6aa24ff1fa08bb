"""The gate: what got worse, what is accepted, and nothing else; the same in cells, batch and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import CODE, GOOD, RUDE, RULES, SILENT, Project, talk
from pytest_callqa import cli, ledger
from pytest_callqa.gate.baseline import Baseline

MODES = (["--callqa-mode", "cells"], ["--callqa-mode", "batch"], ["--callqa-mode", "cells", "-n2"])
WAIVER = """
- clause: "1.2"
  calls: [rude]
  owner: Ann Lee
  reason: the new apology is taught in week 12
  expires: 2099-12-31
"""
WORSE = talk("worse", "agent: Hello, what can I do for you?", "customer: Damn you all.", "agent: Is that so?")


@pytest.fixture
def desk(desk: Project) -> Project:
    """With a call that is kept and one that breaks 1.1 and 1.2."""
    return desk.calls(GOOD, RUDE)


def check(*arguments: str) -> int:
    return cli.main(["check", "--book", "rules", "calls", "--ledger", "now.jsonl", *arguments])


def machine(text: str) -> dict[str, str]:
    """The line for machines."""
    (line,) = (line for line in text.splitlines() if line.startswith("callqa-gate "))
    return dict(field.split("=") for field in line.split()[1:])


def baseline(desk: Project) -> str:
    """A baseline of the calls as they are."""
    check()
    assert cli.main(["baseline", "update", "now.jsonl", "--output", "base.jsonl"]) == cli.CLEAN
    return "base.jsonl"


# -- baselines


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_what_was_known_does_not_fail_the_run_and_is_shown(desk: Project, mode: list[str]) -> None:
    base = baseline(desk)
    ran = desk.run("--callqa-baseline", base, *mode)
    assert ran.ret == pytest.ExitCode.OK
    ran.stdout.fnmatch_lines(
        ["findings against base.jsonl: 2 known", "callqa-gate result=clean *known=2 *", "*2 known*"]
    )
    assert desk.verdicts()["rude"] == "ffmn"


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_what_is_new_fails_the_run(desk: Project, mode: list[str]) -> None:
    base = baseline(desk)
    desk.calls(GOOD, RUDE, WORSE)
    ran = desk.run("--callqa-baseline", base, *mode)
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    ran.stdout.fnmatch_lines(
        ["*1 new, 2 known*", "  new: 1.2 critical, worse at 0:04.5: the agent's reply says sorry: not found*"]
    )
    assert ran.parseoutcomes()["failed"] == 1


def test_check_says_what_is_new_known_fixed_and_no_longer_reached(
    desk: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.calls(GOOD, RUDE, WORSE, SILENT)
    base = baseline(desk)
    polite = talk("rude", "agent: Hello!", "customer: Damn, it broke.", "agent: So what.")
    calm = talk("worse", "agent: Hello, what can I do for you?", "customer: It broke.", "agent: Is that so?")
    desk.calls(GOOD, polite, calm)
    capsys.readouterr()
    assert check("--baseline", base) == cli.CLEAN
    told = capsys.readouterr().out
    assert "findings against base.jsonl: 1 known, 1 fixed, 1 no longer reached" in told
    figures = machine(told)
    assert (figures["result"], figures["known"], figures["fixed"], figures["gone"]) == ("clean", "1", "1", "1")


def test_a_ledger_is_a_baseline_too(desk: Project) -> None:
    check()
    (desk.path / "now.jsonl").rename(desk.path / "before.jsonl")
    assert check("--baseline", "before.jsonl") == cli.CLEAN


def test_severities_that_are_not_gated_are_shown_and_do_not_fail(
    desk: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    mild = talk("mild", "agent: Yes?", "customer: Fine, thanks.")
    desk.calls(GOOD, mild)
    assert check("--gate", "critical") == cli.CLEAN
    assert machine(capsys.readouterr().out)["new"] == "1"
    for mode in MODES[:2]:
        ran = desk.run("--callqa-gate", "critical", *mode)
        assert ran.ret == pytest.ExitCode.OK
        ran.stdout.fnmatch_lines(["*1 not gated*"])
    assert check("--gate", "critical, major") == cli.FINDINGS


def test_the_baseline_file_is_small_sorted_and_holds_no_words(desk: Project) -> None:
    private = talk("+4915112345678", "agent: Yes?", "customer: Damn, I am Miller, card 4111 1111 1111 1111.")
    desk.calls(RUDE, private, GOOD)
    text = (desk.path / baseline(desk)).read_text()
    assert text.splitlines()[0].startswith('{"kind":"baseline"')
    assert [line.partition('"clause":')[2][:5] for line in text.splitlines() if '"rate"' in line] == ['"1.1"', '"1.2"']
    assert not any(word in text for word in ("Damn", "Miller", "4111", "12345678"))
    assert check("--baseline", "base.jsonl") == cli.CLEAN
    again = desk.path / "again.jsonl"
    cli.main(["baseline", "update", "now.jsonl", "--output", str(again)])
    assert again.read_text() == text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"kind":"baseline","title":"T","version":"v"}\n{"kind":"ra', "base.jsonl, line 2: not a line of a baseline"),
        (b'{"kind":"baseline","title":"T","version":"v"}', "it ends in the middle of a line"),
        (b'{"kind":"baseline","title":"T","version":"v","schema":9}\n', "written by a newer version (schema 9)"),
        (b"no ledger\n", "base.jsonl, line 1: does not begin with a line of a ledger"),
        (None, "base.jsonl: cannot be opened"),
    ],
)
def test_a_damaged_baseline_is_one_sentence_and_nothing_is_lost(
    desk: Project, capsys: pytest.CaptureFixture[str], content: bytes | None, said: str
) -> None:
    check()
    kept = (desk.path / "now.jsonl").read_bytes()
    if content is not None:
        desk.file("base.jsonl", content)
    assert check("--baseline", "base.jsonl") == cli.USAGE
    assert said in capsys.readouterr().err
    assert (desk.path / "now.jsonl").read_bytes() == kept
    ran = desk.run("--callqa-baseline", "base.jsonl")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines([f"*--callqa-baseline: *{said.replace('[', '[[]')}*"])


def test_a_baseline_that_cannot_be_written_is_told(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    check()
    desk.file("file", "")
    assert cli.main(["baseline", "update", "now.jsonl", "-o", "file/base.jsonl"]) == cli.NOT_JUDGED
    assert "file/base.jsonl: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["", "critcal", "critical,rate"])
def test_a_gate_of_other_words_is_wrong_usage(desk: Project, capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert check("--gate", words) == cli.USAGE
    assert "--callqa-gate: " in capsys.readouterr().err
    assert desk.run("--callqa-gate", words or ",").ret == pytest.ExitCode.USAGE_ERROR


# -- waivers


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_waived_breach_is_shown_as_waived_and_counted(desk: Project, mode: list[str]) -> None:
    desk.file("rules/waivers.yaml", WAIVER)
    ran = desk.run("--callqa-gate", "critical", *mode)
    assert ran.ret == pytest.ExitCode.OK
    ran.stdout.fnmatch_lines(["*not in the rates: 1 waived,*", "callqa-gate result=clean *waived=1 *", "*1 waived*"])
    assert desk.verdicts()["rude"] == "fwmn"
    (rude,) = (line for line in desk.ledger() if isinstance(line, ledger.Entry) and line.call == "rude")
    assert rude.found["1.2"].waiver.startswith("Ann Lee, until 2099-12-31: the new apology")
    (table,) = (line for line in desk.ledger() if isinstance(line, ledger.Exhibit) and line.title == "Waivers")
    assert table.rows[0][-2:] == (1, "in force")


def test_check_waives_what_pytest_waives(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file("rules/waivers.yaml", WAIVER)
    assert check("--gate", "critical") == cli.CLEAN
    assert machine(capsys.readouterr().out)["waived"] == "1"
    assert desk.verdicts("now.jsonl")["rude"] == "fwmn"


def test_a_waiver_covers_files_by_pattern(desk: Project) -> None:
    desk.file("rules/waivers.yaml", WAIVER.replace("[rude]", '"calls/*"'))
    check()
    assert desk.verdicts("now.jsonl")["rude"] == "fwmn"


def test_an_expired_waiver_accepts_nothing_and_is_an_error(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file("rules/waivers.yaml", WAIVER.replace("2099", "2020"))
    desk.calls(GOOD)
    assert check() == cli.FINDINGS
    told = capsys.readouterr().out
    assert "rules/waivers.yaml:2: the waiver of 1.2 (Ann Lee) expired on 2020-12-31" in told
    ran = desk.run()
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    ran.stdout.fnmatch_lines(["*rules/waivers.yaml:2: the waiver of 1.2 (Ann Lee) expired on 2020-12-31*"])
    desk.calls(RUDE)
    check()
    assert desk.verdicts("now.jsonl")["rude"] == "ffmn"


def test_a_waiver_without_use_is_an_error_unless_a_part_was_run(desk: Project) -> None:
    desk.file("rules/waivers.yaml", WAIVER).calls(GOOD)
    ran = desk.run()
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    ran.stdout.fnmatch_lines(["*rules/waivers.yaml:2: the waiver of 1.2 (Ann Lee) accepts nothing; remove it"])
    assert desk.run("-k", "greets").ret == pytest.ExitCode.OK
    part = desk.pytester.runpytest("rules/test_rules.py::test_greets", "--calls", "calls")
    assert part.ret == pytest.ExitCode.OK


def test_a_waiver_of_no_clause_names_the_nearest(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file("rules/waivers.yaml", WAIVER.replace('"1.2"', '"1.22"')).calls(GOOD)
    assert check() == cli.FINDINGS
    assert "accepts nothing: no rule has the clause. Did you mean '1.2'?" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WAIVER.replace("  owner: Ann Lee\n", ""), "rules/waivers.yaml:2: the waiver has no owner; say who accepts"),
        (WAIVER.replace("Ann Lee", ""), "the waiver has no owner"),
        (WAIVER.replace("[rude]", "[]"), "the waiver has no calls; say ids or files of calls"),
        (WAIVER.replace("2099-12-31", "soon"), "'soon' is no date; write the last day such as 2026-12-31"),
        (WAIVER.replace("owner", "ower"), "rules/waivers.yaml:4: 'ower' is nothing that a waiver has. Did you mean"),
        ("clause: 1.2\n", "rules/waivers.yaml:1: expected a list of waivers"),
        ("- [1.2]\n", "rules/waivers.yaml:1: a waiver is a table of clause, calls, owner, reason, expires"),
        ("- 1.2\n", "rules/waivers.yaml:1: a waiver is a table of clause, calls, owner, reason, expires"),
        ("- clause: [\n", "rules/waivers.yaml, line 2: not valid YAML"),
        (b"\xff", "rules/waivers.yaml: cannot be read"),
    ],
)
def test_a_faulty_waiver_is_wrong_usage_with_its_line(
    desk: Project, capsys: pytest.CaptureFixture[str], text: str | bytes, said: str
) -> None:
    desk.file("rules/waivers.yaml", text)
    assert check() == cli.USAGE
    assert said in capsys.readouterr().err
    assert desk.run().ret == pytest.ExitCode.USAGE_ERROR


def test_a_file_without_waivers_is_none(desk: Project) -> None:
    desk.file("rules/waivers.yaml", "# nothing is accepted\n").calls(GOOD)
    assert check() == cli.CLEAN


# -- rates


def many(name: str, kept: int, broken: int) -> list[dict[str, object]]:
    """Calls that keep and break 1.1; their ids are new each time."""
    hello, rude = ("agent: Hello.", "customer: Hi."), ("agent: Yes?", "customer: Hi.")
    return [talk(f"{name}-{n}", *(hello if n < kept else rude)) for n in range(kept + broken)]


def test_a_rate_that_is_worse_beyond_chance_fails(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.calls(*many("monday", 30, 2))
    base = baseline(desk)
    desk.calls(*many("tuesday", 15, 17))
    capsys.readouterr()
    assert check("--baseline", base, "--gate", "rates") == cli.FINDINGS
    told = capsys.readouterr().out
    assert "rate: 1.1: 15 of 32 kept, 30 of 32 in the baseline: worse beyond chance (by " in told
    desk.calls(*many("wednesday", 29, 3))
    assert check("--baseline", base, "--gate", "rates") == cli.CLEAN
    desk.calls(*many("thursday", 15, 17))
    ran = desk.run("--callqa-baseline", base, "--callqa-gate", "rates", "--callqa-mode", "batch")
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    ran.stdout.fnmatch_lines(["*rate: 1.1: 15 of 32 kept*", "*callqa-gate result=findings *rates=1 *"])


def test_the_level_is_a_setting(desk: Project) -> None:
    desk.calls(*many("monday", 19, 1))
    base = baseline(desk)
    desk.calls(*many("tuesday", 15, 5))
    assert check("--baseline", base, "--gate", "rates") == cli.CLEAN
    desk.file("rules/code.toml", CODE + "\n[gate]\nlevel = 0.8\n")
    assert check("--baseline", base, "--gate", "rates") == cli.FINDINGS


def test_a_rate_under_its_floor_fails(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file("rules/code.toml", CODE + '\n[min_rate]\n"1.1" = 0.9\n').calls(*many("monday", 17, 3))
    assert check("--gate", "rates") == cli.FINDINGS
    assert "rate: 1.1: 17 of 20 kept (85 %), under its floor of 90 %" in capsys.readouterr().out
    desk.calls(*many("monday", 18, 2))
    assert check("--gate", "rates") == cli.CLEAN


def test_a_small_sample_is_said_to_be_small_and_is_never_a_pass(
    desk: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.file("rules/code.toml", CODE + '\n[min_rate]\n"1.1" = 0.9\n').calls(*many("monday", 4, 0))
    assert check() == cli.NOT_JUDGED
    told = capsys.readouterr().out
    assert "rate: 1.1: 4 of 4 kept, too few to say whether it holds its floor of 90 %" in told
    assert machine(told)["result"] == "not-judged"
    assert desk.run().ret == pytest.ExitCode.TESTS_FAILED


def test_too_few_to_compare_are_named(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    base = baseline(desk)
    capsys.readouterr()
    assert check("--baseline", base) == cli.CLEAN
    assert "too few verdicts to compare the rate of 2 clauses: 1.1, 1.2" in capsys.readouterr().out
    desk.calls(*many("tuesday", 20, 0))
    check("--baseline", base)
    assert "too few verdicts to compare the rate of 2 clauses" in capsys.readouterr().out


def test_a_waived_breach_lifts_no_rate(desk: Project) -> None:
    floor = CODE + '\n[min_rate]\n"1.1" = 0.9\n'
    waiver = WAIVER.replace('"1.2"', '"1.1"').replace("rude", "monday-*")
    desk.file("rules/code.toml", floor).file("rules/waivers.yaml", waiver).calls(*many("monday", 15, 5))
    assert check("--gate", "rates") == cli.FINDINGS


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[gate]\nlevel = 95", "code.toml: level of [gate] is 95; a confidence lies between 0 and 1"),
        ("[gate]\nsmall = 0", "code.toml: small of [gate] is 0; it is a number of verdicts"),
        ("[gate]\nlevl = 0.9", "code.toml: [gate] has no 'levl'. Did you mean 'level'?"),
        ('[min_rate]\n"1.1" = 95', "code.toml: min_rate of 1.1 is 95; a rate lies between 0 and 1"),
    ],
)
def test_a_floor_out_of_range_is_wrong_usage(
    desk: Project, capsys: pytest.CaptureFixture[str], settings: str, said: str
) -> None:
    desk.file("rules/code.toml", f"{CODE}\n{settings}\n")
    assert check() == cli.USAGE
    assert said in capsys.readouterr().err
    assert desk.run().ret == pytest.ExitCode.USAGE_ERROR


def test_a_floor_of_no_clause_is_an_error(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file("rules/code.toml", CODE + '\n[min_rate]\n"1.11" = 0.9\n').calls(GOOD)
    assert check() == cli.FINDINGS
    assert "code.toml: min_rate of 1.11: no rule has the clause. Did you mean '1.1'?" in capsys.readouterr().out


# -- rules that take fixtures


def test_excuses_reach_rules_that_take_fixtures_in_batch(desk: Project) -> None:
    more = "\n\n@rule('2.2', 'Never')\ndef test_never(call, tmp_path):\n    assert False, 'never'\n"
    waiver = WAIVER.replace('"1.2"', '"2.2"').replace("[rude]", "[rude, good]")
    desk.file("rules/test_rules.py", RULES + more).file("rules/waivers.yaml", waiver)
    ran = desk.run("--callqa-mode", "batch", "--callqa-gate", "rates")
    assert ran.ret == pytest.ExitCode.OK
    ran.stdout.fnmatch_lines(["*callqa-gate result=clean *waived=2 *"])


def test_ten_new_findings_of_a_rule_are_shown_worst_first(
    desk: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_callqa.gate.decision.NEW_KEPT", 2)
    desk.calls(*many("tuesday", 0, 25), RUDE).file("base.jsonl", b'{"kind":"baseline","title":"T","version":"v"}\n')
    assert check("--baseline", "base.jsonl") == cli.FINDINGS
    told = capsys.readouterr().out
    assert told.index("new: 1.2 critical, rude") < told.index("new: 1.1 major")
    assert "  and 25 more" in told


def test_a_baseline_read_again_is_the_same(desk: Project) -> None:
    path = Path(baseline(desk))
    assert b"".join(Baseline.load(path).lines()) == path.read_bytes()

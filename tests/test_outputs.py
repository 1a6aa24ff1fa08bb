"""What pipelines read: each format by its schema, its states and its escaping."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import check_jsonschema
import jsonschema
import pytest
import yaml
from msgspec.structs import replace

from pytest_callqa import cli, ledger, options
from pytest_callqa.gate.baseline import Baseline
from pytest_callqa.gate.decision import Gate
from pytest_callqa.outputs import FORMATS, document, pieces
from report_ledgers import END, HOSTILE, RUDE, RUN, TALK, UNREAD, entry, hostile, write

ROOT = Path(__file__).parents[1]
VENDORED = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
WAIVED = entry(
    "old", "wppn", found={"1.1": ledger.Found(reason="broke 1.1", waiver="Ann, until 2099-01-01: old")}, turns=TALK
)
PLACED = replace(
    RUN, rules=tuple(replace(rule, place=f"rules/test_rules.py:{10 * n}") for n, rule in enumerate(RUN.rules, 1))
)

# What this package writes of SARIF 2.1.0, by the standard's own definitions (OASIS, sections 3.13 to 3.35).
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "message": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "run": {
            "type": "object",
            "required": ["tool", "results"],
            "additionalProperties": False,
            "properties": {
                "tool": {
                    "type": "object",
                    "required": ["driver"],
                    "properties": {
                        "driver": {
                            "type": "object",
                            "required": ["name"],
                            "additionalProperties": False,
                            "properties": {
                                "name": {"type": "string"},
                                "version": {"type": "string", "minLength": 1},
                                "rules": {"type": "array", "uniqueItems": True, "items": {"$ref": "#/$defs/rule"}},
                            },
                        }
                    },
                },
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "properties": {"type": "object"},
                "invocations": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["executionSuccessful"],
                        "additionalProperties": False,
                        "properties": {
                            "executionSuccessful": {"type": "boolean"},
                            "toolExecutionNotifications": {"$ref": "#/$defs/notifications"},
                            "toolConfigurationNotifications": {"$ref": "#/$defs/notifications"},
                        },
                    },
                },
            },
        },
        "notifications": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["message"],
                "additionalProperties": False,
                "properties": {"message": {"$ref": "#/$defs/message"}, "level": {"$ref": "#/$defs/level"}},
            },
        },
        "rule": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string"},
                "shortDescription": {"$ref": "#/$defs/message"},
                "fullDescription": {"$ref": "#/$defs/message"},
                "defaultConfiguration": {"type": "object", "properties": {"level": {"$ref": "#/$defs/level"}}},
                "properties": {"type": "object"},
            },
        },
        "result": {
            "type": "object",
            "required": ["message"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": {"$ref": "#/$defs/level"},
                "message": {"$ref": "#/$defs/message"},
                "baselineState": {"enum": ["new", "unchanged", "updated", "absent"]},
                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                "properties": {"type": "object"},
                "suppressions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["kind"],
                        "additionalProperties": False,
                        "properties": {
                            "kind": {"enum": ["inSource", "external"]},
                            "status": {"enum": ["accepted", "underReview", "rejected"]},
                            "justification": {"type": "string"},
                        },
                    },
                },
                "locations": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "physicalLocation": {
                                "type": "object",
                                "required": ["artifactLocation"],
                                "additionalProperties": False,
                                "properties": {
                                    "artifactLocation": {
                                        "type": "object",
                                        "properties": {"uri": {"type": "string", "pattern": "^[^\\s\\\\]+$"}},
                                    },
                                    "region": {
                                        "type": "object",
                                        "properties": {"startLine": {"type": "integer", "minimum": 1}},
                                    },
                                },
                            },
                            "logicalLocations": {"type": "array", "items": {"type": "object"}},
                        },
                    },
                },
            },
        },
    },
}
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "fingerprint": {"type": "string", "minLength": 1},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {"lines": {"type": "object", "required": ["begin"]}},
            },
        },
    },
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def text(name: str, path: Path, *lines: ledger.LedgerLine, run: ledger.Run = PLACED, before: Path | None = None) -> str:
    write(path, *lines, run=run)
    baseline = Baseline.load(before) if before else None
    return "".join(pieces(name, [path], Gate(), baseline, before.name if before else ""))


def before(folder: Path) -> Path:
    """A former run: one finding that is still there, one that is fixed, one that is no longer reached."""
    gone = replace(entry("gone", "fppn"), turns=TALK[:1])
    return write(folder / "before.jsonl", replace(RUDE, verdicts="fpmn"), entry("good", "fppn"), gone, run=PLACED)


def test_sarif_tells_rules_states_places_and_suppressions(path: Path, tmp_path: Path) -> None:
    log = json.loads(text("sarif", path, RUDE, entry("good", "pppn"), WAIVED, UNREAD, before=before(tmp_path)))
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["1.1", "1.2", "1.3", "2.1"]
    found = {(r["properties"]["call"], r["ruleId"]): r for r in run["results"]}
    states = {key: result["baselineState"] for key, result in found.items()}
    assert states == {
        ("rude", "1.1"): "unchanged",
        ("rude", "1.2"): "new",
        ("old", "1.1"): "unchanged",
        ("good", "1.1"): "absent",
        ("gone", "1.1"): "absent",
    }
    assert found["old", "1.1"]["suppressions"][0]["justification"] == "Ann, until 2099-01-01: old"
    (place,) = found["rude", "1.2"]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "rules/test_rules.py"
    assert place["physicalLocation"]["region"]["startLine"] == 37
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "calls/day.jsonl::rude"
    assert found["rude", "1.1"]["locations"][0]["physicalLocation"]["region"]["startLine"] == 10
    assert "calls/tuesday.vtt" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_a_finding_has_the_same_fingerprint_in_every_run(path: Path, tmp_path: Path) -> None:
    first = json.loads(text("sarif", path, RUDE))
    again = json.loads(text("sarif", tmp_path / "other.jsonl", entry("x", "pppn"), replace(RUDE, file="moved.json")))
    prints = [result["partialFingerprints"] for result in first["runs"][0]["results"]]
    assert prints == [result["partialFingerprints"] for result in again["runs"][0]["results"]]
    assert "baselineState" not in first["runs"][0]["results"][0]


def test_a_generated_finding_is_fingerprinted_by_its_words(path: Path, tmp_path: Path) -> None:
    run = replace(PLACED, mode="conversations")
    one, other = replace(RUDE, call="1.1-en"), replace(RUDE, call="1.1-en", turns=TALK[:1])
    seen = [
        json.loads(text("json", folder, line, run=run))["findings"][0]["fingerprint"]
        for folder, line in ((path, one), (tmp_path / "b.jsonl", other))
    ]
    assert seen[0] != seen[1]


def test_the_document_keeps_to_its_schema(path: Path, tmp_path: Path) -> None:
    kept = json.loads((ROOT / "docs/results.schema.json").read_text())
    assert kept == document.schema(), "out of date: write pytest_callqa.outputs.document.schema() there"
    told = json.loads(
        text("json", path, RUDE, entry("good", "pppn", agent="Ann"), WAIVED, UNREAD, before=before(tmp_path))
    )
    jsonschema.validate(told, kept)
    assert (told["result"], told["calls"], told["unreadable"], told["against"]) == ("findings", 3, 1, "before.jsonl")
    assert told["states"] == {"new": 1, "known": 1, "waived": 1, "fixed": 1, "gone": 1}
    assert told["clauses"][0]["verdicts"]["waived"] == 1
    assert {f["state"] for f in told["findings"]} == {"new", "known", "waived", "fixed", "gone"}


def test_gitlab_lists_what_is_broken_once_each(path: Path) -> None:
    twice = replace(RUDE, file="calls/night.jsonl")
    told = json.loads(text("gitlab", path, RUDE, twice, WAIVED, before=None))
    jsonschema.validate(told, GITLAB)
    assert [one["severity"] for one in told] == ["major", "critical", "major", "critical", "info"]
    assert len({one["fingerprint"] for one in told}) == len(told)
    assert told[1]["location"] == {"path": "rules/test_rules.py", "lines": {"begin": 37}}


def test_gitlab_leaves_out_what_was_fixed(path: Path, tmp_path: Path) -> None:
    told = json.loads(text("gitlab", path, RUDE, entry("good", "pppn"), before=before(tmp_path)))
    assert {one["check_name"] for one in told} == {"1.1", "1.2"}
    assert len(told) == 2


def test_sarif_leaves_out_findings_of_rules_that_are_gone(path: Path, tmp_path: Path) -> None:
    former = replace(PLACED, rules=(*PLACED.rules, ledger.RuleLine("9.9", "Gone", "minor", "9")))
    old = write(tmp_path / "old.jsonl", UNREAD, replace(RUDE, verdicts="fpmnf"), run=former)
    log = json.loads(text("sarif", path, RUDE, before=old))
    assert {result["ruleId"] for result in log["runs"][0]["results"]} == {"1.1", "1.2"}


def test_a_clean_run_is_told_in_every_format(path: Path) -> None:
    assert json.loads(text("gitlab", path, entry("good", "pppn"))) == []
    assert (
        json.loads(text("sarif", path, entry("good", "pppn"), run=replace(PLACED, tool="")))["runs"][0]["results"] == []
    )
    assert json.loads(text("json", path, entry("good", "pppn")))["findings"] == []
    assert text("github", path, entry("good", "pppn")).startswith("::notice title=callqa::callqa-gate result=clean")
    assert text("markdown", path, entry("good", "pppn")).startswith("## Nothing stops this change\n")


def test_github_gets_an_annotation_at_the_line_of_each_new_finding(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = text("github", path, RUDE, UNREAD, before=before(tmp_path)).splitlines()
    title = "title=1.2 critical"
    assert told[0].startswith(
        f"::error file=rules/test_rules.py,line=37,{title}::Swearing is met with an apology: rude"
    )
    assert told[1].startswith("::error title=could not be read::calls/tuesday.vtt: the times run backwards")
    assert told[-1].startswith("::notice title=callqa::callqa-gate result=findings")
    monkeypatch.setattr("pytest_callqa.gate.decision.NEW_KEPT", 1)
    assert "::error::1 more new finding; see the report" in text("github", path, RUDE)


def test_rates_and_faults_are_told(path: Path) -> None:
    waiver = ledger.Waiver("1.2", ("x",), "Ann", "old", "2020-01-01", "rules/waivers.yaml:2")
    run = replace(PLACED, floors=ledger.Floors(small=1, min_rate={"1.1": 0.9}), waivers=(waiver,))
    for name in ("github", "markdown", "sarif", "json"):
        assert "expired on 2020" in text(name, path, RUDE, run=run).replace("\\", "")
    assert "::error title=1.1 rate::1.1: 0 of 1 kept (0 %25), under its floor of 90 %25" in text(
        "github", path, RUDE, run=run
    )
    assert "1.1: 0 of 1 kept (0 %), under its floor" in text("markdown", path, RUDE, run=run).replace("\\", "")


def test_markdown_shows_what_is_new_and_the_broken_clauses(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = text("markdown", path, RUDE, WAIVED, UNREAD, before=before(tmp_path)).replace("\\", "")
    assert told.startswith("## Findings stop this change\n")
    assert "### New\n\n- 1.2 critical, rude at 0:04.5: the agent's reply says sorry" in told
    assert "### Not read\n\n- calls/tuesday.vtt" in told
    assert (
        "| 1.2 Swearing is met with an apology | critical | 50 % (9–91 %) | 1 | 1 | rude at 0:04.5: “Damn”: the" in told
    )
    assert re.search(r"^`callqa-gate result=findings .*`$", told, re.MULTILINE)
    monkeypatch.setattr("pytest_callqa.outputs.markdown.CLAUSES_SHOWN", 1)
    assert "and 1 more broken clause" in text("markdown", path, RUDE)


def test_a_run_that_did_not_finish_says_so(path: Path) -> None:
    write(path, ledger.Plan(verdicts=40), RUDE, run=PLACED, end=False)
    for name in ("markdown", "github", "gitlab", "sarif"):
        assert "INCOMPLETE: 36 of 40 verdicts were not given" in "".join(pieces(name, [path], Gate())).replace("\\", "")
    told = json.loads("".join(pieces("json", [path], Gate())))
    assert (told["complete"], told["planned"], told["not_run"]) == (False, 40, 36)


def test_every_verdict_that_was_planned_is_accounted_for(path: Path) -> None:
    write(path, ledger.Plan(verdicts=40), RUDE, UNREAD, run=PLACED, end=False)
    [run] = json.loads("".join(pieces("sarif", [path], Gate())))["runs"]
    counts = run["properties"]["verdicts"]
    assert counts.pop("planned") == 40 == sum(counts.values())
    assert "planned 40 verdicts: " in "".join(pieces("markdown", [path], Gate())).replace("\\", "")


def test_a_report_of_a_run_that_did_not_finish_ends_so(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, ledger.Plan(verdicts=40), RUDE, run=PLACED, end=False)
    for name in ("html", *FORMATS):
        out = str(path.with_name(f"report.{name}"))
        assert cli.main(["report", str(path), "--format", name, "-o", out]) == cli.NOT_JUDGED
        assert capsys.readouterr().err.startswith("callqa: INCOMPLETE: 36 of 40 verdicts were not given")


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_text_breaks_no_format(path: Path, payload: str) -> None:
    run, lines = hostile(payload)
    for name in FORMATS:
        told = text(name, path, *lines, run=run)
        if name in ("json", "sarif", "gitlab"):
            assert json.loads(told)
        elif name == "github":
            assert all(line.startswith("::") for line in told.splitlines())
        else:
            assert not re.search(r"(?<!\\)<", told)


def test_shards_are_told_as_one(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a.jsonl", RUDE), write(tmp_path / "b.jsonl", entry("good", "pppn"))
    assert json.loads("".join(pieces("json", [one, two], Gate())))["calls"] == 2


def test_the_command_writes_a_file_or_prints(
    path: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    write(path, RUDE, END)
    assert cli.main(["report", str(path), "--format", "sarif"]) == cli.CLEAN
    printed = capfdbinary.readouterr().out
    out = tmp_path / "out" / "conduct.sarif"
    assert cli.main(["report", str(path), "--format", "sarif", "-o", str(out)]) == cli.CLEAN
    assert out.read_bytes() == printed
    assert out.stat().st_mode & 0o777 == 0o600


# -- examples of workflows


@pytest.mark.parametrize(
    ("example", "schema"),
    [
        ("github.yml", "github-workflows.json"),
        ("gitlab.yml", "gitlab-ci.json"),
        ("azure.yml", "azure-pipelines.json"),
    ],
)
def test_the_examples_of_workflows_are_valid_and_use_what_there_is(example: str, schema: str) -> None:
    source = (ROOT / "docs/ci" / example).read_text(encoding="utf-8")
    flow = yaml.safe_load(source)
    flow = {("on" if key is True else key): value for key, value in flow.items()}  # YAML 1.1 reads `on` as yes
    jsonschema.validate(flow, json.loads((VENDORED / schema).read_text(encoding="utf-8")))
    known = {f"--callqa-{name.replace('_', '-')}" for name in (*options.TEXTS, *options.LISTS, *options.SWITCHES)}
    lines = [line.strip().removeprefix("- ").removeprefix("run: ") for line in source.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith(("callqa ", "pytest "))]
    assert len(commands) >= 3
    for program, *arguments in commands:
        if program == "callqa":
            cli.parser().parse_args(arguments[: arguments.index(">>")] if ">>" in arguments else arguments)
        else:
            assert {word for word in arguments if word.startswith("--callqa")} <= known


def test_a_place_that_cannot_be_written_keeps_what_was_there(path: Path, tmp_path: Path) -> None:
    write(path, RUDE)
    (tmp_path / "folder").mkdir()
    assert cli.main(["report", str(path), "--format", "json", "-o", str(tmp_path / "folder")]) == cli.NOT_JUDGED
    assert sorted(tmp_path.iterdir()) == [tmp_path / "folder", path]

"""SARIF 2.1.0: rules with their places, findings with their state against the baseline, waivers as suppressions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import quote

from pytest_callqa.gate.content import sketch
from pytest_callqa.gate.decision import GateFinding, State
from pytest_callqa.ledger import RuleLine
from pytest_callqa.outputs.results import Results, message_of, place_of
from pytest_callqa.report.text import account, incomplete
from pytest_callqa.rules import Severity
from pytest_callqa.verdict import Plain

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: dict[Severity, str] = {"critical": "error", "major": "error", "minor": "warning"}
_STATES: dict[State, str] = {
    "new": "new",
    "known": "unchanged",
    "waived": "unchanged",
    "fixed": "absent",
    "gone": "absent",
}


def pieces(results: Results) -> Iterator[str]:
    """The log, a result at a time."""
    decision, run = results.decision, results.run
    driver: dict[str, Plain] = {"name": "callqa", "rules": [_rule(rule) for rule in run.rules]}
    if run.tool:
        driver["version"] = run.tool
    yield f'{{"$schema":"{SCHEMA}","version":"2.1.0","runs":[{{"tool":{_json({"driver": driver})},"results":[\n'
    places = {rule.clause: number for number, rule in enumerate(run.rules)}
    comma = ""
    for finding in results.findings():
        if finding.rule.clause in places:
            yield comma + _json(_result(results, finding, places[finding.rule.clause]))
            comma = ",\n"
    missing = [*incomplete(decision.summary), *(f"{line.file}: {line.problem}" for line in decision.summary.unread)]
    unread: list[Plain] = [{"level": "error", "message": {"text": text}} for text in missing]
    faults: list[Plain] = [{"level": "error", "message": {"text": fault}} for fault in decision.faults]
    invocation: dict[str, Plain] = {
        "executionSuccessful": decision.summary.complete,
        "toolExecutionNotifications": unread,
        "toolConfigurationNotifications": faults,
    }
    properties: dict[str, Plain] = {"result": decision.result, "ruleBook": run.title, "ruleBookVersion": run.version}
    properties["verdicts"] = dict(account(decision.summary))
    yield f'\n],"invocations":[{_json(invocation)}],"columnKind":"unicodeCodePoints",'
    yield f'"properties":{_json(properties)}}}]}}\n'


def _json(value: Plain) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _rule(rule: RuleLine) -> Plain:
    told: dict[str, Plain] = {
        "id": rule.clause,
        "shortDescription": {"text": rule.title or rule.clause},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"severity": rule.severity, "section": rule.section, "situation": rule.situation or "every call"},
    }
    if rule.text:
        told["fullDescription"] = {"text": rule.text}
    return told


def _result(results: Results, finding: GateFinding, number: int) -> Plain:
    told: dict[str, Plain] = {
        "ruleId": finding.rule.clause,
        "ruleIndex": number,
        "level": _LEVELS[finding.rule.severity],
        "message": {"text": message_of(finding)},
        "locations": [_location(finding)],
        "partialFingerprints": _fingerprints(results, finding),
        "properties": {"call": finding.call, "severity": finding.rule.severity, "state": finding.state},
    }
    if results.baseline is not None:
        told["baselineState"] = _STATES[finding.state]
    if finding.state == "waived" and finding.found is not None:
        told["suppressions"] = [{"kind": "external", "status": "accepted", "justification": finding.found.waiver}]
    return told


def _fingerprints(results: Results, finding: GateFinding) -> Plain:
    told: dict[str, Plain] = {"callqaFinding/v1": results.fingerprint(finding)}
    if finding.entry is not None and finding.entry.turns:
        told["callqaContent/v1"] = sketch(finding.entry.turns)
    return told


def _location(finding: GateFinding) -> Plain:
    file, line = place_of(finding)
    logical: dict[str, Plain] = {"name": finding.call, "kind": "call"}
    if finding.entry is not None and finding.entry.file and not PurePosixPath(finding.entry.file).is_absolute():
        logical["fullyQualifiedName"] = f"{finding.entry.file}::{finding.call}"
    physical: dict[str, Plain] = {"artifactLocation": {"uri": quote(file)}, "region": {"startLine": line}}
    return {"physicalLocation": physical, "logicalLocations": [logical]}

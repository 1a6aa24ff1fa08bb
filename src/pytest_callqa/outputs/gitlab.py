"""GitLab's code quality report: a list of what is broken, which GitLab compares between branches itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from pytest_callqa.outputs.results import Results, message_of, place_of
from pytest_callqa.report.text import incomplete
from pytest_callqa.rules import Severity

_SEVERITIES: dict[Severity, str] = {"critical": "critical", "major": "major", "minor": "minor"}


def pieces(results: Results) -> Iterator[str]:
    """A finding at a time. A waived one is an *info*; what was fixed is left out, as the format asks."""
    yield "["
    comma = "\n"
    seen: dict[str, int] = {}
    for line in incomplete(results.decision.summary):
        yield comma + _issue(line, "callqa", hashlib.sha256(line.encode("utf-8", "replace")).hexdigest(), "blocker")
        comma = ",\n"
    for finding in results.findings():
        if finding.found is None:
            continue
        file, number = place_of(finding)
        name = results.fingerprint(finding)
        seen[name] = seen.get(name, 0) + 1  # a call may lie in two files; the format wants every fingerprint once
        fingerprint = name if seen[name] == 1 else f"{name}-{seen[name]}"
        severity = "info" if finding.state == "waived" else _SEVERITIES[finding.rule.severity]
        yield comma + _issue(message_of(finding), finding.rule.clause, fingerprint, severity, file, number)
        comma = ",\n"
    yield "\n]\n"


def _issue(text: str, check: str, fingerprint: str, severity: str, file: str = "conduct_specs", line: int = 1) -> str:
    told = {
        "description": text,
        "check_name": check,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": file, "lines": {"begin": line}},
    }
    return json.dumps(told, ensure_ascii=True)

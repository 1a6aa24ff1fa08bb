"""GitLab's code quality report: a list of what is broken, which GitLab compares between branches itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pytest_callqa.outputs.results import Results, message_of, place_of
from pytest_callqa.rules import Severity

_SEVERITIES: dict[Severity, str] = {"critical": "critical", "major": "major", "minor": "minor"}


def pieces(results: Results) -> Iterator[str]:
    """A finding at a time. A waived one is an *info*; what was fixed is left out, as the format asks."""
    yield "["
    comma = "\n"
    seen: dict[str, int] = {}
    for finding in results.findings():
        if finding.found is None:
            continue
        file, line = place_of(finding)
        name = results.fingerprint(finding)
        seen[name] = seen.get(name, 0) + 1  # a call may lie in two files; the format wants every fingerprint once
        told = {
            "description": message_of(finding),
            "check_name": finding.rule.clause,
            "fingerprint": name if seen[name] == 1 else f"{name}-{seen[name]}",
            "severity": "info" if finding.state == "waived" else _SEVERITIES[finding.rule.severity],
            "location": {"path": file, "lines": {"begin": line}},
        }
        yield comma + json.dumps(told, ensure_ascii=True)
        comma = ",\n"
    yield "\n]\n"

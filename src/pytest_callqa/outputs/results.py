"""What every format is made from: the gate's decision, and the findings as often as they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from pytest_callqa.gate.baseline import GENERATED, Baseline, name_of
from pytest_callqa.gate.content import digest
from pytest_callqa.gate.decision import Decision, Gate, GateFinding, compare, decide
from pytest_callqa.ledger import Run
from pytest_callqa.report.model import Ledgers


class Results:
    """Ledgers held against a baseline, if there is one. Raises :class:`BadInput` for ledgers that cannot be read."""

    def __init__(
        self, ledgers: Sequence[Path], gate: Gate, baseline: Baseline | None = None, against: str = ""
    ) -> None:
        self.reading = Ledgers(ledgers)
        self.baseline = baseline
        self.decision: Decision = decide(ledgers, gate, baseline, against)

    @property
    def run(self) -> Run:
        """What the ledgers begin with."""
        return self.reading.run

    def findings(self) -> Iterator[GateFinding]:
        """Every finding, read as a stream."""
        return compare(self.reading, self.baseline)

    def fingerprint(self, finding: GateFinding) -> str:
        """What makes a finding the same in every run: its clause and call; for generated calls, the words of it."""
        said = finding.entry is not None and self.run.mode in GENERATED
        call = digest(finding.entry.turns) if said and finding.entry is not None else name_of(finding.call)
        return hashlib.sha256(f"{finding.rule.clause}\0{call}".encode("utf-8", "replace")).hexdigest()[:32]


def place_of(finding: GateFinding) -> tuple[str, int]:
    """File and line where a reviewer is to look: the changed line that is to blame, if one is, else the rule's."""
    file, colon, line = (finding.found.blamed if finding.found is not None else "").rpartition(":")
    return (file, int(line)) if colon else rule_place_of(finding)


def rule_place_of(finding: GateFinding) -> tuple[str, int]:
    """File and line of the rule: the very line that failed, where it is known. A rule without a place: line 1."""
    file, _, line = finding.rule.place.rpartition(":")
    number = int(line) if line.isdecimal() else 1
    if finding.found is not None:
        name, _, failed = finding.found.line.rpartition(":")
        if name == PurePosixPath(file).name and failed.isdecimal():
            number = int(failed)
    return file or "conduct_specs", number


def message_of(finding: GateFinding) -> str:
    """One line: what the clause asks, and why this call breaks it."""
    if finding.found is None:
        gone = "kept now" if finding.state == "fixed" else "no longer reached"
        return f"{finding.rule.title or finding.rule.clause}: {finding.call}: {gone}"
    return f"{finding.rule.title}: {finding.call}: {finding.found.reason}"

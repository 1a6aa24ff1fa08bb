"""The results as one JSON document with a schema, for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from pytest_callqa.gate.decision import GateFinding, Result, State
from pytest_callqa.outputs.results import Results, rule_place_of
from pytest_callqa.report.figures import Counts, Rate
from pytest_callqa.rules import Severity


class Share(msgspec.Struct, frozen=True):
    """A rate with its 95 % interval, from 0 to 1."""

    value: float
    low: float
    high: float


class Verdicts(msgspec.Struct, frozen=True, kw_only=True):
    """Verdicts by outcome; ``rate`` is passed of passed and failed."""

    passed: int
    failed: int
    waived: int
    not_applicable: int
    undecided: int
    not_assessed: int
    error: int
    not_run: int
    rate: Share | None


class States(msgspec.Struct, frozen=True, kw_only=True):
    """Findings by how they stand against the baseline and the waivers."""

    new: int = 0
    known: int = 0
    waived: int = 0
    fixed: int = 0
    gone: int = 0


class ClauseResult(msgspec.Struct, frozen=True, kw_only=True):
    """A clause and what became of it."""

    clause: str
    title: str
    severity: Severity
    section: str
    verdicts: Verdicts


class AgentResult(msgspec.Struct, frozen=True, kw_only=True):
    """An agent ("": not named)."""

    agent: str
    calls: int
    critical_calls: int
    score: float | None
    rate: Share | None


class RateResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a clause's rate stands against its floor and the baseline."""

    clause: str
    state: Literal["worse", "under", "small", "held"]
    kept: int
    judged: int
    kept_before: int | None
    judged_before: int | None
    floor: float | None


class FindingResult(msgspec.Struct, frozen=True, kw_only=True):
    """A clause that a call breaks, or broke before; ``start`` in seconds, ``fingerprint`` the same in every run.

    ``blamed`` is file and line of the change that it comes from, of a run that compares.
    """

    state: State
    clause: str
    severity: Severity
    call: str
    file: str
    agent: str
    start: float | None
    reason: str
    waiver: str
    rule_file: str
    rule_line: int
    blamed: str
    fingerprint: str


class UnreadResult(msgspec.Struct, frozen=True):
    """A call that could not be read, and what to do."""

    call: str
    file: str
    place: str
    problem: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run found. ``score`` from 0 to 1; ``against`` names the baseline, if there was one.

    ``planned`` verdicts, with those ``not_run``, are those of every call, read or not; ``verdicts`` of calls told of.
    """

    version: Literal[1] = 1
    tool: str
    title: str
    rule_book: str
    started: str
    finished: str
    complete: bool
    planned: int
    not_run: int
    result: Result
    against: str
    calls: int
    unreadable: int
    score: float | None
    verdicts: Verdicts
    states: States
    faults: list[str]
    clauses: list[ClauseResult]
    agents: list[AgentResult]
    rates: list[RateResult]
    unread: list[UnreadResult]
    findings: list[FindingResult]


def schema() -> dict[str, object]:
    """The schema of the document, which ``docs/results.schema.json`` holds."""
    found: dict[str, object] = msgspec.json.schema(Document)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "callqa results", **found}


def pieces(results: Results) -> Iterator[str]:
    """The document; findings come last, one at a time."""
    head = msgspec.json.encode(_document(results), order="deterministic").decode()
    opening, _, ending = head.partition('"findings":[]')
    yield f'{opening}"findings":['
    comma = "\n"
    for finding in results.findings():
        yield comma + msgspec.json.encode(_finding(results, finding), order="deterministic").decode()
        comma = ",\n"
    yield f"\n]{ending}\n"


def _document(results: Results) -> Document:
    decision, summary = results.decision, results.decision.summary
    return Document(
        tool=results.run.tool,
        title=summary.title,
        rule_book=summary.version,
        started=summary.started,
        finished=summary.finished,
        complete=summary.complete,
        planned=summary.planned,
        not_run=summary.not_run,
        result=decision.result,
        against=decision.against,
        calls=summary.calls,
        unreadable=summary.unreadable,
        score=summary.mean_score,
        verdicts=_verdicts(summary.counts),
        states=msgspec.convert(decision.counts, States),
        faults=decision.faults,
        clauses=[
            ClauseResult(
                clause=c.clause, title=c.title, severity=c.severity, section=c.section, verdicts=_verdicts(c.counts)
            )
            for c in summary.clauses
        ],
        agents=[
            AgentResult(
                agent=a.agent, calls=a.calls, critical_calls=a.critical_calls, score=a.score, rate=_share(a.rate)
            )
            for a in summary.agents
        ],
        rates=[
            RateResult(
                clause=c.clause,
                state=c.kind,
                kept=c.kept,
                judged=c.judged,
                kept_before=c.before.kept if c.before else None,
                judged_before=c.before.kept + c.before.broken if c.before else None,
                floor=c.floor,
            )
            for c in decision.rates
        ],
        unread=[UnreadResult(u.call, u.file, u.place, u.problem) for u in summary.unread],
        findings=[],
    )


def _verdicts(counts: Counts) -> Verdicts:
    return Verdicts(
        passed=counts.passed,
        failed=counts.failed,
        waived=counts.waived,
        not_applicable=counts.not_applicable,
        undecided=counts.undecided,
        not_assessed=counts.not_assessed,
        error=counts.error,
        not_run=counts.not_run,
        rate=_share(counts.rate),
    )


def _share(rate: Rate | None) -> Share | None:
    return Share(rate.value, rate.low, rate.high) if rate is not None else None


def _finding(results: Results, finding: GateFinding) -> FindingResult:
    entry, found = finding.entry, finding.found
    file, line = rule_place_of(finding)
    return FindingResult(
        state=finding.state,
        clause=finding.rule.clause,
        severity=finding.rule.severity,
        call=finding.call,
        file=entry.file if entry else "",
        agent=entry.agent if entry else "",
        start=found.start if found else None,
        reason=found.reason if found else "",
        waiver=found.waiver if found else "",
        rule_file=file,
        rule_line=line,
        blamed=found.blamed if found else "",
        fingerprint=results.fingerprint(finding),
    )

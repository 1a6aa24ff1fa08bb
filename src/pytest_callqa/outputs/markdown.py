"""A summary in Markdown, for the page of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_callqa.gate.telling import finding_text, machine_line, rate_text
from pytest_callqa.outputs.results import Results
from pytest_callqa.report.figures import Clause, Counts
from pytest_callqa.report.text import accounts, count, example_text, incomplete, score_text, visible
from pytest_callqa.report.text import rate_text as interval

CLAUSES_SHOWN = 15
"""Broken clauses in the table, the worst first."""

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@:.-])")
_HEADINGS = {"clean": "Nothing stops this change", "findings": "Findings stop this change", "not judged": "Not judged"}


def pieces(results: Results) -> Iterator[str]:
    """The summary, a line at a time."""
    decision, summary = results.decision, results.decision.summary
    yield f"## {_HEADINGS[decision.result]}\n\n"
    for line in incomplete(summary):
        yield f"**{_safe(line)}**\n\n"
    judged = f"{_safe(summary.title)} ({_safe(summary.version)}): {count(summary.calls, 'call')}"
    yield f"{judged}, {count(len(summary.clauses), 'rule')}; mean score {score_text(summary.mean_score)} of 100\n\n"
    yield f"{_safe(accounts(summary))}\n\n"
    yield _states(results)
    new = [finding_text(finding) for finding in decision.new] if decision.against else []
    rates = [rate_text(check) for check in (*decision.failing_rates, *decision.small)]
    unread = [f"{line.file}: {line.problem}" for line in summary.unread]
    yield from _listed("New", new)
    yield from _listed("Rates", rates)
    yield from _listed("Settings and waivers", decision.faults)
    yield from _listed("Not read", unread)
    yield from _clauses(results)
    yield f"`{machine_line(decision)}`\n"


def _states(results: Results) -> str:
    decision = results.decision
    heads = ["calls", "failed", "new", "known", "waived", "fixed", "no longer reached", "errors", "unreadable"]
    counts = decision.counts
    summary = decision.summary
    figures = [summary.calls, summary.failed, *(counts[s] for s in ("new", "known", "waived", "fixed", "gone"))]
    figures += [summary.errors, summary.unreadable]
    cells = " | ".join(f"{figure:,}" for figure in figures)
    return f"| {' | '.join(heads)} |\n|{'---:|' * len(heads)}\n| {cells} |\n\n"


def _listed(title: str, told: list[str]) -> Iterator[str]:
    if told:
        yield f"### {title}\n\n"
        yield from (f"- {_safe(line)}\n" for line in told)
        yield "\n"


def _clauses(results: Results) -> Iterator[str]:
    summary = results.decision.summary
    if not summary.findings:
        return
    yield "### Broken clauses\n\n| clause | severity | kept | passed | failed | worst |\n|---|---|---|---:|---:|---|\n"
    clauses: dict[str, Clause] = {clause.clause: clause for clause in summary.clauses}
    for finding in summary.findings[:CLAUSES_SHOWN]:
        counts: Counts = clauses[finding.clause].counts
        title = _safe(f"{finding.clause} {finding.title}")
        kept = _safe(interval(counts.rate))
        figures = f"{kept} | {counts.passed:,} | {counts.failed:,}"
        yield f"| {title} | {finding.severity} | {figures} | {_safe(example_text(finding))} |\n"
    if len(summary.findings) > CLAUSES_SHOWN:
        yield f"\nand {count(len(summary.findings) - CLAUSES_SHOWN, 'more broken clause')}\n"
    yield "\n"


def _safe(text: str) -> str:
    """The text as itself: nothing in it is a mark of Markdown, a tag or a link."""
    return _MARKS.sub(r"\\\1", " ".join(visible(text).split()))

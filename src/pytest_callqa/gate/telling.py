"""What the gate says, in words for a terminal and in one line for a machine."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_callqa.finding import clock_time
from pytest_callqa.gate.decision import Decision, GateFinding, State
from pytest_callqa.gate.rates import RateCheck
from pytest_callqa.report.text import clip, count, percent, visible

_STATES: dict[State, str] = {
    "new": "new",
    "known": "known",
    "waived": "waived",
    "fixed": "fixed",
    "gone": "no longer reached",
}


def gate_lines(decision: Decision, width: int) -> list[str]:
    """What stops the change and why, then what was counted; the last line is for machines."""
    return [*_told(decision, width), machine_line(decision)]


def _told(decision: Decision, width: int) -> Iterator[str]:
    told = [f"{decision.counts[state]:,} {name}" for state, name in _STATES.items() if decision.counts[state]]
    against = f" against {visible(decision.against)}" if decision.against else ""
    if decision.against or decision.counts["waived"]:
        yield f"findings{against}: {', '.join(told) or 'none'}"
    if decision.against:
        for finding in decision.new:
            yield clip(f"  new: {finding_text(finding)}", width)
        if decision.blocking > len(decision.new):
            yield f"  and {decision.blocking - len(decision.new):,} more"
    for check in (*decision.failing_rates, *decision.small):
        yield clip(f"  rate: {rate_text(check)}", width)
    small = [check.clause for check in decision.rates if check.kind == "small" and check not in decision.small]
    if small:
        yield clip(
            f"  too few verdicts to compare the rate of {count(len(small), 'clause')}: {', '.join(small)}", width
        )
    for fault in decision.faults:
        yield f"  {visible(fault)}"


def finding_text(finding: GateFinding) -> str:
    """``3.4.2a critical, rude at 0:04.5: the agent's reply says apology: not found``."""
    found = finding.found
    at = f" at {clock_time(found.start)}" if found is not None and found.start is not None else ""
    why = f": {visible(found.reason)}" if found is not None else ""
    return f"{finding.rule.clause} {finding.rule.severity}, {visible(finding.call)}{at}{why}"


def rate_text(check: RateCheck) -> str:
    """How a clause's rate stands against its floor or the baseline's."""
    now = f"{check.clause}: {check.kept:,} of {check.judged:,} kept"
    if check.kind == "small":
        return f"{now}, too few to say whether it holds its floor of {percent(check.floor or 0)} %"
    if check.kind == "under" and check.floor is not None:
        return f"{now} ({percent(check.kept / check.judged)} %), under its floor of {percent(check.floor)} %"
    assert check.before is not None
    judged = check.before.kept + check.before.broken
    return (
        f"{now}, {check.before.kept:,} of {judged:,} in the baseline: worse beyond chance "
        f"(by {percent(-check.high)} to {percent(-check.low)} points)"
    )


def machine_line(decision: Decision) -> str:
    """``callqa-gate result=findings calls=416 new=3 …``: one line that a machine can find and split."""
    figures = {
        "calls": decision.summary.calls,
        "failed": decision.summary.failed,
        "new": decision.counts["new"],
        "blocking": decision.blocking,
        "known": decision.counts["known"],
        "waived": decision.counts["waived"],
        "fixed": decision.counts["fixed"],
        "gone": decision.counts["gone"],
        "rates": len(decision.failing_rates),
        "small": len(decision.small),
        "faults": len(decision.faults),
        "errors": decision.summary.errors,
        "unreadable": decision.summary.unreadable,
    }
    result = decision.result.replace(" ", "-")
    return " ".join([f"callqa-gate result={result}", *(f"{name}={number}" for name, number in figures.items())])

"""What a campaign found, in words: a conversation with the broken line marked, and the tables of the report."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_callqa.call import Call
from pytest_callqa.finding import clock_time
from pytest_callqa.ledger import Exhibit
from pytest_callqa.rules import RuleBook
from pytest_callqa.scenarios.campaign import Findings
from pytest_callqa.scenarios.coverage import CONVERSATIONS
from pytest_callqa.verdict import Outcome, Verdict

MARK = ">"


def transcript(call: Call, verdict: Verdict | None = None) -> Iterator[str]:
    """The conversation a line each, in the order of time; what a verdict is about begins with a mark."""
    told: list[tuple[float, float, str, str]] = [
        (turn.start or 0.0, turn.end or 0.0, turn.role, turn.text) for turn in call.turns
    ]
    for event in call.events:
        what = " ".join(filter(None, (event.kind, event.value, "by", event.by)))
        told.append((event.time or 0.0, event.time or 0.0, "", what))
    told.sort(key=lambda line: line[:2])
    broken = _broken_line(told, verdict) if verdict is not None else -1
    for number, (start, _, role, text) in enumerate(told):
        said = f"{role}: {text}" if role else f"[{text}]"
        yield f"{MARK if number == broken else ' '} {clock_time(start)} {said}"


def _broken_line(told: list[tuple[float, float, str, str]], verdict: Verdict) -> int:
    """What the agent said, or did, when the rule broke: the first after it, else the last line of all."""
    since = verdict.start or 0.0
    after = (number for number, (_, end, role, _) in enumerate(told) if end > since and role != "customer")
    return next(after, len(told) - 1)


def exhibit(book: RuleBook, findings: Findings, name: str, seed: int) -> Exhibit:
    """How often each rule of the book was reached, kept and broken, as a table of the report's view of scenarios."""
    census = findings.census
    figures = (
        ("conversations", census.conversations),
        ("turns", census.turns),
        ("rules never reached", sum(not census.reached(rule.clause) for rule in book if not rule.manual)),
        ("seed", seed),
    )
    rows = tuple(
        (
            rule.clause,
            rule.when.name,
            census.count(rule.clause, Outcome.PASSED),
            census.broken(rule.clause),
            census.count(rule.clause, Outcome.UNDECIDED),
            found.call.id if (found := findings.found.get(rule.clause)) else "",
        )
        for rule in book
        if not rule.manual
    )
    return Exhibit(
        view="scenarios",
        title=f"Generated customers: {name}",
        note="Customers were generated, and every conversation was judged by all rules. "
        "A clause that none of them reached says nothing of the bot.",
        figures=figures,
        columns=CONVERSATIONS,
        rows=rows,
    )

"""What changed since a former run: by clause with an interval, and by call where both judged the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pytest_callqa import ledger
from pytest_callqa.report.figures import Clause, Rate, Summary
from pytest_callqa.report.model import Ledgers
from pytest_callqa.rules import Severity
from pytest_callqa.verdict import newcombe

Kind: TypeAlias = Literal["new", "fixed", "worse", "better", "same"]
"""``new``: broken now and never before; ``fixed``: the reverse; ``worse`` and ``better``: beyond chance."""

CALLS_SHOWN = 20
"""Verdicts that changed on a call told with the call's name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a rate moved, from -1 to 1, with its 95 % interval (Newcombe's, from the two Wilson intervals)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, before: Rate | None, after: Rate | None) -> Difference | None:
        """The difference, or None when one of the two judged nothing."""
        if before is None or after is None:
            return None
        return cls(*newcombe((before.passed, before.judged), (after.passed, after.judged)))

    @property
    def certain(self) -> bool:
        """Whether chance alone would rarely move the rate as far."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Change:
    """A clause then and now."""

    clause: str
    title: str
    severity: Severity
    before: Rate | None
    after: Rate | None
    difference: Difference | None
    kind: Kind


@dataclass(frozen=True, slots=True)
class Turned:
    """A verdict that a call had otherwise before: broken now (``new``) or no longer."""

    call: str
    clause: str
    new: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """A run against a former one. ``same_calls`` were judged by both; ``turned`` begins what changed there."""

    before: Summary
    difference: Difference | None
    score: float | None
    changes: tuple[Change, ...]
    same_calls: int
    new: int
    fixed: int
    turned: tuple[Turned, ...]

    def of(self, kind: Kind) -> tuple[Change, ...]:
        """The clauses that changed in this way."""
        return tuple(change for change in self.changes if change.kind == kind)


def compare(now: Ledgers, summary: Summary, former: Sequence[Path]) -> Trend:
    """The run of these figures against ledgers of a former one.

    The rule book may have changed in between: clauses are matched by their id. Raises :class:`BadInput` for
    ledgers that cannot be read.
    """
    then = Ledgers(former)
    before = then.summary()
    known = {clause.clause: clause for clause in before.clauses}
    changes = tuple(_change(clause, known.get(clause.clause)) for clause in summary.clauses)
    turned = list(_turned(then, now))
    scored = before.mean_score is not None and summary.mean_score is not None
    return Trend(
        before=before,
        difference=Difference.of(before.counts.rate, summary.counts.rate),
        score=summary.mean_score - before.mean_score if scored else None,  # type: ignore[operator]  # both are told
        changes=changes,
        same_calls=sum(one is None for one in turned),
        new=sum(one.new for one in turned if one),
        fixed=sum(not one.new for one in turned if one),
        turned=tuple(one for one in turned if one)[:CALLS_SHOWN],
    )


def _change(now: Clause, then: Clause | None) -> Change:
    before, after = then.counts.rate if then else None, now.counts.rate
    difference = Difference.of(before, after)
    kind: Kind = "same"
    if difference is not None:
        if then is not None and not then.counts.failed and now.counts.failed:
            kind = "new"
        elif then is not None and then.counts.failed and not now.counts.failed:
            kind = "fixed"
        elif difference.certain:
            kind = "worse" if difference.value < 0 else "better"
    return Change(now.clause, now.title, now.severity, before, after, difference, kind)


def _turned(then: Ledgers, now: Ledgers) -> Iterator[Turned | None]:
    """For each call that both judged: None, then what changed on it."""
    letters = {line.call: line.verdicts for line in then.lines() if isinstance(line, ledger.Entry)}
    place = {rule.clause: number for number, rule in enumerate(then.run.rules)}
    both = [(number, place[r.clause], r.clause) for number, r in enumerate(now.run.rules) if r.clause in place]
    for line in now.lines():
        if isinstance(line, ledger.Entry) and line.call in letters:
            yield None
            old = letters[line.call]
            for here, there, clause in both:
                if (line.verdicts[here] == "f") != (old[there] == "f"):
                    yield Turned(line.call, clause, line.verdicts[here] == "f")

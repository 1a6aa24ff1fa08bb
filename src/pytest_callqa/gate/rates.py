"""Rates of clauses against a baseline's and against their floors; few verdicts are said to be few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, TypeAlias

from pytest_callqa.gate.baseline import Rate
from pytest_callqa.ledger import Floors
from pytest_callqa.report.figures import Clause
from pytest_callqa.verdict import newcombe

Kind: TypeAlias = Literal["worse", "under", "small", "held"]
"""``worse`` than the baseline beyond chance; ``under`` its floor; too ``small`` a sample to say; else it ``held``."""


@dataclass(frozen=True, slots=True)
class RateCheck:
    """A clause's rate now (``kept`` of ``judged``) and before, its floor, and how it stands.

    ``low`` and ``high`` bound how far the rate moved, from -1 to 1. A waived breach counts as a breach here: accepting
    a finding does not lift a rate.
    """

    clause: str
    kind: Kind
    kept: int
    judged: int
    before: Rate | None = None
    floor: float | None = None
    low: float = -1.0
    high: float = 1.0


def check_rates(clauses: Iterable[Clause], known: Mapping[str, Rate], floors: Floors) -> list[RateCheck]:
    """Every clause that has a floor or a rate in the baseline, in the order of the book."""
    z = NormalDist().inv_cdf((1 + floors.level) / 2)
    found = []
    for clause in clauses:
        before, floor = known.get(clause.clause), floors.min_rate.get(clause.clause)
        if before is None and floor is None:
            continue
        kept = clause.counts.passed
        judged = clause.counts.judged + clause.counts.waived
        low, high = -1.0, 1.0
        if before is not None:
            _, low, high = newcombe((before.kept, before.kept + before.broken), (kept, judged), z)
        kind: Kind = "held"
        if judged < floors.small:
            kind = "small"
        elif floor is not None and kept < floor * judged:
            kind = "under"
        elif high < 0:
            kind = "worse"
        elif before is not None and floor is None and before.kept + before.broken < floors.small:
            kind = "small"
        found.append(RateCheck(clause.clause, kind, kept, judged, before, floor, low, high))
    return found

"""Verdicts of one rule on one call, and the scorecard over them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import msgspec

from pytest_callqa.rules import Severity

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"
"""What crosses a process: builtins only."""


class Outcome(StrEnum):
    """How a rule ended on a call. Only passed and failed enter a rate."""

    letter: str
    """Its one-letter code in the ledger."""

    PASSED = "passed", "p"
    FAILED = "failed", "f"
    WAIVED = "waived", "w"
    NOT_APPLICABLE = "not applicable", "n"
    UNDECIDED = "undecided", "u"
    NOT_ASSESSED = "not assessed", "m"
    ERROR = "error", "e"

    def __new__(cls, value: str, letter: str = "") -> Outcome:  # noqa: D102 - told by the class
        outcome = str.__new__(cls, value)
        outcome._value_, outcome.letter = value, letter
        return outcome

    @classmethod
    def of_letter(cls, letter: str) -> Outcome:
        """The outcome of a ledger code. Raises :class:`KeyError` for another letter."""
        return _OUTCOMES[letter]


_OUTCOMES = {outcome.letter: outcome for outcome in Outcome}


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answered question: what was asked, whether it held, and the words it rests on.

    ``turn`` is the index of the joined turn (-1: none), ``first`` and ``last`` the character span
    in it, ``start`` and ``end`` seconds. ``near`` marks a nearest miss: not what was sought.
    """

    asked: str
    holds: bool
    quote: str = ""
    turn: int = -1
    first: int = 0
    last: int = 0
    role: str = ""
    start: float | None = None
    end: float | None = None
    score: float = 0  # not 0.0: only a whole number is still known as the default after a change of process
    phrase: str = ""
    near: bool = False


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Of one rule on one call. ``reason`` is one line for people; ``moments`` counts the situation's.

    ``start`` is when the breach (or the doubt) is, in seconds; ``line`` the rule's own failing line.
    ``waiver`` says who accepted the breach, until when and why; the outcome is then *waived*. ``blamed`` is file and
    line of the change that it comes from, if that is known.
    """

    clause: str
    outcome: Outcome
    reason: str = ""
    moments: int = 0
    broken: int = 0
    start: float | None = None
    line: str = ""
    waiver: str = ""
    blamed: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def tells_no_more(self) -> bool:
        """Whether the ledger keeps nothing of it but the letter of its outcome."""
        return self.outcome in (Outcome.PASSED, Outcome.NOT_APPLICABLE, Outcome.NOT_ASSESSED) and self.moments <= 1

    def to_dict(self) -> dict[str, Plain]:
        """The verdict as builtins, fit to cross a process."""
        plain: dict[str, Plain] = msgspec.to_builtins(self, str_keys=True)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Plain]) -> Verdict:
        """The inverse of :meth:`to_dict`."""
        return msgspec.convert(plain, cls)


@dataclass(frozen=True, slots=True)
class Score:
    """A scorecard: ``raw`` = S = Σ w·r / Σ w over what applied (None: nothing did).

    ``critical`` lists the critical clauses that were broken.
    """

    raw: float | None
    critical: tuple[str, ...] = ()

    @property
    def scored(self) -> bool:
        """False when no clause applied."""
        return self.raw is not None

    @property
    def final(self) -> float | None:
        """0 when a critical clause is broken, else the raw score."""
        return 0.0 if self.critical and self.raw is not None else self.raw


def score(
    outcomes: Iterable[tuple[str, Outcome]], severities: Mapping[str, Severity], weights: Mapping[str, float]
) -> Score:
    """Score (clause, outcome) pairs; the weight of what did not apply goes to what did."""
    total = reached = 0.0
    critical = []
    for clause, outcome in outcomes:
        if outcome not in (Outcome.PASSED, Outcome.FAILED):
            continue
        severity = severities[clause]
        total += weights[severity]
        if outcome is Outcome.PASSED:
            reached += weights[severity]
        elif severity == "critical":
            critical.append(clause)
    return Score(reached / total if total else None, tuple(critical))


def newcombe(before: tuple[int, int], after: tuple[int, int], z: float = 1.959964) -> tuple[float, float, float]:
    """How far a rate of (passed, judged) moved, and Newcombe's interval of it; -1 to 1 when nothing was judged."""
    if not before[1] or not after[1]:
        return 0.0, -1.0, 1.0
    first, second = before[0] / before[1], after[0] / after[1]
    (low, high), (lower, upper) = wilson(*before, z), wilson(*after, z)
    value = second - first
    return value, value - math.hypot(second - lower, high - first), value + math.hypot(upper - second, first - low)


def wilson(passed: int, judged: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % Wilson interval of a rate; (0, 1) when nothing was judged."""
    if judged == 0:
        return 0.0, 1.0
    rate = passed / judged
    scale = 1 + z * z / judged
    centre = rate + z * z / (2 * judged)
    spread = z * math.sqrt(rate * (1 - rate) / judged + z * z / (4 * judged * judged))
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return min(max(0.0, low), rate), max(min(1.0, high), rate)  # rounding can put them on the wrong side of it

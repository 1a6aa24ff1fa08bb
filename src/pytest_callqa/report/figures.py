"""The figures of a report: values only, every number that any output shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_callqa import ledger
from pytest_callqa.rules import Severity
from pytest_callqa.verdict import Score, wilson

SMALL = 10
"""Below this many judged verdicts a rate says little about anybody."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How much of what was judged was kept, with its 95 % Wilson interval; all from 0 to 1."""

    passed: int
    judged: int
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, passed: int, judged: int) -> Rate | None:
        """The rate, or None when nothing was judged."""
        return cls(passed, judged, passed / judged, *wilson(passed, judged)) if judged else None

    @property
    def small(self) -> bool:
        """Whether too few were judged for the rate to say much."""
        return self.judged < SMALL


@dataclass(frozen=True, slots=True)
class Counts:
    """Verdicts by outcome; ``moments`` of situations that were judged, ``broken`` of them."""

    passed: int = 0
    failed: int = 0
    not_applicable: int = 0
    undecided: int = 0
    not_assessed: int = 0
    error: int = 0
    not_run: int = 0
    waived: int = 0
    moments: int = 0
    broken: int = 0

    @property
    def judged(self) -> int:
        """Passed and failed: what enters the rate."""
        return self.passed + self.failed

    @property
    def planned(self) -> int:
        """Every verdict there was to give."""
        rest = self.waived + self.not_applicable + self.undecided + self.not_assessed + self.error + self.not_run
        return self.judged + rest

    @property
    def rate(self) -> Rate | None:
        """The rate of what was judged; None when nothing was."""
        return Rate.of(self.passed, self.judged)

    @classmethod
    def total(cls, parts: Iterable[Counts]) -> Counts:
        """The sum of several."""
        kept = list(parts)
        return cls(**{name: sum(getattr(part, name) for part in kept) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Clause:
    """A rule and what became of it."""

    clause: str
    title: str
    severity: Severity
    section: str
    situation: str
    text: str
    manual: bool
    counts: Counts


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the rule book, its clauses and their sum."""

    key: str
    title: str
    clauses: tuple[Clause, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent ("": not named) and the rate in each section, in the order of the book.

    ``score`` is the mean final score of the calls that could be scored.
    """

    agent: str
    calls: int
    rate: Rate | None
    sections: tuple[Rate | None, ...]
    score: float | None
    critical_calls: int

    @property
    def small(self) -> bool:
        """Whether there are too few calls to tell this agent from another."""
        return self.calls < SMALL


@dataclass(frozen=True, slots=True)
class Day:
    """The calls that began on a day (``2026-11-02``, where they were) and how much of what was judged was kept."""

    day: str
    calls: int
    rate: Rate


@dataclass(frozen=True, slots=True)
class Example:
    """One call in which a clause was broken: where to look and what was said."""

    call: str
    start: float | None
    reason: str
    quote: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken clause, in how many ``calls`` and at how many moments."""

    clause: str
    title: str
    severity: Severity
    calls: int
    broken: int
    example: Example


@dataclass(frozen=True, slots=True)
class Reason:
    """Why verdicts were not given: reasons that differ only in times and quotes are one (``alike``)."""

    reason: str
    clauses: tuple[str, ...]
    calls: int
    alike: bool


@dataclass(frozen=True, slots=True)
class FailingCall:
    """A call that broke a clause. ``lost`` is the weight of what it broke; ``failed`` its clauses, worst first."""

    call: str
    file: str
    agent: str
    team: str
    language: str
    started: str
    duration: float | None
    score: Score
    lost: float
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """What the format of some calls could not show."""

    text: str
    formats: tuple[str, ...]
    calls: int


@dataclass(frozen=True, slots=True)
class Source:
    """A ledger this report was made from."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All the figures of one or several ledgers of the same rule book.

    ``planned`` verdicts are those of ``counts``, ``unread_verdicts`` (errors, of calls that could not be read) and
    ``not_run``, which also counts the calls that the run did not come to; ``damaged`` lines of the ledger say nothing.
    """

    title: str
    version: str
    tools: tuple[str, ...]
    modes: tuple[str, ...]
    started: str
    finished: str
    complete: bool
    planned: int
    not_run: int
    unread_verdicts: int
    damaged: tuple[ledger.Damaged, ...]
    sources: tuple[Source, ...]
    weights: dict[str, float]
    calls: int
    repeated: int
    unreadable: int
    unread: tuple[ledger.Unread, ...]
    counts: Counts
    sections: tuple[Section, ...]
    agents: tuple[Agent, ...]
    days: tuple[Day, ...]
    scored_calls: int
    mean_score: float | None
    mean_raw_score: float | None
    failing_calls: int
    critical_calls: int
    findings: tuple[Finding, ...]
    failing: tuple[FailingCall, ...]
    doubts: tuple[Reason, ...]
    faults: tuple[Reason, ...]
    limits: tuple[Limit, ...]
    formats: tuple[tuple[str, int], ...]
    languages: tuple[tuple[str, int], ...]
    exhibits: tuple[ledger.Exhibit, ...]
    settings: dict[str, str]
    files: tuple[ledger.File, ...]
    files_read: int

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """Every clause, in the order of the book."""
        return tuple(clause for section in self.sections for clause in section.clauses)

    @property
    def failed(self) -> int:
        """Verdicts *failed*."""
        return self.counts.failed

    @property
    def errors(self) -> int:
        """Verdicts *error*: the rule broke."""
        return self.counts.error

    @property
    def unscored_calls(self) -> int:
        """Calls to which no clause applied."""
        return self.calls - self.scored_calls

"""The gate: each finding is new, known, fixed or no longer reached, and what of it stops a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from pytest_callqa.errors import CallQAError, did_you_mean
from pytest_callqa.gate import waivers
from pytest_callqa.gate.baseline import RECORDED, Baseline, broken
from pytest_callqa.gate.rates import RateCheck, check_rates
from pytest_callqa.ledger import NOT_RUN, Entry, Found, RuleLine, Run
from pytest_callqa.report.counting import found_of
from pytest_callqa.report.figures import Summary
from pytest_callqa.report.model import Ledgers
from pytest_callqa.rules import SEVERITIES, Severity

State: TypeAlias = Literal["new", "known", "waived", "fixed", "gone"]
"""Of a finding: ``gone`` is one whose situation, or call, was no longer reached."""

Result: TypeAlias = Literal["clean", "findings", "not judged"]

RATES = "rates"
NEW_KEPT = 20
"""New findings kept for the terminal, worst first; the outputs have them all."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What stops a change: new findings of these severities, and rates that got worse or are under their floor."""

    severities: frozenset[Severity] = frozenset(SEVERITIES)
    rates: bool = True

    @classmethod
    def parse(cls, text: str) -> Gate:
        """``critical,major,rates``. Raises :class:`CallQAError` naming the word that is none of them."""
        choices = (*SEVERITIES, RATES)
        given = [word.strip() for word in text.split(",") if word.strip()]
        for word in given:
            if word not in choices:
                raise CallQAError(
                    f"--callqa-gate: {word!r} is none of {', '.join(choices)}.{did_you_mean(word, choices)}"
                )
        if not given:
            raise CallQAError(f"--callqa-gate: name what stops a change, of {', '.join(choices)}")
        return cls(frozenset(s for s in SEVERITIES if s in given), RATES in given)


@dataclass(frozen=True, slots=True)
class GateFinding:
    """A clause that a call breaks or broke. ``entry`` and ``found`` are those of the run, if it has it."""

    state: State
    rule: RuleLine
    call: str
    entry: Entry | None = None
    found: Found | None = None


@dataclass(slots=True)
class Decision:
    """What the gate says of a run, in figures; ``new`` begins the new findings that stop it, worst first."""

    summary: Summary
    gate: Gate
    against: str = ""
    counts: Counter[State] = field(default_factory=Counter)
    blocking: int = 0
    new: list[GateFinding] = field(default_factory=list)
    rates: list[RateCheck] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def failing_rates(self) -> list[RateCheck]:
        """The clauses whose rate stops the change."""
        return [check for check in self.rates if self.gate.rates and check.kind in ("worse", "under")]

    @property
    def small(self) -> list[RateCheck]:
        """The clauses with a floor that too few verdicts cannot hold or miss."""
        return [c for c in self.rates if self.gate.rates and c.kind == "small" and c.floor is not None]

    @property
    def stops(self) -> bool:
        """Whether anything but its single findings stops the change."""
        summary = self.summary
        broken = summary.errors or summary.unreadable or not summary.complete
        return bool(self.failing_rates or self.small or self.faults or broken)

    @property
    def result(self) -> Result:
        """*not judged*: not all was, or nothing is wrong but too few were to say whether a floor is held."""
        nothing = not self.summary.calls and not self.summary.exhibits  # generated calls: a table, if none broke a rule
        if nothing or not self.summary.complete:
            return "not judged"
        if self.blocking or self.failing_rates or self.faults or self.summary.errors or self.summary.unreadable:
            return "findings"
        return "not judged" if self.small else "clean"


def decide(ledgers: Sequence[Path], gate: Gate, baseline: Baseline | None = None, against: str = "") -> Decision:
    """Hold a run against a baseline, its floors and its waivers. Raises :class:`BadInput` for a bad ledger."""
    reading = Ledgers(ledgers)
    run, compared = reading.run, _Compared(reading.run, baseline)
    counts: Counter[State] = Counter()
    new: list[GateFinding] = []
    blocking = 0

    def weigh(findings: Iterable[GateFinding]) -> None:
        nonlocal blocking
        for finding in findings:
            counts[finding.state] += 1
            if finding.state == "new" and finding.rule.severity in gate.severities:
                blocking += 1
                new.append(finding)
        if len(new) > 10 * NEW_KEPT:
            _trim(new)

    summary = reading.summary(lambda entry: weigh(compared.of(entry)))
    weigh(compared.left())
    _trim(new)
    decision = Decision(summary, gate, against, counts, blocking, new)
    if run.mode in RECORDED:  # of others a ledger holds only what broke a rule
        known = baseline.rates if baseline is not None else {}
        decision.rates = check_rates(decision.summary.clauses, known, run.floors)
    used = waivers.uses(line for line in reading.lines() if isinstance(line, Entry)) if run.waivers else Counter()
    decision.faults = [*waivers.faults(run, used), *_floors_of_nothing(run)]
    return decision


def compare(reading: Ledgers, baseline: Baseline | None) -> Iterator[GateFinding]:
    """Every finding of a run and every one of the baseline that the run no longer has. Without one, all are new."""
    compared = _Compared(reading.run, baseline)
    for line in reading.lines():
        if isinstance(line, Entry):
            yield from compared.of(line)
    yield from compared.left()


class _Compared:
    """The calls of a run held against a baseline one by one; it keeps the letters of the calls that both have."""

    def __init__(self, run: Run, baseline: Baseline | None) -> None:
        self._run, self._baseline = run, baseline
        self._met: dict[tuple[str, str], str] = {}

    def of(self, call: Entry) -> Iterator[GateFinding]:
        """The findings of a call of the run."""
        known = self._baseline.find(call) if self._baseline is not None else None
        if known is not None:
            self._met[known.call, known.exact] = call.verdicts
        if "f" not in call.verdicts and "w" not in call.verdicts:
            return
        failed = broken(self._run, call)
        for rule, letter in zip(self._run.rules, call.verdicts, strict=True):
            if letter == "w":
                yield GateFinding("waived", rule, call.call, call, found_of(call, rule.clause))
            elif rule.clause in failed:
                state: State = "known" if known is not None and rule.clause in known.clauses else "new"
                yield GateFinding(state, rule, call.call, call, found_of(call, rule.clause))

    def left(self) -> Iterator[GateFinding]:
        """What the baseline had and the run, all of whose calls were told, has not."""
        places = {rule.clause: number for number, rule in enumerate(self._run.rules)}
        for call in self._baseline.calls if self._baseline is not None else ():
            letters = self._met.get((call.call, call.exact))
            for clause in call.clauses:
                place = places.get(clause)
                rule = RuleLine(clause, "", "minor", "") if place is None else self._run.rules[place]
                letter = letters[place] if letters is not None and place is not None else NOT_RUN
                if letter == "p":
                    yield GateFinding("fixed", rule, call.call)
                elif letter not in "fw":
                    yield GateFinding("gone", rule, call.call)


def _floors_of_nothing(run: Run) -> Iterator[str]:
    """Floors of clauses that no rule has."""
    clauses = {rule.clause for rule in run.rules}
    for name, floors in (("min_rate", run.floors.min_rate), ("min_agreement", run.floors.min_agreement)):
        for clause in floors if not run.selected else ():
            if clause not in clauses:
                yield f"code.toml: {name} of {clause}: no rule has the clause.{did_you_mean(clause, clauses)}"


def _trim(findings: list[GateFinding]) -> None:
    findings.sort(key=lambda finding: SEVERITIES.index(finding.rule.severity))
    del findings[NEW_KEPT:]

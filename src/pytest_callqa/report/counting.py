"""Counts calls one by one; what it keeps does not grow with how many there are."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import add

from pytest_callqa import ledger
from pytest_callqa.report.figures import Agent, Clause, Counts, Day, Example, FailingCall, Finding, Limit, Rate, Reason
from pytest_callqa.rules import SEVERITIES
from pytest_callqa.verdict import Outcome, Score, score

WORST_CALLS = 12
"""Failing calls kept with a name, worst first."""

UNREAD_SHOWN = 200
"""Unreadable calls kept with a name."""

QUOTED = 200
"""Characters of a quote that stands for a finding."""

LETTERS = {outcome.letter: outcome for outcome in Outcome}
_VARYING = re.compile(r"“[^”]*”|\d+(?:[.,:]\d+)*")


def key_of(entry: ledger.Entry) -> int:
    """What tells a call from every other, in eight bytes."""
    parts = (entry.call, entry.file, entry.started, entry.agent, str(entry.duration))
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8).digest())


def found_of(entry: ledger.Entry, clause: str) -> ledger.Found:
    """What a verdict rests on."""
    return entry.found.get(clause) or ledger.Found(reason="the ledger holds no reason")


@dataclass(slots=True)
class _Reasons:
    """Reasons grouped by what they have in common."""

    groups: dict[str, tuple[str, set[str], int, bool]] = field(default_factory=dict)

    def add(self, reasons: Iterable[tuple[str, Sequence[str]]]) -> None:
        """The reasons of one call, each with its clauses."""
        of_call: dict[str, tuple[str, set[str]]] = {}
        for reason, clauses in reasons:
            shape = _VARYING.sub("#", reason)
            of_call.setdefault(shape, (reason, set()))[1].update(clauses)
        for shape, (reason, named) in of_call.items():
            known, known_clauses, calls, alike = self.groups.get(shape, (reason, set(), 0, False))
            self.groups[shape] = (min(known, reason), known_clauses | named, calls + 1, alike or known != reason)

    def reasons(self, order: dict[str, int]) -> tuple[Reason, ...]:
        """The groups, most calls first."""
        kept = (
            Reason(reason, tuple(sorted(clauses, key=order.__getitem__)), calls, alike)
            for reason, clauses, calls, alike in self.groups.values()
        )
        return tuple(sorted(kept, key=lambda reason: (-reason.calls, -len(reason.clauses), reason.reason)))


@dataclass(slots=True)
class _AgentTally:
    """One agent's calls, while they are counted."""

    passed: list[int]
    failed: list[int]
    calls: int = 0
    scored: int = 0
    final: float = 0.0
    critical: int = 0

    def row(self, name: str) -> Agent:
        return Agent(
            agent=name,
            calls=self.calls,
            rate=Rate.of(sum(self.passed), sum(self.passed) + sum(self.failed)),
            sections=tuple(Rate.of(p, p + f) for p, f in zip(self.passed, self.failed, strict=True)),
            score=self.final / self.scored if self.scored else None,
            critical_calls=self.critical,
        )


@dataclass(slots=True)
class _Alike:
    """Calls with the same letters: their score, what they passed and failed of each section, how many they are."""

    score: Score
    passed: Sequence[int]
    failed: Sequence[int]
    calls: int = 0


class Tally:
    """Everything counted over the calls; its size does not depend on how many there are."""

    def __init__(self, run: ledger.Run) -> None:
        self.run = run
        self.order = {rule.clause: number for number, rule in enumerate(run.rules)}
        self.severities = {rule.clause: rule.severity for rule in run.rules}
        self.weights = dict.fromkeys(SEVERITIES, 1.0) | run.weights
        self.sections = list(dict.fromkeys(rule.section for rule in run.rules))
        self.section_at = [self.sections.index(rule.section) for rule in run.rules]
        self._letters: list[Counter[str]] = [Counter() for _ in run.rules]
        self._alike: dict[str, _Alike] = {}
        self.moments = [0] * len(run.rules)
        self.broken = [0] * len(run.rules)
        self.calls = self.unreadable = self.scored = self.failing = self.critical = 0
        self.raw = self.final = 0.0
        self.unread: list[ledger.Unread] = []
        self.agents: dict[str, _AgentTally] = {}
        self.dates: dict[str, Counter[str]] = {}
        self.examples: dict[str, tuple[int, Example]] = {}
        self.doubts, self.faults = _Reasons(), _Reasons()
        self.formats: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self._limits: dict[str, Counter[str]] = {}
        self._worst: list[tuple[tuple[int, float, int], _Last, int, FailingCall]] = []

    def add(self, entry: ledger.Entry) -> None:
        """Count one call."""
        self.calls += 1
        self.formats[entry.format] += 1
        self.languages[entry.language] += 1
        for limit in entry.limits:
            self._limits.setdefault(limit, Counter())[entry.format] += 1
        alike = self._alike_of(entry.verdicts)
        alike.calls += 1
        for clause, moments in entry.moments.items():
            if entry.verdicts[self.order[clause]] in "pf":
                self.moments[self.order[clause]] += moments - 1
        if entry.started:
            day = self.dates.setdefault(entry.started[:10], Counter())
            day["calls"] += 1
            day["passed"] += sum(alike.passed)
            day["failed"] += sum(alike.failed)
        scored = alike.score
        if scored.raw is not None and scored.final is not None:
            self.scored += 1
            self.raw += scored.raw
            self.final += scored.final
        self.critical += bool(scored.critical)
        self._add_agent(entry, alike)
        if entry.doubts:
            self.doubts.add(entry.doubts.items())
        if faulty := self._rules(entry, "e"):
            self.faults.add((found_of(entry, rule.clause).reason, [rule.clause]) for rule in faulty)
        failed = self._rules(entry, "f")
        for rule in failed:
            self._add_finding(rule.clause, entry)
        if failed:
            self._add_failing(entry, failed, scored)

    def _rules(self, entry: ledger.Entry, wanted: str) -> list[ledger.RuleLine]:
        """The rules with this outcome, by severity."""
        if wanted not in entry.verdicts:
            return []
        rules = [rule for rule, letter in zip(self.run.rules, entry.verdicts, strict=True) if letter == wanted]
        return sorted(rules, key=lambda rule: SEVERITIES.index(rule.severity))

    def _alike_of(self, letters: str) -> _Alike:
        """What calls with these letters come to."""
        known = self._alike.get(letters)
        if known is None:
            if len(self._alike) >= ledger.ALIKE:
                self._settle()
            judged = [(rule.clause, letter) for rule, letter in zip(self.run.rules, letters, strict=True)]
            scored = score(((c, LETTERS[x]) for c, x in judged if x in "pf"), self.severities, self.weights)
            passed, failed = [0] * len(self.sections), [0] * len(self.sections)
            for section, letter in zip(self.section_at, letters, strict=True):
                passed[section] += letter == "p"
                failed[section] += letter == "f"
            known = self._alike[letters] = _Alike(scored, passed, failed)
        return known

    def _settle(self) -> None:
        """Count the letters of the calls that were alike."""
        for letters, alike in self._alike.items():
            for counter, letter in zip(self._letters, letters, strict=True):
                counter[letter] += alike.calls
        self._alike = {}

    @property
    def letters(self) -> Sequence[Counter[str]]:
        """How many calls have which outcome, by rule."""
        self._settle()
        return self._letters

    def _add_agent(self, entry: ledger.Entry, alike: _Alike) -> None:
        tally = self.agents.get(entry.agent)
        if tally is None:
            none = [0] * len(self.sections)
            tally = self.agents[entry.agent] = _AgentTally(none, [*none])
        tally.calls += 1
        tally.passed = list(map(add, tally.passed, alike.passed))
        tally.failed = list(map(add, tally.failed, alike.failed))
        if alike.score.final is not None:
            tally.scored += 1
            tally.final += alike.score.final
        tally.critical += bool(alike.score.critical)

    def _add_finding(self, clause: str, entry: ledger.Entry) -> None:
        """Keep the call that broke the clause most often as its example."""
        found = found_of(entry, clause)
        self.broken[self.order[clause]] += max(found.broken, 1)
        known = self.examples.get(clause)
        if known is None or (-found.broken, entry.call) < (-known[0], known[1].call):
            quote = _quote(entry, found)[:QUOTED]
            self.examples[clause] = found.broken, Example(entry.call, found.start, found.reason, quote)

    def _add_failing(self, entry: ledger.Entry, clauses: list[ledger.RuleLine], scored: Score) -> None:
        self.failing += 1
        lost = sum(self.weights[rule.severity] for rule in clauses)
        call = FailingCall(
            call=entry.call,
            file=entry.file,
            agent=entry.agent,
            team=entry.team,
            language=entry.language,
            started=entry.started,
            duration=entry.duration,
            score=scored,
            lost=lost,
            failed=tuple(rule.clause for rule in clauses),
        )
        rank = (len(scored.critical), lost, sum(found.broken for found in entry.found.values()))
        item = (rank, _Last(call.call, call.file), self.calls, call)
        if len(self._worst) < WORST_CALLS:
            heapq.heappush(self._worst, item)
        else:
            heapq.heappushpop(self._worst, item)

    def clauses(self) -> list[Clause]:
        """Every clause with its counts."""
        rows = []
        for number, (rule, letters) in enumerate(zip(self.run.rules, self.letters, strict=True)):
            judged = letters["p"] + letters["f"]
            counts = Counts(
                passed=letters["p"],
                failed=letters["f"],
                waived=letters["w"],
                not_applicable=letters["n"],
                undecided=letters["u"],
                not_assessed=letters["m"],
                error=letters["e"],
                not_run=letters[ledger.NOT_RUN],
                moments=judged + self.moments[number],
                broken=self.broken[number],
            )
            rows.append(
                Clause(
                    rule.clause, rule.title, rule.severity, rule.section, rule.situation, rule.text, rule.manual, counts
                )
            )
        return rows

    def findings(self) -> tuple[Finding, ...]:
        """Every broken clause: critical first, then by severity, then by calls."""
        kept, letters = [], self.letters
        for rule in self.run.rules:
            if rule.clause in self.examples:
                number = self.order[rule.clause]
                _, example = self.examples[rule.clause]
                calls = letters[number]["f"]
                kept.append(Finding(rule.clause, rule.title, rule.severity, calls, self.broken[number], example))
        return tuple(sorted(kept, key=lambda finding: (SEVERITIES.index(finding.severity), -finding.calls)))

    def worst_calls(self) -> tuple[FailingCall, ...]:
        """The failing calls kept, worst first."""
        return tuple(item[-1] for item in sorted(self._worst, key=lambda item: item[:3], reverse=True))

    def by_agent(self) -> tuple[Agent, ...]:
        """The agents: those with enough calls first, the lowest rate on top."""
        rows = [tally.row(name) for name, tally in self.agents.items()]
        return tuple(sorted(rows, key=lambda row: (row.small, row.rate.value if row.rate else 2.0, row.agent)))

    def days(self) -> tuple[Day, ...]:
        """The days on which something was judged, in their order."""
        rows = ((day, c["calls"], Rate.of(c["passed"], c["passed"] + c["failed"])) for day, c in self.dates.items())
        return tuple(Day(day, calls, rate) for day, calls, rate in sorted(rows, key=lambda row: row[0]) if rate)

    def limits(self) -> tuple[Limit, ...]:
        """What formats could not show, most calls first."""
        rows = [Limit(text, tuple(sorted(formats)), formats.total()) for text, formats in self._limits.items()]
        return tuple(sorted(rows, key=lambda limit: (-limit.calls, limit.text)))


@dataclass(frozen=True, slots=True)
class _Last:
    """Names a call; the name that comes first is the greatest, so that it is kept and shown first."""

    call: str
    file: str

    def __lt__(self, other: _Last) -> bool:
        return (self.call, self.file) > (other.call, other.file)


def _quote(entry: ledger.Entry, found: ledger.Found) -> str:
    """What was said where the worst moment is: the evidence nearest to it, else the turn it lies in or follows."""
    said = [e for e in found.evidence if e.quote and not e.near]
    if said:
        moment = found.start or 0.0
        return min(said, key=lambda e: abs((e.start if e.start is not None else moment) - moment)).quote
    if found.start is None:
        return ""
    begun = [turn.text for turn in entry.turns if turn.start is not None and turn.start <= found.start]
    return begun[-1] if begun else ""

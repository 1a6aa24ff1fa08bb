"""Whether rules have teeth: per rule, how many mutants of the calls that keep it are caught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from pytest_callqa.call import Call
from pytest_callqa.engine import Trial, judge, trials
from pytest_callqa.finding import Measure
from pytest_callqa.ledger import Exhibit
from pytest_callqa.phrases import split_words
from pytest_callqa.redact import Level, redactor
from pytest_callqa.rules import Code, Rule, RuleBook
from pytest_callqa.scenarios.mutants import Mutant, Seed, answer, listen, mutants, seed
from pytest_callqa.verdict import Outcome

SEEDS = 6
"""Calls in each language that mutants of a rule are made of, unless told otherwise."""

Fate: TypeAlias = Literal["caught", "missed", "equivalent"]


class Bite(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one mutant of a call, and for what was not caught the reason. Texts are redacted."""

    call: str
    kind: str
    what: str
    fate: Fate
    reason: str = ""


class Teeth(msgspec.Struct, frozen=True):
    """What a rule made of the mutants of ``seeds`` calls."""

    clause: str
    title: str
    seeds: int
    bites: tuple[Bite, ...]

    def count(self, fate: Fate) -> int:
        """How many mutants had this fate."""
        return sum(bite.fate == fate for bite in self.bites)

    @property
    def missed(self) -> tuple[Bite, ...]:
        """The mutants that should have been caught and were not."""
        return tuple(bite for bite in self.bites if bite.fate == "missed")

    @property
    def equivalent(self) -> dict[str, int]:
        """How many mutants break nothing, by the reason for it."""
        return dict(Counter(bite.reason for bite in self.bites if bite.fate == "equivalent").most_common())

    @property
    def touched(self) -> bool:
        """Whether any mutant should have been caught."""
        return any(bite.fate != "equivalent" for bite in self.bites)


class Bitten(msgspec.Struct, frozen=True):
    """The teeth of a whole book, fit for a file: ``version`` names the wording of the book."""

    title: str
    version: str
    calls: int
    rules: tuple[Teeth, ...]

    @property
    def breaking(self) -> int:
        """How many mutants should have been caught."""
        return sum(rule.count("caught") + rule.count("missed") for rule in self.rules)

    @property
    def caught(self) -> int:
        """How many were."""
        return sum(rule.count("caught") for rule in self.rules)

    @property
    def untouched(self) -> tuple[str, ...]:
        """The clauses that no mutant could break."""
        return tuple(rule.clause for rule in self.rules if not rule.touched)


def teeth_of(book: RuleBook, calls: Sequence[Call], *, seeds: int = SEEDS, level: Level = "standard") -> Bitten:
    """Try every portable rule of a book on mutants of the calls that keep it; what is told of them is redacted so."""
    rules = [rule for rule in book if rule.portable]
    return Bitten(
        title=str(book.code.get("title", "")),
        version=book.version,
        calls=len(calls),
        rules=tuple(teeth_of_rule(rule, calls, book.code, seeds=seeds, level=level) for rule in rules),
    )


def teeth_of_rule(
    rule: Rule, calls: Iterable[Call], code: Code, *, seeds: int = SEEDS, level: Level = "standard"
) -> Teeth:
    """Try one rule on mutants of the calls that keep it.

    At most so many in each language, no two alike; one that no mutant can break does not count.
    """
    known: set[tuple[object, ...]] = set()
    tried: Counter[str] = Counter()
    found: list[Bite] = []
    for call in calls:
        of = seed(rule, call, code) if tried[call.language] < seeds else None
        if of is None or of.rests_on in known:
            continue
        known.add(of.rests_on)
        became = list(bites(of, level))
        tried[call.language] += any(bite.fate != "equivalent" for bite in became)
        found += became
    return Teeth(rule.clause, rule.title, tried.total(), tuple(found))


def bites(of: Seed, level: Level = "standard") -> Iterator[Bite]:
    """What becomes of every mutant of a seed."""
    hide = redactor(of.call.names, level=level)
    for mutant in mutants(of):
        fate = _fate(of, mutant)
        if fate is not None:
            yield Bite(hide.id(of.call.id), mutant.kind, hide(mutant.what), fate[0], hide(fate[1]))


def _fate(of: Seed, mutant: Mutant) -> tuple[Fate, str] | None:
    """Caught, missed or equivalent, and why; None when the change is none of the rule's business."""
    heard = listen(of, mutant.call)
    verdict = judge(of.rule, heard, of.code)
    if verdict.outcome is Outcome.FAILED:
        return "caught", ""
    if verdict.outcome is Outcome.ERROR:
        return "missed", verdict.reason
    if verdict.outcome is Outcome.UNDECIDED:
        return "equivalent", "undecided: what is left does not tell"
    if verdict.outcome is Outcome.NOT_APPLICABLE and verdict.reason:
        return "equivalent", f"excused: {verdict.reason}"
    tried = trials(of.rule, heard, of.code)
    if mutant.idle and _answers(tried) == _answers(of.trials):
        return None
    if len(tried) < len(of.trials):
        if mutant.situational or _brings_about(of, mutant):
            return "equivalent", "the situation does not arise any more"
        return "missed", "the clause no longer applies, though nothing that brings it about was touched"
    return _kept(of, mutant, tried)


def _answers(tried: Sequence[Trial]) -> list[tuple[str, int, str, bool, Measure | None]]:
    """All that the questions of a rule found."""
    return [(file, line, f.asked, f.holds, f.measure) for trial in tried for f, file, line in trial.tested]


def _brings_about(of: Seed, mutant: Mutant) -> bool:
    """Whether the utterances that were changed bring the situation about."""
    for trial in of.trials:
        moment = trial.moment
        signs = {moment.index, *(quote.turn for quote in (moment.finding.quotes if moment.finding is not None else ()))}
        if moment.turn is not None:
            signs.add(moment.turn.index)
        if signs & mutant.touched:
            return True
    return False


def _kept(of: Seed, mutant: Mutant, tried: Sequence[Trial]) -> tuple[Fate, str] | None:
    """Why a rule is kept after a change, or that the change is missed."""
    if mutant.other is not None:
        if judge(of.rule, listen(of, mutant.other), of.code).outcome is Outcome.FAILED:
            return "caught", ""
        return "equivalent", "the clause sets no limit to this time"
    if mutant.kind == "case emptied":
        whole = mutant.call.case is not None or mutant.situational or not of.asks_facts
        return ("equivalent", "the clause holds without it") if whole else ("missed", "the clause holds without it")
    demand = mutant.demand
    now = tried[demand.moment if demand else 0]
    if now.outcome is Outcome.NOT_APPLICABLE:
        return "equivalent", f"excused: {now.reason}"
    found = answer(tried, demand) if demand else None
    if demand is not None and found is not None and found.holds and not demand.forbidden:
        if mutant.idle:  # a stretch of time that this demand does not measure
            return None
        if mutant.touched & of.heard.cut_off:
            return "equivalent", "cut off by the customer: what was said of it counts"
        if mutant.kind == "near miss":
            same = set(split_words(mutant.said))
            taken = [q for q in found.quotes if q.phrase == mutant.near and _mostly(same, split_words(q.text))]
            return ("missed", f"heard: {taken[0]}") if taken else ("equivalent", "other words say it as well")
        return "equivalent", "the clause takes it there too"
    before = {(file, line, f.sought) for trial in of.trials for f, file, line in trial.tested if f.holds}
    other = [f for f, file, line in now.tested if f.holds and (file, line, f.sought) not in before]
    if other and (demand is None or not demand.forbidden):
        return "equivalent", f"kept otherwise: {other[0].asked}"
    return "missed", "the clause holds all the same"


def _mostly(known: set[str], words: Sequence[str]) -> bool:
    """Whether half of these words and more are known ones."""
    return 2 * sum(word in known for word in words) >= len(words)


# -- telling


def exhibit(bitten: Bitten) -> Exhibit:
    """The teeth as a table of the report's view of rules."""
    figures = (
        ("mutants that break a clause", bitten.breaking),
        ("caught", bitten.caught),
        ("clauses that no mutant touches", len(bitten.untouched)),
    )
    return Exhibit(
        view="rules",
        title="Teeth",
        note="Calls that keep a clause were changed so that they break it. A clause that misses such a change, "
        "or that none can break, says little.",
        figures=figures,
        columns=("clause", "calls", "breaking", "caught", "missed", "equivalent", "example missed"),
        rows=tuple(
            (
                rule.clause,
                rule.seeds,
                rule.count("caught") + rule.count("missed"),
                rule.count("caught"),
                len(rule.missed),
                rule.count("equivalent"),
                told(rule.missed[0]) if rule.missed else "",
            )
            for rule in bitten.rules
        ),
    )


def told(bite: Bite) -> str:
    """A mutant in one line: ``call-17, near miss: “thanks for holding” for kept waiting: heard as kept waiting``."""
    return f"{bite.call}, {bite.kind}: {bite.what}" + (f" ({bite.reason})" if bite.reason else "")

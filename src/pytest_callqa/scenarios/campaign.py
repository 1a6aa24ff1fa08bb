"""Plays customers against a bot: each conversation is judged once by all rules, then each broken rule is shrunk."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from unittest import SkipTest

import msgspec
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import run_state_machine_as_test
from msgspec.structs import replace

from pytest_callqa.bots import Move
from pytest_callqa.call import Call
from pytest_callqa.engine import hear, judge
from pytest_callqa.errors import BotError
from pytest_callqa.rules import Rule, RuleBook
from pytest_callqa.scenarios.customers import Act
from pytest_callqa.scenarios.machine import Played, Stage, dialogue, replay
from pytest_callqa.scenarios.plainest import plainest
from pytest_callqa.verdict import Outcome, Verdict

CUSTOMERS = 200
"""Conversations that are played unless told otherwise."""

AIMED = 200
"""Conversations of its own that a rule gets which was not reached."""

TURNS = 15
"""Moves that a customer makes, unless a profile of Hypothesis says otherwise."""

_DEFAULT_STEPS = 50


class Broken(AssertionError):
    """A conversation that breaks the rule that is being shrunk."""


@dataclass(frozen=True)
class Plan:
    """How much is played: ``customers`` conversations by this ``seed``; finds are kept in ``database``, if anywhere.

    Bots that are not deterministic have their breaches tried ``replays`` times, and ``at_once`` conversations.
    """

    customers: int = CUSTOMERS
    seed: int = 0
    database: Path | None = None
    replays: int = 1
    at_once: int = 1

    def settings(self, phases: Sequence[Phase], most: int) -> settings:
        """The settings of one run of a machine: the profile's, but for what is told here."""
        profile = settings()
        steps = profile.stateful_step_count
        keeps = self.database is not None and profile.database is not None
        return settings(
            profile,
            max_examples=most,
            phases=phases,
            deadline=None,
            stateful_step_count=TURNS if steps == _DEFAULT_STEPS else steps,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            print_blob=False,
            derandomize=False,
            database=DirectoryBasedExampleDatabase(str(self.database)) if keeps else None,
        )


class Census(msgspec.Struct):
    """What a run of conversations showed: how many, how often each act was made and each rule had each outcome."""

    conversations: int = 0
    turns: int = 0
    acts: dict[str, int] = {}
    outcomes: dict[str, dict[Outcome, int]] = {}

    def add(self, played: Played, verdicts: Iterable[Verdict]) -> None:
        """Count one conversation."""
        self.conversations += 1
        self.turns += len(played.call.turns)
        for act in played.acts:
            self.acts[act] = self.acts.get(act, 0) + 1
        for verdict in verdicts:
            counts = self.outcomes.setdefault(verdict.clause, {})
            counts[verdict.outcome] = counts.get(verdict.outcome, 0) + 1

    def count(self, clause: str, *outcomes: Outcome) -> int:
        """How many conversations ended so for a rule."""
        counts = self.outcomes.get(clause, {})
        return sum(counts.get(outcome, 0) for outcome in outcomes)

    def reached(self, clause: str) -> bool:
        """Whether a rule was kept or broken at all."""
        return self.count(clause, Outcome.PASSED, Outcome.FAILED) > 0

    def broken(self, clause: str) -> int:
        """How many conversations broke a rule, or broke the rule's own code."""
        return self.count(clause, Outcome.FAILED, Outcome.ERROR)


class Found(msgspec.Struct, frozen=True):
    """The shortest conversation that breaks a rule; ``broke`` of ``tried`` replays broke it, if the bot varies."""

    clause: str
    call: Call
    verdicts: tuple[Verdict, ...]
    broke: int = 0
    tried: int = 0

    @property
    def verdict(self) -> Verdict:
        """That of the rule itself."""
        return next(verdict for verdict in self.verdicts if verdict.clause == self.clause)


class Findings(msgspec.Struct):
    """What came of a campaign: the census, the shortest breach of each broken rule, in the book's order.

    ``trouble`` is what broke the bot, if anything did: then nothing else counts.
    """

    census: Census
    found: dict[str, Found] = {}
    trouble: str = ""


class Tally:
    """What conversations show of a book's portable rules: their census, and the shortest that breaks each rule."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self.rules = [rule for rule in book if rule.portable]
        self.census = Census()
        self.shortest: dict[str, Played] = {}

    def note(self, played: Played) -> None:
        """Judge a conversation and count it; keep it for the rules that it breaks, if it is the shortest so far."""
        found = verdicts(self.rules, played.call, self.book)
        self.census.add(played, found)
        for verdict in found:
            known = self.shortest.get(verdict.clause)
            if breaks(verdict) and (known is None or len(played.moves) < len(known.moves)):
                self.shortest[verdict.clause] = played

    @property
    def broken(self) -> list[Rule]:
        """The rules that some conversation breaks."""
        return [rule for rule in self.rules if rule.clause in self.shortest]

    @property
    def unreached(self) -> set[str]:
        """The clauses that no conversation has kept or broken yet, of those that one can."""
        clauses = {rule.clause for rule in self.rules if not rule.manual} - self.shortest.keys()
        return {clause for clause in clauses if not self.census.reached(clause)}

    def findings(self, stage: Stage, replays: int = 0) -> Findings:
        """What came of it, each breach as short as it can be made."""
        found = {
            rule.clause: shrink(rule, self.rules, self.book, stage, self.shortest[rule.clause], replays)
            for rule in self.broken
        }
        return Findings(self.census, found)


def campaign(book: RuleBook, stage: Stage, plan: Plan) -> Findings:
    """Play the plan's customers, aim at the rules that they did not reach, and shrink what breaks each rule.

    Raises :class:`BotError` when the bot breaks.
    """
    tally = Tally(book)
    for rule in tally.rules:
        known = _search(rule, book, stage, plan, (Phase.reuse,)) if plan.database is not None else None
        if known is not None:
            tally.shortest[rule.clause] = known
    play(tally, stage, plan, (), plan.customers)
    aim(tally, stage, plan)
    if plan.database is not None:
        for rule in tally.broken:
            _search(rule, book, stage, plan, (Phase.generate,))  # which keeps the find
    return tally.findings(stage)


def play(tally: Tally, stage: Stage, plan: Plan, acts: Sequence[Act], most: int) -> None:
    """Play so many conversations of customers who do these acts (default: all), and note each."""
    run_machine(stage, "all rules", tally.note, plan, (Phase.generate,), acts, most)


def aim(tally: Tally, stage: Stage, plan: Plan) -> None:
    """Play customers who do little else than one thing, each in turn, until every rule is reached."""
    for acts, most in aims(stage, lambda: len(tally.unreached)):
        play(tally, stage, plan, acts, most)


def aims(stage: Stage, unreached: Callable[[], int]) -> Iterator[tuple[Sequence[Act], int]]:
    """What customers are to do who do little else than one thing, and how many of them, while rules are unreached."""
    free = [act for act in stage.acts if not act.when]
    answers = [act for act in stage.acts if act.when]
    for act in free:
        wanted = unreached()
        if not wanted:
            break
        yield (act, *answers), max(AIMED * wanted // len(free), 1)


def shrink(rule: Rule, rules: Sequence[Rule], book: RuleBook, stage: Stage, played: Played, replays: int = 0) -> Found:
    """The shortest conversation that breaks a rule, of the plainest moves, from one that does.

    It is then replayed, to count how often it does so. Nothing more is tried once the stage's budget is spent.
    """

    def shows(moves: Sequence[Move]) -> Call | None:
        if stage.budget.spent:
            return None
        call = replay(moves, played.language, stage)
        return call if breaks(verdicts([rule], call, book)[0]) else None

    moves, call = plainest(played, stage, shows)
    again = [shows(moves) for _ in range(replays) if not stage.budget.spent]
    call = replace(call, id=f"{rule.clause}-{call.language}")
    broke = sum(shown is not None for shown in again)
    return Found(rule.clause, call, tuple(verdicts(rules, call, book, quotes=None)), broke, len(again))


def breaks(verdict: Verdict) -> bool:
    """Whether a verdict is a find."""
    return verdict.outcome in (Outcome.FAILED, Outcome.ERROR)


def _search(rule: Rule, book: RuleBook, stage: Stage, plan: Plan, phases: Sequence[Phase]) -> Played | None:
    """A conversation that breaks a rule: one kept from an earlier run, or a new one, which is then kept."""
    last: list[Played] = []

    def check(played: Played) -> None:
        (verdict,) = verdicts([rule], played.call, book)
        if breaks(verdict):
            last[:] = [played]
            raise Broken(verdict.reason)

    try:
        run_machine(stage, f"rule {rule.clause}", check, plan, phases, (), plan.customers)
    except Broken:
        return last[0]
    except SkipTest:  # no find was kept that could be tried again
        return None
    return None


def run_machine(
    stage: Stage,
    name: str,
    judge: Callable[[Played], None],
    plan: Plan,
    phases: Sequence[Phase],
    acts: Sequence[Act],
    most: int,
) -> None:
    """Run the machine of a stage until its budget is spent: ``judge`` is told of every conversation.

    It raises for one to be shrunk. Raises :class:`BotError` when the bot breaks, also if it does not break again when
    tried anew.
    """

    def judge_and_end(played: Played) -> None:
        judge(played)
        if stage.budget.spent:
            raise SkipTest("nothing more may be asked of the bot")  # which ends a run of Hypothesis at once

    if stage.budget.spent:
        return
    machine = seed(plan.seed)(dialogue(stage, name, judge_and_end, acts))
    gc.freeze()  # the book stays: it is not looked through while conversations are played
    try:
        run_state_machine_as_test(machine, settings=plan.settings(phases, most))
    except BaseExceptionGroup as group:
        broken = group.subgroup(BotError)
        if broken is None:
            raise
        raise _first(broken) from None
    except SkipTest:
        if not stage.budget.spent:
            raise
    finally:
        gc.unfreeze()


def _first(group: BaseExceptionGroup[BotError]) -> BotError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def verdicts(
    rules: Iterable[Rule],
    call: Call,
    book: RuleBook,
    *,
    quotes: int | None = 0,
    told: Mapping[str, str] = MappingProxyType({}),
) -> list[Verdict]:
    """A conversation judged by these rules; ``told`` are settings as in :func:`hear`."""
    heard = hear(call, book.code, **told)
    found = [judge(rule, heard, book.code, quotes=quotes) for rule in rules]
    heard.forget()
    return found

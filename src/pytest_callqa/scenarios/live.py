"""Customers of a bot that may answer otherwise the next time: nothing is retraced, and several may call at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Lock

from pytest_callqa.rules import RuleBook
from pytest_callqa.scenarios.campaign import TURNS, Findings, Plan, Tally
from pytest_callqa.scenarios.customers import Customer
from pytest_callqa.scenarios.machine import ATTENTIVE, Dialogue, Played, Stage, dialogue


def live(book: RuleBook, stage: Stage, plan: Plan) -> Findings:
    """Play the plan's customers, so many at once; shrink what breaks each rule, and count how often it does so.

    Raises :class:`BotError` when the bot breaks.
    """
    tally = Tally(book)
    judging = Lock()

    def judge(played: Played) -> None:
        with judging:
            tally.note(played)

    hold(stage, judge, plan)
    return tally.findings(stage, plan.replays)


def hold(stage: Stage, judge: Callable[[Played], None], plan: Plan) -> None:
    """Hold the plan's conversations, so many at once; ``judge`` is told of each, in any thread.

    Raises :class:`BotError` when the bot breaks.
    """
    machine = dialogue(stage, "live", judge)
    with ThreadPoolExecutor(max(plan.at_once, 1)) as pool:
        for _ in pool.map(_call(machine, plan.seed), range(plan.customers)):
            pass


def _call(machine: type[Dialogue], seed: int) -> Callable[[int], None]:
    """One customer's call, by number: the acts, chosen at random among those that are possible."""

    def call(number: int) -> None:
        stage = machine.stage
        if stage.budget.spent:
            return
        chance = Random(f"{seed}-{number}")  # the same customers in the same run, whoever calls first
        talk = machine()
        talk.begin(Customer(chance.choice(stage.languages), chance.choice(stage.cast.personas)))
        for _ in range(TURNS):
            talk.attentive = chance.choice(ATTENTIVE)
            free = [act for act in talk.acts if talk.free_for(act)]
            if not free:
                break
            act = chance.choice(free)
            wait = chance.choice(act.waits) if act.waits else 0.0
            talk.make(act, chance.randrange(100), wait, chance.choice(act.over) if act.over else 0.0)
        talk.teardown()

    return call

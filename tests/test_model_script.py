"""The model script keeps the whole code of conduct, with customers of both languages; `python -m benchmarks
scenarios` plays ten thousand."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings

from matrix import book
from pytest_callqa.bots.script import ScriptBot
from pytest_callqa.bots.scripting import Script
from pytest_callqa.call import Call
from pytest_callqa.engine import judge_call
from pytest_callqa.rules import RuleBook
from pytest_callqa.scenarios.campaign import Findings, Plan, campaign
from pytest_callqa.scenarios.customers import Cast
from pytest_callqa.scenarios.machine import Stage, calls
from pytest_callqa.scenarios.telling import transcript
from pytest_callqa.verdict import Outcome

ONLY_SOUND_SHOWS = {"3.2.2b"}
"""How loud the agent is."""


@cache
def model(language: str) -> Stage:
    root = book().root
    script = Script.load(root / "script.yaml")
    return Stage(
        bot=lambda language: ScriptBot(script, language),
        abilities=ScriptBot.abilities,
        languages=(language,),
        cast=Cast.load(root, script.phrases),
        ears={language: script.ear(language)},
    )


@cache
def played(language: str, seed: int = 0) -> Findings:
    return campaign(judged(), model(language), Plan(customers=60, seed=seed))


def judged() -> RuleBook:
    return RuleBook(book().rules, book().code, root=book().root)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_customer_makes_the_model_script_break_the_code(language: str) -> None:
    shown = [
        "\n".join([f"{clause} {found.verdict.reason}", *transcript(found.call, found.verdict)])
        for clause, found in played(language).found.items()
    ]
    assert not shown, "\n\n".join(shown)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_clause_that_a_conversation_can_show_is_reached(language: str) -> None:
    missed = {rule.clause for rule in judged() if not rule.manual}
    for seed in range(5):  # what Hypothesis draws depends on where the project lies, too
        missed = {clause for clause in missed if not played(language, seed).census.reached(clause)}
        if missed == ONLY_SOUND_SHOWS:
            break
    assert missed == ONLY_SOUND_SHOWS


@given(calls(model("en"), most=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_calls_as_a_strategy(call: Call) -> None:
    assert call.turns[0].text.startswith("Hello,")
    assert [event.kind for event in call.events].count("hangup") == 1
    greeting = next(rule for rule in judged() if rule.clause == "3.1.1")
    assert judge_call(judged(), call, [greeting])[0].outcome is Outcome.PASSED

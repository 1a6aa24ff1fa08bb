"""The model script keeps the whole code of conduct, with customers of both languages; `python -m benchmarks
scenarios` plays ten thousand."""

from __future__ import annotations

from functools import cache

import pytest

from matrix import book
from pytest_callqa.bots.script import ScriptBot
from pytest_callqa.bots.scripting import Script
from pytest_callqa.rules import RuleBook
from pytest_callqa.scenarios.campaign import Findings, Plan, campaign
from pytest_callqa.scenarios.customers import Cast
from pytest_callqa.scenarios.machine import Stage
from pytest_callqa.scenarios.telling import transcript

ONLY_SOUND_SHOWS = {"3.2.2b"}
"""How loud the agent is."""


@cache
def played(language: str) -> Findings:
    root = book().root
    script = Script.load(root / "script.yaml")
    stage = Stage(
        bot=lambda language: ScriptBot(script, language),
        abilities=ScriptBot.abilities,
        languages=(language,),
        cast=Cast.load(root, script.phrases),
        ears={language: script.ear(language)},
    )
    return campaign(judged(), stage, Plan(customers=60))


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
    census = played(language).census
    missed = {rule.clause for rule in judged() if not rule.manual and not census.reached(rule.clause)}
    assert missed == ONLY_SOUND_SHOWS

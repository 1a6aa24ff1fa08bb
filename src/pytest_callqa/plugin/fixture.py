"""The bot that a fixture ``callqa_bot`` gives: another way to name it, for one that needs something started first."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

import pytest

from pytest_callqa.bots import loop
from pytest_callqa.bots.python import bot_from
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.errors import BadInput, BotError
from pytest_callqa.options import FIXTURE
from pytest_callqa.plugin.conversations import Conversations, Source, playing
from pytest_callqa.plugin.settings import Settings
from pytest_callqa.rules import rule_of


class GivenConversations(Conversations):
    """Every rule is a property of the conversations with the bot that the fixture gives the first of the rules."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        super().__init__(config, settings, None)

    def about(self) -> str:
        """See :class:`Conversations`."""
        return f"generated customers (--hypothesis-seed={self.seed}) against the fixture {FIXTURE}"

    @pytest.fixture(autouse=True)
    def _callqa_given(self, request: pytest.FixtureRequest) -> None:
        """Ask for the bot, if the test is a rule; others may be out of the reach of the fixture."""
        if self.source is None and rule_of(request.function) is not None:
            try:
                self.source = given(request.getfixturevalue(FIXTURE), self.settings)
            except (BadInput, BotError) as error:
                pytest.fail(f"the fixture {FIXTURE}: {error}", pytrace=False)

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> None:
        """Let the fixture be asynchronous; it then lives where asynchronous bots do."""
        if fixturedef.argname == FIXTURE:
            # as plugins for asynchronous tests do; there is no other way to say how a fixture is made
            fixturedef.func = _plain(fixturedef.func)  # type: ignore[misc]


def given(value: object, settings: Settings) -> Source:
    """The bot that a fixture gave: a text as after ``--bot``, a bot, its class, or a function of the customer's text.

    Raises :class:`BadInput` for anything else.
    """
    if isinstance(value, str):
        return playing(value, lambda: find_bot(value, allow=settings.bot_allow), settings)
    return playing(FIXTURE, lambda: bot_from(value, "what it returned"), settings)


def _plain(make: Callable[..., object]) -> Callable[..., object]:
    """What makes a fixture, made a plain function if it is asynchronous."""
    if inspect.iscoroutinefunction(make):
        return lambda **given: loop.run(make(**given))
    if not inspect.isasyncgenfunction(make):
        return make

    def stepped(**given: object) -> Iterator[object]:
        steps: AsyncGenerator[object, None] = make(**given)
        yield loop.run(_next(anext(steps)))
        loop.run(_next(anext(steps, None)))

    return stepped


async def _next(step: Awaitable[object]) -> object:
    return await step

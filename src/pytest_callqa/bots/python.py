"""A Python function as a bot, plain or asynchronous, with a session of its own for each conversation."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from pytest_callqa.bots import AsyncBot, Bot, Move, Reply, loop
from pytest_callqa.bots.chat import ChatBot, ChatOptions
from pytest_callqa.bots.spec import find_object
from pytest_callqa.errors import BadInput, BotError


class Options(ChatOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a Python function: those of every chat bot."""


def build(at: str, options: Options, allow: Collection[str]) -> Bot | AsyncBot:
    """A bot for ``python:module:name``: a function of the text; a bot, its class, or a function that makes one.

    Raises :class:`BadInput` for what is none of these.
    """
    return bot_from(find_object(at), at, options)


def bot_from(found: object, name: str, options: Options | None = None) -> Bot | AsyncBot:
    """A bot for a function of the text; a bot, its class, or a function that makes one.

    Raises :class:`BadInput` for what is none of these, called by its ``name``.
    """
    if inspect.isclass(found) or (inspect.isfunction(found) and not inspect.signature(found).parameters):
        found = found()
    if isinstance(found, Bot | AsyncBot):
        return found
    if not callable(found):
        raise BadInput(f"{name} is neither a function nor a bot: it cannot be called")
    return ChatBot(Function(found), options or Options())


class Function:
    """A function of the customer's text that returns a text, a reply, several of them, or None for silence.

    It may be asynchronous. By name it may also take ``session``, a dict that lives for one conversation, and
    ``history``, the pairs of texts so far.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        parameters = inspect.signature(function).parameters
        self._names = [name for name in ("session", "history") if name in parameters]
        self._given: dict[str, object] = {}
        self._history: list[tuple[str, str]] = []

    def begin(self) -> Sequence[Reply]:
        """A new session."""
        self._history = []
        given: dict[str, object] = {"session": {}, "history": self._history}
        self._given = {name: given[name] for name in self._names}
        return ()

    def say(self, move: Move) -> Sequence[Reply]:
        """What the function returns, as replies. Raises :class:`BotError` for what can be none."""
        answer = self._function(move.text, **self._given)
        if inspect.isawaitable(answer):
            answer = loop.run(_awaited(answer))
        replies = _replies(answer)
        self._history.append((move.text, " ".join(reply.text for reply in replies)))
        return replies

    def end(self) -> None:
        """Nothing is held."""


async def _awaited(answer: Awaitable[object]) -> object:
    return await answer


def _replies(answer: object) -> list[Reply]:
    if answer is None:
        return []
    if isinstance(answer, str):
        return [Reply(text=answer)]
    if isinstance(answer, Reply):
        return [answer]
    if isinstance(answer, Iterable):
        return [reply for part in answer for reply in _replies(part)]
    raise BotError(f"the function returned {type(answer).__name__}, expected a text, a Reply, several, or None")

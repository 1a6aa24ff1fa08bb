"""Drives a bot in virtual time: moves in, replies out, and the whole conversation as a Call."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Self, TypeVar, cast

import msgspec

from pytest_callqa.bots import Abilities, AsyncBot, Bot, Move, Reply, loop
from pytest_callqa.call import Call, Case, Event, Turn
from pytest_callqa.errors import BotError
from pytest_callqa.finding import clock_time
from pytest_callqa.phrases import split_words

T = TypeVar("T")

WORD, SIGN, KEY = 0.4, 0.25, 0.5
"""Seconds that a spoken word, a Chinese character and a pressed key take: 150 words or 240 characters a minute."""

REACTION = 0.5
"""Seconds from one party's last word to the other's first, where nothing else is known."""

BEGINS = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""When a conversation in virtual time begins, for a bot that dates what it writes on the case."""

LONGEST = 3600.0
"""Virtual seconds after which a conversation is broken off."""


def seconds_to_say(text: str) -> float:
    """How long it takes to say this, in seconds, to the hundredth."""
    words = split_words(text)
    signs = sum("\u2e80" <= word[0] <= "\u9fff" for word in words)
    return round(signs * SIGN + (len(words) - signs) * WORD, 2)


def cut_short(text: str, share: float) -> str:
    """What is heard of a text of which only a share (0 to 1) is said, marked as transcripts mark it."""
    said = text[: round(len(text) * share)]
    whole = said.rpartition(" ")[0] if " " in text else said
    return f"{whole}—" if whole else ""


class Conversation:
    """One conversation with a bot, step by step, and the Call it makes.

    The real seconds of the bot's slowest answer are kept in ``slowest``; they count only if its abilities say so.
    A context manager, which opens and closes the bot. Raises :class:`BotError` when the bot breaks, with the
    exchange up to there.
    """

    def __init__(
        self,
        bot: Bot | AsyncBot,
        *,
        id: str = "conversation",
        language: str = "",
        longest: float = LONGEST,
    ) -> None:
        self.bot = as_bot(bot)
        self.id, self.language = id, language
        self.now = 0.0
        self.ended = False
        self.slowest = 0.0
        self.moves: list[Move] = []
        self.replies: list[Reply] = []
        self._longest = longest
        self._turns: list[Turn] = []
        self._events: list[Event] = []
        self._case: Case | None = None
        self._limits: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> Sequence[Reply]:
        """Begin; what the bot does before the customer does anything."""
        replies = self._place(self._ask(self.bot.open), 0.0)
        rejected = self.ended and not self._turns
        if not rejected and not any(event.kind == "answer" for event in self._events):
            self._events.insert(0, Event(kind="answer", time=0.0, by="agent"))
        return replies

    def send(self, move: Move) -> Sequence[Reply]:
        """Make a move; the replies to it, placed in time. After the end nothing happens.

        Raises :class:`ValueError` for a move that the bot's abilities exclude.
        """
        if not self.bot.abilities.allow(move):
            raise ValueError(f"this bot cannot be met with {move}; see its abilities")
        if self.ended:
            return ()
        self.moves.append(move)
        replies = self._wait(move) if move.wait else ()
        if move.silent or self.ended:
            return replies
        begins = self.now if move.wait and not replies else self.now + REACTION
        return (*replies, *self._act(move, self._talk_over(move.over) if move.over else begins))

    def close(self) -> None:
        """Let the bot go."""
        self.bot.close()

    def call(self) -> Call:
        """The conversation so far as a Call, in the order of time."""
        able = self.bot.abilities
        return Call(
            id=self.id,
            turns=tuple(sorted(self._turns, key=lambda turn: turn.start or 0.0)),
            events=tuple(sorted(self._events, key=lambda event: event.time or 0.0)),
            timing="turn" if able.clock or able.real_time else "none",
            roles="given",
            language=self.language,
            started=BEGINS if able.case and able.clock and not able.real_time else None,
            duration=self.now,
            direction="inbound",
            case=self._case,
            case_known=able.case,
            limits=self._limits,
            format="conversation",
        )

    def exchange(self) -> list[str]:
        """The conversation so far, a line for each turn and event."""
        call = self.call()
        told = [(turn.start or 0.0, f"{turn.role}: {turn.text}") for turn in call.turns]
        told += [(e.time or 0.0, f"[{' '.join(filter(None, (e.kind, e.value)))} by {e.by}]") for e in call.events]
        return [f"{clock_time(when)} {what}" for when, what in sorted(told, key=lambda line: line[0])]

    def _wait(self, move: Move) -> Sequence[Reply]:
        silence = Move(wait=move.wait, start=self.now, end=round(self.now + move.wait, 2))
        replies = self._place(self._ask(self.bot.send, silence), silence.end)
        if not self.ended:
            self._pass(silence.end)
        return replies

    def _act(self, move: Move, begins: float) -> Sequence[Reply]:
        """Speak, press or hang up, and hear what comes of it."""
        takes = seconds_to_say(move.text) if move.text else KEY * len(move.keys)
        start = round(begins, 2)
        end = round(start + takes, 2)
        if move.text:
            self._turns.append(Turn(role="customer", text=move.text, start=start, end=end))
        for kind in move.events:
            self._events.append(Event(kind=kind, time=start, by="customer"))
        for place, key in enumerate(move.keys):
            time_of_key = round(start + KEY * place, 2)
            self._events.append(Event(kind="key", time=time_of_key, by="customer", value=key))
        self._pass(end)
        made = msgspec.structs.replace(move, wait=0.0, start=start, end=end)
        replies = self._ask(self.bot.send, made)
        if not move.hang_up:
            return self._place(replies, end)
        self._events.append(Event(kind="hangup", time=end, by="customer"))
        self.ended = True
        for reply in replies:  # nobody hears them any more; the case is written all the same
            self._case = reply.case or self._case
        return replies

    def _talk_over(self, share: float) -> float:
        """When the customer begins, and the agent's last words cut off there."""
        last = self._turns[-1] if self._turns else None
        if last is None or last.role != "agent":
            return self.now + REACTION
        assert last.start is not None
        assert last.end is not None
        begins = round(last.end - share * (last.end - last.start), 2)
        heard = cut_short(last.text, 1 - share)
        self._turns[-1:] = [msgspec.structs.replace(last, text=heard, end=begins)] if heard else []
        return begins

    def _ask(self, step: Callable[..., Sequence[Reply]], *move: Move) -> Sequence[Reply]:
        began = time.perf_counter()
        try:
            replies = step(*move)
        except BotError as error:
            raise BotError(error.problem, (*self.exchange(), *error.exchange)) from error
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise BotError(f"the bot broke: {said}", self.exchange()) from error
        took = time.perf_counter() - began
        self.slowest = max(self.slowest, took)
        if self.bot.abilities.real_time:
            self._pass(self.now + took)
        return replies

    def _place(self, replies: Sequence[Reply], after: float) -> Sequence[Reply]:
        """Give every reply its times, and note what it says and does."""
        placed: list[Reply] = []
        at = max(after, self.now) + (REACTION if after else 0.0)
        for reply in replies:
            start = round(at if reply.start is None else reply.start, 2)
            end = round(start + seconds_to_say(reply.text) if reply.end is None else reply.end, 2)
            events = tuple(
                msgspec.structs.replace(event, time=end if event.time is None else round(event.time, 2))
                for event in reply.events
            )
            at = end
            if reply.text.strip():
                self._turns.append(Turn(role="agent", text=reply.text, start=start, end=end))
            self._events.extend(events)
            self._case = reply.case or self._case
            self._pass(end)
            self.ended = self.ended or any(event.kind == "hangup" for event in events)
            placed.append(msgspec.structs.replace(reply, start=start, end=end, events=events))
        self.replies.extend(placed)
        return placed

    def _pass(self, until: float) -> None:
        self.now = max(self.now, round(until, 2))
        if self.now > self._longest and not self.ended:
            self.ended = True
            self._limits = (f"the conversation was broken off after {self._longest:g} s",)


def drive(bot: Bot | AsyncBot, moves: Iterable[Move], *, id: str = "conversation", language: str = "") -> Call:
    """The Call that comes of these moves; those after the end are not made. Raises :class:`BotError`."""
    with Conversation(bot, id=id, language=language) as conversation:
        for move in moves:
            conversation.send(move)
        return conversation.call()


class Awaited:
    """An asynchronous bot as a plain one."""

    def __init__(self, bot: AsyncBot) -> None:
        self._bot = bot

    @property
    def abilities(self) -> Abilities:
        """Those of the bot."""
        return self._bot.abilities

    def open(self) -> Sequence[Reply]:
        """See :class:`Bot`."""
        return loop.run(_answer(self._bot.open()))

    def send(self, move: Move) -> Sequence[Reply]:
        """See :class:`Bot`."""
        return loop.run(_answer(self._bot.send(move)))

    def close(self) -> None:
        """See :class:`Bot`."""
        loop.run(_answer(self._bot.close()))


async def _answer(answer: Awaitable[T]) -> T:
    return await answer


def as_bot(bot: Bot | AsyncBot) -> Bot:
    """The bot, made a plain one if it is asynchronous."""
    return Awaited(cast(AsyncBot, bot)) if inspect.iscoroutinefunction(bot.send) else cast(Bot, bot)

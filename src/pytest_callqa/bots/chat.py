"""What all bots share that answer text with text: how they begin, what ends them, and that they know no time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from pytest_callqa.bots import Abilities, Move, Reply
from pytest_callqa.call import Event

HANGS_UP = Event(kind="hangup", by="agent")


class ChatOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of every chat bot.

    ``begin`` is sent to have the bot speak first, ``bye`` when the customer hangs up; a reply that holds one of
    ``ends`` ends the conversation. With ``real_time`` the seconds a live bot takes count. ``deterministic`` is
    false for one whose answers vary.
    """

    begin: str = ""
    bye: str = ""
    ends: tuple[str, ...] = ()
    real_time: bool = False
    deterministic: bool = True


class Talker(Protocol):
    """A chat protocol."""

    def begin(self) -> Sequence[Reply]:
        """Begin a conversation: what the bot says unasked."""
        ...

    def say(self, move: Move) -> Sequence[Reply]:
        """What the bot answers to words, or keys, that end at ``move.end``; perhaps nothing."""
        ...

    def end(self) -> None:
        """Let go of what the conversation held."""
        ...


class ChatBot:
    """A talker as a bot; ``able`` are abilities besides hearing words."""

    def __init__(self, talker: Talker, options: ChatOptions, **able: bool) -> None:
        self.talker, self._options = talker, options
        self.abilities = Abilities(real_time=options.real_time, deterministic=options.deterministic, **able)

    def open(self) -> Sequence[Reply]:
        """See :class:`~pytest_callqa.bots.Bot`."""
        begun = self.talker.begin()
        begin = self._options.begin
        return self._ended([*begun, *(self.talker.say(Move(text=begin)) if begin else ())])

    def send(self, move: Move) -> Sequence[Reply]:
        """See :class:`~pytest_callqa.bots.Bot`."""
        if not move.hang_up:
            return self._ended(self.talker.say(move))
        if self._options.bye:
            self.talker.say(Move(text=self._options.bye, end=move.end))
        return ()

    def close(self) -> None:
        """See :class:`~pytest_callqa.bots.Bot`."""
        self.talker.end()

    def _ended(self, replies: Sequence[Reply]) -> Sequence[Reply]:
        for place, reply in enumerate(replies):
            if any(text in reply.text for text in self._options.ends):
                return [*replies[:place], msgspec.structs.replace(reply, events=(*reply.events, HANGS_UP))]
        return replies

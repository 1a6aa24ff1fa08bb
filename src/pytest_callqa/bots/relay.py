"""Twilio ConversationRelay: a voice bot on the text side of its WebSocket.

Wire: https://www.twilio.com/docs/voice/conversationrelay/websocket-messages
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import uuid4

import msgspec

from pytest_callqa.bots import Move, Reply
from pytest_callqa.bots.chat import HANGS_UP, ChatBot
from pytest_callqa.bots.driver import cut_short, seconds_to_say
from pytest_callqa.bots.web import WebOptions, shorten
from pytest_callqa.bots.websocket import Line
from pytest_callqa.call import Event
from pytest_callqa.errors import BotError


class Options(WebOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a ConversationRelay bot.

    ``greeting`` is the welcome that Twilio would speak, ``parameters`` go along with the setup. ``speaks_first``: the
    bot answers the setup. After its last token it has so many seconds, ``quiet``, to say more.
    """

    greeting: str = ""
    language: str = "en-US"
    caller: str = "+15005550006"
    called: str = "+15005550001"
    parameters: dict[str, str] = msgspec.field(default_factory=dict)
    speaks_first: bool = False
    quiet: float = 0.3


class _Message(msgspec.Struct):
    type: str
    token: str = ""
    last: bool = False
    source: str = ""
    handoff: str = msgspec.field(default="", name="handoffData")


def build(at: str, options: Options, allow: Collection[str]) -> ChatBot:
    """A bot for ``relay:ws://localhost:8080/ws``."""
    return ChatBot(Relay(Line(at, options, allow), options), options, keys=True, barge_in=True, push=True)


class Relay:
    """ConversationRelay as a talker: what Twilio hears and sends is simulated."""

    def __init__(self, line: Line, options: Options) -> None:
        self._line, self._options = line, options
        self._said = ""

    def begin(self) -> Sequence[Reply]:
        """The setup of a new call."""
        self._line.open()
        options = self._options
        call = f"CA{uuid4().hex}"
        self._line.send(
            {
                "type": "setup",
                "sessionId": f"VX{uuid4().hex}",
                "accountSid": f"AC{'0' * 32}",
                "callSid": call,
                "from": options.caller,
                "to": options.called,
                "direction": "inbound",
                "callType": "PSTN",
                "callStatus": "IN-PROGRESS",
                "customParameters": options.parameters,
            }
        )
        self._said = options.greeting
        welcome = [Reply(text=options.greeting)] if options.greeting else []
        return [*welcome, *self._listen()] if options.speaks_first else welcome

    def say(self, move: Move) -> Sequence[Reply]:
        """Interrupt if the customer talks over it; then the words, or the keys one by one."""
        if move.over and self._said:
            heard = 1 - move.over
            self._line.send(
                {
                    "type": "interrupt",
                    "utteranceUntilInterrupt": cut_short(self._said, heard).removesuffix("—"),
                    "durationUntilInterruptMs": round(seconds_to_say(self._said) * heard * 1000),
                }
            )
        for key in move.keys:
            self._line.send({"type": "dtmf", "digit": key})
        if move.text:
            language = self._options.language
            self._line.send({"type": "prompt", "voicePrompt": move.text, "lang": language, "last": True})
        return self._listen()

    def end(self) -> None:
        """Close: the customer has hung up."""
        self._line.close()

    def _listen(self) -> Sequence[Reply]:
        replies: list[Reply] = []
        tokens: list[str] = []
        while True:
            try:
                frame = self._line.receive(self._options.quiet if replies and not tokens else self._line.timeout)
            except EOFError:
                return [*replies, Reply(events=(HANGS_UP,))]
            if frame is None:
                if tokens:
                    raise self._line.late()
                return replies
            try:
                message = msgspec.json.decode(frame, type=_Message)
            except msgspec.DecodeError as error:
                raise BotError(
                    f"the bot sent what is no message of ConversationRelay: {error}", [shorten(frame)]
                ) from None
            if message.type == "text":
                tokens.append(message.token)
                if message.last:
                    self._said = "".join(tokens)
                    tokens = []
                    replies.append(Reply(text=self._said, raw=shorten(frame)))
            elif message.type == "play":
                replies.append(Reply(text=f"[{message.source.rpartition('/')[2]}]", raw=shorten(frame)))
            elif message.type == "end":
                handed = Event(kind="transfer", by="agent", value=shorten(message.handoff))
                return [*replies, Reply(events=(handed, HANGS_UP) if message.handoff else (HANGS_UP,))]

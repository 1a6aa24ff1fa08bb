"""Direct Line 3.0: the channel of Bot Framework that customers' apps talk to, by polling or by its WebSocket stream.

Wire: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-direct-line-3-0-api-reference
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from urllib.parse import quote
from uuid import uuid4

import msgspec

from pytest_callqa.bots import Move, Reply
from pytest_callqa.bots.activities import Activity, replies_of
from pytest_callqa.bots.chat import ChatBot
from pytest_callqa.bots.web import Answer, Web, WebOptions, client
from pytest_callqa.bots.websocket import Line
from pytest_callqa.errors import BotError

POLL = 0.05
"""Seconds between two looks at what the bot said."""


class Options(WebOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a bot behind Direct Line.

    ``secret`` may name one as ``${NAME}``; ``greets``: listen for what the bot says unasked; ``stream``: listen on the
    WebSocket that the service offers instead of polling. A turn is over when the bot was ``quiet`` for so many seconds.
    """

    secret: str = ""
    locale: str = "en-US"
    greets: bool = True
    stream: bool = False
    quiet: float = 0.5


class _Started(msgspec.Struct):
    id: str = msgspec.field(name="conversationId")
    token: str = ""
    stream: str = msgspec.field(default="", name="streamUrl")


class _Activities(msgspec.Struct):
    activities: list[Activity] = []
    watermark: str | int | None = None


def build(at: str, options: Options, allow: Collection[str]) -> ChatBot:
    """A bot for ``directline:http://localhost:3000/directline``, the address before ``/conversations``."""
    return ChatBot(DirectLine(client(at, options, allow), options, allow), options, push=True)


class DirectLine:
    """A customer's app as a talker: each conversation has a user of its own."""

    def __init__(self, web: Web, options: Options, allow: Collection[str] = ()) -> None:
        self.web, self._options, self._allow = web, options, allow
        self._secret = web.secrets.fill(options.secret)
        self._line: Line | None = None

    def begin(self) -> Sequence[Reply]:
        """A new conversation; what the bot says unasked. Raises :class:`BotError` without a stream to listen on."""
        self._user, self._watermark = f"callqa-{uuid4().hex}", ""
        base = f"{self.web.url.rstrip('/')}/conversations"
        self._bearer = self._secret
        started = self._asked("POST", base).read(_Started)
        self._at = f"{base}/{quote(started.id, safe='')}"
        self._bearer = started.token or self._secret
        if self._options.stream:
            if not started.stream:
                raise BotError("the service offers no stream; leave `stream: yes` out, and it is polled")
            self._line = Line(started.stream, self._options, self._allow)
            self._line.open()
        return self._listen() if self._options.greets else []

    def say(self, move: Move) -> Sequence[Reply]:
        """A message; what the bot says until it is quiet."""
        message = {"type": "message", "from": {"id": self._user}, "text": move.text, "locale": self._options.locale}
        if self._line is not None:
            self._line.turn()
        self._asked("POST", f"{self._at}/activities", message)
        return self._listen()

    def end(self) -> None:
        """Close the stream, if there is one."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _asked(self, method: str, url: str, json: object = None) -> Answer:
        headers = {"Authorization": f"Bearer {self._bearer}"} if self._bearer else {}
        return self.web.request(method, url, json=json, headers=headers)

    def _listen(self) -> Sequence[Reply]:
        options, replies = self._options, list[Reply]()
        last = time.monotonic()
        until = last + options.timeout
        while (now := time.monotonic()) < last + options.quiet:
            if now > until:
                raise BotError(f"the bot went on for more than {options.timeout:g} s")
            came = [reply for each in self._more() if each.sender.id != self._user for reply in replies_of(each)]
            if came:
                replies += came
                last = time.monotonic()
        return replies

    def _more(self) -> list[Activity]:
        """The activities since the last look."""
        if self._line is not None:
            try:
                frame = self._line.receive(POLL)
                return msgspec.json.decode(frame, type=_Activities).activities if frame else []
            except (EOFError, msgspec.DecodeError) as error:
                raise BotError(f"the stream of activities broke off: {error}") from None
        time.sleep(POLL)
        query = f"?watermark={quote(self._watermark)}" if self._watermark else ""
        found = self._asked("GET", f"{self._at}/activities{query}").read(_Activities)
        self._watermark = str(found.watermark or self._watermark)
        return found.activities

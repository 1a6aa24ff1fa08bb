"""Bot Framework: activities posted to the bot, and its replies taken from the answer or at a local callback.

Wire: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from uuid import uuid4

import msgspec

from pytest_callqa.bots import Move, Reply
from pytest_callqa.bots.chat import HANGS_UP, ChatBot
from pytest_callqa.bots.web import MOST, Web, WebOptions, client, shorten
from pytest_callqa.call import Event
from pytest_callqa.errors import BotError


class Options(WebOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a Bot Framework bot.

    ``joins``: tell it that the customer has joined, which is when many bots greet. A turn is over when the bot has
    answered the request and was ``quiet`` for so many seconds.
    """

    channel: str = "emulator"
    locale: str = "en-US"
    joins: bool = True
    quiet: float = 0.2


class Party(msgspec.Struct):
    """Who an activity is from, by ``id``."""

    id: str = ""


class Activity(msgspec.Struct):
    """What a bot does, as far as a customer notices it."""

    type: str = "message"
    text: str | None = None
    name: str | None = None
    sender: Party = msgspec.field(default_factory=Party, name="from")


class _Expected(msgspec.Struct):
    activities: list[Activity] = []


def build(at: str, options: Options, allow: Collection[str]) -> ChatBot:
    """A bot for ``activities:http://localhost:3978/api/messages`` or ``activities:module:app/api/messages``."""
    return ChatBot(Activities(client(at, options, allow), options), options, push=True)


class Activities:
    """The connector as a talker: the local callback is where the bot believes the channel to be."""

    def __init__(self, web: Web, options: Options) -> None:
        self.web, self._options = web, options
        self._conversation = ""
        self._pushed: SimpleQueue[Activity] = SimpleQueue()
        self._refused: list[BotError] = []
        self._server: ThreadingHTTPServer | None = None

    def begin(self) -> Sequence[Reply]:
        """A new conversation, which the customer joins."""
        self.end()
        self._pushed, self._refused = SimpleQueue(), []
        self._conversation = uuid4().hex
        self._server = _serve(self._pushed, self._refused)
        if not self._options.joins:
            return []
        return self._post({"type": "conversationUpdate", "membersAdded": [{"id": "bot"}, {"id": "customer"}]})

    def say(self, move: Move) -> Sequence[Reply]:
        """A message; what the bot answers, in whichever way it does."""
        return self._post({"type": "message", "text": move.text, "textFormat": "plain", "locale": self._options.locale})

    def end(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _post(self, activity: dict[str, object]) -> Sequence[Reply]:
        assert self._server is not None
        sent = {
            "id": uuid4().hex,
            "timestamp": datetime.now(UTC).isoformat(),
            "channelId": self._options.channel,
            "serviceUrl": f"http://127.0.0.1:{self._server.server_port}",
            "from": {"id": "customer", "name": "Customer", "role": "user"},
            "recipient": {"id": "bot", "name": "Bot", "role": "bot"},
            "conversation": {"id": self._conversation},
            **activity,
        }
        try:
            answer = self.web.request("POST", self.web.url, json=sent)
        except BotError as error:
            raise next(iter(self._refused), error) from None  # who is refused what it pushes may well break
        found = answer.read(_Expected).activities if answer.body.strip().startswith(b"{") else []
        until = time.monotonic() + self._options.timeout
        with suppress(Empty):
            while time.monotonic() < until:
                found.append(self._pushed.get(timeout=self._options.quiet))
            raise BotError(f"the bot went on for more than {self._options.timeout:g} s")
        if self._refused:
            raise self._refused[0]
        return [reply for each in found for reply in replies_of(each)]


def replies_of(activity: Activity) -> list[Reply]:
    """An activity as replies: its words, the end of the conversation, a hand-over; none for anything else."""
    raw = shorten(msgspec.json.encode(activity))
    if activity.type == "message" and activity.text:
        return [Reply(text=activity.text, raw=raw)]
    if activity.type == "endOfConversation":
        return [Reply(text=activity.text or "", raw=raw, events=(HANGS_UP,))]
    if activity.type == "handoff" or (activity.type == "event" and (activity.name or "").startswith("handoff")):
        return [Reply(raw=raw, events=(Event(kind="transfer", by="agent", value=activity.name or ""),))]
    return []


def _serve(pushed: SimpleQueue[Activity], refused: list[BotError]) -> ThreadingHTTPServer:
    """The callback, on loopback: whatever activity is posted to it is put into the queue, unless it is too large."""

    class Callback(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            size = int(length) if length.isdecimal() else 0
            if size > MOST:
                refused.append(BotError(f"the bot sent an activity of more than {MOST:,} bytes"))
                self.close_connection = True
                self._answer(413, b"{}")
                return
            try:
                pushed.put(msgspec.json.decode(self.rfile.read(size), type=Activity))
            except msgspec.DecodeError:
                self._answer(400, b"{}")
            else:
                self._answer(200, msgspec.json.encode({"id": uuid4().hex}))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server

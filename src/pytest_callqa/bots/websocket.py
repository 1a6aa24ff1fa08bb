"""Chat bots behind a WebSocket: text frames by a template, replies by a JSONPath or as they come."""

from __future__ import annotations

import socket
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import cast
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection, connect

from pytest_callqa.bots import Move, Reply
from pytest_callqa.bots.chat import HANGS_UP, ChatBot
from pytest_callqa.bots.http import Template, fill, json_path
from pytest_callqa.bots.web import MOST, Secrets, WebOptions, bare, shorten
from pytest_callqa.bots.wire import is_loopback, left, permit, resolve
from pytest_callqa.errors import BadInput, BotError


class Options(WebOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a WebSocket bot.

    ``send`` is a frame with ``{text}`` and ``{session}`` filled in, ``first`` are frames sent at the beginning. Without
    ``replies``, a JSONPath, a frame is a reply as it is. A turn is over when the JSONPath ``turn`` is true, else when
    the bot was ``quiet`` for so many seconds; the call is over when ``ended`` is true or the bot closes.
    ``speaks_first``: wait for its greeting.
    """

    send: object = "{text}"
    first: list[object] = msgspec.field(default_factory=list)
    replies: str = ""
    turn: str = ""
    ended: str = ""
    quiet: float = 0.3
    speaks_first: bool = False


def build(at: str, options: Options, allow: Collection[str]) -> ChatBot:
    """A bot for ``websocket:ws://localhost:8000/chat``."""
    return ChatBot(Frames(Line(at, options, allow), options), options, push=True)


class Line:
    """One connection at a time to the bot the user named. Raises :class:`BadInput` for what is no such address."""

    def __init__(self, at: str, options: WebOptions, allow: Collection[str]) -> None:
        parts = urlsplit(at)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise BadInput(f"{at!r} is no address of a WebSocket, such as ws://localhost:8000/chat")
        permit(parts.hostname, allow)
        self._url, self._host = at, parts.hostname
        self._port = parts.port or (443 if parts.scheme == "wss" else 80)
        self._timeout = options.timeout
        self._secrets = Secrets()
        self._headers = {name: self._secrets.fill(value) for name, value in options.headers.items()}
        self._opened = ExitStack()
        self._connection: ClientConnection | None = None
        self._until, self._read = 0.0, 0

    def open(self) -> None:
        """Connect anew. Raises :class:`BotError`."""
        self.close()
        self.turn()
        try:
            host = self._host if is_loopback(self._host) else resolve(self._host)
            self._opened = ExitStack()
            opening = connect(
                self._url,
                sock=socket.create_connection((host, self._port), timeout=self._timeout),
                additional_headers=self._headers,
                open_timeout=self._timeout,
                close_timeout=0.2,
                max_size=MOST,
                proxy=None,
            )
            self._connection = self._opened.enter_context(opening)
        except (OSError, WebSocketException) as error:
            raise BotError(f"{bare(self._url)} could not be reached: {self._secrets.hide(str(error))}") from None

    def send(self, frame: object) -> None:
        """Send a text, or anything else as JSON. Raises :class:`BotError` if the bot has gone."""
        assert self._connection is not None
        text = frame if isinstance(frame, str) else msgspec.json.encode(frame).decode()
        self.turn()
        try:
            self._connection.send(text)
        except ConnectionClosed:
            raise BotError(f"{bare(self._url)} has closed the connection", [f"> {shorten(text)}"]) from None

    def receive(self, seconds: float) -> str | None:
        """The next frame; None if none comes. Raises :class:`EOFError` once the bot has closed, properly.

        A turn is bounded however it is cut into frames: the bot has so many bytes and seconds for all of them.
        """
        assert self._connection is not None
        try:
            frame = self._connection.recv(timeout=min(seconds, left(self._until)), decode=False)
            self._read += len(frame)
            if self._read > MOST:
                raise self._long()
            return frame.decode()
        except TimeoutError:
            if seconds < self._timeout and time.monotonic() >= self._until:  # it was still talking then
                raise BotError(f"{bare(self._url)} went on for more than {self._timeout:g} s") from None
            return None
        except UnicodeDecodeError:
            raise BotError(f"{bare(self._url)} sent what is not UTF-8") from None
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == CloseCode.MESSAGE_TOO_BIG:
                raise self._long() from None
            code = closed.rcvd.code if closed.rcvd else 1006
            if code in (1000, 1001, 1005):
                raise EOFError from None
            raise BotError(f"{bare(self._url)} broke off the connection: {closed}") from None

    def turn(self) -> None:
        """Begin a turn, for which the bot has its bytes and seconds anew."""
        self._until, self._read = time.monotonic() + self._timeout, 0

    def _long(self) -> BotError:
        return BotError(f"{bare(self._url)} answered more than {MOST:,} bytes")

    def late(self) -> BotError:
        """The error of a bot that took too long."""
        return BotError(f"{bare(self._url)} did not answer within {self._timeout:g} s")

    @property
    def timeout(self) -> float:
        """Seconds that the bot has for an answer."""
        return self._timeout

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._opened.close()
            self._connection = None


class Frames:
    """The templates as a talker."""

    def __init__(self, line: Line, options: Options) -> None:
        self._line, self._options = line, options
        self._replies = json_path(options.replies) if options.replies else None
        self.turn = json_path(options.turn) if options.turn else None
        self._ended = json_path(options.ended) if options.ended else None
        self._known: Mapping[str, object] = {}

    def begin(self) -> Sequence[Reply]:
        """Connect, and send the first frames."""
        self._line.open()
        self._known = {"session": uuid4().hex}
        for template in self._options.first:
            self._line.send(fill(cast(Template, template), self._known))
        return self._listen() if self._options.speaks_first else []

    def say(self, move: Move) -> Sequence[Reply]:
        """Send a frame; the replies of this turn."""
        self._line.send(fill(cast(Template, self._options.send), {**self._known, "text": move.text}))
        return self._listen()

    def end(self) -> None:
        """Close."""
        self._line.close()

    def _listen(self) -> Sequence[Reply]:
        replies: list[Reply] = []
        while True:
            waits = self._options.quiet if replies and self.turn is None else self._line.timeout
            try:
                frame = self._line.receive(waits)
            except EOFError:
                return [*replies, Reply(events=(HANGS_UP,))]
            if frame is None:
                if self.turn is not None:
                    raise self._line.late()
                return replies
            value = self._value(frame)
            found = [match.value for match in self._replies.find(value)] if self._replies else [frame]
            replies += [Reply(text=text, raw=shorten(frame)) for text in found if isinstance(text, str)]
            if self._ended is not None and any(match.value for match in self._ended.find(value)):
                return [*replies, Reply(events=(HANGS_UP,))]
            if self.turn is not None and any(match.value for match in self.turn.find(value)):
                return replies

    def _value(self, frame: str) -> object:
        if not (self._replies or self.turn or self._ended):
            return None
        try:
            value: object = msgspec.json.decode(frame)
        except msgspec.DecodeError as error:
            raise BotError(f"the bot sent a frame that is no JSON: {error}", [shorten(frame)]) from None
        return value

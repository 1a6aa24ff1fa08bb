"""An answer of 100 MB, or one without an end, is cut off early on every wire, and memory stays flat."""

from __future__ import annotations

import json
import socket
import sys
import threading
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from flask import Flask, Response, request
from tests.servers import answering, serving
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from pytest_callqa.bots import Move
from pytest_callqa.bots.chat import ChatBot
from pytest_callqa.bots.driver import drive
from pytest_callqa.bots.http import Http
from pytest_callqa.bots.http import Options as HttpOptions
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.bots.web import MOST, Web
from pytest_callqa.errors import BotError

PART = 50_000
PARTS = 2_000
"""100 MB in all."""

CONSUMED = 20 * MOST
"""Bytes that may have left a server that is cut off: the limit, and what the sockets hold on the way."""

MEMORY = 20 * MOST
"""Bytes that the whole exchange may take here, with that of the server, which lives in this process."""


class Flood:
    """A server that sends parts until nobody listens, and counts the bytes it got rid of."""

    def __init__(self, head: bytes, part: bytes) -> None:
        self.head, self.part, self.sent = head, part, 0

    def __call__(self, connection: socket.socket) -> None:
        connection.sendall(self.head)
        for _ in range(PARTS):
            connection.sendall(self.part)
            self.sent += len(self.part)


@contextmanager
def flat() -> Iterator[None]:
    """Fails if what happens inside takes much memory."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY


def http_head(media: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nContent-Length: {PART * PARTS}\r\n\r\n".encode()


JSON, XML, EVENTS = "application/json", "text/xml", "text/event-stream"


@pytest.mark.parametrize(
    ("kind", "settings", "media", "part"),
    [
        ("http", {}, JSON, b"x" * PART),
        ("rasa", {}, JSON, b"[" * PART),
        ("twiml", {}, XML, b"<Say>x</Say>" * (PART // 12)),
        ("jambonz", {}, JSON, b"x" * PART),
        ("vonage", {}, JSON, b"x" * PART),
        ("openai", {"model": "m"}, JSON, b"x" * PART),
        ("openai", {"model": "m", "stream": True}, EVENTS, b"data: {}\n\n" * (PART // 10)),
        ("activities", {}, JSON, b"{" * PART),
    ],
    ids=["http", "rasa", "twiml", "jambonz", "vonage", "openai", "openai stream", "activities"],
)
def test_behind_http(tmp_path: Path, kind: str, settings: dict[str, object], media: str, part: bytes) -> None:
    flood = Flood(http_head(media), part)
    file = tmp_path / "bot.yaml"
    with answering(flood) as address, flat():
        file.write_text(json.dumps({"bot": f"{kind}:{address}", **settings}))
        with pytest.raises(BotError, match="answered more than 1,000,000 bytes"):
            drive(find_bot(str(file)), [Move(text="hi")])
    assert 0 < flood.sent < CONSUMED


@contextmanager
def frames(part: str, *, fragments: bool) -> Iterator[tuple[str, list[int]]]:
    """A WebSocket server that answers the first frame by 100 MB, in one message or in many."""
    sent: list[int] = []

    def parts() -> Iterator[str]:
        for _ in range(PARTS):
            yield part
            sent.append(len(part))

    def answer(connection: ServerConnection) -> None:
        connection.recv()
        with suppress(ConnectionClosed):
            if fragments:
                connection.send(parts())
            else:
                for each in parts():
                    connection.send(each)

    with serve(answer, "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}", sent
        server.shutdown()
        thread.join()


TOKEN = json.dumps({"type": "text", "token": "x" * PART, "last": False})


@pytest.mark.parametrize("fragments", [True, False], ids=["one message", "many messages"])
@pytest.mark.parametrize(("kind", "part"), [("websocket", "x" * PART), ("relay", TOKEN)])
def test_behind_a_websocket(kind: str, part: str, *, fragments: bool) -> None:
    with (
        frames(part, fragments=fragments) as (address, sent),
        flat(),
        pytest.raises(BotError, match="answered more than 1,000,000 bytes"),
    ):
        drive(find_bot(f"{kind}:{address}"), [Move(text="hi")])
    assert sum(sent) < CONSUMED


@pytest.mark.parametrize("kind", ["websocket", "relay"])
def test_a_socket_that_never_stops_is_broken_off(tmp_path: Path, kind: str) -> None:
    def drips(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                connection.send(json.dumps({"type": "text", "token": "x", "last": True}))

    with serve(drips, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        file = tmp_path / "bot.yaml"
        file.write_text(f"bot: {kind}:ws://127.0.0.1:{server.socket.getsockname()[1]}\ntimeout: 0.2\nquiet: 0.1\n")
        with flat(), pytest.raises(BotError, match=r"went on for more than 0\.2 s|answered more than 1,000,000 bytes"):
            drive(find_bot(str(file)), [Move(text="hi")])
        server.shutdown()
        thread.join()


def test_an_activity_pushed_to_the_callback() -> None:
    app = Flask(__name__)

    @app.post("/api/messages")
    def messages() -> tuple[str, int]:
        asked = request.get_json()
        where = f"{asked['serviceUrl']}/v3/conversations/x/activities"
        parts = (b"x" * PART for _ in range(PARTS))
        httpx.post(where, content=parts, headers={"Content-Length": str(PART * PARTS)}, trust_env=False)
        return "", 202

    with (
        serving(app) as address,
        flat(),
        pytest.raises(BotError, match="the bot sent an activity of more than 1,000,000 bytes"),
    ):
        drive(find_bot(f"activities:{address}/api/messages"), [])


def test_activities_without_end(tmp_path: Path) -> None:
    app = Flask(__name__)
    over = threading.Event()

    @app.post("/api/messages")
    def messages() -> tuple[str, int]:
        asked = request.get_json()

        def push() -> None:
            with httpx.Client(trust_env=False) as client, suppress(httpx.HTTPError):
                while not over.is_set():
                    client.post(asked["serviceUrl"], json={"type": "typing"})

        threading.Thread(target=push, daemon=True).start()
        return "", 202

    with serving(app) as address:
        file = tmp_path / "bot.yaml"
        file.write_text(f"bot: activities:{address}/api/messages\ntimeout: 0.5\nquiet: 0.3\n")
        with pytest.raises(BotError, match=r"the bot went on for more than 0\.5 s"):
            drive(find_bot(str(file)), [])
        over.set()


@pytest.mark.parametrize("lines", ["plain", "json"])
def test_a_program(tmp_path: Path, lines: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"for _ in range({PARTS}): print('x' * {PART}, end='')\n")
    file = tmp_path / "bot.yaml"
    file.write_text(f"bot: 'stdio:{sys.executable} {program}'\nlines: {lines}\nprompt: none\n")
    with flat(), pytest.raises(BotError, match="the program wrote more than 1,000,000 bytes"):
        drive(find_bot(str(file)), [Move(text="hi")])


def in_process(app: Callable[..., object]) -> ChatBot:
    return ChatBot(Http(Web("/chat", app=app), HttpOptions()), HttpOptions())


def test_a_wsgi_app_in_this_process() -> None:
    made: list[int] = []

    def parts() -> Iterator[bytes]:
        for _ in range(PARTS):
            made.append(PART)
            yield b"x" * PART

    app = Flask(__name__)
    app.add_url_rule("/chat", "chat", lambda: Response(parts()), methods=["POST"])
    with flat(), pytest.raises(BotError, match="answered more than 1,000,000 bytes"):
        drive(in_process(app), [Move(text="hi")])
    assert sum(made) <= MOST + PART


def test_an_asgi_app_in_this_process() -> None:
    made: list[int] = []

    async def app(scope: object, receive: object, send: Callable[[dict[str, object]], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(PARTS):
            made.append(PART)
            await send({"type": "http.response.body", "body": b"x" * PART, "more_body": True})

    with flat(), pytest.raises(BotError, match="answered more than 1,000,000 bytes"):
        drive(in_process(app), [Move(text="hi")])
    assert sum(made) <= MOST + PART

"""Direct Line 3.0, polled and on its stream: a small service of ours, as the reference of the API describes it.

``test_bots_npm.py`` has one that nobody here wrote, which has no stream.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from flask import Flask, request
from tests.ivr_kit import happened, talk, texts
from tests.servers import serving
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from pytest_callqa.bots import Move
from pytest_callqa.bots.chat import ChatBot
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.errors import BotError


class Service:
    """Conversations by number; what is said in one is answered by its bot, with watermarks as the API has them."""

    def __init__(self, *, streams: bool = True) -> None:
        self.said: dict[str, list[dict[str, object]]] = {}
        self.users: set[str] = set()
        self.stream = ""
        self.sockets: list[ServerConnection] = []
        self.streams = streams
        self.app = Flask(__name__)
        self.app.add_url_rule("/v3/directline/conversations", "start", self.start, methods=["POST"])
        where = "/v3/directline/conversations/<name>/activities"
        self.app.add_url_rule(where, "post", self.post, methods=["POST"])
        self.app.add_url_rule(where, "more", self.more, methods=["GET"])

    def start(self) -> object:
        if request.headers.get("Authorization") != "Bearer s3cret":
            return {"error": {"code": "BadArgument"}}, 403
        name = f"talk {len(self.said)}"
        self.said[name] = []
        self.bot_says(name, "Welcome.")
        return {
            "conversationId": name,
            "token": f"for {name}",
            **({"streamUrl": self.stream} if self.streams else {}),
        }, 201

    def post(self, name: str) -> object:
        assert request.headers["Authorization"] == f"Bearer for {name}"
        asked = request.get_json()
        self.users.add(asked["from"]["id"])
        self.said[name].append(asked)
        self.send([asked])  # the service shows a customer what they said, too
        text = asked["text"]
        if text == "boom":
            return {"error": {"code": "BotError"}}, 502
        if text == "bye":
            self.bot_says(name, "Bye.", type="endOfConversation")
        elif text == "close":
            self.sockets[-1].close()
        elif text == "odd":
            self.sockets[-1].send("[]")
        elif text != "nothing":
            self.bot_says(name, "", type="typing")
            self.bot_says(name, f"You said {text}")
        return {"id": f"{name}|0001"}

    def more(self, name: str) -> object:
        first = int(request.args.get("watermark", 0))
        # a number, as offline-directline of npm has it, where the reference has a text
        return {"activities": self.said[name][first:], "watermark": len(self.said[name])}

    def bot_says(self, name: str, text: str, type: str = "message") -> None:
        activity = {"type": type, "text": text, "from": {"id": "bot"}}
        self.said[name].append(activity)
        self.send([activity])

    def send(self, activities: list[dict[str, object]]) -> None:
        for socket in self.sockets[-1:]:
            with suppress(ConnectionClosed):  # the last customer has gone
                socket.send(json.dumps({"activities": activities}))

    def listen(self, connection: ServerConnection) -> None:
        self.sockets.append(connection)
        connection.send("")  # as the service does to keep the stream alive
        connection.send(json.dumps({"activities": self.said[f"talk {len(self.said) - 1}"], "watermark": "1"}))
        for _ in connection:
            continue


@contextmanager
def streaming(service: Service) -> Iterator[None]:
    server: Server
    with serve(service.listen, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        service.stream = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/stream"
        yield
        server.shutdown()
        thread.join()


@pytest.fixture
def bot_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("DIRECTLINE", "s3cret")

    def make(address: str, **settings: object) -> ChatBot:
        told = {"secret": "${DIRECTLINE}", "quiet": 0.3, "timeout": 2, **settings}
        (tmp_path / "bot.yaml").write_text(json.dumps({"bot": f"directline:{address}/v3/directline", **told}))
        found = find_bot(str(tmp_path / "bot.yaml"))
        assert isinstance(found, ChatBot)
        return found

    return make


@pytest.mark.parametrize("stream", [False, True])
def test_a_bot_is_polled_or_listened_to(bot_at: object, *, stream: bool) -> None:
    service = Service()
    with serving(service.app) as address, streaming(service):
        bot = bot_at(address, stream=stream)  # type: ignore[operator]
        call = talk(bot, Move(text="hi"), Move(text="nothing"), Move(text="bye"))
        again = talk(bot, Move(text="hi"))
    assert texts(call) == ["Welcome.", "You said hi", "Bye."]
    assert happened(call)[-1][0] == "hangup"
    assert texts(again) == ["Welcome.", "You said hi"]
    assert len(service.users) == 2
    assert bool(service.sockets) is stream


def test_a_bot_may_be_asked_without_waiting_for_its_greeting(bot_at: object) -> None:
    service = Service()
    with serving(service.app) as address:
        call = talk(bot_at(address, greets=False), Move(text="hi"))  # type: ignore[operator]
    assert texts(call) == ["Welcome.", "You said hi"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("boom", "answered 502"),
        ("close", "the stream of activities broke off"),
        ("odd", "the stream of activities broke"),
    ],
)
def test_what_breaks_is_an_error_of_the_bot(bot_at: object, text: str, told: str) -> None:
    service = Service()
    with serving(service.app) as address, streaming(service), pytest.raises(BotError, match=told):
        talk(bot_at(address, stream=True), Move(text=text))  # type: ignore[operator]


def test_a_service_that_refuses_or_has_no_stream_is_told(bot_at: object) -> None:
    with serving(Service(streams=False).app) as address:
        with pytest.raises(BotError, match="the service offers no stream"):
            talk(bot_at(address, stream=True))  # type: ignore[operator]
        with pytest.raises(BotError, match="answered 403"):
            talk(bot_at(address, secret=""))  # type: ignore[operator]


def test_a_bot_that_never_stops_is_broken_off(bot_at: object) -> None:
    service = Service()
    service.more = lambda name: {"activities": [{"text": "And more.", "from": {"id": "bot"}}]}  # type: ignore[method-assign]
    service.app.view_functions["more"] = service.more
    with serving(service.app) as address, pytest.raises(BotError, match=r"the bot went on for more than 0\.5 s"):
        talk(bot_at(address, timeout=0.5))  # type: ignore[operator]

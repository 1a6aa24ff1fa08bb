"""HTTP to the bot the user named and to nobody else, in bounds."""

from __future__ import annotations

import gzip
import select
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import trustme
from fastapi import FastAPI, Request
from flask import Flask, Response, jsonify, redirect, request
from tests.servers import answering, sends, serving

from pytest_callqa.bots import wire
from pytest_callqa.bots.web import Answer, Secrets, Web, shorten
from pytest_callqa.bots.wire import is_loopback
from pytest_callqa.errors import BadInput, BotError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"


def echo() -> Flask:
    app = Flask(__name__)

    @app.route("/echo", methods=["GET", "POST"])
    def say() -> Response:
        return jsonify(method=request.method, form=request.form.to_dict(), json=request.get_json(silent=True))

    @app.route("/moved", methods=["POST"])
    def moved() -> object:
        return redirect("/echo", code=int(request.args.get("code", "302")))

    @app.route("/away", methods=["POST"])
    def away() -> object:
        return redirect(request.args["to"])

    @app.route("/round", methods=["GET", "POST"])
    def round_and_round() -> object:
        return redirect("/round")

    @app.route("/broken", methods=["POST"])
    def broken() -> object:
        raise ValueError("no menu")

    @app.route("/secret", methods=["POST"])
    def secret() -> Response:
        return Response(f"bad key {request.headers['Authorization']}", status=401)

    return app


def test_an_app_in_this_process_and_behind_an_address_answer_alike() -> None:
    app = echo()
    inside = Web("/echo", app=app)
    with serving(app) as address:
        outside = Web(f"{address}/echo")
        for client in (inside, outside):
            assert client.request("POST", client.url, form={"a": "1"}).read(object) == {
                "method": "POST",
                "form": {"a": "1"},
                "json": None,
            }
            told = client.request("POST", client.url, json={"b": [1]})
            assert (told.media, told.status) == ("application/json", 200)
            assert told.read(object) == {"method": "POST", "form": {}, "json": {"b": [1]}}


def test_an_asgi_app_in_this_process_answers_too() -> None:
    app = FastAPI()

    @app.post("/echo")
    async def say(request: Request) -> dict[str, object]:
        return {"host": request.url.hostname, "body": await request.json()}

    client = Web("echo", app=app, host="https://ivr.example")
    assert client.request("POST", client.url, json=5).read(object) == {"host": "ivr.example", "body": 5}

    async def bare_app(scope: object, receive: object, send: Callable[..., object]) -> None:
        raise KeyError("lifespan")

    with pytest.raises(BotError, match="/x broke: KeyError: 'lifespan'"):
        Web("/x", app=bare_app).request("GET", "http://testserver/x")


@pytest.mark.parametrize(("code", "method"), [(302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_redirects_are_followed(code: int, method: str) -> None:
    client = Web("/moved", app=echo())
    answer = client.request("POST", f"{client.url}?code={code}", form={"a": "1"})
    assert answer.url == "http://testserver/echo"
    assert answer.read(object) == {"method": method, "form": {"a": "1"} if method == "POST" else {}, "json": None}


def cookies() -> Flask:
    """Counts the visits of a caller in a cookie, and says whether the next one is another caller."""
    app = Flask(__name__)

    @app.get("/visit")
    def visit() -> Response:
        seen = int(request.cookies.get("seen", 0))
        response = jsonify(seen=seen, key=request.headers.get("X-Key"))
        response.set_cookie("seen", str(seen + 1), path=request.args.get("path", "/"))
        return response

    return app


def test_cookies_last_for_a_conversation_and_stay_where_they_belong() -> None:
    client = Web("/visit", app=cookies())

    def seen(**query: str) -> object:
        told = client.request("GET", client.url, query=query).read(dict[str, object])
        return told["seen"]

    assert [seen(), seen(), seen()] == [0, 1, 2]
    client.clear()
    assert [seen(path="/elsewhere"), seen()] == [0, 0]


def test_the_connection_is_kept_until_the_server_ends_it() -> None:
    connections: list[socket.socket] = []

    def twice(connection: socket.socket) -> None:
        connections.append(connection)
        connection.sendall(HEAD + b"Content-Length: 1\r\n\r\n1")
        connection.recv(65536)
        connection.sendall(HEAD + b"Content-Length: 1\r\nConnection: close\r\n\r\n2")

    with answering(twice) as address:
        client = Web(address)
        assert [client.request("GET", address).text for _ in range(4)] == ["1", "2", "1", "2"]
    assert len(connections) == 2


def test_a_connection_that_the_server_ended_meanwhile_is_made_anew() -> None:
    answers = sends(HEAD + b"Content-Length: 2\r\n\r\nok")
    with answering(answers) as address:
        line = wire.Connection()
        asked = wire.Asked("GET", httpx.URL(address), {}, b"")
        for _ in range(3):
            assert line.exchange(asked, 1000, 5).body == b"ok"
            assert select.select([line._socket], [], [], 5)[0]  # it has gone
        line.close()


def test_what_comes_before_an_answer_is_none() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
    with answering(sends(early + HEAD + b"Content-Length: 2\r\n\r\nok")) as address:
        assert Web(address).request("GET", address).text == "ok"


def test_no_time_is_left_after_a_time() -> None:
    assert wire.left(time.monotonic() + 60) > 1
    with pytest.raises(TimeoutError):
        wire.left(time.monotonic())


def test_https_is_spoken_to_who_can_prove_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serving(echo(), context) as address:
        client = Web(f"{address}/echo")
        with pytest.raises(BotError, match="could not be reached: SSLCertVerificationError"):
            client.request("GET", client.url)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        client = Web(f"{address}/echo")
        assert client.request("GET", client.url).status == 200


def test_secrets_go_to_the_bots_own_host_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_KEY", "s3cret")
    with serving(cookies()) as other:
        app = echo()
        app.add_url_rule("/visit", "visit", cookies().view_functions["visit"])
        client = Web("/visit", app=app, headers={"X-Key": "${BOT_KEY}"}, allow=["127.0.0.1"])
        assert client.request("GET", client.url).read(dict[str, object])["key"] == "s3cret"
        assert client.request("GET", f"{other}/visit").read(dict[str, object])["key"] is None


def test_redirects_end() -> None:
    client = Web("/round", app=echo())
    with pytest.raises(BotError, match="http://testserver/round redirects more than 10 times") as caught:
        client.request("POST", client.url)
    assert len(caught.value.exchange) == 11


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("https://elsewhere.example/x", "the bot is at elsewhere.example, which nobody allowed; add --bot-allow"),
        ("http://169.254.169.254/latest/meta-data", "the bot is at 169.254.169.254, which nobody allowed"),
        ("file:///etc/passwd", "file:/etc/passwd is neither http nor https"),
        ("http://localhost:1/x", "the app in this process leads to http://localhost:1/x; add --bot-allow localhost"),
    ],
)
def test_redirects_to_other_places_are_refused(to: str, told: str) -> None:
    client = Web("/away", app=echo())
    with pytest.raises(BotError, match=told):
        client.request("POST", f"{client.url}?to={to}")


def test_a_document_that_leads_elsewhere_is_refused_too() -> None:
    client = Web("/echo", app=echo())
    with pytest.raises(BotError, match=r"the bot is at evil\.example, which nobody allowed"):
        client.request("POST", "http://evil.example/next")


def test_an_address_that_is_not_loopback_needs_to_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BotError, match=r"the bot is at bot\.example, which nobody allowed"):
        Web("https://bot.example/voice")
    app = echo()
    leads_to = {"bot.example": "127.0.0.1", "cloud.example": "169.254.169.254", "127.0.0.1": "127.0.0.1"}

    def lookup(host: str, port: int | None, *_: object, **__: object) -> list[tuple[object, ...]]:
        if host not in leads_to:
            raise OSError("not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads_to[host], port))]

    allowed = ["bot.example", "cloud.example", "nowhere.example"]
    with serving(app) as address:
        port = address.rpartition(":")[2]
        monkeypatch.setattr(wire.socket, "getaddrinfo", lookup)
        client = Web(f"http://bot.example:{port}/echo", allow=allowed)
        assert client.request("GET", client.url).url == f"http://bot.example:{port}/echo"
        with pytest.raises(BotError, match=r"the host cloud\.example leads to 169\.254\.169\.254, where clouds keep"):
            client.request("GET", "http://cloud.example/")
        with pytest.raises(BotError, match=r"the host nowhere\.example cannot be found: not known"):
            client.request("GET", "http://nowhere.example/")


def test_loopback_has_many_names() -> None:
    assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"]))
    assert not any(map(is_loopback, ["10.0.0.1", "localhost.example", "::", "0.0.0.0"]))


def test_a_refusal_is_told_with_the_exchange_and_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_KEY", "s3cret")
    client = Web("/secret", app=echo(), headers={"Authorization": "Bearer ${BOT_KEY}"})
    with pytest.raises(BotError) as caught:
        client.request("POST", f"{client.url}?key=s3cret", form={"text": "s3cret"})
    assert str(caught.value).splitlines() == [
        "http://testserver/secret answered 401",
        "  POST http://testserver/secret text=•••",
        "  401 bad key Bearer •••",
    ]


def test_a_secret_that_is_not_set_is_named() -> None:
    with pytest.raises(BadInput, match="the environment variable NO_SUCH_KEY is not set"):
        Secrets().fill("Bearer ${NO_SUCH_KEY}")


def test_an_app_that_raises_is_told() -> None:
    app = echo()
    app.testing = True
    with pytest.raises(BotError, match="http://testserver/broken broke: ValueError: no menu"):
        Web("/broken", app=app).request("POST", "http://testserver/broken")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (sends(HEAD + b"\r\n", b"x" * 100_000, times=1000), "answered more than 1,000,000 bytes"),
        (sends(HEAD + b"\r\n", b"x", pause=0.05, times=100), "did not answer within 0.3 s"),
        (sends(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n", pause=0.05, times=100), "did not answer within 0.3 s"),
        (sends(b""), "could not be reached: ConnectionResetError: it closed the connection before it had answered"),
        (sends(HEAD + b"Content-Length: 100\r\n\r\n<Resp"), "could not be reached: RemoteProtocolError"),
        (sends(b"SSH-2.0-OpenSSH\r\n\r\n"), "could not be reached: RemoteProtocolError: illegal status line"),
        (
            sends(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://localhost:door/\r\n\r\n"),
            "redirects to what is no address",
        ),
        (
            sends(
                HEAD + b"Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\n" + gzip.compress(b"0" * 100_000)[:100]
            ),
            "answered in gzip, which was not asked for",
        ),
    ],
    ids=["endless", "slow body", "slow headers", "closes at once", "closes early", "not http", "nowhere", "compressed"],
)
def test_a_hostile_server_is_an_error_and_never_a_hang(answer: Callable[[socket.socket], None], told: str) -> None:
    with answering(answer) as address, pytest.raises(BotError, match=told):
        Web(address, timeout=0.3).request("GET", address)


def test_an_app_that_answers_without_end_is_broken_off() -> None:
    app = Flask(__name__)
    app.add_url_rule("/x", "x", lambda: Response(b"0" * 1000 for _ in iter(int, 1)))
    with pytest.raises(BotError, match="answered more than 1,000,000 bytes"):
        Web("/x", app=app).request("GET", "http://testserver/x")


def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    with pytest.raises(BotError, match=r"could not be reached: ConnectionRefusedError"):
        Web("http://127.0.0.1:9/x").request("GET", "http://127.0.0.1:9/x")


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff\xfe{}"])
def test_json_that_is_none_is_told(body: bytes) -> None:
    with pytest.raises(BotError, match="the answer of http://x/y is not the JSON expected"):
        Answer("http://x/y?secret", 200, "application/json", body, "").read(object)


def test_bodies_are_shortened_for_people() -> None:
    assert shorten("a\n  b") == "a b"
    assert len(shorten(b"x" * 5000)) == 301

"""Bots behind WebSockets, on standard input and output, and of Bot Framework, each met on its own wire."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from flask import Flask, request
from tests.ivr_kit import happened, talk, texts
from tests.servers import answering, sends, serving
from websockets.sync.server import ServerConnection, serve

from pytest_callqa.bots import Move
from pytest_callqa.bots.chat import ChatBot
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.errors import BadInput, BotError


def bot_of(tmp_path: Path, spec: str, **settings: object) -> ChatBot:
    file = tmp_path / "bot.yaml"
    file.write_text(f"bot: {json.dumps(spec)}\n" + "".join(f"{k}: {json.dumps(v)}\n" for k, v in settings.items()))
    bot = find_bot(str(file))
    assert isinstance(bot, ChatBot)
    return bot


@contextmanager
def sockets(answer: Callable[[ServerConnection], None]) -> Iterator[str]:
    """The address of a WebSocket server of the websockets package."""
    with serve(answer, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/chat"
        server.shutdown()
        thread.join()


# --- WebSockets


def echo(connection: ServerConnection) -> None:
    for frame in connection:
        connection.send(f"You said {frame}")
        connection.send("Anything else?")
        if frame == "bye":
            return


def test_frames_are_replies_until_the_bot_is_quiet_or_closes(tmp_path: Path) -> None:
    with sockets(echo) as address:
        call = talk(bot_of(tmp_path, f"websocket:{address}", quiet=0.1), Move(text="hi"), Move(text="bye"))
    assert texts(call) == ["You said hi", "Anything else?", "You said bye", "Anything else?"]
    assert happened(call)[-1][0] == "hangup"


def structured(connection: ServerConnection) -> None:
    connection.send(json.dumps({"texts": ["Hello."], "done": True}))
    for frame in connection:
        text = json.loads(frame)["say"]
        if text == "start":
            continue
        if text == "nonsense":
            connection.send("{")
        elif text == "bytes":
            connection.send(b"\xff", text=True)
        elif text == "late":
            connection.send(json.dumps({"typing": True}))
        elif text == "crash":
            connection.close(1011, "it broke")
        else:
            connection.send(json.dumps({"texts": ["One."]}))
            connection.send(json.dumps({"texts": ["Two."], "done": text != "end", "over": text == "end"}))


def structured_bot(tmp_path: Path, address: str) -> ChatBot:
    return bot_of(
        tmp_path,
        f"websocket:{address}",
        send={"say": "{text}", "id": "{session}"},
        first=[{"say": "start"}],
        replies="$.texts[*]",
        turn="$.done",
        ended="$.over",
        speaks_first=True,
        timeout=0.5,
    )


def test_templates_and_paths_fit_any_frame(tmp_path: Path) -> None:
    with sockets(structured) as address:
        call = talk(structured_bot(tmp_path, address), Move(text="x"), Move(text="y"), Move(text="end"))
    assert texts(call)[:4] == ["Hello.", "One.", "Two.", "One."]
    assert call.ended


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "a frame that is no JSON"),
        ("bytes", "sent what is not UTF-8"),
        ("late", r"did not answer within 0\.5 s"),
        ("crash", "broke off the connection"),
    ],
)
def test_a_socket_that_misbehaves_is_an_error_of_the_bot(tmp_path: Path, text: str, told: str) -> None:
    with sockets(structured) as address, pytest.raises(BotError, match=told):
        talk(structured_bot(tmp_path, address), Move(text="x"), Move(text=text))


def test_a_socket_that_is_not_there_or_not_allowed_is_told(tmp_path: Path) -> None:
    with pytest.raises(BotError, match="could not be reached"):
        talk(bot_of(tmp_path, "websocket:ws://127.0.0.1:9/x"))
    with pytest.raises(BotError, match=r"add --bot-allow chat\.example"):
        find_bot("websocket:wss://chat.example/x")
    with pytest.raises(BadInput, match="is no address of a WebSocket"):
        find_bot("websocket:http://localhost/x")
    with sockets(lambda connection: connection.close()) as address:
        bot = bot_of(tmp_path, f"websocket:{address}", quiet=0.1)
        bot.open()
        time.sleep(0.2)
        with pytest.raises(BotError, match="has closed the connection"):
            bot.send(Move(text="hi"))
        bot.close()


# --- ConversationRelay


def relay(connection: ServerConnection) -> None:
    for frame in connection:
        message = json.loads(frame)
        kind = message["type"]
        if kind == "setup":
            welcome = message["customParameters"].get("name", "nobody")
            connection.send(json.dumps({"type": "text", "token": f"Hello {welcome}", "last": True}))
            connection.send(json.dumps({"type": "language", "ttsLanguage": "en-US"}))
        elif kind == "interrupt":
            connection.send(
                json.dumps({"type": "text", "token": f"Cut at {message['utteranceUntilInterrupt']}.", "last": True})
            )
        elif kind == "dtmf":
            connection.send(json.dumps({"type": "play", "source": f"https://cdn.example/key{message['digit']}.mp3"}))
        elif message["voicePrompt"] == "agent":
            connection.send(json.dumps({"type": "end", "handoffData": '{"reason": "agent"}'}))
        elif message["voicePrompt"] == "half":
            connection.send(json.dumps({"type": "text", "token": "Half", "last": False}))
        elif message["voicePrompt"] == "odd":
            connection.send("[]")
        elif message["voicePrompt"] == "close":
            return
        elif message["voicePrompt"] != "nothing":
            for token, last in (("Fine", False), (", thank you", False), (".", True)):
                connection.send(json.dumps({"type": "text", "token": token, "last": last}))


def relay_bot(tmp_path: Path, address: str, **settings: object) -> ChatBot:
    told = {"parameters": {"name": "Ann"}, "speaks_first": True, "quiet": 0.1, "timeout": 0.4, **settings}
    return bot_of(tmp_path, f"relay:{address}", **told)


def test_tokens_add_up_keys_are_pressed_and_an_end_hands_over(tmp_path: Path) -> None:
    with sockets(relay) as address:
        bot = relay_bot(tmp_path, address, greeting="Welcome.")
        call = talk(bot, Move(text="How are you?"), Move(keys="1"), Move(text="nothing"), Move(text="agent"))
        closed = talk(bot, Move(text="close"))
    assert texts(call) == ["Welcome.", "Hello Ann", "Fine, thank you.", "[key1.mp3]"]
    assert [kind for kind, _, _ in happened(call)] == ["transfer", "hangup"]
    assert closed.ended


def test_who_talks_over_it_interrupts(tmp_path: Path) -> None:
    with sockets(relay) as address:
        bot = relay_bot(tmp_path, address, parameters={"name": "Ann who calls"})
        call = talk(bot, Move(text="Stop", over=0.5))
    assert texts(call) == ["Hello Ann—", "Cut at Hello Ann.", "Fine, thank you."]


@pytest.mark.parametrize(
    ("text", "told"), [("half", "did not answer within"), ("odd", "no message of ConversationRelay")]
)
def test_a_relay_that_misbehaves_is_an_error_of_the_bot(tmp_path: Path, text: str, told: str) -> None:
    with sockets(relay) as address, pytest.raises(BotError, match=told):
        talk(relay_bot(tmp_path, address), Move(text=text))


# --- standard input and output

ELIZA = f"{sys.executable} -c 'from nltk.chat.eliza import eliza_chat; eliza_chat()'"
RUDE = f"{sys.executable} -c 'from nltk.chat.rude import rude_chat; rude_chat()'"


def program(tmp_path: Path, text: str) -> str:
    (tmp_path / "program.py").write_text(text)
    return f"stdio:{sys.executable} -u {tmp_path / 'program.py'}"


@pytest.mark.parametrize(
    ("command", "greets"), [(ELIZA, "How are you feeling today?"), (RUDE, "I suppose I should say hello.")]
)
@pytest.mark.parametrize("pty", [False, True])
def test_the_bots_of_nltk_talk_at_a_prompt(tmp_path: Path, command: str, greets: str, *, pty: bool) -> None:
    bot = bot_of(tmp_path, f"stdio:{command}", prompt=">", pty=pty, timeout=60)
    call = talk(bot, Move(text="I am sad."), Move(text="quit"))
    first, second, *_ = texts(call)
    assert first.endswith(greets)
    assert second
    assert "I am sad." not in second
    assert happened(call)[-1][0] == "hangup"


JSON = """
import json, sys
for line in sys.stdin:
    text = json.loads(line)["text"]
    if text == "odd":
        print("[1]")
    elif text == "late":
        pass
    elif text == "long":
        print("x" * 1_100_000)
    elif text == "break":
        sys.exit(3)
    elif text == "leave":
        sys.exit(0)
    else:
        print(json.dumps({"text": "One."}))
        print(json.dumps({"type": "say"}))
        print(json.dumps({"type": "end" if text == "bye" else "done", "text": "Two."}))
"""


def test_lines_of_json_end_a_turn_or_the_call(tmp_path: Path) -> None:
    bot = bot_of(tmp_path, program(tmp_path, JSON), lines="json")
    call = talk(bot, Move(text="hi"), Move(text="bye"))
    assert texts(call) == ["One.", "Two."] * 2
    assert call.ended
    assert talk(bot, Move(text="leave")).ended


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("odd", "not the JSON expected"),
        ("late", "did not answer within 3 s"),
        ("long", "more than 1,000,000 bytes"),
        ("break", "ended with exit code 3"),
    ],
)
def test_a_program_that_misbehaves_is_an_error_of_the_bot(tmp_path: Path, text: str, told: str) -> None:
    bot = bot_of(tmp_path, program(tmp_path, JSON), lines="json", timeout=3)
    with pytest.raises(BotError, match=told):
        talk(bot, Move(text="hi"), Move(text=text))


PLAIN = r"""
import sys
print("\x1b[1mWelcome\x1b[0m")
for line in sys.stdin:
    if line == "bytes\n":
        sys.stdout.buffer.write(b"\xff\xfe")
    elif line == "cut\n":
        sys.stdout.buffer.write("ok é".encode()[:-1])
    elif line == "flood\n":
        print("x" * 1_100_000)
    else:
        print("\x1b]0;title\x07\x1b[32mYou said", line.strip())
    sys.stdout.flush()
"""


def test_a_plain_program_without_a_prompt_listens_once_it_is_quiet(tmp_path: Path) -> None:
    bot = bot_of(tmp_path, program(tmp_path, PLAIN), quiet=1.5)
    assert texts(talk(bot, Move(text="hi"), Move(text="cut"))) == ["Welcome", "You said hi", "ok"]


@pytest.mark.parametrize(
    ("text", "prompt", "told"),
    [
        ("bytes", "", "what is not UTF-8"),
        ("flood", "", "more than 1,000,000 bytes"),
        ("hi", "never", "did not prompt within 2 s"),
    ],
)
def test_a_plain_program_that_misbehaves_is_an_error(tmp_path: Path, text: str, prompt: str, told: str) -> None:
    bot = bot_of(tmp_path, program(tmp_path, PLAIN), prompt=prompt, quiet=1.5, timeout=2)
    with pytest.raises(BotError, match=told):
        talk(bot, Move(text=text))


def test_what_cannot_be_started_or_has_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(BotError, match="no-such-program cannot be started"):
        talk(bot_of(tmp_path, "stdio:no-such-program"))
    with pytest.raises(BadInput, match="the command or its prompt cannot be read"):
        find_bot("stdio:'unclosed")
    bot = bot_of(tmp_path, f"stdio:{sys.executable} -c 'import os; os.close(0); import time; time.sleep(4)'", quiet=1.5)
    with pytest.raises(BotError, match="has closed its input"):
        talk(bot, Move(text="hi"))


# --- Bot Framework


def framework() -> Flask:
    """A bot that answers as bots of the framework do: by posting to the service that the activity names."""
    app = Flask(__name__)

    @app.post("/api/messages")
    def messages() -> tuple[object, int]:
        asked = request.get_json()

        def push(**activity: str) -> None:
            at = f"{asked['serviceUrl']}/v3/conversations/{asked['conversation']['id']}/activities/{asked['id']}"
            assert httpx.post(at, json=activity, trust_env=False).status_code == 200

        if asked["type"] == "conversationUpdate":
            push(type="message", text="Welcome.")
        elif asked["text"] == "expect":
            return {"activities": [{"type": "message", "text": "In the answer."}]}, 200
        elif asked["text"] == "agent":
            push(type="event", name="handoff.initiate")
        elif asked["text"] == "bye":
            push(type="endOfConversation", text="Bye.")
        elif asked["text"] == "odd":
            at = f"{asked['serviceUrl']}/v3/conversations/x/activities"
            return {}, httpx.post(at, content=b"{", trust_env=False).status_code
        elif asked["text"] == "boom":
            return {}, 502
        elif asked["text"] != "nothing":
            push(type="typing")
            push(type="message", text=f"You said {asked['text']}")
        return {}, 202

    return app


def test_activities_are_pushed_to_a_callback_or_come_in_the_answer(tmp_path: Path) -> None:
    with serving(framework()) as address:
        bot = bot_of(tmp_path, f"activities:{address}/api/messages", quiet=0.05)
        moves = [Move(text=text) for text in ("hi", "nothing", "expect", "agent", "bye")]
        call = talk(bot, *moves)
    assert texts(call) == ["Welcome.", "You said hi", "In the answer.", "Bye."]
    assert [kind for kind, _, _ in happened(call)] == ["transfer", "hangup"]


@pytest.mark.parametrize(("text", "told"), [("boom", "answered 502"), ("odd", "answered 400")])
def test_an_activity_that_fails_is_an_error_of_the_bot(tmp_path: Path, text: str, told: str) -> None:
    with serving(framework()) as address:
        bot = bot_of(tmp_path, f"activities:{address}/api/messages", quiet=0.05, joins=False)
        with pytest.raises(BotError, match=told):
            talk(bot, Move(text=text))


def test_a_framework_bot_that_closes_early_is_an_error(tmp_path: Path) -> None:
    with answering(sends(b"")) as address, pytest.raises(BotError, match="could not be reached"):
        talk(bot_of(tmp_path, f"activities:{address}/api/messages"))

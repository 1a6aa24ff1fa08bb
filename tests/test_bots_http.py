"""Chat bots behind HTTP: by template, Rasa's REST channel, and chat completions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest
from fastapi import FastAPI, Request
from flask import Flask, Response, jsonify, request
from openai.types.chat import ChatCompletion, ChatCompletionChunk, CompletionCreateParams
from pydantic import TypeAdapter

from pytest_callqa.bots import Move, http, openai, rasa
from pytest_callqa.bots.chat import ChatBot
from pytest_callqa.bots.driver import Conversation
from pytest_callqa.bots.web import Web
from pytest_callqa.call import Call
from pytest_callqa.errors import BadInput, BotError


def talk(bot: ChatBot, *texts: str) -> Call:
    with Conversation(bot) as conversation:
        for text in texts:
            conversation.send(Move(text=text))
    return conversation.call()


def answers(call: Call) -> list[str]:
    return [turn.text for turn in call.turns if turn.role == "agent"]


# --- by template


class Echo:
    """A FastAPI app that answers every request by a function of what it was sent, and remembers it."""

    def __init__(self, answer: Callable[[Mapping[str, object]], object]) -> None:
        self.asked: list[Mapping[str, object]] = []
        self.app = FastAPI()

        @self.app.api_route("/chat", methods=["GET", "POST"])
        async def chat(request: Request) -> object:
            body = await request.json() if request.method == "POST" else dict(request.query_params)
            self.asked.append(body)
            return answer(body)

    def bot(self, **options: object) -> ChatBot:
        chosen = http.Options(**options)
        return ChatBot(http.Http(Web("/chat", app=self.app), chosen), chosen)


def test_presets_speak_the_shapes_in_use() -> None:
    echo = Echo(lambda body: {"reply": f"You said {body['message']}"})
    assert answers(talk(echo.bot(), "Hello", "Bye")) == ["You said Hello", "You said Bye"]
    first, second = (body["username"] for body in echo.asked)
    assert first == second
    echo = Echo(lambda body: {"reply": str(body["user"])})
    talk(echo.bot(preset="conversational"), "A", "B", "C")
    assert echo.asked[-1] == {"user": "C", "history": [["A", "A"], ["B", "B"]]}
    echo = Echo(lambda body: {"text": f"Turn {body['turn_index']}"})
    assert answers(talk(echo.bot(preset="turns"), "A", "B")) == ["Turn 0", "Turn 1"]


def test_a_template_and_a_path_fit_any_shape() -> None:
    echo = Echo(
        lambda body: {
            "messages": [{"type": "text", "text": "One"}, {"type": "image"}, {"type": "text", "text": "Two"}],
            "state": {"seen": body["say"]},
            "done": body["say"] == "stop",
        }
    )
    bot = echo.bot(
        body={"say": "{text}", "parts": ["{turn}", "no {turn}"], "state": "{context}"},
        replies="$.messages[*].text",
        context="$.state",
        ended="$.done",
    )
    call = talk(bot, "go", "stop", "never")
    assert answers(call) == ["One", "Two", "One", "Two"]
    assert echo.asked == [
        {"say": "go", "parts": [0, "no 0"], "state": {}},
        {"say": "stop", "parts": [1, "no 1"], "state": {"seen": "go"}},
    ]
    assert call.events[-1].kind == "hangup"


def test_a_template_may_become_a_query() -> None:
    echo = Echo(lambda body: {"reply": [body["q"], 5, "and more"]})
    assert answers(talk(echo.bot(method="GET", body={"q": "{text}"}), "Hello")) == ["Hello", "and more"]


def test_what_cannot_be_a_template_is_told() -> None:
    with pytest.raises(BadInput, match=r"'botum' is no preset of .*, turns\. Did you mean 'botium'\?"):
        Echo(dict).bot(preset="botum")
    with pytest.raises(BadInput, match=r"'\$\.\.\.' is no JSONPath"):
        Echo(dict).bot(replies="$...")
    silent = Echo(lambda body: {"other": 1})
    assert answers(talk(silent.bot(), "Hello")) == []


def test_the_drivers_are_named_by_an_address() -> None:
    for module, options in ((http, http.Options()), (rasa, rasa.Options()), (openai, openai.Options(model="m"))):
        assert isinstance(module.build("http://localhost:1", options, ()), ChatBot)


# --- Rasa: an emulation of rasa/core/channels/rest.py, since its package does not install on this Python


def rasa_server(replies: Mapping[str, object]) -> Flask:
    app = Flask(__name__)
    events: list[dict[str, object]] = []

    @app.post("/webhooks/rest/webhook")
    def receive() -> Response:
        message = request.get_json()
        events.append({"event": "user", "timestamp": 100.0, "text": message["message"]})
        events.extend({"event": "bot", "timestamp": 101.5 + n} for n in range(3))
        return jsonify(replies.get(message["message"], []))

    @app.get("/conversations/<sender>/tracker")
    def tracker(sender: str) -> Response:
        assert request.args["token"] == "s3cret"
        return jsonify(sender_id=sender, events=[{"event": "action", "timestamp": 99.0}, *events])

    return app


RASA = {
    "hi": [
        {"recipient_id": "x", "text": "Hello", "buttons": [{"title": "Yes", "payload": "/affirm"}]},
        {"recipient_id": "x", "image": "http://x/y.png"},
        {"recipient_id": "x", "custom": {"a": 1}},
    ],
    "/affirm": [{"recipient_id": "x", "text": "Fine"}],
    "broken": {"status": "failure"},
}


def rasa_bot(**options: object) -> ChatBot:
    chosen = rasa.Options(**options)
    return ChatBot(rasa.Rasa(Web("/", app=rasa_server(RASA)), chosen), chosen, clock=chosen.tracker)


def test_a_rasa_bot_answers_with_messages_and_a_spoken_title_presses_its_button() -> None:
    call = talk(rasa_bot(), "hi", "yes")
    assert answers(call) == ["Hello", "[image]", "[something else than text]", "Fine"]
    assert call.timing == "none"


def test_a_rasa_bot_that_answers_nothing_is_silent() -> None:
    assert answers(talk(rasa_bot(), "what?")) == []


def test_the_tracker_tells_the_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RASA_TOKEN", "s3cret")
    call = talk(rasa_bot(token="${RASA_TOKEN}", tracker=True), "hi")
    assert [(turn.text, turn.start) for turn in call.turns] == [
        ("hi", 0.5),
        ("Hello", 2.4),
        ("[image]", 3.4),
        ("[something else than text]", 4.4),
    ]
    assert call.timing == "turn"


def test_a_rasa_answer_that_is_no_list_is_an_error() -> None:
    with pytest.raises(BotError, match="is not the JSON expected: Expected `array`, got `object`"):
        talk(rasa_bot(), "broken")


# --- chat completions: requests and answers are checked by the types of the openai package


class Model:
    """A server of one model, which answers each request with the next of these messages."""

    def __init__(self, *messages: dict[str, object]) -> None:
        self.asked: list[dict[str, object]] = []
        self.app = Flask(__name__)
        left = iter(messages)

        @self.app.post("/v1/chat/completions")
        def complete() -> Response:
            body = request.get_json()
            TypeAdapter(CompletionCreateParams).validate_python(body)
            self.asked.append(body)
            message = next(left)
            if body.get("stream"):
                return Response("".join(self._chunks(message)), mimetype="text/event-stream")
            completion = ChatCompletion.model_validate(
                {
                    "id": "1",
                    "created": 0,
                    "model": "m",
                    "object": "chat.completion",
                    "choices": [
                        {
                            "index": 0,
                            "finish_reason": "stop",
                            "message": {"role": "assistant", "content": None} | message,
                        }
                    ],
                }
            )
            return Response(completion.model_dump_json(), mimetype="application/json")

    def _chunks(self, message: dict[str, object]) -> list[str]:
        deltas: list[dict[str, object]] = [{"role": "assistant"}]
        deltas += [{"content": word} for word in str(message.get("content", "")).split("|")]
        for call in message.get("tool_calls", []):  # type: ignore[attr-defined]
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            deltas.append({"tool_calls": [{"index": 0, "id": call["id"], "function": {"name": name, "arguments": ""}}]})
            deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in arguments]
        lines = []
        for delta in deltas:
            chunk = {"id": "1", "created": 0, "model": "m", "object": "chat.completion.chunk"}
            chunk |= {"choices": [{"index": 0, "delta": delta}]}
            lines.append(f"data: {ChatCompletionChunk.model_validate(chunk).model_dump_json()}\n\n")
        return [": hello\n\n", *lines, "data: [DONE]\n\n"]

    def bot(self, **options: object) -> ChatBot:
        chosen = openai.Options(model="m", **options)
        return ChatBot(openai.OpenAI(Web("/v1", app=self.app), chosen), chosen)


LOOKS_UP = {
    "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "balance", "arguments": '{"of": "me"}'}}]
}


def test_the_conversation_is_kept_for_a_server_that_keeps_none() -> None:
    model = Model({"content": "Hello"}, {"content": "Bye"})
    bot = model.bot(system="Be kind", seed=7)
    assert answers(talk(bot, "Hi", "Thanks")) == ["Hello", "Bye"]
    assert [message["content"] for message in model.asked[1]["messages"]] == ["Be kind", "Hi", "Hello", "Thanks"]
    assert (model.asked[0]["seed"], model.asked[0]["temperature"]) == (7, 0.0)
    assert not bot.abilities.deterministic


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_answered_from_a_table(*, stream: bool) -> None:
    model = Model(LOOKS_UP, {"content": "You have |5 euros"})
    bot = model.bot(stream=stream, seed=None, tools={"balance": openai.Tool(answer="5", description="What is left")})
    (said,) = answers(talk(bot, "How much?"))
    assert said.replace("|", "") == "You have 5 euros"
    assert "seed" not in model.asked[0]
    assert json.loads(json.dumps(model.asked[1]["messages"]))[1:] == [
        {"role": "assistant", "content": None, **LOOKS_UP},
        {"role": "tool", "tool_call_id": "t1", "content": "5"},
    ]


def test_a_tool_nobody_answers_and_endless_calls_are_errors() -> None:
    with pytest.raises(BotError, match="the model called the tool 'balance', which the settings do not answer"):
        talk(Model(LOOKS_UP).bot(), "How much?")
    tools = {"balance": openai.Tool(answer="5")}
    with pytest.raises(BotError, match="the model called tools 10 times and did not answer"):
        talk(Model(*[LOOKS_UP] * 10).bot(tools=tools), "How much?")


def test_a_model_that_says_nothing_is_silent() -> None:
    assert answers(talk(Model({"content": ""}).bot(), "Hi")) == []
    app = Flask(__name__)
    app.add_url_rule("/v1/chat/completions", "none", lambda: jsonify(choices=[]), methods=["POST"])
    chosen = openai.Options(model="m")
    assert answers(talk(ChatBot(openai.OpenAI(Web("/v1", app=app), chosen), chosen), "Hi")) == []

"""OpenAI-style chat completions: a model behind a prompt, with its tools answered from a table.

Wire: ``POST …/chat/completions``, which most servers of language models speak.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from pytest_callqa.bots import Move, Reply
from pytest_callqa.bots.chat import ChatBot
from pytest_callqa.bots.web import Answer, Web, WebOptions, client, shorten
from pytest_callqa.errors import BotError

ROUNDS = 10
"""How often the model may call tools before it answers."""


class Tool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool the model may call: what it is told of it, and the ``answer`` it always gets."""

    answer: str
    description: str = ""
    parameters: dict[str, object] = msgspec.field(default_factory=lambda: {"type": "object", "properties": {}})


class Options(WebOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a chat completion bot. A key goes into ``headers``, as ``Authorization``."""

    model: str
    system: str = ""
    temperature: float = 0.0
    seed: int | None = 0
    stream: bool = False
    tools: dict[str, Tool] = msgspec.field(default_factory=dict)
    timeout: float = 60.0
    deterministic: bool = False


class _Function(msgspec.Struct):
    name: str | None = ""
    arguments: str | None = ""


class _Call(msgspec.Struct):
    function: _Function
    id: str | None = ""
    index: int = 0


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    message: _Message = msgspec.field(default_factory=_Message)
    delta: _Message = msgspec.field(default_factory=_Message)


class _Completion(msgspec.Struct):
    choices: list[_Choice]


def build(at: str, options: Options, allow: Collection[str]) -> ChatBot:
    """A bot for ``openai:http://localhost:11434/v1``, the address before ``/chat/completions``."""
    web = client(at, options, allow)
    return ChatBot(OpenAI(web, options), options)


class OpenAI:
    """Chat completions as a talker, which keeps the conversation since the server does not."""

    def __init__(self, web: Web, options: Options) -> None:
        self.web, self._options = web, options
        self._messages: list[object] = []

    def begin(self) -> Sequence[Reply]:
        """A new conversation, with the system prompt."""
        system = self._options.system
        self._messages = [{"role": "system", "content": system}] if system else []
        return ()

    def say(self, move: Move) -> Sequence[Reply]:
        """The model's answer, once it has the tools' answers. Raises :class:`BotError` for unknown or endless calls."""
        self._messages.append({"role": "user", "content": move.text})
        for _ in range(ROUNDS):
            answer = self.web.request("POST", f"{self.web.url.rstrip('/')}/chat/completions", json=self._request())
            said = _streamed(answer) if self._options.stream else _whole(answer)
            calls = said.tool_calls or []
            message: dict[str, object] = {"role": "assistant", "content": said.content}
            if not calls:
                self._messages.append(message)
                return [Reply(text=said.content, raw=shorten(answer.body))] if said.content else []
            self._messages.append(message | {"tool_calls": [_call(call) for call in calls]})
            self._messages.extend(self._tool(call) for call in calls)
        raise BotError(f"the model called tools {ROUNDS} times and did not answer")

    def end(self) -> None:
        """Nothing is held."""

    def _request(self) -> dict[str, object]:
        options = self._options
        tools = [
            {"type": "function", "function": {"name": name, "description": t.description, "parameters": t.parameters}}
            for name, t in options.tools.items()
        ]
        return {
            "model": options.model,
            "messages": self._messages,
            "temperature": options.temperature,
            **({"seed": options.seed} if options.seed is not None else {}),
            **({"tools": tools} if tools else {}),
            **({"stream": True} if options.stream else {}),
        }

    def _tool(self, call: _Call) -> dict[str, object]:
        tool = self._options.tools.get(call.function.name or "")
        if tool is None:
            raise BotError(f"the model called the tool {call.function.name!r}, which the settings do not answer")
        return {"role": "tool", "tool_call_id": call.id, "content": tool.answer}


def _call(call: _Call) -> dict[str, object]:
    function = {"name": call.function.name, "arguments": call.function.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _whole(answer: Answer) -> _Message:
    choices = answer.read(_Completion).choices
    return choices[0].message if choices else _Message()


def _streamed(answer: Answer) -> _Message:
    """The message that a stream of server-sent events adds up to."""
    content: list[str] = []
    calls: dict[int, _Call] = {}
    for piece in _pieces(answer):
        content.append(piece.content or "")
        for call in piece.tool_calls or []:
            known = calls.setdefault(call.index, _Call(_Function()))
            known.id = known.id or call.id
            known.function.name = known.function.name or call.function.name
            known.function.arguments = f"{known.function.arguments}{call.function.arguments or ''}"
    return _Message("".join(content) or None, list(calls.values()) or None)


def _pieces(answer: Answer) -> Iterator[_Message]:
    for line in answer.text.splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            event = msgspec.structs.replace(answer, body=data.encode())
            yield from (choice.delta for choice in event.read(_Completion).choices)

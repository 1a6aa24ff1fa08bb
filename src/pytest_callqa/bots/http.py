"""Any chat bot behind HTTP and JSON, by a template of the request and a JSONPath into the answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias, cast
from uuid import uuid4

import msgspec
from jsonpath_ng.exceptions import JSONPathError
from jsonpath_ng.jsonpath import JSONPath
from jsonpath_ng.parser import parse

from pytest_callqa.bots import Move, Reply
from pytest_callqa.bots.chat import HANGS_UP, ChatBot
from pytest_callqa.bots.web import Web, WebOptions, client, shorten
from pytest_callqa.errors import BadInput, did_you_mean

Template: TypeAlias = "str | list[Template] | dict[str, Template]"
"""What is sent: text in which ``{text}``, ``{session}``, ``{turn}``, ``{history}`` and ``{context}`` are filled in."""


class Preset(msgspec.Struct, frozen=True):
    """What is sent, and where the replies are."""

    body: Template
    replies: str


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "botium": Preset({"username": "{session}", "message": "{text}"}, "$.reply"),
        "conversational": Preset({"user": "{text}", "history": "{history}"}, "$.reply"),
        "turns": Preset({"conversation_id": "{session}", "turn_index": "{turn}", "text": "{text}"}, "$.text"),
    }
)
"""Shapes in use: Botium's simple REST, pytest-conversational, and bots that number their turns."""


class Options(WebOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a bot behind HTTP.

    ``preset`` fills in ``body`` and ``replies`` where they are not given. ``replies`` is a JSONPath with a match for
    each reply, ``ended`` one that is true when the bot hangs up, ``context`` one whose match is sent back as
    ``{context}``. With ``GET`` the fields of the body become the query. ``headers`` may name secrets as ``${NAME}``.
    """

    preset: str = "botium"
    method: Literal["GET", "POST", "PUT"] = "POST"
    body: object = ""
    replies: str = ""
    ended: str = ""
    context: str = ""


def build(at: str, options: Options, allow: Collection[str]) -> ChatBot:
    """A bot for ``http:http://localhost:8000/chat`` or ``http:module:app/chat``."""
    web = client(at, options, allow)
    return ChatBot(Http(web, options), options)


class Http:
    """The template as a talker. Raises :class:`BadInput` for a preset or a JSONPath that is none."""

    def __init__(self, web: Web, options: Options) -> None:
        self.web = web
        preset = PRESETS.get(options.preset)
        if preset is None:
            known = ", ".join(PRESETS)
            raise BadInput(f"{options.preset!r} is no preset of {known}.{did_you_mean(options.preset, PRESETS)}")
        self._method = options.method
        self._body = cast(Template, options.body or preset.body)
        self._replies = json_path(options.replies or preset.replies)
        self._ended = json_path(options.ended) if options.ended else None
        self._context = json_path(options.context) if options.context else None
        self._known: dict[str, object] = {}
        self._history: list[list[str]] = []

    def begin(self) -> Sequence[Reply]:
        """A new session."""
        self.web.clear()
        self._history = []
        self._known = {"session": uuid4().hex, "turn": 0, "history": self._history, "context": {}}
        return ()

    def say(self, move: Move) -> Sequence[Reply]:
        """The replies the JSONPath finds; a match that is no text is none."""
        body = fill(self._body, {**self._known, "text": move.text})
        if self._method == "GET" and isinstance(body, dict):
            answer = self.web.request("GET", self.web.url, query={name: str(value) for name, value in body.items()})
        else:
            answer = self.web.request(self._method, self.web.url, json=body)
        value = answer.read(object)
        found = [match.value for match in self._replies.find(value)]
        texts = [text for match in found for text in (match if isinstance(match, list) else [match])]
        replies = [Reply(text=text, raw=shorten(answer.body)) for text in texts if isinstance(text, str)]
        self._history.append([move.text, " ".join(reply.text for reply in replies)])
        self._known["turn"] = len(self._history)
        if self._context is not None:
            self._known["context"] = next((match.value for match in self._context.find(value)), {})
        if self._ended is not None and any(match.value for match in self._ended.find(value)):
            replies.append(Reply(events=(HANGS_UP,)))
        return replies

    def end(self) -> None:
        """Nothing is held."""


def json_path(text: str) -> JSONPath:
    """A JSONPath. Raises :class:`BadInput` for what is none."""
    try:
        return parse(text)
    except JSONPathError as error:
        raise BadInput(f"{text!r} is no JSONPath: {error}") from None


def fill(template: Template, known: Mapping[str, object]) -> object:
    """The template with what is known; a text that is nothing but ``{name}`` becomes the value itself."""
    if isinstance(template, dict):
        return {name: fill(value, known) for name, value in template.items()}
    if isinstance(template, list):
        return [fill(value, known) for value in template]
    if template.startswith("{") and template.endswith("}") and template[1:-1] in known:
        return known[template[1:-1]]
    for name, value in known.items():
        template = template.replace(f"{{{name}}}", str(value))
    return template

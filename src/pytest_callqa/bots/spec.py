"""Which bot a text such as ``twiml:shop.ivr:app/voice`` names, and how it is built with its settings."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol, cast

import msgspec

from pytest_callqa import plain
from pytest_callqa.bots import AsyncBot, Bot
from pytest_callqa.errors import BadInput, did_you_mean

KINDS = {
    "python": "a function, plain or asynchronous: python:module:function",
    "activities": "a Bot Framework bot: activities:http://localhost:3978/api/messages",
    "http": "any chat bot behind HTTP and JSON: http:http://…",
    "jambonz": "a jambonz voice app: jambonz:http://… or jambonz:module:app/path",
    "openai": "a language model behind chat completions: openai:http://…/v1",
    "rasa": "a Rasa server: rasa:http://…",
    "relay": "a bot behind Twilio ConversationRelay: relay:ws://localhost:8080/ws",
    "stdio": "a program that talks on its standard input and output: stdio:COMMAND",
    "websocket": "a chat bot behind a WebSocket: websocket:ws://…",
    "script": "an agent's script: script:file.yaml",
    "twiml": "a Twilio voice app: twiml:http://… or twiml:module:app/path",
    "vonage": "a Vonage voice app: vonage:http://… or vonage:module:app/path",
}
"""The protocols, each a module of this package, and how they are written."""


class _Driver(Protocol):
    """What every protocol's module has: its settings, and what makes a bot of them."""

    Options: type[msgspec.Struct]

    def build(self, at: str, options: msgspec.Struct, allow: Collection[str]) -> Bot | AsyncBot: ...


def find_bot(spec: str, *, allow: Collection[str] = ()) -> Bot | AsyncBot:
    """The bot that ``KIND:WHERE`` names, or a YAML file of settings with ``bot: KIND:WHERE``.

    ``allow`` names the hosts besides loopback that it may reach. Raises :class:`BadInput` for one that is not
    known, cannot be imported or is set up wrongly.
    """
    file = ""
    settings: dict[str, plain.Plain] = {}
    if spec.endswith((".yaml", ".yml")) and ":" not in spec:
        file = spec
        spec, settings = _read(Path(spec))
    kind, colon, at = spec.partition(":")
    if kind not in KINDS or not colon or not at:
        known = "; ".join(f"{name} ({text})" for name, text in KINDS.items())
        raise BadInput(f"{spec!r} names no bot.{did_you_mean(kind, KINDS)} There are: {known}", file=file)
    try:
        driver = cast(_Driver, importlib.import_module(f"pytest_callqa.bots.{kind}"))
    except ImportError as error:
        raise BadInput(f"{kind} bots need {error.name}; pip install 'pytest-callqa[bots]'") from None
    try:
        options = msgspec.json.decode(json.dumps(settings), type=driver.Options, strict=False)
        return driver.build(at, options, allow)
    except msgspec.ValidationError as error:
        raise BadInput(f"a setting of the {kind} bot does not fit: {error}", file=file) from None
    except BadInput as error:
        raise error.at(file) from None


def _read(file: Path) -> tuple[str, dict[str, plain.Plain]]:
    try:
        table = plain.load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", file=str(file)) from None
    except BadInput as error:
        raise error.at(str(file)) from None
    spec = table.pop("bot", "") if isinstance(table, dict) else ""
    if not isinstance(table, dict) or not isinstance(spec, str) or not spec:
        raise BadInput("settings of a bot have a line such as `bot: twiml:http://localhost:8000/voice`", file=str(file))
    return spec, table


def find_object(path: str) -> object:
    """What ``module:name`` names; the working directory is searched too. Raises :class:`BadInput`."""
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise BadInput(f"{path!r} is not module:name, such as shop.ivr:app")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: object = importlib.import_module(module)
    except ImportError as error:
        raise BadInput(f"the module {module!r} cannot be imported: {error}") from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise BadInput(f"the module {module!r} has no {name!r}.{did_you_mean(name, dir(found))}")
        found = getattr(found, part)
    return found


def find_callable(path: str) -> Callable[..., object]:
    """The function or app that ``module:name`` names. Raises :class:`BadInput`."""
    found = find_object(path)
    if not callable(found):
        raise BadInput(f"{path} cannot be called, so it is neither a function nor an app")
    return found


def find_app(at: str) -> tuple[str, Callable[..., object] | None]:
    """An address and None, or the path in an app and the app, from ``http://…`` or ``module:app/path``."""
    if at.startswith(("http://", "https://")):
        return at, None
    name, _, path = at.partition("/")
    return f"/{path}", find_callable(name)

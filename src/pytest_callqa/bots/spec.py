"""Which bot a text such as ``twiml:shop.ivr:app/voice`` names, and how it is built with its settings."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import sys
from collections.abc import Callable, Collection
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

import msgspec

from pytest_callqa import plain
from pytest_callqa.bots import AsyncBot, Bot
from pytest_callqa.errors import BadInput, did_you_mean

KINDS = {
    "python": "a function, plain or asynchronous: python:module:function",
    "activities": "a Bot Framework bot: activities:http://localhost:3978/api/messages",
    "directline": "a bot behind Direct Line: directline:http://localhost:3000/directline",
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


class Named(msgspec.Struct, frozen=True):
    """A bot as it was named: its ``kind``, what is ``at`` the colon's other side, and the ``settings`` of its ``file``.

    ``source`` is the file or folder that its lines are written in, if its settings say so.
    """

    kind: str
    at: str
    settings: dict[str, plain.Plain] = {}
    file: str = ""
    source: str = ""


def read_spec(spec: str) -> Named:
    """What ``KIND:WHERE`` names, or a YAML file: settings with ``bot: KIND:WHERE``, or an agent's script.

    Raises :class:`BadInput` for what names no bot.
    """
    file = spec.partition(":")[0] not in KINDS and (spec.endswith((".yaml", ".yml")) or Path(spec).is_file())
    return _read(Path(spec)) if file else _told(spec)


def _told(spec: str) -> Named:
    kind, colon, at = spec.partition(":")
    if kind not in KINDS or not colon or not at:
        known = "; ".join(f"{name} ({text})" for name, text in KINDS.items())
        raise BadInput(f"{spec!r} names no bot.{did_you_mean(kind, KINDS)} There are: {known}")
    return Named(kind, at)


def _read(file: Path) -> Named:
    try:
        table = plain.load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", file=str(file)) from None
    except BadInput as error:
        raise error.at(str(file)) from None
    if isinstance(table, dict) and "bot" not in table and "opening" in table:
        return Named("script", str(file))
    spec = table.pop("bot", "") if isinstance(table, dict) else ""
    if not isinstance(table, dict) or not isinstance(spec, str) or not spec:
        raise BadInput(
            "settings of a bot have a line such as `bot: twiml:http://localhost:8000/voice`, and a script `opening:`",
            file=str(file),
        )
    source = str(table.pop("source", ""))
    try:
        named = _told(spec)
    except BadInput as error:
        raise error.at(str(file)) from None
    return Named(named.kind, named.at, table, str(file), str(file.parent / source) if source else "")


def find_bot(spec: str, *, allow: Collection[str] = ()) -> Bot | AsyncBot:
    """The bot that is named so, see :func:`read_spec`.

    ``allow`` names the hosts besides loopback that it may reach. Raises :class:`BadInput` for one that is not
    known, cannot be imported or is set up wrongly.
    """
    named = read_spec(spec)
    try:
        driver = cast(_Driver, importlib.import_module(f"pytest_callqa.bots.{named.kind}"))
    except ImportError as error:
        raise BadInput(f"{named.kind} bots need {error.name}; pip install 'pytest-callqa[bots]'") from None
    try:
        options = msgspec.json.decode(json.dumps(named.settings), type=driver.Options, strict=False)
        return driver.build(named.at, options, allow)
    except msgspec.ValidationError as error:
        raise BadInput(f"a setting of the {named.kind} bot does not fit: {error}", file=named.file) from None
    except BadInput as error:
        raise error.at(named.file) from None


def bare_spec(spec: str) -> str:
    """What may be told of a bot as it was named: no user, password or query of its address, no arguments of a command.

    >>> bare_spec("http:http://ann:secret@localhost:8000/chat?key=secret")
    'http:http://localhost:8000/chat'
    """
    if spec.startswith("stdio:"):
        return " ".join(spec.split()[:1])
    return re.sub(r"(\w://)[^/?#]*@", r"\1", spec).partition("?")[0]


def written_in(named: Named) -> Path | None:
    """The file or folder that a bot's lines are written in: a script, a module, a program, or what its settings name.

    None where that is not known, as of a bot behind an address whose settings have no line ``source:``.
    """
    if named.source or named.kind == "script":
        return Path(named.source or named.at)
    if named.kind == "stdio":
        return next((Path(word) for word in shlex.split(named.at) if Path(word).is_file()), None)
    if "://" in named.at:
        return None
    where = _parted(named.at)[0]
    if where.endswith(".py"):
        return Path(where)
    found = find_spec(where)
    return Path(found.origin or "") if found is not None and found.has_location else None


def _parted(path: str) -> tuple[str, str, str]:
    """``module:name`` or ``file.py:name`` parted at its colon."""
    file, colon, name = path.partition(".py:")
    return (f"{file}.py", ":", name) if colon else path.partition(":")


def find_object(path: str) -> object:
    """What ``module:name`` or ``file.py:name`` names; modules are looked for in the working directory too.

    Raises :class:`BadInput`.
    """
    module, colon, name = _parted(path)
    if not (module and colon and name):
        raise BadInput(f"{path!r} is not module:name, such as shop.ivr:app, nor file.py:name")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: object = _by_file(Path(module).resolve()) if module.endswith(".py") else importlib.import_module(module)
    except (ImportError, OSError) as error:
        raise BadInput(f"the module {module!r} cannot be imported: {error}") from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise BadInput(f"the module {module!r} has no {name!r}.{did_you_mean(name, dir(found))}")
        found = getattr(found, part)
    return found


@cache
def _by_file(file: Path) -> ModuleType:
    """The module of a file, which may stand beside another of its name.

    What it imports comes from its own folder first, and none of it stays known, so that two versions never mix.
    """
    folder, name = file.parent, file.stem
    while (folder / "__init__.py").is_file():
        folder, name = folder.parent, f"{folder.name}.{name}"
    names = {entry.stem for entry in folder.iterdir()} - sys.stdlib_module_names | {name.partition(".")[0]}

    def known() -> list[str]:
        return [module for module in sys.modules if module.partition(".")[0] in names]

    others = {module: sys.modules.pop(module) for module in known()}
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        for module in known():
            del sys.modules[module]
        sys.modules.update(others)


def find_callable(path: str) -> Callable[..., object]:
    """The function or app that :func:`find_object` finds. Raises :class:`BadInput`."""
    found = find_object(path)
    if not callable(found):
        raise BadInput(f"{path} cannot be called, so it is neither a function nor an app")
    return found


def find_app(at: str) -> tuple[str, Callable[..., object] | None]:
    """An address and None, or the path in an app and the app, from ``http://…``, ``module:app/path`` or a file's."""
    if at.startswith(("http://", "https://")):
        return at, None
    where, colon, name = _parted(at)
    name, _, path = name.partition("/")
    return f"/{path}", find_callable(f"{where}{colon}{name}")

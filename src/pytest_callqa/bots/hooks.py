"""What voice apps behind web hooks share, whatever they answer in: settings, recordings, notes, how they are called."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal, TypeAlias, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from pytest_callqa.bots.spec import find_app
from pytest_callqa.bots.voice import End, Flow, Speak, Step, VoiceBot
from pytest_callqa.bots.web import TIMEOUT, Answer, Refused, Web, bare, shorten
from pytest_callqa.errors import BotError

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")

Method: TypeAlias = Literal["GET", "POST"]

UNKNOWN_SOUND = 3.0
"""Seconds of a recording that no table of sounds describes."""


class Sound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a recording says, as text, and how many ``seconds`` it plays (None: estimated)."""

    text: str
    seconds: float | None = None


class HookOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a voice app.

    ``method`` is that of the first request, made by the other one if the app does not know it; ``sounds`` describes
    recordings by address or file name; ``dial`` is what becomes of a call handed over; ``host`` is the address an
    app in this process believes in; ``headers`` may name secrets as ``${NAME}``; ``timeout`` is in real seconds,
    and with ``real_time`` the app's seconds count.
    """

    method: Method = "POST"
    caller: str = "+15005550006"
    called: str = "+15005550001"
    dial: Literal["completed", "busy", "no-answer", "failed", "canceled"] = "completed"
    sounds: dict[str, Sound | str] = msgspec.field(default_factory=dict)
    host: str = "http://testserver"
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    timeout: float = TIMEOUT
    real_time: bool = False
    deterministic: bool = True


class Hooks:
    """An app that is asked what to do next; ``notes`` collects what its developer should know."""

    end: Step = End()

    def __init__(self, web: Web, options: HookOptions) -> None:
        self.web, self.options = web, options
        self.notes: dict[str, None] = {}
        self._method = options.method

    def opened(self, ask: Callable[[Method], T]) -> T:
        """What comes of the first request; an app that takes calls by the other method only is asked by that.

        Which of the two it is stands where the platform keeps the address of the app, so the app cannot tell.
        """
        try:
            return ask(self._method)
        except Refused as refused:
            if refused.status not in (404, 405):
                raise
            other: Method = "GET" if self._method == "POST" else "POST"
            try:
                came = ask(other)
            except BotError:
                raise refused from None
            self.note(f"the app takes calls by {other}; say `method: {other}` in its settings")
            self._method = other
            return came

    def close(self) -> None:
        """Nothing is held for one call."""

    def note(self, text: str) -> None:
        """Keep this for the developer, once."""
        self.notes[text] = None

    def told(self, url: str, payload: dict[str, object], method: str) -> Answer:
        """What the app answers to an event; with GET its fields are the query."""
        if method == "GET":
            return self.web.request("GET", url, query={name: str(value) for name, value in payload.items()})
        return self.web.request(method, url, json=payload)

    def sound(self, url: str, here: str, times: int = 1) -> Speak:
        """A recording as what it says."""
        name = urlsplit(url).path.rpartition("/")[2]
        known = self.options.sounds
        sound = known.get(url) or known.get(urljoin(here, url)) or known.get(name)
        if sound is None:
            self.note(f"nobody said what is heard in {name or 'a recording without an address'}; name it under sounds")
            sound = Sound(f"[{name}]", UNKNOWN_SOUND)
        elif isinstance(sound, str):
            sound = Sound(sound)
        return Speak(sound.text, sound.seconds, times)

    def typed(self, action: dict[str, object], kind: type[S]) -> S:
        """An entry of a JSON list as what it says it is. Raises :class:`BotError` if it does not fit."""
        try:
            return msgspec.convert(action, kind, strict=False)
        except msgspec.ValidationError as error:
            raise BotError(f"{shorten(msgspec.json.encode(action))} does not fit: {error}") from None


def actions(answer: Answer) -> list[dict[str, object]]:
    """The JSON list that an app answered; none for an empty answer. Raises :class:`BotError` for anything else."""
    if not answer.body.strip():
        return []
    value = answer.read(object)
    if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        return value
    if isinstance(value, dict):  # what apps answer that mean nothing by it: {} or {"status": "ok"}
        return []
    raise BotError(f"{bare(answer.url)} answered no list of objects", [shorten(answer.body)])


def hook_client(at: str, options: HookOptions, allow: Collection[str]) -> Web:
    """The client for a voice app at ``http://…`` or ``module:app/path``."""
    path, app = find_app(at)
    return Web(path, app=app, allow=allow, host=options.host, headers=options.headers, timeout=options.timeout)


def hook_bot(flow: Flow, options: HookOptions) -> VoiceBot:
    """The flow as a bot."""
    return VoiceBot(flow, real_time=options.real_time, deterministic=options.deterministic)

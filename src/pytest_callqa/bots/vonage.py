"""Vonage: a voice app behind web hooks that answers an NCCO, a JSON list of actions.

The event of an ``input`` is sent on every outcome; an answer that is no NCCO means the next action.
Source: https://developer.vonage.com/voice/voice-api/ncco-reference
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import ClassVar, Literal
from urllib.parse import urljoin
from uuid import uuid4

import msgspec

from pytest_callqa.bots.hooks import HookOptions, Hooks, Method, actions, hook_bot, hook_client
from pytest_callqa.bots.voice import Go, Heard, Listen, Pause, Speak, Step, Steps, Transfer, VoiceBot
from pytest_callqa.errors import did_you_mean

UNNOTICED = frozenset(("record",))
"""Actions that a caller does not notice."""


class Options(HookOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a Vonage app: those of every voice app; its first request is a GET."""

    method: Method = "GET"


class _Talk(msgspec.Struct, rename="camel"):
    text: str
    barge_in: bool = False
    loop: int = 1


class _Stream(msgspec.Struct, rename="camel"):
    stream_url: list[str]
    barge_in: bool = False
    loop: int = 1


class _Dtmf(msgspec.Struct, rename="camel"):
    time_out: float = 3.0
    max_digits: int = 4
    submit_on_hash: bool = False


class _Speech(msgspec.Struct, rename="camel"):
    end_on_silence: float = 2.0
    start_timeout: float = 10.0


class _Input(msgspec.Struct, rename="camel"):
    type: list[str] = msgspec.field(default_factory=lambda: ["dtmf"])
    dtmf: _Dtmf = msgspec.field(default_factory=_Dtmf)
    speech: _Speech = msgspec.field(default_factory=_Speech)
    event_url: list[str] = msgspec.field(default_factory=list)
    event_method: Literal["GET", "POST"] = "POST"


class _Connect(msgspec.Struct, rename="camel"):
    endpoint: list[dict[str, object]] = msgspec.field(default_factory=list)
    name: str = ""
    timeout: float = 60.0
    event_url: list[str] = msgspec.field(default_factory=list)
    event_type: str = ""


class _Wait(msgspec.Struct, rename="camel"):
    timeout: float = 10.0


class _Notify(msgspec.Struct, rename="camel"):
    payload: dict[str, object]
    event_url: list[str]


def build(at: str, options: Options, allow: Collection[str]) -> VoiceBot:
    """A bot for ``vonage:http://…/webhooks/answer`` or ``vonage:module:app/webhooks/answer``."""
    return hook_bot(Vonage(hook_client(at, options, allow), options), options)


class Vonage(Hooks):
    """The flow of a Vonage app."""

    def begin(self) -> Steps:
        """The actions that a new call begins with."""
        self.web.clear()
        self._call: dict[str, object] = {
            "to": self.options.called.lstrip("+"),
            "from": self.options.caller.lstrip("+"),
            "uuid": str(uuid4()),
            "conversation_uuid": f"CON-{uuid4()}",
        }
        return self.opened(lambda method: self._ask(self.web.url, {}, method)) or []

    def _ask(self, url: str, told: dict[str, object], method: str = "POST") -> Steps | None:
        """Send an event. None when the answer is no NCCO: the actions go on."""
        answer = self.told(url, {**self._call, **told}, method)
        listed = actions(answer)
        return self._steps(listed, answer.url) if listed else None

    def _steps(self, listed: list[dict[str, object]], here: str) -> Steps:
        """The actions as steps; what may be broken into plays while the next input listens."""
        steps: list[Step] = []
        over: list[Speak] = []
        for action in listed:
            name = str(action.get("action", ""))
            build = self._build.get(name)
            if build is None:
                if name not in UNNOTICED:
                    self.note(f"{name!r} is no action of Vonage that can be driven.{did_you_mean(name, self._build)}")
                continue
            step = build(self, action, here)
            if isinstance(step, Speak) and action.get("bargeIn") is True:
                over.append(step)
                continue
            if isinstance(step, Listen):
                step, over = replace(step, prompt=tuple(over)), []
            steps += [*over, step]
            over = []
        return [*steps, *over]

    def _talk(self, action: dict[str, object], here: str) -> Step:
        talk = self.typed(action, _Talk)
        return Speak(" ".join(talk.text.split()), None, talk.loop)

    def _stream(self, action: dict[str, object], here: str) -> Step:
        stream = self.typed(action, _Stream)
        return self.sound(next(iter(stream.stream_url), ""), here, stream.loop)

    def _input(self, action: dict[str, object], here: str) -> Step:
        asked = self.typed(action, _Input)
        keys, speech = "dtmf" in asked.type, "speech" in asked.type

        def then(heard: Heard) -> Steps | None:
            told: dict[str, object] = {}
            if keys:
                told["dtmf"] = {"digits": heard.keys, "timed_out": len(heard.keys) < asked.dtmf.max_digits}
            if speech:
                results = [{"text": heard.text, "confidence": str(heard.confidence)}] if heard.text else []
                reason = "end_on_silence_timeout" if heard.text else "start_timeout"
                told["speech"] = {"timeout_reason": reason, "results": results}
            url = next(iter(asked.event_url), "")
            return self._ask(urljoin(here, url), told, asked.event_method) if url else None

        return Listen(
            then,
            keys=keys,
            speech=speech,
            timeout=max(asked.dtmf.time_out * keys, asked.speech.start_timeout * speech),
            between=asked.dtmf.time_out,
            after_speech=asked.speech.end_on_silence,
            most=asked.dtmf.max_digits,
            finish="#" if asked.dtmf.submit_on_hash else "",
        )

    def _connect(self, action: dict[str, object], here: str) -> Step:
        connect = self.typed(action, _Connect)
        named = (end.get("number") or end.get("user") or end.get("uri") for end in connect.endpoint)
        url = next(iter(connect.event_url), "")
        asks = bool(url) and connect.event_type == "synchronous" and self.options.dial != "completed"
        return Transfer(
            connect.name or ", ".join(str(name) for name in named if name) or "connect",
            lambda: self._ask(urljoin(here, url), {"status": self.options.dial}) if asks else None,
            connect.timeout if self.options.dial == "no-answer" else 0.0,
        )

    def _wait(self, action: dict[str, object], here: str) -> Step:
        return Pause(self.typed(action, _Wait).timeout)

    def _notify(self, action: dict[str, object], here: str) -> Step:
        notify = self.typed(action, _Notify)
        url = next(iter(notify.event_url), "")
        return Go(lambda: self._ask(urljoin(here, url), {"payload": notify.payload}))

    _build: ClassVar = {
        "talk": _talk,
        "stream": _stream,
        "input": _input,
        "connect": _connect,
        "conversation": _connect,
        "wait": _wait,
        "notify": _notify,
    }

"""jambonz: a voice app behind web hooks that answers a JSON list of verbs.

Unlike TwiML the hook of a ``gather`` is called on every outcome, a time-out too; an empty answer means the next verb.
Sources: https://docs.jambonz.org/verbs/verbs/overview, the schemas of the package ``@jambonz/schema``, and the defaults
of jambonz-feature-server's code.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import inf
from typing import ClassVar
from urllib.parse import urljoin
from uuid import uuid4

import msgspec

from pytest_callqa.bots.hooks import HookOptions, Hooks, actions, hook_bot, hook_client
from pytest_callqa.bots.voice import End, Go, Heard, Listen, Pause, Speak, Steps, Transfer, VoiceBot
from pytest_callqa.errors import did_you_mean

TIMEOUT = 15.0
"""Seconds a ``gather`` waits that does not say how long; 0 is for ever."""

AFTER_SPEECH = 1.0
"""Seconds of silence that a recogniser takes for the end of speech."""

UNNOTICED = frozenset(
    (
        *("alert", "answer", "config", "dtmf", "dub", "leave", "listen", "message"),
        *("sip:request", "stream", "tag", "transcribe"),
    )
)
"""Verbs that a caller does not notice."""


class Options(HookOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a jambonz app: those of every voice app."""


class _Say(msgspec.Struct, rename="camel"):
    text: str | list[str] = ""
    loop: int | str = 1


class _Play(msgspec.Struct, rename="camel"):
    url: str | list[str] = ""
    loop: int | str = 1


class _Pause(msgspec.Struct, rename="camel"):
    length: float = 1.0


class _Gather(msgspec.Struct, rename="camel"):
    action_hook: str = ""
    input: list[str] = msgspec.field(default_factory=lambda: ["digits"])
    timeout: float = TIMEOUT
    inter_digit_timeout: float | None = None
    speech_timeout: float = AFTER_SPEECH
    num_digits: int = 0
    max_digits: int = 0
    finish_on_key: str = ""
    dtmf_bargein: bool = True
    bargein: bool = False
    listen_during_prompt: bool = True
    say: _Say | None = None
    play: _Play | None = None


class _Dial(msgspec.Struct, rename="camel"):
    action_hook: str = ""
    timeout: float = 60.0
    target: list[dict[str, object]] = msgspec.field(default_factory=list)


class _Transfer(_Dial, rename="camel"):
    timeout: float = 30.0


class _Refer(msgspec.Struct, rename="camel"):
    refer_to: str
    action_hook: str = ""


class _Enqueue(msgspec.Struct, rename="camel"):
    name: str = ""
    action_hook: str = ""


class _Redirect(msgspec.Struct, rename="camel"):
    action_hook: str


def build(at: str, options: Options, allow: Collection[str]) -> VoiceBot:
    """A bot for ``jambonz:http://…`` or ``jambonz:module:app/path``, the call hook of the app."""
    return hook_bot(Jambonz(hook_client(at, options, allow), options), options)


class Jambonz(Hooks):
    """The flow of a jambonz app."""

    def begin(self) -> Steps:
        """The verbs that a new call begins with."""
        self.web.clear()
        self._call: dict[str, object] = {
            "call_sid": str(uuid4()),
            "direction": "inbound",
            "from": self.options.caller,
            "to": self.options.called,
            "call_status": "trying",
        }
        steps = self.opened(lambda method: self._ask(self.web.url, {}, method)) or []
        self._call["call_status"] = "in-progress"
        return steps

    def _ask(self, url: str, told: dict[str, object], method: str = "POST") -> Steps | None:
        """Call a hook. None for an empty answer: the verbs go on."""
        answer = self.told(url, {**self._call, **told}, method)
        steps = [step for action in actions(answer) for step in self._steps(action, answer.url)]
        return steps or None

    def _steps(self, action: dict[str, object], here: str) -> Steps:
        verb = str(action.get("verb", ""))
        build = self._build.get(verb)
        if build is None:
            if verb not in UNNOTICED:
                self.note(f"{verb!r} is no verb of jambonz that can be driven.{did_you_mean(verb, self._build)}")
            return []
        return build(self, action, here)

    def _say(self, action: dict[str, object], here: str) -> Steps:
        return self._spoken(self.typed(action, _Say))

    def _spoken(self, say: _Say) -> list[Speak]:
        """What is said; of several texts jambonz takes any, and the same call is to be the same again: the first."""
        text = say.text if isinstance(say.text, str) else next(iter(say.text), "")
        return [Speak(" ".join(text.split()), None, _times(say.loop))]

    def _play(self, action: dict[str, object], here: str) -> Steps:
        return self._played(self.typed(action, _Play), here)

    def _played(self, play: _Play, here: str) -> list[Speak]:
        urls = [play.url] if isinstance(play.url, str) else play.url
        return [self.sound(url, here, _times(play.loop)) for url in urls]

    def _gather(self, action: dict[str, object], here: str) -> Steps:
        gather = self.typed(action, _Gather)
        prompt = self._spoken(gather.say) if gather.say else []
        prompt += self._played(gather.play, here) if gather.play else []
        timeout = gather.timeout or inf
        between = timeout if gather.inter_digit_timeout is None else gather.inter_digit_timeout

        def then(heard: Heard) -> Steps | None:
            return self._ask(urljoin(here, gather.action_hook), _outcome(heard)) if gather.action_hook else None

        keys, speech = "digits" in gather.input, "speech" in gather.input
        return [
            Listen(
                then,
                tuple(prompt),
                keys=keys,
                speech=speech,
                timeout=timeout,
                between=between,
                after_speech=gather.speech_timeout,
                most=gather.num_digits or gather.max_digits,
                finish=gather.finish_on_key,
                barge_in=(keys and gather.dtmf_bargein) or (speech and gather.listen_during_prompt),
            )
        ]

    def _pause(self, action: dict[str, object], here: str) -> Steps:
        return [Pause(self.typed(action, _Pause).length)]

    def _dial(self, action: dict[str, object], here: str) -> Steps:
        return self._handed(self.typed(action, _Dial), here)

    def _transfer(self, action: dict[str, object], here: str) -> Steps:
        return self._handed(self.typed(action, _Transfer), here)

    def _refer(self, action: dict[str, object], here: str) -> Steps:
        refer = self.typed(action, _Refer)
        return [Transfer(refer.refer_to, self._then(refer.action_hook, here, {"refer_status": 202}))]

    def _conference(self, action: dict[str, object], here: str) -> Steps:
        room = self.typed(action, _Enqueue)
        return [Transfer(room.name or "conference", self._then(room.action_hook, here, {}))]

    def _handed(self, dial: _Dial, here: str) -> Steps:
        named = (target.get("number") or target.get("name") or target.get("sipUri") for target in dial.target)
        told: dict[str, object] = {"dial_call_status": self.options.dial, "dial_call_sid": str(uuid4())}
        rings = dial.timeout if self.options.dial == "no-answer" else 0.0
        to = ", ".join(str(name) for name in named if name)
        return [Transfer(to or "dial", self._then(dial.action_hook, here, told), rings)]

    def _enqueue(self, action: dict[str, object], here: str) -> Steps:
        queue = self.typed(action, _Enqueue)
        return [Transfer(queue.name or "queue", self._then(queue.action_hook, here, {"queue_result": "bridged"}))]

    def _then(self, hook: str, here: str, told: dict[str, object]) -> Callable[[], Steps | None]:
        return lambda: self._ask(urljoin(here, hook), told) if hook else None

    def _redirect(self, action: dict[str, object], here: str) -> Steps:
        hook = self.typed(action, _Redirect).action_hook
        return [Go(lambda: self._ask(urljoin(here, hook), {}) or [])]

    def _hangup(self, action: dict[str, object], here: str) -> Steps:
        return [End()]

    def _decline(self, action: dict[str, object], here: str) -> Steps:
        return [End(str(action.get("reason") or "declined"), by="system", answers=False)]

    _build: ClassVar = {
        "say": _say,
        "play": _play,
        "gather": _gather,
        "pause": _pause,
        "dial": _dial,
        "transfer": _transfer,
        "sip:refer": _refer,
        "conference": _conference,
        "enqueue": _enqueue,
        "redirect": _redirect,
        "hangup": _hangup,
        "sip:decline": _decline,
    }


def _times(loop: int | str) -> int:
    """How often something is played; ``forever`` and 0 are until the hang-up."""
    return int(loop) if str(loop).isdecimal() else 0


def _outcome(heard: Heard) -> dict[str, object]:
    if heard.text:
        alternatives = [{"transcript": heard.text, "confidence": heard.confidence}]
        speech = {"is_final": True, "language_code": "en-US", "channel_tag": 1, "alternatives": alternatives}
        return {"reason": "speechDetected", "speech": speech}
    return {"reason": "dtmfDetected", "digits": heard.keys} if heard.keys else {"reason": "timeout"}

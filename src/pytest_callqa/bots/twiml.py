"""TwiML: a Twilio voice app behind an address or in this process, with the customer's end of the line simulated.

Semantics: https://www.twilio.com/docs/voice/twiml and what TwiML engines do; time is virtual and exact.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Collection, Mapping
from typing import ClassVar
from urllib.parse import urlencode, urljoin
from uuid import uuid4
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from pytest_callqa.bots.driver import seconds_to_say
from pytest_callqa.bots.hooks import HookOptions, Hooks, hook_bot, hook_client
from pytest_callqa.bots.voice import (
    End,
    Go,
    Heard,
    Listen,
    Pause,
    Record,
    Recorded,
    Speak,
    Step,
    Steps,
    Transfer,
    VoiceBot,
)
from pytest_callqa.bots.web import Answer, Web, shorten
from pytest_callqa.errors import BotError, did_you_mean

LARGEST = 64 * 1024
"""Bytes of a document (Twilio's error 11750)."""

SIGNS = 4096
"""Characters that one Say may hold."""

BREAK = 0.5
"""Seconds of an SSML break that does not say how long it is."""

AUTO = 1.0
"""Seconds of silence after speech that ``speechTimeout="auto"`` is taken for."""

ATTRIBUTES = {
    "Say": "voice loop language",
    "Play": "loop digits",
    "Pause": "length",
    "Gather": "input action method timeout finishOnKey numDigits actionOnEmptyResult language speechTimeout bargeIn "
    "hints partialResultCallback partialResultCallbackMethod profanityFilter debug enhanced speechModel "
    "maxSpeechTime minConfidence",
    "Record": "action method timeout finishOnKey maxLength playBeep trim recordingStatusCallback "
    "recordingStatusCallbackMethod recordingStatusCallbackEvent transcribe transcribeCallback recordingTrack "
    "recordingConfigurationId",
    "Dial": "action method timeout hangupOnStar timeLimit callerId record recordingStatusCallback "
    "recordingStatusCallbackMethod recordingStatusCallbackEvent recordingTrack answerOnBridge ringTone trim "
    "referUrl referMethod sequential events passports recordingConfigurationId",
    "Redirect": "method",
    "Hangup": "",
    "Reject": "reason",
    "Enqueue": "action method waitUrl waitUrlMethod workflowSid maxQueueSize",
    "Connect": "action method",
    "Refer": "action method",
    "Leave": "",
}
"""The verbs that mean something to a caller, and the attributes that Twilio knows of each."""

SILENT_VERBS = frozenset(("Start", "Stop", "Sms", "Message", "Siprec", "Echo", "Queue"))
"""Verbs that a caller does not notice."""

_EMPTY = {"dtmf": "Digits", "speech": "SpeechResult"}
_SECONDS = re.compile(r"([\d.]+)(ms|s)")
_TONE = re.compile(r"[w\d*#A-Da-d]")


class Options(HookOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a TwiML app: those of every voice app."""


def build(at: str, options: Options, allow: Collection[str]) -> VoiceBot:
    """A bot for ``twiml:http://…`` or ``twiml:module:app/path``; signed with ``TWILIO_AUTH_TOKEN`` if that is set."""
    web = hook_client(at, options, allow)
    return hook_bot(Twiml(web, options, token=os.environ.get("TWILIO_AUTH_TOKEN", "")), options)


class Twiml(Hooks):
    """The flow of a TwiML app: it asks for documents and reads them. With ``token`` requests are signed."""

    def __init__(self, web: Web, options: HookOptions, *, token: str = "") -> None:
        super().__init__(web, options)
        self._token = token
        self._params: dict[str, str] = {}

    def begin(self) -> Steps:
        """The first document of a new call."""
        self.web.clear()
        self._params = {
            "CallSid": f"CA{uuid4().hex}",
            "AccountSid": f"AC{'0' * 32}",
            "From": self.options.caller,
            "To": self.options.called,
            "Caller": self.options.caller,
            "Called": self.options.called,
            "CallStatus": "ringing",
            "Direction": "inbound",
            "ApiVersion": "2010-04-01",
        }
        steps = self.opened(lambda method: self._fetch(self.web.url, method))
        self._params["CallStatus"] = "in-progress"
        return steps

    def _fetch(self, url: str, method: str, **params: str) -> Steps:
        form = {**self._params, **params}
        if method == "GET":
            url, form = f"{url}{'&' if '?' in url else '?'}{urlencode(form)}", {}
        headers = {"X-Twilio-Signature": signature(self._token, url, form)} if self._token else {}
        answer = self.web.request(method, url, form=form, headers=headers)
        if answer.media == "text/plain":
            return [Speak(" ".join(answer.text.split()))]
        root = parse(answer)
        return [step for node in root if (step := self._step(node, answer.url)) is not None]

    # -- verbs

    def _step(self, node: Element, here: str) -> Step | None:
        verb = node.tag
        known = ATTRIBUTES.get(verb)
        if known is None:
            if verb not in SILENT_VERBS:
                self.note(f"<{verb}> is no verb of TwiML that can be driven.{did_you_mean(verb, ATTRIBUTES)}")
            return None
        for name in node.attrib.keys() - known.split():
            self.note(f"<{verb}> has no attribute {name}, which is ignored.{did_you_mean(name, known.split())}")
        return self._build[verb](self, node, here)

    def _say(self, node: Element, here: str) -> Step | None:
        text = " ".join(" ".join(node.itertext()).split())
        if len(text) > SIGNS:
            self.note(f"a <Say> of {len(text):,} characters; Twilio speaks {SIGNS:,}")
        breaks = sum(_seconds(mark.get("time", "")) for mark in node.iter("break"))
        return Speak(text, round(seconds_to_say(text) + breaks, 2), self._loop(node))

    def _play(self, node: Element, here: str) -> Step | None:
        digits = node.get("digits")
        if digits is not None:
            return Pause(0.5 * len(_TONE.findall(digits)))
        return self.sound((node.text or "").strip(), here, self._loop(node))

    def _pause(self, node: Element, here: str) -> Step | None:
        return Pause(self._whole(node, "length", 1, least=1))

    def _gather(self, node: Element, here: str) -> Step | None:
        modes = node.get("input", "dtmf").split()
        timeout = 5.0 if node.get("timeout") == "auto" else self._whole(node, "timeout", 5)
        after_speech = node.get("speechTimeout", "")
        always = node.get("actionOnEmptyResult") == "true"
        ask = self._ask(node, here)

        def then(heard: Heard) -> Steps | None:
            if heard.text:
                return ask(SpeechResult=heard.text, Confidence=f"{heard.confidence:g}")
            if heard.keys:
                return ask(Digits=heard.keys)
            if not always:
                return None
            return ask(
                **({"Digits": ""} if "dtmf" in modes else {}), **({"SpeechResult": ""} if "speech" in modes else {})
            )

        steps = (self._step(nested, here) for nested in node)
        return Listen(
            then,
            tuple(step for step in steps if isinstance(step, Speak | Pause)),
            keys="dtmf" in modes,
            speech="speech" in modes,
            timeout=timeout,
            between=timeout,
            after_speech=AUTO if after_speech == "auto" else self._whole(node, "speechTimeout", int(timeout)),
            most=self._whole(node, "numDigits", 0),
            finish=node.get("finishOnKey", "#"),
            barge_in=node.get("bargeIn", "true") != "false",
        )

    def _record(self, node: Element, here: str) -> Step | None:
        timeout = self._whole(node, "timeout", 5, least=1)
        kept = timeout if node.get("trim") == "do-not-trim" else 0
        ask = self._ask(node, here)

        def then(recorded: Recorded) -> Steps:
            recording = f"RE{uuid4().hex}"
            return ask(
                RecordingSid=recording,
                RecordingUrl=f"https://api.twilio.com/2010-04-01/Accounts/AC{'0' * 32}/Recordings/{recording}",
                RecordingDuration=str(round(recorded.seconds + kept)),
                **({"Digits": recorded.key} if recorded.key else {}),
            )

        return Record(
            then,
            timeout,
            node.get("finishOnKey", "1234567890*#"),
            self._whole(node, "maxLength", 3600, least=1),
            node.get("playBeep", "true") != "false",
        )

    def _transfer(self, node: Element, here: str) -> Step | None:
        named = [node.text, *(name.text or name.get("url") for name in node)]
        to = ", ".join(" ".join(name.split()) for name in named if name and name.strip())
        if node.tag == "Dial":
            seconds = self._whole(node, "timeout", 30) if self.options.dial == "no-answer" else 0
            result = {"DialCallStatus": self.options.dial, "DialCallSid": f"CA{uuid4().hex}", "DialCallDuration": "0"}
        else:
            seconds, result = 0, {"QueueResult": "bridged"} if node.tag == "Enqueue" else {}
        ask = self._ask(node, here)
        return Transfer(to or node.tag, lambda: ask(**result) if node.get("action") else None, seconds)

    def _redirect(self, node: Element, here: str) -> Step | None:
        return Go(self._ask(node, here, (node.text or "").strip()))

    def _hangup(self, node: Element, here: str) -> Step | None:
        return End()

    def _reject(self, node: Element, here: str) -> Step | None:
        return End(node.get("reason", "rejected"), by="system", answers=False)

    _build: ClassVar = {
        "Say": _say,
        "Play": _play,
        "Pause": _pause,
        "Gather": _gather,
        "Record": _record,
        "Dial": _transfer,
        "Enqueue": _transfer,
        "Connect": _transfer,
        "Refer": _transfer,
        "Redirect": _redirect,
        "Hangup": _hangup,
        "Leave": _hangup,
        "Reject": _reject,
    }

    # -- attributes

    def _ask(self, node: Element, here: str, to: str | None = None) -> Callable[..., Steps]:
        """What fetches the document that a verb leads to; without an address, the one it stands in."""
        url = urljoin(here, (node.get("action") or "") if to is None else to)
        method = "GET" if node.get("method", "POST").upper() == "GET" else "POST"
        return lambda **params: self._fetch(url, method, **params)

    def _loop(self, node: Element) -> int:
        return self._whole(node, "loop", 1)

    def _whole(self, node: Element, name: str, default: int, least: int = 0) -> int:
        value = node.get(name)
        if value is None:
            return default
        if value.strip().isascii() and value.strip().isdigit() and int(value) >= least:
            return min(int(value), 1_000_000)
        self.note(f"<{node.tag} {name}={value!r}> is no whole number of {least} and more; {default} is taken")
        return default


def parse(answer: Answer) -> Element:
    """The document's root. Raises :class:`BotError` for what Twilio would refuse, and for every entity."""
    if answer.media not in ("", "text/xml", "application/xml", "text/html"):
        raise BotError(f"{answer.url} answered {answer.media}, which is no TwiML", [shorten(answer.body)])
    if len(answer.body) > LARGEST:
        raise BotError(f"{answer.url} answered {len(answer.body):,} bytes; a document may have {LARGEST:,}")
    told = answer.charset and answer.charset.lower().replace("_", "-") not in ("utf-8", "utf8", "us-ascii")
    try:
        root: Element = fromstring(answer.text if told else answer.body, forbid_dtd=True)
    except DefusedXmlException:
        raise BotError(
            f"{answer.url} answered a document with a DTD, which is not read", [shorten(answer.body)]
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise BotError(f"{answer.url} answered bad XML: {error}", [shorten(answer.body)]) from None
    if root.tag != "Response":
        raise BotError(f"{answer.url} answered <{root.tag}>, not <Response>", [shorten(answer.body)])
    return root


def signature(token: str, url: str, form: Mapping[str, str]) -> str:
    """The ``X-Twilio-Signature`` of a request, as its validator expects it."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def _seconds(text: str) -> float:
    match = _SECONDS.fullmatch(text.strip())
    return (float(match[1]) / (1000 if match[2] == "ms" else 1)) if match else BREAK

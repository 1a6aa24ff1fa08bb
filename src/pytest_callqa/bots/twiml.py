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
from typing import ClassVar, Literal
from urllib.parse import urlencode, urljoin, urlsplit
from uuid import uuid4
from xml.etree.ElementTree import Element, ParseError

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from pytest_callqa.bots.driver import seconds_to_say
from pytest_callqa.bots.spec import find_app
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
from pytest_callqa.bots.web import TIMEOUT, Answer, Web, shorten
from pytest_callqa.errors import BotError, did_you_mean

LARGEST = 64 * 1024
"""Bytes of a document (Twilio's error 11750)."""

SIGNS = 4096
"""Characters that one Say may hold."""

BREAK = 0.5
"""Seconds of an SSML break that does not say how long it is."""

AUTO = 1.0
"""Seconds of silence after speech that ``speechTimeout="auto"`` is taken for."""

UNKNOWN_SOUND = 3.0
"""Seconds of a recording that no table of sounds describes."""

ATTRIBUTES = {
    "Say": "voice loop language",
    "Play": "loop digits",
    "Pause": "length",
    "Gather": "input action method timeout finishOnKey numDigits actionOnEmptyResult language speechTimeout bargeIn "
    "hints partialResultCallback partialResultCallbackMethod profanityFilter debug enhanced speechModel "
    "maxSpeechTime minConfidence",
    "Record": "action method timeout finishOnKey maxLength playBeep trim recordingStatusCallback "
    "recordingStatusCallbackMethod recordingStatusCallbackEvent transcribe transcribeCallback recordingTrack",
    "Dial": "action method timeout hangupOnStar timeLimit callerId record recordingStatusCallback "
    "recordingStatusCallbackMethod recordingStatusCallbackEvent recordingTrack answerOnBridge ringTone trim "
    "referUrl referMethod sequential events",
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


class Sound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a recording says, as text, and how many ``seconds`` it plays (None: estimated)."""

    text: str
    seconds: float | None = None


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a TwiML bot.

    ``sounds`` describes recordings by address or file name; ``dial`` is what becomes of a Dial; ``host`` is the
    address an app in this process believes in; ``timeout`` is in real seconds; with ``real_time`` they count.
    """

    method: Literal["GET", "POST"] = "POST"
    caller: str = "+15005550006"
    called: str = "+15005550001"
    dial: Literal["completed", "busy", "no-answer", "failed", "canceled"] = "completed"
    sounds: dict[str, Sound | str] = {}
    host: str = "http://testserver"
    headers: dict[str, str] = {}
    timeout: float = TIMEOUT
    real_time: bool = False
    deterministic: bool = True


def build(at: str, options: Options, allow: Collection[str]) -> VoiceBot:
    """A bot for ``twiml:http://…`` or ``twiml:module:app/path``; signed with ``TWILIO_AUTH_TOKEN`` if that is set."""
    path, app = find_app(at)
    web = Web(path, app=app, allow=allow, host=options.host, headers=options.headers, timeout=options.timeout)
    flow = Twiml(web, options, token=os.environ.get("TWILIO_AUTH_TOKEN", ""))
    return VoiceBot(flow, real_time=options.real_time, deterministic=options.deterministic)


class Twiml:
    """The flow of a TwiML app: it asks for documents and reads them. With ``token`` requests are signed.

    ``notes`` collects what its developer should know: unknown attributes, recordings without a text, verbs that
    cannot be driven.
    """

    end: Step = End()

    def __init__(self, web: Web, options: Options, *, token: str = "") -> None:
        self.web = web
        self.notes: dict[str, None] = {}
        self._options, self._token = options, token
        self._params: dict[str, str] = {}

    def begin(self) -> Steps:
        """The first document of a new call."""
        self.web.clear()
        self._params = {
            "CallSid": f"CA{uuid4().hex}",
            "AccountSid": f"AC{'0' * 32}",
            "From": self._options.caller,
            "To": self._options.called,
            "Caller": self._options.caller,
            "Called": self._options.called,
            "CallStatus": "ringing",
            "Direction": "inbound",
            "ApiVersion": "2010-04-01",
        }
        steps = self._fetch(self.web.url, self._options.method)
        self._params["CallStatus"] = "in-progress"
        return steps

    def close(self) -> None:
        """Nothing is held for one call."""

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
                self._note(f"<{verb}> is no verb of TwiML that can be driven.{did_you_mean(verb, ATTRIBUTES)}")
            return None
        for name in node.attrib.keys() - known.split():
            self._note(f"<{verb}> has no attribute {name}, which is ignored.{did_you_mean(name, known.split())}")
        return self._build[verb](self, node, here)

    def _say(self, node: Element, here: str) -> Step | None:
        text = " ".join(" ".join(node.itertext()).split())
        if len(text) > SIGNS:
            self._note(f"a <Say> of {len(text):,} characters; Twilio speaks {SIGNS:,}")
        breaks = sum(_seconds(mark.get("time", "")) for mark in node.iter("break"))
        return Speak(text, round(seconds_to_say(text) + breaks, 2), self._loop(node))

    def _play(self, node: Element, here: str) -> Step | None:
        digits = node.get("digits")
        if digits is not None:
            return Pause(0.5 * len(_TONE.findall(digits)))
        url = (node.text or "").strip()
        name = urlsplit(url).path.rpartition("/")[2]
        known = self._options.sounds
        sound = known.get(url) or known.get(urljoin(here, url)) or known.get(name)
        if sound is None:
            self._note(f"nobody said what is heard in {name or 'a <Play> without an address'}; name it under sounds")
            sound = Sound(f"[{name}]", UNKNOWN_SOUND)
        elif isinstance(sound, str):
            sound = Sound(sound)
        return Speak(sound.text, sound.seconds, self._loop(node))

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
            seconds = self._whole(node, "timeout", 30) if self._options.dial == "no-answer" else 0
            result = {"DialCallStatus": self._options.dial, "DialCallSid": f"CA{uuid4().hex}", "DialCallDuration": "0"}
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
        self._note(f"<{node.tag} {name}={value!r}> is no whole number of {least} and more; {default} is taken")
        return default

    def _note(self, text: str) -> None:
        self.notes[text] = None


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

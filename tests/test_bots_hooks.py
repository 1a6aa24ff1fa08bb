"""jambonz and Vonage: their own rule for an empty listen. What apps answer is built by the vendors' packages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, Response, jsonify, request
from jambonz.webhook import verbs
from jambonz.webhook.incoming import CallWebhook, GatherResult
from jambonz.webhook.response import JambonzResponse
from tests.ivr_kit import happened, said, talk, texts
from vonage_voice.models import Connect, Input, NccoAction, PhoneEndpoint, Stream, Talk
from vonage_voice.models.input_types import Dtmf, Speech

from pytest_callqa.bots import Move, jambonz, vonage
from pytest_callqa.bots.hooks import Hooks
from pytest_callqa.bots.jambonz import Jambonz
from pytest_callqa.bots.voice import VoiceBot
from pytest_callqa.bots.vonage import Vonage
from pytest_callqa.bots.web import Web
from pytest_callqa.errors import BotError

Page = Callable[[], object]


class App:
    """A Flask app that answers each path with what a function makes; it remembers what it was told."""

    def __init__(self, **pages: Page) -> None:
        self.told: dict[str, list[dict[str, object]]] = {name: [] for name in pages}
        self.app = Flask(__name__)
        self.app.testing = True
        for name, page in pages.items():
            self.app.add_url_rule(f"/{name}", name, self._view(name, page), methods=["GET", "POST"])

    def _view(self, name: str, page: Page) -> Callable[[], Response]:
        def view() -> Response:
            self.told[name].append(request.get_json() if request.method == "POST" else request.args.to_dict())
            made = page()
            return made if isinstance(made, Response) else jsonify(made)

        return view

    def jambonz(self, **options: object) -> VoiceBot:
        return VoiceBot(Jambonz(Web("/call", app=self.app), jambonz.Options(**options)))

    def vonage(self, **options: object) -> VoiceBot:
        return VoiceBot(Vonage(Web("/answer", app=self.app), vonage.Options(**options)))


def jambonz_of(*built: object) -> Page:
    """What the jambonz SDK sends for these verbs."""
    return lambda: JambonzResponse(list(built)).model_dump(by_alias=True, exclude_none=True, mode="json")


def ncco(*built: NccoAction) -> Page:
    """What the Vonage SDK sends for these actions."""
    return lambda: [action.model_dump(by_alias=True, exclude_none=True, mode="json") for action in built]


def notes(bot: VoiceBot) -> list[str]:
    assert isinstance(bot.flow, Hooks)
    return list(bot.flow.notes)


# --- jambonz


def menu(**gather: object) -> verbs.Gather:
    prompt = verbs.Say(text="Press one or say sales")
    return verbs.Gather(
        **{"input": ["digits", "speech"], "action_hook": "/heard", "say": prompt, "timeout": 10, **gather}
    )


def heard() -> object:
    result = GatherResult.model_validate(request.get_json())
    return jambonz_of(verbs.Say(text=f"{result.reason} {result.digits} {result.transcript}"))()


def test_a_jambonz_hook_is_called_on_every_outcome() -> None:
    app = App(call=jambonz_of(menu(num_digits=1), verbs.Say(text="Never said")), heard=heard)
    assert said(talk(app.jambonz(), Move(wait=20))) == [
        ("Press one or say sales", 0.0, 2.0),
        ("timeout None None", 12.0, 13.2),
    ]
    assert said(talk(app.jambonz(), Move(keys="1")))[1][:2] == ("dtmfDetected 1 None", 2.5)
    assert said(talk(app.jambonz(), Move(text="Sales")))[1][:2] == ("speechDetected None Sales", 3.9)
    call = CallWebhook.model_validate(app.told["call"][0])
    assert (call.direction, call.from_, call.call_status) == ("inbound", "+15005550006", "trying")
    assert app.told["heard"][0]["call_sid"] == app.told["call"][0]["call_sid"]


def test_an_empty_answer_of_a_jambonz_hook_means_the_next_verb() -> None:
    app = App(call=jambonz_of(menu(), verbs.Say(text="Goodbye"), verbs.Hangup()), heard=list)
    call = talk(app.jambonz(), Move(wait=20))
    assert texts(call) == ["Press one or say sales", "Goodbye"]
    assert happened(call)[0][0] == "hangup"


def test_jambonz_waits_fifteen_seconds_unless_told_otherwise_and_for_ever_if_told() -> None:
    bare = App(call=lambda: [{"verb": "gather", "play": {"url": "/beep.wav"}}, {"verb": "say", "text": "Bye"}])
    assert said(talk(bare.jambonz(sounds={"beep.wav": "Go on"}), Move(wait=20)))[-1] == ("Bye", 15.8, 16.2)
    ever = App(
        call=lambda: [{"verb": "gather", "timeout": 0, "interDigitTimeout": 2, "actionHook": "heard"}], heard=heard
    )
    assert texts(talk(ever.jambonz(), Move(wait=3000))) == []
    assert said(talk(ever.jambonz(), Move(keys="12")))[0][:2] == ("dtmfDetected 12 None", 3.0)


def test_the_verbs_of_jambonz_do_what_they_say() -> None:
    app = App(
        call=jambonz_of(
            verbs.Pause(length=2), verbs.Play(url="http://x/a.mp3"), verbs.Redirect(action_hook="/two"), verbs.Hangup()
        ),
        two=lambda: [
            {"verb": "config"},
            {"verb": "tag"},
            {"verb": "says"},
            {"verb": "say", "text": ["One", "Two"], "loop": 2},
            {"verb": "enqueue", "name": "support"},
            {"verb": "dial", "target": [{"type": "phone", "number": "+1500"}], "actionHook": "/done", "timeout": 20},
        ],
        done=lambda: [{"verb": "say", "text": "Wait", "loop": "forever"}],
    )
    bot = app.jambonz(dial="no-answer")
    call = talk(bot, Move(wait=1))
    assert texts(call)[:3] == ["[a.mp3]", "One", "One"]
    assert happened(call) == [("transfer", "support", 5.8), ("transfer", "+1500", 5.8)]
    assert app.told["done"][0]["dial_call_status"] == "no-answer"
    assert (texts(call)[5], said(call)[5][1]) == ("Wait", 26.6)
    assert notes(bot) == [
        "nobody said what is heard in a.mp3; name it under sounds",
        "'says' is no verb of jambonz that can be driven. Did you mean 'say'?",
    ]


def test_jambonz_may_decline_and_be_called_by_get() -> None:
    app = App(call=lambda: [{"verb": "sip:decline", "status": 486, "reason": "Busy Here"}])
    assert [(e.kind, e.value) for e in talk(app.jambonz(method="GET")).call().events] == [("hangup", "Busy Here")]
    assert app.told["call"][0]["direction"] == "inbound"


def test_what_does_not_fit_is_an_error_of_the_bot() -> None:
    with pytest.raises(BotError, match=r'\{"length":"long","verb":"pause"\} does not fit: Expected `float`'):
        talk(App(call=lambda: [{"verb": "pause", "length": "long"}]).jambonz())
    with pytest.raises(BotError, match="/call answered no list of objects"):
        talk(App(call=lambda: ["say"]).jambonz())
    assert texts(talk(App(call=lambda: Response("")).jambonz())) == []
    assert isinstance(jambonz.build("http://localhost:1", jambonz.Options(), ()), VoiceBot)


def test_jambonz_hands_a_caller_over_in_several_ways() -> None:
    number = [{"type": "phone", "number": "+15005550010"}]
    app = App(
        call=lambda: [
            {"verb": "transfer", "mode": "blind", "target": number},
            {"verb": "conference", "name": "room", "actionHook": "/left"},
        ],
        left=lambda: [{"verb": "sip:refer", "referTo": "sip:agent@example.com"}, {"verb": "dtmf", "dtmf": "1"}],
    )
    bot = app.jambonz(dial="no-answer")
    assert happened(talk(bot)) == [
        ("transfer", "+15005550010", 0.0),
        ("transfer", "room", 30.0),
        ("transfer", "sip:agent@example.com", 30.0),
        ("hangup", "", 30.0),
    ]
    assert notes(bot) == []


def test_a_jambonz_gather_says_when_speech_is_over() -> None:
    gather = {"verb": "gather", "input": ["speech"], "actionHook": "/heard", "speechTimeout": 3}
    app = App(call=lambda: [gather], heard=heard)
    assert said(talk(app.jambonz(), Move(text="Sales")))[0][:2] == ("speechDetected None Sales", 3.9)


# --- Vonage


def told() -> object:
    body = request.get_json()
    results = body.get("speech", {}).get("results", [])
    return ncco(Talk(text=f"{body.get('dtmf', {}).get('digits')} {results[0]['text'] if results else '-'}"))()


def test_a_vonage_event_is_sent_on_every_outcome() -> None:
    asks = Input(type=["dtmf", "speech"], dtmf=Dtmf(maxDigits=1), speech=Speech(startTimeout=5), eventUrl=["/event"])
    app = App(answer=ncco(Talk(text="Press one", bargeIn=True), asks, Talk(text="Never said")), event=told)
    assert said(talk(app.vonage(), Move(wait=9))) == [("Press one", 0.0, 0.8), ("-", 5.8, 5.8)]
    assert said(talk(app.vonage(), Move(keys="1", over=0.5)))[-1][:2] == ("1 -", 0.4)
    assert said(talk(app.vonage(), Move(text="Sales")))[1][:2] == ("Sales", 3.7)
    assert [(told["dtmf"], told["speech"]) for told in app.told["event"]] == [
        ({"digits": "", "timed_out": True}, {"timeout_reason": "start_timeout", "results": []}),
        ({"digits": "1", "timed_out": False}, {"timeout_reason": "start_timeout", "results": []}),
        (
            {"digits": "", "timed_out": True},
            {"timeout_reason": "end_on_silence_timeout", "results": [{"text": "Sales", "confidence": "0.9"}]},
        ),
    ]
    assert app.told["answer"][0]["from"] == "15005550006"
    assert app.told["answer"][0]["uuid"] == app.told["event"][0]["uuid"]


def test_an_answer_that_is_no_ncco_means_the_next_action() -> None:
    app = App(
        answer=ncco(Talk(text="Press one"), Input(type=["dtmf"], eventUrl=["/event"]), Talk(text="Goodbye")),
        event=lambda: {"status": "ok"},
    )
    call = talk(app.vonage(), Move(wait=9))
    assert said(call) == [("Press one", 0.0, 0.8), ("Goodbye", 3.8, 4.2)]
    asked = App(answer=ncco(Input(type=["speech"], eventUrl=["http://testserver/event"])), event=told)
    assert texts(talk(asked.vonage(method="POST"), Move(text="Sales"))) == ["None Sales"]
    silent = App(answer=ncco(Input(type=["dtmf"], dtmf=Dtmf(submitOnHash=True)), Talk(text="Bye", bargeIn=True)))
    assert said(talk(silent.vonage(), Move(keys="1#"))) == [("Bye", 1.0, 1.4)]


def test_the_actions_of_vonage_do_what_they_say() -> None:
    number = PhoneEndpoint(number="15005550009")
    connect = Connect(endpoint=[number], from_="15005550001", timeout=20, eventUrl=["/busy"], eventType="synchronous")
    app = App(
        answer=lambda: [
            *ncco(Stream(streamUrl=["http://x/hello.mp3"]), Talk(text="One", loop=2, bargeIn=True), Talk(text="Two"))(),
            {"action": "record"},
            {"action": "tlak"},
            {"action": "wait", "timeout": 2},
            {"action": "notify", "payload": {"step": 1}, "eventUrl": ["/event"]},
            *ncco(connect)(),
            {"action": "conversation", "name": "room"},
        ],
        event=dict,
        busy=ncco(Talk(text="Nobody is there")),
    )
    bot = app.vonage(dial="no-answer", sounds={"hello.mp3": "Hello"})
    call = talk(bot)
    assert said(call) == [
        ("Hello", 0.0, 0.4),
        ("One", 0.4, 0.8),
        ("One", 0.8, 1.2),
        ("Two", 1.2, 1.6),
        ("Nobody is there", 23.6, 24.8),
    ]
    assert happened(call)[0] == ("transfer", "15005550009", 3.6)
    assert app.told["event"][0]["payload"] == {"step": 1}
    assert notes(bot) == ["'tlak' is no action of Vonage that can be driven. Did you mean 'talk'?"]
    assert happened(talk(app.vonage()))[1] == ("transfer", "room", 6.2)
    assert isinstance(vonage.build("http://localhost:1", vonage.Options(), ()), VoiceBot)

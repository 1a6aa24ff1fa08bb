"""TwiML: what a caller hears, when, and what the app is sent. Documents are built by the twilio package."""

from __future__ import annotations

import inspect
import re
import time

import pytest
from flask import Response, make_response, redirect, request
from tests.ivr_kit import Ivr, document, happened, said, talk, texts, xml
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from pytest_callqa.bots import Move
from pytest_callqa.bots.driver import Conversation
from pytest_callqa.bots.hooks import Sound
from pytest_callqa.bots.twiml import ATTRIBUTES, Twiml
from pytest_callqa.bots.voice import VoiceBot
from pytest_callqa.errors import BotError


def notes(bot: VoiceBot) -> list[str]:
    assert isinstance(bot.flow, Twiml)
    return list(bot.flow.notes)


# --- what is said, and how long it takes


def test_verbs_run_in_order_and_the_end_of_the_document_hangs_up() -> None:
    def build(response: VoiceResponse) -> None:
        response.say("One two three four five")
        response.pause(length=3)
        response.say("Bye", loop=2)

    call = talk(Ivr(voice=document(build)).bot())
    assert said(call) == [("One two three four five", 0.0, 2.0), ("Bye", 5.0, 5.4), ("Bye", 5.4, 5.8)]
    assert happened(call) == [("hangup", "", 5.8)]


def test_ssml_is_spoken_and_its_breaks_take_time() -> None:
    def build(response: VoiceResponse) -> None:
        say = response.say("One two")
        say.break_(time="1500ms")
        say.emphasis("three")
        say.break_(strength="weak")

    assert said(talk(Ivr(voice=document(build)).bot())) == [("One two three", 0.0, 3.2)]


def test_recordings_are_described_by_a_table() -> None:
    def build(response: VoiceResponse) -> None:
        response.play("/static/welcome.mp3")
        response.play("https://cdn.example/menu.mp3")
        response.play(digits="w1w")
        response.play("unknown.wav")

    bot = Ivr(voice=document(build)).bot(
        sounds={"welcome.mp3": "Welcome to Acme", "https://cdn.example/menu.mp3": Sound("Press 1", 7.5)}
    )
    assert said(talk(bot)) == [
        ("Welcome to Acme", 0.0, 1.2),
        ("Press 1", 1.2, 8.7),
        ("[unknown.wav]", 10.2, 13.2),
    ]
    assert notes(bot) == ["nobody said what is heard in unknown.wav; name it under sounds"]


def test_a_pause_as_the_first_verb_delays_picking_up() -> None:
    call = talk(Ivr(voice=xml("<Pause length='4'/><Say>Hello</Say>")).bot())
    assert [(event.kind, event.time) for event in call.call().events][:1] == [("answer", 4.0)]
    assert said(call) == [("Hello", 4.0, 4.4)]


@pytest.mark.parametrize(("reason", "told"), [("<Reject/>", "rejected"), ("<Reject reason='busy'/>", "busy")])
def test_a_rejected_call_is_never_answered(reason: str, told: str) -> None:
    call = talk(Ivr(voice=xml(reason)).bot())
    assert [(event.kind, event.value) for event in call.call().events] == [("hangup", told)]


@pytest.mark.parametrize("verb", ["<Hangup/>", ""])
def test_a_wordless_call_is_answered_and_ended(verb: str) -> None:
    call = talk(Ivr(voice=xml(verb)).bot())
    assert [(event.kind, event.time) for event in call.call().events] == [("answer", 0.0), ("hangup", 0.0)]


def test_a_sentence_that_is_repeated_for_ever_ends_with_the_customer() -> None:
    bot = Ivr(voice=xml("<Say loop='0'>Please hold</Say>")).bot()
    with Conversation(bot) as call:
        begun = len(call.replies)
        call.send(Move(wait=2))
        assert [reply.text for reply in call.replies[begun:]] == ["Please hold"] * 3
        call.send(Move(hang_up=True))
    assert call.call().events[-1].by == "customer"


def test_plain_text_is_spoken() -> None:
    page = Response("Hello\n there", mimetype="text/plain")
    assert texts(talk(Ivr(voice=page).bot())) == ["Hello there"]


# --- gather


def field(name: str) -> str:
    """A field of the request that the app is answering."""
    return request.values.get(name, "-")


def menu(inner: str = "<Say>Press one</Say>", after: str = "<Say>Nothing</Say>", **attributes: str) -> Ivr:
    written = " ".join(f"{name}='{value}'" for name, value in {"action": "/heard", **attributes}.items())
    return Ivr(
        voice=xml(f"<Gather {written}>{inner}</Gather>{after}"),
        heard=lambda: xml(
            f"<Say>Got {request.values.get('Digits', '-')} {request.values.get('SpeechResult', '-')}</Say>"
        ),
    )


def test_the_time_out_of_a_gather_begins_after_its_prompt() -> None:
    call = talk(menu().bot(), Move(wait=30))
    assert said(call) == [("Press one", 0.0, 0.8), ("Nothing", 5.8, 6.2)]
    assert happened(call) == [("hangup", "", 6.2)]


def test_a_gather_waits_for_exactly_its_time_out() -> None:
    ivr = menu(timeout="7")
    assert texts(talk(ivr.bot(), Move(wait=6.99))) == ["Press one"]
    assert said(talk(ivr.bot(), Move(wait=7)))[1] == ("Nothing", 7.8, 8.2)


def test_digits_go_to_the_action_at_once_when_all_are_there() -> None:
    ivr = menu(numDigits="2")
    assert said(talk(ivr.bot(), Move(keys="12")))[1] == ("Got 12 -", 1.8, 2.6)
    assert ivr.sent("/heard", "Digits", "SpeechResult", "CallStatus") == [("12", "-", "in-progress")]


def test_any_number_of_digits_is_ended_by_the_finishing_key_or_the_time_out() -> None:
    ivr = menu()
    assert said(talk(ivr.bot(), Move(keys="12#")))[1][:2] == ("Got 12 -", 2.3)
    assert said(talk(ivr.bot(), Move(keys="12")))[1][:2] == ("Got 12 -", 6.8), "five seconds after the last key"
    assert texts(talk(menu(finishOnKey="").bot(), Move(keys="1#")))[1] == "Got 1# -"
    assert texts(talk(menu(finishOnKey="*").bot(), Move(keys="1#*")))[1] == "Got 1# -"


def test_the_finishing_key_alone_is_no_input() -> None:
    ivr = menu(numDigits="1")
    assert texts(talk(ivr.bot(), Move(keys="#"))) == ["Press one", "Nothing"]
    assert ivr.sent("/heard") == []


def test_an_empty_result_is_sent_only_if_asked_for() -> None:
    ivr = menu(actionOnEmptyResult="true", input="dtmf speech")
    assert texts(talk(ivr.bot(), Move(wait=10))) == ["Press one", "Got"]
    assert ivr.sent("/heard", "Digits", "SpeechResult") == [("", "")]


def test_speech_is_heard_after_its_own_pause() -> None:
    ivr = menu(input="speech", speechTimeout="2")
    call = talk(ivr.bot(), Move(text="Sales please"))
    assert said(call)[1][:2] == ("Got - Sales please", 1.3 + 0.8 + 2)
    assert ivr.sent("/heard", "SpeechResult", "Confidence") == [("Sales please", "0.9")]
    assert said(talk(menu(input="speech", speechTimeout="auto").bot(), Move(text="Sales")))[1][1] == 1.3 + 0.4 + 1
    assert said(talk(menu(input="speech").bot(), Move(text="Sales")))[1][1] == 1.3 + 0.4 + 5


def test_a_gather_hears_only_what_its_input_says() -> None:
    assert texts(talk(menu().bot(), Move(text="Sales"), Move(wait=9))) == ["Press one", "Nothing"]
    assert texts(talk(menu(input="speech").bot(), Move(keys="1"), Move(wait=9))) == ["Press one", "Nothing"]
    both = menu(input="dtmf speech", numDigits="1")
    assert texts(talk(both.bot(), Move(text="Sales")))[1] == "Got - Sales"
    assert texts(talk(both.bot(), Move(keys="1")))[1] == "Got 1 -"


def test_a_low_voice_is_not_heard_and_noise_makes_the_recogniser_doubt() -> None:
    ivr = menu(input="speech")
    assert texts(talk(ivr.bot(), Move(text="Sales", events=("low-volume",)), Move(wait=9))) == ["Press one", "Nothing"]
    talk(ivr.bot(), Move(text="Sales", events=("noise",)))
    assert ivr.sent("/heard", "Confidence") == [("0.3",)]


def test_the_first_key_stops_the_prompt() -> None:
    call = talk(menu("<Say>One two three four</Say>", numDigits="1").bot(), Move(keys="1", over=0.5))
    assert said(call) == [("One two—", 0.0, 0.8), ("Got 1 -", 0.8, 1.6)]


def test_a_prompt_that_cannot_be_broken_into_is_deaf() -> None:
    ivr = menu("<Say>One two three four</Say>", numDigits="1", bargeIn="false")
    assert texts(talk(ivr.bot(), Move(keys="1", over=0.5), Move(wait=9)))[-1] == "Nothing"
    assert texts(talk(ivr.bot(), Move(keys="1")))[-1] == "Got 1 -"


def test_keys_typed_ahead_reach_the_next_menu_and_stop_its_prompt() -> None:
    second = "<Gather numDigits='1' action='/second'><Say>One two three four five</Say></Gather>"
    ivr = Ivr(
        voice=xml("<Gather numDigits='1' action='/first'/>"),
        first=xml(second),
        second=lambda: xml(f"<Say>Got {request.form['Digits']}</Say>"),
    )
    call = talk(ivr.bot(), Move(keys="12"))
    assert said(call) == [("One—", 0.5, 1.0), ("Got 2", 1.0, 1.8)]


def test_keys_are_lost_while_the_bot_only_talks() -> None:
    ivr = Ivr(
        voice=xml("<Gather numDigits='1' action='/first'/>"),
        first=xml("<Say>One two three four five</Say><Gather numDigits='1' action='/second'/><Say>Nothing</Say>"),
        second=lambda: xml(f"<Say>Got {request.form['Digits']}</Say>"),
    )
    assert texts(talk(ivr.bot(), Move(keys="1234"), Move(wait=5)))[-1] == "Nothing"
    assert texts(talk(ivr.bot(), Move(keys="1234567")))[-1] == "Got 5", "the first one pressed after the sentence"


def test_an_answer_that_comes_after_the_time_out_meets_the_next_listen() -> None:
    ivr = Ivr(
        voice=xml("<Gather input='speech' timeout='1' action='/a'/><Say>No</Say><Gather input='speech' action='/b'/>"),
        a=xml("<Say>A</Say>"),
        b=xml("<Say>B</Say>"),
    )
    assert said(talk(ivr.bot(), Move(wait=0.9), Move(text="Hello there"))) == [("No", 1.0, 1.4), ("B", 7.2, 7.6)]


def test_keys_too_slow_for_a_gather_reach_the_next_one() -> None:
    first = "<Gather timeout='0' action='/heard'><Say>One two three</Say><Say>four</Say></Gather>"
    second = "<Gather numDigits='1' action='/heard'><Say loop='5'>One two</Say></Gather>"
    ivr = Ivr(voice=xml(first), heard=lambda: xml(f"<Say>{field('Digits')}</Say>{second}"))
    call = talk(ivr.bot(), Move(keys="123", over=0.5))
    assert ivr.sent("/heard", "Digits") == [("1",), ("2",), ("3",)]
    assert said(call)[2:6] == [("1", 1.4, 1.8), ("2", 1.9, 2.3), ("3", 2.4, 2.8), ("One two", 2.8, 3.6)]


def test_time_goes_by_between_two_listens_without_a_word() -> None:
    call = talk(Ivr(voice=xml("<Gather timeout='3'/><Gather/>")).bot(), Move(wait=4))
    assert (call.now, texts(call), call.ended) == (4.0, [], False)


def test_a_gather_without_an_action_asks_for_its_own_document_again() -> None:
    ivr = Ivr(
        voice=lambda: xml(f"<Gather numDigits='1'><Say>Got {request.values.get('Digits', 'nothing')}</Say></Gather>")
    )
    assert texts(talk(ivr.bot(), Move(keys="4"))) == ["Got nothing", "Got 4"]


def test_nested_pauses_and_repeated_prompts_play_in_order() -> None:
    gather = Gather(num_digits=1, action="/heard", timeout=2)
    gather.say("One", loop=2)
    gather.pause(length=2)
    gather.say("Two")
    response = VoiceResponse()
    response.append(gather)
    assert said(talk(Ivr(voice=response).bot(), Move(wait=5)))[:3] == [
        ("One", 0.0, 0.4),
        ("One", 0.4, 0.8),
        ("Two", 2.8, 3.2),
    ]
    call = talk(menu("<Say loop='0'>Press one</Say>", numDigits="1").bot(), Move(keys="1"))
    assert texts(call)[-1] == "Got 1 -", "the prompt that never ends was broken off for us"


# --- record, dial, queue, redirect


def test_a_recording_ends_with_silence_a_key_or_the_hang_up() -> None:
    ivr = Ivr(
        voice=xml("<Record action='/done' timeout='3' maxLength='20'/><Say>Nothing</Say>"),
        done=xml("<Say>Thank you</Say>"),
    )
    assert said(talk(ivr.bot(), Move(text="My name is Bond"))) == [("Thank you", 5.6, 6.4)]
    assert said(talk(ivr.bot(), Move(wait=2), Move(keys="1")))[0][:2] == ("Thank you", 3.0)
    assert texts(talk(ivr.bot(), Move(wait=9))) == ["Nothing"], "an empty recording is not sent"
    talk(ivr.bot(), Move(text="My name is Bond", hang_up=True))
    talk(ivr.bot(), Move(hang_up=True))
    talk(ivr.bot(), Move(text=" ".join(["word"] * 100)))
    assert ivr.sent("/done", "RecordingDuration", "Digits") == [("2", "-"), ("2", "1"), ("2", "hangup"), ("20", "-")]


def test_what_a_recording_keeps_and_which_keys_end_it() -> None:
    ivr = Ivr(voice=xml("<Record finishOnKey='#' playBeep='false' trim='do-not-trim'/>"))
    call = talk(ivr.bot(), Move(keys="1"), Move(text="Hello"))
    assert call.now > 6
    assert ivr.sent("/voice", "RecordingDuration") == [("-",), ("5",)]


def test_a_dial_hands_over_and_says_what_became_of_it() -> None:
    def build(response: VoiceResponse) -> None:
        dial = Dial(action="/after", timeout=10)
        dial.number("+15005550009")
        response.append(dial)
        response.say("Not reached")

    ivr = Ivr(voice=document(build), after=lambda: xml(f"<Say>{request.form['DialCallStatus']}</Say>"))
    reached = talk(ivr.bot())
    assert happened(reached)[0] == ("transfer", "+15005550009", 0.0)
    assert said(reached) == [("completed", 0.0, 0.4)]
    assert said(talk(ivr.bot(dial="no-answer"))) == [("no-answer", 10.0, 10.8)]
    assert said(talk(ivr.bot(dial="busy"))) == [("busy", 0.0, 0.4)]


def test_a_dial_without_an_action_goes_on_with_the_next_verb() -> None:
    call = talk(Ivr(voice=xml("<Dial>+15005550009</Dial><Say>Goodbye</Say>")).bot())
    assert texts(call) == ["Goodbye"]


def test_a_queue_and_a_stream_are_transfers() -> None:
    ivr = Ivr(
        voice=xml("<Enqueue action='/left'>support</Enqueue>"), left=xml("<Connect><Stream url='wss://x'/></Connect>")
    )
    assert happened(talk(ivr.bot()))[:2] == [("transfer", "support", 0.0), ("transfer", "wss://x", 0.0)]
    assert ivr.sent("/left", "QueueResult") == [("bridged",)]


def test_a_redirect_leaves_the_rest_unread() -> None:
    ivr = Ivr(
        voice=xml("<Redirect method='GET'>next?x=1</Redirect><Say>Not reached</Say>"), next=xml("<Say>Here</Say>")
    )
    assert texts(talk(ivr.bot())) == ["Here"]
    assert [(method, path, form["x"]) for method, path, form in ivr.asked[1:]] == [("GET", "/next", "1")]


def test_an_endless_loop_is_named_and_does_not_hang() -> None:
    with pytest.raises(BotError, match="an endless loop: 100 documents in answer to one move"):
        talk(Ivr(voice=xml("<Redirect/>")).bot())


def test_a_bot_that_talks_for_ever_gives_the_customer_a_turn() -> None:
    ivr = Ivr(voice=xml("<Say>One two three four five six seven eight nine ten</Say><Redirect/>"))
    with Conversation(ivr.bot()) as call:
        assert 120 < call.now < 130
        call.send(Move(wait=10))
        call.send(Move(text="Stop"))
        assert 240 < call.now < 270
        call.send(Move(hang_up=True))
    with Conversation(ivr.bot(), longest=300) as call:
        while not call.ended:
            call.send(Move(wait=60))
    assert call.call().limits == ("the conversation was broken off after 300 s",)


def test_a_loop_that_asks_again_and_again_goes_on_as_long_as_the_customer_waits() -> None:
    ivr = Ivr(voice=xml("<Gather><Say>Press one</Say></Gather><Redirect/>"))
    assert [start for _, start, _ in said(talk(ivr.bot(), Move(wait=20)))] == [0.0, 5.8, 11.6, 17.4]


# --- requests


def test_the_first_request_rings_and_every_one_names_the_call() -> None:
    ivr = menu(numDigits="1", method="GET")
    talk(ivr.bot(method="GET"), Move(keys="1"))
    assert [method for method, _, _ in ivr.asked] == ["GET", "GET"]
    assert ivr.sent("/voice", "CallStatus", "Direction", "From") == [("ringing", "inbound", "+15005550006")]
    (first,), (second,) = ivr.sent("/voice", "CallSid"), ivr.sent("/heard", "CallSid")
    assert first == second
    talk(ivr.bot())
    assert ivr.sent("/voice", "CallSid")[-1] != first


def test_cookies_last_for_one_call() -> None:
    def page() -> Response:
        seen = int(request.cookies.get("seen", "0"))
        response = make_response(xml(f"<Gather numDigits='1'><Say>Seen {seen}</Say></Gather>"))
        response.mimetype = "text/html"
        response.set_cookie("seen", str(seen + 1))
        return response

    bot = Ivr(voice=page).bot()
    assert texts(talk(bot, Move(keys="1"), Move(keys="1"))) == ["Seen 0", "Seen 1", "Seen 2"]
    assert texts(talk(bot)) == ["Seen 0"]


def test_redirects_of_the_web_are_followed_and_relative_addresses_begin_there() -> None:
    ivr = Ivr(voice=lambda: redirect("/menus/main"))
    ivr.app.add_url_rule("/menus/main", "main", ivr._page(xml("<Redirect>second</Redirect>")))
    ivr.app.add_url_rule("/menus/second", "second", ivr._page(xml("<Say>Here</Say>")), methods=["POST"])
    assert texts(talk(ivr.bot())) == ["Here"]
    assert [(method, path) for method, path, _ in ivr.asked] == [
        ("POST", "/voice"),
        ("GET", "/menus/main"),
        ("POST", "/menus/second"),
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_are_signed_as_the_validator_of_the_vendor_expects(method: str) -> None:
    def page() -> Response:
        form = request.form.to_dict()
        told = request.headers["X-Twilio-Signature"]
        return Response(
            xml(f"<Say>{RequestValidator('secret').validate(request.url, form, told)}</Say>"), mimetype="text/xml"
        )

    assert texts(talk(Ivr(voice=page).bot(token="secret", method=method))) == ["True"]
    assert texts(talk(Ivr(voice=page).bot(token="wrong", method=method))) == ["False"]


# --- what a developer should know


def test_real_time_counts_if_asked_for() -> None:
    def slow() -> str:
        time.sleep(0.05)
        return xml("<Say>Hello</Say>")

    ivr = Ivr(voice=slow)
    assert said(talk(ivr.bot())) == [("Hello", 0.0, 0.4)]
    flow = ivr.bot().flow
    ((_, start, _),) = said(talk(VoiceBot(flow, real_time=True)))
    assert start is not None
    assert start >= 0.05


def test_misspelt_attributes_and_verbs_are_ignored_and_noted() -> None:
    bot = Ivr(voice=xml("<gather/><Gather numdigits='1' timeout='soon'/><Pau/><Sms>x</Sms><Pause length='0'/>")).bot()
    call = talk(bot, Move(wait=5))
    assert call.now == 6
    assert notes(bot) == [
        "<gather> is no verb of TwiML that can be driven. Did you mean 'Gather'?",
        "<Gather> has no attribute numdigits, which is ignored. Did you mean 'numDigits'?",
        "<Gather timeout='soon'> is no whole number of 0 and more; 5 is taken",
        "<Pau> is no verb of TwiML that can be driven. Did you mean 'Pause'?",
        "<Pause length='0'> is no whole number of 1 and more; 1 is taken",
    ]


def test_a_sentence_longer_than_the_vendor_speaks_is_noted() -> None:
    bot = Ivr(voice=xml(f"<Say>{'word ' * 900}</Say>")).bot()
    talk(bot)
    assert notes(bot) == ["a <Say> of 4,499 characters; Twilio speaks 4,096"]


# --- what is no document


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (Response("{}", mimetype="application/json"), "answered application/json, which is no TwiML"),
        (Response("<Response><Say>", mimetype="text/xml"), "answered bad XML: no element found"),
        (Response("", mimetype="text/xml"), "answered bad XML: no element found"),
        (Response("<html/>", mimetype="text/html"), "answered <html>, not <Response>"),
        (Response("<!DOCTYPE r [<!ENTITY x 'y'>]><Response>&x;</Response>", mimetype="text/xml"), "with a DTD"),
        (Response("<!DOCTYPE r SYSTEM 'file:///etc/passwd'><Response/>", mimetype="text/xml"), "with a DTD"),
        (
            Response(b"<Response><Say>\xff\xfe</Say></Response>", mimetype="text/xml"),
            "bad XML: not well-formed",
        ),
        (Response(b"<Response/>", content_type="text/xml; charset=rot13"), "is not rot13 text"),
        (Response(xml(" " * 70_000), mimetype="text/xml"), "a document may have 65,536"),
        (Response("Sorry", status=500), "answered 500"),
    ],
)
def test_what_is_no_document_is_an_error_of_the_bot(page: Response, told: str) -> None:
    with pytest.raises(BotError) as caught:
        talk(Ivr(voice=page).bot())
    assert told in str(caught.value)


def test_a_document_may_be_in_another_encoding() -> None:
    written = "<?xml version='1.0' encoding='iso-8859-1'?><Response><Say>café</Say></Response>".encode("latin-1")
    assert texts(talk(Ivr(voice=Response(written, content_type="text/xml; charset=ISO-8859-1")).bot())) == ["café"]
    assert texts(talk(Ivr(voice=Response(written, content_type="text/xml")).bot())) == ["café"]


def test_the_attributes_are_those_of_the_twilio_package() -> None:
    """Whatever its helper can write, a caller knows: nothing of it is noted as a slip."""
    named = ("self", "message", "name", "number", "url", "kwargs")
    for verb, known in ATTRIBUTES.items():
        writes = inspect.signature(getattr(VoiceResponse, verb.lower())).parameters.keys() - set(named)
        assert {re.sub("_(.)", lambda match: match[1].upper(), name.strip("_")) for name in writes} <= {*known.split()}

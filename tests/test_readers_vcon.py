"""vCon: every form of body, roles from parties, and what happened on the line."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from pytest_callqa.call import Call, Event, Silence
from pytest_callqa.readers import ReadOptions, twins
from readers_kit import CALLS, call, refusal

START = "2026-01-05T10:00:00Z"
PARTIES = [{"name": "Dana Fox", "role": "agent"}, {"name": "Bo Li", "meta": {"role": "customer"}}, {"name": "Ann Ray"}]


def vcon(body: object = None, *, parties: object = PARTIES, **fields: object) -> dict[str, object]:
    """A vCon of one recording with ``body`` as its transcript."""
    dialog = {"type": "recording", "start": START, "duration": 60, "parties": [1, 0]}
    analysis = [] if body is None else [{"type": "transcript", "dialog": 0, "body": body, "encoding": "json"}]
    return {"uuid": "u-1", "created_at": START, "parties": parties, "dialog": [dialog], "analysis": analysis, **fields}


def spoken(read: Call) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in read.turns]


def timed(read: Call) -> list[tuple[float | None, float | None]]:
    return [(turn.start, turn.end) for turn in read.turns]


@pytest.mark.parametrize("file", sorted(path.name for path in (CALLS / "vcon").glob("*.vcon.json")))
def test_generated_calls_have_roles_and_no_times(file: str) -> None:
    read = call(Path("vcon", file))
    assert (read.timing, read.roles, read.direction) == ("none", "given", "inbound")
    assert read.turns[0].role == "agent"
    assert read.agent in read.names
    assert len(read.names) == 2
    assert read.started is None  # it has no UTC offset, and none is guessed
    assert "its start times have no UTC offset, so the time of day is not known" in read.limits


def test_a_deepgram_body() -> None:
    read = call(Path("vcon/core_ab_call_ext_rec_analysis.vcon"))
    assert (read.format, read.timing, read.roles, read.duration) == ("vcon", "word", "unknown", 33.12)
    assert read.started is not None
    assert read.turns[0].start == pytest.approx(1.2)


def test_a_body_that_lists_parties_with_times_of_day() -> None:
    read = call(Path("vcon/core_ab_call_ext_rec_redacted.vcon"))
    assert (len(read.turns), read.timing, read.turns[0].speaker) == (18, "turn", "party 0")
    assert timed(read)[0] == (pytest.approx(1.2), pytest.approx(1.76))
    assert any("redacted" in limit for limit in read.limits)


def test_a_body_that_is_json_in_a_string_whose_numbers_are_parties() -> None:
    read = call(Path("vcon/valid-with-cc-extension.json"))
    assert (spoken(read)[0][0], spoken(read)[1][0], read.timing) == ("customer", "agent", "start")
    assert (read.ring_time, read.agent, read.queue) == (8.2, "Agent John Smith", "technical_support")
    assert read.names == ("Jane Doe", "John Smith", "Support Line")
    assert read.labels == {"disposition": "resolved"}


def test_text_dialogs_are_turns_with_a_start() -> None:
    read = call(Path("vcon/core_ab_email_prob_followup_text_thread.vcon"))
    assert ([turn.start for turn in read.turns], read.timing, read.tolerance) == ([0, 573, 793], "start", 1.0)
    assert [turn.speaker for turn in read.turns] == ["party 0", "party 1", "party 0"]


def test_a_signed_vcon_is_read_and_not_vouched_for() -> None:
    content = json.dumps(vcon([{"speaker": "Agent", "message": "Hello."}])).encode()
    signed = {"payload": base64.urlsafe_b64encode(content).rstrip(b"=").decode(), "signatures": []}
    read = call(signed)
    assert (read.id, spoken(read)) == ("u-1", [("agent", "Hello.")])
    assert read.limits[0] == "the vCon's signature was not verified"


def test_a_signed_vcon_that_cannot_be_unwrapped() -> None:
    assert "holds no transcript" in refusal(Path("vcon/ietf_ab_call_ext_rec_signed.vcon"))
    assert "$.payload: This is not base64url" in refusal({"payload": "!", "signatures": []})
    assert "not a plain vCon" in refusal({"payload": None, "signature": ""})
    assert "not a plain vCon" in refusal({"payload": base64.b64encode(b"[]").decode(), "signature": ""})


def test_an_encrypted_vcon_is_named_as_such() -> None:
    assert "encrypted (JWE): decrypt it first" in refusal(Path("vcon/ietf_ab_call_ext_rec_encrypted.vcon"))


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("core_simple-vcon.vcon", "This is not a transcript"),
        ("ietf_simple-vcon.vcon", "The JSON is broken"),
        ("invalid-missing-fields.json", "$.dialog[0].start: Invalid RFC3339"),
        ("invalid_bad_dialog_types.json", "$.dialog[0].duration: Expected `float | null`, got `str`"),
        ("invalid_bad_duration.json", "holds no transcript"),
        ("invalid_null_parties.json", "$.dialog[0].duration: Expected `float | null`, got `str`"),
        ("invalid_out_of_range_party_indices.json", "holds no transcript"),
        ("valid-transfer-dialog.json", "holds no transcript"),
    ],
)
def test_vcons_without_a_call(file: str, says: str) -> None:
    assert says in refusal(Path("vcon", file))


def test_one_deepgram_alternative() -> None:
    words = [{"word": "hello", "punctuated_word": "Hello.", "start": 1, "end": 2, "confidence": 0.9}]
    read = call(vcon({"transcript": "Hello.", "confidence": 1, "words": words}))
    assert (spoken(read), timed(read)) == ([("unknown", "Hello.")], [(1, 2)])


def test_channels_are_parties_where_the_dialog_says_so() -> None:
    def channel(text: str, start: float) -> dict[str, object]:
        words = [{"word": text, "start": start, "end": start + 1}]
        return {"alternatives": [{"transcript": text, "words": words}]}

    body = {"results": {"channels": [channel("hi", 3), channel("hello", 1), channel("so", 5), channel("uh", 7)]}}
    dialog = {"type": "recording", "start": START, "parties": [1, [0], [0, 1]]}
    assert spoken(call(vcon(body, dialog=[dialog]))) == [
        ("agent", "hello"),
        ("customer", "hi"),
        ("unknown", "so"),
        ("unknown", "uh"),
    ]
    mixed = {"type": "recording", "start": START, "parties": 1}
    assert spoken(call(vcon(body, dialog=[mixed])))[0] == ("unknown", "hello")


def test_markdown() -> None:
    read = call(vcon("# Call\n\n**Agent(May)**: Hello,\nthis is May.\n\n**Customer**: Hi.\n"))
    assert spoken(read) == [("agent", "Hello, this is May."), ("customer", "Hi.")]
    assert "May" in read.names


def test_the_world_transcription_format() -> None:
    words = [
        {"text": "Hello", "start": 0.2, "end": 0.6, "confidence": 0.9},
        {"text": ".", "is_punctuation": True},
    ]
    segments = [
        {"start": 0.2, "end": 0.7, "text": "Hello.", "speaker": 0, "words": [0, 1, 9]},
        {"start": 1, "end": 2, "text": "Hi.", "speaker": 1},
        {"start": 3, "end": 4, "text": "Yes?", "speaker": "x"},
        {"start": 5, "end": 6, "text": "(noise)"},
    ]
    body = {
        "transcript": {"text": "", "language": "en-US", "duration": 60},
        "segments": segments,
        "words": words,
        "speakers": {"0": {"label": "Dana Fox"}},
    }
    read = call(vcon(body))
    assert spoken(read)[:2] == [("agent", "Hello."), ("unknown", "Hi.")]
    assert [turn.speaker for turn in read.turns] == ["Dana Fox", "speaker 1", "x", ""]
    assert (read.turns[0].words[0].text, read.language, read.timing) == ("Hello.", "en-US", "word")


def test_a_recognisers_numbers_are_not_parties() -> None:
    body = [{"speaker": 0, "text": "Hello.", "start": 0.0}, {"speaker": 1, "text": "Hi.", "start": 1.0}]
    assert spoken(call(vcon(body))) == [("unknown", "Hello."), ("unknown", "Hi.")]
    roles = ReadOptions(roles={"0": "agent", "1": "customer"})
    assert spoken(call(vcon(body), roles)) == [("agent", "Hello."), ("customer", "Hi.")]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"party": 0, "text": "Hello."}, ("agent", "Hello.")),
        ({"parties": [1], "text": "Hello."}, ("customer", "Hello.")),
        ({"parties": [], "text": "Hello."}, ("unknown", "Hello.")),
        ({"parties": 7, "text": "Hello."}, ("unknown", "Hello.")),
        ({"speaker": "Bo Li", "text": "Hello."}, ("customer", "Hello.")),
        ({"role": "assistant", "content": "Hello."}, ("agent", "Hello.")),
    ],
)
def test_ways_to_say_who_spoke(entry: dict[str, object], expected: tuple[str, str]) -> None:
    assert spoken(call(vcon({"conversation": [entry]}))) == [expected]


def test_ways_to_say_when() -> None:
    body = [
        {"party": 0, "text": "a", "start": "2026-01-05T10:00:05Z", "duration": 2},
        {"party": 0, "text": "b", "start": "2026-01-05T10:00:09Z", "end": 10},
        {"party": 0, "text": "c"},
    ]
    assert timed(call(vcon(body))) == [(5, 7), (9, 15), (None, None)]


def test_of_several_transcripts_the_one_with_the_finest_times_is_read() -> None:
    untimed = {"type": "transcript", "dialog": [0], "body": [{"speaker": "Agent", "text": "x"}]}
    timed_one = {"type": "transcript", "body": [{"speaker": "Agent", "text": "y", "start": 1.0}]}
    read = call(vcon(analysis=[untimed, timed_one, untimed]))
    assert spoken(read) == [("agent", "y")]
    assert "2 more transcripts of the same dialogs were not used" in read.limits


def test_a_transcript_may_be_an_attachment_and_lack_its_dialog() -> None:
    body = base64.urlsafe_b64encode(b'[{"speaker": "Agent", "text": "hello"}]').decode()
    attachment = {"purpose": "wtf_transcription", "body": body, "encoding": "base64url"}
    others = [{"type": "summary", "body": "s"}, {"type": "transcript"}]
    assert spoken(call(vcon(analysis=others, attachments=[attachment], dialog=[]))) == [("agent", "hello")]


def test_a_body_that_cannot_be_read_does_not_hide_one_that_can() -> None:
    bodies: list[object] = ["just words", [{"speaker": "Agent", "text": "hello"}]]
    read = call(vcon(analysis=[{"type": "transcript", "dialog": 0, "body": body} for body in bodies]))
    assert spoken(read) == [("agent", "hello")]
    assert "1 more transcripts of the same dialogs were not used" in read.limits


def test_what_the_bodys_vendor_measured_is_kept_and_moved() -> None:
    measured = {"NonTalkTime": {"Instances": [{"BeginOffsetMillis": 1000, "EndOffsetMillis": 9000}]}}
    body = {
        "JobStatus": "COMPLETED",
        "Channel": "VOICE",
        "ConversationCharacteristics": {**measured, "Interruptions": {"TotalCount": 2}},
        "Transcript": [{"ParticipantRole": "AGENT", "Content": "Hi", "BeginOffsetMillis": 0, "EndOffsetMillis": 900}],
    }
    first = {"type": "recording", "start": START}
    second = {"type": "recording", "start": "2026-01-05T10:01:00Z"}
    read = call(vcon(dialog=[first, second], analysis=[{"type": "transcript", "dialog": 1, "body": body}]))
    assert (read.silences, read.interruptions, timed(read)) == ((Silence(61, 69),), 2, [(60, 60.9)])


def test_a_body_that_cannot_be_read_is_told_with_its_place() -> None:
    assert "$.analysis[0].body: The body is none of the transcripts that can be read" in refusal(vcon({"a": 1}))
    assert "$.analysis[0].body: The JSON is broken" in refusal(vcon("[{"))
    assert "$.analysis[0].body[0].start: Expected" in refusal(vcon([{"speaker": "Agent", "text": "x", "start": []}]))


def test_what_happened_on_the_line() -> None:
    history = [
        {"party": 1, "time": "2026-01-05T10:00:00Z", "event": "join"},
        {"party": 0, "time": "2026-01-05T10:00:08Z", "event": "join"},
        {"party": 1, "time": "2026-01-05T10:00:20Z", "event": "hold"},
        {"party": 1, "time": "2026-01-05T10:00:50Z", "event": "unhold"},
        {"party": 1, "time": "2026-01-05T10:00:55Z", "event": "keydown", "button": "5"},
        {"party": 0, "time": "2026-01-05T10:01:00Z", "event": "drop"},
    ]
    first = {"type": "recording", "start": START, "parties": [1, 0], "party_history": history}
    transfer = {"type": "transfer", "start": "2026-01-05T10:00:58Z", "transferor": 0, "transfer_target": 2}
    lost = {"type": "transfer", "transferor": 0, "transfer_target": [9]}
    body = [{"speaker": "Agent", "text": "hello"}]
    read = call(vcon(body, dialog=[first, transfer, lost]))
    assert read.events == (
        Event(kind="answer", time=8, by="agent"),
        Event(kind="hold", time=20, by="customer"),
        Event(kind="unhold", time=50, by="customer"),
        Event(kind="key", time=55, by="customer", value="5"),
        Event(kind="hangup", time=60, by="agent"),
        Event(kind="transfer", time=58, by="agent", value="Ann Ray"),
        Event(kind="transfer", by="agent"),
    )


def test_a_call_that_was_never_answered() -> None:
    attempt = {"type": "incomplete", "start": START, "disposition": "hung-up", "originator": 1}
    read = call(vcon(dialog=[attempt]))
    assert (read.turns, read.events) == ((), (Event(kind="hangup", time=0, by="customer"),))
    busy = {"type": "incomplete", "start": START, "disposition": "busy"}
    assert "This call did not come about (busy), so there is nothing" in refusal(vcon(dialog=[busy]))
    unanswered = {"type": "incomplete", "start": START, "disposition": "no-answer", "originator": 1}
    assert call(vcon(dialog=[unanswered])).events == (Event(kind="ring", time=0, by="customer"),)


def test_a_transfer_is_spelt_with_a_dash_in_older_files() -> None:
    transfer = {"type": "transfer", "start": START, "transferor": 0, "transfer-target": 2}
    [event] = call(vcon([{"speaker": "Agent", "text": "hello"}], dialog=[transfer])).events
    assert event == Event(kind="transfer", time=0, by="agent", value="Ann Ray")


def test_a_partys_name_tells_its_role_where_its_role_does_not() -> None:
    parties = [{"role": "transferor", "name": "Agent"}, {"role": "transferee", "name": "Customer (Ann)"}]
    text = {"type": "text", "start": START, "body": "hello"}
    read = call(vcon(parties=parties, dialog=[{**text, "originator": 0}, {**text, "originator": 1}]))
    assert [turn.role for turn in read.turns] == ["agent", "customer"]


def test_dialogs_share_one_clock() -> None:
    later = {"type": "text", "start": "2026-01-05T10:02:00Z", "duration": 3, "originator": 1, "body": "bye"}
    early = {"type": "recording", "start": START, "duration": 60, "parties": [1, 0]}
    nobody = {"type": "text", "start": "2026-01-05T10:03:00Z", "body": "anyone?"}
    video = {"type": "text", "start": START}
    turns = [{"speaker": "Agent", "text": "hello", "start": 1.0, "end": 2.0}]
    analysis = [{"type": "transcript", "dialog": 1, "body": turns}]
    read = call(vcon(dialog=[later, early, nobody, video], analysis=analysis))
    assert spoken(read) == [("agent", "hello"), ("customer", "bye"), ("unknown", "anyone?")]
    assert (timed(read), read.duration) == ([(1, 2), (120, 123), (180, None)], 123)


def test_a_second_recording_is_moved_to_its_place() -> None:
    first = {"type": "recording", "start": START, "duration": 60, "parties": [1, 0]}
    second = {"type": "recording", "start": "2026-01-05T10:01:00Z", "duration": 60, "parties": [1, 2]}
    words = [{"word": "hello", "start": 1, "end": 2}, {"word": "you", "start": 2, "end": 3}]
    body = {"results": {"channels": [{"alternatives": [{"transcript": "hello you", "words": words}]}]}}
    read = call(vcon(dialog=[first, second], analysis=[{"type": "transcript", "dialog": 1, "body": body}]))
    assert (timed(read), read.turns[0].words[1].start) == ([(61, 63)], 62)


def test_parties_that_do_not_exist_are_noted() -> None:
    dialog = {"type": "recording", "start": START, "parties": [None, 8]}
    read = call(vcon([{"speaker": "Agent", "text": "x"}], dialog=[dialog], parties=None))
    assert "a dialog names parties that the vCon does not list" in read.limits


def test_the_vcon_key_is_neither_needed_nor_enough() -> None:
    assert "This is not a transcript" in refusal({"vcon": "0.4.0", "subject": "x"})
    assert "This vCon holds no transcript" in refusal({"vcon": "0.4.0", "dialog": []})


def test_a_vcon_without_uuid_is_known_by_its_file() -> None:
    bare = {key: value for key, value in vcon([{"speaker": "Agent", "message": "Hello."}]).items() if key != "uuid"}
    assert call({"vcon": "0.3.0", **bare}).id == "call"


def test_a_party_without_a_name_is_not_whoever_has_no_name() -> None:
    parties = [{"name": "", "role": "customer"}, {"name": "Dana Fox", "role": "agent"}]
    word = {"word": "hello", "start": 0.1, "end": 0.5, "confidence": 0.9}
    read = call(vcon({"transcript": "hello", "confidence": 0.9, "words": [word]}, parties=parties))
    assert (spoken(read), read.roles) == ([("unknown", "hello")], "unknown")


def test_a_body_of_labelled_text_names_its_parties() -> None:
    read = call(vcon("Dana Fox: Acme, good morning.\n\nBo Li: Hello.\nDana Fox: What can I do?\nBo Li: Nothing."))
    assert [role for role, _ in spoken(read)] == ["agent", "customer", "agent", "customer"]


@pytest.mark.parametrize("colon", ["：", ":", ": "])
def test_labelled_text_in_chinese(colon: str) -> None:
    read = call(f"客服（小李）{colon}您好。\n用户{colon}你好。\n**坐席1{colon}** 请稍等。\n")
    assert spoken(read) == [("agent", "您好。"), ("customer", "你好。"), ("agent", "请稍等。")]
    assert read.names == ("小李",)


def test_labelled_text_stands_alone_too() -> None:
    read = call("Agent: Hello.\n\nCustomer: Hi.\nIs this Acme?")
    assert (read.format, spoken(read)) == ("labelled-text", [("agent", "Hello."), ("customer", "Hi. Is this Acme?")])
    assert "This is not a transcript" in refusal("# Notes\n")


def test_a_name_that_comes_back_is_no_word_of_the_agent() -> None:
    text = "Agent Dana Fox: Hello.\nBo Li: Hi.\nAgent Dana Fox: Two things.\nNote: none is hard.\nBo Li: Fine."
    read = call(text)
    assert spoken(read) == [
        ("agent", "Hello."),
        ("customer", "Hi."),
        ("agent", "Two things. Note: none is hard."),
        ("customer", "Fine."),
    ]
    assert read.names == ("Bo Li", "Dana Fox")
    assert "who the customer is follows from there being but two speakers, one of them named by role" in read.limits


@pytest.mark.parametrize("label", ["Dana Fox", "Speaker 2"])
def test_the_other_of_two_speakers_is_told_by_a_name_only(label: str) -> None:
    read = call(f"Customer: Hi.\n{label}: Hello.\nCustomer: Bye.\n{label}: Goodbye.")
    assert read.turns[1].role == ("agent" if label == "Dana Fox" else "unknown")


@pytest.mark.parametrize(
    "text",
    [
        "[00:00:01] Agent: Hello.\n[0:00:05] Customer: Hi.",
        "00:01 Agent: Hello.\n00:05 - Customer: Hi.",
        "Agent (00:01): Hello.\nCustomer [00:05]: Hi.",
        "(0:01) **Agent**: Hello.\n(0:05) **Customer**: Hi.",
    ],
)
def test_labelled_text_may_say_when_a_line_begins(text: str) -> None:
    read = call(text)
    assert spoken(read) == [("agent", "Hello."), ("customer", "Hi.")]
    assert (timed(read), read.timing, read.tolerance) == ([(1.0, None), (5.0, None)], "start", 1.0)


def test_labelled_text_may_number_its_speakers() -> None:
    read = call("Speaker 1: Hello.\nSpeaker 2: Hi.", ReadOptions(roles={"1": "agent", "2": "customer"}))
    assert (spoken(read), read.roles) == ([("agent", "Hello."), ("customer", "Hi.")], "mapped")


def test_names_alone_do_not_make_a_text_a_call() -> None:
    assert "This is not a transcript" in refusal("Ann: a\nBo: b\n")


def diarized(text: str, *words: str, gap: float = 0.1) -> dict[str, object]:
    """A vCon whose one transcript has timed words of nobody, and whose other says who speaks."""
    timed = [
        {"word": word, "start": number * (0.4 + gap), "end": number * (0.4 + gap) + 0.4, "confidence": 0.9}
        for number, word in enumerate(words)
    ]
    content = vcon({"transcript": " ".join(words), "confidence": 0.9, "words": timed})
    content["analysis"].append({"type": "diarized", "dialog": 0, "body": text, "encoding": "json"})  # type: ignore[attr-defined]
    return content


def test_who_speaks_and_when_may_be_in_two_transcripts() -> None:
    read = call(
        diarized("**Agent(May)**: Hi, I'm May.\n\n**Customer(Bo)**: 您好 yes", "Hi,", "I'm", "May.", "您好", "yes")
    )
    assert (read.timing, read.roles) == ("word", "given")
    assert spoken(read) == [("agent", "Hi, I'm May."), ("customer", "您好 yes")]
    assert timed(read) == [(0.0, pytest.approx(1.4)), (1.5, pytest.approx(2.4))]
    assert [word.text for word in read.turns[0].words] == ["Hi,", "I'm", "May."]
    assert "who speaks is from one transcript, and when from another of the same words" in read.limits


def test_words_that_differ_here_and_there_cost_the_words_and_not_the_turns() -> None:
    text = "**Agent**: one two three four\n\n**Customer**: five six seven eight"
    read = call(diarized(text, *["one", "too", "three", "four", "five", "six", "seven", "eight"]))
    assert (read.timing, read.roles) == ("turn", "given")
    assert timed(read) == [(0.0, pytest.approx(1.9)), (2.0, pytest.approx(3.9))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("**Agent**: one two three\n\n**Customer**: six", "a b c d"),  # another conversation
        (
            "**Agent**: one two three four five six\n\n**Customer**: seven",
            "one two three four five six",
        ),  # who said nothing
        ("**Agent**: 。\n\n**Customer**: …", "one"),  # without a word
    ],
)
def test_transcripts_of_other_words_are_not_laid_on_each_other(text: str, words: str) -> None:
    read = call(diarized(text, *words.split()))
    assert (read.timing, read.roles, read.turns[0].speaker) == ("none", "given", "Agent")
    assert "1 more transcripts of the same dialogs were not used" in read.limits


def test_a_transcript_without_end_is_not_laid_on_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "MOST", 2)
    assert call(diarized("**Agent**: one two\n\n**Customer**: three", "one", "two", "three")).timing == "none"


def test_a_transcript_that_tells_speakers_apart_needs_no_other() -> None:
    named = {"speaker": "Dana Fox", "text": "Hello", "start": 0, "end": 1}
    content = vcon([named])
    content["analysis"].append({"type": "diarized", "dialog": 0, "body": "**Agent**: Hi\n**Customer**: Yo"})  # type: ignore[attr-defined]
    assert spoken(call(content)) == [("agent", "Hello")]


def test_who_contacts_is_the_customer() -> None:
    parties = [{"name": "Dana Fox", "role": "agent"}, {"name": "+1555", "role": "contact"}]
    message = {"type": "text", "start": START, "parties": [1], "originator": 1, "body": "Hi."}
    assert spoken(call(vcon(parties=parties, dialog=[message]))) == [("customer", "Hi.")]

"""Real files as other versions and other writers have them: each variant reads as the file it was made from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from pytest_callqa.call import Call
from pytest_callqa.readers import ReadOptions
from readers_kit import CALLS, call, refusal

Json = Any


def real(name: str) -> Json:
    return json.loads((CALLS / name).read_bytes())


def each(value: Json, change: Callable[[dict[str, Json]], None]) -> Json:
    """The value with every object in it changed."""
    if isinstance(value, dict):
        value = {key: each(item, change) for key, item in value.items()}
        change(value)
        return value
    return [each(item, change) for item in value] if isinstance(value, list) else value


def without(*keys: str) -> Callable[[dict[str, Json]], None]:
    return lambda found: [found.pop(key, None) for key in keys]  # type: ignore[return-value]


def respelt(value: Json, spell: Callable[[str], str]) -> Json:
    if isinstance(value, dict):
        return {spell(key): respelt(item, spell) for key, item in value.items()}
    return [respelt(item, spell) for item in value] if isinstance(value, list) else value


def snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def camel(key: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), key)


def said(read: Call) -> list[tuple[object, ...]]:
    """All that a variant must not change."""
    return [(turn.role, turn.text, turn.speaker, turn.start, turn.end) for turn in read.turns]


# --- what is not known is null, in some files -------------------------------------------------


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("azure/batch_named_fast.json", ("locale", "confidence", "itn", "maskedITN")),
        ("azure/fast_named_batch.json", ("locale", "confidence")),
        ("contact_lens/post_call.json", ("NonTalkTime", "Interruptions", "MatchedCategories", "LanguageCode")),
        ("transcribe_call_analytics/example-call.json", ("LoudnessScores", "LanguageCode", "Confidence")),
        ("post_call_analytics/testfile.json", ("SpeakerTime", "LoudnessScores", "ConversationLocation")),
        ("deepgram/dg_speakers.json", ("punctuated_word", "paragraphs", "request_id")),
        ("assemblyai/assemblyai_transcription.json", ("words", "language_code", "audio_duration")),
        ("genesys/transcript.json", ("words", "language", "queueId", "userId")),
        ("whisperx/whisperx_writer_output.json", ("words", "language", "score")),
        ("vcon/valid-transfer-dialog.json", ("party_history", "duration", "meta")),
    ],
)
def test_a_field_that_is_null_is_as_one_that_is_not_there(name: str, keys: tuple[str, ...]) -> None:
    content = real(name)
    gone = each(content, without(*keys))

    def empty(found: dict[str, Json]) -> None:
        found.update({key: None for key in keys if key in found})

    if "transfer" in name:
        assert refusal(each(content, empty)) == refusal(gone)
    else:
        assert call(each(content, empty)) == call(gone)


# --- a vendor's own libraries spell its keys their way ---------------------------------------


@pytest.mark.parametrize(
    ("name", "spell"),
    [
        ("azure/batch_named_fast.json", snake),
        ("azure/fast_named_batch.json", snake),
        ("genesys/transcript.json", snake),
        ("contact_lens/post_call.json", snake),
        ("contact_lens/post_call.json", lambda key: key[:1].lower() + key[1:]),
        ("google_ccai/chat_0.json", camel),
        ("assemblyai/assemblyai_transcription.json", camel),
        ("deepgram/dg_utterances.json", camel),
    ],
)
def test_other_spellings_of_keys_read_the_same(name: str, spell: Callable[[str], str]) -> None:
    usual, other = call(real(name)), call(respelt(real(name), spell))
    assert said(other) == said(usual)
    assert other.format == usual.format


def test_the_api_of_google_in_snake_case() -> None:
    words = [{"word": "Hello.", "start_offset": "0.100s", "end_offset": "0.600s"}]
    segment = {"text": "Hello.", "segment_participant": {"role": "HUMAN_AGENT"}, "words": words}
    read = call({"name": "c", "transcript": {"transcript_segments": [segment]}, "duration": "3s"})
    assert (read.turns[0].role, read.turns[0].end, read.duration) == ("agent", 0.6, 3.0)


def test_sentences_of_twilio_as_its_javascript_library_has_them() -> None:
    sentence = {"mediaChannel": 1, "startTime": "0.5", "endTime": "2.1", "transcript": "Hello.", "words": None}
    read = call({"sentences": [sentence], "meta": {"nextPageUrl": None}})
    assert said(read) == [("unknown", "Hello.", "channel 1", 0.5, 2.1)]


# --- versions -----------------------------------------------------------------------------------


def test_azure_batch_in_iso_durations_only() -> None:
    content = real("azure/batch_named_fast.json")
    iso = each(content, without("offsetInTicks", "durationInTicks"))
    usual = call(content)
    assert [(turn.text, turn.start, turn.end) for turn in call(iso).turns] == [
        (turn.text, pytest.approx(turn.start, abs=0.01), pytest.approx(turn.end, abs=0.01)) for turn in usual.turns
    ]
    old = {"durationTicks": 40_000_000, "recognizedPhrases": [{"channel": 0, "nBest": [{"lexical": "hello"}]}]}
    assert (call(old).duration, call(old).turns[0].text) == (4.0, "hello")
    guest = {
        "recognizedPhrases": [
            {"speaker": "Guest-1", "offset": "PT1S", "duration": "PT1S", "nBest": [{"display": "Hi."}]}
        ]
    }
    assert said(call(guest)) == [("unknown", "Hi.", "Guest-1", 1.0, 2.0)]


def test_azure_batch_in_milliseconds_only() -> None:
    word = {"word": "hi", "offsetMilliseconds": 3000, "durationMilliseconds": 250}
    phrase = {"offsetMilliseconds": 3000, "durationMilliseconds": 500, "nBest": [{"display": "Hi.", "words": [word]}]}
    read = call({"durationMilliseconds": 4000, "recognizedPhrases": [phrase]})
    assert (read.duration, said(read)) == (4.0, [("unknown", "Hi.", "", 3.0, 3.5)])
    assert (read.turns[0].words[0].start, read.turns[0].words[0].end) == (3.0, 3.25)


def test_contact_lens_in_real_time_with_times_of_day_and_events() -> None:
    def segment(who: str, content: str, time: str) -> Json:
        at = {"AbsoluteTime": f"2026-01-05T10:00:{time}Z"}
        return {"Transcript": {"ParticipantId": who, "ParticipantRole": who, "Content": content, "Time": at}}

    joined = {"Event": {"EventType": "participant.joined", "Time": {"AbsoluteTime": "2026-01-05T10:00:00Z"}}}
    read = call(
        {"Channel": "CHAT", "Segments": [joined, segment("CUSTOMER", "Hi", "05"), segment("AGENT", "Yes?", "09")]}
    )
    assert (read.format, read.timing, read.started is not None) == ("contact-lens-real-time", "start", True)
    assert said(read) == [("customer", "Hi", "CUSTOMER", 0.0, None), ("agent", "Yes?", "AGENT", 4.0, None)]


def test_contact_lens_as_it_is_streamed() -> None:
    partial = {"Utterance": {"ParticipantRole": "AGENT", "PartialContent": "He"}}
    whole = {"ParticipantId": "AGENT", "ParticipantRole": "AGENT", "Content": "Hello"}
    timed = {"Transcript": {**whole, "BeginOffsetMillis": 0, "EndOffsetMillis": 1200}}
    read = call({"ContactId": "c9", "LanguageCode": "en-US", "EventType": "SEGMENTS", "Segments": [partial, timed]})
    assert (read.id, read.language, said(read)) == ("c9", "en-US", [("agent", "Hello", "AGENT", 0.0, 1.2)])


def test_whisper_with_words_alone() -> None:
    words = [{"word": "Hello", "start": 0.1, "end": 0.4}, {"word": "there", "start": 2.0, "end": 2.4}]
    read = call({"task": "transcribe", "language": "english", "duration": 3.5, "text": "Hello there", "words": words})
    assert (read.format, read.language, read.duration) == ("whisper", "en", 3.5)
    assert [(turn.text, turn.start, turn.end) for turn in read.turns] == [("Hello", 0.1, 0.4), ("there", 2.0, 2.4)]


def test_whisper_cpp() -> None:
    segments = [
        {"offsets": {"from": 0, "to": 2000}, "text": " Hello."},
        {"offsets": {"from": 5000, "to": 5500}, "text": " Hi."},
    ]
    read = call({"systeminfo": "", "result": {"language": "en"}, "transcription": segments})
    assert (read.format, read.language, read.timing, read.tolerance) == ("whisper-cpp", "en", "turn", 0.8)
    assert said(read) == [("unknown", "Hello.", "", 0.0, 2.0), ("unknown", "Hi.", "", 5.0, 5.5)]


def test_an_announcement_tells_nobodys_role() -> None:
    segments = [
        {
            "SegmentStartTime": at,
            "SegmentEndTime": at + 2,
            "SegmentSpeaker": who,
            "IVRSegment": ivr,
            "DisplayText": text,
        }
        for at, who, ivr, text in ((0, "spk_0", 1, "Press one."), (3, "spk_1", 0, "Hello."))
    ]
    read = call({"ConversationAnalytics": {"SpeakerLabels": []}, "SpeechSegments": segments})
    assert ([turn.role for turn in read.turns], read.roles) == (["system", "unknown"], "unknown")


def test_a_list_of_turns_by_other_names() -> None:
    bot = {"agent_id": "a", "transcript": [{"role": "agent", "message": "Hi"}, {"role": "user", "message": "Yes"}]}
    assert [(turn.role, turn.text) for turn in call(bot).turns] == [("agent", "Hi"), ("customer", "Yes")]
    heard = {"utterances": [{"speaker": 0, "start": 0, "end": 1, "transcript": "hello"}]}
    assert said(call(heard)) == [("unknown", "hello", "speaker 0", 0.0, 1.0)]


def test_a_list_of_turns_in_milliseconds_is_refused() -> None:
    turns = [{"speaker": "Agent", "text": "Hi", "start": 0, "end": 1200}]
    assert refusal(turns) == "The times of this list look like milliseconds: give them in seconds."


def test_chinese_words_are_written_without_blanks() -> None:
    words = [
        {"text": text, "start": at, "end": at + 90, "speaker": "A"}
        for at, text in ((0, "您"), (99, "好，"), (199, "OK"))
    ]
    read = call({"id": "a", "status": "completed", "audio_url": "x", "language_code": "zh", "text": "", "words": words})
    assert [turn.text for turn in read.turns] == ["您好， OK"]


def test_who_answers_is_not_known_by_who_calls() -> None:
    turns = [{"speaker": "Customer", "text": "Hello?"}, {"speaker": "Speaker 2", "text": "Yes?"}]
    assert call({"messages": turns}).roles == "unknown"
    assert call({"messages": turns[:1]}).roles == "given"
    numbered = [{"speaker": 0, "text": "Hello?"}, {"speaker": 1, "text": "Yes?"}]
    assert call({"messages": numbered}, ReadOptions(roles={"1": "customer"})).roles == "unknown"
    assert call({"messages": numbered}, ReadOptions(roles={"1": "agent"})).roles == "mapped"


def test_a_list_of_calls_is_named_as_such() -> None:
    deepgram = json.loads((CALLS / "deepgram/dg_transcription.json").read_bytes())
    assert (
        refusal([deepgram]) == "This is a list of calls: write one a line as JSON Lines, for example with: jq -c '.[]'."
    )
    assert "This is not a transcript" in refusal([{"a": 1}])


def test_azure_fast_of_the_first_preview() -> None:
    content = real("azure/fast_named_batch.json")
    older = respelt(content, lambda key: key.removesuffix("Milliseconds"))
    assert "durationMilliseconds" in content
    assert call(older) == call(content)


def test_azure_content_understanding_in_several_parts() -> None:
    def part(start: int) -> Json:
        phrase = {"speaker": "Agent", "startTimeMs": start, "endTimeMs": start + 900, "text": "Hello.", "locale": None}
        return {"transcriptPhrases": [phrase], "endTimeMs": start + 5000, "kind": "audioVisual"}

    read = call({"id": "x", "result": {"contents": [part(60_000), part(0)]}})
    assert [turn.start for turn in read.turns] == [0.0, 60.0]
    assert read.duration == 65.0


def test_deepgram_with_a_channel_each_and_several_languages() -> None:
    def channel(*starts: float) -> Json:
        words = [{"word": f"w{start:g}", "start": start, "end": start + 0.5} for start in starts]
        return {"alternatives": [{"transcript": "…", "words": words, "languages": ["en"]}]}

    read = call({"results": {"channels": [channel(0.0, 9.0), channel(3.0), {"alternatives": []}]}})
    assert [(turn.speaker, turn.text) for turn in read.turns] == [
        ("channel 0", "w0"), ("channel 1", "w3"), ("channel 0", "w9"),
    ]  # fmt: skip
    assert read.language == "en"


@pytest.mark.parametrize("left", ["words", "text"])
def test_assemblyai_with_one_of_its_transcripts(left: str) -> None:
    content = real("assemblyai/assemblyai_transcription.json")
    content |= {key: None for key in ("words", "utterances") if key != left}
    if left == "text":
        del content["words"], content["utterances"]
    assert call(content).timing == ("none" if left == "text" else "word")


def test_assemblyai_with_numbered_channels() -> None:
    utterance = {"text": "Hello.", "start": 100, "end": 500, "channel": 1, "speaker": "A"}
    read = call({"audio_url": "x", "status": "completed", "utterances": [utterance]})
    assert said(read) == [("unknown", "Hello.", "channel 1", 0.1, 0.5)]


def test_genesys_with_several_agents_and_durations_of_its_kind() -> None:
    def who(purpose: str, start: int, end: int | None, name: str = "") -> Json:
        return {"participantPurpose": purpose, "startTimeMs": start, "endTimeMs": end, "userId": name or None}

    began = 1_749_243_600_000
    phrases = [
        {"participantPurpose": side, "text": text, "startTimeMs": began + at, "duration": {"millis": 900}}
        for side, text, at in (("internal", "Press one.", 500), ("external", "One.", 2000), ("internal", "Ann.", 9000))
    ]
    read = call(
        {
            "conversationId": "c", "conversationStartTime": float(began), "duration": {"milliseconds": 30_000},
            "participants": [
                who("ivr", began, began + 5000), who("agent", began + 5000, None, "u1"),
                who("agent", began + 20_000, None, "u2"), who("customer", began, None),
            ],
            "transcripts": [{"phrases": phrases}],
        }
    )  # fmt: skip
    assert said(read) == [
        ("system", "Press one.", "internal", 0.5, 1.4), ("customer", "One.", "external", 2.0, 2.9),
        ("agent", "Ann.", "internal", 9.0, 9.9),
    ]  # fmt: skip
    assert (read.duration, read.agent) == (30.0, "")


def test_a_google_chat_whose_messages_lack_this_and_that() -> None:
    entries = [
        {"start_timestamp_usec": "1600000000000000", "text": "Hi.", "user_id": "bob"},
        {"role": "AGENT", "text": "Hello."},
    ]
    read = call({"entries": entries})
    assert [(turn.role, turn.text, turn.start) for turn in read.turns] == [
        ("unknown", "Hi.", 0.0),
        ("agent", "Hello.", None),
    ]
    sent = [{"text": text, "messageTime": f"2026-01-05T10:00:{at:02}Z"} for at, text in ((0, "Hi."), (7, "Hello."))]
    assert [turn.start for turn in call({"transcript": {"transcriptSegments": sent}}).turns] == [0.0, 7.0]


def test_a_contact_lens_chat_has_times_of_day() -> None:
    message = {"ParticipantId": "a", "ContentType": "text/plain"}
    read = call(
        {
            "Channel": "CHAT", "JobStatus": "COMPLETED",
            "Participants": [{"ParticipantId": "a", "ParticipantRole": "AGENT"}],
            "Transcript": [
                {**message, "AbsoluteTime": "2026-01-05T10:00:00.500Z", "ContentType": "…participant.joined"},
                {**message, "AbsoluteTime": "2026-01-05T10:00:02.500Z", "Content": "Hello."},
            ],
        }
    )  # fmt: skip
    assert said(read) == [("agent", "Hello.", "a", 2.0, None)]
    assert read.timing == "start"


def test_post_call_analytics_without_the_text_that_is_displayed() -> None:
    content = real("post_call_analytics/testfile.json")
    usual = [turn.text for turn in call(content).turns]
    assert [turn.text for turn in call(each(content, without("DisplayText"))).turns] != []
    assert len([turn for turn in call(each(content, without("DisplayText"))).turns if turn.text]) == len(usual)


def test_whisperx_without_its_list_of_words() -> None:
    content = real("whisperx/whisperx_writer_output.json")
    del content["word_segments"]
    assert msgspec.structs.replace(call(content), limits=()) == msgspec.structs.replace(
        call(real("whisperx/whisperx_writer_output.json")), limits=()
    )


def test_whisper_heard_nothing() -> None:
    silent = {"task": "transcribe", "language": "english", "duration": 4.0, "text": "", "segments": []}
    assert (call(silent).turns, call(silent).duration) == ((), 4.0)


def test_a_vcon_of_a_writer_with_a_mind_of_its_own() -> None:
    body = [{"speaker": "Bob", "text": "Well.", "start": 3.0, "end": 4.0}]
    read = call(
        {
            "uuid": "u", "redacted": True,
            "parties": [{"name": "Ann", "meta": ["agent"]}, {"name": "Bob", "meta": {"role": "customer"}}],
            "dialog": [
                {"type": "text", "start": "2026-01-05T10:00:00Z", "parties": [1, 0], "body": "Hi.", "meta": "in"},
                {"type": "text", "start": "2026-01-05T10:00:01Z", "parties": [0, 1], "body": {"text": "Hello."}},
                {
                    "type": "recording", "start": "2026-01-05T10:00:00Z", "parties": [1, 0],
                    "party_history": [{"party": 1, "time": "2026-01-05T10:00:02Z", "event": "keydown", "button": 5}],
                },
            ],
            "analysis": [{"type": "transcript", "dialog": 2, "body": body}],
        }
    )  # fmt: skip
    assert [(turn.role, turn.text) for turn in read.turns] == [("customer", "Hi."), ("customer", "Well.")]
    assert [(event.kind, event.value) for event in read.events] == [("key", "5")]
    assert "1 of its messages are not in it as text" in read.limits


def test_the_pages_of_twilio_in_one_file() -> None:
    def page(start: float, more: str | None) -> Json:
        sentence = {"media_channel": 1, "start_time": str(start), "end_time": str(start + 1), "transcript": "Hello."}
        return {"sentences": [sentence], "meta": {"next_page_url": more, "url": "https://x/Transcripts/GT1/Sentences"}}

    whole = call([page(0.0, "https://x/2"), page(5.0, None)])
    assert ([turn.start for turn in whole.turns], whole.id) == ([0.0, 5.0], "GT1")
    assert not any("page" in limit for limit in whole.limits)
    assert any("the last page" in limit for limit in call(page(0.0, "https://x/2")).limits)

"""The formats of recognisers and contact-centre platforms, each on a real file and on its corner cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from pytest_callqa.call import Call, Event, Silence, Word
from pytest_callqa.readers import ReadOptions
from readers_kit import call, refusal

CONVERSATION: dict[str, Any] = {
    "name": "projects/p/locations/l/conversations/c-7",
    "startTime": "2026-01-05T10:00:00Z",
    "duration": "30s",
    "agentId": "a-1",
    "callMetadata": {"agentChannel": 2, "customerChannel": 1},
    "labels": {"site": "north"},
    "transcript": {
        "transcriptSegments": [
            {
                "text": "Hello.",
                "channelTag": 2,
                "languageCode": "en-US",
                "words": [{"word": "Hello.", "startOffset": "0.100s", "endOffset": "0.600s", "confidence": 0.0}],
            },
            {"text": "Hi.", "channelTag": 1, "words": [{"word": "Hi.", "startOffset": "7s", "endOffset": "7.4s"}]},
            {"text": "So?", "segmentParticipant": {"role": "HUMAN_AGENT", "userId": "u9"}},
            {"text": "What?", "channelTag": 3},
        ]
    },
}


OUTPUT: dict[str, Any] = {
    "ConversationAnalytics": {
        "GUID": "g-1",
        "Agent": "ChrisL",
        "ConversationTime": "2026-01-05 10:00:00.5",
        "ConversationLocation": "America/New_York",
        "Duration": "12.4",
        "SpeakerLabels": [{"Speaker": "spk_0", "DisplayText": "Agent"}],
        "SpeakerTime": {"NonTalkTime": {"Instances": [{"BeginOffsetSecs": 3, "EndOffsetSecs": 9}]}},
        "SourceInformation": [{"TranscribeJobInfo": {"RedactedTranscript": 1}}],
    },
    "SpeechSegments": [
        {
            "SegmentStartTime": "0.04",
            "SegmentEndTime": 2.5,
            "SegmentSpeaker": "spk_0",
            "IVRSegment": 1,
            "DisplayText": "Welcome.",
            "WordConfidence": [{"Text": " Welcome.", "Confidence": 0.9, "StartTime": 0.04, "EndTime": 0.5}],
        }
    ],
}


def said(read: Call) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in read.turns]


def times(read: Call) -> list[tuple[float | None, float | None]]:
    return [(turn.start, turn.end) for turn in read.turns]


def roles(read: Call) -> list[str]:
    return [turn.role for turn in read.turns]


class TestGoogleUploads:
    def test_a_real_file_has_roles_and_starts(self) -> None:
        read = call(Path("google_ccai/chat_0.json"))
        assert (read.format, read.timing, read.roles) == ("google-json-conversation", "start", "given")
        assert (roles(read)[:2], times(read)[:2]) == (["agent", "customer"], [(0, None), (15, None)])
        assert read.started == datetime(2026, 11, 21, 5, 1, 29, tzinfo=UTC)
        assert any("no silences" in limit for limit in read.limits)

    def test_times_may_count_from_the_calls_start(self) -> None:
        entry = {"text": "hi", "role": "END_USER", "user_id": 1, "start_timestamp_usec": 1_500_000}
        read = call({"entries": [entry]})
        assert (times(read), roles(read), read.started) == ([(1.5, None)], ["customer"], None)


class TestGoogleConversations:
    def test_words_roles_by_channel_and_metadata(self) -> None:
        read = call(CONVERSATION)
        assert (read.format, read.id, read.duration) == ("google-conversation", "c-7", 30)
        assert (read.agent, read.labels, read.language) == ("a-1", {"site": "north"}, "en-US")
        assert read.started == datetime(2026, 1, 5, 10, tzinfo=UTC)
        assert roles(read) == ["agent", "customer", "agent", "unknown"]
        assert [turn.speaker for turn in read.turns] == ["channel 2", "channel 1", "u9", "channel 3"]
        assert times(read)[:3] == [(0.1, 0.6), (7, 7.4), (None, None)]
        assert read.turns[0].words == (Word("Hello.", 0.1, 0.6),)
        assert (read.silences, read.interruptions) == ((), None)

    def test_messages_have_a_time_of_day(self) -> None:
        segment = {"text": "Hi.", "messageTime": "2026-01-05T10:00:09Z", "segmentParticipant": {"role": "END_USER"}}
        chat = {"startTime": "2026-01-05T10:00:00Z", "transcript": {"transcriptSegments": [segment]}}
        assert (times(call(chat)), call(chat).timing) == ([(9, None)], "start")

    def test_what_insights_found(self) -> None:
        def between(first: tuple[int, int], second: tuple[int, int], **found: object) -> dict[str, object]:
            names = ("transcriptIndex", "wordIndex")
            start, end = (dict(zip(names, at, strict=True)) for at in (first, second))
            return {"annotationStartBoundary": start, "annotationEndBoundary": end, **found}

        annotations = [
            between((0, 0), (1, 0), silenceData={}),
            between((0, 0), (1, 0), holdData={}),
            between((1, 0), (0, 0), silenceData={}),
            between((9, 0), (0, 5), holdData={}),
            between((0, 0), (0, 0), interruptionData={}),
        ]
        analysis = {"analysisResult": {"callAnalysisMetadata": {"annotations": annotations}}}
        read = call({**CONVERSATION, "latestAnalysis": analysis})
        assert read.silences == (Silence(0.6, 7),)
        assert read.events == (
            Event(kind="hold", time=0.6, by="customer"),
            Event(kind="unhold", time=7, by="customer"),
        )
        assert read.interruptions == 1

    def test_a_duration_that_is_none_is_told_with_its_path(self) -> None:
        assert refusal({**CONVERSATION, "duration": "PT3S"}).startswith("$.duration: Expected a duration such as")


class TestPostCallAnalytics:
    def test_a_real_file(self) -> None:
        read = call(Path("post_call_analytics/testfile.json"))
        assert (read.format, read.id, read.agent, read.duration) == (
            "post-call-analytics",
            "stereo_std_1.mp3",
            "",
            28.67,
        )
        assert (read.timing, read.roles, read.interruptions, len(read.turns)) == ("word", "given", 1, 12)
        assert read.turns[1].words[1] == Word("you", 1.34, None, 1.0)
        assert read.started is None  # its "conversation time" is when it was processed
        assert read.labels == {"categories": "Dummy_Missing"}

    def test_roles_that_pca_got_wrong_are_put_right_by_a_role_map(self) -> None:
        greeting = "Thank you for calling"
        given = next(turn for turn in call(Path("post_call_analytics/testfile.json")).turns if greeting in turn.text)
        options = ReadOptions(roles={"spk_0": "customer", "spk_1": "agent"})
        mapped = call(Path("post_call_analytics/testfile.json"), options)
        assert given.role == "customer"
        assert next(turn for turn in mapped.turns if greeting in turn.text).role == "agent"
        assert mapped.roles == "mapped"

    def test_prompts_times_and_silences(self) -> None:
        read = call(OUTPUT)
        assert (read.id, read.agent, roles(read)) == ("g-1", "ChrisL", ["system"])
        assert read.started == datetime(2026, 1, 5, 10, 0, 0, 500_000, tzinfo=timezone(timedelta(hours=-5)))
        assert read.silences == (Silence(3, 9),)
        assert read.turns[0].words == (Word("Welcome.", 0.04, 0.5, 0.9),)
        assert any("redacted" in limit for limit in read.limits)

    @pytest.mark.parametrize("place", ["", "Mars/Olympus", "../etc"])
    def test_a_time_in_an_unknown_place_is_no_time(self, place: str) -> None:
        about = {**OUTPUT["ConversationAnalytics"], "ConversationLocation": place}
        assert call({**OUTPUT, "ConversationAnalytics": about}).started is None


class TestAzure:
    def test_batch_and_fast_are_told_by_content_because_their_names_lie(self) -> None:
        batch, fast = call(Path("azure/batch_named_fast.json")), call(Path("azure/fast_named_batch.json"))
        assert (batch.format, batch.timing, len(batch.turns), batch.duration) == ("azure-batch", "word", 37, 108.05)
        assert (fast.format, fast.timing, len(fast.turns), fast.duration) == ("azure-fast", "word", 33, 108.045)
        assert (fast.language, batch.roles) == ("en-US", "unknown")
        assert batch.turns[0].words[0] == Word("Hi", 0.11, 0.35, 0.6103932)

    def test_one_number_for_two_people_stays_one_number(self) -> None:
        batch = call(Path("azure/batch_named_fast.json"))
        assert [speaker for speaker, _ in said(batch)[:3]] == ["speaker 1", "speaker 2", "speaker 1"]

    def test_batch_phrases_are_ordered_by_time_across_channels(self) -> None:
        def phrase(channel: int, **times: object) -> dict[str, object]:
            words = [{"word": "hi", "offsetInTicks": 1, "durationInTicks": 2.0, "confidence": 0.5}]
            shown = [{"displayText": "Hi", "offsetInTicks": 0, "durationInTicks": 3}, words[0]]
            best = {"display": f"Hi {channel}.", "words": words, "displayWords": shown}
            return {"recognitionStatus": "Success", "channel": channel, "locale": "de-DE", "nBest": [best], **times}

        failed = {"recognitionStatus": "NoMatch", "channel": 0}
        phrases = [
            failed,
            phrase(1, offset="PT2.5S", duration="PT0.5S"),
            phrase(0, offsetInTicks=10_000_000.0, durationInTicks=5_000_000),
        ]
        read = call({"recognizedPhrases": phrases})
        assert said(read) == [("channel 0", "Hi 0."), ("channel 1", "Hi 1.")]
        assert (times(read), read.language, read.duration) == ([(1, 1.5), (2.5, 3)], "de-DE", None)
        assert [word.confidence for word in read.turns[0].words] == [None, None]

    def test_batch_phrases_without_times(self) -> None:
        assert times(call({"recognizedPhrases": [{"nBest": [{"display": "Hi."}]}]})) == [(None, None)]

    def test_fast_channels(self) -> None:
        phrases = [
            {"text": text, "channel": channel, "offsetMilliseconds": start, "durationMilliseconds": 500}
            for text, channel, start in (("b", 0, 900), ("a", 1, 100))
        ]
        assert said(call({"combinedPhrases": [], "phrases": phrases})) == [("channel 1", "a"), ("channel 0", "b")]

    def test_content_understanding_may_know_the_roles(self) -> None:
        def phrase(speaker: str, text: str, start: int) -> dict[str, object]:
            word = {"text": text, "startTimeMs": start, "endTimeMs": start + 500}
            return {**word, "speaker": speaker, "words": [word], "locale": "en-US"}

        phrases = [phrase("Agent", "Hello.", 0), phrase("Customer", "Hi.", 900), phrase("Speaker 3", "Yes.", 2000)]
        read = call({"id": "r-1", "result": {"contents": [{"transcriptPhrases": phrases, "endTimeMs": 3000}]}})
        assert (read.format, read.id, read.duration) == ("azure-content-understanding", "r-1", 3)
        assert (roles(read), read.timing, read.language) == (["agent", "customer", "unknown"], "word", "en-US")

    def test_content_understanding_stored_as_markdown_only(self) -> None:
        def stored(markdown: str) -> dict[str, object]:
            return {"id": "r-1", "result": {"contents": [{"markdown": markdown, "endTimeMs": 9000}]}}

        cues = "```\nWEBVTT\n\n00:0{0}.000 --> 00:0{0}.900\n<v Agent>Hello {0}.\n```\n"
        read = call(stored("# Audio\n\n" + cues.format(1) + cues.format(5)))
        assert (read.format, read.id, read.duration) == ("azure-content-understanding", "r-1", 9)
        assert (said(read), times(read)) == ([("Agent", "Hello 1."), ("Agent", "Hello 5.")], [(1, 1.9), (5, 5.9)])
        assert read.tolerance == 0.5, "that of captions"
        read = call(stored("Agent: Hello.\n\nCustomer: Hi."))
        assert (roles(read), read.timing) == (["agent", "customer"], "none")
        assert "Its Markdown holds no transcript" in refusal(stored("# A leaflet"))


class TestAssemblyAi:
    def test_a_real_file_with_words_only(self) -> None:
        read = call(Path("assemblyai/assemblyai_transcription.json"))
        assert (read.format, read.timing, read.duration, read.language) == ("assemblyai", "word", 25, "en")
        assert (read.turns[0].speaker, read.turns[0].start) == ("A", 0.17)

    def test_utterances_and_channels(self) -> None:
        def spoken(text: str, start: int, **who: str) -> dict[str, object]:
            word = {"text": text, "start": None, "end": None}
            return {"text": text, "start": start, "end": start + 500, "words": [word], **who}

        utterances = [spoken("b", 900, channel="2"), spoken("a", 100, speaker="B")]
        job = {"id": "t-1", "status": "completed", "audio_url": "x", "words": None, "redact_pii": True}
        read = call({**job, "utterances": utterances})
        assert (said(read), times(read)[0]) == ([("B", "a"), ("channel 2", "b")], (0.1, 0.6))
        assert read.turns[0].words == (Word("a"),)
        assert any("redacted" in limit for limit in read.limits)

    def test_text_without_words_is_one_turn_without_times(self) -> None:
        job = {"status": "completed", "audio_url": "x", "words": None, "text": "Hello there."}
        assert (said(call(job)), call(job).timing) == ([("", "Hello there.")], "none")
        assert call({**job, "text": "", "audio_duration": 9}).turns == ()

    def test_a_job_that_is_not_done_is_named_as_such(self) -> None:
        assert "has not completed this transcript" in refusal({"status": "error", "audio_url": "x", "words": None})


class TestWhisper:
    def test_whisper_timestamped(self) -> None:
        read = call(Path("whisper/whisper_timestamped.json"))
        assert (read.format, read.timing, read.roles, read.language) == ("whisper", "word", "unknown", "en")
        assert read.turns[0].words[0] == Word("Yeah,", 0.12, 0.38, 0.74)
        assert all(not turn.doubtful for turn in read.turns)

    def test_whisperx_and_its_words_without_times(self) -> None:
        read = call(Path("whisperx/whisperx_writer_output.json"), ReadOptions(roles={"0": "agent", "1": "customer"}))
        assert (read.format, read.timing, roles(read)) == ("whisperx", "word", ["agent", "customer"])
        assert read.turns[1].words[1] == Word("4471")

    def test_whisperx_captions_name_the_same_speakers(self) -> None:
        for file in ("whisperx_writer_output.srt", "whisperx_writer_output.vtt"):
            assert [speaker for speaker, _ in said(call(Path("whisperx", file)))] == ["SPEAKER_00", "SPEAKER_01"]

    def test_a_segment_whose_words_were_given_to_two_speakers_is_split(self) -> None:
        words = [
            {"word": "yes", "start": 0, "end": 1, "speaker": "A"},
            {"word": "4471"},
            {"word": "no", "start": 2, "end": 3, "speaker": "B"},
        ]
        segment = {"start": 0, "end": 3, "text": "yes 4471 no", "speaker": "A", "words": words}
        read = call({"segments": [segment], "word_segments": []})
        assert (said(read), times(read)) == ([("A", "yes 4471"), ("B", "no")], [(0, 1), (2, 3)])

    def test_openai_words_are_put_to_their_segments(self) -> None:
        segments = [
            {"start": 0, "end": 1, "text": " One", "no_speech_prob": 0.01},
            {"start": 1, "end": 3, "text": " two.", "no_speech_prob": 0.01},
        ]
        words = [
            {"word": "two", "start": 1.0, "end": 2},
            {"word": "One", "start": 0, "end": 1},
            {"word": "lost"},
        ]
        read = call({"segments": segments, "words": words, "language": "English", "duration": 4.0})
        assert [[word.text for word in turn.words] for turn in read.turns] == [["One"], ["two"]]
        assert (read.language, read.duration) == ("en", 4)

    def test_openai_diarized(self) -> None:
        segment = {"type": "transcript.text.segment", "start": 0, "end": 1, "text": "Hi.", "speaker": "agent"}
        read = call({"task": "transcribe", "segments": [segment]})
        assert (read.format, read.roles, roles(read)) == ("openai-diarized", "given", ["agent"])

    @pytest.mark.parametrize(
        ("doubt", "says"),
        [
            ({"compression_ratio": 2.5}, "its compression ratio of 2.5 means that it repeats itself"),
            ({"no_speech_prob": 0.8, "avg_logprob": -1.2}, "Whisper finds it 80% likely that nobody spoke"),
            ({"text": "Thanks for watching!"}, "words that Whisper is known to invent in silence"),
            ({"no_speech_prob": 0.8}, ""),
        ],
    )
    def test_doubts(self, doubt: dict[str, object], says: str) -> None:
        segment = {"start": 0, "end": 1, "text": "So.", "tokens": [], **doubt}
        assert call({"segments": [segment]}).turns[0].doubtful == says

    def test_what_repeats_itself_is_doubtful_from_the_third_time(self) -> None:
        segments = [{"start": n, "end": n + 1, "text": "I'm sorry.", "tokens": []} for n in range(4)]
        doubts = [turn.doubtful for turn in call({"segments": segments}).turns]
        assert doubts == [
            "",
            "",
            "the same words for the 3. time in a row",
            "the same words for the 4. time in a row",
        ]


class TestTranscribe:
    @staticmethod
    def item(text: str, start: str = "", **more: object) -> dict[str, object]:
        alternatives = [{"content": text, "confidence": "0.9"}]
        if not start:
            return {"type": "punctuation", "alternatives": alternatives, **more}
        return {"start_time": start, "end_time": str(float(start) + 0.5), "alternatives": alternatives, **more}

    def test_speakers_by_item_or_by_segment(self) -> None:
        items = [
            self.item("Hello", "0.0", speaker_label="spk_0"),
            self.item(","),
            self.item("Dana", "0.5", speaker_label="spk_0"),
            {"type": "pronunciation", "alternatives": []},
            self.item("Hi", "1.0"),
            self.item("."),
        ]
        labels = {"segments": [{"speaker_label": "spk_1", "items": [{"start_time": "1.0"}]}]}
        results = {"transcripts": [], "items": items, "speaker_labels": labels, "language_code": "en-US"}
        read = call({"jobName": "j-1", "results": results}, ReadOptions(roles={"spk_0": "agent"}))
        assert (read.format, read.id, read.language, read.timing) == ("transcribe", "j-1", "en-US", "word")
        assert said(read) == [("spk_0", "Hello, Dana"), ("spk_1", "Hi.")]
        assert roles(read) == ["agent", "unknown"]

    def test_channels(self) -> None:
        channels = [
            {"channel_label": "ch_0", "items": [self.item("Hi", "2.0")]},
            {"channel_label": "ch_1", "items": [self.item("."), self.item("Hello", "0.0")]},
        ]
        read = call({"results": {"transcripts": [], "items": [], "channel_labels": {"channels": channels}}})
        assert said(read) == [("channel 1", ". Hello"), ("channel 0", "Hi")]

    def test_nobody_spoke(self) -> None:
        assert "there is nothing to judge" in refusal({"results": {"transcripts": [], "items": []}})


class TestGenesys:
    START = 1_749_243_600_000

    def conversation(self, *phrases: dict[str, object], **fields: object) -> dict[str, object]:
        return {
            "conversationId": "c-1",
            "conversationStartTime": self.START,
            "participants": [
                {"participantPurpose": "ivr", "startTimeMs": self.START, "endTimeMs": self.START + 5000},
                {
                    "participantPurpose": "agent",
                    "userId": "u1",
                    "queueId": "q1",
                    "startTimeMs": self.START + 4000,
                },
            ],
            "transcripts": [{"language": "en-us", "phrases": list(phrases)}],
            **fields,
        }

    def phrase(self, start: float, purpose: str = "internal", **fields: object) -> dict[str, object]:
        return {"participantPurpose": purpose, "startTimeMs": self.START + start, "text": "hi", **fields}

    def test_a_real_file_tells_an_ivr_from_an_agent(self) -> None:
        read = call(Path("genesys/transcript.json"))
        assert (read.format, roles(read), times(read)) == ("genesys", ["system", "customer"], [(0, None), (5, None)])
        assert read.started == datetime(2025, 6, 6, 21, tzinfo=UTC)

    def test_who_was_there_spoke(self) -> None:
        read = call(self.conversation(self.phrase(1000), self.phrase(4500), self.phrase(9000, "external")))
        assert roles(read) == ["system", "agent", "customer"]
        assert (read.id, read.agent, read.queue, read.language) == ("c-1", "u1", "q1", "en-us")

    def test_if_nobody_was_there_only_one_role_is_no_guess(self) -> None:
        agents = [{"participantPurpose": "user"}, {"participantPurpose": "agent", "startTimeMs": self.START + 9}]
        assert roles(call(self.conversation(self.phrase(0), participants=agents))) == ["agent"]
        assert roles(call(self.conversation(self.phrase(0), participants=[]))) == ["unknown"]

    def test_a_crowd_is_refused(self) -> None:
        crowd = [{"participantPurpose": "agent"}] * 501
        assert "More than 500 participants" in refusal(self.conversation(participants=crowd))

    @pytest.mark.parametrize(
        ("duration", "end"),
        [(500, 1.5), ({"milliseconds": 500}, 1.5), ({"durationMs": 500}, 1.5), ({"seconds": 2}, 3), ({}, None)],
    )
    def test_lengths(self, duration: object, end: float | None) -> None:
        assert times(call(self.conversation(self.phrase(1000, duration=duration)))) == [(1, end)]

    def test_words_and_relative_times(self) -> None:
        words = [{"word": "hi", "startTimeMs": 1000, "duration": 200, "confidence": 0.5}, {"word": "you"}]
        phrase = {"participantPurpose": "external", "startTimeMs": 1000, "decoratedText": "Hi you.", "words": words}
        read = call(self.conversation(phrase, conversationStartTime=0))
        assert (read.started, times(read), read.timing) == (None, [(1, 1.2)], "word")
        assert read.turns[0].words == (Word("hi", 1, 1.2, 0.5), Word("you"))


class TestTwilio:
    def test_sentences_by_channel(self) -> None:
        words = [{"word": "Acme", "start_time": "0.52", "end_time": "1.0"}]
        sentences = [
            {"channel": 2, "start_time": 3.0, "end_time": 4.0, "transcript": "Hi.", "words": None},
            {"media_channel": 1, "start_time": "0.52", "end_time": "2.10", "transcript": "Acme.", "words": words},
            {"start_time": "5", "end_time": "6", "transcript": "So."},
        ]
        meta = {"url": "https://example.invalid/v2/Transcripts/GT0123/Sentences", "next_page_url": "more"}
        read = call({"meta": meta, "sentences": sentences}, ReadOptions(roles={"1": "agent", "2": "customer"}))
        assert (read.format, read.id, read.timing) == ("twilio", "GT0123", "word")
        assert said(read) == [("channel 1", "Acme."), ("channel 2", "Hi."), ("", "So.")]
        assert roles(read) == ["agent", "customer", "unknown"]
        assert "the file lacks the last page of the transcript: there are more" in read.limits
        assert call({"sentences": sentences}).id == "call"


class TestContactLensRealTime:
    def test_segments(self) -> None:
        spoken = {
            "Id": "t1",
            "ParticipantRole": "AGENT",
            "Content": "Hello.",
            "BeginOffsetMillis": 0,
            "EndOffsetMillis": 900,
        }
        read = call({"Channel": "VOICE", "Segments": [{"Transcript": spoken}, {"Categories": {}}]})
        assert (read.format, roles(read), times(read)) == ("contact-lens-real-time", ["agent"], [(0, 0.9)])


class TestHarperValley:
    def test_a_real_file_is_ordered_by_the_offset_that_agrees_with_the_clock(self) -> None:
        read = call(Path("harpervalley/0002f70f7386445b.json"))
        assert (read.format, read.id, read.roles, read.timing) == (
            "harpervalley",
            "0002f70f7386445b",
            "given",
            "turn",
        )
        assert (roles(read)[:4], times(read)[0]) == (["agent", "agent", "agent", "customer"], (3.72, 6.39))
        assert read.turns[1].text == "my name is elizabeth"
        assert read.started == datetime(2020, 6, 2, 0, 13, 3, 285_000, tzinfo=UTC)

    def test_noise_is_no_speech(self) -> None:
        read = call(Path("harpervalley/010eaccb7a23436f.json"))
        assert all("[" not in turn.text for turn in read.turns)
        assert any("stretches of noise without words were left out" in limit for limit in read.limits)

    @pytest.mark.parametrize("offset", [1e17, "nan"])
    def test_a_start_that_is_no_date_is_refused(self, offset: object) -> None:
        turn = {"speaker_role": "caller", "offset_ms": offset, "duration_ms": 9, "human_transcript": "hi"}
        assert "not a time of this calendar" in refusal([{**turn, "start_timestamp_ms": 1_591_056_796_175}])

    def test_a_call_without_noise_says_nothing_of_it(self) -> None:
        turn = {
            "speaker_role": "caller",
            "offset_ms": 0,
            "duration_ms": 900,
            "human_transcript": "hi",
            "start_timestamp_ms": 1_591_056_796_175,
        }
        assert len(call([turn]).limits) == 1


def test_assemblyai_may_have_identified_its_speakers() -> None:
    utterances = [
        {"speaker": speaker, "start": 0, "end": 900, "text": "Hello.", "words": []}
        for speaker in ("Agent", "Client", "B")
    ]
    read = call({"id": "a", "status": "completed", "audio_url": "x", "words": [], "utterances": utterances})
    assert ([turn.role for turn in read.turns], read.roles) == (["agent", "customer", "unknown"], "given")

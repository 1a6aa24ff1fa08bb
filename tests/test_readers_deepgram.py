"""Deepgram: utterances where there are any, else words, split at a new speaker or a pause."""

from __future__ import annotations

from pathlib import Path

from pytest_callqa.readers import ReadOptions
from readers_kit import call, refusal


def test_utterances_are_turns() -> None:
    read = call(Path("deepgram/dg_speakers.json"))
    assert (len(read.turns), read.timing, read.roles, read.duration) == (22, "word", "unknown", 169.802)
    assert read.turns[0].speaker == "speaker 0"
    assert read.turns[0].words[0].text == "And,"
    assert any("role map" in limit for limit in read.limits)


def test_words_alone_are_split_at_pauses() -> None:
    read = call(Path("deepgram/dg_transcription.json"))
    assert [(turn.start, turn.end) for turn in read.turns] == [(0.08, 3.22), (4.4, 25.439999)]


def test_words_alone_are_split_at_a_new_speaker() -> None:
    words = [{"word": word, "start": n, "end": n + 1, "speaker": n // 2} for n, word in enumerate("abcd")]
    body = {"results": {"channels": [{"alternatives": [{"transcript": "", "words": words}]}]}}
    read = call(body, ReadOptions(roles={"0": "agent", "1": "customer"}))
    assert [(turn.role, turn.text) for turn in read.turns] == [("agent", "a b"), ("customer", "c d")]


def test_a_channel_says_more_than_a_speaker_number() -> None:
    channel = {"alternatives": [{"transcript": ""}], "detected_language": "de"}
    speech = [
        {"start": 2, "end": 3, "transcript": "hi", "channel": 1, "speaker": 0},
        {"start": 0, "end": 1, "transcript": "hello", "channel": 0, "speaker": 0},
    ]
    read = call({"results": {"channels": [channel, channel], "utterances": speech}})
    assert [turn.speaker for turn in read.turns] == ["channel 0", "channel 1"]
    assert read.language == "de"


def test_a_transcript_without_words_is_one_turn_without_times() -> None:
    read = call({"results": {"channels": [{"alternatives": [{"transcript": "Hello there."}]}]}})
    assert ([turn.text for turn in read.turns], read.timing) == (["Hello there."], "none")


def test_a_recording_in_which_nobody_speaks_is_a_call() -> None:
    silent = {"metadata": {"duration": 12.5}, "results": {"channels": [{"alternatives": [{"transcript": ""}]}]}}
    assert (call(silent).turns, call(silent).duration) == ((), 12.5)


def test_a_wrong_field_is_told_with_its_path() -> None:
    assert refusal({"results": {"channels": 1}}).startswith("$.results.channels: Expected `array`, got `int`")

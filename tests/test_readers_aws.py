"""Contact Lens and Transcribe Call Analytics."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_callqa.call import Call, Silence
from readers_kit import call, refusal

CONTACT_LENS = Path("contact_lens/post_call.json")
ANALYTICS = Path("transcribe_call_analytics/example-call.json")


def contact_lens(**fields: object) -> dict[str, object]:
    turn = {"ParticipantId": "u1", "BeginOffsetMillis": 0, "EndOffsetMillis": 2100, "Content": "Hello."}
    people = [{"ParticipantId": "u1", "ParticipantRole": "AGENT"}]
    return {"JobStatus": "COMPLETED", "Channel": "VOICE", "Participants": people, "Transcript": [turn], **fields}


@pytest.fixture(scope="module")
def lens() -> Call:
    return call(CONTACT_LENS)


@pytest.fixture(scope="module")
def analytics() -> Call:
    return call(ANALYTICS)


def test_contact_lens_gives_roles_and_turn_times(lens: Call) -> None:
    assert (lens.id, lens.format) == ("7c77422d-f9ba-4111-ad48-b2f5dadf854a", "contact-lens")
    assert (lens.timing, lens.roles, lens.language, lens.duration) == ("turn", "given", "en-US", 86.727)
    assert [(turn.role, turn.start) for turn in lens.turns[:3]] == [
        ("agent", 2.54),
        ("customer", 2.58),
        ("agent", 7.897),
    ]


def test_contact_lens_silences_are_kept_also_the_one_inside_a_turn(lens: Call) -> None:
    assert len(lens.silences) == 6
    inside = Silence(78.727, 81.95)
    assert inside in lens.silences
    assert any(turn.start < inside.start and inside.end < turn.end for turn in lens.turns)


def test_a_silence_of_4_80_seconds_is_within_the_tolerance_of_5(lens: Call) -> None:
    shortest = min(silence.end - silence.start for silence in lens.silences if silence.end - silence.start > 4)
    assert 5 - lens.tolerance < shortest < 5


def test_loudness_is_that_of_speech_and_silent_seconds_do_not_count(lens: Call) -> None:
    assert lens.turns[1].loudness == 71.74  # scores 71.74 and 0


def test_contact_lens_says_what_it_cannot_show(lens: Call) -> None:
    assert any("no words" in limit for limit in lens.limits)
    assert any("hold" in limit for limit in lens.limits)
    assert lens.interruptions == 0


def test_analytics_has_words_with_their_marks_and_confidence(analytics: Call) -> None:
    assert (analytics.id, analytics.format, analytics.timing) == (
        "example-call.wav",
        "transcribe-call-analytics",
        "word",
    )
    first = analytics.turns[0]
    assert first.text == " ".join(word.text for word in first.words)
    assert first.words[0].confidence == 1.0
    assert (first.words[-1].text, first.words[-1].end) == ("you?", 5.05)


def test_analytics_keeps_the_vendors_findings_apart(analytics: Call) -> None:
    assert analytics.interruptions == 2
    assert analytics.labels == {"categories": "No_Closing_Remark"}
    assert analytics.silences == ()  # although turn gaps reach 1.78 s: the limits say so
    assert any("only above the length" in limit for limit in analytics.limits)
    assert any("redacted" in limit for limit in analytics.limits)


def test_participants_are_resolved_and_an_unknown_one_stays_unknown() -> None:
    read = call(contact_lens())
    assert (read.turns[0].role, read.turns[0].speaker) == ("agent", "u1")
    assert call(contact_lens(Participants=[])).turns[0].role == "unknown"


def test_a_call_without_measurements_is_read_too() -> None:
    read = call(contact_lens())
    assert (read.duration, read.interruptions, read.silences, read.turns[0].loudness) == (None, None, (), None)


def test_turns_with_words_are_analytics_even_without_a_job_name() -> None:
    turn = {"ParticipantRole": "CUSTOMER", "BeginOffsetMillis": 0, "EndOffsetMillis": 9, "Content": "Hi", "Items": []}
    read = call(contact_lens(Transcript=[turn]))
    assert (read.format, read.turns[0].role) == ("transcribe-call-analytics", "customer")


def test_a_job_that_failed_is_named_as_such() -> None:
    failed = {"JobStatus": "FAILED", "Participants": [], "JobName": "x"}
    assert "Amazon did not complete this job" in refusal(failed)
    assert "$: Object missing required field `Transcript`" in refusal({**failed, "JobStatus": "COMPLETED"})


def test_a_wrong_field_is_told_with_its_path() -> None:
    turn = {"BeginOffsetMillis": "late", "EndOffsetMillis": 2100, "Content": "Hello."}
    assert refusal(contact_lens(Transcript=[turn])).startswith(
        "$.Transcript[0].BeginOffsetMillis: Expected `float | null`"
    )


def test_a_rule_of_call_analytics_is_not_a_call() -> None:
    assert "This is not a transcript" in refusal(Path("transcribe_call_analytics/category_rules.json"))

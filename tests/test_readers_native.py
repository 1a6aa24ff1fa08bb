"""The native format: exactly a Call, checked afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from pytest_callqa.call import Call, Case, Event, Turn, Word
from pytest_callqa.readers import schema, to_native
from readers_kit import call, refusal

HELLO = Turn(role="agent", text="Hello.", start=0.5, end=1.0)
THANKS = Turn(role="customer", text="Thanks.", start=2.0, end=2.5)


def native(**fields: object) -> dict[str, object]:
    return {"id": "c1", "turns": [{"text": "Hello.", "start": 0, "end": 1}], **fields}


def test_a_call_survives_writing_and_reading() -> None:
    before = Call(
        id="c1",
        turns=(HELLO, THANKS),
        events=(Event(kind="hold", time=1.5, by="customer"),),
        case=Case(id="t1", kind="complaint"),
        labels={"site": "north"},
    )
    after = call(to_native(before))
    assert (after.turns, after.events, after.case, after.labels) == (
        before.turns,
        before.events,
        before.case,
        before.labels,
    )
    assert to_native(call(to_native(after))) == to_native(after)


def test_timing_and_roles_are_what_the_turns_carry() -> None:
    read = call({"id": "c1", "turns": [{"role": "agent", "text": "Hi."}]})
    assert (read.timing, read.roles, read.tolerance) == ("none", "given", 0.0)
    assert call(native()).timing == "turn"
    assert call(native()).roles == "unknown"
    assert call(native(turns=[{"text": "Hi.", "start": 3}])).timing == "start"


def test_words_make_the_timing_finer_even_if_some_could_not_be_aligned() -> None:
    words = (Word("Order", 0.0, 0.4), Word("4471"), Word("now", 0.8))
    assert (
        call(to_native(Call(id="c1", turns=(Turn(text="Order 4471", start=0, end=1, words=words),)))).timing == "word"
    )
    untimed = (Word("Order"),)
    assert call(to_native(Call(id="c1", turns=(Turn(text="Order", start=0, end=1, words=untimed),)))).timing == "turn"


def test_one_turn_without_times_makes_the_call_untimed() -> None:
    assert call(native(turns=[{"text": "Hi.", "start": 0, "end": 1}, {"text": "Bye."}])).timing == "none"


def test_promising_finer_times_than_the_turns_have_is_an_error() -> None:
    assert '$.timing: timing is "word", but the turns have only "turn" times' in refusal(native(timing="word"))


def test_a_case_in_the_file_is_a_case_that_is_known() -> None:
    assert call(native(case={"kind": "inquiry"})).case_known
    assert not call(native()).case_known


def test_a_call_without_speech_may_still_be_judged() -> None:
    assert call({"id": "c1", "events": [{"kind": "hangup", "time": 12, "by": "customer"}]}).turns == ()
    assert call({"id": "c1", "turns": [], "duration": 30}).duration == 30
    assert "there is nothing to judge" in refusal({"id": "c1", "turns": []})


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"trns": []}, "$: Object contains unknown field `trns`"),
        ({"turns": [{"text": "x", "strat": 1}]}, "$.turns[0]: Object contains unknown field `strat`"),
        ({"turns": [{"text": "x", "start": "soon"}]}, "$.turns[0].start: Expected `float | null`, got `str`"),
        ({"turns": [{"text": "x", "role": "a secret"}]}, "$.turns[0].role: Not one of the values allowed here"),
        ({"turns": [{"text": "x", "start": 3, "end": 2}]}, "$.turns[0]: It ends at 2 s, before it starts at 3 s"),
        ({"turns": [{"text": "x", "start": -1, "end": 2}]}, "$.turns[0]: -1 s to 2 s is not a time within a call"),
        ({"turns": [{"text": "x", "start": -1}]}, "$.turns[0]: -1 s is not a time within a call"),
        ({"turns": [{"text": "x", "end": 1}]}, "$.turns[0]: The turn has an end and no start"),
        (
            {"turns": [{"text": "x", "start": 0, "end": 9, "words": [{"text": "x", "start": 2, "end": 1}]}]},
            "$.turns[0].words[0]: It ends at 1 s, before it starts at 2 s",
        ),
        ({"duration": -3}, "$.duration: -3 s is not a time within a call"),
        ({"duration": 1749243600000}, "$.duration: 1.74924e+12 s is not a time within a call"),
        ({"events": [{"kind": "hold", "time": -2}]}, "$.events[0].time: -2 s is not a time"),
        ({"silences": [{"start": 5, "end": 4}]}, "$.silences[0]: It ends at 4 s, before it starts at 5 s"),
        ({"started": "2026-01-05T10:00:00"}, "$.started: Expected `datetime` with a timezone component"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(fields: dict[str, object], says: str) -> None:
    message = refusal(native(**fields))
    assert message.startswith(says)
    assert message.endswith(("export the call again.", "give both or neither."))
    assert "secret" not in message


def test_turns_are_put_in_order_and_a_file_that_goes_back_is_noted() -> None:
    turns = [{"text": "b", "start": 9, "end": 10}, {"text": "a", "start": 1, "end": 2}, {"text": "c", "start": 8}]
    read = call(native(turns=turns))
    assert [turn.text for turn in read.turns] == ["a", "c", "b"]
    assert read.limits == ("the file's turns go back in time by 8.00 s at turn 2; ordered by start",)


def test_a_step_back_within_the_tolerance_is_only_put_in_order() -> None:
    turns = [{"text": "b", "start": 1.2, "end": 2}, {"text": "a", "start": 1, "end": 2}]
    read = call(native(turns=turns, tolerance=0.5))
    assert ([turn.text for turn in read.turns], read.limits) == (["a", "b"], ())


def test_speech_after_the_end_of_the_call_is_noted() -> None:
    assert call(native(duration=0.4)).limits == (
        "speech goes on until 1.0 s, though the file says the call lasts 0.4 s",
    )
    assert call(native(duration=30)).limits == ()


def test_the_published_schema_is_current() -> None:
    published = Path(__file__).parents[1] / "docs" / "native.schema.json"
    assert published.read_bytes() == schema(), "write pytest_callqa.readers.schema() there"


def test_the_schema_accepts_what_the_reader_accepts_and_refuses_a_misspelt_field() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema()))
    assert validator.is_valid(json.loads(to_native(call(native()))))
    assert not validator.is_valid(native(trns=[]))


def test_an_event_may_have_no_time() -> None:
    assert call(native(events=[{"kind": "verified"}])).events == (Event(kind="verified"),)

"""A call as data: what the native format writes and refuses, and the errors it tells."""

from __future__ import annotations

import msgspec
import pytest

from examples import talk
from pytest_callqa.call import Call, Case, Event, Turn, Word
from pytest_callqa.errors import BadBook, BadInput, did_you_mean


def test_a_call_survives_json() -> None:
    call = talk(
        "agent: Hello", "customer: 你好", events=(Event(kind="hangup", time=4.5, by="customer"),), case=Case(id="7")
    )
    assert msgspec.json.decode(msgspec.json.encode(call), type=Call) == call


def test_what_is_not_known_is_not_written() -> None:
    assert msgspec.json.encode(Call(id="a", turns=(Turn(text="Hi", words=(Word("Hi"),)),))) == (
        b'{"id":"a","turns":[{"text":"Hi","words":[{"text":"Hi"}]}]}'
    )


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ('{"id": "a", "turn": []}', "unknown field `turn`"),
        ('{"id": "a", "turns": [{"text": "Hi", "role": "boss"}]}', r"`\$.turns\[0\].role`"),
        ('{"id": "a", "started": "2026-11-23T10:00:00"}', "timezone"),
        ('{"id": "a", "events": [{"kind": "sneeze"}]}', r"`\$.events\[0\].kind`"),
    ],
)
def test_what_a_call_cannot_hold_is_refused(written: str, problem: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=problem):
        msgspec.json.decode(written, type=Call)


def test_bad_input_says_where_it_is() -> None:
    assert str(BadInput("no end")) == "no end"
    inner = BadInput("no end", place="line 3")
    assert str(inner.at("call.json", "line 1")) == "call.json, line 3: no end"
    assert str(inner.at("call.json").at("archive.zip")) == "call.json, line 3: no end"


def test_a_bad_book_tells_all_its_faults() -> None:
    assert str(BadBook(["one"])) == "one"
    assert str(BadBook(["one", "two"])) == "2 faults in the rule book:\n  - one\n  - two"


def test_the_nearest_known_name_is_suggested() -> None:
    assert did_you_mean("apolgy", ["apology", "greeting"]) == " Did you mean 'apology'?"
    assert did_you_mean("xyz", ["apology"]) == ""

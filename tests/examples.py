"""Calls, phrases and rules written the way they read, for the tests of the core."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_callqa.call import Call, Event, EventKind, Role, Silence, Turn, Word
from pytest_callqa.hearing import Hearing
from pytest_callqa.phrases import PhraseBook
from pytest_callqa.rules import Code, Rule, Situation, every_call, rule_of
from pytest_callqa.rules import rule as declare

TURN = 2.0
"""Seconds every turn of an example lasts."""

PAUSE = 0.5
"""Seconds between two turns when nothing else is said."""

PHRASES = """
language: en
fillers: [um, uh]
light: [a, the, is, to, for, you, i, we, can, do, me, my]
backchannels: [mhm, mm, hm, yeah]
phrases:
  hello: [hello, good morning]
  apology: [sorry, i apologise]
  offer_help: ["what can (i|we) do for you", "how (can|may) (i|we) help you"]
  curse: [damn]
  farewell:
    parts:
      thanks: [thank you]
      invitation: [call again]
      goodbye: [goodbye]
"""


def book(text: str = PHRASES, file: str = "en.yaml") -> PhraseBook:
    """A phrase book from the text of one file."""
    return PhraseBook.parse({file: text})


phrases = book()


def talk(*said: str | float, timed: bool = True, **record: object) -> Call:
    """A call from its turns: ``talk("agent: Hello", 5.0, "customer: Hi")``.

    Every turn lasts two seconds and a number is a pause before the next; without one it is half a
    second. ``record`` is anything else a call can hold.
    """
    turns: list[Turn] = []
    now, pause = 0.0, 0.0
    for each in said:
        if isinstance(each, str):
            role, _, text = each.partition(": ")
            start, end = (now + pause, now + pause + TURN) if timed else (None, None)
            turns.append(turn(role, text, start, end))
            now, pause = now + pause + TURN, PAUSE
        else:
            pause = each
    if timed and turns and said[-1] == pause:
        record.setdefault("duration", now + pause)
    record.setdefault("timing", "turn" if timed else "none")
    return call(*turns, **record)


def turn(role: Role | str, text: str, start: float | None = None, end: float | None = None, **more: object) -> Turn:
    """A turn with its times."""
    return Turn(role=role, text=text, start=start, end=end, **more)


def spoken(role: str, *words: tuple[str, float, float]) -> Turn:
    """A turn from its timed words."""
    text = " ".join(word for word, _, _ in words)
    return turn(role, text, words[0][1], words[-1][2], words=tuple(Word(*word) for word in words))


def call(*turns: Turn, **record: object) -> Call:
    """A call in English whose roles are known and whose times are exact."""
    settings: dict[str, object] = {"id": "example", "language": "en", "timing": "turn", "roles": "given"}
    return Call(turns=turns, **settings | record)


def event(kind: EventKind, time: float | None = None, by: Role = "unknown") -> Event:
    """Something on the line."""
    return Event(kind=kind, time=time, by=by)


def silence(start: float, end: float) -> Silence:
    """A silence as a vendor measured it."""
    return Silence(start, end)


def hear(record: Call | Iterable[str | float], **settings: object) -> Hearing:
    """The call (or the talk) under judgement, with the example phrases known."""
    heard = Hearing(record if isinstance(record, Call) else talk(*record), **settings)
    heard.consult([phrases])
    return heard


CODE = Code({"organisation": "Acme Bank", "languages": ["en"], "silence": 5})


def make_rule(test: Callable[..., object], clause: str = "1", when: Situation = every_call, **more: object) -> Rule:
    """The function as a rule."""
    found = rule_of(declare(clause, more.pop("title", f"Rule {clause}"), when=when, **more)(test))
    assert found is not None
    return found

"""A bot and a customer's moves become a Call, on a virtual clock."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from pytest_callqa.bots import Abilities, AsyncBot, Bot, Move, Reply
from pytest_callqa.bots.driver import KEY, REACTION, Conversation, drive, seconds_to_say
from pytest_callqa.call import Call, Case, Event
from pytest_callqa.errors import BotError

ALL = Abilities(keys=True, silence=True, barge_in=True, events=True, clock=True, case=True)


class Patient:
    """Greets, answers words with an echo, and after five seconds of silence asks once and then hangs up."""

    abilities = ALL

    def __init__(self) -> None:
        self.asked = self.closed = 0

    def open(self) -> Sequence[Reply]:
        self.asked = 0
        return [Reply(text="Hello. What can I do for you?")]

    def send(self, move: Move) -> Sequence[Reply]:
        if not move.silent:
            ticket = Case(id="1", content=move.text)
            return [Reply(text=f"You said {move.text or move.keys}.", case=ticket)]
        if move.end - move.start < 5:
            return []
        self.asked += 1
        at = move.start + 5
        if self.asked == 1:
            return [Reply(text="Hello?", start=at, end=at + 1)]
        return [Reply(text="Goodbye.", start=at, end=at + 1, events=(Event(kind="hangup", by="agent"),))]

    def close(self) -> None:
        self.closed += 1


class PatientAsync:
    """The same, asynchronous."""

    abilities = ALL

    def __init__(self) -> None:
        self.bot = Patient()

    async def open(self) -> Sequence[Reply]:
        return self.bot.open()

    async def send(self, move: Move) -> Sequence[Reply]:
        return self.bot.send(move)

    async def close(self) -> None:
        self.bot.close()


def lines(call: Call) -> list[tuple[str, str, float | None, float | None]]:
    return [(turn.role, turn.text, turn.start, turn.end) for turn in call.turns]


@pytest.mark.parametrize("bot", [Patient(), PatientAsync()])
def test_a_conversation_becomes_a_call(bot: Bot | AsyncBot) -> None:
    call = drive(bot, [Move(text="I need help"), Move(wait=6), Move(wait=6), Move(text="too late")], id="c1")
    assert lines(call) == [
        ("agent", "Hello. What can I do for you?", 0.0, 2.8),
        ("customer", "I need help", 3.3, 4.5),
        ("agent", "You said I need help.", 5.0, 7.0),
        ("agent", "Hello?", 12.0, 13.0),
        ("agent", "Goodbye.", 18.0, 19.0),
    ]
    assert [(event.kind, event.by, event.time) for event in call.events] == [
        ("answer", "agent", 0.0),
        ("hangup", "agent", 19.0),
    ]
    assert (call.id, call.timing, call.roles, call.duration, call.case_known) == ("c1", "turn", "given", 19.0, True)
    assert call.case == Case(id="1", content="I need help")


def test_silence_comes_before_what_is_said_and_the_agent_may_break_it() -> None:
    answered = drive(Patient(), [Move(wait=3, text="Yes")])
    assert lines(answered)[1] == ("customer", "Yes", 5.8, 6.2)
    asked_again = drive(Patient(), [Move(wait=6, text="Yes")])
    assert [said[1:3] for said in lines(asked_again)][1:3] == [("Hello?", 7.8), ("Yes", 8.8 + REACTION)]


def test_keys_are_events_and_the_customer_may_hang_up() -> None:
    call = drive(Patient(), [Move(keys="12"), Move(text="Bye", hang_up=True)])
    assert [(event.kind, event.value, event.time) for event in call.events] == [
        ("answer", "", 0.0),
        ("key", "1", 3.3),
        ("key", "2", 3.3 + KEY),
        ("hangup", "", 6.9),
    ]
    assert [turn.text for turn in call.turns][-1] == "Bye"
    assert call.case == Case(id="1", content="Bye"), "the bot is told, though nobody hears its answer"


def test_the_customer_may_talk_over_the_agent() -> None:
    call = drive(Patient(), [Move(text="Stop", over=0.5, events=("noise",))])
    assert lines(call)[:2] == [("agent", "Hello. What—", 0.0, 1.4), ("customer", "Stop", 1.4, 1.8)]
    assert call.events[-1] == Event(kind="noise", time=1.4, by="customer")
    assert lines(drive(Patient(), [Move(text="Stop", over=0.99)]))[0][1] == "Stop", "nothing was heard before it"
    again = drive(Patient(), [Move(hang_up=True, over=0.25)])
    assert again.events[-1] == Event(kind="hangup", time=2.1, by="customer")


def test_a_bot_is_met_only_with_what_it_can_take_part_in() -> None:
    class Chat(Patient):
        abilities = Abilities()

    for move in (Move(keys="1"), Move(wait=1), Move(text="x", over=0.5), Move(text="x", events=("noise",))):
        assert not Chat.abilities.allow(move)
        with pytest.raises(ValueError, match="cannot be met with"):
            drive(Chat(), [move])
    call = drive(Chat(), [Move(text="Hello")])
    assert (call.timing, call.case_known) == ("none", False), "its times mean nothing"


def test_a_silent_bot_has_not_failed() -> None:
    class Mute(Patient):
        def open(self) -> Sequence[Reply]:
            return []

        def send(self, move: Move) -> Sequence[Reply]:
            return []

    call = drive(Mute(), [Move(text="Hello", over=0.5), Move(wait=4)])
    assert lines(call) == [("customer", "Hello", 0.5, 0.9)]
    assert call.duration == 4.9


@pytest.mark.parametrize(
    ("error", "told"),
    [(KeyError("name"), "the bot broke: KeyError: 'name'"), (BotError("HTTP 500", ["POST /x"]), "HTTP 500")],
)
def test_a_bot_that_breaks_is_an_error_with_the_exchange(error: Exception, told: str) -> None:
    class Broken(Patient):
        def send(self, move: Move) -> Sequence[Reply]:
            raise error

    bot = Broken()
    with pytest.raises(BotError) as caught:
        drive(bot, [Move(keys="1")])
    assert str(caught.value).splitlines()[:4] == [
        told,
        "  0:00.0 agent: Hello. What can I do for you?",
        "  0:00.0 [answer by agent]",
        "  0:03.3 [key 1 by customer]",
    ]
    assert bot.closed == 1


def test_a_bot_that_cannot_begin_is_let_go() -> None:
    class Dead(Patient):
        def open(self) -> Sequence[Reply]:
            raise ConnectionError("refused")

    bot = Dead()
    with pytest.raises(BotError, match="the bot broke: ConnectionError: refused"):
        drive(bot, [])
    assert bot.closed == 1


def test_a_call_that_is_rejected_was_never_answered() -> None:
    class Busy(Patient):
        def open(self) -> Sequence[Reply]:
            return [Reply(events=(Event(kind="hangup", by="system", value="busy"),))]

    call = drive(Busy(), [Move(text="Hello")])
    assert (call.turns, [event.kind for event in call.events]) == ((), ["hangup"])


def test_a_conversation_does_not_go_on_for_ever() -> None:
    with Conversation(Patient(), longest=10) as conversation:
        conversation.send(Move(wait=4))
        conversation.send(Move(wait=4))
        assert conversation.ended
        assert conversation.send(Move(text="Hello")) == ()
    assert conversation.call().limits == ("the conversation was broken off after 10 s",)
    assert len(conversation.moves) == 2
    assert [reply.text for reply in conversation.replies] == ["Hello. What can I do for you?"]


def test_real_time_counts_when_asked_for() -> None:
    class Live(Patient):
        abilities = Abilities(real_time=True)

        def send(self, move: Move) -> Sequence[Reply]:
            time.sleep(0.05)
            return [Reply(text="Yes")]

    with Conversation(Live()) as conversation:
        conversation.send(Move(text="Hello"))
    assert conversation.slowest >= 0.05
    call = conversation.call()
    assert call.timing == "turn"
    hello, yes = call.turns[1:]
    assert yes.start is not None
    assert hello.end is not None
    assert round(yes.start - hello.end, 2) >= REACTION + 0.05


def test_speaking_takes_time_in_both_languages() -> None:
    assert seconds_to_say("What can I do for you?") == 2.4
    assert seconds_to_say("您好，请问") == 1.0
    assert seconds_to_say("") == 0.0

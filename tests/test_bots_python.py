"""Python functions, chat bots nobody here wrote, and bots of one's own, named on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from nltk.chat.eliza import eliza_chatbot

from pytest_callqa.bots import Move
from pytest_callqa.bots.chat import ChatBot
from pytest_callqa.bots.driver import Conversation
from pytest_callqa.bots.python import Function, Options
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.call import Call
from pytest_callqa.errors import BadInput, BotError

BOTS = """
import asyncio
from pytest_callqa.bots import Abilities, Reply

def shout(text): return text.upper()
async def later(text):
    await asyncio.sleep(0)
    return ["Wait", "Done"]
def counts(text, session):
    session["n"] = session.get("n", 0) + 1
    return f"{session['n']}: {text}"
def recalls(text, *, history): return f"You said {history[-1][0]}" if history else None
def replies(text): return Reply(text="Hello", raw=text)
def number(text): return 5
FIVE = 5

class Own:
    abilities = Abilities(keys=True)
    def open(self): return [Reply(text="Own")]
    def send(self, move): return [Reply(text=move.keys)]
    def close(self): pass
own = Own()
def make(): return Own()
"""


@pytest.fixture(autouse=True)
def _bots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_bots.py").write_text(BOTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "some_bots", raising=False)


def talk(spec: str, *texts: str) -> Call:
    with Conversation(find_bot(spec)) as conversation:
        for text in texts:
            conversation.send(Move(text=text))
    return conversation.call()


def answers(call: Call) -> list[str]:
    return [turn.text for turn in call.turns if turn.role == "agent"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shout", ["HELLO", "YOU"]),
        ("later", ["Wait", "Done", "Wait", "Done"]),
        ("counts", ["1: Hello", "2: you"]),
        ("recalls", ["You said Hello"]),
        ("replies", ["Hello", "Hello"]),
    ],
)
def test_a_function_answers(name: str, said: list[str]) -> None:
    for _ in range(2):  # every conversation has a session of its own
        assert answers(talk(f"python:some_bots:{name}", "Hello", "you")) == said


@pytest.mark.parametrize("name", ["own", "Own", "make"])
def test_a_bot_of_ones_own_is_taken_as_it_is(name: str) -> None:
    with Conversation(find_bot(f"python:some_bots:{name}")) as conversation:
        conversation.send(Move(keys="7"))
    assert answers(conversation.call()) == ["Own", "7"]


def test_what_is_no_bot_is_told() -> None:
    with pytest.raises(BadInput, match="some_bots:FIVE is neither a function nor a bot"):
        find_bot("python:some_bots:FIVE")
    with pytest.raises(BotError, match="the function returned int, expected a text, a Reply, several, or None"):
        talk("python:some_bots:number", "Hello")


def test_a_conversation_begins_and_ends_as_the_settings_say() -> None:
    heard: list[str] = []

    def listens(text: str) -> list[str]:
        heard.append(text)
        return ["Good day", f"Goodbye {text}", "Never said"]

    bot = ChatBot(Function(listens), Options(begin="/start", bye="/stop", ends=("Goodbye x",)))
    with Conversation(bot) as conversation:
        assert len(conversation.replies) == 3
        conversation.send(Move(text="x"))
        assert conversation.ended
    assert answers(conversation.call())[3:] == ["Good day", "Goodbye x"]
    assert conversation.call().events[-1].by == "agent"
    with Conversation(bot) as conversation:
        conversation.send(Move(hang_up=True))
    assert heard == ["/start", "x", "/start", "/stop"]
    with Conversation(ChatBot(Function(listens), Options())) as conversation:
        conversation.send(Move(hang_up=True))
    assert len(heard) == 4


def test_eliza_answers_and_knows_no_time() -> None:
    with Conversation(ChatBot(Function(eliza_chatbot.respond), Options(deterministic=False))) as conversation:
        conversation.send(Move(text="I need help"))
    call = conversation.call()
    assert len(answers(call)) == 1
    assert call.timing == "none"
    assert not conversation.bot.abilities.deterministic

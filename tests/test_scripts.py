"""An agent's script: what its file may say, what is wrong with it, and how the bot follows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_callqa.bots import Bot, Move
from pytest_callqa.bots.driver import BEGINS, Conversation, drive
from pytest_callqa.bots.script import ScriptBot
from pytest_callqa.bots.scripting import Script
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.call import Call
from pytest_callqa.errors import BadBook, BadInput

PHRASES = """
language: en
light: [a, the, is, to, for, you, i, we, can, do, me]
phrases:
  hello: [hello]
  curse: [damn]
  thanks: [thank you]
  bye: [goodbye]
  question: ["how do i"]
  refuses: [no]
  parted:
    parts: {one: [first half], two: [second half]}
"""

SCRIPT = """
rings for: 2
no: refuses
courtesies: [thanks, bye]
lines:
  greeting: {en: "Hello!"}
  farewell: {en: "Goodbye!"}
  sad farewell: {en: "So sorry, goodbye!"}
routines:
  close:
    - offer: Anything else?
    - leave: farewell
opening:
  - say: greeting
  - wait: 5
  - say: Are you there?
  - wait: 5
  - hang up
situations:
  - when: the customer swears
    hears: curse
    until: 1
    do:
      - say: Sorry.
      - from now on: {farewell: sad farewell}
      - write: {kind: complaint, status: open, content: as told, simple: yes, escalated to: manager, deadline: 2 h}
  - when: the customer swears again
    hears: curse
    from: 2
    do: [transfer: the manager]
  - when: the customer thanks
    hears: thanks
    do: [say: Welcome.]
  - when: the line is noisy
    line: noise
    do: [say: Noisy!]
  - when: goodbye again
    hears: bye
    after: goodbye
    do: [wait: 1, hang up]
matters:
  - when: a way to pay
    hears: {en: [how do i pay]}
    do:
      - write: {kind: inquiry, content: as told, department: billing, follow up: {purpose: usage, after: 2 days}}
      - ask: May I check?
        if yes:
          - hold: 20
          - explain: The bill was lost.
          - ask: Is that clear?
            until yes: yes
            if no: [explain again]
        if no: [say: As you like.]
      - write: {status: solved, change: address}
      - do: close
  - when: a call back
    hears: question
    do:
      - ask: Your number?
        note: contact
      - do: close
  - when: nothing more
    hears: [refuses, bye]
    before: goodbye
    do: [do: close]
not heard: [say: Pardon?]
otherwise: [do: close]
otherwise after goodbye: [leave: farewell]
silence:
  - wait: 5
  - say: Hello?
silence after goodbye:
  - wait: 5
  - say: I hang up.
  - wait: 5
  - hang up
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A script in a rule book."""
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "en.yaml").write_text(PHRASES, encoding="utf-8")
    (tmp_path / "code.toml").write_text('organisation = "Acme"\n', encoding="utf-8")
    script = tmp_path / "script.yaml"
    script.write_text(SCRIPT, encoding="utf-8")
    return script


def talk(file: Path, *moves: str | Move) -> Call:
    """The call of what a customer says, or does, one after the other."""
    bot = ScriptBot(Script.load(file), "en")
    return drive(bot, [Move(text=move) if isinstance(move, str) else move for move in moves], language="en")


def said(call: Call) -> list[str]:
    return [f"{turn.role[0]}: {turn.text}" for turn in call.turns]


def test_a_silent_caller_is_asked_again_and_left(file: Path) -> None:
    call = talk(file, Move(wait=60.0))
    assert said(call) == ["a: Hello!", "a: Are you there?"]
    assert [(event.kind, event.time) for event in call.events] == [("ring", 0.0), ("answer", 2.0), ("hangup", 13.6)]


def test_a_wait_ends_when_the_customer_speaks(file: Path) -> None:
    call = talk(file, Move(wait=6.0), "How do I begin?", Move(wait=6.0), Move(hang_up=True))
    assert said(call)[2:] == ["c: How do I begin?", "a: Your number?", "a: Hello?"]


def test_what_was_asked_is_asked_again_after_what_came_between(file: Path) -> None:
    call = talk(file, "How do I begin?", "Damn.", "Thank you.", "5550", "No.")
    assert said(call)[4:] == [
        "a: Sorry. Your number?",
        "c: Thank you.",
        "a: Welcome. Your number?",
        "c: 5550",
        "a: Anything else?",
        "c: No.",
        "a: So sorry, goodbye!",
    ]
    assert call.case is not None
    assert (call.case.contact, call.case.kind, call.case.simple) == ("5550", "complaint", True)
    assert (call.case.escalated_to, call.case.content) == ("manager", "How do I begin?")
    assert call.started == BEGINS


def test_an_answer_decides_what_follows(file: Path) -> None:
    call = talk(file, "How do I pay?", "Yes.", "No.", "I see.", "No.", "Okay.", "Goodbye.", Move(wait=2.0))
    assert said(call)[3:] == [
        "c: Yes.",
        "a: The bill was lost. Is that clear?",
        "c: No.",
        "a: The bill was lost. Is that clear?",
        "c: I see.",
        "a: Anything else?",
        "c: No.",
        "a: Goodbye!",
        "c: Okay.",
        "a: Goodbye!",
        "c: Goodbye.",
    ]
    assert [event.kind for event in call.events] == ["ring", "answer", "hold", "unhold", "hangup"]
    assert call.case is not None
    assert (call.case.status, call.case.changes, call.case.department) == ("solved", ("address",), "billing")
    assert call.case.closed is not None
    assert call.case.follow_ups[0].purpose == "usage"
    refused = talk(file, "How do I pay?", "No.")
    assert said(refused)[-1] == "a: As you like. Anything else?"


def test_a_complaint_stays_open(file: Path) -> None:
    call = talk(file, "Damn.", "How do I pay?", "No.")
    assert call.case is not None
    assert (call.case.kind, call.case.status, call.case.closed) == ("complaint", "open", None)


def test_silence_after_the_goodbye_ends_the_call(file: Path) -> None:
    call = talk(file, "No.", "No.", Move(wait=30.0), "Damn.")
    assert said(call)[-2:] == ["a: Goodbye!", "a: I hang up."]


def test_something_new_after_the_goodbye_is_taken_leave_of_again(file: Path) -> None:
    call = talk(file, "No.", "No.", "Damn.", "Damn.", "Bye or goodbye.")
    assert said(call)[-4:] == ["c: Damn.", "a: Anything else?", "c: Bye or goodbye.", "a: So sorry, goodbye!"]
    assert [event.value for event in call.events if event.kind == "transfer"] == ["the manager"]


def test_what_is_not_heard_is_asked_for(file: Path) -> None:
    noisy, low = (Move(text="How do I pay?", events=(kind,)) for kind in ("noise", "low-volume"))
    call = talk(file, noisy, "How do I begin?", low)
    assert said(call)[2:] == [
        "a: Noisy!",
        "c: How do I begin?",
        "a: Your number?",
        "c: How do I pay?",
        "a: Pardon? Your number?",
    ]


def test_what_was_talked_over_is_said_again(file: Path) -> None:
    call = talk(file, "How do I begin?", Move(text="Wait.", over=0.5), "5550", Move(text="What?", over=0.3))
    assert said(call)[2:] == [
        "a: Your—",
        "c: Wait.",
        "a: Your number?",
        "c: 5550",
        "a: Anything—",
        "c: What?",
        "a: Anything else?",
    ]


def test_a_new_conversation_begins_anew(file: Path) -> None:
    bot = ScriptBot(Script.load(file), "en")
    texts = [said(drive(bot, [Move(text="Damn.")])) for _ in range(2)]
    assert texts[0] == texts[1]


def test_a_phrase_can_be_said_by_its_name(file: Path) -> None:
    file.write_text("opening: [say: parted, say: hello, say: So be it.]", encoding="utf-8")
    assert said(talk(file)) == ["a: first half second half hello So be it."]


def test_an_agent_whose_silence_is_not_scripted_says_nothing(file: Path) -> None:
    file.write_text("opening: [say: hello]", encoding="utf-8")
    assert said(talk(file, Move(wait=60.0), "Damn.")) == ["a: hello", "c: Damn."]


def test_a_script_is_a_bot_by_name(file: Path) -> None:
    bot = find_bot(f"script:{file}")
    assert isinstance(bot, Bot)
    with Conversation(bot) as conversation:
        assert conversation.call().turns[0].text == "Hello!"
    settings = file.with_name("bot.yaml")
    settings.write_text(f"bot: script:{file}\nlanguage: fr\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"no lines in 'fr', only in en"):
        find_bot(str(settings))
    with pytest.raises(BadInput, match=r"nowhere.yaml: cannot be read"):
        find_bot("script:nowhere.yaml")


FAULTS = [
    ("[one]", "a script is a table with parts such as `opening:`"),
    ("opening: []\nopenign: []", "line 2: 'openign' is no part of a script; there are languages, .* 'opening'"),
    ("silence: []", "no `opening:`; say there how the agent answers"),
    ("languages: [fr]\nopening: []", "line 1: the rule book has no phrases in 'fr'"),
    ("opening: [say: greting]\nlines: {greeting: {en: Hi}}", "no line and no phrase is called 'greting'.*'greeting'"),
    ("opening: [say: {fr: Salut}]", "no text in en"),
    ("opening: [say: [a, b]]", "a line is a text, or a text by language"),
    ("opening: [shout]", "'shout' is no step; a step is"),
    ("opening: [[say: a]]", "a step is one line such as"),
    ("opening: [sya: hello]", r"a step has one of say, .*; here are \['sya'\]. Did you mean 'say'"),
    ("opening: [{say: hello, wait: 5}]", "here are .'say', 'wait'.. Make it two steps"),
    ("opening: [{say: hello, note: contact}]", "'note' is no part of the step `say:`"),
    ("opening: [{ask: hello, note: name}]", "`note:` is contact or content, not 'name'"),
    ("opening: [{ask: hello, until yes: maybe}]", "'maybe' is neither yes nor no"),
    ("opening: [wait: long]", "'long' is no time; write 5 .seconds., 10 min"),
    ("opening: [hang up: now]", "write `- hang up` without a value"),
    ("opening: [do: nothing]", "no routine is called 'nothing'"),
    ("opening: [do: a]\nroutines: {a: [do: a]}", "the routine 'a' does itself again"),
    ("opening: []\nroutines: [a]", "`routines:` is a table of names"),
    ("opening: [write: much]", "`write:` takes fields of the case"),
    ("opening: [write: {contents: a}]", "a case has no field 'contents'. Did you mean 'content'"),
    ("opening: [write: {follow up: soon}]", "a follow up is a table"),
    ("opening: [from now on: farewell]", "`from now on:` takes lines, such as"),
    ("opening: [from now on: {farewell: hello}]", "no line is called 'farewell'"),
    ("opening: []\nsilence: [say: hello]", "line 2: `silence:` begins with a wait"),
    ("opening: []\nsituations: [{when: a}]", "each of `situations:` has `when:`"),
    ("opening: []\nsituations: [{when: a, line: noisy}]", "nothing called 'noisy' happens on a line. .*'noise'"),
    ("opening: []\nmatters: [{when: a, hears: qestion}]", "no phrase is called 'qestion'. Did you mean 'question'"),
    ("opening: []\nmatters: [{when: a, hears: bye, after: hello}]", "`after:` is goodbye, not 'hello'"),
    ("opening: []\nno: (one", "closes nothing|never closed|is not closed|cannot be read|\\("),
    ("opening: {", "not valid YAML"),
]


@pytest.mark.parametrize(("text", "problem"), FAULTS)
def test_what_is_wrong_is_said_with_its_line(file: Path, text: str, problem: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadBook, match=problem) as raised:
        Script.load(file)
    assert all(str(file) in fault for fault in raised.value.problems)


def test_all_faults_are_told_at_once(file: Path) -> None:
    file.write_text("opening: [sya: a]\nsilence: [wait: x]\n", encoding="utf-8")
    with pytest.raises(BadBook) as raised:
        Script.load(file)
    assert [problem.partition(": ")[0].rpartition(" ")[2] for problem in raised.value.problems] == ["1", "2"]


def test_files_that_hold_no_script(file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(BadBook, match="cannot be read"):
        Script.load(file.with_name("none.yaml"))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadBook, match="not UTF-8 text"):
        Script.load(file)
    alone = tmp_path_factory.mktemp("alone") / "script.yaml"
    alone.write_text("opening: []", encoding="utf-8")
    with pytest.raises(BadBook, match="belongs to no rule book"):
        Script.load(alone)

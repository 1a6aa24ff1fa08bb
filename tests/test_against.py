"""What a new script, bot or book is judged otherwise for than an old one, and the changed lines it is due to."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask, Response, jsonify, request
from tests.servers import serving

from harness import PHRASES as CONDUCT_PHRASES
from harness import TALKS_BACK_NOW, Project, talk
from pytest_callqa import Call
from pytest_callqa.call import Turn
from pytest_callqa.gate.decision import Gate
from pytest_callqa.outputs import pieces
from pytest_callqa.phrases import PhraseBook
from pytest_callqa.scenarios import campaign
from pytest_callqa.scenarios.blame import SHOWN, Blame, Line, Text, blame_heard, blame_said

WORKERS = [(), ("-n", "2")]

CUSTOMERS = """
moves:
  asks: {says: {en: [How do I pay?, How do I start?]}}
  swears: {says: {en: [Damn., Oh damn it.]}}
  is silent: {waits: [8, 30]}
"""

SCRIPT = """\
lines:
  greeting: {en: "Hello, what can I do for you?"}
opening:
  - say: greeting
situations:
  - when: the customer swears
    hears: curse
    do: [say: I am sorry.]
otherwise:
  - say: I see.
silence:
  - wait: 6
  - say: What can I do for you?
"""


@pytest.fixture
def play(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A book of rules, and customers."""
    monkeypatch.setattr(campaign, "AIMED", 15)
    return project.book().file("rules/customers.yaml", CUSTOMERS)


def against(project: Project, new: tuple[str, str], old: str, *more: str) -> pytest.RunResult:
    return project.run(*new, "--callqa-against", old, "--callqa-customers", "25", *more, calls=None)


# -- scripts


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("old", ["old/script.yaml", "script:old/script.yaml"])
def test_the_changed_line_of_a_script_is_named(play: Project, old: str, workers: tuple[str, ...]) -> None:
    play.file("old/script.yaml", SCRIPT).file("old/code.toml", "").file("old/phrases/en.yaml", PHRASES)
    play.file("rules/script.yaml", "# a comment\n" + SCRIPT.replace("I am sorry.", "Watch it."))
    ran = against(play, ("--callqa-script", "rules/script.yaml"), old, *workers)
    ran.assert_outcomes(failed=1, passed=3)
    ran.stdout.fnmatch_lines(
        [
            *TALKS_BACK_NOW,
            "said in these changed lines:",
            "  - old/script.yaml:8: do: [[]say: I am sorry.[]]",
            "  + rules/script.yaml:9: do: [[]say: Watch it.[]]",
        ]
    )


def test_a_spent_budget_ends_a_comparison(play: Project) -> None:
    play.file("rules/old.yaml", SCRIPT).file("rules/script.yaml", SCRIPT.replace("I am sorry.", "Watch it."))
    ran = against(play, ("--callqa-script", "rules/script.yaml"), "rules/old.yaml", "--callqa-requests", "100")
    ran.assert_outcomes(failed=1, passed=3)
    [conversations] = (int(line.split()[1]) for line in ran.outlines if line.startswith("conversations: "))
    assert conversations < 25


def test_pipelines_are_shown_the_changed_line(play: Project) -> None:
    play.file("rules/old.yaml", SCRIPT).file("rules/script.yaml", SCRIPT.replace("I am sorry.", "Watch it."))
    report = ("--callqa-report", "report.html")
    against(play, ("--callqa-script", "rules/script.yaml"), "rules/old.yaml", *report)

    def told(name: str) -> str:
        return "".join(pieces(name, [play.path / ".callqa/ledger.jsonl"], Gate(), None, ""))

    assert "::error file=rules/script.yaml,line=8,title=1.2 critical::" in told("github")
    [result] = json.loads(told("sarif"))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("rules/script.yaml", 8)
    [finding] = json.loads(told("json"))["findings"]
    assert (finding["blamed"], finding["rule_file"]) == ("rules/script.yaml:8", "rules/test_rules.py")


def test_a_wait_that_changed_is_named_beside_what_was_said(play: Project) -> None:
    play.file("rules/old.yaml", SCRIPT).file("rules/script.yaml", SCRIPT.replace("wait: 6", "wait: 20"))
    ran = against(play, ("--callqa-script", "rules/script.yaml"), "rules/old.yaml")
    ran.stdout.fnmatch_lines(
        [
            "changed beside what was said:",
            "  - rules/old.yaml:12: - wait: 6",
            "  + rules/script.yaml:12: - wait: 20",
        ]
    )


PHRASES = """
language: en
phrases: {curse: [damn], hello: [hello]}
"""


# -- voice apps in this process

IVR = """
from flask import Flask, Response

from words import APOLOGY, GREETING

app = Flask(__name__)


def said(text, then="/heard"):
    gather = f'<Gather input="speech" action="{then}"><Say>{text}</Say></Gather>'
    return Response(f"<Response>{gather}</Response>", mimetype="text/xml")


@app.post("/voice")
def voice():
    return said(GREETING)


@app.post("/heard")
def heard():
    return said(APOLOGY)
"""

WORDS = """
GREETING = "Hello, what can I do for you?"
APOLOGY = "I am sorry, what can I do for you?"
"""


@pytest.mark.parametrize("workers", WORKERS)
def test_two_versions_of_a_voice_app_stand_side_by_side(play: Project, workers: tuple[str, ...]) -> None:
    for folder, words in (("old", WORDS), ("new", WORDS.replace("I am sorry,", "So what,"))):
        play.file(f"{folder}/ivr.py", IVR).file(f"{folder}/words.py", words)
        play.file(f"{folder}/bot.yaml", f"bot: twiml:{folder}/ivr.py:app/voice\nsource: .\n")
    ran = against(play, ("--bot", "new/bot.yaml"), "old/bot.yaml", *workers)
    ran.assert_outcomes(failed=1, passed=3)
    ran.stdout.fnmatch_lines(
        [
            "callqa: 25 generated customers, new/bot.yaml against old/bot.yaml; *",
            "> * agent: So what, what can I do for you?",
            "before:",
            "  * agent: I am sorry, what can I do for you?",
            "said in these changed lines:",
            '  - old/words.py:3: APOLOGY = "I am sorry, what can I do for you?"',
            '  + new/words.py:3: APOLOGY = "So what, what can I do for you?"',
        ]
    )
    assert not {"ivr", "words"} & sys.modules.keys()


def test_an_app_is_compared_with_another_of_another_module(play: Project) -> None:
    play.file("words.py", WORDS).file("app_old.py", IVR)
    play.file("app_new.py", IVR.replace("said(APOLOGY)", 'said("Do not talk to me like that.")'))
    ran = against(play, ("--bot", "twiml:app_new:app/voice"), "twiml:app_old:app/voice")
    ran.stdout.fnmatch_lines(
        [
            "said in these changed lines:",
            "  - app_old.py:21: return said(APOLOGY)",
            '  + app_new.py:21: return said("Do not talk to me like that.")',
        ]
    )


def test_an_app_is_compared_with_a_script_in_what_both_can_take_part_in(play: Project) -> None:
    play.file("ivr.py", IVR).file("words.py", WORDS.replace("I am sorry", "Well"))
    play.file("rules/script.yaml", SCRIPT)
    ran = against(play, ("--bot", "twiml:ivr.py:app/voice"), "rules/script.yaml")
    ran.stdout.fnmatch_lines(["callqa: * against *script.yaml; *", "passed before, failed now*"])


def test_bots_that_share_no_language_are_not_compared(play: Project) -> None:
    play.file("ivr.py", IVR).file("words.py", WORDS).file("rules/script.yaml", SCRIPT)
    zh = ("--callqa-language", "zh")
    ran = against(play, ("--bot", "twiml:ivr:app/voice"), "rules/script.yaml", *zh)
    ran.stderr.fnmatch_lines(
        ["ERROR: --callqa-against: script.yaml speaks en and twiml:ivr:app/voice zh; see --callqa-language"]
    )


def test_a_folder_may_hold_what_is_no_text_and_what_only_one_has(play: Project) -> None:
    for folder in ("old", "new"):
        play.file(f"{folder}/ivr.py", IVR).file(f"{folder}/hello.wav", b"\xff").file(f"{folder}/.hidden", folder)
        play.file(f"{folder}/bot.yaml", "bot: twiml:" + folder + "/ivr.py:app/voice\nsource: .\n")
    play.file("old/words.py", WORDS).file("new/words.py", 'from sorry import APOLOGY\n\nGREETING = "Hello"\n')
    play.file("new/sorry.py", 'APOLOGY = "Mind your words."\n')
    ran = against(play, ("--bot", "new/bot.yaml"), "old/bot.yaml")
    ran.stdout.fnmatch_lines(["said in these changed lines:", '  + new/sorry.py:1: APOLOGY = "Mind your words."'])


# -- Rasa

DOMAIN = """\
intents: [greet, curse]
responses:
  utter_hello:
  - text: "Hello, what can I do for you?"
  utter_sorry:
  - text: "I am sorry about that."
"""


def rasa(sorry: str) -> Flask:
    """A server of Rasa's REST channel with these responses."""
    app = Flask(__name__)

    @app.post("/webhooks/rest/webhook")
    def receive() -> Response:
        text = request.get_json()["message"]
        return jsonify([{"text": sorry if "damn" in text.lower() else "Hello, what can I do for you?"}])

    return app


@pytest.fixture
def servers() -> Iterator[tuple[str, str]]:
    """The addresses of an old and a new Rasa server."""
    with ExitStack() as stack:
        old, new = (stack.enter_context(serving(rasa(text))) for text in ("I am sorry about that.", "Mind your words."))
        yield old, new


@pytest.mark.parametrize("workers", WORKERS)
def test_the_changed_response_of_a_rasa_domain_is_named(
    play: Project, servers: tuple[str, str], workers: tuple[str, ...]
) -> None:
    for folder, address, domain in zip(
        ("old", "new"), servers, (DOMAIN, DOMAIN.replace("I am sorry about that.", "Mind your words.")), strict=True
    ):
        play.file(f"{folder}/bot.yaml", f"bot: rasa:{address}\nsource: domain.yml\n")
        play.file(f"{folder}/domain.yml", domain)
    ran = against(play, ("--bot", "new/bot.yaml"), "old/bot.yaml", *workers)
    ran.stdout.fnmatch_lines(
        [
            "passed before, failed now*",
            "said in these changed lines:",
            '  - old/domain.yml:6: - text: "I am sorry about that."',
            '  + new/domain.yml:6: - text: "Mind your words."',
        ]
    )


def test_a_bot_that_does_not_say_where_it_is_written_is_compared_all_the_same(
    play: Project, servers: tuple[str, str]
) -> None:
    old, new = servers
    ran = against(play, ("--bot", f"rasa:{new}"), f"rasa:{old}")
    ran.stdout.fnmatch_lines(["passed before, failed now*", "no changed line is named: say in both bots' settings*"])


def test_bots_that_vary_are_tried_again(play: Project, servers: tuple[str, str]) -> None:
    old, new = servers
    live = ("--callqa-profile", "live", "--callqa-replays", "3", "--callqa-at-once", "2")
    ran = against(play, ("--bot", f"rasa:{new}"), f"rasa:{old}", *live)
    ran.stdout.fnmatch_lines(["passed before, failed now*", "tried again: 3 of 3 end so"])


# -- which lines are blamed


def call(*said: str, later: float = 0.0) -> Call:
    """A call in which an agent says this, a second each."""
    turns = tuple(Turn(role="agent", text=text, start=at + later, end=at + later + 1) for at, text in enumerate(said))
    return Call(id="c", turns=turns, roles="given", language="en")


def blamed(old: str, new: str, before: Call, now: Call) -> tuple[str, list[str], str]:
    """Why, which lines and where, for two versions of one file."""
    found = blame_said([(Text("old", old.splitlines()), Text("new", new.splitlines()))], now, before)
    return found.why, [f"{line.sign}{line.number}" for line in found.lines], found.place


BLOCK = """\
situations:
  - when: swears
    until: 1
    do:
      - say: I am sorry.
  - when: asks
    do:
      - say: Like this.
"""


@pytest.mark.parametrize(
    ("old", "new", "before", "now", "why", "lines", "place"),
    [
        ("a\nb c", "a\nd e", "B c.", "D e.", "said in", ["-2", "+2"], "new:2"),
        ("a\nb c", "a\nd e\nf g", "X.", "F g.", "said in", ["+3"], "new:2"),
        ("a\nb c", "a", "B c.", "", "said in", ["-2"], "new:1"),
        ("a", "a\n- say: 'b c'", "", "Well, b c, d.", "said in", ["+2"], "new:2"),
        ("a", "a\nsay(f'{x} b c') ", "", "A b c.", "said in", ["+2"], "new:2"),
        ("a", "a\n您好。", "", "您好。请问", "said in", ["+2"], "new:2"),
        ("x: b", "x: c", "B.", "C.", "said in", ["-1", "+1"], "new:1"),
        (BLOCK, BLOCK.replace("until: 1", "until: 2"), "I am sorry.", "Hm.", "changed beside", ["-3", "+3"], "new:3"),
        (BLOCK, BLOCK.replace("swears", "curses"), "I am sorry.", "Hm.", "changed beside", ["-2", "+2"], "new:2"),
        ("a", "a\nb", "X y.", "Z z.", "nothing else", ["+2"], "new:2"),
        ("", "b", "", "", "nothing else", ["+1"], "new:1"),
        ("a\nb\nc", "d\nb\ne", "X.", "Y.", "no changed line says what differs; changed are new:1, new:3", [], ""),
        ("a\n# b c\n\n", "a\n# d e\n", "B c.", "D e.", "nothing has changed in the files", [], ""),
    ],
)
def test_the_lines_that_hold_what_differs_are_blamed(
    old: str, new: str, before: str, now: str, why: str, lines: list[str], place: str
) -> None:
    found = blamed(old, new, call(before), call(now))
    assert found[0].startswith(why)
    assert found[1:] == (lines, place)


def test_what_is_said_at_another_time_is_looked_for_where_nothing_else_is_said() -> None:
    old = "- wait: 5\n- say: Are you there?\n"
    why, lines, _ = blamed(
        old, "- wait: 5\n- say: |\n  Are you there?\n", call("Are you there?"), call("Are you there?", later=2)
    )
    assert (why, lines) == ("said in these changed lines:", ["-2", "+3"])


def test_many_lines_are_told_in_short() -> None:
    lines = tuple(Line("+", "new", number, "x") for number in range(SHOWN + 2))
    told = list(Blame("why:", lines).told())
    assert told[:2] == ["why:", "  + new:0: x"]
    assert told[-1] == "  and 2 more"
    assert list(Blame().told()) == []


# -- rule books


CALLS = (
    talk("long", "agent: Hello.", "customer: How do I pay?", "agent: Like this.", "customer: Damn!", "agent: My bad."),
    talk("short", "agent: Hello.", "customer: Damn!", "agent: My bad, I am Ann.", names=["Ann"]),
    talk("rude", "agent: Hello.", "customer: Damn!", "agent: So what."),
)


@pytest.fixture
def books(play: Project) -> Project:
    """An old book that takes "my bad" for an apology, and a new one that does not."""
    old = CONDUCT_PHRASES.replace("I apologise]", "I apologise, my bad]")
    for name in ("test_rules.py", "code.toml", "customers.yaml"):
        play.file(f"old/{name}", (play.path / "rules" / name).read_text())
    return play.file("old/phrases/en.yaml", old)


@pytest.mark.parametrize("workers", WORKERS)
def test_recorded_calls_are_judged_by_the_old_book_and_the_new_one(books: Project, workers: tuple[str, ...]) -> None:
    ran = books.calls(*CALLS).run("--callqa-against", "old", *workers)
    ran.assert_outcomes(failed=1, passed=3)
    ran.stdout.fnmatch_lines(
        [
            "callqa: recorded calls, judged as by old and as they are now; *",
            "1.2 Swearing is met with an apology",
            "passed before, failed now, in 2 of 3 calls; the shortest:",
            "  0:02.5 customer: Damn!",
            "> 0:05.0 agent: My bad, I am Ⓐ••.",
            "the agent's reply says sorry: not found",
            "heard otherwise: sorry, by these changed wordings:",
            "  - old/phrases/en.yaml:6: my bad",
            "clause  before  now     conversations  changed line             call",
            "1.2     passed  failed              2  rules/phrases/en.yaml:6  1.2-short-f",
        ]
    )
    ran.stdout.no_fnmatch_line("*agent: Hello*")  # which is nothing to the difference, but part of the call
    assert books.verdicts() == {"1.2-short-f": "pfmn"}


@pytest.mark.parametrize("workers", WORKERS)
def test_generated_conversations_are_judged_by_the_old_book_and_the_new_one(
    books: Project, workers: tuple[str, ...]
) -> None:
    books.file("rules/script.yaml", SCRIPT.replace("I am sorry.", "My bad."))
    ran = against(books, ("--callqa-script", "rules/script.yaml"), "old", *workers)
    ran.stdout.fnmatch_lines(
        [
            "passed before, failed now, in * of * conversations; the shortest:",
            "> * agent: My bad.",
            "  - old/phrases/en.yaml:6: my bad",
        ]
    )
    ran.stdout.no_fnmatch_line("before:")


def test_without_calls_those_of_the_book_are_judged_and_one_that_cannot_be_read_is_told(books: Project) -> None:
    books.calls(*CALLS, {"id": "odd", "turns": 5}, name="rules/calls/day.jsonl")
    ran = books.run("--callqa-against", "old", "-k", "test_greets", calls=None)
    ran.assert_outcomes(passed=1)
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    ran.stdout.fnmatch_lines(["not judged, could not be read: 1 call", "conversations: 3", "differences: 0"])


def test_a_rule_that_changed_is_told_from_a_wording_that_did(books: Project) -> None:
    rules = (books.path / "rules/test_rules.py").read_text()
    books.file("rules/test_rules.py", rules.replace("assert call.agent.first", "assert not call.agent.first"))
    ran = books.calls(*CALLS).run("--callqa-against", "old", "-k", "test_greets")
    ran.stdout.fnmatch_lines(
        [
            "passed before, failed now, in 3 of 3 calls*",
            "no phrase is heard otherwise: a rule, a situation or code.toml*",
        ]
    )


def test_a_book_that_cannot_be_read_is_a_usage_error(books: Project) -> None:
    books.file("old/code.toml", "one two").calls(*CALLS)
    ran = books.run("--callqa-against", "old")
    ran.stderr.fnmatch_lines(["ERROR: --callqa-against: *code.toml: not valid TOML*"])
    books.file("old/code.toml", "").file("rules/customers.yaml", "moevs: {}").file("rules/script.yaml", SCRIPT)
    against(books, ("--callqa-script", "rules/script.yaml"), "old").stdout.fnmatch_lines(["*'moevs' is no part of *"])


def book(*phrases: str, language: str = "en") -> PhraseBook:
    text = "\n".join([f"language: {language}", "phrases:", *(f"  {phrase}" for phrase in phrases)])
    return PhraseBook.parse({"en.yaml": text})


@pytest.mark.parametrize(
    ("old", "new", "why", "lines", "place"),
    [
        ("sorry: [sorry]", "sorry: [sorry, my bad]", "heard otherwise: sorry, by these", ["+3 my bad"], "en.yaml:3"),
        ("sorry: [my bad, sorry]", "sorry: [sorry]", "heard otherwise: sorry, by these", ["-3 my bad"], "en.yaml:3"),
        ("so_sorry: [my bad]", "sorry: [sorry]", "heard otherwise: so sorry, by these", ["-3 my bad"], ""),
        (
            "sorry: [my bad]",
            "sorry: {any: [my bad], unless: [well my bad, too bad]}",
            "heard otherwise: sorry, by these",
            ["+3 well my bad", "+3 too bad"],
            "en.yaml:3",
        ),
        (
            "sorry: [my bad boy]",
            "sorry: {any: [my bad boy], threshold: 60}",
            "heard otherwise: sorry; no wording",
            [],
            "",
        ),
        ("sorry: [my bad]", "sorry: [my bad, excuse]", "no phrase is heard otherwise", [], ""),
    ],
)
def test_the_wordings_that_make_phrases_be_heard_otherwise_are_blamed(
    old: str, new: str, why: str, lines: list[str], place: str
) -> None:
    found = blame_heard([(book(old), book(new))], "en", {}, ["Well, my bad, it is."])
    assert found.why.startswith(why)
    assert [f"{line.sign}{line.number} {line.text}" for line in found.lines] == lines
    assert found.place == place


def test_a_language_that_only_one_book_speaks_says_nothing() -> None:
    found = blame_heard([(book("sorry: [sorry]", language="fr"), book("sorry: [sorry]"))], "en", {}, ["Sorry."])
    assert found.why.startswith("no phrase")

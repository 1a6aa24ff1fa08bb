"""Bots of any kind played by ``--bot``: what is broken, how often, what a bot that breaks or varies comes to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from harness import Project
from pytest_callqa import Call, PhraseBook, RuleBook
from pytest_callqa.bots import Abilities, Move, Reply
from pytest_callqa.bots.profiles import Budget
from pytest_callqa.errors import BotError
from pytest_callqa.scenarios import campaign, live, machine
from pytest_callqa.scenarios.customers import Act, Cast, Persona
from pytest_callqa.scenarios.machine import Played, Stage

ROOT = Path(__file__).parents[1]

BOTS = """
import itertools

turns = itertools.count()


def polite(text):
    return "Hello, what can I do for you? I am sorry."


def moody(text):
    return "I am sorry." if next(turns) % 3 else "So what."


def broken(text):
    return {}["nothing"] if "damn" in text.lower() else "Hello."


def silent(text):
    return None
"""

CUSTOMERS = """
moves:
  asks: {says: {en: [How do I pay?, How do I start?]}}
  swears: {says: {en: [Damn., Oh damn it.]}}
  hangs up: {hangs up: yes}
  presses a key: {presses: ["1", "2"]}
"""


@pytest.fixture
def play(project: Project) -> Project:
    project.book()
    project.file("bots_here.py", BOTS)
    return project.file("rules/customers.yaml", CUSTOMERS)


def against(project: Project, bot: str, *more: str) -> pytest.RunResult:
    return project.run("--bot", bot, "--callqa-customers", "12", *more, calls=None)


def test_a_bot_that_keeps_the_rules_passes(play: Project) -> None:
    ran = against(play, "python:bots_here:polite", "-k", "apologises")
    ran.stdout.fnmatch_lines(["callqa: 12 generated customers (*) against python:bots_here:polite; *", "*1 passed*"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_bot_that_breaks_is_an_error_with_the_exchange_and_no_broken_rule(
    play: Project, workers: tuple[str, ...]
) -> None:
    ran = against(play, "python:bots_here:broken", *workers)
    ran.stdout.fnmatch_lines(["*the bot broke: KeyError: 'nothing'*", "*customer: *amn*"])
    outcomes = ran.parseoutcomes()
    assert outcomes["errors" if outcomes.get("errors") else "error"] > 0
    assert "failed" not in outcomes
    assert ran.ret == 1


def test_a_silent_bot_breaks_rules_and_is_not_broken(play: Project) -> None:
    ran = against(play, "python:bots_here:silent", "-k", "apologises")
    assert ran.parseoutcomes().keys() & {"failed", "passed", "not reached", "undecided"}
    ran.stdout.no_fnmatch_line("*the bot broke*")


def test_a_breach_of_a_bot_that_varies_is_tried_again_and_counted(play: Project) -> None:
    profile = ("--callqa-profile", "live", "--callqa-replays", "6", "--callqa-at-once", "2")
    ran = against(play, "python:bots_here:moody", *profile, "--callqa-save-failures", "kept", "-k", "apologises")
    ran.stdout.fnmatch_lines(["*customer: *amn*", "*agent: So what.", "tried again: broken * of 6", "saved as kept*"])
    kept = json.loads((play.path / "kept/1.2-en.json").read_bytes())["labels"]
    assert kept.pop("replays") in ran.stdout.str()
    assert kept == {
        "bot": "python:bots_here:moody",
        "seed": "0",
        "rule": "1.2",
        "book": RuleBook.load(play.path / "rules").version,
        "pytest-callqa": version("pytest-callqa"),
    }


GIVEN = {
    "a text": "def callqa_bot(): return 'python:bots_here:polite'",
    "a function": "def callqa_bot(): return polite",
    "a plain fixture that ends": "def callqa_bot(tmp_path_factory):\n    yield polite\n    print('let go')",
    "a coroutine": "async def callqa_bot(): return polite",
    "an asynchronous fixture that ends": "async def callqa_bot():\n    yield polite\n    print('let go')",
}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize("made", GIVEN.values(), ids=GIVEN.keys())
def test_a_fixture_gives_the_bot(play: Project, made: str, workers: tuple[str, ...]) -> None:
    play.file("rules/conftest.py", f"{BOTS}\nimport pytest\n@pytest.fixture(scope='session')\n{made}\n")
    play.file("rules/test_more.py", "def test_of_another_kind(): pass\n")
    ran = play.run("--callqa-customers", "4", "-k", "apologises or kind", "-s", *workers, calls=None)
    ran.assert_outcomes(passed=2)
    if not workers:
        ran.stdout.fnmatch_lines(["callqa: generated customers (*) against the fixture callqa_bot; *"])
        assert ("let go" in ran.stdout.str()) is ("let go" in made)


def test_an_option_wins_over_the_fixture(play: Project) -> None:
    play.file("rules/conftest.py", "import pytest\n@pytest.fixture\ndef callqa_bot(): raise ValueError('asked')\n")
    against(play, "python:bots_here:polite", "-k", "apologises").assert_outcomes(passed=1)
    play.calls().run("-k", "apologises and good").assert_outcomes(passed=1)


def test_a_fixture_that_gives_no_bot_is_an_error(play: Project) -> None:
    play.file("rules/conftest.py", "import pytest\n@pytest.fixture\ndef callqa_bot(): return 5\n")
    ran = play.run("-k", "apologises", calls=None)
    ran.stdout.fnmatch_lines(["the fixture callqa_bot: what it returned is neither a function nor a bot*"])
    ran.assert_outcomes(errors=1)


def test_the_only_bot_there_is_has_one_conversation_at_a_time(play: Project) -> None:
    play.file(
        "one_here.py",
        """
from pytest_callqa.bots import Abilities, Reply

class One:
    abilities = Abilities(deterministic=False)
    talks = 0
    def open(self):
        self.talks += 1
        return []
    def send(self, move):
        assert self.talks == 1
        return [Reply(text="I am sorry.")]
    def close(self): self.talks -= 1
one = One()
""",
    )
    against(play, "python:one_here:one", "-k", "apologises").assert_outcomes(passed=1)


@pytest.mark.parametrize("requests", ["1", "30"])
@pytest.mark.parametrize("profile", ["deterministic", "live"])
def test_a_spent_budget_ends_the_run(play: Project, requests: str, profile: str) -> None:
    spare = ("--callqa-requests", requests, "--callqa-profile", profile)
    ran = against(play, "python:bots_here:polite", *spare, "-k", "apologises")
    assert "failed" not in ran.parseoutcomes()
    line = next(line for line in ran.outlines if "not reached" in line or "passed" in line)
    assert line


@pytest.mark.parametrize(
    ("bot", "told"),
    [
        ("python:bots_here:nobody", "--bot: the module 'bots_here' has no 'nobody'.*"),
        (
            "twiml:http://shop.example/voice",
            "--bot: the bot is at shop.example, which nobody allowed; add --bot-allow*",
        ),
    ],
)
def test_a_bot_that_cannot_be_had_is_a_usage_error(play: Project, bot: str, told: str) -> None:
    ran = against(play, bot)
    ran.stderr.fnmatch_lines([f"ERROR: {told}"])
    assert ran.ret == pytest.ExitCode.USAGE_ERROR


def test_the_example_ivr_keeps_section_3_1_and_three_faults_are_found_and_shrunk(
    pytester: pytest.Pytester, project: Project
) -> None:
    shutil.copytree(ROOT / "conduct_specs", pytester.path / "conduct_specs", dirs_exist_ok=True)
    shutil.copy(ROOT / "examples/ivr/ivr.py", pytester.path)
    section = "conduct_specs/test_3_1_opening.py"
    few = ("--callqa-customers", "20", "--callqa-language", "en")
    kept = pytester.runpytest(section, "--bot", "twiml:ivr:app/voice", *few)
    assert "failed" not in kept.parseoutcomes()
    ran = pytester.runpytest(section, "--bot", "twiml:ivr:faulty/voice", *few)
    ran.stdout.fnmatch_lines(
        ["3.1.2b *", "3.1.2c *", "* apology: not found", "3.1.2d *", "not so: the wait from the goodbye to *"]
    )
    assert ran.parseoutcomes()["failed"] == 3


class Fragile:
    """Breaks on the first word, and says whether it was let go."""

    abilities = Abilities()

    def __init__(self, language: str = "") -> None:
        self.closed = 0

    def open(self) -> list[Reply]:
        return []

    def send(self, move: Move) -> list[Reply]:
        raise ValueError("no")

    def close(self) -> None:
        self.closed += 1


def test_a_bot_that_breaks_when_a_conversation_is_tried_again_is_let_go() -> None:
    bot = Fragile()
    stage = Stage(lambda _: bot, bot.abilities, ("en",), Cast((), ()), {})
    with pytest.raises(BotError, match="the bot broke: ValueError: no"):
        machine.replay([Move(text="Hello.")], "en", stage)
    assert bot.closed == 1


@pytest.mark.parametrize("play", [campaign.campaign, live.live])
@pytest.mark.parametrize("breaks", ["open", "send", "the goodbye"])
def test_a_bot_that_breaks_in_a_run_is_let_go_once(play: Callable[..., object], breaks: str) -> None:
    bots: list[Fragile] = []

    class Breaks(Fragile):
        def open(self) -> list[Reply]:
            bots.append(self)
            return self.send(Move(text="")) if breaks == "open" else []

        def send(self, move: Move) -> list[Reply]:
            return [] if breaks == "the goodbye" and not move.hang_up else super().send(move)

    ears = PhraseBook.load(ROOT / "conduct_specs/phrases").matcher("en", {})
    act = Act(name="greets", says={"en": ("Hello.",)})
    stage = Stage(Breaks, Abilities(), ("en",), Cast((act,), (Persona("anybody"),)), {"en": ears})
    book = RuleBook.load(ROOT / "conduct_specs")
    with pytest.raises(BotError, match="the bot broke: ValueError: no"):
        play(book, stage, campaign.Plan(customers=3, at_once=2))
    assert bots
    assert [bot.closed for bot in bots] == [1] * len(bots)


def test_nothing_is_shortened_once_the_budget_is_spent() -> None:
    def no_bot(language: str) -> Fragile:
        raise AssertionError("nothing is played any more")

    budget = Budget(requests=1)
    budget.take(2)
    stage = Stage(no_bot, Abilities(), ("en",), Cast((), ()), {}, budget=budget)
    moves = (Move(text="Hello."), Move(text="Hm."))
    book = RuleBook.load(ROOT / "conduct_specs")
    rule = next(rule for rule in book if rule.clause == "3.1.1")
    played = Played("en", moves, (), Call(id="found", roles="given", language="en"))
    found = campaign.shrink(rule, [rule], book, stage, played, replays=3)
    assert (found.call.id, found.tried) == ("3.1.1-en", 0)


def test_a_bot_that_breaks_in_several_ways_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ExceptionGroup("several", [ExceptionGroup("inner", [BotError("it broke")]), ValueError("other")])

    def other(*_: object, **__: object) -> None:
        raise ExceptionGroup("several", [ValueError("other")])

    monkeypatch.setattr(campaign, "dialogue", lambda *_: type("Machine", (), {}))
    stage = Stage(Fragile, Fragile.abilities, ("en",), Cast((), ()), {})
    run = (stage, "x", print, campaign.Plan(), (), (), 1)
    monkeypatch.setattr(campaign, "run_state_machine_as_test", broken)
    with pytest.raises(BotError, match="it broke"):
        campaign.run_machine(*run)
    monkeypatch.setattr(campaign, "run_state_machine_as_test", other)
    with pytest.raises(ExceptionGroup, match="several"):
        campaign.run_machine(*run)

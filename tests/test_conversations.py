"""Rules as properties of generated conversations: what is reached, kept, broken and shown, with one item a rule."""

from __future__ import annotations

import shutil
import sys

import pytest
from hypothesis import settings

from harness import TALKS_BACK_NOW, Project, talk
from pytest_callqa import ledger
from pytest_callqa.bots import Move, Reply
from pytest_callqa.bots.script import ScriptBot
from pytest_callqa.errors import BotError
from pytest_callqa.scenarios import campaign

RULES = """
from pathlib import Path
from pytest_callqa import Moment, PhraseBook, rule, situation

phrases = PhraseBook.load(Path(__file__).parent / "phrases")


def customer_says(*said):
    @situation(f"customer says {said[0]}")
    def find(call):
        for quote in call.customer.says(*said).quotes:
            turn = call.utterances[quote.turn]
            yield Moment(call, turn.index, start=turn.end, turn=turn)

    return find


customer_swears = customer_says(phrases.curse)


@situation("the third outburst")
def third_outburst(call, code):
    yield from customer_swears.moments(call, code)[2:3]


@rule("1.1", "Greets")
def test_greets(call):
    assert call.agent.first.says(phrases.hello)


@rule("1.2", "Swearing is met with an apology", severity="critical", when=customer_swears)
def test_apologises(moment):
    assert moment.reply.says(phrases.sorry)


@rule("1.3", "Swearing that goes on is reported", when=third_outburst)
def test_reported(moment):
    assert moment.reply.says(phrases.report)


@rule("1.4", "Friendly", manual=True)
def test_friendly(call):
    assert call.attestation("1.4")


@rule("2.1", "A song is sung along", when=customer_says(phrases.song))
def test_sings(moment):
    assert moment.reply.says(phrases.song)
"""

PHRASES = """
language: en
light: [a, the, is, to, for, you, i, we, can, do, me]
phrases:
  hello: [hello, good morning]
  sorry: [sorry, I apologise]
  curse: [damn]
  song: [la la la]
  report: [my manager will call]
  offer_help: ["what can (i|we) do for you"]
  question: ["how do i"]
  no: [no thank you]
"""

SCRIPT = """
lines:
  greeting: {en: "Hello, what can I do for you?"}
no: no
opening:
  - say: greeting
situations:
  - when: the customer swears
    hears: curse
    do: [say: I am sorry.]
matters:
  - when: a question
    hears: question
    do: [say: Like this.]
otherwise: [say: I see.]
"""

CUSTOMERS = """
moves:
  asks: {says: {en: [How do I pay?, How do I start?]}}
  swears: {says: {en: [Damn., Oh damn it.]}}
  hangs up: {hangs up: yes}
"""


@pytest.fixture
def play(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A book, customers, and a script that breaks one rule."""
    monkeypatch.setattr(campaign, "AIMED", 15)
    project.book(rules=RULES, phrases=PHRASES)
    return project.file("rules/script.yaml", SCRIPT).file("rules/customers.yaml", CUSTOMERS)


def against(project: Project, *more: str) -> pytest.RunResult:
    script = ("--callqa-script", "rules/script.yaml", "--callqa-customers", "30")
    return project.run(*script, *more, calls=None)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_broken_rule_shows_its_shortest_conversation(play: Project, workers: tuple[str, ...]) -> None:
    ran = against(play, *workers)
    ran.stdout.fnmatch_lines(
        [
            "1.3 Swearing that goes on is reported",
            "* conversations break this rule; the shortest:",
            "  0:00.0 [[]answer by agent[]]",
            "  0:00.0 agent: Hello, what can I do for you?",
            "  * customer: Damn.",
            "  * agent: I am sorry.",
            "  * customer: Damn.",
            "  * agent: I am sorry.",
            "  * customer: Damn.",
            "> * agent: I am sorry.",
            "  * [[]hangup by customer[]]",
            "the agent's reply says report: not found",
            "*1 failed, 2 passed, * 1 not * in *",
        ]
    )


def test_what_no_conversation_reached_is_said_so(play: Project) -> None:
    ran = against(play, "-v")
    ran.stdout.fnmatch_lines(["*::test_friendly NOT ASSESSED*", "*::test_sings NOT REACHED*"])


def test_the_same_seed_gives_the_same_conversations(play: Project) -> None:
    texts = []
    for seed in ("1", "1", "2"):
        shutil.rmtree(play.path / ".callqa", ignore_errors=True)
        script = ("--callqa-script", "rules/script.yaml", "--callqa-customers", "20")
        play.run_apart(*script, f"--hypothesis-seed={seed}", calls=None)
        (table,) = (line for line in play.ledger() if isinstance(line, ledger.Exhibit))
        texts.append(table.rows)
    assert texts[0] == texts[1] != texts[2]


def test_a_script_that_breaks_no_rule_is_clean(play: Project) -> None:
    play.file("rules/script.yaml", SCRIPT.replace("I am sorry.", "I am sorry and my manager will call."))
    ran = against(play)
    assert ran.ret == pytest.ExitCode.OK
    ran.stdout.fnmatch_lines(["callqa-gate result=clean *"])


def test_a_failure_is_saved_as_a_call_that_fails_the_same_rule(play: Project) -> None:
    against(play, "--callqa-save-failures", "found").stdout.fnmatch_lines(["saved as found/1.3-en.json"])
    play.run("-k", "test_reported", calls="found").assert_outcomes(failed=1)
    assert [line.call for line in play.ledger() if isinstance(line, ledger.Entry)] == ["1.3-en"]


def test_a_saved_failure_is_masked_and_its_owner_s(play: Project) -> None:
    play.file("rules/script.yaml", SCRIPT.replace("say: I am sorry.", "say: I am sorry. Call 415 555 0123."))
    for level, said in (("standard", "Call ••• ••• ••••"), ("off", "Call 415 555 0123")):
        against(play, "--callqa-save-failures", f"found/{level}", "--callqa-redact", level)
        [file] = (play.path / "found" / level).iterdir()
        assert said in file.read_text(encoding="utf-8")
        assert [oct(path.stat().st_mode)[-3:] for path in (file, file.parent, file.parent.parent)] == [
            "600",
            "700",
            "700",
        ]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_breach_of_the_baseline_does_not_fail_the_run_and_a_new_one_does(
    play: Project, workers: tuple[str, ...]
) -> None:
    against(play)
    (play.path / ".callqa/ledger.jsonl").rename(play.path / "before.jsonl")
    ran = against(play, "--callqa-baseline", "before.jsonl", *workers)
    assert ran.ret == pytest.ExitCode.OK
    ran.stdout.fnmatch_lines(["findings against before.jsonl: 1 known", "*1 known*"])
    play.file("rules/script.yaml", SCRIPT.replace("say: I am sorry.", "say: Well."))
    ran = against(play, "--callqa-baseline", "before.jsonl", *workers)
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    ran.stdout.fnmatch_lines(["*  new: 1.2 critical, 1.2-en at *"])


def test_a_breach_by_the_script_can_be_waived(play: Project) -> None:
    waiver = '- {clause: "1.3", calls: "1.3-*", owner: Ann, reason: next week, expires: 2099-12-31}\n'
    play.file("rules/waivers.yaml", waiver)
    ran = against(play)
    assert ran.ret == pytest.ExitCode.OK
    ran.stdout.fnmatch_lines(["*1 waived*"])
    assert {line.verdicts[2] for line in play.ledger() if isinstance(line, ledger.Entry)} == {"w"}


def test_a_find_is_tried_first_in_the_next_run(play: Project, request: pytest.FixtureRequest) -> None:
    usual = settings.get_current_profile_name()
    request.addfinalizer(lambda: settings.load_profile(usual))
    settings.load_profile("default")  # on CI, Hypothesis keeps nothing
    against(play, "--callqa-customers", "200", "-k", "test_reported")
    kept = list((play.path / ".callqa/examples").rglob("*"))
    assert kept
    ran = against(play, "--callqa-customers", "1", "-k", "test_reported")
    ran.assert_outcomes(failed=1)


def test_rules_with_fixtures_of_their_own_and_other_tests(play: Project) -> None:
    more = """
import pytest
from hypothesis import settings
from pytest_callqa import rule

@pytest.fixture
def table():
    return {}

@rule("3.1", "Looks it up")
def test_looks_up(call, table):
    assert table is None

def test_something_else():
    assert True
"""
    play.file("rules/test_more.py", more)
    ran = against(play, "-k", "test_more")
    ran.assert_outcomes(passed=1, skipped=1)
    against(play, "--collect-only").stdout.fnmatch_lines(["*7 tests collected*"])


def test_what_cannot_be_played_is_said(play: Project) -> None:
    wrong = play.run("--callqa-script", "rules/none.yaml", calls=None)
    wrong.stderr.fnmatch_lines(["*--callqa-script: rules/none.yaml: cannot be read*"])
    play.file("rules/script.yaml", "opening: [sya: a]")
    play.run("--callqa-script", "rules/script.yaml", calls=None).stderr.fnmatch_lines(["*Did you mean 'say'*"])
    alone = play.run("--callqa-against", "rules/script.yaml", calls=None)
    alone.stderr.fnmatch_lines(["*--callqa-against: name the new one too, with --callqa-script FILE or --bot SPEC*"])


@pytest.mark.parametrize("more", [(), ("--callqa-against", "rules/script.yaml")])
def test_customers_that_cannot_be_read_fail_every_rule(play: Project, more: tuple[str, ...]) -> None:
    play.file("rules/customers.yaml", "moevs: {}")
    ran = against(play, *more)
    ran.assert_outcomes(errors=5)
    ran.stdout.fnmatch_lines(["*'moevs' is no part of customers*"])


def test_another_language_is_told_by_the_option(play: Project) -> None:
    ran = against(play, "--callqa-language", "en", "-k", "test_greets")
    ran.assert_outcomes(passed=1)


def test_a_profile_of_hypothesis_says_how_long_conversations_are(play: Project) -> None:
    profile = "from hypothesis import settings\nsettings.register_profile('short', stateful_step_count=1)\n"
    play.file("conftest.py", profile)
    short = ("--hypothesis-profile", "short", "-k", "test_reported")
    ran = play.run_apart("--callqa-script", "rules/script.yaml", "--callqa-customers", "30", *short, calls=None)
    ran.stdout.fnmatch_lines(["*1 not reached*"])


# -- an old and a new script

WORSE = SCRIPT.replace("I am sorry.", "Watch it.")


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_only_what_ends_otherwise_is_told(play: Project, workers: tuple[str, ...]) -> None:
    play.file("rules/script_old.yaml", SCRIPT).file("rules/script.yaml", WORSE)
    ran = against(play, "--callqa-against", "rules/script_old.yaml", *workers)
    ran.assert_outcomes(failed=1, passed=4)
    ran.stdout.fnmatch_lines(TALKS_BACK_NOW)
    (table,) = (line for line in play.ledger() if isinstance(line, ledger.Exhibit))
    assert [row[:3] for row in table.rows] == [("1.2", "passed", "failed")]


def test_what_ends_better_fails_nothing(play: Project) -> None:
    play.file("rules/script_old.yaml", WORSE)
    against(play, "--callqa-against", "rules/script_old.yaml").assert_outcomes(passed=5)


# -- a bot that breaks


@pytest.mark.parametrize("compare", [False, True])
def test_a_bot_that_breaks_is_no_broken_rule(play: Project, monkeypatch: pytest.MonkeyPatch, compare: bool) -> None:
    def breaks(self: ScriptBot, move: Move) -> list[Reply]:
        raise RuntimeError("no line")

    monkeypatch.setattr(ScriptBot, "send", breaks)
    more = ("--callqa-against", "rules/script.yaml") if compare else ()
    ran = against(play, *more, "-k", "test_greets")
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(["the bot broke: RuntimeError: no line", "*agent: Hello, what can I do for you?"])


def test_a_bot_that_cannot_be_had_is_no_broken_rule(play: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(self: ScriptBot, script: object, language: str) -> None:
        raise BotError("all lines are busy")

    monkeypatch.setattr(ScriptBot, "__init__", busy)
    ran = against(play, "-k", "test_greets")
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(["all lines are busy"])


# -- coverage


def test_coverage_of_calls_and_customers(play: Project) -> None:
    against(play, "--callqa-ledger", "played.jsonl")
    rude = talk("rude", "agent: Hello.", "customer: Damn, damn.", "agent: So what.")
    play.calls(rude).run("--callqa-ledger", "judged.jsonl")
    ran = play.pytester.run(
        sys.executable,
        "-m",
        "pytest_callqa.cli",
        "coverage",
        "played.jsonl",
        "judged.jsonl",
        "--ledger",
        "judged.jsonl",
    )
    ran.stdout.fnmatch_lines(["2.1 * 0 * 0 * 0 *", "clauses never exercised: 1"])
    table = play.ledger("judged.jsonl")[-1]
    assert isinstance(table, ledger.Exhibit)
    rows = {row[0]: row[1:4] for row in table.rows}
    assert rows["1.2"][:2] == (1, 2)
    assert rows["1.2"][2] > 0
    assert rows["2.1"] == (0, 0, 0)

"""One rule on one call: which verdict, why, and on what evidence."""

from __future__ import annotations

import gc
import importlib.util
import os
import textwrap
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from examples import CODE, PHRASES, hear, make_rule, phrases, talk
from pytest_callqa.call import Attestation, Call
from pytest_callqa.engine import hear as open_call
from pytest_callqa.engine import judge, judge_call
from pytest_callqa.errors import NotApplicable, Undecided
from pytest_callqa.hearing import Hearing, Moment
from pytest_callqa.rules import Code, RuleBook, situation
from pytest_callqa.verdict import Outcome, Verdict


@situation("customer swears")
def swears(call: Hearing) -> Iterator[Moment]:
    found = call.customer.says(phrases.curse)
    for quote in found.quotes:
        said = call.utterances[quote.turn]
        yield Moment(call, said.index, start=said.end, turn=said, finding=found)


@situation("any silence")
def silence(call: Hearing, code: Code) -> Iterator[Moment]:
    for gap in call.silences(code.silence):
        yield Moment(call, gap.before.index, start=gap.start, doubt=gap.doubt)


def apologises(moment: Moment) -> None:
    assert moment.reply.says(phrases.apology)


def verdict_of(test: Callable[..., object], *said: str | float, call: Call | None = None, **more: object) -> Verdict:
    return judge(make_rule(test, **more), Hearing(call or talk(*said)), CODE)


# --- outcomes -----------------------------------------------------------------------------


def test_a_rule_that_holds_passes_and_shows_its_evidence() -> None:
    verdict = verdict_of(apologises, "customer: Damn", "agent: So sorry", when=swears)
    assert (verdict.outcome, verdict.reason, verdict.moments, verdict.broken) == (Outcome.PASSED, "", 1, 0)
    assert [(e.asked, e.quote, e.holds, e.role) for e in verdict.evidence] == [
        ("the customer says curse", "Damn", True, "customer"),
        ("the agent's reply says apology", "sorry", True, "agent"),
    ]
    last = verdict.evidence[-1]
    assert (last.turn, last.first, last.last, last.start, last.end, last.score, last.phrase) == (
        1, 3, 8, 3.25, 4.5, 100.0, "apology",
    )  # fmt: skip


def test_a_rule_that_is_broken_fails_where_and_with_the_nearest_miss() -> None:
    def test_offers_help(moment: Moment) -> None:
        assert moment.reply.says(phrases.offer_help)

    verdict = verdict_of(test_offers_help, "customer: Damn", "agent: How can I?", when=swears)
    assert (verdict.outcome, verdict.moments, verdict.broken, verdict.start) == (Outcome.FAILED, 1, 1, 2.0)
    assert verdict.reason == "the agent's reply says offer help: not found; nearest: “How can I” at 0:02.5, 63 of 100"
    assert verdict.line == f"test_engine.py:{test_offers_help.__code__.co_firstlineno + 1}"
    near = verdict.evidence[-1]
    assert (near.quote, near.near, near.holds) == ("How can I", True, False)


def test_a_situation_that_never_arose_is_not_applicable() -> None:
    assert verdict_of(apologises, "customer: Good", when=swears) == Verdict(clause="1", outcome=Outcome.NOT_APPLICABLE)


def test_a_rule_may_find_that_it_does_not_apply() -> None:
    def test_refuses(call: Hearing) -> None:
        raise NotApplicable("nobody asked")

    found = verdict_of(test_refuses, "agent: Hello")
    assert (found.outcome, found.reason) == (Outcome.NOT_APPLICABLE, "nobody asked")


def test_missing_data_is_undecided_with_its_reason() -> None:
    def test_waits(call: Hearing) -> None:
        assert not call.silences(5)

    verdict = verdict_of(test_waits, call=talk("agent: Hello", timed=False))
    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.reason == "the transcript has no times, so pauses cannot be measured"


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (Undecided("no times"), Outcome.UNDECIDED, "no times"),
        (NotApplicable("chat"), Outcome.NOT_APPLICABLE, "chat"),
        (ValueError("two\nlines"), Outcome.ERROR, "the rule broke: ValueError: two lines (test_engine.py:"),
    ],
)
def test_trouble_in_a_situation_is_a_verdict_on_its_rules(error: Exception, outcome: Outcome, reason: str) -> None:
    @situation("trouble")
    def trouble(call: Hearing) -> Iterator[Moment]:
        raise error
        yield

    verdict = verdict_of(apologises, "agent: Hello", when=trouble)
    assert verdict.outcome is outcome
    assert verdict.reason.startswith(reason)


def test_a_broken_rule_is_an_error_and_not_a_breach() -> None:
    def test_breaks(call: Hearing) -> None:
        raise KeyError("loudness")

    def test_wants_more(call: Hearing, database: object) -> None: ...

    line = test_breaks.__code__.co_firstlineno + 1
    verdict = verdict_of(test_breaks, "agent: Hello")
    assert (verdict.outcome, verdict.reason) == (
        Outcome.ERROR,
        f"the rule broke: KeyError: 'loudness' (test_engine.py:{line})",
    )
    assert verdict_of(test_wants_more, "agent: Hello").outcome is Outcome.ERROR


def test_a_rule_gets_the_settings_and_the_fixtures_it_names() -> None:
    given: list[object] = []

    def test_takes(code: Code, call: Hearing, moment: Moment, database: str) -> None:
        given.extend((code.silence, call.agent.text, moment.index, database))

    assert judge(make_rule(test_takes), hear(["agent: Hello"]), CODE, {"database": "db"}).outcome is Outcome.PASSED
    assert given == [5, "Hello", -1, "db"]


def test_a_manual_clause_is_not_assessed_until_somebody_attests_it() -> None:
    def test_warmth(call: Hearing) -> None:
        attested = call.attestation("1.1b")
        assert attested.verdict == "passed", attested.note

    rude = Attestation(clause="1.1b", verdict="failed", assessor="Lee", note="sighed twice")
    unseen = verdict_of(test_warmth, "agent: Hello", clause="1.1b", manual=True)
    assert (unseen.outcome, unseen.reason) == (Outcome.NOT_ASSESSED, "nobody has attested this clause for this call")
    seen = verdict_of(test_warmth, call=talk("agent: Hello", attestations=(rude,)), clause="1.1b", manual=True)
    assert (seen.outcome, seen.reason) == (Outcome.FAILED, "sighed twice")


# --- several moments ----------------------------------------------------------------------


def ending(moment: Moment) -> None:
    """Ends as the customer's turn says."""
    match moment.said.text.split()[-1]:
        case "fail":
            raise AssertionError("failed")
        case "doubt":
            raise Undecided("in doubt")
        case "nothing":
            raise NotApplicable("nothing")
        case "break":
            raise ValueError("broke")


@pytest.mark.parametrize(
    ("ends", "outcome", "broken"),
    [
        (["pass", "fail", "break"], Outcome.ERROR, 1),
        (["pass", "fail", "doubt", "fail"], Outcome.FAILED, 2),
        (["pass", "doubt", "nothing"], Outcome.UNDECIDED, 0),
        (["nothing", "pass"], Outcome.PASSED, 0),
        (["nothing", "nothing"], Outcome.NOT_APPLICABLE, 0),
    ],
)
def test_the_worst_moment_decides(ends: list[str], outcome: Outcome, broken: int) -> None:
    said = [line for end in ends for line in (f"customer: damn {end}", "agent: Yes")]
    verdict = verdict_of(ending, *said, when=swears)
    assert (verdict.outcome, verdict.broken, verdict.moments) == (outcome, broken, len(ends))


def test_the_first_of_the_worst_moments_is_told() -> None:
    verdict = verdict_of(ending, "customer: damn pass", "agent: Yes", "customer: damn fail", "agent: Yes", when=swears)
    assert (verdict.reason, verdict.start) == ("failed", 7.0)


def test_a_doubtful_moment_decides_nothing_but_an_error() -> None:
    borderline = talk("agent: Hello", 4.8, "customer: Hi", tolerance=0.3)

    def test_fails(moment: Moment) -> None:
        assert not moment

    def test_breaks(moment: Moment) -> None:
        raise ValueError

    for test in (test_fails, lambda moment: None):
        verdict = verdict_of(test, call=borderline, when=silence)
        assert (verdict.outcome, verdict.line) == (Outcome.UNDECIDED, "")
        assert verdict.reason.startswith("the silence at 0:02.0 is 4.80 s against 5 s")
    assert verdict_of(test_breaks, call=borderline, when=silence).outcome is Outcome.ERROR


def test_findings_that_were_not_tested_are_no_evidence() -> None:
    def test_asks_and_ignores(call: Hearing) -> None:
        call.agent.says(phrases.apology)
        assert not call.agent.says(phrases.curse)

    verdict = verdict_of(test_asks_and_ignores, "agent: So sorry")
    assert [(e.asked, e.quote, e.holds) for e in verdict.evidence] == [("the agent says curse", "", False)]


def test_a_judged_call_is_let_go_at_once() -> None:
    def test_offers_help(call: Hearing, moment: Moment) -> None:
        assert not moment.reply.says(phrases.curse)
        assert call.agent.since(0).says(phrases.offer_help)

    gc.disable()
    try:
        heard = hear(["agent: Hello", "customer: Damn", "agent: So sorry", 6.0, "agent: Hello?"])
        rules = [make_rule(test, when=when) for test in (apologises, test_offers_help) for when in (swears, silence)]
        outcomes = [judge(rule, heard, CODE).outcome for rule in rules]
        heard.forget()
        left = weakref.ref(heard)
        del heard
        assert left() is None
    finally:
        gc.enable()
    assert outcomes == [Outcome.PASSED, *[Outcome.FAILED] * 3]


def test_a_sign_of_listening_is_known_before_the_first_question() -> None:
    @situation("agent speaks")
    def speaks(call: Hearing) -> Iterator[Moment]:
        assert phrases
        yield Moment(call, -1)

    def test_says_it_all(moment: Moment) -> None:
        assert moment.reply.text == "Hello Sorry"

    assert verdict_of(test_says_it_all, "agent: Hello", "customer: Mhm", "agent: Sorry", when=speaks).reason == ""


# --- telling a failure --------------------------------------------------------------------

RULES = """
from pytest_callqa import PhraseBook

phrases = PhraseBook.parse({"en.yaml": PHRASES})

def test_finding(call):
    assert call.agent.says(phrases.apology)

def test_absence(call):
    assert not call.agent.says(phrases.hello)

def test_message(call):
    assert call.agent.text == "Sorry", "must be sorry\\nand nothing else"

def test_message_and_finding(call):
    assert call.agent.says(phrases.apology), "must be sorry"

def test_second_of_two(call):
    assert call.agent.says(phrases.hello) and call.agent.says(phrases.curse)

def test_several_lines(call):
    assert call.agent.says(
        phrases.apology,
        phrases.curse,
    )

def test_plain(call):
    assert call.agent.words > 3

def test_plain_on_several_lines(call):
    assert (
        call.agent.words
        > 3
    )

def test_earlier_finding(call):
    assert call.agent.says(phrases.hello)
    assert call.agent.words > 3
"""

TOLD = {
    "test_finding": "the agent says apology: not found",
    "test_absence": "the agent says hello: “Hello” at 0:00.0",
    "test_message": "must be sorry",
    "test_message_and_finding": "must be sorry (the agent says apology: not found)",
    "test_second_of_two": "the agent says curse: not found",
    "test_several_lines": "the agent says apology or curse: not found",
    "test_plain": "call.agent.words > 3",
    "test_plain_on_several_lines": "call.agent.words > 3",
    "test_earlier_finding": "call.agent.words > 3",
}


@pytest.fixture(scope="module", params=["plain", "rewritten"])
def rules(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The rules above, imported with and without pytest's assertion rewriting."""
    file = tmp_path_factory.mktemp("rules") / f"told_{request.param}.py"
    file.write_text(f"PHRASES = '''{PHRASES}'''\n{RULES}", encoding="utf-8")
    if request.param == "rewritten":
        pytest.register_assert_rewrite(file.stem)
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(file.parent))
            return importlib.import_module(file.stem)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", TOLD)
def test_a_failure_is_told_alike_with_and_without_rewriting(rules: ModuleType, name: str) -> None:
    verdict = verdict_of(getattr(rules, name), "agent: Hello there")
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason == TOLD[name]
    source = Path(rules.__file__).read_text(encoding="utf-8").splitlines()
    assert source[int(verdict.line.partition(":")[2]) - 1].startswith("    assert")


def test_a_failure_raised_by_hand_is_told_too() -> None:
    def test_raises(call: Hearing) -> None:
        raise AssertionError

    assert verdict_of(test_raises, "agent: Hello").reason == "raise AssertionError"


@pytest.mark.parametrize(("file", "told"), [("no file", "the rule's assertion failed"), ("text.md", "# Not Python")])
def test_a_failure_without_python_source_is_told_as_well_as_can_be(
    file: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.md").write_text("# Not Python\nno (\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Callable[[Hearing], None]] = {}
    exec(compile("def test(call): assert not call", file, "exec"), namespace)
    assert verdict_of(namespace["test"], "agent: Hello").reason == told


# --- a whole book -------------------------------------------------------------------------


def test_a_call_is_judged_by_the_whole_book_or_some_of_it(tmp_path: Path) -> None:
    (tmp_path / "test_all.py").write_text(
        textwrap.dedent("""
        from pytest_callqa import PhraseBook, rule
        phrases = PhraseBook.parse({"x": "language: en\\nphrases: {welcome: 'welcome to {organisation}'}"})

        @rule("1", "Names the organisation")
        def test_names(call): assert call.agent.says(phrases.welcome)

        @rule("2", "Is brief")
        def test_brief(call): assert call.agent.words < 9
        """)
    )
    (tmp_path / "code.toml").write_text("organisation = ['Acme Bank', 'Acme']\nlanguages = ['en']\n")
    book = RuleBook.load(tmp_path)

    def outcomes(text: str, organisation: str = "", **settings: str) -> str:
        record = talk(f"agent: {text}", language="", organisation=organisation)
        return "".join(verdict.outcome.letter for verdict in judge_call(book, record, **settings))

    assert outcomes("Welcome to Acme") == "pp"
    assert outcomes("Welcome to the Other Shop, so nice that you call us today") == "ff"
    assert outcomes("Welcome to Other Shop", organisation="Other Shop") == "pp"
    assert outcomes("Welcome to Run Inc", organisation="Other Shop") == "fp"
    assert outcomes("Welcome to Run Inc", organisation="") == "fp"
    record = talk("agent: Welcome to Run Inc")
    assert [v.outcome for v in judge_call(book, record, book.rules[:1], organisation="Run Inc")] == [Outcome.PASSED]
    assert outcomes("Welcome to Acme", language="de") == "up"


def test_a_call_without_any_settings_is_opened_too() -> None:
    opened = open_call(talk("agent: Hello", language=""), Code({}))
    assert (opened.language, opened.slots) == ("", {"organisation": ()})


def test_a_line_is_told_by_the_name_of_its_file() -> None:
    assert os.sep not in verdict_of(apologises, "customer: Damn", when=swears).line


def never_curses(call: Hearing) -> None:
    assert not call.agent.says(phrases.curse)


def always_apologises(call: Hearing) -> None:
    assert call.agent.says(phrases.apology)


def test_a_breach_is_where_the_forbidden_words_are_said_else_where_the_moment_begins() -> None:
    said = ("agent: Hello", "customer: Well", "agent: Damn")
    assert verdict_of(never_curses, *said).start == Hearing(talk(*said)).utterances[2].start
    assert verdict_of(always_apologises, *said).start == 0.0

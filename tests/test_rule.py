"""What is declared before any call is read: rules, situations, settings and the book."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from examples import CODE, hear, make_rule, phrases, talk
from pytest_callqa.call import Event
from pytest_callqa.errors import BadBook, Undecided
from pytest_callqa.hearing import Hearing, Moment
from pytest_callqa.rules import Code, Rule, RuleBook, book_version, every_call, find_root, rule, rule_of, situation

RULES = """
    from pytest_callqa import rule

    @rule("1.10", "Later")
    def test_later(call): ...

    @rule("1.2", "Earlier")
    def test_earlier(call): ...
"""


def greets(call: Hearing) -> None:
    """The agent greets.

    Whoever calls.
    """
    assert call.agent.says(phrases.hello)


def write(root: Path, **files: str) -> Path:
    """A rule book on disk: ``test_a="…"`` is test_a.py; its code.toml is there unless given."""
    root.mkdir(exist_ok=True)
    for name, text in {"code_toml": "title = 'Manners'", **files}.items():
        file = root / ("code.toml" if name == "code_toml" else f"{name.replace('__', '/')}.py")
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


# --- declaring ----------------------------------------------------------------------------


def test_a_rule_is_its_test_function_with_a_clause() -> None:
    found = make_rule(greets, "3.1", title="Greets", severity="minor")
    assert (found.clause, found.title, found.severity, found.when) == ("3.1", "Greets", "minor", every_call)
    assert found.text == "The agent greets.\n\nWhoever calls."
    assert found.place == (__file__, greets.__code__.co_firstlineno)
    assert found.portable
    assert rule_of(greets) is found
    assert rule_of(print) is None


def test_a_rule_that_takes_a_fixture_is_not_portable() -> None:
    def test_with_fixture(call: Hearing, tmp_path: Path) -> None: ...

    assert not make_rule(test_with_fixture).portable
    assert make_rule(test_with_fixture).text == ""


def test_a_rule_knows_the_phrase_books_named_beside_it() -> None:
    @functools.wraps(greets)
    def wrapped(call: Hearing) -> None: ...

    assert make_rule(wrapped).books == (phrases,)


def test_what_is_declared_wrong_is_told_at_once() -> None:
    with pytest.raises(BadBook) as caught:
        rule("3.1 a", "Greets", severity="critcal", when=print)
    assert list(caught.value.problems) == [
        "rule 3.1 a: severity 'critcal' is none of critical, major, minor. Did you mean 'critical'?",
        "rule 3.1 a: when= takes a situation (see @situation), not <built-in function print>",
        "rule '3.1 a': a clause is letters, digits, dots and dashes, such as '3.1.2a'",
    ]


def test_a_situation_is_looked_for_once_per_call() -> None:
    looked = []

    @situation("customer swears")
    def swears(call: Hearing) -> Iterator[Moment]:
        looked.append(call)
        yield from (Moment(call, quote.turn) for quote in call.customer.says(phrases.curse).quotes)

    call = hear(["customer: Damn", "agent: Yes", "customer: Damn"])
    assert swears.name == "customer swears"
    assert [moment.index for moment in swears.moments(call, CODE)] == [0, 2]
    assert swears.moments(call, CODE) is swears.moments(call, CODE)
    assert looked == [call]


def test_the_trouble_of_a_situation_is_kept() -> None:
    looked = []

    @situation("silence")
    def silence(call: Hearing) -> Iterator[Moment]:
        looked.append(call)
        call.need_turn_ends()
        yield Moment(call, 0)

    call = hear(talk("agent: Hello", timing="none"))
    for _ in range(2):
        with pytest.raises(Undecided, match="no times"):
            silence.moments(call, CODE)
    assert looked == [call]


def test_a_situation_may_take_the_settings() -> None:
    @situation("long silence")
    def silence(call: Hearing, code: Code) -> Iterator[Moment]:
        yield from (Moment(call, 0, start=gap.start) for gap in call.silences(code.silence))

    assert [moment.start for moment in silence.moments(hear(["agent: Hello", 6.0, "agent: Hello?"]), CODE)] == [2.0]


def test_a_situation_is_looked_for_only_where_one_of_its_signs_is() -> None:
    looked = []

    @situation("noise", signs=["noise", phrases.curse])
    def noise(call: Hearing) -> Iterator[Moment]:
        looked.append(call)
        yield Moment(call, 0)

    quiet, noted = hear(["agent: Hello"]), hear(talk("agent: Hello", events=[Event(kind="noise", time=1.0)]))
    said = hear(["customer: Damn noise"])
    for call in (quiet, noted, said):
        call.agent.says(phrases.hello)  # the call is listened to
    assert [len(noise.moments(call, CODE)) for call in (quiet, noted, said)] == [0, 1, 1]
    assert looked == [noted, said]


def test_a_situation_is_looked_for_only_where_the_party_that_must_says_its_sign() -> None:
    looked = []

    @situation("customer swears", signs=[phrases.curse], by="customer")
    def swears(call: Hearing) -> Iterator[Moment]:
        looked.append(call)
        yield Moment(call, 0)

    @situation("customer swears first", signs=swears)
    def swears_first(call: Hearing, code: Code) -> Sequence[Moment]:
        looked.append(call)
        return swears.moments(call, code)[:1]

    agent, customer = hear(["agent: Damn", "customer: Hello"]), hear(["agent: Hello", "customer: Damn"])
    silent = hear(["agent: Damn"])  # of a party that says nothing, nothing is known
    for call in (agent, customer, silent):
        call.agent.says(phrases.hello)  # the call is listened to
    for sign in (swears, swears_first):
        assert [len(sign.moments(call, CODE)) for call in (agent, customer, silent)] == [0, 1, 1]
    assert looked == [customer, silent, customer, silent]


def test_a_situation_is_looked_for_where_its_signs_cannot_be_known() -> None:
    @situation("swearing", signs=[phrases.curse])
    def swearing(call: Hearing) -> Iterator[Moment]:
        yield from (Moment(call, quote.turn) for quote in call.customer.says(phrases.curse).quotes)

    for unknown in (talk("agent: Hello", roles="unknown"), talk("agent: Hello", "customer: ")):
        call = hear(unknown)
        call.everyone.first.says(phrases.hello)
        with pytest.raises(Undecided):
            swearing.moments(call, CODE)


def test_a_sign_is_a_phrase_or_an_event() -> None:
    with pytest.raises(BadBook) as caught:
        situation("noise", signs=["noize"])
    [problem] = caught.value.problems
    assert problem.startswith("situation 'noise': 'noize' is no sign; expected a phrase, or an event: ring, answer,")
    assert problem.endswith("Did you mean 'noise'?")


def test_a_situation_is_the_same_when_a_rule_is_the_first_to_ask_for_it() -> None:
    @situation("agent swears")
    def swears(call: Hearing) -> Iterator[Moment]:
        yield from (Moment(call, quote.turn) for quote in call.agent.says(phrases.hello).quotes)

    cut_off = ["agent: Good -", "customer: Hello"]
    alone, tested = hear(cut_off), hear(cut_off)
    tested.half_said = True
    assert tested.agent.says(phrases.hello)
    assert swears.moments(tested, CODE) == swears.moments(alone, CODE) == ()
    assert tested.half_said


def test_every_call_has_one_moment_at_its_start() -> None:
    [moment] = every_call.moments(hear(["agent: Hello"]), CODE)
    assert (moment.index, moment.start) == (-1, 0.0)


# --- settings -----------------------------------------------------------------------------


def test_settings_are_attributes(tmp_path: Path) -> None:
    file = tmp_path / "code.toml"
    file.write_text(
        "silence = 5\nlanguages = ['en', 'zh']\norganisation = 'Acme'\n[weights]\nminor = 1\n", encoding="utf-8"
    )
    code = Code.load(file)
    assert code.silence == 5
    assert code.get("rings", 3) == 3
    assert code.table("weights") == {"minor": 1}
    assert code.table("silence") == code.table("sections") == {}
    assert code.texts("languages") == ("en", "zh")
    assert code.texts("organisation") == ("Acme",)
    assert code.texts("missing") == ()
    with pytest.raises(AttributeError, match=r"code\.toml has no setting 'silense'\. Did you mean 'silence'\?"):
        _ = code.silense


def test_settings_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadBook, match=r"code\.toml: not found; a rule book has its settings there"):
        Code.load(tmp_path / "code.toml")
    (tmp_path / "code.toml").write_bytes(b"silence =")
    with pytest.raises(BadBook, match=r"code\.toml: not valid TOML: Invalid value \(at end of document\)"):
        Code.load(tmp_path / "code.toml")


# --- the book -----------------------------------------------------------------------------


def test_a_book_holds_the_rules_of_its_modules_in_order(tmp_path: Path) -> None:
    root = write(tmp_path, test_a=RULES, sub__test_b="from ..test_a import *\n", calls__test_c="raise SystemExit")
    book = RuleBook.load(root)
    assert [found.clause for found in book] == ["1.2", "1.10"]
    assert len(book) == 2
    assert book.code.title == "Manners"
    assert [found.clause for found in RuleBook.load(root)] == ["1.2", "1.10"], "loaded again"


def test_two_books_do_not_mix(tmp_path: Path) -> None:
    one = write(tmp_path / "one", test_a=RULES)
    two = write(tmp_path / "two", test_a=RULES.replace("1.2", "2.2"))
    assert [found.clause for found in RuleBook.load(one)] == ["1.2", "1.10"]
    assert [found.clause for found in RuleBook.load(two)] == ["1.10", "2.2"]


def test_a_clause_has_one_rule(tmp_path: Path) -> None:
    root = write(tmp_path, test_a=RULES, test_b=RULES)
    with pytest.raises(BadBook) as caught:
        RuleBook.load(root)
    assert list(caught.value.problems) == [
        f"clause 1.2 has two rules: {root / 'test_a.py'}:7 and {root / 'test_b.py'}:7; remove one",
        f"clause 1.10 has two rules: {root / 'test_a.py'}:4 and {root / 'test_b.py'}:4; remove one",
    ]


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("x = 1", "no rules; expected test_*.py with functions marked @rule"),
        ("import nowhere", "test_a.py: cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        (
            "from pytest_callqa import rule\n@rule('1', 'x', severity='bad')\ndef test_x(): ...",
            "severity 'bad' is none",
        ),
    ],
)
def test_a_book_that_cannot_be_used_is_told(tmp_path: Path, module: str, problem: str) -> None:
    root = write(tmp_path, test_a=module)
    with pytest.raises(BadBook) as caught:
        RuleBook.load(root)
    assert problem in str(caught.value)


def test_the_version_names_the_wording_of_the_book_and_not_its_calls(tmp_path: Path) -> None:
    def version(name: str, rules: str = RULES, **more: str) -> str:
        root = write(tmp_path / name, test_a=rules, **more)
        return RuleBook([], Code({}), root=root).version

    first = version("a")
    assert len(first) == 12
    assert version("b") == first
    assert version("c", calls__sample="x = 1") == first
    assert version("d", RULES.replace("Later", "Sooner")) != first
    assert version("e", situations="x = 1") != first
    assert version("f", code_toml="title = 'Other'") != first
    assert RuleBook([], Code({}), root=tmp_path, version="given").version == "given"
    assert book_version(tmp_path / "a") == first


def test_a_clause_belongs_to_its_longest_section() -> None:
    book = RuleBook([], Code({"sections": {"3": "Calls", "3.1": "Opening", "x": "Other"}}), root=Path(), version="1")
    assert [book.section_of(clause) for clause in ("3.1.2a", "3.10", "3.1", "x", "7.1")] == [
        "3.1",
        "3",
        "3.1",
        "x",
        "7",
    ]


def test_clauses_are_ordered_by_number_then_letter(tmp_path: Path) -> None:
    clauses = ["2.10", "A-1", "2.9", "2.9b", "2.9a", "10.1"]
    rules: list[Rule] = [make_rule(lambda: None, clause) for clause in clauses]
    book = RuleBook(rules, Code({}), root=tmp_path)
    assert [found.clause for found in book] == ["A-1", "2.9", "2.9a", "2.9b", "2.10", "10.1"]


def test_the_root_is_the_nearest_folder_with_settings(tmp_path: Path) -> None:
    write(tmp_path / "book", sub__test_a="")
    assert find_root(tmp_path / "book" / "sub") == tmp_path / "book"
    assert find_root(tmp_path / "book") == tmp_path / "book"
    assert find_root(Path("/")) is None

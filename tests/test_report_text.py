"""The words of the terminal summary, as a QA lead reads them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pytest_callqa import ledger
from pytest_callqa.report import text
from pytest_callqa.report.figures import Rate
from pytest_callqa.report.model import summarise
from pytest_callqa.rules import RuleBook
from report_ledgers import RUDE, RUN, UNREAD, entry, judged, write


def lines(path: Path, *written: ledger.LedgerLine, width: int = 100, end: bool = True) -> list[str]:
    return text.terminal_lines(summarise([write(path / "ledger.jsonl", *written, end=end)]), width)


# -- the whole


def test_the_summary_says_what_was_kept_what_was_not_judged_and_what_to_look_at(tmp_path: Path) -> None:
    calls = [entry(f"good-{n}", "ppmp", moments={"2.1": 2}) for n in range(40)]
    calls += [entry(f"silent-{n}", "pnmu", doubts={"the transcript has no times": ["2.1"]}) for n in range(2)]
    broken = entry(
        "odd", "pnme", found={"2.1": ledger.Found(reason="the rule broke: KeyError: 'silence' (rules.py:44)")}
    )
    assert lines(tmp_path, *calls, RUDE, broken, UNREAD) == [
        "Test book (0123456789ab): 44 calls, 4 rules",
        "mean score 98 of 100; 1 of 44 calls failing, 1 with a critical breach",
        "",
        "1 Manners   83 passed   2 failed   0 undecided    98 % (92–99 %)    87 moments",
        "2 Waiting   40 passed   0 failed   2 undecided   100 % (91–100 %)   80 moments",
        "",
        "planned 180 verdicts: 123 passed, 2 failed; not in the rates: 4 not applicable, 2 undecided, 44 not",
        "  assessed, 5 errors",
        "  not assessed: nobody has attested 1.3; give a table of attestations",
        "  undecided: the transcript has no times: 2.1, 2 calls",
        "  error: the rule broke: KeyError: 'silence' (rules.py:44): 2.1, 1 call",
        "",
        "worst findings",
        "  1.2 critical, 1 call: Swearing is met with an apology",
        "      rude at 0:04.5: “Damn”: the agent's reply says sorry: not found; nearest: “So what.” at 0:09.…",
        "  1.1 major, 1 call: Greets",
        "      rude at 0:00.0: “Yes?”: the agent's first turn says hello: not found",
        "",
        "not judged, could not be read: 1 call",
        "  calls/tuesday.vtt, line 311: the times run backwards (0:41.2 after 0:43.0); repair the file and",
        "    judge it again",
    ]


def test_a_clean_run_is_three_lines_and_a_table(tmp_path: Path) -> None:
    assert lines(tmp_path, entry("good", "pppp")) == [
        "Test book (0123456789ab): 1 call, 4 rules",
        "mean score 100 of 100; 0 of 1 call failing, 0 with a critical breach",
        "",
        "1 Manners   3 passed   0 failed   0 undecided   100 % (44–100 %)   3 moments",
        "2 Waiting   1 passed   0 failed   0 undecided   100 % (21–100 %)   1 moment",
        "",
        "planned 4 verdicts: 4 passed, 0 failed",
    ]


def test_a_run_that_did_not_finish_says_so_first(tmp_path: Path) -> None:
    assert lines(tmp_path, entry("a", "p---"), entry("b", "p---"), end=False)[:2] == [
        "INCOMPLETE: 6 of 8 verdicts were not given; --callqa-resume (callqa check: --resume) judges them",
        "Test book (0123456789ab): 2 calls, 4 rules",
    ]


def test_nothing_judged_has_no_score_and_no_rate(tmp_path: Path) -> None:
    assert lines(tmp_path) == [
        "Test book (0123456789ab): 0 calls, 4 rules",
        "",
        "1 Manners   0 passed   0 failed   0 undecided     -   0 moments",
        "2 Waiting   0 passed   0 failed   0 undecided     -   0 moments",
        "",
        "planned 0 verdicts: 0 passed, 0 failed",
    ]


def test_a_book_without_rules_has_no_table(tmp_path: Path) -> None:
    path = write(tmp_path / "ledger.jsonl", run=msgspec.structs.replace(RUN, rules=()))
    assert text.terminal_lines(summarise([path]), 80) == [
        "Test book (0123456789ab): 0 calls, 0 rules",
        "",
        "",
        "planned 0 verdicts: 0 passed, 0 failed",
    ]


def test_the_score_before_critical_breaches_stands_beside_the_final_one(tmp_path: Path) -> None:
    assert lines(tmp_path, entry("a", "ppmp"), entry("b", "pfmp"))[1].startswith(
        "mean score 50 of 100 (77 before critical breaches set a call to 0); 1 of 2 calls failing, "
    )


def test_calls_given_twice_are_told(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, entry("a", "pppp")) for name in ("a.jsonl", "b.jsonl"))
    assert "1 call in more than one ledger, counted once" in text.terminal_lines(summarise([first, second]), 80)


def test_long_lists_are_cut_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "FINDINGS_SHOWN", 1)
    monkeypatch.setattr(text, "REASONS_SHOWN", 1)
    monkeypatch.setattr(text, "UNREAD_LISTED", 1)
    doubts = {"no times": ["1.3"], "no roles": ["2.1"], "no case": ["2.1"]}
    told = lines(tmp_path, entry("a", "ffuu", doubts=doubts), UNREAD, msgspec.structs.replace(UNREAD, place=""))
    assert "worst findings (1 of 2)" in told
    assert "  undecided: 2 more reasons, see the report" in told
    assert told[-1] == "  and 1 more; the ledger lists them all"


def test_no_line_is_wider_than_the_terminal(tmp_path: Path) -> None:
    wordy = msgspec.structs.replace(
        RUN, sections={"1": "What a call center is for " * 5, "2": "等待与静音电话的处理方式" * 5}
    )
    path = write(tmp_path / "ledger.jsonl", RUDE, entry("b" * 200, "fnmf"), UNREAD, run=wordy)
    for width in (60, 80, 100, 200):
        assert max(text.cells(line) for line in text.terminal_lines(summarise([path]), width)) <= max(width, 88)


def test_nothing_hostile_reaches_the_terminal(tmp_path: Path) -> None:
    evil = "\x1b[2J\u202e\x00\u2028"
    found = {"1.1": ledger.Found(reason=f"reason{evil}", start=1.0)}
    turns = (ledger.Line("agent", 0.0, 1.0, f"said{evil}"),)
    call = entry(f"call{evil}", "fnmu", found=found, turns=turns, doubts={f"doubt{evil}": ["2.1"]})
    unread = ledger.Unread(call="x", file=f"file{evil}", place=f"place{evil}", problem=f"problem{evil}")
    run = msgspec.structs.replace(RUN, title=f"Book{evil}", sections={"1": f"Section{evil}"})
    told = text.terminal_lines(summarise([write(tmp_path / "ledger.jsonl", call, unread, run=run)]), 300)
    assert all(line.isprintable() for line in told)
    shown = "⟨U+001B⟩[2J⟨U+202E⟩⟨U+0000⟩⟨U+2028⟩"
    for word in ("call", "reason", "said", "doubt", "file", "place", "problem", "Book", "Section"):
        assert any(word + shown in line for line in told), word


# -- the book


def test_the_rules_of_a_book_are_listed(tmp_path: Path) -> None:
    judged(tmp_path)
    assert text.rules_table(RuleBook.load(tmp_path / "rules")) == [
        "clause  severity  title                             applies to",
        "1.1     major     Greets                            every call",
        "1.2     critical  Swearing is met with an apology   customer swears",
        "1.3     minor     Friendly                          by attestation",
        "2.1     major     A silent customer is asked again  silence after the agent",
        "",
        "4 rules, 1 critical",
    ]


# -- words and columns


@pytest.mark.parametrize(
    ("value", "shown"), [(1.0, "100"), (0.999, "99"), (0.5, "50"), (0.001, "1"), (0.0, "0"), (0.934, "93")]
)
def test_only_all_is_100_percent_and_only_none_is_0(value: float, shown: str) -> None:
    assert text.percent(value) == shown


def test_a_rate_is_told_with_its_interval() -> None:
    assert text.rate_text(Rate.of(41, 44)) == "93 % (82–98 %)"
    assert text.rate_text(None) == "-"
    assert text.score_text(None) == "not scored"


def test_what_was_said_keeps_the_marks_that_scripts_need() -> None:
    persian, family = "می\u200cخواهم", "👨\u200d👩\u200d👧"
    assert text.spoken(f"{persian} {family}\n") == f"{persian} {family}\n"
    assert text.spoken("a\u202eb\u2066c\x00") == "a⟨U+202E⟩b⟨U+2066⟩c⟨U+0000⟩"


@pytest.mark.parametrize(
    ("given", "size", "kept"),
    [("short", 5, "short"), ("a longer text", 9, "a longer…"), ("您好，欢迎", 6, "您好…"), ("abc", 1, "…")],
)
def test_text_is_cut_by_the_columns_it_takes(given: str, size: int, kept: str) -> None:
    assert text.clip(given, size) == kept
    assert text.cells(text.pad(kept, 12)) == 12


def test_a_table_of_another_part_is_told_in_columns() -> None:
    table = ledger.Exhibit(
        view="rules",
        title="Teeth",
        note="What bites.",
        figures=(("caught", 1200),),
        columns=("clause", "caught", "share", "example"),
        rows=(("1.1", 1200, 0.5, "a\u202eb"), ("10.1", None, 12.25, "")),
    )
    assert text.exhibit_lines(table, 60) == [
        "What bites.",
        "",
        "clause  caught  share  example",
        "1.1      1,200    0.5  a⟨U+202E⟩b",
        "10.1             12.2",
        "",
        "caught: 1,200",
    ]
    assert text.exhibit_lines(ledger.Exhibit(view="run", title="Nothing", columns=("clause",)), 60) == ["clause", ""]

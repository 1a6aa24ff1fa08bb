"""People against rules, with figures small enough to count by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_callqa import cli, ledger
from pytest_callqa.gate.calibration import Agreement, calibrate, exhibit
from report_ledgers import RUN, entry, write

LETTERS = st.sampled_from("pfn")
PAIRS = st.dictionaries(st.tuples(LETTERS, LETTERS), st.integers(1, 50), min_size=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four calls: 1.1 is broken in a and b, kept in c, and could not be decided in d."""
    monkeypatch.chdir(tmp_path)
    calls = (entry("a", "fppn"), entry("b", "fppn"), entry("c", "pppn"), entry("d", "uppn"))
    write(tmp_path / "ledger.jsonl", *calls)
    return tmp_path


def judged(folder: Path, text: str, *ledgers: str) -> int:
    (folder / "human.csv").write_text(text, encoding="utf-8")
    return cli.main(["calibrate", "human.csv", *(ledgers or ("ledger.jsonl",))])


LONG = "call,clause,verdict\na,1.1,failed\nb,1.1,passed\nc,1.1,pass\nd,1.1,failed\nx,1.1,failed\n"


def test_agreement_kappa_precision_and_recall_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(folder, LONG) == cli.CLEAN
    told = capsys.readouterr().out
    assert "1.1            3  0.67 (0.21–0.94)  0.40 (-0.56–1.00)  0.50 (0.09–0.91)  1.00 (0.21–1.00)" in told
    assert "not compared: the rule did not decide: 1\n" in told
    assert "not compared: the ledger has no such call: 1\n" in told
    assert "differ: 1.1 b: people say passed, the rule failed: broke 1.1" in told


def test_a_table_with_a_column_for_each_clause_is_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged(folder, LONG)
    long = capsys.readouterr().out
    judged(folder, "\ufeffcall, 1.1 ,assessor\na,F,Ann\nb,YES,Ann\nc,1,Ann\nd,no,Ann\nx,broken,Ann\ny,,Ann\n")
    assert capsys.readouterr().out == long


def test_people_who_contradict_each_other_are_counted_and_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged(folder, LONG + "b,1.1,failed\n")
    told = capsys.readouterr().out
    assert "not compared: people contradict each other: 1" in told
    assert "agreement: 1.00" in told


def test_kappa_is_undefined_when_chance_agrees_already(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged(folder, "call,1.2\na,p\nb,p\nc,p\n")
    assert "1.00 (0.44–1.00)  undefined  -          -" in capsys.readouterr().out


def test_nothing_compared_has_no_figures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged(folder, "call,1.1\nd,p\n")
    assert "agreement: -\nkappa: -\n" in capsys.readouterr().out
    nothing = Agreement("1.1")
    assert (nothing.agreement, nothing.expected, nothing.kappa, nothing.kappa_interval) == (None, None, None, None)


def test_a_waived_breach_is_one_that_the_rule_found(folder: Path) -> None:
    (folder / "human.csv").write_text("call,1.1\nold,f\n")
    write(folder / "waived.jsonl", entry("old", "wppn"))
    assert calibrate(folder / "human.csv", [folder / "waived.jsonl"]).total.same == 1


@pytest.mark.parametrize(
    ("small", "floor", "code"), [(2, 0.6, cli.CLEAN), (2, 0.7, cli.FINDINGS), (9, 0.6, cli.NOT_JUDGED)]
)
def test_a_clause_can_be_held_to_a_floor(
    folder: Path, capsys: pytest.CaptureFixture[str], small: int, floor: float, code: int
) -> None:
    run = replace(RUN, floors=ledger.Floors(small=small, min_agreement={"1.1": floor}))
    write(folder / "floor.jsonl", entry("a", "fppn"), entry("b", "fppn"), entry("c", "pppn"), run=run)
    assert judged(folder, LONG, "floor.jsonl") == code
    told = capsys.readouterr().out
    assert ("under its floor of agreement: 1.1" in told) == (code == cli.FINDINGS)
    assert ("too few judgements" in told) == (code == cli.NOT_JUDGED)


def test_a_clause_with_a_floor_that_nobody_judged_is_not_held(folder: Path) -> None:
    run = replace(RUN, floors=ledger.Floors(min_agreement={"2.1": 0.5}))
    write(folder / "floor.jsonl", entry("a", "fppn"), run=run)
    assert judged(folder, LONG, "floor.jsonl") == cli.NOT_JUDGED


def test_the_table_is_kept_in_the_ledger_once(folder: Path) -> None:
    (folder / "human.csv").write_text(LONG)
    for _ in range(2):
        cli.main(["calibrate", "human.csv", "ledger.jsonl", "--keep"])
    kept = [line for line in ledger.read(folder / "ledger.jsonl") if isinstance(line, ledger.Exhibit)]
    assert kept == [exhibit(calibrate(folder / "human.csv", [folder / "ledger.jsonl"]))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("call,verdict\na,p\n", "human.csv: has the columns call, verdict; expected call, clause, verdict"),
        ("", "human.csv: has the columns none"),
        ("call,clause,verdict\na,1.11,p\n", "human.csv, line 2: no rule has the clause '1.11'. Did you mean '1.1'?"),
        ("call,clause,verdict\na,1.1,maybe\n", "human.csv, line 2: 'maybe' is no verdict; write passed, failed"),
        ('call,clause,verdict\n"a,1.1,p\n', "human.csv: cannot be read: unexpected end of data"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    assert judged(folder, text) == cli.USAGE
    assert said in capsys.readouterr().err


def test_no_table_is_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["calibrate", "nowhere.csv", "ledger.jsonl"]) == cli.USAGE
    assert "nowhere.csv: cannot be read" in capsys.readouterr().err


@given(PAIRS)
def test_kappa_is_what_its_formula_says(pairs: dict[tuple[str, str], int]) -> None:
    found = Agreement("1", Counter(pairs))
    swapped = Agreement("1", Counter({(rule, person): n for (person, rule), n in pairs.items()}))
    assert (found.kappa is None) == (len({letter for pair in pairs for letter in pair}) == 1)
    if found.kappa is not None and found.kappa_interval is not None and swapped.kappa is not None:
        assert found.kappa == pytest.approx(swapped.kappa)
        assert found.kappa_interval[0] <= found.kappa <= found.kappa_interval[1] <= 1
    assert found.precision == (swapped.recall[0], swapped.recall[1])

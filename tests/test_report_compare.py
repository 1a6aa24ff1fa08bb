"""A run against a former one: how far rates moved and what turned on the same calls."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_callqa import ledger
from pytest_callqa.report.compare import Difference, Trend, Turned, compare
from pytest_callqa.report.figures import Rate
from pytest_callqa.report.model import Ledgers
from report_ledgers import RUN, entry, write


def trend(folder: Path, then: list[ledger.Entry], now: list[ledger.Entry], run: ledger.Run = RUN) -> Trend:
    old = write(folder / "then.jsonl", *then, run=run)
    ledgers = Ledgers([write(folder / "now.jsonl", *now)])
    return compare(ledgers, ledgers.summary(), [old])


def test_newcombes_interval_as_in_his_paper() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998), table II: 56/70 against 48/80, method 10
    found = Difference.of(Rate.of(48, 80), Rate.of(56, 70))
    assert found is not None
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)
    assert found.certain


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_an_interval_holds_its_difference_and_is_mirrored(a: int, n: int, b: int, m: int) -> None:
    one, other = Rate.of(min(a, n), n), Rate.of(min(b, m), m)
    there, back = Difference.of(one, other), Difference.of(other, one)
    assert there is not None
    assert back is not None
    assert -1 - 1e-9 <= there.low <= there.value <= there.high <= 1 + 1e-9
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_clauses_are_new_fixed_worse_better_or_the_same(tmp_path: Path) -> None:
    then = [entry(f"c{n}", "pf" + ("p" if n < 15 else "f") + ("f" if n < 15 else "p")) for n in range(20)]
    now = [entry(f"d{n}", "fp" + ("f" if n < 15 else "p") + ("p" if n < 15 else "f")) for n in range(20)]
    found = trend(tmp_path, then, now)
    assert {change.clause: change.kind for change in found.changes} == {
        "1.1": "new",
        "1.2": "fixed",
        "1.3": "worse",
        "2.1": "better",
    }
    assert [change.clause for change in found.of("worse")] == ["1.3"]
    assert (found.same_calls, found.turned) == (0, ())


def test_what_chance_explains_is_the_same(tmp_path: Path) -> None:
    found = trend(tmp_path, [entry("a", "fnnn"), entry("b", "pnnn")], [entry("c", "fnnn"), entry("d", "fnnn")])
    assert {change.kind for change in found.changes} == {"same"}
    assert found.changes[1].difference is None
    assert found.score == pytest.approx(-0.5)


def test_verdicts_that_turned_on_the_same_calls_are_named(tmp_path: Path) -> None:
    then = [entry("a", "pfnn"), entry("b", "ffnn"), entry("gone", "ffff")]
    now = [entry("a", "fpnn"), entry("b", "ffun"), entry("fresh", "ffff")]
    found = trend(tmp_path, then, now)
    assert (found.same_calls, found.new, found.fixed) == (2, 1, 1)
    assert found.turned == (Turned("a", "1.1", new=True), Turned("a", "1.2", new=False))


def test_a_changed_book_is_compared_by_the_clauses_that_both_have(tmp_path: Path) -> None:
    older = msgspec.structs.replace(RUN, version="older", rules=RUN.rules[1:])
    found = trend(tmp_path, [entry("a", "fpp", found={})], [entry("a", "fppp")], run=older)
    assert [change.before is None for change in found.changes] == [True, False, False, False]
    assert (found.new, found.fixed) == (0, 1)


def test_a_run_without_calls_is_compared_without_figures(tmp_path: Path) -> None:
    found = trend(tmp_path, [], [entry("a", "pppp")])
    assert (found.difference, found.score, {change.kind for change in found.changes}) == (None, None, {"same"})

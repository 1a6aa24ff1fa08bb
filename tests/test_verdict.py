"""Verdicts, the scorecard and the interval of a rate."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_callqa.verdict import Evidence, Outcome, Verdict, score, wilson

SEVERITIES = {"a": "critical", "b": "major", "c": "minor"}
WEIGHTS = {"critical": 5.0, "major": 3.0, "minor": 1.0}
NAMES = {
    "w": Outcome.WAIVED,
    "p": Outcome.PASSED,
    "f": Outcome.FAILED,
    "n": Outcome.NOT_APPLICABLE,
    "u": Outcome.UNDECIDED,
    "m": Outcome.NOT_ASSESSED,
    "e": Outcome.ERROR,
}


def card(letters: str) -> tuple[float | None, float | None]:
    """Raw and final score of clauses a, b and c with these outcomes."""
    made = score(zip("abc", map(Outcome.of_letter, letters), strict=True), SEVERITIES, WEIGHTS)
    return made.raw, made.final


def test_an_outcome_has_a_letter_in_the_ledger() -> None:
    assert {outcome.letter: outcome for outcome in Outcome} == NAMES
    with pytest.raises(KeyError):
        Outcome.of_letter("x")


def test_a_verdict_crosses_processes_as_builtins() -> None:
    evidence = (Evidence("says hello", holds=True, quote="Hello", turn=0, last=5, start=1.5),)
    verdict = Verdict(clause="1", outcome=Outcome.FAILED, reason="late", moments=2, start=1.5, evidence=evidence)
    plain = verdict.to_dict()
    assert plain == {
        "clause": "1",
        "outcome": "failed",
        "reason": "late",
        "moments": 2,
        "start": 1.5,
        "evidence": ({"asked": "says hello", "holds": True, "quote": "Hello", "turn": 0, "last": 5, "start": 1.5},),
    }
    assert type(plain["outcome"]) is str
    assert Verdict.from_dict(plain) == verdict


@pytest.mark.parametrize(
    ("outcomes", "raw", "final"),
    [
        ("ppp", 1.0, 1.0),
        ("pfp", 6 / 9, 6 / 9),
        ("pnf", 5 / 6, 5 / 6),
        ("ppn", 1.0, 1.0),
        ("fpp", 4 / 9, 0.0),
        ("pue", 1.0, 1.0),
        ("mun", None, None),
    ],
)
def test_a_score_is_of_what_applied_and_a_critical_breach_fails_the_call(
    outcomes: str, raw: float | None, final: float | None
) -> None:
    assert card(outcomes) == (raw, final)


def test_a_score_names_the_critical_clauses_broken_and_whether_there_is_one() -> None:
    broken = score([("a", Outcome.FAILED)], SEVERITIES, WEIGHTS)
    assert (broken.critical, broken.scored) == (("a",), True)
    assert not score([], SEVERITIES, WEIGHTS).scored


@pytest.mark.parametrize(
    ("passed", "judged", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_intervals_are_as_published(passed: int, judged: int, low: float, high: float) -> None:
    assert wilson(passed, judged) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(1, 500))
def test_a_rate_lies_in_its_interval(passed: int, more: int) -> None:
    judged = passed + more
    low, high = wilson(passed, judged)
    assert 0 <= low <= passed / judged <= high <= 1

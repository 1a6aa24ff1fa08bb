"""Every rule of the worked book against every recorded call: what was decided by hand is what the tool says."""

from __future__ import annotations

import pytest

from matrix import book, calls, expected, verdicts
from pytest_callqa import hearing
from pytest_callqa.engine import judge_call
from pytest_callqa.verdict import Outcome

CLAUSES = [rule.clause for rule in book()]


@pytest.mark.parametrize("call", sorted(calls().keys() | expected().keys()))
def test_verdicts_are_those_decided_by_hand(call: str) -> None:
    assert call in calls(), "expected, but not recorded"
    assert call in expected(), "recorded, but nobody has decided what to expect"
    decided = expected()[call]
    assert decided.keys() <= set(CLAUSES), "no such clause"
    differences = [
        f"{clause}: expected {decided.get(clause, Outcome.NOT_APPLICABLE)}, got {verdict.outcome} {verdict.reason}"
        for clause, verdict in verdicts(call).items()
        if verdict.outcome is not decided.get(clause, Outcome.NOT_APPLICABLE)
    ]
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.FAILED])
@pytest.mark.parametrize("clause", CLAUSES)
def test_clause_is_obeyed_and_broken_in_recorded_calls(clause: str, outcome: Outcome) -> None:
    languages = [calls()[call].language[:2] for call, decided in expected().items() if decided.get(clause) is outcome]
    assert languages.count("en") >= 2, f"{clause} needs two English calls in which it is {outcome}"
    if clause.startswith("3."):
        assert "zh" in languages, f"{clause} needs a Chinese call in which it is {outcome}"


def test_every_clause_of_the_code_is_a_rule() -> None:
    sections = {book().section_of(clause) for clause in CLAUSES}
    assert sections == set(book().code.table("sections"))
    assert len(CLAUSES) == len(set(CLAUSES)) == 57


def test_no_verdict_rests_on_looking_only_where_there_are_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {call: list(verdicts(call).values()) for call in calls()}
    monkeypatch.setattr(hearing, "_EVENTS", frozenset())
    monkeypatch.setattr(hearing, "_audible", lambda *_: frozenset())  # nothing counts as absent
    assert {id: judge_call(book(), call) for id, call in calls().items()} == known

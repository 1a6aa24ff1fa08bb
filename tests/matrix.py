"""The worked rule book over its own recorded calls. ``python tests/matrix.py [part of an id]`` prints the verdicts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pytest_callqa import plain
from pytest_callqa.call import Call
from pytest_callqa.engine import judge_call
from pytest_callqa.readers import ReadOptions, read_calls
from pytest_callqa.rules import RuleBook
from pytest_callqa.verdict import Outcome, Verdict

BOOK = Path(__file__).parents[1] / "conduct_specs"
CALLS = BOOK / "calls"
MANUAL = ("1.1b", "2.6b", "2.9", "2.10")


@cache
def book() -> RuleBook:
    """The worked rule book."""
    return RuleBook.load(BOOK)


@cache
def calls() -> dict[str, Call]:
    """Its recorded calls by id; the first that cannot be read ends the run."""
    found = list(read_calls([str(CALLS)], ReadOptions()))
    unreadable = [str(call) for call in found if not isinstance(call, Call)]
    if unreadable:
        raise SystemExit("\n".join(unreadable))
    return {call.id: call for call in found if isinstance(call, Call)}


@cache
def expected() -> dict[str, dict[str, Outcome]]:
    """What was decided by hand: call id -> clause -> outcome; a clause that is not listed does not apply."""
    tables: dict[str, dict[str, Outcome]] = {}
    for file in sorted(CALLS.glob("*.expected.yaml")):
        for call, listed in plain.load(file.read_text(encoding="utf-8")).items():
            assert call not in tables, f"{file.name}: {call} is in two tables"
            outcomes = tables[call] = dict.fromkeys(MANUAL, Outcome.NOT_ASSESSED)
            for outcome, clauses in listed.items():
                outcomes |= dict.fromkeys(clauses.split(), Outcome(outcome.replace("_", " ")))
    return tables


@cache
def verdicts(call: str) -> dict[str, Verdict]:
    """What the book says of a call, by clause."""
    return {verdict.clause: verdict for verdict in judge_call(book(), calls()[call])}


def _shown(call: str) -> Iterator[str]:
    yield f"{call}:"
    for outcome in Outcome:
        clauses = [clause for clause, verdict in verdicts(call).items() if verdict.outcome is outcome]
        if clauses and outcome is not Outcome.NOT_APPLICABLE and clauses != list(MANUAL):
            yield f"  {outcome.replace(' ', '_')}: {' '.join(clauses)}"
    for verdict in verdicts(call).values():
        if verdict.outcome in (Outcome.FAILED, Outcome.UNDECIDED, Outcome.ERROR):
            yield f"  # {verdict.clause} {verdict.outcome}: {verdict.reason}"


if __name__ == "__main__":
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    sys.stdout.writelines(f"{line}\n" for name in calls() if part in name for line in _shown(name))

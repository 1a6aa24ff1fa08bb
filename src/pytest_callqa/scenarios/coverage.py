"""Which situations and clauses recorded calls and generated customers exercised, how often, and which never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pytest_callqa import ledger
from pytest_callqa.ledger import Cell, Entry, Exhibit, RuleLine, Run

CONVERSATIONS = ("clause", "situation", "kept", "broken", "undecided", "call")
"""The columns of the table in which a run of generated customers says what it reached."""

_REACHED = "pf"


def coverage(paths: Iterable[Path]) -> Exhibit:
    """The coverage of all that these ledgers hold. Raises :class:`BadInput` for what is no ledger."""
    rules: dict[str, RuleLine] = {}
    calls: Counter[str] = Counter()
    moments: Counter[str] = Counter()
    played: Counter[str] = Counter()
    for path in paths:
        order: list[str] = []
        for line in ledger.read(path):
            if isinstance(line, Run):
                rules |= {rule.clause: rule for rule in line.rules}
                order = [rule.clause for rule in line.rules]
            elif isinstance(line, Entry) and line.format != "conversation":  # those are counted in their table
                reached = [clause for clause, letter in zip(order, line.verdicts, strict=True) if letter in _REACHED]
                calls.update(reached)
                moments.update({clause: line.moments.get(clause, 1) for clause in reached})
            elif isinstance(line, Exhibit) and line.columns == CONVERSATIONS:
                played.update({str(row[0]): _number(row[2]) + _number(row[3]) for row in line.rows})
    shown = [rule for rule in rules.values() if not rule.manual]
    never = [rule for rule in shown if not calls[rule.clause] and not played[rule.clause]]
    return Exhibit(
        view="scenarios",
        title="Coverage",
        note="How often each clause was kept or broken. Where both columns are 0, nothing is known of it.",
        figures=(
            ("clauses exercised", len(shown) - len(never)),
            ("clauses never exercised", len(never)),
            ("situations never met", len({rule.situation for rule in never})),
        ),
        columns=("clause", "calls", "moments", "conversations", "situation"),
        rows=tuple(
            (rule.clause, calls[rule.clause], moments[rule.clause], played[rule.clause], rule.situation)
            for rule in shown
        ),
    )


def _number(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0

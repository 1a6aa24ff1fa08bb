"""Cells mode against as many empty parametrised tests, in turn, in one run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.calls import write
from benchmarks.measure import PYTHON, alternate, median, save

CALLS = 175
"""By 57 rules, some 10,000 cells: as many as a run takes for cells by itself (``--callqa-cells``)."""

BOOK = Path(__file__).parents[1] / "conduct_specs"
PYTEST = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header"]
JUDGED = [*PYTEST, "-p", "callqa", "--callqa-mode"]
EMPTY = """
import pytest

@pytest.mark.parametrize("call", range({calls}), ids=lambda n: f"made-up-{{n:07}}", scope="session")
@pytest.mark.parametrize("rule", range({rules}))
def test_nothing(rule, call):
    pass
"""


def empty_tests(folder: Path, *, rules: int, calls: int) -> list[str]:
    """A command that runs rules × calls tests which do nothing."""
    test = folder / f"test_empty_{rules}_{calls}.py"
    test.write_text(EMPTY.format(rules=rules, calls=calls), encoding="utf-8")
    return [*PYTEST, str(test)]


def rules_in_book() -> int:
    """How many rules the worked book has."""
    from pytest_callqa import RuleBook

    return len(RuleBook.load(BOOK))


def main() -> None:
    rules = rules_in_book()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        calls = folder / "calls.jsonl"
        write(CALLS, calls)
        ledger = ["--callqa-ledger", str(folder / "ledger.jsonl")]
        commands = {
            "cells": [*JUDGED, "cells", str(BOOK), "--calls", str(calls), *ledger],
            "empty": empty_tests(folder, rules=rules, calls=CALLS),
        }
        costs = alternate(commands, rounds=5, expect=(0, 1), cwd=folder)
    ratios = sorted(a.cpu / b.cpu for a, b in zip(costs["cells"], costs["empty"], strict=True))
    save(
        "cells",
        {
            "cells": rules * CALLS,
            "cpu_seconds_cells": median(costs["cells"]),
            "cpu_seconds_empty": median(costs["empty"]),
            "ratio_cpu": ratios[len(ratios) // 2],
            "goal_ratio_at_most": 1.3,
        },
    )

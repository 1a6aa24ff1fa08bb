"""Batch mode over many calls by the whole book, against the time as many empty tests would take.

Empty tests are run at a tenth of the size and scaled: all 570,000 would take a quarter of an hour and gigabytes. An
empty test costs more the more there are, so this still flatters them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.calls import write
from benchmarks.cells import BOOK, JUDGED, empty_tests, rules_in_book
from benchmarks.measure import PYTHON, median, run, save

CALLS = 10_000
MORE_CALLS = 40_000
EMPTY_CALLS = 1_000
ROUNDS = 3


def main() -> None:
    rules = rules_in_book()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {}
        for count in (CALLS, MORE_CALLS):
            files[count] = folder / f"{count}.jsonl"
            write(count, files[count])
        ledger = folder / "ledger.jsonl"

        def batch(count: int) -> list[str]:
            return [*JUDGED, "batch", str(BOOK), "--calls", str(files[count]), "--callqa-ledger", str(ledger)]

        def check(count: int) -> list[str]:
            command = [PYTHON, "-m", "pytest_callqa.cli", "check", "--book", str(BOOK)]
            return [*command, "--ledger", str(ledger), str(files[count])]

        empty = empty_tests(folder, rules=rules, calls=EMPTY_CALLS)
        costs: dict[str, list] = {"batch": [], "check": [], "empty": []}
        for _ in range(ROUNDS):
            costs["batch"].append(run(batch(CALLS), cwd=folder, expect=(0, 1)))
            costs["check"].append(run(check(CALLS), cwd=folder, expect=(0, 1)))
            costs["empty"].append(run(empty, cwd=folder))
        size = ledger.stat().st_size
        more = run(check(MORE_CALLS), cwd=folder, expect=(0, 1))
        more_batch = run(batch(MORE_CALLS), cwd=folder, expect=(0, 1))
    cells = rules * CALLS
    would_take = median(costs["empty"], "wall") * cells / (rules * EMPTY_CALLS)
    ratios = sorted(e.wall * CALLS / EMPTY_CALLS / b.wall for e, b in zip(costs["empty"], costs["batch"], strict=True))
    save(
        "batch",
        {
            "calls": CALLS,
            "rules": rules,
            "wall_seconds_batch": median(costs["batch"], "wall"),
            "cpu_seconds_batch": median(costs["batch"]),
            "wall_seconds_check": median(costs["check"], "wall"),
            "wall_seconds_as_many_empty_tests": would_take,
            "times_faster_wall": ratios[len(ratios) // 2],
            "goal_times_faster_at_least": 60,
            "processors_used": median(costs["batch"]) / median(costs["batch"], "wall"),
            "ledger_bytes_a_verdict": size / cells,
            "peak_mb": {
                str(CALLS): max(c.peak_kb for c in costs["batch"]) / 1024,
                str(MORE_CALLS): more_batch.peak_kb / 1024,
            },
            "peak_mb_check": {
                str(CALLS): max(c.peak_kb for c in costs["check"]) / 1024,
                str(MORE_CALLS): more.peak_kb / 1024,
            },
            "calls_a_second": CALLS / median(costs["batch"], "wall"),
        },
    )

"""A million calls with flat memory, and what the engines cost over a bare pool of processes.

`python -m benchmarks.scale million` judges a million short calls by a part of the worked book; `… whole` a million
whole calls by the whole book, which takes two quiet processors half an hour, and 6 GB of disk;
`… overhead` measures the engines; `… extrapolate` makes ten million of it. The results are kept together.
`… whole 20000` tries it with so many calls and only prints what it measured.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.calls import call
from benchmarks.cells import BOOK
from benchmarks.measure import PYTHON, RESULTS, Cost, median, run, save
from pytest_callqa.rules import RuleBook

MILLION = 1_000_000
SECTIONS = ("test_1_purpose.py", "test_3_1_opening.py")
FILES = 20
CALLS = 40_000
ROUNDS = 1
EVERY = 5.0
"""Seconds between two looks at the memory, with a million calls."""


def short(number: int) -> dict[str, object]:
    """The call of this number, without what is said between its first two turns and its last three."""
    made = call(number)
    turns, events = made["turns"], made["events"]
    assert isinstance(turns, list)
    assert isinstance(events, list)
    left_out = turns[-3]["start"] - turns[2]["start"]
    for timed in turns[-3:]:
        timed |= {end: round(timed[end] - left_out, 2) for end in ("start", "end")}
    events[0]["time"] = round(events[0]["time"] - left_out, 2)
    return made | {"turns": turns[:2] + turns[-3:]}


def write(make: Callable[[int], dict[str, object]], first: int, end: int, file: Path) -> None:
    """Write the calls of these numbers, a line each."""
    with file.open("w", encoding="utf-8") as out:
        for number in range(first, end):
            out.write(json.dumps(make(number), ensure_ascii=False, separators=(",", ":")) + "\n")


def write_all(make: Callable[[int], dict[str, object]], count: int, folder: Path) -> None:
    """Write that many calls, in files of as many each."""
    each = count // FILES
    with ProcessPoolExecutor() as pool:
        jobs = [pool.submit(write, make, n * each, (n + 1) * each, folder / f"{n:02}.jsonl") for n in range(FILES)]
        for job in jobs:
            job.result()


def part_of_book(folder: Path) -> Path:
    """The worked book with the rules of two sections only."""
    others = [file.name for file in BOOK.glob("test_*.py") if file.name not in SECTIONS]
    shutil.copytree(BOOK, folder / "book", ignore=shutil.ignore_patterns("calls", "__pycache__", *others))
    return folder / "book"


def check(folder: Path, *arguments: str, book: Path = BOOK) -> list[str]:
    command = [PYTHON, "-m", "pytest_callqa.cli", "check", "--book", str(book)]
    return [*command, "--ledger", str(folder / "run" / "ledger.jsonl"), *arguments, str(folder / "calls")]


# -- a million


def family(root: int) -> Iterator[int]:
    """The process and all that it started."""
    yield root
    for task in Path(f"/proc/{root}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from family(int(child))


def resident(root: int) -> float:
    """Megabytes of memory of a process and all that it started, shared pages in proportion."""
    total = 0
    for process in family(root):
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(text.partition("\nPss:")[2].split()[0])
    return total / 1024


def many(make: Callable[[int], dict[str, object]], count: int, book_in: Callable[[Path], Path]) -> dict[str, object]:
    """What it takes to judge that many calls by the book that ``book_in`` puts into a folder, or leaves where it is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "calls").mkdir()
        write_all(make, count, folder / "calls")
        size = sum(file.stat().st_size for file in (folder / "calls").iterdir())
        book = book_in(folder)
        command = [PYTHON, "-m", "pytest_callqa.cli", "plan", "--book", str(book), str(folder / "calls")]
        planned = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        before, began = os.times(), time.perf_counter()
        command = check(folder, "--engine", "local", book=book)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        samples: list[tuple[float, float, int]] = []
        while process.poll() is None:
            try:
                shards = sum(1 for _ in (folder / "run").glob("shards/*/*.jsonl"))
                samples.append((time.perf_counter() - began, resident(process.pid), shards))
            except OSError:
                pass  # it has just ended
            time.sleep(EVERY * min(count / MILLION * 20, 1))
        wall = time.perf_counter() - began
        assert process.stdout is not None
        said = process.stdout.read().splitlines()[-1]
        used = os.times()
        ledger = (folder / "run" / "ledger.jsonl").stat().st_size
        rules = len(RuleBook.load(book))
    top = max(shards for _, _, shards in samples)
    judging = [(at, memory, shards) for at, memory, shards in samples if 0 < shards < top]
    parts = [judging[len(judging) * n // 10 : len(judging) * (n + 1) // 10] for n in range(10)]
    ended = max(at for at, _, shards in samples if shards < top)
    cpu = used.children_user + used.children_system - before.children_user - before.children_system
    return {
        "calls": count,
        "turns_a_call": len(make(0)["turns"]),  # type: ignore[arg-type]  # a list
        "rules": rules,
        "input_bytes": size,
        "ledger_bytes": ledger,
        "shards": top,
        "wall_minutes": wall / 60,
        "wall_minutes_until_all_were_judged": ended / 60,
        "processor_minutes": cpu / 60,
        "megabytes_of_all_processes_in_each_tenth_of_judging": [
            max((m for _, m, _ in part), default=None) for part in parts
        ],
        "megabytes_at_most": max(memory for _, memory, _ in samples),
        "plan": planned,
        "gate": said,
    }


# -- overhead


def pool(folder: Path) -> list[str]:
    """The bare pool: as many processes as the engines have, each judges whole files and writes their lines."""
    return [PYTHON, "-m", "benchmarks.scale", "pool", str(folder)]


def bare(file: Path, out: Path) -> None:
    from pytest_callqa import ledger
    from pytest_callqa.batch import Job, judging
    from pytest_callqa.readers import ReadOptions, find_sidecars, finding

    book = RuleBook.load(BOOK)
    order = tuple(rule.clause for rule in book if rule.portable)
    options = ReadOptions()
    judge = judging(Job(book.root, order, order, options, find_sidecars([str(file)], options)))
    with out.open("wb") as lines:
        for document in finding.documents(str(file)):
            for one in judge(document):
                lines.write(ledger.encode(one.entry))


def run_pool(folder: Path) -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        files = sorted((folder / "calls").iterdir())
        for job in [pool.submit(bare, file, folder / f"{file.stem}.out") for file in files]:
            job.result()


def overhead() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "calls").mkdir()
        write_all(call, CALLS, folder / "calls")
        commands = {
            "pool": pool(folder),
            "local": check(folder, "--engine", "local"),
            "dask": check(folder, "--engine", "dask"),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                costs[name].append(run(command, expect=(0, 1)))

    def over(name: str) -> float:
        pairs = zip(costs[name], costs["pool"], strict=True)
        return sorted(engine.cpu / pool.cpu for engine, pool in pairs)[ROUNDS // 2] - 1

    return {
        "calls": CALLS,
        "processor_seconds": {name: median(taken) for name, taken in costs.items()},
        "wall_seconds": {name: median(taken, "wall") for name, taken in costs.items()},
        "overhead_local": over("local"),
        "overhead_dask": over("dask"),
        "goal_overhead_local_at_most": 0.15,
        "goal_overhead_dask_at_most": 0.60,
    }


def extrapolated(large: dict[str, Any], overhead: dict[str, Any]) -> dict[str, object]:
    """Ten million such calls, from what was measured of a million: shards know nothing of each other.

    On a cluster they cost what Dask takes more than the local engine, which judged the million.
    """
    minutes = 10 * large["processor_minutes"]
    on_cluster = minutes * (1 + overhead["overhead_dask"]) / (1 + overhead["overhead_local"])
    return {
        "calls": 10 * large["calls"],
        "processor_minutes": minutes,
        "processor_minutes_on_a_cluster": on_cluster,
        "minutes_by_processors_of_a_cluster": {str(number): on_cluster / number for number in (16, 64, 256)},
        "input_gigabytes": 10 * large["input_bytes"] / 1e9,
        "ledger_gigabytes": 10 * large["ledger_bytes"] / 1e9,
    }


PARTS: dict[str, Callable[[], dict[str, object]]] = {
    "overhead": overhead,
    "million": lambda: many(short, MILLION, part_of_book),
    "whole": lambda: many(call, MILLION, lambda _: BOOK),
}


def keep(measured: dict[str, dict[str, object]]) -> None:
    """Save what was measured beside what was known before, and what it makes for ten million."""
    path = RESULTS / "scale.json"
    known = (json.loads(path.read_text()) if path.exists() else {}) | measured
    kept = {name: known[name] for name in PARTS if name in known}
    large = kept.get("whole") or kept["million"]
    save("scale", kept | {"ten_million_extrapolated": extrapolated(large, kept["overhead"])})


def main(*parts: str) -> None:
    keep({name: PARTS[name]() for name in parts or ("overhead", "million")})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["pool", folder]:
            run_pool(Path(folder))
        case ["whole", count]:
            print(json.dumps(many(call, int(count), lambda _: BOOK), indent=2))
        case ["extrapolate"]:
            keep({})
        case parts:
            main(*parts)

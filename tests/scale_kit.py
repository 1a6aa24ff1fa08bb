"""What tests of shards share: calls, plans, and a cluster with rules that kill its workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow
from pyarrow import parquet

from harness import CALLS, Project, callqa
from pytest_callqa import cli
from pytest_callqa.batch import Job
from pytest_callqa.readers import ReadOptions, find_sidecars
from pytest_callqa.rules import RuleBook
from pytest_callqa.scale import planning
from pytest_callqa.scale.planning import Plan, make_plan
from pytest_callqa.scale.shards import Terms
from pytest_callqa.supervisor import Limits

DEADLY = """
import os
import signal


def once(name):
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


@rule("2.2", "Ends its process")
def test_ends(call):
    if call.record.id == "call 9" and once("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if call.record.id == "call 19" and os.path.exists("nodes") and once("lost"):
        os.kill(os.getppid(), signal.SIGKILL)  # what would start another
        os.kill(os.getpid(), signal.SIGKILL)
    if call.record.id == "call 25" and os.path.exists("poison"):
        os.kill(os.getpid(), signal.SIGKILL)
"""

_CUT = (
    "import pytest_callqa.scale.planning as p; p.make_plan.__kwdefaults__['size'] = 2000; "
    "import pytest_callqa.scale.engines as e; e.AHEAD = 1; "
)


def check_apart(*arguments: str, calls: str = "calls") -> list[bytes]:
    """As :func:`check`, in small shards and in a process of its own."""
    command = ["check", "--book", "rules", calls, *arguments]
    code = f"{_CUT}from pytest_callqa.cli import main; raise SystemExit(main({command!r}))"
    run = [sys.executable, "-c", f"if __name__ == '__main__':\n    {code}"]
    ended = subprocess.run(run, capture_output=True, text=True, check=False, timeout=240)
    assert ended.returncode in (cli.FINDINGS, cli.NOT_JUDGED), ended.stderr
    return lines_of(Path(".callqa/ledger.jsonl"))


def check(*arguments: str, calls: str = "calls") -> list[bytes]:
    """Judge the calls of the project; the ledger but for when it was begun and ended."""
    callqa("check", "--book", "rules", calls, *arguments)
    return lines_of(Path(".callqa/ledger.jsonl"))


def lines_of(path: Path) -> list[bytes]:
    """A ledger but for its first line and its last."""
    return path.read_bytes().splitlines()[1:-1]


def day(count: int) -> list[dict[str, object]]:
    """That many calls, some good, some not."""
    return [dict(CALLS[number % len(CALLS)], id=f"call {number}") for number in range(count)]


def table(path: Path, rows: list[tuple[str, str, str]], *, rows_a_group: int = 4) -> None:
    """A Parquet table of turns: call, speaker, text."""
    columns = {name: [row[place] for row in rows] for place, name in enumerate(("call", "speaker", "text"))}
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.table(columns), path, row_group_size=rows_a_group)


def plan_of(desk: Project, *paths: str, size: int = planning.SHARD_BYTES, **how: object) -> tuple[Plan, Job]:
    """The plan of a job over the calls of the project."""
    book = RuleBook.load(desk.path / "rules")
    order = tuple(rule.clause for rule in book)
    options = ReadOptions(**how)  # type: ignore[arg-type]  # as a test gives them
    job = Job(book.root, order, order, options, find_sidecars(paths or ["calls"], options))
    return make_plan(Path("plan.jsonl"), job, Terms.of(job, paths or ["calls"], Limits()), size=size), job


@contextmanager
def nodes() -> Iterator[str]:
    """The address of a scheduler with two nodes, each a process that starts its worker in the current folder."""
    begun = [["scheduler", "--no-dashboard", "--host", "127.0.0.1", "--port", "0"]]
    node = ["worker", "--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"]
    begun += [[*node, "--local-directory", f"node-{number}"] for number in range(2)]
    dask = [sys.executable, "-m", "dask"]
    processes = [
        subprocess.Popen([*dask, *arguments, "--scheduler-file", "dask.json"], stderr=subprocess.DEVNULL)
        for arguments in begun
    ]
    try:
        while not os.path.exists("dask.json"):
            time.sleep(0.1)
        yield json.loads(Path("dask.json").read_text())["address"]
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()

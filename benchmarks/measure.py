"""Runs commands in turn and keeps their figures: processor seconds, wall seconds, peak memory."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"

ALONE = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""The environment of a run of pytest without the plugins that happen to be installed here.

Python keeps what it compiles, as it does for everybody who has not forbidden it.
"""
ALONE.pop("PYTHONDONTWRITEBYTECODE", None)


@dataclass(frozen=True)
class Cost:
    """What a command took: processor and wall seconds, with its children; peak kilobytes of its largest process."""

    cpu: float
    wall: float
    peak_kb: int


PYTHON = sys.executable

_WATCH = """
import json, os, sys, time
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
began = time.perf_counter()
process = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(process, 0)
print(json.dumps([usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss]))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a command from a small process: Linux counts to the peak of a process that of the one which started it."""


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    expect: tuple[int, ...] = (0,),
    environment: Mapping[str, str] = ALONE,
) -> Cost:
    """Run a command to its end, its output thrown away."""
    watched = [PYTHON, "-I", "-S", "-c", _WATCH, *command]
    ended = subprocess.run(watched, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode not in expect:
        raise SystemExit(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    return Cost(*json.loads(ended.stdout))


def alternate(commands: Mapping[str, Sequence[str]], rounds: int, **how: object) -> dict[str, list[Cost]]:
    """Run the commands in turn, A B A B …, so that a drift of the machine meets all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(run(command, **how))  # type: ignore[arg-type]  # passed on as given
    return costs


def median(costs: Sequence[Cost], figure: str = "cpu") -> float:
    """The median of one figure."""
    return statistics.median(getattr(cost, figure) for cost in costs)


def save(name: str, figures: Mapping[str, object]) -> None:
    """Print the figures and write them to benchmarks/results/NAME.json with what they were taken on."""
    RESULTS.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "processors": os.cpu_count()}
    text = json.dumps({"benchmark": name, "machine": machine, **figures}, indent=2) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    print(text)

"""What the installed plugin costs a pytest run that does not use it, with it loaded and with it left out.

`pytest --version` of pytest 9 ends before plugins load, so `--version --version`, which lists them, and
a run of one empty test are measured too.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.measure import ALONE, PYTHON, alternate, median, save

HEAVY = {"hypothesis", "jinja2", "rapidfuzz", "msgspec", "yaml"}
PYTEST = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider"]
LOADED = ["-p", "callqa"]
ROUNDS = 15


def main() -> None:
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder) / "test_empty.py"
        test.write_text("def test_nothing(): pass\n", encoding="utf-8")
        runs = {
            "version": ["--version"],
            "version_and_plugins": ["--version", "--version"],
            "empty_test": ["-q", str(test)],
        }
        for name, arguments in runs.items():
            figures[name] = compare([*PYTEST, *arguments])
        figures["heavy_modules_loaded"] = heavy([*PYTEST, *runs["empty_test"], *LOADED])
    save("startup", figures)


def compare(command: list[str]) -> dict[str, float]:
    """Processor time and instructions with the plugin over those without."""
    costs = alternate({"with": [*command, *LOADED], "without": command}, rounds=ROUNDS)
    ratios = sorted(a.cpu / b.cpu for a, b in zip(costs["with"], costs["without"], strict=True))
    found = {
        "cpu_seconds_with": median(costs["with"]),
        "cpu_seconds_without": median(costs["without"]),
        "ratio_cpu": ratios[len(ratios) // 2],
    }
    if shutil.which("valgrind"):
        found["ratio_instructions"] = instructions([*command, *LOADED]) / instructions(command)
    return found


def instructions(command: list[str]) -> int:
    """Instructions of a run, which do not depend on what else the machine does."""
    told = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
        capture_output=True,
        text=True,
        check=True,
        env={**ALONE, "PYTHONHASHSEED": "0"},
    ).stderr
    return int(told.rpartition("Collected :")[2].split()[0])


def heavy(command: list[str]) -> list[str]:
    """The heavy modules such a run imports: none."""
    timed = [PYTHON, "-X", "importtime", *command[1:]]
    told = subprocess.run(timed, capture_output=True, text=True, check=True, env=ALONE).stderr
    return sorted(HEAVY & {line.rpartition("|")[2].strip().partition(".")[0] for line in told.splitlines()})

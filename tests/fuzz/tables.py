"""Damaged Parquet files, read in processes of their own: `python tests/fuzz/tables.py --inputs 100000`.

The library that reads them is not written in Python, so a bad file could end the process; that is told as a find too.
A find names the number of its input, which makes the same bytes again: `fuzzing.damaged_table(number)`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import fuzzing

CHUNK = 2000
"""Inputs of one process."""


def finds(first: int, end: int) -> Iterator[str]:
    """What broke the reading of the inputs of these numbers."""
    while first < end:
        last = min(first + CHUNK, end)
        child = [sys.executable, __file__, "--read", str(first), str(last)]
        done = subprocess.run(child, capture_output=True, text=True, timeout=CHUNK, check=False)
        reached = int(done.stdout.splitlines()[-1])
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"the process ended with {done.returncode}"])[-1]
            yield f"table {reached}: {reason}"
            last = reached + 1
        first = last


def read(first: int, end: int) -> None:
    """Read the inputs of these numbers, and tell each before it is read."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, end):
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            fuzzing.check_file(fuzzing.damaged_table(number), Path(folder) / "damaged.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--read", type=int, nargs=2, metavar=("FIRST", "END"), help="read these here")
    options = parser.parse_args()
    if options.read:
        read(*options.read)
        return
    found = list(finds(0, options.inputs))
    sys.stdout.write("\n".join((*found, f"{options.inputs} tables, {len(found)} finds\n")))


if __name__ == "__main__":
    main()

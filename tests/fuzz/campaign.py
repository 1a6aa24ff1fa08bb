"""A long run, guided by coverage: `python tests/fuzz/campaign.py --inputs 1000000`.

Needs atheris (`pip install atheris`). An input that breaks something is written into the folder it is started from
(`crash-…`): make it small, put it into tests/fuzz/finds and mend the reader. The tests run all finds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pytest_callqa.readers"]):
    import fuzzing

MOST = 8000
"""Bytes of an input."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="write the counts here, as JSON")
    options = parser.parse_args()
    mutator = fuzzing.Mutator(fuzzing.seeds(), options.seed)
    seen: Counter[str] = Counter()
    began = time.monotonic()
    count = 0
    broken: set[str] = set()

    def tell() -> None:
        figures: dict[str, object] = {"inputs": count, "seconds": round(time.monotonic() - began)}
        figures |= {"finds": sorted(broken), "outcomes": dict(seen.most_common())}
        sys.stderr.write(json.dumps(figures) + "\n")
        sys.stderr.flush()
        if options.report:
            options.report.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")

    def one(content: bytes) -> None:
        nonlocal count
        count += 1
        try:
            fuzzing.check(content, seen)
        except Exception as error:  # noqa: BLE001 - kept, and the run goes on
            frame = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__}-{Path(frame.filename).stem}-{frame.lineno}"
            if kind not in broken:
                Path(f"crash-{kind}").write_bytes(content)
                broken.add(kind)
        if count % 50_000 == 0 or count == options.inputs:
            tell()

    def change(content: bytes, most: int, seed: int) -> bytes:
        if seed % 10 == 0:
            return atheris.Mutate(content, most)  # type: ignore[no-any-return]
        changed = mutator.changed(content) if seed % 10 > 5 else mutator.fresh()
        return changed if len(changed) <= most else content

    with tempfile.TemporaryDirectory() as corpus:
        for number, content in enumerate(fuzzing.seeds()):
            (Path(corpus) / str(number)).write_bytes(content)
        limits = [
            f"-atheris_runs={options.inputs}",
            f"-max_len={MOST}",
            "-timeout=20",
            "-rss_limit_mb=2000",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], corpus, f"-seed={options.seed}", *limits], one, custom_mutator=change)
        atheris.Fuzz()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main()

"""Measures which words a recogniser takes for which: `python -m benchmarks.confusions FOLDER`.

FOLDER holds transcripts of the Gridspace-Stanford Harper Valley corpus (CC BY 4.0), which give what was said
(`human_transcript`) beside what the recogniser heard (`transcript`). The table goes into the package, as the
recognition noise of variants: each line is a word, what it was heard as, and how often.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from pytest_callqa.phrases import split_words

NOISE = re.compile(r"\[[^]]*\]|<[^>]*>")
"""How transcripts mark what is no speech."""

TABLE = Path(__file__).parents[1] / "src" / "pytest_callqa" / "scenarios" / "confusions.csv"
HEAD = """\
# What a recogniser heard for what was said, counted on transcripts of the Gridspace-Stanford Harper Valley corpus
# (https://github.com/cricketclub/gridspace-stanford-harper-valley, CC BY 4.0) by benchmarks/confusions.py.
said,heard,times
"""


def confusions(folder: Path) -> Counter[tuple[str, str]]:
    """How often each word was heard as another, or as nothing."""
    counts: Counter[tuple[str, str]] = Counter()
    for file in sorted(folder.glob("*.json")):
        for turn in json.loads(file.read_text(encoding="utf-8")):
            said, heard = (split_words(NOISE.sub(" ", turn[key])) for key in ("human_transcript", "transcript"))
            counts.update(_pairs(said, heard))
    return counts


def _pairs(said: list[str], heard: list[str]) -> Iterator[tuple[str, str]]:
    for step in Levenshtein.opcodes(said, heard):
        words, others = said[step.src_start : step.src_end], heard[step.dest_start : step.dest_end]
        if step.tag == "replace" and len(words) == len(others):
            yield from zip(words, others, strict=True)
        elif step.tag == "delete":
            yield from ((word, "") for word in words)


def main() -> None:
    counts = confusions(Path(sys.argv[1]))
    lines = [f"{said},{heard},{times}\n" for (said, heard), times in sorted(counts.items()) if "," not in said + heard]
    TABLE.write_text(HEAD + "".join(lines), encoding="utf-8")
    print(f"{len(lines)} confusions in {TABLE.name}")


if __name__ == "__main__":
    main()

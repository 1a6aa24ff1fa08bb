"""What redaction finds and touches, and how fast it is: `python -m benchmarks redaction`.

The lines are made up by the tests: a secret of a known kind in what people say around it, and lines that only look so.
Recall is how many secrets were masked in full; precision how many of the lines that were touched held one. Speed is
lines a second of processor time, and beside it that of searching the same lines for figures alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from tests.personal import HARD, LANGUAGES, Line, labelled, tally, ungiven

from benchmarks.measure import save
from pytest_callqa.redact import Level, redactor

LINES = 6000
ON_PURPOSE = ("order number", "case number")
"""Numbers that are masked from five digits on, though they tell nobody outside."""


def figures(language: str) -> dict[str, object]:
    lines = labelled(language, LINES)
    found = tally(lines)
    harmless = ("harmless", *HARD)
    kinds = {kind: each for kind, each in found.items() if kind not in harmless}
    structured = [each for kind, each in kinds.items() if kind != "name"]
    masked = sum(each.hit for each in kinds.values())
    touched = {kind: found[kind].hit for kind in harmless}
    by_mistake = sum(number for kind, number in touched.items() if kind not in ON_PURPOSE)
    return {
        "recall": round(sum(each.hit for each in structured) / sum(each.lines for each in structured), 4),
        "precision": round(masked / (masked + sum(touched.values())), 4),
        "precision but for numbers of orders and cases": round(masked / (masked + by_mistake), 4),
        "recall by kind": {kind: round(each.hit / each.lines, 4) for kind, each in sorted(kinds.items())},
        "harmless lines touched, by kind": {kind: round(touched[kind] / found[kind].lines, 4) for kind in harmless},
        "lines": len(lines),
        "names that no call gives": {level: names(language, level) for level in ("standard", "names")},
    }


def names(language: str, level: Level) -> dict[str, float]:
    """How many names are masked that no call gives, and how many lines that hold none are touched besides."""
    found = tally(ungiven(language, LINES), level)["name not given"]
    harmless = [line for line in labelled(language, LINES) if line.secret is None]
    mistaken = sum(redactor(level=level)(line.text) != redactor()(line.text) for line in harmless)
    return {"recall": round(found.hit / found.lines, 4), "harmless lines touched": round(mistaken / len(harmless), 4)}


def speed(lines: list[Line], handle: Callable[[Line], object]) -> int:
    began = time.process_time()
    for line in lines:
        handle(line)
    return round(len(lines) / (time.process_time() - began))


def main() -> None:
    lines = [line for language in LANGUAGES for line in labelled(language, LINES)]
    redactor()("warm")
    masking = speed(lines, lambda line: redactor(line.names)(line.text))
    searching = speed(lines, lambda line: re.search(r"\d{5,}", line.text))
    save(
        "redaction",
        {
            "languages": {language: figures(language) for language in LANGUAGES},
            "lines a second": masking,
            "lines a second of a search for figures": searching,
        },
    )


if __name__ == "__main__":
    main()

"""What pipelines read, from the same ledgers: one module a format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pytest_callqa.gate.baseline import Baseline
from pytest_callqa.gate.decision import Gate
from pytest_callqa.outputs import document, github, gitlab, markdown, sarif
from pytest_callqa.outputs.results import Results

FORMATS: dict[str, Callable[[Results], Iterator[str]]] = {
    "json": document.pieces,
    "markdown": markdown.pieces,
    "sarif": sarif.pieces,
    "github": github.pieces,
    "gitlab": gitlab.pieces,
}
"""The text of each format, in pieces."""


def pieces(
    name: str, ledgers: Sequence[Path], gate: Gate, baseline: Baseline | None = None, against: str = ""
) -> Iterator[str]:
    """The ledgers in a format of :data:`FORMATS`. Raises :class:`BadInput` for ledgers that cannot be read."""
    return FORMATS[name](Results(ledgers, gate, baseline, against))


__all__ = ["FORMATS", "Results", "pieces"]

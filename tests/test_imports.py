"""Imports run one way, and an idle plugin costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_callqa

PACKAGE = "pytest_callqa"
SOURCE = Path(pytest_callqa.__file__).parent

CORE = [
    "errors",
    "buckets",
    "places",
    "whole",
    "plain",
    "call",
    "semantic",
    "phrases",
    "finding",
    "hearing",
    "rules",
    "verdict",
    "engine",
    "names",
    "redact",
    "ledger",
]
OUTER = {
    "provenance",
    "readers",
    "bots",
    "scenarios",
    "report",
    "gate",
    "outputs",
    "history",
    "options",
    "supervisor",
    "resume",
    "batch",
    "scale",
}
ALLOWED = {
    **{module: set(CORE[:place]) for place, module in enumerate(CORE, 1)},
    "__init__": set(CORE),
    "audio": {"errors", "call", "audio"},
    "readers": {"errors", "places", "plain", "call", "audio", "readers", "names", "redact"},
    "provenance": {*CORE, "readers"},
    "report": {*CORE, "report"},
    "gate": {*CORE, "report", "gate"},
    "outputs": {*CORE, "report", "gate", "outputs"},
    "history": {*CORE, "report", "gate", "history"},
    "options": set(),
    "supervisor": {"errors"},
    "resume": {*CORE},
    "batch": {*CORE, "readers", "supervisor", "resume", "gate"},
    "scale": {*CORE, "readers", "supervisor", "batch", "scale"},
    "tuning": {"errors", "plain", "phrases"},
    "vendors": {"errors", "phrases", "whole"},
    "bots": {*CORE, "bots"},
    "scenarios": {*CORE, "readers", "bots", "scenarios"},
    "inspection": {*CORE, "readers", "report"},
    "plugin": {*CORE, *OUTER, "plugin"},
    "cli": {*CORE, *OUTER, "cli", "tuning", "vendors", "inspection"},
}
"""What each module or package of ours may import of ours."""

ONLY = {"pytest": {"plugin"}, "hypothesis": {"scenarios"}, "jinja2": {"report"}, "_pytest": set()}
"""Who may import these of others'."""


def imported(file: Path) -> Iterator[str]:
    """The full names of the modules a file imports, wherever in it and for types too."""
    package = [PACKAGE, *file.relative_to(SOURCE).parts[:-1]]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = (
                [*package[: len(package) + 1 - node.level], *filter(None, [node.module])]
                if node.level
                else [node.module]
            )
            module = ".".join(filter(None, home))
            # `from pytest_callqa import call` imports a module of ours by its name
            yield from (f"{module}.{name.name}" if module == PACKAGE else module for name in node.names)


def unit(file: Path) -> str:
    """The top-level module or package a file belongs to."""
    return file.relative_to(SOURCE).with_suffix("").parts[0]


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_run_one_way(file: Path) -> None:
    assert unit(file) in ALLOWED, "say in ALLOWED what this module may import"
    for name in imported(file):
        top, _, rest = name.partition(".")
        if top == PACKAGE:
            assert rest.partition(".")[0] in ALLOWED[unit(file)], f"{unit(file)} must not import {name}"
        assert unit(file) in ONLY.get(top, {unit(file)}), f"{unit(file)} must not import {name}"


def test_imports_of_every_form_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    (tmp_path / "readers").mkdir()
    file = tmp_path / "readers" / "some.py"
    file.write_text(
        "import jinja2.ext\nfrom pytest_callqa import call, plain\nfrom pytest_callqa.errors import BadInput\n"
        "from . import other\nfrom ..engine import judge\nfrom .other import x\n"
        "def late():\n    import hypothesis\n"
    )
    assert sorted(imported(file)) == [
        "hypothesis",
        "jinja2.ext",
        "pytest_callqa.call",
        "pytest_callqa.engine",
        "pytest_callqa.errors",
        "pytest_callqa.plain",
        "pytest_callqa.readers",
        "pytest_callqa.readers.other",
    ]


@pytest.mark.parametrize("statement", ["import pytest_callqa", "import pytest_callqa.plugin"])
def test_an_idle_plugin_imports_nothing_heavy(statement: str) -> None:
    heavy = "hypothesis jinja2 rapidfuzz msgspec yaml"
    check = f"{statement}, sys; print(*(set('{heavy}'.split()) & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == []


def test_public_names_load_when_first_used() -> None:
    assert "PhraseBook" in dir(pytest_callqa)
    assert all(getattr(pytest_callqa, name) is not None for name in pytest_callqa.__all__)
    with pytest.raises(AttributeError, match="module 'pytest_callqa' has no attribute 'Phrases'"):
        _ = pytest_callqa.Phrases

"""What is shipped: the wheel carries the rule book, the templates and the types, and runs from there."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def build(folder: Path) -> Path:
    """The project's wheel, built into this folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(build(folder)) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_wheel_carries_book_templates_and_types(wheel: Path) -> None:
    package = wheel / "pytest_callqa"
    for file in (
        "py.typed",
        "book/code.toml",
        "book/script.yaml",
        "book/phrases/en.yaml",
        "book/phrases/zh.yaml",
        "book/situations.py",
    ):
        assert (package / file).is_file(), file
    assert list((package / "report").rglob("*.j2"))
    assert list((package / "book").glob("calls/*.expected.yaml"))


def test_the_shipped_book_is_copied_and_runs(wheel: Path, tmp_path: Path) -> None:
    def callqa(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest_callqa.cli", *arguments]
        environment = {"PYTHONPATH": str(wheel), "PATH": ""}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert "pytest conduct_specs --calls conduct_specs/calls" in callqa("init").stdout
    judged = callqa("check", "conduct_specs/calls", "--jobs", "1")
    assert judged.returncode == 1, judged.stderr
    assert "3.1 Opening" in judged.stdout


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (build(tmp_path / name).read_bytes() for name in ("first", "second"))
    assert first == second


ACCEPTED = re.compile(r"MIT|BSD|Apache|MPL|Mozilla|PSF|Python Software Foundation|ISC|LGPL", re.IGNORECASE)
"""Licences that a team may install beside its own code."""


def needed(name: str, seen: set[str]) -> set[str]:
    """A package and all that it cannot do without."""
    if name.lower() not in seen:
        seen.add(name.lower())
        for line in distribution(name).requires or ():
            if "extra ==" not in line and "sys_platform" not in line and "python_version" not in line:
                needed(re.split(r"[\s<>=!~;\[(]", line, maxsplit=1)[0], seen)
    return seen


def test_everything_that_is_installed_with_it_has_a_licence_we_accept() -> None:
    names = needed("pytest-callqa", set())
    assert {"pytest", "hypothesis", "jinja2", "rapidfuzz", "msgspec", "pyyaml", "python-stdnum"} <= names
    for name in names:
        about = distribution(name).metadata
        classifiers = [text for text in about.get_all("Classifier") or () if text.startswith("License")]
        licences = [text for text in (about.get("License-Expression"), about.get("License"), *classifiers) if text]
        assert any(ACCEPTED.search(text) for text in licences), (name, licences[:3])


def test_what_developers_install_is_pinned() -> None:
    lock = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    pinned: dict[str, set[str]] = {}
    for name, release in re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", lock):
        pinned.setdefault(canonicalize_name(name), set()).add(release)
    assert len(re.findall(r"--hash=sha256:", lock)) > len(pinned)
    assert "://" not in lock, "a lock names no place to install from"
    for line in distribution("pytest-callqa").requires or ():
        needed = Requirement(line)
        if needed.name != "pytest-callqa":
            found = pinned.get(canonicalize_name(needed.name), set())
            assert any(needed.specifier.contains(release) for release in found), f"{line}: run `make lock`"

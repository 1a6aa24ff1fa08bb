"""What is shipped: the wheel carries the rule book, the templates and the types, and runs from there."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_wheel_carries_book_templates_and_types(wheel: Path) -> None:
    package = wheel / "pytest_callqa"
    for file in ("py.typed", "book/code.toml", "book/phrases/en.yaml", "book/phrases/zh.yaml", "book/situations.py"):
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

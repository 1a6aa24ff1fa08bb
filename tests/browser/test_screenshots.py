"""The pictures of the report: there, of views that exist, and taken by the script that says so."""

from __future__ import annotations

import importlib.util
import re
import struct
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from report_ledgers import FULL, written

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
DOCS = Path(__file__).parents[2] / "docs"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("take_screenshots", DOCS / "take_screenshots.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def size(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    head = picture.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", head[16:])
    return width, height


def test_pictures_are_taken_of_the_views(tmp_path: Path, browser: Browser) -> None:
    shots = script()
    taken = {"overview.png": ("#overview", "light", 400), "call.png": ("#call?id=rude", "dark", 500)}
    shots.take(browser, written(tmp_path, *FULL), tmp_path, taken)
    assert [size(tmp_path / name) for name in taken] == [(shots.WIDTH, 400), (shots.WIDTH, 500)]


def test_every_picture_that_is_shown_was_taken() -> None:
    shots = script()
    texts = "".join(page.read_text(encoding="utf-8") for page in (DOCS.parent / "README.md", DOCS / "report.md"))
    assert {Path(path).name for path in re.findall(r"!\[[^]]*\]\(([^)]+\.png)\)", texts)} == set(shots.SHOTS)
    for name, (_, _, height) in shots.SHOTS.items():
        assert size(DOCS / name) == (shots.WIDTH, height)

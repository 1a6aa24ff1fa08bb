"""Fixtures of the suite: a project to run pytest in."""

from __future__ import annotations

import pytest

from harness import Project

pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty folder to put rules and calls into, and to run pytest in."""
    monkeypatch.delenv("CI", raising=False)
    return Project(pytester)

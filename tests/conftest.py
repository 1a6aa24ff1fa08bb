"""Fixtures of the suite: a project to run pytest in."""

from __future__ import annotations

from contextlib import suppress

import pytest

import pytest_callqa.cli
import pytest_callqa.plugin.matrix
import pytest_callqa.plugin.recorder
import pytest_callqa.report.html  # noqa: F401 - a pytest run inside a test drops what it imports first, and classes with it
from harness import Project

with suppress(ImportError):
    import importlib_metadata  # noqa: F401 - Dask's, before Python 3.12: it takes the place of the standard finder

pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty folder to put rules and calls into, and to run pytest in."""
    monkeypatch.delenv("CI", raising=False)
    return Project(pytester)


@pytest.fixture
def desk(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project one stands in, with a rule book and no calls yet."""
    monkeypatch.chdir(project.path)
    return project.book()

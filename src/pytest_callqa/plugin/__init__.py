"""The pytest plugin: options, fixtures and the marker. Everything else loads when there are calls to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_callqa.plugin import options

if TYPE_CHECKING:
    from pytest_callqa.hearing import Hearing, Moment
    from pytest_callqa.plugin.matrix import Matrix
    from pytest_callqa.readers import CallRef, Unreadable
    from pytest_callqa.rules import Code

MATRIX: pytest.StashKey[Matrix] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """See :hook:`pytest_addoption`."""
    options.declare(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; take part in the run only if it names calls or a bot."""
    config.addinivalue_line(
        "markers",
        "conduct(id, severity, section): a conduct rule, added by @rule; for -m \"conduct(severity='critical')\"",
    )
    plays = options.plays(config)
    if options.wanted(config) and not plays:
        from pytest_callqa.plugin.matrix import Matrix
        from pytest_callqa.plugin.settings import settings

        matrix = Matrix(config, settings(config))
        config.stash[MATRIX] = matrix
        config.pluginmanager.register(matrix, "callqa-matrix")
        if not hasattr(config, "workerinput"):
            from pytest_callqa.plugin.recorder import Recorder

            config.pluginmanager.register(Recorder(config, matrix.settings), "callqa-recorder")
    elif plays or options.given(config):
        from pytest_callqa.plugin.generated import register

        register(config)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Mark the functions of rules with their clause, so that ``-m`` and other plugins see it on every item."""
    found = getattr(metafunc.function, "__callqa_rule__", None)
    if found is not None and all(mark.name != "conduct" for mark in getattr(metafunc.function, "pytestmark", ())):
        mark = pytest.mark.conduct(id=found.clause, severity=found.severity, section=found.clause.rpartition(".")[0])
        mark(getattr(metafunc.function, "__func__", metafunc.function))


@pytest.fixture(scope="session")
def _callqa_ref(request: pytest.FixtureRequest) -> object:
    """Where the call of this item is kept; parametrized over all calls. None in batch mode."""
    if MATRIX not in request.config.stash:
        pytest.skip("no calls to judge; name them with --calls PATH")
    return getattr(request, "param", None)


@pytest.fixture
def call(_callqa_ref: CallRef | Unreadable | None, request: pytest.FixtureRequest) -> Hearing | None:
    """The call being judged. In batch mode rules receive it directly, and this is None."""
    if _callqa_ref is None:
        return None
    return request.config.stash[MATRIX].open(_callqa_ref, request.getfixturevalue("code")).heard


@pytest.fixture
def moment() -> Moment:
    """The moment of the rule's situation. The engine gives each to a rule in turn; nothing else can have one."""
    pytest.fail("`moment` is for rules alone: a fixture or a test can ask for `call`", pytrace=False)


@pytest.fixture
def code(request: pytest.FixtureRequest) -> Code:
    """The settings of the rule book this test belongs to."""
    from pytest_callqa.plugin.matrix import code_at, root_of

    return code_at(root_of(request.node))

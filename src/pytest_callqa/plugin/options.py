"""The options of pytest: its flags and their ini twins. Kept light, since every pytest run imports it."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from pytest_callqa.options import ALLOW, BOT, CALLS, FIXTURE, LISTS, SWITCHES, TEXTS

if TYPE_CHECKING:
    import pytest


def declare(parser: pytest.Parser) -> None:
    """Add the options and their ini twins (``callqa_…``)."""
    group = parser.getgroup("callqa", "call quality: judge recorded calls by a code of conduct")
    group.addoption(
        "--calls",
        nargs="+",
        action="extend",
        metavar="PATH",
        default=[],
        help=CALLS,
    )
    group.addoption("--bot", metavar="SPEC", default=None, help=BOT)
    parser.addini("callqa_bot", BOT, type="string", default="")
    group.addoption("--bot-allow", metavar="HOST", action="append", default=[], help=ALLOW)
    parser.addini("callqa_bot_allow", ALLOW, type="linelist", default=[])
    parser.addini("callqa_calls", "calls to judge, one path or pattern a line", type="linelist", default=[])
    for name, (_, text) in TEXTS.items():
        group.addoption(f"--callqa-{name.replace('_', '-')}", dest=f"callqa_{name}", default=None, help=text)
        parser.addini(f"callqa_{name}", text, type="string", default="")
    for name, (metavar, text) in LISTS.items():
        group.addoption(
            f"--callqa-{name}", dest=f"callqa_{name}", action="append", metavar=metavar, default=[], help=text
        )
        parser.addini(f"callqa_{name}", text, type="linelist", default=[])
    for name, text in SWITCHES.items():
        group.addoption(f"--callqa-{name.replace('_', '-')}", dest=f"callqa_{name}", action="store_true", help=text)
        parser.addini(f"callqa_{name}", text, type="bool", default=False)


def plays(config: pytest.Config) -> bool:
    """Whether this run is to generate calls: of customers, or by changing recorded ones."""
    names = ("callqa_script", "callqa_against", "callqa_variants", "callqa_teeth")
    told = [config.getoption(name) or config.getini(name) for name in names]
    return bool(bot_spec(config)) or any(value not in ("", "0", False) for value in told)


def given(config: pytest.Config) -> bool:
    """Whether a conftest gives the bot in a fixture, which counts where nothing else was asked for."""
    return any(
        isinstance(found, ModuleType) and hasattr(found, FIXTURE) for found in config.pluginmanager.get_plugins()
    )


def bot_spec(config: pytest.Config) -> str:
    """The bot that this run is to play against, as it was named."""
    return str(config.getoption("bot") or config.getini("callqa_bot"))


def wanted(config: pytest.Config) -> bool:
    """Whether this run is to judge recorded calls."""
    return bool(config.getoption("calls") or config.getini("callqa_calls"))

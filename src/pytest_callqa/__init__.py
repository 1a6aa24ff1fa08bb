"""Conduct rules as pytest tests over recorded and generated calls. Public names load when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_callqa.call import Call as Call
    from pytest_callqa.call import Case as Case
    from pytest_callqa.call import Event as Event
    from pytest_callqa.call import Turn as Turn
    from pytest_callqa.call import Word as Word
    from pytest_callqa.errors import NotApplicable as NotApplicable
    from pytest_callqa.errors import Undecided as Undecided
    from pytest_callqa.finding import Finding as Finding
    from pytest_callqa.hearing import Hearing as Hearing
    from pytest_callqa.hearing import Moment as Moment
    from pytest_callqa.hearing import Speech as Speech
    from pytest_callqa.phrases import Phrase as Phrase
    from pytest_callqa.phrases import PhraseBook as PhraseBook
    from pytest_callqa.rules import Code as Code
    from pytest_callqa.rules import RuleBook as RuleBook
    from pytest_callqa.rules import every_call as every_call
    from pytest_callqa.rules import rule as rule
    from pytest_callqa.rules import situation as situation
    from pytest_callqa.verdict import Verdict as Verdict

_HOMES = {
    "call": ("Call", "Case", "Event", "Turn", "Word"),
    "errors": ("NotApplicable", "Undecided"),
    "finding": ("Finding",),
    "hearing": ("Hearing", "Moment", "Speech"),
    "phrases": ("Phrase", "PhraseBook"),
    "rules": ("Code", "RuleBook", "every_call", "rule", "situation"),
    "verdict": ("Verdict",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> object:
    """Load a public name from its module (PEP 562), so that an idle plugin costs nothing."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'pytest_callqa' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"pytest_callqa.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

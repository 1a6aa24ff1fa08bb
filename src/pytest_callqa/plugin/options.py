"""Every option once: its flag and its ini twin. Kept light, since every pytest run imports it."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

DEFAULT_LEDGER = ".callqa/ledger.jsonl"
CUSTOMERS = 200
CELLS = 10_000
"""Rules times calls up to which auto makes an item of each."""

GATE = "critical,major,minor,rates"
TIMEOUT = 60
"""Seconds that a call may take in batch mode before its process is ended."""

FIXTURE = "callqa_bot"
"""The fixture of a team's conftest that gives the bot of a run that names none."""

BOT = "play generated customers against this bot, such as twiml:shop.ivr:app/voice or rasa:http://localhost:5005"
ALLOW = "a host besides loopback that the bot may be at"

CALLS = "calls: files, folders, patterns, s3://bucket/folder"

TEXTS = {
    "mode": (
        "auto",
        "cells: a test item for each rule and call; batch: one for each rule; auto chooses by their number",
    ),
    "format": ("auto", "read every call as this format instead of recognising it"),
    "language": ("", "language of calls that name none, such as en or zh"),
    "speech_model": ("", "folder of a faster-whisper model that recognises recordings without a transcript"),
    "organisation": ("", "the organisation agents must name, unless the call says otherwise"),
    "report": ("", "write the HTML report here"),
    "report_text": (
        "evidence",
        "words of calls in the report: none, those around evidence (the default), or full, all the ledger holds",
    ),
    "redact": (
        "standard",
        "off: mask nothing; standard: personal data; names: also names that no call gives; strict: every word that was "
        "said too (default standard)",
    ),
    "ledger": (DEFAULT_LEDGER, f"write the ledger here (default {DEFAULT_LEDGER})"),
    "cells": (str(CELLS), f"rules times calls up to which auto takes cells (default {CELLS})"),
    "script": ("", "play generated customers against this agent's script, such as conduct_specs/script.yaml"),
    "against": (
        "",
        "say the same to this older script or bot, or judge by this older rule book, and tell only what ends otherwise",
    ),
    "variants": ("0", "judge so many variants of each call, and fail the rules whose verdict changes"),
    "customers": ("", f"how many customers are generated (default {CUSTOMERS}, fewer for live bots)"),
    "profile": ("auto", "what generated customers spare the bot: deterministic, live or slow; auto asks the bot"),
    "minutes": ("", "minutes after which no further customer is generated, 0: any (default by the profile)"),
    "requests": ("", "moves after which no further customer is generated, 0: any (default by the profile)"),
    "replays": ("", "times a breach of a bot that is not deterministic is tried again (default by the profile)"),
    "at_once": (
        "",
        "conversations held at the same time with a bot that is not deterministic (default by the profile)",
    ),
    "save_failures": ("", "write the shortest conversation that breaks each rule into this folder, as a native call"),
    "baseline": ("", "a ledger, or the file that `callqa baseline update` wrote: what it holds does not fail the run"),
    "gate": (GATE, f"what fails the run: new findings of these severities, and rates (default {GATE})"),
    "jobs": ("0", "processes in batch mode (default: one a processor)"),
    "timeout": (str(TIMEOUT), f"seconds that a call may take in batch mode (default {TIMEOUT})"),
    "memory": ("0", "megabytes that a process may take in batch mode (default: as many as it likes)"),
}
"""Options that take one value: default and help."""

LISTS = {
    "roles": ("ROLE_MAP", "who the speakers are, such as 0=agent,1=customer"),
    "cases": ("FILE", "table of case records, CSV or JSON, keyed by call or case id"),
    "attestations": ("FILE", "table of attestations of manual clauses, CSV or JSON"),
}
"""Options that may be given more than once: what they take and help."""

SWITCHES = {
    "recordings": "judge the recordings in folders too, and take the pauses of transcripts from those beside them",
    "teeth": "change calls that keep a rule so that they break it, and fail the rules that miss it",
    "strict": "undecided verdicts fail",
    "resume": "go on where the last run ended: judge only what its ledger lacks",
}
"""Options that are on or off: help."""


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

"""What the options say, checked and with their paths resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args

import pytest

from pytest_callqa import places
from pytest_callqa.bots.profiles import PROFILES, SPARED
from pytest_callqa.bots.spec import KINDS
from pytest_callqa.call import Role
from pytest_callqa.errors import BadInput, CallQAError, did_you_mean
from pytest_callqa.gate.decision import Gate
from pytest_callqa.options import TEXTS
from pytest_callqa.plugin.options import bot_spec
from pytest_callqa.provenance import told
from pytest_callqa.readers import FORMATS, ReadOptions, role_map
from pytest_callqa.redact import Level, redactor
from pytest_callqa.report.transcript import TextLevel
from pytest_callqa.supervisor import Limits

Mode: TypeAlias = Literal["auto", "cells", "batch"]


@dataclass(frozen=True)
class Settings:
    """What the options say, checked."""

    calls: tuple[str, ...]
    mode: Mode
    format: str
    language: str
    organisation: str
    report: Path | None
    report_text: TextLevel
    ledger: Path
    cells: int
    jobs: int
    timeout: int
    memory: int
    strict: bool
    redact: Level
    baseline: Path | None = None
    gate: Gate = field(default_factory=Gate)
    script: Path | None = None
    against: str = ""
    variants: int = 0
    teeth: bool = False
    bot: str = ""
    bot_allow: tuple[str, ...] = ()
    profile: str = "auto"
    spared: Mapping[str, int] = field(default_factory=dict)
    save_failures: Path | None = None
    recordings: bool = False
    speech_model: Path | None = None
    resume: bool = False
    cases: tuple[str, ...] = ()
    attestations: tuple[str, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)

    @property
    def limits(self) -> Limits:
        """What a call may take in batch mode."""
        return Limits(self.timeout, self.memory)

    @property
    def reading(self) -> ReadOptions:
        """The part that readers need."""
        return ReadOptions(
            format=self.format,
            roles=self.roles,
            language=self.language,
            cases=self.cases,
            attestations=self.attestations,
            recordings=self.recordings,
            speech_model=str(self.speech_model or ""),
        )

    @property
    def told(self) -> dict[str, str]:
        """What bears on the verdicts, in words."""
        return told(self.reading, self.redact, self.calls, organisation=self.organisation, strict=self.strict)


def settings(config: pytest.Config) -> Settings:
    """The options of this run, checked. Raises :class:`pytest.UsageError` naming option, value and choices."""

    def text(name: str) -> str:
        given = config.getoption(f"callqa_{name}")
        return str(given if given is not None else config.getini(f"callqa_{name}") or TEXTS[name][0])

    def listed(name: str) -> list[str]:
        return [str(item) for item in config.getoption(f"callqa_{name}") or config.getini(f"callqa_{name}")]

    def switch(name: str) -> bool:
        return bool(config.getoption(f"callqa_{name}") or config.getini(f"callqa_{name}"))

    def path(value: str, *, from_ini: bool) -> str:
        """A path of the ini file is relative to it, one of the command line to where it was given."""
        if not from_ini or places.is_remote(value):
            return value
        return str((config.inipath.parent if config.inipath else config.rootpath) / value)

    def paths(name: str) -> tuple[str, ...]:
        return tuple(path(item, from_ini=not config.getoption(f"callqa_{name}")) for item in listed(name))

    def file(name: str) -> Path | None:
        value, given = text(name), config.getoption(f"callqa_{name}")
        in_ini = given is None and bool(config.getini(f"callqa_{name}"))
        return Path(path(value, from_ini=in_ini)) if value else None

    flagged = config.getoption("calls")
    calls = flagged or config.getini("callqa_calls")
    mode = text("mode")
    _choose("--callqa-profile", text("profile"), ("auto", *PROFILES))
    _choose("--callqa-mode", mode, get_args(Mode))
    _choose("--callqa-report-text", text("report_text"), get_args(TextLevel))
    _choose("--callqa-redact", text("redact"), get_args(Level))
    try:
        redactor(level=cast(Level, text("redact")))
    except BadInput as error:
        raise pytest.UsageError(f"--callqa-redact: {error}") from None
    _choose("--callqa-format", text("format"), ("auto", *FORMATS))
    ledger = file("ledger")
    assert ledger is not None
    return Settings(
        calls=tuple(path(str(item), from_ini=not flagged) for item in calls),
        mode=cast(Mode, mode),
        format=text("format"),
        language=text("language"),
        organisation=text("organisation"),
        report=file("report"),
        report_text=cast(TextLevel, text("report_text")),
        ledger=ledger,
        cells=_whole("--callqa-cells", text("cells")),
        jobs=_whole("--callqa-jobs", text("jobs")),
        baseline=file("baseline"),
        gate=gate_of(text("gate")),
        script=file("script"),
        against=text("against") if text("against").partition(":")[0] in KINDS else str(file("against") or ""),
        variants=_whole("--callqa-variants", text("variants")),
        teeth=switch("teeth"),
        bot=bot_spec(config),
        bot_allow=tuple(config.getoption("bot_allow") or config.getini("callqa_bot_allow")),
        profile=text("profile"),
        spared={name: _whole(f"--callqa-{name.replace('_', '-')}", text(name)) for name in SPARED if text(name)},
        save_failures=file("save_failures"),
        timeout=_whole("--callqa-timeout", text("timeout"), least=1),
        memory=_whole("--callqa-memory", text("memory")),
        strict=switch("strict"),
        redact=cast(Level, text("redact")),
        recordings=switch("recordings"),
        speech_model=file("speech_model"),
        resume=switch("resume"),
        cases=paths("cases"),
        attestations=paths("attestations"),
        roles=_roles(listed("roles")),
    )


def _roles(texts: list[str]) -> Mapping[str, Role]:
    """Who the speakers are. Raises :class:`pytest.UsageError` naming the faulty piece."""
    try:
        return role_map(texts)
    except BadInput as error:
        raise pytest.UsageError(str(error)) from None


def gate_of(value: str) -> Gate:
    """What stops a run. Raises :class:`pytest.UsageError` for a word that is none of the choices."""
    try:
        return Gate.parse(value)
    except CallQAError as error:
        raise pytest.UsageError(str(error)) from None


def _choose(flag: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise pytest.UsageError(f"{flag}: {value!r} is none of {', '.join(choices)}.{did_you_mean(value, choices)}")


def _whole(flag: str, value: str, least: int = 0) -> int:
    if not value.isdecimal() or int(value) < least:
        raise pytest.UsageError(f"{flag}: {value!r} is not a whole number{' above 0' if least else ''}")
    return int(value)

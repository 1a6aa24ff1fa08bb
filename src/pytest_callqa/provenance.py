"""What a run rests on, for who audits it: the files it read, each by its digest, and what it was told."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from pytest_callqa import ledger, places
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import ReadOptions, unmasked
from pytest_callqa.redact import Level, redactor


def files_read(path: Path, also: Iterable[str] = ()) -> Iterator[ledger.File]:
    """Every file that the calls of a ledger came from, and those named besides, as they are now.

    A file that is gone since is left out.
    """
    named = dict.fromkeys(also)
    for line in ledger.read(path):
        if isinstance(line, ledger.Entry | ledger.Unread) and line.file:
            named[_file(line.file, named)] = None
    yield from files(named)


def files(names: Iterable[str]) -> Iterator[ledger.File]:
    """These files, as they are now; one that is gone is left out."""
    names = list(names)
    for name, whole in zip(names, unmasked(names), strict=True):
        try:
            with places.of(whole).open(whole) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                yield ledger.File(file=redactor().file(name), sha256=digest, size=file.tell())
        except (OSError, BadInput):
            continue


def _file(source: str, known: Container[str]) -> str:
    """The file of a call's source, which may name a place in it too (``calls.jsonl, line 12``)."""
    before = source.rpartition(", ")[0]
    if before in known:  # which spares asking for every call
        return before
    try:
        return source if places.of(source).is_file(source) else before or source
    except BadInput:
        return source


def told(reading: ReadOptions, redact: Level, calls: Iterable[str] = (), **others: str | bool) -> dict[str, str]:
    """What a run was told that bears on its verdicts, in words, and its calls; what is as usual is left out."""
    usual = ReadOptions()
    others = {"calls": " ".join(map(redactor(level=redact).file, calls)), **others}
    given = {f.name: getattr(reading, f.name) for f in fields(reading)}
    masked = {} if redact == "standard" else {"redact": redact}
    known = {name: value for name, value in given.items() if value != getattr(usual, name)} | others | masked
    return {name.replace("_", " "): _words(value) for name, value in known.items() if value}


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={item}" for name, item in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "yes" if value is True else str(value)

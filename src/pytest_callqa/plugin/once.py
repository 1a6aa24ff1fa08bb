"""One pass for all workers of a run: the first to claim it does it, the others wait for what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from pytest_callqa.errors import CallQAError

T = TypeVar("T")

POLL = 0.05
"""Seconds between two looks at whether the pass is done."""


def run_once(ledger: Path, judge: Callable[[], T], kind: type[T]) -> T:
    """What came of the run's one pass, of this kind. Raises :class:`CallQAError` if the worker that judged has died."""
    claim, done = files(ledger)
    try:
        with os.fdopen(os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return _wait(claim, done, kind)
    try:
        tally = judge()
    except BaseException:
        claim.unlink()  # else the next to ask would wait for ever
        raise
    fresh = done.with_name(f"{done.name}.{os.getpid()}.tmp")
    fresh.write_bytes(msgspec.json.encode(tally))
    fresh.chmod(0o600)
    fresh.replace(done)
    return tally


def files(ledger: Path) -> tuple[Path, Path]:
    """The claim and the tally that lie beside a ledger while its run lasts."""
    return ledger.with_name(f"{ledger.name}.claim"), ledger.with_name(f"{ledger.name}.tally")


def _wait(claim: Path, done: Path, kind: type[T]) -> T:
    while not done.exists():
        holder = claim.read_text(encoding="ascii").strip()
        if holder and not _alive(int(holder)) and not done.exists():
            raise CallQAError("the process that judged the calls has died; run again, the ledger holds what it judged")
        time.sleep(POLL)
    return msgspec.json.decode(done.read_bytes(), type=kind)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True

"""One pass for all workers of a run: the first to claim it does it, the others wait for what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from pytest_callqa.errors import CallQAError
from pytest_callqa.whole import write_whole

T = TypeVar("T")

POLL = 0.05
"""Seconds between two looks at whether the pass is done."""


def run_once(ledger: Path, judge: Callable[[], T], kind: type[T]) -> T:
    """What came of the run's one pass, of this kind.

    Raises :class:`CallQAError` if the worker that judged has died, :class:`Unwritten` when the disk takes no more.
    """
    claim, done = files(ledger)
    while not write_whole(claim, [b"%d" % os.getpid()], new=True):
        if done.exists():
            return msgspec.json.decode(done.read_bytes(), type=kind)
        _look_after(claim, done)
        time.sleep(POLL)
    try:
        tally = judge()
        write_whole(done, [msgspec.json.encode(tally)])
    except BaseException:
        claim.unlink()  # else the next to ask would wait for ever
        raise
    return tally


def files(ledger: Path) -> tuple[Path, Path]:
    """The claim and the tally that lie beside a ledger while its run lasts."""
    return ledger.with_name(f"{ledger.name}.claim"), ledger.with_name(f"{ledger.name}.tally")


def _look_after(claim: Path, done: Path) -> None:
    """See that whoever has the claim lives; it may just have given it up."""
    try:
        holder = int(claim.read_bytes())
    except FileNotFoundError:
        return
    if not _alive(holder) and not done.exists():
        raise CallQAError("the process that judged the calls has died; run again, the ledger holds what it judged")


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True

"""Goes on where a run ended: what a ledger holds of the same calls, rules and settings is not judged again."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path

import msgspec

from pytest_callqa import ledger
from pytest_callqa.verdict import Outcome, Verdict
from pytest_callqa.whole import unwritable, write_whole

_NO_MATTER = ("calls", "strict")
"""What a run was told that decides no verdict."""


def before(path: Path) -> Path:
    """Where the ledger of a run that is resumed is kept until the new one is complete."""
    return path.with_name(f"{path.name}.before")


def make_way(path: Path, *, resume: bool) -> None:
    """Make place for a new ledger, for which :func:`settle` is called in the end.

    To ``resume``, what the old one holds is kept, behind what was kept already; else it is put aside. Killed at any
    moment, it loses nothing that is to be kept. Raises :class:`Unwritten` when the disk takes no more.
    """
    kept = before(path)
    settle(path)
    try:
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "it is no file")
        if resume and path.exists():
            write_whole(kept, chain.from_iterable(_pieces(source) for source in (kept, path) if source.exists()))
        elif not resume:
            kept.unlink(missing_ok=True)
            if path.exists():
                os.replace(path, _aside(path))
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None


def settle(path: Path) -> None:
    """Put the ledger back that :func:`make_way` put aside, unless a new one was begun."""
    if path.exists():
        _aside(path).unlink(missing_ok=True)
    elif _aside(path).exists():
        os.replace(_aside(path), path)


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.old")


def _pieces(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        yield from file
    yield b"\n"  # the last line may have been cut off


class Former:
    """What former runs gave under the rules and settings of this ``run``, by the content of the calls.

    Only the places of their lines are held in memory. The ``begun`` calls were judged in a process that a call could
    end.
    """

    def __init__(self, path: Path, run: ledger.Run) -> None:
        self._run = run
        self._places: dict[bytes, list[tuple[int, tuple[str, ...]]]] = {}
        self.begun: set[bytes] = set()
        self._path = before(path)
        order: tuple[str, ...] | None = None
        for place, line in self._lines():
            if isinstance(line, ledger.Run):
                same = line.version == run.version and _deciding(line) == _deciding(run)
                order = tuple(rule.clause for rule in line.rules) if same else None
            elif isinstance(line, ledger.Begun):
                self.begun.add(bytes.fromhex(line.content))
            elif isinstance(line, ledger.Entry) and line.content and order is not None:
                self._places.setdefault(bytes.fromhex(line.content), []).append((place, order))

    def _lines(self) -> Iterator[tuple[int, ledger.LedgerLine]]:
        if not self._path.exists():
            return
        place = 0
        with self._path.open("rb") as file:
            for line in file:
                with suppress(ValueError, msgspec.MsgspecError):  # cut off or changed: what it said is judged again
                    yield place, ledger.decode(line)
                place += len(line)

    def verdicts(self, content: bytes) -> Mapping[str, Verdict]:
        """What is known of a call with this digest, by clause."""
        known: dict[str, Verdict] = {}
        if content not in self._places:
            return known
        with self._path.open("rb") as file:
            for place, order in self._places[content]:
                file.seek(place)
                entry = ledger.decode(file.readline())
                assert isinstance(entry, ledger.Entry)
                known = verdicts_of(entry, order) | known
        return known


def verdicts_of(entry: ledger.Entry, order: tuple[str, ...]) -> dict[str, Verdict]:
    """The verdicts that an entry holds, by clause: as they were, but for the evidence of what is no breach."""
    doubts = {clause: reason for reason, clauses in entry.doubts.items() for clause in clauses}
    known = {}
    for clause, letter in zip(order, entry.verdicts, strict=True):
        if letter == ledger.NOT_RUN:
            continue
        outcome = Outcome.of_letter(letter)
        found = entry.found.get(clause)
        known[clause] = Verdict(
            clause=clause,
            outcome=Outcome.FAILED if outcome is Outcome.WAIVED else outcome,  # waivers are looked at anew
            reason=found.reason if found else doubts.get(clause, ""),
            moments=entry.moments.get(clause, outcome in (Outcome.PASSED, Outcome.FAILED)),
            broken=found.broken if found else 0,
            start=found.start if found else None,
            line=found.line if found else "",
            evidence=found.evidence if found else (),
        )
    return known


def _deciding(run: ledger.Run) -> dict[str, str]:
    return {name: value for name, value in run.settings.items() if name not in _NO_MATTER}

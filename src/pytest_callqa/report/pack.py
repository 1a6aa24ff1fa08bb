"""What the page's script reads: an index of all calls and shards of calls in full, compressed as they come.

A payload is gzipped JSON in base64. The index is in parts of so many calls: their ids, whose and when they were, and
all their verdicts as the ledger writes them. A shard holds calls in full, in the order of the index. All of it goes
into a file as it is made, so that memory does not grow with the number of calls.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import msgspec

from pytest_callqa import ledger
from pytest_callqa.report.transcript import TextLevel, tell

PART_CALLS = 4096
"""Calls in a part of the index."""

SHARD_BYTES = 2**18
"""JSON from which a shard is closed: what the browser unpacks to open a call."""

_FASTEST_SMALL = 6
_GZIP = 31


class Part(msgspec.Struct):
    """Calls in columns; agents, teams and languages as places in the lists of :class:`Book`. Lengths in seconds."""

    ids: list[str] = []
    agents: list[int] = []
    teams: list[int] = []
    languages: list[int] = []
    started: list[str] = []
    lengths: list[int] = []
    verdicts: str = ""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What the script must know before any call: the rules, the names the parts refer to, where shards begin."""

    rules: tuple[ledger.RuleLine, ...]
    sections: dict[str, str]
    weights: dict[str, float]
    version: str
    text: TextLevel
    small: int
    agents: list[str]
    teams: list[str]
    languages: list[str]
    shards: list[int]
    folder: str = ""
    edition: str = ""


class Packer:
    """Takes calls one by one; their payloads lie one after another in ``file``."""

    def __init__(self, run: ledger.Run, level: TextLevel, file: BinaryIO, folder: Path) -> None:
        self.run, self.level, self.folder = run, level, folder
        self.shards: list[int] = []
        self.names: tuple[dict[str, int], ...] = ({}, {}, {})
        self.places: dict[str, list[tuple[int, int]]] = {"part": [], "shard": []}
        self.size = 0
        self._file = file
        self._shown = hashlib.sha256()
        self._order = {rule.clause: place for place, rule in enumerate(run.rules)}
        self._encoder = msgspec.json.Encoder()
        self._part = Part()
        self._letters: list[str] = []
        self._shard: list[bytes] = []
        self._waiting = 0
        self._calls = 0

    def add(self, entry: ledger.Entry) -> None:
        """Put a call into the index and into a shard."""
        if not self._shard:
            self.shards.append(self._calls)
        part = self._part
        part.ids.append(entry.call)
        columns = (part.agents, part.teams, part.languages)
        for column, names, name in zip(columns, self.names, (entry.agent, entry.team, entry.language), strict=True):
            column.append(names.setdefault(name, len(names)))
        part.started.append(entry.started)
        part.lengths.append(-1 if entry.duration is None else round(entry.duration))
        self._letters.append(entry.verdicts)
        told = msgspec.structs.replace(
            tell(self.run, self._order, entry, self.level), recording=recording_beside(entry, self.folder)
        )
        self._shard.append(self._encoder.encode(told))
        self._waiting += len(self._shard[-1])
        self._calls += 1
        if len(part.ids) == PART_CALLS:
            self._close_part()
        if self._waiting >= SHARD_BYTES:
            self._close_shard()

    def finish(self) -> None:
        """Close what is open."""
        if self._part.ids:
            self._close_part()
        if self._shard:
            self._close_shard()

    def _close_part(self) -> None:
        self._part.verdicts = "".join(self._letters)
        self._store("part", self._encoder.encode(self._part))
        self._part, self._letters = Part(), []

    def _close_shard(self) -> None:
        self._store("shard", b"[" + b",".join(self._shard) + b"]")
        self._shard, self._waiting = [], 0

    def _store(self, kind: str, data: bytes) -> None:
        packed = packed_text(data)
        self.places[kind].append((self.size, len(packed)))
        self.size += self._file.write(packed)
        self._shown.update(packed)

    @property
    def edition(self) -> str:
        """What the files of these calls are named by, so that those of another report are not taken for them."""
        return self._shown.hexdigest()[:12]

    def payloads(self, kind: str) -> Iterator[str]:
        """The payloads of a kind (``part``, ``shard``) in their order."""
        for place, length in self.places[kind]:
            self._file.seek(place)
            yield self._file.read(length).decode()

    def book(self, *, small: int, folder: str = "") -> str:
        """The payload of :class:`Book`; ``folder`` is where the shards are, when they are not in the page."""
        agents, teams, languages = (list(names) for names in self.names)
        book = Book(
            rules=self.run.rules,
            sections=self.run.sections,
            weights=self.run.weights,
            version=self.run.version,
            text=self.level,
            small=small,
            agents=agents,
            teams=teams,
            languages=languages,
            shards=self.shards,
            folder=folder,
            edition=self.edition,
        )
        return packed_text(self._encoder.encode(book)).decode()


def packed_text(data: bytes) -> bytes:
    """Gzipped, in base64; the same data gives the same text."""
    packer = zlib.compressobj(_FASTEST_SMALL, zlib.DEFLATED, _GZIP)
    return base64.b64encode(packer.compress(data) + packer.flush())


def recording_beside(entry: ledger.Entry, folder: Path) -> str:
    """The address of the call's recording as seen from a page in this folder; "" when it is not there.

    One that lies beside the page, or in ``recordings`` there, comes first: a report may be moved with its recordings.
    """
    if not entry.recording:
        return ""
    path = Path(entry.recording)
    for here in (path.name, f"recordings/{path.name}", os.path.relpath(path, folder)):
        if (folder / here).is_file():
            return quote(here)
    return ""

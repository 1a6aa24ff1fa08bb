"""A plan: which calls there are, cut into shards; a file of JSON lines that any engine can carry out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from pytest_callqa import ledger
from pytest_callqa.batch import Job
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import find_files, finding, source, turntables
from pytest_callqa.scale import shards
from pytest_callqa.scale.shards import Piece, Shard, Terms
from pytest_callqa.whole import write_whole

SHARD_BYTES = 4 * 2**20
"""Bytes after which a shard is full: about a thousand calls, some seconds of work."""

_decode = msgspec.json.Decoder(Terms | Shard | ledger.File).decode


class Plan:
    """A plan on disk. Its lines are read when they are needed, so that memory does not grow with the calls."""

    def __init__(self, path: Path) -> None:
        """Raises :class:`BadInput` for a file that is no plan."""
        self.path = path
        self.shards = self.calls = self.size = 0
        lines = self.lines()
        terms = next(lines, None)
        if not isinstance(terms, Terms):
            raise BadInput("does not begin with the terms of a plan: make one with callqa plan", file=str(path))
        self.terms = shards.encode(terms)
        for line in lines:
            if isinstance(line, Shard):
                self.shards += 1
                self.calls += line.calls
                self.size += line.size

    def lines(self) -> Iterator[Terms | Shard | ledger.File]:
        """Every line. Raises :class:`BadInput` for one that is none."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield _decode(line)
                except msgspec.MsgspecError:
                    where = f"line {number}"
                    raise BadInput("is no line of a plan: plan again", file=str(self.path), place=where) from None

    def __iter__(self) -> Iterator[Shard]:
        return (line for line in self.lines() if isinstance(line, Shard))

    def files(self) -> Iterator[ledger.File]:
        """The files that the calls are in."""
        return (line for line in self.lines() if isinstance(line, ledger.File))

    def without(self, done: set[str]) -> Iterator[Shard]:
        """The shards that are still to be judged."""
        return (shard for shard in self if shard.key not in done)


def make_plan(path: Path, job: Job, terms: Terms, *, size: int = SHARD_BYTES) -> Plan:
    """Plan the job: every file under the paths of the terms is read once, for its calls and its digest.

    Raises :class:`BadInput` as :func:`find_files` does, and for a file whose name is no text.
    """
    try:
        begun = shards.encode(terms)
        lines = _planned(find_files(terms.paths, job.options), job, begun, size)
        write_whole(path, (line + b"\n" for line in lines))
    except UnicodeEncodeError as error:
        raise BadInput(f"{error.object!r} is no name that all systems read alike: rename the file") from None
    return Plan(path)


def _planned(files: Iterable[str], job: Job, terms: bytes, size: int) -> Iterator[bytes]:
    yield terms
    pieces: list[Piece] = []
    filled = 0
    for file in files:
        cut, whole = _cut(file, size)
        beside = shards.beside(file, job.options, job.sidecars)
        for piece in cut:
            pieces.append(msgspec.structs.replace(piece, beside=beside))
            filled += piece.size
            if filled >= size:
                yield shards.encode(shards.shard_of(terms, pieces))
                pieces, filled = [], 0
        if whole.sha256:
            yield shards.encode(whole)
    if pieces:
        yield shards.encode(shards.shard_of(terms, pieces))


def _cut(file: str, size: int) -> tuple[list[Piece], ledger.File]:
    """A file in pieces that a shard can hold, if it can be cut, and the file itself."""
    try:
        how = finding.divisible(file)
        if how == "lines" and (found := _lines(file, size)):
            return found
        rows = turntables.parquet_parts(file, size) if how == "rows" else []
    except BadInput:  # which its worker will tell
        rows = []
    whole = ledger.File(file=file, sha256=shards.digest_of(file), size=source.size_of(file))
    if not rows:
        calls = sum(1 for _ in finding.documents(file))
        return [Piece(file=file, digest=whole.sha256, size=whole.size, calls=calls)], whole
    each = whole.size // len(rows)
    return [Piece(file=file, digest=whole.sha256, size=each, calls=part.calls, rows=part) for part in rows], whole


def _lines(file: str, size: int) -> tuple[list[Piece], ledger.File] | None:
    """JSON Lines in pieces of whole lines, unless one of them is too long to be read at once."""
    pieces: list[Piece] = []
    whole = hashlib.sha256()
    offset = number = 0
    with source.stored(file) as stream:
        while block := stream.read(size):
            if not block.endswith(b"\n"):
                block += stream.readline(source.MAX_CALL + 1)
            if len(block) > size + source.MAX_CALL:
                return None
            whole.update(block)
            calls = sum(1 for line in block.split(b"\n") if line and not line.isspace())
            digest = hashlib.sha256(block).hexdigest()
            pieces.append(Piece(file=file, digest=digest, size=len(block), calls=calls, offset=offset, number=number))
            offset += len(block)
            number += block.count(b"\n")
    return pieces, ledger.File(file=file, sha256=whole.hexdigest(), size=offset)

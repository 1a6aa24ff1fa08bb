"""A shard: calls that are judged as a whole, to the same bytes wherever that happens."""

from __future__ import annotations

import faulthandler
import gc
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from threading import Lock

import msgspec

from pytest_callqa import ledger, places
from pytest_callqa.batch import Job, Judge, Judged, Told, judging, tell
from pytest_callqa.errors import BadInput, CallQAError
from pytest_callqa.readers import (
    Document,
    ReadOptions,
    Sidecars,
    Unreadable,
    columnmap,
    find_sidecars,
    finding,
    recordings,
    source,
    turntables,
)
from pytest_callqa.redact import Level
from pytest_callqa.rules import book_version
from pytest_callqa.scale.store import open_store
from pytest_callqa.supervisor import Limits

TOOL = "pytest-callqa"


class Terms(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="terms"):
    """What every shard of a plan is judged by, and all that a worker needs to know, wherever it is.

    ``book`` is the folder of the rule book of this ``version``, ``paths`` are where the calls were looked for.
    """

    tool: str
    book: str
    version: str
    clauses: tuple[str, ...]
    paths: tuple[str, ...]
    reading: ReadOptions
    organisation: str = ""
    redact: Level = "standard"
    waivers: tuple[ledger.Waiver, ...] = ()
    limits: Limits = Limits()

    @classmethod
    def of(cls, job: Job, paths: Iterable[str], limits: Limits) -> Terms:
        """The terms of a job over the calls under these paths."""
        return cls(
            tool=version(TOOL),
            book=str(job.root),
            version=book_version(job.root),
            clauses=job.clauses,
            paths=tuple(paths),
            reading=job.options,
            organisation=job.organisation,
            redact=job.redact,
            waivers=job.waivers,
            limits=limits,
        )

    def job(self) -> Job:
        """The job, for this process.

        Raises :class:`CallQAError` if another version of the tool or of the book is installed here, and what
        :func:`find_sidecars` raises.
        """
        root = Path(self.book)
        here = version(TOOL)
        if here != self.tool:
            raise CallQAError(f"the plan was made by {TOOL} {self.tool}, and here is {here}: install the same")
        if not root.is_dir() or (found := book_version(root)) != self.version:
            what = f"version {found}" if root.is_dir() else "nothing"
            raise CallQAError(
                f"{root}: the plan is by version {self.version} of this rule book, and here is {what}: put the book "
                "where all workers find it, or plan again"
            )
        sidecars = find_sidecars(self.paths, self.reading)
        kept = self.organisation, self.redact, self.waivers
        return Job(root, self.clauses, self.clauses, self.reading, sidecars, *kept)


class Piece(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A file, or the part of one from the byte ``offset`` or of these ``rows``.

    ``digest`` is of its bytes (for rows: of the whole file), ``beside`` of the files that say more of its calls,
    ``size`` is in bytes, and ``number`` counts the lines before it.
    """

    file: str
    digest: str
    size: int
    calls: int
    beside: str = ""
    offset: int = -1
    number: int = 0
    rows: turntables.Rows | None = None


class Shard(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="shard"):
    """Calls that are judged as a whole; ``key`` names their result, and nothing else has this name."""

    key: str
    pieces: tuple[Piece, ...]

    @property
    def calls(self) -> int:
        """How many there are."""
        return sum(piece.calls for piece in self.pieces)

    @property
    def size(self) -> int:
        """Bytes that are read."""
        return sum(piece.size for piece in self.pieces)


class Seal(msgspec.Struct, frozen=True, tag_field="kind", tag="seal"):
    """The last line of a shard's result: whose it is, of how many calls, and the digest of what is before it."""

    key: str
    calls: int
    sha256: str


_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_terms = msgspec.json.Decoder(Terms).decode
_decode_shard = msgspec.json.Decoder(Shard).decode
_decode_seal = msgspec.json.Decoder(Seal).decode
_decode_place = msgspec.json.Decoder(tuple[str, str, Document]).decode


def shard_of(terms: bytes, pieces: Iterable[Piece]) -> Shard:
    """The shard of these pieces under encoded terms."""
    pieces = tuple(pieces)
    return Shard(key=hashlib.sha256(terms + b"\n" + _encode(pieces)).hexdigest(), pieces=pieces)


def encode(line: Terms | Shard | ledger.File) -> bytes:
    """A line of a plan, without its line feed."""
    return _encode(line)


# -- what is read


def documents(shard: Shard, job: Job) -> Iterator[Document | Unreadable]:
    """The documents of a shard, in order. Raises :class:`BadInput` for a file that has changed since it was planned."""
    for piece in shard.pieces:
        if beside(piece.file, job.options, job.sidecars) != piece.beside:
            raise _changed(piece.file, "what lies beside it")
        yield from _documents(piece)


def _documents(piece: Piece) -> Iterator[Document | Unreadable]:
    if piece.offset >= 0:
        with source.stored(piece.file) as stream:
            stream.seek(piece.offset)
            data = stream.read(piece.size)
        if hashlib.sha256(data).hexdigest() != piece.digest:
            raise _changed(piece.file, "the file")
        yield from source.lines(piece.file, BytesIO(data), number=piece.number, offset=piece.offset)
        return
    if digest_of(piece.file) != piece.digest:
        raise _changed(piece.file, "the file")
    if piece.rows is None:
        yield from finding.documents(piece.file)
        return
    try:
        yield from turntables.parquet_calls(piece.file, piece.rows)
    except BadInput as error:
        yield source.unreadable(Document(piece.file), error)


def _changed(file: str, what: str) -> BadInput:
    return BadInput(f"{what} has changed since the calls were planned: start again", file=file)


def beside(file: str, options: ReadOptions, sidecars: Sidecars) -> str:
    """A digest of all that bears on the calls of a file and is not in it; empty if there is nothing."""
    near = [*sidecars.files(file), *columnmap.map_places(file)]
    if options.recordings and (recording := recordings.beside(file)):
        near.append(recording)
    found = [digest for name in near if (digest := digest_of(name))]
    return hashlib.sha256(" ".join(found).encode()).hexdigest() if found else ""


def digest_of(file: str) -> str:
    """The SHA-256 of a file as it is stored; empty if there is none that can be read."""
    try:
        return _digest_of(file, places.of(file).about(file))
    except (OSError, BadInput):
        return ""


@lru_cache(maxsize=1024)
def _digest_of(file: str, about: places.About) -> str:
    with places.of(file).open(file) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# -- what is told


def told(judged: Iterable[Judged]) -> bytes:
    """Calls as a result holds them: two lines each, what the reducer must know of it and its line of the ledger."""
    return b"".join(
        _encode(_known(id, content, document)) + b"\n" + line for id, content, document, line in map(tell, judged)
    )


def _known(id: str, content: str, document: Document) -> tuple[str, str, Document]:
    """By what another call is known to be the same, or to have the same id, which may be a person's number."""
    plain = not content or id == source.identity(document)
    return id if plain else hashlib.sha256(id.encode()).hexdigest(), content, document


def sealed(key: str, calls: bytes) -> bytes:
    """The result of a shard of calls as :func:`told` tells them."""
    seal = Seal(key, calls.count(b"\n") // 2, hashlib.sha256(calls).hexdigest())
    return calls + _encode(seal) + b"\n"


def unsealed(key: str, result: bytes) -> Iterator[Told]:
    """The calls of a result; those that are not named after their files have a digest of their id for it.

    Raises :class:`CallQAError` for one that is not as it was written.
    """
    end = result.rfind(b"\n", 0, -1) + 1
    try:
        seal = _decode_seal(result[end:])
    except msgspec.DecodeError:
        seal = None
    if seal is None or seal.key != key or hashlib.sha256(memoryview(result)[:end]).hexdigest() != seal.sha256:
        raise CallQAError(f"the result of shard {key} is damaged: delete it from the store and start again")
    lines = BytesIO(result)
    for _ in range(seal.calls):
        call, content, document = _decode_place(lines.readline())
        yield call, content, document, lines.readline()


# -- judging a shard by itself, on whatever machine


_ALONE = Lock()
"""Held while a shard is judged: threads of one process would only wait for each other, and share its watch."""


def carry_out(terms: bytes, shard: bytes, store: str) -> str:
    """Judge a shard, both as lines of a plan, and keep the result in a store, unless it is there already.

    This is all that a worker of whatever system has to call. A call that takes longer than the limit ends the process:
    it is for that system to start another. Returns the shard's key. Raises :class:`CallQAError`.
    """
    asked, place = _decode_shard(shard), open_store(store)
    if place.get(asked.key) is None:
        place.put(asked.key, judge_shard(terms, asked))
    return asked.key


def judge_shard(terms: bytes, shard: Shard) -> bytes:
    """The result of a shard under encoded terms. Raises :class:`CallQAError`."""
    with _ALONE:
        job, seconds, judge = _ready(terms)
        calls = []
        with _watched(), _uncollected():
            for document in documents(shard, job):
                faulthandler.dump_traceback_later(seconds, exit=True, file=2)
                calls.append(told(judge(document)))
        return sealed(shard.key, b"".join(calls))


@lru_cache(maxsize=1)
def _ready(terms: bytes) -> tuple[Job, float, Judge]:
    asked = _decode_terms(terms)
    job = asked.job()
    judge = judging(job)
    gc.collect()
    gc.freeze()
    return job, asked.limits.seconds, judge


@contextmanager
def _watched() -> Iterator[None]:
    """When it ends, nobody watches for a call that takes too long."""
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, for which a judged call leaves nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

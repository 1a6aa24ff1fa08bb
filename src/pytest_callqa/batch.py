"""One streaming pass over many calls: read, judge by all portable rules at once, write a ledger line each."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pytest_callqa import ledger
from pytest_callqa.call import Call
from pytest_callqa.engine import hear, judge
from pytest_callqa.readers import Document, Duplicates, ReadOptions, Sidecars, Unreadable, digest, read_document
from pytest_callqa.redact import redactor
from pytest_callqa.rules import RuleBook

CHUNK_CALLS = 64
CHUNK_BYTES = 2**20
WORST_KEPT = 10
"""Failing calls kept by rule for the terminal; the ledger has them all."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker needs to know: the book (a folder), the ledger's order, the clauses to judge, how to read."""

    root: Path
    order: tuple[str, ...]
    clauses: tuple[str, ...]
    options: ReadOptions
    sidecars: Sidecars
    organisation: str = ""
    show_text: bool = False


class Failing(msgspec.Struct, frozen=True):
    """A failing call, for a rule's short list: how many moments broke, where the worst is, and why."""

    call: str
    broken: int
    start: float | None
    reason: str


class Tally(msgspec.Struct):
    """What became of the calls, by rule: ``counts`` of outcomes and the ``worst`` failing calls, most broken first."""

    calls: int = 0
    unreadable: int = 0
    counts: dict[str, dict[str, int]] = {}
    worst: dict[str, list[Failing]] = {}

    def add(self, order: tuple[str, ...], entry: ledger.Entry | ledger.Unread) -> None:
        """Count one call."""
        if isinstance(entry, ledger.Unread):
            self.unreadable += 1
            return
        self.calls += 1
        for clause, letter in zip(order, entry.verdicts, strict=True):
            counts = self.counts.setdefault(clause, {})
            counts[letter] = counts.get(letter, 0) + 1
        for clause, found in entry.found.items():
            worst = self.worst.setdefault(clause, [])
            worst.append(Failing(entry.call, found.broken, found.start, found.reason))
            if len(worst) > 2 * WORST_KEPT:
                self._trim(clause)

    def _trim(self, clause: str) -> None:
        self.worst[clause] = sorted(self.worst[clause], key=lambda f: -f.broken)[:WORST_KEPT]

    def finish(self) -> Tally:
        """The tally with its short lists cut to length."""
        for clause in self.worst:
            self._trim(clause)
        return self


class _Judged(msgspec.Struct, frozen=True):
    """A call as a worker hands it back: its entry, and what tells it from another of the same id."""

    entry: ledger.Entry | ledger.Unread
    document: Document
    digest: bytes = b""


class _Worker:
    """What a worker process keeps: the rules of the job, ready to judge."""

    def __init__(self, job: Job) -> None:
        book = RuleBook.load(job.root)
        wanted = set(job.clauses)
        self.job = job
        self.code = book.code
        self.rules = [rule for rule in book if rule.clause in wanted]

    def judge(self, documents: list[Document | Unreadable]) -> list[_Judged]:
        """Judge every call of the documents."""
        return [judged for document in documents for judged in self._document(document)]

    def _document(self, document: Document | Unreadable) -> Iterator[_Judged]:
        if isinstance(document, Unreadable):
            yield _Judged(unread(document), Document(document.file, document.place))
            return
        here = Document(document.file, document.place, offset=document.offset)
        for call in read_document(document, self.job.options, self.job.sidecars):
            if isinstance(call, Unreadable):
                yield _Judged(unread(call), here)
            else:
                yield _Judged(self._call(call), here, digest(call))

    def _call(self, call: Call) -> ledger.Entry:
        job = self.job
        heard = hear(call, self.code, language=job.options.language, organisation=job.organisation)
        verdicts = [judge(rule, heard, self.code, quotes=0) for rule in self.rules]
        entry = ledger.call_entry(job.order, heard, verdicts, redactor(call.names, off=job.show_text))
        heard.forget()
        return entry


_worker: _Worker | None = None


def _begin(job: Job) -> None:
    global _worker
    _worker = _Worker(job)
    # The book stays for good, and a judged call is let go at once (`Hearing.forget`): what little refers to itself
    # is collected after each chunk, not whenever a few hundred objects were made.
    gc.collect()
    gc.freeze()
    gc.disable()


def _work(documents: list[Document | Unreadable]) -> list[_Judged]:
    assert _worker is not None
    judged = _worker.judge(documents)
    gc.collect()
    return judged


def unread(call: Unreadable) -> ledger.Unread:
    """An unreadable call as a ledger line."""
    return ledger.Unread(call=call.id, file=call.file, place=call.place, problem=call.problem)


def judge_documents(
    documents: Iterable[Document | Unreadable], job: Job, *, jobs: int = 0
) -> Iterator[ledger.Entry | ledger.Unread]:
    """Judge a stream of documents in order with ``jobs`` processes (0: one a processor).

    Memory does not grow with the number of calls but for the ids seen, which find a call given twice.
    """
    seen = Duplicates()
    for judged in _in_order(_chunks(documents), job, jobs or os.cpu_count() or 1):
        for one in judged:
            if isinstance(one.entry, ledger.Unread):
                yield one.entry
                continue
            known_as = seen.admit(one.entry.call, one.digest, one.document)
            if isinstance(known_as, Unreadable):
                yield unread(known_as)
            elif known_as is not None:
                yield one.entry if known_as == one.entry.call else msgspec.structs.replace(one.entry, call=known_as)


def _chunks(documents: Iterable[Document | Unreadable]) -> Iterator[list[Document | Unreadable]]:
    chunk: list[Document | Unreadable] = []
    size = 0
    for document in documents:
        chunk.append(document)
        size += len(document.data or b"") if isinstance(document, Document) else 0
        if len(chunk) >= CHUNK_CALLS or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _in_order(chunks: Iterator[list[Document | Unreadable]], job: Job, jobs: int) -> Iterator[list[_Judged]]:
    """Map the chunks over processes, a bounded number ahead; a single chunk is judged in this process."""
    begun = list(itertools.islice(chunks, 2))
    chunks = itertools.chain(begun, chunks)
    if len(begun) < 2 or jobs == 1:
        worker = _Worker(job)
        yield from (worker.judge(chunk) for chunk in chunks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(job,)) as pool:
        ahead: deque[Future[list[_Judged]]] = deque()
        for chunk in chunks:
            ahead.append(pool.submit(_work, chunk))
            if len(ahead) > 4 * jobs:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

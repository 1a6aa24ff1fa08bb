"""One streaming pass over many calls: read, judge by all portable rules at once, write a ledger line each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from pytest_callqa import ledger
from pytest_callqa.call import Call, digest
from pytest_callqa.engine import hear, judge
from pytest_callqa.errors import BadInput
from pytest_callqa.gate.waivers import waive
from pytest_callqa.readers import (
    Document,
    Duplicates,
    ReadOptions,
    Sidecars,
    Unreadable,
    read_document,
    unreadable,
)
from pytest_callqa.redact import Level, redactor
from pytest_callqa.resume import Former
from pytest_callqa.rules import RuleBook
from pytest_callqa.supervisor import ATTEMPTS, Limits, Process, Say, Supervisor
from pytest_callqa.verdict import Outcome, Verdict

CHUNK_CALLS = 64
CHUNK_BYTES = 2**20
WORST_KEPT = 10
"""Failing calls kept by rule for the terminal; the ledger has them all."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker needs to know: the book (a folder), the ledger's order, the clauses to judge, how to read.

    ``resume`` names the ledger of a run that goes on where another ended, and its first line.
    """

    root: Path
    order: tuple[str, ...]
    clauses: tuple[str, ...]
    options: ReadOptions
    sidecars: Sidecars
    organisation: str = ""
    redact: Level = "standard"
    waivers: tuple[ledger.Waiver, ...] = ()
    resume: tuple[Path, ledger.Run] | None = None


class Failing(msgspec.Struct, frozen=True):
    """A failing call, for a rule's short list: how many moments broke, where the worst is, and why."""

    call: str
    broken: int
    start: float | None
    reason: str


class Tally(msgspec.Struct):
    """What became of the calls, by rule: ``counts`` of outcomes and the ``worst`` failing calls, most broken first.

    ``excused`` counts the failing calls that do not fail a run, by clause and why; they are not among the worst.
    ``alike`` counts the calls whose verdicts are not yet among the ``counts``, by their letters.
    """

    calls: int = 0
    unreadable: int = 0
    alike: dict[str, int] = {}
    counts: dict[str, dict[str, int]] = {}
    worst: dict[str, list[Failing]] = {}
    excused: dict[str, dict[str, int]] = {}

    def add(
        self,
        order: tuple[str, ...],
        entry: ledger.Entry | ledger.Unread,
        excused: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Count one call; ``excused`` says by clause why its breach does not fail a run."""
        if isinstance(entry, ledger.Unread):
            self.unreadable += 1
            return
        self.calls += 1
        self.alike[entry.verdicts] = self.alike.get(entry.verdicts, 0) + 1
        if len(self.alike) > ledger.ALIKE:
            self._settle(order)
        for clause, why in excused.items():
            reasons = self.excused.setdefault(clause, {})
            reasons[why] = reasons.get(why, 0) + 1
        for clause, found in entry.found.items():
            if clause in excused or found.waiver:
                continue
            worst = self.worst.setdefault(clause, [])
            worst.append(Failing(entry.call, found.broken, found.start, found.reason))
            if len(worst) > 2 * WORST_KEPT:
                self._trim(clause)

    def _settle(self, order: tuple[str, ...]) -> None:
        for letters, calls in self.alike.items():
            for clause, letter in zip(order, letters, strict=True):
                counts = self.counts.setdefault(clause, {})
                counts[letter] = counts.get(letter, 0) + calls
        self.alike = {}

    def _trim(self, clause: str) -> None:
        self.worst[clause] = sorted(self.worst[clause], key=lambda f: -f.broken)[:WORST_KEPT]

    def finish(self, order: tuple[str, ...]) -> Tally:
        """The tally with all its calls among the counts, and its short lists cut to length."""
        self._settle(order)
        for clause in self.worst:
            self._trim(clause)
        return self


class Judged(msgspec.Struct, frozen=True):
    """A call that was judged: its line, where it was found, and its id as its file has it."""

    entry: ledger.Entry | ledger.Unread
    document: Document
    id: str = ""


Told: TypeAlias = tuple[str, str, Document, bytes]
"""The same as other processes are told it: id, digest of the content (empty if it was not read), place, its line."""


Judge: TypeAlias = Callable[[Document | Unreadable], list[Judged]]


def get_ready(root: Path, **settings: str) -> None:
    """Load the book that a job will probably have, and what hears its phrases; ``settings`` as in :func:`hear`."""
    book = RuleBook.load(root)
    nobody = hear(Call(id=""), book.code, **settings)
    for rule in book:
        nobody.consult(rule.books)


def judging(job: Job, say: Say = lambda _: None) -> Judge:
    """What judges a document by the rules of a job; ``say`` is told the id of each call before it is judged."""
    book = RuleBook.load(job.root)
    wanted = set(job.clauses)
    rules = [rule for rule in book if rule.clause in wanted]
    former = Former(*job.resume) if job.resume else None

    def judge_call(call: Call) -> ledger.Entry:
        hide = redactor(call.names, level=job.redact)
        say(hide.id(call.id))
        heard = hear(call, book.code, language=job.options.language, organisation=job.organisation)
        known = former.verdicts(digest(call)) if former else {}
        verdicts = [known.get(rule.clause) or judge(rule, heard, book.code, quotes=0) for rule in rules]
        if job.waivers:
            verdicts = [waive(verdict, call, job.waivers) for verdict in verdicts]
        entry = ledger.call_entry(job.order, heard, verdicts, hide)
        heard.forget()
        return entry

    def judge_document(document: Document | Unreadable) -> list[Judged]:
        if isinstance(document, Unreadable):
            return [Judged(unread(document, job.redact), Document(document.file, document.place))]
        here = Document(document.file, document.place, offset=document.offset)
        return [
            Judged(unread(call, job.redact), here)
            if isinstance(call, Unreadable)
            else Judged(judge_call(call), here, call.id)
            for call in read_document(document, job.options, job.sidecars)
        ]

    return judge_document


def tell(judged: Judged) -> Told:
    """What another process must know of a call."""
    content = "" if isinstance(judged.entry, ledger.Unread) else judged.entry.content
    return judged.id, content, judged.document, ledger.encode(judged.entry)


def _telling(job: Job, say: Say) -> Callable[[Document | Unreadable], list[Told]]:
    judge = judging(job, say)
    return lambda document: list(map(tell, judge(document)))


def unread(call: Unreadable, level: Level) -> ledger.Unread:
    """An unreadable call as a ledger line, redacted so."""
    hide = redactor(level=level)
    return ledger.Unread(
        call=hide.id(call.id), file=hide.file(call.file), place=hide.file(call.place), problem=call.problem
    )


def judge_documents(
    documents: Iterable[Document | Unreadable],
    job: Job,
    *,
    jobs: int = 0,
    limits: Limits | None = None,
    ahead: list[Process] | None = None,
) -> Iterator[bytes]:
    """Judge a stream of documents in order with ``jobs`` processes (0: one a processor); gives lines of a ledger.

    One of these may have been started ``ahead``.
    A call that ends its process, or breaks the ``limits``, twice is an error; the others are judged all the same.
    Memory does not grow with the number of calls but for the ids seen, which find a call given twice.
    """

    def given_up(document: Document | Unreadable, call: str, why: str) -> list[Told]:
        return list(map(tell, lost(job, document, call, why)))

    processes = Supervisor(
        _telling, job, given_up, jobs=jobs or os.cpu_count() or 1, limits=limits or Limits(), ahead=ahead
    )
    calls = chain.from_iterable(processes.map(chunks(documents)))
    return admitted(chain.from_iterable(calls), job.redact)


def admitted(calls: Iterable[Told], level: Level = "standard") -> Iterator[bytes]:
    """The lines of calls that may come twice: copies are left out, and two calls under one id are an error.

    One that is named after its file, as another is, gets the folder's name too. What is added is redacted. A call of
    which no content is known is compared with no other.
    """
    seen = Duplicates()
    for id, content, document, line in calls:
        known_as = seen.admit(id, bytes.fromhex(content), document) if content else id
        if isinstance(known_as, Unreadable):
            yield ledger.encode(unread(known_as, level))
        elif known_as == id:
            yield line
        elif known_as is not None:
            entry = ledger.decode(line)
            assert isinstance(entry, ledger.Entry)
            folder = redactor(level=level).file(known_as.removesuffix(id))
            yield ledger.encode(msgspec.structs.replace(entry, call=folder + entry.call))


def lost(job: Job, document: Document | Unreadable, call: str, why: str) -> list[Judged]:
    """The verdicts on a call that cost two processes: errors, if it could be read; else it counts as unreadable."""
    assert isinstance(document, Document)
    reason = f"given up after {ATTEMPTS} attempts: {why}"
    if not call:
        return [Judged(unread(unreadable(document, BadInput(reason)), job.redact), document)]
    verdicts = [Verdict(clause=clause, outcome=Outcome.ERROR, reason=reason) for clause in job.clauses]
    start = ledger.Entry(call=call, file=redactor(level=job.redact).file(document.file))
    return [Judged(ledger.entry(start, job.order, verdicts), document)]


def chunks(documents: Iterable[Document | Unreadable]) -> Iterator[list[Document | Unreadable]]:
    """Documents in portions that are worth a message to a process."""
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

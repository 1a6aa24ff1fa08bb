"""What a run wrote down: JSON lines, one call a line, appended as the run goes. Every report is made from it.

The first line (``kind: run``) names the rule book and its rules in order; a call's ``verdicts`` is one
letter a rule in that order (p f w n u m e, ``-`` for not run), so a plain pass costs one byte. What is
not a plain pass keeps its reason and evidence. Lines of one call are merged; text is redacted.
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self, TypeAlias
from zlib import crc32

import msgspec

from pytest_callqa.call import Call, Case, FollowUp, Roles, Timing, Wave, digest
from pytest_callqa.errors import BadBook, BadInput, Undecided, Unwritten, did_you_mean
from pytest_callqa.hearing import Hearing
from pytest_callqa.redact import Redactor
from pytest_callqa.rules import Code, Rule, RuleBook, Severity, clause_order
from pytest_callqa.verdict import Evidence, Outcome, Verdict
from pytest_callqa.whole import make_folder, unwritable, write_whole

NOT_RUN = "-"
_FOUND = frozenset(outcome.letter for outcome in (Outcome.FAILED, Outcome.WAIVED, Outcome.ERROR))
_DOUBT = Outcome.UNDECIDED.letter
"""The letters of the outcomes whose verdicts are kept, and of those whose reasons are."""

ALIKE = 4096
"""Different verdicts that are held where entries are counted: most calls have theirs in common with many others."""

SHOWN_SILENCE = 2.0
"""Seconds from which a silence is written beside the transcript of a failing call."""


class RuleLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule as the ledger names it; ``place`` is the file and line of its test, from the book's folder on."""

    clause: str
    title: str
    severity: Severity
    section: str
    situation: str = ""
    text: str = ""
    manual: bool = False
    place: str = ""


class Waiver(msgspec.Struct, frozen=True):
    """A breach of a clause that an owner accepts for a reason, until a day, in calls named by ids or patterns.

    ``place`` is the file and line it is written at.
    """

    clause: str
    calls: tuple[str, ...]
    owner: str
    reason: str
    expires: str
    place: str


class Floors(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a rule book asks of its rates, from 0 to 1 by clause.

    ``level`` is the confidence at which a rate is worse than another, ``small`` the number of verdicts below which a
    rate says nothing.
    """

    level: float = 0.95
    small: int = 10
    min_rate: dict[str, float] = {}
    min_agreement: dict[str, float] = {}


class Run(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="run"):
    """The first line: the rule book (``version`` is its hash) and the rules judged, in order.

    ``settings`` are what the run was told; ``selected`` says that only a selection of its rules or calls was judged.
    """

    schema: int = 1
    title: str = ""
    version: str = ""
    tool: str = ""
    rules: tuple[RuleLine, ...] = ()
    sections: dict[str, str] = {}
    weights: dict[str, float] = {}
    started: str = ""
    mode: str = ""
    settings: dict[str, str] = {}
    selected: bool = False
    waivers: tuple[Waiver, ...] = ()
    floors: Floors = Floors()


class Found(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a failed, waived or broken verdict rests on; ``start`` in seconds, ``broken`` of ``moments`` failed.

    ``blamed`` is file and line of the change that it comes from, if that is known.
    """

    reason: str
    start: float | None = None
    line: str = ""
    broken: int = 0
    waiver: str = ""
    blamed: str = ""
    evidence: tuple[Evidence, ...] = ()


class Line(msgspec.Struct, frozen=True, array_like=True):
    """A joined turn of a transcript: role, start and end in seconds, text."""

    role: str
    start: float | None
    end: float | None
    text: str


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """Something on the line that is not speech: what kind of event, when in seconds, whose."""

    what: str
    time: float
    by: str


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="call"):
    """One call: what it is, a letter a rule, and the evidence for what is not a plain pass.

    ``content`` is the digest of all that the call held, in hexadecimal figures (empty: it could not be read whole).
    ``moments`` counts the situation's occurrences by clause where there was more than one;
    ``doubts`` groups undecided clauses by their reason; ``turns``, ``silences``, ``marks`` and the
    facts of the ``case`` are kept for failing calls.
    """

    call: str
    content: str = ""
    file: str = ""
    format: str = ""
    language: str = ""
    direction: str = ""
    agent: str = ""
    team: str = ""
    queue: str = ""
    started: str = ""
    duration: float | None = None
    timing: Timing = "none"
    roles: Roles = "unknown"
    limits: tuple[str, ...] = ()
    verdicts: str = ""
    moments: dict[str, int] = {}
    found: dict[str, Found] = {}
    doubts: dict[str, list[str]] = {}
    turns: tuple[Line, ...] = ()
    silences: tuple[tuple[float, float], ...] = ()
    marks: tuple[Mark, ...] = ()
    case: dict[str, str] = {}
    recording: str = ""
    waves: tuple[Wave, ...] = ()


class Unread(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="unreadable"):
    """A call that could not be read: which file, where in it, and what to do."""

    call: str
    file: str
    problem: str
    place: str = ""


Cell: TypeAlias = str | int | float | None
View: TypeAlias = Literal["scenarios", "rules", "run"]


class Exhibit(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="exhibit"):
    """A table that another part of a run adds to a view of the report: scenarios, coverage, teeth, waivers.

    ``figures`` are names with values; a cell under ``clause`` or ``call`` becomes a link;
    ``edges`` (from, to, label) are drawn as a graph. Texts are redacted by who makes it.
    """

    view: View
    title: str
    note: str = ""
    figures: tuple[tuple[str, Cell], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    edges: tuple[tuple[str, str, str], ...] = ()


class File(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="file"):
    """A file that the run read: its digest and its size in bytes."""

    file: str
    sha256: str
    size: int


class Plan(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="plan"):
    """How many verdicts there are to give, as far as is known; a later line of this kind knows better."""

    verdicts: int


class Begun(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="begun"):
    """Judging a call begins, in the process that would die with it. One without an entry may have ended the run."""

    call: str
    content: str


class End(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="kind", tag="end"):
    """The last line of a run that finished."""

    finished: str = ""


class Damaged(msgspec.Struct, frozen=True):
    """A line that was cut off or changed after it was written: what it said is not known."""

    file: str
    place: str


LedgerLine = Run | Plan | Begun | Entry | Unread | Exhibit | File | End
_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(LedgerLine)


def encode(line: LedgerLine) -> bytes:
    """A ledger line, sealed and with its line feed. What is no text (in a file's name, say) becomes question marks."""
    try:
        plain = _encoder.encode(line)
    except UnicodeEncodeError:
        plain = _encoder.encode(_readable(msgspec.to_builtins(line)))
    return b'%b,"check":"%08x"}\n' % (plain[:-1], crc32(plain))


def _readable(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_readable(key): _readable(item) for key, item in value.items()}
    return [_readable(item) for item in value] if isinstance(value, list | tuple) else value


# -- making lines


def run_line(
    book: RuleBook,
    *,
    tool: str,
    mode: str,
    started: str,
    settings: Mapping[str, str] | None = None,
    selected: bool = False,
    waivers: Iterable[Waiver] = (),
) -> Run:
    """The first line of a ledger for the rules of this book, in their order; ``settings`` are what the run was told.

    Raises :class:`BadBook` for a floor that is none.
    """
    code = book.code
    return Run(
        title=str(code.get("title", "Rule book")),
        version=book.version,
        tool=tool,
        rules=tuple(
            RuleLine(
                r.clause,
                r.title,
                r.severity,
                book.section_of(r.clause),
                r.when.name,
                r.text,
                r.manual,
                place_of(r, book),
            )
            for r in book
        ),
        sections={key: str(title) for key, title in code.table("sections").items()},
        weights=weights_of(code),
        mode=mode,
        started=started,
        settings=dict(settings or {}),
        selected=selected,
        waivers=tuple(waivers),
        floors=floors_of(code),
    )


def place_of(rule: Rule, book: RuleBook) -> str:
    """``conduct_specs/test_3_1_opening.py:12``: where a rule of the book is written, from the book's folder on."""
    file, line = rule.place
    path = Path(file)
    inside = path.relative_to(book.root).as_posix() if path.is_relative_to(book.root) else path.name
    return f"{book.root.name}/{inside}:{line}"


def floors_of(code: Code) -> Floors:
    """What the settings ask of rates: ``[gate]``, ``[min_rate]`` and ``[min_agreement]``.

    Raises :class:`BadBook` with every value that is out of its range.
    """
    gate, known = code.table("gate"), ("level", "small")
    problems = [f"code.toml: [gate] has no {name!r}.{did_you_mean(name, known)}" for name in gate if name not in known]
    level, small = gate.get("level", 0.95), gate.get("small", 10)
    if not isinstance(level, float) or not 0 < level < 1:
        problems.append(f"code.toml: level of [gate] is {level!r}; a confidence lies between 0 and 1, such as 0.95")
    if not isinstance(small, int) or small < 1:
        problems.append(f"code.toml: small of [gate] is {small!r}; it is a number of verdicts, such as 10")
    tables: dict[str, dict[str, float]] = {"min_rate": {}, "min_agreement": {}}
    for name, floors in tables.items():
        for clause, value in code.table(name).items():
            if isinstance(value, int | float) and 0 <= value <= 1:
                floors[clause] = float(value)
            else:
                problems.append(
                    f"code.toml: {name} of {clause} is {value!r}; a rate lies between 0 and 1, such as 0.95"
                )
    if problems:
        raise BadBook(problems)
    assert isinstance(level, float)
    assert isinstance(small, int)
    return Floors(level, small, tables["min_rate"], tables["min_agreement"])


def weights_of(code: Code) -> dict[str, float]:
    """The weight of each severity: the settings' own, else 5, 3 and 1."""
    usual = {"critical": 5.0, "major": 3.0, "minor": 1.0}
    given = {key: float(value) for key, value in code.table("weights").items() if isinstance(value, int | float)}
    return usual | given


def head(call: Call) -> Entry:
    """The entry of a call before anything is judged."""
    return Entry(
        call=call.id,
        content=digest(call).hex(),
        file=call.source,
        format=call.format,
        language=call.language,
        direction=call.direction,
        agent=call.agent,
        team=call.team,
        queue=call.queue,
        started=call.started.isoformat() if call.started else "",
        duration=call.duration,
        timing=call.timing,
        roles=call.roles,
        limits=call.limits,
        recording=call.recording if call.waves else "",
    )


def entry(
    start: Entry, order: Sequence[str], verdicts: Iterable[Verdict], hide: Callable[[Verdict], Verdict] = lambda v: v
) -> Entry:
    """Put the verdicts of a call, in the book's order, on its entry; ``hide`` redacts those of which texts are kept."""
    letters = dict.fromkeys(order, NOT_RUN)
    moments: dict[str, int] = {}
    found: dict[str, Found] = {}
    doubts: dict[str, list[str]] = {}
    for verdict in verdicts:
        letter = letters[verdict.clause] = verdict.outcome.letter
        if verdict.moments > 1:
            moments[verdict.clause] = verdict.moments
        if letter in _FOUND:
            verdict = hide(verdict)
            found[verdict.clause] = Found(
                reason=verdict.reason,
                start=verdict.start,
                line=verdict.line,
                broken=verdict.broken,
                waiver=verdict.waiver,
                blamed=verdict.blamed,
                evidence=verdict.evidence,
            )
        elif letter == _DOUBT:
            doubts.setdefault(hide(verdict).reason, []).append(verdict.clause)
    return msgspec.structs.replace(
        start, verdicts="".join(letters.values()), moments=moments, found=found, doubts=doubts
    )


def with_text(start: Entry, call: Hearing, redact: Redactor) -> Entry:
    """The entry with the transcript, what happened on the line, and the case, redacted."""
    try:
        silences = tuple((round(s.start, 3), round(s.end, 3)) for s in call.silences(SHOWN_SILENCE))
    except Undecided:
        silences = ()
    turns = tuple(Line(said.role, said.start, said.end, redact.said(said.text)) for said in call.utterances)
    marks = tuple(Mark(e.kind, e.time, e.by) for e in call.record.events if e.time is not None)
    case = case_facts(call.record.case, redact) if call.record.case else {}
    return msgspec.structs.replace(
        start, turns=turns, silences=silences, marks=marks, case=case, waves=call.record.waves
    )


def case_facts(case: Case, redact: Redactor) -> dict[str, str]:
    """What is known of a case, in words, redacted; what is not known is left out."""

    def told(value: object) -> str:
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, tuple):
            return "; ".join(told(item) for item in value)
        if isinstance(value, FollowUp):
            return " ".join(filter(None, (told(value.time), told(value.purpose), told(value.outcome))))
        return redact(str(value))

    facts = msgspec.structs.asdict(case)
    return {name: told(value) for name, value in facts.items() if value is not None and value not in ("", ())}


def redacted(verdict: Verdict, redact: Redactor, call: Hearing) -> Verdict:
    """The verdict with every text that quotes the call redacted, as in the turn that it quotes.

    A quote may be a part of a number, which is only known as one in its turn.
    """
    reason = verdict.reason
    if not reason and not verdict.evidence:
        return verdict
    evidence = []
    for shown in verdict.evidence:
        quote = shown.quote
        if quote:
            quote = redact.said(call.utterances[shown.turn].text)[shown.first : shown.last]
            reason = reason.replace(f"“{shown.quote}”", f"“{quote}”")
        evidence.append(msgspec.structs.replace(shown, quote=quote, asked=redact(shown.asked)))
    return msgspec.structs.replace(verdict, reason=redact(reason), evidence=tuple(evidence))


def call_entry(
    order: Sequence[str], call: Hearing, verdicts: Sequence[Verdict], redact: Redactor, *, start: Entry | None = None
) -> Entry:
    """The entry of a call with these verdicts, on its :func:`head` unless another ``start`` is given."""
    start = start or head(call.record)
    heard = start.recording
    if heard and redact.file(heard) != heard:
        heard = ""
    start = msgspec.structs.replace(start, call=redact.id(start.call), file=redact.file(start.file), recording=heard)
    judged = entry(start, order, verdicts, partial(redacted, redact=redact, call=call))
    return with_text(judged, call, redact) if judged.found else judged


# -- writing


class Writer:
    """Appends lines to a ledger that :func:`start_ledger` began; every line is handed to the operating system at once.

    Use it in a ``with`` statement: at its end what was written is on the disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _disk(path):
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with _disk(self.path):
            try:
                os.fsync(self._file)
            finally:
                os.close(self._file)

    def write(self, *lines: LedgerLine | bytes) -> None:
        """Append lines, whole or already encoded. Raises :class:`Unwritten` when the disk takes no more."""
        with _disk(self.path):
            _put(self._file, lines)


def append(path: Path, *lines: LedgerLine | bytes) -> None:
    """Append lines to a ledger, as :class:`Writer` does but without waiting for the disk. Raises :class:`Unwritten`."""
    with _disk(path):
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            _put(file, lines)
        finally:
            os.close(file)


def _put(file: int, lines: Iterable[LedgerLine | bytes]) -> None:
    data = b"".join(line if isinstance(line, bytes) else encode(line) for line in lines)
    while data:
        data = data[os.write(file, data) :]


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Tells a disk that takes no more in one sentence."""
    try:
        yield
    except OSError as error:
        raise Unwritten(
            f"cannot be written any more: {error.strerror}; what was judged before is in it, make room and resume",
            file=str(path),
        ) from None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """While it lasts, no other run writes this ledger; the system ends it with the process, however that ends.

    Raises :class:`BadInput` if another run does, and :class:`Unwritten` for a place that cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # a system without such locks
        yield
        return
    lock = path.with_name(f"{path.name}.lock")
    try:
        make_folder(path.parent)
        held = os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600)
        while True:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            again = os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600)
            if os.path.sameopenfile(held, again):
                break
            os.close(held)  # who had it before took it away
            held = again
        os.close(again)
    except BlockingIOError:
        os.close(held)
        raise BadInput("another run writes it: let that end, or name another ledger", file=str(path)) from None
    except OSError as error:
        raise unwritable(path, error) from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(held)


def start_ledger(path: Path, *first: LedgerLine, over: bool = False) -> bool:
    """Create a ledger with its first lines, whole or not at all; False when another process was faster.

    ``over`` an older one, which stays until then. Raises :class:`Unwritten` for a place that cannot be written.
    """
    hide_folder(path.parent)
    return write_whole(path, map(encode, first), new=not over)


def hide_folder(folder: Path) -> None:
    """Keep the folder of ledgers, ``.callqa``, out of version control. Raises :class:`Unwritten`."""
    if folder.name == ".callqa" and not (folder / ".gitignore").exists():
        said = b"# transcripts are confidential: keep run data out of version control\n*\n"
        write_whole(folder / ".gitignore", [said], new=True)


# -- reading


def decode(line: bytes) -> LedgerLine:
    """The inverse of :func:`encode`.

    Raises :class:`ValueError` for a line that is not as it was written, and :class:`msgspec.MsgspecError` for one
    that only a later version can read.
    """
    plain, _, check = line.rpartition(b',"check":')
    plain += b"}"
    if check != b'"%08x"}\n' % crc32(plain):
        raise ValueError("the check sum does not fit")
    decoded: LedgerLine = _decoder.decode(plain)
    return decoded


def read(path: Path) -> Iterator[LedgerLine | Damaged]:
    """Every line of a ledger, as written; one that is not whole any more is told as such.

    Raises :class:`BadInput` for a file that cannot be opened, or does not begin with a line of a ledger.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield decode(line)
                except (ValueError, msgspec.MsgspecError):
                    if number == 1:
                        raise BadInput(
                            "does not begin with a line of a ledger: it was changed, or is another file",
                            file=str(path),
                            place="line 1",
                        ) from None
                    yield Damaged(str(path), f"line {number}")
    except OSError as error:
        raise BadInput(f"cannot be opened: {error.strerror}; name a ledger a run wrote", file=str(path)) from None


def merge_all(entries: Sequence[Entry], letters: Mapping[int, str] = MappingProxyType({})) -> Entry:
    """All the entries of one call as one: what the first lacks is taken from the others, evidence is joined.

    ``letters`` are verdicts that have no more to tell, by their place in the book's order.
    """
    if len(entries) == 1 and not letters:
        return entries[0]
    doubts: dict[str, set[str]] = {}
    for entry in entries:
        for reason, clauses in entry.doubts.items():
            doubts.setdefault(reason, set()).update(clauses)
    columns = zip(*(entry.verdicts for entry in entries), strict=True)
    return msgspec.structs.replace(
        entries[0],
        verdicts="".join(
            [letters.get(n) or next(filter(NOT_RUN.__ne__, column), NOT_RUN) for n, column in enumerate(columns)]
        ),
        moments=dict(ChainMap(*(entry.moments for entry in entries))),
        found=dict(ChainMap(*(entry.found for entry in entries))),
        doubts={reason: sorted(clauses, key=clause_order) for reason, clauses in doubts.items()},
        turns=next((entry.turns for entry in entries if entry.turns), ()),
        silences=next((entry.silences for entry in entries if entry.silences), ()),
        marks=next((entry.marks for entry in entries if entry.marks), ()),
        case=next((entry.case for entry in entries if entry.case), {}),
        waves=next((entry.waves for entry in entries if entry.waves), ()),
    )

"""The findings that were there before: read from a ledger or from a small file kept beside the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from pytest_callqa.errors import BadInput
from pytest_callqa.gate.content import digest, likeness, sketch
from pytest_callqa.ledger import Entry, Run, Unread
from pytest_callqa.redact import hashed, redactor
from pytest_callqa.report.model import Ledgers
from pytest_callqa.rules import clause_order
from pytest_callqa.whole import write_whole

SCHEMA = 1
"""Of the file; a newer one is refused."""

ALIKE = 0.5
"""Likeness from which a call is taken for another transcript of the same one, if its facts agree."""

UNLIKE = 0.1
"""Likeness below which two calls of one id are two calls."""

SAME_LENGTH = 1.0
"""Seconds by which two transcripts of one call may differ in its length, or a fiftieth of it."""

RECORDED = ("cells", "batch")
GENERATED = ("conversations", "comparison")
"""Modes of runs: those that judge recorded calls, and those whose calls were generated, with ids that name clauses."""


class Head(msgspec.Struct, frozen=True, tag_field="kind", tag="baseline"):
    """The first line of a baseline: the rule book's title and version."""

    title: str
    version: str
    schema: int = SCHEMA


class Rate(msgspec.Struct, frozen=True, tag_field="kind", tag="rate"):
    """How often a clause was kept and broken (waived breaches among them)."""

    clause: str
    kept: int
    broken: int


class KnownCall(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="call"):
    """A call that broke clauses: its id, facts of it, and a sketch of what is said in it (no words).

    ``exact`` is the digest of a generated conversation, which is matched by nothing else.
    """

    call: str
    clauses: tuple[str, ...]
    started: str = ""
    duration: float | None = None
    sketch: str = ""
    exact: str = ""


Part: TypeAlias = Head | Rate | KnownCall
_encoder = msgspec.json.Encoder(order="deterministic")
_decoder: msgspec.json.Decoder[Part] = msgspec.json.Decoder(Part)


class Baseline:
    """What was known: rates by clause, and calls with the clauses they broke."""

    def __init__(self, head: Head, rates: Iterable[Rate] = (), calls: Iterable[KnownCall] = ()) -> None:
        self.head = head
        self.rates = {rate.clause: rate for rate in sorted(rates, key=lambda rate: clause_order(rate.clause))}
        self.calls = tuple(sorted(calls, key=lambda call: (call.call, call.exact, call.sketch)))
        self._by_id: dict[str, list[KnownCall]] = {}
        self._by_digest: dict[str, list[KnownCall]] = {}
        for call in self.calls:
            if call.exact:
                self._by_digest.setdefault(call.exact, []).append(call)
            else:
                self._by_id.setdefault(call.call, []).append(call)

    def find(self, entry: Entry) -> KnownCall | None:
        """The call of the baseline that this one is: by its id, else by what is said in it.

        An id is not believed when next to nothing of what is said is alike.
        """
        if not self.calls:
            return None
        if self._by_digest:
            found = self._by_digest.get(digest(entry.turns), [])
            return _merged(found) if found else None
        said = sketch(entry.turns)
        named = self._by_id.get(name_of(entry.call), [])
        if named and (not said or not named[0].sketch or likeness(said, named[0].sketch) >= UNLIKE):
            return _merged(named)
        if not said:
            return None
        alike = [(likeness(said, call.sketch), call) for call in self.calls if call.sketch and _agree(call, entry)]
        near, best = max(alike, key=lambda pair: pair[0], default=(0.0, None))
        return best if near >= ALIKE else None

    def lines(self) -> Iterator[bytes]:
        """The file: a line a clause and a line a call, sorted, so that a change of it is easy to read."""
        for part in (self.head, *self.rates.values(), *self.calls):
            yield _encoder.encode(part) + b"\n"

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises :class:`BadInput` for a place that cannot be written."""
        write_whole(path, self.lines(), mode=0o644)

    # -- where it comes from

    @classmethod
    def load(cls, path: Path) -> Baseline:
        """A baseline file, or a ledger taken as one. Raises :class:`BadInput` for anything else, with its line."""
        try:
            with path.open("rb") as file:
                first = file.readline()
                if b'"kind":"baseline"' not in first:
                    return cls.of([path])
                return cls._read(path, (first, *file))
        except OSError as error:
            raise BadInput(
                f"cannot be opened: {error.strerror}; name a ledger, or make one: callqa baseline update LEDGER",
                file=str(path),
            ) from None

    @classmethod
    def _read(cls, path: Path, lines: Iterable[bytes]) -> Baseline:
        parts: list[Part] = []
        for number, line in enumerate(lines, 1):
            try:
                parts.append(_decoder.decode(line))
                if not line.endswith(b"\n"):
                    raise msgspec.DecodeError("it ends in the middle of a line")
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise BadInput(
                    f"not a line of a baseline ({error}); take it back from version control, "
                    "or make it anew: callqa baseline update LEDGER",
                    file=str(path),
                    place=f"line {number}",
                ) from None
        head = parts[0]
        assert isinstance(head, Head)
        if head.schema > SCHEMA:
            raise BadInput(f"written by a newer version (schema {head.schema}); update pytest-callqa", file=str(path))
        return cls(
            head,
            (part for part in parts if isinstance(part, Rate)),
            (part for part in parts if isinstance(part, KnownCall)),
        )

    @classmethod
    def of(cls, ledgers: Sequence[Path]) -> Baseline:
        """What ledgers hold. Raises :class:`BadInput` for ledgers that cannot be read or do not fit together."""
        reading = Ledgers(ledgers)
        counts: dict[str, list[int]] = {rule.clause: [0, 0] for rule in reading.run.rules}
        calls = []
        for line in reading.lines():
            if isinstance(line, Unread):
                continue
            for rule, letter in zip(reading.run.rules, line.verdicts, strict=True):
                if letter in "pfw":
                    counts[rule.clause][letter != "p"] += 1
            clauses = broken(reading.run, line)
            if clauses:
                calls.append(known(reading.run, line, clauses))
        rates = (Rate(clause, kept, broke) for clause, (kept, broke) in counts.items() if kept or broke)
        return cls(Head(reading.run.title, reading.run.version), rates, calls)


def broken(run: Run, entry: Entry) -> tuple[str, ...]:
    """The clauses that a call broke. A generated conversation stands for the one it was shrunk for."""
    failed = (rule.clause for rule, letter in zip(run.rules, entry.verdicts, strict=True) if letter == "f")
    return tuple(c for c in failed if run.mode not in GENERATED or entry.call.startswith(f"{c}-"))


def known(run: Run, entry: Entry, clauses: Sequence[str]) -> KnownCall:
    """A call as a baseline keeps it."""
    if run.mode in GENERATED:
        return KnownCall(name_of(entry.call), tuple(clauses), exact=digest(entry.turns))
    length = None if entry.duration is None else round(entry.duration, 1)
    return KnownCall(name_of(entry.call), tuple(clauses), entry.started, length, sketch(entry.turns))


def name_of(call: str) -> str:
    """The id of a call fit for version control: one that holds personal data (a telephone number) becomes a hash."""
    return call if redactor()(call) == call else hashed(call)


def _agree(call: KnownCall, entry: Entry) -> bool:
    """Whether nothing that is known of both says that they are two."""
    if call.started and entry.started and call.started != entry.started:
        return False
    if call.duration is None or entry.duration is None:
        return True
    return abs(call.duration - entry.duration) <= max(SAME_LENGTH, entry.duration / 50)


def _merged(calls: Sequence[KnownCall]) -> KnownCall:
    """Calls of one id (given in several files) as one."""
    clauses = dict.fromkeys(clause for call in calls for clause in call.clauses)
    return msgspec.structs.replace(calls[0], clauses=tuple(clauses))

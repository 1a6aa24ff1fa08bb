"""Tables of turns, CSV or Parquet: a row a turn, whose columns a :class:`~.columnmap.ColumnMap` names.

The rows of a call must stand together: a call that comes back later is refused as a whole, not judged in two halves.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import msgspec

from pytest_callqa import places
from pytest_callqa.call import Call, Turn
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import finishing, source
from pytest_callqa.readers.clock import aware
from pytest_callqa.readers.columnmap import FORMAT, ColumnMap, column_map
from pytest_callqa.readers.content import typed
from pytest_callqa.readers.native import to_native
from pytest_callqa.readers.options import Document, Unreadable
from pytest_callqa.readers.roles import role_of_label

if TYPE_CHECKING:
    from pyarrow import parquet  # type: ignore[import-untyped]  # it has no types

_ENDLESS = "The call is too long to be one: check its column of calls."
BATCH = 8192
"""Rows of a Parquet file that are in memory at a time."""

_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_DELIMITERS = ",;\t|"
_FAULT = "\0fault"
"""What no column is called: a row that has it has more fields than the header."""

csv.field_size_limit(finishing.MAX_TURN)  # a process has but one such limit, and its default is under a long turn

Row: TypeAlias = "Mapping[str, object]"
Numbered: TypeAlias = "tuple[str, Row]"
"""A row with its place, such as ``line 12``."""


# -- CSV


def csv_header(first_line: bytes) -> tuple[list[str], str]:
    """The columns named by a file's first line and their delimiter; none if it cannot be a table's."""
    try:
        text = first_line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        return [], ","
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        header = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return [], delimiter
    return [name.strip() for name in header], delimiter


def csv_calls(file: str, data: BinaryIO, again: BinaryIO, place: str = "") -> Iterator[Document | Unreadable]:
    """The calls of a CSV table, read twice: ``data`` to see which rows belong together, ``again`` for the calls.

    ``place`` is the member of an archive that the table is. Raises :class:`BadInput`.
    """
    columns = column_map(file)
    yield from _calls(file, place, columns, _scattered(columns, _csv_rows(data, columns)), _csv_rows(again, columns))


def _csv_rows(data: BinaryIO, columns: ColumnMap) -> Iterator[Numbered]:
    lines = _decoded(data)
    first = next(lines, "")
    header, delimiter = csv_header(first.encode())
    columns.check(header)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if not row:
                continue
            where = f"line {reader.line_num + 1}"
            if len(row) > len(header):
                yield where, {**dict(zip(header, row, strict=False)), _FAULT: delimiter}
            else:
                yield where, dict(zip(header, row, strict=False))
    except csv.Error as error:
        raise BadInput(
            f"This is not CSV ({error}): export the table again.", place=f"line {reader.line_num + 1}"
        ) from None


def _decoded(data: BinaryIO) -> Iterator[str]:
    number = 0
    while line := data.readline(source.MAX_CALL + 1):
        number += 1
        if len(line) > source.MAX_CALL:
            raise BadInput(source.too_long(source.MAX_CALL), place=f"line {number}")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(
                f"Byte {error.object[error.start]:#04x} is not UTF-8: save the table as UTF-8.", place=f"line {number}"
            ) from None


# -- Parquet


class Rows(msgspec.Struct, frozen=True):
    """Rows of a Parquet table, from ``first`` to before ``end``, that are whole calls.

    ``scattered`` says of each of them whose rows stand apart (by a digest of its id) where it comes back.
    """

    first: int
    end: int
    calls: int
    scattered: dict[str, str] = {}


def parquet_calls(file: str, part: Rows | None = None) -> Iterator[Document | Unreadable]:
    """The calls of a Parquet table or a part of it, by batches of rows and only the columns of the map.

    Raises :class:`BadInput`.
    """
    columns = column_map(file)
    if part is None:
        scattered = _scattered(columns, _parquet_rows(file, columns, keys=True))
        rows = _parquet_rows(file, columns)
    else:
        scattered = {bytes.fromhex(call): back for call, back in part.scattered.items()}
        rows = _parquet_rows(file, columns, first=part.first, end=part.end)
    yield from _calls(file, "", columns, scattered, rows)


def parquet_parts(file: str, size: int) -> list[Rows]:
    """A Parquet table in parts of about so many bytes, expanded, cut between calls. Raises :class:`BadInput`."""
    columns = column_map(file)
    scattered = _scattered(columns, _parquet_rows(file, columns, keys=True))
    with _parquet(file) as table:
        about = table.metadata
        total = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
        rows = max(size * about.num_rows // max(total, 1), 1)
    parts: list[Rows] = []
    first = number = calls = 0
    apart: dict[str, str] = {}
    before: str | None = None
    for number, (place, row) in enumerate(_parquet_rows(file, columns, keys=True)):
        call = _text(row.get(columns.call))
        if call == before:
            continue
        if number - first >= rows:
            parts.append(Rows(first, number, calls, apart))
            first, calls, apart = number, 0, {}
        before, back = call, scattered.get(_short(call))
        calls += back != place
        if back is not None:
            apart[_short(call).hex()] = back
    return [*parts, Rows(first, number + 1, calls, apart)]


@contextmanager
def _parquet(file: str) -> Iterator[parquet.ParquetFile]:
    """A Parquet table open for reading. Raises :class:`BadInput`, also for faults that show only while reading."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise BadInput("Reading Parquet needs the pyarrow package: pip install 'pytest-callqa[parquet]'.") from None
    try:
        with _source(file) as opened, parquet.ParquetFile(opened, memory_map=False) as table:
            yield table
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        said = str(error).partition("\n")[0][:200]
        raise BadInput(f"The Parquet file is damaged ({said}): export the table again.") from None


def _source(file: str) -> AbstractContextManager[str | BinaryIO]:
    """What PyArrow reads: a file of this machine by itself, which is quick, and any other as a stream."""
    return source.stored(file) if places.is_remote(file) else nullcontext(file)


def _parquet_rows(
    file: str, columns: ColumnMap, *, keys: bool = False, first: int = 0, end: int | None = None
) -> Iterator[Numbered]:
    """The rows, or only their calls' ids (``keys``), which is quick in a format that stores column by column."""
    with _parquet(file) as table:
        header = table.schema_arrow.names
        columns.check(header)
        wanted = [columns.call] if keys else [name for name in columns.columns() if name in header]
        about = table.metadata
        end = about.num_rows if end is None else end
        sizes = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
        starts = list(itertools.accumulate(sizes, initial=0))
        groups = [group for group, size in enumerate(sizes) if starts[group] < end and starts[group] + size > first]
        number = starts[groups[0]] if groups else end
        for batch in table.iter_batches(batch_size=BATCH, row_groups=groups, columns=wanted, use_threads=False):
            begin, number = number, number + batch.num_rows
            batch = batch.slice(max(first - begin, 0), max(min(end, number) - max(first, begin), 0))
            names = batch.schema.names
            values = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            for place, row in enumerate(values, max(first, begin) + 1):
                yield f"row {place}", dict(zip(names, row, strict=True))


# -- from rows to calls


def _calls(
    file: str, member: str, columns: ColumnMap, scattered: Mapping[bytes, str], rows: Iterable[Numbered]
) -> Iterator[Document | Unreadable]:
    group = _Group(columns)
    for place, row in rows:
        if group.id is not None and group.id != _text(row.get(columns.call)):
            yield from group.document(file, member, scattered)
            group = _Group(columns)
        group.add(place, row)
    if group.id is not None:
        yield from group.document(file, member, scattered)


def _scattered(columns: ColumnMap, rows: Iterable[Numbered]) -> dict[bytes, str]:
    """The calls (as :func:`_short` knows them) whose rows stand apart, with the place where they come back."""
    seen: set[bytes] = set()
    scattered: dict[bytes, str] = {}
    before: str | None = None
    for place, row in rows:
        call = _text(row.get(columns.call))
        if call == before:
            continue
        before, key = call, _short(call)
        if call and key in seen:
            scattered.setdefault(key, place)
        seen.add(key)
    return scattered


def _short(call: str) -> bytes:
    return blake2b(call.encode(errors="replace"), digest_size=12).digest()


class _Group:
    """The rows of one call, as they come."""

    def __init__(self, columns: ColumnMap) -> None:
        self.id: str | None = None
        self._columns = columns
        self._unit = _UNITS[columns.unit]
        self._place = ""
        self._problem: BadInput | None = None
        self._turns: list[Turn] = []
        self._size = 0
        self._clock: datetime | None = None
        self._fields: dict[str, object] = {}
        self._labels: dict[str, str] = {}

    def add(self, place: str, row: Row) -> None:
        """One more row; the first fault is kept, and what comes after it is not looked at."""
        columns = self._columns
        if self.id is None:
            self.id, self._place = _text(row.get(columns.call)), place
        if self._problem is not None:
            return
        try:
            turn = self._turn(row)
        except BadInput as error:
            where = ", ".join(part for part in (place, error.place) if part)
            self._problem = BadInput(error.problem, place=where)
            return
        if turn.text:
            self._turns.append(turn)
        self._size += len(turn.text)
        if len(self._turns) > finishing.MAX_TURNS or self._size > source.MAX_CALL:
            self._problem, self._turns = BadInput(_ENDLESS, place=place), []
        for name, column in columns.fields.items():
            if name not in self._fields and _text(row.get(column)):
                self._fields[name] = _plain(row.get(column))
        for column in columns.labels:
            if column not in self._labels and (text := _text(row.get(column))):
                self._labels[column] = text

    def _turn(self, row: Row) -> Turn:
        columns = self._columns
        if not self.id:
            raise BadInput(f"The row names no call: fill in its column {columns.call!r}.")
        if _FAULT in row:
            raise BadInput(
                f"The row has more fields than the header: put quotes around the field that holds a {row[_FAULT]!r}."
            )
        start, end = self._time(row, columns.start), self._time(row, columns.end)
        length = self._seconds(row, columns.length)
        if end is None and start is not None and length is not None:
            end = start + length
        named, role = _text(row.get(columns.speaker)), _text(row.get(columns.role))
        label = named or role
        return Turn(
            role=columns.roles.get(role) or columns.roles.get(named) or role_of_label(role or named),
            text=_text(row.get(columns.text)),
            start=start,
            end=end,
            speaker=f"speaker {label}" if label.isdecimal() else label,
        )

    def _time(self, row: Row, column: str) -> float | None:
        """Seconds from the call's start: a number in the map's unit, ``1:02.5``, or a time of day."""
        value = row.get(column)
        if isinstance(value, str) and value.count("-") > 1:
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                raise BadInput(_no_time(column), place=f"column {column}") from None
        if isinstance(value, datetime):
            if self._clock is None:
                self._clock = aware(value)
                if value.tzinfo:
                    self._fields.setdefault("started", value)
            return (aware(value) - self._clock).total_seconds()
        return self._seconds(row, column)

    def _seconds(self, row: Row, column: str) -> float | None:
        value = row.get(column)
        if value is None:
            return None
        if type(value) is float:
            return value * self._unit
        if isinstance(value, timedelta):
            return value.total_seconds()
        text = _text(value)
        if not text:
            return None
        try:
            if ":" not in text:
                return float(text.replace(",", ".")) * self._unit
            total = 0.0
            for part in text.split(":"):
                total = total * 60 + float(part.replace(",", "."))
        except ValueError:
            raise BadInput(_no_time(column), place=f"column {column}") from None
        return total

    def document(self, file: str, member: str, scattered: Mapping[bytes, str]) -> Iterator[Document | Unreadable]:
        """The call as a document, or why it is none; a call whose rows stand apart is told once."""
        place = f"{member}, {self._place}" if member else self._place
        here = Document(file, place)
        back = scattered.get(_short(self.id or ""))
        if back == self._place:
            return
        if back is not None:
            self._problem = BadInput(
                f"The rows of this call stand apart (it comes back at {back}): sort the table by its column "
                f"{self._columns.call!r}, then by time."
            )
        if self._problem is None:
            try:
                yield Document(file, place, to_native(self._call()))
            except BadInput as error:
                self._problem = error
        if self._problem is not None:
            fault = self._problem
            told = source.unreadable(here, BadInput(fault.problem, place=fault.place))
            if fault.place.startswith(("line ", "row ")):  # of this call, though not its first
                told = msgspec.structs.replace(told, place=f"{member}, {fault.place}" if member else fault.place)
            yield msgspec.structs.replace(told, id=self.id or told.id)

    def _call(self) -> Call:
        columns = self._columns
        about = typed({"id": self.id, **self._fields}, Call)
        return msgspec.structs.replace(
            about,
            turns=tuple(self._turns),
            tolerance=columns.tolerance,
            labels=self._labels,
            limits=("a table of turns shows no words, no loudness and nothing that happens on the line",),
            format=FORMAT,
        )


def _text(value: object) -> str:
    if type(value) is str:
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)  # ids that were numbers with gaps
    return str(value).strip()


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | datetime) else _text(value)


def _no_time(column: str) -> str:
    return f"This is no time: column {column!r} takes numbers, 1:02.5, or times such as 2026-01-05T10:00:00+08:00."

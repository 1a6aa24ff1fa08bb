"""Tables that come with calls: cases and attestations, as CSV or JSON.

A table's columns are the fields of :class:`~pytest_callqa.call.Case` or
:class:`~pytest_callqa.call.Attestation`; a case table has a column ``call`` besides. CSV is UTF-8 with
commas, semicolons or tabs, as spreadsheets write it; an empty field is one that is not known.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import TypeVar

from pytest_callqa.call import Attestation, Case
from pytest_callqa.errors import BadInput, did_you_mean
from pytest_callqa.readers.content import Content, typed
from pytest_callqa.readers.source import read_whole

MAX_TABLE = 256 * 2**20
"""Bytes of one table."""

T = TypeVar("T")

_CASE_COLUMNS = ("call", *Case.__struct_fields__)
_BOOLEANS = {"yes": "true", "no": "false"}
_LISTS = ("changes", "follow_ups")


class CaseTable:
    """The cases of a table, found by call or by their own id."""

    def __init__(self, file: str) -> None:
        """Reads ``file``; raises :class:`BadInput` placed at the row that does not fit."""
        self._by_call: dict[str, Case] = {}
        self._by_id: dict[str, Case] = {}
        for place, row in _rows(file, _CASE_COLUMNS):
            call = str(row.pop("call", ""))
            case = _typed(row, Case, file, place)
            table, key = (self._by_call, call) if call else (self._by_id, case.id)
            if not key:
                raise BadInput("The row names no call and no case: fill in call or id.", file=file, place=place)
            if key in table:
                raise BadInput("The same call or case has a row above: keep one.", file=file, place=place)
            table[key] = case
            if call and case.id:
                self._by_id.setdefault(case.id, case)

    def find(self, call: str, case: str) -> Case | None:
        """The case of this call, else the case of this id."""
        return self._by_call.get(call) or self._by_id.get(case)


class AttestationTable:
    """People's verdicts, found by call and by shift."""

    def __init__(self, file: str) -> None:
        """Reads ``file``; raises :class:`BadInput` placed at the row that does not fit."""
        self._by_call: dict[str, list[Attestation]] = {}
        self._by_shift: dict[str, list[Attestation]] = {}
        for place, row in _rows(file, Attestation.__struct_fields__):
            attestation = _typed(row, Attestation, file, place)
            if not attestation.call and not attestation.shift:
                raise BadInput("The row names no call and no shift: fill in one.", file=file, place=place)
            table, key = (self._by_call, attestation.call) if attestation.call else (self._by_shift, attestation.shift)
            table.setdefault(key, []).append(attestation)

    def find(self, call: str, shift: str) -> tuple[Attestation, ...]:
        """What was attested for this call, then for its shift."""
        return (*self._by_call.get(call, ()), *(self._by_shift.get(shift, ()) if shift else ()))


def _rows(file: str, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, object]]]:
    """Each row with its place; only columns that are known, and no empty field."""
    try:
        content = Content(read_whole(file, MAX_TABLE))
        if content.is_blank:
            raise BadInput("The table is empty: give it a header, or delete it.")
        listed = _json_rows(content.value) if content.value is not None else _csv_rows(content.text)
        for place, row in listed:
            for name in row:
                if name not in columns:
                    near = did_you_mean(name, columns)
                    raise BadInput(f"{name!r} is no column of this table.{near}", place=place)
            yield place, {name: value for name, value in row.items() if value not in ("", None)}
    except BadInput as error:
        raise error.at(file) from None


def _json_rows(value: object) -> Iterator[tuple[str, dict[str, object]]]:
    """A list of objects, or an object that holds them by call."""
    if isinstance(value, dict):
        for number, (call, row) in enumerate(value.items()):
            yield f"entry {number + 1}", {"call": call, **typed(row, dict[str, object])}
    else:
        for number, row in enumerate(typed(value, list[dict[str, object]])):
            yield f"entry {number + 1}", row


def _csv_rows(text: str) -> Iterator[tuple[str, dict[str, object]]]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter, strict=True, restkey="")
    try:
        for row in reader:
            place = f"line {reader.line_num}"
            if "" in row:
                raise BadInput(
                    f"The row has more fields than the header: put quotes around the field that holds a {delimiter!r}.",
                    place=place,
                )
            yield place, {name.strip(): _field(name, (value or "").strip()) for name, value in row.items()}
    except csv.Error as error:
        place = f"line {reader.line_num + 1}"
        raise BadInput(f"This is not CSV ({error}): export the table again.", place=place) from None


def _field(name: str, value: str) -> object:
    if name not in _LISTS:
        return _BOOLEANS.get(value.lower(), value)
    entries = [entry.strip() for entry in value.split(";") if entry.strip()]
    return entries if name == "changes" else [_follow_up(entry) for entry in entries]


def _follow_up(entry: str) -> Mapping[str, str]:
    """``2026-01-05T10:00:00Z usage answered after two tries``: time, purpose, outcome."""
    time, purpose, outcome = (*entry.split(None, 2), "", "")[:3]
    return {"time": time, "purpose": purpose, "outcome": outcome}


def _typed(row: dict[str, object], kind: type[T], file: str, place: str) -> T:
    try:
        return typed(row, kind)
    except BadInput as error:
        column = error.place.removeprefix("$").removeprefix(".")
        where = f"{place}, column {column}" if column else place
        raise BadInput(error.problem, file=file, place=where) from None

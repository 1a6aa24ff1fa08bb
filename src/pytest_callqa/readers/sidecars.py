"""What lies beside calls and says what no transcript can: ring times, holds, the case, attestations.

``CALL.meta.yaml`` beside ``CALL.json`` holds any field of a call that is about it (not its turns), and
``roles:``; an empty field is one that is not known, and ``case: none`` says that there is no case.
``cases.csv``, ``cases.json``, ``attestations.csv`` and ``attestations.json`` cover the calls of their
folder and of the folders below it; tables given by option cover every call.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping

import msgspec

from pytest_callqa import places, plain
from pytest_callqa.call import Call, Role
from pytest_callqa.errors import BadInput, did_you_mean
from pytest_callqa.readers.content import Content, typed
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.source import META, read_whole, stem
from pytest_callqa.readers.tables import AttestationTable, CaseTable

MAX_META = 2**20
"""Bytes of one ``.meta.yaml``."""

# What a reader finds out, and a sidecar cannot know better.
_NOT_META = frozenset({"turns", "timing", "roles", "case_known", "limits", "format", "source", "recording", "waves"})
_META = tuple(name for name in Call.__struct_fields__ if name not in _NOT_META)


class Meta(msgspec.Struct, frozen=True):
    """One ``.meta.yaml``: the fields of the call that it sets, and its role map."""

    fields: Mapping[str, object] = {}
    roles: Mapping[str, Role] = {}


class _Tables(msgspec.Struct, frozen=True):
    """The tables that cover a folder, the nearest first, and the files that they were read from."""

    cases: tuple[CaseTable, ...] = ()
    attestations: tuple[AttestationTable, ...] = ()
    files: tuple[str, ...] = ()

    def __add__(self, further: _Tables) -> _Tables:
        files = self.files + further.files
        return _Tables(self.cases + further.cases, self.attestations + further.attestations, files)


class Sidecars:
    """The sidecars of a run. Fit to be pickled, so that workers need not read the tables again."""

    def __init__(self, given: _Tables, roots: frozenset[str]) -> None:
        """Not called directly: see :meth:`load`."""
        self._given = given
        self._roots = roots
        self._by_folder: dict[str, _Tables] = {}
        self._latest: tuple[str, Meta] = ("", Meta())
        self._metas: tuple[str | None, frozenset[str]] = (None, frozenset())
        self._latest_tables: tuple[str, _Tables] = ("", _Tables())

    @classmethod
    def load(cls, options: ReadOptions, folders: Iterable[str]) -> Sidecars:
        """The tables of the options and those found in ``folders``, the roots under which calls lie.

        Raises :class:`BadInput` naming the table and row that do not fit.
        """
        given = _Tables(
            tuple(CaseTable(file) for file in options.cases),
            tuple(AttestationTable(file) for file in options.attestations),
            (*options.cases, *options.attestations),
        )
        roots = tuple(folders)
        sidecars = cls(given, frozenset(map(places.absolute, roots)))
        for root in roots:
            sidecars._covering(root)
        return sidecars

    def meta(self, file: str) -> Meta:
        """What ``file``'s own sidecar says; empty if it has none. Raises :class:`BadInput`."""
        if file != self._latest[0]:  # not again for each line of JSON Lines
            self._latest = file, self._read_meta(file)
        return self._latest[1]

    def files(self, file: str) -> tuple[str, ...]:
        """What bears on the calls of ``file``: the tables that cover it, and the place of its own sidecar."""
        meta = os.path.join(os.path.dirname(file), stem(file) + META)
        return (meta, *(self._covering(os.path.dirname(file)) + self._given).files)

    def _read_meta(self, file: str) -> Meta:
        folder, name = os.path.dirname(file), stem(file) + META
        if folder != self._metas[0]:  # listed once, which spares a look for each file
            self._metas = folder, _named_metas(folder)
        if name not in self._metas[1]:
            return Meta()
        beside = os.path.join(folder, name)
        try:
            return _meta(plain.load(Content(read_whole(beside, MAX_META)).text))
        except BadInput as error:
            raise error.at(beside) from None

    def add_tables(self, call: Call, file: str) -> Call:
        """``call`` with its case and attestations from the tables that cover ``file``."""
        if file != self._latest_tables[0]:
            self._latest_tables = file, self._covering(os.path.dirname(file)) + self._given
        tables = self._latest_tables[1]
        if not tables.cases and not tables.attestations:
            return call
        own = call.case.id if call.case else ""
        found = next((case for table in tables.cases if (case := table.find(call.id, own))), call.case)
        attested = tuple(one for table in tables.attestations for one in table.find(call.id, call.shift))
        return msgspec.structs.replace(
            call,
            case=found,
            case_known=call.case_known or bool(tables.cases),
            attestations=call.attestations + attested,
        )

    def _covering(self, folder: str) -> _Tables:
        """The tables of ``folder`` and of the folders above it, up to the root it lies under."""
        if folder not in self._by_folder:
            here = places.absolute(folder)
            above = here not in self._roots and any(here.startswith(root + os.sep) for root in self._roots)
            self._by_folder[folder] = _in_folder(folder) + (
                self._covering(os.path.dirname(here)) if above else _Tables()
            )
        return self._by_folder[folder]


def _named_metas(folder: str) -> frozenset[str]:
    """The names of all the sidecars of calls in a folder; none for one that cannot be listed."""
    try:
        return frozenset(name for name in places.of(folder).names(folder) if name.endswith(META))
    except OSError:
        return frozenset()


def _in_folder(folder: str) -> _Tables:
    def present(name: str) -> list[str]:
        files = (os.path.join(folder, f"{name}.{kind}") for kind in ("csv", "json"))
        return [file for file in files if places.of(file).is_file(file)]

    cases, attestations = present("cases"), present("attestations")
    tables = tuple(map(CaseTable, cases)), tuple(map(AttestationTable, attestations))
    return _Tables(*tables, files=(*cases, *attestations))


def _meta(written: plain.Plain) -> Meta:
    # msgspec takes no subclass of str, which is what remembers a scalar's line.
    given = typed(json.loads(json.dumps(written or {})), dict[str, object])
    roles = typed(given.pop("roles", {}), dict[str, Role])
    given = {name: value for name, value in given.items() if value != ""}
    for name in given:
        if name not in _META:
            raise BadInput(f"{name!r} is no field that a sidecar sets.{did_you_mean(name, (*_META, 'roles'))}")
    if "case" in given:
        given |= {"case": None if given["case"] == "none" else given["case"], "case_known": True}
    call = typed({"id": "", **given}, Call)
    return Meta({name: getattr(call, name) for name in given}, roles)

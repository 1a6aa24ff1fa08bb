"""The column map of a table of turns: which column is what.

It is the section ``[table]`` of a ``callqa.toml`` beside the table, else in the current folder::

    [table]
    call = "contact_id"        # which call a row belongs to
    text = "utterance"
    speaker = "channel"        # or role = "who"
    start = "offset_ms"        # and end = … or length = …
    unit = "ms"                # s, ms or us
    tolerance = 0.2            # seconds its times may be off
    labels = ["region"]        # columns kept as labels of the call
    [table.roles]
    0 = "agent"
    [table.fields]             # fields of the call, taken from its first row that has them
    agent = "agent_name"

Columns that are already called so need no entry, and a table of ``call`` and ``text`` needs no map.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from pytest_callqa import places
from pytest_callqa.call import Call, Role
from pytest_callqa.errors import BadInput, did_you_mean
from pytest_callqa.readers import source
from pytest_callqa.readers.content import typed
from pytest_callqa.readers.tolerance import tolerance

MAP = "callqa.toml"
FORMAT = "table"

_COLUMNS = ("call", "text", "speaker", "role", "start", "end", "length")
_NOT_FIELDS = frozenset(
    {"id", "turns", "events", "timing", "tolerance", "roles", "case", "case_known", "attestations", "labels", "limits"}
) | {"format", "source", "silences"}
_FIELDS = tuple(name for name in Call.__struct_fields__ if name not in _NOT_FIELDS)


class ColumnMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which column of a table is what; see the module for what each entry means."""

    call: str = "call"
    text: str = "text"
    speaker: str = "speaker"
    role: str = "role"
    start: str = "start"
    end: str = "end"
    length: str = "length"
    unit: Literal["s", "ms", "us"] = "s"
    tolerance: float = tolerance(FORMAT)
    labels: tuple[str, ...] = ()
    roles: Mapping[str, Role] = {}
    fields: Mapping[str, str] = {}
    stated: frozenset[str] = frozenset()

    def columns(self) -> tuple[str, ...]:
        """Every column that the map speaks of."""
        own = tuple(getattr(self, name) for name in _COLUMNS)
        return tuple(dict.fromkeys((*own, *self.fields.values(), *self.labels)))

    def check(self, header: Sequence[str]) -> None:
        """Raises :class:`BadInput` for a column that the map names, or needs, and the table lacks."""
        needed = ["call", "text", *(name for name in _COLUMNS if name in self.stated)]
        wanted = [*(getattr(self, name) for name in needed), *self.fields.values(), *self.labels]
        for column in wanted:
            if column not in header:
                near = did_you_mean(column, header)
                raise BadInput(
                    f"The table has no column {column!r}: name its columns in the section [table] of {MAP}, "
                    f"beside the table or in the current folder.{near}"
                )

    def fits(self, header: Sequence[str]) -> bool:
        """Whether a table with this header is one of turns."""
        return self.call in header and self.text in header


PLAIN = ColumnMap()
"""The map where none is given."""


def column_map(file: str) -> ColumnMap:
    """The column map for a table: of its folder, else of the current one, else columns by their plain names.

    Raises :class:`BadInput` naming the map that cannot be used.
    """
    for path in map_places(file):
        try:
            found = _load_map(path, places.of(path).about(path))
        except OSError:
            continue
        except BadInput as error:
            raise error.at(path) from None
        if found is not None:
            return found
    return PLAIN


def map_places(file: str) -> tuple[str, ...]:
    """Where the column map of a table may lie: in its folder, else in the current one."""
    return tuple(os.path.join(folder, MAP) for folder in (os.path.dirname(file), ""))


@lru_cache(maxsize=64)
def _load_map(path: str, about: places.About) -> ColumnMap | None:
    try:
        settings = tomllib.loads(source.read_whole(path, 2**20).decode())
    except ValueError as error:
        raise BadInput(f"This is not TOML ({error}): correct it.") from None
    if "table" not in settings:
        return None
    section = typed(settings["table"], dict[str, object])
    for name in section:
        if name not in ColumnMap.__struct_fields__ or name == "stated":
            near = did_you_mean(name, ColumnMap.__struct_fields__)
            raise BadInput(f"{name!r} is no entry of a column map.{near}", place="[table]")
    given = typed({**section, "stated": list(section)}, ColumnMap)
    for field in given.fields:
        if field not in _FIELDS:
            near = did_you_mean(field, _FIELDS)
            raise BadInput(f"{field!r} is no field that a column can fill.{near}", place="[table.fields]")
    return given

"""The native format: one JSON object a call, exactly :class:`pytest_callqa.call.Call`.

A file holds one call, or JSON Lines one call a line. Field names are checked: a misspelt one is an
error, not a default. The JSON Schema is in ``docs/native.schema.json``.
"""

from __future__ import annotations

import inspect

import msgspec

from pytest_callqa.call import Call
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions

_DECODER = msgspec.json.Decoder(Call)
_ENCODER = msgspec.json.Encoder()
_FIELDS = frozenset(Call.__struct_fields__)


class Native:
    """Reads native calls, at the speed of msgspec."""

    name = "native"

    def recognise(self, content: Content) -> bool:
        """An object with ``id`` and ``turns``, or with no field that a call has not."""
        if content.data.startswith(b'{"id"') and b'"turns"' in content.data:
            return True  # as `to_native` writes it: to be decoded once, by `read`
        value = content.value
        return isinstance(value, dict) and "id" in value and ("turns" in value or value.keys() <= _FIELDS)

    def read(self, content: Content, options: ReadOptions) -> Call:
        """The call as stored. Raises :class:`BadInput` with the JSON path of what does not fit."""
        return content.decode(_DECODER.decode)


def to_native(call: Call) -> bytes:
    """``call`` as one line of the native format, with its newline.

    The same call gives the same bytes: fields come in the order of the schema, defaults are left out.
    """
    return _ENCODER.encode(call) + b"\n"


def schema() -> bytes:
    """The JSON Schema of a native call, as ``docs/native.schema.json`` holds it."""
    described = msgspec.json.schema(Call)
    for definition in described["$defs"].values():
        definition["description"] = inspect.cleandoc(definition["description"]).replace("``", "`")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A call for pytest-callqa"}
    return msgspec.json.format(msgspec.json.encode(dialect | described), indent=2) + b"\n"

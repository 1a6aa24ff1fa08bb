"""What a document holds: bytes, text or JSON, decoded once and only as far as a reader asks.

Every way in which decoding can fail ends as :class:`BadInput` with a sentence that says where and
what to do, and never repeats what was said in the call.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Protocol, TypeVar

import msgspec

from pytest_callqa.call import Call
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.options import ReadOptions

T = TypeVar("T")

_CLOCK = re.compile(rb"\s*\[\d{1,2}:\d")  # the time before a line of text; no JSON begins so
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Content:
    """A document's content, from bytes or from a value already decoded (a body inside a vCon)."""

    def __init__(self, data: bytes, value: object = None, file: str = "") -> None:
        """``value``, unless ``None``, is what ``data`` would decode to; raises :class:`BadInput`.

        ``file`` is the file that holds just this document, if there is one.
        """
        self.file = file
        self.data = data if data.startswith((b"{", b"[")) else _without_bom(data)
        if value is not None:
            self.value = value

    @property
    def is_blank(self) -> bool:
        """Whether the bytes hold nothing but white space."""
        return not self.data or self.data.isspace()

    @cached_property
    def value(self) -> object:
        """The JSON value, or ``None`` if the document is no JSON. Raises :class:`BadInput`."""
        if self.data.lstrip()[:1] not in (b"{", b"[") or _CLOCK.match(self.data):
            return None
        return self.decode(msgspec.json.decode)

    @cached_property
    def text(self) -> str:
        """The document as text; empty for a value. Raises :class:`BadInput` unless it is UTF-8."""
        try:
            return self.data.decode()
        except UnicodeDecodeError as error:
            raise BadInput(
                f"Byte {error.start} ({self.data[error.start]:#04x}) is not UTF-8: save the file as UTF-8, "
                "for example with: iconv -f ENCODING -t UTF-8. No other encoding is guessed."
            ) from None

    def has(self, *keys: str) -> bool:
        """Whether the document is a JSON object with all these keys."""
        return isinstance(self.value, dict) and all(key in self.value for key in keys)

    def get(self, key: str) -> object:
        """The value of ``key``, or ``None`` if the document is no JSON object or lacks it."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def to(self, kind: type[T]) -> T:
        """The JSON value as ``kind``. Raises :class:`BadInput` with the JSON path of what does not fit."""
        return typed(self.value, kind)

    def decode(self, decoder: Callable[[bytes], T]) -> T:
        """What ``decoder`` makes of the bytes; its errors are told as :class:`BadInput`."""
        try:
            return decoder(self.data)
        except msgspec.ValidationError as error:
            raise _misfit(error) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise self._malformed(error) from None

    def _malformed(self, error: Exception) -> BadInput:
        if isinstance(error, RecursionError):
            return BadInput("The JSON is nested too deeply to be a transcript: export the call again.")
        if b"\0" in self.data[:4]:
            return BadInput("This looks like UTF-16 without a byte order mark: save the file as UTF-8.")
        _ = self.text  # a wrong encoding is the better explanation, so it comes first
        return BadInput(f"The JSON is broken ({error}): the file is damaged or cut short; export the call again.")


def _without_bom(data: bytes) -> bytes:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(encoding).encode()
            except UnicodeError:
                raise BadInput(f"The file says it is {encoding.upper()} and is not: save it as UTF-8.") from None
    return data.removeprefix(codecs.BOM_UTF8)


def typed(value: object, kind: type[T]) -> T:
    """``value`` as ``kind``; numbers and booleans may be strings, and what is not known ``null``, as vendors write.

    Raises :class:`BadInput` placed at the JSON path.
    """
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        try:
            return msgspec.convert(_known(value), kind, strict=False)
        except msgspec.ValidationError:
            raise _misfit(error) from None


def _known(value: object) -> object:
    """The value without the fields that are ``null``: some writers leave out what others write so."""
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items() if item is not None}
    return [_known(item) for item in value] if isinstance(value, list) else value


_CASES: tuple[Callable[[str], str], ...] = (
    lambda key: re.sub(r"(?<=[a-z0-9])_([a-z0-9])", lambda match: match[1].upper(), key[:1].lower() + key[1:]),
    lambda key: re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1]}", key).lower(),
    lambda key: re.sub(r"(?:^|_)([a-z0-9])", lambda match: match[1].upper(), key),
)
"""A key as ``camelCase``, ``snake_case`` and ``PascalCase``."""


def spellings(content: Content) -> Iterator[Content]:
    """The content as others would spell its keys: a vendor's libraries do not all write what its service does."""
    for spelt in _CASES:
        value = _recased(content.value, spelt)
        if content.value is not None and value != content.value:
            yield Content(content.data, value, content.file)


def _recased(value: object, spelt: Callable[[str], str]) -> object:
    if isinstance(value, dict):
        return {spelt(key): _recased(item, spelt) for key, item in value.items()}
    return [_recased(item, spelt) for item in value] if isinstance(value, list) else value


def _misfit(error: msgspec.ValidationError) -> BadInput:
    message, _, path = str(error).partition(" - at ")
    # The offending value may be something a customer said.
    message = re.sub(r"^Invalid enum value .*", "Not one of the values allowed here", message, flags=re.DOTALL)
    return BadInput(f"{message}: correct the field, or export the call again.", place=path.strip("`") or "$")


class Reader(Protocol):
    """One format. A module of this package offers one or more, listed once in its ``__init__``."""

    @property
    def name(self) -> str:
        """The format's name, as users write it after ``--callqa-format``."""

    def recognise(self, content: Content) -> bool:
        """Whether the content is of this format. Raises :class:`BadInput` for broken JSON only."""

    def read(self, content: Content, options: ReadOptions) -> Call:
        """The call; its id is empty if the content names none. Raises :class:`BadInput`."""

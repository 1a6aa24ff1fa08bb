"""Calls that come twice: copies are counted once, and two calls under one id are an error."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

import msgspec

from pytest_callqa.call import Call
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.options import Document, Unreadable
from pytest_callqa.readers.source import identity, named, unreadable

_LONG_ID = 64  # characters; a longer one is remembered by its digest
_ENCODER = msgspec.msgpack.Encoder()


class Duplicates:
    """Remembers the ids it has seen, in about 200 bytes a call.

    ``again`` reads a document once more and gives its :func:`digest`, for calls that were admitted without one:
    few ids come twice, so that few digests are ever needed.
    """

    def __init__(self, again: Callable[[Document], bytes] | None = None) -> None:
        self._seen: dict[str | bytes, tuple[bytes, Document]] = {}
        self._again = again

    def admit(self, id: str, content: bytes, document: Document) -> str | Unreadable | None:
        """The id to know a call by; ``None`` for a copy, else what is wrong, naming both places.

        ``content`` is its :func:`digest`, or empty if there is a way to find it later. A call that is
        named after its file takes its folder's name too if another folder has such a file.
        """
        here = Document(document.file, document.place, offset=document.offset)
        known, first = self._seen.setdefault(id if len(id) <= _LONG_ID else _short(id.encode()), (content, here))
        if first == here:
            return id
        if self._again:
            known, content = known or self._again(first), content or self._again(document)
        if known == content:
            return None
        folder = os.path.dirname(named(document))
        if id == identity(document) and folder != os.path.dirname(named(first)):
            return self.admit(f"{os.path.basename(folder)}/{id}", content, document)
        where = f"{first.file}, {first.place}" if first.place else first.file
        return unreadable(
            document, BadInput(f"Another call has the same id ({where}): give each call an id of its own.")
        )


def digest(call: Call) -> bytes:
    """What tells a call from another of the same id: everything but where it was found."""
    return _short(_ENCODER.encode(msgspec.structs.replace(call, source="")))


def _short(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=12).digest()

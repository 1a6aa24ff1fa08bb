"""What a reader is told, and what it hands back when a document cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

import msgspec

from pytest_callqa.call import Role
from pytest_callqa.errors import BadInput, did_you_mean
from pytest_callqa.redact import redactor


@dataclass(frozen=True)
class ReadOptions:
    """How calls are read.

    ``format`` is a name of :data:`pytest_callqa.readers.FORMATS`, or ``auto`` to recognise each
    document by its content. ``roles`` says who a speaker id, label or channel is, and wins over
    the file. ``language`` is the language of calls that name none (BCP 47). ``cases`` and
    ``attestations`` are paths of tables, beside those found next to the calls. With ``recordings``, those
    in folders are calls too, and those beside transcripts correct their times. ``speech_model`` is the folder of a
    model that recognises the words of recordings without a transcript.
    """

    format: str = "auto"
    roles: Mapping[str, Role] = field(default_factory=dict)
    language: str = ""
    cases: tuple[str, ...] = ()
    attestations: tuple[str, ...] = ()
    recordings: bool = False
    speech_model: str = ""


def role_map(texts: Iterable[str]) -> dict[str, Role]:
    """``0=agent,1=customer`` as a table. Raises :class:`BadInput` naming the faulty piece."""
    roles: dict[str, Role] = {}
    for piece in (piece.strip() for text in texts for piece in text.split(",") if piece.strip()):
        speaker, equals, role = piece.rpartition("=")
        if not equals or not speaker:
            raise BadInput(f"--callqa-roles: {piece!r} is not SPEAKER=ROLE, such as 0=agent")
        if (role := role.strip()) not in (known := get_args(Role)):
            raise BadInput(f"--callqa-roles: {role!r} is none of {', '.join(known)}.{did_you_mean(role, known)}")
        roles[speaker] = cast(Role, role)
    return roles


class Document(msgspec.Struct, frozen=True, gc=False):
    """One call's place: a file, or one line of a JSON Lines file.

    ``place`` is empty or ``line 12``. ``data`` holds the bytes of that line; ``None`` means that
    the file is still to be read. ``offset`` is where the line starts in the (expanded) file.
    """

    file: str
    place: str = ""
    data: bytes | None = None
    offset: int = -1


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """A document that holds no call we can judge, and why: one sentence with what to do about it."""

    id: str
    file: str
    place: str
    problem: str

    def __str__(self) -> str:
        where = ", ".join(redactor().file(part) for part in (self.file, self.place) if part)
        return f"{where}: {self.problem}"

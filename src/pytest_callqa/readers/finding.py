"""From paths to documents: folders, globs, JSON Lines, tables and archives, each as a stream.

What a file holds is told by its content, names decide only what is passed over in a folder. JSON Lines are told by
their first two lines; what is neither a table nor an archive is one document a file.
"""

from __future__ import annotations

import glob
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Literal

from pytest_callqa import places, redact
from pytest_callqa.errors import BadInput, did_you_mean
from pytest_callqa.readers import archives, columnmap, recordings, source, turntables
from pytest_callqa.readers.options import Document, Unreadable

_NOT_CALLS = (
    *(".md", ".rst", ".txt", ".html", ".css", ".js", ".py", ".toml", ".ini", ".cfg", ".lock", ".pdf", ".png", ".jpg"),
    *(".yaml", ".yml"),
    *(*recordings.SUFFIXES, ".m4a", ".mp4", ".webm"),
)
_TABLES = frozenset(f"{name}.{kind}" for name in ("cases", "attestations") for kind in ("csv", "json"))
_CSV = re.compile(r".*\.(?:csv|tsv)(?:\.gz|\.zst)?", re.IGNORECASE | re.DOTALL)
_PARQUET = b"PAR1"
_OFFICE = b"[Content_Types].xml"
"""The first member of a Word or Excel file, which is a zip archive."""
_HEAD = 512
_SMALL = 2**16
"""Bytes of a file that is read at once."""


def find_files(paths: Sequence[str], *, with_recordings: bool = False) -> Iterator[str]:
    """The files that may hold calls under ``paths`` (files, folders, globs), in sorted order.

    ``with_recordings``: also those recordings of folders beside which no transcript lies.

    Raises :class:`BadInput` at once for a path that does not exist, a glob that matches nothing
    and a folder without a single file to read: these are errors of usage, not of a call.
    """
    found = [_expand(path, with_recordings=with_recordings) for path in paths]

    def walk() -> Iterator[str]:
        for path in (path for group in found for path in group):
            if places.of(path).is_folder(path):
                yield from _walk(path, with_recordings=with_recordings)
            else:
                yield path

    return walk()


def unmasked(names: Iterable[str]) -> Iterator[str]:
    """The files that names in an output stand for, which may be hashes; a name that stands for none as it is."""
    listed: dict[str, dict[str, str]] = {}
    for name in names:
        parts = name.split("/")
        for place, part in enumerate(parts):
            if not redact.is_hidden(part):
                continue
            folder = "/".join(parts[:place]) or ("/" if place else os.curdir)
            if folder not in listed:
                there = places.of(folder).names(folder) if places.of(folder).is_folder(folder) else ()
                listed[folder] = {redact.hidden(other): other for other in there}
            parts[place] = listed[folder].get(part, part)
        yield "/".join(parts)


def _expand(path: str, *, with_recordings: bool) -> list[str]:
    [path] = unmasked([path])
    if places.of(path).exists(path):
        matches = [path]
    elif glob.has_magic(path) and not places.is_remote(path):
        matches = sorted(glob.glob(path, recursive=True))
        if not matches:
            raise BadInput("This pattern matches no file: correct it, or put it in quotes.", file=path)
    else:
        folder, name = os.path.split(path)
        folder = folder or os.curdir
        near = did_you_mean(name, places.of(folder).names(folder)) if places.of(folder).is_folder(folder) else ""
        raise BadInput(f"There is no such file or folder.{near}", file=path)
    for match in matches:
        if places.of(match).is_folder(match) and next(_walk(match, with_recordings=with_recordings), None) is None:
            raise BadInput("This folder holds no file that could be a call.", file=match)
    return matches


def _walk(folder: str, *, with_recordings: bool) -> Iterator[str]:
    for where, folders, names in places.of(folder).walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        transcribed = {source.stem(name) for name in names if not _passed_over(name)} if with_recordings else set()
        for name in sorted(names):
            path = os.path.join(where, name)
            if with_recordings and _is_named_recording(name):
                if source.stem(name) not in transcribed:
                    yield path
            elif not _passed_over(name) and (_CSV.fullmatch(name) is None or _may_hold_turns(path)):
                yield path


def _is_named_recording(name: str) -> bool:
    return name.lower().endswith(recordings.SUFFIXES) and not name.startswith(".")


def _passed_over(name: str) -> bool:
    """Hidden files, sidecars, tables, recordings and papers lie beside calls, and are none."""
    return name.startswith(".") or name in _TABLES or name.lower().endswith(_NOT_CALLS)


def _may_hold_turns(file: str) -> bool:
    """Whether a column map covers this CSV file, or its header needs none. Others lie beside calls for other ends."""
    try:
        columns = columnmap.column_map(file)
        if columns is not columnmap.PLAIN:
            return True
        with source.opened(file) as stream:
            return columns.fits(turntables.csv_header(stream.readline(source.CHUNK))[0])
    except BadInput:
        return True  # and the reason is told when it is read


def documents(file: str) -> Iterator[Document | Unreadable]:
    """The documents of one file: the calls of a table or an archive, each line of JSON Lines, else the file."""
    try:
        with source.opened(file) as stream:
            head = source.peek(stream, _HEAD)
            if head[:1] not in (b"{", b"["):
                found = _container(file, stream, head)
                if found is not None:
                    yield from found
                    return
            begun = source.first_lines(stream)
            if not source.are_json_lines(begun):
                # A small file is handed on as it was read, which spares opening it twice.
                yield Document(file, data=source.small_rest(begun, stream, min(_SMALL, source.MAX_CALL)))
                return
        with source.opened(file) as stream:
            yield from source.lines(file, stream)
    except BadInput as error:
        yield source.unreadable(Document(file), error)


def divisible(file: str) -> Literal["lines", "rows", ""]:
    """How a file can be cut between its calls: plain JSON Lines by lines, Parquet by rows, others not at all.

    Raises :class:`BadInput` for a file that cannot be read.
    """
    with source.opened(file) as stream:
        head = source.peek(stream, _HEAD)
        if not stream.seekable():
            return ""
        if head.startswith(_PARQUET):
            return "rows"
        return "lines" if head[:1] in (b"{", b"[") and source.are_json_lines(source.first_lines(stream)) else ""


def _container(file: str, stream: BinaryIO, head: bytes) -> Iterator[Document | Unreadable] | None:
    """The calls of an archive or a table, or the call of a recording; ``None`` if the file is none of them."""
    if recordings.is_recording(head) or recordings.is_bare(file):
        return iter((Document(file),))
    if archives.is_zip(head):
        if _OFFICE in head:
            raise BadInput("This is an Office document: export the transcript as VTT, SRT, JSON or plain text instead.")
        if not stream.seekable():
            raise BadInput("This is a compressed archive, twice packed: unpack it once.")
        return _members(file, archives.zip_members(stream, source.budget_of(stream)))
    if archives.is_tar(head):
        return _members(file, archives.tar_members(stream, source.Budget(None)))  # what is expanded is counted already
    if head.startswith(_PARQUET):
        return turntables.parquet_calls(file)
    if _CSV.fullmatch(file) or _is_table(file, head):
        return _csv(file)
    return None


def _is_table(file: str, head: bytes) -> bool:
    header, _ = turntables.csv_header(head.partition(b"\n")[0])
    return len(header) > 1 and columnmap.column_map(file).fits(header)


def _csv(file: str) -> Iterator[Document | Unreadable]:
    with source.opened(file) as data, source.opened(file) as again:
        yield from turntables.csv_calls(file, data, again)


def _members(file: str, members: Iterable[archives.Member | tuple[str, BadInput]]) -> Iterator[Document | Unreadable]:
    for member in members:
        if isinstance(member, tuple):
            name, fault = member
            yield source.unreadable(Document(file, f"{source.MEMBER}{name}"), fault)
            continue
        *folders, name = member.name.split("/")
        place = f"{source.MEMBER}{member.name}"
        if name.endswith(source.META) or name in _TABLES:
            yield source.unreadable(
                Document(file, place),
                BadInput("A sidecar inside an archive is not read: unpack it beside the archive."),
            )
        elif _passed_over(name) or any(folder.startswith((".", "__MACOSX")) for folder in folders if folder != ".."):
            continue
        else:
            try:
                yield from _member(file, place, member)
            except BadInput as error:
                yield source.unreadable(Document(file, place), error)


def _member(file: str, place: str, member: archives.Member) -> Iterator[Document | Unreadable]:
    member.check()
    begun = source.first_lines(member.stream)
    stream = source.replayed(begun, member.stream)
    if source.are_json_lines(begun):
        yield from source.lines(file, stream, place)
        return
    data = source.whole(stream, source.MAX_CALL)
    if _CSV.fullmatch(member.name) or (data[:1] not in (b"{", b"[") and _is_table(file, data[:_HEAD])):
        yield from turntables.csv_calls(file, io.BytesIO(data), io.BytesIO(data), place)
    else:
        yield Document(file, place, data)


def is_recording(file: str) -> bool:
    """Whether a file holds a recording. Raises :class:`BadInput` when it is unreadable."""
    with source.opened(file) as stream:
        return recordings.is_recording(stream.read(_HEAD)) or recordings.is_bare(file)


def read_bytes(document: Document) -> bytes:
    """The document's bytes, expanded. Raises :class:`BadInput` when unreadable or over the limits."""
    if document.data is not None:
        return document.data
    if document.offset >= 0:
        with source.opened(document.file) as stream:
            source.skip(stream, document.offset)
            return stream.readline(source.MAX_CALL)
    if document.place:
        return _again(document)
    return source.read_whole(document.file, source.MAX_CALL)


_reading: dict[str, tuple[places.About, Iterator[Document | Unreadable]]] = {}
"""The table or archive read last, its time and size, and how far: calls are mostly loaded in order."""


def _again(document: Document) -> bytes:
    """A call of a table or an archive, found by its place."""
    with _file_faults(document.file):
        version = places.of(document.file).about(document.file)
    known, going_on = _reading.get(document.file, (None, iter(())))
    _reading.clear()
    rests = [going_on] if known == version else []
    for rest in (*rests, documents(document.file)):
        for found in rest:
            if isinstance(found, Document) and found.place == document.place and found.data is not None:
                _reading[document.file] = version, rest
                return found.data
    raise BadInput("The file has changed since it was listed: start again.", place=document.place)


@contextmanager
def _file_faults(file: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise source.unopened(error) from None

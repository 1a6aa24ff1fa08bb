"""From files to calls: every transcript format that is known, recognised by its content.

Adding a format is one module with a :class:`~pytest_callqa.readers.content.Reader`, and one line in
``_READERS`` below.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType

import msgspec

from pytest_callqa import places
from pytest_callqa.call import Call, digest
from pytest_callqa.errors import BadInput, did_you_mean
from pytest_callqa.readers import (
    assemblyai,
    aws,
    azure,
    bodies,
    captions,
    deepgram,
    finding,
    genesys,
    google,
    harpervalley,
    pca,
    recognition,
    recordings,
    source,
    transcribe,
    twilio,
    vcon,
    whisper,
)
from pytest_callqa.readers.content import Content, Reader, spellings
from pytest_callqa.readers.duplicates import Duplicates
from pytest_callqa.readers.finding import unmasked
from pytest_callqa.readers.finishing import finish
from pytest_callqa.readers.native import Native, schema, to_native
from pytest_callqa.readers.options import Document, ReadOptions, Unreadable, role_map
from pytest_callqa.readers.roles import RoleMap
from pytest_callqa.readers.sidecars import Sidecars
from pytest_callqa.readers.source import unreadable

__all__ = [
    "FORMATS",
    "CallRef",
    "Document",
    "Duplicates",
    "ReadOptions",
    "Sidecars",
    "Unreadable",
    "find_documents",
    "find_files",
    "find_sidecars",
    "load",
    "locate",
    "read_calls",
    "read_document",
    "role_map",
    "schema",
    "to_native",
    "unmasked",
    "unreadable",
]

# In the order in which a document is offered to them: the most particular first.
_BODIES: tuple[Reader, ...] = (
    pca.PostCallAnalytics(),
    aws.TranscribeCallAnalytics(),
    aws.ContactLens(),
    aws.ContactLensRealTime(),
    transcribe.Transcribe(),
    deepgram.Deepgram(),
    azure.AzureBatch(),
    azure.AzureFast(),
    azure.AzureContentUnderstanding(),
    google.JsonConversation(),
    google.Conversation(),
    genesys.Genesys(),
    twilio.Twilio(),
    assemblyai.AssemblyAi(),
    harpervalley.HarperValley(),
    bodies.Wtf(),
    whisper.WHISPERX,
    whisper.OPENAI_DIARIZED,
    whisper.VERBOSE,
    whisper.WhisperCpp(),
    bodies.TurnList(),
    captions.WebVtt(),
    captions.SubRip(),
)
_READERS: tuple[Reader, ...] = (
    Native(),
    vcon.VCon((*_BODIES, bodies.LabelledText(is_transcript=True))),
    *_BODIES,
    bodies.LabelledText(),
)

_complete = msgspec.structs.force_setattr

FORMATS: Mapping[str, Reader] = MappingProxyType({reader.name: reader for reader in _READERS})
"""Every format by the name that ``--callqa-format`` takes."""


class CallRef(msgspec.Struct, frozen=True):
    """Where a call is, to read it later: small, hashable and fit to cross processes.

    ``names`` are those that the call gives, by which its id may tell a person.
    """

    id: str
    file: str
    place: str = ""
    offset: int = -1
    names: tuple[str, ...] = ()


def find_documents(paths: Sequence[str], options: ReadOptions) -> Iterator[Document | Unreadable]:
    """The documents under ``paths``, as :func:`find_files` finds them.

    JSON Lines, tables and archives (also compressed) are streamed, call by call; a file that cannot be read is an
    :class:`Unreadable` in its place. Raises :class:`BadInput` at once as :func:`find_files` does.
    """
    return itertools.chain.from_iterable(map(finding.documents, find_files(paths, options)))


def find_files(paths: Sequence[str], options: ReadOptions) -> Iterator[str]:
    """The files that may hold calls under ``paths``: files, folders (recursively, in sorted order) and globs.

    Raises :class:`BadInput` at once for a speech model that is none, a path that does not exist, a pattern that
    matches nothing, a folder without calls and a format that is not known.
    """
    if options.format not in FORMATS and options.format != "auto":
        near = did_you_mean(options.format, FORMATS)
        raise BadInput(f"{options.format!r} is no format: use auto or one of {', '.join(FORMATS)}.{near}")
    if options.speech_model:
        recognition.check(options.speech_model)
    files = finding.find_files(paths, with_recordings=options.recordings)
    tables = {places.absolute(table) for table in (*options.cases, *options.attestations)}
    return (file for file in files if not tables or places.absolute(file) not in tables)


def find_sidecars(paths: Sequence[str], options: ReadOptions) -> Sidecars:
    """The sidecars of the calls under ``paths``. Raises :class:`BadInput` as :meth:`Sidecars.load` does."""
    return Sidecars.load(options, source.roots(paths))


def read_document(document: Document, options: ReadOptions, sidecars: Sidecars) -> Iterator[Call | Unreadable]:
    """The call in ``document``, with what its sidecars add. Whatever it holds, this does not raise."""
    try:
        yield _read(document, options, sidecars, RoleMap(options.roles))
    except BadInput as error:
        yield unreadable(document, error)


def read_calls(paths: Sequence[str], options: ReadOptions) -> Iterator[Call | Unreadable]:
    """Every call under ``paths``, one after the other, each id once.

    Raises :class:`BadInput` for faults of usage: see :func:`find_documents` and :meth:`Sidecars.load`.
    """
    documents = find_documents(paths, options)
    sidecars = find_sidecars(paths, options)
    return map(itemgetter(1), _distinct(documents, options, sidecars))


def locate(paths: Sequence[str], options: ReadOptions) -> Iterator[CallRef | Unreadable]:
    """As :func:`read_calls`, but with a reference to each call in its place."""
    documents = find_documents(paths, options)
    sidecars = find_sidecars(paths, options)
    return (
        CallRef(found.id, document.file, document.place, document.offset, found.names)
        if isinstance(found, Call)
        else found
        for document, found in _distinct(documents, options, sidecars)
    )


def load(ref: CallRef, options: ReadOptions, sidecars: Sidecars) -> Call:
    """The call that ``ref`` stands for. Raises :class:`BadInput` if its file has changed since."""
    document = Document(ref.file, ref.place, offset=ref.offset)
    try:
        call = _read(document, options, sidecars, RoleMap(options.roles))
    except BadInput as error:
        raise error.at(ref.file, ref.place) from None
    if call.id == source.identity(document):  # an id from the file's name may have got its folder's name
        call = msgspec.structs.replace(call, id=ref.id)
    if call.id != ref.id:
        raise BadInput("The file has changed since it was listed: start again.", file=ref.file, place=ref.place)
    return call


def _distinct(
    documents: Iterable[Document | Unreadable], options: ReadOptions, sidecars: Sidecars
) -> Iterator[tuple[Document, Call | Unreadable]]:
    """The calls and what cannot be read, without copies."""
    roles = RoleMap(options.roles)

    def again(document: Document) -> bytes:
        try:
            return digest(_read(document, options, sidecars, roles))
        except BadInput:  # it has changed, so it is no copy of anything
            return b"changed"

    duplicates = Duplicates(again)
    for document in documents:
        if isinstance(document, Unreadable):
            yield Document(document.file, document.place), document
            continue
        try:
            found = _read(document, options, sidecars, roles)
        except BadInput as error:
            yield document, unreadable(document, error)
        else:
            known_as = duplicates.admit(found.id, b"", document)
            if known_as == found.id:
                yield document, found
            elif isinstance(known_as, Unreadable):
                yield document, known_as
            elif known_as is not None:
                yield document, msgspec.structs.replace(found, id=known_as)


def _read(document: Document, options: ReadOptions, sidecars: Sidecars, roles: RoleMap) -> Call:
    """``roles`` is the map of ``options``, made once for many documents."""
    meta = sidecars.meta(document.file)
    if meta.roles:
        options = dataclasses.replace(options, roles={**options.roles, **meta.roles})
        roles = RoleMap(options.roles)
    if document.data is None and not document.place and finding.is_recording(document.file):
        call, size = recordings.read(document.file, options), 0
    else:
        content = Content(finding.read_bytes(document), file="" if document.place else document.file)
        call, size = _read_content(content, options), len(content.data)
    # Nobody has the call yet: it is completed in place, which spares a copy of every call.
    _complete(call, "source", f"{document.file}, {document.place}" if document.place else document.file)
    if not call.id:
        _complete(call, "id", source.identity(document))
    if options.language and not call.language:
        _complete(call, "language", options.language)
    if meta.fields:
        call = msgspec.structs.replace(call, **meta.fields)
    if options.recordings and not document.place and not call.waves and (near := recordings.beside(document.file)):
        call = recordings.with_sound(call, near, roles)
    return finish(sidecars.add_tables(call, document.file), roles, own_roles=bool(meta.roles), size=size)


def _read_content(content: Content, options: ReadOptions) -> Call:
    try:
        reader, content = _recognised(content, options.format)
        return reader.read(content, options)
    except (ValueError, LookupError, ArithmeticError, RecursionError, MemoryError) as error:
        # What a reader did not foresee is the file's fault all the same, and must not end the run.
        raise BadInput(
            f"The file holds values that no call has ({type(error).__name__}): export the call again."
        ) from error


def _reader_of(content: Content) -> Reader | None:
    for reader in _READERS:
        if reader.recognise(content):
            return reader
    return None


def _recognised(content: Content, format: str) -> tuple[Reader, Content]:
    """Who reads the content, and the content as it is spelt there."""
    if format == "auto":
        if reader := _reader_of(content):
            return reader, content
        for spelt in spellings(content):
            if reader := _reader_of(spelt):
                return reader, spelt
    if content.is_blank:
        raise BadInput("The file is empty: export the call again.")
    if format != "auto":
        return FORMATS[format], content
    first = content.value[0] if isinstance(content.value, list) and content.value else None
    if isinstance(first, dict) and _reader_of(Content(b"", first)):
        raise BadInput("This is a list of calls: write one a line as JSON Lines, for example with: jq -c '.[]'.")
    raise BadInput(
        "This is not a transcript in a format that is known: leave the file out, or name its format with "
        "--callqa-format (callqa: --format); callqa check --help lists them."
    )

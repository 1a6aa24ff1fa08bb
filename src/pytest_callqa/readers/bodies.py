"""Transcripts without a vendor: lists of turns, the World Transcription Format, labelled text.

They are what vCon bodies hold, and stand alone as well. Where a list could name its speakers in more
than one way, the label keeps the difference: ``party 1`` is an index into a vCon's parties,
``speaker 1`` a recogniser's number, anything else is what the file wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from pytest_callqa.call import Call, Turn, Word
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.clock import aware, shown
from pytest_callqa.readers.content import Content, typed
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.roles import (
    COLON,
    RoleMap,
    is_numbered,
    label_test,
    name_in_label,
    other_of_two,
    role_of_label,
)
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import with_punctuation

_LISTS = ("segments", "conversation", "messages", "transcript", "utterances")
_TEXTS = ("text", "message", "content", "transcript")
_SLOWEST = 5.0  # seconds a character
_SPEAKERS = ("speaker", "role", "parties", "party")


class _Entry(msgspec.Struct, frozen=True):
    text: str | None = None
    message: str | None = None
    content: str | None = None
    transcript: str | None = None
    speaker: int | str | None = None
    role: str | None = None
    parties: int | list[int] | None = None
    party: int | None = None
    start: float | datetime | None = None
    end: float | None = None
    duration: float | None = None

    @property
    def said(self) -> str:
        """What was said, whatever it is called."""
        return (self.text or self.message or self.content or self.transcript or "").strip()


class TurnList:
    """A list of turns, bare or under ``segments``, ``conversation``, ``messages``, ``transcript`` or ``utterances``."""

    name = "turn-list"

    def recognise(self, content: Content) -> bool:
        """A list whose first entry has text and someone who said it."""
        entries = _entries(content)
        first = entries[0] if isinstance(entries, list) and entries else None
        return (
            isinstance(first, dict)
            and any(isinstance(first.get(key), str) for key in _TEXTS)
            and any(key in first for key in _SPEAKERS)
        )

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        entries = typed(_entries(content), list[_Entry])
        _check_unit(entries)
        clock = next((aware(entry.start) for entry in entries if isinstance(entry.start, datetime)), None)
        return _call(self.name, (_listed(entry, clock) for entry in entries), started=clock)


def _check_unit(entries: Sequence[_Entry]) -> None:
    """Raises :class:`BadInput` for times that must be milliseconds: nobody takes seconds for each letter."""
    timed = [(one, one.start, one.end) for one in entries if isinstance(one.start, float) and one.end is not None]
    spoken = sum(end - start for _, start, end in timed)
    if spoken > _SLOWEST * sum(len(one.said) for one, _, _ in timed):
        raise BadInput("The times of this list look like milliseconds: give them in seconds.")


def _entries(content: Content) -> object:
    if isinstance(content.value, list):
        return content.value
    return next((content.get(key) for key in _LISTS if content.has(key)), None)


def _listed(entry: _Entry, clock: datetime | None) -> Turn:
    start = entry.start
    if isinstance(start, datetime):
        start = (aware(start) - clock).total_seconds() if clock else None
    end = entry.end
    if end is None and start is not None and entry.duration is not None:
        end = start + entry.duration
    return Turn(
        text=entry.said,
        start=start,
        end=end,
        speaker=_label(entry),
    )


def _label(entry: _Entry) -> str:
    if isinstance(entry.speaker, int):
        return f"speaker {entry.speaker}"
    if entry.speaker or entry.role:
        return entry.speaker or entry.role or ""
    first = entry.parties[:1] if isinstance(entry.parties, list) else [entry.parties]
    party = entry.party if first in ([], [None]) else first[0]
    return "" if party is None else f"party {party}"


class _WtfTranscript(msgspec.Struct, frozen=True):
    language: str = ""
    duration: float | None = None


class _WtfWord(msgspec.Struct, frozen=True):
    text: str
    start: float | None = None
    end: float | None = None
    confidence: float | None = None
    is_punctuation: bool = False


class _WtfSpeaker(msgspec.Struct, frozen=True):
    label: str | None = None


class _WtfSegment(msgspec.Struct, frozen=True):
    start: float
    end: float
    text: str
    speaker: int | str | None = None
    words: list[int] = []


class _Wtf(msgspec.Struct, frozen=True):
    transcript: _WtfTranscript
    segments: list[_WtfSegment]
    words: list[_WtfWord] | None = None
    speakers: dict[str, _WtfSpeaker] | None = None


class Wtf:
    """World Transcription Format (draft-howe-vcon-wtf-extension): segments, words by reference."""

    name = "wtf"

    def recognise(self, content: Content) -> bool:
        """An object with a ``transcript`` object and a list of ``segments``."""
        return isinstance(content.get("transcript"), dict) and isinstance(content.get("segments"), list)

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        body = content.to(_Wtf)
        words, speakers = body.words or [], body.speakers or {}
        return _call(
            self.name,
            (
                Turn(
                    text=segment.text.strip(),
                    start=segment.start,
                    end=segment.end,
                    speaker=_wtf_label(segment.speaker, speakers),
                    words=with_punctuation(
                        (Word(word.text, word.start, word.end, word.confidence), word.is_punctuation)
                        for number in segment.words
                        if 0 <= number < len(words)
                        for word in [words[number]]
                    ),
                )
                for segment in body.segments
            ),
            language=body.transcript.language,
            duration=body.transcript.duration,
        )


def _wtf_label(speaker: int | str | None, speakers: dict[str, _WtfSpeaker]) -> str:
    if speaker is None:
        return ""
    known = speakers.get(str(speaker))
    if known and known.label:
        return known.label
    return f"speaker {speaker}" if isinstance(speaker, int) else speaker


_CLOCK = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
_LABELLED = re.compile(
    rf"\s*(?:[\[(]?(?P<before>{_CLOCK})[\])]?\s*(?:[-–|]\s*)?)?"
    r"(?:\*\*(?P<bold>[^*\n]{1,60}?)\s*(?:[:：]\s*\*\*|\*\*\s*[:：])"
    rf"|(?P<plain>[^\W\d_][^:：*\n]{{0,40}}?)\s*(?:[\[(](?P<after>{_CLOCK})[\])])?{COLON})\s*(?P<text>.*)"
)


class LabelledText:
    """Text with a speaker's label before each turn: ``Agent: …`` or Markdown's ``**Agent(May)**: …``.

    The time may stand before it, ``[00:05] Agent: …``, or after it, ``Agent (00:05): …``.
    """

    name = "labelled-text"

    def __init__(self, *, is_transcript: bool = False) -> None:
        """``is_transcript`` says that the text is known to be a transcript, so that labels may all be names."""
        self._is_transcript = is_transcript

    def recognise(self, content: Content) -> bool:
        """Two labels at least, and one of them a role or a recogniser's number."""
        if content.value is not None:
            return False
        labels = [turn.speaker for turn in _labelled(content.text, RoleMap({})) if turn.speaker]
        named = (role_of_label(label) != "unknown" or is_numbered(label) for label in labels)
        return len(labels) > 1 and (self._is_transcript or any(named))

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` unless the text is UTF-8."""
        return _call(self.name, _labelled(content.text, RoleMap(options.roles)))


def _labelled(text: str, roles: RoleMap) -> Iterator[Turn]:
    """The turns; a line without a label goes on with the turn before it, headings are no speech."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    matches = [_LABELLED.fullmatch(line) for line in lines]
    labels = [(match["bold"] or match["plain"]).strip() if match else "" for match in matches]
    is_label = label_test(labels, filter(None, labels), roles)
    speaker, start, said = "", None, list[str]()
    for line, match, label in zip(lines, matches, labels, strict=True):
        if match and (match["bold"] or is_label(label)):
            if said:
                yield Turn(text=" ".join(said), speaker=speaker, start=start)
            speaker, start, said = label, shown(match["before"] or match["after"] or ""), [match["text"].strip()]
        else:
            said.append(line)
    if said:
        yield Turn(text=" ".join(said), speaker=speaker, start=start)


def _call(
    name: str,
    turns: Iterator[Turn],
    *,
    language: str = "",
    duration: float | None = None,
    started: datetime | None = None,
) -> Call:
    spoken, told = other_of_two(
        tuple(msgspec.structs.replace(turn, role=role_of_label(turn.speaker)) for turn in turns if turn.text)
    )
    return Call(
        id="",
        turns=spoken,
        tolerance=tolerance(name),
        language=language,
        duration=duration,
        started=started,
        names=tuple(sorted({name_in_label(turn.speaker) for turn in spoken} - {""})),
        limits=(*told, "the transcript has no loudness"),
        format=name,
    )

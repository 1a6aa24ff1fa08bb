"""Google Contact Center AI Insights: uploaded JSON_CONVERSATION files and the API's Conversation.

Documents: "Conversation data format" of the CCAI Insights guide, and ``Conversation`` of its REST
reference. Uploaded entries have microseconds, since 1970 or since the start; the API writes durations
as ``"1.200s"``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from pytest_callqa.call import Call, Event, Role, Silence, Turn, Word
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.clock import aware, since_1970
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import span

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("AGENT", "HUMAN_AGENT", "AUTOMATED_AGENT", "ANY_AGENT"), "agent"),
    **dict.fromkeys(("CUSTOMER", "END_USER"), "customer"),
}
_EPOCH = 10**14  # microseconds; a call that lasted as long would have begun three years ago


class _Entry(msgspec.Struct, frozen=True):
    text: str = ""
    role: str = ""
    start_timestamp_usec: int | None = None
    user_id: int | str = 0


class _Upload(msgspec.Struct, frozen=True):
    entries: list[_Entry]


class JsonConversation:
    """JSON_CONVERSATION: roles and when each turn starts; no ends, no words."""

    name = "google-json-conversation"

    def recognise(self, content: Content) -> bool:
        """A list of ``entries`` with ``start_timestamp_usec``."""
        entries = content.get("entries")
        first = entries[0] if isinstance(entries, list) and entries else None
        return isinstance(first, dict) and "start_timestamp_usec" in first

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        entries = content.to(_Upload).entries
        first = min((one.start_timestamp_usec for one in entries if one.start_timestamp_usec is not None), default=0)
        absolute = first >= _EPOCH
        origin = first if absolute else 0
        return Call(
            id="",
            turns=tuple(
                Turn(
                    role=_ROLES.get(entry.role, "unknown"),
                    text=entry.text,
                    start=None if entry.start_timestamp_usec is None else (entry.start_timestamp_usec - origin) / 1e6,
                    speaker=f"speaker {entry.user_id}",
                )
                for entry in entries
            ),
            tolerance=tolerance(self.name),
            started=since_1970(origin) if absolute else None,
            limits=(
                "it says when turns start and not when they end: no silences",
                "no words, no loudness, nothing that happens on the line",
            ),
            format=self.name,
        )


class _Word(msgspec.Struct, frozen=True, rename="camel"):
    word: str
    start_offset: str = ""
    end_offset: str = ""
    confidence: float | None = None


class _Participant(msgspec.Struct, frozen=True, rename="camel"):
    role: str = ""
    user_id: str = ""


class _Segment(msgspec.Struct, frozen=True, rename="camel"):
    text: str = ""
    words: list[_Word] = []
    channel_tag: int = 0
    language_code: str = ""
    segment_participant: _Participant = _Participant()
    message_time: datetime | None = None


class _Transcript(msgspec.Struct, frozen=True, rename="camel"):
    transcript_segments: list[_Segment]


class _CallMetadata(msgspec.Struct, frozen=True, rename="camel"):
    agent_channel: int = 0
    customer_channel: int = 0


class _Boundary(msgspec.Struct, frozen=True, rename="camel"):
    transcript_index: int = 0
    word_index: int = 0


class _Annotation(msgspec.Struct, frozen=True, rename="camel"):
    annotation_start_boundary: _Boundary = _Boundary()
    annotation_end_boundary: _Boundary = _Boundary()
    interruption_data: object = None
    silence_data: object = None
    hold_data: object = None


class _CallAnalysis(msgspec.Struct, frozen=True, rename="camel"):
    annotations: list[_Annotation] = []


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    call_analysis_metadata: _CallAnalysis = _CallAnalysis()


class _Analysis(msgspec.Struct, frozen=True, rename="camel"):
    analysis_result: _Result = _Result()


class _Conversation(msgspec.Struct, frozen=True, rename="camel"):
    transcript: _Transcript
    name: str = ""
    start_time: datetime | None = None
    duration: str = ""
    language_code: str = ""
    agent_id: str = ""
    call_metadata: _CallMetadata = _CallMetadata()
    latest_analysis: _Analysis | None = None
    labels: dict[str, str] = {}

    @property
    def began(self) -> datetime | None:
        """When the conversation began, else when its first message was sent, if it says so."""
        sent = (segment.message_time for segment in self.transcript.transcript_segments if segment.message_time)
        return aware(self.start_time) if self.start_time else min(map(aware, sent), default=None)


class Conversation:
    """The API's Conversation: words, and the silences, holds and interruptions that Insights found."""

    name = "google-conversation"

    def recognise(self, content: Content) -> bool:
        """A ``transcript`` with ``transcriptSegments``."""
        transcript = content.get("transcript")
        return isinstance(transcript, dict) and "transcriptSegments" in transcript

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        talk = content.to(_Conversation)
        segments = talk.transcript.transcript_segments
        turns = tuple(_turn(segment, talk) for segment in segments)
        found = talk.latest_analysis.analysis_result.call_analysis_metadata.annotations if talk.latest_analysis else []
        holds = [_between(one, turns) for one in found if one.hold_data is not None]
        return Call(
            id=talk.name.rpartition("/")[2],
            turns=turns,
            events=tuple(event for hold in holds if hold for event in _hold(hold)),
            tolerance=tolerance(self.name),
            language=talk.language_code or next((one.language_code for one in segments), ""),
            started=talk.start_time if talk.start_time and talk.start_time.tzinfo else None,
            duration=_seconds(talk.duration, "$.duration"),
            agent=talk.agent_id,
            silences=tuple(
                gap for one in found if one.silence_data is not None and (gap := _between(one, turns)) is not None
            ),
            interruptions=sum(one.interruption_data is not None for one in found) if talk.latest_analysis else None,
            labels=talk.labels,
            limits=("Insights lists silences over 5 s only", "no loudness, and no ring or answer times"),
            format=self.name,
        )


def _seconds(text: str, place: str) -> float | None:
    """``1.200s`` as 1.2. Raises :class:`BadInput` placed at ``place``."""
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,9}(?:\.\d{1,9})?s", text):
        raise BadInput('Expected a duration such as "1.200s": export the conversation again.', place=place)
    return float(text[:-1])


def _turn(segment: _Segment, talk: _Conversation) -> Turn:
    who, channels = segment.segment_participant, talk.call_metadata
    role = _ROLES.get(who.role, "unknown")
    if role == "unknown" and segment.channel_tag:
        if segment.channel_tag == channels.agent_channel:
            role = "agent"
        elif segment.channel_tag == channels.customer_channel:
            role = "customer"
    words = tuple(
        Word(
            word.word,
            _seconds(word.start_offset, "$.transcript.transcriptSegments"),
            _seconds(word.end_offset, "$.transcript.transcriptSegments"),
            word.confidence or None,  # 0.0 means that it was not set
        )
        for word in segment.words
    )
    start, end = span(words)
    if start is None and segment.message_time and talk.began:
        start = (aware(segment.message_time) - talk.began).total_seconds()
    return Turn(
        role=role,
        text=segment.text,
        start=start,
        end=end,
        speaker=who.user_id or (f"channel {segment.channel_tag}" if segment.channel_tag else who.role),
        words=words,
        language=segment.language_code,
    )


def _between(found: _Annotation, turns: Sequence[Turn]) -> Silence | None:
    """From the end of the word at the first boundary to the start of the one at the second, if that is time."""
    before = _word_at(found.annotation_start_boundary, turns)
    after = _word_at(found.annotation_end_boundary, turns)
    if before is None or after is None or before.end is None or after.start is None or before.end >= after.start:
        return None
    return Silence(before.end, after.start)


def _word_at(boundary: _Boundary, turns: Sequence[Turn]) -> Word | None:
    if not 0 <= boundary.transcript_index < len(turns):
        return None
    words = turns[boundary.transcript_index].words
    return words[boundary.word_index] if 0 <= boundary.word_index < len(words) else None


def _hold(gap: Silence) -> Iterator[Event]:
    yield Event(kind="hold", time=gap.start, by="customer")
    yield Event(kind="unhold", time=gap.end, by="customer")

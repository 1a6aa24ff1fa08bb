"""Amazon: Contact Lens and Transcribe Call Analytics, which share a skeleton.

Documents: "Output file locations and example analyzed files" of the Amazon Connect guide; "Post-call
analytics output" of the Amazon Transcribe guide. Times are milliseconds from the call's start.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from pytest_callqa.call import Call, Role, Silence, Turn, Word
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.clock import aware, seconds
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import with_punctuation

ROLES: dict[str, Role] = {"AGENT": "agent", "CUSTOMER": "customer", "SYSTEM": "system"}
"""Values of Amazon's ``ParticipantRole``."""

REDACTED = "personal data was redacted by the recogniser: a name or number it removed cannot be checked"


class _Span(msgspec.Struct, rename="pascal", frozen=True):
    begin_offset_millis: float
    end_offset_millis: float


class _Item(msgspec.Struct, rename="pascal", frozen=True):
    content: str
    type: str = "pronunciation"
    confidence: float | None = None
    begin_offset_millis: float | None = None
    end_offset_millis: float | None = None


class _Instant(msgspec.Struct, rename="pascal", frozen=True):
    absolute_time: datetime | None = None


class _Turn(msgspec.Struct, rename="pascal", frozen=True):
    content: str = ""
    begin_offset_millis: float | None = None
    end_offset_millis: float | None = None
    absolute_time: datetime | None = None  # of a chat's message
    time: _Instant | None = None  # the same in real time
    participant_id: str = ""
    participant_role: str = ""
    loudness_score: list[float | None] = []  # Contact Lens
    loudness_scores: list[float | None] = []  # Transcribe Call Analytics
    items: list[_Item] = []


class _Participant(msgspec.Struct, rename="pascal", frozen=True):
    participant_role: str
    participant_id: str = ""


class _NonTalk(msgspec.Struct, rename="pascal", frozen=True):
    instances: list[_Span] = []


class _Interruptions(msgspec.Struct, rename="pascal", frozen=True):
    total_count: int


class _Characteristics(msgspec.Struct, rename="pascal", frozen=True):
    total_conversation_duration_millis: float | None = None
    non_talk_time: _NonTalk | None = None
    interruptions: _Interruptions | None = None


class _Categories(msgspec.Struct, rename="pascal", frozen=True):
    matched_categories: list[str] = []


class _ContentMetadata(msgspec.Struct, rename="pascal", frozen=True):
    output: str = ""


class _CustomerMetadata(msgspec.Struct, rename="pascal", frozen=True):
    contact_id: str = ""


class _Analysis(msgspec.Struct, rename="pascal", frozen=True):
    transcript: list[_Turn]
    participants: list[_Participant] = []
    job_name: str = ""
    language_code: str = ""
    conversation_characteristics: _Characteristics = _Characteristics()
    categories: _Categories = _Categories()
    content_metadata: _ContentMetadata = _ContentMetadata()
    customer_metadata: _CustomerMetadata = _CustomerMetadata()


class ContactLens:
    """Contact Lens post-call analysis: turn times and roles, no words."""

    name = "contact-lens"

    def recognise(self, content: Content) -> bool:
        """The skeleton, without what only Transcribe writes."""
        return _is_analysis(content) and not _is_transcribe(content)

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for a failed job and for fields that do not fit."""
        analysis = _analysis(content)
        return _call(
            analysis,
            self.name,
            analysis.customer_metadata.contact_id,
            "no words: a silence within a turn is known only where Contact Lens lists it (over 3 s)",
            "ring, answer, hold and transfer times are in the contact record, not in this file",
        )


class TranscribeCallAnalytics:
    """Transcribe Call Analytics: the same skeleton, with words and their confidence."""

    name = "transcribe-call-analytics"

    def recognise(self, content: Content) -> bool:
        """The skeleton with a job's name, or with words."""
        return _is_analysis(content) and _is_transcribe(content)

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for a failed job and for fields that do not fit."""
        analysis = _analysis(content)
        return _call(
            analysis,
            self.name,
            analysis.job_name,
            "Amazon lists silences only above the length that its category rules ask for",
            "no ring, answer, hold or transfer times",
        )


def _is_analysis(content: Content) -> bool:
    if not content.has("JobStatus"):
        return False
    return content.has("Participants") or content.has("ConversationCharacteristics") or content.has("Channel")


def _is_transcribe(content: Content) -> bool:
    turns = content.get("Transcript")
    first = turns[0] if isinstance(turns, list) and turns else None
    return content.has("JobName") or (isinstance(first, dict) and ("Items" in first or "LoudnessScores" in first))


def _analysis(content: Content) -> _Analysis:
    status = content.get("JobStatus")
    if status != "COMPLETED" and not content.has("Transcript"):
        raise BadInput("Amazon did not complete this job, so there is no transcript: run the analysis again.")
    return content.to(_Analysis)


def _call(analysis: _Analysis, format: str, identity: str, *limits: str) -> Call:
    roles = {who.participant_id: who.participant_role for who in analysis.participants}
    began = _began(analysis.transcript)
    redacted = analysis.content_metadata.output == "Redacted"
    measured = analysis.conversation_characteristics
    categories = ", ".join(analysis.categories.matched_categories)
    return Call(
        id=identity,
        turns=tuple(
            _turn(turn, turn.participant_role or roles.get(turn.participant_id, ""), began)
            for turn in analysis.transcript
            if turn.content
        ),
        tolerance=tolerance(format),
        started=began,
        language=analysis.language_code,
        duration=seconds(measured.total_conversation_duration_millis),
        silences=silences(measured.non_talk_time.instances if measured.non_talk_time else ()),
        interruptions=measured.interruptions.total_count if measured.interruptions else None,
        labels={"categories": categories} if categories else {},
        limits=(*limits, REDACTED) if redacted else limits,
        format=format,
    )


def silences(spans: Iterable[_Span]) -> tuple[Silence, ...]:
    """Amazon's ``NonTalkTime`` in seconds."""
    return tuple(Silence(span.begin_offset_millis / 1000, span.end_offset_millis / 1000) for span in spans)


def _turn(turn: _Turn, role: str, began: datetime | None = None) -> Turn:
    start, end = seconds(turn.begin_offset_millis), seconds(turn.end_offset_millis)
    if start is None and began and (said := _instant(turn)):
        start = (said - began).total_seconds()
    return Turn(
        role=ROLES.get(role, "unknown"),
        text=turn.content,
        start=start,
        end=end,
        speaker=turn.participant_id or role,
        words=with_punctuation(map(_word, turn.items)),
        loudness=loudness(turn.loudness_score or turn.loudness_scores),
    )


def _began(turns: Iterable[_Turn]) -> datetime | None:
    return min((said for turn in turns if (said := _instant(turn))), default=None)


def _instant(turn: _Turn) -> datetime | None:
    """The time of day at which a message was sent, which is all the time that a chat has."""
    sent = turn.absolute_time or (turn.time.absolute_time if turn.time else None)
    return aware(sent) if sent else None


def loudness(scores: Iterable[float | None]) -> float | None:
    """The mean of Amazon's scores in dB, one a second, without the zeros that stand for silence."""
    heard = [score for score in scores if score]
    return sum(heard) / len(heard) if heard else None


def _word(item: _Item) -> tuple[Word, bool]:
    word = Word(item.content, seconds(item.begin_offset_millis), seconds(item.end_offset_millis), item.confidence)
    return word, item.type == "punctuation"


class _RealTimeSegment(msgspec.Struct, frozen=True, rename="pascal"):
    transcript: _Turn | None = None


class _RealTime(msgspec.Struct, frozen=True, rename="pascal"):
    segments: list[_RealTimeSegment]
    contact_id: str = ""
    language_code: str = ""


_SEGMENTS = frozenset({"Transcript", "Utterance", "Categories", "Event", "Attachments", "PostContactSummary"})


class ContactLensRealTime:
    """Contact Lens real-time, turn by turn: what its API lists, of calls and of chats, and what it streams."""

    name = "contact-lens-real-time"

    def recognise(self, content: Content) -> bool:
        """A list of ``Segments`` that hold transcripts, events, categories or a summary."""
        segments = content.get("Segments")
        first = segments[0] if isinstance(segments, list) and segments else None
        return isinstance(first, dict) and not _SEGMENTS.isdisjoint(first)

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        heard = content.to(_RealTime)
        said = [one.transcript for one in heard.segments if one.transcript]
        began = _began(said)
        return Call(
            id=heard.contact_id,
            turns=tuple(_turn(turn, turn.participant_role, began) for turn in said if turn.content),
            tolerance=tolerance(self.name),
            started=began,
            language=heard.language_code,
            limits=(
                "no words, no loudness and no list of silences: a silence within a turn does not show",
                "ring, answer, hold and transfer times are in the contact record, not in this file",
            ),
            format=self.name,
        )

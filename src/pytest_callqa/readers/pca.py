"""Amazon Transcribe Post Call Analytics (PCA), the sample solution's own output.

Document: "Output file format" of amazon-transcribe-post-call-analytics. Numbers may be strings,
booleans 0 or 1, and what is not known is the word ``None``.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from pytest_callqa.call import Call, Role, Silence, Turn, Word
from pytest_callqa.readers.aws import REDACTED, loudness
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.roles import role_of_label
from pytest_callqa.readers.tolerance import tolerance


class _Label(msgspec.Struct, frozen=True, rename="pascal"):
    speaker: str
    display_text: str = ""


class _Instance(msgspec.Struct, frozen=True, rename="pascal"):
    begin_offset_secs: float
    end_offset_secs: float


class _SpeakerTime(msgspec.Struct, frozen=True, rename="pascal"):
    instances: list[_Instance] = []


class _Job(msgspec.Struct, frozen=True, rename="pascal"):
    transcription_job_name: str = ""
    redacted_transcript: bool = False


class _Source(msgspec.Struct, frozen=True, rename="pascal"):
    transcribe_job_info: _Job = _Job()


class _Category(msgspec.Struct, frozen=True, rename="pascal"):
    name: str


class _Analytics(msgspec.Struct, frozen=True, rename="pascal"):
    guid: str = msgspec.field(default="", name="GUID")
    agent: str | None = None
    conversation_time: str = ""
    conversation_location: str = ""
    process_time: str = ""
    language_code: str = ""
    duration: float | None = None
    speaker_labels: list[_Label] = []
    speaker_time: dict[str, _SpeakerTime] = {}
    categories_detected: list[_Category] = []
    source_information: list[_Source] = []


class _Word(msgspec.Struct, frozen=True, rename="pascal"):
    text: str
    start_time: float
    end_time: float
    confidence: float | None = None


class _Segment(msgspec.Struct, frozen=True, rename="pascal"):
    segment_start_time: float
    segment_end_time: float
    segment_speaker: str
    display_text: str = ""
    original_text: str = ""
    segment_interruption: bool = False
    ivr_segment: bool = msgspec.field(default=False, name="IVRSegment")
    loudness_scores: list[float | None] = []
    word_confidence: list[_Word] = []


class _Output(msgspec.Struct, frozen=True, rename="pascal"):
    conversation_analytics: _Analytics
    speech_segments: list[_Segment]


class PostCallAnalytics:
    """PCA: words, loudness, interruptions, and roles by the label of each speaker."""

    name = "post-call-analytics"

    def recognise(self, content: Content) -> bool:
        """``ConversationAnalytics`` with ``SpeechSegments``."""
        return content.has("ConversationAnalytics", "SpeechSegments")

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        output = content.to(_Output)
        about, segments = output.conversation_analytics, output.speech_segments
        jobs = [source.transcribe_job_info for source in about.source_information]
        roles = {label.speaker: role_of_label(label.display_text) for label in about.speaker_labels}
        quiet = about.speaker_time.get("NonTalkTime", _SpeakerTime())
        categories = ", ".join(category.name for category in about.categories_detected)
        limits = ("who is the agent is what a setting of PCA says: check it", "no ring, answer, hold or transfer times")
        return Call(
            id=_known(about.guid) or next((_known(job.transcription_job_name) for job in jobs), ""),
            turns=tuple(_turn(segment, roles.get(segment.segment_speaker, "unknown")) for segment in segments),
            tolerance=tolerance(self.name),
            language=about.language_code,
            started=_started(about),
            duration=about.duration,
            agent=_known(about.agent),
            silences=tuple(Silence(one.begin_offset_secs, one.end_offset_secs) for one in quiet.instances),
            interruptions=sum(segment.segment_interruption for segment in segments),
            labels={"categories": categories} if categories else {},
            limits=(*limits, REDACTED) if any(job.redacted_transcript for job in jobs) else limits,
            format=self.name,
        )


def _known(text: str | None) -> str:
    return "" if text is None or text == "None" else text


def _started(about: _Analytics) -> datetime | None:
    """When the call began; not when it was processed, which PCA writes if the file's name says nothing."""
    if about.conversation_time == about.process_time:
        return None
    try:
        return datetime.fromisoformat(about.conversation_time).replace(tzinfo=ZoneInfo(about.conversation_location))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return None


def _turn(segment: _Segment, role: Role) -> Turn:
    return Turn(
        role="system" if segment.ivr_segment else role,
        text=segment.display_text or segment.original_text,
        start=segment.segment_start_time,
        end=segment.segment_end_time,
        speaker=segment.segment_speaker,
        words=tuple(map(_word, segment.word_confidence)),
        loudness=loudness(segment.loudness_scores),
    )


def _word(word: _Word) -> Word:
    # Some versions write the start for the end as well.
    end = word.end_time if word.end_time > word.start_time else None
    return Word(word.text.strip(), word.start_time, end, word.confidence)

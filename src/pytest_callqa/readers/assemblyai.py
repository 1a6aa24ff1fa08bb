"""AssemblyAI transcripts ("Transcript" of the API reference): words in milliseconds, duration in seconds."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pytest_callqa.call import Call, Turn, Word
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.clock import seconds
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.roles import role_of_label
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import in_time, turns_of


class _Word(msgspec.Struct, frozen=True):
    text: str
    start: float | None = None
    end: float | None = None
    confidence: float | None = None
    speaker: str | None = None
    channel: str | int | None = None


class _Utterance(msgspec.Struct, frozen=True):
    text: str
    start: float
    end: float
    speaker: str | None = None
    channel: str | int | None = None
    words: list[_Word] = []


class _Transcript(msgspec.Struct, frozen=True):
    id: str = ""
    status: str = "completed"
    text: str | None = None
    language_code: str | None = None
    audio_duration: float | None = None
    words: list[_Word] | None = None
    utterances: list[_Utterance] | None = None
    redact_pii: bool | None = None


class AssemblyAi:
    """AssemblyAI: words and confidence; speakers are letters or channels, never roles."""

    name = "assemblyai"

    def recognise(self, content: Content) -> bool:
        """``audio_url`` with the status of a job, and what was said."""
        return content.has("audio_url", "status") and any(content.has(key) for key in ("words", "utterances", "text"))

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for a failed job and for fields that do not fit."""
        transcript = content.to(_Transcript)
        if transcript.status != "completed":
            raise BadInput("AssemblyAI has not completed this transcript: fetch it again when it has.")
        limits = (
            "AssemblyAI gives its speakers letters or channels: roles need a role map",
            "AssemblyAI gives no loudness, and hears no ring, hold or transfer",
        )
        redacted = ("personal data was redacted: a name or number that was removed cannot be checked",)
        words = [(_speaker(word.speaker, word.channel), _word(word)) for word in transcript.words or ()]
        turns = _spoken(transcript.utterances) if transcript.utterances else turns_of(words) or _text(transcript)
        return Call(
            id=transcript.id,
            turns=tuple(map(_with_role, turns)),
            tolerance=tolerance(self.name),
            language=transcript.language_code or "",
            duration=transcript.audio_duration,
            limits=limits + redacted if transcript.redact_pii else limits,
            format=self.name,
        )


def _spoken(utterances: Sequence[_Utterance]) -> tuple[Turn, ...]:
    return in_time(
        Turn(
            text=utterance.text,
            start=utterance.start / 1000,
            end=utterance.end / 1000,
            speaker=_speaker(utterance.speaker, utterance.channel),
            words=tuple(map(_word, utterance.words)),
        )
        for utterance in utterances
    )


def _with_role(turn: Turn) -> Turn:
    """A speaker is a letter, or what the user had it identified as, which may be a role."""
    role = role_of_label(turn.speaker)
    return turn if role == "unknown" else msgspec.structs.replace(turn, role=role)


def _text(transcript: _Transcript) -> tuple[Turn, ...]:
    return (Turn(text=transcript.text),) if transcript.text else ()


def _speaker(speaker: str | None, channel: str | int | None) -> str:
    return f"channel {channel}" if channel not in (None, "") else speaker or ""


def _word(word: _Word) -> Word:
    return Word(word.text, seconds(word.start), seconds(word.end), word.confidence)

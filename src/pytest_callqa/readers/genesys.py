"""Genesys Cloud transcripts (the JSON behind a conversation's transcript URL). Times are epoch milliseconds.

A phrase is ``internal`` or ``external``, and an IVR is internal too: who really speaks is the participant
who was on the call at that time.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pytest_callqa.call import Call, Role, Turn, Word
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.clock import EPOCH_MS, since_1970
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import in_time, span

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("agent", "user"), "agent"),
    **dict.fromkeys(("customer", "external"), "customer"),
    **dict.fromkeys(("ivr", "acd", "voicemail"), "system"),
}

_MOST_PARTICIPANTS = 500  # each phrase is held against all of them


class _Length(msgspec.Struct, frozen=True, rename="camel"):
    """A duration, whose members no public document names: those that were seen or are likely."""

    milliseconds: float | None = None
    duration_ms: float | None = None
    millis: float | None = None
    seconds: float | None = None


class _Participant(msgspec.Struct, frozen=True, rename="camel"):
    participant_purpose: str = ""
    user_id: str | None = None
    queue_id: str | None = None
    start_time_ms: float | None = None
    end_time_ms: float | None = None


class _Word(msgspec.Struct, frozen=True, rename="camel"):
    word: str
    start_time_ms: float | None = None
    duration: float | _Length | None = None
    confidence: float | None = None


class _Phrase(msgspec.Struct, frozen=True, rename="camel"):
    start_time_ms: float
    participant_purpose: str = ""
    text: str = ""
    decorated_text: str | None = None
    duration: float | _Length | None = None
    words: list[_Word] = []


class _Transcript(msgspec.Struct, frozen=True, rename="camel"):
    phrases: list[_Phrase] = []
    language: str | None = None


class _Conversation(msgspec.Struct, frozen=True, rename="camel"):
    transcripts: list[_Transcript]
    conversation_id: str = ""
    conversation_start_time: float = 0
    duration: float | _Length | None = None
    participants: list[_Participant] = []


class Genesys:
    """Genesys Cloud: phrases of internal and external parties, put to the participants then present."""

    name = "genesys"

    def recognise(self, content: Content) -> bool:
        """A list of ``transcripts`` with ``phrases`` at their times."""
        transcripts = content.get("transcripts")
        first = transcripts[0] if isinstance(transcripts, list) and transcripts else None
        phrases = first.get("phrases") if isinstance(first, dict) else None
        return isinstance(phrases, list) and (
            not phrases or (isinstance(phrases[0], dict) and "startTimeMs" in phrases[0])
        )

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        talk = content.to(_Conversation)
        if len(talk.participants) > _MOST_PARTICIPANTS:
            raise BadInput(f"More than {_MOST_PARTICIPANTS} participants are not read: export the call again.")
        origin = talk.conversation_start_time
        agents = {who.user_id for who in talk.participants if who.participant_purpose == "agent" and who.user_id}
        return Call(
            id=talk.conversation_id,
            turns=in_time(_turn(phrase, talk) for transcript in talk.transcripts for phrase in transcript.phrases),
            tolerance=tolerance(self.name),
            language=next((one.language for one in talk.transcripts if one.language), ""),
            started=since_1970(int(origin * 1000)) if origin >= EPOCH_MS else None,
            duration=_length(talk.duration),
            agent=agents.pop() if len(agents) == 1 else "",
            queue=next((who.queue_id for who in talk.participants if who.queue_id), ""),
            limits=(
                "who speaks for the organisation is told by who was on the call at that time",
                "no loudness, and no ring, hold or transfer times",
            ),
            format=self.name,
        )


def _seconds(time: float, talk: _Conversation) -> float:
    """Seconds from the call's start; a time that is too small to count from 1970 counts from there already."""
    return (time - talk.conversation_start_time if time >= EPOCH_MS else time) / 1000


def _turn(phrase: _Phrase, talk: _Conversation) -> Turn:
    words = tuple(_word(word, talk) for word in phrase.words)
    start = _seconds(phrase.start_time_ms, talk)
    length = _length(phrase.duration)
    return Turn(
        role=_role(phrase, talk.participants),
        text=phrase.decorated_text or phrase.text,
        start=start,
        end=span(words)[1] if length is None else start + length,
        speaker=phrase.participant_purpose,
        words=words,
    )


def _word(word: _Word, talk: _Conversation) -> Word:
    start = None if word.start_time_ms is None else _seconds(word.start_time_ms, talk)
    length = _length(word.duration)
    return Word(word.word, start, None if start is None or length is None else start + length, word.confidence)


def _length(duration: float | _Length | None) -> float | None:
    """A duration in seconds; a bare number is milliseconds, as the times beside it are."""
    if not isinstance(duration, _Length):
        return None if duration is None else duration / 1000
    if duration.seconds is not None:
        return duration.seconds
    known = (duration.milliseconds, duration.duration_ms, duration.millis)
    return next((length / 1000 for length in known if length is not None), None)


def _role(phrase: _Phrase, participants: Sequence[_Participant]) -> Role:
    """Of those on the phrase's side who were there when it was said, the one who came last."""
    if phrase.participant_purpose == "external":
        return "customer"
    inside = [who for who in participants if _ROLES.get(who.participant_purpose) in ("agent", "system")]
    there = [
        who
        for who in inside
        if who.start_time_ms is not None
        and who.start_time_ms <= phrase.start_time_ms
        and (who.end_time_ms is None or phrase.start_time_ms < who.end_time_ms)
    ]
    if there:
        return _ROLES[max(there, key=lambda who: who.start_time_ms or 0).participant_purpose]
    roles = {_ROLES[who.participant_purpose] for who in inside}
    return roles.pop() if len(roles) == 1 else "unknown"

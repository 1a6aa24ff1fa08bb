"""Deepgram pre-recorded responses ("Pre-recorded audio" API reference). Times are seconds.

A vCon may hold the response, or only one ``alternative`` of it; both are read.
"""

from __future__ import annotations

import msgspec

from pytest_callqa.call import Call, Turn, Word
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import in_time, turns_of


class _Word(msgspec.Struct, frozen=True):
    word: str
    start: float
    end: float
    confidence: float | None = None
    punctuated_word: str | None = None
    speaker: int | None = None


class _Alternative(msgspec.Struct, frozen=True):
    transcript: str = ""
    words: list[_Word] = []
    languages: list[str] = []


class _Channel(msgspec.Struct, frozen=True):
    alternatives: list[_Alternative]
    detected_language: str | None = None


class _Utterance(msgspec.Struct, frozen=True):
    start: float
    end: float
    transcript: str
    channel: int = 0
    speaker: int | None = None
    words: list[_Word] = []


class _Results(msgspec.Struct, frozen=True):
    channels: list[_Channel] = []
    utterances: list[_Utterance] | None = None


class _Metadata(msgspec.Struct, frozen=True):
    request_id: str = ""
    duration: float | None = None


class _Response(msgspec.Struct, frozen=True):
    results: _Results
    metadata: _Metadata = _Metadata()


class Deepgram:
    """Deepgram: words and confidence; speakers are numbers or channels, never roles."""

    name = "deepgram"

    def recognise(self, content: Content) -> bool:
        """``results.channels``, or one alternative with its words."""
        results = content.get("results")
        return (isinstance(results, dict) and "channels" in results) or _is_alternative(content)

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        if _is_alternative(content):
            response = _Response(_Results([_Channel([content.to(_Alternative)])]))
        else:
            response = content.to(_Response)
        results = response.results
        return Call(
            id=response.metadata.request_id,
            turns=_utterances(results) if results.utterances else _from_words(results),
            tolerance=tolerance(self.name),
            language=next(filter(None, map(_language, results.channels)), ""),
            duration=response.metadata.duration,
            limits=(
                "Deepgram numbers its speakers or channels: roles need a role map",
                "Deepgram gives no loudness, and hears no ring, hold or transfer",
            ),
            format=self.name,
        )


def _language(channel: _Channel) -> str:
    """The language that was detected, if it is one."""
    named = {language for alternative in channel.alternatives[:1] for language in alternative.languages}
    return channel.detected_language or (named.pop() if len(named) == 1 else "")


def _is_alternative(content: Content) -> bool:
    words = content.get("words")
    first = words[0] if isinstance(words, list) and words else None
    return content.has("transcript", "confidence") and isinstance(first, dict) and "word" in first


def _utterances(results: _Results) -> tuple[Turn, ...]:
    several = len(results.channels) > 1
    turns = (
        Turn(
            text=utterance.transcript,
            start=utterance.start,
            end=utterance.end,
            speaker=_speaker(utterance.channel if several else None, utterance.speaker),
            words=tuple(map(_word, utterance.words)),
        )
        for utterance in results.utterances or ()
    )
    return in_time(turns)


def _from_words(results: _Results) -> tuple[Turn, ...]:
    several = len(results.channels) > 1
    return in_time(
        turn
        for number, channel in enumerate(results.channels)
        for alternative in channel.alternatives[:1]
        for turn in _of_alternative(alternative, number if several else None)
    )


def _of_alternative(alternative: _Alternative, channel: int | None) -> tuple[Turn, ...]:
    if not alternative.words and alternative.transcript:
        return (Turn(text=alternative.transcript, speaker=_speaker(channel, None)),)
    return turns_of((_speaker(channel, word.speaker), _word(word)) for word in alternative.words)


def _speaker(channel: int | None, speaker: int | None) -> str:
    """A channel holds one party, so it says more than the recogniser's guess within it."""
    if channel is not None:
        return f"channel {channel}"
    return "" if speaker is None else f"speaker {speaker}"


def _word(word: _Word) -> Word:
    return Word(word.punctuated_word or word.word, word.start, word.end, word.confidence)

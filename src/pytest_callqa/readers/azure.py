"""Azure AI: batch transcription, fast transcription, Content Understanding.

Documents: "Get batch transcription results" and "Fast transcription" of the Azure Speech guide, and the
Content Understanding REST reference. Files of Microsoft's own samples carry each other's names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

import msgspec

from pytest_callqa.call import MIXED_SPEAKERS, Call, Turn, Word
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.bodies import LabelledText
from pytest_callqa.readers.captions import WebVtt
from pytest_callqa.readers.clock import seconds
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.roles import RoleMap, role_of_label
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import in_time

_TICKS = 10_000_000  # a second
_NO_ROLES = "Azure numbers its speakers or channels, and may give two people one number: roles need a role map"
_NO_PAUSE = 0.05  # seconds; people leave about 0.2 s, and a phrase that Azure ended by itself ends with a pause
_MANY_SWITCHES = 3
_LARGE_SHARE = 0.2
_FENCED = re.compile(r"```\s*WEBVTT\b(.*?)(?:```|\Z)", re.DOTALL)
_NO_LINE = "no loudness, and no ring, answer, hold or transfer times"


class _BatchWord(msgspec.Struct, frozen=True, rename="camel"):
    offset: timedelta | None = None
    duration: timedelta | None = None
    offset_in_ticks: float | None = None
    duration_in_ticks: float | None = None
    offset_milliseconds: float | None = None  # since November 2024
    duration_milliseconds: float | None = None
    word: str = ""
    display_text: str = ""
    confidence: float | None = None


class _Best(msgspec.Struct, frozen=True, rename="camel"):
    display: str = ""
    lexical: str = ""
    words: list[_BatchWord] = []
    display_words: list[_BatchWord] = []


class _Recognised(msgspec.Struct, frozen=True, rename="camel"):
    channel: int = 0
    speaker: int | str | None = None
    offset: timedelta | None = None
    duration: timedelta | None = None
    offset_in_ticks: float | None = None
    duration_in_ticks: float | None = None
    offset_milliseconds: float | None = None
    duration_milliseconds: float | None = None
    locale: str | None = None
    n_best: list[_Best] = []


class _Batch(msgspec.Struct, frozen=True, rename="camel"):
    recognized_phrases: list[_Recognised]
    duration: timedelta | None = None
    duration_in_ticks: float | None = None
    duration_ticks: float | None = None  # older
    duration_milliseconds: float | None = None


class AzureBatch:
    """Batch transcription: phrases in ticks of 100 ns, listed channel by channel."""

    name = "azure-batch"

    def recognise(self, content: Content) -> bool:
        """``recognizedPhrases``."""
        return content.has("recognizedPhrases")

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        batch = content.to(_Batch)
        phrases = [phrase for phrase in batch.recognized_phrases if phrase.n_best]
        several = len({phrase.channel for phrase in phrases}) > 1
        turns = in_time(_batch_turn(phrase, several=several) for phrase in phrases)
        return Call(
            id="",
            turns=turns,
            tolerance=tolerance(self.name),
            language=next((phrase.locale for phrase in phrases if phrase.locale), ""),
            duration=_time(
                batch.duration_in_ticks or batch.duration_ticks, batch.duration_milliseconds, batch.duration
            ),
            limits=(*_mixed_up(turns, options), _NO_ROLES, _NO_LINE),
            format=self.name,
        )


def _batch_turn(phrase: _Recognised, *, several: bool) -> Turn:
    best = phrase.n_best[0]
    start, end = _times(phrase)
    return Turn(
        text=best.display or best.lexical,
        start=start,
        end=end,
        speaker=_speaker(phrase.channel if several else None, phrase.speaker),
        words=_batch_words(best),
    )


def _times(timed: _Recognised | _BatchWord) -> tuple[float | None, float | None]:
    """Start and end; no end without a start."""
    start = _time(timed.offset_in_ticks, timed.offset_milliseconds, timed.offset)
    length = _time(timed.duration_in_ticks, timed.duration_milliseconds, timed.duration)
    return start, None if start is None or length is None else start + length


def _time(ticks: float | None, milliseconds: float | None, written: timedelta | None) -> float | None:
    if ticks is not None:
        return ticks / _TICKS
    if milliseconds is not None:
        return milliseconds / 1000
    return None if written is None else written.total_seconds()


def _batch_words(best: _Best) -> tuple[Word, ...]:
    """The words as displayed; their confidence is given for the bare words only, one for one or not at all."""
    shown = best.display_words or best.words
    confidences = [word.confidence for word in best.words] if len(best.words) == len(shown) else [None] * len(shown)
    return tuple(
        Word(word.display_text or word.word, *_times(word), confidence)
        for word, confidence in zip(shown, confidences, strict=True)
    )


def _speaker(channel: int | None, speaker: int | str | None) -> str:
    if channel is not None:
        return f"channel {channel}"
    return f"speaker {speaker}" if isinstance(speaker, int) else speaker or ""


def _mixed_up(turns: Sequence[Turn], options: ReadOptions) -> Iterator[str]:
    """A limit, if numbered speakers change so often without a pause that sentences were cut in two.

    Where one phrase was given to two speakers, which of them is the agent differs from line to line. Two numbers to
    which the role map gives one role are one speaker.
    """
    roles = RoleMap(options.roles)
    speakers = {turn.speaker: roles.role(turn.speaker) or turn.speaker for turn in turns}
    switches = [
        one.end is not None and two.start is not None and abs(two.start - one.end) <= _NO_PAUSE
        for one, two in pairwise(turns)
        if speakers[one.speaker] != speakers[two.speaker] and one.speaker.startswith("speaker")
    ]
    cuts = sum(switches)
    if cuts >= _MANY_SWITCHES and cuts >= _LARGE_SHARE * len(switches):
        yield f"{MIXED_SPEAKERS}: {cuts} of {len(switches)} times they change without a pause, within a sentence"


class _FastWord(msgspec.Struct, frozen=True, rename="camel"):
    text: str
    offset_milliseconds: float | None = None
    duration_milliseconds: float | None = None
    offset: float | None = None  # before November 2024
    duration: float | None = None


class _Phrase(msgspec.Struct, frozen=True, rename="camel"):
    text: str
    offset_milliseconds: float | None = None
    duration_milliseconds: float | None = None
    offset: float | None = None
    duration: float | None = None
    channel: int = 0
    speaker: int | str | None = None
    locale: str = ""
    words: list[_FastWord] = []


class _Fast(msgspec.Struct, frozen=True, rename="camel"):
    phrases: list[_Phrase]
    duration_milliseconds: float | None = None
    duration: float | None = None


class AzureFast:
    """Fast transcription: phrases and words in milliseconds, no confidence of words."""

    name = "azure-fast"

    def recognise(self, content: Content) -> bool:
        """``combinedPhrases`` with ``phrases``."""
        return content.has("combinedPhrases", "phrases")

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        fast = content.to(_Fast)
        several = len({phrase.channel for phrase in fast.phrases}) > 1
        turns = in_time(_fast_turn(phrase, several=several) for phrase in fast.phrases)
        return Call(
            id="",
            turns=turns,
            tolerance=tolerance(self.name),
            language=next((phrase.locale for phrase in fast.phrases), ""),
            duration=seconds(fast.duration if fast.duration_milliseconds is None else fast.duration_milliseconds),
            limits=(*_mixed_up(turns, options), _NO_ROLES, _NO_LINE),
            format=self.name,
        )


def _fast_turn(phrase: _Phrase, *, several: bool) -> Turn:
    start, end = _fast_times(phrase)
    return Turn(
        text=phrase.text,
        start=start,
        end=end,
        speaker=_speaker(phrase.channel if several else None, phrase.speaker),
        words=tuple(Word(word.text, *_fast_times(word)) for word in phrase.words),
    )


def _fast_times(timed: _Phrase | _FastWord) -> tuple[float | None, float | None]:
    """Start and end in seconds; no end without a start."""
    start = timed.offset if timed.offset_milliseconds is None else timed.offset_milliseconds
    length = timed.duration if timed.duration_milliseconds is None else timed.duration_milliseconds
    return seconds(start), None if start is None or length is None else (start + length) / 1000


class _SpokenWord(msgspec.Struct, frozen=True, rename="camel"):
    text: str
    start_time_ms: float
    end_time_ms: float


class _Spoken(msgspec.Struct, frozen=True, rename="camel"):
    text: str
    start_time_ms: float
    end_time_ms: float
    speaker: str = ""
    locale: str | None = None
    words: list[_SpokenWord] = []


class _Medium(msgspec.Struct, frozen=True, rename="camel"):
    transcript_phrases: list[_Spoken] = []
    markdown: str = ""
    end_time_ms: float | None = None


class _Understood(msgspec.Struct, frozen=True):
    contents: list[_Medium]


class _Understanding(msgspec.Struct, frozen=True):
    result: _Understood
    id: str = ""


class AzureContentUnderstanding:
    """Content Understanding: phrases with a speaker that may be ``Agent`` or ``Customer``."""

    name = "azure-content-understanding"

    def recognise(self, content: Content) -> bool:
        """``result.contents`` with ``transcriptPhrases`` or ``markdown``."""
        result = content.get("result")
        contents = result.get("contents") if isinstance(result, dict) else None
        first = contents[0] if isinstance(contents, list) and contents else None
        return isinstance(first, dict) and ("transcriptPhrases" in first or "markdown" in first)

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit, and if nothing in the file is a transcript."""
        understood = content.to(_Understanding)
        contents = understood.result.contents
        phrases = [phrase for medium in contents for phrase in medium.transcript_phrases]
        if phrases:
            call = Call(id="", turns=in_time(map(_spoken_turn, phrases)))
        else:
            call = _in_markdown("\n\n".join(medium.markdown for medium in contents), options)
        return msgspec.structs.replace(
            call,
            id=understood.id,
            tolerance=call.tolerance or tolerance(self.name),
            language=_language(phrases),
            duration=seconds(max((one.end_time_ms for one in contents if one.end_time_ms is not None), default=None)),
            limits=(*call.limits, _NO_LINE),
            format=self.name,
        )


def _in_markdown(markdown: str, options: ReadOptions) -> Call:
    """The captions of a file that was stored without its phrases, with the tolerance of captions."""
    captions = "\n\n".join(_FENCED.findall(markdown))
    if captions:
        return WebVtt().read(Content(f"WEBVTT\n\n{captions}".encode()), options)
    text = Content(markdown.encode())
    if LabelledText().recognise(text):
        return LabelledText().read(text, options)
    raise BadInput("Its Markdown holds no transcript: analyse the recording with a transcript, or leave the file out.")


def _language(phrases: Sequence[_Spoken]) -> str:
    return next((phrase.locale for phrase in phrases if phrase.locale), "")


def _spoken_turn(phrase: _Spoken) -> Turn:
    return Turn(
        role=role_of_label(phrase.speaker),
        text=phrase.text,
        start=phrase.start_time_ms / 1000,
        end=phrase.end_time_ms / 1000,
        speaker=phrase.speaker,
        words=tuple(Word(word.text, word.start_time_ms / 1000, word.end_time_ms / 1000) for word in phrase.words),
    )

"""Whisper and its kin: OpenAI's verbose and diarized JSON, whisper-timestamped, WhisperX.

Documents: "Create transcription" of the OpenAI API reference; the JSON writers of openai-whisper,
whisper-timestamped and whisperx. Whisper invents speech where there is none; what it says about its own
doubts, and what repeats itself, is kept on each turn as ``doubtful``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from pytest_callqa.call import Call, Turn, Word
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.roles import role_of_label
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import turn_of, turns_of

# Whisper's own thresholds for taking a segment for a failure or for silence.
_MAX_COMPRESSION = 2.4
_MIN_LOGPROB = -1.0
_MAX_NO_SPEECH = 0.6
_REPEATS = 3
_INVENTED = frozenset(
    {"thanks for watching", "thank you for watching", "please subscribe", "subtitles by the amara.org community"}
)

_LANGUAGES = {
    "english": "en",
    "chinese": "zh",
    "spanish": "es",
    "french": "fr",
    "german": "de",
    "japanese": "ja",
    "korean": "ko",
    "portuguese": "pt",
    "italian": "it",
    "russian": "ru",
    "dutch": "nl",
    "arabic": "ar",
}
"""OpenAI's names of the languages it meets most, as BCP 47."""


class _Word(msgspec.Struct, frozen=True):
    word: str = ""
    text: str = ""  # whisper-timestamped
    start: float | None = None  # WhisperX aligns no digits
    end: float | None = None
    score: float | None = None
    probability: float | None = None
    confidence: float | None = None
    speaker: str | None = None


class Doubtable(Protocol):
    """What Whisper says of a segment of its own, from which its doubts are told."""

    @property
    def text(self) -> str:
        """What it wrote."""

    @property
    def avg_logprob(self) -> float:
        """How sure it is, at most 0."""

    @property
    def compression_ratio(self) -> float:
        """How often it repeats itself."""

    @property
    def no_speech_prob(self) -> float:
        """How likely it is that nobody spoke."""


class _Segment(msgspec.Struct, frozen=True):
    start: float
    end: float
    text: str
    speaker: str | None = None
    words: list[_Word] = []
    avg_logprob: float = 0.0
    compression_ratio: float = 0.0
    no_speech_prob: float = 0.0


class _Output(msgspec.Struct, frozen=True):
    segments: list[_Segment] = []
    words: list[_Word] = []
    language: str | None = None
    duration: float | None = None


class Whisper:
    """One of Whisper's dialects: they differ in names and in what they leave out, not in kind."""

    def __init__(self, name: str, recognises: Callable[[Content], bool], *limits: str) -> None:
        """``limits`` is what this dialect cannot show."""
        self.name = name
        self._recognises = recognises
        self.limits = (*limits, "no loudness, and no ring, answer, hold or transfer times")

    def recognise(self, content: Content) -> bool:
        """As this dialect is recognised."""
        return self._recognises(content)

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        output = content.to(_Output)
        language = (output.language or "").lower()
        return Call(
            id="",
            turns=tuple(_turns(output)) or turns_of(("", _word(word)) for word in output.words),
            tolerance=tolerance(self.name),
            language=_LANGUAGES.get(language, language),
            duration=output.duration,
            limits=self.limits,
            format=self.name,
        )


def _is_aligned(first: dict[str, object]) -> bool:
    """Whether a segment's words have the scores that WhisperX gives them, or its speaker the name."""
    words = first.get("words")
    word = words[0] if isinstance(words, list) and words else None
    return (isinstance(word, dict) and "score" in word) or str(first.get("speaker", "")).startswith("SPEAKER_")


def _first(content: Content) -> dict[str, object]:
    segments = content.get("segments")
    first = segments[0] if isinstance(segments, list) and segments else None
    return first if isinstance(first, dict) and "text" in first else {}


WHISPERX = Whisper(
    "whisperx",
    lambda content: content.has("segments", "word_segments") or _is_aligned(_first(content)),
    "WhisperX numbers its speakers: roles need a role map",
    "words that could not be aligned, such as digits, have no times",
)
OPENAI_DIARIZED = Whisper(
    "openai-diarized",
    lambda content: _first(content).get("type") == "transcript.text.segment",
    "its speakers are letters or the names that were given: roles need a role map",
)
VERBOSE = Whisper(
    "whisper",
    lambda content: (
        any(key in _first(content) for key in ("no_speech_prob", "tokens", "words"))
        or (content.has("segments", "text", "language") and "speaker" not in _first(content))
        or content.has("words", "text", "language", "task")  # where words alone were asked for
    ),
    "Whisper tells no speakers apart: roles are not known",
    "Whisper stretches words over the pauses between them: a silence is longer than it seems",
)


class _CppSpan(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    start: float
    end: float


class _CppSegment(msgspec.Struct, frozen=True):
    offsets: _CppSpan
    text: str


class _CppResult(msgspec.Struct, frozen=True):
    language: str = ""


class _Cpp(msgspec.Struct, frozen=True):
    transcription: list[_CppSegment]
    result: _CppResult = _CppResult()


class WhisperCpp:
    """whisper.cpp: segments in milliseconds; it says nothing of its doubts but to repeat itself."""

    name = "whisper-cpp"

    def recognise(self, content: Content) -> bool:
        """A ``transcription`` whose segments have ``offsets``."""
        segments = content.get("transcription")
        first = segments[0] if isinstance(segments, list) and segments else None
        return isinstance(first, dict) and "offsets" in first

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        output = content.to(_Cpp)
        segments = [
            _Segment(one.offsets.start / 1000, one.offsets.end / 1000, one.text) for one in output.transcription
        ]
        return Call(
            id="",
            turns=tuple(_turns(_Output(segments))),
            tolerance=tolerance(self.name),
            language=output.result.language,
            limits=(*VERBOSE.limits, "no words"),
            format=self.name,
        )


def _turns(output: _Output) -> Iterator[Turn]:
    repeated, before = 0, ""
    timed = sorted((word for word in output.words if word.start is not None), key=_start)
    for segment in output.segments:
        text = segment.text.strip()
        repeated = repeated + 1 if text == before else 1
        before = text
        doubt = doubt_of(segment, repeated)
        # OpenAI lists words apart from segments; a word belongs where it starts.
        first, last = (bisect_left(timed, time, key=_start) for time in (segment.start, segment.end))
        words = segment.words or timed[first:last]
        for turn in _by_speaker(segment, words):
            yield msgspec.structs.replace(turn, role=role_of_label(turn.speaker), doubtful=doubt)


def _start(word: _Word) -> float:
    return word.start or 0.0


def _by_speaker(segment: _Segment, words: Sequence[_Word]) -> Iterator[Turn]:
    """The segment as it is, or in parts where its words were given to several speakers."""
    speaker = segment.speaker or ""
    if len({word.speaker for word in words if word.speaker}) < 2:
        spoken = tuple(map(_word, words))
        yield Turn(text=segment.text.strip(), start=segment.start, end=segment.end, speaker=speaker, words=spoken)
        return
    current, part = words[0].speaker or speaker, list[Word]()
    for word in words:
        if word.speaker and word.speaker != current:
            yield turn_of(part, current)
            current, part = word.speaker, []
        part.append(_word(word))
    yield turn_of(part, current)


def _word(word: _Word) -> Word:
    sure = next((value for value in (word.score, word.probability, word.confidence) if value is not None), None)
    return Word((word.word or word.text).strip(), word.start, word.end, sure)


def doubt_of(segment: Doubtable, repeated: int) -> str:
    """Why Whisper may have invented a segment, ``repeated`` so many times in a row; empty if it did not."""
    if segment.compression_ratio > _MAX_COMPRESSION:
        return f"its compression ratio of {segment.compression_ratio:.1f} means that it repeats itself"
    if segment.no_speech_prob > _MAX_NO_SPEECH and segment.avg_logprob < _MIN_LOGPROB:
        return f"Whisper finds it {segment.no_speech_prob:.0%} likely that nobody spoke"
    if repeated >= _REPEATS:
        return f"the same words for the {repeated}. time in a row"
    if segment.text.strip().rstrip(".!").lower() in _INVENTED:
        return "words that Whisper is known to invent in silence"
    return ""

"""Words of a recording by faster-whisper, whose model lies on disk (an extra). Nothing is downloaded.

Whisper is given only stretches in which the detector hears speech, and of what it writes only words that lie in one
are kept: it invents speech where there is none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from pytest_callqa.call import Turn, Word
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.whisper import doubt_of

if TYPE_CHECKING:
    import numpy as np
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment
    from numpy.typing import NDArray

    from pytest_callqa.audio.recording import Recording
    from pytest_callqa.audio.sound import Channel, Sound, Stretch

WINDOW = 30.0
"""Seconds that Whisper looks at together."""

SURE = 1.0
"""Seconds from which speech without words is kept: what is shorter may be a breath or a cough."""

_BESIDE = 0.3
"""Seconds by which Whisper may put a word beside the speech that it is of."""

_RATE = 16000
_FILES = ("model.bin", "tokenizer.json")


def check(folder: str) -> None:
    """Raises :class:`BadInput` unless ``folder`` holds a whole model, so that the library has nothing to look for."""
    missing = [name for name in _FILES if not os.path.isfile(os.path.join(folder, name))]
    if missing:
        raise BadInput(
            f"The speech model lacks {' and '.join(missing)}: name a folder with a faster-whisper model; "
            "none is downloaded.",
            file=folder,
        )


def recognise(recording: Recording, sound: Sound, model: str, language: str) -> tuple[tuple[Turn, ...], str]:
    """The turns of each channel with their words, in the order in which they begin, and the language they are in.

    ``model`` is the folder of a model, ``language`` BCP 47 or empty, to have it recognised. Raises
    :class:`BadInput` without the extra, for a model that cannot be used and a language that it does not know.
    """
    whisper = _model(model)
    language = language.partition("-")[0].lower()
    if language and language not in whisper.supported_languages:
        raise BadInput(f"The speech model does not know the language {language!r}: name another model.", file=model)
    turns: list[Turn] = []
    for number, channel in enumerate(sound.channels):
        segments: list[tuple[float, Segment]] = []
        for start, end in _windows(channel.speech):
            samples = _resampled(recording.stretch(start, end, number), recording.stored)
            found, about = whisper.transcribe(
                samples, language=language or None, word_timestamps=True, condition_on_previous_text=False
            )
            language = language or about.language
            segments += [(start, segment) for segment in found]
        turns += _turns(channel, segments, f"channel {number}")
    return tuple(sorted(turns, key=lambda turn: turn.start or 0.0)), language


def _windows(speech: Sequence[Stretch]) -> Iterator[tuple[float, float]]:
    """Stretches of speech with the pauses between them, as many as fit into one look; a longer one in parts."""
    window: tuple[float, float] | None = None
    for one in speech:
        if window and one.end - window[0] <= WINDOW:
            window = window[0], one.end
            continue
        if window:
            yield window
        start = one.start
        while one.end - start > WINDOW:
            yield start, start + WINDOW
            start += WINDOW
        window = start, one.end
    if window:
        yield window


def _turns(channel: Channel, segments: Iterable[tuple[float, Segment]], speaker: str) -> Iterator[Turn]:
    """A turn for every stretch of speech: the words that lie in it, or none, unless it is too short to tell."""
    words: dict[int, list[Word]] = {}
    doubts: dict[int, str] = {}
    repeated, before = 0, ""
    for offset, segment in segments:
        repeated = repeated + 1 if segment.text == before else 1
        before = segment.text
        for word in segment.words or ():
            place = _stretch(channel.speech, offset + float(word.start + word.end) / 2)
            if place is None:
                continue
            of = channel.speech[place]
            start, end = (min(max(offset + float(time), of.start), of.end) for time in (word.start, word.end))
            words.setdefault(place, []).append(Word(word.word, start, end, round(float(word.probability), 3)))
            doubts[place] = doubts.get(place) or doubt_of(segment, repeated)
    for place, one in enumerate(channel.speech):
        said = words.get(place, [])
        if said or one.end - one.start >= SURE:
            yield Turn(
                text="".join(word.text for word in said).strip(),
                speaker=speaker,
                start=one.start,
                end=one.end,
                words=tuple(msgspec.structs.replace(word, text=word.text.strip()) for word in said),
                loudness=one.loudness,
                doubtful=doubts.get(place, ""),
            )


def _stretch(speech: Sequence[Stretch], time: float) -> int | None:
    """The stretch of speech that a word at this time is of."""
    beside = [max(one.start - time, time - one.end, 0.0) for one in speech]
    place = min(range(len(beside)), key=beside.__getitem__)
    return place if beside[place] <= _BESIDE else None


def _resampled(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    import soxr

    heard: NDArray[np.float32] = soxr.resample(samples, rate, _RATE)
    return heard


@lru_cache(maxsize=1)
def _model(folder: str) -> WhisperModel:
    check(folder)
    try:
        from faster_whisper import WhisperModel
    except ImportError:
        raise BadInput(
            "Recognising speech needs faster-whisper: pip install 'pytest-callqa[whisper]', or name no speech model."
        ) from None
    try:  # a process a core is at work, so each gets one thread
        return WhisperModel(folder, device="cpu", cpu_threads=1, local_files_only=True)
    except Exception as error:  # noqa: BLE001 - whatever the library says of a folder that is no model
        raise BadInput(f"The speech model cannot be used ({type(error).__name__}).", file=folder) from None

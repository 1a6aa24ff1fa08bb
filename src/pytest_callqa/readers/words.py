"""Words as recognisers list them, made into those of a :class:`~pytest_callqa.call.Turn`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from pytest_callqa.call import Turn, Word

_BETWEEN = re.compile(r"(?<=[\u2e80-\u9fff\uff00-\uffef]) (?=[\u2e80-\u9fff\uff00-\uffef])")
"""The blank between two characters of a script that writes none."""


def with_punctuation(items: Iterable[tuple[Word, bool]]) -> tuple[Word, ...]:
    """The words, with marks that are items of their own (flag true) put to the word before them."""
    words: list[Word] = []
    for item, is_mark in items:
        if is_mark and words:
            last = words[-1]
            words[-1] = Word(last.text + item.text, last.start, last.end, last.confidence)
        else:
            words.append(item)
    return tuple(words)


PAUSE = 0.8
"""Seconds of pause that end a turn where a file lists words only: Deepgram's default for utterances."""


def turns_of(spoken: Iterable[tuple[str, Word]]) -> tuple[Turn, ...]:
    """Words in time order, each with its speaker's label, as turns: split at a new label or a pause."""
    turns: list[Turn] = []
    words: list[Word] = []
    current = ""
    for speaker, word in spoken:
        if words and (speaker != current or _paused(words[-1], word)):
            turns.append(turn_of(words, current))
            words = []
        current = speaker
        words.append(word)
    if words:
        turns.append(turn_of(words, current))
    return tuple(turns)


def turn_of(words: Sequence[Word], speaker: str) -> Turn:
    """One turn of these words, from the first to the last that has a time."""
    start, end = span(words)
    text = _BETWEEN.sub("", " ".join(word.text for word in words))
    return Turn(text=text, start=start, end=end, speaker=speaker, words=tuple(words))


def span(words: Sequence[Word]) -> tuple[float | None, float | None]:
    """The start of the first and the end of the last word that has one; no end without a start."""
    starts = [word.start for word in words if word.start is not None]
    ends = [word.end for word in words if word.end is not None]
    return (starts[0], ends[-1] if ends else None) if starts else (None, None)


def _paused(before: Word, after: Word) -> bool:
    return before.end is not None and after.start is not None and after.start - before.end >= PAUSE


def in_time(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Turns that a format lists channel by channel, in order of their start if all have one."""
    listed = tuple(turns)
    if any(turn.start is None for turn in listed):
        return listed
    return tuple(sorted(listed, key=lambda turn: turn.start or 0.0))


def shifted(turn: Turn, offset: float) -> Turn:
    """``turn`` on a clock that started ``offset`` seconds earlier."""

    def move(time: float | None) -> float | None:
        return None if time is None else time + offset

    words = tuple(Word(word.text, move(word.start), move(word.end), word.confidence) for word in turn.words)
    return msgspec.structs.replace(turn, start=move(turn.start), end=move(turn.end), words=words)

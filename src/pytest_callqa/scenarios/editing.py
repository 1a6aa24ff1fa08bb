"""A recorded call with something changed: words cut or replaced, a turn put in, time stretched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate

import msgspec
from msgspec.structs import replace

from pytest_callqa.call import Call, Role, Turn, Word
from pytest_callqa.finding import Utterance
from pytest_callqa.hearing import Hearing
from pytest_callqa.phrases import split_words

APART = 1.5
"""Seconds between two turns of one speaker that are not joined."""

SECONDS_A_WORD = 0.4


class Span(msgspec.Struct, frozen=True, order=True):
    """Characters of an utterance: its index, the first character and the one after the last."""

    utterance: int
    first: int
    last: int


def first_turns(call: Hearing) -> list[int]:
    """The index of the first recorded turn of every utterance, and one more: the number of turns."""
    return [0, *accumulate(len(said.pieces) for said in call.utterances)]


def cut(call: Hearing, spans: Iterable[Span]) -> Call:
    """The call without these characters; a turn that is left without a word is gone."""
    return substitute(call, dict.fromkeys(spans, ""))


def substitute(call: Hearing, changes: Mapping[Span, str]) -> Call:
    """The call with other words in place of some; a turn that is left without a word is gone."""
    begins = first_turns(call)
    edits: dict[int, list[tuple[int, int, str]]] = {}
    for span, text in sorted(changes.items(), key=lambda change: change[0]):
        said = call.utterances[span.utterance]
        for number, (turn, offset) in enumerate(zip(said.pieces, said.offsets, strict=True)):
            first, last = max(span.first - offset, 0), min(span.last - offset, len(turn.text))
            if first < last:
                edits.setdefault(begins[span.utterance] + number, []).append((first, last, text))
                text = ""
    turns = [_edited(turn, edits[index]) if index in edits else turn for index, turn in enumerate(call.record.turns)]
    return replace(
        call.record,
        turns=tuple(turn for index, turn in enumerate(turns) if index not in edits or split_words(turn.text)),
    )


def _edited(turn: Turn, edits: Sequence[tuple[int, int, str]]) -> Turn:
    pieces, reached = [], 0
    for first, last, text in edits:
        pieces += [turn.text[reached : max(first, reached)], text]
        reached = max(last, reached)
    text = "".join([*pieces, turn.text[reached:]])
    kept = [
        word
        for place, word in _places(turn)
        if not any(first < place + len(word.text) and place < last for first, last, _ in edits)
    ]
    changed = any(text for *_, text in edits)
    return replace(turn, text=" ".join(text.split()), words=() if changed else tuple(kept))


def _places(turn: Turn) -> Iterable[tuple[int, Word]]:
    """Every timed word with its place in the turn's text."""
    reached, text = 0, turn.text.lower()
    for word in turn.words:
        place = max(text.find(word.text.lower(), reached), reached)
        reached = place + len(word.text)
        yield place, word


def in_order(quotes: Iterable[tuple[int, int, int]]) -> tuple[Span, ...]:
    """Spans sorted, without what others cover."""
    spans: list[Span] = []
    for span in sorted({Span(*quote) for quote in quotes}):
        if spans and spans[-1].utterance == span.utterance and span.first < spans[-1].last:
            spans[-1] = replace(spans[-1], last=max(spans[-1].last, span.last))
        else:
            spans.append(span)
    return tuple(spans)


def retimed(call: Call, clock: Callable[[float], float]) -> Call:
    """The call by another clock: what is at ``t`` seconds happens at ``clock(t)``."""

    def at(time: float | None) -> float | None:
        return None if time is None else round(clock(time), 3)

    def word(said: Word) -> Word:
        return replace(said, start=at(said.start), end=at(said.end))

    return replace(
        call,
        turns=tuple(
            replace(turn, start=at(turn.start), end=at(turn.end), words=tuple(map(word, turn.words)))
            for turn in call.turns
        ),
        events=tuple(replace(event, time=at(event.time)) for event in call.events),
        silences=tuple(replace(gap, start=clock(gap.start), end=clock(gap.end)) for gap in call.silences),
        duration=at(call.duration),
    )


def stretched(call: Call, start: float, end: float, seconds: float) -> Call:
    """The call with the stretch from ``start`` to ``end`` lasting so many seconds; what follows moves with it."""

    def clock(time: float) -> float:
        if time <= start:
            return time
        if time >= end:
            return time + seconds - (end - start)
        return start + (time - start) * seconds / (end - start)

    return retimed(call, clock)


def with_turn(call: Call, index: int, role: Role, text: str, *, speaker: str = "") -> Call:
    """The call with another turn after the first ``index`` recorded ones (1 or more), apart from those around it.

    What follows is that much later.
    """
    before, after = call.turns[:index], call.turns[index:]
    since, resumed = before[-1].end, after[0].start if after else None
    start = end = None
    if since is not None:
        start = max(since, resumed or since) + APART
        end = start + SECONDS_A_WORD * len(split_words(text))
        late = end - start + 2 * APART
        moved = retimed(call, lambda time: time + late)
        after = moved.turns[index:]
        events, silences = zip(call.events, moved.events, strict=True), zip(call.silences, moved.silences, strict=True)
        call = replace(
            call,
            events=tuple(new if old.time is not None and old.time > since else old for old, new in events),
            silences=tuple(new if old.start >= since else old for old, new in silences),
            duration=moved.duration,
        )
    turn = Turn(role=role, text=text, start=start, end=end, speaker=speaker)
    return replace(call, turns=(*before, turn, *after))


def speaker_of(said: Utterance) -> str:
    """The label its speaker has in the file."""
    return said.pieces[0].speaker

"""Finds in words the few patterns that they can hold, by bits: nothing is tried pattern by pattern."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_callqa.phrases.patterns import (
    INSERTED,
    LONG,
    Pattern,
    Point,
    Similar,
    Sound,
    Span,
    align,
    bound,
    points_of,
    score,
)

_END = -1
"""The number of what is no word: the end of a text."""


class _Step(NamedTuple):
    """A word that a pattern needs, after those before it. Patterns that begin alike share their first steps.

    ``number`` names the step; ``options`` are the numbers of the words it may be; it lies ``within`` so many places
    of the step before (0: anywhere). ``shifts`` make all these places of one.
    """

    number: int
    options: tuple[int, ...]
    within: int
    shifts: tuple[int, ...]


class _Ready(NamedTuple):
    """A pattern with a step for each word that it cannot do without.

    ``whole`` is the score of one that is found where its steps can be taken, 0 where only :func:`align` can tell.
    """

    pattern: Pattern
    steps: tuple[_Step, ...]
    whole: float


class Index:
    """Finds patterns in words, of which only the few are looked at that the words can hold.

    A pattern's elements are dealt into up to three groups, the rarest words first, each so heavy that
    the pattern cannot do without all of its words: it can only be heard where every group has a word.
    A bit mask says what a word speaks for: first the groups, three runs of one bit a pattern; then one bit for each
    word of the book that it may be, and one more for each of these that it is only like. ``_anyway`` are the groups
    that a pattern does not have.

    The words that a pattern cannot do without must also follow each other closely enough: that is asked of bits as
    well, one for each place of the text. Only what is left is aligned, if that is not all there is to know.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._steps: dict[tuple[int, tuple[int, ...], int], _Step] = {}
        self._ready = [self._made_ready(pattern) for pattern in patterns]
        self._groups = 3 * len(patterns)
        self._words = max((pattern.words.bit_length() for pattern in patterns), default=0)
        self._of_word: dict[int, int] = {}
        self._anyway = 0
        often = Counter(number for pattern in patterns for number in pattern.elements)
        for position, pattern in enumerate(patterns):
            numbers = pattern.options
            rarity = [sum(often[number] for number in each) for each in numbers]
            weighty = [element for element, weight in enumerate(pattern.weights) if weight]
            weighty.sort(key=rarity.__getitem__, reverse=True)
            for group in range(3):
                bit = 1 << (group * len(patterns) + position)
                chosen: list[int] = []
                left = pattern.required
                while weighty and left >= pattern.needed:
                    element = weighty.pop()
                    left -= pattern.weights[element]
                    chosen += numbers[element]
                if left >= pattern.needed:
                    self._anyway |= bit
                    continue
                for number in chosen:
                    self._of_word[number] = self._of_word.get(number, 0) | bit

    def _made_ready(self, pattern: Pattern) -> _Ready:
        spare = pattern.required - pattern.needed
        inserted = int(spare / INSERTED)
        most = [most for _, most in pattern.before]
        needs = [
            (element, most[element], options)
            for element, options in enumerate(pattern.options)
            if pattern.weights[element] > spare
        ]
        if pattern.at_end and needs:
            needs.append((len(most), most[-1] + pattern.after[1], (_END,)))
        steps: list[_Step] = []
        before = (-1, 0) if pattern.at_start else None
        for element, ahead, options in needs:
            within = ahead - before[1] + element - before[0] + inserted if before else 0
            key = steps[-1].number if steps else -1, options, within
            step = self._steps.get(key)
            if step is None:
                step = self._steps[key] = _Step(len(self._steps), options, within, tuple(_doubling(within)))
            steps.append(step)
            before = element, ahead
        tied = pattern.at_start or pattern.at_end or pattern.before[-1][0] or pattern.after[0]
        exact = len(steps) == len(most) and not inserted and not tied
        whole = score(pattern, pattern.required) if exact else 0.0
        return _Ready(pattern, tuple(steps), whole)

    def speaks_for(self, similar: Similar) -> int:
        """The bit mask of a word that may be these words of the book."""
        mask = 0
        for number, likeness in similar:
            mask |= self._of_word.get(number, 0) | 1 << (self._groups + number)
            if likeness < 1:
                mask |= 1 << (self._groups + self._words + number)
        return mask

    def find(
        self, sounds: Sequence[Sound], repeats: Sequence[int], around: tuple[float, float], found: dict[int, list[Span]]
    ) -> None:
        """Add to ``found`` the spans of all patterns by owner. For ``repeats`` and ``around`` see :func:`align`."""
        spoken_for = self._anyway
        for _, mask, _ in sounds:
            spoken_for |= mask
        run = len(self._ready)
        likely = spoken_for & (spoken_for >> run) & (spoken_for >> 2 * run) & ((1 << run) - 1)
        if not likely:
            return
        present = spoken_for >> self._groups
        unsure = present >> self._words
        again = sum(2 << place for place in range(1, len(repeats)) if repeats[place] > repeats[place - 1])
        spots = {} if len(sounds) > LONG else _spots(sounds)
        taken: dict[int, int] = {}
        points: list[Point] = []
        while likely:
            highest = likely.bit_length() - 1
            likely ^= 1 << highest
            pattern, steps, whole = self._ready[highest]
            if (pattern.at_start and around[0]) or (pattern.at_end and around[1]):
                continue  # it is tied to what lies far away
            if spots and steps:
                ends = _take(steps, spots, taken, again)
                if not ends:
                    continue
            elif bound(pattern, present) < pattern.needed:
                continue
            if whole and spots and not pattern.words & unsure:  # all its words are there, and no other lies between
                spans = _spans(steps, taken, ends, whole)
            else:
                points = points or points_of(sounds)
                spans = align(pattern, points, len(sounds), pattern.needed, repeats, around)
            if spans:
                found.setdefault(pattern.owner, []).extend(spans)


def _spots(sounds: Sequence[Sound]) -> dict[int, int]:
    """Where the words of the book may be, by number: one bit a place, the first place being the second bit."""
    spots = {_END: 2 << len(sounds)}
    bit = 1
    for similar, _, _ in sounds:
        bit <<= 1
        for number, _ in similar:
            spots[number] = spots[number] | bit if number in spots else bit
    return spots


def _take(steps: Sequence[_Step], spots: Mapping[int, int], taken: dict[int, int], again: int) -> int:
    """The places of the last step; 0 if not all of them can be taken. Those ``taken`` before are remembered."""
    places = 1  # before the first place
    for step, options, within, shifts in steps:
        if step in taken:
            places = taken[step]
        else:
            here = 0
            for number in options:
                if number in spots:
                    here |= spots[number]
            if here and within:
                if again:
                    places = _past(places, within, again)
                else:
                    places <<= 1
                    for shift in shifts:
                        places |= places << shift
                here &= places
            taken[step] = places = here
        if not places:
            return 0
    return places


def _past(places: int, within: int, again: int) -> int:
    """All places at most ``within`` after these, where words said ``again`` do not count."""
    places <<= 1
    for place in range(within):
        if place:
            places |= places << 1
        while (more := places | (places & again) << 1) != places:
            places = more
    return places


def _doubling(within: int) -> Iterator[int]:
    """The shifts that make ``within`` places of one."""
    places = 1
    while places < within:
        shift = min(places, within - places)
        places += shift
        yield shift


def _spans(steps: Sequence[_Step], taken: Mapping[int, int], ends: int, score: float) -> list[Span]:
    """For each end the span from the nearest first step: the nearest place always leads on."""
    spans = []
    while ends:
        last = first = ends.bit_length() - 1
        ends ^= 1 << last
        for step, _, _, _ in steps[-2::-1]:
            first = (taken[step] & ((1 << first) - 1)).bit_length() - 1
        spans.append((score, first - 1, last - 1))
    return spans

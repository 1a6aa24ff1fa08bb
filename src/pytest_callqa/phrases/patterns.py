"""A wording made ready to be found in words: which wordings words can hold at all, and how well one lies in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

import msgspec

from pytest_callqa.phrases.notation import Gap, Word

INSERTED = 0.35
"""What an extra word inside a wording costs, in telling words."""

MAX_INSERTED = 3


Filled = tuple[Word | Gap, ...]

Span = tuple[float, int, int]
"""Score from 0 to 100, first and last word."""

Similar = tuple[tuple[int, float], ...]
"""The numbers of the book's words that a word may be, with their likeness."""

Sound = tuple[Similar, int, int, int]
"""What a word may be, the same as a bit mask, the patterns it speaks for (see :class:`Index`), and its number.

Words that may be the same words of the book have the same number, as have all that can be none.
"""

Point = tuple[int, int, float]
"""Position of a word in the text, number of a word of the book that it may be, and their likeness."""


class Pattern(msgspec.Struct, frozen=True, gc=False):
    """A form made ready: the words to find, what lies between them, and what it must reach.

    ``elements`` gives, for a word number, the elements it may stand for; ``worth`` the bit mask of the
    words of each element that weighs something, with its weight. The others are by element: ``weights``,
    ``before`` (words allowed from the start of the form up to it, at least and at most), ``lead`` (how many
    elements before it must be said, and at last how many in all) and ``rest`` (the weight that follows it);
    ``widest`` is the longest stretch between two elements.
    """

    owner: int
    form: Filled
    worth: tuple[tuple[int, float], ...]
    elements: Mapping[int, tuple[int, ...]]
    weights: tuple[float, ...]
    before: tuple[tuple[int, int], ...]
    lead: tuple[int, ...]
    after: tuple[int, int]
    rest: tuple[float, ...]
    widest: int
    required: float
    needed: float
    at_start: bool
    at_end: bool


class Index:
    """Names the few patterns that a text can hold, by the words it has.

    A pattern's elements are dealt into up to three groups, the rarest words first, each so heavy that
    the pattern cannot do without all of its words: it can only be heard where every group has a word.
    A bit mask says for which groups of which patterns a word speaks, three runs of one bit a pattern;
    ``anyway`` holds the groups that a pattern does not have.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = patterns
        self.of_word: dict[int, int] = {}
        self.anyway = 0
        often = Counter(number for pattern in patterns for number in pattern.elements)
        for position, pattern in enumerate(patterns):
            numbers: list[list[int]] = [[] for _ in pattern.weights]
            for number, where in pattern.elements.items():
                for element in where:
                    numbers[element].append(number)
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
                    self.anyway |= bit
                    continue
                for number in chosen:
                    self.of_word[number] = self.of_word.get(number, 0) | bit

    def likely(self, spoken_for: int) -> Iterator[Pattern]:
        """The patterns all of whose groups are spoken for."""
        patterns = self._patterns
        run = len(patterns)
        likely = spoken_for & (spoken_for >> run) & (spoken_for >> 2 * run) & ((1 << run) - 1)
        while likely:
            highest = likely.bit_length() - 1
            likely ^= 1 << highest
            yield patterns[highest]


def points_of(sounds: Iterable[Sound]) -> list[Point]:
    """What the words of a text may be, in order."""
    return [(position, *like) for position, sound in enumerate(sounds) for like in sound[0]]


def repeats_of(sounds: Sequence[Sound]) -> Sequence[int]:
    """How many words up to each place say again what was just said ("i am i am sorry"); empty if none does."""
    alike = [sound[3] if sound[1] else -place for place, sound in enumerate(sounds, 1)]  # unknown words are no repeats
    length = len(alike)
    if len(set(alike)) == length:
        return ()
    again = bytearray(length)
    for size in (1, 2, 3):
        for place in range(size, length - size + 1):
            if alike[place - size : place] == alike[place : place + size]:
                again[place : place + size] = bytes([1]) * size
    return list(accumulate(again)) if any(again) else ()


def present_in(sounds: Iterable[Sound]) -> int:
    """All the book's words that these words may be, as one bit mask."""
    present = 0
    for sound in sounds:
        present |= sound[1]
    return present


def bound(pattern: Pattern, present: int) -> float:
    """The most weight the words that are present could give."""
    weight = 0.0
    for mask, gain in pattern.worth:
        if mask & present:
            weight += gain
    return weight


def align(
    pattern: Pattern, points: Iterable[Point], length: int, floor: float, repeats: Sequence[int] = ()
) -> list[Span]:
    """Chains of matching words in order that reach the weight ``floor``: the best one for each last word.

    ``points`` are what the ``length`` words of the text may be, in order; for ``repeats`` see :func:`repeats_of`:
    words said again count for nothing between two that are found.

    Missing words lose their weight, extra words beyond the gaps allowed cost ``INSERTED`` each;
    a missing word and an extra one in its place count as one error. A word that may be left out is not missing.
    """
    elements, weights, before, rest = pattern.elements, pattern.weights, pattern.before, pattern.rest
    lead = pattern.lead
    final = len(weights) - 1
    chains: list[tuple[int, int, float, int]] = []  # position, element, weight so far, first position
    ends: dict[int, tuple[float, int]] = {}
    for position, number, likeness in points:
        if number not in elements:
            continue
        for element in elements[number]:
            gain = weights[element] * likeness
            least, most = before[element]
            best, first = -1.0, position
            if (element or position >= least) and (not pattern.at_start or position <= lead[element] + most):
                best = gain
            for earlier, earlier_element, weight, start in reversed(chains):
                inserted = position - earlier - 1
                if repeats and inserted > 0:
                    inserted -= repeats[position - 1] - repeats[earlier]
                if inserted > pattern.widest:
                    break
                if earlier_element >= element or inserted < 0:
                    continue
                shortest, longest = before[earlier_element]
                extra = inserted - (most - longest) - (lead[element] - lead[earlier_element + 1])
                if inserted < least - shortest or extra > MAX_INSERTED:
                    continue
                total = weight + gain - (INSERTED * extra if extra > 0 else 0.0)
                if total > best or (total == best and start > first):
                    best, first = total, start
            if best < 0 or best + rest[element] < floor:
                continue
            chains.append((position, element, best, first))
            if best < floor or (element == final and length - 1 - position < pattern.after[0]):
                continue
            missing = lead[-1] - lead[element + 1] + before[final][1] - most + pattern.after[1]
            if pattern.at_end and length - 1 - position > missing:
                continue
            if position not in ends or (best, first) > ends[position]:
                ends[position] = best, first
    return [(min(100.0, 100 * best / pattern.required), first, last) for last, (best, first) in ends.items()]


def apart(spans: Iterable[Span], guards: Iterable[Span], length: int) -> list[Span]:
    """The spans that touch no guard and no better span; ``length`` is the number of words."""
    taken = bytearray(length)
    kept: list[Span] = []
    for _, first, last in guards:
        taken[first : last + 1] = bytes([1]) * (last + 1 - first)
    for span in sorted(spans, key=best_first):
        _, first, last = span
        if taken.find(1, first, last + 1) < 0:
            taken[first : last + 1] = bytes([1]) * (last + 1 - first)
            kept.append(span)
    return kept


def best_first(span: Span) -> tuple[float, int, int]:
    """The key that sorts spans: the best score first, then the shortest, then the earliest."""
    return -span[0], span[1] - span[2], span[1]

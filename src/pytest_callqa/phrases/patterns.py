"""A wording made ready to be found in words: which wordings words can hold at all, and how well one lies in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import eq

import msgspec

from pytest_callqa.phrases.notation import Gap, Word

INSERTED = 0.35
"""What an extra word inside a wording costs, in telling words."""

MAX_INSERTED = 3

LONG = 500
"""Words from which on a text is matched as it is: what saves work on a turn would cost more than it saves."""


Filled = tuple[Word | Gap, ...]

Span = tuple[float, int, int]
"""Score from 0 to 100, first and last word."""

Similar = tuple[tuple[int, float], ...]
"""The numbers of the book's words that a word may be, with their likeness."""

Sound = tuple[Similar, int, int]
"""What a word may be, the bit mask of what it speaks for (see :class:`Index`), and its code.

Words that may be the same words of the book have the same code; those that can be none have :data:`UNKNOWN`.
"""

UNKNOWN = 0
"""The code of a word that is none of the book's."""

Point = tuple[int, int, float]
"""Position of a word in the text, number of a word of the book that it may be, and their likeness."""


class Pattern(msgspec.Struct, frozen=True, gc=False):
    """A form made ready: the words to find, what lies between them, and what it must reach.

    ``elements`` gives, for a word number, the elements it may stand for; ``worth`` the bit mask of the
    words of each element that weighs something, with its weight; ``words`` that of all its words. The others are by
    element: ``options`` (the numbers of the words it may be), ``weights``, ``before`` (words allowed from the start
    of the form up to it, at least and at most), ``lead`` (how many elements before it must be said, and at last how
    many in all) and ``rest`` (the weight that follows it); ``widest`` is the longest stretch between two elements.
    """

    owner: int
    form: Filled
    worth: tuple[tuple[int, float], ...]
    words: int
    elements: Mapping[int, tuple[int, ...]]
    options: tuple[tuple[int, ...], ...]
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


def points_of(sounds: Iterable[Sound]) -> list[Point]:
    """What the words of a text may be, in order."""
    return [(position, *like) for position, sound in enumerate(sounds) for like in sound[0]]


def repeats_of(codes: Sequence[int]) -> Sequence[int]:
    """How many words up to each place say again what was just said ("i am i am sorry"); empty if none does."""
    length = len(codes)
    if len(set(codes)) + max(codes.count(UNKNOWN) - 1, 0) == length:
        return ()
    alike = [code or -place for place, code in enumerate(codes, 1)]  # unknown words are no repeats
    again = bytearray(length)
    for size in (1, 2, 3):
        same, whole = bytes(map(eq, alike, alike[size:])), bytes([1]) * size
        place = same.find(whole)
        while place >= 0:
            again[place + size : place + 2 * size] = whole
            place = same.find(whole, place + 1)
    return list(accumulate(again)) if any(again) else ()


def present_in(points: Iterable[Point]) -> int:
    """All the book's words that are among these, as one bit mask."""
    present = 0
    for _, number, _ in points:
        present |= 1 << number
    return present


def bound(pattern: Pattern, present: int) -> float:
    """The most weight the words that are present could give."""
    weight = 0.0
    for mask, gain in pattern.worth:
        if mask & present:
            weight += gain
    return weight


def score(pattern: Pattern, found: float) -> float:
    """How well a pattern was heard of which words of this weight were ``found``, from 0 to 100."""
    return min(100.0, 100 * found / pattern.required)


def align(
    pattern: Pattern,
    points: Iterable[Point],
    length: int,
    floor: float,
    repeats: Sequence[int] = (),
    around: tuple[float, float] = (0, 0),
) -> list[Span]:
    """Chains of matching words in order that reach the weight ``floor``: the best one for each last word.

    ``points`` are what the ``length`` words of the text may be, in order; for ``repeats`` see :func:`repeats_of`:
    words said again count for nothing between two that are found. ``around`` are how many words the text has
    before and after these.

    Missing words lose their weight, extra words beyond the gaps allowed cost ``INSERTED`` each;
    a missing word and an extra one in its place count as one error. A word that may be left out is not missing.
    """
    elements, weights, before, rest = pattern.elements, pattern.weights, pattern.before, pattern.rest
    lead = pattern.lead
    final = len(weights) - 1
    earliest, latest = around[0], length - 1 + around[1]
    chains: list[tuple[int, int, float, int]] = []  # position, element, weight so far, first position
    ends: dict[int, tuple[float, int]] = {}
    for position, number, likeness in [point for point in points if point[1] in elements]:
        for element in elements[number]:
            gain = weights[element] * likeness
            least, most = before[element]
            best, first = -1.0, position
            if (element or earliest + position >= least) and (
                not pattern.at_start or earliest + position <= lead[element] + most
            ):
                best = gain
            for earlier, earlier_element, weight, start in reversed(chains) if element else ():
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
            if best < floor or (element == final and latest - position < pattern.after[0]):
                continue
            missing = lead[-1] - lead[element + 1] + before[final][1] - most + pattern.after[1]
            if pattern.at_end and latest - position > missing:
                continue
            if position not in ends or (best, first) > ends[position]:
                ends[position] = best, first
    return [(score(pattern, best), first, last) for last, (best, first) in ends.items()]


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
    """The key that sorts spans: the best score first, then the longest, then the earliest."""
    return -span[0], span[1] - span[2], span[1]

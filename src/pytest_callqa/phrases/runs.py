"""Cuts the words of a text into runs that no wording reaches across: each is heard alike wherever it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from pytest_callqa.phrases.patterns import INSERTED, LONG, MAX_INSERTED, Pattern, Similar

_START, _END = -1, -2
"""The numbers of what is no word: the start of a text and its end, to which wordings may be tied."""


class Runs:
    """What a book's patterns link: which of its words may follow which in what is heard, and how far behind.

    Words are told apart by their codes, the same for words that may be the same words of the book (:meth:`code`);
    ``start`` and ``end`` of a text have codes too.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._alone: set[int] = set()
        self._links: dict[int, dict[int, int]] = {}
        self._linked: dict[int, list[int]] = {}
        for (one, other), distance in _distances(patterns, self._alone).items():
            for number in one:
                links = self._links.setdefault(number, {})
                for follower in other:
                    if follower not in links:
                        self._linked.setdefault(follower, []).append(number)
                    links[follower] = max(distance, links.get(follower, 0))
        self._codes: dict[Similar, int] = {}
        self._codes_with: dict[int, list[int]] = {}
        self._followers: list[dict[int, int]] = []
        self._follow_none: list[Callable[[Iterable[int]], bool]] = []
        self._reach: list[int] = []
        self._enough: list[bool] = []
        self.code(())  # UNKNOWN
        self.start, self.end = self.code(((_START, 1.0),)), self.code(((_END, 1.0),))

    def code(self, similar: Similar) -> int:
        """The code of a word that may be these words of the book."""
        code = self._codes.get(similar)
        if code is None:
            code = self._codes[similar] = len(self._codes)
            numbers = [number for number, _ in similar]
            followers: dict[int, int] = {}
            self._followers.append(followers)
            self._follow_none.append(followers.keys().isdisjoint)
            self._enough.append(not self._alone.isdisjoint(numbers))
            for number in numbers:
                self._codes_with.setdefault(number, []).append(code)
            self._reach.append(max((max(self._links[n].values()) for n in numbers if n in self._links), default=0))
            for number in numbers:
                for follower, distance in self._links.get(number, {}).items():
                    for other in self._codes_with.get(follower, ()):
                        self._link(code, other, distance)
                for before in self._linked.get(number, ()):
                    for other in self._codes_with.get(before, ()):
                        self._link(other, code, self._links[before][number])
        return code

    def _link(self, one: int, other: int, distance: int) -> None:
        followers = self._followers[one]
        if distance > followers.get(other, 0):
            followers[other] = distance

    def cut(self, codes: Sequence[int], repeats: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The first and last place of each run in which something may be heard.

        ``codes`` begin with ``start`` and close with ``end``; for ``repeats`` see :func:`repeats_of`.
        """
        if repeats and len(codes) > LONG:
            yield 0, len(codes) - 1
            return
        follow_none, reaches, enough = self._follow_none, self._reach, self._enough
        slack = repeats[-1] if repeats else 0
        first = far = 0
        for place, code in enumerate(codes):
            reach = place + reaches[code] + slack
            if reach > far:
                ahead = codes[far + 1 : reach + 1]
                if not follow_none[code](ahead):
                    followers = self._followers[code]
                    other = far + len(ahead)
                    for follower in reversed(ahead):
                        if follower in followers:
                            distance = other - place - (repeats[other - 1] - repeats[place] if repeats else 0)
                            if followers[follower] >= distance:
                                far = other
                                break
                        other -= 1
            if far == place:
                if first < place or enough[code]:
                    yield first, place
                first = far = place + 1


_Words = tuple[int, ...]


def _distances(patterns: Sequence[Pattern], alone: set[int]) -> Mapping[tuple[_Words, _Words], int]:
    """How far behind a word of a pattern the next one that is found may be; words that suffice ``alone`` are added."""
    farthest: dict[tuple[_Words, _Words], int] = {}

    def link(one: _Words, other: _Words, distance: int) -> None:
        if distance > farthest.get((one, other), 0):
            farthest[one, other] = distance

    for pattern in patterns:
        spare = pattern.required - pattern.needed
        weights, before, lead, (least, most) = pattern.weights, pattern.before, pattern.lead, pattern.after
        words = pattern.options
        final = len(weights) - 1
        left_out = 0.0
        for one, weight in enumerate(weights):
            if weight >= pattern.needed:
                alone.update(words[one])
            if left_out <= spare:
                tied = lead[one] + before[one][1] + 1 if pattern.at_start else 0 if one else before[0][0]
                link((_START,), words[one], tied)
            left_out += weight
            between = 0.0
            for other in range(one + 1, final + 1):
                inserted = min(MAX_INSERTED, int((spare - between) / INSERTED))
                missing = lead[other] - lead[one + 1]
                link(words[one], words[other], before[other][1] - before[one][1] + missing + 1 + inserted)
                between += weights[other]
                if between > spare:
                    break
            else:
                missing = lead[-1] - lead[one + 1] + before[final][1] - before[one][1] + most
                tied = missing + 1 if pattern.at_end else least if one == final else 0
                link(words[one], (_END,), tied)
    return farthest

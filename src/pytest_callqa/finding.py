"""Answers to questions about a call: truthy or falsy, with the quote and its time, or the nearest miss."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec
from msgspec.structs import replace

from pytest_callqa.call import Role, Timing, Turn
from pytest_callqa.errors import Undecided
from pytest_callqa.phrases import Hit, Phrase, Stretch, places_of_words

PUNCTUATION = " \t\n.,;:!?\"'。，；：！？、…"
"""What may follow the last word of a turn without being said."""


def clock_time(seconds: float | None) -> str:
    """Seconds as a player shows them (``1:04.2``); ``--:--`` when unknown."""
    if seconds is None:
        return "--:--"
    minutes, rest = divmod(round(max(seconds, 0.0), 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"


class Utterance(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Consecutive turns of one speaker, joined for matching; ``pieces`` are the turns as recorded.

    ``offsets`` are the pieces' places in ``text``; ``start`` and ``end`` are seconds.
    """

    index: int
    role: Role
    text: str
    start: float | None
    end: float | None
    pieces: tuple[Turn, ...]
    offsets: tuple[int, ...]

    @cached_property
    def places(self) -> Sequence[tuple[int, int]]:
        """The span of each of its words in ``text``."""
        return places_of_words(self.text)

    def time_at(self, position: int, *, end: bool = False) -> float | None:
        """When the character at ``position`` was said: from words, else by proportion within its turn."""
        turn, at = self.pieces[0], position
        if len(self.pieces) > 1:
            which = max(bisect_right(self.offsets, max(position - end, 0)) - 1, 0)
            turn, at = self.pieces[which], position - self.offsets[which]
        if turn.words:
            cursor = 0
            found: float | None = None
            text = turn.text.lower()
            for word in turn.words:
                place = text.find(word.text.lower(), cursor)
                if place < 0:
                    continue
                if place >= at if end else place > at:
                    break
                time = word.end if end else word.start
                found = time if time is not None else found
                cursor = place + len(word.text)
            if found is not None:
                return found
        if turn.start is None or turn.end is None or not turn.text:
            return turn.end if end else turn.start
        return turn.start + (turn.end - turn.start) * min(max(at / len(turn.text), 0.0), 1.0)


class Quote(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Words of a call as evidence: what was ``heard`` in what was ``said``, and as which ``phrase``."""

    said: Utterance
    heard: Stretch | Hit
    phrase: str = ""

    @property
    def first(self) -> int:
        """The first character of it."""
        heard = self.heard
        return heard.start if isinstance(heard, Hit) else self.said.places[heard.first][0]

    @property
    def last(self) -> int:
        """The character after it."""
        heard = self.heard
        return heard.end if isinstance(heard, Hit) else self.said.places[heard.last][1]

    @property
    def part(self) -> str:
        """The part of the phrase that it is."""
        return self.heard.part

    @property
    def score(self) -> float:
        """How well it was heard, from 0 to 100."""
        return self.heard.score

    @property
    def turn(self) -> int:
        """The index of the joined turn."""
        return self.said.index

    @property
    def role(self) -> Role:
        """Who said it."""
        return self.said.role

    def precedes(self, other: Quote) -> bool:
        """Whether it was said before another one."""
        if self.turn != other.turn:
            return self.turn < other.turn
        return self.first < other.first

    @property
    def text(self) -> str:
        """The words themselves."""
        return self.said.text[self.first : self.last]

    @property
    def start(self) -> float | None:
        """When they begin, in seconds; None when unknown."""
        return self.said.time_at(self.first) if self.first else self.said.start

    @property
    def end(self) -> float | None:
        """When they end, in seconds; None when unknown."""
        unsaid = self.said.text[self.last :].strip(PUNCTUATION)
        return self.said.time_at(self.last, end=True) if unsaid else self.said.end

    def __str__(self) -> str:
        at = f" at {clock_time(self.start)}" if self.start is not None else ""
        return f"“{self.text}”{at}"


class Clock(msgspec.Struct, frozen=True, gc=False):
    """How far times can be trusted: what the transcript carries, and how many seconds they may be off."""

    timing: Timing
    tolerance: float

    def need(self, seconds: float | None, what: str) -> float:
        """The time itself; raises :class:`Undecided` when the call does not have it."""
        if seconds is None:
            raise Undecided(f"the transcript has no time for {what}")
        return seconds

    def reaches(self, seconds: float, limit: float, what: str) -> bool:
        """Whether ``seconds`` is at least ``limit``; raises :class:`Undecided` inside the tolerance.

        A time that meets the limit to the hundredth is met: the tolerance only guards near misses
        of transcripts whose times are not exact.
        """
        off = seconds - limit
        if abs(off) < self.tolerance:
            raise Undecided(
                f"{what} is {seconds:.2f} s against {limit:g} s, within the ±{self.tolerance:g} s of these times"
            )
        return off >= -0.005


@dataclass(slots=True)
class Trace:
    """The findings tested for truth so far, each with file and line of the test; emptied for every moment judged."""

    tested: list[tuple[Finding, str, int]] = field(default_factory=list)


class Measure(msgspec.Struct, frozen=True, gc=False):
    """A time held against a limit, both in seconds: ``at_least`` as long, else at most."""

    took: float
    limit: float
    at_least: bool


class Finding(msgspec.Struct, frozen=True, eq=False):
    """What a question found.

    It is true when ``quotes`` answer it (or ``fact`` holds), nothing is ``missing`` and no link of
    the chain broke (``problem``). Chained questions narrow it and remember why they failed.
    The question itself is kept too: which phrases were ``sought``, in which ``speech``, and the
    last ``measure``.
    """

    asked: str
    clock: Clock
    trace: Trace
    quotes: tuple[Quote, ...] = ()
    missing: tuple[str, ...] = ()
    fact: bool | None = None
    problem: str = ""
    look: Callable[[], Quote | None] | None = None
    sought: tuple[Phrase, ...] = ()
    speech: Sequence[Utterance] = ()
    measure: Measure | None = None

    @property
    def holds(self) -> bool:
        """The answer, without leaving a trace."""
        found = bool(self.quotes) if self.fact is None else self.fact
        return found and not self.missing and not self.problem

    def __bool__(self) -> bool:
        frame = sys._getframe(1)
        self.trace.tested.append((self, frame.f_code.co_filename, frame.f_lineno))
        return self.holds

    @property
    def first(self) -> Quote | None:
        """The earliest quote."""
        return self.quotes[0] if self.quotes else None

    @property
    def start(self) -> float | None:
        """When the earliest quote begins, in seconds; None if there is none or its time is unknown."""
        return self.quotes[0].start if self.quotes else None

    @property
    def end(self) -> float | None:
        """When the last quote ends, in seconds."""
        return self.quotes[-1].end if self.quotes else None

    def nearest(self) -> Quote | None:
        """What came closest to an answer that was not found."""
        return self.look() if self.look is not None else None

    # -- chaining

    def only(self, quotes: Iterable[Quote]) -> Finding:
        """The same answer, resting on some of its quotes only."""
        return replace(self, quotes=tuple(quotes))

    def by(self, role: Role) -> Finding:
        """Only what this party said."""
        return self._keep([q for q in self.quotes if q.role == role], f"none of it by the {role}")

    def after(self, time: float | None) -> Finding:
        """Only what begins at or after a time (seconds). Raises :class:`Undecided` without times."""
        if not self.quotes:
            return self
        moment = self.clock.need(time, "the start of the wait")
        late = [quote for quote in self.quotes if self._time(quote) >= moment - 0.005]
        return self._keep(late, f"not after {clock_time(moment)}")

    def before(self, time: float | None) -> Finding:
        """Only what begins before a time (seconds). Raises :class:`Undecided` without times."""
        if not self.quotes:
            return self
        moment = self.clock.need(time, "the end of the wait")
        return self._keep([q for q in self.quotes if self._time(q) < moment], f"not before {clock_time(moment)}")

    def at_least(self, seconds: float, *, after: float | None) -> Finding:
        """The first of it begins no earlier than ``seconds`` after a time; *undecided* inside the tolerance."""
        return self._deadline(seconds, after, at_least=True)

    def within(self, seconds: float, *, of: float | None) -> Finding:
        """The first of it begins no later than ``seconds`` after a time; *undecided* inside the tolerance."""
        return self._deadline(seconds, of, at_least=False)

    def _deadline(self, seconds: float, since: float | None, *, at_least: bool) -> Finding:
        if not self.holds or not self.quotes:
            return self
        start = self.clock.need(since, "the start of the wait")
        waited = self._time(self.quotes[0]) - start
        reached = self.clock.reaches(waited, seconds, f"the wait after {clock_time(start)}")
        met = reached if at_least else not reached or waited <= seconds + 0.005
        measured = replace(self, measure=Measure(waited, seconds, at_least))
        if met:
            return measured
        bound = "at least" if at_least else "at most"
        return replace(
            measured,
            problem=f"said {waited:.1f} s after {clock_time(start)}, expected {bound} {seconds:g} s",
            look=None,
        )

    def _time(self, quote: Quote) -> float:
        return self.clock.need(quote.start, f"“{quote.text}”")

    def _keep(self, quotes: Sequence[Quote], otherwise: str) -> Finding:
        """Keep these quotes; a phrase that loses one of its parts is no longer said, unless another one is."""
        if not self.quotes or self.problem:
            return self
        if not quotes:
            return replace(self, problem=f"{self.quotes[0]} was said, but {otherwise}", look=None)
        kept = {(quote.phrase, quote.part) for quote in quotes}
        lost = dict.fromkeys((q.phrase, q.part) for q in self.quotes if (q.phrase, q.part) not in kept)
        broken = {phrase for phrase, _ in lost}
        whole = tuple(quote for quote in quotes if quote.phrase not in broken)
        if whole:
            return replace(self, quotes=whole)
        missing = dict.fromkeys((*self.missing, *(part for _, part in lost)))
        return replace(self, quotes=tuple(quotes), missing=tuple(missing))

    # -- telling

    def tell(self) -> str:
        """The finding in one line, for people."""
        if self.fact is not None:
            return self.problem or (self.asked if self.fact else f"not so: {self.asked}")
        if self.problem:
            return f"{self.asked}: {self.problem}"
        if self.holds:
            return f"{self.asked}: {'; '.join(str(quote) for quote in self.quotes[:3])}"
        if self.missing and self.quotes:
            said = ", ".join(f"{quote.part} {quote}" for quote in self.quotes)
            return f"{self.asked}: without {' and '.join(self.missing)}; said: {said}"
        near = self.nearest()
        hint = f"; nearest: {near}, {near.score:.0f} of 100" if near else ""
        return f"{self.asked}: not found{hint}"

    def __repr__(self) -> str:
        return f"<{'found' if self.holds else 'not found'}: {self.tell()}>"

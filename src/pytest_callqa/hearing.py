"""A call being judged: the questions a rule may ask about it, and the moments of its situations."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from itertools import chain, pairwise
from operator import attrgetter, itemgetter
from unicodedata import east_asian_width

import msgspec

from pytest_callqa.call import EVENT_KINDS, MIXED_SPEAKERS, Attestation, Call, Case, Event, EventKind, Role, Turn
from pytest_callqa.errors import BadInput, Undecided
from pytest_callqa.finding import Clock, Finding, Measure, Quote, Trace, Utterance, clock_time
from pytest_callqa.phrases import Hit, Matcher, Phrase, PhraseBook, Stretch, split_words

_EVENTS: frozenset[EventKind] = frozenset(EVENT_KINDS)
_index = attrgetter("index")
_place = attrgetter("turn", "first")
_place_in_words = attrgetter("said.index", "heard.first")
_start = attrgetter("start")
_text = attrgetter("text")
_span = itemgetter(0, 1)

JOIN_GAP = 1.0
"""Seconds of silence up to which consecutive turns of one speaker belong together."""

BACKCHANNEL = 40
"""Characters up to which a turn can be a mere sign of listening."""

NEAR = 60.0
"""Score below which a near miss says nothing worth showing."""

CUT_OFF = ("-", "–", "—", "…", "...")
"""How transcripts mark a turn that was broken off."""

_WHOLE = ("",)
"""The parts of a phrase without parts."""

_WHO = "who is the {} is not known; map the speakers with --callqa-roles (callqa inspect suggests a map)"


class Silence(msgspec.Struct, frozen=True, eq=False):
    """A stretch in which nobody speaks, in seconds, between two utterances (None: the call's ends).

    ``doubt`` is set when its length lies within the tolerance of the length asked for.
    """

    start: float
    end: float
    before: Utterance | None
    after: Utterance | None
    doubt: str = ""

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start


class Speech(Sequence[Utterance]):
    """Some of the utterances of a call, in order; questions put to it are answered by a :class:`Finding`.

    ``role`` is given where they are all of one party, of whom some things are known not to be said.
    """

    __slots__ = ("_call", "_indices", "_role", "_said", "who")

    def __init__(self, call: Hearing, said: Sequence[Utterance], who: str, role: Role | None = None) -> None:
        self._call, self._said, self.who, self._role = call, tuple(said), who, role
        self._indices: frozenset[int] | None = None

    def __len__(self) -> int:
        return len(self._said)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # Sequence's overloads say no more
        return self._said[index]

    def __iter__(self) -> Iterator[Utterance]:
        return iter(self._said)

    def __reversed__(self) -> Iterator[Utterance]:
        return reversed(self._said)

    @property
    def first(self) -> Speech:
        """Only the first utterance."""
        return Speech(self._call, self._said[:1], f"{self.who}, first turn", self._role)

    @property
    def last(self) -> Speech:
        """Only the last utterance."""
        return Speech(self._call, self._said[-1:], f"{self.who}, last turn", self._role)

    @property
    def start(self) -> float | None:
        """When the first utterance begins, in seconds."""
        return self._said[0].start if self._said else None

    @property
    def end(self) -> float | None:
        """When the last utterance ends, in seconds."""
        return self._said[-1].end if self._said else None

    @property
    def text(self) -> str:
        """All of it, joined by spaces."""
        return " ".join(said.text for said in self._said)

    @property
    def words(self) -> int:
        """How many words (Chinese: characters) were said."""
        return sum([len(split_words(said.text)) for said in self._said])

    def since(self, index: int) -> Speech:
        """Only the utterances after the one with this index."""
        return self._stretch(bisect_right(self._said, index, key=_index), len(self._said))

    def until(self, index: int) -> Speech:
        """Only the utterances before the one with this index."""
        return self._stretch(0, bisect_left(self._said, index, key=_index))

    def _stretch(self, first: int, end: int) -> Speech:
        """Its utterances from one place to another; the same ones are the same Speech, which remembers its answers."""
        if end - first == len(self._said):
            return self
        known = self._call.stretches.get((self, first, end))
        if known is None:
            known = Speech(self._call, self._said[first:end], self.who, self._role)
            self._call.stretches[self, first, end] = known
        return known

    def says(self, *phrases: Phrase) -> Finding:
        """Whether any of the phrases is said; a phrase in parts needs all its parts, in any order.

        While a rule tests, a phrase in which the agent is cut off counts once its first part, or half of it, was
        said; not one that is forbidden.
        """
        call = self._call
        half_said = bool(call.half_said and call.cut_off)
        if not half_said and call.unsaid.get(self._role, call.absent).issuperset(phrases):
            return self._answer(phrases)
        question = (self, half_said, phrases)
        known = call.answers.get(question)
        if known is None:
            known = call.answers[question] = self._say(phrases, half_said=half_said)
        return known

    def _say(self, phrases: tuple[Phrase, ...], *, half_said: bool) -> Finding:
        said: list[Sequence[Quote]] = []
        begun: tuple[Sequence[Quote], tuple[str, ...]] = ((), ())
        unsaid = self._call.unsaid.get(self._role, self._call.absent)
        for phrase in phrases:
            if phrase in unsaid and not half_said:
                continue
            everywhere, parts = self._call.heard(phrase)
            quotes, missing = self._hear(phrase, everywhere, parts, half_said=half_said)
            if not missing and quotes:
                said.append(quotes)
            elif len(quotes) > len(begun[0]):
                begun = (quotes, missing)
        if said:
            if len(said) == 1:
                return self._answer(phrases, said[0])
            return self._answer(phrases, sorted(chain(*said), key=_place if half_said else _place_in_words))
        if self._call.wordless and any(not spoken.text for spoken in self._said):
            raise Undecided(f"what {self.who or 'somebody'} says is not known: only the sound of it is")
        return self._answer(phrases, *begun)

    def _answer(
        self, phrases: tuple[Phrase, ...], quotes: Sequence[Quote] = (), missing: tuple[str, ...] = ()
    ) -> Finding:
        """The finding of these quotes; if there are none, or parts are missing, it can look for the nearest miss."""
        return Finding(
            _question(self.who, phrases),
            self._call.clock,
            self._call.trace,
            quotes=tuple(quotes),
            missing=missing,
            look=None if quotes and not missing else partial(self._nearest, phrases),
            sought=phrases,
            speech=self,
        )

    def _hear(
        self, phrase: Phrase, everywhere: Sequence[Quote], parts: Sequence[str], *, half_said: bool
    ) -> tuple[Sequence[Quote], tuple[str, ...]]:
        """The quotes of a phrase here, and the parts it lacks (none if nothing of it is said)."""
        call = self._call
        if self._indices is None:
            self._indices = frozenset([said.index for said in self._said])
        quotes = [quote for quote in everywhere if quote.said.index in self._indices]
        if not half_said and (not quotes or parts == _WHOLE):
            return quotes, ()
        heard = {quote.heard.part for quote in quotes}
        missing = tuple(part for part in parts if part not in heard)
        if missing and half_said:
            for said in self._said:
                if said.index not in call.cut_off:
                    continue
                if any(quote.turn == said.index and quote.part == parts[0] for quote in quotes):
                    return quotes, ()
                begun = call.matcher(phrase).begins(said.text.rstrip("-–—…. "), phrase.name)
                if begun is not None:
                    quotes.append(call.quote(said, begun, phrase.name))
                    return sorted(quotes, key=_place), ()
        return quotes, missing if quotes else ()

    def _nearest(self, phrases: Sequence[Phrase]) -> Quote | None:
        nearest = self._call.nearest
        if (self, phrases) not in nearest:
            best: Quote | None = None
            for phrase in phrases:
                matcher = self._call.matcher(phrase)
                for said in self._said:
                    hit = matcher.nearest(said.text, phrase.name, above=best.score if best else NEAR)
                    if hit is not None:
                        best = self._call.quote(said, hit, phrase.name)
            nearest[self, phrases] = best
        return nearest[self, phrases]

    def shows(self, what: str, finder: Callable[[str], Iterable[tuple[int, int]]]) -> Finding:
        """A question no phrase can put: ``finder`` gives the character spans in a text that answer it."""
        quotes = [
            self._call.quote(said, Hit(first, last, 100.0), "")
            for said in self._said
            for first, last in finder(said.text)
        ]
        return Finding(f"{self.who} {what}", self._call.clock, self._call.trace, quotes=tuple(quotes), speech=self)

    def spoken(self, what: str = "says anything") -> Finding:
        """Whether there is any speech here at all; the quotes are the whole utterances."""
        quotes = [self._call.quote(said, Hit(0, len(said.text), 100.0), "") for said in self._said]
        return Finding(f"{self.who} {what}", self._call.clock, self._call.trace, quotes=tuple(quotes), speech=self)

    def pace(self) -> float:
        """Words (Chinese: characters) a minute. Raises :class:`Undecided` without the turns' ends."""
        seconds = 0.0
        for said in self._said:
            for turn in said.pieces:
                self._call.need_turn_ends()
                seconds += max((turn.end or 0.0) - (turn.start or 0.0), 0.0)
        if seconds <= 0:
            raise Undecided(f"the time {self.who} spoke is not known")
        return 60 * self.words / seconds


@lru_cache(maxsize=64)
def _audible(book: PhraseBook, matcher: Matcher) -> frozenset[Phrase]:
    """The phrases of a book that can be heard by this matcher."""
    return frozenset(book.those(matcher.audible))


@lru_cache(maxsize=4096)
def _question(who: str, phrases: Sequence[Phrase]) -> str:
    return f"{who} says {' or '.join(phrase.name for phrase in phrases).replace('_', ' ')}"


class Moment(msgspec.Struct, frozen=True, eq=False):
    """One occurrence of a situation: it is reached at ``start`` (seconds), after the utterance ``index``.

    ``turn`` is the utterance that brought it about, if speech did; ``end`` is when it is over, where it lasts;
    ``doubt`` says why it may not have arisen at all (a silence of 4.8 s against 5 s).
    """

    call: Hearing
    index: int
    start: float | None = None
    turn: Utterance | None = None
    end: float | None = None
    doubt: str = ""
    finding: Finding | None = None

    @property
    def length(self) -> float | None:
        """Seconds from its start to its end; None when either is unknown."""
        return None if self.start is None or self.end is None else self.end - self.start

    @property
    def said(self) -> Speech:
        """The utterance that brought it about."""
        if self.turn is None:
            return Speech(self.call, (), "nobody")
        return Speech(self.call, (self.turn,), f"the {self.turn.role}", self.turn.role)

    @property
    def reply(self) -> Speech:
        """What the agent said next, up to the customer's next turn.

        A mere "mm-hm" does not end it, and one who talks over the agent lets them go on afterwards.
        """
        return self.call.reply_after(self.index)

    @property
    def agent(self) -> Speech:
        """All the agent said after it."""
        return self.call.agent.since(self.index)

    @property
    def customer(self) -> Speech:
        """All the customer said after it."""
        return self.call.customer.since(self.index)

    @property
    def agent_before(self) -> Speech:
        """All the agent said before it, the utterance at the moment itself excluded."""
        return self.call.agent.until(self.turn.index if self.turn else self.index + 1)


class _Heard(msgspec.Struct):
    """What a book's matcher heard in a call, by phrase and utterance; ``hung`` are phrases it could not hear."""

    matcher: Matcher
    stretches: dict[str, list[tuple[Utterance, Sequence[Stretch]]]]
    hung: dict[str, BadInput]


class Hearing:
    """A call under judgement. Rules receive it as ``call``; it asks, the data stay untouched.

    Every question about data the call does not have raises :class:`Undecided`. ``absent`` are the kinds of events
    that were not noted and, once it was listened to, the phrases that nobody says, where that can be known;
    ``unsaid`` those that a party does not say, for each that says something.
    """

    def __init__(
        self,
        record: Call,
        *,
        language: str = "",
        slots: Mapping[str, Sequence[str]] | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.record = record
        self.language = record.language or language
        self.slots = dict(slots or {})
        self.trace = trace if trace is not None else Trace()
        self.half_said = False
        self.clock = Clock(record.timing, record.tolerance)
        self._matchers: dict[PhraseBook, Matcher] = {}
        self._books: dict[PhraseBook, _Heard] = {}
        self._heard: dict[Phrase, tuple[Sequence[Quote], tuple[str, ...]]] = {}
        self.absent: frozenset[Phrase | EventKind] = _EVENTS.difference([event.kind for event in record.events])
        self.unsaid: dict[Role | None, frozenset[Phrase | EventKind]] = {}
        self.answers: dict[tuple[Speech, bool, tuple[Phrase, ...]], Finding] = {}
        self.nearest: dict[tuple[Speech, Sequence[Phrase]], Quote | None] = {}
        self.replies: dict[int, Speech] = {}
        self.stretches: dict[tuple[Speech, int, int], Speech] = {}
        self.moments: dict[object, tuple[Moment, ...]] = {}
        self.troubles: dict[object, Exception] = {}

    # -- what was said

    @cached_property
    def utterances(self) -> tuple[Utterance, ...]:
        """The turns in order, consecutive ones of one speaker joined when the gap is short."""
        turns = self.record.turns
        ends = [place for place, (turn, after) in enumerate(pairwise(turns), 1) if not _continues(turn, after)]
        groups = pairwise([0, *ends, len(turns)]) if turns else ()
        return tuple([_join(index, turns[first:end]) for index, (first, end) in enumerate(groups)])

    @cached_property
    def wordless(self) -> bool:
        """Whether there is speech of which only the sound is known."""
        return not all(map(_text, self.record.turns))

    @cached_property
    def everyone(self) -> Speech:
        """All that was said."""
        return Speech(self, self.utterances, "anybody")

    @cached_property
    def agent(self) -> Speech:
        """All the agent said. Raises :class:`Undecided` when it is not known who that is."""
        return self._by("agent")

    @cached_property
    def customer(self) -> Speech:
        """All the customer said. Raises :class:`Undecided` when it is not known who that is."""
        return self._by("customer")

    def _by(self, role: Role) -> Speech:
        self.need_roles()
        said = [one for one in self.utterances if one.role == role]
        if not said and any(one.role == "unknown" for one in self.utterances):
            raise Undecided(_WHO.format(role))
        return Speech(self, said, f"the {role}", role)

    def speech(self, utterances: Iterable[Utterance], who: str) -> Speech:
        """Any utterances of the call, to be asked questions."""
        return Speech(self, sorted(utterances, key=_index), who)

    def reply_after(self, index: int) -> Speech:
        """What the agent said after the utterance of this index: see :attr:`Moment.reply`."""
        known = self.replies.get(index)
        if known is None:
            self.need_roles()
            said: list[Utterance] = []
            for place in range(index + 1, len(self.utterances)):
                utterance = self.utterances[place]
                if utterance.role == "agent":
                    said.append(utterance)
                elif said and not self.is_backchannel(utterance) and said[-1].index not in self.cut_off:
                    break
            known = self.replies[index] = Speech(self, said, "the agent's reply", "agent")
        return known

    # -- the line

    def events(self, *kinds: EventKind, by: Role | None = None) -> tuple[Event, ...]:
        """The events of these kinds, in order."""
        return tuple(e for e in self.record.events if e.kind in kinds and (by is None or e.by == by))

    @cached_property
    def hangup(self) -> Event | None:
        """Who ended the call and when, if it is known."""
        return next(iter(self.events("hangup")), None)

    @cached_property
    def end(self) -> float | None:
        """When the call ends, in seconds: the hang-up, else the stated duration, else the last word."""
        if self.hangup is not None and self.hangup.time is not None:
            return self.hangup.time
        if self.record.duration is not None:
            return self.record.duration
        ends = [said.end for said in self.utterances if said.end is not None]
        return max(ends, default=None)

    @cached_property
    def abandoned(self) -> bool:
        """Whether the customer hung up first. Unknown counts as no."""
        return self.hangup is not None and self.hangup.by == "customer"

    @cached_property
    def _gaps(self) -> tuple[Silence, ...]:
        """All silences between, inside and after the utterances, in order; holds are not silence.

        From words, else from turns with what the vendor heard inside them, else what the vendor lists.
        """
        if self._only_vendor_silences:
            return tuple(sorted(self._vendor_silences(()), key=_start))
        self.need_turn_ends()
        busy: list[tuple[float, float, Utterance | None]] = [(*hold, None) for hold in self._holds]
        for said in self.utterances:
            for turn in said.pieces:
                if turn.words:  # of most turns none are known: then the whole turn is speech
                    busy.extend([(start, end, said) for start, end in _spoken(turn)])
                elif turn.start is not None and turn.end is not None:
                    busy.append((turn.start, turn.end, said))
        busy.sort(key=_span)
        gaps: list[Silence] = []
        before: Utterance | None = None
        reached = next((event.time for event in self.events("answer") if event.time is not None), 0.0)
        for start, end, speech in busy:
            if start > reached:
                gaps.append(Silence(reached, start, before, speech))
            if end > reached:
                reached, before = end, speech or before
        if self.end is not None and self.end > reached:
            gaps.append(Silence(reached, self.end, before, None))
        if self.record.silences:
            gaps = sorted([*gaps, *self._vendor_silences(gaps)], key=_start)
        return tuple(gaps)

    @property
    def _only_vendor_silences(self) -> bool:
        """Whether turns have no ends, and the vendor lists the silences between them."""
        return self.record.timing == "start" and bool(self.record.silences)

    @cached_property
    def _holds(self) -> tuple[tuple[float, float], ...]:
        """Stretches on hold, each from hold to unhold (or to the end of the call)."""
        holds: list[tuple[float, float]] = []
        since: float | None = None
        for event in self.events("hold", "unhold"):
            if event.kind == "hold":
                since = event.time if since is None else since
            elif since is not None and event.time is not None:
                holds.append((since, event.time))
                since = None
        if since is not None and self.end is not None:
            holds.append((since, self.end))
        return tuple(holds)

    def _vendor_silences(self, gaps: Sequence[Silence]) -> Iterator[Silence]:
        """Silences that the vendor heard inside a turn, where turn times alone show none."""
        if self.record.timing == "word":
            return
        known = [*((gap.start, gap.end) for gap in gaps), *self._holds]
        for silence in self.record.silences:
            shared = sum(max(min(end, silence.end) - max(start, silence.start), 0.0) for start, end in known)
            if shared < (silence.end - silence.start) / 2:
                inside = [s for s in self.utterances if s.start is not None and s.start <= silence.start]
                around = inside[-1] if inside else None
                yield Silence(silence.start, silence.end, around, around)

    def silences(self, at_least: float) -> tuple[Silence, ...]:
        """Every silence of this many seconds and more, in order; borderline ones carry a ``doubt``.

        Raises :class:`Undecided` when the transcript has no ends of turns and no list of silences that
        would hold them all.
        """
        found = []
        if self._only_vendor_silences:
            shortest = min(silence.end - silence.start for silence in self.record.silences)
            if shortest > at_least + self.clock.tolerance:
                raise Undecided(
                    "the transcript has only the start of turns, "
                    f"and its list of silences knows none under {shortest:g} s"
                )
        least = at_least - max(self.clock.tolerance, 0.005)
        for gap in [gap for gap in self._gaps if gap.end - gap.start >= least]:
            doubt = ""
            if abs(gap.length - at_least) < self.clock.tolerance:
                doubt = (
                    f"the silence at {clock_time(gap.start)} is {gap.length:.2f} s against {at_least:g} s, "
                    f"within the ±{self.clock.tolerance:g} s of these times"
                )
            found.append(Silence(gap.start, gap.end, gap.before, gap.after, doubt))
        return tuple(found)

    @cached_property
    def cut_off(self) -> frozenset[int]:
        """The indices of the agent's utterances that were cut off."""
        return frozenset([said.index for said in self.utterances if said.role == "agent" and self.is_cut_off(said)])

    def is_cut_off(self, said: Utterance) -> bool:
        """Whether the other party broke into this utterance: marked by a dash, or they spoke before its end."""
        if said.text.rstrip().endswith(CUT_OFF):
            return True
        if said.end is None or said.index + 1 == len(self.utterances):
            return False
        following = self.utterances[said.index + 1]
        if following.start is None or following.start >= said.end or following.role == said.role:
            return False
        return following.start < said.end - max(self.clock.tolerance, 0.05) and not self.is_backchannel(following)

    def is_backchannel(self, said: Utterance) -> bool:
        """Whether it is a mere sign of listening ("mm-hm"), by the books known so far (see :meth:`consult`)."""
        if len(said.text) > BACKCHANNEL:
            return False
        return any(matcher.is_backchannel(said.text) for matcher in self._matchers.values())

    # -- the record

    @property
    def case(self) -> Case | None:
        """The case record; None when the case system has none. Raises :class:`Undecided` if it was not asked."""
        if self.record.case is None and not self.record.case_known:
            raise Undecided("no case record was given for this call")
        return self.record.case

    def attestation(self, clause: str) -> Attestation | None:
        """A person's verdict on a manual clause, if there is one."""
        return next((a for a in self.record.attestations if a.clause == clause), None)

    def fact(self, holds: object, what: str) -> Finding:
        """A finding from data that is not speech: true when ``holds`` is."""
        return Finding(what, self.clock, self.trace, fact=bool(holds))

    def longest(self, seconds: float | None, limit: float, what: str) -> Finding:
        """A finding that ``what`` took no longer than ``limit`` seconds; *undecided* inside the tolerance."""
        return self._measured(seconds, limit, what, at_least=False)

    def shortest(self, seconds: float | None, limit: float, what: str) -> Finding:
        """A finding that ``what`` took at least ``limit`` seconds; *undecided* inside the tolerance."""
        return self._measured(seconds, limit, what, at_least=True)

    def _measured(self, seconds: float | None, limit: float, what: str, *, at_least: bool) -> Finding:
        if seconds is None:
            raise Undecided(f"the transcript does not say how long {what} took")
        reached = self.clock.reaches(seconds, limit, what)
        met = reached if at_least else not reached or seconds <= limit + 0.005
        bound = "at least" if at_least else "at most"
        told = f"{what}: {seconds:.1f} s, expected {bound} {limit:g} s"
        return Finding(told, self.clock, self.trace, fact=met, measure=Measure(seconds, limit, at_least))

    # -- what it takes

    def need_roles(self) -> None:
        """Raises :class:`Undecided` when nobody said which speaker is the agent."""
        if self.record.roles == "unknown":
            mixed = next((limit for limit in self.record.limits if limit.startswith(MIXED_SPEAKERS)), "")
            if mixed:
                raise Undecided(f"who is the agent cannot be told: {mixed}")
            raise Undecided(_WHO.format("agent"))

    def need_turn_ends(self) -> None:
        """Raises :class:`Undecided` when the transcript does not say when turns end."""
        if self.record.timing in ("none", "start"):
            shown = "no times" if self.record.timing == "none" else "only the start of turns"
            raise Undecided(f"the transcript has {shown}, so pauses cannot be measured")

    # -- matching

    def consult(self, books: Iterable[PhraseBook]) -> None:
        """Make phrase books known before the first question, for what is no phrase (signs of listening)."""
        for book in books:
            if book not in self._matchers and book.speaks(self.language):
                self._matchers[book] = book.matcher(self.language, self.slots)

    def matcher(self, phrase: Phrase) -> Matcher:
        """The matcher of the phrase's book in the call's language. Raises :class:`Undecided` if it has none."""
        matcher = self._matchers.get(phrase.book)
        if matcher is None:
            if not phrase.book.speaks(self.language):
                spoken = f"in {self.language!r}" if self.language else "in an unknown language"
                known = ", ".join(phrase.book.languages)
                raise Undecided(f"the call is {spoken}, and the phrases are in {known}; see --callqa-language")
            matcher = self._matchers[phrase.book] = phrase.book.matcher(self.language, self.slots)
        return matcher

    def heard(self, phrase: Phrase) -> tuple[Sequence[Quote], tuple[str, ...]]:
        """Every quote of a phrase in the call, in order, and the parts it must have; found once for all questions.

        Raises :class:`Undecided` when the phrase cannot be heard in the call's language, or for want of a setting,
        and :class:`BadInput` when one of its regular expressions hung.
        """
        known = self._heard.get(phrase)
        if known is None:
            known = self._heard[phrase] = self._hear(phrase)
        return known

    def _hear(self, phrase: Phrase) -> tuple[Sequence[Quote], tuple[str, ...]]:
        book = self._books.get(phrase.book) or self._listen(phrase)
        parts = book.matcher.audible.get(phrase.name)
        if parts is None:
            slot = book.matcher.lacks(phrase.name)
            raise Undecided(
                f"the phrase {str(phrase)!r} cannot be told without {{{slot}}}, which is not set"
                if slot
                else f"the phrase {str(phrase)!r} has no wordings in {self.language!r}"
            )
        if phrase.name in book.hung:
            raise book.hung[phrase.name]
        name, everywhere = phrase.name, book.stretches.get(phrase.name, ())
        return [Quote(said, stretch, name) for said, stretches in everywhere for stretch in stretches], parts

    def _listen(self, phrase: Phrase) -> _Heard:
        """Hear the whole call for all phrases of a book."""
        matcher = self.matcher(phrase)
        stretches: dict[str, list[tuple[Utterance, Sequence[Stretch]]]] = defaultdict(list)
        by_role: dict[Role, set[str]] = defaultdict(set)
        hung: dict[str, BadInput] = {}
        for said in self.utterances:
            found = matcher.heard(said.text)
            by_role[said.role].update(found)
            for name, places in found.items():
                stretches[name].append((said, places))
        if matcher.may_hang:
            for said in self.utterances:
                hung.update(matcher.hung(said.text))
        heard = self._books[phrase.book] = _Heard(matcher, stretches, hung)
        if not self.wordless and self.record.roles != "unknown":
            those = phrase.book.those
            self.absent |= _audible(phrase.book, matcher).difference(those(chain(stretches, hung)))
            for role, names in by_role.items():
                by_others = those(stretches.keys() - names - hung.keys())
                self.unsaid[role] = self.absent.union(self.unsaid.get(role, ()), by_others)
        return heard

    def quote(self, said: Utterance, hit: Hit, phrase: str) -> Quote:
        """A hit as evidence."""
        return Quote(said, hit, phrase)

    def forget(self) -> None:
        """Drop all that was found: it refers back to the call, which would outlive its judgement."""
        self.trace.tested = []
        self.__dict__.clear()


def _continues(last: Turn, turn: Turn) -> bool:
    if last.role != turn.role or last.speaker != turn.speaker:
        return False
    if last.end is None or turn.start is None:
        return last.start is None or turn.start is None
    return turn.start - last.end <= JOIN_GAP


def _join(index: int, turns: tuple[Turn, ...]) -> Utterance:
    first = turns[0]
    if len(turns) == 1:
        return Utterance(index, first.role, first.text, first.start, first.end, turns, (0,))
    text, offsets = "", []
    for turn in turns:
        if text and not text[-1].isspace() and east_asian_width(text[-1]) not in "WF":
            text += " "
        offsets.append(len(text))
        text += turn.text
    ends = [turn.end for turn in turns if turn.end is not None]
    return Utterance(index, first.role, text, first.start, max(ends, default=None), turns, tuple(offsets))


def _spoken(turn: Turn) -> Sequence[tuple[float, float]]:
    """The stretches of speech in a turn: its words, the first and last reaching to its ends; else the whole of it."""
    words = [(word.start, word.end) for word in turn.words if word.start is not None and word.end is not None]
    if turn.start is None or turn.end is None:
        return words
    if len(words) < 2:
        return ((turn.start, turn.end),)
    return [(turn.start, words[0][1]), *words[1:-1], (words[-1][0], turn.end)]

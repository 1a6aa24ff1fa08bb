"""Variants of a recorded call: what a recogniser, a clock or another wording may change, and no verdict should."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

import msgspec
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_callqa.call import Call, Turn
from pytest_callqa.engine import hear, judge
from pytest_callqa.errors import Undecided
from pytest_callqa.finding import Quote
from pytest_callqa.hearing import Hearing
from pytest_callqa.ledger import Exhibit
from pytest_callqa.phrases import PhraseBook, join_words, places_of_words, primary, split_words
from pytest_callqa.redact import Level, redactor
from pytest_callqa.rules import Rule, RuleBook
from pytest_callqa.scenarios.editing import Span, retimed, substitute, with_turn
from pytest_callqa.verdict import Outcome

MOST_EDITS = 3
"""Edits that a variant is made of, at most."""

FILLERS = {"en": ("um", "uh"), "zh": ("嗯，", "呃，")}
POLITE = {"en": ("Okay.", "I see."), "zh": ("好的。", "嗯，好。")}
NAMES = {"en": ("Taylor", "Northern Rail"), "zh": ("周", "北方热线")}
"""Another name for people, and for the organisation."""

LATER = 37.0
"""Seconds by which a shifted clock is off."""

SOON = 2.0
"""Seconds within which an answer comes that somebody else could come before."""

_NOISE = ("confusions.csv", "homophones.csv")
_MARKS = re.compile(r"[.,;:!?。，；：！？、]+")
_BREAK = re.compile(r"(?<=[.!?。！？]) *(?=\S)")


class Edit(msgspec.Struct, frozen=True, eq=False):
    """One small change of a call, of a kind, told in words; None where it cannot be made."""

    kind: str
    what: str
    change: Callable[[Call], Call | None]


class Variant(msgspec.Struct, frozen=True, eq=False):
    """A call changed by some edits, none of which should matter."""

    call: Call
    edits: tuple[Edit, ...]

    @property
    def what(self) -> str:
        """The edits in words."""
        return "; ".join(f"{edit.kind}: {edit.what}" for edit in self.edits)


def variants(call: Call, book: RuleBook) -> st.SearchStrategy[Variant]:
    """Variants of a call, those of fewest edits the plainest."""
    possible = list(edits(call, book))
    some = st.lists(st.sampled_from(possible), min_size=1, max_size=MOST_EDITS, unique_by=id)
    return some.map(lambda chosen: vary(call, chosen))


def some_variants(call: Call, book: RuleBook, many: int, *, seed: int = 0) -> Iterator[Variant]:
    """So many variants, the same for the same seed, of every kind of edit in turn."""
    rng = random.Random(f"{seed} {call.id}")
    kinds: dict[str, list[Edit]] = {}
    for edit in edits(call, book):
        kinds.setdefault(edit.kind, []).append(edit)
    names = sorted(kinds)
    for number in range(many):
        first = rng.choice(kinds[names[number % len(names)]])
        more = [rng.choice(kinds[rng.choice(names)]) for _ in range(rng.randrange(MOST_EDITS))]
        yield vary(call, (first, *more))


def vary(call: Call, chosen: Sequence[Edit]) -> Variant:
    """A call with these edits, one after the other; those that cannot be made any more are left out."""
    made = []
    for edit in chosen:
        changed = edit.change(call)
        if changed is not None and changed != call:
            call = changed
            made.append(edit)
    return Variant(call, tuple(made))


# -- what can be changed


def edits(call: Call, book: RuleBook) -> Iterator[Edit]:
    """Every edit of a call that should not matter."""
    language = primary(call.language or next(iter(book.code.texts("languages")), ""))
    for index, turn in enumerate(call.turns):
        if turn.text:
            yield from _of_turn(index, turn, language)
    yield from _of_writing(call)
    yield from _of_times(call)
    yield from _of_names(call, book, language)
    yield from _of_wordings(call, book)
    yield from _of_exchanges(call, language)


def _of_turn(index: int, turn: Turn, language: str) -> Iterator[Edit]:
    words = split_words(turn.text)
    for place, word in enumerate(words):
        for heard in confusions().get(word, ()):
            yield Edit("recognition", f"“{heard}” for “{word}”", _put(index, place, heard))
    for place in _pauses(turn.text) if language == "zh" else range(len(words)):
        for filler in FILLERS.get(language, ()):
            yield Edit("filler", f"“{filler}” before “{words[place]}”", _put(index, place, filler, keep=True))
    if words:
        yield Edit("false start", f"“{words[0]}” twice", _put(index, 0, _again(turn), keep=True))
    for number, match in enumerate(_BREAK.finditer(turn.text)):
        yield Edit("split", f"“{turn.text[: match.start()].strip()}” a turn of its own", _split(index, number))
    yield Edit("merged", f"the turn {index + 1} with the next one", _merge(index))


def _pauses(text: str) -> list[int]:
    """The words that begin a clause: in Chinese, other places may lie inside of one."""
    ends = [match.end() for match in _MARKS.finditer(text)]
    starts = [first for first, _ in places_of_words(text)]
    return [0, *(starts.index(end) for end in ends if end in starts)]


def _put(index: int, place: int, text: str, *, keep: bool = False) -> Callable[[Call], Call | None]:
    """Another word at a place of a turn, in place of the one there or before it."""

    def change(call: Call) -> Call | None:
        if index >= len(call.turns):
            return None
        turn = call.turns[index]
        places = places_of_words(turn.text)
        if place >= len(places):
            return None
        first, last = places[place]
        said = join_words([text, turn.text[first:last]]) if keep else text
        put = f"{turn.text[:first]}{said}{turn.text[last:]}"
        return _with(call, index, replace(turn, text=" ".join(put.split()), words=()))

    return change


def _again(turn: Turn) -> str:
    first, last = places_of_words(turn.text)[0]
    return turn.text[first:last]


def _split(index: int, number: int) -> Callable[[Call], Call | None]:
    """A turn as two, after one of its sentences."""

    def change(call: Call) -> Call | None:
        turn = call.turns[index] if index < len(call.turns) else Turn(text="")
        breaks = [match.start() for match in _BREAK.finditer(turn.text)]
        if number >= len(breaks) or (turn.start is None) is not (turn.end is None):
            return None
        place, middle = breaks[number], None
        if turn.start is not None and turn.end is not None:
            middle = round(turn.start + (turn.end - turn.start) * place / len(turn.text), 2)
        halves = (
            replace(turn, text=turn.text[:place].strip(), end=middle, words=()),
            replace(turn, text=turn.text[place:].strip(), start=middle, words=()),
        )
        return replace(call, turns=(*call.turns[:index], *halves, *call.turns[index + 1 :]))

    return change


def _merge(index: int) -> Callable[[Call], Call | None]:
    """Two turns of one speaker, one straight after the other, as one."""

    def change(call: Call) -> Call | None:
        pair = call.turns[index : index + 2]
        if len(pair) < 2 or pair[0].role != pair[1].role or pair[0].speaker != pair[1].speaker:
            return None
        first, second = pair
        if first.end is None or second.start is None or not 0 <= second.start - first.end <= 0.5:
            return None
        text = join_words([first.text, second.text])
        one = replace(first, text=text, end=second.end, words=(*first.words, *second.words))
        return replace(call, turns=(*call.turns[:index], one, *call.turns[index + 2 :]))

    return change


def _of_writing(call: Call) -> Iterator[Edit]:
    """Case and punctuation, as other recognisers write."""

    def written(how: Callable[[str], str]) -> Callable[[Call], Call | None]:
        return lambda call: replace(call, turns=tuple(replace(t, text=how(t.text), words=()) for t in call.turns))

    yield Edit("case", "all in lower case", written(str.lower))
    yield Edit("case", "all in capitals", written(str.upper))
    yield Edit("punctuation", "none", written(lambda text: " ".join(_MARKS.sub(" ", text).split())))


def _of_times(call: Call) -> Iterator[Edit]:
    """Another zero of the clock, and times that are off by less than the transcript says they may be."""
    timed = any(turn.start is not None for turn in call.turns)
    if timed and not call.ring_time and not any(event.kind == "ring" for event in call.events):
        yield Edit("clock", f"{LATER:g} s later", lambda call: retimed(call, lambda time: time + LATER))
    if timed and call.tolerance:
        off = call.tolerance / 4
        for number in range(3):
            yield Edit("jitter", f"times off by up to {off:g} s", _jitter(off, number))


def _jitter(off: float, number: int) -> Callable[[Call], Call]:
    def change(call: Call) -> Call:
        rng = random.Random(number)
        turns = []
        for turn in call.turns:
            if turn.start is None or turn.end is None:
                turns.append(turn)
                continue
            start = max(turn.start + rng.uniform(-off, off), 0.0)
            end = max(turn.end + rng.uniform(-off, off), start)
            turns.append(replace(turn, start=round(start, 3), end=round(end, 3), words=()))
        return replace(call, turns=tuple(turns))

    return change


def _of_names(call: Call, book: RuleBook, language: str) -> Iterator[Edit]:
    """People and the organisation under other names."""
    person, organisation = NAMES.get(language, NAMES["en"])
    for name in call.names:
        yield Edit("names", f"“{person}” for “{name}”", _renamed(name, person))
    named = (call.organisation,) if call.organisation else book.code.texts("organisation")
    for name in sorted(named, key=len, reverse=True):
        if any(name.lower() in turn.text.lower() for turn in call.turns):
            yield Edit("names", f"“{organisation}” for “{name}”", _renamed(name, organisation, organisation=True))
            break


def _renamed(name: str, other: str, *, organisation: bool = False) -> Callable[[Call], Call | None]:
    pattern = re.compile(re.escape(name), re.IGNORECASE)

    def change(call: Call) -> Call | None:
        named = [bool(pattern.search(turn.text)) for turn in call.turns]
        turns = (
            replace(turn, text=pattern.sub(other, turn.text), words=()) if found else turn
            for turn, found in zip(call.turns, named, strict=True)
        )
        fields = {"organisation": other} if organisation else {}
        return replace(call, turns=tuple(turns), **fields) if any(named) else None

    return change


def _of_wordings(call: Call, book: RuleBook) -> Iterator[Edit]:
    """What was said, in another wording of the same phrase, where nothing else rests on these words."""
    for phrases in dict.fromkeys(phrases for rule in book for phrases in rule.books):
        if not phrases.speaks(call.language):
            continue
        heard = hear(call, book.code)
        matcher = phrases.matcher(call.language, heard.slots)
        quotes = [(getattr(phrases, name), quote) for name in phrases.names for quote in _said(heard, phrases, name)]
        for phrase, quote in quotes:
            if any(other is not phrase and _overlap(quote, more) for other, more in quotes):
                continue
            sentences = phrases.sentences(phrase.name, call.language, heard.slots).get(quote.part, ())
            for text in sentences[:3]:
                apart = split_words(text) != split_words(quote.text) and not any(map(str.isdigit, text))
                if apart and set(matcher.heard(text)) == {phrase.name}:
                    span = Span(quote.turn, quote.first, quote.last)
                    what = f"“{text}” for “{quote.text}” ({phrase})"
                    yield Edit("wording", what, _reworded(span, quote.text, text))


def _overlap(one: Quote, other: Quote) -> bool:
    return one.turn == other.turn and one.first < other.last and other.first < one.last


def _said(heard: Hearing, phrases: PhraseBook, name: str) -> Sequence[Quote]:
    """Where a phrase is said; nowhere, if it cannot be heard for want of a setting."""
    try:
        return heard.heard(getattr(phrases, name))[0]
    except Undecided:
        return ()


def _reworded(span: Span, text: str, other: str) -> Callable[[Call], Call | None]:
    def change(call: Call) -> Call | None:
        heard = Hearing(call)
        said = heard.utterances[span.utterance].text if span.utterance < len(heard.utterances) else ""
        if said[span.first : span.last] != text:
            return None
        return substitute(heard, {span: other})

    return change


def _of_exchanges(call: Call, language: str) -> Iterator[Edit]:
    """One more "okay" and "I see" between the agent's words and the customer's answer to them."""
    polite = POLITE.get(language)
    if polite is None:
        return
    for index in range(2, len(call.turns)):
        yield Edit("polite exchange", f"{polite[0]} – {polite[1]} after the turn {index}", _exchange(index, polite))


def _exchange(index: int, polite: tuple[str, str]) -> Callable[[Call], Call | None]:
    def change(call: Call) -> Call | None:
        turn, after = call.turns[index - 1 : index + 1] if index < len(call.turns) else (Turn(text=""),) * 2
        pause = (after.start or 0.0) - (turn.end or 0.0)
        if (turn.role, after.role) != ("agent", "customer") or not 0 <= pause <= SOON:
            return None
        for place, (role, text) in enumerate(zip(("customer", "agent"), polite, strict=True)):
            speaker = (after if role == "customer" else turn).speaker
            call = with_turn(
                call, index + place, after.role if role == "customer" else turn.role, text, speaker=speaker
            )
        return call

    return change


def _with(call: Call, index: int, turn: Turn) -> Call:
    return replace(call, turns=(*call.turns[:index], turn, *call.turns[index + 1 :]))


@lru_cache(maxsize=1)
def confusions() -> Mapping[str, tuple[str, ...]]:
    """What a recogniser hears for a word, the most frequent first; see benchmarks/confusions.py and homophones.py."""
    tables = [files("pytest_callqa.scenarios").joinpath(name).read_text(encoding="utf-8") for name in _NOISE]
    rows = [line.split(",") for table in tables for line in table.partition("said,heard,times\n")[2].splitlines()]
    found: dict[str, list[tuple[int, str]]] = {}
    for said, heard, times in rows:
        found.setdefault(said, []).append((-int(times), heard))
    return {said: tuple(heard for _, heard in sorted(others)) for said, others in found.items()}


# -- what became of them


class Flip(msgspec.Struct, frozen=True):
    """A verdict that a variant changed, and the smallest change that does: the call, its clause, from what to what."""

    call: str
    clause: str
    before: Outcome
    after: Outcome
    kind: str
    what: str
    reason: str = ""


class Bent(msgspec.Struct):
    """What became of the variants of some calls: how many of each kind of edit, how many judged otherwise."""

    calls: int = 0
    variants: int = 0
    changed: int = 0
    kinds: dict[str, list[int]] = {}
    flips: list[Flip] = []


def bend(book: RuleBook, calls: Iterable[Call], many: int, *, seed: int = 0, level: Level = "standard") -> Bent:
    """Judge so many variants of each call by all portable rules, and find the smallest change behind each flip.

    What is told of a flip is redacted, as far as ``level`` says.
    """
    rules = [rule for rule in book if rule.portable]
    bent = Bent()
    for call in calls:
        bent.calls += 1
        hide = redactor(call.names, level=level)
        before = _outcomes(rules, call, book)
        for variant in some_variants(call, book, many, seed=seed):
            bent.variants += 1
            after = _outcomes(rules, variant.call, book)
            flipped = [rule for rule in rules if _differs(before[rule.clause][0], after[rule.clause][0])]
            bent.changed += bool(flipped)
            flips = [_smallest(rule, call, variant, book, before[rule.clause][0]) for rule in flipped]
            bent.flips += [
                replace(flip, call=hide.id(flip.call), what=hide(flip.what), reason=hide(flip.reason)) for flip in flips
            ]
            for kind in {edit.kind for edit in variant.edits}:
                counts = bent.kinds.setdefault(kind, [0, 0])
                counts[0] += 1
                counts[1] += any(kind in flip.kind.split(" and ") for flip in flips)
    return bent


def _outcomes(rules: Sequence[Rule], call: Call, book: RuleBook) -> dict[str, tuple[Outcome, str]]:
    heard = hear(call, book.code)
    found = {rule.clause: judge(rule, heard, book.code, quotes=0) for rule in rules}
    heard.forget()
    return {clause: (verdict.outcome, verdict.reason) for clause, verdict in found.items()}


def _differs(before: Outcome, after: Outcome) -> bool:
    """Whether a verdict changed; one in doubt says nothing."""
    return before is not after and Outcome.UNDECIDED not in (before, after)


def _smallest(rule: Rule, call: Call, variant: Variant, book: RuleBook, before: Outcome) -> Flip:
    """The fewest of a variant's edits that still change the verdict."""
    edits = list(variant.edits)
    for edit in variant.edits:
        fewer = [each for each in edits if each is not edit]
        outcome = _outcomes([rule], vary(call, fewer).call, book)[rule.clause][0]
        if fewer and _differs(before, outcome):
            edits = fewer
    made = vary(call, edits)
    outcome, reason = _outcomes([rule], made.call, book)[rule.clause]
    kind = " and ".join(dict.fromkeys(edit.kind for edit in made.edits))
    return Flip(call.id, rule.clause, before, outcome, kind, made.what, reason)


def exhibit(bent: Bent) -> Exhibit:
    """What became of each kind of change, as a table of the report's view of rules."""
    return Exhibit(
        view="rules",
        title="Variants",
        note="Recorded calls were changed in ways that should change no verdict. A kind of change that does says "
        "something of the rules, or of their phrases.",
        figures=(
            ("calls", bent.calls),
            ("variants", bent.variants),
            ("judged otherwise", bent.changed),
        ),
        columns=("change", "variants", "judged otherwise", "example"),
        rows=tuple(
            (kind, *counts, next((told(flip) for flip in bent.flips if flip.kind == kind), ""))
            for kind, counts in sorted(bent.kinds.items())
        ),
    )


def told(flip: Flip) -> str:
    """A flip in one line: ``call-17, 3.6.2 passed, then failed: recognition: “guy” for “bye”``."""
    return f"{flip.call}, {flip.clause} {flip.before}, then {flip.after}: {flip.what}"

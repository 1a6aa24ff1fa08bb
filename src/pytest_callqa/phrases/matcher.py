"""Hears all phrases of a language in one pass.

Words are compared once per vocabulary, not once per utterance: each distinct word is looked up
among the book's words (with tolerance for recognition errors). Words that no wording can link fall
apart into runs, each of which is matched once: an index over the rarest words of every wording names
the few wordings it can contain, and only those are aligned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from itertools import accumulate, chain, filterfalse
from math import inf
from operator import or_
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import msgspec

from pytest_callqa.errors import BadInput
from pytest_callqa.phrases.files import Entry, Language
from pytest_callqa.phrases.index import Index
from pytest_callqa.phrases.notation import Form, Gap, Slot, Word, Wording, find_expression
from pytest_callqa.phrases.patterns import (
    MAX_INSERTED,
    Filled,
    Pattern,
    Point,
    Similar,
    Sound,
    Span,
    align,
    apart,
    bound,
    points_of,
    present_in,
    repeats_of,
)
from pytest_callqa.phrases.runs import Runs
from pytest_callqa.phrases.words import (
    bare_of,
    even_digits,
    join_words,
    places_of_words,
    sentences,
    sound_of,
    split_words,
)

if TYPE_CHECKING:
    from pytest_callqa.semantic import Senses

LIGHT = 0.4
"""What a light word (the, to, you …) weighs against a telling one."""

SIMILAR = 0.74
UNFILLED = 4
DOUBLED = 0.95
"""How like a word is one that only has other accents, or doubles other letters ("dias", "díass" for "días")."""

SOUNDS_LIKE = 0.85
"""How like a name is what only sounds like it ("harbor" for "Harper")."""

LIKENESSES = 5_000
"""How many likenesses of words to a book's are known at once, of which the words that people mean have some hundreds.

With more, which speech that was recognised badly brings in time, all that was learnt of words is learnt anew.
"""

NUMBER = "#"
_DRAWN_OUT = re.compile(r"(.)\1+")
_DIGIT = re.compile("[0-9]")
_ZERO = ord("0")


def _is_spelt(word: str) -> bool:
    """Whether a word is of letters, those of India with their vowel signs: no figures, no apostrophes of English."""
    return word.isalpha() or not (word.isascii() or any(map(str.isdigit, word)))


def _shape(word: str) -> bytes:
    """The word without accents, and with a 0 for each of its digits."""
    return even_digits(bare_of(word))


class Hit(msgspec.Struct, frozen=True, gc=False):
    """Where a phrase was heard: character span in the text, score from 0 to 100, and which part."""

    start: int
    end: int
    score: float
    part: str = ""


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """A hit in words: the ``first`` and ``last`` word of a text that is known elsewhere, counted from 0."""

    first: int
    last: int
    score: float
    part: str = ""


_Key = tuple[str, str]
"""A phrase and its part; the part is "" for a plain phrase and "!" for its guards."""

_Weighed = tuple[tuple[int, ...], int, float]
"""The numbers of the words that one of a pattern may be, the bit mask of these, and its weight."""

_Heard = tuple[str, str, float, int, int]
"""A phrase, its part, the score, first and last sound."""

_Run = tuple[tuple[int, ...], tuple[int, ...]]
"""The codes of words, and how many up to each were said again."""


class Matcher:
    """Hears every phrase of one language in a text. Results are kept for texts heard again, up to a bound.

    ``audible`` holds the phrases that can be heard, each with the parts it must have.
    """

    def __init__(self, language: Language, slots: Mapping[str, Sequence[str]], *, remember: int = 20_000) -> None:
        self._language = language
        self._slots = {name: [self._split(value) for value in values] for name, values in slots.items()}
        self._parts = {name: tuple(entry.parts) for name, entry in language.entries.items()}
        self._keys: list[_Key] = []
        self._patterns: list[Pattern] = []
        self._of_phrase: dict[str, list[Pattern]] = {}
        self._lacking: dict[str, str] = {}
        self._expressions: list[tuple[int, str]] = []
        self._hung: dict[str, dict[str, BadInput]] = {}
        self._numbers: dict[str, int] = {}
        self._weights: dict[Word, _Weighed] = {}
        self._names_by_sound: dict[str, list[str]] = {}
        for word in {word for values in self._slots.values() for value in values for word in value}:
            if len(word) > 3 and word.isalpha() and word not in language.light:
                self._names_by_sound.setdefault(sound_of(word), []).append(word)
        self._compile()
        self.audible = {name: parts for name, parts in self._parts.items() if parts and name not in self._lacking}
        self._index = Index(self._patterns)
        self._long_words = [w for w in self._numbers if len(w) > 3 and _is_spelt(w) and w not in language.numbers]
        self._long_words_bare = [bare_of(word) for word in self._long_words]
        self._short_words: dict[str, list[str]] = {}
        for word in self._numbers:
            if len(word) < 4:
                self._short_words.setdefault(bare_of(word), []).append(word)
        self._drawn_out = {
            _DRAWN_OUT.sub(r"\1", word): word for word in sorted([*self._language.fold, *self._numbers], key=len)
        }
        self._remember = remember
        self._learn_anew()
        signs = language.backchannels | language.fillers
        self._signs = {word for word in (*signs, *language.fold) if signs.issuperset(language.fold.get(word, (word,)))}
        self.is_backchannel = lru_cache(maxsize=remember)(self._is_backchannel)
        meant = {name: entry for name, entry in language.entries.items() if language.semantic and entry.meaning}
        self._senses = self._load_senses(meant) if meant else None
        self._as_written = bool(meant or self._expressions)
        known = chain(self._numbers, language.fold, language.fillers)
        self._numbered = {_shape(word) for word in known if _DIGIT.search(word)}
        self._shares: dict[str, dict[int, list[tuple[int, float]]]] = {}

    def _learn_anew(self) -> None:
        """Forget all words and texts: what is known of each would fill the memory one day."""
        self._runs = Runs(self._patterns)
        self._alike: dict[Similar, Sound] = {}
        self._of_run: dict[_Run, Sequence[_Heard]] = {}
        self._meanings = _Meanings(self._sounds_of, most=5 * self._remember)
        self._known: dict[tuple[int, ...], Mapping[str, tuple[Stretch, ...]]] = {}
        self._texts: dict[bytes | str, Mapping[str, tuple[Stretch, ...]]] = {}
        self._near: dict[tuple[bytes | str, str, float], Hit | None] = {}

    def _load_senses(self, meant: Mapping[str, Entry]) -> Senses:
        from pytest_callqa.semantic import Senses

        examples = {
            name: (entry.meaning, self._sentences(entry.parts[""]), self._sentences(entry.unless))
            for name, entry in meant.items()
        }
        return Senses(self._language.semantic, examples)

    def _sentences(self, wordings: Iterable[Wording]) -> list[str]:
        """What wordings mean in plain words: each form with its first alternatives."""
        forms = (form for wording in wordings for form in wording.forms)
        said = ([each.options[0] for each in form if isinstance(each, Word)] for form in forms)
        return list(dict.fromkeys(join_words(words) for words in said if words))

    def parts(self, name: str) -> tuple[str, ...]:
        """The parts a phrase must have, in order; ``("",)`` for a phrase without parts, ``()`` if unknown here."""
        return self._parts.get(name, ())

    def lacks(self, name: str) -> str:
        """The slot that must be filled before the phrase can be heard (it has a part of nothing else), or ""."""
        return self._lacking.get(name, "")

    def threshold(self, name: str) -> float:
        """The score the phrase needs."""
        return self._language.entries[name].threshold

    def hits(self, text: str) -> Mapping[str, tuple[Hit, ...]]:
        """Every phrase heard in the text, with its hits in order of position.

        Raises :class:`BadInput` when a regular expression of the book takes too long on the text.
        """
        heard = self.heard(text)
        for error in self.hung(text).values():
            raise error
        if not heard:
            return _NOTHING
        places = places_of_words(text)
        return {
            name: tuple([Hit(places[s.first][0], places[s.last][1], s.score, s.part) for s in stretches])
            for name, stretches in heard.items()
        }

    def heard(self, text: str) -> Mapping[str, tuple[Stretch, ...]]:
        """Every phrase heard in the text, in its words: what :meth:`hits` places in its characters.

        Texts whose words mean the same to the book are matched once. Those that differ only in numbers which it does
        not have ("it is 4711", "it is 5798") are not even split into words again.
        """
        even = even_digits(text)
        heard = self._texts.get(even)
        if heard is None:
            heard = self._texts.get(text)
        if heard is None:
            if len(self._alike) > LIKENESSES:
                self._learn_anew()
            words = split_words(text)
            heard = self._heard(text, words)
            if self._senses is not None:
                heard = {**self._meant(text, self._senses), **heard}
            if len(self._texts) >= self._remember:
                self._texts.clear()
            self._texts[text if _ZERO in even and self._tells_apart(words) else even] = heard
        return heard

    def _tells_apart(self, words: Iterable[str]) -> bool:
        """Whether other things may be heard with other digits in these words: only if the book has words like them."""
        return self._as_written or not self._numbered.isdisjoint(map(_shape, filterfalse(str.isalpha, words)))

    @property
    def may_hang(self) -> bool:
        """Whether it has regular expressions."""
        return bool(self._expressions)

    def hung(self, text: str) -> Mapping[str, BadInput]:
        """The phrases of which nothing is known in a text that was heard: a regular expression took too long on it."""
        return self._hung.get(text, _NO_ERRORS)

    def _meant(self, text: str, senses: Senses) -> Mapping[str, tuple[Stretch, ...]]:
        """The phrases that sentences of the text mean, in whatever words."""
        found: dict[str, list[Stretch]] = {}
        words = places_of_words(text)
        for start, end in sentences(text):
            inside = [number for number, (first, _) in enumerate(words) if start <= first < end]
            for name, score in senses.alike(text[start:end].strip()) if inside else ():
                found.setdefault(name, []).append(Stretch(inside[0], inside[-1], score))
        return {name: tuple(stretches) for name, stretches in found.items()}

    def _heard(self, text: str, words: Sequence[str]) -> Mapping[str, tuple[Stretch, ...]]:
        """What is heard by words alone."""
        meant = tuple(map(self._meanings.__getitem__, words))
        if self._expressions:
            found = self._express(text)
            if found:
                sounds = self._sounds(meant)
                return self._told(meant, self._listen(sounds, _repeats(sounds), (0, 0), found))
        heard = self._known.get(meant)
        if heard is None:
            heard = self._told(meant, self._run_by_run(meant))
            if len(self._known) >= self._remember:
                self._known.clear()
            self._known[meant] = heard
        return heard

    def nearest(self, text: str, name: str, *, above: float = 0.0) -> Hit | None:
        """The best-scoring stretch for a phrase, enough or not; None if none scores more than ``above``."""
        even = even_digits(text)
        asked = even if even in self._texts else text, name, above
        if asked not in self._near:
            if len(self._near) >= self._remember:
                self._near.clear()
            self._near[asked] = self._nearest(text, name, above)
        return self._near[asked]

    def _nearest(self, text: str, name: str, above: float) -> Hit | None:
        sounds = self._look_up(text)
        points = points_of(sounds)
        likely = self._likely(name, points, above / 100)
        repeats = _repeats(sounds) if likely else ()
        best: tuple[Span, str] | None = None
        for pattern in likely:
            enough = pattern.required * above / 100 - 1e-6
            for span in align(pattern, points, len(sounds), enough, repeats):
                if span[0] > above:
                    above, best = span[0], (span, self._keys[pattern.owner][1])
        return self._hit(text, *best) if best else None

    def _likely(self, name: str, points: Iterable[Point], share: float) -> Sequence[Pattern]:
        """The patterns of a phrase of which this share, or more, could be found in words; and some others."""
        patterns = self._of_phrase.get(name, ())
        shares = self._shares.get(name)
        if shares is None:
            shares = self._shares[name] = {}
            for place, pattern in enumerate(patterns):
                for number, elements in pattern.elements.items():
                    weight = sum([pattern.weights[element] for element in elements])
                    shares.setdefault(number, []).append((place, weight / pattern.required))
        found = [0.0] * len(patterns)
        for number in {number for _, number, _ in points}:
            for place, each in shares.get(number, ()):
                found[place] += each
        least = share - 1e-6
        return [pattern for pattern, most in zip(patterns, found, strict=True) if most >= least]

    def _is_backchannel(self, text: str) -> bool:
        """Whether the text is nothing but signs of listening ("mm-hm")."""
        return self._signs.issuperset(split_words(text))

    def begins(self, text: str, name: str) -> Hit | None:
        """A hit when the text ends inside the phrase (or its first part), at least half of which was said.

        Never of a forbidden phrase: what was not said in full was not said.
        """
        if name in self._language.forbidden:
            return None
        sounds = self._look_up(text)
        points, repeats = points_of(sounds), _repeats(sounds)
        present = present_in(points)
        threshold = self.threshold(name)
        best: tuple[Span, str] | None = None
        for pattern in self._of_phrase.get(name, ()):
            part = self._keys[pattern.owner][1]
            if part != self.parts(name)[0] or bound(pattern, present) < pattern.needed / 2:
                continue
            for cut in self._beginnings(pattern, threshold):
                for score, first, last in align(cut, points, len(sounds), cut.needed, repeats):
                    said = score * cut.required / pattern.required
                    if best is None or said > best[0][0]:
                        best = (said, first, last), part
        return self._hit(text, *best) if best else None

    # -- building

    def _split(self, text: str) -> list[str]:
        fold = self._language.fold
        return [piece for word in split_words(text) for piece in fold.get(word, (word,))]

    def _compile(self) -> None:
        for name, entry in self._language.entries.items():
            for part, wordings in [*entry.parts.items(), ("!", entry.unless)]:
                owner = len(self._keys)
                self._keys.append((name, part))
                lacking, before = "", len(self._patterns)
                known: set[object] = set()
                for wording in wordings:
                    if wording.expression:
                        self._expressions.append((owner, wording.expression))
                    for form in wording.forms:
                        for filled in self._fill(form):
                            needs = wording.threshold or entry.threshold
                            pattern = self._pattern(
                                owner, filled, needs, at_start=wording.at_start, at_end=wording.at_end
                            )
                            if pattern is None:
                                lacking = next((e.name for e in form if isinstance(e, Slot)), "")
                                continue
                            same = pattern.form, pattern.at_start, pattern.at_end
                            if same not in known:
                                known.add(same)
                                self._patterns.append(pattern)
                                if part != "!":
                                    self._of_phrase.setdefault(name, []).append(pattern)
                if lacking and len(self._patterns) == before and part != "!":
                    self._lacking[name] = lacking

    def _fill(self, form: Form) -> list[Filled]:
        """Put the slot values in; a slot without one stands for one to four words."""
        if Slot not in map(type, form):
            return [cast(Filled, form)]
        fillings: list[Filled] = [()]
        for element in form:
            if not isinstance(element, Slot):
                more: list[Filled] = [(element,)]
            elif element.name == "number":
                more = [(Word((NUMBER, *sorted(self._language.numbers))), Gap(4))]
            else:
                values = self._slots.get(element.name)
                more = [tuple(Word((w,)) for w in value) for value in values] if values else [(Gap(UNFILLED, 1),)]
            fillings = [filling + extra for filling in fillings for extra in more]
        return fillings

    def _number(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers))

    def _weighed(self, word: Word) -> _Weighed:
        """What a word of a form is in patterns; it has no numbers if it is nothing but fillers."""
        known = self._weights.get(word)
        if known is None:
            words = [w for w in word.options if w not in self._language.fillers]
            numbers = tuple(map(self._number, words))
            mask = reduce(or_, [1 << number for number in numbers], 0)
            light = self._language.light.issuperset(words)
            weight = 0.0 if word.optional else LIGHT if light else 1.0
            known = self._weights[word] = numbers, mask, weight
        return known

    def _pattern(self, owner: int, form: Filled, threshold: float, *, at_start: bool, at_end: bool) -> Pattern | None:
        masks: list[int] = []
        options: list[tuple[int, ...]] = []
        weights: list[float] = []
        before: list[tuple[int, int]] = []
        elements: dict[int, tuple[int, ...]] = {}
        least = most = 0
        for element in form:
            if isinstance(element, Gap):
                least, most = least + element.least, most + element.most
                continue
            numbers, mask, weight = self._weighed(element)
            if not numbers:
                continue
            here = (len(options),)
            for number in numbers:
                elements[number] = elements[number] + here if number in elements else here
            masks.append(mask)
            options.append(numbers)
            weights.append(weight)
            before.append((least, most))
        required = sum(weights)
        if not required:
            return None
        return Pattern(
            owner=owner,
            form=form,
            worth=tuple((mask, weight) for mask, weight in zip(masks, weights, strict=True) if weight),
            words=reduce(or_, masks),
            elements=elements,
            options=tuple(options),
            weights=tuple(weights),
            before=tuple(before),
            lead=(0, *accumulate(weight > 0 for weight in weights)),
            after=(least - before[-1][0], most - before[-1][1]),
            rest=tuple(accumulate(reversed(weights[1:]), initial=0.0))[::-1],
            widest=MAX_INSERTED + before[-1][1] + len(weights),
            required=required,
            needed=required * threshold / 100 - 1e-6,
            at_start=at_start,
            at_end=at_end,
        )

    def _beginnings(self, pattern: Pattern, threshold: float) -> Iterator[Pattern]:
        """The pattern broken off after each of its words, as long as half of it is left."""
        for length in range(1, len(pattern.form)):
            start = pattern.form[:length]
            cut = self._pattern(pattern.owner, start, threshold, at_start=pattern.at_start, at_end=True)
            if cut is not None and pattern.required / 2 <= cut.required < pattern.required:
                yield cut

    # -- listening

    def _look_up(self, text: str) -> list[Sound]:
        """What each word of the text may be; fillers are left out, contractions stand for their words."""
        return self._sounds(map(self._meanings.__getitem__, split_words(text)))

    def _sounds_of(self, word: str) -> tuple[Sound, ...]:
        """Compare a word with the book's, once for all texts."""
        return () if word in self._language.fillers else tuple(map(self._sound, self._pieces(word)))

    def _pieces(self, word: str) -> Sequence[str]:
        """The words meant by a word: a contraction's, those run together ("higood"), one drawn out ("byeee")."""
        fold = self._language.fold
        if word in fold:
            return fold[word]
        if word in self._numbers or len(word) < 3 or not word.isalpha() or self._resemble(word):
            return (word,)
        if (short := self._drawn_out.get(_DRAWN_OUT.sub(r"\1", word))) and len(short) < len(word):
            return fold.get(short, (short,))
        for cut in range(2, len(word) - 1):
            pair = word[:cut], word[cut:]
            if all(half in self._numbers or half in fold for half in pair):
                meant = [piece for half in pair for piece in fold.get(half, (half,))]
                if max(map(len, meant)) > 3 or min(map(len, pair)) > 2:
                    return meant
        return (word,)

    def _sound(self, word: str) -> Sound:
        similar = self._resemble(word)
        sound = self._alike.get(similar)
        if sound is None:
            sound = self._alike[similar] = similar, self._index.speaks_for(similar), self._runs.code(similar)
        return sound

    def _resemble(self, word: str) -> Similar:
        known = self._numbers.get(word)
        found = {} if known is None else {known: 1.0}
        if word.isdigit() and NUMBER in self._numbers:
            found[self._numbers[NUMBER]] = 1.0
        bare = bare_of(word)
        if known is None and len(word) > 3 and _is_spelt(word):
            from rapidfuzz import process
            from rapidfuzz.distance import OSA

            for _, score, place in process.extract(
                bare, self._long_words_bare, scorer=OSA.normalized_similarity, score_cutoff=SIMILAR, limit=None
            ):
                found[self._numbers[self._long_words[place]]] = min(score, DOUBLED)
            doubled = self._drawn_out.get(_DRAWN_OUT.sub(r"\1", word), "")
            if len(doubled) > 3 and doubled in self._numbers:
                found[self._numbers[doubled]] = max(found.get(self._numbers[doubled], 0.0), DOUBLED)
        elif known is None and len(word) < 4:
            found |= {self._numbers[like]: DOUBLED for like in self._short_words.get(bare, ())}
        if self._names_by_sound and len(word) > 3 and word.isalpha():
            for name in self._names_by_sound.get(sound_of(word), ()):
                if name in self._numbers:  # pragma: no branch - only a filler in a slot's value is no word of the book
                    found[self._numbers[name]] = max(found.get(self._numbers[name], 0.0), SOUNDS_LIKE)
        return tuple(found.items())

    def _express(self, text: str) -> dict[int, list[Span]]:
        """What the regular expressions find, widened to whole words; one that hung on a text is not tried again."""
        found: dict[int, list[Span]] = {}
        places: list[tuple[int, int]] = []
        hung = self._hung.get(text, {})
        for owner, expression in self._expressions:
            name = self._keys[owner][0]
            if name in hung:
                continue
            try:
                spans = find_expression(expression, text)
            except BadInput as error:
                hung[name] = error
                self._hung[text] = hung
                continue
            for start, end in spans:
                places = places or self._places(text)
                touched = [n for n, place in enumerate(places) if place[0] < end and place[1] > start]
                if touched:
                    found.setdefault(owner, []).append((100.0, touched[0], touched[-1]))
        return found

    def _sounds(self, meant: Iterable[int]) -> list[Sound]:
        """The sounds of words of these meanings."""
        sounds_of = self._meanings.sounds
        return list(chain.from_iterable([sounds_of[number] for number in meant]))

    def _run_by_run(self, meant: Sequence[int]) -> Sequence[_Heard]:
        """Hear all phrases in words of these meanings. A run of them that was heard before is not matched again."""
        meanings = self._meanings
        codes = (self._runs.start, *chain.from_iterable(map(meanings.codes.__getitem__, meant)), self._runs.end)
        repeats = repeats_of(codes)
        sounds: Sequence[Sound] = ()
        heard: list[_Heard] = []
        for first, last in self._runs.cut(codes, repeats):
            again = tuple([count - repeats[first] for count in repeats[first : last + 1]]) if repeats else ()
            run = codes[first : last + 1], again
            known = self._of_run.get(run)
            begin = first and first - 1  # where the run begins in sounds, which have no code for the start
            if known is None:
                sounds = sounds or self._sounds(meant)
                around = inf if first else 0, inf if last <= len(sounds) else 0
                known = self._listen(sounds[begin:last], again[begin + 1 - first :], around, {})
                if len(self._of_run) >= self._remember:
                    self._of_run.clear()
                self._of_run[run] = known
            for name, part, score, start, stop in known:
                heard.append((name, part, score, begin + start, begin + stop))
        return heard

    def _listen(
        self,
        sounds: Sequence[Sound],
        repeats: Sequence[int],
        around: tuple[float, float],
        found: dict[int, list[Span]],
    ) -> Sequence[_Heard]:
        """Hear all phrases in sounds; ``found`` is what expressions found. For the others see :func:`align`."""
        self._index.find(sounds, repeats, around, found)
        return self._settle(len(sounds), found) if found else ()

    def _told(self, meant: Sequence[int], heard: Iterable[_Heard]) -> Mapping[str, tuple[Stretch, ...]]:
        """What was heard in words of these meanings, by phrase and in words."""
        if not heard:
            return _NOTHING
        words = [word for word, number in enumerate(meant) for _ in self._meanings.codes[number]]
        told: dict[str, list[Stretch]] = {}
        for name, part, score, first, last in heard:
            told.setdefault(name, []).append(Stretch(words[first], words[last], score, part))
        return {name: tuple(stretches) for name, stretches in told.items()}

    def _settle(self, length: int, found: Mapping[int, list[Span]]) -> Sequence[_Heard]:
        """Drop guarded and overlapping spans, best score first; the rest in order of place. ``length`` in sounds."""
        keys = self._keys
        guards = {keys[owner][0]: spans for owner, spans in found.items() if keys[owner][1] == "!"}
        heard: list[_Heard] = []
        for owner, spans in found.items():
            name, part = keys[owner]
            if part != "!":
                kept = apart(spans, guards.get(name, ()), length) if len(spans) > 1 or name in guards else spans
                heard.extend((name, part, *span) for span in kept)
        return sorted(heard, key=_place)

    def _places(self, text: str) -> list[tuple[int, int]]:
        """For each word of :meth:`_look_up` its span in the text."""
        counts = [len(self._meanings.sounds[self._meanings[word]]) for word in split_words(text)]
        return [place for place, count in zip(places_of_words(text), counts, strict=True) for _ in range(count)]

    def _hit(self, text: str, span: Span, part: str) -> Hit:
        score, first, last = span
        places = self._places(text)
        return Hit(places[first][0], places[last][1], score, part)


def _repeats(sounds: Iterable[Sound]) -> Sequence[int]:
    return repeats_of([code for _, _, code in sounds])


def _place(heard: _Heard) -> tuple[int, int, str, float]:
    _, part, score, first, last = heard
    return first, last, part, score


_NOTHING: Mapping[str, tuple[()]] = MappingProxyType({})


_NO_ERRORS: Mapping[str, BadInput] = MappingProxyType({})


class _Meanings(dict[str, int]):
    """What a word means to a book: the same number for words that may be the same words of it, as for all unknown ones.

    ``sounds`` are its sounds by number: none for a filler, several for a contraction; ``codes`` those of these.
    A word is compared with the book's when it is first asked for; no more than ``most`` are kept.
    """

    def __init__(self, learn: Callable[[str], tuple[Sound, ...]], *, most: int) -> None:
        super().__init__()
        self.sounds: list[tuple[Sound, ...]] = []
        self.codes: list[tuple[int, ...]] = []
        self._learn, self._most = learn, most
        self._numbers: dict[tuple[Sound, ...], int] = {}

    def __missing__(self, word: str) -> int:
        sounds = self._learn(word)
        number = self._numbers.setdefault(sounds, len(self.sounds))
        if number == len(self.sounds):
            self.sounds.append(sounds)
            self.codes.append(tuple(code for _, _, code in sounds))
        if len(self) >= self._most:
            self.clear()
        self[word] = number
        return number

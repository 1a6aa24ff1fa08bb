"""Named sets of wordings per language, and the matcher that hears them all in one pass.

A wording is words, with a little notation::

    good (morning|afternoon)      alternatives
    [sir|madam]                   optional
    welcome to {organisation}     a slot, filled by the settings; {number} is any number
    wait ..2 moment               a gap of up to two words (".." alone: three)
    ^ hey                         at the start of what is said;  "no $" at its end
    <apology>                     all wordings of another phrase

Words are compared once per vocabulary, not once per utterance: each distinct word is looked up
among the book's words (with tolerance for recognition errors), an index over the rarest words of
every wording names the few wordings an utterance can contain, and only those are aligned.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pytest_callqa import plain
from pytest_callqa.errors import BadBook, BadInput, did_you_mean

THRESHOLD = 80.0
"""Score from 0 to 100 that a wording needs, unless its phrase or language says otherwise."""

LIGHT = 0.4
"""What a light word (the, to, you …) weighs against a telling one."""

INSERTED = 0.35
"""What an extra word inside a wording costs, in telling words."""

MAX_INSERTED = 3
SIMILAR = 0.74
MAX_FORMS = 400
UNFILLED = 4
NUMBER = "#"

_CJK = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_TOKEN = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}])[^\W_])+(?:'(?:(?![{_CJK}])[^\W_])+)*")
_APOSTROPHES = str.maketrans("\u2019\u02bc\u2018\uff07`\u00b4", "''''''")


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a phrase was heard: character span in the text, score from 0 to 100, and which part."""

    start: int
    end: int
    score: float
    part: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A word (a single character in Chinese), folded for comparison, with its span in the text."""

    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Split text into folded words and Chinese characters; spans point into the text as given.

    Width, case, apostrophes and invisible characters are evened out first (NFKC, category Cf).
    """
    if text.isascii():
        return [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text.lower())]
    folded, origin = [], []
    for position, char in enumerate(text.translate(_APOSTROPHES)):
        if unicodedata.category(char) == "Cf":
            continue
        for piece in unicodedata.normalize("NFKC", char).casefold():
            folded.append(piece)
            origin.append(position)
    return [Token(m.group(), origin[m.start()], origin[m.end() - 1] + 1) for m in _TOKEN.finditer("".join(folded))]


# --- the notation -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Word:
    options: tuple[str, ...]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class _Gap:
    most: int
    least: int = 0


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str


_Element = _Word | _Gap | _Slot
_Form = tuple[_Element, ...]

_SYMBOL = re.compile(
    r"\s*(?:(?P<gap>\.\.(?P<most>\d+)?)|\{(?P<slot>[a-z_]+)\}|<(?P<ref>[a-z_0-9]+)>|(?P<sign>[()\[\]|^$])"
    r"|(?P<text>[^\s()\[\]|{}<>^$.]+|\.))"
)


@dataclass(frozen=True, slots=True)
class Wording:
    """One wording of a phrase, parsed: its plain forms, and whether it is tied to start or end."""

    text: str
    forms: tuple[_Form, ...]
    at_start: bool = False
    at_end: bool = False
    refers_to: str = ""


def parse_wording(text: str, fold: Mapping[str, Sequence[str]] | None = None) -> Wording:
    """Parse the notation; ``fold`` rewrites words (contractions) as the language does.

    Raises :class:`BadInput` with what is wrong and the nearest valid form.
    """
    body = text.strip()
    at_start, at_end = body.startswith("^"), body.endswith("$")
    body = body.removeprefix("^").removesuffix("$").strip()
    symbols: list[tuple[str, str]] = []
    position = 0
    while position < len(body):
        match = _SYMBOL.match(body, position)
        if match is None:
            raise BadInput(f"{body[position:].strip()[:20]!r} cannot be read in the wording {text!r}; {_notation()}")
        position = match.end()
        kind = match.lastgroup if match.lastgroup != "most" else "gap"
        symbols.append(("gap", match["most"] or "3") if match["gap"] else (str(kind), match[str(kind)]))
    if any(kind == "ref" for kind, _ in symbols):
        if len(symbols) != 1 or at_start or at_end:
            raise BadInput(f"<…> stands alone: {text!r} mixes it with words; write it as a wording of its own")
        return Wording(text, (), refers_to=symbols[0][1])
    reader = _Reader(text, symbols, fold or {})
    forms = reader.alternatives()
    if reader.at < len(symbols):
        raise BadInput(f"{symbols[reader.at][1]!r} closes nothing in {text!r}; {_notation()}")
    whole = tuple(form for form in forms if any(isinstance(e, _Word | _Slot) for e in form))
    if not whole:
        raise BadInput(f"the wording {text!r} holds no word that must be said; add one")
    return Wording(text, whole, at_start, at_end)


def _notation() -> str:
    return "use (a|b), [optional], {slot}, ..2, ^ first or $ last"


class _Reader:
    """Recursive descent over the symbols of one wording."""

    def __init__(self, text: str, symbols: list[tuple[str, str]], fold: Mapping[str, Sequence[str]]) -> None:
        self.text, self.symbols, self.fold, self.at = text, symbols, fold, 0

    def alternatives(self) -> list[_Form]:
        forms = self.sequence()
        while self.at < len(self.symbols) and self.symbols[self.at] == ("sign", "|"):
            self.at += 1
            forms = forms + self.sequence()
        return list(dict.fromkeys(forms))

    def sequence(self) -> list[_Form]:
        forms: list[_Form] = [()]
        while self.at < len(self.symbols):
            kind, value = self.symbols[self.at]
            if kind == "sign" and value in ")]|":
                break
            self.at += 1
            element = self.element(kind, value)
            forms = [form + more for form in forms for more in element]
            if len(forms) > MAX_FORMS:
                raise BadInput(f"{self.text!r} stands for more than {MAX_FORMS} sentences; split it into several wordings")
        return forms

    def element(self, kind: str, value: str) -> list[_Form]:
        if kind == "gap":
            return [(_Gap(int(value)),)]
        if kind == "slot":
            return [(_Slot(value),)]
        if kind == "text":
            words = [piece for token in tokens(value) for piece in self.fold.get(token.text, (token.text,))]
            return [tuple(_Word((word,)) for word in words)]
        if value in "^$":
            raise BadInput(f"{value!r} belongs at the {'start' if value == '^' else 'end'} of the wording {self.text!r}")
        close = ")" if value == "(" else "]"
        inner = self.alternatives()
        if self.at >= len(self.symbols) or self.symbols[self.at] != ("sign", close):
            raise BadInput(f"{value!r} is not closed in {self.text!r}; add {close!r}")
        self.at += 1
        longer: list[_Form] = []
        options: dict[str, None] = {}
        for form in inner:
            match form:
                case (_Word(words, False),):
                    options.update(dict.fromkeys(words))
                case _:
                    longer.append(form)
        if options and not longer:
            return [(_Word(tuple(options), optional=value == "["),)]
        if options:  # alternatives of one word are one element, so that groups do not multiply
            longer.insert(0, (_Word(tuple(options)),))
        return [*longer, ()] if value == "[" and () not in longer else longer


# --- the book -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Entry:
    """One phrase in one language, as written."""

    parts: Mapping[str, tuple[Wording, ...]]
    unless: tuple[Wording, ...]
    threshold: float


@dataclass(slots=True)
class _Language:
    """Everything the phrase files say about one language."""

    fillers: frozenset[str] = frozenset()
    light: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    backchannels: frozenset[str] = frozenset()
    fold: dict[str, tuple[str, ...]] = field(default_factory=dict)
    threshold: float = THRESHOLD
    entries: dict[str, _Entry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase by name; ``book`` knows its wordings in every language."""

    name: str
    book: PhraseBook = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.name.replace("_", " ")


class PhraseBook:
    """All phrases of a rule book: ``book.apology`` is the phrase *apology* in whatever language a call is in."""

    def __init__(self, languages: Mapping[str, _Language]) -> None:
        self._languages = dict(languages)
        self._names = frozenset(name for language in languages.values() for name in language.entries)
        self._matcher = lru_cache(maxsize=64)(self._build)

    @classmethod
    def load(cls, folder: Path | str) -> PhraseBook:
        """Read every ``*.yaml`` of a folder; files of one language are merged.

        Raises :class:`BadBook` with all faults at once, each with file and line.
        """
        files = sorted(Path(folder).glob("*.yaml"))
        if not files:
            raise BadBook([f"{folder}: no phrases; expected files such as en.yaml there"])
        return cls.parse({str(file): file.read_text(encoding="utf-8") for file in files})

    @classmethod
    def parse(cls, files: Mapping[str, str]) -> PhraseBook:
        """Like :meth:`load`, from texts by file name."""
        loader = _Loader()
        for file, text in files.items():
            loader.add(file, text)
        return cls(loader.finish())

    def __getattr__(self, name: str) -> Phrase:
        if name.startswith("_") or name not in self._names:
            raise AttributeError(f"no phrase is called {name!r}.{did_you_mean(name, self._names)}")
        return Phrase(name, self)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._names]

    @property
    def names(self) -> tuple[str, ...]:
        """Every phrase's name, sorted."""
        return tuple(sorted(self._names))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages the book has wordings in, as primary subtags (``en``)."""
        return tuple(sorted(self._languages))

    def wordings(self, name: str, language: str) -> tuple[str, ...]:
        """The wordings of a phrase in a language, as written; empty when it has none."""
        entry = self._languages[language].entries.get(name)
        return tuple(w.text for wordings in entry.parts.values() for w in wordings) if entry else ()

    def matcher(self, language: str, slots: Mapping[str, Sequence[str]] | None = None) -> Matcher:
        """The matcher for a language (``en-US`` means ``en``) with these slot values; kept for reuse.

        Raises :class:`KeyError` for a language without phrases.
        """
        filled = tuple(sorted((name, tuple(values)) for name, values in (slots or {}).items() if values))
        return self._matcher(language.replace("_", "-").partition("-")[0].lower(), filled)

    def _build(self, language: str, slots: tuple[tuple[str, tuple[str, ...]], ...]) -> Matcher:
        return Matcher(self._languages[language], dict(slots))


class _Loader:
    """Collects phrase files and every fault in them."""

    def __init__(self) -> None:
        self.languages: dict[str, _Language] = {}
        self.problems: list[str] = []
        self.pending: list[tuple[str, str, str, plain.Plain]] = []

    def add(self, file: str, text: str) -> None:
        try:
            document = plain.load(text)
        except BadInput as error:
            self.problems.append(str(error.at(file)))
            return
        if not isinstance(document, dict) or not isinstance(document.get("language"), str):
            self.problems.append(f"{file}, line 1: expected `language: en` and `phrases:` at the top")
            return
        code = str(document["language"]).lower()
        language = self.languages.setdefault(code, _Language())
        known = {"language", "fillers", "light", "numbers", "backchannels", "expand", "threshold", "phrases"}
        for key in document.keys() - known:
            self.problems.append(f"{self._at(file, key)}: unknown key {key!r}.{did_you_mean(key, known)}")
        for key in ("fillers", "light", "numbers", "backchannels"):
            words = {token.text for text in self._texts(file, document.get(key, [])) for token in tokens(text)}
            setattr(language, key, getattr(language, key) | words)
        expand = document.get("expand", {})
        for word, meant in expand.items() if isinstance(expand, dict) else ():
            language.fold[word.lower()] = tuple(str(meant).lower().split())
        if "threshold" in document:
            language.threshold = self._number(file, document["threshold"])
        phrases = document.get("phrases", {})
        if not isinstance(phrases, dict):
            self.problems.append(f"{file}: `phrases` must be a table of names")
            return
        for name, body in phrases.items():
            self.pending.append((file, code, name, body))

    def finish(self) -> dict[str, _Language]:
        """Parse the phrases once every file's language data is known."""
        for file, code, name, body in self.pending:
            language = self.languages[code]
            if name in language.entries:
                self.problems.append(f"{self._at(file, name)}: the phrase {str(name)!r} is already defined in {code!r}")
                continue
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                self.problems.append(f"{self._at(file, name)}: {str(name)!r} must be lower-case words joined by _")
                continue
            language.entries[str(name)] = self._entry(file, language, name, body)
        for language in self.languages.values():
            self._resolve(language)
        if self.problems:
            raise BadBook(self.problems)
        return self.languages

    def _entry(self, file: str, language: _Language, name: str, body: plain.Plain) -> _Entry:
        table: Mapping[str, plain.Plain] = body if isinstance(body, dict) else {"any": body}
        known = {"any", "parts", "unless", "threshold"}
        for key in table.keys() - known:
            self.problems.append(f"{self._at(file, key)}: unknown key {str(key)!r} in {name}.{did_you_mean(key, known)}")
        if ("any" in table) == ("parts" in table):
            self.problems.append(f"{self._at(file, name)}: {name} needs either `any` (wordings) or `parts`")
        parts = table.get("parts", {})
        if not isinstance(parts, dict):
            self.problems.append(f"{self._at(file, name)}: `parts` of {name} must be a table of part names")
            parts = {}
        groups = {str(part): self._wordings(file, language, texts) for part, texts in parts.items()}
        if "any" in table:
            groups[""] = self._wordings(file, language, table["any"])
        for part, wordings in groups.items():
            if not wordings:
                self.problems.append(f"{self._at(file, name)}: {name}{part and '.' + part} has no wording")
        threshold = self._number(file, table["threshold"]) if "threshold" in table else language.threshold
        return _Entry(groups, self._wordings(file, language, table.get("unless", [])), threshold)

    def _wordings(self, file: str, language: _Language, value: plain.Plain) -> tuple[Wording, ...]:
        found = []
        for text in self._texts(file, value):
            try:
                found.append(parse_wording(text, language.fold))
            except BadInput as error:
                self.problems.append(f"{self._at(file, text)}: {error.problem}")
        return tuple(found)

    def _resolve(self, language: _Language) -> None:
        """Replace ``<name>`` by the wordings it stands for; references do not nest."""
        plain_entries = dict(language.entries)

        def expand(name: str, wordings: tuple[Wording, ...]) -> Iterator[Wording]:
            for wording in wordings:
                if not wording.refers_to:
                    yield wording
                    continue
                target = plain_entries.get(wording.refers_to)
                if target is None:
                    hint = did_you_mean(wording.refers_to, plain_entries)
                    self.problems.append(f"phrase {name}: <{wording.refers_to}> names no phrase.{hint}")
                    continue
                inner = [w for group in target.parts.values() for w in group]
                if any(w.refers_to for w in inner):
                    self.problems.append(f"phrase {name}: <{wording.refers_to}> itself refers on; name the last one")
                yield from (w for w in inner if not w.refers_to)

        for name, entry in plain_entries.items():
            parts = {part: tuple(expand(name, wordings)) for part, wordings in entry.parts.items()}
            language.entries[name] = _Entry(parts, tuple(expand(name, entry.unless)), entry.threshold)

    def _texts(self, file: str, value: plain.Plain) -> list[str]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return [item for item in value if isinstance(item, str)]
        if isinstance(value, str):
            return [value] if value else []
        self.problems.append(f"{file}: expected a list of texts, got {type(value).__name__}")
        return []

    def _number(self, file: str, value: plain.Plain) -> float:
        try:
            number = float(value) if isinstance(value, str) else -1.0
        except ValueError:
            number = -1.0
        if not 0 < number <= 100:
            self.problems.append(f"{self._at(file, value)}: a threshold is a number above 0 and up to 100, not {value!r}")
            return THRESHOLD
        return number

    @staticmethod
    def _at(file: str, text: object) -> str:
        return f"{file}, line {text.line}" if isinstance(text, plain.Text) else file


# --- the matcher --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A form made ready: the words to find, what lies between them, and what it must reach."""

    owner: int
    options: tuple[int, ...]  # a bit mask of word numbers for each element
    weights: tuple[float, ...]
    gaps: tuple[tuple[int, int], ...]  # words allowed (least, most) before each element, and after the last
    required: float
    needed: float
    threshold: float
    at_start: bool
    at_end: bool
    elements: Mapping[int, tuple[int, ...]]  # word number -> the elements it may stand for


_Key = tuple[str, str]
"""A phrase and its part; the part is "" for a plain phrase and "!" for its guards."""


class Matcher:
    """Hears every phrase of one language in a text. Results are kept for texts heard again, up to a bound."""

    def __init__(self, language: _Language, slots: Mapping[str, Sequence[str]], *, remember: int = 20_000) -> None:
        self._language = language
        self._slots = {name: [[t.text for t in tokens(value)] for value in values] for name, values in slots.items()}
        self._keys: list[_Key] = []
        self._patterns: list[_Pattern] = []
        self._numbers: dict[str, int] = {}
        self._ours: dict[_Key, list[_Pattern]] = {}
        self._compile()
        self._index = self._signatures()
        self._long_words = [word for word in self._numbers if len(word) > 3 and word.isalpha()]
        self._similar: dict[str, tuple[tuple[int, float], ...]] = {}
        self._heard: dict[str, Mapping[str, tuple[Hit, ...]]] = {}
        self._remember = remember

    def parts(self, name: str) -> tuple[str, ...]:
        """The parts a phrase must have, in order; ``("",)`` for a phrase without parts, ``()`` if unknown here."""
        entry = self._language.entries.get(name)
        return tuple(entry.parts) if entry else ()

    def threshold(self, name: str) -> float:
        """The score the phrase needs."""
        return self._language.entries[name].threshold

    def hits(self, text: str) -> Mapping[str, tuple[Hit, ...]]:
        """Every phrase heard in the text, with its hits in order of position."""
        heard = self._heard.get(text)
        if heard is None:
            heard = self._listen(text)
            if len(self._heard) >= self._remember:
                self._heard.clear()
            self._heard[text] = heard
        return heard

    def nearest(self, text: str, name: str, part: str | None = None) -> Hit | None:
        """The best-scoring stretch for a phrase (or one part of it), whether or not it is enough."""
        words = self._words(text)
        numbered, present = self._look_up(words)
        best: Hit | None = None
        for key, patterns in self._ours.items():
            if key[0] != name or key[1] == "!" or (part is not None and key[1] != part):
                continue
            for pattern in patterns:
                if best is not None and 100 * _bound(pattern, present) / pattern.required <= best.score:
                    continue
                for score, first, last in _align(pattern, numbered, len(words)):
                    if best is None or score > best.score:
                        best = Hit(words[first].start, words[last].end, score, key[1])
        return best

    def is_backchannel(self, text: str) -> bool:
        """Whether the text is nothing but signs of listening ("mm-hm")."""
        return all(t.text in self._language.backchannels or t.text in self._language.fillers for t in tokens(text))

    def begins(self, text: str, name: str) -> Hit | None:
        """A hit when the text breaks off inside the phrase, at least half of which was said."""
        best = self.nearest(text, name)
        said_to_the_end = best is not None and not tokens(text[best.end :])
        return best if best and said_to_the_end and best.score >= 0.5 * self.threshold(name) else None

    # -- building

    def _compile(self) -> None:
        for name, entry in self._language.entries.items():
            for part, wordings in [*entry.parts.items(), ("!", entry.unless)]:
                owner = len(self._keys)
                self._keys.append((name, part))
                for wording in wordings:
                    for form in wording.forms:
                        for filled in self._fill(form):
                            pattern = self._pattern(owner, filled, entry.threshold, wording)
                            if pattern is not None:
                                self._patterns.append(pattern)
                                self._ours.setdefault((name, part), []).append(pattern)

    def _fill(self, form: _Form) -> Iterator[_Form]:
        """Put the slot values in; a slot without one stands for one to four words."""
        fillings: list[_Form] = [()]
        for element in form:
            if not isinstance(element, _Slot):
                more: list[_Form] = [(element,)]
            elif element.name == "number":
                more = [(_Word((NUMBER, *sorted(self._language.numbers))), _Gap(4))]
            else:
                values = self._slots.get(element.name)
                more = [tuple(_Word((w,)) for w in value) for value in values] if values else [(_Gap(UNFILLED, 1),)]
            fillings = [filling + extra for filling in fillings for extra in more]
        return iter(fillings)

    def _number(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers))

    def _pattern(self, owner: int, form: _Form, threshold: float, wording: Wording) -> _Pattern | None:
        options, weights, gaps = [], [], []
        least = most = 0
        elements: dict[int, list[int]] = {}
        for element in form:
            if isinstance(element, _Gap):
                least, most = least + element.least, most + element.most
            elif isinstance(element, _Word):
                words = [w for w in element.options if w not in self._language.fillers]
                if not words:
                    continue
                mask = 0
                for word in words:
                    number = self._number(word)
                    mask |= 1 << number
                    elements.setdefault(number, []).append(len(options))
                light = all(word in self._language.light for word in words)
                options.append(mask)
                weights.append(0.0 if element.optional else LIGHT if light else 1.0)
                gaps.append((least, most))
                least = most = 0
        required = sum(weights)
        if not required:
            return None
        return _Pattern(
            owner=owner,
            options=tuple(options),
            weights=tuple(weights),
            gaps=(*gaps, (least, most)),
            required=required,
            needed=required * threshold / 100 - 1e-9,
            threshold=threshold,
            at_start=wording.at_start,
            at_end=wording.at_end,
            elements={number: tuple(where) for number, where in elements.items()},
        )

    def _signatures(self) -> dict[int, tuple[_Pattern, ...]]:
        """For every word, the patterns that cannot be said without one of a few words, it among them."""
        often: dict[int, int] = {}
        for pattern in self._patterns:
            for number in pattern.elements:
                often[number] = often.get(number, 0) + 1
        index: dict[int, list[_Pattern]] = {}
        for pattern in self._patterns:
            rarest = sorted(
                range(len(pattern.options)),
                key=lambda e: sum(often[n] for n, where in pattern.elements.items() if e in where),  # noqa: B023
            )
            left = pattern.required
            signature: set[int] = set()
            for element in rarest:
                if left < pattern.needed:
                    break
                if pattern.weights[element]:
                    left -= pattern.weights[element]
                    signature.update(n for n, where in pattern.elements.items() if element in where)
            for number in signature:
                index.setdefault(number, []).append(pattern)
        return {number: tuple(patterns) for number, patterns in index.items()}

    # -- listening

    def _words(self, text: str) -> list[Token]:
        fillers, fold = self._language.fillers, self._language.fold
        words = []
        for token in tokens(text):
            if token.text in fillers:
                continue
            folded = fold.get(token.text)
            if folded is None:
                words.append(token)
            else:
                words.extend(Token(word, token.start, token.end) for word in folded)
        return words

    def _look_up(self, words: Sequence[Token]) -> tuple[list[tuple[tuple[int, float], ...]], int]:
        """For each word the book's words it may be, with similarity; and all of them as one bit mask."""
        numbered = []
        present = 0
        for word in words:
            similar = self._similar.get(word.text)
            if similar is None:
                if len(self._similar) >= 10 * self._remember:
                    self._similar.clear()
                similar = self._similar[word.text] = self._resemble(word.text)
            numbered.append(similar)
            for number, _ in similar:
                present |= 1 << number
        return numbered, present

    def _resemble(self, word: str) -> tuple[tuple[int, float], ...]:
        known = self._numbers.get(word)
        found = {} if known is None else {known: 1.0}
        if word.isdigit() and NUMBER in self._numbers:
            found[self._numbers[NUMBER]] = 1.0
        if known is None and len(word) > 3 and word.isalpha():
            from rapidfuzz import process
            from rapidfuzz.distance import OSA

            for like, score, _ in process.extract(
                word, self._long_words, scorer=OSA.normalized_similarity, score_cutoff=SIMILAR, limit=None
            ):
                found[self._numbers[like]] = score
        return tuple(found.items())

    def _listen(self, text: str) -> Mapping[str, tuple[Hit, ...]]:
        words = self._words(text)
        numbered, present = self._look_up(words)
        index = self._index
        candidates: dict[int, _Pattern] = {}
        for number in {n for similar in numbered for n, _ in similar}:
            for pattern in index.get(number, ()):
                candidates[id(pattern)] = pattern
        found: dict[int, list[tuple[float, int, int]]] = {}
        for pattern in candidates.values():
            if _bound(pattern, present) >= pattern.needed:
                spans = [span for span in _align(pattern, numbered, len(words)) if span[0] >= pattern.threshold - 1e-6]
                if spans:
                    found.setdefault(pattern.owner, []).extend(spans)
        if not found:
            return {}
        return self._settle(words, found)

    def _settle(
        self, words: Sequence[Token], found: Mapping[int, list[tuple[float, int, int]]]
    ) -> Mapping[str, tuple[Hit, ...]]:
        """Drop guarded and overlapping spans, best score first, and give the rest their place in the text."""
        guards: dict[str, list[tuple[float, int, int]]] = {}
        for owner, spans in found.items():
            name, part = self._keys[owner]
            if part == "!":
                guards[name] = spans
        heard: dict[str, list[Hit]] = {}
        for owner, spans in found.items():
            name, part = self._keys[owner]
            if part == "!":
                continue
            taken: list[tuple[int, int]] = []
            forbidden = [(first, last) for _, first, last in guards.get(name, ())]
            for score, first, last in sorted(spans, key=lambda s: (-s[0], s[1] - s[2], s[1])):
                if all(last < f or first > l for f, l in taken) and all(last < f or first > l for f, l in forbidden):
                    taken.append((first, last))
                    hit = Hit(words[first].start, words[last].end, score, part)
                    heard.setdefault(name, []).append(hit)
        return {name: tuple(sorted(hits, key=lambda h: (h.start, h.part))) for name, hits in heard.items()}


def _bound(pattern: _Pattern, present: int) -> float:
    """The most weight the words that are present could give."""
    return sum(weight for mask, weight in zip(pattern.options, pattern.weights, strict=True) if mask & present)


def _align(
    pattern: _Pattern, numbered: Sequence[tuple[tuple[int, float], ...]], length: int
) -> Iterable[tuple[float, int, int]]:
    """Chains of matching words in order, as (score, first word, last word), one for each last word.

    Missing words lose their weight, extra words beyond the gaps allowed cost ``INSERTED`` each;
    a missing word and an extra one in its place count as one error.
    """
    elements, weights, gaps = pattern.elements, pattern.weights, pattern.gaps
    last_element = len(weights) - 1
    points: list[tuple[int, int, float]] = []
    for position, similar in enumerate(numbered):
        for number, likeness in similar:
            for element in elements.get(number, ()):
                points.append((position, element, likeness))
    chains: list[tuple[float, int]] = []
    ends: dict[int, tuple[float, int, int]] = {}
    for at, (position, element, likeness) in enumerate(points):
        gain = weights[element] * likeness
        skipped = element
        opens = not pattern.at_start or position <= skipped
        least = gaps[0][0] if element == 0 else 0
        best, first = (gain, position) if opens and position >= least else (-1.0, position)
        for before in range(at - 1, -1, -1):
            earlier, earlier_element, _ = points[before]
            if earlier_element >= element or earlier >= position:
                continue
            inserted = position - earlier - 1
            most = least = 0
            for e in range(earlier_element + 1, element + 1):
                least += gaps[e][0]
                most += gaps[e][1]
            extra = inserted - most - (element - earlier_element - 1)
            if inserted < least or extra > MAX_INSERTED:
                continue
            score, start = chains[before]
            total = score + gain - (INSERTED * extra if extra > 0 else 0.0)
            if score >= 0 and (total > best or (total == best and start > first)):
                best, first = total, start
        chains.append((best, first))
        if best < 0:
            continue
        missing_after = last_element - element
        if pattern.at_end and length - 1 - position > missing_after + gaps[-1][1]:
            continue
        if element == last_element and length - 1 - position < gaps[-1][0]:
            continue
        score = max(0.0, 100 * best / pattern.required)
        if position not in ends or score > ends[position][0]:
            ends[position] = (min(score, 100.0), first, position)
    return ends.values()

r"""Named sets of wordings per language, and the matcher that hears them all in one pass.

A wording is words, with a little notation::

    good (morning|afternoon)      alternatives
    [sir|madam]                   optional
    welcome to {organisation}     a slot, filled by the settings; {number} is any number
    wait ..2 moment               a gap of up to two words (".." alone: three)
    ^ hey                         at the start of what is said;  "no $" at its end
    <apology>                     all wordings of another phrase
    hey that is impossible ~85    heard from a score of 85, whatever the phrase needs
    /case \d{6,8}/                a regular expression (needs the extra ``regex``), from word to word

Words are compared once per vocabulary, not once per utterance: each distinct word is looked up
among the book's words (with tolerance for recognition errors), an index over the rarest words of
every wording names the few wordings an utterance can contain, and only those are aligned.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from regex import Pattern

    from pytest_callqa.semantic import Senses

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
SOUNDS_LIKE = 0.85
"""How like a name is what only sounds like it ("harbor" for "Harper")."""

TIME_LIMIT = 0.5
"""Seconds after which a regular expression is broken off."""

NUMBER = "#"

_CJK = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_TOKEN = re.compile(rf"[{_CJK}]|(?:(?![{_CJK}])[^\W_])+(?:'(?:(?![{_CJK}])[^\W_])+)*")
_ASCII_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
_MARKS = "\u0300-\u036f\ufe00-\ufe0f"
_CLUSTER = re.compile(rf".[{_MARKS}]*", re.DOTALL)
_MARK = re.compile(rf"[{_MARKS}]")
_SENTENCE = re.compile(r"[^.?!。？！…]+")
_DRAWN_OUT = re.compile(r"(.)\1+")
_APOSTROPHES = str.maketrans("\u2019\u02bc\u2018\uff07`\u00b4", "''''''")
_SIGNS = str.maketrans("（）［］｛｝｜＜＞＾＄", "()[]{}|<>^$")
_ALIASES = {"cmn": "zh"}
_between_characters = re.compile(rf"(?<=[{_CJK}]) (?=[{_CJK}])")


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


class Token(msgspec.Struct, frozen=True, gc=False):
    """A word (a single character in Chinese), folded for comparison, with its span in the text."""

    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Split text into folded words and Chinese characters; spans point into the text as given.

    Width, case, apostrophes, accents and invisible characters are evened out first.
    """
    return [Token(word, *place) for word, place in zip(split_words(text), places_of_words(text), strict=True)]


def split_words(text: str) -> list[str]:
    """The folded words of a text (a single character in Chinese): the texts of :func:`tokens`, faster."""
    folded, _ = _fold(text)
    return _pieces_of(folded).findall(folded)


def places_of_words(text: str) -> list[tuple[int, int]]:
    """The span in the text of each word of :func:`split_words`."""
    folded, places = _fold(text)
    spans = [match.span() for match in _pieces_of(folded).finditer(folded)]
    return spans if places is None else [(places[start][0], places[end - 1][1]) for start, end in spans]


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """The span of each sentence of a text."""
    return (match.span() for match in _SENTENCE.finditer(text))


def _pieces_of(folded: str) -> re.Pattern[str]:
    return _ASCII_TOKEN if folded.isascii() else _TOKEN


@lru_cache(maxsize=8)  # a text is folded again for the places of what was heard
def _fold(text: str) -> tuple[str, list[tuple[int, int]] | None]:
    """Text evened out for comparison, and the span each of its characters comes from (None: its own place)."""
    if text.isascii():
        return text.translate(_APOSTROPHES).lower() if "`" in text else text.lower(), None
    even = text.translate(_EVENLY)
    if _UNEVEN not in even:
        return even, None
    text = text.translate(_APOSTROPHES)
    folded: list[str] = []
    places: list[tuple[int, int]] = []
    for match in _CLUSTER.finditer(text):
        even = _even(match.group())
        folded.append(even)
        places.extend([match.span()] * len(even))
    return "".join(folded), places


_UNEVEN = "\ufffe"


class _Evenly(dict[int, str]):
    """Each character folded; ``_UNEVEN`` for one that is not one character then, or changes with its neighbours."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        even = _even(sign)
        self[code] = even if len(even) == 1 and not _MARK.match(sign) else _UNEVEN
        return self[code]


@lru_cache(maxsize=8192)
def _even(cluster: str) -> str:
    """A character with its accents, composed and folded; nothing for an invisible one (category Cf)."""
    if unicodedata.category(cluster[0]) == "Cf":
        return ""
    return _MARK.sub("", unicodedata.normalize("NFKC", cluster)).casefold()


_EVENLY = _Evenly({code: chr(sign) for code, sign in _APOSTROPHES.items()})


def primary(language: str) -> str:
    """The primary subtag of a language (``en`` for en-US; ``zh`` for cmn-Hans-CN)."""
    subtag = language.replace("_", "-").partition("-")[0].lower()
    return _ALIASES.get(subtag, subtag)


_SOUNDS = str.maketrans("bfpvcgjkqsxzdtlmnraeiouyhw", "1111222222223345560000000.")


def sound_of(word: str) -> str:
    """What is left of a word when vowels go and consonants that recognisers mix up are one ("harper", "harbor").

    Words of other scripts are their own sound.
    """
    plain = word.replace("ph", "f").replace("ck", "k").replace("th", "t").replace("wr", "r").replace("kn", "n")
    if not plain.isascii():
        return word
    return ("v" if plain[:1] in "aeiou" else "") + re.sub(r"(\d)\1+", r"\1", plain.translate(_SOUNDS)).replace(
        "0", ""
    ).replace(".", "")


# --- the notation -------------------------------------------------------------------------


class _Word(msgspec.Struct, frozen=True, gc=False):
    options: tuple[str, ...]
    optional: bool = False


class _Gap(msgspec.Struct, frozen=True, gc=False):
    most: int
    least: int = 0


class _Slot(msgspec.Struct, frozen=True, gc=False):
    name: str


_Element = _Word | _Gap | _Slot
_Form = tuple[_Element, ...]
_Filled = tuple[_Word | _Gap, ...]

_SYMBOL = re.compile(
    r"\s*(?:(?P<gap>\.\.(?P<most>\d+)?)|\{(?P<slot>[a-z_]+)\}|<(?P<ref>[a-z_0-9]+)>|(?P<sign>[()\[\]|^$])"
    r"|(?P<text>[^\s()\[\]|{}<>^$.]+|\.))"
)


class Wording(msgspec.Struct, frozen=True, gc=False):
    """One wording of a phrase, parsed: its plain forms, whether it is tied to start or end, and its file and line."""

    text: str
    forms: tuple[_Form, ...]
    at_start: bool = False
    at_end: bool = False
    refers_to: str = ""
    place: str = ""
    threshold: float = 0.0
    """The score it needs: from ``~``, or for a guard that came with a reference from there (0: as the phrase does)."""
    expression: str = ""


def parse_wording(text: str, fold: Mapping[str, Sequence[str]] | None = None) -> Wording:
    """Parse the notation; ``fold`` rewrites words (contractions) as the language does.

    Raises :class:`BadInput` with what is wrong and the nearest valid form.
    """
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        compile_expression(text[1:-1])
        return Wording(text, (), expression=text[1:-1])
    body, needs = _own_threshold(text, text.translate(_SIGNS).strip())
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
    whole = tuple(form for form in forms if any(_required(form)))
    if not whole:
        raise BadInput(f"the wording {text!r} holds no word that must be said; add one")
    return Wording(text, whole, at_start, at_end, threshold=needs)


@lru_cache(maxsize=1024)
def compile_expression(expression: str) -> Pattern[str]:
    """A regular expression, case and Unicode's word boundaries minded; :class:`BadInput` when it is none."""
    try:
        import regex
    except ImportError:
        raise BadInput(
            f"/{expression}/ needs the package regex; run `pip install pytest-callqa[regex]`, or write words"
        ) from None
    try:
        return regex.compile(expression, regex.V1 | regex.IGNORECASE | regex.WORD)
    except regex.error as error:
        raise BadInput(
            f"/{expression}/ is no regular expression: {error}; put \\ before a sign that stands for itself"
        ) from None


def find_expression(expression: str, text: str) -> list[tuple[int, int]]:
    """The character spans it finds. Raises :class:`BadInput` when that takes longer than :data:`TIME_LIMIT`."""
    try:
        return [match.span() for match in compile_expression(expression).finditer(text, timeout=TIME_LIMIT)]
    except TimeoutError:
        raise BadInput(
            f"/{expression}/ was broken off after {TIME_LIMIT} s on {len(text)} characters; "
            "make it simpler, such as without repeats inside repeats"
        ) from None


def _own_threshold(text: str, body: str) -> tuple[str, float]:
    """What stands before ``~85``, and the score; 0 without one."""
    body, sign, score = body.rpartition("~") if "~" in body else (body, "", "0")
    number = float(score) if re.fullmatch(r"\s*\d{1,3}(\.\d+)?\s*", score) else -1.0
    if not (0 < number <= 100 or not sign):
        raise BadInput(f"'~{score}' in {text!r} is no score; write ~ and a number up to 100 at the end, such as ~85")
    return body.strip(), number


def _required(form: _Form) -> Iterator[str]:
    """The words of which some must be said; a slot is one such word."""
    for element in form:
        if isinstance(element, _Slot):
            yield f"{{{element.name}}}"
        elif isinstance(element, _Word) and not element.optional:
            yield from element.options


def _notation() -> str:
    return "use (a|b), [optional], {slot}, ..2, ^ first, $ last or ~85"


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
                raise BadInput(
                    f"{self.text!r} stands for more than {MAX_FORMS} sentences; split it into several wordings"
                )
        return forms

    def element(self, kind: str, value: str) -> list[_Form]:
        if kind == "gap":
            return [(_Gap(int(value)),)]
        if kind == "slot":
            return [(_Slot(value),)]
        if kind == "text":
            spoken = [piece for word in split_words(value) for piece in self.fold.get(word, (word,))]
            return [tuple(_Word((word,)) for word in spoken)]
        if value in "^$":
            where = "start" if value == "^" else "end"
            raise BadInput(f"{value!r} belongs at the {where} of the wording {self.text!r}")
        close = ")" if value == "(" else "]"
        inner = self.alternatives()
        if self.at >= len(self.symbols) or self.symbols[self.at] != ("sign", close):
            raise BadInput(f"{value!r} is not closed in {self.text!r}; add {close!r}")
        self.at += 1
        forms = _either(inner)
        if value == "(":
            return forms
        if len(forms) == 1 and len(forms[0]) == 1 and isinstance(forms[0][0], _Word):
            return [(_Word(forms[0][0].options, optional=True),)]
        return [*forms, ()] if () not in forms else forms


def _either(forms: list[_Form]) -> list[_Form]:
    """The forms, those of one word as one element, so that groups do not multiply."""
    single = [form[0] for form in forms if len(form) == 1 and isinstance(form[0], _Word) and not form[0].optional]
    longer = [form for form in forms if not (len(form) == 1 and form[0] in single)]
    options = tuple(dict.fromkeys(word for element in single for word in element.options))
    return [(_Word(options),), *longer] if options else longer


# --- the notation, spoken -----------------------------------------------------------------


def _sentences(wordings: Iterable[Wording], slots: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The plainest sentence of each wording that can be said."""
    said = (_sentence(wording.forms[0], slots) for wording in wordings if wording.forms)
    return tuple(dict.fromkeys(sentence for sentence in said if sentence))


def _sentence(form: _Form, slots: Mapping[str, Sequence[str]]) -> str:
    """A form as it may be said; nothing if one of its slots has no value."""
    words: list[str] = []
    for element in form:
        if isinstance(element, _Slot):
            value = next(iter(slots.get(element.name, ["5"] if element.name == "number" else [])), "")
            if not value:
                return ""
            words.append(value)
        elif isinstance(element, _Word) and not element.optional:
            words.append(element.options[0])
    return _between_characters.sub("", " ".join(words))


# --- the book -----------------------------------------------------------------------------


class _Entry(msgspec.Struct, frozen=True, gc=False):
    """One phrase in one language, as written; ``meaning`` is the likeness from which it is heard in other words."""

    parts: Mapping[str, tuple[Wording, ...]]
    unless: tuple[Wording, ...]
    threshold: float
    meaning: float = 0.0
    near: tuple[str, ...] = ()


class _Language(msgspec.Struct):
    """Everything the phrase files say about one language; ``semantic`` is the folder of its embedding model."""

    fillers: frozenset[str] = frozenset()
    light: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    backchannels: frozenset[str] = frozenset()
    forbidden: set[str] = msgspec.field(default_factory=set)
    fold: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    threshold: float = THRESHOLD
    semantic: str = ""
    entries: dict[str, _Entry] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Phrase:
    """A phrase by name; ``book`` knows its wordings in every language."""

    name: str
    book: PhraseBook = field(repr=False)

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
        phrase = self.__dict__[name] = Phrase(name, self)  # found without this method from now on
        return phrase

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

    def speaks(self, language: str) -> bool:
        """Whether it has phrases in a language (``en-US`` means ``en``)."""
        return primary(language) in self._languages

    def wordings(self, name: str, language: str) -> tuple[str, ...]:
        """The wordings of a phrase in a language, as written; empty when it has none."""
        entry = self._languages[primary(language)].entries.get(name)
        return tuple(str(w.text) for wordings in entry.parts.values() for w in wordings) if entry else ()

    def written(self, name: str, language: str) -> Mapping[tuple[str, str], tuple[str, int]]:
        """File and line of every wording of a phrase, by its part (``!`` for a guard) and its text; of none: empty.

        Those of phrases that it refers to are among them.
        """
        entry = self._languages[primary(language)].entries.get(name)
        groups = {**entry.parts, "!": entry.unless} if entry else {}
        places = {(str(part), str(w.text)): w.place.split("\n") for part, wordings in groups.items() for w in wordings}
        return {key: (file, int(line)) for key, (file, line) in places.items()}

    def sentences(
        self, name: str, language: str, slots: Mapping[str, Sequence[str]] | None = None
    ) -> Mapping[str, tuple[str, ...]]:
        """What somebody may say for each part of a phrase ("" for one without parts), the code's own wording first.

        One sentence a wording: the first of its alternatives, what is optional left out, slots filled with their
        first value. Left out are regular expressions, and wordings with a slot that has none.
        """
        entry = self._languages[primary(language)].entries.get(name)
        parts = entry.parts if entry else {}
        return {part: _sentences(wordings, slots or {}) for part, wordings in parts.items()}

    def near_misses(
        self, name: str, language: str, slots: Mapping[str, Sequence[str]] | None = None
    ) -> tuple[str, ...]:
        """What comes close to a phrase and must not be heard as it: its ``near`` texts, and its guards as sentences."""
        entry = self._languages[primary(language)].entries.get(name)
        return (*entry.near, *_sentences(entry.unless, slots or {})) if entry else ()

    def matcher(self, language: str, slots: Mapping[str, Sequence[str]] | None = None) -> Matcher:
        """The matcher for a language (``en-US`` means ``en``) with these slot values; kept for reuse.

        Raises :class:`KeyError` for a language without phrases.
        """
        filled = tuple(sorted((name, tuple(values)) for name, values in (slots or {}).items() if values))
        return self._matcher(primary(language), filled)

    def only(self, name: str, language: str, *, threshold: float, more: Sequence[str] = ()) -> PhraseBook:
        """A book of this one phrase in one language, with another threshold and more wordings: for tuning."""
        spoken = self._languages[primary(language)]
        entry = spoken.entries[name]
        extra = tuple(parse_wording(text, spoken.fold) for text in more)
        parts = {part: (*wordings, *extra) for part, wordings in entry.parts.items()}
        alone = replace(spoken, entries={name: replace(entry, parts=parts, threshold=threshold)})
        return PhraseBook({primary(language): alone})

    def _build(self, language: str, slots: tuple[tuple[str, tuple[str, ...]], ...]) -> Matcher:
        return Matcher(self._languages[language], dict(slots))


class _Loader:
    """Collects phrase files and every fault in them."""

    def __init__(self) -> None:
        self.languages: dict[str, _Language] = {}
        self.faults: list[tuple[str, int, str]] = []
        self.pending: list[tuple[str, str, str, plain.Plain]] = []
        self.forbidden: list[tuple[str, str, str]] = []

    def add(self, file: str, text: str) -> None:
        try:
            document = plain.load(text)
        except BadInput as error:
            line = int(error.place.removeprefix("line ") or 1)
            self.faults.append((file, line, error.problem))
            return
        if not isinstance(document, dict) or not isinstance(document.get("language"), str):
            self.faults.append((file, 1, "expected `language: en` and `phrases:` at the top"))
            return
        code = primary(str(document["language"]))
        language = self.languages.setdefault(code, _Language())
        self._unknown(
            file, document, ("language", *_WORD_LISTS, "forbidden", "expand", "threshold", "semantic", "phrases")
        )
        for key in _WORD_LISTS:
            words = {word for text in self._texts(file, document, key) for word in split_words(text)}
            setattr(language, key, getattr(language, key) | words)
        for text in self._texts(file, document, "fillers"):
            if isinstance(document["fillers"], list) and len(words := {token.text for token in tokens(text)}) > 1:
                one_by_one = ", ".join(sorted(words))
                self._fault(file, text, f"a filler is one word, not {str(text)!r}; write {one_by_one} if each is one")
        for name in self._texts(file, document, "forbidden"):
            language.forbidden.add(str(name))
            self.forbidden.append((file, code, name))
        self._expand(file, language, document.get("expand") or {})
        if "threshold" in document:
            language.threshold = self._number(file, document["threshold"])
        if isinstance(model := document.get("semantic"), str) and model:
            language.semantic = str(Path(file).parent / model)
        phrases = document.get("phrases") or {}
        if not isinstance(phrases, dict):
            self._fault(file, phrases, "`phrases` must be a table of names")
            return
        for name, body in phrases.items():
            self.pending.append((file, code, name, body))

    def _expand(self, file: str, language: _Language, table: plain.Plain) -> None:
        if not isinstance(table, dict):
            self._fault(file, table, "`expand` must be a table of words, such as `don't: do not`")
            return
        for word, meant in table.items():
            short = [token.text for token in tokens(word)]
            full = tuple(token.text for token in tokens(meant)) if isinstance(meant, str) else ()
            if len(short) == 1 and full:
                language.fold[short[0]] = full
            else:
                self._fault(file, word, f"{str(word)!r} must be one word and stand for words, such as `don't: do not`")

    def finish(self) -> dict[str, _Language]:
        """Parse the phrases once every file's language data is known."""
        for language in self.languages.values():
            spoken = {word: full for word, full in language.fold.items() if word not in language.fillers}
            language.fold = {word: tuple(w for w in f if w not in language.fillers) for word, f in spoken.items()}
        for file, code, name, body in self.pending:
            language = self.languages[code]
            if name in language.entries:
                self._fault(file, name, f"the phrase {str(name)!r} is already defined in {code!r}")
            elif not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                self._fault(file, name, f"{str(name)!r} must be lower-case words joined by _")
            elif hasattr(PhraseBook, name):
                self._fault(file, name, f"{str(name)!r} is a word of phrase books themselves; take another name")
            else:
                language.entries[str(name)] = self._entry(file, language, name, body)
        for file, code, name in self.forbidden:
            entries = self.languages[code].entries
            if name not in entries:
                self._fault(file, name, f"`forbidden` names no phrase {str(name)!r}.{did_you_mean(name, entries)}")
            elif entries[name].meaning:
                self._fault(file, name, f"{name} is forbidden, and likeness convicts nobody; remove its `meaning`")
        for language in self.languages.values():
            self._resolve(language)
        if self.faults:
            raise BadBook(f"{file}, line {line}: {problem}" for file, line, problem in sorted(self.faults))
        return self.languages

    def _entry(self, file: str, language: _Language, name: str, body: plain.Plain) -> _Entry:
        table: Mapping[str, plain.Plain] = (
            body if isinstance(body, dict) else {plain.Text("any", plain.line_of(name)): body}
        )
        self._unknown(file, table, ("any", "parts", "unless", "near", "threshold", "meaning"))
        if ("any" in table) == ("parts" in table):
            self._fault(file, name, f"{name} needs either `any` (wordings) or `parts`")
        parts = table.get("parts", {})
        if not isinstance(parts, dict):
            self._fault(file, name, f"`parts` of {name} must be a table of part names")
            parts = {}
        sets: dict[str, tuple[Mapping[str, plain.Plain], str]] = {str(part): (parts, part) for part in parts}
        if "any" in table:
            sets[""] = (table, "any")
        groups: dict[str, tuple[Wording, ...]] = {}
        for part, (inside, key) in sets.items():
            faults = len(self.faults)
            groups[part] = self._wordings(file, language, inside, key)
            if not groups[part] and len(self.faults) == faults:
                self._fault(file, name, f"{name}{part and '.' + part} has no wording")
        threshold = self._number(file, table["threshold"]) if "threshold" in table else language.threshold
        meaning = self._number(file, table["meaning"]) if "meaning" in table else 0.0
        if meaning and "any" not in table:
            self._fault(file, table["meaning"], f"{name} is heard in parts, which have no meaning; remove `meaning`")
        near = tuple(str(text) for text in self._texts(file, table, "near"))
        return _Entry(groups, self._wordings(file, language, table, "unless"), threshold, meaning, near)

    def _wordings(
        self, file: str, language: _Language, table: Mapping[str, plain.Plain], key: str
    ) -> tuple[Wording, ...]:
        found = []
        for text in self._texts(file, table, key):
            try:
                wording = parse_wording(text, language.fold)
            except BadInput as error:
                self._fault(file, text, error.problem)
                continue
            if any(language.fillers.issuperset(_required(form)) for form in wording.forms):
                self._fault(file, text, f"the wording {str(text)!r} is nothing but fillers, which are not heard")
            found.append(replace(wording, place=f"{file}\n{plain.line_of(text)}"))
        return tuple(found)

    def _resolve(self, language: _Language) -> None:
        """Replace ``<name>`` by the wordings it stands for, with their guards."""
        entries = dict(language.entries)

        def expand(wordings: tuple[Wording, ...], guards: list[Wording], within: tuple[str, ...]) -> Iterator[Wording]:
            for wording in wordings:
                if not wording.refers_to:
                    yield wording
                    continue
                file, line = wording.place.split("\n")
                target = entries.get(wording.refers_to)
                if target is None:
                    hint = did_you_mean(wording.refers_to, entries)
                    self.faults.append((file, int(line), f"<{wording.refers_to}> names no phrase.{hint}"))
                elif wording.refers_to in within:
                    circle = " -> ".join((*within, wording.refers_to))
                    self.faults.append((file, int(line), f"phrases refer to each other in a circle: {circle}"))
                else:
                    inner = tuple(w for group in target.parts.values() for w in group)
                    deeper = (*within, wording.refers_to)
                    own = target.threshold
                    guards.extend(replace(w, threshold=w.threshold or own) for w in expand(target.unless, [], deeper))
                    yield from expand(inner, guards, deeper)

        for name, entry in entries.items():
            guards: list[Wording] = []
            parts = {part: tuple(expand(wordings, guards, (name,))) for part, wordings in entry.parts.items()}
            unless = (*expand(entry.unless, [], (name,)), *guards)
            language.entries[name] = replace(entry, parts=parts, unless=unless)

    def _texts(self, file: str, table: Mapping[str, plain.Plain], key: str) -> list[str]:
        value = table.get(key, [])
        if isinstance(value, str):
            return [value] if value else []
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return [item for item in value if isinstance(item, str)]
        where = next(name for name in table if name == key)
        self._fault(file, where, f"`{key}` must be a list of texts; put quotes around a text with a colon")
        return []

    def _number(self, file: str, value: plain.Plain) -> float:
        try:
            number = float(value) if isinstance(value, str) else -1.0
        except ValueError:
            number = -1.0
        if not 0 < number <= 100:
            given = repr(str(value)) if isinstance(value, str) else "a list or table"
            self._fault(file, value, f"a threshold is a number above 0 and up to 100, not {given}")
            return THRESHOLD
        return number

    def _unknown(self, file: str, table: Mapping[str, plain.Plain], known: Sequence[str]) -> None:
        for key in table:
            if key not in known:
                hint = did_you_mean(key, known) or f" Use {', '.join(known)}."
                self._fault(file, key, f"unknown key {str(key)!r}.{hint}")

    def _fault(self, file: str, at: plain.Plain, problem: str) -> None:
        self.faults.append((file, plain.line_of(at), problem))


_WORD_LISTS = ("fillers", "light", "numbers", "backchannels")


# --- the matcher --------------------------------------------------------------------------


_Span = tuple[float, int, int]
"""Score from 0 to 100, first and last word."""

_Key = tuple[str, str]
"""A phrase and its part; the part is "" for a plain phrase and "!" for its guards."""

_Similar = tuple[tuple[int, float], ...]
"""The numbers of the book's words that a word may be, with their likeness."""

_Sound = tuple[_Similar, int, int, int]
"""What a word may be, the same as a bit mask, the patterns it speaks for (see :class:`_Index`), and its number.

Words that may be the same words of the book have the same number, as have all that can be none.
"""


_Heard = tuple[str, str, float, int, int]
"""A phrase, its part, the score, first and last sound."""

_Point = tuple[int, int, float]
"""Position of a word in the text, number of a word of the book that it may be, and their likeness."""


class _Pattern(msgspec.Struct, frozen=True, gc=False):
    """A form made ready: the words to find, what lies between them, and what it must reach.

    ``elements`` gives, for a word number, the elements it may stand for; ``worth`` the bit mask of the
    words of each element that weighs something, with its weight. The others are by element: ``weights``,
    ``before`` (words allowed from the start of the form up to it, at least and at most) and ``rest`` (the
    weight that follows it); ``widest`` is the longest stretch between two elements.
    """

    owner: int
    form: _Filled
    worth: tuple[tuple[int, float], ...]
    elements: Mapping[int, tuple[int, ...]]
    weights: tuple[float, ...]
    before: tuple[tuple[int, int], ...]
    after: tuple[int, int]
    rest: tuple[float, ...]
    widest: int
    required: float
    needed: float
    at_start: bool
    at_end: bool


class Matcher:
    """Hears every phrase of one language in a text. Results are kept for texts heard again, up to a bound.

    ``audible`` holds the phrases that can be heard, each with the parts it must have.
    """

    def __init__(self, language: _Language, slots: Mapping[str, Sequence[str]], *, remember: int = 20_000) -> None:
        self._language = language
        self._slots = {name: [self._split(value) for value in values] for name, values in slots.items()}
        self._parts = {name: tuple(entry.parts) for name, entry in language.entries.items()}
        self._keys: list[_Key] = []
        self._patterns: list[_Pattern] = []
        self._of_phrase: dict[str, list[_Pattern]] = {}
        self._lacking: dict[str, str] = {}
        self._expressions: list[tuple[int, str]] = []
        self._hung: dict[str, dict[str, BadInput]] = {}
        self._numbers: dict[str, int] = {}
        self._names_by_sound: dict[str, list[str]] = {}
        for word in {word for values in self._slots.values() for value in values for word in value}:
            if len(word) > 3 and word.isalpha() and word not in language.light:
                self._names_by_sound.setdefault(sound_of(word), []).append(word)
        self._compile()
        self.audible = {name: parts for name, parts in self._parts.items() if parts and name not in self._lacking}
        self._index = _Index(self._patterns)
        self._long_words = [w for w in self._numbers if len(w) > 3 and w.isalpha() and w not in language.numbers]
        self._drawn_out = {
            _DRAWN_OUT.sub(r"\1", word): word for word in sorted([*self._language.fold, *self._numbers], key=len)
        }
        self._alike: dict[_Similar, int] = {}
        self._meanings = _Meanings(self._sounds_of, most=5 * remember)
        self._known: dict[tuple[int, ...], Mapping[str, tuple[Stretch, ...]]] = {}
        self._texts: dict[str, Mapping[str, tuple[Stretch, ...]]] = {}
        self._remember = remember
        self.is_backchannel = lru_cache(maxsize=remember)(self._is_backchannel)
        meant = {name: entry for name, entry in language.entries.items() if language.semantic and entry.meaning}
        self._senses = self._load_senses(meant) if meant else None

    def _load_senses(self, meant: Mapping[str, _Entry]) -> Senses:
        from pytest_callqa.semantic import Senses

        examples = {
            name: (entry.meaning, self._sentences(entry.parts[""]), self._sentences(entry.unless))
            for name, entry in meant.items()
        }
        return Senses(self._language.semantic, examples)

    def _sentences(self, wordings: Iterable[Wording]) -> list[str]:
        """What wordings mean in plain words: each form with its first alternatives."""
        forms = (form for wording in wordings for form in wording.forms)
        said = ([each.options[0] for each in form if isinstance(each, _Word)] for form in forms)
        return list(dict.fromkeys((" " if words[0].isascii() else "").join(words) for words in said if words))

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

        Texts whose words mean the same to the book ("it is 4", "it is 7") are matched once.
        """
        heard = self._texts.get(text)
        if heard is None:
            heard = self._heard(text)
            if self._senses is not None:
                heard = {**self._meant(text, self._senses), **heard}
            if len(self._texts) >= self._remember:
                self._texts.clear()
            self._texts[text] = heard
        return heard

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

    def _heard(self, text: str) -> Mapping[str, tuple[Stretch, ...]]:
        """What is heard by words alone."""
        meant = tuple(map(self._meanings.__getitem__, split_words(text)))
        if self._expressions:
            found = self._express(text)
            if found:
                return self._listen(meant, found)
        heard = self._known.get(meant)
        if heard is None:
            heard = self._listen(meant, {})
            if len(self._known) >= self._remember:
                self._known.clear()
            self._known[meant] = heard
        return heard

    def nearest(self, text: str, name: str, *, above: float = 0.0) -> Hit | None:
        """The best-scoring stretch for a phrase, enough or not; None if none scores more than ``above``."""
        sounds = self._look_up(text)
        points, present, repeats = _points(sounds), _present(sounds), _repeats(sounds)
        best: tuple[_Span, str] | None = None
        for pattern in self._of_phrase.get(name, ()):
            if 100 * _bound(pattern, present) / pattern.required > above:
                for span in _align(pattern, points, len(sounds), 0.0, repeats):
                    if span[0] > above:
                        above, best = span[0], (span, self._keys[pattern.owner][1])
        return self._hit(text, *best) if best else None

    def _is_backchannel(self, text: str) -> bool:
        """Whether the text is nothing but signs of listening ("mm-hm")."""
        folded, _ = _fold(text)
        words = _pieces_of(folded).finditer(folded)  # stops at the first word that is none
        return all(word[0] in self._language.backchannels or word[0] in self._language.fillers for word in words)

    def begins(self, text: str, name: str) -> Hit | None:
        """A hit when the text ends inside the phrase (or its first part), at least half of which was said.

        Never of a forbidden phrase: what was not said in full was not said.
        """
        if name in self._language.forbidden:
            return None
        sounds = self._look_up(text)
        points, present, repeats = _points(sounds), _present(sounds), _repeats(sounds)
        threshold = self.threshold(name)
        best: tuple[_Span, str] | None = None
        for pattern in self._of_phrase.get(name, ()):
            part = self._keys[pattern.owner][1]
            if part != self.parts(name)[0] or _bound(pattern, present) < pattern.needed / 2:
                continue
            for cut in self._beginnings(pattern, threshold):
                for score, first, last in _align(cut, points, len(sounds), cut.needed, repeats):
                    said = score * cut.required / pattern.required
                    if best is None or said > best[0][0]:
                        best = (said, first, last), part
        return self._hit(text, *best) if best else None

    # -- building

    def _split(self, text: str) -> list[str]:
        fold = self._language.fold
        return [piece for word in split_words(text) for piece in fold.get(word, (word,))]

    def _compile(self) -> None:
        known: set[object] = set()
        for name, entry in self._language.entries.items():
            for part, wordings in [*entry.parts.items(), ("!", entry.unless)]:
                owner = len(self._keys)
                self._keys.append((name, part))
                lacking, before = "", len(self._patterns)
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
                                lacking = next((e.name for e in form if isinstance(e, _Slot)), "")
                                continue
                            same = (owner, pattern.form, pattern.at_start, pattern.at_end)
                            if same not in known:
                                known.add(same)
                                self._patterns.append(pattern)
                                if part != "!":
                                    self._of_phrase.setdefault(name, []).append(pattern)
                if lacking and len(self._patterns) == before and part != "!":
                    self._lacking[name] = lacking

    def _fill(self, form: _Form) -> list[_Filled]:
        """Put the slot values in; a slot without one stands for one to four words."""
        fillings: list[_Filled] = [()]
        for element in form:
            if not isinstance(element, _Slot):
                more: list[_Filled] = [(element,)]
            elif element.name == "number":
                more = [(_Word((NUMBER, *sorted(self._language.numbers))), _Gap(4))]
            else:
                values = self._slots.get(element.name)
                more = [tuple(_Word((w,)) for w in value) for value in values] if values else [(_Gap(UNFILLED, 1),)]
            fillings = [filling + extra for filling in fillings for extra in more]
        return fillings

    def _number(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers))

    def _pattern(self, owner: int, form: _Filled, threshold: float, *, at_start: bool, at_end: bool) -> _Pattern | None:
        options: list[int] = []
        weights: list[float] = []
        before: list[tuple[int, int]] = []
        elements: dict[int, list[int]] = {}
        least = most = 0
        for element in form:
            if isinstance(element, _Gap):
                least, most = least + element.least, most + element.most
                continue
            words = [w for w in element.options if w not in self._language.fillers]
            if not words:
                continue
            mask = 0
            for word in words:
                number = self._number(word)
                mask |= 1 << number
                elements.setdefault(number, []).append(len(options))
            light = self._language.light.issuperset(words)
            options.append(mask)
            weights.append(0.0 if element.optional else LIGHT if light else 1.0)
            before.append((least, most))
        required = sum(weights)
        if not required:
            return None
        return _Pattern(
            owner=owner,
            form=form,
            worth=tuple((mask, weight) for mask, weight in zip(options, weights, strict=True) if weight),
            elements={number: tuple(where) for number, where in elements.items()},
            weights=tuple(weights),
            before=tuple(before),
            after=(least - before[-1][0], most - before[-1][1]),
            rest=tuple(sum(weights[n + 1 :]) for n in range(len(weights))),
            widest=MAX_INSERTED + before[-1][1] + len(weights),
            required=required,
            needed=required * threshold / 100 - 1e-6,
            at_start=at_start,
            at_end=at_end,
        )

    def _beginnings(self, pattern: _Pattern, threshold: float) -> Iterator[_Pattern]:
        """The pattern broken off after each of its words, as long as half of it is left."""
        for length in range(1, len(pattern.form)):
            start = pattern.form[:length]
            cut = self._pattern(pattern.owner, start, threshold, at_start=pattern.at_start, at_end=True)
            if cut is not None and pattern.required / 2 <= cut.required < pattern.required:
                yield cut

    # -- listening

    def _look_up(self, text: str) -> list[_Sound]:
        """What each word of the text may be; fillers are left out, contractions stand for their words."""
        return list(chain.from_iterable(self._meanings.sounds[self._meanings[word]] for word in split_words(text)))

    def _sounds_of(self, word: str) -> tuple[_Sound, ...]:
        """Compare a word with the book's, once for all texts."""
        return () if word in self._language.fillers else tuple(map(self._sound, self._pieces(word)))

    def _pieces(self, word: str) -> Sequence[str]:
        """The words meant by a word: a contraction's, those run together ("higood"), one drawn out ("byeee")."""
        fold = self._language.fold
        if word in fold:
            return fold[word]
        if word in self._numbers or len(word) < 3 or not (word.isalpha() and word.isascii()) or self._resemble(word):
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

    def _sound(self, word: str) -> _Sound:
        similar = self._resemble(word)
        present = speaks_for = 0
        for number, _ in similar:
            present |= 1 << number
            speaks_for |= self._index.of_word.get(number, 0)
        return similar, present, speaks_for, self._alike.setdefault(similar, len(self._alike))

    def _resemble(self, word: str) -> _Similar:
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
        if self._names_by_sound and len(word) > 3 and word.isalpha():
            for name in self._names_by_sound.get(sound_of(word), ()):
                if name in self._numbers:  # pragma: no branch - only a filler in a slot's value is no word of the book
                    found[self._numbers[name]] = max(found.get(self._numbers[name], 0.0), SOUNDS_LIKE)
        return tuple(found.items())

    def _express(self, text: str) -> dict[int, list[_Span]]:
        """What the regular expressions find, widened to whole words; one that hung on a text is not tried again."""
        found: dict[int, list[_Span]] = {}
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

    def _listen(self, meant: Sequence[int], found: dict[int, list[_Span]]) -> Mapping[str, tuple[Stretch, ...]]:
        """Hear all phrases in words of these meanings; ``found`` is what the expressions found in them."""
        sounds_of = self._meanings.sounds
        sounds = list(chain.from_iterable([sounds_of[number] for number in meant]))
        present = 0
        spoken_for = self._index.anyway
        for _, mask, speaks_for, _ in sounds:
            if mask:
                present |= mask
                spoken_for |= speaks_for
        points: list[_Point] = []
        repeats = _repeats(sounds)
        for pattern in self._index.likely(spoken_for):
            spare = pattern.required - pattern.needed
            for mask, weight in pattern.worth:
                if not mask & present:
                    spare -= weight
                    if spare < 0:
                        break
            else:
                points = points or _points(sounds)
                spans = _align(pattern, points, len(sounds), pattern.needed, repeats)
                if spans:
                    found.setdefault(pattern.owner, []).extend(spans)
        if not found:
            return _NOTHING
        words = [word for word, number in enumerate(meant) for _ in sounds_of[number]]
        heard: dict[str, list[Stretch]] = {}
        for name, part, score, first, last in self._settle(len(sounds), found):
            heard.setdefault(name, []).append(Stretch(words[first], words[last], score, part))
        return {name: tuple(stretches) for name, stretches in heard.items()}

    def _settle(self, length: int, found: Mapping[int, list[_Span]]) -> Sequence[_Heard]:
        """Drop guarded and overlapping spans, best score first; the rest in order of place. ``length`` in sounds."""
        keys = self._keys
        guards = {keys[owner][0]: spans for owner, spans in found.items() if keys[owner][1] == "!"}
        heard: list[_Heard] = []
        for owner, spans in found.items():
            name, part = keys[owner]
            if part != "!":
                kept = _apart(spans, guards.get(name, ()), length) if len(spans) > 1 or name in guards else spans
                heard.extend((name, part, *span) for span in kept)
        return sorted(heard, key=_place)

    def _places(self, text: str) -> list[tuple[int, int]]:
        """For each word of :meth:`_look_up` its span in the text."""
        counts = [len(self._meanings.sounds[self._meanings[word]]) for word in split_words(text)]
        return [place for place, count in zip(places_of_words(text), counts, strict=True) for _ in range(count)]

    def _hit(self, text: str, span: _Span, part: str) -> Hit:
        score, first, last = span
        places = self._places(text)
        return Hit(places[first][0], places[last][1], score, part)


def _apart(spans: Iterable[_Span], guards: Iterable[_Span], length: int) -> list[_Span]:
    """The spans that touch no guard and no better span; ``length`` is the number of words."""
    taken = bytearray(length)
    kept: list[_Span] = []
    for _, first, last in guards:
        taken[first : last + 1] = bytes([1]) * (last + 1 - first)
    for span in sorted(spans, key=_best_first):
        _, first, last = span
        if taken.find(1, first, last + 1) < 0:
            taken[first : last + 1] = bytes([1]) * (last + 1 - first)
            kept.append(span)
    return kept


def _best_first(span: _Span) -> tuple[float, int, int]:
    return -span[0], span[1] - span[2], span[1]


def _place(heard: _Heard) -> tuple[int, int, str, float]:
    _, part, score, first, last = heard
    return first, last, part, score


_NOTHING: Mapping[str, tuple[()]] = MappingProxyType({})
_NO_ERRORS: Mapping[str, BadInput] = MappingProxyType({})


class _Meanings(dict[str, int]):
    """What a word means to a book: the same number for words that may be the same words of it, as for all unknown ones.

    ``sounds`` are its sounds by number: none for a filler, several for a contraction. A word is compared with
    the book's when it is first asked for; no more than ``most`` are kept.
    """

    def __init__(self, learn: Callable[[str], tuple[_Sound, ...]], *, most: int) -> None:
        super().__init__()
        self.sounds: list[tuple[_Sound, ...]] = []
        self._learn, self._most = learn, most
        self._numbers: dict[tuple[_Sound, ...], int] = {}

    def __missing__(self, word: str) -> int:
        sounds = self._learn(word)
        number = self._numbers.setdefault(sounds, len(self.sounds))
        if number == len(self.sounds):
            self.sounds.append(sounds)
        if len(self) >= self._most:
            self.clear()
        self[word] = number
        return number


class _Index:
    """Names the few patterns that a text can hold, by the words it has.

    A pattern's elements are dealt into up to three groups, the rarest words first, each so heavy that
    the pattern cannot do without all of its words: it can only be heard where every group has a word.
    A bit mask says for which groups of which patterns a word speaks, three runs of one bit a pattern;
    ``anyway`` holds the groups that a pattern does not have.
    """

    def __init__(self, patterns: Sequence[_Pattern]) -> None:
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

    def likely(self, spoken_for: int) -> Iterator[_Pattern]:
        """The patterns all of whose groups are spoken for."""
        patterns = self._patterns
        run = len(patterns)
        likely = spoken_for & (spoken_for >> run) & (spoken_for >> 2 * run) & ((1 << run) - 1)
        while likely:
            highest = likely.bit_length() - 1
            likely ^= 1 << highest
            yield patterns[highest]


def _points(sounds: Iterable[_Sound]) -> list[_Point]:
    return [(position, *like) for position, sound in enumerate(sounds) for like in sound[0]]


def _repeats(sounds: Sequence[_Sound]) -> Sequence[int]:
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


def _present(sounds: Iterable[_Sound]) -> int:
    """All the book's words that these words may be, as one bit mask."""
    present = 0
    for sound in sounds:
        present |= sound[1]
    return present


def _bound(pattern: _Pattern, present: int) -> float:
    """The most weight the words that are present could give."""
    weight = 0.0
    for mask, gain in pattern.worth:
        if mask & present:
            weight += gain
    return weight


def _align(
    pattern: _Pattern, points: Iterable[_Point], length: int, floor: float, repeats: Sequence[int] = ()
) -> list[_Span]:
    """Chains of matching words in order that reach the weight ``floor``: the best one for each last word.

    ``points`` are what the ``length`` words of the text may be, in order; for ``repeats`` see :func:`_repeats`:
    words said again count for nothing between two that are found.

    Missing words lose their weight, extra words beyond the gaps allowed cost ``INSERTED`` each;
    a missing word and an extra one in its place count as one error.
    """
    elements, weights, before, rest = pattern.elements, pattern.weights, pattern.before, pattern.rest
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
            if (element or position >= least) and (not pattern.at_start or position <= element + most):
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
                extra = inserted - (most - longest) - (element - earlier_element - 1)
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
            missing = final - element + before[final][1] - most + pattern.after[1]
            if pattern.at_end and length - 1 - position > missing:
                continue
            if position not in ends or (best, first) > ends[position]:
                ends[position] = best, first
    return [(min(100.0, 100 * best / pattern.required), first, last) for last, (best, first) in ends.items()]

"""What a wording may say: its notation parsed, and checked with the nearest valid form in every complaint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from pytest_callqa.errors import BadInput
from pytest_callqa.phrases.words import join_words, split_words

if TYPE_CHECKING:
    from regex import Pattern

MAX_FORMS = 400
UNTOLD = 3
"""The words that a gap allows that names no number."""

TIME_LIMIT = 0.5
"""Seconds after which a regular expression is broken off."""

_SIGNS = str.maketrans("（）［］｛｝｜＜＞＾＄", "()[]{}|<>^$")


class Word(msgspec.Struct, frozen=True, gc=False):
    """One of several words, or none of them if ``optional``."""

    options: tuple[str, ...]
    optional: bool = False


class Gap(msgspec.Struct, frozen=True, gc=False):
    """Any words, from ``least`` to ``most`` of them."""

    most: int
    least: int = 0


class Slot(msgspec.Struct, frozen=True, gc=False):
    """What the settings fill in, or any number."""

    name: str


SLOTS = ("organisation", "number")
"""What is filled for every call; another slot stands for one to four words."""

Element = Word | Gap | Slot
Form = tuple[Element, ...]


_PLAIN = r"[^()\[\]{}<>^$.|]"
_SYMBOL = re.compile(
    rf"\s*(?:(?P<text>{_PLAIN}+)|\((?P<either>(?:{_PLAIN}|\|)+)\)|\[(?P<perhaps>(?:{_PLAIN}|\|)+)\]|\.\.(?P<gap>\d*)"
    r"|(?P<sign>[()\[\]|^$])|\{(?P<slot>[a-z_]+)\}|<(?P<ref>[a-z_0-9]+)>|(?P<dot>\.))"
)
"""What wordings are made of; a group of nothing but words is one symbol."""


class Wording(msgspec.Struct, frozen=True, gc=False):
    """One wording of a phrase, parsed: its plain forms, whether it is tied to start or end, and its file and line."""

    text: str
    forms: tuple[Form, ...]
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
    for match in _SYMBOL.finditer(body):
        if match.start() > position:
            break
        position = match.end()
        kind = str(match.lastgroup)
        symbols.append((kind, match[kind]))
    if position < len(body):
        rest = body[position:].strip()
        slot = re.match(r"\{\s*([A-Za-z_]+)\s*\}", rest)
        hint = f"write {{{slot[1].lower()}}}" if slot else _notation()
        raise BadInput(f"{rest[:20]!r} cannot be read in the wording {text!r}; {hint}")
    if "<" in body:
        if len(symbols) != 1 or at_start or at_end:
            raise BadInput(f"<…> stands alone: {text!r} mixes it with words; write it as a wording of its own")
        return Wording(text, (), refers_to=symbols[0][1])
    reader = _Reader(text, symbols, fold or {})
    forms = reader.alternatives()
    if reader.at < len(symbols):
        raise BadInput(f"{symbols[reader.at][1]!r} closes nothing in {text!r}; {_notation()}")
    whole = tuple(form for form in forms if any(required(form)))
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
    body, sign, score = body.rpartition("~")
    if not sign:
        return score, 0.0
    number = float(score) if re.fullmatch(r"\s*\d{1,3}(\.\d+)?\s*", score) else -1.0
    if not 0 < number <= 100:
        raise BadInput(f"'~{score}' in {text!r} is no score; write ~ and a number up to 100 at the end, such as ~85")
    return body.strip(), number


def required(form: Form) -> Iterator[str]:
    """The words of which some must be said; a slot is one such word."""
    for element in form:
        if isinstance(element, Slot):
            yield f"{{{element.name}}}"
        elif isinstance(element, Word) and not element.optional:
            yield from element.options


def _notation() -> str:
    return "use (a|b), [optional], {slot}, ..2, ^ first, $ last or ~85"


class _Reader:
    """Recursive descent over the symbols of one wording."""

    def __init__(self, text: str, symbols: list[tuple[str, str]], fold: Mapping[str, Sequence[str]]) -> None:
        self.text, self.symbols, self.fold, self.at = text, symbols, fold, 0

    def alternatives(self) -> list[Form]:
        forms = self.sequence()
        while self.at < len(self.symbols) and self.symbols[self.at] == ("sign", "|"):
            self.at += 1
            forms += self.sequence()
        return list(dict.fromkeys(forms)) if len(forms) > 1 else forms

    def sequence(self) -> list[Form]:
        forms: list[Form] = [()]
        plain: list[Element] = []  # what follows all the forms
        while self.at < len(self.symbols):
            kind, value = self.symbols[self.at]
            if kind == "sign" and value in ")]|":
                break
            self.at += 1
            among: Sequence[Form] = ()
            if kind == "text":
                plain += self.spoken(value)
            elif kind in ("either", "perhaps"):
                among = _either(dict.fromkeys(map(self.spoken, value.split("|"))), optional=kind == "perhaps")
            elif kind == "gap":
                plain.append(Gap(int(value or UNTOLD)))
            elif kind == "slot":
                plain.append(Slot(value))
            elif kind == "sign":
                among = self.group(value)
            if len(among) == 1:
                plain += among[0]
            elif among:
                forms = [(*form, *plain, *more) for form in forms for more in among]
                plain.clear()
                if len(forms) > MAX_FORMS:
                    raise BadInput(
                        f"{self.text!r} stands for more than {MAX_FORMS} sentences; split it into several wordings"
                    )
        return [(*form, *plain) for form in forms] if plain else forms

    def group(self, sign: str) -> Sequence[Form]:
        """What stands between this sign, which was just read, and the one that closes it."""
        if sign in "^$":
            where = "start" if sign == "^" else "end"
            raise BadInput(f"{sign!r} belongs at the {where} of the wording {self.text!r}")
        close = ")" if sign == "(" else "]"
        inner = self.alternatives()
        if self.at >= len(self.symbols) or self.symbols[self.at] != ("sign", close):
            raise BadInput(f"{sign!r} is not closed in {self.text!r}; add {close!r}")
        self.at += 1
        return _either(inner, optional=sign == "[")

    def spoken(self, text: str) -> Form:
        """The words of a text."""
        return tuple([_word(meant) for word in split_words(text) for meant in self.fold.get(word, (word,))])


_word = lru_cache(maxsize=4096)(lambda word: Word((word,)))


def _either(forms: Iterable[Form], *, optional: bool) -> Sequence[Form]:
    """The forms of a group, those of one word as one element, so that groups do not multiply."""
    options: list[str] = []
    longer: list[Form] = []
    for form in forms:
        if len(form) == 1 and isinstance(word := form[0], Word) and not word.optional:
            options += word.options
        else:
            longer.append(form)
    forms = [(Word(tuple(dict.fromkeys(options))),), *longer] if options else longer
    if not optional:
        return forms
    if len(forms) == 1 and len(forms[0]) == 1 and isinstance(word := forms[0][0], Word):
        return [(Word(word.options, optional=True),)]
    return forms if () in forms else [*forms, ()]


def plain_sentences(wordings: Iterable[Wording], slots: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The plainest sentence of each wording that can be said."""
    said = (_sentence(wording.forms[0], slots) for wording in wordings if wording.forms)
    return tuple(dict.fromkeys(sentence for sentence in said if sentence))


def _sentence(form: Form, slots: Mapping[str, Sequence[str]]) -> str:
    """A form as it may be said; nothing if one of its slots has no value."""
    words: list[str] = []
    for element in form:
        if isinstance(element, Slot):
            value = next(iter(slots.get(element.name, ["5"] if element.name == "number" else [])), "")
            if not value:
                return ""
            words.append(value)
        elif isinstance(element, Word) and not element.optional:
            words.append(element.options[0])
    return join_words(words)

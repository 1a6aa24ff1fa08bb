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


_SYMBOL = re.compile(
    r"\s*(?:(?P<gap>\.\.(?P<most>\d+)?)|\{(?P<slot>[a-z_]+)\}|<(?P<ref>[a-z_0-9]+)>|(?P<sign>[()\[\]|^$])"
    r"|(?P<text>[^\s()\[\]|{}<>^$.]+|\.))"
)


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
    while position < len(body):
        match = _SYMBOL.match(body, position)
        if match is None:
            rest = body[position:].strip()
            slot = re.match(r"\{\s*([A-Za-z_]+)\s*\}", rest)
            hint = f"write {{{slot[1].lower()}}}" if slot else _notation()
            raise BadInput(f"{rest[:20]!r} cannot be read in the wording {text!r}; {hint}")
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
    body, sign, score = body.rpartition("~") if "~" in body else (body, "", "0")
    number = float(score) if re.fullmatch(r"\s*\d{1,3}(\.\d+)?\s*", score) else -1.0
    if not (0 < number <= 100 or not sign):
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
            forms = forms + self.sequence()
        return list(dict.fromkeys(forms))

    def sequence(self) -> list[Form]:
        forms: list[Form] = [()]
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

    def element(self, kind: str, value: str) -> list[Form]:
        if kind == "gap":
            return [(Gap(int(value)),)]
        if kind == "slot":
            return [(Slot(value),)]
        if kind == "text":
            spoken = [piece for word in split_words(value) for piece in self.fold.get(word, (word,))]
            return [tuple(Word((word,)) for word in spoken)]
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
        if len(forms) == 1 and len(forms[0]) == 1 and isinstance(forms[0][0], Word):
            return [(Word(forms[0][0].options, optional=True),)]
        return [*forms, ()] if () not in forms else forms


def _either(forms: list[Form]) -> list[Form]:
    """The forms, those of one word as one element, so that groups do not multiply."""
    single = [form[0] for form in forms if len(form) == 1 and isinstance(form[0], Word) and not form[0].optional]
    longer = [form for form in forms if not (len(form) == 1 and form[0] in single)]
    options = tuple(dict.fromkeys(word for element in single for word in element.options))
    return [(Word(options),), *longer] if options else longer


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

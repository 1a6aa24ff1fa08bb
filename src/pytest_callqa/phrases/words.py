"""The words of a text: evened out for comparison, with their places in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from string import ascii_lowercase, digits

import msgspec

UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u108f\u1780-\u17d3"
)
"""The characters of scripts without word breaks (Chinese, Japanese; Thai, Lao, Burmese, Khmer): each is a word."""

_LETTER = rf"(?:(?![{UNSPACED}])[^\W_]|[\u0900-\u0963\u0966-\u0dff])"  # Indic vowel signs are no \w, but of the word
_TOKEN = re.compile(rf"[{UNSPACED}]|{_LETTER}+(?:'{_LETTER}+)*")
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_PLAIN = f"{ascii_lowercase}{digits}'"
_PARTED = bytes(code if chr(code) in _PLAIN else ord(" ") for code in range(256))
_MARKS = "\u0300-\u036f\ufe00-\ufe0f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670"
"""Accents beyond those that a letter is composed with, variation selectors, the vowel points of Hebrew and Arabic."""

_COMPOSED = "\u3099\u309a\uff9e\uff9f\u1160-\u11ff"
"""What only makes a character with those before it: voicing in Japanese, vowels and finals in Korean."""

_CLUSTER = re.compile(rf".[{_MARKS}{_COMPOSED}]*", re.DOTALL)
_MARK = re.compile(rf"[{_MARKS}]")
_JOINS = re.compile(rf"[{_MARKS}{_COMPOSED}]")
_ACCENT = re.compile("[\u0300-\u036f]")
_SENTENCE = re.compile(r"[^.?!。？！…؟।]+")
_UNPARTED = rf"[{UNSPACED}\u3001-\u303f\uff01-\uff20]"
_between_characters = re.compile(rf"(?<={_UNPARTED}) (?={_UNPARTED})")
_APOSTROPHES = str.maketrans("\u2019\u02bc\u2018\uff07`\u00b4", "''''''")
_ALIASES = {"cmn": "zh"}


class Token(msgspec.Struct, frozen=True, gc=False):
    """A word (a character in scripts without word breaks), folded for comparison, with its span in the text."""

    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Split text into folded words, and characters where a script has no word breaks; spans point into the text.

    Width, case, apostrophes, how accents are composed, and invisible characters are evened out first.
    """
    return [Token(word, *place) for word, place in zip(split_words(text), places_of_words(text), strict=True)]


def split_words(text: str) -> list[str]:
    """The folded words of a text (a single character in Chinese): the texts of :func:`tokens`, faster."""
    return _words_in(_fold(text)[0])


def even_digits(text: str) -> bytes:
    """The text as UTF-8 with a 0 for each of its digits: its words lie in the same places, and are no more alike."""
    return text.encode("utf-8", "surrogatepass").translate(_DIGITS)


def places_of_words(text: str) -> tuple[tuple[int, int], ...]:
    """The span in the text of each word of :func:`split_words`."""
    return _places_of_words(even_digits(text))


@lru_cache(maxsize=64)  # most evidence lies in greetings and goodbyes, which are much the same in all calls
def _places_of_words(even: bytes) -> tuple[tuple[int, int], ...]:
    folded, places = _fold(even.decode("utf-8", "surrogatepass"))
    spans: list[tuple[int, int]] = []
    end = 0
    for word in _words_in(folded):
        start = folded.find(word, end)  # it begins with the next character that is of a word at all
        end = start + len(word)
        spans.append((start, end) if places is None else (places[start][0], places[end - 1][1]))
    return tuple(spans)


def join_words(words: Iterable[str]) -> str:
    """Words as a text: with spaces, but none between characters of a script without word breaks."""
    return _between_characters.sub("", " ".join(words))


def bare_of(word: str) -> str:
    """The word without accents ("dias" for "días")."""
    return word if word.isascii() else unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", word)))


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """The span of each sentence of a text."""
    return (match.span() for match in _SENTENCE.finditer(text))


def _words_in(folded: str) -> list[str]:
    if not folded.isascii():
        return _TOKEN.findall(folded)
    parted = folded.encode().translate(_PARTED).decode()
    if "'" in parted:  # only one between letters is of the word
        parted = f" {parted} ".replace("''", "  ").replace(" '", "  ").replace("' ", "  ")
    return parted.split()


def _fold(text: str) -> tuple[str, list[tuple[int, int]] | None]:
    """Text evened out for comparison, and the span each of its characters comes from (None: its own place)."""
    if text.isascii():
        return text.translate(_APOSTROPHES).lower() if "`" in text else text.lower(), None
    return _fold_signs(text)


@lru_cache(maxsize=8)  # a text is folded again for the places of what was heard
def _fold_signs(text: str) -> tuple[str, list[tuple[int, int]] | None]:
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
        self[code] = even if len(even) == 1 and not _JOINS.match(sign) else _UNEVEN
        return self[code]


@lru_cache(maxsize=8192)
def _even(cluster: str) -> str:
    """A character with its accents, composed and folded; nothing for an invisible one (category Cf).

    The Turkish i without a dot is an i: recognisers write "SIKINTI" for it too.
    """
    if unicodedata.category(cluster[0]) == "Cf":
        return ""
    return _MARK.sub("", unicodedata.normalize("NFKC", cluster).casefold()).replace("ı", "i")


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
    plain = bare_of(word).replace("ph", "f").replace("ck", "k").replace("th", "t").replace("wr", "r").replace("kn", "n")
    if not plain.isascii():
        return word
    return ("v" if plain[:1] in "aeiou" else "") + re.sub(r"(\d)\1+", r"\1", plain.translate(_SOUNDS)).replace(
        "0", ""
    ).replace(".", "")

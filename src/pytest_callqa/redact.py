"""Takes personal data out of text that leaves the process, keeping every character's place.

A masked character becomes a bullet, so the spans of evidence stay right. It reduces what leaks; it does
not anonymise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

MASK = "•"

_PERSONAL = re.compile(
    r"(?<!\w)(?:"
    r"(?<![.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"  # e-mail
    r"|[+(]?\d(?:[\s().\-/]{0,2}\d){4,}[Xx]?(?!\w)"  # a number of five digits and more
    r"|(?i:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)\b[\s,.-]*){5,}"  # the same, spoken
    r")|\d{5,}[Xx]?"
    r"|[零〇一二三四五六七八九幺两]{5,}"
)

_LETTER = r"[^\W\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]"
"""A letter of a script that has spaces between words. Chinese has none: there a name stands right beside others."""

_NO_NAMES = frozenset(
    (
        "agent",
        "bot",
        "caller",
        "customer",
        "ivr",
        "line",
        "operator",
        "service",
        "speaker",
        "support",
        "system",
        "test",
        "user",
    )
)
"""Words that stand in for names in files, and say nothing about anybody."""

Redactor = Callable[[str], str]
"""Text in, text of the same length out."""


def redactor(names: Iterable[str] = (), *, off: bool = False) -> Redactor:
    """A redactor for one call: e-mail addresses, numbers of five digits and more (written or spoken), and its names."""
    if off:
        return str
    return _redactor(tuple(sorted({name.strip() for name in names if len(name.strip()) > 1}, key=len, reverse=True)))


@lru_cache(maxsize=1024)
def _redactor(names: tuple[str, ...]) -> Redactor:
    spoken = (word for name in names for word in (name, *name.split()))
    words = dict.fromkeys(_apart(word) for word in spoken if len(word) > 1 and word.lower() not in _NO_NAMES)
    named = re.compile("|".join(words), re.IGNORECASE) if words else None

    def redact(text: str) -> str:
        text = _PERSONAL.sub(_mask, text)
        return text if named is None else named.sub(_mask, text)

    return redact


def _apart(name: str) -> str:
    """A pattern for the name where it is no part of a longer word."""
    before = f"(?<!{_LETTER})" if re.match(_LETTER, name) else ""
    after = f"(?!{_LETTER})" if re.match(_LETTER, name[-1]) else ""
    return before + re.escape(name) + after


def _mask(match: re.Match[str]) -> str:
    return re.sub(r"\S", MASK, match.group())

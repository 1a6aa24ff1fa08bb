"""What a call says, in a few bytes: the same however its file is named and nearly the same when transcribed again."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from itertools import pairwise

from pytest_callqa.ledger import Line

KEPT = 48
"""Hashes of a sketch. A likeness estimated from them is right to about 0.07."""

_WORD = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]|[^\W\d_\u2e80-\u9fff\uf900-\ufaff]+(?:['’][^\W\d_]+)*")
_BYTES = 4


def words(text: str) -> list[str]:
    """The words of a text as they sound: small letters, Chinese characters one by one, no marks, no numbers."""
    return _WORD.findall(text.lower())


def digest(turns: Iterable[Line]) -> str:
    """Who says what, word by word: for conversations that were generated and shrunk."""
    said = [f"{turn.role}: {' '.join(words(turn.text))}" for turn in turns]
    return hashlib.blake2b("\n".join(said).encode("utf-8", "replace"), digest_size=8).hexdigest()


def sketch(turns: Iterable[Line]) -> str:
    """The smallest hashes of all pairs of words that stand side by side, whoever says them.

    Turns that are split or merged change nothing; neither do numbers and names that are masked.
    """
    said = [word for turn in turns for word in words(turn.text)]
    pairs = {f"{one} {two}" for one, two in pairwise(said)} or set(said)
    hashes = sorted(hashlib.blake2b(pair.encode("utf-8", "replace"), digest_size=_BYTES).digest() for pair in pairs)
    return base64.b64encode(b"".join(hashes[:KEPT])).decode()


def likeness(one: str, two: str) -> float:
    """How much two sketched calls have in common, from 0 to 1: an estimate of the pairs of words they share."""
    first, second = _hashes(one), _hashes(two)
    union = sorted(first | second)[:KEPT]
    return len(first & second & set(union)) / len(union) if union else 1.0


def _hashes(sketch: str) -> set[bytes]:
    data = base64.b64decode(sketch)
    return {data[place : place + _BYTES] for place in range(0, len(data), _BYTES)}

"""Two transcripts of one conversation: who speaks from one, and when from the other."""

from __future__ import annotations

import re
from itertools import groupby

import msgspec

from pytest_callqa.call import Call, Word
from pytest_callqa.readers.words import span

_WORD = re.compile(r"[\u2e80-\u9fff]|(?:(?![\u2e80-\u9fff])[^\W_])+")  # each Chinese character is one

MOST = 10_000
"""Words of a transcript that is laid on another: the work grows with their square."""

_ALIKE = 0.8
"""Share of the words of the longer transcript that both have, if they are of one conversation."""


def with_times(named: Call, timed: Call) -> Call | None:
    """``named``, each turn with the time that ``timed`` has for its words, and with the words if it has them all.

    ``None`` if the two are not one conversation, or a turn has not a word in common with what was timed.
    """
    said = [(number, word) for number, turn in enumerate(named.turns) for word in _WORD.findall(turn.text.lower())]
    heard = [
        (word, spelt)
        for turn in timed.turns
        for word in turn.words
        if word.start is not None and word.end is not None
        for spelt in _WORD.findall(word.text.lower())
    ]
    from rapidfuzz.distance import LCSseq  # few calls need it

    longest = max(len(said), len(heard))
    if not 0 < longest <= MOST:
        return None
    words: list[list[Word]] = [[] for _ in named.turns]
    for block in LCSseq.opcodes([word for _, word in said], [spelt for _, spelt in heard]):
        if block.tag == "equal":
            stretch = heard[block.dest_start : block.dest_end]
            for (number, _), (word, _) in zip(said[block.src_start : block.src_end], stretch, strict=True):
                words[number].append(word)
    if sum(map(len, words)) < _ALIKE * longest or not all(words):
        return None
    is_whole = sum(map(len, words)) == len(said)
    turns = []
    for turn, spoken in zip(named.turns, words, strict=True):
        start, end = span(spoken)
        each = tuple(word for word, _ in groupby(spoken)) if is_whole else ()
        turns.append(msgspec.structs.replace(turn, start=start, end=end, words=each))
    return msgspec.structs.replace(
        named,
        turns=tuple(turns),
        tolerance=max(named.tolerance, timed.tolerance),
        language=named.language or timed.language,
        duration=timed.duration,
        limits=(*named.limits, "who speaks is from one transcript, and when from another of the same words"),
    )

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
"""

from pytest_callqa.phrases.book import Phrase, PhraseBook
from pytest_callqa.phrases.matcher import Hit, Matcher, Stretch
from pytest_callqa.phrases.notation import Wording, parse_wording
from pytest_callqa.phrases.words import (
    Token,
    bare_of,
    join_words,
    places_of_words,
    primary,
    sentences,
    split_words,
    tokens,
)

__all__ = [
    "Hit",
    "Matcher",
    "Phrase",
    "PhraseBook",
    "Stretch",
    "Token",
    "Wording",
    "bare_of",
    "join_words",
    "parse_wording",
    "places_of_words",
    "primary",
    "sentences",
    "split_words",
    "tokens",
]

"""What a customer or the line brings about: the situations the rules are declared for.

Each is found once per call, however many rules share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_callqa import Hearing, Moment, PhraseBook, Phrase, situation
from pytest_callqa.rule import Code, Situation

phrases = PhraseBook.load(Path(__file__).parent / "phrases")


def customer_says(*said: Phrase) -> Situation:
    """Every time the customer says one of the phrases."""

    @situation(f"customer says {' or '.join(str(phrase) for phrase in said)}")
    def find(call: Hearing) -> Iterator[Moment]:
        finding = call.customer.says(*said)
        for turn in dict.fromkeys(quote.turn for quote in finding.quotes):
            utterance = call.utterances[turn]
            yield Moment(call, turn, start=utterance.end, turn=utterance, finding=finding)

    return find

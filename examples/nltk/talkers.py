"""Two chat bots that come with NLTK, as functions."""

from __future__ import annotations

from nltk.chat.eliza import eliza_chatbot
from nltk.chat.rude import rude_chatbot


def eliza(text: str) -> str | None:
    """The therapist of 1966."""
    return eliza_chatbot.respond(text)


def rude(text: str) -> str | None:
    """One that insults whoever talks to it."""
    return rude_chatbot.respond(text)

"""Twilio Conversational Intelligence: the Sentences of a Transcript. Times are seconds, often as strings.

The sentences name a channel; who was on it is in the Transcript resource, which is not in this file.
"""

from __future__ import annotations

import re

import msgspec

from pytest_callqa.call import Call, Turn, Word
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import in_time


class _Word(msgspec.Struct, frozen=True):
    word: str
    start_time: float | None = None
    end_time: float | None = None
    confidence: float | None = None


class _Sentence(msgspec.Struct, frozen=True):
    transcript: str
    start_time: float | None = None
    end_time: float | None = None
    media_channel: int | None = None
    channel: int | None = None
    words: list[_Word] | None = None


class _Meta(msgspec.Struct, frozen=True):
    url: str | None = None
    next_page_url: str | None = None


class _Page(msgspec.Struct, frozen=True):
    sentences: list[_Sentence]
    meta: _Meta = _Meta()


class Twilio:
    """Twilio: sentences by channel."""

    name = "twilio"

    def recognise(self, content: Content) -> bool:
        """A list of ``sentences`` with ``transcript``, or a list of such pages."""
        value = content.value
        page = value[0] if isinstance(value, list) and value else value
        sentences = page.get("sentences") if isinstance(page, dict) else None
        first = sentences[0] if isinstance(sentences, list) and sentences else None
        return isinstance(first, dict) and "transcript" in first and "startTime" not in first

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        pages = content.to(list[_Page]) if isinstance(content.value, list) else [content.to(_Page)]
        named = re.search(r"/Transcripts/(GT\w+)", pages[0].meta.url or "")
        more = (
            ("the file lacks the last page of the transcript: there are more",) if pages[-1].meta.next_page_url else ()
        )
        return Call(
            id=named[1] if named else "",
            turns=in_time(_turn(sentence) for page in pages for sentence in page.sentences),
            tolerance=tolerance(self.name),
            limits=(
                "who is on which channel is in the Transcript resource: roles need a role map",
                "no loudness, and no ring, answer, hold or transfer times",
                *more,
            ),
            format=self.name,
        )


def _turn(sentence: _Sentence) -> Turn:
    channel = sentence.channel if sentence.media_channel is None else sentence.media_channel
    return Turn(
        text=sentence.transcript,
        start=sentence.start_time,
        end=sentence.end_time,
        speaker="" if channel is None else f"channel {channel}",
        words=tuple(Word(word.word, word.start_time, word.end_time, word.confidence) for word in sentence.words or ()),
    )

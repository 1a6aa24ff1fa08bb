"""Gridspace-Stanford Harper Valley: a corpus of 1,446 simulated bank calls, transcribed by people.

Document: the README of ``gridspace-stanford-harper-valley``. ``start_ms`` is about two seconds off for
one party in most of the calls; ``offset_ms`` agrees with the absolute times of all turns.
"""

from __future__ import annotations

import re

import msgspec

from pytest_callqa.call import Call, Turn
from pytest_callqa.readers.clock import since_1970
from pytest_callqa.readers.content import Content, typed
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.roles import role_of_label
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import in_time

_NOISE = re.compile(r"\[[a-z_ ]+\]|<[a-z_ ]+>")


class _Turn(msgspec.Struct, frozen=True):
    speaker_role: str
    offset_ms: float
    duration_ms: float
    human_transcript: str
    start_timestamp_ms: int
    channel_index: int = 0


class HarperValley:
    """Harper Valley: turn times and roles, in the words that people heard."""

    name = "harpervalley"

    def recognise(self, content: Content) -> bool:
        """A list of turns with ``human_transcript`` and ``offset_ms``."""
        first = content.value[0] if isinstance(content.value, list) and content.value else None
        return isinstance(first, dict) and "human_transcript" in first and "offset_ms" in first

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        listed = typed(content.value, list[_Turn])
        turns = in_time(turn for turn in map(_turn, listed) if turn.text)
        noises = len(listed) - len(turns)
        limits = (f"{noises} stretches of noise without words were left out",) if noises else ()
        origin = min((turn.start_timestamp_ms - turn.offset_ms for turn in listed), default=0)
        return Call(
            id="",
            turns=turns,
            tolerance=tolerance(self.name),
            language="en",
            started=since_1970(origin * 1000),
            limits=("no words, no loudness, nothing that happens on the line", *limits),
            format=self.name,
        )


def _turn(turn: _Turn) -> Turn:
    return Turn(
        role=role_of_label(turn.speaker_role),
        text=" ".join(_NOISE.sub(" ", turn.human_transcript).split()),
        start=turn.offset_ms / 1000,
        end=(turn.offset_ms + turn.duration_ms) / 1000,
        speaker=f"channel {turn.channel_index}",
    )

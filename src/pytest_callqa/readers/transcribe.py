"""Amazon Transcribe's plain output ("Data input and output" of its guide): items with times as strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from pytest_callqa.call import Call, Turn, Word
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.words import in_time, turns_of


class _Alternative(msgspec.Struct, frozen=True):
    content: str
    confidence: float | None = None


class _Item(msgspec.Struct, frozen=True):
    alternatives: list[_Alternative]
    type: str = "pronunciation"
    start_time: float | None = None
    end_time: float | None = None
    speaker_label: str = ""


class _LabelItem(msgspec.Struct, frozen=True):
    start_time: float
    speaker_label: str = ""


class _LabelSegment(msgspec.Struct, frozen=True):
    speaker_label: str = ""
    items: list[_LabelItem] = []


class _SpeakerLabels(msgspec.Struct, frozen=True):
    segments: list[_LabelSegment] = []


class _Channel(msgspec.Struct, frozen=True):
    channel_label: str
    items: list[_Item]


class _ChannelLabels(msgspec.Struct, frozen=True):
    channels: list[_Channel]


class _Results(msgspec.Struct, frozen=True):
    items: list[_Item]
    speaker_labels: _SpeakerLabels = _SpeakerLabels()
    channel_labels: _ChannelLabels | None = None
    language_code: str = ""


class _Output(msgspec.Struct, frozen=True, rename="camel"):
    results: _Results
    job_name: str = ""


class Transcribe:
    """Plain Transcribe: words and confidence; speakers are ``spk_0`` or channels, never roles."""

    name = "transcribe"

    def recognise(self, content: Content) -> bool:
        """``results.items`` with ``results.transcripts``."""
        results = content.get("results")
        return isinstance(results, dict) and "items" in results and "transcripts" in results

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` for fields that do not fit."""
        output = content.to(_Output)
        return Call(
            id=output.job_name,
            turns=_turns(output.results),
            tolerance=tolerance(self.name),
            language=output.results.language_code,
            limits=(
                "Transcribe numbers its speakers or channels: roles need a role map",
                "no loudness, and no ring, answer, hold or transfer times",
            ),
            format=self.name,
        )


def _turns(results: _Results) -> tuple[Turn, ...]:
    if results.channel_labels:
        return in_time(
            turn
            for channel in results.channel_labels.channels
            for turn in turns_of(_spoken(channel.items, {}, channel.channel_label.replace("ch_", "channel ")))
        )
    labels = {
        item.start_time: item.speaker_label or segment.speaker_label
        for segment in results.speaker_labels.segments
        for item in segment.items
    }
    return turns_of(_spoken(results.items, labels, ""))


def _spoken(items: Iterable[_Item], labels: dict[float, str], speaker: str) -> Iterator[tuple[str, Word]]:
    """Each word with who said it; a punctuation mark, which has no time, goes to the word before it."""
    waiting: tuple[str, Word] | None = None
    for item in items:
        if not item.alternatives:
            continue
        best = item.alternatives[0]
        if item.type == "punctuation" and waiting:
            label, word = waiting
            waiting = label, msgspec.structs.replace(word, text=word.text + best.content)
            continue
        if waiting:
            yield waiting
        start = item.start_time
        label = item.speaker_label or (labels.get(start, "") if start is not None else "") or speaker
        waiting = label, Word(best.content, start, item.end_time, best.confidence)
    if waiting:
        yield waiting

"""Names the changed lines that a difference comes from: what they hold was said, or heard, otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

import msgspec

from pytest_callqa.call import Call
from pytest_callqa.phrases import Matcher, PhraseBook, sentences, split_words

SHOWN = 8
"""Lines named of one difference."""

_BETWEEN = re.compile(r"""["<>{}\[\]|]|(?<!\w)'|'(?!\w)|:\s|%\w|\\[nrt]""")
"""What stands in a line of a script, a program or a document between texts that are said."""


class Line(msgspec.Struct, frozen=True):
    """A line that only one of two versions of a file has: ``+`` the new one, ``-`` the old one. Counted from 1."""

    sign: Literal["+", "-"]
    file: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.sign} {self.file}:{self.number}: {self.text}"


class Blame(msgspec.Struct, frozen=True):
    """The lines that a difference comes from, and in words ``why`` these; none: why nothing can be blamed.

    ``place`` is file and line in the new version, where a reviewer is to look.
    """

    why: str = ""
    lines: tuple[Line, ...] = ()
    place: str = ""

    def told(self) -> Iterator[str]:
        """For people, a line each."""
        if self.why:
            yield self.why
        yield from (f"  {line}" for line in self.lines[:SHOWN])
        if len(self.lines) > SHOWN:
            yield f"  and {len(self.lines) - SHOWN} more"


class Text(NamedTuple):
    """A file of which there are two versions: its name, and its lines."""

    name: str
    lines: Sequence[str]


class _Change(NamedTuple):
    """Lines of the old text that became other lines of the new one; places are counted from 0."""

    old: Text
    new: Text
    gone: range
    come: range

    @property
    def place(self) -> str:
        """Where it is in the new text: file and line."""
        return f"{self.new.name}:{max(min(self.come.start + 1, len(self.new.lines)), 1)}"

    def lines(self) -> Iterator[tuple[Line, Text]]:
        """Every line of it, with the text that it stands in."""
        for number in self.gone:
            yield Line("-", self.old.name, number + 1, self.old.lines[number].strip()), self.old
        for number in self.come:
            yield Line("+", self.new.name, number + 1, self.new.lines[number].strip()), self.new

    def both(self, held: Sequence[Line]) -> list[Line]:
        """Those lines, each with the one that it took the place of, where one line became one."""
        if len(self.gone) != len(self.come):
            return list(held)
        begins = {"-": self.gone.start, "+": self.come.start}
        offsets = {line.number - begins[line.sign] for line in held}
        return [line for line, _ in self.lines() if line.number - begins[line.sign] in offsets]


def blame_said(files: Iterable[tuple[Text, Text]], new: Call, old: Call) -> Blame:
    """The changed lines of ``files`` (old and new) that the agents of two calls say otherwise.

    Those that hold such words; else those in the block of such a line; else the one stretch that changed at all.
    """
    changes = [change for before, after in files for change in _changes(before, after)]
    if not changes:
        return Blame("nothing has changed in the files that the bots' lines are written in")
    said = {"-": _said_otherwise(old, new), "+": _said_otherwise(new, old)}
    for why, reach in (("said in these changed lines:", _alone), ("changed beside what was said:", _around)):
        found = [
            (change.place, line)
            for change in changes
            for line in change.both(
                [
                    line
                    for line, text in change.lines()
                    if _holds(text.lines, reach(text.lines, line.number - 1), said[line.sign])
                ]
            )
        ]
        if found:
            return Blame(why, tuple(line for _, line in found), found[0][0])
    if len(changes) == 1:
        only = tuple(line for line, _ in changes[0].lines())
        return Blame("nothing else has changed than these lines:", only, changes[0].place)
    return Blame(f"no changed line says what differs; changed are {', '.join(change.place for change in changes)}")


def blame_heard(
    books: Iterable[tuple[PhraseBook, PhraseBook]],
    language: str,
    slots: Mapping[str, Sequence[str]],
    texts: Sequence[str],
) -> Blame:
    """The changed wordings of those phrases that two books (old and new) hear otherwise in these texts."""
    names: list[str] = []
    lines: list[Line] = []
    places: list[str] = []
    for old, new in books:
        if not (old.speaks(language) and new.speaks(language)):
            continue
        for name in _heard_otherwise(old.matcher(language, slots), new.matcher(language, slots), texts):
            names.append(name.replace("_", " "))
            before, after = old.written(name, language), new.written(name, language)
            gone = [Line("-", *before[key], key[1]) for key in before if key not in after]
            come = [Line("+", *after[key], key[1]) for key in after if key not in before]
            lines += [*gone, *come]
            if gone or come:
                places += [f"{line.file}:{line.number}" for line in come] or [
                    "{}:{}".format(*p) for p in after.values()
                ]
    if lines:
        return Blame(
            f"heard otherwise: {', '.join(names)}, by these changed wordings:", tuple(lines), next(iter(places), "")
        )
    if names:
        return Blame(
            f"heard otherwise: {', '.join(names)}; no wording has changed, but a threshold or the language's words"
        )
    return Blame("no phrase is heard otherwise: a rule, a situation or code.toml has changed")


def _heard_otherwise(old: Matcher, new: Matcher, texts: Iterable[str]) -> list[str]:
    """The names of phrases, sorted."""
    names: set[str] = set()
    for text in texts:
        before, after = old.heard(text), new.heard(text)
        names |= {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return sorted(names)


def _changes(old: Text, new: Text) -> Iterator[_Change]:
    """The stretches that differ, but for empty lines and comments."""
    for tag, first, last, begin, end in SequenceMatcher(None, old.lines, new.lines, autojunk=False).get_opcodes():
        lines = (*old.lines[first:last], *new.lines[begin:end])
        if tag != "equal" and any(line.strip() and not line.strip().startswith("#") for line in lines):
            yield _Change(old, new, range(first, last), range(begin, end))


def _said_otherwise(call: Call, other: Call) -> list[str]:
    """The sentences of an agent that another did not say there; without any, the first said at another time."""
    ours, theirs = (
        [(text, turn.start) for turn in each.turns if turn.role == "agent" for text in _sentences(turn.text)]
        for each in (call, other)
    )
    texts = [text for text, _ in ours]
    matcher = SequenceMatcher(None, [text for text, _ in theirs], texts, autojunk=False)
    changed = [stretch for tag, _, _, *stretch in matcher.get_opcodes() if tag != "equal"]
    late = (text for (text, start), (_, then) in zip(ours, theirs, strict=False) if start != then)
    return [text for first, last in changed for text in texts[first:last]] if changed else list(late)[:1]


def _sentences(text: str) -> list[str]:
    """The sentences of a text, each as its words between spaces."""
    said = (split_words(text[first:last]) for first, last in sentences(text))
    return [f" {' '.join(words)} " for words in said if words]


def _alone(lines: Sequence[str], place: int) -> range:
    return range(place, place + 1)


def _around(lines: Sequence[str], place: int) -> range:
    """The block of a line: the line above it that is indented less, and all after that one that is indented more."""
    head = next((at for at in range(place, -1, -1) if _indent(lines[at]) < _indent(lines[place])), place)
    end = next((at for at in range(head + 1, len(lines)) if _indent(lines[at]) <= _indent(lines[head])), len(lines))
    return range(head, end)


def _indent(line: str) -> float:
    """How far a line is indented; an empty line is as deep as can be."""
    return len(line) - len(line.lstrip()) if line.strip() else float("inf")


def _holds(lines: Sequence[str], places: range, said: Sequence[str]) -> bool:
    """Whether a line holds a sentence, or a sentence holds what stands in a line."""
    return any(_same(text, sentence) for place in places for text in _texts(lines[place]) for sentence in said)


def _texts(line: str) -> Iterator[str]:
    """What may be said of a line, as words between spaces."""
    for text in _BETWEEN.split(line):
        words = split_words(text)
        if words:
            yield f" {' '.join(words)} "


def _same(text: str, sentence: str) -> bool:
    """Whether they are the same, or one of two words and more is in the other."""
    shorter, longer = sorted((text, sentence), key=len)
    return shorter == longer or (shorter.count(" ") > 2 and shorter in longer)

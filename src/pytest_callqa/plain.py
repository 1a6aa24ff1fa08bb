"""YAML as people write it: every scalar a string, with its line, and nothing that can explode."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import yaml

from pytest_callqa.errors import BadInput, did_you_mean

Plain: TypeAlias = "str | list[Plain] | dict[str, Plain]"
"""What :func:`load` returns: text, lists and tables of text."""

MAX_DEPTH = 20

_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser of libyaml, where PyYAML was built with it: 30 times as fast."""


class Text(str):
    """A scalar that remembers the ``line`` (from 1) it was written on."""

    __slots__ = ("line",)
    line: int

    def __new__(cls, value: str, line: int) -> Text:  # noqa: D102 - told by the class
        text = super().__new__(cls, value)
        text.line = line
        return text


def load(source: str) -> Plain:
    """Parse YAML; scalars and keys become :class:`Text`, ``~`` and an empty value the empty text.

    Raises :class:`BadInput` (``place`` is the line) for bad syntax, anchors and aliases, tags,
    a key given twice and nesting deeper than 20.
    """
    try:
        return _document(yaml.parse(source, Loader=_FAST))
    except (yaml.YAMLError, UnicodeEncodeError):
        return _explained(source)


def _explained(source: str) -> Plain:
    """What the parser in Python makes of it, which decides what is no YAML and says it more clearly."""
    try:
        return _document(yaml.parse(source, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise BadInput(
            f"not valid YAML: {error.problem}; check the indentation and the quotes",
            place=f"line {mark.line + 1}" if mark else "",
        ) from None
    except yaml.YAMLError as error:
        raise BadInput(f"not valid YAML: {str(error).splitlines()[0]}") from None


def line_of(value: Plain) -> int:
    """The line of a text, or of the first text in a list or table; 1 where there is none."""
    if isinstance(value, Text):
        return value.line
    inner = value if isinstance(value, list | dict) else ()
    return next((line_of(item) for item in inner), 1)


def _document(events: Iterator[yaml.Event]) -> Plain:
    beginning = (yaml.StreamStartEvent, yaml.DocumentStartEvent)
    first = next(event for event in events if not isinstance(event, beginning))
    return Text("", 1) if isinstance(first, yaml.StreamEndEvent) else _value(first, events, 0)


def _value(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Plain:
    line = _line(event)
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise BadInput("anchors and aliases (& and *) are not allowed; write the value out", place=f"line {line}")
    tag: str | None = getattr(event, "tag", None)
    if tag not in (None, "!"):
        raise BadInput(f"the tag {tag} is not allowed; write plain text", place=f"line {line}")
    if depth > MAX_DEPTH:
        raise BadInput(f"nested deeper than {MAX_DEPTH} levels; flatten it", place=f"line {line}")
    if isinstance(event, yaml.ScalarEvent):
        empty = event.implicit[0] and event.value in ("~", "null")
        return Text("" if empty else event.value, line)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Plain] = []
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            items.append(_value(item, events, depth + 1))
        return items
    table: dict[str, Plain] = {}
    while not isinstance(key_event := next(events), yaml.MappingEndEvent):
        key = _value(key_event, events, depth + 1)
        place = f"line {_line(key_event)}"
        if not isinstance(key, str):
            raise BadInput("a key must be text, not a list or a table", place=place)
        if key in table:
            raise BadInput(f"the key {str(key)!r} is given twice; keep one", place=place)
        table[key] = _value(next(events), events, depth + 1)
    return table


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


class Checked:
    """Reads the parts of a file and gathers all its faults in ``problems``, each with file and line."""

    def __init__(self, file: Path = Path()) -> None:
        self.file = file
        self.problems: list[str] = []

    def items(self, body: Plain) -> Sequence[Plain]:
        """A list, or the one thing that stands for a list of one."""
        return body if isinstance(body, list) else [body] if body else []

    def texts(self, body: Plain) -> list[str]:
        """The texts of a list."""
        return [item for item in self.items(body) if isinstance(item, str)]

    def table(self, body: Plain | None, what: str) -> Mapping[str, Plain]:
        """A table; another thing is a fault, and read as an empty one."""
        if body and not isinstance(body, dict):
            self.fault(body, f"`{what}` is a table of names")
        return body if isinstance(body, dict) else {}

    def known(self, table: Mapping[str, Plain], known: Collection[str], what: str) -> None:
        """A key that is none of these is a fault."""
        for key in table:
            if key not in known:
                self.fault(key, f"{str(key)!r} is no {what}; there are {', '.join(known)}.{did_you_mean(key, known)}")

    def fault(self, at: Plain, problem: str) -> None:
        """Note what is wrong, and where."""
        self.problems.append(f"{self.file}, line {line_of(at)}: {problem}")

"""Rules of other vendors as a rule book to start from: phrases, one rule a category, and what could not be imported.

Amazon Transcribe Call Analytics categories (JSON), and phrase lists as Contact Lens users keep them: a JSON table
of lists, or text with a phrase a line.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeAlias

from pytest_callqa.errors import BadInput
from pytest_callqa.phrases import PhraseBook, bare_of, split_words
from pytest_callqa.whole import write_whole

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

_SPEAKERS = {"AGENT": "agent", "CUSTOMER": "customer"}
_CANNOT = {
    "InterruptionFilter": "how long parties speak at once is no question of phrases; write it with `call.utterances`",
    "SentimentFilter": "nothing here guesses at feelings; name what is said in them, such as complaints, as a phrase",
}
_MAX_BYTES = 5_000_000
_BULLET = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+")


@dataclass(slots=True)
class Imported:
    """A rule book in the making: phrases by name, the functions of its rules, and what was left out."""

    phrases: dict[str, list[str]] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """What its rules and lists are called: no two the same."""

    def phrase_file(self, language: str) -> str:
        """The phrases as YAML; vendors match exactly, so the threshold is 100 until you lower it."""
        lines = [f"language: {language}", "phrases:"]
        for name, wordings in self.phrases.items():
            lines += [f"  {name}:", "    any:"]
            lines += [f"      - {json.dumps(wording, ensure_ascii=False)}" for wording in wordings]
            lines += ["    threshold: 100        # vendors match word for word; 85 forgives recognition errors"]
        return "\n".join(lines) + "\n"

    def rule_file(self, source: str) -> str:
        """The rules as a test module."""
        head = [
            json.dumps(f"Imported from {source}: read each rule, and say whether its category is a good sign."),
            "",
            "from pathlib import Path",
            "",
            "from pytest_callqa import PhraseBook, rule",
            "",
            'phrases = PhraseBook.load(Path(__file__).parent / "phrases")',
        ]
        left = ["", "# Not imported:", *(f"# - {each}" for each in self.left_out)] if self.left_out else []
        return "\n".join([*head, *left, *self.rules]) + "\n"


def read_rules(file: Path) -> Imported:
    """Read a vendor's file by its content. Raises :class:`BadInput` when it is neither kind."""
    try:
        raw = file.read_bytes()
        text = raw[:_MAX_BYTES].decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", file=str(file)) from None
    if len(raw) > _MAX_BYTES:
        raise BadInput(f"is larger than {_MAX_BYTES:,} bytes; that is no list of rules", file=str(file))
    imported = Imported()
    if not text.lstrip().startswith(("{", "[")):
        if file.suffix.lower() in (".csv", ".tsv"):
            raise BadInput("is a table; give the column with the phrases as text, a phrase a line", file=str(file))
        _add_list(imported, file.stem, [_BULLET.sub("", line) for line in text.splitlines() if line.strip()])
    else:
        try:
            document: Json = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise BadInput(f"not valid JSON: {error}", file=str(file)) from None
        categories = [category for category in _categories(document) if category.get("Rules")]
        for number, category in enumerate(categories, 1):
            _add_category(imported, number, category)
        if not categories:
            tables = document if isinstance(document, dict) else {file.stem: document}
            for name, phrases in tables.items():
                _add_list(imported, name, _list(phrases))
    if not imported.phrases and not imported.rules and not imported.left_out:
        raise BadInput("holds neither categories (`Rules`) nor lists of phrases", file=str(file))
    return imported


def write_book(imported: Imported, folder: Path, *, source: str, language: str) -> list[Path]:
    """Write the rule book. Raises :class:`BadInput` rather than overwrite anything."""
    files = {
        folder / "code.toml": (
            f'title = "Imported"\norganisation = ""\nlanguages = ["{language}"]\n\n'
            '[sections]\n"1" = "Imported"\n\n[weights]\ncritical = 5\nmajor = 3\nminor = 1\n'
        ),
        folder / "phrases" / f"{language}.yaml": imported.phrase_file(language),
        folder / "test_imported.py": imported.rule_file(source),
    }
    for file in files:
        if file.exists():
            raise BadInput("exists already; name another folder, nothing was changed", file=str(file))
    for file, text in files.items():
        write_whole(file, [text.encode()], mode=0o644)
    return list(files)


def _list(value: Json | None) -> list[Json]:
    return value if isinstance(value, list) else []


def _categories(document: Json) -> Iterator[dict[str, Json]]:
    found = document.get("Categories", [document]) if isinstance(document, dict) else document
    yield from (category for category in _list(found) if isinstance(category, dict))


def _add_list(imported: Imported, title: str, texts: Sequence[Json]) -> None:
    wordings = _wordings(imported, title, texts)
    if not wordings:
        return
    name = _name(imported, title)
    imported.phrases[name] = wordings
    imported.rules.append(_function(len(imported.rules) + 1, name, title, [f"assert call.agent.says(phrases.{name})"]))


def _wordings(imported: Imported, title: str, texts: Iterable[Json]) -> list[str]:
    """The phrases among the texts in this notation; those without words are left out."""
    found = []
    for text in texts:
        if isinstance(text, str) and split_words(plain := _plain(text)):
            found.append(plain)
        else:
            imported.left_out.append(f"{title}: {json.dumps(text, ensure_ascii=False)} holds no words")
    return found


def _add_category(imported: Imported, number: int, category: Mapping[str, Json]) -> None:
    title = str(category.get("CategoryName") or f"category {number}")
    name = _name(imported, title)
    lines: list[str] = []
    for place, each in enumerate(_list(category.get("Rules")), 1):
        for kind, body in each.items() if isinstance(each, dict) else ():
            table = body if isinstance(body, dict) else {}
            line, why = _condition(imported, f"{name}_{place}", kind, table)
            lines += [line] if line else []
            imported.left_out += [f"{title}, rule {place}, {kind}: {why}"] if why else []
    if lines:
        imported.rules.append(_function(len(imported.rules) + 1, name, title, lines))


def _condition(imported: Imported, name: str, kind: str, body: Mapping[str, Json]) -> tuple[str, str]:
    """A filter as an assertion, or why it cannot be one."""
    no = "not " if body.get("Negate") is True else ""
    if kind == "TranscriptFilter":
        wordings = _wordings(imported, name, _list(body.get("Targets")))
        if not wordings:
            return "", "it has no phrases"
        imported.phrases[name] = wordings
        speaker = _SPEAKERS.get(str(body.get("ParticipantRole")), "everyone")
        return f"assert {no}call.{speaker}.says(phrases.{name}){_span(body)}", ""
    if kind == "NonTalkTimeFilter":
        threshold = _seconds(body.get("Threshold"))
        where = " and ".join(_bounds(body, "silence.start"))
        quiet = f"[silence for silence in call.silences({threshold:g}){' if ' + where if where else ''}]"
        return f"assert {no}{quiet}", ""
    return "", _CANNOT.get(kind, "this kind of filter is not known")


def _span(body: Mapping[str, Json]) -> str:
    """The time range of a filter as questions to a finding."""
    times, parts = _table(body, "AbsoluteTimeRange"), _table(body, "RelativeTimeRange")
    asked = [
        (".before({:g})", times.get("First")),
        (".after(call.end - {:g})", times.get("Last")),
        (".after({:g})", times.get("StartTime")),
        (".before({:g})", times.get("EndTime")),
    ]
    share = [
        (".before(call.end * {:g})", parts.get("First")),
        (".after(call.end - call.end * {:g})", parts.get("Last")),
        (".after(call.end * {:g})", parts.get("StartPercentage")),
        (".before(call.end * {:g})", parts.get("EndPercentage")),
    ]
    return "".join(
        [form.format(_seconds(value)) for form, value in asked if value is not None]
        + [form.format(_seconds(value) * 10) for form, value in share if value is not None]
    )


def _bounds(body: Mapping[str, Json], what: str) -> list[str]:
    """The same as comparisons."""
    return [
        f"{what} {'<' if how == 'before' else '>='} {bound}"
        for how, bound in re.findall(r"\.(before|after)\(([^()]*)\)", _span(body))
    ]


def _table(body: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def _seconds(milliseconds: Json | None) -> float:
    return float(milliseconds) / 1000 if isinstance(milliseconds, int | float) else 0.0


def _function(number: int, name: str, title: str, lines: Sequence[str]) -> str:
    title = " ".join(title.split())
    head = f"\n\n@rule({json.dumps(f'1.{number}')}, {json.dumps(title, ensure_ascii=False)})\ndef test_{name}(call):\n"
    asks = "    # passes where the category holds; if it is a bad sign, turn the assertions round\n"
    return head + asks + "\n".join(f"    {line}" for line in lines)


def _plain(text: str) -> str:
    """A vendor's phrase in this notation: their signs mean nothing here."""
    return " ".join(re.sub(r"[()\[\]{}|<>^$~/*\"]|\.(?=\.)|\.$", " ", text).split())


def _name(imported: Imported, title: str) -> str:
    """A name for what is called so, that is no word of Python or of phrase books and that nothing else has."""
    name = re.sub(r"[^a-z0-9]+", "_", bare_of(title).lower()).strip("_")
    if not re.match(r"[a-z]", name) or keyword.iskeyword(name) or hasattr(PhraseBook, name):
        name = f"list_{name}".rstrip("_")
    free = next(
        each for number in count(1) if (each := f"{name}_{number}" if number > 1 else name) not in imported.names
    )
    imported.names.add(free)
    return free

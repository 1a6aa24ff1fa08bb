"""What phrase files say about their languages, read with all faults at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import msgspec
from msgspec.structs import replace

from pytest_callqa import plain
from pytest_callqa.errors import BadBook, BadInput, did_you_mean
from pytest_callqa.phrases.notation import SLOTS, Slot, Wording, parse_wording, required
from pytest_callqa.phrases.words import primary, split_words, tokens

THRESHOLD = 80.0
"""Score from 0 to 100 that a wording needs, unless its phrase or language says otherwise."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One phrase in one language, as written; ``meaning`` is the likeness from which it is heard in other words."""

    parts: Mapping[str, tuple[Wording, ...]]
    unless: tuple[Wording, ...]
    threshold: float
    meaning: float = 0.0
    near: tuple[str, ...] = ()


class Language(msgspec.Struct):
    """Everything the phrase files say about one language; ``semantic`` is the folder of its embedding model."""

    fillers: frozenset[str] = frozenset()
    light: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    backchannels: frozenset[str] = frozenset()
    forbidden: set[str] = msgspec.field(default_factory=set)
    fold: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    threshold: float = THRESHOLD
    semantic: str = ""
    entries: dict[str, Entry] = msgspec.field(default_factory=dict)


class Loader:
    """Collects phrase files and every fault in them; no phrase may have a name that is ``taken``."""

    def __init__(self, *, taken: Collection[str]) -> None:
        self._taken = taken
        self._languages: dict[str, Language] = {}
        self._faults: list[tuple[str, int, str]] = []
        self._pending: list[tuple[str, str, str, plain.Plain]] = []
        self._forbidden: list[tuple[str, str, str]] = []

    def add(self, file: str, text: str) -> None:
        """Read a file's language data; its phrases wait for those of the other files."""
        try:
            document = plain.load(text)
        except BadInput as error:
            line = int(error.place.removeprefix("line ") or 1)
            self._faults.append((file, line, error.problem))
            return
        if not isinstance(document, dict) or not isinstance(document.get("language"), str):
            self._faults.append((file, 1, "expected `language: en` and `phrases:` at the top"))
            return
        code = primary(str(document["language"]))
        language = self._languages.setdefault(code, Language())
        self._unknown(
            file, document, ("language", *_WORD_LISTS, "forbidden", "expand", "threshold", "semantic", "phrases")
        )
        for key in _WORD_LISTS:
            words = {word for text in self._texts(file, document, key) for word in split_words(text)}
            setattr(language, key, getattr(language, key) | words)
        for text in self._texts(file, document, "fillers"):
            if isinstance(document["fillers"], list) and len(words := {token.text for token in tokens(text)}) > 1:
                one_by_one = ", ".join(sorted(words))
                self._fault(file, text, f"a filler is one word, not {str(text)!r}; write {one_by_one} if each is one")
        for name in self._texts(file, document, "forbidden"):
            language.forbidden.add(str(name))
            self._forbidden.append((file, code, name))
        self._expand(file, language, document.get("expand") or {})
        if "threshold" in document:
            language.threshold = self._number(file, document["threshold"])
        if isinstance(model := document.get("semantic"), str) and model:
            language.semantic = str(Path(file).parent / model)
        phrases = document.get("phrases") or {}
        if not isinstance(phrases, dict):
            self._fault(file, phrases, "`phrases` must be a table of names")
            return
        for name, body in phrases.items():
            self._pending.append((file, code, name, body))

    def _expand(self, file: str, language: Language, table: plain.Plain) -> None:
        if not isinstance(table, dict):
            self._fault(file, table, "`expand` must be a table of words, such as `don't: do not`")
            return
        for word, meant in table.items():
            short = [token.text for token in tokens(word)]
            full = tuple(token.text for token in tokens(meant)) if isinstance(meant, str) else ()
            if len(short) == 1 and full:
                language.fold[short[0]] = full
            else:
                self._fault(file, word, f"{str(word)!r} must be one word and stand for words, such as `don't: do not`")

    def finish(self) -> dict[str, Language]:
        """Parse the phrases, now that every file's language data is known: the languages by code.

        Raises :class:`BadBook` with all faults at once, each with file and line.
        """
        for language in self._languages.values():
            spoken = {word: full for word, full in language.fold.items() if word not in language.fillers}
            language.fold = {word: tuple(w for w in f if w not in language.fillers) for word, f in spoken.items()}
        for file, code, name, body in self._pending:
            language = self._languages[code]
            if name in language.entries:
                self._fault(file, name, f"the phrase {str(name)!r} is already defined in {code!r}")
            elif not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                self._fault(file, name, f"{str(name)!r} must be lower-case words joined by _")
            elif name in self._taken:
                self._fault(file, name, f"{str(name)!r} is a word of phrase books themselves; take another name")
            else:
                language.entries[str(name)] = self._entry(file, language, name, body)
        for file, code, name in self._forbidden:
            entries = self._languages[code].entries
            if name not in entries:
                self._fault(file, name, f"`forbidden` names no phrase {str(name)!r}.{did_you_mean(name, entries)}")
            elif entries[name].meaning:
                self._fault(file, name, f"{name} is forbidden, and likeness convicts nobody; remove its `meaning`")
        for language in self._languages.values():
            self._resolve(language)
        if self._faults:
            raise BadBook(f"{file}, line {line}: {problem}" for file, line, problem in sorted(self._faults))
        return self._languages

    def _entry(self, file: str, language: Language, name: str, body: plain.Plain) -> Entry:
        table: Mapping[str, plain.Plain] = (
            body if isinstance(body, dict) else {plain.Text("any", plain.line_of(name)): body}
        )
        self._unknown(file, table, ("any", "parts", "unless", "near", "threshold", "meaning"))
        if ("any" in table) == ("parts" in table):
            self._fault(file, name, f"{name} needs either `any` (wordings) or `parts`")
        parts = table.get("parts", {})
        if not isinstance(parts, dict):
            self._fault(file, name, f"`parts` of {name} must be a table of part names")
            parts = {}
        sets: dict[str, tuple[Mapping[str, plain.Plain], str]] = {str(part): (parts, part) for part in parts}
        if "any" in table:
            sets[""] = (table, "any")
        groups: dict[str, tuple[Wording, ...]] = {}
        for part, (inside, key) in sets.items():
            faults = len(self._faults)
            groups[part] = self._wordings(file, language, inside, key)
            if not groups[part] and len(self._faults) == faults:
                self._fault(file, name, f"{name}{part and '.' + part} has no wording")
        threshold = self._number(file, table["threshold"]) if "threshold" in table else language.threshold
        meaning = self._number(file, table["meaning"]) if "meaning" in table else 0.0
        if meaning and "any" not in table:
            self._fault(file, table["meaning"], f"{name} is heard in parts, which have no meaning; remove `meaning`")
        near = tuple(str(text) for text in self._texts(file, table, "near"))
        return Entry(groups, self._wordings(file, language, table, "unless"), threshold, meaning, near)

    def _wordings(
        self, file: str, language: Language, table: Mapping[str, plain.Plain], key: str
    ) -> tuple[Wording, ...]:
        found = []
        for text in self._texts(file, table, key):
            try:
                wording = parse_wording(text, language.fold)
            except BadInput as error:
                self._fault(file, text, error.problem)
                continue
            for name in {each.name for form in wording.forms for each in form if isinstance(each, Slot)} - {*SLOTS}:
                if near := get_close_matches(name, SLOTS, n=1, cutoff=0.8):  # others stand for any words
                    self._fault(file, text, f"no setting fills {{{name}}}. Did you mean {{{near[0]}}}?")
            if any(language.fillers.issuperset(required(form)) for form in wording.forms):
                self._fault(file, text, f"the wording {str(text)!r} is nothing but fillers, which are not heard")
            found.append(replace(wording, place=f"{file}\n{plain.line_of(text)}"))
        return tuple(found)

    def _resolve(self, language: Language) -> None:
        """Replace ``<name>`` by the wordings it stands for, with their guards."""
        entries = dict(language.entries)

        def expand(wordings: tuple[Wording, ...], guards: list[Wording], within: tuple[str, ...]) -> Iterator[Wording]:
            for wording in wordings:
                if not wording.refers_to:
                    yield wording
                    continue
                file, line = wording.place.split("\n")
                target = entries.get(wording.refers_to)
                if target is None:
                    hint = did_you_mean(wording.refers_to, entries)
                    self._faults.append((file, int(line), f"<{wording.refers_to}> names no phrase.{hint}"))
                elif wording.refers_to in within:
                    circle = " -> ".join((*within, wording.refers_to))
                    self._faults.append((file, int(line), f"phrases refer to each other in a circle: {circle}"))
                else:
                    inner = tuple(w for group in target.parts.values() for w in group)
                    deeper = (*within, wording.refers_to)
                    own = target.threshold
                    guards.extend(replace(w, threshold=w.threshold or own) for w in expand(target.unless, [], deeper))
                    yield from expand(inner, guards, deeper)

        for name, entry in entries.items():
            guards: list[Wording] = []
            parts = {part: tuple(expand(wordings, guards, (name,))) for part, wordings in entry.parts.items()}
            unless = (*expand(entry.unless, [], (name,)), *guards)
            language.entries[name] = replace(entry, parts=parts, unless=unless)

    def _texts(self, file: str, table: Mapping[str, plain.Plain], key: str) -> list[str]:
        value = table.get(key, [])
        if isinstance(value, str):
            return [value] if value else []
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return [item for item in value if isinstance(item, str)]
        where = next(name for name in table if name == key)
        self._fault(file, where, f"`{key}` must be a list of texts; put quotes around a text with a colon")
        return []

    def _number(self, file: str, value: plain.Plain) -> float:
        try:
            number = float(value) if isinstance(value, str) else -1.0
        except ValueError:
            number = -1.0
        if not 0 < number <= 100:
            given = repr(str(value)) if isinstance(value, str) else "a list or table"
            self._fault(file, value, f"a threshold is a number above 0 and up to 100, not {given}")
            return THRESHOLD
        return number

    def _unknown(self, file: str, table: Mapping[str, plain.Plain], known: Sequence[str]) -> None:
        for key in table:
            if key not in known:
                hint = did_you_mean(key, known) or f" Use {', '.join(known)}."
                self._fault(file, key, f"unknown key {str(key)!r}.{hint}")

    def _fault(self, file: str, at: plain.Plain, problem: str) -> None:
        self._faults.append((file, plain.line_of(at), problem))


_WORD_LISTS = ("fillers", "light", "numbers", "backchannels")

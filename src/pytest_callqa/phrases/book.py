"""All phrases of a rule book by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from msgspec.structs import replace

from pytest_callqa.errors import BadBook, did_you_mean
from pytest_callqa.phrases.files import Language, Loader
from pytest_callqa.phrases.matcher import Matcher
from pytest_callqa.phrases.notation import parse_wording, plain_sentences
from pytest_callqa.phrases.words import primary


@dataclass(frozen=True, slots=True, eq=False)
class Phrase:
    """A phrase by name; ``book`` knows its wordings in every language."""

    name: str
    book: PhraseBook = field(repr=False)

    def __str__(self) -> str:
        return self.name.replace("_", " ")


class PhraseBook:
    """All phrases of a rule book: ``book.apology`` is the phrase *apology* in whatever language a call is in."""

    def __init__(self, languages: Mapping[str, Language]) -> None:
        self._languages = dict(languages)
        names = dict.fromkeys(name for language in languages.values() for name in language.entries)
        self._phrases = {name: Phrase(name, self) for name in names}
        self._matcher = lru_cache(maxsize=64)(self._build)

    @classmethod
    def load(cls, folder: Path | str) -> PhraseBook:
        """Read every ``*.yaml`` of a folder; files of one language are merged.

        Raises :class:`BadBook` with all faults at once, each with file and line.
        """
        files = sorted(Path(folder).glob("*.yaml"))
        if not files:
            raise BadBook([f"{folder}: no phrases; expected files such as en.yaml there"])
        texts, faults = {}, []
        for file in files:
            try:
                texts[str(file)] = file.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                faults.append(f"{file}: cannot be read: {error}; save it as text in UTF-8")
        if faults:
            raise BadBook(faults)
        return cls.parse(texts)

    @classmethod
    def parse(cls, files: Mapping[str, str]) -> PhraseBook:
        """Like :meth:`load`, from texts by file name."""
        loader = Loader(taken=dir(cls))
        for file, text in files.items():
            loader.add(file, text)
        return cls(loader.finish())

    def __getattr__(self, name: str) -> Phrase:
        phrase = None if name.startswith("_") else self._phrases.get(name)
        if phrase is None:
            raise AttributeError(f"no phrase is called {name!r}.{did_you_mean(name, self._phrases)}")
        self.__dict__[name] = phrase  # found without this method from now on
        return phrase

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._phrases]

    def those(self, names: Iterable[str]) -> Iterator[Phrase]:
        """The phrases of these names."""
        return map(self._phrases.__getitem__, names)

    @property
    def names(self) -> tuple[str, ...]:
        """Every phrase's name, sorted."""
        return tuple(sorted(self._phrases))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages the book has wordings in, as primary subtags (``en``)."""
        return tuple(sorted(self._languages))

    def speaks(self, language: str) -> bool:
        """Whether it has phrases in a language (``en-US`` means ``en``)."""
        return primary(language) in self._languages

    def wordings(self, name: str, language: str) -> tuple[str, ...]:
        """The wordings of a phrase in a language, as written; empty when it has none."""
        entry = self._languages[primary(language)].entries.get(name)
        return tuple(str(w.text) for wordings in entry.parts.values() for w in wordings) if entry else ()

    def written(self, name: str, language: str) -> Mapping[tuple[str, str], tuple[str, int]]:
        """File and line of every wording of a phrase, by its part (``!`` for a guard) and its text; of none: empty.

        Those of phrases that it refers to are among them.
        """
        entry = self._languages[primary(language)].entries.get(name)
        groups = {**entry.parts, "!": entry.unless} if entry else {}
        places = {(str(part), str(w.text)): w.place.split("\n") for part, wordings in groups.items() for w in wordings}
        return {key: (file, int(line)) for key, (file, line) in places.items()}

    def sentences(
        self, name: str, language: str, slots: Mapping[str, Sequence[str]] | None = None
    ) -> Mapping[str, tuple[str, ...]]:
        """What somebody may say for each part of a phrase ("" for one without parts), the code's own wording first.

        One sentence a wording: the first of its alternatives, what is optional left out, slots filled with their
        first value. Left out are regular expressions, and wordings with a slot that has none.
        """
        entry = self._languages[primary(language)].entries.get(name)
        parts = entry.parts if entry else {}
        return {part: plain_sentences(wordings, slots or {}) for part, wordings in parts.items()}

    def near_misses(
        self, name: str, language: str, slots: Mapping[str, Sequence[str]] | None = None
    ) -> tuple[str, ...]:
        """What comes close to a phrase and must not be heard as it: its ``near`` texts, and its guards as sentences."""
        entry = self._languages[primary(language)].entries.get(name)
        return (*entry.near, *plain_sentences(entry.unless, slots or {})) if entry else ()

    def guards_heard(
        self, name: str, language: str, text: str, slots: Mapping[str, Sequence[str]] | None = None
    ) -> tuple[str, ...]:
        """The guards of a phrase that are heard in a text, as they are written."""
        spoken = self._languages[primary(language)]
        entry = spoken.entries[name]
        alone = {
            str(number): replace(entry, parts={"": (guard,)}, unless=(), meaning=0.0)
            for number, guard in enumerate(entry.unless)
        }
        heard = Matcher(replace(spoken, entries=alone), slots or {}).heard(text)
        return tuple(str(guard.text) for number, guard in enumerate(entry.unless) if str(number) in heard)

    def matcher(self, language: str, slots: Mapping[str, Sequence[str]] | None = None) -> Matcher:
        """The matcher for a language (``en-US`` means ``en``) with these slot values; kept for reuse.

        Raises :class:`KeyError` for a language without phrases.
        """
        filled = tuple(sorted((name, tuple(values)) for name, values in (slots or {}).items() if values))
        return self._matcher(primary(language), filled)

    def only(self, name: str, language: str, *, threshold: float, more: Sequence[str] = ()) -> PhraseBook:
        """A book of this one phrase in one language, with another threshold and more wordings: for tuning."""
        spoken = self._languages[primary(language)]
        entry = spoken.entries[name]
        extra = tuple(parse_wording(text, spoken.fold) for text in more)
        parts = {part: (*wordings, *extra) for part, wordings in entry.parts.items()}
        alone = replace(spoken, entries={name: replace(entry, parts=parts, threshold=threshold)})
        return PhraseBook({primary(language): alone})

    def _build(self, language: str, slots: tuple[tuple[str, tuple[str, ...]], ...]) -> Matcher:
        return Matcher(self._languages[language], dict(slots))

"""Trying a text on a phrase book, and tuning a phrase on labelled texts: never scored on what it was tuned on."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_callqa.errors import BadInput, did_you_mean
from pytest_callqa.phrases import Hit, Matcher, PhraseBook, join_words, split_words

WORTH_SHOWING = 50.0
"""Score below which a near miss says nothing."""

THRESHOLDS = tuple(float(score) for score in range(60, 101, 2))
MAX_WORDINGS = 8
YES = frozenset({"1", "yes", "y", "true", "x"})
NO = frozenset({"", "0", "no", "n", "false"})


# --- trying a text ------------------------------------------------------------------------


def try_text(
    book: PhraseBook,
    language: str,
    text: str,
    slots: Mapping[str, Sequence[str]] | None = None,
    *,
    misses: int = 5,
) -> list[str]:
    """Lines that tell which phrases are heard in the text, where and how well, and what came nearest."""
    matcher = book.matcher(language, slots)
    hits = matcher.hits(text)
    lines = [_hit_line(name, hit, text) for name, found in sorted(hits.items()) for hit in found]
    lines = ["heard:", *lines] if lines else ["heard: nothing"]
    near: list[tuple[float, str]] = []
    for name in book.names:
        hit = None if name in hits or not matcher.parts(name) else matcher.nearest(text, name, above=WORTH_SHOWING)
        if hit is None:
            continue
        needs = matcher.threshold(name)
        short = needs - hit.score
        why = f"needs {needs:g}"
        if short <= 0:
            guards = book.guards_heard(name, language, text, slots)
            why = f"silenced by `unless`: {guards[0]}" if guards else "needs more by its own ~"
        near.append((short, f"{_hit_line(name, hit, text)}, {why}"))
    if near:
        lines += ["nearest misses:", *(line for _, line in sorted(near)[:misses])]
    return lines


def _hit_line(name: str, hit: Hit, text: str) -> str:
    part = f" ({hit.part})" if hit.part else ""
    return f"  {name}{part}: {hit.score:.0f}, “{text[hit.start : hit.end]}” at {hit.start}-{hit.end}"


# --- labelled texts -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text, whether the phrase is said in it, and the call (or dialogue) it is from."""

    text: str
    positive: bool
    group: str

    @property
    def held_out(self) -> bool:
        """Whether its group is kept for scoring; the same on every machine."""
        return hashlib.sha256(self.group.encode()).digest()[0] % 2 == 1


def read_labelled(
    file: Path, phrase: str, *, text: str = "text", label: str = "label", group: str = "group"
) -> list[Labelled]:
    """The rows of a CSV file, between commas, semicolons or tabs.

    A label is yes or no (1, 0, true, false …) or names phrases, joined by ``|``. Raises :class:`BadInput` for a file
    that cannot be read, a lacking column, a row without a group, and labels none of which says yes.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines(keepends=True)
        rows = csv.DictReader(lines, delimiter=max(",;\t", key="".join(lines[:1]).count), strict=True)
        columns = rows.fieldnames or []
        for option, column in (("text", text), ("label", label), ("group", group)):
            if column not in columns:
                hint = did_you_mean(column, columns) or f" It has {', '.join(columns) or 'none'}."
                raise BadInput(f"no column {column!r}; name it with --{option}.{hint}", file=str(file))
        labelled, answers = [], set()
        for row in rows:
            if not (row[group] or "").strip():
                problem = f"no {group}; the halves are made of whole groups, so each text needs the call it is from"
                raise BadInput(problem, file=str(file), place=f"line {rows.line_num}")
            given = {answer.strip().lower() for answer in (row[label] or "").split("|")}
            labelled.append(Labelled(row[text] or "", phrase in given or bool(given & YES), row[group]))
            answers |= given - NO
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"cannot be read as CSV: {error}; save it as CSV in UTF-8", file=str(file)) from None
    if not any(said.positive for said in labelled):
        told = ", ".join(sorted(answers)[:5]) or "no"
        raise BadInput(f"no label says yes (1, yes, true, x) or {phrase}; they say {told}", file=str(file))
    return labelled


# --- tuning -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Score:
    """How many texts were rightly heard, wrongly heard and missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """The share of what was heard that was said."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """The share of what was said that was heard."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed) if self.right else 0.0

    def __str__(self) -> str:
        return f"precision {self.precision:.3f}, recall {self.recall:.3f}, F1 {self.f1:.3f}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What tuning found; the scores are those on the held-out part."""

    phrase: str
    tuned_on: int
    scored_on: int
    threshold: float
    best_threshold: float
    wordings: tuple[tuple[str, str], ...]
    """New wordings, each with a text that was missed without it."""
    before: Score
    with_threshold: Score
    with_wordings: Score
    unseen: int
    """How many different texts were scored that are not among those tuned on."""
    on_unseen: Score
    """The score on these, with threshold and wordings."""

    def lines(self) -> list[str]:
        """The proposal as text."""
        lines = [
            f"{self.phrase}: tuned on {self.tuned_on} texts, scored on {self.scored_on} others, of other groups",
            f"  threshold {self.threshold:g} (now):       {self.before}",
            f"  threshold {self.best_threshold:g} (proposed):  {self.with_threshold}",
        ]
        if self.wordings:
            lines += [f"  with these wordings too:  {self.with_wordings}"]
            lines += [f"    - {wording}    # as in “{text}”" for wording, text in self.wordings]
        if self.unseen:
            return [*lines, f"  on {self.unseen} texts that were not among those tuned on: {self.on_unseen}"]
        return [
            *lines,
            "  every text scored is also among those tuned on: mark more calls, to learn how it does on others",
        ]


def tune(book: PhraseBook, language: str, phrase: str, labelled: Sequence[Labelled]) -> Proposal:
    """Propose a threshold and wordings from one half of the groups; score them on the other.

    Raises :class:`BadInput` when the phrase is unknown or in parts, or when a half lacks examples.
    """
    if phrase not in book.names:
        raise BadInput(f"no phrase is called {phrase!r}.{did_you_mean(phrase, book.names)}")
    if book.matcher(language).parts(phrase) != ("",):
        raise BadInput(f"{phrase!r} is in parts, or has no wordings in {language!r}; tune the phrases it is made of")
    tuning = [said for said in labelled if not said.held_out]
    scoring = [said for said in labelled if said.held_out]
    for half, name in ((tuning, "tune on"), (scoring, "score on")):
        if {said.positive for said in half} != {True, False}:
            raise BadInput(f"too few groups to {name}: {len(half)} texts there; both answers are needed in each half")
    now = book.matcher(language).threshold(phrase)

    def with_(threshold: float, more: Sequence[str] = ()) -> Matcher:
        return book.only(phrase, language, threshold=threshold, more=more).matcher(language)

    scores = {threshold: score(with_(threshold), phrase, tuning) for threshold in {*THRESHOLDS, now}}
    best = max(scores, key=lambda threshold: (round(scores[threshold].f1, 4), -abs(threshold - now)))
    added: list[tuple[str, str]] = []
    reached = scores[best].f1
    for wording, example in _missing(with_(best), phrase, tuning):
        tried = score(with_(best, [*(w for w, _ in added), wording]), phrase, tuning)
        if tried.f1 > reached:
            added.append((wording, example))
            reached = tried.f1
        if len(added) == MAX_WORDINGS:
            break
    proposed = with_(best, [wording for wording, _ in added])
    known = {tuple(split_words(said.text)) for said in tuning}
    unseen = {words: said for said in scoring if (words := tuple(split_words(said.text))) not in known}
    return Proposal(
        phrase=phrase,
        tuned_on=len(tuning),
        scored_on=len(scoring),
        threshold=now,
        best_threshold=best,
        wordings=tuple(added),
        before=score(with_(now), phrase, scoring),
        with_threshold=score(with_(best), phrase, scoring),
        with_wordings=score(proposed, phrase, scoring),
        unseen=len(unseen),
        on_unseen=score(proposed, phrase, unseen.values()),
    )


def score(matcher: Matcher, phrase: str, labelled: Iterable[Labelled]) -> Score:
    """Count what the matcher hears of the phrase against the labels."""
    counts = Counter((said.positive, phrase in matcher.hits(said.text)) for said in labelled)
    return Score(counts[True, True], counts[False, True], counts[True, False])


def _missing(matcher: Matcher, phrase: str, tuning: Sequence[Labelled]) -> Iterator[tuple[str, str]]:
    """Stretches of words that several missed texts of different groups share and hardly any other, best first."""
    groups: dict[str, set[str]] = {}
    examples: dict[str, str] = {}
    elsewhere: Counter[str] = Counter()
    for said in tuning:
        stretches = set(_stretches(split_words(said.text)))
        if not said.positive:
            elsewhere.update(stretches)
        elif phrase not in matcher.hits(said.text):
            for stretch in stretches:
                groups.setdefault(stretch, set()).add(said.group)
                examples.setdefault(stretch, said.text)
    shared = [
        (len(found), len(stretch), stretch)
        for stretch, found in groups.items()
        if len(found) > 1 and elsewhere[stretch] * 9 <= len(found)
    ]
    for _, _, stretch in sorted(shared, reverse=True)[: 5 * MAX_WORDINGS]:
        yield stretch, examples[stretch]


def _stretches(words: Sequence[str]) -> Iterator[str]:
    for size in range(1, 6):
        for start in range(len(words) - size + 1):
            stretch = words[start : start + size]
            if sum(map(len, stretch)) > 1:
                yield join_words(stretch)

"""People against rules: how far both say the same of the same calls, and where they differ."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_callqa.errors import BadInput, did_you_mean
from pytest_callqa.gate.baseline import name_of
from pytest_callqa.ledger import Cell, Entry, Exhibit
from pytest_callqa.report.model import Ledgers
from pytest_callqa.rules import clause_order
from pytest_callqa.verdict import Outcome, wilson

WORDS = {
    "p": ("passed", "pass", "p", "yes", "y", "1", "true", "kept", "ok", "合格", "是"),
    "f": ("failed", "fail", "f", "no", "0", "false", "broken", "不合格", "否"),
    "n": ("not applicable", "n/a", "na", "n", "-", "不适用"),
}
"""What people write for passed, failed and not applicable."""

_LETTERS = {word: letter for letter, words in WORDS.items() for word in words}
_AS_JUDGED = {"p": "p", "f": "f", "w": "f", "n": "n"}
_Z = 1.959964

Interval = tuple[float, float]
Judgements = Mapping[tuple[str, str], str]
"""The letter a person gave, by call and clause."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A call on which people and the rule differ, and why the rule says so."""

    call: str
    clause: str
    person: Outcome
    rule: Outcome
    reason: str


@dataclass(slots=True)
class Agreement:
    """How often people and a rule say the same; ``pairs`` counts (person's letter, rule's letter)."""

    clause: str
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    undecided: int = 0

    @property
    def compared(self) -> int:
        """Verdicts that both gave."""
        return self.pairs.total()

    @property
    def same(self) -> int:
        """Those on which both agree."""
        return sum(number for (person, rule), number in self.pairs.items() if person == rule)

    @property
    def agreement(self) -> float | None:
        """The share on which both agree; None when nothing was compared."""
        return self.same / self.compared if self.compared else None

    @property
    def expected(self) -> float | None:
        """The share on which both would agree by chance, given how often each says what."""
        if not self.compared:
            return None
        people: Counter[str] = Counter()
        rules: Counter[str] = Counter()
        for (person, rule), number in self.pairs.items():
            people[person] += number
            rules[rule] += number
        return sum(people[letter] * rules[letter] for letter in people) / self.compared**2

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa; None when nothing was compared or agreement by chance is already certain."""
        agreement, expected = self.agreement, self.expected
        if agreement is None or expected is None or expected == 1:
            return None
        return (agreement - expected) / (1 - expected)

    @property
    def kappa_interval(self) -> Interval | None:
        """Its 95 % interval (of large samples), None where kappa is."""
        agreement, expected, kappa = self.agreement, self.expected, self.kappa
        if agreement is None or expected is None or kappa is None:
            return None
        spread = _Z * math.sqrt(agreement * (1 - agreement) / self.compared) / (1 - expected)
        return max(-1.0, kappa - spread), min(1.0, kappa + spread)

    @property
    def precision(self) -> tuple[int, int]:
        """Breaches that people confirm, of those that the rule found."""
        return self.pairs["f", "f"], sum(n for (_, rule), n in self.pairs.items() if rule == "f")

    @property
    def recall(self) -> tuple[int, int]:
        """Breaches that the rule found, of those that people found."""
        return self.pairs["f", "f"], sum(n for (person, _), n in self.pairs.items() if person == "f")


@dataclass(frozen=True, slots=True)
class Calibration:
    """People against rules, by clause. ``under`` its floor of agreement is a clause, or has too ``small`` a sample.

    ``missing`` counts judgements of calls the ledger has not, ``torn`` those on which people contradict each other.
    """

    clauses: tuple[Agreement, ...]
    differences: tuple[Difference, ...]
    missing: int
    torn: int
    under: tuple[str, ...]
    small: tuple[str, ...]

    @property
    def total(self) -> Agreement:
        """All clauses together."""
        pairs = sum((each.pairs for each in self.clauses), Counter[tuple[str, str]]())
        return Agreement("all", pairs, sum(each.undecided for each in self.clauses))


def read_judgements(file: Path, clauses: Sequence[str]) -> tuple[dict[tuple[str, str], str], int]:
    """A CSV table of people's verdicts: columns call, clause, verdict; or call and a column for each clause.

    Also how many were left out because people contradict each other. Raises :class:`BadInput` with the line.
    """
    try:
        rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        names = [name.strip() for name in rows.fieldnames or ()]
        rows.fieldnames = names
        long = "clause" in names and "verdict" in names
        columns = [name for name in names if name in clauses]
        if "call" not in names or not (long or columns):
            raise BadInput(
                f"has the columns {', '.join(names) or 'none'}; expected call, clause, verdict, or call and clauses",
                file=str(file),
            )
        given: dict[tuple[str, str], set[str]] = {}
        for row in rows:
            place = f"line {rows.line_num}"
            cells = [(row["clause"], row["verdict"])] if long else [(name, row[name]) for name in columns]
            for clause, verdict in cells:
                letter = _letter(clause, verdict, clauses, file, place)
                if letter:
                    call = name_of((row["call"] or "").strip())
                    given.setdefault((call, clause.strip()), set()).add(letter)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"cannot be read: {error}; give a CSV table in UTF-8", file=str(file)) from None
    torn = sum(len(letters) > 1 for letters in given.values())
    return {key: letters.pop() for key, letters in given.items() if len(letters) == 1}, torn


def _letter(clause: str | None, verdict: str | None, clauses: Sequence[str], file: Path, place: str) -> str:
    """The letter of what a person wrote; empty where nothing was."""
    name, word = (clause or "").strip(), (verdict or "").strip().lower()
    if name not in clauses:
        raise BadInput(f"no rule has the clause {name!r}.{did_you_mean(name, clauses)}", file=str(file), place=place)
    if word and word not in _LETTERS:
        raise BadInput(f"{word!r} is no verdict; write passed, failed or not applicable", file=str(file), place=place)
    return _LETTERS.get(word, "")


def calibrate(file: Path, ledgers: Sequence[Path]) -> Calibration:
    """Compare people's verdicts with those of ledgers. Raises :class:`BadInput` for either."""
    reading = Ledgers(ledgers)
    rules = [rule.clause for rule in reading.run.rules]
    given, torn = read_judgements(file, rules)
    found = {clause: Agreement(clause) for clause in sorted({c for _, c in given}, key=clause_order)}
    wanted = {call for call, _ in given}
    differences: list[Difference] = []
    met: set[str] = set()
    for line in reading.lines():
        if isinstance(line, Entry) and name_of(line.call) in wanted:
            met.add(name_of(line.call))
            differences += _compare(line, rules, given, found)
    floors = reading.run.floors
    held = {each.clause: each for each in found.values()}
    small = [c for c in floors.min_agreement if c not in held or held[c].compared < floors.small]
    under = [
        c for c, least in floors.min_agreement.items() if c not in small and held[c].same < least * held[c].compared
    ]
    missing = sum(call not in met for call, _ in given)
    return Calibration(tuple(found.values()), tuple(differences), missing, torn, tuple(under), tuple(small))


def _compare(
    entry: Entry, rules: Sequence[str], given: Judgements, found: Mapping[str, Agreement]
) -> Iterator[Difference]:
    """Count one call; yields where both differ."""
    for clause, letter in zip(rules, entry.verdicts, strict=True):
        person = given.get((name_of(entry.call), clause))
        if person is None:
            continue
        rule = _AS_JUDGED.get(letter)
        if rule is None:
            found[clause].undecided += 1
            continue
        found[clause].pairs[person, rule] += 1
        if person != rule:
            why = entry.found[clause].reason if clause in entry.found else ""
            yield Difference(entry.call, clause, Outcome.of_letter(person), Outcome.of_letter(letter), why)


def exhibit(found: Calibration) -> Exhibit:
    """The agreement by clause as a table of the report's view of rules."""
    total = found.total
    return Exhibit(
        view="rules",
        title="Calibration",
        note="What people said of calls against what the rules say. Precision: breaches that people confirm, of those "
        "the rule found; recall: breaches the rule found, of those people found. Intervals are of 95 %.",
        figures=(
            ("judgements compared", total.compared),
            ("agreement", _share(total.same, total.compared)),
            ("kappa", _kappa(total)),
            ("not compared: the rule did not decide", total.undecided),
            ("not compared: the ledger has no such call", found.missing),
            ("not compared: people contradict each other", found.torn),
        ),
        columns=("clause", "compared", "agreement", "kappa", "precision", "recall"),
        rows=tuple(_row(each) for each in found.clauses),
    )


def _row(each: Agreement) -> tuple[Cell, ...]:
    shares = (_share(each.same, each.compared), _kappa(each), _share(*each.precision), _share(*each.recall))
    return each.clause, each.compared, *shares


def _share(part: int, whole: int) -> str:
    if not whole:
        return "-"
    low, high = wilson(part, whole)
    return f"{part / whole:.2f} ({low:.2f}–{high:.2f})"


def _kappa(each: Agreement) -> str:
    kappa, interval = each.kappa, each.kappa_interval
    if kappa is None or interval is None:
        return "undefined" if each.compared else "-"
    return f"{kappa:.2f} ({interval[0]:.2f}–{interval[1]:.2f})"


def told(differences: Iterable[Difference]) -> Iterator[str]:
    """Where people and rules differ, one line each."""
    for each in differences:
        why = f": {each.reason}" if each.reason else ""
        yield f"{each.clause} {each.call}: people say {each.person}, the rule {each.rule}{why}"

"""Ledgers as figures: reads one or several as a stream and merges what belongs to one call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from pytest_callqa import ledger
from pytest_callqa.errors import BadInput
from pytest_callqa.report.counting import LETTERS, UNREAD_SHOWN, Tally, key_of
from pytest_callqa.report.figures import Counts, Section, Source, Summary

_LETTERS = "".join([*LETTERS, ledger.NOT_RUN])

FILES_SHOWN = 200
"""Files read that are kept with their name and digest."""

__all__ = ["Ledgers", "Summary", "summarise"]


def summarise(ledgers: Sequence[Path]) -> Summary:
    """The figures of one or several ledgers, read as a stream.

    Raises :class:`BadInput` for a ledger that cannot be read, or that another rule book judged.
    """
    return Ledgers(ledgers).summary()


class Ledgers:
    """Ledgers of one rule book read as one, as often as needed and never held in memory.

    A call may lie in several lines (cells on several workers, shards of a run): those are merged.
    Only such calls are kept, from their first line to their last.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        self.repeated = 0
        self._runs: list[ledger.Run] = []
        self._ends: list[str] = []
        self._planned = 0
        self.damaged: list[ledger.Damaged] = []
        self._lines: dict[int, int] = {}
        self._exhibits: list[ledger.Exhibit] = []
        self._files: list[ledger.File] = []
        self._read = 0
        self._scan()
        self.run = self._runs[0]
        self._clauses = {rule.clause for rule in self.run.rules}

    def _scan(self) -> None:
        """Check that the ledgers fit together, and find the calls of several lines."""
        seen: set[int] = set()
        for path in self.paths:
            begun = len(self._runs)
            planned = 0
            for line in ledger.read(path):
                if isinstance(line, ledger.Run):
                    self._fits(line, path)
                    self._runs.append(line)
                elif begun == len(self._runs):
                    break
                elif isinstance(line, ledger.End):
                    self._ends.append(line.finished)
                elif isinstance(line, ledger.Plan):
                    planned = line.verdicts
                elif isinstance(line, ledger.Damaged):
                    self.damaged.append(line)
                elif isinstance(line, ledger.Exhibit):
                    self._exhibits.append(line)
                elif isinstance(line, ledger.File):
                    self._read += 1
                    if len(self._files) < FILES_SHOWN:
                        self._files.append(line)
                elif isinstance(line, ledger.Entry) and (len(self.paths) > 1 or ledger.NOT_RUN in line.verdicts):
                    key = key_of(line)
                    if key in seen:
                        self._lines[key] = self._lines.get(key, 1) + 1
                        self.repeated += ledger.NOT_RUN not in line.verdicts
                    seen.add(key)
            self._planned += planned
            if begun == len(self._runs):
                raise BadInput(
                    "does not begin with the line of a run; name a ledger that a run wrote, whole", file=str(path)
                )

    def _fits(self, run: ledger.Run, path: Path) -> None:
        if self._runs and (run.version, run.rules) != (self._runs[0].version, self._runs[0].rules):
            other = self._runs[0]
            raise BadInput(
                f"judged by {run.title} {run.version} ({len(run.rules)} rules), but {self.paths[0]} by {other.title} "
                f"{other.version} ({len(other.rules)} rules); make one report for each rule book",
                file=str(path),
            )

    def lines(self) -> Iterator[ledger.Entry | ledger.Unread]:
        """Every call once, and every unreadable one."""
        waiting: dict[int, list[ledger.Entry]] = {}
        for path in self.paths:
            for number, line in enumerate(ledger.read(path), 1):
                if isinstance(line, ledger.Unread):
                    yield line
                elif isinstance(line, ledger.Entry):
                    self._check(line, path, number)
                    key = key_of(line) if self._lines else 0
                    pieces = waiting.setdefault(key, []) if key in self._lines else []
                    pieces.append(line)
                    if len(pieces) == self._lines.get(key, 1):
                        waiting.pop(key, None)
                        yield ledger.merge_all(pieces)

    def _check(self, entry: ledger.Entry, path: Path, number: int) -> None:
        named = {*entry.moments, *entry.found, *chain.from_iterable(entry.doubts.values())}
        if len(entry.verdicts) != len(self.run.rules) or entry.verdicts.strip(_LETTERS) or not named <= self._clauses:
            raise BadInput(
                f"the verdicts of call {entry.call!r} do not fit the rules the ledger begins with; "
                "it was changed after the run: judge the calls again",
                file=str(path),
                place=f"line {number}",
            )

    def summary(self, also: Callable[[ledger.Entry], None] | None = None) -> Summary:
        """The figures of all the calls. Each is handed to ``also`` as it is read."""
        tally = Tally(self.run)
        for line in self.lines():
            if isinstance(line, ledger.Unread):
                tally.unreadable += 1
                if tally.unreadable <= UNREAD_SHOWN:
                    tally.unread.append(line)
            else:
                tally.add(line)
                if also is not None:
                    also(line)
        clauses = tally.clauses()
        sections = tuple(
            Section(key, self.run.sections.get(key, ""), tuple(part), Counts.total(c.counts for c in part))
            for key in tally.sections
            if (part := [clause for clause in clauses if clause.section == key])
        )
        scored = tally.scored
        counts = Counts.total(section.counts for section in sections)
        unread_verdicts = tally.unreadable * len(self.run.rules)
        given = counts.planned - counts.not_run + unread_verdicts
        planned = max(
            self._planned - self.repeated * len(self.run.rules), given + (0 if self._planned else counts.not_run)
        )
        return Summary(
            title=self.run.title,
            version=self.run.version,
            tools=_distinct(run.tool for run in self._runs),
            modes=_distinct(run.mode for run in self._runs),
            started=min(run.started for run in self._runs),
            finished=max(self._ends, default=""),
            complete=len(self._ends) >= len(self._runs) and planned == given and not self.damaged,
            planned=planned,
            not_run=planned - given,
            unread_verdicts=unread_verdicts,
            damaged=tuple(self.damaged),
            sources=tuple(_source(path) for path in self.paths),
            weights=tally.weights,
            calls=tally.calls,
            repeated=self.repeated,
            unreadable=tally.unreadable,
            unread=tuple(tally.unread),
            counts=counts,
            sections=sections,
            agents=tally.by_agent(),
            days=tally.days(),
            scored_calls=scored,
            mean_score=tally.final / scored if scored else None,
            mean_raw_score=tally.raw / scored if scored else None,
            failing_calls=tally.failing,
            critical_calls=tally.critical,
            findings=tally.findings(),
            failing=tally.worst_calls(),
            doubts=tally.doubts.reasons(tally.order),
            faults=tally.faults.reasons(tally.order),
            limits=tally.limits(),
            formats=tuple(tally.formats.most_common()),
            languages=tuple(tally.languages.most_common()),
            exhibits=tuple(self._exhibits),
            settings={name: value for run in self._runs for name, value in run.settings.items()},
            files=tuple(self._files),
            files_read=self._read,
        )


def _source(path: Path) -> Source:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Source(path.name, digest, path.stat().st_size)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))

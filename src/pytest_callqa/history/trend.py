"""Trends: how often clauses were kept, week by week, by clause or by agent; changes of the rule book are marked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal, TypeAlias

from pytest_callqa.history.store import Store
from pytest_callqa.ledger import Cell, Exhibit
from pytest_callqa.report.figures import SMALL
from pytest_callqa.report.text import percent
from pytest_callqa.rules import clause_order

By: TypeAlias = Literal["clause", "agent", "week"]
WEEKS = 8
"""Weeks shown, the newest last."""

CHANGED = "*"
"""Marks a week whose calls another version of the rule book judged than those of the week before."""

Shares: TypeAlias = dict[str, dict[str, list[int]]]
"""Kept and broken, by row and week."""


def trend(store: Store, by: By, *, clause: str = "", agent: str = "", weeks: int = WEEKS) -> Exhibit:
    """How often rules were kept in each of the last weeks, for one clause or agent where one is named.

    Every call counts once, as the newest run of the whole rule book judged it. A waived breach counts as a breach.
    """
    runs = {run.run: run for run in store.runs()}
    shares: Shares = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    books: dict[str, set[str]] = defaultdict(set)
    calls: dict[str, int] = defaultdict(int)
    for call in store.judged():
        if agent and call.agent != agent:
            continue
        books[call.week].add(runs[call.run].book)
        calls[call.week] += 1
        for name, letter in zip(runs[call.run].clauses, call.letters, strict=True):
            if letter in "pfw" and (not clause or name == clause):
                row = name if by == "clause" else call.agent if by == "agent" else "all"
                shares[row][call.week][letter != "p"] += 1
    shown = sorted(books)[-weeks:]
    marks = _changes(books, shown)
    if by == "week":
        columns, rows = _weekly(shares["all"], calls, books, shown, marks)
    else:
        columns = (by, *(f"{week or 'no date'}{marks[week]}" for week in shown))
        order = sorted(shares, key=clause_order) if by == "clause" else sorted(shares)
        rows = tuple((name or "not named", *(_share(shares[name][week]) for week in shown)) for name in order)
    of = " ".join(filter(None, (f"of clause {clause}" if clause else "", f"of agent {agent}" if agent else "")))
    return Exhibit(
        view="rules" if by == "clause" else "run",
        title=f"Trend by {by} {of}".rstrip(),
        note=f"Kept of judged, in percent; fewer than {SMALL} judged are a fraction. {CHANGED}: the rule book changed.",
        figures=(("runs", len(runs)), ("calls", sum(calls.values()))),
        columns=columns,
        rows=rows,
    )


def _weekly(
    shares: Mapping[str, list[int]],
    calls: Mapping[str, int],
    books: Mapping[str, set[str]],
    shown: list[str],
    marks: Mapping[str, str],
) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """A row a week: calls, verdicts, how many were kept, and the versions of the rule book."""
    rows = tuple(
        (
            f"{week or 'no date'}{marks[week]}",
            calls[week],
            sum(shares.get(week, (0, 0))),
            _share(shares.get(week, [0, 0])),
            ", ".join(sorted(books[week])),
        )
        for week in shown
    )
    return ("week", "calls", "judged", "kept", "rule book"), rows


def _changes(books: Mapping[str, set[str]], shown: list[str]) -> dict[str, str]:
    """The mark of each week."""
    weeks = sorted(books)
    before = {week: books[weeks[n - 1]] if n else books[week] for n, week in enumerate(weeks)}
    return {week: CHANGED if books[week] - before[week] else "" for week in shown}


def _share(counts: list[int]) -> str:
    kept, broken = counts
    judged = kept + broken
    if not judged:
        return "-"
    return f"{kept}/{judged}" if judged < SMALL else f"{percent(kept / judged)} %"

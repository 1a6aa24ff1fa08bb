"""Scorecards as a spreadsheet, CSV or XLSX. No cell of it can be taken for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from pytest_callqa.errors import BadInput
from pytest_callqa.ledger import Cell
from pytest_callqa.report.figures import Counts, Rate, Summary
from pytest_callqa.whole import write_whole

Row: TypeAlias = Sequence[Cell]

_FORMULA = re.compile(r"[\s\u00a0\ufeff]*[=+\-@＝＋－＠\t\r\n]")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Written as the time of making, so that the same ledger gives the same bytes."""


def write_scorecards(summary: Summary, out: Path) -> None:
    """Write the scorecards of agents (CSV), and those of sections and clauses beside them (XLSX), by the file's name.

    Raises :class:`BadInput` for another kind of file, a place that cannot be written, and XLSX without its package.
    """
    if out.suffix.lower() not in (".csv", ".xlsx"):
        raise BadInput("scorecards are CSV or XLSX; name the file so", file=str(out))
    written = _xlsx(summary) if out.suffix.lower() == ".xlsx" else to_csv(agent_rows(summary))
    write_whole(out, [written])


def agent_rows(summary: Summary) -> Iterator[Row]:
    """A row an agent: calls, mean score, what was kept with its interval, and the rate of each section."""
    sections = [f"{section.key} {section.title}".rstrip() for section in summary.sections]
    yield ("agent", "calls", "score", *_KEPT, "critical calls", *sections)
    for agent in summary.agents:
        score = None if agent.score is None else round(100 * agent.score, 1)
        rates = [_percent(rate.value if rate else None) for rate in agent.sections]
        yield (agent.agent, agent.calls, score, *_kept(agent.rate), agent.critical_calls, *rates)


def clause_rows(summary: Summary) -> Iterator[Row]:
    """A row a clause, with its verdicts by outcome."""
    yield ("clause", "title", "severity", "section", *_KEPT, *_OUTCOMES, "moments")
    for clause in summary.clauses:
        about = (clause.clause, clause.title, clause.severity, clause.section)
        yield (*about, *_kept(clause.counts.rate), *_outcomes(clause.counts), clause.counts.moments)


def section_rows(summary: Summary) -> Iterator[Row]:
    """A row a section of the book."""
    yield ("section", "title", *_KEPT, *_OUTCOMES, "moments")
    for section in summary.sections:
        counts = section.counts
        yield (section.key, section.title, *_kept(counts.rate), *_outcomes(counts), counts.moments)


_KEPT = ("passed", "judged", "kept %", "from %", "to %")
_OUTCOMES = ("failed", "not applicable", "undecided", "not assessed", "error", "not run")


def _kept(rate: Rate | None) -> Row:
    if rate is None:
        return (0, 0, None, None, None)
    return (rate.passed, rate.judged, _percent(rate.value), _percent(rate.low), _percent(rate.high))


def _outcomes(counts: Counts) -> Row:
    return (
        counts.failed,
        counts.not_applicable,
        counts.undecided,
        counts.not_assessed,
        counts.error,
        counts.not_run,
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def safe(cell: Cell) -> Cell:
    """The cell, a text that a spreadsheet could take for a formula behind an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def to_csv(rows: Iterable[Row]) -> bytes:
    """Rows as CSV that a spreadsheet opens as what it is: UTF-8 with its mark, CRLF, no formulas."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def _xlsx(summary: Summary) -> bytes:
    try:
        import xlsxwriter
    except ImportError:
        raise BadInput("XLSX needs a further package: pip install 'pytest-callqa[xlsx]', or write CSV") from None
    written = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(written, options) as book:
        book.set_properties({"title": summary.title, "created": _EPOCH})
        bold = book.add_format({"bold": True})
        tables = {"Agents": agent_rows(summary), "Sections": section_rows(summary), "Clauses": clause_rows(summary)}
        for name, rows in tables.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 1)
            for place, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(place, column, cell, None if place else bold)
                    elif cell is not None:
                        sheet.write_number(place, column, cell)
            sheet.set_column(0, 1, 22)
    return written.getvalue()

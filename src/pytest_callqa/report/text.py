"""Plain text for terminals: what a run found, and the list of a book's rules."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import accumulate

from pytest_callqa.finding import clock_time
from pytest_callqa.ledger import Cell, Exhibit
from pytest_callqa.report.figures import Counts, Finding, Rate, Reason, Section, Summary
from pytest_callqa.rules import Rule

_RATE = 3
FINDINGS_SHOWN = 5
REASONS_SHOWN = 5
UNREAD_LISTED = 20
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


# -- characters


def visible(text: str, *, keep: str = "") -> str:
    """The text with characters nobody can see (controls, direction marks, odd spaces) written out, as ``⟨U+202E⟩``.

    ``keep`` names characters to leave alone.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if char in keep or unicodedata.category(char) not in _INVISIBLE else f"⟨U+{ord(char):04X}⟩"
        for char in text
    )


def spoken(text: str) -> str:
    """What was said, fit to show: line breaks, joiners and direction marks of real scripts stay, overrides do not."""
    return visible(text, keep="\n\t\u200c\u200d\u200e\u200f\u061c\u00ad")


def count(number: int, one: str, many: str = "") -> str:
    """``1 call``, ``2,300 calls``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(value: float) -> str:
    """A share as people read it; only all is 100 and only none is 0."""
    whole = round(100 * value)
    if whole == 100 and value < 1:
        return "99"
    return "1" if whole == 0 and value > 0 else str(whole)


def rate_text(rate: Rate | None) -> str:
    """``93 % (82–98 %)``, or ``-`` when nothing was judged."""
    if rate is None:
        return "-"
    return f"{percent(rate.value)} % ({percent(rate.low)}–{percent(rate.high)} %)"


def score_text(score: float | None) -> str:
    """A score from 0 to 100, or ``not scored``."""
    return "not scored" if score is None else percent(score)


# -- the summary


def terminal_lines(summary: Summary, width: int) -> list[str]:
    """What a run found, for a terminal of this width; no line is wider unless a figure needs it."""
    width = max(width, 60)
    return [
        *_head(summary, width),
        "",
        *_section_lines(summary.sections, width),
        *_not_judged(summary, width),
        *_worst(summary, width),
        *_unreadable(summary, width),
    ]


def _head(summary: Summary, width: int) -> Iterator[str]:
    yield from incomplete(summary)
    rules = count(len(summary.clauses), "rule")
    yield clip(f"{visible(summary.title)} ({summary.version}): {count(summary.calls, 'call')}, {rules}", width)
    if summary.mean_score is not None and summary.mean_raw_score is not None:
        mean, raw = score_text(summary.mean_score), score_text(summary.mean_raw_score)
        before = f" ({raw} before critical breaches set a call to 0)" if mean != raw else ""
        yield (
            f"mean score {mean} of 100{before}; {summary.failing_calls:,} of {count(summary.calls, 'call')} failing, "
            f"{summary.critical_calls:,} with a critical breach"
        )
    if summary.repeated:
        yield f"{count(summary.repeated, 'call')} in more than one ledger, counted once"


def incomplete(summary: Summary) -> Iterator[str]:
    """What is missing of a run that did not finish, and how to go on."""
    if summary.damaged:
        places = ", ".join(f"{line.file}, {line.place}" for line in summary.damaged[:UNREAD_LISTED])
        yield f"INCOMPLETE: cut off or changed in the ledger: {places}"
    if not summary.complete:
        missing = f"{summary.not_run:,} of {summary.planned:,} verdicts were not given"
        yield f"INCOMPLETE: {missing}; --callqa-resume (callqa check: --resume) judges them"


def accounts(summary: Summary) -> str:
    """What became of all the verdicts that were planned, in one line; what there is none of is left out."""
    kinds = account(summary)
    planned, passed, failed = (kinds.pop(kind) for kind in ("planned", "passed", "failed"))
    judged = f"planned {count(planned, 'verdict')}: {passed:,} passed, {failed:,} failed"
    rest = ", ".join(
        f"{number:,} {'errors' if kind == 'error' and number > 1 else kind}" for kind, number in kinds.items() if number
    )
    return f"{judged}; not in the rates: {rest}" if rest else judged


def account(summary: Summary) -> dict[str, int]:
    """How many verdicts were planned, and what became of them: the other numbers add up to the first."""
    counts = summary.counts
    return {
        "planned": summary.planned,
        "passed": counts.passed,
        "failed": counts.failed,
        "waived": counts.waived,
        "not applicable": counts.not_applicable,
        "undecided": counts.undecided,
        "not assessed": counts.not_assessed,
        "error": counts.error + summary.unread_verdicts,
        "not run": summary.not_run,
    }


def _section_lines(sections: Iterable[Section], width: int) -> Iterator[str]:
    """One line a section, in columns: title, passed, failed, undecided, rate, moments."""
    rows = [(f"{s.key} {visible(s.title)}".rstrip(), _columns(s.counts)) for s in sections]
    widths = [max(map(cells, column)) for column in zip(*(columns for _, columns in rows), strict=True)]
    room = max(width - sum(widths) - 3 * len(widths), 12)
    titles = min(max((cells(title) for title, _ in rows), default=0), room)
    for title, columns in rows:
        aligned = [pad(column, size, left=True) for column, size in zip(columns, widths, strict=True)]
        aligned[_RATE] = pad(columns[_RATE], widths[_RATE])
        yield "   ".join([pad(clip(title, titles), titles), *aligned]).rstrip()


def _columns(counts: Counts) -> list[str]:
    share, space, interval = rate_text(counts.rate).partition(" ")
    return [
        f"{counts.passed:,} passed",
        f"{counts.failed:,} failed",
        f"{counts.undecided:,} undecided",
        f"{share:>3}{space}{interval}",
        f"{counts.moments:,} moment{' ' if counts.moments == 1 else 's'}",
    ]


def _not_judged(summary: Summary, width: int) -> Iterator[str]:
    """Everything that is in no rate, with the reasons."""
    yield ""
    yield from wrap(accounts(summary), width, "  ")
    manual = [clause.clause for clause in summary.clauses if clause.counts.not_assessed]
    if manual:
        attested = f"  not assessed: nobody has attested {', '.join(manual)}; give a table of attestations"
        yield from wrap(attested, width, "    ")
    for title, reasons in (("undecided", summary.doubts), ("error", summary.faults)):
        for reason in reasons[:REASONS_SHOWN]:
            yield clip(f"  {title}: {reason_text(reason)}", width)
        if len(reasons) > REASONS_SHOWN:
            yield f"  {title}: {count(len(reasons) - REASONS_SHOWN, 'more reason')}, see the report"


def reason_text(reason: Reason) -> str:
    """``no case record was given for this call: 12 clauses, 30 calls``."""
    named = reason.clauses[0] if len(reason.clauses) == 1 else count(len(reason.clauses), "clause")
    alike = " (and alike)" if reason.alike else ""
    return f"{visible(reason.reason)}{alike}: {named}, {count(reason.calls, 'call')}"


def _worst(summary: Summary, width: int) -> Iterator[str]:
    if not summary.findings:
        return
    yield ""
    more = len(summary.findings) - FINDINGS_SHOWN
    yield "worst findings" + (f" ({FINDINGS_SHOWN} of {len(summary.findings)})" if more > 0 else "")
    for finding in summary.findings[:FINDINGS_SHOWN]:
        yield clip(f"  {finding_text(finding)}", width)
        yield clip(f"      {example_text(finding)}", width)


def finding_text(finding: Finding) -> str:
    """``3.4.2a critical, 12 calls: Swearing is met with an apology``."""
    return f"{finding.clause} {finding.severity}, {count(finding.calls, 'call')}: {visible(finding.title)}"


def example_text(finding: Finding) -> str:
    """``call-17 at 1:04.2: “Damn, it broke.”: the agent's reply …``: one call, when, the words and the reason."""
    example = finding.example
    at = f" at {clock_time(example.start)}" if example.start is not None else ""
    quote = f"“{visible(example.quote)}”: " if example.quote and example.quote not in example.reason else ""
    return f"{visible(example.call)}{at}: {quote}{visible(example.reason)}"


def _unreadable(summary: Summary, width: int) -> Iterator[str]:
    if not summary.unreadable:
        return
    yield ""
    yield f"not judged, could not be read: {count(summary.unreadable, 'call')}"
    for call in summary.unread[:UNREAD_LISTED]:
        where = ", ".join(visible(part) for part in (call.file, call.place) if part)
        yield from wrap(f"  {where}: {visible(call.problem)}", width, "    ")
    if summary.unreadable > UNREAD_LISTED:
        yield f"  and {summary.unreadable - UNREAD_LISTED:,} more; the ledger lists them all"


# -- tables of other parts of a run


def exhibit_lines(exhibit: Exhibit, width: int) -> list[str]:
    """A table that another part of a run made: its note, figures, and rows in columns cut to the width."""
    rows = [[cell_text(cell) for cell in row] for row in exhibit.rows]
    widths = [max(map(cells, column)) for column in zip(exhibit.columns, *rows, strict=True)]
    texts = [any(isinstance(row[place], str) for row in exhibit.rows) for place in range(len(widths))]
    lines = [*wrap(exhibit.note, width, ""), ""] if exhibit.note else []
    for row in (exhibit.columns, *rows):
        columns = [pad(cell, size, left=not text) for cell, size, text in zip(row, widths, texts, strict=True)]
        lines.append(clip("  ".join(columns).rstrip(), width))
    return [*lines, "", *(f"{visible(name)}: {cell_text(value)}" for name, value in exhibit.figures)]


def cell_text(cell: Cell) -> str:
    """A cell of a table: numbers with their thousands, nothing for nothing."""
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.1f}" if isinstance(cell, float) else visible(cell)


# -- the book


def rules_table(rules: Iterable[Rule], width: int = 110) -> list[str]:
    """The rules of a book, one line each: clause, severity, title, when it applies."""
    rows = [
        (r.clause, r.severity, visible(r.title), "by attestation" if r.manual else visible(r.when.name)) for r in rules
    ]
    head = ("clause", "severity", "title", "applies to")
    widths = [max(map(cells, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(pad(text, size) for text, size in zip(row, widths, strict=True)) for row in (head, *rows)]
    total = f"{count(len(rows), 'rule')}, {sum(row[1] == 'critical' for row in rows)} critical"
    return [*(clip(line.rstrip(), width) for line in lines), "", total]


# -- columns


def cells(text: str) -> int:
    """How many terminal columns a text takes; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def pad(text: str, size: int, *, left: bool = False) -> str:
    """The text filled with spaces up to a size in columns."""
    fill = " " * max(size - cells(text), 0)
    return fill + text if left else text + fill


def clip(text: str, size: int) -> str:
    """The text cut to a size in columns, with an ellipsis where something is missing."""
    if cells(text) <= size:
        return text
    widths = accumulate(cells(char) for char in text)
    return text[: sum(width < size for width in widths)].rstrip() + "…"


def wrap(text: str, width: int, indent: str) -> list[str]:
    """The text in lines no wider than this."""
    return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True)

"""Ledgers as one HTML page that needs no network and no script. The only module that imports jinja2."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from pytest_callqa.errors import BadInput
from pytest_callqa.finding import clock_time
from pytest_callqa.report import text
from pytest_callqa.report.figures import SMALL, Counts, Rate, Summary
from pytest_callqa.report.model import Ledgers
from pytest_callqa.report.transcript import CallView

AGENTS_SHOWN = 100
"""Agents in the table, lowest rate first."""

FINDINGS_SHOWN = 8
"""Broken clauses told at the top, with an example each."""

REASONS_SHOWN = 50
"""Reasons of undecided verdicts told apart, those of most calls first."""

ROLES = ("agent", "customer", "system")
_FILES = Path(__file__).parent / "templates"
_PLOT = 120
_STEPS = ((95, "h0"), (90, "h1"), (80, "h2"), (60, "h3"))
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


def write_html(ledgers: Sequence[Path], out: Path) -> None:
    """Write the report of these ledgers, whole or not at all, readable by its owner only.

    The same ledgers give the same bytes. Raises :class:`BadInput` for ledgers that cannot be read
    or do not belong together, and for a place that cannot be written.
    """
    reading = Ledgers(ledgers)
    chunks = _page(reading, reading.summary())
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.", suffix=".tmp")
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}; name another place", file=str(out)) from None
    fresh = Path(name)
    try:
        with open(number, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, out)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}; name another place", file=str(out)) from None
    finally:
        fresh.unlink(missing_ok=True)


def _page(reading: Ledgers, summary: Summary) -> Iterator[str]:
    style, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return _template().generate(
        summary=summary,
        calls=reading.views(summary.failing),
        shown={call.anchor for call in summary.failing},
        policy=policy,
        style=style,
        script=script,
        agents_shown=AGENTS_SHOWN,
        findings_shown=FINDINGS_SHOWN,
        reasons_shown=REASONS_SHOWN,
        small=SMALL,
        roles=ROLES,
        clauses=[c.clause for c in summary.clauses if any(c.clause in call.failed for call in summary.failing)],
        agents=sorted({call.agent for call in summary.failing}),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FILES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(
        spoken=_spoken,
        clock=clock_time,
        percent=text.percent,
        rate=text.rate_text,
        reason=text.reason_text,
        score=text.score_text,
        count=text.count,
        number=lambda value: f"{value:,}",
        plot=_plot,
        step=_step,
        outcomes=_outcomes,
        facts=_facts,
        language=lambda tag: tag if _LANGUAGE.fullmatch(tag) else "und",
        instant=_instant,
    )
    return environment.get_template("report.html.j2")


def _asset(name: str) -> Markup:
    """A file of our own that goes into the page as it is."""
    return Markup((_FILES / name).read_text(encoding="utf-8"))


def _hash(asset: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(asset.encode()).digest()).decode()}"


def _shown(value: object) -> object:
    """Every text that enters the page, with what nobody can see written out."""
    return text.visible(value, keep="\n\t") if isinstance(value, str) and not isinstance(value, Markup) else value


def _spoken(said: str) -> Markup:
    """What was said: escaped, with the marks that real scripts need left in."""
    return escape(text.spoken(said))


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where a rate and its interval lie on a line of ``width`` units."""

    width: int
    low: float
    high: float
    value: float


def _plot(rate: Rate) -> _Plot:
    return _Plot(_PLOT, *(round(_PLOT * edge, 1) for edge in (rate.low, rate.high, rate.value)))


def _step(rate: Rate) -> str:
    """The colour step of a cell, by the number that stands in it."""
    return next((name for least, name in _STEPS if int(text.percent(rate.value)) >= least), "h4")


def _instant(time: str) -> str:
    """``2026-11-02 06:00:00 UTC``: a time as the ledger has it, easier to read."""
    return time.replace("T", " ", 1).replace("+00:00", " UTC")


@dataclass(frozen=True, slots=True)
class _Share:
    """One outcome's share of a bar of 1000 units."""

    name: str
    kind: str
    number: int
    start: float
    width: float


def _outcomes(counts: Counts) -> list[_Share]:
    """The verdicts by outcome, in the order of the bar; outcomes that never came up are left out."""
    kinds = (
        ("passed", "passed", counts.passed),
        ("failed", "failed", counts.failed),
        ("error" if counts.error == 1 else "errors", "error", counts.error),
        ("undecided", "undecided", counts.undecided),
        ("not assessed", "manual", counts.not_assessed),
        ("not applicable", "idle", counts.not_applicable),
        ("not run", "unrun", counts.not_run),
    )
    shares = []
    start = 0.0
    for name, kind, number in kinds:
        width = 1000 * number / counts.planned if counts.planned else 0.0
        if number:
            shares.append(_Share(name, kind, number, round(start, 1), round(width, 1)))
        start += width
    return shares


def _facts(view: CallView) -> list[tuple[str, str]]:
    """What is known of a call, for the line above its transcript."""
    entry = view.entry
    timing = {"none": "no times", "start": "starts of turns only", "turn": "of turns", "word": "of words"}
    facts = {
        "file": entry.file,
        "team": entry.team,
        "queue": entry.queue,
        "direction": entry.direction,
        "started": _instant(entry.started),
        "length": clock_time(entry.duration) if entry.duration is not None else "",
        "format": entry.format,
        "language": entry.language,
        "times": timing.get(entry.timing, entry.timing),
        "limits": "; ".join(entry.limits),
    }
    return [(name, value) for name, value in facts.items() if value]

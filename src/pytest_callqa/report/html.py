"""Ledgers as an HTML application that needs no network. The only module that imports jinja2.

The figures, the clauses and the agents are in the page itself; the calls are payloads that its script unpacks.
Up to :data:`ONE_FILE` the page is one file; above, the calls in full lie in a folder beside it.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import rcssmin
import rjsmin
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from pytest_callqa.finding import clock_time
from pytest_callqa.ledger import NOT_RUN
from pytest_callqa.report import text
from pytest_callqa.report.chart import by_day
from pytest_callqa.report.compare import Trend, compare
from pytest_callqa.report.figures import SMALL, Counts, Rate, Summary
from pytest_callqa.report.graph import layout
from pytest_callqa.report.model import Ledgers
from pytest_callqa.report.pack import Packer, packed_text
from pytest_callqa.report.transcript import TextLevel, unquoted
from pytest_callqa.verdict import Outcome
from pytest_callqa.whole import make_folder, unwritable, write_whole

AGENTS_SHOWN = 100
"""Agents in the table of a page without script, lowest rate first."""

AGENTS_LISTED = 200
"""Agents up to which the filter of calls has a list of them; above, their names are typed."""

FINDINGS_SHOWN = 5
"""Broken clauses told at the top, with an example each."""

REASONS_FIRST = 6
"""Reasons told on the overview."""

REASONS_SHOWN = 50
"""Reasons of undecided verdicts told apart, those of most calls first."""

ONE_FILE = 25_000_000
"""Bytes up to which a report is one file."""

SCRIPTS = ("words", "page", "data", "query", "charts", "clauses", "calls", "call", "agents", "app")
"""The parts of the page's script, in their order."""

_FILES = Path(__file__).parent / "templates"
_PLOT = 120
_STEPS = ((95, "h0"), (90, "h1"), (80, "h2"), (60, "h3"))
_SHARD = re.compile(r"shard-(?:[0-9a-f]+-)?\d+\.js")


@dataclass(frozen=True, slots=True)
class Written:
    """Where a report is, and its figures: the page, and the folder beside it when it did not fit into one file."""

    page: Path
    summary: Summary
    folder: Path | None = None

    def __str__(self) -> str:
        if self.folder is None:
            return str(self.page)
        return f"{self.page}, with its calls in the folder {self.folder.name} (more than {ONE_FILE // 10**6} MB)"


def write_html(
    ledgers: Sequence[Path], out: Path, *, level: TextLevel = "evidence", former: Sequence[Path] = ()
) -> Written:
    """Write the report of these ledgers, whole or not at all, readable by its owner only.

    ``level`` is how much of what was said it shows; ``former`` the ledgers of a run to compare with. The same
    ledgers give the same bytes. Raises :class:`BadInput` for ledgers that cannot be read or do not belong
    together, and for a place that cannot be written.
    """
    reading = Ledgers(ledgers)
    try:
        make_folder(out.parent)
        with tempfile.TemporaryFile(dir=out.parent) as file:
            packer = Packer(reading.run, level, file, out.parent)
            summary = reading.summary(packer.add)
            packer.finish()
            trend = compare(reading, summary, former) if former else None
            return _write(_Page(summary, trend, packer), out)
    except OSError as error:
        raise unwritable(out, error) from None


def _write(page: _Page, out: Path) -> Written:
    """The page, and before it the folder that it needs: until it is there, the old one has all that it had."""
    beside = out.with_name(f"{out.stem}-calls")
    folder = beside if page.size > ONE_FILE else None
    known = {file for file in beside.glob("shard-*.js") if _SHARD.fullmatch(file.name)}
    needed = set()
    try:
        for number, payload in enumerate(page.packer.payloads("shard") if folder else ()):
            shard = beside / f"shard-{page.packer.edition}-{number}.js"
            needed.add(shard)
            if shard not in known:
                write_whole(shard, [f'callqa("{shard.stem}","{payload}")\n'.encode()])
        write_whole(out, map(str.encode, page.chunks(folder)))
    except BaseException:
        _remove(needed - known, beside)
        raise
    _remove(known - needed, beside)
    return Written(out, page.summary, folder)


def _remove(shards: Iterable[Path], folder: Path) -> None:
    """Take away what no page needs."""
    for shard in shards:
        shard.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


@dataclass(frozen=True, slots=True)
class _Page:
    """All that goes into a page."""

    summary: Summary
    trend: Trend | None
    packer: Packer

    @property
    def size(self) -> int:
        """How many bytes the page takes as one file."""
        return sum(len(chunk.encode()) for chunk in self.chunks(None))

    def chunks(self, folder: Path | None) -> Iterator[str]:
        """The page piece by piece; the calls in full are left out when they lie in a folder."""
        yield self._head(folder)
        yield from _payloads("words", [packed_text((_FILES / "zh.json").read_bytes()).decode()])
        yield f"<script>{_script()}</script>\n"  # before the calls, so that the figures need not wait for them
        book = self.packer.book(small=SMALL, folder=folder.name if folder else "")
        yield from _payloads("index", itertools.chain([book], self.packer.payloads("part")))
        yield from _payloads("calls", () if folder else self.packer.payloads("shard"))
        yield "</body>\n</html>\n"

    def _head(self, folder: Path | None) -> str:
        style, script = _style(), _script()
        run = f"'{_hash(script)}'" + (" 'strict-dynamic'" if folder else "")
        policy = (
            f"default-src 'none'; script-src {run}; style-src '{_hash(style)}'; media-src 'self'; "
            "base-uri 'none'; form-action 'none'"
        )
        level = self.packer.level
        page = _template().render(
            told=lambda reason: unquoted(reason, level),
            summary=self.summary,
            trend=self.trend,
            level=level,
            policy=policy,
            style=style,
            agents_shown=AGENTS_SHOWN,
            agents_listed=AGENTS_LISTED,
            findings_shown=FINDINGS_SHOWN,
            reasons_shown=REASONS_SHOWN,
            reasons_first=REASONS_FIRST,
            small=SMALL,
            outcomes=[*((outcome.letter, outcome.value) for outcome in Outcome), (NOT_RUN, "not run")],
        )
        return page.replace(">\n<", "><")  # a line feed between elements would be a node of its own


def _payloads(kind: str, lines: Iterable[str]) -> Iterator[str]:
    """Payloads of a kind, one a line, in an element that no browser runs. Base64 cannot end it."""
    yield f'<script type="application/octet-stream" id="packed-{kind}">'
    for number, line in enumerate(lines):
        yield f"\n{line}" if number else line
    yield "</script>\n"


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
        points=_points,
        accounts=text.accounts,
        rate=text.rate_text,
        score=text.score_text,
        cell=text.cell_text,
        count=text.count,
        number=lambda value: f"{value:,}",
        plot=_plot,
        step=_step,
        outcomes=_outcomes,
        instant=_instant,
        layout=layout,
        by_day=by_day,
    )
    return environment.get_template("page.html.j2")


@cache
def _style() -> Markup:
    return Markup(rcssmin.cssmin(_asset("report.css")))


@cache
def _script() -> Markup:
    parts = "\n".join(_asset(f"app/{name}.js") for name in SCRIPTS)
    return Markup(f'(() => {{"use strict";{rjsmin.jsmin(parts)}}})();')


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


def _points(difference: float) -> str:
    """``+1.2``: hundredths of a rate, or points of a score, with their sign."""
    return f"{100 * difference:+.1f}".replace("-", "\u2212")


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
        ("waived", "waived", counts.waived),
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

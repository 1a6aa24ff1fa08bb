"""The report in a browser against its budgets, and beside pytest-html and Allure: `python -m benchmarks report`.

Ledgers are generated, so that only the report is measured. Every opening has a browser of its own and figures are
medians. Processor time is that of the page's main thread and memory the proportional share (PSS) of its process, both
as Linux counts them, the start of the process included. A page is held by a dialog when it is ready and when it is
drawn (two frames later), so that nothing of the tools that watch it is counted; a view is done two frames after its
address was set. pytest-html, Allure and its command line tools are installed into a folder of their own when the
benchmark starts, since a plugin that is installed acts on every run of pytest.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Dialog, Page, sync_playwright

from benchmarks.ledgers import write
from benchmarks.measure import ALONE, PYTHON, Cost, alternate, run, save
from pytest_callqa.report.html import ONE_FILE

DOCS = Path(__file__).parents[1] / "docs" / "report.md"
CLAUSES = 57
CALLS = (1_000, 30_000, 100_000)
RESULTS = (1_000, 10_000)
ROUNDS = 5
BUDGETS = {
    30_000: {
        "ready_cpu_s": 0.35,
        "renderer_mb": 250,
        "filter_cpu_ms": 50,
        "open_call_cpu_ms": 100,
        "heat_map_cpu_ms": 500,
        "dom_nodes": 15_000,
        "bytes_a_verdict_evidence": 10,
        "bytes_a_verdict_full": 70,
        "write_cpu_s_evidence": 25,
        "write_cpu_s_full": 25,
    },
    100_000: {"ready_cpu_s": 0.5, "renderer_mb": 300, "dom_nodes": 15_000},
}
FLAT = 1.1
"""How much more memory the report of the most calls may take to write than that of 30,000."""

FIGURES = {
    "ready_cpu_s": "opened and ready, seconds of the main thread",
    "renderer_mb": "memory of the page's process, MB",
    "filter_cpu_ms": "the slowest of five filters, ms of the main thread",
    "open_call_cpu_ms": "a call opened, ms of the main thread",
    "heat_map_cpu_ms": "the heat map of agents, ms of the main thread",
    "dom_nodes": "DOM nodes in the largest view",
    "bytes_a_verdict_evidence": "bytes a verdict, gzipped, with evidence",
    "bytes_a_verdict_full": "bytes a verdict, gzipped, with transcripts",
    "write_cpu_s_evidence": "written with evidence, processor seconds",
    "write_cpu_s_full": "written with transcripts, processor seconds",
    "write_peak_mb_evidence": "peak of memory when written with evidence, MB",
    "write_peak_mb_full": "peak of memory when written with transcripts, MB",
    "one_file_mb": "the largest report in one file, MB",
}
VIEWS = ("#overview", "#clauses", "#clauses?by=agent", "#clause?id=2.3", "#calls", "#agents", "#agents?cards=1", "#run")
FILTERS = (
    "clause=3.1.1&verdict=f",
    "agent=A0007&max=80",
    "language=zh&from=2026-10-10&to=2026-10-20",
    "verdict=u&sort=length",
    "clause=2.3&verdict=f&team=team 3&sort=started",
)
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-extensions")
HOLD = """(() => {
  const look = () => {
    if (!document.querySelector(SELECTOR)) return setTimeout(look, 5);
    alert("ready");
    requestAnimationFrame(() => requestAnimationFrame(() => alert("drawn")));
  };
  look();
})()"""
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
LINKS = (
    """[...document.querySelectorAll("table.calls tbody th a")].map((a) => [a.getAttribute("href"), a.textContent])"""
)
CALL_SHOWN = """([to, name]) => new Promise((done) => {
  const look = () => document.querySelector("#stage h1")?.textContent === name ? done() : requestAnimationFrame(look);
  location.hash = to;
  look();
})"""
TESTS = """
import pytest

@pytest.mark.parametrize("case", range({count}), ids=lambda n: f"call-{{n:06}}")
def test_rule(case):
    print("the agent says", case)
    if case % 13 == 0:
        assert "sorry" in "so what", "the agent's reply says apology: not found"
    if case % 7 == 0:
        pytest.skip("the situation never arose")
"""


# -- the page's process


@dataclass(frozen=True)
class Moment:
    """When a page was so far: seconds of its main thread, and of the clock since it was asked for."""

    cpu: float
    wall: float


@dataclass
class Opened:
    """A page that is drawn, in a browser of its own, and the process that renders it."""

    page: Page
    devtools: CDPSession
    process: int
    ready: Moment
    drawn: Moment

    @property
    def cpu(self) -> float:
        """Seconds that the page's main thread has run."""
        return _cpu(self.process)

    @property
    def mb(self) -> float:
        """Megabytes that the process holds, what it shares counted in part."""
        (pss,) = re.findall(r"^Pss:\s+(\d+)", Path(f"/proc/{self.process}/smaps_rollup").read_text(), re.MULTILINE)
        return int(pss) / 1024

    @property
    def nodes(self) -> int:
        """Nodes that the process holds, text included."""
        self.devtools.send("HeapProfiler.collectGarbage")
        return int(self.devtools.send("Memory.getDOMCounters")["nodes"])

    def show(self, address: str) -> float:
        """To a view: milliseconds of the main thread until it is drawn."""
        return self._cost("to => { location.hash = to }", address)

    def open_call(self, link: Sequence[str]) -> float:
        """To a call, by its address and name: milliseconds of the main thread until its transcript is drawn."""
        return self._cost(CALL_SHOWN, link)

    def _cost(self, script: str, argument: object) -> float:
        before = self.cpu
        self.page.evaluate(script, argument)
        self.page.evaluate(SETTLED)
        return 1000 * (self.cpu - before)


@contextmanager
def opened(page: Path, ready: str) -> Iterator[Opened]:
    """A page in a fresh browser, ready once there is an element that `ready` selects, and all that it loads read."""
    moments: dict[str, Moment] = {}

    def note(dialog: Dialog) -> None:
        moments[dialog.message] = Moment(_cpu(_renderer(browser)), time.perf_counter() - began)
        dialog.accept()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(QUIET))
        try:
            tab = browser.new_page(viewport={"width": 1360, "height": 900})
            tab.add_init_script(HOLD.replace("SELECTOR", json.dumps(ready)))
            tab.on("dialog", note)
            began = time.perf_counter()
            with tab.expect_event("dialog", lambda dialog: dialog.message == "drawn", timeout=600_000):
                tab.goto(page.as_uri(), wait_until="commit", timeout=600_000)
            tab.wait_for_load_state("load", timeout=600_000)
            tab.wait_for_timeout(500)
            yield Opened(tab, tab.context.new_cdp_session(tab), _renderer(browser), **moments)
        finally:
            browser.close()


def _cpu(process: int) -> float:
    """Seconds that the main thread of a process has run."""
    return int(Path(f"/proc/{process}/task/{process}/schedstat").read_text().split()[0]) / 1e9


def _renderer(browser: Browser) -> int:
    """The renderer that has worked most: that of the page."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    pages = [one for one in processes if one["type"] == "renderer" and not _chrome(one["id"])]
    return int(max(pages, key=lambda one: one["cpuTime"])["id"])


def _chrome(process: int) -> bool:
    """Whether a process renders the browser's own tab strip."""
    return b"--top-chrome-webui" in Path(f"/proc/{process}/cmdline").read_bytes()


# -- ours against the budgets


def report(ledger: Path, out: Path, level: str = "evidence") -> Cost:
    return run([PYTHON, "-m", "pytest_callqa.cli", "report", str(ledger), "-o", str(out), "--text", level])


def files(out: Path) -> list[Path]:
    """The page and what lies in its folder."""
    return [out, *sorted(out.with_name(f"{out.stem}-calls").glob("*.js"))]


def written(ledger: Path, out: Path, calls: int, level: str) -> dict[str, object]:
    """What it takes to write the report, and what there is then; in bytes a verdict as a server would send it."""
    cost = report(ledger, out, level)
    there = files(out)
    sent = sum(len(gzip.compress(file.read_bytes(), 6)) for file in there)
    return {
        f"write_cpu_s_{level}": round(cost.cpu, 2),
        f"write_peak_mb_{level}": round(cost.peak_kb / 1024),
        f"bytes_a_verdict_{level}": round(sent / (calls * CLAUSES), 2),
        f"mb_{level}": round(sum(file.stat().st_size for file in there) / 1e6, 2),
        f"files_{level}": len(there),
    }


def in_browser(out: Path) -> dict[str, object]:
    """The figures of a report as a browser shows it."""
    openings, filters, heat = [], [], []
    for _ in range(ROUNDS):
        with opened(out, "html[data-ready]") as page:
            openings.append((page.ready.cpu, page.ready.wall, page.cpu, page.mb))
    ready, wall, whole, memory = (statistics.median(column) for column in zip(*openings, strict=True))
    with opened(out, "html[data-ready]") as page:
        nodes = {view: (page.show(view), page.nodes)[1] for view in VIEWS}
        page.show("#calls")
        links = page.page.evaluate(LINKS)[::5]
        for _ in range(ROUNDS):
            filters.append([page.show(f"#calls?{asked}") for asked in FILTERS])
            page.show("#clauses?by=team")
            heat.append(page.show("#clauses?by=agent"))
        opening = [page.open_call(link) for link in links]
        nodes["#call"] = page.nodes
        worked = page.mb
    return {
        "ready_cpu_s": round(ready, 3),
        "ready_cpu_s_least": round(min(openings)[0], 3),
        "ready_wall_s": round(wall, 2),
        "read_whole_cpu_s": round(whole, 3),
        "renderer_mb": round(max(memory, worked)),
        "filter_cpu_ms": round(max(statistics.median(costs) for costs in zip(*filters, strict=True))),
        "open_call_cpu_ms": round(statistics.median(opening)),
        "open_call_cpu_ms_slowest": round(max(opening)),
        "heat_map_cpu_ms": round(statistics.median(heat)),
        "dom_nodes": max(nodes.values()),
        "dom_nodes_by_view": nodes,
    }


def ours(folder: Path) -> list[dict[str, Any]]:
    rows = []
    for calls in CALLS:
        ledger, out = folder / f"{calls}.jsonl", folder / f"{calls}.html"
        write(ledger, calls)
        figures: dict[str, object] = {"calls": calls, "verdicts": calls * CLAUSES}
        for level in ("full", "evidence"):
            figures |= written(ledger, out, calls, level)
        rows.append(figures | in_browser(out))
        ledger.unlink()
    return rows


def against_budgets(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every figure that has a budget, and whether it is met."""
    of = {row["calls"]: row for row in rows}
    asked = [(calls, name, of[calls][name], most) for calls, budget in BUDGETS.items() for name, most in budget.items()]
    for level in ("evidence", "full"):
        name = f"write_peak_mb_{level}"
        asked.append((CALLS[-1], name, of[CALLS[-1]][name], round(FLAT * of[30_000][name])))
    single = [
        (row[f"mb_{level}"], row["calls"])
        for row in rows
        for level in ("evidence", "full")
        if row[f"files_{level}"] == 1
    ]
    asked.append((max(single)[1], "one_file_mb", max(single)[0], ONE_FILE // 10**6))
    return [
        {"calls": calls, "figure": name, "measured": measured, "budget": most, "met": measured <= most}
        for calls, name, measured, most in asked
    ]


# -- beside others


@dataclass(frozen=True)
class Allure:
    """A command line tool that makes a page of what allure-pytest wrote, and what tells that its page is ready."""

    package: str
    command: tuple[str, ...]
    ready: str


ALLURES = {
    "Allure 3": Allure("allure@3", ("awesome", "--single-file"), '[data-testid="tree-leaf"]'),
    "Allure 2": Allure("allure-commandline@2", ("generate", "--single-file"), ".widget__body .table__row"),
}
PLUGINS = ("pytest-html>=4.2", "allure-pytest>=2.16", "pytest-metadata", "allure-python-commons", "attrs")


def installed(command: Sequence[str]) -> str:
    """Install something; what went wrong, "" when nothing did."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    except subprocess.CalledProcessError as error:
        return f"could not be installed: {error.stderr.strip()[-300:]}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"could not be installed: {error}"
    return ""


def beside(folder: Path) -> list[dict[str, Any]]:
    plugins = folder / "plugins"
    environment = {**ALONE, "PYTHONPATH": str(plugins)}
    missing = installed([PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--target", str(plugins), *PLUGINS])
    tools = {name: folder / name for name in ALLURES}
    without = {
        name: installed(["npm", "install", "--silent", "--no-fund", "--prefix", str(tools[name]), allure.package])
        for name, allure in ALLURES.items()
    }
    rows = []
    for count in RESULTS:
        for name, calls in (("as many verdicts", -(-count // CLAUSES)), ("as many calls", count)):
            ledger, out = folder / "ledger.jsonl", folder / "ours.html"
            write(ledger, calls)
            rows.append(_row(f"callqa, {name}", count, report(ledger, out), out, "html[data-ready]"))
        if missing:
            rows.append({"tool": "pytest-html, Allure", "results": count, "not_measured": missing})
            continue
        test, html, results = folder / f"test_{count}.py", folder / f"{count}.html", folder / f"results-{count}"
        test.write_text(TESTS.format(count=count), encoding="utf-8")
        pytest = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
        with_html = ["-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin", "--self-contained-html"]
        with_allure = ["-p", "allure_pytest.plugin", "--clean-alluredir", f"--alluredir={results}"]
        ways = {"plain": pytest, "html": [*pytest, *with_html, f"--html={html}"], "allure": [*pytest, *with_allure]}
        costs = alternate(ways, 2, expect=(1,), environment=environment)
        plain = _least(costs["plain"])
        rows.append(
            _row("pytest-html", count, _more(_least(costs["html"]), plain), html, "#results-table .results-table-row")
        )
        for name, allure in ALLURES.items():
            if without[name]:
                rows.append({"tool": name, "results": count, "not_measured": without[name]})
                continue
            made, program = folder / f"{name}-{count}", tools[name] / "node_modules" / ".bin" / "allure"
            cost = run([str(program), *allure.command, "--output", str(made), str(results)], cwd=folder)
            collected = _more(_least(costs["allure"]), plain)
            both = Cost(collected.cpu + cost.cpu, collected.wall + cost.wall, cost.peak_kb)
            rows.append(_row(name, count, both, made / "index.html", allure.ready))
    return rows


def _least(costs: Sequence[Cost]) -> Cost:
    return min(costs, key=lambda cost: cost.cpu)


def _more(cost: Cost, plain: Cost) -> Cost:
    """What a run took beyond one that writes nothing."""
    return Cost(cost.cpu - plain.cpu, cost.wall - plain.wall, cost.peak_kb)


def _row(tool: str, results: int, cost: Cost, page: Path, ready: str) -> dict[str, Any]:
    with opened(page, ready) as seen:
        return {
            "tool": tool,
            "results": results,
            "mb": round(sum(file.stat().st_size for file in files(page)) / 1e6, 2),
            "write_cpu_s": round(cost.cpu, 2),
            "write_wall_s": round(cost.wall, 2),
            "open_wall_s": round(seen.drawn.wall, 2),
            "open_cpu_s": round(seen.drawn.cpu, 2),
            "renderer_mb": round(seen.mb),
            "dom_nodes": seen.nodes,
        }


# -- told


def tables(figures: Mapping[str, Any]) -> str:
    """The figures as the documentation shows them."""
    lines = [f"| {CLAUSES} clauses | calls | measured | budget |", "|---|---:|---:|---:|"]
    for row in figures["budgets"]:
        missed = "" if row["met"] else ", missed"
        cells = (FIGURES[row["figure"]], f"{row['calls']:,}", f"{row['measured']:,}", f"{row['budget']:,}{missed}")
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| beside others | results | size | written | opened (main thread) | memory | DOM nodes |"]
    lines += ["|---|---:|---:|---:|---:|---:|---:|"]
    for row in figures["beside_others"]:
        if "not_measured" in row:
            lines.append(f"| {row['tool']} | {row['results']:,} | {row['not_measured']} |||||")
            continue
        cells = (
            row["tool"],
            f"{row['results']:,}",
            f"{row['mb']:,} MB",
            f"{row['write_cpu_s']:,} s",
            f"{row['open_wall_s']:,} s ({row['open_cpu_s']:,} s)",
            f"{row['renderer_mb']:,} MB",
            f"{row['dom_nodes']:,}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = ours(folder)
        figures = {"budgets": against_budgets(rows), "ours": rows, "beside_others": beside(folder)}
    save("report", figures)
    marked = re.compile(r"(?<=<!-- measured -->\n).*(?=<!-- /measured -->)", re.DOTALL)
    DOCS.write_text(marked.sub(lambda _: f"{tables(figures)}\n", DOCS.read_text(encoding="utf-8")), encoding="utf-8")

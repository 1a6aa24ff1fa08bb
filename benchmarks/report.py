"""The report in a browser against its budgets, and beside pytest-html and Allure: `python -m benchmarks report`.

Ledgers are generated, so that only the report is measured. Processor time is that of the page's main thread and
memory the proportional share (PSS) of its process, both as Linux counts them; a view is done two frames after its
address was set. pytest-html, Allure and its command line tool are installed into a folder of their own when the
benchmark starts, since a plugin that is installed acts on every run of pytest.
"""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.ledgers import write
from benchmarks.measure import ALONE, PYTHON, Cost, run, save

CALLS = (30_000, 100_000)
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
        "write_cpu_s": 25,
    },
    100_000: {"ready_cpu_s": 0.5, "renderer_mb": 300},
}
BYTES_A_VERDICT = {"evidence": 10, "full": 70}
VIEWS = ("#overview", "#clauses", "#clauses?by=agent", "#clause?id=2.3", "#calls", "#agents", "#agents?cards=1", "#run")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-extensions")
FILTERS = (
    "clause=3.1.1&verdict=f",
    "agent=A0007&max=80",
    "language=zh&from=2026-10-10&to=2026-10-20",
    "verdict=u&sort=length",
    "clause=2.3&verdict=f&team=team 3&sort=started",
)
LINKS = """[...document.querySelectorAll("table.calls tbody th a")].map((one) => one.getAttribute("href"))"""
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
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


@dataclass
class Opened:
    """A page in a browser of its own, and the process that renders it."""

    page: Page
    devtools: CDPSession
    process: int

    @property
    def cpu(self) -> float:
        """Seconds that the page's main thread has run."""
        return int(Path(f"/proc/{self.process}/task/{self.process}/schedstat").read_text().split()[0]) / 1e9

    @property
    def mb(self) -> float:
        """Megabytes that the process holds, what it shares counted in part."""
        (pss,) = [
            line
            for line in Path(f"/proc/{self.process}/smaps_rollup").read_text().splitlines()
            if line.startswith("Pss:")
        ]
        return int(pss.split()[1]) / 1024

    @property
    def nodes(self) -> int:
        """Nodes of the document, text included."""
        self.devtools.send("HeapProfiler.collectGarbage")
        return int(self.devtools.send("Memory.getDOMCounters")["nodes"])

    def cost(self, act: Callable[[], object]) -> float:
        """Milliseconds of the main thread until the page has drawn what the act brings about."""
        before = self.cpu
        act()
        self.page.evaluate(SETTLED)
        return 1000 * (self.cpu - before)

    def go(self, address: str) -> None:
        """To another view."""
        self.page.evaluate("to => { location.hash = to }", address)

    def open_call(self, address: str) -> None:
        """To a call, until its transcript is there."""
        self.go(address)
        self.page.locator("#stage .callhead").wait_for()


@contextmanager
def opened(page: Path | str, ready: str) -> Iterator[tuple[Opened, float]]:
    """A page in a fresh browser once `ready` (a selector) is there, and the wall seconds that took."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(QUIET))
        try:
            tab = browser.new_page(viewport={"width": 1360, "height": 900})
            began = time.perf_counter()
            tab.goto(page if isinstance(page, str) else page.as_uri(), timeout=600_000)
            tab.wait_for_selector(ready, timeout=600_000, state="attached")
            tab.evaluate(SETTLED)
            took = time.perf_counter() - began
            yield Opened(tab, tab.context.new_cdp_session(tab), _renderer(browser)), took
        finally:
            browser.close()


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


def packed(out: Path) -> int:
    """Bytes of the page and its folder, gzipped as a server would send them."""
    files = [out, *sorted(out.with_name(f"{out.stem}-calls").glob("*.js"))]
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)


def in_browser(out: Path, calls: int) -> dict[str, object]:
    ready, walls, memory = [], [], []
    for _ in range(3):
        with opened(out, "html[data-ready]") as (page, took):
            ready.append(page.cpu)
            walls.append(took)
            memory.append(page.mb)
    with opened(out, "html[data-ready]") as (page, _):
        nodes = {}
        for view in VIEWS:
            page.go(view)
            page.page.evaluate(SETTLED)
            nodes[view] = page.nodes
        page.go("#calls")
        page.page.locator("table.calls").wait_for()
        names = page.page.evaluate(LINKS)[:: 100 // ROUNDS]
        filters = [page.cost(lambda asked=asked: page.go(f"#calls?{asked}")) for asked in FILTERS]
        opening = [page.cost(lambda name=name: page.open_call(name)) for name in names]
        nodes["#call"] = page.nodes
        heat = [page.cost(lambda by=by: page.go(f"#clauses?by={by}")) for by in ("agent", "team", "agent")]
        worked = page.mb
    return {
        "calls": calls,
        "verdicts": calls * 57,
        "ready_cpu_s": round(statistics.median(ready), 3),
        "ready_wall_s": round(statistics.median(walls), 2),
        "renderer_mb": round(statistics.median(memory)),
        "renderer_mb_after_work": round(worked),
        "filter_cpu_ms": round(statistics.median(filters)),
        "open_call_cpu_ms": round(statistics.median(opening)),
        "heat_map_cpu_ms": round(statistics.median(heat)),
        "dom_nodes": max(nodes.values()),
    }


def ours(folder: Path) -> list[dict[str, object]]:
    rows = []
    for calls in CALLS:
        ledger, out = folder / f"{calls}.jsonl", folder / f"{calls}.html"
        write(ledger, calls)
        figures: dict[str, object] = {}
        for level in ("full", "evidence"):
            cost = report(ledger, out, level)
            beside = out.with_name(f"{out.stem}-calls")
            figures |= {
                f"write_cpu_s_{level}": round(cost.cpu, 2),
                f"write_peak_mb_{level}": round(cost.peak_kb / 1024),
                f"bytes_a_verdict_gzipped_{level}": round(packed(out) / (calls * 57), 2),
                f"files_{level}": 1 + len(list(beside.glob("*.js"))),
            }
        figures = {"page_mb": round(out.stat().st_size / 1e6, 1), **in_browser(out, calls), **figures}
        rows.append(figures | {"budget": BUDGETS[calls]})
        ledger.unlink()
    return rows


# -- beside others


def tools(folder: Path) -> tuple[dict[str, str], list[str]]:
    """An environment in which pytest finds the two plugins, and the command of Allure."""
    plugins = folder / "plugins"
    needed = ["pytest-html>=4.2", "allure-pytest>=2.16"]
    subprocess.run([PYTHON, "-m", "pip", "install", "-q", "--target", str(plugins), "--no-deps", *needed], check=True)
    needed = ["pytest-metadata", "allure-python-commons", "attrs"]
    subprocess.run([PYTHON, "-m", "pip", "install", "-q", "--target", str(plugins), "--no-deps", *needed], check=True)
    subprocess.run(["npm", "install", "--silent", "--no-fund", "--prefix", str(folder / "npm"), "allure@3"], check=True)
    return {**ALONE, "PYTHONPATH": str(plugins)}, [str(folder / "npm" / "node_modules" / ".bin" / "allure")]


def beside(folder: Path) -> list[dict[str, object]]:
    environment, allure = tools(folder)
    rows = []
    for count in RESULTS:
        test = folder / f"test_{count}.py"
        test.write_text(TESTS.format(count=count), encoding="utf-8")
        pytest = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
        html, results, made = (folder / f"{name}-{count}" for name in ("pytest.html", "results", "allure"))
        plugins = ["-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin"]
        ways = (
            pytest,
            [*pytest, *plugins, f"--html={html}.html", "--self-contained-html"],
            [*pytest, "-p", "allure_pytest.plugin", f"--alluredir={results}", "--clean-alluredir"],
        )
        turns = [[_pytest(way, environment) for way in ways] for _ in range(2)]
        plain, with_html, with_allure = map(min, *turns)
        single = [*allure, "awesome", "--single-file", "--output", str(made), str(results)]
        made_cpu = with_allure - plain + run(single, cwd=folder).cpu
        ledger, out = folder / "ledger.jsonl", folder / "ours.html"
        for name, calls in (("as many verdicts", -(-count // 57)), ("as many calls", count)):
            write(ledger, calls)
            cost = report(ledger, out)
            rows.append(_row(f"callqa, {name}", count, cost.cpu, out, "html[data-ready]"))
        rows.append(_row("pytest-html", count, with_html - plain, Path(f"{html}.html"), ".results-table-row"))
        rows.append(_row("Allure 3", count, made_cpu, made / "index.html", "[data-testid]"))
    return rows


def _pytest(command: list[str], environment: dict[str, str]) -> float:
    """Processor seconds of a run of pytest; some of its tests fail."""
    before = os.times()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _row(tool: str, results: int, write_cpu: float, page: Path, ready: str) -> dict[str, object]:
    with opened(page, ready) as (seen, took):
        return {
            "tool": tool,
            "results": results,
            "mb": round(page.stat().st_size / 1e6, 2),
            "write_cpu_s": round(write_cpu, 2),
            "open_wall_s": round(took, 2),
            "open_cpu_s": round(seen.cpu, 2),
            "renderer_mb": round(seen.mb),
            "dom_nodes": seen.nodes,
        }


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(
            "report", {"bytes_a_verdict_budget": BYTES_A_VERDICT, "ours": ours(folder), "beside_others": beside(folder)}
        )

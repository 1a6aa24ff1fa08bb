"""A report of 30,000 calls by the 57 clauses of the worked book: how large it is, and how much a browser has to hold.

Times and memory are measured by `python -m benchmarks report`.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks import ledgers

from pytest_callqa.report.html import AGENTS_LISTED, ONE_FILE, write_html
from pytest_callqa.report.transcript import TextLevel

if TYPE_CHECKING:
    from conftest import Visit

pytestmark = pytest.mark.browser
Open = Callable[..., "Visit"]
CALLS, CLAUSES = 30_000, 57
VIEWS = (
    "#overview", "#clauses", "#clauses?by=agent", "#clauses?by=team", "#clause?id=2.3", "#calls", "#calls?verdict=f",
    "#agents", "#agent?name=A0007", "#agents?cards=1", "#scenarios", "#rules", "#run",
)  # fmt: skip
COUNT = """() => {
  const nodes = document.createNodeIterator(document);
  let count = 0;
  while (nodes.nextNode()) count++;
  return count;
}"""


GO = """to => new Promise((done) => {
  addEventListener("hashchange", () => setTimeout(done), { once: true });
  location.hash = to;
})"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of so many calls with the words around evidence."""
    return written(tmp_path_factory.mktemp("scale"), CALLS, "evidence")


def written(folder: Path, calls: int, level: TextLevel) -> Path:
    ledgers.write(folder / "ledger.jsonl", calls, agents=AGENTS_LISTED)
    told = write_html([folder / "ledger.jsonl"], folder / "report.html", level=level)
    assert told.folder is None
    return told.page


def bytes_a_verdict(page: Path, calls: int) -> float:
    return len(gzip.compress(page.read_bytes(), 6)) / calls / CLAUSES


def test_it_is_one_file_of_few_bytes_a_verdict(report: Path, tmp_path: Path) -> None:
    assert report.stat().st_size <= ONE_FILE
    assert bytes_a_verdict(report, CALLS) <= 10
    assert bytes_a_verdict(written(tmp_path, CALLS // 10, "full"), CALLS // 10) <= 70


def test_no_view_has_more_nodes_than_a_browser_shows_at_once(report: Path, visit: Open) -> None:
    page = visit(report).page
    shown = {}
    for view in VIEWS:
        page.evaluate(GO, view)
        shown[view] = page.evaluate(COUNT)
    page.evaluate(GO, "#calls")
    page.locator("table.calls tbody th a").first.click()
    page.locator(".transcript .turn").first.wait_for()
    shown["#call"] = page.evaluate(COUNT)
    assert {view: count for view, count in shown.items() if count > 15_000} == {}
    assert len(set(shown.values())) > len(VIEWS) // 2

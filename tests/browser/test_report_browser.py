"""The page as a browser shows it: safe, readable without script, accessible, and no wider than its window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_callqa import ledger
from pytest_callqa.report import html
from pytest_callqa.report.html import write_html
from pytest_callqa.report.text import spoken, visible
from report_ledgers import FULL, HOSTILE, RUN, TALK, UNREAD, entry, hostile, write, written

if TYPE_CHECKING:
    from conftest import Visit

pytestmark = pytest.mark.browser
Open = Callable[..., "Visit"]
VIEWS = (
    "#overview", "#clauses", "#clauses?by=agent", "#clauses?by=team", "#clauses?sort=-3", "#clause?id=1.2", "#calls",
    "#calls?clause=1.1&verdict=f", "#call?id=rude&t=4.5&at=1.2", "#call?id=good-1", "#call?id=zh-1", "#agents",
    "#agents?cards=1", "#agent?name=Ann", "#scenarios", "#rules", "#run", "#call?id=nobody",
)  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with something in every part of it."""
    return written(tmp_path_factory.mktemp("report"), *FULL)


def go(seen: Visit, fragment: str) -> None:
    """To another view of the page that is open."""
    seen.page.evaluate(
        "to => new Promise(done => { location.hash = to; setTimeout(() => requestAnimationFrame(done), 30) })", fragment
    )


# -- safe


def test_it_opens_from_a_file_asks_for_nothing_and_breaks_no_policy(report: Path, visit: Open) -> None:
    seen = visit(report)
    assert seen.page.title() == "Overview · Test book"
    for view in VIEWS:
        go(seen, view)
        assert seen.page.locator("main > section.on").count() == 1
    assert seen.requests == [report.as_uri()]
    assert (seen.violations, seen.complaints) == ([], [])


def test_script_that_is_not_its_own_cannot_run(tmp_path: Path, visit: Open) -> None:
    report = written(tmp_path, *FULL)
    report.write_text(
        report.read_text(encoding="utf-8").replace("</main>", "<script>document.title='bad'</script></main>")
    )
    seen = visit(report)
    assert seen.page.title() == "Overview · Test book"
    assert seen.violations == ["script-src-elem inline"]


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_text_runs_nothing_and_stays_text(tmp_path: Path, visit: Open, payload: str) -> None:
    run, lines = hostile(payload)
    out = written(tmp_path, *lines, run=run, level="full")
    seen = visit(out)
    page = seen.page
    page.locator(".findings .proof a").first.click()
    assert page.locator("#stage h1").inner_text() == visible(payload)
    assert page.locator(".words").text_content().replace("1.2", "") == spoken(payload)
    for view in ("#calls", "#clauses?by=agent", "#clause?id=1.2", "#agents?cards=1", "#run"):
        go(seen, view)
        assert page.locator("main > section.on h1, main > section.on h2").first.is_visible()
    assert (seen.violations, seen.complaints, seen.requests) == ([], [], [out.as_uri()])
    assert page.locator("footer").inner_text().startswith("This page quotes calls")


def test_text_that_turns_the_reading_direction_stays_in_its_place(tmp_path: Path, visit: Open) -> None:
    turned = entry("\u202eevil", "fnmn", agent="שלום", turns=(ledger.Line("agent", 0.0, 1.0, "\u202egnihton \u2066x"),))
    page = visit(written(tmp_path, turned, level="full"), "#call?id=%E2%80%AEevil").page
    assert page.locator("#stage h1").inner_text() == "⟨U+202E⟩evil"
    assert page.locator(".words").inner_text() == "⟨U+202E⟩gnihton ⟨U+2066⟩x"


def test_a_turn_of_a_megabyte_is_kept_whole_and_breaks_no_layout(tmp_path: Path, visit: Open) -> None:
    words = "x" * 1_000_000
    long = entry("long", "fnmn", turns=(ledger.Line("agent", 0.0, 9.0, words),))
    page = visit(written(tmp_path, long, level="full"), "#call?id=long", viewport={"width": 800, "height": 600}).page
    assert page.evaluate("document.documentElement.scrollWidth") == 800
    assert page.locator(".words").text_content() == words


# -- one file or a folder


def test_calls_in_a_folder_are_read_when_they_are_opened(
    tmp_path: Path, visit: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "ONE_FILE", 1000)
    monkeypatch.setattr("pytest_callqa.report.pack.SHARD_BYTES", 1)
    out = written(tmp_path, *FULL)
    seen = visit(out)
    assert seen.requests == [out.as_uri()]
    go(seen, "#call?id=rude")
    assert seen.page.locator("mark").first.text_content() == "Damn"
    [first] = (tmp_path / "report-calls").glob("shard-*-0.js")
    assert seen.requests == [out.as_uri(), first.as_uri()]
    assert (seen.violations, seen.complaints) == ([], [])


def test_a_missing_folder_is_told_in_place(tmp_path: Path, visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "ONE_FILE", 1000)
    out = written(tmp_path, *FULL)
    [shard] = (tmp_path / "report-calls").glob("shard-*-0.js")
    shard.unlink()
    page = visit(out, "#call?id=rude").page
    assert "Keep the folder of calls beside the page: report-calls" in page.locator("#stage").inner_text()
    assert page.locator("#stage h1").inner_text() == "rude"


def test_a_page_whose_calls_are_damaged_keeps_its_figures(tmp_path: Path, visit: Open) -> None:
    out = written(tmp_path, *FULL)
    out.write_text(
        out.read_text(encoding="utf-8").replace('id="packed-index">H4sI', 'id="packed-index">AAAA'), encoding="utf-8"
    )
    page = visit(out, ready=False).page
    assert "could not be unpacked" in page.get_by_role("alert").inner_text()
    assert page.locator(".heads").first.is_visible()


# -- without script


def test_figures_and_clauses_are_there_without_script(report: Path, visit: Open) -> None:
    page = visit(report, java_script_enabled=False).page
    assert "93 %\n38 of 41, 95 % interval 81–97 %" in page.locator(".heads").first.inner_text()
    assert page.locator(".clauses tbody tr").count() == 2 + 4
    assert page.locator(".agents tbody tr").count() == 3
    assert not page.locator(".filter").is_visible()
    assert not page.locator("#tools").is_visible()
    assert "need script" in page.locator("#calls").inner_text()
    page.locator("body > nav a", has_text="Run").click()
    assert page.locator("#run").bounding_box()["y"] < page.viewport_size["height"]


# -- for everyone


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_any_view(report: Path, visit: Open, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    seen = visit(report, color_scheme=scheme)
    axe = Axe()
    for view in VIEWS:
        go(seen, view)
        for details in seen.page.locator("#stage details").all():
            details.evaluate("one => { one.open = true }")
        results = axe.run(seen.page).response
        assert results["passes"]
        found = [(one["id"], [node["html"] for node in one["nodes"]]) for one in results["violations"]]
        assert (view, found) == (view, [])


@pytest.mark.parametrize("lines", [(), (entry("cut", "p---"),)], ids=["empty", "incomplete"])
def test_axe_finds_no_violation_where_there_is_little(
    tmp_path: Path, visit: Open, lines: tuple[ledger.LedgerLine, ...]
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    seen = visit(written(tmp_path, *lines, end=not lines))
    for view in ("#overview", "#clauses", "#clauses?by=agent", "#calls", "#agents", "#agents?cards=1"):
        go(seen, view)
        results = Axe().run(seen.page).response
        assert (view, [one["id"] for one in results["violations"]]) == (view, [])
    assert seen.complaints == []


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_view_scrolls_sideways(tmp_path: Path, visit: Open, width: int) -> None:
    wordy = msgspec.structs.replace(
        RUN, title="Gesprächsleitfadenverordnung" * 3, sections={"1": "Manners " * 9, "2": "W" * 60}
    )
    long = entry("i" * 120, "fnmn", agent="a" * 90, turns=TALK)
    out = written(tmp_path, *FULL, long, run=wordy)
    seen = visit(out, viewport={"width": width, "height": 700})
    for view in (*VIEWS, f"#call?id={long.call}", f"#agent?name={long.agent}"):
        go(seen, view)
        assert (view, seen.page.evaluate("document.documentElement.scrollWidth")) == (view, width)


def test_the_page_without_script_never_scrolls_sideways(report: Path, visit: Open) -> None:
    page = visit(report, viewport={"width": 320, "height": 700}, java_script_enabled=False).page
    assert page.locator("html").evaluate("one => one.scrollWidth") == 320


def test_print_shows_the_view_and_no_controls(report: Path, visit: Open) -> None:
    page = visit(report, "#call?id=rude").page
    page.emulate_media(media="print")
    for control in ("body > nav", "#tools", ".pages", ".filter"):
        assert not page.locator(control).first.is_visible()
    assert page.locator("mark").first.is_visible()
    assert page.locator("svg.timeline").is_visible()


def test_a_scorecard_takes_a_page(report: Path, visit: Open) -> None:
    page = visit(report, "#agents?cards=1").page
    assert page.locator(".scorecard").count() == 3
    assert page.pdf().count(b"/Type /Page\n") == 3


def test_dark_and_light_are_two_pages_and_the_reader_may_choose(report: Path, visit: Open) -> None:
    def shade(page: object) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))  # type: ignore[attr-defined]

    light, dark = (visit(report, color_scheme=scheme).page for scheme in ("light", "dark"))
    assert shade(light) != shade(dark)
    night = shade(dark)
    light.get_by_role("button", name="dark").click()
    assert shade(light) == night
    light.reload()
    assert shade(light) == night
    assert light.get_by_role("button", name="dark").get_attribute("aria-pressed") == "true"


def test_a_page_that_may_remember_nothing_works_all_the_same(report: Path, visit: Open, browser: object) -> None:
    seen = visit(report, ready=False)
    seen.page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })")
    seen.page.reload()
    seen.page.wait_for_selector("html[data-ready]")
    seen.page.get_by_role("button", name="dark").click()
    assert seen.complaints == []


# -- in two languages


def test_the_page_speaks_the_readers_language(report: Path, visit: Open) -> None:
    page = visit(report, locale="zh-CN").page
    assert page.locator("html").get_attribute("lang") == "zh"
    assert page.locator("body > nav a").all_text_contents() == ["总览", "条款", "通话", "坐席", "场景", "规则", "运行"]
    page.get_by_role("button", name="English").click()
    page.wait_for_selector("html[data-ready][lang=en]")
    assert page.locator("body > nav a").first.text_content() == "Overview"


def test_nothing_of_ours_is_left_in_english(tmp_path: Path, visit: Open) -> None:
    then = write(tmp_path / "then.jsonl", *(entry(f"good-{n}", "fpmp") for n in range(12)))
    out = tmp_path / "report.html"
    write_html([write(tmp_path / "ledger.jsonl", *FULL, UNREAD, end=False)], out, former=[then])
    seen = visit(out, locale="zh-CN", ready=False)
    seen.page.add_init_script("window.untranslated = new Set()")
    seen.page.reload()
    seen.page.wait_for_selector("html[data-ready]")
    for view in VIEWS:
        go(seen, view)
    assert sorted(seen.page.evaluate("[...window.untranslated]")) == []

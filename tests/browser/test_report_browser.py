"""The report as a browser shows it: safe, readable without script, accessible, and no wider than its window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_callqa import ledger
from pytest_callqa.report.html import write_html
from pytest_callqa.report.model import Ledgers
from report_ledgers import HOSTILE, RUDE, RUN, TALK, UNREAD, entry, hostile, write

if TYPE_CHECKING:
    from conftest import Visit

pytestmark = pytest.mark.browser
Open = Callable[..., "Visit"]

CHINESE = entry(
    "zh-1",
    "pfmu",
    agent="陈静",
    language="zh",
    turns=(
        ledger.Line("agent", 0.0, 3.0, "您好，请问有什么可以帮您？"),
        ledger.Line("customer", 3.5, 6.0, "你们的系统又坏了！"),
    ),
    doubts={"no case record was given for this call": ["2.1"]},
)
FULL = (RUDE, CHINESE, *(entry(f"good-{n}", "ppmp", agent="Ann") for n in range(12)), entry("odd", "pnme"), UNREAD)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report with something in every part of it."""
    return written(tmp_path, *FULL)


def written(folder: Path, *lines: ledger.LedgerLine, run: ledger.Run = RUN, end: bool = True) -> Path:
    out = folder / "report.html"
    write_html([write(folder / "ledger.jsonl", *lines, run=run, end=end)], out)
    return out


def anchors(folder: Path) -> dict[str, str]:
    return {call.call: call.anchor for call in Ledgers([folder / "ledger.jsonl"]).summary().failing}


# -- safe


def test_it_opens_from_a_file_asks_for_nothing_and_breaks_no_policy(report: Path, visit: Open) -> None:
    seen = visit(report)
    assert seen.page.title() == "Call quality: Test book"
    assert seen.requests == [report.as_uri()]
    assert (seen.violations, seen.complaints) == ([], [])


def test_script_that_is_not_its_own_cannot_run(report: Path, visit: Open) -> None:
    report.write_text(
        report.read_text(encoding="utf-8").replace("</main>", "<script>document.title='bad'</script></main>")
    )
    seen = visit(report)
    assert seen.page.title() == "Call quality: Test book"
    assert seen.violations == ["script-src-elem inline"]


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_text_runs_nothing(tmp_path: Path, visit: Open, payload: str) -> None:
    run, lines = hostile(payload)
    out = written(tmp_path, *lines, run=run)
    seen = visit(out, f"#{anchors(tmp_path)[payload]}")
    assert (seen.violations, seen.complaints, seen.requests) == ([], [], [out.as_uri()])
    assert seen.page.locator("article h3").first.is_visible()
    assert seen.page.locator("footer").inner_text().startswith("This page quotes calls")


def test_text_that_turns_the_reading_direction_stays_in_its_place(tmp_path: Path, visit: Open) -> None:
    turned = entry("\u202eevil", "fnmn", agent="שלום", turns=(ledger.Line("agent", 0.0, 1.0, "\u202egnihton \u2066x"),))
    seen = visit(written(tmp_path, turned), f"#{anchors(tmp_path).popitem()[1]}")
    assert seen.page.locator(".id").inner_text() == "⟨U+202E⟩evil"
    assert seen.page.locator(".words").inner_text() == "⟨U+202E⟩gnihton ⟨U+2066⟩x"


def test_a_turn_of_a_megabyte_breaks_no_layout(tmp_path: Path, visit: Open) -> None:
    out = written(tmp_path, entry("long", "fnmn", turns=(ledger.Line("agent", 0.0, 9.0, "x" * 1_000_000),)))
    seen = visit(out, f"#{anchors(tmp_path).popitem()[1]}", viewport={"width": 800, "height": 600})
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 800


# -- links


@pytest.mark.parametrize("script", [True, False])
def test_the_address_of_a_call_opens_it(report: Path, visit: Open, script: bool) -> None:
    anchor = anchors(report.parent)["zh-1"]
    page = visit(report, f"#{anchor}", java_script_enabled=script).page
    assert page.locator(f"#{anchor} .words").first.is_visible()
    assert page.locator(f"#{anchor}").bounding_box()["y"] < page.viewport_size["height"]
    assert not page.locator(f"#{anchors(report.parent)['rude']}").is_visible()


@pytest.mark.parametrize("script", [True, False])
def test_a_finding_leads_to_its_call_and_a_verdict_to_its_turn(report: Path, visit: Open, script: bool) -> None:
    page = visit(report, java_script_enabled=script).page
    page.locator(".findings a", has_text="rude").first.click()
    call = page.locator(f"#{anchors(report.parent)['rude']}")
    assert call.is_visible()
    call.locator(".verdicts a", has_text="at 0:04.5").click()
    assert page.locator("li:target").inner_text().split() == ["0:02.5", "customer", "Damn1.2,", "it", "broke."]
    page.locator("li:target .chip").click()
    assert "Swearing is met with an apology" in page.locator("li:target").inner_text()


# -- without script


def test_everything_is_there_without_script(report: Path, visit: Open) -> None:
    page = visit(report, java_script_enabled=False).page
    assert page.locator(".heads").inner_text().startswith("Rules kept\n93 %\n38 of 41, 95 % interval 81–97 %")
    assert page.locator(".clauses tbody tr").count() == 2 + 4
    assert not page.locator("#filter").is_visible()
    page.locator("details.call summary").first.click()
    assert page.locator("mark").first.is_visible()


# -- with script


def test_failing_calls_are_filtered_by_words_clause_and_agent(report: Path, visit: Open) -> None:
    page = visit(report).page
    shown, calls = page.locator("#filter output"), page.locator("details.call:visible .id")
    assert shown.inner_text() == "2 of 2 shown"
    page.locator("input[name=words]").fill("系统又坏")
    assert (calls.all_text_contents(), shown.inner_text()) == (["zh-1"], "1 of 2 shown")
    page.get_by_role("button", name="Clear").click()
    calls.nth(1).wait_for()
    page.locator("select[name=clause]").select_option("1.1")
    assert calls.all_text_contents() == ["rude"]
    page.locator("select[name=agent]").select_option("陈静")
    assert shown.inner_text() == "0 of 2 shown"
    page.evaluate(f"location.hash = '{anchors(report.parent)['zh-1']}'")
    assert calls.all_text_contents() == ["zh-1"]


def test_all_calls_open_and_close_together(report: Path, visit: Open) -> None:
    page = visit(report).page
    page.get_by_role("button", name="Open all").click()
    assert page.locator("details.call[open]").count() == 2
    page.get_by_role("button", name="Close all").click()
    assert page.locator("details.call[open]").count() == 0


def test_the_keyboard_reaches_the_calls(report: Path, visit: Open) -> None:
    page = visit(report).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the findings"
    page.locator("details.call summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.call[open]").count() == 1


# -- for everyone


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lines", [FULL, (), (RUDE, entry("cut", "p---"))], ids=["full", "empty", "incomplete"])
def test_axe_finds_no_violation(tmp_path: Path, visit: Open, scheme: str, lines: tuple[ledger.LedgerLine, ...]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visit(written(tmp_path, *lines, end=len(lines) != 2), color_scheme=scheme).page
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    results = Axe().run(page).response
    assert results["passes"]
    assert [(found["id"], [node["html"] for node in found["nodes"]]) for found in results["violations"]] == []


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("script", [True, False])
def test_the_page_never_scrolls_sideways(tmp_path: Path, visit: Open, width: int, script: bool) -> None:
    wordy = msgspec.structs.replace(
        RUN, title="Gesprächsleitfadenverordnung" * 3, sections={"1": "Manners " * 9, "2": "W" * 60}
    )
    out = written(tmp_path, *FULL, entry("i" * 120, "fnmn", agent="a" * 90, turns=TALK), run=wordy)
    page = visit(out, viewport={"width": width, "height": 700}, java_script_enabled=script).page
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_print_shows_what_is_open_and_no_controls(report: Path, visit: Open) -> None:
    page = visit(report).page
    page.get_by_role("button", name="Open all").click()
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("#filter").is_visible()
    assert page.locator("mark").first.is_visible()
    assert page.pdf().startswith(b"%PDF")


def test_dark_and_light_are_two_pages(report: Path, visit: Open) -> None:
    shades = [
        visit(report, color_scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert len(set(shades)) == 2

"""What the views show and where they lead: filters, links, keys, and the same figures as the ledger's."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from flask import Flask

from pytest_callqa import ledger
from pytest_callqa.report import html
from pytest_callqa.report.html import write_html
from pytest_callqa.report.model import summarise
from report_ledgers import CHINESE, FULL, RUDE, RUN, TALK, entry, judged, many, written
from servers import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from conftest import Visit

pytestmark = pytest.mark.browser
Open = Callable[..., "Visit"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with something in every part of it."""
    return written(tmp_path_factory.mktemp("views"), *FULL)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of 3,000 calls."""
    return written(tmp_path_factory.mktemp("large"), *many(3000))


def listed(page: Page) -> list[str]:
    return page.locator(".results tbody th").all_text_contents()


def count(page: Page) -> str:
    return page.locator(".results output").inner_text()


# -- the list of calls


def test_calls_are_filtered_by_every_facet_and_the_address_says_so(report: Path, visit: Open) -> None:
    page = visit(report, "#calls").page
    assert count(page) == "15 of 15 calls"
    page.locator("[name=clause]").select_option("1.2")
    page.locator("[name=verdict]").select_option("failed")
    assert listed(page) == ["rude", "zh-1"]
    page.locator("[name=agent]").select_option("陈静")
    page.locator("output", has_text="1 of 15 calls").wait_for()
    assert listed(page) == ["zh-1"]
    assert page.evaluate("location.hash") == "#calls?clause=1.2&verdict=f&agent=%E9%99%88%E9%9D%99"
    page.get_by_role("link", name="Clear").click()
    page.locator("output", has_text="15 of 15 calls").wait_for()
    assert page.locator("[name=clause]").input_value() == ""


LISTS: dict[str, list[str]] = {
    "team=North": ["rude"],
    "language=zh": ["zh-1"],
    "agent=!Ann&verdict=f": ["zh-1"],
    "agent=%3D": ["odd"],
    "from=2026-11-11": ["good-10", "good-11"],
    "from=2026-11-01&to=2026-11-01&agent=Ann&sort=call": ["good-0", "rude"],
    "max=50": ["rude", "zh-1"],
    "min=51&max=99": [],
    "clause=2.1&verdict=u": ["zh-1"],
    "clause=1.2&sort=call": [*sorted(f"good-{n}" for n in range(12)), "rude", "zh-1"],
    "verdict=e": ["odd"],
    "sort=started&from=2026-11-10": ["good-11", "good-10", "good-9"],
    "sort=score&max=99": ["rude", "zh-1"],
    "sort=length&team=North": ["rude"],
    "sort=agent&verdict=f": ["rude", "zh-1"],
}


def test_an_address_opens_its_list_and_fills_the_form(report: Path, visit: Open) -> None:
    page = visit(report, "#calls?q=nothing").page
    for asked, calls in LISTS.items():
        page.evaluate("to => { location.hash = to }", f"#calls?{asked}")
        page.locator("output", has_text=f"{len(calls)} of 15 calls").wait_for()
        assert (asked, listed(page)) == (asked, calls)
        filled = page.evaluate("Object.fromEntries(new FormData(document.querySelector('.filter')))")
        given = dict(part.split("=") for part in asked.replace("%3D", "＝").split("&") if "sort" not in part)
        assert {name: value for name, value in filled.items() if value} == {
            name: value.replace("＝", "=") for name, value in given.items() if "!" not in value
        }


def test_words_are_looked_for_in_names_at_once_and_in_what_was_said(report: Path, visit: Open) -> None:
    page = visit(report, "#calls").page
    page.get_by_label("Words").fill("good-1")
    page.locator("output", has_text="3 of 15").wait_for()
    page.get_by_label("Words").fill("So WHAT")
    page.locator("output", has_text="1 of 15").wait_for()
    assert listed(page) == ["rude"]
    page.get_by_label("Words").fill("no case record")
    page.locator("output", has_text="1 of 15").wait_for()
    assert listed(page) == ["zh-1"]
    page.get_by_label("Words").fill("never said")
    page.get_by_text("No call is like this.").wait_for()


def test_a_list_has_pages_and_the_way_back_keeps_the_filter(large: Path, visit: Open) -> None:
    page = visit(large, "#calls?verdict=f").page
    first = listed(page)
    assert len(first) == 50
    page.get_by_role("link", name="Next").click()
    page.get_by_text("page 2 of").wait_for()
    assert not set(first) & set(listed(page))
    page.locator(".results tbody th a").first.click()
    page.locator("#stage h1").wait_for()
    page.go_back()
    page.get_by_text("page 2 of").wait_for()
    assert page.locator("[name=verdict]").input_value() == "f"
    page.reload()
    page.get_by_text("page 2 of").wait_for()


def test_a_list_is_saved_as_a_table_that_no_spreadsheet_runs(tmp_path: Path, visit: Open) -> None:
    names = ("=1+1", "+2", "-3", "@x", "\t=4", " =5", "＝6", 'a "b", c', "plain")
    calls = (entry(name, "fnmn", agent=name, duration=61.4, started="2026-11-01T09:00:00+00:00") for name in names)
    page = visit(written(tmp_path, *calls), "#calls?sort=call").page
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    assert text.startswith("call,agent,team,language,started,seconds,score,broken\r\n")
    assert '"a ""b"", c","a ""b"", c",,,2026-11-01T09:00:00+00:00,61,0,1.1\r\n' in text
    for name in names[:7]:
        assert f"'{name},'{name},,," in text
    assert not re.search(r"(^|,)\s*[=+@＝-]", text, re.MULTILINE)


def test_so_many_agents_are_not_listed_but_typed(large: Path, visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "AGENTS_LISTED", 10)
    out = large.with_name("typed.html")
    write_html([large.parent / "ledger.jsonl"], out)
    page = visit(out, "#calls").page
    page.locator("input[name=agent]").fill("A4")
    page.locator("output", has_text=re.compile(r"^\d+ of 3,000 calls")).wait_for()
    assert set(page.locator(".results tbody td:nth-child(2)").all_text_contents()) == {"A4"}


def test_calls_are_listed_while_the_browser_still_reads_what_was_said(report: Path, browser: Browser) -> None:
    listed_first, rest = report.read_bytes().split(b'id="packed-calls">')
    shown = threading.Event()
    app = Flask("slow")

    @app.get("/")
    def page_in_two() -> Iterator[bytes]:
        yield listed_first + b'id="packed-calls">'
        shown.wait(60)
        yield rest

    with serving(app) as address:
        page = browser.new_page()
        page.goto(f"{address}/#calls?verdict=f", wait_until="commit")
        page.locator("output", has_text="2 of 15 calls").wait_for()
        assert page.evaluate("document.readyState") == "loading"
        page.locator(".results tbody th a").first.click()
        shown.set()
        page.locator("mark", has_text="Damn").wait_for()
        page.close()


# -- a call


def test_a_link_opens_the_very_moment(report: Path, visit: Open) -> None:
    page = visit(report, "#call?id=rude&t=9.8&at=1.2", viewport={"width": 1000, "height": 300}).page
    assert page.locator(".turn.here .words").text_content() == "So what1.2."
    assert page.evaluate("document.activeElement.className") == "turn agent here"
    box = page.locator(".turn.here").bounding_box()
    assert 0 < box["y"] < 300
    assert "Swearing" in page.locator(".verdicts .here").inner_text()


def test_a_finding_leads_to_its_call_a_verdict_to_its_turn_and_a_mark_to_its_verdict(report: Path, visit: Open) -> None:
    page = visit(report).page
    page.locator(".findings .proof a").first.click()
    page.locator(".turn.here", has_text="Damn").wait_for()
    page.locator(".verdicts li", has_text="Greets").locator(".jump").click()
    page.locator(".turn.here", has_text="Yes?").wait_for()
    page.locator(".chip", has_text="1.2").first.click()
    page.locator(".verdicts .here", has_text="Swearing").wait_for()


def test_a_call_tells_what_is_known_of_it(report: Path, visit: Open) -> None:
    page = visit(report, "#call?id=rude").page
    shown = page.locator("#stage").inner_text()
    for told in (
        "Agent\nAnn", "Team\nNorth", "Started\n2026-11-01 09:00", "Length\n0:11.0", "File\ncalls/day.jsonl",
        "0\n0 before the critical breach", "silence 47 %", "the agent's reply says sorry: not found",
        "2 of 3 moments", "test_rules.py:37", "silence 5.2 s", "Not assessed\n1.3", "Not applicable\n2.1",
    ):  # fmt: skip
        assert told in shown, told
    page.get_by_text("What was asked").first.click()
    assert page.locator(".asked li").all_text_contents() == [
        "asked: Damn 0:02.5",
        "asked: nearest So what, 0/100 0:09.7",
    ]


def test_a_timeline_has_a_lane_for_each_speaker_and_what_happened_on_the_line(report: Path, visit: Open) -> None:
    page = visit(report, "#call?id=zh-1").page
    titles = page.locator("svg.timeline title").all_text_contents()
    assert titles == [
        "hold 0:03.0–0:04.0",
        "mute 0:04.5–0:06.0",
        "0:00.0–0:03.0",
        "0:02.5–0:06.0",
        "talk-over 0:02.5–0:03.0",
        "ring 0:00.0",
        "hold 0:03.0",
        "unhold 0:04.0",
        "mute 0:04.5",
    ]
    label = page.locator("svg.timeline").get_attribute("aria-label")
    assert label == "Timeline: agent 50 %, customer 58 %, 1 times talk-over"
    assert page.locator("svg.timeline .lane").all_text_contents() == ["agent", "customer", "line"]


def test_a_transcript_tells_what_happened_between_the_turns(tmp_path: Path, visit: Open) -> None:
    failing = msgspec.structs.replace(CHINESE, found={"1.2": ledger.Found(reason="r", start=2.5)})
    page = visit(written(tmp_path, failing), "#call?id=zh-1").page
    assert page.locator(".transcript > li").all_text_contents() == [
        "ring 0:00.0",
        "0:00.0agent您好，请问有什么可以帮您？",
        "0:02.5customer你们的系统又坏了！ talks over 0.5 s",
        "hold (agent) 0:03.0",
        "unhold (agent) 0:04.0",
        "mute (agent) 0:04.5",
    ]
    assert page.locator("#stage .rest").last.inner_text() == "Contact\n••••\nContent\n坏了"


def test_turns_without_evidence_are_left_out_and_said_to_be(tmp_path: Path, visit: Open) -> None:
    turns = tuple(ledger.Line("agent", 2.0 * n, 2.0 * n + 1, f"turn {n}") for n in range(9))
    found = {"1.1": ledger.Found(reason="r", start=8.0)}
    call = entry("long", "fnmn", found=found, turns=turns, silences=((1.0, 2.0), (9.0, 10.0)))
    page = visit(written(tmp_path, call), "#call?id=long").page
    assert [re.sub(r"\s+", " ", one) for one in page.locator(".transcript > li").all_text_contents()] == [
        "1 turn without evidence is left out", "silence 1.0 s", "2 turns without evidence are left out",
        "0:06.0agentturn 3", "0:08.0agentturn 4", "silence 1.0 s", "0:10.0agentturn 5",
        "3 turns without evidence are left out",
    ]  # fmt: skip


def test_a_report_without_words_shows_none(tmp_path: Path, visit: Open) -> None:
    out = written(tmp_path, RUDE, level="none")
    page = visit(out, "#call?id=rude").page
    assert "This report shows no words of calls." in page.locator("#stage").inner_text()
    assert page.locator("svg.timeline").is_visible()
    assert "So what" not in page.content()


def test_a_call_without_times_or_transcript_says_what_it_lacks(tmp_path: Path, visit: Open) -> None:
    untimed = entry(
        "untimed",
        "fnmn",
        found={"1.1": ledger.Found(reason="r", evidence=())},
        turns=(ledger.Line("robot", None, None, "Hm"), ledger.Line("agent", None, None, "Ja")),
    )
    out = written(tmp_path, untimed, entry("bare", "fnmn"), level="full")
    page = visit(out, "#call?id=untimed").page
    assert page.locator(".turn").all_text_contents() == ["unknownHm".replace("unknown", "robot"), "agentJa"]
    assert not page.locator("svg.timeline").count()
    page.evaluate("location.hash = '#call?id=bare'")
    page.get_by_text("The ledger holds no transcript of this call.").wait_for()


def test_calls_of_one_name_have_addresses_of_their_own(tmp_path: Path, visit: Open) -> None:
    twins = (entry("twin", "fnmn", agent=agent, file=f"{agent}.vtt") for agent in ("Ann", "Bo"))
    page = visit(written(tmp_path, *twins), "#calls").page
    page.locator(".results tbody th a").nth(1).click()
    page.locator(".facts", has_text="Bo.vtt").wait_for()
    assert page.evaluate("location.hash") == "#call?id=twin&n=2"


def test_what_is_not_there_is_said_and_there_is_a_way_on(report: Path, visit: Open) -> None:
    page = visit(report, "#call?id=nobody").page
    for address, told in (
        ("#call?id=nobody", "No call has this name: nobody"),
        ("#clause?id=9", "No clause has this number: 9"),
        ("#agent?name=Zoe", "No agent has this name: Zoe"),
    ):
        page.evaluate("to => { location.hash = to }", address)
        page.locator("#stage h1", has_text=told).wait_for()
        assert page.get_by_role("link", name="Back to the list").is_visible()
    page.evaluate("location.hash = '#nowhere'")
    page.locator("#overview.on").wait_for()


# -- clauses


def test_the_clause_table_is_sorted_and_the_books_order_comes_back(report: Path, visit: Open) -> None:
    page = visit(report, "#clauses").page

    def clauses() -> list[str]:
        rows = page.locator("#clause-table tbody tr:not(.group):visible .clause")
        return [text.strip() for text in rows.all_text_contents()]

    assert clauses() == ["1.1", "1.2", "1.3", "2.1"]
    page.get_by_role("link", name="Failed").click()
    page.get_by_role("link", name="Failed").click()
    page.locator("th[aria-sort=descending]", has_text="Failed").wait_for()
    assert clauses()[0] == "1.2"
    assert page.locator("#clause-table .group:visible").count() == 0
    page.get_by_role("link", name="Failed").click()
    page.locator("#clause-table .group:visible").first.wait_for()
    assert clauses() == ["1.1", "1.2", "1.3", "2.1"]
    page.get_by_role("link", name="Kept").click()
    page.locator("th[aria-sort=ascending]", has_text="Kept").wait_for()
    assert clauses()[0] == "1.2"
    page.evaluate("location.hash = '#clauses?sort=-0'")
    page.locator("th[aria-sort=descending]", has_text="Clause").wait_for()
    assert clauses() == ["2.1", "1.3", "1.2", "1.1"]


def test_a_heat_map_counts_as_the_page_does_and_opens_the_calls(large: Path, visit: Open) -> None:
    page = visit(large, "#clauses?by=agent").page
    figures = summarise([large.parent / "ledger.jsonl"])
    shown = dict(
        zip(
            page.locator(".heatmap thead th").all_text_contents()[1:],
            page.locator(".heatmap tbody tr").first.locator("td").all_text_contents(),
            strict=True,
        )
    )
    expected = {agent.agent: f"{round(100 * agent.rate.value)} %" for agent in figures.agents if agent.rate}
    assert len(shown) == 24
    assert shown.items() <= expected.items()
    lowest = [agent.agent for agent in figures.agents][:24]
    assert list(shown) == lowest
    page.get_by_role("link", name="Next").click()
    page.get_by_text("page 2 of").wait_for()
    page.locator(".heatmap tbody tr").nth(3).locator("td a").first.click()
    page.locator("#calls.on output").wait_for()
    assert re.fullmatch(r"#calls\?agent=A\d+&clause=1\.2&verdict=f", page.evaluate("location.hash"))


def test_a_clause_has_its_wording_its_counts_and_the_calls_that_broke_it(report: Path, visit: Open) -> None:
    page = visit(report, "#clause?id=1.1").page
    shown = page.locator("#stage").inner_text()
    for told in ("1.1 Greets", "The first thing said is a greeting.", "version 0123456789ab", "93 %", "By team"):
        assert told in shown, told
    assert page.locator("table.calls tbody th").all_text_contents() == ["rude"]
    page.locator("dd a", has_text="14").click()
    page.locator("#calls.on output", has_text="14 of 15 calls").wait_for()


# -- agents


def test_a_scorecard_says_when_there_are_few_calls(report: Path, visit: Open) -> None:
    page = visit(report, "#agent?name=Ann").page
    shown = page.locator(".scorecard").inner_text()
    assert "Ann\n\nNorth\n" in shown
    assert "few to tell" not in shown
    assert "Rules kept\n95 %\n83–99 %" in shown
    page.evaluate("location.hash = '#agent?name=%E9%99%88%E9%9D%99'")
    page.get_by_text("Only 1 call: too few to tell agents apart.").wait_for()


def test_all_scorecards_are_printed_though_a_page_shows_some(large: Path, visit: Open) -> None:
    page = visit(large, "#agents?cards=1").page
    assert page.locator(".scorecard").count() == 12
    assert page.pdf(format="A4").count(b"/Type /Page\n") == 40
    page.locator(".scorecard").nth(11).wait_for()
    assert page.locator(".scorecard").count() == 12


def test_the_script_counts_what_python_counts(large: Path, tmp_path: Path, visit: Open) -> None:
    for path in (large.parent / "ledger.jsonl", judged(tmp_path)):
        out = path.with_suffix(".html")
        write_html([path], out)
        page = visit(out, "#agents").page
        for agent in summarise([path]).agents[:5]:
            page.evaluate("to => { location.hash = to }", f"#agent?name={agent.agent or '='}")
            page.locator(".scorecard .name", has_text=agent.agent or "not named").wait_for()
            figures = page.locator(".scorecard .heads dd b").all_text_contents()
            score = "not scored" if agent.score is None else str(round(100 * agent.score))
            rate = f"{round(100 * agent.rate.value)} %" if agent.rate else "–"
            assert figures == [str(agent.calls), score, rate, str(agent.critical_calls)]


# -- keys


def test_the_keyboard_reaches_every_view(report: Path, visit: Open) -> None:
    page = visit(report).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    for key, view in zip(
        "oclasru", ("overview", "clauses", "calls", "agents", "scenarios", "rules", "run"), strict=True
    ):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.locator(f"#{view}.on").wait_for()
    assert page.evaluate("document.activeElement.id") == "h-run"
    page.keyboard.press("/")
    page.locator("[name=q]:focus").wait_for()


def test_keys_move_through_calls_and_evidence(report: Path, visit: Open) -> None:
    page = visit(report, "#calls?verdict=f").page
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "zh-1"
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.locator("#stage h1", has_text="rude").wait_for()
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.innerText").startswith("0:02.5")
    page.keyboard.press("n")
    page.keyboard.press("p")
    assert page.evaluate("document.activeElement.innerText").startswith("0:02.5")
    page.keyboard.press("j")
    page.locator("#stage h1", has_text="zh-1").wait_for()
    assert page.evaluate("location.hash") == "#call?id=zh-1&verdict=f"
    page.keyboard.press("k")
    page.locator("#stage h1", has_text="rude").wait_for()


def test_arrows_move_in_a_heat_map(large: Path, visit: Open) -> None:
    page = visit(large, "#clauses?by=team").page
    cells = page.locator(".heatmap tbody tr").nth(2).locator("td a")
    cells.first.focus()
    start = page.evaluate("document.activeElement.hash")
    page.keyboard.press("ArrowRight")
    moved = page.evaluate("document.activeElement.hash")
    assert moved != start
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.hash") == moved
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.hash") == start


def test_help_tells_the_keys_and_they_can_be_switched_off(report: Path, visit: Open) -> None:
    page = visit(report).page
    page.keyboard.press("?")
    assert "Next and previous evidence" in page.get_by_role("dialog").inner_text()
    page.get_by_label("Single keys act").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("c")
    assert page.locator("#overview.on").is_visible()
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Single keys act").check()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.locator("#clauses.on").wait_for()


# -- a recording beside the report


def test_a_recording_beside_the_report_is_played_from_the_moment(tmp_path: Path, visit: Open) -> None:
    import wave

    with wave.open(str(tmp_path / "talk #1.wav"), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(b"\0\0" * 8000 * 12)
    call = entry("talk", "fnmn", recording="/calls/talk #1.wav", turns=TALK, silences=((4.5, 9.7),))
    seen = visit(written(tmp_path, call, level="full"), "#call?id=talk")
    audio = seen.page.locator("audio")
    assert audio.get_attribute("src") == "talk%20%231.wav"
    audio.evaluate("one => one.readyState || new Promise(done => one.addEventListener('loadedmetadata', done))")
    seen.page.evaluate("location.hash = '#call?id=talk&t=9.7'")
    seen.page.locator(".turn.playing", has_text="So what").wait_for()
    assert seen.page.locator(".playhead").get_attribute("visibility") == "visible"
    assert seen.violations == []


def test_a_click_on_the_timeline_goes_to_the_moment(report: Path, visit: Open) -> None:
    page = visit(report, "#call?id=rude").page
    box = page.locator("svg.timeline").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 20, box["y"] + 30)
    page.locator(".turn.here", has_text="So what").wait_for()


def test_a_book_of_many_rules_names_the_worst_of_a_call_in_the_list(tmp_path: Path, visit: Open) -> None:
    rules = tuple(msgspec.structs.replace(RUN.rules[0], clause=f"1.{n}") for n in range(12))
    out = written(tmp_path, entry("many", "f" * 12, found={}), run=msgspec.structs.replace(RUN, rules=rules))
    page = visit(out, "#calls").page
    assert page.locator(".tags").inner_text().split()[-2:] == ["1.7", "+4"]

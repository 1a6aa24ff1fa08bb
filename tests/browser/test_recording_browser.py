"""A judged recording in the report: the lanes show its sound, and a click on a moment plays it from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audio_kit import Line, call, write
from pytest_callqa import cli

if TYPE_CHECKING:
    from conftest import Visit

pytestmark = pytest.mark.browser
WAIT = 9.0


def test_a_broken_wait_is_played_from_where_it_is(
    tmp_path: Path, visit: Callable[..., Visit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    samples, (problem, answer) = call([Line(1, "My card does not work."), Line(0, "Let me look at it.", WAIT)])
    write(Path("calls/late.wav"), samples)
    asked = ["--roles", "0=agent,1=customer", "--language", "en", "--report", "out/report.html"]
    assert cli.main(["check", "calls/late.wav", *asked]) == cli.FINDINGS

    seen = visit(tmp_path / "out" / "report.html", "#call?id=late")
    page = seen.page
    assert page.locator("audio").get_attribute("src") == "../calls/late.wav"
    page.wait_for_function("document.querySelector('audio').readyState > 0")
    where = "[...document.querySelectorAll('.wave')].map((one) => one.getBoundingClientRect())"
    lanes = page.evaluate(f"{where}.map((one) => [one.left, one.right, one.top])")
    talk = page.locator("rect.talk").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().left)")
    assert len(lanes) == 2
    assert lanes[0][2] != lanes[1][2], "each party has a lane of its own"
    assert max(lanes[0][1], lanes[1][1]) - min(talk) > 0

    page.locator(".verdicts [data-clause='2.6a'] a.jump").click()
    page.wait_for_function("document.querySelector('audio').currentTime > 1")
    moment = page.evaluate("document.querySelector('audio').currentTime")
    assert problem.start - 0.2 <= moment <= problem.end + 0.2, "the moment begins where the customer speaks"

    box = page.locator("svg.timeline").bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 30)
    page.wait_for_function(f"document.querySelector('audio').currentTime > {answer.start - 3}")
    assert page.locator(".playhead").get_attribute("visibility") == "visible"
    assert (seen.violations, seen.complaints) == ([], [])


def test_a_mono_recording_lies_over_the_lanes_of_both(tmp_path: Path, visit: Callable[..., Visit]) -> None:
    samples, told = call([Line(1, "My card does not work."), Line(0, "Let me look at it.", WAIT)])
    write(tmp_path / "late.wav", samples.sum(axis=1))
    turns = ",".join(
        f'{{"role": "{("agent", "customer")[one.who]}", "text": "{one.text}", "start": {one.start}, "end": {one.end}}}'
        for one in told
    )
    (tmp_path / "late.json").write_text(f'{{"id": "late", "language": "en", "turns": [{turns}]}}')
    report = tmp_path / "report.html"
    assert cli.main(["check", str(tmp_path / "late.json"), "--recordings", "--report", str(report)]) == cli.FINDINGS
    page = visit(report, "#call?id=late").page
    assert page.locator("rect.talk").count() == 2
    assert page.locator(".wave").count() == 1
    assert page.locator("audio").get_attribute("src") == "late.wav"

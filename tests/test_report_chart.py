"""Rates day by day as a drawing."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_callqa.report import chart
from pytest_callqa.report.chart import by_day
from pytest_callqa.report.figures import Day, Rate
from pytest_callqa.report.model import summarise
from report_ledgers import entry, write


def day(name: str, passed: int, judged: int) -> Day:
    rate = Rate.of(passed, judged)
    assert rate is not None
    return Day(name, 1, rate)


def test_calls_are_counted_by_the_day_they_began(tmp_path: Path) -> None:
    summary = summarise(
        [
            write(
                tmp_path / "l.jsonl",
                entry("late", "pfmn", started="2026-11-03T23:00:00+08:00"),
                entry("early", "ppmp", started="2026-11-01T09:00:00+08:00"),
                entry("same day", "fnmn", started="2026-11-01T10:00:00+08:00"),
                entry("not judged", "nnmn", started="2026-11-02T10:00:00+08:00"),
                entry("undated", "pppp"),
            )
        ]
    )
    assert summary.days == (Day("2026-11-01", 2, Rate.of(3, 4)), Day("2026-11-03", 1, Rate.of(1, 2)))


def test_two_days_are_no_trend() -> None:
    assert by_day([day("1", 9, 10), day("2", 8, 10)]) is None


def test_only_the_last_days_of_many_are_drawn() -> None:
    drawn = by_day([day(str(n), 9, 10) for n in range(chart.MOST_DAYS + 5)])
    assert drawn is not None
    assert drawn.points[0].day.day == "5"


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=chart.FEWEST_DAYS, max_size=20))
def test_everything_lies_inside_and_higher_rates_lie_higher(counts: list[tuple[int, int]]) -> None:
    days = [day(str(n), min(passed, judged), judged) for n, (passed, judged) in enumerate(counts)]
    drawn = by_day(days)
    assert drawn is not None
    places = [point.split() for point in drawn.band.strip("MZ").split("L")]
    assert len(places) == 2 * len(days)
    for x, y in places:
        assert chart.LEFT <= float(x) <= chart.WIDTH
        assert chart.TOP <= float(y) <= drawn.floor
    for one in drawn.points:
        for other in drawn.points:
            assert (one.day.rate.value < other.day.rate.value) <= (one.y >= other.y)

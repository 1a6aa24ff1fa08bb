"""Rates day by day as a drawing: a line, its points, and the band of their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_callqa.report.figures import Day

WIDTH, HEIGHT = 560, 120
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 10, 22
FEWEST_DAYS, MOST_DAYS = 3, 92
"""Fewer days are no trend; of more, the last ones are drawn."""


@dataclass(frozen=True, slots=True)
class Point:
    """A day and where its rate lies."""

    x: float
    y: float
    day: Day


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of ``WIDTH`` by ``HEIGHT`` units; ``least`` is the share at its lower edge, ``floor`` that edge."""

    points: tuple[Point, ...]
    line: str
    band: str
    least: float
    ceiling: int
    floor: int


def by_day(days: Sequence[Day]) -> Chart | None:
    """The rates of these days, in their order; None when there are too few to show a trend."""
    days = days[-MOST_DAYS:]
    if len(days) < FEWEST_DAYS:
        return None
    least = min(int(10 * day.rate.low) for day in days) / 10
    floor = HEIGHT - BOTTOM

    def x(place: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * place / (len(days) - 1), 1)

    def y(share: float) -> float:
        return round(TOP + (floor - TOP) * (1 - share) / (1 - least), 1)

    points = tuple(Point(x(place), y(day.rate.value), day) for place, day in enumerate(days))
    upper = [f"{x(place)} {y(day.rate.high)}" for place, day in enumerate(days)]
    lower = [f"{x(place)} {y(day.rate.low)}" for place, day in enumerate(days)]
    line = "M" + "L".join(f"{point.x} {point.y}" for point in points)
    return Chart(points, line, f"M{'L'.join([*upper, *reversed(lower)])}Z", least, TOP, floor)

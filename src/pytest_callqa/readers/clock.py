"""Times as vendors write them, made into seconds or into instants that can be compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH_MS = 10**11
"""A number of milliseconds from here on counts from 1970; a smaller one from the call's start."""


def aware(time: datetime) -> datetime:
    """``time`` with an offset, so that two can be compared; without one it is read as UTC."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def since_1970(microseconds: int) -> datetime:
    """The instant so many microseconds after 1970."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)


def seconds(milliseconds: float | None) -> float | None:
    """Milliseconds as seconds; nothing stays nothing."""
    return None if milliseconds is None else milliseconds / 1000

"""Times as vendors write them, made into seconds or into instants that can be compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pytest_callqa.errors import BadInput

EPOCH_MS = 10**11
"""A number of milliseconds from here on counts from 1970; a smaller one from the call's start."""


def aware(time: datetime) -> datetime:
    """``time`` with an offset, so that two can be compared; without one it is read as UTC."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def since_1970(microseconds: float) -> datetime:
    """The instant so many microseconds after 1970. Raises :class:`BadInput` if there is no such year."""
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
    except (OverflowError, ValueError):
        raise BadInput("The call's start is not a time of this calendar: export the call again.") from None


def seconds(milliseconds: float | None) -> float | None:
    """Milliseconds as seconds; nothing stays nothing."""
    return None if milliseconds is None else milliseconds / 1000

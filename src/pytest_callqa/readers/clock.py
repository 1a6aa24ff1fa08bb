"""Times as vendors write them, made into seconds or into instants that can be compared."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from pytest_callqa.errors import BadInput

_SHOWN = re.compile(r"\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?(?!\S)")
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


def shown(text: str) -> float | None:
    """Seconds of a time as people write it, ``1:02.5`` or ``00:01:02,500``, at the start of a text; else nothing."""
    match = _SHOWN.match(text)
    if not match:
        return None
    hours, minutes, whole, fraction = match.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(whole) + int((fraction or "").ljust(3, "0")) / 1000


def seconds(milliseconds: float | None) -> float | None:
    """Milliseconds as seconds; nothing stays nothing."""
    return None if milliseconds is None else milliseconds / 1000

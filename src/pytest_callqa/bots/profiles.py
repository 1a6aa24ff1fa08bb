"""How much a run asks of a bot: profiles for bots that are fast and exact, live, or slow, and the budget of a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from pytest_callqa.bots import Abilities


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a run asks of a bot.

    ``customers`` conversations, fewer after ``minutes`` or ``requests`` moves (0: any); ``at_once`` of them at the
    same time; a breach of a bot that is not ``deterministic`` is tried ``replays`` times.
    """

    customers: int
    minutes: int = 0
    requests: int = 0
    replays: int = 1
    at_once: int = 1
    deterministic: bool = True


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "deterministic": Profile(customers=200),
        "live": Profile(customers=60, minutes=10, requests=5000, replays=10, at_once=4, deterministic=False),
        "slow": Profile(customers=20, minutes=20, requests=500, replays=5, at_once=2, deterministic=False),
    }
)
"""The profiles by name."""

SPARED = ("customers", "minutes", "requests", "replays", "at_once")
"""What of a profile may be told otherwise."""


def profile_of(name: str, abilities: Abilities, told: Mapping[str, int]) -> Profile:
    """The profile of this name (``auto``: by the bot's abilities), with what was told otherwise."""
    if name == "auto":
        name = "deterministic" if abilities.deterministic and not abilities.real_time else "live"
    return msgspec.structs.replace(PROFILES[name], **told)


class Budget:
    """What a run may still ask of a bot; never ``spent`` without limits. Safe to use from several threads."""

    def __init__(self, minutes: float = 0, requests: int = 0) -> None:
        self._until = time.monotonic() + minutes * 60 if minutes else None
        self._most, self._requests = requests, 0
        self._lock = threading.Lock()

    def take(self, requests: int) -> None:
        """Note moves that were made."""
        with self._lock:
            self._requests += requests

    @property
    def spent(self) -> bool:
        """Whether no further conversation may begin."""
        late = self._until is not None and time.monotonic() >= self._until
        return late or bool(self._most and self._requests >= self._most)

"""Who speaks: what a label says by itself, and what the user's role map says about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from pytest_callqa.call import Role

COLON = r"(?:：\s*|:\s+|:(?=[^\x00-\x7f]))"
"""What follows a label, as a pattern: a colon and a blank, or without one where the text has none either."""

_WORDS: dict[str, Role] = {
    **dict.fromkeys(("agent", "human_agent", "human agent", "support agent", "service agent", "assistant"), "agent"),
    **dict.fromkeys(("representative", "rep", "csr", "operator", "advisor", "adviser"), "agent"),
    **dict.fromkeys(("customer", "caller", "client", "end_user", "end user", "user"), "customer"),
    **dict.fromkeys(("system", "ivr"), "system"),
    **dict.fromkeys(("坐席", "座席", "坐席员", "座席员", "客服", "客服人员", "客服代表", "话务员", "接线员"), "agent"),
    **dict.fromkeys(("客户", "顾客", "用户", "来电者"), "customer"),
    **dict.fromkeys(("系统", "语音导航"), "system"),
}

# "Agent", "Agent 2", "Agent(May)" - and not "Customer Service", who is an agent.
_LABEL = re.compile(r"\s*(?P<word>[^\W\d]+(?:[ _][^\W\d]+)?)\s*(?:[#_-]?\d+|[(（](?P<name>[^()（）]+)[)）])?\s*")
_LONGEST_LABEL = 100  # characters; what is longer names nobody's role
_NUMBERED = re.compile(r"(?:speaker|spk|channel|party)[ _-]*0*(\d+)")


@lru_cache(maxsize=1024)
def role_of_label(label: str) -> Role:
    """The role that a speaker label names, or ``unknown`` for a number or a person's name."""
    match = _match(label)
    return _WORDS.get(match["word"].lower(), "unknown") if match else "unknown"


def _match(label: str) -> re.Match[str] | None:
    return _LABEL.fullmatch(label) if len(label) <= _LONGEST_LABEL else None


def name_in_label(label: str) -> str:
    """The person's name that a label gives: ``May`` of ``Agent(May)`` and of ``Agent May``, or nothing."""
    match = _match(label)
    if match and match["word"].lower() in _WORDS:
        return match["name"] or ""
    if is_numbered(label) or label.isdecimal():
        return ""
    first, _, rest = label.strip().partition(" ")
    return rest if rest and first.lower() in _WORDS else label.strip()


def is_numbered(label: str) -> bool:
    """Whether a recogniser made the label up: ``SPEAKER_00``, ``spk_1``, ``channel 2``."""
    return _NUMBERED.fullmatch(label.lower()) is not None


class RoleMap:
    """The user's map of speaker ids, labels and channels to roles.

    ``0`` stands for ``SPEAKER_00``, ``spk_0``, ``speaker 0`` and ``channel 0`` alike; case is ignored.
    """

    def __init__(self, roles: Mapping[str, Role]) -> None:
        self._roles = {_key(label): role for label, role in roles.items()}

    def __bool__(self) -> bool:
        return bool(self._roles)

    def role(self, speaker: str) -> Role | None:
        """The role the map gives ``speaker``, or ``None`` if it does not mention it."""
        return self._roles.get(_key(speaker))


def _key(label: str) -> str:
    label = label.strip().lower()
    match = _NUMBERED.fullmatch(label)
    return match[1] if match else label

"""Who speaks: what a label says by itself, and what the user's role map says about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec

from pytest_callqa.call import Role, Turn

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

# What a name is not: "Customer Service" is no customer, and "Agent ID" nobody.
_NO_NAMES = frozenset(
    ("service", "services", "support", "care", "success", "relations", "experience", "desk", "team", "manager")
) | {"representative", "rep", "agent", "advisor", "id", "number", "phone", "email", "name", "note", "notes"}

# "Agent", "Agent 2", "Agent(May)".
_LABEL = re.compile(r"\s*(?P<word>[^\W\d]+(?:[ _][^\W\d]+)?)\s*(?:[#_-]?\d+|[(（](?P<name>[^()（）]+)[)）])?\s*")
_LONGEST_LABEL = 100  # characters; what is longer names nobody's role
_FEW = 3  # passages, which may all open with a word and a colon by chance
_NEARLY_ALL = 0.8
_NUMBERED = re.compile(r"(?:speaker|spk|channel|party)[ _-]*0*(\d+)")


@lru_cache(maxsize=1024)
def role_of_label(label: str) -> Role:
    """The role that a speaker label names, also before a person's name, or ``unknown`` for a number or a name alone."""
    role = _plain_role(label)
    return _titled(label)[0] if role == "unknown" else role


def _titled(label: str) -> tuple[Role, str]:
    """The role and the name of a label such as ``Agent Dana Fox``, if it is one."""
    first, _, name = label.strip().partition(" ")
    role = _WORDS.get(first.lower(), "unknown") if len(label) <= _LONGEST_LABEL else "unknown"
    if role == "unknown" or not name or not is_capitalised(name) or not _NO_NAMES.isdisjoint(name.lower().split()):
        return "unknown", ""
    return role, name


def _plain_role(label: str) -> Role:
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
    return _titled(label)[1] or label.strip()


def is_numbered(label: str) -> bool:
    """Whether a recogniser made the label up: ``SPEAKER_00``, ``spk_1``, ``channel 2``."""
    return _NUMBERED.fullmatch(label.lower()) is not None


def is_capitalised(name: str) -> bool:
    """Whether no word of a name is written small."""
    return not any(word[0].islower() for word in name.split())


def label_test(
    openings: Sequence[str], found: Iterable[str], roles: RoleMap, *, of_cues: bool = False
) -> Callable[[str], bool]:
    """Tells a speaker's label from words that happen to stand before a colon or in brackets.

    ``openings`` are what each passage might open with as a label (empty: nothing), ``found`` all that may be labels.
    A name counts only if the text is written that way: it opens with one, and the name comes back, or (``of_cues``)
    hardly a cue is without one. Otherwise the label must say its role, or the role map must know it.
    """
    names = set[str]()
    if openings and openings[0]:
        labelled = [label for label in openings if label]
        names = {name for name, count in Counter(found).items() if count > 1}
        if of_cues and len(openings) >= _FEW and len(labelled) >= _NEARLY_ALL * len(openings):
            names.update(labelled)
    names = {name for name in names if is_capitalised(name)}

    def is_label(name: str) -> bool:
        known = _plain_role(name) != "unknown" or is_numbered(name) or roles.role(name) is not None
        return known or name in names

    return is_label


def other_of_two(turns: tuple[Turn, ...]) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
    """The turns of a labelled text, with the role of one whom it names by name alone, and what is to be said of that.

    It follows only where the text has two speakers, all turns have one, and the other is the agent or the customer.
    """
    speakers = {(turn.speaker, turn.role) for turn in turns}
    roles = {role for _, role in speakers}
    if len(speakers) != 2 or roles not in ({"unknown", "agent"}, {"unknown", "customer"}):
        return turns, ()
    if any(not speaker or (role == "unknown" and is_numbered(speaker)) for speaker, role in speakers):
        return turns, ()
    other: Role = "customer" if "agent" in roles else "agent"
    told = tuple(turn if turn.role != "unknown" else msgspec.structs.replace(turn, role=other) for turn in turns)
    return told, (f"who the {other} is follows from there being but two speakers, one of them named by role",)


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

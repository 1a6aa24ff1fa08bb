"""A call as data: parties, turns, events and the case record. All times are seconds from its start.

These values are what readers build, what the native format stores and what crosses processes.
They never refer back to what holds them, so they are spared garbage collection (``gc=False``).
They answer no questions; :mod:`pytest_callqa.hearing` does.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal, TypeAlias, get_args

import msgspec

Role: TypeAlias = Literal["agent", "customer", "system", "unknown"]
"""Who speaks. ``system`` is an IVR prompt or announcement; ``unknown`` is never guessed away."""

Timing: TypeAlias = Literal["none", "start", "turn", "word"]
"""The finest times a call carries: none, the start of turns, their start and end, or of words."""

MIXED_SPEAKERS = "the recogniser mixed up its speakers"
"""How a limit of a call begins that says so; no role map can help such a call."""

Roles: TypeAlias = Literal["given", "mapped", "unknown"]
"""Where roles come from: the file, the user's role map, or nowhere."""

EventKind: TypeAlias = Literal[
    "ring", "answer", "hold", "unhold", "mute", "unmute", "key", "transfer", "hangup",
    "low-volume", "noise", "hands-free", "dialect", "verified", "doubtful",
]  # fmt: skip
"""What can happen on the line besides speech. ``low-volume``, ``noise``, ``hands-free`` and
``dialect`` are observations about the party ``by``; ``verified`` is the identity check passed."""

EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)


Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""An absolute time with its UTC offset (RFC 3339), so that any two can be compared."""


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """One word as the recogniser wrote it; ``start`` and ``end`` in seconds, if it was aligned."""

    text: str
    start: float | None = None
    end: float | None = None
    confidence: float | None = None


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """One party's uninterrupted speech.

    ``start`` and ``end`` in seconds; ``loudness`` is the mean level of its speech in dB;
    ``doubtful`` says why a recogniser may have invented it.
    """

    role: Role = "unknown"
    text: str
    start: float | None = None
    end: float | None = None
    speaker: str = ""
    words: tuple[Word, ...] = ()
    loudness: float | None = None
    language: str = ""
    doubtful: str = ""


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """Something on the line that is not speech; ``time`` in seconds, ``by`` the party it concerns."""

    kind: EventKind
    time: float | None = None
    by: Role = "unknown"
    value: str = ""


class Silence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A stretch without speech that the vendor measured, in seconds: evidence beside our own."""

    start: float
    end: float


class FollowUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """A later call on the same case: its ``purpose`` (usage, solution, recovery, answer) and outcome."""

    time: Instant
    purpose: str = ""
    outcome: str = ""


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """The ticket of a call as the case system holds it. Times are absolute, with their offset.

    ``kind`` is inquiry, problem, complaint, suggestion, registration or application usage;
    ``customer_class`` and ``category`` select a row of the service time-limit table.
    """

    id: str = ""
    kind: str = ""
    category: str = ""
    customer_class: str = ""
    status: Literal["", "open", "solved", "unresolved", "reopened"] = ""
    opened: Instant | None = None
    closed: Instant | None = None
    reopened: Instant | None = None
    content: str = ""
    contact: str = ""
    difficult: bool = False
    simple: bool | None = None
    department: str = ""
    handed_over: Instant | None = None
    second_line: Instant | None = None
    escalated_to: str = ""
    escalated: Instant | None = None
    deadline: Instant | None = None
    recovered: Instant | None = None
    changes: tuple[str, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()


class Wave(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """How loud a recording's channel is, step by step of equal length: half decibels above -90 of full scale.

    ``role`` is whose voice is on it, ``seconds`` the length of a step.
    """

    role: Role
    seconds: float
    levels: bytes


class Attestation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """A person's verdict on a manual clause, for one call or one shift."""

    clause: str
    verdict: Literal["passed", "failed"]
    assessor: str
    call: str = ""
    shift: str = ""
    time: Instant | None = None
    note: str = ""


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """A recorded or driven call, with what it can and cannot show.

    ``timing``, ``tolerance`` (seconds a time may be off) and ``roles`` say how far it can be
    trusted. ``case_known`` is true when a case system was asked, so that a missing ``case``
    means that there is none. ``limits`` names, in words, what its format could not show.
    ``recording`` is the path of what it was heard in, ``waves`` the outline of its channels.
    """

    id: str
    turns: tuple[Turn, ...] = ()
    events: tuple[Event, ...] = ()
    timing: Timing = "none"
    tolerance: float = 0.0
    roles: Roles = "unknown"
    language: str = ""
    started: Instant | None = None
    duration: float | None = None
    direction: Literal["", "inbound", "outbound"] = ""
    rings: int | None = None
    ring_time: float | None = None
    agent: str = ""
    team: str = ""
    queue: str = ""
    shift: str = ""
    organisation: str = ""
    customer_sex: Literal["", "female", "male"] = ""
    customer_class: str = ""
    names: tuple[str, ...] = ()
    silences: tuple[Silence, ...] = ()
    interruptions: int | None = None
    case: Case | None = None
    case_known: bool = False
    attestations: tuple[Attestation, ...] = ()
    recording: str = ""
    waves: tuple[Wave, ...] = ()
    labels: dict[str, str] = {}
    limits: tuple[str, ...] = ()
    format: str = "native"
    source: str = ""


_ENCODER = msgspec.msgpack.Encoder()


def digest(call: Call) -> bytes:
    """What tells a call from every other, in 12 bytes: all that it holds, but not where it was found."""
    encoded = _ENCODER.encode(msgspec.structs.replace(call, source="", recording=""))
    return hashlib.blake2b(encoded, digest_size=12).digest()

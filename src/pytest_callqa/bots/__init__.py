"""What a bot is: anything that answers a customer. Each protocol is a module; :mod:`.driver` makes a Call of it.

All times are seconds on the virtual clock, counted from the start of the conversation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from pytest_callqa.call import Case, Event, EventKind


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """What the customer does next.

    ``wait`` is silence, in seconds, that comes before anything else; ``text`` is said and ``keys`` are pressed
    (one or the other); ``over`` is the share of the agent's last words that the customer talks over (0: none, 0.5:
    the second half); ``hang_up`` ends the call after it. ``events`` are what the line or the voice shows while the
    customer speaks, such as ``noise``. ``start`` and ``end`` are filled in by the conversation before a bot sees it.
    """

    text: str = ""
    keys: str = ""
    wait: float = 0.0
    over: float = 0.0
    hang_up: bool = False
    events: tuple[EventKind, ...] = ()
    start: float = 0.0
    end: float = 0.0

    @property
    def silent(self) -> bool:
        """Whether the customer does nothing but wait."""
        return not (self.text or self.keys or self.hang_up)


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, gc=False):
    """Something the bot did: words, or without ``text`` a stretch in which it does not listen.

    ``start`` and ``end`` are None when the bot does not know; the conversation then places the reply. An event
    without a time happens at the reply's end. ``case`` is the ticket as it now stands, if the bot wrote one.
    ``raw`` is the answer as it came.
    """

    text: str = ""
    start: float | None = None
    end: float | None = None
    events: tuple[Event, ...] = ()
    case: Case | None = None
    raw: str = ""


class Abilities(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What a bot can take part in; a move it excludes is not made.

    ``keys``, ``speech`` and ``silence``: what it notices of the customer; ``barge_in``: it stops when talked over;
    ``events``: it hears low voices and noise; ``several``: it may answer a move with more than one reply, ``push``:
    also unasked; ``clock``: its times mean something; ``real_time``: the real seconds it takes to answer count;
    ``case``: it keeps the case record; ``deterministic``: the same moves get the same replies.
    """

    keys: bool = False
    speech: bool = True
    silence: bool = False
    barge_in: bool = False
    events: bool = False
    several: bool = True
    push: bool = False
    clock: bool = False
    real_time: bool = False
    case: bool = False
    deterministic: bool = True

    def allow(self, move: Move) -> bool:
        """Whether a bot with these abilities can be met with the move."""
        needs = (
            (self.keys, move.keys),
            (self.speech, move.text),
            (self.silence, move.wait),
            (self.barge_in, move.over),
            (self.events, move.events),
        )
        return all(able or not needed for able, needed in needs)

    def shared(self, other: Abilities) -> Abilities:
        """What two bots can both take part in; real seconds count if they do for one of them."""
        both = {name: getattr(self, name) and getattr(other, name) for name in self.__struct_fields__}
        return Abilities(**both | {"real_time": self.real_time or other.real_time})


@runtime_checkable
class Bot(Protocol):
    """Anything that answers. ``open`` begins a conversation anew; every ``open`` is followed by one ``close``.

    ``send`` gets one thing at a time, with its ``start`` and ``end``: a silence (the replies are those begun before
    its end), words, keys, or the hang-up. No replies means that the bot stays silent. A bot that fails raises; the
    hang-up of the bot is an event of its last reply.
    """

    @property
    def abilities(self) -> Abilities:
        """What the bot can take part in; asked for before and after ``open``."""
        ...

    def open(self) -> Sequence[Reply]:
        """Begin a conversation: what the bot does before the customer does anything."""
        ...

    def send(self, move: Move) -> Sequence[Reply]:
        """What the bot does next, up to where it listens again."""
        ...

    def close(self) -> None:
        """End the conversation and let go of what it held; also after an error."""
        ...


@runtime_checkable
class AsyncBot(Protocol):
    """A :class:`Bot` whose methods are coroutines; accepted wherever a plain one is."""

    @property
    def abilities(self) -> Abilities:
        """See :class:`Bot`."""
        ...

    def open(self) -> Awaitable[Sequence[Reply]]:
        """See :class:`Bot`."""
        ...

    def send(self, move: Move) -> Awaitable[Sequence[Reply]]:
        """See :class:`Bot`."""
        ...

    def close(self) -> Awaitable[None]:
        """See :class:`Bot`."""
        ...

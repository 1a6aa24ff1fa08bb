"""The one model of a phone call that TwiML, jambonz and NCCO share, and its exact virtual clock.

A protocol is a :class:`Flow`: it answers with steps, and what the customer does to a step answers with more. What
an empty listen leads to, and what the end of the steps means, is the flow's to say. All times are seconds.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Protocol, TypeAlias, TypeVar

from msgspec.structs import replace as replace_move

from pytest_callqa.bots import Abilities, Move, Reply
from pytest_callqa.bots.driver import KEY, cut_short, seconds_to_say
from pytest_callqa.call import Event, Role
from pytest_callqa.errors import BotError

T = TypeVar("T")

AHEAD = 120.0
"""Seconds that a bot may go on without listening before the customer gets a turn."""

HOPS = 100
"""Documents that a bot may fetch in answer to one move."""

BEEP = 0.5
"""Seconds of the tone before a recording."""

CLEAR, NOISY = 0.9, 0.3
"""Confidence of a recogniser in plain speech and in speech with noise; a low voice is not heard at all."""


@dataclass(frozen=True)
class Speak:
    """Words played to the customer; ``seconds`` is estimated if None; ``times`` 0: until the hang-up."""

    text: str
    seconds: float | None = None
    times: int = 1


@dataclass(frozen=True)
class Pause:
    """``seconds`` in which nothing is said and nothing heard; as the first step, before the call is answered."""

    seconds: float


@dataclass(frozen=True)
class Heard:
    """What the customer did to a listen: ``keys`` without the finishing one, or ``text``; neither: nothing."""

    keys: str = ""
    text: str = ""
    confidence: float = 0.0


@dataclass(frozen=True)
class Listen:
    """Wait for keys or speech while the prompt plays and ``timeout`` after it.

    ``between`` is the time-out after a key and ``after_speech`` the pause that ends speech; ``most`` keys (0: any
    number) or one of ``finish`` end the keys at once. ``then`` gives the next steps, or None for those that follow.
    """

    then: Callable[[Heard], Steps | None]
    prompt: tuple[Speak | Pause, ...] = ()
    keys: bool = True
    speech: bool = False
    timeout: float = 5.0
    between: float = 5.0
    after_speech: float = 1.0
    most: int = 0
    finish: str = "#"
    barge_in: bool = True


@dataclass(frozen=True)
class Recorded:
    """What a recording holds: ``seconds`` of speech, and the ``key`` that ended it (or ``hangup``)."""

    seconds: float
    key: str = ""


@dataclass(frozen=True)
class Record:
    """Record the customer until ``timeout`` of silence, a key of ``finish`` or ``longest``; nothing said: go on."""

    then: Callable[[Recorded], Steps | None]
    timeout: float = 5.0
    finish: str = "1234567890*#"
    longest: float = 3600.0
    beep: bool = True


@dataclass(frozen=True)
class Transfer:
    """Hand the customer over; ``seconds`` of ringing if nobody answers; what is said there is another call."""

    to: str
    then: Callable[[], Steps | None] = lambda: None
    seconds: float = 0.0


@dataclass(frozen=True)
class Go:
    """Fetch other steps; those that follow are reached only if there are none (None)."""

    then: Callable[[], Steps | None]


@dataclass(frozen=True)
class End:
    """Hang up, because of ``value``; without ``answers`` a call that was not picked up yet never is."""

    value: str = ""
    by: Role = "agent"
    answers: bool = True


Step: TypeAlias = "Speak | Pause | Listen | Record | Transfer | Go | End"
Steps: TypeAlias = Sequence[Step]


class Flow(Protocol):
    """A protocol: where a call begins, and what it leaves open."""

    end: Step
    """What the end of the steps means."""

    def begin(self) -> Steps:
        """The first steps of a new call."""
        ...

    def close(self) -> None:
        """Let go of what the flow holds."""
        ...


_ANSWER = Event(kind="answer", by="agent")


class _HungUp(Exception):
    """The customer is gone."""


_Run: TypeAlias = Generator[None, Move, None]


@dataclass
class _Clock:
    """Where the call is: ``now``; the customer is ``idle`` and the bot goes on without a turn up to a time."""

    now: float = 0.0
    idle: float = 0.0
    asked: float = 0.0
    limit: float = AHEAD
    told: float = 0.0
    hops: int = 0
    pending: Move | None = None
    replies: list[Reply] = field(default_factory=list)


class VoiceBot:
    """A flow as a bot, in virtual time: a time-out of an hour takes none and is exact.

    ``real_time`` adds the real seconds that the flow takes to answer; else they count for nothing.
    """

    def __init__(self, flow: Flow, *, real_time: bool = False, deterministic: bool = True) -> None:
        self.flow = flow
        self.abilities = Abilities(
            keys=True, silence=True, barge_in=True, events=True, clock=True, deterministic=deterministic
        )
        self._real_time = real_time
        self._at = _Clock()
        self._run: _Run | None = None

    def open(self) -> Sequence[Reply]:
        """See :class:`~pytest_callqa.bots.Bot`."""
        self._at = _Clock()
        self._run = self._call()
        return self._step(None)

    def send(self, move: Move) -> Sequence[Reply]:
        """See :class:`~pytest_callqa.bots.Bot`."""
        self._at.asked, self._at.hops = move.end, 0
        self._at.limit = move.end + (0.0 if move.silent else AHEAD)
        return self._step(move)

    def close(self) -> None:
        """See :class:`~pytest_callqa.bots.Bot`."""
        self.flow.close()

    def _step(self, move: Move | None) -> Sequence[Reply]:
        assert self._run is not None
        at = self._at
        with suppress(StopIteration, _HungUp):
            self._run.send(move)  # type: ignore[arg-type]  # None starts it
        replies, at.replies = at.replies, []
        if at.now > (at.told if not replies else replies[-1].end or 0.0):
            replies.append(Reply(start=at.now, end=at.now))  # time went by without a word
        at.told = at.now
        return replies

    # -- the call, as one function that waits for moves

    def _call(self) -> _Run:
        at = self._at
        steps = deque(self._timed(self.flow.begin))
        answered = False
        while True:
            step = steps.popleft() if steps else self.flow.end
            new: Steps | None = None
            if not answered and not isinstance(step, Go):
                answered = True
                if isinstance(step, Pause):
                    self._pass(step.seconds, (_ANSWER,))
                    continue
                if not isinstance(step, End) or step.answers:
                    self._pass(0.0, (_ANSWER,))
            if isinstance(step, Speak):
                yield from self._speak(step)
            elif isinstance(step, Pause):
                self._pass(step.seconds)
            elif isinstance(step, Listen):
                heard = yield from self._listen(step)
                new = self._timed(step.then, heard)
            elif isinstance(step, Record):
                recorded = yield from self._record(step)
                if recorded is not None:
                    new = self._timed(step.then, recorded)
            elif isinstance(step, Transfer):
                self._pass(step.seconds, (Event(kind="transfer", time=at.now, by="agent", value=step.to),))
                new = self._timed(step.then)
            elif isinstance(step, Go):
                new = self._timed(step.then)
            else:
                self._pass(0.0, (Event(kind="hangup", time=at.now, by=step.by, value=step.value),))
                return
            if new is not None:
                steps = deque(new)
                at.hops += 1
                if at.hops > HOPS:
                    raise BotError(f"an endless loop: {HOPS} documents in answer to one move")
            while at.now > at.limit:
                yield from self._next()

    def _timed(self, ask: Callable[..., T], *what: object) -> T:
        """What the flow answers; in real time its answer takes as long as it took."""
        began = time.perf_counter()
        answer = ask(*what)
        if self._real_time:
            self._at.now += time.perf_counter() - began
        return answer

    def _next(self) -> Generator[None, Move, Move]:
        """The customer's next move; what is said or pressed now is heard only if a listen asked."""
        move = yield
        if move.hang_up:
            raise _HungUp
        if move.silent:
            self._at.idle = move.end
        return move

    def _pass(self, seconds: float, events: tuple[Event, ...] = ()) -> None:
        start = self._at.now
        self._at.now = start + seconds
        self._at.replies.append(Reply(start=start, end=self._at.now, events=events))

    def _say(self, speak: Speak, until: float = inf) -> None:
        """Words, cut off where the customer breaks in."""
        start = self._at.now
        seconds = seconds_to_say(speak.text) if speak.seconds is None else speak.seconds
        end, text = start + seconds, speak.text
        if until < end:
            end, text = until, cut_short(text, (until - start) / seconds)
        self._at.now = end
        self._at.replies.append(Reply(text=text, start=start, end=end))

    def _speak(self, speak: Speak) -> _Run:
        for _ in range(speak.times):
            self._say(speak)
        while not speak.times:  # until the customer hangs up
            self._say(speak)
            while self._at.now > self._at.asked:
                yield from self._next()

    def _prompt(self, parts: Iterable[Speak | Pause], until: float) -> None:
        at = self._at
        for part in parts:
            if isinstance(part, Pause):
                at.now = min(at.now + part.seconds, max(until, at.now))
                continue
            longest = at.now + AHEAD
            for _ in range(part.times or HOPS):
                if at.now < min(until, longest):
                    self._say(part, until)

    def _listen(self, step: Listen) -> Generator[None, Move, Heard]:
        at = self._at
        move, at.pending = self._still_to_come(), None
        breaks_in = move is not None and step.barge_in and bool(move.keys if step.keys else step.speech)
        self._prompt(step.prompt, move.start if move is not None and breaks_in else inf)
        open_from = 0.0 if step.barge_in else at.now
        deadline = at.now + step.timeout
        while True:
            if move is None:
                if at.idle >= deadline:
                    at.now = deadline
                    return Heard()
                move = yield from self._next()
                if move.silent:
                    move = None
                    continue
            if move.start > deadline:
                at.now, at.idle, at.pending = deadline, move.start, move
                return Heard()
            if move.start >= open_from:
                if move.keys and step.keys:
                    return self._keys(step, move)
                if move.text and step.speech and "low-volume" not in move.events:
                    at.now, at.idle = move.end + step.after_speech, move.end
                    return Heard(text=move.text, confidence=NOISY if "noise" in move.events else CLEAR)
            at.idle = max(at.idle, move.end)
            move = None

    def _still_to_come(self) -> Move | None:
        """What of the keys and words that came before anybody listened is yet to come now."""
        move = self._at.pending
        if move is None or move.start >= self._at.now:
            return move
        missed = ceil((self._at.now - move.start) / KEY)
        if missed < len(move.keys):
            return replace_move(move, keys=move.keys[missed:], start=move.start + KEY * missed)
        self._at.idle = max(self._at.idle, move.end)
        return None

    def _keys(self, step: Listen, move: Move) -> Heard:
        at = self._at
        pressed, deadline = "", inf
        for place, key in enumerate(move.keys):
            when = move.start + KEY * place
            if when > deadline:
                at.pending = replace_move(move, keys=move.keys[place:], start=when)
                break
            at.now = at.idle = when
            done = key in step.finish
            pressed += "" if done else key
            if done or len(pressed) == step.most:
                if move.keys[place + 1 :]:
                    at.pending = replace_move(move, keys=move.keys[place + 1 :], start=when + KEY)
                return Heard(keys=pressed)
            deadline = when + step.between
        at.now = deadline
        return Heard(keys=pressed)

    def _record(self, step: Record) -> Generator[None, Move, Recorded | None]:
        at = self._at
        self._pass(BEEP if step.beep else 0.0)
        begun, deadline = at.now, at.now + step.timeout
        while at.idle < deadline:
            move = yield
            if move.text:
                seconds = min(move.end - move.start, step.longest)
                if move.hang_up:
                    step.then(Recorded(seconds, "hangup"))
                    raise _HungUp
                at.now = min(move.end + step.timeout, begun + step.longest)
                return Recorded(seconds)
            if move.hang_up:
                raise _HungUp
            if move.keys and move.keys[0] in step.finish:
                at.now = move.start
                return Recorded(move.start - begun, move.keys[0])
            at.idle = max(at.idle, move.end)
        at.now = deadline
        return None

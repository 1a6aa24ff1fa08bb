"""An agent's script as a bot: it says what the script says, in virtual time, and answers any customer."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from pytest_callqa.bots import Abilities, Bot, Move, Reply
from pytest_callqa.bots.driver import BEGINS, REACTION, seconds_to_say
from pytest_callqa.bots.scripting import Note, Script, Situation, Step, said_in
from pytest_callqa.call import Case, Event, EventKind
from pytest_callqa.errors import BadBook, BadInput, did_you_mean

NOT_HEARD: frozenset[EventKind] = frozenset({"low-volume", "noise", "hands-free", "doubtful"})
"""What on the line keeps the agent from hearing the words."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a script: the ``language`` it is spoken in (default: its first)."""

    language: str = ""


def build(at: str, options: Options, allow: Collection[str]) -> Bot:
    """A bot for ``script:file.yaml``. Raises :class:`BadInput` for a file that is no script, or not in the language."""
    try:
        script = Script.load(Path(at))
    except BadBook as error:
        raise BadInput(str(error)) from None
    language = options.language or script.languages[0]
    if language not in script.languages:
        known = ", ".join(script.languages)
        raise BadInput(f"{at} has no lines in {language!r}, only in {known}.{did_you_mean(language, script.languages)}")
    return ScriptBot(script, language)


class ScriptBot:
    """One agent who works by a script.

    A customer who speaks ends every wait. What was asked and not answered, or cut off, is said again after whatever
    came between.
    """

    abilities = Abilities(silence=True, barge_in=True, events=True, clock=True, case=True)

    def __init__(self, script: Script, language: str) -> None:
        self.script = script
        self.language = language
        self._ear = script.ear(language)
        self._begin()

    def _begin(self) -> None:
        self._agenda: deque[Step] = deque()
        self._idle: deque[Step] = deque()
        self._asked: Step | None = None
        self._due: float | None = None
        self._waiting = self._agenda
        self._now = self._until = 0.0
        self._saying: list[str] = []
        self._last: list[tuple[str, float]] = []
        self._explained: Step | None = None
        self._instead: dict[str, dict[str, str]] = {}
        self._leaving = self._ended = False
        self._times: Counter[str] = Counter()
        self._told: dict[str, str] = {}
        self._case: Case | None = None
        self._replies: list[Reply] = []

    def open(self) -> Sequence[Reply]:
        """See :class:`~pytest_callqa.bots.Bot`."""
        self._begin()
        rings = self.script.rings_for
        ring = (Event(kind="ring", time=0.0, by="customer"),) if rings else ()
        picks_up = Event(kind="answer", time=rings, by="agent")
        self._replies.append(Reply(start=0.0, end=rings, events=(*ring, picks_up)))
        self._do(self.script.opening, rings)
        return self._answer()

    def send(self, move: Move) -> Sequence[Reply]:
        """See :class:`~pytest_callqa.bots.Bot`."""
        if move.silent:
            while self._due is not None and self._due < move.end:
                self._now, self._due = self._due, None
                self._go(self._waiting)
        elif move.text:
            self._hear(move)
        return self._answer()

    def close(self) -> None:
        """Nothing is held."""

    def _answer(self) -> Sequence[Reply]:
        replies, self._replies = self._replies, []
        return replies

    # -- hearing

    def _hear(self, move: Move) -> None:
        """React to the customer's words; an agent who has nothing more to say to them goes on to the close."""
        self._react(move)
        silent = not any(reply.text for reply in self._replies)
        if silent and not (self._ended or self._asked) and self._waiting is self._idle:
            self._do(self._otherwise(), self._now)

    def _otherwise(self) -> Sequence[Step]:
        return self.script.otherwise_leaving if self._leaving else self.script.otherwise

    def _react(self, move: Move) -> None:
        """Do what the customer's words lead to."""
        line = NOT_HEARD.intersection(move.events)
        heard = self._ear.heard(move.text).keys() if not line else ()
        begin = move.end + REACTION
        cut = [text for text, end in self._last if end > move.start + 0.05]
        if self._due is not None and self._waiting is self._agenda:  # what was to be done in silence
            self._agenda.clear()
        self._due = None
        if not line:
            self._told.setdefault("content", move.text)
        asked, self._asked = self._asked, None
        arisen = list(self._arising(heard, move.events))
        if arisen and self.script.courtesies.isdisjoint(heard):
            self._leaving = False  # there is something new to take leave of
        found = [
            step
            for each in arisen
            for step in each.do
            if asked is None or step.verb != "offer" or step.texts != asked.texts  # which is just being answered
        ]
        matter = self._matter(heard) if asked is None or asked.verb == "offer" else None
        if matter is not None:
            self._told = {"content": move.text}
            self._leaving = False
            self._agenda.clear()
            answered = [step for step in matter.do if asked is None or step.texts != asked.texts or not step.texts]
            self._do((*found, *self._said(cut), *answered), begin)
        elif line:
            self._do((*(found or self.script.not_heard), *self._said(cut), *_again(asked)), begin)
        elif found:
            again = () if asked is not None and any(asked.texts == step.texts for step in found) else _again(asked)
            self._do((*found, *self._said(cut), *again), begin)
        elif asked is not None:
            unheard = said_in(asked.texts, self.language) in cut and not self.script.no.intersection(heard)
            after = (asked,) if unheard else self._answered(asked, heard, move.text)
            self._do((*self._said(cut), *after), begin)
        else:
            self._do((*self._said(cut), *self._otherwise()), begin)

    def _said(self, texts: Iterable[str]) -> Iterable[Step]:
        """Steps that say again what was cut off."""
        return (Step(verb="say", texts={"": text}) for text in texts)

    def _arising(self, heard: Collection[str], events: Collection[EventKind]) -> Iterable[Situation]:
        """The situations that the words or the line bring about, this being their n-th time."""
        for each in self.script.situations:
            arises = each.line in events if each.line else bool(each.hears.intersection(heard))
            if arises and each.leaving in (None, self._leaving):
                self._times[each.name] += 1
                if each.first <= self._times[each.name] <= each.last:
                    yield each

    def _matter(self, heard: Collection[str]) -> Situation | None:
        fitting = (each for each in self.script.matters if each.leaving in (None, self._leaving))
        return next((each for each in fitting if each.hears.intersection(heard)), None)

    def _answered(self, asked: Step, heard: Collection[str], text: str) -> Sequence[Step]:
        """What follows an answer; what was asked for is noted."""
        if self.script.no.intersection(heard):
            return (*asked.if_no, asked) if asked.until_yes else asked.if_no
        if asked.note:
            self._told[asked.note] = text
            self._write((Note(asked.note, told=True),))
        return asked.if_yes

    # -- doing

    def _do(self, steps: Iterable[Step], at: float) -> None:
        """Do these steps, then what is on the agenda, up to where the customer's turn is."""
        self._now = at
        self._last = []
        self._agenda.extendleft(reversed(list(steps)))
        self._go(self._agenda)

    def _go(self, steps: deque[Step]) -> None:
        while steps and not self._ended:
            step = steps.popleft()
            if step.verb == "wait":
                self._say()
                self._due, self._waiting = self._until + step.seconds, steps
                return
            self._step(step)
            if self._asked is step:
                break
        self._say()
        if not self._ended:  # the customer's turn; what if nothing comes
            self._idle = deque(self.script.after_goodbye if self._leaving else self.script.silence)
            self._go_idle()

    def _go_idle(self) -> None:
        if self._idle:
            first = self._idle.popleft()
            self._due, self._waiting = self._until + first.seconds, self._idle

    def _step(self, step: Step) -> None:
        """Do one step; what is said waits in ``_saying`` for what is said with it."""
        if step.verb == "explain":
            self._explained = step
        if step.verb == "explain again":
            step = self._explained or step
        text = said_in(self._instead.get(step.line, step.texts), self.language)
        if text and text not in self._saying:
            self._saying.append(text)
        if step.verb in ("ask", "offer"):
            self._asked = step
            self._leaving = self._leaving and step.verb == "offer"
        elif step.verb == "leave":
            self._leaving, self._asked = True, None
        elif step.verb == "hold":
            self._say()
            start, end = self._now, self._now + step.seconds
            events = Event(kind="hold", time=start, by="agent"), Event(kind="unhold", time=end, by="agent")
            self._replies.append(Reply(start=start, end=end, events=events))
            self._now = self._until = end
        elif step.verb == "write":
            self._write(step.notes)
        elif step.verb == "from now on":
            self._instead |= step.instead
        elif step.verb in ("transfer", "hang up"):
            self._say()
            self._ended = self._ended or step.verb == "hang up"
            kind: EventKind = "hangup" if self._ended else "transfer"
            event = Event(kind=kind, time=self._now, by="agent", value=said_in(step.to, self.language))
            self._replies.append(Reply(start=self._now, end=self._now, events=(event,)))

    def _say(self) -> None:
        """Say what has gathered, as one turn."""
        if self._saying:
            reached = start = self._now
            for text in self._saying:
                reached += seconds_to_say(text)
                self._last.append((text, reached))
            space = " " if any(text.isascii() for text in self._saying) else ""
            text = space.join(self._saying)
            self._now = round(start + seconds_to_say(text), 2)
            self._replies.append(Reply(text=text, start=start, end=self._now))
            self._saying = []
        self._until = self._now

    # -- the case

    def _write(self, notes: Iterable[Note]) -> None:
        """Write on the case, which is opened if there is none."""
        now = BEGINS + timedelta(seconds=round(self._now, 2))
        case = self._case or Case(id="1", status="open", opened=now)
        for note in notes:
            case = note.on(case, now, self.language, self._told)
        self._case = case
        self._replies.append(Reply(start=self._now, end=self._now, case=case))


def _again(asked: Step | None) -> Iterable[Step]:
    """The question that stands unanswered; an offer needs no answer."""
    return (asked,) if asked is not None and asked.verb == "ask" else ()

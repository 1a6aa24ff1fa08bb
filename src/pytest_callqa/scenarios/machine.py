"""A conversation as a state machine: one rule for each thing that customers do, so that each can be left out alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from pytest_callqa.bots import Abilities, AsyncBot, Bot, Move, Reply
from pytest_callqa.bots.driver import Conversation
from pytest_callqa.bots.profiles import Budget
from pytest_callqa.call import Call
from pytest_callqa.phrases import Matcher
from pytest_callqa.scenarios.customers import Act, Cast, Customer, customers, moves

ATTENTIVE = (True, True, True, False)
"""How often a customer who is asked something answers it before doing anything else."""


@dataclass(frozen=True, eq=False)
class Stage:
    """Where conversations are played: a bot for each language, what it can take part in, and the customers.

    ``ears`` hear in each language what the bot asks; ``budget`` is what may still be asked of it.
    """

    bot: Callable[[str], Bot | AsyncBot]
    abilities: Abilities
    languages: tuple[str, ...]
    cast: Cast
    ears: dict[str, Matcher]
    budget: Budget = field(default_factory=Budget)

    @property
    def acts(self) -> tuple[Act, ...]:
        """What customers do that the bot can be met with."""
        return tuple(act for act in self.cast.acts if act.possible(self.abilities))


@dataclass(frozen=True)
class Played:
    """A conversation that was played: in what language, the customer's moves, what they were called, and the call."""

    language: str
    moves: tuple[Move, ...]
    acts: tuple[str, ...]
    call: Call


class Dialogue(RuleBasedStateMachine):
    """One conversation with the stage's bot. What becomes of it is told to ``judge`` when it is over."""

    stage: ClassVar[Stage]
    acts: ClassVar[tuple[Act, ...]]
    answerable: ClassVar[frozenset[str]]
    judge: ClassVar[Callable[[Played], None]]

    def __init__(self) -> None:
        super().__init__()
        self.customer: Customer | None = None
        self.conversation: Conversation | None = None
        self.asked: Collection[str] = frozenset()
        self.attentive = True
        self.done: list[str] = []

    def begin(self, customer: Customer) -> None:
        """The customer calls."""
        bot = self.stage.bot(customer.language)
        self.customer = customer
        self.conversation = Conversation(bot, language=customer.language)
        self._listen(self.conversation.open)

    def free_for(self, act: Act) -> bool:
        """Whether the customer may do this now."""
        if self.conversation is None or self.conversation.ended or self.customer is None:
            return False
        if act.name in self.customer.persona.never:
            return False
        if act.when:
            return not act.when.isdisjoint(self.asked)
        return not (self.attentive and self.asked)

    def make(self, act: Act, wording: int, wait: float, over: float) -> None:
        """Do it, and listen to what comes of it."""
        assert self.conversation is not None
        assert self.customer is not None
        self.done.append(act.name)
        self._listen(self.conversation.send, act.move(self.customer.language, wording, wait, over))

    def _listen(self, ask: Callable[..., Sequence[Reply]], *move: Move) -> None:
        assert self.conversation is not None
        assert self.customer is not None
        try:
            replies = ask(*move)
        except BaseException:
            self.conversation.close()
            self.conversation = None  # there is nothing to judge, nor anybody to take leave of
            raise
        if replies:
            text = next((reply.text for reply in reversed(replies) if reply.text), "")
            self.asked = self.stage.ears[self.customer.language].heard(text).keys() & self.answerable

    @property
    def idle(self) -> bool:
        """Whether there is nothing that the customer could do now: the call is over, or it is not their way."""
        return self.conversation is not None and not any(map(self.free_for, self.acts))

    def teardown(self) -> None:
        """Judge the conversation."""
        if self.conversation is not None:  # it is, unless the bot broke at once
            finish(self.conversation)
            self.stage.budget.take(len(self.conversation.moves) + 1)
            call = self.conversation.call()
            type(self).judge(Played(call.language, tuple(self.conversation.moves), tuple(self.done), call))


def finish(conversation: Conversation) -> None:
    """End a conversation: a customer who has nothing more to do hangs up."""
    try:
        conversation.send(Move(hang_up=True))
    finally:
        conversation.close()


def replay(moves: Iterable[Move], language: str, stage: Stage) -> Call:
    """The conversation of these moves with a new bot; what is sent after the end is not heard."""
    conversation = Conversation(stage.bot(language), language=language)
    try:
        conversation.open()
        for move in moves:
            conversation.send(move)
    except BaseException:
        conversation.close()
        raise
    finish(conversation)
    stage.budget.take(len(conversation.moves) + 1)
    return conversation.call()


def calls(stage: Stage, *, most: int = 8) -> st.SearchStrategy[Call]:
    """Calls of customers who do at most so many things, one after the other; for properties of your own rules.

    To look for what breaks a rule, play the machine of :func:`dialogue`: it reaches more.
    """

    def spoken_in(language: str) -> st.SearchStrategy[Call]:
        some = st.lists(moves(stage.acts, language), max_size=most)
        return some.map(lambda made: replay(made, language, stage))

    return st.sampled_from(stage.languages).flatmap(spoken_in)


def dialogue(stage: Stage, name: str, judge: Callable[[Played], None], acts: Sequence[Act] = ()) -> type[Dialogue]:
    """The machine of a stage, with a rule for each act (default: all). ``name`` is its key in the database."""
    acts = acts or stage.acts
    body: dict[str, Any] = {
        "stage": stage,
        "acts": tuple(acts),
        "judge": staticmethod(judge),
        "answerable": frozenset(phrase for act in acts for phrase in act.when),
        "begins": initialize(customer=customers(stage.cast, stage.languages))(_begin),
        "nothing": precondition(lambda machine: machine.idle)(rule()(_nothing)),
    }
    for act in acts:
        body[_identifier(act.name)] = _rule_of(act)
    return type(name, (Dialogue,), body)


def _begin(machine: Dialogue, customer: Customer) -> None:
    machine.begin(customer)


def _nothing(machine: Dialogue) -> None:
    """The call is over, or there is nothing to do."""


def _rule_of(act: Act) -> Callable[..., None]:
    """The rule of an act: which of its wordings, how long it waits before, what share of the agent's words it cuts."""

    def do(machine: Dialogue, *, attentive: bool, wording: int = 0, wait: float = 0.0, over: float = 0.0) -> None:
        machine.attentive = attentive
        machine.make(act, wording, wait, over)

    do.__name__ = do.__qualname__ = _identifier(act.name)
    ways: dict[str, st.SearchStrategy[Any]] = {"attentive": st.sampled_from(ATTENTIVE)}
    most = max(map(len, (*act.says.values(), act.presses)), default=0)
    if most > 1:
        ways["wording"] = st.sampled_from(range(most))
    if act.waits:
        ways["wait"] = st.sampled_from(act.waits)
    if act.over:
        ways["over"] = st.sampled_from(act.over)
    made: Callable[..., None] = rule(**ways)(do)  # type: ignore[call-overload]  # it takes any strategies by name
    return precondition(lambda machine: machine.free_for(act))(made)


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name)

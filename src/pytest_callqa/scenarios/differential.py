"""Judges the same customers twice, with two bots or by two books, and keeps only what ends otherwise."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from threading import Lock

import msgspec
from hypothesis import Phase
from msgspec.structs import replace

from pytest_callqa.bots import Move
from pytest_callqa.call import Call
from pytest_callqa.engine import hear
from pytest_callqa.ledger import Exhibit
from pytest_callqa.redact import Level, redactor
from pytest_callqa.rules import RuleBook
from pytest_callqa.scenarios.blame import Blame, blame_heard
from pytest_callqa.scenarios.campaign import Plan, aims, run_machine, verdicts
from pytest_callqa.scenarios.live import hold
from pytest_callqa.scenarios.machine import Played, Stage, replay
from pytest_callqa.scenarios.plainest import plainest
from pytest_callqa.verdict import Outcome, Verdict

_TELLING = (Outcome.PASSED, Outcome.FAILED)

Key = tuple[str, Outcome, Outcome]
"""A clause, how it ended before, and how it ends now."""


class Difference(msgspec.Struct, frozen=True):
    """A rule that ends otherwise now than before, and the shortest conversation that shows it.

    ``conversations`` counts those in which it ends just so. ``call`` is the one of now, ``before`` that of the old bot
    (None: it is the same call, judged by an old book). Of bots that vary, ``again`` of ``tried`` replays ended just so.
    ``fewest`` is a recorded call with only those turns that show it. ``blame`` names the changed lines it comes from.
    """

    clause: str
    old: Outcome
    new: Outcome
    conversations: int
    call: Call
    before: Call | None
    verdicts: tuple[Verdict, ...]
    again: int = 0
    tried: int = 0
    fewest: Call | None = None
    blame: Blame = Blame()

    @property
    def worse(self) -> bool:
        """Whether a rule is broken that was not."""
        return self.new is Outcome.FAILED

    @property
    def verdict(self) -> Verdict:
        """That of the rule itself, now."""
        return next(verdict for verdict in self.verdicts if verdict.clause == self.clause)


class Compared(msgspec.Struct):
    """What came of a comparison: how many conversations, and each kind of difference, in the book's order."""

    conversations: int = 0
    differences: tuple[Difference, ...] = ()
    trouble: str = ""


class Judges:
    """Two rule books, perhaps one and the same, and the rules that both have. ``told`` is what calls are heard with."""

    def __init__(self, new: RuleBook, old: RuleBook, **told: str) -> None:
        before = {rule.clause: rule for rule in old if rule.portable}
        self.new, self.old, self.told = new, old, told
        self.rules = {rule.clause: (before[rule.clause], rule) for rule in new if rule.clause in before}

    def judge(self, new: Call, old: Call, *clauses: str) -> list[Key]:
        """How clauses (default: all) end for two calls, or for one that both books judge.

        Left out are those that are neither kept nor broken, before and now.
        """
        pairs = [self.rules[clause] for clause in clauses] or self.rules.values()
        then = verdicts([before for before, _ in pairs], old, self.old, told=self.told)
        now = verdicts([rule for _, rule in pairs], new, self.new, told=self.told)
        return [
            (after.clause, before.outcome, after.outcome)
            for before, after in zip(then, now, strict=True)
            if before.outcome in _TELLING or after.outcome in _TELLING
        ]

    def shows(self, key: Key, new: Call, old: Call) -> bool:
        """Whether a clause ends just so."""
        return key in self.judge(new, old, key[0])

    def in_order(self, keys: Iterable[Key]) -> list[Key]:
        """Differences in the order of the book."""
        places = list(self.rules)
        return sorted(keys, key=lambda key: (places.index(key[0]), key[1:]))

    def difference(self, key: Key, conversations: int, call: Call, before: Call | None) -> Difference:
        """The difference that a call shows, with its verdicts by the new book."""
        portable = [rule for rule in self.new if rule.portable]
        now = tuple(verdicts(portable, call, self.new, quotes=None, told=self.told))
        return Difference(*key, conversations, call, before, now)

    def blame(self, difference: Difference) -> Blame:
        """The changed wordings that make the books hear its call otherwise."""
        before, rule = self.rules[difference.clause]
        heard = hear(difference.fewest or difference.call, self.new.code, **self.told)
        texts = [said.text for said in heard.utterances]
        return blame_heard(zip(before.books, rule.books, strict=False), heard.language, heard.slots, texts)


def _differs(key: Key) -> bool:
    return key[1] is not key[2]


class _Shown(msgspec.Struct):
    """The shortest conversation so far that shows a difference, the old bot's, and how many there were."""

    played: Played
    before: Call | None
    conversations: int = 0


def compare(judges: Judges, new: Stage, old: Stage | None, plan: Plan) -> Compared:
    """Play the plan's customers with a bot, say the same to the old one, and compare the verdicts.

    Of bots that do not vary, the rules that they did not reach are then aimed at.
    Without an old one, the two books judge the same conversations. Raises :class:`BotError` when a bot breaks.
    """
    if old is not None:
        new = dataclasses.replace(new, abilities=new.abilities.shared(old.abilities))
    compared = Compared()
    shown: dict[Key, _Shown] = {}
    unreached = {clause for clause, (_, rule) in judges.rules.items() if not rule.manual}
    judging = Lock()

    def judge(played: Played) -> None:
        before = replay(played.moves, played.language, old) if old is not None else None
        with judging:
            compared.conversations += 1
            ends = judges.judge(played.call, before or played.call)
            unreached.difference_update(clause for clause, _, _ in ends)
            for key in filter(_differs, ends):
                known = shown.get(key)
                if known is None or len(played.moves) < len(known.played.moves):
                    shown[key] = _Shown(played, before, known.conversations if known is not None else 0)
                shown[key].conversations += 1

    if new.abilities.deterministic:
        run_machine(new, "differences", judge, plan, (Phase.generate,), (), plan.customers)
        for acts, most in aims(new, lambda: len(unreached)):
            run_machine(new, "differences", judge, plan, (Phase.generate,), acts, most)
    else:
        hold(new, judge, plan)
    found = (_shortest(judges, key, shown[key], new, old, plan) for key in judges.in_order(shown))
    compared.differences = tuple(found)
    return compared


def _shortest(judges: Judges, key: Key, shown: _Shown, new: Stage, old: Stage | None, plan: Plan) -> Difference:
    """The shortest conversation that shows a difference; one with bots that vary is then replayed, and counted."""
    language = shown.played.language

    def differs(moves: Sequence[Move]) -> Call | None:
        if new.budget.spent:
            return None
        call = replay(moves, language, new)
        before = replay(moves, language, old) if old is not None else None
        if not judges.shows(key, call, before or call):
            return None
        shown.before = before
        return call

    moves, call = plainest(shown.played, new, differs)
    before = shown.before
    varies = not new.abilities.deterministic
    again = [differs(moves) for _ in range(plan.replays) if varies and not new.budget.spent]
    call = replace(call, id=f"{key[0]}-{call.language}-{key[2].letter}")
    difference = judges.difference(key, shown.conversations, call, before)
    return replace(difference, again=sum(each is not None for each in again), tried=len(again))


def compare_calls(judges: Judges, calls: Iterable[Call]) -> Compared:
    """Have both books judge recorded calls. Each difference is shown by as few turns of the shortest call as do it."""
    compared = Compared()
    shown: dict[Key, Call] = {}
    counts: Counter[Key] = Counter()
    for call in calls:
        compared.conversations += 1
        for key in filter(_differs, judges.judge(call, call)):
            counts[key] += 1
            shown[key] = min(shown.get(key, call), call, key=lambda each: len(each.turns))
    found = []
    for key in judges.in_order(shown):
        call = replace(shown[key], id=f"{key[0]}-{shown[key].id}-{key[2].letter}")
        found.append(replace(judges.difference(key, counts[key], call, None), fewest=_fewest(judges, key, call)))
    compared.differences = tuple(found)
    return compared


def _fewest(judges: Judges, key: Key, call: Call) -> Call:
    """The call with only those turns that a difference needs: none of them can be left out."""
    length = len(call.turns)
    while length:
        first, shorter = 0, False
        while first < len(call.turns):
            tried = replace(call, turns=call.turns[:first] + call.turns[first + length :])
            if judges.shows(key, tried, tried):
                call, shorter = tried, True
            else:
                first += length
        length = length if shorter else length // 2
    return call


def exhibit(compared: Compared, new: str, old: str, level: Level = "standard") -> Exhibit:
    """The differences as a table of the report's view of scenarios; the ids of calls are redacted so."""
    return Exhibit(
        view="scenarios",
        title=f"{new} against {old}",
        note="The same conversations were judged with both. Only what ends otherwise is listed.",
        figures=(
            ("conversations", compared.conversations),
            ("differences", len(compared.differences)),
            ("for the worse", sum(each.worse for each in compared.differences)),
        ),
        columns=("clause", "before", "now", "conversations", "changed line", "call"),
        rows=tuple(
            (each.clause, str(each.old), str(each.new), each.conversations, each.blame.place, hide.id(each.call.id))
            for each in compared.differences
            for hide in [redactor(each.call.names, level=level)]
        ),
    )

"""Plays the same customers against two bots and keeps only what they are judged differently for."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import Phase
from msgspec.structs import replace

from pytest_callqa.bots import Move
from pytest_callqa.call import Call
from pytest_callqa.ledger import Exhibit
from pytest_callqa.rules import Rule, RuleBook
from pytest_callqa.scenarios.campaign import Plan, run_machine, verdicts
from pytest_callqa.scenarios.machine import Played, Stage, replay
from pytest_callqa.scenarios.plainest import plainest
from pytest_callqa.verdict import Outcome, Verdict

_TELLING = (Outcome.PASSED, Outcome.FAILED)


class Difference(msgspec.Struct, frozen=True):
    """A rule that ends otherwise with the new bot than with the old one, and the shortest conversation that shows it.

    ``conversations`` counts those in which it ends just so. ``call`` is the new bot's, ``before`` the old one's.
    """

    clause: str
    old: Outcome
    new: Outcome
    conversations: int
    call: Call
    before: Call
    verdicts: tuple[Verdict, ...]

    @property
    def worse(self) -> bool:
        """Whether the new bot breaks what the old one did not."""
        return self.new is Outcome.FAILED


class Compared(msgspec.Struct):
    """What came of comparing two bots: how many conversations, and each kind of difference, in the book's order."""

    conversations: int = 0
    differences: tuple[Difference, ...] = ()
    trouble: str = ""


def compare(book: RuleBook, new: Stage, old: Stage, plan: Plan) -> Compared:
    """Play the plan's customers with the new bot, say the same to the old one, and compare the verdicts.

    Raises :class:`BotError` when a bot breaks.
    """
    rules = [rule for rule in book if rule.portable]
    shown: dict[tuple[str, Outcome, Outcome], list[Played]] = {}
    conversations = 0

    def judge_both(played: Played) -> None:
        nonlocal conversations
        conversations += 1
        for key in _differing(rules, book, played.call, replay(played.moves, played.language, old)):
            shown.setdefault(key, []).append(played)

    run_machine(new, "two bots", judge_both, plan, (Phase.generate,), (), plan.customers)
    order = {rule.clause: (place, rule) for place, rule in enumerate(rules)}
    found = [
        _shortest(order[key[0]][1], rules, book, new, old, key, shown[key])
        for key in sorted(shown, key=lambda key: (order[key[0]][0], key[1:]))
    ]
    return Compared(conversations, tuple(found))


def _differing(rules: Sequence[Rule], book: RuleBook, new: Call, old: Call) -> list[tuple[str, Outcome, Outcome]]:
    """The clauses for which two calls end otherwise, if either is kept or broken."""
    pairs = zip(verdicts(rules, old, book), verdicts(rules, new, book), strict=True)
    return [
        (before.clause, before.outcome, after.outcome)
        for before, after in pairs
        if before.outcome is not after.outcome and (before.outcome in _TELLING or after.outcome in _TELLING)
    ]


def _shortest(
    rule: Rule,
    rules: Sequence[Rule],
    book: RuleBook,
    new: Stage,
    old: Stage,
    key: tuple[str, Outcome, Outcome],
    played: Sequence[Played],
) -> Difference:
    first = min(played, key=lambda each: len(each.moves))

    def differs(moves: Sequence[Move]) -> Call | None:
        call = replay(moves, first.language, new)
        return call if key in _differing([rule], book, call, replay(moves, first.language, old)) else None

    moves, call = plainest(first, new, differs)
    clause, before, after = key
    call = replace(call, id=f"{clause}-{call.language}-{after.letter}")
    return Difference(
        clause=clause,
        old=before,
        new=after,
        conversations=len(played),
        call=call,
        before=replay(moves, first.language, old),
        verdicts=tuple(verdicts(rules, call, book, quotes=None)),
    )


def exhibit(compared: Compared, new: str, old: str) -> Exhibit:
    """The differences as a table of the report's view of scenarios."""
    return Exhibit(
        view="scenarios",
        title=f"{new} against {old}",
        note="The same customers were played against both. Only what ends otherwise is listed.",
        figures=(
            ("conversations", compared.conversations),
            ("differences", len(compared.differences)),
            ("for the worse", sum(each.worse for each in compared.differences)),
        ),
        columns=("clause", "before", "now", "conversations", "call"),
        rows=tuple(
            (each.clause, str(each.old), str(each.new), each.conversations, each.call.id)
            for each in compared.differences
        ),
    )

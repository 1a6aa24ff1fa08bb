"""What generated customers and variants cost and find on the shipped book: `python -m benchmarks scenarios`.

- Conversations judged by the whole book a second of processor time, against the same machine run once for each clause.
- A run of pytest that plays as many conversations of ten turns, against one of 20,000 empty tests.
- After how many conversations each clause is reached, and whether the model script keeps the code for 10,000 customers.
- How many variants of the recorded calls are judged otherwise.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from hypothesis import Phase

from benchmarks.measure import PYTHON, alternate, median, save
from pytest_callqa import ledger
from pytest_callqa.bots.script import ScriptBot
from pytest_callqa.bots.scripting import Script
from pytest_callqa.readers import ReadOptions, Unreadable, read_calls
from pytest_callqa.rules import Rule, RuleBook
from pytest_callqa.scenarios.campaign import AIMED, Plan, campaign, run_machine, verdicts
from pytest_callqa.scenarios.customers import Cast
from pytest_callqa.scenarios.machine import Played, Stage
from pytest_callqa.scenarios.variants import bend
from pytest_callqa.verdict import Outcome

BOOK = Path(__file__).parents[1] / "conduct_specs"
CUSTOMERS = 10_000
SHARED, APART = 200, 20
PLAYED = 500
EMPTY = 20_000
VARIANTS = 12
SHOWN = (Outcome.PASSED, Outcome.FAILED)


def main() -> None:
    book = RuleBook.load(BOOK)
    save("scenarios", {**sharing(book), **against_empty_tests(), **reach(book), **model(book), **variants(book)})


def stage(*languages: str) -> Stage:
    script = Script.load(BOOK / "script.yaml")
    spoken = languages or script.languages
    return Stage(
        bot=lambda language: ScriptBot(script, language),
        abilities=ScriptBot.abilities,
        languages=spoken,
        cast=Cast.load(BOOK, script.phrases),
        ears={language: script.ear(language) for language in spoken},
    )


def play(rules: Sequence[Rule], book: RuleBook, here: Stage, customers: int) -> tuple[int, float]:
    """The turns of so many customers' conversations, judged by these rules, and the processor seconds it took."""
    turns = 0

    def judge(played: Played) -> None:
        nonlocal turns
        verdicts(rules, played.call, book)
        turns += len(played.call.turns)

    began = time.process_time()
    run_machine(here, "benchmark", judge, Plan(customers), (Phase.generate,), (), customers)
    return turns, time.process_time() - began


def sharing(book: RuleBook) -> dict[str, object]:
    rules = [rule for rule in book if rule.portable]
    here = stage()
    play(rules, book, here, APART)  # fills what remembers words
    turns, seconds = play(rules, book, here, SHARED)
    apart = [play([rule], book, here, APART) for rule in rules]
    alone = sum(turns for turns, _ in apart) / len(rules) / sum(seconds for _, seconds in apart)
    return {
        "turns_a_second_judged_by_the_whole_book": turns / seconds,
        "the_same_with_one_run_a_clause": alone,
        "ratio": turns / seconds / alone,
    }


def against_empty_tests() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "test_empty.py"
        empty.write_text(
            f"import pytest\n@pytest.mark.parametrize('n', range({EMPTY}))\ndef test_nothing(n): pass\n",
            encoding="utf-8",
        )
        kept = Path(folder) / "ledger.jsonl"
        pytest = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "callqa"]
        options = ["--callqa-script", str(BOOK / "script.yaml"), "--callqa-customers", str(PLAYED)]
        costs = alternate(
            {"customers": [*pytest, str(BOOK), *options, "--callqa-ledger", str(kept)], "empty": [*pytest, str(empty)]},
            rounds=3,
            cwd=Path(folder),
        )
        figures = next(dict(line.figures) for line in ledger.read(kept) if isinstance(line, ledger.Exhibit))
    conversations, turns = int(figures["conversations"] or 0), int(figures["turns"] or 0)
    return {
        "conversations_in_a_run": conversations,
        "turns_a_conversation": turns / conversations,
        "cpu_seconds_a_thousand_conversations": 1000 * median(costs["customers"]) / conversations,
        f"cpu_seconds_of_{EMPTY}_empty_tests": median(costs["empty"]),
    }


def reach(book: RuleBook) -> dict[str, object]:
    """The conversation that reached the last clause that any reached, by language, with no aiming."""
    rules = [rule for rule in book if rule.portable and not rule.manual]
    found = {}
    for language in ("en", "zh"):
        first: dict[str, int] = {}
        number = 0

        def judge(played: Played, first: dict[str, int] = first) -> None:
            nonlocal number
            number += 1
            for verdict in verdicts(rules, played.call, book):
                if verdict.outcome in SHOWN:
                    first.setdefault(verdict.clause, number)

        run_machine(stage(language), "benchmark", judge, Plan(AIMED), (Phase.generate,), (), AIMED)
        late = max(first.values())
        never = sorted(rule.clause for rule in rules if rule.clause not in first)
        found[language] = {"reached": len(first), "the_last_after": late, "not_reached": never}
    return {"reach": found}


def model(book: RuleBook) -> dict[str, object]:
    findings = campaign(book, stage(), Plan(CUSTOMERS, seed=1))
    return {
        "model_script_conversations": findings.census.conversations,
        "model_script_breaks": sorted(findings.found),
    }


def variants(book: RuleBook) -> dict[str, object]:
    calls = [call for call in read_calls([str(BOOK / "calls")], ReadOptions()) if not isinstance(call, Unreadable)]
    bent = bend(book, calls, VARIANTS)
    return {
        "variants": bent.variants,
        "variants_judged_otherwise": bent.changed / bent.variants,
        "by_change": {kind: changed / made for kind, (made, changed) in sorted(bent.kinds.items())},
    }


if __name__ == "__main__":
    main()

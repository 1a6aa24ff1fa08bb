"""What lets a breach pass in pytest: a waiver, the baseline, a severity that does not stop the run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import pytest

from pytest_callqa import ledger
from pytest_callqa.call import Call
from pytest_callqa.errors import BadBook, BadInput
from pytest_callqa.gate import waivers
from pytest_callqa.gate.baseline import RECORDED, Baseline
from pytest_callqa.ledger import Entry, Run, Waiver
from pytest_callqa.plugin.settings import Settings
from pytest_callqa.rules import Rule, RuleBook
from pytest_callqa.verdict import Outcome, Verdict

KNOWN, NOT_GATED = "known", "not gated"
"""How a breach ends that was there before, and one whose severity does not stop the run."""

EXCUSE = pytest.StashKey[str]()


class Excuses:
    """The baseline and the waivers of a run. Raises :class:`pytest.UsageError` for a baseline that cannot be read."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.waivers: tuple[Waiver, ...] = ()
        try:
            self.baseline = Baseline.load(settings.baseline) if settings.baseline else None
        except BadInput as error:
            raise pytest.UsageError(f"--callqa-baseline: {error}") from None

    def begin(self, config: pytest.Config, book: RuleBook, mode: str) -> Run:
        """Read the waivers of the book; the first line of the run's ledger.

        Raises :class:`pytest.UsageError` naming every fault in the waivers, or in the floors of code.toml.
        """
        try:
            accepted = waivers.load(book.root)
            run = ledger.run_line(
                book,
                tool=version("pytest-callqa"),
                mode=mode,
                started=datetime.now(UTC).isoformat(timespec="seconds"),
                settings=self.settings.told,
                selected=mode not in RECORDED or _selects(config),
                waivers=accepted,
            )
        except BadBook as error:
            raise pytest.UsageError(str(error)) from None
        self.waivers = waivers.in_force(accepted, waivers.day_of(run))
        return run

    def waive(self, verdict: Verdict, call: Call) -> Verdict:
        """The verdict, *waived* where a waiver accepts the breach."""
        return waivers.waive(verdict, call, self.waivers)

    def of(self, entry: Entry, failed: Iterable[Rule]) -> dict[str, str]:
        """Why breaches of a call do not fail the run, by clause; those that do are left out."""
        known = self.baseline.find(entry) if self.baseline is not None else None
        told = {}
        for rule in failed:
            if known is not None and rule.clause in known.clauses:
                told[rule.clause] = KNOWN
            elif rule.severity not in self.settings.gate.severities:
                told[rule.clause] = NOT_GATED
        return told

    def of_generated(self, path: Path, book: RuleBook) -> dict[str, str]:
        """Why the clauses that generated conversations break do not fail the run; those that do are left out."""
        rules = {rule.clause: rule for rule in book}
        order = [rule.clause for rule in book]
        whys: dict[str, list[str]] = {}
        for line in (line for line in ledger.read(path) if isinstance(line, Entry)):
            for clause in line.found:
                if line.call.startswith(f"{clause}-"):
                    waived = line.verdicts[order.index(clause)] == Outcome.WAIVED.letter
                    why = str(Outcome.WAIVED) if waived else self.of(line, [rules[clause]]).get(clause, "")
                    whys.setdefault(clause, []).append(why)
        return {clause: told[0] for clause, told in whys.items() if all(told)}


def excuse(item: pytest.Item, outcome: str, text: str) -> NoReturn:
    """End an item as a failure that is accepted."""
    item.stash[EXCUSE] = outcome
    pytest.xfail(text)


def _selects(config: pytest.Config) -> bool:
    """Whether the command line takes a part of the rules or calls: then a waiver without use says nothing."""
    option = config.option
    parts = (option.keyword, option.markexpr, getattr(option, "lf", False), getattr(option, "deselect", None))
    return any(parts) or any("::" in str(argument) for argument in config.args)

"""One item a rule and one pass for all of them: what every run shares that does not judge recorded calls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType
from typing import Generic, TypeVar

import msgspec
import pytest
from msgspec.structs import replace

from pytest_callqa import ledger
from pytest_callqa.call import Call
from pytest_callqa.engine import hear
from pytest_callqa.gate.baseline import GENERATED
from pytest_callqa.plugin.excuses import EXCUSE, Excuses, excuse
from pytest_callqa.plugin.matrix import CLAIM, FACTS, or_end_the_run, selected
from pytest_callqa.plugin.once import run_once
from pytest_callqa.plugin.recorder import TROUBLE
from pytest_callqa.plugin.settings import Settings
from pytest_callqa.readers import to_native
from pytest_callqa.redact import redactor
from pytest_callqa.rules import Rule, RuleBook
from pytest_callqa.verdict import Verdict
from pytest_callqa.whole import write_whole

OUTCOME = pytest.StashKey[str]()

Came = TypeVar("Came")
"""What comes of the one pass."""


class Ending(msgspec.Struct, frozen=True):
    """How the item of a rule ends, in masked words, for they cross to other workers in a file.

    It ``failed`` with this text, because its bot or book is broken (``troubled``) or not; or it is ``skipped`` as this;
    or it passed.
    """

    failed: str = ""
    skipped: str = ""
    troubled: bool = False


class Together(ABC, Generic[Came]):
    """The hooks that end the item of every rule by what one pass over everything showed of it."""

    mode: str

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.seed = seed_of(config)
        self.book: RuleBook | None = None
        self.excuses = Excuses(settings)

    # -- what each kind of run says for itself

    @abstractmethod
    def about(self) -> str:
        """In words, what this run does, for the header."""
        ...

    @abstractmethod
    def all_at_once(self, book: RuleBook) -> Came:
        """The one pass, which also writes the ledger."""
        ...

    @abstractmethod
    def tell(self, rule: Rule, came: Came) -> Ending:
        """How the item of a rule ends."""
        ...

    def broke(self, rule: Rule, trouble: str) -> Ending:
        """That of a rule that could not be tried: an error, told in full by the first of the book."""
        assert self.book is not None
        first = next(iter(self.book)).clause == rule.clause
        trouble = redactor(level=self.settings.redact)(trouble)
        return Ending(trouble if first else trouble.partition("\n")[0], troubled=True)

    # -- hooks

    def pytest_report_header(self) -> str:
        """Say what is done, and where the ledger goes."""
        return f"callqa: {self.about()}; ledger {self.settings.ledger}"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Fix the rules, and begin the ledger, once the selection is known."""
        self.book = selected(session)
        if self.book is None:
            return
        first = self.excuses.begin(self.config, self.book, self.mode)
        with suppress(pytest.fail.Exception), or_end_the_run(self.config):  # a worker goes on to its first test
            ledger.start_ledger(self.settings.ledger, first)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Tell what the pass showed of this item's rule instead of calling it."""
        if CLAIM not in pyfuncitem.stash:
            return None
        found = pyfuncitem.stash[CLAIM].rule
        pyfuncitem.stash[OUTCOME] = ""
        if not found.portable:
            pytest.skip("it takes fixtures of its own, and is judged on recorded calls only")
        ending = self.endings[found.clause]
        if ending.troubled:
            pyfuncitem.stash[OUTCOME] = TROUBLE
        if ending.failed:
            why = None if ending.troubled else self.excused.get(found.clause)
            if why is None:
                pytest.fail(ending.failed, pytrace=False)
            excuse(pyfuncitem, why, f"{why}: {ending.failed}")
        if ending.skipped:
            pyfuncitem.stash[OUTCOME] = ending.skipped
            pytest.skip(f"{ending.skipped}: {found.when.name}")
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the outcome travel on the report."""
        report = yield
        outcome = item.stash.get(OUTCOME, None)
        if outcome is not None and call.when == "call":
            setattr(report, FACTS, {"outcome": item.stash.get(EXCUSE, outcome)})
        return report

    @cached_property
    def endings(self) -> dict[str, Ending]:
        """How the item of each rule ends by the pass, which one worker makes for all."""
        assert self.book is not None
        book = self.book
        with or_end_the_run(self.config):
            return run_once(self.settings.ledger, lambda: self._end_all(book), dict[str, Ending])

    def _end_all(self, book: RuleBook) -> dict[str, Ending]:
        came = self.all_at_once(book)
        return {rule.clause: self.tell(rule, came) for rule in book if rule.portable}

    @cached_property
    def excused(self) -> dict[str, str]:
        """Why a breach does not fail the run, by clause: every conversation that was found for it is excused."""
        assert self.book is not None
        return self.excuses.of_generated(self.settings.ledger, self.book) if self.mode in GENERATED else {}

    def write(
        self,
        book: RuleBook,
        shown: Iterable[tuple[Call, Sequence[Verdict]]],
        table: ledger.Exhibit,
        labels: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:
        """Write calls and a table to the ledger, and the calls into a folder if one was named.

        ``labels`` say of the calls in the folder, by their ids, where they came from.
        """
        order = tuple(rule.clause for rule in book)
        folder = self.settings.save_failures
        with ledger.Writer(self.settings.ledger) as writer:
            for call, found in shown:
                hide = redactor(call.names, level=self.settings.redact)
                verdicts = [self.excuses.waive(verdict, call) for verdict in found]
                writer.write(ledger.call_entry(order, hear(call, book.code), verdicts, hide))
                if folder is not None:
                    labelled = replace(call, labels={**call.labels, **labels.get(call.id, {})})
                    write_whole(folder / f"{call.id}.json", [to_native(hide.call(labelled))])
            writer.write(table)


def seed_of(config: pytest.Config) -> int:
    """The seed that was given to Hypothesis, else always the same."""
    given = str(config.getoption("--hypothesis-seed", default=None) or "0")
    return int(given) if given.isdecimal() else 0

"""Rules as properties of generated conversations: one item a rule, one pass for all."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import pytest

from pytest_callqa import ledger
from pytest_callqa.bots import Abilities, AsyncBot, Bot
from pytest_callqa.bots.script import ScriptBot
from pytest_callqa.bots.scripting import Script
from pytest_callqa.engine import hear
from pytest_callqa.errors import BadBook, BotError
from pytest_callqa.phrases import PhraseBook
from pytest_callqa.plugin.matrix import FACTS, code_at, root_of, spare_fixtures
from pytest_callqa.plugin.once import run_once
from pytest_callqa.plugin.recorder import NOT_REACHED, Recorder
from pytest_callqa.plugin.settings import Settings, settings
from pytest_callqa.readers import to_native
from pytest_callqa.redact import redactor
from pytest_callqa.rules import Rule, RuleBook, rule_of
from pytest_callqa.scenarios.campaign import Census, Findings, Found, Plan, campaign
from pytest_callqa.scenarios.customers import Cast
from pytest_callqa.scenarios.machine import Stage
from pytest_callqa.scenarios.telling import exhibit, transcript
from pytest_callqa.verdict import Outcome

EXAMPLES = Path(".callqa/examples")
"""Where Hypothesis keeps the conversations that broke a rule, to try them first in the next run."""

OUTCOME = pytest.StashKey[str]()


@dataclass(frozen=True, eq=False)
class Source:
    """A bot to play against: what it is called, one of it for a language, its abilities and languages."""

    name: str
    bot: Callable[[str], Bot | AsyncBot]
    abilities: Abilities
    languages: tuple[str, ...]


def register(config: pytest.Config) -> None:
    """Take part in a run that names a bot. Raises :class:`pytest.UsageError` for one that cannot be had."""
    chosen = settings(config)
    try:
        source = source_of(chosen)
    except BadBook as error:
        raise pytest.UsageError(f"--callqa-script: {error}") from None
    config.pluginmanager.register(Conversations(config, chosen, source), "callqa-conversations")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config, chosen), "callqa-recorder")


def source_of(chosen: Settings) -> Source:
    """The bot that the options name. Raises :class:`BadBook` for a script that cannot be used."""
    assert chosen.script is not None
    script = Script.load(chosen.script)
    return Source(
        name=chosen.script.name,
        bot=lambda language: ScriptBot(script, language),
        abilities=ScriptBot.abilities,
        languages=(chosen.language,) if chosen.language in script.languages else script.languages,
    )


class Conversations:
    """The hooks that make every rule a property of the conversations with one bot."""

    def __init__(self, config: pytest.Config, chosen: Settings, source: Source) -> None:
        self.config = config
        self.settings = chosen
        self.source = source
        self.plan = Plan(customers=chosen.customers, seed=_seed(config), database=EXAMPLES)
        self.book: RuleBook | None = None

    def pytest_report_header(self) -> str:
        """Say who is played against, and how the same customers can be had again."""
        return (
            f"callqa: {self.plan.customers:,} generated customers (--hypothesis-seed={self.plan.seed}) "
            f"against {self.source.name}; ledger {self.settings.ledger}"
        )

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Spare the item of a rule the fixtures that the engine stands in for."""
        spare_fixtures(item)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Fix the rules, and begin the ledger, once the selection is known."""
        items = [(item, found) for item in session.items if (found := rule_of(getattr(item, "function", None)))]
        if not items or self.config.option.collectonly:
            return
        root = root_of(items[0][0])
        self.book = RuleBook({id(found): found for _, found in items}.values(), code_at(root), root=root)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        first = ledger.run_line(self.book, tool=version("pytest-callqa"), mode="conversations", started=started)
        ledger.start_ledger(self.settings.ledger, first)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Tell what the conversations showed of this item's rule instead of calling it."""
        found = rule_of(pyfuncitem.function)
        if found is None:
            return None
        pyfuncitem.stash[OUTCOME] = ""
        if not found.portable:
            pytest.skip("it takes fixtures of its own, and is judged on recorded calls only")
        findings = self.findings
        if findings.trouble:
            pytest.fail(findings.trouble, pytrace=False)
        broken = findings.found.get(found.clause)
        if broken is not None:
            pytest.fail(self._broken(found, broken, findings.census), pytrace=False)
        census = findings.census
        if not census.count(found.clause, Outcome.PASSED):
            pyfuncitem.stash[OUTCOME] = outcome = _unreached(found, census)
            pytest.skip(f"{outcome}: in {census.conversations:,} conversations: {found.when.name}")
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the outcome travel on the report."""
        report = yield
        outcome = item.stash.get(OUTCOME, None)
        if outcome is not None and call.when == "call":
            setattr(report, FACTS, {"outcome": outcome})
        return report

    # -- the one pass

    @cached_property
    def findings(self) -> Findings:
        """What came of the conversations, which one worker plays for all."""
        return run_once(self.settings.ledger, self._play, Findings)

    def _play(self) -> Findings:
        book = self.book
        assert book is not None
        phrases = PhraseBook.load(book.root / "phrases")
        slots = {"organisation": book.code.texts("organisation")}
        stage = Stage(
            bot=self.source.bot,
            abilities=self.source.abilities,
            languages=self.source.languages,
            cast=Cast.load(book.root, phrases),
            ears={language: phrases.matcher(language, slots) for language in self.source.languages},
        )
        try:
            findings = campaign(book, stage, self.plan)
        except BotError as error:
            return Findings(Census(), trouble=str(error))
        self._write(book, findings)
        return findings

    def _write(self, book: RuleBook, findings: Findings) -> None:
        """The shortest conversations and the tables go to the ledger, and into a folder if one was named."""
        order = tuple(rule.clause for rule in book)
        writer = ledger.Writer(self.settings.ledger)
        for found in findings.found.values():
            hide = redactor(found.call.names, off=self.settings.show_text)
            heard = hear(found.call, book.code)
            writer.write(ledger.call_entry(order, heard, found.verdicts, hide))
            folder = self.settings.save_failures
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{found.call.id}.json").write_bytes(to_native(found.call))
        writer.write(exhibit(book, findings, self.source.name, self.plan.seed))
        writer.close()

    def _broken(self, found: Rule, broken: Found, census: Census) -> str:
        """The failure of a rule: how often it broke, and the shortest conversation with the broken line marked."""
        times = f"{census.broken(found.clause):,} of {census.conversations:,} conversations break this rule"
        lines = transcript(broken.call, broken.verdict)
        told = [f"{found.clause} {found.title}", f"{times}; the shortest:", *lines, broken.verdict.reason]
        if self.settings.save_failures is not None:
            told.append(f"saved as {self.settings.save_failures / broken.call.id}.json")
        return "\n".join(told)


def _unreached(found: Rule, census: Census) -> str:
    """What to call a rule that was neither kept nor broken."""
    for outcome in (Outcome.UNDECIDED, Outcome.NOT_ASSESSED):
        if census.count(found.clause, outcome):
            return str(outcome)
    return NOT_REACHED


def _seed(config: pytest.Config) -> int:
    """The seed that was given to Hypothesis, else always the same."""
    given = str(config.getoption("--hypothesis-seed", default=None) or "0")
    return int(given) if given.isdecimal() else 0

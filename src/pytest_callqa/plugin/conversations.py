"""Rules as properties of generated conversations with a bot."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from threading import local

import pytest
from msgspec.structs import replace

from pytest_callqa.bots import Abilities, AsyncBot, Bot
from pytest_callqa.bots.profiles import Budget, Profile, profile_of
from pytest_callqa.bots.script import ScriptBot
from pytest_callqa.bots.scripting import Script
from pytest_callqa.bots.spec import bare_spec, find_bot, read_spec, written_in
from pytest_callqa.errors import BadBook, BadInput, BotError
from pytest_callqa.phrases import PhraseBook
from pytest_callqa.plugin.recorder import NOT_REACHED
from pytest_callqa.plugin.settings import Settings
from pytest_callqa.plugin.together import Ending, Together
from pytest_callqa.redact import redactor
from pytest_callqa.rules import Rule, RuleBook
from pytest_callqa.scenarios.campaign import Census, Findings, Found, Plan, campaign
from pytest_callqa.scenarios.customers import Cast
from pytest_callqa.scenarios.live import live
from pytest_callqa.scenarios.machine import Stage
from pytest_callqa.scenarios.telling import exhibit, transcript
from pytest_callqa.verdict import Outcome

EXAMPLES = Path(".callqa/examples")
"""Where Hypothesis keeps the conversations that broke a rule, to try them first in the next run."""


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """A bot to play against: what it is called, one of it for a language, its abilities and languages.

    ``written`` is the file or folder that its lines are in, if that is known; ``alone``: there is only one of it,
    which can have one conversation at a time.
    """

    name: str
    bot: Callable[[str], Bot | AsyncBot]
    abilities: Abilities
    languages: tuple[str, ...]
    written: Path | None = None
    alone: bool = False


def source_of(flag: str, spec: str, chosen: Settings) -> Source:
    """The bot that was named, to play against. Raises :class:`pytest.UsageError` for one that cannot be had."""
    try:
        named = read_spec(spec)
        if named.kind == "script" and not named.settings:
            return _script(Path(named.at), chosen.language)
        bot = playing(spec, lambda: find_bot(spec, allow=chosen.bot_allow), chosen)
        return dataclasses.replace(bot, written=written_in(named))
    except (BadInput, BadBook, BotError) as error:
        raise pytest.UsageError(f"{flag}: {error}") from None


def _script(file: Path, language: str) -> Source:
    script = Script.load(file)
    return Source(
        name=file.name,
        bot=lambda language: ScriptBot(script, language),
        abilities=ScriptBot.abilities,
        languages=(language,) if language in script.languages else script.languages,
        written=file,
    )


def playing(name: str, make: Callable[[], Bot | AsyncBot], chosen: Settings) -> Source:
    """A bot that is made anew for each thread. Raises what ``make`` does."""
    kept = local()

    def mine(_: str = "") -> Bot | AsyncBot:
        if not hasattr(kept, "bot"):
            kept.bot = make()
        found: Bot | AsyncBot = kept.bot
        return found

    abilities = mine().abilities
    steady = abilities.deterministic and profile_of(chosen.profile, abilities, {}).deterministic
    return Source(
        name=bare_spec(name),
        bot=mine,
        abilities=replace(abilities, deterministic=steady),
        languages=(chosen.language or "en",),
        alone=not steady and make() is mine(),
    )


def stage_of(source: Source, book: RuleBook, budget: Budget | None = None) -> Stage:
    """The stage of a bot with the customers of a book. Raises :class:`BadBook` for a book without any."""
    phrases = PhraseBook.load(book.root / "phrases")
    slots = {"organisation": book.code.texts("organisation")}
    return Stage(
        bot=source.bot,
        abilities=source.abilities,
        languages=source.languages,
        cast=Cast.load(book.root, phrases),
        ears={language: phrases.matcher(language, slots) for language in source.languages},
        budget=budget or Budget(),
    )


class Conversations(Together[Findings]):
    """Every rule is a property of the conversations with one bot."""

    mode = "conversations"

    def __init__(self, config: pytest.Config, settings: Settings, source: Source | None) -> None:
        super().__init__(config, settings)
        self.source = source

    def about(self) -> str:
        """See :class:`Together`."""
        assert self.source is not None
        customers = self._profile(self.source).customers
        return f"{customers:,} generated customers (--hypothesis-seed={self.seed}) against {self.source.name}"

    def all_at_once(self, book: RuleBook) -> Findings:
        """See :class:`Together`."""
        source = self.source
        assert source is not None  # given before the first rule is told of
        profile = self._profile(source)
        plan = Plan(profile.customers, self.seed, EXAMPLES, profile.replays, 1 if source.alone else profile.at_once)
        try:
            play = campaign if source.abilities.deterministic else live
            findings = play(book, stage_of(source, book, Budget(profile.minutes, profile.requests)), plan)
        except (BadBook, BotError) as error:
            return Findings(Census(), trouble=str(error))
        table = exhibit(book, findings, source.name, self.seed)
        found = findings.found.values()
        origins = {each.call.id: self._origin(each, source.name, book.version) for each in found}
        self.write(book, [(each.call, each.verdicts) for each in found], table, origins)
        return findings

    def _profile(self, source: Source) -> Profile:
        return profile_of(self.settings.profile, source.abilities, self.settings.spared)

    def _origin(self, found: Found, bot: str, book: str) -> dict[str, str]:
        """Where a conversation came from, so that somebody who finds it can have it again."""
        tried = {"replays": f"broken {found.broke} of {found.tried}"} if found.tried else {}
        versions = {"book": book, "pytest-callqa": version("pytest-callqa")}
        return {"bot": bot, "seed": str(self.seed), "rule": found.clause, **versions, **tried}

    def tell(self, rule: Rule, came: Findings) -> Ending:
        """See :class:`Together`."""
        if came.trouble:
            return self.broke(rule, came.trouble)
        census, broken = came.census, came.found.get(rule.clause)
        if broken is not None:
            times = f"{census.broken(rule.clause):,} of {census.conversations:,} conversations break this rule"
            hide = redactor(broken.call.names, level=self.settings.redact)
            lines = transcript(hide.call(broken.call), broken.verdict)
            told = [f"{rule.clause} {rule.title}", f"{times}; the shortest:", *lines, hide(broken.verdict.reason)]
            if broken.tried:
                told.append(f"tried again: broken {broken.broke} of {broken.tried}")
            if self.settings.save_failures is not None:
                told.append(f"saved as {self.settings.save_failures / broken.call.id}.json")
            return Ending("\n".join(told))
        doubts = (Outcome.PASSED, Outcome.UNDECIDED, Outcome.NOT_ASSESSED)
        found = next((outcome for outcome in doubts if census.count(rule.clause, outcome)), None)
        return Ending() if found is Outcome.PASSED else Ending(skipped=str(found or NOT_REACHED))

"""A rule fails if it is broken now where it was not before: by a new bot, or by the wording of a new rule book."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytest_callqa import ledger
from pytest_callqa.batch import unread
from pytest_callqa.bots.profiles import Budget, Profile, profile_of
from pytest_callqa.call import Call
from pytest_callqa.engine import hear
from pytest_callqa.errors import BadBook, BotError
from pytest_callqa.plugin.conversations import Source, stage_of
from pytest_callqa.plugin.settings import Settings
from pytest_callqa.plugin.together import Ending, Together
from pytest_callqa.readers import Unreadable, read_calls
from pytest_callqa.redact import Redactor, redactor
from pytest_callqa.rules import Rule, RuleBook
from pytest_callqa.scenarios.blame import Blame, Text, blame_said
from pytest_callqa.scenarios.campaign import Plan
from pytest_callqa.scenarios.differential import Compared, Difference, Judges, compare, compare_calls, exhibit
from pytest_callqa.scenarios.telling import transcript


class _Comparison(Together[Compared]):
    """What all comparisons share: how they are written down, and how they end the items of rules."""

    mode = "comparison"
    what = "conversations"

    def compared(self, book: RuleBook, compared: Compared, new: str, old: str) -> Compared:
        """What is to be told of a comparison, which is written down."""
        compared.differences = tuple(map(_marked, compared.differences))
        table = exhibit(compared, new, old, self.settings.redact)
        self.write(book, [(each.call, each.verdicts) for each in compared.differences], table)
        return compared

    def tell(self, rule: Rule, came: Compared) -> Ending:
        """See :class:`Together`."""
        if came.trouble:
            return self.broke(rule, came.trouble)
        worse = [each for each in came.differences if each.clause == rule.clause and each.worse]
        if worse:
            level, all_of_them = self.settings.redact, f"{came.conversations:,} {self.what}"
            told = [line for each in worse for line in _told(each, all_of_them, redactor(each.call.names, level=level))]
            return Ending("\n".join([f"{rule.clause} {rule.title}", *told]))
        return Ending()


class AgainstBot(_Comparison):
    """What a new bot is judged otherwise for than an old one."""

    def __init__(self, config: pytest.Config, settings: Settings, new: Source, old: Source) -> None:
        super().__init__(config, settings)
        languages = tuple(language for language in new.languages if language in old.languages)
        if not languages:
            raise pytest.UsageError(
                f"--callqa-against: {old.name} speaks {', '.join(old.languages)} and {new.name} "
                f"{', '.join(new.languages)}; see --callqa-language"
            )
        self.new, self.old = dataclasses.replace(new, languages=languages), old
        self.profile = profile_of(settings.profile, new.abilities.shared(old.abilities), settings.spared)

    def about(self) -> str:
        """See :class:`Together`."""
        return f"{self.profile.customers:,} generated customers, {self.new.name} against {self.old.name}"

    def all_at_once(self, book: RuleBook) -> Compared:
        """See :class:`Together`."""
        budget = Budget(self.profile.minutes, self.profile.requests)
        try:
            new, old = stage_of(self.new, book, budget), stage_of(self.old, book, budget)
            compared = compare(Judges(book, book), new, old, plan_of(self.profile, self.seed, self.new, self.old))
        except (BadBook, BotError) as error:
            return Compared(trouble=str(error))
        compared.differences = tuple(replace(each, blame=self._blame(each)) for each in compared.differences)
        return self.compared(book, compared, self.new.name, self.old.name)

    def _blame(self, difference: Difference) -> Blame:
        assert difference.before is not None
        if self.new.written is None or self.old.written is None:
            return Blame("no changed line is named: say in both bots' settings where they are written, with `source:`")
        return blame_said(versions(self.old.written, self.new.written), difference.call, difference.before)


class AgainstBook(_Comparison):
    """What a book judges otherwise than an old one: recorded calls, or conversations with a bot if there is one."""

    def __init__(self, config: pytest.Config, settings: Settings, old: Path, bot: Source | None) -> None:
        super().__init__(config, settings)
        try:
            self.old = RuleBook.load(old)
        except BadBook as error:
            raise pytest.UsageError(f"--callqa-against: {error}") from None
        self.name, self.bot = from_here(old), bot
        if bot is None:
            self.what = "calls"

    def about(self) -> str:
        """See :class:`Together`."""
        said = "recorded calls" if self.bot is None else f"generated customers of {self.bot.name}"
        return f"{said}, judged as by {self.name} and as they are now"

    def all_at_once(self, book: RuleBook) -> Compared:
        """See :class:`Together`."""
        told = {"language": self.settings.language, "organisation": self.settings.organisation}
        judges = Judges(book, self.old, **({} if self.bot else told))
        try:
            compared = self._play(judges, self.bot) if self.bot else compare_calls(judges, self._calls(book))
        except (BadBook, BotError) as error:
            return Compared(trouble=str(error))
        differences = (replace(each, blame=_all_from_here(judges.blame(each))) for each in compared.differences)
        compared.differences = tuple(differences)
        compared = self.compared(book, compared, from_here(book.root), self.name)
        if self.bot is None:
            compared.differences = tuple(self._hidden(book, each) for each in compared.differences)
        return compared

    def _play(self, judges: Judges, bot: Source) -> Compared:
        profile = profile_of(self.settings.profile, bot.abilities, self.settings.spared)
        budget = Budget(profile.minutes, profile.requests)
        return compare(judges, stage_of(bot, judges.new, budget), None, plan_of(profile, self.seed, bot))

    def _hidden(self, book: RuleBook, each: Difference) -> Difference:
        """The difference with no more of its call than is told, and without personal data in that."""
        hide = redactor(each.call.names, level=self.settings.redact)
        heard = hear(each.call, book.code)
        verdicts = tuple(ledger.redacted(verdict, hide, heard) for verdict in each.verdicts)
        assert each.fewest is not None
        turns = tuple(replace(turn, text=hide.said(turn.text), words=()) for turn in each.fewest.turns)
        return replace(each, call=replace(each.fewest, turns=turns), verdicts=verdicts, fewest=None)

    def _calls(self, book: RuleBook) -> Iterator[Call]:
        """The calls that were named, else those of the book; one that cannot be read is noted."""
        for call in read_calls(self.settings.calls or (str(book.root / "calls"),), self.settings.reading):
            if isinstance(call, Unreadable):
                ledger.append(self.settings.ledger, unread(call, self.settings.redact))
            else:
                yield call


def plan_of(profile: Profile, seed: int, *bots: Source) -> Plan:
    """How much is played by a profile, one at a time unless all the bots can more; no find is kept."""
    one = any(bot.alone or bot.abilities.deterministic for bot in bots)
    return Plan(profile.customers, seed, None, profile.replays, 1 if one else profile.at_once)


def _told(each: Difference, all_of_them: str, hide: Redactor) -> Iterator[str]:
    """A difference for people, a line each."""
    yield f"{each.old} before, {each.new} now, in {each.conversations:,} of {all_of_them}; the shortest:"
    yield from transcript(hide.call(each.call), each.verdict)
    yield hide(each.verdict.reason)
    if each.before is not None:
        yield "before:"
        yield from transcript(hide.call(each.before))
    if each.tried:
        yield f"tried again: {each.again} of {each.tried} end so"
    yield from each.blame.told()


def versions(old: Path, new: Path) -> Iterator[tuple[Text, Text]]:
    """The texts of two files, or of the files of the same name in two folders; one that is missing is empty."""
    if not (old.is_dir() and new.is_dir()):
        yield _text(old), _text(new)
        return
    names = {file.relative_to(folder) for folder in (old, new) for file in folder.rglob("*") if _readable(file)}
    for name in sorted(names):
        yield _text(old / name), _text(new / name)


def _readable(file: Path) -> bool:
    return file.is_file() and not any(part.startswith((".", "__pycache__")) for part in file.parts)


def _text(file: Path) -> Text:
    """The lines of a file; none of what is no text."""
    try:
        return Text(from_here(file), file.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return Text(from_here(file), ())


def from_here(path: Path) -> str:
    """A path from the working directory on, if it lies there."""
    here, whole = Path.cwd(), path.resolve()
    return (whole.relative_to(here) if whole.is_relative_to(here) else path).as_posix()


def _all_from_here(blame: Blame) -> Blame:
    file, _, line = blame.place.rpartition(":")
    return replace(
        blame,
        lines=tuple(replace(each, file=from_here(Path(each.file))) for each in blame.lines),
        place=f"{from_here(Path(file))}:{line}" if line else "",
    )


def _marked(each: Difference) -> Difference:
    """The difference, whose verdict says which changed line is to blame."""
    place = each.blame.place
    verdicts = (replace(v, blamed=place) if v.clause == each.clause else v for v in each.verdicts)
    return replace(each, verdicts=tuple(verdicts))

"""A rule fails if it is broken now where it was not before: by a new bot against an old one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytest_callqa.bots.profiles import Budget, profile_of
from pytest_callqa.errors import BadBook, BotError
from pytest_callqa.plugin.conversations import Source, stage_of
from pytest_callqa.plugin.settings import Settings
from pytest_callqa.plugin.together import Together
from pytest_callqa.rules import Rule, RuleBook
from pytest_callqa.scenarios.blame import Blame, Text, blame_said
from pytest_callqa.scenarios.campaign import Plan
from pytest_callqa.scenarios.differential import Compared, Difference, Judges, compare, exhibit
from pytest_callqa.scenarios.telling import transcript


class AgainstBot(Together[Compared]):
    """What a new bot is judged otherwise for than an old one."""

    kind = Compared
    mode = "comparison"

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
        self.plan = Plan(self.profile.customers, self.seed, None, self.profile.replays, self.profile.at_once)

    def about(self) -> str:
        """See :class:`Together`."""
        return f"{self.plan.customers:,} generated customers, {self.new.name} against {self.old.name}"

    def all_at_once(self, book: RuleBook) -> Compared:
        """See :class:`Together`."""
        budget = Budget(self.profile.minutes, self.profile.requests)
        try:
            new, old = stage_of(self.new, book, budget), stage_of(self.old, book, budget)
            compared = compare(Judges(book, book), new, old, self.plan)
        except (BadBook, BotError) as error:
            return Compared(trouble=str(error))
        compared.differences = tuple(replace(each, blame=self._blame(each)) for each in compared.differences)
        table = exhibit(compared, self.new.name, self.old.name)
        self.write(book, [(each.call, each.verdicts) for each in compared.differences], table)
        return compared

    def _blame(self, difference: Difference) -> Blame:
        assert difference.before is not None
        if self.new.written is None or self.old.written is None:
            return Blame("no changed line is named: say in both bots' settings where they are written, with `source:`")
        return blame_said(versions(self.old.written, self.new.written), difference.call, difference.before)

    def tell(self, rule: Rule, came: Compared) -> str:
        """See :class:`Together`."""
        if came.trouble:
            self.broke(rule, came.trouble)
        told = [
            line
            for each in came.differences
            if each.clause == rule.clause and each.worse
            for line in _told(each, came.conversations)
        ]
        if told:
            pytest.fail("\n".join([f"{rule.clause} {rule.title}", *told]), pytrace=False)
        return ""


def _told(each: Difference, conversations: int) -> Iterator[str]:
    """A difference for people, a line each."""
    times = f"in {each.conversations:,} of {conversations:,} conversations"
    yield f"{each.old} before, {each.new} now, {times}; the shortest:"
    yield from transcript(each.call, each.verdict)
    yield each.verdict.reason
    if each.before is not None:
        yield "before:"
        yield from transcript(each.before)
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
    """The lines of a file, named from the working directory if it lies there. None of what is no text."""
    here = Path.cwd()
    name = file.resolve()
    name = name.relative_to(here) if name.is_relative_to(here) else file
    try:
        return Text(name.as_posix(), file.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return Text(name.as_posix(), ())

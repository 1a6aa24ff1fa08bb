"""Rules tried on changed calls: variants that must not change a verdict, mutants that must."""

from __future__ import annotations

import pytest

from pytest_callqa.call import Call
from pytest_callqa.plugin.settings import Settings
from pytest_callqa.plugin.together import Ending, Together
from pytest_callqa.readers import Unreadable, read_calls
from pytest_callqa.rules import Rule, RuleBook
from pytest_callqa.scenarios import teeth, variants
from pytest_callqa.scenarios.teeth import Bitten, teeth_of
from pytest_callqa.scenarios.variants import Bent, bend
from pytest_callqa.verdict import Outcome

SHOWN = 3
"""Examples shown of each rule."""


class _Changed:
    """The calls that are changed: those named, else those of the book."""

    settings: Settings

    def calls(self, book: RuleBook) -> list[Call]:
        """Every call that can be read. Raises :class:`pytest.UsageError` if there is none."""
        named = self.settings.calls or (str(book.root / "calls"),)
        calls = [call for call in read_calls(named, self.settings.reading) if not isinstance(call, Unreadable)]
        if not calls:
            raise pytest.UsageError(f"--calls: no call could be read in {', '.join(named)}")
        return calls


class Variants(_Changed, Together[Bent]):
    """A rule fails if a change that should not matter changes its verdict."""

    mode = "variants"

    def about(self) -> str:
        """See :class:`Together`."""
        return f"{self.settings.variants} variants of each call (--hypothesis-seed={self.seed})"

    def all_at_once(self, book: RuleBook) -> Bent:
        """See :class:`Together`."""
        many, level = self.settings.variants, self.settings.redact
        bent = bend(book, self.calls(book), many, seed=self.seed, level=level)
        self.write(book, (), variants.exhibit(bent))
        return bent

    def tell(self, rule: Rule, came: Bent) -> Ending:
        """See :class:`Together`."""
        flips = [flip for flip in came.flips if flip.clause == rule.clause]
        if flips:
            times = f"{len(flips):,} of {came.variants:,} variants are judged otherwise"
            shown = [f"  {variants.told(flip)}" for flip in flips[:SHOWN]]
            more = [f"  … and {len(flips) - SHOWN:,} more"] if len(flips) > SHOWN else []
            return Ending("\n".join([f"{rule.clause} {rule.title}", times, *shown, *more]))
        return Ending(skipped=str(Outcome.NOT_ASSESSED) if rule.manual else "")


class Teeth(_Changed, Together[Bitten]):
    """A rule fails if it misses a mutant that breaks it, or if none can break it."""

    mode = "teeth"

    def about(self) -> str:
        """See :class:`Together`."""
        return "mutants of the calls that keep each rule"

    def all_at_once(self, book: RuleBook) -> Bitten:
        """See :class:`Together`."""
        bitten = teeth_of(book, self.calls(book), level=self.settings.redact)
        self.write(book, (), teeth.exhibit(bitten))
        return bitten

    def tell(self, rule: Rule, came: Bitten) -> Ending:
        """See :class:`Together`."""
        found = next(each for each in came.rules if each.clause == rule.clause)
        head = f"{rule.clause} {rule.title}"
        if found.missed:
            broken = found.count("caught") + len(found.missed)
            shown = [f"  {teeth.told(bite)}" for bite in found.missed[:SHOWN]]
            return Ending("\n".join([head, f"{len(found.missed)} of {broken} breaches are missed", *shown]))
        if not found.touched:
            return Ending(f"{head}\nno mutant can break it: give calls that keep it")
        return Ending()

"""What can go wrong, and what a rule raises when a call cannot answer it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CallQAError(Exception):
    """Root of every error this package raises."""


class BadInput(CallQAError):
    """A call, sidecar or table that cannot be read.

    The message is one sentence: what is wrong, where (``place``: a line, a JSON path, an
    archive member), what was expected and what to do. The other calls are still judged.
    """

    def __init__(self, problem: str, *, file: str = "", place: str = "") -> None:
        super().__init__(problem, file, place)
        self.problem = problem
        self.file = file
        self.place = place

    def at(self, file: str, place: str = "") -> BadInput:
        """The same problem, told with its file (and place, unless it already has one)."""
        return BadInput(self.problem, file=self.file or file, place=self.place or place)

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.file, self.place) if part)
        return f"{where}: {self.problem}" if where else self.problem


class Unwritten(BadInput):
    """What cannot be written: a place that is none, a disk that is full. What was there before stays."""


class BotError(CallQAError):
    """A bot that broke: an exception, a refusal, a time-out, an answer that cannot be read. Never a broken rule.

    ``problem`` is one sentence; ``exchange`` holds the lines of the conversation up to there.
    """

    def __init__(self, problem: str, exchange: Iterable[str] = ()) -> None:
        self.problem = problem
        self.exchange = tuple(exchange)
        super().__init__(self.problem, self.exchange)

    def __str__(self) -> str:
        return "\n".join((self.problem, *(f"  {line}" for line in self.exchange)))


class BadBook(CallQAError):
    """A rule book that cannot be used: rules, phrases or settings.

    ``problems`` holds every fault found, not only the first, one sentence each.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        return f"{len(self.problems)} faults in the rule book:\n{lines}"


class Undecided(CallQAError):
    """The call lacks what the question needs, or the answer lies inside the timing tolerance.

    The engine turns it into the verdict *undecided*; the message is its reason.
    """


class NotApplicable(CallQAError):
    """Raised by a rule that finds, while looking, that its situation does not hold after all."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the closest known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""

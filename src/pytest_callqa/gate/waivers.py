"""Breaches that somebody accepted for now: ``waivers.yaml`` of a rule book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec.structs import replace

from pytest_callqa import ledger, plain
from pytest_callqa.call import Call
from pytest_callqa.errors import BadBook, BadInput, did_you_mean
from pytest_callqa.ledger import Entry, Exhibit, Run, Waiver
from pytest_callqa.verdict import Outcome, Verdict

FILE = "waivers.yaml"
_FIELDS = ("clause", "calls", "owner", "reason", "expires")
_HELP = {
    "clause": "the clause that is broken",
    "calls": "ids or files of calls, or patterns such as 'pilot-*'",
    "owner": "who accepts the breach",
    "reason": "why it is accepted",
    "expires": "the last day it is accepted, such as 2026-12-31",
}


def load(root: Path) -> tuple[Waiver, ...]:
    """The waivers of the rule book in this folder; none when it has no ``waivers.yaml``.

    Raises :class:`BadBook` with every fault found, each with its file and line: a waiver needs a clause, calls,
    an owner, a reason and an expiry.
    """
    file = root / FILE
    if not file.is_file():
        return ()
    name = f"{root.name}/{FILE}"
    try:
        given = plain.load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadBook([f"{name}: cannot be read: {error}"]) from None
    except BadInput as error:
        raise BadBook([str(error.at(name))]) from None
    if not given:
        return ()
    if not isinstance(given, list):
        raise BadBook([f"{name}:1: expected a list of waivers, each beginning with `- clause:`"])
    problems: list[str] = []
    waivers = [_waiver(each, name, problems) for each in given]
    if problems:
        raise BadBook(problems)
    return tuple(waiver for waiver in waivers if waiver is not None)


def _waiver(given: plain.Plain, name: str, problems: list[str]) -> Waiver | None:
    """One waiver, checked; its faults are added to ``problems``."""
    if not isinstance(given, dict) or not given:
        problems.append(f"{name}:{_line(given)}: a waiver is a table of {', '.join(_FIELDS)}")
        return None
    place = f"{name}:{min(_line(key) for key in given)}"
    before = len(problems)
    for key in given:
        if key not in _FIELDS:
            hint = did_you_mean(str(key), _FIELDS)
            problems.append(f"{name}:{_line(key)}: {str(key)!r} is nothing that a waiver has.{hint}")
    calls = given.get("calls", "")
    texts = {field: value.strip() for field in _FIELDS if isinstance(value := given.get(field, ""), str)}
    patterns = tuple(str(each) for each in calls if isinstance(each, str)) if isinstance(calls, list) else ()
    patterns = patterns or tuple(filter(None, (texts.get("calls", ""),)))
    missing = [field for field in _FIELDS if not (patterns if field == "calls" else texts.get(field))]
    problems += [f"{place}: the waiver has no {field}; say {_HELP[field]}" for field in missing]
    expires = texts.get("expires", "")
    if expires and _day(expires) is None:
        problems.append(f"{place}: {expires!r} is no date; write the last day such as 2026-12-31")
    if len(problems) > before:
        return None
    return Waiver(texts["clause"], patterns, texts["owner"], " ".join(texts["reason"].split()), expires, place)


def _line(value: plain.Plain) -> int:
    """The line that a value of the file begins on."""
    while isinstance(value, list | dict) and value:
        value = next(iter(value))
    return getattr(value, "line", 1)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def told(waiver: Waiver) -> str:
    """Who accepts what until when and why, in one line."""
    return f"{waiver.owner}, until {waiver.expires}: {waiver.reason} ({waiver.place})"


def expired(waiver: Waiver, today: date) -> bool:
    """Whether its last day is over."""
    return date.fromisoformat(waiver.expires) < today


def in_force(waivers: Iterable[Waiver], today: date) -> tuple[Waiver, ...]:
    """Those whose last day is not over."""
    return tuple(waiver for waiver in waivers if not expired(waiver, today))


def waive(verdict: Verdict, call: Call, waivers: Iterable[Waiver]) -> Verdict:
    """The verdict, *waived* when it is a breach that one of the waivers accepts for this call."""
    for waiver in waivers:
        if waiver.clause == verdict.clause and verdict.outcome is Outcome.FAILED and _covers(waiver, call):
            return replace(verdict, outcome=Outcome.WAIVED, waiver=told(waiver))
    return verdict


def _covers(waiver: Waiver, call: Call) -> bool:
    return any(fnmatchcase(call.id, pattern) or fnmatchcase(call.source, pattern) for pattern in waiver.calls)


# -- what became of them


def uses(entries: Iterable[Entry]) -> Counter[str]:
    """How many breaches each waiver accepted, by what :func:`told` says of it."""
    return Counter(found.waiver for entry in entries for found in entry.found.values() if found.waiver)


def faults(run: Run, used: Mapping[str, int]) -> Iterator[str]:
    """The waivers of a run that need somebody: expired, or accepting nothing. One sentence each, with file and line.

    A run of a selection of rules or calls cannot say that a waiver is unused.
    """
    today = day_of(run)
    clauses = {rule.clause for rule in run.rules}
    for waiver in run.waivers:
        if expired(waiver, today):
            yield (
                f"{waiver.place}: the waiver of {waiver.clause} ({waiver.owner}) expired on {waiver.expires}; "
                "mend what it accepts, or agree on a new day"
            )
        elif not run.selected and not used.get(told(waiver)):
            gone = (
                "" if waiver.clause in clauses else f": no rule has the clause.{did_you_mean(waiver.clause, clauses)}"
            )
            yield f"{waiver.place}: the waiver of {waiver.clause} ({waiver.owner}) accepts nothing{gone}; remove it"


def day_of(run: Run) -> date:
    """The day a run began, by which waivers expire."""
    return _day(run.started[:10]) or date.max


def exhibit_of(path: Path) -> Exhibit | None:
    """The waivers of a run and what they accepted, as a table of the report's view of the run; None without any."""
    lines = ledger.read(path)
    run = next(lines)
    assert isinstance(run, Run)
    return _exhibit(run, uses(line for line in lines if isinstance(line, Entry))) if run.waivers else None


def _exhibit(run: Run, used: Mapping[str, int]) -> Exhibit:
    today = day_of(run)

    def state(waiver: Waiver) -> str:
        return "expired" if expired(waiver, today) else "in force" if used.get(told(waiver)) else "unused"

    rows: Sequence[tuple[str, str, str, str, str, int, str]] = [
        (w.clause, ", ".join(w.calls), w.owner, w.reason, w.expires, used.get(told(w), 0), state(w))
        for w in run.waivers
    ]
    return Exhibit(
        view="run",
        title="Waivers",
        note="Breaches that somebody accepts for now. They are counted as waived and are in no rate.",
        figures=(("waivers", len(rows)), ("breaches accepted", sum(used.values()))),
        columns=("clause", "calls", "owner", "reason", "expires", "accepted", "state"),
        rows=tuple(rows),
    )

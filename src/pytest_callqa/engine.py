"""Judges: one rule on one call, or a whole book on a call. Values in, verdicts out."""

from __future__ import annotations

import ast
import linecache
import os
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice

import msgspec

from pytest_callqa.call import Call
from pytest_callqa.errors import NotApplicable, Undecided
from pytest_callqa.finding import Finding, Quote
from pytest_callqa.hearing import Hearing, Moment
from pytest_callqa.rules import Code, Rule, RuleBook
from pytest_callqa.verdict import Evidence, Outcome, Verdict


def hear(call: Call, code: Code, *, language: str = "", organisation: str = "") -> Hearing:
    """Open a call for questions, with the settings that fill slots and defaults.

    The organisation is the call's own, else the run's, else the code's.
    """
    named = call.organisation or organisation
    names = (named,) if named else code.texts("organisation")
    spoken = language or next(iter(code.texts("languages")), "")
    return Hearing(call, language=spoken, slots={"organisation": names})


class Trial(msgspec.Struct, frozen=True):
    """What became of one moment; ``tested`` holds the findings that decided it, each with file and line of its test."""

    outcome: Outcome
    reason: str
    moment: Moment
    tested: Sequence[tuple[Finding, str, int]]
    line: str = ""
    start: float | None = None


_BADNESS = {Outcome.of_letter(letter): place for place, letter in enumerate("efumpn")}
"""The place of each outcome, from the one that decides before all others."""

_PASSED, _FAILED = Outcome.PASSED, Outcome.FAILED
"""Looked up once: for each moment of each rule, Python 3.11 would take its time."""

_NO_BREACH = (_PASSED, Outcome.NOT_APPLICABLE, Outcome.NOT_ASSESSED)


def judge(
    rule: Rule, call: Hearing, code: Code, fixtures: Mapping[str, object] | None = None, *, quotes: int | None = None
) -> Verdict:
    """Judge one rule on one call: every moment of its situation, the worst of them decides.

    A verdict that is neither broken nor in doubt shows only its first ``quotes`` (None: all its evidence).
    """
    clause = rule.clause
    if rule.when.lacks_signs(call):
        return _not_applicable(clause)
    call.consult(rule.books)
    try:
        moments = rule.when.moments(call, code)
    except Undecided as doubt:
        return Verdict(clause=clause, outcome=Outcome.UNDECIDED, reason=str(doubt))
    except NotApplicable as reason:
        return Verdict(clause=clause, outcome=Outcome.NOT_APPLICABLE, reason=str(reason))
    except Exception as error:  # noqa: BLE001 - a broken situation must not end the run
        return Verdict(clause=clause, outcome=Outcome.ERROR, reason=_broken(error))
    if not moments:
        return _not_applicable(clause)
    results = _trials(rule, moments, call, code, fixtures)
    outcomes = [result.outcome for result in results]
    worst = results[outcomes.index(min(outcomes, key=_BADNESS.__getitem__))]
    if quotes is None or worst.outcome not in _NO_BREACH:
        evidence = tuple(_evidence(results))
    else:
        evidence = tuple(islice((shown for shown in _evidence(results) if shown.quote), quotes)) if quotes else ()
    return Verdict(
        clause=clause,
        outcome=worst.outcome,
        reason=worst.reason,
        moments=len(moments),
        broken=outcomes.count(_FAILED),
        start=worst.start,
        line=worst.line,
        evidence=evidence,
    )


@lru_cache(maxsize=4096)
def _not_applicable(clause: str) -> Verdict:
    return Verdict(clause=clause, outcome=Outcome.NOT_APPLICABLE)


def trials(rule: Rule, call: Hearing, code: Code, fixtures: Mapping[str, object] | None = None) -> list[Trial]:
    """What became of each moment of a rule's situation. Raises what its situation raises."""
    return _trials(rule, rule.when.moments(call, code), call, code, fixtures)


def _trials(
    rule: Rule, moments: Iterable[Moment], call: Hearing, code: Code, fixtures: Mapping[str, object] | None
) -> list[Trial]:
    if rule.manual and call.attestation(rule.clause) is None:
        unknown = "nobody has attested this clause for this call"
        return [Trial(Outcome.NOT_ASSESSED, unknown, moment, ()) for moment in moments]
    given = {"call": call, "code": code, **(fixtures or {})}
    given = {name: given[name] for name in rule.arguments if name in given}
    return [_try(rule, moment, call, given) for moment in moments]


def judge_call(book: RuleBook, call: Call, rules: Iterable[Rule] | None = None, **settings: str) -> list[Verdict]:
    """Judge a call by the whole book (or some of its rules); ``settings`` as in :func:`hear`."""
    heard = hear(call, book.code, **settings)
    return [judge(rule, heard, book.code) for rule in (book.rules if rules is None else rules)]


def _try(rule: Rule, moment: Moment, call: Hearing, given: Mapping[str, object]) -> Trial:
    tested = call.trace.tested = []
    outcome, reason, line, start = _PASSED, "", "", moment.start
    try:
        call.half_said = True
        if "moment" in rule.arguments:
            rule.test(moment=moment, **given)
        else:
            rule.test(**given)
    except AssertionError as failure:
        outcome = _FAILED
        reason, line, said = _explain(failure, tested)
        start = moment.start if said is None else said
    except Undecided as doubt:
        outcome, reason = Outcome.UNDECIDED, str(doubt)
    except NotApplicable as why:
        outcome, reason = Outcome.NOT_APPLICABLE, str(why)
    except Exception as error:  # noqa: BLE001 - a broken rule is the verdict "error", the rest is judged
        outcome, reason = Outcome.ERROR, _broken(error)
    finally:
        call.half_said = False
    if moment.doubt and outcome in (_PASSED, _FAILED):
        outcome, reason, line, start = Outcome.UNDECIDED, moment.doubt, "", moment.start
    return Trial(outcome, reason, moment, tested, line, start)


def _explain(failure: AssertionError, tests: Sequence[tuple[Finding, str, int]]) -> tuple[str, str, float | None]:
    """One line for people, the rule's own failing line, and when what should not have been said was said.

    The author's message comes first; else the finding tested on that very line; else the line itself.
    """
    file, number = _place_of(failure)
    statement = assertion_at(file, number)
    said = str(failure).partition("\n")[0].strip()
    message = said if statement is None or statement.msg is not None else ""
    lines = range(statement.lineno, (statement.end_lineno or 0) + 1) if statement else (number,)
    tested = {id(f): f for f, where, line in tests if where == file and line in lines}
    broke = list(tested.values())[-1] if tested else None
    told = broke.tell() if broke is not None else ""
    if message and told:
        reason = f"{message} ({told})"
    elif message or told:
        reason = message or told
    else:
        source = ast.unparse(statement.test) if statement else linecache.getline(file, number).strip()
        reason = source or "the rule's assertion failed"
    start = broke.start if broke is not None and broke.holds else None
    return reason, f"{os.path.basename(file)}:{lines[0]}", start


@lru_cache(maxsize=4096)
def assertion_at(file: str, line: int) -> ast.Assert | None:
    """The assert statement that reaches over a line; None where there is none, or no source.

    A traceback points into it, and elsewhere with pytest's rewriting than without.
    """
    try:
        module = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):  # not Python, such as a template that raised
        return None
    for node in ast.walk(module):
        if isinstance(node, ast.Assert) and node.lineno <= line <= (node.end_lineno or 0):
            return node
    return None


def _broken(error: Exception) -> str:
    file, number = _place_of(error)
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return f"the rule broke: {said} ({os.path.basename(file)}:{number})"


def _place_of(error: Exception) -> tuple[str, int]:
    """File and line of where it was raised."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return frame.f_code.co_filename, line


def _evidence(results: Iterable[Trial]) -> Iterator[Evidence]:
    """What the moments and every finding of the rule rest on; near misses only where they explain a failure."""
    for result in results:
        told: set[Evidence] = set()
        for finding, near in _findings(result):
            for evidence in _of(finding, near=near):
                if evidence not in told:
                    told.add(evidence)
                    yield evidence


def _findings(result: Trial) -> Iterator[tuple[Finding, bool]]:
    """The findings of a moment, and whether a near miss explains them."""
    if result.outcome is Outcome.NOT_ASSESSED:
        return
    if result.moment.finding is not None:
        yield result.moment.finding, False
    for finding, _, _ in result.tested:
        yield finding, result.outcome is _FAILED


def _of(finding: Finding, *, near: bool) -> Iterator[Evidence]:
    if finding.quotes:
        yield from (_quoted(finding, quote, near=False) for quote in finding.quotes)
    elif near and (miss := finding.nearest()) is not None:
        yield _quoted(finding, miss, near=True)
    else:
        yield Evidence(finding.asked, finding.holds)


def _quoted(finding: Finding, quote: Quote, *, near: bool) -> Evidence:
    return Evidence(
        asked=finding.asked,
        holds=finding.holds,
        quote=quote.text,
        turn=quote.turn,
        first=quote.first,
        last=quote.last,
        role=quote.role,
        start=quote.start,
        end=quote.end,
        score=round(quote.score, 1),
        phrase=quote.phrase,
        near=near,
    )

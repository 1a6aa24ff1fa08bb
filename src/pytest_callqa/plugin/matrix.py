"""Rules times calls: which items there are, and how each is judged."""

from __future__ import annotations

import gc
import hashlib
import os
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from fnmatch import fnmatch
from functools import cache, cached_property, partial
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from pytest_callqa import batch, ledger
from pytest_callqa.batch import Failing, Job, Tally, judge_documents, unread
from pytest_callqa.call import Call, digest
from pytest_callqa.engine import hear, judge
from pytest_callqa.errors import BadInput
from pytest_callqa.finding import clock_time
from pytest_callqa.hearing import Hearing
from pytest_callqa.plugin.excuses import EXCUSE, Excuses, excuse
from pytest_callqa.plugin.once import run_once
from pytest_callqa.plugin.settings import Settings
from pytest_callqa.readers import CallRef, Document, Unreadable, find_documents, find_sidecars, load, locate
from pytest_callqa.redact import Redactor, redactor
from pytest_callqa.resume import Former, verdicts_of
from pytest_callqa.rules import PORTABLE, Code, Rule, RuleBook, find_root, rule_of
from pytest_callqa.supervisor import Process, started_ahead
from pytest_callqa.verdict import Outcome, Verdict

FACTS = "callqa"
"""The attribute of a test report that carries its verdict, as builtins."""

UNWRITTEN = "callqa unwritten"
"""Under what a worker of pytest-xdist tells the controller why it could not write to the ledger."""

CLAIM = pytest.StashKey["Claim"]()

_RULE_LINE = re.compile(r"^@(?:\w+\.)?rule\(", re.MULTILINE)
_KEPT = 8
_EVERY = 5.0


_NEEDLESS = PORTABLE | {"_callqa_ref", "request"}
"""Fixtures that a rule need not wait for, unless it asks for one itself: the engine gives it its call."""


class Open(msgspec.Struct):
    """A call opened for questions, what takes personal data out of its texts, and its id as outputs have it.

    ``known`` are verdicts that a former run gave; ``told`` are the file and the id under which the controller knows the
    call, once it has been told what call it is.
    """

    heard: Hearing
    hide: Redactor
    id: str
    known: Mapping[str, Verdict]
    told: tuple[str, str] | None = None


class Claim(msgspec.Struct):
    """What an item is: a rule of the book at ``root``, on one call or (``ref`` is None) on all of them.

    While it runs, the call it ``opened`` and the ``verdict`` on that, or the ``entries`` of all calls.
    """

    rule: Rule
    ref: CallRef | Unreadable | None
    root: Path
    opened: Open | None = None
    verdict: Verdict | None = None
    entries: list[ledger.LedgerLine] | None = None


class Matrix:
    """The hooks that make items of rules and calls, and judge them.

    Raises :class:`pytest.UsageError` for a path without calls or a table that cannot be read.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self._open: OrderedDict[CallRef, Open] = OrderedDict()
        self._cells: Counter[str] = Counter()
        self._order: tuple[str, ...] = ()
        self._rules: tuple[Rule, ...] = ()
        self._portable: tuple[str, ...] = ()
        self._resume: tuple[Path, ledger.Run] | None = None
        self._former: Former | None = None
        self._ahead: list[Process] = []
        self._root = config.rootpath
        config.add_cleanup(gc.unfreeze)
        self.excuses = Excuses(settings)
        try:
            self._sidecars = find_sidecars(settings.calls, settings.reading)
            self.mode, self._why = self._decide()
        except BadInput as error:
            raise pytest.UsageError(f"--calls: {error}") from None

    # -- which items

    def _decide(self) -> tuple[str, str]:
        """The mode, ``cells`` or ``batch``, and in words why."""
        settings = self.settings
        documents = find_documents(settings.calls, settings.reading)
        if settings.mode != "auto":
            return settings.mode, "as told"
        passed_over = self.config.getini("norecursedirs")
        rules = sum(count_rules(Path(str(arg).partition("::")[0]), passed_over) for arg in self.config.args) or 1
        most = settings.cells // rules
        calls = sum(1 for _ in islice(documents, most + 1))
        if calls > most:
            return "batch", f"over {most:,} calls × {rules} rules: more than {settings.cells:,} cells"
        return "cells", f"{calls:,} calls × {rules} rules: at most {settings.cells:,} cells"

    @cached_property
    def refs(self) -> dict[str, CallRef | Unreadable]:
        """Every call by its test id: cleaned, since ids come from files nobody here wrote."""
        refs: dict[str, CallRef | Unreadable] = {}
        for ref in locate(self.settings.calls, self.settings.reading):
            names = ref.names if isinstance(ref, CallRef) else ()
            refs[item_id(redactor(names, level=self.settings.redact).id(ref.id), refs)] = ref
        return refs

    def pytest_report_header(self) -> str:
        """Say the mode and why, and where the ledger goes."""
        return f"callqa: {self.mode} ({self._why}); ledger {self.settings.ledger}"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Let the garbage collector not look at items, which stay to the end, neither as they are made nor later."""
        used = gc.isenabled()
        gc.disable()
        try:
            return (yield)
        finally:
            gc.freeze()
            if used:
                gc.enable()

    def pytest_sessionstart(self) -> None:
        """Have a worker get ready while the rules are collected, unless other processes are to judge, or none."""
        config = self.config
        elsewhere = hasattr(config, "workerinput") or config.getoption("dist", "no") != "no"
        if self.mode == "batch" and not elsewhere and not config.option.collectonly:
            roots = (find_root(Path(str(arg).partition("::")[0]).absolute()) for arg in config.args)
            held = ExitStack()
            config.add_cleanup(held.close)
            root, told = next(filter(None, roots), config.rootpath), self.settings
            warm = partial(batch.get_ready, root, language=told.language, organisation=told.organisation)
            self._ahead = held.enter_context(started_ahead(warm, told.limits))

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make an item of each call for every rule (not in batch mode) and every test that takes a call."""
        found = rule_of(metafunc.function)
        if found is not None and self.mode == "batch":
            return
        if found is not None and "_callqa_ref" not in metafunc.fixturenames:  # a rule that asks for no call
            metafunc.fixturenames.append("_callqa_ref")
        if "_callqa_ref" in metafunc.fixturenames:
            metafunc.parametrize(
                "_callqa_ref", list(self.refs.values()), ids=list(self.refs), indirect=True, scope="session"
            )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Fix the rules and their order, and begin the ledger, once the selection is known."""
        book = selected(session)
        if book is None:
            return
        self._root = book.root
        claims = [item.stash[CLAIM] for item in session.items if CLAIM in item.stash]
        self._cells.update(claim.ref.id for claim in claims if claim.ref is not None)
        self._order = tuple(found.clause for found in book)
        self._rules = book.rules
        self._portable = tuple(found.clause for found in book if found.portable)
        first = self.excuses.begin(self.config, book, self.mode)
        if self.settings.resume:
            self._resume = self.settings.ledger, first
            self._former = Former(*self._resume)
        if not self.settings.ledger.exists():
            with suppress(pytest.fail.Exception), or_end_the_run(self.config):  # a worker goes on to its first test
                ledger.start_ledger(self.settings.ledger, first, self._plan())

    def _plan(self, calls: int | None = None) -> ledger.Plan:
        """How many verdicts there are to give, with so many ``calls`` in the batch (None: one a document)."""
        if self.mode == "cells":
            return ledger.Plan(verdicts=self._cells.total())
        if calls is None:
            calls = sum(1 for _ in find_documents(self.settings.calls, self.settings.reading)) if self._portable else 0
        with_fixtures = len(self._order) - len(self._portable)
        listed = len(self.refs) if with_fixtures else 0
        return ledger.Plan(verdicts=calls * len(self._portable) + listed * with_fixtures)

    # -- how each is judged

    def open(self, ref: CallRef | Unreadable, code: Code) -> Open:
        """A call opened for questions; the last few are kept. Raises :class:`BadInput`."""
        if isinstance(ref, Unreadable):
            told = unread(ref, self.settings.redact)
            raise BadInput(told.problem, file=told.file, place=told.place)
        known = self._open.pop(ref, None)
        if known is None:
            call = load(ref, self.settings.reading, self._sidecars)
            heard = hear(call, code, language=self.settings.language, organisation=self.settings.organisation)
            hide = redactor(call.names, level=self.settings.redact)
            known = Open(heard, hide, hide.id(call.id), self._begin(ref, hide.id(call.id), call))
        self._open[ref] = known
        if len(self._open) > _KEPT:
            self._open.popitem(last=False)
        return known

    def _begin(self, ref: CallRef, id: str, call: Call) -> Mapping[str, Verdict]:
        """Note that judging a call begins here, and give what is known of it.

        A call that a former run began and did not end may have been what ended it: others watch while it is judged.
        """
        if self.mode != "cells" or not self._order:
            return {}
        content = digest(call)
        known = self._former.verdicts(content) if self._former else {}
        if self._former and content in self._former.begun and not known.keys() >= set(self._portable):
            [line] = judge_documents([Document(ref.file, ref.place, offset=ref.offset)], self._job(), jobs=1)
            entry = ledger.decode(line)
            known = verdicts_of(entry, self._order) | dict(known) if isinstance(entry, ledger.Entry) else known
        with or_end_the_run(self.config):
            ledger.append(self.settings.ledger, ledger.Begun(call=id, content=content.hex()))
        return known

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Open the call of a cell: if it cannot be read, that is an error before the test."""
        claim = item.stash.get(CLAIM, None)
        if claim is not None and claim.ref is not None:
            claim.opened = self.open(claim.ref, code_at(claim.root))

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Judge the rule of this item instead of simply calling it."""
        claim = pyfuncitem.stash.get(CLAIM, None)
        if claim is None:
            return None
        found = claim.rule
        fixtures = {name: pyfuncitem.funcargs[name] for name in found.arguments - PORTABLE}
        if claim.opened is not None:
            self._judge_cell(claim, claim.opened, pyfuncitem, fixtures)
        elif found.portable:
            with or_end_the_run(self.config):
                tally = run_once(self.settings.ledger, self._pass, Tally)
            tell_batch(found, pyfuncitem, tally, strict=self.settings.strict)
        else:
            tell_batch(found, pyfuncitem, self._judge_all(claim, fixtures), strict=self.settings.strict)
        return True

    def _judge_cell(self, claim: Claim, call: Open, item: pytest.Item, fixtures: Mapping[str, object]) -> None:
        found = claim.rule
        verdict = call.known.get(found.clause) or judge(found, call.heard, code_at(claim.root), fixtures, quotes=1)
        verdict = self.excuses.waive(ledger.redacted(verdict, call.hide, call.heard), call.heard.record)
        claim.verdict = verdict
        if verdict.outcome is Outcome.WAIVED:
            excuse(item, str(Outcome.WAIVED), f"{verdict.reason}; waived: {verdict.waiver}")
        if verdict.outcome is Outcome.FAILED:
            order = (found.clause,)
            why = self._excused(ledger.call_entry(order, call.heard, [verdict], call.hide), [found], order)
            if why:
                excuse(item, why[found.clause], f"{why[found.clause]}: {verdict.reason}")
        if verdict.outcome in (Outcome.FAILED, Outcome.ERROR) or (
            self.settings.strict and verdict.outcome is Outcome.UNDECIDED
        ):
            line = self.config.get_verbosity() > 0
            pytest.fail(cell_text(found, call.id, verdict, line=line), pytrace=False)

    def _pass(self) -> Tally:
        """Judge all calls by all portable rules, writing the ledger as it goes."""
        settings = self.settings
        documents = find_documents(settings.calls, settings.reading)
        job, jobs, limits = self._job(), settings.jobs, settings.limits
        return self._write(judge_documents(documents, job, jobs=jobs, limits=limits, ahead=self._ahead))

    def _job(self) -> Job:
        settings = self.settings
        return Job(
            self._root,
            self._order,
            self._portable,
            settings.reading,
            self._sidecars,
            settings.organisation,
            settings.redact,
            self.excuses.waivers,
            self._resume,
        )

    def _judge_all(self, claim: Claim, fixtures: Mapping[str, object]) -> Tally:
        """Judge all calls by one rule that takes fixtures of the team's own."""
        found = claim.rule
        lines: list[ledger.LedgerLine] = []
        tally = Tally()
        for ref in self.refs.values():
            if isinstance(ref, Unreadable):
                line: ledger.Entry | ledger.Unread = unread(ref, self.settings.redact)
            else:
                call = self.open(ref, code_at(self._root))
                verdict = judge(found, call.heard, code_at(self._root), fixtures, quotes=0)
                verdict = self.excuses.waive(verdict, call.heard.record)
                line = ledger.call_entry(self._order, call.heard, [verdict], call.hide)
            if isinstance(line, ledger.Entry) or not self._portable:  # else the pass has told of it
                lines.append(line)
            tally.add(self._order, line, self._excused(line, [found]))
        claim.entries = lines
        return tally.finish(self._order)

    def _write(self, lines: Iterable[bytes]) -> Tally:
        tally, told, rules = Tally(), time.monotonic(), self._rules
        with ledger.Writer(self.settings.ledger) as writer:
            for line in lines:
                writer.write(line)
                call = ledger.decode(line)
                assert isinstance(call, ledger.Entry | ledger.Unread)
                tally.add(self._order, call, self._excused(call, rules))
                if time.monotonic() - told > _EVERY:
                    told = time.monotonic()
                    self._progress(f"callqa: {tally.calls:,} calls judged")
            writer.write(self._plan(tally.calls + tally.unreadable))
        return tally.finish(self._order)

    def _excused(
        self, line: ledger.Entry | ledger.Unread, rules: Sequence[Rule], order: Sequence[str] = ()
    ) -> dict[str, str]:
        """Why breaches of a call do not fail the run, by clause; ``order`` is that of its letters."""
        if isinstance(line, ledger.Unread) or Outcome.FAILED.letter not in line.verdicts:
            return {}
        places = {clause: place for place, clause in enumerate(order or self._order)}
        return self.excuses.of(line, [rule for rule in rules if line.verdicts[places[rule.clause]] == "f"])

    def _progress(self, text: str) -> None:
        """Show how far a long pass is, past the capture of the running test."""
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        capture = self.config.pluginmanager.getplugin("capturemanager")
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.ensure_newline()
                reporter.write_line(text)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the verdict travel on the report, as builtins, so that workers need no second path."""
        report = yield
        claim = item.stash.get(CLAIM, None)
        if claim is None:
            return report
        facts = self._facts(claim, call)
        setattr(report, FACTS, facts)
        if facts:
            item.user_properties.extend(_properties(claim))  # JUnit reads them off the teardown's report
            report.user_properties = list(item.user_properties)
        if "unread" in facts and call.excinfo is not None:
            report.longrepr = str(call.excinfo.value)
        if call.when != "call":
            return report
        if EXCUSE in item.stash:
            setattr(report, FACTS, {**facts, "outcome": item.stash[EXCUSE]})
        verdict = claim.verdict
        if verdict is not None and report.passed and verdict.outcome is not Outcome.PASSED:
            report.outcome = "skipped"
            report.longrepr = ("", 0, f"Skipped: {verdict.outcome}: {verdict.reason or claim.rule.when.name}")
        if isinstance(report.longrepr, tuple):  # a skip: said of the rule, not of this module
            file, line, _ = item.location
            report.longrepr = (file, (line or 0) + 1, report.longrepr[2])
        return report

    def _facts(self, claim: Claim, phase: pytest.CallInfo[None]) -> dict[str, object]:
        """What the controller is told: what call it is once, of each cell only its verdict."""
        if phase.when == "teardown":  # pytest keeps its items: with these, every call would stay in memory
            claim.opened = claim.verdict = claim.entries = None
            return {}
        if isinstance(claim.ref, Unreadable) and phase.excinfo is not None:
            return {
                "unread": msgspec.to_builtins(unread(claim.ref, self.settings.redact)),
                "of": self._cells[claim.ref.id],
            }
        if claim.entries is not None:
            return {"lines": [ledger.encode(line).decode() for line in claim.entries]}
        verdict, opened = claim.verdict, claim.opened
        if verdict is None or opened is None:
            return {}
        facts: dict[str, object] = {
            "outcome": str(verdict.outcome),
            "of": self._cells[claim.ref.id] if claim.ref is not None else 0,
        }
        if opened.told is not None and verdict.tells_no_more:
            facts["letter"] = [*opened.told, self._order.index(verdict.clause), verdict.outcome.letter]
            return facts
        start = ledger.Entry(call=opened.id, file=opened.heard.record.source) if opened.told is not None else None
        line = ledger.call_entry(self._order, opened.heard, [verdict], opened.hide, start=start)
        opened.told = line.file, line.call
        facts["lines"] = [ledger.encode(line).decode()]
        return facts


@contextmanager
def or_end_the_run(config: pytest.Config) -> Iterator[None]:
    """Write to the ledger or end the run: what is not written down is worth nothing.

    A worker of pytest-xdist that exits has crashed: it fails the test it is at, begins no other, and tells why.
    """
    try:
        yield
        return
    except BadInput as error:
        why = str(error)
    output = getattr(config, "workeroutput", None)
    session = config.pluginmanager.getplugin("session")
    if output is not None and session is not None:
        session.shouldfail = output.setdefault(UNWRITTEN, why)
        raise pytest.fail.Exception(session.shouldfail, pytrace=False) from None
    pytest.exit(why, returncode=pytest.ExitCode.INTERNAL_ERROR)


# -- telling verdicts to pytest


def cell_text(found: Rule, call: str, verdict: Verdict, *, line: bool) -> str:
    """What a broken rule prints: its title, and where and why the call breaks it."""
    at = f" at {clock_time(verdict.start)}" if verdict.start is not None else ""
    text = f"{found.clause} {found.title}\n{call}{at}: {verdict.reason}"
    return f"{text}\n({verdict.line})" if line and verdict.line else text


def tell_batch(found: Rule, item: pytest.Item, tally: Tally, *, strict: bool) -> None:
    """End a batch item: it fails when a call breaks its rule and nothing excuses it, and lists the worst of them."""
    counts = {Outcome.of_letter(letter): n for letter, n in tally.counts.get(found.clause, {}).items()}
    excused = tally.excused.get(found.clause, {})
    failing = counts.get(Outcome.FAILED, 0) - sum(excused.values())
    told = ", ".join(f"{n:,} {outcome}" for outcome in Outcome if (n := counts.get(outcome, 0)))
    broken = counts.get(Outcome.ERROR, 0) + (counts.get(Outcome.UNDECIDED, 0) if strict else 0)
    if failing or broken:
        worst = [_line(failing_call) for failing_call in tally.worst.get(found.clause, [])]
        head = f"{found.clause} {found.title}\n{failing:,} of {tally.calls:,} calls break this rule ({told})"
        left = failing + counts.get(Outcome.ERROR, 0) - len(worst)
        more = [f"  … and {left:,} more in the ledger"] if left > 0 else []
        pytest.fail("\n".join([head, *worst, *more]), pytrace=False)
    if counts.get(Outcome.WAIVED) or excused:
        why = dict(excused) | ({str(Outcome.WAIVED): n} if (n := counts.get(Outcome.WAIVED, 0)) else {})
        worst_excuse = max(why, key=lambda word: why[word])
        excuse(item, worst_excuse, f"{', '.join(f'{n:,} {word}' for word, n in why.items())} ({told})")
    if not counts.get(Outcome.PASSED):
        pytest.skip(f"{max(counts, key=lambda o: counts[o], default=Outcome.NOT_APPLICABLE)}: {told or 'no calls'}")


def _line(failing: Failing) -> str:
    times = f", {failing.broken} times" if failing.broken > 1 else ""
    at = f" at {clock_time(failing.start)}" if failing.start is not None else ""
    return f"  {failing.call}{at}{times}: {failing.reason}"


# -- helpers


def item_id(call: str, taken: Mapping[str, object]) -> str:
    """A call id fit for a test id and a file name: letters, digits, ``_.-``; a hash where that loses something."""
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "-", call)[:80].strip(".-") or "call"
    if clean != call or clean in taken:
        clean = f"{clean[:70]}-{hashlib.sha256(call.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    number = 1
    unique = clean
    while unique in taken:
        number += 1
        unique = f"{clean}-{number}"
    return unique


def count_rules(place: Path, passed_over: Sequence[str]) -> int:
    """How many functions under a file or folder are marked as rules, by their text alone.

    Folders whose name matches a pattern of ``passed_over`` (pytest's norecursedirs) are not entered.
    """
    if place.is_file():
        return len(_RULE_LINE.findall(place.read_text(encoding="utf-8", errors="replace")))
    rules = 0
    for where, folders, names in os.walk(place):
        folders[:] = [name for name in folders if not any(fnmatch(name, pattern) for pattern in passed_over)]
        rules += sum(count_rules(Path(where, name), ()) for name in names if fnmatch(name, "test_*.py"))
    return rules


def selected(session: pytest.Session) -> RuleBook | None:
    """Claim the items of rules; the rules that were selected, as a book.

    None if there are none, or they are only to be listed.
    """
    if session.config.option.collectonly:
        return None
    claims = [claim for item in session.items if (claim := _claim(item)) is not None]
    if not claims:
        return None
    root = claims[0].root
    return RuleBook({id(rule): rule for rule in (claim.rule for claim in claims)}.values(), code_at(root), root=root)


def _claim(item: pytest.Item) -> Claim | None:
    """Note what the item of a rule judges, and spare it the fixtures that the engine stands in for."""
    found = rule_of(getattr(item, "function", None))
    if found is None or not isinstance(item, pytest.Function):
        return None
    callspec = getattr(item, "callspec", None)
    ref = callspec.params.get("_callqa_ref") if callspec is not None else None
    claim = item.stash[CLAIM] = Claim(found, ref, root_of(item))
    needless = _NEEDLESS - (found.arguments - PORTABLE)
    item.fixturenames = [name for name in item.fixturenames if name not in needless]
    return claim


def root_of(item: pytest.Item) -> Path:
    """The rule book an item belongs to: the nearest folder above with a code.toml, else its own."""
    return _root_above(item.path)


@cache
def _root_above(file: Path) -> Path:
    return find_root(file.parent) or file.parent


@cache
def code_at(root: Path) -> Code:
    """The settings of the rule book at ``root``; empty when it has no code.toml."""
    file = root / "code.toml"
    return Code.load(file) if file.is_file() else Code({})


def _properties(claim: Claim) -> list[tuple[str, object]]:
    """What JUnit and other reporters are told of an item."""
    told: list[tuple[str, object]] = [("clause", claim.rule.clause), ("severity", claim.rule.severity)]
    if claim.verdict is not None and claim.opened is not None:
        told += [("call", claim.opened.id), ("verdict", str(claim.verdict.outcome))]
        told += [("quote", e.quote) for e in claim.verdict.evidence if e.quote][:1]
    return told

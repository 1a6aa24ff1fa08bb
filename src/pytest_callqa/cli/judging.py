"""Judge calls: `callqa check`."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from pathlib import Path

from pytest_callqa import ledger
from pytest_callqa.batch import Job, judge_documents
from pytest_callqa.cli.common import (
    EXIT_CODES,
    Commands,
    baseline_of,
    book_option,
    command,
    gate_options,
    level_option,
    load_book,
    now,
    reading,
    reading_options,
    redact_option,
    width,
    write_report,
)
from pytest_callqa.errors import Unwritten
from pytest_callqa.gate import waivers
from pytest_callqa.gate.decision import Gate, decide
from pytest_callqa.gate.telling import gate_lines
from pytest_callqa.plugin.options import DEFAULT_LEDGER, SWITCHES, TIMEOUT
from pytest_callqa.provenance import files_read, told
from pytest_callqa.readers import find_documents, find_sidecars
from pytest_callqa.report.text import terminal_lines
from pytest_callqa.resume import before, make_way
from pytest_callqa.rules import RuleBook
from pytest_callqa.supervisor import Limits, sigterm_as_ctrl_c
from pytest_callqa.whole import left_there


def add_commands(commands: Commands) -> None:
    """Declare the commands of this module."""
    check = command(commands, "check", _check, "judge calls by the rule book, write the ledger, say what was broken")
    check.add_argument("calls", nargs="+", metavar="PATH", help="calls: files, folders or patterns")
    check.add_argument("--ledger", type=Path, default=Path(DEFAULT_LEDGER), help=f"default {DEFAULT_LEDGER}")
    check.add_argument("--report", type=Path, help="write the HTML report here")
    level_option(check, "--report-text")
    check.add_argument("--organisation", default="", help="the organisation agents must name")
    check.add_argument("--resume", action="store_true", help=SWITCHES["resume"])
    check.add_argument("--jobs", type=int, default=0, help="processes (default: one a processor)")
    check.add_argument("--timeout", type=float, default=TIMEOUT, help=f"seconds a call may take (default {TIMEOUT})")
    check.add_argument("--memory", type=int, default=0, help="megabytes a process may take (default: any)")
    gate_options(check)
    redact_option(check)
    book_option(check)
    reading_options(check)


def _check(options: argparse.Namespace) -> int:
    book = load_book(options)
    left = [rule.clause for rule in book if not rule.portable]
    if left:
        print(f"callqa: not judged, they need fixtures, run pytest for them: {', '.join(left)}", file=sys.stderr)
    gate = Gate.parse(options.gate)
    baseline, against = baseline_of(options)
    with sigterm_as_ctrl_c():
        try:
            job = _begin(options, book)
        except Unwritten as error:
            report = f"\n{options.report} was not written{left_there(options.report)}" if options.report else ""
            raise Unwritten(f"{error}{report}") from None
        try:
            _judge(options, job)
        except KeyboardInterrupt:
            print("callqa: stopped; what was judged is in the ledger", file=sys.stderr)
        except Unwritten as error:
            print(f"callqa: {error}", file=sys.stderr)
    decision = decide([options.ledger], gate, baseline, against)
    columns = width()
    print("\n".join([*terminal_lines(decision.summary, columns), "", *gate_lines(decision, columns)]))
    if options.report:
        write_report([options.ledger], options.report, options.level)
    return EXIT_CODES[decision.result]


def _begin(options: argparse.Namespace, book: RuleBook) -> Job:
    """Begin the ledger of a run over the portable rules of the book; until then an older one stays as it is."""
    how = reading(options)
    sidecars = find_sidecars(options.calls, how)
    calls = sum(1 for _ in find_documents(options.calls, how))
    rules = [rule for rule in book if rule.portable]
    order = tuple(rule.clause for rule in rules)
    accepted = waivers.load(book.root)
    first = ledger.run_line(
        RuleBook(rules, book.code, root=book.root, version=book.version),
        tool=version("pytest-callqa"),
        mode="batch",
        started=now(),
        settings=told(
            how,
            options.redact,
            calls=" ".join(options.calls),
            organisation=options.organisation,
            rules_not_run=", ".join(rule.clause for rule in book if not rule.portable),
        ),
        waivers=accepted,
    )
    resume = (options.ledger, first) if options.resume else None
    if resume:
        make_way(options.ledger, resume=True)
    ledger.start_ledger(options.ledger, first, ledger.Plan(verdicts=calls * len(order)), over=True)
    if not resume:
        before(options.ledger).unlink(missing_ok=True)
    in_force = waivers.in_force(accepted, waivers.day_of(first))
    return Job(book.root, order, order, how, sidecars, options.organisation, options.redact, in_force, resume)


def _judge(options: argparse.Namespace, job: Job) -> None:
    """Judge the calls, and write the ledger as it goes."""
    how, order = job.options, job.order
    limits = Limits(options.timeout, options.memory)
    documents = find_documents(options.calls, how)
    calls = 0
    with ledger.Writer(options.ledger) as writer:
        for calls, line in enumerate(judge_documents(documents, job, jobs=options.jobs, limits=limits), 1):
            writer.write(line)
            if sys.stderr.isatty() and calls % 500 == 0:
                print(f"\r{calls:,} calls judged", end="", file=sys.stderr)
        if sys.stderr.isatty():
            print("\r", end="", file=sys.stderr)
        table = waivers.exhibit_of(options.ledger)
        writer.write(*filter(None, [table]), *files_read(options.ledger, [*how.cases, *how.attestations]))
        writer.write(ledger.Plan(verdicts=calls * len(order)), ledger.End(finished=now()))
    before(options.ledger).unlink(missing_ok=True)

"""Judge calls: `callqa check`, and say beforehand what that takes: `callqa plan`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_callqa import batch, ledger
from pytest_callqa.batch import Job, judge_documents
from pytest_callqa.cli.common import (
    CLEAN,
    EXIT_CODES,
    Commands,
    baseline_of,
    book_folder,
    book_option,
    command,
    gate_options,
    level_option,
    load_book,
    now,
    reading,
    reading_options,
    redact_option,
    seconds,
    whole,
    width,
    write_report,
)
from pytest_callqa.errors import CallQAError, Unwritten
from pytest_callqa.gate import waivers
from pytest_callqa.gate.decision import Gate, decide
from pytest_callqa.gate.telling import gate_lines
from pytest_callqa.options import CALLS, DEFAULT_LEDGER, SWITCHES, TIMEOUT
from pytest_callqa.provenance import files, files_read, told
from pytest_callqa.readers import find_documents, find_sidecars
from pytest_callqa.report.text import terminal_lines
from pytest_callqa.resume import before, make_way
from pytest_callqa.rules import RuleBook
from pytest_callqa.supervisor import Limits, Process, sigterm_as_ctrl_c, started_ahead
from pytest_callqa.whole import left_there

ENGINES = ("local", "dask")
"""What judges shards."""

SHARDS = "shards"
"""The folder beside the ledger that keeps results of shards until the ledger is written."""


def add_commands(commands: Commands) -> None:
    """Declare the commands of this module."""
    check = command(commands, "check", _check, "judge calls by the rule book, write the ledger, say what was broken")
    check.add_argument("calls", nargs="+", metavar="PATH", help=CALLS)
    check.add_argument("--ledger", type=Path, default=Path(DEFAULT_LEDGER), help=f"default {DEFAULT_LEDGER}")
    check.add_argument("--report", type=Path, help="write the HTML report here")
    level_option(check, "--report-text")
    check.add_argument("--resume", action="store_true", help=SWITCHES["resume"])
    text = "judge in shards whose results are kept, here or on a Dask cluster; goes on where it was stopped"
    check.add_argument("--engine", choices=ENGINES, help=text)
    check.add_argument("--scheduler", default="", metavar="ADDRESS", help="of a Dask cluster (default: workers here)")
    text = f"folder or s3://bucket/folder for the results of shards (default: {SHARDS} beside the ledger, then removed)"
    check.add_argument("--store", metavar="WHERE", help=text)
    gate_options(check)
    _job_options(check)

    text = "say how many calls and shards a run has, and what processor time and bytes it will take"
    plan = command(commands, "plan", _plan, text)
    plan.add_argument("calls", nargs="+", metavar="PATH", help=CALLS)
    plan.add_argument("--output", "-o", type=Path, metavar="FILE", help="write the plan here, for other engines")
    _job_options(plan)


def _job_options(command: argparse.ArgumentParser) -> None:
    """What bears on how calls are judged."""
    command.add_argument("--organisation", default="", help="the organisation agents must name")
    command.add_argument("--jobs", type=whole, default=0, help="processes (default: one a processor)")
    command.add_argument(
        "--timeout", type=seconds, default=TIMEOUT, help=f"seconds a call may take (default {TIMEOUT})"
    )
    command.add_argument("--memory", type=whole, default=0, help="megabytes a process may take (default: any)")
    redact_option(command)
    book_option(command)
    reading_options(command)


def _check(options: argparse.Namespace) -> int:
    if options.engine:
        return _judge(options, partial(_judge_in_shards, options))
    told = {"language": reading(options).language, "organisation": options.organisation}
    with started_ahead(partial(batch.get_ready, book_folder(options), **told), _limits(options)) as ahead:
        return _judge(options, partial(_judge_in_one, options, ahead=ahead))


def _judge(options: argparse.Namespace, judge: Callable[[RuleBook], None]) -> int:
    book = load_book(options)
    left = [rule.clause for rule in book if not rule.portable]
    if left:
        print(f"callqa: not judged, they need fixtures, run pytest for them: {', '.join(left)}", file=sys.stderr)
    gate = Gate.parse(options.gate)
    baseline, against = baseline_of(options)
    with sigterm_as_ctrl_c(), ledger.alone(options.ledger):
        try:
            judge(book)
        except _Begun as stopped:
            print(f"callqa: {stopped}", file=sys.stderr)
        except Unwritten as error:
            report = f"\n{options.report} was not written{left_there(options.report)}" if options.report else ""
            raise Unwritten(f"{error}{report}") from None
    decision = decide([options.ledger], gate, baseline, against)
    columns = width()
    print("\n".join([*terminal_lines(decision.summary, columns), "", *gate_lines(decision, columns)]))
    if options.report:
        write_report([options.ledger], options.report, options.level)
    return EXIT_CODES[decision.result]


def _judge_in_one(options: argparse.Namespace, book: RuleBook, *, ahead: list[Process]) -> None:
    """Judge the calls in one stream, and write the ledger as it goes."""
    first, job = _job(options, book)
    calls = sum(1 for _ in find_documents(options.calls, job.options))
    _begin(options, first, calls * len(job.order))
    if options.resume:
        job = replace(job, resume=(options.ledger, first))
    documents = find_documents(options.calls, job.options)
    lines = judge_documents(documents, job, jobs=options.jobs, limits=_limits(options), ahead=ahead)
    _write(options, job, lines, files_read(options.ledger, _tables(job)))


def _judge_in_shards(options: argparse.Namespace, book: RuleBook) -> None:
    """Judge the calls shard by shard, with an engine, and write the ledger when every shard is judged."""
    from pytest_callqa.scale.engines import judge_here, judge_on_dask
    from pytest_callqa.scale.planning import make_plan
    from pytest_callqa.scale.reducing import reduced
    from pytest_callqa.scale.shards import Shard, Terms
    from pytest_callqa.scale.store import open_store

    first, job = _job(options, book)
    limits = _limits(options)
    beside = options.ledger.with_name(SHARDS)
    ledger.hide_folder(options.ledger.parent)
    where = options.store or str(beside)
    store = open_store(where)
    done = store.keys()
    plan = make_plan(options.ledger.with_name("plan.jsonl"), job, Terms.of(job, options.calls, limits))
    judged: Iterator[Shard] = iter(())
    if options.engine == "dask":
        todo = plan.without(store.keys())
        judged = judge_on_dask(todo, plan, where, scheduler=options.scheduler, jobs=options.jobs, limits=limits)
    left = (shard for shard in plan if shard.key not in done)  # what a cluster gave up
    try:
        for shard in chain(judged, judge_here(left, job, store, jobs=options.jobs, limits=limits)):
            done.add(shard.key)
            _progress(f"{len(done):,} shards judged, of {plan.shards:,}")
    except KeyboardInterrupt:
        raise CallQAError(f"stopped; the shards judged are kept in {where}: the same command goes on there") from None
    lines = reduced(plan, store)
    _begin(options, first, plan.calls * len(job.order))
    _write(options, job, lines, chain(files(_tables(job)), plan.files()))
    plan.path.unlink()
    if not options.store:
        shutil.rmtree(beside)


def _plan(options: argparse.Namespace) -> int:
    from pytest_callqa.scale.estimate import estimate, lines
    from pytest_callqa.scale.planning import make_plan
    from pytest_callqa.scale.shards import Terms

    _, job = _job(options, load_book(options))
    limits = _limits(options)
    with TemporaryDirectory() as folder:
        path = options.output or Path(folder) / "plan.jsonl"
        plan = make_plan(path, job, Terms.of(job, options.calls, limits))
        print("\n".join(lines(estimate(plan, job, limits), options.jobs or os.cpu_count() or 1)))
    return CLEAN


def _limits(options: argparse.Namespace) -> Limits:
    return Limits(options.timeout, options.memory)


def _tables(job: Job) -> list[str]:
    return [*job.options.cases, *job.options.attestations]


def _job(options: argparse.Namespace, book: RuleBook) -> tuple[ledger.Run, Job]:
    """A run over the portable rules of the book, and what is to be judged by them."""
    how = reading(options)
    sidecars = find_sidecars(options.calls, how)
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
            options.calls,
            organisation=options.organisation,
            rules_not_run=", ".join(rule.clause for rule in book if not rule.portable),
        ),
        waivers=accepted,
    )
    in_force = waivers.in_force(accepted, waivers.day_of(first))
    return first, Job(book.root, order, order, how, sidecars, options.organisation, options.redact, in_force)


def _begin(options: argparse.Namespace, first: ledger.Run, verdicts: int) -> None:
    """Begin the ledger; until then an older one stays as it is."""
    if options.resume:
        make_way(options.ledger, resume=True)
    ledger.start_ledger(options.ledger, first, ledger.Plan(verdicts=verdicts), over=True)
    if not options.resume:
        before(options.ledger).unlink(missing_ok=True)


class _Begun(Exception):
    """What ended a run whose ledger is begun: what was judged is in it, and told."""


def _write(
    options: argparse.Namespace,
    job: Job,
    lines: Iterable[ledger.LedgerLine | bytes],
    read: Iterable[ledger.File],
) -> None:
    """Write what was judged into the ledger as it comes, and then what was read. Raises :class:`_Begun`."""
    calls = 0
    try:
        with ledger.Writer(options.ledger) as writer:
            for calls, line in enumerate(lines, 1):
                writer.write(line)
                if calls % 500 == 0:
                    _progress(f"{calls:,} calls judged")
            _progress("")
            table = waivers.exhibit_of(options.ledger)
            writer.write(*filter(None, [table]), *read)
            writer.write(ledger.Plan(verdicts=calls * len(job.order)), ledger.End(finished=now()))
    except KeyboardInterrupt:
        raise _Begun("stopped; what was judged is in the ledger") from None
    except Unwritten as error:
        raise _Begun(str(error)) from None
    before(options.ledger).unlink(missing_ok=True)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}", end="", file=sys.stderr)

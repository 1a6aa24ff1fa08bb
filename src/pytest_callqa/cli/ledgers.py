"""Tell what ledgers hold: `callqa report`, `baseline`, `calibrate`, `coverage` and `history`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_callqa.cli.common import (
    CLEAN,
    FINDINGS,
    NOT_JUDGED,
    Commands,
    baseline_of,
    command,
    gate_options,
    group,
    level_option,
    show,
    write_report,
)
from pytest_callqa.gate.baseline import Baseline
from pytest_callqa.gate.decision import Gate
from pytest_callqa.report.figures import Summary
from pytest_callqa.report.text import count, incomplete
from pytest_callqa.whole import write_whole

if TYPE_CHECKING:
    from pytest_callqa.history.store import Store


HISTORY = ".callqa/history.db"


def add_commands(commands: Commands) -> None:
    """Declare the commands of this module."""
    text = "make the report of one or more ledgers, as HTML or in a format of pipelines"
    report = command(commands, "report", _report, text)
    report.add_argument("ledgers", nargs="+", type=Path, metavar="LEDGER")
    report.add_argument("--output", "-o", type=Path, help="default report.html; other formats: standard output")
    formats = ("html", "json", "markdown", "sarif", "github", "gitlab")
    report.add_argument("--format", choices=formats, default="html", help="default html")
    gate_options(report)
    report.add_argument("--compare", action="append", default=[], type=Path, metavar="LEDGER", help="a former run's")
    level_option(report, "--text")
    text = "write the agents' scorecards here too, as CSV or XLSX by the file's name"
    report.add_argument("--scorecards", type=Path, metavar="FILE", help=text)

    text = "say which situations and clauses the calls and customers of some runs exercised, and which never"
    covering = command(commands, "coverage", _coverage, text)
    covering.add_argument("ledgers", nargs="+", type=Path, metavar="LEDGER")
    covering.add_argument("--ledger", type=Path, help="add the table to this ledger, for the report")

    history = group(commands, "history", "keep what ledgers found over time, and tell how it went")
    where = f"a file, or a postgresql:// address (default {HISTORY}, or the address in CALLQA_HISTORY)"
    adding = command(history, "add", _history_add, "add the runs of ledgers, each once")
    adding.add_argument("ledgers", nargs="+", type=Path, metavar="LEDGER")
    adding.add_argument("--store", metavar="WHERE", help=where)
    trending = command(history, "trend", _history_trend, "how often rules were kept in the last weeks")
    trending.add_argument("--by", choices=("clause", "agent", "week"), default="clause", help="default clause")
    trending.add_argument("--clause", default="", help="of this clause only")
    trending.add_argument("--agent", default="", help="of this agent only")
    trending.add_argument("--weeks", type=int, default=8, metavar="N", help="default 8")
    trending.add_argument("--ledger", type=Path, help="add the table to this ledger, for the report")
    trending.add_argument("--store", metavar="WHERE", help=where)

    text = "hold people's verdicts on calls against the rules': agreement, kappa, precision, recall, where they differ"
    calibrating = command(commands, "calibrate", _calibrate, text)
    calibrating.add_argument("judgements", type=Path, metavar="HUMAN.csv", help="columns call, clause, verdict")
    calibrating.add_argument("ledgers", nargs="+", type=Path, metavar="LEDGER")
    calibrating.add_argument("--keep", action="store_true", help="add the table to the first ledger, for the report")

    text = "keep the findings of ledgers as the baseline that later runs are held against"
    baseline = command(commands, "baseline", _baseline, text)
    baseline.add_argument("action", choices=("update",))
    baseline.add_argument("ledgers", nargs="+", type=Path, metavar="LEDGER")
    text = "default conduct_specs/baseline.jsonl; keep it in version control"
    baseline.add_argument("--output", "-o", type=Path, default=Path("conduct_specs/baseline.jsonl"), help=text)


def _report(options: argparse.Namespace) -> int:
    if options.format == "html":
        summary = write_report(options.ledgers, options.output or Path("report.html"), options.level, options.compare)
    else:
        summary = _write_format(options)
    if options.scorecards:
        from pytest_callqa.report.sheets import write_scorecards

        write_scorecards(summary, options.scorecards)
        print(f"scorecards: {options.scorecards}")
    for line in incomplete(summary):
        print(f"callqa: {line}", file=sys.stderr)
    return CLEAN if summary.complete else NOT_JUDGED


def _write_format(options: argparse.Namespace) -> Summary:
    from pytest_callqa.outputs import FORMATS, Results

    baseline, against = baseline_of(options)
    results = Results(options.ledgers, Gate.parse(options.gate), baseline, against)
    data = (piece.encode("utf-8", "replace") for piece in FORMATS[options.format](results))
    if options.output:
        write_whole(options.output, data)
        print(f"{options.format}: {options.output}")
    else:
        sys.stdout.buffer.writelines(data)
    return results.decision.summary


def _baseline(options: argparse.Namespace) -> int:
    baseline = Baseline.of(options.ledgers)
    baseline.write(options.output)
    findings = sum(len(call.clauses) for call in baseline.calls)
    print(f"baseline: {options.output}: {count(findings, 'finding')} in {count(len(baseline.calls), 'call')}")
    return CLEAN


def _calibrate(options: argparse.Namespace) -> int:
    from pytest_callqa.gate import calibration

    found = calibration.calibrate(options.judgements, options.ledgers)
    show(
        calibration.exhibit(found),
        *(f"differ: {line}" for line in calibration.told(found.differences)),
        *(f"under its floor of agreement: {clause}" for clause in found.under),
        *(f"too few judgements to say whether it holds its floor of agreement: {clause}" for clause in found.small),
        keep=options.ledgers[0] if options.keep else None,
    )
    return FINDINGS if found.under else NOT_JUDGED if found.small else CLEAN


def _coverage(options: argparse.Namespace) -> int:
    from pytest_callqa.scenarios.coverage import coverage

    show(coverage(options.ledgers), keep=options.ledger)
    return CLEAN


def _store(options: argparse.Namespace) -> Store:
    from pytest_callqa.history.store import Store

    return Store(options.store or os.environ.get("CALLQA_HISTORY") or HISTORY)


def _history_add(options: argparse.Namespace) -> int:
    with _store(options) as store:
        for path in options.ledgers:
            print(f"{path}: {store.add(path)}")
    return CLEAN


def _history_trend(options: argparse.Namespace) -> int:
    from pytest_callqa.history.trend import trend

    with _store(options) as store:
        table = trend(store, options.by, clause=options.clause, agent=options.agent, weeks=options.weeks)
    show(table, keep=options.ledger)
    return CLEAN

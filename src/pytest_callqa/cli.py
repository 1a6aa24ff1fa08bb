"""``callqa``: the same engine and the same words as the pytest plugin, without pytest's collection."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest

from pytest_callqa import ledger, tuning, vendors
from pytest_callqa.batch import Job, judge_documents
from pytest_callqa.call import Call
from pytest_callqa.errors import CallQAError
from pytest_callqa.gate import waivers
from pytest_callqa.gate.baseline import Baseline
from pytest_callqa.gate.decision import Gate, Result, decide
from pytest_callqa.gate.telling import gate_lines
from pytest_callqa.phrases import PhraseBook
from pytest_callqa.plugin.options import ALLOW, DEFAULT_LEDGER, SWITCHES, TEXTS, TIMEOUT
from pytest_callqa.plugin.settings import role_map
from pytest_callqa.provenance import files_read, told
from pytest_callqa.readers import FORMATS, ReadOptions, Unreadable, find_documents, find_sidecars, read_calls, to_native
from pytest_callqa.redact import Level
from pytest_callqa.report.model import summarise
from pytest_callqa.report.text import count, exhibit_lines, rules_table, terminal_lines, visible
from pytest_callqa.report.transcript import TextLevel
from pytest_callqa.resume import before, make_way
from pytest_callqa.rules import RuleBook
from pytest_callqa.supervisor import Limits, sigterm_as_ctrl_c
from pytest_callqa.whole import write_whole

if TYPE_CHECKING:
    from pytest_callqa.history.store import Store

HISTORY = ".callqa/history.db"
CLEAN, FINDINGS, USAGE, NOT_JUDGED = 0, 1, 2, 3
"""Exit codes: nothing broken; a rule broken or a call unreadable; wrong usage; not every call could be judged."""

EXIT_CODES: dict[Result, int] = {"clean": CLEAN, "findings": FINDINGS, "not judged": NOT_JUDGED}

_HERE = Path(__file__).parent
BOOK = _HERE / "book" if (_HERE / "book").is_dir() else _HERE.parents[1] / "conduct_specs"
"""The worked rule book: inside the wheel, or beside ``src`` in a checkout."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (CallQAError, pytest.UsageError) as error:
        print(f"callqa: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("callqa: stopped before anything was finished", file=sys.stderr)
        return NOT_JUDGED
    except BrokenPipeError:
        return CLEAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="callqa", description=__doc__)
    parser.add_argument("--version", action="version", version=f"callqa {version('pytest-callqa')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=run)
        return command

    check = add("check", _check, "judge calls by the rule book, write the ledger, say what was broken")
    check.add_argument("calls", nargs="+", metavar="PATH", help="calls: files, folders or patterns")
    check.add_argument("--ledger", type=Path, default=Path(DEFAULT_LEDGER), help=f"default {DEFAULT_LEDGER}")
    check.add_argument("--report", type=Path, help="write the HTML report here")
    _level_option(check, "--report-text")
    check.add_argument("--organisation", default="", help="the organisation agents must name")
    check.add_argument("--resume", action="store_true", help=SWITCHES["resume"])
    check.add_argument("--jobs", type=int, default=0, help="processes (default: one a processor)")
    check.add_argument("--timeout", type=float, default=TIMEOUT, help=f"seconds a call may take (default {TIMEOUT})")
    check.add_argument("--memory", type=int, default=0, help="megabytes a process may take (default: any)")
    check.add_argument("--baseline", type=Path, metavar="FILE", help=TEXTS["baseline"][1])
    check.add_argument("--gate", default=TEXTS["gate"][0], metavar="WORDS", help=TEXTS["gate"][1])
    _redact_option(check)
    _book_option(check)
    _reading_options(check)

    report = add("report", _report, "make the report of one or more ledgers, as HTML or in a format of pipelines")
    report.add_argument("ledgers", nargs="+", type=Path, metavar="LEDGER")
    report.add_argument("--output", "-o", type=Path, help="default report.html; other formats: standard output")
    formats = ("html", "json", "markdown", "sarif", "github", "gitlab")
    report.add_argument("--format", choices=formats, default="html", help="default html")
    report.add_argument("--baseline", type=Path, metavar="FILE", help=TEXTS["baseline"][1])
    report.add_argument("--gate", default=TEXTS["gate"][0], metavar="WORDS", help=TEXTS["gate"][1])
    report.add_argument("--compare", action="append", default=[], type=Path, metavar="LEDGER", help="a former run's")
    _level_option(report, "--text")
    text = "write the agents' scorecards here too, as CSV or XLSX by the file's name"
    report.add_argument("--scorecards", type=Path, metavar="FILE", help=text)

    init = add("init", _init, "put a copy of the worked rule book into a folder, for you to adapt")
    init.add_argument("folder", nargs="?", type=Path, default=Path("conduct_specs"), help="default conduct_specs")

    convert = add("convert", _convert, "write calls of any format as native JSON lines")
    convert.add_argument("calls", nargs="+", metavar="PATH")
    convert.add_argument("--output", "-o", type=Path, help="default: standard output")
    _reading_options(convert)

    text = "say what a call can and cannot show, which clauses it leaves undecided, and who its speakers may be"
    inspecting = add("inspect", _inspect, text)
    inspecting.add_argument("calls", nargs="+", metavar="PATH", help="calls: files, folders or patterns")
    inspecting.add_argument("--first", type=int, default=10, metavar="N", help="look at this many calls, default 10")
    inspecting.add_argument("--organisation", default="", help="the organisation agents must name")
    _book_option(inspecting)
    _reading_options(inspecting)

    phrases = add("phrases", _phrases_help, "try a text on the phrases, or import a vendor's")
    phrases.set_defaults(parser=phrases)
    actions = phrases.add_subparsers(metavar="ACTION")
    text = "say which phrases are heard in a text, where, with what score, and what came nearest"
    trying = actions.add_parser("try", help=text, description=text)
    trying.set_defaults(command=_try)
    trying.add_argument("text")
    trying.add_argument("--language", default="", help="default: zh for Chinese characters, else en")
    trying.add_argument("--organisation", default="", help="the organisation agents must name")
    _book_option(trying)
    text = "make a rule book of a vendor's categories or phrase lists"
    importing = actions.add_parser("import", help=text, description=text)
    importing.set_defaults(command=_import)
    importing.add_argument("file", type=Path)
    importing.add_argument("--output", "-o", type=Path, default=Path("imported"), help="folder, default imported")
    importing.add_argument("--language", default="en")

    tuning = add("tune", _tune, "propose a phrase's threshold and wordings from labelled texts")
    tuning.add_argument("labelled", type=Path, metavar="LABELLED.csv")
    tuning.add_argument("--phrase", required=True, metavar="NAME")
    tuning.add_argument("--language", default="en")
    for column in ("text", "label", "group"):
        tuning.add_argument(f"--{column}", default=column, metavar="COLUMN", help=f"its column, default {column}")
    _book_option(tuning)

    text = "change calls that keep a clause so that they break it, and say which rules catch it"
    teeth = add("teeth", _teeth, text)
    teeth.add_argument(
        "calls", nargs="*", metavar="PATH", help="calls: files, folders or patterns (default: the book's)"
    )
    teeth.add_argument("--seeds", type=int, default=6, metavar="N", help="calls a rule and language, default 6")
    teeth.add_argument("--json", type=Path, metavar="FILE", help="write every mutant and what became of it here")
    teeth.add_argument("--ledger", type=Path, help="add the table to this ledger, for the report")
    _book_option(teeth)
    _reading_options(teeth)

    text = "say which situations and clauses the calls and customers of some runs exercised, and which never"
    covering = add("coverage", _coverage, text)
    covering.add_argument("ledgers", nargs="+", type=Path, metavar="LEDGER")
    covering.add_argument("--ledger", type=Path, help="add the table to this ledger, for the report")

    text = "keep what ledgers found over time, and tell how it went"
    history = add("history", _history_help, text)
    history.set_defaults(parser=history)
    doing = history.add_subparsers(metavar="ACTION")
    text = f"a file, or a postgresql:// address (default {HISTORY}, or the address in CALLQA_HISTORY)"
    adding = doing.add_parser("add", help="add the runs of ledgers, each once")
    adding.set_defaults(command=_history_add)
    adding.add_argument("ledgers", nargs="+", type=Path, metavar="LEDGER")
    adding.add_argument("--store", metavar="WHERE", help=text)
    trending = doing.add_parser("trend", help="how often rules were kept in the last weeks")
    trending.set_defaults(command=_history_trend)
    trending.add_argument("--by", choices=("clause", "agent", "week"), default="clause", help="default clause")
    trending.add_argument("--clause", default="", help="of this clause only")
    trending.add_argument("--agent", default="", help="of this agent only")
    trending.add_argument("--weeks", type=int, default=8, metavar="N", help="default 8")
    trending.add_argument("--ledger", type=Path, help="add the table to this ledger, for the report")
    trending.add_argument("--store", metavar="WHERE", help=text)

    text = "hold people's verdicts on calls against the rules': agreement, kappa, precision, recall, where they differ"
    calibrating = add("calibrate", _calibrate, text)
    calibrating.add_argument("judgements", type=Path, metavar="HUMAN.csv", help="columns call, clause, verdict")
    calibrating.add_argument("ledgers", nargs="+", type=Path, metavar="LEDGER")
    calibrating.add_argument("--keep", action="store_true", help="add the table to the first ledger, for the report")

    text = "keep the findings of ledgers as the baseline that later runs are held against"
    baseline = add("baseline", _baseline, text)
    baseline.add_argument("action", choices=("update",))
    baseline.add_argument("ledgers", nargs="+", type=Path, metavar="LEDGER")
    text = "default conduct_specs/baseline.jsonl; keep it in version control"
    baseline.add_argument("--output", "-o", type=Path, default=Path("conduct_specs/baseline.jsonl"), help=text)

    text = "walk every menu of an IVR in virtual time and say what a caller would trip over"
    crawling = add("crawl", _crawl, text)
    crawling.add_argument("bot", metavar="SPEC", help="such as twiml:shop.ivr:app/voice, or a YAML file of settings")
    crawling.add_argument("--bot-allow", action="append", default=[], metavar="HOST", help=ALLOW)
    crawling.add_argument("--language", default="en", help="of the silent caller, default en")
    crawling.add_argument("--ledger", type=Path, help="add menus and faults to this ledger, for the report")
    crawling.add_argument("--report", type=Path, help="write an HTML report of the walk here")
    _redact_option(crawling)
    _book_option(crawling)

    rules = add("rules", _rules, "list the rules of the book")
    _book_option(rules)
    return parser


def _level_option(command: argparse.ArgumentParser, name: str) -> None:
    text = TEXTS["report_text"][1]
    command.add_argument(name, dest="level", default=TEXTS["report_text"][0], choices=get_args(TextLevel), help=text)


def _redact_option(command: argparse.ArgumentParser) -> None:
    default, text = TEXTS["redact"]
    command.add_argument("--redact", default=default, choices=get_args(Level), help=text)


def _book_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--book", type=Path, help="rule book folder (default: ./conduct_specs, else the one shipped)")


def _reading_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", default="auto", choices=("auto", *FORMATS), help="read every call as this format")
    command.add_argument("--language", default="", help="language of calls that name none, such as en or zh")
    command.add_argument("--roles", action="append", default=[], metavar="ROLE_MAP", help="such as 0=agent,1=customer")
    command.add_argument("--cases", action="append", default=[], metavar="FILE", help="case records, CSV or JSON")
    command.add_argument(
        "--attestations", action="append", default=[], metavar="FILE", help="attestations, CSV or JSON"
    )
    command.add_argument("--recordings", action="store_true", help=SWITCHES["recordings"])
    command.add_argument("--speech-model", default="", metavar="FOLDER", help=TEXTS["speech_model"][1])


def _reading(options: argparse.Namespace) -> ReadOptions:
    return ReadOptions(
        format=options.format,
        roles=role_map(options.roles),
        language=options.language,
        cases=tuple(options.cases),
        attestations=tuple(options.attestations),
        recordings=options.recordings,
        speech_model=options.speech_model,
    )


def _load_book(options: argparse.Namespace) -> RuleBook:
    own = Path("conduct_specs")
    return RuleBook.load(options.book or (own if (own / "code.toml").is_file() else BOOK))


def _check(options: argparse.Namespace) -> int:
    book = _load_book(options)
    left = [rule.clause for rule in book if not rule.portable]
    if left:
        print(f"callqa: not judged, they need fixtures, run pytest for them: {', '.join(left)}", file=sys.stderr)
    gate = Gate.parse(options.gate)
    baseline, against = _baseline_of(options)
    with sigterm_as_ctrl_c():
        job = _begin(options, book)
        try:
            _judge(options, job)
        except KeyboardInterrupt:
            print("callqa: stopped; what was judged is in the ledger", file=sys.stderr)
    decision = decide([options.ledger], gate, baseline, against)
    width = shutil.get_terminal_size((100, 24)).columns
    print("\n".join([*terminal_lines(decision.summary, width), "", *gate_lines(decision, width)]))
    if options.report:
        _write_report([options.ledger], options.report, options.level)
    return EXIT_CODES[decision.result]


def _begin(options: argparse.Namespace, book: RuleBook) -> Job:
    """Begin the ledger of a run over the portable rules of the book; until then an older one stays as it is."""
    reading = _reading(options)
    sidecars = find_sidecars(options.calls, reading)
    calls = sum(1 for _ in find_documents(options.calls, reading))
    rules = [rule for rule in book if rule.portable]
    order = tuple(rule.clause for rule in rules)
    accepted = waivers.load(book.root)
    first = ledger.run_line(
        RuleBook(rules, book.code, root=book.root, version=book.version),
        tool=version("pytest-callqa"),
        mode="batch",
        started=_now(),
        settings=told(
            reading,
            calls=" ".join(options.calls),
            organisation=options.organisation,
            redact=options.redact.replace("standard", ""),
            rules_not_run=", ".join(rule.clause for rule in book if not rule.portable),
        ),
        waivers=accepted,
    )
    make_way(options.ledger, resume=options.resume)
    ledger.start_ledger(options.ledger, first, ledger.Plan(verdicts=calls * len(order)))
    resume = (options.ledger, first) if options.resume else None
    in_force = waivers.in_force(accepted, waivers.day_of(first))
    return Job(book.root, order, order, reading, sidecars, options.organisation, options.redact, in_force, resume)


def _judge(options: argparse.Namespace, job: Job) -> None:
    """Judge the calls, and write the ledger as it goes."""
    reading, order = job.options, job.order
    limits = Limits(options.timeout, options.memory)
    documents = find_documents(options.calls, reading)
    writer = ledger.Writer(options.ledger)
    calls = 0
    for calls, line in enumerate(judge_documents(documents, job, jobs=options.jobs, limits=limits), 1):
        writer.write(line)
        if sys.stderr.isatty() and calls % 500 == 0:
            print(f"\r{calls:,} calls judged", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    table = waivers.exhibit_of(options.ledger)
    writer.write(*filter(None, [table]), *files_read(options.ledger, [*reading.cases, *reading.attestations]))
    writer.write(ledger.Plan(verdicts=calls * len(order)), ledger.End(finished=_now()))
    writer.close()
    before(options.ledger).unlink(missing_ok=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _report(options: argparse.Namespace) -> int:
    if options.format == "html":
        _write_report(options.ledgers, options.output or Path("report.html"), options.level, options.compare)
    else:
        _write_format(options)
    if options.scorecards:
        from pytest_callqa.report.sheets import write_scorecards

        write_scorecards(summarise(options.ledgers), options.scorecards)
        print(f"scorecards: {options.scorecards}")
    return CLEAN


def _write_format(options: argparse.Namespace) -> None:
    from pytest_callqa.outputs import pieces

    baseline, against = _baseline_of(options)
    text = pieces(options.format, options.ledgers, Gate.parse(options.gate), baseline, against)
    data = (piece.encode("utf-8", "replace") for piece in text)
    if options.output:
        write_whole(options.output, data)
        print(f"{options.format}: {options.output}")
    else:
        sys.stdout.buffer.writelines(data)


def _baseline_of(options: argparse.Namespace) -> tuple[Baseline | None, str]:
    """The baseline that was named, if one was, and its name."""
    return (Baseline.load(options.baseline), options.baseline.name) if options.baseline else (None, "")


def _write_report(ledgers: list[Path], output: Path, level: TextLevel, former: Sequence[Path] = ()) -> None:
    from pytest_callqa.report.html import write_html

    print(f"report: {write_html(ledgers, output, level=level, former=former)}")


def _init(options: argparse.Namespace) -> int:
    if options.folder.exists():
        raise CallQAError(f"{options.folder} exists already; name another folder, nothing was changed")
    shutil.copytree(BOOK, options.folder, ignore=shutil.ignore_patterns("__pycache__"))
    print(f"The rule book is in {options.folder}. Set `organisation` in {options.folder / 'code.toml'}, then run:")
    print(f"  pytest {options.folder} --calls {options.folder / 'calls'}")
    return CLEAN


def _convert(options: argparse.Namespace) -> int:
    failed = False
    out = options.output.open("wb") if options.output else sys.stdout.buffer
    try:
        for call in read_calls(options.calls, _reading(options)):
            if isinstance(call, Unreadable):
                failed = True
                print(f"callqa: {call}", file=sys.stderr)
            else:
                out.write(to_native(call))
    finally:
        if options.output:
            out.close()
    return FINDINGS if failed else CLEAN


def _inspect(options: argparse.Namespace) -> int:
    from pytest_callqa.inspection import inspect_call, tell

    book = _load_book(options)
    width = shutil.get_terminal_size((100, 24)).columns
    failed = False
    for number, call in enumerate(read_calls(options.calls, _reading(options))):
        if number == options.first:
            print("There are more calls: say how many to look at with --first.")
            break
        if number:
            print()
        if isinstance(call, Unreadable):
            failed = True
            print(visible(str(call)))
        else:
            found = inspect_call(book, call, language=options.language, organisation=options.organisation)
            print("\n".join(tell(found, width)))
    return FINDINGS if failed else CLEAN


def _teeth(options: argparse.Namespace) -> int:
    from pytest_callqa.scenarios.teeth import exhibit, teeth_of, told

    book = _load_book(options)
    found = teeth_of(book, _readable(options.calls or [str(book.root / "calls")], options), seeds=options.seeds)
    table = exhibit(found)
    width = shutil.get_terminal_size((100, 24)).columns
    print("\n".join(exhibit_lines(table, width)))
    for rule in found.rules:
        for bite in rule.missed:
            print(f"missed: {rule.clause}: {visible(told(bite))}")
    if found.untouched:
        print(f"no mutant can break: {', '.join(found.untouched)}")
    if options.json:
        options.json.unlink(missing_ok=True)
        ledger.append(options.json, msgspec.json.format(msgspec.json.encode(found), indent=1))
    _add_to(options.ledger, table)
    return CLEAN if found.caught == found.breaking and not found.untouched else FINDINGS


def _readable(paths: Sequence[str], options: argparse.Namespace) -> list[Call]:
    """The calls under these paths; what cannot be read is told and left out."""
    calls = []
    for call in read_calls(paths, _reading(options)):
        if isinstance(call, Unreadable):
            print(f"callqa: {call}", file=sys.stderr)
        else:
            calls.append(call)
    return calls


def _coverage(options: argparse.Namespace) -> int:
    from pytest_callqa.scenarios.coverage import coverage

    table = coverage(options.ledgers)
    print("\n".join(exhibit_lines(table, shutil.get_terminal_size((100, 24)).columns)))
    _add_to(options.ledger, table)
    return CLEAN


def _crawl(options: argparse.Namespace) -> int:
    from pytest_callqa.bots.crawl import crawl, exhibit, lines
    from pytest_callqa.bots.spec import find_bot

    book = _load_book(options)
    crawled = crawl(find_bot(options.bot, allow=options.bot_allow), options.bot, book, language=options.language)
    print("\n".join(map(visible, lines(crawled, redact=options.redact))))
    table = exhibit(crawled, redact=options.redact)
    _add_to(options.ledger, table)
    if options.report:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "ledger.jsonl"
            run = ledger.run_line(book, tool=version("pytest-callqa"), mode="crawl", started=_now())
            ledger.start_ledger(path, run)
            ledger.append(path, table)
            _write_report([path], options.report, "none")
    return NOT_JUDGED if crawled.broke else FINDINGS if crawled.faults else CLEAN


def _add_to(path: Path | None, table: ledger.Exhibit) -> None:
    """Add a table to a ledger, if one was named, once. Raises :class:`BadInput` for a file that is no ledger."""
    if path is not None and table not in ledger.read(path):
        ledger.append(path, table)


def _history_help(options: argparse.Namespace) -> int:
    options.parser.print_help()
    return USAGE


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
    print("\n".join(exhibit_lines(table, shutil.get_terminal_size((100, 24)).columns)))
    _add_to(options.ledger, table)
    return CLEAN


def _calibrate(options: argparse.Namespace) -> int:
    from pytest_callqa.gate import calibration

    found = calibration.calibrate(options.judgements, options.ledgers)
    table = calibration.exhibit(found)
    print("\n".join(exhibit_lines(table, shutil.get_terminal_size((100, 24)).columns)))
    for line in calibration.told(found.differences):
        print(f"differ: {visible(line)}")
    for clause in found.under:
        print(f"under its floor of agreement: {clause}")
    for clause in found.small:
        print(f"too few judgements to say whether it holds its floor of agreement: {clause}")
    _add_to(options.ledgers[0] if options.keep else None, table)
    return FINDINGS if found.under else NOT_JUDGED if found.small else CLEAN


def _baseline(options: argparse.Namespace) -> int:
    baseline = Baseline.of(options.ledgers)
    baseline.write(options.output)
    findings = sum(len(call.clauses) for call in baseline.calls)
    print(f"baseline: {options.output}: {count(findings, 'finding')} in {count(len(baseline.calls), 'call')}")
    return CLEAN


def _rules(options: argparse.Namespace) -> int:
    book = _load_book(options)
    print("\n".join(rules_table(book)))
    return CLEAN


def _phrase_book(options: argparse.Namespace) -> PhraseBook:
    own = Path("conduct_specs")
    return PhraseBook.load((options.book or (own if own.is_dir() else BOOK)) / "phrases")


def _phrases_help(options: argparse.Namespace) -> int:
    options.parser.print_help()
    return USAGE


def _try(options: argparse.Namespace) -> int:
    book = _phrase_book(options)
    language = options.language or ("zh" if any("\u4e00" <= sign <= "\u9fff" for sign in options.text) else "en")
    if not book.speaks(language):
        raise CallQAError(f"no phrases in {language!r}; there are some in {', '.join(book.languages)}")
    slots = {"organisation": [options.organisation]} if options.organisation else {}
    print("\n".join(tuning.try_text(book.matcher(language, slots), book.names, options.text)))
    return CLEAN


def _import(options: argparse.Namespace) -> int:
    imported = vendors.read_rules(options.file)
    for file in vendors.write_book(imported, options.output, source=options.file.name, language=options.language):
        print(f"wrote {file}")
    for left in imported.left_out:
        print(f"not imported: {left}")
    return CLEAN


def _tune(options: argparse.Namespace) -> int:
    columns = {"text": options.text, "label": options.label, "group": options.group}
    labelled = tuning.read_labelled(options.labelled, options.phrase, **columns)
    book = _phrase_book(options)
    if not book.speaks(options.language):
        raise CallQAError(f"no phrases in {options.language!r}; there are some in {', '.join(book.languages)}")
    print("\n".join(tuning.tune(book, options.language, options.phrase, labelled).lines()))
    return CLEAN


if __name__ == "__main__":
    raise SystemExit(main())

"""What the commands share: exit codes, the rule book of a run, options of the same meaning, and their words."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias, cast, get_args

from pytest_callqa import ledger
from pytest_callqa.errors import BadInput
from pytest_callqa.gate.baseline import Baseline
from pytest_callqa.gate.decision import Result
from pytest_callqa.options import SWITCHES, TEXTS
from pytest_callqa.readers import FORMATS, ReadOptions, role_map
from pytest_callqa.redact import Level, redactor
from pytest_callqa.report.figures import Summary
from pytest_callqa.report.text import exhibit_lines, visible
from pytest_callqa.report.transcript import TextLevel
from pytest_callqa.rules import RuleBook

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What the parser of the command line takes commands with."""

CLEAN, FINDINGS, USAGE, NOT_JUDGED = 0, 1, 2, 3
"""Exit codes: nothing broken; a rule broken or a call unreadable; wrong usage; not every call could be judged, or what
was found could not be written."""

EXIT_CODES: dict[Result, int] = {"clean": CLEAN, "findings": FINDINGS, "not judged": NOT_JUDGED}
"""The exit code of what a gate decides."""

_PACKAGE = Path(__file__).parents[1]
BOOK = _PACKAGE / "book" if (_PACKAGE / "book").is_dir() else _PACKAGE.parents[1] / "conduct_specs"
"""The worked rule book: inside the wheel, or beside ``src`` in a checkout."""


def command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    """A new command: its parser, and what it runs, which gives the exit code."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def group(commands: Commands, name: str, text: str) -> Commands:
    """A new command that is only a name for several; alone it prints its help."""
    parser = command(commands, name, _help, text)
    parser.set_defaults(parser=parser)
    return parser.add_subparsers(metavar="ACTION")


def _help(options: argparse.Namespace) -> int:
    options.parser.print_help()
    return USAGE


def width() -> int:
    """The columns of the terminal."""
    return shutil.get_terminal_size((100, 24)).columns


def level_option(command: argparse.ArgumentParser, name: str) -> None:
    """How much of what was said the report shows."""
    text = TEXTS["report_text"][1]
    command.add_argument(name, dest="level", default=TEXTS["report_text"][0], choices=get_args(TextLevel), help=text)


def redact_option(command: argparse.ArgumentParser) -> None:
    """What is masked of personal data."""
    default, text = TEXTS["redact"]
    command.add_argument("--redact", default=default, choices=get_args(Level), type=_level, help=text)


def whole(text: str) -> int:
    """A whole number, zero or more. Raises :class:`argparse.ArgumentTypeError` for anything else."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def seconds(text: str) -> float:
    """A time of more than nothing. Raises :class:`argparse.ArgumentTypeError` for anything else."""
    with suppress(ValueError):
        if (given := float(text)) > 0:
            return given
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")


def _level(text: str) -> str:
    try:
        redactor(level=cast(Level, text))
    except BadInput as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def book_option(command: argparse.ArgumentParser) -> None:
    """The rule book that :func:`load_book` loads."""
    command.add_argument("--book", type=Path, help="rule book folder (default: ./conduct_specs, else the one shipped)")


def gate_options(command: argparse.ArgumentParser) -> None:
    """What findings are held against, and which of them stop a change."""
    command.add_argument("--baseline", type=Path, metavar="FILE", help=TEXTS["baseline"][1])
    command.add_argument("--gate", default=TEXTS["gate"][0], metavar="WORDS", help=TEXTS["gate"][1])


def reading_options(command: argparse.ArgumentParser) -> None:
    """How calls are read, as :func:`reading` takes it."""
    command.add_argument("--format", default="auto", choices=("auto", *FORMATS), help="read every call as this format")
    command.add_argument("--language", default="", help="language of calls that name none, such as en or zh")
    command.add_argument("--roles", action="append", default=[], metavar="ROLE_MAP", help="such as 0=agent,1=customer")
    command.add_argument("--cases", action="append", default=[], metavar="FILE", help="case records, CSV or JSON")
    command.add_argument(
        "--attestations", action="append", default=[], metavar="FILE", help="attestations, CSV or JSON"
    )
    command.add_argument("--recordings", action="store_true", help=SWITCHES["recordings"])
    command.add_argument("--speech-model", default="", metavar="FOLDER", help=TEXTS["speech_model"][1])


def reading(options: argparse.Namespace) -> ReadOptions:
    """What was said of how to read calls."""
    return ReadOptions(
        format=options.format,
        roles=role_map(options.roles),
        language=options.language,
        cases=tuple(options.cases),
        attestations=tuple(options.attestations),
        recordings=options.recordings,
        speech_model=options.speech_model,
    )


def book_folder(options: argparse.Namespace) -> Path:
    """The book that was named, else the one here, else the worked one."""
    own = Path("conduct_specs")
    return Path(options.book or (own if (own / "code.toml").is_file() else BOOK))


def load_book(options: argparse.Namespace) -> RuleBook:
    """The book in :func:`book_folder`. Raises :class:`BadBook`."""
    return RuleBook.load(book_folder(options))


def baseline_of(options: argparse.Namespace) -> tuple[Baseline | None, str]:
    """The baseline that was named, if one was, and its name."""
    return (Baseline.load(options.baseline), options.baseline.name) if options.baseline else (None, "")


def write_report(ledgers: list[Path], output: Path, level: TextLevel, former: Sequence[Path] = ()) -> Summary:
    """Write the HTML report and say where it is; the figures that it tells."""
    from pytest_callqa.report.html import write_html

    written = write_html(ledgers, output, level=level, former=former)
    print(f"report: {written}")
    return written.summary


def show(table: ledger.Exhibit, *more: str, keep: Path | None) -> None:
    """Print a table and more lines, and add it to a ledger, if one is named, once.

    Raises :class:`BadInput` for a file that is no ledger.
    """
    print("\n".join([*exhibit_lines(table, width()), *map(visible, more)]))
    add_to(keep, table)


def add_to(path: Path | None, table: ledger.Exhibit) -> None:
    """Add a table to a ledger, if one is named, once. Raises :class:`BadInput` for a file that is no ledger."""
    if path is not None and table not in ledger.read(path):
        ledger.append(path, table)


def now() -> str:
    """The time, as ledgers hold it."""
    return datetime.now(UTC).isoformat(timespec="seconds")

"""Look at calls and turn them: `callqa convert` and `callqa inspect`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from pytest_callqa.cli.common import (
    CLEAN,
    FINDINGS,
    Commands,
    book_option,
    command,
    load_book,
    reading,
    reading_options,
    width,
)
from pytest_callqa.options import CALLS
from pytest_callqa.readers import Unreadable, read_calls, to_native
from pytest_callqa.report.text import visible
from pytest_callqa.whole import write_whole


def add_commands(commands: Commands) -> None:
    """Declare the commands of this module."""
    convert = command(commands, "convert", _convert, "write calls of any format as native JSON lines")
    convert.add_argument("calls", nargs="+", metavar="PATH")
    convert.add_argument("--output", "-o", type=Path, help="default: standard output")
    reading_options(convert)

    text = "say what a call can and cannot show, which clauses it leaves undecided, and who its speakers may be"
    inspecting = command(commands, "inspect", _inspect, text)
    inspecting.add_argument("calls", nargs="+", metavar="PATH", help=CALLS)
    inspecting.add_argument("--first", type=int, default=10, metavar="N", help="look at this many calls, default 10")
    inspecting.add_argument("--organisation", default="", help="the organisation agents must name")
    book_option(inspecting)
    reading_options(inspecting)


def _convert(options: argparse.Namespace) -> int:
    failed = False

    def lines() -> Iterator[bytes]:
        nonlocal failed
        for call in read_calls(options.calls, reading(options)):
            if isinstance(call, Unreadable):
                failed = True
                print(f"callqa: {call}", file=sys.stderr)
            else:
                yield to_native(call)

    if options.output:
        write_whole(options.output, lines())
    else:
        sys.stdout.buffer.writelines(lines())
    return FINDINGS if failed else CLEAN


def _inspect(options: argparse.Namespace) -> int:
    from pytest_callqa.inspection import inspect_call, tell

    book = load_book(options)
    failed = False
    for number, call in enumerate(read_calls(options.calls, reading(options))):
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
            print("\n".join(tell(found, width())))
    return FINDINGS if failed else CLEAN

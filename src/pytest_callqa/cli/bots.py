"""Walk a bot's menus: `callqa crawl`."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_callqa import ledger
from pytest_callqa.cli.common import (
    CLEAN,
    FINDINGS,
    NOT_JUDGED,
    Commands,
    add_to,
    book_option,
    command,
    load_book,
    now,
    redact_option,
    write_report,
)
from pytest_callqa.options import ALLOW
from pytest_callqa.report.text import visible


def add_commands(commands: Commands) -> None:
    """Declare the commands of this module."""
    text = "walk every menu of an IVR in virtual time and say what a caller would trip over"
    crawling = command(commands, "crawl", _crawl, text)
    crawling.add_argument("bot", metavar="SPEC", help="such as twiml:shop.ivr:app/voice, or a YAML file of settings")
    crawling.add_argument("--bot-allow", action="append", default=[], metavar="HOST", help=ALLOW)
    crawling.add_argument("--language", default="en", help="of the silent caller, default en")
    crawling.add_argument("--ledger", type=Path, help="add menus and faults to this ledger, for the report")
    crawling.add_argument("--report", type=Path, help="write an HTML report of the walk here")
    redact_option(crawling)
    book_option(crawling)


def _crawl(options: argparse.Namespace) -> int:
    from pytest_callqa.bots.crawl import crawl, exhibit, lines
    from pytest_callqa.bots.spec import find_bot

    book = load_book(options)
    crawled = crawl(find_bot(options.bot, allow=options.bot_allow), options.bot, book, language=options.language)
    print("\n".join(map(visible, lines(crawled, redact=options.redact))))
    table = exhibit(crawled, redact=options.redact)
    add_to(options.ledger, table)
    if options.report:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "ledger.jsonl"
            run = ledger.run_line(book, tool=version("pytest-callqa"), mode="crawl", started=now())
            ledger.start_ledger(path, run)
            ledger.append(path, table)
            write_report([path], options.report, "none")
    return NOT_JUDGED if crawled.broke else FINDINGS if crawled.faults else CLEAN

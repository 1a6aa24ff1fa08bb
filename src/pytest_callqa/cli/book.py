"""Make, list and try a rule book: `callqa init`, `rules`, `teeth`, `phrases` and `tune`."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pytest_callqa import tuning, vendors
from pytest_callqa.call import Call
from pytest_callqa.cli.common import (
    BOOK,
    CLEAN,
    FINDINGS,
    Commands,
    book_option,
    command,
    group,
    load_book,
    reading,
    reading_options,
    show,
)
from pytest_callqa.errors import CallQAError, Unwritten
from pytest_callqa.options import CALLS
from pytest_callqa.phrases import PhraseBook
from pytest_callqa.readers import Unreadable, read_calls
from pytest_callqa.report.text import rules_table
from pytest_callqa.whole import write_whole


def add_commands(commands: Commands) -> None:
    """Declare the commands of this module."""
    init = command(commands, "init", _init, "put a copy of the worked rule book into a folder, for you to adapt")
    init.add_argument("folder", nargs="?", type=Path, default=Path("conduct_specs"), help="default conduct_specs")

    rules = command(commands, "rules", _rules, "list the rules of the book")
    book_option(rules)

    phrases = group(commands, "phrases", "try a text on the phrases, or import a vendor's")
    text = "say which phrases are heard in a text, where, with what score, and what came nearest"
    trying = command(phrases, "try", _try, text)
    trying.add_argument("text")
    trying.add_argument("--language", default="", help="default: zh for Chinese characters, else en")
    trying.add_argument("--organisation", default="", help="the organisation agents must name")
    book_option(trying)
    importing = command(phrases, "import", _import, "make a rule book of a vendor's categories or phrase lists")
    importing.add_argument("file", type=Path)
    importing.add_argument("--output", "-o", type=Path, default=Path("imported"), help="folder, default imported")
    importing.add_argument("--language", default="en")

    tuning = command(commands, "tune", _tune, "propose a phrase's threshold and wordings from labelled texts")
    tuning.add_argument("labelled", type=Path, metavar="LABELLED.csv")
    tuning.add_argument("--phrase", required=True, metavar="NAME")
    tuning.add_argument("--language", default="en")
    for column in ("text", "label", "group"):
        tuning.add_argument(f"--{column}", default=column, metavar="COLUMN", help=f"its column, default {column}")
    book_option(tuning)

    text = "change calls that keep a clause so that they break it, and say which rules catch it"
    teeth = command(commands, "teeth", _teeth, text)
    teeth.add_argument("calls", nargs="*", metavar="PATH", help=f"{CALLS} (default: the book's)")
    teeth.add_argument("--seeds", type=int, default=6, metavar="N", help="calls a rule and language, default 6")
    teeth.add_argument("--json", type=Path, metavar="FILE", help="write every mutant and what became of it here")
    teeth.add_argument("--ledger", type=Path, help="add the table to this ledger, for the report")
    book_option(teeth)
    reading_options(teeth)


def _init(options: argparse.Namespace) -> int:
    if options.folder.exists():
        raise CallQAError(f"{options.folder} exists already; name another folder, nothing was changed")
    try:
        shutil.copytree(BOOK, options.folder, ignore=shutil.ignore_patterns("__pycache__"))
    except OSError as error:  # of many files, it lists what went wrong with each
        shutil.rmtree(options.folder, ignore_errors=True)
        why = error.strerror or error.args[0][0][2]
        raise Unwritten(f"cannot be written: {why}; make room, or name another", file=str(options.folder)) from None
    print(f"The rule book is in {options.folder}. Set `organisation` in {options.folder / 'code.toml'}, then run:")
    print(f"  pytest {options.folder} --calls {options.folder / 'calls'}")
    return CLEAN


def _rules(options: argparse.Namespace) -> int:
    book = load_book(options)
    print("\n".join(rules_table(book)))
    return CLEAN


def _teeth(options: argparse.Namespace) -> int:
    from pytest_callqa.scenarios.teeth import exhibit, teeth_of, told

    book = load_book(options)
    found = teeth_of(book, _readable(options.calls or [str(book.root / "calls")], options), seeds=options.seeds)
    missed = [f"missed: {rule.clause}: {told(bite)}" for rule in found.rules for bite in rule.missed]
    untouched = [f"no mutant can break: {', '.join(found.untouched)}"] if found.untouched else []
    if options.json:
        write_whole(options.json, [msgspec.json.format(msgspec.json.encode(found), indent=1)])
    show(exhibit(found), *missed, *untouched, keep=options.ledger)
    return CLEAN if found.caught == found.breaking and not found.untouched else FINDINGS


def _readable(paths: Sequence[str], options: argparse.Namespace) -> list[Call]:
    """The calls under these paths; what cannot be read is told and left out."""
    calls = []
    for call in read_calls(paths, reading(options)):
        if isinstance(call, Unreadable):
            print(f"callqa: {call}", file=sys.stderr)
        else:
            calls.append(call)
    return calls


def _try(options: argparse.Namespace) -> int:
    book = _phrase_book(options)
    language = options.language or ("zh" if any("\u4e00" <= sign <= "\u9fff" for sign in options.text) else "en")
    if not book.speaks(language):
        raise CallQAError(f"no phrases in {language!r}; there are some in {', '.join(book.languages)}")
    slots = {"organisation": [options.organisation]} if options.organisation else {}
    print("\n".join(tuning.try_text(book, language, options.text, slots)))
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


def _phrase_book(options: argparse.Namespace) -> PhraseBook:
    own = Path("conduct_specs")
    return PhraseBook.load((options.book or (own if own.is_dir() else BOOK)) / "phrases")

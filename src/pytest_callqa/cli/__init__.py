"""``callqa``: the same engine and the same words as the pytest plugin, without pytest's collection."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version

from pytest_callqa.cli import book, bots, calls, judging, ledgers
from pytest_callqa.cli.common import BOOK, CLEAN, FINDINGS, NOT_JUDGED, USAGE
from pytest_callqa.errors import CallQAError, Unwritten

__all__ = ["BOOK", "CLEAN", "FINDINGS", "NOT_JUDGED", "USAGE", "main", "parser"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        code = run(options)
        sys.stdout.flush()
    except Unwritten as error:
        print(f"callqa: {error}", file=sys.stderr)
        return NOT_JUDGED
    except CallQAError as error:
        print(f"callqa: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("callqa: stopped before anything was finished", file=sys.stderr)
        return NOT_JUDGED
    except BrokenPipeError:
        _close_stdout()
        return CLEAN
    except OSError as error:
        print(f"callqa: {error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
        _close_stdout()
        return NOT_JUDGED
    return code


def _close_stdout() -> None:
    """Let Python not try again, at its end, what standard output did not take."""
    with suppress(OSError), open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    whole = argparse.ArgumentParser(prog="callqa", description=__doc__)
    whole.add_argument("--version", action="version", version=f"callqa {version('pytest-callqa')}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for module in (judging, ledgers, calls, book, bots):
        module.add_commands(commands)
    return whole

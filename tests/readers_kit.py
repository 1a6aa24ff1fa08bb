"""Reading in one line: a call from a real file or from content written in the test."""

from __future__ import annotations

import json
from pathlib import Path

from pytest_callqa.call import Call
from pytest_callqa.readers import Document, ReadOptions, Sidecars, Unreadable, read_document

CALLS = Path(__file__).parent / "data" / "calls"


def found(content: object, file: str = "call.json", options: ReadOptions | None = None) -> Call | Unreadable:
    """What reading makes of ``content``: bytes, text, a path under ``data/calls``, or a value for JSON."""
    options = options or ReadOptions()
    if isinstance(content, Path):
        document = Document(str(CALLS / content))
    else:
        if isinstance(content, str):
            content = content.encode()
        document = Document(file, data=content if isinstance(content, bytes) else json.dumps(content).encode())
    [result] = read_document(document, options, Sidecars.load(options, []))
    return result


def call(content: object, options: ReadOptions | None = None) -> Call:
    """The call that ``content`` holds."""
    result = found(content, options=options)
    assert isinstance(result, Call), result
    return result


def refusal(content: object, options: ReadOptions | None = None) -> str:
    """Why ``content`` is not read, with the place."""
    result = found(content, options=options)
    assert isinstance(result, Unreadable), "it was read"
    return str(result).removeprefix("call.json").removeprefix(", ").removeprefix(": ")

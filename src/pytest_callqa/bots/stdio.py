"""A program that talks on its standard input and output: in plain lines with a prompt, or in lines of JSON."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shlex
import subprocess
import time
from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from pytest_callqa.bots import Move, Reply
from pytest_callqa.bots.chat import HANGS_UP, ChatBot, ChatOptions
from pytest_callqa.errors import BadInput, BotError

MOST = 1_000_000
"""Bytes that a program may write in one turn."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class Options(ChatOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a program.

    ``lines``: ``plain`` text or ``json``, an object a line: ``{"type": "say", "text": …}`` in both directions, then
    ``{"type": "done"}`` when it listens again, or ``{"type": "end"}``. ``prompt`` is a pattern of what a plain program
    writes when it listens; without one it does once it is ``quiet`` for so many seconds. ``pty`` gives it a terminal.
    A turn may take ``timeout`` seconds.
    """

    lines: Literal["plain", "json"] = "plain"
    prompt: str = ""
    quiet: float = 0.5
    pty: bool = False
    timeout: float = 10.0


class _Line(msgspec.Struct):
    type: Literal["say", "done", "end"] = "say"
    text: str = ""


def build(at: str, options: Options, allow: Collection[str]) -> ChatBot:
    """A bot for ``stdio:COMMAND``, split as a shell would but run without one."""
    return ChatBot(Program(at, options), options)


class Program:
    """A program as a talker; it is started anew for each conversation. Raises :class:`BadInput` for a bad pattern."""

    def __init__(self, command: str, options: Options) -> None:
        self._options = options
        try:
            self._command = shlex.split(command)
            self._prompt = re.compile(f"(?:{options.prompt})\\s*\\Z") if options.prompt else None
        except (ValueError, re.error) as error:
            raise BadInput(f"the command or its prompt cannot be read: {error}") from None
        self._process: subprocess.Popen[bytes] | None = None
        self._out = self._in = -1
        self._terminal = (-1, -1)

    def begin(self) -> Sequence[Reply]:
        """Start it; what it says before it listens. A program of JSON lines begins only when it is spoken to."""
        self.end()
        if self._options.pty:
            self._terminal = os.openpty()
            reading, writing = self._terminal[1], self._terminal[1]
        else:
            reading = writing = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=reading,
                stdout=writing,
                stderr=writing if self._options.pty else subprocess.DEVNULL,  # where prompts go on a terminal
            )
        except OSError as error:
            raise BotError(f"{self._command[0]} cannot be started: {error}") from None
        if self._options.pty:
            os.close(self._terminal[1])
            self._in = self._out = self._terminal[0]
        else:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        return [] if self._options.lines == "json" else self._plain("")

    def say(self, move: Move) -> Sequence[Reply]:
        """Write a line; what the program answers until it listens again."""
        json = self._options.lines == "json"
        line = msgspec.json.encode({"type": "say", "text": move.text}).decode() if json else move.text
        try:
            os.write(self._in, f"{line}\n".encode())
        except OSError:
            raise BotError("the program has closed its input", [f"> {line}"]) from None
        return self._json() if json else self._plain(move.text)

    def end(self) -> None:
        """End the program."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()
        if self._options.pty:
            os.close(self._terminal[0])

    def _plain(self, said: str) -> Sequence[Reply]:
        written, over = b"", False
        until = time.monotonic() + self._options.timeout
        while True:
            quiet = self._options.timeout if self._prompt else self._options.quiet
            more = self._read(min(quiet, until - time.monotonic()))
            if more is None:
                if self._prompt:
                    raise BotError(f"the program did not prompt within {self._options.timeout:g} s", [_text(written)])
                break
            over = not more
            written += more
            if over or (self._prompt and self._prompt.search(_text(written))):
                break
            if len(written) > MOST:
                raise BotError(f"the program wrote more than {MOST:,} bytes")
        text = _text(written)
        if self._options.pty:
            text = text.lstrip().removeprefix(said)  # a terminal shows what is typed
        if self._prompt:
            text = self._prompt.sub("", text)
        replies = [Reply(text=" ".join(text.split()), raw=text)] if text.strip() else []
        return [*replies, Reply(events=(HANGS_UP,))] if over else replies

    def _json(self) -> Sequence[Reply]:
        replies: list[Reply] = []
        buffer = b""
        until = time.monotonic() + self._options.timeout
        while True:
            line, newline, rest = buffer.partition(b"\n")
            if not newline:
                more = self._read(until - time.monotonic())
                if more is None:
                    raise BotError(f"the program did not answer within {self._options.timeout:g} s", [_text(buffer)])
                if not more:
                    return [*replies, Reply(events=(HANGS_UP,))]
                buffer += more
                if len(buffer) > MOST:
                    raise BotError(f"the program wrote more than {MOST:,} bytes")
                continue
            buffer = rest
            try:
                found = msgspec.json.decode(line, type=_Line)
            except msgspec.DecodeError as error:
                raise BotError(
                    f"the program wrote a line that is not the JSON expected: {error}", [_text(line)]
                ) from None
            if found.text:
                replies.append(Reply(text=found.text, raw=_text(line)))
            if found.type == "done":
                return replies
            if found.type == "end":
                return [*replies, Reply(events=(HANGS_UP,))]

    def _read(self, seconds: float) -> bytes | None:
        """What the program writes next, nothing once it has ended, None if it stays quiet. Raises if it failed."""
        ready, _, _ = select.select([self._out], [], [], max(seconds, 0))
        if not ready:
            return None
        try:
            more = os.read(self._out, 65536)
        except OSError:  # how a terminal says that nobody is at its other end
            more = b""
        if not more:
            assert self._process is not None
            code = self._process.wait()
            if code:
                raise BotError(f"the program ended with exit code {code}")
        return more


def _text(written: bytes) -> str:
    try:
        return _ANSI.sub("", written.decode())
    except UnicodeDecodeError as error:
        if error.end == len(written) and error.reason == "unexpected end of data":
            return _ANSI.sub("", written[: error.start].decode())
        raise BotError("the program wrote what is not UTF-8") from None

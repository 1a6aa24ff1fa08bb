"""Samples and services of the npm index, unchanged: `make node` installs them beside the packages of this Python."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.ivr_kit import happened, talk, texts
from tests.servers import serving
from tests.test_bots_wires import framework

from pytest_callqa.bots import Move
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.cli import main

ROOT = Path(__file__).parents[1]
MODULES = Path(sys.prefix) / "node/node_modules"

FREE_PORT = """
const { Server } = require('net')
const listen = Server.prototype.listen
Server.prototype.listen = function (port, ...rest) {
  this.once('listening', () => console.log(`at ${this.address().port}`))
  return listen.call(this, 0, '127.0.0.1', ...rest)
}
"""
"""Loaded before a sample: it listens on a free port instead of its own, and says on which."""


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A program of Node.js that finds the packages that are installed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def ivr_menu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The IVR menu among the examples of jambonz' own SDK, as published; only its name tells Node what it is."""
    folder = tmp_path_factory.mktemp("jambonz")
    shutil.copy(MODULES / "@jambonz/sdk/examples/ivr-menu/app.js", folder / "app.cjs")
    (folder / "node_modules").symlink_to(MODULES)
    (folder / "port.cjs").write_text(FREE_PORT)
    with running("node", "--require", str(folder / "port.cjs"), str(folder / "app.cjs")) as process:
        assert process.stdout is not None
        told = next((line for line in process.stdout if line.startswith("at ")), "")
        assert told, "the sample did not start; `make node` installs what it needs"
        yield f"jambonz:http://127.0.0.1:{int(told.removeprefix('at '))}/incoming"


def test_a_published_jambonz_sample_is_talked_to(ivr_menu: str) -> None:
    bot = find_bot(ivr_menu)
    for move in (Move(keys="2"), Move(text="Support please", wait=25)):
        call = talk(bot, move)
        assert texts(call)[-1] == "Connecting you to support. Please hold."
        assert happened(call)[0][:2] == ("transfer", "support-queue")
    assert texts(talk(bot, Move(keys="9")))[1] == "Sorry, I didn't understand that."


def test_its_goodbye_to_a_silent_caller_is_never_heard(ivr_menu: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crawl", ivr_menu, "--book", str(ROOT / "conduct_specs")]) == 1
    out = capsys.readouterr().out
    assert "a caller who does nothing hears the same again for ever" in out
    assert "silent caller: 3.1.2a" in out
    assert "We did not receive any input" not in out


@pytest.fixture
def direct_line() -> Iterator[str]:
    """The offline Direct Line service, in front of the bot of the tests of activities."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    start = f"""
const express = require({str(MODULES / "express")!r})
require({str(MODULES / "offline-directline")!r}).initializeRoutes(express(), {port}, process.argv[1], false)
"""
    with serving(framework()) as bot, running("node", "-e", start, f"{bot}/api/messages"):
        for _ in range(600):  # half a minute at most
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.05)
        yield f"directline:http://127.0.0.1:{port}/directline"


def test_an_offline_direct_line_is_spoken_to(direct_line: str) -> None:
    call = talk(find_bot(direct_line), Move(text="hi"), Move(text="nothing"), Move(text="bye"))
    assert texts(call) == ["Welcome.", "You said hi", "Bye."]
    assert happened(call)[-1][0] == "hangup"

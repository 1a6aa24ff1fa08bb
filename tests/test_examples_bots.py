"""The bots in examples/: each is run as its README says, and the fault of each is named."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ivr_kit import talk, texts

from pytest_callqa.bots import Move
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.cli import main

ROOT = Path(__file__).parents[1]
BOOK = str(ROOT / "conduct_specs")


@pytest.fixture
def example(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.Pytester]:
    """A folder with the worked rule book; modules of examples are forgotten again."""
    shutil.copytree(ROOT / "conduct_specs", pytester.path / "conduct_specs", dirs_exist_ok=True)
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    yield pytester
    for name in {"app", "shop", "talkers"} & (set(sys.modules) - known):
        del sys.modules[name]


def swearing_tests(folder: Path) -> str:
    """The test of clause 3.4.2a in the worked book."""
    text = (folder / "conduct_specs/test_3_4_complaints.py").read_text(encoding="utf-8")
    after = text[text.index('@rule("3.4.2a"') :]
    name = after[after.index("def ") + 4 : after.index("(", after.index("def "))]
    return f"conduct_specs/test_3_4_complaints.py::{name}"


def test_the_chat_bot_talks_back(example: pytest.Pytester) -> None:
    shutil.copy(ROOT / "examples/chat/shop.py", example.path)
    ran = example.runpytest(swearing_tests(example.path), "--bot", "http:shop:app/chat", "--callqa-customers", "30")
    ran.stdout.fnmatch_lines(["3.4.2a *", "*agent: Do not talk to me like that."])
    assert ran.parseoutcomes() == {"failed": 1}


@pytest.mark.parametrize("name", ["eliza", "rude"])
def test_the_bots_of_nltk_do_not_apologise(example: pytest.Pytester, name: str) -> None:
    shutil.copy(ROOT / "examples/nltk/talkers.py", example.path)
    few = ("--callqa-profile", "live", "--callqa-customers", "12", "--callqa-replays", "2")
    ran = example.runpytest(swearing_tests(example.path), "--bot", f"python:talkers:{name}", *few)
    ran.stdout.fnmatch_lines(["3.4.2a *", "tried again: broken * of 2"])


def test_the_jambonz_hotline_hangs_up_without_a_word(
    example: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT / "examples/jambonz")
    assert main(["crawl", "jambonz:app:app/call", "--book", BOOK]) == 1
    told = capsys.readouterr().out
    assert "wordless hang-up" in told
    assert "silent caller: 3.1.2a" in told


def test_the_agent_of_the_microsoft_sdk_echoes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = [sys.executable, str(ROOT / "examples/agents/echo.py"), str(port)]
    with subprocess.Popen(script, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(300):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.1)
            call = talk(find_bot(f"activities:http://127.0.0.1:{port}/api/messages"), Move(text="hi"))
        finally:
            server.kill()
    assert texts(call) == ["Welcome.", "You said hi"]

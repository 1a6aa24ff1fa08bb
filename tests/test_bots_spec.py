"""Which bot a text or a file of settings names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.ivr_kit import said, talk

from pytest_callqa.bots.spec import bare_spec, find_app, find_bot, find_object, read_spec, written_in
from pytest_callqa.bots.voice import VoiceBot
from pytest_callqa.errors import BadInput, BotError

IVR = """
from flask import Flask, request
from twilio.request_validator import RequestValidator

app = Flask(__name__)
SOUNDS = 5

@app.route("/voice", methods=["GET"])
def voice():
    told = request.headers.get("X-Twilio-Signature", "")
    signed = RequestValidator("secret").validate(request.url, {}, told)
    return f"<Response><Play>/hello.mp3</Play><Say>{'signed' if signed else 'bare'}</Say></Response>"
"""

SETTINGS = """
bot: twiml:shop_ivr:app/voice
method: GET
sounds:
  hello.mp3: {text: Hello, seconds: 2.5}
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an IVR, as the working directory."""
    (tmp_path / "shop_ivr.py").write_text(IVR)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "shop_ivr", raising=False)
    return tmp_path


def bot_of(spec: str) -> VoiceBot:
    bot = find_bot(spec)
    assert isinstance(bot, VoiceBot)
    return bot


def test_a_bot_is_named_with_its_settings_in_a_file(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "bot.yaml").write_text(SETTINGS)
    assert said(talk(bot_of("bot.yaml"))) == [("Hello", 0.0, 2.5), ("bare", 2.5, 2.9)]
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "secret")
    assert said(talk(bot_of("bot.yaml")))[1][0] == "signed"


def test_a_bot_is_named_in_a_word() -> None:
    assert [text for text, _, _ in said(talk(bot_of("twiml:shop_ivr:app/voice")))] == ["[hello.mp3]", "bare"]
    assert bot_of("twiml:http://localhost:8000/voice").abilities.keys
    assert find_app("https://x.example/y") == ("https://x.example/y", None)
    with pytest.raises(BotError, match=r"the bot is at x\.example, which nobody allowed; add --bot-allow x\.example"):
        find_bot("twiml:https://x.example/y")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("twilm:shop_ivr:app", r"'twilm:shop_ivr:app' names no bot\. Did you mean 'twiml'\? There are: .*twiml \("),
        ("nothing", "'nothing' names no bot"),
        ("twiml:", "'twiml:' names no bot"),
        ("twiml:shop_ivr", "'shop_ivr' is not module:name, such as shop.ivr:app"),
        ("twiml:shop_ivrs:app/voice", "the module 'shop_ivrs' cannot be imported: No module named 'shop_ivrs'"),
        ("twiml:shop_ivr:ap/voice", r"the module 'shop_ivr' has no 'ap'\. Did you mean 'app'\?"),
        ("twiml:shop_ivr:SOUNDS/voice", "shop_ivr:SOUNDS cannot be called, so it is neither a function nor an app"),
        ("missing.yaml", "missing.yaml: cannot be read: .*No such file"),
    ],
)
def test_what_names_no_bot_is_told(spec: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        find_bot(spec)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("bot: twiml:shop_ivr:app/voice\nmethods: GET\n", r"a setting .* does not fit: .*unknown field `methods`"),
        (
            "bot: twiml:shop_ivr:app/voice\ntimeout: soon\n",
            "Expected `float`, got `str` - at `.*timeout`",
        ),
        ("bot: twiml:nowhere:app\n", "bot.yaml: the module 'nowhere' cannot be imported"),
        ("bot: twilm:shop_ivr:app\n", "bot.yaml: 'twilm:shop_ivr:app' names no bot. Did you mean 'twiml'"),
        ("method: GET\n", "bot.yaml: settings of a bot have a line such as"),
        ("- bot\n", "bot.yaml: settings of a bot have a line such as"),
        ("bot: &x twiml:shop_ivr:app\n", "bot.yaml, line 1: anchors and aliases"),
    ],
)
def test_settings_that_do_not_fit_are_told_with_their_file(shop: Path, written: str, told: str) -> None:
    (shop / "bot.yaml").write_text(written)
    with pytest.raises(BadInput, match=told):
        find_bot("bot.yaml")


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pytest_callqa.bots.twiml", raising=False)
    monkeypatch.setitem(sys.modules, "defusedxml.common", None)
    with pytest.raises(BadInput, match=r"twiml bots need defusedxml\.common; pip install 'pytest-callqa\[bots\]'"):
        find_bot("twiml:shop_ivr:app/voice")


def test_names_may_lead_into_objects() -> None:
    assert find_object("shop_ivr:app.name") == "shop_ivr"


def test_the_event_loop_of_asynchronous_bots_ends_with_the_process() -> None:
    check = "from pytest_callqa.bots import loop; import asyncio; print(loop.run(asyncio.sleep(0, 5)))"
    ended = subprocess.run([sys.executable, "-W", "error", "-c", check], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("5\n", "")


def test_a_module_of_a_file_stands_beside_another_of_its_name(shop: Path) -> None:
    for version in ("old", "new"):
        package = shop / version / "shop"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "words.py").write_text(f"HELLO = {version!r}\n")
        (package / "app.py").write_text(
            "import json\nfrom shop.words import HELLO\nfrom .words import HELLO as AGAIN\n"
        )
    found = [find_object(f"{version}/shop/app.py:{name}") for version in ("old", "new") for name in ("HELLO", "AGAIN")]
    assert found == ["old", "old", "new", "new"]
    assert not any(name.startswith("shop.") for name in sys.modules)
    path, app = find_app("shop_ivr.py:app/voice")
    assert (path, app is not None) == ("/voice", True)
    with pytest.raises(BadInput, match=r"the module 'none\.py' cannot be imported: No module named 'none'"):
        find_object("none.py:app")
    with pytest.raises(BadInput, match=r"the module 'none/none\.py' cannot be imported: .*No such file"):
        find_object("none/none.py:app")


def test_a_file_without_a_bot_may_be_a_script(shop: Path) -> None:
    (shop / "script.yaml").write_text("opening: []\n")
    (shop / "renamed.old").write_text("opening: []\n")
    assert (read_spec("script.yaml").kind, read_spec("renamed.old").at) == ("script", "renamed.old")


@pytest.mark.parametrize(
    ("spec", "file"),
    [
        ("twiml:shop_ivr:app/voice", "shop_ivr.py"),
        ("twiml:old/app.py:app/voice", "old/app.py"),
        ("twiml:http://localhost:8000/voice", None),
        ("script:script.yaml", "script.yaml"),
        ("stdio:python shop_ivr.py --quick", "shop_ivr.py"),
        ("stdio:bot --quick", None),
        ("python:sys:exit", None),
        ("settings/bot.yaml", "settings/domain.yml"),
    ],
)
def test_where_a_bot_is_written(shop: Path, spec: str, file: str | None) -> None:
    (shop / "settings").mkdir()
    (shop / "settings/bot.yaml").write_text("bot: rasa:http://localhost:5005\nsource: domain.yml\n")
    sys.path.insert(0, str(shop))
    found = written_in(read_spec(spec))
    assert (found and (shop / found).relative_to(shop)) == (Path(file) if file else None)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("http:http://ann:s3cret@localhost:8000/chat?key=s3cret", "http:http://localhost:8000/chat"),
        ("websocket:wss://s3cret@[::1]:80", "websocket:wss://[::1]:80"),
        ("stdio:program --key s3cret", "stdio:program"),
        ("twiml:shop.ivr:app/voice", "twiml:shop.ivr:app/voice"),
        ("settings.yaml", "settings.yaml"),
    ],
)
def test_a_bot_is_told_without_what_may_be_secret(spec: str, told: str) -> None:
    assert bare_spec(spec) == told

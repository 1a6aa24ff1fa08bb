"""Apps that are written in other ways than ours are met without special cases, and the fault of each is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.servers import serving
from tests.strangers import function
from tests.test_bots_campaign import CUSTOMERS

from harness import Project
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.bots.voice import VoiceBot
from pytest_callqa.cli import main

ROOT = Path(__file__).parents[1]
BOOK = ("--book", str(ROOT / "conduct_specs"))


def walked(capsys: pytest.CaptureFixture[str], spec: str) -> tuple[int, str]:
    code = main(["crawl", spec, *BOOK])
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("app", "code", "told"),
    [
        (
            "function/",
            1,
            "endless loop: in '1 Hello. For our hours press 1.': a caller who does nothing hears the same again",
        ),
        ("keys_break/", 3, "after 1: pressing 1: http://testserver/key answered 500\n"),
        (
            "survey/calls/survey",
            1,
            "in '2 How was the price? Press 1 to 5.' after 1 1: pressing 1 ends the call without a word",
        ),
        (
            "moved/incoming",
            1,
            "in '1 Press 1 for support, press 2 for sales.' after 2: 2 is offered and not taken",
        ),
    ],
    ids=["loops on silence", "keys return 500", "survey with cookies and GET", "302"],
)
def test_the_fault_of_a_stranger_is_named(capsys: pytest.CaptureFixture[str], app: str, code: int, told: str) -> None:
    came, out = walked(capsys, f"twiml:tests.strangers:{app}")
    assert told in out
    assert came == code


def test_behind_an_address_it_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(function) as address:
        code, out = walked(capsys, f"twiml:{address}/")
    assert "hears the same again for ever" in out
    assert code == 1


def test_an_app_that_takes_calls_by_get_only_is_asked_so_and_its_developer_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bot = find_bot("twiml:tests.strangers:survey/calls/survey")
    assert isinstance(bot, VoiceBot)
    for _ in range(2):
        assert bot.open()[-1].text == "How was our service? Press 1 to 5."
    assert list(bot.flow.notes) == ["the app takes calls by GET; say `method: GET` in its settings"]
    code, out = walked(capsys, "twiml:tests.strangers:survey/nowhere")
    assert "http://testserver/nowhere answered 404" in out
    assert code == 3


@pytest.fixture
def play(project: Project) -> Project:
    project.book().file("rules/customers.yaml", CUSTOMERS + "  asks for more: {says: {en: [The manager please.]}}\n")
    shutil.copy(ROOT / "tests/strangers.py", project.path)
    return project


def test_a_chat_bot_over_rest_that_breaks_is_an_error_with_the_exchange(play: Project) -> None:
    play.file(
        "pizza.yaml",
        "bot: http:strangers:pizza/api/talk\nbody: {utterance: '{text}'}\nreplies: $.outputs[*].speech\n",
    )
    ran = play.run("--bot", "pizza.yaml", "--callqa-customers", "20", calls=None)
    ran.stdout.fnmatch_lines(["*http://testserver/api/talk answered 500*", "*customer: The manager please.*"])
    assert "failed" not in ran.parseoutcomes()


def test_a_bot_of_activities_that_breaks_a_rule_is_shown_by_its_shortest_conversation(play: Project) -> None:
    ran = play.run(
        "--bot",
        "activities:strangers:activities/api/messages",
        "--callqa-customers",
        "12",
        "-k",
        "apologises",
        calls=None,
    )
    ran.stdout.fnmatch_lines(["1.2 Swearing is met with an apology", "*customer: *amn*", "> *agent: So what."])
    ran.assert_outcomes(failed=1)

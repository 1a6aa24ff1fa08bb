"""`callqa crawl`: the menus of an IVR and what a caller trips over in them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from flask import Response, redirect, request, session
from tests.ivr_kit import Ivr, xml

from pytest_callqa import ledger
from pytest_callqa.bots.crawl import Crawled, announced, crawl, exhibit, lines
from pytest_callqa.bots.spec import find_bot
from pytest_callqa.cli import main
from pytest_callqa.errors import BadInput
from pytest_callqa.report.html import write_html
from pytest_callqa.rules import RuleBook

ROOT = Path(__file__).parents[1]
DIGIT = "numDigits='1' action='/key'"
AGENT = "<Say>I am connecting you to an agent.</Say><Dial>+15005550010</Dial>"


def walked(ivr: Ivr) -> Crawled:
    return crawl(ivr.bot(), "ivr")


def kinds(crawled: Crawled) -> list[tuple[str, str]]:
    return [(fault.kind, " ".join(fault.way)) for fault in crawled.faults]


def keys(**answers: str) -> object:
    """A page that answers a key by its name (key1 …), any other by a refusal and the menu again."""

    def page() -> str:
        return xml(
            answers.get(f"key{request.values['Digits']}", "<Say>Invalid choice.</Say><Redirect>/voice</Redirect>")
        )

    return page


@pytest.mark.parametrize(
    ("prompt", "offered"),
    [
        ("For sales press 1. For support, dial two.", ["1", "2"]),
        ("Press 1 or 2, or press the star key. Press # to repeat.", ["1", "2", "*", "#"]),
        ("1 for sales, 9 to repeat.", ["1", "9"]),
        ("Please enter your 4 digit number.", []),
        ("查询请按1，人工请按零。", ["1", "0"]),
        ("Hello. We are open from 8 to 9.", []),
        ("How was it? Press 1 to 3.", ["1", "2", "3"]),
        ("On a scale from 1 through 3, how was it?", ["1", "2", "3"]),
        ("请按1到3评分。", ["1", "2", "3"]),
    ],
)
def test_the_keys_that_a_prompt_offers(prompt: str, offered: list[str]) -> None:
    assert announced(prompt) == offered


def test_an_ivr_without_faults_has_none_and_its_menus_are_walked() -> None:
    menu = f"<Gather {DIGIT}><Say>Sales press 1, agent press 0.</Say></Gather><Say>Goodbye.</Say>"
    crawled = walked(Ivr(voice=xml(menu), key=keys(key1="<Say>Bye from sales.</Say>", key0=AGENT)))
    assert kinds(crawled) == []
    assert crawled.menus == ["1 Sales press 1, agent press 0."]
    assert [(target, label) for _, target, label in crawled.edges] == [
        ("[Goodbye.]", "silence"),
        ("[Bye from sales.]", "1"),
        ("[a person]", "0"),
    ]


def test_keys_offered_and_not_taken_and_the_other_way_round() -> None:
    menu = f"<Gather {DIGIT}><Say>Sales press 1, stock press 2, agent press 0.</Say></Gather><Say>Goodbye.</Say>"
    crawled = walked(Ivr(voice=xml(menu), key=keys(key1="<Say>Bye.</Say>", key5="<Say>Secret. Bye.</Say>", key0=AGENT)))
    assert kinds(crawled) == [("announced, not accepted", "2"), ("accepted, not announced", "5")]


def test_a_template_that_asks_a_silent_caller_for_ever() -> None:
    menu = f"<Gather {DIGIT}><Say>Sales press 1.</Say></Gather><Redirect/>"
    crawled = walked(Ivr(voice=xml(menu), key=keys(key1="<Say>Bye.</Say>")))
    assert kinds(crawled) == [("endless loop", ""), ("no way to a person", "")]
    assert "hears the same again for ever" in crawled.faults[0].told


def test_one_reminder_to_a_silent_caller_is_no_fault() -> None:
    menu = f"<Gather {DIGIT}><Say>Sales press 1, agent press 0.</Say></Gather>"
    reminded = f"{menu}<Say>Are you still there?</Say><Gather {DIGIT} timeout='900'/>"
    crawled = walked(Ivr(voice=xml(reminded), key=keys(key1="<Say>Bye.</Say>", key0=AGENT)))
    assert kinds(crawled) == []


def test_an_app_that_redirects_to_itself_is_an_endless_loop() -> None:
    crawled = walked(Ivr(voice=xml("<Redirect/>")))
    assert kinds(crawled)[0] == ("endless loop", "")


def test_keys_that_return_500_are_told_with_the_exchange_and_the_walk_goes_on() -> None:
    menu = f"<Gather {DIGIT}><Say>Sales press 1, agent press 0.</Say></Gather><Say>Goodbye.</Say>"
    answers = keys(key0=AGENT)
    ivr = Ivr(
        voice=xml(menu),
        key=lambda: Response("boom", 500) if request.form["Digits"] == "1" else answers(),  # type: ignore[operator]
    )
    crawled = walked(ivr)
    assert kinds(crawled) == [("the bot breaks", "1")]
    assert "answered 500" in crawled.faults[0].told
    assert "500 boom" in crawled.faults[0].exchange[-1]
    assert crawled.broke


def test_hang_ups_without_a_word_and_menus_that_lead_nowhere() -> None:
    menu = f"<Gather {DIGIT}><Say>Sales press 1, stock press 2.</Say></Gather><Say>Goodbye.</Say>"
    deaf = "<Gather><Say>Nothing works here.</Say></Gather><Gather timeout='300'/>"
    crawled = walked(Ivr(voice=xml(menu), key=keys(key1="<Hangup/>", key2=deaf)))
    assert ("wordless hang-up", "1") in kinds(crawled)
    assert [fault for fault in crawled.faults if fault.kind == "dead end"]


def test_a_survey_with_cookies_and_get_and_an_app_behind_302_need_nothing_special() -> None:
    def survey() -> str:
        session["asked"] = session.get("asked", 0) + 1
        if session["asked"] > 2:
            return xml("<Say>Thank you. Goodbye.</Say>")
        return xml(
            f"<Gather method='GET' numDigits='1' action='/survey'><Say>Question {session['asked']}.</Say></Gather>"
        )

    ivr = Ivr(voice=lambda: redirect("/survey"), survey=survey)
    ivr.app.secret_key = "of a test"
    crawled = walked(ivr)
    assert crawled.menus == ["1 Question 1.", "2 Question 2."]
    assert ("wordless hang-up", "") in kinds(crawled), "silence ends the survey without a word"


def test_a_number_is_entered_where_no_single_key_leads_on() -> None:
    def number() -> str:
        if request.form["Digits"] == "1234":
            return xml("<Say>Thank you. Goodbye.</Say>")
        return xml("<Redirect>/voice</Redirect>")

    ivr = Ivr(voice=xml("<Gather action='/n'><Say>Your number?</Say></Gather><Say>Goodbye.</Say>"), n=number)
    assert ("1 Your number?", "[Thank you. Goodbye.]", "1234#") in walked(ivr).edges


def test_a_way_to_a_person_from_some_menus_only() -> None:
    first = f"<Gather {DIGIT}><Say>Sales press 1, agent press 0.</Say></Gather><Say>Goodbye.</Say>"
    second = "<Gather numDigits='1' action='/end'><Say>To end press 3.</Say></Gather><Say>Goodbye.</Say>"
    crawled = walked(
        Ivr(voice=xml(first), key=keys(key1=second, key0=AGENT), end=keys(key3="<Say>Goodbye then.</Say>"))
    )
    assert ("no way to a person", "2 To end press 3.") in [(f.kind, f.menu) for f in crawled.faults]


def test_a_menu_that_takes_nothing_is_a_dead_end_unless_waiting_leads_to_a_person() -> None:
    deaf = "<Gather action='/voice'><Say>Nobody listens.</Say></Gather>"
    assert ("dead end", "") in kinds(walked(Ivr(voice=xml(f"{deaf}<Redirect/>"))))
    assert kinds(walked(Ivr(voice=xml(f"{deaf}{AGENT}")))) == []


def test_a_number_may_lead_to_a_menu_and_a_menu_to_a_person() -> None:
    ivr = Ivr(
        voice=xml("<Gather action='/n'><Say>Your number?</Say></Gather><Say>Goodbye.</Say>"),
        n=lambda: xml(
            f"<Gather {DIGIT}><Say>Agent press 0.</Say></Gather><Say>Goodbye.</Say>"
            if request.form["Digits"] == "1234"
            else "<Redirect>/voice</Redirect>"
        ),
        key=keys(key0=AGENT),
    )
    crawled = walked(ivr)
    assert crawled.menus == ["1 Your number?", "2 Agent press 0."]
    assert kinds(crawled) == []


def test_silence_that_breaks_the_app_is_no_verdict_on_the_silent_call() -> None:
    ivr = Ivr(
        voice=xml(f"<Gather {DIGIT}><Say>Agent press 0.</Say></Gather><Redirect>/x</Redirect>"), key=keys(key0=AGENT)
    )
    crawled = crawl(ivr.bot(), "ivr", RuleBook.load(ROOT / "conduct_specs"))
    assert {fault.kind for fault in crawled.faults} == {"the bot breaks"}


def test_a_bot_without_keys_has_no_menus() -> None:
    with pytest.raises(BadInput, match="takes no keys, so it has no menus to walk"):
        crawl(find_bot("python:tests.test_bots_crawl:kinds"), "kinds")


def test_very_many_menus_are_walked_in_part() -> None:
    def deeper() -> str:
        depth = len(request.args.get("d", ""))
        return xml(f"<Gather numDigits='1' action='/deeper?d={'x' * (depth + 1)}'><Say>Level {depth}.</Say></Gather>")

    crawled = walked(Ivr(voice=lambda: redirect("/deeper"), deeper=deeper))
    assert crawled.partly
    assert "only 100 menus and 8 moves deep were walked" in list(lines(crawled))


def test_the_menus_are_drawn_in_the_report(tmp_path: Path) -> None:
    menu = f"<Gather {DIGIT}><Say>Sales press 1, agent press 0.</Say></Gather><Say>Goodbye.</Say>"
    table = exhibit(walked(Ivr(voice=xml(menu), key=keys(key1="<Say>Bye.</Say>", key0=AGENT))))
    assert table.edges[-1] == ("1 Sales press 1, agent press 0.", "[a person]", "0")
    path = tmp_path / "ledger.jsonl"
    book = RuleBook.load(ROOT / "conduct_specs")
    ledger.start_ledger(path, ledger.run_line(book, tool="test", mode="crawl", started="2026-01-01T00:00:00+00:00"))
    ledger.append(path, table)
    write_html([path], tmp_path / "report.html", level="none")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Menus of ivr" in page
    assert "<svg" in page


def test_the_example_with_five_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT / "examples/ivr")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "ivr", raising=False)
    book = str(ROOT / "conduct_specs")
    assert main(["crawl", "twiml:ivr:app/voice", "--book", book]) == 0
    assert "0 faults" in capsys.readouterr().out
    report = tmp_path / "report.html"
    assert main(["crawl", "twiml:ivr:faulty/voice", "--book", book, "--report", str(report)]) == 1
    told = capsys.readouterr().out
    for fault in (
        "announced, not accepted: in '1 Hello, welcome to call the monitoring c…' after 2: 2 is offered and not taken",
        "wordless hang-up: in '1 Hello, welcome to call the monitoring c…' after 9: pressing 9 ends the call",
        "silent caller: 3.1.2b Silent call: asks again:",
        "silent caller: 3.1.2c Silent call: takes leave:",
        "silent caller: 3.1.2d Silent call: hangs up after a pause:",
    ):
        assert fault in told
    assert "Menus of twiml:ivr:faulty/voice" in report.read_text(encoding="utf-8")


def test_a_bot_that_is_not_there_cannot_be_walked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crawl", "twiml:http://127.0.0.1:9/voice", "--book", str(ROOT / "conduct_specs")]) == 3
    assert "could not be reached" in capsys.readouterr().out

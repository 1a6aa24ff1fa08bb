"""Each clause that sound decides, in English and in Mandarin: a spoken call that keeps it, and one that breaks it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from audio_kit import RATE, Line, call, noise, write
from pytest_callqa.call import Call
from pytest_callqa.readers import ReadOptions, read_calls
from pytest_callqa.verdict import Outcome
from test_audio_rules import judged

PASSED, FAILED, UNDECIDED = Outcome.PASSED, Outcome.FAILED, Outcome.UNDECIDED


class Words(NamedTuple):
    """What is said in a language."""

    greet: str
    leave: str
    noisy: str
    slow: str
    waited: str
    thanks: str
    bye: str
    more: str
    hanging_up: str
    louder: str
    another_phone: str
    problem: str
    okay: str
    answer: str


SAYS = {
    "en": Words(
        "Hello, welcome to call the monitoring center hotline. What can I do for you?",
        "Sorry, there is no sound on your phone. Please call again on another phone. Goodbye!",
        "Sorry, your phone is noisy, I can't hear clearly. Would you please call again on another phone? Goodbye!",
        "Sorry, the system is slow. Would you please wait a moment?",
        "Sorry to keep you waiting.",
        "Nothing, thank you. That's all.",
        "Thank you for calling. If you have any questions, please call again. Thank you, goodbye!",
        "Is there anything else I can do for you?",
        "Sorry, I am hanging up now.",
        "I'm sorry! Would you please speak a little louder?",
        "I'm sorry! Your voice is too low. Please hang up and use another phone, or I will call you back.",
        "My card does not work since this morning.",
        "Okay.",
        "I see that your card was blocked last night.",
    ),
    "zh": Words(
        "您好，欢迎致电监控中心呼叫热线，请问有什么可以帮您？",
        "对不起，您的电话没有声音，请您换一部电话再打来，好吗？再见！",
        "对不起，您的电话杂音太大，听不清楚，请您换一部电话再打来好吗？再见！",
        "对不起，系统反应较慢，请您稍等，好吗？",
        "对不起，让您久等了。",
        "没有了，谢谢。",
        "感谢您的来电，如有问题欢迎再次拨打，谢谢，再见！",
        "请问还有什么可以帮您？",
        "对不起，我挂机了。",
        "对不起！请您大声一点，好吗？",
        "对不起！您的电话声音太小，请您换一部电话，或者我给您打过去，好吗？",
        "我的摄像头坏了，看不到画面。",
        "好的。",
        "我看到您的摄像头昨天晚上断线了。",
    ),
}


def read(folder: Path, lines: Sequence[Line], language: str, *, after: float = 1.0, level: float | None = None) -> Call:
    """The call of a recording and of the transcript beside it, whose times are 0.4 s off, now early and now late."""
    samples, told = call(lines, language=language, after=after)
    if level is not None:
        samples[:, 1] += noise(len(samples) / RATE, level)
    write(folder / "call.wav", samples)
    turns = [
        {
            "role": ("agent", "customer")[one.who],
            "text": one.text,
            "start": max(one.start + 0.4 * (-1) ** number, 0),
            "end": one.end + 0.4 * (-1) ** number,
        }
        for number, one in enumerate(told)
    ]
    record = {"id": "call", "turns": turns, "language": language, "direction": "inbound", "tolerance": 0.8}
    (folder / "call.json").write_text(json.dumps(record))
    [found] = read_calls([str(folder)], ReadOptions(recordings=True))
    assert isinstance(found, Call), found
    return found


def silent(says: Words, *pauses: float) -> list[Line]:
    return [
        Line(0, says.greet),
        *(Line(0, text, pause) for text, pause in zip((says.greet, says.greet, says.leave), pauses, strict=True)),
    ]


def talk(says: Words, *more: Line) -> list[Line]:
    return [Line(0, says.greet), Line(1, says.problem), *more]


def stays(says: Words, again: float, leave: float) -> list[Line]:
    end = [Line(0, says.answer), Line(1, says.thanks), Line(0, says.bye)]
    return talk(says, *end, Line(0, says.more, again), Line(0, says.hanging_up, leave))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("clause", "outcome", "lines", "after"),
    [
        ("3.1.2a", PASSED, lambda say: silent(say, 5.5, 5.5, 5.5), 6.0),
        ("3.1.2b", PASSED, lambda say: silent(say, 5.5, 5.5, 5.5), 6.0),
        ("3.1.2b", FAILED, lambda say: silent(say, 5.5, 4.5, 5.5), 6.0),
        ("3.1.2b", UNDECIDED, lambda say: silent(say, 5.5, 5.05, 5.5), 6.0),
        ("3.1.2c", PASSED, lambda say: silent(say, 5.5, 5.5, 5.5), 6.0),
        ("3.1.2c", FAILED, lambda say: silent(say, 5.5, 5.5, 4.5), 6.0),
        ("3.1.2d", PASSED, lambda say: silent(say, 5.5, 5.5, 5.5), 6.0),
        ("3.1.2d", FAILED, lambda say: silent(say, 5.5, 5.5, 5.5), 4.0),
        ("3.5.1a", PASSED, lambda say: talk(say, Line(0, say.slow), Line(1, say.okay), Line(0, say.waited, 9.0)), 1.0),
        ("3.5.1a", FAILED, lambda say: talk(say, Line(0, say.answer), Line(0, say.waited, 9.0)), 1.0),
        ("3.5.1b", PASSED, lambda say: talk(say, Line(0, say.slow), Line(1, say.okay), Line(0, say.waited, 9.0)), 1.0),
        ("3.5.1b", FAILED, lambda say: talk(say, Line(0, say.slow), Line(1, say.okay), Line(0, say.answer, 9.0)), 1.0),
        ("2.6a", PASSED, lambda say: talk(say, Line(0, say.answer, 4.5)), 1.0),
        ("2.6a", FAILED, lambda say: talk(say, Line(0, say.answer, 5.5)), 1.0),
        ("3.6.4a", PASSED, lambda say: stays(say, 5.5, 5.5), 6.0),
        ("3.6.4b", PASSED, lambda say: stays(say, 5.5, 5.5), 6.0),
        ("3.6.4b", FAILED, lambda say: stays(say, 5.5, 5.5), 3.0),
    ],
)
def test_pauses_decide(
    tmp_path: Path, language: str, clause: str, outcome: Outcome, lines: object, after: float
) -> None:
    verdict = judged(read(tmp_path, lines(SAYS[language]), language, after=after))[clause]  # type: ignore[operator]
    assert verdict.outcome is outcome, verdict


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_low_voice_that_is_heard_must_be_met(tmp_path: Path, language: str) -> None:
    say = SAYS[language]
    low = Line(1, say.problem, gain=-25)
    met = read(tmp_path, [Line(0, say.greet), low, Line(0, say.louder), low, Line(0, say.another_phone)], language,
               after=6.0)  # fmt: skip
    kept = judged(met)
    assert {clause: kept[clause].outcome for clause in ("3.2.2a", "3.2.2b", "3.2.3")} == {
        "3.2.2a": PASSED, "3.2.2b": PASSED, "3.2.3": PASSED,
    }, [kept[clause].reason for clause in ("3.2.2a", "3.2.2b", "3.2.3")]  # fmt: skip
    raised = Line(0, say.louder, gain=5.0)
    broken = judged(read(tmp_path, [Line(0, say.greet), low, raised, low, Line(0, say.another_phone)], language))
    assert broken["3.2.2b"].outcome is FAILED
    assert broken["3.2.3"].outcome is FAILED, "hung up at once"
    passed_over = judged(read(tmp_path, [Line(0, say.greet), low, Line(0, say.answer)], language))
    assert passed_over["3.2.2a"].outcome is FAILED


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("after", "outcome"), [(6.0, PASSED), (3.0, FAILED)])
def test_noise_that_is_heard_must_be_met(tmp_path: Path, language: str, after: float, outcome: Outcome) -> None:
    say = SAYS[language]
    found = read(tmp_path, talk(say, Line(0, say.noisy)), language, after=after, level=-30)
    assert [event.by for event in found.events if event.kind == "noise"] == ["customer"]
    assert judged(found)["3.2.4"].outcome is outcome
    passed_over = judged(read(tmp_path, talk(say, Line(0, say.answer)), language, level=-30))
    assert passed_over["3.2.4"].outcome is FAILED


def test_talk_over_is_no_answer_that_came_late(tmp_path: Path) -> None:
    say = SAYS["en"]
    found = read(tmp_path, talk(say, Line(0, say.answer, -0.8)), "en")
    problem, answer = found.turns[1:3]
    assert problem.end - answer.start == pytest.approx(0.8, abs=0.2)  # type: ignore[operator]
    assert judged(found)["2.6a"].outcome is PASSED
    assert np.isfinite(found.turns[0].loudness or np.nan)

"""How many calls a second and core are judged for phrases: `python -m benchmarks matching`.

The same wordings and calls for all, in one run: a naive `partial_ratio` loop, RapidFuzz's `cdist`, and the matcher of
this project: as it is, as if no turn had been heard before, as if no run of words had been, and without any memory.
All of ours must decide alike, turn by turn; the first two know no notation, so they get every wording as one plain
sentence. Asked is what is heard, as the engine asks; where in the characters is looked up for evidence only.

Made-up calls repeat themselves. So a second figure tells what real turns cost, each of them heard once, by a matcher
that starts without any memory, of words too.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from rapidfuzz import fuzz, process

from benchmarks.calls import call
from benchmarks.measure import save
from benchmarks.quality import system_turns
from pytest_callqa.phrases import Matcher, PhraseBook, parse_wording

try:
    import numpy
except ImportError:  # cdist needs it; the others do not
    numpy = None

Said = TypeVar("Said")
PHRASES = Path(__file__).parents[1] / "conduct_specs" / "phrases"
CALLS = {
    "naive": 3,
    "cdist": 20,
    "callqa": 4000,
    "callqa, every turn new": 200,
    "callqa, every run new": 200,
    "callqa without memory": 100,
}
GOALS = {"en": 2000, "zh": 4000}
SLOTS = {"organisation": ["the monitoring center hotline", "监控中心呼叫热线"]}

ZH_AGENT = [
    "您好，欢迎致电监控中心呼叫热线，请问有什么可以帮您？",
    "请您稍等，我帮您查一下{n}号设备。",
    "对不起，让您久等了，{n}号摄像头已经恢复。",
    "请问您的联系电话是多少？",
    "原因是{n}号授权到期了，我已经给您更新了，请问我刚才的解释您是否清楚？",
    "请您打开设置，选择第{n}项，然后保存。",
    "请问还有什么可以帮您？",
    "感谢您的来电，如有问题欢迎再次拨打，谢谢，再见！",
]
ZH_CUSTOMER = [
    "你好，{n}号摄像头没有画面。",
    "我的账号登录不上，从今天早上开始的。",
    "好的，谢谢。",
    "是{n}号，已经试过两次了。",
    "什么时候能修好？我们经理等着呢。",
    "没有了，再见。",
    "可以，我等一下。",
]


def english_calls(count: int) -> list[list[str]]:
    return [[turn["text"] for turn in call(number)["turns"]] for number in range(count)]  # type: ignore[attr-defined]


def chinese_calls(count: int) -> list[list[str]]:
    rng = random.Random(5)
    return [
        [rng.choice((ZH_AGENT, ZH_CUSTOMER)[n % 2]).replace("{n}", str(rng.randint(2, 9999))) for n in range(30)]
        for _ in range(count)
    ]


def plain_wordings(book: PhraseBook, language: str) -> list[str]:
    """Each wording as the first sentence that it stands for, without slots and gaps."""
    space = "" if language == "zh" else " "
    found = []
    for name in book.names:
        for text in book.wordings(name, language):
            forms = () if text.startswith("/") else parse_wording(text).forms
            words = [element.options[0] for element in (forms[0] if forms else ()) if hasattr(element, "options")]
            found.append(space.join(words))
    return [text for text in dict.fromkeys(found) if text]


def rate(judge: Callable[[Said], object], calls: Iterable[Said]) -> float:
    """Calls a second of processor time."""
    count, began = 0, time.process_time()
    for turns in calls:
        judge(turns)
        count += 1
    return count / (time.process_time() - began)


def real_turns() -> list[str]:
    """What the system says in the dialogues of :mod:`benchmarks.quality`: each string once, in no order."""
    turns = list(dict.fromkeys(said.text for said in system_turns()))
    random.Random(5).shuffle(turns)
    return turns


def turn_rates(book: PhraseBook, wordings: list[str], turns: list[str]) -> dict[str, float]:
    """Turns a second and core of those heard by partial_ratio (100 of them) and by a matcher that knows nothing yet."""
    fresh = Matcher(book._languages["en"], SLOTS)
    return {
        "turns": len(turns),
        "naive": round(rate(lambda turn: [fuzz.partial_ratio(w, turn) >= 85 for w in wordings], turns[:100]), 1),
        "callqa, each once": round(rate(fresh.heard, turns), 1),
    }


def forgetful(book: PhraseBook, language: str) -> Matcher:
    return Matcher(book._languages[language], SLOTS, remember=1)


def measured(language: str, calls: list[list[str]]) -> dict[str, object]:
    book = PhraseBook.load(PHRASES)
    wordings = plain_wordings(book, language)
    began = time.process_time()
    matcher = book.matcher(language, SLOTS)
    build = time.process_time() - began
    bare, fresh = forgetful(book, language), book.matcher(language, SLOTS)

    def forgetting(matcher: Matcher, *memories: str) -> Callable[[list[str]], list[object]]:
        """Hears the turns of a call, and forgets before each of them."""

        def hear(turns: list[str]) -> list[object]:
            found = []
            for turn in turns:
                for memory in memories:
                    getattr(matcher, memory).clear()
                found.append(matcher.heard(turn))
            return found

        return hear

    every_turn_new = forgetting(fresh, "_texts", "_known")
    every_run_new = forgetting(fresh, "_texts", "_known", "_of_run")
    without_memory = forgetting(bare, "_known", "_meanings")

    judges: dict[str, Callable[[list[str]], object]] = {
        "naive": lambda turns: [[fuzz.partial_ratio(w, turn) >= 85 for w in wordings] for turn in turns],
        "cdist": lambda turns: process.cdist(turns, wordings, scorer=fuzz.partial_ratio, dtype=numpy.uint8) >= 85,
        "callqa": lambda turns: [matcher.heard(turn) for turn in turns],
        "callqa, every turn new": every_turn_new,
        "callqa, every run new": every_run_new,
        "callqa without memory": without_memory,
    }
    if numpy is None:
        del judges["cdist"]
    rates = {name: round(rate(judge, calls[: CALLS[name]]), 1) for name, judge in judges.items()}
    differences = sum(
        not (dict(matcher.heard(turn)) == dict(new) == dict(other) == dict(heard))
        for turns in calls[: CALLS["callqa without memory"]]
        for turn, new, other, heard in zip(
            turns, every_turn_new(turns), every_run_new(turns), without_memory(turns), strict=True
        )
    )
    if differences:
        raise SystemExit(f"{differences} turns are decided otherwise without memory")
    return {
        "wordings": sum(len(book.wordings(name, language)) for name in book.names),
        "patterns": len(matcher._patterns),
        "seconds_to_build": round(build, 3),
        "calls_a_second_and_core": rates,
        "goal": GOALS[language],
        "turns_decided_otherwise_without_memory": differences,
    }


def main() -> None:
    count = max(CALLS.values())
    book = PhraseBook.load(PHRASES)
    save(
        "matching",
        {
            "en": measured("en", english_calls(count)),
            "zh": measured("zh", chinese_calls(count)),
            "real_turns_a_second_and_core": turn_rates(book, plain_wordings(book, "en"), real_turns()),
        },
    )

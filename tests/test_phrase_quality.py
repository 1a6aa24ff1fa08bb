"""The figures of benchmarks/quality.py stay where they are, and what the code prohibits is caught with its errors."""

from __future__ import annotations

import random
import statistics
import sys
from pathlib import Path

import pytest

from matrix import BOOK
from pytest_callqa import PhraseBook
from pytest_callqa.phrases import tokens

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import quality

PHRASES = PhraseBook.load(BOOK / "phrases")
SLOTS = {"organisation": ("the monitoring center hotline", "监控中心呼叫热线")}

CODE = {
    "uncivil": "Hey, what do you want? | What?! | 喂 | 不知道 | 你急什么",
    "demands_repeat": "Hey, what?! What did you say? | 喂，什么？！你说什么？",
    "blames_the_line": "Hey, I can't help it, the line was busy! | 喂，我也没办法，刚才线路忙啊！",
    "talks_back": "Hey, watch your mouth, it's not my fault! | 喂，嘴巴干净一点，这又不是我的错！",
    "pleads_inexperience": "Hey, sorry, I'm a novice! | 喂，不好意思，我是新手啦！",
    "denies_the_call": "Hey, it wasn't me who answered the phone just now! | 喂，刚才的电话不是我接的呀！",
    "puts_off": "Hey, I don't know. Call back in a couple of days. | 喂，我不清楚，您过两天再来电话吧",
    "brushes_off": "Hey, it's okay, please hang up. | 喂，没事了，您挂电话吧 | 喂，没事了，请挂机",
    "refuses_bluntly": "Hey, that's impossible! | No, not at all! | 喂，不可能的！不行！",
    "casual_answer": "probably | I guess | 大概吧 | 应该是吧 | 你不懂",
    "demands_understanding": "Hey, do you understand? | 喂，你听懂了没有？",
}
"""The code's own wordings of what must not be said."""

PARAPHRASES = {
    "uncivil": "hey, what's wrong now | are you deaf | 喂，又怎么了 | 烦不烦啊",
    "demands_repeat": "what did you just say | say what | 你刚才说啥",
    "blames_the_line": "there's nothing we can do about the busy lines | 线路忙，我有什么办法",
    "talks_back": "mind your language | that's not my fault | 你怎么骂人呢 | 别骂人",
    "pleads_inexperience": "I only started last week | this is my first day | 我刚来的，还不熟",
    "denies_the_call": "that was some other colleague | it was someone else | I didn't take that call"
    " | 刚才不是我接的电话",
    "puts_off": "try again next week | you'll just have to wait | 过几天再打吧",
    "brushes_off": "just hang up now | you can hang up | 好了，挂了吧",
    "refuses_bluntly": "no way | that's out of the question | 没门 | 想都别想",
    "casual_answer": "maybe, I don't know | I suppose so | 我猜是吧 | 可能没问题吧",
    "demands_understanding": "do you get it | understand or not | 你懂不懂啊",
}

NOTHING_TELLING = frozenset(
    [
        "她",
        "么",
        "她么",
        "什",
        "什她",
        "知道",
        "她知道",
        "不道",
        "不她道",
        "不知她",
        "不懂",
        "她不懂",
        "你懂",
        "你她懂",
        "你不",
        "你不她",
        "Whet",
        "Waht",
        "Wht",
        "guess",
        "I",
        "Hey sorry I'm a",
        "Hey that's",
        "Hey do you",
        "No not at",
    ]
)
"""What is left when the one telling word is gone, or says the opposite."""


def cases(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, said.strip()) for name, row in table.items() for said in row.split("|")]


def hears(name: str, said: str) -> bool:
    return name in PHRASES.matcher("en" if said.isascii() else "zh", SLOTS).hits(said)


def garbled(word: str) -> list[str]:
    """A word as a recogniser may get it wrong: a letter lost, changed, two swapped; Chinese: another character."""
    if not word.isascii():
        return ["她"]
    if len(word) < 4:
        return []
    half = len(word) // 2
    other = "a" if word[half] == "e" else "e"
    return [
        word[:half] + word[half + 1 :],
        word[:half] + other + word[half + 1 :],
        word[: half - 1] + word[half] + word[half - 1] + word[half + 1 :],
    ]


def one_word_errors(said: str) -> list[str]:
    """Each word lost or garbled, and a word put in at each place."""
    words = [said[token.start : token.end] for token in tokens(said)]
    space = " " if said.isascii() else ""
    instead = [
        space.join(filter(None, [*words[:place], instead, *words[place + 1 :]]))
        for place, word in enumerate(words)
        for instead in ["", *garbled(word)]
    ]
    extra = "now" if space else "她"
    places = range(len(words) + 1) if len(words) > 5 else ()  # in a short sentence one more word says something else
    return [*instead, *(space.join([*words[:place], extra, *words[place:]]) for place in places)]


@pytest.mark.parametrize(("name", "said"), cases(CODE))
def test_what_the_code_prohibits_is_caught_with_each_one_word_error(name: str, said: str) -> None:
    assert hears(name, said)
    missed = [heard for heard in one_word_errors(said) if heard and not hears(name, heard)]
    assert set(missed) <= NOTHING_TELLING


@pytest.mark.parametrize(("name", "said"), cases(PARAPHRASES))
def test_a_paraphrase_of_what_is_prohibited_is_caught(name: str, said: str) -> None:
    assert hears(name, said)


POLITE_CHINESE = """
过两天我再给您打电话
等两天师傅会来看的
您过一会儿再试试，如果不行请再来电话
对不起，这个我们没办法做到，我可以帮您申请
我也没办法保证，但我会尽力
我是新来的客服小李，很高兴为您服务
您刚才说什么，我没有听清楚，麻烦您再说一遍
不可能让您吃亏的
请您不要挂机，我帮您转接
您可以先挂电话，我们会给您回电
刚才的电话是我同事接的，我帮您看一下记录
线路刚才有点忙，让您久等了，非常抱歉
我不太清楚，我帮您问一下同事，再给您回复
不知道您现在方便吗
您不用着急，我马上帮您处理
请问您听清楚了吗
您还有什么不明白的地方吗
大概需要两个小时
可能是电源的问题
不行的话您再联系我
"""


POLITE_ENGLISH = """
I don't know but I will find out for you right away
I don't know the answer yet, let me check with my colleague
Please call back in a couple of days if it has not arrived
No, not at all, it is my pleasure
Not at all, you're welcome
You will have to wait about five minutes, is that all right
You may hang up now, we will call you back
What did you say your name was
Could you repeat that please, I did not catch what you said
It is impossible for me to hear you, the line is bad
It was not you who called
Do you understand the instructions so far
I can't help you with that, but my colleague can
"""


@pytest.mark.parametrize("said", POLITE_ENGLISH.strip().splitlines())
def test_polite_english_raises_no_alarm(said: str) -> None:
    assert not [name for name in quality.PROHIBITED if hears(name, said)]


@pytest.mark.parametrize("said", POLITE_CHINESE.split())
def test_polite_chinese_raises_no_alarm(said: str) -> None:
    assert not [name for name in quality.PROHIBITED if hears(name, said)]


def test_polite_turns_raise_no_alarm() -> None:
    turns = len(quality.system_turns())
    alarms = {name: texts for name, texts in quality.false_alarms().items() if texts}
    assert all(1000 * len(texts) / turns <= quality.FALSE_ALARMS_GOAL for texts in alarms.values()), alarms


@pytest.mark.parametrize("name", quality.SETS)
def test_strings_not_seen_in_development_are_heard(name: str) -> None:
    labelled = quality.SETS[name]
    unseen = [(said.text, said) for said in quality.parts_of(labelled)["unseen as read"]]
    assert quality.figures(quality.ours(labelled), labelled, unseen)["f1"] >= quality.GOALS.get(name, 0.85)


@pytest.mark.parametrize("name", ["more help", "closing wish", "greeting"])
def test_labels_are_met_by_the_question_they_answer(name: str) -> None:
    labelled = quality.SETS[name]
    unseen = [(said.text, said) for said in quality.parts_of(labelled)["unseen"]]
    assert quality.figures(quality.ours(labelled), labelled, unseen, asked=True)["f1"] >= quality.GOALS[name]


@pytest.mark.parametrize("name", quality.SETS)
def test_word_errors_lose_little(name: str) -> None:
    labelled = quality.SETS[name]
    judge, unseen = quality.ours(labelled), quality.parts_of(labelled)["unseen as read"]
    clean = quality.figures(judge, labelled, [(said.text, said) for said in unseen])["f1"]
    heard = statistics.mean(quality.under_word_errors(judge, labelled, unseen, 0.15))
    assert clean - heard <= quality.LOST_GOAL


@pytest.mark.parametrize(
    ("said", "courtesy"),
    [
        ("hi", "hello"),
        ("good morning sir bye", "hello"),
        ("thank you bye", "customer_thanks"),
        ("bye thank you", "goodbye"),
        ("hi i want to check my seats", ""),
        ("check my seats", ""),
    ],
)
def test_a_sentence_with_one_label_is_what_it_begins_with(said: str, courtesy: str) -> None:
    assert quality.courtesy(said) == courtesy


@pytest.mark.parametrize("licence", quality.LICENCES)
def test_every_label_read_otherwise_is_listed_beside_its_source(licence: str) -> None:
    listed = (quality.UTTERANCES / licence / "labels-read.md").read_text(encoding="utf-8")
    assert listed == quality.labels_read(licence)
    assert quality.LICENCES[licence] in listed


def test_a_dialogue_is_in_one_half() -> None:
    assert quality.in_development("1_00005") == quality.in_development("1_00005")
    halves = [quality.in_development(str(number)) for number in range(1000)]
    assert 450 < sum(halves) < 550


def test_noise_is_of_the_rate_asked_for_and_the_same_every_time() -> None:
    text = "please wait a moment while i look for the number of your order " * 50
    said, heard, again = (
        quality.misheard(text, rate, random.Random(1), {"far"}.__contains__) for rate in (0, 0.15, 0.15)
    )
    assert said == text.strip()
    assert heard == again
    assert "far" not in heard.split()
    kept = len(set(enumerate(text.split())) & set(enumerate(heard.split())))
    assert kept < len(text.split())

"""Other languages by data alone, and what never changes a decision: how a text is written down."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from examples import book
from matrix import BOOK
from pytest_callqa import PhraseBook, plain
from pytest_callqa.phrases import join_words, places_of_words, split_words

WORKED = PhraseBook.load(BOOK / "phrases")
ORGANISATION = {"en": ["the monitoring center hotline"], "zh": ["监控中心呼叫热线"]}


def heard(language: str, wording: str, said: str) -> list[str]:
    hits = book(f"language: {language}\nphrases: {{it: {wording!r}}}").matcher(language).hits(said).get("it", ())
    return [said[hit.start : hit.end] for hit in hits]


@pytest.mark.parametrize(
    ("language", "wording", "said"),
    [
        ("de", "schöne Grüße", "SCHÖNE GRÜSSE"),
        ("de", "schöne Grüße", "Schoene Gruesse"),
        ("de", "schönen Abend", "schönenabend"),
        ("es", "¿en qué puedo ayudarle?", "en que puedo ayudarle"),
        ("es", "sí", "si"),
        ("fr", "qu'est-ce que je peux faire", "Qu’est-ce que je peux faire"),
        ("vi", "cảm ơn", "cam on"),
        ("tr", "iyi günler", "İYİ GÜNLER"),
        ("tr", "sıkıntı yok", "SIKINTI YOK"),
        ("ru", "всё хорошо", "Все хорошо"),
        ("ru", "спасибо", "спасибоооо"),
        ("el", "ευχαριστώ", "ΕΥΧΑΡΙΣΤΩ"),
        ("he", "תודה רבה", "תּוֹדָה רַבָּה"),
        ("ar", "شكرا لك", "شُكْرًا لَكَ"),
        ("hi", "धन्यवाद", "धन्यवाद"),
        ("ko", "감사합니다", unicodedata.normalize("NFD", "감사합니다")),
        ("ja", "カスタマーサポート", "ｶｽﾀﾏｰｻﾎﾟｰﾄ"),
        ("ja", "ございます", unicodedata.normalize("NFD", "ございます")),
    ],
)
def test_a_language_is_heard_as_people_and_recognisers_write_it(language: str, wording: str, said: str) -> None:
    assert heard(language, wording, said) == [said]


@pytest.mark.parametrize(
    ("language", "wording", "said", "quotes"),
    [
        ("th", "ขอบคุณ", "ขอบคุณครับ", ["ขอบคุณ"]),
        ("th", "ขอบคุณ", "ขอโทษครับ", []),
        ("th", "สวัสดี ..3 ครับ", "สวัสดีค่ะ", []),
        ("hi", "नमस्ते", "नमस्कार", []),
        ("ja", "少々 [だけ] お待ちください", "はい、少々お待ちくださいませ", ["少々お待ちください"]),
        ("ja", "が", "か", []),
        ("ko", "감사합니다", "고맙습니다", []),
    ],
)
def test_what_is_another_word_there_is_another_word(language: str, wording: str, said: str, quotes: list[str]) -> None:
    assert heard(language, wording, said) == quotes


def test_words_are_joined_as_their_script_does() -> None:
    assert join_words(["über", "uns"]) == "über uns"
    assert join_words(["您好。", "请", "讲", "ok", "吗"]) == "您好。请讲 ok 吗"


def test_traditional_characters_are_those_of_the_book() -> None:
    table = plain.load((BOOK / "phrases/zh.traditional.yaml").read_text(encoding="utf-8"))
    written = str.maketrans({simple: other for other, simple in table["expand"].items()})
    matcher = WORKED.matcher("zh", {"organisation": ORGANISATION["zh"]})
    said = [sentence for language, sentence in SAID if language == "zh"]
    assert sum(sentence.translate(written) != sentence for sentence in said) > len(said) / 2
    for sentence in said:
        assert matcher.hits(sentence.translate(written)) == matcher.hits(sentence), sentence


# --- how a text is written down -----------------------------------------------------------

SAID = [
    (language, sentence)
    for language, organisation in ORGANISATION.items()
    for name in WORKED.names
    for said in WORKED.sentences(name, language, {"organisation": organisation}).values()
    for sentence in said
]


def wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def with_between(sign: str) -> Callable[[str], str]:
    """The text with a sign after each word; words stay apart as they are."""

    def disguise(text: str) -> str:
        for _, end in reversed(places_of_words(text)):
            text = f"{text[:end]}{sign}{text[end:]}"
        return text

    return disguise


def with_filler(text: str) -> str:
    """A filler before each word."""
    return " ".join(f"{'um' if word.isascii() else '嗯'} {word}" for word in split_words(text))


DISGUISES = {
    "shouted": str.upper,
    "full width": wide,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "composed": lambda text: unicodedata.normalize("NFC", text),
    "curly": lambda text: text.replace("'", "’"),
    "commas": with_between(","),
    "dots": with_between(" … "),
    "invisible": with_between("\u200b"),
    "fillers": with_filler,
}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SAID), st.lists(st.sampled_from(sorted(DISGUISES)), min_size=1, max_size=3))
@example(("en", "i'm so sorry i kept you waiting"), ["fillers", "shouted", "curly"])
@example(("zh", "喂，我也没办法，刚才线路忙啊！"), ["dots", "full width"])
def test_how_a_text_is_written_changes_no_decision(said: tuple[str, str], disguises: list[str]) -> None:
    language, text = said
    matcher = WORKED.matcher(language, {"organisation": ORGANISATION[language]})
    plain = matcher.hits(text)
    for disguise in disguises:
        text = DISGUISES[disguise](text)
    disguised = matcher.hits(text)
    assert disguised.keys() == plain.keys(), text
    for name, hits in plain.items():
        assert [(hit.score, hit.part) for hit in disguised[name]] == [(hit.score, hit.part) for hit in hits], name

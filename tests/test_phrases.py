"""What is heard, where, how well; and what phrase files may say."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from examples import book
from pytest_callqa.errors import BadBook, BadInput
from pytest_callqa.phrases import Hit, Matcher, PhraseBook, parse_wording, tokens
from pytest_callqa.phrases.patterns import INSERTED, MAX_INSERTED, Pattern, best_first, repeats_of

LANGUAGE = """
language: en
fillers: um uh
light: [a, the, is, to, for, you, i, we, can, do, me, my]
numbers: [two, three, twenty]
backchannels: [mhm, mm-hm, yeah]
expand: {i'm: i am, can't: can not, "don’t": do not}
"""


def english(phrases: str) -> PhraseBook:
    return book(f"{LANGUAGE}\nphrases:\n{phrases}")


def matcher(*wordings: str, unless: str = "", **slots: list[str]) -> Matcher:
    lines = "".join(f"      - {wording!r}\n" for wording in wordings)
    guard = f"    unless: [{unless!r}]\n" if unless else ""
    return english(f"  it:\n    any:\n{lines}{guard}").matcher("en", slots)


def heard(wording: str, text: str, unless: str = "", **slots: list[str]) -> list[str]:
    """The stretches of the text in which the wording is heard."""
    hits = matcher(wording, unless=unless, **slots).hits(text).get("it", ())
    return [text[hit.start : hit.end] for hit in hits]


# --- the notation -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wording", "text", "quotes"),
    [
        ("sorry", "Sorry, I was late. So sorry!", ["Sorry", "sorry"]),
        ("good (morning|afternoon)", "Good afternoon, sir.", ["Good afternoon"]),
        ("good (morning|afternoon)", "Good evening, sir.", []),
        ("goodbye [sir|madam]", "Goodbye, madam!", ["Goodbye, madam"]),
        ("goodbye [sir|madam]", "Goodbye!", ["Goodbye"]),
        ("[so very] sorry", "I'm so very sorry", ["so very sorry"]),
        ("(put you on hold|hold [on])", "Hold on", ["Hold on"]),
        ("wait (a moment|while we look)", "Wait while we look", ["Wait while we look"]),
        ("wait ..2 moment", "Wait just a moment", ["Wait just a moment"]),
        ("wait ..2 moment", "Wait here for one more short moment", []),
        ("wait .. moment", "Wait for one single moment", ["Wait for one single moment"]),
        ("^ hey", "Hey you", ["Hey"]),
        ("^ hey", "You, hey", []),
        ("^ ..2 hey", "Oh well hey you", ["hey"]),
        ("^ ..2 hey", "Oh well now then hey", []),
        ("no $", "I said no.", ["no"]),
        ("no $", "No, thanks.", []),
        ("no ..1 $", "No, thanks.", ["No"]),
        ("Mr. Smith", "mr smith", ["mr smith"]),
        ("（您|你）好", "你好", ["你好"]),
        ("within {number} hours", "within 24 working hours", ["within 24 working hours"]),
        ("within {number} hours", "within twenty four hours", ["within twenty four hours"]),
        ("within {number} hours", "within opening hours", []),
    ],
)
def test_a_wording_is_heard(wording: str, text: str, quotes: list[str]) -> None:
    assert heard(wording, text) == quotes


@pytest.mark.parametrize(
    ("wording", "text"),
    [("goodbye [sir] now", "goodbye zebra now"), ("^ [hey] impossible", "that impossible"), ("no [sir] $", "no zebra")],
)
def test_what_may_be_left_out_gives_no_room_for_another_word(wording: str, text: str) -> None:
    phrases = english(f"  it: {{any: {wording!r}, threshold: 100}}\n")
    assert not phrases.matcher("en").hits(text)
    assert phrases.matcher("en").hits(text.replace("zebra ", "").replace(" zebra", "").replace("that ", ""))


def test_a_slot_is_filled_for_the_call() -> None:
    welcome = "welcome to {organisation}"
    assert heard(welcome, "Welcome to Acme Bank", organisation=["Acme Bank"]) == ["Welcome to Acme Bank"]
    assert heard(welcome, "Welcome to Other Shop", organisation=["Acme Bank"]) == []
    assert heard(welcome, "Welcome to Shop", organisation=["Acme Bank", "The Shop"]) == ["Welcome to Shop"]


def test_an_unfilled_slot_is_any_one_to_four_words() -> None:
    assert heard("welcome to {organisation} support", "Welcome to the Acme Bank support")
    assert not heard("welcome to {organisation} support", "Welcome, support")
    assert not heard("welcome to {organisation} support", "Welcome to a b c d e f g h support")
    assert heard("welcome to {organisation}", "Welcome to Acme") == ["Welcome to"]
    assert not heard("welcome to {organisation}", "You are welcome to")
    assert heard("{organisation} speaking", "Acme speaking") == ["speaking"]
    assert not heard("{organisation} speaking", "Speaking")


def test_a_phrase_that_is_only_an_unfilled_slot_cannot_be_heard() -> None:
    greeting = english('  greeting: {parts: {hello: hello, name: "{organisation}"}}')
    assert greeting.matcher("en").lacks("greeting") == "organisation"
    filled = greeting.matcher("en", {"organisation": ["Acme"]})
    assert not filled.lacks("greeting")
    assert [hit.part for hit in filled.hits("Acme, hello")["greeting"]] == ["name", "hello"]


def test_contractions_in_a_slot_are_expanded_as_in_speech() -> None:
    assert heard("this is {organisation}", "This is I'm Home", organisation=["I’m Home"]) == ["This is I'm Home"]


def test_parts_are_heard_one_by_one() -> None:
    farewell = english("  farewell: {parts: {thanks: thank you, goodbye: [goodbye, bye bye]}}").matcher("en")
    assert farewell.parts("farewell") == ("thanks", "goodbye")
    hits = farewell.hits("Bye bye and thank you")["farewell"]
    assert [(hit.part, hit.start, hit.end) for hit in hits] == [("goodbye", 0, 7), ("thanks", 12, 21)]


def test_a_phrase_is_said_in_its_plainest_words() -> None:
    said = english(
        "  it:\n    parts:\n      hello: ['(hello|hi) [sir|madam]', 'good ..2 day', '/hi+/']\n"
        "      name: ['{organisation}', 'room {number}', 'the {street}']\n"
        "    unless: [hello there]\n    near: [Well hello]\n"
    )
    assert said.sentences("it", "en-GB", {"organisation": ["Acme", "Acme Bank"]}) == {
        "hello": ("hello", "good day"),
        "name": ("Acme", "room 5"),
    }
    assert said.near_misses("it", "en") == ("Well hello", "hello there")
    assert said.sentences("other", "en") == {}
    assert said.near_misses("other", "en") == ()
    chinese = book("language: zh\nphrases: {it: [请您稍等 OK 好吗]}")
    assert chinese.sentences("it", "zh") == {"": ("请您稍等 ok 好吗",)}


def test_a_guard_silences_what_it_covers_and_nothing_else() -> None:
    assert heard("problem", "That's not my problem", unless="not my problem") == []
    assert heard("problem", "Not my problem. What problem?", unless="not my problem") == ["problem"]


def test_a_reference_stands_for_all_wordings_of_another_phrase() -> None:
    phrases = english(
        "  apology: {any: [sorry, i apologise], unless: not sorry}\n  close: {any: [<apology>, the end]}\n"
    )
    close = phrases.matcher("en").hits
    assert "close" in close("I apologise")
    assert "close" in close("The end")
    assert "close" not in close("I am not sorry")
    assert phrases.wordings("close", "en-US") == ("sorry", "i apologise", "the end")
    assert phrases.wordings("nothing", "en") == ()


def test_a_guard_may_be_a_reference() -> None:
    phrases = english("  rude: [no way]\n  no: {any: ['no'], unless: <rude>}\n")
    assert "no" not in phrases.matcher("en").hits("No way!")


def test_a_threshold_is_set_per_phrase_language_or_book() -> None:
    phrases = book("language: en\nthreshold: 60\nphrases:\n  loose: quick brown fox\n")
    assert phrases.matcher("en").threshold("loose") == 60
    strict = english("  strict: {any: [quick brown fox], threshold: 100}\n  usual: quick brown fox")
    assert strict.matcher("en").threshold("usual") == 80
    assert phrases.matcher("en").hits("quick fox")["loose"][0].score == pytest.approx(66.7, abs=0.1)
    assert list(strict.matcher("en").hits("quick brwon fox")) == ["usual"]


# --- words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wording", "text"),
    [
        ("no", "not my problem"),
        ("hi", "this"),
        ("art", "start"),
        ("the end", "they ended"),
        ("no", "nope"),
    ],
)
def test_a_word_is_not_found_inside_another(wording: str, text: str) -> None:
    assert heard(wording, text) == []


@pytest.mark.parametrize(
    ("wording", "text", "quotes"),
    [
        ("apologise for the inconvenience", "I apologize for the inconvienience", ["apologize for the inconvienience"]),
        ("sorry to keep you waiting", "so sory to keep you wating", ["sory to keep you wating"]),
        ("please wait a moment", "Please, um, wait, uh, a moment", ["Please, um, wait, uh, a moment"]),
        ("i'm sorry", "I am sorry", ["I am sorry"]),
        ("i am sorry", "I’m sorry", ["I’m sorry"]),
        ("i am sorry", "I`m sorry", ["I`m sorry"]),
        ("can not hear", "I can't hear", ["can't hear"]),
        ("do not know", "I don't know", ["don't know"]),
        ("good morning", "Ｇｏｏｄ　ｍｏｒｎｉｎｇ！", ["Ｇｏｏｄ　ｍｏｒｎｉｎｇ"]),
        ("good morning", "good mor\u200bning", ["good mor\u200bning"]),
        ("good morning", "😀 good 😀 morning \ud800", ["good 😀 morning"]),
        ("café", "Cafe\u0301 Nero", ["Cafe\u0301"]),
        ("office", "our o\ufb03ce", ["o\ufb03ce"]),
    ],
)
def test_people_and_recognisers_do_not_speak_like_books(wording: str, text: str, quotes: list[str]) -> None:
    assert heard(wording, text) == quotes


def test_a_short_word_must_be_said_as_it_is() -> None:
    assert heard("car", "a cat") == []
    assert heard("problem", "a problme") == ["problme"]


def test_a_number_is_not_mistaken_for_a_like_sounding_word() -> None:
    assert heard("within {number} hours", "within there hours") == []


@pytest.mark.parametrize(
    ("wording", "text", "quotes"),
    [
        ("请问有什么可以帮您", "您好，请问有什么可以帮您？", ["请问有什么可以帮您"]),
        ("请问有什么可以帮您", "请问有什么可帮您", ["请问有什么可帮您"]),
        ("(您|你) 好", "你好！", ["你好"]),
        ("稍等 ..2 吗", "请您稍等一下好吗", ["稍等一下好吗"]),
        ("不客气", "别客套", []),
    ],
)
def test_chinese_has_no_word_breaks(wording: str, text: str, quotes: list[str]) -> None:
    chinese = book(f"language: zh-CN\nphrases:\n  it: [{wording}]", "zh.yaml")
    hits = chinese.matcher("cmn-Hans-CN").hits(text).get("it", ())
    assert [text[hit.start : hit.end] for hit in hits] == quotes


def test_missing_and_extra_words_cost_score() -> None:
    hits = matcher("what can we do for you today").hits
    assert hits("What can we do for you today?")["it"] == (Hit(0, 28, 100.0),)
    [missing] = hits("What can do for you today?")["it"]
    [extra] = hits("What can we really do for you today?")["it"]
    assert 80 <= missing.score < extra.score < 100


def test_the_better_of_two_overlapping_stretches_is_heard() -> None:
    assert heard("thank you", "thank thank you") == ["thank you"]
    assert heard("bye bye", "bye bye bye bye") == ["bye bye", "bye bye"]


def test_an_apostrophe_is_of_a_word_only_between_two_of_its_letters() -> None:
    said = "'Tis rock 'n' roll, isn't it? ''Y'all'd'' don''t o'''clock '"
    expected = ["tis", "rock", "n", "roll", "isn't", "it", "y'all'd", "don", "t", "o", "clock"]
    for text in (said, said.replace("'", "`"), said.replace("'", "’"), f"{said} 您"):
        found = tokens(text)
        assert [token.text for token in found][: len(expected)] == expected
        assert [text[token.start : token.end].lower() for token in found[:4]] == expected[:4]


def test_tokens_point_into_the_text_as_given() -> None:
    text = "Don’t ①②, Straße 你好"
    assert [(t.text, text[t.start : t.end]) for t in tokens(text)] == [
        ("don't", "Don’t"),
        ("12", "①②"),
        ("strasse", "Straße"),
        ("你", "你"),
        ("好", "好"),
    ]


def test_words_said_again_count_for_nothing() -> None:
    exact = english('  it: {any: ["i am so sorry to keep you waiting"], threshold: 100}').matcher("en").hits
    assert exact("I'm I'm so so sorry to keep you to keep you waiting")["it"][0].score == 100
    assert "it" not in exact("I'm really so sorry to keep you waiting")
    assert heard("bye bye", "bye bye") == ["bye bye"]


@pytest.mark.parametrize(("said", "found"), [("Harbor", True), ("Harpur", True), ("Hopper", False), ("Barber", False)])
def test_a_name_is_heard_by_its_sound(said: str, found: bool) -> None:
    assert bool(heard("this is {organisation}", f"This is {said}", organisation=["Harper"])) is found


def test_a_word_of_the_book_is_no_name_by_its_sound() -> None:
    assert heard("this is a harper", "This is a harbor") == ["This is a"] * 0
    assert heard("welcome to {organisation}", "welcome to akmi", organisation=["Ácme"]) == ["welcome to akmi"]
    assert heard("welcome to {organisation}", "welcome to икми", organisation=["Акме"]) == []


@pytest.mark.parametrize(
    ("said", "meant"),
    [("higood morning", "good morning"), ("okaythanks", "thanks"), ("byeee", "bye"), ("goood morning", "good morning")],
)
def test_words_run_together_or_drawn_out_are_understood(said: str, meant: str) -> None:
    several = english("  it: [good morning, thanks, bye]\n  other: [hi, okay]\n").matcher("en")
    assert several.hits(said)["it"], meant
    assert "it" not in several.hits("oxygood bee")
    assert "it" not in matcher("to do").hits("todo")  # two short words may be any word


@pytest.mark.parametrize(("said", "score"), [("heloo", 95), ("helllo", 95), ("hello", 100), ("hallo", 80)])
def test_a_word_with_other_doubled_letters_is_nearly_the_same(said: str, score: float) -> None:
    (hit,) = english("  it: {any: hello, threshold: 75}").matcher("en").hits(said)["it"]
    assert hit.score == pytest.approx(score)


def test_a_wording_may_have_a_threshold_of_its_own() -> None:
    strict = english("  it: {any: [quick brown fox ~60, lazy old dog], threshold: 100}").matcher("en").hits
    assert "it" in strict("quick fox")
    assert "it" not in strict("lazy dog")


def test_references_may_refer_on() -> None:
    phrases = english("  a: {any: <b>}\n  b: {any: [<c>], unless: not sorry, threshold: 95}\n  c: sorry\n")
    hits = phrases.matcher("en").hits
    assert set(hits("so sorry")) == {"a", "b", "c"}
    assert set(hits("not sorry")) == {"c"}


def test_a_regular_expression_is_a_wording() -> None:
    case = english("  it: {any: ['/case \\d{4,}/', ticket], unless: ['/no \\w+/']}").matcher("en")
    text = "Your Case 12345x, and ticket."
    assert [text[hit.start : hit.end] for hit in case.hits(text)["it"]] == ["Case 12345x", "ticket"]
    assert "it" not in case.hits("no ticket")
    assert "it" not in english('  it: "/,/"').matcher("en").hits("a, b")


def test_of_a_phrase_that_hung_no_other_expression_is_tried() -> None:
    slow = english('  it: {any: ["/(a|a|aa)+$/", "/(a|aa|a)+$/"]}').matcher("en")
    with pytest.raises(BadInput, match=r"/\(a\|a\|aa\)\+\$/ was broken off"):
        slow.hits("a" * 40 + "b")


def test_a_regular_expression_cannot_hang() -> None:
    slow = english('  it: "/(a|a|aa)+$/"').matcher("en")
    text = "a" * 40 + "b"
    for _ in range(2):
        with pytest.raises(BadInput, match=r"was broken off after 0\.5 s on 41 characters"):
            slow.hits(text)


def test_a_wrong_expression_and_a_lacking_package_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadBook, match=r"/\(a/ is no regular expression: missing \)"):
        english('  it: "/(a/"')
    monkeypatch.setitem(sys.modules, "regex", None)
    with pytest.raises(BadInput, match=r"pip install pytest-callqa\[regex\]"):
        parse_wording("/never compiled before/")


# --- near misses, beginnings, signs of listening ------------------------------------------


def test_the_nearest_stretch_is_told_for_what_was_not_heard() -> None:
    offer = english("  offer: {parts: {hello: hello, help: how can we help you}}").matcher("en")
    text = "How can they do that?"
    near = offer.nearest(text, "offer")
    assert near is not None
    assert (text[near.start : near.end], near.part, round(near.score)) == ("How can", "help", 44)
    assert offer.nearest(text, "offer", above=50) is None
    assert offer.nearest("", "offer") is None


def test_a_phrase_broken_off_after_half_of_it_has_begun() -> None:
    help_you = matcher("how can we help you").begins
    assert help_you("Hello, how can", "it") is None
    begun = help_you("Hello, how can we help", "it")
    assert begun is not None
    assert (begun.start, begun.end) == (7, 22)
    assert help_you("how can we help because", "it") is None
    assert help_you("We can not help", "it") is None, "its end is not its beginning"


def test_the_first_of_equally_near_wordings_counts() -> None:
    either = matcher("how can we help", "how can we serve", "we can how")
    assert (
        either.nearest("how can we", "it")
        == either.begins("how can we", "it")
        == Hit(0, 10, pytest.approx(64.3, abs=0.1))
    )


def test_only_the_first_part_of_a_phrase_can_begin_it() -> None:
    parts = english("  it: {parts: {one: quick brown fox, two: lazy old dog}}").matcher("en")
    assert parts.begins("the quick brown", "it") is not None
    assert parts.begins("the lazy old", "it") is None


def test_signs_of_listening_and_fillers_are_no_turn_of_their_own() -> None:
    listening = matcher("hello").is_backchannel
    assert listening("Mm-hm, uh, yeah.")
    assert not listening("Yeah, hello.")


def test_a_sign_of_listening_may_be_written_short() -> None:
    listening = book("language: en\nbackchannels: [okay]\nexpand: {ok: okay, k: okay then}\nphrases: {it: hi}")
    assert listening.matcher("en").is_backchannel("Ok.")
    assert not listening.matcher("en").is_backchannel("k")


def test_chinese_signs_of_listening_are_known_from_speech() -> None:
    listening = (
        book("language: zh\nbackchannels: [嗯, 好]\nphrases: {it: 您好}", "zh.yaml").matcher("zh").is_backchannel
    )
    assert listening("嗯，好。")
    assert not listening("我要投诉。")


# --- the book -----------------------------------------------------------------------------


def test_a_phrase_is_an_attribute_of_its_book() -> None:
    phrases = english("  offer_help: how can we help\n  apology: sorry\n")
    assert str(phrases.offer_help) == "offer help"
    assert phrases.names == ("apology", "offer_help")
    assert {"apology", "matcher"} <= set(dir(phrases))
    with pytest.raises(AttributeError, match=r"no phrase is called 'appology'\. Did you mean 'apology'\?"):
        _ = phrases.appology
    with pytest.raises(AttributeError):
        _ = phrases._private


def test_a_book_speaks_the_languages_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "en.yaml").write_text("language: en-GB\nphrases: {hello: hello}\n", encoding="utf-8")
    (tmp_path / "zh.yaml").write_text("language: zh_CN\nphrases: {hello: 你好}\n", encoding="utf-8")
    phrases = PhraseBook.load(tmp_path)
    assert phrases.languages == ("en", "zh")
    assert phrases.speaks("en-US")
    assert phrases.speaks("cmn")
    assert not phrases.speaks("de")
    assert phrases.matcher("en-US") is phrases.matcher("en", {"organisation": []})
    assert phrases.matcher("en").parts("goodbye") == ()
    with pytest.raises(KeyError):
        phrases.matcher("de")


def test_files_of_one_language_are_merged() -> None:
    phrases = PhraseBook.parse(
        {"a.yaml": "language: en\nphrases: {hello: <hi>}", "b.yaml": "language: en\nfillers: um\nphrases: {hi: hi all}"}
    )
    assert phrases.matcher("en").hits("hi um all") == {name: (Hit(0, 9, 100.0),) for name in ("hello", "hi")}


def test_an_empty_folder_is_no_book(tmp_path: Path) -> None:
    with pytest.raises(BadBook, match=r"no phrases; expected files such as en\.yaml there"):
        PhraseBook.load(tmp_path)


def test_fillers_are_left_out_of_wordings_too() -> None:
    phrases = book(
        "language: en\nfillers: [uh, well]\nexpand: {uh: you, wanna: well want}\nphrases: {it: well i wanna go}"
    )
    assert phrases.matcher("en").hits("I want uh go")["it"][0].score == 100


FAULTS = {
    "a.yaml": """\
language: en
filler: [um]
fillers: [you know, uh]
light: {a: b}
expand: {two words: x, dont: [do, not], "": y}
threshold: nan
phrases:
  Bad Name: hello
  matcher: hello
  neither: {threshold: 0}
  both: {any: hello, parts: {a: b}}
  parts_of: {parts: [hello]}
  empty: {parts: {a: []}}
  unclosed: hello (there|you
  unopened: hello there)
  unclear: hello {there
  middle: ['hello ^ there', 'hello $ there']
  mixed: hello <empty>
  nothing: ['[hello]', '..2']
  many: (a b|c d) (a b|c d) (a b|c d) (a b|c d) (a b|c d) (a b|c d) (a b|c d) (a b|c d) (a b|c d)
  only_fillers: uh
  unknown: <unclosd>
  nested: <deeper>
  deeper: <nested>
  thresholds: {any: hello, threshold: [1], unles: x}
  twice: hello
  listed: [[hello]]
  worded: {any: hello, threshold: high}
  scored: [hello ~, hello there ~0, ~90 hello]
""",
    "b.yaml": "language: en\nphrases:\n  twice: hello\n",
    "c.yaml": "phrases:\n  hello: hello\n",
    "d.yaml": "language: en\nphrases: [hello]\nexpand: [x]\n",
    "e.yaml": "language: en\nphrases: {hello: &anchor hello}\n",
    "f.yaml": "language: en\n: : :\n",
    "g.yaml": "language: en\nforbidden: [unclosd]\n",
}


def test_all_faults_are_told_at_once_with_file_and_line_and_what_is_right() -> None:
    with pytest.raises(BadBook) as caught:
        PhraseBook.parse(FAULTS)
    notation = "use (a|b), [optional], {slot}, ..2, ^ first, $ last or ~85"
    problems = list(caught.value.problems)
    assert "stands for more than 400 sentences; split it into several wordings" in problems.pop(22)
    assert problems == [
        "a.yaml, line 2: unknown key 'filler'. Did you mean 'fillers'?",
        "a.yaml, line 3: a filler is one word, not 'you know'; write know, you if each is one",
        "a.yaml, line 4: `light` must be a list of texts; put quotes around a text with a colon",
        "a.yaml, line 5: '' must be one word and stand for words, such as `don't: do not`",
        "a.yaml, line 5: 'dont' must be one word and stand for words, such as `don't: do not`",
        "a.yaml, line 5: 'two words' must be one word and stand for words, such as `don't: do not`",
        "a.yaml, line 6: a threshold is a number above 0 and up to 100, not 'nan'",
        "a.yaml, line 8: 'Bad Name' must be lower-case words joined by _",
        "a.yaml, line 9: 'matcher' is a word of phrase books themselves; take another name",
        "a.yaml, line 10: a threshold is a number above 0 and up to 100, not '0'",
        "a.yaml, line 10: neither needs either `any` (wordings) or `parts`",
        "a.yaml, line 11: both needs either `any` (wordings) or `parts`",
        "a.yaml, line 12: `parts` of parts_of must be a table of part names",
        "a.yaml, line 13: empty.a has no wording",
        "a.yaml, line 14: '(' is not closed in 'hello (there|you'; add ')'",
        f"a.yaml, line 15: ')' closes nothing in 'hello there)'; {notation}",
        f"a.yaml, line 16: '{{there' cannot be read in the wording 'hello {{there'; {notation}",
        "a.yaml, line 17: '$' belongs at the end of the wording 'hello $ there'",
        "a.yaml, line 17: '^' belongs at the start of the wording 'hello ^ there'",
        "a.yaml, line 18: <…> stands alone: 'hello <empty>' mixes it with words; write it as a wording of its own",
        "a.yaml, line 19: the wording '..2' holds no word that must be said; add one",
        "a.yaml, line 19: the wording '[hello]' holds no word that must be said; add one",
        "a.yaml, line 21: the wording 'uh' is nothing but fillers, which are not heard",
        "a.yaml, line 22: <unclosd> names no phrase. Did you mean 'unclosed'?",
        "a.yaml, line 23: phrases refer to each other in a circle: deeper -> nested -> deeper",
        "a.yaml, line 24: phrases refer to each other in a circle: nested -> deeper -> nested",
        "a.yaml, line 25: a threshold is a number above 0 and up to 100, not a list or table",
        "a.yaml, line 25: unknown key 'unles'. Did you mean 'unless'?",
        "a.yaml, line 27: `any` must be a list of texts; put quotes around a text with a colon",
        "a.yaml, line 28: a threshold is a number above 0 and up to 100, not 'high'",
        "a.yaml, line 29: '~' in 'hello ~' is no score; write ~ and a number up to 100 at the end, such as ~85",
        "a.yaml, line 29: '~0' in 'hello there ~0' is no score; write ~ and a number up to 100 at the end, such as ~85",
        "a.yaml, line 29: '~90 hello' in '~90 hello' is no score; "
        "write ~ and a number up to 100 at the end, such as ~85",
        "b.yaml, line 3: the phrase 'twice' is already defined in 'en'",
        "c.yaml, line 1: expected `language: en` and `phrases:` at the top",
        "d.yaml, line 2: `phrases` must be a table of names",
        "d.yaml, line 3: `expand` must be a table of words, such as `don't: do not`",
        "e.yaml, line 2: anchors and aliases (& and *) are not allowed; write the value out",
        "f.yaml, line 2: not valid YAML: expected <block end>, but found ':'; check the indentation and the quotes",
        "g.yaml, line 2: `forbidden` names no phrase 'unclosd'. Did you mean 'unclosed'?",
    ]


@pytest.mark.parametrize(
    ("wording", "told"),
    [
        ("welcome to {organization}", "no setting fills {organization}. Did you mean {organisation}?"),
        ("in {numbers} hours", "no setting fills {numbers}. Did you mean {number}?"),
        ("welcome to {Organisation}", "'{Organisation}' cannot be read in the wording .*; write {organisation}"),
    ],
)
def test_a_slot_that_is_nearly_one_of_the_settings_is_a_fault(wording: str, told: str) -> None:
    with pytest.raises(BadBook, match=f"line 10: {told}".replace("{", r"\{").replace("?", r"\?")):
        english(f"  it: {wording!r}\n")


def test_files_that_are_no_text_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfel\0")
    (tmp_path / "b.yaml").mkdir()
    with pytest.raises(BadBook, match=r"a\.yaml: cannot be read: .*; save it as text in UTF-8\n.*b\.yaml: cannot be"):
        PhraseBook.load(tmp_path)


def test_a_wording_is_read_without_a_file_too() -> None:
    assert parse_wording("good morning $").at_end
    with pytest.raises(BadInput, match="holds no word"):
        parse_wording("^")


# --- properties ---------------------------------------------------------------------------

VOCABULARY = [
    "sorry",
    "help",
    "wait",
    "moment",
    "please",
    "goodbye",
    "call",
    "you",
    "the",
    "to",
    "no",
    "帮",
    "您",
    "24",
]
NOISE = ["zebra", "quartz", "soory", "momnet", "um", "i'm", "42", "244"]

words = st.sampled_from(VOCABULARY)
texts = st.lists(st.sampled_from(VOCABULARY + NOISE), max_size=9).map(" ".join)


@st.composite
def wordings(draw: st.DrawFn) -> tuple[str, str]:
    """A wording, and a sentence that it stands for."""
    written, said = [], []
    for _ in range(draw(st.integers(1, 5))):
        word, other = draw(words), draw(words)
        chosen = draw(st.sampled_from([word, other]))
        skipped = draw(st.booleans())
        kind = draw(st.sampled_from(["word", "word", "alternatives", "phrases", "optional", "gap", "slot", "number"]))
        match kind:
            case "word":
                element, spoken = word, word
            case "alternatives":
                element, spoken = f"({word}|{other})", chosen
            case "phrases":
                element, spoken = f"({word} {other}|{other})", other if skipped else f"{word} {other}"
            case "optional":
                element, spoken = f"[{word} {other}]", "" if skipped else f"{word} {other}"
            case "gap":
                element, spoken = "..2", "" if skipped else "zebra quartz"
            case "slot":
                element, spoken = "{organisation}", "Zebra Inc"
            case _:
                element, spoken = "{number}", "20 of 30"
        written.append(element)
        said.append(spoken)
    assume(any(element[0] not in "[.{" for element in written))
    return " ".join(written), " ".join(filter(None, said))


@settings(deadline=None)
@given(wordings(), texts, texts)
def test_a_wording_is_heard_in_every_sentence_that_holds_it(wording: tuple[str, str], before: str, after: str) -> None:
    written, said = wording
    hits = matcher(written).hits(f"{before} {said} {after}")
    assert hits["it"], (written, said)
    assert max(hit.score for hit in hits["it"]) == pytest.approx(100)


def chains(pattern: Pattern, text: list[dict[int, float]], repeats: Sequence[int]) -> list[tuple[float, int, int, int]]:
    """Every way to find the pattern's words in order: weight, first and last position, last element."""
    found = []
    points = [
        (position, element, likeness)
        for position, similar in enumerate(text)
        for number, likeness in similar.items()
        for element in pattern.elements.get(number, ())
    ]

    def lengthen(weight: float, chain: list[tuple[int, int, float]]) -> None:
        position, element, _ = chain[-1]
        found.append((weight, chain[0][0], position, element))
        for point in points:
            after, later, likeness = point
            if after <= position or later <= element:
                continue
            least = pattern.before[later][0] - pattern.before[element][0]
            most = pattern.before[later][1] - pattern.before[element][1]
            inserted = after - position - 1
            inserted -= (repeats[after - 1] - repeats[position]) if repeats and inserted else 0
            missing = sum(weight > 0 for weight in pattern.weights[element + 1 : later])
            extra = max(inserted - most - missing, 0)
            total = weight + pattern.weights[later] * likeness - INSERTED * extra
            if inserted >= least and extra <= MAX_INSERTED and total >= 0:
                lengthen(total, [*chain, point])

    for point in points:
        position, element, likeness = point
        least, most = pattern.before[element]
        if (element == 0 and position < least) or (
            pattern.at_start and position > most + sum(weight > 0 for weight in pattern.weights[:element])
        ):
            continue
        lengthen(pattern.weights[element] * likeness, [point])
    return found


def brute_force(heard_by: Matcher, text: str) -> dict[str, list[Hit]]:
    """What is heard when every pattern is tried on every word: no index, no bound, no runs, no memory."""
    sounds = heard_by._look_up(text)
    similar, repeats = [dict(sound[0]) for sound in sounds], repeats_of([code for _, _, code in sounds])
    spans: dict[tuple[str, str], list[tuple[float, int, int]]] = {}
    for pattern in heard_by._patterns:
        best: dict[int, tuple[float, int]] = {}
        for weight, first, last, element in chains(pattern, similar, repeats):
            behind = len(similar) - 1 - last
            skipped = len(pattern.weights) - 1 - element
            missing = sum(weight > 0 for weight in pattern.weights[element + 1 :])
            allowed = missing + pattern.before[-1][1] - pattern.before[element][1] + pattern.after[1]
            if weight < pattern.needed or (skipped == 0 and behind < pattern.after[0]):
                continue
            if not (pattern.at_end and behind > allowed):
                best[last] = max(best.get(last, (0.0, 0)), (weight, first))
        key = heard_by._keys[pattern.owner]
        for last, (weight, first) in best.items():
            spans.setdefault(key, []).append((min(100.0, 100 * weight / pattern.required), first, last))
    places = heard_by._places(text)
    heard: dict[str, list[Hit]] = {}
    for (name, part), found in spans.items():
        if part == "!":
            continue
        taken = list(spans.get((name, "!"), ()))
        for span in sorted(found, key=best_first):
            if all(span[2] < other[1] or span[1] > other[2] for other in taken):
                taken.append(span)
                hit = Hit(places[span[1]][0], places[span[2]][1], span[0], part)
                heard.setdefault(name, []).append(hit)
    return heard


@st.composite
def books(draw: st.DrawFn) -> list[str]:
    """Some phrases as lines of a phrase file: plain ones, guarded ones, anchored ones and some in parts."""
    lines = []
    for number in range(draw(st.integers(1, 4))):
        one, two = (draw(wordings())[0] for _ in range(2))
        start, end = draw(st.sampled_from(["", "^ "])), draw(st.sampled_from(["", " $"]))
        threshold = draw(st.sampled_from([50, 80, 95]))
        body = draw(
            st.sampled_from(
                [
                    f'any: ["{start}{one}{end}", "{two}"]',
                    f'any: "{one}", unless: "{two}"',
                    f'parts: {{a: "{one}", b: "{two}"}}',
                ]
            )
        )
        lines.append(f"  p{number}: {{{body}, threshold: {threshold}}}\n")
    return lines


def normal(heard: object) -> object:
    """Hits by phrase, in an order that does not depend on how they were found."""
    assert hasattr(heard, "items")
    return {name: sorted((h.start, h.end, h.part, h.score) for h in hits) for name, hits in heard.items()}


@settings(max_examples=200, deadline=None)
@given(books(), st.lists(texts, min_size=1, max_size=4))
@example(['  p0: {any: ["sorry ..2 help you"], threshold: 50}\n'], ["sorry to help help you"])
@example(['  p0: {any: ["^ sorry $", "wait moment"], threshold: 95}\n'], ["wait moment momnet", "sorry"])
@example(['  p0: {any: ["wait ..2 please help $", "to no"], threshold: 95}\n'], ["wait to to no please help to no"])
def test_index_runs_bounds_memory_and_order_change_no_decision(lines: list[str], said: list[str]) -> None:
    phrases, turned = english("".join(lines)), english("".join(reversed(lines)))
    forgetful = Matcher(phrases._languages["en"], {}, remember=1)
    for text in [*said, (" zebra" * 9 + " ").join(said), *reversed(said)]:
        expected = normal(brute_force(forgetful, text))
        assert normal(forgetful.hits(text)) == expected
        assert normal(phrases.matcher("en").hits(text)) == expected
        assert normal(turned.matcher("en").hits(text)) == expected


def test_words_that_resemble_the_books_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [f"{word} a moment" for word in ("wait", "waitt", "waits", "waite", "waiting", "please", "pleease", "pleas")]
    generous = matcher("wait a moment", "please ..2 moment")
    expected = [generous.hits(text) for text in said]
    monkeypatch.setattr("pytest_callqa.phrases.matcher.LIKENESSES", 3)
    frugal = matcher("wait a moment", "please ..2 moment")
    assert [frugal.hits(text) for text in said * 2] == expected * 2
    assert len(frugal._alike) < len(generous._alike)


@settings(deadline=None)
@given(books(), texts, st.permutations("245"))
@example(['  p0: {any: ["wait 24"], threshold: 95}\n'], "wait 42", list("425"))
def test_texts_that_differ_in_numbers_only_are_each_heard_as_written(
    lines: list[str], text: str, others: list[str]
) -> None:
    heard_by = english("".join(lines)).matcher("en")
    for said in (text, text.translate(str.maketrans("245", "".join(others)))):
        alone = Matcher(heard_by._language, {})
        assert heard_by.hits(said) == alone.hits(said)
        assert heard_by.nearest(said, "p0") == alone.nearest(said, "p0")


def test_numbers_that_the_book_does_not_have_do_not_fill_the_memory() -> None:
    heard_by = matcher("reset {number} ..2 you", "room 7b")
    for number in range(1000, 1100):
        assert heard_by.hits(f"I have reset {number} for you")["it"]
    assert len(heard_by._texts) == 1
    assert [room for room in range(10) if heard_by.heard(f"room {room}b")] == [7]
    ends_in_five = matcher("/case [0-9]5/")
    assert [case for case in range(10, 20) if ends_in_five.heard(f"case {case}")] == [15]


@settings(deadline=None)
@given(books(), texts, st.floats(0, 100))
def test_the_nearest_miss_above_a_score_is_the_nearest_of_all_or_none(
    lines: list[str], text: str, above: float
) -> None:
    heard_by = english("".join(lines)).matcher("en")
    forgetful = Matcher(heard_by._language, {}, remember=1)
    for name in heard_by.audible:
        nearest = heard_by.nearest(text, name)
        expected = nearest if nearest and nearest.score > above else None
        assert heard_by.nearest(text, name, above=above) == forgetful.nearest(text, name, above=above) == expected
        assert forgetful.nearest(text, name) == nearest
        assert len(forgetful._near) == 1


anything = st.text(st.one_of(st.characters(), st.sampled_from("\ud800\udfff’＇\u200b\u0301ﬁß帮您 um'i'm")), max_size=30)


@settings(deadline=None)
@given(anything)
@example("0`0")
def test_tokens_lie_in_the_text_in_order(text: str) -> None:
    found = tokens(text)
    for token in found:
        assert 0 <= token.start < token.end <= len(text)
        assert token.text in [inner.text for inner in tokens(text[token.start : token.end])]
    for before, after in pairwise(found):
        assert before.start <= after.start
        assert before.end <= after.end


@settings(deadline=None)
@given(wordings(), st.lists(anything | words, max_size=6))
def test_hits_lie_in_the_text_and_one_phrase_does_not_overlap_itself(
    wording: tuple[str, str], pieces: list[str]
) -> None:
    text = " ".join([*pieces, wording[1], *pieces])
    hits = matcher(wording[0]).hits(text).get("it", ())
    assert all(0 <= hit.start < hit.end <= len(text) and 0 < hit.score <= 100 for hit in hits)
    assert all(a.end <= b.start or b.end <= a.start for a, b in combinations(hits, 2))


@pytest.mark.parametrize("said", ["sorry please wait a moment, ", "sorry please wait wait a moment, "])
def test_a_very_long_turn_is_heard_in_proportion_to_its_length(said: str) -> None:
    assert len(matcher("sorry ..2 wait a moment", "sorry").hits(said * 20_000)["it"]) == 20_000


def test_a_run_of_words_is_matched_once_wherever_it_is_said() -> None:
    heard_by = matcher("is there anything else", "^ hey", "bye $")
    for before in ("", "zebra ", "quartz is zebra " * 5):
        hit = heard_by.hits(f"{before}is there anything else zebra quartz zebra quartz zebra quartz zebra")["it"][0]
        assert (hit.start, hit.score) == (len(before), 100)
    assert len(heard_by._of_run) == 1


@pytest.mark.parametrize(
    ("wording", "heard", "not_heard"),
    [
        ("^ hey", "hey zebra zebra zebra", "zebra zebra zebra hey"),
        ("bye $", "zebra zebra zebra bye", "bye zebra zebra zebra"),
        ("^ [oh] hey you", "oh hey you zebra", "zebra oh hey you"),
        ("wait {organisation}", "zebra zebra wait zebra", "zebra zebra wait"),
        ("{organisation} wait", "zebra wait zebra", "wait zebra zebra zebra"),
    ],
)
def test_what_is_tied_to_the_start_or_the_end_is_heard_only_there(wording: str, heard: str, not_heard: str) -> None:
    heard_by = matcher(wording)
    assert heard_by.hits(heard)["it"][0].score == 100
    assert "it" not in heard_by.hits(not_heard)

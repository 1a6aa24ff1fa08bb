"""Personal data leave the text; every character keeps its place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personal import HARD, LANGUAGES, labelled, tally
from pytest_callqa import redact
from pytest_callqa.call import Call, Case, Turn, Word
from pytest_callqa.redact import MASK, PERSONS, hashed, redactor

NAMES = ["Anna Li", "José", "王小明", "X", "Agent"]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Mail anna.li+x@example.co.uk!", "Mail •••••••••••••••••••••••!"),
        ("Card 4111 1111-1111 1111, please", "Card •••• ••••••••• ••••, please"),
        ("Call +86 (10) 8888 1234", "Call ••• •••• •••• ••••"),
        ("ID 11010519491231002X", "ID ••••••••••••••••••"),
        ("order A1234567", "order A•••••••"),
        ("it is one two, three four five", "it is ••• •••• ••••• •••• ••••"),
        ("一三八零零", "•••••"),
        ("２０２６１", "•••••"),
        ("room 1234", "room 1234"),
        ("two or three", "two or three"),
        ("I am Anna Li", "I am Ⓐ••• ••"),
        ("ANNA here", "Ⓐ••• here"),
        ("like Lisa", "like Lisa"),
        ("我是王小明先生", "我是Ⓒ••先生"),
        ("JOSÉ", "Ⓑ•••"),
        ("我是Anna先生", "我是Ⓐ•••先生"),
        ("王小明Anna", "Ⓒ••Ⓐ•••"),
        ("the agent X", "the agent X"),
        ("write to anna dot li at example dot com", "write to •••• ••• •• •• ••••••• ••• •••"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN •••• •••• •••• •••• •••• ••"),
        ("part AB12 CD34 EF56 GH78", "part AB12 CD34 EF56 GH78"),
        ("part AB12 1234 5678 GH78", "part AB•• •••• •••• GH78"),
        ("card 4111, 1111, 1111, 1111", "card ••••• ••••• ••••• ••••"),
        ("1,000, 2,000, 3,000, 5,000", "1,000, 2,000, 3,000, 5,000"),
        ("on 2026-11-27 at 10:30", "on 2026-11-27 at 10:30"),
        ("I was born on 1990-01-02", "I was born on ••••••••••"),
        ("221B Baker Street, Apt 4", "•••• ••••• ••••••• ••• •"),
        ("我住中关村大街27号3单元502室", "•" * 17),
        ("my password is hunter2, ok", "my password is •••••••, ok"),
        ("密码是abc123", "密码是••••••"),
        ("I forgot my pin, please", "I forgot my pin, please"),
        ("it is forty-one eleven, um, eleven eleven", "it is ••••••••• ••••••• ••• •••••• ••••••"),
        ("4111 dash 1111 dash, uh, 1111", "•••• •••• •••• ••••• ••• ••••"),
        ("5 3 3 4 double 1", "• • • • •••••• •"),
        ("the card ends in 4399", "the card ends in ••••"),
        ("the contract ends in 2027", "the contract ends in 2027"),
        ("last four are, um, forty-three ninety-nine", "last four are, um, ••••••••••• •••••••••••"),
        ("cvv four two one. I tried 365", "cvv •••• ••• •••. I tried 365"),
        ("at 221b baker street, london nw1 6xe", "at •••• ••••• ••••••, london ••• •••"),
        ("10 minutes down the road", "10 minutes down the road"),
        ("the S23 4GB, on the A4 2nd", "the S23 4GB, on the A4 2nd"),
        ("born on 3rd of May 1980", "born on ••• •• ••• ••••"),
        ("born in one of the villages", "born in one of the villages"),
        ("on 3rd of May 1980", "on 3rd of May 1980"),
        ("我出生于1990年1月2日。2024年1月2日来电", "我出生于•••••••••。2024年1月2日来电"),
        ("1990-1-2出生的", "••••••••出生的"),
        ("一六三八八艾特qq点com", "•" * 13),
        ("尾号四三九九", "尾号••••"),
        ("一三八，呃，零零", "••••••••"),
        ("48213 dollars, $12,345.67, one ninety-nine", "48213 dollars, $12,345.67, one ninety-nine"),
        ("two fifty, three fifty, nine ninety nine", "two fifty, three fifty, nine ninety nine"),
        ("my pin is two fifty, three fifty", "my pin is ••• •••••• ••••• •••••"),
        ("two fifty, three fifty, four fifty, one ten", "••• •••••• ••••• •••••• •••• •••••• ••• •••"),
        ("two fifty-one, three fifty", "••• •••••••••• ••••• •••••"),
        ("forty-one fifty, oh five", "••••••••• •••••• •• ••••"),
        ("ten fifteen twenty minutes", "ten fifteen twenty minutes"),
        ("kim 82 at mail dot de", "••• •• •• •••• ••• ••"),
    ],
)
def test_personal_data_are_masked(text: str, redacted: str) -> None:
    assert redactor(NAMES)(text) == redacted


def test_without_names_the_rest_is_masked_still() -> None:
    assert redactor()("Anna 12345") == "Anna •••••"
    assert redactor(["Agent"])("Agent Anna 12345") == "Agent Anna •••••"


def test_redaction_is_switched_off_in_so_many_words() -> None:
    assert redactor(NAMES, level="off")("Anna 12345") == "Anna 12345"
    assert redactor(NAMES, level="off").said("Anna 12345") == "Anna 12345"


pieces = st.sampled_from(
    ["Anna", "Li", "12", "345", "-", " ", "a@b.cc", "four ", "六", "王小明", "+", "(", ")", "İ", "ß"]
)


@settings(deadline=None)
@given(
    st.lists(st.one_of(pieces, st.text(max_size=4)), max_size=30).map("".join),
    st.lists(st.text(max_size=6), max_size=3),
)
def test_every_character_keeps_its_place(text: str, names: list[str]) -> None:
    redacted = redactor([*NAMES, *names])(text)
    assert len(redacted) == len(text)
    assert all(shown in (was, MASK, *PERSONS) for shown, was in zip(redacted, text, strict=True))


HOSTILE = (
    *(
        "a.",
        "1 ",
        "a@",
        "one ",
        "x-",
        "中路",
        "AB12",
        "1 Aa ",
        "1,",
        "pin ",
        "a dot ",
        "dot ",
        "a b ",
        "one um ",
        "um ",
    ),
    *(
        "twenty ",
        "born on may ",
        "may 3 ",
        "点",
        "一六",
        "一",
        "a点",
        "1 ab cd ef ",
        "last four 1 ",
        "W1A 1",
        "年1月",
        "1年",
    ),
    *("3 at ", "ab 3 at b.", "double ", "1um", "at a.com ", "12 ", "1, um, ", "a at a dot "),
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_takes_long(hostile: str) -> None:
    text = hostile * (100_000 // len(hostile))
    assert len(redactor(NAMES)(text)) == len(text)


def test_one_person_has_one_letter_in_a_call() -> None:
    hide = redactor(["Anna Li", "Bo Chen", *(f"Name{n}" for n in range(30))])
    assert hide("Anna Li and Bo Chen: Anna, Bo, Chen") == "Ⓐ••• •• and Ⓑ• ••••: Ⓐ•••, Ⓑ•, Ⓑ•••"
    assert hide("Name29") == "••••••", "there are no more letters than in the alphabet"


def test_strictly_no_word_is_kept_that_was_said() -> None:
    hide = redactor(NAMES, level="strict")
    assert hide.said("Hello, Anna!") == "•••••• •••••"
    assert hide("the agent says curse: “Damn it” at 0:01.0") == "the agent says curse: “•••• ••” at 0:01.0"


# -- calls


TELLING = """
+1 415 555 0123
from-13812345678
c-4155550123-2
415-555-0123
Frau 0171-5550123
020 7946 0958
07911 123456
4111111111111111
a.li@example.com
call_4111-1111-1111-1111
11010519491231002X
113101198001010013
anna-7
call_Anna_7
王小明的电话
""".strip().splitlines()


@pytest.mark.parametrize("telling", TELLING)
def test_an_id_that_tells_a_person_is_a_hash(telling: str) -> None:
    hide = redactor(NAMES)
    shown = hide.id(telling)
    assert re.fullmatch("id-[0-9a-f]{12}", shown)
    assert hide.id(shown) == hashed(shown) == shown, "it is hashed once"
    assert redactor(level="off").id(telling) == telling


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("calls/day.jsonl, line 12", "calls/day.jsonl, line 12"),
        ("calls/Anna 0171 5550123.wav", f"calls/{hashed('Anna 0171 5550123')}.wav"),
        ("/home/0171 5550123/Anna.json.gz, line 2", f"/home/{hashed('0171 5550123')}/{hashed('Anna')}.json.gz, line 2"),
        ("day.zip, calls/Anna_Li.json", f"day.zip, calls/{hashed('Anna_Li')}.json"),
        ("a.li@example.com.json", f"{hashed('a.li@example')}.com.json"),
        ("s3://bucket/Schmidt, Anna.json", f"s3://bucket/{hashed('Schmidt, Anna')}.json"),
    ],
)
def test_a_file_that_is_named_after_a_person_is_a_hash_but_for_its_ending(source: str, shown: str) -> None:
    hide = redactor(NAMES)
    assert hide.file(source) == shown
    assert redactor().file(shown) == shown
    assert redactor(NAMES, level="off").file(source) == source


RUNNING = """
0930-20261129
0001-2345678x
call 012 1
call-12
20261127103000
2026-11-27T10:30:00
1764239400
1764239400123
0000012345
joanna-7
20261127-0001
550e8400-e29b-41d4-a716-446655440000
CA5ef8732a3c49700934481addd5ce1659
9400111899223
94001118992231
""".strip().splitlines()


@pytest.mark.parametrize("running", RUNNING)
def test_times_and_running_numbers_stay(running: str) -> None:
    assert redactor(NAMES).id(running) == running


def test_a_call_is_kept_without_what_tells_a_person() -> None:
    words = tuple(Word(word) for word in ("I", "am", "Anna", "Li,", "12345"))
    said = Turn(text="I am Anna Li, 12345", words=words)
    odd = Turn(text="12345", words=(Word("one"), Word("two")))
    case = Case(id="4111111111111111", content="Anna called", contact="a.li@example.com", status="open")
    call = Call(id="+14155550123", turns=(said, odd), names=("Anna Li",), case=case, language="en")
    kept = redactor(call.names).call(call)
    assert (kept.names, kept.language, kept.id) == ((), "en", hashed("+14155550123"))
    assert [turn.text for turn in kept.turns] == ["I am Ⓐ••• ••, •••••", "•••••"]
    assert [[word.text for word in turn.words] for turn in kept.turns] == [
        ["I", "am", "Ⓐ•••", "••,", "•••••"],
        ["•••", "•••"],
    ]
    assert kept.case == Case(id=hashed(case.id), content="Ⓐ••• called", contact="•" * 16, status="open")
    assert redactor(call.names, level="off").call(call) == call
    assert redactor().call(Call(id="c")) == Call(id="c")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_structured_is_masked_and_what_is_harmless_mostly_not(language: str) -> None:
    found = tally(labelled(language, 1500))
    structured = [each for kind, each in found.items() if kind not in ("name", "harmless", *HARD)]
    assert sum(each.hit for each in structured) >= 0.98 * sum(each.lines for each in structured)
    assert found["name"].hit == found["name"].lines
    assert found["harmless"].hit == 0
    touched = [found[kind] for kind in HARD if kind not in ("order number", "case number")]
    assert sum(each.hit for each in touched) <= 0.05 * sum(each.lines for each in touched)


@pytest.mark.parametrize("language", LANGUAGES)
def test_patterns_that_are_not_tried_would_have_found_nothing(language: str) -> None:
    for line in labelled(language, 1000):
        patterns = (redact._SPOKEN_MAIL, redact._SPOKEN_HOUSE)
        spans = [match.span() for pattern in patterns for match in pattern.finditer(line.text)]
        spans += [match.span("secret") for match in redact._SECRET.finditer(line.text)]
        spans += [*redact._written(line.text), *redact._spoken(line.text)]
        born = redact._BIRTHDAY.finditer(line.text)
        spans += [match.span("date") for match in born if redact._OF_A_DATE.search(match["date"])]
        assert redactor()(line.text) == redact._without(line.text, spans)

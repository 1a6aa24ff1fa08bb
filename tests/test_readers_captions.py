"""WebVTT and SubRip, with every way of writing who speaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_callqa.call import Call
from pytest_callqa.readers import ReadOptions
from readers_kit import call, refusal

ROLES = ReadOptions(roles={"0": "agent", "1": "customer"})


def vtt(*cues: str) -> Call:
    """A WebVTT call with a cue a second."""
    timed = (f"00:{number:02}.000 --> 00:{number + 1:02}.000\n{cue}" for number, cue in enumerate(cues))
    return call("\n\n".join(["WEBVTT", *timed]))


def srt(*cues: str, options: ReadOptions | None = None) -> Call:
    """A SubRip call with a cue a second."""
    timed = (f"{n + 1}\n00:00:{n:02},000 --> 00:00:{n + 1:02},000\n{cue}" for n, cue in enumerate(cues))
    return call("\n\n".join(timed), options)


def said(read: Call) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in read.turns]


def test_voices_times_and_markup_of_a_talk() -> None:
    read = call(Path("webvtt/vttjs_cycle-collector-talk.vtt"))
    assert (read.format, read.timing, read.tolerance, read.roles) == ("webvtt", "turn", 0.5, "unknown")
    assert said(read)[1:4] == [
        ("Chris Pearce", "Okay, we're good now."),
        ("Kyle Huey", "Oh, now we're good?"),
        ("", "Laughter"),
    ]
    assert read.turns[1].start == read.turns[2].start == 4.0
    assert read.names == ("Chris Pearce", "Kyle Huey")
    assert "some captions hold several voices, whose times are those of the whole caption" in read.limits


def test_talk_over_is_legal() -> None:
    read = call(Path("webvtt/vttjs_spec-example.vtt"))
    assert any(a.end > b.start for a, b in zip(read.turns, read.turns[1:], strict=False) if a.end and b.start)


def test_a_speaker_shown_only_when_it_changes_is_carried_forward() -> None:
    read = call(Path("srt/deepgram_captions_dg_speakers.srt"), ROLES)
    assert [turn.speaker for turn in read.turns[:9]] == ["speaker 0"] * 7 + ["speaker 1"] * 2
    assert (read.format, read.roles, read.turns[0].role, read.turns[7].role) == ("srt", "mapped", "agent", "customer")
    same = call(Path("webvtt/deepgram_captions_dg_speakers.vtt"))
    assert [turn.text for turn in same.turns] == [turn.text for turn in read.turns]


def test_a_damaged_time_costs_the_time_and_not_the_words() -> None:
    read = call(Path("webvtt/webvttpy_invalid_timeframe.vtt"))
    assert (len(read.turns), read.timing) == (7, "start")
    assert (read.turns[1].start, read.turns[1].end) == (7.0, None)
    assert "1 of 7 captions have a damaged time, so times are not trusted" in read.limits


def test_a_cue_whose_start_is_damaged_keeps_its_words() -> None:
    read = call("WEBVTT\n\n00-00.000 --> 00:02.000\nHello.\n\n00:02.000 --> 00:03.000\nYes?\n")
    assert [(turn.start, turn.end) for turn in read.turns] == [(None, None), (2.0, 3.0)]
    assert "1 of 2 captions have a damaged time, so times are not trusted" in read.limits


def test_lines_that_roll_up_are_said_once() -> None:
    read = vtt(
        " \nthank<00:00:00.300><c> you</c>",
        "thank you\n ",
        "thank you\nfor<00:00:02.500><c> calling</c>",
        "for calling\n ",
        "for calling\nyes\n",
    )
    assert [(turn.start, turn.text) for turn in read.turns] == [(0.0, "thank you"), (2.0, "for calling"), (4.0, "yes")]


def test_words_that_are_said_again_stay() -> None:
    assert [text for _, text in said(vtt("Yes.", "Yes.", "No,\nyes.", "yes.", "Well,\nyes."))].count("Yes.") == 2


def test_webex_names_the_speaker_in_the_cues_identifier() -> None:
    times = ("00:00:01.000 --> 00:00:03.000", "00:00:03.000 --> 00:00:04.000")
    read = call(f'WEBVTT\n\n1 "Dana Fox" (123)\n{times[0]}\nHello.\n\n2 "Bo Li" (98)\n{times[1]}\nHi.\n')
    assert said(read) == [("Dana Fox", "Hello."), ("Bo Li", "Hi.")]


def test_names_that_open_nearly_every_cue_are_speakers() -> None:
    read = vtt("Dana Fox: Hello.", "Bo Li: Hi.", "Ann Ray: Good day.", "Bo Li: Yes.", "So am I.")
    assert [speaker for speaker, _ in said(read)] == ["Dana Fox", "Bo Li", "Ann Ray", "Bo Li", "Bo Li"]


def test_a_full_stop_for_the_comma_is_accepted_in_srt() -> None:
    assert call(Path("srt/webvttpy_invalid_timeframe.srt")).turns[1].end == 11.89


def test_identifiers_notes_and_a_byte_order_mark_are_no_speech() -> None:
    assert said(call(Path("webvtt/webvttpy_using_identifiers.vtt")))[:2] == [
        ("", "Caption text #1"),
        ("", "Caption text #2"),
    ]
    assert said(call(Path("webvtt/webvttpy_captions_with_bom.vtt")))[0] == ("", "Caption text #1")
    comments = call(Path("webvtt/webvttpy_comments.vtt"))
    assert [text for _, text in said(comments)] == [
        "Ta en kopp varmt te.",
        "Det är inte varmt.",
        "Har en kopp te.",
        "Det smakar som te.",
        "Ta en kopp",
    ]


@pytest.mark.parametrize(
    ("cue", "expected"),
    [
        ("<v Mary>No way!</v>", [("Mary", "No way!")]),
        ("<v.first.loud Joe Doe>No way!", [("Joe Doe", "No way!")]),
        ("<v>It's a tree!", [("", "It's a tree!")]),
        ("<v It's a tree!", [("", "It's a tree!")]),
        ("<v Tom &amp; Ann>Fish &lt;and&gt; chips", [("Tom & Ann", "Fish <and> chips")]),
        ("<i>One</i> <00:00.500><c.loud>two</c>", [("", "One two")]),
        ("before <v Ann>after", [("", "before"), ("Ann", "after")]),
        ("-5 degrees", [("", "-5 degrees")]),
        ("- Hot?\n- No.\nCold.", [("", "Hot?"), ("", "No. Cold.")]),
    ],
)
def test_a_cue(cue: str, expected: list[tuple[str, str]]) -> None:
    assert said(vtt(cue)) == expected


def test_labels_in_brackets_or_before_a_colon() -> None:
    assert said(srt("[SPEAKER_00]: Hello.", "[SPEAKER_01]: Hi.")) == [("SPEAKER_00", "Hello."), ("SPEAKER_01", "Hi.")]
    assert said(srt("[Agent] Hello.", "[Customer] Hi.")) == [("Agent", "Hello."), ("Customer", "Hi.")]
    read = srt("Agent: Hello,\nI am May.", "Customer: Hi.\nAgent(May): Yes?")
    assert said(read) == [("Agent", "Hello, I am May."), ("Customer", "Hi."), ("Agent(May)", "Yes?")]
    assert ([turn.role for turn in read.turns], read.roles) == (["agent", "customer", "agent"], "given")
    assert read.names == ("May",)


def test_a_label_that_the_role_map_knows_is_a_label() -> None:
    options = ReadOptions(roles={"Dana": "agent"})
    assert said(srt("Dana: hello", "hi", options=options)) == [("Dana", "hello"), ("", "hi")]
    assert said(srt("Dana: hello", "hi")) == [("", "Dana: hello"), ("", "hi")]


def test_names_count_if_the_file_is_written_that_way() -> None:
    assert said(srt("Dana Fox: hello", "Bo: hi", "Dana Fox: so", "Bo: ok")) == [
        ("Dana Fox", "hello"),
        ("Bo", "hi"),
        ("Dana Fox", "so"),
        ("Bo", "ok"),
    ]


def test_a_name_before_a_colon_shown_on_change_is_carried_and_words_before_a_colon_are_not_names() -> None:
    read = srt("Dana: hello", "and then", "Bo: hi", "here is the thing: no", "Dana: so", "Bo: ok")
    assert [speaker for speaker, _ in said(read)] == ["Dana", "Dana", "Bo", "Bo", "Dana", "Bo"]
    assert said(read)[3][1] == "here is the thing: no"


def test_what_names_nobody_stays_nobody() -> None:
    read = srt("[SPEAKER_00]: Hello.", "well", "[laughter] no")
    assert said(read) == [("SPEAKER_00", "Hello."), ("", "well"), ("", "[laughter] no")]
    assert "2 of 3 captions do not say who speaks" in read.limits


def test_a_missing_blank_line_and_one_too_many() -> None:
    text = "1\n00:00:00,000 --> 00:00:01,000\nOne\n2\n00:00:01,000 --> 00:00:02,000\nTwo\n\nand a half\n"
    assert said(call(text)) == [("", "One"), ("", "Two and a half")]


def test_styles_and_notes_end_a_cue() -> None:
    text = "WEBVTT\n\n00:00.000 --> 00:01.000\nOne\n\nNOTE said in jest\n\nSTYLE\n::cue { color: red }\n"
    assert said(call(text)) == [("", "One")]


def test_hours_are_read() -> None:
    assert call("WEBVTT\n\n01:00:00.5 --> 01:00:01.25\nOne").turns[0].start == 3600.5


def test_captions_without_words_are_refused() -> None:
    assert "no cue with words" in refusal("WEBVTT\n\n00:00.000 --> 00:01.000\n")
    assert "no cue with words" in refusal("WEBVTT")


@pytest.mark.parametrize("label", ["{}：", "{}:", "{}: ", "【{}】", "[{}]：", "<v {}>"])
@pytest.mark.parametrize(
    ("one", "two"),
    [("客服", "客户"), ("坐席1", "用户"), ("座席（小李）", "顾客"), ("Operator", "Caller"), ("Advisor", "Client")],
)
def test_labels_in_chinese_and_english_are_roles(label: str, one: str, two: str) -> None:
    cues = [
        f"00:0{number}.000 --> 00:0{number}.900\n{label.format(name)}您好" for number, name in enumerate((one, two))
    ]
    read = call("WEBVTT\n\n" + "\n\n".join(cues))
    assert [(turn.role, turn.text) for turn in read.turns] == [("agent", "您好"), ("customer", "您好")]


def test_a_colon_in_chinese_speech_is_no_label() -> None:
    read = call("1\n00:00:00,000 --> 00:00:01,000\n地址是这样：上海\n\n2\n00:00:01,000 --> 00:00:02,000\n好的\n")
    assert [turn.text for turn in read.turns] == ["地址是这样：上海", "好的"]


@pytest.mark.parametrize(
    "captions",
    [
        "1\n00:00:01 --> 00:00:02\nAgent: Hello.\n\n2\n00:00:03 --> 00:00:04\nCustomer: Hi.\n",
        "1\n\n00:00:01,000 --> 00:00:02,000\nAgent: Hello.\n\n2\n\n00:00:03,000 --> 00:00:04,000\nCustomer: Hi.\n",
        "1\n0:00:01,0  -->  0:00:02,00\n>> Agent: Hello.\n\n2\n0:00:03,0 --> 0:00:04,0\n>> Customer: Hi.\n",
        '1\n00:00:01,000 --> 00:00:02,000\n<font color="#fff">Agent: Hello.</font>\n\n'
        "2\n00:00:03,000 --> 00:00:04,000\n<i>Customer:</i> Hi.\n",
        "\r\n\r\nWEBVTT\r\n\r\n00:01.000-->00:02.000 line:0\r\n(Agent) Hello.\r\n\r\n"
        "00:03.000 --> 00:04.000\r\n（Customer）Hi.\r\n",
        "WEBVTT\n00:01.000 --> 00:02.000\n- Agent: Hello.\n00:03.000 --> 00:04.000\n- Customer: Hi.\n",
    ],
    ids=["no fractions", "lone numbers", "chevrons", "type faces", "parentheses", "dashes"],
)
def test_captions_as_odd_writers_have_them(captions: str) -> None:
    read = call(captions)
    assert [(turn.role, turn.text, turn.start, turn.end) for turn in read.turns] == [
        ("agent", "Hello.", 1.0, 2.0), ("customer", "Hi.", 3.0, 4.0),
    ]  # fmt: skip


def test_a_number_that_is_said_stays() -> None:
    said = ("How many?", "5", "Five.", "(laughs) Well.")
    cues = [f"{n}\n00:00:0{n},000 --> 00:00:0{n},500\n{words}\n" for n, words in enumerate(said, 1)]
    assert [turn.text for turn in call("\n".join(cues)).turns] == list(said)

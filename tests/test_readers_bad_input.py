"""Hostile and broken files: always one sentence with the place and what to do, never an exception."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_callqa.call import Call
from pytest_callqa.readers import FORMATS, ReadOptions, Unreadable, finishing
from pytest_callqa.readers.native import Native
from readers_kit import CALLS, call, found, refusal

NATIVE = b'{"id": "c1", "turns": [{"text": "caf\xc3\xa9", "start": 1}]}'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The file is empty: export the call again."),
        (b" \n\t", "The file is empty"),
        (NATIVE[:-5], "The JSON is broken (Input data was truncated)"),
        (NATIVE + b"]", "The JSON is broken (JSON is malformed: trailing characters"),
        (NATIVE.replace(b"1}", b"NaN}"), "The JSON is broken (JSON is malformed: invalid character (byte 50))"),
        (NATIVE.replace(b"1}", b"1e999}"), "$.turns[0].start: Number out of range"),
        (NATIVE.replace(b"1}", b"9" * 5000 + b"}"), "$.turns[0].start: Number out of range"),
        (NATIVE.replace(b"caf", b"\\ud800"), "The JSON is broken"),
        (NATIVE.decode().encode("latin-1"), "Byte 36 (0xe9) is not UTF-8: save the file as UTF-8"),
        ("WEBVTT\n\n00:00.000 --> 00:01.000\n您好".encode("gbk"), "Byte 32 (0xc4) is not UTF-8"),
        (NATIVE.decode().encode("utf-16-le"), "This looks like UTF-16 without a byte order mark"),
        (b"\xff\xfe\x00\xd8", "The file says it is UTF-16 and is not"),
        (b"[" * 100_000, "The JSON is nested too deeply"),
        (b'{"a":' * 100_000, "The JSON is nested too deeply"),
        (b"%PDF-1.7 \xe2\xe3\xcf\xd3", "Byte 9 (0xe2) is not UTF-8"),
        (b"Dear all, please find the calls attached.", "This is not a transcript in a format that is known: leave"),
        (b'{"hello": "world"}', "This is not a transcript"),
        (b"[]", "This is not a transcript"),
        (b"[1, 2]", "This is not a transcript"),
    ],
)
def test_what_cannot_be_read(content: bytes, says: str) -> None:
    assert refusal(content).startswith(says)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_what_the_encoding_is(encoding: str) -> None:
    assert call(NATIVE.decode().encode(encoding)).turns[0].text == "café"


def test_a_nul_is_text_like_any_other() -> None:
    assert call({"id": "c1", "turns": [{"text": "a\0b"}]}).turns[0].text == "a\0b"


def test_a_turn_and_a_call_have_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finishing, "MAX_TURN", 4)
    monkeypatch.setattr(finishing, "MAX_TURNS", 2)
    assert "$.turns[1]: A turn of more than 4 characters" in refusal(
        {"id": "c", "turns": [{"text": "1234"}, {"text": "12345"}]}
    )
    assert "The call has 3 turns, and more than 2 are not read" in refusal({"id": "c", "turns": [{"text": "1"}] * 3})


def test_no_refusal_repeats_what_was_said() -> None:
    secret = "my number is 4111 1111"
    for content in (
        {"id": "c", "turns": [{"text": secret, "role": secret}]},
        {"id": "c", "turns": secret},
        f'{{"id": "c", "turns": [{{"text": "{secret}',
        {"JobStatus": "COMPLETED", "Channel": "VOICE", "Transcript": [{"Content": "x", "BeginOffsetMillis": secret}]},
        {"uuid": "u", "dialog": [{"type": secret, "start": secret}]},
        f"1\n00:00:00,000 --> 00:00:01,000\n{secret}\xe9".encode("latin-1"),
    ):
        assert secret not in refusal(content)


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"started": "0001-01-01T00:00:00+14:00"}, "$.started"),
        ({"case": {"deadline": "9999-12-31T23:00:00-10:00"}}, "$.case.deadline"),
        ({"case": {"follow_ups": [{"time": "0001-01-01T00:00:00+14:00"}]}}, "$.case.follow_ups[0].time"),
        (
            {"attestations": [{"clause": "1", "verdict": "passed", "assessor": "A", "time": "0001-01-01T00:00:00Z"}]},
            "$.attestations[0].time",
        ),
    ],
)
def test_a_time_of_day_is_of_a_year_that_has_calls(more: dict[str, object], place: str) -> None:
    assert refusal({"id": "c", "turns": [{"text": "Hi."}], **more}).startswith(
        f"{place}: The year is not that of a call"
    )


def test_words_may_lack_times_and_not_have_impossible_ones() -> None:
    def spoken(**times: float) -> dict[str, object]:
        return {"id": "c", "turns": [{"text": "Hi.", "start": 0, "end": 1, "words": [{"text": "Hi.", **times}]}]}

    assert [call(spoken(**times)).timing for times in ({}, {"end": 1}, {"start": 0})] == ["turn", "turn", "word"]
    for times in ({"end": -1}, {"start": -1}, {"start": 1, "end": 0}):
        assert refusal(spoken(**times)).startswith("$.turns[0].words[0]: ")


def test_what_a_reader_did_not_foresee_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Call:
        raise OverflowError

    monkeypatch.setattr(Native, "read", fail)
    assert refusal(NATIVE) == "The file holds values that no call has (OverflowError): export the call again."


REAL = sorted(path for path in CALLS.rglob("*") if path.is_file() and path.suffix != ".md")


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_real_file_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(REAL)).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        content[at : at + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=4))
    assert isinstance(found(bytes(content)), Call | Unreadable)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_real_file_with_a_value_swapped_is_read_or_refused(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([path for path in REAL if path.suffix != ".vtt" and path.suffix != ".srt"]))
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return
    node = value
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or data.draw(st.booleans()):
            node[key] = data.draw(json_values)
            break
        node = node[key]
    assert isinstance(found(json.dumps(value)), Call | Unreadable)


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_a_format_forced_on_the_wrong_file_is_read_or_refused(format: str) -> None:
    for path in REAL:
        assert isinstance(found(path.read_bytes(), options=ReadOptions(format=format)), Call | Unreadable)


def test_every_real_file_is_read_or_refused_by_name() -> None:
    refused = {path.name for path in REAL if isinstance(found(Path(path.relative_to(CALLS))), Unreadable)}
    assert refused == {
        "category_rules.json",
        "core_simple-vcon.vcon",
        "ietf_ab_call_ext_rec_encrypted.vcon",
        "ietf_ab_call_ext_rec_signed.vcon",
        "ietf_simple-vcon.vcon",
        "invalid-missing-fields.json",
        "invalid_bad_dialog_types.json",
        "invalid_bad_duration.json",
        "invalid_null_parties.json",
        "invalid_out_of_range_party_indices.json",
        "valid-transfer-dialog.json",
    }


# --- what the hostile list names, where no test above has it ------------------------------


@pytest.mark.parametrize("number", [b"Infinity", b"-Infinity", b"NaN"])
def test_numbers_that_are_none_are_refused(number: bytes) -> None:
    assert refusal(NATIVE.replace(b"1}", number + b"}")).startswith("The JSON is broken")


@pytest.mark.parametrize(
    ("turns", "says"),
    [
        ([(-1, 1)], "$.turns[0]: -1 s to 1 s is not a time within a call"),
        ([(3, 1)], "$.turns[0]: It ends at 1 s, before it starts at 3 s"),
        ([(0, 1), (2, 1e7)], "$.turns[1]: 2 s to 1e+07 s is not a time within a call"),
    ],
)
def test_impossible_times_are_refused(turns: list[tuple[float, float]], says: str) -> None:
    listed = [{"text": "Hi.", "start": start, "end": end} for start, end in turns]
    assert refusal({"id": "c", "turns": listed}).startswith(says)


def test_overlapping_turns_are_read_and_unordered_ones_are_ordered_and_told() -> None:
    def read(*starts: float) -> Call:
        return call({"id": "c", "turns": [{"text": f"{start}", "start": start, "end": start + 5} for start in starts]})

    assert read(0, 1, 2).limits == ()
    unordered = read(4, 0, 2)
    assert [turn.start for turn in unordered.turns] == [0, 2, 4]
    assert unordered.limits == ("the file's turns go back in time by 4.00 s at turn 2; ordered by start",)


def test_a_long_turn_is_read_whole() -> None:
    text = "word " * 2_000_000
    assert call({"id": "c", "turns": [{"role": "agent", "text": text}]}).turns[0].text == text


@pytest.mark.parametrize(
    "text", ["a\u202eb", "\x1b[31mred", "\u200bzero\u2066x", "\ufeffx", "\U0001f469\u200d\U0001f4bb"]
)
def test_characters_nobody_sees_stay_in_the_text(text: str) -> None:
    read = call({"id": text, "turns": [{"text": text, "speaker": text}]})
    assert (read.id, read.turns[0].text, read.turns[0].role) == (text, text, "unknown")


@pytest.mark.parametrize("surrogate", [b"\\ud800", b"\\udc00", b"\\ud800\\ud800", b"\xed\xa0\x80"])
def test_lone_surrogates_are_refused(surrogate: bytes) -> None:
    assert isinstance(found(NATIVE.replace(b"caf", surrogate)), Unreadable)


def test_an_id_is_never_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(Path().rglob("*"))
    for name in ("../../etc/passwd", "/etc/passwd", "..\\x", "a\0b", "x" * 10_000):
        assert call({"id": name, "turns": [{"text": "Hi."}]}).id == name
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_bodies_within_a_document_are_refused_too(depth: int) -> None:
    body = "[" * depth + "]" * depth
    dialog = [{"type": "recording", "start": "2026-01-05T10:00:00Z", "parties": [0]}]
    analysis = [{"type": "transcript", "dialog": 0, "body": body, "encoding": "json"}]
    assert isinstance(found({"uuid": "u", "parties": [{}], "dialog": dialog, "analysis": analysis}), Unreadable)


@pytest.mark.parametrize("empty", [{"id": "c", "turns": []}, {"id": "c"}, {"uuid": "u", "parties": [], "dialog": []}])
def test_a_call_without_anything_in_it_is_refused(empty: dict[str, object]) -> None:
    assert isinstance(found(empty), Unreadable)

"""A call in full: verdicts with their place, evidence marked, silences, and how much of the words a level tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_callqa import ledger
from pytest_callqa.report.transcript import Asked, Pause, Piece, Span, TextLevel, Told, cut, tell, unquoted
from pytest_callqa.verdict import Evidence
from report_ledgers import RUDE, RUN, TALK, entry, said

ORDER = {rule.clause: place for place, rule in enumerate(RUN.rules)}


def told(call: ledger.Entry, level: TextLevel = "full") -> Told:
    return tell(RUN, ORDER, call, level)


def pieces(text: str, *spans: Span) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(p.text, p.kind, p.rules) if isinstance(p, Piece) else (p, "", ()) for p in cut(text, spans)]


def test_verdicts_are_worst_first_with_reason_time_and_turn() -> None:
    swearing, greeting = told(RUDE).verdicts
    assert (RUN.rules[swearing.rule].clause, swearing.start, swearing.turn, swearing.broken) == ("1.2", 4.5, 1, 2)
    assert swearing.line == "test_rules.py:37"
    assert (RUN.rules[greeting.rule].clause, greeting.turn) == ("1.1", 0)
    assert told(RUDE).moments == ((1, 3),)


def test_what_failed_stands_before_what_broke() -> None:
    call = told(entry("a", "eufp", doubts={"no case record": ["1.2"]}))
    assert [verdict.rule for verdict in call.verdicts] == [2, 0]
    assert call.doubts == (("no case record", (1,)),)


def test_every_question_asked_is_told_with_its_nearest_miss() -> None:
    swearing, _ = told(RUDE).verdicts
    assert swearing.asked == (
        Asked("asked", True, "Damn", False, 0, 2.5),
        Asked("asked", False, "So what", True, 0, 9.7),
    )


@pytest.mark.parametrize(
    ("found", "turn"),
    [
        (ledger.Found(reason="r", evidence=(said("So", turn=2),)), 2),
        (ledger.Found(reason="r", start=-1.0, evidence=(said("So", turn=2),)), 2),
        (
            ledger.Found(
                reason="r", evidence=(Evidence("asked", holds=False), Evidence("asked", holds=False, turn=99))
            ),
            -1,
        ),
    ],
    ids=["without a time", "before all turns", "nowhere"],
)
def test_a_verdict_without_a_time_leads_to_its_evidence(found: ledger.Found, turn: int) -> None:
    (verdict,) = told(entry("a", "fnmn", found={"1.1": found}, turns=TALK)).verdicts
    assert verdict.turn == turn


def test_facts_leave_out_what_is_not_known() -> None:
    assert dict(told(RUDE).facts) == {"file": "calls/day.jsonl", "format": "native", "times": "of turns"}
    assert told(ledger.Entry(call="bare", verdicts="pppp")).facts == (("times", "no times"),)


# -- silences


def test_silences_stand_after_the_turn_they_follow_and_name_what_broke_there() -> None:
    assert told(RUDE).pauses == (Pause(1, 4.5, 5.2, False, (1,)),)


def test_silences_before_inside_and_after_all_speech() -> None:
    turns = (ledger.Line("agent", 3.0, 12.0, "Hello … are you there?"),)
    call = entry("a", "fnmn", turns=turns, silences=((14.0, 20.0), (0.0, 3.0), (5.0, 8.0)))
    assert told(call).pauses == (
        Pause(-1, 0.0, 3.0, False, ()),
        Pause(0, 5.0, 3.0, True, ()),
        Pause(0, 14.0, 6.0, False, ()),
    )


def test_silences_of_a_transcript_without_times_stand_before_it() -> None:
    untimed = entry("a", "fnmn", turns=(ledger.Line("agent", None, None, "Hi"),), silences=((1.0, 4.0),))
    assert told(untimed).pauses == (Pause(-1, 1.0, 3.0, False, ()),)


# -- how much of what was said


LONG = entry(
    "long",
    "fnmn",
    found={"1.1": ledger.Found(reason="says sorry: “Sorry” at 0:06.0", evidence=(said("3", turn=3, text="turn 3"),))},
    turns=tuple(ledger.Line("agent", 2.0 * n, 2.0 * n + 1, f"turn {n}") for n in range(8)),
    case={"content": "The lamp of Ann Lee"},
)


@pytest.mark.parametrize(
    ("level", "shown"), [("none", []), ("evidence", [2, 3, 4]), ("full", [0, 1, 2, 3, 4, 5, 6, 7])]
)
def test_a_level_tells_so_many_turns_but_when_all_were(level: TextLevel, shown: list[int]) -> None:
    turns = told(LONG, level).turns
    assert [number for number, turn in enumerate(turns) if turn.pieces is not None] == shown
    assert [(turn.start, turn.end) for turn in turns] == [(2.0 * n, 2.0 * n + 1) for n in range(8)]


def test_without_words_neither_quotes_nor_the_case_are_told() -> None:
    (verdict,) = told(LONG, "none").verdicts
    assert verdict.reason == "says sorry: “…” at 0:06.0"
    assert [asked.quote for asked in verdict.asked] == [""]
    assert told(LONG, "none").case == ()
    assert told(LONG, "evidence").case == (("content", "The lamp of Ann Lee"),)
    assert unquoted("says “a” and “b”", "evidence") == "says “a” and “b”"


# -- cutting


def test_evidence_is_cut_out_of_a_turn() -> None:
    assert [turn.pieces for turn in told(RUDE).turns] == [
        ("Yes?",),
        (Piece("Damn", "hit", (1,)), ", it broke."),
        (Piece("So what", "near", (1,)), "."),
    ]


def test_overlapping_spans_are_cut_where_either_begins_or_ends() -> None:
    assert pieces("0123456789", Span(1, 5, False, 1), Span(3, 8, False, 2), Span(3, 8, True, 3)) == [
        ("0", "", ()),
        ("12", "hit", ()),
        ("34", "hit", (1,)),
        ("567", "hit", (2, 3)),
        ("89", "", ()),
    ]


def test_a_miss_shows_where_no_evidence_covers_it() -> None:
    assert pieces("0123", Span(0, 4, True, 1), Span(1, 2, False, 2)) == [
        ("0", "near", ()),
        ("1", "hit", (2,)),
        ("23", "near", (1,)),
    ]


def test_spans_that_reach_beyond_the_text_or_hold_nothing_do_no_harm() -> None:
    odd = Span(-3, 2, False, 1), Span(3, 99, True, 2), Span(2, 2, False, 3), Span(9, 4, False, 4)
    assert pieces("0123", *odd) == [("01", "hit", (1,)), ("2", "", ()), ("3", "near", (2,))]
    assert pieces("", Span(0, 5, False, 1)) == []


SPANS = st.builds(Span, st.integers(-2, 12), st.integers(-2, 12), st.booleans(), st.integers(1, 2))


@given(st.text(max_size=10), st.lists(SPANS, max_size=6))
def test_cutting_loses_no_character_and_marks_exactly_what_is_spanned(text: str, spans: list[Span]) -> None:
    cuts = pieces(text, *spans)
    assert "".join(piece for piece, _, _ in cuts) == text
    kinds = [kind for piece, kind, _ in cuts for _ in piece]
    for place, kind in enumerate(kinds):
        over = {span.near for span in spans if max(span.first, 0) <= place < span.last}
        assert kind == ("hit" if False in over else "near" if over else "")


def test_a_waived_breach_is_told_with_who_accepted_it() -> None:
    accepted = ledger.Found(reason="broke 1.1", waiver="Ann, until 2099-01-01: old greeting")
    (judged,) = tell(RUN, ORDER, entry("old", "wppn", found={"1.1": accepted})).verdicts
    assert judged.reason == "broke 1.1; waived: Ann, until 2099-01-01: old greeting"

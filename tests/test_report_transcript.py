"""A failing call in full: verdicts with their place, evidence marked, silences between the turns."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_callqa import ledger
from pytest_callqa.report.model import Ledgers
from pytest_callqa.report.transcript import CallView, Pause, Said, Span, cut
from pytest_callqa.verdict import Evidence, Outcome
from report_ledgers import RUDE, TALK, entry, said, write


def view(tmp_path: Path, call: ledger.Entry) -> CallView:
    ledgers = Ledgers([write(tmp_path / "ledger.jsonl", call)])
    (only,) = ledgers.views(ledgers.summary().failing)
    return only


def pieces(text: str, *spans: Span) -> list[tuple[str, str, str]]:
    return [(piece.text, piece.kind, " ".join(piece.clauses)) for piece in cut(text, spans)]


def test_verdicts_are_worst_first_with_reason_time_and_turn(tmp_path: Path) -> None:
    swearing, greeting = view(tmp_path, RUDE).verdicts
    assert (swearing.clause, swearing.severity, swearing.outcome) == ("1.2", "critical", Outcome.FAILED)
    assert (swearing.start, swearing.turn, swearing.broken, swearing.moments) == (4.5, 1, 2, 3)
    assert swearing.line == "test_rules.py:37"
    assert (greeting.clause, greeting.turn, greeting.moments) == ("1.1", 0, 1)


def test_the_other_verdicts_are_named_by_clause(tmp_path: Path) -> None:
    shown = view(tmp_path, entry("a", "feup", doubts={"no case record": ["1.3"]}))
    assert [(v.clause, v.outcome) for v in shown.verdicts] == [("1.1", Outcome.FAILED), ("1.2", Outcome.ERROR)]
    assert shown.doubts == (("no case record", ("1.3",)),)
    assert (shown.passed, shown.not_applicable, shown.not_assessed) == (("2.1",), (), ())
    assert view(tmp_path, RUDE).not_assessed == ("1.3",)


@pytest.mark.parametrize(
    ("found", "turn"),
    [
        (ledger.Found(reason="r", evidence=(said("So", turn=2),)), 2),
        (ledger.Found(reason="r", start=-1.0, evidence=(said("So", turn=2),)), 2),
        (
            ledger.Found(
                reason="r", evidence=(Evidence("asked", holds=False), Evidence("asked", holds=False, turn=99))
            ),
            None,
        ),
    ],
    ids=["without a time", "before all turns", "nowhere"],
)
def test_a_verdict_without_a_time_leads_to_its_evidence(tmp_path: Path, found: ledger.Found, turn: int | None) -> None:
    (verdict,) = view(tmp_path, entry("a", "fnmn", found={"1.1": found}, turns=TALK)).verdicts
    assert verdict.turn == turn


def test_silences_stand_after_the_turn_they_follow_and_name_what_broke_there(tmp_path: Path) -> None:
    transcript = view(tmp_path, RUDE).transcript
    assert [type(part) for part in transcript] == [Said, Said, Pause, Said]
    assert transcript[2] == Pause(4.5, pytest.approx(5.2), inside=False, clauses=("1.2",))


def test_silences_before_inside_and_after_all_speech(tmp_path: Path) -> None:
    turns = (ledger.Line("agent", 3.0, 12.0, "Hello … are you there?"),)
    call = entry("a", "fnmn", turns=turns, silences=((14.0, 20.0), (0.0, 3.0), (5.0, 8.0)))
    before, _, inside, after = view(tmp_path, call).transcript
    assert (before, inside, after) == (Pause(0.0, 3.0, False), Pause(5.0, 3.0, True), Pause(14.0, 6.0, False))


def test_a_transcript_without_times_or_turns(tmp_path: Path) -> None:
    untimed = entry("a", "fnmn", turns=(ledger.Line("agent", None, None, "Hi"),), silences=((1.0, 4.0),))
    assert [type(part) for part in view(tmp_path, untimed).transcript] == [Pause, Said]
    assert view(tmp_path, entry("a", "fnmn", silences=((1.0, 4.0),))).transcript == (Pause(1.0, 3.0, False),)


def test_evidence_is_cut_out_of_a_turn(tmp_path: Path) -> None:
    transcript = view(tmp_path, RUDE).transcript
    told = [[(p.text, p.kind, p.clauses) for p in part.pieces] for part in transcript if isinstance(part, Said)]
    assert told == [
        [("Yes?", "", ())],
        [("Damn", "hit", ("1.2",)), (", it broke.", "", ())],
        [("So what", "near", ("1.2",)), (".", "", ())],
    ]


def test_overlapping_spans_are_cut_where_either_begins_or_ends() -> None:
    assert pieces("0123456789", Span(1, 5, False, "1.1"), Span(3, 8, False, "1.2"), Span(3, 8, True, "1.3")) == [
        ("0", "", ""),
        ("12", "hit", ""),
        ("34", "hit", "1.1"),
        ("567", "hit", "1.2 1.3"),
        ("89", "", ""),
    ]


def test_a_miss_shows_where_no_evidence_covers_it() -> None:
    assert pieces("0123", Span(0, 4, True, "1.1"), Span(1, 2, False, "1.2")) == [
        ("0", "near", ""),
        ("1", "hit", "1.2"),
        ("23", "near", "1.1"),
    ]


def test_spans_that_reach_beyond_the_text_or_hold_nothing_do_no_harm() -> None:
    odd = Span(-3, 2, False, "1.1"), Span(3, 99, True, "1.2"), Span(2, 2, False, "1.3"), Span(9, 4, False, "2.1")
    assert pieces("0123", *odd) == [("01", "hit", "1.1"), ("2", "", ""), ("3", "near", "1.2")]
    assert pieces("", Span(0, 5, False, "1.1")) == []


SPANS = st.builds(Span, st.integers(-2, 12), st.integers(-2, 12), st.booleans(), st.sampled_from(["1.1", "1.2"]))


@given(st.text(max_size=10), st.lists(SPANS, max_size=6))
def test_cutting_loses_no_character_and_marks_exactly_what_is_spanned(text: str, spans: list[Span]) -> None:
    cuts = list(cut(text, spans))
    assert "".join(piece.text for piece in cuts) == text
    kinds = [piece.kind for piece in cuts for _ in piece.text]
    for place, kind in enumerate(kinds):
        over = {span.near for span in spans if max(span.first, 0) <= place < span.last}
        assert kind == ("hit" if False in over else "near" if over else "")

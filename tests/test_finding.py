"""Answers: true or false, narrowed by time and speaker, and told in one line."""

from __future__ import annotations

import pytest

from examples import hear, phrases, talk
from pytest_callqa.errors import Undecided
from pytest_callqa.finding import Clock, clock_time

CALL = hear(
    [
        "agent: Hello, how can I help you?",
        "customer: Sorry, who is this?",
        3.0,
        "agent: I am so sorry!",
    ]
)  # the apologies are said at 2.5 and 7.5 s or a little later


def near(tolerance: float, pause: float) -> object:
    call = hear(talk("customer: Damn", pause, "agent: Sorry", tolerance=tolerance))
    return call.agent.says(phrases.apology)


def test_a_finding_is_true_when_it_was_said_and_remembers_the_words() -> None:
    found = CALL.everyone.says(phrases.apology)
    assert found
    assert [(quote.text, quote.role, quote.turn) for quote in found.quotes] == [
        ("Sorry", "customer", 1),
        ("sorry", "agent", 2),
    ]
    assert found.first == found.quotes[0]
    assert found.start == 2.5
    assert found.end == 9.5
    assert found.tell() == "anybody says apology: “Sorry” at 0:02.5; “sorry” at 0:08.6"
    assert repr(found) == f"<found: {found.tell()}>"


def test_a_quote_precedes_what_is_said_later_in_its_turn_or_in_another() -> None:
    first, other = CALL.everyone.says(phrases.apology).quotes
    assert first.precedes(other)
    assert not other.precedes(first)
    twice = hear(["agent: Sorry, I am so sorry"]).agent.says(phrases.apology).quotes
    assert twice[0].precedes(twice[-1])
    assert not twice[-1].precedes(twice[0])


def test_what_was_not_said_tells_what_came_nearest() -> None:
    found = hear(["agent: How can I do that?"]).agent.says(phrases.offer_help)
    assert not found
    assert (found.first, found.start, found.end) == (None, None, None)
    assert found.tell() == "the agent says offer help: not found; nearest: “How can I” at 0:00.0, 63 of 100"
    assert CALL.agent.says(phrases.curse).tell() == "the agent says curse: not found"
    assert repr(found).startswith("<not found: the agent says")


def test_a_phrase_in_parts_tells_the_parts_without_which_it_was_said() -> None:
    found = hear(["agent: Thank you, goodbye!"]).agent.says(phrases.farewell)
    assert not found
    assert found.missing == ("invitation",)
    assert found.tell() == (
        "the agent says farewell: without invitation; said: thanks “Thank you” at 0:00.0, goodbye “goodbye” at 0:01.2"
    )


# --- chains -------------------------------------------------------------------------------


def test_by_keeps_what_one_party_said() -> None:
    sorry = CALL.everyone.says(phrases.apology)
    assert [quote.turn for quote in sorry.by("agent").quotes] == [2]
    assert not CALL.everyone.says(phrases.hello).by("customer")
    assert CALL.everyone.says(phrases.hello).by("customer").tell() == (
        "anybody says hello: “Hello” at 0:00.0 was said, but none of it by the customer"
    )


def test_after_and_before_keep_what_begins_then() -> None:
    sorry = CALL.everyone.says(phrases.apology)
    assert [quote.turn for quote in sorry.after(3.0).quotes] == [2]
    assert [quote.turn for quote in sorry.after(2.5).quotes] == [1, 2]
    assert [quote.turn for quote in sorry.before(3.0).quotes] == [1]
    assert not sorry.before(2.5)
    assert sorry.before(1.0).tell() == "anybody says apology: “Sorry” at 0:02.5 was said, but not before 0:01.0"
    assert sorry.after(60.0).tell() == "anybody says apology: “Sorry” at 0:02.5 was said, but not after 1:00.0"


def test_a_phrase_in_parts_needs_all_of_them_after_the_time() -> None:
    call = hear(["agent: Thank you", "customer: Yes", "agent: Call again, goodbye"])
    whole = call.agent.says(phrases.farewell)
    assert whole
    late = whole.after(4.0)
    assert not late
    assert late.missing == ("thanks",)
    assert late.tell().startswith("the agent says farewell: without thanks; said: invitation")


def test_another_phrase_may_stand_in_for_the_one_that_lost_a_part() -> None:
    call = hear(["agent: Thank you", "customer: Yes", "agent: Call again, goodbye. Sorry!"])
    either = call.agent.says(phrases.farewell, phrases.apology).after(4.0)
    assert either
    assert [quote.phrase for quote in either.quotes] == ["apology"]


def test_within_and_at_least_measure_the_first_of_it() -> None:
    sorry = CALL.agent.says(phrases.apology)  # at 8.64 s
    assert sorry.within(5, of=4.5)
    assert not sorry.within(4, of=4.5)
    assert sorry.within(4, of=4.5).tell() == ("the agent says apology: said 4.1 s after 0:04.5, expected at most 4 s")
    assert sorry.at_least(4, after=4.5)
    assert not sorry.at_least(5, after=4.5)
    assert sorry.at_least(5, after=4.5).tell() == (
        "the agent says apology: said 4.1 s after 0:04.5, expected at least 5 s"
    )


def test_a_time_that_meets_the_limit_to_the_hundredth_meets_it() -> None:
    assert near(0.0, 5.004).within(5, of=2.0)
    assert near(0.0, 4.996).at_least(5, after=2.0)
    assert not near(0.0, 5.01).within(5, of=2.0)
    assert not near(0.0, 4.99).at_least(5, after=2.0)


@pytest.mark.parametrize("pause", [4.8, 5.0, 5.2])
def test_a_wait_inside_the_tolerance_is_undecided(pause: float) -> None:
    with pytest.raises(Undecided, match=r"the wait after 0:02\.0 is .* against 5 s, within the ±0\.3 s of these times"):
        near(0.3, pause).within(5, of=2.0)
    assert near(0.1, 4.8).within(5, of=2.0)


def test_a_broken_chain_stays_broken_and_keeps_its_first_reason() -> None:
    broken = CALL.everyone.says(phrases.apology).after(60.0)
    again = broken.by("agent").before(1.0).within(1, of=0.0).at_least(1, after=0.0)
    assert again.tell() == broken.tell()
    nothing = CALL.agent.says(phrases.curse)
    assert nothing.after(None) is nothing.before(None) is nothing.by("agent") is nothing.within(5, of=None)


def test_a_wait_needs_times() -> None:
    untimed = hear(talk("agent: Sorry", timed=False)).agent.says(phrases.apology)
    assert untimed
    with pytest.raises(Undecided, match="the transcript has no time for “Sorry”"):
        untimed.after(1.0)
    with pytest.raises(Undecided, match="no time for the end of the wait"):
        untimed.before(None)
    with pytest.raises(Undecided, match="no time for the start of the wait"):
        untimed.at_least(5, after=None)
    assert untimed.tell() == "the agent says apology: “Sorry”"


# --- facts and times ----------------------------------------------------------------------


def test_a_fact_is_told_as_it_is() -> None:
    assert CALL.fact(True, "the case is closed").tell() == "the case is closed"
    assert CALL.fact(None, "the case is closed").tell() == "not so: the case is closed"


def test_the_truth_of_a_finding_is_traced_with_file_and_line() -> None:
    call = hear(["agent: Sorry"])
    found = call.agent.says(phrases.apology)
    assert found.holds
    assert call.trace.tested == []
    bool(found)
    [(traced, file, line)] = call.trace.tested
    assert traced is found
    assert file == __file__
    assert line > 0


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "--:--"), (0.0, "0:00.0"), (64.24, "1:04.2"), (119.96, "2:00.0"), (-1.0, "0:00.0")]
)
def test_times_are_shown_as_a_player_shows_them(seconds: float | None, shown: str) -> None:
    assert clock_time(seconds) == shown


def test_a_clock_without_tolerance_decides_everything() -> None:
    exact = Clock("word", 0.0)
    assert exact.reaches(5.0, 5, "it")
    assert not exact.reaches(4.9, 5, "it")

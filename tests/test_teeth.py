"""Mutants: calls that keep a rule, changed so that they break it, and rules that do or do not notice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from examples import CODE, event, hear, make_rule, phrases, silence, spoken, talk, turn
from examples import book as book_of
from examples import call as call_of
from matrix import book, calls
from pytest_callqa import Case, Moment, NotApplicable, PhraseBook, Undecided, situation
from pytest_callqa.call import Attestation, Call, FollowUp
from pytest_callqa.redact import hashed
from pytest_callqa.rules import Rule
from pytest_callqa.scenarios.editing import Span, cut, stretched, substitute, with_turn
from pytest_callqa.scenarios.teeth import Bitten, Teeth, exhibit, teeth_of, teeth_of_rule, told

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@situation("customer swears")
def swears(call):
    for quote in call.customer.says(phrases.curse).quotes:
        said = call.utterances[quote.turn]
        yield Moment(call, said.index, start=said.end, turn=said, finding=call.customer.says(phrases.curse))


@situation("customer silent after the greeting")
def silent(call, code):
    for gap in call.silences(code.silence):
        if gap.after is None or gap.after.role == "agent":
            yield Moment(call, gap.before.index, start=gap.start)


def apologises(moment):
    assert moment.reply.says(phrases.apology)


SWEARING = talk(
    "agent: Hello", "customer: Damn, it broke", "agent: I am sorry about it", "customer: Okay", "agent: Bye"
)
SILENT = talk("agent: Hello", 6.0, "agent: How can I help you?", "customer: The camera")


def teeth(test: Rule | object, *seeds: Call, **rule: object) -> Teeth:
    return teeth_of_rule(make_rule(test, **rule), seeds or (SWEARING,), CODE)


def kinds(found: Teeth, fate: str = "caught") -> dict[str, int]:
    return Counter(bite.kind for bite in found.bites if bite.fate == fate)


def test_required_words_are_dropped_moved_and_given_to_the_other_party() -> None:
    found = teeth(apologises, when=swears)
    assert kinds(found) == {"dropped": 1, "too late": 1, "too early": 1, "wrong party": 1, "hung up": 1}
    assert not found.missed
    assert told(found.bites[0]) == "example, dropped: without apology: “sorry”"


def test_what_is_told_of_a_mutant_is_masked_as_asked() -> None:
    rule = make_rule(apologises, when=swears)
    [first, *_] = teeth_of_rule(rule, [replace(SWEARING, id="+4915112345678")], CODE, level="strict").bites
    assert told(first) == f"{hashed('+4915112345678')}, dropped: without apology: “•••••”"


def test_words_that_a_rule_takes_anywhere_may_move() -> None:
    def apologises_somewhere(call, moment):
        assert call.agent.says(phrases.apology)

    found = teeth(apologises_somewhere, when=swears)
    assert kinds(found) == {"dropped": 1, "wrong party": 1, "hung up": 1}
    assert found.equivalent == {"the clause takes it there too": 1}


def test_a_rule_without_teeth_misses_them_all() -> None:
    def shrugs(moment):
        assert moment.reply.says(phrases.apology) or moment.reply is not None

    found = teeth(shrugs, when=swears)
    assert found.count("caught") == 0
    assert kinds(found, "missed") == {"dropped": 1, "too late": 1, "too early": 1, "wrong party": 1, "hung up": 1}
    assert "the clause holds all the same" in told(found.missed[0])


def test_a_rule_that_breaks_on_a_mutant_misses_it() -> None:
    def breaks(moment):
        said = moment.reply.says(phrases.apology)
        assert said
        assert said.quotes

    def trips(moment):
        assert moment.reply.says(phrases.apology) or moment.nothing

    assert teeth(breaks, when=swears).count("caught") == 5
    assert "the rule broke" in teeth(trips, when=swears).missed[0].reason


def test_an_alternative_that_holds_makes_a_mutant_equivalent() -> None:
    def one_or_the_other(moment):
        assert moment.reply.says(phrases.apology) or moment.agent.says(phrases.offer_help)

    call = talk("agent: Hello", "customer: Damn", "agent: I am sorry, how can I help you?", "customer: Okay")
    found = teeth(one_or_the_other, call, when=swears)
    assert "kept otherwise: the agent says offer help" in found.equivalent


def test_what_excuses_a_rule_and_what_leaves_it_open_is_no_miss() -> None:
    def excused(call, moment):
        if not moment.reply.says(phrases.apology):
            raise NotApplicable("nobody apologised")
        assert moment.reply.says(phrases.apology)

    def in_doubt(moment):
        said = moment.reply.says(phrases.apology)
        if not said:
            raise Undecided("nobody knows")
        assert said

    def once_excused(moment):
        if moment.start > 4.5 and not moment.reply.says(phrases.apology):
            raise NotApplicable("the second time")
        assert moment.reply.says(phrases.apology)

    assert teeth(excused, when=swears).equivalent == {"excused: nobody apologised": 5}
    assert teeth(in_doubt, when=swears).equivalent == {"undecided: what is left does not tell": 5}
    twice = talk("agent: Hello", "customer: Damn", "agent: I am sorry", "customer: Damn you", "agent: I am sorry")
    assert teeth(once_excused, twice, when=swears).equivalent["excused: the second time"] > 0
    second_unmet = talk("agent: Hello", "customer: Damn", "agent: I am sorry", "customer: Damn you", "agent: Well")
    assert teeth(once_excused, second_unmet, when=swears).count("caught") > 0


def test_every_forbidden_wording_is_put_in() -> None:
    def stays_calm(moment):
        assert not moment.reply.says(phrases.offer_help)

    found = teeth(stays_calm, when=swears)
    assert kinds(found) == {"forbidden": 2}
    assert found.bites[0].what == "with offer help: “what can i do for you”"


def test_each_part_of_a_phrase_is_left_out() -> None:
    def farewell(call):
        assert call.agent.says(phrases.farewell)

    call = talk("customer: That is all", "agent: Thank you, do call again, goodbye")
    found = teeth(farewell, call)
    assert [bite.what for bite in found.bites if bite.kind == "dropped"] == [
        "without thanks: “Thank you”",
        "without invitation: “call again”",
        "without goodbye: “goodbye”",
    ]
    cut_off = talk("agent: Thank you, do call again, goodbye", -0.5, "customer: Wait")
    assert "cut off by the customer: what was said of it counts" in teeth(farewell, cut_off).equivalent


def test_a_silence_and_an_answer_are_timed() -> None:
    def waits(moment, code):
        assert moment.reply.says(phrases.offer_help).at_least(code.silence, after=moment.start)

    def is_prompt(call):
        first, second = call.utterances[:2]
        assert call.longest(second.start - first.end, 7, "the wait")

    cut = next(bite for bite in teeth(waits, SILENT, when=silent).bites if bite.kind == "wait cut")
    assert cut.reason == "the clause no longer applies, though nothing that brings it about was touched"
    assert "cut from 6.0 to 4.0 s: 4.0 s of 5" in cut.what
    assert kinds(teeth(is_prompt, SILENT)) == {"too slow": 1}


def test_a_time_that_a_question_does_not_measure_is_none_of_its_business() -> None:
    def waits_and_is_waited_for(call):
        first, second, third = call.utterances[:3]
        assert call.shortest(second.start - first.end, 5, "the first wait")
        assert call.longest(third.start - second.end, 50, "the second wait")

    call = talk("agent: Hello", 6.0, "agent: Hello", 6.0, "agent: Hello", events=(event("hangup", 30.0, "agent"),))
    found = teeth(waits_and_is_waited_for, call)
    assert kinds(found) == {"wait cut": 1, "too slow": 1}
    assert len(found.bites) == 2


def near(phrase: str) -> PhraseBook:
    return book_of(f"language: en\nlight: [you, to]\nphrases:\n  sorry:\n{phrase}")


def test_near_misses_are_said_instead() -> None:
    said = near("    any: [sorry to keep you waiting]\n    near: [thanks for it, so sorry to keep you waiting]\n")

    def sorry(call):
        assert call.agent.says(said.sorry)

    call = talk("customer: Hi", "agent: Sorry to keep you waiting")
    found = teeth(sorry, call)
    assert kinds(found) == {"dropped": 1, "near miss": 1, "wrong party": 1}
    assert told(found.missed[0]) == (
        "example, near miss: “so sorry to keep you waiting” for sorry “Sorry to keep you waiting” "
        "(heard: “sorry to keep you waiting” at 0:02.7)"
    )


def test_a_near_miss_of_one_phrase_may_be_another() -> None:
    said = near("    any: [sorry]\n    near: [forgive us]\n  forgive: [forgive us]\n")

    def sorry(call):
        assert call.agent.says(said.sorry, said.forgive)

    assert teeth(sorry, talk("agent: Sorry")).equivalent == {"other words say it as well": 1}


def test_a_situation_may_be_left_open_by_a_mutant() -> None:
    @situation("agent apologises")
    def apology(call):
        said = call.agent.says(phrases.apology)
        if not said.holds:
            raise Undecided("it is not known")
        yield Moment(call, said.first.turn - 1, turn=call.utterances[said.first.turn])

    found = teeth(apologises, when=apology)
    assert found.equivalent["undecided: what is left does not tell"] > 0


def test_a_rule_about_the_language_is_tried_in_the_customers() -> None:
    @situation("customer speaks")
    def speaks(call):
        for said in call.customer:
            yield Moment(call, said.index, turn=said)

    def stays(call, moment):
        other = [said for said in moment.agent if said.pieces[0].language == "yue"]
        assert not call.speech(other, "the agent").spoken("switches")

    turns = (turn("customer", "Hai", 0, 1, language="yue"), turn("agent", "Hello", 1, 2))
    assert kinds(teeth(stays, call_of(*turns), when=speaks)) == {"language": 1}
    assert teeth(stays, talk("customer: Hi", "agent: Hello"), when=speaks).bites == ()


def test_the_agents_voice_is_raised() -> None:
    def keeps_calm(call):
        assert call.fact(all((said.loudness or 0) < 1 for said in call.record.turns), "calm")

    assert kinds(teeth(keeps_calm, call_of(turn("agent", "Hello", 0, 1, loudness=-4.0)))) == {"number": 1}


def test_words_are_cut_with_their_times() -> None:
    said = spoken("agent", ("I", 0.0, 0.2), ("am", 0.2, 0.4), ("sorry", 0.4, 1.0), ("now", 1.0, 1.5))
    heard = hear(call_of(said, timing="word"))
    assert [word.text for word in cut(heard, [Span(0, 5, 10)]).turns[0].words] == ["I", "am", "now"]
    changed = substitute(heard, {Span(0, 5, 10): "late"}).turns[0]
    assert (changed.text, changed.words) == ("I am late now", ())


def test_a_turn_is_put_in_between_and_what_follows_moves() -> None:
    call = talk("agent: Hello", 4.0, "customer: Hi", events=(event("hangup", 9.0),), silences=(silence(2.0, 6.0),))
    put = with_turn(call, 1, "agent", "five words of some sort")
    assert [(said.start, said.end) for said in put.turns] == [(0.0, 2.0), (7.5, 9.5), (11.0, 13.0)]
    assert put.events[0].time == 14.0
    assert put.silences == (silence(7.0, 11.0),)
    assert [said.start for said in with_turn(talk("agent: Hello", timed=False), 1, "agent", "Hi").turns] == [None, None]


def test_a_stretch_of_time_is_made_longer_with_what_lies_in_it() -> None:
    call = talk("agent: Hello", 4.0, "customer: Hi", events=(event("noise", 4.0), event("hold")))
    long = stretched(call, 2.0, 6.0, 8.0)
    assert [said.start for said in long.turns] == [0.0, 10.0]
    assert [each.time for each in long.events] == [6.0, None]


def test_a_situation_that_the_change_undoes_is_no_miss() -> None:
    @situation("agent greets, as is noted at the turn")
    def greets(call):
        said = call.agent.says(phrases.hello)
        if said.first:
            yield Moment(call, said.first.turn, turn=call.utterances[said.first.turn])

    def greets_the_customer(call, moment):
        assert moment.said.says(phrases.hello)

    found = teeth(greets_the_customer, talk("agent: Hello"), when=greets)
    assert found.equivalent == {"the situation does not arise any more": 2}
    assert not found.touched


CASE = Case(
    kind="problem",
    opened=NOON,
    closed=NOON + timedelta(hours=2),
    content="no picture",
    follow_ups=(FollowUp(time=NOON + timedelta(days=1), outcome="solved"),),
)


def test_fields_of_the_case_are_emptied_and_times_overrun() -> None:
    def logged(call):
        case = call.case
        assert call.fact(case, "there is a case")
        assert call.fact(case.content, "with its content")
        assert call.fact(case.closed - case.opened < timedelta(hours=24), "closed in time")
        assert call.fact(all(visit.outcome for visit in case.follow_ups), "visits have an outcome")

    found = teeth(logged, talk("agent: Hello", case=CASE))
    assert [bite.what for bite in found.bites if bite.fate == "caught"] == [
        "closed a month late",
        "the case without content",
        "follow ups without outcome",
        "opened a month late",
        "the call without a case",
    ]
    assert [bite.what for bite in found.bites if bite.kind == "overrun" and bite.fate == "equivalent"] == [
        "follow ups a month late"
    ]


def test_a_case_that_nothing_rests_on() -> None:
    def looks_only(call):
        assert call.agent.says(phrases.hello)
        assert call.case is None or call.case.content

    def asks_no_content(call):
        assert call.fact(call.case is None or call.case.content or "none", "there is a case")

    assert "the clause holds without it" in teeth(looks_only, talk("agent: Hello", case=CASE)).equivalent
    missed = teeth(asks_no_content, talk("agent: Hello", case=CASE)).missed
    assert [bite.what for bite in missed] == ["the call without a case"]


def test_rings_and_attestations() -> None:
    def picked_up(call):
        assert call.fact(call.record.rings < 3, "picked up in time")

    def attested(call):
        assert call.attestation("1").verdict == "passed"

    assert kinds(teeth(picked_up, talk("agent: Hello", rings=2))) == {"number": 1}
    given = (Attestation(clause="1", verdict="passed", assessor="A1"),)
    assert kinds(teeth(attested, talk("agent: Hello", attestations=given), manual=True)) == {"attested": 1}


def test_seeds_are_calls_that_keep_the_rule_each_of_its_own_kind() -> None:
    other = talk("agent: Hello", "customer: Damn", "agent: I apologise", id="other")
    rude = talk("agent: Hello", "customer: Damn", "agent: So what")
    untold = talk("agent: Hello", "customer: Damn", "agent: I am sorry", roles="unknown")
    assert teeth(apologises, SWEARING, SWEARING, rude, untold, other, when=swears).seeds == 2
    assert teeth_of_rule(make_rule(apologises, when=swears), [SWEARING, other], CODE, seeds=1).seeds == 1


@pytest.fixture(scope="module")
def bitten() -> Bitten:
    return teeth_of(book(), list(calls().values()), seeds=1)


def test_every_clause_of_the_worked_book_bites(bitten: Bitten) -> None:
    assert bitten.untouched == ()
    assert bitten.caught >= 0.98 * bitten.breaking


def test_the_table_shows_every_rule(bitten: Bitten) -> None:
    table = exhibit(bitten)
    assert [row[0] for row in table.rows] == [rule.clause for rule in bitten.rules]
    assert dict(table.figures)["caught"] == bitten.caught == sum(row[3] for row in table.rows)

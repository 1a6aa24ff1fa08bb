"""A call under judgement: who said what when, silences, cut-off turns, and what it cannot tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import book, call, event, hear, phrases, silence, spoken, talk, turn
from pytest_callqa.call import Attestation, Call, Case, Word
from pytest_callqa.errors import Undecided
from pytest_callqa.hearing import Hearing, Moment, Speech
from pytest_callqa.phrases import Phrase


def texts(call: Hearing) -> list[str]:
    return [said.text for said in call.utterances]


def gaps(call: Hearing, at_least: float = 1.0) -> list[tuple[float, float]]:
    return [(round(gap.start, 3), round(gap.end, 3)) for gap in call.silences(at_least)]


# --- joining ------------------------------------------------------------------------------


def test_consecutive_turns_of_one_speaker_are_heard_as_one() -> None:
    heard = hear(["agent: How can I", "agent: help you?", "customer: Well", 2.0, "customer: my phone"])
    assert texts(heard) == ["How can I help you?", "Well", "my phone"]
    assert [(said.start, said.end, len(said.pieces)) for said in heard.utterances] == [
        (0.0, 4.5, 2),
        (5.0, 7.0, 1),
        (9.0, 11.0, 1),
    ]
    assert heard.agent.says(phrases.offer_help).first.start == 0.0


def test_a_quote_keeps_the_time_of_the_turn_it_was_said_in() -> None:
    heard = hear(["agent: Hello", "agent: Sorry"])
    assert texts(heard) == ["Hello Sorry"]
    assert heard.agent.says(phrases.apology).start == 2.5
    assert heard.agent.says(phrases.hello).end == 2.0


def test_different_speakers_of_one_role_and_turns_half_timed_are_not_joined() -> None:
    two = call(turn("agent", "One", 0, 1, speaker="a"), turn("agent", "Two", 1, 2, speaker="b"))
    assert texts(hear(two)) == ["One", "Two"]
    starts = call(turn("agent", "One", 0), turn("agent", "Two", 1), timing="start")
    assert texts(hear(starts)) == ["One", "Two"]
    assert texts(hear(talk("agent: One", "agent: Two", timed=False))) == ["One Two"]


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [("您好，", "请讲", "您好，请讲"), ("café", "is", "café is"), ("wait ", "here", "wait here"), ("", "you", "you")],
)
def test_joined_turns_keep_their_words_apart(first: str, second: str, joined: str) -> None:
    assert texts(hear([f"agent: {first}", f"agent: {second}"])) == [joined]


def test_a_joined_turn_ends_with_the_last_of_its_turns() -> None:
    nested = call(turn("agent", "Please hold on", 0, 9), turn("agent", "sorry", 2, 3))
    assert hear(nested).utterances[0].end == 9


# --- the time of a quote ------------------------------------------------------------------


def test_a_quote_has_the_times_of_its_words() -> None:
    timed = spoken("agent", ("Well,", 1.0, 1.2), ("I'm", 4.0, 4.1), ("SORRY", 4.5, 5.0), ("indeed", 8.0, 8.5))
    found = hear(call(timed, timing="word")).agent.says(phrases.apology)
    assert (found.start, found.end) == (4.5, 5.0)


def test_words_are_found_in_a_text_that_writes_them_differently() -> None:
    words = (Word("um", 0.0, 0.2), Word("so", 1.0, 1.2), Word("sorry", 3.0, 3.5), Word("gone"))
    punctuated = turn("agent", "So, Sorry! Gone sorry", 0.0, 9.0, words=words)
    found = hear(call(punctuated, timing="word")).agent.says(phrases.apology)
    assert [(quote.start, quote.end) for quote in found.quotes] == [(3.0, 3.5), (3.0, 9.0)]


def test_a_turn_whose_words_are_not_in_its_text_falls_back_on_proportion() -> None:
    strange = turn("agent", "So, sorry", 0.0, 9.0, words=(Word("xyz", 1.0, 2.0),))
    found = hear(call(strange, timing="word")).agent.says(phrases.apology)
    assert (found.start, found.end) == (4.0, 9.0)


def test_without_words_a_quote_lies_in_proportion_within_its_turn() -> None:
    found = hear(call(turn("agent", "I am so sorry now", 10.0, 27.0))).agent.says(phrases.apology)
    assert (found.start, found.end) == (18.0, 23.0)


def test_with_starts_only_a_quote_starts_with_its_turn_and_its_end_is_unknown() -> None:
    heard = hear(call(turn("agent", "So sorry, sir", 10.0), timing="start"))
    found = heard.agent.says(phrases.apology)
    assert (found.start, found.end) == (10.0, None)


# --- speech -------------------------------------------------------------------------------


def test_speech_is_a_sequence_of_utterances() -> None:
    heard = hear(["agent: Hello", "customer: Hi you", "agent: Good morning to you"])
    assert len(heard.agent) == 2
    assert heard.agent[1].text == "Good morning to you"
    assert (heard.agent.first.text, heard.agent.last.text) == ("Hello", "Good morning to you")
    assert heard.agent.text == "Hello Good morning to you"
    assert heard.agent.words == 5
    assert (heard.agent.start, heard.agent.end) == (0.0, 7.0)
    assert [said.text for said in heard.agent.since(0)] == ["Good morning to you"]
    assert [said.text for said in heard.agent.until(2)] == ["Hello"]
    nothing = heard.customer.since(9)
    assert (nothing.start, nothing.end, nothing.text, bool(nothing)) == (None, None, "", False)
    assert [said.text for said in heard.speech(heard.utterances[:1], "they")] == ["Hello"]


def test_one_of_several_phrases_is_enough() -> None:
    heard = hear(["agent: Thank you, goodbye. Good morning!"])
    either = heard.agent.says(phrases.farewell, phrases.hello)
    assert either
    assert [quote.text for quote in either.quotes] == ["Good morning"]
    assert heard.agent.says(phrases.hello, phrases.farewell)
    both = hear(["agent: Sorry. Hello!"]).agent.says(phrases.hello, phrases.apology)
    assert [quote.text for quote in both.quotes] == ["Sorry", "Hello"]
    assert hear(["agent: Goodbye"]).agent.says(phrases.curse, phrases.farewell).missing == ("thanks", "invitation")
    twice = hear(["agent: Goodbye"]).agent.says(phrases.farewell, phrases.farewell)
    assert twice.missing == ("thanks", "invitation")


def test_what_no_phrase_can_ask_is_found_by_a_function() -> None:
    heard = hear(["agent: You were born in 1980"])
    digits = heard.agent.shows("tells a year", lambda text: [(text.index("1980"), len(text))])
    assert digits
    assert digits.tell() == "the agent tells a year: “1980” at 0:01.6"
    assert not heard.customer.shows("tells a year", lambda _: [(0, 1)])


def test_that_anything_is_said_is_a_finding_too() -> None:
    heard = hear(["agent: Hello"])
    assert heard.agent.spoken().tell() == "the agent says anything: “Hello” at 0:00.0"
    assert heard.customer.spoken("answers").tell() == "the customer answers: not found"


def test_pace_is_words_a_minute() -> None:
    assert hear(["agent: one two three four"]).agent.pace() == pytest.approx(120)
    assert hear(call(turn("agent", "您好请讲", 0, 2), language="zh")).agent.pace() == pytest.approx(120)
    with pytest.raises(Undecided, match="the time the customer spoke is not known"):
        hear(["agent: one"]).customer.pace()
    with pytest.raises(Undecided, match="no times"):
        hear(talk("agent: one", timed=False)).agent.pace()


# --- silences -----------------------------------------------------------------------------


def test_silence_is_between_before_and_after_what_is_said() -> None:
    heard = hear(call(turn("agent", "Hello", 2, 4), turn("customer", "Hi", 7, 8), duration=15.0))
    assert gaps(heard) == [(0.0, 2.0), (4.0, 7.0), (8.0, 15.0)]
    first, middle, last = heard.silences(1.0)
    assert (first.before, first.after) == (None, heard.utterances[0])
    assert (middle.before, middle.after) == heard.utterances
    assert (last.before, last.after, last.length) == (heard.utterances[1], None, 7.0)
    assert gaps(heard, 5.0) == [(8.0, 15.0)]


def test_ringing_is_not_silence() -> None:
    ringing = call(turn("agent", "Hello", 9, 10), events=(event("ring", 0.0), event("answer", 7.0)))
    assert gaps(hear(ringing)) == [(7.0, 9.0)]


def test_words_show_the_silence_inside_a_turn() -> None:
    slow = spoken("agent", ("wait", 0.0, 1.0), ("a", 1.1, 1.2), ("moment", 5.0, 6.0))
    assert gaps(hear(call(slow, timing="word"))) == [(1.2, 5.0)]
    one_word = turn("agent", "wait a moment", 0, 6, words=(Word("wait", 0, 1), Word("a")))
    assert gaps(hear(call(one_word, timing="word"))) == []
    untimed = turn("agent", "wait a moment", None, None, words=(Word("wait", 0, 1), Word("moment", 5, 6)))
    assert gaps(hear(call(untimed, timing="word"))) == [(1.0, 5.0)]


def test_both_speaking_at_once_is_no_silence() -> None:
    over = call(
        turn("agent", "Let me explain all of it", 0, 10), turn("customer", "Yes", 2, 3), turn("agent", "So", 12, 13)
    )
    assert gaps(hear(over)) == [(10.0, 12.0)]
    assert hear(over).silences(1.0)[0].before.text == "Let me explain all of it"


def test_a_hold_is_not_silence() -> None:
    held = talk(
        "agent: Please hold", 30.0, "agent: Thank you",
        events=(event("unhold", 1.0), event("hold", 4.0), event("hold", 5.0), event("unhold", 29.0)),
    )  # fmt: skip
    assert gaps(hear(held)) == [(2.0, 4.0), (29.0, 32.0)]
    to_the_end = talk("agent: Please hold", 30.0, events=(event("hold", 2.5), event("unhold")))
    assert gaps(hear(to_the_end), 0.1) == [(2.0, 2.5)]
    unknown = talk("agent: Please hold", 30.0, events=(event("hold"), event("unhold", 9.0)))
    assert gaps(hear(unknown)) == [(2.0, 32.0)]


def test_the_vendor_hears_silence_that_turn_times_hide() -> None:
    def vendor(*silences: tuple[float, float], **more: object) -> list[tuple[float, float]]:
        said = talk("agent: Please wait", "customer: Yes", 3.0, silences=tuple(silence(*s) for s in silences), **more)
        return gaps(hear(said), 0.4)

    assert vendor() == [(2.0, 2.5), (4.5, 7.5)]
    assert vendor((0.5, 1.9)) == [(0.5, 1.9), (2.0, 2.5), (4.5, 7.5)]
    assert vendor((0.2, 2.1)) == [(0.2, 2.1), (2.0, 2.5), (4.5, 7.5)], "touching a gap is not being it"
    assert vendor((4.6, 7.4)) == [(2.0, 2.5), (4.5, 7.5)], "known already"
    assert vendor((0.5, 1.9), timing="word") == [(2.0, 2.5), (4.5, 7.5)], "words know better"
    assert vendor((0.5, 1.9), events=(event("hold", 0.1), event("unhold", 2.0))) == [(2.0, 2.5), (4.5, 7.5)]


def test_a_vendor_silence_before_anybody_spoke_is_between_nobody() -> None:
    heard = hear(call(turn("agent", "Hello", 5, 6), events=(event("answer", 5.0),), silences=(silence(0, 4),)))
    assert [(gap.before, gap.after) for gap in heard.silences(1.0)] == [(None, None)]


def test_a_borderline_silence_is_in_doubt() -> None:
    heard = hear(talk("agent: Hello", 4.8, "agent: Hello?", 5.4, "agent: Hello?", 4.6, "agent: Bye", tolerance=0.3))
    first, second = heard.silences(5.0)
    assert first.doubt == "the silence at 0:02.0 is 4.80 s against 5 s, within the ±0.3 s of these times"
    assert second.doubt == ""
    assert [gap.doubt for gap in hear(["agent: Hello", 5.0, "agent: Hello?"]).silences(5.0)] == [""]


def test_the_silences_of_a_real_call() -> None:
    from readers_kit import call as read

    heard = Hearing(read(Path("contact_lens/post_call.json")))
    found = heard.silences(3.0)
    assert [round(gap.length, 2) for gap in found] == [4.80, 11.10, 8.07, 20.48, 19.81, 3.22]
    assert found[-1].before is found[-1].after, "inside an agent's turn"
    assert [bool(gap.doubt) for gap in heard.silences(5.0)] == [True, False, False, False, False]


# --- breaking in and signs of listening ---------------------------------------------------


def cut_off(*said: str, role: str = "customer") -> Hearing:
    """The agent says something until 10 s; the other breaks in at 5 s."""
    return while_tested(call(turn("agent", said[0], 0, 10), turn(role, said[1], 5, 12)))


def while_tested(said: list[str] | Call) -> Hearing:
    """A call as a rule has it while it tests: what is half said counts."""
    heard = hear(said)
    heard.half_said = True
    return heard


def test_a_turn_is_cut_off_by_a_dash_or_by_the_other_party() -> None:
    assert hear(["agent: Thank you for—"]).cut_off == {0}
    assert cut_off("Thank you for calling", "My phone is broken").cut_off == {0}
    assert cut_off("Thank you for calling", "Mhm, yeah").cut_off == frozenset()
    assert cut_off("Thank you for calling", "He says hello", role="agent").cut_off == frozenset()
    assert hear(["agent: Thank you", "customer: Hello"]).cut_off == frozenset()
    assert hear(talk("agent: Hi", "customer: Hi", timed=False)).cut_off == frozenset()


def test_a_phrase_that_was_cut_off_counts_once_half_of_it_was_said() -> None:
    assert cut_off("How can I", "My phone!").agent.says(phrases.offer_help)
    assert not cut_off("How", "My phone!").agent.says(phrases.offer_help)
    assert not while_tested(["agent: How can I", "customer: My phone!"]).agent.says(phrases.offer_help)
    begun = while_tested(["agent: How can I—", "customer: Yes", "agent: Goodbye"]).agent.says(phrases.offer_help)
    assert [(quote.text, quote.turn) for quote in begun.quotes] == [("How can I", 0)]


def test_a_phrase_in_parts_that_was_cut_off_counts_once_its_first_part_was_said() -> None:
    assert cut_off("Thank you for", "Bye").agent.says(phrases.farewell)
    assert not cut_off("Goodbye", "Bye").agent.says(phrases.farewell)
    elsewhere = while_tested(["agent: Thank you", "customer: Yes", "agent: It is the—", "customer: Bye"])
    assert elsewhere.agent.says(phrases.farewell).missing == ("invitation", "goodbye")


def test_a_part_begun_before_the_cut_counts_with_those_said_earlier() -> None:
    close = book("language: en\nphrases:\n  close: {parts: {first: quick brown fox, second: lazy dog}}")
    heard = while_tested(["agent: Lazy dog", "customer: Yes", "agent: The quick brown—"])
    assert [quote.part for quote in heard.agent.says(close.close).quotes] == ["second", "first"]


def test_what_is_half_said_counts_only_while_a_rule_tests_and_never_if_it_is_forbidden() -> None:
    sources = (
        "language: en\nforbidden: [rude]\nphrases:\n  rude: [mind your own business]\n  kind: [take all your time]"
    )
    words = book(sources)
    said = ["agent: Take all your—", "customer: Yes", "agent: Mind your own—", "customer: What?"]
    assert not hear(said).agent.says(words.kind)
    assert while_tested(said).agent.says(words.kind)
    assert not while_tested(said).agent.says(words.rude)


def test_a_sign_of_listening_does_not_end_a_reply() -> None:
    heard = hear(["customer: Damn", "agent: Hello", "customer: Mhm", "agent: Sorry", "customer: Fine", "agent: Bye"])
    assert [said.text for said in Moment(heard, 0).reply] == ["Hello", "Sorry"]
    assert hear(["agent: Um, yeah."]).is_backchannel(hear(["agent: Um, yeah."]).utterances[0])


def test_who_is_talked_over_goes_on_with_the_reply() -> None:
    heard = hear(
        ["customer: Damn", "agent: I am so—", "customer: Wait", "agent: Sorry", "customer: Fine", "agent: Bye"]
    )
    assert [said.text for said in Moment(heard, 0).reply] == ["I am so—", "Sorry"]


def test_without_a_book_nothing_is_known_as_a_sign_of_listening() -> None:
    heard = Hearing(talk("customer: Damn", "agent: Hello", "customer: Mhm", "agent: Sorry"))
    assert [said.text for said in Moment(heard, 0).reply] == ["Hello"]
    foreign = Hearing(talk("agent: Mhm", language="de"))
    foreign.consult([phrases, phrases])
    assert not foreign.is_backchannel(foreign.utterances[0])


# --- questions ----------------------------------------------------------------------------

SAID = ["Hello, good morning", "I'm so sorry", "How can I help you?", "Thank you, call again, goodbye", "Well-", "Hm"]
LINES = st.lists(st.tuples(st.sampled_from(["agent", "customer"]), st.sampled_from(SAID)), max_size=8)
PHRASES = [phrases.hello, phrases.apology, phrases.offer_help, phrases.farewell, phrases.curse]
QUESTIONS = st.tuples(
    st.sampled_from(["agent", "customer"]),
    st.integers(-1, 8),
    st.integers(0, 9),
    st.lists(st.sampled_from(PHRASES), min_size=1, max_size=3, unique=True),
    st.booleans(),
)


def answer(speech: Speech, asked: list[Phrase]) -> object:
    """All that a finding tells, or why there is none."""
    try:
        finding = speech.says(*asked)
    except Undecided as doubt:
        return str(doubt)
    quotes = [(q.turn, q.first, q.last, q.text, q.phrase, q.part, q.score) for q in finding.quotes]
    return finding.asked, finding.holds, finding.missing, finding.tell(), quotes


@settings(deadline=None)
@given(LINES, st.lists(QUESTIONS, min_size=1, max_size=6))
def test_what_was_asked_before_changes_no_answer(
    lines: list[tuple[str, str]], questions: list[tuple[str, int, int, list[Phrase], bool]]
) -> None:
    said = [f"{role}: {text}" for role, text in lines]
    one = hear(said)
    for role, first, end, asked, half_said in questions:
        one.half_said = half_said
        known = answer(getattr(one, role).since(first).until(end), asked)
        fresh = hear(said)
        fresh.half_said = half_said
        stretch = [each for each in fresh.utterances if each.role == role and first < each.index < end]
        assert known == answer(fresh.speech(stretch, f"the {role}"), asked)


@settings(deadline=None)
@given(LINES, st.sampled_from(PHRASES))
def test_quotes_are_what_the_matcher_hears(lines: list[tuple[str, str]], phrase: Phrase) -> None:
    heard = hear([f"{role}: {text}" for role, text in lines])
    hits = [
        (said.index, hit.start, hit.end, hit.score, hit.part)
        for said in heard.utterances
        for hit in phrases.matcher("en").hits(said.text).get(phrase.name, ())
    ]
    assert [(q.turn, q.first, q.last, q.score, q.part) for q in heard.heard(phrase)[0]] == hits


# --- moments ------------------------------------------------------------------------------


def test_a_moment_knows_what_came_before_and_after() -> None:
    heard = hear(["agent: Hello", "customer: Damn", "customer: it", "agent: Sorry", "customer: Good", "agent: Bye"])
    moment = Moment(heard, 1, start=5.0, turn=heard.utterances[1])
    assert moment.said.text == "Damn it"
    assert moment.said.who == "the customer"
    assert moment.reply.text == "Sorry"
    assert moment.agent.text == "Sorry Bye"
    assert moment.customer.text == "Good"
    assert moment.agent_before.text == "Hello"


def test_a_moment_that_speech_did_not_bring_about_was_said_by_nobody() -> None:
    heard = hear(["agent: Hello", 6.0, "agent: Are you there?"])
    moment = Moment(heard, 0, start=2.0)
    assert (moment.said.text, moment.said.who) == ("", "nobody")
    assert moment.agent_before.text == "Hello"
    assert moment.reply.text == "Are you there?"


# --- the line and the record --------------------------------------------------------------


def test_the_end_is_the_hangup_else_the_duration_else_the_last_word() -> None:
    assert hear(talk("agent: Bye", duration=9.0, events=(event("hangup", 5.0),))).end == 5.0
    assert hear(talk("agent: Bye", duration=9.0, events=(event("hangup"),))).end == 9.0
    assert hear(["agent: Bye"]).end == 2.0
    assert hear(talk("agent: Bye", timed=False)).end is None


def test_a_call_is_abandoned_when_the_customer_hung_up() -> None:
    assert hear(talk("agent: Bye", events=(event("hangup", 5.0, "customer"),))).abandoned
    assert not hear(talk("agent: Bye", events=(event("hangup", 5.0, "agent"),))).abandoned
    assert not hear(["agent: Bye"]).abandoned


def test_events_are_chosen_by_kind_and_party() -> None:
    loud = event("noise", 1.0, "customer")
    heard = hear(talk("agent: Hi", events=(loud, event("noise", 2.0, "agent"), event("mute", 3.0))))
    assert heard.events("noise", by="customer") == (loud,)
    assert len(heard.events("noise", "mute")) == 3


def test_a_missing_case_is_known_only_when_the_case_system_was_asked() -> None:
    assert hear(talk("agent: Hi", case=Case(id="7"))).case == Case(id="7")
    assert hear(talk("agent: Hi", case_known=True)).case is None
    with pytest.raises(Undecided, match="no case record was given for this call"):
        _ = hear(["agent: Hi"]).case


def test_a_person_attests_a_clause() -> None:
    attested = Attestation(clause="2.9", verdict="passed", assessor="Lee")
    heard = hear(talk("agent: Hi", attestations=(attested,)))
    assert heard.attestation("2.9") == attested
    assert heard.attestation("2.10") is None


def test_a_measure_is_told_against_its_limit() -> None:
    heard = hear(talk("agent: Hi", tolerance=0.3))
    assert heard.longest(4.0, 5, "the hold")
    assert not heard.longest(6.0, 5, "the hold")
    assert heard.shortest(6.0, 5, "the wait").tell() == "the wait: 6.0 s, expected at least 5 s"
    assert heard.shortest(4.0, 5, "the wait").tell() == "not so: the wait: 4.0 s, expected at least 5 s"
    assert hear(["agent: Hi"]).longest(5.004, 5, "the hold")
    with pytest.raises(Undecided, match=r"the hold is 5\.10 s against 5 s, within"):
        heard.longest(5.1, 5, "the hold")
    with pytest.raises(Undecided, match="does not say how long the hold took"):
        heard.longest(None, 5, "the hold")


# --- what a call cannot tell --------------------------------------------------------------


def test_without_roles_the_agent_is_not_known() -> None:
    nobody = Hearing(call(turn("unknown", "Hello", 0, 1), roles="unknown"))
    for question in (lambda: nobody.agent, lambda: nobody.customer, lambda: Moment(nobody, -1).reply):
        with pytest.raises(Undecided, match="who is the agent is not known"):
            question()
    assert nobody.everyone.says(phrases.hello)


def test_who_is_not_among_the_known_may_be_among_the_others() -> None:
    half = hear(["agent: Hello", "unknown: Hi"])
    assert half.agent.says(phrases.hello)
    with pytest.raises(Undecided, match="who is the customer is not known"):
        _ = half.customer
    assert not hear(["agent: Hello", "system: Press one"]).customer
    assert hear(["agent: Hello", "customer: Hi", "unknown: Hi"]).customer


@pytest.mark.parametrize(("timing", "shown"), [("none", "no times"), ("start", "only the start of turns")])
def test_without_ends_of_turns_pauses_are_not_known(timing: str, shown: str) -> None:
    with pytest.raises(Undecided, match=f"the transcript has {shown}, so pauses cannot be measured"):
        hear(call(turn("agent", "Hello"), timing=timing)).silences(5.0)


def test_a_language_without_phrases_is_undecided() -> None:
    with pytest.raises(Undecided, match="the call is in 'de', and the phrases are in en; see --callqa-language"):
        hear(talk("agent: Hallo", language="de")).agent.says(phrases.hello)
    with pytest.raises(Undecided, match="the call is in an unknown language"):
        hear(talk("agent: Hello", language="")).agent.says(phrases.hello)
    assert hear(talk("agent: Hello", language=""), language="en-GB").agent.says(phrases.hello)


def test_a_phrase_without_wordings_in_the_language_is_undecided() -> None:
    both = type(phrases).parse(
        {"en": "language: en\nphrases: {hello: hello}", "zh": "language: zh\nphrases: {bye: 再见}"}
    )
    with pytest.raises(Undecided, match="the phrase 'bye' has no wordings in 'en'"):
        hear(["agent: Hello"]).agent.says(both.bye)


def test_a_phrase_that_is_only_a_name_nobody_gave_is_undecided() -> None:
    naming = book('language: en\nphrases: {naming: "{organisation}"}').naming
    with pytest.raises(
        Undecided, match=r"the phrase 'naming' cannot be told without \{organisation\}, which is not set"
    ):
        hear(["agent: Acme Bank"]).agent.says(naming)
    assert hear(["agent: Acme Bank"], slots={"organisation": ["Acme"]}).agent.says(naming)

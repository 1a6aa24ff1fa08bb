"""Section 2: the duties of the hotline."""

from pytest_callqa import NotApplicable, Undecided, every_call, rule

from .situations import (
    agent_speaks,
    attested,
    case_opened,
    confidential_data,
    customer_asks,
    customer_brings_something,
    customer_finishes_turn,
    customer_registers,
    cut_short,
    difficult_problem,
    hours_named,
    hours_to_solve,
    in_time,
    last_of_substance,
    phrases,
)


@rule("2.1", "Inbound and outbound", severity="minor", when=every_call)
def test_direction_and_outbound_opening(call, code):
    """Must: the direction is recorded; outbound calls have their own opening (who is calling, why)."""
    if not call.record.direction:
        raise Undecided("the transcript does not say whether the call was inbound or outbound")
    if call.record.direction == "outbound":
        turns = call.agent[: code.outbound_opening_turns]
        opening = call.speech(turns, "the agent, opening an outbound call,").says(phrases.outbound_opening)
        if not opening and len(turns) < code.outbound_opening_turns and cut_short(call):
            raise NotApplicable("the customer hung up before the agent could say why they call")
        assert opening


@rule("2.2", "Accepts inquiries and difficult questions", severity="major", when=customer_asks)
def test_question_is_accepted(call, moment, code):
    """Must: the next agent turn answers, asks back, or takes it down. Must not: silence or an unrelated refusal."""
    if not moment.reply and (call.abandoned or call.hangup is None):
        open_for = 0.0 if call.end is None or moment.start is None else call.end - moment.start
        if open_for <= code.answer:
            raise NotApplicable("the call ends with the question")
    assert moment.reply.spoken("answers")
    assert not moment.reply.says(phrases.turns_away)


@rule("2.3", "Civil, warm, responsible language", severity="critical", when=agent_speaks)
def test_language_is_civil(call):
    """Must not: curses, "hey", "what?!", 喂, 不知道, 你急什么 …; "sir" to a woman or "madam" to a man."""
    assert not call.agent.says(phrases.uncivil)
    if call.record.customer_sex == "female":
        assert not call.agent.says(phrases.wrongly_addresses_a_woman)
    if call.record.customer_sex == "male":
        assert not call.agent.says(phrases.wrongly_addresses_a_man)


@rule("2.4", "Registers and changes user information", severity="major", when=customer_registers)
def test_user_information_is_registered(call, moment):
    """Must: ask for the details, read them back or confirm; the case shows the change."""
    if cut_short(call, moment.index):
        raise NotApplicable("the customer hung up before the details were taken")
    told = moment.said.says(phrases.gives_details)
    asked = moment.agent.says(phrases.asks_new_details, phrases.ask_contact, phrases.ask_details)
    assert told or asked
    confirmed = moment.agent.says(phrases.confirms_details)
    if not told and not confirmed and not last_of_substance(call, call.customer.since(asked.quotes[-1].turn)):
        raise NotApplicable("the customer did not give the details")
    assert confirmed
    assert call.fact(call.case and call.case.changes, "the case shows the change")


@rule("2.5a", "Difficult problem: takes it down in full", severity="major", when=difficult_problem)
def test_difficult_problem_is_taken_down(call):
    """Must: the case holds time, content and a contact."""
    case = call.case
    assert call.fact(case, "the problem has a case")
    assert call.fact(case.opened, "the case holds the time")
    assert call.fact(case.content, "the case holds the content")
    assert call.fact(case.contact, "the case holds a contact")


@rule("2.5b", "Difficult problem: second line", severity="major", when=difficult_problem)
def test_difficult_problem_goes_to_second_line(call):
    """Must: the case is handed to second-line support."""
    assert call.fact(call.case and call.case.second_line, "the case is handed to second-line support")


@rule("2.5c", "Difficult problem: says when the answer comes", severity="major", when=difficult_problem)
def test_difficult_problem_gets_a_reply_time(call, moment, code):
    """Must: name a reply time in the call; the case holds the same deadline."""
    if cut_short(call, moment.index):
        raise NotApplicable("the customer hung up before a reply time could be named")
    named = call.agent.says(phrases.names_reply_time)
    assert named
    assert call.fact(call.case and call.case.deadline, "the case holds a deadline")
    hours = hours_named(call, named.quotes[-1])
    if hours is not None and call.record.started is not None:
        kept = (call.case.deadline - call.record.started).total_seconds() / 3600
        same = abs(kept - hours) <= code.reply_time_slack_hours
        assert call.fact(same, f"the deadline in the case ({kept:.1f} h) is the one named in the call ({hours:g} h)")


@rule("2.6a", "Fast", severity="minor", when=customer_finishes_turn)
def test_answer_is_fast(call, moment, code):
    """Must: begin to answer within five seconds, or ask to wait (3.5.1)."""
    assert call.longest(moment.length, code.answer, "the wait for an answer")


@rule("2.6b", "Professional and accurate", severity="major", when=every_call, manual=True)
def test_professional_and_accurate(call):
    """Must: be professional and accurate."""
    assert attested(call, "2.6b")


@rule("2.7", "Keeps user information confidential", severity="critical", when=agent_speaks)
def test_user_information_is_confidential(call, code):
    """Must not: say personal or confidential data that the customer had not given in this call, before verification.

    That is: card, ID, phone number, address, password, another customer's details.
    """
    assert not confidential_data(call, code)


@rule("2.8a", "Logs the question", severity="major", when=customer_brings_something)
def test_question_is_logged(call):
    """Must: a case exists for the call."""
    assert call.fact(call.case, "the call has a case")


@rule("2.8b", "Solved within 24 hours", severity="major", when=case_opened)
def test_case_is_solved_in_time(call, code):
    """Must: closed within 24 hours, or within the limit of its category and customer class."""
    case = call.case
    assert in_time(call, "the case is closed", case.closed, since=case.opened, hours=hours_to_solve(call, code))


@rule("2.9", "Follows work arrangements", severity="minor", when=every_call, manual=True)
def test_follows_work_arrangements(call):
    """Must: follow the work arrangements of the shift."""
    assert attested(call, "2.9")


@rule("2.10", "Computers, equipment and hot seats clean", severity="minor", when=every_call, manual=True)
def test_workplace_is_clean(call):
    """Must: keep computers, equipment and hot seats clean."""
    assert attested(call, "2.10")

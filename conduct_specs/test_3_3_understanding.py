"""Section 3.3: what to do when one side does not follow, and when the customer wants somebody else."""

from pytest_callqa import rule

from .situations import agent_did_not_catch_it, customer_wants_department, long_information, per_language, phrases


@rule("3.3.1", "Asks to repeat", severity="major", when=agent_did_not_catch_it)
def test_asks_politely_to_repeat(moment):
    """Must: "Excuse me, could you please repeat the problem you just described?" or the like.

    Must not: "Hey, what?! What did you say?"

    必须：“对不起，请您将刚才反映的问题再复述一遍，好吗？” 禁止：“喂，什么？！你说什么？”
    """
    assert not moment.reply.says(phrases.demands_repeat)
    assert moment.reply.says(phrases.apology)
    assert moment.reply.says(phrases.ask_repeat)


@rule("3.3.2a", "Invites to write down", severity="minor", when=long_information)
def test_invites_to_write_down(call, moment, code):
    """Must: "Would you please write it down?" before long information.

    必须：“请您记录一下，好吗？”
    """
    turns = call.agent.until(moment.turn.index + 1)[-1 - code.invitation_turns :]
    invited = call.speech(turns, "the agent, up to the information,").says(phrases.note_it_down)
    assert invited
    first_note = moment.finding.first
    in_time = (invited.first.turn, invited.first.first) < (first_note.turn, first_note.first)
    assert call.fact(in_time, "the invitation comes before the information")


@rule("3.3.2b", "Not too fast", severity="minor", when=long_information)
def test_long_information_is_not_rushed(call, moment, code):
    """Must: a speaking rate under 180 words or 260 characters a minute. Must not: rush on without a hint."""
    words, pace = moment.said.words, moment.said.pace()
    needed = 60 * words / per_language(call, code.pace_words, code.pace_characters)
    assert call.shortest(60 * words / pace, round(needed, 2), f"saying {words} words at {pace:.0f} a minute")


@rule("3.3.3", "Customer wants another department", severity="major", when=customer_wants_department)
def test_other_department_is_contacted_for_the_customer(call, moment):
    """Must: "Sorry, can you tell me the details and your contact number, so that I can contact you?" or the like.

    Must not: transfer or refuse without this.

    必须：“对不起，能否将具体情况和联系电话告诉我，我帮您联系好吗？”
    """
    asked = [moment.agent.says(phrase) for phrase in (phrases.apology, phrases.ask_details, phrases.ask_contact)]
    for question in asked:
        assert question
        for transfer in call.events("transfer"):
            assert question.before(transfer.time)

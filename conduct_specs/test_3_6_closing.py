"""Section 3.6: explaining, and closing the call."""

from pytest_callqa import NotApplicable, rule

from .situations import (
    agent_explains,
    call_about_to_end,
    customer_has_nothing_more,
    customer_stays_on_the_line,
    cut_short,
    explanation_is_not_clear,
    per_language,
    phrases,
    seconds_to_hangup,
    silent_after_farewell,
)


@rule("3.6.1a", "Checks that it was clear", severity="major", when=agent_explains)
def test_explanation_is_checked(call, moment):
    """Must: "Sorry, have I explained it clearly? Is it clear to you?" or the like.

    Must not: "Hey, do you understand?"

    必须：“请问我刚才的解释您是否清楚？” 禁止：“喂，你听懂了没有？”
    """
    assert not moment.agent.says(phrases.demands_understanding)
    checked = moment.agent.says(phrases.checks_clear)
    if not checked and cut_short(call, moment.index):
        raise NotApplicable("the customer hung up before it could be checked")
    assert checked


@rule("3.6.1b", "Explains again", severity="major", when=explanation_is_not_clear)
def test_what_is_not_clear_is_explained_again(call, moment, code):
    """Must: explain again and check again, until it is clear.

    Must not: move on.

    必须：再次解释并再次确认，直到客户清楚。
    """
    least = per_language(call, code.explanation_words, code.explanation_characters)
    assert call.fact(moment.reply.words >= least, f"explains again, in {least} words or more")
    assert moment.agent.says(phrases.checks_clear)


@rule("3.6.2", "Anything else?", severity="major", when=call_about_to_end)
def test_anything_else_is_asked(call, moment):
    """Must: "Is there anything else I can do for you?" before taking leave.

    必须：“请问还有什么可以帮您？”
    """
    asked = call.agent.says(phrases.anything_else)
    assert asked
    if moment.finding:
        assert call.fact(asked.first.precedes(moment.finding.first), "asked before taking leave")


@rule("3.6.3", "Polite farewell", severity="major", when=customer_has_nothing_more)
def test_farewell_is_polite(moment):
    """Must: "Thank you for calling. If you have any questions, please call again. Thank you, goodbye!" or the like.

    Must not: "Hey, it's okay, please hang up."

    必须：“感谢您的来电，如有问题欢迎再次拨打，谢谢，再见！” 禁止：“喂，没事了，请挂机。”
    """
    assert not moment.agent.says(phrases.brushes_off)
    assert moment.agent.says(phrases.farewell)


@rule("3.6.4a", "Customer stays on the line", severity="minor", when=customer_stays_on_the_line)
def test_customer_on_the_line_is_asked_again(moment):
    """Must: "Is there anything else I can do for you?" again.

    Must not: just hang up.

    必须：“请问还有什么可以帮您？” 禁止：直接挂机。
    """
    assert moment.reply.says(phrases.anything_else)


@rule("3.6.4b", "Customer stays on the line and does not answer", severity="minor", when=silent_after_farewell)
def test_hanging_up_is_announced(call, moment, code):
    """Must: "Sorry, I am hanging up now." Then hang up no earlier than five seconds after it.

    Must not: just hang up.

    必须：“对不起，我挂机了。”五秒后再挂机。 禁止：直接挂机。
    """
    announced = moment.reply.says(phrases.hanging_up)
    assert announced
    assert moment.reply.says(phrases.apology)
    assert announced.at_least(code.silence, after=moment.start)
    if not call.abandoned:
        wait = seconds_to_hangup(call, call.utterances[announced.quotes[-1].turn].end)
        assert call.shortest(wait, code.leave_line_open, "the wait from the announcement to hanging up")

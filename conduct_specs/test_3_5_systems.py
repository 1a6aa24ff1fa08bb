"""Section 3.5: slow and failing systems, suggestions, requests and thanks."""

from pytest_callqa import NotApplicable, rule

from .situations import (
    agent_cannot_answer,
    agent_refuses,
    agent_tells_of_failure,
    contact_taken_in_failure,
    customer_is_kept_waiting,
    customer_suggests_or_praises,
    customer_thanks,
    customer_thanks_again,
    cut_short,
    in_time,
    phrases,
)


@rule("3.5.1a", "Asks before making the customer wait", severity="major", when=customer_is_kept_waiting)
def test_customer_is_asked_before_waiting(call, moment, code):
    """Must: ask first and have the answer: "Sorry, the system is slow. Would you please wait a moment?" or the like.

    Must not: start the wait without asking.

    必须：“对不起，系统反应较慢，请您稍等，好吗？”并得到客户答复。 禁止：不询问就让客户等待。
    """
    waits = [wait for wait in customer_is_kept_waiting.moments(call, code) if not wait.doubt]
    earlier = max((wait.index for wait in waits if wait.index < moment.index), default=-1)
    asked = moment.agent_before.since(earlier).says(phrases.ask_wait)
    assert asked
    assert call.customer.since(asked.quotes[-1].turn).until(moment.index + 1).spoken("answers before the wait")


@rule("3.5.1b", "Apologises after the wait", severity="major", when=customer_is_kept_waiting)
def test_wait_is_apologised_for(call, moment):
    """Must: "Sorry to keep you waiting." or the like.

    Must not: go on without it.

    必须：“对不起，让您久等了。”
    """
    if not moment.reply and (call.abandoned or call.events("transfer")):
        raise NotApplicable("the agent did not come back: the customer hung up or was transferred")
    assert moment.reply.says(phrases.kept_waiting)


@rule("3.5.2a", "Equipment, database or network fails", severity="major", when=agent_tells_of_failure)
def test_failure_is_apologised_for(call, moment):
    """Must: "Sorry, the database/service/network is being adjusted. Would you please call back later?" or the like.

    Or ask for a contact.

    必须：“对不起，数据库/业务/网络正在调整，请您稍后再来电，好吗？”或请客户留下联系方式。
    """
    assert moment.reply.says(phrases.apology)
    offered = moment.agent.says(phrases.ask_again_later, phrases.ask_contact)
    if not offered and cut_short(call, moment.index):
        raise NotApplicable("the customer hung up before anything could be offered")
    assert offered


@rule("3.5.2b", "Calls back when it works", severity="major", when=contact_taken_in_failure)
def test_customer_is_called_back_after_the_recovery(call, code):
    """Must: call the customer who left a contact once it works again.

    必须：恢复后及时回电给留下联系方式的客户。
    """
    case = call.case
    calls = [visit.time for visit in case.follow_ups if visit.purpose == "recovery"]
    done = min((time for time in calls if case.recovered and time >= case.recovered), default=None)
    assert in_time(call, "a call back", done, since=case.recovered, hours=code.recovery_call_hours)


@rule("3.5.3", "Suggestion or praise", severity="minor", when=customer_suggests_or_praises)
def test_suggestion_is_thanked_for_and_passed_on(moment):
    """Must: thank for a suggestion and say that it is passed on; thank for praise.

    "Thank you for your valuable suggestion. We will pass it to the people responsible in time. Thank you again for your
    concern and support."

    必须：“感谢您提出的宝贵建议，我们会及时反馈给公司相关负责人员，再次感谢您对我们工作的关心和支持！”
    """
    assert moment.reply.says(phrases.thanks_customer)
    if moment.said.says(phrases.customer_suggests):
        assert moment.reply.says(phrases.will_pass_on)


@rule("3.5.4", "Request that cannot be met", severity="major", when=agent_refuses)
def test_request_is_declined_politely(moment):
    """Must: "I'm sorry, I'm afraid I can't help you" or "this is beyond the scope of our service".

    Must not: "Hey, that's impossible!" "No, not at all!"

    必须：“很抱歉，恐怕我不能帮助您”或“这超出了我们的服务范围，恐怕不能帮到您”。 禁止：“喂，不可能的！”“不行！”
    """
    assert not moment.reply.says(phrases.refuses_bluntly)
    assert moment.reply.says(phrases.apology)
    assert moment.reply.says(phrases.declines)


@rule("3.5.5a", "Thanked", severity="minor", when=customer_thanks)
def test_thanks_are_answered(moment):
    """Must: "Please don't mention it." or "You're welcome." or the like.

    Must not: leave it unanswered.

    必须：“请不必客气。”“不客气。”
    """
    assert moment.reply.says(phrases.you_are_welcome)


@rule("3.5.5b", "Thanked again, praised further", severity="minor", when=customer_thanks_again)
def test_further_thanks_are_answered(moment):
    """Must: say that it was a duty and a pleasure, thank for the support, and invite to call again.

    "You're welcome, this is what we should do. Thank you for your support. You are welcome to call again at any time."

    必须：“请不必客气，这是我们应该做的（我们的工作职责），感谢您对我们工作的支持，随时欢迎您再来电。”
    """
    assert moment.reply.says(phrases.you_are_welcome)
    assert moment.reply.says(phrases.thanks_for_support)
    assert moment.reply.says(phrases.invitation)


@rule("3.5.6", "Cannot answer on the spot", severity="major", when=agent_cannot_answer)
def test_question_without_an_answer_is_taken_down(call, moment):
    """Must: apologise, ask for the contact number, and say that we call as soon as we have checked.

    "I'm sorry, please leave your contact number, and we will contact you as soon as we have checked, okay?"

    Must not: a casual or know-all answer ("probably", "I guess").

    必须：“对不起，请您留下联系电话，我们查询后尽快与您联系，好吗？” 禁止：“大概吧”“应该是吧”“你不懂”。
    """
    assert not moment.reply.says(phrases.casual_answer)
    assert moment.reply.says(phrases.apology)
    contact = moment.agent.says(phrases.ask_contact)
    if not contact and cut_short(call, moment.index):
        raise NotApplicable("the customer hung up before the contact was asked for")
    assert contact
    assert moment.agent.says(phrases.will_contact)

"""Section 3.4: complaints, and customers who lose their temper."""

from datetime import timedelta

from pytest_callqa import NotApplicable, rule

from .situations import (
    called_rude,
    called_slow,
    complaint_accepted,
    complaint_left_open,
    customer_swears,
    customer_swears_on,
    cut_short,
    hard_to_reach,
    hours_named,
    hours_to_solve,
    phrases,
    reported_to,
)


@rule("3.4.1", "Hard to reach, slow to answer", severity="major", when=hard_to_reach)
def test_late_answer_is_apologised_for(moment):
    """Must: "Sorry, the line was busy just now and kept you waiting! What can I do for you?" or the like.

    Must not: "Hey, I can't help it, the line was busy!"

    必须：“对不起，刚才线路忙，让您久等了！请问有什么可以帮您？” 禁止：“喂，我也没办法，刚才线路忙啊！”
    """
    assert not moment.reply.says(phrases.blames_the_line)
    assert moment.reply.says(phrases.apology)
    assert moment.reply.says(phrases.kept_waiting, phrases.line_was_busy)
    assert moment.reply.says(phrases.offer_help, phrases.ask_details, phrases.goes_to_the_system)


@rule("3.4.2a", "Customer swears", severity="critical", when=customer_swears)
def test_swearing_is_met_with_an_apology(moment):
    """Must: "I'm sorry, sir/madam, please forgive me. What can I do for you?" and soothe.

    Must not: "Hey, watch your mouth, it's not my fault!"; ignore the customer.

    必须：“对不起，先生/女士，请您原谅，请问有什么可以帮您？”并安抚客户。
    禁止：“喂，嘴巴干净一点，这又不是我的错！”；不理睬客户。
    """
    assert not moment.reply.says(phrases.talks_back)
    assert moment.reply.says(phrases.apology)
    assert moment.reply.says(phrases.offer_help, phrases.soothes, phrases.report_up)


@rule("3.4.2b", "Reports upward", severity="major", when=customer_swears_on)
def test_swearing_that_goes_on_is_reported(call, moment, code):
    """Must: escalate at once to the first-level operation and maintenance project manager.

    必须：立即上报一级运维项目经理。
    """
    in_time = None
    if call.record.started is not None and moment.start is not None:
        in_time = call.record.started + timedelta(seconds=moment.start + code.escalate_at_once)
    handed_over = any(
        reported_to(event.value, code.swearing_goes_to) and (event.time or 0.0) >= (moment.start or 0.0)
        for event in call.events("transfer")
    )
    if not handed_over and not moment.reply.says(phrases.report_up):
        case = call.case
        assert call.fact(case and reported_to(case.escalated_to, code.swearing_goes_to), "reported to the manager")
        assert call.fact(not (case.escalated and in_time) or case.escalated <= in_time, "reported at once")


@rule("3.4.3", "Blamed for being slow or unskilled", severity="major", when=called_slow)
def test_blame_for_slowness_is_accepted(moment):
    """Must: "Sorry to keep you waiting, I will help you as soon as possible." or the like.

    Must not: "Hey, sorry, I'm a novice!"

    必须：“对不起，让您久等了，我会尽快帮您处理。” 禁止：“喂，不好意思，我是新手啦！”
    """
    assert not moment.reply.says(phrases.pleads_inexperience)
    assert moment.reply.says(phrases.apology, phrases.kept_waiting)
    assert moment.reply.says(phrases.promises_speed)


@rule("3.4.4a", "Complaint about bad attitude", severity="major", when=called_rude)
def test_bad_attitude_is_apologised_for(call, moment):
    """Must: apologise and ask for the details.

    "I'm sorry that our poor service has caused you trouble, please forgive us. Can you tell me the details?"

    Must not: "Hey, it wasn't me who answered the phone just now!"

    必须：“对不起，由于我们服务不周给您添麻烦了，请您原谅，您能否将详细情况告诉我？”
    禁止：“喂，刚才的电话不是我接的呀！”
    """
    assert not moment.reply.says(phrases.denies_the_call)
    assert moment.reply.says(phrases.apology)
    assert moment.agent.says(phrases.ask_details)


@rule("3.4.4b", "Complaint about bad attitude is recorded and handed up", severity="major", when=called_rude)
def test_bad_attitude_is_recorded_and_handed_up(call, moment, code):
    """Must: ask for the contact; put the complaint and a contact on the case; submit it to the manager or supervisor.

    必须：询问联系方式，详细记录投诉内容和联系方式，并提交项目经理或主管。
    """
    asked = call.agent.says(phrases.ask_contact)
    if not asked and cut_short(call, moment.index):
        raise NotApplicable("the customer hung up before the contact was asked for")
    assert asked
    case = call.case
    assert call.fact(case and case.content, "the complaint is on the case")
    assert call.fact(case.contact, "the case holds a contact")
    assert call.fact(reported_to(case.escalated_to, code.complaints_go_to), "the case went to a manager or supervisor")


def assert_complaint_is_closed(call, close, hours):
    """The close that clauses 3.4.5 and 3.4.6 share; ``hours`` is the latest time for the answer."""
    assert close.says(phrases.apology)
    assert close.says(phrases.thanks_for_feedback)
    assert close.says(phrases.will_report_up)
    assert close.says(phrases.promises_answer)
    named = close.says(phrases.names_reply_time)
    assert named
    soonest = min((hours_named(call, quote) or float("inf") for quote in named.quotes), default=float("inf"))
    assert call.fact(soonest <= hours, f"the answer is promised within {hours:g} hours")
    assert close.says(phrases.goodbye)


@rule("3.4.5", "Complaint that cannot be answered on the spot", severity="major", when=complaint_left_open)
def test_open_complaint_is_promised_an_answer(call, moment, code):
    """Must: apologise, thank for the feedback, promise to report it and a definite answer in time, say goodbye.

    "I'm very sorry, sir/madam, thank you for your feedback. We will report it to our superior as soon as possible and
    give you a definite answer within 2 hours (simple) / 24 hours (complex). Goodbye!"

    Must not: "Hey, I don't know. Call back in a couple of days."

    必须：“先生/女士，非常抱歉，感谢您反映的意见，我们会尽快向上级部门反映，并在2小时（简单投诉）/24小时（复杂投诉）之内
    给您明确的答复，再见！” 禁止：“喂，我不清楚，您过两天再来电话吧。”
    """
    assert not moment.agent.says(phrases.puts_off)
    simple = call.record.case is not None and call.record.case.simple
    hours = code.simple_complaint_hours if simple else code.complex_complaint_hours
    assert_complaint_is_closed(call, moment.agent, hours)


@rule("3.4.6", "Complaint taken: the close", severity="major", when=complaint_accepted)
def test_accepted_complaint_is_closed(call, moment, code):
    """Must: close as in 3.4.5, with the time limit of the complaint's category and customer class.

    Must not: "Hey, it's okay, please hang up."

    必须：同3.4.5，按投诉类别和客户级别的时限答复。 禁止：“喂，没事了，您挂电话吧。”
    """
    assert not moment.agent.says(phrases.brushes_off)
    hours = hours_to_solve(call, code) if call.record.case else code.time_limits["default"]["default"]
    assert_complaint_is_closed(call, moment.agent, hours)

"""Section 3.1: how a call is opened, and what to do when nobody answers the greeting."""

from pytest_callqa import rule

from .situations import (
    answered,
    opening,
    phrases,
    said_goodbye_to_silence,
    seconds_to_hangup,
    silent_after_asking,
    silent_after_asking_again,
    silent_after_greeting,
    unanswered,
)


@rule("3.1.1", "Opening greeting", severity="major", when=answered)
def test_opening_greeting(call, code):
    """Must: "Hello, welcome to call the monitoring center hotline. What can I do for you?" or the like.

    Must not: any agent turn before it.

    必须：“您好，欢迎致电监控中心呼叫热线，请问有什么可以帮您？”
    """
    said = opening(call, code)
    greeting = said.says(phrases.greeting)
    assert greeting
    begins = greeting.first
    in_first_turn = begins.turn == said[0].index and begins.first <= len(said[0].pieces[0].text)
    assert call.fact(in_first_turn, "the greeting begins in the agent's first turn")


@rule("3.1.2a", "Silent call: asks", severity="major", when=silent_after_greeting)
def test_silent_call_is_asked(call, code):
    """Must: "Hello! What can I do for you?" Must not: hang up without asking.

    必须：“您好，请问有什么可以帮您？”
    """
    assert unanswered(call, code).says(phrases.asks_silent_caller)


@rule("3.1.2b", "Silent call: asks again", severity="major", when=silent_after_asking)
def test_silent_call_is_asked_again(moment, code):
    """Must: repeat "Hello! What can I do for you?", five seconds later at the earliest.

    Must not: talk without the pause.

    必须：“您好，请问有什么可以帮您？”
    """
    assert moment.reply.first.spoken().at_least(code.silence, after=moment.start)
    assert moment.reply.says(phrases.asks_silent_caller)


@rule("3.1.2c", "Silent call: takes leave", severity="major", when=silent_after_asking_again)
def test_silent_call_is_taken_leave_of(moment, code):
    """Must: "Sorry, there is no sound on your phone. Please call again on another phone. Goodbye!" or the like.

    Must not: leave out the apology or the goodbye.

    必须：“对不起，您的电话没有声音，请您换一部电话再打来，好吗？再见！”
    """
    leave = moment.reply
    assert leave.first.spoken().at_least(code.silence, after=moment.start)
    assert leave.says(phrases.apology)
    assert leave.says(phrases.no_sound)
    assert leave.says(phrases.another_phone, phrases.call_again)
    assert leave.says(phrases.goodbye)


@rule("3.1.2d", "Silent call: hangs up after a pause", severity="major", when=said_goodbye_to_silence)
def test_silent_call_is_ended_after_a_pause(call, moment, code):
    """Must: hang up no earlier than five seconds after the goodbye, and not much later.

    Must not: hang up at once; stay on the line.
    """
    wait = seconds_to_hangup(call, moment.start)
    assert call.shortest(wait, code.silence, "the wait from the goodbye to hanging up")
    assert call.longest(wait, code.silent_hangup_latest, "the wait from the goodbye to hanging up")

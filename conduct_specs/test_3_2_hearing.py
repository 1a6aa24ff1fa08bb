"""Section 3.2: what to do when the customer is hard to hear."""

from pytest_callqa import NotApplicable, rule

from .situations import (
    customer_on_hands_free,
    customer_speaks_dialect,
    in_dialect,
    line_is_noisy,
    loudness,
    low_voice,
    low_voice_persists,
    phrases,
    seconds_line_stayed_open,
)


@rule("3.2.1", "Hands-free caller", severity="minor", when=customer_on_hands_free)
def test_hands_free_caller_is_asked_to_lift_the_receiver(moment):
    """Must: "Sorry, your voice is too low. Would you please pick up the receiver and speak?" or the like.

    必须：“对不起，您的声音太小，请您拿起话筒讲话，好吗？”
    """
    assert moment.reply.says(phrases.apology)
    assert moment.reply.says(phrases.pick_up_receiver)


@rule("3.2.2a", "Low voice", severity="minor", when=low_voice)
def test_low_voice_is_asked_to_speak_up(moment):
    """Must: "I'm sorry! Would you please speak a little louder?" or the like.

    必须：“对不起！请您大声一点，好吗？”
    """
    assert moment.reply.says(phrases.apology)
    assert moment.reply.says(phrases.speak_louder)


@rule("3.2.2b", "Own volume stays", severity="minor", when=low_voice)
def test_low_voice_does_not_raise_the_agents(call, moment, code):
    """Must: the agent's own loudness stays within 3 dB of its level before. Must not: raise the voice."""
    before = loudness(moment.agent_before)
    for heard in (moment.reply, moment.agent):
        change = loudness(heard) - before
        assert call.fact(abs(change) <= code.loudness_change, f"{heard.who} is {change:+.1f} dB from before")


@rule("3.2.3", "Still too low", severity="major", when=low_voice_persists)
def test_voice_still_too_low_is_offered_another_way(call, moment, code):
    """Must: offer another way to talk, then hang up after five seconds. Must not: hang up at once.

    "I'm sorry! Your voice is too low. Please hang up and use another phone, or I will call you back."

    “对不起！您的电话声音太小，请您换一部电话，或者我给您打过去，好吗？”
    """
    assert moment.agent.says(phrases.apology)
    assert moment.agent.says(phrases.voice_too_low, phrases.cannot_hear)
    offer = moment.agent.says(phrases.another_phone, phrases.will_call_you_back)
    assert offer
    if not call.abandoned:
        wait = seconds_line_stayed_open(call, after=offer)
        assert call.shortest(wait, code.silence, "the wait before hanging up")


@rule("3.2.4", "Noisy line", severity="major", when=line_is_noisy)
def test_noisy_line_is_asked_to_call_again(call, moment, code):
    """Must: ask to call again, then wait five seconds before hanging up. Must not: hang up directly.

    "Sorry, your phone is noisy, I can't hear clearly. Would you please call again on another phone? Goodbye!"

    “对不起，您的电话杂音太大，听不清楚，请您换一部电话再打来好吗？再见！”
    """
    assert moment.agent.says(phrases.apology)
    assert moment.agent.says(phrases.line_noisy, phrases.cannot_hear)
    assert moment.agent.says(phrases.another_phone, phrases.call_again)
    if not call.abandoned:
        goodbye = moment.agent.says(phrases.goodbye)
        assert goodbye
        wait = seconds_line_stayed_open(call, after=goodbye)
        assert call.shortest(wait, code.silence, "the wait before hanging up")


@rule("3.2.5", "Standard language with dialect speakers", severity="minor", when=customer_speaks_dialect)
def test_standard_language_is_kept(call, moment, code):
    """Must: keep the standard language with a customer who speaks a dialect and understands the standard language.

    Must not: switch to the customer's dialect.

    必须：使用普通话。
    """
    if call.customer.says(phrases.customer_needs_dialect):
        raise NotApplicable("the customer does not understand the standard language")
    switched = call.speech(in_dialect(call, moment.agent, code), "the agent")
    assert not switched.spoken("switches to a dialect")

"""A hotline with the twilio package in Flask: `app` obeys section 3.1 of the code, `faulty` has five faults."""

from __future__ import annotations

from flask import Flask, Response, request
from twilio.twiml.voice_response import Gather, VoiceResponse

FAULTS = frozenset(("asks again too soon", "no apology", "hangs up at once", "option not taken", "wordless hang-up"))

OFFER = "What can I do for you?"
MENU = "For faults press 1. For invoices press 2. To speak to an agent press 0."


def build(faults: frozenset[str] = frozenset()) -> Flask:
    """The hotline, with some of the faults."""
    app = Flask(__name__)

    @app.post("/voice")
    def voice() -> Response:
        return menu(0, f"Hello, welcome to call the monitoring center hotline. {OFFER} {MENU}")

    def menu(asked: int, words: str) -> Response:
        """A prompt that is repeated to a silent caller twice; then the hotline takes leave."""
        response = VoiceResponse()
        wait = 3 if asked == 1 and "asks again too soon" in faults else 5
        gather = Gather(num_digits=1, timeout=wait, action="/choice")
        gather.say(words)
        response.append(gather)
        response.redirect(f"/silence?asked={asked + 1}")
        return page(response)

    @app.post("/silence")
    def silence() -> Response:
        asked = int(request.args["asked"])
        if asked <= 2:
            return menu(asked, f"Hello! {OFFER} {MENU}")
        response = VoiceResponse()
        sorry = "" if "no apology" in faults else "Sorry, "
        response.say(f"{sorry}there is no sound on your phone. Please call again on another phone. Goodbye!")
        if "hangs up at once" not in faults:
            response.pause(length=6)
        response.hangup()
        return page(response)

    @app.post("/choice")
    def choice() -> Response:
        response = VoiceResponse()
        key = request.form["Digits"]
        if key == "1":
            response.say("Our engineers have been told. Thank you for calling. Goodbye!")
        elif key == "2" and "option not taken" not in faults:
            response.say("Your invoice is sent today. Thank you for calling. Goodbye!")
        elif key == "0":
            response.say("I am connecting you to an agent.")
            response.dial("+15005550010")
        elif key == "9" and "wordless hang-up" in faults:
            response.hangup()
        else:
            return menu(0, f"Sorry, this is not an option. Hello! {OFFER} {MENU}")
        return page(response)

    return app


def page(response: VoiceResponse) -> Response:
    """The document as an answer."""
    return Response(str(response), mimetype="text/xml")


app = build()
faulty = build(FAULTS)

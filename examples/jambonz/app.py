"""A hotline on jambonz, with the verbs of its Python SDK: it tells a silent caller goodbye in a place never reached."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request
from jambonz.webhook import verbs
from jambonz.webhook.response import JambonzResponse

app = Flask(__name__)

MENU = "Hello, welcome to call the monitoring center hotline. What can I do for you? For faults press 1."


def answer(*built: verbs.Verb) -> Response:
    """The verbs as jambonz reads them."""
    return jsonify(JambonzResponse(list(built)).model_dump(by_alias=True, exclude_none=True, mode="json"))


@app.post("/call")
def call() -> Response:
    """The menu; jambonz calls the hook on silence too, so that the goodbye after it is never said."""
    menu = verbs.Gather(input=["digits"], action_hook="/heard", say=verbs.Say(text=MENU), timeout=5, num_digits=1)
    return answer(menu, verbs.Say(text="Sorry, there is no sound on your phone. Please call again. Goodbye!"))


@app.post("/heard")
def heard() -> Response:
    """What was pressed, or nothing."""
    if request.get_json().get("digits") == "1":
        return answer(verbs.Say(text="Our engineers have been told. Goodbye!"), verbs.Hangup())
    return answer(verbs.Hangup())

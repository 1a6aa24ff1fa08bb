"""Voice apps and chat bots as other people write them: each in another way, each with one fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import Flask, Response, redirect, request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.responses import Response as Answer
from starlette.routing import Route

# a function of a cloud template: one document, which asks again for ever

function = Flask("function")


@function.route("/", methods=["GET", "POST"])
def handler() -> Response:
    digits = request.values.get("Digits")
    if digits == "1":
        return Response("<Response><Say>We open at nine.</Say><Hangup/></Response>", mimetype="text/xml")
    text = "<Gather numDigits='1'><Say>Hello. For our hours press 1.</Say></Gather><Redirect/>"
    return Response(f"<Response>{text}</Response>", mimetype="text/xml")


# an app on nothing but WSGI whose keys break

Start = Callable[[str, list[tuple[str, str]]], object]


def keys_break(environ: dict[str, object], start_response: Start) -> Iterable[bytes]:
    if environ["PATH_INFO"] != "/":
        start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
        return [b"Traceback: KeyError: 'department'"]
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    say = "<Say>Good morning, this is Acme. For sales press 1, for an agent press 0.</Say>"
    return [f"<Response><Gather action='/key' numdigits='1'>{say}</Gather><Say>Bye.</Say></Response>".encode()]


# a survey on Starlette: GET only, the place in it is in a cookie, and the last question hangs up without a word

QUESTIONS = ("How was our service? Press 1 to 5.", "How was the price? Press 1 to 5.")


async def question(request: Request) -> Answer:
    place = int(request.cookies.get("question", "0")) + ("Digits" in request.query_params)
    if place == len(QUESTIONS):
        return Answer("<Response><Hangup/></Response>", media_type="application/xml")
    gather = f"<Gather method='GET' numDigits='1' action='survey'><Say>{QUESTIONS[place]}</Say></Gather>"
    answer = Answer(f"<Response>{gather}<Redirect method='GET'>survey</Redirect></Response>", media_type="text/xml")
    answer.set_cookie("question", str(place))
    return answer


survey = Starlette(routes=[Route("/calls/survey", question, methods=["GET"])])

# an app that answers by moving elsewhere

moved = Flask("moved")


@moved.post("/incoming")
def incoming() -> object:
    return redirect("/menu", 302)


@moved.route("/menu", methods=["GET", "POST"])
def menu() -> Response:
    said = {"1": "<Say>Support is closed.</Say>", "2": "<Redirect>/incoming</Redirect>"}.get(
        request.values.get("Digits")
    )
    if said:
        return Response(f"<Response>{said}</Response>", mimetype="text/xml")
    text = "<Gather numDigits='1' action='/menu'><Say>Press 1 for support, press 2 for sales.</Say></Gather>"
    return Response(f"<Response>{text}<Say>Goodbye.</Say></Response>", mimetype="text/xml")


# chat bots that answer over REST, in shapes of their own

pizza = Flask("pizza")


@pizza.post("/api/talk")
def talk() -> object:
    text = request.get_json()["utterance"].lower()
    if "manager" in text:
        return {"outputs": [{"speech": {}["manager"]}]}  # type: ignore[index]  # which is what is wrong with it
    return {"outputs": [{"speech": "Hello, what can I do for you?"}]}


async def shop(request: Request) -> Answer:
    """A Bot Framework bot that answers in the activities it returns, and swears back."""
    activity = await request.json()
    said = "So what." if "damn" in activity.get("text", "").lower() else "Hello. I am sorry."
    return JSONResponse({"activities": [{"type": "message", "text": said}]})


activities = Starlette(routes=[Route("/api/messages", shop, methods=["POST"])])

"""Small IVRs for tests, in Flask and with documents built by the twilio package."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import Flask, Response, request
from twilio.twiml import TwiML
from twilio.twiml.voice_response import VoiceResponse

from pytest_callqa.bots import Move
from pytest_callqa.bots.driver import Conversation
from pytest_callqa.bots.twiml import Options, Twiml
from pytest_callqa.bots.voice import VoiceBot
from pytest_callqa.bots.web import Web

Document = TwiML | str | Response
Line = tuple[str, float | None, float | None]


class Ivr:
    """A Flask app with a document for each path; it remembers what it was asked for.

    A document is one of the twilio package, a text, a response, or a function that makes one of them.
    """

    def __init__(self, **documents: Document | Callable[[], Document]) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.app = Flask(__name__)
        self.app.testing = True  # an exception of the app comes through
        for name, document in documents.items():
            self.app.add_url_rule(f"/{name}", name, self._page(document), methods=["GET", "POST"])

    def _page(self, document: Document | Callable[[], Document]) -> Callable[[], Response]:
        def page() -> Response:
            self.asked.append((request.method, request.path, request.values.to_dict()))
            made = document if isinstance(document, Response) or not callable(document) else document()
            return made if isinstance(made, Response) else Response(str(made), mimetype="text/xml")

        return page

    def bot(self, token: str = "", **options: object) -> VoiceBot:
        """The app as a bot that is called at ``/voice``."""
        return VoiceBot(Twiml(Web("/voice", app=self.app), Options(**options), token=token))

    def sent(self, path: str, *fields: str) -> list[tuple[str, ...]]:
        """The values of these form fields, for every time the path was asked for."""
        return [tuple(form.get(name, "-") for name in fields) for _, asked, form in self.asked if asked == path]


def talk(bot: VoiceBot, *moves: Move) -> Conversation:
    """The conversation that comes of these moves."""
    with Conversation(bot) as conversation:
        for move in moves:
            conversation.send(move)
    return conversation


def said(conversation: Conversation) -> list[Line]:
    """What the agent said, with start and end in seconds."""
    return [(turn.text, turn.start, turn.end) for turn in conversation.call().turns if turn.role == "agent"]


def texts(conversation: Conversation) -> list[str]:
    """What the agent said."""
    return [text for text, _, _ in said(conversation)]


def happened(conversation: Conversation) -> list[tuple[str, str, float | None]]:
    """What happened on the line besides speech, keys and picking up."""
    events: Iterable[tuple[str, str, float | None]] = (
        (event.kind, event.value, event.time) for event in conversation.call().events
    )
    return [event for event in events if event[0] not in ("key", "answer")]


def document(build: Callable[[VoiceResponse], object]) -> str:
    """A document of the twilio package."""
    response = VoiceResponse()
    build(response)
    return str(response)


def xml(inner: str) -> str:
    """A document as written by hand."""
    return f"<?xml version='1.0' encoding='UTF-8'?><Response>{inner}</Response>"

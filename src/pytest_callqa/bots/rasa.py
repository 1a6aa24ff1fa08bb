"""Rasa: the REST channel, with the times of the tracker if its API is on.

Wire: ``rasa/core/channels/rest.py`` and ``GET /conversations/{id}/tracker`` of the HTTP API.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import uuid4

import msgspec

from pytest_callqa.bots import Move, Reply
from pytest_callqa.bots.chat import ChatBot
from pytest_callqa.bots.web import Web, WebOptions, client, shorten


class Options(WebOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a Rasa bot.

    ``token`` and ``headers`` may name secrets as ``${NAME}``; ``tracker``: its API is on, ask it for times.
    """

    token: str = ""
    tracker: bool = False


class _Button(msgspec.Struct):
    title: str = ""
    payload: str = ""


class _Message(msgspec.Struct):
    text: str = ""
    image: str = ""
    buttons: list[_Button] = []


class _Event(msgspec.Struct):
    event: str
    timestamp: float = 0.0


class _Tracker(msgspec.Struct):
    events: list[_Event] = []


def build(at: str, options: Options, allow: Collection[str]) -> ChatBot:
    """A bot for ``rasa:http://localhost:5005``, the address of the server."""
    web = client(at, options, allow)
    return ChatBot(Rasa(web, options), options, clock=options.tracker)


class Rasa:
    """The REST channel as a talker.

    An answer without messages is silence: Rasa also answers so when it broke while it thought.
    A customer who says what is on a button presses it.
    """

    def __init__(self, web: Web, options: Options) -> None:
        self.web = web
        self._token = f"?token={web.secrets.fill(options.token)}" if options.token else ""
        self._tracker = options.tracker
        self._sender = ""
        self._buttons: dict[str, str] = {}

    def begin(self) -> Sequence[Reply]:
        """A new sender."""
        self._sender, self._buttons = f"callqa-{uuid4().hex}", {}
        return ()

    def say(self, move: Move) -> Sequence[Reply]:
        """The messages the bot answers with. Raises :class:`BotError` for an answer that is no list of messages."""
        text = self._buttons.get(move.text.strip().lower(), move.text)
        base = self.web.url.rstrip("/")
        answer = self.web.request(
            "POST", f"{base}/webhooks/rest/webhook{self._token}", json={"sender": self._sender, "message": text}
        )
        messages = answer.read(list[_Message])
        self._buttons = {b.title.strip().lower(): b.payload for said in messages for b in said.buttons if b.payload}
        times = self._times(base, move.end) if self._tracker else []
        return [
            Reply(text=_told(said), start=times[place] if place < len(times) else None, raw=shorten(answer.body))
            for place, said in enumerate(messages)
        ]

    def end(self) -> None:
        """Nothing is held."""

    def _times(self, base: str, since: float) -> list[float]:
        """When each message was sent that answers the customer's last words, which ended at ``since``."""
        answer = self.web.request("GET", f"{base}/conversations/{self._sender}/tracker{self._token}")
        events = answer.read(_Tracker).events
        asked = max((place for place, event in enumerate(events) if event.event == "user"), default=0)
        return [since + e.timestamp - events[asked].timestamp for e in events[asked:] if e.event == "bot"]


def _told(said: _Message) -> str:
    """What a customer makes of a message: its text, else what it shows."""
    return said.text or ("[image]" if said.image else "[something else than text]")

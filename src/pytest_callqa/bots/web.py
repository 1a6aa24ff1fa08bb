"""HTTP to the bot the user named and to nobody else: an address, or a WSGI or ASGI app in this process.

Every answer is bounded in bytes and in seconds; redirects are followed to allowed hosts only; nothing is taken from
the environment but the secrets that settings name. Needs the extra ``bots``.
"""

from __future__ import annotations

import os
import re
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from email.message import Message
from functools import lru_cache
from typing import TypeVar
from urllib.parse import urlencode

import h11
import httpx
import msgspec

from pytest_callqa.bots.chat import ChatOptions
from pytest_callqa.bots.spec import find_app
from pytest_callqa.bots.wire import AppBroke, Asked, Connection, TooLong, Wire, in_process, permit
from pytest_callqa.errors import BadInput, BotError

T = TypeVar("T")

TIMEOUT = 10.0
"""Real seconds a bot may take for one answer."""

MOST = 1_000_000
"""Bytes of an answer that are read."""

REDIRECTS = 10

_HEADERS = {"User-Agent": "pytest-callqa", "Accept": "*/*", "Accept-Encoding": "identity"}
_MASK = "•••"
_SECRET = re.compile(r"\$\{(\w+)\}")


class Secrets:
    """Values that settings take from the environment, and that never leave the process but to the bot."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def fill(self, text: str) -> str:
        """``text`` with every ``${NAME}`` replaced. Raises :class:`BadInput` for a variable that is not set."""

        def value(match: re.Match[str]) -> str:
            found = os.environ.get(match[1], "")
            if not found:
                raise BadInput(f"the environment variable {match[1]} is not set, which the bot's settings name")
            self._values.add(found)
            return found

        return _SECRET.sub(value, text)

    def hide(self, text: str) -> str:
        """``text`` with the values masked."""
        for value in self._values:
            text = text.replace(value, _MASK)
        return text


class Refused(BotError):
    """An answer whose ``status`` is not 2xx."""

    def __init__(self, problem: str, exchange: Iterable[str], status: int) -> None:
        super().__init__(problem, exchange)
        self.status = status


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What came back: the final ``url``, the ``media`` type without its parameters, the ``body``, its ``charset``."""

    url: str
    status: int
    media: str
    body: bytes
    charset: str

    @property
    def text(self) -> str:
        """The body as text. Raises :class:`BotError` if it is not in the encoding it says."""
        try:
            return self.body.decode(self.charset or "utf-8")
        except (LookupError, UnicodeDecodeError):
            raise BotError(f"the answer of {bare(self.url)} is not {self.charset or 'UTF-8'} text") from None

    def read(self, kind: type[T]) -> T:
        """The body as JSON of this type. Raises :class:`BotError` if it is none."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            problem = f"the answer of {bare(self.url)} is not the JSON expected: {error}"
            raise BotError(problem, [shorten(self.body)]) from None


def bare(url: str) -> str:
    """The address without its query, which may hold a secret."""
    return url.partition("?")[0]


def shorten(body: bytes | str) -> str:
    """The beginning of a body on one line, for people."""
    text = body[:1200].decode("utf-8", "replace") if isinstance(body, bytes) else body[:1200]
    text = " ".join(text.split())
    return text if len(text) <= 300 else f"{text[:300]}…"


class Web:
    """A client for one bot. ``at`` is an address, or the path in ``app``, a WSGI or ASGI app in this process.

    ``host`` is the address under which such an app believes to be reached; ``allow`` names the hosts that
    may be reached besides loopback; ``headers`` may name secrets as ``${NAME}`` and go to the bot's own host only;
    ``timeout`` is in real seconds.
    """

    def __init__(
        self,
        at: str,
        *,
        app: Callable[..., object] | None = None,
        allow: Collection[str] = (),
        headers: Mapping[str, str] | None = None,
        host: str = "http://testserver",
        timeout: float = TIMEOUT,
        most: int = MOST,
    ) -> None:
        self.secrets = Secrets()
        self.timeout, self.most = timeout, most
        self._allow = {name.lower() for name in allow}
        self._headers = {name: self.secrets.fill(value) for name, value in (headers or {}).items()}
        self.url = at if app is None else f"{host.rstrip('/')}/{at.lstrip('/')}"
        self._own = _address(self.url).host
        self._app = None if app is None else in_process(app)
        self._outside = Connection()
        self._cookies = httpx.Cookies()
        weakref.finalize(self, self._outside.close)
        self._check(_address(self.url))

    def clear(self) -> None:
        """Forget the cookies: another conversation begins."""
        self._cookies.clear()

    def request(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask, and follow redirects. Raises :class:`BotError` for everything but an answer of 2xx in bounds."""
        target = _address(url).copy_merge_params(query) if query else _address(url)
        kind, body = "", b""
        if json is not None:
            kind, body = "application/json", msgspec.json.encode(json)
        elif form:
            kind, body = "application/x-www-form-urlencoded", urlencode(form).encode()
        asked = [f"{method} {bare(url)} {shorten(body or urlencode(query or {}))}".rstrip()]
        for _ in range(REDIRECTS):
            self._check(target)
            typed = {"Content-Type": kind} if kind else {}
            own = self._headers if target.host == self._own else {}
            sent = Asked(method, target, {**_HEADERS, **typed, **own, **(headers or {})}, body)
            answer, location = self._send(sent, asked)
            if not location:
                break
            target = self._follow(target, location, asked)
            if answer.status not in (307, 308):
                method, kind, body = "GET", "", b""
        else:
            raise BotError(f"{bare(url)} redirects more than {REDIRECTS} times", self._shown(asked))
        if not 200 <= answer.status < 300:
            asked.append(f"{answer.status} {shorten(answer.body)}")
            raise Refused(f"{bare(answer.url)} answered {answer.status}", self._shown(asked), answer.status)
        return answer

    def _send(self, asked: Asked, lines: list[str]) -> tuple[Answer, str]:
        """One exchange: the answer, and where it redirects to."""
        url = str(asked.url)
        try:
            got = self._wire(asked.url).exchange(self._with_cookies(asked), self.most, self.timeout)
        except TimeoutError:
            raise BotError(f"{bare(url)} did not answer within {self.timeout:g} s", self._shown(lines)) from None
        except TooLong:
            raise BotError(f"{bare(url)} answered more than {self.most:,} bytes", self._shown(lines)) from None
        except (OSError, h11.ProtocolError) as error:
            raise BotError(f"{bare(url)} could not be reached: {_said(error)}", self._shown(lines)) from error
        except AppBroke as broke:
            raise BotError(f"{bare(url)} broke: {_said(broke.error)}", self._shown(lines)) from broke.error
        encoded = got.header(b"content-encoding")
        if encoded not in ("", "identity"):
            raise BotError(f"{bare(url)} answered in {encoded}, which was not asked for", self._shown(lines))
        if got.header(b"set-cookie"):
            told = httpx.Response(got.status, headers=list(got.headers), request=asked.as_httpx())
            self._cookies.extract_cookies(told)
        media, charset = _media(got.header(b"content-type"))
        location = got.header(b"location") if 300 <= got.status < 400 else ""
        return Answer(url, got.status, media, got.body, charset), location

    def _with_cookies(self, asked: Asked) -> Asked:
        if not self._cookies:
            return asked
        request = asked.as_httpx()
        self._cookies.set_cookie_header(request)
        cookie = request.headers.get("cookie")
        return msgspec.structs.replace(asked, headers={**asked.headers, "Cookie": cookie}) if cookie else asked

    def _follow(self, target: httpx.URL, location: str, lines: list[str]) -> httpx.URL:
        """Where a redirect leads. Raises :class:`BotError` for what is no address."""
        try:
            target = target.join(location)
        except httpx.InvalidURL as error:
            raise BotError(
                f"{bare(str(target))} redirects to what is no address: {error}", self._shown(lines)
            ) from None
        lines.append(f"redirected to {bare(str(target))}")
        return target

    def _check(self, url: httpx.URL) -> None:
        """Refuse what is neither loopback nor this process nor allowed, by name and by what the name resolves to."""
        if url.scheme not in ("http", "https"):
            raise BotError(f"{bare(str(url))} is neither http nor https")
        if self._app is None or url.host != self._own:
            permit(url.host, self._allow)
            if self._app is not None and not self._allow:
                raise BotError(
                    f"the app in this process leads to {bare(str(url))}; add --bot-allow {url.host} if it may"
                )

    def _wire(self, url: httpx.URL) -> Wire:
        return self._app if self._app is not None and url.host == self._own else self._outside

    def _shown(self, lines: list[str]) -> list[str]:
        return [self.secrets.hide(line) for line in lines]


@lru_cache
def _address(url: str) -> httpx.URL:
    return httpx.URL(url)


@lru_cache
def _media(content_type: str) -> tuple[str, str]:
    """The media type of a header and its charset."""
    header = Message()
    header["Content-Type"] = content_type
    return content_type.partition(";")[0].strip().lower(), header.get_content_charset("")


def _said(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


class WebOptions(ChatOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of every chat bot behind HTTP; ``headers`` may name secrets as ``${NAME}``, ``timeout`` is seconds."""

    headers: dict[str, str] = msgspec.field(default_factory=dict)
    timeout: float = TIMEOUT


def client(at: str, options: WebOptions, allow: Collection[str]) -> Web:
    """The client for a chat bot at ``http://…`` or ``module:app/path``."""
    path, app = find_app(at)
    return Web(path, app=app, allow=allow, headers=options.headers, timeout=options.timeout)

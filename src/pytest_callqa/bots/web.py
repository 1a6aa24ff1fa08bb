"""HTTP to the bot the user named and to nobody else: an address, or a WSGI or ASGI app in this process.

Every answer is bounded in bytes and in seconds; redirects are followed to allowed hosts only; nothing is taken from
the environment but the secrets that settings name. Needs the extra ``bots``.
"""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import os
import re
import socket
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar, cast
from urllib.parse import urlencode

import httpx
import msgspec

from pytest_callqa.bots import loop
from pytest_callqa.bots.chat import ChatOptions
from pytest_callqa.bots.spec import find_app
from pytest_callqa.errors import BadInput, BotError

T = TypeVar("T")

TIMEOUT = 10.0
"""Real seconds a bot may take for one answer."""

MOST = 1_000_000
"""Bytes of an answer that are read."""

REDIRECTS = 10

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
    may be reached besides loopback; ``headers`` may name secrets as ``${NAME}``; ``timeout`` is in real seconds.
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
        self._own = "" if app is None else httpx.URL(host).host
        mounts = {} if app is None else {f"all://{self._own}": self._in_process(app)}
        outside = None if self._own and not self._allow else self._on_loop(_Pinned())
        self._client = httpx.Client(
            transport=outside or _Nowhere(),
            mounts=mounts,
            trust_env=False,
            headers={"User-Agent": "pytest-callqa", "Accept-Encoding": "identity"},
        )
        weakref.finalize(self, self._client.close).atexit = False
        self._check(httpx.URL(self.url))

    def clear(self) -> None:
        """Forget the cookies: another conversation begins."""
        self._client.cookies.clear()

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
        target = httpx.URL(url).copy_merge_params(query) if query else httpx.URL(url)
        sent = (
            urlencode(form or query or {}) if form or query else msgspec.json.encode(json) if json is not None else ""
        )
        asked = [f"{method} {bare(url)} {shorten(sent)}".rstrip()]
        for _ in range(REDIRECTS):
            request = self._client.build_request(
                method,
                target,
                data=form,
                content=msgspec.json.encode(json) if json is not None else None,
                headers={
                    **({"Content-Type": "application/json"} if json is not None else {}),
                    **self._headers,
                    **(headers or {}),
                },
                timeout=self.timeout,
            )
            answer, location = self._send(request, asked)
            if not location:
                break
            target = target.join(location)
            self._check(target)
            asked.append(f"{answer.status} to {bare(str(target))}")
            if answer.status not in (307, 308):
                method, form, json = "GET", None, None
        else:
            raise BotError(f"{bare(url)} redirects more than {REDIRECTS} times", self._shown(asked))
        if not 200 <= answer.status < 300:
            asked.append(f"{answer.status} {shorten(answer.body)}")
            raise BotError(f"{bare(answer.url)} answered {answer.status}", self._shown(asked))
        return answer

    def _send(self, request: httpx.Request, asked: list[str]) -> tuple[Answer, str]:
        """One exchange: the answer, and where it redirects to."""
        url = str(request.url)
        try:
            response = self._client.send(request, stream=True)
            try:
                encoded = response.headers.get("content-encoding", "identity")
                if encoded not in ("", "identity"):
                    raise BotError(f"{bare(url)} answered in {encoded}, which was not asked for", self._shown(asked))
                body = _bounded(response.iter_raw(), self.most)
            finally:
                response.close()
        except (TimeoutError, httpx.TimeoutException):
            raise BotError(f"{bare(url)} did not answer within {self.timeout:g} s", self._shown(asked)) from None
        except _TooLong:
            raise BotError(f"{bare(url)} answered more than {self.most:,} bytes", self._shown(asked)) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise BotError(f"{bare(url)} could not be reached: {said}", self._shown(asked)) from error
        except BotError:
            raise
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise BotError(f"{bare(url)} broke: {said}", self._shown(asked)) from error
        kind, _, _ = response.headers.get("content-type", "").partition(";")
        told = Answer(url, response.status_code, kind.strip().lower(), body, response.charset_encoding or "")
        location = response.headers.get("location", "") if 300 <= response.status_code < 400 else ""
        return told, location

    def _check(self, url: httpx.URL) -> None:
        """Refuse what is neither loopback nor this process nor allowed, by name and by what the name resolves to."""
        scheme, host = url.scheme, url.host
        if scheme not in ("http", "https"):
            raise BotError(f"{bare(str(url))} is neither http nor https")
        if host != self._own:
            permit(host, self._allow)

    def _in_process(self, app: Callable[..., object]) -> httpx.BaseTransport:
        """A transport to an app in this process."""
        if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(type(app).__call__):
            return self._on_loop(httpx.ASGITransport(app))  # type: ignore[arg-type]  # told apart just now
        return httpx.WSGITransport(app)  # type: ignore[arg-type]

    def _on_loop(self, transport: httpx.AsyncBaseTransport) -> httpx.BaseTransport:
        return _OnLoop(transport, self.most, self.timeout)

    def _shown(self, lines: list[str]) -> list[str]:
        return [self.secrets.hide(line) for line in lines]


def permit(host: str, allow: Collection[str]) -> None:
    """Raises :class:`BotError` for a host that is neither loopback nor allowed."""
    if not is_loopback(host) and host.lower() not in {name.lower() for name in allow}:
        raise BotError(f"the bot is at {host}, which nobody allowed; add --bot-allow {host} if it is yours")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or its address."""
    if host in ("localhost", "testserver"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def resolve(host: str) -> str:
    """The address of an allowed host. Raises :class:`BotError` for a name that leads to a link-local address."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise BotError(f"the host {host} cannot be found: {error}") from None
    address = str(found[0][4][0])
    if address != host and ipaddress.ip_address(address).is_link_local:
        raise BotError(f"the host {host} leads to {address}, where clouds keep credentials; it is refused")
    return address


class _Nowhere(httpx.BaseTransport):
    """The way out of an app in this process that may reach nobody."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("only the app in this process can be reached")


class _TooLong(Exception):
    """An answer over the limit."""


def _bounded(chunks: Iterable[bytes], most: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > most:
            raise _TooLong
    return bytes(body)


class _Pinned(httpx.AsyncHTTPTransport):
    """Connects to the very address that was checked: a name may resolve to another one the next time."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if not is_loopback(host):
            request = httpx.Request(
                request.method,
                request.url.copy_with(host=resolve(host)),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
        return await super().handle_async_request(request)


class _OnLoop(httpx.BaseTransport):
    """An asynchronous transport as a plain one, with one deadline for the whole answer, however slowly it drips."""

    def __init__(self, transport: httpx.AsyncBaseTransport, most: int, timeout: float) -> None:
        self._transport, self._most, self._timeout = transport, most, timeout

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return loop.run(self._handle(request))

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        body = bytearray()
        async with asyncio.timeout(self._timeout):
            response = await self._transport.handle_async_request(request)
            try:
                async for chunk in cast(httpx.AsyncByteStream, response.stream):
                    body += chunk
                    if len(body) > self._most:
                        raise _TooLong
            finally:
                await response.aclose()
        return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(bytes(body)))

    def close(self) -> None:
        loop.begin(self._transport.aclose())


class WebOptions(ChatOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of every chat bot behind HTTP; ``headers`` may name secrets as ``${NAME}``, ``timeout`` is seconds."""

    headers: dict[str, str] = msgspec.field(default_factory=dict)
    timeout: float = TIMEOUT


def client(at: str, options: WebOptions, allow: Collection[str]) -> Web:
    """The client for a chat bot at ``http://…`` or ``module:app/path``."""
    path, app = find_app(at)
    return Web(path, app=app, allow=allow, headers=options.headers, timeout=options.timeout)

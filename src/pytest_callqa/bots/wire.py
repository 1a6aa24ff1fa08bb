"""One HTTP exchange, in bounds of bytes and seconds: over a connection that is kept, or with an app in this process."""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import select
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from contextlib import closing
from functools import cached_property, lru_cache
from ssl import SSLContext
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

import h11
import httpx
import msgspec

from pytest_callqa.bots import loop
from pytest_callqa.errors import BotError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CHUNK = 65536
"""Bytes that are read at once, and those that the head of an answer may have."""

_Message: TypeAlias = MutableMapping[str, object]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_AsgiApp: TypeAlias = Callable[[_Message, Callable[[], Awaitable[_Message]], _Send], Awaitable[None]]


class TooLong(Exception):
    """An answer over the limit."""


class AppBroke(Exception):
    """An app in this process raised this ``error``."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A request."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    body: bytes

    def as_httpx(self) -> httpx.Request:
        """The same for httpx."""
        return httpx.Request(self.method, self.url, headers=self.headers, content=self.body)


class Got(msgspec.Struct, frozen=True, gc=False):
    """What came back; the names of headers are in small letters."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> str:
        """The value of a header, empty if there is none."""
        return next((value.decode("latin-1") for known, value in self.headers if known == name), "")


class Wire(Protocol):
    """A way to the bot."""

    def exchange(self, asked: Asked, most: int, seconds: float) -> Got:
        """The answer.

        Raises :class:`TooLong` for one of more than ``most`` bytes, :class:`TimeoutError` for one that is not whole
        after so many seconds, :class:`AppBroke`, :class:`OSError` and :class:`h11.ProtocolError`.
        """
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...


class Connection:
    """A connection of HTTP/1.1 to one place at a time, kept until another place is asked for or it fails.

    It leads to the very address that was checked: a name may resolve to another one the next time.
    """

    def __init__(self) -> None:
        self._place: tuple[str, str, int | None] | None = None
        self._socket: socket.socket | None = None
        self._state = _begin()

    def exchange(self, asked: Asked, most: int, seconds: float) -> Got:
        """See :class:`Wire`."""
        until = time.monotonic() + seconds
        place = (asked.url.scheme, asked.url.host, asked.url.port)
        try:
            if self._socket is None or self._place != place or _stirs(self._socket):
                self.close()
                self._socket, self._place = self._connect(*place, until), place
            got = _exchange(self._socket, self._state, asked, most, until)
        except BaseException:
            self.close()
            raise
        if self._state.our_state is self._state.their_state is h11.DONE:
            self._state.start_next_cycle()
        else:
            self.close()
        return got

    def close(self) -> None:
        """See :class:`Wire`."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._state = None, _begin()

    def _connect(self, scheme: str, host: str, port: int | None, until: float) -> socket.socket:
        address = host if is_loopback(host) else resolve(host)
        tls = scheme == "https"
        opened = socket.create_connection((address, port or (443 if tls else 80)), timeout=left(until))
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._trust.wrap_socket(opened, server_hostname=host) if tls else opened
        except BaseException:
            opened.close()
            raise

    @cached_property
    def _trust(self) -> SSLContext:
        return httpx.create_ssl_context()


def _begin() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=CHUNK)


def _stirs(opened: socket.socket) -> bool:
    """Whether a connection at rest has something to say: then it was closed meanwhile."""
    return bool(select.select([opened], [], [], 0)[0])


def left(until: float) -> float:
    """The seconds left until a time of the monotonic clock. Raises :class:`TimeoutError` for none."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _exchange(opened: socket.socket, state: h11.Connection, asked: Asked, most: int, until: float) -> Got:
    length = {} if asked.method == "GET" else {"Content-Length": str(len(asked.body))}
    headers = {"Host": asked.url.netloc.decode(), **asked.headers, **length}
    request = h11.Request(method=asked.method, target=asked.url.raw_path, headers=list(headers.items()))
    opened.settimeout(left(until))
    opened.sendall(b"".join(state.send(event) or b"" for event in (request, h11.Data(asked.body), h11.EndOfMessage())))
    body = bytearray()
    status = 0
    told: Sequence[tuple[bytes, bytes]] = ()
    while True:
        event = state.next_event()
        if event is h11.NEED_DATA:
            opened.settimeout(left(until))
            read = opened.recv(CHUNK)
            if not read and (state.their_state is h11.SEND_RESPONSE or state.trailing_data[1]):
                raise ConnectionResetError("it closed the connection before it had answered")
            state.receive_data(read)
        elif isinstance(event, h11.Response):
            status, told = event.status_code, list(event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > most:
                raise TooLong
        elif isinstance(event, h11.EndOfMessage):
            return Got(status, told, bytes(body))


def in_process(app: Callable[..., object]) -> Wire:
    """The way to a WSGI or an ASGI app in this process."""
    asynchronous = inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(type(app).__call__)
    return _Asgi(cast(_AsgiApp, app)) if asynchronous else _Wsgi(cast("WSGIApplication", app))


class _Wsgi:
    def __init__(self, app: WSGIApplication) -> None:
        self._transport = httpx.WSGITransport(app)

    def exchange(self, asked: Asked, most: int, seconds: float) -> Got:
        until = time.monotonic() + seconds
        body = bytearray()
        try:
            with closing(self._transport.handle_request(asked.as_httpx())) as response:
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > most or time.monotonic() > until:
                        break
        except Exception as error:
            raise AppBroke(error) from error
        if len(body) > most:
            raise TooLong
        left(until)
        return _got(response, bytes(body))

    def close(self) -> None: ...


class _Asgi:
    """On the loop of all that is asynchronous; the bytes are counted where the app sends them."""

    def __init__(self, app: _AsgiApp) -> None:
        self._app = app

    def exchange(self, asked: Asked, most: int, seconds: float) -> Got:
        return loop.run(self._exchange(asked, most, seconds))

    async def _exchange(self, asked: Asked, most: int, seconds: float) -> Got:
        sent = 0

        async def bounded(scope: _Message, receive: Callable[[], Awaitable[_Message]], send: _Send) -> None:
            async def counted(message: _Message) -> None:
                nonlocal sent
                sent += len(cast(bytes, message.get("body", b"")))
                if sent > most:
                    raise TooLong
                await send(message)

            await self._app(scope, receive, counted)

        async with asyncio.timeout(seconds):
            try:
                response = await httpx.ASGITransport(bounded).handle_async_request(asked.as_httpx())
                return _got(response, await response.aread())
            except Exception as error:
                raise (TooLong() if sent > most else AppBroke(error)) from error

    def close(self) -> None: ...


def _got(response: httpx.Response, body: bytes) -> Got:
    return Got(response.status_code, [(name.lower(), value) for name, value in response.headers.raw], body)


# -- where a bot may be


def permit(host: str, allow: Collection[str]) -> None:
    """Raises :class:`BotError` for a host that is neither loopback nor allowed."""
    if not is_loopback(host) and host.lower() not in {name.lower() for name in allow}:
        raise BotError(f"the bot is at {host}, which nobody allowed; add --bot-allow {host} if it is yours")


@lru_cache
def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or its address."""
    if host == "localhost":
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

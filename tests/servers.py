"""Servers on loopback for tests: real ones for apps, and one that answers any bytes, well or badly."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ssl import SSLContext

from flask import Flask
from werkzeug.serving import make_server


@contextmanager
def serving(app: Flask, tls: SSLContext | None = None) -> Iterator[str]:
    """The address of a Flask app behind a real server."""
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that answers every connection by a function of its socket."""
    listening = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            with connection:
                connection.recv(65536)
                try:
                    answer(connection)
                except OSError:
                    continue  # the client has gone, as it should

    listening.settimeout(0.05)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stopped.set()
        thread.join()
        listening.close()


def sends(*parts: bytes, pause: float = 0.0, times: int = 1) -> Callable[[socket.socket], None]:
    """Answers these bytes, the last part many times, with a pause after each."""

    def answer(connection: socket.socket) -> None:
        for part in (*parts[:-1], *[parts[-1]] * times):
            connection.sendall(part)
            time.sleep(pause)

    return answer

"""A PostgreSQL server of the tests' own: a temporary folder, a free port of this machine, never run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def programs() -> Path:
    """Where the newest server's programs are."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


@contextmanager
def server() -> Iterator[str]:
    """The address of an empty database, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="callqa-pg-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        owner = pwd.getpwnam(user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    setup = [programs() / "initdb", "--no-sync", "--auth=trust", "--username=callqa", "-D", data]
    subprocess.run(setup, check=True, capture_output=True, user=user, cwd=folder)
    serve = [programs() / "postgres", "-D", data, "-F", "-p", str(port), "-h", "127.0.0.1", "-c"]
    with (
        open(os.devnull, "wb") as nowhere,
        subprocess.Popen(
            [*serve, "unix_socket_directories="], stdout=nowhere, stderr=nowhere, user=user, cwd=folder
        ) as process,
    ):
        try:
            address = f"postgresql://callqa@127.0.0.1:{port}/postgres"
            _wait(address)
            yield address
        finally:
            process.terminate()
            process.wait(30)
            shutil.rmtree(folder)


def _wait(address: str) -> None:
    """Until the server answers; the last refusal is raised after a minute."""
    until = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)

"""Objects of S3, or of what speaks its protocol, as files: ``s3://bucket/folder/name``.

Where the service is and who asks it is told by the usual variables of the environment: ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, ``AWS_REGION``, ``AWS_ENDPOINT_URL``, and those of roles.
"""

from __future__ import annotations

import errno
import io
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pytest_callqa.errors import BadInput

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import S3Store

Answer = TypeVar("Answer")

REMOTE = "s3://"
"""How the names of objects begin."""

BLOCK = 2**20
"""Bytes that are asked for at a time: few enough for flat memory, enough that waiting for answers costs little."""

RETRIES = 5
"""How often a question is asked again that found no answer; the pauses between grow from 0.1 s."""

PATIENCE = timedelta(seconds=60)
"""How long one answer may take, and after how long no question is asked again."""

_NAME = re.compile(REMOTE + r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/+(?P<key>.*))?", re.DOTALL)

_SERVICE = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::\d{1,5})?(?:/\S*)?", re.ASCII)

_NOBODY = (
    "no credentials are known for it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or, for a public bucket, "
    "AWS_SKIP_SIGNATURE=true"
)
_DENIED = "the service refuses it to these credentials: check AWS_ACCESS_KEY_ID and its rights to the bucket"
_SENTENCES = {
    "/latest/api/token": _NOBODY,  # of the machine itself, which is asked for a role at last
    "Missing AccessKeyId": _NOBODY,
    "Missing SecretAccessKey": _NOBODY,
    "403 Forbidden": _DENIED,
    "401 Unauthorized": _DENIED,
    "ExpiredToken": _DENIED,
    "NoSuchBucket": "there is no such bucket: check its name, and the service in AWS_ENDPOINT_URL if you set one",
    "kind: Timeout": "the service did not answer in time: try again, or check the network and AWS_ENDPOINT_URL",
    "kind: Connect": "the service cannot be reached: check the network and AWS_ENDPOINT_URL",
    "invalid path": "a key in it has an empty part or one of dots (//, /./, /../), which no file has: rename it",
    "redirect": "the bucket is in another region: name it in AWS_REGION",
}
"""What is said of faults that their texts have these words in common with."""


class About(NamedTuple):
    """What is known of a file without reading it: its size in bytes, and what changes with its content."""

    size: int
    version: str


@contextmanager
def _told(name: str) -> Iterator[None]:
    """What goes wrong in the block is told in a sentence: as :class:`FileNotFoundError` or :class:`BadInput`."""
    from obstore.exceptions import BaseError, PreconditionError

    try:
        yield
    except PreconditionError:
        raise BadInput("it was replaced while it was read: start again", file=name) from None
    except (FileNotFoundError, BaseError) as error:
        text = str(error)
        problem = next((sentence for words, sentence in _SENTENCES.items() if words in text), "")
        if not problem and isinstance(error, FileNotFoundError):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from None
        said = text.partition("\n")[0].rpartition(" - ")[2][:200]
        problem = problem or f"the service failed ({said}): try again, or check the variables AWS_…"
        raise BadInput(problem, file=name) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        # What obstore gives up at are settings that it cannot send, such as a key with a line break.
        problem = f"the settings for it cannot be used ({error}): check the variables AWS_…"
        raise BadInput(problem, file=name) from None


def divided(name: str) -> tuple[S3Store, str]:
    """The bucket of a name, and the key in it without slashes around.

    Raises :class:`BadInput` for a name that is none, and without the extra.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise BadInput("this is no address in S3: write s3://bucket/folder", file=name)
    try:
        _check_service(name)
        with _told(name):
            return _bucket(found["bucket"]), (found["key"] or "").rstrip("/")
    except ImportError:
        raise BadInput("s3:// needs a further package: pip install 'pytest-callqa[s3]'", file=name) from None


def _check_service(name: str) -> None:
    """Raises :class:`BadInput` for an address that obstore could not even ask."""
    for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        address = os.environ.get(variable)
        if address and not _SERVICE.fullmatch(address):
            problem = f"{variable} is {address!r}, which is no address: write https://host or http://host:port"
            raise BadInput(problem, file=name)


@lru_cache(maxsize=8)
def _bucket(name: str) -> S3Store:
    from obstore.store import S3Store

    return S3Store(
        name,
        client_options={"allow_http": True, "timeout": PATIENCE},  # HTTP only where AWS_ENDPOINT_URL says so
        retry_config={"max_retries": RETRIES, "retry_timeout": PATIENCE},
    )


def _answer(ask: Callable[[], Answer]) -> Answer:
    """What the service answers. It is asked in a thread of its own, since no Ctrl-C is heard where obstore waits."""
    answer: Future[Answer] = Future()

    def wait() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - which is raised where the answer is wanted
            answer.set_exception(error)

    Thread(target=wait, daemon=True).start()
    return answer.result()


class _Buckets:
    """What is in buckets. A folder is what keys have in common up to a slash."""

    def exists(self, name: str) -> bool:
        return self.is_file(name) or self.is_folder(name)

    def is_file(self, name: str) -> bool:
        try:
            self.about(name)
        except (FileNotFoundError, IsADirectoryError):
            return False
        return True

    def is_folder(self, name: str) -> bool:
        store, key = divided(name)
        with _told(name):
            return _answer(lambda: any(store.list(key or None, chunk_size=1))) or not key

    def about(self, name: str) -> About:
        store, key = divided(name)
        if not key:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        with _told(name):
            found = _answer(lambda: store.head(key))
        return About(found["size"], found["e_tag"] or "")

    def walk(self, folder: str) -> Iterator[tuple[str, list[str], list[str]]]:
        store, key = divided(folder)
        with _told(folder):
            found = _answer(lambda: store.list_with_delimiter(key or None))
        folders = [path.rpartition("/")[2] for path in found["common_prefixes"]]
        # Consoles make an empty object for the folder itself, which comes under the folder's name.
        files = [each["path"].rpartition("/")[2] for each in found["objects"] if each["path"] != key]
        yield folder, folders, files
        for below in folders:  # those that are left in the list
            yield from self.walk(os.path.join(folder, below))

    def names(self, folder: str) -> list[str]:
        _, folders, files = next(self.walk(folder))
        return folders + files

    def open(self, name: str) -> io.BufferedReader:
        about = self.about(name)
        return io.BufferedReader(_Object(name, about), max(min(about.size, BLOCK), 1))

    def below(self, folder: str) -> Iterator[str]:
        """The names of all files in a folder and below it, as they come."""
        store, key = divided(folder)
        with _told(folder):
            pages = store.list(key or None, chunk_size=1000)
            while found := _answer(lambda: next(pages, None)):
                yield from (f"{REMOTE}{store.config['bucket']}/{each['path']}" for each in found)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file, whole or not at all, unless there is one: then the service refuses it, and this is False."""
        from obstore.exceptions import AlreadyExistsError

        store, key = divided(name)
        with _told(name):
            try:
                _answer(lambda: store.put(key, data, mode="create", use_multipart=False))
            except AlreadyExistsError:
                return False
        return True


BUCKETS = _Buckets()
"""The buckets that the environment's credentials open."""


class _Object(io.RawIOBase):
    """An object, read in the ranges that are asked for; one that is replaced meanwhile is noticed by its tag."""

    def __init__(self, name: str, about: About) -> None:
        self._name, self._about = name, about
        self._store, self._key = divided(name)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        before = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._about.size}
        self._at = before[whence] + offset
        return self._at

    def readall(self) -> bytes:
        return self.read(max(self._about.size - self._at, 0)) or b""  # in one piece

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # as the base reads
        end = min(self._at + len(buffer), self._about.size)
        if self._at >= end:
            return 0
        with _told(self._name):
            how: GetOptions = {"range": (self._at, end), "if_match": self._about.version or None}
            read = _answer(lambda: self._store.get(self._key, options=how).bytes())
        buffer[: len(read)] = memoryview(read)
        self._at += len(read)
        return len(read)

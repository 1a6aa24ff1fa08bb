"""Worker processes that are watched: one that dies, hangs or grows too large costs the item it was at, nothing else."""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import RawArray, RawValue
from threading import TIMEOUT_MAX, Thread
from types import ModuleType
from typing import Generic, Protocol, TypeAlias, TypeVar

import msgspec

from pytest_callqa.errors import CallQAError

Given = TypeVar("Given")
Item = TypeVar("Item")
Result = TypeVar("Result")
Say: TypeAlias = Callable[[str], None]
"""How a worker notes, for the case that it does not come back, what it is at."""

Handle: TypeAlias = Callable[[Item], Result]

ATTEMPTS = 2
"""How often an item may cost a worker before it is given up."""

AHEAD = 4
"""Chunks a worker that are read before the first of them is done."""

_LONGEST_LOOK = 1.0
"""Seconds after which the workers are looked at, whether they say something or not."""

_TO_START = 120.0
"""Seconds that a worker may take until it is ready."""

_NOT_READY = -1
"""Where a worker is that has not been prepared yet; else it counts the items it has begun."""

_NO_MEMORY = 71
"""The exit code of a worker that was refused memory."""

_NAME = 256
"""Bytes kept of what a worker says it is at."""


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """While it lasts, SIGTERM (with which CI systems end a job) is a :class:`KeyboardInterrupt`, as Ctrl-C is."""
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Limits(msgspec.Struct, frozen=True):
    """What one item may take: ``seconds``, and ``megabytes`` of a worker's memory (0: as much as it likes)."""

    seconds: float = 60.0
    megabytes: int = 0


@dataclass
class _Task(Generic[Item]):
    """Items of one chunk that a worker is to handle: the first is the chunk's number ``first``."""

    chunk: int
    first: int
    items: Sequence[Item]
    attempts: int = 0


@dataclass
class _Chunk(Generic[Result]):
    """A chunk on its way: its results by item, and how many items are still to come."""

    left: int
    results: dict[int, Result] = field(default_factory=dict)


class Supervisor(Generic[Given, Item, Result]):
    """Maps ``handle`` over the items of chunks, in order, in ``jobs`` processes.

    ``prepare`` is called once in each process, with ``given`` and a function to say with what it is at, and returns
    what handles an item; it and ``given`` must be fit for pickling. ``lost`` makes the result of an item that cost a
    worker twice: from the item, what was last said of it, and what became of the worker, in words. A process that was
    started ``ahead`` is taken from there.
    """

    def __init__(
        self,
        prepare: Callable[[Given, Say], Handle[Item, Result]],
        given: Given,
        lost: Callable[[Item, str, str], Result],
        *,
        jobs: int,
        limits: Limits,
        ahead: list[Process] | None = None,
    ) -> None:
        self._prepare, self._given, self._lost = prepare, given, lost
        self._jobs, self._limits, self._ahead = jobs, limits, ahead or []
        self._workers: list[_Worker[Item, Result]] = []
        self._tasks: deque[_Task[Item]] = deque()
        self._chunks: dict[int, _Chunk[Result]] = {}

    def map(self, chunks: Iterable[Sequence[Item]]) -> Iterator[list[Result]]:
        """The results of each chunk, in the order of the chunks and their items."""
        source = enumerate(chunks)
        following = 0
        more = True
        try:
            while more or self._chunks:
                while more and len(self._chunks) < AHEAD * self._jobs:
                    number, items = next(source, (-1, ()))
                    more = number >= 0
                    if more:
                        self._chunks[number] = _Chunk(len(items))
                        self._tasks.append(_Task(number, 0, items))
                self._hand_out()
                while (ready := self._chunks.get(following)) is not None and not ready.left:
                    del self._chunks[following]
                    following += 1
                    yield [ready.results[place] for place in sorted(ready.results)]
                if self._chunks:
                    self._look()
        finally:
            for worker in self._workers:
                worker.stop(at_once=worker.task is not None)

    def _hand_out(self) -> None:
        """Give every idle worker something to do; more are started, all before the first is waited for."""
        idle = [worker for worker in self._workers if worker.task is None]
        while len(idle) < len(self._tasks) and len(self._workers) < self._jobs:
            process = self._ahead.pop() if self._ahead else Process(self._limits)
            idle.append(_Worker(process, self._prepare, self._given))
            self._workers.append(idle[-1])
        for worker in idle[: len(self._tasks)]:
            worker.give(self._tasks.popleft())

    def _look(self) -> None:
        """Wait until a worker has something to say, has died, or has taken too long."""
        busy = {worker.pipe: worker for worker in self._workers if worker.task is not None}
        due = min(worker.due(self._limits.seconds) for worker in busy.values()) - time.monotonic()
        said = wait(list(busy), timeout=min(max(due, 0.0), _LONGEST_LOOK))
        for pipe, worker in busy.items():
            if pipe in said:
                self._hear(worker)
            elif time.monotonic() >= worker.due(self._limits.seconds):
                self._replace(worker, f"took longer than {self._limits.seconds:g} s")

    def _hear(self, worker: _Worker[Item, Result]) -> None:
        try:
            results = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            self._replace(worker, _end_of(worker.process.exitcode))
            return
        task = worker.task
        assert task is not None
        worker.task = None
        self._done(task.chunk, task.first, results)

    def _done(self, number: int, first: int, results: Sequence[Result]) -> None:
        chunk = self._chunks[number]
        for place, result in enumerate(results, first):
            chunk.results[place] = result
        chunk.left -= len(results)

    def _replace(self, worker: _Worker[Item, Result], why: str) -> None:
        """Let a worker go; what it had before the item that cost it is done again, that item once more by itself."""
        worker.stop(at_once=True)
        self._workers.remove(worker)
        task = worker.task
        assert task is not None
        if not worker.ready:
            raise CallQAError(f"a worker process did not get ready: {why}")
        at = worker.at()
        before, culprit, after = task.items[:at], task.items[at], task.items[at + 1 :]
        attempts = task.attempts + 1
        if after:
            self._tasks.appendleft(_Task(task.chunk, task.first + at + 1, after))
        if attempts >= ATTEMPTS:
            self._done(task.chunk, task.first + at, [self._lost(culprit, worker.name(), why)])
        else:
            self._tasks.appendleft(_Task(task.chunk, task.first + at, [culprit], attempts))
        if before:
            self._tasks.appendleft(_Task(task.chunk, task.first, before))


class _Shared(Protocol[Item]):
    """A value in memory that a worker and its supervisor share."""

    value: Item


class Process:
    """A worker process from its start, with its pipe and the memory that it shares with its supervisor.

    It calls ``warm`` before it is told what to do; what goes wrong there is not told, but has to go wrong again.
    """

    def __init__(self, limits: Limits, warm: Callable[[], object] | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.place: _Shared[int] = RawValue("q", _NOT_READY)
        self.name: _Shared[bytes] = RawArray("c", _NAME)
        self.process = context.Process(target=_serve, args=(theirs, self.place, self.name, limits, warm), daemon=True)
        with _without_main():
            self.process.start()
        theirs.close()

    def stop(self, *, at_once: bool) -> None:
        """End it, in the middle of its task or when it finds that there is no other."""
        if at_once:
            self.process.kill()
        self.pipe.close()
        self.process.join()


@contextmanager
def _without_main() -> Iterator[None]:
    """A process that is started meanwhile does not import the script that this one runs: no worker needs it again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def started_ahead(warm: Callable[[], object], limits: Limits) -> Iterator[list[Process]]:
    """A worker process that calls ``warm`` while there is no work for it yet: for the first :class:`Supervisor`.

    It is ended if nobody took it. ``warm`` must be fit for pickling.
    """
    ahead = [Process(limits, warm)]
    try:
        yield ahead
    finally:
        for process in ahead:
            process.stop(at_once=True)


class _Worker(Generic[Item, Result]):
    """A process, and what its supervisor knows of it: its ``task`` and, in shared memory, where in it it is."""

    def __init__(self, process: Process, prepare: Callable[[Given, Say], Handle[Item, Result]], given: Given) -> None:
        self.pipe, self.process, self.stop = process.pipe, process.process, process.stop
        self._place, self._name = process.place, process.name
        self.task: _Task[Item] | None = None
        self._seen, self._since = _NOT_READY, time.monotonic()
        self._before = self._given = 0
        self._send((prepare, given))

    def _send(self, message: object) -> None:
        with suppress(OSError):  # it has just died: the next look tells
            self.pipe.send(message)

    def give(self, task: _Task[Item]) -> None:
        """Hand over a task."""
        self.task = task
        self._before += self._given
        self._given = len(task.items)
        self._since = time.monotonic()
        self._send(task.items)

    @property
    def ready(self) -> bool:
        """Whether it is prepared."""
        return self._place.value != _NOT_READY

    def at(self) -> int:
        """Which item of its task it is at."""
        return max(self._place.value - self._before - 1, 0)

    def name(self) -> str:
        """What it last said it was at."""
        return self._name.value.decode(errors="replace")

    def due(self, seconds: float) -> float:
        """When it will have been at one item for so long, as :func:`time.monotonic` counts."""
        place = self._place.value
        if place != self._seen:
            self._seen, self._since = place, time.monotonic()
        return self._since + (seconds if self.ready else _TO_START)


def _serve(
    pipe: Connection,
    place: _Shared[int],
    name: _Shared[bytes],
    limits: Limits,
    warm: Callable[[], object] | None,
) -> None:
    """What a worker process does: handle items until nobody sends any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which ends its workers
    _die_with_parent()
    if limits.megabytes:
        _limit_memory(limits.megabytes)
    end_later = partial(_end_later, place, limits.seconds, os.open(os.devnull, os.O_WRONLY))
    with suppress(RuntimeError):  # no memory for a thread: then the supervisor alone watches
        Thread(target=_watch_parent, args=(end_later,), daemon=True).start()

    def say(what: str) -> None:
        name.value = what.encode(errors="replace")[: _NAME - 1]

    if warm is not None:
        with suppress(Exception):  # it goes wrong again in what follows, or where the supervisor is
            warm()
    try:
        prepare, given = pipe.recv()
    except EOFError:  # pragma: no cover - only when the supervisor was killed meanwhile
        return
    handle = prepare(given, say)
    # What was prepared stays for good: the collector need not look at it, and garbage is collected after each task.
    gc.collect()
    gc.freeze()
    gc.disable()
    place.value = 0
    end_later()
    while True:
        try:
            items = pipe.recv()
        except EOFError:
            return
        results = []
        for item in items:
            place.value += 1
            say("")
            try:
                results.append(handle(item))
            except MemoryError:
                sys.exit(_NO_MEMORY)
        try:
            pipe.send(results)
        except OSError:  # pragma: no cover - only when the supervisor was killed meanwhile
            return
        gc.collect()
        gc.freeze()  # what is remembered of one task for the next has no cycles: it need not be looked at again


def _die_with_parent() -> None:
    """Have the system kill this process when its supervisor is gone, even if something holds the interpreter.

    The pipe that Python keeps to its parent is closed then, and Linux can be asked to send a signal when that happens;
    elsewhere :func:`_watch_parent` sees to it a little later.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(parent.sentinel, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, fcntl.fcntl(parent.sentinel, fcntl.F_GETFL) | os.O_ASYNC)
    if not parent.is_alive():
        sys.exit()


def _watch_parent(end_later: Callable[[], None]) -> None:
    """End this process within a second of its supervisor, or within two limits where something holds the interpreter.

    A thread that is held cannot look. What the system was asked for is done without it: to end the process, unless it
    is asked anew. It is never due while there is a supervisor, which ends a worker after one limit.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    while parent.is_alive():
        end_later()
        parent.join(_LONGEST_LOOK)
    os._exit(1)


def _end_later(place: _Shared[int], seconds: float, nowhere: int) -> None:
    """Have the system end this process after two limits, unless this is called again; it says so to ``nowhere``."""
    limit = _TO_START if place.value == _NOT_READY else seconds
    with suppress(RuntimeError):  # no memory for another thread: the next second may have it
        faulthandler.dump_traceback_later(min(2 * limit, TIMEOUT_MAX), exit=True, file=nowhere)


def _limit_memory(megabytes: int) -> None:
    """More memory than this is refused; a worker that cannot do without dies."""
    import resource  # not on every system, and only wanted here

    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 2**20,) * 2)


def _end_of(code: int | None) -> str:
    """What an exit code says: ``the process was ended by SIGSEGV``."""
    if code == _NO_MEMORY:
        return "it needs more memory than a worker may have"
    if code is not None and code < 0:
        return f"the process was ended by {signal.Signals(-code).name}"
    return f"the process ended with exit code {code}"

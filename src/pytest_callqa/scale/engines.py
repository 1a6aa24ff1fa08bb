"""Engines judge the shards of a plan that are not judged yet, and leave their results in a store."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice

from pytest_callqa import batch
from pytest_callqa.batch import Job
from pytest_callqa.errors import CallQAError
from pytest_callqa.readers import Document, Unreadable
from pytest_callqa.scale import shards
from pytest_callqa.scale.planning import Plan
from pytest_callqa.scale.shards import Shard
from pytest_callqa.scale.store import Store
from pytest_callqa.supervisor import AHEAD, Limits, Say, Supervisor


def judge_here(
    todo: Iterable[Shard], job: Job, store: Store, *, jobs: int = 0, limits: Limits | None = None
) -> Iterator[Shard]:
    """The engine ``local``: supervised processes of this machine judge shards, which come when they are kept.

    A call that ends its process, or breaks the ``limits``, twice is an error; all others are judged.
    """
    ends: deque[Shard | None] = deque()  # for each portion that is on its way: nothing, or the shard that it ends

    def portions() -> Iterator[list[Document | Unreadable]]:
        for shard in todo:
            portion: list[Document | Unreadable] = []
            for following in batch.chunks(shards.documents(shard, job)):
                if portion:
                    ends.append(None)
                    yield portion
                portion = following
            ends.append(shard)
            yield portion

    def lost(document: Document | Unreadable, call: str, why: str) -> bytes:
        return shards.told(batch.lost(job, document, call, why))

    processes = Supervisor(_telling, job, lost, jobs=jobs or os.cpu_count() or 1, limits=limits or Limits())
    calls: list[bytes] = []
    for portion in processes.map(portions()):
        calls += portion
        shard = ends.popleft()
        if shard is not None:
            store.put(shard.key, shards.sealed(shard.key, b"".join(calls)))
            calls.clear()
            yield shard


def _telling(job: Job, say: Say) -> Callable[[Document | Unreadable], bytes]:
    judge = batch.judging(job, say)
    return lambda document: shards.told(judge(document))


def judge_on_dask(
    todo: Iterable[Shard], plan: Plan, where: str, *, scheduler: str = "", jobs: int = 0, limits: Limits | None = None
) -> Iterator[Shard]:
    """The engine ``dask``: workers of a cluster judge shards into the store at ``where``; those come that are kept.

    ``scheduler`` is the address of a cluster; without one, workers are started on this machine. A shard that costs
    several workers their lives does not come: :func:`judge_here` finds the call that does it.
    Raises :class:`CallQAError` if Dask is not installed, or a shard cannot be judged.
    """
    try:
        import dask
        from distributed import Client, KilledWorker, LocalCluster, as_completed
    except ImportError:
        raise CallQAError("The engine dask needs further packages: pip install 'pytest-callqa[dask]'.") from None

    with ExitStack() as stack:
        if not scheduler:
            stack.enter_context(dask.config.set(_QUIET))
            memory = f"{limits.megabytes}MB" if limits and limits.megabytes else "auto"
            workers = {"n_workers": jobs or os.cpu_count() or 1, "threads_per_worker": 1, "memory_limit": memory}
            here = LocalCluster(host="127.0.0.1", dashboard_address=None, processes=True, **workers)
            scheduler = stack.enter_context(here).scheduler_address
        client = stack.enter_context(Client(scheduler))

        def submit(shard: Shard) -> object:
            encoded = shards.encode(shard)
            return client.submit(shards.carry_out, plan.terms, encoded, where, key=f"callqa-{shard.key}")

        source = iter(todo)
        ahead = AHEAD * max(sum(client.nthreads().values()), 1)
        running = {submit(shard): shard for shard in islice(source, ahead)}
        ended = as_completed(list(running))
        for future in ended:
            shard = running.pop(future)
            if following := next(source, None):
                ended.add(started := submit(following))
                running[started] = following
            if future.status == "error" and isinstance(future.exception(), KilledWorker):
                continue
            future.result()
            yield shard


_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.allowed-failures": 1,
}
"""A local cluster without what costs time, that gives a shard up when it has cost a second worker."""

"""Engines judge the shards of a plan that are not judged yet, and leave their results in a store."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from pytest_callqa import batch
from pytest_callqa.batch import Job
from pytest_callqa.readers import Document, Unreadable
from pytest_callqa.scale import shards
from pytest_callqa.scale.shards import Shard
from pytest_callqa.scale.store import Store
from pytest_callqa.supervisor import Limits, Say, Supervisor


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

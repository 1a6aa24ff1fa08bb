"""What carrying out a plan will take, before it starts: counted, and measured on a sample of its calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice

import msgspec

from pytest_callqa import batch
from pytest_callqa.batch import Job
from pytest_callqa.readers import Document, Unreadable
from pytest_callqa.scale import shards
from pytest_callqa.scale.planning import Plan
from pytest_callqa.supervisor import Limits, Say, Supervisor

SHARDS = 10
"""Shards that the sample is from, spread over the plan."""

CALLS = 40
"""Calls of each."""


class Estimate(msgspec.Struct, frozen=True):
    """What a plan takes: the counts are exact, ``seconds`` of one processor and ``output`` bytes go by the ``sample``.

    ``input`` is in bytes as stored, ``output`` is the ledger; a store holds about as much besides.
    """

    calls: int
    shards: int
    input: int
    sample: int
    seconds: float
    output: int


def estimate(plan: Plan, job: Job, limits: Limits) -> Estimate:
    """Judge a sample of the plan's calls and say what all of them will take."""
    every = max(plan.shards // SHARDS, 1)
    spread = islice(plan, 0, None, every)
    documents = (list(islice(shards.documents(shard, job), CALLS)) for shard in islice(spread, SHARDS))

    def lost(document: Document | Unreadable, call: str, why: str) -> tuple[int, float]:
        return len(shards.told(batch.lost(job, document, call, why))), limits.seconds

    taken = list(_measured(job, limits, lost, documents))
    sample = len(taken)
    each = plan.calls / max(sample, 1)
    size, seconds = sum(size for size, _ in taken), sum(seconds for _, seconds in taken)
    return Estimate(plan.calls, plan.shards, plan.size, sample, seconds * each, round(size * each))


def _measured(
    job: Job,
    limits: Limits,
    lost: Callable[[Document | Unreadable, str, str], tuple[int, float]],
    documents: Iterator[list[Document | Unreadable]],
) -> Iterator[tuple[int, float]]:
    for portion in Supervisor(_timing, job, lost, jobs=1, limits=limits).map(documents):
        yield from portion


def _timing(job: Job, say: Say) -> Callable[[Document | Unreadable], tuple[int, float]]:
    judge = batch.judging(job, say)

    def timed(document: Document | Unreadable) -> tuple[int, float]:
        began = time.process_time()
        size = len(shards.told(judge(document)))
        return size, time.process_time() - began

    return timed


def lines(found: Estimate, jobs: int) -> list[str]:
    """The estimate for people, and a last line for programs."""
    minutes = found.seconds / 60
    each = found.seconds / max(found.calls, 1)
    return [
        f"calls          {found.calls:,} in {_bytes(found.input)}",
        f"shards         {found.shards:,}",
        f"processor      {minutes:,.1f} minutes ({1000 * each:.2f} ms a call, measured on {found.sample:,} of them)",
        f"on {jobs} at once   {minutes / jobs:,.1f} minutes",
        f"ledger         {_bytes(found.output)}, and as much for the results of the shards until it is written",
        "",
        f"callqa-plan calls={found.calls} shards={found.shards} input_bytes={found.input} "
        f"processor_seconds={found.seconds:.1f} output_bytes={found.output} sample={found.sample}",
    ]


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"

"""The reducer: the results of all the shards of a plan as the lines of one ledger, in the order of the plan."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from pytest_callqa.batch import admitted
from pytest_callqa.errors import CallQAError
from pytest_callqa.scale.planning import Plan
from pytest_callqa.scale.shards import unsealed
from pytest_callqa.scale.store import Store


def reduced(plan: Plan, store: Store) -> Iterator[bytes]:
    """The lines that a run in one process writes of the same calls, byte for byte.

    Raises :class:`CallQAError` at once if a shard is missing, and later for a result that is damaged.
    """
    missing = sum(1 for _ in plan.without(store.keys()))
    if missing:
        raise CallQAError(f"{missing} of {plan.shards} shards are not judged yet: judge them first")
    return admitted(chain.from_iterable(unsealed(shard.key, store.get(shard.key) or b"") for shard in plan))

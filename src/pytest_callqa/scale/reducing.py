"""The reducer: the results of all the shards of a plan as the lines of one ledger, in the order of the plan."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pytest_callqa import ledger
from pytest_callqa.batch import admit
from pytest_callqa.errors import CallQAError
from pytest_callqa.readers import Duplicates
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
    return _reduced(plan, store)


def _reduced(plan: Plan, store: Store) -> Iterator[bytes]:
    seen = Duplicates()
    for shard in plan:
        for id, content, document, line in unsealed(shard.key, store.get(shard.key) or b""):
            folder = admit(seen, id, content, document)
            if isinstance(folder, ledger.Unread):
                yield ledger.encode(folder)
            elif folder is not None:
                yield ledger.encode(_renamed(line, folder)) if folder else line


def _renamed(line: bytes, folder: str) -> ledger.LedgerLine:
    entry = ledger.decode(line)
    assert isinstance(entry, ledger.Entry)
    return msgspec.structs.replace(entry, call=folder + entry.call)

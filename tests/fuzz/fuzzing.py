"""Makes damaged calls and says what must hold for them: the part that every way of fuzzing shares.

An input is bytes. It is read as what it is recognised for, and once more as if it were of another format, so that
every reader meets every kind of damage. Reading must end in a call or in a refusal, soon, and what it takes for a call
must be sound.
"""

from __future__ import annotations

import copy
import io
import json
import math
import random
import tarfile
import time
import zipfile
import zlib
from collections import Counter
from functools import cache
from pathlib import Path

from pytest_callqa.call import Call
from pytest_callqa.readers import (
    FORMATS,
    Document,
    ReadOptions,
    Sidecars,
    Unreadable,
    digest,
    read_calls,
    read_document,
    to_native,
)

HERE = Path(__file__).parent
CALLS = HERE.parent / "data" / "calls"
FINDS = HERE / "finds"
SEEDS = HERE / "seeds"
TOO_SLOW = 2.0
"""Seconds that no input of a few kilobytes may take."""

_ROLES = {"0": "agent", "1": "customer", "A": "agent"}
_AUTO = ReadOptions(roles=_ROLES)
_FORCED = [ReadOptions(format=name, roles=_ROLES) for name in FORMATS]
_SIDECARS = Sidecars.load(_AUTO, [])

_NUMBERS = (0, -1, 1, 0.5, 1e-9, 1e22, -1e300, 2**31, 2**63, 2**64, 10**30, 1.8e308)
_TEXTS = (
    *(
        "",
        "0",
        "-1",
        "nan",
        "1e999",
        "PT1S",
        "PT",
        "12.5s",
        "-3s",
        "s",
        "2026-01-05T10:00:00Z",
        "0001-01-01T00:00:00+14:00",
    ),
    *(
        "agent",
        "Agent 1",
        "speaker 0",
        "\u202eagent",
        "\0",
        "\ud7ff",
        "客服：",
        "../../x",
        "a" * 300,
        "WEBVTT",
        "{}",
        "[]",
    ),
    *("none", "json", "base64url", "eyJhIjoxfQ", "true", "line 1", "<v Agent>", "-->", "00:00:01,000 --> 00:00:00,000"),
)
_BYTES = (
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\n\n",
    b"-->",
    b"WEBVTT\n\n",
    b"<v ",
    b"99999:99:99.999",
    b":",
    b"**",
    b"]",
    b'"',
)


def seeds() -> list[bytes]:
    """The real files, one of each format written for this, and earlier finds; cut short, to be changed quickly."""
    files = sorted(path for folder in (CALLS, SEEDS, FINDS) for path in folder.rglob("*") if path.is_file())
    return [small for path in files if path.suffix != ".md" and len(small := _small(path.read_bytes())) < 6000]


def _small(content: bytes) -> bytes:
    try:
        return json.dumps(_cut(json.loads(content)), ensure_ascii=False).encode()
    except ValueError:
        return content[:1500]


def _cut(value: object) -> object:
    """The value with its lists cut to three entries and its texts to 60 characters."""
    if isinstance(value, dict):
        return {key: _cut(inner) for key, inner in list(value.items())[:20]}
    if isinstance(value, list):
        return [_cut(inner) for inner in value[:3]]
    if isinstance(value, str):
        return value if value[:1] in "{[" or value.startswith("eyJ") else value[:60]
    return value


class Mutator:
    """Changes inputs: JSON as a tree, anything else as text. The same seed gives the same inputs."""

    def __init__(self, pool: list[bytes], seed: int) -> None:
        self._rng = random.Random(seed)
        self._pool = pool
        self._trees = [tree for content in pool if (tree := _tree(content)) is not None]

    def fresh(self) -> bytes:
        """A seed, changed."""
        return self.changed(self._rng.choice(self._pool))

    def changed(self, content: bytes) -> bytes:
        """The input with one to four changes."""
        rng = self._rng
        tree = _tree(content) if rng.random() < 0.85 else None
        for _ in range(rng.choice((1, 1, 2, 4))):
            if tree is None:
                content = self._bytes(content)
            else:
                tree = self._change(tree)
        if tree is not None:
            content = json.dumps(tree, ensure_ascii=rng.random() < 0.5).encode(errors="replace")
        return content

    def _bytes(self, content: bytes) -> bytes:
        rng = self._rng
        at = rng.randint(0, len(content))
        to = min(at + rng.choice((0, 1, 3, 20)), len(content))
        new = rng.choice((b"", rng.choice(_BYTES), rng.randbytes(rng.randint(1, 4)), content[at : at + 30]))
        return content[:at] + new + content[to:]

    def _change(self, tree: object) -> object:
        rng = self._rng
        nodes = [tree]
        node = tree
        while isinstance(node, dict | list) and node and rng.random() < 0.9:
            node = rng.choice(list(node.values()) if isinstance(node, dict) else node)
            nodes.append(node)
        spots = [each for each in nodes if isinstance(each, dict | list) and each]
        if not spots:
            return self._value()
        spot = spots[-1] if rng.random() < 0.7 else rng.choice(spots)
        key = rng.choice(list(spot) if isinstance(spot, dict) else range(len(spot)))
        act = rng.random()
        if act < 0.55:
            spot[key] = self._value(spot[key])
        elif act < 0.75:
            del spot[key]
        elif isinstance(spot, list):
            spot.insert(rng.randint(0, len(spot)), spot[key])
        else:
            spot[rng.choice(list(spot))] = spot[key]
        return json.loads(json.dumps(tree)) if len(json.dumps(tree)) < 20_000 else {}  # no part of it twice the same

    def _value(self, old: object = None) -> object:
        rng = self._rng
        kind = rng.random()
        if isinstance(old, int | float) and not isinstance(old, bool) and kind < 0.6:
            return rng.choice((-old, old + 1, old * 1000, str(old), *_NUMBERS[:4]))
        if kind < 0.3:
            return rng.choice(_NUMBERS)
        if kind < 0.6:
            return rng.choice(_TEXTS)
        if kind < 0.75:
            return rng.choice((None, True, False, [], {}, [old], {"text": old}))
        part: object = rng.choice(self._trees)
        for _ in range(rng.randint(1, 5)):
            if not isinstance(part, dict | list) or not part:
                break
            part = rng.choice(list(part.values()) if isinstance(part, dict) else part)
        return copy.deepcopy(part)  # for it is changed in its place


def _tree(content: bytes) -> object:
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict | list) else None


def check(content: bytes, seen: Counter[str] | None = None) -> None:
    """Read an input, and fail unless the outcome is sound; count what became of it in ``seen``."""
    began = time.perf_counter()
    for options in (_AUTO, _FORCED[zlib.crc32(content) % len(_FORCED)]):
        [found] = read_document(Document("calls/x.json", data=content), options, _SIDECARS)
        if isinstance(found, Call):
            _sound(found)
        else:
            assert isinstance(found, Unreadable)
            assert found.problem.endswith((".", "?", ")", "']")), found.problem
            assert len(str(found)) < 2000, "a refusal is a sentence"
            assert "(IndexError)" not in found.problem, "a reader's own mistake"
        if seen is not None:
            seen[found.format if isinstance(found, Call) else "refused"] += 1
    assert time.perf_counter() - began < TOO_SLOW, "too slow"


def containers() -> list[bytes]:
    """Small archives and tables, to be damaged."""
    members = {"a.json": (SEEDS / "native.json").read_bytes(), "b/c.vtt": (SEEDS / "captions.vtt").read_bytes()}
    members |= {"t.csv": TABLE, "l.jsonl": members["a.json"] * 2}
    found = [TABLE]
    for mode in ("w", "w:gz"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]  # one of its modes
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        found.append(packed.getvalue())
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", kind) as zipped:
            for name, content in members.items():
                zipped.writestr(name, content)
        found.append(packed.getvalue())
    return found


TABLE = (
    b"call,speaker,text,start,end\nc1,Agent,Hello.,0.5,2\nc1,Customer,Hi.,0:02,0:03\nc2,1,Yes.,2026-01-05T10:00:00Z,\n"
)


@cache
def parquet() -> list[bytes]:
    """Small Parquet files, of a row a turn: of several types, packings and row groups."""
    import pyarrow
    from pyarrow import parquet as tables

    rows = {
        "call": ["c1", "c1", "c2", "c3"],
        "speaker": ["Agent", "Customer", None, "1"],
        "text": ["Hello.", "Hi.", "Yes.", ""],
        "start": [0.5, 2.0, None, 1.0],
        "end": [2.0, 3.0, None, 1.5],
    }
    found = []
    for packing in ("none", "snappy", "gzip", "zstd"):
        for dictionary in (True, False):
            packed = io.BytesIO()
            table = pyarrow.table(rows)
            how = {"compression": packing, "use_dictionary": dictionary, "row_group_size": 3, "store_schema": False}
            tables.write_table(table, packed, **how)
            found.append(packed.getvalue())
    return found


def damaged_table(number: int) -> bytes:
    """A damaged Parquet file, the same for the same number."""
    rng = random.Random(number)
    content = bytearray(rng.choice(parquet()))
    for _ in range(rng.choice((1, 1, 2, 4))):  # in place: what has moved is refused at once
        content[rng.randrange(4, len(content))] = rng.randrange(256)
    return bytes(content if rng.random() < 0.9 else content[: rng.randrange(4, len(content))])


def check_file(content: bytes, file: Path) -> None:
    """Read an input as a file of any kind: an archive, a table, JSON Lines."""
    file.write_bytes(content)
    for found in read_calls([str(file)], _AUTO):
        if isinstance(found, Call):
            _sound(found)
        else:
            assert len(str(found)) < 2000, "a refusal is a sentence"


def _sound(call: Call) -> None:
    """What every rule takes for granted."""
    assert call.id
    assert call.turns or call.events or call.duration
    times = [time for turn in call.turns for time in (turn.start, turn.end) if time is not None]
    times += [time for turn in call.turns for word in turn.words for time in (word.start, word.end) if time is not None]
    times += [event.time for event in call.events if event.time is not None]
    assert all(math.isfinite(time) and time >= 0 for time in times)
    starts = [turn.start for turn in call.turns]
    if call.timing != "none":
        assert all(start is not None for start in starts)
        assert starts == sorted(starts)  # type: ignore[type-var]  # none is missing
    if call.timing in ("turn", "word"):
        assert all(turn.end is not None for turn in call.turns)
    [again] = read_document(Document("calls/x.json", data=to_native(call)), ReadOptions(format="native"), _SIDECARS)
    assert isinstance(again, Call), again
    assert digest(again)

"""Reading: native JSON Lines into calls against pydantic on the same file, folders of files, Parquet by batches.

Each way of reading runs in a process of its own, in turn, so that its peak of memory is its own. Pydantic gets a model
with the fields of a call, their types and the limits of their times, and none of our other checks (order, sizes,
duplicates, sidecars).
"""

from __future__ import annotations

import json
import tempfile
from functools import reduce
from operator import or_
from pathlib import Path
from types import UnionType
from typing import Literal, get_args, get_origin, get_type_hints

from benchmarks.calls import call, write
from benchmarks.measure import PYTHON, alternate, run, save

CALLS = 20_000
MORE_CALLS = 40_000
MOST_CALLS = 160_000
FILES = 5_000
ROUNDS = 3


def ours(path: str) -> int:
    """Read as the engine does: recognised, decoded, checked, with sidecars and duplicates looked for."""
    from pytest_callqa.call import Call
    from pytest_callqa.readers import ReadOptions, read_calls

    return sum(isinstance(one, Call) for one in read_calls([path], ReadOptions()))


def bare(path: str) -> int:
    """Only msgspec's decoding."""
    import msgspec

    from pytest_callqa.call import Call

    decoder = msgspec.json.Decoder(Call)
    with open(path, "rb") as lines:
        return sum(decoder.decode(line) is not None for line in lines)


TIMES = {"start", "end", "time", "tolerance", "duration", "ring_time"}
"""The fields that are seconds."""


def modelled(kind: object) -> object:
    """A type of ours as one of pydantic: a struct becomes a model of the same fields, types, defaults and limits."""
    import msgspec
    from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

    from pytest_callqa.call import Instant
    from pytest_callqa.readers.finishing import LONGEST

    if kind is Instant:
        return AwareDatetime
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        types = get_type_hints(kind, include_extras=True)
        fields: dict[str, tuple[object, object]] = {}
        for each in msgspec.structs.fields(kind):
            default = ... if each.required else {} if each.name == "labels" else each.default
            limits = {"ge": 0, "le": LONGEST} if each.name in TIMES and types[each.name] is not Instant else {}
            fields[each.name] = (modelled(types[each.name]), Field(default, **limits))
        strict = type("Strict", (BaseModel,), {"model_config": ConfigDict(extra="forbid", frozen=True)})
        return create_model(kind.__name__, __base__=strict, **fields)
    parts = tuple(part if part is ... else modelled(part) for part in get_args(kind))
    if not parts or get_origin(kind) is Literal:
        return kind
    return reduce(or_, parts) if get_origin(kind) is UnionType else get_origin(kind)[parts]


def pydantic(path: str) -> int:
    """A model of pydantic v2 with the same fields and limits of times, line by line."""
    from pydantic import TypeAdapter

    from pytest_callqa.call import Call

    adapter = TypeAdapter(modelled(Call))
    with open(path, "rb") as lines:
        return sum(adapter.validate_json(line) is not None for line in lines)


WAYS = {"ours": ours, "bare": bare, "pydantic": pydantic}


def parquet(count: int, file: Path) -> None:
    """The same calls as a table of turns, written by batches."""
    import pyarrow
    from pyarrow import parquet as tables

    kinds = [("call", "string"), ("role", "string"), ("text", "string"), ("start", "float64"), ("end", "float64")]
    schema = pyarrow.schema([(name, getattr(pyarrow, kind)()) for name, kind in kinds])
    with tables.ParquetWriter(file, schema) as writer:
        for first in range(0, count, 1000):
            rows = [
                {"call": one["id"], **turn}
                for number in range(first, min(first + 1000, count))
                for one in [call(number)]
                for turn in one["turns"]  # type: ignore[attr-defined]  # a list of tables
            ]
            writer.write_batch(pyarrow.RecordBatch.from_pylist(rows, schema))


def prepare(name: str) -> None:
    """Write all that is read."""
    folder = Path(name)
    for count, kind in ((CALLS, "calls"), (MORE_CALLS, "more")):
        write(count, folder / f"{kind}.jsonl")
        parquet(count, folder / f"{kind}.parquet")
    write(MOST_CALLS, folder / "most.jsonl")
    (folder / "files").mkdir()
    for number in range(FILES):
        (folder / "files" / f"{number:06}.json").write_text(json.dumps(call(number)), encoding="utf-8")
    write(1, folder / "nothing.jsonl")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines, more, most = (folder / f"{name}.jsonl" for name in ("calls", "more", "most"))
        table, more_table = folder / "calls.parquet", folder / "more.parquet"
        files, nothing = folder / "files", folder / "nothing.jsonl"
        # In a process of its own: what this one holds would count in the peak of those it starts.
        run([PYTHON, "-c", f"from benchmarks.readers import prepare; prepare({name!r})"])

        def reading(way: str, path: Path) -> list[str]:
            return [PYTHON, "-c", f"from benchmarks.readers import WAYS; WAYS[{way!r}]({str(path)!r})"]

        costs = alternate(
            {
                **{way: reading(way, lines) for way in WAYS},
                **{f"{way} start": reading(way, nothing) for way in WAYS},
                "files": reading("ours", files),
                "parquet": reading("ours", table),
                "ours more": reading("ours", more),
                "ours most": reading("ours", most),
                "parquet more": reading("ours", more_table),
            },
            ROUNDS,
        )

    def seconds(name: str, start: str) -> float:
        """The least processor time over the rounds, without that of starting."""
        return min(cost.cpu for cost in costs[name]) - min(cost.cpu for cost in costs[start])

    def peak(name: str) -> float:
        return max(cost.peak_kb for cost in costs[name]) / 1024

    rates = {way: CALLS / seconds(way, f"{way} start") for way in WAYS}
    rates[f"ours, {MOST_CALLS} calls"] = MOST_CALLS / seconds("ours most", "ours start")
    rates["files"] = FILES / seconds("files", "ours start")
    rates["parquet"] = CALLS / seconds("parquet", "ours start")
    save(
        "readers",
        {
            "calls": CALLS,
            "calls_a_second": {name: round(rate) for name, rate in rates.items()},
            "times_pydantic": rates["ours"] / rates["pydantic"],
            "goal_times_pydantic_at_least": 3,
            "times_pydantic_bare_decoding": rates["bare"] / rates["pydantic"],
            "files_times_slower_than_lines": rates["ours"] / rates["files"],
            "goal_files_times_slower_at_most": 3,
            "peak_mb": {
                f"lines {CALLS}": peak("ours"),
                f"lines {MORE_CALLS}": peak("ours more"),
                f"lines {MOST_CALLS}": peak("ours most"),
                f"parquet {CALLS}": peak("parquet"),
                f"parquet {MORE_CALLS}": peak("parquet more"),
            },
        },
    )

"""Reading: native JSON Lines into calls against pydantic on the same file, folders of files, Parquet by batches.

Each way of reading runs in a process of its own, in turn, so that its peak of memory is its own. Pydantic gets a model
with the fields of a call, their types and the limits of their times, and none of our other checks (order, sizes,
duplicates, sidecars).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

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


def pydantic(path: str) -> int:
    """A model of pydantic v2 with the same fields and limits of times, line by line."""
    from datetime import datetime
    from typing import Literal

    from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

    from pytest_callqa.readers.finishing import LONGEST

    role = Literal["agent", "customer", "system", "unknown"]

    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)

    class Word(Strict):
        text: str
        start: float | None = Field(None, ge=0, le=LONGEST)
        end: float | None = Field(None, ge=0, le=LONGEST)
        confidence: float | None = None

    class Turn(Word):
        role: role = "unknown"
        speaker: str = ""
        words: tuple[Word, ...] = ()
        loudness: float | None = None
        language: str = ""
        doubtful: str = ""

    class Event(Strict):
        kind: str
        time: float | None = Field(None, ge=0, le=LONGEST)
        by: role = "unknown"
        value: str = ""

    class FollowUp(Strict):
        time: datetime
        purpose: str = ""
        outcome: str = ""

    class Case(Strict):
        id: str = ""
        kind: str = ""
        status: str = ""
        opened: datetime | None = None
        closed: datetime | None = None
        content: str = ""
        contact: str = ""
        follow_ups: tuple[FollowUp, ...] = ()

    class Call(Strict):
        id: str
        turns: tuple[Turn, ...] = ()
        events: tuple[Event, ...] = ()
        timing: Literal["none", "start", "turn", "word"] = "none"
        tolerance: float = Field(0.0, ge=0, le=LONGEST)
        roles: Literal["given", "mapped", "unknown"] = "unknown"
        language: str = ""
        started: datetime | None = None
        duration: float | None = Field(None, ge=0, le=LONGEST)
        direction: Literal["", "inbound", "outbound"] = ""
        rings: int | None = None
        agent: str = ""
        case: Case | None = None
        case_known: bool = False

    adapter = TypeAdapter(Call)
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

"""Tables of turns: CSV and Parquet, with and without a column map."""

from __future__ import annotations

import gzip
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from pytest_callqa.call import Call
from pytest_callqa.readers import (
    CallRef,
    ReadOptions,
    Sidecars,
    Unreadable,
    load,
    locate,
    read_calls,
    source,
    turntables,
)

OPTIONS = ReadOptions()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder ``calls``, seen from above."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calls").mkdir()
    return tmp_path


def write(file: str, content: str) -> str:
    Path(file).write_text(content, encoding="utf-8")
    return file


def calls(path: str = "calls", options: ReadOptions = OPTIONS) -> list[Call]:
    found = list(read_calls([path], options))
    assert all(isinstance(one, Call) for one in found), [str(one) for one in found]
    return found  # type: ignore[return-value]


def refusals(path: str = "calls") -> list[str]:
    return [str(one) for one in read_calls([path], OPTIONS) if isinstance(one, Unreadable)]


def said(call: Call) -> list[tuple[object, ...]]:
    return [(turn.role, turn.text, turn.start, turn.end) for turn in call.turns]


PLAIN = """\
call,speaker,text,start,end
c1,Agent,"Hello, Dana speaking.",0.5,2
c1,Customer,My card.,2.5,3
c2,客服,您好。,0:01.5,1:02:03
"""
MAPPED = """\
contact_id;who;said;at;took;region;agent_name
17;1;Hello.;500;1500;north;
17;2;My card.;2500;500;south;Dana
18;1;Hello.;0;900;north;May
"""
MAP = """
[table]
call = "contact_id"
speaker = "who"
text = "said"
start = "at"
length = "took"
unit = "ms"
tolerance = 0.1
labels = ["region"]
[table.roles]
1 = "agent"
2 = "customer"
[table.fields]
agent = "agent_name"
"""


def test_a_table_of_plain_names_needs_no_map() -> None:
    write("calls/turns.csv", PLAIN)
    first, second = calls()
    assert (first.id, first.format, first.timing, first.roles, first.tolerance) == ("c1", "table", "turn", "given", 0.3)
    assert said(first) == [("agent", "Hello, Dana speaking.", 0.5, 2.0), ("customer", "My card.", 2.5, 3.0)]
    assert said(second) == [("agent", "您好。", 1.5, 3723.0)]
    assert (first.source, second.source) == ("calls/turns.csv, line 2", "calls/turns.csv, line 4")


@pytest.mark.parametrize("where", ["calls/callqa.toml", "callqa.toml"])
def test_a_map_beside_the_table_or_in_the_current_folder_names_its_columns(where: str) -> None:
    write(where, MAP)
    write("calls/export.csv", MAPPED)
    first, second = calls()
    assert said(first) == [("agent", "Hello.", 0.5, 2.0), ("customer", "My card.", 2.5, 3.0)]
    assert (first.id, first.agent, first.labels, first.tolerance) == ("17", "Dana", {"region": "north"}, 0.1)
    assert second.agent == "May"


def test_the_nearest_map_that_has_a_section_for_tables_counts() -> None:
    write("callqa.toml", MAP)
    write("calls/callqa.toml", "[other]\n")
    write("calls/export.csv", MAPPED)
    assert len(calls()) == 2


def test_the_users_role_map_wins() -> None:
    write("callqa.toml", MAP)
    write("calls/export.csv", MAPPED)
    [turn, *_] = calls(options=ReadOptions(roles={"1": "customer"}))[0].turns
    assert (turn.role, turn.speaker) == ("customer", "speaker 1")


def test_times_of_day_count_from_the_calls_first() -> None:
    write(
        "t.csv",
        "call,text,start,end\nc,One,2026-01-05T10:00:00+08:00,2026-01-05T10:00:02+08:00\nc,Two,2026-01-05 02:00:05Z,\n",
    )
    [call] = calls("t.csv")
    assert said(call) == [("unknown", "One", 0.0, 2.0), ("unknown", "Two", 5.0, None)]
    assert call.started == datetime(2026, 1, 5, 10, tzinfo=timezone(timedelta(hours=8)))
    write("u.csv", "call,text,start\nc,One,2026-01-05T10:00:00\n")
    assert calls("u.csv")[0].started is None


def test_a_role_column_names_roles() -> None:
    write("t.csv", "call,role,text\nc,Representative,Hello.\nc,caller,Hi.\nc,,Hm.\nc\n")
    assert [turn.role for turn in calls("t.csv")[0].turns] == ["agent", "customer", "unknown"]


def test_other_tables_in_a_folder_are_passed_over() -> None:
    write("calls/a.json", '{"id": "a", "turns": [{"text": "Hi."}]}')
    write("calls/prices.csv", "article,price\n1,2\n")
    write("calls/broken.csv", '"article,price')
    write("calls/cases.csv", "call,id\na,T1\n")
    assert [call.id for call in calls()] == ["a"]


def test_tables_given_as_sidecars_hold_no_calls() -> None:
    write("calls/callqa.toml", MAP)
    write("calls/export.csv", MAPPED)
    write("calls/tickets.csv", "call,id\n17,T1\n")
    first, second = calls(options=ReadOptions(cases=("calls/tickets.csv",)))
    assert (first.case.id if first.case else "", second.case) == ("T1", None)


def test_a_table_without_its_columns_says_what_to_do() -> None:
    write("calls/export.csv", MAPPED)
    assert refusals("calls/export.csv") == [
        "calls/export.csv: The table has no column 'call': name its columns in the section [table] of callqa.toml, "
        "beside the table or in the current folder."
    ]
    write("callqa.toml", '[table]\ncall = "contact_id"\ntext = "sayd"\n')
    assert refusals()[0].endswith("Did you mean 'said'?")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[table", "callqa.toml: This is not TOML ("),
        ("[table]\ncal = 'x'", "callqa.toml, [table]: 'cal' is no entry of a column map. Did you mean 'call'?"),
        ("[table]\nunit = 'h'", "callqa.toml, $.unit: Not one of the values allowed here"),
        ("table = 3", "callqa.toml, $: Expected `object`, got `int`"),
        ("[table.fields]\nagnt = 'x'", "callqa.toml, [table.fields]: 'agnt' is no field that a column can fill. Did"),
        ("[table.fields]\nturns = 'x'", "callqa.toml, [table.fields]: 'turns' is no field"),
    ],
)
def test_a_map_that_cannot_be_used_is_named(content: str, says: str) -> None:
    write("calls/turns.csv", PLAIN)
    write("calls/callqa.toml", content)
    [refusal] = refusals()
    assert says in refusal


def test_rows_of_a_call_that_stand_apart_are_refused_as_a_whole() -> None:
    write("t.csv", "call,text\na,One\nb,Two\na,Three\nc,Four\na,Five\n")
    found = list(read_calls(["t.csv"], OPTIONS))
    assert [one.id for one in found] == ["a", "b", "c", "a"]
    assert str(found[0]) == (
        "t.csv, line 2: The rows of this call stand apart (it comes back at line 4): sort the table by its column "
        "'call', then by time."
    )


def test_a_faulty_row_costs_its_call_only() -> None:
    write(
        "t.csv",
        "call,text,start,end\na,One,x,\na,Two,0,\n,Three,0,\nb,Four,1:x,\nc,Five,2026-01-x,\nd,Six,1,2,3\n"
        "e,Seven,3,1\nf,Eight,1,2\n\ng,Nine,-1,\n",
    )
    assert [call.id for call in read_calls(["t.csv"], OPTIONS) if isinstance(call, Call)] == ["f"]
    heads = [":".join(refusal.split(":")[:2]) for refusal in refusals("t.csv")]
    assert heads == [
        "t.csv, line 2, column start: This is no time",
        "t.csv, line 4: The row names no call",
        "t.csv, line 5, column start: This is no time",
        "t.csv, line 6, column start: This is no time",
        "t.csv, line 7: The row has more fields than the header",
        "t.csv, line 8, $.turns[0]: It ends at 1 s, before it starts at 3 s",
        "t.csv, line 11, $.turns[0]: -1 s is not a time within a call",
    ]


def test_what_is_no_csv_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    write("t.csv", 'call,text\na,"One"x\n')
    assert "t.csv, line 2: This is not CSV (" in refusals("t.csv")[0]
    Path("t.csv").write_bytes(b"call,text\na,caf\xe9\n")
    assert "t.csv, line 2: Byte 0xe9 is not UTF-8" in refusals("t.csv")[0]
    Path("t.csv").write_bytes(b"\xe9\n")
    assert "t.csv, line 1: Byte 0xe9 is not UTF-8" in refusals("t.csv")[0]
    write("t.csv", '"call"x,text\n')
    assert "has no column 'call'" in refusals("t.csv")[0]
    write("t.csv", "call,text\n")
    assert refusals("t.csv") == []
    monkeypatch.setattr(source, "MAX_CALL", 20)
    write("t.csv", "call,text\na," + "x" * 30)
    assert "t.csv, line 2: More than" in refusals("t.csv")[0]


def test_an_endless_call_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turntables.finishing, "MAX_TURNS", 2)
    write("t.csv", "call,text\n" + "a,One\n" * 9 + "b,Two\n")
    assert "t.csv, line 4: The call is too long to be one" in refusals("t.csv")[0]


def test_a_field_that_does_not_fit_is_named() -> None:
    write("callqa.toml", '[table.fields]\nrings = "rings"\nduration = "length"\n')
    write("t.csv", "call,text,rings,length\na,One,two,\nb,Two,3,4\n")
    [refusal] = refusals("t.csv")
    assert refusal.startswith("t.csv, line 2, $.rings: ")
    [call] = [one for one in read_calls(["t.csv"], OPTIONS) if isinstance(one, Call)]
    assert (call.rings, call.duration) == (3, 4.0)


@pytest.mark.parametrize("name", ["t.csv.gz", "t"])
def test_a_table_is_told_by_its_header_and_may_be_compressed(name: str) -> None:
    Path(name).write_bytes(gzip.compress(PLAIN.encode("utf-8-sig")) if name.endswith("gz") else PLAIN.encode())
    assert [call.id for call in calls(name)] == ["c1", "c2"]


def test_a_long_turn_is_a_turn_like_any_other() -> None:
    write("t.csv", f"call,text\na,{'x' * 10_000_000}\n")
    assert len(calls("t.csv")[0].turns[0].text) == 10_000_000


# --- Parquet ------------------------------------------------------------------------------


def table(file: str = "calls/t.parquet", **columns: list[object]) -> str:
    parquet.write_table(pyarrow.table(columns), file)
    return file


def test_parquet_is_read_like_csv() -> None:
    table(
        call=[1, 1, 2, 3],
        speaker=["Agent", "Customer", None, "Agent"],
        text=["Hello.", "Hi.", "Hm.", "Yes."],
        start=[0.5, 2.0, None, 1.0],
        end=[1.0, 3.0, None, 2.0],
        more=[{"a": 1}, None, None, None],
    )
    first, second, third = calls()
    assert said(first) == [("agent", "Hello.", 0.5, 1.0), ("customer", "Hi.", 2.0, 3.0)]
    assert (first.id, second.id, second.timing, third.id) == ("1", "2", "none", "3")
    assert third.source == "calls/t.parquet, row 4"


def test_parquet_has_times_of_its_own() -> None:
    began = datetime(2026, 1, 5, 10, tzinfo=UTC)
    table(
        call=[1.0, 1.0],
        text=["One", "Two"],
        start=[began, began + timedelta(seconds=3)],
        length=[timedelta(seconds=1), timedelta(seconds=2)],
    )
    [call] = calls()
    assert (call.id, said(call), call.started) == (
        "1",
        [("unknown", "One", 0.0, 1.0), ("unknown", "Two", 3.0, 5.0)],
        began,
    )


def test_parquet_is_read_by_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turntables, "BATCH", 2)
    table(call=["a", "a", "a", "b", "c"], text=list("12345"))
    assert [len(call.turns) for call in calls()] == [3, 1, 1]


def test_damaged_parquet_is_refused() -> None:
    Path("t.parquet").write_bytes(b"PAR1" + b"x" * 50)
    assert "t.parquet: The Parquet file is damaged (" in refusals("t.parquet")[0]


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    file = table(call=["a"], text=["1"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert refusals(file)[0].endswith("needs the pyarrow package: pip install 'pytest-callqa[parquet]'.")


# --- later --------------------------------------------------------------------------------


def test_calls_of_a_table_are_located_once_and_loaded_later() -> None:
    write("calls/turns.csv", PLAIN)
    table(call=["p", "q"], text=["1", "2"])
    refs = [one for one in locate(["calls"], OPTIONS) if isinstance(one, CallRef)]
    assert [ref.id for ref in refs] == ["p", "q", "c1", "c2"]
    sidecars = Sidecars.load(OPTIONS, ["calls"])
    for ref in (*refs, refs[0], refs[3], refs[2]):
        assert load(ref, OPTIONS, sidecars).id == ref.id
    write("calls/turns.csv", PLAIN.replace("c2", "c3"))
    with pytest.raises(turntables.BadInput, match="The file has changed"):
        load(refs[3], OPTIONS, sidecars)
    write("calls/turns.csv", PLAIN.partition("c2")[0])
    with pytest.raises(turntables.BadInput, match="The file has changed"):
        load(refs[3], OPTIONS, sidecars)
    Path("calls/turns.csv").unlink()
    with pytest.raises(turntables.BadInput, match="The file cannot be read"):
        load(refs[3], OPTIONS, sidecars)

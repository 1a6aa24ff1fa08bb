"""Many calls in shards: the same ledger as one process writes, however often and wherever a shard is judged."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import GOOD, RUDE, RULES, SILENT, Project, callqa
from pytest_callqa import cli
from pytest_callqa.errors import BadInput, CallQAError
from pytest_callqa.readers import Document, Unreadable, finding, source, turntables
from pytest_callqa.rules import book_version
from pytest_callqa.scale import carry_out, engines, estimate, planning, shards
from pytest_callqa.scale.planning import Plan, make_plan
from pytest_callqa.scale.reducing import reduced
from pytest_callqa.scale.store import Folder
from pytest_callqa.supervisor import Limits
from scale_kit import DEADLY, check, check_apart, day, nodes, plan_of, table

HANGS = """

@rule("2.2", "Hangs")
def test_hangs(call):
    while call.record.id == "call 2":
        pass
"""


def results(plan: Plan, store: Folder) -> dict[str, bytes | None]:
    return {shard.key: store.get(shard.key) for shard in plan}


# -- the command line


def test_an_engine_writes_the_ledger_of_a_run_in_one_stream(desk: Project) -> None:
    desk.calls(*day(70)).calls(dict(GOOD, id="call 3"), dict(GOOD, id="call 0"), name="calls/more.jsonl")
    desk.file("calls/torn.json", '{"id": ').file("calls/a/one.json", json.dumps({**RUDE, "id": ""}))
    desk.file("calls/b/one.json", json.dumps({**GOOD, "id": ""})).file("cases.csv", "call,id\nno call,K1\n")
    in_one = check("--cases", "cases.csv")
    assert check("--cases", "cases.csv", "--engine", "local", "--jobs", "2") == in_one
    assert sorted(os.listdir(".callqa")) == [".gitignore", "ledger.jsonl"]


def test_a_store_is_kept_and_spares_judging_again(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.calls(*day(5))
    first = check("--engine", "local", "--store", "kept")
    assert oct(os.stat("kept").st_mode & 0o777) == "0o700"
    monkeypatch.setattr(engines, "Supervisor", None)
    with pytest.raises(TypeError):
        check("--engine", "local")
    monkeypatch.setattr(engines, "judge_here", lambda todo, *_, **__: iter(list(todo)[:0]))
    assert check("--engine", "local", "--store", "kept") == first


def test_a_stopped_engine_goes_on_where_it_was(
    desk: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.calls(*day(30))
    in_one = check()
    monkeypatch.setattr(planning, "SHARD_BYTES", 2000)
    monkeypatch.setattr(make_plan, "__kwdefaults__", {"size": 2000})
    judge_here = engines.judge_here
    judged = []

    def stopped(*given: object, **how: object) -> object:
        for shard in judge_here(*given, **how):  # type: ignore[arg-type]  # passed on as given
            judged.append(shard)
            yield shard
            if len(judged) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(engines, "judge_here", stopped)
    assert callqa("check", "--book", "rules", "calls", "--engine", "local") == cli.USAGE
    assert "stopped; the shards judged are kept in .callqa/shards: the same command goes on" in capsys.readouterr().err
    assert check("--engine", "local") == in_one
    assert len({shard.key for shard in judged}) == len(judged) > 3


def test_plan_says_what_a_run_takes(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk.calls(*day(12))
    assert callqa("plan", "--book", "rules", "calls", "--jobs", "4", "--output", "plan.jsonl") == cli.CLEAN
    said = capsys.readouterr().out
    size = os.stat("calls/day.jsonl").st_size
    assert f"callqa-plan calls=12 shards=1 input_bytes={size} processor_seconds=" in said
    assert "sample=12" in said
    assert "on 4 at once" in said
    assert Plan(Path("plan.jsonl")).calls == 12


def test_sizes_are_told_in_words() -> None:
    assert [estimate._bytes(size) for size in (999, 1500, 2e12)] == ["999 bytes", "1.5 kB", "2.0 TB"]


def test_an_estimate_counts_a_call_that_never_ends_at_its_limit(desk: Project) -> None:
    desk.book(RULES + HANGS).calls(*day(4))
    plan, job = plan_of(desk)
    found = estimate.estimate(plan, job, Limits(seconds=1))
    assert found.calls == found.sample == 4
    assert found.seconds >= 1


# -- plans


def test_every_kind_of_file_is_cut_between_calls(desk: Project) -> None:
    desk.calls(*day(40)).calls(*day(3), name="calls/no-end.jsonl")
    desk.file("calls/no-end.jsonl", Path("calls/no-end.jsonl").read_bytes().rstrip() + b"\n\n \n" + b"{}")
    table(Path("calls/turns.parquet"), [(f"P{n // 3}", "agent", f"Hello {n}") for n in range(30)])
    desk.file("calls/one.json", json.dumps(GOOD)).file("calls/t.csv", "call,text\nC1,Hello\nC1,Yes\nC2,Hello\n")
    plan, job = plan_of(desk, size=600)
    whole = [document for file in finding.find_files(["calls"]) for document in finding.documents(file)]
    cut = [document for shard in plan for document in shards.documents(shard, job)]
    assert [(d.file, d.place) for d in cut] == [(d.file, d.place) for d in whole]
    assert [d.data for d in cut] == [d.data for d in whole]  # type: ignore[union-attr]  # all can be read
    assert plan.calls == len(whole)
    assert plan.shards > 10
    assert {file.file for file in plan.files()} == set(finding.find_files(["calls"]))


def test_calls_whose_rows_stand_apart_are_told_as_in_one_stream(desk: Project) -> None:
    calls = ["A", "A", "B", "B", "A", "C", "C", "A", "B", "D", "D", "D"]
    table(Path("calls/turns.parquet"), [(call, "agent", f"Hello {n}") for n, call in enumerate(calls)])
    plan, job = plan_of(desk, size=100)
    assert list(finding.documents("calls/turns.parquet")) == [d for s in plan for d in shards.documents(s, job)]
    assert plan.shards > 2
    assert plan.calls == len(list(finding.documents("calls/turns.parquet")))


def test_a_table_without_rows_has_no_calls(desk: Project) -> None:
    table(Path("calls/turns.parquet"), [])
    plan, job = plan_of(desk)
    assert plan.calls == 0
    assert [d for s in plan for d in shards.documents(s, job)] == []


def test_a_broken_table_is_told_by_who_reads_it(desk: Project) -> None:
    rows = [(f"A{n // 2}", "agent", f"{n} hello {'x' * 300}") for n in range(400)]
    table(Path("calls/turns.parquet"), rows, rows_a_group=400)
    data = bytearray(Path("calls/turns.parquet").read_bytes())
    place = data.rindex(b"hello") - 2000
    data[place : place + 1500] = b"\xff" * 1500
    desk.file("calls/turns.parquet", bytes(data)).file("calls/other.parquet", b"PAR1 and nothing more")
    assert check("--engine", "local") == check()


def test_lines_that_are_too_long_are_refused_as_in_one_stream(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_CALL", 2000)
    desk.calls(GOOD, dict(RUDE, agent="x" * 9000), SILENT)
    plan, job = plan_of(desk, size=300)
    assert list(finding.documents("calls/day.jsonl")) == [d for s in plan for d in shards.documents(s, job)]


def test_a_name_that_is_no_text_is_refused(desk: Project) -> None:
    os.makedirs(b"calls")
    Path(os.fsdecode(b"calls/\xff.json")).write_text(json.dumps(GOOD))
    with pytest.raises(BadInput, match="is no name that all systems read alike: rename the file"):
        plan_of(desk)


def test_what_cannot_be_read_is_part_of_the_plan(desk: Project) -> None:
    desk.calls(GOOD)
    os.symlink("nowhere", "calls/lost.json")
    os.mkfifo("calls/pipe.json")
    assert check("--engine", "local") == check()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "plan.jsonl: does not begin with the terms of a plan: make one with callqa plan"),
        ("nonsense\n", "plan.jsonl, line 1: is no line of a plan: plan again"),
    ],
)
def test_what_is_no_plan_is_refused(desk: Project, text: str, told: str) -> None:
    desk.file("plan.jsonl", text)
    with pytest.raises(BadInput) as refused:
        Plan(Path("plan.jsonl"))
    assert str(refused.value) == told


@pytest.mark.parametrize(
    "change",
    ["calls/day.jsonl", "calls/day.meta.yaml", "calls/cases.csv", "rules/code.toml"],
)
def test_a_key_changes_with_all_that_bears_on_verdicts(desk: Project, change: str) -> None:
    desk.calls(*day(3)).file("calls/day.meta.yaml", "team: A\n").file("calls/cases.csv", "call,id\ncall 1,K1\n")
    before, _ = plan_of(desk)
    same, _ = plan_of(desk)
    assert [s.key for s in same] == [s.key for s in before]
    earlier = [s.key for s in before]
    text = Path(change).read_text()
    desk.file(
        change,
        text.replace("A", "B").replace("K1", "K2").replace("call 2", "call 9").replace("silence = 5", "silence = 6"),
    )
    book_version.cache_clear()
    after, _ = plan_of(desk)
    assert [s.key for s in after] != earlier


def test_a_recording_beside_a_call_bears_on_it(desk: Project) -> None:
    desk.calls(GOOD, name="calls/one.json").file("calls/one.wav", b"RIFF")
    one, _ = plan_of(desk, recordings=True)
    first = [s.key for s in one]
    desk.file("calls/one.wav", b"RIFFRAFF")
    other, _ = plan_of(desk, recordings=True)
    assert [s.key for s in other] != first


# -- a shard by itself


def lines_of_plan(plan: Plan) -> list[bytes]:
    return [shards.encode(shard) for shard in plan]


def test_a_shard_is_the_same_bytes_wherever_and_however_often_it_is_judged(desk: Project) -> None:
    desk.calls(*day(30))
    plan, job = plan_of(desk, size=2000)
    here, apart = Folder("here"), Folder("apart")
    assert [shard.key for shard in engines.judge_here(plan, job, here, jobs=2)] == [shard.key for shard in plan]
    for shard in reversed(lines_of_plan(plan)):
        carry_out(plan.terms, shard, "apart")
        carry_out(plan.terms, shard, "apart")
    assert results(plan, here) == results(plan, apart)
    for key, result in results(plan, here).items():
        assert result is not None
        here.put(key, result)  # again, to no harm


def test_two_results_of_one_shard_must_not_differ(desk: Project) -> None:
    store = Folder("store")
    store.put("ab12", b"one")
    with pytest.raises(CallQAError, match="shard ab12 was judged twice, with different results"):
        store.put("ab12", b"another")
    assert store.get("ab12") == b"one"
    assert [path.name for path in Path("store/ab").iterdir()] == ["ab12.jsonl"]


def test_a_store_that_cannot_be_written_is_told(desk: Project) -> None:
    desk.file("file", "")
    with pytest.raises(BadInput, match="file: cannot be written: "):
        Folder("file")
    store = Folder("store")
    desk.file("store/ab", "")
    with pytest.raises(BadInput, match="cannot be written: "):
        store.put("ab12", b"one")


def test_the_reducer_wants_every_shard_whole(desk: Project) -> None:
    desk.calls(*day(30))
    plan, job = plan_of(desk, size=2000)
    store = Folder("store")
    judged = engines.judge_here(plan, job, store, jobs=1)
    first = next(iter(judged))
    with pytest.raises(CallQAError, match=f"{plan.shards - 1} of {plan.shards} shards are not judged yet"):
        reduced(plan, store)
    list(judged)
    path = next(Path("store").glob(f"*/{first.key}.jsonl"))
    for damaged in (path.read_bytes().replace(b"hello", b"hullo", 1)[:-1] + b"\n", path.read_bytes()[:-5], b""):
        path.write_bytes(damaged.replace(b'"verdicts":"p', b'"verdicts":"f', 1))
        with pytest.raises(CallQAError, match=f"the result of shard {first.key} is damaged: delete it"):
            list(reduced(plan, store))


def test_a_change_after_the_plan_is_noticed(desk: Project) -> None:
    desk.calls(*day(3)).file("calls/one.json", json.dumps(GOOD))
    plan, _ = plan_of(desk, size=os.stat("calls/day.jsonl").st_size)
    lines, one = lines_of_plan(plan)
    desk.calls(RUDE).file("calls/one.json", json.dumps(RUDE))
    for shard, file in ((lines, "calls/day.jsonl"), (one, "calls/one.json")):
        with pytest.raises(BadInput, match=f"{file}: the file has changed since the calls were planned: start again"):
            carry_out(plan.terms, shard, "store")


def test_a_change_beside_the_calls_after_the_plan_is_noticed(desk: Project) -> None:
    desk.calls(*day(3))
    plan, _ = plan_of(desk)
    desk.file("calls/day.meta.yaml", "team: A\n")
    with pytest.raises(BadInput, match="what lies beside it has changed since the calls were planned"):
        carry_out(plan.terms, lines_of_plan(plan)[0], "store")


def test_a_call_that_never_ends_is_an_error_with_its_name(desk: Project) -> None:
    desk.book(RULES + HANGS).calls(*day(4))
    assert check("--timeout", "1", "--engine", "local") == check("--timeout", "1")
    assert desk.verdicts()["call 2"] == "eeeee"


def terms(plan: Plan, **other: str) -> bytes:
    return json.dumps(json.loads(plan.terms) | other).encode()


def test_another_tool_or_book_is_refused(desk: Project) -> None:
    desk.calls(GOOD)
    plan, _ = plan_of(desk)
    [shard] = lines_of_plan(plan)
    with pytest.raises(CallQAError, match=r"the plan was made by pytest-callqa 0\.0, and here is .*: install the same"):
        carry_out(terms(plan, tool="0.0"), shard, "store")
    with pytest.raises(CallQAError, match="the plan is by version 123 of this rule book, and here is version "):
        carry_out(terms(plan, version="123"), shard, "store")
    with pytest.raises(CallQAError, match=r"nowhere: the plan is by .* and here is nothing"):
        carry_out(terms(plan, book="nowhere"), shard, "store")


def test_a_call_that_takes_too_long_ends_the_process_that_judges_its_shard(desk: Project) -> None:
    desk.book(RULES + HANGS).calls(dict(GOOD, id="call 2"))
    plan, _ = plan_of(desk)
    [shard] = lines_of_plan(plan)
    soon = json.dumps(json.loads(plan.terms) | {"limits": {"seconds": 0.5}})
    judge = f"from pytest_callqa.scale import carry_out; carry_out({soon!r}.encode(), {shard!r}, 'store')"
    ended = subprocess.run([sys.executable, "-c", judge], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "Timeout (0:00:00.500000)!" in ended.stderr
    assert Folder("store").keys() == set()


def test_a_compressed_file_is_not_cut(desk: Project) -> None:
    with gzip.open("day.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(call) + "\n" for call in day(3))
    assert finding.divisible("day.jsonl.gz") == ""


def test_rows_that_cannot_be_read_any_more_are_told(desk: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    table(Path("calls/turns.parquet"), [(f"P{n // 3}", "agent", f"Hello {n}") for n in range(30)])
    plan, job = plan_of(desk)

    def torn(*_: object) -> Iterator[Document]:
        raise BadInput("The table is damaged.")

    monkeypatch.setattr(turntables, "parquet_calls", torn)
    told = [document for shard in plan for document in shards.documents(shard, job)]
    assert told
    assert all(isinstance(one, Unreadable) and one.problem == "The table is damaged." for one in told)


# -- a cluster


def test_dask_with_a_killed_worker_gives_the_ledger_of_one_process(desk: Project) -> None:
    desk.book(RULES + DEADLY).calls(*day(40)).file("killed", "")
    in_one = check()
    os.unlink("killed")
    assert check_apart("--engine", "dask", "--jobs", "2") == in_one
    assert os.path.exists("killed")


def test_a_call_that_no_worker_of_dask_survives_is_an_error_with_its_name(desk: Project) -> None:
    desk.book(RULES + DEADLY).calls(*day(40)).file("killed", "").file("poison", "")
    assert check_apart("--engine", "dask", "--jobs", "2") == check()
    assert desk.verdicts()["call 25"] == "eeeee"


def test_dask_with_a_lost_node_gives_the_ledger_of_one_process(desk: Project) -> None:
    desk.book(RULES + DEADLY).calls(*day(40)).file("killed", "")
    in_one = check()
    os.unlink("killed")
    desk.file("nodes", "")
    with nodes() as scheduler:
        assert check_apart("--engine", "dask", "--scheduler", scheduler) == in_one
    assert os.path.exists("killed")
    assert os.path.exists("lost")


def test_dask_is_asked_for_when_it_is_not_there(
    desk: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.calls(GOOD)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert callqa("check", "--book", "rules", "calls", "--engine", "dask") == cli.USAGE
    assert "The engine dask needs further packages: pip install 'pytest-callqa[dask]'." in capsys.readouterr().err

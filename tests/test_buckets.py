"""Calls in S3, and results of shards in S3: the ledger of a run over files of this machine."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest

import bucket_kit
from bucket_kit import Bucket
from harness import GOOD, RUDE, RULES, Project, callqa
from pytest_callqa import buckets, cli, provenance
from pytest_callqa.errors import BadInput, CallQAError
from pytest_callqa.readers import Document, finding, source
from pytest_callqa.scale import Plan, carry_out, engines, open_store, shards
from pytest_callqa.scale.planning import make_plan
from pytest_callqa.scale.reducing import reduced
from scale_kit import DEADLY, check, check_apart, day, lines_of, nodes, plan_of, table
from servers import answering, sends

SCALE = Path(__file__).parents[1] / "docs/scale.md"


@pytest.fixture(scope="session")
def service() -> Iterator[str]:
    with bucket_kit.service() as address:
        yield address


_numbers = itertools.count()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment with credentials and nothing else, in which no bucket is known yet."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in bucket_kit.SETTINGS.items():
        monkeypatch.setenv(name, value)
    buckets._bucket.cache_clear()
    yield monkeypatch
    buckets._bucket.cache_clear()


@pytest.fixture
def bucket(service: str, settings: pytest.MonkeyPatch) -> Bucket:
    """A new bucket, and an environment that names its service."""
    settings.setenv("AWS_ENDPOINT_URL", service)
    return Bucket(service, f"bucket-{next(_numbers)}")


def as_here(lines: list[bytes], bucket: Bucket) -> list[bytes]:
    """A ledger's lines as if the files of the bucket were in this folder, without the check sums."""
    return [line.rpartition(b',"check":')[0].replace(f"{bucket.address}/".encode(), b"") for line in lines]


def lines(count: int) -> bytes:
    """That many calls, one a line."""
    return b"".join(json.dumps(call).encode() + b"\n" for call in day(count))


def every_kind(desk: Project) -> None:
    """Calls in files of every kind, with what may lie beside them."""
    desk.calls(*day(20)).file("calls/day.meta.yaml", "team: A\n").file("calls/cases.csv", "call,id\ncall 1,K1\n")
    for folder, call in (("a", RUDE), ("b", GOOD)):
        desk.file(f"calls/{folder}/one.json", json.dumps({**call, "id": ""}))
    desk.file("calls/packed.jsonl.gz", gzip.compress(lines(3))).file("calls/notes.md", "# Notes\n")
    desk.file("calls/t/turns.csv", "who,text\nC1,Hello\nC1,Yes\nC2,Hello\n").file("calls/torn.json", '{"id": ')
    desk.file("calls/t/callqa.toml", '[table]\ncall = "who"\n').file("calls/odd & größer #1?.json", json.dumps(GOOD))
    table(Path("calls/turns.parquet"), [(f"P{n // 3}", "agent", f"Hello {n}") for n in range(30)])
    with tarfile.open("calls/week.tar", "w") as archive:
        archive.add("calls/a/one.json", "monday.json")


# -- calls


@pytest.mark.parametrize("engine", [(), ("--engine", "local", "--jobs", "1")])
def test_calls_in_a_bucket_give_the_ledger_of_this_machine(
    desk: Project, bucket: Bucket, engine: tuple[str, ...]
) -> None:
    every_kind(desk)
    there = check(*engine, calls=bucket.upload("calls"))
    assert as_here(there, bucket) == as_here(check(), bucket)


def test_pytest_takes_calls_from_a_bucket(desk: Project, bucket: Bucket) -> None:
    desk.calls(*day(3))
    address = bucket.upload("calls")
    desk.run(calls=address)
    found = desk.verdicts()
    assert set(found) == {"call 0", "call 1", "call 2"}
    desk.file("pytest.ini", f"[pytest]\ncallqa_calls = {address}/day.jsonl\n").run(calls=None)
    assert desk.verdicts() == found


def test_a_bucket_as_a_whole_is_a_folder(desk: Project, bucket: Bucket) -> None:
    bucket.put("one.json", json.dumps(GOOD).encode())
    assert list(finding.find_files([bucket.address])) == [f"{bucket.address}/one.json"]
    assert list(finding.find_files([f"{bucket.address}/"])) == [f"{bucket.address}/one.json"]
    assert list(finding.find_files([f"{bucket.address}/one.json"])) == [f"{bucket.address}/one.json"]


def test_the_object_that_a_console_makes_for_a_folder_is_no_file(desk: Project, bucket: Bucket) -> None:
    for key in ("calls/", "calls/monday/", "calls/monday/one.json"):
        bucket.put(key, b"")
    assert list(finding.find_files([f"{bucket.address}/calls"])) == [f"{bucket.address}/calls/monday/one.json"]


@pytest.mark.parametrize("key", ["calls//one.json", "calls/../one.json"])
def test_a_key_that_no_file_can_have_is_told(
    desk: Project, bucket: Bucket, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    bucket.put(key, b"{}")
    told = "a key in it has an empty part or one of dots (//, /./, /../), which no file has: rename it"
    assert refused(capsys, f"{bucket.address}/calls") == f"{bucket.address}/calls: {told}"


def test_any_part_of_an_object_is_read(desk: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)
    data = chance.randbytes(5000)
    bucket.put("object", data)
    monkeypatch.setattr(buckets, "BLOCK", 700)
    here = io.BytesIO(data)
    with source.stored(f"{bucket.address}/object") as there:
        for _ in range(100):
            size, to = chance.randrange(2000), chance.randrange(6000)
            assert there.seek(to) == here.seek(to)
            assert there.read(size) == here.read(size)
            assert there.tell() == here.tell()
            assert there.readline(size) == here.readline(size)
        assert there.seek(-10, os.SEEK_END) == here.seek(-10, os.SEEK_END)
        assert there.seek(-10, os.SEEK_CUR) == here.seek(-10, os.SEEK_CUR)
        assert there.read() == here.read()
        assert there.read() == b""


def test_an_object_is_asked_for_piece_by_piece(desk: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put("calls.jsonl", lines(60))
    monkeypatch.setattr(buckets, "BLOCK", 1000)
    asked: list[int] = []
    readinto = buckets._Object.readinto

    def counted(object: buckets._Object, buffer: memoryview) -> int:
        asked.append(len(buffer))
        return readinto(object, buffer)

    monkeypatch.setattr(buckets._Object, "readinto", counted)
    assert len(list(finding.documents(f"{bucket.address}/calls.jsonl"))) == 60
    assert max(asked) <= 1000 < sum(asked)


def test_an_object_that_is_replaced_while_it_is_read_is_noticed(desk: Project, bucket: Bucket) -> None:
    name = f"{bucket.address}/calls.jsonl"
    bucket.put("calls.jsonl", lines(3))
    with source.stored(name) as stream:
        bucket.put("calls.jsonl", b"other")
        with pytest.raises(BadInput) as noticed:
            stream.read()
    assert str(noticed.value) == f"{name}: it was replaced while it was read: start again"


def test_a_change_of_an_object_after_the_plan_is_noticed(desk: Project, bucket: Bucket) -> None:
    desk.calls(*day(3))
    plan, _ = plan_of(desk, bucket.upload("calls"))
    [shard] = [shards.encode(shard) for shard in plan]
    bucket.put("calls/day.meta.yaml", b"team: A\n")
    with pytest.raises(BadInput, match="what lies beside it has changed since the calls were planned: start again"):
        carry_out(plan.terms, shard, "store")


def test_what_was_read_is_listed_with_digests(desk: Project, bucket: Bucket) -> None:
    desk.calls(*day(3))
    address = bucket.upload("calls")
    check(calls=address)
    [there] = provenance.files_read(Path(".callqa/ledger.jsonl"))
    check()
    [here] = provenance.files_read(Path(".callqa/ledger.jsonl"))
    assert (there.file, there.sha256, there.size) == (f"{address}/day.jsonl", here.sha256, here.size)


def test_what_cannot_be_read_again_is_not_listed(desk: Project, bucket: Bucket, settings: pytest.MonkeyPatch) -> None:
    desk.calls(*day(3))
    check(calls=bucket.upload("calls"))
    buckets._bucket.cache_clear()
    settings.setattr(buckets, "RETRIES", 0)
    settings.setenv("AWS_ENDPOINT_URL", closed())
    assert list(provenance.files_read(Path(".callqa/ledger.jsonl"))) == []


def test_a_recording_in_a_bucket_is_not_heard(desk: Project, bucket: Bucket) -> None:
    bucket.put("calls/one.wav", b"RIFF\0\0\0\0WAVE")
    assert callqa("check", "--book", "rules", "--recordings", f"{bucket.address}/calls") == cli.NOT_JUDGED
    [told] = desk.calls_told()
    assert told.problem == "A recording in a bucket is not heard: copy it into a folder."  # type: ignore[union-attr]


# -- what goes wrong


def refused(capsys: pytest.CaptureFixture[str], calls: str, *arguments: str) -> str:
    """What is said when these calls are refused."""
    assert callqa("check", "--book", "rules", calls, *arguments) == cli.USAGE
    return capsys.readouterr().err.removeprefix("callqa: ").strip()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dey.jsonl", "There is no such file or folder. Did you mean 'day.jsonl'?"),
        ("*.jsonl", "There is no such file or folder."),
        ("papers", "This folder holds no file that could be a call."),
    ],
)
def test_what_is_not_there_is_told(
    desk: Project, bucket: Bucket, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    bucket.put("calls/day.jsonl", b"{}")
    bucket.put("calls/papers/read.md", b"# Read me")
    assert refused(capsys, f"{bucket.address}/calls/{name}").startswith(f"{bucket.address}/calls/{name}: {told}")


@pytest.mark.parametrize("name", ["s3://", "s3://Bad_Name/x", "s3://x"])
def test_what_is_no_address_is_told(
    desk: Project, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert refused(capsys, name) == f"{name}: this is no address in S3: write s3://bucket/folder"


def test_an_empty_bucket_is_a_folder_without_calls(
    desk: Project, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, bucket.address) == f"{bucket.address}: This folder holds no file that could be a call."


def test_an_object_that_is_gone_is_unreadable(desk: Project, bucket: Bucket) -> None:
    [told] = finding.documents(f"{bucket.address}/gone.json")
    assert "The file cannot be read (No such file or directory)" in str(told)
    with pytest.raises(BadInput, match="cannot be read"):
        finding.read_bytes(Document(f"{bucket.address}/gone.zip", "member one.json"))
    assert source.size_of(bucket.address) == 0


NO_BUCKET = "there is no such bucket: check its name, and the service in AWS_ENDPOINT_URL if you set one"


def test_a_bucket_that_is_not_there_is_told(desk: Project, bucket: Bucket, capsys: pytest.CaptureFixture[str]) -> None:
    desk.calls(GOOD)
    assert refused(capsys, "s3://no-such-bucket/calls") == f"s3://no-such-bucket/calls: {NO_BUCKET}"
    store = ("--engine", "local", "--store", "s3://no-such-bucket/store")
    assert refused(capsys, "calls", *store) == f"s3://no-such-bucket/store: {NO_BUCKET}"
    with pytest.raises(CallQAError, match=NO_BUCKET):
        open_store("s3://no-such-bucket/store").put("ab12", b"one")


def answer(status: str, body: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


DENIED = "the service refuses it to these credentials: check AWS_ACCESS_KEY_ID and its rights to the bucket"
LATE = "the service did not answer in time: try again, or check the network and AWS_ENDPOINT_URL"


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        (sends(answer("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>")), DENIED),
        (sends(answer("401 Unauthorized")), DENIED),
        (sends(answer("301 Moved Permanently")), "the bucket is in another region: name it in AWS_REGION"),
        (sends(answer("200 OK")[:20], pause=0.5), LATE),
        (
            sends(answer("400 Bad Request", "<Error/>")),
            "the service failed (Server returned non-2xx status code: 400 Bad",
        ),
    ],
    ids=["denied", "unknown", "region", "late", "other"],
)
def test_what_a_service_refuses_is_told_in_a_sentence(
    desk: Project,
    settings: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answered: object,
    told: str,
) -> None:
    settings.setattr(buckets, "PATIENCE", timedelta(seconds=0.2))
    settings.setattr(buckets, "RETRIES", 0)
    with answering(answered) as address:  # type: ignore[arg-type]  # as it is made above
        settings.setenv("AWS_ENDPOINT_URL", address)
        assert refused(capsys, "s3://some-bucket/calls").startswith(f"s3://some-bucket/calls: {told}")


def closed() -> str:
    """The address of a port where nobody listens any more."""
    with answering(sends(b"")) as address:
        return address


def test_a_service_that_is_not_there_is_told(
    desk: Project, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.setattr(buckets, "RETRIES", 1)
    settings.setenv("AWS_ENDPOINT_URL", closed())
    told = "the service cannot be reached: check the network and AWS_ENDPOINT_URL"
    assert refused(capsys, "s3://some-bucket/calls") == f"s3://some-bucket/calls: {told}"


@pytest.mark.parametrize("address", ["localhost:9000", "http://", "https://[bad", "http://host:1234567"])
def test_a_service_with_no_address_is_told(
    desk: Project, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    settings.setenv("AWS_ENDPOINT_URL", address)
    told = f"AWS_ENDPOINT_URL is '{address}', which is no address: write https://host or http://host:port"
    assert refused(capsys, "s3://some-bucket/calls") == f"s3://some-bucket/calls: {told}"


def test_settings_that_cannot_be_sent_are_told(
    desk: Project, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.setenv("AWS_ENDPOINT_URL", closed())
    settings.setenv("AWS_ACCESS_KEY_ID", "key\n")
    told = refused(capsys, "s3://some-bucket/calls")
    assert told.startswith("s3://some-bucket/calls: the settings for it cannot be used (")
    assert told.endswith("): check the variables AWS_…")


def test_ctrl_c_is_heard_while_a_service_keeps_one_waiting(settings: pytest.MonkeyPatch) -> None:
    heard = Event()

    def keep_waiting(_: socket.socket) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        heard.wait()

    with answering(keep_waiting) as address:
        settings.setenv("AWS_ENDPOINT_URL", address)
        try:
            with pytest.raises(KeyboardInterrupt):
                buckets.BUCKETS.is_file("s3://some-bucket/calls")
        finally:
            heard.set()


def test_missing_credentials_are_told(
    desk: Project, bucket: Bucket, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.setattr(buckets, "RETRIES", 0)
    settings.delenv("AWS_ACCESS_KEY_ID")
    settings.setenv("AWS_METADATA_ENDPOINT", closed())
    assert refused(capsys, bucket.address).startswith(
        f"{bucket.address}: no credentials are known for it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or, "
    )


def test_the_further_package_is_asked_for(
    desk: Project, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.setitem(sys.modules, "obstore.store", None)
    told = "s3://some-bucket/calls: s3:// needs a further package: pip install 'pytest-callqa[s3]'"
    assert refused(capsys, "s3://some-bucket/calls") == told


def test_one_object_without_rights_does_not_spare_the_others(
    desk: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.calls(*day(2)).calls(dict(GOOD, id="secret"), name="calls/secret.jsonl")
    address = bucket.upload("calls")
    about = buckets._Buckets.about

    def denied(place: buckets._Buckets, name: str) -> buckets.About:
        if name.endswith("secret.jsonl"):
            raise BadInput(DENIED, file=name)
        return about(place, name)

    monkeypatch.setattr(buckets._Buckets, "about", denied)
    for engine in ((), ("--engine", "local", "--jobs", "1")):
        check(*engine, calls=address)
        assert [getattr(line, "problem", line.call) for line in desk.calls_told()] == ["call 0", "call 1", DENIED]


# -- a store


@pytest.fixture(params=["folder", "bucket"])
def where(request: pytest.FixtureRequest, desk: Project, bucket: Bucket) -> str:
    """A place for a store, in a folder and in a bucket."""
    return "store" if request.param == "folder" else f"{bucket.address}/a store"


def test_a_store_keeps_the_first_result_of_a_key(where: str) -> None:
    store = open_store(where)
    assert store.keys() == set()
    assert store.get("ab12") is None
    store.put("ab12", b"one")
    store.put("ab12", b"one")
    store.put("cd34", b"two")
    with pytest.raises(CallQAError, match="shard ab12 was judged twice, with different results"):
        store.put("ab12", b"another")
    assert store.keys() == {"ab12", "cd34"}
    assert store.get("ab12") == b"one"


def test_of_writers_at_once_just_one_wins(where: str) -> None:
    store, lost = open_store(where), []
    for number in range(20):
        key, ready = f"ab{number}", Barrier(3)

        def write(result: bytes, key: str = key, ready: Barrier = ready) -> None:
            ready.wait()
            try:
                store.put(key, result)
            except CallQAError:
                lost.append((key, result))

        results = {bytes([65 + writer]) * 9000 for writer in range(3)}
        writers = [Thread(target=write, args=(result,)) for result in results]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert {store.get(key)} == results - {result for other, result in lost if other == key}
    assert len(lost) == 40


def test_a_shard_judged_three_times_is_kept_once(desk: Project, where: str) -> None:
    desk.calls(*day(20))
    plan, job = plan_of(desk, size=2000)
    for shard in [*plan, *plan, *plan]:
        carry_out(plan.terms, shards.encode(shard), where)
    store, again = open_store(where), open_store("again")
    assert [shard.key for shard in engines.judge_here(plan, job, again, jobs=1)] == [shard.key for shard in plan]
    assert store.keys() == again.keys()
    assert list(reduced(plan, store)) == list(reduced(plan, again))


def test_wrong_bytes_under_the_key_of_a_shard_are_found(desk: Project, bucket: Bucket) -> None:
    desk.calls(*day(20))
    plan, _ = plan_of(desk, size=2000)
    store = open_store(f"{bucket.address}/store")
    first, second, *_ = plan
    for shard in plan:
        carry_out(plan.terms, shards.encode(shard), f"{bucket.address}/store")
    kept = {shard.key: store.get(shard.key) or b"" for shard in plan}
    right = kept[first.key]
    for wrong in (kept[second.key], right.replace(b'"verdicts":"', b'"verdicts":"f', 1), right[:-9]):
        bucket.put(f"store/{first.key[:2]}/{first.key}.jsonl", wrong)
        with pytest.raises(CallQAError, match=f"the result of shard {first.key} is damaged: delete it from the store"):
            list(reduced(plan, store))


def test_a_store_in_a_bucket_spares_judging_again(
    desk: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.calls(*day(5))
    kept = ("--engine", "local", "--store", f"{bucket.address}/a store/")
    first = check(*kept)
    assert len(bucket.keys("a store/")) == 1
    monkeypatch.setattr(engines, "judge_here", lambda todo, *_, **__: iter(list(todo)[:0]))
    assert check(*kept) == first == check()


def test_a_cluster_over_a_bucket_with_a_killed_worker_and_a_lost_node_gives_the_ledger_of_one_process(
    desk: Project, bucket: Bucket
) -> None:
    desk.book(RULES + DEADLY).calls(*day(40)).file("killed", "")
    address = bucket.upload("calls")
    in_one = check(calls=address)
    os.unlink("killed")
    desk.file("nodes", "")
    with nodes() as scheduler:
        dask = ("--engine", "dask", "--scheduler", scheduler, "--store", f"{bucket.address}/store")
        assert check_apart(*dask, calls=address) == in_one
    assert os.path.exists("killed")
    assert os.path.exists("lost")
    assert len(bucket.keys("store/")) > 3


# -- the documentation


def blocks(heading: str) -> dict[str, str]:
    """The blocks of a section of the page on scale, by their first line."""
    section = SCALE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^```(.*?)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


def commands(heading: str) -> list[list[str]]:
    """The commands that a section of the page on scale shows."""
    return [shlex.split(line.removeprefix("$ ")) for line in blocks(heading)["console"].splitlines()]


def test_the_example_of_s3_can_be_followed(
    desk: Project, bucket: Bucket, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    calls, results = Bucket(service, "acme-calls"), Bucket(service, "acme-quality")
    calls.put("november/day.jsonl", lines(4))
    run = [arguments for program, *arguments in commands("Calls and results in S3") if program == "callqa"]
    assert [callqa(*arguments, "--jobs", "1") for arguments in run] == [cli.CLEAN, cli.FINDINGS]
    assert "callqa-plan calls=4 shards=1 " in capsys.readouterr().out
    assert len(results.keys("shards/")) == 1


def test_the_recipe_for_spark_gives_the_ledger_of_one_process_with_a_killed_worker(
    desk: Project, bucket: Bucket, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.book(RULES + DEADLY).file("judge.py", blocks("On Spark")["python judge.py"]).file("killed", "")
    calls, results = Bucket(service, "acme-calls"), Bucket(service, "acme-quality")
    calls.put("december/day.jsonl", lines(40))
    in_one = check(calls=f"{calls.address}/december")
    os.unlink("killed")
    monkeypatch.setattr(make_plan, "__kwdefaults__", {"size": 2000})
    planning, judging, reducing = commands("On Spark")
    assert callqa(*planning[1:]) == cli.CLEAN
    plan = Plan(Path("plan.jsonl"))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    spark = Path(sys.executable).with_name(judging[0])
    ended = subprocess.run([spark, *judging[1:]], capture_output=True, text=True, check=False, timeout=300)
    assert ended.stdout.splitlines()[-1:] == [f"{plan.shards} shards judged"], ended.stderr
    assert os.path.exists("killed")
    assert len(results.keys("december/")) == plan.shards > 3
    monkeypatch.setattr(engines, "judge_here", lambda todo, *_, **__: iter(list(todo)[:0]))
    callqa(*reducing[1:])
    assert lines_of(Path(".callqa/ledger.jsonl")) == in_one

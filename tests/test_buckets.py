"""Calls in S3, and results of shards in S3: the ledger of a run over files of this machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import bucket_kit
from harness import CALLS, Project
from pytest_callqa import buckets, cli
from pytest_callqa.scale import engines


@pytest.fixture(scope="session")
def service() -> Iterator[str]:
    with bucket_kit.service() as address:
        yield address


_numbers = itertools.count()


@pytest.fixture
def bucket(service: str, monkeypatch: pytest.MonkeyPatch) -> bucket_kit.Bucket:
    """A new bucket, and an environment that names its service."""
    for name, value in {**bucket_kit.ENVIRONMENT, "AWS_ENDPOINT_URL": service}.items():
        monkeypatch.setenv(name, value)
    buckets._bucket.cache_clear()
    return bucket_kit.Bucket(service, f"bucket-{next(_numbers)}")


def day(count: int) -> list[dict[str, object]]:
    """That many calls, some good, some not."""
    return [dict(CALLS[number % len(CALLS)], id=f"call {number}") for number in range(count)]


def check(*arguments: str) -> list[bytes]:
    """Judge calls; the ledger but for when it was begun and ended."""
    cli.main(["check", "--book", "rules", *arguments])
    return Path(".callqa/ledger.jsonl").read_bytes().splitlines()[1:-1]


def as_here(lines: list[bytes], bucket: bucket_kit.Bucket) -> list[bytes]:
    """A ledger's lines as if the files of the bucket were in this folder, without the check sums."""
    return [line.rpartition(b',"check":')[0].replace(f"s3://{bucket.name}/".encode(), b"") for line in lines]


@pytest.mark.parametrize("engine", [(), ("--engine", "local", "--jobs", "1")])
def test_calls_in_a_bucket_give_the_ledger_of_this_machine(
    desk: Project, bucket: bucket_kit.Bucket, engine: tuple[str, ...]
) -> None:
    desk.calls(*day(30))
    here, there = check("calls"), check(bucket.upload("calls"), *engine)
    assert as_here(there, bucket) == as_here(here, bucket)


def test_a_store_in_a_bucket_spares_judging_again(
    desk: Project, bucket: bucket_kit.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.calls(*day(5))
    store = f"s3://{bucket.name}/a store"
    first = check("calls", "--engine", "local", "--store", store)
    assert len(bucket.keys("a store/")) == 1
    monkeypatch.setattr(engines, "judge_here", lambda todo, *_, **__: iter(list(todo)[:0]))
    assert check("calls", "--engine", "local", "--store", store) == first == check("calls")

"""One batch pass for all workers of a run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_callqa.batch import Tally
from pytest_callqa.errors import CallQAError
from pytest_callqa.plugin.once import files, run_once


def test_the_first_to_claim_judges_and_the_others_wait_for_its_tally(tmp_path: Path) -> None:
    ledger, judged, release = tmp_path / "ledger.jsonl", [], threading.Event()

    def judge() -> Tally:
        judged.append(1)
        release.wait(10)
        return Tally(calls=7)

    tallies: list[Tally] = []
    workers = [threading.Thread(target=lambda: tallies.append(run_once(ledger, judge, Tally))) for _ in range(3)]
    for worker in workers:
        worker.start()
    release.set()
    for worker in workers:
        worker.join(10)
    assert len(judged) == 1
    assert tallies == [Tally(calls=7)] * 3
    assert all(file.stat().st_mode & 0o077 == 0 for file in files(ledger))


def test_a_worker_that_died_while_judging_is_told(tmp_path: Path) -> None:
    claim, _ = files(tmp_path / "ledger.jsonl")
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    claim.write_bytes(gone.stdout.strip())
    with pytest.raises(CallQAError, match="the process that judged the calls has died"):
        run_once(tmp_path / "ledger.jsonl", Tally, Tally)


def test_one_who_gives_up_lets_the_next_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = tmp_path / "ledger.jsonl"
    claim, _ = files(ledger)
    claim.write_bytes(b"%d" % os.getpid())
    monkeypatch.setattr("pytest_callqa.plugin.once.POLL", 0)
    looks = iter([b"%d" % os.getpid(), None])

    def look(path: Path) -> bytes:
        seen = next(looks)
        if seen is None:
            path.unlink()
            raise FileNotFoundError(path)
        return seen

    monkeypatch.setattr(Path, "read_bytes", look)
    assert run_once(ledger, lambda: Tally(calls=7), Tally) == Tally(calls=7)


def test_who_fails_to_judge_gives_up(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        run_once(tmp_path / "ledger.jsonl", lambda: 1 // 0, int)
    assert list(tmp_path.iterdir()) == []

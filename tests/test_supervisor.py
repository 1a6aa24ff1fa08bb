"""A call that kills or hangs its process is an error with its name; every other call is judged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import GOOD, RUDE, Project, talk
from pytest_callqa import cli, ledger, supervisor
from pytest_callqa.errors import CallQAError
from pytest_callqa.supervisor import Limits, Say, Supervisor, started_ahead

# -- any items


def tenfold(deadly: dict[int, str], say: Say) -> Callable[[int], int]:
    def handle(item: int) -> int:
        say(f"item {item}")
        match deadly.get(item):
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "leave":
                os._exit(3)
            case "hang":
                time.sleep(600)
            case "grow":
                bytearray(2**31)
        return 10 * item

    return handle


def unready(given: dict[int, str], say: Say) -> Callable[[int], int]:
    sys.exit(5)


def lost(item: int, said: str, why: str) -> str:
    return f"{said}: {why}"


def mapped(deadly: dict[int, str], *, jobs: int = 2, limits: Limits | None = None, size: int = 5) -> list[int | str]:
    workers = Supervisor(tenfold, deadly, lost, jobs=jobs, limits=limits or Limits())  # type: ignore[arg-type]
    return [found for chunk in workers.map([range(n, n + size) for n in range(0, 30, size)]) for found in chunk]


def test_results_come_in_order() -> None:
    assert mapped({}) == [10 * item for item in range(30)]
    assert mapped({}, jobs=1, size=30) == [10 * item for item in range(30)]


@pytest.mark.parametrize(
    ("fate", "limits", "told"),
    [
        ("crash", Limits(), "the process was ended by SIGSEGV"),
        ("leave", Limits(), "the process ended with exit code 3"),
        ("hang", Limits(seconds=0.5), "took longer than 0.5 s"),
        ("grow", Limits(megabytes=1024), "it needs more memory than a worker may have"),
    ],
)
def test_what_costs_its_worker_twice_is_given_up(fate: str, limits: Limits, told: str) -> None:
    expected: list[int | str] = [10 * item for item in range(30)]
    expected[7] = f"item 7: {told}"
    expected[29] = f"item 29: {told}"
    assert mapped({7: fate, 29: fate}, limits=limits) == expected


def test_workers_end_when_nobody_wants_the_rest() -> None:
    busy = Supervisor(tenfold, {1: "hang"}, lost, jobs=2, limits=Limits())  # type: ignore[arg-type]
    results = busy.map([[0], [1], [2]])
    assert next(results) == [0]
    results.close()  # type: ignore[attr-defined]  # a generator
    assert not any(worker.process.is_alive() for worker in busy._workers)


def test_workers_that_cannot_start_are_a_fault_of_the_run() -> None:
    broken = Supervisor(unready, {}, lost, jobs=1, limits=Limits())  # type: ignore[arg-type]
    with pytest.raises(CallQAError, match="a worker process did not get ready: the process ended with exit code 5"):
        list(broken.map([[1]]))


@pytest.mark.parametrize("warm", [partial(sorted, "ba"), partial(int, "what goes wrong here is not told")])
def test_a_process_that_was_started_ahead_is_the_first_to_work(warm: Callable[[], object]) -> None:
    with started_ahead(warm, Limits()) as ahead:
        [process] = ahead
        workers = Supervisor(tenfold, {}, lost, jobs=1, limits=Limits(), ahead=ahead)  # type: ignore[arg-type]
        results = workers.map([[1, 2], [3]])
        assert next(results) == [10, 20]
        assert [worker.process for worker in workers._workers] == [process.process]
        assert list(results) == [[30]]


def test_a_process_that_was_started_ahead_of_no_work_is_ended() -> None:
    with started_ahead(partial(time.sleep, 600), Limits()) as ahead:
        [process] = ahead
    assert not process.process.is_alive()


def test_a_process_does_not_run_the_script_that_started_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from test_supervisor import mapped\nprint(sum(mapped({})))\n", encoding="utf-8")
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    command = [sys.executable, str(script)]
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("4350\n", "")


# -- calls

DEADLY_RULES = """
import os, re, signal
from pytest_callqa import rule

@rule("1.1", "Speaks")
def test_speaks(call):
    if call.record.agent == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if call.record.agent == "hang":
        re.fullmatch("(a+)+", 40 * "a" + "b")  # holds the interpreter for years
    assert call.agent.spoken()

@rule("1.2", "Says something else")
def test_else(call):
    assert call.agent
"""


@pytest.fixture
def deadly(project: Project) -> Project:
    """A day of calls, two of which bring their process down in different ways."""
    calls = [{**GOOD, "id": f"good-{n}"} for n in range(5)]
    calls[3:3] = [{**RUDE, "id": "deadly", "agent": "crash"}, {**RUDE, "id": "endless", "agent": "hang"}]
    return project.book(DEADLY_RULES).calls(*calls)


EXPECTED = {f"good-{n}": "pp" for n in range(5)} | {"deadly": "ee", "endless": "ee"}


def test_check_judges_the_others(
    deadly: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(deadly.path)
    assert cli.main(["check", "--book", "rules", "--timeout", "1", "calls"]) == cli.FINDINGS
    assert deadly.verdicts() == EXPECTED
    reasons = {line.call: line.found["1.1"].reason for line in deadly.ledger() if getattr(line, "found", None)}  # type: ignore[union-attr]
    assert reasons == {
        "deadly": "given up after 2 attempts: the process was ended by SIGSEGV",
        "endless": "given up after 2 attempts: took longer than 1 s",
    }
    assert "took longer than 1 s" in capsys.readouterr().out


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_so_does_pytest(deadly: Project, workers: tuple[str, ...]) -> None:
    result = deadly.run("--callqa-mode", "batch", "--callqa-timeout", "1", *workers)
    assert deadly.verdicts() == EXPECTED
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["  deadly: given up after 2 attempts: the process was ended by SIGSEGV"])


ORPHANED = """
import os, re
from pathlib import Path
from pytest_callqa import rule

@rule("1.1", "Speaks")
def test_speaks(call):
    (Path(__file__).parent / f"{os.getpid()}.worker").touch()
    re.fullmatch("(a+)+", 40 * "a" + "b")  # holds the interpreter for years
"""


def runs(process: str) -> bool:
    """Whether a process runs; one that nobody has buried yet does not."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


ELSEWHERE = """
import fcntl, multiprocessing
if parent := multiprocessing.parent_process():
    fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, 0)  # as where the system does not end what has lost its parent
"""


@pytest.mark.parametrize(
    ("book", "limits"),
    [
        (ORPHANED, ["--jobs", "2"]),
        (ELSEWHERE + ORPHANED, ["--jobs", "1", "--timeout", "3"]),
        (ELSEWHERE + ORPHANED.replace("re.fullmatch", "while True: 0 and re.fullmatch"), ["--jobs", "1"]),
    ],
    ids=["at once", "elsewhere", "elsewhere, interpreter free"],
)
def test_workers_that_hang_end_when_their_parent_is_killed(project: Project, book: str, limits: list[str]) -> None:
    project.book(book).calls(*[{**GOOD, "id": f"call-{n}"} for n in range(200)])
    command = [sys.executable, "-m", "pytest_callqa.cli", "check", "--book", "rules", "calls", *limits]
    run = subprocess.Popen(command, cwd=project.path)
    while len(workers := [file.stem for file in project.path.glob("rules/*.worker")]) < int(limits[1]):
        time.sleep(0.01)
    assert all(map(runs, workers))
    run.kill()
    run.wait()
    while any(map(runs, workers)):  # else this test never ends
        time.sleep(0.01)


def test_a_worker_ends_itself_once_its_parent_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    lives, done = iter([True, True, False]), []
    parent = SimpleNamespace(
        is_alive=lambda: next(lives), join=lambda seconds: done.append(f"looks again in {seconds:g} s")
    )
    monkeypatch.setattr("multiprocessing.parent_process", lambda: parent)
    monkeypatch.setattr(os, "_exit", lambda code: done.append(f"ends with exit code {code}"))
    supervisor._watch_parent(lambda: done.append("is to end later"))
    assert done == 2 * ["is to end later", "looks again in 1 s"] + ["ends with exit code 1"]


def test_the_system_is_asked_to_end_a_worker_that_takes_twice_what_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def later(seconds: float, **_: object) -> None:
        asked.append(seconds)
        if len(asked) == 3:
            raise RuntimeError("unable to start watchdog thread")

    monkeypatch.setattr("faulthandler.dump_traceback_later", later)
    for place, seconds in ((-1, 5), (0, 5), (7, float("inf"))):
        supervisor._end_later(SimpleNamespace(value=place), seconds, nowhere=1)
    assert asked == [240, 10, threading.TIMEOUT_MAX]


@pytest.mark.parametrize("platform", ["linux", "another"])
def test_a_worker_whose_parent_is_gone_before_it_starts_ends(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    lifeline, parents_end = os.pipe()
    os.close(parents_end)
    gone = SimpleNamespace(sentinel=lifeline, is_alive=lambda: False)
    monkeypatch.setattr("multiprocessing.parent_process", lambda: gone)
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(SystemExit):
        supervisor._die_with_parent()
    os.close(lifeline)


BROKEN_READER = """
import os
import pytest_callqa.batch
from pytest_callqa import rule

pytest_callqa.batch.read_document = lambda *_: os._exit(1)

@rule("1.1", "Speaks")
def test_speaks(call):
    assert call
"""


def test_a_call_that_kills_its_reader_is_unreadable(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_callqa.batch.read_document", None)  # put back when the test is over
    project.book(BROKEN_READER).calls(GOOD)
    monkeypatch.chdir(project.path)
    assert cli.main(["check", "--book", "rules", "calls"]) == cli.NOT_JUDGED
    [line] = [line for line in project.ledger() if isinstance(line, ledger.Unread)]
    assert line.problem == "given up after 2 attempts: the process ended with exit code 1"


# -- patterns of users

HANGING_PHRASES = r"""
language: en
phrases:
  code: ["/(a|a|aa)+$/"]
  word: ['/\bрубль\b/', '/\b元\b/']
"""
HANGING_RULES = """
from pathlib import Path
from pytest_callqa import PhraseBook, rule

phrases = PhraseBook.load(Path(__file__).parent / "phrases")

@rule("1.1", "Says the code")
def test_code(call):
    assert call.agent.says(phrases.code)

@rule("1.2", "Says the word")
def test_word(call):
    assert call.agent.says(phrases.word)
"""


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_a_pattern_that_takes_too_long_is_an_error_of_its_rule(project: Project, mode: str) -> None:
    hanging = talk("hanging", f"agent: {'a' * 60}! рубль, рубль")
    project.book(HANGING_RULES, HANGING_PHRASES).calls(hanging, talk("plain", "agent: aaa"))
    project.run("--callqa-mode", mode)
    assert project.verdicts() == {"hanging": "ep", "plain": "pf"}
    [entry] = [line for line in project.ledger() if isinstance(line, ledger.Entry) and line.call == "hanging"]
    assert "/(a|a|aa)+$/ was broken off after" in entry.found["1.1"].reason


@pytest.mark.parametrize(("text", "heard"), [("один рубль.", True), ("рублями", False), ("五 元 。", True)])
def test_word_boundaries_are_those_of_every_script(project: Project, text: str, heard: bool) -> None:
    project.book(HANGING_RULES, HANGING_PHRASES).calls(talk("c", f"agent: {text}")).run()
    assert project.verdicts()["c"][1] == ("p" if heard else "f")


GREEDY = """
from pytest_callqa import rule

@rule("1.1", "Speaks")
def test_speaks(call):
    assert bytearray(2**31)
"""


def test_check_limits_memory_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.book(GREEDY).calls(GOOD)
    monkeypatch.chdir(project.path)
    assert cli.main(["check", "--book", "rules", "--memory", "1024", "calls"]) == cli.FINDINGS
    [entry] = [line for line in project.ledger() if isinstance(line, ledger.Entry)]
    assert "MemoryError" in entry.found["1.1"].reason

"""Whatever ends a run, nothing that was judged is lost, and the next run judges only what is missing."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import GOOD, RUDE, Project, talk
from pytest_callqa import cli, ledger
from pytest_callqa.errors import BadInput, Unwritten
from pytest_callqa.resume import before, make_way, settle

COUNTING = """
import os, time
from pathlib import Path
from pytest_callqa import rule

judged = Path(__file__).parent / "judged.txt"

@rule("1.1", "Speaks")
def test_speaks(call):
    with judged.open("a") as file:
        file.write(call.record.id + chr(10))
    time.sleep(float(os.environ.get("SLOW", "0")))
    assert call.agent.spoken()

@rule("1.2", "Is known")
def test_known(call):
    assert call.record.agent == "A1", "not on the staff list"
"""


@pytest.fixture
def counting(project: Project) -> Project:
    """A book that notes which calls it judged, and a dozen calls, three of which break a rule."""
    agents = ["A1", "A1", "A1", "X9"] * 3
    return project.book(COUNTING).calls(*[{**GOOD, "id": f"call-{n}", "agent": a} for n, a in enumerate(agents)])


EXPECTED = {f"call-{n}": "pf" if n % 4 == 3 else "pp" for n in range(12)}


def judged(project: Project) -> list[str]:
    file = project.path / "rules/judged.txt"
    return file.read_text().split() if file.exists() else []


def cut(project: Project, calls: int) -> None:
    """Leave of a ledger what a run that was killed after so many calls leaves, with a torn line at its end."""
    path = project.path / ".callqa/ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    entries = [n for n, line in enumerate(lines) if b'"kind":"call"' in line]
    path.write_bytes(b"".join(lines[: entries[calls]]) + lines[entries[calls]][:40])
    (project.path / "rules/judged.txt").unlink()


MODES = (("cells",), ("cells", "-n", "2"), ("batch",), ("batch", "-n", "2"))


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_only_what_is_missing_is_judged(counting: Project, mode: tuple[str, ...]) -> None:
    counting.run("--callqa-mode", *mode)
    whole = sorted(map(repr, counting.calls_told()))
    cut(counting, 7)
    kept = set(counting.verdicts())
    counting.run("--callqa-resume", "--callqa-mode", *mode)
    assert sorted(set(judged(counting))) == sorted(EXPECTED.keys() - kept)
    assert sorted(map(repr, counting.calls_told())) == whole
    assert not before(counting.path / ".callqa/ledger.jsonl").exists()


def test_check_resumes_too(counting: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(counting.path)
    assert cli.main(["check", "--book", "rules", "calls"]) == cli.FINDINGS
    cut(counting, 7)
    assert cli.main(["check", "--book", "rules", "--resume", "calls"]) == cli.FINDINGS
    assert len(judged(counting)) == 5
    assert counting.verdicts() == EXPECTED
    assert cli.main(["check", "--book", "rules", "calls"]) == cli.FINDINGS
    assert len(judged(counting)) == 5 + 12, "without --resume, all are judged"


def test_where_nothing_was_judged_everything_is_missing(counting: Project) -> None:
    counting.run("--callqa-resume")
    assert counting.verdicts() == EXPECTED


def test_a_changed_call_is_judged_again(counting: Project) -> None:
    counting.run()
    (counting.path / "rules/judged.txt").unlink()
    file = counting.path / "calls/day.jsonl"
    file.write_text(file.read_text().replace("call-11", "call-12"))
    counting.run("--callqa-resume")
    assert judged(counting) == ["call-12"]
    assert len(counting.verdicts()) == 12


def test_a_changed_rule_is_judged_again(counting: Project) -> None:
    counting.run()
    (counting.path / "rules/judged.txt").unlink()
    counting.book(COUNTING.replace('"A1"', '"X9"')).run_apart("--callqa-resume")
    assert len(judged(counting)) == 12
    assert counting.verdicts()["call-0"] == "pf"


def test_so_is_everything_under_other_settings(counting: Project) -> None:
    counting.run()
    (counting.path / "rules/judged.txt").unlink()
    counting.run("--callqa-resume", "--callqa-organisation", "Other")
    assert len(judged(counting)) == 12


def test_another_selection_takes_over_what_it_can(counting: Project) -> None:
    counting.run("-k", "speaks")
    assert set(counting.verdicts().values()) == {"p"}
    (counting.path / "rules/judged.txt").unlink()
    counting.run("--callqa-resume")
    assert judged(counting) == []
    assert counting.verdicts() == EXPECTED


def test_the_words_of_what_is_taken_over_are_those_of_the_first_run(project: Project) -> None:
    project.book().calls().run()
    first = project.calls_told()
    result = project.run("--callqa-resume", "-v")
    assert project.calls_told() == first
    result.stdout.fnmatch_lines(["rude at 0:04.5: the agent's reply says sorry: not found*"])


def test_a_call_that_ended_the_run_is_found_when_it_is_resumed(counting: Project) -> None:
    deadly = "    if call.record.id == 'call-5':\n        os.kill(os.getpid(), 9)\n    assert call.agent.spoken()"
    counting.book(COUNTING.replace("    assert call.agent.spoken()", deadly))
    assert counting.run_apart().ret == -signal.SIGKILL
    assert len(counting.verdicts()) == 5
    result = counting.run_apart("--callqa-resume")
    assert counting.verdicts() == EXPECTED | {"call-5": "ee"}
    result.stdout.fnmatch_lines(["*call-5: given up after 2 attempts: the process was ended by SIGKILL"])


# -- killed at any moment


def hear_ctrl_c() -> None:
    """What a shell that runs the tests in the background has its children ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def start(project: Project, *arguments: str, slow: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", "rules", "--calls", "calls", "-q", *arguments]
    return subprocess.Popen(
        command,
        cwd=project.path,
        env={**os.environ, "SLOW": str(slow)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=hear_ctrl_c,
    )


def written(project: Project) -> int:
    path = project.path / ".callqa/ledger.jsonl"
    return path.read_bytes().count(b'"kind":"call"') if path.exists() else 0


@pytest.mark.parametrize(
    ("mode", "rounds"), [(("cells",), 10), (("cells", "-n", "2"), 8), (("batch", "--callqa-jobs", "2"), 10)]
)
def test_killed_again_and_again_every_verdict_comes_once(counting: Project, mode: tuple[str, ...], rounds: int) -> None:
    draw = random.Random(rounds)
    for _ in range(rounds):
        run = start(counting, "--callqa-resume", "--callqa-mode", *mode, slow=0.05)
        wanted = written(counting) + draw.randint(0, 3)
        ends = time.monotonic() + draw.uniform(0.3, 1.5)
        while run.poll() is None and written(counting) < wanted and time.monotonic() < ends:
            time.sleep(0.01)
        run.kill()
        run.wait()
    start(counting, "--callqa-resume", "--callqa-mode", *mode, slow=0).wait()
    entries = [line for line in counting.ledger() if isinstance(line, ledger.Entry)]
    assert {line.call: line.verdicts for line in entries} == EXPECTED
    assert len(entries) == len(EXPECTED), "no call is told twice"
    assert isinstance(counting.ledger()[-1], ledger.End)


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
@pytest.mark.parametrize("mode", [("cells",), ("batch",)], ids=" ".join)
def test_a_run_that_is_told_to_end_tells_what_it_has(
    counting: Project, mode: tuple[str, ...], blow: signal.Signals
) -> None:
    report = ("--callqa-report", "report.html")
    run = start(counting, "--callqa-mode", *mode, "--callqa-jobs", "1", *report, slow=0.3)
    while not judged(counting):
        time.sleep(0.01)
    run.send_signal(blow)
    assert run.wait() == pytest.ExitCode.INTERRUPTED
    assert b"INCOMPLETE" in (counting.path / "report.html").read_bytes()
    assert counting.verdicts().items() <= EXPECTED.items()


def test_a_second_ctrl_c_loses_nothing_of_the_runs_before(counting: Project) -> None:
    path = counting.path / ".callqa/ledger.jsonl"
    counting.run()
    lines = path.read_bytes().splitlines(keepends=True)
    entries = [n for n, line in enumerate(lines) if b'"kind":"call"' in line]
    path.write_bytes(b"".join(line for n, line in enumerate(lines) if n not in entries[:3]))
    (counting.path / "rules/judged.txt").unlink()
    run = start(counting, "--callqa-resume", "--callqa-mode", "cells", slow=0.4)
    while not (judged(counting) and written(counting)):  # it judges, so it writes to a ledger of its own
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    time.sleep(0.03)
    run.send_signal(signal.SIGINT)
    assert run.wait() not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    (counting.path / "rules/judged.txt").unlink()
    counting.run("--callqa-resume")
    assert len(judged(counting)) <= 2
    assert counting.verdicts() == EXPECTED


def test_check_stopped_before_it_begins_does_not_tell_of_an_older_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.book().calls(GOOD)
    monkeypatch.chdir(project.path)
    assert cli.main(["check", "--book", "rules", "calls"]) == cli.CLEAN
    old = (project.path / ".callqa/ledger.jsonl").read_bytes()
    capsys.readouterr()
    monkeypatch.setattr(cli.judging, "find_sidecars", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert cli.main(["check", "--book", "rules", "calls"]) == cli.NOT_JUDGED
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "callqa: stopped before anything was finished\n")
    assert (project.path / ".callqa/ledger.jsonl").read_bytes() == old


def test_so_does_check_and_a_second_blow_ends_it(counting: Project) -> None:
    for blows in (1, 2):
        run = subprocess.Popen(
            [sys.executable, "-m", "pytest_callqa.cli", "check", "--book", "rules", "calls"],
            cwd=counting.path,
            env={**os.environ, "SLOW": "0.3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        (counting.path / "rules/judged.txt").unlink(missing_ok=True)
        while not judged(counting):
            time.sleep(0.01)
        for _ in range(blows):
            run.send_signal(signal.SIGTERM)
        said, errors = run.communicate()
        assert run.returncode != cli.CLEAN
        if blows == 1:
            assert run.returncode == cli.NOT_JUDGED
            assert b"INCOMPLETE: 24 of 24 verdicts were not given" in said
            assert b"callqa: stopped; what was judged is in the ledger" in errors


def test_a_killed_worker_of_xdist_costs_the_call_it_was_at(counting: Project) -> None:
    deadly = "    if call.record.id == 'call-5':\n        os.kill(os.getpid(), 9)\n    assert call.agent.spoken()"
    counting.book(COUNTING.replace("    assert call.agent.spoken()", deadly))
    result = counting.run_apart("-n", "2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["INCOMPLETE: 1 of 24 verdicts were not given*"])
    assert counting.verdicts() == EXPECTED | {"call-5": "-p"}
    counting.run_apart("-n", "2", "--callqa-resume")
    assert counting.verdicts() == EXPECTED | {"call-5": "ep"}


# -- disks


class Full:
    """Stands for ``os.write`` where the disk of the ledger takes only so many more bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.write = os.write

    def __call__(self, file: int, data: bytes) -> int:
        if not os.readlink(f"/proc/self/fd/{file}").endswith("ledger.jsonl"):
            return self.write(file, data)
        taken = self.write(file, data[: self.room])
        self.room -= taken
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        return taken


@pytest.mark.parametrize("mode", ["cells", "batch"])
def test_a_full_disk_ends_the_run_and_keeps_what_was_written(
    counting: Project, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    counting.run("--callqa-mode", mode)
    _, _, rest = (counting.path / ".callqa/ledger.jsonl").read_bytes().partition(b'{"kind":"plan"')
    for room in range(0, len(rest) - 200, len(rest) // 7):
        with monkeypatch.context() as disk:
            disk.setattr(ledger.os, "write", Full(room))
            result = counting.run("--callqa-mode", mode)
        assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        assert counting.verdicts().items() <= EXPECTED.items()
        assert "No space left on device; what was judged before is in it" in str(result.outlines + result.errlines)
    counting.run("--callqa-mode", mode, "--callqa-resume")
    assert counting.verdicts() == EXPECTED


def test_a_report_that_cannot_be_written_leaves_the_old_one_and_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.book().calls(GOOD).run("--callqa-report", "report.html")
    old = (project.path / "report.html").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pytest_callqa.report.html._Page.chunks", full)
    result = project.calls(GOOD, RUDE).run("--callqa-report", "report.html")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(
        ["report: report.html: cannot be written: No space left on device; what is there is the old one, of 20*"]
    )
    assert (project.path / "report.html").read_bytes() == old


def test_what_was_set_aside_stays_until_the_run_is_complete(counting: Project) -> None:
    counting.run()
    path = counting.path / ".callqa/ledger.jsonl"
    counting.calls(talk("new", "agent: Hello."), name="calls/new.jsonl")
    counting.run("--callqa-resume", "-x")
    assert before(path).stat().st_mode & 0o777 == 0o600
    counting.run("--callqa-resume")
    assert set(counting.verdicts()) == {*EXPECTED, "new"}
    assert not before(path).exists()


# -- what was there before


def test_a_run_that_begins_no_ledger_leaves_the_one_that_was_there(project: Project) -> None:
    project.book().calls(GOOD).run()
    file = project.path / ".callqa/ledger.jsonl"
    before = file.read_bytes()
    for arguments in (["--collect-only"], ["-k", "nothing"], ["--no-such-option"]):
        project.run(*arguments)
        assert file.read_bytes() == before
    assert {path.name for path in file.parent.iterdir()} == {".gitignore", "ledger.jsonl"}


def test_so_does_one_that_is_killed_before_it_could(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_text("old")
    make_way(file, resume=False)
    assert not file.exists()
    make_way(file, resume=False)  # the next run, after a kill
    settle(file)
    assert file.read_text() == "old"
    make_way(file, resume=False)
    file.write_text("new")
    settle(file)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.jsonl"]
    assert file.read_text() == "new"


def test_a_device_is_no_place_for_a_ledger() -> None:
    with pytest.raises(Unwritten, match="/dev/null: cannot be written: it is no file"):
        make_way(Path("/dev/null"), resume=False)
    assert Path("/dev/null").is_char_device()


# -- two runs at once


def test_a_ledger_has_one_run_at_a_time(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.path)
    project.book().calls(GOOD).run()
    file = Path(".callqa/ledger.jsonl")
    before = file.read_bytes()
    said = ".callqa/ledger.jsonl: another run writes it: let that end, or name another ledger"
    with ledger.alone(file):
        result = project.run()
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: --callqa-ledger: {said}"])
        assert cli.main(["check", "--book", "rules", "calls"]) == cli.USAGE
        assert capsys.readouterr().err.endswith(f"callqa: {said}\n")
        assert file.read_bytes() == before
        assert project.run("--callqa-ledger", "another.jsonl").ret == pytest.ExitCode.OK
    assert project.run().ret == pytest.ExitCode.OK
    assert {path.name for path in file.parent.iterdir()} == {".gitignore", "ledger.jsonl"}


def test_who_waits_for_no_one_takes_no_lock_that_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, lock = tmp_path / "ledger.jsonl", tmp_path / "ledger.jsonl.lock"
    flock, taken = fcntl.flock, []

    def late(held: int, how: int) -> None:
        flock(held, how)
        if not taken:
            lock.unlink()  # by the run that had it until now
        taken.append(held)

    monkeypatch.setattr(fcntl, "flock", late)
    with ledger.alone(file), pytest.raises(BadInput, match="another run writes it"), ledger.alone(file):
        pass
    assert len(taken) == 2
    assert not lock.exists()


def test_where_there_are_no_such_locks_a_run_begins_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with ledger.alone(tmp_path / "ledger.jsonl"), ledger.alone(tmp_path / "ledger.jsonl"):
        assert list(tmp_path.iterdir()) == []


def test_a_place_for_a_ledger_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unwritten, match="file/ledger: cannot be written: "), ledger.alone(tmp_path / "file/ledger"):
        pass

"""What a run writes down, and what is read back from it."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

import msgspec
import pytest

from examples import event, hear, make_rule, phrases, talk
from pytest_callqa.call import Case, Wave
from pytest_callqa.engine import judge
from pytest_callqa.errors import BadInput, Unwritten
from pytest_callqa.hearing import Hearing
from pytest_callqa.ledger import (
    Begun,
    Damaged,
    End,
    Entry,
    Exhibit,
    Found,
    Plan,
    Run,
    Unread,
    Writer,
    append,
    call_entry,
    encode,
    entry,
    head,
    merge_all,
    read,
    run_line,
    start_ledger,
    weights_of,
)
from pytest_callqa.redact import redactor
from pytest_callqa.rules import Code, RuleBook
from pytest_callqa.verdict import Evidence, Outcome, Verdict

ORDER = ["1", "2", "3"]


def verdict(clause: str, outcome: Outcome, **more: object) -> Verdict:
    return Verdict(clause=clause, outcome=outcome, **more)


def written(*verdicts: Verdict, name: str = "a") -> Entry:
    return entry(Entry(call=name), ORDER, verdicts)


def ledger(tmp_path: Path, *lines: object) -> Path:
    file = tmp_path / "ledger.jsonl"
    start_ledger(file)
    with Writer(file) as writer:
        writer.write(*lines)
    return file


# --- lines --------------------------------------------------------------------------------


def test_a_run_names_its_rules_in_order() -> None:
    def test_greets(call: Hearing) -> None:
        """The agent greets."""

    rules = [make_rule(test_greets, "1.1", title="Greets", severity="minor"), make_rule(test_greets, "2", manual=True)]
    code = Code({"title": "Manners", "sections": {"1": "Opening"}, "weights": {"minor": 2, "major": "many"}})
    run = run_line(RuleBook(rules, code, root=Path(), version="abc"), tool="x 1", mode="batch", started="now")
    assert [(r.clause, r.title, r.severity, r.section, r.situation, r.text, r.manual) for r in run.rules] == [
        ("1.1", "Greets", "minor", "1", "every call", "The agent greets.", False),
        ("2", "Rule 2", "major", "2", "every call", "The agent greets.", True),
    ]
    assert (run.title, run.version, run.mode, run.sections) == ("Manners", "abc", "batch", {"1": "Opening"})
    assert run.weights == {"critical": 5.0, "major": 3.0, "minor": 2.0}
    assert weights_of(Code({})) == {"critical": 5.0, "major": 3.0, "minor": 1.0}


def test_a_call_is_one_letter_a_rule() -> None:
    line = written(verdict("3", Outcome.PASSED, moments=4), verdict("1", Outcome.NOT_APPLICABLE))
    assert (line.verdicts, line.moments, line.found, line.doubts) == ("n-p", {"3": 4}, {}, {})
    assert b'"verdicts":"n-p"' in encode(line)


def test_what_is_no_plain_pass_keeps_its_reason() -> None:
    line = written(
        verdict("1", Outcome.FAILED, reason="late", start=2.5, line="test_a.py:3", broken=1, moments=1),
        verdict("2", Outcome.UNDECIDED, reason="no times"),
        verdict("3", Outcome.UNDECIDED, reason="no times"),
    )
    assert line.verdicts == "fuu"
    assert line.found == {"1": Found(reason="late", start=2.5, line="test_a.py:3", broken=1)}
    assert line.doubts == {"no times": ["2", "3"]}


def test_the_head_of_a_call_says_what_it_is() -> None:
    start = head(talk("agent: Hi", agent="Kim", queue="billing", duration=2.0, limits=("no holds",), source="a.json"))
    assert (start.call, start.agent, start.queue, start.duration, start.limits) == (
        "example",
        "Kim",
        "billing",
        2.0,
        ("no holds",),
    )
    assert (start.file, start.language, start.timing, start.roles, start.started) == (
        "a.json",
        "en",
        "turn",
        "given",
        "",
    )


# --- text ---------------------------------------------------------------------------------


def fails(call: Hearing) -> None:
    assert not call.customer.says(phrases.curse)


def line_of(*said: str | float, **record: object) -> Entry:
    call = hear(talk(*said, names=("Anna Li",), **record))
    return call_entry(ORDER, call, [judge(make_rule(fails), call, Code({}))], redactor(call.record.names))


def test_a_failing_call_keeps_its_redacted_transcript_and_silences() -> None:
    line = line_of("customer: Damn, I am Anna Li", 2.5, "agent: Oh")
    assert [(t.role, t.start, t.end, t.text) for t in line.turns] == [
        ("customer", 0.0, 2.0, "Damn, I am Ⓐ••• ••"),
        ("agent", 4.5, 6.5, "Oh"),
    ]
    assert line.silences == ((2.0, 4.5),)
    assert line_of("customer: Hello").turns == ()
    assert line_of("customer: Damn", timed=False).silences == ()


def test_a_recording_that_is_named_after_a_person_is_not_told() -> None:
    waves = (Wave("agent", 0.1, b"0"),)
    lines = [line_of("customer: Hello", waves=waves, recording=name) for name in ("calls/7.wav", "calls/Anna Li.wav")]
    assert [line.recording for line in lines] == ["calls/7.wav", ""]


def test_a_failing_call_keeps_what_happened_on_the_line_and_its_case() -> None:
    follow_up = {"time": "2026-11-03T09:00:00+00:00", "purpose": "solution", "outcome": "told 5551234567"}
    case = {
        "id": "K12345678",
        "opened": "2026-11-02T09:00:00+00:00",
        "difficult": True,
        "contact": "ann@example.com",
        "changes": ["moved", "5551234567"],
        "follow_ups": [follow_up],
    }
    call = hear(
        talk("agent: Hm.", events=(event("hold", 1.0, "agent"), event("ring")), case=msgspec.convert(case, Case))
    )
    kept = call_entry(ORDER[:1], call, [verdict("1", Outcome.FAILED)], redactor())
    assert [(mark.what, mark.time, mark.by) for mark in kept.marks] == [("hold", 1.0, "agent")]
    assert kept.case == {
        "id": "K••••••••",
        "opened": "2026-11-02T09:00:00+00:00",
        "difficult": "yes",
        "contact": "•" * 15,
        "changes": "moved; ••••••••••",
        "follow_ups": "2026-11-03T09:00:00+00:00 solution told ••••••••••",
    }


def test_a_quote_is_redacted_as_in_its_turn() -> None:
    def test_no_digits(call: Hearing) -> None:
        assert not call.agent.shows("reads digits", lambda text: [(text.index("4111"), text.index("4111") + 4)])

    call = hear(talk("agent: Card 4111 1111 1111", timed=False))
    line = call_entry(ORDER, call, [judge(make_rule(test_no_digits), call, Code({}))], redactor())
    [shown] = line.found["1"].evidence
    assert (shown.quote, shown.first, shown.last) == ("••••", 5, 9)
    assert line.found["1"].reason == "the agent reads digits: “••••”"
    assert line.turns[0].text[shown.first : shown.last] == shown.quote


def test_evidence_without_a_quote_is_redacted_too() -> None:
    def test_fact(call: Hearing) -> None:
        assert call.fact(False, "called back on 13800138000")

    call = hear(["agent: Hi"])
    line = call_entry(ORDER, call, [judge(make_rule(test_fact), call, Code({}))], redactor())
    assert line.found["1"].reason == "not so: called back on •••••••••••"
    assert line.found["1"].evidence == (Evidence("called back on •••••••••••", holds=False),)


# --- writing and reading ------------------------------------------------------------------

LINES = [
    Run(title="Manners"),
    Plan(verdicts=2),
    Begun(call="a", content="0a"),
    Entry(call="a", verdicts="p"),
    Unread(call="b", file="b.json", problem="no"),
    Exhibit(view="rules", title="Teeth", columns=("clause", "caught"), rows=(("1.1", 3),), edges=(("a", "b", "1"),)),
    End(finished="now"),
]


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = ledger(tmp_path, *LINES[:3], encode(LINES[3]), *LINES[4:])
    assert list(read(file)) == LINES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes().count(b"\n") == len(LINES)


def test_writers_append(tmp_path: Path) -> None:
    ledger(tmp_path, LINES[0])
    assert list(read(ledger(tmp_path, LINES[1]))) == LINES[:2]


def test_what_a_writer_wrote_is_on_the_disk_at_its_end_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda file: settled.append(os.readlink(f"/proc/self/fd/{file}")))
    with Writer(ledger(tmp_path)) as writer:
        settled.clear()
        for line in LINES:
            writer.write(line)
        assert settled == [], "a line is handed to the system, and not waited for"
    assert settled == [str(tmp_path / "ledger.jsonl")]
    append(tmp_path / "ledger.jsonl", LINES[0])
    assert len(settled) == 1


def test_a_disk_that_takes_no_more_is_told_at_the_end_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = Writer(ledger(tmp_path))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unwritten, match="No space left on device; what was judged before is in it"), writer:
        writer.write(LINES[0])


def test_cut_off_anywhere_a_ledger_keeps_every_line_before(tmp_path: Path) -> None:
    file = ledger(tmp_path, *LINES)
    whole = file.read_bytes()
    ends = [end for end in range(len(whole) + 1) if whole[:end].endswith(b"\n")]
    for end in range(ends[0], len(whole) + 1):
        file.write_bytes(whole[:end])
        kept = sum(end >= each for each in ends)
        cut_off = [] if end in ends else [Damaged(str(file), f"line {kept + 1}")]
        assert list(read(file)) == [*LINES[:kept], *cut_off]


def test_one_changed_bit_anywhere_is_known_and_costs_one_line(tmp_path: Path) -> None:
    file = ledger(tmp_path, *LINES)
    whole = file.read_bytes()
    for place in range(whole.index(b"\n") + 1, len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            file.write_bytes(changed)
            found = list(read(file))
            assert found != LINES
            assert all(line in LINES for line in found if not isinstance(line, Damaged))


@pytest.mark.parametrize(
    "damage",
    [b"{}\n", b"not json\n", b'{"kind":"call","call":"\xff"}\n', b"\n", encode(LINES[-1]).replace(b"now", b"then")],
)
def test_a_damaged_line_is_named(tmp_path: Path, damage: bytes) -> None:
    file = ledger(tmp_path, LINES[0], damage, LINES[1])
    assert list(read(file)) == [LINES[0], Damaged(str(file), "line 2"), LINES[1]]


def test_a_line_of_a_later_version_is_named_too(tmp_path: Path) -> None:
    plain = b'{"kind":"dream"}'
    later = b'%b,"check":"%08x"}\n' % (plain[:-1], crc32(plain))
    assert list(read(ledger(tmp_path, LINES[0], later)))[1] == Damaged(str(tmp_path / "ledger.jsonl"), "line 2")


def test_what_does_not_begin_as_a_ledger_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not begin with a line of a ledger") as caught:
        list(read(ledger(tmp_path, b"{}\n")))
    assert caught.value.place == "line 1"


def test_a_missing_ledger_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be opened: No such file or directory; name a ledger a run wrote"):
        list(read(tmp_path / "none.jsonl"))


def test_a_name_that_is_no_text_does_not_stop_the_run(tmp_path: Path) -> None:
    bad = Entry(call="a\udcff", limits=("b\ud800",), found={"1": Found(reason="\udcff", start=1.5)})
    [back] = read(ledger(tmp_path, bad))
    assert back == Entry(call="a?", limits=("b?",), found={"1": Found(reason="?", start=1.5)})


# --- starting -----------------------------------------------------------------------------


def start(path: Path) -> bool:
    return start_ledger(path, LINES[0])


def test_a_ledger_is_started_once(tmp_path: Path) -> None:
    file = tmp_path / ".callqa" / "runs" / "ledger.jsonl"
    assert start(file)
    assert not start(file)
    assert list(read(file)) == LINES[:1]
    assert [each.name for each in file.parent.iterdir()] == ["ledger.jsonl"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_run_data_stay_out_of_version_control(tmp_path: Path) -> None:
    for name in ("one.jsonl", "two.jsonl"):
        assert start(tmp_path / ".callqa" / name)
    assert (tmp_path / ".callqa" / ".gitignore").read_text(encoding="utf-8").endswith("*\n")
    assert start(tmp_path / "own.jsonl")
    assert not (tmp_path / ".gitignore").exists()


def test_of_many_processes_one_starts_the_ledger(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    with get_context("spawn").Pool(4) as pool:
        assert sorted(pool.map(start, [file] * 12)) == [False] * 11 + [True]
    assert list(read(file)) == LINES[:1]


def test_lines_written_at_once_do_not_mix(tmp_path: Path) -> None:
    def write(number: int) -> None:
        ledger(tmp_path, *[Entry(call=str(number), file="x" * 2000)] * 20)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert len(list(read(tmp_path / "ledger.jsonl"))) == 160


# --- merging ------------------------------------------------------------------------------


def test_entries_of_one_call_are_merged() -> None:
    one = written(verdict("1", Outcome.FAILED, reason="late", moments=2))
    two = written(verdict("2", Outcome.UNDECIDED, reason="no times"))
    three = written(verdict("3", Outcome.UNDECIDED, reason="no times"), verdict("1", Outcome.PASSED, moments=3))
    both = merge_all([one, two, three])
    assert (both.verdicts, both.moments) == ("fuu", {"1": 2})
    assert both.found == {"1": Found(reason="late")}
    assert both.doubts == {"no times": ["2", "3"]}
    assert two.doubts == {"no times": ["2"]}, "the parts are left alone"
    assert merge_all([one, one]) == one


def test_the_transcript_comes_from_the_entry_that_has_it() -> None:
    failing = line_of("customer: Damn", 3.0, "agent: Oh", events=(event("noise", 1.0),))
    plain = msgspec.structs.replace(failing, turns=(), silences=(), verdicts="---")
    for both in (merge_all([plain, failing]), merge_all([failing, plain])):
        assert both.turns == failing.turns
        assert both.silences == failing.silences

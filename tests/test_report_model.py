"""Every figure of a report, from ledgers small enough to count by hand."""

from __future__ import annotations

import hashlib
import tracemalloc
from pathlib import Path

import msgspec
import pytest

from pytest_callqa import ledger
from pytest_callqa.errors import BadInput
from pytest_callqa.report import counting
from pytest_callqa.report.figures import Counts, Rate, Summary
from pytest_callqa.report.model import Ledgers, summarise
from pytest_callqa.report.text import accounts, terminal_lines
from pytest_callqa.verdict import Outcome, wilson
from report_ledgers import END, RUDE, RUN, TALK, UNREAD, entry, judged, said, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def of(path: Path, *lines: ledger.LedgerLine) -> Summary:
    return summarise([write(path, *lines)])


def clause(summary: Summary, name: str) -> Counts:
    return next(c.counts for c in summary.clauses if c.clause == name)


# -- verdicts


def test_every_outcome_is_counted_by_clause_section_and_in_all(path: Path) -> None:
    summary = of(path, entry("a", "pfmn"), entry("b", "fnmu"), entry("c", "peme"), entry("d", "p---"))
    assert clause(summary, "1.1") == Counts(passed=3, failed=1, moments=4, broken=1)
    assert clause(summary, "1.2") == Counts(failed=1, not_applicable=1, error=1, not_run=1, moments=1, broken=1)
    assert clause(summary, "1.3") == Counts(not_assessed=3, not_run=1)
    assert clause(summary, "2.1") == Counts(not_applicable=1, undecided=1, error=1, not_run=1)
    manners, waiting = summary.sections
    assert (manners.key, manners.title, len(manners.clauses)) == ("1", "Manners", 3)
    assert manners.counts == Counts(3, 2, 1, 0, 3, 1, 2, moments=5, broken=2)
    assert waiting.counts.planned == 4
    assert summary.counts.planned == 4 * 4
    assert (summary.calls, summary.failed, summary.errors) == (4, 2, 2)


def test_calls_are_counted_alike_however_many_verdicts_are_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [entry(f"call-{n}", verdicts) for n, verdicts in enumerate(["pfmn", "fnmu", "pfmn", "pnmu", "fnmu"])]
    held = of(path, *lines)
    monkeypatch.setattr(ledger, "ALIKE", 1)
    assert of(path, *lines) == held
    assert clause(held, "1.1") == Counts(passed=3, failed=2, moments=5, broken=2)


def test_only_passed_and_failed_enter_a_rate(path: Path) -> None:
    summary = of(path, *(entry(f"kept-{n}", "pnmu") for n in range(3)), entry("broken", "fnme"))
    rate = clause(summary, "1.1").rate
    assert rate == Rate(3, 4, 0.75, *wilson(3, 4))
    assert clause(summary, "2.1").rate is None
    assert summary.counts.rate == rate


def test_a_rate_of_fewer_than_ten_is_small() -> None:
    nine, ten = Rate.of(9, 9), Rate.of(9, 10)
    assert nine is not None
    assert ten is not None
    assert (nine.small, ten.small) == (True, False)


def test_moments_are_those_that_were_judged(path: Path) -> None:
    kept = entry("kept", "npmn", moments={"1.1": 4, "1.2": 3})
    summary = of(path, kept, RUDE)
    assert clause(summary, "1.1").moments == 1
    assert clause(summary, "1.2").moments == 3 + 3
    assert clause(summary, "1.2").broken == 2


def test_the_engines_own_ledger_adds_up(tmp_path: Path) -> None:
    summary = summarise([judged(tmp_path)])
    assert summary.calls == 5
    assert summary.counts.planned == 5 * 4
    assert [call.call for call in summary.failing] == ["rude"]
    assert clause(summary, "2.1") == Counts(passed=1, not_applicable=2, undecided=2, moments=1)


def test_a_ledger_of_no_calls_has_no_figures(path: Path) -> None:
    summary = of(path)
    assert (summary.calls, summary.counts, summary.agents) == (0, Counts(), ())
    assert (summary.mean_score, summary.mean_raw_score, summary.counts.rate) == (None, None, None)


# -- scores


def test_a_critical_breach_makes_the_final_score_0_and_keeps_the_raw_one(path: Path) -> None:
    summary = of(path, entry("good", "ppmp"), entry("bad", "pfmp"), entry("empty", "nnmu"))
    assert summary.mean_score == pytest.approx((1 + 0) / 2)
    assert summary.mean_raw_score == pytest.approx((1 + 6 / 11) / 2)
    assert (summary.scored_calls, summary.unscored_calls, summary.critical_calls) == (2, 1, 1)
    bad = summary.failing[0]
    assert (bad.score.raw, bad.score.final, bad.score.critical) == (pytest.approx(6 / 11), 0.0, ("1.2",))


def test_without_weights_all_rules_weigh_the_same(path: Path) -> None:
    summary = summarise([write(path, entry("a", "pfnn"), run=msgspec.structs.replace(RUN, weights={}))])
    assert summary.mean_raw_score == 0.5
    assert summary.weights == {"critical": 1.0, "major": 1.0, "minor": 1.0}


# -- whole or not


def test_a_run_without_its_last_line_is_incomplete(path: Path) -> None:
    write(path, entry("a", "p-n-"), end=False)
    path.write_bytes(path.read_bytes() + b'{"kind":"call","call":"cut o')
    summary = summarise([path])
    assert not summary.complete
    assert (summary.calls, summary.counts.planned, summary.counts.not_run) == (1, 4, 2)


def test_what_the_run_says_of_itself_is_kept(path: Path) -> None:
    summary = of(path, entry("a", "pppp", format="vcon", language="zh", limits=("no holds",)), entry("b", "pppp"))
    assert (summary.title, summary.version, summary.tools, summary.modes) == (
        "Test book",
        "0123456789ab",
        ("0.1.0",),
        ("batch",),
    )
    assert (summary.started, summary.finished, summary.complete) == (RUN.started, END.finished, True)
    assert summary.formats == (("vcon", 1), ("native", 1))
    assert summary.languages == (("zh", 1), ("", 1))
    assert [(limit.text, limit.formats, limit.calls) for limit in summary.limits] == [("no holds", ("vcon",), 1)]
    (source,) = summary.sources
    assert source.name == "ledger.jsonl"
    assert (source.sha256, source.size) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)


def test_unreadable_calls_are_counted_and_the_first_are_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_callqa.report.model.UNREAD_SHOWN", 2)
    summary = of(path, *(msgspec.structs.replace(UNREAD, place=f"line {n}") for n in range(5)))
    assert (summary.unreadable, [call.place for call in summary.unread]) == (5, ["line 0", "line 1"])


# -- several lines, several ledgers


def test_lines_of_one_call_are_merged_wherever_they_lie(path: Path) -> None:
    summary = of(
        path, entry("a", "p---"), entry("b", "p---"), entry("a", "-f--"), entry("b", "-pmp"), entry("a", "--mp")
    )
    assert summary.calls == 2
    assert clause(summary, "1.2") == Counts(passed=1, failed=1, moments=2, broken=1)
    assert summary.counts.not_run == 0
    assert summary.repeated == 0


def test_a_selection_of_rules_leaves_the_others_not_run(path: Path) -> None:
    summary = of(path, entry("a", "p---"), entry("b", "f---"))
    assert (summary.calls, summary.counts.not_run) == (2, 6)


def test_shards_of_a_run_are_one_report(tmp_path: Path) -> None:
    monday = write(tmp_path / "monday.jsonl", entry("a", "p-mp"), entry("b", "ppmp"))
    tuesday = write(tmp_path / "tuesday.jsonl", entry("a", "-f--"), entry("c", "ppmp"), end=False)
    summary = summarise([monday, tuesday])
    assert (summary.calls, summary.counts.not_run, summary.repeated) == (3, 0, 0)
    assert [source.name for source in summary.sources] == ["monday.jsonl", "tuesday.jsonl"]
    assert not summary.complete


def test_a_call_in_two_ledgers_counts_once(tmp_path: Path) -> None:
    first = write(tmp_path / "first.jsonl", entry("a", "ppmp"), entry("b", "ppmp"))
    second = write(tmp_path / "second.jsonl", entry("a", "ppmp"), entry("b", "ppmp", file="elsewhere.vtt"))
    summary = summarise([first, second])
    assert (summary.calls, summary.repeated) == (3, 1)


def test_ledgers_joined_into_one_file_are_still_read(tmp_path: Path) -> None:
    both = tmp_path / "both.jsonl"
    both.write_bytes(
        write(tmp_path / "a.jsonl", entry("a", "ppmp")).read_bytes()
        + write(tmp_path / "b.jsonl", entry("b", "ppmp")).read_bytes()
    )
    summary = summarise([both])
    assert (summary.calls, summary.complete) == (2, True)


@pytest.mark.parametrize(
    "other",
    [
        msgspec.structs.replace(RUN, version="ba9876543210"),
        msgspec.structs.replace(RUN, rules=RUN.rules[:3]),
    ],
)
def test_ledgers_of_different_rule_books_are_refused(tmp_path: Path, other: ledger.Run) -> None:
    first, second = write(tmp_path / "a.jsonl"), write(tmp_path / "b.jsonl", run=other)
    with pytest.raises(
        BadInput, match=r"b\.jsonl: judged by Test book .*a\.jsonl.*; make one report for each rule book"
    ):
        summarise([first, second])


@pytest.mark.parametrize("content", [b"", ledger.encode(END), ledger.encode(entry("a", "pppp"))])
def test_a_ledger_begins_with_its_run(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(BadInput, match="does not begin with the line of a run"):
        summarise([path])


@pytest.mark.parametrize(
    "changed",
    [
        entry("a", "ppp"),
        entry("a", "pppx"),
        entry("a", "pppp", moments={"9.9": 2}),
        entry("a", "pppp", doubts={"why": ["9.9"]}),
        entry("a", "fppp", found={"9.9": ledger.Found(reason="why")}),
    ],
)
def test_verdicts_that_do_not_fit_the_rules_are_told_with_their_line(path: Path, changed: ledger.Entry) -> None:
    write(path, entry("fine", "pppp"), changed)
    with pytest.raises(BadInput, match=r"ledger\.jsonl, line 3: the verdicts of call 'a' do not fit"):
        summarise([path])


def test_memory_does_not_grow_with_the_calls(tmp_path: Path) -> None:
    def peak(calls: int) -> int:
        path = write(tmp_path / f"{calls}.jsonl", *(msgspec.structs.replace(RUDE, call=f"c{n}") for n in range(calls)))
        tracemalloc.start()
        try:
            summarise([path])
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(8000) < 2 * peak(1000)


# -- why not


def test_reasons_that_differ_in_times_and_quotes_are_one(path: Path) -> None:
    summary = of(
        path,
        entry("a", "unmu", doubts={"no case record was given": ["1.1", "2.1"]}),
        entry("b", "ppmu", doubts={"no case record was given": ["2.1"]}),
        entry("c", "ppmu", doubts={"the wait for “hello” is 4.82 s against 5 s": ["2.1"]}),
        entry("d", "ppmu", doubts={"the wait for “hi” is 4.90 s against 5 s": ["2.1"]}),
    )
    case, wait = summary.doubts
    assert (case.reason, case.clauses, case.calls, case.alike) == ("no case record was given", ("1.1", "2.1"), 2, False)
    assert (wait.reason, wait.calls, wait.alike) == ("the wait for “hello” is 4.82 s against 5 s", 2, True)


def test_broken_rules_are_told_apart_from_broken_calls(path: Path) -> None:
    summary = of(
        path, entry("a", "epmp", found={"1.1": ledger.Found(reason="the rule broke: KeyError")}), entry("b", "ppme")
    )
    assert [(fault.reason, fault.clauses) for fault in summary.faults] == [
        ("broke 2.1", ("2.1",)),
        ("the rule broke: KeyError", ("1.1",)),
    ]
    assert (summary.failing_calls, summary.findings) == (0, ())


def test_a_verdict_without_evidence_says_so(path: Path) -> None:
    summary = of(path, entry("a", "fpme", found={}))
    assert summary.findings[0].example.reason == "the ledger holds no reason"
    assert summary.faults[0].reason == "the ledger holds no reason"


# -- agents


def test_agents_with_few_calls_come_last_and_are_said_to_be_few(path: Path) -> None:
    calls = [entry(f"ann-{n}", "ppmp", agent="Ann") for n in range(12)]
    calls += [entry(f"bea-{n}", "fpmn", agent="Bea") for n in range(10)]
    calls += [entry("new", "fnmn", agent="Cem"), entry("nobody", "nnmn")]
    bea, ann, cem, nobody = of(path, *calls).agents
    assert [row.agent for row in (bea, ann, cem, nobody)] == ["Bea", "Ann", "Cem", ""]
    assert [row.small for row in (bea, ann, cem, nobody)] == [False, False, True, True]
    assert bea.rate == Rate.of(10, 20)
    assert bea.sections == (Rate.of(10, 20), None)
    assert (bea.score, bea.calls, bea.critical_calls) == (pytest.approx(5 / 8), 10, 0)
    assert (nobody.rate, nobody.score) == (None, None)


# -- findings


def test_findings_are_ordered_by_severity_and_then_by_calls(path: Path) -> None:
    summary = of(path, entry("a", "nnff"), entry("b", "fnmf"), entry("c", "pfmn"))
    assert [(f.clause, f.severity, f.calls) for f in summary.findings] == [
        ("1.2", "critical", 1),
        ("2.1", "major", 2),
        ("1.1", "major", 1),
        ("1.3", "minor", 1),
    ]


def test_the_example_of_a_finding_is_the_call_that_broke_it_most_often(path: Path) -> None:
    def broke(times: int) -> dict[str, ledger.Found]:
        return {"1.1": ledger.Found(reason=f"{times} times", broken=times)}

    calls = [entry(name, "fnmn", found=broke(times)) for name, times in (("c", 1), ("b", 3), ("a", 3), ("d", 2))]
    (finding,) = of(path, *calls).findings
    assert (finding.example.call, finding.example.reason, finding.broken, finding.calls) == ("a", "3 times", 9, 4)


@pytest.mark.parametrize(
    ("found", "quote"),
    [
        (
            ledger.Found(
                reason="r", start=4.5, evidence=(said("Yes", turn=0, start=0.0), said("Damn", turn=1, start=2.5))
            ),
            "Damn",
        ),
        (ledger.Found(reason="r", evidence=(said("Damn", turn=1),)), "Damn"),
        (ledger.Found(reason="r", start=4.5, evidence=(said("So", turn=2, start=9.7, near=True),)), "Damn, it broke."),
        (ledger.Found(reason="r", start=4.5), "Damn, it broke."),
        (ledger.Found(reason="r", start=-1.0), ""),
        (ledger.Found(reason="r"), ""),
    ],
    ids=["nearest evidence", "no times", "a miss is no quote", "the turn it follows", "before all turns", "nothing"],
)
def test_a_finding_quotes_what_was_said_there(path: Path, found: ledger.Found, quote: str) -> None:
    (finding,) = of(path, entry("a", "fnmn", found={"1.1": found}, turns=TALK)).findings
    assert finding.example.quote == quote


# -- failing calls


def test_failing_calls_are_ordered_by_critical_breaches_then_by_weight_lost(path: Path) -> None:
    summary = of(
        path,
        entry("minor", "ppfp"),
        entry("critical", "pfmp"),
        entry("two", "fnmf"),
        entry("b", "fnmn"),
        entry("a", "fnmn"),
    )
    assert [call.call for call in summary.failing] == ["critical", "two", "a", "b", "minor"]
    assert [call.lost for call in summary.failing] == [5, 6, 3, 3, 1]
    assert summary.failing_calls == 5


def test_the_clauses_of_a_failing_call_begin_with_the_worst(path: Path) -> None:
    (call,) = of(path, entry("a", "ffff")).failing
    assert call.failed == ("1.2", "1.1", "2.1", "1.3")


def test_only_the_worst_failing_calls_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "WORST_CALLS", 2)
    summary = of(
        path,
        *(entry(name, verdicts) for name, verdicts in (("a", "fnmn"), ("b", "nnfn"), ("c", "nfmn"), ("d", "fnmn"))),
    )
    assert ([call.call for call in summary.failing], summary.failing_calls) == (["c", "a"], 4)


def test_exhibits_are_kept_and_every_call_is_handed_on(path: Path) -> None:
    teeth = ledger.Exhibit(view="rules", title="Teeth")
    seen: list[str] = []
    summary = Ledgers([write(path, RUDE, teeth, UNREAD, entry("b", "pfmn"))]).summary(
        lambda call: seen.append(call.call)
    )
    assert summary.exhibits == (teeth,)
    assert seen == ["rude", "b"]


def test_a_waived_breach_is_counted_and_is_in_no_rate_and_no_score(path: Path) -> None:
    accepted = ledger.Found(reason="broke 1.1", waiver="Ann, until 2099-01-01: old greeting")
    summary = summarise([write(path, entry("old", "wppn", found={"1.1": accepted}))])
    greets = summary.clauses[0].counts
    assert (greets.waived, greets.failed, greets.judged, greets.rate) == (1, 0, 0, None)
    assert summary.counts.planned == 4
    assert (summary.mean_score, summary.failing_calls) == (1.0, 0)
    told = "planned 4 verdicts: 2 passed, 0 failed; not in the rates: 1 waived, 1 not applicable"
    assert told in terminal_lines(summary, 100)


def test_every_planned_verdict_is_accounted_for(path: Path) -> None:
    plans = ledger.Plan(verdicts=400), ledger.Plan(verdicts=20)
    lines = [*plans, entry("a", "pfnu"), entry("b", "wme-"), UNREAD]
    summary = summarise([write(path, *lines)])
    assert (summary.planned, summary.unread_verdicts, summary.not_run, summary.complete) == (20, 4, 9, False)
    assert accounts(summary) == (
        "planned 20 verdicts: 1 passed, 1 failed; "
        "not in the rates: 1 waived, 1 not applicable, 1 undecided, 1 not assessed, 5 errors, 9 not run"
    )
    given = sum(getattr(summary.counts, outcome.name.lower()) for outcome in Outcome)
    assert summary.planned == given + summary.unread_verdicts + summary.not_run


def test_a_damaged_line_is_told_and_leaves_the_run_incomplete(path: Path) -> None:
    write(path, ledger.Plan(verdicts=4), entry("a", "pppp"), entry("b", "pppp"))
    path.write_bytes(path.read_bytes().replace(b'"call":"b"', b'"call":"c"'))
    summary = summarise([path])
    assert (summary.calls, summary.not_run, summary.complete) == (1, 0, False)
    assert terminal_lines(summary, 100)[0] == f"INCOMPLETE: cut off or changed in the ledger: {path}, line 4"

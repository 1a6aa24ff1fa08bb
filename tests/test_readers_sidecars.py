"""What lies beside calls: metadata, role maps, cases and attestations."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_callqa.call import Attestation, Call, Event, FollowUp
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import ReadOptions, Sidecars, Unreadable, read_calls

CALL = {"id": "c1", "turns": [{"text": "Hello.", "speaker": "A"}, {"text": "Hi.", "speaker": "B"}]}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder ``calls`` with one call, seen from above."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calls" / "deep").mkdir(parents=True)
    (tmp_path / "calls" / "a.json").write_text(json.dumps(CALL))
    return tmp_path


def write(file: str, content: str) -> str:
    Path(file).write_text(content, encoding="utf-8")
    return file


def read(options: ReadOptions | None = None) -> Call:
    [call] = read_calls(["calls"], options or ReadOptions())
    assert isinstance(call, Call), call
    return call


def refusal() -> str:
    [one] = read_calls(["calls"], ReadOptions())
    assert isinstance(one, Unreadable)
    return str(one)


def test_a_sidecar_says_what_no_transcript_can() -> None:
    write(
        "calls/a.meta.yaml",
        """
        started: 2026-01-05T10:00:00+08:00
        rings: 2
        ring_time: 7.5
        agent: Dana
        shift:
        customer_sex: female
        language: en
        events:
          - {kind: answer, time: 0, by: agent}
          - {kind: hold, time: 20.5}
        case: {kind: complaint, difficult: true}
        roles: {A: agent, b: customer}
        """,
    )
    call = read()
    assert (call.rings, call.ring_time, call.agent, call.shift, call.language) == (2, 7.5, "Dana", "", "en")
    assert call.started == datetime(2026, 1, 5, 2, tzinfo=UTC)
    assert call.events == (Event(kind="answer", time=0, by="agent"), Event(kind="hold", time=20.5))
    assert ([turn.role for turn in call.turns], call.roles) == (["agent", "customer"], "mapped")
    assert call.case is not None
    assert (call.case.kind, call.case.difficult, call.case_known) == ("complaint", True, True)


def test_a_sidecar_can_say_that_there_is_no_case() -> None:
    write("calls/a.meta.yaml", "case: none")
    assert (read().case, read().case_known) == (None, True)
    write("calls/a.meta.yaml", "")
    assert (read().case, read().case_known) == (None, False)


def test_a_sidecar_of_json_lines_covers_every_line_and_wins_over_the_options() -> None:
    Path("calls/a.json").write_text("\n".join(json.dumps(CALL | {"id": f"c{n}"}) for n in (1, 2)))
    write("calls/a.meta.yaml", "team: north\nroles: {A: agent}")
    calls = list(read_calls(["calls"], ReadOptions(roles={"A": "customer", "B": "customer"}, language="de")))
    assert [call.team for call in calls if isinstance(call, Call)] == ["north", "north"]
    assert [turn.role for call in calls if isinstance(call, Call) for turn in call.turns[:2]] == [
        "agent",
        "customer",
    ] * 2
    assert isinstance(calls[0], Call)
    assert calls[0].language == "de"


def test_speakers_that_the_role_map_does_not_name_keep_their_role() -> None:
    call = read(ReadOptions(roles={"a": "agent"}))
    assert ([turn.role for turn in call.turns], call.roles) == (["agent", "unknown"], "mapped")
    assert read(ReadOptions(roles={"X": "agent"})).roles == "unknown"


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        ("turns: []", "'turns' is no field that a sidecar sets"),
        ("ringtime: 3", "'ringtime' is no field that a sidecar sets. Did you mean 'ring_time'?"),
        ("rings: two", "$.rings: Expected `int | null`, got `str`"),
        ("roles: {A: boss}", "Not one of the values allowed here"),
        ("- a", "Expected `object`, got `array`"),
        ("a: &x 1\nb: *x", "line 1: anchors and aliases"),
        ("rings: !!int 3", "line 1: the tag"),
        ("rings: 1\nrings: 2", "line 2: the key 'rings' is given twice"),
        ("[" * 5000, "line 1: nested deeper than"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_sidecar_that_does_not_fit_makes_its_call_unreadable(yaml: str, says: str) -> None:
    write("calls/a.meta.yaml", yaml)
    message = refusal()
    assert message.startswith("calls/a.json: calls/a.meta.yaml")
    assert says in message


CASES = """call,id,kind,opened,difficult,simple,changes,follow_ups
c1,t-1,complaint,2026-01-05T10:00:00Z,yes,no,a; b,2026-01-06T09:00:00Z solution late; 2026-01-07T09:00:00Z usage
,t-2,inquiry,,,,,
"""


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cases_beside_the_calls(delimiter: str) -> None:
    table = CASES if delimiter == "," else CASES.replace(";", "；").replace(",", delimiter).replace("；", " ")
    write("calls/cases.csv", "\ufeff" + table)
    case = read().case
    assert case is not None
    assert (case.id, case.kind, case.difficult, case.simple) == ("t-1", "complaint", True, False)
    assert case.opened == datetime(2026, 1, 5, 10, tzinfo=UTC)


def test_lists_in_a_case_table_are_separated_by_semicolons() -> None:
    write("calls/cases.csv", CASES)
    case = read().case
    assert case is not None
    assert case.changes == ("a", "b")
    assert case.follow_ups == (
        FollowUp(time=datetime(2026, 1, 6, 9, tzinfo=UTC), purpose="solution", outcome="late"),
        FollowUp(time=datetime(2026, 1, 7, 9, tzinfo=UTC), purpose="usage"),
    )


def test_a_case_is_found_by_its_own_id_too() -> None:
    Path("calls/a.json").write_text(json.dumps(CALL | {"id": "c9", "case": {"id": "t-2"}}))
    write("calls/cases.csv", CASES)
    case = read().case
    assert case is not None
    assert case.kind == "inquiry"


def test_a_table_without_the_call_says_that_it_has_no_case() -> None:
    write("calls/cases.json", json.dumps([{"call": "other", "kind": "inquiry"}]))
    assert (read().case, read().case_known) == (None, True)


def test_cases_as_json_by_call_or_as_a_list() -> None:
    write("calls/cases.json", json.dumps({"c1": {"kind": "inquiry", "follow_ups": []}}))
    assert read().case is not None
    [call] = read_calls(["calls/a.json"], ReadOptions())
    assert isinstance(call, Call)
    assert call.case is not None


def test_the_nearest_table_wins_and_tables_by_option_come_last() -> None:
    Path("calls/a.json").rename("calls/deep/a.json")
    far = write("far.csv", "call,kind\nc1,suggestion\n")
    write("cases.csv", "call,kind\nc1,not for these\n")
    options = ReadOptions(cases=(far,))
    kinds = []
    for file, kind in ((None, "suggestion"), ("calls/cases.csv", "inquiry"), ("calls/deep/cases.csv", "complaint")):
        if file:
            write(file, f"call,kind\nc1,{kind}\n")
        case = read(options).case
        assert case is not None
        kinds.append(case.kind)
    assert kinds == ["suggestion", "inquiry", "complaint"]


def test_attestations_by_call_and_by_shift() -> None:
    Path("calls/a.json").write_text(json.dumps(CALL | {"shift": "early"}))
    write("calls/attestations.csv", "clause,verdict,assessor,call,shift\n1.1,passed,Ann,c1,\n1.2,failed,Bo,,early\n")
    write("late.json", json.dumps([{"clause": "1.3", "verdict": "passed", "assessor": "Cy", "call": "c1"}]))
    attested = read(ReadOptions(attestations=("late.json",))).attestations
    assert attested == (
        Attestation(clause="1.1", verdict="passed", assessor="Ann", call="c1"),
        Attestation(clause="1.2", verdict="failed", assessor="Bo", shift="early"),
        Attestation(clause="1.3", verdict="passed", assessor="Cy", call="c1"),
    )


@pytest.mark.parametrize(
    ("table", "content", "says"),
    [
        ("cases.csv", "call,knd\nc1,x\n", "cases.csv, line 2: 'knd' is no column of this table. Did you mean 'kind'?"),
        ("cases.csv", "call,opened\nc1,today\n", "cases.csv, line 2, column opened: Invalid RFC3339"),
        ("cases.csv", "call,opened\nc1,2026-01-05T10:00:00\n", "column opened: Expected `datetime` with a timezone"),
        ("cases.csv", "call,kind\nc1,x\nc1,y\n", "cases.csv, line 3: The same call or case has a row above"),
        ("cases.csv", "call,kind\n,x\n", "cases.csv, line 2: The row names no call and no case"),
        ("cases.csv", "call,kind\nc1,x,y\n", "cases.csv, line 2: The row has more fields than the header"),
        ("cases.csv", 'call,kind\nc1,"x', "cases.csv, line 2: This is not CSV"),
        ("cases.csv", "", "cases.csv: The table is empty"),
        ("cases.csv", "call,follow_ups\nc1,soon\n", "cases.csv, line 2, column follow_ups[0].time: Invalid RFC3339"),
        ("cases.json", '[{"kind": "x"}]', "cases.json, entry 1: The row names no call"),
        ("cases.json", '{"c1": 3}', "cases.json, $: Expected `object`, got `int`"),
        ("cases.json", "[3]", "cases.json, $[0]: Expected `object`, got `int`"),
        ("attestations.csv", "clause,verdict,assessor\n1,passed,A\n", "line 2: The row names no call and no shift"),
        ("attestations.csv", "clause,call\n1,c1\n", "line 2: Object missing required field `verdict`"),
    ],
)
def test_a_table_that_does_not_fit_is_an_error_of_usage(table: str, content: str, says: str) -> None:
    write(f"calls/{table}", content)
    with pytest.raises(BadInput) as error:
        read_calls(["calls"], ReadOptions())
    assert str(error.value).startswith("calls/") or "/calls/" in str(error.value)
    assert says in str(error.value)


def test_a_bad_table_further_down_makes_its_calls_unreadable() -> None:
    Path("calls/a.json").rename("calls/deep/a.json")
    write("calls/deep/cases.csv", "call,knd\nc1,x\n")
    assert "cases.csv, line 2: 'knd' is no column" in refusal()


def test_sidecars_cross_processes() -> None:
    write("calls/cases.csv", CASES)
    sidecars = pickle.loads(pickle.dumps(Sidecars.load(ReadOptions(), ["calls"])))
    case = sidecars.add_tables(Call(id="c1"), "calls/a.json").case
    assert case.id == "t-1"

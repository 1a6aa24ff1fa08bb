"""Section 1: what the call center is for."""

from pytest_callqa import NotApplicable, every_call, rule

from .situations import (
    attested,
    case_solved,
    case_unresolved,
    ended,
    in_time,
    inbound,
    seconds_ringing,
    usage_case_closed,
)


@rule("1.1a", "Answers in time", severity="minor", when=inbound)
def test_answered_in_time(call, code):
    """Must: picked up before the third ring ends; later: clause 3.4.1 applies as well."""
    rings = call.record.rings
    if rings is not None:
        assert call.fact(rings < code.rings, f"picked up before ring {code.rings} ended ({rings} rings)")
    else:
        assert call.longest(seconds_ringing(call), code.rings * code.ring_seconds, "the ringing")
    if not call.events("answer") and all(turn.role == "system" for turn in call.record.turns):
        raise NotApplicable("the customer hung up before the call had to be answered")


@rule("1.1b", "Understands, answers, comforts, helps", severity="minor", when=every_call, manual=True)
def test_understands_and_comforts(call):
    """Must: understand, answer, comfort and help the customer."""
    assert attested(call, "1.1b")


@rule("1.2", "Hands over what it cannot solve", severity="major", when=case_unresolved)
def test_unresolved_case_is_handed_over(call, code):
    """Must: the case names the department it went to, within two hours."""
    case = call.case
    handed_over = case.handed_over if case.department else None
    since = case.opened or ended(call)
    assert in_time(call, "a department is named", handed_over, since=since, hours=code.hand_over_hours)


@rule("1.3", "Return visit on use of the system", severity="minor", when=usage_case_closed)
def test_return_visit_on_use(call, code):
    """Must: a follow-up call of that case within seven days."""
    case = call.case
    visits = [visit.time for visit in case.follow_ups if visit.purpose in ("usage", "")]
    first = min(visits, default=None)
    assert in_time(call, "a return visit on use", first, since=case.closed, hours=code.return_visit_hours)


@rule("1.4", "Return visit on the solution, tracked", severity="major", when=case_solved)
def test_return_visit_on_the_solution(call, code):
    """Must: a follow-up call is recorded with its outcome; an outcome of "not solved" reopens the case."""
    case = call.case
    visits = [visit for visit in case.follow_ups if visit.purpose in ("solution", "")]
    first = min((visit.time for visit in visits), default=None)
    assert in_time(call, "a return visit on the solution", first, since=case.closed, hours=code.return_visit_hours)
    assert call.fact(all(visit.outcome for visit in visits), "every return visit has its outcome")
    unsolved = any(visit.outcome == "not solved" for visit in visits)
    assert call.fact(not unsolved or case.reopened, "the case is reopened if the visit finds it not solved")

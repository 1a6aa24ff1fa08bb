"""GitHub's workflow commands: an annotation at the rule's line for each new finding that stops the change."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_callqa.gate.telling import machine_line, rate_text
from pytest_callqa.outputs.results import Results, message_of, place_of
from pytest_callqa.report.text import count, incomplete, visible


def pieces(results: Results) -> Iterator[str]:
    """A command a line; the worst findings only, since GitHub shows ten of a kind."""
    decision = results.decision
    for text in incomplete(decision.summary):
        yield _command("error", text, title="callqa")
    for finding in decision.new:
        file, line = place_of(finding)
        title = f"{finding.rule.clause} {finding.rule.severity}"
        yield _command("error", message_of(finding), file=file, line=str(line), title=title)
    left = decision.blocking - len(decision.new)
    if left:
        yield _command("error", f"{count(left, 'more new finding')}; see the report")
    for check in (*decision.failing_rates, *decision.small):
        yield _command("error", rate_text(check), title=f"{check.clause} rate")
    for fault in decision.faults:
        yield _command("error", fault)
    for unread in decision.summary.unread:
        yield _command("error", f"{unread.file}: {unread.problem}", title="could not be read")
    yield _command("notice", machine_line(decision), title="callqa")


def _command(kind: str, message: str, **properties: str) -> str:
    told = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    return f"::{kind}{' ' + told if told else ''}::{_escaped(message)}\n"


def _escaped(text: str, also: str = "") -> str:
    """The text on one line, fit for a command: nothing in it can end the command or begin another."""
    safe = visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for sign in also:
        safe = safe.replace(sign, f"%{ord(sign):02X}")
    return safe

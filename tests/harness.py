"""A small project of rules and calls, written and run in one line each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Self

import pytest

from pytest_callqa import cli, ledger

CODE = """
title = "Test book"
organisation = "Acme Bank"
languages = ["en"]
silence = 5

[sections]
"1" = "Manners"
"2" = "Waiting"
"""

PHRASES = """
language: en
light: [a, the, is, to, for, you, i, we, can, do, me]
phrases:
  hello: [hello, good morning]
  sorry: [sorry, I apologise]
  curse: [damn]
  offer_help: ["what can (i|we) do for you", "how (can|may) (i|we) help you"]
"""

RULES = '''
from pathlib import Path
from pytest_callqa import Moment, PhraseBook, rule, situation

phrases = PhraseBook.load(Path(__file__).parent / "phrases")


@situation("customer swears")
def customer_swears(call):
    for quote in call.customer.says(phrases.curse).quotes:
        said = call.utterances[quote.turn]
        yield Moment(call, said.index, start=said.end, turn=said)


@situation("silence after the agent")
def silence(call, code):
    for gap in call.silences(code.silence):
        if gap.before is not None and gap.before.role == "agent":
            yield Moment(call, gap.before.index, start=gap.start, doubt=gap.doubt)


@rule("1.1", "Greets")
def test_greets(call):
    """The first thing the agent says is a greeting."""
    assert call.agent.first.says(phrases.hello)


@rule("1.2", "Swearing is met with an apology", severity="critical", when=customer_swears)
def test_apologises(moment):
    assert moment.reply.says(phrases.sorry)


@rule("1.3", "Friendly", severity="minor", manual=True)
def test_friendly(call):
    assert call.attestation("1.3").verdict == "passed"


@rule("2.1", "A silent customer is asked again", when=silence)
def test_asks_again(moment, code):
    again = moment.agent.says(phrases.offer_help)
    assert again
    assert again.at_least(code.silence, after=moment.start)
'''


def talk(call: str, *turns: str, gap: float = 0.5, **fields: object) -> dict[str, object]:
    """A native call from lines such as ``"agent: Hello"``; a turn lasts 2 s, ``"+6 agent: …"`` comes after 6 s."""
    clock = 0.0
    said = []
    for turn in turns:
        pause = gap if said else 0.0
        if turn.startswith("+"):
            wait, turn = turn[1:].split(" ", 1)
            pause = float(wait)
        role, text = turn.split(": ", 1)
        clock += pause
        said.append({"role": role, "text": text, "start": round(clock, 2), "end": round(clock + 2, 2)})
        clock += 2
    return {"id": call, "turns": said, "timing": "turn", "tolerance": 0.2, "roles": "given", "language": "en", **fields}


GOOD = talk("good", "agent: Hello, what can I do for you?", "customer: Damn, it broke.", "agent: I am sorry.")
RUDE = talk("rude", "agent: Yes?", "customer: Damn, it broke.", "agent: So what.")
SILENT = talk("silent", "agent: Hello.", "+6 agent: How may I help you?")
BORDERLINE = talk("borderline", "agent: Hello.", "+4.9 agent: How may I help you?", duration=6.9)
UNTIMED = {
    "id": "untimed",
    "turns": [{"role": "agent", "text": "Hello."}, {"role": "customer", "text": "Hi."}],
    "roles": "given",
    "language": "en",
}
CALLS = (GOOD, RUDE, SILENT, BORDERLINE, UNTIMED)


TALKS_BACK_NOW = (
    "1.2 Swearing is met with an apology",
    "passed before, failed now, in * of * conversations; the shortest:",
    "> * agent: Watch it.",
    "before:",
    "  * agent: I am sorry.",
)
"""What a comparison tells when a script that was sorry of swearing says "Watch it." instead."""


class Project:
    """Files in a temporary folder, and pytest run over them."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path

    def book(self, rules: str = RULES, phrases: str = PHRASES, code: str = CODE) -> Self:
        """Write a rule book of four rules, or another."""
        return (
            self.file("rules/test_rules.py", rules).file("rules/phrases/en.yaml", phrases).file("rules/code.toml", code)
        )

    def calls(self, *calls: dict[str, object], name: str = "calls/day.jsonl") -> Self:
        """Write native calls as JSON lines."""
        return self.file(name, "".join(json.dumps(call, ensure_ascii=False) + "\n" for call in calls or CALLS))

    def file(self, name: str, text: str | bytes) -> Self:
        """Write any file."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self

    def run(self, *arguments: str, calls: str | None = "calls") -> pytest.RunResult:
        """Run pytest over the rules and calls."""
        given = ["--calls", calls] if calls else []
        return self.pytester.runpytest("rules", *given, *arguments)

    def run_apart(self, *arguments: str, calls: str | None = "calls") -> pytest.RunResult:
        """The same in a process of its own."""
        given = ["--calls", calls] if calls else []
        return self.pytester.runpytest_subprocess("rules", *given, *arguments)

    def ledger(self, name: str = ".callqa/ledger.jsonl") -> list[ledger.LedgerLine | ledger.Damaged]:
        """The lines of a ledger the run wrote."""
        return list(ledger.read(self.path / name))

    def calls_told(self) -> list[ledger.LedgerLine]:
        """What the ledger says of calls, read or not."""
        return [line for line in self.ledger() if isinstance(line, ledger.Entry | ledger.Unread)]

    def verdicts(self, name: str = ".callqa/ledger.jsonl") -> dict[str, str]:
        """The letters of every call in a ledger."""
        return {line.call: line.verdicts for line in self.ledger(name) if isinstance(line, ledger.Entry)}


def callqa(*arguments: str) -> int:
    """The command with these arguments, in this process; its exit code."""
    return cli.main(list(arguments))


def same_calls(first: Path, second: Path) -> bool:
    """Whether two ledgers hold the same lines of calls, in whatever order."""

    def lines(path: Path) -> list[bytes]:
        return sorted(
            ledger.encode(line) for line in ledger.read(path) if isinstance(line, ledger.Entry | ledger.Unread)
        )

    return lines(first) == lines(second)

"""Ledgers for the tests of reports: some written by hand, one by the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness import CALLS, CODE, PHRASES, RULES
from pytest_callqa import ledger
from pytest_callqa.call import Call
from pytest_callqa.engine import hear, judge
from pytest_callqa.redact import redactor
from pytest_callqa.report.html import write_html
from pytest_callqa.report.transcript import TextLevel
from pytest_callqa.rules import RuleBook
from pytest_callqa.verdict import Evidence

RUN = ledger.Run(
    title="Test book",
    version="0123456789ab",
    tool="0.1.0",
    rules=(
        ledger.RuleLine("1.1", "Greets", "major", "1", "every call", "The first thing said is a greeting."),
        ledger.RuleLine("1.2", "Swearing is met with an apology", "critical", "1", "customer swears"),
        ledger.RuleLine("1.3", "Friendly", "minor", "1", manual=True),
        ledger.RuleLine("2.1", "A silent customer is asked again", "major", "2", "silence after the agent"),
    ),
    sections={"1": "Manners", "2": "Waiting"},
    weights={"critical": 5.0, "major": 3.0, "minor": 1.0},
    started="2026-11-02T06:00:00+00:00",
    mode="batch",
)
END = ledger.End(finished="2026-11-02T06:00:09+00:00")
TALK = (
    ledger.Line("agent", 0.0, 2.0, "Yes?"),
    ledger.Line("customer", 2.5, 4.5, "Damn, it broke."),
    ledger.Line("agent", 9.7, 11.0, "So what."),
)
UNREAD = ledger.Unread(
    call="tuesday",
    file="calls/tuesday.vtt",
    place="line 311",
    problem="the times run backwards (0:41.2 after 0:43.0); repair the file and judge it again",
)
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--<script>",
    "\" onmouseover='alert(1)' x=\"",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "line\u2028paragraph\u2029",
    "\u202eright to left\u202c \u2066isolate",
    "\x00nul \x1b[2J \x7f \x9b",
    "]]></style><style>*{display:none}",
    "&lt;already&amp;",
)


def write(path: Path, *lines: ledger.LedgerLine, run: ledger.Run = RUN, end: bool = True) -> Path:
    """A ledger of these lines, begun by a run and ended unless told otherwise."""
    path.write_bytes(b"".join(ledger.encode(line) for line in (run, *lines, *((END,) if end else ()))))
    return path


def entry(call: str, verdicts: str, **fields: object) -> ledger.Entry:
    """A call with these verdicts; what failed has a plain reason unless ``found`` says more."""
    clauses = [rule.clause for rule in RUN.rules]
    broken = {
        c: ledger.Found(reason=f"broke {c}", broken=1) for c, v in zip(clauses, verdicts, strict=False) if v in "fe"
    }
    return msgspec.structs.replace(ledger.Entry(call=call, verdicts=verdicts, found=broken, format="native"), **fields)


def said(quote: str, *, turn: int, text: str = "", start: float | None = None, near: bool = False) -> Evidence:
    """Evidence for words of a turn of :data:`TALK`, or of another text."""
    first = (text or TALK[turn].text).index(quote)
    return Evidence(
        "asked", holds=not near, quote=quote, turn=turn, first=first, last=first + len(quote), start=start, near=near
    )


RUDE = entry(
    "rude",
    "ffmn",
    agent="Ann",
    team="North",
    language="en",
    file="calls/day.jsonl",
    duration=11.0,
    timing="turn",
    started="2026-11-01T09:00:00+00:00",
    moments={"1.2": 3},
    found={
        "1.1": ledger.Found(reason="the agent's first turn says hello: not found", start=0.0, broken=1),
        "1.2": ledger.Found(
            reason="the agent's reply says sorry: not found; nearest: “So what.” at 0:09.7, 41 of 100",
            start=4.5,
            line="test_rules.py:37",
            broken=2,
            evidence=(said("Damn", turn=1, start=2.5), said("So what", turn=2, start=9.7, near=True)),
        ),
    },
    turns=TALK,
    silences=((4.5, 9.7),),
)


CHINESE = entry(
    "zh-1",
    "pfmu",
    agent="陈静",
    team="South",
    language="zh",
    turns=(
        ledger.Line("agent", 0.0, 3.0, "您好，请问有什么可以帮您？"),
        ledger.Line("customer", 2.5, 6.0, "你们的系统又坏了！"),
    ),
    marks=(
        ledger.Mark("ring", 0.0, "unknown"),
        ledger.Mark("hold", 3.0, "agent"),
        ledger.Mark("unhold", 4.0, "agent"),
        ledger.Mark("mute", 4.5, "agent"),
    ),
    case={"content": "坏了", "contact": "••••"},
    doubts={"no case record was given for this call": ["2.1"]},
)
FULL: tuple[ledger.LedgerLine, ...] = (
    RUDE,
    CHINESE,
    *(entry(f"good-{n}", "ppmp", agent="Ann", started=f"2026-11-{n + 1:02}T09:00:00+00:00") for n in range(12)),
    entry("odd", "pnme"),
    UNREAD,
    ledger.Exhibit(view="rules", title="Teeth", columns=("clause", "caught"), rows=(("1.2", 3), ("2.1", 0))),
    ledger.Exhibit(view="scenarios", title="Menu", edges=(("start", "sales", "1"), ("start", "help", "2"))),
    ledger.Exhibit(view="run", title="Waivers", figures=(("waived", 1),)),
)
"""Something in every part of a report."""


def written(
    folder: Path,
    *lines: ledger.LedgerLine,
    run: ledger.Run = RUN,
    end: bool = True,
    level: TextLevel = "evidence",
) -> Path:
    """The report of a ledger of these lines."""
    out = folder / "report.html"
    write_html([write(folder / "ledger.jsonl", *lines, run=run, end=end)], out, level=level)
    return out


def many(calls: int) -> Iterator[ledger.Entry]:
    """So many calls of 40 agents in 5 teams."""
    for n in range(calls):
        letters = f"{'f' if n % 7 == 3 else 'p'}{'npfpp'[n % 11 % 5]}m{'npnfu'[n % 13 % 5]}"
        agent = (n * n + n // 9) % 40
        yield entry(f"call-{n}", letters, agent=f"A{agent}", team=f"T{agent % 5}", turns=TALK)


def judged(folder: Path) -> Path:
    """The ledger of the sample project, judged by the engine."""
    for name, text in (("rules/test_rules.py", RULES), ("rules/phrases/en.yaml", PHRASES), ("rules/code.toml", CODE)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    book = RuleBook.load(folder / "rules")
    order = [rule.clause for rule in book]
    entries = []
    for call in CALLS:
        heard = hear(msgspec.convert(call, Call), book.code)
        verdicts = [judge(rule, heard, book.code) for rule in book]
        entries.append(ledger.call_entry(order, heard, verdicts, redactor()))
    run = ledger.run_line(book, tool="0.1.0", mode="batch", started="2026-11-02T06:00:00+00:00")
    return write(folder / "judged.jsonl", *entries, run=run)


def hostile(payload: str) -> tuple[ledger.Run, tuple[ledger.LedgerLine, ...]]:
    """A ledger with the payload in every field that holds text."""
    rules = tuple(msgspec.structs.replace(rule, title=payload, situation=payload, text=payload) for rule in RUN.rules)
    run = msgspec.structs.replace(
        RUN,
        title=payload,
        version=payload,
        tool=payload,
        mode=payload,
        started=payload,
        sections={"1": payload},
        rules=rules,
    )
    evidence = (Evidence(payload, holds=True, quote=payload, turn=0, first=2, last=len(payload) - 2, role=payload),)
    found = {"1.2": ledger.Found(reason=payload, start=0.0, line=payload, evidence=evidence)}
    fields = dict.fromkeys(("file", "format", "language", "direction", "agent", "team", "queue", "started"), payload)
    turns = (ledger.Line(payload, 0.0, 1.0, payload),)
    call = entry(payload, "ufme", found=found, doubts={payload: ["1.1"]}, limits=(payload,), turns=turns, **fields)
    return run, (call, ledger.Unread(call=payload, file=payload, place=payload, problem=payload))

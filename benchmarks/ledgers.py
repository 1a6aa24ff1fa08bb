"""Ledgers of any size, written straight as lines: what a month of a centre looks like, without judging anything.

Transcripts are drawn from a pool large enough that none comes twice in what a compressor looks back at.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from pytest_callqa import RuleBook, ledger
from pytest_callqa.verdict import Evidence

BOOK = Path(__file__).parents[1] / "conduct_specs"
POOL = 2000
AGENTS, TEAMS = 120, 8
LETTERS = "pnfum"
WORDS = Path(__file__).with_name("data").joinpath("words.txt").read_text(encoding="utf-8").split()


def write(path: Path, calls: int, *, agents: int = AGENTS, seed: int = 1) -> None:
    """A ledger of so many calls by the worked book; about half of them break a rule."""
    draw = random.Random(seed)
    run = ledger.run_line(RuleBook.load(BOOK), tool="0", mode="batch", started="2026-11-02T06:00:00+00:00")
    pool = [_talk(draw) for _ in range(min(POOL, calls))]
    start = datetime(2026, 10, 1, 8, tzinfo=UTC)
    with path.open("wb") as file:
        file.write(ledger.encode(run))
        for number in range(calls):
            file.write(ledger.encode(_call(draw, run, pool, number, start, draw.randrange(agents))))
        file.write(ledger.encode(ledger.End(finished="2026-11-02T07:00:00+00:00")))


def _talk(draw: random.Random) -> tuple[ledger.Line, ...]:
    clock, turns = 0.0, []
    for number in range(draw.randint(14, 40)):
        said = " ".join(draw.choices(WORDS, k=draw.randint(4, 28)))
        length = 0.4 * len(said.split())
        turns.append(ledger.Line("customer" if number % 2 else "agent", clock, clock + length, said))
        clock += length + draw.uniform(0.1, 2.5)
    return tuple(turns)


def _call(
    draw: random.Random,
    run: ledger.Run,
    pool: list[tuple[ledger.Line, ...]],
    number: int,
    start: datetime,
    agent: int,
) -> ledger.Entry:
    letters = draw.choices(LETTERS, weights=(22, 68, 1.4, 5, 3.6), k=len(run.rules))
    broken = [rule.clause for rule, letter in zip(run.rules, letters, strict=True) if letter == "f"]
    turns = draw.choice(pool)
    doubted = [rule.clause for rule, letter in zip(run.rules, letters, strict=True) if letter == "u"]
    when = start + timedelta(seconds=draw.randrange(30 * 86400))
    return ledger.Entry(
        call=f"{draw.getrandbits(48):012x}",
        file=f"calls/{when:%Y-%m-%d}.jsonl, line {number}",
        format="native",
        language="zh" if draw.random() < 0.2 else "en",
        agent=f"A{agent:04}",
        team=f"team {agent % TEAMS}",
        started=when.isoformat(),
        duration=turns[-1].end,
        timing="turn",
        roles="given",
        verdicts="".join(letters),
        moments=dict.fromkeys(broken[:1], 3),
        found={clause: _found(draw, turns) for clause in broken},
        doubts={"no case record was given for this call": doubted} if doubted else {},
        turns=turns if broken else (),
        silences=((30.0, 36.5),) if broken else (),
        marks=(ledger.Mark("answer", 0.0, "agent"),) if broken else (),
    )


def _found(draw: random.Random, turns: tuple[ledger.Line, ...]) -> ledger.Found:
    number = draw.randrange(len(turns))
    turn = turns[number]
    first = draw.randrange(len(turn.text) // 2)
    last = min(len(turn.text), first + draw.randint(4, 24))
    quote = turn.text[first:last]
    said = Evidence(
        asked="the agent says uncivil",
        holds=True,
        quote=quote,
        turn=number,
        first=first,
        last=last,
        role=turn.role,
        start=turn.start,
        end=turn.end,
        score=100.0,
    )
    near = msgspec.structs.replace(said, asked="the agent says apology", holds=False, near=True, score=61.5)
    return ledger.Found(
        reason=f"the agent's reply says apology: not found; nearest: “{quote}” at {turn.start:.1f}, 62 of 100",
        start=turn.start,
        line="test_2_duties.py:50",
        broken=1,
        evidence=(said, near),
    )

"""Made-up calls of about 30 turns: `python -m benchmarks.calls 10000 FILE` writes them as native JSON lines.

An agent speaks from a script with variations, a customer in sentences put together from parts, so that about
half of all utterances occur once, as in a real batch. The same number gives the same bytes.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

OPENINGS = [
    "Hello, welcome to call the monitoring center hotline. What can I do for you?",
    "Good morning, the monitoring center hotline, how can I help you today?",
    "Hi, you've reached the monitoring center hotline, this is extension {n}, how may I help you?",
]
SUBJECTS = [
    "the login page",
    "my account",
    "the camera at gate {n}",
    "the alarm in hall {n}",
    "report {n}",
    "the billing screen",
]
VERBS = ["does not open", "stopped working", "shows error {n}", "freezes", "disappeared", "asks for a new password"]
WHEN = [
    "since this morning",
    "after the update",
    "for {n} days",
    "every time I try",
    "since your colleague changed it",
    "again",
]
ASIDES = ["", "I already tried it twice. ", "My manager is waiting for it. ", "I need it before noon. ", "Um, well, "]
QUESTIONS = [
    "Could you tell me the number of the device, please?",
    "May I have your name and contact number, please?",
    "When did you first see this, on the {n}th?",
    "Would you please wait a moment while I check number {n}?",
    "Thank you. And which version is it, {n}?",
]
ANSWERS = [
    "It is number {n}.",
    "Sure, it's {n}.",
    "About {n} minutes ago.",
    "I think so, let me see, {n}.",
    "Yes.",
    "Of course.",
]
STEPS = [
    "Sorry to keep you waiting. I have reset {n} for you.",
    "Please open the settings and choose profile {n}, then save.",
    "The reason is that the licence {n} had run out, so I have renewed it. Have I explained it clearly?",
    "I can see ticket {n} here, it was closed by mistake and I have opened it again. Is it clear to you?",
]
CLOSES = [
    [
        "Have I explained it clearly? Is there anything else I can do for you?",
        "No, that's all.",
        "Thank you for calling. If you have any questions, please call again. Thank you, goodbye!",
    ],
    [
        "Was that clear? Anything else I can help you with today?",
        "No, nothing else.",
        "Thanks for calling, please call us again any time. Bye!",
    ],
]
BAD_CLOSE = ["Okay.", "Bye.", "Bye."]
KEPT = 0.97
"""How often an agent does as the code says, each time there is an occasion."""


def call(number: int) -> dict[str, object]:
    """The call of this number, as the native format holds it."""
    rng = random.Random(number)

    def line(*choices: list[str]) -> str:
        return " ".join(rng.choice(options) for options in choices).replace("{n}", str(rng.randint(2, 9999)))

    said = [("agent", line(OPENINGS))]
    for _ in range(rng.randint(11, 14)):
        said.append(
            (
                "customer",
                rng.choice(ASIDES) + line(SUBJECTS, VERBS, WHEN) + "." if rng.random() < 0.5 else line(ANSWERS),
            )
        )
        said.append(("agent", line(rng.choice((QUESTIONS, STEPS)))))
    close = rng.choice(CLOSES) if rng.random() < KEPT else BAD_CLOSE
    said += [("agent", close[0]), ("customer", close[1]), ("agent", close[2])]
    clock, turns, day = 0.0, [], f"2026-03-{1 + number % 28:02}"
    for role, text in said:
        clock += 0.4 + (6.0 if rng.random() < 0.001 else rng.random())
        end = clock + 0.4 * len(text.split())
        turns.append({"role": role, "text": text, "start": round(clock, 2), "end": round(end, 2)})
        clock = end
    return {
        "id": f"made-up-{number:07}",
        "turns": turns,
        "events": [{"kind": "hangup", "time": round(clock + 1, 2), "by": "customer"}],
        "timing": "turn",
        "tolerance": 0.2,
        "roles": "given",
        "language": "en",
        "started": f"{day}T09:00:00+08:00",
        "direction": "inbound",
        "rings": rng.randint(1, 2) if rng.random() < KEPT else 4,
        "agent": f"A{number % 40:02}",
        "case_known": True,
        "case": {
            "id": f"K{number}",
            "kind": "inquiry",
            "status": "solved",
            "opened": f"{day}T09:00:30+08:00",
            "closed": f"{day}T09:02:00+08:00" if rng.random() < KEPT else None,
            "content": "as told in the call",
            "contact": "on file",
            "follow_ups": [{"time": f"{day}T15:00:00+08:00", "purpose": "solution", "outcome": "solved"}],
        },
    }


def write(count: int, file: Path) -> None:
    """Write that many calls, a line each."""
    with file.open("w", encoding="utf-8") as out:
        for number in range(count):
            out.write(json.dumps(call(number), ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))

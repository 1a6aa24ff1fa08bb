"""Every option once, with its default and its help: of pytest and of the command line."""

from __future__ import annotations

DEFAULT_LEDGER = ".callqa/ledger.jsonl"
CUSTOMERS = 200
CELLS = 10_000
"""Rules times calls up to which auto makes an item of each."""

GATE = "critical,major,minor,rates"
TIMEOUT = 60
"""Seconds that a call may take in batch mode before its process is ended."""

FIXTURE = "callqa_bot"
"""The fixture of a team's conftest that gives the bot of a run that names none."""

BOT = "play generated customers against this bot, such as twiml:shop.ivr:app/voice or rasa:http://localhost:5005"
ALLOW = "a host besides loopback that the bot may be at"

CALLS = "calls: files, folders, patterns, s3://bucket/folder"

TEXTS = {
    "mode": (
        "auto",
        "cells: a test item for each rule and call; batch: one for each rule; auto chooses by their number",
    ),
    "format": ("auto", "read every call as this format instead of recognising it"),
    "language": ("", "language of calls that name none, such as en or zh"),
    "speech_model": ("", "folder of a faster-whisper model that recognises recordings without a transcript"),
    "organisation": ("", "the organisation agents must name, unless the call says otherwise"),
    "report": ("", "write the HTML report here"),
    "report_text": (
        "evidence",
        "words of calls in the report: none, those around evidence (the default), or full, all the ledger holds",
    ),
    "redact": (
        "standard",
        "off: mask nothing; standard: personal data; names: also names that no call gives; strict: every word that was "
        "said too (default standard)",
    ),
    "ledger": (DEFAULT_LEDGER, f"write the ledger here (default {DEFAULT_LEDGER})"),
    "cells": (str(CELLS), f"rules times calls up to which auto takes cells (default {CELLS})"),
    "script": ("", "play generated customers against this agent's script, such as conduct_specs/script.yaml"),
    "against": (
        "",
        "say the same to this older script or bot, or judge by this older rule book, and tell only what ends otherwise",
    ),
    "variants": ("0", "judge so many variants of each call, and fail the rules whose verdict changes"),
    "customers": ("", f"how many customers are generated (default {CUSTOMERS}, fewer for live bots)"),
    "profile": ("auto", "what generated customers spare the bot: deterministic, live or slow; auto asks the bot"),
    "minutes": ("", "minutes after which no further customer is generated, 0: any (default by the profile)"),
    "requests": ("", "moves after which no further customer is generated, 0: any (default by the profile)"),
    "replays": ("", "times a breach of a bot that is not deterministic is tried again (default by the profile)"),
    "at_once": (
        "",
        "conversations held at the same time with a bot that is not deterministic (default by the profile)",
    ),
    "save_failures": ("", "write the shortest conversation that breaks each rule into this folder, as a native call"),
    "baseline": ("", "a ledger, or the file that `callqa baseline update` wrote: what it holds does not fail the run"),
    "gate": (GATE, f"what fails the run: new findings of these severities, and rates (default {GATE})"),
    "jobs": ("0", "processes in batch mode (default: one a processor)"),
    "timeout": (str(TIMEOUT), f"seconds that a call may take in batch mode (default {TIMEOUT})"),
    "memory": ("0", "megabytes that a process may take in batch mode (default: as many as it likes)"),
}
"""Options that take one value: default and help."""

LISTS = {
    "roles": ("ROLE_MAP", "who the speakers are, such as 0=agent,1=customer"),
    "cases": ("FILE", "table of case records, CSV or JSON, keyed by call or case id"),
    "attestations": ("FILE", "table of attestations of manual clauses, CSV or JSON"),
}
"""Options that may be given more than once: what they take and help."""

SWITCHES = {
    "recordings": "judge the recordings in folders too, and take the pauses of transcripts from those beside them",
    "teeth": "change calls that keep a rule so that they break it, and fail the rules that miss it",
    "strict": "undecided verdicts fail",
    "resume": "go on where the last run ended: judge only what its ledger lacks",
}
"""Options that are on or off: help."""

"""Run every benchmark, or those named: `python -m benchmarks startup cells batch`."""

from __future__ import annotations

import importlib
import sys

ALL = (
    "startup",
    "cells",
    "batch",
    "quality",
    "matching",
    "readers",
    "audio",
    "report",
    "scenarios",
    "bots",
    "redaction",
)

for name in [name for name in sys.argv[1:] if name in ALL] or ALL:
    importlib.import_module(f"benchmarks.{name}").main()

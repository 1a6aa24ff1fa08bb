"""How far the times of a format may be off, in seconds, and why.

A rule whose answer lies inside the tolerance is *undecided*. Measured on real files where the
sentence says so; never less than the measured error of the recogniser's family.
"""

from __future__ import annotations

_TABLE: dict[str, tuple[float, str]] = {
    "native": (0.0, "The file states its own tolerance; none stated means exact."),
    "contact-lens": (0.3, "Turn times only, and turns swallow pauses: a 4.80 s silence may be 5 s."),
    "transcribe-call-analytics": (0.2, "Word times; Transcribe pads word ends to the next word."),
    "webvtt": (0.5, "A caption's times are when it is shown, rounded to lines and reading speed."),
    "srt": (0.5, "As WebVTT."),
    "deepgram": (0.2, "Word times; measured against two other recognisers, one pause was up to 0.8 s apart."),
    "vcon": (1.0, "A text message's time is when it was sent; spoken bodies bring their own tolerance."),
    "wtf": (0.3, "World Transcription Format: segment times as its provider, one of many, gave them."),
    "turn-list": (0.3, "Turn times of an unnamed recogniser."),
    "labelled-text": (0.0, "No times, so nothing that could be off."),
}


def tolerance(format: str) -> float:
    """Seconds by which the times of ``format`` may be off."""
    return _TABLE[format][0]

"""How far the times of a format may be off, in seconds, and why.

A rule whose answer lies inside the tolerance is *undecided*. Measured on real files where the
sentence says so; never less than the measured error of the recogniser's family.
"""

from __future__ import annotations

_TABLE: dict[str, tuple[float, str]] = {
    "native": (0.0, "The file states its own tolerance; none stated means exact."),
    "contact-lens": (0.3, "Turn times only, and turns swallow pauses: a 4.80 s silence may be 5 s."),
    "contact-lens-real-time": (0.3, "As Contact Lens."),
    "transcribe-call-analytics": (0.2, "Word times; Transcribe pads word ends to the next word."),
    "transcribe": (0.2, "As Transcribe Call Analytics."),
    "post-call-analytics": (0.3, "Turn times; its word ends are not to be relied on."),
    "deepgram": (0.4, "Measured against AssemblyAI on one clip: 95 of 100 word ends lie within 0.4 s."),
    "assemblyai": (0.4, "Measured against Deepgram: see there."),
    "whisper": (0.8, "Measured: it stretches words over pauses, and shows one of 1.18 s as none."),
    "whisper-cpp": (0.8, "As Whisper."),
    "whisperx": (0.3, "Forced alignment is closer than Whisper, but digits have no times."),
    "openai-diarized": (0.8, "As Whisper."),
    "azure-batch": (0.2, "Measured against Azure's fast API on one call: 90 of 100 words lie within 0.11 s."),
    "azure-fast": (0.2, "As Azure batch."),
    "azure-content-understanding": (0.2, "As Azure batch."),
    "google-json-conversation": (1.0, "When a message was logged, often in whole seconds."),
    "google-conversation": (0.4, "Word times, not measured: as the recognisers that were."),
    "genesys": (0.4, "Phrase times, not measured: as the recognisers that were."),
    "twilio": (0.4, "Sentence times, not measured: as the recognisers that were."),
    "harpervalley": (0.3, "Cut by a recogniser, then transcribed by people who did not move the cuts."),
    "webvtt": (0.5, "A caption's times are when it is shown, for reading."),
    "srt": (0.5, "As WebVTT."),
    "vcon": (1.0, "A text message's time is when it was sent; spoken bodies bring their own tolerance."),
    "wtf": (0.3, "World Transcription Format: segment times as its provider, one of many, gave them."),
    "turn-list": (0.3, "Turn times of an unnamed recogniser."),
    "table": (0.3, "Turn times of an unnamed recogniser; the column map may state another."),
    "recording": (0.15, "Measured on synthetic speech with noise: pauses are found within 0.15 s."),
    "labelled-text": (1.0, "Times, if there are any, are those at which a line was begun, in whole seconds."),
}


def tolerance(format: str) -> float:
    """Seconds by which the times of ``format`` may be off."""
    return _TABLE[format][0]

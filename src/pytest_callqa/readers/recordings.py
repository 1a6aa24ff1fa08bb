"""Recordings as calls: turns without words and real pauses, or a transcript's words at the times they were spoken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from pytest_callqa.call import Call, Event, Role, Turn, Wave
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import source
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.roles import RoleMap
from pytest_callqa.readers.tolerance import tolerance

if TYPE_CHECKING:
    from pytest_callqa.audio.sound import Channel, Sound

SUFFIXES = (".wav", ".mp3", ".ogg", ".opus", ".flac", ".au")
"""How recordings are called that lie beside transcripts."""

FORMAT = "recording"

LOW_VOICE = -36.0
"""LUFS below which a voice is low: ten less than the level that telephone speech is sent at (ITU-T P.56: -26)."""

NOISY = 15.0
"""dB by which speech stands out from the noise; with less, words are lost."""

_NOISY_TOLERANCE = 0.3
"""Seconds: noise hides how words begin and end."""

_NEEDS = "Judging recordings needs further packages: pip install 'pytest-callqa[audio]', or give transcripts only."


def is_recording(head: bytes) -> bool:
    """Whether a file that begins so is a recording, whatever its name."""
    if head[:4] in (b"RIFF", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[4:8] == b"ftyp":
        raise BadInput("Recordings in MP4 are not read: export WAV, FLAC, Ogg or MP3.")
    is_mp3 = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4) and head[1] != 0xFE
    return head[:4] in (b"fLaC", b"OggS", b".snd") or head[:3] == b"ID3" or is_mp3


def hear(stored: str | bytes) -> Sound:
    """What is heard in a recording (a path, or its content). Raises :class:`BadInput`, also without the extra."""
    if isinstance(stored, bytes):
        return _hear(stored)
    about = os.stat(stored)
    return _hear_file(stored, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=256)
def _hear_file(path: str, changed: int, size: int) -> Sound:
    """Kept, since a call is read when it is listed and again when it is judged."""
    return _hear(path)


def _hear(stored: str | bytes) -> Sound:
    try:
        from pytest_callqa.audio.recording import Recording
        from pytest_callqa.audio.sound import listen
    except ImportError as error:
        raise BadInput(f"{_NEEDS} ({error.name} is missing)") from None
    with Recording(stored) as recording:
        return listen(recording)


def to_call(sound: Sound, recording: str, options: ReadOptions) -> Call:
    """A call of turns whose words are not known, in the order in which they were spoken; ``recording`` is its path."""
    turns = [
        Turn(text="", speaker=_speaker(number), start=one.start, end=one.end, loudness=one.loudness)
        for number, channel in enumerate(sound.channels)
        for one in channel.speech
    ]
    turns.sort(key=lambda turn: turn.start or 0.0)
    if sound.gapless:
        turns = [Turn(text="", speaker=turn.speaker, loudness=turn.loudness) for turn in turns]
    mapped = RoleMap(options.roles)
    roles: list[Role] = [mapped.role(_speaker(number)) or "unknown" for number in range(len(sound.channels))]
    return Call(
        id="",
        turns=tuple(turns),
        events=() if sound.gapless else tuple(events(sound, roles)),
        tolerance=_NOISY_TOLERANCE if any(map(is_noisy, sound.channels)) else tolerance(FORMAT),
        duration=sound.duration,
        recording=recording,
        waves=waves(sound, roles),
        limits=(*sound.limits, "only the sound is known: no transcript lies beside the recording"),
        format=FORMAT,
    )


def _beside(file: str) -> str:
    """The recording that lies beside a transcript under the same name, or nothing."""
    folder, stem = os.path.dirname(file), source.stem(file)
    found = (os.path.join(folder, stem + suffix) for suffix in SUFFIXES)
    return next((path for path in found if os.path.isfile(path)), "")


def with_sound(call: Call, file: str, roles: RoleMap) -> Call:
    """A transcribed call at the times of the recording beside it, with what is heard on the line and nobody noted.

    As it is if there is no recording; raises :class:`BadInput`, naming the recording, for one that cannot be read.
    """
    recording = _beside(file)
    if not recording:
        return call
    try:
        sound = hear(recording)
    except BadInput as error:
        raise error.at(recording) from None
    from pytest_callqa.audio.alignment import align, channels_of

    aligned = align(call, sound)
    if aligned.turns == call.turns:
        return aligned
    heard_on = channels_of(aligned.turns, sound)
    on_channel: list[set[Role]] = [set() for _ in sound.channels]
    for turn in aligned.turns:
        on_channel[heard_on[turn.speaker or turn.role]].add(roles.role(turn.speaker) or turn.role)
    of_channel: list[Role] = [next(iter(heard)) if len(heard) == 1 else "unknown" for heard in on_channel]
    noted = {event.kind for event in call.events}
    added = [event for event in events(sound, of_channel) if event.kind not in noted]
    return msgspec.structs.replace(
        aligned,
        events=tuple(sorted((*call.events, *added), key=lambda event: event.time or 0.0)),
        tolerance=_NOISY_TOLERANCE if any(map(is_noisy, sound.channels)) else tolerance(FORMAT),
        recording=recording,
        waves=waves(sound, of_channel),
    )


def waves(sound: Sound, roles: list[Role]) -> tuple[Wave, ...]:
    """The outline of each channel, for those who look at the call; ``roles`` are those of the channels."""
    return tuple(Wave(role, channel.step, channel.outline) for channel, role in zip(sound.channels, roles, strict=True))


def _speaker(channel: int) -> str:
    return f"channel {channel}"


def events(sound: Sound, roles: list[Role]) -> Iterator[Event]:
    """What happens on the line, in order: ringing, the answer, holds, noise, low voices, the end.

    ``roles`` are those of the channels. The end of a recording is taken for the end of the call.
    """
    found = sorted(_events(sound, roles), key=lambda event: event.time or 0.0)
    yield from found
    yield Event(kind="hangup", time=sound.duration)


def _events(sound: Sound, roles: list[Role]) -> Iterator[Event]:
    begun = min((one.start for channel in sound.channels for one in channel.speech), default=sound.duration)
    rings = {one.start for channel in sound.channels for one in channel.stretches if one.kind == "tone"}
    rings = {start for start in rings if start < begun}
    yield from (Event(kind="ring", time=start) for start in rings)
    if rings and begun < sound.duration:
        yield Event(kind="answer", time=begun)
    for channel, role in zip(sound.channels, roles, strict=False):
        for one in channel.stretches:
            if one.kind == "music" and one.start > begun:
                yield Event(kind="hold", time=one.start, by="customer")
                yield Event(kind="unhold", time=one.end, by="customer")
            if one.kind == "speech" and one.loudness is not None and one.loudness < LOW_VOICE:
                yield Event(kind="low-volume", time=one.start, by=role)
        if is_noisy(channel):
            yield Event(kind="noise", time=channel.speech[0].start, by=role)


def is_noisy(channel: Channel) -> bool:
    """Whether the speech of a channel hardly stands out from its noise."""
    return channel.level is not None and channel.level - channel.noise < NOISY

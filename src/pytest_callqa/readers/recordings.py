"""Recordings as calls: turns without words and real pauses, or a transcript's words at the times they were spoken."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pytest_callqa import places
from pytest_callqa.call import Call, Event, Role, Turn, Wave
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import source
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.recognition import recognise
from pytest_callqa.readers.roles import RoleMap
from pytest_callqa.readers.tolerance import tolerance

if TYPE_CHECKING:
    from pytest_callqa.audio.sound import Channel, Sound

_BARE = {
    **dict.fromkeys((".ulaw", ".mulaw", ".ul", ".pcmu"), "ULAW"),
    **dict.fromkeys((".alaw", ".al", ".pcma"), "ALAW"),
}
"""Codings of the telephone network that are stored without a head, so that only the name tells them."""

SUFFIXES = (".wav", ".mp3", ".ogg", ".opus", ".flac", ".au", *_BARE)
"""How recordings are called that lie beside transcripts."""

_HEAD = 12
"""Bytes by which recordings are told."""

FORMAT = "recording"

LOW_VOICE = -36.0
"""LUFS below which a voice is low: ten less than the level that telephone speech is sent at (ITU-T P.56: -26)."""

LOWER = 10.0
"""dB by which it is also lower than the other party's: a recording that is low as a whole has no low voice."""

_ONE_RING = 1.0
"""Seconds of silence within one ring; some countries ring twice each time."""

NOISY = 15.0
"""dB by which speech stands out from the noise; with less, words are lost."""

_NOISY_TOLERANCE = 0.3
"""Seconds: noise hides how words begin and end."""

_NEEDS = "Judging recordings needs further packages: pip install 'pytest-callqa[audio]', or give transcripts only."


def is_bare(file: str) -> bool:
    """Whether a file's name says that it holds bare samples of the telephone network (G.711)."""
    return bool(_bare(file))


def _bare(file: str) -> str:
    return _BARE.get(os.path.splitext(file)[1].lower(), "")


def is_recording(head: bytes) -> bool:
    """Whether a file that begins so is a recording, whatever its name."""
    if head[:4] in (b"RIFF", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[4:8] == b"ftyp":
        raise BadInput("Recordings in MP4 are not read: export WAV, FLAC, Ogg or MP3.")
    is_mp3 = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4) and head[1] != 0xFE
    return _is_marked(head) or is_mp3


def _is_marked(head: bytes) -> bool:
    """Whether the first bytes are no accident, as those of an MP3 without tags may be."""
    return head[:4] in (b"RIFF", b"RF64", b"fLaC", b"OggS", b".snd") or head[:3] == b"ID3"


class Heard(NamedTuple):
    """A recording as it was heard: its sound, its turns, and the language if it was recognised."""

    sound: Sound
    turns: tuple[Turn, ...]
    language: str = ""


def hear(stored: str | bytes, model: str = "", language: str = "") -> Heard:
    """What is heard in a recording (a path, or its content), in words if there is a ``model`` that recognises them.

    Raises :class:`BadInput`, also without the extra, and as :func:`~pytest_callqa.readers.recognition.recognise`.
    """
    if isinstance(stored, bytes):
        return _hear(stored, model, language)
    if places.is_remote(stored):
        raise BadInput("A recording in a bucket is not heard: copy it into a folder.")
    about = os.stat(stored)
    return _hear_file(stored, model, language, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=256)
def _hear_file(path: str, model: str, language: str, changed: int, size: int) -> Heard:
    """Kept, since a call is read when it is listed and again when it is judged."""
    return _hear(path, model, language)


def _hear(stored: str | bytes, model: str, language: str) -> Heard:
    try:
        from pytest_callqa.audio.recording import Recording
        from pytest_callqa.audio.sound import listen
    except ImportError as error:
        raise BadInput(f"{_NEEDS} ({error.name} is missing)") from None
    with Recording(stored, _coding(stored)) as recording:
        sound = listen(recording)
        if model:
            return Heard(sound, *recognise(recording, sound, model, language))
    return Heard(sound, _wordless(sound))


def _coding(stored: str | bytes) -> str:
    """The coding of a recording that does not tell it itself; empty for one that does."""
    if isinstance(stored, bytes):
        return ""
    with open(stored, "rb") as file:
        return "" if _is_marked(file.read(_HEAD)) else _bare(stored)


def _wordless(sound: Sound) -> tuple[Turn, ...]:
    turns = [
        Turn(text="", speaker=_speaker(number), start=one.start, end=one.end, loudness=one.loudness)
        for number, channel in enumerate(sound.channels)
        for one in channel.speech
    ]
    return tuple(sorted(turns, key=lambda turn: turn.start or 0.0))


def read(stored: str | bytes, options: ReadOptions, roles: Sequence[Role] = ()) -> Call:
    """The call of a recording: turns in the order in which they were spoken, without words unless a model hears them.

    ``roles`` are those of the channels, where they are known; the role map of the options wins. Raises
    :class:`BadInput` as :func:`hear` does.
    """
    sound, turns, language = hear(stored, options.speech_model, options.language)
    if sound.gapless:
        turns = tuple(Turn(text=turn.text, speaker=turn.speaker, loudness=turn.loudness) for turn in turns)
    mapped, given = RoleMap(options.roles), dict(enumerate(roles))
    of_channel: list[Role] = [
        mapped.role(_speaker(number)) or given.get(number, "unknown") for number in range(len(sound.channels))
    ]
    by_speaker = {_speaker(number): role for number, role in enumerate(of_channel)} if roles else {}
    recognised = "the words were recognised by a speech model on this machine"
    unknown = "only the sound is known: no transcript lies beside the recording"
    return Call(
        id="",
        turns=tuple(msgspec.structs.replace(turn, role=by_speaker.get(turn.speaker, "unknown")) for turn in turns),
        events=() if sound.gapless else tuple(events(sound, of_channel)),
        tolerance=_NOISY_TOLERANCE if any(map(is_noisy, sound.channels)) else tolerance(FORMAT),
        language=language,
        duration=sound.duration,
        recording="" if isinstance(stored, bytes) else stored,
        waves=waves(sound, of_channel),
        limits=(*sound.limits, recognised if options.speech_model else unknown),
        format=FORMAT,
    )


def beside(file: str, name: str = "", *, alone: bool = True) -> str:
    """The recording that lies beside a file under this name, else (if it has just one) under the file's, or nothing."""
    folder, stem = os.path.dirname(file), source.stem(file)
    named = os.path.join(folder, re.split(r"[/\\]", name)[-1])
    if name.lower().endswith(SUFFIXES) and places.of(named).is_file(named):
        return named
    found = (os.path.join(folder, stem + suffix) for suffix in SUFFIXES if alone)
    return next((path for path in found if places.of(path).is_file(path)), "")


def with_sound(call: Call, stored: str | bytes, roles: RoleMap) -> Call:
    """A transcribed call at the times of its recording, with what is heard on the line and nobody noted.

    Raises :class:`BadInput`, naming the recording, for one that cannot be read.
    """
    try:
        sound = hear(stored).sound
    except BadInput as error:
        raise (error if isinstance(stored, bytes) else error.at(stored)) from None
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
        recording="" if isinstance(stored, bytes) else stored,
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
    tones = [one for channel in sound.channels for one in channel.stretches if one.kind == "tone"]
    ended = float("-inf")
    for one in sorted((one for one in tones if one.start < begun), key=lambda one: one.start):
        if one.start - ended >= _ONE_RING:
            yield Event(kind="ring", time=one.start)
        ended = max(ended, one.end)
    if ended > 0 and begun < sound.duration:
        yield Event(kind="answer", time=begun)
    for channel, role in zip(sound.channels, roles, strict=False):
        others = [one.loudness for other in sound.channels if other is not channel for one in other.speech]
        usual = median([loudness for loudness in others if loudness is not None] or [0.0])
        for one in channel.stretches:
            if one.kind == "music" and one.start > begun:
                yield Event(kind="hold", time=one.start, by="customer")
                yield Event(kind="unhold", time=one.end, by="customer")
            if one.kind == "speech" and one.loudness is not None and one.loudness < min(LOW_VOICE, usual - LOWER):
                yield Event(kind="low-volume", time=one.start, by=role)
        if is_noisy(channel):
            yield Event(kind="noise", time=channel.speech[0].start, by=role)


def is_noisy(channel: Channel) -> bool:
    """Whether the speech of a channel hardly stands out from its noise."""
    return channel.level is not None and channel.level - channel.noise < NOISY

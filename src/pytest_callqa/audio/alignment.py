"""A transcript's words at the times at which they are heard: offset and drift found, edges moved to where speech is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby, pairwise
from statistics import median

import msgspec
import numpy as np
from numpy.typing import NDArray

from pytest_callqa.audio.sound import Channel, Sound, Stretch, silences
from pytest_callqa.call import Call, Silence, Turn, Word

_STEP = 0.05  # seconds; recognisers are no more exact
_SNAP = 1.0  # seconds; recognisers have been seen to be 0.8 off
_WINDOW = 60.0
_WANDER = 3.0  # seconds that a clock may lose or gain within a window
_DRIFT = 0.02
_ENOUGH = 6  # turns that tell a drift
_AGREED = 0.5
_UNSPOKEN = 0.1
_UNTOLD = 1.0  # seconds
_LONG = 1.0
_JOIN = 1.0
_PACE = 15.0  # characters a second, where a transcript has no ends


def align(call: Call, sound: Sound) -> Call:
    """``call`` at the times of ``sound``, with its loudness; or as it is, with the reason among its limits."""
    if sound.gapless:
        return _as_it_is(call, sound.limits[-1])
    if not any(channel.speech for channel in sound.channels):
        return _as_it_is(call, "nobody speaks in the recording beside the transcript")
    if call.turns and all(turn.start is not None for turn in call.turns):
        return _by_time(call, sound)
    return _in_order(call, sound)


def _as_it_is(call: Call, limit: str) -> Call:
    return msgspec.structs.replace(call, limits=(*call.limits, f"the recording gives no times: {limit}"))


# --- a transcript with times ------------------------------------------------------------------


def _by_time(call: Call, sound: Sound) -> Call:
    spans = _spans(call.turns)
    spoken = [(one.start, one.end) for channel in sound.channels for one in channel.speech]
    rate, offset = _clock(spans, spoken)
    moved = [(rate * start + offset, rate * end + offset) for start, end in spans]
    length = max(sound.duration, *(end for _, end in moved))
    one, two = _activity(moved, length), _activity(spoken, length)
    agreement = float((one & two).sum() / max((one | two).sum(), 1))
    if agreement < _AGREED:
        return _as_it_is(
            call, f"it has only {agreement:.0%} of its speech where the transcript has it; are they one call?"
        )
    channels = _channels(call.turns, moved, sound)
    turns = tuple(
        _moved(turn, span, sound.channels[channels[turn.speaker or turn.role]], (rate, offset))
        for turn, span in zip(call.turns, moved, strict=True)
    )
    about = f"times are those of the recording (offset {offset:+.2f} s, drift {100 * (rate - 1):+.2f} %)"
    return _heard(call, turns, sound, (about, *_untold(turns, sound)))


def _spans(turns: Sequence[Turn]) -> list[tuple[float, float]]:
    """Start and end of each turn; where there is no end, by its length, up to the next turn."""
    starts = [turn.start or 0.0 for turn in turns]
    later = [*starts[1:], float("inf")]
    return [
        (start, turn.end if turn.end is not None else max(start + 0.1, min(following, start + len(turn.text) / _PACE)))
        for turn, start, following in zip(turns, starts, later, strict=True)
    ]


def _activity(spans: Sequence[tuple[float, float]], length: float) -> NDArray[np.bool_]:
    """Whether anybody speaks, step by step."""
    found = np.zeros(int(length / _STEP) + 2, bool)
    for start, end in spans:
        found[max(round(start / _STEP), 0) : max(round(end / _STEP), 0)] = True
    return found


def _clock(told: Sequence[tuple[float, float]], spoken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Rate and offset that take a transcript's times to the recording's."""
    length = max(end for _, end in (*told, *spoken))
    one, two = _activity(told, length), _activity(spoken, length)
    lag = _lag(one, two, len(one))
    # A clock that drifts is followed from window to window.
    places, lags = [], []
    size, wander = int(_WINDOW / _STEP), int(_WANDER / _STEP)
    for first in range(0, len(one) - size, size):
        part = one[first : first + size]
        if not part.any():
            continue
        heard = _shifted(two, first + lag - wander, size + 2 * wander)
        found = _lag(np.concatenate((part, np.zeros(2 * wander, bool))), heard, 2 * wander)
        lag = lag - wander + found
        places.append((first + size / 2) * _STEP)
        lags.append(lag * _STEP)
    if len(places) > 1:
        rate, offset = _line(places, lags)
    else:
        rate, offset = 1.0, lag * _STEP
    # The beginnings of speech are exact; those near to each other tell the rest.
    onsets = np.array(sorted(start for start, _ in spoken))
    pairs = [(start, float(onsets[np.argmin(np.abs(onsets - (rate * start + offset)))])) for start, _ in told]
    near = [(start, onset) for start, onset in pairs if abs(rate * start + offset - onset) < _SNAP]
    if len(near) >= _ENOUGH:
        return _line([start for start, _ in near], [onset - start for start, onset in near])
    return rate, offset + (median(onset - (rate * start + offset) for start, onset in near) if near else 0.0)


def _line(places: Sequence[float], lags: Sequence[float]) -> tuple[float, float]:
    """Rate and offset through lags, by medians (Theil and Sen), so that single errors do not count."""
    slopes = [(b - a) / (q - p) for (p, a), (q, b) in _far_pairs(list(zip(places, lags, strict=True)))]
    slope = median(slopes) if slopes else 0.0
    if abs(slope) > _DRIFT:
        slope = 0.0
    return 1.0 + slope, median(lag - slope * place for place, lag in zip(places, lags, strict=True))


def _far_pairs(points: list[tuple[float, float]]) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Each point with the one half a call later."""
    half = len(points) // 2
    return ((one, two) for one, two in zip(points, points[half:], strict=False) if two[0] > one[0])


def _lag(one: NDArray[np.bool_], two: NDArray[np.bool_], most: int) -> int:
    """By how many steps ``one`` must be moved to cover ``two`` best, at most so many either way."""
    size = 1 << (len(one) + len(two) - 1).bit_length()
    product = np.fft.irfft(np.conj(np.fft.rfft(_centred(one), size)) * np.fft.rfft(_centred(two), size), size)
    lags = np.concatenate((np.arange(0, most), np.arange(-most + 1, 0)))
    return int(lags[np.argmax(product[lags])])


def _centred(activity: NDArray[np.bool_]) -> NDArray[np.float32]:
    values = activity.astype(np.float32)
    values -= float(values.mean())
    return values


def _shifted(activity: NDArray[np.bool_], first: int, size: int) -> NDArray[np.bool_]:
    found = np.zeros(size, bool)
    begin, end = max(first, 0), min(first + size, len(activity))
    if begin < end:
        found[begin - first : end - first] = activity[begin:end]
    return found


def channels_of(turns: Sequence[Turn], sound: Sound) -> dict[str, int]:
    """The channel on which each speaker (by speaker id, else role) is heard best; its number."""
    return _channels(turns, _spans(turns), sound)


def _channels(turns: Sequence[Turn], spans: Sequence[tuple[float, float]], sound: Sound) -> dict[str, int]:
    told: dict[str, list[tuple[float, float]]] = {}
    for turn, span in zip(turns, spans, strict=True):
        told.setdefault(turn.speaker or turn.role, []).append(span)
    return {
        speaker: max(
            range(len(sound.channels)), key=lambda number: sum(_covered(sound.channels[number], *span) for span in mine)
        )
        for speaker, mine in told.items()
    }


def _covered(channel: Channel, start: float, end: float) -> float:
    """Seconds of speech between two times."""
    return sum(max(min(one.end, end) - max(one.start, start), 0.0) for one in channel.speech)


def _moved(turn: Turn, span: tuple[float, float], channel: Channel, clock: tuple[float, float]) -> Turn:
    """A turn whose edges are those of the speech it covers, and its words with the pauses that are heard."""
    start, end = span
    covered = [one for one in channel.speech if one.end > start - _SNAP and one.start < end + _SNAP]
    if not covered or _covered(channel, start - _SNAP, end + _SNAP) < _UNSPOKEN * (end - start):
        start, end = max(start, 0.0), max(end, 0.0)
        words = _words(turn, [], (start, end), clock)
        return msgspec.structs.replace(
            turn, start=start, end=end, words=words, doubtful=turn.doubtful or "nobody speaks here in the recording"
        )
    start = _edge(start, [one.start for one in covered], covered, later=True)
    end = _edge(end, [one.end for one in covered], covered, later=False)
    if end <= start:
        start, end = max(span[0], 0.0), max(span[1], 0.0)
    inside = [(a.end, b.start) for a, b in pairwise(covered) if a.end > start and b.start < end]
    return msgspec.structs.replace(
        turn, start=start, end=end, words=_words(turn, inside, (start, end), clock), loudness=_level(covered)
    )


def _edge(time: float, edges: Sequence[float], speech: Sequence[Stretch], *, later: bool) -> float:
    """The nearest edge of speech; within speech the time itself; in silence the next edge into the turn."""
    nearest = min(edges, key=lambda edge: abs(edge - time))
    if abs(nearest - time) <= _SNAP:
        return nearest
    if any(one.start <= time <= one.end for one in speech):
        return time
    into = [edge for edge in edges if (edge > time) == later]
    return (min(into) if later else max(into)) if into else nearest


def _words(
    turn: Turn, pauses: Sequence[tuple[float, float]], span: tuple[float, float], clock: tuple[float, float]
) -> tuple[Word, ...]:
    """The words moved; a pause that is heard between two takes the place of the gap that was guessed."""
    rate, offset = clock

    def moved(time: float | None) -> float | None:
        return None if time is None else min(max(rate * time + offset, span[0]), span[1])

    words = [Word(word.text, moved(word.start), moved(word.end), word.confidence) for word in turn.words]
    if not words or any(word.start is None or word.end is None for word in words):
        return tuple(words)
    runs: list[list[Word]] = [[words[0]]]
    spans = [span[0]]
    for one, two in pairwise(words):
        heard = next((pause for pause in pauses if _middle(one) < sum(pause) / 2 < _middle(two)), None)
        if heard is None:
            runs[-1].append(two)
        else:
            spans += heard
            runs.append([two])
    spans.append(span[1])
    return tuple(chain.from_iterable(map(_stretched, runs, spans[::2], spans[1::2])))


def _middle(word: Word) -> float:
    return ((word.start or 0.0) + (word.end or 0.0)) / 2


def _stretched(words: Sequence[Word], start: float, end: float) -> Iterator[Word]:
    """Words said without a pause, stretched over the time in which they were."""
    first, last = words[0].start or 0.0, words[-1].end or 0.0
    rate = (end - start) / (last - first) if last > first else 0.0
    for word in words:
        yield Word(
            word.text,
            start + rate * ((word.start or 0.0) - first),
            start + rate * ((word.end or 0.0) - first),
            word.confidence,
        )


def _level(speech: Sequence[Stretch]) -> float | None:
    """The mean loudness of stretches, by their power."""
    powers = [(10 ** (one.loudness / 10), one.end - one.start) for one in speech if one.loudness is not None]
    if not powers:
        return None
    return round(10 * float(np.log10(sum(p * t for p, t in powers) / sum(t for _, t in powers))), 2)


def _untold(turns: Sequence[Turn], sound: Sound) -> Iterator[str]:
    """What the transcript has no words for, and the words that nobody said."""
    told = [(turn.start or 0.0, turn.end or 0.0) for turn in turns]
    missing = [
        one.start
        for channel in sound.channels
        for one in channel.speech
        if one.end - one.start >= _UNTOLD and not any(start < one.end and end > one.start for start, end in told)
    ]
    if missing:
        yield f"the transcript has no words for {len(missing)} stretches of speech, the first at {min(missing):.1f} s"
    unsaid = [turn.start or 0.0 for turn in turns if turn.doubtful.startswith("nobody speaks")]
    if unsaid:
        yield f"the recording has no speech for {len(unsaid)} turns of the transcript, the first at {min(unsaid):.1f} s"


# --- a transcript without times -------------------------------------------------------------


def _in_order(call: Call, sound: Sound) -> Call:
    """Turn by turn, if both alternate alike: one party's turns together are one stretch of speech on its channel."""
    groups = [list(group) for _, group in groupby(call.turns, key=lambda turn: turn.speaker or turn.role)]
    heard = _alternating(sound)
    owner: dict[str, int] = {}
    alike = len(groups) == len(heard) and all(
        owner.setdefault(group[0].speaker or group[0].role, channel) == channel
        for group, (channel, _) in zip(groups, heard, strict=True)
    )
    if not alike or len(set(owner.values())) < len(owner):
        return _as_it_is(
            call, f"the transcript without times has {len(groups)} changes of speaker, the recording {len(heard)}"
        )
    turns: list[Turn] = []
    for group, (_, speech) in zip(groups, heard, strict=True):
        start, end, size = speech[0].start, speech[-1].end, max(sum(len(turn.text) for turn in group), 1)
        for turn in group:
            until = end if turn is group[-1] else start + (end - start) * len(turn.text) / size
            turns.append(msgspec.structs.replace(turn, start=start, end=until, loudness=_level(speech)))
            size, start = max(size - len(turn.text), 1), until
    return _heard(call, tuple(turns), sound, ("times are those of the recording, turn by turn",))


def _alternating(sound: Sound) -> list[tuple[int, list[Stretch]]]:
    """The stretches of speech in order, those of one channel together."""
    speech = sorted(
        ((one, number) for number, channel in enumerate(sound.channels) for one in channel.speech),
        key=lambda each: each[0].start,
    )
    return [(number, [one for one, _ in each]) for number, each in groupby(speech, key=lambda each: each[1])]


def _heard(call: Call, turns: tuple[Turn, ...], sound: Sound, limits: Sequence[str]) -> Call:
    shorter = call.duration is not None and call.duration - sound.duration > _WANDER
    lost = (f"the recording is {(call.duration or 0) - sound.duration:.1f} s shorter than the call",) if shorter else ()
    return msgspec.structs.replace(
        call,
        turns=turns,
        timing="none",  # worked out anew
        duration=sound.duration,
        silences=tuple(Silence(start, end) for start, end in silences(sound, _LONG)),
        limits=(*call.limits, *limits, *lost),
    )

"""vCon: conversations as draft-ietf-vcon-vcon-core describes them, in all their dialects.

A vCon says who took part, when, and what happened on the line. What was said is in its text dialogs,
or in an ``analysis`` whose body has no standard: it is recognised like a document of its own (see
:mod:`pytest_callqa.readers.bodies`). The deprecated ``vcon`` key is never asked for.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from pytest_callqa.call import Call, Event, EventKind, Role, Silence, Turn
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import recordings
from pytest_callqa.readers.clock import aware
from pytest_callqa.readers.content import Content, Reader
from pytest_callqa.readers.finishing import FINENESS, finish
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.roles import RoleMap, name_in_label, role_of_label
from pytest_callqa.readers.tolerance import tolerance
from pytest_callqa.readers.twins import with_times
from pytest_callqa.readers.words import in_time, shifted


class _Party(msgspec.Struct, frozen=True):
    name: str | None = None
    role: str | None = None
    meta: object = None
    type: str | None = None
    ring_time: float | None = None


class _History(msgspec.Struct, frozen=True):
    party: int
    time: datetime
    event: str
    button: str | int | None = None


class _Dialog(msgspec.Struct, frozen=True):
    type: str
    start: datetime | None = None
    duration: float | None = None
    parties: int | list[int | list[int] | None] | None = None
    originator: int | None = None
    body: object = None
    encoding: str | None = None
    filename: str | None = None
    disposition: str | None = None
    party_history: list[_History] = []
    meta: object = None
    transferor: int | None = None
    transfer_target: int | list[int] | None = None
    dashed_target: int | list[int] | None = msgspec.field(default=None, name="transfer-target")  # before 0.3.0
    skill: str | None = None


class _Analysis(msgspec.Struct, frozen=True):
    type: str | None = None
    purpose: str | None = None
    dialog: int | list[int] | None = None
    vendor: str | None = None
    body: object = None
    encoding: str | None = None


class _VCon(msgspec.Struct, frozen=True):
    uuid: str = ""
    parties: list[_Party] | None = None
    dialog: list[_Dialog] | None = None
    analysis: list[_Analysis] | None = None
    attachments: list[_Analysis] | None = None
    redacted: object = None


_TRANSCRIPTS = ("transcript", "diariz", "diaris")
"""Parts of the names that analyses with words have."""

_HISTORY: dict[str, EventKind] = {
    "hold": "hold",
    "unhold": "unhold",
    "mute": "mute",
    "unmute": "unmute",
    "keydown": "key",
    "drop": "hangup",
}
_UNANSWERED: dict[str, EventKind] = {"no-answer": "ring", "hung-up": "hangup"}
_ROLES: dict[str, Role] = {"contact": "customer"}  # as one writer's directory calls those who contact it
_DIRECTIONS: dict[str, Literal["inbound", "outbound"]] = {
    "in": "inbound",
    "inbound": "inbound",
    "out": "outbound",
    "outbound": "outbound",
}


class VCon:
    """vCon, unsigned or signed. An encrypted one is named as such."""

    name = "vcon"

    def __init__(self, bodies: Sequence[Reader]) -> None:
        """``bodies`` are the readers that the body of an analysis is offered to, in this order."""
        self._bodies = bodies

    def recognise(self, content: Content) -> bool:
        """``uuid`` with what a conversation has, or the envelope of a signed or an encrypted one."""
        return (
            _is_signed(content)
            or content.has("ciphertext")
            or (content.has("uuid") and any(content.has(key) for key in ("parties", "dialog", "analysis")))
            or content.has("vcon", "dialog")
        )

    def read(self, content: Content, options: ReadOptions) -> Call:
        """One call for the whole vCon, its dialogs laid on one clock that starts with the first.

        Raises :class:`BadInput` for an encrypted vCon, for one without a transcript that can be
        read, and for fields that do not fit.
        """
        limits: tuple[str, ...] = ()
        if _is_signed(content):
            content = _payload(content)
            limits = ("the vCon's signature was not verified",)
        if content.has("ciphertext"):
            raise BadInput("This vCon is encrypted (JWE): decrypt it first, then read the result.")
        talk = _Conversation(content.to(_VCon))
        transcripts, passed_over = self._transcripts(talk, options)
        sounds = dict(_sounds(talk, content.file)) if options.recordings else {}
        for index, stored in sounds.items():
            if index not in transcripts:
                transcripts[index] = recordings.read(stored, options, _roles_of_channels(talk, index))
        if passed_over:
            limits += (f"{passed_over} more transcripts of the same dialogs were not used",)
        call = _call(talk, transcripts)
        if (
            not call.turns
            and not call.events
            and talk.dialogs
            and all(one.type == "incomplete" for one in talk.dialogs)
        ):
            why = call.labels.get("disposition", "no reason given")
            raise BadInput(f"This call did not come about ({why}), so there is nothing to judge: leave it out.")
        if not call.turns and (not call.events or any(dialog.type == "recording" for dialog in talk.dialogs)):
            raise BadInput(
                "This vCon holds no transcript: transcribe its recording and add an analysis of type "
                "wtf_transcription, read the transcript from a file of its own, or judge the sound of its recording "
                "with --callqa-recordings (callqa: --recordings) if it is in the vCon or beside it."
            )
        if [*sounds] == [*transcripts] == [0] and not call.waves:
            call = recordings.with_sound(call, sounds[0], RoleMap(options.roles))
        return msgspec.structs.replace(call, limits=limits + call.limits)

    def _transcripts(self, talk: _Conversation, options: ReadOptions) -> tuple[dict[int, Call], int]:
        """By dialog, its transcript with the finest times and with roles, and how many others there were.

        Raises :class:`BadInput` if there are some and none can be read.
        """
        found: dict[int, list[Call]] = {}
        faults: list[BadInput] = []
        count = 0
        for part, entries in (("analysis", talk.vcon.analysis), ("attachments", talk.vcon.attachments)):
            for number, entry in enumerate(entries or ()):
                kind = (entry.type or entry.purpose or "").lower()
                if entry.body is None or not any(word in kind for word in _TRANSCRIPTS):
                    continue
                count += 1
                try:
                    heard = self._read_body(entry, f"$.{part}[{number}].body", options)
                except BadInput as error:
                    faults.append(error)
                else:
                    found.setdefault(talk.dialog_of(entry), []).append(heard)
        if faults and not found:
            raise faults[0]
        chosen = {index: _chosen(transcripts) for index, transcripts in found.items()}
        return {index: call for index, (call, _) in chosen.items()}, count - sum(used for _, used in chosen.values())

    def _read_body(self, entry: _Analysis, place: str, options: ReadOptions) -> Call:
        try:
            content = _body(entry.body, entry.encoding, place)
            for reader in self._bodies:
                if reader.recognise(content):
                    return finish(reader.read(content, options), RoleMap({}))
        except BadInput as error:
            raise BadInput(error.problem, place=place + error.place.removeprefix("$")) from None
        raise BadInput(
            "The body is none of the transcripts that can be read: transcribe the recording again, or read its "
            "transcript from a file of its own.",
            place=place,
        )


def _chosen(transcripts: Sequence[Call]) -> tuple[Call, int]:
    """The transcript with the finest times, and how many it is made of.

    If it tells no speakers apart, one that names their roles says who spoke, with its times if the words are the same.
    """
    finest = max(transcripts, key=lambda heard: FINENESS.index(heard.timing))  # the first of them
    named = next((heard for heard in transcripts if heard.roles == "given"), None)
    if named is None or any(turn.speaker for turn in finest.turns):
        return finest, 1
    both = with_times(named, finest)
    return (named, 1) if both is None else (finish(both, RoleMap({})), 2)


def _sounds(talk: _Conversation, file: str) -> Iterator[tuple[int, str | bytes]]:
    """The recordings that can be heard, by dialog: those in the vCon, and those beside it by their file names.

    What lies behind an address is never fetched.
    """
    recorded = [number for number, dialog in enumerate(talk.dialogs) if dialog.type == "recording"]
    for number in recorded:
        dialog = talk.dialogs[number]
        if isinstance(dialog.body, str) and dialog.encoding == "base64url":
            content = _from_base64(dialog.body, f"$.dialog[{number}].body")
            if recordings.is_recording(content):
                yield number, content
        elif file and (beside := recordings.beside(file, dialog.filename or "", alone=len(recorded) == 1)):
            yield number, beside


def _roles_of_channels(talk: _Conversation, index: int) -> list[Role]:
    dialog = talk.dialogs[index]
    return [talk.role(_party_of(f"channel {number}", talk, dialog, numbered=False)) for number in range(2)]


def _is_signed(content: Content) -> bool:
    return content.has("payload") and (content.has("signatures") or content.has("signature"))


def _payload(content: Content) -> Content:
    payload = content.get("payload")
    inner = Content(_from_base64(payload if isinstance(payload, str) else "", "$.payload"))
    if not VCon(()).recognise(inner) or _is_signed(inner):
        raise BadInput("The signed payload is not a plain vCon: unwrap it first, then read the result.")
    return inner


def _body(body: object, encoding: str | None, place: str) -> Content:
    if not isinstance(body, str):
        return Content(b"", body)
    return Content(_from_base64(body, place) if encoding == "base64url" else body.encode())


def _from_base64(text: str, place: str) -> bytes:
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BadInput("This is not base64url: export the vCon again.", place=place) from None


class _Conversation:
    """A vCon's parties and dialogs, and the clock they share."""

    def __init__(self, vcon: _VCon) -> None:
        self.vcon = vcon
        self.parties = vcon.parties or []
        self.dialogs = vcon.dialog or []
        self.start = min((aware(dialog.start) for dialog in self.dialogs if dialog.start), default=None)
        names = Counter(party.name for party in self.parties)
        self.named = {
            party.name: number for number, party in enumerate(self.parties) if party.name and names[party.name] == 1
        }
        self.has_offset = all(dialog.start.tzinfo for dialog in self.dialogs if dialog.start)

    def seconds(self, time: datetime | None) -> float | None:
        """``time`` on the conversation's clock; ``None`` if either is not known."""
        return (aware(time) - self.start).total_seconds() if time and self.start else None

    def role(self, index: int | None) -> Role:
        """The role of a party, from its ``role``, its ``meta.role`` or a name such as "Agent"."""
        if index is None or not 0 <= index < len(self.parties):
            return "unknown"
        party = self.parties[index]
        labels = (party.role, _text_in(party.meta, "role"), party.name)
        roles = (_ROLES.get(label) or role_of_label(label) for label in labels if label)
        return next((role for role in roles if role != "unknown"), "unknown")

    def dialog_of(self, entry: _Analysis) -> int:
        """The dialog that a transcript belongs to: the one it names, else the first recording."""
        named = entry.dialog[0] if isinstance(entry.dialog, list) and entry.dialog else entry.dialog
        if isinstance(named, int):
            return named
        return next((number for number, dialog in enumerate(self.dialogs) if dialog.type == "recording"), 0)

    def offset(self, index: int, heard: Call) -> float:
        """Seconds from the conversation's start to that of a dialog's transcript."""
        dialog = self.dialogs[index] if 0 <= index < len(self.dialogs) else _Dialog("recording")
        return self.seconds(heard.started or dialog.start) or 0.0


def _call(talk: _Conversation, transcripts: dict[int, Call]) -> Call:
    agents = [party for number, party in enumerate(talk.parties) if talk.role(number) == "agent"]
    counts = [heard.interruptions for heard in transcripts.values() if heard.interruptions is not None]
    dispositions = [dialog.disposition for dialog in talk.dialogs if dialog.disposition]
    heard_in = next((heard for heard in transcripts.values() if len(transcripts) == 1), Call(id=""))
    agent = agents[0] if len(agents) == 1 else _Party()
    turns = [
        *_messages(talk),
        *(turn for index, heard in transcripts.items() for turn in _spoken(talk, index, heard)),
    ]
    lasts = [
        (talk.seconds(dialog.start) or 0.0) + dialog.duration for dialog in talk.dialogs if dialog.duration is not None
    ]
    names = {name_in_label(party.name) for party in talk.parties if party.name}
    return Call(
        id=talk.vcon.uuid,
        turns=in_time(turns),
        events=tuple(_events(talk, transcripts)),
        tolerance=max((heard.tolerance for heard in transcripts.values()), default=tolerance(VCon.name)),
        language=next((heard.language for heard in transcripts.values() if heard.language), ""),
        started=talk.start if talk.has_offset else None,
        duration=max(lasts, default=None),
        direction=next((_DIRECTIONS[way] for way in map(_direction, talk.dialogs) if way in _DIRECTIONS), ""),
        ring_time=agent.ring_time,
        agent=agent.name or "",
        queue=next((dialog.skill for dialog in talk.dialogs if dialog.skill), ""),
        silences=tuple(
            Silence(silence.start + talk.offset(index, heard), silence.end + talk.offset(index, heard))
            for index, heard in transcripts.items()
            for silence in heard.silences
        ),
        interruptions=sum(counts) if counts else None,
        names=tuple(sorted(names.union(*(heard.names for heard in transcripts.values())) - {""})),
        labels={"disposition": ", ".join(dispositions)} if dispositions else {},
        recording=heard_in.recording,
        waves=heard_in.waves,
        limits=tuple(
            dict.fromkeys((*_limits(talk), *(limit for heard in transcripts.values() for limit in heard.limits)))
        ),
        format=VCon.name,
    )


def _messages(talk: _Conversation) -> Iterator[Turn]:
    """The text dialogs as turns: a message has a time, and a length only if the file gives it one."""
    for number, dialog in enumerate(talk.dialogs):
        if dialog.type != "text" or not isinstance(dialog.body, str):
            continue
        text = _body(dialog.body, dialog.encoding, f"$.dialog[{number}].body").text
        start = talk.seconds(dialog.start)
        parties = _flat(dialog.parties)
        sender = dialog.originator if dialog.originator is not None else next(iter(parties), None)
        yield Turn(
            role=talk.role(sender),
            text=text.strip(),
            start=start,
            end=start + dialog.duration if start is not None and dialog.duration else None,
            speaker="" if sender is None else f"party {sender}",
        )


def _spoken(talk: _Conversation, index: int, heard: Call) -> Iterator[Turn]:
    """The turns of a dialog's transcript, on the conversation's clock and with their party's role."""
    dialog = talk.dialogs[index] if 0 <= index < len(talk.dialogs) else _Dialog("recording")
    offset = talk.offset(index, heard)
    numbered = _numbers_are_parties(heard.turns, dialog)
    for turn in heard.turns:
        if turn.role == "unknown":
            party = _party_of(turn.speaker, talk, dialog, numbered=numbered)
            turn = msgspec.structs.replace(turn, role=talk.role(party))
        yield shifted(turn, offset) if offset else turn


def _numbers_are_parties(turns: Sequence[Turn], dialog: _Dialog) -> bool:
    """Whether ``speaker 1`` can only mean party 1.

    A recogniser counts its speakers 0, 1, …, in the order of its liking, so such numbers prove nothing;
    numbers that are just this dialog's parties and do not count from 0 do.
    """
    numbers = {number for turn in turns if (number := _number(turn.speaker, "speaker")) is not None}
    return numbers == set(_flat(dialog.parties)) and numbers != set(range(len(numbers)))


def _party_of(speaker: str, talk: _Conversation, dialog: _Dialog, *, numbered: bool) -> int | None:
    party = _number(speaker, "party")
    if party is None and numbered:
        party = _number(speaker, "speaker")
    channel = _number(speaker, "channel")
    if channel is not None:
        channels = dialog.parties if isinstance(dialog.parties, list) else []
        on_it = _flat(channels[channel]) if channel < len(channels) else []
        party = on_it[0] if len(on_it) == 1 else None
    if party is not None:
        return party
    return talk.named.get(speaker)


def _number(speaker: str, kind: str) -> int | None:
    """The number in labels such as ``party 1``, as our readers write them."""
    match = re.fullmatch(rf"{kind} ([0-9]{{1,6}})", speaker)
    return int(match[1]) if match else None


def _flat(parties: int | Sequence[int | list[int] | None] | None) -> list[int]:
    """Party indexes, whether one, a list, or a list for each channel with ``null`` for an unused one."""
    if parties is None:
        return []
    if isinstance(parties, int):
        return [parties]
    return [party for channel in parties for party in _flat(channel)]


def _events(talk: _Conversation, transcripts: dict[int, Call]) -> Iterator[Event]:
    noted = list(_noted(talk))
    kinds = {event.kind for event in noted}
    for index, heard in transcripts.items():
        offset = talk.offset(index, heard)
        noted += [
            msgspec.structs.replace(event, time=(event.time or 0.0) + offset)
            for event in heard.events
            if event.kind not in kinds  # what somebody noted is not told twice
        ]
    yield from noted


def _noted(talk: _Conversation) -> Iterator[Event]:
    for dialog in talk.dialogs:
        for entry in dialog.party_history:
            by = talk.role(entry.party)
            kind = _HISTORY.get(entry.event)
            if entry.event == "join" and by == "agent":
                kind = "answer"
            if kind:
                yield Event(
                    kind=kind,
                    time=talk.seconds(entry.time),
                    by=by,
                    value="" if entry.button is None else str(entry.button),
                )
        if dialog.type == "transfer":
            target = next(
                iter(_flat(dialog.dashed_target if dialog.transfer_target is None else dialog.transfer_target)), None
            )
            to = talk.parties[target] if target is not None and 0 <= target < len(talk.parties) else _Party()
            by = talk.role(dialog.transferor)
            yield Event(kind="transfer", time=talk.seconds(dialog.start), by=by, value=to.name or "")
        if dialog.type == "incomplete" and dialog.disposition in _UNANSWERED:
            kind = _UNANSWERED[dialog.disposition]
            yield Event(kind=kind, time=talk.seconds(dialog.start), by=talk.role(dialog.originator))


def _direction(dialog: _Dialog) -> str:
    return _text_in(dialog.meta, "direction").lower()


def _text_in(meta: object, key: str) -> str:
    """A text that writers keep among what is theirs alone, in whatever shape they like."""
    value = meta.get(key) if isinstance(meta, dict) else None
    return value if isinstance(value, str) else ""


def _limits(talk: _Conversation) -> Iterator[str]:
    if not talk.has_offset:
        yield "its start times have no UTC offset, so the time of day is not known"
    if talk.vcon.redacted:
        yield "personal data was redacted: a name or number that was removed cannot be checked"
    used = {party for dialog in talk.dialogs for party in _flat(dialog.parties)}
    if any(not 0 <= party < len(talk.parties) for party in used):
        yield "a dialog names parties that the vCon does not list"
    unread = sum(dialog.type == "text" and not isinstance(dialog.body, str) for dialog in talk.dialogs)
    if unread:
        yield f"{unread} of its messages are not in it as text"
    if any(dialog.type == "text" for dialog in talk.dialogs):
        yield "its messages were written: no silences and no loudness, and one may quote another"
    if not any(dialog.party_history for dialog in talk.dialogs):
        yield "no ring, answer, hold, mute or key events"

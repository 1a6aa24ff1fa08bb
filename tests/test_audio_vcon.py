"""vCons with a recording in them, or beside them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from audio_kit import Line, call, write
from pytest_callqa.call import Call
from pytest_callqa.readers import ReadOptions, Unreadable, read_calls
from pytest_callqa.verdict import Outcome
from test_audio_rules import judged

LINES = [Line(0, "Hello, what can I do for you?"), Line(1, "My card does not work."), Line(0, "Let me look.", 8.0)]
HEARD = ReadOptions(language="en", recordings=True)


def recorded(folder: Path, **dialog: object) -> dict[str, object]:
    """A vCon of one recorded dialog, whose first channel is the agent's."""
    return {
        "uuid": "018f0000-0000-8000-8000-000000000001",
        "created_at": "2026-01-05T10:00:00Z",
        "parties": [{"name": "Bob", "role": "customer"}, {"name": "Ann", "role": "agent"}],
        "dialog": [{"type": "recording", "start": "2026-01-05T10:00:00Z", "parties": [1, 0], **dialog}],
    }


def embedded(sound: bytes) -> dict[str, object]:
    body = base64.urlsafe_b64encode(sound).decode().rstrip("=")
    return {"mediatype": "audio/x-wav", "encoding": "base64url", "body": body}


def read(folder: Path, vcon: object, options: ReadOptions = HEARD) -> Call | Unreadable:
    (folder / "call.vcon").write_text(json.dumps(vcon))
    [found] = read_calls([str(folder / "call.vcon")], options)
    return found


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("sound") / "call.wav", call(LINES)[0]).read_bytes()


@pytest.mark.parametrize("where", ["in it", "beside it by name", "beside it by its own name"])
def test_a_vcon_without_a_transcript_is_judged_by_its_recording(tmp_path: Path, sound: bytes, where: str) -> None:
    dialog = {}
    if where == "in it":
        dialog = embedded(sound)
    elif where == "beside it by name":
        (tmp_path / "audio.wav").write_bytes(sound)
        dialog = {"filename": "/var/spool/audio.wav", "url": "https://example.invalid/audio.wav"}
    else:
        (tmp_path / "call.wav").write_bytes(sound)
    found = read(tmp_path, recorded(tmp_path, **dialog))
    assert isinstance(found, Call), found
    assert [turn.role for turn in found.turns] == ["agent", "customer", "agent"]
    assert {wave.role for wave in found.waves} == {"agent", "customer"}
    assert found.recording.startswith(str(tmp_path)) == (where != "in it")
    assert judged(found)["2.6a"].outcome is Outcome.FAILED


def test_its_transcript_gets_the_times_of_the_recording(tmp_path: Path, sound: bytes) -> None:
    _, told = call(LINES)
    body = [
        {"speaker": ("Ann", "Bob")[one.who], "start": one.start + 0.4, "end": one.end + 0.4, "text": one.text}
        for one in told
    ]
    vcon = recorded(tmp_path, **embedded(sound))
    vcon["analysis"] = [{"type": "transcript", "dialog": 0, "vendor": "x", "body": {"segments": body}}]
    found = read(tmp_path, vcon)
    assert isinstance(found, Call), found
    assert [turn.text for turn in found.turns] == [line.text for line in LINES]
    assert [turn.start for turn in found.turns] == pytest.approx([one.start for one in told], abs=0.05)
    assert any(limit.startswith("times are those of the recording") for limit in found.limits)


def test_events_that_the_vcon_notes_are_not_told_twice(tmp_path: Path, sound: bytes) -> None:
    history = [{"party": 0, "time": "2026-01-05T10:00:15Z", "event": "drop"}]
    found = read(tmp_path, recorded(tmp_path, **embedded(sound), party_history=history))
    assert isinstance(found, Call)
    assert [(event.kind, event.time, event.by) for event in found.events] == [("hangup", 15.0, "customer")]


def test_a_recording_is_heard_only_when_asked_and_one_that_is_broken_is_named(tmp_path: Path, sound: bytes) -> None:
    found = read(tmp_path, recorded(tmp_path, **embedded(sound)), ReadOptions())
    assert isinstance(found, Unreadable)
    assert "--callqa-recordings" in str(found)
    found = read(tmp_path, recorded(tmp_path, **embedded(sound[:2000])))
    assert "The recording is cut short" in str(found)
    found = read(tmp_path, recorded(tmp_path, **embedded(b"no sound at all")))
    assert "holds no transcript" in str(found)


def test_of_two_recordings_each_has_its_place(tmp_path: Path, sound: bytes) -> None:
    vcon = recorded(tmp_path, **embedded(sound))
    again = {"type": "recording", "start": "2026-01-05T10:01:00Z", "parties": [1, 0], "filename": "again.wav"}
    elsewhere = {"type": "recording", "parties": [1, 0], "url": "https://example.invalid/call.wav"}
    vcon["dialog"] += [again, elsewhere]  # type: ignore[operator]  # a list
    (tmp_path / "again.wav").write_bytes(sound)
    found = read(tmp_path, vcon)
    assert isinstance(found, Call)
    assert len(found.turns) == 2 * len(LINES)
    assert found.turns[len(LINES)].start == pytest.approx(60 + (found.turns[0].start or 0), abs=0.001)

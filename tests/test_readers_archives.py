"""Archives of calls: read member by member, and nothing in them is trusted."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import zstandard

from pytest_callqa.call import Call
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import (
    CallRef,
    ReadOptions,
    Sidecars,
    Unreadable,
    archives,
    find_documents,
    load,
    locate,
    read_calls,
    source,
)
from readers_kit import CALLS

OPTIONS = ReadOptions()
VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\n<v Agent>Hello."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def line(number: int) -> bytes:
    return json.dumps({"id": f"c{number}", "turns": [{"text": "hello"}]}).encode() + b"\n"


def zipped(members: Mapping[str, bytes], file: str = "calls.zip") -> str:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def tarred(members: Mapping[str, bytes], file: str = "calls.tar", mode: str = "w") -> str:
    with tarfile.open(file, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file


def tar_gz(members: Mapping[str, bytes]) -> str:
    return tarred(members, "calls.tar.gz", "w:gz")


def tar_zst(members: Mapping[str, bytes]) -> str:
    packed = zstandard.compress(Path(tarred(members)).read_bytes())
    Path("calls.tar.zst").write_bytes(packed)
    return "calls.tar.zst"


ALL = pytest.mark.parametrize("pack", [zipped, tarred, tar_gz, tar_zst])


def ids(file: str) -> list[str]:
    return [one.id if isinstance(one, Call) else str(one) for one in read_calls([file], OPTIONS)]


MEMBERS = {
    "jan/a.json": line(1),
    "jan/b.jsonl": b"\n" + line(2) + b"{broken\n" + line(3),
    "feb/captions.vtt": VTT,
    "t.csv": b"call,text\nr1,One\nr1,Two\nr2,Three\n",
    "table": b"call,text\nr3,One\n",
    "README.md": b"read me",
    "__MACOSX/a.json": b"x",
    ".hidden/a.json": b"x",
    "recording.wav": b"RIFF",
}


@ALL
def test_calls_of_every_kind_are_read_from_archives(pack) -> None:  # type: ignore[no-untyped-def]
    file = pack(MEMBERS)
    found = list(read_calls([file], OPTIONS))
    assert [one.id for one in found] == ["c1", "c2", "b:3", "c3", "captions", "r1", "r2", "r3"]
    assert str(found[2]).startswith(f"{file}, member jan/b.jsonl, line 3: The JSON is broken")
    assert isinstance(found[5], Call)
    assert (found[5].source, len(found[5].turns)) == (f"{file}, member t.csv, line 2", 2)


@ALL
def test_real_files_read_the_same_from_archives(pack) -> None:  # type: ignore[no-untyped-def]
    files = ["deepgram/dg_utterances.json", "webvtt/vttjs_with-annotation.vtt", "azure/batch_named_fast.json"]
    file = pack({name: (CALLS / name).read_bytes() for name in files})
    for name, one in zip(files, read_calls([file], OPTIONS), strict=True):
        [alone] = read_calls([str(CALLS / name)], OPTIONS)
        assert isinstance(alone, Call)
        assert isinstance(one, Call)
        assert (one.turns, one.id) == (alone.turns, alone.id)


@ALL
def test_calls_in_archives_are_located_once_and_loaded_later(pack) -> None:  # type: ignore[no-untyped-def]
    file = pack(MEMBERS)
    refs = [one for one in locate([file], OPTIONS) if isinstance(one, CallRef)]
    sidecars = Sidecars.load(OPTIONS, ["."])
    for ref in (*refs, refs[-1], *reversed(refs)):
        assert load(pickle.loads(pickle.dumps(ref)), OPTIONS, sidecars).id == ref.id
    pack({"jan/a.json": line(1)})
    with pytest.raises(BadInput, match="The file has changed since it was listed"):
        load(refs[-1], OPTIONS, sidecars)


@ALL
def test_names_in_archives_are_only_names(pack, folder: Path) -> None:  # type: ignore[no-untyped-def]
    evil = "../../\x1b[31m\u202eetc/passwd.vtt"
    file = pack({evil: VTT, "/etc/shadow.vtt": VTT, "..\\..\\win.vtt": VTT, "../passwd.vtt": VTT + b"!"})
    found = list(read_calls([file], OPTIONS))
    assert [one.id for one in found] == ["passwd", "shadow", "win", f"{file}/passwd"]
    first = found[0]
    assert isinstance(first, Call)
    assert first.source == f"{file}, member ../../\\u001b[31m\\u202eetc/passwd.vtt"
    assert sorted(os.listdir(folder)) == sorted({file, *(["calls.tar"] if file.endswith("zst") else [])})


@ALL
def test_archives_in_archives_are_not_opened(pack) -> None:  # type: ignore[no-untyped-def]
    inner = Path(zipped({"a.json": line(1)}, "inner.zip")).read_bytes()
    refused, read = ids(pack({"inner.zip": inner, "b.json": line(2)}))
    assert "member inner.zip: An archive, a compressed file or a Parquet table inside an archive is not read" in refused
    assert read == "c2"


@ALL
def test_sidecars_in_archives_are_not_passed_over_in_silence(pack) -> None:  # type: ignore[no-untyped-def]
    found = ids(pack({"a.json": line(1), "a.meta.yaml": b"rings: 2", "cases.csv": b"call,id\n"}))
    assert found[0] == "c1"
    assert all("A sidecar inside an archive is not read" in one for one in found[1:])
    assert len(found) == 3


def test_a_sidecar_beside_an_archive_holds_for_all_its_calls() -> None:
    file = zipped({"a.json": line(1), "b.json": line(2)})
    Path("calls.meta.yaml").write_text("rings: 2")
    assert [one.rings for one in read_calls([file], OPTIONS) if isinstance(one, Call)] == [2, 2]


def test_links_are_not_followed() -> None:
    Path("secret.json").write_bytes(line(9))
    with tarfile.open("calls.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            entry = tarfile.TarInfo(f"link{kind.decode()}.json")
            entry.type, entry.linkname = kind, os.path.abspath("secret.json")
            archive.addfile(entry)
    assert [one.count("This is a link or no file") for one in ids("calls.tar")] == [1, 1, 1]
    with zipfile.ZipFile("calls.zip", "w") as archive:
        info = zipfile.ZipInfo("link.json")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "secret.json")
        archive.writestr("folder/", "")
    assert ["This is a link" in one for one in ids("calls.zip")] == [True]


def test_encrypted_members_are_named() -> None:
    content = bytearray(Path(zipped({"a.json": line(1)})).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    Path("calls.zip").write_bytes(content)
    assert ids("calls.zip") == ["calls.zip, member a.json: This file is encrypted: pack it again without a password."]


@ALL
def test_a_bomb_is_stopped_at_its_budget(pack, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(source, "MAX_CALL", 2**16)
    monkeypatch.setattr(source, "MAX_RATIO", 5)
    file = pack({f"{number}.jsonl": line(number) + b"\n" * 2**17 for number in range(20)})
    assert ids(file)[-1].endswith("check where it comes from.") or file == "calls.tar"


@ALL
def test_a_member_that_is_too_long_is_refused_and_the_next_is_read(pack, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    file = pack({"a.txt.json": b"x" * 50_000, "b.json": line(2)})
    monkeypatch.setattr(source, "MAX_CALL", 1000)
    monkeypatch.setattr(source, "MAX_RATIO", 10_000)
    refused, read = ids(file)
    assert "member a.txt.json: More than 0 MiB in one piece is not read" in refused
    assert read == "c2"


@ALL
def test_an_archive_has_a_number_of_files(pack, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(archives, "MAX_MEMBERS", 1)
    assert "The archive has more than 1 files: split it." in ids(pack({"a.json": line(1), "b.json": line(2)}))[-1]


@ALL
def test_archives_cut_short_are_named_as_such(pack) -> None:  # type: ignore[no-untyped-def]
    file = pack({f"{number}.json": line(number) + os.urandom(3000) for number in range(3)})
    content = Path(file).read_bytes()
    Path(file).write_bytes(content[: len(content) // 2])
    assert "damaged" in ids(file)[-1]


def test_an_office_document_is_named_as_such() -> None:
    file = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}, "meeting.docx")
    assert ids(file) == [
        "meeting.docx: This is an Office document: export the transcript as VTT, SRT, JSON or plain text instead."
    ]


def test_a_damaged_member_of_a_zip_costs_itself_only() -> None:
    content = bytearray(Path(zipped({"a.json": line(1), "b.json": line(2), "c.json": line(3)})).read_bytes())
    content[36 + 10] ^= 0xFF  # within the first member's data
    second = content.index(b"PK\x03\x04", 10)
    content[second : second + 4] = b"PKxx"
    Path("calls.zip").write_bytes(content)
    first, other, last = ids("calls.zip")
    assert "member a.json: The archive is damaged" in first
    assert "member b.json: The archive is damaged" in other
    assert last == "c3"


def test_an_unknown_way_of_packing_is_named() -> None:
    content = bytearray(Path(zipped({"a.json": line(1)})).read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 10 : at + 12] = content[8:10] = struct.pack("<H", 97)
    Path("calls.zip").write_bytes(content)
    assert "member a.json: The archive is damaged, cut short or of a kind that is not read" in ids("calls.zip")[0]


def test_a_zip_within_gzip_is_refused() -> None:
    import gzip

    Path("calls.zip.gz").write_bytes(gzip.compress(Path(zipped({"a.json": line(1)})).read_bytes()))
    assert "calls.zip.gz: This is a compressed archive, twice packed" in ids("calls.zip.gz")[0]


def test_an_empty_archive_holds_no_calls() -> None:
    assert list(find_documents([zipped({})], OPTIONS)) == []


def test_copies_in_an_archive_are_counted_once_and_rivals_are_named() -> None:
    members = {"a.json": line(1), "b.json": line(1), "c.json": line(1).replace(b"hello", b"x")}
    found = list(read_calls([zipped(members)], OPTIONS))
    assert isinstance(found[1], Unreadable)
    assert str(found[1]) == (
        "calls.zip, member c.json: Another call has the same id (calls.zip, member a.json): give each call an id "
        "of its own."
    )


def test_any_format_may_come_a_line_a_call() -> None:
    compact = [
        json.dumps(json.loads(path.read_bytes())).encode()
        for path in sorted(CALLS.rglob("*.json"))
        if isinstance(next(iter(read_calls([str(path)], OPTIONS))), Call)
    ]
    Path("all.jsonl").write_bytes(b"\n".join(compact))
    found = list(read_calls(["all.jsonl"], OPTIONS))
    assert len(found) == len(compact) > 20
    assert all(isinstance(one, Call) or "has the same id" in one.problem for one in found)
    assert len({one.format for one in found if isinstance(one, Call)}) > 8


def test_lists_of_turns_may_come_a_line_a_call() -> None:
    turns = b'[{"speaker": "Agent", "text": "Hello."}]\n'
    Path("all.jsonl").write_bytes(turns + turns.replace(b"Hello", b"Hi") + b"\n")
    assert ids("all.jsonl") == ["all:1", "all:2"]

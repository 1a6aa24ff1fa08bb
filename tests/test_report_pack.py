"""What the page's script reads: the calls in columns, the calls in full in shards, and where it all is written."""

from __future__ import annotations

import base64
import json
import re
import stat
import tracemalloc
import zlib
from pathlib import Path

import pytest

from pytest_callqa import ledger
from pytest_callqa.report import html, pack
from pytest_callqa.report.html import write_html
from report_ledgers import HOSTILE, RUDE, RUN, TALK, entry, hostile, many, write, written


def payloads(out: Path, kind: str) -> list[object]:
    """The payloads of a kind in a page, unpacked."""
    found = re.search(rf'id="packed-{kind}">([^<]*)</script>', out.read_text(encoding="utf-8"))
    assert found
    return [unpacked(line) for line in found[1].split("\n")] if found[1] else []


def unpacked(text: str) -> object:
    return json.loads(zlib.decompress(base64.b64decode(text, validate=True), 31))


# -- the index


def test_calls_are_columns_and_names_are_told_once(tmp_path: Path) -> None:
    out = written(tmp_path, RUDE, entry("b", "pfmn", agent="Bo", duration=61.6), entry("c", "pppp", agent="Ann"))
    book, part = payloads(out, "index")
    assert part == {
        "ids": ["rude", "b", "c"],
        "agents": [0, 1, 0],
        "teams": [0, 1, 1],
        "languages": [0, 1, 1],
        "started": ["2026-11-01T09:00:00+00:00", "", ""],
        "lengths": [11, 62, -1],
        "verdicts": "ffmnpfmnpppp",
    }
    assert (book["agents"], book["teams"], book["languages"]) == (["Ann", "Bo"], ["North", ""], ["en", ""])
    assert (book["version"], book["sections"], book["shards"]) == (RUN.version, RUN.sections, [0])
    assert [rule["clause"] for rule in book["rules"]] == ["1.1", "1.2", "1.3", "2.1"]


def test_an_index_is_in_parts_and_calls_in_full_are_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "PART_CALLS", 4)
    monkeypatch.setattr(pack, "SHARD_BYTES", 500)
    out = written(tmp_path, *many(10))
    book, *parts = payloads(out, "index")
    assert [len(part["ids"]) for part in parts] == [4, 4, 2]
    shards = payloads(out, "calls")
    assert len(shards) > 1
    assert [sum(map(len, shards[:n])) for n in range(len(shards))] == book["shards"]
    assert sum(map(len, shards)) == 10


def test_an_empty_run_packs_nothing(tmp_path: Path) -> None:
    out = written(tmp_path)
    assert len(payloads(out, "index")) == 1
    assert payloads(out, "calls") == []


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_text_is_packed_whole_and_cannot_end_its_element(tmp_path: Path, payload: str) -> None:
    run, lines = hostile(payload)
    out = written(tmp_path, *lines, run=run, level="full")
    ((call,),) = payloads(out, "calls")
    assert "".join(piece if isinstance(piece, str) else piece[0] for piece in call["turns"][0][3]) == payload
    assert payloads(out, "index")[1]["ids"] == [payload]


def test_a_megabyte_is_packed_whole(tmp_path: Path) -> None:
    words = "naïve " * 175_000
    out = written(tmp_path, entry("long", "fnmn", turns=(ledger.Line("agent", 0.0, 9.0, words),)), level="full")
    ((call,),) = payloads(out, "calls")
    assert call["turns"][0][3] == [words]


def test_no_word_of_a_call_is_in_a_report_without_words(tmp_path: Path) -> None:
    page = written(tmp_path, RUDE, level="none").read_text(encoding="utf-8")
    inside = json.dumps([payloads(tmp_path / "report.html", kind) for kind in ("index", "calls")])
    for turn in TALK:
        assert turn.text not in page + inside
    assert "Damn" not in page + inside


def test_memory_does_not_grow_with_the_calls(tmp_path: Path) -> None:
    def peak(calls: int) -> int:
        path = write(tmp_path / f"{calls}.jsonl", *many(calls))
        tracemalloc.start()
        try:
            write_html([path], tmp_path / f"{calls}.html")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # imports, templates
    assert peak(12_000) < 2 * peak(3000)


# -- one file, or a page and a folder


def test_above_a_size_the_calls_lie_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "ONE_FILE", 1000)
    monkeypatch.setattr(pack, "SHARD_BYTES", 1)
    path = write(tmp_path / "ledger.jsonl", RUDE, entry("b", "pfmn"))
    told = write_html([path], tmp_path / "out" / "day.html")
    folder = tmp_path / "out" / "day-calls"
    assert told.folder == folder
    assert str(told) == f"{tmp_path}/out/day.html, with its calls in the folder day-calls (more than 0 MB)"
    book = payloads(told.page, "index")[0]
    first, second = (f"shard-{book['edition']}-{number}" for number in (0, 1))
    assert sorted(file.name for file in folder.iterdir()) == [f"{first}.js", f"{second}.js"]
    name, payload = re.fullmatch(r'callqa\("([^"]+)","([^"]+)"\)\n', (folder / f"{second}.js").read_text()).groups()
    assert (name, unpacked(payload)[0]["verdicts"][0]["reason"]) == (second, "broke 1.2")
    assert payloads(told.page, "calls") == []
    assert book["folder"] == "day-calls"
    assert "&#39;strict-dynamic&#39;" in told.page.read_text(encoding="utf-8")
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert {stat.S_IMODE(each.stat().st_mode) for each in (folder, folder.parent)} == {0o700}


def test_a_report_of_just_the_size_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = written(tmp_path, RUDE, entry("b", "pfmn", agent="陈静"))
    size = out.stat().st_size
    for limit, in_a_folder in ((size, False), (size - 1, True)):
        monkeypatch.setattr(html, "ONE_FILE", limit)
        assert bool(write_html([tmp_path / "ledger.jsonl"], out).folder) is in_a_folder


def test_a_report_leaves_nothing_of_a_larger_one_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as small:
        small.setattr(html, "ONE_FILE", 1000)
        written(tmp_path, RUDE)
    assert list((tmp_path / "report-calls").glob("shard-*-0.js"))
    assert str(write_html([tmp_path / "ledger.jsonl"], tmp_path / "report.html")) == str(tmp_path / "report.html")
    assert not (tmp_path / "report-calls").exists()


def test_files_of_others_in_the_folder_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report-calls").mkdir()
    (tmp_path / "report-calls" / "notes.txt").write_text("mine")
    written(tmp_path, RUDE)
    assert [file.name for file in (tmp_path / "report-calls").iterdir()] == ["notes.txt"]
    monkeypatch.setattr(html, "ONE_FILE", 1000)
    written(tmp_path, RUDE)
    [shard] = (tmp_path / "report-calls").glob("shard-*-0.js")
    assert sorted(file.name for file in shard.parent.iterdir()) == ["notes.txt", shard.name]
    before = shard.stat()
    written(tmp_path, RUDE)  # what is there already stays as it is
    assert shard.stat().st_ino == before.st_ino


# -- recordings


def test_a_recording_is_linked_where_it_is_and_first_beside_the_report(tmp_path: Path) -> None:
    call = entry("talk", "fnmn", recording=str(tmp_path / "calls" / "a:b.wav"))
    assert pack.recording_beside(call, tmp_path) == "", "it is gone"
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "a:b.wav").touch()
    (tmp_path / "reports").mkdir()
    assert pack.recording_beside(call, tmp_path / "reports") == "../calls/a%3Ab.wav"
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "a:b.wav").touch()
    assert pack.recording_beside(call, tmp_path) == "recordings/a%3Ab.wav"
    (tmp_path / "a:b.wav").touch()
    assert pack.recording_beside(call, tmp_path) == "a%3Ab.wav"
    assert pack.recording_beside(RUDE, tmp_path) == ""

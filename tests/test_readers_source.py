"""Finding calls: files, folders, globs, JSON Lines, compression, copies, and references."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from pytest_callqa.call import Call
from pytest_callqa.errors import BadInput
from pytest_callqa.readers import (
    CallRef,
    Document,
    ReadOptions,
    Sidecars,
    Unreadable,
    duplicates,
    find_documents,
    load,
    locate,
    read_calls,
    source,
)

OPTIONS = ReadOptions()
BOTH = pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])


def line(number: int, text: str = "hello") -> bytes:
    return json.dumps({"id": f"c{number}", "turns": [{"text": text}]}).encode() + b"\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(file: str, content: bytes = line(1)) -> str:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_bytes(content)
    return file


def found(*paths: str) -> list[tuple[str, str]]:
    return [(one.file, one.place) for one in find_documents(paths, OPTIONS)]


def ids(*paths: str) -> list[str]:
    return [one.id if isinstance(one, Call) else str(one) for one in read_calls(paths, OPTIONS)]


def test_a_folder_is_walked_in_order_without_what_lies_beside_calls(folder: Path) -> None:
    for name in ("b.json", "a/z.vtt", "a.json", ".hidden.json", ".git/x.json", "README.md", "a.meta.yaml", "a.wav"):
        write(f"calls/{name}")
    write("calls/cases.csv")
    write("calls/attestations.json")
    assert found("calls") == [("calls/a.json", ""), ("calls/b.json", ""), ("calls/a/z.vtt", "")]


def test_a_file_named_outright_is_read_whatever_its_name(folder: Path) -> None:
    assert ids(write(".notes.txt")) == ["c1"]


def test_globs_match_files_and_folders(folder: Path) -> None:
    write("jan/a.json", line(1))
    write("feb/b.json", line(2))
    assert found("*/*.json") == [("feb/b.json", ""), ("jan/a.json", "")]
    assert found("*") == [("feb/b.json", ""), ("jan/a.json", "")]


def test_paths_that_lead_nowhere_are_errors_of_usage(folder: Path) -> None:
    write("calls/a.json")
    Path("empty").mkdir()
    for path, says in (
        ("cals", "There is no such file or folder. Did you mean 'calls'?"),
        ("none/at/all.json", "There is no such file or folder."),
        ("*.vtt", "This pattern matches no file"),
        ("empty", "This folder holds no file that could be a call"),
    ):
        with pytest.raises(BadInput, match=path.replace("*", r"\*")) as error:
            find_documents([path], OPTIONS)
        assert says in str(error.value)


def test_a_format_that_does_not_exist_is_an_error_of_usage(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"'webvt' is no format: .* Did you mean 'webvtt'\?"):
        find_documents([write("a.json")], ReadOptions(format="webvt"))


def test_a_format_can_be_forced(folder: Path) -> None:
    file = write("a.json", b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello.")
    [call] = read_calls([file], ReadOptions(format="srt"))
    assert isinstance(call, Call)
    assert call.format == "srt"
    [refused] = read_calls([file], ReadOptions(format="native"))
    assert "a.json: The JSON is broken" in str(refused)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_json_lines_are_one_call_a_line(folder: Path, suffix: str) -> None:
    content = b"\xef\xbb\xbf" + line(1) + b"\n" + line(2) + b"{broken\n" + line(3).rstrip()
    packed = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[suffix](content)
    file = write(f"calls.jsonl{suffix}", packed)
    assert [place for _, place in found(file)] == ["line 1", "line 3", "line 4", "line 5"]
    calls = list(read_calls([file], OPTIONS))
    assert [call.id for call in calls] == ["c1", "c2", "calls:4", "c3"]
    assert isinstance(calls[2], Unreadable)
    assert str(calls[2]).startswith(f"{file}, line 4: The JSON is broken")
    assert isinstance(calls[3], Call)
    assert calls[3].source == f"{file}, line 5"


@pytest.mark.parametrize(
    ("content", "places"),
    [
        (b'{"id": "a", "turns": []}', [""]),
        (b'{\n "id": "a"\n}', [""]),
        (b'[\n{"id": "a"}\n]', [""]),
        (b'{"id": "a"}\nrubbish', ["line 1", "line 2"]),
        (b'{"id": "a\n{"id": "b', ["line 1", "line 2"]),
        (b'"a"}\n{"id": "b"}', ["line 1", "line 2"]),
        (b"WEBVTT\n\n00:00", [""]),
        (b"", [""]),
    ],
)
def test_json_lines_are_told_by_their_first_two_lines(folder: Path, content: bytes, places: list[str]) -> None:
    assert [place for _, place in found(write("x", content))] == places


def test_a_whole_document_may_be_compressed(folder: Path) -> None:
    pretty = json.dumps({"id": "c1", "turns": [{"text": "hello"}]}, indent=1).encode()
    assert ids(write("a.json.gz", gzip.compress(pretty))) == ["c1"]
    frames = zstandard.compress(pretty[:20]) + zstandard.compress(pretty[20:])
    assert ids(write("a.json.zst", frames)) == ["c1"]


def test_without_the_extra_zstandard_files_say_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert "pip install 'pytest-callqa[zstd]'" in ids(write("a.zst", zstandard.compress(line(1))))[0]


@BOTH
def test_truncated_files_are_named_as_such(folder: Path, compress: Callable[[bytes], bytes]) -> None:
    packed = compress(line(1) * 50)
    assert "file is damaged or cut short" in ids(write("calls.gz", packed[:-9]))[-1]


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd"], ids=["gzip", "zstd"])
def test_damaged_files_are_named_as_such(folder: Path, magic: bytes) -> None:
    assert "file is damaged or cut short" in ids(write("calls.gz", magic + b"\xff" * 99))[0]


@BOTH
def test_a_bomb_is_stopped_at_its_budget(
    folder: Path, monkeypatch: pytest.MonkeyPatch, compress: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(source, "MAX_CALL", 2**16)
    bomb = write("bomb.gz", compress(line(1) + line(2) + b"\n" * 2**24))
    assert ids(bomb)[-1].endswith("check where it comes from.")
    assert "expands to more than 300 times its size" in ids(bomb)[-1]


def test_a_call_that_is_too_long_is_refused_and_the_next_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_CALL", 200)
    file = write("calls.jsonl", line(1) + line(2, "x" * 500) + line(3))
    first, refused, third = ids(file)
    assert (first, third) == ("c1", "c3")
    assert refused.startswith("calls.jsonl, line 2: More than 0 MiB in one piece is not read")
    assert "More than 0 MiB" in ids(write("a.json", line(1, "x" * 500)))[0]


def test_what_is_not_a_file_is_not_opened(folder: Path) -> None:
    os.mkfifo("pipe")
    os.symlink("gone.json", "dangling.json")
    assert "pipe: This is not a regular file" in ids("pipe")[0]
    assert "dangling.json: The file cannot be read (No such file or directory)" in ids("dangling.json")[0]


def test_copies_are_counted_once_and_another_call_of_that_id_is_refused(folder: Path) -> None:
    write("calls/a.json", line(1))
    write("calls/b.json", line(1))
    write("calls/c.json", line(1, "goodbye"))
    first, refused = ids("calls")
    assert first == "c1"
    assert refused == ("calls/c.json: Another call has the same id (calls/a.json): give each call an id of its own.")
    write("twice.jsonl", line(1) + line(1, "goodbye"))
    assert "twice.jsonl, line 2: Another call has the same id (twice.jsonl, line 1)" in ids("twice.jsonl")[1]


def test_a_copy_that_changes_while_it_is_read_is_no_copy(folder: Path) -> None:
    write("calls/a.json", line(1))
    write("calls/b.json", line(1))
    reading = read_calls(["calls"], OPTIONS)
    next(reading)
    write("calls/a.json", b"{")
    assert "calls/b.json: Another call has the same id (calls/a.json)" in str(next(reading))


@pytest.mark.parametrize("filter_size", [2**22, 1])
def test_copies_are_known_after_any_number_of_calls(
    folder: Path, monkeypatch: pytest.MonkeyPatch, filter_size: int
) -> None:
    monkeypatch.setattr(duplicates, "RECENT", 3)
    monkeypatch.setattr(duplicates, "_FILTER", filter_size)
    write("calls.jsonl", b"".join(map(line, [*range(10), *range(5)])) + line(7, "goodbye"))
    *found, refused = ids("calls.jsonl")
    assert found == [f"c{number}" for number in range(10)]
    assert "calls.jsonl, line 16: Another call has the same id (calls.jsonl, line 8)" in refused


def test_long_ids_are_told_apart_too(folder: Path) -> None:
    long = [line(1).replace(b"c1", b"c" * 1000 + end) for end in (b"1", b"2", b"1")]
    assert [len(id) for id in ids(write("calls.jsonl", b"".join(long)))] == [1001, 1001]


def test_a_copy_is_known_by_what_it_holds_and_not_how_it_is_written(folder: Path) -> None:
    write("calls/a.json", line(1))
    write("calls/b.json", line(1).replace(b", ", b",\n"))
    assert ids("calls") == ["c1"]


def test_what_is_neither_text_nor_json_is_not_a_table(folder: Path) -> None:
    assert "is not UTF-8" in ids(write("a.dat", b"\xe9,\xe9\n"))[0]


def test_calls_named_after_their_files_take_their_folders_name_where_needed(folder: Path) -> None:
    captions = b"WEBVTT\n\n00:00.000 --> 00:01.000\n"
    write("calls/jan/call.vtt", captions + b"One")
    write("calls/mar/call.vtt", captions + b"Two")
    write("calls/jan/call.webvtt", captions + b"Three")
    first, refused, third = ids("calls")
    assert (first, third) == ("call", "mar/call")
    assert "calls/jan/call.webvtt: Another call has the same id (calls/jan/call.vtt)" in refused


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_calls_are_located_once_and_loaded_later(folder: Path, suffix: str) -> None:
    content = line(1) + line(2) + b"\n{broken\n" + line(3)
    write(f"calls/a.jsonl{suffix}", gzip.compress(content) if suffix else content)
    write("calls/b.json", line(4))
    *refs, last = [one for one in locate(["calls"], OPTIONS) if isinstance(one, CallRef)]
    assert [ref.id for ref in (*refs, last)] == ["c1", "c2", "c3", "c4"]
    assert len({*refs, last}) == 4
    assert (last.offset, refs[2].place) == (-1, "line 5")
    sidecars = Sidecars.load(OPTIONS, ["calls"])
    for ref in (*refs, last):
        assert load(pickle.loads(pickle.dumps(ref)), OPTIONS, sidecars).id == ref.id
    [refused] = [one for one in locate(["calls"], OPTIONS) if isinstance(one, Unreadable)]
    assert refused.place == "line 4"


def test_a_located_call_keeps_the_id_it_was_given(folder: Path) -> None:
    write("calls/jan/call.vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nOne")
    write("calls/mar/call.vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nTwo")
    _, second = locate(["calls"], OPTIONS)
    assert isinstance(second, CallRef)
    assert load(second, OPTIONS, Sidecars.load(OPTIONS, [])).id == "mar/call"


def test_a_file_that_changed_since_it_was_listed_is_an_error(folder: Path) -> None:
    file = write("calls.jsonl", line(1) + line(2))
    _, second = locate([file], OPTIONS)
    assert isinstance(second, CallRef)
    sidecars = Sidecars.load(OPTIONS, [])
    write(file, line(1) + line(3))
    with pytest.raises(BadInput, match=r"calls.jsonl, line 2: The file has changed since it was listed"):
        load(second, OPTIONS, sidecars)
    write(file, line(1))
    with pytest.raises(BadInput, match=r"calls.jsonl, line 2: The file is empty"):
        load(second, OPTIONS, sidecars)
    write("calls.jsonl.gz", gzip.compress(line(1)))
    with pytest.raises(BadInput, match=r"calls.jsonl.gz: The file is empty"):
        load(CallRef("c2", "calls.jsonl.gz", offset=10_000), OPTIONS, sidecars)


def test_a_small_file_is_handed_on_as_it_was_read_and_a_large_one_is_not(folder: Path) -> None:
    small, large = write("small.json", line(1)), write("large.json", line(2, "x" * 2**17))
    [one, two] = find_documents([small, large], OPTIONS)
    assert isinstance(one, Document)
    assert isinstance(two, Document)
    assert (one.data, two.data) == (line(1), None)
    assert ids(small) + ids(large) == ["c1", "c2"]


def test_documents_cross_processes(folder: Path) -> None:
    [document] = find_documents([write("a.json")], OPTIONS)
    assert isinstance(document, Document)
    assert pickle.loads(pickle.dumps(document)) == document
    assert hash(document) == hash(Document("a.json", data=line(1)))

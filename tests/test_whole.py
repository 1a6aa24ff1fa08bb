"""A file is written whole or not at all, and is its owner's from its first byte."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_callqa.errors import Unwritten
from pytest_callqa.whole import write_whole


def modes(*paths: Path) -> list[str]:
    return [oct(stat.S_IMODE(path.stat().st_mode)) for path in paths]


def test_a_file_and_the_folders_made_for_it_are_the_owner_s(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "file"
    write_whole(file, [b"one ", b"two"])
    assert file.read_bytes() == b"one two"
    assert modes(file, file.parent, file.parent.parent) == ["0o600", "0o700", "0o700"]


def test_what_others_may_read_they_may_look_for(tmp_path: Path) -> None:
    file = tmp_path / "a" / "baseline"
    before = os.umask(0o022)
    try:
        write_whole(file, [b"one"], mode=0o644)
    finally:
        os.umask(before)
    assert modes(file, file.parent) == ["0o644", "0o755"]


def test_while_it_is_written_nobody_else_can_read_it_and_the_old_one_is_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_whole(file, [b"old"])

    def pieces() -> Iterator[bytes]:
        yield b"new"
        [fresh] = tmp_path.glob(".file.*.tmp")
        assert modes(fresh) == ["0o600"]
        assert file.read_bytes() == b"old"

    write_whole(file, pieces(), mode=0o644)
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


def test_the_first_of_two_writers_wins_where_it_must_be_new(tmp_path: Path) -> None:
    assert write_whole(tmp_path / "file", [b"first"], new=True)
    assert not write_whole(tmp_path / "file", [b"second"], new=True)
    assert (tmp_path / "file").read_bytes() == b"first"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unwritten, match="file/inside: cannot be written: File exists; make room"):
        write_whole(tmp_path / "file" / "inside", [], new=True)


def test_what_is_no_file_stays_what_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert write_whole(pipe, [b"one ", b"two"])
    assert os.read(reader, 100) == b"one two"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is put on the disk, in its order: the names of files and folders, and the moves between."""
    seen: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(number: int) -> None:
        seen.append(Path(os.readlink(f"/proc/self/fd/{number}")).suffix or "folder")
        fsync(number)

    def watched_replace(source: str, target: Path) -> None:
        seen.append("moved")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    return seen


def test_it_is_on_the_disk_before_it_takes_its_place_and_so_is_its_name_after(
    tmp_path: Path, settled: list[str]
) -> None:
    write_whole(tmp_path / "file", [b"new"])
    assert settled == [".tmp", "moved", "folder"]


def test_a_file_that_cannot_be_put_on_the_disk_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "file", [b"old"])

    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(Unwritten, match=r"Input/output error; what is there is the old one, of 20..-..-.. ..:.. UTC;"):
        write_whole(tmp_path / "file", [b"new"])
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_system_without_a_way_to_settle_names_goes_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def no_folders(path: str | Path, flags: int, mode: int = 0o777, **more: int) -> int:
        if Path(path).is_dir() and flags == os.O_RDONLY:
            raise PermissionError(path)
        return opened(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", no_folders)
    assert write_whole(tmp_path / "file", [b"new"])

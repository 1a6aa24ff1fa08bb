"""What docs/formats.md promises: its files are read, its table is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_callqa.call import Call
from pytest_callqa.readers import FORMATS, ReadOptions, read_calls
from pytest_callqa.readers.tolerance import tolerance

PAGE = (Path(__file__).parents[1] / "docs" / "formats.md").read_text(encoding="utf-8")


def test_the_call_of_the_page_is_read_with_all_its_sidecars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("calls").mkdir()
    files = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    for name, content in files:
        Path(name).write_text(content, encoding="utf-8")
    assert len(files) == 4
    [call] = read_calls(["calls"], ReadOptions())
    assert isinstance(call, Call), call
    assert (call.id, call.timing, call.roles, call.rings, len(call.events)) == ("c-17", "turn", "given", 2, 4)
    assert call.case is not None
    assert (call.case.id, call.case.changes, call.case.follow_ups[0].outcome) == (
        "T-1003",
        ("address", "phone"),
        "reached",
    )
    assert [one.clause for one in call.attestations] == ["1.4.1", "2.2.3"]


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_the_table_has_every_format_with_its_tolerance(format: str) -> None:
    [row] = re.findall(rf"^\|[^|]*\| `{format}` \|.*$", PAGE, flags=re.MULTILINE)
    if format != "native":
        assert f"{tolerance(format)} s" in row

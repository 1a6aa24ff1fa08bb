"""Scorecards as spreadsheets: the figures of the report, and no cell that is a formula."""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from pathlib import Path

import pytest

from pytest_callqa.errors import BadInput
from pytest_callqa.report.model import summarise
from pytest_callqa.report.sheets import safe, to_csv, write_scorecards
from pytest_callqa.verdict import wilson
from report_ledgers import RUDE, entry, judged, write

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u00a0=1", "＝1", "=cmd|' /C calc'!A0"]


def table(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_agents_are_rows_with_their_interval_and_their_sections(tmp_path: Path) -> None:
    summary = summarise([write(tmp_path / "l.jsonl", RUDE, entry("good", "ppmp", agent="Bo"))])
    write_scorecards(summary, tmp_path / "out" / "cards.csv")
    head, ann, bo = table((tmp_path / "out" / "cards.csv").read_bytes())
    assert head == [
        "agent", "calls", "score", "passed", "judged", "kept %", "from %", "to %", "critical calls",
        "1 Manners", "2 Waiting",
    ]  # fmt: skip
    assert ann == ["Ann", "1", "0.0", "0", "2", "0.0", "0.0", f"{100 * wilson(0, 2)[1]:.1f}", "1", "0.0", ""]
    assert bo == ["Bo", "1", "100.0", "3", "3", "100.0", f"{100 * wilson(3, 3)[0]:.1f}", "100.0", "0", "100.0", "100.0"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_csv_can_be_taken_for_a_formula(tmp_path: Path, text: str) -> None:
    write_scorecards(summarise([write(tmp_path / "l.jsonl", entry("a", "ppmp", agent=text))]), tmp_path / "cards.csv")
    _, row = table((tmp_path / "cards.csv").read_bytes())
    assert row[0] == f"'{text}"


def test_numbers_and_plain_texts_stay_what_they_are() -> None:
    assert [safe(cell) for cell in (-1, -1.5, None, "A-1", "Ann = Bo")] == [-1, -1.5, None, "A-1", "Ann = Bo"]
    assert to_csv([["é", 1]]) == b"\xef\xbb\xbf\xc3\xa9,1\r\n"


@pytest.mark.parametrize("text", [*FORMULAS, "https://example.org", "12"])
def test_every_text_of_a_workbook_is_a_string(tmp_path: Path, text: str) -> None:
    import openpyxl

    out = tmp_path / "cards.xlsx"
    write_scorecards(summarise([write(tmp_path / "l.jsonl", entry("a", "pfmp", agent=text))]), out)
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["Agents", "Sections", "Clauses"]
    for sheet in book:
        assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} <= {"s", "n"}
    assert book["Agents"]["A2"].data_type == "s"
    assert [cell.value for cell in book["Clauses"][3]][:9] == [
        "1.2", "Swearing is met with an apology", "critical", "1", 0, 1, 0, 0, round(100 * wilson(0, 1)[1], 1),
    ]  # fmt: skip
    with zipfile.ZipFile(out) as parts:
        assert all(b"<f>" not in parts.read(name) and b"hyperlink" not in parts.read(name) for name in parts.namelist())


def test_the_same_ledger_gives_the_same_bytes(tmp_path: Path) -> None:
    summary = summarise([judged(tmp_path)])
    for name in ("one.xlsx", "two.xlsx"):
        write_scorecards(summary, tmp_path / name)
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


def test_what_cannot_be_written_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = summarise([judged(tmp_path)])
    with pytest.raises(BadInput, match=r"cards\.ods: scorecards are CSV or XLSX; name the file so"):
        write_scorecards(summary, tmp_path / "cards.ods")
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        write_scorecards(summary, tmp_path / "file" / "cards.csv")
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(BadInput, match=r"pip install 'pytest-callqa\[xlsx\]', or write CSV"):
        write_scorecards(summary, tmp_path / "cards.xlsx")

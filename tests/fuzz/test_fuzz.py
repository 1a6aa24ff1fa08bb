"""A quick part of what `campaign.py` does at length, and every input that it ever found."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from pytest_callqa.readers import FORMATS

sys.path.insert(0, str(Path(__file__).parent))

import fuzzing
import tables

QUICK = 4000


def test_a_few_thousand_damaged_calls_are_read_or_refused() -> None:
    seen: Counter[str] = Counter()
    mutator = fuzzing.Mutator(fuzzing.seeds(), seed=0)
    for _ in range(QUICK):
        content = mutator.fresh()
        try:
            fuzzing.check(content, seen)
        except Exception as error:
            raise AssertionError(f"add this to tests/fuzz/finds: {content!r}") from error
    assert seen["refused"] < 1.9 * QUICK, "most inputs reach a reader"
    assert seen.keys() == {*FORMATS, "refused"}, "and every reader is reached"


def test_a_thousand_damaged_archives_and_tables_are_read_or_refused(tmp_path: Path) -> None:
    mutator = fuzzing.Mutator(fuzzing.containers(), seed=0)
    for number in range(QUICK // 4):
        content = mutator.fresh()
        try:
            fuzzing.check_file(content, tmp_path / f"damaged-{number}")
        except Exception as error:
            raise AssertionError(f"this broke the reading of files: {content!r}") from error


def test_a_thousand_damaged_parquet_files_are_read_or_refused() -> None:
    assert list(tables.finds(0, 1000)) == []


def test_a_parquet_file_that_ends_its_process_would_be_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fatal = tmp_path / "fuzzing.py"
    fatal.write_text(
        "import os\ndamaged_table = int\ndef check_file(number, file):\n"
        "    if number == 3:\n        os.abort()\n    assert number != 5, 'no sentence'\n"
    )
    monkeypatch.setattr(tables, "__file__", str(tmp_path / "tables.py"))
    (tmp_path / "tables.py").write_bytes(Path(fuzzing.HERE / "tables.py").read_bytes())
    found = list(tables.finds(0, 9))
    assert found == ["table 3: the process ended with -6", "table 5: AssertionError: no sentence"]


@pytest.mark.parametrize("file", sorted(path.name for path in fuzzing.FINDS.glob("*")))
def test_what_was_found_stays_mended(file: str) -> None:
    fuzzing.check((fuzzing.FINDS / file).read_bytes())

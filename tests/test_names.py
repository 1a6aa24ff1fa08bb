"""Names that no call gives: found where somebody is introduced or addressed in English, and in Chinese."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from harness import Project, talk
from personal import HARD, LANGUAGES, labelled, tally, ungiven
from pytest_callqa import cli, redact
from pytest_callqa.names import chinese, names_in
from pytest_callqa.redact import redactor


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("My name is Anna Li.", ["Anna Li"]),
        ("this is Bo speaking", ["Bo"]),
        ("Hi, this is James O'Neill from Acme Bank.", ["James O'Neill"]),
        ("Thank you, Maria Sanchez-Lopez!", ["Maria Sanchez-Lopez"]),
        ("Could I speak to Mrs. Baker about it?", ["Baker"]),
        ("Thank you for calling Acme Bank.", []),
        ("This is Acme Bank.", []),
        ("This is Great. Thank you, Sir! Hello There", []),
        ("I'm Sorry, it is May. I am Here", []),
        ("my name is on the card", []),
        ("你好，我叫王小明，李先生在吗", ["王小明", "李先生"]),
        ("欧阳娜女士您好，我姓陈。", ["欧阳娜", "陈"]),
        ("谢谢您，请您原谅，太不明白了，再见", []),
        ("这是红色的，高兴为您服务", []),
    ],
)
def test_names_are_found_where_words_tell(text: str, names: list[str]) -> None:
    assert {text[start:end] for start, end in names_in(text)} == set(names)
    masked = redactor(level="names")(text)
    assert len(masked) == len(text)
    assert not any(name in masked for name in names)
    assert redactor()(text) == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_most_names_are_masked_and_hardly_anything_by_mistake(language: str) -> None:
    found = tally(ungiven(language, 1000), "names")["name not given"]
    assert found.hit >= 0.85 * found.lines
    assert tally(ungiven(language, 1000))["name not given"].hit == 0
    harmless, known = (tally(labelled(language, 1500), level) for level in ("names", "standard"))
    kinds = ("harmless", *HARD)
    assert sum(harmless[kind].hit - known[kind].hit for kind in kinds) <= 0.01 * sum(
        known[kind].lines for kind in kinds
    )


UNGIVEN = talk("one", "agent: Yes? My name is Ingrid Solberg.", "customer: 我叫张伟。", "agent: Thank you, Ingrid!")


def test_a_run_masks_them_when_asked(project: Project) -> None:
    project.book().calls(UNGIVEN)
    for mode in ("cells", "batch"):
        told = {}
        for level in ("standard", "names"):
            project.run("--callqa-redact", level, "--callqa-mode", mode)
            told[level] = (project.path / ".callqa/ledger.jsonl").read_text(encoding="utf-8")
        for name in ("Ingrid", "Solberg", "张伟"):
            assert name in told["standard"]
            assert name not in told["names"]


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on which rjieba is not installed."""
    chinese.cache_clear()
    redact._redactor.cache_clear()
    monkeypatch.setitem(sys.modules, "rjieba", None)
    yield
    chinese.cache_clear()


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_a_run_says_what_it_takes(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "Masking names that no call gives needs rjieba: pip install 'pytest-callqa[names]', or mask less or all."
    result = project.book().calls(UNGIVEN).run("--callqa-redact", "names")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --callqa-redact: {said.replace('[', '[[]')}"])
    monkeypatch.chdir(project.path)
    with pytest.raises(SystemExit, match="2"):
        cli.main(["check", "--book", "rules", "calls", "--redact", "names"])
    assert f"argument --redact: {said}" in capsys.readouterr().err

"""The blocks of the documentation are run as they stand: files are written, commands give what is printed."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from benchmarks.measure import RESULTS
from benchmarks.report import tables
from docs import refresh_readme

from harness import Project
from pytest_callqa import options
from report_ledgers import FULL, write

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
PROGRAMS = {"pytest": "pytest", "callqa": "pytest_callqa.cli"}
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


FOLLOWED = ("first-failure", "writing-rules", "phrases", "teeth", "report", "customers", "variants")


@pytest.mark.parametrize("page", FOLLOWED)
def test_the_page_can_be_followed(project: Project, page: str) -> None:
    rows = "".join(f"sorry,yes,{group}\nmy bad,yes,{group}\nno problem,no,{group}\n" for group in range(20))
    project.file("marked.csv", f"text,label,group\n{rows}")
    for day in ("yesterday", "today"):
        write(project.path / f"{day}.jsonl", *FULL)
    for language, file, text in BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")):
        if file:
            project.file(file, text)
        elif language == "console":
            command, _, printed = text.removeprefix("$ ").partition("\n")
            program, *arguments = shlex.split(command)
            ran = project.pytester.run(sys.executable, "-m", PROGRAMS[program], *arguments)
            said = pytest.LineMatcher([*ran.outlines, *ran.errlines])
            said.fnmatch_lines([line.replace("…", "*").replace("[", "[[]") for line in printed.splitlines()])


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", *(f"docs/{page.name}" for page in PAGES)])
def test_links_lead_somewhere(page: str) -> None:
    for path, place in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", (ROOT / page).read_text(encoding="utf-8")):
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.exists(), path
        if place:
            heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert place in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, place


def test_every_page_is_in_the_list_of_pages() -> None:
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert {page.name for page in PAGES if f"({page.name}" not in listed} == {"README.md"}


def test_the_readme_names_every_option() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    declared = (*options.TEXTS, *options.LISTS, *options.SWITCHES)
    names = {"calls", *(f"callqa-{name.replace('_', '-')}" for name in declared)}
    assert {name for name in names if f"--{name}" not in readme} == set()


def test_the_readme_shows_what_the_commands_print() -> None:
    shown = refresh_readme.blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown["demo"] == refresh_readme.demo(), "out of date: run `make readme`"
    assert shown["summary"] == refresh_readme.summary(), "out of date: run `make readme`"


def test_the_page_on_the_report_shows_what_was_measured() -> None:
    measured = json.loads((RESULTS / "report.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    assert [row for row in measured["budgets"] if not row["met"]] == []
    assert tables(measured) in page, "out of date: run `python -m benchmarks report`"

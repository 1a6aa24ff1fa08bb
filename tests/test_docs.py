"""The blocks of the documentation are run as they stand: files are written, commands give what is printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from harness import Project

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["docs/writing-rules.md"])
def test_the_page_can_be_followed(project: Project, page: str) -> None:
    for language, file, text in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        if file:
            project.file(file, text)
        elif language == "console":
            command, _, printed = text.removeprefix("$ ").partition("\n")
            said = project.pytester.run(*shlex.split(command)).stdout
            said.fnmatch_lines([line.replace("…", "*").replace("[", "[[]") for line in printed.splitlines()])

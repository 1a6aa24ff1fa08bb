"""Put the real output of the commands into the README: `make readme`. A test fails when it is out of date."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
WIDTH = 100
SUMMARY_CALL = "conduct_specs/calls/3.4_complaints.en.jsonl"


def demo() -> str:
    """What `make demo` prints, without the list of files that cannot be read."""
    with tempfile.TemporaryDirectory() as folder:
        paths = ["conduct_specs/calls", "tests/data/calls", "--ledger", f"{folder}/ledger.jsonl"]
        said = _run([sys.executable, "-m", "pytest_callqa.cli", "check", *paths])
    head, _, unread = said.partition("\nnot judged, could not be read")
    return f"{head}\nnot judged, could not be read{unread.splitlines()[0]}\n  …\nreport: callqa-report/report.html"


def summary() -> str:
    """The end of a pytest run over one file of calls."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["-q", "--no-header", "-p", "no:cacheprovider", "--callqa-ledger", f"{folder}/ledger.jsonl"]
        said = _run([sys.executable, "-m", "pytest", "conduct_specs", "--calls", SUMMARY_CALL, *options])
    first_failure = re.search(r"^_+ test_\S+ _+\n(?:.+\n)+?(?=_)", said, re.MULTILINE)
    close = said[said.index("= call quality =") :].partition("\n")[2].partition("====")[0]
    assert first_failure is not None
    return f"{first_failure.group().rstrip()}\n…\n{close.rstrip()}"


def _run(command: list[str]) -> str:
    environment = {"COLUMNS": str(WIDTH), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    ).stdout.rstrip()


def blocks(text: str) -> dict[str, str]:
    """The marked blocks of the README by name."""
    return dict(re.findall(r"<!-- (\w+) -->\n```text\n(.*?)\n?```\n<!-- /\1 -->", text, re.DOTALL))


def main() -> None:
    text = README.read_text(encoding="utf-8")
    for name, said in (("demo", demo()), ("summary", summary())):
        marked = re.compile(rf"(<!-- {name} -->\n```text\n).*?(```\n<!-- /{name} -->)", re.DOTALL)
        text = marked.sub(lambda found: f"{found[1]}{said}\n{found[2]}", text)  # noqa: B023 - used at once
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

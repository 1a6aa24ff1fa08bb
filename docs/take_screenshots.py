"""Take the pictures of the report that README and docs show: `make screenshots`. Needs Chromium and Playwright."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
DOCS = Path(__file__).parent
CALLS = ("conduct_specs/calls", "tests/data/calls")
SHOTS = {
    "report.png": ("#overview", "light", 1000),
    "report-call.png": ("#call?id=0697acf83dc14c82", "light", 1000),
    "report-heat.png": ("#clauses?by=agent", "light", 900),
    "report-scorecard.png": ("#agent?name=A13", "dark", 900),
}
"""Picture: the address it shows, the theme, the height of the window."""
WIDTH = 1280


def take(browser: Browser, report: Path, folder: Path, shots: dict[str, tuple[str, str, int]]) -> None:
    """Take pictures of a report's views into a folder."""
    for name, (address, theme, height) in shots.items():
        page = browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme=theme)  # type: ignore[arg-type]
        page.goto(report.as_uri() + address)
        page.wait_for_selector("html[data-ready]")
        page.screenshot(path=folder / name)
        page.close()


def demo(folder: Path) -> Path:
    """The report of the sample calls and of the real transcripts, with the teeth of the rules."""
    ledger, report = folder / "ledger.jsonl", folder / "report.html"
    callqa = [sys.executable, "-m", "pytest_callqa.cli"]
    subprocess.run([*callqa, "check", *CALLS, "--ledger", str(ledger)], cwd=ROOT, check=False, capture_output=True)
    subprocess.run([*callqa, "teeth", "--ledger", str(ledger)], cwd=ROOT, check=False, capture_output=True)
    making = [*callqa, "report", str(ledger), "--text", "full", "-o", str(report)]
    subprocess.run(making, cwd=ROOT, check=True, capture_output=True)
    return report


def main() -> None:
    """Make the report and take its pictures."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        take(browser, demo(Path(name)), DOCS, SHOTS)
        browser.close()


if __name__ == "__main__":
    main()

"""A real browser: Chromium with a fresh profile, and pages that record what they try to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
RECORD = """
window.violations = [];
addEventListener("securitypolicyviolation", (e) => violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window, with a new profile."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.fail("Chromium is missing; install it, on Debian: apt-get install chromium", pytrace=False)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("Playwright is missing; install it: pip install 'pytest-callqa[dev]'", pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, headless=True, args=list(ARGUMENTS))
        yield started
        started.close()


class Visit:
    """A page that was opened, and everything it asked for or complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    @property
    def violations(self) -> list[str]:
        """What the content security policy blocked."""
        found: list[str] = self.page.evaluate("window.violations")
        return found


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open a file in a context of its own, its script at work; options as Playwright's ``new_context`` takes them."""
    with ExitStack() as contexts:

        def open_file(path: Path, fragment: str = "", *, ready: bool = True, **options: object) -> Visit:
            context = browser.new_context(**options)  # type: ignore[arg-type]  # passed through
            contexts.callback(context.close)
            context.add_init_script(RECORD)
            visited = Visit(context.new_page())
            visited.page.goto(path.as_uri() + fragment)
            if ready and options.get("java_script_enabled", True):
                visited.page.wait_for_selector("html[data-ready]")
            return visited

        yield open_file

"""Pages in a real browser: a Chromium that is there already, driven by Playwright."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]
WIDE, NARROW = (1440, 900), (390, 844)


@dataclass
class Opened:
    """A page in a browser tab, and what it said and asked for since it was opened."""

    tab: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def hear(self, line: ConsoleMessage) -> None:
        """Keep what the page prints as an error."""
        if line.type == "error":
            self.said.append(line.text)

    def check(self) -> None:
        """Fail where the page printed an error, raised one, or asked for anything but files."""
        assert self.said == []
        assert [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))] == []

    def check_accessible(self) -> None:
        """Fail where axe-core finds a serious or critical violation of WCAG 2 A or AA.

        Sections that are not shown are taken away: it does not judge them, but takes its time.
        """
        self.tab.evaluate(
            "document.querySelectorAll('section, article, .trap, tr')"
            ".forEach(part => part.checkVisibility() || part.remove())"
        )
        options = {
            "runOnly": ["wcag2a", "wcag2aa", "wcag21aa"],
            "resultTypes": ["violations"],  # of others, one example is enough
        }
        found = Axe().run(self.tab, options=options)
        violations = [
            (each["id"], [node["target"] for node in each["nodes"]][:5])
            for each in found.response["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        assert found.response["passes"], "axe-core checked nothing"
        assert violations == []


Open = Callable[..., Opened]


def executable() -> str | None:
    """Return the path of a Chromium, if there is one."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """Run a headless Chromium."""
    with sync_playwright() as driver:
        # A sandbox of its own is not to be had as root.
        browser = driver.chromium.launch(
            executable_path=path, args=FLAGS, chromium_sandbox=os.geteuid() != 0
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; where there is none, the tests that need it are skipped, and say so."""
    path = executable()
    if path is None:
        pytest.skip("no Chromium is found (on Debian: apt-get install chromium; or set $CHROMIUM)")
    with launched(path) as browser:
        yield browser


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Open]:
    """Open a file in a tab of its own, and check when the test ends that all went well there.

    Options are those of a context of Playwright's: color_scheme, java_script_enabled, permissions.
    """
    all_opened: list[Opened] = []

    def open_file(
        file: Path, address: str = "", size: tuple[int, int] = WIDE, **options: Any
    ) -> Opened:
        viewport = ViewportSize(width=size[0], height=size[1])
        context = chromium.new_context(viewport=viewport, **options)
        opened = Opened(context.new_page())
        all_opened.append(opened)
        opened.tab.on("console", opened.hear)
        opened.tab.on("pageerror", lambda error: opened.said.append(str(error)))
        context.on("request", lambda request: opened.asked.append(request.url))
        opened.tab.goto(file.absolute().as_uri() + address)
        return opened

    yield open_file
    for opened in all_opened:
        opened.check()
        opened.tab.context.close()

"""A real browser on the whole site: over http below a path, and from the file system."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import sync_playwright
from served import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

PREFIX = "/guide/"
REQUIRED = ("CI", "BENCH_REQUIRE_BROWSER")
"""Where one of these is set, a missing browser is a failure."""
Protocol = Literal["http", "file"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with its module: while it runs, an event loop does too, which others could not start theirs beside."""
    path = shutil.which("chromium")
    if path is None:
        if any(os.environ.get(name) for name in REQUIRED):
            pytest.fail("找不到 chromium：Debian 上装 chromium、fonts-noto-cjk 和 fonts-noto-color-emoji")
        pytest.skip("找不到 chromium，没有在浏览器里看过网站")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(whole: Path) -> Iterator[str]:
    with served(whole, PREFIX) as address:
        yield address


@pytest.fixture(scope="session")
def address(whole: Path, server: str) -> Callable[[str, Protocol], str]:
    """Where a page of the site is, by its path."""

    def of(path: str, protocol: Protocol = "http") -> str:
        return server + path if protocol == "http" else (whole / path).as_uri()

    return of


@pytest.fixture(scope="session")
def pages(whole: Path) -> list[str]:
    """Paths of all pages."""
    return sorted(path.relative_to(whole).as_posix() for path in whole.rglob("*.html"))


@dataclass
class Visit:
    """A window of the browser, and what went on in it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, context: BrowserContext) -> Visit:
        visit = cls(context.new_page())
        visit.page.on("request", lambda request: visit.requests.append(request.url))
        visit.page.on("requestfailed", visit.note_failure)
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        visit.page.on("console", visit.note_message)
        return visit

    def note_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # that is what leaving a page does to what it still loads
            self.errors.append(f"{request.failure}: {request.url}")

    def note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def draw_charts(self) -> None:
        """Scroll to every chart until it is drawn."""
        for chart in self.page.locator("figure.bench-chart").all():
            chart.scroll_into_view_if_needed()
            chart.locator(".bench-vega svg").wait_for()


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A browser context for each set of options, kept with its cache for the tests of a module."""
    known: dict[str, BrowserContext] = {}

    def of(**options: Any) -> BrowserContext:
        name = json.dumps(options, sort_keys=True)
        if name not in known:
            known[name] = browser.new_context(**options)
        return known[name]

    yield of
    for context in known.values():
        context.close()


@pytest.fixture
def visit(contexts: Callable[..., BrowserContext]) -> Iterator[Callable[..., Visit]]:
    """Opens an address in a window of its own; options are those of a browser context."""
    opened: list[Visit] = []

    def go(url: str, width: int = 1280, height: int = 900, **options: Any) -> Visit:
        found = Visit.begin(contexts(viewport={"width": width, "height": height}, **options))
        opened.append(found)
        found.page.goto(url)
        return found

    yield go
    for one in opened:
        if one.page.url.startswith(("http", "file")):
            one.page.evaluate("localStorage.clear()")  # the theme that somebody chose
        one.page.close()

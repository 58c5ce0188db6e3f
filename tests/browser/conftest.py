"""A real browser on the whole site: over http below a path, and from the file system."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import sync_playwright
from served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

BROWSER, SHELL = "chromium", "chromium-headless-shell"
"""The shell is the same browser without its window: it takes four fifths of the time."""
REQUIRED = ("CI", "BENCH_REQUIRE_BROWSER")
"""Where one of these is set, a missing browser is a failure."""
Protocol = Literal["http", "file"]


class Visit:
    """A window of the browser, and what went on in it."""

    def __init__(self, page: Page) -> None:
        self.page, self.requests, self.errors = page, list[str](), list[str]()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.note(str(error)))
        page.on("console", lambda message: self.note(message.text, wrong=message.type == "error"))
        # Leaving a page aborts what it still loads.
        page.on("requestfailed", lambda one: self.note(one.url, wrong=one.failure != "net::ERR_ABORTED"))

    def note(self, text: str, *, wrong: bool = True) -> None:
        self.errors += [text] * wrong


class Visits:
    """Opens pages in windows of their own, in a context with its cache for each set of options."""

    def __init__(self, browser: Browser, site: Path, server: str) -> None:
        self.browser, self.site, self.server = browser, site, server
        self.contexts: dict[str, BrowserContext] = {}

    def address(self, page: str, protocol: Protocol = "http") -> str:
        """Of a page of the site by its path; whatever else there is has an address."""
        if ":" in page:
            return page
        return self.server + page if protocol == "http" else self.site.as_uri() + f"/{page}"

    def __call__(self, page: str, protocol: Protocol = "http", width: int = 1280, **options: Any) -> Visit:
        options["viewport"] = {"width": width, "height": 900}
        name = json.dumps(options, sort_keys=True)
        if name not in self.contexts:
            self.contexts[name] = self.browser.new_context(**options)
        visit = Visit(self.contexts[name].new_page())
        visit.page.goto(self.address(page, protocol))
        return visit


@pytest.fixture(scope="module")
def visits(whole: Path, request: pytest.FixtureRequest) -> Iterator[Visits]:
    """The browser ends with its module: while it runs, an event loop does too, which others could not start theirs beside.

    A module that needs the whole one says so: `NEEDS_WINDOW`.
    """
    able = (BROWSER,) if hasattr(request.module, "NEEDS_WINDOW") else (SHELL, BROWSER)
    path = next(filter(None, map(shutil.which, able)), None)
    if path is None:
        if any(os.environ.get(name) for name in REQUIRED):
            pytest.fail("找不到 chromium：Debian 上装 chromium、fonts-noto-cjk 和 fonts-noto-color-emoji")
        pytest.skip("找不到 chromium，没有在浏览器里看过网站")
    with sync_playwright() as playwright, served(whole, "/guide/") as address:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield Visits(browser, whole, address)
        browser.close()


@pytest.fixture
def visit(visits: Visits) -> Iterator[Visits]:
    yield visits
    for context in visits.contexts.values():
        for page in context.pages:
            if page.url.startswith(("http", "file")):
                page.evaluate("try { localStorage.clear(); } catch (denied) {}")
            page.close()

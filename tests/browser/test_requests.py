"""Nothing leaves the site, and nothing goes wrong, on any page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HARMLESS = ("data:", "blob:", "about:")


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_every_request_stays_within_the_site(
    visit: Callable, address: Callable, pages: list[str], protocol: str
) -> None:
    base = address("", protocol)
    seen = visit(address("index.html", protocol))
    for path in pages:
        if path == "404.html" and protocol == "file":
            continue  # a server shows it for addresses of any depth, so its own links are absolute
        seen.page.goto(address(path, protocol))
        seen.draw_charts()
        seen.page.keyboard.press("/")
        seen.page.locator(".md-search__input").fill("内存")
        assert [url for url in seen.requests if not url.startswith((base, *HARMLESS))] == [], path
        assert seen.errors == [], path
        seen.requests.clear()


def test_missing_page_finds_its_way_back(visit: Callable, address: Callable) -> None:
    seen = visit(address("404.html"))
    assert seen.errors == []
    seen.page.locator("article a", has_text="首页").click()
    assert seen.page.url == address("index.html")

"""The search finds Chinese words inside sentences and names of the API, whole and in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

INDEX = "search_index.json"
WORDS = (
    "内存",
    "线程池",
    "物理核心",
    "归还",
    "intra_op_num_threads",
    "num_threads",
    "SessionOptions",
    "arena",
    "allow_spinning",
)


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_search_finds(visit: Callable, address: Callable, protocol: str) -> None:
    page = visit(address("reference/method.html", protocol)).page
    page.keyboard.press("/")
    field, results = page.locator(".md-search__input"), page.locator(".md-search-result__item")
    missing = []
    for word in WORDS:
        field.fill(word)  # presses no key, like a paste
        try:
            results.filter(has=page.locator("mark")).first.wait_for(timeout=10_000)
        except Exception as error:  # noqa: BLE001
            missing.append(f"{word}: {error}")
        field.fill("")
        results.first.wait_for(state="detached")
    assert missing == []


def test_search_says_so_when_there_is_nothing(visit: Callable, address: Callable) -> None:
    page = visit(address("index.html")).page
    page.keyboard.press("/")
    page.locator(".md-search__input").fill("袋鼠")
    page.get_by_text("没有找到").wait_for()


def test_result_leads_to_its_place_on_the_page(visit: Callable, address: Callable) -> None:
    page = visit(address("index.html", "file")).page
    page.keyboard.press("/")
    page.locator(".md-search__input").fill("allow_spinning")
    page.locator(".md-search-result__link").first.click()
    page.wait_for_load_state()
    assert page.url.startswith(address("", "file"))
    assert "allow_spinning" in page.locator("article").text_content()


def test_index_is_asked_for_only_when_somebody_turns_to_the_search(
    visit: Callable, address: Callable
) -> None:
    seen = visit(address("index.html"))
    seen.page.wait_for_load_state("networkidle")
    assert not any(INDEX in url for url in seen.requests)
    with seen.page.expect_request(f"**/{INDEX}"):
        seen.page.keyboard.press("/")

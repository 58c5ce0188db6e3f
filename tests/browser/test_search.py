"""The search finds what readers type, and answers whatever is asked, whatever the numbers of the site."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from playwright.sync_api import Frame, Page, Worker
    from samples import Visit

INDEX = "search_index.json"
ASK_ALL = (Path(__file__).parent / "every_query.js").read_text(encoding="utf-8")
SEEDS, QUERIES = 5, 40
ONCE_LOST = ("arena", "enable_cpu_mem_arena", "m", "1", "9")
TYPED = (
    *("内存", "内", "线程池", "物理核心", "归还", "空转", "峰值", "容器", "量化"),
    *("intra_op", "num_threads", "SessionOptions", "allow_spin", "shrink", "ORT_PAR", "Sess"),
    *("0", "12", "1.16", "1.3", "2026"),
)


@pytest.fixture(scope="session")
def index(whole: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((whole / "search" / INDEX).read_text(encoding="utf-8"))
    return found


def _missing(page: Page, queries: Iterable[str]) -> list[str]:
    """Queries that the box answers with nothing."""
    page.keyboard.press("/")
    field, results = page.locator(".md-search__input"), page.locator(".md-search-result__item")
    missing = []
    for query in queries:
        field.fill(query)  # presses no key, like a paste
        try:
            results.filter(has=page.locator("mark")).first.wait_for(timeout=10_000)
        except Exception as error:  # noqa: BLE001
            missing.append(f"{query}: {error}")
        field.fill("")
        results.first.wait_for(state="detached")
    return missing


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_search_finds_what_is_typed(visit: Callable, address: Callable, whole: Path, protocol: str) -> None:
    """Chinese words inside sentences, names of the API, whole and in parts."""
    html = (whole / "reference" / "options.html").read_text(encoding="utf-8")
    options = [str(row["data-option"]) for row in BeautifulSoup(html, "html.parser").select("[data-option]")]
    queries = list(dict.fromkeys((*ONCE_LOST, *TYPED, *options)))[: QUERIES if protocol == "http" else 16]
    assert _missing(visit(address("reference/method.html", protocol)).page, queries) == []


def test_index_comes_with_the_first_search_nothing_found_is_said_and_a_result_leads_to_its_place(
    visit: Callable, address: Callable
) -> None:
    seen = visit(address("index.html"))
    seen.page.wait_for_load_state("networkidle")
    assert not any(INDEX in url for url in seen.requests)
    with seen.page.expect_request(f"**/{INDEX}"):
        seen.page.keyboard.press("/")
    seen.page.locator(".md-search__input").fill("袋鼠")
    seen.page.get_by_text("没有找到").wait_for()
    page = visit(address("index.html", "file")).page
    page.keyboard.press("/")
    page.locator(".md-search__input").fill("allow_spinning")
    page.locator(".md-search-result__link").first.click()
    page.wait_for_load_state()
    assert page.url.startswith(address("", "file"))
    assert "allow_spinning" in page.locator("article").text_content()


def _worker(seen: Visit, protocol: str) -> Worker | Frame:
    """Where the search runs, once it has answered."""
    seen.page.keyboard.press("/")
    seen.page.locator(".md-search__input").fill("onnx")
    seen.page.locator(".md-search-result__item").first.wait_for()
    return seen.page.workers[0] if protocol == "http" else seen.page.frames[1]


def _otherwise(index: dict[str, Any], seed: int) -> dict[str, Any]:
    """The index of a site whose numbers came out otherwise; seed 0: as it is."""
    chance = random.Random(seed)

    def other(text: str) -> str:
        return re.sub(r"\d", lambda found: str(chance.randrange(10)) if seed else found[0], text)

    docs = [one | {"title": other(one["title"]), "text": other(one["text"])} for one in index["docs"]]
    return index | {"docs": docs}


@pytest.mark.parametrize(("protocol", "seeds"), [("http", range(SEEDS)), ("file", range(1))])
def test_every_term_and_every_beginning_is_found_whatever_the_numbers(
    visit: Callable, address: Callable, index: dict[str, Any], protocol: str, seeds: range
) -> None:
    worker = _worker(visit(address("index.html", protocol)), protocol)
    for seed in seeds:
        told = worker.evaluate(ASK_ALL, _otherwise(index, seed))
        assert told.pop("asked") > 1000
        assert {name: queries for name, queries in told.items() if queries} == {}, seed

"""The search answers whatever is asked: every term of its index and every beginning of one, whatever the numbers."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Visit
    from playwright.sync_api import Frame, Worker

ASK_ALL = (Path(__file__).parent / "every_query.js").read_text(encoding="utf-8")
SEEDS, QUERIES = 20, 100
ONCE_LOST = ("arena", "enable_cpu_mem_arena", "m", "1", "9")
TYPED = (
    *("内存", "内", "线程池", "物理核", "归还", "空转", "峰值", "容器", "量化"),
    *("intra_op", "sess", "allow_spin", "shrink", "ORT_PAR", "Sess"),
    *("0", "12", "1.16", "1.3", "2026"),
)


@pytest.fixture(scope="session")
def index(whole: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((whole / "search" / "search_index.json").read_text(encoding="utf-8"))
    return found


def _worker(seen: Visit, protocol: str) -> Worker | Frame:
    """Where the search runs, once it has answered."""
    page = seen.page
    page.keyboard.press("/")
    page.locator(".md-search__input").fill("onnx")
    page.locator(".md-search-result__item").first.wait_for()
    return page.workers[0] if protocol == "http" else page.frames[1]


def _faults(worker: Worker | Frame, index: dict[str, Any]) -> dict[str, list[str]]:
    told = worker.evaluate(ASK_ALL, index)
    assert told.pop("asked") > 1000
    return {name: queries for name, queries in told.items() if queries}


def _otherwise(index: dict[str, Any], seed: int) -> dict[str, Any]:
    """The index of a site whose numbers came out otherwise."""
    chance = random.Random(seed)

    def other(text: str) -> str:
        return re.sub(r"\d", lambda _: str(chance.randrange(10)), text)

    docs = [one | {"title": other(one["title"]), "text": other(one["text"])} for one in index["docs"]]
    return index | {"docs": docs}


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_every_term_and_every_beginning_is_found(
    visit: Callable, address: Callable, index: dict[str, Any], protocol: str
) -> None:
    worker = _worker(visit(address("index.html", protocol)), protocol)
    assert _faults(worker, index) == {}


def test_no_number_takes_the_search_down(visit: Callable, address: Callable, index: dict[str, Any]) -> None:
    worker = _worker(visit(address("index.html")), "http")
    found = {seed: _faults(worker, _otherwise(index, seed)) for seed in range(SEEDS)}
    assert {seed: faults for seed, faults in found.items() if faults} == {}


def _queries(whole: Path) -> list[str]:
    """Whole names of options, and what readers type."""
    html = (whole / "reference" / "options.html").read_text(encoding="utf-8")
    names = [str(row["data-option"]) for row in BeautifulSoup(html, "html.parser").select("[data-option]")]
    return list(dict.fromkeys((*ONCE_LOST, *TYPED, *names)))


def test_a_hundred_queries_go_through_the_box(visit: Callable, address: Callable, whole: Path) -> None:
    page = visit(address("index.html")).page
    page.keyboard.press("/")
    field, results = page.locator(".md-search__input"), page.locator(".md-search-result__item")
    queries, missing = _queries(whole), []
    assert len(queries) > QUERIES
    for query in queries[:QUERIES]:
        field.fill(query)
        try:
            results.filter(has=page.locator("mark")).first.wait_for(timeout=10_000)
        except Exception as error:  # noqa: BLE001
            missing.append(f"{query}: {error}")
        field.fill("")
        results.first.wait_for(state="detached")
    assert missing == []

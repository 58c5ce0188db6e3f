"""The article, home and the symptoms as a busy reader meets them: short, light, answers first, found by his own words."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup

from bench.facts.symptoms import symptoms

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Visits

ARTICLE, HOME = "blog/onnxruntime-cpu.html", "index.html"
MOST_HIGH = {1440: 12_000, 375: 20_000}
"""Pixels, by the width of the window."""
MOST_BYTES = 150_000
MOST_COLUMNS, MOST_ROWS = 5, 12
MOST_SHIFT = 0.05
SHIFTS = """() => new Promise(done => {
  let total = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) total += one.hadRecentInput ? 0 : one.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(total), 500);
})"""
LINES = """() => Array.from(document.querySelectorAll("table.bench-compact:not(.bench-compact-words) tr[data-case]"))
  .filter(row => row.getBoundingClientRect().height > 2.2 * parseFloat(getComputedStyle(row).lineHeight))
  .map(row => row.textContent.slice(0, 40))"""
FIELD, RESULT = ".md-search__input", ".md-search-result__item"
ASK = """async (queries) => {
  const found = {};
  for (const query of queries) {
    const answer = new Promise((resolve) => { self.postMessage = resolve; });
    self.dispatchEvent(new MessageEvent("message", { data: { type: 2, data: query } }));
    found[query] = (await answer).data.items.map((page) => page.map((one) => one.location));
  }
  return found;
}"""
"""Inside the search worker, as the page asks it: for each query the pages that are listed, with their places."""
GAP = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[A-Za-z0-9])|(?<=[A-Za-z0-9]) (?=[\u4e00-\u9fff])")
"""Between Chinese and Latin, where most people type none."""
NEAR = 4
"""A symptom is on one of so many pages that the search shows first."""


@pytest.mark.parametrize("width", MOST_HIGH)
def test_article_is_short_and_stays_where_it_is(visit: Visits, width: int) -> None:
    page = visit(ARTICLE).page
    page.set_viewport_size({"width": width, "height": 900})
    page.add_style_tag(content=".md-typeset * { content-visibility: visible !important; }")
    assert page.evaluate("document.documentElement.scrollHeight") <= MOST_HIGH[width]
    assert page.evaluate(SHIFTS) <= MOST_SHIFT
    assert width == 375 or page.evaluate(LINES) == [], "one line a row"


def test_article_is_light_and_its_tables_small(whole: Path) -> None:
    html = (whole / ARTICLE).read_bytes()
    assert len(gzip.compress(html)) <= MOST_BYTES
    soup = BeautifulSoup(html, "html.parser")
    tables = soup.select("article table.bench-compact")
    assert tables
    for table in tables:
        assert len(table.select("thead th")) <= MOST_COLUMNS
        assert len(table.select("tbody tr:not(.bench-compact-group)")) <= MOST_ROWS
    for section in re.split("<h2", html.decode())[1:]:
        assert section.count("<figure") <= 1
    assert soup.select("article .bench-figure") == [], "all that is long stands on the evidence pages"


def test_every_section_on_an_option_begins_with_what_to_do(whole: Path) -> None:
    soup = BeautifulSoup((whole / ARTICLE).read_text(encoding="utf-8"), "html.parser")
    links = soup.select("table.bench-compact-words th[scope=row] a")
    assert len(links) == 8
    for link in links:
        heading = soup.select_one(link["href"])
        assert heading is not None
        assert heading.find_next_sibling().select_one(".bench-advice strong"), link["href"]


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (375, 812)])
def test_code_stands_on_the_first_screen_of_home(visit: Visits, width: int, height: int) -> None:
    page = visit(HOME).page
    page.set_viewport_size({"width": width, "height": height})
    box = page.locator("article pre code").first.bounding_box()
    assert box is not None
    assert box["y"] + 60 <= height


def test_symptoms_are_found_by_the_words_that_people_type(visit: Visits) -> None:
    page = visit("reference/method.html").page
    page.keyboard.press("/")
    page.locator(FIELD).fill("内存")
    page.locator(RESULT).first.wait_for(timeout=10_000)
    wanted = {
        query: f"symptoms.html#{one.id.replace('_', '-')}"
        for one in symptoms()
        for query in (one.title, *one.words.split("、")[:2])
    }
    assert len(wanted) >= 40
    glued = {one: place for query, place in wanted.items() if (one := GAP.sub("", query)) not in wanted}
    assert len(glued) >= 10
    wanted |= glued
    found = page.workers[0].evaluate(ASK, list(wanted))
    near = {query: [place for page in pages[:NEAR] for place in page] for query, pages in found.items()}
    assert {query: near[query] for query, place in wanted.items() if place not in near[query]} == {}

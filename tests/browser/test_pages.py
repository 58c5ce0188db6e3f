"""Every page: nothing leaves the site, nothing goes wrong, it fits every window, and axe-core finds nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Protocol, Visits
    from playwright.sync_api import Locator, Page

HARMLESS = ("data:", "blob:", "about:")
WIDTHS, WIDEST = (360, 768, 1440), 2560
TOO_WIDE = """() => {
  const { scrollWidth, clientWidth } = document.scrollingElement;
  if (scrollWidth <= clientWidth) { return []; }
  const wide = Array.from(document.querySelectorAll("body *")).filter((one) => one.getBoundingClientRect().right > clientWidth + 1);
  return wide.slice(0, 3).map((one) => one.outerHTML.slice(0, 120)).concat(String(scrollWidth));
}"""
TABLES = {"evidence/arena": 20, "evidence/profiling": 10, "reference/certificate": 60, "reference/findings": 25, "reference/options": 60,
          "reference/licenses": 20, "blog/onnxruntime-cpu": 30}  # fmt: skip
"""Pages with tables, and at least how many rows there are."""
SCROLLING = """() => Array.from(document.querySelectorAll("article .bench-table"))
  .filter(one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible").map(one => one.ariaLabel)"""
CARDS = """() => Array.from(document.querySelectorAll("table.bench-cards > tbody > tr:not(.bench-compact-group)"))
  .filter(row => row.checkVisibility() && row.querySelector("th"))
  .map(row => {
    const seen = Array.from(row.cells).filter(cell => cell.checkVisibility()).map(cell => [cell, cell.getBoundingClientRect()])
      .sort(([, one], [, other]) => one.top - other.top || one.left - other.left).map(([cell]) => cell);
    const label = cell => getComputedStyle(cell, "::before").content;
    return { first: seen[0].tagName, labelled: seen.slice(1).every(cell => label(cell).length > 4),
             metrics: seen.filter(cell => cell.matches(".bench-measured td")).map(cell => cell.dataset.metric) };
  })"""
"""What stands in each row in the order in which it is seen."""
ARTICLE = "blog/onnxruntime-cpu.html"
ANCHORS = ("enable_mem_pattern", "log_severity_level", "threads-except", "graph-why")
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
KINDS = ["index", "blog/onnxruntime-cpu", "blog/index", "blog/tags", "notebooks/thread-ablation", "evidence/arena", "evidence/index",
         "reference/options", "reference/findings", "reference/method", "reference/data", "reference/machine", "reference/glossary", "reference/upstream",
         "machines", "en", "404"]  # fmt: skip
"""A page of each."""
WINDOWS = (("light", 1280), ("dark", 375))
WIDE_AND_DARK = {"evidence/arena": (("dark", 1280),)}
"""What only a wide window shows is the same on every page: one is seen dark, too."""
MATERIALS_OWN, ITS_PLACE = "landmark-unique", ".md-code__nav"
"""The bundle puts a nav without a name around every copy button. Nothing of ours belongs here."""
MANY = ["figure.bench-figure ~ figure.bench-figure ~ figure.bench-figure", "table.bench-measured tr:nth-child(n+4)",
        "table.bench-measured tr > :nth-child(n+6)", "table.bench-findings tr:nth-child(n+9)", "table.bench-options tr:nth-child(n+4)"]  # fmt: skip
"""Alike by the dozen; the first ones stand for all."""
LEAVE_OUT = "places => document.querySelectorAll(places.join()).forEach(one => one.remove())"
RUN = """() => axe.run({ resultTypes: ["violations"] })
  .then(found => found.violations.flatMap(rule => rule.nodes.map(node => {
    const others = [...node.any, ...node.all, ...node.none].flatMap(check => check.relatedNodes);
    const where = [node, ...others].map(one => one.target.join(" ")).join(" | ");
    return [rule.id, where, node.failureSummary];
  })))"""
"""Each violation: the rule, the element and those it clashes with, what is wrong."""
LOOK = """async () => {
  const frame = () => new Promise(done => { requestAnimationFrame(() => requestAnimationFrame(done)); setTimeout(done, 500); });
  for (let top = 0; top < document.documentElement.scrollHeight; top += innerHeight) {
    scrollTo(0, top);
    await frame();
  }
  scrollTo(0, 0);
}"""
"""Past everything once, as a reader goes: blocks of code get their button and their place for the keyboard in sight.
A busy machine may give a page no frame for minutes, hence the clock beside it."""
STILL = "*, *::before, *::after { animation: none !important; transition: none !important; }"
WITHOUT_TEXT = "document.querySelector('article').append(document.createElement('img'))"


def _draw_charts(page: Page, most: int | None = None) -> list[Locator]:
    charts = page.locator("figure.bench-chart").all()[:most]
    for chart in charts:
        chart.scroll_into_view_if_needed()
        chart.locator(".bench-vega svg").wait_for()
    return charts


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_nothing_leaves_the_site_and_everything_fits(visit: Visits, whole: Path, protocol: Protocol) -> None:
    """Every page as it is served; from the disk, and in the widest window, one of each kind.

    The search is opened once in each folder: what it loads is the same for all, and the way to it is the folder's.
    """
    base, too_wide, searched = visit.address("", protocol), {}, set[str]()
    seen = visit("index.html", protocol)
    every = (path.relative_to(whole).as_posix() for path in whole.rglob("*.html"))
    # A server shows that page for addresses of any depth, so its own links are absolute.
    from_disk = [f"{kind}.html" for kind in KINDS if kind != "404"]
    for path in sorted(every) if protocol == "http" else from_disk:
        seen.page.goto(visit.address(path, protocol))
        _draw_charts(seen.page)
        widths = (*WIDTHS, WIDEST) if path in from_disk else WIDTHS
        for width in widths if protocol == "http" else ():
            seen.page.set_viewport_size({"width": width, "height": 900})
            if guilty := seen.page.evaluate(TOO_WIDE):
                too_wide[path, width] = guilty
        if (folder := path.rpartition("/")[0]) not in searched:
            searched.add(folder)
            seen.page.keyboard.press("/")
            seen.page.locator(".md-search__input").fill("内存")
            seen.page.locator(".md-search-result__item").first.wait_for()
        assert [url for url in seen.requests if not url.startswith((base, *HARMLESS))] == [], path
        assert seen.errors == [], path
        seen.requests.clear()
    assert too_wide == {}


@pytest.mark.parametrize("kind", [*TABLES])
def test_row_of_a_table_is_a_card_on_a_phone_with_its_title_first_and_every_cell_labelled(
    visit: Visits, kind: str
) -> None:
    """Nothing scrolls sideways, folded or not; of what was measured, time, ratio, peak and kept come first."""
    page = visit(f"{kind}.html", width=375).page
    page.add_style_tag(content=".md-typeset * { content-visibility: visible !important; }")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate(SCROLLING) == page.evaluate(TOO_WIDE) == []
    cards = page.evaluate(CARDS)
    assert len(cards) >= TABLES[kind]
    assert [card for card in cards if not card["labelled"] or card["first"] != "TH"] == []
    measured = [card["metrics"] for card in cards if card["metrics"]]
    assert all(metrics[:2] == ["latency_ms", "ratio"] for metrics in measured)
    assert all(metrics[2:4] == ["peak_mib", "kept_mib"] for metrics in measured if "peak_mib" in metrics)


@pytest.mark.parametrize("width", [375, 1280])
def test_link_to_a_place_far_down_leads_there(visit: Visits, width: int) -> None:
    """What is out of sight is not laid out yet when the browser jumps."""
    for anchor in ANCHORS:
        page = visit(f"{ARTICLE}#{anchor}", width=width).page
        page.wait_for_timeout(300)
        top = page.locator(f"[id='{anchor}']").evaluate("one => one.getBoundingClientRect().top")
        assert 0 <= top < 150, anchor


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_but_the_picture_without_a_text_that_is_put_there(visit: Visits, kind: str) -> None:
    """Light on a desk, dark on a phone; the first chart is drawn, and its data are unfolded."""
    page = visit(f"{kind}.html").page
    page.add_style_tag(content=STILL)
    for chart in _draw_charts(page, 1):
        chart.locator("summary").click()
    page.evaluate(WITHOUT_TEXT)
    page.evaluate(LEAVE_OUT, MANY)
    page.evaluate(AXE)
    seen = 0
    for scheme, width in (*WIDE_AND_DARK.get(kind, ()), *WINDOWS):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.locator(f"body[data-md-color-scheme='{'slate' if scheme == 'dark' else 'default'}']").wait_for()
        if width != seen:
            page.evaluate(LOOK)
        seen = width
        found = page.evaluate(RUN)
        ours = [one for one in found if one[0] != MATERIALS_OWN or ITS_PLACE not in one[1]]
        assert [one[0] for one in ours] == ["image-alt"], (scheme, width, ours[:5])

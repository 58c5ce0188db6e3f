"""Tables sort and unfold; charts are drawn when seen, follow the theme, tell their numbers, and can be taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bench.pages.comparisons import FOLDED_ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Protocol, Visits
    from playwright.sync_api import Locator, Page

NEEDS_WINDOW = "in the shell, a mouse that nobody moves hides what a tap shows"
ARENA, FINDINGS, LIBRARY = "evidence/arena.html", "reference/findings.html", "assets/vega.js"
FRONTIER = "arena-frontier-aspp-batch=1"
KINDS = ("arena-memory_over_runs-aspp-batch=1", FRONTIER)
SCALING = ("evidence/intra_op_num_threads.html", ("intra_op_num_threads-thread_scaling",))
MARKS = "svg .mark-line path, svg .mark-symbol path"
DOT = "svg .mark-symbol.role-mark path"
CASES = "all => all.map(row => row.dataset.case)"
METRICS = "all => all.map(cell => cell.dataset.metric)"
TEXTS = "all => all.map(row => row.textContent)"
VALUES = "all => all.map(row => Number(row.cells[3].dataset.value))"
BARS = """all => all.map(cell => Number(cell.dataset.value)
  / parseFloat(getComputedStyle(cell.querySelector(".bench-bar")).getPropertyValue("--bar")))"""
SORTED = "all => all.toSorted((a, b) => a.localeCompare(b, 'zh', {numeric: true}))"


def test_table_draws_its_numbers_and_sorts_by_mouse_and_keyboard(visit: Visits) -> None:
    page = visit(ARENA).page
    table = page.locator("table[data-experiment='arena'][data-model='aspp']").first
    peaks = table.locator("td[data-metric='peak_mib']").evaluate_all(BARS)
    assert max(peaks) == pytest.approx(min(peaks), rel=0.02)
    drawn = table.locator("td:has(.bench-bar, .bench-whisker)").evaluate_all(METRICS)
    assert set(drawn) == {"ratio", "peak_mib"}
    whisker = table.locator(".bench-whisker").nth(2)
    assert whisker.bounding_box()["width"] > 40
    assert "gradient" in whisker.evaluate("one => getComputedStyle(one).backgroundImage")
    rows, headings = table.locator("tbody tr"), table.locator("thead th")
    before, values, button = rows.evaluate_all(CASES), {}, headings.nth(3).locator("button")
    for direction in ("ascending", "descending", "none"):
        button.click()
        assert headings.nth(3).get_attribute("aria-sort") == direction
        values[direction] = rows.evaluate_all(VALUES)
    assert values["ascending"] == sorted(values["ascending"])
    assert values["descending"] == values["ascending"][::-1] != values["ascending"]
    assert rows.evaluate_all(CASES) == before
    headings.nth(1).locator("button").click()
    button.focus()
    page.keyboard.press("Enter")
    assert [headings.nth(n).get_attribute("aria-sort") for n in (1, 3)] == ["none", "ascending"]
    assert rows.evaluate_all(VALUES) == values["ascending"]
    assert button.evaluate("one => one === document.activeElement")
    case = rows.first.get_attribute("data-case")
    rows.first.evaluate("one => one.cells[3].removeAttribute('data-value')")
    headings.nth(1).locator("button").click()
    for _ in range(2):  # ascending and descending: what has no value stays at the end
        button.click()
        assert rows.last.get_attribute("data-case") == case


def test_findings_sort_by_words_and_by_numbers_and_unfold(visit: Visits) -> None:
    page = visit(FINDINGS).page
    table = page.locator(".bench-findings")
    rows, seen = table.locator("tbody tr"), table.locator("tbody tr:visible")
    assert seen.count() == FOLDED_ROWS < rows.count()
    names = [text.split("\n")[0] for text in table.locator("thead th").all_inner_texts()]

    def sorted_by(name: str) -> Locator:
        place = next(n for n, text in enumerate(names) if text.startswith(name))
        table.locator("thead th").nth(place).locator("button").click()
        return table.locator(f"tbody tr > :nth-child({place + 1})")

    found = sorted_by("相差").evaluate_all("all => all.map(cell => parseFloat(cell.dataset.value))")
    assert found == sorted(found)
    words = sorted_by("实验").all_inner_texts()
    assert words == page.evaluate(SORTED, words)
    assert len(set(words)) > 1
    assert seen.evaluate_all(TEXTS) == rows.evaluate_all(TEXTS)[:FOLDED_ROWS]
    more = page.get_by_role("button", name=f"显示全部 {rows.count()} 行")
    more.focus()
    page.keyboard.press("Enter")
    assert (seen.count(), more.count()) == (rows.count(), 0)
    assert page.evaluate("document.activeElement.matches('.bench-table')")


def _chart(page: Page, name: str) -> Locator:
    chart = page.locator(f'[id="{name}"]')
    chart.scroll_into_view_if_needed()
    chart.locator(".bench-vega svg").wait_for()
    return chart


def _shows_numbers(page: Page) -> Locator:
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert any(letter.isdigit() for letter in tooltip.inner_text())
    return tooltip


def _colour(chart: Locator) -> str:
    return chart.locator("svg .role-axis-label text").first.evaluate("one => getComputedStyle(one).fill")


@pytest.mark.parametrize(
    ("protocol", "path", "kinds"), [("http", ARENA, KINDS), ("file", ARENA, KINDS), ("http", *SCALING)]
)
def test_charts_are_drawn_when_they_come_near_and_move_nothing(
    visit: Visits, protocol: Protocol, path: str, kinds: tuple[str, ...]
) -> None:
    """The place is as high before as the chart is after, fits a phone, says to all what it shows, and numbers at a tap."""
    seen = visit(path, protocol, width=375, has_touch=True)
    page = seen.page
    for chart in page.locator("figure.bench-chart").all():
        told = chart.locator(".bench-told").text_content() or ""
        assert told.endswith("。")
        assert told in (chart.locator(".bench-vega").get_attribute("aria-label") or "")
    assert not [url for url in seen.requests if url.endswith(LIBRARY)]
    for name in kinds:
        place = page.locator(f'[id="{name}"] .bench-vega')
        said = place.get_attribute("aria-label")
        box = _chart(page, name).locator(".bench-vega svg").bounding_box()
        assert 300 < box["width"] <= 375
        assert place.locator(MARKS).count() > 1
        assert place.evaluate("one => one.style.minHeight") == f"{box['height']:.0f}px"
        assert place.bounding_box()["height"] == pytest.approx(box["height"], abs=0.5)
        page.locator(f'[id="{name}"] .bench-vega[role="img"]').wait_for()
        place.locator("svg[aria-hidden='true']").wait_for()
        assert place.get_attribute("aria-label") == said
        assert place.get_attribute("aria-roledescription") is None
    assert len([url for url in seen.requests if url.endswith(LIBRARY)]) == 1
    if FRONTIER not in kinds:
        return
    mark = page.locator(f'[id="{FRONTIER}"]').locator(DOT).last
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tooltip = _shows_numbers(page)
    page.touchscreen.tap(10, 300)
    tooltip.wait_for(state="detached")


def test_colours_follow_the_theme_and_the_pointer_shows_numbers(visit: Visits) -> None:
    page = visit(ARENA, color_scheme="light").page
    chart, found = _chart(page, KINDS[0]), []
    for scheme in ("default", "default", "slate"):  # as the system says, light, dark
        assert page.locator("body").get_attribute("data-md-color-scheme") == scheme
        found.append(_colour(chart))
        assert found[-1] == page.locator("article").evaluate("one => getComputedStyle(one).color")
        page.locator("[data-theme-switch]").click()
    assert found[0] == found[1] != found[2]
    chart.locator("svg .role-legend-entry .role-legend-label text").nth(1).click()
    faded = chart.locator("svg .mark-line path[opacity='0.15']")
    faded.first.wait_for(state="attached")
    assert faded.count() == chart.locator("svg .mark-line path").count() - 1
    for name in KINDS:
        chart = _chart(page, name)
        if name == FRONTIER:
            chart.locator(DOT).last.hover(force=True)
        else:
            box = chart.locator("svg .role-frame > g > path.background").first.bounding_box()
            page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
        tooltip = _shows_numbers(page)
        page.mouse.move(1, 1)
        tooltip.wait_for(state="detached")


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_chart_can_be_saved_to_stand_alone(visit: Visits, tmp_path: Path, protocol: Protocol) -> None:
    page = visit(ARENA, protocol, color_scheme="dark").page
    chart, svg, png = _chart(page, FRONTIER), tmp_path / "chart.svg", tmp_path / "chart.png"
    for path in (svg, png):
        with page.expect_download() as download:
            chart.locator(f"[data-export='{path.suffix[1:]}']").click()
        assert download.value.suggested_filename == FRONTIER + path.suffix
        download.value.save_as(path)
    text = svg.read_text(encoding="utf-8")
    paper = page.locator("body").evaluate("one => getComputedStyle(one).backgroundColor")
    assert "currentColor" not in text
    assert f'fill="{paper}"' in text
    assert _colour(chart) in text
    box = chart.locator(".bench-vega svg").bounding_box()
    with Image.open(png) as image:
        assert image.size == (round(2 * box["width"]), round(2 * box["height"]))
        red, green, blue = image.convert("RGB").getpixel((2, 2))
    assert f"rgb({red}, {green}, {blue})" == paper
    alone = visit(svg.as_uri())
    assert (alone.errors, alone.requests) == ([], [svg.as_uri()])
    assert alone.page.locator("text").count() > 3


def test_without_scripts_and_on_paper_every_row_and_the_data_of_charts_are_there(visit: Visits) -> None:
    """So they are without the library; and no button does nothing."""
    plain, printed = (visit(FINDINGS, java_script_enabled=on).page for on in (False, True))
    printed.emulate_media(media="print")
    for page in (plain, printed):
        rows = page.locator("table.bench-findings tbody tr")
        assert page.locator("table.bench-findings tbody tr:visible").count() == rows.count() > FOLDED_ROWS
        page.goto(visit.address(ARENA))
        assert not page.locator(f'[id="{FRONTIER}"] [data-export]').first.is_visible()
    assert printed.locator(f'[id="{FRONTIER}"] details table').bounding_box()["height"] > 0
    assert plain.locator("thead button").count() == 0
    table = plain.locator("table[data-experiment='arena'][data-model='aspp']").first
    table.scroll_into_view_if_needed()
    assert table.locator("tbody tr").first.is_visible()
    assert "每次推理" in (table.locator("thead").text_content() or "")
    chart = plain.locator(f'[id="{FRONTIER}"]')
    assert "没有启用 JavaScript" in (chart.locator("noscript p").text_content() or "")
    assert not chart.locator(".bench-vega").is_visible()
    chart.locator("summary").click()
    assert chart.locator("details table").is_visible()
    page = visit("about:blank").page
    page.route(f"**/{LIBRARY}", lambda route: route.abort())
    page.goto(visit.address(ARENA))
    chart = page.locator(f'[id="{FRONTIER}"]')
    chart.scroll_into_view_if_needed()
    chart.get_by_text("图没有画出来").wait_for()
    assert chart.locator("details table").is_visible()

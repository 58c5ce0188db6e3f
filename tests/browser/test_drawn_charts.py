"""Charts are drawn when seen, follow the theme, tell their numbers, and can be taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator, Page

ARTICLE = "blog/onnxruntime-cpu.html"
KINDS = {
    "memory_over_runs": "arena-memory_over_runs-aspp-batch=2",
    "thread_scaling": "intra_op_num_threads-thread_scaling",
    "frontier": "arena-frontier-aspp-batch=2",
}
LIBRARY = "assets/vega.js"
MARKS = "svg .mark-line path, svg .mark-symbol path"


def _chart(page: Page, kind: str, *, drawn: bool = True) -> Locator:
    chart = page.locator(f'[id="{KINDS[kind]}"]')
    chart.scroll_into_view_if_needed()
    if drawn:
        chart.locator(".bench-vega svg").wait_for()
    return chart


def _shows_numbers(page: Page) -> Locator:
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert any(letter.isdigit() for letter in tooltip.inner_text())
    return tooltip


def _colour(chart: Locator) -> str:
    return chart.locator("svg .role-axis-label text").first.evaluate("one => getComputedStyle(one).fill")


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_charts_are_drawn_when_they_come_near_and_move_nothing(
    visit: Callable, address: Callable, protocol: str
) -> None:
    """The place is as high before as the chart is after, fits a phone, and says to all what it shows."""
    seen = visit(address(ARTICLE, protocol), width=375)
    for place in seen.page.locator("figure.bench-chart").all():
        told = place.locator(".bench-told").text_content() or ""
        assert told.endswith("。")
        assert told in (place.locator(".bench-vega").get_attribute("aria-label") or "")
    assert not [url for url in seen.requests if url.endswith(LIBRARY)]
    for kind, name in KINDS.items():
        place = seen.page.locator(f'[id="{name}"] .bench-vega')
        said = place.get_attribute("aria-label")
        box = _chart(seen.page, kind).locator(".bench-vega svg").bounding_box()
        assert 300 < box["width"] <= 375
        assert place.locator(MARKS).count() > 1
        assert place.evaluate("one => one.style.minHeight") == f"{box['height']:.0f}px"
        assert place.bounding_box()["height"] == pytest.approx(box["height"], abs=0.5)
        seen.page.locator(f'[id="{name}"] .bench-vega[role="img"]').wait_for()
        place.locator("svg[aria-hidden='true']").wait_for()
        assert place.get_attribute("aria-label") == said
        assert place.get_attribute("aria-roledescription") is None
    seen.draw_charts()
    assert len([url for url in seen.requests if url.endswith(LIBRARY)]) == 1


def test_colours_follow_the_theme_and_the_pointer_shows_numbers(visit: Callable, address: Callable) -> None:
    page = visit(address(ARTICLE), color_scheme="light").page
    chart = _chart(page, "memory_over_runs")
    found = []
    for _ in range(3):  # as the system says, light, dark
        found.append((page.locator("body").get_attribute("data-md-color-scheme"), _colour(chart)))
        page.locator("[data-theme-switch]").click()
    schemes, (system, light, dark) = zip(*found, strict=True)
    assert schemes == ("default", "default", "slate")
    assert system == light != dark
    assert dark == page.evaluate(
        "() => { document.body.dataset.mdColorScheme = 'slate'; const one = document.createElement('i');"
        "one.style.color = 'var(--md-typeset-color)'; document.body.append(one); return getComputedStyle(one).color; }"
    )
    chart.locator("svg .role-legend-entry .role-legend-label text").nth(1).click()
    faded = chart.locator("svg .mark-line path[opacity='0.15']")
    faded.first.wait_for(state="attached")
    assert faded.count() == chart.locator("svg .mark-line path").count() - 1
    for kind in KINDS:
        chart = _chart(page, kind)
        if kind == "frontier":
            chart.locator("svg .mark-symbol.role-mark path").last.hover(force=True)
        else:
            box = chart.locator("svg .role-frame > g > path.background").first.bounding_box()
            page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
        tooltip = _shows_numbers(page)
        page.mouse.move(1, 1)
        tooltip.wait_for(state="detached")


def test_tap_shows_the_numbers_until_the_next_one(visit: Callable, address: Callable) -> None:
    page = visit(address(ARTICLE), width=375, has_touch=True).page
    mark = _chart(page, "frontier").locator("svg .mark-symbol.role-mark path").last
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tooltip = _shows_numbers(page)
    page.touchscreen.tap(10, 300)
    tooltip.wait_for(state="detached")


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_chart_can_be_saved_to_stand_alone(
    visit: Callable, address: Callable, tmp_path: Path, protocol: str
) -> None:
    page = visit(address(ARTICLE, protocol), color_scheme="dark").page
    chart = _chart(page, "frontier")
    files = {}
    for format_ in ("svg", "png"):
        with page.expect_download() as download:
            chart.locator(f"[data-export='{format_}']").click()
        assert download.value.suggested_filename == f"{KINDS['frontier']}.{format_}"
        files[format_] = tmp_path / f"chart.{format_}"
        download.value.save_as(files[format_])
    text = files["svg"].read_text(encoding="utf-8")
    paper = page.locator("body").evaluate("one => getComputedStyle(one).backgroundColor")
    assert "currentColor" not in text
    assert f'fill="{paper}"' in text
    assert _colour(chart) in text
    box = chart.locator(".bench-vega svg").bounding_box()
    with Image.open(files["png"]) as image:
        assert image.size == (round(2 * box["width"]), round(2 * box["height"]))
        red, green, blue = image.convert("RGB").getpixel((2, 2))
    assert f"rgb({red}, {green}, {blue})" == paper
    alone = visit(files["svg"].as_uri())
    assert alone.errors == []
    assert alone.requests == [files["svg"].as_uri()]
    assert alone.page.locator("text").count() > 3


def test_data_are_there_where_no_chart_can_be(visit: Callable, address: Callable) -> None:
    """Without the library, without scripts, on paper: and no button that does nothing."""
    page = visit("about:blank").page
    page.route(f"**/{LIBRARY}", lambda route: route.abort())
    page.goto(address(ARTICLE))
    chart = _chart(page, "frontier", drawn=False)
    chart.get_by_text("图没有画出来").wait_for()
    assert chart.locator("details table").is_visible()
    plain = _chart(visit(address(ARTICLE), java_script_enabled=False).page, "frontier", drawn=False)
    assert "没有启用 JavaScript" in (plain.locator("noscript p").text_content() or "")
    assert not plain.locator(".bench-vega").is_visible()
    plain.locator("summary").click()
    assert plain.locator("details table").is_visible()
    printed = visit(address(ARTICLE)).page
    printed.emulate_media(media="print")
    chart = printed.locator(f'[id="{KINDS["frontier"]}"]')
    assert chart.locator("details table").bounding_box()["height"] > 0
    for one in (plain, chart):
        assert not one.locator("[data-export]").first.is_visible()

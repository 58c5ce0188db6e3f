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
LABEL = "svg .role-axis-label text"


def _drawn(page: Page, kind: str) -> Locator:
    chart = page.locator(f'[id="{KINDS[kind]}"]')
    chart.scroll_into_view_if_needed()
    chart.locator(".bench-vega svg").wait_for()
    return chart


def _colour(chart: Locator) -> str:
    return chart.locator(LABEL).first.evaluate("one => getComputedStyle(one).fill")


def _toggle(page: Page) -> None:
    page.locator("[data-theme-switch]").click()


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_charts_have_a_width_on_a_phone(visit: Callable, address: Callable, protocol: str) -> None:
    page = visit(address(ARTICLE, protocol), width=375).page
    for kind in KINDS:
        chart = _drawn(page, kind)
        box = chart.locator(".bench-vega svg").bounding_box()
        assert 300 < box["width"] <= 375
        assert chart.locator("svg .mark-line path, svg .mark-symbol path").count() > 1


def test_library_is_loaded_once_and_only_when_a_chart_comes_near(visit: Callable, address: Callable) -> None:
    seen = visit(address(ARTICLE))
    assert not [url for url in seen.requests if url.endswith(LIBRARY)]
    seen.draw_charts()
    assert len([url for url in seen.requests if url.endswith(LIBRARY)]) == 1


def test_drawing_moves_nothing(visit: Callable, address: Callable) -> None:
    """The place is as high before as the chart is after."""
    page = visit(address(ARTICLE)).page
    for kind in KINDS:
        place = _drawn(page, kind).locator(".bench-vega")
        height = place.locator("svg").bounding_box()["height"]
        assert place.evaluate("one => one.style.minHeight") == f"{height:.0f}px"
        assert place.bounding_box()["height"] == pytest.approx(height, abs=0.5)


def test_colours_follow_the_theme_without_a_reload(visit: Callable, address: Callable) -> None:
    page = visit(address(ARTICLE), color_scheme="light").page
    chart = _drawn(page, "memory_over_runs")
    found = []
    for _ in range(3):  # as the system says, light, dark
        found.append((page.locator("body").get_attribute("data-md-color-scheme"), _colour(chart)))
        _toggle(page)
    schemes, (system, light, dark) = zip(*found, strict=True)
    assert schemes == ("default", "default", "slate")
    assert system == light != dark
    assert dark == page.evaluate(
        "() => { document.body.dataset.mdColorScheme = 'slate'; const one = document.createElement('i');"
        "one.style.color = 'var(--md-typeset-color)'; document.body.append(one); return getComputedStyle(one).color; }"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_pointer_shows_the_numbers(visit: Callable, address: Callable, kind: str) -> None:
    page = visit(address(ARTICLE)).page
    chart = _drawn(page, kind)
    if kind == "frontier":
        chart.locator("svg .mark-symbol.role-mark path").last.hover(force=True)
    else:
        box = chart.locator("svg .role-frame > g > path.background").first.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert any(letter.isdigit() for letter in tooltip.inner_text())


def test_tap_shows_the_numbers_until_the_next_one(visit: Callable, address: Callable) -> None:
    page = visit(address(ARTICLE), width=375, has_touch=True).page
    mark = _drawn(page, "frontier").locator("svg .mark-symbol.role-mark path").last
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert any(letter.isdigit() for letter in tooltip.inner_text())
    page.touchscreen.tap(10, 300)
    tooltip.wait_for(state="detached")


def test_drawn_chart_still_says_what_it_shows(visit: Callable, address: Callable) -> None:
    page = visit(address(ARTICLE)).page
    for kind, name in KINDS.items():
        place = page.locator(f'[id="{name}"] .bench-vega')
        said = place.get_attribute("aria-label")
        _drawn(page, kind)
        page.locator(f'[id="{name}"] .bench-vega[role="img"]').wait_for()
        place.locator("svg[aria-hidden='true']").wait_for()
        assert place.get_attribute("aria-label") == said
        assert "。" in said
        assert place.get_attribute("aria-roledescription") is None


def test_legend_brings_out_one_line(visit: Callable, address: Callable) -> None:
    page = visit(address(ARTICLE)).page
    chart = _drawn(page, "memory_over_runs")
    chart.locator("svg .role-legend-entry .role-legend-label text").nth(1).click()
    faded = chart.locator("svg .mark-line path[opacity='0.15']")
    faded.first.wait_for(state="attached")
    assert faded.count() == chart.locator("svg .mark-line path").count() - 1


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_chart_can_be_saved_to_stand_alone(
    visit: Callable, address: Callable, tmp_path: Path, protocol: str
) -> None:
    page = visit(address(ARTICLE, protocol), color_scheme="dark").page
    chart = _drawn(page, "frontier")
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


def test_saved_chart_opens_by_itself(visit: Callable, address: Callable, tmp_path: Path) -> None:
    page = visit(address(ARTICLE)).page
    chart = _drawn(page, "memory_over_runs")
    with page.expect_download() as download:
        chart.locator("[data-export='svg']").click()
    download.value.save_as(tmp_path / "chart.svg")
    alone = visit((tmp_path / "chart.svg").as_uri())
    assert alone.errors == []
    assert alone.requests == [(tmp_path / "chart.svg").as_uri()]
    assert alone.page.locator("text").count() > 3


def test_text_alternative_says_what_the_caption_says(visit: Callable, address: Callable) -> None:
    page = visit(address(ARTICLE)).page
    for chart in page.locator("figure.bench-chart").all():
        told = chart.locator(".bench-told").text_content() or ""
        assert told.endswith("。")
        assert told in (chart.locator(".bench-vega").get_attribute("aria-label") or "")


def test_missing_library_opens_the_data_instead(visit: Callable, address: Callable) -> None:
    page = visit("about:blank").page
    page.route(f"**/{LIBRARY}", lambda route: route.abort())
    page.goto(address(ARTICLE))
    chart = page.locator(f'[id="{KINDS["frontier"]}"]')
    chart.scroll_into_view_if_needed()
    chart.get_by_text("图没有画出来").wait_for()
    assert chart.locator("details table").is_visible()


def test_without_scripts_the_data_is_there_and_nothing_that_does_not_work(
    visit: Callable, address: Callable
) -> None:
    page = visit(address(ARTICLE), java_script_enabled=False).page
    chart = page.locator(f'[id="{KINDS["frontier"]}"]')
    chart.scroll_into_view_if_needed()
    note = chart.locator("noscript p")
    note.wait_for()
    assert "没有启用 JavaScript" in (note.text_content() or "")
    assert not chart.locator("[data-export]").first.is_visible()
    assert not chart.locator(".bench-vega").is_visible()
    chart.locator("summary").click()
    assert chart.locator("details table").is_visible()


def test_print_shows_the_data_and_no_buttons(visit: Callable, address: Callable) -> None:
    page = visit(address(ARTICLE)).page
    page.emulate_media(media="print")
    chart = page.locator(f'[id="{KINDS["frontier"]}"]')
    assert chart.locator("details table").bounding_box()["height"] > 0
    assert not chart.locator("[data-export]").first.is_visible()

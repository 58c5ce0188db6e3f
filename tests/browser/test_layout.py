"""Every page fits every window: what is wider scrolls by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTHS = (360, 375, 768, 1440, 2560)
TOO_WIDE = """() => {
  const root = document.scrollingElement;
  if (root.scrollWidth <= root.clientWidth) { return []; }
  return Array.from(document.querySelectorAll("body *"))
    .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1)
    .slice(0, 3).map((one) => one.outerHTML.slice(0, 120)).concat(String(root.scrollWidth));
}"""


def test_no_page_scrolls_sideways(visit: Callable, address: Callable, pages: list[str]) -> None:
    page = visit(address("index.html")).page
    found = {}
    for path in pages:
        page.goto(address(path))
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            guilty = page.evaluate(TOO_WIDE)
            if guilty:
                found[path, width] = guilty
    assert found == {}


def test_first_column_stays_while_a_table_scrolls(visit: Callable, address: Callable) -> None:
    page = visit(address("blog/onnxruntime-cpu.html"), width=375).page
    region = page.locator(".bench-table", has=page.locator("table[data-experiment='arena']")).first
    region.evaluate("one => { one.scrollLeft = 300; }")
    left = region.bounding_box()["x"]
    heading = region.locator("tbody th").first.bounding_box()
    assert region.evaluate("one => one.scrollLeft") == 300
    assert abs(heading["x"] - left) < 1
    assert heading["width"] < 0.5 * 375

"""Every page fits every window: what is wider scrolls by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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


ANCHORS = ("enable_mem_pattern", "log_severity_level", "intra_op_num_threads-thread_scaling", "arena-proofs")


@pytest.mark.parametrize("width", [375, 1280])
def test_link_to_a_place_far_down_leads_there(visit: Callable, address: Callable, width: int) -> None:
    """What is out of sight is not laid out yet when the browser jumps."""
    tops = {}
    for anchor in ANCHORS:
        page = visit(address(f"blog/onnxruntime-cpu.html#{anchor}"), width=width).page
        page.wait_for_timeout(500)
        tops[anchor] = page.locator(f"[id='{anchor}']").evaluate("one => one.getBoundingClientRect().top")
    assert {anchor: top for anchor, top in tops.items() if not 0 <= top < 150} == {}

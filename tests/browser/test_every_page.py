"""Every page: nothing leaves the site, nothing goes wrong, and it fits every window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HARMLESS = ("data:", "blob:", "about:")
WIDTHS = (360, 375, 768, 1440, 2560)
TOO_WIDE = """() => {
  const root = document.scrollingElement;
  if (root.scrollWidth <= root.clientWidth) { return []; }
  return Array.from(document.querySelectorAll("body *"))
    .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1)
    .slice(0, 3).map((one) => one.outerHTML.slice(0, 120)).concat(String(root.scrollWidth));
}"""
ANCHORS = ("enable_mem_pattern", "log_severity_level", "intra_op_num_threads-thread_scaling", "arena-proofs")


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_every_request_stays_within_the_site_and_no_page_scrolls_sideways(
    visit: Callable, address: Callable, pages: list[str], protocol: str
) -> None:
    base, too_wide = address("", protocol), {}
    seen = visit(address("index.html", protocol))
    for path in pages:
        if path == "404.html" and protocol == "file":
            continue  # a server shows it for addresses of any depth, so its own links are absolute
        seen.page.goto(address(path, protocol))
        seen.draw_charts()
        for width in WIDTHS if protocol == "http" else ():
            seen.page.set_viewport_size({"width": width, "height": 900})
            if guilty := seen.page.evaluate(TOO_WIDE):
                too_wide[path, width] = guilty
        seen.page.keyboard.press("/")
        seen.page.locator(".md-search__input").fill("内存")
        assert [url for url in seen.requests if not url.startswith((base, *HARMLESS))] == [], path
        assert seen.errors == [], path
        seen.requests.clear()
    assert too_wide == {}


def test_missing_page_finds_its_way_back(visit: Callable, address: Callable) -> None:
    seen = visit(address("404.html"))
    assert seen.errors == []
    seen.page.locator("article a", has_text="首页").click()
    assert seen.page.url == address("index.html")


@pytest.mark.parametrize("width", [375, 1280])
def test_link_to_a_place_far_down_leads_there(visit: Callable, address: Callable, width: int) -> None:
    """What is out of sight is not laid out yet when the browser jumps."""
    tops = {}
    for anchor in ANCHORS:
        page = visit(address(f"blog/onnxruntime-cpu.html#{anchor}"), width=width).page
        page.wait_for_timeout(300)
        tops[anchor] = page.locator(f"[id='{anchor}']").evaluate("one => one.getBoundingClientRect().top")
    assert {anchor: top for anchor, top in tops.items() if not 0 <= top < 150} == {}

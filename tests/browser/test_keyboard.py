"""Everything that can be used can be used with the keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 400
"""Steps after which a walk gives up."""
WANTED = {
    "skip link": ".md-skip",
    "search": ".md-search__input",
    "theme": "[data-theme-switch]",
    "sort button": ".bench-sort",
    "table": ".bench-table[role='region']",
    "copy button": ".md-code__button",
    "folded part": "summary",
    "permalink": ".bench-anchor",
    "download": ".bench-downloads a",
    "chart's buttons": "[data-export]",
}
HERE = """(wanted) => {
  const one = document.activeElement;
  return wanted.filter(([, selector]) => one.matches(selector)).map(([name]) => name);
}"""


def test_tab_reaches_everything_the_skip_link_first(visit: Callable, address: Callable) -> None:
    page, reached = visit(address("blog/onnxruntime-cpu.html")).page, set[str]()
    for _ in range(MOST):
        page.keyboard.press("Tab")
        reached |= set(page.evaluate(HERE, [*WANTED.items()]))
        if reached == set(WANTED):
            break
    assert reached == set(WANTED)
    page.reload()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.md-skip')")
    page.keyboard.press("Enter")
    page.wait_for_url("**#*")
    page.keyboard.press("Tab")
    assert page.evaluate("Boolean(document.activeElement.closest('.md-content'))")


def test_focus_can_be_seen(visit: Callable, address: Callable) -> None:
    page = visit(address("blog/onnxruntime-cpu.html")).page
    for selector in (".bench-sort", ".bench-table[role='region']", "[data-export]", ".bench-anchor"):
        page.locator(selector).first.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline not in ("none", ""), selector


def test_region_of_a_table_scrolls_by_arrow_keys(visit: Callable, address: Callable) -> None:
    page = visit(address("blog/onnxruntime-cpu.html"), width=375).page
    region = page.locator(".bench-table", has=page.locator("table[data-experiment='arena']")).first
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("one => one.scrollLeft > 0", arg=region.element_handle())


def test_search_opens_and_closes_by_keys(visit: Callable, address: Callable) -> None:
    page = visit(address("index.html")).page
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.matches('.md-search__input')")
    page.wait_for_function(
        "document.querySelector('#__search').checked"
    )  # Material looks at the focus a little later
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('#__search').checked")
    assert not page.evaluate("document.activeElement.matches('.md-search__input')")

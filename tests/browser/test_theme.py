"""Light, dark or as the system has it: painted right from the start, chosen with one button, kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

HOME = "index.html"
SWITCH = "[data-theme-switch]"
EVERY_FRAME = """() => {
  window.schemes = [];
  const note = () => {
    if (document.body) { window.schemes.push(document.body.dataset.mdColorScheme); }
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}"""
NO_STORAGE = """() => Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("denied", "SecurityError"); },
})"""

IN_TWO_PARTS = """async ([first, second]) => {
  document.open();
  document.write(first);
  await new Promise((go_on) => setTimeout(go_on, 100));
  document.write(second);
  document.close();
}"""


def _scheme(page: Page) -> str | None:
    return page.locator("body").get_attribute("data-md-color-scheme")


def _frame(page: Page) -> str:
    """What the browser paints its own parts with, and scroll bars and form fields."""
    return page.evaluate(
        "[document.querySelector('[name=theme-color]').content,"
        " getComputedStyle(document.documentElement).colorScheme].join(' ')"
    )


@pytest.mark.parametrize(("system", "scheme"), [("light", "default"), ("dark", "slate")])
def test_first_visit_is_as_the_system_has_it_from_the_first_frame(
    visit: Callable, address: Callable, system: str, scheme: str
) -> None:
    page = visit("about:blank", color_scheme=system).page
    page.add_init_script(f"({EVERY_FRAME})()")
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 8})
    page.goto(address(HOME))
    page.wait_for_function("window.schemes.length > 3")
    assert set(page.evaluate("window.schemes")) == {scheme}


def test_button_goes_round_and_says_where_it_is(visit: Callable, address: Callable) -> None:
    page = visit(address(HOME), color_scheme="dark").page
    switch = page.locator(SWITCH)
    found = []
    for _ in range(4):
        found.append((switch.get_attribute("aria-label"), _scheme(page)))
        assert switch.locator("svg:visible").count() == 1
        switch.press("Enter")
    system, *_, again = found
    assert found == [("颜色：跟随系统", "slate"), ("颜色：浅色", "default"), ("颜色：深色", "slate"), again]
    assert system == again


def test_page_may_arrive_in_parts_that_end_within_the_button(
    visit: Callable, address: Callable, whole: Path
) -> None:
    seen = visit(address("llms.txt", "file"))  # beside the home page, and without scripts
    html = (whole / HOME).read_text(encoding="utf-8")
    cut = html.index(">", html.index(SWITCH.strip("[]"), html.index("<body"))) + 1
    seen.page.evaluate(IN_TWO_PARTS, [html[:cut], html[cut:]])
    seen.page.locator(f"{SWITCH}[aria-label='颜色：跟随系统']").wait_for()
    assert seen.errors == []


def test_choice_is_kept_on_the_next_page_in_other_windows_and_against_the_system(
    visit: Callable, address: Callable
) -> None:
    """Until there is one, the page follows the system while it is open."""
    page, other = (visit(address(HOME), color_scheme="light", locale="zh-CN").page for _ in range(2))
    assert _frame(page) == "#fcfbf8 light"
    page.emulate_media(color_scheme="dark")
    page.locator("body[data-md-color-scheme='slate']").wait_for()
    assert _frame(page) == "#14181c dark"
    page.locator(SWITCH).click()
    page.goto(address("reference/method.html"))
    assert page.locator(SWITCH).get_attribute("aria-label") == "颜色：浅色"
    assert _scheme(page) == "default"
    assert _frame(page) == "#fcfbf8 light"
    page.locator(SWITCH).click()
    other.locator("body[data-md-color-scheme='slate']").wait_for()
    assert other.locator(SWITCH).get_attribute("aria-label") == "颜色：深色"


def test_without_storage_the_system_decides(visit: Callable, address: Callable) -> None:
    page = visit("about:blank", color_scheme="dark").page
    page.add_init_script(f"({NO_STORAGE})()")
    page.goto(address(HOME))
    assert _scheme(page) == "slate"
    page.locator(SWITCH).click()
    assert _scheme(page) == "default"
    page.goto("about:blank")  # nothing to clear up


def test_colours_of_the_browsers_frame_are_those_of_the_paper() -> None:
    docs = ROOT / "docs"
    script = (docs / "overrides" / "partials" / "theme.html").read_text(encoding="utf-8")
    theme = (docs / "assets" / "theme.css").read_text(encoding="utf-8")
    for scheme, colour in re.findall(r"(default|slate): \"(#\w{6})\"", script):
        block = theme[theme.index(f'[data-md-color-scheme="{scheme}"] {{') :]
        assert re.search(r"--paper: (#\w+);", block).group(1) == colour

"""Tables sort by mouse and keyboard, and give their order back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.pages.comparisons import FOLDED_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

ARTICLE = "blog/onnxruntime-cpu.html"
FINDINGS, ROWS = "reference/findings.html", "table.bench-findings tbody tr"
TABLE = "table[data-experiment='arena'][data-model='aspp']"
CASES = "all => all.map(row => row.dataset.case)"
TEXTS = "all => all.map(row => row.textContent)"
VALUES = "(all, column) => all.map(row => Number(row.cells[column].dataset.value))"


@pytest.fixture
def table(visit: Callable, address: Callable) -> Locator:
    return visit(address(ARTICLE)).page.locator(TABLE).first


def test_headings_sort_by_mouse_and_keyboard_and_give_the_order_back(table: Locator) -> None:
    rows, headings = table.locator("tbody tr"), table.locator("thead th")
    before, values = rows.evaluate_all(CASES), {}
    for direction in ("ascending", "descending", "none"):
        headings.nth(3).locator("button").click()
        assert headings.nth(3).get_attribute("aria-sort") == direction
        values[direction] = rows.evaluate_all(VALUES, 3)
    assert values["ascending"] == sorted(values["ascending"])
    assert values["descending"] == values["ascending"][::-1] != values["ascending"]
    assert rows.evaluate_all(CASES) == before
    headings.nth(1).locator("button").click()
    button = headings.nth(3).locator("button")
    button.focus()
    table.page.keyboard.press("Enter")
    assert [headings.nth(n).get_attribute("aria-sort") for n in (1, 3)] == ["none", "ascending"]
    assert rows.evaluate_all(VALUES, 3) == values["ascending"]
    assert button.evaluate("one => one === document.activeElement")


def test_cells_without_a_value_stay_at_the_end(table: Locator) -> None:
    table.evaluate("one => one.tBodies[0].rows[0].cells[3].removeAttribute('data-value')")
    case = table.locator("tbody tr").first.get_attribute("data-case")
    for _ in range(2):
        table.locator("thead button").nth(2).click()
        assert table.locator("tbody tr").last.get_attribute("data-case") == case


def test_findings_sort_by_words_and_by_numbers_and_unfold(visit: Callable, address: Callable) -> None:
    page = visit(address(FINDINGS)).page
    table, rows, seen = (page.locator(place) for place in (".bench-findings", ROWS, f"{ROWS}:visible"))
    assert seen.count() == FOLDED_ROWS < rows.count()
    names = [text.split("\n")[0] for text in table.locator("thead th").all_inner_texts()]

    def sorted_by(name: str) -> Locator:
        place = next(n for n, text in enumerate(names) if text.startswith(name))
        table.locator("thead th").nth(place).locator("button").click()
        return table.locator(f"tbody tr > :nth-child({place + 1})")

    found = [float(cell.get_attribute("data-value") or "nan") for cell in sorted_by("相差").all()]
    assert found == sorted(found)
    words = sorted_by("实验").all_inner_texts()
    order = "all => all.toSorted((a, b) => a.localeCompare(b, 'zh', {numeric: true}))"
    assert words == page.evaluate(order, words)
    assert len(set(words)) > 1
    assert seen.evaluate_all(TEXTS) == rows.evaluate_all(TEXTS)[:FOLDED_ROWS]
    more = page.get_by_role("button", name=f"显示全部 {rows.count()} 行")
    more.focus()
    page.keyboard.press("Enter")
    assert seen.count() == rows.count()
    assert more.count() == 0
    assert page.evaluate("document.activeElement.matches('.bench-table')")


def test_tables_are_whole_without_scripts_and_on_paper(visit: Callable, address: Callable) -> None:
    plain, printed = (visit(address(FINDINGS), java_script_enabled=on).page for on in (False, True))
    printed.emulate_media(media="print")
    for page in (plain, printed):
        assert page.locator(f"{ROWS}:visible").count() == page.locator(ROWS).count()
    plain = visit(address(ARTICLE), java_script_enabled=False).page
    assert plain.locator("thead button").count() == 0
    table = plain.locator(TABLE).first
    table.scroll_into_view_if_needed()
    assert table.locator("tbody tr").first.is_visible()
    assert "稳态延迟" in (table.locator("thead").text_content() or "")


def test_bars_and_intervals_are_drawn_where_the_numbers_say(table: Locator) -> None:
    widths = table.locator("tbody tr > :nth-child(2)").evaluate_all(
        "all => all.map(cell => [Number(cell.dataset.value), parseFloat("
        "getComputedStyle(cell.querySelector('.bench-bar')).getPropertyValue('--bar'))])"
    )
    ratio = [width / value for value, width in widths]
    assert max(ratio) == pytest.approx(min(ratio), rel=0.02)
    whisker = table.locator(".bench-whisker").nth(2)
    assert whisker.bounding_box()["width"] > 40
    assert "gradient" in whisker.evaluate("one => getComputedStyle(one).backgroundImage")

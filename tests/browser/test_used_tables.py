"""Tables sort by mouse and keyboard, and give their order back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.pages.comparisons import FOLDED_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

ARTICLE = "blog/onnxruntime-cpu.html"
TABLE = "table[data-experiment='arena'][data-model='aspp']"
CASES = "all => all.map(row => row.dataset.case)"
TEXTS = "all => all.map(row => row.textContent)"
VALUES = "(all, column) => all.map(row => Number(row.cells[column].dataset.value))"


@pytest.fixture
def table(visit: Callable, address: Callable) -> Locator:
    return visit(address(ARTICLE)).page.locator(TABLE).first


def test_heading_sorts_up_then_down_then_gives_the_order_back(table: Locator) -> None:
    rows = table.locator("tbody tr")
    before = rows.evaluate_all(CASES)
    heading = table.locator("thead th").nth(3)
    values = {}
    for direction in ("ascending", "descending", "none"):
        heading.locator("button").click()
        assert heading.get_attribute("aria-sort") == direction
        values[direction] = rows.evaluate_all(VALUES, 3)
    assert values["ascending"] == sorted(values["ascending"])
    assert values["descending"] == values["ascending"][::-1] != values["ascending"]
    assert rows.evaluate_all(CASES) == before


def test_another_column_takes_over_and_the_keyboard_sorts(table: Locator) -> None:
    first, second = (table.locator("thead th").nth(n) for n in (1, 3))
    first.locator("button").click()
    button = second.locator("button")
    button.focus()
    table.page.keyboard.press("Enter")
    assert [one.get_attribute("aria-sort") for one in (first, second)] == ["none", "ascending"]
    values = table.locator("tbody tr").evaluate_all(VALUES, 3)
    assert values == sorted(values)
    assert button.evaluate("one => one === document.activeElement")


def test_cells_without_a_value_stay_at_the_end(table: Locator) -> None:
    table.evaluate("one => one.tBodies[0].rows[0].cells[3].removeAttribute('data-value')")
    case = table.locator("tbody tr").first.get_attribute("data-case")
    for _ in range(2):
        table.locator("thead button").nth(2).click()
        assert table.locator("tbody tr").last.get_attribute("data-case") == case


def test_findings_sort_by_words_and_by_numbers(visit: Callable, address: Callable) -> None:
    page = visit(address("reference/findings.html")).page
    table = page.locator("table.bench-findings")
    names = [text.split("\n")[0] for text in table.locator("thead th").all_inner_texts()]
    for name, kind in (("实验", "text"), ("相差", "number")):
        place = next(n for n, text in enumerate(names) if text.startswith(name))
        table.locator("thead th").nth(place).locator("button").click()
        column = table.locator(f"tbody tr > :nth-child({place + 1})")
        if kind == "number":
            found = [float(cell.get_attribute("data-value") or "nan") for cell in column.all()]
            assert found == sorted(found)
        else:
            words = column.all_inner_texts()
            order = page.evaluate(
                "all => all.toSorted((a, b) => a.localeCompare(b, 'zh', {numeric: true}))", words
            )
            assert words == order
            assert len(set(words)) > 1


def test_long_table_shows_its_first_rows_and_all_when_asked(visit: Callable, address: Callable) -> None:
    page = visit(address("reference/findings.html")).page
    rows = page.locator("table.bench-findings tbody tr")
    seen = page.locator("table.bench-findings tbody tr:visible")
    assert seen.count() == FOLDED_ROWS < rows.count()
    page.locator("table.bench-findings thead button").nth(2).click()
    assert seen.evaluate_all(TEXTS) == rows.evaluate_all(TEXTS)[:FOLDED_ROWS]
    more = page.get_by_role("button", name=f"显示全部 {rows.count()} 行")
    more.focus()
    page.keyboard.press("Enter")
    assert seen.count() == rows.count()
    assert more.count() == 0
    assert page.evaluate("document.activeElement.matches('.bench-table')")


def test_long_table_is_whole_without_scripts_and_on_paper(visit: Callable, address: Callable) -> None:
    rows, seen = "table.bench-findings tbody tr", "table.bench-findings tbody tr:visible"
    plain = visit(address("reference/findings.html"), java_script_enabled=False).page
    assert plain.locator(seen).count() == plain.locator(rows).count()
    page = visit(address("reference/findings.html")).page
    page.emulate_media(media="print")
    assert page.locator(seen).count() == page.locator(rows).count()


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


def test_without_scripts_tables_stand_as_they_are(visit: Callable, address: Callable) -> None:
    page = visit(address(ARTICLE), java_script_enabled=False).page
    assert page.locator("thead button").count() == 0
    table = page.locator(TABLE).first
    table.scroll_into_view_if_needed()
    assert table.locator("tbody tr").first.is_visible()
    assert "稳态延迟" in (table.locator("thead").text_content() or "")

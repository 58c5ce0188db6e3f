"""The home page in the hand: two taps to a copied setting, one more to its evidence; and without any script."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from bench.pages import scenarios

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

PHONE: dict[str, Any] = {
    "width": 375,
    "height": 812,
    "color_scheme": "dark",
    "has_touch": True,
    "is_mobile": True,
}
SECTIONS = "section[id^='set-']"
ANSWERS = [
    dict(zip(scenarios.QUESTIONS, values, strict=True))
    for values in product(*(answers for _, answers in scenarios.QUESTIONS.values()))
]


def _shown(page: Page) -> list[str]:
    return [one.get_attribute("id") or "" for one in page.locator(SECTIONS).all() if one.is_visible()]


def _answer(page: Page, name: str, value: str) -> None:
    page.locator(f".bench-chooser label:has(input[name='{name}'][value='{value}'])").click()


@pytest.fixture
def phone(visit: Callable, address: Callable) -> Page:
    return visit(address("index.html"), permissions=["clipboard-read", "clipboard-write"], **PHONE).page


def test_two_taps_copy_a_setting_and_one_more_shows_its_evidence(phone: Page) -> None:
    phone.locator("label:has(input[value='memory'])").tap()
    section = phone.locator("#set-memory")
    section.locator("pre").last.scroll_into_view_if_needed()
    section.locator(".md-code__button").first.wait_for()
    for place in (".bench-chooser label", "#set-memory .md-code__button"):
        boxes = [one.bounding_box() for one in phone.locator(place).all()]
        assert boxes
        assert all(min(box["width"], box["height"]) >= 40 for box in boxes), "large enough for a thumb"
    section.locator(".md-code__button").tap()
    copied = phone.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == section.locator("td.code code, pre code").last.inner_text().strip()
    assert copied.startswith("# 适用于 onnxruntime")
    section.get_by_text("证据").tap()
    phone.wait_for_url("**/onnxruntime-cpu.html#recommended-memory")
    assert phone.locator("#recommended-memory").is_visible()


def test_every_answer_shows_the_scenario_that_the_rules_name(visit: Callable, address: Callable) -> None:
    page = visit(address("index.html")).page
    for answers in (
        ANSWERS[1:] + ANSWERS[:1]
    ):  # the first is what stands there: choosing it changes nothing yet
        for name, value in answers.items():
            _answer(page, name, value)
        scenario = scenarios.scenario_for(answers)
        assert _shown(page) == [f"set-{scenario}"], answers
        assert page.url.endswith(f"#set-{scenario}")
        title = page.locator(f"#set-{scenario} h3").evaluate("heading => heading.firstChild.textContent")
        assert title.strip() in page.locator(".bench-chooser [role='status']").inner_text()


@pytest.mark.parametrize("scenario", sorted({rule.scenario for rule in scenarios.RULES}))
def test_link_to_a_setting_shows_it_with_answers_that_lead_there(
    visit: Callable, address: Callable, scenario: str
) -> None:
    page = visit(address(f"index.html#set-{scenario}")).page
    assert _shown(page) == [f"set-{scenario}"]
    given = {
        name: page.locator(f"input[name='{name}']:checked").get_attribute("value")
        for name in scenarios.QUESTIONS
    }
    assert scenarios.scenario_for(given) == scenario


def test_answers_are_given_by_keyboard_and_from_the_file_system(visit: Callable, address: Callable) -> None:
    page = visit(address("index.html", "file")).page
    page.locator("input[name='need']:checked").focus()
    page.keyboard.press("ArrowRight")
    assert _shown(page) == ["set-latency"]
    _answer(page, "place", "shared")
    assert _shown(page) == ["set-container"]


def test_without_scripts_and_on_paper_all_settings_stand_there(visit: Callable, address: Callable) -> None:
    plain, printed = (visit(address("index.html"), java_script_enabled=on).page for on in (False, True))
    printed.emulate_media(media="print")
    for page in (plain, printed):
        assert len(_shown(page)) == len({rule.scenario for rule in scenarios.RULES})
    assert plain.locator(".bench-rules table").is_visible()
    assert not plain.locator(".bench-chooser").is_visible()
    assert not printed.locator(".md-header").is_visible()

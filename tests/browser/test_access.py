"""axe-core finds nothing, light and dark, on a phone and on a desk, beyond a short list of Material's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from playwright.sync_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
KINDS = {
    "home": "index.html",
    "article": "blog/onnxruntime-cpu.html",
    "blog": "blog/index.html",
    "tags": "blog/tags.html",
    "notebook": "notebooks/thread-ablation.html",
    "options": "reference/options.html",
    "findings": "reference/findings.html",
    "evidence": "evidence/arena.html",
    "all evidence": "evidence/index.html",
    "method": "reference/method.html",
    "data": "reference/data.html",
    "machine": "reference/machine.html",
    "glossary": "reference/glossary.html",
    "english": "en.html",
    "missing": "404.html",
}
WINDOWS = (("light", 1280), ("dark", 1280), ("dark", 375))
MATERIALS_OWN = {
    ("landmark-unique", ".md-code__nav"): "the bundle puts a nav without a name around every copy button"
}
"""(rule, part of the selector) -> why it is left. Nothing of ours belongs here."""
MANY = [
    "figure.bench-figure ~ figure.bench-figure ~ figure.bench-figure",
    "table.bench-measured tr:nth-child(n+4)",
    "table.bench-measured tr > :nth-child(n+6)",
    "table.bench-findings tr:nth-child(n+9)",
    "table.bench-options tr:nth-child(n+4)",
]
"""Alike by the dozen; the first ones stand for all."""
RUN = """(options) => axe.run({ exclude: options.exclude.map(one => [one]) }, { resultTypes: ["violations"] })
  .then(found => found.violations.flatMap(rule => rule.nodes.map(node => {
    const others = [...node.any, ...node.all, ...node.none].flatMap(check => check.relatedNodes);
    const where = [node, ...others].map(one => one.target.join(" ")).join(" | ");
    return [rule.id, where, node.failureSummary];
  })))"""
"""Each violation: the rule, the element and those it clashes with, what is wrong."""
LOOK = """async () => {
  const frame = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  for (let top = 0; top < document.documentElement.scrollHeight; top += innerHeight / 2) {
    scrollTo(0, top);
    await frame();
  }
  scrollTo(0, 0);
}"""
"""Past everything once, as a reader goes: blocks of code get their button and their place for the keyboard in sight."""
STILL = "*, *::before, *::after { animation: none !important; transition: none !important; }"


def _violations(page: Page, exclude: Sequence[str] = ()) -> list[list[str]]:
    page.evaluate(AXE)
    return page.evaluate(RUN, {"exclude": list(exclude)})


@pytest.mark.parametrize("kind", KINDS)
def test_page_is_accessible(visit: Callable, address: Callable, kind: str) -> None:
    page = visit(address(KINDS[kind])).page
    page.add_style_tag(content=STILL)
    problems = {}
    for scheme, width in WINDOWS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.locator(f"body[data-md-color-scheme='{'slate' if scheme == 'dark' else 'default'}']").wait_for()
        page.evaluate(LOOK)
        found = [
            one
            for one in _violations(page, MANY)
            if not any(one[0] == rule and part in one[1] for rule, part in MATERIALS_OWN)
        ]
        if found:
            problems[scheme, width] = found[:5]
    assert problems == {}


def test_drawn_chart_is_accessible(visit: Callable, address: Callable) -> None:
    page = visit(address(KINDS["article"])).page
    chart = page.locator("figure.bench-chart").first
    chart.scroll_into_view_if_needed()
    chart.locator("svg").wait_for()
    chart.locator("summary").click()
    page.evaluate(AXE)
    found = page.evaluate(
        "one => axe.run(one).then(all => all.violations.map(rule => rule.id))", chart.element_handle()
    )
    assert found == []


def test_axe_does_find_what_is_wrong(visit: Callable, address: Callable) -> None:
    page = visit(address(KINDS["machine"])).page
    page.evaluate(
        "() => document.querySelector('article').insertAdjacentHTML('beforeend', '<img src=\"data:,\">')"
    )
    assert "image-alt" in [rule for rule, *_ in _violations(page)]

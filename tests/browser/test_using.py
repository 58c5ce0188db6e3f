"""A reader's hand: light or dark, two taps to a copied setting, the search, everything by keyboard alone."""

from __future__ import annotations

import json
import random
import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import material
import pytest
from bs4 import BeautifulSoup
from bundles import EPYC, export, unpacked
from test_short import ASK

from bench.pages import chooser, machines, source
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from conftest import Protocol, Visits
    from playwright.sync_api import Page
    from samples import Make

HOME, ARTICLE = "index.html", "blog/onnxruntime-cpu.html"
SWITCH = "[data-theme-switch]"
LOOKS = """() => [document.querySelector("[data-theme-switch]").getAttribute("aria-label"), document.body.dataset.mdColorScheme,
  getComputedStyle(document.documentElement).colorScheme,
  document.querySelector("[name=theme-color]").content === getComputedStyle(document.body).getPropertyValue("--paper")]"""
"""What is chosen; what is shown; how the browser paints its scroll bars and fields; and that its frame is paper, too."""
EVERY_FRAME = """window.schemes = [];
const note = () => { if (document.body) { schemes.push(document.body.dataset.mdColorScheme); } requestAnimationFrame(note); };
note();"""
NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('denied', 'SecurityError'); }});"
IN_TWO_PARTS = """async ([first, second]) => {
  document.open(); document.write(first);
  await new Promise((go_on) => setTimeout(go_on, 100));
  document.write(second); document.close();
}"""


@pytest.mark.parametrize(("system", "script"), [("light", ""), ("dark", ""), ("dark", NO_STORAGE)])
def test_first_visit_is_as_the_system_has_it(visit: Visits, system: str, script: str) -> None:
    """From the first frame; also where nothing can be stored."""
    page = visit("about:blank", color_scheme=system).page
    page.add_init_script(EVERY_FRAME + script)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 8})
    page.goto(visit.address(HOME))
    page.wait_for_function("window.schemes.length > 3")
    assert set(page.evaluate("window.schemes")) == {"slate" if system == "dark" else "default"}
    page.locator(SWITCH).click()
    assert page.evaluate(LOOKS)[1] == "default"


def test_page_follows_the_system_until_somebody_chooses_for_all_pages_and_windows(visit: Visits) -> None:
    page, other = (visit(HOME, color_scheme="light", locale="zh-CN").page for _ in range(2))
    light, dark = ["颜色：浅色", "default", "light", True], ["颜色：深色", "slate", "dark", True]
    system = "颜色：跟随系统"
    assert page.evaluate(LOOKS) == [system, *light[1:]]
    page.emulate_media(color_scheme="dark")
    page.locator("body[data-md-color-scheme='slate']").wait_for()
    for looks in ([system, *dark[1:]], light, dark, [system, *dark[1:]]):
        assert page.evaluate(LOOKS) == looks
        assert page.locator(f"{SWITCH} svg:visible").count() == 1
        page.locator(SWITCH).press("Enter")
    page.goto(visit.address("reference/method.html"))
    assert page.evaluate(LOOKS) == light
    page.locator(SWITCH).click()
    other.locator("body[data-md-color-scheme='slate']").wait_for()
    assert other.evaluate(LOOKS) == dark


def test_page_may_arrive_in_parts_that_end_within_the_button(visit: Visits, whole: Path) -> None:
    seen = visit("llms.txt", "file")  # beside the home page, and without scripts
    html = (whole / HOME).read_text(encoding="utf-8")
    cut = html.index(">", html.index("data-theme-switch", html.index("<body"))) + 1
    seen.page.evaluate(IN_TWO_PARTS, [html[:cut], html[cut:]])
    seen.page.locator(f"{SWITCH}[aria-label='颜色：跟随系统']").wait_for()
    assert seen.errors == []


SCENARIOS = {rule.scenario for rule in chooser.RULES}
ANSWERS = [*product(*(answers for _, answers in chooser.QUESTIONS.values()))]


def _shown(page: Page) -> list[str]:
    return page.locator("section[id^='set-']:visible").evaluate_all("all => all.map(one => one.id.slice(4))")


def test_two_taps_copy_a_setting_and_one_more_shows_its_evidence(visit: Visits) -> None:
    rights = ["clipboard-read", "clipboard-write"]
    phone = visit(HOME, width=375, has_touch=True, is_mobile=True, permissions=rights).page
    phone.locator("label:has(input[value='memory'])").tap()
    section = phone.locator("#set-memory")
    section.locator("pre").last.scroll_into_view_if_needed()
    section.locator(".md-code__button").first.wait_for()
    for place in (".bench-chooser label", "#set-memory .md-code__button"):
        boxes = [one.bounding_box() for one in phone.locator(place).all()]
        assert min(min(box["width"], box["height"]) for box in boxes) >= 40, "large enough for a thumb"
    section.locator(".md-code__button").tap()
    copied = phone.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == section.locator("td.code code, pre code").last.inner_text().strip()
    assert copied.startswith("# 适用于 onnxruntime")
    section.get_by_text("比过的设置和数字").tap()
    phone.wait_for_url("**/evidence/recommended.html")
    assert phone.locator("#choice-memory").is_visible()


def test_answers_show_the_scenario_that_the_rules_name_and_a_link_to_it_gives_them(visit: Visits) -> None:
    """From the file system, too, and by keyboard."""
    page = visit(HOME, "file").page
    page.locator("input[name='need']:checked").focus()
    page.keyboard.press("ArrowRight")
    assert _shown(page) == ["latency"]
    given: dict[str, str] = {}
    for values in ANSWERS:
        answers = dict(zip(chooser.QUESTIONS, values, strict=True))
        for name, value in answers.items() - given.items():
            page.locator(f".bench-chooser label:has(input[name='{name}'][value='{value}'])").click()
        given = answers
        scenario = chooser.scenario_for(answers)
        assert _shown(page) == [scenario], answers
        assert page.url.endswith(f"#set-{scenario}")
        title = page.locator(f"#set-{scenario} h3").evaluate("heading => heading.firstChild.textContent")
        assert title.strip() in page.locator(".bench-chooser [role='status']").inner_text()
    for scenario in SCENARIOS:
        page = visit(f"{HOME}#set-{scenario}").page
        assert _shown(page) == [scenario]
        checked = {name: page.locator(f"input[name='{name}']:checked") for name in chooser.QUESTIONS}
        values = {name: one.get_attribute("value") for name, one in checked.items()}
        assert chooser.scenario_for(values) == scenario


def test_without_scripts_and_on_paper_all_settings_stand_there(visit: Visits) -> None:
    plain, printed = (visit(HOME, java_script_enabled=on).page for on in (False, True))
    printed.emulate_media(media="print")
    assert len(_shown(plain)) == len(_shown(printed)) == len(SCENARIOS)
    assert plain.locator(".bench-rules table").is_visible()
    assert not plain.locator(".bench-chooser").is_visible()
    assert not printed.locator(".md-header").is_visible()


OURS = (".bench-sort", ".bench-table[role='region']", ".bench-anchor", "[data-export]")
"""What shows the focus in a style of this project."""
WANTED = [*OURS, ".md-skip", ".md-search__input", SWITCH, ".md-code__button", "summary", ".bench-downloads a"]
HERE = """(wanted) => wanted.filter((place) => document.activeElement.matches(place))
  .map((place) => [place, getComputedStyle(document.activeElement).outlineStyle])"""


def test_tab_reaches_everything_visibly_and_the_skip_link_first(visit: Visits) -> None:
    page, reached = visit("evidence/arena.html").page, dict[str, str]()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.md-skip')")
    for _ in range(400):  # then the walk gives up
        reached |= dict(page.evaluate(HERE, WANTED))
        if reached.keys() == set(WANTED):
            break
        page.keyboard.press("Tab")
    assert reached.keys() == set(WANTED)
    assert not [place for place in OURS if reached[place] in ("none", "")]
    page.reload()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#*")
    page.keyboard.press("Tab")
    assert page.evaluate("Boolean(document.activeElement.closest('.md-content'))")
    page.set_viewport_size({"width": 768, "height": 900})
    region = page.locator(".bench-table", has=page.locator("table[data-experiment='arena']")).first
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("one => one.scrollLeft > 0", arg=region.element_handle())


INDEX = "search_index.json"
FIELD, RESULT = ".md-search__input", ".md-search-result__item"
OPEN = "document.querySelector('#__search').checked"
FOCUSED = f"document.activeElement.matches('{FIELD}')"
ASK_ALL = (Path(__file__).parent / "every_query.js").read_text(encoding="utf-8")
TYPED = """arena enable_cpu_mem_arena m 1 9 内存 内 线程池 物理核心 归还 空转 峰值 容器 量化
intra_op num_threads SessionOptions allow_spin shrink ORT_PAR Sess 0 12 1.16 1.3 2026"""
"""Chinese words inside sentences, names of the API, whole and in parts; the first five were once lost."""
BY_HAND = 6
"""Of these, how many are typed on the page; the others are asked for as the page asks."""


def test_index_comes_with_the_first_search_which_opens_and_closes_by_keys(visit: Visits) -> None:
    seen = visit(HOME)
    page = seen.page
    page.wait_for_load_state("networkidle")
    assert not any(INDEX in url for url in seen.requests)
    with page.expect_request(f"**/{INDEX}"):
        page.keyboard.press("/")
    assert page.evaluate(FOCUSED)
    page.wait_for_function(OPEN)  # Material looks at the focus a little later
    page.locator(FIELD).fill("袋鼠")
    page.get_by_text("没有找到").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function(f"!{OPEN}")
    assert not page.evaluate(FOCUSED)


def _otherwise(index: dict[str, Any]) -> dict[str, Any]:
    """The index of a site whose numbers came out otherwise."""
    chance = random.Random(1)

    def other(text: str) -> str:
        return re.sub(r"\d", lambda _: str(chance.randrange(10)), text)

    docs = [one | {"title": other(one["title"]), "text": other(one["text"])} for one in index["docs"]]
    return index | {"docs": docs}


@pytest.mark.parametrize("protocol", ["http", "file"])
def test_search_finds_all(visit: Visits, whole: Path, protocol: Protocol) -> None:
    """What is typed, every term and every beginning of one, whatever the numbers; and a result leads to its place.

    From the disk it is the same script.
    """
    soup = BeautifulSoup((whole / "reference" / "options.html").read_text(encoding="utf-8"), "html.parser")
    options = [str(row["data-option"]) for row in soup.select("[data-option]")]
    page = visit("reference/method.html", protocol).page
    page.keyboard.press("/")
    queries = list(dict.fromkeys((*TYPED.split(), *options)))
    for query in queries[:BY_HAND]:
        page.locator(FIELD).fill(query)  # presses no key, like a paste
        page.locator(RESULT).filter(has=page.locator("mark")).first.wait_for(timeout=10_000)
        page.locator(FIELD).fill("")
        page.locator(RESULT).first.wait_for(state="detached")
    index = json.loads((whole / "search" / INDEX).read_text(encoding="utf-8"))
    if protocol == "http":
        found = page.workers[0].evaluate(ASK, queries)
        assert [query for query in queries if not found[query]] == []
        told = page.workers[0].evaluate(ASK_ALL, _otherwise(index))
        assert told.pop("asked") > 1000
        assert {name: queries for name, queries in told.items() if queries} == {}
    page = visit(HOME, protocol).page
    page.keyboard.press("/")
    page.locator(FIELD).fill("allow_spinning")
    page.locator(".md-search-result__link").first.click()
    page.wait_for_load_state()
    assert page.url.startswith(visit.address("", protocol))
    assert "allow_spinning" in page.locator("article").text_content()


def test_machines_are_filtered_and_what_is_chosen_stands_in_the_address(
    visit: Visits, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [EPYC, {**EPYC, "cores": 8}, {**EPYC, "cpu": "Apple M3", "system": "Darwin 25", "cores": 8}]
    bundles = {f"{n}.json.gz": unpacked(make, tmp_path, machine=one) for n, one in enumerate(others)}
    monkeypatch.setattr(machines, "found", lambda: (bundles, {}))
    monkeypatch.setattr(source, "selftests", dict)
    html = machines.page([export(make, machine={**EPYC, "cores": 64})])
    script = (ROOT / "docs/assets/machines.js").read_text(encoding="utf-8")
    file = tmp_path / "machines.html"
    file.write_text(f"<meta charset=utf-8>{html}<script>{script}</script>", encoding="utf-8")
    page = visit(f"{file.as_uri()}#cores=8").page
    rows, told = page.locator("tbody tr:visible"), page.locator("output")
    assert (rows.count(), told.text_content()) == (3, "显示 2 台，共 3 台")  # and the machine of the site
    page.get_by_label("处理器").select_option("AMD")
    assert (rows.count(), page.url) == (2, f"{file.as_uri()}#cores=8&vendor=AMD")
    for name in ("核数", "处理器"):
        page.get_by_label(name).select_option("")
    assert (rows.count(), page.url) == (4, file.as_uri())


def test_the_report_on_lunr_shows_its_fault_on_the_search_that_material_brings(visit: Visits) -> None:
    """As it is in the package; the site mends its own copy."""
    (worker,) = Path(material.__file__).parent.glob("templates/assets/javascripts/workers/search.*.min.js")
    page = visit("about:blank").page
    lines = list[str]()
    page.on("console", lambda message: lines.append(message.text))
    page.add_script_tag(content=worker.read_text(encoding="utf-8"))
    code = (ROOT / "docs/upstream/lunr_digits.js").read_text(encoding="utf-8")
    page.evaluate(f"() => {{ {code} }}")
    (line,) = lines
    assert re.fullmatch(
        r"STILL THERE: of \d+ words in a token set z1, z3 are lost, z1k is found instead, lunr 2\.3\.\d+",
        line,
    )

"""The real pages, built from made-up samples of every experiment: nothing is measured, everything is shown."""

from __future__ import annotations

import codecs
import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from made_up_site import TRACE
from site_reader import read_tables

from bench.experiments import EXPERIMENTS
from bench.pages import snippets
from bench.pages.words import Words
from bench.results.published import Export
from bench.site import build as making
from bench.site import notebook
from bench.system.folders import ROOT

POST = Path("blog/onnxruntime-cpu.html")


def _export(whole: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((whole / "data" / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_cells_of_every_experiment_equal_its_json(whole: Path, name: str) -> None:
    cells = read_tables((whole / POST).read_text(encoding="utf-8"))
    shown = {key[1:]: tuple(cell) for key, cell in cells.items() if key[0] == name and cell.value is not None}
    columns = {column.metric for column in EXPERIMENTS[name].columns}
    expected = {
        (r["model"], r["input"], r["case"], r["metric"]): (r["value"], r["low"], r["high"])
        for r in _export(whole, name)["rows"]
        if r["value"] is not None and r["metric"] in columns
    }
    assert shown
    assert shown == expected


def test_trace_can_be_downloaded(whole: Path) -> None:
    html = (whole / POST).read_text(encoding="utf-8")
    assert "data/profiling.trace.json" in html
    assert (whole / "data" / "profiling.trace.json").read_text(encoding="utf-8") == TRACE


def test_page_carries_every_claim_and_scenario(whole: Path) -> None:
    html = (whole / POST).read_text(encoding="utf-8")
    claims = {claim.id for experiment in EXPERIMENTS.values() for claim in experiment.claims}
    scenarios = {one.id for experiment in EXPERIMENTS.values() for one in experiment.scenarios}
    assert set(re.findall(r'data-claim="([^"]+)"', html)) == claims
    assert set(re.findall(r'data-scenario="([^"]+)"', html)) == scenarios


def test_code_of_a_scenario_is_the_winners_snippet(whole: Path) -> None:
    html = (whole / POST).read_text(encoding="utf-8")
    for name in ("recommended", "container"):
        export = Export.model_validate(_export(whole, name))
        cases, cores = {case.id: case for case in export.cases}, Words(export).cores()
        for choice in export.choices:
            after = html.split(f'data-scenario="{choice.scenario}"')[1]
            code = BeautifulSoup(after, "html.parser").select_one("div.highlight code")
            assert code is not None
            expected = snippets.on_machine(EXPERIMENTS[name], cases[choice.winner], cores)
            assert code.get_text().strip() == expected.strip()


def test_no_page_shows_what_a_program_prints_for_nothing(whole: Path) -> None:
    for page in whole.rglob("*.html"):
        text = making.Page(page).text
        assert not re.search(r"[（：，；]\s*(None|nan|inf)\b", text), page.name


def test_notebook_was_run_and_recommends_a_count(whole: Path) -> None:
    html = (whole / "notebooks" / "thread-ablation.html").read_text(encoding="utf-8")
    assert notebook.recommended_count(html)
    assert "线程表" in html


def test_certificate_shows_the_selftest_and_every_group(whole: Path) -> None:
    html = (whole / "reference" / "certificate.html").read_text(encoding="utf-8")
    assert set(re.findall(r'data-passed="(\w+)"', html)) == {"true"}
    groups = {f"{name}/{group['index']}" for name in EXPERIMENTS for group in _export(whole, name)["groups"]}
    assert set(re.findall(r'data-group="([^"]+)"', html)) == groups


def test_home_says_whether_its_numbers_may_be_quoted(whole: Path) -> None:
    html = (whole / "index.html").read_text(encoding="utf-8")
    assert len(re.findall(r'data-quotable="(\w+)"', html)) == 1
    assert "reference/certificate.html" in html


def test_every_script_of_the_site_is_named_with_its_licence(whole: Path) -> None:
    page = (ROOT / "docs/reference/licenses.md").read_text(encoding="utf-8")
    named = re.findall(r"`([^`]+)`", page)
    scripts = [path.relative_to(whole).as_posix() for path in whole.rglob("*.js")]
    assert scripts
    assert [script for script in scripts if not any(fnmatch(script, one) for one in named)] == []


def _figures(page: Path) -> list[Tag]:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    return list(soup.select("figure.bench-figure"))


def test_every_table_of_results_stands_in_a_frame(whole: Path) -> None:
    soup = BeautifulSoup((whole / POST).read_text(encoding="utf-8"), "html.parser")
    tables = soup.select("table.bench-measured, table.bench-proofs, table.bench-costs, table.bench-twin")
    assert len(tables) > len(EXPERIMENTS)
    for table in tables:
        assert table.find_parent("figure", class_="bench-figure")
        region = table.find_parent("div", class_="bench-table")
        assert region
        assert region["tabindex"] == "0"


def test_every_figure_of_results_says_where_it_is_and_where_it_comes_from(whole: Path) -> None:
    """An address of its own; machine, version and, where rounds were measured, their number; data and method."""
    figures = _figures(whole / POST)
    names = [figure["id"] for figure in figures]
    assert len(set(names)) == len(names) > 2 * len(EXPERIMENTS)
    for figure in figures:
        assert figure.select_one(f'figcaption a[href="#{figure["id"]}"]')
        caption = figure.figcaption.get_text()
        assert "onnxruntime 1." in caption, figure["id"]
        assert re.search(r"可用 \d+ 核", caption), figure["id"]
        if figure.select_one("table.bench-measured, .bench-vega"):
            assert re.search(r"\d+ 轮", caption), figure["id"]
        links = [link["href"] for link in figure.select(".bench-downloads a")]
        experiment = figure["id"].split("-")[0]
        for file in (
            f"data/{experiment}.csv",
            f"data/{experiment}.json",
            f"data/{experiment}.pyperf.json",
            f"source/{experiment}.py",
        ):
            assert f"../{file}" in links, figure["id"]
            assert (whole / file).exists()


def test_regions_of_a_page_have_names_of_their_own(whole: Path) -> None:
    for page in whole.rglob("*.html"):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        names = [region.get("aria-label") for region in soup.select("[role=region]")]
        assert len(set(names)) == len(names), page.name
        assert all(names), page.name


def test_published_source_is_the_experiment_and_says_how_it_is_written(whole: Path) -> None:
    for path in (ROOT / "bench" / "experiments").glob("*.py"):
        published = (whole / "source" / path.name).read_bytes()
        assert published == codecs.BOM_UTF8 + path.read_bytes()


def test_site_shows_every_kind_of_verdict_and_why_there_is_none(whole: Path) -> None:
    """Otherwise no test of the whole site would look at them."""
    article = (whole / POST).read_text(encoding="utf-8")
    assert {"slower", "same"} <= set(re.findall(r'data-verdict="(\w+)"', article))
    assert {"effect", "nothing", "unseen"} <= set(re.findall(r'data-outcome="(\w+)"', article))
    assert "bench-unquotable" in article
    assert "bench-unseen" in article
    assert re.findall(r'data-quotable="(\w+)"', (whole / "index.html").read_text(encoding="utf-8")) == [
        "except"
    ]


def test_method_shows_the_numbers_of_the_rules(whole: Path) -> None:
    soup = BeautifulSoup((whole / "reference" / "method.html").read_text(encoding="utf-8"), "html.parser")
    for name in ("numbers", "tolerances"):
        assert soup.select(f"table.bench-rules-{name} tbody tr")

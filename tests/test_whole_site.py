"""The real pages, built from made-up samples of every experiment: nothing is measured, everything is shown."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from made_up_site import TRACE
from site_reader import read_tables

from bench import notebook, site
from bench.experiments import EXPERIMENTS
from bench.folders import ROOT
from bench.pages import snippets
from bench.results.published import Export

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
        cases = {case.id: case for case in export.cases}
        for choice in export.choices:
            after = html.split(f'data-scenario="{choice.scenario}"')[1]
            code = BeautifulSoup(after, "html.parser").select_one("div.highlight code")
            assert code is not None
            assert code.get_text().strip() == snippets.of_case(cases[choice.winner]).strip()


def test_no_page_shows_what_a_program_prints_for_nothing(whole: Path) -> None:
    for page in whole.rglob("*.html"):
        text = site.Page(page).text
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

"""The real pages, built from made-up samples of every experiment: nothing is measured, everything is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_up_site import TRACE
from site_reader import read_tables

from bench import notebook, site
from bench.experiments import EXPERIMENTS
from bench.pages import snippets

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
    files = snippets.files()
    for experiment in ("recommended", "container"):
        for choice in _export(whole, experiment)["choices"]:
            assert f"{experiment}-{choice['winner']}.py" in files


def test_no_page_shows_what_a_program_prints_for_nothing(whole: Path) -> None:
    for page in whole.rglob("*.html"):
        text = site.Page(page).text
        assert not re.search(r"[（：，；]\s*(None|nan|inf)\b", text), page.name


def test_notebook_was_run_and_recommends_a_count(whole: Path) -> None:
    html = (whole / "notebooks" / "thread-ablation.html").read_text(encoding="utf-8")
    assert notebook.recommended_count(html)
    assert "线程表" in html

"""Every experiment has its page of evidence: made, complete, in order, found, and linked from where it is quoted."""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup
from site_reader import read_tables

from bench.experiments import EXPERIMENTS
from bench.pages import evidence, source
from bench.results.published import Export
from bench.spec import CONTROL

if TYPE_CHECKING:
    from pathlib import Path

every = pytest.mark.parametrize("name", sorted(EXPERIMENTS))


def _export(whole: Path, name: str) -> Export:
    return Export.model_validate_json((whole / "data" / f"{name}.json").read_bytes())


@every
def test_page_shows_every_number_of_its_columns_and_the_second_baseline(whole: Path, name: str) -> None:
    cells = read_tables((whole / "evidence" / f"{name}.html").read_text(encoding="utf-8"))
    shown = {key: tuple(cell) for key, cell in cells.items() if cell.value is not None}
    columns = set(EXPERIMENTS[name].columns)
    assert shown == {
        (r.experiment, r.model, r.input, r.case, r.metric): (r.value, r.low, r.high)
        for r in _export(whole, name).rows
        if r.value is not None and r.metric in columns
    }
    assert {CONTROL, "default"} <= {key[3] for key in shown}


@every
def test_page_has_question_conclusion_proofs_code_downloads_and_rule_in_this_order(
    whole: Path, name: str
) -> None:
    html, export = (whole / "evidence" / f"{name}.html").read_text(encoding="utf-8"), _export(whole, name)
    marks = [
        f'bench-question">{escape(EXPERIMENTS[name].question)}<',
        "bench-conclusion",
        "bench-measured",
        "bench-proofs",
    ]
    marks += [f"<code>{case.id}</code></p>" for case in export.cases if case.id != CONTROL]
    marks += [f"../data/{name}.{kind}" for kind in ("csv", "json", "pyperf.json")]
    marks += [f"../source/{name}.py", f"测了 {export.build.rounds} 轮", "../reference/method.html#rules"]
    places = [html.find(mark, html.index("bench-question")) for mark in marks]
    assert places == sorted(places)
    assert -1 not in places
    charts = {chart.kind for chart in EXPERIMENTS[name].charts}
    assert len(re.findall("bench-vega", html)) >= len(charts)
    assert len(re.findall("data-script=", html)) == len(export.reports)
    assert len(re.findall('class="bench-costs"', html)) == 2 * len(export.traces)
    contents = re.findall(
        r'href="#([^"]+)"', html[html.index("bench-contents") : html.index("bench-conclusion")]
    )
    headings = re.findall(r'<h2 id="([^"]+)"', html)
    assert set(headings) <= set(contents)


@every
def test_page_is_found_by_its_question_and_conclusion_and_listed(whole: Path, name: str) -> None:
    index = json.loads((whole / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    texts = {one["location"]: one["text"].replace("\u200b", "") for one in index}
    assert EXPERIMENTS[name].question in texts[f"evidence/{name}.html"].replace("&quot;", '"')
    assert texts[f"evidence/{name}.html#{name}-conclusion"]
    listed = (whole / "evidence" / "index.html").read_text(encoding="utf-8")
    assert f'href="{name}.html"' in listed
    assert escape(EXPERIMENTS[name].question) in listed


@every
def test_article_findings_certificate_and_options_lead_to_it(whole: Path, name: str) -> None:
    link = f"../evidence/{name}.html"
    for page in ("blog/onnxruntime-cpu.html", "reference/certificate.html"):
        assert f'href="{link}"' in (whole / page).read_text(encoding="utf-8"), page


def test_verdicts_and_options_lead_to_the_evidence(whole: Path) -> None:
    """To the very table; that there is such a place, every build checks."""
    soup = BeautifulSoup((whole / "reference" / "findings.html").read_text(encoding="utf-8"), "html.parser")
    verdicts = soup.select(".bench-findings a.bench-verdict")
    assert verdicts
    assert all(re.fullmatch(r"\.\./evidence/\w+\.html#.+", str(link["href"])) for link in verdicts)
    options = (whole / "reference" / "options.html").read_text(encoding="utf-8")
    assert "../evidence/arena.html" in options


def test_experiment_without_a_result_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "status", dict)
    page = evidence.page(EXPERIMENTS["arena"])
    assert EXPERIMENTS["arena"].question in page
    assert "还没有测" in page
    assert "source/arena.py" in page

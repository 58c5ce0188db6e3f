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

POINTING = ("blog/onnxruntime-cpu.html", "reference/certificate.html")


def _page(whole: Path, path: str) -> str:
    return (whole / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_page_is_complete_in_order_found_listed_and_linked(whole: Path, name: str) -> None:
    html, experiment = _page(whole, f"evidence/{name}.html"), EXPERIMENTS[name]
    export = Export.model_validate_json((whole / "data" / f"{name}.json").read_bytes())
    shown = {key: tuple(cell) for key, cell in read_tables(html).items() if cell.value is not None}
    assert shown == {
        (r.experiment, r.model, r.input, r.case, r.metric): (r.value, r.low, r.high)
        for r in export.rows
        if r.value is not None and r.metric in set(experiment.columns)
    }
    assert {CONTROL, "default"} <= {key[3] for key in shown}

    marks = [
        f'bench-question">{escape(experiment.question)}<',
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
    assert html.count("bench-vega") >= len({chart.kind for chart in experiment.charts})
    assert html.count("data-script=") == len(export.reports)
    assert html.count('class="bench-costs"') == 2 * len(export.traces)
    contents = html[html.index("bench-contents") : html.index("bench-conclusion")]
    assert set(re.findall(r'<h2 id="([^"]+)"', html)) <= set(re.findall(r'href="#([^"]+)"', contents))

    index = json.loads(_page(whole, "search/search_index.json"))["docs"]
    texts = {one["location"]: one["text"].replace("\u200b", "") for one in index}
    assert experiment.question in texts[f"evidence/{name}.html"].replace("&quot;", '"')
    assert texts[f"evidence/{name}.html#{name}-conclusion"]
    listed = _page(whole, "evidence/index.html")
    assert f'href="{name}.html"' in listed
    assert escape(experiment.question) in listed
    assert [page for page in POINTING if f'href="../evidence/{name}.html"' not in _page(whole, page)] == []


def test_verdicts_and_options_lead_to_the_evidence(whole: Path) -> None:
    """To the very table; that there is such a place, every build checks."""
    soup = BeautifulSoup(_page(whole, "reference/findings.html"), "html.parser")
    verdicts = soup.select(".bench-findings a.bench-verdict")
    assert verdicts
    assert all(re.fullmatch(r"\.\./evidence/\w+\.html#.+", str(link["href"])) for link in verdicts)
    assert "../evidence/arena.html" in _page(whole, "reference/options.html")


def test_experiment_without_a_result_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "status", dict)
    page = evidence.page(EXPERIMENTS["arena"])
    assert all(part in page for part in (EXPERIMENTS["arena"].question, "还没有测", "source/arena.py"))

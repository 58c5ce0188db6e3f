"""Downloads and reports of scripts, as HTML."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from made_up import MadeUp
from prose import markup_faults

from bench.pages import downloads, figures, frames
from bench.pages.words import Words

if TYPE_CHECKING:
    from conftest import Make


@pytest.mark.parametrize("trace", [True, False])
def test_trace_is_offered_only_where_there_is_one(make: Make, *, trace: bool) -> None:
    html = downloads.links(make.experiment(keep_trace=("one", 0)), trace=trace)
    assert ("toys.trace.json" in html) is trace
    assert "data/toys.json" in html
    assert 'data-link="source/toys.py">怎么测的' in html


def _charts(html: str) -> list[str]:
    return re.findall(r'<figure class="bench-figure bench-chart".*?</figure>', html, re.DOTALL)


SPEC = {"height": 300, "data": "</script><b>"}


@pytest.mark.parametrize("name", ["arena", "memory_pattern", "recommended"])
def test_frontier_says_what_it_shows_and_has_its_data_as_a_table(name: str) -> None:
    export = MadeUp(experiment=name, memory=0.5).export()
    say, experiment = Words(export), MadeUp(experiment=name).spec
    group = next(one for one in export.groups if not one.memory_only)
    specs = {f"frontier-{group.model}-{group.input}": SPEC}
    (html,) = _charts(figures.of_group(experiment, say, group, specs, "<p>链接</p>"))
    (label,) = re.findall(r'role="img" aria-label="([^"]*)"', html)
    (told,) = re.findall(r'class="bench-told">([^<]*)', html)
    assert unescape(told) in unescape(label)
    assert "没有被比下去" in told
    assert html.count("<tr data-case=") == len([c for c in export.cases if c.id != "default_again"])
    assert "<p>链接</p>" in html
    assert "min-height:300px" in html
    assert markup_faults(html) == []


def test_specification_cannot_end_its_script() -> None:
    (embedded,) = re.findall(
        r'<script type="application/json">(.*?)</script>',
        figures._chart(("x", "实验"), SPEC, "题", "出处", "说明。", "<table></table>", ""),
    )
    assert json.loads(embedded) == SPEC


def test_scaling_of_a_model_that_failed_is_a_row_of_dashes() -> None:
    export = MadeUp(experiment="intra_op_num_threads", failures={(0, None): "坏了"}).export()
    specs = {"thread_scaling": SPEC}
    html = figures.of_experiment(MadeUp(experiment="intra_op_num_threads").spec, Words(export), specs)
    row = re.findall(r"<tr><th scope=\"row\">.*?</tr>", html)[0]
    assert "<td>—</td>" in row
    assert "data-value" not in row


def test_frame_links_to_itself_by_an_id_that_needs_no_escape() -> None:
    html = frames.figure('甲 "1<2"', "题", "体")
    (name,) = re.findall(r'id="([^"]*)"', html)
    assert f'href="#{name}"' in html
    assert not re.search(r'[\s"<>]', name)


def test_report_shows_the_lines_under_the_headings_asked_for() -> None:
    html = figures._lines("出错", ["<b>[E:onnxruntime] no</b>"])
    assert "&lt;b&gt;[E:onnxruntime] no&lt;/b&gt;" in html


def test_incident_that_prints_nothing_says_so() -> None:
    assert "没有打印任何东西" in figures._lines("配置的键拼错", [])

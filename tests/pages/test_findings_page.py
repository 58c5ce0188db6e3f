"""The table of all verdicts: complete, sortable, readable."""

from __future__ import annotations

import re
from typing import Any

import pytest
from made_up import MadeUp
from prose import faults, markup_faults, tags_of, text_of

from bench.experiments import EXPERIMENTS
from bench.pages import findings
from bench.results.verdicts import of_build

EVIL = """<script>alert("&'")</script>"""
WORLDS: dict[str, dict[str, Any]] = {
    "nothing differs": {},
    "slower": {"time": 1.6},
    "faster, less": {"time": 0.7, "memory": 0.001},
    "unclear": {"time": 1.05, "half_width": 0.1},
    "draft": {"profile": "quick", "rounds": 3},
    "busy": {"busy": True},
    "no groups": {"groups": ()},
}


def _found(**world: Any) -> list[Any]:
    return of_build([MadeUp(experiment=name, **world).export() for name in EXPERIMENTS])


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_summary_reads_well(world: dict[str, Any]) -> None:
    assert not faults(findings.summary(_found(**world)))


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_table_has_a_row_for_every_verdict_and_is_whole(world: dict[str, Any]) -> None:
    found = _found(**world)
    html = findings.table(found)
    assert not markup_faults(html)
    assert html.count("<tr data-verdict=") == len(found)


def test_numbers_to_sort_by_are_exact_and_in_the_columns_that_say_so() -> None:
    found = _found(time=1.6, memory=0.5)
    rows = re.findall(r"<tr data-verdict=.*?</tr>", findings.table(found))
    for one, row in zip(found, rows, strict=True):
        values = re.findall(r'<td data-value="([^"]+)"', row)
        assert float(values[-1]) == one.ratio
        assert list(findings.VERDICTS)[int(values[0])] == one.row.verdict
    heads = re.findall(r'<th scope="col"[^>]*>', findings.table(found))
    assert sum('data-sort="number"' in head for head in heads) == len(re.findall(r"data-value", rows[0]))


def test_difference_that_rounds_to_everything_is_not_called_everything() -> None:
    found = [one for one in _found(memory=0.001) if one.row.metric == "kept_mib"]
    assert findings.difference(found[0]) == "少 99.9%"


def test_summary_counts_what_the_table_shows() -> None:
    found = _found(time=1.6)
    slower = sum(one.row.verdict == "slower" for one in found)
    assert f"{slower} 次更慢" in findings.summary(found)


def test_summary_tells_what_was_compared_with_what() -> None:
    found = _found(time=1.6)
    article = sum(one.row.metric == "ratio_original" for one in found)
    default = sum(one.row.metric == "ratio" for one in found)
    assert f"（与默认比 {default} 次，与原文设置比 {article} 次）" in findings.summary(found)


def test_names_out_of_a_result_file_stay_text() -> None:
    titles = {case.id: EVIL for case in MadeUp(experiment="arena").cases}
    export = MadeUp(experiment="arena", titles=titles, model_title=EVIL, input=EVIL, time=1.5).export()
    html = findings.table(of_build([export]))
    assert "script" not in tags_of(html)
    assert EVIL in text_of(html)

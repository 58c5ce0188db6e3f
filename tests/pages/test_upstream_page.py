"""What a page tells of faults that others could mend, from the lines that their scripts printed."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from bench.facts.upstream import faults
from bench.pages import source, upstream
from bench.spec import BASELINE, Case


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({}, ""), ({"1.2": "没有"}, ""), ({"1.2": "这里看不出"}, ""), ({"1.2": "还在"}, "1.2"),
        ({"1.2": "还在", "1.3": "没有", "1.4": "还在", "1.5": "还在", "1.6": "还在"}, "1.2、1.4–1.6"),
        ({"1.2": "没有", "1.3": "还在"}, "1.3"),
    ],
)  # fmt: skip
def test_neighbouring_versions_are_a_range(states: dict[str, str], told: str) -> None:
    assert upstream.spans([*states.items()]) == told


def test_the_page_tells_the_line_of_this_machine_and_in_which_versions_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = {
        BASELINE: "STILL THERE: two <b>, onnxruntime 1.9",
        "v1_8": "STILL THERE: x",
        "v1_7": "NOT THERE: y",
    }
    first, second = faults()[:2]

    def told(case: str, line: str) -> Any:
        found = {first.id: [line]} | ({second.id: ["boom"]} if case == BASELINE else {})
        return SimpleNamespace(case=case, lines=found)

    export = SimpleNamespace(
        reports=[told(case, line) for case, line in lines.items()],
        cases=[
            Case(id=BASELINE, title="这里装的"),
            Case(id="v1_7", title="1.7"),
            Case(id="v1_8", title="1.8"),
        ],
        software={"onnxruntime": "1.9"},
    )
    monkeypatch.setattr(source, "load", lambda _: export)
    monkeypatch.setattr(source, "status", lambda: {"upstream": "valid"})
    monkeypatch.setattr(source, "sections", dict)
    html = str(upstream.table())
    row = html.partition(f'id="upstream-{first.id}"')[2].partition("</tr>")[0]
    assert '>还在<small lang="en">STILL THERE: two &lt;b&gt;, onnxruntime 1.9</small>' in row
    assert ">1.8–1.9</td>" in row
    assert f'data-link="upstream/{first.file}"' in row
    other = html.partition(f'id="upstream-{second.id}"')[2].partition("</tr>")[0]
    assert "没有在这里跑" in other
    assert "boom" in other
    monkeypatch.setattr(source, "status", dict)
    idle = str(upstream.table())
    assert "脚本这次没有跑" in idle
    assert ("受影响的版本" in html, "受影响的版本" in idle, "没有在这里跑" in idle) == (True, False, False)
    assert re.findall(r'data-link="([^"]*)">实测', html) == [
        f"evidence/{one.experiment}.html" for one in faults() if one.experiment
    ]

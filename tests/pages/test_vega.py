"""Curves that can be told apart."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp

from bench.experiments import EXPERIMENTS
from bench.pages import vega
from bench.results import frontier
from bench.results.published import Curve, Export
from bench.spec import CONTROL
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAPERS = ("#fcfbf8", "#14181c")
"""What charts stand on, light and dark; see docs/assets/theme.css."""
WATCHED, DRAWN = (
    [one.id for one in EXPERIMENTS.values() if any(chart.kind == kind for chart in one.charts)]
    for kind in ("memory_over_runs", "frontier")
)


def _export(name: str, title: str = "{}") -> Export:
    """Every case of the first group with a curve of three points; `title`: what becomes of those of cases."""
    export = MadeUp(experiment=name).export()
    group = export.groups[0]
    curves = [
        Curve(name="rss_mib", model=group.model, input=group.input, case=case.id, x=[1, 2, 3], y=[1, 2, 3])
        for case in export.cases
    ]
    cases = [replace(one, title=title.format(one.title)) for one in export.cases]
    return export.model_copy(update={"curves": curves, "cases": cases})


def _curves(name: str, title: str = "{}") -> tuple[dict[str, Any], list[str]]:
    """The chart, and the titles of what it shows."""
    export = _export(name, title)
    titles = [case.title for case in export.cases if case.id != CONTROL]
    return vega.memory_over_runs(export, export.groups[0]), titles


def _found(spec: Any, key: str) -> Iterator[Any]:
    """All that stands under a key, anywhere in a specification."""
    inner = spec.values() if isinstance(spec, dict) else spec if isinstance(spec, list) else ()
    if isinstance(spec, dict) and key in spec:
        yield spec[key]
    for one in inner:
        yield from _found(one, key)


def _hues(spec: dict[str, Any]) -> list[str]:
    return list(spec["config"]["range"]["category"])


@pytest.mark.parametrize("name", WATCHED)
def test_every_line_has_a_hue_of_its_own_and_a_place_in_the_tooltip(name: str) -> None:
    spec, titles = _curves(name)
    assert {row["case"] for row in spec["data"]["values"]} == set(titles)
    assert len(titles) <= len(_hues(spec))
    reader = spec["layer"][-1]
    assert [one["title"] for one in reader["encoding"]["tooltip"]] == ["次", *titles]
    assert reader["transform"][0]["pivot"] == "key"


def test_legend_takes_nothing_from_the_curve_and_long_names_a_line_each() -> None:
    (few, _), (many, titles), (short, _) = (
        _curves("arena"), _curves("memory_pattern"), _curves("memory_pattern", "{:.2}")
    )  # fmt: skip
    assert vega.HEIGHT < few["height"] < many["height"]
    assert [[one["columns"] for one in _found(spec, "legend") if "columns" in one] for spec in (many, short)] == [[1], [2]]  # fmt: skip
    assert many["height"] - vega.HEIGHT == len(titles) * vega.LEGEND_LINE > short["height"] - vega.HEIGHT


def _lightness(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("paper", PAPERS)
def test_hues_stand_out_on_light_and_dark_paper(paper: str) -> None:
    assert f"--paper: {paper};" in (ROOT / "docs" / "assets" / "theme.css").read_text(encoding="utf-8")
    for hue in _hues(_curves("arena")[0]):
        light, dark = sorted((_lightness(hue), _lightness(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, hue


def test_field_is_never_named_by_others() -> None:
    """Dots and brackets in a title would be read as a path."""
    spec, titles = _curves("arena", 'x["{}].a:</script>')
    fields = list(_found(spec, "field"))
    assert len(fields) > len(titles)
    assert all(re.fullmatch(r"\w+", field) for field in fields)


@pytest.mark.parametrize("name", DRAWN)
def test_frontier_has_a_point_a_setting_and_marks_what_no_other_beats(name: str) -> None:
    export = MadeUp(experiment=name, time=1.3, memory=0.5).export()
    group = next(one for one in export.groups if one.load.timed)
    spec = vega.time_and_memory(export, group)
    rows = spec["data"]["values"]
    best = frontier.unbeaten(frontier.points(export, group), group.noise_floor)
    titles = {case.id: case.title for case in export.cases}
    assert len({row["case"] for row in rows}) == len(rows) <= len(_hues(spec))
    assert {row["case"] for row in rows if row["best"] == "是"} == {titles[case] for case in best} != set()


def test_frontier_of_a_draft_marks_nothing() -> None:
    export = MadeUp(experiment="arena", profile="quick", rounds=3).export()
    rows = vega.time_and_memory(export, export.groups[0])["data"]["values"]
    assert {row["best"] for row in rows} == {"否"}


@pytest.mark.parametrize("name", DRAWN)
def test_specs_skip_what_was_not_measured(name: str) -> None:
    whole, none = MadeUp(experiment=name), MadeUp(experiment=name, absent=("kept_mib",))
    timed = [group for group in whole.export().groups if group.load.timed]
    kinds = [key.partition("-")[0] for key in vega.specs(whole.spec, whole.export())]
    assert kinds == ["frontier"] * len(timed)
    assert vega.specs(none.spec, none.export()) == {}

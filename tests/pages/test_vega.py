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
WATCHED = [e.id for e in EXPERIMENTS.values() if any(c.kind == "memory_over_runs" for c in e.charts)]
HUES = len(vega.CONFIG["range"]["category"])


def _export(name: str) -> Export:
    """Every case of the first group with a curve of three points."""
    export = MadeUp(experiment=name).export()
    group = export.groups[0]
    curves = [
        Curve(name="rss_mib", model=group.model, input=group.input, case=case.id, x=[1, 2, 3], y=[1, 2, 3])
        for case in export.cases
    ]
    return export.model_copy(update={"curves": curves})


def _rows(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The largest data set: the others are lines to read the chart by."""
    return max(spec["datasets"].values(), key=len)


@pytest.mark.parametrize("name", WATCHED)
def test_every_line_has_a_hue_of_its_own_and_a_place_in_the_tooltip(name: str) -> None:
    export = _export(name)
    spec = vega.memory_over_runs(export, export.groups[0])
    titles = [case.title for case in export.cases if case.id != CONTROL]
    assert {row["case"] for row in _rows(spec)} == set(titles)
    assert len(titles) <= HUES
    reader = spec["layer"][-1]
    assert [one["title"] for one in reader["encoding"]["tooltip"]] == ["次", *titles]
    assert reader["transform"][0]["pivot"] == "key"


def test_legend_takes_nothing_from_the_curve_and_long_names_a_line_each() -> None:
    few, many = (
        vega.memory_over_runs(one, one.groups[0]) for one in map(_export, ("arena", "memory_pattern"))
    )
    assert vega.HEIGHT < few["height"] < many["height"]
    assert many["layer"][0]["encoding"]["color"]["legend"]["columns"] == 1
    assert vega._legend_columns([row | {"case": "短"} for row in _rows(many)], "case") == 2


def _lightness(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("paper", PAPERS)
def test_hues_stand_out_on_light_and_dark_paper(paper: str) -> None:
    theme = (ROOT / "docs" / "assets" / "theme.css").read_text(encoding="utf-8")
    assert f"--paper: {paper};" in theme
    for hue in vega.CONFIG["range"]["category"]:
        light, dark = sorted((_lightness(hue), _lightness(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, hue


def _fields(spec: Any) -> Iterator[str]:
    """Names of all fields that a specification reads."""
    if isinstance(spec, dict):
        if isinstance(spec.get("field"), str):
            yield spec["field"]
        for value in spec.values():
            yield from _fields(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from _fields(value)


def test_tooltip_reads_no_field_that_is_named_by_others() -> None:
    """Dots and brackets in a title would be read as a path, colons as a type."""
    export = _export("arena")
    odd = [replace(case, title=f"x[{n}].a:b") for n, case in enumerate(export.cases)]
    export = export.model_copy(update={"cases": odd})
    spec = vega.memory_over_runs(export, export.groups[0])
    assert all(re.fullmatch(r"\w+", field) for field in _fields(spec))


DRAWN = [e.id for e in EXPERIMENTS.values() if any(c.kind == "frontier" for c in e.charts)]


@pytest.mark.parametrize("name", DRAWN)
def test_frontier_has_a_point_a_setting_and_marks_what_no_other_beats(name: str) -> None:
    export = MadeUp(experiment=name, time=1.3, memory=0.5).export()
    group = next(one for one in export.groups if one.load.timed)
    rows = _rows(vega.time_and_memory(export, group))
    best = frontier.unbeaten(frontier.points(export, group), group.noise_floor)
    titles = {case.id: case.title for case in export.cases}
    assert len({row["case"] for row in rows}) == len(rows) <= HUES
    assert {row["case"] for row in rows if row["best"] == "是"} == {titles[case] for case in best} != set()


def test_frontier_of_a_draft_marks_nothing() -> None:
    export = MadeUp(experiment="arena", profile="quick", rounds=3).export()
    assert {row["best"] for row in _rows(vega.time_and_memory(export, export.groups[0]))} == {"否"}


@pytest.mark.parametrize("name", DRAWN)
def test_specs_skip_what_was_not_measured(name: str) -> None:
    whole, none = MadeUp(experiment=name), MadeUp(experiment=name, absent=("kept_mib",))
    timed = [group for group in whole.export().groups if group.load.timed]
    kinds = [key.partition("-")[0] for key in vega.specs(whole.spec, whole.export())]
    assert kinds == ["frontier"] * len(timed)
    assert vega.specs(none.spec, none.export()) == {}

"""Curves that can be told apart."""

from __future__ import annotations

import pytest
from made_up import MadeUp

from bench.experiments import EXPERIMENTS
from bench.pages import charts
from bench.results.published import Curve, Export
from bench.spec import CONTROL

WATCHED = [e.id for e in EXPERIMENTS.values() if any(c.kind == "memory_over_runs" for c in e.charts)]
HUES = len(charts.CONFIG["range"]["category"])


def _export(name: str) -> Export:
    """Every case of the first group with a curve of three points."""
    export = MadeUp(experiment=name).export()
    group = export.groups[0]
    curves = [
        Curve(name="rss_mib", model=group.model, input=group.input, case=case.id, x=[1, 2, 3], y=[1, 2, 3])
        for case in export.cases
    ]
    return export.model_copy(update={"curves": curves})


@pytest.mark.parametrize("name", WATCHED)
def test_every_line_has_a_hue_of_its_own(name: str) -> None:
    export = _export(name)
    spec = charts.memory_over_runs(export, export.groups[0])
    titles = {case.title for case in export.cases if case.id != CONTROL}
    assert {row["case"] for row in next(iter(spec["datasets"].values()))} == titles
    assert len(titles) <= HUES


def test_long_names_take_a_line_of_the_legend_each() -> None:
    export = _export("memory_pattern")
    spec = charts.memory_over_runs(export, export.groups[0])
    assert spec["encoding"]["color"]["legend"]["columns"] == 1
    short = [row | {"case": "短"} for row in next(iter(spec["datasets"].values()))]
    assert charts._legend_columns(short, "case") == 2


def test_legend_takes_nothing_from_the_curve() -> None:
    few, many = (
        charts.memory_over_runs(_export(name), _export(name).groups[0])["height"]
        for name in ("arena", "memory_pattern")
    )
    assert charts.HEIGHT < few < many

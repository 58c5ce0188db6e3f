"""What pages may call: a name that there is not is told with those that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from made_up import MadeUp

import bench
from bench.experiments import EXPERIMENTS
from bench.pages import source

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "load", lambda name: MadeUp(experiment=name).export())


@pytest.mark.parametrize(
    ("call", "offered"),
    [
        (lambda: bench.show("weather"), "arena"),
        (lambda: bench.conclusion("weather"), "profiling"),
        (lambda: bench.claim("arena", "weather"), "13_percent"),
        (lambda: bench.claim("container", "weather"), "（一个也没有）"),
        (lambda: bench.report("arena", "weather"), "line_memory、log_lines、trace"),
        (lambda: bench.snippet("arena", "weather"), "arena_off"),
        (lambda: bench.scenario("weather"), "general"),
        (lambda: bench.scenario("general", "weather"), "card、answer、line、code"),
        (lambda: bench.overview("weather"), "hero、chooser、surprises、findings、findings_summary"),
        (lambda: bench.build("weather"), "freshness、certificate、machine、downloads、rules、mill、licences"),
        (lambda: bench.options("weather"), "session、run、keys、run_keys、environment、traps、original"),
    ],
)
def test_unknown_name_is_told_with_the_known_ones(call: Callable[[], str], offered: str) -> None:
    with pytest.raises(LookupError) as refused:
        call()
    told = str(refused.value)
    assert "“weather”，可用的有：" in told
    assert offered in told
    assert "\n" not in told


def test_experiments_that_pages_show_have_a_place_and_the_article_comes_first() -> None:
    places = source.sections()
    assert set(places) <= set(EXPERIMENTS)
    assert places["arena"] == "blog/onnxruntime-cpu.html#enable_cpu_mem_arena"
    assert places["container"].startswith("blog/onnxruntime-cpu.html#")

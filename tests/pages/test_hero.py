"""The picture of the home page: a square a comparison, where it belongs, and its finding in words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import faults, markup_faults

from bench.experiments import EXPERIMENTS
from bench.pages import hero
from bench.results.verdicts import of_build

PATH = re.compile(r'<path class="hero-(\w+)" d="([^"]+)"/>')
SQUARE = re.compile(r"M([\d.]+) ([\d.-]+)h([\d.]+)v([\d.]+)h-[\d.]+z")


def _squares(html: str) -> list[tuple[str, float, float, float, float]]:
    """Verdict, left, top, width and height of each."""
    return [
        (verdict, *map(float, square))
        for verdict, outline in PATH.findall(html)
        for square in SQUARE.findall(outline)
    ]


def _exports(**world: Any) -> list[Any]:
    return [MadeUp(experiment=name, **world).export() for name in EXPERIMENTS]


def test_every_comparison_of_time_and_of_kept_memory_is_one_square() -> None:
    exports = _exports(time=1.6, memory=0.5)
    drawn = _squares(hero.figure(exports))
    shown = [one for one in of_build(exports) if one.row.metric in ("ratio", "kept_mib")]
    assert len(drawn) == len(shown)
    assert sorted(found[0] for found in drawn) == sorted(str(one.row.verdict) for one in shown)


@pytest.mark.parametrize("world", [{}, {"time": 30.0}, {"time": 0.01, "memory": 0.0001}, {"time": 1.6}])
def test_squares_stay_inside_the_picture(world: dict[str, Any]) -> None:
    html = hero.figure(_exports(**world))
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', html)
    assert size
    for _, x, y, width, height in _squares(html):
        assert 0 <= x <= x + width <= int(size[1])
        assert 0 <= y <= y + height <= hero.TEXT + hero.PLOT


def test_slower_lies_right_of_the_default_and_less_left_of_it() -> None:
    squares = _squares(hero.figure(_exports(time=1.6, memory=0.5)))
    middle = hero.WIDTH / 2
    assert min(x for verdict, x, *_ in squares if verdict == "slower") > middle
    assert max(x for verdict, x, *_ in squares if verdict == "less") < middle


def test_undecided_comparisons_are_told_from_ties() -> None:
    open_, tied = (hero.figure(_exports(**world)) for world in ({"time": 1.05, "half_width": 0.1}, {}))
    assert "次还分不出" in open_
    assert "次没有差别" in tied
    assert "次还分不出" not in tied


@pytest.mark.parametrize(
    "world",
    [{}, {"time": 1.6}, {"time": 0.7, "memory": 0.2}, {"busy": True}, {"absent": NO_PROC}, {"groups": ()},
     {"profile": "quick", "rounds": 3}],
)  # fmt: skip
def test_finding_stands_in_words_for_those_who_do_not_see_it(world: dict[str, Any]) -> None:
    html = hero.figure(_exports(**world))
    assert not markup_faults(html)
    label = re.search(r'aria-label="([^"]+)"', html)
    if label:
        assert not faults(f"{label[1]}。")
        assert label[1] in html.partition("<figcaption>")[2]
    else:
        assert not faults(html)


def test_time_of_a_noisy_group_is_no_square_and_its_memory_is() -> None:
    quiet, noisy = (
        hero.figure([MadeUp(experiment="arena", time=1.6, memory=0.5, noisy=groups).export()])
        for groups in ((), (0, 2, 3))
    )
    for verdict, left in (("slower", False), ("less", True)):
        assert [one for one in _squares(quiet) if one[0] == verdict]
        assert bool([one for one in _squares(noisy) if one[0] == verdict]) is left


def test_strip_without_comparisons_is_left_out() -> None:
    html = hero.figure(_exports(absent=NO_PROC, time=1.6))
    assert "延迟与默认比较" in html
    assert "留存内存" not in html

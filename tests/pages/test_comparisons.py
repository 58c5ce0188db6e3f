"""All comparisons of a build: the table is complete and sortable, the picture has a square for each, both read well."""

from __future__ import annotations

import re
from typing import Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import faults, markup_faults

from bench.experiments import EXPERIMENTS
from bench.pages import comparisons
from bench.results.verdicts import of_build

PATH = re.compile(r'<path class="hero-(\w+)" d="([^"]+)"/>')
SQUARE = re.compile(r"M([\d.]+) ([\d.-]+)h([\d.]+)v([\d.]+)h-[\d.]+z")
WORLDS: dict[str, dict[str, Any]] = {
    "nothing differs": {},
    "slower": {"time": 1.6},
    "far slower": {"time": 30.0},
    "faster, less": {"time": 0.01, "memory": 0.0001},
    "unclear": {"time": 1.05, "half_width": 0.1},
    "draft": {"profile": "quick", "rounds": 3},
    "busy": {"busy": True},
    "no /proc": {"absent": NO_PROC},
    "no groups": {"groups": ()},
}
EVERY = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


def _exports(**world: Any) -> list[Any]:
    return [MadeUp(experiment=name, **world).export() for name in EXPERIMENTS]


def _squares(html: str) -> list[tuple[str, float, float, float, float]]:
    """Verdict, left, top, width and height of each."""
    return [
        (verdict, *map(float, square))
        for verdict, outline in PATH.findall(html)
        for square in SQUARE.findall(outline)
    ]


@EVERY
def test_everything_reads_well_and_the_table_has_a_row_for_every_verdict(world: dict[str, Any]) -> None:
    exports = _exports(**world)
    assert not faults(comparisons.summary(exports))
    html = comparisons.table(exports)
    assert not markup_faults(html)
    assert html.count("<tr data-verdict=") == len(of_build(exports))
    picture = comparisons.picture(exports)
    assert not markup_faults(picture)
    label = re.search(r'aria-label="([^"]+)"', picture)
    if label:
        assert not faults(f"{label[1]}。")
        assert label[1] in picture.partition("<figcaption>")[2]
    else:
        assert not faults(picture)


@EVERY
def test_every_comparison_of_time_and_of_kept_memory_is_one_square_in_the_picture(
    world: dict[str, Any],
) -> None:
    exports = _exports(**world)
    html = comparisons.picture(exports)
    drawn = _squares(html)
    shown = [one for one in of_build(exports) if one.row.metric in ("ratio", "kept_mib")]
    assert sorted(found[0] for found in drawn) == sorted(str(one.row.verdict) for one in shown)
    width = int((re.findall(r'viewBox="0 0 (\d+) \d+"', html) or ["0"])[0])
    for _, x, y, wide, high in drawn:
        assert 0 <= x <= x + wide <= width
        assert 0 <= y <= y + high <= comparisons.TEXT + comparisons.PLOT


def test_numbers_to_sort_by_are_exact_and_in_the_columns_that_say_so() -> None:
    exports = _exports(time=1.6, memory=0.5)
    html = comparisons.table(exports)
    rows = re.findall(r"<tr data-verdict=.*?</tr>", html)
    for one, row in zip(of_build(exports), rows, strict=True):
        values = re.findall(r'<td data-value="([^"]+)"', row)
        assert float(values[-1]) == one.ratio
        assert list(comparisons.VERDICTS)[int(values[0])] == one.row.verdict
    heads = re.findall(r'<th scope="col"[^>]*>', html)
    assert sum('data-sort="number"' in head for head in heads) == len(re.findall(r"data-value", rows[0]))


def test_verdicts_lead_to_their_table_on_the_page_of_their_experiment() -> None:
    export = MadeUp(experiment="arena", time=1.6).export()
    links = set(re.findall(r'data-link="([^"]+)"', comparisons.table([export])))
    judged = {(one.row.model, one.row.input) for one in of_build([export])}
    assert links - {"evidence/arena.html"} == {
        f"evidence/arena.html#arena-{model}-{input_}".replace(" ", "-") for model, input_ in judged
    }


def test_difference_that_rounds_to_everything_is_not_called_everything() -> None:
    found = [one for one in of_build(_exports(memory=0.001)) if one.row.metric == "kept_mib"]
    assert comparisons.difference(found[0]) == "少 99.9%"


def test_summary_counts_what_the_table_shows_and_tells_what_was_compared_with_what() -> None:
    exports = _exports(time=1.6)
    found, told = of_build(exports), comparisons.summary(exports)
    article, default = (sum(one.row.metric == name for one in found) for name in ("ratio_original", "ratio"))
    others = [one for one in found if one.row.metric in ("p95_ratio", "calls_ratio", "open_ratio")]
    slower = sum(one.row.verdict == "slower" for one in found if one not in others)
    assert f"{slower} 次更慢" in told
    assert f"另比较 {len(others)} 次（打开用时、p95 延迟、每秒推理的次数）" in told or others
    assert f"（与默认比 {default} 次，与原文设置比 {article} 次）" in told


def test_slower_lies_right_of_the_default_and_less_left_of_it() -> None:
    squares = _squares(comparisons.picture(_exports(time=1.6, memory=0.5)))
    middle = comparisons.WIDTH / 2
    assert min(x for verdict, x, *_ in squares if verdict == "slower") > middle
    assert max(x for verdict, x, *_ in squares if verdict == "less") < middle


def test_undecided_comparisons_are_told_from_ties() -> None:
    open_, tied = (comparisons.picture(_exports(**WORLDS[name])) for name in ("unclear", "nothing differs"))
    assert "次还分不出" in open_
    assert "次没有差别" in tied
    assert "次还分不出" not in tied


def test_time_of_a_noisy_group_is_no_square_and_its_memory_is() -> None:
    quiet, noisy = (
        comparisons.picture([MadeUp(experiment="arena", time=1.6, memory=0.5, noisy=groups).export()])
        for groups in ((), (0, 2, 3))
    )
    for verdict, left in (("slower", False), ("less", True)):
        assert [one for one in _squares(quiet) if one[0] == verdict]
        assert bool([one for one in _squares(noisy) if one[0] == verdict]) is left


def test_strip_without_comparisons_is_left_out() -> None:
    html = comparisons.picture(_exports(absent=NO_PROC, time=1.6))
    assert "延迟与默认比较" in html
    assert "留存内存" not in html

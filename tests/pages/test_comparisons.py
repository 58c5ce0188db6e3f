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


def _exports(**world: Any) -> list[Any]:
    return [MadeUp(experiment=name, **world).export() for name in EXPERIMENTS]


def _squares(html: str) -> list[tuple[str, float, float, float, float]]:
    """Verdict, left, top, width and height of each."""
    return [
        (verdict, *map(float, square))
        for verdict, outline in PATH.findall(html)
        for square in SQUARE.findall(outline)
    ]


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_every_verdict_has_a_row_those_on_time_and_kept_memory_a_square_and_all_reads_well(
    world: dict[str, Any],
) -> None:
    exports = _exports(**world)
    found, table, picture = of_build(exports), comparisons.table(exports), comparisons.picture(exports)
    assert not faults(comparisons.summary(exports))
    assert not markup_faults(table)
    assert table.count("<tr data-verdict=") == len(found)
    assert not markup_faults(picture)
    label = re.search(r'aria-label="([^"]+)"', picture)
    if label:
        assert not faults(f"{label[1]}。")
        assert label[1] in picture.partition("<figcaption>")[2]
    else:
        assert not faults(picture)
    drawn = _squares(picture)
    shown = [str(one.row.verdict) for one in found if one.row.metric in ("ratio", "kept_mib")]
    assert sorted(verdict for verdict, *_ in drawn) == sorted(shown)
    width = int((re.findall(r'viewBox="0 0 (\d+) \d+"', picture) or ["0"])[0])
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
    assert html.count('data-sort="number"') == len(re.findall(r"data-value", rows[0]))


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
    assert f"另比较 {len(others)} 次（" in told
    assert f"（与默认比 {default} 次，与原文设置比 {article} 次）" in told


def test_slower_lies_right_of_the_default_less_left_of_it_and_only_memory_counts_where_it_was_noisy() -> None:
    middle, world = comparisons.WIDTH / 2, {"experiment": "arena", "time": 1.6, "memory": 0.5}
    quiet, noisy = (
        _squares(comparisons.picture([MadeUp(**world, noisy=one).export()])) for one in ((), (0, 2, 3))
    )
    assert min(x for verdict, x, *_ in quiet if verdict == "slower") > middle
    assert max(x for verdict, x, *_ in quiet if verdict == "less") < middle
    assert {verdict for verdict, *_ in noisy} & {"slower", "less"} == {"less"}


def test_picture_says_what_it_shows_and_nothing_of_what_it_does_not() -> None:
    open_, tied, bare = (
        comparisons.picture(_exports(**WORLDS[name])) for name in ("unclear", "nothing differs", "no /proc")
    )
    assert "次还分不出" in open_
    assert "次没有差别" in tied
    assert "次还分不出" not in tied
    assert "延迟与默认比较" in bare
    assert "留存内存" not in bare

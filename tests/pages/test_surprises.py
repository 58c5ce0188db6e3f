"""What surprises: which findings are picked, and that every sentence reads well whatever was measured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import faults, markup_faults, text_of

from bench.experiments import EXPERIMENTS
from bench.pages import surprises
from bench.spec import BASELINE, Machine

if TYPE_CHECKING:
    from bench.results.published import Export

CRASHED = "进程因信号 SIGSEGV 结束"
NONE: dict[str, dict[str, Any]] = {
    "draft": {"profile": "quick", "rounds": 3, "time": 2.0},
    "all failed": {"failures": {(None, None): CRASHED}},
    "no groups": {"groups": ()},
}
WORLDS: dict[str, dict[str, Any]] = {
    "nothing differs": {},
    "everything slower": {"time": 1.6},
    "everything faster, less memory": {"time": 0.7, "memory": 0.1},
    "twice as long, more memory": {"time": 2.0, "memory": 3.0},
    "unclear": {"time": 1.05, "half_width": 0.1},
    "busy": {"busy": True, "time": 2.0, "memory": 0.5},
    "no /proc": {"absent": NO_PROC, "time": 1.6},
    "default failed": {"failures": {(None, BASELINE): CRASHED}},
    "one core": {"cores": 1, "time": 1.6},
    **NONE,
}
ARENA, PATTERN = "arena", "memory_pattern"
LEAN, DEAR = {(1, "arena_off", "kept_mib"): 16.0}, {(0, "arena_off", "ratio"): 1.4}
HUGE = {(None, "arena_off_hugetlb", "ratio"): 1.9, (0, "arena_off", "ratio"): 1.3}
CASES = EXPERIMENTS[PATTERN].cases(Machine(cores=2))
UNTOLD = "没有测出差别"


def _exports(**world: Any) -> list[Export]:
    """A whole build in the same direction, with every setting seen to be in effect."""
    return [MadeUp(experiment=name, **world).export() for name in EXPERIMENTS]


@pytest.mark.parametrize("world", WORLDS)
def test_at_most_three_of_different_experiments_read_well(world: str) -> None:
    """Without verdicts nothing surprises, and the page says so."""
    exports = _exports(**WORLDS[world])
    found, html = surprises.pick(exports), surprises.cards(exports)
    assert len({one.experiment for one in found}) == len(found) <= surprises.MOST
    for one in found:
        assert not faults(one.told), text_of(one.told)
        assert not faults(f"{one.headline}。"), text_of(one.headline)
    assert not markup_faults(html)
    assert re.findall(r'data-link="([^"]*)"', html) == [f"evidence/{one.experiment}.html" for one in found]
    if world in NONE:
        assert "这次没有可说的" in html
        assert not faults(html)


@pytest.mark.parametrize(
    ("experiment", "world", "headline", "told"),
    [
        (ARENA, {"values": LEAN | DEAR}, "关闭 arena：峰值内存没有差别，留存内存少 99%", "峰值与默认没有值得一提的差别|留存比默认少 99%"),
        (ARENA, {"values": LEAN | DEAR | {(1, "arena_off", "peak_mib"): 400.0}}, "关闭 arena：峰值内存少 75%，留存内存少 99%", "峰值比默认少 75%|留存比默认少 99%"),
        ("intra_op_num_threads", {"values": {(0, "double", "ratio"): 3.0}}, "耗时多 200%", "与默认比耗时多 200%（199%–201%）"),
        # Huge pages that the kernel does not give would else be blamed for what turning off the arena costs.
        (ARENA, {"values": HUGE}, "关闭 arena，glibc 用大页：耗时多 90%", ""),
        (ARENA, {"values": HUGE, "outcomes": {(None, "arena_off_hugetlb"): "nothing"}}, "关闭 arena：耗时多 30%", ""),
        (ARENA, {"values": HUGE, "outcomes": {(None, "arena_off_hugetlb"): "unseen"}}, "关闭 arena：耗时多 30%", ""),
        # Time of a noisy group bears no headline, its memory does.
        (ARENA, {"values": {(0, None, "ratio"): 3.0, (0, BASELINE, "ratio"): 1.0, (2, "arena_off", "ratio"): 1.2}, "noisy": (0,)}, "耗时多 20%", ""),
        (ARENA, {"values": {(0, "arena_off", "kept_mib"): 16.0}, "noisy": (0, 2, 3)}, "留存内存少 99%", ""),
    ],
)  # fmt: skip
def test_largest_difference_that_may_be_quoted_leads(
    experiment: str, world: dict[str, Any], headline: str, told: str
) -> None:
    """Of memory with peak and kept side by side."""
    first = surprises.pick([MadeUp(experiment=experiment, **world).export()])[0]
    assert first.headline.endswith(headline)
    assert [one for one in told.split("|") if one not in text_of(first.told)] == []


def test_advice_that_this_build_contradicts_is_quoted() -> None:
    found = surprises.pick(_exports(values={(0, "parallel_usable", "ratio"): 2.0}))
    assert [one for one in found if one.headline.startswith(("不成立：“", "一半成立：“"))]


def test_setting_without_effect_must_have_been_seen_in_effect_and_differ_nowhere() -> None:
    def found(**world: Any) -> list[surprises.Surprise]:
        return surprises.pick([MadeUp(experiment=PATTERN, **world).export()])

    assert found()[-1].headline.endswith(UNTOLD)
    assert "有证据表明它生效了" in found()[-1].told
    assert found(outcomes={(None, None): "nothing"}) == found(outcomes={(None, None): "unseen"}) == []
    differing = found(values={(0, case.id, "ratio"): 1.5 for case in CASES[2:]})
    assert not [one for one in differing if one.headline.endswith(UNTOLD)]


@pytest.mark.parametrize(("unclear", "open_"), [((0,), "（1 次还要多测几轮）"), ((0, 1, 2, 3, 4), None)])
def test_setting_needs_one_comparison_of_time_that_ended_in_a_tie(
    unclear: tuple[int, ...], open_: str | None
) -> None:
    halves = {(index, "layout", "ratio"): 0.2 for index in unclear}
    export = MadeUp(experiment="graph_optimization", half_widths=halves).export()
    told = {one.headline: one.told for one in surprises._without_effect(surprises.of_build([export]))}
    headline = f"图优化级别“LAYOUT”：{UNTOLD}"
    assert (headline in told) is (open_ is not None)
    assert (open_ or "") in told.get(headline, "")

"""What surprises: which findings are picked, and that every sentence reads well whatever was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import faults, markup_faults, tags_of, text_of

from bench.experiments import EXPERIMENTS
from bench.facts import options
from bench.pages import findings, surprises
from bench.results.findings import of_build
from bench.spec import BASELINE

if TYPE_CHECKING:
    from bench.results import schema
    from bench.results.published import Export

EVIL = """<script>alert("&'")</script>"""
CRASHED = "进程因信号 SIGSEGV 结束"
WORLDS: dict[str, dict[str, Any]] = {
    "nothing differs": {},
    "everything slower": {"time": 1.6},
    "everything faster, less memory": {"time": 0.7, "memory": 0.1},
    "twice as long, more memory": {"time": 2.0, "memory": 3.0},
    "unclear": {"time": 1.05, "half_width": 0.1},
    "draft": {"profile": "quick", "rounds": 3, "time": 2.0},
    "busy": {"busy": True, "time": 2.0, "memory": 0.5},
    "no /proc": {"absent": NO_PROC, "time": 1.6},
    "default failed": {"failures": {(None, BASELINE): CRASHED}},
    "all failed": {"failures": {(None, None): CRASHED}},
    "no groups": {"groups": ()},
    "one core": {"cores": 1, "time": 1.6},
}


def _exports(**world: Any) -> list[Export]:
    """A whole build in the same direction, with every setting seen to be in effect."""
    return [MadeUp(experiment=name, **world).export() for name in EXPERIMENTS]


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_sentences_read_well(world: dict[str, Any]) -> None:
    exports = _exports(**world)
    assert not markup_faults(surprises.cards(exports))
    for one in surprises.pick(exports):
        assert not faults(one.told), text_of(one.told)
        assert not faults(f"{one.headline}。"), text_of(one.headline)


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_at_most_three_of_different_experiments(world: dict[str, Any]) -> None:
    names = [one.experiment for one in surprises.pick(_exports(**world))]
    assert len(names) <= surprises.MOST
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("world", [WORLDS["draft"], WORLDS["all failed"], WORLDS["no groups"]])
def test_without_verdicts_nothing_surprises_and_the_page_says_so(world: dict[str, Any]) -> None:
    exports = _exports(**world)
    assert surprises.pick(exports) == []
    html = surprises.cards(exports)
    assert surprises.NOTHING in html
    assert not faults(html)


def test_largest_difference_leads_with_peak_and_kept_side_by_side() -> None:
    values = {(1, "arena_off", "kept_mib"): 16.0, (0, "arena_off", "ratio"): 1.4}
    first = surprises.pick([MadeUp(experiment="arena", values=values).export()])[0]
    assert first.headline == "关闭 arena：峰值内存没有差别，留存内存少 99%"
    assert "峰值与默认没有值得一提的差别" in text_of(first.told)
    assert "留存比默认少 99%" in text_of(first.told)


def test_peak_and_kept_that_both_differ_stand_in_one_headline() -> None:
    values = {(1, "arena_off", "kept_mib"): 16.0, (1, "arena_off", "peak_mib"): 400.0}
    first = surprises.pick([MadeUp(experiment="arena", values=values).export()])[0]
    assert first.headline == "关闭 arena：峰值内存少 75%，留存内存少 99%"


def test_difference_in_time_is_told_with_its_interval() -> None:
    values = {(0, "4", "ratio"): 3.0}
    export = MadeUp(experiment="intra_op_num_threads", cores=2, values=values).export()
    first = surprises.pick([export])[0]
    assert first.headline.endswith("耗时多 200%")
    assert "与默认比耗时多 200%（199%–201%）" in text_of(first.told)


def test_advice_that_this_build_contradicts_is_quoted() -> None:
    exports = _exports(values={(0, "parallel_2", "ratio"): 2.0})
    told = [one for one in surprises.pick(exports) if one.headline.startswith(("不成立：“", "一半成立：“"))]
    assert told


@pytest.mark.parametrize("outcome", ["nothing", "unseen"])
def test_setting_without_effect_must_have_been_seen_in_effect(outcome: schema.Outcome) -> None:
    found = surprises.pick([MadeUp(experiment="memory_pattern").export()])
    assert [one.headline for one in found][-1].endswith("没有测出差别")
    assert "有证据表明它生效了" in found[-1].told
    assert (
        surprises.pick([MadeUp(experiment="memory_pattern", outcomes={(None, None): outcome}).export()]) == []
    )


@pytest.mark.parametrize("outcome", ["nothing", "unseen"])
def test_largest_effect_is_no_headline_unless_the_setting_was_seen_in_effect(outcome: schema.Outcome) -> None:
    """Huge pages that the kernel does not give would else be blamed for what turning off the arena costs."""
    values = {(None, "arena_off_hugetlb", "ratio"): 1.9, (0, "arena_off", "ratio"): 1.3}
    seen, unseen = (
        surprises.pick([MadeUp(experiment="arena", values=values, outcomes=outcomes).export()])[0].headline
        for outcomes in ({}, {(None, "arena_off_hugetlb"): outcome})
    )
    assert seen == "关闭 arena，glibc 用大页：耗时多 90%"
    assert unseen == "关闭 arena：耗时多 30%"


def test_time_of_a_noisy_group_bears_no_headline_and_its_memory_does() -> None:
    values = {(0, None, "ratio"): 3.0, (0, BASELINE, "ratio"): 1.0, (2, "arena_off", "ratio"): 1.2}
    exports = [MadeUp(experiment="arena", values=values, noisy=(0,)).export()]
    assert "耗时多 20%" in surprises.pick(exports)[0].headline
    lean = {(0, "arena_off", "kept_mib"): 16.0}
    found = surprises.pick([MadeUp(experiment="arena", values=lean, noisy=(0, 2, 3)).export()])
    assert "留存内存少 99%" in found[0].headline


def test_experiment_without_a_section_in_the_article_breaks_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """One file makes an experiment: until prose shows it, its findings are linked to its evidence."""
    monkeypatch.delitem(options.SECTIONS, "arena")
    exports = [MadeUp(experiment="arena", time=2.0).export()]
    assert 'data-link="evidence/arena.html"' in surprises.cards(exports)
    assert 'data-link="evidence/arena.html"' in findings.table(of_build(exports))
    assert f"{options.ARTICLE}#" not in surprises.cards(exports) + findings.table(of_build(exports))


def test_setting_that_differs_anywhere_is_not_said_to_do_nothing() -> None:
    values = {(0, case.id, "ratio"): 1.5 for case in EXPERIMENTS["memory_pattern"].cases(2)[2:]}
    found = surprises.pick([MadeUp(experiment="memory_pattern", values=values).export()])
    assert not [one for one in found if one.headline.endswith("没有测出差别")]


@pytest.mark.parametrize(("unclear", "listed"), [((0,), True), ((0, 1, 2, 3, 4), False)])
def test_setting_needs_one_comparison_of_time_that_ended_in_a_tie(
    unclear: tuple[int, ...],
    listed: bool,  # noqa: FBT001
) -> None:
    halves = {(index, "layout", "ratio"): 0.2 for index in unclear}
    export = MadeUp(experiment="graph_optimization", half_widths=halves).export()
    told = {one.headline: one.told for one in surprises._without_effect(surprises.of_build([export]))}
    assert ("图优化级别“LAYOUT”：没有测出差别" in told) is listed
    if listed:
        assert f"（{len(unclear)} 次还要多测几轮）" in told["图优化级别“LAYOUT”：没有测出差别"]


def test_names_out_of_a_result_file_stay_text() -> None:
    exports = []
    for name in EXPERIMENTS:
        titles = {case.id: EVIL for case in MadeUp(experiment=name).cases}
        world: dict[str, Any] = {"titles": titles, "model_title": EVIL, "input": EVIL, "time": 1.6}
        exports.append(MadeUp(experiment=name, **world).export())
    html = surprises.cards(exports)
    assert "script" not in tags_of(html)
    assert EVIL in text_of(html)

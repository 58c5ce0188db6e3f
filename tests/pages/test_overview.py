"""A build at a glance: all comparisons as table, picture and sentence, and what surprises; all of it reads well whatever was measured."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from made_up import NO_PROC, MadeUp
from markupsafe import Markup
from prose import faults, markup_faults, text_of

from bench.experiments import EXPERIMENTS
from bench.pages import comparisons, surprises
from bench.results.verdicts import of_build
from bench.spec import BASELINE, Machine

CRASHED = "进程因信号 SIGSEGV 结束"
WORLDS: dict[str, dict[str, Any]] = {
    "nothing differs": {},
    "slower": {"time": 1.6},
    "far slower": {"time": 30.0},
    "faster, less": {"time": 0.01, "memory": 0.0001},
    "more memory": {"time": 2.0, "memory": 3.0},
    "unclear": {"time": 1.05, "half_width": 0.1},
    "busy": {"busy": True, "time": 2.0, "memory": 0.5},
    "no /proc": {"absent": NO_PROC, "time": 1.6},
    "default failed": {"failures": {(None, BASELINE): CRASHED}},
    "one core": {"cores": 1, "time": 1.6},
    "draft": {"profile": "quick", "rounds": 3, "time": 2.0},
    "all failed": {"failures": {(None, None): CRASHED}},
    "no groups": {"groups": ()},
}
NONE = ("draft", "default failed", "all failed", "no groups")
"""Without verdicts nothing surprises, and the page says so."""
ARENA, PATTERN, UNTOLD = "arena", "memory_pattern", "没有测出差别"
LEAN, DEAR = {(1, "arena_off", "kept_mib"): 16.0}, {(0, "arena_off", "ratio"): 1.4}
HUGE = {(None, "arena_off_hugetlb", "ratio"): 1.9, (0, "arena_off", "ratio"): 1.3}


BUILD = ("arena", "memory_pattern", "execution_mode", "graph_optimization", "recommended", "profiling", "log_severity",
         "container", "callers", "quota", "loading", "unload", "quantization")  # fmt: skip
"""Experiments with claims, and one at least for each kind of comparison and of load: as good as a whole build."""


@cache
def _exports(world: str) -> list[Any]:
    """A build in the same direction, with every setting seen to be in effect."""
    return [MadeUp(experiment=name, **WORLDS[world]).export() for name in BUILD]


def _squares(html: str) -> list[tuple[str, float, float, float, float]]:
    """Verdict, left, top, width and height of each."""
    return [
        (verdict, *map(float, square))
        for verdict, outline in re.findall(r'<path class="hero-(\w+)" d="([^"]+)"/>', html)
        for square in re.findall(r"M([\d.]+) ([\d.-]+)h([\d.]+)v([\d.]+)h-[\d.]+z", outline)
    ]


@pytest.mark.parametrize("world", WORLDS)
def test_every_verdict_has_a_row_some_a_square_at_most_three_surprise_and_all_reads_well(world: str) -> None:
    exports = _exports(world)
    found, table, picture = of_build(exports), comparisons.table(exports), comparisons.picture(exports)
    assert not faults(comparisons.summary(exports))
    assert not markup_faults(table)
    rows = re.findall(r"<tr data-verdict=.*?</tr>", table)
    for one, row in zip(found, rows, strict=True):
        values = re.findall(r'<td data-value="([^"]+)"', row)
        assert float(values[-1]) == one.ratio
        assert list(comparisons.VERDICTS)[int(values[0])] == one.row.verdict
        assert f">{comparisons.VERDICTS[str(one.row.verdict)]}</a>" in row
        assert table.count('data-sort="number"') == len(values)
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
    chosen, html = surprises.pick(exports), surprises.cards(exports)
    assert len({one.experiment for one in chosen}) == len(chosen) <= surprises.MOST
    for text in (text for one in chosen for text in (one.told, f"{one.headline}。")):
        assert not faults(text), text_of(text)
    assert not markup_faults(html)
    assert re.findall(r'data-link="([^"]*)"', html) == [f"evidence/{one.experiment}.html" for one in chosen]
    assert ("这次没有可说的" in html) is (world in NONE)
    assert world not in NONE or not faults(html)
    advice = [one for one in chosen if one.headline.startswith(("不成立：“", "一半成立：“"))]
    assert advice or world != "slower"  # what this build contradicts is quoted


def test_verdicts_lead_to_their_table_and_are_counted_by_what_was_compared_with_what() -> None:
    """What little is left is not called nothing."""
    export = MadeUp(experiment="arena", time=1.6, memory=0.001).export()
    links = set(re.findall(r'data-link="([^"]+)"', comparisons.table([export])))
    places = {f"{one.row.model}-{one.row.input}".replace(" ", "-") for one in of_build([export])}
    assert links == {"evidence/arena.html", *(f"evidence/arena.html#arena-{place}" for place in places)}
    kept = next(one for one in of_build([export]) if one.row.metric == "kept_mib")
    assert comparisons.difference(kept) == "少 99.9%"
    found, told = of_build(_exports("slower")), comparisons.summary(_exports("slower"))
    article, default = (sum(one.row.metric == name for one in found) for name in ("ratio_original", "ratio"))
    others = [one for one in found if one.row.metric in ("p95_ratio", "calls_ratio", "open_ratio")]
    slower = sum(one.row.verdict == "slower" for one in found if one not in others)
    assert f"{slower} 次更慢" in told
    assert f"另比较 {len(others)} 次（" in told
    assert f"（与默认比 {default} 次，与 2022 年的那套比 {article} 次）" in told


def test_slower_lies_right_of_the_default_less_left_of_it_and_what_was_not_measured_is_not_told() -> None:
    """Only memory counts where it was noisy."""
    middle, world = comparisons.WIDTH / 2, {"experiment": "arena", "time": 1.6, "memory": 0.5}
    quiet, noisy = (
        _squares(comparisons.picture([MadeUp(**world, noisy=one).export()])) for one in ((), (0, 2, 3))
    )
    assert min(x for verdict, x, *_ in quiet if verdict == "slower") > middle
    assert max(x for verdict, x, *_ in quiet if verdict == "less") < middle
    assert {verdict for verdict, *_ in noisy} & {"slower", "less"} == {"less"}
    names = ("unclear", "nothing differs", "no /proc")
    open_, tied, bare = (comparisons.picture(_exports(name)) for name in names)
    assert ("次还分不出" in open_, "次还分不出" in tied, "次没有差别" in tied) == (True, False, True)
    assert ("延迟与默认比较" in bare, "做完后还占的内存" in bare) == (True, False)


@pytest.mark.parametrize(
    ("experiment", "world", "headline", "told"),
    [
        (ARENA, {"values": LEAN | DEAR}, "关 arena：最多占的内存没有差别，做完后还占的内存少 99%", "最多占的内存与默认没有值得一提的差别|做完后还占的内存比默认少 99%"),
        (ARENA, {"values": LEAN | DEAR | {(1, "arena_off", "peak_mib"): 400.0}}, "关 arena：最多占的内存少 75%，做完后还占的内存少 99%", "最多占的内存比默认少 75%|做完后还占的内存比默认少 99%"),
        # What cannot be told yet is no headline.
        (ARENA, {"values": {(1, "arena_off", "kept_mib"): 160.0, (1, "arena_off", "peak_mib"): 1500.0}, "memory_spread": 0.2}, "关 arena：做完后还占的内存少 90%", "（分不出）"),
        ("intra_op_num_threads", {"values": {(0, "double", "ratio"): 3.0}}, "慢到 3.0 倍", "与默认比慢到 3.0 倍（2.990–3.010 倍）"),
        # Huge pages that the kernel does not give would else be blamed for what turning off the arena costs.
        (ARENA, {"values": HUGE}, "关 arena，glibc 用大页：慢 90%", ""),
        (ARENA, {"values": HUGE, "outcomes": {(None, "arena_off_hugetlb"): "nothing"}}, "关 arena：慢 30%", ""),
        # Time of a noisy group bears no headline, its memory does.
        (ARENA, {"values": {(0, None, "ratio"): 3.0, (0, BASELINE, "ratio"): 1.0, (2, "arena_off", "ratio"): 1.2}, "noisy": (0,)}, "慢 20%", ""),
        (ARENA, {"values": {(0, "arena_off", "kept_mib"): 16.0}, "noisy": (0, 2, 3)}, "做完后还占的内存少 99%", ""),
    ],
)  # fmt: skip
def test_largest_difference_that_may_be_quoted_leads(
    experiment: str, world: dict[str, Any], headline: str, told: str
) -> None:
    """Of memory with peak and kept side by side."""
    found = of_build([MadeUp(experiment=experiment, **world).export()])
    first = next(surprises._effects([one for one in found if one.quotable]))
    assert first.headline.endswith(headline)
    assert [one for one in told.split("|") if one not in text_of(first.told)] == []


def test_refuted_claim_leads_before_one_that_holds_by_half_then_the_largest_effect() -> None:
    """Whatever is at stake: the heading promises what is not as others say."""
    off = {(None, "kept_mib"): 100.0, (None, "peak_mib"): 800.0, (None, "ratio"): 1.5, (0, "ratio"): 1.13}
    values = {(group, "arena_off", metric): value for (group, metric), value in off.items()}
    half, slower = MadeUp(experiment=ARENA, values=values), MadeUp(experiment="execution_mode", time=1.2)
    found = [surprises.pick([half.export(), *more])[0].headline for more in ((), (slower.export(),))]
    assert [text.partition("：")[0] for text in found] == ["一半成立", "不成立"]
    first, second, *_ = surprises.pick(_exports("slower"))
    assert (first.headline[:3], second.headline[-1]) == ("不成立", "%")


def test_claim_on_the_home_page_rests_on_no_figure_that_must_not_be_quoted() -> None:
    """On the log of a node that fails it stands without them; what has nothing else is left out."""
    logs = {BASELINE: {"error": ["[E:onnxruntime: 坏了"]}, "level_4": {"error": []}}
    for world in ({"noisy": range(9)}, {"busy": True}, {}):
        export = MadeUp(experiment="log_severity", transcripts=logs, **world).export()
        (card,) = (one for one in surprises._refuted([export], []) if "log_severity_level" in one.headline)
        assert ("没有差别" in card.told) is (world == {})
        assert card.told.endswith("节点出错时，默认级别的日志里有 ERROR 一行，设为 4 就没有了。")
        assert "※" not in card.told
    assert surprises._quotable(Markup("甲约慢 3%（草稿，不作结论）。")) == ""


def _found(experiment: str, **world: Any) -> list[surprises.Surprise]:
    return surprises.pick([MadeUp(experiment=experiment, **world).export()])


def test_setting_without_effect_was_seen_in_effect_tied_once_in_time_and_differs_nowhere() -> None:
    assert _found(PATTERN)[-1].headline.endswith(UNTOLD)
    assert "有证据表明它生效了" in _found(PATTERN)[-1].told
    for outcome in ("nothing", "unseen"):
        assert _found(PATTERN, outcomes={(None, None): outcome}) == []
    cases = EXPERIMENTS[PATTERN].cases(Machine(cores=2))[2:]
    differing = _found(PATTERN, values={(0, case.id, "ratio"): 1.5 for case in cases})
    assert not [one for one in differing if one.headline.endswith(UNTOLD)]
    told = []
    for groups in (1, 5):
        halves = {(index, "layout", "ratio"): 0.2 for index in range(groups)}
        export = MadeUp(experiment="graph_optimization", half_widths=halves).export()
        found = {one.headline: one.told for one in surprises._without_effect(of_build([export]))}
        told.append(found.get(f"图优化级别“LAYOUT”：{UNTOLD}", ""))
    assert ("（1 次还要多测几轮）" in told[0], told[1]) == (True, "")

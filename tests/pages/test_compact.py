"""Small tables and bars: what a busy reader sees of a result, in one unit and a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from made_up import NO_PROC, MadeUp

from bench.pages import bars, compact
from bench.spec import BASELINE

if TYPE_CHECKING:
    from bench.results.published import Export

CRASHED = "进程因信号 SIGSEGV 结束"
SLOW = {
    (0, "arena_off", "ratio"): 1.32,
    (0, "arena_off", "kept_mib"): 80.0,
    (0, "arena_off", "peak_mib"): 400.0,
}


def _dropped(export: Export, *reasons: str) -> Export:
    """The same, with groups that were not measured."""
    return export.model_copy(update={"build": export.build.model_copy(update={"dropped": [*reasons]})})


def _table(
    made_up: MadeUp, cases: str = "", columns: str = "", groups: tuple[int, ...] = ()
) -> BeautifulSoup:
    html = compact.table(made_up.export(), cases.split(), columns.split() or compact.USUAL, groups)
    return BeautifulSoup(str(html).replace("\u202f", " "), "html.parser")


def _rows(soup: BeautifulSoup) -> list[list[str]]:
    return [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in soup.select("tr[data-case]")]


def test_default_has_its_time_others_how_they_differ_and_memory_one_unit_from_top_to_bottom() -> None:
    small = {(None, None, name): 600.0 for name in ("peak_mib", "kept_mib")}
    soup = _table(MadeUp(experiment="arena", values=small | SLOW), "default arena_off", groups=(0,))
    assert [head.get_text() for head in soup.select("thead th")] == [
        "设置",
        "每次推理",
        "最多占 MiB",
        "做完后还占 MiB",
    ]
    assert _rows(soup) == [["默认", "10.0 ms", "600", "600"], ["关 arena", "慢 32%", "400", "80"]]
    assert [cell.get("data-verdict") for cell in soup.select("[data-case=arena_off] td")] == [
        "slower",
        "less",
        "less",
    ]
    large = _table(MadeUp(experiment="arena", values=SLOW), "default arena_off", groups=(0,))
    assert _rows(large)[1][2:] == ["0.39", "0.08"]
    assert "最多占 GiB" in large.get_text()


@pytest.mark.parametrize(
    ("world", "said"),
    [
        ({"time": 2.1}, "慢到 2.1 倍"),
        ({"time": 0.8}, "快 20%"),
        ({}, "没有差别"),
        ({"time": 1.05, "half_width": 0.1}, "分不出（慢 5%）"),
        ({"time": 1.002, "half_width": 0.1}, "分不出"),
        ({"time": 1.002, "noisy": range(5)}, "相差不到 1%※"),
        ({"time": 1.3, "noisy": range(5)}, "约慢 30%※"),
        ({"profile": "quick", "rounds": 3, "time": 1.3}, "约慢 30%"),
        ({"outcomes": {(None, "arena_off"): "nothing"}}, "什么都没变"),
        ({"outcomes": {(None, "arena_off"): "unseen"}}, "没见生效"),
    ],
)
def test_time_says_in_a_few_words_how_it_differs_or_why_nothing_is_said(
    world: dict[str, Any], said: str
) -> None:
    table = _table(MadeUp(experiment="arena", **world), "arena_off", groups=(0,))
    ((_, told, *_),) = _rows(table)
    assert told == said
    assert ("※：噪声太大" in table.get_text()) is ("※" in said), "a mark is explained below, and only there"


def test_patterns_choose_cases_in_the_order_asked_for_and_what_is_not_there_has_no_row() -> None:
    made_up = MadeUp(experiment="execution_mode")
    found = [
        row["data-case"] for row in _table(made_up, "default parallel_*", groups=(0,)).select("tr[data-case]")
    ]
    assert found == [
        BASELINE,
        "parallel_1",
        "parallel_1_no_spin",
        "parallel_usable",
        "parallel_usable_no_spin",
    ]
    assert len(_table(made_up).select("tbody")) == len(made_up.spec.groups)
    assert _rows(_table(made_up, "default", groups=(9,))) == []
    assert "这一组这次没有测成" in _table(made_up, "default", groups=(9,)).get_text()
    no_memory = _table(MadeUp(experiment="arena", absent=NO_PROC), "default", groups=(0,))
    assert [head.get_text() for head in no_memory.select("thead th")] == ["设置", "每次推理"]


@pytest.mark.parametrize(
    ("groups", "reason", "said"),
    [
        ((0,), "{model} / x：时间预算不够", "时间预算不够，这一组没有测。"),
        ((), "{model} / x：时间预算不够", "时间预算不够，这一组没有测。"),
        ((0,), "别的模型 / x：时间预算不够", "这一组这次没有测成。"),
        ((0,), "空闲内存 3 MiB，连 batch=1 也放不下", "这一组这次没有测成。"),
    ],
)
def test_a_group_that_the_budget_did_not_reach_did_not_fail(
    groups: tuple[int, ...], reason: str, said: str
) -> None:
    made_up = MadeUp(experiment="arena", groups=())
    export = _dropped(made_up.export(), reason.format(model=made_up.spec.groups[0].model))
    assert said in str(compact.table(export, ["default"], compact.USUAL, groups))
    crashed = _dropped(MadeUp(experiment="arena", failures={(None, None): CRASHED}).export(), reason)
    assert "没有测成" in str(compact.table(crashed, ["default"], ("ratio",), (0,)))


def test_groups_whose_times_may_be_quoted_come_first_and_stand_in_their_order() -> None:
    export = MadeUp(experiment="graph_optimization", noisy=(0, 2)).export()
    assert compact.quiet(export, 2) == [1, 3]
    assert compact.quiet(export, 4) == [0, 1, 3, 4]


def test_a_group_that_looks_at_memory_alone_shows_no_time() -> None:
    assert _rows(_table(MadeUp(experiment="arena"), "default arena_off", groups=(1,)))[1][1] == "—"


@pytest.mark.parametrize(("drawn", "said"), [("time", "慢 32%"), ("memory", "做完后还占 80 MiB")])
def test_bars_are_as_long_as_their_figures_and_a_group_that_failed_has_none(drawn: str, said: str) -> None:
    def drawing(**world: Any) -> BeautifulSoup:
        html = bars.figure(MadeUp(experiment="arena", **world).export(), [BASELINE, "arena_off"], 0, drawn)
        return BeautifulSoup(str(html).replace("\u202f", " "), "html.parser")

    found = drawing(values=SLOW)
    lengths = [one["style"].partition(";")[0] for one in found.select(".bar")]
    assert lengths == (
        ["--share:75.8%", "--share:100.0%"] if drawn == "time" else ["--share:100.0%", "--share:25.0%"]
    )
    assert said in found.get_text()
    assert "没有测成" in drawing(failures={(None, None): CRASHED}).get_text()
    assert "时间或内存不够，这一组没有测。" in drawing(groups=()).get_text()

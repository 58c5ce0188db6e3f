"""What a block tells of its rounds: who shares it, what was known after which look, what is open and what it costs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from made_up import MadeUp
from prose import markup_faults, text_of

from bench.models import MODELS
from bench.pages import looks
from bench.pages.words import Words

TEN = {"rounds": 10, "looks": (6, 10)}
OPEN = {(0, "exact_extend", "ratio"): 0.2}
"""Half the width of an interval in which nothing is told."""


def _export(experiment: str = "arena", **told: Any) -> Any:
    return MadeUp(experiment=experiment, **TEN | told).export()


def _cells(*exports: Any) -> list[list[str]]:
    html = looks.table(exports)
    assert markup_faults(html) == []
    rows = re.findall(r"<tr data-open.*?</tr>", html)
    return [[text_of(cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


def test_row_tells_what_was_known_after_which_look_what_stayed_open_and_what_the_next_one_takes() -> None:
    """A case that stayed to the end and has its verdicts is known by then; a process takes a second."""
    export = _export(settled={"arena_off": 6, "pattern_off": 6}, half_widths=OPEN)
    group = export.groups[0]
    assert (group.settled["arena_off"], group.settled["arena_off_hugetlb"], group.next_look) == (6, 10, 14)
    assert group.open == ["exact_extend"]
    row, largest, *_ = _cells(export)
    assert row[2] == "6 轮 2 项，10 轮 2 项"
    assert re.sub(r"\s", "", row[3]).startswith("1项内存arena：")
    assert row[4] == "4 轮约 16 秒"  # twice the default, its second name, the open case
    assert ("只看内存" in largest[0], largest[2:]) == (True, ["1 轮 2 项", "—", "—"])
    timed = [one for one in export.groups if one.load.timed]
    after = [sum([*one.settled.values()].count(rounds) for one in timed) for rounds in (6, 10)]
    told = f"第 6 轮后 {after[0]} 项有了结果，第 10 轮后 {after[1]} 项有了结果；还有 1 项分不出；再测一批、再判断一次，约需 16 秒。"
    assert looks.line(export) == told


def test_where_nothing_was_compared_nothing_is_said_to_be_open() -> None:
    assert looks.line(_export("forks")) == ""
    assert "没有分不出的" in looks.line(_export())


def test_groups_that_the_budget_did_not_reach_are_one_sentence_with_the_titles_of_models() -> None:
    late = ["ocr_det / 1x3x480x480：时间预算不够", "tiny / 2 shapes：时间预算不够"]
    export = _export()
    build = export.build.model_copy(
        update={"dropped": [late[0], "内存只放得下 batch=1，与另一组相同", late[1]]}
    )
    titles = [MODELS[one].title for one in ("ocr_det", "tiny")]
    assert looks.left_out(export.model_copy(update={"build": build})) == (
        f"时间预算不够，2 组没有测：{titles[0]}（1x3x480x480）、{titles[1]}（2 种尺寸）。"
        "有一组没测：内存只放得下 batch=1，与另一组相同。"
    )
    assert looks.left_out(export) == ""
    assert [looks.duration(one) for one in (0.2, 1, 89, 100)] == ["不到 1 秒", "1 秒", "89 秒", "2 分钟"]


@pytest.mark.parametrize(
    ("world", "next_look", "cost", "cut"),
    [
        ({"rounds": 6}, 10, "4 轮约 16 秒", True),
        ({"rounds": 18, "looks": (6, 10, 14, 18)}, None, "—", False),
        ({"rounds": 1}, 6, "5 轮约 40 秒", True),
        ({"busy": True, "half_widths": {}}, 14, "4 轮约 32 秒", False),
    ],
)
def test_next_look_is_one_of_this_profile_or_of_a_more_thorough_one(
    world: Any, next_look: int | None, cost: str, *, cut: bool
) -> None:
    export = _export(**{"half_widths": OPEN} | world)
    assert export.groups[0].next_look == next_look
    assert (_cells(export)[0][4], export.groups[0] in looks.cut(export)) == (cost, cut)


def test_experiments_with_the_same_default_share_a_row_and_equal_cases_count_and_cost_once() -> None:
    """Arena and pattern off stand in both; other builds are blocks of their own."""
    wide = {(None, "pattern_off", "ratio"): 0.2}
    both = [_export(half_widths=wide), _export("recommended", half_widths=wide)]
    alone, shared = looks.blocks(both[:1])[0], looks.blocks(both)[0]
    assert [export.experiment for export, _ in shared.members] == ["arena", "recommended"]
    assert (shared.count, shared.seconds) == (alone.count, alone.seconds) == (1, 16)
    assert set(shared.open) == {"arena", "recommended"}
    of_each = [sum(looks.blocks([one])[0].settled.values()) for one in both]
    assert max(of_each) < sum(shared.settled.values()) < sum(of_each)
    other = both[1].model_copy(
        update={"build": both[1].build.model_copy(update={"id": "20260103-030405-abcd"})}
    )
    assert len(looks.blocks([both[0], other])) > len(looks.blocks(both))


def test_draft_tells_no_more_than_that_it_is_one() -> None:
    export = _export(profile="quick", rounds=3, looks=(3,))
    assert _cells(export)[0][3:] == ["草稿", "—"]
    assert looks.line(export) == ""


def test_open_row_says_how_many_rounds_up_to_a_look_it_takes() -> None:
    """Between two looks the interval does not become narrower."""
    for width, rounds in ((0.055, 4), (0.061, 8), (0.2, "很多")):
        words = Words(_export(time=1.0, half_widths={(0, "pattern_off", "ratio"): width}))
        told = words.speed(words.groups()[0], "pattern_off")
        assert (f"还需约 {rounds} 轮" in told) is (rounds != "很多"), told

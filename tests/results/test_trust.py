"""What a self-test saw, right and wrong, and whether the numbers of a site may be quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp

from bench.results.published import Export, Row
from bench.results.trust import ALLOCATED, HELD, MORE, SLEEP, Standing, checks, standing
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Collection

Place = tuple[str, str]
Interval = tuple[float | None, float | None, float | None]
# fmt: off
RIGHT: dict[Place, Interval] = {
    (SLEEP, "latency_ms"): (20.1, 20.0, 20.2), (SLEEP, "cores_used"): (0.003, 0.002, 0.004),
    (BASELINE, "cores_used"): (0.99, 0.98, 1.0), (MORE, "ratio"): (1.101, 1.09, 1.11), (CONTROL, "ratio"): (1.001, 0.995, 1.004),
    (ALLOCATED, "base_mib"): (50.0, None, None), (ALLOCATED, "peak_mib"): (178.0, None, None),
    (ALLOCATED, "kept_mib"): (50.1, None, None), (HELD, "base_mib"): (50.0, None, None), (HELD, "kept_mib"): (178.2, None, None),
}
# fmt: on
TOLD = {
    "睡 20 毫秒": ("19–21 ms", "20.1 ms"),
    "睡着时用到的核": ("0–0.05 个", "0.003 个"),
    "单线程运算用到的核": ("0.9–1.1 个", "0.99 个"),
    "多 10% 的运算": ("判为更慢，区间含 1.10（或中位数偏离不到 2%）", "1.101（1.090–1.110）"),
    "两个名字、同样的运算": ("不判为更快或更慢", "1.001（0.995–1.004）"),
    "一次调用里分配再放掉：最多占的增加": ("128 MiB ± 2%", "128.0 MiB"),
    "一次调用里分配再放掉：做完后还占的增加": ("不超过 2.6 MiB", "0.1 MiB"),
    "分配并留着：做完后还占的增加": ("128 MiB ± 2%", "128.2 MiB"),
}
ASLEEP, IDLE, CORE, TENTH, SAME, PEAK, KEPT, LEFT = TOLD


def _seen(changes: dict[Place, Interval | None]) -> Export:
    rows = [
        Row.model_construct(case=case, metric=metric, rounds=9, value=one[0], low=one[1], high=one[2])
        for (case, metric), one in (RIGHT | changes).items()
        if one
    ]
    return Export.model_construct(rows=rows)


@pytest.mark.parametrize(
    ("place", "figure", "failing", "seen"),
    [
        ((SLEEP, "latency_ms"), (21.0, 20.9, 21.1), None, "21 ms"),
        ((MORE, "ratio"), (1.14, 1.05, 1.2), None, "1.140"),  # far, but the interval holds the tenth
        ((MORE, "ratio"), (1.12, 1.115, 1.125), None, "1.120"),  # near, though it does not
        ((MORE, "ratio"), None, TENTH, "没有测成"),
        ((SLEEP, "latency_ms"), (21.5, 21.0, 22.0), ASLEEP, "21.5 ms"),
        ((SLEEP, "cores_used"), (0.06, 0.05, 0.07), IDLE, "0.06 个"),
        ((BASELINE, "cores_used"), (0.85, 0.8, 0.9), CORE, "0.85 个"),
        ((MORE, "ratio"), (1.05, 0.98, 1.12), TENTH, "1.050"),
        ((MORE, "ratio"), (1.1, None, None), TENTH, "1.100（9 轮，没有区间）"),
        ((CONTROL, "ratio"), (1.04, 1.03, 1.05), SAME, "1.040"),
        ((ALLOCATED, "peak_mib"), (180.7, None, None), PEAK, "130.7 MiB"),
        ((ALLOCATED, "kept_mib"), (52.7, None, None), KEPT, "2.7 MiB"),
        ((HELD, "kept_mib"), (175.3, None, None), LEFT, "125.3 MiB"),
        ((HELD, "kept_mib"), (None, None, None), LEFT, "没有测成"),
    ],
)
def test_what_the_harness_misses_is_named(place: Place, figure: Any, failing: str | None, seen: str) -> None:
    found = checks(_seen({place: figure}))
    assert [check.title for check in found] == list(TOLD)
    assert [check.title for check in found if not check.passed] == ([failing] if failing else [])
    assert next(check.seen for check in found if check.seen != TOLD[check.title][1]).startswith(seen)


def test_checks_say_what_was_expected_and_seen_and_what_cannot_be_read_is_neither_right_nor_wrong() -> None:
    assert {check.title: (check.expected, check.seen) for check in checks(_seen({}))} == TOLD
    assert [check.passed for check in checks(SEES)] == [True] * 5 + [None] * 3
    assert [check.passed for check in checks(_seen({(HELD, "base_mib"): None}))] == [True] * 7 + [None]


FIRST, LATER = MadeUp(experiment="arena").export().build.id, "20260103-030405-abcd"
SEES = _seen(dict.fromkeys([place for place in RIGHT if place[1].endswith("_mib")]))
BLIND = _seen({(SLEEP, "latency_ms"): None})
GOOD = {FIRST: SEES}


def _export(name: str = "arena", build: str = FIRST, **changes: Any) -> Export:
    made = MadeUp(experiment=name, **changes).export()
    return made.model_copy(update={"build": made.build.model_copy(update={"id": build})})


ARENA, SECOND = _export(), _export("container", LATER)
BLINDED = "测量程序的自检没有通过：睡 20 毫秒"
EVERYTHING = ("1 个实验只是草稿", "1 个实验是旧结果", "1 个实验所在的那次测量没有自检", BLINDED)


@pytest.mark.parametrize(
    ("exports", "selftests", "stale", "reasons"),
    [
        ([ARENA], {FIRST: SEES, LATER: BLIND}, (), ()),  # of a build that is not shown
        ([_export(profile="smoke")], {}, (), ("只是草稿",)),
        # a draft needs no self-test of its own
        ([ARENA, _export("container", LATER, profile="quick")], GOOD, (), ("1 个实验只是草稿",)),
        ([ARENA], {}, (), ("测量程序没有做自检",)),
        # a self-test vouches for no other build, and every build that is shown needs its own
        ([ARENA], {FIRST: BLIND, LATER: SEES}, (), (BLINDED,)),
        ([ARENA, SECOND], {FIRST: SEES, LATER: SEES}, (), ()),
        ([ARENA, SECOND], {FIRST: BLIND, LATER: BLIND}, (), (BLINDED,)),
        ([_export(busy=True)], GOOD, (), ("2 种模型和输入里，有 2 种受扰或噪声太大",)),
        ([_export(noisy=(0,))], GOOD, (), ("2 种模型和输入里，有 1 种受扰或噪声太大，快慢不要引用",)),
        ([_export(profile="quick", busy=True), SECOND], {FIRST: BLIND}, ("arena",), EVERYTHING),
    ],
)
def test_numbers_may_be_quoted_where_nothing_speaks_against_it(
    exports: list[Export], selftests: dict[str, Export], stale: Collection[str], reasons: tuple[str, ...]
) -> None:
    word = "except" if reasons and reasons[0].endswith("不要引用") else "no" if reasons else "yes"
    assert standing(exports, selftests, stale) == Standing(word, reasons)

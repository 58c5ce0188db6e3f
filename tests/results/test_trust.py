"""What a self-test saw, right and wrong, and whether the numbers of a site may be quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp

from bench.results import trust
from bench.results.published import Export, Row
from bench.results.trust import ALLOCATED, HELD, MORE, SELFTEST, SLEEP, Standing, checks, standing
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Collection

Place = tuple[str, str]
Interval = tuple[float | None, float | None, float | None]
RIGHT: dict[Place, Interval] = {
    (SLEEP, "latency_ms"): (20.1, 20.0, 20.2),
    (SLEEP, "cores_used"): (0.003, 0.002, 0.004),
    (BASELINE, "cores_used"): (0.99, 0.98, 1.0),
    (MORE, "ratio"): (1.101, 1.09, 1.11),
    (CONTROL, "ratio"): (1.001, 0.995, 1.004),
    (ALLOCATED, "base_mib"): (50.0, None, None),
    (ALLOCATED, "peak_mib"): (178.0, None, None),
    (ALLOCATED, "kept_mib"): (50.1, None, None),
    (HELD, "base_mib"): (50.0, None, None),
    (HELD, "kept_mib"): (178.2, None, None),
}
TITLES = {
    "asleep": "睡 20 毫秒",
    "idle": "睡着时用到的核",
    "core": "单线程运算用到的核",
    "tenth": "多 10% 的运算",
    "same": "两个名字、同样的运算",
    "peak": "一次调用里分配再放掉：峰值增加",
    "kept": "一次调用里分配再放掉：留存增加",
    "held": "分配并留着：留存增加",
}


def _seen(changes: dict[Place, Interval | None]) -> Export:
    figures = {place: figure for place, figure in (RIGHT | changes).items() if figure is not None}
    return Export.model_construct(rows=[_row(place, figure) for place, figure in figures.items()])


def _row(place: Place, figure: Interval) -> Row:
    fields = dict(zip(("case", "metric", "value", "low", "high"), (*place, *figure), strict=True))
    usual = {"experiment": SELFTEST, "model": "tiny", "input": "batch=16", "unit": "", "rounds": 9}
    failure = None if figure[0] is not None else "没有测成"
    return Row.model_validate(usual | fields | {"verdict": None, "failed_rounds": 0, "failure": failure})


@pytest.mark.parametrize(
    ("place", "figure", "failing"),
    [
        ((SLEEP, "latency_ms"), RIGHT[SLEEP, "latency_ms"], []),
        ((SLEEP, "latency_ms"), (21.0, 20.9, 21.1), []),
        ((MORE, "ratio"), (1.14, 1.05, 1.2), []),  # far, but the interval holds the tenth
        ((MORE, "ratio"), (1.12, 1.115, 1.125), []),  # near, though it does not
        ((MORE, "ratio"), None, ["tenth"]),
        ((SLEEP, "latency_ms"), (21.5, 21.0, 22.0), ["asleep"]),
        ((SLEEP, "latency_ms"), (18.0, 17.9, 18.1), ["asleep"]),
        ((SLEEP, "cores_used"), (0.06, 0.05, 0.07), ["idle"]),
        ((BASELINE, "cores_used"), (1.15, 1.1, 1.2), ["core"]),
        ((BASELINE, "cores_used"), (0.85, 0.8, 0.9), ["core"]),
        ((MORE, "ratio"), (1.05, 0.98, 1.12), ["tenth"]),
        ((MORE, "ratio"), (1.1, None, None), ["tenth"]),
        ((MORE, "ratio"), (None, None, None), ["tenth"]),
        ((CONTROL, "ratio"), (1.04, 1.03, 1.05), ["same"]),
        ((CONTROL, "ratio"), None, ["same"]),
        ((ALLOCATED, "peak_mib"), (180.7, None, None), ["peak"]),
        ((ALLOCATED, "kept_mib"), (52.7, None, None), ["kept"]),
        ((HELD, "kept_mib"), (175.3, None, None), ["held"]),
    ],
)
def test_what_the_harness_misses_is_named(place: Place, figure: Interval | None, failing: list[str]) -> None:
    found = checks(_seen({place: figure}))
    assert [check.title for check in found] == list(TITLES.values())
    assert [check.title for check in found if not check.passed] == [TITLES[name] for name in failing]


def test_memory_that_cannot_be_read_is_neither_right_nor_wrong() -> None:
    found = checks(_seen(dict.fromkeys([place for place in RIGHT if place[1].endswith("_mib")])))
    assert [check.passed for check in found] == [True] * 5 + [None] * 3
    assert [check.passed for check in checks(_seen({(HELD, "base_mib"): None}))] == [True] * 7 + [None]


def test_checks_say_what_was_expected_and_seen() -> None:
    """Without an interval, in how many rounds; of what failed, that it did."""
    told = {check.title: (check.expected, check.seen) for check in checks(_seen({}))}
    assert told[TITLES["asleep"]] == ("19–21 ms", "20.1 ms")
    assert told[TITLES["same"]] == ("不判为更快或更慢", "1.001（0.995–1.004）")
    assert told[TITLES["kept"]] == ("不超过 2.6 MiB", "0.1 MiB")
    assert told[TITLES["held"]] == ("128 MiB ± 2%", "128.2 MiB")
    few = checks(_seen({(CONTROL, "ratio"): (1.001, None, None), (HELD, "kept_mib"): (None, None, None)}))
    assert {"1.001（9 轮，没有区间）", "没有测成"} <= {check.seen for check in few}


FIRST = MadeUp(experiment="arena").export().build.id
LATER = "20260103-030405-abcd"
SEES, BLIND = _seen({}), _seen({(SLEEP, "latency_ms"): None})
GOOD = {FIRST: SEES}


def _export(name: str = "arena", build: str = FIRST, **changes: Any) -> Export:
    made = MadeUp(experiment=name, **changes).export()
    return made.model_copy(update={"build": made.build.model_copy(update={"id": build})})


ARENA, SECOND = _export(), _export("container", LATER)
YES = Standing("yes", ())


def _no(reason: str) -> Standing:
    return Standing("no", (reason,))


BLINDED = _no("测量程序的自检没有通过：睡 20 毫秒")


@pytest.mark.parametrize(
    ("exports", "selftests", "stale", "expected"),
    [
        ([ARENA], GOOD, (), YES),
        ([_export(profile="smoke")], {}, (), _no("只是草稿")),
        ([_export(profile="quick"), SECOND], {LATER: SEES}, (), _no("1 个实验只是草稿")),
        # a draft needs no self-test of its own
        ([ARENA, _export("container", LATER, profile="quick")], GOOD, (), _no("1 个实验只是草稿")),
        ([ARENA], GOOD, ("arena",), _no("1 个实验是旧结果")),
        ([ARENA], {}, (), _no("测量程序没有做自检")),
        # a self-test vouches for no other build, and every build that is shown needs its own
        ([ARENA], {FIRST: BLIND, LATER: SEES}, (), BLINDED),
        ([ARENA, SECOND], GOOD, (), _no("1 个实验所在的那次测量没有自检")),
        ([ARENA, SECOND], {FIRST: SEES, LATER: SEES}, (), YES),
        ([ARENA, SECOND], {FIRST: BLIND, LATER: SEES}, (), BLINDED),
        ([_export(busy=True)], GOOD, (), _no("3 组里有 3 组受扰或噪声太大")),
        ([_export(noisy=(0,))], GOOD, (), Standing("except", ("3 组里有 1 组受扰或噪声太大，快慢不要引用",))),
    ],
)
def test_numbers_may_be_quoted_where_nothing_speaks_against_it(
    exports: list[Export], selftests: dict[str, Export], stale: Collection[str], expected: Standing
) -> None:
    assert standing(exports, selftests, stale) == expected


def test_all_reasons_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "checks", lambda _: [trust.Check("x", "", "", passed=None)])
    found = standing([_export(profile="quick"), _export("container", LATER)], GOOD, ("arena",))
    assert [reason[:7] for reason in found.reasons] == ["1 个实验只是", "1 个实验是旧", "1 个实验所在"]

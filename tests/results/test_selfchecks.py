"""A self-test's figures, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest

from bench.measure import selftest
from bench.results.published import Export, Row
from bench.results.trust import ALLOCATED, HELD, MORE, SLEEP, checks
from bench.spec import BASELINE, CONTROL

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


def _export(changes: dict[Place, Interval | None]) -> Export:
    figures = {place: figure for place, figure in (RIGHT | changes).items() if figure is not None}
    return Export.model_construct(rows=[_row(place, figure) for place, figure in figures.items()])


def _row(place: Place, figure: Interval) -> Row:
    case, metric = place
    value, low, high = figure
    fields: dict[str, Any] = {
        "verdict": None,
        "failed_rounds": 0,
        "failure": None if value is not None else "没有测成",
    }
    return Row(
        experiment=selftest.EXPERIMENT.id,
        model="tiny",
        input="batch=16",
        case=case,
        metric=metric,
        unit="",
        value=value,
        low=low,
        high=high,
        rounds=9,
        **fields,
    )


def test_harness_that_sees_everything_passes() -> None:
    found = checks(_export({}))
    assert [check.title for check in found] == list(TITLES.values())
    assert all(check.passed for check in found)


@pytest.mark.parametrize(
    ("place", "figure", "failing"),
    [
        ((SLEEP, "latency_ms"), (21.5, 21.0, 22.0), "asleep"),
        ((SLEEP, "latency_ms"), (18.0, 17.9, 18.1), "asleep"),
        ((SLEEP, "cores_used"), (0.2, 0.1, 0.3), "idle"),
        ((BASELINE, "cores_used"), (1.9, 1.8, 2.0), "core"),
        ((BASELINE, "cores_used"), (0.5, 0.4, 0.6), "core"),
        ((MORE, "ratio"), (1.05, 0.98, 1.12), "tenth"),
        ((MORE, "ratio"), (1.05, 1.04, 1.06), "tenth"),
        ((MORE, "ratio"), (1.3, 1.25, 1.35), "tenth"),
        ((MORE, "ratio"), (1.1, None, None), "tenth"),
        ((MORE, "ratio"), (None, None, None), "tenth"),
        ((CONTROL, "ratio"), (1.04, 1.03, 1.05), "same"),
        ((CONTROL, "ratio"), (0.95, 0.94, 0.96), "same"),
        ((CONTROL, "ratio"), None, "same"),
        ((ALLOCATED, "peak_mib"), (50.5, None, None), "peak"),
        ((ALLOCATED, "peak_mib"), (182.0, None, None), "peak"),
        ((ALLOCATED, "kept_mib"), (178.0, None, None), "kept"),
        ((HELD, "kept_mib"), (60.0, None, None), "held"),
        ((HELD, "kept_mib"), (None, None, None), "held"),
    ],
)
def test_what_the_harness_misses_is_named(place: Place, figure: Interval | None, failing: str) -> None:
    found = checks(_export({place: figure}))
    assert [check.title for check in found if check.passed is False] == [TITLES[failing]]


def test_far_interval_that_holds_the_tenth_is_found() -> None:
    found = checks(_export({(MORE, "ratio"): (1.14, 1.05, 1.2)}))
    assert all(check.passed for check in found)


def test_memory_that_cannot_be_read_is_neither_right_nor_wrong() -> None:
    gone: dict[Place, Interval | None] = {
        (case, metric): None for case in (ALLOCATED, HELD) for metric in ("base_mib", "peak_mib", "kept_mib")
    }
    found = checks(_export(gone))
    assert [check.passed for check in found[-3:]] == [None, None, None]
    assert all(check.passed for check in found[:-3])

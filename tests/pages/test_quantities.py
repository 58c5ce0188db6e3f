"""What sentences name: quantities that print themselves, whatever was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp
from markupsafe import escape
from prose import text_of

from bench.pages.measured import MeasuredCase
from bench.pages.words import Words
from bench.spec import BASELINE

if TYPE_CHECKING:
    from bench.results.published import Export

FAILED = {"failures": {(None, "arena_off"): "进程因信号 SIGSEGV 结束"}}
NO_DEFAULT = {"failures": {(None, BASELINE): "太慢"}}


def _case(case: str = "arena_off", export: Export | None = None, **world: Any) -> MeasuredCase:
    export = export or MadeUp(experiment="arena", **world).export()
    return MeasuredCase(Words(export), case, export.groups[0])


def _kept(**world: Any) -> dict[Any, float]:
    return {(None, case, "kept_mib"): mib for case, mib in world.items()}


@pytest.mark.parametrize(
    ("metric", "world", "shown"),
    [
        ("latency_ms", {}, "10 ms"),
        ("threads", {}, "2"),
        ("kept_mib", {"memory": 0.5}, "800 MiB"),
        ("kept_mib", {"values": _kept(arena_off=20000)}, "19.5 GiB"),
        ("latency_ms", FAILED, "没有测成"),
        ("threads", FAILED, "没有测成"),
        ("kept_mib", FAILED, "没有测成"),
        ("kept_mib", {"absent": ("kept_mib",)}, "本机读不到"),
        ("trace_kib_per_run", {}, "本机读不到"),
        ("latency_ms", {"noisy": (0,)}, "10 ms※"),
        ("kept_mib", {"noisy": (0,)}, "1600 MiB"),
    ],
)
def test_quantity_prints_itself_or_why_there_is_none(metric: str, world: dict[str, Any], shown: str) -> None:
    assert text_of(escape(_case(**world)[metric])).replace("\u202f", " ") == shown


@pytest.mark.parametrize(
    ("metric", "world", "shown"),
    [
        ("ratio", {"time": 1.5}, "耗时多 50%（49%–51%）"),
        ("kept_mib", {"memory": 0.5}, "比默认少 50%（800 MiB 对 1600 MiB）"),
        ("kept_mib", NO_DEFAULT, "没有默认的数字可比"),
        ("ratio", NO_DEFAULT, "没有默认的数字可比"),
        ("ratio", FAILED, "没有测成（进程因信号 SIGSEGV 结束）"),
        ("session_ms", {}, "12 ms（默认 12 ms）"),
        ("session_ms", NO_DEFAULT, "12 ms"),
        ("session_ms", FAILED, "没有测成"),
    ],
)
def test_quantity_is_told_beside_the_default(metric: str, world: dict[str, Any], shown: str) -> None:
    assert text_of(_case(**world)[metric].change).replace("\u202f", " ") == shown


def test_brief_figures_have_three_digits_at_most() -> None:
    shown = {
        value: _case(values={(0, "arena_off", "minor_faults"): value})
        for value in (0.0, 0.01234, 12.345, 1234.5)
    }
    assert [case["minor_faults"].brief for case in shown.values()] == ["0", "0.01", "12.3", "1234"]
    assert _case()["trace_kib_per_run"].brief == "本机读不到"


def test_quantity_over_the_defaults() -> None:
    assert _case(values={(0, "arena_off", "cpu_s"): 0.03})["cpu_s"].times_default == pytest.approx(1.5)
    assert _case(**NO_DEFAULT)["cpu_s"].times_default is None


def test_memory_beside_another_case_is_not_judged_by_medians_alone() -> None:
    values = _kept(default=800, arena_off=73, pattern_off=181)
    export = MadeUp(experiment="arena", values=values).export()
    rows = [
        row.model_copy(update={"low": 65.0, "high": 190.0}) if row.case == "pattern_off" else row
        for row in export.rows
    ]
    wide = export.model_copy(update={"rows": rows})

    def beside(one: Export, case: str, than: str) -> str | None:
        return _case(case, one)["kept_mib"].beside(_case(than, one)["kept_mib"])

    assert beside(export, "pattern_off", "arena_off") == "more"
    assert beside(wide, "pattern_off", "arena_off") == "unclear"
    assert beside(export, "arena_off", BASELINE) is None  # the default has no verdict

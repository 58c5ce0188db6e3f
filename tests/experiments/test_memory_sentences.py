"""What the pages say of turning off more than the arena: computed, in whichever direction it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import faults, text_of
from worlds import answers

if TYPE_CHECKING:
    from collections.abc import Mapping

ALONE = {"kept_mib": 300.0, "peak_mib": 500.0}
BOTH = "arena 关了，再关内存模式，"


def _values(**cases: Mapping[str, float]) -> dict[Any, float]:
    return {(0, case, metric): mib for case, found in cases.items() for metric, mib in found.items()}


def _told(values: Mapping[Any, float], **more: Any) -> str:
    made_up = MadeUp(experiment="memory_pattern", groups=(0,), values=values, **more)
    sentences = list(made_up.spec.conclude(made_up.words()))
    assert not [fault for one in sentences for fault in faults(one)]
    return text_of("".join(sentences)).replace("\u202f", " ")


@pytest.mark.parametrize(
    ("kept", "peak", "advice"),
    [
        (600, 500, "arena 关了，就不要再关内存模式，占得反而多"),
        (300, 600, "arena 关了，就不要再关内存模式，占得反而多"),
        (100, 500, f"{BOTH}还能少占"),
        (310, 510, f"{BOTH}内存没有差别"),
        (100, 600, f"{BOTH}峰值和留存一升一降"),
    ],
)
def test_pattern_off_beside_arena_off_is_judged_against_arena_off_alone(
    kept: float, peak: float, advice: str
) -> None:
    told = _told(_values(arena_off=ALONE, arena_pattern_off={"kept_mib": kept, "peak_mib": peak}))
    figures = f"与只关 arena 比，峰值 {peak} MiB 对 500 MiB，留存 {kept} MiB 对 300 MiB"
    assert f"{advice}（{figures}）" in told


def test_all_three_off_are_judged_as_well() -> None:
    told = _told(_values(arena_off=ALONE, arena_pattern_reuse_off={"kept_mib": 600, "peak_mib": 500}))
    assert "就不要再关内存模式和内存复用，占得反而多" in told


@pytest.mark.parametrize(
    ("kept", "peak", "saved"),
    [
        (1200, 900, "关 arena 连峰值也更低"),
        (1200, 820, "关 arena 没有降低峰值，多省的只是两次推理之间的占用"),
        (1200, 700, "关 arena 没有降低峰值，多省的只是两次推理之间的占用"),
        (100, 800, "关 arena 没有多省，只关内存模式就够了"),
        (50, 800, "关 arena 没有多省，只关内存模式就够了"),
    ],
)
def test_arena_off_is_held_against_pattern_off(kept: float, peak: float, saved: str) -> None:
    """Arena off keeps 100 MiB and needs 800 in every case."""
    pattern = {"kept_mib": kept, "peak_mib": peak}
    values = _values(arena_off={"kept_mib": 100.0, "peak_mib": 800.0}, pattern_off=pattern)
    now = answers(MadeUp(experiment="arena", groups=(0,), values=values))["kept_5618_5"].now
    assert not faults(now)
    assert saved in now
    assert f"{peak} MiB" in now.replace("\u202f", " ")


def test_settings_that_were_not_seen_to_take_effect_are_held_against_nothing() -> None:
    pattern = {"kept_mib": 1200.0, "peak_mib": 700.0}
    values = _values(arena_off={"kept_mib": 100.0, "peak_mib": 800.0}, pattern_off=pattern)
    unseen = {(None, "pattern_off"): "unseen"}
    told = MadeUp(experiment="arena", groups=(0,), values=values, outcomes=unseen)
    assert "与只关内存模式比" not in answers(told)["kept_5618_5"].now


@pytest.mark.parametrize("world", [{"profile": "quick", "rounds": 3}, {"busy": True}, {"absent": NO_PROC}])
def test_nothing_is_advised_where_memory_is_not_judged(world: dict[str, Any]) -> None:
    assert "arena 关了" not in _told(_values(arena_off=ALONE), **world)

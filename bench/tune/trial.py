"""The default, twice, before anything is planned: how long it takes, what it needs, whether it can be tuned at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.measure import trace
from bench.measure.machine import free_memory
from bench.measure.observer import runs_of
from bench.measure.plan import MEMORY_SHARE
from bench.models import MODELS
from bench.spec import BASELINE
from bench.tune import stages
from bench.tune.own import TOLERANCE, CannotTune

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.measure.child import Outcome
    from bench.measure.task import Task
    from bench.results.process import Figures
    from bench.tune.stages import Called

LEAST_SAMPLES = 11 * 3 + 5 * 7
"""Three rounds of every setting, and seven of three combinations, the default and the default again."""
CALLS_A_BUDGET = 70
"""A call may be so many times shorter than the budget."""
BRIEF: Mapping[str, Any] = {"min_calls": 1, "min_seconds": 0.0, "warm_up": 0, "gap_seconds": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What two processes with the default showed."""

    how: Called
    operators: frozenset[str]
    """Types of the nodes that really ran."""


def try_default(task: Task, *, gap_ms: int, callers: int, budget_s: float, compare: bool) -> Trial:
    """Raises CannotTune where the default fails, is too slow or too large, or does not give the same twice."""
    (group,) = task.planned.groups
    default, reference = task.planned.case(BASELINE), task.reference(group)
    feeds = list(range(len(group.input.shapes)))
    task.trace_path.unlink(missing_ok=True)
    watched = task.start(
        group,
        default,
        {**BRIEF, "observe": True, "verbose": True, "verify": feeds, "write_reference": str(reference)},
    )
    operators = frozenset(trace.operators(runs_of(task.trace_path)))
    _refuse_failure(watched)
    plain = task.start(group, default, {**BRIEF, "verify": feeds, "reference": str(reference)})
    _refuse_failure(plain)
    assert plain.figures
    call_s = plain.figures.steady.run_ns / plain.figures.steady.calls / 1e9 * len(feeds)
    how = stages.called(call_s, plain.wall_s, gap_ms=gap_ms, callers=callers)
    _refuse_outputs(plain.figures, compare=compare)
    _refuse_size(plain.figures, MODELS[stages.MODEL].shapes(group.input.shapes[0]))
    _refuse_length(call_s, how, budget_s)
    reference.unlink()
    return Trial(how=how, operators=operators)


def _refuse_failure(outcome: Outcome) -> None:
    if outcome.failure and outcome.failure.kind == "not_finite":
        raise CannotTune(
            "默认设置的输出里有 NaN 或无穷大，没法核对别的设置算得对不对：换一份输入（--inputs 或 --range）"
        )
    if outcome.failure:
        raise CannotTune(f"默认设置就跑不起来：{outcome.failure.reason}")


def _refuse_outputs(figures: Figures, *, compare: bool) -> None:
    if compare and figures.outputs.difference > TOLERANCE:
        raise CannotTune(
            f"同样的输入跑两次，输出相差 {figures.outputs.difference:.2g}（相对）：模型里多半有随机算子。"
            "不核对输出也要测，就加 --no-compare"
        )


def _refuse_size(figures: Figures, feed: Mapping[str, tuple[int, ...]]) -> None:
    """A setting may need more than the default; and what must be swapped is not measured but waited for."""
    free, peak = free_memory(), figures.peak_bytes
    if peak is None or peak <= MEMORY_SHARE * free:
        return
    batch = max((shape[0] for shape in feed.values() if shape), default=1)
    fits = int(batch * MEMORY_SHARE * free / peak)
    smaller = f"，--batch {fits} 大约放得下" if 0 < fits < batch else ""
    raise CannotTune(
        f"默认设置最多占 {peak >> 20} MiB，超过空闲内存（{free >> 20} MiB）的六成，别的设置可能更多{smaller}"
    )


def _refuse_length(call_s: float, how: Called, budget_s: float) -> None:
    least_s = LEAST_SAMPLES * how.seconds
    if call_s * CALLS_A_BUDGET > budget_s or least_s > budget_s:
        needed = max(least_s, call_s * CALLS_A_BUDGET)
        raise CannotTune(
            f"一次推理要 {call_s:.2g} 秒，一个样本约 {how.seconds:.2g} 秒，至少要 {math.ceil(needed / 60)} 分钟："
            f"请写 --budget {math.ceil(needed / 60)}m 或更多"
        )

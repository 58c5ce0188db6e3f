"""Tuning results that were never measured: what was tried, what was confirmed, and what is advised."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samples import MIB, Make

from bench.results.summary import summarise
from bench.results.tuned import Advice, Arm, Conditions, Finalist, InputFacts, ModelFacts, Tuned
from bench.spec import BASELINE, CONTROL, Case, Load, Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.results.published import Export
    from bench.results.tuned import Goal, State

DEFAULTS = (Case(id=BASELINE, title="默认"), Case(id=CONTROL, title="默认（再测一次）"))
SHRINK = {"memory.enable_memory_arena_shrinkage": "cpu:0"}
USABLE = Case(id="usable", title="2 线程（不绑核）", settings={"intra_op_num_threads": 2})
OFF = Case(id="arena_off", title="关 arena", settings={"enable_cpu_mem_arena": False})
HUGE = replace(
    OFF, id="arena_off_hugetlb", title="关 arena，glibc 用大页", place=Place(env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})
)  # fmt: skip
TRIED = (
    (USABLE, "threads"),
    (Case(id="single", title="1 线程", settings={"intra_op_num_threads": 1}), "threads"),
    (Case(id="pattern_off_shrink", title="关 enable_mem_pattern，每次归还", settings={"enable_mem_pattern": False}, run_settings=SHRINK), "memory"),
    (OFF, "memory"),
    (HUGE, "memory"),
    (Case(id="no_spinning", title="从不空转", settings={"session.intra_op.allow_spinning": "0"}), "spinning"),
    (Case(id="extended", title="EXTENDED", settings={"graph_optimization_level": "ORT_ENABLE_EXTENDED"}), "graph"),
    (Case(id="zeroed", title="非规格化数当作 0", settings={"session.set_denormal_as_zero": "1"}), "denormals"),
)  # fmt: skip
"""Settings that are tried, with their families."""
LEFT: Mapping[str, tuple[str, str, str]] = {
    "single": ("beaten", BASELINE, ""),
    "arena_off": ("beaten", "pattern_off_shrink", ""),
    "arena_off_hugetlb": ("failed", "", "进程因信号 SIGSEGV 结束"),
    "extended": ("nothing", "", ""),
    "zeroed": ("unseen", "", ""),
}
"""How it went with them, and by which or why; the others stayed."""
FAST = Case(
    id="for_latency", title=USABLE.title, settings={**USABLE.settings, "session.set_denormal_as_zero": "1"}
)
LEAN = Case(
    id="for_peak",
    title="2 线程（不绑核），关 enable_mem_pattern，每次归还",
    settings={**USABLE.settings, "enable_mem_pattern": False},
    run_settings=SHRINK,
)
KEPT = replace(HUGE, id="for_kept")


def figures(ms: float, peak: int = 220, kept: int = 200, **changes: Any) -> dict[str, Any]:
    """Of a process; MiB."""
    return {"latency_ns": int(ms * 1e6), "peak_bytes": peak * MIB, "kept_bytes": kept * MIB} | changes


@dataclass(frozen=True, kw_only=True)
class MadeUpTuned:
    """A result; a test names only what it is about. `combined`: case, needs, arms, state, figures (of all rounds, or
    made of a round's number) or a failure.
    """

    combined: Sequence[tuple[Case, Sequence[Goal], Sequence[str], State, Any]] = (
        (FAST, ("latency", "cpu"), ("usable",), "proved", figures(7)),
        (LEAN, ("peak", "kept"), ("usable", "pattern_off_shrink"), "proved", figures(10.1, 120, 80)),
    )
    advised: Mapping[Goal, str] = field(
        default_factory=lambda: {"latency": "for_latency", "peak": "for_peak", "kept": "for_peak", "cpu": "for_latency"}
    )  # fmt: skip
    left: Mapping[str, tuple[str, str, str]] = field(default_factory=lambda: LEFT)
    within_limits: bool = True
    limits: Mapping[Goal, float] = field(default_factory=dict)
    noisy: bool = False
    name: str = "模型.onnx"
    inputs: Sequence[str] = ("images",)
    label: str = "1x3x48x320"
    denormals: int = 0
    gap_ms: int = 0
    callers: int = 1
    quota: float | None = None
    rounds: int = 7
    calls: int = 10  # of each process of the default and the combinations
    absent: bool = False  # no memory: this system does not tell it

    def tuned(self) -> Tuned:
        make = Make()
        tried = [*DEFAULTS[:1], *(case for case, _ in TRIED)]
        screened = [
            case for case in tried if self.left.get(case.id, ("",))[0] not in ("nothing", "unseen", "failed")
        ]
        slower = {"single": figures(15), "arena_off": figures(13, 160, 60)}
        screen = [[(case.id, slower.get(case.id, figures(10))) for case in screened]] * 3
        calls = {"calls": self.calls}
        confirm = [
            [(BASELINE, figures(10 + n / 100, **calls)), (CONTROL, figures((13 if self.noisy else 10) - n / 100))]
            + [(case.id, self._told(told, n)) for case, *_, told in self.combined]
            for n in range(self.rounds)
        ]  # fmt: skip
        arms = [
            Arm(case=case.id, family=family, left=left, rounds=0 if case not in screened else 3, by=by, reason=reason)
            for case, family in TRIED
            for left, by, reason in [self.left.get(case.id, ("stayed", "", ""))]
        ]  # fmt: skip
        return Tuned(
            build="20260102-030405-abcd",
            key="0123456789abcdef",
            started_at="2026-01-02T03:04:05+00:00",
            finished_at="2026-01-02T03:10:00+00:00",
            measured_s=355.0,
            model=ModelFacts(name=self.name, sha256="0" * 64, bytes=10 << 20, parameters=1000, denormals=self.denormals),
            inputs=[InputFacts(name=one, dtype="float32", shapes=[[1, 3, 48, 320]], made="标准正态，种子 26992") for one in self.inputs],
            conditions=Conditions(
                goal="all", budget_s=600, gap_ms=self.gap_ms, callers=self.callers, cores=2, quota=self.quota,
                limits=dict(self.limits), seed=26992,
            ),
            noisy=self.noisy,
            arms=arms,
            finalists=[Finalist(case=case.id, goals=list(goals), arms=list(chosen), state=state) for case, goals, chosen, state, _ in self.combined],
            advice=[Advice(goal=goal, case=case, within_limits=self.within_limits) for goal, case in self.advised.items()],
            checks=self._export(make, "checks", tried, [[(case.id, {}) for case in tried]]),
            screening=self._export(make, "screening", screened, screen),
            confirmation=self._export(make, "confirmation", [*DEFAULTS, *(case for case, *_ in self.combined)], confirm) if self.combined else None,
        )  # fmt: skip

    def _told(self, told: Any, number: int) -> Any:
        """Of a round."""
        found = told(number) if callable(told) else told
        return found | {"calls": self.calls} if isinstance(found, dict) else found

    def _export(self, make: Make, stage: str, cases: Sequence[Case], rounds: Sequence[Any]) -> Export:
        name = f"tune_{stage}"
        load = Load(gap_ms=self.gap_ms, callers=self.callers)
        gone = {"peak_bytes": None, "kept_bytes": None} if self.absent else {}
        told = [
            [(case, one if not isinstance(one, dict) else one | gone) for case, one in samples] for samples in rounds
        ]  # fmt: skip
        group = make.group_record(
            model="own", model_title=self.name, input=self.label, denormals=self.denormals,
            parameters=1000, cases=[case.id for case in cases], shapes=[{"x": [1]}], flops=None,
        ).model_copy(update={"load": load})  # fmt: skip
        outcomes = {case: left for case, (left, *_) in self.left.items() if left in ("nothing", "unseen")}
        journal = make.journal(
            told, experiment=name, profile="tune", cases=cases, groups=[group], outcomes=outcomes,
            path=Path(f"{name}/20260102-030405-abcd.jsonl"),
        )  # fmt: skip
        columns = ("p95_ms", "p95_ratio")
        return summarise(make.experiment(name, cases, columns=columns), journal)

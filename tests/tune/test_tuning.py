"""From a model to a result, with children that do not exist; resumed, refused, restless."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from samples import MACHINE, Make

from bench.measure import observer, runner
from bench.measure.campaign import Here
from bench.measure.child import Outcome
from bench.measure.machine import MachineFacts
from bench.models import MODELS
from bench.results import downloads
from bench.results.records import Failure
from bench.results.tuned import InputFacts, ModelFacts, Tuned
from bench.spec import BASELINE, CONTROL
from bench.system.terminal import Stopped
from bench.tune import beginning, stages, trial, tuning
from bench.tune.own import CannotTune, Own, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

make = Make()
MIB = 1 << 20
WALL_S = 1.0
USUAL: Mapping[str, float] = {"ratio": 1.0, "peak": 420, "kept": 400, "cpu": 1.0}
WORLD: Mapping[str, Mapping[str, float]] = {
    "enable_mem_pattern": {"peak": 300, "kept": 290},
    "enable_cpu_mem_arena": {"ratio": 1.4, "peak": 230, "kept": 210},
    "session.force_spinning_stop": {"ratio": 1.3},
    "session.intra_op.allow_spinning": {"ratio": 1.3},
    "intra_op_num_threads": {"ratio": 1.9, "cpu": 0.6},
    "session.intra_op_thread_affinities": {"ratio": 1.0, "cpu": 1.0},
    "graph_optimization_level": {"ratio": 0.7},
}
"""What a key makes of a process; later ones have the last word."""


@dataclass(slots=True)
class World:
    """Answers in the place of processes."""

    keys: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: dict(WORLD))
    changes: dict[str, Any] = field(default_factory=dict)
    """Of the figures of every process."""
    failing: str = ""
    """Processes with this key crash."""
    before: Callable[[Mapping[str, Any]], None] = lambda _: None
    started: list[Mapping[str, Any]] = field(default_factory=list)

    def __call__(
        self,
        job: Mapping[str, Any],
        env: Mapping[str, str],
        timeout_s: float,  # noqa: ARG002
        *,
        python: str,
    ) -> Outcome:
        assert python == "some-python"
        self.before(job)
        self.started.append(job)
        if job["write_reference"]:
            Path(job["write_reference"]).touch()
        if self.failing and self.failing in {*job["settings"], *env}:
            return Outcome(WALL_S, "", failure=make.failure())
        told = dict(USUAL)
        for key in self.keys:
            told |= self.keys[key] if key in {*job["settings"], *job["run_settings"]} else {}
        figures = {"latency_ns": round(told["ratio"] * 1e7), "cores": told["cpu"] / told["ratio"]}
        figures |= {"peak_bytes": int(told["peak"]) * MIB, "kept_bytes": int(told["kept"]) * MIB}
        figures |= {"kept_trimmed_bytes": int(told["kept"]) * MIB}
        return Outcome(WALL_S, "", figures=make.figures(**figures | self.changes))


class Quiet:
    """Keeps what was told."""

    def __init__(self) -> None:
        self.steps, self.notes = list[str](), list[str]()

    def step(self, text: str, remaining_s: float) -> None:
        assert remaining_s >= 0
        self.steps.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass(slots=True)
class Desk:
    """A model to tune, and the world that answers."""

    folder: Path
    world: World
    wanted: Wanted
    told: Quiet = field(default_factory=Quiet)
    outcomes: dict[str, str] = field(default_factory=dict)
    """Case -> what is seen of it; all others take effect."""

    @property
    def own(self) -> Own:
        """As read anew: its arrays lie in a scratch folder."""
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        (scratch / "0.npy").write_bytes(b"array")
        facts = ModelFacts(name="net.onnx", sha256="0" * 64, bytes=5, parameters=10, denormals=0)
        fed = InputFacts(name="x", dtype="float32", shapes=[[1, 3]], made="标准正态")
        path = self.folder / "net.onnx"
        path.write_bytes(b"model")
        return Own(
            path=path, facts=facts, inputs=(fed,), shapes=({"x": (1, 3)},), files=({"x": scratch / "0.npy"},),
            optimised=False,
        )  # fmt: skip

    def begin(self, *, fresh: bool = False) -> tuning.Tuning:
        here = Here(machine=MachineFacts(**MACHINE), software={"onnxruntime": "1.31.1", "python": "3.11"})
        root = self.folder / "tuned"
        return beginning.begin(
            self.wanted, self.own, here, root, "some-python", fresh=fresh, reporter=self.told
        )

    def tune(self) -> Tuned:
        return self.begin().run()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    wanted = Wanted(
        model=tmp_path / "net.onnx", dims={}, batch=None, ranges={}, inputs=(), goal="all", budget_s=600, gap_ms=0,
        callers=1, cores=None, quota=None, limits={}, ort=None, compare=True,
    )  # fmt: skip
    made = Desk(tmp_path, World(), wanted)

    def judge(case: Any, *_: Any) -> tuple[str | None, str]:
        return (None, "") if case.id in (BASELINE, CONTROL) else (made.outcomes.get(case.id, "effect"), "见")

    monkeypatch.setattr(stages, "run_worker", made.world)
    monkeypatch.setattr(tuning, "changed", lambda _: False)
    monkeypatch.setattr(observer.proof, "judge", judge)
    monkeypatch.setattr(runner, "ask", lambda _: iter(()))
    yield made
    MODELS.pop(stages.MODEL, None)


def _advised(found: Tuned) -> dict[str, str]:
    return {one.goal: one.case for one in found.advice}


def test_the_best_of_each_family_is_combined_and_proved(desk: Desk) -> None:
    found = desk.tune()
    assert _advised(found) == {"latency": "for_latency", "peak": "for_peak", "kept": "for_peak"}
    assert [(one.case, one.goals, one.state) for one in found.finalists] == [
        ("for_latency", ["latency"], "proved"), ("for_peak", ["peak", "kept"], "proved"),
    ]  # fmt: skip
    assert found.confirmation
    cases = {case.id: case.settings for case in found.confirmation.cases}
    assert cases["for_latency"] == {"graph_optimization_level": "ORT_ENABLE_EXTENDED"}
    assert cases["for_peak"] == {**cases["for_latency"], "enable_mem_pattern": False}
    left = {one.case: (one.left, one.rounds) for one in found.arms}
    assert left["extended"] == ("stayed", 6)
    assert left["single"] == ("beaten", 3)
    assert {one.by for one in found.arms if one.left == "beaten"} <= {BASELINE, *left}
    assert found.confirmation.groups[0].all_rounds == 7
    assert not found.noisy
    written = found.model_dump_json()
    assert Tuned.model_validate_json(written).model_dump_json() == written
    jsonschema.validate(json.loads(written), json.loads(downloads.tuned_schema()))


def test_arrays_stay_with_the_result_and_steps_name_the_stage(desk: Desk) -> None:
    work = desk.begin()
    assert work.folder.name == f"net-{work.begun.build}"
    assert (work.folder / "inputs/0.npy").read_bytes() == b"array"
    work.run()
    assert [path for job in desk.world.started[-3:] for one in job["inputs"] for path in one.values()] == [
        str(work.folder / "inputs/0.npy")
    ] * 3
    assert {step.partition("：")[0] for step in desk.told.steps} == {
        "试跑默认设置",
        "看设置是否生效",
        "筛选",
        "确认",
    }
    assert not any("tune_" in said for said in (*desk.told.steps, *desk.told.notes))


def test_where_nothing_is_better_the_default_is(desk: Desk) -> None:
    desk.world.keys = {key: {"ratio": 1.2} for key in WORLD}
    found = desk.tune()
    assert (set(_advised(found).values()), found.finalists, found.confirmation) == ({BASELINE}, [], None)


def test_what_was_luck_in_screening_is_not_advised(desk: Desk) -> None:
    """Faster only until it is measured again."""
    lucky = {"graph_optimization_level": {"ratio": 0.9}}
    desk.world.keys = lucky
    confirming = [False]

    def before(job: Mapping[str, Any]) -> None:
        confirming[0] |= any("确认" in step for step in desk.told.steps)
        desk.world.keys = {} if confirming[0] else lucky

    desk.world.before = before
    found = desk.tune()
    assert [(one.case, one.state) for one in found.finalists] == [("for_latency", "dropped")]
    assert _advised(found)["latency"] == BASELINE


def test_settings_that_show_no_effect_or_fail_are_never_timed(desk: Desk) -> None:
    desk.outcomes = {"extended": "nothing", "pattern_off": "unseen"}
    desk.world.failing = "GLIBC_TUNABLES"
    found = desk.tune()
    left = {one.case: (one.left, one.rounds) for one in found.arms}
    assert (left["extended"], left["pattern_off"]) == (("nothing", 0), ("unseen", 0))
    assert left["arena_off_hugetlb"] == ("failed", 0)
    assert next(one.reason for one in found.arms if one.case == "arena_off_hugetlb") == make.failure().reason
    assert {case.id for case in found.screening.cases}.isdisjoint({"extended", "pattern_off"})
    assert _advised(found)["latency"] == BASELINE


def test_a_combination_that_was_not_seen_to_take_effect_is_not_advised(desk: Desk) -> None:
    desk.outcomes = {"for_latency": "unseen"}
    found = desk.tune()
    assert (found.finalists[0].state, _advised(found)["latency"]) == ("unproven", "for_peak")


@pytest.mark.parametrize(
    ("limit", "case", "kept"), [(500, "for_latency", True), (350, "for_peak", True), (100, BASELINE, False)]
)
def test_limits_decide_before_speed(desk: Desk, limit: float, case: str, kept: bool) -> None:  # noqa: FBT001
    desk.wanted = replace(desk.wanted, limits={"peak": limit})
    (first, *_) = desk.tune().advice
    assert (first.goal, first.case, first.within_limits) == ("latency", case, kept)


def test_an_interrupted_tuning_is_gone_on_with_and_another_question_is_not(desk: Desk) -> None:
    def stop(job: Mapping[str, Any]) -> None:
        if sum(one["min_seconds"] > 0 for one in desk.world.started) == 20:
            raise Stopped(2)

    desk.world.before = stop
    with pytest.raises(Stopped):
        desk.tune()
    before = len(desk.world.started)
    desk.world.before = lambda _: None
    again = desk.begin()
    found = again.run()
    assert f"接着做中断的 {again.folder.name}" in desk.told.notes
    assert _advised(found)["latency"] == "for_latency"
    whole = len(desk.world.started)
    assert desk.begin(fresh=True).folder != again.folder
    other = Desk(desk.folder, desk.world, replace(desk.wanted, goal="latency"), desk.told, desk.outcomes)
    assert other.begin().folder != again.folder
    assert whole > before


def test_a_restless_machine_gives_no_advice(desk: Desk) -> None:
    def before(job: Mapping[str, Any]) -> None:
        """Every second process takes half as long again."""
        slow = len(desk.world.started) % 2 and any("确认" in step for step in desk.told.steps)
        desk.world.changes = {"latency_ns": 15_000_000} if slow else {}

    desk.world.before = before
    found = desk.tune()
    assert (found.noisy, set(_advised(found).values())) == (True, {BASELINE})


def test_what_a_busy_machine_hid_in_screening_is_not_taken_for_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was left to confirm, but others were busy in every round."""
    desk.world.keys = {key: {"ratio": 1.2} for key in WORLD}
    monkeypatch.setattr(runner.noise, "between", lambda *_: make.end(dirty=True).noise)
    found = desk.tune()
    assert (found.confirmation, found.noisy, set(_advised(found).values())) == (None, True, {BASELINE})


def test_a_file_that_changes_meanwhile_gives_no_result(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "changed", lambda _: True)
    with pytest.raises(CannotTune, match=r"net\.onnx 在测量中变了"):
        desk.tune()


@pytest.mark.parametrize(
    ("said", "changes", "free", "budget"),
    [
        ("默认设置就跑不起来：进程因信号", make.failure(), 1000, 600),
        ("输出里有 NaN 或无穷大", make.failure("not_finite"), 1000, 600),
        (
            "同样的输入跑两次，输出相差 0.5",
            {"outputs_difference": 0.5, "outputs_identical": False},
            1000,
            600,
        ),
        ("最多占 420 MiB，超过空闲内存（699 MiB）的六成，别的设置可能更多", {}, 699, 600),
        ("一次推理要 0.01 秒，一个样本约 1.3 秒，至少要 2 分钟：请写 --budget 2m", {}, 1000, 30),
        ("一个样本约 41 秒，至少要 47 分钟：请写 --budget 47m", {"latency_ns": 10_000_000_000}, 1000, 600),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_any_plan(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, said: str, changes: Any, free: int, budget: float
) -> None:
    monkeypatch.setattr(trial, "free_memory", lambda: free * MIB)
    if isinstance(changes, Failure):
        failed = Outcome(WALL_S, "", failure=changes)
        monkeypatch.setattr(stages, "run_worker", lambda *_, **__: failed)
    else:
        desk.world.changes = changes
    desk.wanted = replace(desk.wanted, budget_s=budget)
    with pytest.raises(CannotTune, match=said.replace("（", "[（]").replace("）", "[）]")):
        desk.begin()
    assert not [*(desk.folder / "tuned").glob("*")]


def test_other_outputs_are_no_matter_where_nobody_wants_them_compared(desk: Desk) -> None:
    desk.world.changes = {"outputs_difference": 0.5, "outputs_identical": False}
    desk.wanted = replace(desk.wanted, compare=False)
    assert desk.tune().advice

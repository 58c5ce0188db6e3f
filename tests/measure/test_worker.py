"""The worker for real, on the smallest model."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from jobs import job_of

from bench.experiments import EXPERIMENTS
from bench.measure import evidence, records, trace
from bench.measure.child import WORKER, Outcome, run_script, run_worker
from bench.measure.plan import resolve
from bench.measure.sampler import Task
from bench.measure.trace import read_runs
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.results import store
from bench.spec import BASELINE, Case, Input, Proof

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conftest import Make

    from bench.models.prepared import Prepared
    from bench.results.schema import Figures
    from bench.spec import Scalar

    Job = Callable[..., dict[str, Any]]

TIMEOUT_S = 60.0
PAGE_ROUNDING = 1 << 20
"""Per-CPU counters let VmRSS lag VmHWM by some pages."""
ONE = Input(label="batch=16", shapes=((16, 256),))
LARGE = Input(label="batch=2048", shapes=((2048, 256),))
MANY = Input(label="3 shapes", shapes=((4, 256), (16, 256), (9, 256)))
affinity = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system does not limit a process to some cores"
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(MODELS["tiny"], (ONE, LARGE, MANY), tmp_path_factory.mktemp("models"))


@pytest.fixture
def job(tiny: Prepared) -> Job:
    def make_job(entry: Input = ONE, **changes: Any) -> dict[str, Any]:
        return job_of(MODELS["tiny"], tiny, entry, **changes)

    return make_job


def _figures(job: dict[str, Any], env: dict[str, str] | None = None) -> Figures:
    outcome = run_worker(job, env or {}, TIMEOUT_S)
    assert outcome.failure is None
    assert outcome.figures is not None
    return outcome.figures


def _failure(outcome: Outcome) -> tuple[str, str]:
    assert outcome.failure is not None
    return outcome.failure.kind, outcome.failure.reason


def test_times_are_in_their_order(job: Job) -> None:
    figures = _figures(job())
    assert figures.fastest_ns <= figures.latency_ns <= figures.slowest_ns
    assert figures.calls >= 3
    assert figures.loop_ns >= 0.02 * 1e9
    assert figures.fastest_ns * figures.calls <= figures.loop_ns
    assert figures.worker_ns > figures.session_ns + figures.loop_ns


def test_few_runs_are_counted_and_watched_one_by_one(job: Job) -> None:
    figures = _figures(job(min_seconds=0, min_calls=3, warm_up=4))
    assert figures.calls == 3
    assert len(figures.rss_bytes) == 2 + 4 + 1  # first, second, warm-up, end


def test_memory_marks_are_in_their_order(job: Job) -> None:
    figures = _figures(job())
    marks = (figures.base_bytes, figures.after_first_bytes, figures.kept_bytes, figures.peak_bytes)
    if None in marks or figures.kept_trimmed_bytes is None:
        pytest.skip("this system keeps no marks of memory")
    base, after_first, kept, peak = (mark or 0 for mark in marks)
    assert 10 << 20 < base <= peak + PAGE_ROUNDING
    assert after_first <= peak + PAGE_ROUNDING
    assert kept <= peak + PAGE_ROUNDING
    assert figures.kept_trimmed_bytes <= kept + PAGE_ROUNDING
    assert figures.rss_bytes[-1] == pytest.approx(kept, abs=PAGE_ROUNDING)


def test_peak_is_that_of_the_runs_not_that_of_an_earlier_moment(tmp_path: Path, job: Job) -> None:
    """128 MiB touched and given back before the session exists must not stand in the peak."""
    script = tmp_path / "spender.py"
    script.write_text(
        f"""
import sys
sys.path.insert(0, {str(WORKER.parent)!r})
import worker
spent = bytearray(128 << 20)
spent[::4096] = b"x" * len(spent[::4096])
del spent
worker.main()
"""
    )
    outcome = run_worker(job(), {}, TIMEOUT_S, script)
    assert outcome.figures is not None
    if outcome.figures.peak_bytes is None or outcome.figures.base_bytes is None:
        pytest.skip("this system keeps no marks of memory")
    assert outcome.figures.peak_bytes < outcome.figures.base_bytes + (64 << 20)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_session_with_n_threads_creates_one_less(job: Job, count: int) -> None:
    assert _figures(job(settings={"intra_op_num_threads": count})).threads_created in (count - 1, None)


def test_outputs_are_identical_to_the_reference_of_an_equal_process(job: Job, tmp_path: Path) -> None:
    reference = tmp_path / "reference.npz"
    _figures(job(MANY, write_reference=str(reference)))
    with np.load(reference) as outputs:
        assert {name: output.shape for name, output in outputs.items()} == {"0.0": (4, 64), "2.0": (9, 64)}
    figures = _figures(job(MANY, reference=str(reference)))
    assert (figures.outputs_identical, figures.outputs_difference) == (True, 0)


def test_outputs_that_differ_are_measured_against_the_largest_of_the_reference(
    job: Job, tmp_path: Path
) -> None:
    reference, tampered = tmp_path / "reference.npz", tmp_path / "tampered.npz"
    _figures(job(write_reference=str(reference)))
    with np.load(reference) as outputs:
        output = outputs["0.0"].copy()
    scale = float(np.abs(output).max())
    row, column = np.unravel_index(np.abs(output).argmin(), output.shape)
    output[row, column] += scale / 4
    np.savez(tampered, **{"0.0": output})
    figures = _figures(job(reference=str(tampered)))
    assert not figures.outputs_identical
    assert figures.outputs_difference == pytest.approx(0.25, rel=1e-3)


def test_outputs_that_are_not_finite_are_a_failure(job: Job, tmp_path: Path) -> None:
    bad = tmp_path / "bad.npy"
    np.save(bad, np.full((16, 256), np.nan, np.float32))
    assert _failure(run_worker(job(input=str(bad)), {}, TIMEOUT_S))[0] == "not_finite"


def test_misspelt_attribute_is_unsupported(job: Job) -> None:
    kind, reason = _failure(run_worker(job(settings={"intra_op_num_thread": 1}), {}, TIMEOUT_S))
    assert kind == "unsupported"
    assert "SessionOptions.intra_op_num_thread " in reason


def test_misspelt_config_key_is_accepted_by_ort_without_a_word(job: Job) -> None:
    """This is why every case proves its effect."""
    outcome = run_worker(job(settings={"session.intra_op.allow_spining": "0"}), {}, TIMEOUT_S)
    assert outcome.failure is None
    assert outcome.log == ""


def test_wrong_value_is_a_failure_with_its_reason(job: Job) -> None:
    kind, reason = _failure(run_worker(job(settings={"intra_op_num_threads": "many"}), {}, TIMEOUT_S))
    assert kind == "crashed"
    assert reason


def test_missing_model_is_a_failure_that_names_the_file_but_no_folder(job: Job, tmp_path: Path) -> None:
    kind, reason = _failure(run_worker(job(model=str(tmp_path / "none.onnx")), {}, TIMEOUT_S))
    assert kind == "crashed"
    assert "none.onnx" in reason
    assert str(tmp_path) not in reason


def test_enumerations_are_written_by_name(job: Job) -> None:
    settings = {"graph_optimization_level": "ORT_DISABLE_ALL", "execution_mode": "ORT_PARALLEL"}
    outcome = run_worker(job(settings=settings, observe=True), {}, TIMEOUT_S)
    assert outcome.failure is None
    assert "execution_mode:1" in outcome.log


def test_report_has_stdout_for_itself_however_much_ort_logs(job: Job) -> None:
    status, output, log = run_script(WORKER, {**job(observe=True), "parent_pid": os.getpid()}, {}, TIMEOUT_S)
    assert status == 0
    assert set(json.loads(output)) == {"ok"}
    assert "onnxruntime" in log
    assert [line for line in log.splitlines() if line.startswith("BENCH RUN")] == [
        "BENCH RUN 1",
        "BENCH RUN 2",
        "BENCH RUN 3",
    ]


def test_timed_child_logs_nothing(job: Job) -> None:
    assert run_worker(job(), {}, TIMEOUT_S).log == ""


@pytest.mark.parametrize(
    ("settings", "least", "most"), [({}, 1, 99), ({"enable_cpu_mem_arena": False}, 0, 0)]
)
def test_arena_shows_in_the_log(job: Job, settings: dict[str, Any], least: int, most: int) -> None:
    outcome = run_worker(job(settings=settings, observe=True, min_seconds=0), {}, TIMEOUT_S)
    assert least <= len(evidence.read_arena_log(outcome.log).regions) <= most


def test_shared_arena_extends_by_what_is_needed(job: Job) -> None:
    shared = job(
        settings={"session.use_env_allocators": "1"},
        shared_arena={"arena_extend_strategy": 1},
        observe=True,
        min_seconds=0,
    )
    outcome = run_worker(shared, {}, TIMEOUT_S)
    assert outcome.figures is not None
    facts = evidence.observe(Case(id="shared", title=""), outcome.figures, outcome.log, ())
    assert facts["arena_regions"] > 0
    assert facts["exact_regions_share"] == 1


def test_arena_shrinkage_is_asked_for_in_each_run(job: Job) -> None:
    """ORT never gives back the first region: one that needs a second one shows it."""
    shrinking = job(
        LARGE,
        settings={"enable_mem_pattern": False},
        run_settings={"memory.enable_memory_arena_shrinkage": "cpu:0"},
        observe=True,
        min_seconds=0,
    )
    outcome = run_worker(shrinking, {}, TIMEOUT_S)
    assert outcome.failure is None
    assert (
        evidence.read_arena_log(outcome.log).shrinks == 1 + 1 + 2 + 3 + 1
    )  # first, second, warm-up, timed, compared


def test_changing_shapes_count_calls_and_give_latency_per_call(job: Job) -> None:
    figures = _figures(job(MANY, min_seconds=0, min_calls=6, warm_up=0))
    assert figures.calls == 6
    assert len(figures.rss_bytes) == 2 * 3 + 1
    assert figures.loop_ns >= 6 * figures.fastest_ns


def test_idle_second_shows_what_spinning_threads_burn(job: Job) -> None:
    calm = job(settings={"session.intra_op.allow_spinning": "0", "intra_op_num_threads": 2}, idle_seconds=0.2)
    burned = _figures(calm).idle_cpu_ns
    assert burned is not None
    assert burned < 0.2 * 1e9
    assert _figures(job()).idle_cpu_ns is None


def test_environment_of_the_case_reaches_the_process(tmp_path: Path, job: Job) -> None:
    script = tmp_path / "teller.py"
    script.write_text(
        f"""
import os, sys
sys.path.insert(0, {str(WORKER.parent)!r})
print(os.environ["GLIBC_TUNABLES"], file=sys.stderr)
import worker
worker.main()
"""
    )
    outcome = run_worker(job(), {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}, TIMEOUT_S, script)
    assert outcome.failure is None
    assert "glibc.malloc.hugetlb=1" in outcome.log


def _telling_affinity(tmp_path: Path) -> Path:
    """The worker, but before its first call it tells which cores it may run on."""
    script = tmp_path / "teller.py"
    script.write_text(
        f"""
import os, sys
sys.path.insert(0, {str(WORKER.parent)!r})
import worker
run = worker.one_run
def one_run(*arguments):
    print("CORES", *sorted(os.sched_getaffinity(0)), file=sys.stderr)
    worker.one_run = run
    return run(*arguments)
worker.one_run = one_run
worker.main()
"""
    )
    return script


@affinity
@pytest.mark.parametrize("count", [None, 1, 2])
def test_process_keeps_to_the_first_cores(tmp_path: Path, job: Job, count: int | None) -> None:
    usable = sorted(os.sched_getaffinity(0))
    outcome = run_worker(job(cpus=count), {}, TIMEOUT_S, _telling_affinity(tmp_path))
    assert outcome.failure is None
    mine = usable[:count]
    assert outcome.log.splitlines() == [f"CORES {' '.join(map(str, mine))}"]
    assert sorted(os.sched_getaffinity(0)) == usable


@pytest.mark.parametrize(
    ("entry", "warm_up", "calls"), [(ONE, 0, 2 + 3), (ONE, 4, 2 + 4 + 3), (MANY, 1, 3 * (2 + 1 + 1))]
)
def test_all_calls_of_the_session_are_counted(job: Job, entry: Input, warm_up: int, calls: int) -> None:
    figures = _figures(job(entry, warm_up=warm_up, min_seconds=0, min_calls=3))
    assert (figures.calls, figures.session_calls) == (3, calls)


def test_memory_before_the_timed_loop_lies_between_its_neighbours(job: Job) -> None:
    figures = _figures(job(LARGE))
    marks = (figures.base_bytes, figures.before_steady_bytes, figures.kept_bytes, figures.peak_bytes)
    if None in marks:
        pytest.skip("this system keeps no marks of memory")
    base, before, kept, peak = (mark or 0 for mark in marks)
    assert base + 4 * 2048 * 512 < before <= peak + PAGE_ROUNDING  # at least one layer's output stays
    assert before == pytest.approx(kept, abs=16 << 20)


def test_profiled_session_tells_the_size_of_its_trace_and_removes_it(job: Job, tmp_path: Path) -> None:
    prefix = str(tmp_path / "trace")
    profiled = job(
        settings={"enable_profiling": True}, trace_prefix=prefix, warm_up=0, min_seconds=0, min_calls=3
    )
    small = _figures(profiled).trace_bytes
    large = _figures({**profiled, "min_calls": 30}).trace_bytes
    assert small is not None
    assert large is not None
    assert large > 3 * small > 3000
    assert list(tmp_path.iterdir()) == []


def test_session_without_profiling_writes_no_trace(job: Job, tmp_path: Path) -> None:
    assert _figures(job(trace_prefix=str(tmp_path / "trace"))).trace_bytes is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("settings", [{}, {"enable_profiling": True}])
def test_observed_session_leaves_a_trace_of_every_call(
    job: Job, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """Three layers, each one node after fusion; comparing outputs comes after the trace."""
    path = tmp_path / "trace"
    figures = _figures(job(MANY, settings=settings, observe=True, trace_prefix=str(path), min_seconds=0))
    assert list(tmp_path.iterdir()) == [path]
    assert figures.trace_bytes == path.stat().st_size
    runs = read_runs(path)
    assert len(runs) == figures.session_calls == 3 * (2 + 2 + 1)
    assert [len(run.nodes) for run in runs] == [3] * len(runs)
    assert {run.overlapping() for run in runs} == {0}
    assert all(run.start <= node.start <= node.end <= run.end + 1 for run in runs for node in run.nodes)


def test_trace_shows_what_is_not_optimised(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    settings = {"graph_optimization_level": "ORT_DISABLE_ALL"}
    _figures(job(settings=settings, observe=True, trace_prefix=str(path), min_seconds=0))
    assert trace.operators(read_runs(path)) == {"Add": 3, "MatMul": 3, "Relu": 2}


def test_real_worker_runs_beside_another_one_that_is_gone_afterwards(job: Job) -> None:
    before = psutil.Process().children()
    assert _figures(job(processes=2)).calls >= 3
    assert psutil.Process().children() == before


@dataclass
class Saving:
    """A task on the tiny model with a case that loads a saved model; its jobs are kept, and its children are real."""

    task: Task
    jobs: list[Mapping[str, Any]]
    spoil: Callable[[Path], Outcome | None] = lambda _: None
    """What happens instead of saving."""

    @classmethod
    def below(cls, folder: Path, make: Make, tiny: Prepared) -> Saving:
        cases = (
            Case(id=BASELINE, title="默认"),
            Case(
                id="offline",
                title="事先优化",
                settings={"graph_optimization_level": "ORT_DISABLE_ALL"},
                saved_by={"graph_optimization_level": "ORT_ENABLE_ALL"},
            ),
        )
        experiment = make.experiment(cases=cases, groups=[make.group(model="tiny", input=ONE)])
        planned = resolve(experiment, make.profile(min_seconds=0), 2, 1 << 40)
        models = {"tiny": tiny}
        facts = records.Facts(machine={}, software={})
        writer = store.Writer.create(
            folder / "results", records.header(planned, facts, "0" * 16, "20260102-030405-abcd", 7, models)
        )
        task = Task(planned=planned, writer=writer, models=models, work=folder / "work")
        saving = cls(task, [])
        task.worker = saving.work
        return saving

    def work(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
        self.jobs.append(job)
        if (target := job["settings"].get("optimized_model_filepath")) and (
            outcome := self.spoil(Path(target))
        ):
            return outcome
        return run_worker(job, env, timeout_s)

    def sample(self) -> Outcome:
        return self.task.sample(self.task.planned.groups[0], "offline", 0.0, verify=False)

    def operators(self, case: str) -> dict[str, int]:
        """What one run of a case executes."""
        group = self.task.planned.groups[0]
        outcome = self.task.start(group, self.task.planned.case(case), {"observe": True})
        assert outcome.failure is None
        return trace.operators(read_runs(self.task.trace_path))

    def saves(self) -> list[bool]:
        """Of each job, whether it was to save the model."""
        return ["optimized_model_filepath" in job["settings"] for job in self.jobs]


@pytest.fixture
def saving(tmp_path: Path, make: Make, tiny: Prepared) -> Saving:
    return Saving.below(tmp_path, make, tiny)


def test_optimised_model_is_saved_once_and_then_loaded(saving: Saving, tiny: Prepared) -> None:
    for _ in range(2):
        assert saving.sample().failure is None
    assert saving.saves() == [True, False, False]
    saved = Path(saving.jobs[1]["model"])
    assert (saved.parent, saved.suffix) == (saving.task.work, ".onnx")
    assert [job["model"] for job in saving.jobs] == [str(tiny.model_path), str(saved), str(saved)]
    assert saving.jobs[0]["settings"]["graph_optimization_level"] == "ORT_ENABLE_ALL"
    assert saving.jobs[1]["settings"] == {"graph_optimization_level": "ORT_DISABLE_ALL"}
    assert list(saving.task.work.iterdir()) == [saved]


def test_saved_model_runs_the_nodes_of_the_optimised_one(saving: Saving) -> None:
    found = saving.operators("offline")
    assert found == saving.operators(BASELINE)
    assert sum(found.values()) == 3  # eight without optimisation


def test_model_that_could_not_be_saved_is_the_failure_of_the_case(saving: Saving, make: Make) -> None:
    spoilt = Outcome(0.0, "", failure=make.failure("timeout", "太慢"))
    saving.spoil = lambda _: spoilt
    assert _failure(saving.sample()) == ("timeout", "太慢")
    assert saving.saves() == [True]


def test_half_a_saved_model_is_not_loaded(saving: Saving, make: Make) -> None:
    """Ended from outside while saving, the child is tried again, and so is the saving."""

    def spoil(target: Path) -> Outcome | None:
        if len(saving.jobs) > 1:
            return None
        target.write_bytes(b"half a model")
        return Outcome(0.0, "", failure=make.failure("out_of_memory"))

    saving.spoil = spoil
    assert saving.sample().failure is None
    assert saving.saves() == [True, True, False]


def test_interrupted_saving_is_done_again_by_the_resumed_build(saving: Saving) -> None:
    def interrupt(target: Path) -> None:
        target.write_bytes(b"half a model")
        raise KeyboardInterrupt

    saving.spoil = interrupt
    with pytest.raises(KeyboardInterrupt):
        saving.sample()
    saving.spoil = lambda _: None
    assert saving.sample().failure is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("graph_optimization_level", level) for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC")),
        *(("graph_optimization_level", level) for level in ("ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL")),
        ("graph_optimization_level", "ORT_ENABLE_LAYOUT"),
        ("execution_mode", "ORT_PARALLEL"),
        ("enable_mem_pattern", False),
        ("intra_op_num_threads", 2),
        ("inter_op_num_threads", 3),
    ],
)
def test_session_lists_the_option_that_it_was_given(job: Job, name: str, value: Scalar) -> None:
    """The installed ORT writes its options as `evidence` reads them."""
    proof = Proof(fact="threads_created", relation="==", expected=1, than="one")
    case = Case(id="one", title="", settings={name: value}, proof=proof)
    outcome = run_worker(job(settings={name: value}, observe=True, min_seconds=0), {}, TIMEOUT_S)
    assert outcome.figures is not None
    facts = evidence.observe(case, outcome.figures, outcome.log, ())
    assert evidence.RECEIVED + name in facts
    assert evidence.judge(case, {"one": facts})[0] is True


def test_observing_leaves_profiling_to_the_case_that_sets_it(job: Job) -> None:
    plain = run_worker(job(observe=True, min_seconds=0), {}, TIMEOUT_S)
    off = run_worker(job(observe=True, min_seconds=0, settings={"enable_profiling": False}), {}, TIMEOUT_S)
    assert plain.figures is not None
    assert plain.figures.trace_bytes
    assert off.figures is not None
    assert off.figures.trace_bytes is None


def test_no_proof_holds_for_the_default_itself(job: Job) -> None:
    """A proof that the default passes as well would prove nothing.

    Facts of a default session on the small network stand in for every case; what depends on the
    model (regions, nodes, faults) differs from the default by a factor and is compared with itself.
    """
    outcome = run_worker(job(MANY, observe=True, min_seconds=0, warm_up=0, idle_seconds=0.1), {}, TIMEOUT_S)
    assert outcome.figures is not None
    runs = read_runs(Path(job()["trace_prefix"]))
    default = evidence.observe(Case(id=BASELINE, title=""), outcome.figures, outcome.log, runs)
    default["second_run_regions"] = 1  # the small network is content with its first region
    for experiment in EXPERIMENTS.values():
        cases = experiment.cases(3)
        facts = {case.id: default for case in cases}
        passed = [case.id for case in cases if case.proof and evidence.judge(case, facts)[0]]
        assert passed == [], experiment.id

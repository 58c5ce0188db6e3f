"""Other files of a model, made for real and loaded: whole or not at all, once a build."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from real_children import ONE, TIMEOUT_S, failure_of, figures_of, job_of, posix, tiny

from bench import variants
from bench.measure import header, trace
from bench.measure.child import run_script
from bench.measure.observer import report
from bench.measure.plan import resolve
from bench.measure.task import Task, timeout_s
from bench.measure.trace import read_runs
from bench.results import store
from bench.spec import BASELINE, Case, Machine

if TYPE_CHECKING:
    from samples import Make

    from bench.measure.child import Outcome

pytestmark = pytest.mark.slow
FUSED = {"FusedGemm": 2, "Gemm": 1}
MADE = [name for name in variants.VARIANTS if name != variants.AS_BUILT]
DISABLED = {"graph_optimization_level": "ORT_DISABLE_ALL"}


def _make(variant: str, folder: Path, source: Path | None = None) -> tuple[int | None, bytes, str]:
    job = {"variant": variant, "source": str(source or tiny().model_path), "folder": str(folder)}
    return run_script(variants.script(), job, {}, TIMEOUT_S)


@pytest.mark.parametrize("variant", MADE)
def test_variant_is_made_loaded_and_gives_the_same_outputs(tmp_path: Path, variant: str) -> None:
    """Optimised beforehand, it runs the nodes of the optimised graph though optimisation is off."""
    assert variants.VARIANTS[variant] not in ("", variant)
    assert _make(variant, tmp_path) == (0, b"{}\n", "")
    reference, path = tmp_path / "reference.npz", tmp_path / "trace"
    figures_of(job_of(write_reference=str(reference)))
    model = str(tmp_path / variants.file_name(variant))
    figures = figures_of(
        job_of(model=model, settings=DISABLED, observe=True, reference=str(reference), trace_prefix=str(path))
    )
    assert figures.outputs.compared == 1
    assert figures.outputs.difference < 1e-5
    optimised = {"Add": 3, "MatMul": 3, "Relu": 2} if variant == "external_data" else FUSED
    assert trace.operators(read_runs(path)) == optimised
    weights = 4 * tiny().parameters
    assert (Path(model).stat().st_size < weights / 10) is (variant == "external_data")
    beside = Path(f"{model}.data")
    assert not beside.exists() or weights * 0.9 < beside.stat().st_size < weights * 1.1


def test_maker_that_fails_says_why_in_its_last_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    for variant in MADE:
        status, output, log = _make(variant, tmp_path, broken)
        assert (status, output) == (1, b"")
        assert any(word in log.splitlines()[-1] for word in ("Error", "INVALID", "Fail"))


MAKER = """
import json, os, sys
from pathlib import Path
job = json.loads(sys.stdin.readline())
log = Path({log!r})
log.write_text(log.read_text() + "x" if log.exists() else "x")
target = Path(job["folder"]) / "model.onnx"
assert not (target.parent / "model.onnx.data").exists(), "left from another time"
(target.parent / "model.onnx.data").write_bytes(b"half")
"""
WHOLE = "target.write_bytes(Path(job['source']).read_bytes())\nprint('{}', flush=True)\n"


class Lab:
    """A task with a case that opens another file, which a maker of a few lines makes; its jobs are kept."""

    def __init__(self, folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.jobs, self.monkeypatch = folder, list[Any](), monkeypatch
        cases = (Case(id=BASELINE, title=""), Case(id="other", title="", variant="optimised"))
        experiment = make.experiment(cases=cases, groups=[make.group(model="tiny", input=ONE)])
        planned = resolve(experiment, make.profile(min_seconds=0), Machine(cores=2), 1 << 40)
        models = {"tiny": tiny()}
        first = header.first_line(
            planned, header.Facts(machine={}, software={}), "0" * 16, "20260102-030405-abcd", 7, models
        )
        writer = store.Writer.create(folder / "results", first)
        self.task = Task(
            planned=planned, writer=writer, models=models, work=folder / "work", worker=self._work
        )
        self._answer = Task.__dataclass_fields__["worker"].default

    def _work(self, job: Any, env: Any, timeout_s: float) -> Outcome:
        self.jobs.append(job)
        outcome: Outcome = self._answer(job, env, timeout_s)
        return outcome

    def maker(self, last: str) -> None:
        path = self.folder / "maker.py"
        path.write_text(MAKER.format(log=str(self.folder / "log")) + last, encoding="utf-8")
        self.monkeypatch.setattr(variants, "script", lambda *_: path)

    @property
    def tries(self) -> int:
        return len((self.folder / "log").read_text())

    def sample(self) -> Outcome:
        return self.task.sample(self.task.planned.groups[0], "other")


@pytest.fixture
def lab(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(tmp_path, make, monkeypatch)


def test_file_is_made_once_and_opened_by_samples_and_reports(lab: Lab) -> None:
    lab.maker(WHOLE)
    failure, _ = report(lab.task, lab.task.planned.groups[0], lab.task.planned.case("other"), "line_memory")
    assert failure is None
    for _ in range(2):
        assert lab.sample().failure is None
    assert lab.tries == 1
    (file,) = {job["model"] for job in lab.jobs}
    assert Path(file) == lab.task.work / "tiny-optimised" / "model.onnx"
    assert sorted(path.name for path in lab.task.work.iterdir()) == ["tiny-optimised"]


@pytest.mark.parametrize(
    ("last", "kind", "words"),
    [
        ("sys.exit('RuntimeError: too hard')", "crashed", "too hard"),
        pytest.param("os.abort()", "crashed", "SIGABRT", marks=posix),
        pytest.param(
            f"import subprocess\nsubprocess.Popen([{sys.executable!r}, '-c', 'import time; time.sleep(60)'])\n{WHOLE}",
            "unsupported",
            "子进程还在跑",
            marks=posix,
        ),
    ],
    ids=["raises", "crashes", "leaves a process behind"],
)
def test_file_that_cannot_be_made_is_the_failure_of_the_case_and_half_of_it_is_never_opened(
    lab: Lab, last: str, kind: str, words: str
) -> None:
    """What is made another time finds nothing of it."""
    lab.maker(last)
    found, reason = failure_of(lab.sample())
    assert (found, words in reason, lab.jobs) == (kind, True, [])
    lab.maker(WHOLE)
    assert lab.sample().failure is None
    assert lab.tries == 2


def test_disk_that_is_full_while_a_file_is_made_ends_the_build(lab: Lab) -> None:
    lab.maker("sys.exit('OSError: [Errno 28] No space left on device')")
    with pytest.raises(OSError, match="No space left"):
        lab.sample()


def test_case_that_hangs_is_waited_for_longer_than_a_slow_one_takes(make: Make) -> None:
    case = Case(id="one", title="", expected="hang")
    for seconds, hanging, usual in ((0.4, 15, 60), (10, 50, 300)):
        experiment = make.experiment(groups=[make.group(seconds=seconds)])
        (group,) = resolve(experiment, make.profile(), Machine(cores=2), 1 << 40).groups
        assert (timeout_s(group, case), timeout_s(group, Case(id="two", title=""))) == (hanging, usual)

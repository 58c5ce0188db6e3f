"""Every subject but the session, for real; and subjects that misbehave: one clear sentence each."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from real_children import LARGE, failure_of, figures_of, job_of, made_up, run

from bench import subjects
from bench.experiments.rapidocr import LINE_BYTES
from bench.measure import evidence
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.results.trust import ALLOCATED_MIB
from bench.spec import Input

if TYPE_CHECKING:
    from bench.results.process import Figures
    from bench.spec import Shape

pytestmark = pytest.mark.slow


def test_subjects_are_found_by_convention_and_hide_no_module_of_others() -> None:
    """In the measured process they are imported by their bare names."""
    assert {"session", "known_cost", "shared_arena", "line_memory", "log_lines"} <= set(subjects.SUBJECTS)
    assert all(subjects.SUBJECTS.values())
    found = filter(None, map(importlib.util.find_spec, subjects.SUBJECTS))
    assert {Path(one.origin or "").parent for one in found} <= {subjects.FOLDER}


def _known(**cost: int) -> Figures:
    return figures_of(job_of(subject="known_cost", options=cost, verify=[]))


def test_work_may_follow_a_run_and_sessions_may_lie_idle_beside_it() -> None:
    two = {"settings": {"intra_op_num_threads": 2}}
    assert figures_of(job_of(subject="then_numpy", **two)).outputs.finite
    assert figures_of(job_of(subject="idle_others", options={"others": 2}, **two)).threads_created == 3


@pytest.mark.parametrize("how", ["io_binding", "ort_value", "own_output", "run_async"])
def test_outputs_are_those_of_run_whichever_way_they_come(how: str, tmp_path: Path) -> None:
    reference = str(tmp_path / "reference.npz")
    figures_of(job_of(write_reference=reference))
    assert figures_of(
        job_of(
            subject="bound", options={"how": how}, settings={"intra_op_num_threads": 2}, reference=reference
        )
    ).outputs.identical


def test_threads_have_sessions_of_their_own_and_a_session_for_every_call_is_one() -> None:
    own = {"subject": "own_sessions", "options": {"sessions": 2}, "settings": {"intra_op_num_threads": 2}}
    both = figures_of(job_of(**own, callers=2))
    assert (both.callers, both.threads_created) == (2, 2)
    fresh = figures_of(job_of(subject="per_call", observe=True))
    kept = figures_of(job_of())
    assert fresh.latency_ns() > 3 * kept.latency_ns()


def test_rows_of_a_batch_come_out_as_they_do_alone() -> None:
    outcome = run(job_of(LARGE, subject="rows_alone", report=True))
    (told,) = outcome.lines["rows"]
    assert re.fullmatch(r"\d+ 行，与单独算(逐位相同|最多差到最大输出的 [\d.]+e-0[3-9]%)", told)


def _module(name: str) -> Any:
    found = importlib.util.spec_from_file_location(name, subjects.FOLDER / f"{name}.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_another_engine_calculates_as_asked_or_says_that_it_does_not() -> None:
    """OpenVINO itself is not installed here: a stand-in that only knows f32."""
    asked: list[Any] = []
    precision = SimpleNamespace(get_type_name=lambda: "f32")

    class Compiled:
        def get_property(self, _: str) -> Any:
            return precision

        def __call__(self, feed: Any) -> Any:
            return {"y": feed}

    compile_model = lambda *told: asked.append(told) or Compiled()  # noqa: E731
    engine = _module("in_openvino")
    engine.openvino = SimpleNamespace(Core=lambda: SimpleNamespace(compile_model=compile_model))
    job = {"model": "m.onnx", "options": {"precision": "f32"}}
    assert engine.start(job).call(1) == [1]
    assert asked[0][:2] == ("m.onnx", "CPU")
    with pytest.raises(engine.Unsupported, match="不用 bf16，用 f32"):
        engine.start({**job, "options": {"precision": "bf16"}})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_session_made_after_a_fork_infers_and_ends_well_and_every_other_end_has_a_name() -> None:
    forks, job = _module("forks"), job_of()
    assert re.fullmatch(
        r"里面建：推理 \d+ ms（\d+ 个线程），删会话正常，退出正常",
        forks._row(job, "里面建", (forks.CHILD, {})),
    )
    ends = {None: "卡住", 0: "正常", -11: "崩溃（SIGSEGV）", 3: "出错（3）"}
    assert {one: forks._how_it_ended({"status": one}) for one in ends} == ends


def test_known_memory_is_seen_as_peak_and_as_kept() -> None:
    allocated, held = _known(allocated_mib=ALLOCATED_MIB), _known(held_mib=ALLOCATED_MIB)
    base, kept = ([one.rss(phase) or 0 for one in (allocated, held)] for phase in ("open", "steady"))
    if not all(base):
        pytest.skip("this system keeps no marks of memory")
    known = ALLOCATED_MIB << 20
    assert (allocated.peak_bytes or 0) - base[0] == pytest.approx(known, rel=0.02)
    assert kept[0] - base[0] < 0.02 * known
    assert kept[1] - base[1] == pytest.approx(known, rel=0.02)


@pytest.mark.alone
def test_known_time_is_seen_and_whether_a_processor_was_needed() -> None:
    """From the first call on: no thread of NumPy's spins beside it."""
    asleep, less, more = _known(sleep_ms=20), _known(hashes=250), _known(hashes=1000)
    assert min(asleep.latencies_ns) >= 20e6
    assert asleep.steady.cpu_ns < 0.1 * asleep.steady.run_ns
    assert asleep.onnxruntime == ""
    assert more.steady.cpu_ns == pytest.approx(4 * less.steady.cpu_ns, rel=0.4)
    assert less.phases["first"].cpu_ns < 1.1 * less.phases["first"].run_ns


def test_sessions_are_called_in_turn_and_may_share_a_pool() -> None:
    """Each session has a worker of its own, or all have those of one pool."""
    several = {"subject": "in_turn", "settings": {"intra_op_num_threads": 2}}
    own = figures_of(job_of(**several, options={"sessions": 3}))
    shared = {"use_per_session_threads": False}
    pool = figures_of(
        job_of(subject="in_turn", options={"sessions": 3, "global_pool_threads": 2}, settings=shared)
    )
    assert own.threads_created == 3
    assert (pool.threads_created or 0) < 3
    assert own.outputs.finite
    assert pool.outputs.finite
    alone = figures_of(
        job_of(subject="global_pool", options={"global_pool_threads": 2}, settings=shared, observe=True)
    )
    assert alone.threads_created == pool.threads_created


def test_several_sessions_may_share_an_arena() -> None:
    """One arena grows for all of them, less often than three do."""
    asked = {"subject": "in_turn", "observe": True, "min_calls": 6}
    shared = {"settings": {"session.use_env_allocators": "1"}}
    jobs = ({"options": {"sessions": 3}}, {"options": {"sessions": 3, "arena_extend_strategy": 0}, **shared})
    own, one = (len(evidence.read_arena_log(run(job_of(**asked, **job)).log)[0]) for job in jobs)
    assert 0 < one < own


def _outputs(tmp_path: Path, before: dict[str, Any], after: dict[str, Any]) -> Figures:
    """The second held against the first."""
    reference = str(tmp_path / "reference.npz")
    figures_of(job_of(**before, write_reference=reference))
    return figures_of(job_of(**after, reference=reference))


@pytest.mark.parametrize(
    "after",
    [
        {"subject": "reload"}, {"subject": "reload", "options": {"malloc_trim": True}},
        {"subject": "shrinks", "options": {"every": 2}}, {"subject": "split", "options": {"size": 5}},
        {"subject": "given_bytes"},
    ],
    ids=lambda after: after["subject"],
)  # fmt: skip
def test_what_is_called_otherwise_gives_the_same_outputs(tmp_path: Path, after: dict[str, Any]) -> None:
    outputs = _outputs(tmp_path, {}, after).outputs
    assert (outputs.compared, outputs.difference < 1e-5) == (1, True)


def test_a_session_that_is_let_go_leaves_no_thread_and_its_first_one_is_watched() -> None:
    outcome = run(job_of(subject="reload", settings={"intra_op_num_threads": 2}, observe=True))
    assert outcome.figures
    assert outcome.figures.threads_created == 0
    assert outcome.figures.trace_bytes
    alone = figures_of(job_of(subject="reload", settings={"intra_op_num_threads": 2}))
    assert alone.phases["steady"].threads == alone.phases["open"].threads
    assert evidence.received(outcome.log)["intra_op_num_threads"] == "2"


@pytest.mark.parametrize(
    ("options", "shrinks"), [({"every": 2}, 3), ({"above": 1000}, 5), ({"above": 10**7}, 0)]
)
def test_memory_is_given_back_on_the_runs_that_were_asked_for(options: dict[str, int], shrinks: int) -> None:
    """Six runs on 2048 x 256 elements; after a large one, the next."""
    asked = {"warm_up": 0, "min_calls": 4, "verify": []}
    job = job_of(LARGE, subject="shrinks", options=options, observe=True, **asked)
    assert evidence.read_arena_log(run(job).log)[1] == shrinks


def _bert(tmp_path: Path, *shape: int) -> dict[str, Any]:
    entry = Input(label="texts", shapes=(shape,))
    prepared = prepare(MODELS["bert_mini"], [entry], tmp_path)
    paths = [{name: str(path) for name, path in prepared.input_paths["texts"][0].items()}]
    shapes = [MODELS["bert_mini"].shapes(shape)]
    return {"model": str(prepared.model_path), "inputs": paths, "shapes": shapes, "verify": [0], "warm_up": 0}


def test_texts_come_out_the_same_however_they_are_put_together(tmp_path: Path) -> None:
    """Filled up to a step; in batches of the longest of all, or of like lengths."""
    bert = _bert(tmp_path, 6, 50)
    padded = {**bert, "subject": "padded", "options": {"step": 32}}
    assert _outputs(tmp_path, bert, padded).outputs.difference < 1e-4
    whole, parts = ({**bert, "subject": "texts", "options": {"size": n, "sorted": n < 9}} for n in (9, 2))
    figures = _outputs(tmp_path, whole, parts)
    assert (figures.outputs.compared, figures.outputs.difference < 1e-4) == (1, True)


def test_what_a_process_shares_with_others_and_which_allocator_it_has_is_told() -> None:
    figures = figures_of(job_of(observe=True))
    if sys.platform == "linux":
        assert 0 < (figures.share_bytes or 0) <= (figures.rss("steady") or 0) * 1.05
        assert figures.allocators == 0


def test_a_gap_is_no_part_of_a_latency_but_counts_for_the_processor() -> None:
    slept = figures_of(job_of(subject="known_cost", options={"sleep_ms": 5}, gap_seconds=0.03, min_calls=4))
    assert slept.steady.calls == len(slept.latencies_ns) == 4
    assert max(slept.latencies_ns) < 25e6
    assert slept.steady.run_ns > 4 * 35e6


def test_denormals_are_told_apart_in_observed_processes() -> None:
    asked, key = {"observe": True}, {"session.set_denormal_as_zero": "1"}
    assert figures_of(job_of(**asked)).denormals_are_zero is False
    assert figures_of(job_of(**asked, settings=key)).denormals_are_zero is True
    assert figures_of(job_of()).denormals_are_zero is None


def test_every_kind_of_thread_is_asked_whose_denormals_are_zero() -> None:
    told = run(job_of(subject="denormal_threads", report=True)).lines
    assert [len(told[name]) for name in ("callers", "numpy")] == [4, 2]
    assert all("毫秒" in line for line in told["callers"])
    assert [line.rpartition(" ")[2] for line in told["numpy"]] == ["1e-39", "0"]


def test_rapidocr_reads_a_page_as_shipped_and_with_settings_and_says_how_well(tmp_path: Path) -> None:
    """The text is the same, and known; a wrapper reaches every session; another file is opened where one is given."""
    entry = Input(label="4 lines", shapes=({"page": (200, 480, 3), "text": (4, LINE_BYTES)},))
    prepared = prepare(MODELS["rapidocr_page"], [entry], tmp_path)
    paths = [{name: str(path) for name, path in prepared.input_paths["4 lines"][0].items()}]
    shapes = [MODELS["rapidocr_page"].shapes(one) for one in entry.shapes]
    page = {
        "subject": "rapidocr_page",
        "model": str(prepared.model_path),
        "inputs": paths,
        "shapes": shapes,
        "verify": [0],
        "warm_up": 0,
        "min_calls": 1,  # a page takes seconds
    }
    reference = str(tmp_path / "reference.npz")
    shipped = figures_of(job_of(**page, write_reference=reference))
    settings = {"session.set_denormal_as_zero": "1", "enable_cpu_mem_arena": True}
    wrapped = run(job_of(**page, settings=settings, reference=reference, observe=True))
    assert wrapped.figures
    assert (wrapped.figures.outputs.compared, wrapped.figures.outputs.difference < 1e-3) == (1, True)
    assert wrapped.figures.denormals_are_zero
    assert evidence.received(wrapped.log)["enable_cpu_mem_arena"] == "1"
    assert (shipped.character_error or 0) < 0.1
    assert shipped.character_error == wrapped.figures.character_error
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    other = {**page, "model": str(broken), "variant": "normal_weights"}
    assert "broken.onnx" in failure_of(run(job_of(**other)))[1]


def test_shared_arena_extends_by_what_is_needed() -> None:
    options, settings = {"arena_extend_strategy": 1}, {"session.use_env_allocators": "1"}
    outcome = run(job_of(subject="shared_arena", options=options, settings=settings, observe=True))
    assert outcome.failure is None
    regions, _ = evidence.read_arena_log(outcome.log)
    assert regions
    assert all(region.size == region.needed for region in regions)


def test_what_a_wide_picture_leaves_in_rapidocr_is_told_step_by_step() -> None:
    """Whatever reads them: the pictures are what it is given."""
    found = importlib.util.spec_from_file_location("wide_line", subjects.FOLDER / "wide_line.py")
    assert found
    assert found.loader
    script, seen = importlib.util.module_from_spec(found), list[tuple[int, ...]]()
    found.loader.exec_module(script)
    vars(script).update(np=np, RapidOCR=lambda params: lambda picture: seen.append(picture.shape))  # noqa: ARG005
    told = script.report({})["resident"]
    assert [line.rpartition("：")[2].endswith(" MiB") for line in told] == 5 * [True]
    assert seen == [(400, 480, 3), *4 * [(64, 475, 3)], (64, 1900, 3), (400, 480, 3)]


def test_line_table_shows_each_line_of_one_inference_without_its_folder() -> None:
    table = run(job_of(subject="line_memory", report=True)).lines["table"]
    assert table[0] == "Filename: line_memory.py"
    assert any("session.run" in line and "MiB" in line for line in table)


def _printed(level: int | None) -> dict[str, list[str]]:
    settings = {} if level is None else {"log_severity_level": level}
    outcome = run(job_of(subject="log_lines", report=True, settings=settings))
    assert (outcome.failure, outcome.log) == (None, "")
    return outcome.lines


def _severities(lines: list[str]) -> set[str]:
    return {letter for letter in "VIWEF" for line in lines if f"[{letter}:onnxruntime" in line}


def test_what_the_log_prints_at_each_level() -> None:
    """Pages tell by these lines what each level hides; a failing node raises an exception whatever the level."""
    levels = (None, 2, 3, 4, 0)
    with ThreadPoolExecutor(len(levels)) as pool:  # most of their time they wait for what is said late
        *quiet, chatty = pool.map(_printed, levels)
    for level, told in zip(levels, quiet, strict=False):
        warns, errs = level in (None, 2), level != 4
        assert told["healthy"] == told["misspelt_key"] == told["default_logger_quiet"] == []
        assert (_severities(told["warning"]), len(told["warning"])) == ({"W"} if warns else set(), warns)
        assert all("spin_duration_us" in line for line in told["warning"])
        assert told["error"][-1].startswith("Python 异常：")
        assert _severities(told["error"]) == ({"E"} if errs else set())
        assert any("gather" in line for line in told["error"]) is errs
        if sys.platform == "linux":  # others bind threads in another way
            assert _severities(told["default_logger"]) == {"E"}  # it knows no level of a session
            assert all("onnxruntime:Default" in line for line in told["default_logger"])
    for incident in ("healthy", "misspelt_key"):  # cut to the last lines
        note, *lines = chatty[incident]
        assert ("行，只列" in note, len(lines), _severities(lines) <= {"V", "I"}) == (True, 4, True)
    assert ("W" in _severities(chatty["warning"]), len(chatty["warning"])) == (True, 1 + 1 + 4)
    assert "E" in _severities(chatty["error"])


RAISES = "class Thing(Thing):\n    def call(self, feed): raise ValueError('对不起 /home/somebody/x.onnx')\n"
NAN = "import numpy\nclass Thing(Thing):\n    def call(self, feed): return [numpy.array([1, numpy.nan])]\n"
LACKS = "class Unsupported(Exception): pass\ndef load(): raise Unsupported('没有这个')\n"


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        pytest.param(RAISES, "crashed", "ValueError: 对不起 x.onnx", id="raises"),
        pytest.param(NAN, "not_finite", "输出含 NaN 或无穷大", id="no number"),
        pytest.param("def report(job): 1 / 0\n", "crashed", "ZeroDivisionError", id="fails to report"),
        pytest.param(LACKS, "unsupported", "没有这个", id="is not supported here"),
    ],
)
def test_subject_that_misbehaves_is_a_failure(tmp_path: Path, code: str, kind: str, reason: str) -> None:
    job = made_up(tmp_path, f"{code}def start(job): return Thing()\n", report="report(" in code)
    found, told = failure_of(outcome := run(job))
    assert (found, reason in told, "\n" in told, outcome.lines) == (kind, True, False, {})


SEES = """
import sys
class Thing(Thing):
    def call(self, feed):
        print({k: (str(v.dtype), v.shape, int(v.sum()), v.flags.c_contiguous) for k, v in feed.items()}, file=sys.stderr)
        return []
def start(job): return Thing()
"""


def test_feeds_are_made_for_every_input_by_name_and_kind(tmp_path: Path) -> None:
    """Cut anew for every call where shapes change, and in C order."""
    np.save(tmp_path / "ids.npy", np.arange(20, dtype=np.int64).reshape(4, 5))
    np.save(tmp_path / "mask.npy", np.ones((4, 5), np.float32))
    feeds: list[dict[str, Shape]] = [{"ids": (2, 3), "mask": (1, 5)}, {"ids": (4, 5), "mask": (4, 5)}]
    inputs = {name: str(tmp_path / f"{name}.npy") for name in feeds[0]}
    outcome = run(made_up(tmp_path, SEES, inputs=[inputs], shapes=feeds, verify=[], warm_up=0, min_calls=2))
    assert outcome.failure is None
    assert outcome.log.splitlines() == 3 * [
        "{'ids': ('int64', (2, 3), 21, True), 'mask': ('float32', (1, 5), 5, True)}",
        "{'ids': ('int64', (4, 5), 190, True), 'mask': ('float32', (4, 5), 20, True)}",
    ]


def test_every_trap_that_is_tried_says_how_it_went(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    traps = _module("traps")
    told = traps.report({"options": {"only": "options_keyword__options_are_copied"}})
    assert told == {"options_keyword__options_are_copied": [traps.HOLDS]}
    (tmp_path / "showing.py").write_text(
        "import sys, time\ntime.sleep(9 if 'slow' in sys.argv[2] else 0)\nassert 1 > 2, 'no'"
    )
    (tmp_path / "show_x.py").write_text("def shows_a(): ...\ndef shows_slow(): ...\n")
    monkeypatch.setattr(traps, "FOLDER", tmp_path)
    monkeypatch.setattr(traps, "LIMIT_S", 1)
    assert traps.report({"options": {}}) == {
        "a": ["不符：AssertionError: no"],
        "slow": ["不符：1 秒还没有完"],
    }


def test_every_script_for_another_project_says_one_line_whatever_becomes_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    upstream = _module("upstream")
    scripts = {
        "good": "import os\nprint('noise')\nprint('NOT THERE: ' + str('ORT_X' in os.environ))\n",
        "bad": "raise ValueError('no')\n",
        "slow": "import time\ntime.sleep(9)\n",
        "mute": "",
    }
    for name, code in scripts.items():
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.setenv("ORT_X", "1")
    monkeypatch.setattr(upstream, "FOLDER", tmp_path)
    monkeypatch.setattr(upstream, "LIMIT_S", 1)
    assert upstream.report({}) == {
        "good": ["NOT THERE: False"], "bad": ["ValueError: no"], "slow": ["NOT FINISHED: 1 s"], "mute": ["status 0"],
    }  # fmt: skip

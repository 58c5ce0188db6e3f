"""One child, one report: whatever else a child does becomes a failure with its reason."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest
from children import TIMEOUT_S, posix, say

from bench.measure.child import WORKER, clean_environment, clean_text, run_script, run_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Make

    Script = Callable[[str], Path]


def test_good_report_becomes_figures(script: Script, make: Make) -> None:
    figures = make.figures()
    outcome = run_worker({}, {}, TIMEOUT_S, script(say({"ok": figures.model_dump()})))
    assert outcome.figures == figures
    assert outcome.failure is None
    assert 0 < outcome.wall_s < TIMEOUT_S


def test_child_gets_its_job_its_environment_and_its_parents_id(script: Script) -> None:
    path = script("print(json.dumps([job, os.environ['CASE'], os.getppid()]))")
    status, output, _ = run_script(path, {"one": [1, 2]}, {"CASE": "x"}, TIMEOUT_S)
    assert status == 0
    assert json.loads(output) == [{"one": [1, 2]}, "x", os.getpid()]
    told = script("sys.stderr.write(str(job['parent_pid']))")
    assert run_worker({}, {}, TIMEOUT_S, told).log == str(os.getpid())


def test_what_a_child_writes_to_stderr_is_its_log(script: Script, make: Make) -> None:
    text = "sys.stderr.write('BENCH RUN 1\\n')\n" + say({"ok": make.figures().model_dump()})
    assert run_worker({}, {}, TIMEOUT_S, script(text)).log == "BENCH RUN 1\n"


def test_long_log_does_not_block_the_child(script: Script, make: Make) -> None:
    text = "sys.stderr.write('x' * 5_000_000)\n" + say({"ok": make.figures().model_dump()})
    outcome = run_worker({}, {}, TIMEOUT_S, script(text))
    assert outcome.failure is None
    assert len(outcome.log) == 5_000_000


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        pytest.param("raise RuntimeError('no luck')", "crashed", "no luck", id="exception"),
        pytest.param("sys.exit(0)", "crashed", "没有报告", id="exit 0 without a report"),
        pytest.param("os._exit(7)", "crashed", "退出码 7", id="exit 7"),
        pytest.param("print('hello')", "garbage", "不合格", id="no JSON"),
        pytest.param("print('[1, 2]')", "garbage", "不合格", id="no object"),
        pytest.param("print('{\"ok\": {')", "garbage", "不合格", id="half a report"),
        pytest.param("os.write(1, bytes(range(256)))", "garbage", "不合格", id="bytes"),
        pytest.param(say({"ok": {"latency_ns": 1}}), "garbage", "不合格", id="figures missing"),
        pytest.param(say({}), "crashed", "未说明", id="empty report"),
        pytest.param(say({"error": "ValueError: wrong"}), "crashed", "wrong", id="told error"),
        pytest.param(say({"error": "std::bad_alloc"}), "out_of_memory", "bad_alloc", id="bad_alloc"),
        pytest.param(say({"error": "MemoryError: "}), "out_of_memory", "MemoryError", id="MemoryError"),
        pytest.param(say({"surprise": 1}), "garbage", "surprise", id="unknown report"),
        pytest.param(say({"unsupported": "没有这个选项"}), "unsupported", "没有这个选项", id="unsupported"),
    ],
)
def test_failure_is_data(script: Script, text: str, kind: str, words: str) -> None:
    outcome = run_worker({}, {}, TIMEOUT_S, script(text))
    assert outcome.figures is None
    assert outcome.failure is not None
    assert outcome.failure.kind == kind
    assert words in outcome.failure.reason


@posix
@pytest.mark.parametrize(("number", "kind"), [("SIGSEGV", "crashed"), ("SIGKILL", "out_of_memory")])
def test_child_ended_by_a_signal(script: Script, number: str, kind: str) -> None:
    text = f"import signal\nos.kill(os.getpid(), signal.{number})"
    outcome = run_worker({}, {}, TIMEOUT_S, script(text))
    assert outcome.failure is not None
    assert (outcome.failure.kind, number in outcome.failure.reason) == (kind, True)


@posix
def test_signal_after_a_whole_report_is_still_a_crash(script: Script, make: Make) -> None:
    text = say({"ok": make.figures().model_dump()}) + "sys.stdout.flush()\nos.abort()"
    outcome = run_worker({}, {}, TIMEOUT_S, script(text))
    assert outcome.failure is not None
    assert outcome.failure.kind == "crashed"


def test_hanging_child_is_ended_in_time(script: Script) -> None:
    outcome = run_worker({}, {}, 1.0, script("print('{', flush=True)\ntime.sleep(60)"))
    assert outcome.failure is not None
    assert outcome.failure.kind == "timeout"
    assert 1 <= outcome.wall_s < 3


def test_child_that_does_not_read_its_job(tmp_path: Path) -> None:
    path = tmp_path / "deaf.py"
    path.write_text("raise SystemExit('deaf')")
    outcome = run_worker({"long": "x" * 1_000_000}, {}, TIMEOUT_S, path)
    assert outcome.failure is not None
    assert (outcome.failure.kind, "deaf" in outcome.failure.reason) == ("crashed", True)


@pytest.mark.parametrize("name", ["latency_ns", "minor_faults", "outputs_difference"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, "fast"])
def test_impossible_figure_is_garbage(script: Script, make: Make, name: str, value: object) -> None:
    report = {"ok": {**make.figures().model_dump(), name: value}}
    outcome = run_worker({}, {}, TIMEOUT_S, script(say(report)))
    assert outcome.failure is not None
    assert (outcome.failure.kind, name in outcome.failure.reason) == ("garbage", True)


def test_outputs_that_are_not_finite_are_a_failure_of_their_own(script: Script, make: Make) -> None:
    report = {"ok": {**make.figures().model_dump(), "outputs_finite": False}}
    outcome = run_worker({}, {}, TIMEOUT_S, script(say(report)))
    assert outcome.figures is None
    assert outcome.failure is not None
    assert outcome.failure.kind == "not_finite"


def test_chatter_on_stdout_does_not_reach_the_report_of_the_real_worker(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "chatty.py"
    path.write_text(
        f"""
import os, sys
sys.path.insert(0, {str(WORKER.parent)!r})
import worker
def measure(job, channel):
    print("print")
    os.write(1, b"descriptor 1\\n")
    os.system("echo grandchild")
    return {make.figures().model_dump()!r}
worker.measure = measure
worker.main()
""",
        encoding="utf-8",
    )
    outcome = run_worker({}, {}, TIMEOUT_S, path)
    assert outcome.figures == make.figures()
    for noise in ("print", "descriptor 1", "grandchild"):
        assert noise in outcome.log


def test_environment_of_the_caller_cannot_tilt_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = (
        "ORT_LOG_LEVEL",
        "OMP_NUM_THREADS",
        "KMP_AFFINITY",
        "MALLOC_ARENA_MAX",
        "MALLOC_TRIM_THRESHOLD_",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "GLIBC_TUNABLES",
        "LD_PRELOAD",
    )
    for name in foreign:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HARMLESS", "kept")
    found = clean_environment({})
    assert not set(foreign) & set(found)
    assert (found["ORT_DISABLE_TELEMETRY"], found["HARMLESS"]) == ("1", "kept")


def test_case_may_set_what_the_caller_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.arena_max=1")
    own = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "ORT_DISABLE_TELEMETRY": "0"}
    assert own.items() <= clean_environment(own).items()


def test_reason_tells_no_paths_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home, checkout = tmp_path / "somebody", tmp_path / "somebody" / "checkout"
    checkout.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(checkout)
    told = clean_text(f"{checkout}/build/a.onnx and {sys.prefix}/lib/b.py and {home}/c failed")
    assert told == "a.onnx and b.py and c failed"


def test_reason_tells_no_path_outside_of_the_checkout_either() -> None:
    """The build folder may lie anywhere: BENCH_BUILD_DIR."""
    told = clean_text(
        "Load model from /data/somebody/build/models/aspp-0123/model.onnx failed: File doesn't exist"
    )
    assert "somebody" not in told
    assert told.startswith("Load model from")
    assert told.endswith("model.onnx failed: File doesn't exist")


def test_reason_is_one_printable_line() -> None:
    assert clean_text("one\n\ttwo\r\n  three\x00\u2028four\x7f") == "one two three four"


def test_reason_has_no_terminal_colours() -> None:
    """ORT colours the errors that it logs."""
    assert clean_text("\x1b[1;31m2026 [E:onnxruntime:] bad\x1b[m \x1b[0;93mworse\x1b[0m") == (
        "2026 [E:onnxruntime:] bad worse"
    )


def test_reason_has_a_bounded_length() -> None:
    assert len(clean_text("很长 " * 10_000)) <= 300

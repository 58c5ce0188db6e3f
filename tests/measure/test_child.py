"""One child, one report: whatever else a child does becomes a failure with its reason, and nothing outlives it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from faults.stage import wait_for
from real_children import TIMEOUT_S, failure_of, job_of, posix
from samples import Make

from bench.measure import child, ending
from bench.measure.child import WORKER, clean_environment, run_script, run_worker
from bench.results.records import Failure
from bench.system.folders import ROOT

LISTEN = "import json, os, subprocess, sys, time\njob = json.loads(sys.stdin.buffer.readline())\n"


def say(report: object) -> str:
    return f"print({json.dumps(report)!r}, flush=True)\n"


def _ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Stage:
    """A few lines, which find a job read, take the place of the worker."""

    def __init__(self, folder: Path) -> None:
        self.script, self.notes = folder / "worker.py", folder / "notes"
        self.figures = Make().figures()
        self.report = say({"ok": self.figures.model_dump()})
        self.notes.mkdir()

    def run(self, text: str, timeout_s: float = 60, head: str = LISTEN, **job: Any) -> child.Outcome:
        self.script.write_text(head + text, encoding="utf-8")
        return run_worker({"folder": str(self.notes), **job}, {"CASE": "x"}, timeout_s)

    def pids(self) -> list[int]:
        """Processes that were there, by the notes that they leave."""
        return [int(path.name) for path in self.notes.iterdir()]

    def all_ended(self, number: int, seconds: float = 0) -> None:
        assert len(self.pids()) == number
        wait_for(lambda: all(map(_ended, self.pids())), seconds)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(child, "WORKER", tmp_path / "worker.py")
    return Stage(tmp_path)


def test_report_log_job_environment_and_parent_arrive(stage: Stage) -> None:
    """However long the log is. Lines are kept under their headings, without colours and folders."""
    told = "sys.stderr.write(f'{job} {os.environ[\"CASE\"]} {os.getppid()}')\nsys.stderr.write('x' * 5_000_000)\n"
    outcome = stage.run(told + stage.report, one=[1, 2])
    assert (outcome.figures, outcome.failure, outcome.lines) == (stage.figures, None, {})
    job = {"folder": str(stage.notes), "one": [1, 2], "parent_pid": os.getpid(), "cgroup": None}
    assert outcome.log.startswith(f"{job} x {os.getpid()}xxx")
    assert len(outcome.log) > 5_000_000
    assert 0 < outcome.wall_s < TIMEOUT_S
    coloured = "\x1b[1;31m[E:onnxruntime:, a.cc] /home/somebody/a.onnx\x1b[m"
    outcome = stage.run(say({"lines": {"/home/somebody/healthy": [], "error": [coloured, "异常" * 999]}}))
    assert (outcome.figures, outcome.failure) == (None, None)
    assert outcome.lines == {"healthy": [], "error": ["[E:onnxruntime:, a.cc] a.onnx", "异常" * 250]}


def test_child_that_reads_no_job_and_one_whose_parent_died_before_it_could_ask(stage: Stage) -> None:
    kind, reason = failure_of(stage.run("raise SystemExit('deaf')", head="", long="x" * 1_000_000))
    assert (kind, "deaf" in reason) == ("crashed", True)
    orphan = job_of(parent_pid=os.getpid() + 1)
    assert sys.platform == "win32" or run_script(WORKER, orphan, {}, TIMEOUT_S)[:2] == (1, b"")


def test_caller_cannot_tilt_a_case_but_the_case_may(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = {"ORT_LOG_LEVEL", "OMP_NUM_THREADS", "KMP_AFFINITY", "MALLOC_TRIM_THRESHOLD_"}
    foreign |= {"OPENBLAS_CORETYPE", "MKL_NUM_THREADS", "GLIBC_TUNABLES", "LD_PRELOAD"}
    for name in (*foreign, "OPENBLAS_NUM_THREADS", "HARMLESS"):
        monkeypatch.setenv(name, "7")
    found = clean_environment({})
    assert not foreign & set(found)
    kept = {"ORT_DISABLE_TELEMETRY": "1", "OPENBLAS_NUM_THREADS": "1", "HARMLESS": "7"}
    own = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "ORT_DISABLE_TELEMETRY": "0"}
    assert (kept.items() <= found.items(), own.items() <= clean_environment(own).items()) == (True, True)


FORK = """
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(os.path.join(job["folder"], str(other.pid)), "w").close()
"""


@posix
@pytest.mark.parametrize(
    ("last", "kind", "words"),
    [
        pytest.param(None, "unsupported", "子进程还在跑", id="after a good report"),
        pytest.param("os.abort()", "crashed", "SIGABRT", id="after a crash"),
        pytest.param(say({"error": "no"}) + "sys.exit(1)", "crashed", "no", id="after an error"),
        pytest.param("print('{', flush=True)\ntime.sleep(60)", "timeout", "超过 2 秒仍未结束，已终止", id="it hangs"),
    ],
)  # fmt: skip
def test_what_a_child_leaves_is_ended(stage: Stage, last: str | None, kind: str, words: str) -> None:
    """It is not waited for, even if it holds the pipe. One that ended before its parent is none that was left."""
    over = "subprocess.Popen(['true'])\ntime.sleep(0.2)\n"
    assert last or stage.run(over + stage.report + "os._exit(0)").failure is None
    outcome = stage.run(FORK + (last or stage.report), timeout_s=2)
    found, reason = failure_of(outcome)
    assert (found, words in reason, outcome.wall_s < 10) == (kind, True, True)
    stage.all_ended(1, seconds=1)


COMPANY = """
note = os.path.join(job["folder"], str(os.getpid()))
def beats():
    return {name: os.path.getsize(os.path.join(job["folder"], name)) for name in os.listdir(job["folder"])}
def beat():
    with open(note, "a") as file:
        file.write("x")
def run_until_killed():
    beat()
    print("ready", flush=True)
    for _ in range(3000):
        beat()
        time.sleep(0.01)
"""
"""Company leaves a note under its process id that grows for as long as it runs."""


def test_company_runs_while_the_measured_process_runs_and_is_gone_afterwards(stage: Stage) -> None:
    """What the company has forked is gone, too."""
    fork = FORK.replace("\n", "\n    ") if sys.platform != "win32" else ""
    text = f"""{COMPANY}
if job.get("company"):
    beat(){fork}
    run_until_killed()
before, deadline = beats(), time.monotonic() + 10
while sum(size > before.get(name, 0) + 3 for name, size in beats().items()) < job["processes"] - 1:
    assert time.monotonic() < deadline
    time.sleep(0.01)
"""
    outcome = stage.run(text + stage.report, processes=3)
    assert (outcome.failure, outcome.figures) == (None, stage.figures)
    stage.all_ended(4 if fork else 2, seconds=1)


@pytest.mark.parametrize(
    ("company", "kind"),
    [
        pytest.param("run_until_killed()", "unsupported", id="the measured one fails"),
        pytest.param("first or time.sleep(60)", "crashed", id="one says nothing"),
        pytest.param('first or print(\'{"error": "no"}\')', "crashed", id="one reports an error"),
        pytest.param("print('ready', flush=True); sys.exit(0)", "crashed", id="it ends too early"),
    ],
)
def test_failure_of_company_is_the_case_s(stage: Stage, monkeypatch: Any, company: str, kind: str) -> None:
    """The first of the two is under way, the second one never is: the measured one is not even started."""
    monkeypatch.setattr(child, "READY_SECONDS", 2.0)
    last = say({"unsupported": "没有"}) if kind == "unsupported" else "time.sleep(0.3)\n" + say({"lines": {}})
    words = "没有" if kind == "unsupported" else "同时运行的另一个进程"
    as_company = f"    first = not beats()\n    beat()\n    {company}\n    run_until_killed()\n"
    outcome = stage.run(f"{COMPANY}\nif job.get('company'):\n{as_company}{last}", processes=3)
    found, reason = failure_of(outcome)
    assert (found, words in reason, outcome.wall_s < 10) == (kind, True, True)
    stage.all_ended(2)


@posix
@pytest.mark.parametrize("running", [1, 2], ids=["company starts", "company runs"])
def test_interrupting_the_runner_ends_every_child(stage: Stage, running: int) -> None:
    """Nor does the timer that waits for company keep the interpreter from ending."""
    main, threads = threading.main_thread(), threading.active_count()

    def interrupt() -> None:
        assert main.ident
        wait_for(lambda: len(stage.pids()) == running)
        time.sleep(0.2)  # the runner waits for them by then
        signal.pthread_kill(main.ident, signal.SIGALRM)

    # SIGINT itself is ignored in a background job.
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    company = "time.sleep(beat() or 60)" if running == 1 else "run_until_killed()"
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            stage.run(COMPANY + company, processes=2)
    finally:
        signal.signal(signal.SIGALRM, before)
    thread.join()
    stage.all_ended(running)
    wait_for(lambda: threading.active_count() <= threads, 1.0)


GOOD = Make().figures().model_dump()


@pytest.mark.parametrize(
    ("status", "report", "log", "kind", "words"),
    [
        (0, b"hello", "", "garbage", "不合格"), (0, b"[1, 2]", "", "garbage", "不合格"),
        (0, b'{"ok": {', "", "garbage", "不合格"), (0, bytes(range(256)), "", "garbage", "不合格"),
        (0, {"ok": {"latencies_ns": [1]}}, "", "garbage", "不合格：ok."),
        (0, {"lines": ["no headings"]}, "", "garbage", "lines"), (0, {"lines": {"table": 7}}, "", "garbage", "lines.table"),
        (1, {"surprise": 1}, "", "garbage", "surprise"), (1, {}, "", "crashed", "未说明"),
        (1, {"error": "ValueError: wrong"}, "", "crashed", "wrong"), (1, {"error": "std::bad_alloc"}, "", "out_of_memory", "bad_alloc"),
        (1, {"error": "MemoryError: "}, "", "out_of_memory", "MemoryError"), (1, {"unsupported": "没有"}, "", "unsupported", "没有"),
        (1, b"", "Traceback\nRuntimeError: no luck\n\n", "crashed", "退出码 1，没有报告。RuntimeError: no luck"),
        (-signal.SIGSEGV, b"", "", "crashed", "SIGSEGV"), (-9, b"", "", "out_of_memory", "SIGKILL"),
        (-signal.SIGABRT, {"error": "no"}, "", "crashed", "SIGABRT"), (None, b"", "", "timeout", "超过 60 秒"),
        (0, {"ok": GOOD | {"outputs": GOOD["outputs"] | {"finite": False}}}, "", "not_finite", "输出含 NaN 或无穷大"),
        *((0, {"ok": GOOD | {"outputs": GOOD["outputs"] | {"difference": one}}}, "", "garbage", "outputs.difference") for one in (-1, float("nan"), float("inf"), "fast")),
        (0, {"ok": GOOD | {"phases": {"steady": GOOD["phases"]["steady"] | {"cpu_ns": -1}}}}, "", "garbage", "steady.cpu_ns"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_a_failure(status: Any, report: Any, log: str, kind: str, words: str) -> None:
    output = report if isinstance(report, bytes) else json.dumps(report).encode()
    found = ending.read(status, output, log, 60.0)
    assert isinstance(found, Failure)
    assert (found.kind, words in found.reason, "\n" in found.reason) == (kind, True, False)


def test_full_disk_is_no_fault_of_the_case() -> None:
    told = "OSError: [Errno 28] No space left on device"
    for report, log in (json.dumps({"error": told}).encode(), ""), (b"", f"x\n{told}\n\n"):
        with pytest.raises(OSError, match="No space left"):
            ending.read(1, report, log, 1.0)


def test_reason_is_one_short_line_without_folders_and_colours() -> None:
    text = f"{ROOT}/build/a.onnx, {sys.prefix}/lib/b.py, {Path.home()}/c\n\tfrom /data/m-01/m.onnx\r\n  failed\x00\u2028now\x7f"
    assert ending.clean_text(text) == "a.onnx, b.py, c from m.onnx failed now"
    coloured = "\x1b[1;31m26 [E:onnxruntime:] bad\x1b[m \x1b[0;93mworse\x1b[0m"
    assert ending.clean_text(coloured + "很" * 10_000) == "26 [E:onnxruntime:] bad worse" + "很" * 271

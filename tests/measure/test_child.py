"""One child, one report: whatever else a child does becomes a failure with its reason, and nothing outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from real_children import TIMEOUT_S, failure_of, posix

from bench.measure import child
from bench.measure.child import WORKER, clean_environment, run_script, run_worker
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from samples import Make

    Script = Callable[[str], Path]

LOST = "同时运行的另一个进程"


def say(report: object) -> str:
    return f"print({json.dumps(report)!r}, flush=True)\n"


def _run(timeout_s: float = TIMEOUT_S, **job: Any) -> child.Outcome:
    return run_worker(job, {}, timeout_s)


def test_report_log_job_environment_and_parent_arrive(script: Script, make: Make) -> None:
    """However long the log is."""
    figures = make.figures()
    told = "sys.stderr.write(f'{job} {os.environ[\"CASE\"]} {os.getppid()}')\nsys.stderr.write('x' * 5_000_000)\n"
    script(told + say({"ok": figures.model_dump()}))
    outcome = run_worker({"one": [1, 2]}, {"CASE": "x"}, TIMEOUT_S)
    assert (outcome.figures, outcome.failure) == (figures, None)
    job = {"one": [1, 2], "parent_pid": os.getpid()}
    assert outcome.log.startswith(f"{job} x {os.getpid()}xxx")
    assert len(outcome.log) > 5_000_000
    assert 0 < outcome.wall_s < TIMEOUT_S


def test_lines_of_a_report_are_kept_under_their_headings_without_colours_and_folders(script: Script) -> None:
    coloured = "\x1b[1;31m[E:onnxruntime:, a.cc] /home/somebody/a.onnx\x1b[m"
    script(say({"lines": {"/home/somebody/healthy": [], "error": [coloured, "异常" * 999]}}))
    outcome = _run()
    assert (outcome.figures, outcome.failure) == (None, None)
    assert outcome.lines == {"healthy": [], "error": ["[E:onnxruntime:, a.cc] a.onnx", "异常" * 250]}


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        pytest.param("raise RuntimeError('no luck')", "crashed", "没有报告。RuntimeError: no luck", id="exception"),
        pytest.param("sys.exit(0)", "crashed", "退出码 0，没有报告", id="exit 0 without a report"),
        pytest.param("os._exit(7)", "crashed", "退出码 7", id="exit 7"),
        pytest.param("os.write(1, bytes(range(256)))", "garbage", "不合格", id="bytes"),
        pytest.param(say({"unsupported": "没有"}) + "sys.exit(1)", "unsupported", "没有", id="told"),
        pytest.param("os.kill(os.getpid(), 11)", "crashed", "SIGSEGV", marks=posix, id="SEGV"),
        pytest.param("os.kill(os.getpid(), 9)", "out_of_memory", "SIGKILL", marks=posix, id="KILL"),
        pytest.param(say({"error": "no"}) + "os.abort()", "crashed", "SIGABRT", marks=posix, id="after a report"),
    ],
)  # fmt: skip
def test_failure_is_data(script: Script, text: str, kind: str, words: str) -> None:
    script(text)
    found, reason = failure_of(_run())
    assert (found, words in reason, "\n" in reason) == (kind, True, False)


def test_child_that_does_not_read_its_job(script: Script) -> None:
    script("").write_text("raise SystemExit('deaf')")
    kind, reason = failure_of(_run(long="x" * 1_000_000))
    assert (kind, "deaf" in reason) == ("crashed", True)


def test_caller_cannot_tilt_a_case_but_the_case_may(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = {"ORT_LOG_LEVEL", "OMP_NUM_THREADS", "KMP_AFFINITY", "MALLOC_TRIM_THRESHOLD_"}
    foreign |= {"OPENBLAS_CORETYPE", "MKL_NUM_THREADS", "GLIBC_TUNABLES", "LD_PRELOAD"}
    for name in (*foreign, "OPENBLAS_NUM_THREADS", "HARMLESS"):
        monkeypatch.setenv(name, "7")
    found = clean_environment({})
    assert not foreign & set(found)
    assert (found["ORT_DISABLE_TELEMETRY"], found["OPENBLAS_NUM_THREADS"], found["HARMLESS"]) == (
        "1",
        "1",
        "7",
    )
    own = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "ORT_DISABLE_TELEMETRY": "0"}
    assert own.items() <= clean_environment(own).items()


STUB = f"""
sys.path.insert(0, {str(WORKER.parent)!r})
from counters import die_with_parent
die_with_parent(job["parent_pid"])
"""
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


def _ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_for(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _pids(notes: Path) -> list[int]:
    """Processes that were there, by the notes that they leave."""
    return [int(path.name) for path in notes.iterdir()]


def _all_ended(notes: Path, seconds: float = 0) -> bool:
    return _wait_for(lambda: all(map(_ended, _pids(notes))), seconds)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"


FORK = """
import subprocess
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
def test_processes_that_a_child_leaves_behind_are_ended_and_never_waited_for(
    script: Script, notes: Path, make: Make, last: str | None, kind: str, words: str
) -> None:
    """Even if they hold its pipe."""
    script(FORK + (say({"ok": make.figures().model_dump()}) if last is None else last))
    outcome = _run(timeout_s=2.0, folder=str(notes))
    found, reason = failure_of(outcome)
    assert (found, words in reason, outcome.wall_s < 10) == (kind, True, True)
    assert len(_pids(notes)) == 1
    assert _all_ended(notes, 1)


@posix
def test_process_that_ended_before_its_parent_is_none_that_was_left(script: Script, make: Make) -> None:
    over = "import subprocess\nother = subprocess.Popen(['true'])\ntime.sleep(0.2)\n"
    script(over + say({"ok": make.figures().model_dump()}) + "os._exit(0)")
    assert _run().failure is None


@posix
@pytest.mark.parametrize("processes", [1, 2])
def test_children_end_within_a_second_of_a_killed_parent(script: Script, notes: Path, processes: int) -> None:
    """And at once where the parent died before they could ask."""
    stub = script(f"{STUB}{COMPANY}run_until_killed()\ntime.sleep(60)")
    job = {"folder": str(notes), "processes": processes}
    parent_code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from bench.measure import child
child.WORKER = Path({str(stub)!r})
child.run_worker({job!r}, {{}}, 60.0)
"""
    parent = subprocess.Popen([sys.executable, "-c", parent_code])
    try:
        assert _wait_for(lambda: len(_pids(notes)) == processes)
        assert not any(_ended(pid) for pid in _pids(notes))
    finally:
        parent.kill()
        parent.wait()
    assert _all_ended(notes, 1)  # those that outlive it end by themselves within a minute
    late = {**job, "parent_pid": os.getpid() + 1}
    assert run_script(stub, late, {}, TIMEOUT_S)[:2] == (1, b"")


@pytest.mark.parametrize("processes", [1, 3])
def test_company_runs_while_the_measured_process_runs_and_is_gone_afterwards(
    script: Script, notes: Path, make: Make, processes: int
) -> None:
    """What the company has forked is gone, too."""
    fork = FORK if sys.platform != "win32" else ""
    text = f"""{COMPANY}
if job.get("company"):
    beat(){fork.replace(chr(10), chr(10) + "    ")}
    run_until_killed()
before, deadline = beats(), time.monotonic() + 10
while sum(size > before.get(name, 0) + 3 for name, size in beats().items()) < job["processes"] - 1:
    assert time.monotonic() < deadline
    time.sleep(0.01)
"""
    script(text + say({"ok": make.figures().model_dump()}))
    outcome = _run(folder=str(notes), processes=processes)
    assert (outcome.failure, outcome.figures) == (None, make.figures())
    assert len(_pids(notes)) == (processes - 1) * (2 if fork else 1)
    assert _all_ended(notes, 1)


@pytest.mark.parametrize(
    ("company", "kind", "words"),
    [
        pytest.param("run_until_killed()", "unsupported", "没有这个选项", id="the measured one fails"),
        pytest.param("first or time.sleep(60)", "crashed", LOST, id="one says nothing"),
        pytest.param("first or sys.exit(0)", "crashed", LOST, id="one ends at once"),
        pytest.param('first or print(\'{"error": "no"}\')', "crashed", LOST, id="one reports an error"),
        pytest.param("print('ready', flush=True); sys.exit(0)", "crashed", LOST, id="it ends too early"),
    ],
)
def test_failure_of_company_is_one_of_the_case_and_nothing_is_left_behind(
    script: Script, notes: Path, monkeypatch: pytest.MonkeyPatch, company: str, kind: str, words: str
) -> None:
    """The first of the two is under way, the second one never is: the measured one is not even started."""
    monkeypatch.setattr(child, "READY_SECONDS", 2.0)
    failing, late = say({"unsupported": "没有这个选项"}), "time.sleep(0.3)\n" + say({"lines": {}})
    last = failing if kind == "unsupported" else late
    script(
        f"{COMPANY}\nif job.get('company'):\n    first = not beats()\n    beat()\n    {company}\n"
        f"    run_until_killed()\n{last}"
    )
    outcome = _run(folder=str(notes), processes=3)
    found, reason = failure_of(outcome)
    assert (found, words in reason, outcome.wall_s < 10) == (kind, True, True)
    assert (len(_pids(notes)), _all_ended(notes)) == (2, True)


@posix
@pytest.mark.parametrize("stage", ["alone", "company starts", "company runs"])
def test_interrupting_the_runner_ends_every_child(script: Script, notes: Path, stage: str) -> None:
    """Nor does the timer that waits for company keep the interpreter from ending."""
    script(COMPANY + ("beat()" if stage == "company starts" else "run_until_killed()") + "\ntime.sleep(60)")
    expected, processes = (2 if stage == "company runs" else 1), (1 if stage == "alone" else 2)
    main, threads = threading.main_thread(), threading.active_count()

    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    def interrupt() -> None:
        assert main.ident
        _wait_for(lambda: len(_pids(notes)) == expected)
        time.sleep(0.2)  # the runner waits for them by then
        signal.pthread_kill(main.ident, signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, ctrl_c)  # SIGINT itself is ignored in a background job
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            _run(folder=str(notes), processes=processes)
    finally:
        signal.signal(signal.SIGALRM, before)
    thread.join()
    assert len(_pids(notes)) == expected
    assert _all_ended(notes)
    assert _wait_for(lambda: threading.active_count() <= threads, 1.0)

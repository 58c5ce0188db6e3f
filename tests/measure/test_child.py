"""One child, one report: whatever else a child does becomes a failure with its reason."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from bench.measure import child
from bench.measure.child import WORKER, clean_environment, clean_text, run_script, run_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Make

    Script = Callable[[str], Path]

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 30.0
LISTEN = "import json, os, sys, time\njob = json.loads(sys.stdin.buffer.readline())\n"
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Write a worker of a few lines; it has read its job."""

    def write(text: str) -> Path:
        path = tmp_path / "worker.py"
        path.write_text(LISTEN + text, encoding="utf-8")
        return path

    return write


def _say(report: object) -> str:
    return f"print({json.dumps(report)!r})\n"


def test_good_report_becomes_figures(script: Script, make: Make) -> None:
    figures = make.figures()
    outcome = run_worker({}, {}, TIMEOUT_S, script(_say({"ok": figures.model_dump()})))
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
    text = "sys.stderr.write('BENCH RUN 1\\n')\n" + _say({"ok": make.figures().model_dump()})
    assert run_worker({}, {}, TIMEOUT_S, script(text)).log == "BENCH RUN 1\n"


def test_long_log_does_not_block_the_child(script: Script, make: Make) -> None:
    text = "sys.stderr.write('x' * 5_000_000)\n" + _say({"ok": make.figures().model_dump()})
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
        pytest.param(_say({"ok": {"latency_ns": 1}}), "garbage", "不合格", id="figures missing"),
        pytest.param(_say({}), "crashed", "未说明", id="empty report"),
        pytest.param(_say({"error": "ValueError: wrong"}), "crashed", "wrong", id="told error"),
        pytest.param(_say({"error": "std::bad_alloc"}), "out_of_memory", "bad_alloc", id="bad_alloc"),
        pytest.param(_say({"error": "MemoryError: "}), "out_of_memory", "MemoryError", id="MemoryError"),
        pytest.param(_say({"surprise": 1}), "garbage", "surprise", id="unknown report"),
        pytest.param(_say({"unsupported": "没有这个选项"}), "unsupported", "没有这个选项", id="unsupported"),
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
    text = _say({"ok": make.figures().model_dump()}) + "sys.stdout.flush()\nos.abort()"
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
    outcome = run_worker({}, {}, TIMEOUT_S, script(_say(report)))
    assert outcome.failure is not None
    assert (outcome.failure.kind, name in outcome.failure.reason) == ("garbage", True)


def test_outputs_that_are_not_finite_are_a_failure_of_their_own(script: Script, make: Make) -> None:
    report = {"ok": {**make.figures().model_dump(), "outputs_finite": False}}
    outcome = run_worker({}, {}, TIMEOUT_S, script(_say(report)))
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


STUB = f"""
import sys
sys.path.insert(0, {str(WORKER.parent)!r})
from worker import die_with_parent
die_with_parent(job["parent_pid"])
"""


def _ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@posix
def test_child_ends_within_a_second_of_a_killed_parent(script: Script, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    stub = script(STUB + "open(job['note'], 'w').write(f'{os.getpid()} ')\ntime.sleep(60)")
    parent_code = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from bench.measure.child import run_script
run_script(Path({str(stub)!r}), {{"parent_pid": os.getpid(), "note": {str(note)!r}}}, {{}}, 60.0)
"""
    parent = subprocess.Popen([sys.executable, "-c", parent_code])
    try:
        assert _wait_for(lambda: note.exists() and note.read_text().endswith(" "), 20)
        child = int(note.read_text())
        assert not _ended(child)
        parent.kill()
        parent.wait()
        assert _wait_for(lambda: _ended(child), 1.0)
    finally:
        parent.kill()
        parent.wait()
        if note.exists() and not _ended(int(note.read_text())):
            os.kill(int(note.read_text()), signal.SIGKILL)


@posix
def test_child_whose_parent_died_before_it_could_ask_ends_at_once(script: Script) -> None:
    status, output, _ = run_script(
        script(STUB + "print('alive')"), {"parent_pid": os.getpid() + 1}, {}, TIMEOUT_S
    )
    assert (status, output) == (1, b"")


@posix
def test_interrupting_the_runner_ends_the_child(script: Script, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    stub = script("open(job['note'], 'w').write(str(os.getpid()))\ntime.sleep(60)")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_script(stub, {"note": str(note)}, {}, TIMEOUT_S)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert _ended(int(note.read_text()))


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
LOST = "同时运行的另一个进程"


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def _pids(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir()]


@pytest.mark.parametrize("processes", [2, 3])
def test_company_runs_while_the_measured_process_runs_and_is_gone_afterwards(
    script: Script, tmp_path: Path, make: Make, processes: int
) -> None:
    folder = _folder(tmp_path)
    text = f"""{COMPANY}
if job.get("company"):
    run_until_killed()
before, deadline = beats(), time.monotonic() + 10
while not all(size > before.get(name, 0) + 3 for name, size in beats().items()):
    assert time.monotonic() < deadline
    time.sleep(0.01)
sys.stderr.write(str(len(beats())))
"""
    path = script(text + _say({"ok": make.figures().model_dump()}))
    outcome = run_worker({"folder": str(folder), "processes": processes}, {}, TIMEOUT_S, path)
    assert outcome.failure is None
    assert outcome.figures == make.figures()
    assert outcome.log == str(processes - 1)
    assert len(_pids(folder)) == processes - 1
    assert all(_ended(pid) for pid in _pids(folder))


def test_process_alone_has_no_company(script: Script, make: Make) -> None:
    text = "assert not job.get('company')\n" + _say({"ok": make.figures().model_dump()})
    assert run_worker({"processes": 1}, {}, TIMEOUT_S, script(text)).failure is None


def test_failure_beside_company_is_that_of_the_measured_process(script: Script, tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    text = COMPANY + "if job.get('company'): run_until_killed()\n" + _say({"unsupported": "没有这个选项"})
    outcome = run_worker({"folder": str(folder), "processes": 2}, {}, TIMEOUT_S, script(text))
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.failure.reason) == ("unsupported", "没有这个选项")
    assert all(_ended(pid) for pid in _pids(folder))


@pytest.mark.parametrize(
    "last",
    [
        pytest.param("time.sleep(60)", id="says nothing"),
        pytest.param("sys.exit(0)", id="ends at once"),
        pytest.param('print(\'{"error": "no"}\')', id="reports an error"),
    ],
)
def test_company_that_does_not_get_going_is_a_failure_and_nothing_is_left_behind(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """The first of the two is under way, the second one never is; the measured one is not even started."""
    monkeypatch.setattr(child, "READY_SECONDS", 2.0)
    folder = _folder(tmp_path)
    text = f"""{COMPANY}
first = not beats()
beat()
if first:
    run_until_killed()
{last}
"""
    outcome = run_worker({"folder": str(folder), "processes": 3}, {}, TIMEOUT_S, script(text))
    assert outcome.wall_s < 10
    assert outcome.figures is None
    assert outcome.failure is not None
    assert (outcome.failure.kind, LOST in outcome.failure.reason) == ("crashed", True)
    assert len(_pids(folder)) == 2
    assert all(_ended(pid) for pid in _pids(folder))


def test_company_that_ends_too_early_spoils_the_figures(script: Script, tmp_path: Path, make: Make) -> None:
    """For the rest of the time the measured process would have had the cores to itself."""
    text = "if job.get('company'):\n    print('ready')\n    sys.exit(0)\ntime.sleep(0.3)\n"
    path = script(text + _say({"ok": make.figures().model_dump()}))
    outcome = run_worker({"processes": 2}, {}, TIMEOUT_S, path)
    assert outcome.figures is None
    assert outcome.failure is not None
    assert (outcome.failure.kind, LOST in outcome.failure.reason) == ("crashed", True)


@posix
def test_company_ends_within_a_second_of_a_killed_parent(script: Script, tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    stub = script(f"{STUB}{COMPANY}run_until_killed()")
    parent_code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from bench.measure.child import run_worker
run_worker({{"folder": {str(folder)!r}, "processes": 2}}, {{}}, 60.0, Path({str(stub)!r}))
"""
    parent = subprocess.Popen([sys.executable, "-c", parent_code])
    try:
        assert _wait_for(lambda: len(_pids(folder)) == 2, 20)
        assert not any(_ended(pid) for pid in _pids(folder))
        parent.kill()
        parent.wait()
        assert _wait_for(lambda: all(_ended(pid) for pid in _pids(folder)), 1.0)
    finally:
        parent.kill()
        parent.wait()
        for pid in _pids(folder):
            if not _ended(pid):
                os.kill(pid, signal.SIGKILL)


@posix
@pytest.mark.parametrize("ready", [True, False])
def test_interrupting_the_runner_ends_company_too(script: Script, tmp_path: Path, *, ready: bool) -> None:
    """Nor does the timer that waits for company keep the interpreter from ending."""
    folder, expected = _folder(tmp_path), 2 if ready else 1
    stub = script(COMPANY + ("run_until_killed()" if ready else "beat()\ntime.sleep(60)"))
    main, threads = threading.main_thread(), threading.active_count()

    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    def interrupt() -> None:
        assert main.ident
        _wait_for(lambda: len(_pids(folder)) == expected, 20)
        time.sleep(0.2)  # the runner waits for them by then
        signal.pthread_kill(main.ident, signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, ctrl_c)  # SIGINT itself is ignored in a background job
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run_worker({"folder": str(folder), "processes": 2}, {}, TIMEOUT_S, stub)
    finally:
        signal.signal(signal.SIGALRM, before)
    thread.join()
    assert len(_pids(folder)) == expected
    assert all(_ended(pid) for pid in _pids(folder))
    assert _wait_for(lambda: threading.active_count() <= threads, 1.0)

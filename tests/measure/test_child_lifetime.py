"""A child does not outlive its parent, nor does the company that runs beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from children import TIMEOUT_S, posix, say

from bench.measure import child
from bench.measure.child import WORKER, run_script, run_worker
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Make

    Script = Callable[[str], Path]


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
    path = script(text + say({"ok": make.figures().model_dump()}))
    outcome = run_worker({"folder": str(folder), "processes": processes}, {}, TIMEOUT_S, path)
    assert outcome.failure is None
    assert outcome.figures == make.figures()
    assert outcome.log == str(processes - 1)
    assert len(_pids(folder)) == processes - 1
    assert all(_ended(pid) for pid in _pids(folder))


def test_process_alone_has_no_company(script: Script, make: Make) -> None:
    text = "assert not job.get('company')\n" + say({"ok": make.figures().model_dump()})
    assert run_worker({"processes": 1}, {}, TIMEOUT_S, script(text)).failure is None


def test_failure_beside_company_is_that_of_the_measured_process(script: Script, tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    text = COMPANY + "if job.get('company'): run_until_killed()\n" + say({"unsupported": "没有这个选项"})
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
    path = script(text + say({"ok": make.figures().model_dump()}))
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

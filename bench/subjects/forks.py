"""A session and fork: what still runs in the child, what hangs, what crashes; and how long opening holds the other threads up.

Every cell runs in a process of its own, this file as a script, with a limit of time: hanging is a result. What forks
is ended by the kernel with its parent.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

TITLE = "fork 与会话"
LIMIT_S = 4.0
"""Longer than any of these takes that does not hang."""
ASLEEP_S = 0.5
"""Until the workers of a pool have stopped spinning."""
ENDINGS = {"delete": "删会话", "leave": "退出"}
BEFORE, AGAIN, IMPORTED, CHILD, SPAWN = "before", "again", "imported", "child", "spawn"
"""The child uses the parent's session; has one of its own beside it; has the only one, but the parent has imported the
library, or has not; is a new interpreter."""
TICK_S = 0.0005
TELEMETRY = "telemetry"
"""Leave on what is switched off wherever else we measure: without a network, and with a home of its own."""
NEW_USER, NEW_NET = 0x10000000, 0x40000000
"""CLONE_NEWUSER, CLONE_NEWNET"""
NO_SUCH_PLACE = 3


def load():
    """Nothing: every cell imports for itself."""


def report(job):
    """Lines: what came of each way to have a session and a fork, and of opening one beside another thread."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not hasattr(os, "fork"):
        return {"forks": ["这个系统没有 fork"], "gil": [_pauses(job)]}
    rows = {
        "父进程的会话，1 线程": (BEFORE, {"intra_op_num_threads": 1}),
        "父进程的会话，1 线程，遥测开着": (BEFORE, {"intra_op_num_threads": 1, TELEMETRY: True}),
        "父进程的会话，默认线程": (BEFORE, {}),
        f"父进程的会话，{2 * cores} 线程": (BEFORE, {"intra_op_num_threads": 2 * cores}),
        "父进程的会话，ORT_PARALLEL": (BEFORE, {"intra_op_num_threads": 1, "inter_op_num_threads": 2, "parallel": True}),
        "父进程有会话，子进程另建": (AGAIN, {}),
        "父进程只导入，子进程里才建，遥测开着": (IMPORTED, {"intra_op_num_threads": 1, TELEMETRY: True}),
        "父进程只导入，子进程里才建": (IMPORTED, {}),
        "子进程里才导入、才建": (CHILD, {}),
        "父进程有会话，spawn 的子进程里建": (SPAWN, {}),
    }  # fmt: skip
    return {"forks": [_row(job, *row) for row in rows.items()], "gil": [_pauses(job)]}


def _row(job, title, how):
    way, settings = how
    told = {ending: _cell({**job, "way": way, "own": settings, "ending": ending}) for ending in ENDINGS}
    if None in told.values():
        return f"{title}：没有测，这里不能把一个进程的网断开"
    ran = next(iter(told.values()))["ran"]
    inference = f"推理 {ran['ms']:.0f} ms（{ran['threads']} 个线程）" if ran else "推理卡住"
    ends = (f"{ENDINGS[ending]}{_how_it_ended(one)}" for ending, one in told.items() if one["ran"])
    return f"{title}：{'，'.join([inference, *ends])}"


def _how_it_ended(told):
    status = told["status"]
    if status is None:
        return "卡住"
    return (
        "正常"
        if status == 0
        else f"崩溃（{signal.Signals(-status).name}）"
        if status < 0
        else f"出错（{status}）"
    )


def _cell(job):
    """{"ran": milliseconds and threads of an inference in the child or None, "status": how it ended; None: it hangs}.

    None: there is no place for it here.
    """
    with tempfile.TemporaryDirectory() as home:
        env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
        done = subprocess.run(
            [sys.executable, "-I", __file__], input=json.dumps(job), capture_output=True, text=True, check=False,
            timeout=30 + 3 * LIMIT_S, env={**env, "HOME": home} if TELEMETRY in job["own"] else None,
        )  # fmt: skip
    if done.returncode == NO_SUCH_PLACE:
        return None
    done.check_returncode()
    return json.loads(done.stdout.splitlines()[-1])


def _leave_the_network():
    """Whether the kernel lets this process."""
    return sys.platform == "linux" and ctypes.CDLL(None).unshare(NEW_USER | NEW_NET) == 0


def _die_with_parent():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _cell_itself(job):
    """The parent of the fork."""
    if TELEMETRY in job["own"] and not _leave_the_network():
        sys.exit(NO_SUCH_PLACE)
    if job["way"] == IMPORTED:
        import onnxruntime  # noqa: F401
    held = [] if job["way"] in (IMPORTED, CHILD) else [_open(job)]
    if held:
        held[0].run(None, _feed(job))
    time.sleep(ASLEEP_S)
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        _die_with_parent()
        if job["way"] == SPAWN:
            os.dup2(writing, 1)
            os.execv(sys.executable, [sys.executable, "-I", __file__, json.dumps({**job, "way": CHILD})])  # noqa: S606
        _child(job, held, writing)
    os.close(writing)
    told = os.read(reading, 1000) if select.select([reading], [], [], LIMIT_S)[0] else b""
    status = _ended(pid)
    print(json.dumps({"ran": json.loads(told) if told else None, "status": status}), flush=True)
    os._exit(0)


def _ended(pid):
    """Exit status or minus the signal; None: it was still there after the limit, and was killed."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _child(job, held, writing):
    """What a worker process of a service does: infer, tell, end."""
    if job["way"] != BEFORE:
        held.append(_open(job))
    session, feed = held[-1], _feed(job)
    session.run(None, feed)
    start = time.perf_counter()
    session.run(None, feed)
    ms = (time.perf_counter() - start) * 1e3
    threads = len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else 0  # noqa: PTH110, PTH208
    os.write(writing, json.dumps({"ms": ms, "threads": threads}).encode())
    if job["ending"] == "leave":
        sys.exit(0)
    del session
    held.clear()
    gc.collect()
    os._exit(0)


def _open(job, model=None):
    import onnxruntime as ort

    options = ort.SessionOptions()
    for name, value in {**job["settings"], **job["own"]}.items():
        if name == TELEMETRY:
            continue
        if name == "parallel":
            options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
        elif "." in name:
            options.add_session_config_entry(name, value)
        else:
            setattr(options, name, value)
    return ort.InferenceSession(model or job["model"], options, providers=["CPUExecutionProvider"])


def _feed(job):
    import numpy as np

    shapes = job["shapes"][0]
    files = job["inputs"][0].items()
    return {name: np.array(np.load(path)[tuple(slice(n) for n in shapes[name])]) for name, path in files}


def _pauses(job):
    """How long another Python thread stands still while a session is opened, from a path and from bytes."""
    said = []
    for title, way in (("按路径", "path"), ("按字节", "bytes")):
        done = subprocess.run(
            [sys.executable, "-I", __file__], input=json.dumps({**job, "own": {}, "way": way}),
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        told = json.loads(done.stdout.splitlines()[-1])
        said.append(f"{title}打开 {told['open_ms']:.0f} ms，别的 Python 线程最长停 {told['pause_ms']:.0f} ms")
    return "；".join(said)


def _pause_itself(job):
    """A thread opens; this one looks at the clock."""
    import onnxruntime  # noqa: F401 - importing is no part of opening

    taken = []

    def opens():
        start = time.perf_counter()
        with open(job["model"], "rb") as file:  # noqa: PTH123
            model = file.read() if job["way"] == "bytes" else None
        held.append(_open(job, model))
        taken.append(time.perf_counter() - start)

    held = []
    thread = threading.Thread(target=opens)
    longest, last = 0.0, time.perf_counter()
    thread.start()
    while thread.is_alive():
        time.sleep(TICK_S)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    print(json.dumps({"open_ms": taken[0] * 1e3, "pause_ms": longest * 1e3}), flush=True)
    os._exit(0)


def main():
    _die_with_parent()
    job = json.loads(sys.argv[1] if len(sys.argv) > 1 else sys.stdin.readline())
    if job["way"] in ("path", "bytes"):
        _pause_itself(job)
    elif len(sys.argv) > 1:
        _child(job, [], 1)
    else:
        _cell_itself(job)


if __name__ == "__main__":
    main()

"""One case in one clean process: job on stdin, one JSON report on the original stdout.

Run as `python -I worker.py`. Self-contained on purpose: NumPy and onnxruntime are all that is
imported, so that the process measured is the process a reader would have. Everything printed by
anybody else goes to stderr.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import threading
import time
from array import array
from pathlib import Path

STARTED_NS = time.perf_counter_ns()
MIB = 1 << 20
PR_SET_PDEATHSIG, SIGKILL, VERBOSE = 1, 9, 0
WARNED, WARNED_RUN = ("session.intra_op.spin_duration_us", "abc"), 4
CLEAR_PEAK = "5"  # proc(5), /proc/pid/clear_refs: reset the peak resident set size


class Unsupported(Exception):
    """The installed ORT lacks something that the case asks for."""


def die_with_parent(parent_pid: int) -> None:
    """End this process when its parent ends: an orphan would disturb the next measurement."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
    else:
        threading.Thread(target=_exit_at_end_of_stdin, daemon=True).start()
    if sys.platform != "win32" and os.getppid() != parent_pid:
        os._exit(1)


def _exit_at_end_of_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


class Memory:
    """Resident memory of this process in bytes, from the kernel's own marks where it keeps them."""

    def __init__(self) -> None:
        self._status = Path("/proc/self/status")
        self.exact_peak = self._status.exists() and self._try_reset()

    def _try_reset(self) -> bool:
        try:
            self.reset_peak()
        except OSError:
            return False
        return True

    def reset_peak(self) -> None:
        Path("/proc/self/clear_refs").write_text(CLEAR_PEAK)

    def resident(self) -> int | None:
        return self._field("VmRSS:")

    def peak(self) -> int | None:
        return self._field("VmHWM:") if self.exact_peak else None

    def _field(self, name: str) -> int | None:
        if not self._status.exists():
            return _psutil_resident() if name == "VmRSS:" else None
        for line in self._status.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
        return None


def _psutil_resident() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def thread_ids() -> set[int] | None:
    tasks = Path("/proc/self/task")
    return {int(task.name) for task in tasks.iterdir()} if tasks.exists() else None


def pinned(threads: set[int]) -> int:
    """How many of these threads may not run where this process may: they are bound to cores of their own."""
    own = os.sched_getaffinity(0)
    return sum(os.sched_getaffinity(thread) != own for thread in threads)


def usage() -> tuple[int, int] | None:
    """(minor page faults, involuntary context switches) so far; None where unknown."""
    try:
        import resource
    except ImportError:
        return None
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_minflt, now.ru_nivcsw


def trim() -> bool:
    """Ask glibc to return free memory; False where there is no such call."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return False
    return True


class HugePageWatch(threading.Thread):
    """Largest AnonHugePages seen while running: only for untimed children, it polls."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.largest_bytes = 0
        self._stopped = threading.Event()

    def run(self) -> None:
        rollup = Path("/proc/self/smaps_rollup")
        while rollup.exists() and not self._stopped.wait(0.01):
            for line in rollup.read_text().splitlines():
                if line.startswith("AnonHugePages:"):
                    self.largest_bytes = max(self.largest_bytes, int(line.split()[1]) * 1024)

    def stop(self) -> int:
        self._stopped.set()
        self.join()
        return self.largest_bytes


def session_options(ort, job):
    """(SessionOptions as the case writes them, attributes that it sets to what they are anyway); dotted keys are entries."""
    options, unchanged = ort.SessionOptions(), []
    for name, value in job["settings"].items():
        if "." in name:
            options.add_session_config_entry(name, value)
        elif not hasattr(options, name):
            raise Unsupported(f"SessionOptions.{name} 在 onnxruntime {ort.__version__} 中不存在")
        else:
            wanted = _enum(ort, name, value)
            unchanged += [name] if getattr(options, name) == wanted else []
            setattr(options, name, wanted)
    if job["verbose"]:
        if "log_severity_level" not in job["settings"]:
            options.log_severity_level = VERBOSE
        ort.set_default_logger_severity(VERBOSE)  # the arena speaks through the default logger
        if "enable_profiling" not in job["settings"]:  # what a case sets itself must show by itself
            options.enable_profiling = True
    if options.enable_profiling:
        options.profile_file_prefix = job["trace_prefix"]
    return options, unchanged


def _enum(ort, name, value):
    kinds = {"graph_optimization_level": "GraphOptimizationLevel", "execution_mode": "ExecutionMode"}
    return getattr(getattr(ort, kinds[name]), value) if name in kinds else value


def limit_cpus(count) -> None:
    """Run on so many first cores of the affinity mask only, as a container with fewer cores does; None: on all."""
    if count is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def run_options(ort, job):
    if not job["run_settings"]:
        return None
    options = ort.RunOptions()
    for key, value in job["run_settings"].items():
        options.add_run_config_entry(key, value)
    return options


def register_shared_arena(ort, job) -> None:
    """Register one arena on the environment, for sessions with `session.use_env_allocators`."""
    if job["shared_arena"]:
        info = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
        ort.create_and_register_allocator(info, ort.OrtArenaCfg(job["shared_arena"]))


def new_session(ort, job, options):
    """The session under measurement; `known.py` puts something of known cost in its place."""
    return ort.InferenceSession(job["model"], sess_options=options, providers=["CPUExecutionProvider"])


class Feeds:
    """The feeds of one run. A single one is made once; several are cut anew for every call."""

    def __init__(self, np, job) -> None:
        self._np, self._name = np, job["input_name"]
        array = np.load(job["input"], mmap_mode="r")
        self._cuts = [array[tuple(slice(n) for n in shape)] for shape in job["shapes"]]
        self._only = self._fresh(0) if len(self._cuts) == 1 else None

    def __len__(self) -> int:
        return len(self._cuts)

    def __getitem__(self, index: int):
        return self._only or self._fresh(index)

    def _fresh(self, index: int):
        return {self._name: self._np.array(self._cuts[index], order="C")}


class Spent:
    """Wall time, CPU time and faults of the calls alone: making feeds is not counted."""

    def __init__(self) -> None:
        self.wall_ns = self.cpu_ns = self.faults = self.switches = 0
        self.known = usage() is not None

    def begin(self) -> None:
        self._usage = usage()
        self._cpu, self._wall = time.process_time_ns(), time.perf_counter_ns()

    def end(self) -> None:
        self.wall_ns += time.perf_counter_ns() - self._wall
        self.cpu_ns += time.process_time_ns() - self._cpu
        if self.known:
            faults, switches = usage()
            self.faults += faults - self._usage[0]
            self.switches += switches - self._usage[1]


def one_run(session, options, feeds, after_call=None, spent=None) -> int:
    """Time of one pass over the feeds in ns per call, as a caller waits for it: freeing the outputs included."""
    total = 0
    for index in range(len(feeds)):
        feed = feeds[index]
        if spent:
            spent.begin()
        start = time.perf_counter_ns()
        outputs = session.run(None, feed, options)
        del outputs
        total += time.perf_counter_ns() - start
        if spent:
            spent.end()
        if after_call:
            after_call()
    return total // len(feeds)


def mark(job, number: int) -> None:
    """Tell the reader of the log where a run begins."""
    if job["observe"]:
        print(f"BENCH RUN {number}", file=sys.stderr, flush=True)


class Latencies:
    """Latencies of the timed loop, kept where no pass makes the process grow."""

    MOST = 1 << 16

    def __init__(self) -> None:
        self._ns = array("q", bytes(8 * self.MOST))
        self.count = 0

    def add(self, latency_ns: int) -> None:
        self._ns[self.count] = latency_ns
        self.count += 1

    @property
    def full(self) -> bool:
        return self.count == self.MOST

    def report(self) -> dict:
        ordered = sorted(self._ns[: self.count])
        return {
            "latency_ns": (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2,
            "fastest_ns": ordered[0],
            "slowest_ns": ordered[-1],
        }


def steady_runs(session, options, feeds, job, latencies) -> dict:
    """The timed loop, with CPU time and page faults per call."""
    spent, start = Spent(), time.perf_counter_ns()
    deadline = start + int(job["min_seconds"] * 1e9)
    while not latencies.full and (
        latencies.count * len(feeds) < job["min_calls"] or time.perf_counter_ns() < deadline
    ):
        latencies.add(one_run(session, options, feeds, spent=spent))
    calls = latencies.count * len(feeds)
    return {
        "loop_ns": time.perf_counter_ns() - start,
        "calls": calls,
        "run_ns": spent.wall_ns,
        "cpu_ns": spent.cpu_ns // calls,
        "minor_faults": spent.faults / calls if spent.known else None,
        "involuntary_switches": spent.switches if spent.known else None,
    }


def idle_cpu_ns(session, options, feeds, seconds: float) -> int | None:
    """CPU time burned while this process has nothing to do, right after a call: that of threads that spin."""
    if not seconds:
        return None
    one_run(session, options, feeds)
    before = time.process_time_ns()
    time.sleep(seconds)
    return time.process_time_ns() - before


def compare_outputs(np, session, options, feeds, job) -> dict:
    """Outputs against the baseline's, after everything else has been measured."""
    kept = {}
    reference = np.load(job["reference"]) if job["reference"] else {}
    identical, largest, finite = True, 0.0, True
    for index in job["verify"]:
        for number, output in enumerate(session.run(None, feeds[index], options)):
            name = f"{index}.{number}"
            finite = finite and bool(np.isfinite(output).all())
            if job["write_reference"]:
                kept[name] = output
            if name in reference:
                identical = identical and np.array_equal(reference[name], output)
                scale = float(np.abs(reference[name]).max()) or 1.0
                largest = max(largest, float(np.abs(reference[name] - output).max()) / scale)
    if kept:
        np.savez(job["write_reference"], **kept)
    return {
        "outputs_compared": len(job["verify"]) if reference else 0,
        "outputs_finite": finite,
        "outputs_identical": identical,
        "outputs_difference": largest,
    }


def be_company(session, options, feeds, channel) -> None:
    """Run until killed; tell the parent when the first runs are over."""
    for _ in range(2):
        one_run(session, options, feeds)
    channel.write("ready\n")
    channel.flush()
    while True:
        one_run(session, options, feeds)


def end_trace(session, options, job) -> int | None:
    """Size of the trace; the file is left only for an observing parent to read."""
    if not options.enable_profiling:
        return None
    trace = Path(session.end_profiling())
    size = trace.stat().st_size
    if job["observe"]:
        trace.rename(job["trace_prefix"])
    else:
        trace.unlink()
    return size


def set_up_wrongly(ort, job) -> None:
    """One more session, with a value that is not a number: at which level does the log still warn?"""
    if job["observe"] and ("log_severity_level" in job["settings"] or not job["verbose"]):
        options, _ = session_options(ort, job)
        options.enable_profiling = False
        options.add_session_config_entry(*WARNED)
        mark(job, WARNED_RUN)
        new_session(ort, job, options)


def measure(job, channel) -> dict:
    """All figures of one process, in the order in which they can be had without disturbing each other."""
    limit_cpus(job["cpus"])
    import numpy as np
    import onnxruntime as ort

    memory = Memory()
    feeds = Feeds(np, job)
    register_shared_arena(ort, job)
    (options, unchanged), run_opts = session_options(ort, job), run_options(ort, job)
    threads_before = thread_ids()
    start = time.perf_counter_ns()
    session = new_session(ort, job, options)
    session_ns = time.perf_counter_ns() - start
    threads = None if threads_before is None else thread_ids() - threads_before
    if job["company"]:
        be_company(session, run_opts, feeds, channel)
    watch = HugePageWatch() if job["observe"] else None
    if watch:
        watch.start()
    gc.collect()
    if memory.exact_peak:
        memory.reset_peak()
    base = memory.resident()
    rss: list[int | None] = []

    def note_rss() -> None:
        rss.append(memory.resident())

    mark(job, 1)
    first = one_run(session, run_opts, feeds, note_rss)
    after_first = memory.resident()
    mark(job, 2)
    second = one_run(session, run_opts, feeds, note_rss)
    after_second = memory.resident()
    mark(job, 3)
    for _ in range(job["warm_up"]):
        one_run(session, run_opts, feeds, note_rss if job["warm_up"] < 20 else None)
    latencies = Latencies()
    before_steady = memory.resident()
    steady = steady_runs(session, run_opts, feeds, job, latencies)
    huge_pages = watch.stop() if watch else None  # it polls: before the idle time, which it would spoil
    idle = idle_cpu_ns(session, run_opts, feeds, job["idle_seconds"])
    kept, peak = memory.resident(), memory.peak()
    if peak is not None and kept is not None:
        peak = max(peak, kept)  # the kernel adds up its counters late: the mark may lag by some pages
    note_rss()
    kept_trimmed = memory.resident() if trim() else None
    report = {
        "onnxruntime": ort.__version__,
        "session_ns": session_ns,
        "first_run_ns": first,
        "second_run_ns": second,
        **steady,
        **latencies.report(),
        "idle_cpu_ns": idle,
        "base_bytes": base,
        "after_first_bytes": after_first,
        "after_second_bytes": after_second,
        "before_steady_bytes": before_steady,
        "peak_bytes": peak,
        "kept_bytes": kept,
        "kept_trimmed_bytes": kept_trimmed,
        "rss_bytes": rss,
        "threads_created": None if threads is None else len(threads),
        "threads_pinned": None if threads is None else pinned(threads),
        "unchanged": unchanged,
        "huge_page_bytes": huge_pages,
        "session_calls": (2 + job["warm_up"] + bool(job["idle_seconds"])) * len(feeds) + steady["calls"],
        "trace_bytes": end_trace(session, options, job),
        **compare_outputs(np, session, run_opts, feeds, job),
        "worker_ns": 0,
    }
    set_up_wrongly(ort, job)
    report["worker_ns"] = time.perf_counter_ns() - STARTED_NS
    return report


def main() -> None:
    # The report has the original stdout for itself: whatever else prints lands on stderr.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.buffer.readline())
    die_with_parent(job["parent_pid"])
    try:
        report = {"ok": measure(job, channel)}
    except Unsupported as error:
        report = {"unsupported": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent is told and the status is 1
        report = {"error": f"{type(error).__name__}: {error}"}
    with channel:
        json.dump(report, channel)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if "ok" in report else 1)  # the system takes memory back faster than destructors do


if __name__ == "__main__":
    main()

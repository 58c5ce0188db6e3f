"""One subject in one clean process: job on stdin, one JSON report on the original stdout.

Run as `python -I worker.py`. Self-contained on purpose: NumPy and what the subject imports are all that is
there, so that the process measured is the process a reader would have. Everything printed by anybody else
goes to stderr.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from array import array
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Barrier, Thread

STARTED_NS = time.perf_counter_ns()
sys.path.insert(0, str(Path(__file__).parent))  # isolated, Python does not look beside the script
import counters  # noqa: E402

del sys.path[0]  # `trace` and other files there have names that others mean otherwise

WATCHED_WARM_UP = 20
"""Longer warm-ups are not watched call by call."""


class Phase:
    """What is spent in one stretch of the process's life: all of it, or its calls alone."""

    def __init__(self):
        self.calls = self.run_ns = self.cpu_ns = self.faults = self.switches = 0

    def begin(self):
        self._usage = counters.usage()
        self._cpu, self._wall = time.process_time_ns(), time.perf_counter_ns()

    def end(self):
        self.run_ns += time.perf_counter_ns() - self._wall
        self.cpu_ns += time.process_time_ns() - self._cpu
        if self._usage:
            faults, switches = counters.usage()
            self.faults += faults - self._usage[0]
            self.switches += switches - self._usage[1]


class Phases:
    """Reads the same counters around every phase."""

    def __init__(self, memory):
        self._memory, self._known = memory, counters.usage() is not None
        self.reports = {}

    @contextmanager
    def __call__(self, name, *, calls=False):
        """`calls`: only what stands between `begin` and `end` is counted."""
        self._memory.reset_peak()
        phase, start = Phase(), time.perf_counter_ns()
        if not calls:
            phase.begin()
        yield phase
        if not calls:
            phase.end()
        wall = time.perf_counter_ns() - start
        rss, peak, threads = self._memory.resident(), self._memory.peak(), counters.thread_ids()
        self.reports[name] = {
            "calls": phase.calls,
            "wall_ns": wall,
            "run_ns": phase.run_ns,
            "cpu_ns": phase.cpu_ns,
            "minor_faults": phase.faults if self._known else None,
            "involuntary_switches": phase.switches if self._known else None,
            "rss_bytes": rss,
            "peak_bytes": None
            if None in (peak, rss)
            else max(peak, rss),  # the kernel adds up its pages late
            "threads": None if threads is None else len(threads),
        }


class Feeds:
    """The feeds of one run. A single one is made once; several are cut anew for every call."""

    def __init__(self, np, job):
        self._np = np
        arrays = {name: np.load(path, mmap_mode="r") for name, path in job["inputs"].items()}
        self._cuts = [
            {name: arrays[name][tuple(slice(n) for n in shape)] for name, shape in feed.items()}
            for feed in job["shapes"]
        ]
        self._only = self._fresh(0) if len(self._cuts) == 1 else None

    def __len__(self):
        return len(self._cuts)

    def __getitem__(self, index):
        return self._only or self._fresh(index)

    def _fresh(self, index):
        return {name: self._np.array(cut, order="C") for name, cut in self._cuts[index].items()}


class Latencies:
    """Latencies of one caller, kept where no call makes the process grow. Several share what is room for."""

    MOST, TOLD = 1 << 16, 1000

    def __init__(self, callers=1):
        self._ns, self.count = array("q", bytes(8 * (self.MOST // callers))), 0
        self._told = max(1, self.TOLD // callers)

    def add(self, latency_ns):
        self._ns[self.count] = latency_ns
        self.count += 1

    @property
    def full(self):
        return self.count == len(self._ns)

    def told(self):
        """All of them, or every nth: a report has room for so many."""
        return self._ns[: self.count : max(1, -(-self.count // self._told))].tolist()


def one_pass(thing, feeds, phase, after_call=None):
    """Time of one pass over the feeds in ns per call, as a caller waits for it: freeing the outputs included."""
    total = 0
    for index in range(len(feeds)):
        feed = feeds[index]
        phase.begin()
        start = time.perf_counter_ns()
        outputs = thing.call(feed)
        del outputs
        total += time.perf_counter_ns() - start
        phase.end()
        phase.calls += 1
        if after_call:
            after_call()
    return total // len(feeds)


def timed_loop(thing, feeds, phase, job, latencies):
    """One caller, back to back."""
    deadline = time.perf_counter_ns() + int(job["min_seconds"] * 1e9)
    while not latencies.full and (phase.calls < job["min_calls"] or time.perf_counter_ns() < deadline):
        latencies.add(one_pass(thing, feeds, phase))


def timed_callers(thing, feeds, phase, job, kept):
    """Several threads, each back to back; counted from the moment that all are ready until the last has ended."""
    ready, errors = Barrier(len(kept), action=phase.begin), []

    def caller(latencies):
        calls, uncounted = 0, Uncounted()
        ready.wait()
        deadline = time.perf_counter_ns() + int(job["min_seconds"] * 1e9)
        try:
            while not latencies.full and (calls < job["min_calls"] or time.perf_counter_ns() < deadline):
                latencies.add(one_pass(thing, feeds, uncounted))
                calls += len(feeds)
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            errors.append(error)

    threads = [Thread(target=caller, args=(latencies,)) for latencies in kept]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    phase.end()
    if errors:
        raise errors[0]
    phase.calls = len(feeds) * sum(latencies.count for latencies in kept)


class Uncounted:
    """Takes the place of a phase whose counters are read for all threads at once."""

    calls = 0

    def begin(self):
        pass

    end = begin


def compare_outputs(np, thing, feeds, job):
    """Outputs against the baseline's, after everything else has been measured."""
    reference = dict(np.load(job["reference"])) if job["reference"] else {}
    outputs = {
        f"{index}.{number}": output
        for index in job["verify"]
        for number, output in enumerate(thing.call(feeds[index]))
    }
    if job["write_reference"]:
        np.savez(job["write_reference"], **outputs)
    compared = {*outputs, *reference} if reference else ()
    pairs = [(reference.get(name), outputs.get(name)) for name in compared]
    numbers = [output for output in outputs.values() if np.issubdtype(output.dtype, np.number)]
    differences = [_difference(np, *pair) for pair in pairs if not _same(np, *pair)]
    return {
        "compared": len(job["verify"]) if reference else 0,
        "finite": all(bool(np.isfinite(output).all()) for output in numbers),
        "identical": not differences,
        "difference": max(differences, default=0.0),
    }


def _same(np, reference, output):
    return reference is not None and output is not None and np.array_equal(reference, output)


def _difference(np, reference, output):
    """Relative to the largest of the reference; 1 where that says nothing."""
    missing = reference is None or output is None
    if missing or not np.issubdtype(output.dtype, np.number) or reference.shape != output.shape:
        return 1.0
    scale = float(np.abs(reference.astype(float)).max()) or 1.0
    difference = float(np.abs(reference.astype(float) - output).max()) / scale
    return difference if np.isfinite(difference) else 1.0


def be_company(thing, feeds, callers, channel):
    """Run until killed; tell the parent when the first runs are over."""
    for _ in range(2):
        one_pass(thing, feeds, Uncounted())
    channel.write("ready\n")
    channel.flush()
    for _ in range(callers - 1):
        Thread(target=_call_on, args=(thing, feeds), daemon=True).start()
    _call_on(thing, feeds)


def _call_on(thing, feeds):
    """What ends one caller ends them all: with fewer, the company would not be what was asked for."""
    try:
        while True:
            one_pass(thing, feeds, Uncounted())
    finally:
        os._exit(1)


def mark(job, number):
    """Tell the reader of the log where a run begins."""
    if job["observe"]:
        print(f"BENCH RUN {number}", file=sys.stderr, flush=True)


def measure(job, subject, channel):
    """All figures of one process, in the order in which they can be had without disturbing each other."""
    phases = Phases(memory := counters.Memory())
    with phases("import"):
        import numpy as np

        subject.load()
    feeds, kept = Feeds(np, job), [Latencies(job["callers"]) for _ in range(job["callers"])]
    before = counters.thread_ids()
    gc.collect()
    with phases("open"):
        thing = subject.start(job)
    own_threads = None if before is None else counters.thread_ids() - before
    if job["company"]:
        be_company(thing, feeds, job["callers"], channel)
    watch = counters.HugePageWatch() if job["observe"] else None
    rss = []

    def note_rss():
        rss.append(memory.resident())

    for number, name in enumerate(("first", "second"), 1):
        mark(job, number)
        with phases(name, calls=True) as phase:
            one_pass(thing, feeds, phase, note_rss)
    mark(job, 3)
    with phases("warm_up", calls=True) as phase:
        for _ in range(job["warm_up"]):
            one_pass(thing, feeds, phase, note_rss if job["warm_up"] < WATCHED_WARM_UP else None)
    with phases("steady", calls=True) as phase:
        if len(kept) == 1:
            timed_loop(thing, feeds, phase, job, kept[0])
        else:
            timed_callers(thing, feeds, phase, job, kept)
    huge_pages = watch.stop() if watch else None  # it polls: before the idle time, which it would spoil
    if job["idle_seconds"]:
        with phases("idle", calls=True) as phase:
            one_pass(thing, feeds, Uncounted())
            phase.begin()  # right after a call: threads that spin do so for some milliseconds
            time.sleep(job["idle_seconds"])
            phase.end()
    note_rss()
    with phases("trim"):
        trimmed = counters.trim()
    if not trimmed:
        phases.reports.pop("trim")
    facts = thing.close()  # before outputs are compared: those calls are no part of what it records
    return {
        "phases": phases.reports,
        "latencies_ns": [ns for latencies in kept for ns in latencies.told()],
        "rss_bytes": rss,
        "callers": sum(latencies.count > 0 for latencies in kept),
        "threads_created": None if own_threads is None else len(own_threads),
        "threads_pinned": None if own_threads is None else counters.pinned(own_threads),
        "huge_page_bytes": huge_pages,
        "outputs": compare_outputs(np, thing, feeds, job),
        **facts,
        "onnxruntime": getattr(sys.modules.get("onnxruntime"), "__version__", ""),
        "worker_ns": time.perf_counter_ns() - STARTED_NS,
    }


def main():
    # The report has the original stdout for itself: whatever else prints lands on stderr.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.buffer.readline())
    counters.die_with_parent(job["parent_pid"])
    counters.limit_cpus(job["cpus"])
    sys.path.insert(0, job["subjects"])
    try:
        subject = import_module(job["subject"])
        if job["report"]:
            subject.load()
            report = {"lines": subject.report(job)}
        else:
            report = {"ok": measure(job, subject, channel)}
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent is told and the status is 1
        kind = "unsupported" if type(error).__name__ == "Unsupported" else "error"
        report = {kind: str(error) if kind == "unsupported" else f"{type(error).__name__}: {error}"}
    with channel:
        channel.write(json.dumps(report) + "\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if "error" not in report and "unsupported" not in report else 1)  # faster than destructors


if __name__ == "__main__":
    main()

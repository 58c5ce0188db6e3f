"""One subject in one clean process: job on stdin, one JSON report on the original stdout.

Run as `python -I worker.py`, from Python 3.8 on. Self-contained on purpose: NumPy and what the subject imports are all that is
there, so that the process measured is the process a reader would have. Everything printed by anybody else
goes to stderr.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from difflib import SequenceMatcher
from importlib import import_module
from pathlib import Path

STARTED_NS = time.perf_counter_ns()
sys.path.insert(0, str(Path(__file__).parent))  # isolated, Python does not look beside the script
import calling  # noqa: E402
import counters  # noqa: E402

del sys.path[0]  # `trace` and other files there have names that others mean otherwise

IN_A_BOX = 0.3
"""From this probability on, RapidOCR counts a pixel as text."""
BLANK = 0
"""The character that stands for none."""
WATCHED_WARM_UP = 20
"""Longer warm-ups are not watched call by call."""


def compare_outputs(np, thing, feeds, job):
    """Outputs against the baseline's, after everything else has been measured."""
    reference = dict(np.load(job["reference"])) if job["reference"] else {}
    outputs = {
        f"{index}.{number}": _as_array(np, output)
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
        "cosine": min((_cosine(np, *pair) for pair in pairs), default=None),
        "agreement": min((DECIDED[job["decides"]](np, *pair) for pair in pairs), default=None)
        if job["decides"]
        else None,
    }


def _alike(reference, output):
    return reference is not None and output is not None and reference.shape == output.shape


def _cosine(np, reference, output):
    """Of all numbers as one direction, whatever their size; 0 where that says nothing."""
    if _same(np, reference, output):
        return 1.0
    if not _alike(reference, output) or not np.issubdtype(output.dtype, np.number):
        return 0.0
    one, other = reference.astype(float).ravel(), output.astype(float).ravel()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    cosine = float(one @ other) / length if length else 0.0
    return min(1.0, max(-1.0, cosine)) if np.isfinite(cosine) else 0.0


def _same_area(np, reference, output):
    """Of the area in which one of the two sees text, that in which both do; 1 where there is none."""
    if not _alike(reference, output):
        return 0.0
    one, other = reference > IN_A_BOX, output > IN_A_BOX
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 1.0


def _same_text(np, reference, output):
    """Share of the characters that are read alike, over all rows."""
    if not _alike(reference, output):
        return 0.0
    both = zip(reference.argmax(-1), output.argmax(-1))  # noqa: B905 - Python 3.8 knows no `strict`; they are alike
    pairs = [tuple(map(_read, pair)) for pair in both]
    length = sum(len(one) + len(other) for one, other in pairs)
    alike = sum(
        block.size
        for pair in pairs
        for block in SequenceMatcher(None, *pair, autojunk=False).get_matching_blocks()
    )
    return 2 * alike / length if length else 1.0


def _read(steps):
    """Characters of a row, as CTC has them: neither repeats nor blanks."""
    kept = [int(one) for place, one in enumerate(steps) if place == 0 or one != steps[place - 1]]
    return [one for one in kept if one != BLANK]


DECIDED = {"area": _same_area, "text": _same_text}


def _as_array(np, output):
    """Of classifiers, a list of maps by their values; text as text: objects cannot be saved."""
    if isinstance(output, list):
        output = np.asarray([[*one.values()] if isinstance(one, dict) else one for one in output])
    return output.astype(str) if output.dtype == object else output


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


def measure(job, subject, channel):
    """All figures of one process, in the order in which they can be had without disturbing each other."""
    phases = counters.Phases(memory := counters.Memory())
    with phases("import"):
        import numpy as np

        subject.load()
    feeds, kept = calling.Feeds(np, job), [calling.Latencies(job["callers"]) for _ in range(job["callers"])]
    before = counters.thread_ids()
    gc.collect()
    with phases("open"):
        thing = subject.start(job)
    own_threads = None if before is None else counters.thread_ids() - before
    if job["company"]:
        calling.be_company(thing, feeds, job["callers"], channel)
    watch = counters.HugePageWatch() if job["observe"] else None
    quota = counters.Quota(job["cgroup"])
    rss = []

    def note_rss():
        rss.append(memory.resident())

    def mark(number):
        """Tell the reader of the log where a run begins."""
        if job["observe"]:
            print(f"BENCH RUN {number}", file=sys.stderr, flush=True)

    for number, name in enumerate(("first", "second"), 1):
        mark(number)
        with phases(name, calls=True) as phase:
            calling.one_pass(thing, feeds, phase, note_rss)
    mark(3)
    with phases("warm_up", calls=True) as phase:
        for _ in range(job["warm_up"]):
            calling.one_pass(thing, feeds, phase, note_rss if job["warm_up"] < WATCHED_WARM_UP else None)
    quota.begin()
    with phases("steady", calls=True) as phase:
        if len(kept) == 1:
            calling.timed_loop(thing, feeds, phase, job, kept[0])
        else:
            calling.timed_callers(thing, feeds, phase, job, kept)
    throttled_share = quota.throttled_share()
    note_rss()
    huge_pages = watch.stop() if watch else None  # it polls: before the idle time, which it would spoil
    if job["idle_seconds"]:
        with phases("idle", calls=True) as phase:
            calling.one_pass(thing, feeds, calling.Uncounted())
            phase.begin()  # right after a call: threads that spin do so for some milliseconds
            time.sleep(job["idle_seconds"])
            phase.end()
    with phases("trim"):
        trimmed = counters.trim()
    if not trimmed:
        del phases.reports["trim"]
    share = memory.share()  # while the company still runs
    facts = thing.close()  # before outputs are compared: those calls are no part of what it records
    return {
        "phases": phases.reports,
        "latencies_ns": [ns for latencies in kept for ns in latencies.told()],
        "rss_bytes": rss,
        "callers": sum(latencies.count > 0 for latencies in kept),
        "processes": job["processes"],
        "items": feeds.items,
        "throttled_share": throttled_share,
        "threads_created": None if own_threads is None else len(own_threads),
        "threads_pinned": None if own_threads is None else counters.pinned(own_threads),
        "huge_page_bytes": huge_pages,
        "share_bytes": share,
        "allocators": counters.mapped_allocators() if job["observe"] else None,
        "heaps": counters.heaps() if job["observe"] else None,
        "denormals_are_zero": counters.denormals_are_zero(np) if job["observe"] else None,
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
        kind = type(error).__name__
        report = {"unsupported": str(error)} if kind == "Unsupported" else {"error": f"{kind}: {error}"}
    with channel:
        channel.write(json.dumps(report) + "\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(not report.keys() & {"ok", "lines"}))  # faster than destructors


if __name__ == "__main__":
    main()

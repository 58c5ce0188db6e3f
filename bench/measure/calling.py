"""How the subject is called: by one caller, by several, or as company. Runs beside `worker.py`, without this package."""

from __future__ import annotations

import os
import time
from array import array
from threading import Barrier, Thread


class Feeds:
    """The feeds of one run. A single one is made once; several are cut anew for every call."""

    def __init__(self, np, job):
        self._np = np
        inputs, shapes = job["inputs"], job["shapes"]
        fed = [shapes] if len(inputs) == 1 else [[feed] for feed in shapes]
        arrays = [
            (self._loaded(files, feeds), feeds)
            for files, feeds in zip(inputs, fed)  # noqa: B905 - Python 3.8 knows no `strict`
        ]
        self._cuts = [
            {name: whole[name][tuple(slice(n) for n in shape)] for name, shape in feed.items()}
            for whole, feeds in arrays
            for feed in feeds
        ]
        self._only = self._fresh(0) if len(self._cuts) == 1 else None
        first = next(iter(self._cuts[0].values())).shape
        self.items = max(1, first[0]) if first else 1

    def __len__(self):
        return len(self._cuts)

    def __getitem__(self, index):
        return self._only or self._fresh(index)

    def _loaded(self, files, feeds):
        """Mapped, but for what is empty in every feed: nothing cannot be mapped."""
        modes = {name: "r" if any(0 not in feed[name] for feed in feeds) else None for name in files}
        return {name: self._np.load(path, mmap_mode=modes[name]) for name, path in files.items()}

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
    """One caller, back to back, or with gaps."""
    if job["gap_seconds"]:
        loop_with_gaps(thing, feeds, phase, job, latencies)
        return
    deadline = time.perf_counter_ns() + int(job["min_seconds"] * 1e9)
    while not latencies.full and (phase.calls < job["min_calls"] or time.perf_counter_ns() < deadline):
        latencies.add(one_pass(thing, feeds, phase))


LONGEST_SPIN_S = 0.2
"""After the last call it is watched no longer: threads have long stopped spinning."""


def loop_with_gaps(thing, feeds, phase, job, latencies):
    """A gap before every call and after the last one. All is counted: threads that spin burn the gaps."""
    gap = job["gap_seconds"]
    time.sleep(gap)
    phase.begin()
    deadline = time.perf_counter_ns() + int(job["min_seconds"] * 1e9)
    while True:
        latencies.add(one_pass(thing, feeds, Uncounted()))
        enough = latencies.count >= job["min_calls"] and time.perf_counter_ns() >= deadline
        if enough or latencies.full:
            break
        time.sleep(gap)
    time.sleep(min(gap, LONGEST_SPIN_S))
    phase.end()
    phase.calls = len(feeds) * latencies.count


def timed_callers(thing, feeds, phase, job, kept):
    """Several threads, each back to back; counted from the moment that all are ready until the last has ended."""
    ready, errors = Barrier(len(kept), action=phase.begin), []

    def caller(latencies):
        ready.wait()
        try:
            timed_loop(thing, feeds, Uncounted(), job, latencies)
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

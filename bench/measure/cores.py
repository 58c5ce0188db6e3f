"""Do the usable cores lie as near to each other as they mostly do on this machine?

A hypervisor moves virtual cores about: beside each other on one cache, apart on two, or both onto one physical core. No
counter tells, and the same process then takes up to 1.9 times as long. So before and after every sample two processes pass a number between the cores. Nothing is measured meanwhile: no setting has a part in it.
"""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TYPE_CHECKING

from bench.measure import partner
from bench.measure.partner import ANSWERED, ASKED, PASSES, READY, value_of, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.measure.child import Outcome

FARTHER = 1.4
"""So many times the usual is apart. Seen on a virtual machine: 275 ns there and back, 635 while the cores lay on two
caches, 430 to 520 while both were one physical core."""
BATCHES = 8
MOST_PARTNERS = 7
REMEMBERED, FEWEST = 400, 8
"""Samples whose readings tell what is usual: a state that lasts becomes the usual one."""
MOST_WAITED_S, BETWEEN_S = 0.3, 0.02
MOST_RETAKEN = 2
SHARE = 1 / 6
"""Of all the time, what may go into waiting and taking again."""


def ask(cpus: Sequence[int]) -> Iterator[tuple[float, ...]]:
    """Nanoseconds there and back between the first core and each of the others, as often as wanted.

    Ends at once where there is nothing to ask: one core, or a system without pinning.
    """
    if len(cpus) < 2 or not hasattr(os, "sched_setaffinity") or not hasattr(os, "memfd_create"):
        return
    others = cpus[1 :: -(-(len(cpus) - 1) // MOST_PARTNERS)]
    shared = os.memfd_create("cores")
    os.ftruncate(shared, mmap.PAGESIZE)
    command = [sys.executable, "-S", "-E", partner.__file__, str(shared)]
    with (
        mmap.mmap(shared, mmap.PAGESIZE) as page,
        subprocess.Popen(
            command,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[shared],
            start_new_session=True,  # Ctrl-C is the runner's
        ) as process,
    ):
        os.close(shared)
        while process.poll() is None:
            with _pinned(cpus[0]):
                lengths = tuple(_there_and_back(process, page, cpu) for cpu in others)
            yield lengths


@contextmanager
def _pinned(cpu: int) -> Iterator[None]:
    """This thread on one core, and back."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _there_and_back(process: subprocess.Popen[str], page: mmap.mmap, cpu: int) -> float:
    """The median over some batches; endless where no answer came."""
    assert process.stdin
    assert process.stdout
    page[ASKED] = page[ANSWERED] = page[READY] = 0
    with suppress(BrokenPipeError):  # it was killed: then no answer comes
        process.stdin.write(f"{cpu}\n")
        process.stdin.flush()
    wait_for(page, READY, 1)
    each = PASSES // BATCHES
    lengths = [_batch_ns(page, range(batch * each, (batch + 1) * each)) / each for batch in range(BATCHES)]
    process.stdout.readline()
    return median(lengths)


def _batch_ns(page: mmap.mmap, numbers: range) -> float:
    start = time.perf_counter_ns()
    for number in map(value_of, numbers):
        page[ASKED] = number
        if not wait_for(page, ANSWERED, number):
            return float("inf")
    return time.perf_counter_ns() - start


@dataclass(slots=True)
class Cores:
    """Takes samples while the cores lie as usual, as far as waiting for that may cost."""

    readings: Iterator[tuple[float, ...]]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    retaken: int = 0
    """Samples so far that were taken again."""
    apart: int = 0
    """Samples so far that were kept although the cores lay apart."""
    asked: bool = False
    """Whether this machine tells anything."""
    _seen: deque[tuple[float, ...]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _sampled_s: float = 0.0
    _extra_s: float = 0.0

    def usual(self, *, remember: bool = False) -> bool:
        """Ask now: none farther than the nearest tenth was. True as well where nothing can be asked, or little is known."""
        reading = next(self.readings, None)
        if reading is None:
            return True
        self.asked = True
        if remember:
            self._seen.append(reading)
        if len(self._seen) < FEWEST:
            return True
        near = (quantiles(lengths, n=10)[0] for lengths in zip(*self._seen, strict=True))
        return all(length <= FARTHER * usual for length, usual in zip(reading, near, strict=True))

    def take(self, sample: Callable[[], Outcome], *, patient: bool) -> Outcome:
        """A sample; while the cores lie apart, wait before it and take it again after it, if `patient` and it did not fail."""
        for tried in range(MOST_RETAKEN + 1):
            if patient:
                self._wait()
            start = self.clock()
            taken = sample()
            usual = self.usual(remember=True)
            length = self.clock() - start
            last = tried == MOST_RETAKEN or not patient or taken.failure or not self._may(length)
            if usual or last:
                self._sampled_s += length
                self.apart += not usual
                return taken
            self._extra_s += length
            self.retaken += 1
        raise AssertionError("the last try returns")

    def _wait(self) -> None:
        """Until the cores lie as usual, or for as long as may be."""
        start = self.clock()
        while not self.usual() and self._may(waited := self.clock() - start) and waited < MOST_WAITED_S:
            self.sleep(BETWEEN_S)
        self._extra_s += self.clock() - start

    def _may(self, more_s: float) -> bool:
        return self._extra_s + more_s <= SHARE * (self._extra_s + self._sampled_s + more_s)

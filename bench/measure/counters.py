"""What the measured process reads of itself. Runs beside `worker.py`, without this package."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

PR_SET_PDEATHSIG, SIGKILL = 1, 9
CLEAR_PEAK = "5"  # proc(5), /proc/pid/clear_refs: reset the peak resident set size
POLL_SECONDS = 0.01


def die_with_parent(parent_pid):
    """End this process when its parent ends: an orphan would disturb the next measurement."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
    else:
        threading.Thread(target=_exit_at_end_of_stdin, daemon=True).start()
    if sys.platform != "win32" and os.getppid() != parent_pid:
        os._exit(1)


def _exit_at_end_of_stdin():
    sys.stdin.buffer.read()
    os._exit(1)


def limit_cpus(count):
    """Run on so many first cores of the affinity mask only, as a container with fewer cores does; None: on all."""
    if count is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


class Quota:
    """The quota of the cgroup that this process was put into, if any."""

    def __init__(self, folder):
        self._folder = Path(folder) if folder else None
        if self._folder and str(os.getpid()) not in (self._folder / "cgroup.procs").read_text().split():
            raise RuntimeError(f"process {os.getpid()} is not in {folder}")

    def begin(self):
        self._before = self._periods()

    def throttled_share(self):
        """Of the periods since then, those in which the quota was used up; None where there is no quota."""
        if self._folder is None:
            return None
        (now, now_throttled), (then, then_throttled) = self._periods(), self._before
        periods, throttled = now - then, now_throttled - then_throttled
        return throttled / periods if periods else 0.0

    def _periods(self):
        """(with work in them, of these cut short) so far."""
        if self._folder is None:
            return None
        stat = dict(line.split() for line in (self._folder / "cpu.stat").read_text().splitlines())
        return int(stat["nr_periods"]), int(stat["nr_throttled"])


class Memory:
    """Resident memory of this process in bytes, from the kernel's own marks where it keeps them."""

    def __init__(self):
        self._status = Path("/proc/self/status")
        self._exact_peak = self._status.exists() and self.reset_peak()

    def reset_peak(self):
        """Whether the kernel does that."""
        try:
            Path("/proc/self/clear_refs").write_text(CLEAR_PEAK)
        except OSError:
            return False
        return True

    def resident(self):
        return _bytes(self._status, "VmRSS:") if self._status.exists() else _psutil_resident()

    def peak(self):
        """On other systems, the most since the process began: nothing there can be reset."""
        if self._status.exists():
            return _bytes(self._status, "VmHWM:") if self._exact_peak else None
        return _peak_of_process()

    def share(self):
        """Resident, but pages that several processes have count for each only in part (PSS); None: not told."""
        try:
            return _bytes(Path("/proc/self/smaps_rollup"), "Pss:")
        except OSError:
            return None


def _bytes(path, name):
    """A figure of a file of the kernel, which writes KiB."""
    return next(
        (int(line.split()[1]) * 1024 for line in path.read_text().splitlines() if line.startswith(name)), None
    )


def _psutil_resident():
    import psutil

    return int(psutil.Process().memory_info().rss)


def _peak_of_process():
    """Peak working set on Windows, maximum resident set size on macOS (bytes there); None elsewhere."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "darwin":
        import resource

        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return None


def thread_ids():
    tasks = Path("/proc/self/task")
    return {int(task.name) for task in tasks.iterdir()} if tasks.exists() else None


def pinned(threads):
    """How many of these threads may not run where this process may: they are bound to cores of their own."""
    own = os.sched_getaffinity(0)
    return sum(_cores(thread) not in (None, own) for thread in threads)


def _cores(thread):
    """None: it has ended meanwhile."""
    try:
        return os.sched_getaffinity(thread)
    except ProcessLookupError:
        return None


def usage():
    """(minor page faults, involuntary context switches) so far; None where unknown."""
    try:
        import resource
    except ImportError:
        return None
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_minflt, now.ru_nivcsw


def trim():
    """Ask glibc to return free memory; False where there is no such call."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return False
    return True


ALLOCATORS = ("libjemalloc", "libmimalloc", "libtcmalloc")


def mapped_allocators():
    """How many of these have taken malloc's place; None where it cannot be read."""
    maps = Path("/proc/self/maps")
    return sum(name in maps.read_text() for name in ALLOCATORS) if maps.exists() else None


def heaps():
    """How many glibc has opened, its own "arenas"; None where there is no such call."""
    try:
        libc = ctypes.CDLL(None)
        libc.open_memstream.restype = ctypes.c_void_p
        text, size = ctypes.c_char_p(), ctypes.c_size_t()
        stream = ctypes.c_void_p(libc.open_memstream(ctypes.byref(text), ctypes.byref(size)))
        libc.malloc_info(0, stream)
        libc.fclose(stream)
        return text.value.count(b"<heap nr=")
    except (AttributeError, OSError, TypeError):
        return None


def denormals_are_zero(np):
    """Whether this thread's processor takes numbers below the smallest normal one for zero."""
    smallest = np.finfo(np.float32).tiny
    return bool(np.multiply(np.full(64, smallest / 4, np.float32), np.float32(1)).max() == 0)


class Phase:
    """What is spent in one stretch of the process's life: all of it, or its calls alone."""

    def __init__(self):
        self.calls = self.run_ns = self.cpu_ns = self.faults = self.switches = 0

    def begin(self):
        self._usage = usage()
        self._cpu, self._wall = time.process_time_ns(), time.perf_counter_ns()

    def end(self):
        self.run_ns += time.perf_counter_ns() - self._wall
        self.cpu_ns += time.process_time_ns() - self._cpu
        if self._usage:
            faults, switches = usage()
            self.faults += faults - self._usage[0]
            self.switches += switches - self._usage[1]


class Phases:
    """Reads the same counters around every phase."""

    def __init__(self, memory):
        self._memory, self._known = memory, usage() is not None
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
        rss, peak, threads = self._memory.resident(), self._memory.peak(), thread_ids()
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


class HugePageWatch(threading.Thread):
    """Largest AnonHugePages seen while running: only for untimed children, it polls."""

    def __init__(self):
        super().__init__(daemon=True)
        self.largest_bytes = 0
        self._stopped = threading.Event()
        self.start()

    def run(self):
        rollup = Path("/proc/self/smaps_rollup")
        while rollup.exists() and not self._stopped.wait(POLL_SECONDS):
            self.largest_bytes = max(self.largest_bytes, _bytes(rollup, "AnonHugePages:") or 0)

    def stop(self):
        self._stopped.set()
        self.join()
        return self.largest_bytes

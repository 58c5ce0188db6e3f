"""The other end of `bench.measure.cores`: a process that passes a number back from the core that it is told.

Run as a script with the descriptor of the shared page. Imports next to nothing, so that it is there at once.
"""

import ctypes
import mmap
import os
import sys

ASKED, ANSWERED, READY = 64, 128, 192
"""Bytes of the shared page, each in a cache line of its own."""
PASSES = 400
PATIENCE = 200_000
"""Looks at the other's byte before it is given up: some ten milliseconds."""


def value_of(number: int) -> int:
    """What is passed, never twice the same in a row."""
    return number % 100 + 1


def wait_for(page: mmap.mmap, place: int, value: int) -> bool:
    """Look until it is there; False: it did not come."""
    for _ in range(PATIENCE):  # noqa: SIM110  # a generator would take longer than the way
        if page[place] == value:
            return True
    return False


def main(page: mmap.mmap) -> None:
    """For every line read, go to that core, give back what comes, and say so; end with the input."""
    for line in sys.stdin:
        os.sched_setaffinity(0, {int(line)})
        page[READY] = 1
        for number in map(value_of, range(PASSES)):
            if not wait_for(page, ASKED, number):
                break
            page[ANSWERED] = number
        print("done", flush=True)


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL: never outlive the parent
    main(mmap.mmap(int(sys.argv[1]), mmap.PAGESIZE))

"""What the timed loop adds to a call. Aim: at most 1 % of a call of 1 ms. Run by hand, machine idle."""

from __future__ import annotations

import time

from bench.measure import worker

CALLS = 20_000
CALL_NS = 1_000_000


class NoSession:
    """Returns at once: what is left is the loop's own time."""

    def run(self, *_: object) -> list[object]:
        return []


def main() -> None:
    feeds = [{}]
    start = time.perf_counter_ns()
    measured = sum(worker.one_run(NoSession(), None, feeds) for _ in range(CALLS)) / CALLS
    around = (time.perf_counter_ns() - start) / CALLS
    print(f"counted as the model's: {measured:.0f} ns a call, {measured / CALL_NS:.3%} of 1 ms")
    print(f"between two calls:      {around - measured:.0f} ns, {(around - measured) / CALL_NS:.3%} of 1 ms")


if __name__ == "__main__":
    main()

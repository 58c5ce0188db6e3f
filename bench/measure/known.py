"""The worker with something of known cost in the place of a session: what it must report is known beforehand.

Run as `python -I known.py`, with the cost in the environment: `BENCH_KNOWN=arithmetic:100`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # isolated, Python does not look beside the script

import worker

BLOCK = bytes(128 << 10)
MIB = 1 << 20


class Known:
    """Has the one method of a session that the worker calls."""

    def __init__(self, kind: str, amount: int) -> None:
        self._amount = amount
        self._work = {
            "sleep": self._sleep,
            "arithmetic": self._arithmetic,
            "allocation": self._allocate,
            "holding": self._hold,
        }[kind]
        self._held = b""

    def run(self, *_):
        self._work()
        return []

    def _sleep(self) -> None:
        """`amount` milliseconds."""
        time.sleep(self._amount / 1000)

    def _arithmetic(self) -> None:
        """`amount` hashes of the same block: one thread, no memory."""
        for _ in range(self._amount):
            hashlib.sha256(BLOCK).digest()

    def _allocate(self) -> None:
        """`amount` MiB, written to and given back."""
        b"\x01" * (self._amount * MIB)

    def _hold(self) -> None:
        """`amount` MiB, written to and kept from the first call on."""
        self._held = self._held or b"\x01" * (self._amount * MIB)


def new_session(*_):
    kind, amount = os.environ["BENCH_KNOWN"].split(":")
    return Known(kind, int(amount))


worker.new_session = new_session

if __name__ == "__main__":
    worker.main()

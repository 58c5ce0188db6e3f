"""Something of known cost in the place of a session: what it must report is known beforehand."""

from __future__ import annotations

import hashlib
import time

TITLE = "已知的开销"
BLOCK = bytes(128 << 10)
MIB = 1 << 20


def load():
    """Nothing but what is there."""


def start(job):
    ((kind, amount),) = job["options"].items()
    return Known(kind, amount)


class Known:
    """`amount` of one kind of cost a call."""

    def __init__(self, kind, amount):
        self._amount, self._held = amount, b""
        self._work = {
            "sleep_ms": self._sleep,
            "hashes": self._hash,
            "allocated_mib": self._allocate,
            "held_mib": self._hold,
        }[kind]

    def call(self, feed):
        self._work()
        return []

    def close(self):
        return {}

    def _sleep(self):
        time.sleep(self._amount / 1000)

    def _hash(self):
        """The same block: one thread, no memory."""
        for _ in range(self._amount):
            hashlib.sha256(BLOCK).digest()

    def _allocate(self):
        """Written to and given back."""
        b"\x01" * (self._amount * MIB)

    def _hold(self):
        """Written to and kept from the first call on."""
        self._held = self._held or b"\x01" * (self._amount * MIB)

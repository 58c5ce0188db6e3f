"""A run, and right after it work of NumPy's on all cores: threads of the session may still be spinning there."""

from __future__ import annotations

TITLE = "推理，紧接着 NumPy 乘矩阵"
SIDE, SEED = 640, 3


def load():
    global np, session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import numpy as np
    import session

    session.load()


def start(job):
    return ThenNumpy(job)


class ThenNumpy:
    """As many threads in NumPy as its library takes by itself, where the group lets it.

    Observed, the session is called alone: NumPy's threads spin, too, and would hide whether those of the session do.
    """

    def __init__(self, job):
        self._alone = job["observe"]
        self._session = session.start(job)
        self._matrix = np.random.default_rng(SEED).standard_normal((SIDE, SIDE), dtype=np.float32)

    def call(self, feed):
        outputs = self._session.call(feed)
        if not self._alone:
            self._matrix @ self._matrix
        return outputs

    def close(self):
        return self._session.close()

"""One large batch, computed in smaller ones."""

from __future__ import annotations

TITLE = "一大批，分几次算"
READERS_CODE = """
import numpy as np

SIZE = {size}                                  # 每次算几条


def run(session, x):                      # x：一大批
    name = session.get_inputs()[0].name
    parts = [session.run(None, {{name: x[i : i + SIZE]}})[0] for i in range(0, len(x), SIZE)]
    return np.concatenate(parts)

"""


def load():
    global np, session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import numpy as np
    import session

    session.load()


def start(job):
    return Split(job)


class Split:
    """Option `size`: rows a call."""

    def __init__(self, job):
        self._session, self._size = session.start(job), job["options"]["size"]

    def call(self, feed):
        ((name, rows),) = feed.items()
        self._at_once = min(self._size, len(rows))
        starts = range(0, len(rows), self._size)
        parts = [self._session.call({name: rows[at : at + self._size]}) for at in starts]
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]

    def close(self):
        return {**self._session.close(), "items_at_once": self._at_once}

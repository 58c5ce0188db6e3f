"""Several sessions of one model, called in turn: as in a service that holds several models."""

from __future__ import annotations

from itertools import cycle

TITLE = "轮流调用的几个会话"


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def readers_use(options):
    """What a reader writes once the first session is open."""
    if options["sessions"] == 1:
        return ""
    code = """
# 这里打开的是同一个模型；换成你的那些
sessions = [session] + [
    ort.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
    for _ in range({others})
]
"""
    return code.format(others=options["sessions"] - 1)


def start(job):
    session.share_pool(job)
    session.share_arena(job)
    return InTurn(job, job["options"]["sessions"])


class InTurn:
    """Only the first one is observed: profilers that begin in the same second write to the same file."""

    def __init__(self, job, count):
        unwatched = {**job, "verbose": False, "observe": False}
        self._first = session.start(job)
        self._turn = cycle([self._first, *(session.start(unwatched) for _ in range(count - 1))])

    def call(self, feed):
        return next(self._turn).call(feed)

    def close(self):
        return self._first.close()

"""Sessions of one model, each called by one thread only."""

from __future__ import annotations

from threading import Lock, local

TITLE = "每个线程各有一个会话"


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def readers_use(options):
    """What a reader writes instead of handing one session round."""
    return """
import threading

mine = threading.local()


def run(feed):                            # 每个线程第一次来时建自己的会话
    if not hasattr(mine, "session"):
        mine.session = ort.InferenceSession(
            "model.onnx", options, providers=["CPUExecutionProvider"]
        )
    return mine.session.run(None, feed)
"""


def start(job):
    session.share_pool(job)
    return OwnSessions(job, job["options"]["sessions"])


class OwnSessions:
    """Only the first one is observed. A thread takes the next that nobody has; the thread that opened has the first."""

    def __init__(self, job, count):
        unwatched = {**job, "verbose": False, "observe": False}
        self._all = [session.start(job), *(session.start(unwatched) for _ in range(count - 1))]
        self._lock, self._free, self._mine = Lock(), 0, local()

    def call(self, feed):
        return self._of_this_thread().call(feed)

    def _of_this_thread(self):
        if not hasattr(self._mine, "session"):
            with self._lock:
                self._mine.session = self._all[self._free % len(self._all)]
                self._free += 1
        return self._mine.session

    def close(self):
        return self._all[0].close()

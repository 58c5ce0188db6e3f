"""Whose denormals the key takes away: every thread asked after the sessions were made in a known order."""

from __future__ import annotations

import queue
import statistics
import threading
import time

TITLE = "哪些线程听 session.set_denormal_as_zero"
CALLS = 7
KEY = "session.set_denormal_as_zero"


def load():
    global np, ort  # noqa: PLW0603 - imported only where a reader's process would
    import numpy as np
    import onnxruntime as ort


class Caller(threading.Thread):
    """A thread that does what it is told, one thing after another."""

    def __init__(self):
        super().__init__(daemon=True)
        self._asked, self._answers = queue.Queue(), queue.Queue()
        self.start()

    def run(self):
        while True:
            self._answers.put(self._asked.get()())

    def __call__(self, act):
        self._asked.put(act)
        return self._answers.get()


def report(job):
    """Median latency of the same model called by each of them, single-threaded, so that the caller does the work."""
    (path,) = job["inputs"][0].values()
    whole = np.load(path)
    ((name, shape),) = job["shapes"][0].items()
    feed = {name: np.array(whole[tuple(slice(n) for n in shape)])}

    def opened(zeroed):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        if zeroed:
            options.add_session_config_entry(KEY, "1")
        return ort.InferenceSession(job["model"], options, providers=["CPUExecutionProvider"])

    def timed(session):
        def latency():
            taken = []
            for _ in range(CALLS):
                start = time.perf_counter()
                session.run(None, feed)
                taken.append(time.perf_counter() - start)
            return statistics.median(taken) * 1000

        return latency

    earlier, opener = Caller(), Caller()
    before = _numpy_keeps_them()
    first = opener(lambda: opened(True))
    later_thread = Caller()
    later = earlier(lambda: opened(True))
    told = {
        "创建第一个会话的线程": opener(timed(first)),
        "之后才启动的线程": later_thread(timed(first)),
        "之前就在运行的线程": earlier(timed(first)),
        "在之前就有的线程里再建一个会话，由它自己调用": earlier(timed(later)),
    }
    lines = [f"{who}：每次 {latency:.2f} 毫秒" for who, latency in told.items()]
    seen = {"建会话之前": before, "建第一个会话的线程，之后": opener(_numpy_keeps_them)}
    beside = [f"{when}：NumPy 算 1e-39 × 1，得 {'1e-39' if kept else '0'}" for when, kept in seen.items()]
    return {"callers": lines, "numpy": beside}


def _numpy_keeps_them():
    return bool(np.multiply(np.full(8, 1e-39, np.float32), np.float32(1)).max() > 0)

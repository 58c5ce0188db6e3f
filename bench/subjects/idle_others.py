"""One session that is called, and others in the same process that nobody calls any more."""

from __future__ import annotations

TITLE = "旁边有闲着的会话"


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def readers_use(options):
    """What a reader writes once the first session is open."""
    return f"""
others = [
    ort.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
    for _ in range({options["others"]})
]
"""


def start(job):
    return IdleOthers(job, job["options"]["others"])


class IdleOthers:
    """The others have been called once, with the first feed."""

    def __init__(self, job, count):
        unwatched = {**job, "verbose": False, "observe": False}
        self._session = session.start(job)
        self._others = [session.start(unwatched) for _ in range(count)]
        self._woken = False

    def call(self, feed):
        if not self._woken:
            self._woken = True
            for one in self._others:
                one.call(feed)
        return self._session.call(feed)

    def close(self):
        return self._session.close()

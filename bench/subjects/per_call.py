"""A session made for every call and thrown away, as services do that open one in the handler of a request."""

from __future__ import annotations

TITLE = "每次推理都新建会话"


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def start(job):
    return PerCall(job)


class PerCall:
    """Only the first session is observed: a trace belongs to one."""

    def __init__(self, job):
        self._job, self._first = {**job, "verbose": False, "observe": False}, session.start(job)
        self._facts = None

    def call(self, feed):
        if self._facts is None:
            outputs, self._facts = self._first.call(feed), self._first.close()
            return outputs
        return session.start(self._job).call(feed)

    def close(self):
        return self._facts or self._first.close()

"""A session on the thread pool that all sessions of the process share."""

from __future__ import annotations

TITLE = "共用线程池上的会话"


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def start(job):
    """For sessions with `use_per_session_threads = False`."""
    session.share_pool(job)
    return session.start(job)

"""A session on an arena that is registered on the environment, as OrtArenaCfg describes it."""

from __future__ import annotations

TITLE = "共享 arena 上的会话"
READERS_CODE = """
info = ort.OrtMemoryInfo(
    "Cpu",
    ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
    0,
    ort.OrtMemType.DEFAULT,
)
ort.create_and_register_allocator(info, ort.OrtArenaCfg({arena}))
"""


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def start(job):
    """For sessions with `session.use_env_allocators`."""
    session.share_arena(job)
    return session.start(job)

"""A session that gives memory back now and then: after every nth run, or on the run after an unusually large input."""

from __future__ import annotations

from math import prod

TITLE = "不时归还内存的会话"
KEY = "memory.enable_memory_arena_shrinkage"


def load():
    global session  # noqa: PLW0603 - stands beside this file in the measured process alone
    import session

    session.load()


def start(job):
    return Shrinks(job)


EVERY = """
run_options = ort.RunOptions()
run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

for number, feed in enumerate(feeds, 1):
    outputs = session.run(None, feed, run_options if number % {every} == 0 else None)
"""
AFTER = """
run_options = ort.RunOptions()
run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

large = False
for feed in feeds:
    outputs = session.run(None, feed, run_options if large else None)
    # 大的那次自己还占着，要到下一次推理结束才还得掉
    large = sum(x.size for x in feed.values()) > {above}
"""


def readers_use(options):
    """What a reader writes once the session is open."""
    return (EVERY if "every" in options else AFTER).format(**options)


class Shrinks:
    """Options: `every` so many runs; or on the run after one whose input has `above` so many elements."""

    def __init__(self, job):
        self._session = session.start(job)
        self._every, self._above = job["options"].get("every", 0), job["options"].get("above", 0)
        self._shrinking = session.ort.RunOptions()
        self._shrinking.add_run_config_entry(KEY, "cpu:0")
        self._number, self._large = 0, False

    def call(self, feed):
        self._number += 1
        now = self._large if self._above else self._number % self._every == 0
        outputs = self._session.call(feed, self._shrinking if now else None)
        self._large = sum(prod(array.shape) for array in feed.values()) > self._above
        return outputs

    def close(self):
        return self._session.close()

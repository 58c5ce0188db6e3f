"""A session that gives memory back now and then: after every nth run, on an unusually large one, or on the run after."""

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
    ...                                   # 用完输出
    del outputs                           # 留着它，它在的那一块还不掉
"""
AFTER = """
run_options = ort.RunOptions()
run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

large = False
for feed in feeds:
    outputs = session.run(None, feed, run_options if large else None)
    ...                                   # 用完输出
    del outputs                           # 留着它，它在的那一块还不掉
    large = sum(x.size for x in feed.values()) > {above}   # 换成你自己的“大”
"""
WITH = """
run_options = ort.RunOptions()
run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

for feed in feeds:
    large = sum(x.size for x in feed.values()) > {above}   # 换成你自己的“大”
    outputs = session.run(None, feed, run_options if large else None)
"""


def readers_use(options):
    """What a reader writes once the session is open."""
    if "every" in options:
        return EVERY.format(**options)
    return (WITH if options.get("at_once") else AFTER).format(**options)


class Shrinks:
    """Options: `every` so many runs; or on the run after one whose input has `above` so many elements, or `at_once`."""

    def __init__(self, job):
        self._session = session.start(job)
        self._every, self._above = job["options"].get("every", 0), job["options"].get("above", 0)
        self._at_once = job["options"].get("at_once", False)
        self._shrinking = session.ort.RunOptions()
        self._shrinking.add_run_config_entry(KEY, "cpu:0")
        self._number, self._large = 0, False

    def call(self, feed):
        self._number += 1
        large = sum(prod(array.shape) for array in feed.values()) > self._above
        now, self._large = (large if self._at_once else self._large), large
        shrinks = now if self._above else self._number % self._every == 0
        return self._session.call(feed, self._shrinking if shrinks else None)

    def close(self):
        return self._session.close()

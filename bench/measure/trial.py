"""How long does a sample take on this machine? One of the default on each input, before the plan is told.

The lengths in the experiments are those of one machine; another one may need twice as long, and a plan that
says so only after an hour is of no use.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure.plan import PlannedGroup
    from bench.measure.task import Task
    from bench.spec import Block


def try_out(tasks: Sequence[Task]) -> None:
    """Give every plan the lengths of its samples: those on disk, those of earlier builds, else those of a trial."""
    lengths: dict[Block, float | None] = {}
    slower: dict[str, list[float]] = defaultdict(list)
    for task in tasks:
        for group in _unknown(task):
            block = task.planned.block(group)
            if block not in lengths:
                lengths[block] = task.length(group)
            if found := lengths[block]:
                slower[group.group.model].append(found / group.group.seconds)
    for task in tasks:
        shown = {g.index: found for g in _unknown(task) if (found := lengths.get(task.planned.block(g)))}
        hungry = {
            group.index: group.group.seconds * median(slower[group.group.model])
            for group in task.planned.groups
            if not group.timed and slower[group.group.model]
        }
        task.planned = replace(task.planned, measured={**hungry, **shown, **task.planned.measured})


def _unknown(task: Task) -> list[PlannedGroup]:
    known = task.planned.measured
    return [g for g in task.planned.groups if g.timed and g.index not in known]

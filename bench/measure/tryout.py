"""How long samples take here, before anything is promised: the default runs once on each input."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.measure.plan import PlannedGroup
    from bench.measure.task import Task
    from bench.spec import Block

LONG = 1.25
"""So many times what all took together is long: a sample may have met a slow spell, or files that were not read before."""


def try_out(tasks: Sequence[Task]) -> None:
    """Give every plan the lengths of its samples: those on disk, those of earlier builds, else those of a trial.

    The lengths in the experiments are those of one machine; another one may need twice as long, and a plan that
    says so only after an hour is of no use. So the default runs once on each input, and again where it took long: a
    group that is left out for want of time is not measured at all.
    """
    blocks: dict[Block, tuple[Task, PlannedGroup]] = {}
    for one in _unknown(tasks):
        blocks.setdefault(one[0].planned.block(one[1]), one)
    lengths = {block: task.length(group) for block, (task, group) in blocks.items()}
    slower = {block: found / blocks[block][1].group.seconds for block, found in lengths.items() if found}
    for block, factor in slower.items():
        if factor > LONG * median(slower.values()):
            task, group = blocks[block]
            lengths[block] = min(found for found in (lengths[block], task.length(group)) if found)
    _tell(tasks, lengths)


def _tell(tasks: Sequence[Task], lengths: dict[Block, float | None]) -> None:
    """Of the largest batches nothing was tried: they take as many times as long as the same model's others."""
    slower: dict[str, list[float]] = defaultdict(list)
    for task, group in _unknown(tasks):
        if found := lengths[task.planned.block(group)]:
            slower[group.group.model].append(found / group.group.seconds)
    for task in tasks:
        shown = {
            group.index: found
            for _, group in _unknown([task])
            if (found := lengths[task.planned.block(group)])
        }
        hungry = {
            group.index: group.group.seconds * median(slower[group.group.model])
            for group in task.planned.groups
            if not group.timed and slower[group.group.model]
        }
        task.planned = replace(task.planned, measured={**hungry, **shown, **task.planned.measured})


def _unknown(tasks: Sequence[Task]) -> Iterator[tuple[Task, PlannedGroup]]:
    for task in tasks:
        yield from (
            (task, group)
            for group in task.planned.groups
            if group.timed and group.index not in task.planned.measured
        )

"""The default is tried on each input once, so that the plan is told in seconds of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lab import hungry, interrupt_at

from bench.measure.plan import sample_seconds
from bench.measure.runner import try_out
from bench.spec import BASELINE

if TYPE_CHECKING:
    from conftest import Make
    from lab import Lab

SECONDS = 2.5


@pytest.fixture(autouse=True)
def slow(lab: Lab) -> None:
    """Every child takes longer than was typed."""
    lab.worker.seconds = SECONDS


def test_default_runs_once_on_each_input_and_shows_how_long_samples_take(lab: Lab, make: Make) -> None:
    task = lab.task(make.experiment(groups=[make.group(2), make.group(3)]))
    try_out([task])
    assert [start.case for start in lab.worker.started] == [BASELINE, BASELINE]
    assert [sample_seconds(task.planned, group) for group in task.planned.groups] == [SECONDS] * 2
    assert task.writer.journal.samples == []


def test_what_is_the_same_in_two_experiments_is_tried_once(lab: Lab, make: Make) -> None:
    tasks = [lab.task(make.experiment(name)) for name in ("one", "two")]
    try_out(tasks)
    assert len(lab.worker.started) == 1
    assert [dict(task.planned.measured) for task in tasks] == [{0: SECONDS}] * 2


def test_more_processes_or_fewer_cores_are_tried_by_themselves(lab: Lab, make: Make) -> None:
    groups = {
        "plain": make.group(), "two": make.group(processes=2), "half": make.group(cores=0.5), "all": make.group(cores=1)
    }  # fmt: skip
    try_out([lab.task(make.experiment(name, groups=[group])) for name, group in groups.items()])
    assert [start.processes for start in lab.worker.started] == [1, 2, 1]


def test_large_batch_is_not_tried_but_scaled_as_the_small_one_of_its_model(lab: Lab, make: Make) -> None:
    task = lab.task(hungry(make))
    small, large = task.planned.groups
    try_out([task])
    assert len(lab.worker.started) == 1
    slower = SECONDS / small.group.seconds
    assert sample_seconds(task.planned, large) == pytest.approx(large.group.seconds * slower)


def test_default_that_fails_leaves_what_was_typed(lab: Lab, make: Make) -> None:
    lab.worker.scripts[BASELINE] = [make.failure("timeout", "太慢")]
    task = lab.task()
    try_out([task])
    assert sample_seconds(task.planned, task.planned.groups[0]) == task.planned.groups[0].group.seconds
    assert task.failed == {}


def test_resumed_build_knows_the_length_of_the_samples_that_it_has(lab: Lab) -> None:
    interrupt_at(lab, 3)
    with pytest.raises(KeyboardInterrupt):
        lab.runner().run()
    lab.worker.before = lambda _: None
    task, before = lab.task(), len(lab.worker.started)
    try_out([task])
    assert len(lab.worker.started) == before
    assert task.planned.measured == {0: pytest.approx(SECONDS)}

"""All verdicts of a build: which rows count, in which order, how far from no difference."""

from __future__ import annotations

import math

from made_up import MadeUp

from bench.results.verdicts import MEMORIES, TIMES, of_build
from bench.spec import BASELINE, CONTROL


def test_every_judged_row_is_there_once_and_the_control_is_not() -> None:
    export = MadeUp(experiment="arena", time=1.3, memory=0.5).export()
    expected = {
        (row.model, row.input, row.case, row.metric)
        for row in export.rows
        if row.verdict is not None and row.case != CONTROL
    }
    found = [(one.row.model, one.row.input, one.row.case, one.row.metric) for one in of_build([export])]
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert {one.row.metric for one in of_build([export])} <= {*TIMES, *MEMORIES}


def test_memory_is_given_as_a_ratio_to_the_default() -> None:
    export = MadeUp(experiment="arena", memory=0.25).export()
    kept = [one for one in of_build([export]) if one.row.metric == "kept_mib" and one.row.case != BASELINE]
    assert kept
    assert {one.ratio for one in kept} == {0.25}
    assert {one.row.verdict for one in kept} == {"less"}


def test_differences_come_first_and_the_largest_of_them_leads() -> None:
    values = {(0, "arena_off", "ratio"): 3.0, (2, "arena_off", "ratio"): 0.5}
    found = of_build([MadeUp(experiment="arena", values=values).export()])
    assert [one.decided for one in found] == sorted((one.decided for one in found), reverse=True)
    assert (found[0].ratio, found[1].ratio) == (3.0, 0.5)
    assert found[-1].row.verdict == "same"


def test_half_and_double_are_equally_far() -> None:
    values = {(0, "arena_off", "ratio"): 2.0, (0, "pattern_off", "ratio"): 0.5}
    times = {one.row.case: one for one in of_build([MadeUp(experiment="arena", values=values).export()])
             if one.row.metric == "ratio" and one.group.index == 0}  # fmt: skip
    assert math.isclose(times["arena_off"].effect, times["pattern_off"].effect)


def test_draft_and_failed_default_give_nothing_to_hold_against() -> None:
    assert of_build([MadeUp(experiment="arena", profile="quick", rounds=3, time=2.0).export()]) == []
    failed = MadeUp(experiment="arena", failures={(None, BASELINE): "崩溃"}, memory=0.5).export()
    assert of_build([failed]) == []


def test_busy_machine_leaves_only_the_memory_of_what_is_measured_for_memory_alone() -> None:
    found = of_build([MadeUp(experiment="arena", busy=True, time=2.0, memory=0.5).export()])
    assert found
    assert all(one.group.memory_only and one.row.metric in MEMORIES for one in found)

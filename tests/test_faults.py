"""Interruptions: what happens, how it is brought about, what must hold. Each row of the table is a test.

Everything is real: the command line, the children, ONNX Runtime, mkdocs, signals, a full disk. Only
the questions asked are small, see `faults.checkout`; and the checkout, the build folder and the site lie
where paths have spaces and Chinese in them.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest
from faults import disks, injectors
from faults.checks import (
    build_is_whole,
    children_end_within_a_second,
    ends_with,
    newest_build_is_whole,
    next_build_starts_anew,
    next_export_is_whole,
    next_run_goes_on,
    next_run_keeps,
    next_site_stands,
    no_cell_failed,
    no_scratch_is_left,
    nothing_runs_on,
    old_site_stands,
    one_cell_failed,
    says,
    site_stands,
    tells_once,
)
from faults.row import Row

if TYPE_CHECKING:
    from faults.stage import Stage

pytest_plugins = ["faults.fixtures"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="信号和子进程的结束只有在 Linux 上是这样")
KILL, SEGV, TERM, HUP = signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGHUP


GOES_WELL = (ends_with(0), build_is_whole, no_cell_failed, no_scratch_is_left)
GOES_ON = (children_end_within_a_second, next_run_goes_on, no_scratch_is_left)
STOPS_IN_ORDER = (tells_once("已中断。测好的样本都在"), nothing_runs_on)
NO_ROOM = (ends_with(1), tells_once("磁盘已满"), no_scratch_is_left)

FAULTS = (
    # A child is killed: a cell with its reason, or one more try; the build goes on.
    Row("kill -9 of the measured child as it starts", injectors.kill_child(KILL, early=True), GOES_WELL),
    Row("kill -9 of the measured child in the middle", injectors.kill_child(KILL), GOES_WELL, "slow"),
    Row(
        "kill -9 of the measured child and of its second try",
        injectors.kill_child(KILL, times=2),
        (ends_with(0), build_is_whole, one_cell_failed("out_of_memory", "多半是内存不足")),
        "slow",
    ),
    Row(
        "a crash of the measured child and of its second try",
        injectors.kill_child(SEGV, times=2),
        (ends_with(3), build_is_whole, one_cell_failed("crashed", "SIGSEGV"), says("失败：")),
        "slow",
    ),
    Row("kill -9 of the process beside the measured one", injectors.kill_company, GOES_WELL, "pair"),
    # `bench run` is killed: its children end at once; the next run loses the sample under way, nothing else.
    Row("kill -9 while the model is made", injectors.kill_run(injectors.making_the_model), GOES_ON, after=()),
    Row("kill -9 while observing", injectors.kill_run(injectors.observing), GOES_ON),
    Row("kill -9 at the first sample", injectors.kill_run(injectors.at_the_first_sample), GOES_ON),
    Row(
        "kill -9 at the second sample",
        injectors.kill_run(injectors.at_the_second_sample),
        (*GOES_ON, next_run_keeps(1)),
        "slow",
    ),
    Row(
        "kill -9 while two processes run side by side",
        injectors.kill_run(injectors.with_company),
        (children_end_within_a_second,),
        "pair",
    ),
    # It is asked to end: in order, with one sentence, and no second key press makes it worse.
    Row(
        "SIGTERM",
        injectors.kill_run(injectors.at_the_second_sample, TERM),
        (ends_with(143), *STOPS_IN_ORDER, next_run_goes_on, next_run_keeps(1)),
        "slow",
    ),
    Row("SIGHUP", injectors.kill_run(injectors.at_the_first_sample, HUP), (ends_with(129), *STOPS_IN_ORDER)),
    Row("the terminal is closed", injectors.close_window, (children_end_within_a_second,), "slow"),
    Row("Ctrl-C", injectors.press_ctrl_c(1), (ends_with(130), *STOPS_IN_ORDER), "slow"),
    Row("Ctrl-C three times", injectors.press_ctrl_c(3), (nothing_runs_on, next_run_goes_on), "slow"),
    # The power fails: what is left of files is never taken for whole ones, see also `test_torn_files`.
    Row(
        "the last line of the journal is cut in half",
        injectors.cut_the_journal(lambda line: line[: len(line) // 2]),
        (next_run_goes_on,),
        after=("model", "result"),
    ),
    Row(
        "the last line of the journal is all zeros",
        injectors.cut_the_journal(lambda line: bytes(len(line))),
        (next_run_goes_on,),
        after=("model", "result"),
    ),
    Row(
        "a block in the middle of the journal is all zeros",
        injectors.zeros_in_the_journal,
        (ends_with(0), says("忽略损坏的结果文件"), next_build_starts_anew),
        after=("model", "result"),
    ),
    Row("scratch files of a killed build are torn", injectors.torn_scratch, GOES_ON, "slow"),
    # The disk is full: one sentence; once there is room, it goes on.
    Row(
        "a disk too small from the start",
        disks.disk_too_small,
        (ends_with(1), tells_once("磁盘只剩")),
        after=(),
    ),
    Row(
        "the disk fills up while measuring",
        disks.disk_full_while_measuring,
        (ends_with(1), tells_once("磁盘已满"), nothing_runs_on, next_run_goes_on),
    ),
    Row(
        "no more room for the journal in the middle of a line",
        disks.no_more_room_for_the_journal,
        (ends_with(1), tells_once("磁盘已满"), nothing_runs_on, next_run_goes_on),
    ),
    Row("the disk is full when a model is made", disks.disk_full_while_the_model_is_made, (), after=()),
    Row(
        "the disk is full when results are exported",
        disks.disk_full_while_exporting,
        (*NO_ROOM, next_export_is_whole),
        after=("result",),
    ),
    Row(
        "the disk fills up while mkdocs writes",
        disks.disk_full_while_mkdocs_writes,
        (ends_with(1), old_site_stands, no_scratch_is_left),
        after=("result", "export"),
    ),
    # The site is being built.
    Row(
        "kill -9 of mkdocs",
        injectors.kill_mkdocs,
        (ends_with(1), old_site_stands, no_scratch_is_left),
        after=("result", "export"),
    ),
    Row(
        "kill -9 of bench site",
        injectors.kill_builder(),
        (children_end_within_a_second, old_site_stands, next_site_stands, no_scratch_is_left),
        after=("result", "export"),
    ),
    Row(
        "SIGTERM of bench site",
        injectors.kill_builder(TERM),
        (ends_with(143), tells_once("没有动"), nothing_runs_on, old_site_stands, no_scratch_is_left),
        after=("result", "export"),
    ),
    Row(
        "kill -9 of bench site while a notebook runs",
        injectors.kill_builder_in_a_notebook,
        (children_end_within_a_second, old_site_stands),
        after=("result", "export"),
    ),
    Row(
        "kill -9 between the two renames that swap the sites",
        injectors.stop_between_the_two_renames,
        (ends_with(1), old_site_stands, no_scratch_is_left),
        after=("result", "export"),
    ),
    # Two at once in one checkout: the second waits and says so.
    Row(
        "bench run beside bench run",
        injectors.run_twice,
        (ends_with(0), says("等它结束"), says("不用再测"), build_is_whole),
        "slow",
    ),
    Row(
        "bench site beside bench run",
        injectors.build_while_measuring,
        (ends_with(0), build_is_whole, site_stands),
        after=("model", "result"),
        on="slow",
    ),
    Row(
        "bench run beside bench site",
        injectors.measure_while_building,
        (ends_with(0), newest_build_is_whole, site_stands),
        after=("model", "result", "export"),
    ),
)


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row.what)
def test_fault(row: Row, stage: Stage) -> None:
    row.bring_about(stage)
    for holds in row.holds:
        holds(stage)

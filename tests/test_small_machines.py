"""Small and strange machines: what they lack, what must hold. Each row of the table is a test.

The command line, the children and ONNX Runtime are real, and so are the limits of memory; paths have
spaces and Chinese in them throughout. Only the systems without /proc or PSI are made by editing a
copy of the code: it looks for those files where they are not.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from faults import machines
from faults.checks import (
    batch_is_at_most,
    build_is_whole,
    columns_are_missing_and_said_to_be,
    ends_with,
    every_cell_failed,
    machine_is,
    no_cell_failed,
    noise_is_unknown,
    plain_text_only,
    pressure_is_unknown,
    says,
    site_stands,
)
from faults.row import Row

from bench.experiments import EXPERIMENTS
from bench.measure import campaign
from bench.measure.campaign import Here
from bench.measure.plan import MEMORY_SHARE
from bench.measure.profiles import PROFILES

if TYPE_CHECKING:
    from conftest import Make
    from faults.stage import Stage

pytest_plugins = ["faults.fixtures"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="cgroup、RLIMIT_AS 和亲和掩码只在 Linux 上有")
MIB, GIB = 1 << 20, 1 << 30
MEASURES = (ends_with(0), build_is_whole, no_cell_failed)
BUILDS = (ends_with(0), build_is_whole, no_cell_failed, site_stands)

MACHINES = (
    # Little memory: the plan chooses what fits, and what does not fit is a cell with its reason.
    Row("2 GB", machines.measure_within(2 * GIB), (*MEASURES, batch_is_at_most(12)), "greedy"),
    Row("1 GB", machines.measure_within(1 * GIB), (*MEASURES, batch_is_at_most(6)), "greedy"),
    Row(
        "too little memory for any batch",
        machines.measure_within(160 * MIB),
        (ends_with(1), says("放不下")),
        "greedy",
    ),
    Row(
        "a child killed by the kernel for its memory",
        machines.measure_within(256 * MIB),
        (ends_with(0), build_is_whole, every_cell_failed("out_of_memory", "多半是内存不足")),
        "glutton",
    ),
    Row(
        "a child whose allocation ONNX Runtime is refused",
        machines.measure_with_address_space(330 * MIB),
        (ends_with(0), build_is_whole, every_cell_failed("out_of_memory", "Failed to allocate memory")),
        "glutton",
    ),
    Row(
        "a child that cannot even map its input",
        machines.measure_with_address_space(200 * MIB),
        (ends_with(0), build_is_whole, every_cell_failed("out_of_memory", "Cannot allocate memory")),
        "glutton",
    ),
    # Few cores.
    Row(
        "one core of several",
        machines.measure(machines.ONE_CORE),
        (*MEASURES, machine_is(cores=1, affinity_cores=1)),
    ),
    # Files of the kernel that are not there: the rest is measured, and the page says what is missing.
    Row("no PSI", machines.without_pressure, (*MEASURES, pressure_is_unknown)),
    Row(
        "no /proc",
        machines.without_proc,
        (*BUILDS, noise_is_unknown, columns_are_missing_and_said_to_be("峰值（")),
    ),
    # Homes, terminals, locales.
    Row("no HOME", machines.measure(HOME=""), MEASURES),
    Row("a HOME that cannot be written", machines.measure(HOME=machines.NO_SUCH_HOME), MEASURES),
    Row("the locale C", machines.measure_and_build(**machines.ASCII), (*BUILDS, says("网站已写好"))),
    Row(
        "the locale C asked for help",
        machines.ask_for_help(**machines.ASCII),
        (ends_with(0), says("时间预算")),
    ),
    Row("a terminal that can do nothing", machines.on_a_terminal("dumb"), (*MEASURES, plain_text_only)),
    Row("a terminal", machines.on_a_terminal("xterm-256color"), MEASURES),
    Row("nobody who reads", machines.reader_goes_away, (ends_with(0),)),
)


@pytest.mark.parametrize("row", MACHINES, ids=lambda row: row.what)
def test_machine(row: Row, stage: Stage) -> None:
    row.bring_about(stage)
    for holds in row.holds:
        holds(stage)


@pytest.mark.parametrize("gib", [1, 2])
@pytest.mark.parametrize("profile", ["quick", "default"])
def test_whole_site_is_planned_for_little_memory(
    monkeypatch: pytest.MonkeyPatch, make: Make, gib: int, profile: str
) -> None:
    """No experiment is given up, and none may take more than its share."""
    monkeypatch.setattr(campaign, "free_memory", lambda: gib * GIB)
    here = Here(machine=make.machine(memory_gib=gib), software={})
    planned = campaign.plan(tuple(EXPERIMENTS), PROFILES[profile], here)
    assert all(one.groups for one in planned)
    assert campaign.memory_needed(planned) <= gib * GIB * MEMORY_SHARE


def test_whole_site_is_planned_for_one_core(make: Make) -> None:
    here = Here(machine=make.machine(cores=1, affinity_cores=1, logical_cores=1), software={})
    planned = campaign.plan(tuple(EXPERIMENTS), PROFILES["default"], here)
    assert len(planned) == len(EXPERIMENTS)
    for one in planned:
        ids = [case.id for case in one.cases]
        assert len(ids) == len(set(ids)), one.experiment.id

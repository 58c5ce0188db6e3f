"""A build whose children fail: what is tried again, what is left alone, what still shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lab import PER_ROUND, interrupt_at

from bench.measure import applicable
from bench.results.summary import summarise
from bench.spec import BASELINE, Case

if TYPE_CHECKING:
    from conftest import Make, Started
    from lab import Lab


def _failed(lab: Lab, case: str) -> list[tuple[int, str]]:
    """(round, reason) of its samples without figures."""
    return [(s.round, s.failure.reason) for s in lab.on_disk().samples if s.case == case and s.failure]


def test_crashing_case_is_tried_twice_in_two_rounds_and_then_left_alone(lab: Lab, make: Make) -> None:
    lab.worker.scripts["one"] = [make.failure("crashed", "SIGSEGV")]
    lab.runner().run()
    assert [start.case for start in lab.worker.timed].count("one") == 2 * 2
    assert _failed(lab, "one") == [(0, "SIGSEGV"), (1, "SIGSEGV")]
    assert (lab.row("one").value, lab.row("one").failure) == (None, "SIGSEGV")
    assert (lab.row("two").value, lab.row("two").rounds) == (10, 3)
    assert any("SIGSEGV" in note for note in lab.told.notes)


def test_crash_that_does_not_happen_again_is_no_failure(lab: Lab, make: Make) -> None:
    lab.worker.scripts["one"] = [make.failure("crashed"), {}]
    lab.runner().run()
    assert (lab.row("one").failure, lab.row("one").rounds) == (None, 3)
    assert [start.case for start in lab.worker.timed].count("one") == 4


def test_failure_from_outside_costs_one_round_and_leaves_the_others_their_figures(
    lab: Lab, make: Make
) -> None:
    """Ended twice in the second round, and fine in the third."""
    ended = make.failure("out_of_memory", "SIGKILL")
    lab.worker.scripts["one"] = [{}, ended, ended, {}]
    lab.runner().run()
    row = lab.row("one")
    assert (row.value, row.failure, row.rounds, row.failed_rounds) == (10, None, 2, 1)
    assert _failed(lab, "one") == [(1, "SIGKILL")]
    assert lab.row("two").rounds == 3


def test_case_that_keeps_crashing_late_is_left_alone_with_the_figures_that_it_has(
    lab: Lab, make: Make
) -> None:
    lab.worker.scripts["one"] = [{}, make.failure("garbage", "报告不合格")]
    lab.runner(lab.task(profile=make.profile(rounds=5))).run()
    row = lab.row("one")
    assert (row.value, row.failure, row.rounds, row.failed_rounds) == (10, None, 1, 2)
    assert [start.case for start in lab.worker.timed].count("one") == 1 + 2 * 2
    assert lab.row("two").rounds == 5


def test_failures_from_outside_are_counted_across_an_interruption(lab: Lab, make: Make) -> None:
    lab.worker.scripts["one"] = [make.failure("crashed", "SIGSEGV")]
    interrupt_at(lab, 2 * PER_ROUND + 2)
    with pytest.raises(KeyboardInterrupt):
        lab.runner(lab.task(profile=make.profile(rounds=5))).run()
    lab.worker.before, lab.worker.started = lambda _: None, []
    lab.runner(lab.task(profile=make.profile(rounds=5))).run()
    assert len(_failed(lab, "one")) == 2


@pytest.mark.parametrize("kind", ["timeout", "not_finite", "unsupported"])
def test_failure_that_would_only_come_again_is_tried_once(lab: Lab, make: Make, kind: Any) -> None:
    lab.worker.scripts["one"] = [make.failure(kind, "不行")]
    lab.runner().run()
    assert [start.case for start in lab.worker.timed].count("one") == 1
    assert lab.row("one").failure == "不行"
    assert lab.row("two").rounds == 3


@pytest.mark.parametrize("kind", ["timeout", "not_finite", "unsupported"])
def test_failure_that_would_only_come_again_ends_a_case_that_had_figures(
    lab: Lab, make: Make, kind: Any
) -> None:
    lab.worker.scripts["one"] = [{}, make.failure(kind, "不行"), {}]
    lab.runner().run()
    row = lab.row("one")
    assert (row.value, row.rounds, row.failed_rounds) == (10, 1, 1)
    assert [start.case for start in lab.worker.timed].count("one") == 2


def test_other_outputs_than_the_baselines_are_a_failure(lab: Lab) -> None:
    lab.worker.scripts["one"] = [{"outputs_identical": False, "outputs_difference": 0.25}]
    lab.worker.scripts["two"] = [{"outputs_identical": False, "outputs_difference": 9e-4}]
    lab.runner().run()
    (sample,) = (sample for sample in lab.on_disk().samples if sample.case == "one")
    assert sample.failure is not None
    assert sample.failure.kind == "wrong_output"
    assert "0.25" in sample.failure.reason
    assert lab.row("one").value is None
    assert lab.row("two").failure is None


def test_failing_baseline_leaves_the_others_their_figures(lab: Lab, make: Make) -> None:
    lab.worker.untimed[BASELINE] = make.failure("out_of_memory", "内存不足")
    lab.worker.scripts[BASELINE] = [make.failure("out_of_memory", "内存不足")]
    lab.runner().run()
    assert lab.row(BASELINE).failure == "内存不足"
    assert (lab.row("one").value, lab.row("one").rounds) == (10, 3)


def test_failure_stays_in_its_group(lab: Lab, make: Make) -> None:
    experiment = make.experiment(groups=[make.group(2), make.group(3)])
    lab.worker.before = lambda start: lab.worker.scripts.__setitem__(
        "one", [make.failure("timeout", "太慢")] if start.shapes == ((3, 3),) else [{}]
    )
    lab.runner(lab.task(experiment)).run()
    rows = summarise(experiment, lab.on_disk()).rows
    found = {row.input: row.failure for row in rows if (row.case, row.metric) == ("one", "latency_ms")}
    assert found == {"batch=2": None, "batch=3": "太慢"}


def test_case_that_this_machine_cannot_apply_is_never_started(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applicable, "glibc_version", lambda: (2, 31))
    new = Case(id="new", title="新", settings={"case": "new"}, needs_glibc=(2, 35))
    old = Case(id="old", title="旧", settings={"case": "old"}, needs_glibc=(2, 4))
    base = Case(id=BASELINE, title="默认", settings={"case": BASELINE})
    experiment = make.experiment(cases=(base, new, old))
    lab.runner(lab.task(experiment)).run()
    assert {start.case for start in lab.worker.started} == {BASELINE, "old"}
    assert "glibc 2.35" in (lab.row("new").failure or "")
    assert lab.row("old").failure is None


def test_failure_in_an_interrupted_round_still_shows_after_the_resume(lab: Lab, make: Make) -> None:
    lab.worker.scripts["one"] = [{}, make.failure("timeout", "太慢")]
    seen: list[str] = []

    def check(start: Started) -> None:
        """Ctrl-C at the first child after `one` has failed."""
        if start.timed:
            if seen.count("one") == 2:
                raise KeyboardInterrupt
            seen.append(start.case)

    task = lab.task()
    lab.worker.before = check
    with pytest.raises(KeyboardInterrupt):
        lab.runner(task).run()
    lab.worker.before = lambda _: None
    lab.runner().run()
    row = lab.row("one")
    assert (row.value, row.rounds, row.failed_rounds) == (10, 1, 1)


def test_failure_in_a_dirty_round_still_shows_after_the_repeat(lab: Lab, make: Make) -> None:
    lab.worker.scripts["one"] = [{}, make.failure("timeout", "太慢")]
    lab.noise.dirty = {1}
    lab.runner().run()
    row = lab.row("one")
    assert (row.value, row.rounds, row.failed_rounds) == (10, 1, 1)


def test_figures_that_cannot_be_are_a_failed_cell_and_do_not_spoil_the_journal(lab: Lab) -> None:
    lab.worker.scripts["one"] = [{"fastest_ns": 11_000_000}]
    lab.runner().run()
    failed = [s.failure for s in lab.on_disk().samples if s.case == "one"]
    assert [failure.kind for failure in failed if failure] == ["garbage"] * 2
    assert all("延迟不在最快与最慢之间" in failure.reason for failure in failed if failure)

"""A build carried out with children that do not exist: order, resume, failures, budget, noise, memory."""

from __future__ import annotations

import os
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from lab import BUILD, hungry, interrupt_at

from bench.measure import applicable
from bench.results import store
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import Make, Started
    from lab import Lab

    from bench.measure.child import Outcome
    from bench.results.schema import Sample

MIB = 1 << 20
PER_ROUND = 4
"""Samples of one round of the usual group: three cases and a baseline sample among them."""

REPEATS = 2


def _places(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """(round, group) in the order of measuring, without repetition."""
    return list(dict.fromkeys((sample.round, sample.group) for sample in samples))


def test_every_round_measures_every_case_beside_a_baseline_sample(lab: Lab) -> None:
    assert lab.runner().run() == 3
    journal = lab.on_disk()
    assert journal.complete
    for number in range(3):
        cases = [sample.case for sample in journal.samples if sample.round == number]
        assert Counter(cases) == {BASELINE: 1, CONTROL: 1, "one": 1, "two": 1}
        positions = [sample.position for sample in journal.samples if sample.round == number]
        assert positions == list(range(PER_ROUND))


def test_rounds_come_one_after_the_other_and_groups_take_turns(lab: Lab, make: Make) -> None:
    experiment = make.experiment(groups=[make.group(batch) for batch in (2, 3, 4)])
    lab.runner(lab.task(experiment, make.profile(rounds=6))).run()
    places = _places(lab.on_disk().samples)
    assert [number for number, _ in places] == [number for number in range(6) for _ in range(3)]
    orders = [[group for round_, group in places if round_ == number] for number in range(6)]
    assert all(sorted(order) == [0, 1, 2] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_experiments_take_turns_within_a_round(lab: Lab, make: Make) -> None:
    seen: list[str] = []
    tasks = [lab.task(make.experiment(name, cases=(f"{name}1", f"{name}2"))) for name in ("toys", "more")]
    lab.worker.before = lambda start: seen.append(start.case) if start.timed else None
    lab.runner(*tasks).run()
    for number in range(3):
        part = seen[4 * number : 4 * number + 4]
        assert sorted(part) == ["more1", "more2", "toys1", "toys2"]


def test_order_within_a_round_follows_the_seed(lab: Lab, make: Make) -> None:
    cases = [BASELINE, CONTROL, *"abcdefg"]

    def order(name: str, seed: int) -> list[list[str]]:
        task = lab.task(make.experiment(name, cases=cases))
        lab.runner(task, seed=seed).run()
        samples = task.writer.journal.samples
        return [[s.case for s in samples if s.round == number] for number in range(3)]

    first = order("toys", 7)
    assert first[0] != first[1]
    store.journal_path(lab.folder, "toys", BUILD).unlink()
    assert order("toys", 7) == first
    store.journal_path(lab.folder, "toys", BUILD).unlink()
    assert order("toys", 8) != first


def test_idle_second_is_watched_in_the_first_rounds_only(lab: Lab, make: Make) -> None:
    experiment = make.experiment(columns=("latency_ms", "idle_cpu_s"))
    lab.runner(lab.task(experiment, make.profile(rounds=4, idle_rounds=2))).run()
    idle = [start.idle_seconds for start in lab.worker.timed]
    assert idle == [1.0] * 2 * PER_ROUND + [0.0] * 2 * PER_ROUND


def test_idle_second_is_not_spent_on_an_experiment_that_does_not_show_it(lab: Lab, make: Make) -> None:
    lab.runner(lab.task(profile=make.profile(rounds=2, idle_rounds=2))).run()
    assert {start.idle_seconds for start in lab.worker.timed} == {0.0}


def test_every_sample_is_on_disk_before_the_next_one_starts(lab: Lab) -> None:
    def check(start: Started) -> None:
        if start.timed:
            assert len(lab.on_disk().samples) == len(lab.worker.timed)

    task = lab.task()
    lab.worker.before = check
    lab.runner(task).run()
    assert len(lab.on_disk().samples) == 3 * PER_ROUND


def test_memory_only_group_takes_one_round_without_bracketing(lab: Lab, make: Make) -> None:
    experiment = make.experiment(groups=[make.group(2), make.group(3, memory_only=True)])
    lab.runner(lab.task(experiment)).run()
    journal = lab.on_disk()
    own = [sample for sample in journal.samples if sample.group == 1]
    assert Counter(sample.case for sample in own) == {BASELINE: 1, CONTROL: 1, "one": 1, "two": 1}
    assert [end.round for end in journal.final_rounds(1)] == [0]
    assert [end.round for end in journal.final_rounds(0)] == [0, 1, 2]


@pytest.mark.parametrize("number", [PER_ROUND + 1, PER_ROUND + 3, 2 * PER_ROUND])
def test_interrupted_build_repeats_the_unfinished_round_and_nothing_else(lab: Lab, number: int) -> None:
    """The second of three rounds is interrupted at its first, third and last sample."""
    interrupt_at(lab, number)
    with pytest.raises(KeyboardInterrupt):
        lab.runner().run()
    before = lab.on_disk()
    assert not before.complete
    assert len(before.samples) == number - 1
    lab.worker.before, lab.worker.started = lambda _: None, []

    lab.runner().run()
    after = lab.on_disk()
    assert after.complete
    assert after.samples[: number - 1] == before.samples
    assert len(lab.worker.timed) == 2 * PER_ROUND
    assert len(lab.worker.started) == len(lab.worker.timed)  # what was observed is not observed again
    final = after.final_rounds(0)
    assert [end.round for end in final] == [0, 1, 2]
    for end in final:
        assert [s.position for s in after.samples_of(end)] == list(range(PER_ROUND))
    repeated = number - 1 > PER_ROUND
    assert [end.attempt for end in final] == [0, 1 if repeated else 0, 0]
    assert after.footer is not None
    assert (after.footer.rounds, after.footer.resumed) == (3, number - 1)


def test_build_interrupted_after_the_last_sample_of_a_round_repeats_it(lab: Lab) -> None:
    """Without its end the noise of a round is unknown."""
    lab.runner().run()
    path = lab.on_disk().path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))  # footer and end of the last round
    lab.worker.started = []
    lab.runner().run()
    assert len(lab.worker.timed) == PER_ROUND
    assert [end.attempt for end in lab.on_disk().final_rounds(0)] == [0, 0, 1]


def test_build_may_be_interrupted_twice_in_the_same_round(lab: Lab) -> None:
    for _ in range(2):
        lab.worker.started = []
        interrupt_at(lab, 3)
        with pytest.raises(KeyboardInterrupt):
            lab.runner().run()
    lab.worker.before = lambda _: None
    lab.runner().run()
    journal = lab.on_disk()
    assert [end.attempt for end in journal.final_rounds(0)] == [2, 0, 0]
    assert [len(journal.samples_of(end)) for end in journal.final_rounds(0)] == [PER_ROUND] * 3


def test_crashing_case_is_tried_twice_and_then_left_alone(lab: Lab, make: Make) -> None:
    lab.worker.scripts["one"] = [make.failure("crashed", "SIGSEGV")]
    lab.runner().run()
    assert [start.case for start in lab.worker.timed].count("one") == 2
    assert (lab.row("one").value, lab.row("one").failure) == (None, "SIGSEGV")
    assert (lab.row("two").value, lab.row("two").rounds) == (10, 3)
    assert any("SIGSEGV" in note for note in lab.told.notes)


def test_crash_that_does_not_happen_again_is_no_failure(lab: Lab, make: Make) -> None:
    lab.worker.scripts["one"] = [make.failure("crashed"), {}]
    lab.runner().run()
    assert (lab.row("one").failure, lab.row("one").rounds) == (None, 3)
    assert [start.case for start in lab.worker.timed].count("one") == 4


def test_case_that_crashes_late_has_failed_and_the_rest_goes_on(lab: Lab, make: Make) -> None:
    lab.worker.scripts["one"] = [{}, make.failure("garbage", "报告不合格")]
    lab.runner().run()
    assert (lab.row("one").value, lab.row("one").failure) == (None, "报告不合格")
    assert [start.case for start in lab.worker.timed].count("one") == 3
    assert [start.case for start in lab.worker.timed].count("two") == 3


@pytest.mark.parametrize("kind", ["timeout", "not_finite", "unsupported"])
def test_failure_that_would_only_come_again_is_tried_once(lab: Lab, make: Make, kind: Any) -> None:
    lab.worker.scripts["one"] = [make.failure(kind, "不行")]
    lab.runner().run()
    assert [start.case for start in lab.worker.timed].count("one") == 1
    assert lab.row("one").failure == "不行"
    assert lab.row("two").rounds == 3


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
    assert (lab.row("one").value, lab.row("one").failure) == (None, "太慢")


def test_failure_in_a_dirty_round_still_shows_after_the_repeat(lab: Lab, make: Make) -> None:
    lab.worker.scripts["one"] = [{}, make.failure("timeout", "太慢")]
    lab.noise.dirty = {1}
    lab.runner().run()
    assert (lab.row("one").value, lab.row("one").failure) == (None, "太慢")


def test_budget_drops_whole_rounds_of_all_groups(lab: Lab, make: Make) -> None:
    experiment = make.experiment(groups=[make.group(2), make.group(3)])
    profile = make.profile(rounds=9)
    tasks = [lab.task(experiment, profile), lab.task(make.experiment("more"), profile)]
    start = lab.clock()
    budget = 9 + 4.5 * 3 * PER_ROUND  # nine untimed children of a second each, then four rounds and a half
    assert lab.runner(*tasks, budget_s=budget).run() == 4
    assert lab.clock() - start <= budget
    for name, groups in (("toys", (0, 1)), ("more", (0,))):
        journal = lab.on_disk(name)
        assert journal.footer is not None
        assert journal.footer.rounds == 4
        for group in groups:
            assert [end.round for end in journal.final_rounds(group)] == [0, 1, 2, 3]
    assert any("9 轮" in note and "4 轮" in note for note in lab.told.notes)


def test_budget_counts_the_time_that_rounds_really_take(lab: Lab, make: Make) -> None:
    """The first round shows that a sample takes a minute, not a second as was estimated."""
    lab.worker.seconds = 60
    budget = 4 * 60 + 2.5 * PER_ROUND * 60
    assert lab.runner(lab.task(profile=make.profile(rounds=9)), budget_s=budget).run() == 2


def test_each_experiment_tells_its_own_rounds(lab: Lab, make: Make) -> None:
    """One has three, one memory figures alone, and one chooses settings on four."""
    memory = make.experiment("memory", groups=[make.group(memory_only=True)])
    chooser = make.experiment("chooser", scenarios=(make.scenario(),))
    lab.runner(lab.task(), lab.task(memory), lab.task(chooser)).run()
    for name, rounds in (("toys", 3), ("memory", 1), ("chooser", 4)):
        journal = lab.on_disk(name)
        assert [end.round for end in journal.final_rounds(0)] == list(range(rounds))
        assert journal.header.rounds == rounds
        assert journal.footer is not None
        assert journal.footer.rounds == rounds


def test_budget_that_ends_between_two_experiments_shows_in_the_longer_ones_footer_alone(
    lab: Lab, make: Make
) -> None:
    longer = lab.task(make.experiment("longer"), make.profile(rounds=9))
    budget = (
        8 + 3 * 2 * PER_ROUND + 2.5 * PER_ROUND
    )  # eight untimed children, three rounds of both, two of one
    assert lab.runner(lab.task(), longer, budget_s=budget).run() == 5
    footers = [lab.on_disk(name).footer for name in ("toys", "longer")]
    assert [footer.rounds for footer in footers if footer] == [3, 5]


def test_first_round_is_measured_whatever_the_budget(lab: Lab) -> None:
    """The plan has refused a budget that is too small; an estimate that was wrong must not leave nothing."""
    assert lab.runner(budget_s=1).run() == 1


def test_rounds_that_a_resumed_build_has_already_cost_nothing(lab: Lab, make: Make) -> None:
    profile = make.profile(rounds=9)
    interrupt_at(lab, 8 * PER_ROUND + 1)
    with pytest.raises(KeyboardInterrupt):
        lab.runner(lab.task(profile=profile)).run()
    lab.worker.before = lambda _: None
    assert lab.runner(lab.task(profile=profile), budget_s=PER_ROUND + 1).run() == 9


def test_dirty_round_is_measured_again(lab: Lab) -> None:
    lab.noise.dirty = {1}
    lab.runner().run()
    journal = lab.on_disk()
    ends = [(end.round, end.attempt, end.final, end.noise.dirty) for end in journal.rounds]
    assert ends == [(0, 0, True, False), (1, 0, False, True), (1, 1, True, False), (2, 0, True, False)]
    assert len(journal.samples) == 4 * PER_ROUND
    assert any("重测" in note for note in lab.told.notes)


def test_dirty_rounds_are_repeated_a_few_times_and_then_flagged(lab: Lab, make: Make) -> None:
    lab.noise.dirty = range(1000)
    lab.runner(lab.task(profile=make.profile(rounds=6))).run()
    journal = lab.on_disk()
    assert sum(not end.final for end in journal.rounds) == REPEATS
    assert [end.round for end in journal.final_rounds(0)] == list(range(6))
    assert all(end.noise.dirty for end in journal.final_rounds(0))
    group = summarise(make.experiment(), journal).groups[0]
    assert (group.dirty_rounds, group.repeated_rounds, group.verdicts) == (6, REPEATS, False)


def test_profile_without_repeats_keeps_its_dirty_rounds(lab: Lab, make: Make) -> None:
    lab.noise.dirty = {1}
    lab.runner(lab.task(profile=make.profile(repeats=0))).run()
    ends = [(end.round, end.final, end.noise.dirty) for end in lab.on_disk().rounds]
    assert ends == [(0, True, False), (1, True, True), (2, True, False)]


def test_groups_of_an_experiment_share_its_repeats(lab: Lab, make: Make) -> None:
    lab.noise.dirty = range(1000)
    experiment = make.experiment(groups=[make.group(2), make.group(3)])
    lab.runner(lab.task(experiment)).run()
    assert sum(not end.final for end in lab.on_disk().rounds) == REPEATS


def test_each_experiment_has_repeats_of_its_own(lab: Lab, make: Make) -> None:
    lab.noise.dirty = range(1000)
    lab.runner(lab.task(make.experiment("a")), lab.task(make.experiment("b"))).run()
    for name in ("a", "b"):
        assert sum(not end.final for end in lab.on_disk(name).rounds) == REPEATS


def test_dirty_memory_only_round_is_not_repeated(lab: Lab, make: Make) -> None:
    lab.noise.dirty = range(1000)
    lab.runner(lab.task(make.experiment(groups=[make.group(memory_only=True)]))).run()
    (end,) = lab.on_disk().rounds
    assert (end.final, end.noise.dirty) == (True, True)


def test_hungry_sample_is_not_started_when_memory_has_become_scarce(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applicable, "free_memory", lambda: 399 * MIB)
    lab.runner(lab.task(hungry(make))).run()
    assert {start.shapes for start in lab.worker.started} == {((2, 3),)}
    failures = [sample.failure for sample in lab.on_disk().samples if sample.group == 1]
    assert len(failures) == 4
    for failure in failures:
        assert failure is not None
        assert failure.kind == "out_of_memory"
        assert "400 MiB" in failure.reason
    assert all(sample.figures for sample in lab.on_disk().samples if sample.group == 0)


def test_hungry_sample_is_started_when_memory_suffices(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applicable, "free_memory", lambda: 400 * MIB)
    lab.runner(lab.task(hungry(make))).run()
    assert all(sample.figures for sample in lab.on_disk().samples)


def test_full_disk_ends_the_build_with_every_finished_sample_kept(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, real = lab.task(), os.fsync

    def fsync(descriptor: int) -> None:
        if len(lab.worker.timed) == PER_ROUND + 2:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="No space left"):
            lab.runner(task).run()
    assert len(lab.on_disk().samples) == PER_ROUND + 1
    lab.worker.started = []
    lab.runner().run()
    assert len(lab.worker.timed) == 2 * PER_ROUND


def test_time_left_falls_to_the_last_sample(lab: Lab, make: Make) -> None:
    lab.runner(lab.task(profile=make.profile(rounds=4))).run()
    left = [seconds for text, seconds in lab.told.steps if "轮" in text]
    rounds = [left[PER_ROUND * number] for number in range(4)]
    assert rounds == sorted(rounds, reverse=True)
    assert rounds[-1] == pytest.approx(PER_ROUND)
    assert len(lab.told.steps) == 4 * PER_ROUND + 4


def test_smoke_build_measures_each_case_once(lab: Lab, make: Make) -> None:
    profile = make.profile(name="smoke", rounds=1, small=True, idle_rounds=0, bracket=False)
    lab.runner(lab.task(profile=profile)).run()
    assert Counter(start.case for start in lab.worker.timed) == {BASELINE: 1, CONTROL: 1, "one": 1, "two": 1}
    assert {start.shapes for start in lab.worker.started} == {((1, 3),)}
    assert {start.idle_seconds for start in lab.worker.timed} == {0.0}


def test_machine_that_tells_no_noise_is_measured_without_repeats(lab: Lab) -> None:
    runner = lab.runner()
    runner.read_noise = lambda _: None
    runner.run()
    ends = lab.on_disk().rounds
    assert [(end.final, end.noise.others) for end in ends] == [(True, None)] * 3


def test_profile_of_the_build_decides_the_job(lab: Lab, make: Make) -> None:
    jobs: list[Any] = []
    task = lab.task(profile=make.profile(rounds=1, min_seconds=0.7, min_calls=5))

    def note(job: Any, env: Any, timeout_s: float) -> Outcome:
        jobs.append(job)
        return lab.worker(job, env, timeout_s)

    task.worker = note
    lab.runner(task).run()
    timed = SimpleNamespace(**jobs[-1])
    assert (timed.min_seconds, timed.min_calls, timed.warm_up) == (0.7, 5, 1)
    assert (timed.observe, timed.write_reference) == (False, None)
    assert timed.reference is not None


def test_figures_that_cannot_be_are_a_failed_cell_and_do_not_spoil_the_journal(lab: Lab) -> None:
    lab.worker.scripts["one"] = [{"fastest_ns": 11_000_000}]
    lab.runner().run()
    (failed,) = (s for s in lab.on_disk().samples if s.case == "one")
    assert failed.failure is not None
    assert failed.failure.kind == "garbage"
    assert "延迟不在最快与最慢之间" in failed.failure.reason

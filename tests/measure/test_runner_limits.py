"""A build that is short of something: of time, of quiet, of memory, of disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from lab import MIB, PER_ROUND, REPEATS, Told, hungry, interrupt_at

from bench.measure import applicable
from bench.results.summary import summarise

if TYPE_CHECKING:
    from conftest import Make
    from lab import Lab


def test_budget_drops_whole_rounds_of_all_groups(lab: Lab, make: Make) -> None:
    experiment = make.experiment(groups=[make.group(2), make.group(3)])
    profile = make.profile(rounds=9)
    tasks = [lab.task(experiment, profile), lab.task(make.experiment("more"), profile)]
    start = lab.clock()
    budget = 7 + 4.5 * 3 * PER_ROUND  # seven untimed children of a second each, then four rounds and a half
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
    budget = 3 * 60 + 2.5 * PER_ROUND * 60
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
    budget = 6 + 3 * 2 * PER_ROUND + 2.5 * PER_ROUND  # six untimed children, three rounds of both, two of one
    assert lab.runner(lab.task(), longer, budget_s=budget).run() == 5
    footers = [lab.on_disk(name).footer for name in ("toys", "longer")]
    assert [footer.rounds for footer in footers if footer] == [3, 5]


def test_first_round_is_measured_whatever_the_budget(lab: Lab) -> None:
    """The plan has refused a budget that is too small; an estimate that was wrong must not leave nothing."""
    assert lab.runner(budget_s=1).run() == 1


def test_time_left_is_never_more_than_the_budget_leaves(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.worker.seconds = 60  # far longer than estimated: most rounds will not be done
    budget, start = 40 * 60.0, lab.clock()
    left: list[tuple[float, float]] = []
    monkeypatch.setattr(
        Told, "step", lambda _, __, told: left.append((told, max(0.0, start + budget - lab.clock())))
    )
    lab.runner(lab.task(profile=make.profile(rounds=99)), budget_s=budget).run()
    assert all(0 <= told <= rest for told, rest in left)
    assert any(told == rest for told, rest in left)


def test_time_left_falls_while_settings_are_checked(lab: Lab, make: Make) -> None:
    experiment = make.experiment(groups=[make.group(seconds=1.0)])
    lab.runner(lab.task(experiment, make.profile(rounds=4))).run()
    left = [seconds for text, seconds in lab.told.steps if "验证" in text]
    assert left == sorted(set(left), reverse=True)
    assert left[-1] >= lab.told.steps[len(left)][1] > 0


def test_time_left_follows_what_rounds_really_take(lab: Lab, make: Make) -> None:
    lab.runner(lab.task(make.experiment(groups=[make.group(seconds=0.1)]))).run()
    assert lab.told.steps[0][1] < 3 * PER_ROUND * 0.2
    assert lab.told.steps[-1][1] == pytest.approx(PER_ROUND)


def test_resumed_build_foresees_from_the_samples_that_it_has(lab: Lab, make: Make) -> None:
    interrupt_at(lab, 3)
    with pytest.raises(KeyboardInterrupt):
        lab.runner().run()
    lab.worker.before, lab.told.steps = lambda _: None, []
    lab.runner().run()
    assert lab.told.steps[0][1] == pytest.approx(3 * PER_ROUND * 1.0)


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

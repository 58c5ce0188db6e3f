"""A build carried out with children that do not exist: order, resume, failures, budget, noise, memory."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from lab import BUILD, PER_ROUND, interrupt_at

from bench.measure.evidence import IDLE_SECONDS
from bench.results import store
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import Make, Started
    from lab import Lab

    from bench.measure.child import Outcome
    from bench.results.records import Sample


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


def test_idle_while_is_watched_in_untimed_children_alone(lab: Lab, make: Make) -> None:
    lab.runner(lab.task(make.experiment(columns=("latency_ms", "idle_cpu_s")))).run()
    assert {start.idle_seconds for start in lab.worker.timed} == {0.0}
    untimed = [start for start in lab.worker.started if not start.timed]
    assert {start.idle_seconds for start in untimed} == {IDLE_SECONDS}


def test_idle_while_is_not_spent_on_an_experiment_that_does_not_show_it(lab: Lab) -> None:
    lab.runner().run()
    assert {start.idle_seconds for start in lab.worker.started} == {0.0}


def test_samples_say_when_they_were_started(lab: Lab, make: Make) -> None:
    """Counted from the start of the round; a child that is tried again takes its time."""
    lab.worker.seconds = 2.5
    lab.worker.scripts["one"] = [make.failure("crashed"), {}]
    lab.runner(lab.task(profile=make.profile(rounds=2))).run()
    first, second = ([s for s in lab.on_disk().samples if s.round == number] for number in range(2))
    assert [s.started_s for s in second] == [2.5 * position for position in range(PER_ROUND)]
    place = [s.case for s in first].index("one")
    assert [s.started_s for s in first] == [2.5 * (n + (n > place)) for n in range(PER_ROUND)]


def test_outputs_are_compared_in_the_first_sample_that_succeeds(lab: Lab, make: Make) -> None:
    """They are the same in every process; comparing again would only cost time."""
    jobs: list[Any] = []
    crash = make.failure("crashed")
    lab.worker.scripts["one"] = [crash, crash, {}]  # ended twice in the first round
    task = lab.task(profile=make.profile(rounds=4))

    def note(job: Any, env: Any, timeout_s: float) -> Outcome:
        jobs.append(job)
        return lab.worker(job, env, timeout_s)

    task.worker = note
    lab.runner(task).run()
    timed = [job for job in jobs if not job["observe"]]
    compared = [(j["settings"]["case"], j["verify"]) for j in timed if j["reference"]]
    assert Counter(case for case, _ in compared) == {BASELINE: 1, CONTROL: 1, "two": 1, "one": 3}
    assert all(verify == [0] for _, verify in compared)
    assert all(job["verify"] == [] for job in timed if not job["reference"])


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


def test_time_left_falls_to_the_last_sample(lab: Lab, make: Make) -> None:
    experiment = make.experiment(groups=[make.group(seconds=1.0)])  # as long as a trial would have shown
    lab.runner(lab.task(experiment, make.profile(rounds=4))).run()
    left = [seconds for text, seconds in lab.told.steps if "轮" in text]
    rounds = [left[PER_ROUND * number] for number in range(4)]
    assert rounds == sorted(rounds, reverse=True)
    assert rounds[-1] == pytest.approx(PER_ROUND)
    assert len(lab.told.steps) == 4 * PER_ROUND + 3


def test_smoke_build_measures_each_case_once(lab: Lab, make: Make) -> None:
    profile = make.profile(name="smoke", rounds=1, small=True, bracket=False)
    lab.runner(lab.task(profile=profile)).run()
    assert Counter(start.case for start in lab.worker.timed) == {BASELINE: 1, CONTROL: 1, "one": 1, "two": 1}
    assert {start.shapes for start in lab.worker.started} == {((1, 3),)}


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
    timed = SimpleNamespace(**next(job for job in jobs if not job["observe"]))
    assert (timed.min_seconds, timed.min_calls, timed.warm_up) == (0.7, 5, 1)
    assert (timed.observe, timed.verbose, timed.write_reference) == (False, False, None)
    assert timed.reference is not None

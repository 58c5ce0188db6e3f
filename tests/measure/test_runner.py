"""A build carried out with children that do not exist: order, resume, failures, budget, noise, memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from lab import BUILD, MIB, PER_ROUND, REPEATS, hungry, interrupt_at

from bench.measure import task as measuring
from bench.measure.evidence import IDLE_SECONDS
from bench.measure.plan import sample_seconds
from bench.measure.runner import try_out
from bench.results import store
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab import Lab
    from samples import Make, Started

    from bench.measure.task import Task
    from bench.spec import Experiment, Group

ONCE = Counter({BASELINE: 1, CONTROL: 1, "one": 1, "two": 1})


def _resume(lab: Lab, *tasks: Task) -> None:
    lab.worker.before, lab.worker.started = lambda _: None, []
    lab.runner(*tasks).run()


def _interrupt(lab: Lab, number: int, *tasks: Task) -> None:
    interrupt_at(lab, number)
    with pytest.raises(KeyboardInterrupt):
        lab.runner(*tasks).run()


def test_rounds_follow_each_other_and_each_measures_every_case_of_every_group(lab: Lab, make: Make) -> None:
    """Groups and experiments take turns; a group that shows memory alone has one round without bracketing."""
    groups = [make.group(2), make.group(3, seconds=4.6), make.group(4, timed=False)]
    experiments = make.experiment(groups=groups), make.experiment("more")
    tasks = [lab.task(one, make.profile(rounds=6)) for one in experiments]
    assert lab.runner(*tasks).run() == 6
    journal, seen = lab.on_disk(), [start.case for start in lab.worker.timed]
    assert journal.complete
    for end in journal.rounds:
        own = journal.samples_of(end)
        neighbours = Counter({BASELINE: 1} if end.group == 1 else {})  # one is as far as a baseline may be
        assert Counter(sample.case for sample in own) == ONCE + neighbours
        assert [sample.position for sample in own] == list(range(len(own)))
    places = list(dict.fromkeys((sample.round, sample.group) for sample in journal.samples))
    assert [number for number, _ in places] == sorted(number for number, _ in places)
    orders = [tuple(group for n, group in places if n == number and group < 2) for number in range(6)]
    assert len(set(orders)) > 1
    assert [[end.round for end in journal.final_rounds(n)] for n in range(3)] == [
        [*range(6)],
        [*range(6)],
        [0],
    ]
    assert len(seen) == 6 * (4 + 5 + 4) + 4
    assert {start.idle_seconds for start in lab.worker.started} == {0.0}  # nothing shows it
    assert seen[: 4 + 5 + 4 + 4].count("one") == 4  # the first round of both experiments


def test_order_within_a_round_follows_the_seed(lab: Lab, make: Make) -> None:
    def order(seed: int) -> list[list[tuple[int, str]]]:
        groups = [make.group(2), make.group(3)]
        task = lab.task(make.experiment(cases=[BASELINE, CONTROL, *"abcdefg"], groups=groups))
        lab.runner(task, seed=seed).run()
        store.journal_path(lab.folder, "toys", BUILD).unlink()
        samples = task.writer.journal.samples
        return [[(s.group, s.case) for s in samples if s.round == number] for number in range(3)]

    first = order(7)
    assert first[0] != first[1]
    assert (order(7) == first, order(8) == first) == (True, False)


def test_samples_say_when_they_were_started(lab: Lab, make: Make) -> None:
    """Counted from the start of the round; a child that is tried again takes its time."""
    lab.worker.seconds = 2.5
    lab.worker.scripts["one"] = [make.failure("crashed"), {}]
    lab.runner(lab.task(profile=make.profile(rounds=2))).run()
    first, second = ([s for s in lab.on_disk().samples if s.round == number] for number in range(2))
    assert [s.started_s for s in second] == [2.5 * position for position in range(PER_ROUND)]
    place = [s.case for s in first].index("one")
    assert [s.started_s for s in first] == [2.5 * (n + (n > place)) for n in range(PER_ROUND)]


def test_profile_decides_the_job_and_outputs_are_compared_in_the_first_sample_that_succeeds(
    lab: Lab, make: Make
) -> None:
    """They are the same in every process. Idle is watched where it is shown, in untimed children."""
    crash = make.failure("crashed")
    lab.worker.scripts["one"] = [crash, crash, {}]  # ended twice in the first round
    experiment = make.experiment(columns=("latency_ms", "idle_cpu_s"))
    task = lab.task(experiment, make.profile(rounds=4, min_seconds=0.7, min_calls=5))
    jobs: list[Any] = []
    task.worker = lambda job, env, timeout_s: jobs.append(job) or lab.worker(job, env, timeout_s)
    lab.runner(task).run()
    timed = [job for job in jobs if not job["observe"]]
    compared = [job["settings"]["case"] for job in timed if job["reference"]]
    assert Counter(compared) == {BASELINE: 1, CONTROL: 1, "two": 1, "one": 3}
    assert all(job["verify"] == ([0] if job["reference"] else []) for job in timed)
    told = ("min_seconds", "min_calls", "warm_up", "verbose", "write_reference")
    assert {tuple(job[name] for name in told) for job in timed} == {(0.7, 5, 1, False, None)}
    assert {(job["observe"], job["idle_seconds"]) for job in jobs} == {(False, 0.0), (True, IDLE_SECONDS)}


@pytest.mark.parametrize("number", [PER_ROUND + 1, PER_ROUND + 3, 2 * PER_ROUND])
def test_interrupted_build_repeats_the_unfinished_round_and_nothing_else(lab: Lab, number: int) -> None:
    """The second of three rounds is interrupted at its first, third and last sample; those before are on disk."""
    _interrupt(lab, number)
    before = lab.on_disk()
    assert (before.complete, len(before.samples)) == (False, number - 1)
    _resume(lab)
    after = lab.on_disk()
    assert after.complete
    assert after.samples[: number - 1] == before.samples
    assert len(lab.worker.started) == len(lab.worker.timed) == 2 * PER_ROUND  # nothing is observed again
    final = after.final_rounds(0)
    assert [[s.position for s in after.samples_of(end)] for end in final] == [list(range(PER_ROUND))] * 3
    assert [end.attempt for end in final] == [0, 1 if number - 1 > PER_ROUND else 0, 0]
    assert after.footer is not None
    assert (after.footer.rounds, after.footer.resumed) == (3, number - 1)


def test_build_interrupted_twice_and_once_more_before_the_end_of_a_round_is_known(lab: Lab) -> None:
    """Without its end the noise of a round is unknown."""
    _interrupt(lab, 3)
    lab.worker.started = []
    _interrupt(lab, 3)
    _resume(lab)
    path = lab.on_disk().path
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))  # and without the footer
    _resume(lab)
    final = lab.on_disk().final_rounds(0)
    assert len(lab.worker.timed) == PER_ROUND
    assert [(end.attempt, len(lab.on_disk().samples_of(end))) for end in final] == [(2, 4), (0, 4), (1, 4)]


CRASH = ("crashed", "SIGSEGV")
OTHER = {"outputs_identical": False}
OFF = "输出与默认设置相差 0.25（相对），超过 0.001"


@pytest.mark.parametrize(
    ("script", "tried", "row", "failures"),
    [
        pytest.param([CRASH], 4, (None, "SIGSEGV", 0), [0, 1], id="always: twice in two rounds, then left alone"),
        pytest.param([CRASH, {}], 6, (10, None, 5), [], id="not again: no failure"),
        pytest.param([{}, CRASH, CRASH, {}], 6, (10, None, 4), [1], id="one bad round keeps the others"),
        pytest.param([{}, ("garbage", "坏")], 5, (10, None, 1), [1, 2], id="always, late: the figures that it has"),
        pytest.param([("timeout", "不行")], 1, (None, "不行", 0), [0], id="a hang: tried once"),
        pytest.param([("not_finite", "不行")], 1, (None, "不行", 0), [0], id="no numbers: tried once"),
        pytest.param([("unsupported", "不行")], 1, (None, "不行", 0), [0], id="unsupported: tried once"),
        pytest.param([{}, ("timeout", "不行"), {}], 2, (10, None, 1), [1], id="would only come again, late"),
        pytest.param([OTHER | {"outputs_difference": 0.25}], 1, (None, OFF, 0), [0], id="other outputs"),
        pytest.param([OTHER | {"outputs_difference": 9e-4}], 5, (10, None, 5), [], id="nearly the same"),
        pytest.param([{"worker_ns": 1}], 2, (None, "数字自相矛盾", 0), [0, 1], id="figures that cannot be"),
    ],
)  # fmt: skip
def test_case_that_fails(
    lab: Lab, make: Make, script: list[Any], tried: int, row: tuple[Any, ...], failures: list[int]
) -> None:
    lab.worker.scripts["one"] = [make.failure(*one) if isinstance(one, tuple) else one for one in script]
    lab.runner(lab.task(profile=make.profile(rounds=5))).run()
    assert [start.case for start in lab.worker.timed].count("one") == tried
    found, reason = lab.row("one"), row[1]
    told = found.failure and reason and found.failure[: len(reason)]
    assert (found.value, told or found.failure, found.rounds) == row
    assert found.failed_rounds == len(failures)
    assert [s.round for s in lab.on_disk().samples if s.case == "one" and s.failure] == failures
    assert (lab.row("two").value, lab.row("two").rounds) == (10, 5)
    assert sum("失败" in note for note in lab.told.notes) == len(failures)


def _expected(make: Make, kind: Any, groups: Sequence[Group] = ()) -> Experiment:
    case = Case(id="one", title="一", settings={"case": "one"}, expected=kind)
    return make.experiment(cases=(BASELINE, case, "two"), groups=groups)


@pytest.mark.parametrize(("expected", "kind"), [("crash", "crashed"), ("hang", "timeout")])
@pytest.mark.parametrize("observed", [True, False], ids=["while it is looked at", "only while it is timed"])
def test_case_that_is_there_to_fail_has_that_for_its_result_in_each_group(
    lab: Lab, make: Make, expected: str, kind: Any, *, observed: bool
) -> None:
    """It is no failure that is told, and tried once: on the second model it may well go otherwise."""
    failure = make.failure(kind, "它不行")
    lab.worker.scripts["one"] = [failure]
    lab.worker.untimed = {"one": failure} if observed else {}
    groups = [make.group(2), make.group(3)]
    lab.runner(lab.task(_expected(make, expected, groups))).run()
    tried = [(start.shapes, start.timed) for start in lab.worker.started if start.case == "one"]
    assert tried == [(((2, 3),), False), *([] if observed else [(((2, 3),), True)]), (((3, 3),), True)]
    rows = summarise(_expected(make, expected, groups), lab.on_disk()).rows
    found = [row.failure for row in rows if (row.case, row.metric) == ("one", "latency_ms")]
    assert found == ["如预期：它不行"] * 2
    assert not any("失败" in note for note in lab.told.notes)


@pytest.mark.parametrize(("expected", "kind"), [("crash", "timeout"), ("hang", "crashed"), ("crash", None)])
def test_case_that_does_not_fail_as_it_is_there_to_is_like_any_other(
    lab: Lab, make: Make, expected: str, kind: Any
) -> None:
    lab.worker.scripts["one"] = [make.failure(kind, "别的") if kind else {}]
    lab.runner(lab.task(_expected(make, expected))).run()
    assert (lab.row("one").failure, lab.row("one").value) == (("别的", None) if kind else (None, 10))


def test_failures_are_counted_across_interruptions_and_repeats(lab: Lab, make: Make) -> None:
    """Those of the interrupted round and of the disturbed one, too."""
    lab.worker.scripts["one"] = [make.failure("crashed", "SIGSEGV")]
    lab.noise.dirty = {0}

    def check(_: Started) -> None:
        """Ctrl-C at the first child after `one` has failed in the repeat of the first round."""
        if [start.case for start in lab.worker.timed].count("one") == 4:
            raise KeyboardInterrupt

    task = lab.task()
    lab.worker.before = check
    with pytest.raises(KeyboardInterrupt):
        lab.runner(task).run()
    _resume(lab)
    row = lab.row("one")
    assert "one" not in [start.case for start in lab.worker.started]
    assert (row.value, row.failure, row.failed_rounds) == (None, "SIGSEGV", 1)


@pytest.mark.parametrize("case", [BASELINE, "one"])
def test_failure_stays_in_its_group_and_leaves_the_others_their_figures(
    lab: Lab, make: Make, case: str
) -> None:
    """Without a baseline there are no outputs to compare, either."""
    experiment = make.experiment(groups=[make.group(2), make.group(3)])

    def set_answers(start: Started) -> None:
        answer: Any = make.failure("timeout", "太慢") if start.shapes == ((3, 3),) else {}
        lab.worker.scripts[case], lab.worker.untimed[case] = [answer], answer

    lab.worker.before = set_answers
    lab.runner(lab.task(experiment)).run()
    rows = [row for row in summarise(experiment, lab.on_disk()).rows if row.metric == "latency_ms"]
    assert len(rows) == 2 * len(ONCE)
    for row in rows:
        fails = (row.case, row.input) == (case, "batch=3")
        assert (row.failure, row.value) == (("太慢", None) if fails else (None, 10))


def test_budget_counts_the_time_that_rounds_really_take_and_grants_the_first(lab: Lab, make: Make) -> None:
    """A sample takes a minute, not what was estimated; and the plan has refused too small a budget."""
    longer = make.profile(rounds=9)
    assert lab.runner(lab.task(make.experiment("a"), longer), budget_s=1).run() == 1
    lab.worker.seconds = 60
    assert lab.runner(lab.task(profile=longer), budget_s=3 * 60 + 2.5 * PER_ROUND * 60).run() == 2


def test_each_experiment_has_its_own_rounds_and_the_budget_drops_whole_ones(lab: Lab, make: Make) -> None:
    """Three, memory figures alone, settings chosen on four; then the budget ends within the longest one."""
    tasks = [
        lab.task(),
        lab.task(make.experiment("memory", groups=[make.group(timed=False)])),
        lab.task(make.experiment("chooser", scenarios=(make.scenario(),))),
        lab.task(make.experiment("longer", groups=[make.group(2), make.group(3)]), make.profile(rounds=9)),
    ]
    start, checks = lab.clock(), 4 * 3 + 1  # and a group more whose outputs are had
    budget = checks + (5 + 4 + 4 + 3 + 2 + 1) * PER_ROUND  # five rounds and a half
    assert lab.runner(*tasks, budget_s=budget).run() == 5
    assert lab.clock() - start <= budget
    for task, rounds, planned in zip(tasks, (3, 1, 4, 5), (3, 1, 4, 9), strict=True):
        journal = lab.on_disk(task.planned.experiment.id)
        for group in task.planned.groups:
            assert [end.round for end in journal.final_rounds(group.index)] == list(range(rounds))
        assert journal.footer is not None
        assert (journal.header.rounds, journal.footer.rounds) == (planned, rounds)
    assert any("9 轮" in note and "5 轮" in note for note in lab.told.notes)


def test_time_left_falls_to_the_last_sample_within_what_the_budget_leaves(lab: Lab, make: Make) -> None:
    """While settings are checked, too; and it follows what rounds really take."""
    lab.runner(lab.task(make.experiment(groups=[make.group(seconds=1.0)]), make.profile(rounds=4))).run()
    checks, left = ([s for text, s in lab.told.steps if word in text] for word in ("验证", "轮"))
    assert (len(checks), len(left)) == (3, 4 * PER_ROUND)
    assert checks == sorted(set(checks), reverse=True)
    rounds = [checks[-1], *left[::PER_ROUND]]
    assert rounds == sorted(rounds, reverse=True)
    assert rounds[-1] == pytest.approx(PER_ROUND)
    lab.told.steps.clear()
    lab.runner(lab.task(make.experiment("b", groups=[make.group(seconds=0.1)]))).run()
    assert lab.told.steps[0][1] < 3 * PER_ROUND * 0.2
    assert lab.told.steps[-1][1] == pytest.approx(PER_ROUND)
    lab.worker.seconds = 60  # far longer than estimated: most rounds will not be done
    end, budgeted = lab.clock() + 40 * 60, []
    lab.worker.before = lambda _: budgeted.append((lab.told.steps[-1][1], max(0.0, end - lab.clock())))
    lab.runner(lab.task(make.experiment("c"), make.profile(rounds=99)), budget_s=40 * 60).run()
    assert all(0 <= told <= rest for told, rest in budgeted)
    assert any(told == rest for told, rest in budgeted)


def test_resumed_build_foresees_from_its_samples_and_pays_for_no_round_that_it_has(
    lab: Lab, make: Make
) -> None:
    longer = make.profile(rounds=9)
    _interrupt(lab, 8 * PER_ROUND + 1, lab.task(profile=longer))
    lab.worker.before, lab.told.steps = lambda _: None, []
    assert lab.runner(lab.task(profile=longer), budget_s=PER_ROUND + 1).run() == 9
    assert lab.told.steps[0][1] == pytest.approx(PER_ROUND)


@pytest.mark.parametrize(
    ("repeats", "ends"),
    [(2, [(0, 0, True, False), (1, 0, False, True), (1, 1, True, False), (2, 0, True, False)]),
     (0, [(0, 0, True, False), (1, 0, True, True), (2, 0, True, False)])],
)  # fmt: skip
def test_dirty_round_is_measured_again(
    lab: Lab, make: Make, repeats: int, ends: list[tuple[Any, ...]]
) -> None:
    lab.noise.dirty = {1}
    lab.runner(lab.task(profile=make.profile(repeats=repeats))).run()
    journal = lab.on_disk()
    assert [(end.round, end.attempt, end.final, end.noise.dirty) for end in journal.rounds] == ends
    assert len(journal.samples) == len(ends) * PER_ROUND
    assert sum("重测" in note for note in lab.told.notes) == len(ends) - 3


def test_repeats_are_shared_by_the_groups_of_an_experiment_and_then_rounds_are_flagged(
    lab: Lab, make: Make
) -> None:
    """Never spent on a group that shows memory alone."""
    lab.noise.dirty = range(1000)
    groups = [make.group(2), make.group(3), make.group(4, timed=False)]
    experiments = [make.experiment("a", groups=groups), make.experiment("b", groups=groups)]
    lab.runner(*(lab.task(one, make.profile(rounds=6)) for one in experiments)).run()
    for experiment in experiments:
        journal = lab.on_disk(experiment.id)
        assert sum(not end.final for end in journal.rounds) == REPEATS
        assert [end.final for end in journal.rounds if end.group == 2] == [True]
        assert [end.round for end in journal.final_rounds(0)] == list(range(6))
        assert all(end.noise.dirty for end in journal.final_rounds(0))
        assert [group.verdicts for group in summarise(experiment, journal).groups[:2]] == [False, False]


@pytest.mark.parametrize(("free_mib", "fits"), [(399, False), (400, True)])
def test_hungry_sample_is_not_started_when_memory_has_become_scarce(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch, free_mib: int, *, fits: bool
) -> None:
    monkeypatch.setattr(measuring, "free_memory", lambda: free_mib * MIB)
    lab.runner(lab.task(hungry(make))).run()
    own = [sample.failure for sample in lab.on_disk().samples if sample.group == 1]
    assert len(own) == 4
    assert all(sample.figures for sample in lab.on_disk().samples if sample.group == 0 or fits)
    assert {(f.kind, "400 MiB" in f.reason) for f in own if f} == (
        set() if fits else {("out_of_memory", True)}
    )
    assert (((4, 3),) in {start.shapes for start in lab.worker.started}) is fits


SECONDS = 2.5


def test_trial_runs_the_default_once_on_each_input_and_shows_how_long_samples_take(
    lab: Lab, make: Make
) -> None:
    """What is the same in two experiments is tried once; more processes or fewer cores by themselves."""
    lab.worker.seconds = SECONDS
    groups = {
        "plain": [make.group(2), make.group(3)], "same": [make.group(2)], "two": [make.group(processes=2)],
        "half": [make.group(cores=0.5)], "all": [make.group(cores=1)],
    }  # fmt: skip
    tasks = [lab.task(make.experiment(name, groups=own)) for name, own in groups.items()]
    try_out(tasks)
    tried = [(start.case, start.shapes, start.processes) for start in lab.worker.started]
    plain, larger = (BASELINE, ((2, 3),), 1), (BASELINE, ((3, 3),), 1)
    assert tried == [plain, larger, (BASELINE, ((2, 3),), 2), plain]
    for task in tasks:
        assert [sample_seconds(task.planned, g) for g in task.planned.groups] == [SECONDS] * len(
            task.planned.groups
        )
        assert task.writer.journal.samples == []


def test_trial_leaves_out_a_large_batch_which_is_scaled_as_the_small_one_of_its_model(
    lab: Lab, make: Make
) -> None:
    lab.worker.seconds = SECONDS
    task = lab.task(hungry(make))
    small, large = task.planned.groups
    try_out([task])
    assert len(lab.worker.started) == 1
    slower = SECONDS / small.group.seconds
    assert sample_seconds(task.planned, large) == pytest.approx(large.group.seconds * slower)


def test_trial_that_fails_leaves_what_was_typed_and_a_resumed_build_needs_none(lab: Lab, make: Make) -> None:
    lab.worker.scripts[BASELINE] = [make.failure("timeout", "太慢"), {}]
    task = lab.task()
    try_out([task])
    assert (task.planned.measured, task.failed) == ({}, {})
    lab.worker.seconds, lab.worker.started = SECONDS, []
    _interrupt(lab, 3)
    resumed, before = lab.task(), len(lab.worker.started)
    try_out([resumed])
    assert len(lab.worker.started) == before
    assert resumed.planned.measured == {0: pytest.approx(SECONDS)}

"""A build carried out with children that do not exist: order, resume, failures, budget, noise, memory."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from lab import MIB, PER_ROUND, Lab, hungry, interrupt_at
from samples import Make

from bench.measure import hindrances
from bench.measure.evidence import IDLE_SECONDS
from bench.measure.plan import sample_seconds
from bench.measure.tryout import try_out
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case, Proof

make = Make()
ONCE = Counter({BASELINE: 1, CONTROL: 1, "one": 1, "two": 1})


def _interrupt(lab: Lab, number: int, seed: int = 7) -> None:
    interrupt_at(lab, number)
    with pytest.raises(KeyboardInterrupt):
        lab.runner(seed=seed).run()
    lab.worker.before, lab.worker.started = lambda _: None, []


def test_rounds_follow_each_other_and_each_measures_every_case_of_every_group(lab: Lab) -> None:
    """Groups and experiments take turns; a group that shows memory alone has one round without bracketing."""
    groups = [make.group(2), make.group(3, seconds=4.6), make.group(4, timed=False)]
    experiments = make.experiment(groups=groups), make.experiment("more", groups=[make.group(5)])
    tasks = [lab.task(one, make.profile(looks=(6,))) for one in experiments]
    lab.runner(*tasks).run()
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
    rounds = [[end.round for end in journal.final_rounds(n)] for n in range(3)]
    assert rounds == [[*range(6)], [*range(6)], [0]]
    assert len(seen) == 6 * (4 + 5 + 4) + 4
    assert {start.idle_seconds for start in lab.worker.started} == {0.0}  # nothing shows it
    assert seen[: 4 + 5 + 4 + 4].count("one") == 4  # the first round of both experiments


def test_order_within_a_round_follows_the_seed(lab: Lab) -> None:
    orders = []
    for seed in (7, 7, 8):
        task = lab.task(make.experiment(cases=[BASELINE, CONTROL, *"abcdefg"]))
        lab.runner(task, seed=seed).run()
        samples = task.writer.journal.samples
        orders.append([[s.case for s in samples if s.round == number] for number in range(3)])
        task.writer.journal.path.unlink()
    first, again, other = orders
    assert (first == again, first == other, first[0] == first[1]) == (True, False, False)


def test_job_is_that_of_the_profile_and_the_first_sample_that_succeeds_compares_outputs(lab: Lab) -> None:
    """Idle is watched where it proves something, in untimed children. A start counts from that of its round."""
    crash, lab.worker.seconds = make.failure("crashed"), 2.5
    lab.worker.scripts["one"] = [crash, crash, {}]  # ended twice in the first round
    proof = Proof(fact="idle_cpu_s", relation="<", than=BASELINE)
    one = Case(id="one", title="", settings={"case": "one"}, proofs=(proof,))
    experiment = make.experiment(cases=(BASELINE, CONTROL, one, "two"))
    task = lab.task(experiment, make.profile(looks=(4,), min_seconds=0.7, min_calls=5))
    jobs = list[Any]()
    task.worker = lambda job, env, timeout_s: jobs.append(job) or lab.worker(job, env, timeout_s)
    lab.runner(task).run()
    timed = [job for job in jobs if not job["observe"]]
    compared = [job["settings"]["case"] for job in timed if job["reference"]]
    assert Counter(compared) == {BASELINE: 1, CONTROL: 1, "two": 1, "one": 3}
    assert all(job["verify"] == ([0] if job["reference"] else []) for job in timed)
    told = ("min_seconds", "min_calls", "warm_up", "verbose", "write_reference")
    assert {tuple(job[name] for name in told) for job in timed} == {(0.7, 5, 1, False, None)}
    assert {(job["observe"], job["idle_seconds"]) for job in jobs} == {(False, 0.0), (True, IDLE_SECONDS)}
    first, second = ([s for s in lab.on_disk().samples if s.round == number] for number in range(2))
    assert [s.started_s for s in second] == [2.5 * position for position in range(PER_ROUND)]
    place = [s.case for s in first].index("one")
    assert [s.started_s for s in first] == [2.5 * (n + (n > place)) for n in range(PER_ROUND)]


def test_interrupted_build_repeats_the_unfinished_round_and_nothing_else(lab: Lab) -> None:
    """Twice within the first round, then between two, then before the end of the last is known: so is its noise."""
    for number, had in ((3, 2), (3, 4), (PER_ROUND + 1, 8)):
        _interrupt(lab, number)
        before = lab.on_disk()
        assert (before.complete, len(before.samples)) == (False, had)
    lab.told.steps.clear()
    # Two rounds are paid for, as long as the samples on disk were, and none that is there.
    lab.runner(budget_s=2 * PER_ROUND + 1).run()
    assert lab.told.steps[0][1] == pytest.approx(2 * PER_ROUND)
    after = lab.on_disk()
    assert (after.complete, after.samples[:8] == before.samples) == (True, True)
    assert len(lab.worker.started) == len(lab.worker.timed) == 2 * PER_ROUND  # nothing is observed again
    after.path.write_bytes(b"".join(after.path.read_bytes().splitlines(keepends=True)[:-2]))
    lab.runner().run()
    last = lab.on_disk()
    assert (len(lab.worker.timed), last.samples[:16] == after.samples) == (3 * PER_ROUND, True)
    final = [(end.attempt, [s.position for s in last.samples_of(end)]) for end in last.final_rounds(0)]
    assert final == [(attempt, [*range(PER_ROUND)]) for attempt in (2, 0, 1)]
    told = [(one.footer.rounds, one.footer.resumed) for one in (after, last) if one.footer]
    assert told == [(3, 8), (3, 16)]


CRASH = ("crashed", "SIGSEGV")
FAR, NEAR = ({"outputs_identical": False, "outputs_difference": how_far} for how_far in (0.25, 9e-4))
OFF = "输出与默认设置相差 0.25（相对），超过 0.001"


@pytest.mark.parametrize(
    ("script", "tried", "row", "failures"),
    [
        ([CRASH], 4, (None, "SIGSEGV", 0), [0, 1]), ([CRASH, {}], 6, (10, None, 5), []),
        ([{}, CRASH, CRASH, {}], 6, (10, None, 4), [1]), ([{}, ("garbage", "坏")], 5, (10, None, 1), [1, 2]),
        ([("not_finite", "不行")], 1, (None, "不行", 0), [0]), ([{}, ("timeout", "不行"), {}], 2, (10, None, 1), [1]),
        ([FAR], 1, (None, OFF, 0), [0]), ([NEAR], 5, (10, None, 5), []), ([{"worker_ns": 1}], 2, (None, "数字自相矛盾", 0), [0, 1]),
    ],
)  # fmt: skip
def test_case_that_fails(lab: Lab, script: list[Any], tried: int, row: Any, failures: list[int]) -> None:
    """From outside: tried twice in two rounds; what would only come again: once. Figures of other rounds are kept."""
    lab.worker.scripts["one"] = [make.failure(*one) if isinstance(one, tuple) else one for one in script]
    lab.runner(lab.task(profile=make.profile(looks=(5,)))).run()
    assert [start.case for start in lab.worker.timed].count("one") == tried
    found, reason = lab.row("one"), row[1]
    told = found.failure and reason and found.failure[: len(reason)]
    assert (found.value, told or found.failure, found.rounds) == row
    assert found.failed_rounds == len(failures)
    assert [s.round for s in lab.on_disk().samples if s.case == "one" and s.failure] == failures
    assert (lab.row("two").value, lab.row("two").rounds) == (10, 5)
    assert sum("失败" in note for note in lab.told.notes) == len(failures)


@pytest.mark.parametrize(
    ("expected", "kind", "observed", "told", "timed"),
    [
        ("crash", "crashed", 1, "如预期：它不行", [3]), ("hang", "timeout", 1, "如预期：它不行", [3]),
        ("hang", "timeout", 0, "如预期：它不行", [2, 3]), ("crash", "timeout", 0, "它不行", [2, 3]),
        ("hang", "crashed", 0, "它不行", [2, 2, 2, 2, 3, 3, 3, 3]), ("crash", None, 0, None, [2, 2, 2, 3, 3, 3]),
    ],
)  # fmt: skip
def test_case_there_to_fail(lab: Lab, expected: Any, kind: Any, observed: int, told: Any, timed: Any) -> None:
    """It is no failure that is told, and tried once: on the second model it may well go otherwise. Else it is as any."""
    failure: Any = make.failure(kind, "它不行") if kind else {}
    lab.worker.scripts["one"], lab.worker.untimed = [failure], {"one": failure} if observed else {}
    case = Case(id="one", title="一", settings={"case": "one"}, expected=expected)
    experiment = make.experiment(cases=(BASELINE, case, "two"), groups=[make.group(2), make.group(3)])
    lab.runner(lab.task(experiment)).run()
    tried = [(start.shapes[0][0], start.timed) for start in lab.worker.started if start.case == "one"]
    assert (tried[0], sorted(tried[1:])) == ((2, False), [(batch, True) for batch in timed])
    rows = summarise(experiment, lab.on_disk()).rows
    found = [(row.failure, row.value) for row in rows if (row.case, row.metric) == ("one", "latency_ms")]
    assert found == [(told, None if kind else 10)] * 2
    assert any("失败" in note for note in lab.told.notes) is (told == "它不行")


def test_dirty_round_is_measured_again_and_failures_add_up_across_interruptions(lab: Lab) -> None:
    """Those of the disturbed round and of the interrupted one, which is its repeat, too."""
    lab.worker.scripts["one"], lab.noise.dirty = [make.failure("crashed", "SIGSEGV")], {0}
    _interrupt(lab, 10, seed=1)  # a seed with which it has its turn before the last sample
    assert [s.attempt for s in lab.on_disk().samples if s.case == "one"] == [0, 1]
    lab.runner().run()
    ends = [(end.round, end.attempt, end.final, end.noise.dirty) for end in lab.on_disk().rounds]
    assert ends == [(0, 0, False, True), (0, 2, True, False), (1, 0, True, False), (2, 0, True, False)]
    assert sum("重测" in note for note in lab.told.notes) == 1
    row = lab.row("one")
    assert "one" not in [start.case for start in lab.worker.started]
    assert (row.value, row.failure, row.failed_rounds) == (None, "SIGSEGV", 1)


def test_baseline_that_fails_leaves_the_others_their_figures_and_no_outputs_to_compare(lab: Lab) -> None:
    failure = make.failure("timeout", "太慢")
    lab.worker.scripts[BASELINE], lab.worker.untimed[BASELINE] = [failure], failure
    lab.runner().run()
    found = {case: (lab.row(case).failure, lab.row(case).value) for case in ONCE}
    assert found == {**dict.fromkeys(ONCE, (None, 10)), BASELINE: ("太慢", None)}


def test_each_experiment_has_its_own_looks_and_the_budget_ends_at_one(lab: Lab) -> None:
    """Three rounds, memory figures alone, settings chosen on four; nothing is settled that costs so little to go on with."""
    lab.worker.scripts = {
        case: [{"latency_ns": ns} for ns in (8_000_000, 12_000_000) * 9] for case in ("one", "two")
    }
    tasks = [
        lab.task(),
        lab.task(make.experiment("memory", groups=[make.group(3, timed=False)])),
        lab.task(make.experiment("chooser", groups=[make.group(4)], scenarios=(make.scenario(),))),
        lab.task(
            make.experiment("longer", lab.proved("one", "two"), groups=[make.group(5), make.group(6)]),
            make.profile(looks=(2, 9)),
        ),
    ]
    start, checks = lab.clock(), 4 * 3 + 1  # and a group more whose outputs are had
    budget = checks + (3 + 1 + 4 + 2 + 2 + 7) * PER_ROUND + 6  # one of two groups goes on to the end
    lab.runner(*tasks, budget_s=budget).run()
    assert lab.clock() - start <= budget
    for task, rounds, planned in zip(tasks, ([3], [1], [4], [9, 2]), (3, 1, 4, 9), strict=True):
        journal = lab.on_disk(task.planned.experiment.id)
        found = [[end.round for end in journal.final_rounds(one.index)] for one in task.planned.groups]
        assert found == [list(range(number)) for number in rounds]
        assert journal.footer is not None
        assert (journal.header.rounds, journal.footer.rounds) == (planned, max(rounds))
    assert [note for note in lab.told.notes if "时间预算用完" in note] == [
        "时间预算用完：longer 还有分不出的，没有再测"
    ]
    lab.runner(lab.task(make.experiment("first", groups=[make.group(7)])), budget_s=1).run()
    assert len(lab.on_disk("first").rounds) == 3  # less than a look is none


def test_time_left_falls_to_the_last_sample_within_what_the_budget_leaves(lab: Lab) -> None:
    """While settings are checked, too; and it follows what rounds really take."""
    lab.runner(lab.task(make.experiment(groups=[make.group(seconds=1.0)]), make.profile(looks=(4,)))).run()
    checks, left = ([s for text, s in lab.told.steps if word in text] for word in ("验证", "轮"))
    assert (len(checks), len(left)) == (3, 4 * PER_ROUND)
    assert checks == sorted(set(checks), reverse=True)
    rounds = [checks[-1], *left[::PER_ROUND]]
    assert rounds == sorted(rounds, reverse=True)
    assert rounds[-1] == pytest.approx(PER_ROUND)
    lab.told.steps.clear()
    lab.runner(lab.task(make.experiment("b", groups=[make.group(seconds=0.1)]))).run()
    assert lab.told.steps[0][1] < 3 * PER_ROUND * 0.2
    assert lab.told.steps[-1][1] == pytest.approx(1), "one sample, of a second"
    lab.worker.seconds = 60  # far longer than estimated: not all looks will be reached
    lab.worker.scripts = {
        case: [{"latency_ns": ns} for ns in (8_000_000, 12_000_000) * 50] for case in ("one", "two")
    }
    end, budgeted = lab.clock() + 40 * 60, list[tuple[float, float]]()
    lab.worker.before = lambda _: budgeted.append((lab.told.steps[-1][1], max(0.0, end - lab.clock())))
    lab.runner(
        lab.task(make.experiment("c", lab.proved("one", "two")), make.profile(looks=(6, 20, 99))),
        budget_s=40 * 60,
    ).run()
    assert all(0 <= told <= rest for told, rest in budgeted)
    assert any(told == rest for told, rest in budgeted)
    assert len(lab.on_disk("c").rounds) == 6


def test_block_has_few_repeats_and_then_rounds_are_flagged(lab: Lab) -> None:
    """None of a group that shows memory alone, none beyond the budget, and no more of them after an interruption."""
    lab.noise.dirty = range(1000)
    groups = [make.group(2), make.group(3), make.group(4, timed=False)]
    experiments = [make.experiment("a", groups=groups), make.experiment("b", groups=groups)]
    profile = make.profile(looks=(6,), repeats=2)
    memory = make.experiment("memory", groups=groups[2:])
    interrupt_at(lab, 2 * PER_ROUND + 1 + 2 * PER_ROUND + 2)  # two rounds have been repeated
    with pytest.raises(KeyboardInterrupt):
        lab.runner(*(lab.task(one, profile) for one in experiments), lab.task(memory)).run()
    lab.worker.before, lab.noise.readings = lambda _: None, 0
    lab.runner(*(lab.task(one, profile) for one in experiments), lab.task(memory)).run()
    assert [end.final for end in lab.on_disk("memory").rounds] == [True]
    lab.runner(
        lab.task(make.experiment("poor", groups=groups[:1]), profile), budget_s=3 + 6 * PER_ROUND
    ).run()
    assert all(end.final for end in lab.on_disk("poor").rounds)
    for experiment in experiments:
        journal = lab.on_disk(experiment.id)
        assert [sum(not end.final for end in journal.rounds if end.group == n) for n in range(3)] == [2, 2, 0]
        assert [end.round for end in journal.final_rounds(0)] == list(range(6))
        assert all(end.noise.dirty for end in journal.final_rounds(0))
        assert [group.verdicts for group in summarise(experiment, journal).groups[:2]] == [False, False]


@pytest.mark.parametrize(("free_mib", "failure"), [(399, [("out_of_memory", True)]), (400, [])])
def test_no_hungry_sample_in_scarce_memory(lab: Lab, monkeypatch: Any, free_mib: int, failure: Any) -> None:
    monkeypatch.setattr(hindrances, "free_memory", lambda: free_mib * MIB)
    lab.runner(lab.task(hungry(make))).run()
    samples, own = lab.on_disk().samples, [s.failure for s in lab.on_disk().samples if s.group == 1]
    assert len(own) == 4
    assert all(sample.figures for sample in samples if sample.group == 0 or not failure)
    assert [(f.kind, "400 MiB" in f.reason) for f in own if f] == failure * 4
    assert (((4, 3),) in {start.shapes for start in lab.worker.started}) is (not failure)


def test_trial_runs_the_default_once_on_each_input_and_shows_its_length(lab: Lab) -> None:
    """What is the same is tried once, other loads and places by themselves; a large batch is scaled as the small ones."""
    lab.worker.seconds = 2.5
    groups = {
        "plain": [make.group(2), make.group(3)], "same": [make.group(2)], "two": [make.group(processes=2)],
        "half": [make.group(cores=0.5)], "all": [make.group(cores=1)], "hungry": hungry(make).groups,
    }  # fmt: skip
    tasks = [lab.task(make.experiment(name, groups=own)) for name, own in groups.items()]
    try_out(tasks)
    tried = [(start.case, start.shapes, start.processes) for start in lab.worker.started]
    plain, larger = (BASELINE, ((2, 3),), 1), (BASELINE, ((3, 3),), 1)
    assert tried == [plain, larger, (BASELINE, ((2, 3),), 2), plain, plain]
    lengths = [sample_seconds(task.planned, group) for task in tasks for group in task.planned.groups]
    assert lengths == pytest.approx([2.5] * 8)
    assert all(task.writer.journal.samples == [] for task in tasks)


def test_trial_that_took_long_is_made_again_and_the_shorter_one_counts(lab: Lab) -> None:
    """Long for this machine, not for the one that the lengths of experiments are from."""
    took = iter([2.5, 9, 2.5, 2.0])  # the second meets a slow spell

    def spend(_: Any) -> None:
        lab.worker.seconds = next(took)

    lab.worker.before = spend
    task = lab.task(make.experiment(groups=[make.group(2), make.group(3), make.group(4)]))
    try_out([task])
    assert [start.shapes for start in lab.worker.started] == [((n, 3),) for n in (2, 3, 4, 3)]
    assert task.planned.measured == pytest.approx({0: 2.5, 1: 2.0, 2: 2.5})


def test_trial_that_fails_leaves_what_was_typed_and_a_resumed_build_needs_none(lab: Lab) -> None:
    lab.worker.scripts[BASELINE] = [make.failure("timeout", "太慢"), {}]
    task = lab.task()
    try_out([task])
    assert (task.planned.measured, task.failed) == ({}, {})
    lab.worker.seconds, lab.worker.started = 2.5, []
    _interrupt(lab, 3)
    resumed = lab.task()
    try_out([resumed])
    assert lab.worker.started == []
    assert resumed.planned.measured == {0: pytest.approx(2.5)}

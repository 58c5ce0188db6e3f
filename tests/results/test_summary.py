"""From a journal to an export: which rounds count, what captions say, curves, proofs, outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bench.results import records
from bench.results.metrics import METRICS
from bench.results.summary import summarise
from bench.results.view import GroupView
from bench.spec import BASELINE, CONTROL, Case, Chart, Load, Subject

if TYPE_CHECKING:
    from samples import Make, Measured

    from bench.results.published import Export, Row

MIB = 1 << 20


def _ms(ms: float) -> dict[str, Any]:
    return {"latency_ns": round(ms * 1e6)}


def _row(export: Export, case: str, metric: str = "latency_ms") -> Row:
    (row,) = (row for row in export.rows if (row.case, row.metric) == (case, metric))
    return row


def test_failure_outside_the_rounds_that_count_is_not_forgotten(make: Make) -> None:
    """In an attempt that was interrupted, or repeated for noise, or when it was observed; the next does not try it."""
    cases = (BASELINE, "one", "two", "three", "four")
    journal = make.journal([[(BASELINE, {})]], cases=cases)
    journal.samples[:] = [make.sample("one", make.failure(reason="一")), make.sample(BASELINE, attempt=1)]
    journal.rounds[:] = [make.end(attempt=1), make.end(1, dirty=True, final=False), make.end(1, attempt=1)]
    journal.add(make.sample("two", make.failure(reason="二"), round=1, position=1))
    journal.add(make.sample(BASELINE, round=1, attempt=1))
    absent = make.failure("not_applicable", "三")
    journal.untimed[:] = [make.untimed("three", outcome=None, facts={}, regions=[], failure=absent)]
    export = summarise(make.experiment(), journal)
    found = [(_row(export, case).value, _row(export, case).failure) for case in cases]
    assert found == [(10, None), (None, "一"), (None, "二"), (None, "三"), (None, "没有测到")]


def test_outputs_count_though_their_round_was_repeated(make: Make) -> None:
    """They are compared once, in the first process of a case."""
    first, then = ({"outputs_compared": n, "outputs_identical": not n} for n in (1, 0))
    journal = make.journal([[(BASELINE, first), ("one", first)], [(BASELINE, then), ("one", then)]])
    journal.samples[:] = [
        one.model_copy(update={"round": 0, "attempt": one.round}) for one in journal.samples
    ]
    journal.rounds[:] = [make.end(dirty=True, final=False), make.end(attempt=1)]
    found = {row.case: row.identical for row in summarise(make.experiment(), journal).outputs}
    assert found == {BASELINE: False, "one": False}


def test_neither_repeated_nor_unfinished_rounds_count(make: Make) -> None:
    journal = make.journal([[(BASELINE, _ms(10)), ("one", _ms(10))]] * 6)
    for number in (6, 7):
        journal.add(make.sample(BASELINE, _ms(10), round=number))
        journal.add(make.sample("one", _ms(900), round=number, position=1))
    journal.add(make.end(6, dirty=True, final=False))
    export = summarise(make.experiment(), journal)
    group = export.groups[0]
    assert (_row(export, "one").high, _row(export, "one").rounds) == (10, 6)
    assert (group.rounds, group.repeated_rounds, group.dirty_rounds) == (6, 1, 0)


def test_groups_keep_their_samples_apart_and_say_what_ran_where(make: Make) -> None:
    subject = Subject(name="shared_arena", options={"arena_extend_strategy": 1})
    runs = {"callers": 4, "processes": 2, "cores": 0.5, "env": {"A": "1"}}
    where = {"subject": subject, "variant": "optimised", "note": "减小到放得下", **runs}
    two = {"index": 3, "input": "batch=4", "shapes": [{"x": [1]}, {"x": [2]}]}
    groups = [make.group_record(cases=[BASELINE], **more) for more in ({}, where | two)]
    journal = make.journal([[(BASELINE, _ms(10))]], groups=groups)
    for attempt in (0, 1):
        journal.add(make.sample(BASELINE, _ms(77 if attempt else 900), group=3, attempt=attempt))
        journal.add(make.end(group=3, attempt=attempt, dirty=not attempt, final=bool(attempt)))
    export = summarise(make.experiment(), journal)
    found = {row.input: row.value for row in export.rows if row.metric == "latency_ms"}
    assert found == {"batch=2": 10, "batch=4": 77}
    named = {*records.GroupFacts.model_fields, "note"}
    shown, measured = ([one.model_dump(include=named) for one in told] for told in (export.groups, groups))
    assert shown == measured
    told = [(one.calls, one.rounds, one.repeated_rounds, one.cost_s) for one in export.groups]
    assert told == [(1, 1, 0, 1.0), (2, 1, 1, 2.0)]


def test_caption_has_the_floor_and_the_worst_of_what_went_on(make: Make) -> None:
    rounds = [[(BASELINE, _ms(10)), (CONTROL, _ms(10 + n % 2 * 0.8))] for n in range(9)]
    export = summarise(make.experiment(), make.journal(rounds, dirty=[0, 4]))
    group, noise = export.groups[0], export.groups[0].noise
    assert (group.noise_floor, group.noisy, group.verdicts) == (0.08, False, True)
    assert (group.dirty_rounds, group.farthest_baseline_s) == (2, 0)
    assert (noise.others, noise.steal, noise.pressure, noise.throttled) == (0.3, 0, None, None)
    assert (noise.frequency_low_mhz, noise.available_mib) == (2300, 8192)
    assert noise.involuntary_switches == 3 * 18


def test_group_whose_equal_settings_differ_may_not_be_quoted(make: Make) -> None:
    told = {
        (9.1, 10.9, 10, 9.1, 10.9, 10): (False, False),
        (8.9, 10, 10, 10, 10, 10): (True, False),  # differs by more than a tenth
        (10.3, 10.3, 10.2, 10.4, 10.3, 10.3): (True, True),  # told apart, though they are the same
        (10.1, 10.1, 10.05, 10.1, 10.1, 10.1): (False, True),  # by what nobody would name
        (13, 13, 13, 13, 13): (False, False),  # too few rounds for an interval
    }
    untimed = make.group_record(cases=[BASELINE, CONTROL], timed=False)
    for milliseconds, expected in told.items():
        rounds = [[(BASELINE, _ms(10)), (CONTROL, _ms(ms))] for ms in milliseconds]
        (group,) = summarise(make.experiment(), make.journal(rounds)).groups
        assert (group.noisy, group.control_excludes_one) == expected
        journal = make.journal(rounds, groups=[untimed], dirty=range(6))
        assert not summarise(make.experiment(), journal).groups[0].noisy


def _timed(make: Make, *samples: tuple[str, float, float, float | None]) -> GroupView:
    """One round: case, start, length in seconds, latency in milliseconds; None: it failed."""
    journal = make.journal([[(case, _ms(ms) if ms else make.failure()) for case, _, _, ms in samples]])
    for n, (_, start, length, _) in enumerate(samples):
        journal.samples[n] = journal.samples[n].model_copy(update={"started_s": start, "wall_s": length})
    return GroupView(journal, journal.header.groups[0])


def test_baseline_to_compare_with_is_the_nearest_in_time_and_the_worst_way_to_it_is_told(make: Make) -> None:
    """Not the nearest in place; from end to start; what failed is no distance, nor is a round without a baseline."""
    late = _timed(make, (BASELINE, 0, 1, 10), ("one", 60, 1, 60), ("two", 62, 2, 10), (BASELINE, 64, 9, 50))
    assert (late.values("one", METRICS["ratio"]), late.farthest_s) == ([pytest.approx(1.2)], 3)
    assert _timed(make, (BASELINE, 0, 2, 10), ("one", 90, 1, None), ("two", 1.9, 1, 10)).farthest_s == 0
    assert _timed(make, (BASELINE, 0, 1, None), ("one", 90, 1, 10)).farthest_s == 0
    journal = make.journal([[(BASELINE, {}), ("one", {})]] * 6)
    journal.samples[7] = journal.samples[7].model_copy(update={"started_s": 31.04})
    assert summarise(make.experiment(), journal).groups[0].farthest_baseline_s == 30


def test_export_tells_what_the_processes_of_all_rounds_showed_and_what_was_observed(make: Make) -> None:
    """Curves are medians over the rounds, of processes whose memory could be read; equal is what always was."""
    rounds: list[list[tuple[str, Measured]]] = [
        [
            (BASELINE, {"rss_bytes": [value * MIB for value in series]}),
            ("one", {"rss_bytes": [None, MIB], "outputs_identical": not n, "outputs_difference": n / 1e6}),
            ("two", {"rss_bytes": [None], "outputs_compared": 0}),
        ]
        for n, series in ((0, (100, 200, 300)), (5, (110, 500, 310)), (2, (120, 210, 900)))
    ]
    one = Case(id="one", title="旧标题", settings={"a": 1}, load=Load(callers=2))
    journal = make.journal(rounds, cases=(BASELINE, CONTROL, one, "two"))
    journal.untimed[:] = [
        make.untimed("one", outcome="nothing", operators={"Conv": 3}),
        make.untimed("two", outcome=None, evidence="", failure=make.failure()),
        make.untimed(CONTROL, outcome=None, evidence=""),
    ]
    at = {"case": BASELINE, "model": "toy", "input": "batch=2"}
    journal.add(records.Told(subject="line_memory", **at, lines={"t": ["x"]}))
    export = summarise(make.experiment(charts=(Chart(kind="memory_over_runs", title="内存"),)), journal)
    assert [(row.case, row.x, row.y) for row in export.curves] == [(BASELINE, [1, 2, 3], [110, 210, 310])]
    assert summarise(make.experiment(), journal).curves == []
    outputs = {row.case: (row.identical, row.difference) for row in export.outputs}
    assert outputs == {BASELINE: (True, 0), "one": (False, 5e-6)}
    proofs = [(row.model, row.input, row.case, row.outcome, row.evidence) for row in export.proofs]
    seen, failed = ("one", "nothing", "arena 区块数:2"), ("two", None, make.failure().reason)
    assert proofs == [("toy", "batch=2", *row) for row in (seen, failed)]
    assert [(row.case, row.operators) for row in export.operators] == [("one", {"Conv": 3})]
    head = journal.header
    assert (export.reports, export.machine, export.software) == (journal.reports, head.machine, head.software)
    assert export.cases[2] == replace(one, title="设置 one")  # under the titles of today
    build = export.build
    assert (build.rounds, build.planned_rounds, build.profile, build.resumed) == (3, 3, "default", 0)
    assert (build.id, build.key, build.measured_s) == (head.build, head.key, 300)

"""From samples to cells: pairing, verdicts, failures, curves."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from bench.results.summary import summarise
from bench.results.view import GroupView
from bench.spec import BASELINE, CONTROL, Chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import Make

    from bench.results.published import Export, Row
    from bench.results.store import Journal
    from bench.spec import Experiment

MIB = 1 << 20
MS = 1_000_000


def _latency(ms: float) -> dict[str, Any]:
    return {"latency_ns": round(ms * MS)}


def _row(export: Export, case: str, metric: str) -> Row:
    (row,) = (row for row in export.rows if (row.case, row.metric) == (case, metric))
    return row


def _metrics(export: Export, case: str) -> set[str]:
    return {row.metric for row in export.rows if row.case == case}


def _verdicts(export: Export) -> set[str]:
    return {row.verdict for row in export.rows if row.verdict}


def _nine(make: Make, *, one_ms: float = 13.0, **options: Any) -> Journal:
    """Nine rounds in which `one` takes 30 % longer, with a per mille of noise."""
    rng = random.Random(0)

    def near(ms: float) -> dict[str, Any]:
        return _latency(ms * rng.uniform(0.999, 1.001))

    rounds = [[("one", near(one_ms)), (BASELINE, near(10)), (CONTROL, near(10))] for _ in range(9)]
    return make.journal(rounds, **options)


@pytest.fixture
def toys(make: Make) -> Experiment:
    return make.experiment()


def test_ratio_pairs_with_the_baseline_sample_nearest_in_time(make: Make, toys: Experiment) -> None:
    """The machine slows down fivefold within each round; only neighbours agree that `one` is 20 % slower."""
    round_ = [
        (CONTROL, _latency(10)),
        (BASELINE, _latency(10)),
        ("two", _latency(11)),
        ("one", _latency(60)),
        (BASELINE, _latency(50)),
        ("three", _latency(55)),
    ]
    export = summarise(toys, make.journal([round_] * 6))
    assert _row(export, "one", "ratio").value == pytest.approx(1.2)
    assert _row(export, "two", "ratio").value == pytest.approx(1.1)
    assert _row(export, "three", "ratio").value == pytest.approx(1.1)
    assert _row(export, CONTROL, "ratio").value == 1


def test_ratio_pairs_within_a_round_not_across_rounds(make: Make, toys: Experiment) -> None:
    """Each round is slower than the last, and the ratio is 1.5 in each."""
    rounds = [[(BASELINE, _latency(10 * 2**n)), ("one", _latency(15 * 2**n))] for n in range(7)]
    row = _row(summarise(toys, make.journal(rounds)), "one", "ratio")
    assert (row.value, row.low, row.high, row.rounds) == (1.5, 1.5, 1.5, 7)


def test_default_has_the_ratio_one_without_interval_or_verdict(make: Make, toys: Experiment) -> None:
    row = _row(summarise(toys, _nine(make)), BASELINE, "ratio")
    assert (row.value, row.low, row.high, row.verdict) == (1.0, None, None, None)


def test_slower_case_gets_its_verdict_and_the_control_none_of_it(make: Make, toys: Experiment) -> None:
    export = summarise(toys, _nine(make))
    assert _row(export, "one", "ratio").verdict == "slower"
    assert _row(export, CONTROL, "ratio").verdict == "same"
    assert export.groups[0].verdicts
    assert export.groups[0].noise_floor == 0.02
    assert not export.groups[0].control_excludes_one


def test_effect_within_the_spread_of_the_control_has_no_verdict_of_its_own(
    make: Make, toys: Experiment
) -> None:
    """`one` is 5 % slower in every round, but equal settings differ by up to 8 %."""
    controls = (0.92, 1.08, 1.0, 0.93, 1.07, 1.0, 0.92, 1.08, 1.0)
    rounds = [
        [("one", _latency(10.5)), (BASELINE, _latency(10)), (CONTROL, _latency(10 * control))]
        for control in controls
    ]
    export = summarise(toys, make.journal(rounds))
    assert export.groups[0].noise_floor == pytest.approx(0.08)
    assert _row(export, "one", "ratio").verdict == "unclear"


def test_control_that_excludes_one_is_reported(make: Make, toys: Experiment) -> None:
    rounds = [[(BASELINE, _latency(10)), (CONTROL, _latency(10.4))]] * 9
    assert summarise(toys, make.journal(rounds)).groups[0].control_excludes_one


def test_latency_is_the_median_of_the_rounds_and_a_round_that_of_its_samples(
    make: Make, toys: Experiment
) -> None:
    rounds = [[(BASELINE, _latency(ms)), (BASELINE, _latency(ms + 2))] for ms in (10, 20, 99)]
    row = _row(summarise(toys, make.journal(rounds)), BASELINE, "latency_ms")
    assert (row.value, row.rounds, row.unit) == (21.0, 3, "ms")


def test_fewer_than_six_rounds_have_neither_interval_nor_latency_verdict(
    make: Make, toys: Experiment
) -> None:
    rounds = [[(BASELINE, _latency(10)), ("one", _latency(20))]] * 5
    row = _row(summarise(toys, make.journal(rounds)), "one", "ratio")
    assert (row.value, row.low, row.high, row.verdict) == (2.0, None, None, None)


def test_failed_case_is_a_cell_with_its_reason_and_no_value(make: Make, toys: Experiment) -> None:
    failure = make.failure("wrong_output", "输出与默认设置相差 0.5(相对),超过 0.001")
    rounds = [[(BASELINE, {}), ("one", failure)], [(BASELINE, {})]]
    export = summarise(toys, make.journal(rounds))
    for metric in ("latency_ms", "ratio", "kept_mib"):
        row = _row(export, "one", metric)
        assert (row.value, row.low, row.high, row.verdict) == (None, None, None, None)
        assert row.failure == failure.reason
    assert _row(export, BASELINE, "latency_ms").failure is None


def test_case_that_fails_after_good_rounds_keeps_them_and_counts_the_failure(
    make: Make, toys: Experiment
) -> None:
    rounds = [[(BASELINE, {}), ("one", {})], [(BASELINE, {}), ("one", make.failure())], [(BASELINE, {})]]
    row = _row(summarise(toys, make.journal(rounds)), "one", "latency_ms")
    assert (row.value, row.failure, row.rounds, row.failed_rounds) == (10.0, None, 1, 1)


def test_failure_in_a_round_that_was_repeated_is_not_forgotten(make: Make, toys: Experiment) -> None:
    """The repeated round lacks the failed case altogether, and no other round has it."""
    journal = make.journal([[(BASELINE, {})]] * 2, cases=(BASELINE, "one"))
    journal.add(make.sample(BASELINE, round=2))
    journal.add(make.sample("one", make.failure(), round=2, position=1))
    journal.add(make.end(2, dirty=True, final=False))
    journal.add(make.sample(BASELINE, round=2, attempt=1))
    journal.add(make.end(2, attempt=1))
    row = _row(summarise(toys, journal), "one", "latency_ms")
    assert (row.value, row.failure) == (None, make.failure().reason)


def test_failure_in_an_interrupted_round_is_not_forgotten(make: Make, toys: Experiment) -> None:
    """On resume the round is taken again without the case that had failed in it."""
    journal = make.journal([[(BASELINE, {})]], cases=(BASELINE, "one"))
    journal.samples.insert(0, make.sample("one", make.failure()))
    journal.samples[1:] = [make.sample(BASELINE, attempt=1)]
    journal.rounds[:] = [make.end(attempt=1)]
    row = _row(summarise(toys, journal), "one", "latency_ms")
    assert (row.value, row.failure) == (None, make.failure().reason)


def test_case_that_was_not_applicable_says_so(make: Make, toys: Experiment) -> None:
    journal = make.journal([[(BASELINE, {})]], cases=(BASELINE, "one", "two"))
    journal.add(make.untimed("one", outcome=None, failure=make.failure("not_applicable", "需要 glibc 2.35")))
    export = summarise(toys, journal)
    assert _row(export, "one", "latency_ms").failure == "需要 glibc 2.35"
    assert _row(export, "two", "latency_ms").failure == "没有测到"


def test_failed_baseline_leaves_the_others_their_latency_without_a_ratio(
    make: Make, toys: Experiment
) -> None:
    rounds = [[(BASELINE, make.failure("out_of_memory")), ("one", {})], [("one", {})]]
    export = summarise(toys, make.journal(rounds))
    assert _row(export, BASELINE, "ratio").value is None
    assert _row(export, "one", "latency_ms").value == 10
    assert "ratio" not in _metrics(export, "one")


@pytest.mark.parametrize(("dirty", "judged"), [(range(2), True), (range(3), False), (range(9), False)])
def test_more_than_a_third_of_dirty_rounds_silence_all_verdicts(
    make: Make, toys: Experiment, dirty: Sequence[int], *, judged: bool
) -> None:
    export = summarise(toys, _nine(make, dirty=dirty))
    assert bool(_verdicts(export)) is judged
    assert export.groups[0].verdicts is judged
    assert export.groups[0].dirty_rounds == len(dirty)
    assert _row(export, "one", "ratio").value == pytest.approx(1.3, rel=0.01)


@pytest.mark.parametrize(("profile", "judged"), [("smoke", False), ("quick", False), ("thorough", True)])
def test_drafts_have_no_verdicts(make: Make, toys: Experiment, profile: str, *, judged: bool) -> None:
    assert bool(_verdicts(summarise(toys, _nine(make, profile=profile)))) is judged


@pytest.mark.parametrize(
    ("kept_mib", "expected"), [(200, "same"), (215, "same"), (217, "more"), (185, "same"), (183, "less")]
)
def test_memory_verdict_is_stated_above_its_thresholds_only(
    make: Make, toys: Experiment, kept_mib: int, expected: str
) -> None:
    rounds = [[(BASELINE, {}), ("one", {"kept_bytes": kept_mib * MIB})]]
    groups = [make.group_record(cases=[BASELINE, "one"], memory_only=True)]
    export = summarise(toys, make.journal(rounds, groups=groups))
    row = _row(export, "one", "kept_mib")
    assert (row.value, row.verdict) == (kept_mib, expected)
    assert _row(export, "one", "ratio").verdict is None


def test_memory_that_overlaps_the_baselines_over_the_rounds_is_not_told_apart(
    make: Make, toys: Experiment
) -> None:
    rounds = [
        [(BASELINE, {"kept_bytes": (200 + 20 * n) * MIB}), ("one", {"kept_bytes": (250 + 20 * n) * MIB})]
        for n in range(9)
    ]
    row = _row(summarise(toys, make.journal(rounds)), "one", "kept_mib")
    assert (row.value, row.low, row.high, row.verdict) == (330, 250, 410, "unclear")


def test_memory_only_group_has_no_latency_verdict_however_many_rounds(make: Make, toys: Experiment) -> None:
    groups = [make.group_record(cases=["one", BASELINE, CONTROL], memory_only=True)]
    export = summarise(toys, _nine(make, groups=groups))
    assert _row(export, "one", "ratio").verdict is None


def test_speed_up_counts_from_one_thread_and_efficiency_from_the_threads_really_there(make: Make) -> None:
    threads = make.experiment(columns=("speed_up", "efficiency", "threads"))
    four = {**_latency(10), "threads_created": 3}
    rounds = [[(BASELINE, four), ("1", {**_latency(30), "threads_created": 0}), ("4", four)]] * 6
    export = summarise(threads, make.journal(rounds))
    assert _row(export, "4", "speed_up").value == 3
    assert _row(export, "4", "efficiency").value == 0.75
    assert _row(export, "4", "threads").value == 4
    assert _row(export, "1", "speed_up").value == 1
    assert _row(export, "1", "efficiency").value == 1


def test_no_speed_up_where_no_single_thread_was_measured(make: Make) -> None:
    threads = make.experiment(columns=("latency_ms", "speed_up", "efficiency"))
    export = summarise(threads, make.journal([[(BASELINE, {}), ("2", {})]]))
    assert not _metrics(export, "2") & {"speed_up", "efficiency"}


def test_figure_that_this_machine_lacks_is_no_cell(make: Make, toys: Experiment) -> None:
    export = summarise(toys, make.journal([[(BASELINE, {"kept_bytes": None})]]))
    assert "kept_mib" not in _metrics(export, BASELINE)
    assert {"latency_ms", "ratio", "peak_mib"} <= _metrics(export, BASELINE)


def test_figure_known_in_some_rounds_counts_those(make: Make, toys: Experiment) -> None:
    rounds = [[(BASELINE, {"minor_faults": value})] for value in (20.0, 10.0, None)]
    row = _row(summarise(toys, make.journal(rounds)), BASELINE, "minor_faults")
    assert (row.value, row.rounds) == (15.0, 2)


def test_repeated_rounds_do_not_count(make: Make, toys: Experiment) -> None:
    journal = make.journal([[(BASELINE, _latency(10)), ("one", _latency(10))]] * 6)
    journal.add(make.sample(BASELINE, _latency(10), round=6))
    journal.add(make.sample("one", _latency(900), round=6, position=1))
    journal.add(make.end(6, dirty=True, final=False))
    export = summarise(toys, journal)
    assert _row(export, "one", "latency_ms").high == 10
    assert (export.groups[0].rounds, export.groups[0].repeated_rounds) == (6, 1)
    assert export.groups[0].dirty_rounds == 0


def test_samples_of_an_unfinished_round_do_not_count(make: Make, toys: Experiment) -> None:
    journal = make.journal([[(BASELINE, _latency(10))]] * 6)
    journal.add(make.sample(BASELINE, _latency(900), round=6))
    row = _row(summarise(toys, journal), BASELINE, "latency_ms")
    assert (row.high, row.rounds) == (10, 6)


def test_curves_are_medians_over_the_rounds(make: Make) -> None:
    chart = Chart(kind="memory_over_runs", title="内存")
    watched = make.experiment(charts=(chart,))
    series = ([100, 200, 300], [110, 500, 310], [120, 210, 900])
    rounds = [[(BASELINE, {"rss_bytes": [value * MIB for value in one]})] for one in series]
    (curve,) = summarise(watched, make.journal(rounds)).curves
    assert (curve.case, curve.x, curve.y) == (BASELINE, [1, 2, 3], [110, 210, 310])


def test_curve_leaves_out_processes_whose_memory_could_not_be_read(make: Make) -> None:
    watched = make.experiment(charts=(Chart(kind="memory_over_runs", title="内存"),))
    rounds = [[(BASELINE, {"rss_bytes": [100 * MIB]}), ("one", {"rss_bytes": [None]})]]
    curves = summarise(watched, make.journal(rounds)).curves
    assert [curve.case for curve in curves] == [BASELINE]


def test_experiment_without_a_memory_chart_has_no_curves(make: Make, toys: Experiment) -> None:
    assert summarise(toys, _nine(make)).curves == []


def test_outputs_are_identical_only_if_they_were_in_every_process(make: Make, toys: Experiment) -> None:
    other = {"outputs_identical": False, "outputs_difference": 2e-6}
    worse = {"outputs_identical": False, "outputs_difference": 5e-6}
    rounds = [
        [(BASELINE, {}), ("one", {})],
        [(BASELINE, {}), ("one", worse)],
        [(BASELINE, {}), ("one", other)],
    ]
    found = {row.case: row for row in summarise(toys, make.journal(rounds)).outputs}
    assert (found[BASELINE].identical, found[BASELINE].difference) == (True, 0)
    assert (found["one"].identical, found["one"].difference) == (False, 5e-6)


def test_proofs_tell_the_evidence_or_the_failure(make: Make, toys: Experiment) -> None:
    journal = _nine(make, cases=("one", "two", BASELINE, CONTROL), outcomes={"one": "nothing"})
    journal.untimed[1] = make.untimed("two", outcome=None, evidence="", failure=make.failure())
    journal.add(make.untimed(CONTROL, outcome=None, evidence=""))
    found = [
        (row.model, row.input, row.case, row.outcome, row.evidence) for row in summarise(toys, journal).proofs
    ]
    assert found == [
        ("toy", "batch=2", "one", "nothing", "arena 区块数:2"),
        ("toy", "batch=2", "two", None, make.failure().reason),
    ]


def test_groups_keep_their_samples_apart(make: Make, toys: Experiment) -> None:
    groups = [
        make.group_record(index=index, input=f"batch={index + 1}", cases=[BASELINE]) for index in range(2)
    ]
    journal = make.journal([[(BASELINE, _latency(10))]], groups=groups)
    journal.add(make.sample(BASELINE, _latency(77), group=1))
    journal.add(make.end(group=1))
    export = summarise(toys, journal)
    found = {row.input: row.value for row in export.rows if row.metric == "latency_ms"}
    assert found == {"batch=1": 10, "batch=2": 77}


def test_values_carry_nine_digits(make: Make, toys: Experiment) -> None:
    journal = make.journal(
        [[(BASELINE, {"latency_ns": 3_000_000_001}), ("one", {"latency_ns": 1_000_000_000})]]
    )
    export = summarise(toys, journal)
    assert _row(export, BASELINE, "latency_ms").value == 3000.0
    assert _row(export, "one", "ratio").value == 0.333333333


def test_build_tells_how_many_rounds_were_planned_and_done(make: Make, toys: Experiment) -> None:
    build = summarise(toys, make.journal([[(BASELINE, {})]] * 4)).build
    assert (build.rounds, build.planned_rounds, build.profile) == (4, 9, "default")


def test_unfinished_journal_is_not_summarised(make: Make, toys: Experiment) -> None:
    journal = _nine(make)
    journal.footer = None
    with pytest.raises(ValueError, match="not complete"):
        summarise(toys, journal)


def test_view_counts_dirty_rounds_that_stayed(make: Make) -> None:
    journal = _nine(make, dirty=[0, 4])
    assert GroupView(journal, journal.header.groups[0]).dirty == 2

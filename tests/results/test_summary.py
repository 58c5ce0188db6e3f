"""From a journal to an export: which rounds count, what captions say, curves, proofs, outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bench.results import records
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case, Chart, Load, Place, Subject

if TYPE_CHECKING:
    from samples import Make, Measured

    from bench.results.published import Export, Row
    from bench.results.store import Journal

MIB = 1 << 20
CHART = Chart(kind="memory_over_runs", title="内存")


def _ms(ms: float) -> dict[str, Any]:
    return {"latency_ns": round(ms * 1e6)}


def _row(export: Export, case: str, metric: str = "latency_ms") -> Row:
    (row,) = (row for row in export.rows if (row.case, row.metric) == (case, metric))
    return row


def _summary(make: Make, *rounds: list[tuple[str, Measured]], **header: Any) -> Export:
    return summarise(make.experiment(), make.journal(rounds, **header))


def _without_one(make: Make, journal: Journal) -> None:
    """The repeated round lacks the failed case altogether, and no other round has it."""
    journal.add(make.sample(BASELINE, round=1))
    journal.add(make.sample("one", make.failure(), round=1, position=1))
    journal.add(make.end(1, dirty=True, final=False))
    journal.add(make.sample(BASELINE, round=1, attempt=1))
    journal.add(make.end(1, attempt=1))


def _interrupted(make: Make, journal: Journal) -> None:
    """On resume the round is taken again without the case that had failed in it."""
    journal.samples[:] = [make.sample("one", make.failure()), make.sample(BASELINE, attempt=1)]
    journal.rounds[:] = [make.end(attempt=1)]


def _not_applicable(make: Make, journal: Journal) -> None:
    failure = make.failure("not_applicable", make.failure().reason)
    journal.untimed[:] = [make.untimed("one", outcome=None, facts={}, regions=[], failure=failure)]


@pytest.mark.parametrize("befall", [_without_one, _interrupted, _not_applicable])
def test_failure_outside_the_rounds_that_count_is_not_forgotten(make: Make, befall: Any) -> None:
    journal = make.journal([[(BASELINE, {})]], cases=(BASELINE, "one", "two"))
    befall(make, journal)
    export = summarise(make.experiment(), journal)
    assert (_row(export, "one").value, _row(export, "one").failure) == (None, make.failure().reason)
    assert _row(export, "two").failure == "没有测到"


def test_neither_repeated_nor_unfinished_rounds_count(make: Make) -> None:
    journal = make.journal([[(BASELINE, _ms(10)), ("one", _ms(10))]] * 6)
    for number, end in ((6, make.end(6, dirty=True, final=False)), (7, None)):
        journal.add(make.sample(BASELINE, _ms(10), round=number))
        journal.add(make.sample("one", _ms(900), round=number, position=1))
        if end:
            journal.add(end)
    export = summarise(make.experiment(), journal)
    group = export.groups[0]
    assert (_row(export, "one").high, _row(export, "one").rounds) == (10, 6)
    assert (group.rounds, group.repeated_rounds, group.dirty_rounds) == (6, 1, 0)


def test_groups_keep_their_samples_apart_and_say_what_ran_where(make: Make) -> None:
    subject = Subject(name="shared_arena", options={"arena_extend_strategy": 1})
    runs = {"callers": 4, "processes": 2, "cores": 0.5, "env": {"A": "1"}}
    two = {"shapes": [{"x": [1]}, {"x": [2]}], "note": "减小到放得下"}
    where = {"subject": subject, "variant": "optimised", **runs, **two}
    groups = [
        make.group_record(index=index, input=f"batch={index + 1}", cases=[BASELINE], **more)
        for index, more in ((0, {}), (3, where))
    ]
    journal = make.journal([[(BASELINE, _ms(10))]], groups=groups)
    journal.add(make.sample(BASELINE, _ms(77), group=3))
    journal.add(make.end(group=3, dirty=True, final=False))
    journal.add(make.sample(BASELINE, _ms(77), group=3, attempt=1))
    journal.add(make.end(group=3, attempt=1))
    export = summarise(make.experiment(), journal)
    found = {row.input: row.value for row in export.rows if row.metric == "latency_ms"}
    assert found == {"batch=1": 10, "batch=4": 77}
    plain, told = export.groups
    assert (plain.subject, plain.variant, plain.load) == (Subject(), "as_built", Load())
    assert (plain.place, plain.repeated_rounds, told.repeated_rounds) == (Place(), 0, 1)
    assert (told.index, told.calls, told.note, told.cost_s) == (3, 2, "减小到放得下", 2.0)
    assert (told.subject, told.variant, told.load) == (subject, "optimised", Load(callers=4, processes=2))
    assert told.place == Place(cores=0.5, env={"A": "1"})


def test_caption_has_the_floor_and_the_worst_of_what_went_on(make: Make) -> None:
    rounds = [[(BASELINE, _ms(10)), (CONTROL, _ms(10 + n % 2 * 0.8))] for n in range(9)]
    export = _summary(make, *rounds, dirty=[0, 4])
    group, noise = export.groups[0], export.groups[0].noise
    assert (group.noise_floor, group.noisy, group.verdicts) == (0.08, False, True)
    assert (group.dirty_rounds, group.farthest_baseline_s) == (2, 0)
    assert (noise.others, noise.steal, noise.pressure, noise.throttled) == (0.3, 0, None, None)
    assert (noise.frequency_low_mhz, noise.available_mib) == (2300, 8192)
    assert noise.involuntary_switches == 3 * 18


def test_curves_are_medians_over_the_rounds_of_processes_whose_memory_could_be_read(make: Make) -> None:
    series = ([100, 200, 300], [110, 500, 310], [120, 210, 900])
    rounds = [
        [(BASELINE, {"rss_bytes": [value * MIB for value in one]}), ("one", {"rss_bytes": [None, MIB]})]
        for one in series
    ]
    (curve,) = summarise(make.experiment(charts=(CHART,)), make.journal(rounds)).curves
    assert (curve.case, curve.x, curve.y) == (BASELINE, [1, 2, 3], [110, 210, 310])
    assert summarise(make.experiment(), make.journal(rounds)).curves == []


def test_outputs_are_identical_only_if_they_were_in_every_process(make: Make) -> None:
    rounds: list[list[tuple[str, Measured]]] = [
        [(BASELINE, {}), ("one", {"outputs_identical": not n, "outputs_difference": n / 1e6})]
        for n in (0, 5, 2)
    ]
    rounds.append([("two", {"outputs_compared": 0})])
    found = {row.case: (row.identical, row.difference) for row in _summary(make, *rounds).outputs}
    assert found == {BASELINE: (True, 0), "one": (False, 5e-6)}


def test_proofs_tell_the_evidence_or_the_failure(make: Make) -> None:
    cases = (BASELINE, CONTROL, "one", "two")
    journal = make.journal([[(case, {}) for case in cases]], outcomes={"one": "nothing"})
    journal.untimed[1] = make.untimed("two", outcome=None, evidence="", failure=make.failure())
    journal.untimed[0] = journal.untimed[0].model_copy(update={"operators": {"Conv": 3}})
    journal.add(make.untimed(CONTROL, outcome=None, evidence=""))
    export = summarise(make.experiment(), journal)
    told = [(row.model, row.input, row.case, row.outcome, row.evidence) for row in export.proofs]
    assert told == [
        ("toy", "batch=2", "one", "nothing", "arena 区块数:2"),
        ("toy", "batch=2", "two", None, make.failure().reason),
    ]
    assert [(row.case, row.operators) for row in export.operators] == [("one", {"Conv": 3})]


def test_build_cases_and_reports_are_those_of_the_journal_under_the_titles_of_today(make: Make) -> None:
    case = Case(id="one", title="旧标题", settings={"a": 1}, load=Load(callers=2))
    journal = make.journal([[(BASELINE, {})]] * 4, cases=(BASELINE, case))
    at = {"case": BASELINE, "model": "toy", "input": "batch=2"}
    told = records.Told(subject="line_memory", **at, lines={"t": ["x"]})
    journal.add(told)
    export = summarise(make.experiment(), journal)
    build = export.build
    assert (build.rounds, build.planned_rounds, build.profile, build.resumed) == (4, 9, "default", 0)
    assert (build.id, build.key, build.measured_s) == (journal.header.build, journal.header.key, 300)
    assert export.cases[1] == replace(case, title="设置 one")
    assert (export.machine, export.software) == (journal.header.machine, journal.header.software)
    assert export.reports == [told]

"""What is had from children that are not timed: proofs, the baseline's outputs, a trace, reports of subjects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lab import MIB, Lab, hungry
from traces import kernel, span, write_trace

from bench.measure import observer
from bench.measure.proof import WITHOUT_OBSERVER
from bench.results import store
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case, Load, Proof, Report

if TYPE_CHECKING:
    from samples import Make, Started

    from bench.measure.task import Task
    from bench.results.records import Untimed

FEWER = Proof(fact="minor_faults", relation="<", expected=1, than="two")
TWO_NODES = Proof(fact="nodes", relation="==", expected=2)
THREE_RUNS = (
    *(line for n in range(3) for line in (kernel("a", 1000 * n + 1, 30), kernel("b", 1000 * n + 40, 10))),
    *(span(1000 * n, 100) for n in range(3)),
)
ONE, TWO, BOTH = (BASELINE, "one"), (BASELINE, "two"), (BASELINE, "one", "two")


def one_case(*proofs: Proof, **changes: Any) -> Case:
    return Case(**{"id": "one", "title": "one", "settings": {"case": "one"}, "proofs": proofs} | changes)


def observe(task: Task) -> dict[tuple[int, str], Untimed]:
    observer.observe(task, lambda _: None, {})
    return {(one.group, one.case): one for one in task.writer.journal.untimed}


def writes_traces(task: Task, lines: dict[str, Any]) -> list[tuple[str, bool, bool]]:
    """Let the fake worker leave a trace where the real one would (case -> lines), and a log of one region."""
    answer, jobs = task.worker, list[tuple[str, bool, bool]]()

    def work(job: Any, env: Any, timeout_s: float) -> Any:
        case = job["settings"]["case"]
        jobs.append((case, job["observe"], job["verbose"]))
        if job["observe"] and case in lines:
            write_trace(Path(job["trace_prefix"]), lines[case])
        outcome = answer(job, env, timeout_s)
        return replace(outcome, log="Extended allocation by 1048576 bytes.\n") if job["observe"] else outcome

    task.worker = work
    return jobs


def _untimed(lab: Lab) -> list[tuple[str, int]]:
    """(case, batch) of the untimed children that were started."""
    return [(start.case, start.shapes[0][0]) for start in lab.worker.started if not start.timed]


@pytest.mark.parametrize(
    ("cases", "how", "seen"),
    [
        pytest.param(((), ()), "once", [*((c, 2) for c in BOTH), (BASELINE, 3)], id="once, and each reference"),
        pytest.param((ONE, TWO), "once", [(BASELINE, 2), ("one", 2), (BASELINE, 3), ("two", 3)], id="where it is first"),
        pytest.param(((), TWO), "each", [*((c, 2) for c in BOTH), (BASELINE, 3), ("two", 3)], id="on each of its groups"),
        pytest.param(((), TWO), "draft", [*((c, 1) for c in BOTH), (BASELINE, 5)], id="a draft: once"),
        pytest.param((ONE, ONE), "memory", [(BASELINE, 2), ("one", 2)], id="memory alone: outputs are not compared"),
        pytest.param((ONE, BOTH), "memory", [(BASELINE, 2), ("one", 2), (BASELINE, 3), ("two", 3)], id="but no foreign default"),
    ],
)  # fmt: skip
def test_where_cases_are_observed(lab: Lab, make: Make, cases: Any, how: str, seen: Any) -> None:
    second = make.group(3, cases=cases[1], small=make.group(5).input, timed=how != "memory")
    groups = [make.group(2, cases=cases[0]), second]
    experiment = make.experiment(groups=groups, observe_each_group=how in ("each", "draft"))
    task = lab.task(experiment, make.profile(looks=(1,), small=how == "draft"))
    assert list(observe(task)) == [(int(n != seen[0][1]), case) for case, n in seen]
    assert _untimed(lab) == seen
    assert [task.reference(group).exists() for group in task.planned.groups] == [True, how != "memory"]


def test_what_is_seen_is_kept_with_its_group_and_no_trace_unless_asked_for(lab: Lab, make: Make) -> None:
    groups = [make.group(2), make.group(3, cases=TWO)]
    task = lab.task(make.experiment(groups=groups, observe_each_group=True))
    base_lines = [span(0, 100), kernel("a", 1, 10), kernel("b", 5, 10, thread=2)]
    writes_traces(task, {BASELINE: base_lines, "two": [span(0, 100), kernel("a", 1, 10, operator="Gemm")]})

    def tell(start: Started) -> None:
        lab.worker.untimed["two"] = {"threads_created": start.shapes[0][0], "unchanged": ["case"]}

    lab.worker.before = tell
    observe(task)
    journal = lab.on_disk()
    found = {(one.group, one.case): one for one in journal.untimed}
    for group in (0, 1):
        base, two = (found[group, case] for case in TWO)
        assert [base.facts[fact] for fact in ("nodes", "overlapping_nodes", "node_threads")] == [2, 1, 2]
        assert (two.facts["threads_created"], two.regions, two.outcome) == (2 + group, [MIB], "nothing")
    assert "nodes" not in found[0, "one"].facts  # the trace of the case before is not taken for its own
    assert (journal.traces, store.trace_path(journal.path).exists()) == ([], False)
    journal.add(make.footer())
    rows = summarise(task.planned.experiment, journal).operators
    kinds = ((BASELINE, {"Conv": 2}), ("two", {"Gemm": 1}))
    told = [(row.input, row.case, row.operators) for row in rows]
    assert told == [(label, *kind) for label in ("batch=2", "batch=3") for kind in kinds]


def test_what_another_group_showed_is_never_what_a_case_is_held_against(lab: Lab, make: Make) -> None:
    """`two` is seen on the first model alone, `one` on the second, whose default has 30 faults, not 10."""

    def tell(start: Started) -> None:
        faults = {BASELINE: 10 if start.shapes[0][0] == 2 else 30, "one": 20, "two": 20}
        lab.worker.untimed = {case: {"minor_faults": n} for case, n in faults.items()}

    lab.worker.before = tell
    groups = [make.group(2, cases=TWO), make.group(3, cases=ONE)]
    for than, outcome, words in ((BASELINE, "effect", "默认为 30"), ("two", "unseen", "读不到")):
        cases = (*TWO, one_case(replace(FEWER, than=than)))
        found = observe(lab.task(make.experiment(f"than_{than}", cases=cases, groups=groups)))[1, "one"]
        assert (found.outcome, words in found.evidence) == (outcome, True)


def test_default_is_observed_from_outside_where_the_observer_would_show_itself(lab: Lab, make: Make) -> None:
    """What the log or the profiler says is known of a child in which neither was touched."""
    proof = Proof(fact="trace_bytes", relation=">", expected=1000)
    one = one_case(proof, settings={"case": "one", "enable_profiling": True})
    lab.worker.untimed["one"] = {"trace_bytes": 5000}
    task = lab.task(make.experiment(cases=(BASELINE, CONTROL, one)))
    jobs, found = writes_traces(task, {}), observe(task)
    assert jobs == [(BASELINE, True, True), (CONTROL, True, False), ("one", True, True)]
    assert found[0, CONTROL].facts == dict.fromkeys(WITHOUT_OBSERVER, 0)
    assert "trace_bytes" not in found[0, BASELINE].facts
    assert (found[0, "one"].outcome, found[0, CONTROL].outcome) == ("effect", None)
    assert "5000（应大于 1000，默认为 0）" in found[0, "one"].evidence


def test_case_that_fails_while_observed_proves_nothing_and_is_not_asked_again(lab: Lab, make: Make) -> None:
    lab.worker.untimed["one"] = failure = make.failure("crashed", "SIGSEGV")
    for _ in range(2):
        task = lab.task(make.experiment(cases=(*TWO, one_case(TWO_NODES)), keep_trace=("one", 0)))
        writes_traces(task, {"one": THREE_RUNS})
        one = observe(task)[0, "one"]
    assert (one.failure, one.outcome, one.evidence, one.facts) == (failure, None, "", {})
    assert [case for case, _ in _untimed(lab)].count("one") == 2  # the second try, in the first build
    assert lab.on_disk().traces == []


def test_case_is_observed_under_its_load_and_timed_nowhere_if_it_cannot_run(lab: Lab, make: Make) -> None:
    """Neither what this onnxruntime lacks, nor, not even started, what this machine does."""
    lab.worker.untimed["two"] = make.failure("unsupported", "没有这个选项")
    new = one_case(id="new", settings={"case": "new"}, lacking=lambda m: f"需要 glibc 2.35，这里是 {m.libc}")
    cases = (*TWO, new, one_case(load=Load(callers=2, processes=2)))
    experiment = make.experiment(cases=cases, groups=[make.group(2), make.group(3)])
    lab.runner(lab.task(experiment)).run()
    seen = {(one.timed, one.case): (one.callers, one.processes) for one in lab.worker.started}
    watched = {(False, BASELINE): (1, 1), (False, "two"): (1, 1), (False, "one"): (2, 2)}
    assert seen == {**watched, (True, BASELINE): (1, 1), (True, "one"): (2, 2)}
    assert [start.case for start in lab.worker.started].count("two") == 1
    rows = [row for row in summarise(experiment, lab.on_disk()).rows if row.metric == "latency_ms"]
    lacks = {"two": "没有这个选项", "new": "本机不适用：需要 glibc 2.35，这里是 glibc 2.31"}
    assert {row.case: row.failure for row in rows} == {BASELINE: None, "one": None, **lacks}


@pytest.mark.parametrize("number", range(1, 6))
def test_resumed_build_observes_no_case_twice_but_lost_references(lab: Lab, make: Make, number: int) -> None:
    """Interrupted at each of the five untimed children in turn; what was observed before is there to compare with."""
    lab.worker.untimed = {"two": {"minor_faults": 10}, "one": {"minor_faults": 5}}
    groups = [make.group(2), make.group(3, cases=TWO)]
    experiment = make.experiment(cases=(*TWO, one_case(FEWER)), groups=groups, observe_each_group=True)

    def interrupt(_: Started) -> None:
        if len(lab.worker.started) == number - 1:
            raise KeyboardInterrupt

    lab.worker.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        observe(lab.task(experiment))
    assert len(lab.on_disk().untimed) == number - 1
    for path in (lab.folder / "w").iterdir():
        path.unlink()
    lab.worker.before = lambda _: None
    for _ in range(2):
        found = observe(task := lab.task(experiment))
    lost = [(BASELINE, 2)] * (number > 1) + [(BASELINE, 3)] * (number > 4)
    once = [(BASELINE, 2), ("two", 2), ("one", 2), (BASELINE, 3), ("two", 3)]
    assert (sorted(_untimed(lab)), len(lab.on_disk().untimed)) == (sorted(lost + once), 5)
    assert all(task.reference(group).exists() for group in task.planned.groups)
    assert found[0, "one"].outcome == "effect"


def test_trace_asked_for_is_summed_up_and_stands_beside_the_journal(lab: Lab, make: Make) -> None:
    groups = [make.group(2), make.group(3)]
    task = lab.task(make.experiment(groups=groups, observe_each_group=True, keep_trace=("one", 1)))
    writes_traces(task, {case: THREE_RUNS if case == "one" else THREE_RUNS[-1:] for case in BOTH})
    observe(task)
    journal = lab.on_disk()
    (found,) = journal.traces
    told = (found.case, found.model, found.input, found.runs, found.run_microseconds)
    assert told == ("one", "toy", "batch=3", 1, 100.0)
    assert [(cost.name, cost.microseconds) for cost in found.nodes] == [("a", 30.0), ("b", 10.0)]
    kept = store.trace_path(journal.path)
    assert kept.parent == journal.path.parent
    assert kept.read_text() == "[\n" + ",\n".join(THREE_RUNS) + "\n]\n"


@pytest.mark.parametrize("traces", [{"one": [*THREE_RUNS, THREE_RUNS[0][:-9]]}, {"one": []}, {}])
def test_build_goes_on_without_a_trace_that_cannot_be_read(lab: Lab, make: Make, traces: Any) -> None:
    """What it would have shown is not seen, and nothing is offered for download."""
    task = lab.task(make.experiment(cases=(*TWO, one_case(TWO_NODES)), keep_trace=("one", 0)))
    writes_traces(task, traces)
    lab.runner(task).run()
    journal = lab.on_disk()
    (one,) = (one for one in journal.untimed if one.case == "one")
    assert (journal.complete, one.failure, one.outcome) == (True, None, "unseen")
    assert "读不到" in one.evidence
    assert not {"nodes", "operators", "block_sizes"} & set(one.facts)
    assert (journal.traces, store.trace_path(journal.path).exists()) == ([], False)


@pytest.mark.parametrize(("free_mib", "kind"), [(900, None), (900, "crashed"), (399, "out_of_memory")])
def test_subject_reports_on_the_largest_batch_once(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch, free_mib: int, kind: Any
) -> None:
    """A report that failed is data; none is made where memory has become scarce, nor again on resume."""
    monkeypatch.setattr("bench.measure.hindrances.free_memory", lambda: free_mib * MIB)
    experiment = hungry(make, reports=(Report(subject="line_memory", cases=ONE),), cases=BOTH)

    def fail(start: Started) -> None:
        if kind and start.reports:
            lab.worker.untimed = dict.fromkeys(BOTH, make.failure(kind, "坏了"))

    lab.worker.before = fail
    lab.runner(lab.task(experiment)).run()
    journal, lines = lab.on_disk(), {} if kind else {"table": ["Line #"]}
    told = [(one.subject, one.case, one.input, one.lines) for one in journal.reports]
    assert told == [("line_memory", case, "batch=4", lines) for case in ONE]
    assert {one.failure.kind if one.failure else None for one in journal.reports} == {kind}
    assert any(start.reports for start in lab.worker.started) is (kind != "out_of_memory")
    journal.path.write_bytes(b"".join(journal.path.read_bytes().splitlines(keepends=True)[:-1]))
    lab.worker.started.clear()
    lab.runner(lab.task(experiment)).run()
    assert not any(start.reports for start in lab.worker.started)

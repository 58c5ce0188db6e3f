"""What is had from children that are not timed: proofs, the baseline's outputs, a trace, reports of subjects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lab import MIB, hungry, interrupt_at
from traces import kernel, span, write_trace

from bench.measure import observer
from bench.measure import task as measuring
from bench.measure.proof import WITHOUT_OBSERVER
from bench.results import store
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case, Load, Proof, Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab import Lab
    from samples import Make, Started

    from bench.measure.child import Outcome
    from bench.measure.task import Task
    from bench.spec import Experiment

FEWER_FAULTS = Proof(fact="minor_faults", relation="<", expected=1, than="two")
LINES = (kernel("a", 1, 10), span(0, 100))
THREE_RUNS = (
    *(line for n in range(3) for line in (kernel("a", 1000 * n + 1, 30), kernel("b", 1000 * n + 40, 10))),
    *(span(1000 * n, 100) for n in range(3)),
)
ONE, TWO, BOTH = (BASELINE, "one"), (BASELINE, "two"), (BASELINE, "one", "two")


def observe(lab: Lab, task: Task) -> store.Journal:
    observer.observe(task, lambda _: None)
    return task.writer.journal


def proven_by(make: Make, *proofs: Proof, **changes: Any) -> Experiment:
    """`one` promises something."""
    cases = [Case(id=case, title=case, settings={"case": case}) for case in TWO]
    one = Case(id="one", title="one", settings={"case": "one"}, proofs=proofs)
    return make.experiment(cases=(*cases, one), **changes)


def writes_traces(task: Task, lines: Mapping[str, Sequence[str]]) -> None:
    """Let the fake worker leave a trace where the real one would (case -> lines), and a log of one region."""
    answer = task.worker

    def work(job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
        if job["observe"] and job["settings"]["case"] in lines:
            write_trace(Path(job["trace_prefix"]), lines[job["settings"]["case"]])
        outcome = answer(job, env, timeout_s)
        return replace(outcome, log="Extended allocation by 1048576 bytes.\n") if job["observe"] else outcome

    task.worker = work


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
def test_where_cases_are_observed(
    lab: Lab, make: Make, cases: tuple[Any, Any], how: str, seen: list[tuple[str, int]]
) -> None:
    second = make.group(3, cases=cases[1], small=make.group(5).input, timed=how != "memory")
    groups = [make.group(2, cases=cases[0]), second]
    experiment = make.experiment(groups=groups, observe_each_group=how in ("each", "draft"))
    task = lab.task(experiment, make.profile(rounds=1, small=how == "draft"))
    observe(lab, task)
    assert _untimed(lab) == seen
    first = seen[0][1]
    assert [(one.group, one.case) for one in lab.on_disk().untimed] == [(int(n != first), c) for c, n in seen]
    compared = [task.reference(group).exists() for group in task.planned.groups]
    assert compared == [True, how != "memory"]


def test_facts_regions_and_operators_are_kept_with_their_group(lab: Lab, make: Make) -> None:
    groups = [make.group(2), make.group(3, cases=TWO)]
    task = lab.task(make.experiment(groups=groups, observe_each_group=True))
    base_lines = [span(0, 100), kernel("a", 1, 10), kernel("b", 5, 10, thread=2)]
    writes_traces(task, {BASELINE: base_lines, "two": [span(0, 100), kernel("a", 1, 10, operator="Gemm")]})

    def tell(start: Started) -> None:
        lab.worker.untimed["two"] = {"threads_created": start.shapes[0][0]}

    lab.worker.before = tell
    observe(lab, task)
    found = {(one.group, one.case): one for one in lab.on_disk().untimed}
    for group in (0, 1):
        base, two = (found[group, case] for case in (BASELINE, "two"))
        assert [base.facts[fact] for fact in ("nodes", "overlapping_nodes", "node_threads")] == [2, 1, 2]
        assert (base.operators, two.operators) == ({"Conv": 2}, {"Gemm": 1})
        assert (two.facts["threads_created"], two.regions) == (2 + group, [MIB])
    assert "nodes" not in found[0, "one"].facts  # the trace of the case before is not taken for its own
    assert found[0, "one"].operators == {}
    journal = lab.on_disk()
    journal.add(make.footer())
    rows = summarise(task.planned.experiment, journal).operators
    assert [(row.input, row.case, row.operators) for row in rows] == [
        (label, case, operators)
        for label in ("batch=2", "batch=3")
        for case, operators in ((BASELINE, {"Conv": 2}), ("two", {"Gemm": 1}))
    ]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"threads_created": 0}, "effect"),
        ({"threads_created": 1}, "nothing"),
        ({"threads_created": 2, "unchanged": ["case"]}, "nothing"),
    ],
)
def test_proof_is_judged_and_worded(lab: Lab, make: Make, answer: dict[str, Any], outcome: str) -> None:
    """The default, on the made-up machine, creates one thread."""
    lab.worker.untimed["one"] = answer
    task = lab.task(proven_by(make, Proof(fact="threads_created", relation="==", expected=0)))
    writes_traces(task, dict.fromkeys(BOTH, LINES))
    records = {one.case: one for one in observe(lab, task).untimed}
    assert records["one"].outcome == outcome
    must = "应等于 0，" if outcome == "effect" else ""  # what does not hold is told as it is
    assert f"新增的线程数：{answer['threads_created']}（{must}默认为 1）" in records["one"].evidence
    assert (records[BASELINE].outcome, records["two"].outcome) == (None, "nothing")


def test_case_with_a_load_of_its_own_is_observed_under_it(lab: Lab, make: Make) -> None:
    one = Case(id="one", title="", settings={"case": "one"}, load=Load(callers=2, processes=2))
    task = lab.task(make.experiment(cases=(BASELINE, one)))
    lab.runner(task).run()
    started = {(start.timed, start.case): (start.callers, start.processes) for start in lab.worker.started}
    assert started[False, "one"] == (2, 1)  # no company: it would only disturb
    assert started[True, "one"] == (2, 2)
    assert started[True, BASELINE] == (1, 1)


@pytest.mark.parametrize("each_group", [True, False])
def test_what_another_group_showed_is_never_what_a_case_is_held_against(
    lab: Lab, make: Make, *, each_group: bool
) -> None:
    """`two` is seen on the first model alone, `one` on the second, whose default has 30 faults, not 10."""

    def tell(start: Started) -> None:
        faults = {BASELINE: 10 if start.shapes[0][0] == 2 else 30, "one": 20, "two": 20}
        lab.worker.untimed = {case: {"minor_faults": n} for case, n in faults.items()}

    lab.worker.before = tell
    fewer = Proof(fact="minor_faults", relation="<", expected=1, than=BASELINE)
    groups = [make.group(2, cases=(BASELINE, "two")), make.group(3, cases=(BASELINE, "one"))]
    held = ("default", fewer, "effect", "默认为 30"), ("other", FEWER_FAULTS, "unseen", "读不到")
    for name, proof, outcome, words in held:
        experiment = proven_by(make, proof, groups=groups, observe_each_group=each_group, name=name)
        (found,) = (one for one in observe(lab, lab.task(experiment)).untimed if one.case == "one")
        assert (found.outcome, words in found.evidence) == (outcome, True)


def test_default_is_observed_from_outside_where_the_observer_would_show_itself(lab: Lab, make: Make) -> None:
    """What the log or the profiler says is known of a child in which neither was touched."""
    proof = Proof(fact="trace_bytes", relation=">", expected=1000)
    one = Case(id="one", title="", settings={"case": "one", "enable_profiling": True}, proofs=(proof,))
    lab.worker.untimed["one"] = {"trace_bytes": 5000}
    task = lab.task(make.experiment(cases=(BASELINE, CONTROL, one)))
    jobs: list[Mapping[str, Any]] = []
    answer = task.worker

    def note(job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
        jobs.append(job)
        return answer(job, env, timeout_s)

    task.worker = note
    found = {one.case: one for one in observe(lab, task).untimed}
    told = [(job["settings"]["case"], job["observe"], job["verbose"]) for job in jobs]
    assert told == [(BASELINE, True, True), (CONTROL, True, False), ("one", True, True)]
    assert found[CONTROL].facts == dict.fromkeys(WITHOUT_OBSERVER, 0)
    assert "trace_bytes" not in found[BASELINE].facts
    assert (found["one"].outcome, found[CONTROL].outcome) == ("effect", None)
    assert "5000（应大于 1000，默认为 0）" in found["one"].evidence


def test_case_that_fails_while_observed_proves_nothing_and_is_not_asked_again(lab: Lab, make: Make) -> None:
    lab.worker.untimed["one"] = failure = make.failure("crashed", "SIGSEGV")
    proof = Proof(fact="threads_created", relation="==", expected=1)
    experiment = proven_by(make, proof, keep_trace=("one", 0))
    for _ in range(2):
        task = lab.task(experiment)
        writes_traces(task, {"one": THREE_RUNS})
        observe(lab, task)
    (one,) = (one for one in lab.on_disk().untimed if one.case == "one")
    assert (one.failure, one.outcome, one.evidence, one.facts) == (failure, None, "", {})
    assert [case for case, _ in _untimed(lab)].count("one") == 2  # the second try, in the first build
    assert lab.on_disk().traces == []


def test_case_that_cannot_run_here_is_timed_nowhere(lab: Lab, make: Make) -> None:
    """Neither what this onnxruntime lacks, nor, not even started, what this machine does."""
    lab.worker.untimed["one"] = make.failure("unsupported", "没有这个选项")
    lacks = "需要 glibc 2.35，这里是"
    new = Case(id="new", title="新", settings={"case": "new"}, lacking=lambda m: f"{lacks} {m.libc}")
    experiment = make.experiment(cases=(BASELINE, "one", new), groups=[make.group(2), make.group(3)])
    lab.runner(lab.task(experiment)).run()
    seen = [start.case for start in lab.worker.started]
    assert (seen.count("one"), seen.count("new")) == (1, 0)
    rows = summarise(experiment, lab.on_disk()).rows
    told = {row.case: row.failure for row in rows if row.metric == "latency_ms"}
    assert told == {BASELINE: None, "one": "没有这个选项", "new": f"本机不适用：{lacks} glibc 2.31"}


def test_resumed_build_makes_the_reference_again_when_it_is_gone(lab: Lab) -> None:
    interrupt_at(lab, 3)
    with pytest.raises(KeyboardInterrupt):
        lab.runner().run()
    for path in (lab.folder / "w").iterdir():
        path.unlink()
    lab.worker.before, lab.worker.started = lambda _: None, []
    lab.runner().run()
    assert [case for case, _ in _untimed(lab)] == [BASELINE]
    assert len(lab.on_disk().untimed) == 3
    assert lab.row("one").failure is None


@pytest.mark.parametrize("number", range(1, 6))
def test_resumed_build_observes_no_case_twice_on_a_group_and_finds_what_it_compares_with(
    lab: Lab, make: Make, number: int
) -> None:
    """Interrupted at each of the five untimed children in turn."""
    lab.worker.untimed = {"two": {"minor_faults": 10}, "one": {"minor_faults": 5}}
    groups = [make.group(2), make.group(3, cases=(BASELINE, "two"))]
    experiment = proven_by(make, FEWER_FAULTS, groups=groups, observe_each_group=True)

    def interrupt(_: Started) -> None:
        if len(lab.worker.started) == number - 1:
            raise KeyboardInterrupt

    lab.worker.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        observe(lab, lab.task(experiment))
    assert len(lab.on_disk().untimed) == number - 1
    lab.worker.before = lambda _: None
    for _ in range(2):
        observe(lab, lab.task(experiment))
    seen = _untimed(lab)
    assert len(seen) == len(set(seen)) == len(lab.on_disk().untimed) == 5
    assert [one.outcome for one in lab.on_disk().untimed if one.case == "one"] == ["effect"]


@pytest.mark.parametrize("group", [0, 1, None])
def test_trace_that_was_asked_for_is_summed_up_and_stands_beside_the_journal(
    lab: Lab, make: Make, group: int | None
) -> None:
    wanted = None if group is None else ("one", group)
    groups = [make.group(2), make.group(3)]
    experiment = make.experiment(groups=groups, observe_each_group=True, keep_trace=wanted)
    task = lab.task(experiment)
    writes_traces(task, {case: THREE_RUNS if case == "one" else THREE_RUNS[-1:] for case in BOTH})
    observe(lab, task)
    journal = lab.on_disk()
    kept = store.trace_path(journal.path)
    if group is None:
        assert (journal.traces, kept.exists()) == ([], False)
        return
    (found,) = journal.traces
    assert (found.case, found.model, found.input) == ("one", "toy", f"batch={2 + group}")
    assert (found.runs, found.run_microseconds) == (1, 100.0)
    assert [(cost.name, cost.microseconds) for cost in found.nodes] == [("a", 30.0), ("b", 10.0)]
    assert kept.parent == journal.path.parent
    assert kept.read_text() == "[\n" + ",\n".join(THREE_RUNS) + "\n]\n"


@pytest.mark.parametrize(
    "lines", [[*THREE_RUNS, THREE_RUNS[0][:-9]], [], None], ids=["cut", "empty", "missing"]
)
def test_build_goes_on_without_a_trace_that_cannot_be_read(
    lab: Lab, make: Make, lines: Sequence[str] | None
) -> None:
    """What it would have shown is not seen, and nothing is offered for download."""
    proof = Proof(fact="nodes", relation="==", expected=2)
    task = lab.task(proven_by(make, proof, keep_trace=("one", 0)))
    writes_traces(task, {} if lines is None else {"one": lines})
    lab.runner(task).run()
    journal = lab.on_disk()
    (one,) = (one for one in journal.untimed if one.case == "one")
    assert journal.complete
    assert (one.failure, one.outcome, "读不到" in one.evidence) == (None, "unseen", True)
    assert not {"nodes", "operators", "block_sizes"} & set(one.facts)
    assert journal.traces == []
    assert not store.trace_path(journal.path).exists()


@pytest.mark.parametrize(
    ("free_mib", "failure", "kind"), [(1 << 20, None, None), (1 << 20, "crashed", "crashed"), (399, None, "out_of_memory")]
)  # fmt: skip
def test_subject_reports_on_the_largest_batch_once(
    lab: Lab, make: Make, monkeypatch: pytest.MonkeyPatch, free_mib: int, failure: Any, kind: str | None
) -> None:
    """A report that failed is data; none is made where memory has become scarce, nor again on resume."""
    monkeypatch.setattr(measuring, "free_memory", lambda: free_mib * MIB)
    report = Report(subject="line_memory", cases=(BASELINE, "one"))
    experiment = hungry(make, reports=(report,), cases=BOTH)

    def fail(start: Started) -> None:
        if failure and start.reports:
            lab.worker.untimed = {case: make.failure(failure, "坏了") for case in BOTH}

    lab.worker.before = fail
    lab.runner(lab.task(experiment)).run()
    found = lab.on_disk().reports
    assert [(one.subject, one.case, one.input) for one in found] == [
        ("line_memory", case, "batch=4") for case in (BASELINE, "one")
    ]
    assert {one.failure.kind if one.failure else None for one in found} == {kind}
    assert [one.lines for one in found] == [{} if kind else {"table": ["Line #"]}] * 2
    path = lab.on_disk().path
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    before = len(lab.worker.started)
    lab.runner(lab.task(experiment)).run()
    assert not any(start.reports for start in lab.worker.started[before:])

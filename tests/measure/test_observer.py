"""What is had from children that are not timed: proofs, the baseline's outputs, a trace, reports of scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lab import interrupt_at
from observing import CASES, each_group, observe, proven_by, reads_arenas, writes_traces
from traces import kernel, span

from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case, Proof

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import Make, Started
    from lab import Lab

    from bench.measure.child import Outcome
    from bench.results import store

FEWER_FAULTS = Proof(fact="minor_faults", relation="<", expected=1, than="two")
LINES = (kernel("a", 1, 10), span(0, 100))
Seen = list[tuple[str, tuple[tuple[int, ...], ...]]]
"""(case, shapes) of the untimed children that were started."""


def _untimed(lab: Lab) -> Seen:
    return [(start.case, start.shapes) for start in lab.worker.started if not start.timed]


def test_each_case_is_observed_once_and_each_group_has_its_reference(lab: Lab, make: Make) -> None:
    experiment = make.experiment(groups=[make.group(2), make.group(3)])
    task = lab.task(experiment)
    lab.runner(task).run()
    untimed = _untimed(lab)
    assert untimed == [(case, ((2, 3),)) for case in CASES] + [(BASELINE, ((3, 3),))]
    found = [(record.group, record.case) for record in lab.on_disk().untimed]
    assert found == [(0, case) for case in CASES] + [(1, BASELINE)]
    assert lab.worker.started[len(untimed)].timed


def test_case_is_observed_on_the_first_group_that_has_it(lab: Lab, make: Make) -> None:
    groups = [make.group(2, cases=(BASELINE, "one")), make.group(3, cases=(BASELINE, "two"))]
    journal = observe(lab, lab.task(make.experiment(groups=groups)))
    found = [(one.group, one.case) for one in journal.untimed]
    assert found == [(0, BASELINE), (0, "one"), (1, BASELINE), (1, "two")]
    assert _untimed(lab) == [
        (BASELINE, ((2, 3),)),
        ("one", ((2, 3),)),
        (BASELINE, ((3, 3),)),
        ("two", ((3, 3),)),
    ]


def test_each_case_is_observed_on_each_of_its_groups_where_that_is_asked_for(lab: Lab, make: Make) -> None:
    journal = observe(lab, lab.task(each_group(make)))
    wanted = [(0, case) for case in CASES] + [(1, BASELINE), (1, "two")]
    assert [(one.group, one.case) for one in journal.untimed] == wanted
    assert _untimed(lab) == [(case, (((2, 3) if group == 0 else (3, 3)),)) for group, case in wanted]


def test_draft_on_small_inputs_observes_each_case_once_all_the_same(lab: Lab, make: Make) -> None:
    profile = make.profile(name="smoke", rounds=1, small=True)
    groups = [
        make.group(2),
        make.group(3, small=make.group(5).input, cases=(BASELINE, "two")),
    ]
    journal = observe(lab, lab.task(each_group(make, groups=groups), profile))
    found = [(one.group, one.case) for one in journal.untimed]
    assert found == [(0, case) for case in CASES] + [(1, BASELINE)]
    assert _untimed(lab)[len(CASES) :] == [(BASELINE, ((5, 3),))]


def test_large_batch_is_observed_without_its_outputs(lab: Lab, make: Make) -> None:
    task = lab.task(make.experiment(groups=[make.group(2), make.group(3, memory_only=True)]))
    observe(lab, task)
    assert {shapes for _, shapes in _untimed(lab)} == {((2, 3),)}
    assert [task.reference(group).exists() for group in task.planned.groups] == [True, False]


def test_facts_regions_and_operators_are_kept_with_their_group(lab: Lab, make: Make) -> None:
    task = lab.task(each_group(make))
    lines = {
        BASELINE: [span(0, 100), kernel("a", 1, 10), kernel("b", 5, 10, thread=2)],
        "two": [span(0, 100), kernel("a", 1, 10, operator="Gemm")],
    }
    writes_traces(task, lines)

    def tell(start: Started) -> None:
        lab.worker.untimed["two"] = {"threads_created": start.shapes[0][0]}

    lab.worker.before = tell
    observe(lab, task)
    found = {(one.group, one.case): one for one in lab.on_disk().untimed}
    assert [found[group, "two"].facts["threads_created"] for group in (0, 1)] == [2, 3]
    for group in (0, 1):
        base, two = (found[group, case] for case in (BASELINE, "two"))
        shown = [base.facts[fact] for fact in ("nodes", "overlapping_nodes", "node_threads")]
        assert shown == [2, 1, 2]
        assert (base.operators, two.operators) == ({"Conv": 2}, {"Gemm": 1})
    assert "nodes" not in found[0, "one"].facts  # the trace of the case before is not taken for its own
    assert found[0, "one"].operators == {}
    rows = summarise(task.planned.experiment, _closed(lab)).operators
    assert [(row.input, row.case, row.operators) for row in rows] == [
        ("batch=2", BASELINE, {"Conv": 2}),
        ("batch=2", "two", {"Gemm": 1}),
        ("batch=3", BASELINE, {"Conv": 2}),
        ("batch=3", "two", {"Gemm": 1}),
    ]


def _closed(lab: Lab) -> store.Journal:
    journal = lab.on_disk()
    journal.add(lab.make.footer())
    return journal


@pytest.mark.parametrize(("observed", "outcome"), [(0, "effect"), (2, "unseen"), (1, "nothing")])
def test_proof_is_judged_and_worded(lab: Lab, make: Make, observed: int, outcome: str) -> None:
    """The default, on the made-up machine, creates one thread."""
    lab.worker.untimed["one"] = {"threads_created": observed}
    task = lab.task(proven_by(make, Proof(fact="threads_created", relation="==", expected=0)))
    writes_traces(task, dict.fromkeys(CASES, LINES))
    reads_arenas(task)
    records = {one.case: one for one in observe(lab, task).untimed}
    assert records["one"].outcome == outcome
    must = "应等于 0，" if observed == 0 else ""  # what does not hold is told as it is
    assert f"新增的线程数：{observed}（{must}默认为 1）" in records["one"].evidence
    assert (records[BASELINE].outcome, records["two"].outcome) == (None, "nothing")


def test_setting_that_equals_the_default_changes_nothing(lab: Lab, make: Make) -> None:
    lab.worker.untimed["one"] = {"unchanged": ["case"]}
    task = lab.task(proven_by(make, Proof(fact="threads_created", relation="==", expected=1)))
    writes_traces(task, dict.fromkeys(CASES, LINES))
    reads_arenas(task)
    (one,) = (one for one in observe(lab, task).untimed if one.case == "one")
    assert one.outcome == "nothing"


def test_proof_against_another_case_compares_within_the_group(lab: Lab, make: Make) -> None:
    """In the second group `two` has 30 faults and `one` 20: more than `two` has in the first."""
    faults = {((2, 3),): {"two": 10.0, "one": 5.0}, ((3, 3),): {"two": 30.0, "one": 20.0}}

    def tell(start: Started) -> None:
        lab.worker.untimed = {case: {"minor_faults": n} for case, n in faults[start.shapes].items()}

    lab.worker.before = tell
    groups = [make.group(2), make.group(3)]
    experiment = proven_by(make, FEWER_FAULTS, groups=groups, observe_each_group=True)
    found = [one for one in observe(lab, lab.task(experiment)).untimed if one.case == "one"]
    assert [one.outcome for one in found] == ["effect", "effect"]
    assert "two 为 10" in found[0].evidence
    assert "two 为 30" in found[1].evidence


def test_default_of_another_group_is_never_what_a_case_is_held_against(lab: Lab, make: Make) -> None:
    """Where each case is observed once, `two` is seen on the second model: its default has 30 faults, not 10."""

    def tell(start: Started) -> None:
        faults = 10.0 if start.shapes == ((2, 3),) else 30.0
        lab.worker.untimed = {BASELINE: {"minor_faults": faults}, "two": {"minor_faults": 20.0}}

    lab.worker.before = tell
    fewer = Proof(fact="minor_faults", relation="<", expected=1, than=BASELINE)
    cases = [Case(id=case, title=case, settings={"case": case}) for case in (BASELINE, "one")]
    two = Case(id="two", title="two", settings={"case": "two"}, proofs=(fewer,))
    groups = [make.group(2, cases=(BASELINE, "one")), make.group(3, cases=(BASELINE, "two"))]
    journal = observe(lab, lab.task(make.experiment(cases=(*cases, two), groups=groups)))
    (found,) = (one for one in journal.untimed if one.case == "two")
    assert (found.outcome, "默认为 30" in found.evidence) == ("effect", True)


@pytest.mark.parametrize("each_group", [True, False])
def test_proof_against_a_case_that_its_group_lacks_is_not_to_be_had(
    lab: Lab, make: Make, *, each_group: bool
) -> None:
    """What `two` did on the first group says nothing of the second one."""
    lab.worker.untimed = {"two": {"minor_faults": 10.0}, "one": {"minor_faults": 5.0}}
    groups = [make.group(2, cases=(BASELINE, "two")), make.group(3, cases=(BASELINE, "one"))]
    experiment = proven_by(make, FEWER_FAULTS, groups=groups, observe_each_group=each_group)
    (found,) = (one for one in observe(lab, lab.task(experiment)).untimed if one.case == "one")
    assert (found.outcome, "读不到" in found.evidence) == ("unseen", True)


def test_default_is_observed_from_outside_where_the_observer_would_show_itself(lab: Lab, make: Make) -> None:
    """What the log or the profiler says is known of a child in which neither was touched."""
    jobs: list[Mapping[str, Any]] = []
    proof = Proof(fact="trace_bytes", relation=">", expected=1000)
    again = Case(id=CONTROL, title="", settings={"case": CONTROL})
    one = Case(id="one", title="", settings={"case": "one", "enable_profiling": True}, proofs=(proof,))
    base = Case(id=BASELINE, title="", settings={"case": BASELINE})
    lab.worker.untimed["one"] = {"trace_bytes": 5000}
    task = lab.task(make.experiment(cases=(base, again, one)))
    answer = task.worker

    def note(job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
        jobs.append(job)
        return answer(job, env, timeout_s)

    task.worker = note
    found = {one.case: one for one in observe(lab, task).untimed}
    assert [(job["settings"]["case"], job["verbose"]) for job in jobs] == [
        (BASELINE, True),
        (CONTROL, False),
        ("one", True),
    ]
    assert all(job["observe"] for job in jobs)
    assert found[CONTROL].facts == {
        "session_info_lines": 0,
        "session_verbose_lines": 0,
        "warning_lines": 0,
        "trace_bytes": 0,
    }
    assert "trace_bytes" not in found[BASELINE].facts
    assert (found["one"].outcome, found[CONTROL].outcome) == ("effect", None)
    assert "5000（应大于 1000，默认为 0）" in found["one"].evidence


def test_case_that_fails_while_observed_proves_nothing_and_is_not_asked_again(lab: Lab, make: Make) -> None:
    lab.worker.untimed["one"] = make.failure("crashed", "SIGSEGV")
    experiment = proven_by(make, Proof(fact="threads_created", relation="==", expected=1))
    for _ in range(2):
        observe(lab, lab.task(experiment))
    (one,) = (one for one in lab.on_disk().untimed if one.case == "one")
    assert (one.failure, one.outcome, one.evidence, one.facts) == (
        make.failure("crashed", "SIGSEGV"),
        None,
        "",
        {},
    )
    assert [case for case, _ in _untimed(lab)].count("one") == 2  # the second try, in the first build


def test_case_that_this_onnxruntime_lacks_is_timed_nowhere(lab: Lab, make: Make) -> None:
    lab.worker.untimed["one"] = make.failure("unsupported", "没有这个选项")
    lab.runner(lab.task(make.experiment(groups=[make.group(2), make.group(3)]))).run()
    assert [start.case for start in lab.worker.started].count("one") == 1


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


def test_interruption_while_observing_keeps_what_was_observed(lab: Lab) -> None:
    def check(start: Started) -> None:
        if start.case == "two":
            raise KeyboardInterrupt

    lab.worker.before = check
    with pytest.raises(KeyboardInterrupt):
        lab.runner().run()
    lab.worker.before, lab.worker.started = lambda _: None, []
    lab.runner().run()
    assert [case for case, _ in _untimed(lab)] == ["two"]


@pytest.mark.parametrize("number", range(1, 6))
def test_resumed_build_observes_no_case_twice_on_a_group(lab: Lab, make: Make, number: int) -> None:
    """Interrupted at each of the five untimed children in turn."""

    def check(_: Started) -> None:
        if len(lab.worker.started) == number - 1:
            raise KeyboardInterrupt

    lab.worker.before = check
    with pytest.raises(KeyboardInterrupt):
        observe(lab, lab.task(each_group(make)))
    lab.worker.before = lambda _: None
    for _ in range(2):
        observe(lab, lab.task(each_group(make)))
    seen = _untimed(lab)
    assert len(seen) == len(set(seen)) == len(lab.on_disk().untimed) == 5


def test_proof_after_a_resume_still_finds_what_it_is_compared_with(lab: Lab, make: Make) -> None:
    lab.worker.untimed = {"two": {"minor_faults": 10.0}, "one": {"minor_faults": 5.0}}

    def check(start: Started) -> None:
        if start.case == "one":
            raise KeyboardInterrupt

    lab.worker.before = check
    with pytest.raises(KeyboardInterrupt):
        observe(lab, lab.task(proven_by(make, FEWER_FAULTS)))
    lab.worker.before = lambda _: None
    journal = observe(lab, lab.task(proven_by(make, FEWER_FAULTS)))
    assert [one.outcome for one in journal.untimed if one.case == "one"] == ["effect"]

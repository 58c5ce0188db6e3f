"""Traces that an experiment keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from observing import CASES, each_group, observe, proven_by, writes_traces
from traces import kernel, span

from bench.results import store
from bench.spec import Proof

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import Make
    from lab import Lab

    from bench.spec import Experiment


def _keeping(make: Make, group: int = 0) -> Experiment:
    groups = [make.group(2), make.group(3)]
    return make.experiment(groups=groups, observe_each_group=True, keep_trace=("one", group))


LINES = (
    *(line for n in range(3) for line in (kernel("a", 1000 * n + 1, 30), kernel("b", 1000 * n + 40, 10))),
    *(span(1000 * n, 100) for n in range(3)),
)


@pytest.mark.parametrize("group", [0, 1])
def test_kept_trace_is_summed_up_and_stands_beside_the_journal(lab: Lab, make: Make, group: int) -> None:
    task = lab.task(_keeping(make, group))
    writes_traces(task, {case: LINES if case == "one" else LINES[-1:] for case in CASES})
    observe(lab, task)
    journal = lab.on_disk()
    (found,) = journal.traces
    assert (found.case, found.model, found.input) == ("one", "toy", f"batch={2 + group}")
    assert (found.runs, found.run_microseconds) == (1, 100.0)
    assert [(cost.name, cost.microseconds) for cost in found.nodes] == [("a", 30.0), ("b", 10.0)]
    kept = store.trace_path(journal.path)
    assert kept.parent == journal.path.parent
    assert kept.read_text() == "[\n" + ",\n".join(LINES) + "\n]\n"


def test_trace_that_nobody_asked_for_is_not_kept(lab: Lab, make: Make) -> None:
    task = lab.task(each_group(make))
    writes_traces(task, dict.fromkeys(CASES, LINES))
    journal = observe(lab, task)
    assert journal.traces == []
    assert not store.trace_path(journal.path).exists()


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([*LINES, kernel("a", 1, 2)[:-9]], id="cut short"),
        pytest.param([], id="empty"),
        pytest.param(None, id="missing"),
    ],
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
    assert journal.complete
    (one,) = (one for one in journal.untimed if one.case == "one")
    assert (one.failure, one.outcome) == (None, "unseen")
    assert "读不到" in one.evidence
    assert "nodes" not in one.facts
    assert journal.traces == []
    assert not store.trace_path(journal.path).exists()


def test_failing_case_leaves_no_trace(lab: Lab, make: Make) -> None:
    lab.worker.untimed["one"] = make.failure()
    task = lab.task(_keeping(make))
    writes_traces(task, {"one": LINES})
    journal = observe(lab, task)
    assert journal.traces == []
    assert not store.trace_path(journal.path).exists()

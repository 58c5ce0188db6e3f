"""ORT's profiler trace: which node ran when, in which run, on which thread, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from traces import kernel, span, write_trace

from bench.measure import trace
from bench.measure.trace import Node, Run, read_runs

if TYPE_CHECKING:
    from pathlib import Path

REAL = """\
[
{"cat" : "Session","pid" :17384,"tid" :17384,"dur" :20844,"ts" :11,"ph" : "X","name" :"model_loading_uri","args" : {}},
{"cat" : "Session","pid" :17384,"tid" :17384,"dur" :176989,"ts" :20939,"ph" : "X",\
"name" :"session_initialization","args" : {}},
{"cat" : "Node","pid" :17384,"tid" :17384,"dur" :6356,"ts" :225126,"ph" : "X",\
"name" :"p2o.pd_op.relu.0.0_nchwc_kernel_time","args" : {"mem_in_use_delta" : "4194304",\
"output_type_shape" : [{"float":[1,32,160,160]}],"thread_scheduling_stats" : {"main_thread": \
{"thread_pool_name": "session-1-intra-op", "thread_id": "140463783136128", "block_size": [1], "core": 1, \
"Distribution": 11, "DistributionEnqueue": 0, "Run": 6118, "Wait": 3, "WaitRevoke": 3}, \
"sub_threads": {"140463607273152": {"num_run": 1, "core": 1}}},"op_name" : "Conv",\
"provider" : "CPUExecutionProvider","node_index" : "509","mem_requested_in_use_delta" : "3276800"}},
{"cat" : "Node","pid" :17384,"tid" :17384,"dur" :58,"ts" :662905,"ph" : "X","name" :"Sigmoid.0_kernel_time",\
"args" : {"activation_size" : "409600","op_name" : "Sigmoid","node_index" : "463"}},
{"cat" : "Session","pid" :17384,"tid" :17384,"dur" :102399,"ts" :560570,"ph" : "X",\
"name" :"SequentialExecutor::Execute","args" : {}},
{"cat" : "Session","pid" :17384,"tid" :17384,"dur" :102527,"ts" :560512,"ph" : "X","name" :"model_run","args" : {}},
{"cat" : "Session","pid" :17384,"tid" :17384,"dur" :300000,"ts" :225000,"ph" : "X","name" :"model_run","args" : {}}
]
"""
"""Lines of ORT 1.31.1, cut from the trace of a detection model."""


def _run(*nodes: tuple[int, int, int]) -> Run:
    """A run of nodes that are (thread, start, end)."""
    return Run(0, 1000, tuple(Node(str(n), "Conv", *node) for n, node in enumerate(nodes)))


def _written(folder: Path, *lines: str) -> tuple[Run, ...]:
    return read_runs(write_trace(folder / "trace", lines))


def test_real_trace_tells_its_runs_and_their_nodes(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text(REAL)
    assert read_runs(path) == (
        Run(225000, 525000, (Node("p2o.pd_op.relu.0.0_nchwc", "Conv", 17384, 225126, 231482, 1),)),
        Run(560512, 663039, (Node("Sigmoid.0", "Sigmoid", 17384, 662905, 662963),)),
    )


def test_nodes_belong_to_the_run_that_they_began_in_whatever_the_order_of_lines(tmp_path: Path) -> None:
    first, second = _written(
        tmp_path,
        span(200, 100),
        kernel("b", 199, 10, thread=2),  # clocks round: it seems to end after its run
        kernel("outside", 300, 10),
        span(100, 100),
        kernel("d", 280, 10),
        kernel("c", 200, 10),
        kernel("a", 100, 60),
    )
    assert [(run.start, run.end) for run in (first, second)] == [(100, 200), (200, 300)]
    assert [(node.name, node.start) for node in first.nodes] == [("a", 100), ("b", 199)]
    assert [(node.name, node.start) for node in second.nodes] == [("c", 200), ("d", 280)]


def test_only_executions_of_nodes_count_as_nodes(tmp_path: Path) -> None:
    """Older versions write fences as nodes too; a node may be called like a run, and have quotes in its name."""
    (run,) = _written(
        tmp_path,
        span(0, 9, "SequentialExecutor::Execute"),
        kernel("model_run", 1, 2, operator="Add"),
        kernel("a", 3, 2).replace("_kernel_time", "_fence_before"),
        kernel(r"say \"a\"", 4, 2),
        span(0, 10),
    )
    assert [(node.name, node.operator) for node in run.nodes] == [("model_run", "Add"), ('say "a"', "Conv")]


@pytest.mark.parametrize(
    ("text", "runs"), [("", 0), ("[\n", 0), ("[\n]\n", 0), (REAL[: REAL.rindex("]")], 2)]
)
def test_trace_tells_what_it_has(tmp_path: Path, text: str, runs: int) -> None:
    path = tmp_path / "trace"
    path.write_text(text)
    assert len(read_runs(path)) == runs


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(kernel("a", 1, 2)[:-30], id="cut short"),
        pytest.param(kernel('say "a"', 1, 2), id="bare quotes in a name"),
        pytest.param('{"cat" : "Node","name" :"a_kernel_time"}', id="no times"),
        pytest.param(kernel("a", 1, 2).replace("op_name", "operator"), id="no operator"),
        pytest.param(kernel("a", 1, 2).replace(":1,", ":null,"), id="no thread"),
        pytest.param("\udc80\udcff", id="no text"),
    ],
)
def test_trace_that_cannot_be_understood_is_a_value_error(tmp_path: Path, line: str) -> None:
    path = tmp_path / "trace"
    path.write_text("\n".join((span(0, 10), line)), encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ValueError, match=r"."):
        read_runs(path)


@pytest.mark.parametrize(
    ("nodes", "count"),
    [
        pytest.param((), 0, id="no node"),
        pytest.param([(1, 0, 10)], 0, id="one node"),
        pytest.param([(1, 0, 10), (1, 9, 20), (1, 12, 15)], 0, id="one thread, however its times look"),
        pytest.param([(1, 0, 10), (2, 10, 20)], 0, id="adjacent on two threads"),
        pytest.param([(1, 0, 10), (2, 0, 10)], 1, id="same start"),
        pytest.param([(1, 0, 100), (2, 10, 20), (2, 30, 40)], 2, id="two beside a long one"),
        pytest.param([(1, 0, 10), (2, 5, 20), (1, 20, 30)], 1, id="the other one has ended"),
        pytest.param([(1, 0, 10), (2, 5, 20), (3, 15, 40), (1, 39, 50)], 3, id="a chain of three threads"),
        pytest.param([(1, 0, 100), (2, 5, 50), (1, 10, 20)], 2, id="inside a node of its own thread"),
    ],
)
def test_node_overlaps_when_it_begins_during_one_on_another_thread(
    nodes: tuple[tuple[int, int, int], ...], count: int
) -> None:
    assert _run(*nodes).overlapping() == count


def test_what_a_run_shows_is_that_of_the_last_one_which_no_other_overlaps() -> None:
    """Of several callers, nodes could be anybody's."""
    first = _run((1, 0, 10), (2, 5, 20), (3, 6, 8))
    nodes = (Node("a", "Relu", 1, 0, 10, 3), Node("b", "Conv", 2, 5, 9, 1), Node("c", "Conv", 1, 9, 9))
    last, beside, again = Run(1000, 1100, nodes), Run(2000, 2100, ()), Run(2050, 2200, ())
    for runs in ((first, last), (first, last, beside, again)):
        assert trace.facts(runs) == {"nodes": 3, "overlapping_nodes": 1, "node_threads": 2}
        assert trace.operators(runs) == {"Conv": 2, "Relu": 1}
        assert trace.blocks(runs) == [("a", 3), ("b", 1)]
    for runs in ((), (beside, again)):
        assert (trace.facts(runs), trace.operators(runs), trace.blocks(runs)) == ({}, {}, [])


def _timed(number: int, *times: int) -> Run:
    """A run of 10 us more than its nodes, which take that long each: a Conv, b Conv, c Relu."""
    start, kinds = 1000 * number, (("a", "Conv"), ("b", "Conv"), ("c", "Relu"))
    nodes = tuple(Node(*kind, 1, start, start + time) for kind, time in zip(kinds, times, strict=True))
    return Run(start, start + sum(times) + 10, nodes)


def test_summary_is_the_mean_over_the_steady_runs() -> None:
    """The first two runs, which allocate, would spoil it."""
    runs = (_timed(0, 900, 1, 1), _timed(1, 1, 900, 1), _timed(2, 50, 10, 20), _timed(3, 61, 20, 40))
    found = trace.summarise(runs, "profiling", "toy", "batch=2")
    assert (found.case, found.model, found.input) == ("profiling", "toy", "batch=2")
    assert (found.runs, found.run_microseconds) == (2, 110.5)
    told = [(one.name, one.operator, one.nodes, one.microseconds) for one in (*found.operators, *found.nodes)]
    assert told[:2] == [("Conv", "Conv", 2, 70.5), ("Relu", "Relu", 1, 30.0)]
    assert told[2:] == [("a", "Conv", 1, 55.5), ("c", "Relu", 1, 30.0), ("b", "Conv", 1, 15.0)]
    for costs in (found.operators, found.nodes):
        assert sum(one.share for one in costs) == pytest.approx(1, abs=1e-4)
    assert found.operators[0].share == pytest.approx(141 / 201, abs=1e-5)


def test_summary_of_few_runs_takes_them_all_and_of_no_time_tells_no_share() -> None:
    for count in (1, 2):
        found = trace.summarise([_timed(n, 10, 20, 30) for n in range(count)], "profiling", "toy", "batch=2")
        assert (found.runs, found.run_microseconds) == (count, 70.0)
    found = trace.summarise([Run(0, 5, ())], "profiling", "toy", "batch=2")
    assert (found.runs, found.run_microseconds, found.operators, found.nodes) == (1, 5.0, [], [])
    found = trace.summarise([_timed(0, 0, 0, 0)], "profiling", "toy", "batch=2")
    assert {one.share for one in (*found.operators, *found.nodes)} == {0}


def test_summary_lists_the_ten_most_expensive_nodes_and_every_operator() -> None:
    nodes = tuple(Node(f"n{i}", f"Op{i}", 1, 0, i) for i in range(1, 13))
    found = trace.summarise([Run(0, 100, nodes)], "profiling", "toy", "batch=2")
    assert [one.name for one in found.nodes] == [f"n{i}" for i in range(12, 2, -1)]
    assert [one.name for one in found.operators] == [f"Op{i}" for i in range(12, 0, -1)]
    assert sum(one.share for one in found.nodes) == pytest.approx(75 / 78, abs=1e-3)

"""ORT's profiler trace: which node ran when, in which run, on which thread, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from traces import kernel, span, write_trace

from bench.measure import trace
from bench.measure.trace import Node, Run, read_runs

if TYPE_CHECKING:
    from pathlib import Path

REAL = """\
[
{"cat" : "Session","pid" :17384,"tid" :17384,"dur" :20844,"ts" :11,"ph" : "X","name" :"model_loading_uri","args" : {}},
{"cat" : "Node","pid" :17384,"tid" :17384,"dur" :6356,"ts" :225126,"ph" : "X",\
"name" :"p2o.pd_op.relu.0.0_nchwc_kernel_time","args" : {"mem_in_use_delta" : "4194304",\
"output_type_shape" : [{"float":[1,32,160,160]}],"thread_scheduling_stats" : {"main_thread": \
{"thread_pool_name": "session-1-intra-op", "thread_id": "140463783136128", "block_size": [1], "core": 1, \
"Distribution": 11, "DistributionEnqueue": 0, "Run": 6118, "Wait": 3, "WaitRevoke": 3}, \
"sub_threads": {"140463607273152": {"num_run": 1, "core": 1}}},"op_name" : "Conv",\
"provider" : "CPUExecutionProvider","node_index" : "509","mem_requested_in_use_delta" : "3276800"}},
{"cat" : "Node","pid" :17384,"tid" :17384,"dur" :58,"ts" :662905,"ph" : "X","name" :"Sigmoid.0_kernel_time",\
"args" : {"activation_size" : "409600","op_name" : "Sigmoid","node_index" : "463"}},
{"cat" : "Session","pid" :17384,"tid" :17384,"dur" :102527,"ts" :560512,"ph" : "X","name" :"model_run","args" : {}},
{"cat" : "Session","pid" :17384,"tid" :17384,"dur" :300000,"ts" :225000,"ph" : "X","name" :"model_run","args" : {}}
]
"""
"""Lines of ORT 1.31.1, cut from the trace of a detection model."""
CONV = Node("p2o.pd_op.relu.0.0_nchwc", "Conv", 17384, 225126, 231482, 1)
SIGMOID = Node("Sigmoid.0", "Sigmoid", 17384, 662905, 662963)


def test_real_trace_tells_its_runs_and_their_nodes_also_without_its_last_line(tmp_path: Path) -> None:
    path, runs = tmp_path / "trace", (Run(225000, 525000, (CONV,)), Run(560512, 663039, (SIGMOID,)))
    for text, found in ((REAL, runs), (REAL[: REAL.rindex("]")], runs), ("", ()), ("[\n]\n", ())):
        path.write_text(text)
        assert read_runs(path) == found


def test_nodes_belong_to_the_run_that_they_began_in_whatever_the_order_of_lines(tmp_path: Path) -> None:
    """Older versions write fences as nodes too; a node may be called like a run, and have quotes in its name."""
    lines = [
        span(200, 100),
        kernel("b", 199, 10, thread=2),  # clocks round: it seems to end after its run
        kernel("outside", 300, 10),
        span(100, 100),
        span(100, 99, "SequentialExecutor::Execute"),
        kernel("model_run", 280, 10, operator="Add"),
        kernel("a", 210, 2).replace("_kernel_time", "_fence_before"),
        kernel('say "c"', 200, 10),
        kernel("a", 100, 60),
    ]
    assert read_runs(write_trace(tmp_path / "trace", lines)) == (
        Run(100, 200, (Node("a", "Conv", 1, 100, 160), Node("b", "Conv", 2, 199, 209))),
        Run(200, 300, (Node('say "c"', "Conv", 1, 200, 210), Node("model_run", "Add", 1, 280, 290))),
    )


def test_trace_that_cannot_be_understood_is_a_value_error(tmp_path: Path) -> None:
    path, good = tmp_path / "trace", kernel("a", 1, 2)
    no_operator, no_thread = good.replace("op_name", "operator"), good.replace('"tid": 1', '"tid": null')
    for line in (good[:-30], no_operator, no_thread, "\udc80\udcff"):
        path.write_text("\n".join((span(0, 10), line)), encoding="utf-8", errors="surrogateescape")
        with pytest.raises(ValueError, match=r"."):
            read_runs(path)


def test_node_overlaps_when_it_begins_during_one_on_another_thread() -> None:
    for nodes, count in (
        ([(1, 0, 10), (1, 9, 20), (1, 12, 15)], 0),  # one thread, however its times look
        ([(1, 0, 10), (2, 10, 20)], 0),  # adjacent on two threads
        ([(1, 0, 100), (1, 5, 9), (2, 10, 20), (2, 30, 40)], 2),  # two beside a long one
        ([(1, 0, 10), (2, 5, 20), (3, 15, 40), (1, 40, 50)], 2),  # the other ones have ended
    ):
        assert Run(0, 1000, tuple(Node("n", "Conv", *node) for node in nodes)).overlapping() == count


def test_what_a_run_shows_is_that_of_the_last_one_which_no_other_overlaps() -> None:
    """Of several callers, nodes could be anybody's."""
    nodes = (Node("a", "Add", 1, 0, 10, 3), Node("b", "Conv", 2, 5, 9, 1), Node("c", "Conv", 1, 9, 9))
    first, last = Run(0, 1000, nodes[:1]), Run(1000, 1100, nodes)
    beside, again = Run(2000, 2100, ()), Run(2050, 2200, ())
    facts = {"nodes": 3, "overlapping_nodes": 1, "node_threads": 2}
    seen = facts, {"Add": 1, "Conv": 2}, [("a", 3), ("b", 1)]
    for runs in ((first, last), (first, last, beside, again)):
        assert (trace.facts(runs), trace.operators(runs), trace.blocks(runs)) == seen
    for runs in ((), (beside, again)):
        assert (trace.facts(runs), trace.operators(runs), trace.blocks(runs)) == ({}, {}, [])


def _timed(*times: int) -> Run:
    """A run of 10 us more than its nodes, which take that long each: a Conv, b Conv, c Relu, and so on."""
    kinds = (("a", "Conv"), ("b", "Conv"), ("c", "Relu"), *((f"n{i}", f"Op{i}") for i in range(9)))
    nodes = tuple(Node(*kind, 1, 100, 100 + time) for kind, time in zip(kinds, times, strict=False))
    return Run(0, sum(times) + 10, nodes)


def _summary(*runs: Run) -> tuple[Any, ...]:
    found = trace.summarise(runs, "profiling", "toy", "batch=2")
    costs = ([tuple(dict(one).values()) for one in part] for part in (found.operators, found.nodes))
    return found.runs, found.run_microseconds, *costs


def test_summary_is_the_mean_over_the_steady_runs() -> None:
    """The first two, which allocate, would spoil it; it lists the ten most expensive nodes and every operator."""
    operators = [("Conv", "Conv", 2, 70.5, 0.70149), ("Relu", "Relu", 1, 30.0, 0.29851)]
    nodes = [
        ("a", "Conv", 1, 55.5, 0.55224),
        ("c", "Relu", 1, 30.0, 0.29851),
        ("b", "Conv", 1, 15.0, 0.14925),
    ]
    steady = _timed(50, 10, 20), _timed(61, 20, 40)
    assert _summary(_timed(900, 1, 1), _timed(1, 900, 1), *steady) == (2, 110.5, operators, nodes)
    assert _summary(_timed(10), _timed(10))[:3] == (2, 20.0, [("Conv", "Conv", 1, 10.0, 1)])
    assert _summary(_timed(0)) == (1, 10.0, [("Conv", "Conv", 1, 0, 0)], [("a", "Conv", 1, 0, 0)])
    *_, operators, nodes = _summary(_timed(*range(1, 13)))
    assert [one[0] for one in nodes] == [*(f"n{i}" for i in range(8, -1, -1)), "c"]
    assert [one[3] for one in operators] == [*range(12, 2, -1), 3]

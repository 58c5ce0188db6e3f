"""Read ORT's profiler trace: one event a line, times in microseconds.

The file is read line by line and only what is needed is kept: a trace of many runs is large, and the
process that reads it is the one that must stay small.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.results.records import Cost, TraceSummary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KERNEL = "_kernel_time"
UNSTEADY_RUNS = 2
"""Runs left out of the means: the first ones allocate."""
MOST_NODES = 10


@dataclass(frozen=True, slots=True)
class Node:
    """One execution of one node."""

    name: str
    operator: str
    thread: int
    start: int
    end: int
    block: int | None = None
    """Iterations in the first block that the calling thread took of the operator; None: ORT does not tell."""


@dataclass(frozen=True, slots=True)
class Run:
    """One call of `session.run`, with its nodes in the order of their start."""

    start: int
    end: int
    nodes: tuple[Node, ...]

    def overlapping(self) -> int:
        """Nodes that began while a node on another thread was under way."""
        count, busy_until = 0, dict[int, int]()
        for node in self.nodes:
            count += any(end > node.start for thread, end in busy_until.items() if thread != node.thread)
            busy_until[node.thread] = max(node.end, busy_until.get(node.thread, 0))
        return count


def read_runs(path: Path) -> tuple[Run, ...]:
    """All runs of a trace. Raises ValueError when it cannot be understood, as when its end is missing."""
    try:
        return _runs(path)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: {error!r}") from error


def _runs(path: Path) -> tuple[Run, ...]:
    spans: list[tuple[int, int]] = []
    nodes: list[Node] = []
    for event in _events(path):
        start, end = int(event["ts"]), int(event["ts"]) + int(event["dur"])
        if event["name"] == "model_run":
            spans.append((start, end))
        elif event["cat"] == "Node" and event["name"].endswith(KERNEL):
            name = event["name"].removesuffix(KERNEL)
            nodes.append(
                Node(name, event["args"]["op_name"], int(event["tid"]), start, end, _block(event["args"]))
            )
    nodes.sort(key=lambda node: node.start)
    return tuple(Run(a, b, tuple(n for n in nodes if a <= n.start < b)) for a, b in sorted(spans))


def _block(args: dict[str, Any]) -> int | None:
    stats = args.get("thread_scheduling_stats")
    if not isinstance(stats, dict) or "block_size" not in stats.get("main_thread", {}):
        return None
    return int(next(iter(stats["main_thread"]["block_size"]), 0))


def _events(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            text = line.strip().strip(",")
            if text.startswith("{"):
                yield json.loads(text)


def alone(runs: Sequence[Run]) -> Run | None:
    """The last run that no other one overlaps: what is seen in it belongs to it."""
    for run in reversed(runs):
        if not any(other is not run and other.start < run.end and run.start < other.end for other in runs):
            return run
    return None


def facts(runs: Sequence[Run]) -> dict[str, float]:
    """What one run shows."""
    run = alone(runs)
    if run is None:
        return {}
    return {
        "nodes": len(run.nodes),
        "overlapping_nodes": run.overlapping(),
        "node_threads": len({node.thread for node in run.nodes}),
    }


def operators(runs: Sequence[Run]) -> dict[str, int]:
    """Operator types of one run and how many nodes have them."""
    run = alone(runs)
    return dict(sorted(Counter(node.operator for node in run.nodes).items())) if run else {}


def blocks(runs: Sequence[Run]) -> list[tuple[str, int]]:
    """Of each node of one run, its first block; empty where ORT does not tell."""
    run = alone(runs)
    found = [(node.name, node.block) for node in run.nodes] if run else []
    return sorted((name, block) for name, block in found if block is not None)


def summarise(runs: Sequence[Run], case: str, model: str, input: str) -> TraceSummary:
    """Time by operator type and by node, means over the steady runs."""
    steady = runs[UNSTEADY_RUNS:] or runs
    by_node, by_operator = Counter[tuple[str, str]](), Counter[str]()
    for run in steady:
        for node in run.nodes:
            by_node[node.name, node.operator] += node.end - node.start
            by_operator[node.operator] += node.end - node.start
    numbers, total, count = Counter(operator for _, operator in by_node), by_node.total() or 1, len(steady)

    def cost(name: str, operator: str, nodes: int, time: int) -> Cost:
        microseconds, share = round(time / count, 1), round(time / total, 5)
        return Cost(name=name, operator=operator, nodes=nodes, microseconds=microseconds, share=share)

    return TraceSummary(
        case=case,
        model=model,
        input=input,
        runs=count,
        run_microseconds=round(sum(run.end - run.start for run in steady) / count, 1),
        operators=[cost(name, name, numbers[name], time) for name, time in by_operator.most_common()],
        nodes=[cost(*node, 1, time) for node, time in by_node.most_common(MOST_NODES)],
    )

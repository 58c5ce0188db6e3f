"""What must hold in a result file, whatever the machine: lists of checks, and one sentence for each that fails.

Types and ranges of single values are the schema's. What is refused here cannot have been measured: a broken
clock, a broken file, or somebody's pen. Here is what holds of one process and of one trace; a journal is read line by
line in `plausible_journal`, an export as a whole in `plausible_export`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from bench.results.process import CALLED, PHASES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from bench.results.process import Figures, Phase
    from bench.results.records import GroupRecord, Header, TraceSummary

    Checks = Mapping[str, Callable[["T"], bool]]
    """What is said when a relation does not hold, and the relation."""

T = TypeVar("T")
MIB = 1 << 20
MOST_CORES = 4096
COUNTER_SLACK = 16 * MIB
"""The kernel keeps a process's pages in a counter for each core, up to a MiB, and adds them up late."""
CLOCK_SLACK, TICK_NS = 1.1, 20_000_000
"""CPU time and wall time come from two clocks, the one of them with coarse steps."""
ROUNDED_SHARE, ROUNDED_MICROSECONDS = 5e-6, 0.1


class Implausible(Exception):
    """The message says, in Chinese, which relation is broken."""


def check(checks: Checks[T], thing: T) -> None:
    """Raises Implausible with the first that fails; later ones may rely on earlier ones."""
    for reason, holds in checks.items():
        if not holds(thing):
            raise Implausible(reason)


class Process(NamedTuple):
    """Figures of one process, and what must be known to judge them."""

    f: Figures
    feeds: int
    """Calls of one pass."""
    callers: int
    cores: int

    @classmethod
    def of(cls, figures: Figures, case: str, group: GroupRecord, header: Header) -> Process:
        cores = header.machine.get("logical_cores")
        if type(cores) is not int or not 0 < cores <= MOST_CORES:
            cores = MOST_CORES
        load = next((one.load for one in header.cases if one.id == case), None) or group.load
        return cls(figures, len(group.shapes), load.callers, cores)

    def within(self, value: int | None, bound: int | None) -> bool:
        """Whether memory is no more than other memory."""
        return value is None or bound is None or value <= bound + COUNTER_SLACK + MIB * self.cores

    @property
    def phases(self) -> Collection[Phase]:
        return self.f.phases.values()

    @property
    def called(self) -> list[Phase]:
        return [self.f.phases[name] for name in CALLED]


def _has_its_phases(p: Process) -> bool:
    """Those that every process goes through, and no calls but where calls are made."""
    names = set(p.f.phases)
    quiet = [phase for name, phase in p.f.phases.items() if name not in CALLED]
    return {"import", "open", *CALLED} <= names <= set(PHASES) and not any(one.calls for one in quiet)


def _passes_are_whole(p: Process) -> bool:
    first, second, _, steady = p.called
    whole = all(phase.calls % p.feeds == 0 for phase in p.called)
    return whole and first.calls == second.calls == p.feeds and steady.calls > 0


def _latencies_are_of_the_calls(p: Process) -> bool:
    told, steady = p.f.latencies_ns, p.f.steady
    return len(told) * p.feeds <= steady.calls and sum(told) * p.feeds <= steady.run_ns * p.callers


# fmt: off
FIGURES: Checks[Process] = {
    "进程的各个阶段不齐，或有不认识的": _has_its_phases,
    "调用次数不是输入个数的整数倍，或某个阶段没有调用": _passes_are_whole,
    "内存峰值小于途中读到的驻留内存": lambda p: all(p.within(one.rss_bytes, one.peak_bytes) for one in p.phases)
          and all(p.within(seen, p.f.peak_bytes) for seen in p.f.rss_bytes),
    "归还空闲内存之后，驻留内存反而变大": lambda p: p.within(p.f.rss("trim"), p.f.rss("steady")),
    "推理加起来比它所在的阶段还长": lambda p: all(one.run_ns <= one.wall_ns for one in p.phases),
    "单次延迟比推理还多，或加起来比推理的总时间还长": _latencies_are_of_the_calls,
    "内存读数多于调用次数": lambda p: len(p.f.rss_bytes) <= sum(one.calls for one in p.called[:3]) + 1,
    "CPU 时间超过全部核在这段时间里能给的": lambda p: all(
          one.cpu_ns <= (one.run_ns * CLOCK_SLACK + TICK_NS) * p.cores for one in p.phases),
    "进程的总时间比其中几段加起来还短": lambda p: sum(one.wall_ns for one in p.phases) <= p.f.worker_ns,
    "输出含 NaN 或无穷大，却没有记为失败": lambda p: p.f.outputs.finite,
    "输出逐位相同，却有差别": lambda p: p.f.outputs.difference == 0 or not p.f.outputs.identical,
    "输出没有比较过，却有差别": lambda p: p.f.outputs.compared > 0 or p.f.outputs.identical,
}
# fmt: on


def _shares_add_up(trace: TraceSummary) -> bool:
    total = sum(cost.share for cost in trace.operators)
    return total == 0 or abs(total - 1) <= ROUNDED_SHARE * len(trace.operators) + 1e-9


def _nodes_within_operators(trace: TraceSummary) -> bool:
    whole = {cost.operator: cost for cost in trace.operators}
    return all(
        node.operator in whole
        and node.microseconds <= whole[node.operator].microseconds + ROUNDED_MICROSECONDS
        and node.share <= whole[node.operator].share + 2 * ROUNDED_SHARE
        for node in trace.nodes
    )


TRACE: Checks[TraceSummary] = {
    "各类算子的占比加起来不是 1": _shares_add_up,
    "单个节点的耗时超过它那一类算子": _nodes_within_operators,
}


def differ(*names: Any) -> bool:
    return len(set(names)) == len(names)

"""How the numbers of one process must relate to each other, whatever the machine: a table of rules.

Types and ranges of single values are the schema's. What is refused here cannot have been measured:
a broken clock, a broken file, or somebody's pen. How lines of a journal follow on each other is
checked by `bench.results.sequence`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from bench.results.process import CALLED, PHASES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.results.process import Phase
    from bench.results.records import Figures, GroupRecord, Header, NoiseRecord, Sample, TraceSummary, Untimed

T = TypeVar("T")
MIB = 1 << 20
MOST_CORES = 4096
COUNTER_SLACK = 16 * MIB
"""The kernel keeps a process's pages in a counter for each core and adds them up late."""
COUNTER_SLACK_PER_CORE = MIB
CLOCK_SLACK = 1.1
"""CPU time and wall time come from two clocks."""
TICK_NS = 20_000_000
"""Coarsest step in which systems account CPU time."""
WALL_SLACK_S = 0.05
ROUNDED_SHARE = 5e-6
ROUNDED_MICROSECONDS = 0.1


class Implausible(Exception):
    """The message says, in Chinese, which relation is broken; `rule` is its name."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """A relation that must hold, and what to say when it does not."""

    name: str
    reason: str
    holds: Callable[[T], bool]


def check(rules: Sequence[Rule[T]], thing: T) -> None:
    """Raises Implausible with the first rule that is broken; later rules may rely on earlier ones."""
    for rule in rules:
        if not rule.holds(thing):
            raise Implausible(rule.name, rule.reason)


@dataclass(frozen=True, slots=True)
class Process:
    """Figures, and what must be known of the machine, the group and the case to judge them."""

    figures: Figures
    feeds: int
    """Calls of one pass."""
    callers: int
    cores: int

    @property
    def memory_slack(self) -> int:
        return COUNTER_SLACK + COUNTER_SLACK_PER_CORE * self.cores

    @property
    def called(self) -> list[Phase]:
        return [self.figures.phases[name] for name in CALLED]


def process(figures: Figures, case: str, group: GroupRecord, header: Header) -> Process:
    cores = header.machine.get("logical_cores")
    known = isinstance(cores, int) and not isinstance(cores, bool) and 0 < cores <= MOST_CORES
    load = next((one.load for one in header.cases if one.id == case), None) or group.load
    return Process(
        figures, len(group.shapes), load.callers, cores if known and isinstance(cores, int) else MOST_CORES
    )


def _has_its_phases(p: Process) -> bool:
    """Those that every process goes through, and no calls but where calls are made."""
    names = set(p.figures.phases)
    quiet = [phase for name, phase in p.figures.phases.items() if name not in CALLED]
    return names <= set(PHASES) and names >= {"import", "open", *CALLED} and not any(q.calls for q in quiet)


def _passes_are_whole(p: Process) -> bool:
    first, second, _, steady = p.called
    whole = all(phase.calls % p.feeds == 0 for phase in p.called)
    return whole and first.calls == second.calls == p.feeds and steady.calls > 0


def _peak_covers_seen(p: Process) -> bool:
    f = p.figures
    each = all(_at_most(one.rss_bytes, one.peak_bytes, p.memory_slack) for one in f.phases.values())
    return each and all(_at_most(seen, f.peak_bytes, p.memory_slack) for seen in f.rss_bytes)


def _at_most(value: int | None, bound: int | None, slack: int = 0) -> bool:
    return value is None or bound is None or value <= bound + slack


def _within_cores(p: Process) -> bool:
    return all(
        one.cpu_ns <= (one.run_ns * CLOCK_SLACK + TICK_NS) * p.cores for one in p.figures.phases.values()
    )


FIGURES: tuple[Rule[Process], ...] = (
    Rule("phases_known", "进程的各个阶段不齐，或有不认识的", _has_its_phases),
    Rule("whole_passes", "调用次数不是输入个数的整数倍，或某个阶段没有调用", _passes_are_whole),
    Rule("peak_covers_seen", "内存峰值小于途中读到的驻留内存", _peak_covers_seen),
    Rule(
        "trimming_returns",
        "归还空闲内存之后，驻留内存反而变大",
        lambda p: _at_most(p.figures.rss("trim"), p.figures.rss("steady"), p.memory_slack),
    ),
    Rule(
        "runs_within_phase",
        "推理加起来比它所在的阶段还长",
        lambda p: all(one.run_ns <= one.wall_ns for one in p.figures.phases.values()),
    ),
    Rule(
        "latencies_are_of_the_calls",
        "单次延迟比推理还多，或加起来比推理的总时间还长",
        lambda p: (
            len(p.figures.latencies_ns) * p.feeds <= p.figures.steady.calls
            and sum(p.figures.latencies_ns) * p.feeds <= p.figures.steady.run_ns * p.callers
        ),
    ),
    Rule(
        "memory_watched_once_a_call",
        "内存读数多于调用次数",
        lambda p: len(p.figures.rss_bytes) <= sum(one.calls for one in p.called[:3]) + 1,
    ),
    Rule("cpu_within_cores", "CPU 时间超过全部核在这段时间里能给的", _within_cores),
    Rule(
        "worker_holds_its_parts",
        "进程的总时间比其中几段加起来还短",
        lambda p: sum(one.wall_ns for one in p.figures.phases.values()) <= p.figures.worker_ns,
    ),
    Rule("outputs_finite", "输出含 NaN 或无穷大，却没有记为失败", lambda p: p.figures.outputs.finite),
    Rule(
        "identical_outputs_do_not_differ",
        "输出逐位相同，却有差别",
        lambda p: p.figures.outputs.difference == 0 or not p.figures.outputs.identical,
    ),
    Rule(
        "only_compared_outputs_differ",
        "输出没有比较过，却有差别",
        lambda p: p.figures.outputs.compared > 0 or p.figures.outputs.identical,
    ),
)

SAMPLE: tuple[Rule[Sample], ...] = (
    Rule(
        "figures_or_failure",
        "样本应当或有数据、或有失败原因，二者必居其一",
        lambda s: (s.figures is None) != (s.failure is None),
    ),
    Rule(
        "process_outlives_worker",
        "进程从启动到结束的时间比它自己报告的还短",
        lambda s: s.figures is None or s.figures.worker_ns <= (s.wall_s * CLOCK_SLACK + WALL_SLACK_S) * 1e9,
    ),
)

NOISE: tuple[Rule[NoiseRecord], ...] = (
    Rule(
        "dirt_was_seen",
        "什么都没有读到，却说机器繁忙",
        lambda n: (
            not n.dirty or any(share is not None for share in (n.others, n.steal, n.pressure, n.held_back))
        ),
    ),
)

UNTIMED: tuple[Rule[Untimed], ...] = (
    Rule(
        "failure_shows_nothing",
        "没有跑成，却有观察结果",
        lambda u: (
            u.failure is None or (not u.facts and not u.regions and not u.operators and u.outcome is None)
        ),
    ),
    Rule(
        "regions_counted",
        "arena 的区块数与列出的不符",
        lambda u: u.facts.get("arena_regions", len(u.regions)) == len(u.regions),
    ),
    Rule(
        "nodes_counted",
        "节点数与各类算子的数目不符",
        lambda u: "nodes" not in u.facts or u.facts["nodes"] == sum(u.operators.values()),
    ),
)


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


TRACE: tuple[Rule[TraceSummary], ...] = (
    Rule("shares_add_up", "各类算子的占比加起来不是 1", _shares_add_up),
    Rule("nodes_within_operators", "单个节点的耗时超过它那一类算子", _nodes_within_operators),
)

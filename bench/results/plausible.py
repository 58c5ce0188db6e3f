"""How the numbers of one process must relate to each other, whatever the machine: a table of rules.

Types and ranges of single values are the schema's. What is refused here cannot have been measured:
a broken clock, a broken file, or somebody's pen. How lines of a journal follow on each other is
checked by `bench.results.sequence`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.results.schema import Figures, GroupRecord, Header, NoiseRecord, Sample, TraceSummary, Untimed

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
MOST_IDLE_NS = 2e9
"""The idle while is a part of a second; on a busy machine it may take longer."""
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
    """Figures, and what must be known of the machine and the group to judge them."""

    figures: Figures
    feeds: int
    """Calls of one pass."""
    cores: int

    @property
    def passes(self) -> int:
        return self.figures.calls // self.feeds

    @property
    def memory_slack(self) -> int:
        return COUNTER_SLACK + COUNTER_SLACK_PER_CORE * self.cores

    @property
    def seen_bytes(self) -> list[int | None]:
        """All readings of resident memory that the high-water mark covers, but for the last one."""
        f = self.figures
        marks = [f.base_bytes, f.after_first_bytes, f.after_second_bytes, f.before_steady_bytes]
        return marks + f.rss_bytes

    @property
    def shortest_loop_ns(self) -> int:
        """Half of the passes took at least the median, one of them as long as the slowest."""
        f, above = self.figures, self.passes - self.passes // 2
        each = f.slowest_ns + (above - 1) * f.latency_ns + (self.passes - above) * f.fastest_ns
        return each * self.feeds


def process(figures: Figures, group: GroupRecord, header: Header) -> Process:
    cores = header.machine.get("logical_cores")
    known = isinstance(cores, int) and not isinstance(cores, bool) and 0 < cores <= MOST_CORES
    return Process(figures, len(group.shapes), cores if known and isinstance(cores, int) else MOST_CORES)


def _peak_covers_seen(p: Process) -> bool:
    peak = p.figures.peak_bytes
    return peak is None or all(seen is None or seen <= peak + p.memory_slack for seen in p.seen_bytes)


def _at_most(value: int | None, bound: int | None, slack: int = 0) -> bool:
    return value is None or bound is None or value <= bound + slack


FIGURES: tuple[Rule[Process], ...] = (
    Rule(
        "peak_covers_kept",
        "内存峰值小于留下的内存",
        lambda p: _at_most(p.figures.kept_bytes, p.figures.peak_bytes),
    ),
    Rule("peak_covers_seen", "内存峰值小于途中读到的驻留内存", _peak_covers_seen),
    Rule(
        "trimming_returns",
        "归还空闲内存之后，驻留内存反而变大",
        lambda p: _at_most(p.figures.kept_trimmed_bytes, p.figures.kept_bytes, p.memory_slack),
    ),
    Rule(
        "latency_between_extremes",
        "延迟不在最快与最慢之间",
        lambda p: p.figures.fastest_ns <= p.figures.latency_ns <= p.figures.slowest_ns,
    ),
    Rule(
        "whole_passes",
        "调用次数不是输入个数的整数倍",
        lambda p: p.figures.calls % p.feeds == 0 and p.figures.session_calls % p.feeds == 0,
    ),
    Rule(
        "single_pass_has_one_time",
        "只跑了一遍，最快与最慢却不同",
        lambda p: p.passes > 1 or p.figures.fastest_ns == p.figures.slowest_ns,
    ),
    Rule(
        "median_of_two",
        "只跑了两遍，延迟却不是两次的平均",
        lambda p: p.passes != 2 or p.figures.latency_ns == (p.figures.fastest_ns + p.figures.slowest_ns) // 2,
    ),
    Rule(
        "loop_holds_its_calls",
        "计时循环比其中的推理加起来还短",
        lambda p: p.shortest_loop_ns <= p.figures.loop_ns,
    ),
    Rule(
        "runs_within_loop",
        "推理加起来比计时循环还长",
        lambda p: p.figures.run_ns <= p.figures.loop_ns,
    ),
    Rule(
        "session_counts_first_runs",
        "会话的调用次数少于计时的加上头两遍",
        lambda p: p.figures.session_calls >= p.figures.calls + 2 * p.feeds,
    ),
    Rule(
        "memory_watched_once_a_call",
        "内存读数多于调用次数",
        lambda p: len(p.figures.rss_bytes) <= p.figures.session_calls - p.figures.calls + 1,
    ),
    Rule(
        "cpu_within_cores",
        "CPU 时间超过全部核在这段时间里能给的",
        lambda p: p.figures.cpu_ns * p.figures.calls <= (p.figures.run_ns * CLOCK_SLACK + TICK_NS) * p.cores,
    ),
    Rule(
        "idle_within_cores",
        "空闲时的 CPU 时间超过全部核能给的",
        lambda p: (p.figures.idle_cpu_ns or 0) <= MOST_IDLE_NS * p.cores,
    ),
    Rule(
        "worker_holds_its_parts",
        "进程的总时间比其中几段加起来还短",
        lambda p: (
            p.figures.session_ns
            + (p.figures.first_run_ns + p.figures.second_run_ns) * p.feeds
            + p.figures.loop_ns
            <= p.figures.worker_ns
        ),
    ),
    Rule("outputs_finite", "输出含 NaN 或无穷大，却没有记为失败", lambda p: p.figures.outputs_finite),
    Rule(
        "identical_outputs_do_not_differ",
        "输出逐位相同，却有差别",
        lambda p: p.figures.outputs_difference == 0 or not p.figures.outputs_identical,
    ),
    Rule(
        "only_compared_outputs_differ",
        "输出没有比较过，却有差别",
        lambda p: p.figures.outputs_compared > 0 or p.figures.outputs_identical,
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

"""Metrics: what each is called, its unit, how it is read, which way is better, and how it is judged.

Tables, charts, headlines, comparisons and downloads follow from these entries; adding one adds it everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from bench.results import stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.results.process import Figures, Phase

MIB = 1 << 20
ENOUGH_CALLS = 100
"""From so many timed calls on, growth is told as a rate, and a 95th percentile is told at all."""

Kind = Literal["time", "memory", "count", "ratio", "fact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure of a process, one that was observed without a clock, or a ratio of one to another case's."""

    id: str
    title: str
    """A few Chinese words for the head of a column."""
    words: str = ""
    """In sentences: `打开用时` in `打开用时多 98%`; empty: what is more is slower, as of a latency."""
    compared: str = ""
    """What a list of comparisons calls it; empty: the title."""
    unit: str = ""
    kind: Kind
    phase: str = ""
    """The phase whose counters are read; empty: the process as a whole."""
    read: Callable[[Any], float | None] | None = None
    """Reads a `Phase`, or `Figures` of a whole process. None: a fact of the same name, or from several processes."""
    of: str = ""
    """Of a ratio: the metric that is compared, within rounds; `than` names the case. Of a rate: what work is divided by."""
    than: str = "default"
    work: Literal["flops", "weights", ""] = ""
    """Of a rate: what a call does, over its latency. Arithmetic is counted in 1e9, weights as GiB of float32."""
    better: Literal["less", "more", ""] = ""
    floor: float = stats.MIN_EFFECT
    """Of a ratio: the least effect that counts as one."""
    judged: bool = False
    """Whether verdicts are given."""
    told: bool = True
    """False: not every system tells it."""
    always: bool = True
    """False: only where an experiment's columns name it."""
    calls: int = 0
    """Fewest timed calls of all rounds together, below which it is not shown."""
    signed: bool = False
    """May be below zero."""
    headline: bool = False
    """Whether it may be among the surprises."""

    @property
    def named(self) -> str:
        return self.compared or self.title

    def value(self, figures: Figures) -> float | None:
        """Of one process; None where the system or the case does not tell it."""
        assert self.read
        source = figures.phases.get(self.phase) if self.phase else figures
        return None if source is None else self.read(source)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value / factor


def _per_call(phase: Phase) -> float:
    return phase.run_ns / phase.calls / 1e6


def _rss(phase: Phase) -> float | None:
    return _scaled(phase.rss_bytes, MIB)


def _grown(figures: Figures) -> float | None:
    """Resident memory gained over the timed loop, for a thousand calls; a few calls show no rate."""
    before, after = figures.rss("warm_up"), figures.rss("steady")
    if before is None or after is None or figures.steady.calls < ENOUGH_CALLS:
        return None
    return (after - before) / MIB / figures.steady.calls * 1000


def _trace(figures: Figures) -> float | None:
    return None if figures.trace_bytes is None else figures.trace_bytes / 1024 / figures.calls


def _peak_of_an_item(figures: Figures) -> float | None:
    """What the calls need above what the open session takes, for one of the rows that go through it together."""
    base, peak, rows = figures.rss("open"), figures.peak_bytes, figures.items_at_once or figures.items
    return None if base is None or peak is None else max(0, peak - base) / rows / MIB


def _faults(phase: Phase) -> float | None:
    return _scaled(phase.minor_faults, phase.calls)


_time = partial(Metric, kind="time", unit="ms", better="less")
_memory = partial(Metric, kind="memory", unit="MiB", better="less", told=False)
_judged = partial(Metric, kind="ratio", judged=True)
_fact = partial(Metric, kind="fact")
# fmt: off
_ALL = (
    _time(id="latency_ms", title="每次推理", read=lambda f: f.latency_ns() / 1e6),
    _time(id="item_ms", title="每条", always=False, read=lambda f: f.latency_ns() / f.items / 1e6),
    _time(id="p95_ms", title="p95 延迟", read=lambda f: f.latency_ns(0.95) / 1e6,
          always=False, calls=ENOUGH_CALLS),
    Metric(id="calls_per_s", title="每秒推理", unit="次", kind="time", better="more", always=False,
           read=lambda f: f.processes * f.steady.calls / f.steady.run_ns * 1e9),
    Metric(id="gflop_per_s", title="每秒运算", unit="GFLOP", kind="time", better="more", always=False,
           of="latency_ms", work="flops"),
    Metric(id="gib_per_s", title="每秒读权重", unit="GiB", kind="time", better="more", always=False,
           of="latency_ms", work="weights"),
    _judged(id="ratio", title="相对默认", compared="延迟", of="latency_ms", better="less", headline=True),
    _judged(id="ratio_original", title="相对 2022 年的那套", compared="延迟，对 2022 年的那套",
            of="latency_ms", than="original", better="less"),
    _judged(id="p95_ratio", title="p95 相对默认", words="p95 延迟", compared="p95 延迟", of="p95_ms", better="less",
            floor=stats.SAME_MARGIN, always=False, calls=ENOUGH_CALLS),
    _judged(id="calls_ratio", title="每秒推理，相对默认", words="每秒推理的次数", compared="每秒推理的次数",
            of="calls_per_s", better="more", always=False),
    _judged(id="open_ratio", title="打开，相对默认", words="打开用时", compared="打开用时",
            of="session_ms", better="less", always=False),
    Metric(id="speed_up", title="加速比", kind="ratio", of="latency_ms", than="single", better="more"),
    Metric(id="efficiency", title="效率", kind="ratio", of="latency_ms", than="single", better="more"),
    _time(id="import_ms", title="导入", always=False, phase="import", read=lambda p: p.wall_ns / 1e6),
    _time(id="session_ms", title="建会话", phase="open", read=lambda p: p.wall_ns / 1e6),
    _time(id="first_run_ms", title="首次推理", phase="first", read=_per_call),
    _time(id="second_run_ms", title="第二次推理", phase="second", read=_per_call),
    _time(id="trim_ms", title="归还一次", phase="trim", always=False, read=lambda p: p.wall_ns / 1e6),
    _time(id="cpu_s", title="每次用的 CPU", compared="每次推理的 CPU 时间", unit="s",
          phase="steady", read=lambda p: p.cpu_ns / p.calls / 1e9),
    Metric(id="throttled", title="被配额拦住的周期", unit="%", kind="count", told=False, always=False,
           read=lambda f: _scaled(f.throttled_share, 0.01)),
    Metric(id="cores_used", title="用到的核", kind="count",
           phase="steady", read=lambda p: p.cpu_ns / p.run_ns),
    _memory(id="open_peak_mib", title="打开时最多占", judged=True, always=False,
            phase="open", read=lambda p: _scaled(p.peak_bytes, MIB)),
    _memory(id="base_mib", title="推理前", phase="open", read=_rss),
    _memory(id="after_first_mib", title="第 1 次后", phase="first", read=_rss),
    _memory(id="after_second_mib", title="第 2 次后", phase="second", read=_rss),
    _memory(id="peak_mib", title="最多占", judged=True, headline=True, read=lambda f: _scaled(f.peak_bytes, MIB)),
    _memory(id="kept_mib", title="做完后还占", judged=True, headline=True, phase="steady", read=_rss),
    _memory(id="item_peak_mib", title="同时算的，每条多占", always=False, read=_peak_of_an_item),
    _memory(id="share_mib", title="摊到每个进程", always=False, read=lambda f: _scaled(f.share_bytes, MIB)),
    _memory(id="kept_trimmed_mib", title="归还之后还占", judged=True, phase="trim", read=_rss),
    Metric(id="grown_mib_per_1000", title="每千次推理增长", unit="MiB", kind="count", read=_grown,
           signed=True, told=False),
    Metric(id="character_error", title="字符错误率", kind="count", told=False, always=False,
           read=lambda f: f.character_error),
    Metric(id="cosine", title="输出的余弦", kind="count", told=False, always=False, signed=True,
           read=lambda f: f.outputs.cosine),
    Metric(id="agreement", title="结果与 fp32 一致", unit="%", kind="count", told=False, always=False,
           read=lambda f: _scaled(f.outputs.agreement, 0.01)),
    Metric(id="trace_kib_per_run", title="文件每次推理", unit="KiB", kind="count", read=_trace),
    Metric(id="minor_faults", title="缺页/次", kind="count", phase="steady", read=_faults, told=False),
    Metric(id="threads", title="实际线程数", kind="count", told=False,
           read=lambda f: None if f.threads_created is None else f.threads_created + 1),
    _fact(id="nodes", title="节点数"),
    _fact(id="file_mib", title="文件", unit="MiB", always=False),
    _fact(id="overlapping_nodes", title="同时执行的节点"),
    _fact(id="node_threads", title="执行节点的线程"),
    _fact(id="session_info_lines", title="INFO 及更细的行"),
    _fact(id="idle_cpu_s", title="空闲时还用的 CPU", unit="s"),
)
# fmt: on
METRICS: dict[str, Metric] = {metric.id: metric for metric in _ALL}
"""`threads` counts the calling thread; times are per call; facts come from an untimed child."""

FACTS = tuple(metric.id for metric in METRICS.values() if metric.kind == "fact")
JUDGED_MEMORY = tuple(m.id for m in METRICS.values() if m.kind == "memory" and m.judged)
JUDGED_TIMES = tuple(m.id for m in METRICS.values() if m.kind == "ratio" and m.judged)
TIMED = ("time", "ratio")
"""Kinds that noise spoils."""

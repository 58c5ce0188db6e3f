"""What shows of a setting in an untimed child: facts from its report, ORT's log and the profiler's trace.

A setting that ORT accepts without a word shows nothing: misspelt config keys are accepted too. What follows
from the facts is judged in `bench.measure.proof`.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from bench.measure import trace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.measure.trace import Run
    from bench.results.records import Figures
    from bench.spec import Case, Scalar, Subject

MIB = 1 << 20
IDLE_SECONDS = 0.3
"""How long a watched process does nothing after a call."""

FACTS = {
    "threads_created": "创建会话时新增的线程数",
    "threads_pinned": "其中绑了核的线程数",
    "arena_regions": "arena 向系统申请的区块数",
    "arena_mib": "arena 向系统申请的总量（MiB）",
    "exact_regions_share": "按所需大小申请的区块占比",
    "second_run_regions": "第二次推理新申请的区块数",
    "arena_shrinks": "arena 归还区块的次数",
    "huge_page_mib": "进程用到的透明大页（MiB）",
    "minor_faults": "每次推理的缺页次数",
    "idle_cpu_s": f"推理之后 {IDLE_SECONDS:g} 秒空闲里耗用的 CPU 秒数",
    "session_info_lines": "会话日志里 INFO 及更细的行数",
    "session_verbose_lines": "会话日志里 VERBOSE 的行数",
    "warning_lines": "故意写错一个配置值时，日志里的警告行数",
    "trace_bytes": "性能分析文件的字节数",
    "nodes": "一次推理执行的节点数",
    "operators": "一次推理执行的各种算子",
    "overlapping_nodes": "与别的线程上的节点同时执行的节点数",
    "node_threads": "一次推理中执行节点的线程数",
    "block_sizes": "各节点每次分给线程的块大小",
    "callers": "同时调用的线程数",
    "processes": "同时做一样的事的进程数",
    "allocators_mapped": "取代 malloc 的分配器个数",
    "returned_mib": "malloc_trim 还给系统的内存（MiB）",
    "heaps": "glibc 开的堆的个数",
    "opening_cores": "打开时平均用到的核",
    "opened_mib": "打开之后，比打开之前多占的内存（MiB）",
    "denormals_zeroed": "调用线程把非规格化数当作 0（1 是，0 否）",
    "received_enable_cpu_mem_arena": "会话收到的 enable_cpu_mem_arena",
    "received_enable_mem_pattern": "会话收到的 enable_mem_pattern",
    "file": "打开的模型文件",
    "file_mib": "模型文件的大小（MiB）",
    "subject": "打开和调用的东西",
    "runtime": "跑的 onnxruntime",
}
"""Observed facts and their names on pages."""

FINGERPRINTS = ("operators", "block_sizes", "file", "subject", "runtime")
"""Facts whose number says nothing but whether two are the same."""
ARENA_FACTS = ("arena_regions", "arena_mib", "exact_regions_share", "second_run_regions", "arena_shrinks")
_REQUEST = re.compile(r"Extending BFCArena for Cpu.*rounded_bytes:\s*(\d+)")
_EXTENDED = re.compile(r"Extended allocation by (\d+) bytes")
_SHRUNK = re.compile(r"Arena shrunk by \d+ bytes")
_SESSION_LINE = re.compile(r"\[([VI]):onnxruntime:(?!Default,)")
_SESSION_OPTIONS = re.compile(r"TraceSessionOptions\] Session Options \{.*")
_SWITCH = re.compile(r"\b(enable_\w+|execution_mode|graph_optimization_level):(\d+)\b")
_POOLS = {"intra_op_num_threads": "intra_op_param", "inter_op_num_threads": "inter_op_param"}
ENUMERATORS = {
    "execution_mode": {"ORT_SEQUENTIAL": 0, "ORT_PARALLEL": 1},
    "graph_optimization_level": {
        "ORT_DISABLE_ALL": 0,
        "ORT_ENABLE_BASIC": 1,
        "ORT_ENABLE_EXTENDED": 2,
        "ORT_ENABLE_LAYOUT": 3,
        "ORT_ENABLE_ALL": 4,
    },
}
"""Attribute -> its values, and how the log of ORT 1.31 writes them."""
RECEIVED = "received_"
"""Prefix of the facts that say which options a session was given, as its own log lists them."""
RECEIVED_SWITCHES = (
    "enable_mem_pattern",
    "enable_mem_reuse",
    "enable_cpu_mem_arena",
    "enable_profiling",
    "execution_mode",
    "graph_optimization_level",
    *_POOLS,
)
"""Options of which a session's log tells the value that it was given."""
WARNED_RUN = 4
"""Number that the worker gives to the session that it sets up wrongly on purpose."""
_WARNING = re.compile(r"\[W:onnxruntime")
_RUN = re.compile(r"^BENCH RUN (\d+)")


class Region(NamedTuple):
    """What the arena has asked the system for at once."""

    size: int
    needed: int
    """Bytes for which it was."""
    run: int
    """In which it was; 0 is session creation."""


def read_arena_log(log: str) -> tuple[list[Region], int]:
    """Regions in their order, and how often the arena shrank: from a verbose ORT log with the worker's run marks in it."""
    regions = list[Region]()
    run = shrinks = needed = 0
    for line in log.splitlines():
        if match := _RUN.match(line):
            run = int(match[1])
        elif match := _REQUEST.search(line):
            needed = int(match[1])
        elif match := _EXTENDED.search(line):
            regions.append(Region(int(match[1]), needed, run))
        elif _SHRUNK.search(line):
            shrinks += 1
    return regions, shrinks


def observe(
    case: Case, figures: Figures, log: str, runs: Sequence[Run], opened: tuple[Path, Subject]
) -> dict[str, float]:
    """The facts of one untimed child. `opened`: the file, and what it was opened by.

    The child of a case that says nothing of the log or the profiler has both switched on: what they show
    of themselves is then our doing and no fact.
    """
    regions, shrinks = read_arena_log(log)
    exact = sum(region.size == region.needed for region in regions)
    facts: dict[str, float] = {
        "arena_regions": len(regions),
        "arena_mib": round(sum(region.size for region in regions) / MIB, 1),
        "exact_regions_share": exact / len(regions) if regions else 0.0,
        "second_run_regions": sum(region.run == 2 for region in regions),
        "arena_shrinks": shrinks,
        **trace.facts(runs),
        **_fingerprints(runs, *opened),
        "runtime": _fingerprint(figures.onnxruntime.encode()),
        **_received(case, log),
    }
    if "log_severity_level" in case.settings:
        facts |= _lines(log)
    if "enable_profiling" in case.settings:
        facts["trace_bytes"] = figures.trace_bytes or 0
    told = {
        "callers": figures.callers,
        "processes": figures.processes,
        "allocators_mapped": figures.allocators,
        "heaps": figures.heaps,
        "opening_cores": _rounded(figures.phases["open"].cpu_ns, figures.phases["open"].wall_ns, 2),
        "opened_mib": _mib_between(figures, "import", "open"),
        "returned_mib": _mib_between(figures, "trim", "steady"),
        "denormals_zeroed": figures.denormals_are_zero,
        "threads_created": figures.threads_created,
        "threads_pinned": figures.threads_pinned,
        "huge_page_mib": _rounded(figures.huge_page_bytes, MIB, 1),
        "idle_cpu_s": _rounded(figures.phases["idle"].cpu_ns, 1e9, 4) if "idle" in figures.phases else None,
        "minor_faults": _rounded(figures.steady.minor_faults, figures.steady.calls, 1),
    }
    return facts | {name: float(value) for name, value in told.items() if value is not None}


def _fingerprints(runs: Sequence[Run], file: Path, subject: Subject) -> dict[str, float]:
    """As numbers: two graphs may well have as many nodes, and other ones."""
    called = [subject.name, dict(subject.options)]
    seen = {"operators": trace.operators(runs), "block_sizes": trace.blocks(runs), "subject": called}
    found = {name: _fingerprint(json.dumps(told).encode()) for name, told in seen.items() if told}
    size = sum(
        part.stat().st_size for part in file.parent.glob(f"{file.name}*")
    )  # weights may stand beside it
    return {**found, "file": _fingerprint(file.read_bytes()), "file_mib": round(size / MIB, 1)}


def _fingerprint(content: bytes) -> float:
    return float(int(hashlib.sha256(content).hexdigest()[:12], 16))


def observe_from_outside(figures: Figures, log: str) -> dict[str, float]:
    """The facts of a child in which neither log nor profiler was touched: what the default shows by itself."""
    return {**_lines(log), "trace_bytes": figures.trace_bytes or 0}


def _lines(log: str) -> dict[str, float]:
    healthy, _, wrong = log.partition(f"BENCH RUN {WARNED_RUN}")
    levels = [match[1] for match in _SESSION_LINE.finditer(healthy)]
    return {
        "session_info_lines": len(levels),
        "session_verbose_lines": levels.count("V"),
        "warning_lines": len(_WARNING.findall(wrong)),
    }


def _mib_between(figures: Figures, less: str, more: str) -> float | None:
    """By how much more is resident at the end of one phase than of another, at least 0.

    A trim that finds nothing to hand back touches a few pages of its own.
    """
    before, after = figures.rss(less), figures.rss(more)
    return None if before is None or after is None else max(0.0, round((after - before) / MIB, 1))


def _rounded(value: float | None, unit: float, digits: int) -> float | None:
    return None if value is None else round(value / unit, digits)


def received(log: str) -> dict[str, str]:
    """Options that the first session of a log lists as its own."""
    text = "".join(_SESSION_OPTIONS.findall(log)[:1])
    found = dict(_SWITCH.findall(text))
    for name, pool in _POOLS.items():
        if match := re.search(rf"{pool}:OrtThreadPoolParams \{{ thread_pool_size: (\d+)", text):
            found[name] = match[1]
    return found


def _received(case: Case, log: str) -> dict[str, float]:
    """The same as facts, but for what the observer has set."""
    found = received(log)
    if "enable_profiling" not in case.settings:
        found.pop("enable_profiling", None)
    return {RECEIVED + name: float(value) for name, value in found.items()}


def as_listed(name: str, value: Scalar) -> float:
    """A setting as the session's log writes it."""
    return float(ENUMERATORS[name][value] if isinstance(value, str) else value)

"""Does an option show? Facts observed in an untimed child, held against what the case promises.

A setting that ORT accepts without a word proves nothing: misspelt config keys are accepted too.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.measure import trace
from bench.spec import BASELINE, CONTROL, Proof

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.measure.trace import Run
    from bench.results.schema import Figures
    from bench.spec import Case, Scalar

MIB = 1 << 20

FACTS = {
    "threads_created": "创建会话时新增的线程数",
    "arena_regions": "arena 向系统申请的区块数",
    "arena_mib": "arena 向系统申请的总量（MiB）",
    "exact_regions_share": "按所需大小申请的区块占比",
    "second_run_regions": "第二次推理新申请的区块数",
    "arena_shrinks": "arena 归还区块的次数",
    "huge_page_mib": "进程用到的透明大页（MiB）",
    "minor_faults": "每次推理的缺页次数",
    "idle_cpu_s": "空闲一秒耗用的 CPU 秒数",
    "session_info_lines": "会话日志里 INFO 及更细的行数",
    "session_verbose_lines": "会话日志里 VERBOSE 的行数",
    "trace_bytes": "性能分析文件的字节数",
    "nodes": "一次推理执行的节点数",
    "overlapping_nodes": "与别的线程上的节点同时执行的节点数",
    "node_threads": "一次推理中执行节点的线程数",
}
"""Observed facts and their names on pages."""

_RELATIONS = {"==": operator.eq, "<": operator.lt, ">": operator.gt}
_WORDS = {"==": "等于", "<": "小于", ">": "大于"}
_REQUEST = re.compile(r"Extending BFCArena for Cpu.*rounded_bytes:\s*(\d+)")
_EXTENDED = re.compile(r"Extended allocation by (\d+) bytes")
_SHRUNK = re.compile(r"Arena shrunk by \d+ bytes")
_SESSION_LINE = re.compile(r"\[([VI]):onnxruntime:(?!Default,)")
_SESSION_OPTIONS = re.compile(r"TraceSessionOptions\] Session Options \{.*")
_SWITCH = re.compile(r"\b(enable_\w+|execution_mode|graph_optimization_level):(\d+)\b")
_POOLS = {"intra_op_num_threads": "intra_op_param", "inter_op_num_threads": "inter_op_param"}
_NUMBERS = {
    "ORT_SEQUENTIAL": 0,
    "ORT_PARALLEL": 1,
    "ORT_DISABLE_ALL": 0,
    "ORT_ENABLE_BASIC": 1,
    "ORT_ENABLE_EXTENDED": 2,
    "ORT_ENABLE_LAYOUT": 3,
    "ORT_ENABLE_ALL": 4,
}
"""Enumerators as the log of ORT 1.31 writes them."""
RECEIVED = "received_"
"""Prefix of the facts that say which options a session was given, as its own log lists them."""
_RUN = re.compile(r"^BENCH RUN (\d+)")


@dataclass(frozen=True, slots=True)
class ArenaLog:
    """What ORT's log tells of its arena: one entry a region, in order."""

    regions: tuple[int, ...]
    requested: tuple[int, ...]
    """Bytes that were needed when the region of the same index was added."""
    runs: tuple[int, ...]
    """Run in which it was added; 0 is session creation."""
    shrinks: int


def read_arena_log(log: str) -> ArenaLog:
    """Parse a verbose ORT log with the worker's run marks in it."""
    regions, requested, runs = [], [], []
    run = shrinks = need = 0
    for line in log.splitlines():
        if match := _RUN.match(line):
            run = int(match[1])
        elif match := _REQUEST.search(line):
            need = int(match[1])
        elif match := _EXTENDED.search(line):
            regions.append(int(match[1]))
            requested.append(need)
            runs.append(run)
        elif _SHRUNK.search(line):
            shrinks += 1
    return ArenaLog(tuple(regions), tuple(requested), tuple(runs), shrinks)


def observe(case: Case, figures: Figures, log: str, runs: Sequence[Run]) -> dict[str, float]:
    """The facts of one untimed child: from its report, its log and its trace.

    The child of a case that says nothing of the log or the profiler has both switched on: what they show
    of themselves is then our doing and no fact.
    """
    arena = read_arena_log(log)
    exact = [size == need for size, need in zip(arena.regions, arena.requested, strict=True)]
    facts: dict[str, float] = {
        "arena_regions": len(arena.regions),
        "arena_mib": round(sum(arena.regions) / MIB, 1),
        "exact_regions_share": sum(exact) / len(exact) if exact else 0.0,
        "second_run_regions": arena.runs.count(2),
        "arena_shrinks": arena.shrinks,
        **trace.facts(runs),
        **_received(case, log),
    }
    if "log_severity_level" in case.settings:
        levels = [match[1] for match in _SESSION_LINE.finditer(log)]
        facts |= {"session_info_lines": len(levels), "session_verbose_lines": levels.count("V")}
    if figures.threads_created is not None:
        facts["threads_created"] = figures.threads_created
    if figures.huge_page_bytes is not None:
        facts["huge_page_mib"] = round(figures.huge_page_bytes / MIB, 1)
    if figures.idle_cpu_ns is not None:
        facts["idle_cpu_s"] = round(figures.idle_cpu_ns / 1e9, 4)
    if figures.trace_bytes is not None and "enable_profiling" in case.settings:
        facts["trace_bytes"] = figures.trace_bytes
    if figures.minor_faults is not None:
        facts["minor_faults"] = round(figures.minor_faults, 1)
    return facts


def _received(case: Case, log: str) -> dict[str, float]:
    """Options that the session lists as its own, but for those that the observer has set."""
    line = _SESSION_OPTIONS.search(log)
    text = line[0] if line else ""
    found = dict(_SWITCH.findall(text))
    for name, pool in _POOLS.items():
        if match := re.search(rf"{pool}:OrtThreadPoolParams \{{ thread_pool_size: (\d+)", text):
            found[name] = match[1]
    if "enable_profiling" not in case.settings:
        found.pop("enable_profiling", None)
    return {RECEIVED + name: float(value) for name, value in found.items()}


def judge(case: Case, facts: Mapping[str, Mapping[str, float]]) -> tuple[bool | None, str]:
    """(proven, evidence in Chinese). `facts` holds those of every case; None: nothing to prove."""
    proof, own = case.proof, facts.get(case.id, {})
    if proof is None:
        return None, "默认设置，无需证明" if case.id in (BASELINE, CONTROL) else "没有可观察的证据"
    title = FACTS[proof.fact]
    seen = own.get(proof.fact)
    bound = _bound(proof, facts)
    if seen is None or bound is None:
        return None, f"本机读不到“{title}”"
    proven = bool(_RELATIONS[proof.relation](seen, bound))
    compared = (
        f"{proof.than} 为 {_number(bound / (proof.expected or 1))}"
        if proof.than
        else f"应{_WORDS[proof.relation]} {_number(bound)}"
    )
    arrived, options = _options(case, proof, own)
    if arrived is None and _shows_no_change(proof):
        return None, f"{title}：{_number(seen)}（{compared}）{options}"
    return proven and arrived is not False, f"{title}：{_number(seen)}（{compared}）{options}"


def _shows_no_change(proof: Proof) -> bool:
    """Such a proof would hold for a setting that never arrived, too."""
    return proof.than is not None and proof.relation == "=="


def _options(case: Case, proof: Proof, own: Mapping[str, float]) -> tuple[bool | None, str]:
    """(whether ORT's log lists every option of the case as set, words where the proof does not speak for all).

    None: nothing is listed, as at a high log level.
    """
    known = {name: own[RECEIVED + name] for name in case.settings if RECEIVED + name in own}
    wanted = {name: _as_listed(value) for name, value in case.settings.items() if name in known}
    arrived = all(known[name] == value for name, value in wanted.items()) if known else None
    if arrived is None:
        hidden = len(case.settings) > 1 or _shows_no_change(proof)
        return None, "；在这个日志级别看不到会话收到了什么" if hidden else ""
    told = "、".join(f"{name}={_number(value)}" for name, value in known.items())
    speaks = len(wanted) > 1 or not arrived or _shows_no_change(proof)
    return arrived, f"；会话收到 {told}" if speaks else ""


def _as_listed(value: Scalar) -> float:
    return float(_NUMBERS[value] if isinstance(value, str) else value)


def _bound(proof: Proof, facts: Mapping[str, Mapping[str, float]]) -> float | None:
    if proof.than is None:
        return proof.expected
    other = facts.get(proof.than, {}).get(proof.fact)
    return None if other is None else other * proof.expected


def _number(value: float) -> str:
    return f"{value:.10g}"

"""Does an option show? Facts observed in an untimed child, held against what the case promises.

A setting that ORT accepts without a word proves nothing: misspelt config keys are accepted too.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.measure import trace
from bench.spec import BASELINE, Proof

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.measure.trace import Run
    from bench.results.schema import Figures
    from bench.spec import Case

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
_SWITCH = re.compile(r"\b(enable_\w+):([01])\b")
RECEIVED = "received_"
"""Prefix of the facts that say which switches a session was given, as its own log lists them."""
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


def observe(figures: Figures, log: str, runs: Sequence[Run]) -> dict[str, float]:
    """The facts of one untimed child: from its report, its log and its trace."""
    arena = read_arena_log(log)
    options = _SESSION_OPTIONS.search(log)
    levels = [match[1] for match in _SESSION_LINE.finditer(log)]
    exact = [size == need for size, need in zip(arena.regions, arena.requested, strict=True)]
    facts: dict[str, float] = {
        "arena_regions": len(arena.regions),
        "arena_mib": round(sum(arena.regions) / MIB, 1),
        "exact_regions_share": sum(exact) / len(exact) if exact else 0.0,
        "second_run_regions": arena.runs.count(2),
        "arena_shrinks": arena.shrinks,
        "session_info_lines": len(levels),
        "session_verbose_lines": levels.count("V"),
        **trace.facts(runs),
        **{RECEIVED + name: float(value) for name, value in _SWITCH.findall(options[0] if options else "")},
    }
    if figures.threads_created is not None:
        facts["threads_created"] = figures.threads_created
    if figures.huge_page_bytes is not None:
        facts["huge_page_mib"] = round(figures.huge_page_bytes / MIB, 1)
    if figures.idle_cpu_ns is not None:
        facts["idle_cpu_s"] = round(figures.idle_cpu_ns / 1e9, 4)
    if figures.trace_bytes is not None:
        facts["trace_bytes"] = figures.trace_bytes
    if figures.minor_faults is not None:
        facts["minor_faults"] = round(figures.minor_faults, 1)
    return facts


def judge(case: Case, facts: Mapping[str, Mapping[str, float]]) -> tuple[bool | None, str]:
    """(proven, evidence in Chinese). `facts` holds those of every case; None: nothing to prove."""
    proof, own = case.proof, facts.get(case.id, {})
    if proof is None:
        return None, "默认设置，无需证明" if case.id.startswith(BASELINE) else "没有可观察的证据"
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
    arrived, switches = _switches(case, own)
    return proven and arrived, f"{title}：{_number(seen)}（{compared}）{switches}"


def _switches(case: Case, own: Mapping[str, float]) -> tuple[bool, str]:
    """Whether ORT's log lists every switch of the case as set; in words where one proof must speak for several."""
    wanted = {name: value for name, value in case.settings.items() if isinstance(value, bool)}
    known = {name: own[RECEIVED + name] for name in wanted if RECEIVED + name in own}
    arrived = all(known[name] == wanted[name] for name in known)
    told = "、".join(f"{name}={bool(value)}" for name, value in known.items())
    return arrived, f"；会话收到 {told}" if told and (len(wanted) > 1 or not arrived) else ""


def _bound(proof: Proof, facts: Mapping[str, Mapping[str, float]]) -> float | None:
    if proof.than is None:
        return proof.expected
    other = facts.get(proof.than, {}).get(proof.fact)
    return None if other is None else other * proof.expected


def _number(value: float) -> str:
    return f"{value:.10g}"

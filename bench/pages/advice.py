"""Which setting this machine's results speak for. Follows verdicts, never beliefs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.pages.words import Words, memory
from bench.results import stats
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from bench.results.schema import CaseRecord, Export, GroupSummary

HARMLESS = ("faster", "same")
UNDECIDED = (*HARMLESS, "unclear", None)
"""Speed verdicts with which a setting may be, or might be, recommended."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A case to set, and one sentence of evidence in HTML."""

    case: CaseRecord
    evidence: str


def memory_setting(export: Export) -> Advice:
    """The case with the lowest peaks among those nowhere slower than the default and nowhere hungrier."""
    words = Words(export)
    default = next(case for case in export.cases if case.id == BASELINE)
    if reason := _nothing_judged(words):
        return Advice(default, reason)
    options = [case for case in export.cases if case.id not in (BASELINE, CONTROL) and not case.env]
    best = _lowest_peak(words, [case for case in options if _harmless(words, case.id, HARMLESS)])
    if best:
        parts = [_evidence(words, g, best.id) for g in export.groups if words.value(g, best.id, "peak_mib")]
        return Advice(best, f"{best.title}，{'；'.join(parts)}。")
    open_ = _lowest_peak(words, [case for case in options if _harmless(words, case.id, UNDECIDED)])
    if open_:
        return Advice(
            default,
            f"{open_.title}的峰值更低，但这次的轮数和噪声还分不出它是否更慢：先保持默认，或等机器安静时多测几轮。",
        )
    return Advice(default, "没有哪种设置既不慢、又在哪组输入上都不多占、还省下值得一提的峰值内存：保持默认。")


def _nothing_judged(words: Words) -> str:
    """Why this result supports no recommendation at all; empty when it does."""
    groups = words.groups()
    if words.draft:
        return "草稿，不作推荐，先用默认设置。"
    if not any(group.verdicts for group in groups):
        return "机器繁忙，不作推荐，先用默认设置。"
    rounds = max(group.rounds for group in groups)
    return f"只测了 {rounds} 轮，不作推荐，先用默认设置。" if rounds < stats.MIN_ROUNDS else ""


def _lowest_peak(words: Words, cases: list[CaseRecord]) -> CaseRecord | None:
    """The case with the lowest peaks of those that save at all."""
    saving = [case for case in cases if _saves(words, case.id)]
    return min(saving, key=lambda case: _peak_ratio(words, case.id), default=None)


def thread_setting(export: Export) -> Advice:
    """The default where nothing explicit is told faster; else the count that is, wherever measured."""
    words = Words(export)
    default = next(case for case in export.cases if case.id == BASELINE)
    groups = [group for group in export.groups if group.verdicts]
    if reason := _nothing_judged(words):
        return Advice(default, reason)
    explicit = [case for case in export.cases if case.id.isdigit() and int(case.id) <= words.cores()]
    faster = [
        case
        for case in explicit
        if any(words.verdict(g, case.id) == "faster" for g in groups)
        and not any(words.verdict(g, case.id) == "slower" for g in groups)
    ]
    if not faster:
        return Advice(
            default,
            f"在本机可用的 {words.cores()} 核上，没有测出哪个线程数在某个模型上比默认快、又不在别的模型上更慢：独占机器时保持默认。",
        )
    best = min(faster, key=lambda case: min(words.value(g, case.id, "ratio") or 9 for g in groups))
    parts = [f"{group.model_title}{words.speed(group, best.id)}" for group in groups]
    return Advice(best, f"设为 {best.id} 线程，与默认比：{'；'.join(parts)}。")


def _harmless(words: Words, case: str, speed: tuple[str | None, ...]) -> bool:
    """Speed verdicts among these, nowhere more peak, proven, and measured in every group that has it."""
    proven = next((proof.proven for proof in words.export.proofs if proof.case == case), None)
    for group in words.groups():
        row = words.row(group, case, "ratio")
        if row is None:
            continue
        judged = group.memory_only or row.verdict in speed
        if row.value is None or not judged or words.verdict(group, case, "peak_mib") == "more":
            return False
    return proven is True


def _saves(words: Words, case: str) -> bool:
    return any(words.verdict(group, case, "peak_mib") == "less" for group in words.groups())


def _peak_ratio(words: Words, case: str) -> float:
    """Product of the peaks relative to the default's."""
    product = 1.0
    for group in words.groups():
        own, base = words.value(group, case, "peak_mib"), words.value(group, BASELINE, "peak_mib")
        if own and base:
            product *= own / base
    return product


def _evidence(words: Words, group: GroupSummary, case: str) -> str:
    own, base = words.value(group, case, "peak_mib"), words.value(group, BASELINE, "peak_mib")
    peaks = f"峰值 {memory(own)}（默认 {memory(base)}）" if own and base else ""
    speed = "" if group.memory_only else f"，{words.speed(group, case)}"
    return f"{group.model_title} {group.input}：{peaks}{speed}"

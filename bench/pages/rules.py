"""The numbers in the rules, as the code has them: nobody types them into prose."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS
from bench.pages import frames
from bench.results import choice, compare, stats, view

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def tables(measuring: Mapping[str, float]) -> str:
    """All of them; `measuring`: those by which samples are taken, as the exporter wrote them down."""
    numbers = "".join(
        f'<tr><th scope="row">{title}</th><td>{number}</td></tr>' for title, number in _numbers(measuring)
    )
    limits = "".join(
        f'<tr><th scope="row">{escape(title)}</th><td>{escape(text)}</td></tr>'
        for title, text in _tolerances()
    )
    return _table("numbers", "规则里的数，取自这次构建的代码", ("规则", "数"), numbers) + _table(
        "tolerances", "推荐设置的限制：每一组都要满足，两半轮次都要满足", ("场景", "限制"), limits
    )


def _numbers(measuring: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    profile = {name: f"{measuring[name]:g}" for name in measuring}
    yield "计时循环至少", f"{profile['min_seconds']} 秒，{profile['min_calls']} 次"
    yield "默认档的轮数", f"{profile['rounds']}；要选推荐设置的实验 {profile['split_rounds']}，两半各占一半"
    yield "草稿（快速档）的轮数", profile["draft_rounds"]
    yield "一个样本到同它比较的默认样本，计划里至多隔", f"{profile['near_s']} 秒"
    yield "有区间、能作结论，至少", f"{stats.MIN_ROUNDS} 轮"
    yield (
        "更快、更慢：中位数偏离 1 超过",
        f"{stats.MIN_EFFECT:.0%}，并且超过默认测两遍的区间两端离 1 的最大偏离",
    )
    yield (
        "没有差别：整个区间在 1 的",
        f"±{stats.SAME_MARGIN:.0%} 之内，并且含 1 或偏离至多 {stats.MIN_EFFECT:.0%}",
    )
    yield (
        "内存多、少：中位数相差超过",
        f"{stats.MEMORY_EFFECT:.0%} 和 {stats.MEMORY_EFFECT_MIB} MiB 中较大的，并且各轮的范围不相接",
    )
    yield "推理之后看空转", f"{profile['idle_s']} 秒"
    yield (
        "一轮受扰：别的进程占 CPU 超过，或宿主机拿走超过",
        f"{measuring['others']:.0%}，{measuring['steal']:.0%}",
    )
    yield "受扰的轮重测，每个实验至多", f"{profile['repeats']} 轮"
    yield "一组不作快慢结论：受扰的轮超过", f"{view.MAX_DIRTY_SHARE:.0%}"
    yield "一组噪声太大：默认测两遍的偏离超过", f"{view.TOO_NOISY:.0%}，或被判为快慢不同"
    yield "选推荐设置：轮次重抽", f"{choice.RESAMPLES} 次"
    yield "选得稳：至少这么多次选中同一套", f"{choice.STABLE:.0%}"
    yield "选得不稳时，取其中最简单的：它至少被选中", f"{choice.PLAUSIBLE:.0%}"
    yield (
        "两次构建的内存算重合：相差至多",
        f"{compare.SAME_MEMORY:.0%} 和 {compare.SAME_MEMORY_MIB} MiB 中较大的",
    )
    yield "两次构建算一致：重合的至少", f"{compare.ENOUGH_OVERLAP:.0%}"
    yield "最大的 batch：至多用掉空闲内存的", f"{measuring['memory_share']:.0%}"


def _tolerances() -> Iterator[tuple[str, str]]:
    for experiment in EXPERIMENTS.values():
        for scenario in experiment.scenarios:
            yield scenario.title, "；".join(limit.text for limit in scenario.limits) or "没有，取最小的"


def _table(name: str, caption: str, titles: tuple[str, str], rows: str) -> str:
    table = f'<table class="bench-rules-{name}">{frames.head(titles)}<tbody>{rows}</tbody></table>'
    return frames.figure(f"rules-{name}", caption, frames.scrolled(table, caption))

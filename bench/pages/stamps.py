"""Whose numbers these are and how old: the lines that stand above tables and on the home page."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from bench.pages import frames
from bench.results.view import DRAFT_PROFILES
from bench.spec import input_title
from bench.system.ages import dated

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from bench.results.published import Export, GroupSummary

PROFILE_TITLES = {"smoke": "冒烟", "quick": "快速", "default": "默认", "thorough": "细致"}
BUSY, UNDECIDED = "<strong>机器繁忙</strong>", "受扰的轮次超过三成，不作快慢结论。"


def when(export: Export) -> str:
    """When the measuring ended, and how long before the building of the site that was."""
    return dated(datetime.fromisoformat(export.build.finished_at))


def warnings(export: Export, *, stale: bool = False) -> str:
    """Everything that keeps these numbers from being quoted, as HTML; empty when nothing does."""
    busy = "、".join(f"{escape(g.model_title)}（{escape(input_title(g.input))}）" for g in _busy(export))
    return _notes([*_reasons(export, stale=stale), *([f"{BUSY}：{busy}{UNDECIDED}"] if busy else [])])


def of_site(exports: Sequence[Export], stale: Collection[str]) -> str:
    """Origin and age of all numbers of the site, and every reason not to quote some of them."""
    newest = max(exports, key=lambda export: export.build.finished_at)
    oldest = min(exports, key=lambda export: export.build.finished_at)
    builds = len({export.build.id for export in exports})
    mixed = [f"各实验的数字来自 {builds} 次测量，最早的测于 {when(oldest)}。"] if builds > 1 else []
    reasons = [text for one in exports for text in _reasons(one, stale=one.experiment in stale)]
    count = sum(len(_busy(one)) for one in exports)
    busy = [f"{BUSY}：{count} 组{UNDECIDED}"] if count else []
    return provenance(newest) + _notes([*mixed, *dict.fromkeys(reasons), *busy])


def _notes(texts: Iterable[str]) -> str:
    return "".join(f'<p class="bench-warning" role="note">{text}</p>' for text in texts)


def _reasons(export: Export, *, stale: bool) -> list[str]:
    texts = []
    if export.build.profile == "smoke":
        texts.append("<strong>冒烟测试</strong>：极小的输入、一轮，只用来检查网站能不能建成，数字没有意义。")
    elif export.build.profile == "quick":
        texts.append(
            f"<strong>草稿</strong>：快速档只测 {export.build.rounds} 轮、用小输入，不作快慢结论，数字不要引用。"
        )
    elif export.build.rounds < export.build.planned_rounds:
        texts.append(
            f"因时间预算，{export.build.planned_rounds} 轮只做了 {export.build.rounds} 轮，区间因此更宽。"
        )
    if stale:
        texts.append("<strong>旧结果</strong>：测量之后代码、模型、ORT 或机器变了；这里只是预览。")
    return texts


def _busy(export: Export) -> list[GroupSummary]:
    """Groups without verdicts because of disturbed rounds; a draft has none anyway."""
    if export.build.profile in DRAFT_PROFILES:
        return []
    return [group for group in export.groups if not group.verdicts and not group.memory_only]


def provenance(export: Export) -> str:
    """One line: machine, versions, profile, length, age."""
    build = export.build
    return (
        f'<p class="bench-provenance">测于 {when(export)}，{PROFILE_TITLES[build.profile]}档，'
        f"整次测量 {build.measured_s / 60:.1f} 分钟；{escape(str(export.machine.get('cpu', '')))}，"
        f"可用 {escape(str(export.machine.get('cores')))} 核；onnxruntime {escape(export.software.get('onnxruntime', ''))}。</p>"
    )


MACHINE_TITLES = {
    "cpu": "处理器",
    "arch": "架构",
    "isa": "向量指令",
    "cores": "可用逻辑核",
    "affinity_cores": "亲和掩码允许的核数",
    "quota_cores": "cgroup 配额（核）",
    "logical_cores": "逻辑核",
    "physical_cores": "物理核",
    "l2_kib": "L2（KiB）",
    "l3_kib": "L3（KiB）",
    "memory_gib": "内存（GiB）",
    "memory_limit_bytes": "cgroup 内存上限（字节）",
    "system": "系统",
    "libc": "C 库",
    "hypervisor": "虚拟机",
    "kernel": "内核",
    "governor": "调频策略",
    "transparent_huge_pages": "透明大页",
}


def machine_table(export: Export) -> str:
    """This machine and its software, a fact a row."""
    facts = [(MACHINE_TITLES[name], _fact(export.machine.get(name))) for name in MACHINE_TITLES]
    facts += [(name, text or "没有安装") for name, text in export.software.items()]
    rows = "".join(
        f'<tr><th scope="row">{escape(title)}</th><td>{escape(text)}</td></tr>' for title, text in facts
    )
    table = f'<table class="bench-machine"><tbody>{rows}</tbody></table>'
    return frames.figure(
        "machine", f"<strong>本机与软件</strong>；测于 {when(export)}", frames.scrolled(table, "本机与软件")
    )


def _fact(value: object) -> str:
    if value is None or value == "":
        return "没有或读不到"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return " ".join(str(item) for item in value) or "没有或读不到"
    return str(value)

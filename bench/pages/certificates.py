"""Whose numbers these are, how old and how noisy: the lines above tables, and the certificate of a whole build."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from markupsafe import Markup

from bench.pages import looks
from bench.pages.markup import NONE, Row, render, table
from bench.results.trust import Standing, checks, standing
from bench.results.view import DRAFT_PROFILES, MAX_DIRTY_SHARE
from bench.spec import input_title
from bench.system.ages import dated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from bench.results.published import Export, GroupSummary

WORDS = {"yes": "可以引用", "except": "可以引用，但有例外", "no": "不要引用"}
MARKS = {True: "✓", False: "✗", None: "—"}
PROFILES = {"smoke": "冒烟", "quick": "快速", "default": "默认", "thorough": "细致"}
WHICH = Markup('{}，是哪些见<a data-link="reference/certificate.html#certificate-builds">测量记录</a>。')
BUSY, UNDECIDED = "机器繁忙", "受扰的轮次超过三成，不作快慢结论。"
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

Reason = tuple[str, str]
"""What is wrong in a word or two, if that helps, and the rest of the sentence."""


def when(export: Export) -> str:
    """When the measuring ended, and how long before the building of the site that was."""
    return dated(datetime.fromisoformat(export.build.finished_at))


def provenance(export: Export, quotable: Markup = NONE) -> Markup:
    """One line: age, profile, length, machine, versions; or, of a whole site, `quotable` instead of profile and length."""
    return render(
        "stamps", export=export, quotable=quotable, when=when(export),
        profile=PROFILES[export.build.profile], warnings=(),
    )  # fmt: skip


def warnings(export: Export, *, stale: bool = False) -> Markup:
    """Everything that keeps these numbers from being quoted; empty when nothing does."""
    busy = "、".join(f"{one.model_title}（{input_title(one.input)}）" for one in _busy(export))
    named = [(BUSY, f"：{busy}{UNDECIDED}")] if busy else []
    return render("stamps", export=None, warnings=[*_reasons(export, stale=stale), *named])


def of_site(exports: Sequence[Export], selftests: Mapping[str, Export], stale: Collection[str]) -> Markup:
    """Whether the numbers of the site may be quoted, their origin and age, and every reason not to quote some of them."""
    quotable = _verdict(standing(exports, selftests, stale), link=True)
    newest = max(exports, key=lambda export: export.build.finished_at)
    oldest = min(exports, key=lambda export: export.build.finished_at)
    builds = len({export.build.id for export in exports})
    found = [("", f"各实验的数字来自 {builds} 次测量，最早的测于 {when(oldest)}。")] if builds > 1 else []
    found += dict.fromkeys(text for one in exports for text in _doubts(one, stale=one.experiment in stale))
    found += [("", lacking)] if (lacking := _lacking(exports)) else []
    count = sum(len(_busy(one)) for one in exports)
    found += [(BUSY, f"：{count} 组{UNDECIDED}")] if count else []
    return provenance(newest, quotable) + render("stamps", export=None, warnings=found)


def _lacking(exports: Sequence[Export]) -> Markup:
    """How much was left out of all experiments, in a sentence; which groups, the certificate tells."""
    late, cut = (sum(len(found(one)) for one in exports) for found in (looks.unreached, _cut))
    large = sum(len(one.build.dropped) for one in exports) - late
    of_time = [f"{late} 组没有测"] * bool(late) + [f"{cut} 组里还分不出的没有接着测"] * bool(cut)
    parts = [f"时间预算不够：{'，'.join(of_time)}"] * bool(of_time)
    parts += [f"内存不够：{large} 组没有测"] * bool(large)
    return WHICH.format("；".join(parts)) if parts else NONE


def _reasons(export: Export, *, stale: bool) -> Iterator[Reason]:
    """Those of one experiment, with the names of what it lacks."""
    yield from _doubts(export, stale=stale)
    if cut := _cut(export):
        yield "", f"因时间预算，{len(cut)} 组里还分不出的设置没有接着测。"
    if dropped := export.build.dropped:
        yield "没有全测" if export.groups else "没有测", f"：{'；'.join(dropped)}。"


def _cut(export: Export) -> list[GroupSummary]:
    """Groups that the budget cut short; a draft is short by itself."""
    whole = export.build.profile not in DRAFT_PROFILES and export.build.complete
    return looks.cut(export) if whole else []


def _doubts(export: Export, *, stale: bool) -> Iterator[Reason]:
    build = export.build
    if build.profile == "smoke":
        yield "冒烟测试", "：极小的输入、一轮，只用来检查网站能不能建成，数字没有意义。"
    elif build.profile == "quick":
        yield "草稿", f"：快速档只测 {build.rounds} 轮、用小输入，不作快慢结论，数字不要引用。"
    elif not build.complete:
        yield "草稿", f"：还在测，到现在测了 {build.rounds} 轮，数字会变，不要引用。"
    if stale:
        yield "旧结果", "：测量之后代码、模型、ORT 或机器变了；这里只是预览。"


def _busy(export: Export) -> list[GroupSummary]:
    """Groups without verdicts because of disturbed rounds; a draft has none anyway."""
    if export.draft:
        return []
    return [group for group in export.groups if not group.verdicts and group.load.timed]


def machine(export: Export) -> Markup:
    """This machine and its software, a fact a row."""
    rows = [Row(title, [_fact(export.machine.get(name))]) for name, title in MACHINE_TITLES.items()]
    rows += [Row(name, [text or "没有安装"]) for name, text in export.software.items()]
    caption = Markup("<strong>测试机与软件</strong>；测于 {}").format(when(export))
    return table("machine", caption, (), rows, attributes={"class": "bench-machine"}, label="本机与软件")


def _fact(value: object) -> str:
    if value is None or value == "":
        return "没有或读不到"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return " ".join(str(item) for item in value) or "没有或读不到"
    return str(value)


def page(exports: Sequence[Export], selftests: Mapping[str, Export], stale: Collection[str]) -> Markup:
    """Everything that a build can say for itself."""
    parts = (
        _verdict(standing(exports, selftests, stale), link=False),
        render("builds", exports=exports, dropped=_dropped, profiles=PROFILES, when=when),
        looks.table(exports),
        _quiet(exports),
        *_selftests(exports, selftests),
        render("noise", exports=exports),
    )
    return NONE.join(parts)


def _verdict(found: Standing, *, link: bool) -> Markup:
    return render("quotable", found=found, words=WORDS[found.word], link=link)


def told(found: Standing) -> str:
    """For a terminal."""
    return f"这些数字{WORDS[found.word]}" + (f"：{'；'.join(found.reasons)}" if found.reasons else "")


def _dropped(export: Export) -> str:
    parts = [f"有一组没测：{reason}" for reason in export.build.dropped]
    if not export.build.complete:
        parts.append("还在测")
    elif cut := looks.cut(export):
        parts.append(f"因时间预算，{len(cut)} 组还分不出的没有接着测")
    if export.build.resumed:
        parts.append(f"中断过，接着做的，此前已有 {export.build.resumed} 个样本")
    return "；".join(parts) or "没有"


def _quiet(exports: Sequence[Export]) -> Markup:
    timed = [group for export in exports for group in export.groups if group.load.timed]
    names = ("dirty_rounds", "rounds", "repeated_rounds")
    dirty, rounds, repeated = (_of_blocks(exports, attrgetter(name)) for name in names)
    busy = sum(g.dirty_rounds > MAX_DIRTY_SHARE * g.rounds for g in timed)
    drafts = sum(export.draft for export in exports)
    slowed = _of_blocks(exports, lambda group: group.noise.throttled or 0)
    far = max((group.farthest_baseline_s for group in timed), default=0.0)
    parts = [
        f"给出数字的 {rounds} 轮里，有 {dirty} 轮被别的进程或宿主机打扰；因为机器忙，重测过 {repeated} 次。",
        _apart(exports),
        f"每个样本都与最近的默认样本比，两者最远隔了 {far:.1f} 秒。" if timed else "",
        f"{busy} 组受扰太多，不作快慢结论。" if busy else "",
        f"{drafts} 个实验只是草稿，本来就不作快慢结论。" if drafts else "",
        f"测量期间处理器因过热降频 {slowed} 次，绝对时间不可靠。" if slowed else "",
    ]
    word = "机器繁忙" if busy else "机器有时繁忙" if dirty else "机器安静"
    return render("quiet", dirty=dirty, far=far, word=word, told="".join(parts))


def _of_blocks(exports: Sequence[Export], count: Callable[[GroupSummary], int]) -> int:
    """Over all timed blocks: experiments share the rounds of a block, and the largest count covers the others."""
    timed = (one for one in looks.blocks(exports) if one.group.load.timed)
    return sum(max(count(group) for _, group in one.members) for one in timed)


def _apart(exports: Sequence[Export]) -> str:
    """Samples that met cores farther apart than usual."""
    retaken = _of_blocks(exports, lambda group: group.noise.retaken or 0)
    apart = _of_blocks(exports, lambda group: group.noise.apart or 0)
    if not retaken and not apart:
        return ""
    return f"虚拟机的核有时被挪到不同的缓存上，同样的推理就慢：因此重测过 {retaken} 个样本，还有 {apart} 个没有躲开。"


def _selftests(exports: Sequence[Export], selftests: Mapping[str, Export]) -> Iterator[Markup]:
    """The self-test of each build that is shown; one of another build vouches for nothing."""
    shown = Counter(export.build.id for export in exports)
    missing = sum(count for build, count in shown.items() if build not in selftests)
    if missing == sum(shown.values()):
        yield render("no_selftest", told="测量程序没有做自检：草稿档不做，用默认档测一次就有。")
    elif missing:
        yield render("no_selftest", told=f"{missing} 个实验所在的那次测量没有自检。")
    for build, count in shown.items():
        if build in selftests:
            of = f"，{count} 个实验来自这次测量" if len(shown) > 1 else ""
            export = selftests[build]
            yield render("selftest", export=export, checks=checks(export), marks=MARKS, when=when, of=of)

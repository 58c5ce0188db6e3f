"""The certificate of a build: on which machine, how noisy, how long, and does the harness see what is there."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from bench.pages import frames
from bench.pages.stamps import PROFILE_TITLES, when
from bench.results.trust import Standing, checks, standing
from bench.results.view import DRAFT_PROFILES, MAX_DIRTY_SHARE
from bench.spec import input_title

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from bench.results.published import Export, GroupSummary

WORDS = {"yes": "可以引用", "except": "可以引用，但有例外", "no": "不要引用"}
MARKS = {True: "✓", False: "✗", None: "—"}


def line(exports: Sequence[Export], selftests: Mapping[str, Export], stale: Collection[str]) -> str:
    """For other pages: whether these numbers may be quoted, and why not; links to the certificate."""
    link = '<a data-link="reference/certificate.html">构建证书</a>'
    return _verdict(standing(exports, selftests, stale), link)


def _verdict(found: Standing, link: str = "") -> str:
    why = (
        f"：{'；'.join(escape(reason) for reason in found.reasons)}"
        if found.reasons
        else "：机器安静，自检通过"
    )
    return (
        f'<p class="bench-quotable bench-quotable-{found.word}" data-quotable="{found.word}">'
        f"<strong>这些数字{WORDS[found.word]}</strong>{why}。{link}</p>"
    )


def page(exports: Sequence[Export], selftests: Mapping[str, Export], stale: Collection[str]) -> str:
    """Everything that a build can say for itself."""
    return "".join(
        (
            _verdict(standing(exports, selftests, stale)),
            _builds(exports),
            _quiet(exports),
            _selftests(exports, selftests),
            _groups(exports),
        )
    )


def _builds(exports: Sequence[Export]) -> str:
    rows = "".join(
        f'<tr data-experiment-build="{escape(one.experiment)}"><th scope="row">{escape(frames.experiment_title(one.experiment))}</th>'
        f"<td>{one.build.rounds} / {one.build.planned_rounds}</td><td>{_cost(one):.1f}</td>"
        f"<td>{escape(_dropped(one))}</td>"
        f"<td>{escape(PROFILE_TITLES[one.build.profile])}</td><td>{escape(when(one))}</td></tr>"
        for one in exports
    )
    return _table(
        "builds",
        "各实验的测量：做了几轮，用了多久，少测了什么",
        ("实验", "轮数（做了 / 计划）", "分钟", "少测的", "档位", "测完于"),
        rows,
    )


def _cost(export: Export) -> float:
    return sum(group.cost_s for group in export.groups) / 60


def _dropped(export: Export) -> str:
    parts = [f"有一组没测：{reason}" for reason in export.build.dropped]
    if export.build.rounds < export.build.planned_rounds:
        parts.append(f"因时间预算少 {export.build.planned_rounds - export.build.rounds} 轮")
    if export.build.resumed:
        parts.append(f"中断过，接着做的，此前已有 {export.build.resumed} 个样本")
    return "；".join(parts) or "没有"


def _quiet(exports: Sequence[Export]) -> str:
    timed = [group for export in exports for group in export.groups if not group.memory_only]
    dirty, rounds = sum(g.dirty_rounds for g in timed), sum(g.rounds for g in timed)
    repeated = sum(g.repeated_rounds for g in timed)
    busy = sum(_is_busy(g) for g in timed)
    word = "机器繁忙" if busy else "机器有时繁忙" if dirty else "机器安静"
    told = (
        f"给出数字的 {rounds} 轮里，有 {dirty} 轮被别的进程或宿主机打扰；因为机器忙，重测过 {repeated} 次。"
    )
    held = f"{busy} 组受扰太多，不作快慢结论。" if busy else ""
    drafts = sum(export.build.profile in DRAFT_PROFILES for export in exports)
    draft = f"{drafts} 个实验只是草稿，本来就不作快慢结论。" if drafts else ""
    slowed = sum(g.noise.throttled or 0 for g in timed)
    heat = f"测量期间处理器因过热降频 {slowed} 次，绝对时间不可靠。" if slowed else ""
    far = max((group.farthest_baseline_s for group in timed), default=0.0)
    near = f"每个样本都与最近的默认样本比，两者最远隔了 {far:.1f} 秒。" if timed else ""
    return (
        f'<p class="bench-quiet" data-dirty-rounds="{dirty}" data-farthest-s="{far!r}">'
        f"<strong>{word}</strong>：{told}{near}{held}{draft}{heat}</p>"
    )


def _is_busy(group: GroupSummary) -> bool:
    """Too many dirty rounds for verdicts, had it been meant to draw any."""
    return group.dirty_rounds > MAX_DIRTY_SHARE * group.rounds


def _selftests(exports: Sequence[Export], selftests: Mapping[str, Export]) -> str:
    """The self-test of each build that is shown; one of another build vouches for nothing."""
    shown = Counter(export.build.id for export in exports)
    found = [build for build in shown if build in selftests]
    if not found:
        return '<p class="bench-selftest">测量程序没有做自检：草稿档不做，用默认档测一次就有。</p>'
    missing = sum(shown[build] for build in shown if build not in selftests)
    lacking = f'<p class="bench-selftest">{missing} 个实验所在的那次测量没有自检。</p>' if missing else ""
    of = [f"，{shown[build]} 个实验来自这次测量" if len(shown) > 1 else "" for build in found]
    return lacking + "".join(
        _selftest(selftests[build], f"selftest-{build}", told) for build, told in zip(found, of, strict=True)
    )


def _selftest(export: Export, name: str, of: str) -> str:
    rows = "".join(
        f'<tr data-passed="{str(check.passed).lower()}"><th scope="row">{escape(check.title)}</th>'
        f"<td>{escape(check.expected)}</td><td>{escape(check.seen)}</td><td>{MARKS[check.passed]}</td></tr>"
        for check in checks(export)
    )
    caption = f"测量程序的自检：事先知道答案的事，它看不看得见。测于 {escape(when(export))}{of}"
    return _table(name, caption, ("量什么", "应当看到", "实际看到", "通过"), rows)


def _groups(exports: Sequence[Export]) -> str:
    rows = "".join(row for export in exports for row in _group_rows(export))
    return _table(
        "noise",
        "每一组的噪声：A/A 偏离是默认设置测两遍的区间离 1 最远的一端，不到 2% 的按 2% 算；占用、steal、空闲内存取各轮里最坏的；要选出推荐设置的实验，有一半轮次只用来选，不列在这里；“—”是本机读不到",
        (
            "实验与模型",
            "A/A 偏离",
            "受扰轮 / 轮数",
            "重测",
            "他人占 CPU",
            "steal",
            "等 CPU 的时间",
            "配额拦下",
            "降频次数",
            "频率（MHz）",
            "被抢占",
            "空闲内存（MiB）",
        ),
        rows,
    )


def _group_rows(export: Export) -> Iterator[str]:
    for group in export.groups:
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in _cells(group))
        mark = ' class="bench-noisy"' if group.noisy else ""
        yield (
            f'<tr data-group="{escape(export.experiment)}/{group.index}"{mark}><th scope="row">'
            f"{escape(frames.experiment_title(export.experiment))}<br><small>{escape(group.model_title)}，{escape(input_title(group.input))}</small></th>{cells}</tr>"
        )


def _cells(group: GroupSummary) -> tuple[str, ...]:
    seen = group.noise
    low, high = seen.frequency_low_mhz, seen.frequency_high_mhz
    clock = "—" if low is None or high is None else f"{low:.0f}" if low == high else f"{low:.0f}–{high:.0f}"
    return (
        "只看内存" if group.memory_only else f"{group.noise_floor:.1%}",
        f"{group.dirty_rounds} / {group.rounds}",
        str(group.repeated_rounds),
        _share(seen.others),
        _share(seen.steal),
        _share(seen.pressure),
        _share(seen.held_back),
        _count(seen.throttled),
        clock,
        _count(seen.involuntary_switches),
        _count(seen.available_mib),
    )


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"


def _count(value: int | None) -> str:
    return "—" if value is None else str(value)


def _table(name: str, caption: str, titles: Sequence[str], rows: str) -> str:
    table = f'<table class="bench-certificate" data-certificate="{name}">{frames.head(titles)}<tbody>{rows}</tbody></table>'
    return frames.figure(f"certificate-{name}", caption, frames.scrolled(table, caption))


def told(found: Standing) -> str:
    """For a terminal."""
    return f"这些数字{WORDS[found.word]}" + (f"：{'；'.join(found.reasons)}" if found.reasons else "")

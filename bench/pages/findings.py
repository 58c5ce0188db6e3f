"""All verdicts of a build in one table, and what they amount to."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from bench.facts.options import ARTICLE, FINDINGS, SECTIONS
from bench.pages import frames
from bench.pages.words import VERDICTS, Words, change, interval, memory
from bench.results import stats
from bench.results.verdicts import TIMES
from bench.spec import input_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.verdicts import Judged

METRICS = {
    "ratio": "延迟",
    "ratio_original": "延迟，对原文设置",
    "peak_mib": "峰值",
    "kept_mib": "留存",
    "kept_trimmed_mib": "trim 后留存",
}
COLUMNS = (
    ("设置与输入", False),
    ("比的是", False),
    ("结论", True),
    ("相差", True),
    ("实验", False),
)
"""Title, and whether its cells carry a number to sort by."""
FOLDED_ROWS = 25
"""A longer table shows so many rows, and the others on demand; also in docs/assets/tables.css."""
NONE = "这次没有可作结论的数字：是草稿，或者测量时机器繁忙。各组的数字仍在文章的表里。"


def summary(found: Sequence[Judged]) -> str:
    """How many comparisons, and how they ended."""
    if not found:
        return f"<p>{NONE}</p>"
    times = [one for one in found if one.row.metric in TIMES]
    sizes = [one for one in found if one.row.metric not in TIMES]
    parts = []
    if times:
        wrong = stats.expected_false_verdicts(len(times))
        with_article = sum(one.row.metric == "ratio_original" for one in times)
        of = (
            f"（与默认比 {len(times) - with_article} 次，与原文设置比 {with_article} 次）"
            if with_article
            else ""
        )
        parts.append(
            f"延迟作了 {len(times)} 次比较{of}：{_tally(times)}；就算其实全无差别，单看区间，平均也至多有 {wrong:.1f} 次碰巧不含 1"
        )
    if sizes:
        parts.append(f"内存作了 {len(sizes)} 次比较（峰值、留存、trim 后留存各算一次）：{_tally(sizes)}")
    return f"<p>{'；'.join(parts)}。</p>"


def _tally(found: Sequence[Judged]) -> str:
    counted = Counter(str(one.row.verdict) for one in found)
    return "，".join(f"{counted[name]} 次{text}" for name, text in VERDICTS.items() if counted[name])


def table(found: Sequence[Judged]) -> str:
    """A row a verdict, with the exact numbers for sorting."""
    if not found:
        return ""
    head = "".join(
        f'<th scope="col" data-sort="{"number" if number else "text"}">{title}</th>'
        for title, number in COLUMNS
    )
    body = "".join(_row(one) for one in found)
    folded = " bench-folded" if len(found) > FOLDED_ROWS else ""
    made = (
        f'<table class="bench-sortable bench-findings{folded}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    caption = "本次构建的全部结论；点列名可以排序，点结论看它的表"
    return frames.figure("findings", caption, frames.scrolled(made, "本次构建的全部结论"))


def _row(one: Judged) -> str:
    row, verdict = one.row, one.row.verdict or ""
    anchor = frames.slug(f"{row.experiment}-{row.model}-{row.input}")
    page = f"{ARTICLE}#{anchor}" if row.experiment in SECTIONS else FINDINGS
    where = f"{escape(one.group.model_title)}，{escape(input_title(row.input))}"
    return (
        f'<tr data-verdict="{verdict}"><th scope="row">{escape(Words(one.export).title(row.case))}'
        f"<small>{where}</small></th><td>{METRICS[row.metric]}</td>"
        f'<td data-value="{list(VERDICTS).index(verdict)}">'
        f'<a class="bench-verdict bench-{verdict}" data-link="{page}">{VERDICTS[verdict]}</a></td>'
        f'<td data-value="{one.ratio!r}">{difference(one)}{Words(one.export).mark(one.group, row.metric)}{_detail(one)}</td>'
        f"<td>{escape(frames.experiment_title(row.experiment))}</td></tr>"
    )


def difference(one: Judged) -> str:
    """How far a verdict lies from the default: `多 98%`."""
    low, high = (one.row.low, one.row.high) if one.row.metric in TIMES else (None, None)
    return change(one.ratio, low, high)


def _detail(one: Judged) -> str:
    """The interval of a ratio, or both figures of a memory."""
    row = one.row
    if row.metric not in TIMES:
        value = row.value or 0.0
        return f"<small>{memory(value)} 对 {memory(value / one.ratio)}</small>"
    return f"<small>{interval(row)} 倍</small>" if interval(row) else ""

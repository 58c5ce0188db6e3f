"""Results as HTML tables that a program can read back: exact values in `data-*`, noise-cut text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.pages import frames, marks
from bench.pages.words import MARK, VERDICTS, Words, interval, number
from bench.results import stats
from bench.results.metrics import METRICS
from bench.spec import CONTROL, Experiment, input_title

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.results.published import Export, GroupSummary, Row
    from bench.results.records import Case

UNPROVEN = {"nothing": "什么都没变", "unseen": "没见生效"}
TOLD = {
    *(name for name, metric in METRICS.items() if metric.kind == "memory"),
    "grown_mib_per_1000",
    "minor_faults",
    "threads",
}
"""Metrics that not every system tells."""


def group_table(experiment: Experiment, words: Words, group: GroupSummary, links: str = "") -> str:
    """The table of one group, with caption and footnotes, as a figure of its own."""
    export = words.export
    columns = [column for column in experiment.columns if _has(export, group, column.metric)]
    cases = [case for case in export.cases if any(_is(row, group, case.id) for row in export.rows)]
    axes = {
        column.metric: marks.axis(column.metric, [words.row(group, case.id, column.metric) for case in cases])
        for column in columns
    }
    titles = ("设置", *(f"{escape(column.title)}{_unit(column.unit)}" for column in columns))
    body = "".join(_case_row(words, group, case, axes) for case in cases)
    table = (
        f'<table class="bench-measured bench-sortable" data-experiment="{escape(experiment.id)}" '
        f'data-model="{escape(group.model)}" data-input="{escape(group.input)}">'
        f"{frames.head(titles, sort='number')}<tbody>{body}</tbody></table>"
    )
    return frames.figure(
        f"{experiment.id}-{group.model}-{group.input}",
        _caption(words, group),
        frames.scrolled(table, f"{experiment.title}：{group.model_title}，{input_title(group.input)}"),
        f"{_notes(experiment, words, group, cases)}{links}",
    )


def _case_row(words: Words, group: GroupSummary, case: Case, axes: Mapping[str, marks.Axis | None]) -> str:
    cells = "".join(
        _cell(words, group, metric, words.row(group, case.id, metric), axis) for metric, axis in axes.items()
    )
    return (
        f'<tr data-case="{escape(case.id)}"><th scope="row">{escape(case.title)}'
        f"<code>{escape(case.id).replace('_', '_<wbr>')}</code></th>{cells}</tr>"
    )


def _cell(words: Words, group: GroupSummary, metric: str, row: Row | None, axis: marks.Axis | None) -> str:
    if row is None:
        return f'<td data-metric="{metric}"><span class="bench-none" title="没有测这一项">—</span></td>'
    if row.value is None:
        reason = escape(row.failure or "")
        return f'<td data-metric="{metric}" data-failure="{reason}"><span class="bench-failed" title="{reason}">失败</span></td>'
    ends = "" if row.low is None or row.high is None else f' data-low="{row.low!r}" data-high="{row.high!r}"'
    verdict = f' data-verdict="{row.verdict}"' if row.verdict else ""
    range_text = f"<small>{interval(row)}</small>" if interval(row) else ""
    return (
        f'<td data-metric="{metric}" data-value="{row.value!r}"{ends}{verdict}>'
        f"{marks.number(number(row), row, axis)}{words.mark(group, metric)}{range_text}{_word(words, group, row)}</td>"
    )


def _word(words: Words, group: GroupSummary, row: Row) -> str:
    """The verdict; for a latency without one, why a setting that was looked for gives none."""
    if row.verdict is None:
        outcome = words.outcome(group, row.case) if row.metric == "ratio" else None
        return (
            f'<span class="bench-verdict bench-unseen">{UNPROVEN[outcome]}</span>'
            if outcome in UNPROVEN
            else ""
        )
    timed = row.metric not in METRICS or METRICS[row.metric].kind != "memory"
    text = words.rounds_needed(row, group) if row.verdict == "unclear" and timed else VERDICTS[row.verdict]
    return f'<span class="bench-verdict bench-{row.verdict}">{text}</span>'


def _caption(words: Words, group: GroupSummary) -> str:
    export = words.export
    build, gflop = export.build, group.flops / group.calls / 1e9
    calls = _how_it_ran(group) + (f"每轮依次推理 {group.calls} 种尺寸，" if group.calls > 1 else "")
    planned = (
        ""
        if build.rounds == build.planned_rounds or group.memory_only
        else f"（计划 {build.planned_rounds} 轮，因时间预算减少）"
    )
    note = f"；{escape(group.note)}" if group.note else ""
    return (
        f"<strong>{escape(group.model_title)}，输入 <code>{escape(input_title(group.input))}</code></strong>，{calls}{_flops(gflop)}；"
        f"{frames.origin(export, group.rounds)}{planned}{note}"
    )


def _how_it_ran(group: GroupSummary) -> str:
    cores = "" if group.cpu_share == 1 else f"进程限定在 {group.cpu_share:.0%} 的可用核上，"
    return cores + (f"{group.processes} 个进程同时运行，" if group.processes > 1 else "")


def _flops(gflop: float) -> str:
    """Three digits, without an exponent."""
    if gflop >= 100:
        return f"{gflop:.0f} GFLOP/次"
    return f"{gflop:.3g} GFLOP/次" if gflop >= 0.1 else f"{gflop * 1000:.3g} MFLOP/次"


def _unreadable(experiment: Experiment, export: Export, group: GroupSummary) -> list[str]:
    """Titles of columns that are not there because this system does not tell; not because nothing ran."""
    if not _has(export, group, "latency_ms"):
        return []
    return [c.title for c in experiment.columns if c.metric in TOLD and not _has(export, group, c.metric)]


def _notes(experiment: Experiment, words: Words, group: GroupSummary, cases: list[Case]) -> str:
    notes = []
    if group.memory_only:
        notes.append(f"这一组只看内存：只测了 {group.rounds} 轮，延迟列只作参考。")
    elif group.verdicts and group.noisy:
        notes.append(
            f"{MARK} 这一组噪声太大（默认设置测两遍，区间两端的最大偏离是 {group.noise_floor:.0%}），不作快慢结论，时间都不要引用。"
        )
    elif group.verdicts:
        compared = sum(1 for row in words.export.rows if _is(row, group) and _is_compared(row))
        expected = stats.expected_false_verdicts(compared)
        notes.append(
            f"“更快”“更慢”要求 95% 区间不含 1，且偏离超过 {group.noise_floor * 100:.1f}%"
            f"（默认设置测两遍，区间两端的最大偏离；至少 {stats.MIN_EFFECT:.0%}）；“没有差别”要求整个区间在 1 的 ±{stats.SAME_MARGIN:.0%} 之内。"
            f"作了 {compared} 次比较；就算其实全无差别，单看区间，平均也至多有 {expected:.1f} 次碰巧不含 1。"
        )
        if group.control_excludes_one:
            notes.append("默认设置测两遍的区间也不含 1：本组的噪声比区间显示的大。")
    elif not words.draft:
        notes.append(f"测量时机器繁忙（{group.rounds} 轮中 {group.dirty_rounds} 轮受扰），本组不作快慢结论。")
    if unreadable := _unreadable(experiment, words.export, group):
        notes.append(f"本机读不到：{'、'.join(unreadable)}（要靠 Linux 的 /proc 和 glibc）。")
    notes.append(f"测这一组用了 {group.cost_s / 60:.1f} 分钟。")
    if group.repeated_rounds:
        notes.append(f"因机器繁忙重测过 {group.repeated_rounds} 次。")
    failed = [
        (case, row.failure)
        for case in cases
        if (row := words.row(group, case.id, "latency_ms")) and row.failure
    ]
    now_and_then = [
        (case, row)
        for case in cases
        if (row := words.row(group, case.id, "latency_ms")) and row.failed_rounds
    ]
    notes += [
        f"<code>{escape(case.id)}</code>：{group.rounds} 轮里有 {row.failed_rounds} 轮失败，数字来自其余的。"
        for case, row in now_and_then
        if row.value is not None
    ]
    notes += [f"<code>{escape(case.id)}</code> 失败：{escape(reason or '')}。" for case, reason in failed]
    return f'<p class="bench-notes">{"".join(notes)}</p>' if notes else ""


def proofs_table(experiment: Experiment, words: Words, links: str = "") -> str:
    """What showed that each option took effect, and whether outputs stayed the same."""
    rows = "".join(
        f'<tr data-case="{escape(case.id)}"><th scope="row">{escape(case.title)}</th>'
        f"<td>{_settings(words, case.id)}</td><td>{_evidence(words, case.id)}</td>"
        f"<td>{_outputs(words, case.id)}</td></tr>"
        for case in words.export.cases
        if any(proof.case == case.id for proof in words.export.proofs)
    )
    heads = ("设置", "写法", "观察到的证据", "输出与默认相比")
    table = f'<table class="bench-proofs">{frames.head(heads)}<tbody>{rows}</tbody></table>'
    caption = f"<strong>设置是否真的生效，输出是否改变</strong>；{frames.origin(words.export)}"
    label = f"{experiment.title}：设置是否生效"
    return frames.figure(f"{experiment.id}-proofs", caption, frames.scrolled(table, label), links)


def _evidence(words: Words, case: str) -> str:
    """What was seen, on each model where the case was observed."""
    found = [proof for proof in words.export.proofs if proof.case == case]
    several = len({proof.model for proof in found}) > 1
    return "<br>".join(
        f'<span data-outcome="{proof.outcome or ""}">{MARKS[proof.outcome]}'
        f"{escape(frames.model_title(words.export, proof.model)) + '：' if several else ''}{escape(proof.evidence)}</span>"
        for proof in found
    )


def _settings(words: Words, case_id: str) -> str:
    case = next(case for case in words.export.cases if case.id == case_id)
    parts = [f"{name}={value!r}" for name, value in {**case.settings, **case.run_settings}.items()]
    parts += [f"OrtArenaCfg({dict(case.shared_arena)!r})"] if case.shared_arena else []
    parts += [f"{name}={value}" for name, value in case.env.items()]
    parts += [f"先保存：{name}={value!r}" for name, value in case.saved_by.items()]
    return "<br>".join(frames.code(part) for part in parts) or "—"


MARKS = {"effect": "✓ ", "nothing": "＝ 什么都没变：", "unseen": "✗ 没有观察到：", None: ""}


def _outputs(words: Words, case: str) -> str:
    rows = [row for row in words.export.outputs if row.case == case]
    if not rows:
        return "—"
    if all(row.identical for row in rows):
        return "逐位相同"
    return f"最大相对差 {max(row.difference for row in rows):.1e}"


def _has(export: Export, group: GroupSummary, metric: str) -> bool:
    return any(_is(row, group) and row.metric == metric and row.value is not None for row in export.rows)


def _is(row: Row, group: GroupSummary, case: str | None = None) -> bool:
    return (row.model, row.input) == (group.model, group.input) and case in (None, row.case)


def _is_compared(row: Row) -> bool:
    """A latency ratio that was judged; the A/A row is not a question."""
    return row.metric in ("ratio", "ratio_original") and row.verdict is not None and row.case != CONTROL


def _unit(unit: str) -> str:
    return f" <small>{escape(unit)}</small>" if unit else ""

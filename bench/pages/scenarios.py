"""The settings that won a scenario on this machine, with the evidence."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.pages import frames
from bench.pages.words import Words, memory
from bench.results.choice import RESAMPLES
from bench.results.view import ORIGINAL
from bench.spec import BASELINE, input_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.results.published import CandidateRow, Choice, Export, GroupSummary
    from bench.results.schema import CaseRecord
    from bench.spec import Scenario

MINIMISED = {
    "ratio": "延迟",
    "peak_mib": "峰值内存",
    "kept_mib": "留存内存",
    "cpu_s": "每次推理的 CPU 时间",
}


def choice(export: Export, scenario: Scenario) -> Choice:
    return next(one for one in export.choices if one.scenario == scenario.id)


def winner(export: Export, scenario: Scenario) -> CaseRecord:
    won = choice(export, scenario).winner
    return next(case for case in export.cases if case.id == won)


def card(export: Export, scenario: Scenario) -> str:
    """What won, on what evidence, when to use it and when not, and how the others did."""
    words = Words(export)
    chosen, won = choice(export, scenario), winner(export, scenario)
    items = "".join(f"<li>{line}</li>" for line in _evidence(words, _groups(words, scenario), won.id))
    evidence = f"<ul>{items}</ul>" if items else ""
    return (
        f'<p class="bench-winner" data-scenario="{escape(scenario.id)}" data-winner="{escape(won.id)}">'
        f"{_outcome(words, scenario, chosen)}</p>{evidence}"
        f"<p><strong>适合</strong>：{escape(scenario.use)}<br><strong>不适合</strong>：{escape(scenario.avoid)}</p>"
        f"{_candidates(words, scenario, chosen)}"
    )


def _outcome(words: Words, scenario: Scenario, chosen: Choice) -> str:
    title = f"<strong>{escape(words.title(chosen.winner))}</strong>"
    left_out = (
        f"快慢没有算进去（噪声太大）：{escape('、'.join(chosen.left_out))}。" if chosen.left_out else ""
    )
    if chosen.reason:
        known = len(chosen.left_out) < len(_groups(words, scenario))
        fallback = next((row.refused for row in chosen.candidates if known and row.case == chosen.winner), "")
        unfit = f"它自己也不合条件（{escape(fallback)}），只是没有更好的依据。" if fallback else ""
        return f"这次没有选出更好的：{escape(chosen.reason)}，先用{title}。{unfit}{left_out}"
    fit = [row.case for row in chosen.candidates if row.able]
    alone = "，候选里只有它满足全部条件" if fit == [chosen.winner] else ""
    unstable = (
        "" if chosen.stable else f"换一批轮次，会选出不同的几套，这里取其中最简单的（{_votes(chosen)}）。"
    )
    return f"测试机上选出：{title}{alone}。{unstable}{left_out}"


def answer(export: Export, scenario: Scenario) -> str:
    """What to set for those who read no further, with a link to its code on the same page."""
    link = f'<a href="#set-{escape(scenario.id)}">{escape(scenario.title)}</a>'
    return f"不知道选哪套，就从“{link}”开始。{_outcome(Words(export), scenario, choice(export, scenario))}"


def one_line(export: Export, scenario: Scenario) -> str:
    """The winner and its evidence for the home page: a line for the first group of each way that processes ran.

    Several such lines leave memory to the page with all the evidence.
    """
    words = Words(export)
    firsts: dict[str, GroupSummary] = {}
    for group in _groups(words, scenario):
        if group.noisy and not words.draft:
            continue
        firsts.setdefault(_setting(group), group)
    evidence = _evidence(words, firsts.values(), winner(export, scenario).id, brief=len(firsts) > 1)
    return "<br>".join([_outcome(words, scenario, choice(export, scenario)), *evidence])


def _evidence(
    words: Words, groups: Iterable[GroupSummary], case: str, *, brief: bool = False
) -> Iterator[str]:
    """One sentence a group: time against the default and the article's settings, then memory."""
    for group in groups:
        parts = [
            _time(words, group, case, other, metric)
            for other, metric in ((BASELINE, "ratio"), (ORIGINAL, "ratio_original"))
            if case != other
        ]
        parts += _cores(words, group, case)
        if not brief:
            parts.append(_memory(words, group, case, "peak_mib", "峰值"))
            parts.append(_memory(words, group, case, "kept_mib", "留存"))
        yield f"{escape(group.model_title)}（{escape(input_title(group.input))}{_setting(group)}）：{'；'.join(parts)}。"


def _time(words: Words, group: GroupSummary, case: str, other: str, metric: str) -> str:
    name = {BASELINE: "默认", ORIGINAL: "原文设置"}[other]
    ran, other_ran = (words.value(group, one, "latency_ms") is not None for one in (case, other))
    if ran and words.value(group, case, metric) is None:
        return f"与{name}无从比较" if other_ran else f"{name}没有测成，无从比较"
    return f"与{name}比{words.speed(group, case, metric)}" if ran else words.speed(group, case)


def _cores(words: Words, group: GroupSummary, case: str) -> list[str]:
    """Cores in use, where they are not all one's own: who takes more than his share is fast at others' cost."""
    own, base = (words.value(group, one, "cores_used") for one in (case, BASELINE))
    if own is None or (group.cpu_share == 1 and group.processes == 1):
        return []
    compared = f"（默认 {base:.1f} 个）" if base is not None and case != BASELINE else ""
    return [f"平均用到 {own:.1f} 个核{compared}"]


def _setting(group: GroupSummary) -> str:
    if group.processes > 1:
        return f"，{group.processes} 个进程同时跑"
    return "，只给一半的核" if group.cpu_share < 1 else ""


def _groups(words: Words, scenario: Scenario) -> list[GroupSummary]:
    return [group for group in words.groups() if group.index in scenario.groups]


def _memory(words: Words, group: GroupSummary, case: str, metric: str, title: str) -> str:
    own, base, article = (words.value(group, name, metric) for name in (case, BASELINE, ORIGINAL))
    if own is None:
        ran = words.value(group, case, "latency_ms") is not None
        return f"{title}{'读不到' if ran else '没有测成'}"
    others = [
        ("默认", base if case != BASELINE else None),
        ("原文设置", article if case != ORIGINAL else None),
    ]
    compared = "，".join(f"{name} {memory(value)}" for name, value in others if value is not None)
    return f"{title} {memory(own)}（{compared}）" if compared else f"{title} {memory(own)}"


def _candidates(words: Words, scenario: Scenario, chosen: Choice) -> str:
    """How every candidate did on the rounds that chose."""
    limits = "；".join(escape(limit.text) for limit in scenario.limits)
    wanted = f"{MINIMISED[scenario.minimise]}最小的"
    rule = f"满足下列条件的候选里，取{wanted}：{limits}" if limits else f"取{wanted}，没有别的条件"
    rows = "".join(
        f'<tr data-case="{escape(row.case)}"><th scope="row">{escape(words.title(row.case))}</th>'
        f"<td>{'—' if row.score is None or chosen.reason else f'{row.score:.3f}'}</td>"
        f"<td>{_result(chosen, row)}</td></tr>"
        for row in chosen.candidates
    )
    heads = ("候选", f"{MINIMISED[scenario.minimise]}（对默认的倍数）", "结果")
    table = f'<table class="bench-candidates">{frames.head(heads)}<tbody>{rows}</tbody></table>'
    held = "，选出的那一套在那里也满足这些条件" if limits else ""
    half = (
        "这次没有据此选。"
        if chosen.reason
        else f"用 {chosen.rounds} 轮来选，上面的证据来自另外的轮次{held}；"
        f"分不出高下时，排在前面的、更简单的胜出。把选的轮次{_votes(chosen)}。"
    )
    return (
        f"<details><summary>怎么选的：{rule}</summary>"
        f"{frames.scrolled(table, f'{scenario.title}的候选')}"
        f"<p>{half}</p></details>"
    )


def _votes(chosen: Choice) -> str:
    return f"重抽 {RESAMPLES} 次，{round((chosen.vote or 0) * RESAMPLES)} 次选中它"


def _result(chosen: Choice, row: CandidateRow) -> str:
    """Why a candidate was refused, or what became of it; nothing where nothing was chosen."""
    if row.refused or chosen.reason:
        return escape(row.refused) or "—"
    return "胜出" if row.case == chosen.winner else "合格"

"""The settings that won a scenario on this machine, with the evidence."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.pages.words import Words, memory
from bench.results.view import ORIGINAL
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.answers import Scenario
    from bench.results.schema import CaseRecord, Choice, Export, GroupSummary

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
    evidence = "".join(f"<li>{line}</li>" for line in _evidence(words, scenario, won.id))
    return (
        f'<p class="bench-winner" data-scenario="{escape(scenario.id)}" data-winner="{escape(won.id)}">'
        f"{_outcome(chosen, won)}</p><ul>{evidence}</ul>"
        f"<p><strong>适合</strong>：{escape(scenario.use)}<br><strong>不适合</strong>：{escape(scenario.avoid)}</p>"
        f"{_candidates(words, scenario, chosen)}"
    )


def _outcome(chosen: Choice, won: CaseRecord) -> str:
    if chosen.reason:
        return f"这次没有选出更好的：{escape(chosen.reason)}，先用<strong>{escape(won.title)}</strong>。"
    return f"本机胜出的是<strong>{escape(won.title)}</strong>。"


def one_line(export: Export, scenario: Scenario) -> str:
    """The winner and its first piece of evidence, for the home page."""
    chosen, won = choice(export, scenario), winner(export, scenario)
    first = next(_evidence(Words(export), scenario, won.id), "")
    return f"{_outcome(chosen, won)}{first}"


def _evidence(words: Words, scenario: Scenario, case: str) -> Iterator[str]:
    """One sentence a group: time against the default and the article's settings, then memory."""
    for group in _groups(words, scenario):
        parts = [] if case == BASELINE else [f"与默认比{words.speed(group, case)}"]
        if case != ORIGINAL:
            parts.append(f"与原文设置比{words.speed(group, case, 'ratio_original')}")
        parts += [
            _memory(words, group, case, "peak_mib", "峰值"),
            _memory(words, group, case, "kept_mib", "留存"),
        ]
        yield f"{escape(group.model_title)}（{escape(group.input)}{_setting(group)}）：{'；'.join(parts)}。"


def _setting(group: GroupSummary) -> str:
    if group.processes > 1:
        return f"，{group.processes} 个进程同时跑"
    return "，只给一半的核" if group.cpu_share < 1 else ""


def _groups(words: Words, scenario: Scenario) -> list[GroupSummary]:
    return [group for group in words.groups() if group.index in scenario.groups]


def _memory(words: Words, group: GroupSummary, case: str, metric: str, title: str) -> str:
    own, base, article = (words.value(group, name, metric) for name in (case, BASELINE, ORIGINAL))
    if own is None:
        return f"{title}读不到"
    others = [("默认", base if case != BASELINE else None), ("原文", article if case != ORIGINAL else None)]
    compared = "，".join(f"{name} {memory(value)}" for name, value in others if value is not None)
    return f"{title} {memory(own)}（{compared}）"


def _candidates(words: Words, scenario: Scenario, chosen: Choice) -> str:
    """How every candidate did on the rounds that chose."""
    limits = "；".join(escape(limit.text) for limit in scenario.limits) or "没有"
    rows = "".join(
        f'<tr data-case="{escape(row.case)}"><th scope="row">{escape(words.title(row.case))}</th>'
        f"<td>{'—' if row.score is None else f'{row.score:.3f}'}</td>"
        f"<td>{escape(row.refused) or ('胜出' if row.case == chosen.winner and not chosen.reason else '合格')}</td></tr>"
        for row in chosen.candidates
    )
    return (
        f"<details><summary>怎么选的：{MINIMISED[scenario.minimise]}最小，条件：{limits}</summary>"
        f'<div class="bench-table"><table><thead><tr><th scope="col">候选</th>'
        f'<th scope="col">{MINIMISED[scenario.minimise]}（对默认的倍数）</th><th scope="col">结果</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f"<p>用 {chosen.rounds} 轮来选，上面的证据来自另外的轮次；分不出高下时，排在前面的、更简单的胜出。</p></details>"
    )

"""The decision helper: a few answers lead to one of the scenarios.

The rules stand once, as the rows of a table that every browser shows; the script reads them from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS
from bench.pages import frames

if TYPE_CHECKING:
    from collections.abc import Mapping

QUESTIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "need": ("最看重什么", {"unsure": "还不知道", "latency": "延迟", "memory": "内存", "throughput": "吞吐"}),
    "sizes": ("输入尺寸", {"fixed": "固定", "changing": "多变"}),
    "place": ("在哪里跑", {"alone": "独占一台机器", "shared": "容器，或几个进程"}),
}
"""Name of a question -> its title and answers; the first answer is the one that stands there at the start."""
ANY = "不限"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Answers that lead to a scenario; a question that is left out does not matter."""

    scenario: str
    answers: Mapping[str, str]
    note: str = ""


RULES = (
    Rule(scenario="container", answers={"place": "shared"}),
    Rule(
        scenario="container",
        answers={"need": "throughput"},
        note="吞吐没有单独测：几个进程同时跑，是最接近的一组",
    ),
    Rule(scenario="latency", answers={"need": "latency"}),
    Rule(scenario="shapes", answers={"sizes": "changing"}),
    Rule(scenario="memory", answers={"need": "memory"}),
    Rule(scenario="general", answers={}),
)
"""The first that fits decides."""


def scenario_for(answers: Mapping[str, str]) -> str:
    """The scenario that a reader with these answers is led to."""
    return next(rule.scenario for rule in RULES if rule.answers.items() <= answers.items())


def chooser() -> str:
    """The questions as a form, which only a script can bring to life, and the rules as a table."""
    fields = "".join(_field(name, title, answers) for name, (title, answers) in QUESTIONS.items())
    return (
        f'<form class="bench-chooser" hidden aria-label="选一套设置">{fields}'
        '<p class="bench-chosen" role="status" aria-live="polite"></p></form>'
        f'<details class="bench-rules" open><summary>按情形找</summary>{_table()}</details>'
    )


def _field(name: str, title: str, answers: Mapping[str, str]) -> str:
    options = "".join(
        f'<label><input type="radio" name="{name}" value="{value}"{" checked" if n == 0 else ""}>'
        f"<span>{text}</span></label>"
        for n, (value, text) in enumerate(answers.items())
    )
    return f"<fieldset><legend>{title}</legend>{options}</fieldset>"


def _table() -> str:
    titles = {one.id: one.title for spec in EXPERIMENTS.values() for one in spec.scenarios}
    head = "".join(f'<th scope="col">{title}</th>' for title, _ in QUESTIONS.values())
    body = "".join(
        f'<tr data-scenario-for="{rule.scenario}"{_data(rule)}>'
        + "".join(f"<td>{_answer(rule, name)}</td>" for name in QUESTIONS)
        + f'<td><a href="#set-{rule.scenario}">{escape(titles[rule.scenario])}</a>'
        + (f"<small>{escape(rule.note)}</small>" if rule.note else "")
        + "</td></tr>"
        for rule in RULES
    )
    table = f'<table><thead><tr>{head}<th scope="col">用这一套</th></tr></thead><tbody>{body}</tbody></table>'
    return f"<p>从上往下，第一行符合的就是：</p>{frames.scrolled(table, '按情形找')}"


def _data(rule: Rule) -> str:
    return "".join(f' data-{name}="{value}"' for name, value in rule.answers.items())


def _answer(rule: Rule, name: str) -> str:
    value = rule.answers.get(name)
    return QUESTIONS[name][1][value] if value else ANY

"""A few answers that lead to a scenario.

Their rules stand once, as the rows of a table that every browser shows; the script reads them from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.experiments import EXPERIMENTS
from bench.pages.markup import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

QUESTIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "need": ("最看重什么", {"unsure": "还不知道", "latency": "延迟", "memory": "内存"}),
    "calls": ("请求怎么来", {"one_by_one": "一个接一个", "rare": "隔一会儿一个"}),
    "sizes": ("输入尺寸", {"fixed": "固定", "changing": "多变"}),
    "place": ("在哪里跑", {"alone": "独占一台机器", "shared": "容器，或几个进程"}),
}
"""Name of a question -> its title and answers; the first answer is the one that stands there at the start."""


class Rule(NamedTuple):
    """Answers that lead to a scenario; a question that is left out does not matter."""

    scenario: str
    answers: Mapping[str, str]


RULES = (
    Rule("container", {"place": "shared"}),
    Rule("service", {"calls": "rare"}),
    Rule("latency", {"need": "latency"}),
    Rule("shapes", {"sizes": "changing"}),
    Rule("memory", {"need": "memory"}),
    Rule("general", {}),
)
"""The first that fits decides."""


def scenario_for(answers: Mapping[str, str]) -> str:
    """The scenario that a reader with these answers is led to."""
    return next(rule.scenario for rule in RULES if rule.answers.items() <= answers.items())


def titles() -> dict[str, str]:
    """Scenario -> its title."""
    return {one.id: one.title for experiment in EXPERIMENTS.values() for one in experiment.scenarios}


def form() -> Markup:
    """The questions as a form, which only a script can bring to life, and the rules as a table."""
    return render("chooser", questions=QUESTIONS, rules=RULES, titles=titles())

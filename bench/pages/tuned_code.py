"""`settings.py` of a tuning result: what was found, as code that a reader imports, runs, and measures again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

from bench.pages import snippets
from bench.pages.markup import ENVIRONMENT
from bench.spec import BASELINE
from bench.system import harmless
from bench.system.ages import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.results.tuned import Goal, Tuned
    from bench.spec import Case

NEEDS: Mapping[Goal, str] = {
    "latency": "求快",
    "peak": "推理途中内存少",
    "kept": "做完后内存少",
    "cpu": "省 CPU",
}
"""In the words of readers, the most asked for first: its settings are `session()`."""
AT_START = ("GLIBC_", "LD_", "MALLOC_")
"""Beginnings of the names of variables that are read when a process starts, before Python runs."""
ENOUGH_MS, LEAST_PASSES = 500, 4
"""Of a process that compares settings again, and calls back to back; the first pass does not count."""
CODE = Environment(
    loader=ENVIRONMENT.loader,
    autoescape=False,  # noqa: S701 - it is Python: what is printed into it is a literal or part of a comment
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A setting as a function that opens a session."""

    name: str
    case: Case
    goals: tuple[Goal, ...]
    """Needs that it is advised for."""

    @property
    def run_options(self) -> str:
        """Name of the constant that every call is given; empty: none."""
        return self.name.replace("session", "RUN_OPTIONS").upper() if self.case.run_settings else ""

    @property
    def title(self) -> str:
        """Of one line, for a comment."""
        return harmless.text(f"{'、'.join(NEEDS[goal] for goal in self.goals)}：{self.case.title}")


def opened(tuned: Tuned) -> list[Opened]:
    """What is advised and differs from the default, each once."""
    cases = {case.id: case for case in tuned.confirmation.cases} if tuned.confirmation else {}
    goals: dict[str, list[Goal]] = {}
    for need in NEEDS:
        for one in tuned.advice:
            if one.goal == need and one.case != BASELINE:
                goals.setdefault(one.case, []).append(need)
    names = (
        "session" if not place else f"session_for_{needs[0]}" for place, needs in enumerate(goals.values())
    )
    return [Opened(name, cases[case], tuple(goals[case])) for name, case in zip(names, goals, strict=True)]


def settings_py(tuned: Tuned, model: Path) -> str:
    """A whole file. `model`: where it lies, for the constant at its top."""
    found, load = opened(tuned), tuned.screening.groups[0].load
    environment = found[0].case.place.env if found else {}
    variables = sorted({name for one in found for name in one.case.place.env})
    return CODE.get_template("tuned_settings.py.j2").render(
        model=str(model),
        found=found,
        needs=[goal for one in found for goal in one.goals],
        early={name: value for name, value in environment.items() if not name.startswith(AT_START)},
        variables=variables,
        conditions=tuned.conditions,
        load=load,
        passes=f"{load.calls + 1}" if load.gap_ms else f"{LEAST_PASSES} or sum(spent) < {ENOUGH_MS}",
        since=max((snippets.since(one.case) for one in found), default=snippets.OLDEST),
        date=in_words(datetime.fromisoformat(tuned.finished_at)),
        version=tuned.checks.software.get("onnxruntime", ""),
        quoted=snippets.quoted,
        setting=snippets.setting,
        in_shell=snippets.in_shell,
        literal=_literal,
    )


def _literal(texts: Mapping[str, str]) -> str:
    pairs = (f"{snippets.quoted(name)}: {snippets.quoted(value)}" for name, value in texts.items())
    return f"{{{', '.join(pairs)}}}"

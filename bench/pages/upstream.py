"""The page with what other projects could mend: what it is, whether it is still there, in which versions, what helps."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from bench.facts.upstream import STATES, faults, state
from bench.pages import source
from bench.pages.markup import render, script
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from bench.results.published import Export

EXPERIMENT = "upstream"
THERE = STATES["STILL THERE"]


def table() -> Markup:
    """Every fault with its state here, where it was tried."""
    export = None if EXPERIMENT not in source.status() else source.load(EXPERIMENT)
    rows = [(fault, *(_tried(export, fault.id) if export else ("", "", ""))) for fault in faults()]
    return render("upstream", rows=rows, script=script)


def _tried(export: Export, fault: str) -> tuple[str, str, str]:
    """(state here, the line that the script printed, versions that have it)."""
    lines = {report.case: report.lines[fault][0] for report in export.reports if report.lines.get(fault)}
    titles = {case.id: case.title for case in export.cases}
    titles[BASELINE] = export.software.get("onnxruntime") or titles[BASELINE]
    older = [case for case in titles if case in lines and case != BASELINE]
    order = [*older, *([BASELINE] if BASELINE in lines else [])]
    line = lines.get(BASELINE, "")
    return state(line), line, spans([(titles[case], state(lines[case])) for case in order])


def spans(states: Sequence[tuple[str, str]]) -> str:
    """Neighbours among the versions that have it, as ranges: `1.30.0–1.32.0`; empty where none has, or none shows."""
    if all(said != THERE for _, said in states):
        return ""
    found = []
    for there, group in groupby(states, lambda one: one[1] == THERE):
        names = [version for version, _ in group]
        if there:
            found.append(names[0] if len(names) == 1 else f"{names[0]}–{names[-1]}")
    return "、".join(found)

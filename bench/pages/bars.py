"""A few settings side by side: a bar a case, of its time, or of its memory at the most and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.pages import measured
from bench.pages.compact import chosen
from bench.pages.markup import render
from bench.pages.words import Words
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from bench.pages.measured import MeasuredCase, MeasuredGroup
    from bench.results.published import Export

LENGTHS = {"time": "latency_ms", "memory": "peak_mib"}
"""What is drawn -> the metric that decides how long a bar is, the longest over the whole width."""


def figure(export: Export, wanted: Sequence[str], index: int, drawn: str) -> Markup:
    """Bars of one group, in the order in which cases are asked for; a group that was not measured has none."""
    metric = LENGTHS[drawn]
    found = [one for one in measured.groups(Words(export)) if one.group.index == index]
    cases = [case for group in found for case in chosen(group, wanted) if case[metric].known]
    longest = max((case[metric].value or 0.0 for case in cases), default=0.0)
    return render(
        f"bars_{drawn}", experiment=export.experiment, cases=cases, group=found[0] if found else None,
        longest=longest or 1.0, compared=_compared(export, found, cases),
    )  # fmt: skip


def _compared(export: Export, groups: Sequence[MeasuredGroup], cases: Sequence[MeasuredCase]) -> bool:
    """Whether the outputs of every case were held against the default's; other ones are a failure."""
    told = {row.case for row in export.outputs for group in groups if row.input == group.group.input}
    return all(case.id in told for case in cases if case.id != BASELINE)

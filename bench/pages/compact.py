"""A few settings and a few figures of each: the table that a busy reader takes in. All else stands on the evidence page."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from bench.experiments import EXPERIMENTS
from bench.pages import looks, measured
from bench.pages.markup import render
from bench.pages.numbers import MIB_PER_GIB, distance
from bench.pages.words import Words
from bench.results.metrics import METRICS
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.pages.measured import MeasuredCase, MeasuredGroup
    from bench.results.published import Export

USUAL = ("latency_ms", "peak_mib", "kept_mib")
"""Columns where none are asked for."""
COMPARED = ("item_ms", "calls_per_s")
"""Times that are there to be compared: of a group that was only looked at for memory, nobody may."""
NOTHING = {"nothing": "什么都没变", "unseen": "没见生效"}
"""Outcome of looking for a setting -> why no time is told."""
MANY = 100
"""From here on figures have no digits behind the point."""


@dataclass(frozen=True, slots=True)
class Column:
    """A metric, in one unit from top to bottom."""

    metric: str
    unit: str
    scale: float

    @property
    def title(self) -> str:
        return METRICS[self.metric].title

    def cell(self, case: MeasuredCase) -> Cell:
        quantity = case[self.metric]
        if self.metric == "latency_ms":
            return _time(case)
        if quantity.value is None or (self.metric in COMPARED and case.group.load.timed is False):
            return Cell(Markup("—"))
        if METRICS[self.metric].kind == "memory":
            digits = 0 if self.scale == 1 else 2
            text = f"{quantity.value / self.scale:,.{digits}f}"
            return Cell(escape(text), quantity.verdict or "")
        value = quantity.value
        figure = f"{value:,.0f}" if abs(value) >= MANY or value == int(value) else f"{value:.3g}"
        return Cell(Markup("{}{}").format(figure, quantity.mark))


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands there, and the verdict that colours it."""

    text: Markup
    verdict: str = ""


def _time(case: MeasuredCase) -> Cell:
    """The default's in milliseconds, the others' by how much they differ from it; `约` where nothing was judged."""
    if case.group.load.timed is False:
        return Cell(Markup("—"))
    if case.id == BASELINE:
        return Cell(case["latency_ms"].brief)
    ratio = case["ratio"]
    if (nothing := NOTHING.get(case.outcome or "")) and not ratio.mark:
        return Cell(escape(nothing))
    if ratio.value is None or ratio.decided:
        return Cell(ratio.short, ratio.verdict or "")
    apart = distance(ratio.value)
    near = apart.startswith("相差")
    if ratio.verdict == "unclear":
        return Cell(escape("分不出" if near else f"分不出（{apart}）"))
    return Cell(Markup("{}{}{}").format("" if near else "约", apart, ratio.mark))


def table(export: Export, wanted: Sequence[str], metrics: Sequence[str], indices: Sequence[int]) -> Markup:
    """Cases by id or pattern (`parallel_*`), metrics by id, groups by their place in the experiment; empty: all.

    What this build lacks has no row; a table without rows says so.
    """
    groups = [one for one in measured.groups(Words(export)) if not indices or one.group.index in indices]
    rows = [(group, chosen(group, wanted)) for group in groups]
    cases = [case for _, found in rows for case in found]
    columns = [_column(metric, cases) for metric in metrics if any(case[metric].known for case in cases)]
    return render(
        "compact", experiment=export.experiment, columns=columns, groups=rows,
        out_of_time=not groups and _out_of_time(export, indices),
    )  # fmt: skip


def _out_of_time(export: Export, indices: Sequence[int]) -> bool:
    """Whether the budget did not reach one of these groups; empty: any."""
    every = enumerate(EXPERIMENTS[export.experiment].groups)
    asked = {group.model for place, group in every if not indices or place in indices}
    return any(model in asked for model, _ in looks.unreached(export))


def quiet(export: Export, most: int) -> list[int]:
    """Places of so many groups at the most, those first whose times may be quoted; in their own order."""
    by_noise = sorted(export.groups, key=lambda group: group.noisy)  # stable: in their order otherwise
    return sorted(group.index for group in by_noise[:most])


def chosen(group: MeasuredGroup, wanted: Sequence[str]) -> list[MeasuredCase]:
    """Cases of a group by id or pattern, in that order; empty: all but the default's second name."""
    if not wanted:
        return [case for case in group.cases if case.id != CONTROL]
    return [case for one in wanted for case in group.cases if fnmatchcase(case.id, one)]


def _column(metric: str, cases: Sequence[MeasuredCase]) -> Column:
    """GiB as soon as one figure has that many."""
    kind = METRICS[metric]
    if kind.kind != "memory":
        return Column(metric, "" if metric == "latency_ms" else kind.unit, 1)
    large = any((case[metric].value or 0) >= MIB_PER_GIB for case in cases)
    return Column(metric, "GiB", MIB_PER_GIB) if large else Column(metric, "MiB", 1)

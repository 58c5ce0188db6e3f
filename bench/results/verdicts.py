"""Every verdict of a build, one record each: what a reader may take home, from all experiments at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.results.metrics import METRICS, TIMED
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.results.published import Export, GroupSummary, Row

DECIDED = ("faster", "slower", "less", "more")
"""Verdicts that name a difference."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A cell that was judged."""

    export: Export
    group: GroupSummary
    row: Row
    ratio: float
    """To the default; for `ratio_original`, to the article's settings."""

    @property
    def decided(self) -> bool:
        return self.row.verdict in DECIDED

    @property
    def quotable(self) -> bool:
        """Whether a headline may rest on it: noise takes time, not memory."""
        return not self.group.noisy or METRICS[self.row.metric].kind not in TIMED

    @property
    def effect(self) -> float:
        """Distance from no difference, the same for half and for double."""
        return abs(math.log(self.ratio)) if self.ratio > 0 else math.inf


def of_build(exports: Iterable[Export]) -> list[Judged]:
    """All verdicts: first those that name a difference, the largest first, then undecided ones, then ties."""
    found = [one for export in exports for one in _of_export(export)]
    return sorted(found, key=lambda one: (not one.decided, one.row.verdict == "same", -one.effect))


def _of_export(export: Export) -> Iterator[Judged]:
    """The A/A row is not a question."""
    groups = {(group.model, group.input): group for group in export.groups}
    base = {
        (row.model, row.input, row.metric): row.value
        for row in export.rows
        if row.case == BASELINE and row.value is not None
    }
    for row in export.rows:
        if row.verdict is None or row.value is None or row.case == CONTROL:
            continue
        ratio = METRICS[row.metric].kind == "ratio"
        if default := 1.0 if ratio else base.get((row.model, row.input, row.metric)):
            yield Judged(export, groups[row.model, row.input], row, row.value / default)

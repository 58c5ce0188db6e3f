"""Two builds side by side: do their numbers repeat, and does any verdict turn around.

Absolute times are compared only when machine and software are the same. Otherwise what can be
compared is the ratio to the default setting of the same build.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.results.metrics import JUDGED_MEMORY, METRICS
from bench.results.view import DRAFT_PROFILES
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.results.published import Export, Row

SAME_MEMORY, SAME_MEMORY_MIB = 0.02, 8
"""A memory figure repeats when it differs by no more than the larger of the two."""
ENOUGH_OVERLAP = 0.95
OPPOSITE = {("faster", "slower"), ("slower", "faster"), ("less", "more"), ("more", "less")}
RATIOS = tuple(m.id for m in METRICS.values() if m.judged and m.kind == "ratio" and m.than == BASELINE)
TIMES = tuple(METRICS[ratio].of for ratio in RATIOS)
"""What they are ratios of: comparable on the same machine alone."""
MEMORY = JUDGED_MEMORY

Key = tuple[str, str, str, str, str]
"""Experiment, model, input, case, metric."""


class Incomparable(Exception):
    """Two builds have nothing to compare; the message says why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of both builds."""

    key: Key
    first: Row
    second: Row

    @property
    def repeats(self) -> bool:
        """Intervals that share a point, or memory figures that are about the same."""
        if _overlap(self.first, self.second):
            return True
        if METRICS[self.key[-1]].kind != "memory":
            return False
        a, b = self.first.value or 0.0, self.second.value or 0.0
        return abs(a - b) <= max(SAME_MEMORY * max(a, b), SAME_MEMORY_MIB)

    @property
    def flips(self) -> bool:
        return (self.first.verdict, self.second.verdict) in OPPOSITE


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two builds have in common."""

    pairs: tuple[Pair, ...]
    same_place: bool
    """Same machine and software: absolute times were compared too."""
    only_once: int
    """Figures that only one of the builds has."""

    def share_repeating(self, metrics: Sequence[str]) -> float | None:
        found = [pair.repeats for pair in self.pairs if pair.key[-1] in metrics]
        return sum(found) / len(found) if found else None

    @property
    def flips(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.flips)

    @property
    def agrees(self) -> bool:
        """Whether the second build repeats the first."""
        shares = [self.share_repeating(TIMES if self.same_place else RATIOS)]
        shares += [self.share_repeating(MEMORY)] if self.same_place else []
        return not self.flips and all(share is None or share >= ENOUGH_OVERLAP for share in shares)


def compare(first: Iterable[Export], second: Iterable[Export]) -> Comparison:
    """Hold two builds against each other. Raises Incomparable when they share no figure."""
    one, other = ({export.experiment: export for export in exports} for exports in (first, second))
    shared = sorted(one.keys() & other.keys())
    if not shared:
        raise Incomparable("两次构建没有相同的实验")
    for name in shared:
        if drafts := {build[name].build.profile for build in (one, other)} & set(DRAFT_PROFILES):
            raise Incomparable(f"{name} 有一次只是草稿（{'、'.join(sorted(drafts))} 档），不能拿来比")
    same_place = all(
        (one[name].machine, one[name].software) == (other[name].machine, other[name].software)
        for name in shared
    )
    metrics = (*RATIOS, *MEMORY, *(TIMES if same_place else ()))
    a, b = (_rows((build[name] for name in shared), metrics) for build in (one, other))
    pairs = tuple(Pair(key, a[key], b[key]) for key in a if key in b)
    if not pairs:
        raise Incomparable("两次构建没有相同的模型、输入和设置")
    return Comparison(pairs=pairs, same_place=same_place, only_once=len(a.keys() ^ b.keys()))


def _rows(exports: Iterable[Export], metrics: Sequence[str]) -> dict[Key, Row]:
    return {
        (row.experiment, row.model, row.input, row.case, row.metric): row
        for export in exports
        for row in export.rows
        if row.metric in metrics and row.value is not None
        if row.metric not in RATIOS or row.case != BASELINE  # which says nothing of itself
        if METRICS[row.metric].kind == "memory" or row.low is not None  # too few rounds have no interval
    }


def _overlap(one: Row, other: Row) -> bool:
    ends = (one.low, one.high, other.low, other.high)
    if None in ends:
        return one.value == other.value
    low_a, high_a, low_b, high_b = (end or 0.0 for end in ends)
    return low_a <= high_b and low_b <= high_a

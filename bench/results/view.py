"""The samples of one group of a journal: values by round, and ratios of neighbours in time."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Literal

from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.metrics import Metric
    from bench.results.schema import GroupRecord, RoundEnd, Sample
    from bench.results.store import Journal

SINGLE_THREAD = "1"
"""Case that speed-up is counted from."""
MAX_DIRTY_SHARE = 0.3
"""With more dirty rounds than this, a group is published without verdicts."""
ORIGINAL = "original"
"""Case with the settings that the article of 2022 recommends."""
DRAFT_PROFILES = ("smoke", "quick")


Half = Literal["choosing", "published"]
"""Where settings are chosen, a round serves to choose or to give figures, never both."""


def _half(ends: Sequence[RoundEnd], half: Half) -> list[RoundEnd]:
    return [end for end in ends if (end.round % 2 == 0) == (half == "choosing")]


class GroupView:
    """The samples of one group, by round and case; of one half of the rounds where asked."""

    def __init__(self, journal: Journal, record: GroupRecord, half: Half | None = None) -> None:
        self.record = record
        ends = journal.final_rounds(record.index)
        self.ends: list[RoundEnd] = ends if half is None or len(ends) == 1 else _half(ends, half)
        self.rounds: list[list[Sample]] = [journal.samples_of(end) for end in self.ends]
        self.repeated = sum(1 for end in journal.rounds if end.group == record.index and not end.final)
        self.cost_s = sum(s.wall_s for s in journal.samples if s.group == record.index)
        self.draft = journal.header.profile in DRAFT_PROFILES
        self._failed = {
            sample.case: sample.failure.reason
            for sample in journal.samples
            if sample.group == record.index and sample.failure
        }
        """A case that failed once is not tried again, also when the round itself was repeated."""
        self._permanent = {one.case: one.failure for one in journal.untimed if one.failure}
        self.facts = {
            one.case: one.facts for one in journal.untimed if one.group == record.index and not one.failure
        }

    @property
    def dirty(self) -> int:
        return sum(end.noise.dirty for end in self.ends)

    @property
    def judged(self) -> bool:
        """Whether verdict words may follow from this group."""
        return not self.draft and self.dirty <= MAX_DIRTY_SHARE * len(self.ends)

    def failure(self, case: str) -> str | None:
        """The reason why this case has no figures here."""
        if case in self._failed:
            return self._failed[case]
        if any(sample.case == case for samples in self.rounds for sample in samples):
            return None
        known = self._permanent.get(case)
        return known.reason if known else "没有测到"

    def values(self, case: str, metric: Metric) -> list[float]:
        """One value a round: the median of the round's samples of that case."""
        assert metric.read
        found = []
        for samples in self.rounds:
            read = [metric.read(s.figures) for s in samples if s.case == case and s.figures]
            known = [value for value in read if value is not None]
            if known:
                found.append(median(known))
        return found

    def ratios(self, case: str) -> list[float]:
        """Latency over that of the baseline sample nearest in time, one value a round."""
        return [found for samples in self.rounds if (found := _ratio(samples, case)) is not None]

    def ratios_to(self, case: str, other: str) -> list[float]:
        """Latency over that of another case of the round, both against the baseline beside them."""
        found = []
        for samples in self.rounds:
            own, others = _ratio(samples, case), _ratio(samples, other)
            if own is not None and others is not None:
                found.append(own / others)
        return found

    def speed_ups(self, case: str) -> list[float]:
        """Latency of the single thread over this one's."""
        return [1 / ratio for ratio in self.ratios_to(case, SINGLE_THREAD)]


def _ratio(samples: Sequence[Sample], case: str) -> float | None:
    """Latency of a case in one round over that of its nearest baseline sample."""
    own = next((s for s in samples if s.case == case and s.figures), None)
    baselines = [s for s in samples if s.case == BASELINE and s.figures]
    if own is None or own.figures is None or not baselines:
        return None
    near = min(baselines, key=lambda sample: abs(sample.position - own.position))
    assert near.figures
    return own.figures.latency_ns / near.figures.latency_ns

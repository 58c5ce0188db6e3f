"""The samples of one group of a journal: values by round, and ratios of neighbours in time."""

from __future__ import annotations

from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Literal

from bench.results import stats
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.metrics import Metric
    from bench.results.schema import GroupRecord, Outcome, RoundEnd, Sample
    from bench.results.stats import Estimate
    from bench.results.store import Journal

SINGLE_THREAD = "1"
"""Case that speed-up is counted from."""
TOO_NOISY = 0.10
"""Identical settings that differ more than this: what a reader would take for an effect."""
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
        self._all_rounds = [journal.samples_of(end) for end in ends]
        self.repeated = sum(1 for end in journal.rounds if end.group == record.index and not end.final)
        self.cost_s = sum(s.wall_s for s in journal.samples if s.group == record.index)
        self.draft = journal.header.profile in DRAFT_PROFILES
        self._failed = {
            sample.case: sample.failure.reason
            for sample in journal.samples
            if sample.group == record.index and sample.failure
        }
        """The last reason counts, also when the round itself was repeated."""
        self._failures = {
            (sample.case, sample.round)
            for sample in journal.samples
            if sample.group == record.index and sample.failure
        }
        self._untimed = journal.untimed
        self._permanent = {one.case: one.failure for one in journal.untimed if one.failure}
        self.facts = {
            one.case: one.facts for one in journal.untimed if one.group == record.index and not one.failure
        }

    @property
    def dirty(self) -> int:
        return sum(end.noise.dirty for end in self.ends)

    @property
    def disturbed(self) -> bool:
        """Whether the machine was busy in too many rounds."""
        return self.dirty > MAX_DIRTY_SHARE * len(self.ends)

    @property
    def judged(self) -> bool:
        """Whether verdict words may follow from this group."""
        return not self.draft and not self.disturbed

    @cached_property
    def control(self) -> Estimate | None:
        """The ratio of the A/A row over all rounds, whichever half is looked at: whatever it shows is noise."""
        found = (_ratio(samples, CONTROL) for samples in self._all_rounds)
        ratios = [ratio for ratio in found if ratio is not None]
        return stats.estimate(ratios) if ratios else None

    @property
    def noise_floor(self) -> float:
        return stats.noise_floor(self.control)

    @property
    def control_excludes_one(self) -> bool:
        again = self.control
        if again is None or again.low is None or again.high is None:
            return False
        return not again.low <= 1 <= again.high

    @property
    def noisy(self) -> bool:
        """Whether times of this group must not be quoted, and nothing may rest on them."""
        again = self.control
        told_apart = again is not None and stats.verdict(again, stats.MIN_EFFECT) in ("faster", "slower")
        too_far = self.noise_floor > TOO_NOISY or told_apart
        return not self.record.memory_only and (self.disturbed or too_far)

    def outcome(self, case: str) -> Outcome | None:
        """Whether a case was seen to take effect: here, or on the only group where it was observed."""
        if case in (BASELINE, CONTROL):
            return None
        found = {one.group: one.outcome or "unseen" for one in self._untimed if one.case == case}
        return found.get(self.record.index, next(iter(found.values()), "unseen"))

    @property
    def farthest_s(self) -> float:
        """Longest way, end to start, from a sample to the baseline sample that it is compared with."""
        ways = [
            min(gap(sample, baseline) for baseline in baselines)
            for samples in self.rounds
            if (baselines := [s for s in samples if s.case == BASELINE and s.figures])
            for sample in samples
            if sample.figures and sample.case != BASELINE
        ]
        return max(ways, default=0.0)

    def failure(self, case: str) -> str | None:
        """The reason why this case has no figures here."""
        if any(sample.case == case and sample.figures for samples in self.rounds for sample in samples):
            return None
        if case in self._failed:
            return self._failed[case]
        known = self._permanent.get(case)
        return known.reason if known else "没有测到"

    def failed_rounds(self, case: str) -> int:
        """Rounds in which this case was tried and failed, also where the round itself was repeated."""
        return sum((case, end.round) in self._failures for end in self.ends)

    def value_by_round(self, case: str, metric: Metric) -> list[float | None]:
        """The median of each round's samples of that case; None in a round that has none."""
        assert metric.read
        found: list[float | None] = []
        for samples in self.rounds:
            read = [metric.read(s.figures) for s in samples if s.case == case and s.figures]
            known = [value for value in read if value is not None]
            found.append(median(known) if known else None)
        return found

    def values(self, case: str, metric: Metric) -> list[float]:
        """One value a round, without the rounds that have none."""
        return [value for value in self.value_by_round(case, metric) if value is not None]

    def ratio_by_round(self, case: str) -> list[float | None]:
        """Latency over that of the baseline sample nearest in time; None in a round without."""
        return [_ratio(samples, case) for samples in self.rounds]

    def ratios(self, case: str) -> list[float]:
        """The same without the rounds that have none."""
        return [ratio for ratio in self.ratio_by_round(case) if ratio is not None]

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


def gap(one: Sample, other: Sample) -> float:
    """Seconds from the end of the earlier sample of a round to the start of the later one."""
    first, second = sorted((one, other), key=lambda sample: sample.started_s)
    return max(0.0, second.started_s - first.started_s - first.wall_s)


def _ratio(samples: Sequence[Sample], case: str) -> float | None:
    """Latency of a case in one round over that of its nearest baseline sample."""
    own = next((s for s in samples if s.case == case and s.figures), None)
    baselines = [s for s in samples if s.case == BASELINE and s.figures]
    if own is None or own.figures is None or not baselines:
        return None
    near = min(baselines, key=lambda baseline: gap(own, baseline))
    assert near.figures
    return own.figures.latency_ns / near.figures.latency_ns

"""The samples of one group of a journal: values by round, and ratios of neighbours in time."""

from __future__ import annotations

from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Literal

from bench.results import stats
from bench.results.metrics import METRICS
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.metrics import Metric
    from bench.results.records import GroupRecord, Outcome, RoundEnd, Sample
    from bench.results.stats import Estimate
    from bench.results.store import Journal

FLOAT_BYTES = 4
TOO_NOISY = 0.10
"""Identical settings that differ more than this: what a reader would take for an effect."""
MAX_DIRTY_SHARE = 0.3
"""With more dirty rounds than this, a group is published without verdicts."""
DRAFT_PROFILES = ("smoke", "quick")


CHOOSING_UNTIL = 12
"""Rounds from this one on all give figures: six are enough to choose."""
Half = Literal["choosing", "published"]
"""Where settings are chosen, a round serves to choose or to give figures, never both."""


class GroupView:
    """The samples of one group, by round and case; of one half of the rounds where asked."""

    def __init__(self, journal: Journal, record: GroupRecord, half: Half | None = None) -> None:
        self.record = record
        ends = journal.final_rounds(record.index)
        self.all_ends = ends
        self.looks = list(record.load.looks(journal.header.looks))
        whole = half is None or len(ends) == 1
        self.ends = [end for end in ends if whole or _chooses(end) == (half == "choosing")]
        self.rounds: list[list[Sample]] = [journal.samples_of(end) for end in self.ends]
        self._known: dict[tuple[str, str], list[float | None]] = {}
        """(case, metric) -> a value a round: what a choice asks for thousands of times, over samples that stay."""
        self.all_rounds = [journal.samples_of(end) for end in ends]
        self.repeated = sum(1 for end in journal.rounds if end.group == record.index and not end.final)
        self.cost_s = sum(s.wall_s for s in journal.samples if s.group == record.index)
        few = record.load.timed and len(self.ends) < stats.MIN_ROUNDS
        self.draft = journal.header.profile in DRAFT_PROFILES or (few and not journal.complete)
        failed = [s for s in journal.samples if s.group == record.index and s.failure]
        self._failed = {sample.case: sample.failure.reason for sample in failed if sample.failure}
        """The last reason counts, also when the round itself was repeated."""
        self._failures = {(sample.case, sample.round) for sample in failed}
        self._untimed = journal.untimed
        self._permanent = {one.case: one.failure.reason for one in journal.untimed if one.failure}
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
        """The latency ratio of the A/A row over all rounds, whichever half is looked at: whatever it shows is noise."""
        return self._control(METRICS["latency_ms"])

    def _control(self, metric: Metric) -> Estimate | None:
        found = (_ratio(samples, CONTROL, metric) for samples in self.all_rounds)
        ratios = [ratio for ratio in found if ratio is not None]
        return stats.estimate(ratios) if ratios else None

    @property
    def noise_floor(self) -> float:
        return stats.noise_floor(self.control)

    def floor(self, ratio: Metric, samples: int) -> float:
        """Smallest effect that counts in a ratio of so many samples; each metric has its own A/A row."""
        control = self.control if ratio.of == "latency_ms" else self._control(METRICS[ratio.of])
        return max(ratio.floor, stats.noise_floor(control, samples))

    @property
    def control_excludes_one(self) -> bool:
        again = self.control
        if again is None or again.low is None or again.high is None:
            return False
        return not again.low <= 1 <= again.high

    @property
    def noisy(self) -> bool:
        """Whether times of this group must not be quoted, and nothing may rest on them."""
        told_apart = self.control and stats.verdict(self.control, stats.MIN_EFFECT) in ("faster", "slower")
        too_far = self.noise_floor > TOO_NOISY or bool(told_apart)
        return self.record.load.timed and (self.disturbed or too_far)

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
        return self._failed.get(case) or self._permanent.get(case) or "没有测到"

    def failed_rounds(self, case: str) -> int:
        """Rounds in which this case was tried and failed, also where the round itself was repeated."""
        return sum((case, end.round) in self._failures for end in self.ends)

    def by_round(self, case: str, metric: Metric) -> list[float | None]:
        """A value a round; None in a round that has none, and of too few calls.

        The median of the round's samples of that case; of a ratio, what is over the sample nearest in time of the
        baseline, and another case than that is compared by way of it.
        """
        key = (case, metric.id)
        if key not in self._known:
            ratio = metric.kind == "ratio"
            enough = self.enough_calls(metric, case, *([metric.than, BASELINE] if ratio else ()))
            read = _against if ratio else _median
            of = METRICS[metric.of] if metric.work else metric
            found = [read(one, case, of) if enough else None for one in self.rounds]
            self._known[key] = [self._rate(metric, one) for one in found] if metric.work else found
        return self._known[key]

    def _rate(self, metric: Metric, ms: float | None) -> float | None:
        """What a call does, over its latency; None where that is not known."""
        flops = (self.record.flops or 0) / len(self.record.shapes) / 1e9
        work = flops if metric.work == "flops" else self.record.parameters * FLOAT_BYTES / (1 << 30)
        return work / ms * 1e3 if ms and work else None

    def values(self, case: str, metric: Metric) -> list[float]:
        """One value a round, without the rounds that have none."""
        return [value for value in self.by_round(case, metric) if value is not None]

    def paired(self, case: str, metric: Metric) -> list[float]:
        """A figure of a case over that of its nearest baseline sample, one value a round."""
        found = (_ratio(samples, case, metric) for samples in self.rounds)
        return [ratio for ratio in found if ratio is not None]

    def enough_calls(self, metric: Metric, *cases: str) -> bool:
        """Whether all that a figure is made of were called as often as it takes."""
        return not metric.calls or all(self.calls(case) >= metric.calls for case in cases)

    def calls(self, case: str) -> int:
        """Timed calls of a case, all rounds together."""
        return sum(s.figures.steady.calls for r in self.rounds for s in r if s.case == case and s.figures)


def _chooses(end: RoundEnd) -> bool:
    """Where settings are chosen: every other round, so that both halves see the same weather."""
    return end.round < CHOOSING_UNTIL and end.round % 2 == 0


def gap(one: Sample, other: Sample) -> float:
    """Seconds from the end of the earlier sample of a round to the start of the later one."""
    first, second = sorted((one, other), key=lambda sample: sample.started_s)
    return max(0.0, second.started_s - first.started_s - first.wall_s)


def _median(samples: Sequence[Sample], case: str, metric: Metric) -> float | None:
    read = [metric.value(s.figures) for s in samples if s.case == case and s.figures]
    known = [value for value in read if value is not None]
    return median(known) if known else None


def _against(samples: Sequence[Sample], case: str, ratio: Metric) -> float | None:
    """A ratio metric of a case in one round."""
    own = _ratio(samples, case, METRICS[ratio.of])
    other = 1.0 if ratio.than == BASELINE else _ratio(samples, ratio.than, METRICS[ratio.of])
    return None if own is None or other is None else own / other


def _ratio(samples: Sequence[Sample], case: str, metric: Metric) -> float | None:
    """A metric of a case in one round over that of its nearest baseline sample."""
    own = next((s for s in samples if s.case == case and s.figures), None)
    baselines = [s for s in samples if s.case == BASELINE and s.figures]
    if own is None or own.figures is None or not baselines:
        return None
    near = min(baselines, key=lambda baseline: gap(own, baseline))
    assert near.figures
    above, below = metric.value(own.figures), metric.value(near.figures)
    return above / below if above is not None and below else None

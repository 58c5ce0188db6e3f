"""What a look at the rounds so far decides: whether more of them would change anything for a case.

The interval holds for every stopping rule (`stats.interval_ranks`): to stop where something is settled costs no truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.results import stats
from bench.results.metrics import JUDGED_MEMORY, METRICS
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Collection

    from bench.results.metrics import Metric
    from bench.results.view import GroupView

RULE = "c(n) = (n - 6) // 4, 0..3"
"""Stands in every result: journals that were begun by another rule are not gone on with."""
SURELY_SAME = 0.015
"""How near 1 the median must lie to settle as no difference: a true 3 % would else often stop early."""


def settled(view: GroupView, case: str, columns: Collection[str]) -> bool:
    """Whether more rounds would only repeat what is known of a case; without a proof they would say nothing."""
    if view.failure(case) or view.outcome(case) != "effect":
        return True
    wanted = (METRICS[name] for name in columns)
    judged = [one for one in wanted if one.kind == "ratio" and one.judged and one.than == BASELINE]
    return all(_is_decided(view, case, one) for one in judged) and not _memory_is_open(view, case)


def _is_decided(view: GroupView, case: str, ratio: Metric) -> bool:
    """The whole interval lies beyond the floor, or it lies around 1 and within the margin of no difference."""
    values = view.values(case, ratio)
    found = stats.estimate(values) if values else None
    if found is None or found.low is None or found.high is None:
        return found is None  # nobody reads it here: that does not change
    floor = view.floor(ratio, 2)
    if found.low > 1 + floor or found.high < 1 - floor:
        return True
    around = 1 - stats.SAME_MARGIN <= found.low <= 1 <= found.high <= 1 + stats.SAME_MARGIN
    return around and abs(found.value - 1) <= SURELY_SAME


def _memory_is_open(view: GroupView, case: str) -> bool:
    """With one shape, memory is what it is after two rounds; with several it is a matter of luck."""
    if len(view.record.shapes) == 1:
        return False
    both = (
        (view.values(case, METRICS[name]), view.values(BASELINE, METRICS[name])) for name in JUDGED_MEMORY
    )
    return any(own and base and stats.memory_verdict(own, base) == "unclear" for own, base in both)

"""Who leaves, and what is proved. Pure: views of rounds in, answers out.

Screening drops a setting that another one beats in every round, without claiming anything: what is left is combined
and measured afresh, with intervals that hold for every stopping rule (`bench.results.stats`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.results import stats
from bench.results.looks import SURELY_SAME
from bench.results.metrics import METRICS
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from bench.results.metrics import Metric
    from bench.results.tuned import Goal
    from bench.results.view import GroupView

SLOWER_BY = 1.03
"""So much slower in every round, and nothing better: it need not be looked at again."""
COSTS: Mapping[Goal, tuple[str, float]] = {
    "peak": ("peak_mib", 0.95),
    "kept": ("kept_mib", 0.95),
    "cpu": ("cpu_s", 0.97),
}
"""What a slower setting may be wanted for: a metric, and the share of a rival's below which it saves something."""
MARGINS: Mapping[Goal, float] = {"latency": 1.03, "peak": 1.05, "kept": 1.05, "cpu": 1.05}
"""How slow a combination may be that is recommended for a need, over the default: the whole interval."""
TAIL_MARGIN = 1.05
CHEAP = 1.05
"""So slow may a setting be in screening that is put into a combination for memory or processor time."""
RATIO = METRICS["ratio"]

Standing = Literal["proved", "dropped", "open"]


def beaten_by(view: GroupView, arm: str, goals: Collection[Goal]) -> str:
    """The setting that was faster in every round so far and costs no more in what is looked for; empty: none."""
    rivals = [one for one in view.record.cases if one != arm and _runs(view, one)]
    return next((one for one in rivals if _beats(view, one, arm, goals)), "")


def _runs(view: GroupView, case: str) -> bool:
    return case == BASELINE or (view.outcome(case) == "effect" and not view.failure(case))


def _beats(view: GroupView, rival: str, arm: str, goals: Collection[Goal]) -> bool:
    pairs = [
        (own, other)
        for own, other in zip(_ratios(view, arm), _ratios(view, rival), strict=True)
        if own is not None
    ]
    faster = bool(pairs) and all(other is not None and own > SLOWER_BY * other for own, other in pairs)
    return faster and not any(_saves(view, arm, rival, *COSTS[goal]) for goal in goals if goal in COSTS)


def _ratios(view: GroupView, case: str) -> list[float | None]:
    return view.by_round(case, RATIO)


def _saves(view: GroupView, arm: str, rival: str, metric: str, share: float) -> bool:
    own, other = middle(view, arm, metric), middle(view, rival, metric)
    return own is not None and other is not None and own < share * other


def metric(goal: Goal) -> Metric:
    """What is looked at for a need."""
    return METRICS[COSTS[goal][0]] if goal in COSTS else RATIO


def notable(goal: Goal) -> Callable[[float], float]:
    """Of what the default takes, the least that is worth saving."""
    if metric(goal).kind == "memory":
        return stats.notable_mib
    return lambda cost: (1 - COSTS[goal][1]) * cost


def middle(view: GroupView, case: str, metric: str) -> float | None:
    """Median over the rounds; None where it cannot be read."""
    values = view.values(case, METRICS[metric])
    return stats.estimate(values).value if values else None


def standing(view: GroupView, case: str, goals: Sequence[Goal]) -> Standing:
    """How a combination stands, for the most patient of its needs; with more rounds, noise may turn out to be bearable."""
    if view.noisy:
        return "open"
    found = [stands_for(view, case, goal) for goal in goals]
    return "open" if "open" in found else "proved" if "proved" in found else "dropped"


def stands_for(view: GroupView, case: str, goal: Goal) -> Standing:
    """Whether it is surely no slower than its need allows, and surely gains what it was put together for."""
    values = view.values(case, RATIO)
    found = stats.estimate(values) if values else None
    if found is None or found.low is None or found.high is None:
        return "open"
    margin = MARGINS[goal]
    if found.low > margin or _tail_longer(view, case):
        return "dropped"
    if goal == "latency":
        if found.high < 1 - view.floor(RATIO, 2):
            return "proved"
        same = 1 - stats.SAME_MARGIN <= found.low <= 1 <= found.high <= 1 + stats.SAME_MARGIN
        return "dropped" if same and abs(found.value - 1) <= SURELY_SAME else "open"
    gain = _gain(view, case, goal)
    return "open" if gain == "proved" and found.high > margin else gain


def _tail_longer(view: GroupView, case: str) -> bool:
    """Whether the 95th percentile is surely longer; with too few calls it is not told."""
    values = view.values(case, METRICS["p95_ratio"])
    found = stats.estimate(values) if values else None
    return found is not None and found.low is not None and found.low > TAIL_MARGIN


def _gain(view: GroupView, case: str, goal: Goal) -> Standing:
    """Whether it surely saves what it was put together for."""
    share, looked_at = COSTS[goal][1], metric(goal)
    if looked_at.kind == "memory":
        own, base = view.values(case, looked_at), view.values(BASELINE, looked_at)
        if not own or not base:
            return "dropped"
        found = stats.memory_verdict(own, base)
        return {"less": "proved", "unclear": "open"}.get(found, "dropped")  # type: ignore[return-value]
    ratios = view.paired(case, looked_at)
    ratio = stats.estimate(ratios) if ratios else None
    if ratio is None or ratio.low is None or ratio.high is None:
        return "open"
    return "proved" if ratio.high < share else "dropped" if ratio.low > share else "open"

"""When more rounds would tell nothing more of a case."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import Make

from bench.results import looks, stats
from bench.results.metrics import METRICS
from bench.results.view import GroupView
from bench.spec import BASELINE, CONTROL

make = Make()
MIB = 1 << 20
RATIO, MEMORY = ("latency_ms", "ratio"), ("ratio", "peak_mib")
CALM = (1.0,)
ROUGH = (0.93, 1.0)
"""Ratios of the A/A row, in turn."""
FAILED = make.failure()


def _view(
    ratios: Any, control: Any = CALM, outcome: Any = "effect", peaks: Any = (200,), shapes: int = 1
) -> GroupView:
    """A ratio, or a failure, a round; memory peaks of the case in turn, those of the default being 200 and 300 MiB."""
    feeds = [{"x": [batch, 3]} for batch in range(1, shapes + 1)]
    rounds = []
    for number, ratio in enumerate(ratios):
        own: Any = ratio
        if isinstance(ratio, float):
            own = {
                "latency_ns": round(ratio * 1e7),
                "peak_bytes": peaks[number % len(peaks)] * MIB,
                "feeds": shapes,
            }
        usual = {
            "latency_ns": 10_000_000,
            "peak_bytes": (200, 300)[number % 2 if shapes > 1 else 0] * MIB,
            "feeds": shapes,
        }
        again = usual | {"latency_ns": round(control[number % len(control)] * 1e7)}
        rounds.append([(BASELINE, usual), (CONTROL, again), ("one", own)])
    group = make.group_record(cases=[BASELINE, CONTROL, "one"], shapes=feeds)
    journal = make.journal(rounds, groups=[group], outcomes={"one": outcome})
    return GroupView(journal, journal.header.groups[0])


@pytest.mark.parametrize(
    ("settled", "view"),
    [
        (True, _view([1.10] * 6)), (True, _view([0.9] * 6)), (False, _view([1.1] * 5)),
        (False, _view([*[1.10] * 5, 1.019])), (True, _view([*[1.10] * 9, 1.0])),  # from ten on one may be off
        (False, _view([1.10] * 6, (1.0, 1.12))), (True, _view([1.10] * 6, ROUGH)),  # beyond the A/A row
        (True, _view([1.0] * 6)), (True, _view([0.97, *[1.0149] * 5])), (False, _view([0.97, *[1.0151] * 5])),
        (False, _view([1.01] * 6)),  # a difference, if a small one: 1 is not among what it may be
        (False, _view([1.0, 1.0, 1.0, 1.0, 1.0, 1.051])), (False, _view([0.949, *[1.0] * 5])),
        (True, _view([*[1.0] * 9, 1.2])), (False, _view([*[1.0] * 8, 1.2, 1.2])),
        (True, _view([FAILED] * 6)), (False, _view([1.0, 1.0, 1.0, 1.2, 1.2, FAILED])),
        (True, _view([0.9, 1.2] * 3, outcome="unseen")), (True, _view([0.9, 1.2] * 3, outcome="nothing")),
    ],
)  # fmt: skip
def test_case_is_settled_when_decided_surely_the_same_failed_or_without_proof(
    view: GroupView, *, settled: bool
) -> None:
    assert looks.settled(view, "one", RATIO) is settled


def test_memory_keeps_a_case_only_where_shapes_change() -> None:
    """There a peak is a matter of luck: 250 and 290 MiB lie between the default's 200 and 300."""
    luck = (290, 400)
    told = [looks.settled(_view([1.1] * 6, peaks=luck, shapes=n), "one", MEMORY) for n in (1, 3)]
    assert told == [True, False]
    for clear in ((600,), (250,)):  # more, and about the same
        assert looks.settled(_view([1.1] * 6, peaks=clear, shapes=3), "one", MEMORY)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from((0.8, 0.9, 0.96, 0.99, 1.0, 1.01, 1.04, 1.1, 1.25)), min_size=18, max_size=18)
)
def test_what_was_decided_at_a_stop_is_never_the_opposite_with_all_rounds(ratios: list[float]) -> None:
    final = stats.estimate(_view(ratios).values("one", METRICS["ratio"]))
    whole = stats.verdict(final, stats.MIN_EFFECT)
    for number in (6, 10, 14, 18):
        view = _view(ratios[:number])
        if looks.settled(view, "one", RATIO):
            found = stats.verdict(stats.estimate(view.values("one", METRICS["ratio"])), view.noise_floor)
            assert found in ("faster", "slower", "same")
            assert {found, whole} != {"faster", "slower"}

"""Who leaves screening, and what confirmation proves; how often it errs, counted exactly."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING, Any

import pytest
from samples import Make

from bench.results import race
from bench.results.metrics import METRICS
from bench.results.stats import interval_ranks
from bench.results.view import GroupView
from bench.spec import BASELINE, CONTROL
from bench.tune import stages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

make = Make()
MIB = 1 << 20
ALL = ("latency", "peak", "kept", "cpu")
PEAK = 220


def _told(ratio: float, peak: int = PEAK, kept: int = 200, cores: float = 2.0, **more: Any) -> dict[str, Any]:
    """Of a process; CPU time follows from how many cores were kept busy."""
    told = {"latency_ns": round(ratio * 1e7), "peak_bytes": peak * MIB, "kept_bytes": kept * MIB}
    return told | {"kept_trimmed_bytes": kept * MIB, "cores": cores / ratio, **more}


def _view(cases: Mapping[str, Sequence[Any]], *, again: float = 1.0, outcomes: Any = None) -> GroupView:
    """A ratio, or all that is told of a process, a round; the default beside them, and again where wanted."""
    count = max(map(len, cases.values()))
    rounds = [
        [(BASELINE, _told(1.0)), (CONTROL, _told(again))]
        + [
            (name, _told(told[number]) if isinstance(told[number], float) else told[number])
            for name, told in cases.items()
            if number < len(told)
        ]
        for number in range(count)
    ]
    journal = make.journal(rounds, outcomes=outcomes, cases=(BASELINE, CONTROL, *cases))
    return GroupView(journal, journal.header.groups[0])


SLOW = [1.2] * 3


@pytest.mark.parametrize(
    ("rival", "cases", "goals", "outcomes"),
    [
        (BASELINE, {"one": SLOW}, ("latency",), None),
        ("", {"one": [1.2, 1.2, 1.02]}, ("latency",), None),  # not in every round
        ("", {"one": [_told(1.2, peak=200)] * 3}, ("peak",), None),  # slower, but it saves memory
        (BASELINE, {"one": [_told(1.2, peak=200)] * 3}, ("latency", "kept"), None),  # which nobody wants
        (BASELINE, {"one": [_told(1.2, peak=215)] * 3}, ("peak",), None),  # too little of it
        ("", {"one": [_told(1.2, cores=1.0)] * 3}, ALL, None),
        ("", {"one": [_told(1.2, kept=100)] * 3}, ALL, None),
        ("two", {"one": [1.0] * 3, "two": [0.9] * 3}, ("latency",), None),
        (
            "",
            {"one": [1.0] * 3, "two": [0.9] * 3},
            ("latency",),
            {"two": "unseen"},
        ),  # it may not be the cause
        ("two", {"one": [1.0] * 3, "two": [0.9] * 5}, ("latency",), None),  # the rounds that both have
        (
            "",
            {"one": [1.0] * 5, "two": [0.9] * 3},
            ("latency",),
            None,
        ),  # it has left: nobody knows what it did later
        ("", {"one": [make.failure()] * 3}, ("latency",), None),
    ],
)
def test_a_setting_leaves_once_another_one_beats_it_in_every_round(
    rival: str, cases: Any, goals: Any, outcomes: Any
) -> None:
    assert race.beaten_by(_view(cases, outcomes=outcomes), "one", goals) == rival


def _standing(told: Sequence[Any], goal: Any, again: float = 1.0) -> str:
    return race.stands_for(_view({"one": told}, again=again), "one", goal)


LEAN = _told(1.0, peak=180)


@pytest.mark.parametrize(
    ("state", "told", "goal"),
    [
        ("proved", [0.9] * 7, "latency"), ("open", [0.9] * 5, "latency"), ("open", [*[0.9] * 6, 1.0], "latency"),
        ("proved", [*[0.9] * 10, 1.0], "latency"),  # from eleven on one may be off
        ("dropped", [1.04] * 7, "latency"), ("dropped", [1.0] * 7, "latency"), ("open", [1.025] * 7, "latency"),
        ("proved", [LEAN] * 7, "peak"), ("dropped", [LEAN] * 7, "kept"),
        ("proved", [_told(1.05, peak=180)] * 7, "peak"), ("dropped", [_told(1.06, peak=180)] * 7, "peak"),
        ("open", [*[LEAN] * 6, _told(1.06, peak=180)], "peak"),
        ("open", [*[LEAN] * 6, _told(1.0, peak=230)], "peak"),  # this time it did not save
        ("dropped", [_told(1.0, peak=210)] * 7, "peak"),  # 10 MiB are too little
        ("proved", [_told(1.04, cores=1.0)] * 7, "cpu"), ("dropped", [_told(1.0, cores=1.99)] * 7, "cpu"),
        ("open", [*[_told(1.0, cores=1.0)] * 6, _told(1.0, cores=2.0)], "cpu"),
    ],
)  # fmt: skip
def test_what_is_proved_of_a_combination(state: str, told: Any, goal: Any) -> None:
    assert _standing(told, goal) == state


def test_noise_widens_what_faster_takes_and_a_longer_tail_drops() -> None:
    assert _standing([0.93] * 7, "latency", again=1.08) == "open"
    slow_tail = [1.0] * 90 + [1.5] * 10
    tail = {"latencies_ns": [round(one * 0.9e7) for one in slow_tail], "calls": 100}
    assert (
        _standing([_told(0.9, **tail)] * 9, "latency") == "proved"
    )  # of 90 calls of the default nobody tells a tail
    assert _standing([_told(0.9, **tail)] * 11, "latency") == "dropped"


@pytest.mark.parametrize(
    ("whole", "goals"), [("open", ("latency", "peak")), ("proved", ("peak", "kept")), ("dropped", ("kept",))]
)
def test_the_most_patient_need_decides_how_long_a_combination_stays(whole: str, goals: Any) -> None:
    view = _view({"one": [_told(1.02, peak=180)] * 7})
    assert race.standing(view, "one", goals) == whole


def test_where_identical_settings_differ_too_much_more_rounds_are_wanted() -> None:
    """One outlier of the default's second name is cut off from eleven rounds on."""
    rounds = [
        [(BASELINE, _told(1.0)), (CONTROL, _told(1.2 if n == 3 else 1.0)), ("one", _told(0.8))]
        for n in range(11)
    ]
    for count, state in ((7, "open"), (11, "proved")):
        journal = make.journal(rounds[:count], cases=(BASELINE, CONTROL, "one"))
        assert race.standing(GroupView(journal, journal.header.groups[0]), "one", ("latency",)) == state


def test_how_often_a_combination_at_its_margin_is_taken_for_better() -> None:
    """Each round lies beyond the margin or not, by a throw of a coin; stopped at whichever look says yes."""
    paths, said, done = {0: 1.0}, 0.0, 0
    for look in stages.CONFIRM.looks:
        steps, done = look - done, look
        after: dict[int, float] = {}
        for beyond, chance in paths.items():
            for more in range(steps + 1):
                share = chance * comb(steps, more) / 2**steps
                after[beyond + more] = after.get(beyond + more, 0.0) + share
        ranks = interval_ranks(look)
        assert ranks
        said += sum(chance for beyond, chance in after.items() if beyond <= ranks[0])
        paths = {beyond: chance for beyond, chance in after.items() if beyond > ranks[0]}
    assert said == pytest.approx(0.0140, abs=5e-5)
    assert stages.MOST_FINALISTS * said < 0.0425


def test_a_need_names_its_metric() -> None:
    assert {goal: race.metric(goal).id for goal in ALL} == {  # type: ignore[arg-type]
        "latency": "ratio", "peak": "peak_mib", "kept": "kept_mib", "cpu": "cpu_s",
    }  # fmt: skip
    assert race.RATIO is METRICS["ratio"]

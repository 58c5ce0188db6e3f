"""The numbers in the rules are those of the code."""

from __future__ import annotations

import re

import pytest
from prose import markup_faults, text_of

from bench.experiments import EXPERIMENTS
from bench.measure.plan import NEAR_SECONDS
from bench.measure.profiles import PROFILES
from bench.pages import rules
from bench.results import choice, stats, view
from bench.site import publish


def _html() -> str:
    return rules.tables(publish._rules())


def test_numbers_of_measuring_come_from_the_exporter() -> None:
    told = text_of(_html())
    profile = PROFILES["default"]
    assert f"{profile.min_seconds:g} 秒，{profile.min_calls} 次" in told
    assert f"{profile.rounds}；要选推荐设置的实验 {profile.split_rounds}" in told
    assert f"{NEAR_SECONDS:g} 秒" in told


@pytest.mark.parametrize(
    ("home", "name", "value", "told"),
    [
        (stats, "MIN_EFFECT", 0.03, "3%，并且"),
        (stats, "SAME_MARGIN", 0.07, "±7% 之内"),
        (stats, "MEMORY_EFFECT_MIB", 99, "99 MiB 中较大的"),
        (stats, "MIN_ROUNDS", 77, "77 轮"),
        (view, "TOO_NOISY", 0.33, "33%，或被判为快慢不同"),
        (view, "MAX_DIRTY_SHARE", 0.44, "44%"),
        (choice, "RESAMPLES", 999, "999 次"),
        (choice, "STABLE", 0.66, "66%"),
    ],
)
def test_changed_constant_changes_the_table(
    monkeypatch: pytest.MonkeyPatch, home: object, name: str, value: float, told: str
) -> None:
    assert told not in text_of(_html())
    monkeypatch.setattr(home, name, value)
    assert told in text_of(_html())


def test_every_scenario_tells_its_tolerances() -> None:
    told = text_of(_html())
    for experiment in EXPERIMENTS.values():
        for scenario in experiment.scenarios:
            assert scenario.title in told
            assert all(limit.text in told for limit in scenario.limits)


def test_tables_are_whole() -> None:
    html = _html()
    assert not markup_faults(html)
    assert re.findall(r'<figure [^>]*id="([^"]+)"', html) == ["rules-numbers", "rules-tolerances"]


def test_limits_say_the_number_that_they_hold_candidates_to() -> None:
    for experiment in EXPERIMENTS.values():
        for limit in (limit for scenario in experiment.scenarios for limit in scenario.limits):
            share = f"{limit.factor - 1:.0%}"
            assert (share in limit.text) is (limit.factor != 1), limit.text

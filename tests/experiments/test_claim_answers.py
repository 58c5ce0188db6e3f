"""Every claim of the article, or of a public report: confirmed, contradicted or left open by results that say so."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import faults, markup_faults
from worlds import CRASHED, E_LINE, WORLDS, memory, of_cases, tell

from bench.experiments import EXPERIMENTS
from bench.pages import claims
from bench.spec import BASELINE


def _log(usual: int, at_four: int) -> dict[str, Any]:
    """Lines that an error inside a node leaves by default and at level 4."""
    return {"transcripts": {BASELINE: {"error": [E_LINE] * usual}, "level_4": {"error": [E_LINE] * at_four}}}


def _of(metric: str, **cases: float) -> dict[str, Any]:
    return of_cases(**{case: {metric: value} for case, value in cases.items()})


def threads(default: int, logical: int | None, physical: int | None) -> dict[str, Any]:
    machine = {"logical_cores": logical, "physical_cores": physical}
    return {**of_cases(default={"threads": default}), "machine": machine}


GROWN = "grown_mib_per_1000"
DRAFT, BUSY, UNCLEAR = ({**WORLDS[name], "time": 1.04} for name in ("draft", "busy", "unclear"))
FAILED = WORLDS["everything else failed"]
ONE_FAILED = {"failures": {(0, None): CRASHED}}
ONE_UNCLEAR = {"half_widths": {(0, None, "ratio"): 0.2}}
HIDES, SHOWS = _log(1, 0), _log(1, 1)
UNJUDGED = {"draft": DRAFT, "busy": BUSY, "few rounds": {"rounds": 3}, "failed": FAILED}
TEMPTING = {"13_percent": {"time": 1.13}, "many_branches": {"time": 0.8}, "default_is_fine": {"time": 0.8}}
"""What would confirm or contradict a claim if it were judged."""
UNPROVEN = {**TEMPTING, "kept_5618_5": {"memory": 0.05}, "recommended_on": _of(GROWN, profiling=50)}
"""The same, were it of settings that took effect. A default that a level does not change at all is fine."""

REPORTED = ("trees_twice", "gru_a_fifth")
TWICE, A_LITTLE = _of("ratio", v1_22_1=1.0, v1_24_4=2.2), _of("ratio", v1_22_1=1.0, v1_24_4=1.3)

CLAIMS: list[tuple[str, str, dict[str, Any], str]] = [
    ("kept_5618_5", "both fall", memory(arena_off=(100, 110)), "yes"),
    ("kept_5618_5", "both fall on a busy machine", {**memory(arena_off=(100, 110)), "busy": True}, "yes"),
    ("kept_5618_5", "the peak falls by half", memory(arena_off=(100, 800)), "half"),
    ("kept_5618_5", "kept falls a little, the peak not", memory(arena_off=(900, 1590)), "half"),
    ("kept_5618_5", "nothing falls", {}, "no"),
    ("kept_5618_5", "more is kept", memory(arena_off=(1900, 1900)), "no"),
    ("kept_5618_5", "draft", {**memory(arena_off=(100, 110)), **DRAFT}, "unknown"),
    ("kept_5618_5", "busy, small batch only", {**memory(arena_off=(100, 110)), "busy": True, "groups": (0,)}, "unknown"),
    ("kept_5618_5", "no such model", {**memory(arena_off=(100, 110)), "groups": (2,)}, "unknown"),
    ("kept_5618_5", "rounds overlap", {**memory(arena_off=(1200, 1300)), "memory_spread": 0.2}, "unknown"),
    ("kept_5618_5", "failed", FAILED, "unknown"),
    ("kept_5618_5", "default failed", WORLDS["the default failed"], "unknown"),
    ("13_percent", "13 %", {"time": 1.13}, "yes"),
    ("13_percent", "nearly 13 %", {"time": 1.16}, "yes"),
    ("13_percent", "50 %", {"time": 1.5}, "no"),
    ("13_percent", "faster", {"time": 0.8}, "no"),
    ("13_percent", "the same", {}, "no"),
    ("13_percent", "13 % here, the same there", {"time": 1.13, "values": {(0, None, "ratio"): 1.0}}, "half"),
    ("13_percent", "13 % here, unclear there", {"time": 1.13, **ONE_UNCLEAR}, "unknown"),
    ("13_percent", "13 % on too noisy a machine", {"time": 1.13, "noisy": (0, 2, 3)}, "unknown"),
    ("13_percent", "13 % here, failed there", {"time": 1.13, **ONE_FAILED}, "unknown"),
    ("all_cores", "all alike", threads(2, 2, 2), "unknown"),
    ("all_cores", "all logical cores, in a draft", {**DRAFT, **threads(4, 4, 2), "cores": 4}, "yes"),
    ("all_cores", "container", {**threads(4, 4, 4), "cores": 2}, "yes"),
    ("all_cores", "physical cores", threads(2, 4, 2), "no"),
    ("all_cores", "not counted", {"absent": NO_PROC}, "unknown"),
    ("all_cores", "cores unknown", threads(2, None, None), "unknown"),
    ("all_cores", "first group failed", {**threads(4, 4, 2), "cores": 4, **ONE_FAILED}, "yes"),
    ("many_branches", "faster", {"time": 1.5, **_of("ratio", parallel_usable=0.8)}, "yes"),
    ("many_branches", "no difference", {}, "no"),
    ("many_branches", "only without spinning", {"time": 1.5, **_of("ratio", parallel_usable_no_spin=0.8)}, "no"),
    ("many_branches", "only without a second pool", {"time": 1.5, **_of("ratio", parallel_1=0.8)}, "no"),
    ("many_branches", "on another model", {"values": {(1, None, "ratio"): 0.8}}, "no"),
    ("many_branches", "64 cores", {"cores": 64, "time": 1.5, **_of("ratio", parallel_usable=0.8)}, "yes"),
    ("many_branches", "one core", {"cores": 1, "time": 1.5, **_of("ratio", parallel_1=0.8)}, "no"),
    ("many_branches", "no such model", {"groups": (1, 2), "time": 0.8}, "unknown"),
    ("default_is_fine", "no difference", {}, "yes"),
    ("default_is_fine", "one is faster somewhere", {"values": {(2, "basic", "ratio"): 0.8}}, "no"),
    ("default_is_fine", "offline is faster", {"time": 1.5, **_of("ratio", offline=0.8)}, "yes"),
    ("default_is_fine", "slower here, unclear there", {"time": 1.13, **ONE_UNCLEAR}, "unknown"),
    ("default_is_fine", "faster here, unclear there", {**_of("ratio", basic=0.7), **ONE_UNCLEAR}, "no"),
    ("level_four", "hides nothing", SHOWS, "yes"),
    ("level_four", "hides nothing and is slower", {**SHOWS, "time": 1.5}, "no"),
    ("level_four", "there is nothing to hide", _log(0, 0), "yes"),
    ("level_four", "hides errors", HIDES, "no"),
    ("level_four", "hides errors, in a draft", {**HIDES, **DRAFT}, "no"),
    ("level_four", "hides nothing, in a draft", {**SHOWS, **DRAFT}, "unknown"),
    ("level_four", "hides nothing, unclear", {**SHOWS, **UNCLEAR}, "unknown"),
    ("level_four", "no log", {}, "unknown"),
    ("level_four", "no log of the default", WORLDS["logs"], "unknown"),
    ("recommended_on", "costs nothing", _of(GROWN, profiling=0), "yes"),
    ("recommended_on", "grows as the default does", _of(GROWN, profiling=50, default=50), "yes"),
    ("recommended_on", "takes longer", {**_of(GROWN, profiling=0), "time": 1.5}, "no"),
    ("recommended_on", "takes memory", _of(GROWN, profiling=50), "no"),
    ("recommended_on", "takes longer, memory unknown", {"absent": NO_PROC, "time": 1.5}, "no"),
    ("recommended_on", "memory unknown", {"absent": NO_PROC}, "unknown"),
    ("recommended_on", "draft", {**DRAFT, **_of(GROWN, profiling=50)}, "unknown"),
    ("recommended_on", "busy", {**BUSY, **_of(GROWN, profiling=50)}, "unknown"),
    ("recommended_on", "one failed", {**_of(GROWN, profiling=0), **ONE_FAILED}, "unknown"),
    ("trees_twice", "twice as slow", TWICE, "yes"),
    ("trees_twice", "a little slower", A_LITTLE, "half"),
    ("trees_twice", "faster", _of("ratio", v1_24_4=0.7), "no"),
    ("trees_twice", "twice as slow on too noisy a machine", {**TWICE, "noisy": range(9)}, "unknown"),
    ("gru_a_fifth", "a third slower", _of("ratio", v1_20_1=0.9, v1_22_1=1.2), "yes"),
    *((one, "no difference", {}, "no") for one in REPORTED),
    *((one, "wide intervals", {"half_width": 0.5}, "unknown") for one in REPORTED),
    *((one, "no such model", {"groups": (0,)}, "unknown") for one in REPORTED),
    *((one, name, world, "unknown") for one in REPORTED for name, world in UNJUDGED.items()),
    *((one, name, world | TEMPTING[one], "unknown") for one in TEMPTING for name, world in UNJUDGED.items()),
    *((one, "unclear", UNCLEAR, "unknown") for one in (*TEMPTING, "recommended_on")),
    *((one, how, {**world, "outcomes": {(None, None): how}}, "unknown") for one, world in UNPROVEN.items() for how in ("nothing", "unseen")),
]  # fmt: skip
OF_CLAIM = {claim.id: (name, claim) for name, one in EXPERIMENTS.items() for claim in one.claims}
SHOWN = {
    "yes": ("bench-agrees", "成立"),
    "half": ("bench-half", "一半成立"),
    "no": ("bench-differs", "不成立"),
    "unknown": ("bench-open", "这次还判断不了"),
}


@pytest.mark.parametrize(
    ("claim", "world", "holds"),
    [(one[0], *one[2:]) for one in CLAIMS],
    ids=[": ".join(one[:2]) for one in CLAIMS],
)
def test_claim_is_confirmed_only_by_results_that_agree(claim: str, world: dict[str, Any], holds: str) -> None:
    """Its box says so in words and in its class."""
    experiment, asked = OF_CLAIM[claim]
    answer = tell(MadeUp(experiment=experiment, **world)).answers[claim]
    assert answer.holds == holds
    assert [faults(one) for one in (answer.measured, answer.now, asked.said)] == [[], [], []], answer
    assert "outcomes" not in world or not re.findall(r"(?<!约)[慢快]到? ?\d|比默认[多少]", answer.measured)
    box, (css, said) = claims.box(asked, answer), SHOWN[holds]
    assert not markup_faults(box)
    assert f'class="bench-claim {css}" data-claim="{claim}"' in box
    assert f'<p class="bench-outcome" data-holds="{holds}">{said}</p>' in box
    assert f"<dt>测得</dt><dd>{answer.measured}</dd>" in box
    assert f"<dt>所以</dt><dd>{answer.now}</dd>" in box


def test_every_claim_can_be_confirmed_contradicted_and_left_open() -> None:
    shown = {(claim, holds) for claim, _, _, holds in CLAIMS}
    assert set(product(OF_CLAIM, ("yes", "no", "unknown"))) <= shown

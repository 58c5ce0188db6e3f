"""Every claim of the article: confirmed, contradicted or left open by results that say so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import faults
from worlds import CRASHED, E_LINE, LEVELS, WORLDS, of_cases, tell

from bench.experiments import EXPERIMENTS
from bench.spec import BASELINE

if TYPE_CHECKING:
    from bench.pages.sentences import Answer, Holds
    from bench.results.records import Outcome


def _log(*, error_at_four: bool, error: bool = True) -> dict[str, Any]:
    """An error inside a node: does it leave a line by default, and at level 4."""
    said = {
        case: {"error": [E_LINE] if error else []} for case in (BASELINE, *(f"level_{n}" for n in LEVELS))
    }
    return {"transcripts": said | {"level_4": {"error": [E_LINE] if error_at_four else []}}}


def _arena(kept: float, peak: float) -> dict[str, Any]:
    return of_cases(arena_off={"kept_mib": kept, "peak_mib": peak})


def _ratios(**ratios: float) -> dict[str, Any]:
    return of_cases(**{case: {"ratio": ratio} for case, ratio in ratios.items()})


def _threads(default: int, logical: int | None, physical: int | None) -> dict[str, Any]:
    machine = {"logical_cores": logical, "physical_cores": physical}
    return {**of_cases(default={"threads": default}), "machine": machine}


def _grown(profiling: float, default: float = 0.0) -> dict[str, Any]:
    metric = "grown_mib_per_1000"
    return of_cases(profiling={metric: profiling}, default={metric: default})


DRAFT, BUSY, UNCLEAR = ({**WORLDS[name], "time": 1.04} for name in ("draft", "busy", "unclear"))
FAILED, ALL_FAILED = WORLDS["everything else failed"], WORLDS["everything failed"]
ONE_FAILED = {"failures": {(0, None): CRASHED}}
ONE_UNCLEAR, VERY_UNCLEAR = ({"half_widths": {(0, None, "ratio"): half}} for half in (0.2, 0.6))
HIDES, SHOWS = _log(error_at_four=False), _log(error_at_four=True)
UNJUDGED = {"draft": DRAFT, "busy": BUSY, "few rounds": {"rounds": 3}, "failed": FAILED}
TEMPTING = {"13_percent": {"time": 1.13}, "many_branches": {"time": 0.8}, "default_is_fine": {"time": 0.8}}
"""What would confirm or contradict a claim if it were judged."""

CLAIMS: list[tuple[str, str, dict[str, Any], Holds]] = [
    ("kept_5618_5", "both fall", _arena(100, 110), "yes"),
    ("kept_5618_5", "both fall on a busy machine", {**_arena(100, 110), "busy": True}, "yes"),
    ("kept_5618_5", "only the kept falls", _arena(100, 1600), "half"),
    ("kept_5618_5", "the peak falls by half", _arena(100, 800), "half"),
    ("kept_5618_5", "kept falls a little, the peak not", _arena(900, 1590), "half"),
    ("kept_5618_5", "nothing falls", {}, "no"),
    ("kept_5618_5", "more is kept", _arena(1900, 1900), "no"),
    ("kept_5618_5", "draft", {**_arena(100, 110), **DRAFT}, "unknown"),
    ("kept_5618_5", "busy, small batch only", {**_arena(100, 110), "busy": True, "groups": (0,)}, "unknown"),
    ("kept_5618_5", "no such model", {**_arena(100, 110), "groups": (2, 3)}, "unknown"),
    ("kept_5618_5", "rounds overlap", {**_arena(1200, 1300), "memory_spread": 0.2}, "unknown"),
    ("kept_5618_5", "failed", FAILED, "unknown"),
    ("kept_5618_5", "default failed", WORLDS["the default failed"], "unknown"),
    ("kept_5618_5", "no memory", {"absent": NO_PROC}, "unknown"),
    ("13_percent", "13 %", {"time": 1.13}, "yes"),
    ("13_percent", "nearly 13 %", {"time": 1.16}, "yes"),
    ("13_percent", "50 %", {"time": 1.5}, "no"),
    ("13_percent", "faster", {"time": 0.8}, "no"),
    ("13_percent", "the same", {}, "no"),
    ("13_percent", "13 % here, 50 % there", {"time": 1.13, "values": {(0, None, "ratio"): 1.5}}, "half"),
    ("13_percent", "13 % here, the same there", {"time": 1.13, "values": {(0, None, "ratio"): 1.0}}, "half"),
    ("13_percent", "13 % here, unclear there", {"time": 1.13, **ONE_UNCLEAR}, "unknown"),
    ("13_percent", "50 % here, unclear there", {"time": 1.5, **VERY_UNCLEAR}, "unknown"),
    ("13_percent", "less than equal settings differ by", {"time": 1.09, "noise_floor": 0.095}, "unknown"),
    ("13_percent", "13 % on too noisy a machine", {"time": 1.13, "noisy": (0, 2, 3)}, "unknown"),
    ("13_percent", "13 % here, failed there", {"time": 1.13, **ONE_FAILED}, "unknown"),
    ("all_cores", "all alike", _threads(2, 2, 2), "unknown"),
    ("all_cores", "all logical cores, in a draft", {**DRAFT, **_threads(4, 4, 2), "cores": 4}, "yes"),
    ("all_cores", "container", {**_threads(4, 4, 4), "cores": 2}, "yes"),
    ("all_cores", "physical cores", _threads(2, 4, 2), "no"),
    ("all_cores", "not counted", {"absent": NO_PROC}, "unknown"),
    ("all_cores", "cores unknown", _threads(2, None, None), "unknown"),
    ("all_cores", "failed", ALL_FAILED, "unknown"),
    ("all_cores", "first group failed", {**_threads(4, 4, 2), "cores": 4, **ONE_FAILED}, "yes"),
    ("many_branches", "faster", {"time": 1.5, **_ratios(parallel_usable=0.8)}, "yes"),
    ("many_branches", "all slower", {"time": 1.5}, "no"),
    ("many_branches", "no difference", {}, "no"),
    ("many_branches", "only without spinning", {"time": 1.5, **_ratios(parallel_usable_no_spin=0.8)}, "no"),
    ("many_branches", "only without a second pool", {"time": 1.5, **_ratios(parallel_1=0.8)}, "no"),
    ("many_branches", "on another model", {"values": {(1, None, "ratio"): 0.8}}, "no"),
    ("many_branches", "64 cores", {"cores": 64, "time": 1.5, **_ratios(parallel_usable=0.8)}, "yes"),
    ("many_branches", "one core", {"cores": 1, "time": 1.5, **_ratios(parallel_1=0.8)}, "no"),
    ("many_branches", "no such model", {"groups": (1, 2), "time": 0.8}, "unknown"),
    ("default_is_fine", "lower is slower", {"time": 1.5}, "yes"),
    ("default_is_fine", "no difference", {}, "yes"),
    ("default_is_fine", "one is faster somewhere", {"values": {(2, "basic", "ratio"): 0.8}}, "no"),
    ("default_is_fine", "offline is faster", {"time": 1.5, **_ratios(offline=0.8)}, "yes"),
    ("default_is_fine", "slower here, unclear there", {"time": 1.13, **ONE_UNCLEAR}, "unknown"),
    ("default_is_fine", "faster here, unclear there", {**_ratios(basic=0.7), **ONE_UNCLEAR}, "no"),
    ("level_four", "hides nothing", SHOWS, "yes"),
    ("level_four", "hides nothing and is faster", {**SHOWS, "time": 0.8}, "yes"),
    ("level_four", "hides nothing and is slower", {**SHOWS, "time": 1.5}, "no"),
    ("level_four", "there is nothing to hide", _log(error=False, error_at_four=False), "yes"),
    ("level_four", "hides errors", HIDES, "no"),
    ("level_four", "hides errors and is faster", {**HIDES, "time": 0.8}, "no"),
    ("level_four", "hides errors, in a draft", {**HIDES, **DRAFT}, "no"),
    ("level_four", "hides nothing, in a draft", {**SHOWS, **DRAFT}, "unknown"),
    ("level_four", "hides nothing, unclear", {**SHOWS, **UNCLEAR}, "unknown"),
    ("level_four", "no log", {}, "unknown"),
    ("level_four", "no log of the default", WORLDS["logs"], "unknown"),
    ("recommended_on", "costs nothing", _grown(0), "yes"),
    ("recommended_on", "costs nothing, is faster", {**_grown(0), "time": 0.8}, "yes"),
    ("recommended_on", "grows as the default does", _grown(50, 50), "yes"),
    ("recommended_on", "takes longer", {**_grown(0), "time": 1.5}, "no"),
    ("recommended_on", "takes memory", _grown(50), "no"),
    ("recommended_on", "takes longer, memory unknown", {"absent": NO_PROC, "time": 1.5}, "no"),
    ("recommended_on", "memory unknown", {"absent": NO_PROC}, "unknown"),
    ("recommended_on", "draft", {**DRAFT, **_grown(50)}, "unknown"),
    ("recommended_on", "busy", {**BUSY, **_grown(50)}, "unknown"),
    ("recommended_on", "one failed", {**_grown(0), **ONE_FAILED}, "unknown"),
    *(
        (claim, name, world | TEMPTING[claim], "unknown")
        for claim in TEMPTING
        for name, world in UNJUDGED.items()
    ),
    *((claim, "unclear", UNCLEAR, "unknown") for claim in (*TEMPTING, "recommended_on")),
    ("recommended_on", "failed", FAILED, "unknown"),
]
EXPERIMENT_OF = {claim.id: name for name, one in EXPERIMENTS.items() for claim in one.claims}


def _answer(claim: str, world: dict[str, Any]) -> Answer:
    return tell(MadeUp(experiment=EXPERIMENT_OF[claim], **world)).answers[claim]


@pytest.mark.parametrize(
    ("claim", "world", "holds"),
    [(claim, world, holds) for claim, _, world, holds in CLAIMS],
    ids=[f"{claim}: {name}" for claim, name, *_ in CLAIMS],
)
def test_claim_is_confirmed_only_by_results_that_agree(
    claim: str, world: dict[str, Any], holds: Holds
) -> None:
    answer = _answer(claim, world)
    assert answer.holds == holds
    assert not faults(answer.measured), answer.measured
    assert not faults(answer.now), answer.now


@pytest.mark.parametrize("claim", EXPERIMENT_OF)
def test_every_claim_can_be_confirmed_contradicted_and_left_open(claim: str) -> None:
    assert {holds for one, _, _, holds in CLAIMS if one == claim} >= {"yes", "no", "unknown"}


UNPROVEN = {
    "13_percent": ("time", 1.13),
    "many_branches": ("time", 0.8),
    "default_is_fine": ("time", 0.8),
    "kept_5618_5": ("memory", 0.05),
    "recommended_on": ("values", _grown(50)["values"]),
}


@pytest.mark.parametrize("outcome", ["nothing", "unseen"])
@pytest.mark.parametrize("claim", UNPROVEN)
def test_settings_that_were_not_seen_to_take_effect_decide_no_claim(claim: str, outcome: Outcome) -> None:
    """A default that a level does not change at all is fine; nothing else follows from what did nothing."""
    name, value = UNPROVEN[claim]
    answer = _answer(claim, {name: value, "outcomes": {(None, None): outcome}})
    assert answer.holds == "unknown"
    assert not re.findall(r"耗时[多少]|比默认[多少]", answer.measured)


SAVING, COSTLY = {(None, "pattern_off", "kept_mib"): 400.0}, {(None, "pattern_off", "ratio"): 1.5}
SLOWER = {(None, "arena_off", "ratio"): 1.5}
SAID: list[tuple[str, dict[str, Any], str, str]] = [
    ("13_percent", {"time": 0.8}, "耗时少 20%", "更慢|代价|耗时多"),
    ("13_percent", {"values": SLOWER}, "没有一个通用的百分数", "关闭内存模式"),
    ("13_percent", {"values": SLOWER | SAVING}, "只想省内存，先试关闭内存模式", "代价也"),
    ("13_percent", {"values": SLOWER | SAVING | COSTLY}, "没有一个通用的百分数", "关闭内存模式"),
    ("kept_5618_5", _arena(1900, 1900), "从 1600 MiB 变为 1900|没有让留存变少", "留存确实变少"),
    ("kept_5618_5", WORLDS["less needed"], "关 arena 连峰值也更低|峰值 800 MiB 对 900 MiB", "没有降低"),
    ("kept_5618_5", WORLDS["less left only"], "关 arena 没有降低峰值，多省的只是|800 MiB 对 700 MiB", "更低"),
    ("kept_5618_5", WORLDS["about the same needed"], "关 arena 没有降低峰值，多省的只是", "更低"),
    ("kept_5618_5", WORLDS["as little left"], "关 arena 没有多省，只关内存模式就够了", "更低"),
    ("kept_5618_5", WORLDS["little left, the pattern not seen"], "留存确实变少", "与只关内存模式比"),
    ("all_cores", {**_threads(4, 4, 2), "cores": 2}, "比默认的线程少，要明确设", "一样多"),
    ("all_cores", {**_threads(4, 4, 2), "cores": 4}, "一样多；", "线程少"),
]


@pytest.mark.parametrize(("claim", "world", "said", "unsaid"), SAID)
def test_answers_say_what_follows(claim: str, world: dict[str, Any], said: str, unsaid: str) -> None:
    answer = _answer(claim, world)
    told = f"{answer.measured}{answer.now}".replace("\u202f", " ")
    assert [one for one in said.split("|") if one not in told] == [], told
    assert [one for one in unsaid.split("|") if one in told] == [], told

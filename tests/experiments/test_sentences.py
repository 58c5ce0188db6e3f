"""Conclusions and claims of every experiment, on results made up in every direction they can turn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import faults, text_of

from bench.experiments import EXPERIMENTS
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.answers import Answer

CRASHED = "进程因信号 SIGSEGV 结束"
NOT_APPLICABLE = "本机不适用：需要 glibc 2.35 以上"
E_LINE, W_LINE = "[E:onnxruntime:, x.cc:1] failed", "[W:onnxruntime:, x.cc:1] ignored"
LEVELS = range(5)

WORLDS: dict[str, dict[str, Any]] = {
    "the same": {},
    "faster": {"time": 0.7},
    "slower": {"time": 1.5},
    "much slower": {"time": 130.0},
    "unclear": {"time": 1.05, "half_width": 0.1},
    "less memory": {"memory": 0.4},
    "more memory": {"memory": 3.0},
    "enormous": {"values": {(None, None, name): 54321.0 for name in ("session_ms", "peak_mib", "kept_mib")}},
    "large numbers": {
        "values": {
            (None, None, name): 12345.6
            for name in (
                "session_ms",
                "idle_cpu_s",
                "grown_mib_per_1000",
                "trace_kib_per_run",
                "minor_faults",
            )
        }
    },
    "small numbers": {
        "values": {
            (None, None, name): 0.0000123
            for name in (
                "session_ms",
                "idle_cpu_s",
                "grown_mib_per_1000",
                "trace_kib_per_run",
                "minor_faults",
            )
        }
    },
    "nothing kept changes": {"values": {(None, BASELINE, "after_second_mib"): 801.0}},
    "trimmed differs": {"values": {(None, None, "kept_trimmed_mib"): 100.0}},
    "nodes overlap": {"values": {(None, None, "overlapping_nodes"): 17.0}},
    "optimised": {
        "values": {(None, "disable_all", "nodes"): 300.0},
        "operators": {
            "disable_all": {"Conv": 3},
            BASELINE: dict.fromkeys(("Conv", "FusedConv", "A", "B", "C", "D", "E", "F"), 1),
        },
    },
    "operators seen of the default only": {"operators": {BASELINE: {"FusedConv": 1}}},
    "draft": {"profile": "quick", "rounds": 3, "time": 1.5, "memory": 0.4},
    "smoke": {"profile": "smoke", "rounds": 1, "time": 0.7, "memory": 3.0},
    "busy": {"busy": True, "time": 1.5, "memory": 0.4},
    "few rounds": {"rounds": 3, "time": 1.5},
    "the default failed": {"failures": {(None, BASELINE): CRASHED}},
    "everything else failed": {"failures": {(None, None): CRASHED, (None, BASELINE): None}},
    "everything failed": {"failures": {(None, None): CRASHED}},
    "everything failed in one group": {"failures": {(0, None): CRASHED}},
    "nothing else applies": {"failures": {(None, None): NOT_APPLICABLE, (None, BASELINE): None}},
    "no /proc": {"absent": NO_PROC},
    "nothing observed": {"absent": ("nodes", "overlapping_nodes", "node_threads", "session_info_lines")},
    "one core": {"cores": 1, "values": {(None, None, "threads"): 1.0}},
    "64 cores": {"cores": 64, "time": 1.5, "values": {(None, BASELINE, "threads"): 64.0}},
    "first group only": {"groups": (0,)},
    "first group dropped": {"groups": (-1,)},
    "logs": {
        "transcripts": {
            f"level_{level}": {
                "error": [E_LINE] if level < 4 else [],
                "warning": [W_LINE] if level < 3 else [],
                "misspelt_key": [],
            }
            for level in LEVELS
        }
    },
    "logs of one level": {"transcripts": {"level_4": {"error": [E_LINE], "misspelt_key": [W_LINE, E_LINE]}}},
    "silent logs": {"transcripts": {f"level_{level}": {"error": []} for level in LEVELS}},
    "machine unknown": {"machine": {"physical_cores": None, "logical_cores": None}},
    "physical cores unknown": {"machine": {"physical_cores": None}},
}
STATED = re.compile(
    r"耗时[多少]|比默认[多少快慢]|更[快慢多少]|最快|并列|远小于|占用变为|没有明显增加|分不出|值得一试|没有测出|变少|<strong>"
)
"""Words that state a difference, or that there is none."""


def _made_up(experiment: str, world: Mapping[str, Any], **more: Any) -> MadeUp:
    spec = EXPERIMENTS[experiment]
    groups = world.get("groups")
    where = {} if groups is None else {"groups": [index % len(spec.groups) for index in groups]}
    return MadeUp(experiment=experiment, **{**world, **where, **more})


def _sentences(made_up: MadeUp) -> list[str]:
    return list(made_up.spec.conclude(made_up.words()))


def _answers(made_up: MadeUp) -> dict[str, Answer]:
    say = made_up.words()
    return {claim.id: claim.answer(say) for claim in made_up.spec.claims}


def _all_text(made_up: MadeUp) -> str:
    told = _sentences(made_up)
    for answer in _answers(made_up).values():
        told += [answer.measured, answer.now]
    return "\n".join(told)


EVERYWHERE = pytest.mark.parametrize("experiment", EXPERIMENTS)
IN_EVERY_WORLD = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


@EVERYWHERE
@IN_EVERY_WORLD
def test_conclusions_read_well(experiment: str, world: dict[str, Any]) -> None:
    sentences = _sentences(_made_up(experiment, world))
    assert sentences
    assert {text_of(one): faults(one) for one in sentences if faults(one)} == {}


@pytest.mark.parametrize("experiment", [name for name, one in EXPERIMENTS.items() if one.claims])
@IN_EVERY_WORLD
def test_claims_are_answered_in_sentences_that_read_well(experiment: str, world: dict[str, Any]) -> None:
    for answer in _answers(_made_up(experiment, world)).values():
        for html in (answer.measured, answer.now):
            assert text_of(html)
            assert not faults(html), text_of(html)


@EVERYWHERE
def test_result_without_groups_still_answers_claims(experiment: str) -> None:
    made_up = MadeUp(experiment=experiment, groups=())
    for answer in _answers(made_up).values():
        assert not faults(answer.measured), answer.measured
        assert answer.agrees is None
    assert not [one for sentence in _sentences(made_up) for one in faults(sentence)]


@pytest.mark.parametrize("world", ["draft", "smoke"])
@EVERYWHERE
def test_drafts_state_no_difference(experiment: str, world: str) -> None:
    told = _all_text(_made_up(experiment, WORLDS[world], absent=("threads",)))
    assert not STATED.findall(told), told


@EVERYWHERE
def test_busy_machine_states_no_difference_in_time(experiment: str) -> None:
    told = _all_text(_made_up(experiment, WORLDS["busy"], absent=NO_PROC))
    assert not STATED.findall(told), told


@pytest.mark.parametrize("experiment", ["arena", "memory_pattern", "recommended"])
def test_busy_machine_states_no_difference_in_memory(experiment: str) -> None:
    told = _all_text(_made_up(experiment, WORLDS["busy"]))
    assert not re.findall(r"比默认[多少]|分不出差别", told), told


@EVERYWHERE
def test_too_few_rounds_state_no_difference_in_time(experiment: str) -> None:
    told = _all_text(_made_up(experiment, WORLDS["few rounds"], absent=NO_PROC))
    assert not STATED.findall(told), told


@EVERYWHERE
def test_words_follow_the_direction_of_time(experiment: str) -> None:
    faster, slower, same = (
        _all_text(_made_up(experiment, WORLDS[world])) for world in ("faster", "slower", "the same")
    )
    assert "耗时少" in faster
    assert not re.findall(r"耗时多|更慢|比默认分不出快慢", faster), faster
    assert "耗时多" in slower
    assert not re.findall(r"耗时少|更快|值得一试|比默认分不出快慢", slower), slower
    assert not re.findall(r"耗时[多少]|更[快慢]|值得一试", same), same


@pytest.mark.parametrize("experiment", ["arena", "memory_pattern", "recommended"])
def test_words_follow_the_direction_of_memory(experiment: str) -> None:
    less, more = (_all_text(_made_up(experiment, WORLDS[f"{word} memory"])) for word in ("less", "more"))
    assert "比默认少 60%" in less
    assert "比默认多" not in less
    assert "比默认多 200%" in more
    assert "比默认少" not in more


@EVERYWHERE
def test_names_from_a_result_file_cannot_write_html(experiment: str) -> None:
    evil = '<script>alert("&")</script>'
    world = {
        "model_title": evil,
        "input": evil,
        "titles": {case.id: f"{evil} {case.id}" for case in MadeUp(experiment=experiment).cases},
        "operators": {"disable_all": {"Conv": 1}, BASELINE: {evil: 1}},
        "machine": {"physical_cores": evil},
    }
    failing = {"failures": {(None, None): evil, (None, BASELINE): None}}
    for more in ({}, failing):
        told = _all_text(MadeUp(experiment=experiment, **world, **more))
        assert "<script" not in told
        assert "&lt;script&gt;" in told


def _log(*, error_at_four: bool, error: bool = True) -> dict[str, Any]:
    """An error inside a node: does it leave a line by default, and at level 4."""
    said = {
        case: {"error": [E_LINE] if error else []} for case in (BASELINE, *(f"level_{n}" for n in LEVELS))
    }
    return {"transcripts": said | {"level_4": {"error": [E_LINE] if error_at_four else []}}}


def _arena(kept: float, peak: float) -> dict[str, Any]:
    return {"values": {(None, "arena_off", "kept_mib"): kept, (None, "arena_off", "peak_mib"): peak}}


def _ratios(**ratios: float) -> dict[str, Any]:
    return {"values": {(None, case, "ratio"): ratio for case, ratio in ratios.items()}}


def _threads(default: int, logical: int | None, physical: int | None) -> dict[str, Any]:
    machine = {"logical_cores": logical, "physical_cores": physical}
    return {"values": {(None, BASELINE, "threads"): default}, "machine": machine}


def _grown(profiling: float, default: float = 0.0) -> dict[str, Any]:
    cases = {"profiling": profiling, BASELINE: default}
    return {"values": {(None, case, "grown_mib_per_1000"): grown for case, grown in cases.items()}}


DRAFT, BUSY, UNCLEAR = ({**WORLDS[name], "time": 1.04} for name in ("draft", "busy", "unclear"))
FAILED, ALL_FAILED = WORLDS["everything else failed"], WORLDS["everything failed"]
ONE_FAILED = {"failures": {(0, None): CRASHED}}
ONE_UNCLEAR = {"half_widths": {(0, None, "ratio"): 0.2}}
HIDES, SHOWS = _log(error_at_four=False), _log(error_at_four=True)

CLAIMS: list[tuple[str, str, dict[str, Any], bool | None]] = [
    ("kept_5618_5", "both fall", _arena(100, 110), True),
    ("kept_5618_5", "both fall on a busy machine", {**_arena(100, 110), "busy": True}, True),
    ("kept_5618_5", "only the kept falls", _arena(100, 1600), False),
    ("kept_5618_5", "the peak falls by half", _arena(100, 800), False),
    ("kept_5618_5", "kept falls a little, the peak not", _arena(900, 1590), False),
    ("kept_5618_5", "nothing falls", {}, False),
    ("kept_5618_5", "more is kept", _arena(1900, 1900), False),
    ("kept_5618_5", "draft", {**_arena(100, 110), **DRAFT}, None),
    ("kept_5618_5", "busy, small batch only", {**_arena(100, 110), "busy": True, "groups": (0,)}, None),
    ("kept_5618_5", "no such model", {**_arena(100, 110), "groups": (2, 3)}, None),
    ("kept_5618_5", "failed", FAILED, None),
    ("kept_5618_5", "default failed", WORLDS["the default failed"], None),
    ("kept_5618_5", "no memory", {"absent": NO_PROC}, None),
    ("13_percent", "13 %", {"time": 1.13}, True),
    ("13_percent", "nearly 13 %", {"time": 1.16}, True),
    ("13_percent", "50 %", {"time": 1.5}, False),
    ("13_percent", "faster", {"time": 0.8}, False),
    ("13_percent", "the same", {}, False),
    ("13_percent", "13 % here, 50 % there", {"time": 1.13, "values": {(0, None, "ratio"): 1.5}}, False),
    ("13_percent", "13 % here, the same there", {"time": 1.13, "values": {(0, None, "ratio"): 1.0}}, False),
    ("13_percent", "13 % here, unclear there", {"time": 1.13, **ONE_UNCLEAR}, None),
    (
        "13_percent",
        "50 % here, unclear there",
        {"time": 1.5, "half_widths": {(0, None, "ratio"): 0.6}},
        False,
    ),
    ("13_percent", "13 % here, failed there", {"time": 1.13, **ONE_FAILED}, None),
    ("13_percent", "draft", {**DRAFT, "time": 1.13}, None),
    ("13_percent", "busy", {**BUSY, "time": 1.13}, None),
    ("13_percent", "few rounds", {"rounds": 3, "time": 1.13}, None),
    ("13_percent", "unclear", UNCLEAR, None),
    ("13_percent", "failed", FAILED, None),
    ("all_cores", "all alike", _threads(2, 2, 2), True),
    ("all_cores", "all logical cores, in a draft", {**DRAFT, **_threads(4, 4, 2), "cores": 4}, True),
    ("all_cores", "container", {**_threads(4, 4, 4), "cores": 2}, True),
    ("all_cores", "physical cores", _threads(2, 4, 2), False),
    ("all_cores", "not counted", {"absent": NO_PROC}, None),
    ("all_cores", "cores unknown", _threads(2, None, None), None),
    ("all_cores", "failed", ALL_FAILED, None),
    ("all_cores", "first group failed", {**_threads(2, 2, 2), **ONE_FAILED}, True),
    ("many_branches", "faster", {"time": 1.5, **_ratios(parallel_2=0.8)}, True),
    ("many_branches", "all slower", {"time": 1.5}, False),
    ("many_branches", "no difference", {}, False),
    ("many_branches", "only without spinning", {"time": 1.5, **_ratios(parallel_2_no_spin=0.8)}, False),
    ("many_branches", "only without a second pool", {"time": 1.5, **_ratios(parallel_1=0.8)}, False),
    ("many_branches", "on another model", {"values": {(1, None, "ratio"): 0.8}}, False),
    ("many_branches", "64 cores", {"cores": 64, "time": 1.5, **_ratios(parallel_64=0.8)}, True),
    ("many_branches", "one core", {"cores": 1, "time": 1.5, **_ratios(parallel_1=0.8)}, False),
    ("many_branches", "unclear", UNCLEAR, None),
    ("many_branches", "draft", {**DRAFT, "time": 0.8}, None),
    ("many_branches", "busy", {**BUSY, "time": 0.8}, None),
    ("many_branches", "few rounds", {"rounds": 3, "time": 0.8}, None),
    ("many_branches", "failed", FAILED, None),
    ("many_branches", "no such model", {"groups": (1, 2), "time": 0.8}, None),
    ("default_is_fine", "lower is slower", {"time": 1.5}, True),
    ("default_is_fine", "no difference", {}, True),
    ("default_is_fine", "one is faster somewhere", {"values": {(2, "basic", "ratio"): 0.8}}, False),
    ("default_is_fine", "offline is faster", {"time": 1.5, **_ratios(offline=0.8)}, True),
    ("default_is_fine", "unclear", UNCLEAR, None),
    ("default_is_fine", "slower here, unclear there", {"time": 1.13, **ONE_UNCLEAR}, None),
    ("default_is_fine", "faster here, unclear there", {**_ratios(basic=0.7), **ONE_UNCLEAR}, False),
    ("default_is_fine", "draft", {**DRAFT, "time": 0.8}, None),
    ("default_is_fine", "busy", {**BUSY, "time": 0.8}, None),
    ("default_is_fine", "failed", FAILED, None),
    ("level_four", "hides nothing", SHOWS, True),
    ("level_four", "hides nothing and is faster", {**SHOWS, "time": 0.8}, True),
    ("level_four", "hides nothing and is slower", {**SHOWS, "time": 1.5}, False),
    ("level_four", "there is nothing to hide", _log(error=False, error_at_four=False), True),
    ("level_four", "hides errors", HIDES, False),
    ("level_four", "hides errors and is faster", {**HIDES, "time": 0.8}, False),
    ("level_four", "hides errors, in a draft", {**HIDES, **DRAFT}, False),
    ("level_four", "hides nothing, in a draft", {**SHOWS, **DRAFT}, None),
    ("level_four", "hides nothing, unclear", {**SHOWS, **UNCLEAR}, None),
    ("level_four", "no log", {}, None),
    ("level_four", "no log of the default", WORLDS["logs"], None),
    ("recommended_on", "costs nothing", _grown(0), True),
    ("recommended_on", "costs nothing, is faster", {**_grown(0), "time": 0.8}, True),
    ("recommended_on", "grows as the default does", _grown(50, 50), True),
    ("recommended_on", "takes longer", {**_grown(0), "time": 1.5}, False),
    ("recommended_on", "takes memory", _grown(50), False),
    ("recommended_on", "takes longer, memory unknown", {"absent": NO_PROC, "time": 1.5}, False),
    ("recommended_on", "memory unknown", {"absent": NO_PROC}, None),
    ("recommended_on", "unclear", UNCLEAR, None),
    ("recommended_on", "draft", {**DRAFT, **_grown(50)}, None),
    ("recommended_on", "busy", {**BUSY, **_grown(50)}, None),
    ("recommended_on", "failed", FAILED, None),
    ("recommended_on", "one failed", {**_grown(0), **ONE_FAILED}, None),
]
EXPERIMENT_OF = {claim.id: name for name, one in EXPERIMENTS.items() for claim in one.claims}


def _answer(claim: str, world: dict[str, Any]) -> Answer:
    return _answers(MadeUp(experiment=EXPERIMENT_OF[claim], **world))[claim]


@pytest.mark.parametrize(
    ("claim", "world", "agrees"),
    [(claim, world, agrees) for claim, _, world, agrees in CLAIMS],
    ids=[f"{claim}: {name}" for claim, name, *_ in CLAIMS],
)
def test_claim_is_confirmed_only_by_results_that_agree(
    claim: str, world: dict[str, Any], *, agrees: bool | None
) -> None:
    answer = _answer(claim, world)
    assert answer.agrees is agrees
    assert not faults(answer.measured), answer.measured
    assert not faults(answer.now), answer.now


@pytest.mark.parametrize("claim", EXPERIMENT_OF)
def test_every_claim_can_be_confirmed_contradicted_and_left_open(claim: str) -> None:
    assert {agrees for one, _, _, agrees in CLAIMS if one == claim} == {True, False, None}


def test_faster_without_the_arena_is_not_called_a_cost() -> None:
    answer = _answer("13_percent", {"time": 0.8})
    assert "耗时少 20%" in answer.measured
    assert not re.findall(r"更慢|代价|耗时多", answer.measured + answer.now)


def test_memory_pattern_is_named_instead_only_where_it_was_seen_to_save() -> None:
    slower = {(None, "arena_off", "ratio"): 1.5}
    saving = {(None, "pattern_off", "kept_mib"): 400.0}
    costly = {(None, "pattern_off", "ratio"): 1.5}
    told = [
        _answer("13_percent", {"values": values}).now
        for values in (slower, slower | saving, slower | saving | costly)
    ]
    assert ["关闭内存模式" in now for now in told] == [False, True, False]


def test_kept_memory_that_grows_without_the_arena_is_not_said_to_fall() -> None:
    answer = _answer("kept_5618_5", _arena(1900, 1900))
    assert "从 1600" in answer.measured
    assert "没有让留存变少" in answer.now


def test_fewer_cores_than_threads_are_pointed_out_only_where_it_is_so() -> None:
    assert "少，要明确设" in _answer("all_cores", {**_threads(4, 4, 2), "cores": 2}).now
    assert "少，要明确设" not in _answer("all_cores", {**_threads(4, 4, 2), "cores": 4}).now


def _told(experiment: str, **world: Any) -> str:
    return text_of("".join(_sentences(MadeUp(experiment=experiment, **world))))


def test_only_thread_count_that_was_measured_is_not_called_the_fastest() -> None:
    failures = {(None, case): CRASHED for case in ("1", "4")}
    told = _told("intra_op_num_threads", failures=failures)
    assert "只测成了 2" in told
    assert "最快" not in told


def test_idle_time_is_put_down_to_spinning_workers_only_where_there_are_some() -> None:
    assert "空转等活" in _told("intra_op_num_threads")
    alone = {(None, BASELINE, "threads"): 1.0}
    assert "空转等活" not in _told("intra_op_num_threads", cores=1, values=alone)


def test_options_of_one_core_and_of_many_are_named() -> None:
    assert "开到 2 线程" in _told("intra_op_num_threads", cores=1)
    assert "超过可用的 64 核、开到 128 线程" in _told("intra_op_num_threads", cores=64)
    assert "1 线程，与默认比" in _told("container", cores=1)
    assert "32 线程，与默认比" in _told("container", cores=64)


def test_operators_are_new_only_where_both_graphs_were_seen() -> None:
    assert "新出现" in _told("graph_optimization", **WORLDS["optimised"])
    assert "新出现" not in _told("graph_optimization", **WORLDS["operators seen of the default only"])


def test_levels_whose_log_is_missing_are_not_said_to_print_nothing() -> None:
    told = _told("log_severity", **WORLDS["logs of one level"])
    assert "日志里有 ERROR 的级别：4（FATAL）" in told
    assert "没有测成的级别：0（VERBOSE）、1（INFO）、2（WARNING）、3（ERROR）" in told


def test_log_levels_tell_from_where_on_something_is_hidden() -> None:
    told = _told("log_severity", **WORLDS["logs"])
    assert "有 ERROR 的级别：0（VERBOSE）、1（INFO）、2（WARNING）、3（ERROR）；" in told
    assert "有 WARNING 的级别：0（VERBOSE）、1（INFO）、2（WARNING）；" in told
    assert "配置的键拼错时，有提示的级别：一个也没有" in told


def test_threads_of_the_sequential_mode_are_compared_with_the_defaults() -> None:
    assert "一个线程也没有多" in _told("inter_op_num_threads")
    more = {(None, "sequential_4", "threads"): 5.0}
    assert "线程从 2 个变成 5 个" in _told("inter_op_num_threads", values=more)


def test_nodes_that_ran_side_by_side_are_counted_over_all_parallel_cases() -> None:
    some = {(None, "parallel_2", "overlapping_nodes"): 7.0}
    assert "最多有 7 个节点" in _told("execution_mode", values=some)
    assert "没有任何节点" in _told("execution_mode")


def test_what_is_left_after_a_trim_is_named_where_it_differs() -> None:
    trimmed = {(None, case, "kept_trimmed_mib"): 84.0 for case in (BASELINE, "arena_off")}
    told = _told("arena", values=trimmed).replace("\u202f", " ")
    assert "，trim 后 84 MiB；" in told
    assert "；默认 trim 后 84 MiB。" in told
    assert "trim" not in _told("arena")

"""Conclusions and claims of every experiment, on results made up in every direction they can turn."""

from __future__ import annotations

import re
from typing import Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import faults, text_of
from worlds import CRASHED, WORLDS, answers, made_up_in

from bench.experiments import EXPERIMENTS
from bench.spec import BASELINE

STATED = re.compile(
    r"耗时[多少]|比默认[多少快慢]|更[快慢多少]|最快|并列|远小于|占用变为|没有明显增加|分不出|值得一试|没有测出|变少|<strong>"
)
"""Words that state a difference, or that there is none."""


def _sentences(made_up: MadeUp) -> list[str]:
    return list(made_up.spec.conclude(made_up.words()))


def _all_text(made_up: MadeUp) -> str:
    told = _sentences(made_up)
    for answer in answers(made_up).values():
        told += [answer.measured, answer.now]
    return "\n".join(told)


EVERYWHERE = pytest.mark.parametrize("experiment", EXPERIMENTS)
IN_EVERY_WORLD = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)


@EVERYWHERE
@IN_EVERY_WORLD
def test_conclusions_read_well(experiment: str, world: dict[str, Any]) -> None:
    sentences = _sentences(made_up_in(experiment, world))
    assert sentences
    assert {text_of(one): faults(one) for one in sentences if faults(one)} == {}


@pytest.mark.parametrize("experiment", [name for name, one in EXPERIMENTS.items() if one.claims])
@IN_EVERY_WORLD
def test_claims_are_answered_in_sentences_that_read_well(experiment: str, world: dict[str, Any]) -> None:
    for answer in answers(made_up_in(experiment, world)).values():
        for html in (answer.measured, answer.now):
            assert text_of(html)
            assert not faults(html), text_of(html)


@EVERYWHERE
def test_result_without_groups_still_answers_claims(experiment: str) -> None:
    made_up = MadeUp(experiment=experiment, groups=())
    for answer in answers(made_up).values():
        assert not faults(answer.measured), answer.measured
        assert answer.holds == "unknown"
    assert not [one for sentence in _sentences(made_up) for one in faults(sentence)]


@pytest.mark.parametrize("world", ["draft", "smoke"])
@EVERYWHERE
def test_drafts_state_no_difference(experiment: str, world: str) -> None:
    told = _all_text(made_up_in(experiment, WORLDS[world], absent=("threads",)))
    assert not STATED.findall(told), told


@EVERYWHERE
def test_busy_machine_states_no_difference_in_time(experiment: str) -> None:
    told = _all_text(made_up_in(experiment, WORLDS["busy"], absent=NO_PROC))
    assert not STATED.findall(told), told


@pytest.mark.parametrize("experiment", ["arena", "memory_pattern", "recommended"])
def test_busy_machine_states_no_difference_in_memory(experiment: str) -> None:
    told = _all_text(made_up_in(experiment, WORLDS["busy"]))
    assert not re.findall(r"比默认[多少]|分不出差别", told), told


@EVERYWHERE
def test_too_few_rounds_state_no_difference_in_time(experiment: str) -> None:
    told = _all_text(made_up_in(experiment, WORLDS["few rounds"], absent=NO_PROC))
    assert not STATED.findall(told), told


@EVERYWHERE
def test_words_follow_the_direction_of_time(experiment: str) -> None:
    faster, slower, same = (
        _all_text(made_up_in(experiment, WORLDS[world])) for world in ("faster", "slower", "the same")
    )
    assert "耗时少" in faster
    assert not re.findall(r"耗时多|更慢|比默认分不出快慢", faster), faster
    assert "耗时多" in slower
    assert not re.findall(r"耗时少|更快|值得一试|比默认分不出快慢", slower), slower
    assert not re.findall(r"耗时[多少]|更[快慢]|值得一试", same), same


@pytest.mark.parametrize("experiment", ["arena", "memory_pattern", "recommended"])
def test_words_follow_the_direction_of_memory(experiment: str) -> None:
    less, more = (_all_text(made_up_in(experiment, WORLDS[f"{word} memory"])) for word in ("less", "more"))
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


def _told(experiment: str, **world: Any) -> str:
    return text_of("".join(_sentences(MadeUp(experiment=experiment, **world))))


def test_only_thread_count_that_was_measured_is_not_called_the_fastest() -> None:
    failures = {(None, case): CRASHED for case in ("1", "4")}
    told = _told("intra_op_num_threads", failures=failures)
    assert "只测成了 2" in told
    assert "最快" not in told


def test_a_thread_count_that_was_not_seen_in_effect_is_not_called_the_fastest() -> None:
    """It may be the fastest for any reason but the one that is given."""
    world = {"outcomes": {(None, "4"): "unseen"}, "values": {(None, "4", "ratio"): 0.5}}
    told = _told("intra_op_num_threads", **world)
    assert "4 线程最快" not in told
    assert "明确设置的线程数里，1、2 并列最快" in told
    only = {(None, case): "nothing" for case in ("1", "4")}
    assert "线程数里看到生效的只有 2" in _told("intra_op_num_threads", outcomes=only)
    none = {(None, case): "unseen" for case in ("1", "2", "4")}
    assert "没有观察到哪个明确设置的线程数生效" in _told("intra_op_num_threads", outcomes=none)


def test_counts_tie_only_where_none_differs_from_the_default() -> None:
    assert "并列最快" in _told("intra_op_num_threads")
    wide = _told("intra_op_num_threads", half_width=0.2)
    assert "并列最快" not in wide
    assert "还分不出谁最快" in wide


def test_what_an_arena_that_was_not_seen_off_leaves_is_no_finding() -> None:
    values = {(None, "arena_off", "kept_mib"): 100.0}
    assert "留下的远小于" in _told("arena", values=values)
    assert "留下的远小于" not in _told("arena", values=values, outcomes={(None, "arena_off"): "unseen"})


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

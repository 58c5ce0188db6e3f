"""Conclusions and claims of every experiment, on results made up in every direction they can turn."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from branches import Tracking
from jinja2 import DictLoader, Environment
from made_up import NO_PROC, MadeUp
from prose import faults, text_of
from test_claim_answers import CLAIMS, EXPERIMENT_OF, SAID
from worlds import OFF_ALONE, WORLDS, made_up_in, of_cases, tell

from bench.experiments import EXPERIMENTS
from bench.pages import sentences
from bench.spec import BASELINE, CONTROL

STATED = re.compile(
    r"耗时[多少]|比默认[多少快慢]|更[快慢多少]|最快|并列|远小于|占用变为|没有明显增加|分不出|值得一试|没有测出|变少|<strong>"
)
"""Words that state a difference, or that there is none."""
EVERYWHERE = pytest.mark.parametrize("experiment", EXPERIMENTS)
THREADS, ARENA, PATTERN = "intra_op_num_threads", "arena", "memory_pattern"
BASELINES = (BASELINE, CONTROL)


def _all_text(made_up: MadeUp, templates: Environment | None = None) -> str:
    told = tell(made_up, templates)
    answers = [text for answer in told.answers.values() for text in (answer.measured, answer.now)]
    return "\n".join([*told.conclusion, *answers])


def _in(experiment: str, world: str, **more: Any) -> str:
    return _all_text(made_up_in(experiment, WORLDS[world], **more))


@pytest.fixture(scope="module")
def tracked() -> tuple[Tracking, dict[tuple[str, str], str]]:
    """Templates that know what they rendered, and all that was told: (experiment, world) -> text."""
    templates = sentences.environment(kind=Tracking)
    told = {
        (experiment, world): _all_text(made_up_in(experiment, WORLDS[world]), templates)
        for experiment in EXPERIMENTS
        for world in WORLDS
    }
    for world in WORLDS.values():
        _by_default(ARENA, world, templates)
    _by_default(ARENA, {}, templates, only=BASELINE)
    for claim, world in [*((one[0], one[2]) for one in CLAIMS), *((one[0], one[1]) for one in SAID)]:
        tell(MadeUp(experiment=EXPERIMENT_OF[claim], **world), templates)
    return templates, told


def test_every_branch_is_rendered_in_some_world(tracked: tuple[Tracking, Any]) -> None:
    assert tracked[0].never_rendered() == []


def test_branch_that_is_never_rendered_is_named_with_its_line() -> None:
    source = "{% if a %}\n1\n{% elif b %}\n2\n{% else %}\n3\n{% endif %}\n{% for c in a %}{{ 1 if c else 2 }}{% else %}0{% endfor %}"
    templates = Tracking(loader=DictLoader({"toy": source}))
    found = []
    for values in ({"a": [1]}, {"a": [], "b": True}, {"a": [0], "b": False}):
        templates.get_template("toy").render(values)
        found.append(templates.never_rendered())
    lone = "toy:8 … else"
    assert found == [["toy:3 elif", "toy:5 else", "toy:8 else", lone], ["toy:5 else", lone], ["toy:5 else"]]


@EVERYWHERE
def test_sentences_read_well_in_every_world(
    tracked: tuple[Any, dict[tuple[str, str], str]], experiment: str
) -> None:
    told = {world: text for (name, world), text in tracked[1].items() if name == experiment}
    assert [world for world, text in told.items() if not text and world != "no groups"] == []
    lines = {line for text in told.values() for line in text.splitlines()}
    assert {line: faults(line) for line in lines if faults(line)} == {}
    unmeasured = tell(MadeUp(experiment=experiment, groups=())).answers
    assert {answer.holds for answer in unmeasured.values()} <= {"unknown"}


def _by_default(
    experiment: str, world: dict[str, Any], templates: Environment | None = None, only: str = ""
) -> str:
    """What is told of an experiment that has no template."""
    made_up = made_up_in(experiment, world)
    unwritten = replace(made_up.spec, id="unwritten", claims=())
    export = made_up.export()
    rows = [row for row in export.rows if only in ("", row.case)]
    told = sentences.tell(unwritten, export.model_copy(update={"rows": rows}), templates)
    return "\n".join(told.conclusion)


@EVERYWHERE
def test_default_conclusion_reads_well_and_follows_the_numbers(experiment: str) -> None:
    told = {world: _by_default(experiment, WORLDS[world]) for world in WORLDS}
    assert {one for text in told.values() for one in text.splitlines() if faults(one)} == set()
    assert not re.findall(r"耗时多|比默认", told["faster"])
    assert not re.findall(r"耗时少|比默认", told["slower"])
    assert "比默认少 60%" in told["less memory"]
    assert "比默认多 200%" in told["more memory"]
    assert not STATED.findall(told["draft"])
    titles = {case.id: case.title for case in made_up_in(experiment, {}).cases}
    assert [one for case, one in titles.items() if one not in told["slower"] and case not in BASELINES] == []
    assert titles[CONTROL] not in told["slower"]


@pytest.mark.parametrize(
    ("world", "absent"),
    [("draft", ("threads",)), ("smoke", ("threads",)), ("busy", NO_PROC), ("few rounds", NO_PROC)],
)
@EVERYWHERE
def test_no_difference_is_stated_where_none_is_judged(
    experiment: str, world: str, absent: tuple[str, ...]
) -> None:
    """On a busy machine and after few rounds, memory that was measured once may still be."""
    told = _in(experiment, world, absent=absent)
    assert not STATED.findall(told), told


@EVERYWHERE
def test_words_follow_the_direction_of_time(experiment: str) -> None:
    faster, slower, same = (_in(experiment, world) for world in ("faster", "slower", "the same"))
    assert "耗时少" in faster
    assert not re.findall(r"耗时多|更慢|比默认分不出快慢", faster), faster
    assert "耗时多" in slower
    assert not re.findall(r"耗时少|更快|值得一试|比默认分不出快慢", slower), slower
    assert not re.findall(r"耗时[多少]|更[快慢]|值得一试", same), same


@pytest.mark.parametrize("experiment", ["arena", "memory_pattern", "recommended"])
def test_words_follow_the_direction_of_memory(experiment: str) -> None:
    less, more, busy = (_in(experiment, world) for world in ("less memory", "more memory", "busy"))
    assert "比默认少 60%" in less
    assert "比默认多" not in less
    assert "比默认多 200%" in more
    assert "比默认少" not in more
    assert not re.findall(r"比默认[多少]|分不出差别", busy), busy


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
        told += _by_default(experiment, {**world, **more})
        assert "<script" not in told
        assert "&lt;script&gt;" in told


BOTH, NOT_BOTH = "arena 关了，再关内存模式，", "arena 关了，就不要再关内存模式，占得反而多"
TO_3 = "0（VERBOSE）、1（INFO）、2（WARNING）、3（ERROR）"
TRIMMED = {"kept_trimmed_mib": 84}
NOT_JUDGED = ({"profile": "quick", "rounds": 3}, {"busy": True}, {"absent": NO_PROC})
TOLD: list[tuple[str, str | dict[str, Any], str, str]] = [
    (THREADS, "the same", "1、2、4 并列最快，分不出快慢|空转等活", "还分不出谁最快"),
    (THREADS, "one count wins", "线程数里，2 线程最快|开到 4 线程，与默认比耗时多 150", "并列"),
    (THREADS, "no two can be told apart", "还分不出谁最快", "并列最快"),
    (THREADS, "two counts overlap", "2、4 的区间有重叠，还分不出谁最快", "并列最快"),
    (THREADS, "draft", "还不能下结论", "最快"),
    (THREADS, "one count measured", "只测成了 2", "最快"),
    (THREADS, "one count in effect", "线程数里看到生效的只有 2", "最快"),
    (THREADS, "the fastest count not seen", "，1、2 并列最快", "4 线程最快"),
    (THREADS, "nothing is seen to take effect", "没有观察到哪个明确设置的线程数生效", "最快"),
    (THREADS, {"cores": 1, **of_cases(default={"threads": 1})}, "开到 2 线程", "空转等活"),
    (THREADS, {"cores": 64}, "超过可用的 64 核、开到 128 线程", "32 核"),
    ("container", {"cores": 1}, "1 线程，与默认比", "2 线程"),
    ("container", {"cores": 64}, "32 线程，与默认比", "64"),
    (ARENA, "the same", "第二次推理后占用变为 2.0 倍", "远小于|trim"),
    (ARENA, "nothing kept changes", "第二次推理后占用没有明显增加", "倍"),
    (ARENA, "little left", "留下的远小于推理途中需要的", "没有明显增加"),
    (ARENA, {**WORLDS["little left"], "outcomes": {(None, "arena_off"): "unseen"}}, "不作结论", "远小于"),
    (ARENA, of_cases(default=TRIMMED, arena_off=TRIMMED), "，trim 后 84 MiB；|；默认 trim 后 84 MiB。", "远小于"),
    ("graph_optimization", "optimised", "从 300 个变为 120 个，新出现 FusedConv、A、B、C、D、E 等。", "F、"),
    ("graph_optimization", "operators seen of the default only", "都执行 120 个节点", "新出现"),
    ("log_severity", "logs of one level", f"日志里有 ERROR 的级别：4（FATAL）|没有测成的级别：{TO_3}", "ERROR 的级别：一个也"),
    ("log_severity", "logs", f"有 ERROR 的级别：{TO_3}；|有提示的级别：一个也没有", "没有测成"),
    ("log_severity", "logs", "有 WARNING 的级别：0（VERBOSE）、1（INFO）、2（WARNING）；", "FATAL）；配"),
    ("inter_op_num_threads", "the same", "一个线程也没有多", "变成"),
    ("inter_op_num_threads", of_cases(sequential_4={"threads": 5}), "线程从 2 个变成 5 个", "没有多"),
    ("execution_mode", "the same", "没有任何节点", "最多有"),
    ("execution_mode", of_cases(parallel_usable={"overlapping_nodes": 7}), "最多有 7 个节点", "没有任何节点"),
    (PATTERN, "more with both off", f"{NOT_BOTH}（与只关 arena 比，峰值 500 MiB 对 500 MiB，留存 600 MiB 对 300 MiB）", "还能"),
    (PATTERN, of_cases(arena_off=OFF_ALONE, arena_pattern_off={"kept_mib": 300, "peak_mib": 600}), NOT_BOTH, "还能"),
    (PATTERN, "less with both off", f"{BOTH}还能少占（与只关 arena 比，", f"{NOT_BOTH}（"),
    (PATTERN, "less and more", f"{BOTH}峰值和留存一升一降（", f"{NOT_BOTH}（"),
    (PATTERN, of_cases(arena_off=OFF_ALONE, arena_pattern_off={"kept_mib": 310, "peak_mib": 510}), f"{BOTH}内存没有差别", f"{NOT_BOTH}（"),
    (PATTERN, of_cases(arena_off=OFF_ALONE, arena_pattern_reuse_off={"kept_mib": 600, "peak_mib": 500}), "就不要再关内存模式和内存复用，占得反而多", "还能"),
    *((PATTERN, {**of_cases(arena_off=OFF_ALONE), **one}, "关闭 arena 之后", "arena 关了") for one in NOT_JUDGED),
]  # fmt: skip


@pytest.mark.parametrize(("experiment", "world", "said", "unsaid"), TOLD)
def test_conclusions_say_what_follows(
    experiment: str, world: str | dict[str, Any], said: str, unsaid: str
) -> None:
    made_up = made_up_in(experiment, WORLDS[world] if isinstance(world, str) else world)
    told = text_of("".join(tell(made_up).conclusion)).replace("\u202f", " ")
    assert [one for one in said.split("|") if one not in told] == [], told
    assert [one for one in unsaid.split("|") if one in told] == [], told

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
from test_claim_answers import CLAIMS, OF_CLAIM, threads
from worlds import CRASHED, E_LINE, W_LINE, WORLDS, made_up_in, memory, of_cases, tell

from bench.experiments import EXPERIMENTS
from bench.pages import sentences
from bench.spec import BASELINE, CONTROL

STATED = re.compile(
    r"耗时[多少]|比默认[多少快慢]|更[快慢多少]|最快|并列|远小于|占用变为|没有明显增加|分不出|值得一试|没有测出|变少|<strong>"
)
"""Words that state a difference, or that there is none."""
EVERYWHERE = pytest.mark.parametrize("experiment", EXPERIMENTS)
THREADS, ARENA, PATTERN = "intra_op_num_threads", "arena", "memory_pattern"
BOTH, NOT_BOTH = (
    "arena 关了，再关 enable_mem_pattern，",
    "arena 关了，就不要再关 enable_mem_pattern，占得反而多",
)
TO_3 = "0（VERBOSE）、1（INFO）、2（WARNING）、3（ERROR）"
OPERATORS = {"disable_all": {"Conv": 3}, BASELINE: dict.fromkeys(("Conv", "FusedConv", *"ABCDEF"), 1)}
OPTIMISED = {**of_cases(disable_all={"nodes": 300}), "operators": OPERATORS}
LEVEL_4 = {"transcripts": {"level_4": {"error": [E_LINE], "misspelt_key": [W_LINE, E_LINE]}}}
SLOWER = {(None, "arena_off", "ratio"): 1.5}
SAVING, COSTLY = {(None, "pattern_off", "kept_mib"): 400.0}, {(None, "pattern_off", "ratio"): 1.5}
NOT_JUDGED = ({"profile": "quick", "rounds": 3}, {"busy": True}, {"absent": NO_PROC})

OFF, LITTLE = (300, 500), memory(arena_off=(100, 800))
UNSEEN = {case: {"outcomes": {(None, case): "unseen"}} for case in ("double", "arena_off", "pattern_off")}
TOLD: list[tuple[str, str | dict[str, Any], str, str]] = [
    (THREADS, "the same", "1、2、4 并列最快，分不出快慢|空转等活", "还分不出谁最快"),
    (THREADS, of_cases(single={"ratio": 1.9}, usable={"ratio": 1.0}, double={"ratio": 2.5}), "线程数里，2 线程最快|开到 4 线程，与默认比耗时多 150", "并列"),
    (THREADS, "no two can be told apart", "还分不出谁最快", "并列最快"),
    (THREADS, {**of_cases(single={"ratio": 3.0}, double={"ratio": 1.3}), "half_widths": {(None, "usable", "ratio"): 0.9}}, "2、4 的区间有重叠，还分不出谁最快", "并列最快"),
    (THREADS, "draft", "还不能下结论", "最快"),
    (THREADS, {"failures": {(None, case): CRASHED for case in ("single", "double")}}, "只测成了 2", "最快"),
    (THREADS, {"outcomes": {(None, case): "nothing" for case in ("single", "double")}}, "线程数里看到生效的只有 2", "最快"),
    (THREADS, {**of_cases(double={"ratio": 0.5}), **UNSEEN["double"]}, "，1、2 并列最快", "4 线程最快"),
    (THREADS, "nothing is seen to take effect", "没有观察到哪个明确设置的线程数生效", "最快"),
    (THREADS, {"cores": 1, **of_cases(default={"threads": 1})}, "开到 2 线程", "空转等活"),
    (THREADS, {"cores": 64}, "超过可用的 64 核、开到 128 线程", "32 核"),
    ("container", {"cores": 1}, "1 线程，与默认比", "2 线程"),
    ("container", {"cores": 64}, "32 线程，与默认比", "64"),
    (ARENA, "the same", "第二次推理后占用变为 2.0 倍", "远小于|trim"),
    (ARENA, of_cases(default={"after_second_mib": 801}), "第二次推理后占用没有明显增加", "倍"),
    (ARENA, LITTLE, "留下的远小于推理途中需要的", "没有明显增加"),
    (ARENA, {**LITTLE, **UNSEEN["arena_off"]}, "不作结论", "远小于"),
    (ARENA, of_cases(default={"kept_trimmed_mib": 84}, arena_off={"kept_trimmed_mib": 84}), "，trim 后 84 MiB；|；默认 trim 后 84 MiB。", "远小于"),
    ("graph_optimization", OPTIMISED, "从 300 个变为 120 个，新出现 FusedConv、A、B、C、D、E 等。", "F、"),
    ("graph_optimization", {"operators": {**OPERATORS, BASELINE: {"FusedConv": 3}}}, "都执行 120 个节点，新出现 FusedConv。", "等。"),
    ("graph_optimization", {"operators": {BASELINE: {"FusedConv": 1}}}, "都执行 120 个节点", "新出现"),
    ("log_severity", LEVEL_4, f"日志里有 ERROR 的级别：4（FATAL）|没有测成的级别：{TO_3}", "ERROR 的级别：一个也"),
    ("log_severity", "logs", f"有 ERROR 的级别：{TO_3}；|有提示的级别：一个也没有|有 WARNING 的级别：0（VERBOSE）、1（INFO）、2（WARNING）；", "没有测成|FATAL）；配"),
    ("inter_op_num_threads", "the same", "一个线程也没有多", "变成"),
    ("inter_op_num_threads", of_cases(sequential_4={"threads": 5}), "线程从 2 个变成 5 个", "没有多"),
    ("execution_mode", "the same", "没有任何节点", "最多有"),
    ("execution_mode", of_cases(parallel_usable={"overlapping_nodes": 7}), "最多有 7 个节点", "没有任何节点"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(600, 500)), f"{NOT_BOTH}（与只关 arena 比，峰值 500 MiB 对 500 MiB，留存 600 MiB 对 300 MiB）", "还能"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(300, 600)), NOT_BOTH, "还能"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(100, 500)), f"{BOTH}还能少占（与只关 arena 比，", f"{NOT_BOTH}（"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(100, 600)), f"{BOTH}峰值和留存一升一降（", f"{NOT_BOTH}（"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_off=(310, 510)), f"{BOTH}内存没有差别", f"{NOT_BOTH}（"),
    (PATTERN, memory(arena_off=OFF, arena_pattern_reuse_off=(600, 500)), "就不要再关 enable_mem_pattern 和 enable_mem_reuse，占得反而多", "还能"),
    *((PATTERN, {**memory(arena_off=OFF), **one}, "关 arena 之后", "arena 关了") for one in NOT_JUDGED),
    ("formats", of_cases(optimised={"open_ratio": 0.7}), "ms，与默认比打开用时少 30%（29%–31%）；打开时的峰值|ms；打开时的峰值", "打开用时多"),
    ("dynamic_block_base", "unclear", "：中位数与默认比还分不出快慢|；p95 延迟还分不出快慢", "；还分不出"),
    ("dynamic_block_base", "nothing takes effect", "设为 4：设了和默认一样，什么都没有改变。", "改变；"),
    ("13_percent", {"time": 0.8}, "耗时少 20%", "更慢|代价|耗时多"),
    ("13_percent", {"values": SLOWER}, "没有一个通用的百分数", "关 enable_mem_pattern"),
    ("13_percent", {"values": SLOWER | SAVING}, "只想省内存，先试关 enable_mem_pattern", "代价也"),
    ("13_percent", {"values": SLOWER | SAVING | COSTLY}, "没有一个通用的百分数", "关 enable_mem_pattern"),
    ("kept_5618_5", memory(arena_off=(1900, 1900)), "从 1600 MiB 变为 1900|没有让留存变少", "留存确实变少"),
    ("kept_5618_5", memory(arena_off=(100, 800), pattern_off=(1200, 900)), "关 arena 连峰值也更低|峰值 800 MiB 对 900 MiB", "没有降低"),
    ("kept_5618_5", memory(arena_off=(100, 800), pattern_off=(1200, 700)), "关 arena 没有降低峰值，多省的只是|800 MiB 对 700 MiB", "更低"),
    ("kept_5618_5", memory(arena_off=(100, 800), pattern_off=(1200, 820)), "关 arena 没有降低峰值，多省的只是", "更低"),
    ("kept_5618_5", memory(arena_off=(100, 800), pattern_off=(50, 800)), "关 arena 没有多省，只关 enable_mem_pattern 就够了", "更低"),
    ("kept_5618_5", {**LITTLE, **UNSEEN["pattern_off"]}, "留存确实变少", "与只关 enable_mem_pattern 比"),
    ("all_cores", {**threads(4, 4, 2), "cores": 2}, "比默认的线程少，要明确设", "一样多"),
    ("all_cores", {**threads(4, 4, 2), "cores": 4}, "一样多；", "线程少"),
]  # fmt: skip
"""Experiment or claim, its world, what is said (all parts) and what is not (any)."""


def _all_text(made_up: MadeUp, templates: Environment | None = None, claim: str = "") -> str:
    """Conclusion and answers; of a claim its answer alone."""
    told = tell(made_up, templates)
    answers = [text for answer in told.answers.values() for text in (answer.measured, answer.now)]
    asked = told.answers.get(claim)
    return "\n".join([asked.measured, asked.now] if asked else [*told.conclusion, *answers])


def _of_row(of: str, world: str | dict[str, Any]) -> MadeUp:
    experiment = OF_CLAIM[of][0] if of in OF_CLAIM else of
    return made_up_in(experiment, WORLDS[world] if isinstance(world, str) else world)


def _by_default(
    experiment: str, world: dict[str, Any], templates: Environment | None = None, only: str = ""
) -> str:
    """What is told of an experiment that has no template."""
    made_up = made_up_in(experiment, world)
    unwritten, export = replace(made_up.spec, id="unwritten", claims=()), made_up.export()
    rows = [row for row in export.rows if only in ("", row.case)]
    told = sentences.tell(unwritten, export.model_copy(update={"rows": rows}), templates)
    return "\n".join(told.conclusion)


@pytest.fixture(scope="module")
def tracked() -> tuple[Tracking, dict[str, dict[str, str]]]:
    """Templates that know what they rendered, and all that was told: experiment -> world -> text."""
    templates = sentences.environment(kind=Tracking)
    told = {
        name: {of: _all_text(made_up_in(name, world), templates) for of, world in WORLDS.items()}
        for name in EXPERIMENTS
    }
    for world in WORLDS.values():
        _by_default(ARENA, world, templates)
    _by_default(ARENA, {}, templates, only=BASELINE)
    for of, world in [*((one[0], one[2]) for one in CLAIMS), *((one[0], one[1]) for one in TOLD)]:
        tell(_of_row(of, world), templates)
    return templates, told


def test_every_branch_is_rendered_in_some_world_and_one_that_is_not_is_named_with_its_line(
    tracked: tuple[Tracking, Any],
) -> None:
    assert tracked[0].never_rendered() == []
    source = "{% if a %}\n1\n{% elif b %}\n2\n{% else %}\n3\n{% endif %}\n{% for c in a %}{{ 1 if c else 2 }}{% else %}0{% endfor %}"
    templates, found = Tracking(loader=DictLoader({"toy": source})), []
    for values in ({"a": [1]}, {"a": [], "b": True}, {"a": [0], "b": False}):
        templates.get_template("toy").render(values)
        found.append(templates.never_rendered())
    lone = "toy:8 … else"
    assert found == [["toy:3 If", "toy:5 else", "toy:8 else", lone], ["toy:5 else", lone], ["toy:5 else"]]


@EVERYWHERE
def test_sentences_read_well_in_every_world_and_follow_what_was_judged(
    tracked: tuple[Any, dict[str, dict[str, str]]], experiment: str
) -> None:
    told = tracked[1][experiment]
    assert [world for world, text in told.items() if not text and world != "no groups"] == []
    lines = {line for text in told.values() for line in text.splitlines()}
    assert {line: faults(line) for line in lines if faults(line)} == {}
    unmeasured = tell(MadeUp(experiment=experiment, groups=())).answers
    assert {answer.holds for answer in unmeasured.values()} <= {"unknown"}
    assert "耗时少" in told["faster"]
    assert not re.findall(r"耗时多|更慢|比默认分不出快慢", told["faster"])
    assert "耗时多" in told["slower"]
    assert not re.findall(r"耗时少|更快|值得一试|比默认分不出快慢", told["slower"])
    assert not re.findall(r"耗时[多少]|更[快慢]|值得一试", told["the same"])
    if experiment in (ARENA, PATTERN, "recommended"):
        less, more = told["less memory"], told["more memory"]
        assert ("比默认少 60%" in less, "比默认多" in less) == (True, False)
        assert ("比默认多 200%" in more, "比默认少" in more) == (True, False)
        assert not re.findall(r"比默认[多少]|分不出差别", told["busy"])
    # On a busy machine and after few rounds, memory that was measured once may still be judged.
    for absent, worlds in ((("threads",), ("draft", "smoke")), (NO_PROC, ("busy", "few rounds"))):
        for world in worlds:
            unjudged = _all_text(made_up_in(experiment, WORLDS[world], absent=absent))
            assert not STATED.findall(unjudged), unjudged


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
    unnamed = [case for case, title in titles.items() if title not in told["slower"]]
    assert CONTROL in unnamed
    assert {*unnamed} <= {BASELINE, CONTROL}


@pytest.mark.parametrize(("of", "world", "said", "unsaid"), TOLD)
def test_sentences_say_what_follows(of: str, world: str | dict[str, Any], said: str, unsaid: str) -> None:
    made_up = _of_row(of, world)
    html = _all_text(made_up, claim=of) if of in OF_CLAIM else "".join(tell(made_up).conclusion)
    told = text_of(html).replace("\u202f", " ")
    assert [faults(line) for line in _all_text(made_up).splitlines() if faults(line)] == []
    assert [one for one in said.split("|") if one not in told] == [], told
    assert [one for one in unsaid.split("|") if one in told] == [], told

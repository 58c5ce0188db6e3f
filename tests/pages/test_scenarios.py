"""What won a scenario: the words, the evidence, and the code a reader copies."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import FAULTS, faults, markup_faults, text_of

from bench.experiments import EXPERIMENTS
from bench.pages import api, chooser, scenarios, source
from bench.pages.words import MARK
from bench.results.choice import RESAMPLES
from bench.results.published import CandidateRow, Choice, Export
from bench.spec import BASELINE, ORIGINAL, input_title
from bench.system.folders import ROOT

CRASHED = "进程因信号 SIGSEGV 结束"
SCENARIOS = {one.id: (name, one) for name, spec in EXPERIMENTS.items() for one in spec.scenarios}
DRAFT, NONE_ABLE = "草稿，不作推荐", "没有候选满足全部条件"
EVERY = pytest.mark.parametrize("scenario_id", SCENARIOS)
HOME = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
FAILED, NO_ORIGINAL = ({"failures": {(None, one): CRASHED}} for one in (BASELINE, ORIGINAL))
WORLDS: tuple[dict[str, Any], ...] = (
    {}, {"time": 0.8, "memory": 0.5}, {"profile": "quick", "rounds": 1}, {"busy": True}, {"absent": NO_PROC},
    {"time": 1.05, "half_width": 0.1}, FAILED, NO_ORIGINAL, {"failures": {(None, None): CRASHED}},
    {"groups": (0,)}, {"groups": ()}, {"cores": 1}, {"cores": 64},
)  # fmt: skip


def _export(
    scenario_id: str, winner: str, reason: str = "", *, refused: Any = (), choice: Any = (), **world: Any
) -> Export:
    """`refused`: candidate -> why; `choice`: changes in it."""
    (experiment, scenario), why = SCENARIOS[scenario_id], dict(refused)
    rows = [
        CandidateRow(case=case, score=None if case in why else 0.9, refused=why.get(case, ""))
        for case in scenario.candidates
    ]
    fields: dict[str, Any] = {
        "scenario": scenario.id, "winner": winner, "reason": reason, "rounds": 6, "candidates": rows,
        "left_out": [], "vote": None if reason else 0.96, "stable": True, **dict(choice),
    }  # fmt: skip
    return MadeUp(**{"experiment": experiment, "choices": (Choice(**fields),), "rounds": 6, **world}).export()


def _told(made: Any, scenario_id: str, *rest: Any, **world: Any) -> str:
    return str(made(_export(scenario_id, *rest, **world), SCENARIOS[scenario_id][1]))


def _candidates(scenario_id: str) -> list[str]:
    experiment, scenario = SCENARIOS[scenario_id]
    known = {case.id for case in MadeUp(experiment=experiment).cases}
    return [case for case in scenario.candidates if case in known]


LAST = {name: _candidates(name)[-1] for name in SCENARIOS}


@EVERY
def test_scenario_is_sound_and_its_winner_named_with_evidence_of_every_group(scenario_id: str) -> None:
    """The home page never shows a noisy one."""
    (experiment, scenario), last = SCENARIOS[scenario_id], LAST[scenario_id]
    for cores in (1, 64, 2):
        made_up = MadeUp(experiment=experiment, cores=cores)
        titles = {case.id: case.title for case in made_up.cases}
        assert {*scenario.candidates, *(limit.than for limit in scenario.limits)} <= titles.keys()
        for index in scenario.groups:
            assert set(scenario.candidates) <= set(made_up.spec.groups[index].cases or titles)
    assert [faults(scenario.use), faults(scenario.avoid)] == [[], []]
    assert scenarios._minimised(scenario) != scenario.minimise
    noisy = {"noisy": range(len(EXPERIMENTS[experiment].groups))}
    html = _told(scenarios.card, scenario_id, last, **noisy)
    assert f'data-scenario="{scenario_id}" data-winner="{last}"' in html
    assert f"测试机上选出：<strong>{titles[last]}</strong>。" in html
    assert html.count("胜出</td>") == 1
    assert [MARK in one for one in re.findall(r"<li>(.*?)</li>", html)] == [True] * len(scenario.groups)
    assert not re.findall(r"[慢快]到? ?\d", _told(scenarios.line, scenario_id, last, time=1.5, **noisy))


CROWDED = "不满足“用到的核不超过自己那一份”（玩具 batch=1）"
OFF = ("general", "pattern_off")
ONE_CORE = {"values": {(None, LAST[name], "cores_used"): 1.0 for name in ("container", "general")}}


@pytest.mark.parametrize(
    ("card", "world", "told", "untold"),
    [
        (OFF, {}, f"把选的轮次重抽 {RESAMPLES} 次，192 次选中它。", "换一批轮次|只有它满足"),
        (OFF, {"choice": {"vote": 0.4, "stable": False}}, f"选出不同的几套，这里取其中最简单的（重抽 {RESAMPLES} 次，80 次选中它）。", "None"),
        (OFF, {"choice": {"left_out": ["玩具 batch=1", "另一组"]}}, "没有算进去（噪声太大）：玩具 batch=1、另一组。", "None"),
        (("memory", LAST["memory"]), {"refused": dict.fromkeys(_candidates("memory")[:-1], CROWDED)}, "，候选里只有它满足全部条件。", "换一批轮次"),
        (("general", BASELINE, DRAFT), {"profile": "quick", "time": 1.5, "memory": 0.4}, f"这次没有选出更好的：{DRAFT}，先用默认。", "胜出|合格|另外的轮次|重抽|比慢 |比快 |没有差别|分不出快慢"),
        (("container", BASELINE, NONE_ABLE), {"refused": {BASELINE: CROWDED}}, f"先用默认。它自己也不合条件（{CROWDED}）", "胜出"),
        (("container", BASELINE, NONE_ABLE), {}, f"{NONE_ABLE}，先用默认。", "它自己也不合条件"),
        (("general", BASELINE), {}, "测试机上选出：默认。|与 2022 年的那套比|最多占 1.6 GiB（2022 年的那套 1.6 GiB）", "与默认比"),
        (("memory", ORIGINAL), {}, "与默认比", "与 2022 年的那套比"),
        (("container", "share"), {}, "只给一半的核|2 个进程同时跑", "无从比较"),
        (("container", LAST["container"]), ONE_CORE, "平均用到 1.0 个核（默认 2.0 个）", "无从比较"),
        (("general", LAST["general"]), ONE_CORE, "与默认比", "平均用到"),
        (("general", BASELINE), {"refused": {"pattern_off": CROWDED}}, f"—{CROWDED}", f"0.900{CROWDED}"),
        (OFF, NO_ORIGINAL, "2022 年的那套没有测成，无从比较", "读不到"),
        (OFF, FAILED, "默认没有测成，无从比较；与 2022 年的那套无从比较；最多占", "读不到"),
        (OFF, {"failures": {(None, "pattern_off"): CRASHED}}, f"没有测成（{CRASHED}）|最多占没有测成；做完后还占没有测成", "读不到"),
        (OFF, {"absent": NO_PROC}, "最多占读不到；做完后还占读不到", "没有测成"),
    ],
)  # fmt: skip
def test_card_says_what_follows(card: tuple[Any, ...], world: dict[str, Any], told: str, untold: str) -> None:
    """Nothing is compared with itself, and what cannot be compared says why."""
    html = _told(scenarios.card, *card, **world)
    text = text_of(html).replace("\u202f", " ")
    assert [one for one in told.split("|") if one not in text] == [], text
    assert [one for one in untold.split("|") if one in text] == [], text
    assert not [one for one in re.findall(r"<p[^>]*>(.*?)</p>", html) if faults(one)]


FEW_ROUNDS = "用来选或用来核对的只有 3 轮，不作推荐"


def _left(*indices: int) -> dict[str, Any]:
    """The world in which a choice of `recommended` left these groups out, named as a choice names them."""
    groups = MadeUp(experiment="recommended").export().groups
    return {
        "choice": {"left_out": [f"{groups[n].model_title} {input_title(groups[n].input)}" for n in indices]}
    }


@pytest.mark.parametrize(
    ("scenario_id", "case", "reason", "world", "told", "english", "code"),
    [
        ("general", BASELINE, NONE_ABLE, {}, "先用默认设置：测试机上比过的几套，没有一套证明更好。", "nothing was proven", BASELINE),
        ("general", BASELINE, "每一组都受扰太多", _left(0, 1, 2), "先用默认设置：这次误差太大，没有比出更好的。", "too noisy to choose", BASELINE),
        ("general", BASELINE, FEW_ROUNDS, {"rounds": 3}, f"先用默认设置：{FEW_ROUNDS}。", "nothing could be chosen", BASELINE),
        ("service", "spinning_stop", "", _left(4), "先用默认设置：请求之间有停顿的组这次误差太大，选不出来。", "nothing could be chosen", BASELINE),
        ("service", "spinning_stop", "", {"groups": (3,)}, "先用默认设置：请求之间有停顿的组这次没有测到，选不出来。", "nothing could be chosen", BASELINE),
        ("service", "spinning_stop", "", _left(3), "测试机上选出：调用之后停止空转。1 组误差太大，快慢没有算进去。", "use the code below", "spinning_stop"),
        ("container", BASELINE, NONE_ABLE, {}, "测试机上比过的几套，没有一套证明更好：只设线程数，别的不动。", "nothing was proven", "share"),
        ("container", BASELINE, "", {}, "测试机上比过的几套，没有一套证明更好：只设线程数，别的不动。", "keep the defaults", "share"),
        ("container", "no_spin", "", {}, "测试机上选出：不空转。", "use the code below", "no_spin"),
    ],
)  # fmt: skip
def test_what_is_said_in_short_claims_no_comparison_that_was_not_possible(
    scenario_id: str, case: str, reason: str, world: Any, told: str, english: str, code: str
) -> None:
    """Where a process has a part of the cores, the threads are set whatever else was found."""
    export, scenario = _export(scenario_id, case, reason, **world), SCENARIOS[scenario_id][1]
    line = re.findall(r"<p>(.*?)</p>", str(scenarios.line(export, scenario)))[0]
    assert text_of(line) == told
    assert english in scenarios.in_english(export, scenario)
    assert scenarios.winner(export, scenario).id == code


@EVERY
def test_sentences_read_well_whoever_won(scenario_id: str) -> None:
    winners = ((_candidates(scenario_id)[0], ""), (LAST[scenario_id], ""), (BASELINE, DRAFT))
    scenario = SCENARIOS[scenario_id][1]
    for world, (case, reason) in product(WORLDS, winners):
        export = _export(scenario_id, case, reason, **world)
        told = (scenarios.line, scenarios.card, scenarios.answer, scenarios.in_english)
        line, html, answer, english = (str(made(export, scenario)) for made in told)
        said = re.findall(r"<p[^>]*>(.*?)</p>", line + answer)
        assert not [one for one in said if faults(one.strip())], said
        assert "…" not in english
        assert not markup_faults(html)
        items = re.findall(r"<li>(.*?)</li>", html)
        assert [(text_of(item), faults(item)) for item in items if faults(item)] == []
        assert "<ul></ul>" not in html
        for fault in ("marks side by side", "nothing between brackets", "no number", "exponent"):
            assert not re.findall(FAULTS[fault], text_of(html)), fault


@EVERY
def test_home_page_has_a_place_for_it_with_line_and_code_of_the_winner(
    scenario_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What won, and what it changes against the default on every input that the need is about."""
    scenario = SCENARIOS[scenario_id][1]
    for case in _candidates(scenario_id):
        export = _export(scenario_id, case, time=0.8, memory=0.5)
        monkeypatch.setattr(source, "load", lambda _, export=export: export)
        line = scenarios.line(export, scenario)
        assert api.scenario(scenario_id, "line") == f'<div class="bench">{line}</div>'
        shown = "share" if (scenario_id, case) == ("container", BASELINE) else case
        assert api.scenario(scenario_id, "code") == api.snippet(export.experiment, shown)
        answer, english = (text_of(api.scenario(scenario_id, part)) for part in ("answer", "english"))
        groups = re.findall(r'<tr data-group="(\d)">', line)
        if case == BASELINE:
            assert (groups, "不确定就用默认" in answer, "keep the defaults" in english) == ([], True, True)
        else:
            assert groups == [str(index) for index in scenario.groups]
            assert line.count("快 20%") == len(groups)
            assert line.count("少 50%") >= len(groups)
            assert "不确定就先这样设：" in answer
            assert "最多占的内存少 50%，速度快 20%" in answer
            assert "0.80 times the default’s time" in english
    part = HOME.partition(f'<section id="set-{scenario_id}"')[2].partition("</section>")[0]
    assert f'bench.scenario("{scenario_id}", "code")' in part
    assert f"evidence/{SCENARIOS[scenario_id][0]}.md" in part
    below = HOME.partition("\n# ")[2].split("\n", 2)[2]
    assert below.startswith("```python")
    assert below.split("```")[1].endswith('bench.scenario("general", "answer"))\n')


def test_every_answer_leads_somewhere_no_rule_is_hidden_and_the_form_shows_the_rules() -> None:
    """It starts with the answers of who knows nothing yet."""
    offered = [values for _, values in chooser.QUESTIONS.values()]
    answers = [dict(zip(chooser.QUESTIONS, values, strict=True)) for values in product(*offered)]
    for rule in chooser.RULES:
        assert all(value in chooser.QUESTIONS[name][1] for name, value in rule.answers.items())
    assert {chooser.scenario_for(one) for one in answers} == set(SCENARIOS)
    fitting = [[rule.answers.items() <= one.items() for rule in chooser.RULES] for one in answers]
    assert {fits.index(True) for fits in fitting} == set(range(len(chooser.RULES)))
    assert {chooser.scenario_for(one) for one in answers if one["place"] == "shared"} == {"container"}
    assert chooser.scenario_for(answers[0]) == "general"
    html = chooser.form()
    assert not markup_faults(html)
    assert html.count(" checked>") == len(offered)
    assert '<form class="bench-chooser" hidden' in html
    assert '<details class="bench-rules" open>' in html
    rows = re.findall(r'<tr data-scenario-for="(\w+)"([^>]*)>', html)
    assert [(scenario, dict(re.findall(r'data-(\w+)="(\w+)"', rest))) for scenario, rest in rows] == [
        (rule.scenario, dict(rule.answers)) for rule in chooser.RULES
    ]

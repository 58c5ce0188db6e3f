"""What won a scenario: the words, the evidence, and the code a reader copies."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from made_up import NO_PROC, MadeUp
from prose import FAULTS, faults, markup_faults, text_of

from bench.experiments import EXPERIMENTS
from bench.pages import api, scenarios, source
from bench.pages.words import MARK
from bench.results.choice import RESAMPLES
from bench.results.published import CandidateRow, Choice
from bench.spec import BASELINE, ORIGINAL
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.results.published import Export

CRASHED = "进程因信号 SIGSEGV 结束"
SCENARIOS = {one.id: (name, one) for name, spec in EXPERIMENTS.items() for one in spec.scenarios}
DRAFT, NONE_ABLE = "草稿，不作推荐", "没有候选满足全部条件"
BUSY = "每一组都受扰太多，或默认设置测两遍的偏差太大，选不出来"
EVERY = pytest.mark.parametrize("scenario_id", SCENARIOS)
HOME = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
WORLDS: dict[str, dict[str, Any]] = {
    "usual": {},
    "faster, less memory": {"time": 0.8, "memory": 0.5},
    "draft": {"profile": "quick", "rounds": 1},
    "busy": {"busy": True},
    "unclear": {"time": 1.05, "half_width": 0.1},
    "no /proc": {"absent": NO_PROC},
    "default failed": {"failures": {(None, BASELINE): CRASHED}},
    "original failed": {"failures": {(None, ORIGINAL): CRASHED}},
    "all failed": {"failures": {(None, None): CRASHED}},
    "first group only": {"groups": (0,)},
    "no groups": {"groups": ()},
    "one core": {"cores": 1},
    "64 cores": {"cores": 64},
}


def _export(
    scenario_id: str, winner: str, reason: str = "", refused: Mapping[str, str] | None = None,
    changes: Mapping[str, Any] | None = None, **world: Any,
) -> Export:  # fmt: skip
    """`changes`: in the choice."""
    (experiment, scenario), refused = SCENARIOS[scenario_id], refused or {}
    candidates = [
        CandidateRow(case=case, score=None if case in refused else 0.9, refused=refused.get(case, ""))
        for case in scenario.candidates
    ]
    choice = Choice(
        scenario=scenario.id, winner=winner, reason=reason, rounds=6, candidates=candidates, left_out=[],
        vote=None if reason else 0.96, stable=True,
    ).model_copy(update=dict(changes or {}))  # fmt: skip
    return MadeUp(**{"experiment": experiment, "choices": (choice,), "rounds": 6, **world}).export()


def _card(scenario_id: str, winner: str, *rest: Any, **world: Any) -> str:
    return scenarios.card(_export(scenario_id, winner, *rest, **world), SCENARIOS[scenario_id][1])


def _line(scenario_id: str, winner: str, *rest: Any, **world: Any) -> str:
    return scenarios.line(_export(scenario_id, winner, *rest, **world), SCENARIOS[scenario_id][1])


def _candidates(scenario_id: str) -> list[str]:
    experiment, scenario = SCENARIOS[scenario_id]
    known = {case.id for case in MadeUp(experiment=experiment).cases}
    return [case for case in scenario.candidates if case in known]


def _last(scenario_id: str) -> str:
    return _candidates(scenario_id)[-1]


@EVERY
def test_scenario_names_only_cases_and_groups_of_its_experiment_and_reads_well(scenario_id: str) -> None:
    experiment, scenario = SCENARIOS[scenario_id]
    for cores in (1, 2, 64):
        made_up = MadeUp(experiment=experiment, cores=cores)
        cases = {case.id for case in made_up.cases}
        assert {*scenario.candidates, *(limit.than for limit in scenario.limits)} <= cases
        for index in scenario.groups:
            assert set(scenario.candidates) <= set(made_up.spec.groups[index].cases or cases)
    assert not faults(scenario.use)
    assert not faults(scenario.avoid)
    assert scenarios._minimised(scenario) != scenario.minimise


@EVERY
def test_winner_is_named_in_words_and_for_programs_with_evidence_of_every_group(scenario_id: str) -> None:
    experiment, scenario = SCENARIOS[scenario_id]
    *others, last = _candidates(scenario_id)
    html = _card(scenario_id, last)
    assert f'data-scenario="{scenario_id}" data-winner="{last}"' in html
    title = next(case.title for case in MadeUp(experiment=experiment).cases if case.id == last)
    assert f"测试机上选出：<strong>{title}</strong>。" in html
    assert html.count("胜出</td>") == 1
    assert html.count("<li>") == len(scenario.groups)
    alone = _card(scenario_id, last, "", dict.fromkeys(others, "不满足“峰值”（玩具 batch=1）"))
    assert "</strong>，候选里只有它满足全部条件。" in alone
    assert "只有它满足" not in html


@EVERY
@pytest.mark.parametrize("reason", [DRAFT, NONE_ABLE, BUSY])
def test_without_a_winner_the_reason_stands_there_and_nobody_has_won(scenario_id: str, reason: str) -> None:
    html = _card(scenario_id, BASELINE, reason)
    assert f"这次没有选出更好的：{reason}，先用<strong>默认</strong>。" in html
    assert 'data-winner="default"' in html
    assert not re.findall("胜出|合格|另外的轮次|重抽", text_of(html))


@EVERY
def test_how_sure_a_choice_is_and_what_was_left_out_of_it_is_told(scenario_id: str) -> None:
    def told(**changes: Any) -> tuple[str, str]:
        last = _last(scenario_id)
        return _card(scenario_id, last, changes=changes), _line(scenario_id, last, changes=changes)

    html, line = told(vote=0.835)
    assert f"把选的轮次重抽 {RESAMPLES} 次，167 次选中它。" in html
    assert "换一批轮次" not in html + line
    for shaky in told(vote=0.4, stable=False):
        assert f"这里取其中最简单的（重抽 {RESAMPLES} 次，80 次选中它）。" in shaky
        assert not [one for one in re.findall(r"<p[^>]*>(.*?)</p>", shaky) if faults(one)]
    for partial in told(left_out=["玩具 batch=1", "另一组"]):
        assert "没有算进去（噪声太大）：玩具 batch=1、另一组。" in text_of(partial)


@EVERY
def test_line_of_the_home_page_never_shows_a_noisy_group(scenario_id: str) -> None:
    experiment, scenario = SCENARIOS[scenario_id]
    groups = EXPERIMENTS[experiment].groups
    line, card = (made(scenario_id, _last(scenario_id), noisy=range(len(groups))) for made in (_line, _card))
    assert not [group.model for group in groups if f"某网络 {group.model}" in line]
    items = re.findall(r"<li>(.*?)</li>", card)
    assert [MARK in item for item in items] == [True] * len(scenario.groups)


CROWDED = "不满足“用到的核不超过自己那一份”（玩具 batch=1）"
SLOW = "不满足“每组至多比默认慢 5%”（aspp batch=1）"
ONE_CORE = {"values": {(None, _last(name), "cores_used"): 1.0 for name in ("container", "general")}}


@pytest.mark.parametrize(
    ("card", "world", "told", "untold"),
    [
        (("container", BASELINE, NONE_ABLE, {BASELINE: CROWDED}), {}, f"先用默认。它自己也不合条件（{CROWDED}）", "胜出"),
        (("container", BASELINE, NONE_ABLE), {}, "先用默认。", "它自己也不合条件"),
        (("general", BASELINE), {}, "测试机上选出：默认。|与原文设置比|峰值 1600 MiB（原文设置 1600 MiB）", "与默认比"),
        (("memory", ORIGINAL), {}, "与默认比", "与原文设置比"),
        (("container", "share"), {}, "只给一半的核|2 个进程同时跑", "无从比较"),
        (("container", _last("container")), ONE_CORE, "平均用到 1.0 个核（默认 2.0 个）", "无从比较"),
        (("general", _last("general")), ONE_CORE, "与默认比", "平均用到"),
        (("general", BASELINE, "", {"pattern_off": SLOW}), {}, f"—{SLOW}", f"0.900{SLOW}"),
        (("general", "pattern_off"), WORLDS["original failed"], "原文设置没有测成，无从比较", "读不到"),
        (("general", "pattern_off"), WORLDS["default failed"], "默认没有测成，无从比较；与原文设置无从比较；峰值", "读不到"),
        (("general", "pattern_off"), {"failures": {(None, "pattern_off"): CRASHED}}, f"没有测成（{CRASHED}）|峰值没有测成；留存没有测成", "读不到"),
        (("general", "pattern_off"), {"absent": NO_PROC}, "峰值读不到；留存读不到", "没有测成"),
    ],
)  # fmt: skip
def test_card_says_what_follows(card: tuple[Any, ...], world: dict[str, Any], told: str, untold: str) -> None:
    """Nothing is compared with itself, and what cannot be compared says why."""
    text = text_of(_card(*card, **world)).replace("\u202f", " ")
    assert [one for one in told.split("|") if one not in text] == [], text
    assert untold not in text


def test_home_page_has_a_line_for_every_way_that_processes_ran() -> None:
    lines = {name: _line(name, _last(name)) for name in SCENARIOS}
    counts = {name: line.count("<br>") for name, line in lines.items()}
    assert counts == {**dict.fromkeys(SCENARIOS, 1), "container": 2}
    assert [name for name, line in lines.items() if "峰值" not in line] == ["container"]


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
@EVERY
def test_sentences_read_well_whoever_won(scenario_id: str, world: dict[str, Any]) -> None:
    first, *_, last = _candidates(scenario_id)
    for case, reason in ((first, ""), (last, ""), (BASELINE, DRAFT)):
        line, html = (made(scenario_id, case, reason, **world) for made in (_line, _card))
        assert not faults(re.sub("^<p>|</p>$", "", line)), text_of(line)
        assert not markup_faults(html)
        items = re.findall(r"<li>(.*?)</li>", html)
        assert [(text_of(item), faults(item)) for item in items if faults(item)] == []
        assert "<ul></ul>" not in html
        for fault in ("marks side by side", "nothing between brackets", "no number", "exponent"):
            assert not re.findall(FAULTS[fault], text_of(html)), fault


@EVERY
def test_draft_states_no_difference(scenario_id: str) -> None:
    text = text_of(_card(scenario_id, BASELINE, DRAFT, profile="quick", time=1.5, memory=0.4))
    assert not re.findall(r"耗时[多少] |比默认[多少] |没有差别|分不出快慢", text)


@EVERY
def test_page_shows_card_line_and_the_snippet_of_the_winner(
    scenario_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = SCENARIOS[scenario_id][1]
    for case in _candidates(scenario_id):
        export = _export(scenario_id, case)
        monkeypatch.setattr(source, "load", lambda _, export=export: export)
        line = f'<div class="bench">{scenarios.line(export, scenario)}</div>'
        assert api.scenario(scenario_id, "line") == line
        assert scenarios.card(export, scenario) in api.scenario(scenario_id)
        assert api.scenario(scenario_id, "code") == api.snippet(export.experiment, case)


@pytest.mark.parametrize(("reason", "told"), [("", "测试机上选出：关闭内存模式"), (DRAFT, "先用默认")])
def test_home_page_begins_with_what_to_set(reason: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    export = _export("general", BASELINE if reason else "pattern_off", reason)
    monkeypatch.setattr(source, "load", lambda _: export)
    html = api.scenario("general", "answer")
    assert '“<a href="#set-general">通用起点</a>”开始。' in html
    assert told in text_of(html)
    below = HOME.partition("\n# ")[2].split("\n", 2)[2]
    assert below.split("```")[1].endswith('bench.scenario("general", "answer"))\n')
    assert below.startswith("```python")


def test_every_answer_leads_somewhere_and_no_rule_is_hidden_behind_those_above_it() -> None:
    offered = [values for _, values in scenarios.QUESTIONS.values()]
    answers = [dict(zip(scenarios.QUESTIONS, values, strict=True)) for values in product(*offered)]
    for rule in scenarios.RULES:
        assert all(value in scenarios.QUESTIONS[name][1] for name, value in rule.answers.items())
    assert {scenarios.scenario_for(one) for one in answers} == set(SCENARIOS)
    fitting = [[rule.answers.items() <= one.items() for rule in scenarios.RULES] for one in answers]
    assert {fits.index(True) for fits in fitting} == set(range(len(scenarios.RULES)))
    shared = {scenarios.scenario_for(one) for one in answers if one["place"] == "shared"}
    assert shared == {"container"}


def test_form_starts_with_the_answers_of_who_knows_nothing_yet_and_its_script_reads_the_rules() -> None:
    html = scenarios.chooser()
    assert not markup_faults(html)
    first = {name: next(iter(answers)) for name, (_, answers) in scenarios.QUESTIONS.items()}
    assert scenarios.scenario_for(first) == "general"
    assert html.count(" checked>") == len(first)
    assert '<form class="bench-chooser" hidden' in html
    assert '<details class="bench-rules" open>' in html
    rows = re.findall(r'<tr data-scenario-for="(\w+)"([^>]*)>', html)
    assert [(scenario, dict(re.findall(r'data-(\w+)="(\w+)"', rest))) for scenario, rest in rows] == [
        (rule.scenario, dict(rule.answers)) for rule in scenarios.RULES
    ]


def test_home_page_has_the_place_that_every_rule_points_to() -> None:
    assert set(re.findall(r'<section id="set-(\w+)"', HOME)) == set(SCENARIOS)
    for scenario in SCENARIOS:
        part = HOME.partition(f'<section id="set-{scenario}"')[2].partition("</section>")[0]
        assert f'bench.scenario("{scenario}", "code")' in part
        assert f"onnxruntime-cpu.md#recommended-{scenario}" in part

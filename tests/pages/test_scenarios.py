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
    from bench.spec import Scenario

CRASHED = "进程因信号 SIGSEGV 结束"
SCENARIOS = {one.id: (name, one) for name, spec in EXPERIMENTS.items() for one in spec.scenarios}
DRAFT, NONE_ABLE = "草稿，不作推荐", "没有候选满足全部条件"
BUSY = "每一组都受扰太多，或默认设置测两遍的偏差太大，选不出来"
EVERY = pytest.mark.parametrize("scenario_id", SCENARIOS)
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


def _choice(
    scenario: Scenario, winner: str, reason: str = "", refused: Mapping[str, str] | None = None
) -> Choice:
    candidates = [
        CandidateRow(
            case=case, score=None if case in (refused or {}) else 0.9, refused=(refused or {}).get(case, "")
        )
        for case in scenario.candidates
    ]
    return Choice(
        scenario=scenario.id,
        winner=winner,
        reason=reason,
        rounds=6,
        candidates=candidates,
        left_out=[],
        vote=None if reason else 0.96,
        stable=True,
    )


def _export(scenario_id: str, winner: str, reason: str = "", refused: Any = None, **world: Any) -> Export:
    experiment, scenario = SCENARIOS[scenario_id]
    choices = (_choice(scenario, winner, reason, refused),)
    return MadeUp(experiment=experiment, choices=choices, rounds=world.pop("rounds", 6), **world).export()


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
@pytest.mark.parametrize("cores", [1, 2, 64])
def test_scenario_names_only_cases_and_groups_of_its_experiment(scenario_id: str, cores: int) -> None:
    experiment, scenario = SCENARIOS[scenario_id]
    made_up = MadeUp(experiment=experiment, cores=cores)
    cases = {case.id for case in made_up.cases}
    assert {*scenario.candidates, *(limit.than for limit in scenario.limits)} <= cases
    for index in scenario.groups:
        assert set(scenario.candidates) <= set(made_up.spec.groups[index].cases or cases)


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


def test_default_that_breaks_a_limit_itself_is_not_praised() -> None:
    refused = {BASELINE: "不满足“用到的核不超过自己那一份”（玩具 batch=1）"}
    html = _card("container", BASELINE, NONE_ABLE, refused)
    assert "先用<strong>默认</strong>。它自己也不合条件（不满足“用到的核" in html
    assert "它自己也不合条件" not in _card("container", BASELINE, NONE_ABLE)


def _changed(scenario_id: str, **changes: Any) -> tuple[str, str]:
    """Card and line of a choice that differs from the usual one."""
    _, scenario = SCENARIOS[scenario_id]
    export = _export(scenario_id, _last(scenario_id))
    choices = [choice.model_copy(update=changes) for choice in export.choices]
    export = export.model_copy(update={"choices": choices})
    return scenarios.card(export, scenario), scenarios.line(export, scenario)


@EVERY
def test_how_sure_a_choice_is_and_what_was_left_out_of_it_is_told(scenario_id: str) -> None:
    html, line = _changed(scenario_id, vote=0.835)
    assert f"把选的轮次重抽 {RESAMPLES} 次，167 次选中它。" in html
    assert "换一批轮次" not in html + line
    for shaky in _changed(scenario_id, vote=0.4, stable=False):
        assert f"这里取其中最简单的（重抽 {RESAMPLES} 次，80 次选中它）。" in shaky
        assert not [one for one in re.findall(r"<p[^>]*>(.*?)</p>", shaky) if faults(one)]
    for partial in _changed(scenario_id, left_out=["玩具 batch=1", "另一组"]):
        assert "没有算进去（噪声太大）：玩具 batch=1、另一组。" in text_of(partial)


@EVERY
def test_line_of_the_home_page_never_shows_a_noisy_group(scenario_id: str) -> None:
    experiment, scenario = SCENARIOS[scenario_id]
    groups = EXPERIMENTS[experiment].groups
    line = _line(scenario_id, _last(scenario_id), noisy=range(len(groups)))
    assert not [group.model for group in groups if f"某网络 {group.model}" in line]
    items = re.findall(r"<li>(.*?)</li>", _card(scenario_id, _last(scenario_id), noisy=range(len(groups))))
    assert len(items) == len(scenario.groups)
    assert all(MARK in item for item in items)


def test_nothing_is_compared_with_itself() -> None:
    html = _card("general", BASELINE)
    assert "测试机上选出：<strong>默认</strong>。" in html
    assert "与默认比" not in html
    assert "与原文设置比" in html
    assert "峰值 1600\u202fMiB（原文设置 1600\u202fMiB）" in html
    article = _card("memory", ORIGINAL)
    assert "与默认比" in article
    assert "与原文设置比" not in article


def test_how_the_processes_ran_is_told_and_the_home_page_has_a_line_for_every_way() -> None:
    html = _card("container", "share")
    assert "只给一半的核" in html
    assert "2 个进程同时跑" in html
    lines = {name: _line(name, _last(name)) for name in SCENARIOS}
    counts = {name: line.count("<br>") for name, line in lines.items()}
    assert counts == {**dict.fromkeys(SCENARIOS, 1), "container": 2}
    assert [name for name, line in lines.items() if "峰值" not in line] == ["container"]


@pytest.mark.parametrize(("scenario_id", "told"), [("container", 2), ("general", 0)])
def test_cores_in_use_are_told_where_they_are_not_all_ones_own(scenario_id: str, told: int) -> None:
    values = {(None, _last(scenario_id), "cores_used"): 1.0}
    html = _card(scenario_id, _last(scenario_id), values=values)
    assert html.count("平均用到 1.0 个核（默认 2.0 个）") == told


def test_refused_candidates_give_their_reason() -> None:
    refused = {"pattern_off": "不满足“每组至多比默认慢 5%”（aspp batch=1）"}
    html = _card("general", BASELINE, "", refused)
    assert refused["pattern_off"] in html
    assert re.search(r'data-case="pattern_off">.*?<td>—</td>', html)


@pytest.mark.parametrize("state", ["the first", "the last", "nobody"])
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
@EVERY
def test_sentences_read_well_whoever_won(scenario_id: str, world: dict[str, Any], state: str) -> None:
    reason = DRAFT if state == "nobody" else ""
    case = {"the first": _candidates(scenario_id)[0], "the last": _last(scenario_id)}.get(state, BASELINE)
    line, html = (made(scenario_id, case, reason, **world) for made in (_line, _card))
    assert not faults(re.sub("^<p>|</p>$", "", line)), text_of(line)
    assert not markup_faults(html)
    items = re.findall(r"<li>(.*?)</li>", html)
    assert [(text_of(item), faults(item)) for item in items if faults(item)] == []
    assert "<ul></ul>" not in html
    for fault in ("marks side by side", "nothing between brackets", "no number", "exponent"):
        assert not re.findall(FAULTS[fault], text_of(html)), fault


@pytest.mark.parametrize(
    ("world", "told"),
    [
        ({"failures": {(None, ORIGINAL): CRASHED}}, "原文设置没有测成，无从比较"),
        ({"failures": {(None, BASELINE): CRASHED}}, "默认没有测成，无从比较；与原文设置无从比较；峰值"),
        ({"failures": {(None, "pattern_off"): CRASHED}}, f"没有测成（{CRASHED}）"),
        ({"failures": {(None, "pattern_off"): CRASHED}}, "峰值没有测成；留存没有测成"),
        ({"absent": NO_PROC}, "峰值读不到；留存读不到"),
    ],
)
def test_missing_comparison_says_why(world: dict[str, Any], told: str) -> None:
    assert told in _card("general", "pattern_off", **world)


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
        assert (
            api.scenario(scenario_id, "line")
            == f'<div class="bench">{scenarios.line(export, scenario)}</div>'
        )
        assert scenarios.card(export, scenario) in api.scenario(scenario_id)
        assert api.scenario(scenario_id, "code") == api.snippet(export.experiment, case)


@pytest.mark.parametrize(("reason", "told"), [("", "测试机上选出：关闭内存模式"), (DRAFT, "先用默认")])
def test_home_page_begins_with_what_to_set(reason: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    export = _export("general", BASELINE if reason else "pattern_off", reason)
    monkeypatch.setattr(source, "load", lambda _: export)
    html = api.scenario("general", "answer")
    assert '“<a href="#set-general">通用起点</a>”开始。' in html
    assert told in text_of(html)
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    below = page.partition("\n# ")[2].split("\n", 2)[2]
    assert below.split("```")[1].endswith('bench.scenario("general", "answer"))\n')
    assert below.startswith("```python")


@EVERY
def test_when_to_use_it_and_when_not_reads_well(scenario_id: str) -> None:
    scenario = SCENARIOS[scenario_id][1]
    assert not faults(scenario.use)
    assert not faults(scenario.avoid)
    assert scenarios._minimised(scenario) != scenario.minimise


ANSWERS = [
    dict(zip(scenarios.QUESTIONS, values, strict=True))
    for values in product(*(answers for _, answers in scenarios.QUESTIONS.values()))
]


def test_every_answer_leads_somewhere_and_no_rule_is_hidden_behind_those_above_it() -> None:
    for rule in scenarios.RULES:
        assert all(value in scenarios.QUESTIONS[name][1] for name, value in rule.answers.items())
    assert {scenarios.scenario_for(answers) for answers in ANSWERS} == set(SCENARIOS)
    deciding = {
        next(n for n, rule in enumerate(scenarios.RULES) if rule.answers.items() <= answers.items())
        for answers in ANSWERS
    }
    assert deciding == set(range(len(scenarios.RULES)))
    shared = [answers for answers in ANSWERS if answers["place"] == "shared"]
    assert {scenarios.scenario_for(answers) for answers in shared} == {"container"}


def test_form_waits_for_its_script_and_starts_with_the_answers_of_who_knows_nothing_yet() -> None:
    html = scenarios.chooser()
    first = {name: next(iter(answers)) for name, (_, answers) in scenarios.QUESTIONS.items()}
    assert scenarios.scenario_for(first) == "general"
    assert html.count(" checked>") == len(first)
    assert '<form class="bench-chooser" hidden' in html
    assert '<details class="bench-rules" open>' in html


def test_table_holds_the_rules_that_the_script_reads() -> None:
    html = scenarios.chooser()
    assert not markup_faults(html)
    rows = re.findall(r'<tr data-scenario-for="(\w+)"([^>]*)>', html)
    assert [(scenario, dict(re.findall(r'data-(\w+)="(\w+)"', rest))) for scenario, rest in rows] == [
        (rule.scenario, dict(rule.answers)) for rule in scenarios.RULES
    ]


def test_home_page_has_the_place_that_every_rule_points_to() -> None:
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r'<section id="set-(\w+)"', page)) == set(SCENARIOS)
    for scenario in SCENARIOS:
        part = page.partition(f'<section id="set-{scenario}"')[2].partition("</section>")[0]
        assert f'bench.scenario("{scenario}", "code")' in part
        assert f"onnxruntime-cpu.md#recommended-{scenario}" in part

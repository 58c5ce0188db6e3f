"""The decision helper: every answer leads somewhere, every scenario can be reached, the table says the same."""

from __future__ import annotations

import re
from itertools import product

from prose import markup_faults

from bench.experiments import EXPERIMENTS
from bench.pages import home
from bench.system.folders import ROOT

SCENARIOS = {one.id for spec in EXPERIMENTS.values() for one in spec.scenarios}
ANSWERS = [
    dict(zip(home.QUESTIONS, values, strict=True))
    for values in product(*(answers for _, answers in home.QUESTIONS.values()))
]


def test_rules_name_known_questions_and_answers() -> None:
    for rule in home.RULES:
        for name, value in rule.answers.items():
            assert value in home.QUESTIONS[name][1]
        assert rule.scenario in SCENARIOS


def test_every_combination_of_answers_leads_to_a_scenario_and_every_scenario_is_reached() -> None:
    assert {home.scenario_for(answers) for answers in ANSWERS} == SCENARIOS


def test_no_rule_is_hidden_behind_those_above_it() -> None:
    deciding = {
        next(n for n, rule in enumerate(home.RULES) if rule.answers.items() <= answers.items())
        for answers in ANSWERS
    }
    assert deciding == set(range(len(home.RULES)))


def test_who_shares_the_machine_is_led_to_the_scenario_about_it() -> None:
    for answers in ANSWERS:
        if answers["place"] == "shared":
            assert home.scenario_for(answers) == "container"


def test_first_answers_are_those_of_somebody_who_knows_nothing_yet() -> None:
    first = {name: next(iter(answers)) for name, (_, answers) in home.QUESTIONS.items()}
    assert home.scenario_for(first) == "general"
    assert home.chooser().count(" checked>") == len(first)


def test_table_holds_the_rules_that_the_script_reads() -> None:
    html = home.chooser()
    assert not markup_faults(html.replace(" hidden", "").replace(" open", ""))
    rows = re.findall(r'<tr data-scenario-for="(\w+)"([^>]*)>', html)
    assert [(scenario, dict(re.findall(r'data-(\w+)="(\w+)"', rest))) for scenario, rest in rows] == [
        (rule.scenario, dict(rule.answers)) for rule in home.RULES
    ]


def test_home_page_has_the_place_that_every_rule_points_to() -> None:
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r'<section id="set-(\w+)"', page)) == SCENARIOS
    for scenario in SCENARIOS:
        part = page.partition(f'<section id="set-{scenario}"')[2].partition("</section>")[0]
        assert f'bench.scenario_code("{scenario}")' in part
        assert f"onnxruntime-cpu.md#recommended-{scenario}" in part


def test_form_waits_for_its_script() -> None:
    assert '<form class="bench-chooser" hidden' in home.chooser()
    assert '<details class="bench-rules" open>' in home.chooser()

"""Every mistake in an experiment is told before anything is measured, with what would be right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from samples import Make

from bench.experiments import EXPERIMENTS
from bench.measure import sound
from bench.results.trust import SELFTEST
from bench.spec import BASELINE, CONTROL, Case, Chart, Group, Input, Machine, Place, Proof, Report, Subject

MACHINE, MAKE = Machine(cores=2), Make()
PAIR = (Case(id=BASELINE, title="默认"), Case(id=CONTROL, title="默认（再测一次）"))
SHORT = Input(label="1x3x48x160", shapes=((1, 3, 48, 160),))
GROUP = Group(model="ocr_rec", input=SHORT, small=SHORT, seconds=0.5)
HOLDS = Proof(fact="threads_created", relation="==", expected=0)
ONE = Case(id="one", title="一", settings={"intra_op_num_threads": 1}, proofs=(HOLDS,))


def _one(**changes: Any) -> dict[str, Any]:
    return {"cases": (*PAIR, replace(ONE, **changes))}


def _proof(**changes: Any) -> dict[str, Any]:
    return _one(proofs=(replace(HOLDS, **changes),))


def _group(**changes: Any) -> dict[str, Any]:
    return {"groups": (replace(GROUP, **changes),)}


def _need(**changes: Any) -> dict[str, Any]:
    return {"scenarios": (MAKE.scenario(**{"candidates": (BASELINE,)} | changes),)}


def _faults(name: str = "mine", **changes: Any) -> list[str]:
    fields = {"groups": (GROUP,), "cases": PAIR} | changes
    return list(sound.faults(MAKE.experiment(name, **fields), MACHINE))


def test_what_is_right_has_no_fault_and_nothing_at_all_has_some() -> None:
    assert [fault for one in EXPERIMENTS.values() for fault in sound.everywhere(one, MACHINE)] == []
    later = replace(ONE, id="later", proofs=(replace(HOLDS, than="one"), replace(HOLDS, than=BASELINE)))
    assert _faults(cases=(*PAIR, ONE, later)) == []
    assert "cases 的第一个应是基准" in _faults(cases=())[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": SELFTEST}, "id 不能是“selftest”"),
        (_one(id="A b"), "cases 里的 id“A b”写法不对，只能用小写字母、数字和下划线"),
        (_one(id=BASELINE), "cases 里有两个设置同名：“default”"),
        (_one(settings={"execution_mode": "ORT_PARALEL"}), "设置 one 的 settings：execution_mode 里的“ORT_PARALEL”不认识，可用的有：ORT_PARALLEL、ORT_SEQ"),
        (_one(settings={"session.x": 1}), "设置 one 的 settings：session.x 的值是 1，名字里有点的只能写 str"),
        (_one(settings={"x": 1.5}), "设置 one 的 settings：x 的值是 1.5，只能写 bool、int 或 str"),
        (_one(subject=Subject(name="sesion")), "设置 one 的 subject 里的“sesion”不认识，可用的有：session、"),
        (_one(variant="ort"), "设置 one 的 variant 里的“ort”不认识，可用的有："),
        (_one(expected="fail"), "设置 one 的 expected 里的“fail”不认识，可用的有：crash、hang"),
        (_one(lacking=lambda _: None), "lacking 返回了 None，应返回 str"),
        (_one(run_settings={"x": 1}), "设置 one 的 run_settings：x 的值是 1，只能写 str"),
        (_one(place=Place(env={"X": None})), "设置 one 的 place：X 的值是 None，只能写 str"),  # type: ignore[dict-item]
        (_proof(fact="thread_created"), "proofs 的 fact 里的“thread_created”不认识，可用的有：threads_created、"),
        (_proof(relation=">="), "proofs 的 relation 里的“>=”不认识，可用的有："),
        (_proof(than="one"), "proofs 的 than 里的“one”不认识，可用的有（排在它前面的设置）：default、default_again"),
        (_proof(keys=("intra_op",)), "proofs 的 keys 里的“intra_op”不认识，可用的有：intra_op_num_threads"),
        ({"cases": PAIR[1:]}, "cases 的第一个应是基准，id 写“default”"),
        ({"cases": PAIR[:1]}, "cases 里缺“default_again”"),
        ({"cases": (PAIR[0], replace(PAIR[1], settings={"x": 1}))}, "“default_again”除 id 和 title 外，都应与“default”相同"),
        (_group(model="resnet"), "groups[0] 的 model 里的“resnet”不认识，可用的有：aspp、"),
        ({"groups": (GROUP, replace(GROUP, cases=("two",)))}, "groups[1] 的 cases 里的“two”不认识，可用的有：default"),
        (_group(seconds=0), "groups[0] 的 seconds 是 0，应大于 0"),
        (_group(subject=Subject(name="x")), "groups[0] 的 subject 里的“x”不认识"),
        (_group(variant="x"), "groups[0] 的 variant 里的“x”不认识，可用的有：as_built、"),
        (_group(model="bert_mini", input=Input(label="x", shapes=((1, 8),)), small=Input(label="x", shapes=({"ids": (1, 8)},))), "groups[0] 的 small 的 shapes 与模型的输入对不上：bert_mini 的输入是 "),
        ({"reports": (Report(subject="x", cases=(BASELINE,)),)}, "reports 的 subject 里的“x”不认识"),
        ({"columns": ("session_msx",)}, "columns 里的“session_msx”不认识，可用的有：session_ms、"),
        ({"charts": (Chart(kind="pie", title=""),)}, "charts 的 kind 里的“pie”不认识"),  # type: ignore[arg-type]
        ({"keep_trace": ("two", 0)}, "keep_trace 的设置 里的“two”不认识"),
        ({"keep_trace": (BASELINE, 1)}, "keep_trace 的组 里的“1”不认识，可用的有：0"),
        (_need(candidates=(BASELINE, "tow")), "scenarios 里 need 的 candidates 里的“tow”不认识"),
        (_need(groups=(3,)), "scenarios 里 need 的 groups 里的“3”不认识，可用的有：0"),
        (_need(minimise="peak"), "scenarios 里 need 的 minimise 里的“peak”不认识，可用的有：peak_mib"),
    ],
)  # fmt: skip
def test_fault_is_one_sentence_that_names_what_would_be_right(changes: dict[str, Any], expected: str) -> None:
    (fault,) = _faults(**changes)
    assert expected in fault


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cases": lambda _: (PAIR[3],)}, "cases 出错：IndexError: tuple index out of range"),
        ({"cases": lambda machine: (*PAIR, *(ONE,) * (2 if machine.cores > 4 else 1))}, "cases 里有两个设置同名：“one”（在 6 核的机器上）"),
        ({"groups": ()}, "groups 是空的：至少要在一个模型上测"),
        ({"groups": GROUP}, "有一处的类型不对：object of type 'Group' has no len()"),
    ],
)  # fmt: skip
def test_fault_is_told_once_with_the_file_and_where_it_shows(changes: dict[str, Any], expected: str) -> None:
    experiment = replace(MAKE.experiment("mine", cases=PAIR, groups=(GROUP,)), **changes)
    assert sound.everywhere(experiment, MACHINE) == [f"bench/experiments/mine.py：{expected}"]

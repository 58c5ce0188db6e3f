"""Every mistake in an experiment is told before anything is measured, with what would be right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bench.experiments import EXPERIMENTS
from bench.measure import sound
from bench.results.trust import SELFTEST
from bench.spec import (
    BASELINE,
    CONTROL,
    Case,
    Chart,
    Experiment,
    Group,
    Input,
    Machine,
    Place,
    Proof,
    Report,
    Subject,
)

if TYPE_CHECKING:
    from samples import Make

MACHINE = Machine(cores=2)
PAIR = (Case(id=BASELINE, title="默认"), Case(id=CONTROL, title="默认（再测一次）"))
SHORT = Input(label="1x3x48x160", shapes=((1, 3, 48, 160),))
HOLDS = Proof(fact="threads_created", relation="==", expected=0)
ONE = Case(id="one", title="一", settings={"intra_op_num_threads": 1}, proofs=(HOLDS,))


def _group(**changes: Any) -> Group:
    return replace(Group(model="ocr_rec", input=SHORT, small=SHORT, seconds=0.5), **changes)


def _faults(make: Make, *cases: Case, **changes: Any) -> list[str]:
    fields = {"groups": (_group(),), "cases": (*PAIR, *cases)} | changes
    return list(sound.faults(make.experiment("mine", **fields), MACHINE))


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda one: one.id)
def test_our_own_experiments_have_no_fault_anywhere(experiment: Experiment, make: Make) -> None:
    assert sound.everywhere(experiment, MACHINE) == []


def test_what_is_right_has_no_fault(make: Make) -> None:
    later = replace(ONE, id="later", proofs=(replace(HOLDS, than="one"), replace(HOLDS, than=BASELINE)))
    assert _faults(make, ONE, later) == []


def _proof(**changes: Any) -> Case:
    return replace(ONE, proofs=(replace(HOLDS, **changes),))


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (replace(ONE, id="A b"), "cases 里的 id“A b”写法不对，只能用小写字母、数字和下划线"),
        (replace(ONE, id=BASELINE), "cases 里有两个设置同名：“default”"),
        (replace(ONE, settings={"execution_mode": "ORT_PARALEL"}), "设置 one 的 settings：execution_mode 里的“ORT_PARALEL”不认识，可用的有：ORT_PARALLEL、ORT_SEQ"),
        (replace(ONE, settings={"session.x": 1}), "设置 one 的 settings：session.x 的值是 1，名字里有点的只能写 str"),
        (replace(ONE, settings={"x": 1.5}), "设置 one 的 settings：x 的值是 1.5，只能写 bool、int 或 str"),
        (replace(ONE, subject=Subject(name="sesion")), "设置 one 的 subject 里的“sesion”不认识，可用的有：session、"),
        (replace(ONE, variant="ort"), "设置 one 的 variant 里的“ort”不认识，可用的有："),
        (replace(ONE, expected="fail"), "设置 one 的 expected 里的“fail”不认识，可用的有：crash、hang"),
        (replace(ONE, lacking=lambda _: None), "lacking 返回了 None，应返回 str"),
        (replace(ONE, run_settings={"x": 1}), "设置 one 的 run_settings：x 的值是 1，只能写 str"),
        (replace(ONE, place=Place(env={"X": None})), "设置 one 的 place：X 的值是 None，只能写 str"),
        (_proof(fact="thread_created"), "proofs 的 fact 里的“thread_created”不认识，可用的有：threads_created、"),
        (_proof(relation=">="), "proofs 的 relation 里的“>=”不认识，可用的有："),
        (_proof(than="two"), "proofs 的 than 里的“two”不认识，可用的有（排在它前面的设置）：default、default_again"),
        (_proof(than="one"), "proofs 的 than 里的“one”不认识"),
        (_proof(keys=("intra_op",)), "proofs 的 keys 里的“intra_op”不认识，可用的有：intra_op_num_threads"),
    ],
)  # fmt: skip
def test_fault_of_a_case(make: Make, case: Case, expected: str) -> None:
    (fault,) = _faults(make, case)
    assert expected in fault


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cases": PAIR[1:]}, "cases 的第一个应是基准，id 写“default”"),
        ({"cases": PAIR[:1]}, "cases 里缺“default_again”"),
        ({"cases": (PAIR[0], replace(PAIR[1], settings={"x": 1}))}, "“default_again”除 id 和 title 外，都应与“default”相同"),
        ({"cases": ()}, "cases 的第一个应是基准"),
        ({"groups": (_group(model="resnet"),)}, "groups[0] 的 model 里的“resnet”不认识，可用的有：aspp、"),
        ({"groups": (_group(), _group(cases=("two",)))}, "groups[1] 的 cases 里的“two”不认识，可用的有：default"),
        ({"groups": (_group(seconds=0),)}, "groups[0] 的 seconds 是 0，应大于 0"),
        ({"groups": (_group(subject=Subject(name="x")),)}, "groups[0] 的 subject 里的“x”不认识"),
        ({"groups": (_group(variant="x"),)}, "groups[0] 的 variant 里的“x”不认识，可用的有：as_built、"),
        ({"groups": (_group(model="bert_mini", small=Input(label="x", shapes=({"ids": (1, 8)},))),)}, "groups[0] 的 small 的 shapes 与模型的输入对不上：bert_mini 的输入是 "),
        ({"reports": (Report(subject="x", cases=("two",)),)}, "reports 的 subject 里的“x”不认识"),
        ({"columns": ("session_msx",)}, "columns 里的“session_msx”不认识，可用的有：session_ms、"),
        ({"charts": (Chart(kind="pie", title=""),)}, "charts 的 kind 里的“pie”不认识"),  # type: ignore[arg-type]
        ({"keep_trace": ("two", 0)}, "keep_trace 的设置 里的“two”不认识"),
        ({"keep_trace": (BASELINE, 1)}, "keep_trace 的组 里的“1”不认识，可用的有：0"),
    ],
)  # fmt: skip
def test_fault_of_an_experiment(make: Make, changes: dict[str, Any], expected: str) -> None:
    assert any(expected in fault for fault in _faults(make, **changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"candidates": (BASELINE, "tow")}, "scenarios 里 need 的 candidates 里的“tow”不认识"),
        ({"groups": (3,)}, "scenarios 里 need 的 groups 里的“3”不认识，可用的有：0"),
        ({"minimise": "peak"}, "scenarios 里 need 的 minimise 里的“peak”不认识，可用的有：peak_mib"),
    ],
)
def test_fault_of_a_scenario(make: Make, changes: dict[str, Any], expected: str) -> None:
    scenario = make.scenario(**{"candidates": (BASELINE,)} | changes)
    (fault,) = _faults(make, scenarios=(scenario,))
    assert expected in fault


def _raise(_: object) -> tuple[Case, ...]:
    return (PAIR[3],)


def _doubled_on_big_ones(machine: Machine) -> tuple[Case, ...]:
    return (*PAIR, *(ONE,) * (2 if machine.cores > 4 else 1))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cases": _raise}, "cases 出错：IndexError: tuple index out of range"),
        ({"cases": _doubled_on_big_ones}, "cases 里有两个设置同名：“one”（在 6 核的机器上）"),
        ({"groups": ()}, "groups 是空的：至少要在一个模型上测"),
        ({"groups": _group()}, "有一处的类型不对：object of type 'Group' has no len()"),
    ],
)
def test_fault_is_told_once_with_the_file_and_where_it_shows(
    make: Make, changes: dict[str, Any], expected: str
) -> None:
    experiment = replace(make.experiment("mine", cases=PAIR, groups=(_group(),)), **changes)
    assert sound.everywhere(experiment, MACHINE) == [f"bench/experiments/mine.py：{expected}"]


def test_name_of_the_selftest_is_taken(make: Make) -> None:
    (fault,) = sound.faults(make.experiment(SELFTEST, cases=PAIR, groups=(_group(),)), MACHINE)
    assert fault.startswith("id 不能是“selftest”")

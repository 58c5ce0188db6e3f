"""What makes a result invalid, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bench.measure import keys, profiles
from bench.measure.keys import result_key
from bench.measure.profiles import PROFILES
from bench.spec import BASELINE, Case, Column, Input, Script

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Make

    from bench.measure.profiles import Profile
    from bench.spec import Experiment

SOFTWARE = {"onnxruntime": "1.31.1", "numpy": "2.4.6"}
MODELS = {"toy": "abcdef012345"}


def _case(**changes: Any) -> Case:
    fields = {"id": BASELINE, "title": "默认", "settings": {"enable_mem_pattern": True}}
    return Case(**fields | changes)


def _key(
    make: Make, experiment: Experiment | None = None, profile: Profile = PROFILES["default"], **changes: Any
) -> str:
    usual = {"machine": make.machine(), "software": SOFTWARE, "models": MODELS} | changes
    return result_key(experiment or make.experiment(cases=(_case(),)), profile, **usual)


def test_key_is_the_same_for_the_same_things(make: Make) -> None:
    assert _key(make) == _key(make)


def test_words_do_not_change_the_key(make: Make) -> None:
    reworded = make.experiment(
        cases=(_case(title="默认设置"),),
        title="另一个标题",
        question="另一个问题?",
        columns=("kept_mib",),
    )
    assert _key(make, reworded) == _key(make)
    other_columns = replace(reworded, columns=(Column(metric="ratio", title="比"),))
    assert _key(make, other_columns) == _key(make)


def test_estimated_length_does_not_change_the_key(make: Make) -> None:
    slower = make.experiment(cases=(_case(),), groups=(make.group(seconds=9),))
    assert _key(make, slower) == _key(make)


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"enable_mem_pattern": False}},
        {"settings": {}},
        {"run_settings": {"memory.enable_memory_arena_shrinkage": "cpu:0"}},
        {"shared_arena": {"arena_extend_strategy": 1}},
        {"env": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}},
        {"id": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_a_case_sets_changes_the_key(make: Make, change: dict[str, Any]) -> None:
    assert _key(make, make.experiment(cases=(_case(**change),))) != _key(make)


def test_kind_of_a_value_changes_the_key(make: Make) -> None:
    one, text = (make.experiment(cases=(_case(settings={"x": value}),)) for value in (1, "1"))
    assert _key(make, one) != _key(make, text)


def test_inputs_and_groups_change_the_key(make: Make) -> None:
    shapes = make.group(input=Input(label="batch=2", shapes=((3, 3),)))
    fewer = make.group(cases=(BASELINE,))
    found = {
        _key(make, make.experiment(cases=(_case(),), groups=groups))
        for groups in ((make.group(),), (shapes,), (fewer,), (make.group(), shapes))
    }
    assert len(found) == 4


def test_script_changes_the_key(make: Make) -> None:
    profiled = make.experiment(cases=(_case(),), scripts=(Script(name="line_memory", cases=(BASELINE,)),))
    assert _key(make, profiled) != _key(make)


def test_model_software_and_machine_change_the_key(make: Make) -> None:
    found = {
        _key(make),
        _key(make, models={"toy": "fedcba"}),
        _key(make, software={**SOFTWARE, "onnxruntime": "1.32.0"}),
        _key(make, machine=make.machine(cpu="另一种处理器")),
        _key(make, machine=make.machine(cores=4)),
    }
    assert len(found) == 5


def test_reboot_does_not_change_the_key(make: Make) -> None:
    assert _key(make, machine=make.machine(kernel="6.9", governor="powersave")) == _key(make)


def test_point_release_of_the_system_does_not_change_the_key(make: Make) -> None:
    assert _key(make, machine=make.machine(system="某系统 1.2")) == _key(make)


@pytest.mark.parametrize(
    "change", [{"min_seconds": 0.5}, {"min_calls": 5}, {"small": True}, {"bracket": False}]
)
def test_timing_of_the_profile_changes_the_key(make: Make, change: dict[str, Any]) -> None:
    assert _key(make, profile=replace(PROFILES["default"], **change)) != _key(make)


@pytest.mark.parametrize("change", [{"title": "别的"}, {"rounds": 99}, {"budget_s": 1}])
def test_what_decides_no_number_of_a_profile_does_not_change_the_key(
    make: Make, change: dict[str, Any]
) -> None:
    assert _key(make, profile=replace(PROFILES["default"], **change)) == _key(make)


def test_other_profiles_do_not_change_the_key(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Editing the smoke test must not cost an hour."""
    before = _key(make)
    monkeypatch.setitem(PROFILES, "smoke", replace(PROFILES["smoke"], min_calls=7))
    assert _key(make) == before
    assert profiles.__file__ not in map(str, keys.MAKERS)


def test_everything_that_takes_part_in_measuring_is_hashed() -> None:
    named = {path.name for path in keys.MAKERS}
    assert named >= {"spec.py", "child.py", "known.py", "noise.py", "observer.py", "plan.py", "proof.py"}
    assert named >= {"evidence.py", "line_memory.py", "sampler.py", "trace.py", "worker.py"}
    below = {path for path in keys.HERE.rglob("*.py") if path.name != "profiles.py"}
    assert set(keys.MAKERS) == below | {keys.HERE.parent / "spec.py"}


def test_models_of_other_experiments_do_not_change_the_key(make: Make) -> None:
    assert _key(make, models={**MODELS, "other": "1"}) == _key(make)


@pytest.mark.parametrize("path", keys.MAKERS, ids=lambda path: path.name)
def test_source_of_what_measures_changes_the_key(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    before = _key(make)
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(keys, "MAKERS", tuple(copy if one == path else one for one in keys.MAKERS))
    assert _key(make) == before
    copy.write_bytes(copy.read_bytes() + b"\n# one more line\n")
    assert _key(make) != before

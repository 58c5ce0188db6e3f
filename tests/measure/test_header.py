"""What makes a result invalid, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bench import subjects, variants
from bench.measure import header
from bench.measure.header import result_key
from bench.measure.profiles import PROFILES
from bench.spec import BASELINE, Case, Input, Load, Place, Report, Subject

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Make

    from bench.measure.profiles import Profile
    from bench.spec import Experiment

SOFTWARE = {"onnxruntime": "1.31.1", "numpy": "2.4.6"}
MODELS = {"toy": "abcdef012345", "other": "1"}
X = {"x": 1}


def _toys(make: Make, *, case: dict[str, Any] | None = None, **changes: Any) -> Experiment:
    fields = {"id": BASELINE, "title": "默认", "settings": X} | (case or {})
    return make.experiment(cases=(Case(**fields),), **changes)


def _key(
    make: Make, experiment: Experiment | None = None, profile: Profile = PROFILES["default"], **changes: Any
) -> str:
    usual = {"machine": make.machine(), "software": SOFTWARE, "models": MODELS} | changes
    return result_key(experiment or _toys(make), profile, **usual)


def test_words_and_what_decides_no_number_do_not_change_the_key(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither do a reboot, a point release of the system, models of others, nor editing the smoke test."""
    usual, default = _key(make), PROFILES["default"]
    words = {"title": "另一个", "question": "另一个?", "columns": ("kept_mib", "ratio")}
    rebooted = make.machine(kernel="6.9", governor="powersave", system="某系统 1.2")
    others = [
        _key(make, _toys(make, case={"title": "默认设置"}, **words)),
        _key(make, _toys(make, groups=(make.group(seconds=9),))),
        _key(make, profile=replace(default, title="别的", rounds=99, budget_s=1)),
        _key(make, machine=rebooted),
        _key(make, models={**MODELS, "other": "2"}),
    ]
    monkeypatch.setitem(PROFILES, "smoke", replace(PROFILES["smoke"], min_calls=7))
    assert {usual, *others, _key(make)} == {usual}


def test_everything_that_decides_a_number_changes_the_key(make: Make) -> None:
    default = PROFILES["default"]
    cases: tuple[dict[str, Any], ...] = (
        {"settings": {"x": 2}}, {"settings": {"x": "1"}}, {"settings": {}}, {"id": "other"},
        {"run_settings": {"memory.enable_memory_arena_shrinkage": "cpu:0"}},
        {"subject": Subject(name="known_cost")}, {"subject": Subject(options={"arena_extend_strategy": 1})},
        {"variant": "optimised"}, {"load": Load(callers=2)}, {"expected": "crash"},
        {"place": Place(env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})}, {"place": Place(cores=0.5)},
        {"lacking": lambda machine: machine.libc},
    )  # fmt: skip
    shapes = ((3, 3),), ({"x": (2, 3)},)
    groups = (
        *((make.group(input=Input(label="batch=2", shapes=own)),) for own in shapes),
        (make.group(cases=(BASELINE,)),), (make.group(), make.group(3)), (make.group(processes=2),),
        (make.group(cores=0.5),), (make.group(variant="ort_format"),),
    )  # fmt: skip
    experiments: tuple[dict[str, Any], ...] = (
        {"reports": (Report(subject="line_memory", cases=(BASELINE,)),)}, {"observe_each_group": True},
        {"scenarios": (make.scenario(),)}, {"keep_trace": (BASELINE, 0)}, {"columns": ("idle_cpu_s",)},
    )  # fmt: skip
    timing = ({"min_seconds": 0.5}, {"min_calls": 5}, {"small": True}, {"bracket": False})
    machines = ({"cpu": "另一种处理器"}, {"cores": 4})
    changed = {
        **{f"case {change}": _key(make, _toys(make, case=change)) for change in cases},
        **{f"groups {changed}": _key(make, _toys(make, groups=changed)) for changed in groups},
        **{str(change): _key(make, _toys(make, **change)) for change in experiments},
        **{str(change): _key(make, profile=replace(default, **change)) for change in timing},
        **{str(change): _key(make, machine=make.machine(**change)) for change in machines},
        "model": _key(make, models={"toy": "fedcba"}),
        "software": _key(make, software={**SOFTWARE, "onnxruntime": "1.32.0"}),
    }
    assert len(changed) == 33
    seen: dict[str, list[str]] = {_key(make): ["unchanged"]}
    for name, key in changed.items():
        seen.setdefault(key, []).append(name)
    assert [names for names in seen.values() if len(names) > 1] == []


def test_source_of_everything_that_takes_part_in_measuring_changes_the_key(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {path.name for path in header.MAKERS}
    assert named >= {"spec.py", "child.py", "counters.py", "noise.py", "observer.py", "plan.py", "proof.py"}
    assert named >= {"evidence.py", "header.py", "task.py", "trace.py", "worker.py"}
    below = {path for path in header.HERE.rglob("*.py") if path.name != "profiles.py"}
    assert set(header.MAKERS) == below | {header.HERE.parent / "spec.py"}
    before, makers = _key(make), header.MAKERS
    for path in makers:
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
        monkeypatch.setattr(header, "MAKERS", tuple(copy if one == path else one for one in makers))
        assert _key(make) == before
        copy.write_bytes(copy.read_bytes() + b"\n# one more line\n")
        assert _key(make) != before


SHARED = {"case": {"subject": Subject(name="shared_arena")}}
OPTIMISED = {"case": {"variant": "optimised"}}


@pytest.mark.parametrize(
    ("file", "changes", "used"),
    [
        ("session", {}, True),
        ("shared_arena", {}, False),
        ("shared_arena", SHARED, True),
        ("session", SHARED, True),
        ("log_lines", {"reports": (Report(subject="log_lines", cases=(BASELINE,)),)}, True),
        ("log_lines", {"reports": (Report(subject="line_memory", cases=(BASELINE,)),)}, False),
        ("optimised", {}, False),
        ("_job", {}, False),
        ("_job", OPTIMISED, True),
        ("optimised", OPTIMISED, True),
        ("ort_format", OPTIMISED, False),
    ],
)
def test_source_of_a_subject_or_variant_changes_the_key_of_what_uses_it(
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    file: str,
    changes: dict[str, Any],
    *,
    used: bool,
) -> None:
    experiment, package = _toys(make, **changes), subjects if file in subjects.SUBJECTS else variants
    before = _key(make, experiment)
    for path in package.FOLDER.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes() + (b"# more\n" if path.stem == file else b""))
    monkeypatch.setattr(package, "FOLDER", tmp_path)
    assert (_key(make, experiment) != before) is used

"""What is tried on which machine and model, and what is put together of the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.experiments.fusions import OFF
from bench.measure.evidence import FACTS
from bench.spec import BASELINE, CONTROL, SINGLE, Machine
from bench.tune import arms
from bench.tune.arms import Seen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PLAIN: Mapping[str, Any] = {"denormals": 0, "operators": (), "optimised": False}
MEMORY = ["pattern_off", "pattern_off_shrink", "arena_off", "arena_off_hugetlb", "arena_off_pattern_off"]


def _machine(cores: int = 8, libc: str = "glibc 2.36") -> Machine:
    return Machine(cores=cores, libc=libc)


def _names(machine: Machine, **model: Any) -> list[str]:
    return [one.case.id for one in arms.arms(machine, **PLAIN | model)]


def test_every_family_on_a_large_machine() -> None:
    threads, spinning = ["usable", SINGLE, "usable_pinned", "half"], ["spinning_stop", "no_spinning"]
    found = _names(_machine(), denormals=3, operators={"Conv", "SkipLayerNormalization"})
    rest = ["extended", "base_4", "zeroed", "no_skiplayernormfusion"]
    assert found == [*threads, *MEMORY, *spinning, *rest]
    cases = {one.case.id: one.case for one in arms.arms(_machine(), **PLAIN)}
    assert cases["half"].settings == {"intra_op_num_threads": 4}
    assert all(case.proofs for case in cases.values())


def test_every_fusion_is_done_without_where_asked() -> None:
    """The one that stands for itself on such a graph, too, is tried once."""
    plain, asked = (
        _names(_machine(), operators={"SkipLayerNormalization"}, every_fusion=one) for one in (False, True)
    )
    assert {*asked} - {*plain} == {f"no_{name}" for name in OFF if name != "skip_layer_norm"}
    assert not {*_names(_machine(), optimised=True, every_fusion=True)} - {*plain}


@pytest.mark.parametrize(
    ("gone", "machine", "model"),
    [
        ({"usable_pinned", "half", "spinning_stop", "no_spinning", "base_4"}, _machine(1), {}),
        ({"half", "base_4"}, _machine(2), {}),
        ({"arena_off_hugetlb"}, _machine(libc="glibc 2.31"), {}),
        ({"arena_off_hugetlb"}, _machine(libc="musl 1.2"), {}),
        ({"extended"}, _machine(), {"optimised": True}),
        (set(), _machine(), {"operators": {"LayerNormalization"}}),
    ],
)
def test_what_cannot_help_is_not_tried(gone: set[str], machine: Machine, model: Any) -> None:
    whole, found = set(_names(_machine())), set(_names(machine, **model))
    assert whole - found == gone | ({SINGLE, "usable"} - found)
    assert bool(found & {SINGLE, "usable"})


def test_equal_settings_are_tried_once() -> None:
    """With one core `usable` is `single`; it needs two."""
    assert [name for name in _names(_machine(1)) if name in ("usable", SINGLE)] == [SINGLE]


def _seen(**told: Sequence[float]) -> dict[str, Seen]:
    """Ratio, peak, kept, CPU seconds; of the default 1, 200, 100, 1."""
    return {
        name: Seen(ratio, dict(zip(("peak", "kept", "cpu"), costs, strict=True)))  # type: ignore[arg-type]
        for name, (ratio, *costs) in {BASELINE: (1.0, 200, 100, 1.0), **told}.items()
    }


FAST = _seen(
    usable=(0.8, 200, 100, 1.0),
    single=(1.0, 190, 100, 0.6),
    pattern_off=(1.0, 120, 90, 1.0),
    arena_off=(1.3, 60, 20, 1.0),
    pattern_off_shrink=(1.04, 130, 40, 1.1),
    spinning_stop=(1.01, 200, 100, 0.5),
    extended=(0.99, 200, 100, 1.0),
)
TRIED = arms.arms(_machine(), **PLAIN)


def _combined(seen: Mapping[str, Seen], *goals: Any) -> dict[Any, tuple[str, ...]]:
    return {one.goals: one.arms for one in arms.combinations(TRIED, seen, goals)}


def test_the_best_of_every_family_goes_into_a_combination_for_each_need() -> None:
    assert _combined(FAST, "latency", "peak", "kept", "cpu") == {
        ("latency",): ("usable",),  # a hundredth for EXTENDED is a tie
        ("peak",): ("usable", "pattern_off"),  # less without the arena, but that is too slow
        ("kept",): ("usable", "pattern_off_shrink"),
        ("cpu",): (SINGLE,),  # nobody is there to spin
    }
    made = {one.goals[0]: one.case for one in arms.combinations(TRIED, FAST, ("kept", "peak"))}
    kept = made["kept"]
    assert kept.settings == {"intra_op_num_threads": 8, "enable_mem_pattern": False}
    assert kept.run_settings == {"memory.enable_memory_arena_shrinkage": "cpu:0"}
    assert kept.keys == {key for proof in kept.proofs for key in proof.keys} | {*kept.keys}
    assert kept.title == "8 线程（不绑核），关 enable_mem_pattern，每次推理后归还"


def test_equal_combinations_stand_once_and_the_default_is_none() -> None:
    even = _seen(pattern_off=(0.9, 120, 40, 1.0), usable=(0.99, 200, 100, 1.0))
    assert _combined(even, "latency", "peak", "kept") == {("latency", "peak", "kept"): ("pattern_off",)}
    assert _combined(_seen(usable=(0.99, 199, 99, 0.99)), "latency", "peak", "kept", "cpu") == {}
    assert _combined(_seen(), "latency") == {}


def test_what_was_not_told_is_not_chosen() -> None:
    untold = _seen(pattern_off=(1.0, None, None, None)) | {"usable": FAST["usable"]}  # type: ignore[arg-type]
    assert _combined(untold, "peak", "cpu") == {("peak",): ("usable",)}


def test_proofs_of_a_combination_need_the_default_alone() -> None:
    for one in TRIED:
        seen = _seen(**{one.case.id: (0.5, 50, 20, 0.2)})
        (made,) = arms.combinations(TRIED, seen, ("latency",)) or [None]
        assert made
        assert made.case.proofs, one.case.id
        assert {proof.than for proof in made.case.proofs} <= {None, BASELINE}
        assert {proof.fact for proof in made.case.proofs} <= set(FACTS)


def test_the_default_stands_twice_beside_them() -> None:
    assert [case.id for case in arms.defaults()] == [BASELINE, CONTROL]

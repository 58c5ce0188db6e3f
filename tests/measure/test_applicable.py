"""What this machine lacks for a case, and whether its memory suffices now."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from bench.measure.applicable import PERMANENT, no_room, not_applicable

from bench.measure import applicable
from bench.measure.plan import resolve
from bench.spec import Case, LargestBatch

if TYPE_CHECKING:
    from conftest import Make

    from bench.measure.plan import PlannedGroup

MIB = 1 << 20


def _group(make: Make, **changes: Any) -> PlannedGroup:
    return resolve(make.experiment(groups=[make.group(**changes)]), make.profile(), 2, 1 << 40).groups[0]


def _case(**changes: Any) -> Case:
    return Case(id="one", title="一", **changes)


def _reason(group: PlannedGroup, case: Case) -> str:
    failure = not_applicable(group, case)
    assert failure is not None
    assert failure.kind == "not_applicable"
    assert failure.kind in PERMANENT
    return failure.reason


def test_case_that_asks_for_nothing_special_is_applicable(make: Make) -> None:
    assert not_applicable(_group(make), _case()) is None


@pytest.mark.parametrize("have", [(2, 34), (1, 99), None])
def test_glibc_that_is_older_or_unknown_is_lacking(
    make: Make, monkeypatch: pytest.MonkeyPatch, have: tuple[int, int] | None
) -> None:
    monkeypatch.setattr(applicable, "glibc_version", lambda: have)
    assert "glibc 2.35 以上" in _reason(_group(make), _case(needs_glibc=(2, 35)))
    assert not_applicable(_group(make), _case()) is None


@pytest.mark.parametrize("have", [(2, 35), (2, 41), (3, 0)])
def test_glibc_that_is_new_enough_is_not_lacking(
    make: Make, monkeypatch: pytest.MonkeyPatch, have: tuple[int, int]
) -> None:
    monkeypatch.setattr(applicable, "glibc_version", lambda: have)
    assert not_applicable(_group(make), _case(needs_glibc=(2, 35))) is None


@pytest.mark.parametrize("have", ["1.22.1", "1.9.0", "0.99", "1.22.0rc1"])
def test_older_onnxruntime_is_lacking(make: Make, monkeypatch: pytest.MonkeyPatch, have: str) -> None:
    monkeypatch.setattr(applicable, "version", {"onnxruntime": have}.__getitem__)
    assert "onnxruntime 1.23 以上" in _reason(_group(make), _case(since="1.23"))


@pytest.mark.parametrize("have", ["1.23.0", "1.23.0.dev20250101", "1.31.1", "1.100.0", "2.0"])
def test_onnxruntime_that_is_new_enough_is_not_lacking(
    make: Make, monkeypatch: pytest.MonkeyPatch, have: str
) -> None:
    monkeypatch.setattr(applicable, "version", {"onnxruntime": have}.__getitem__)
    assert not_applicable(_group(make), _case(since="1.23")) is None


def test_share_of_the_cores_needs_affinity(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    assert "哪几个核" in _reason(_group(make, cpu_share=0.5), _case())
    assert not_applicable(_group(make), _case()) is None


def test_share_of_the_cores_is_applicable_where_affinity_can_be_set(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)
    assert not_applicable(_group(make, cpu_share=0.5), _case()) is None


@pytest.mark.parametrize(("free_mib", "fits"), [(399, False), (400, True), (8000, True)])
def test_there_is_room_when_the_hungriest_case_fits(
    make: Make, monkeypatch: pytest.MonkeyPatch, free_mib: int, *, fits: bool
) -> None:
    monkeypatch.setattr(applicable, "free_memory", lambda: free_mib * MIB)
    failure = no_room(_group(make, input=LargestBatch(item_shape=(3,), limit=4, bytes_per_item=100 * MIB)))
    assert (failure is None) is fits
    if failure:
        assert failure.kind == "out_of_memory"
        assert failure.kind not in PERMANENT
        assert "400 MiB" in failure.reason


def test_group_that_tells_no_need_always_has_room(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applicable, "free_memory", lambda: 0)
    assert no_room(_group(make)) is None

"""With the arena off, malloc decides: glibc's own settings, huge pages, and other allocators where there are any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from bench.experiments._common import (
    ARENA_OFF,
    ASPP_ONE,
    DET_320,
    DET_480,
    HUGE_PAGES,
    NO_ARENA,
    WITHOUT_ARENA,
    ZEROED,
    default,
    needs_linux,
)
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Machine, Place, Proof

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GIB = 1 << 30
PACKAGES = {"jemalloc": "libjemalloc2", "mimalloc": "libmimalloc2.0", "tcmalloc": "libtcmalloc-minimal4"}
"""Debian's names."""
THRESHOLDS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
GLIBC = ("arena_off_small_threshold", "arena_off_large_thresholds")
LESS, MORE = 0.5, 1.1


def cases(machine: Machine) -> tuple[Case, ...]:
    """All but the default have no arena: there is little for another allocator to do beside it."""
    small, large = {THRESHOLDS[0]: "131072"}, dict.fromkeys(THRESHOLDS, str(GIB))
    return (
        *default("默认（arena 开）"),
        WITHOUT_ARENA,
        HUGE_PAGES,
        _tuned(GLIBC[0], "关 arena，glibc 128 KiB 就归还", small, _returned("<", LESS)),
        _tuned(GLIBC[1], "关 arena，glibc 1 GiB 才归还", large, _returned(">", MORE)),
        *(_preloaded(name, machine) for name in PACKAGES),
    )


def _returned(relation: Literal["<", ">"], factor: float) -> Proof:
    """By malloc_trim: what glibc had kept."""
    return Proof(fact="returned_mib", relation=relation, expected=factor, than="arena_off")


def _tuned(name: str, title: str, env: Mapping[str, str], shown: Proof) -> Case:
    proofs = (ARENA_OFF, replace(shown, keys=tuple(env)))
    return Case(
        id=name, title=title, settings=NO_ARENA, place=Place(env=env), proofs=proofs, lacking=needs_linux
    )


def _of(name: str) -> str:
    return f"arena_off_{name}"


def _preloaded(name: str, machine: Machine) -> Case:
    """Whatever version the linker finds."""
    library = _found(name, machine)
    mapped = Proof(fact="allocators_mapped", relation="==", expected=1, keys=("LD_PRELOAD",))
    return Case(
        id=_of(name),
        title=f"关 arena，{name}",
        settings=NO_ARENA,
        place=Place(env={"LD_PRELOAD": library or f"lib{name}.so"}),
        proofs=(ARENA_OFF, mapped),
        lacking=_needs(name),
    )


def _needs(name: str) -> Callable[[Machine], str]:
    def lacking(machine: Machine) -> str:
        return "" if _found(name, machine) else f"没有装 {name}（Debian 上是 {PACKAGES[name]} 包）"

    return lacking


def _found(name: str, machine: Machine) -> str:
    return next((library for library in machine.allocators if library.startswith(f"lib{name}")), "")


EXPERIMENT = Experiment(
    id="allocators",
    title="关掉 arena 之后的分配器",
    question="关了 arena，glibc 的阈值和大页、jemalloc 一类的分配器，各快多少、省多少？",
    cases=cases,
    groups=(
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            settings=ZEROED,
            seconds=0.5,
            cases=(BASELINE, CONTROL, "arena_off", HUGE_PAGES.id, GLIBC[0], *map(_of, PACKAGES)),
        ),
        Group(
            model="aspp",
            input=ASPP_ONE,
            small=ASPP_ONE,
            seconds=1.2,
            cases=(BASELINE, CONTROL, "arena_off", HUGE_PAGES.id, *GLIBC),
        ),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "peak_mib",
        "kept_mib",
        "kept_trimmed_mib",
        "minor_faults",
        "cpu_s",
    ),
    observe_each_group=True,
)

"""Arrays for a model whose reader gave none: sizes from the command line, values from a seed."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.measure.machine import free_memory
from bench.models._common import covering
from bench.tune.own import CannotTune

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from bench.spec import Shape
    from bench.tune.signature import Slot

FLOATS = ("float16", "float32", "float64")
MOST_TOLD = 4
"""Inputs that a sentence lists; decoders have a hundred."""
EXAMPLE = 128
"""Of a size, where one must be typed."""
MOST_SHARE = 0.2
"""Of free memory: making values takes several times what they take."""
NAMED = {"mask": "ones", "token_type": "zeros", "segment": "zeros", "position": "arange"}
"""What stands in the name of an input -> how its values are."""


@dataclass(frozen=True, slots=True)
class Fed:
    """Arrays on disk, and what they are."""

    files: list[dict[str, str]]
    """Name of an input -> name of a file; one for all calls, or one for each."""
    shapes: list[dict[str, Shape]]
    """Of each call."""
    made: dict[str, str]
    """Name of an input -> Chinese: where its values come from."""


def make(slots: Sequence[Slot], job: Mapping[str, Any], folder: Path) -> Fed:
    """Arrays that cover all shapes: a call is fed their leading corners."""
    import numpy as np

    _refuse_unmakeable(slots)
    _refuse_ranges(slots, job["ranges"])
    shapes = _shapes(slots, job["dims"], job["batch"])
    whole = {slot.name: covering(tuple(feed[slot.name] for feed in shapes)) for slot in slots}
    _refuse_size(slots, whole)
    files, made = {}, {}
    for number, slot in enumerate(slots):
        rng, bounds = np.random.default_rng([job["seed"], number]), job["ranges"].get(slot.name)
        array, said = _values(slot, whole[slot.name], bounds, rng)
        files[slot.name] = f"{number}.npy"
        made[slot.name] = said.format(seed=f"随机数，种子 {job['seed']}")
        np.save(folder / files[slot.name], np.asarray(array, dtype=slot.dtype, order="C"), allow_pickle=False)
    return Fed([files], shapes, made)


def _refuse_unmakeable(slots: Sequence[Slot]) -> None:
    for slot in slots:
        give = f"用 --inputs a.npz 给一份自己的，键是输入名（{'、'.join(one.name for one in slots)}）"
        if slot.dtype == "str":
            raise CannotTune(f"输入 {slot.name} 是文字，随机造不出来：{give}")
        if slot.kind.startswith("optional"):
            raise CannotTune(f"输入 {slot.name} 可给可不给（{slot.kind}）：{give}")
        if slot.axes is None:
            raise CannotTune(f"输入 {slot.name} 没有写明有几维：{give}")


def _refuse_ranges(slots: Sequence[Slot], ranges: Mapping[str, Sequence[float]]) -> None:
    import numpy as np

    dtypes = {slot.name: slot.dtype for slot in slots}
    for name, (low, high) in ranges.items():
        typed = f"--range {name}={low:g},{high:g}"
        if name not in dtypes:
            raise CannotTune(f"{typed}：没有输入 {name}，这个模型的输入是 {'、'.join(dtypes)}")
        if dtypes[name] not in FLOATS:
            raise CannotTune(
                f"{typed}：{name} 是 {dtypes[name]}，只有浮点输入能写范围；要用别的值，就用 --inputs 给"
            )
        most = float(np.finfo(dtypes[name]).max)
        if not -most <= low < high <= most:
            raise CannotTune(f"{typed}：要两个数，前一个小于后一个，如 --range {shlex.quote(name)}=0,1")


def _shapes(
    slots: Sequence[Slot], dims: Mapping[str, Sequence[int]], batch: int | None
) -> list[dict[str, Shape]]:
    """Of each call. The first axis is the batch, wherever its name comes again."""
    axes = {slot.name: slot.axes or () for slot in slots}
    free = dict.fromkeys(axis for found in axes.values() for axis in found if isinstance(axis, str))
    firsts = {found[0] for found in axes.values() if found and isinstance(found[0], str)}
    _refuse_dims(dims, list(free))
    if batch is not None and (batch < 1 or not firsts - set(dims)):
        reason = "至少是 1" if batch < 1 else f"没有第一维待定的输入（{_told(slots)}），请去掉"
        raise CannotTune(f"--batch {batch}：{reason}")
    sizes = {**dict.fromkeys(firsts, (batch or 1,)), **dims}
    if missing := [name for name in free if name not in sizes]:
        raise CannotTune(_asking(slots, missing))
    calls = max(map(len, sizes.values()), default=1)
    every = {name: tuple(found) * (calls if len(found) == 1 else 1) for name, found in sizes.items()}
    return [
        {
            name: tuple(axis if isinstance(axis, int) else every[axis][call] for axis in found)
            for name, found in axes.items()
        }
        for call in range(calls)
    ]


def _refuse_dims(dims: Mapping[str, Sequence[int]], free: Sequence[str]) -> None:
    for name, sizes in dims.items():
        typed = f"--dim {name}={','.join(map(str, sizes))}"
        if name not in free:
            there = f"能写的有 {'、'.join(free)}" if free else "这个模型每一维都是固定的，请去掉"
            raise CannotTune(f"{typed}：没有叫 {name} 的维，{there}")
        if not sizes or min(sizes) < 0:
            raise CannotTune(f"{typed}：要不小于 0 的整数，如 --dim {shlex.quote(name)}={EXAMPLE}")
    counts = {name: len(sizes) for name, sizes in dims.items() if len(sizes) > 1}
    if len(set(counts.values())) > 1:
        told = "，".join(f"{name} 有 {count} 个" for name, count in counts.items())
        raise CannotTune(f"几个 --dim 的个数对不上：{told}；要一样多，或只写一个数")


def _asking(slots: Sequence[Slot], missing: Sequence[str]) -> str:
    """What to type, whole."""
    unnamed = {f"{slot.name}.{axis}" for slot in slots for axis in range(len(slot.axes or ()))}
    note = "（文件里没有名字的维写成输入名加序号，序号从 0 数起）" if unnamed & set(missing) else ""
    typed = " ".join(f"--dim {shlex.quote(f'{name}={_example(name)}')}" for name in missing)
    asked = [slot for slot in slots if set(slot.axes or ()) & set(missing)]
    return f"还要知道 {'、'.join(missing)} 取多少{note}，输入是 {_told(asked)}：请加上 {typed}，数换成你的"


def _example(name: str) -> int:
    """Nothing is in a cache at first."""
    return 0 if "past" in name and "+" not in name else EXAMPLE


def _told(slots: Sequence[Slot]) -> str:
    """The first few."""
    more = f" 等 {len(slots)} 个" if len(slots) > MOST_TOLD else ""
    return "、".join(f"{slot.name} {slot.told}" for slot in slots[:MOST_TOLD]) + more


def _refuse_size(slots: Sequence[Slot], whole: Mapping[str, Shape]) -> None:
    import numpy as np

    taken = sum(math.prod(whole[slot.name]) * np.dtype(slot.dtype).itemsize for slot in slots)
    if taken > MOST_SHARE * (free := free_memory()):
        raise CannotTune(
            f"输入要 {taken >> 20} MiB，超过空闲内存（{free >> 20} MiB）的两成：请把 --dim 或 --batch 写小些"
        )


def _values(
    slot: Slot, shape: Shape, bounds: Sequence[float] | None, rng: np.random.Generator
) -> tuple[NDArray[Any], str]:
    """An array, and what it is."""
    import numpy as np

    how = next((how for part, how in NAMED.items() if part in slot.name.lower()), "")
    if slot.dtype == "bool":
        return np.ones(shape, bool), "全是 True"
    if slot.dtype in FLOATS and (bounds or how != "ones"):
        return _floats(slot.dtype, shape, bounds, rng)
    if how == "ones":
        return np.ones(shape, slot.dtype), "全是 1"
    if how == "zeros":
        return np.zeros(shape, slot.dtype), "全是 0"
    if how == "arange":
        row = np.arange(math.prod(shape[-1:])).astype(slot.dtype)
        return np.broadcast_to(row if shape else row[0], shape), "从 0 数起"
    high = min(max(1, slot.rows or 2), int(np.iinfo(slot.dtype).max))
    said = f"0 到 {high - 1} 的整数（它查的表有 {slot.rows} 行），" if slot.rows else "0 和 1，"
    return rng.integers(0, high, shape, slot.dtype), f"{said}{{seed}}"


def _floats(
    dtype: str, shape: Shape, bounds: Sequence[float] | None, rng: np.random.Generator
) -> tuple[NDArray[Any], str]:
    """Without numbers so small that they take longer."""
    import numpy as np

    kind: type[np.float32 | np.float64] = np.float64 if dtype == "float64" else np.float32
    if bounds:
        low, high = bounds
        share = rng.random(shape, kind)
        values, said = low * (1 - share) + high * share, f"{low:g} 到 {high:g} 均匀分布的{{seed}}"
    else:
        values, said = rng.standard_normal(shape, kind), "标准正态的{seed}"
    found = np.asarray(values, dtype)
    found[np.abs(found) < np.finfo(dtype).tiny] = 0
    return found, said

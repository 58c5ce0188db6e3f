"""The reader's own data: one `.npz` for each call, held against the model's signature before anything is measured."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bench.tune.making import Fed
from bench.tune.own import CannotTune
from bench.tune.signature import readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bench.spec import Shape
    from bench.tune.signature import Slot

MOST_ARRAYS = 500
"""The measured process keeps all of them open, and many systems allow a process a thousand files."""


def take(slots: Sequence[Slot], paths: Sequence[str], folder: Path) -> Fed:
    """The arrays as they are, each in a file of its own."""
    import numpy as np

    if (count := len(paths) * len(slots)) > MOST_ARRAYS:
        raise CannotTune(f"--inputs 里一共有 {count} 个数组，最多 {MOST_ARRAYS} 个：请少给几个文件")
    files: list[dict[str, str]] = []
    shapes: list[dict[str, Shape]] = []
    for call, path in enumerate(map(Path, paths)):
        arrays = _arrays(path, slots)
        for slot in slots:
            _refuse_array(path.name, slot, arrays[slot.name])
        files.append({slot.name: f"{call}-{number}.npy" for number, slot in enumerate(slots)})
        shapes.append({name: array.shape for name, array in arrays.items()})
        for name, array in arrays.items():
            np.save(folder / files[-1][name], np.asarray(array, order="C"), allow_pickle=False)
    more = f" 等 {len(paths)} 个文件" if len(paths) > 1 else ""
    return Fed(files, shapes, {slot.name: f"取自 {Path(paths[0]).name}{more}" for slot in slots})


def _arrays(path: Path, slots: Sequence[Slot]) -> dict[str, NDArray[Any]]:
    """By the names of the inputs, and in their order."""
    wanted = [slot.name for slot in slots]
    write = f"请用 np.savez({path.with_suffix('.npz').name!r}, **{{{', '.join(f'{name!r}: …' for name in wanted)}}}) 写"
    if not path.exists():
        raise CannotTune(f"--inputs：没有文件 {path}，请检查路径")
    if path.is_dir():
        raise CannotTune(f"--inputs：{path} 是文件夹，要的是 .npz，{write}")
    with readable(path), path.open("rb") as file:
        archive = _opened(file, path, write)
        missing = [name for name in wanted if name not in archive.files]
        surplus = [name for name in archive.files if name not in wanted]
        if missing or surplus:
            lacks = f"缺 {'、'.join(missing)}" if missing else ""
            has = f"多了 {'、'.join(surplus)}" if surplus else ""
            wrong = "，".join(filter(None, (lacks, has)))
            raise CannotTune(f"{path.name} {wrong}：键要和输入名一样，{write}")
        return {name: _array(archive, name, path) for name in wanted}


def _opened(file: IO[bytes], path: Path, write: str) -> Any:
    import numpy as np

    try:
        found = np.load(file, allow_pickle=False)
        found.files  # noqa: B018 - a single array has none
    except Exception as error:  # whatever a foreign file makes NumPy and zipfile say
        raise CannotTune(f"--inputs：{path} 不是 .npz，或没有传完整，{write}") from error
    return found


def _array(archive: Any, name: str, path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = archive[name]
    except Exception as error:  # whatever a broken file makes NumPy and zlib say
        if "allow_pickle" in str(error):
            raise CannotTune(
                f"{path.name} 里的 {name} 存的是 Python 对象（pickle），不能读：请存成普通的 NumPy 数组"
            ) from error
        raise CannotTune(f"{path.name} 里的 {name} 读不出来：文件坏了，请重新保存") from error
    return array


def _refuse_array(file: str, slot: Slot, array: NDArray[Any]) -> None:
    import numpy as np

    where = f"{file} 里的 {slot.name}"
    if not (array.dtype.kind == "U" if slot.dtype == "str" else array.dtype == np.dtype(slot.dtype)):
        raise CannotTune(
            f"{where} 应是 {slot.dtype}，现在是 {array.dtype}：请存成 {slot.name}.astype({slot.dtype!r})"
        )
    if slot.axes is not None and not _fits(array.shape, slot.axes):
        raise CannotTune(f"{where} 的形状应是 {slot.told}，现在是 {list(array.shape)}：请照模型的输入保存")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise CannotTune(f"{where} 有 NaN 或无穷大，算出来的没法核对：请换一份数据")


def _fits(shape: Shape, axes: Sequence[int | str]) -> bool:
    return len(shape) == len(axes) and all(
        isinstance(axis, str) or axis == size for size, axis in zip(shape, axes, strict=True)
    )

"""Makes the files of one model. Runs in the child that `bench.models.prepared` starts."""

from __future__ import annotations

import hashlib
import json
import math
import os
from typing import TYPE_CHECKING, Any, BinaryIO

from filelock import FileLock

from bench.models._errors import ModelError
from bench.models.flops import count_flops
from bench.models.prepared import hash_of, input_name, intact_input, read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto

    from bench.spec import Input, Model


def build(model: Model, inputs: Sequence[Input], directory: Path) -> None:
    """Write what is missing or damaged. `model.json` comes last and vouches for the rest."""
    import onnx

    directory.mkdir(parents=True, exist_ok=True)
    with FileLock(directory / "lock"):
        for leftover in directory.glob("*.tmp"):
            leftover.unlink()
        record = read_record(directory) or _build_model(model, directory)
        missing = [entry for entry in inputs if not intact_input(directory, input_name(entry), record)]
        proto = onnx.load(directory / "model.onnx")
        for entry in missing:
            record["inputs"][input_name(entry)] = _build_input(model, proto, entry, directory)
        text = json.dumps(record, ensure_ascii=False, indent=1)
        _write(directory / "model.json", lambda file: file.write(text.encode()))


def _build_model(model: Model, directory: Path) -> dict[str, Any]:
    import onnx

    data = model.build()
    weights = onnx.load_from_string(data).graph.initializer
    floats = (
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.BFLOAT16,
        onnx.TensorProto.DOUBLE,
    )
    _write(directory / "model.onnx", lambda file: file.write(data))
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "parameters": sum(math.prod(tensor.dims) for tensor in weights if tensor.data_type in floats),
        "weight_bytes": sum(onnx.numpy_helper.to_array(tensor).nbytes for tensor in weights),
        "inputs": {},
    }


def _build_input(model: Model, proto: ModelProto, entry: Input, directory: Path) -> dict[str, Any]:
    import numpy as np

    flops = sum(count_flops(proto, model.input_name, shape) for shape in entry.shapes)
    array = _checked(np.asarray(model.make_input(entry.shapes)), entry)
    path = directory / f"{input_name(entry)}.npy"
    _write(path, lambda file: np.save(file, array, allow_pickle=False))
    return {
        "label": entry.label,
        "shapes": entry.shapes,
        "calls": len(entry.shapes),
        "flops": flops,
        "file_sha256": hash_of(path),
    }


def _checked(array: NDArray[np.generic], entry: Input) -> NDArray[np.generic]:
    """The array in C order, or ModelError when it is not what `Model.make_input` promises."""
    import numpy as np

    covers = all(
        len(shape) == array.ndim and all(map(int.__le__, shape, array.shape)) for shape in entry.shapes
    )
    if array.dtype not in (np.float32, np.int64) or not covers or not np.isfinite(array).all():
        raise ModelError(f"输入 {entry.label} 不合要求：应是覆盖全部形状的有限 float32 或 int64 数组")
    return np.ascontiguousarray(array)


def _write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """All or nothing: a kill leaves a `.tmp` behind, never half a file under the real name."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)

"""The PP-OCRv6 networks that come with the `rapidocr` package: real weights, nothing downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bench.models._errors import ModelError


def model_bytes(name: str) -> bytes:
    """Content of `models/<name>` in the installed package, which is found without importing it.

    Importing it would load OpenCV and ONNX Runtime. Raises ModelError when package or file is missing.
    """
    spec = find_spec("rapidocr")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "models" / name
        if path.is_file():
            return path.read_bytes()
    raise ModelError(f'没有找到 rapidocr 自带的模型文件 {name}：请运行 pip install "rapidocr>=3.10"')


def without_denormals(data: bytes) -> bytes:
    """A model whose float32 weights below the smallest normal number are zero instead."""
    import numpy as np
    import onnx

    model = onnx.load_from_string(data)
    smallest = np.finfo(np.float32).tiny
    for weight in model.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(weight).copy()
            denormal = (values != 0) & (np.abs(values) < smallest)
            if denormal.any():
                values[denormal] = 0
                weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    changed: bytes = model.SerializeToString(deterministic=True)
    return changed

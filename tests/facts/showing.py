"""What demonstrations share. Each `show_*.py` is a script: `show_memory.py NAME FOLDER` runs `shows_NAME`.

The folder holds `model.onnx` (two branches, input x of n rows by 64) and `config.onnx`, the same with an
`ort_config` in its metadata. A demonstration that does not hold ends the child with a traceback.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CPU = ["CPUExecutionProvider"]
ROWS = 5000
FEED = {"x": np.zeros((ROWS, 64), np.float32)}
TENSOR_BYTES = ROWS * 64 * 4


def main(shows: Mapping[str, Callable[[str], None]]) -> None:
    shows[f"shows_{sys.argv[1]}"](str(Path(sys.argv[2]) / "model.onnx"))


def options(keys: dict[str, str] | None = None, **attributes: Any) -> ort.SessionOptions:
    made = ort.SessionOptions()
    for name, value in attributes.items():
        setattr(made, name, value)
    for key, value in (keys or {}).items():
        made.add_session_config_entry(key, value)
    return made


def session(model: str | bytes, sess_options: ort.SessionOptions | None = None) -> ort.InferenceSession:
    return ort.InferenceSession(model, sess_options=sess_options, providers=CPU, enable_fallback=0)


def graph(
    nodes: Sequence[tuple[str, Sequence[str], str, dict[str, Any]] | tuple[str, Sequence[str], str]],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
    weights: Mapping[str, np.ndarray] | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    """A model of floats: (operator, inputs, output, attributes) for each node, name -> shape for the rest."""
    made = [helper.make_node(kind, list(given), [out], **dict(*more)) for kind, given, out, *more in nodes]
    ends = [
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in side.items()]
        for side in (inputs, outputs)
    ]
    constants = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    whole = helper.make_graph(made, "g", *ends, constants)
    return helper.make_model(
        whole, opset_imports=[helper.make_opsetid("", opset)], ir_version=7 if opset < 15 else 8
    )


def elsewhere(code: str, *arguments: str, **env: str) -> float:
    """The last number that a process of its own prints, without foreign settings of malloc."""
    foreign = ("MALLOC_", "GLIBC_TUNABLES")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    command = [sys.executable, "-I", "-c", code, *arguments]
    output = subprocess.check_output(command, env={**clean, **env}, stderr=subprocess.DEVNULL)
    return float(output.split()[-1])


def error(action: Callable[[], object]) -> str:
    """The message of the exception that must come."""
    try:
        action()
    except Exception as found:  # noqa: BLE001  the binding's exceptions have no common base
        return f"{type(found).__name__}: {found}"
    raise AssertionError("no error")


@contextmanager
def log() -> Iterator[list[str]]:
    """Everything written to stderr meanwhile, by C++ too."""
    lines: list[str] = []
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            file.seek(0)
            lines += file.read().decode(errors="replace").splitlines()


def threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())

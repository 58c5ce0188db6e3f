"""What demonstrations share. `showing.py show_memory shows_shrinkage` runs one of them, on a model made for it.

One that does not hold ends the process with a traceback. With arguments (JSON), any function of a module is run in a
process of its own, and what it returns printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Model = str | bytes | onnx.ModelProto
    Keys = Mapping[str, str]
    Shapes = Mapping[str, Sequence[int | str]]
    Weights = Mapping[str, np.ndarray]

CPU = ["CPUExecutionProvider"]
FEED = {"x": np.zeros((5000, 64), np.float32)}
TENSOR_BYTES = FEED["x"].nbytes
ENUMS = {"graph_optimization_level": ort.GraphOptimizationLevel, "execution_mode": ort.ExecutionMode}


def folder() -> Path:
    return Path(tempfile.mkdtemp())


def options(keys: Keys | None = None, **attributes: Any) -> ort.SessionOptions:
    made = ort.SessionOptions()
    for name, value in attributes.items():
        setattr(made, name, getattr(ENUMS[name], value) if name in ENUMS else value)
    for key, value in (keys or {}).items():
        made.add_session_config_entry(key, value)
    return made


def session(model: Model, sess_options: ort.SessionOptions | None = None) -> ort.InferenceSession:
    content = model.SerializeToString() if isinstance(model, onnx.ModelProto) else model
    return ort.InferenceSession(content, sess_options=sess_options, providers=CPU, enable_fallback=0)


def saved(model: Model, level: str, keys: Keys | None = None, name: str = "saved.onnx") -> Path:
    path = folder() / name
    session(model, options(keys, optimized_model_filepath=str(path), graph_optimization_level=level))
    return path


def graph(
    nodes: Sequence[Sequence[Any]],
    inputs: Shapes,
    outputs: Shapes,
    weights: Weights | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    """A model of floats: (operator, inputs, output, attributes) for each node, name -> shape for the rest."""
    made = [helper.make_node(kind, given, [out], **dict(*more)) for kind, given, out, *more in nodes]
    values = partial(helper.make_tensor_value_info, elem_type=onnx.TensorProto.FLOAT)
    ends = [[values(name, shape=shape) for name, shape in side.items()] for side in (inputs, outputs)]
    constants = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    whole = helper.make_graph(made, "g", *ends, constants)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def branches() -> onnx.ModelProto:
    """Of an input x of n rows by 64: nodes that could run side by side, one that folds to a constant."""
    random, weights = np.random.default_rng(0), {name: np.ones(64, np.float32) for name in ("one", "two")}
    nodes = [("Add", ["one", "two"], "three")]
    for branch in "ab":
        for step in range(3):
            last = f"s{branch}{step - 1}" if step else "x"
            weights[f"w{branch}{step}"] = random.standard_normal((64, 64), dtype=np.float32)
            nodes += [("MatMul", [last, f"w{branch}{step}"], f"m{branch}{step}")]
            nodes += [("Sigmoid", [f"m{branch}{step}"], f"s{branch}{step}")]
    nodes += [("Add", ["sa2", "sb2"], "both"), ("Add", ["both", "three"], "z")]
    return graph(nodes, {"x": ["n", 64]}, {"z": ["n", 64]}, weights)


def elsewhere(function: Callable[..., Any], *arguments: Any, **env: str) -> Any:
    """What a function returns in a process of its own, without foreign settings of malloc."""
    clean = {n: value for n, value in os.environ.items() if not n.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    command = [sys.executable, "-Es", __file__, function.__module__, function.__name__]
    command += map(json.dumps, arguments)
    output = subprocess.check_output(command, env={**clean, **env}, stderr=subprocess.DEVNULL, timeout=120)
    return json.loads(output.splitlines()[-1])


def error(action: Callable[[], object]) -> str:
    """Kind and message of the exception; empty when there is none."""
    try:
        action()
    except Exception as found:  # noqa: BLE001  the binding's exceptions have no common base
        return f"{type(found).__name__}: {found}"
    return ""


def refusal(model: Model, keys: Mapping[str, Any] | None = None, **attributes: Any) -> str:
    """Why there is no session; empty when there is one."""
    with log():
        return error(lambda: session(model, options(keys, **attributes)))


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


def main() -> None:
    module, name, *arguments = sys.argv[1:]
    if not arguments:
        path = folder() / "model.onnx"
        onnx.save(branches(), path)
        arguments = [json.dumps(str(path))]
    print(json.dumps(getattr(import_module(module), name)(*map(json.loads, arguments))))


if __name__ == "__main__":
    main()

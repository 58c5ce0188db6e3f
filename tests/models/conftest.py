from __future__ import annotations

import subprocess
import sys
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnx
import pytest

from bench.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

RUN = """
import json, os, sys, numpy, onnxruntime as ort
os.chdir(sys.argv[1])
options = ort.SessionOptions()
options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, sys.argv[2])
options.optimized_model_filepath = "optimized.onnx"
options.log_severity_level = 3
session = ort.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
outputs = session.run(None, dict(numpy.load("feed.npz")))
with open("/proc/self/status" if sys.platform == "linux" else os.devnull) as file:
    kib = (file.read().partition("VmRSS:")[2].split() or [0])[0]
numpy.savez("outputs.npz", *outputs)
print(int(kib) / 1024)
"""


class Ran(NamedTuple):
    """What came of a process that ran a model."""

    outputs: dict[str, NDArray[Any]]
    operators: Counter[str]
    rss_mib: float


@pytest.fixture(scope="session")
def built() -> Callable[[str], bytes]:
    """Bytes of a model by id, built once."""
    return cache(lambda name: MODELS[name].build())


@pytest.fixture
def in_child() -> Callable[..., str]:
    """Run Python code in a fresh process; its standard output. Models run nowhere else."""

    def run(code: str, *arguments: str) -> str:
        command, pipe = [sys.executable, "-c", code, *arguments], subprocess.PIPE
        return subprocess.run(command, stdout=pipe, text=True, check=True, timeout=120).stdout

    return run


@pytest.fixture
def infer(tmp_path: Path, in_child: Callable[..., str]) -> Callable[..., Ran]:
    """Run a model on this input; tensors whose names begin with one of `also` are outputs, too."""

    def run(model: bytes, feed: Any, level: str = "ORT_ENABLE_ALL", also: tuple[str, ...] = ()) -> Ran:
        proto = onnx.load_from_string(model)
        known = {"", *(entry.name for entry in proto.graph.output)}
        names = [name for node in proto.graph.node for name in node.output if name.startswith(also)]
        proto.graph.output.extend([onnx.ValueInfoProto(name=name) for name in names if name not in known])
        (tmp_path / "model.onnx").write_bytes(proto.SerializeToString() if also else model)
        np.savez(tmp_path / "feed.npz", **{proto.graph.input[0].name: np.ascontiguousarray(feed)})
        rss_mib = float(in_child(RUN, str(tmp_path), level))
        with np.load(tmp_path / "outputs.npz") as found:
            outputs = {entry.name: found[f"arr_{n}"] for n, entry in enumerate(proto.graph.output)}
        nodes = onnx.load(tmp_path / "optimized.onnx").graph.node
        return Ran(outputs, Counter(node.op_type for node in nodes), rss_mib)

    return run

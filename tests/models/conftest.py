from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnx
import pytest

from bench.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
RUN = """
import json, os, statistics, sys, time, numpy, onnxruntime as ort
os.chdir(sys.argv[1])
options, runs = ort.SessionOptions(), int(sys.argv[3])
options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, sys.argv[2])
options.optimized_model_filepath = "optimized.onnx"
options.log_severity_level = 3
options.intra_op_num_threads = int(runs > 1)
session = ort.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
feed, times = dict(numpy.load("feed.npz")), []
for _ in range(runs):
    start = time.perf_counter()
    outputs = session.run(None, feed)
    times.append(time.perf_counter() - start)
with open("/proc/self/status" if sys.platform == "linux" else os.devnull) as file:
    kib = (file.read().partition("VmRSS:")[2].split() or [0])[0]
numpy.savez("outputs.npz", *outputs)
print(json.dumps([int(kib) / 1024, 1000 * statistics.median(times)]))
"""


class Ran(NamedTuple):
    """What came of a process that ran a model."""

    outputs: dict[str, NDArray[Any]]
    operators: Counter[str]
    """Of the graph as ORT made it."""
    rss_mib: float
    median_ms: float


@pytest.fixture(scope="session")
def built() -> Callable[[str], bytes]:
    """Bytes of a model by id, built once."""
    return cache(lambda name: MODELS[name].build())


@pytest.fixture
def in_child() -> Callable[..., str]:
    """Run Python code in a fresh process; its standard output. Models run nowhere else."""

    def run(code: str, *arguments: str) -> str:
        command, env = [sys.executable, "-c", code, *arguments], {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
        return subprocess.run(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True, timeout=120
        ).stdout

    return run


@pytest.fixture
def infer(tmp_path: Path, in_child: Callable[..., str]) -> Callable[..., Ran]:
    """Run a model on the input for these shapes; with `every`, all tensors are outputs."""

    def run(
        model: bytes, feed: Any, level: str = "ORT_ENABLE_ALL", *, runs: int = 1, every: bool = False
    ) -> Ran:
        proto = onnx.load_from_string(model)
        if every:
            known = {entry.name for entry in proto.graph.output}
            names = (name for node in proto.graph.node for name in node.output if name and name not in known)
            proto.graph.output.extend([onnx.ValueInfoProto(name=name) for name in names])
        (tmp_path / "model.onnx").write_bytes(proto.SerializeToString() if every else model)
        np.savez(tmp_path / "feed.npz", **{proto.graph.input[0].name: np.ascontiguousarray(feed)})
        rss, took = json.loads(in_child(RUN, str(tmp_path), level, str(runs)))
        with np.load(tmp_path / "outputs.npz") as found:
            outputs = [found[f"arr_{number}"] for number in range(len(found))]
        nodes = onnx.load(tmp_path / "optimized.onnx").graph.node
        by_name = zip((entry.name for entry in proto.graph.output), outputs, strict=True)
        return Ran(dict(by_name), Counter(node.op_type for node in nodes), rss, took)

    return run

"""What the pages say of graph optimisation and of what a model may be."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper
from showing import CPU, error, graph, log, main, options, session


def shows_optimizer_separator(model: str) -> None:
    def applied(value: str) -> bool:
        key = {"optimization.disable_specified_optimizers": value}
        with log() as lines:
            session(model, options(key, log_severity_level=1))
        return any("GraphTransformer ConstantFolding " in line for line in lines)

    assert not applied("ConstantFolding;GeluFusionL2")
    assert applied("ConstantFolding,GeluFusionL2")
    assert applied("ConstantFoldin")


def shows_optimized_model(model: str) -> None:
    saved = Path(tempfile.mkdtemp()) / "saved.onnx"
    made = options(optimized_model_filepath=str(saved), log_severity_level=3)
    session(model, made)
    saved.write_bytes(b"")
    session(model, made)
    assert saved.stat().st_size > 0


def shows_opset_key(model: str) -> None:
    key = "session.allow_released_opsets_only"
    proto = onnx.load(model)
    for version in range(20, 99):
        proto.opset_import[0].version = version
        newest = proto.SerializeToString()
        if told := _refusal(newest, {}):
            break
    assert "official released" in told
    assert _refusal(newest, {key: "1"}) == told
    let_through = _refusal(newest, {key: "0"})
    assert "No Op registered" in let_through
    os.environ["ALLOW_RELEASED_ONNX_OPSET_ONLY"] = "0"
    code = "import sys, show_graph; print(show_graph._refusal(sys.stdin.buffer.read(), {sys.argv[1]: '1'}))"
    command = [sys.executable, "-c", code, key]
    with log():
        printed = subprocess.check_output(command, input=newest, cwd=Path(__file__).parent)
    assert printed.decode().strip() == let_through


def _refusal(content: bytes, keys: dict[str, str]) -> str:
    """Why there is no session; empty when there is one."""
    try:
        with log():
            session(content, options(keys))
    except Exception as found:  # noqa: BLE001  the binding's exceptions have no common base
        return str(found).strip()
    return ""


def shows_optimised_values(model: str) -> None:
    """Zeros around negative numbers win the MaxPool, fused or not."""
    nodes = [("Pad", ["x", "pads"], "padded"), ("MaxPool", ["padded"], "y", {"kernel_shape": [2, 2]})]
    pads = {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}
    content = graph(nodes, {"x": [1, 1, 3, 3]}, {"y": [1, 1, 4, 4]}, pads)
    feed = {"x": -np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)}

    def output(level: str, **more: Any) -> np.ndarray:
        made = options(graph_optimization_level=getattr(ort.GraphOptimizationLevel, level))
        plain = {"sess_options": made, "providers": CPU, "enable_fallback": 0, **more}
        return ort.InferenceSession(content.SerializeToString(), **plain).run(None, feed)[0]

    right = output("ORT_DISABLE_ALL")
    assert right[0, 0, 0, 0] == 0
    assert (output("ORT_ENABLE_ALL", disabled_optimizers=["Pad_Fusion"]) == right).all()
    for level in ("ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"):
        assert (output(level) == right).all(), level


def shows_dispatch_policy(model: str) -> None:
    key = "session.kernel_dispatch_policy"
    for value in ("auto", "latency", "memory", "safe"):
        session(model, options({key: value}))
    for value in ("fast", "Auto"):
        assert "one of 'auto'" in error(lambda value=value: session(model, options({key: value})))
    session(model, options({"ep.cpu.qmoe_deferred_scale": "nonsense"}))


def shows_expansion_limits(model: str) -> None:
    body = graph([("Add", ["a", "a"], "c"), ("Mul", ["c", "a"], "b")], {}, {}).graph.node
    own = {"domain": "own"}
    proto = graph([("F", ["x"], "p", own), ("F", ["p"], "y", own)], {"x": [4]}, {"y": [4]})
    proto.functions.append(helper.make_function("own", "F", ["a"], ["b"], body, proto.opset_import))
    proto.opset_import.append(helper.make_opsetid("own", 1))
    onnx.checker.check_model(proto)
    content = proto.SerializeToString()
    session(content)
    for unit in ("node", "byte"):
        key = f"session.function_expansion_{unit}_limit"
        with log():
            assert "expansion limit" in error(lambda key=key: session(content, options({key: "1"})))
        assert "positive integer" in error(lambda key=key: session(content, options({key: "0"})))
        session(content, options({key: "1000000"}))


def shows_folding_limit(model: str) -> None:
    """A node whose output size cannot be told beforehand is folded only without a limit."""
    nodes = [
        ("GreaterOrEqual", ["a", "b"], "c"),
        ("Cast", ["c"], "d", {"to": onnx.TensorProto.FLOAT}),
        ("Add", ["x", "d"], "y"),
    ]
    ones = dict.fromkeys("ab", np.ones(4, np.float32))
    content = graph(nodes, {"x": [4]}, {"y": [4]}, ones, opset=12)
    key = "optimization.constant_folding_max_output_size_in_bytes"
    level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    for keys, left in (({}, 3), ({key: "0"}, 1)):
        saved = Path(tempfile.mkdtemp()) / "saved.onnx"
        made = options(keys, optimized_model_filepath=str(saved), graph_optimization_level=level)
        session(content.SerializeToString(), made)
        assert len(onnx.load(saved).graph.node) == left


if __name__ == "__main__":
    main(globals())

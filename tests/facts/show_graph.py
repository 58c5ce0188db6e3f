"""What the pages say of graph optimisation and of what a model may be."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from showing import CPU, error, log, main, options, session


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
    import onnx

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
    from onnx import TensorProto, helper, numpy_helper

    pads = numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1]), "pads")
    nodes = [
        helper.make_node("Pad", ["x", "pads"], ["padded"]),
        helper.make_node("MaxPool", ["padded"], ["y"], kernel_shape=[2, 2]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, size, size])
        for name, size in (("x", 3), ("y", 4))
    ]
    graph = helper.make_graph(nodes, "pool", ends[:1], ends[1:], [pads])
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
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
    import onnx
    from onnx import TensorProto, helper

    opset = helper.make_opsetid("", 17)
    body = [helper.make_node("Add", ["a", "a"], ["c"]), helper.make_node("Mul", ["c", "a"], ["b"])]
    function = helper.make_function("own", "F", ["a"], ["b"], body, [opset])
    calls = [
        helper.make_node("F", ["x"], ["p"], domain="own"),
        helper.make_node("F", ["p"], ["y"], domain="own"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy"]
    graph = helper.make_graph(calls, "calls", ends[:1], ends[1:])
    imports = [opset, helper.make_opsetid("own", 1)]
    proto = helper.make_model(graph, opset_imports=imports, functions=[function], ir_version=8)
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
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    constants = [numpy_helper.from_array(np.ones(4, np.float32), name) for name in "ab"]
    nodes = [
        helper.make_node("GreaterOrEqual", ["a", "b"], ["c"]),
        helper.make_node("Cast", ["c"], ["d"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "d"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy"]
    graph = helper.make_graph(nodes, "folding", ends[:1], ends[1:], constants)
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)
    key = "optimization.constant_folding_max_output_size_in_bytes"
    level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    for keys, left in (({}, 3), ({key: "0"}, 1)):
        saved = Path(tempfile.mkdtemp()) / "saved.onnx"
        made = options(keys, optimized_model_filepath=str(saved), graph_optimization_level=level)
        session(content.SerializeToString(), made)
        assert len(onnx.load(saved).graph.node) == left


if __name__ == "__main__":
    main(globals())

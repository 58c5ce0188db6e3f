"""What the pages say of graph optimisation and of what a model may be."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime as ort
from showing import error, log, main, options, session


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

    proto = onnx.load(model)
    refused = ""
    for version in range(20, 99):
        proto.opset_import[0].version = version
        try:
            session(proto.SerializeToString())
        except Exception as found:  # noqa: BLE001  the binding's exceptions have no common base
            refused = str(found)
            break
    assert "official" in refused
    key = "session.allow_released_opsets_only"
    newest = proto.SerializeToString()
    for value in ("0", "1"):
        assert "official" in error(lambda value=value: session(newest, options({key: value})))
    code = "import sys, onnxruntime as o; o.InferenceSession(sys.stdin.buffer.read(), enable_fallback=0)"
    env = {**os.environ, "ALLOW_RELEASED_ONNX_OPSET_ONLY": "0"}
    subprocess.run([sys.executable, "-I", "-c", code], input=newest, env=env, capture_output=True, check=True)


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

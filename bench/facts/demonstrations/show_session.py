"""What the pages say of options in general, of logs, profiles and errors, of optimisation and what a model may be."""

from __future__ import annotations

import inspect
import os
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper
from onnxruntime.quantization import QuantType, quantize_static
from showing import CPU, FEED, elsewhere, error, folder, graph, log, options, refusal, saved, session, threads


def shows_options_keyword__options_are_copied(model: str) -> None:
    wanted = options(intra_op_num_threads=5)
    ignored = ort.InferenceSession(model, options=wanted, providers=CPU)
    assert ignored.get_session_options().intra_op_num_threads == 0
    made = session(model, wanted)
    wanted.intra_op_num_threads = 1
    assert made.get_session_options().intra_op_num_threads == 5


def shows_misspelt_key(model: str) -> None:
    key, run_options = "session.intra_op.allow_spining", ort.RunOptions()
    made = options({key: "0"})
    session(model, made)
    assert made.get_session_config_entry(key) == "0"
    run_options.add_run_config_entry("memory.enable_arena_shrinkage", "cpu:0")
    session(model).run(None, FEED, run_options)
    for name in ("enable_cpu_mem_area", "enable_parallel_execution"):
        assert "AttributeError" in error(lambda name=name: options(**{name: False}))
    unset = "session.disable_prepacking"
    assert "RuntimeError" in error(lambda: ort.SessionOptions().get_session_config_entry(unset))
    assert "RuntimeError" in error(lambda: ort.RunOptions().get_run_config_entry(unset))


def shows_default_logger(model: str) -> None:
    """And the defaults of config keys that ORT tells in its log."""
    with log() as lines:
        session(model, options(log_severity_level=1))
    text = "\n".join(lines)
    assert "allow_spinning: 1 spin_duration_us: -1 spin_backoff_max: 1 dynamic_block_base_: 0" in text
    assert "set_denormal_as_zero: 0" in text
    assert "Graph Optimizations Loop Level : 1" in text
    keys = {"session.intra_op_thread_affinities": "60000"}
    quiet = options(keys, intra_op_num_threads=2, log_severity_level=4)
    with log() as lines:
        session(model, quiet)
    assert any("60000 does not exist" in line for line in lines)
    ort.set_default_logger_severity(4)
    with log() as lines:
        session(model, quiet)
    assert not lines


def shows_profile_file(model: str) -> None:
    traces = folder()
    made = session(model, options(enable_profiling=True, profile_file_prefix=str(traces / "trace")))
    made.run(None, FEED)
    (file,) = traces.iterdir()
    assert file.stat().st_size == 0
    assert Path(made.end_profiling()) == file
    assert file.stat().st_size > 1000
    assert made.end_profiling() == ""


def shows_model_overrides(model: str) -> None:
    proto, written = onnx.load(model), options(intra_op_num_threads=1)
    helper.set_model_props(proto, {"ort_config": '{"session_options": {"intra_op_num_threads": 3}}'})
    assert session(proto, written).get_session_options().intra_op_num_threads == 1
    os.environ["ORT_LOAD_CONFIG_FROM_MODEL"] = "1"
    before = threads()
    made = session(proto, written)
    assert made.get_session_options().intra_op_num_threads == 3
    assert threads() - before == 2


def shows_two_errors__cpu_fallback(model: str) -> None:
    wrong, printed = options(log_severity_level=5), StringIO()
    with redirect_stdout(printed):
        error(lambda: ort.InferenceSession(model, sess_options=wrong, providers=CPU))
        twice = printed.getvalue()
        assert "severity level" in error(lambda: session(model, wrong))
    assert "Falling back" in twice
    assert printed.getvalue() == twice
    key = "session.disable_cpu_ep_fallback"
    assert "Conflicting session configuration" in refusal(model, {key: "1"})


def shows_optimizer_separator(model: str) -> None:
    def applied(value: str) -> bool:
        made = options({"optimization.disable_specified_optimizers": value}, log_severity_level=1)
        with log() as lines:
            session(model, made)
        return any("GraphTransformer ConstantFolding " in line for line in lines)

    assert not applied("ConstantFolding;GeluFusionL2")
    assert applied("ConstantFolding,GeluFusionL2")
    assert applied("ConstantFoldin")
    # A node whose output size cannot be told beforehand is folded only without a limit.
    cast = {"to": onnx.TensorProto.FLOAT}
    nodes = [("GreaterOrEqual", ["a", "b"], "c"), ("Cast", ["c"], "d", cast), ("Add", ["x", "d"], "y")]
    ones = dict.fromkeys("ab", np.ones(4, np.float32))
    proto = graph(nodes, {"x": [4]}, {"y": [4]}, ones, opset=12)
    key = "optimization.constant_folding_max_output_size_in_bytes"
    for keys, left in (({}, 3), ({key: "0"}, 1)):
        assert len(onnx.load(saved(proto, "ORT_ENABLE_BASIC", keys)).graph.node) == left


def shows_optimized_model(model: str) -> None:
    path = folder() / "saved.onnx"
    made = options(optimized_model_filepath=str(path), log_severity_level=3)
    session(model, made)
    path.write_bytes(b"")
    session(model, made)
    assert path.stat().st_size > 0


def shows_opset_key(model: str) -> None:
    key, proto, newest = "session.allow_released_opsets_only", onnx.load(model), folder() / "newest.onnx"
    for version in range(20, 99):
        proto.opset_import[0].version = version
        if told := refusal(proto):
            break
    onnx.save(proto, newest)
    assert "official released" in told
    assert refusal(proto, {key: "1"}) == told
    let_through = refusal(proto, {key: "0"})
    assert "No Op registered" in let_through
    found = elsewhere(refusal_of, str(newest), {key: "1"}, ALLOW_RELEASED_ONNX_OPSET_ONLY="0")
    assert found == let_through


def refusal_of(path: str, keys: dict[str, str]) -> str:
    return refusal(Path(path).read_bytes(), keys)


def shows_optimised_values(model: str) -> None:
    """Zeros around negative numbers win the MaxPool, fused or not."""
    nodes = [("Pad", ["x", "pads"], "padded"), ("MaxPool", ["padded"], "y", {"kernel_shape": [2, 2]})]
    pads = {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}
    content = graph(nodes, {"x": [1, 1, 3, 3]}, {"y": [1, 1, 4, 4]}, pads).SerializeToString()
    feed = {"x": -np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)}

    def output(level: str, *disabled: str) -> np.ndarray:
        made = options(graph_optimization_level=level)
        plain = {"sess_options": made, "providers": CPU, "enable_fallback": 0}
        return ort.InferenceSession(content, **plain, disabled_optimizers=disabled).run(None, feed)[0]

    right = output("ORT_DISABLE_ALL")
    assert right[0, 0, 0, 0] == 0
    assert (output("ORT_ENABLE_ALL", "Pad_Fusion") == right).all()
    for level in ("ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"):
        assert (output(level) == right).all(), level


def shows_key_values(model: str) -> None:
    """Which are refused; `qmoe_deferred_scale` takes anything."""
    policy = "session.kernel_dispatch_policy"
    for value in ("auto", "latency", "memory", "safe"):
        session(model, options({policy: value}))
    assert all("one of 'auto'" in refusal(model, {policy: value}) for value in ("fast", "Auto"))
    session(model, options({"ep.cpu.qmoe_deferred_scale": "nonsense"}))
    body = graph([("Add", ["a", "a"], "c"), ("Mul", ["c", "a"], "b")], {}, {}).graph.node
    own = {"domain": "own"}
    proto = graph([("F", ["x"], "p", own), ("F", ["p"], "y", own)], {"x": [4]}, {"y": [4]})
    proto.functions.append(helper.make_function("own", "F", ["a"], ["b"], body, proto.opset_import))
    proto.opset_import.append(helper.make_opsetid("own", 1))
    onnx.checker.check_model(proto)
    session(proto)
    for unit in ("node", "byte"):
        key = f"session.function_expansion_{unit}_limit"
        assert "expansion limit" in refusal(proto, {key: "1"})
        assert "positive integer" in refusal(proto, {key: "0"})
        session(proto, options({key: "1000000"}))


def shows_quantize_static(model: str) -> None:
    defaults = inspect.signature(quantize_static).parameters
    assert [defaults[name].default for name in ("activation_type", "weight_type")] == [QuantType.QInt8] * 2

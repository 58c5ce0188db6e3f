"""What the pages say of the arena, of weights and of the keys that concern them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from showing import FEED, TENSOR_BYTES, error, graph, log, main, options, session


def trace_of(model: str, keys: dict[str, str]) -> str:
    """The options as ORT itself lists them, without the config keys."""
    with log() as lines:
        session(model, options(keys, log_severity_level=1))
    line = next(line for line in lines if "Session Options {" in line)
    return line.partition("Session Options {")[2].partition("config_options")[0]


def regions(model: str, keys: dict[str, str]) -> list[int]:
    """Sizes in bytes of the regions that the arena asks for."""
    with log() as lines:
        session(model, options(keys)).run(None, FEED)
    return [int(line.split()[-2]) for line in lines if "Extended allocation by" in line]


def shows_attribute_as_key(model: str) -> None:
    keys = {
        "session.enable_cpu_mem_arena": "0",
        "session.enable_mem_pattern": "0",
        "session.enable_profiling": "trace",
        "session.execution_mode": "parallel",
        "session.graph_optimization_level": "disable_all",
        "session.inter_op_num_threads": "3",
        "session.intra_op_num_threads": "3",
        "session.log_id": "someone",
        "session.log_severity_level": "4",
        "session.log_verbosity_level": "2",
        "session.optimized_model_filepath": "saved.onnx",
        "session.use_deterministic_compute": "1",
        "session.use_per_session_threads": "0",
    }
    assert trace_of(model, keys) == trace_of(model, {})


def shows_provider_options(model: str) -> None:
    ort.set_default_logger_severity(1)
    given = [("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested", "no_such": "1"})]
    with log() as lines:
        made = ort.InferenceSession(model, providers=given)
    assert made.get_provider_options() == {"CPUExecutionProvider": {}}
    assert any("arena_extend_strategy: 0" in line for line in lines)


def shows_arena_extend_strategy(model: str) -> None:
    ort.set_default_logger_severity(1)
    by_powers = regions(model, {})
    kind, memory = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, ort.OrtMemType.DEFAULT
    config = ort.OrtArenaCfg({"arena_extend_strategy": 1})
    ort.create_and_register_allocator(ort.OrtMemoryInfo("Cpu", kind, 0, memory), config)
    exact = regions(model, {"session.use_env_allocators": "1"})
    assert TENSOR_BYTES in exact
    assert TENSOR_BYTES not in by_powers
    assert all(size & (size - 1) == 0 for size in by_powers)
    assert "nonsense" in error(lambda: ort.OrtArenaCfg({"nonsense": 1}))


def shows_shrinkage(model: str) -> None:
    key = {"memory.enable_memory_arena_shrinkage": "cpu:0"}
    session(model, options(key, enable_cpu_mem_arena=False)).run(None, FEED)
    run_options = ort.RunOptions()
    run_options.add_run_config_entry(*next(iter(key.items())))
    without = session(model, options(enable_cpu_mem_arena=False))
    assert "INVALID_ARGUMENT" in error(lambda: without.run(None, FEED, run_options))
    ort.set_default_logger_severity(0)
    with log() as lines:
        session(model).run(None, FEED, run_options)
    assert any("shrunk by" in line for line in lines)


def shows_external_minimum(model: str) -> None:
    """The smallest weights that go to the external file when no size is set."""
    sizes = (255, 256)
    weights = {f"w{size}": np.ones(size, np.float32) for size in sizes}
    nodes = [("Mul", ["x", f"w{size}"], f"y{size}") for size in sizes]
    proto = graph(nodes, {"x": [1]}, {f"y{size}": [size] for size in sizes}, weights)
    saved = Path(tempfile.mkdtemp()) / "saved.onnx"
    key = {"session.optimized_model_external_initializers_file_name": "saved.bin"}
    level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    made = options(key, optimized_model_filepath=str(saved), graph_optimization_level=level)
    session(proto.SerializeToString(), made)
    kept = onnx.load(saved, load_external_data=False).graph.initializer
    outside = {one.name: one.data_location == onnx.TensorProto.EXTERNAL for one in kept}
    assert outside == {"w255": False, "w256": True}


def shows_borrowed_buffers(model: str) -> None:
    """Weights handed over in memory: copied, unless the key says otherwise."""
    folder = Path(tempfile.mkdtemp())
    proto = graph([("Mul", ["x", "w"], "z")], {"x": [1, 64]}, {"z": [1, 64]}, {"w": np.ones(64, np.float32)})
    onnx.save(proto, folder / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    content = (folder / "m.onnx").read_bytes()
    key = "session.use_external_initializer_file_buffers_directly"
    ones = {"x": np.ones((1, 64), np.float32)}
    for keys, expected in (({}, 1.0), ({key: "0"}, 1.0), ({key: "1"}, 5.0)):
        buffer = bytearray((folder / "w.bin").read_bytes())
        made = options(keys)
        made.add_external_initializers_from_files_in_memory(["w.bin"], [buffer], [len(buffer)])
        held = session(content, made)
        np.frombuffer(buffer, np.float32)[:] = 5
        assert held.run(None, ones)[0][0, 0] == expected


if __name__ == "__main__":
    main(globals())

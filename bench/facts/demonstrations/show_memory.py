"""What the pages say of the arena, of weights, of malloc and of the keys that concern them."""

from __future__ import annotations

import ctypes
import gc
import resource
import time
from pathlib import Path
from statistics import median
from subprocess import CalledProcessError

import numpy as np
import onnx
import onnxruntime as ort
from showing import FEED, TENSOR_BYTES, elsewhere, error, folder, graph, log, options, saved, session

SIDE, LAYERS = 1024, 8
ALL_MIB = SIDE * SIDE * 4 * LAYERS / 2**20
DIRECTLY = "session.use_ort_model_bytes_directly"
BORROW = "session.use_ort_model_bytes_for_initializers"
MAPPED = "session.use_memory_mapped_ort_model"
NO_PREPACKING = "session.disable_prepacking"
TRIM, MMAP = "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"


def shows_attribute_as_key(model: str) -> None:
    def traced(keys: dict[str, str]) -> str:
        """The options as ORT itself lists them, without the config keys."""
        with log() as lines:
            session(model, options(keys, log_severity_level=1))
        line = next(line for line in lines if "Session Options {" in line)
        return line.partition("Session Options {")[2].partition("config_options")[0]

    keys = {
        "enable_cpu_mem_arena": "0", "enable_mem_pattern": "0", "enable_profiling": "trace", "execution_mode": "parallel",
        "graph_optimization_level": "disable_all", "inter_op_num_threads": "3", "intra_op_num_threads": "3",
        "log_id": "someone", "log_severity_level": "4", "log_verbosity_level": "2", "use_deterministic_compute": "1",
        "optimized_model_filepath": "saved.onnx", "use_per_session_threads": "0",
    }  # fmt: skip
    assert traced({f"session.{name}": value for name, value in keys.items()}) == traced({})


def shows_provider_options__arena_extend_strategy(model: str) -> None:
    def regions(keys: dict[str, str]) -> list[int]:
        """Sizes in bytes of what the arena asks for."""
        with log() as lines:
            session(model, options(keys)).run(None, FEED)
        return [int(line.split()[-2]) for line in lines if "Extended allocation by" in line]

    ort.set_default_logger_severity(1)
    given = [("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested", "no_such": "1"})]
    with log() as lines:
        made = ort.InferenceSession(model, providers=given)
    assert made.get_provider_options() == {"CPUExecutionProvider": {}}
    assert any("arena_extend_strategy: 0" in line for line in lines)
    by_powers = regions({})
    kind, memory = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, ort.OrtMemType.DEFAULT
    config = ort.OrtArenaCfg({"arena_extend_strategy": 1})
    ort.create_and_register_allocator(ort.OrtMemoryInfo("Cpu", kind, 0, memory), config)
    exact = regions({"session.use_env_allocators": "1"})
    assert TENSOR_BYTES in exact
    assert TENSOR_BYTES not in by_powers
    assert all(size & (size - 1) == 0 for size in by_powers)
    assert "nonsense" in error(lambda: ort.OrtArenaCfg({"nonsense": 1}))


def shows_shrinkage(model: str) -> None:
    key, run_options = "memory.enable_memory_arena_shrinkage", ort.RunOptions()
    session(model, options({key: "cpu:0"}, enable_cpu_mem_arena=False)).run(None, FEED)
    run_options.add_run_config_entry(key, "cpu:0")
    without = session(model, options(enable_cpu_mem_arena=False))
    assert "INVALID_ARGUMENT" in error(lambda: without.run(None, FEED, run_options))
    ort.set_default_logger_severity(0)
    with log() as lines:
        session(model).run(None, FEED, run_options)
    assert any("shrunk by" in line for line in lines)


def external(proto: onnx.ModelProto) -> Path:
    """A model whose weights stand in `w.bin` beside it."""
    path = folder() / "m.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


def shows_external_weights(model: str) -> None:
    """The smallest that go to the file when no size is set; handed over in memory, copied unless a key says otherwise."""
    weights = {f"w{size}": np.ones(size, np.float32) for size in (255, 256)}
    nodes = [("Mul", ["x", name], f"y{name}") for name in weights]
    proto = graph(nodes, {"x": [1]}, {f"y{name}": [one.size] for name, one in weights.items()}, weights)
    key = {"session.optimized_model_external_initializers_file_name": "saved.bin"}
    kept = onnx.load(saved(proto, "ORT_ENABLE_BASIC", key), load_external_data=False).graph.initializer
    outside = {one.name: one.data_location == onnx.TensorProto.EXTERNAL for one in kept}
    assert outside == {"w255": False, "w256": True}
    ones = np.ones((1, 64), np.float32)
    path = external(graph([("Mul", ["x", "w"], "z")], {"x": [1, 64]}, {"z": [1, 64]}, {"w": ones[0]}))
    directly = "session.use_external_initializer_file_buffers_directly"
    for keys, expected in (({}, 1.0), ({directly: "0"}, 1.0), ({directly: "1"}, 5.0)):
        buffer, made = bytearray(path.with_name("w.bin").read_bytes()), options(keys)
        made.add_external_initializers_from_files_in_memory(["w.bin"], [buffer], [len(buffer)])
        held = session(path.read_bytes(), made)
        np.frombuffer(buffer, np.float32)[:] = 5
        assert held.run(None, {"x": ones})[0][0, 0] == expected


def chain(side: int, layers: int) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    weights = {f"w{n}": random.standard_normal((side, side), np.float32) / side**0.5 for n in range(layers)}
    nodes = [("MatMul", [f"h{n}" if n else "x", f"w{n}"], f"h{n + 1}") for n in range(layers)]
    return graph(nodes, {"x": ["n", side]}, {f"h{layers}": ["n", side]}, weights)


def as_ort(proto: onnx.ModelProto) -> str:
    return str(saved(proto, "ORT_ENABLE_EXTENDED", name="saved.ort"))


def shows_model_bytes(model: str) -> None:
    """Together the two keys crash or give wrong numbers; a mapped file does what they promise."""
    for side in (64, 512):
        proto = chain(side, 4)
        path, ones = as_ort(proto), {"x": np.ones((2, side), np.float32)}
        right = session(proto).run(None, ones)[0]
        assert right_from_bytes(path, right)
        assert not right_from_bytes(path, right, DIRECTLY, BORROW)
        assert not right_from_bytes(path, right, DIRECTLY, BORROW, NO_PREPACKING)
        mapped = session(path, options({MAPPED: "1", BORROW: "1"}))
        assert np.allclose(mapped.run(None, ones)[0], right, atol=1e-3)


def right_from_bytes(path: str, right: np.ndarray, *keys: str) -> bool:
    output = folder() / "output.npy"
    try:
        elsewhere(from_bytes, path, str(output), keys)
    except CalledProcessError:
        return False
    return np.allclose(np.load(output), right, atol=1e-3)


def from_bytes(path: str, output: str, keys: list[str]) -> None:
    content = Path(path).read_bytes()
    made = session(content, options(dict.fromkeys(keys, "1")))
    _others = [bytearray(len(content)) for _ in range(20)]  # whatever a program needs meanwhile
    side = made.get_inputs()[0].shape[1]
    np.save(output, made.run(None, {"x": np.ones((2, side), np.float32)})[0])


def own_mib() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon:"))


def kept_mib(model: str | Path, *keys: str) -> float:
    """What a session keeps, what malloc has left over given back."""
    ctypes.CDLL(None).malloc_trim(0)
    before = own_mib()
    _made = session(str(model), options(dict.fromkeys(keys, "1"), intra_op_num_threads=1))
    ctypes.CDLL(None).malloc_trim(0)
    return own_mib() - before


def shows_prepacking(model: str) -> None:
    """Left out, it saves memory only where the weights are mapped and not copied, and makes MatMul slower."""
    path = as_ort(chain(SIDE, LAYERS))
    for keys in ((), (BORROW,), (BORROW, NO_PREPACKING), (MAPPED,), (MAPPED, BORROW)):
        assert kept_mib(path, *keys) > 0.8 * ALL_MIB, keys
    assert kept_mib(path, MAPPED, BORROW, NO_PREPACKING) < 0.3 * ALL_MIB
    inside, outside = large(), external(chain(SIDE, LAYERS))
    assert kept_mib(inside) < 1.2 * ALL_MIB
    assert kept_mib(inside, NO_PREPACKING) > 0.8 * ALL_MIB
    assert kept_mib(outside) > 0.8 * ALL_MIB
    assert kept_mib(outside, NO_PREPACKING) < 0.3 * ALL_MIB
    both = [session(inside, options(keys, intra_op_num_threads=1)) for keys in ({}, {NO_PREPACKING: "1"})]
    feed, times = {"x": np.ones((8, SIDE), np.float32)}, ([], [])
    for _ in range(20):
        for made, taken in zip(both, times, strict=True):
            start = time.perf_counter()
            made.run(None, feed)
            taken.append(time.perf_counter() - start)
    assert median(times[1]) > 1.3 * median(times[0])


def large() -> str:
    path = folder() / "large.onnx"
    onnx.save(chain(SIDE, LAYERS), path)
    return str(path)


def shows_trim_threshold(model: str) -> None:
    """With a threshold set: no arena, and every run has to ask for its pages again; but gone sessions leave less."""
    usual = min(elsewhere(faults_per_run, model, False) for _ in range(3))  # what is last in the heap is luck
    for name, value in ((TRIM, "131072"), (TRIM, "100000000"), (MMAP, "131072")):
        assert elsewhere(faults_per_run, model, False, **{name: value}) > 3 * usual + TENSOR_BYTES / 4096
        assert elsewhere(faults_per_run, model, True, **{name: value}) < 20
    path = large()
    left = elsewhere(left_mib, path)
    assert left > 16
    assert elsewhere(left_mib, path, **{TRIM: "131072"}) < left / 3


def faults_per_run(model: str, arena: bool) -> float:  # noqa: FBT001
    made = session(model, options(intra_op_num_threads=1, enable_cpu_mem_arena=arena))

    def faults(runs: int) -> int:
        for _ in range(runs):
            made.run(None, FEED)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    before = faults(30)  # glibc's own threshold rises with what is freed
    return (faults(20) - before) / 20


def left_mib(model: str) -> float:
    before = own_mib()
    for _ in range(3):
        session(model).run(None, {"x": np.zeros((8, SIDE), np.float32)})
        gc.collect()
    return own_mib() - before

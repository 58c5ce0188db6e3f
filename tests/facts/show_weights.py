"""What the pages say of weights: bytes that are not copied, mapped files, prepacking."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import onnxruntime as ort
from showing import graph, main, options, session

SIDE, LAYERS = 1024, 8
ALL_MIB = SIDE * SIDE * 4 * LAYERS / 2**20
DIRECTLY = "session.use_ort_model_bytes_directly"
BORROW = "session.use_ort_model_bytes_for_initializers"
MAPPED = "session.use_memory_mapped_ort_model"
NO_PREPACKING = "session.disable_prepacking"
FROM_BYTES = """
import sys
from pathlib import Path
import numpy as np, onnxruntime as ort

options = ort.SessionOptions()
for key in sys.argv[3:]:
    options.add_session_config_entry(key, "1")
content = Path(sys.argv[1]).read_bytes()
session = ort.InferenceSession(
    content, sess_options=options, providers=["CPUExecutionProvider"], enable_fallback=0
)
others = [bytearray(len(content)) for _ in range(20)]  # whatever a program needs meanwhile
side = session.get_inputs()[0].shape[1]
np.save(sys.argv[2], session.run(None, {"x": np.ones((2, side), np.float32)})[0])
"""


def chain(side: int, layers: int) -> onnx.ModelProto:
    """Matrix products one after the other."""
    random = np.random.default_rng(0)
    weights = {f"w{n}": random.standard_normal((side, side), np.float32) / side**0.5 for n in range(layers)}
    nodes = [("MatMul", [f"h{n}" if n else "x", f"w{n}"], f"h{n + 1}") for n in range(layers)]
    return graph(nodes, {"x": ["n", side]}, {f"h{layers}": ["n", side]}, weights)


def as_ort(proto: onnx.ModelProto) -> Path:
    saved = Path(tempfile.mkdtemp()) / "saved.ort"
    level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    session(
        proto.SerializeToString(),
        options(optimized_model_filepath=str(saved), graph_optimization_level=level),
    )
    return saved


def right_from_bytes(saved: Path, right: np.ndarray, *keys: str) -> bool:
    """Whether a program of its own lives and says the right thing."""
    output = saved.with_name("output.npy")
    command = [sys.executable, "-I", "-c", FROM_BYTES, str(saved), str(output), *keys]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    return done.returncode == 0 and np.allclose(np.load(output), right, atol=1e-3)


def anonymous_mib(model: Path, *keys: str) -> float:
    """Memory of its own that a session keeps, what malloc has left over given back."""
    before = _anonymous_mib()
    made = session(str(model), options(dict.fromkeys(keys, "1"), intra_op_num_threads=1))
    kept = _anonymous_mib() - before
    del made
    return kept


def _anonymous_mib() -> float:
    ctypes.CDLL(None).malloc_trim(0)
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon:"))


def shows_model_bytes(model: str) -> None:
    """Together the two keys crash or give wrong numbers; a mapped file does what they promise."""
    for side in (64, 512):
        proto = chain(side, 4)
        saved, ones = as_ort(proto), np.ones((2, side), np.float32)
        right = session(proto.SerializeToString()).run(None, {"x": ones})[0]
        assert right_from_bytes(saved, right)
        assert not right_from_bytes(saved, right, DIRECTLY, BORROW)
        assert not right_from_bytes(saved, right, DIRECTLY, BORROW, NO_PREPACKING)
        mapped = session(str(saved), options({MAPPED: "1", BORROW: "1"}))
        assert np.allclose(mapped.run(None, {"x": ones})[0], right, atol=1e-3)


def shows_mapped_weights(model: str) -> None:
    """A mapped file saves memory only when the weights are neither copied nor packed."""
    saved = as_ort(chain(SIDE, LAYERS))
    for keys in ((), (BORROW,), (BORROW, NO_PREPACKING), (MAPPED,), (MAPPED, BORROW)):
        assert anonymous_mib(saved, *keys) > 0.8 * ALL_MIB, keys
    assert anonymous_mib(saved, MAPPED, BORROW, NO_PREPACKING) < 0.3 * ALL_MIB


def shows_prepacking(model: str) -> None:
    """Left out, it saves memory only where the weights are mapped, and makes MatMul slower."""
    folder = Path(tempfile.mkdtemp())
    inside, outside = folder / "inside.onnx", folder / "outside.onnx"
    onnx.save(chain(SIDE, LAYERS), inside)
    onnx.save(chain(SIDE, LAYERS), outside, save_as_external_data=True, location="w.bin", size_threshold=0)
    assert anonymous_mib(inside) < 1.2 * ALL_MIB
    assert anonymous_mib(inside, NO_PREPACKING) > 0.8 * ALL_MIB
    assert anonymous_mib(outside) > 0.8 * ALL_MIB
    assert anonymous_mib(outside, NO_PREPACKING) < 0.3 * ALL_MIB
    assert _slower_without(str(inside)) > 1.3


def _slower_without(model: str) -> float:
    """Latency without prepacking over that with it, on few rows, measured in turn."""
    both = [session(model, options(keys, intra_op_num_threads=1)) for keys in ({}, {NO_PREPACKING: "1"})]
    feed = {"x": np.ones((8, SIDE), np.float32)}
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(20):
        for made, taken in zip(both, times, strict=True):
            start = time.perf_counter()
            made.run(None, feed)
            taken.append(time.perf_counter() - start)
    return median(times[1]) / median(times[0])


if __name__ == "__main__":
    main(globals())

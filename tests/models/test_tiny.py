from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.models.tiny import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEDIAN_MS = """
import statistics, sys, time, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
feed, times = {"x": numpy.load(sys.argv[2])}, []
for _ in range(300):
    start = time.perf_counter()
    session.run(None, feed)
    times.append(time.perf_counter() - start)
print(1000 * statistics.median(times))
"""


def test_a_run_takes_less_than_a_millisecond(
    tmp_path: Path, built: Callable[[str], bytes], in_child: Callable[..., str]
) -> None:
    (tmp_path / "model.onnx").write_bytes(built("tiny"))
    np.save(tmp_path / "input.npy", np.asarray(MODEL.make_input(((16, 256),))))
    assert float(in_child(MEDIAN_MS, str(tmp_path / "model.onnx"), str(tmp_path / "input.npy"))) < 1

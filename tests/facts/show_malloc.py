"""What the pages say of the thresholds of glibc's malloc."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
from show_weights import chain
from showing import TENSOR_BYTES, elsewhere, main

TRIM, MMAP = "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"
FAULTS_PER_RUN = """
import resource, sys, numpy as np, onnxruntime as ort

options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.enable_cpu_mem_arena = sys.argv[2] == "arena"
session = ort.InferenceSession(sys.argv[1], sess_options=options, providers=["CPUExecutionProvider"])
feed = {"x": np.zeros((5000, 64), np.float32)}
for _ in range(5):
    session.run(None, feed)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    session.run(None, feed)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""
LEFT_MIB = """
import gc, sys
from pathlib import Path
import numpy as np, onnxruntime as ort

def own():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon:"))

before = own()
for _ in range(3):
    session = ort.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
    session.run(None, {"x": np.zeros((8, 1024), np.float32)})
    del session
    gc.collect()
print(own() - before)
"""


def shows_trim_threshold(model: str) -> None:
    """Pages that every run has to ask for again: nearly all, with a threshold set and no arena."""
    usual = elsewhere(FAULTS_PER_RUN, model, "none")
    for name, value in ((TRIM, "131072"), (TRIM, "100000000"), (MMAP, "131072")):
        assert elsewhere(FAULTS_PER_RUN, model, "none", **{name: value}) > 3 * usual + TENSOR_BYTES / 4096
        assert elsewhere(FAULTS_PER_RUN, model, "arena", **{name: value}) < 20


def shows_released_session(model: str) -> None:
    """What is left of sessions that are gone: much less with the threshold set."""
    large = str(Path(tempfile.mkdtemp()) / "large.onnx")
    onnx.save(chain(1024, 8), large)
    left = elsewhere(LEFT_MIB, large)
    assert left > 16
    assert elsewhere(LEFT_MIB, large, **{TRIM: "131072"}) < left / 3


if __name__ == "__main__":
    main(globals())

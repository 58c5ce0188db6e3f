"""memory_profiler's line table of one inference, as the article of 2022 made it.

Run as `python -I line_memory.py`, job on stdin, the table as JSON on stdout: {"table": lines}.
"""

from __future__ import annotations

import io
import json
import os
import sys

import numpy as np
import onnxruntime as ort
from memory_profiler import profile


def infer(model, options, feed):
    session = ort.InferenceSession(model, sess_options=options)
    return session.run(None, feed)


def main() -> None:
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.buffer.readline())
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL: never outlive the parent
    options = ort.SessionOptions()
    for name, value in job["settings"].items():
        setattr(options, name, value)
    feed = {job["input_name"]: np.load(job["input"])}
    table = io.StringIO()
    profile(infer, stream=table, precision=1)(job["model"], options, feed)
    with channel:
        json.dump({"table": table.getvalue().strip().splitlines()}, channel)


if __name__ == "__main__":
    main()

"""What every maker does before and after: the job read, a failure told."""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path


def run(make, file):
    """Call `make(source, target)`; whatever goes wrong is the last line on stderr, and the status is 1."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL: never outlive the parent
    job = json.loads(sys.stdin.buffer.readline())
    try:
        make(Path(job["source"]), Path(job["folder"]) / file)
    except Exception as error:  # noqa: BLE001 - the parent is told, whatever it was
        sys.exit(f"{type(error).__name__}: {error}")
    print("{}")

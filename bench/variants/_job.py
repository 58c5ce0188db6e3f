"""Makes one other file in a process of its own: the job read, the maker called, a failure told."""

from __future__ import annotations

import ctypes
import json
import sys
from importlib import import_module
from pathlib import Path


def main():
    """Whatever goes wrong is the last line on stderr, and the status is 1."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL: never outlive the parent
    job = json.loads(sys.stdin.buffer.readline())
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        maker = import_module(job["variant"])
        samples = (_samples(job["calibration"]),) if hasattr(maker, "CALIBRATED") else ()
        maker.make(Path(job["source"]), Path(job["folder"]) / maker.FILE, *samples)
    except Exception as error:  # noqa: BLE001 - the parent is told, whatever it was
        sys.exit(f"{type(error).__name__}: {error}")
    print("{}")


def _samples(files):
    import _given

    return _given.samples(files)


if __name__ == "__main__":
    main()

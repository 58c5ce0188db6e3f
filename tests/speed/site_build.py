"""Seconds of the mkdocs part of `bench site`, evidence pages included. Aim: at most 5 s.

Needs results (`python -m bench run`); old ones will do. Run by hand, machine idle; a first run warms the caches.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.site import build
from bench.system.folders import ROOT

RUNS = 5


def seconds(target: Path) -> tuple[float, float]:
    """Of one build: on the clock, and on the processors."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    build.render(ROOT / "mkdocs.yml", target)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    subprocess.run(
        [sys.executable, "-m", "bench", "export", "--stale-ok"], check=True, stdout=subprocess.DEVNULL
    )
    with tempfile.TemporaryDirectory() as folder:
        _, *runs = (seconds(Path(folder) / str(run)) for run in range(RUNS + 1))
    wall, cpu = (median(times) for times in zip(*runs, strict=True))
    print(f"mkdocs takes {wall:.2f} s, of which {cpu:.2f} s on processors")


if __name__ == "__main__":
    main()

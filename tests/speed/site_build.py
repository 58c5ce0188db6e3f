"""Seconds of the mkdocs part of `bench site`, evidence pages included. Aim: at most 5 s.

Needs results (`python -m bench run`); old ones will do. Run by hand, machine idle; a first run warms the caches.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.site import build
from bench.system.folders import ROOT

RUNS = 5


def main() -> None:
    command, runs = [sys.executable, "-m", "bench", "export", "--stale-ok"], []
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for _ in range(RUNS + 1):
        with tempfile.TemporaryDirectory() as folder:
            before = os.times()
            build.render(ROOT / "mkdocs.yml", Path(folder) / "site")
            runs.append([after - earlier for after, earlier in zip(os.times(), before, strict=True)])
    wall, cpu = median(run[4] for run in runs[1:]), median(sum(run[2:4]) for run in runs[1:])
    print(f"mkdocs takes {wall:.2f} s, of which {cpu:.2f} s on processors")


if __name__ == "__main__":
    main()

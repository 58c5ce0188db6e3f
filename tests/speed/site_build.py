"""Time of the mkdocs part with and without executed blocks. Aim: at most 1.5 times, at most 5 s.

Needs valid results (`python -m bench run`). Run by hand, machine idle.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.system.folders import ROOT

RUNS = 5
FENCE = re.compile(r'^```python exec="on".*?^```$', re.MULTILINE | re.DOTALL)


def build_seconds(project: Path) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", str(project / "mkdocs.yml"), "-d", str(project / "out")],
        check=True, capture_output=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    return time.perf_counter() - start


def copy(folder: Path, *, fences: bool) -> Path:
    """The site's sources; without fences also without the hook and the engine."""
    shutil.copytree(ROOT / "docs", folder / "docs")
    (folder / "bench").symlink_to(ROOT / "bench")
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    if not fences:
        for page in (folder / "docs").rglob("*.md"):
            page.write_text(FENCE.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")
        text = text.replace("hooks: [bench/site/hooks.py]\n", "")
        text = text.replace("  - markdown-exec:\n      languages: [python]\n", "")
    (folder / "mkdocs.yml").write_text(text, encoding="utf-8")
    return folder


def main() -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        plain, full = copy(Path(one), fences=False), copy(Path(other), fences=True)
        times: dict[Path, list[float]] = {plain: [], full: []}
        for _ in range(RUNS):
            for project in (plain, full):
                times[project].append(build_seconds(project))
    without, with_fences = median(times[plain]), median(times[full])
    print(f"without fences {without:.2f} s, with {with_fences:.2f} s: {with_fences / without:.2f} times")


if __name__ == "__main__":
    main()

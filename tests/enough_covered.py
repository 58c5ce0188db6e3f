"""Is enough of the measuring and of the results reached by tests? Reads coverage's JSON report; ends with 1 if not.

Run as `python tests/enough_covered.py <report>`, as `nox -s tests` does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

LEAST = 95.0
"""Percent: of the lines of what measures, of the branches of what becomes of results."""
COUNTED = {
    "bench/measure": ("行", "covered_lines", "num_statements"),
    "bench/results": ("分支", "covered_branches", "num_branches"),
}


def main(report: Path) -> int:
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    enough = True
    for folder, (what, reached, counted) in COUNTED.items():
        own = [f["summary"] for name, f in files.items() if Path(name).parent == Path(folder)]
        share = 100 * sum(one[reached] for one in own) / sum(one[counted] for one in own)
        enough = enough and share >= LEAST
        print(f"{folder}：{what}覆盖率 {share:.1f}%，至少要 {LEAST:.0f}%")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

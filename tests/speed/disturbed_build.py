"""Measure beside two busy processes, and look whether anything false is said.

    python tests/speed/disturbed_build.py [EXPERIMENT ...]

A script, not a test: it takes minutes and needs the machine. Identical settings must not be told
apart, the groups must be published without verdicts, and the build must say that it is not to be quoted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.pages.certificates import told
from bench.results.published import Export
from bench.results.trust import standing
from bench.spec import BASELINE, CONTROL
from bench.system.folders import BUILD_VARIABLE, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = 2
SAME = {"log_severity": "level_2"}
"""Cases that spell out the default: another name of the same setting."""


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing but count."""
    loop = [sys.executable, "-c", "while True: pass"]
    started = [subprocess.Popen(loop) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def bench(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "bench", *arguments]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, BUILD_VARIABLE: str(folder)})


def false_verdicts(export: Export) -> list[str]:
    """Verdict words on rows that compare a setting with itself."""
    same = {BASELINE, CONTROL, SAME.get(export.experiment, BASELINE)}
    return [
        f"{row.model} {row.input} {row.case}: {row.verdict}"
        for row in export.rows
        if row.case in same and row.metric == "ratio" and row.verdict in ("faster", "slower")
    ]


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with busy(BUSY):
            bench(folder, "run", *names, "--fresh")
        bench(folder, "export")
        data = folder / "export" / "data"
        read = [Export.model_validate_json((data / f"{name}.json").read_text()) for name in names]
        own = [Export.model_validate_json(path.read_text()) for path in (data / "selftest").glob("*.json")]
    wrong = [text for export in read for text in false_verdicts(export)]
    for group in (group for export in read for group in export.groups):
        print(
            f"{group.model} {group.input}: {group.dirty_rounds}/{group.rounds} dirty, "
            f"A/A {group.noise_floor:.1%}, others {group.noise.others:.0%}, verdicts {group.verdicts}"
        )
    print("false verdicts:", wrong or "none")
    found = standing(read, {one.build.id: one for one in own}, ())
    print(told(found))
    if wrong or found.word != "no":
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:] or ["log_severity", "intra_op_num_threads"])

"""Scripts for other projects: each runs alone, prints one clear line, and says what is so on the installed version."""

from __future__ import annotations

import ast
import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from bench.experiments._versions import VERSIONS
from bench.facts.upstream import SCRIPTS, STATES, faults, state

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = [fault for fault in faults() if fault.file.endswith(".py")]
OURS = {"numpy", "onnx", "onnxruntime"}
THERE, GONE = "STILL THERE", "NOT THERE"
ON_X86 = THERE if platform.machine() in ("x86_64", "AMD64") else ""
CERTAIN = {
    "pad_max_pool": GONE,
    "ort_format_bytes": THERE,
    "model_bytes_kept": THERE,
    "parallel_mode": THERE,
    "rapidocr_options": THERE,
    "denormal_scope": ON_X86,
    "quantize_static_defaults": ON_X86,
    "thread_pinning": THERE if sys.platform == "linux" and (os.cpu_count() or 1) > 1 else "",
}
"""What is so whatever the processor; the others are a matter of time."""
SEEN = re.compile(r"https://github\.com/|no public report known")


def test_every_script_has_a_row_and_carries_a_report_that_anybody_can_file() -> None:
    assert {fault.file for fault in faults()} == {path.name for path in SCRIPTS.iterdir() if path.is_file()}
    for fault in faults():
        assert re.search(r"\nUntil then: \S", fault.report), fault.id
        assert re.search(r"^To: \w", fault.report), fault.id
        assert SEEN.search(fault.report.partition("Seen also: ")[2].splitlines()[0]), fault.id
        assert not re.search(r"[\u3400-\u9fff]", fault.title + fault.report + fault.code), fault.id
        assert len(fault.title) < 140, fault.id


@pytest.mark.parametrize("fault", PYTHON, ids=lambda one: one.id)
def test_a_script_needs_nothing_else_and_prints_one_clear_line(
    fault: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = SCRIPTS / fault.file  # type: ignore[attr-defined]
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]  # type: ignore[union-attr]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= OURS | sys.stdlib_module_names
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    done = subprocess.run(
        [sys.executable, "-I", str(file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    begins = next(one for one in STATES if line.startswith(one))
    assert begins == CERTAIN.get(file.stem) or not CERTAIN.get(file.stem), line
    assert line.endswith(f", onnxruntime {version('onnxruntime')}")
    assert state(line) == STATES[begins]
    assert not any(tmp_path.iterdir())


def test_the_newest_version_that_is_compared_is_the_one_of_this_project() -> None:
    assert version("onnxruntime") == VERSIONS[-1]

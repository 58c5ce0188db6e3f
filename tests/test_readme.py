"""What the README says of adding an experiment, a metric and a way of calling, done word for word in a scratch copy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.system.folders import BUILD_VARIABLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
RECIPE = re.compile(r"^```python\n# (\S+\.py)(?:，加在“(.+)”的下一行)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""Its first line says in which file the code belongs, and where in a file that is there."""
STEPS = re.compile(r"^\*\*(?:实验|指标|调用方式)\*\*：.*\n\n((?:\d\. .*\n)+)", re.MULTILINE)
EXPERIMENT, METRIC = "spin_duration", '"slowest_ms"'
SUBJECT = 'subject=Subject(name="from_bytes")'


def _bench(checkout: Path, *arguments: str) -> str:
    env = {
        **os.environ,
        BUILD_VARIABLE: str(checkout / "build"),
        "PYTHONPATH": "",
        "PYTHONIOENCODING": "utf-8",
    }
    command = [sys.executable, "-m", "bench", *arguments]
    done = subprocess.run(command, cwd=checkout, capture_output=True, encoding="utf-8", check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _follow(checkout: Path) -> None:
    """Put each piece of code where its first line says."""
    for name, after, code in RECIPE.findall(TEXT):
        path = checkout / name
        if after:
            before, line, rest = path.read_text(encoding="utf-8").partition(f"{after}\n")
            assert line, f"{name}: {after}"
            code = f"{before}{line}{code}{rest}"  # noqa: PLW2901
        else:
            assert not path.exists(), name
        path.write_text(code, encoding="utf-8")


def _use_them_all(path: Path) -> None:
    """The last steps of the other two recipes, on the experiment of the first."""
    assert METRIC in TEXT
    assert SUBJECT in TEXT
    code, end = path.read_text(encoding="utf-8"), "    )\n\n\nEXPERIMENT"
    for old, new in (
        ("Proof\n", "Proof, Subject\n"),
        ("columns=(", f"columns=({METRIC}, "),
        (end, f'        Case(id="in_memory", title="从内存打开", {SUBJECT}),\n{end}'),
    ):
        assert code.count(old) == 1, old
        code = code.replace(old, new)
    path.write_text(code, encoding="utf-8")


def test_each_recipe_has_five_steps_and_its_code() -> None:
    assert [len(steps.splitlines()) for steps in STEPS.findall(TEXT)] == [5, 5, 5]
    parts = [name.split("/")[1] for name, _, _ in RECIPE.findall(TEXT)]
    assert parts == ["experiments", "results", "subjects"]


def test_new_experiment_is_measured_with_the_new_metric_and_the_new_way_of_calling(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bench", tmp_path / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    _follow(tmp_path)
    _use_them_all(tmp_path / "bench" / "experiments" / f"{EXPERIMENT}.py")
    assert f"{EXPERIMENT}：线程早点停止空转" in _bench(tmp_path, "list")
    _bench(tmp_path, "run", EXPERIMENT, "--profile", "smoke")
    assert f"{EXPERIMENT}：有效" in _bench(tmp_path, "export")
    path = tmp_path / "build" / "export" / "data" / f"{EXPERIMENT}.json"
    export = json.loads(path.read_text(encoding="utf-8"))
    subjects = {case["id"]: case["subject"] and case["subject"]["name"] for case in export["cases"]}
    assert list(subjects) == ["default", "default_again", "short", "in_memory"]
    assert subjects["in_memory"] == "from_bytes"
    values = {(row["case"], row["metric"]): row["value"] for row in export["rows"]}
    for case in subjects:
        assert values[case, "slowest_ms"] >= values[case, "latency_ms"] > 0

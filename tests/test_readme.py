"""What the README says of adding an experiment, a metric and a way of calling, done word for word in a scratch copy."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from faults.stage import Stage

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
RECIPE = re.compile(r"^```python\n# (\S+\.py)(?:，加在“(.+)”的下一行)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""Its first line says in which file the code belongs, and where in a file that is there."""
STEPS = re.compile(r"^\*\*(?:实验|指标|调用方式)\*\*：.*\n\n((?:\d\. .*\n)+)", re.MULTILINE)
METRIC, SUBJECT, END = '"slowest_ms"', 'subject=Subject(name="from_bytes")', "    )\n\n\nEXPERIMENT"
LAST_STEPS = {
    "Proof\n": "Proof, Subject\n",
    "columns=(": f"columns=({METRIC}, ",
    END: f'        Case(id="in_memory", title="从内存打开", {SUBJECT}),\n{END}',
}
"""Of the other two recipes, on the experiment of the first."""


@pytest.mark.slow
def test_recipes_make_an_experiment_that_is_measured_with_the_new_metric_and_way_of_calling(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, tmp_path, tmp_path)
    stage.env = {"PYTHONPATH": "", "PYTHONIOENCODING": "utf-8"}

    def bench(*arguments: str) -> str:
        done = stage.start(*arguments).wait()
        assert done.status == 0, done.output
        return done.output

    shutil.copytree(ROOT / "bench", tmp_path / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    assert [len(steps.splitlines()) for steps in STEPS.findall(TEXT)] == [5, 5, 5]
    recipes = RECIPE.findall(TEXT)
    assert [name.split("/")[1] for name, _, _ in recipes] == ["experiments", "results", "subjects"]
    for name, after, code in recipes:
        path, before, line, rest = tmp_path / name, "", "", ""
        if after:
            before, line, rest = path.read_text(encoding="utf-8").partition(f"{after}\n")
        assert bool(line) is path.exists(), f"{name}: {after}"
        path.write_text(f"{before}{line}{code}{rest}", encoding="utf-8")
    assert METRIC in TEXT
    assert SUBJECT in TEXT
    path = tmp_path / "bench" / "experiments" / "spin_duration.py"
    code = path.read_text(encoding="utf-8")
    for old, new in LAST_STEPS.items():
        assert code.count(old) == 1, old
        code = code.replace(old, new)
    path.write_text(code, encoding="utf-8")
    assert "spin_duration：线程早点停止空转" in bench("list")
    bench("run", "spin_duration", "--profile", "smoke")
    assert "spin_duration：有效" in bench("export")
    export = json.loads((stage.folders.export / "data" / "spin_duration.json").read_bytes())
    subjects = {case["id"]: (case["subject"] or {}).get("name") for case in export["cases"]}
    assert list(subjects) == ["default", "default_again", "short", "in_memory"]
    assert subjects["in_memory"] == "from_bytes"
    values = {(row["case"], row["metric"]): row["value"] for row in export["rows"]}
    for case in subjects:
        assert values[case, "slowest_ms"] >= values[case, "latency_ms"] > 0
